/* From our queue to usrsctp: only a little more than it can put into packets at once, so that what waits, waits where
 * priorities and lifetimes are looked after. */
#include "sctp/association.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <usrsctp.h>

#include "base/log.h"

/* Of <netinet/sctp.h>; not in the public header. */
#ifndef SCTP_GET_SNDBUF_USE
#define SCTP_GET_SNDBUF_USE 0x00001101
struct sctp_sockstat {
    sctp_assoc_t ss_assoc_id;
    uint32_t ss_total_sndbuf;
    uint32_t ss_total_recv_buf;
};
#endif

/* What may lie in usrsctp without being in a packet: enough that a SACK finds something to send. */
#define AHEAD ((size_t)16 * 1024)
/* And in finished packets that nobody has taken. */
#define PACKETS_AHEAD ((size_t)64 * 1024)
/* Common header and the header of a DATA chunk. */
#define PACKET_OVERHEAD 28

size_t kith_sctp_inside(const kith_sctp *sctp)
{
    struct sctp_sockstat use = {0};
    socklen_t len = sizeof use;
    if (!sctp->socket ||
        usrsctp_getsockopt(sctp->socket, IPPROTO_SCTP, SCTP_GET_SNDBUF_USE, &use, &len) != 0)
        return 0;
    return use.ss_total_sndbuf;
}

/* Milliseconds, rounded up: a message that was not late when it left our queue is sent once. */
static uint32_t time_left(const kith_sctp_out_message *message, kith_time now)
{
    kith_time left = message->expires - now;
    return left <= 0 ? 1 : (uint32_t)((left + 999) / 1000);
}

static struct sctp_sendv_spa describe(const kith_sctp_out_stream *stream,
                                      const kith_sctp_out_message *message, kith_time now)
{
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = stream->id;
    spa.sendv_sndinfo.snd_ppid = __builtin_bswap32(message->ppid);
    if (message->ordered_reliable)
        return spa;
    if (stream->params.unordered)
        spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (stream->params.reliability == KITH_MAX_RETRANSMITS) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        spa.sendv_prinfo.pr_value = stream->params.limit;
    } else if (stream->params.reliability == KITH_MAX_PACKET_LIFE_TIME) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_TTL;
        spa.sendv_prinfo.pr_value = time_left(message, now);
    }
    return spa;
}

/* A slice ends where a packet does, or the next one would begin with a stump. */
static size_t slice_of(const kith_sctp *sctp, const kith_sctp_out_message *message)
{
    size_t left = message->len - message->handed;
    size_t payload = (sctp->config.mtu - PACKET_OVERHEAD) & ~(size_t)3;
    size_t slice = AHEAD / payload * payload;
    return left <= slice + payload ? left : slice;
}

/* Hands over a part of the stream's first message, or all; false when usrsctp took nothing. */
static bool hand_over(kith_sctp *sctp, kith_sctp_out_stream *stream, kith_time now)
{
    kith_sctp_out_message *message = kith_sctp_queue_first(stream);
    struct sctp_sendv_spa spa = describe(stream, message, now);
    size_t slice = slice_of(sctp, message);
    if (slice == message->len - message->handed)
        spa.sendv_sndinfo.snd_flags |= SCTP_EOR;
    kith_hub_handing(sctp->port, slice);
    ssize_t taken = usrsctp_sendv(sctp->socket, message->data + message->handed, slice, NULL, 0,
                                  &spa, sizeof spa, SCTP_SENDV_SPA, 0);
    size_t accepted = taken > 0 ? (size_t)taken : 0;
    kith_hub_not_handed(sctp->port, slice - accepted);
    if (accepted == 0) {
        if (taken < 0 && errno != EWOULDBLOCK && errno != EAGAIN && errno != ENOBUFS)
            KITH_LOG(sctp->config.log, DEBUG, "sctp: stream %u: usrsctp_sendv: errno %d",
                     (unsigned)stream->id, errno);
        return false;
    }
    kith_sctp_queue_handed(&sctp->queue, stream, accepted);
    return true;
}

void kith_sctp_feed(kith_sctp *sctp, kith_time now)
{
    kith_sctp_queue *queue = &sctp->queue;
    kith_sctp_queue_date(queue, now);
    size_t inside = kith_sctp_inside(sctp);
    kith_sctp_out_stream *stream;
    kith_sctp_queue_expire(queue, now);
    sctp->more = false;
    while ((stream = kith_sctp_queue_next(queue))) {
        if (kith_hub_unsent(sctp->port, inside) >= AHEAD)
            break;
        sctp->more = kith_hub_waiting(sctp->port) >= PACKETS_AHEAD;
        if (sctp->more)
            break;
        if (!hand_over(sctp, stream, now))
            break;
        inside = SIZE_MAX; /* only what was inside before can have been dropped unsent */
    }
    sctp->in_flight = inside == SIZE_MAX || inside > 0;
    if (sctp->refused && queue->bytes <= sctp->config.send_buffer / 2) {
        sctp->refused = false;
        sctp->writable = true;
    }
}
