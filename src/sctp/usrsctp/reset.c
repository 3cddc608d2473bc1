/* Closing streams (RFC 8831 section 6.7, RFC 6525): what is queued goes first, then our outgoing
 * side is reset; the peer answers with a reset of its own, and with both done the id is free.
 * usrsctp keeps one request under way and defers the rest by itself. */
#include <errno.h>
#include <string.h>

#include <usrsctp.h>

#include "base/log.h"
#include "sctp/usrsctp/association.h"

/* Streams in one request, so that it fits into a packet. */
#define MOST_AT_ONCE 64
/* A peer that denies again and again is not asked for ever. */
#define MOST_TRIES 8

bool kith_sctp_channel_ended(const kith_sctp_channel *channel)
{
    return channel->closing == KITH_SCTP_RESET && channel->incoming_reset;
}

static void tell(kith_sctp *sctp, kith_sctp_channel *channel)
{
    if (!kith_list_has(&channel->event))
        kith_list_append(&sctp->events, &channel->event);
}

static void note_outgoing(kith_sctp *sctp, kith_sctp_channel *channel)
{
    channel->closing = KITH_SCTP_RESET;
    kith_list_remove(&channel->in_reset);
    if (kith_sctp_channel_ended(channel))
        tell(sctp, channel);
}

static void note_incoming(kith_sctp *sctp, kith_sctp_channel *channel)
{
    if (channel->incoming_reset)
        return;
    channel->incoming_reset = true;
    if (sctp->partial && sctp->partial->message.stream == channel->out.id)
        kith_sctp_drop_partial(sctp);
    channel->tell_reset =
        channel->closing == KITH_SCTP_OPEN || channel->closing == KITH_SCTP_FLUSHING;
    if (channel->tell_reset || kith_sctp_channel_ended(channel))
        tell(sctp, channel);
}

/* The peer uses an id again only when both resets are done: it has performed ours, and its answer
 * was lost or overtaken. */
void kith_sctp_note_use(kith_sctp *sctp, uint16_t id)
{
    kith_sctp_channel *channel = kith_sctp_channel_find(sctp, id);
    if (channel && channel->incoming_reset && channel->closing == KITH_SCTP_RESETTING)
        note_outgoing(sctp, channel);
}

/* The peer cannot reset streams: both sides count as done. */
static void abandon(kith_sctp *sctp, kith_sctp_channel *channel)
{
    channel->incoming_reset = true;
    note_outgoing(sctp, channel);
}

void kith_sctp_close_excess(kith_sctp *sctp)
{
    for (size_t id = sctp->streams; id < sctp->channel_cap; id++) {
        if (!sctp->channels[id])
            continue;
        kith_sctp_queue_discard(&sctp->queue, &sctp->channels[id]->out);
        abandon(sctp, sctp->channels[id]);
    }
}

void kith_sctp_close_stream(kith_sctp *sctp, uint16_t stream)
{
    kith_sctp_channel *channel =
        stream < sctp->streams ? kith_sctp_channel_get(sctp, stream) : NULL;
    if (!channel || channel->closing != KITH_SCTP_OPEN)
        return;
    channel->closing = KITH_SCTP_FLUSHING;
    kith_list_append(&sctp->resetting, &channel->in_reset);
    sctp->work = true;
}

static void request(kith_sctp *sctp, kith_sctp_channel *const *channels, size_t count)
{
    _Alignas(struct sctp_reset_streams)
        uint8_t space[sizeof(struct sctp_reset_streams) + MOST_AT_ONCE * sizeof(uint16_t)] = {0};
    struct sctp_reset_streams *list = (void *)space;
    list->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    list->srs_number_streams = (uint16_t)count;
    for (size_t i = 0; i < count; i++)
        list->srs_stream_list[i] = channels[i]->out.id;
    size_t len = sizeof *list + count * sizeof(uint16_t);
    int result =
        usrsctp_setsockopt(sctp->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, list, (socklen_t)len);
    int why = result == 0 ? 0 : errno;
    for (size_t i = 0; i < count; i++) {
        kith_sctp_channel *channel = channels[i];
        if (why == 0)
            channel->closing = KITH_SCTP_RESETTING;
        else if (why == EOPNOTSUPP || ++channel->tries >= MOST_TRIES)
            abandon(sctp, channel);
    }
    if (why != 0)
        KITH_LOG(sctp->config.log, DEBUG, "sctp: reset of %zu streams: errno %d", count, why);
}

void kith_sctp_reset_streams(kith_sctp *sctp)
{
    kith_sctp_channel *due[MOST_AT_ONCE];
    size_t count = 0;
    KITH_LIST_EACH(&sctp->resetting, node) {
        kith_sctp_channel *channel = KITH_OWNER(node, kith_sctp_channel, in_reset);
        if (channel->closing != KITH_SCTP_FLUSHING || !kith_list_empty(&channel->out.messages))
            continue;
        due[count++] = channel;
        if (count == MOST_AT_ONCE) {
            sctp->work = true; /* the rest with the next turn */
            break;
        }
    }
    if (count > 0)
        request(sctp, due, count);
}

static void note_reset(kith_sctp *sctp, kith_sctp_channel *channel, uint16_t flags)
{
    bool refused = (flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0;
    if ((flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0 && !refused)
        note_incoming(sctp, channel);
    if ((flags & SCTP_STREAM_RESET_OUTGOING_SSN) == 0 || channel->closing != KITH_SCTP_RESETTING)
        return;
    if (!refused) {
        note_outgoing(sctp, channel);
    } else if (++channel->tries < MOST_TRIES) {
        channel->closing = KITH_SCTP_FLUSHING;
        sctp->work = true;
    } else {
        abandon(sctp, channel);
    }
}

void kith_sctp_on_reset_event(kith_sctp *sctp, uint16_t flags, const uint16_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kith_sctp_channel *channel = kith_sctp_channel_find(sctp, ids[i]);
        if (channel && channel->incoming_reset && channel->closing != KITH_SCTP_RESETTING)
            continue; /* neither direction can learn more */
        /* Also a stream that nobody opened here is answered, or the peer could not use its id
         * again. */
        if (!channel && ids[i] < sctp->streams)
            channel = kith_sctp_channel_get(sctp, ids[i]);
        if (channel)
            note_reset(sctp, channel, flags);
    }
    /* No list: all streams (RFC 6525 section 4.1). */
    for (size_t id = 0; count == 0 && id < sctp->channel_cap; id++)
        if (sctp->channels[id])
            note_reset(sctp, sctp->channels[id], flags);
}
