/* From our queue to usrsctp: only a little more than it can put into packets at once, so that what
 * waits, waits where priorities and lifetimes are looked after. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <usrsctp.h>

#include "base/log.h"
#include "sctp/usrsctp/association.h"

/* Of <netinet/sctp.h>; not in the public header. */
#ifndef SCTP_GET_SNDBUF_USE
#define SCTP_GET_SNDBUF_USE 0x00001101
struct sctp_sockstat {
    sctp_assoc_t ss_assoc_id;
    uint32_t ss_total_sndbuf;
    uint32_t ss_total_recv_buf;
};
#endif

/* In packets: what lies in usrsctp without being in a packet is topped up when it is less than
 * AHEAD, by a slice at a time. Enough that a SACK finds something to send; more would only grow old
 * there on a slow path. */
#define AHEAD 2
#define SLICE 4
/* And in finished packets that nobody has taken: what a batch of SACKs may release. */
#define PACKETS_AHEAD ((size_t)512 * 1024)
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

/* The time that a loss stays unknown: more than a round trip. */
static kith_time loss_delay(const kith_sctp *sctp)
{
    struct sctp_status status = {0};
    socklen_t len = sizeof status;
    if (usrsctp_getsockopt(sctp->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &len) != 0)
        return 0;
    return KITH_MS(status.sstat_primary.spinfo_srtt) * 3 / 2;
}

/* RFC 3758 section 4.1. usrsctp does not take the loss of a chunk whose time is over for
 * congestion, and a link that is too slow fills up with FORWARD-TSN; so where no retransmission can
 * be in time it is told that none may be. */
static void limit_time(struct sctp_prinfo *limit, kith_time left, kith_time loss_delay)
{
    bool in_time = left > loss_delay;
    limit->pr_policy = in_time ? SCTP_PR_SCTP_TTL : SCTP_PR_SCTP_RTX;
    limit->pr_value = in_time ? (uint32_t)((left + 999) / 1000) : 0;
}

static struct sctp_sendv_spa describe(const kith_sctp *sctp, const kith_sctp_out_stream *stream,
                                      const kith_sctp_out_message *message)
{
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = stream->id;
    spa.sendv_sndinfo.snd_ppid = __builtin_bswap32(message->ppid);
    if (stream->params.unordered && !message->ordered)
        spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (message->reliable)
        return spa;
    if (stream->params.reliability == KITH_MAX_RETRANSMITS) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        spa.sendv_prinfo.pr_value = stream->params.limit;
    } else if (stream->params.reliability == KITH_MAX_PACKET_LIFE_TIME) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        limit_time(&spa.sendv_prinfo, message->expires - sctp->now, loss_delay(sctp));
    }
    return spa;
}

static size_t packet_payload(const kith_sctp *sctp)
{
    return (sctp->config.mtu - PACKET_OVERHEAD) & ~(size_t)3;
}

/* A slice ends where a packet does, or the next one would begin with a stump. */
static size_t slice_of(const kith_sctp *sctp, const kith_sctp_out_message *message)
{
    size_t left = message->len - message->handed, slice = SLICE * packet_payload(sctp);
    return left < slice ? left : slice;
}

/* usrsctp took nothing; true when that was the message's own fault and the next one may be tried.
 */
static bool refused(kith_sctp *sctp, kith_sctp_out_stream *stream, int why)
{
    bool hopeless = why == EINVAL || why == EMSGSIZE || why == EFAULT;
    KITH_LOG(sctp->config.log, DEBUG, "sctp: stream %u: usrsctp_sendv: errno %d",
             (unsigned)stream->id, why);
    if (!hopeless || kith_sctp_queue_first(stream)->handed > 0)
        return false;
    kith_sctp_queue_drop_first(&sctp->queue, stream);
    sctp->dropped++;
    return true;
}

/* Hands over a part of the stream's first message, or all; false when usrsctp took nothing. */
static bool hand_over(kith_sctp *sctp, kith_sctp_out_stream *stream)
{
    kith_sctp_out_message *message = kith_sctp_queue_first(stream);
    struct sctp_sendv_spa spa = describe(sctp, stream, message);
    size_t slice = slice_of(sctp, message);
    if (slice == message->len - message->handed)
        spa.sendv_sndinfo.snd_flags |= SCTP_EOR;
    kith_hub_handing(sctp->port, slice);
    ssize_t taken = usrsctp_sendv(sctp->socket, message->data + message->handed, slice, NULL, 0,
                                  &spa, sizeof spa, SCTP_SENDV_SPA, 0);
    size_t accepted = taken > 0 ? (size_t)taken : 0;
    kith_hub_not_handed(sctp->port, slice - accepted);
    if (accepted == 0)
        return refused(sctp, stream, taken < 0 ? errno : EWOULDBLOCK);
    kith_sctp_queue_handed(&sctp->queue, stream, accepted);
    return true;
}

/* Less than AHEAD waits in usrsctp. It may have dropped what it was handed: the rest of a message
 * that is abandoned (RFC 3758 section 3.5 A3). */
static bool wants_more(kith_sctp *sctp, size_t ahead)
{
    if (kith_hub_unsent(sctp->port, SIZE_MAX) < ahead)
        return true;
    size_t inside = kith_sctp_inside(sctp);
    sctp->in_flight = inside > 0;
    return kith_hub_unsent(sctp->port, inside) < ahead;
}

void kith_sctp_feed(kith_sctp *sctp, kith_time now)
{
    kith_sctp_queue *queue = &sctp->queue;
    kith_sctp_queue_date(queue, now);
    size_t ahead = AHEAD * packet_payload(sctp);
    kith_sctp_out_stream *stream;
    kith_sctp_queue_expire(queue, now);
    sctp->more = sctp->was_refused = false;
    sctp->in_flight = kith_sctp_inside(sctp) > 0;
    while ((stream = kith_sctp_queue_next(queue)) && wants_more(sctp, ahead)) {
        sctp->more = kith_hub_waiting(sctp->port) >= PACKETS_AHEAD;
        if (sctp->more)
            break;
        sctp->was_refused = !hand_over(sctp, stream);
        if (sctp->was_refused)
            break;
        sctp->in_flight = true;
    }
    if (sctp->refused && queue->held <= sctp->config.send_buffer / 2) {
        sctp->refused = false;
        sctp->writable = true;
    }
}
