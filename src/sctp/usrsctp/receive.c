/* From usrsctp to the application, by pull: what is not asked for stays there and closes the peer's
 * window. A message may come in several reads; without I-DATA only one at a time can be unfinished.
 */
#include <errno.h>
#include <string.h>

#include <usrsctp.h>

#include "base/error.h"
#include "base/log.h"
#include "base/reader.h"
#include "sctp/usrsctp/association.h"

/* Room for len bytes and the NUL that kith_message promises beyond them. */
static kith_sctp_message *take_message(kith_sctp *sctp, size_t len)
{
    size_t cap;
    kith_sctp_message *message = kith_pool_take(&sctp->pool, sizeof *message + len + 1, &cap);
    if (message)
        *message = (kith_sctp_message){.cap = cap, .data = (uint8_t *)(message + 1)};
    return message;
}

void kith_sctp_release(kith_sctp *sctp, kith_sctp_message *message)
{
    if (!message)
        return;
    sctp->received -= message->counted; /* len is its owner's to change */
    kith_pool_release(&sctp->pool, message, message->cap);
}

void kith_sctp_drop_partial(kith_sctp *sctp)
{
    if (!sctp->partial)
        return;
    kith_pool_release(&sctp->pool, sctp->partial, sctp->partial->cap);
    sctp->partial = NULL;
    sctp->dropped++;
}

/* Room for len more bytes in the unfinished message: doubles, so that a long one is not copied
 * often. */
static bool grow_partial(kith_sctp *sctp, size_t len)
{
    kith_sctp_message *old = sctp->partial;
    size_t need = old->len + len, room = old->cap - sizeof *old - 1;
    if (need <= room)
        return true;
    size_t want = need > 2 * room ? need : 2 * room;
    if (want > sctp->config.max_message_size)
        want = sctp->config.max_message_size; /* the caller has seen that `need` is not above it */
    kith_sctp_message *message = take_message(sctp, want);
    if (!message)
        return false;
    message->stream = old->stream;
    message->ppid = old->ppid;
    message->len = old->len;
    memcpy(message->data, old->data, old->len);
    kith_pool_release(&sctp->pool, old, old->cap);
    sctp->partial = message;
    return true;
}

/* A read of a message: its whole, or its next part; true when it is complete. */
static bool collect(kith_sctp *sctp, const struct sctp_rcvinfo *info, kith_span bytes, bool last)
{
    if (sctp->partial && sctp->partial->stream != info->rcv_sid)
        kith_sctp_drop_partial(sctp);
    size_t before = sctp->partial ? sctp->partial->len : 0;
    if (bytes.len > sctp->config.max_message_size - before) {
        kith_sctp_fail(sctp, -1, "the peer sent a message longer than %zu bytes",
                       sctp->config.max_message_size);
        return false;
    }
    if (!sctp->partial) {
        sctp->partial = take_message(sctp, bytes.len);
        if (sctp->partial) {
            sctp->partial->stream = info->rcv_sid;
            sctp->partial->ppid = __builtin_bswap32(info->rcv_ppid);
        }
    }
    if (!sctp->partial || !grow_partial(sctp, bytes.len)) {
        kith_sctp_fail(sctp, -1, "out of memory for a message of the peer");
        return false;
    }
    memcpy(sctp->partial->data + before, bytes.data, bytes.len);
    sctp->partial->len += bytes.len;
    sctp->partial->data[sctp->partial->len] = 0;
    return last;
}

/* ---- notifications (RFC 6458 section 6.1) ---- */

static const char *cause_text(int cause)
{
    /* RFC 9260 section 3.3.10 */
    static const char *const texts[] = {
        [1] = "invalid stream identifier",
        [2] = "missing mandatory parameter",
        [3] = "stale cookie",
        [4] = "out of resource",
        [5] = "unresolvable address",
        [6] = "unrecognized chunk type",
        [7] = "invalid mandatory parameter",
        [8] = "unrecognized parameters",
        [9] = "no user data",
        [10] = "cookie received while shutting down",
        [11] = "restart with new addresses",
        [12] = "user-initiated abort",
        [13] = "protocol violation",
    };
    bool known = cause > 0 && (size_t)cause < sizeof texts / sizeof texts[0];
    return known ? texts[cause] : "no cause given";
}

/* The first cause of the peer's ABORT chunk, and what it says in words if it does. */
static void on_abort(kith_sctp *sctp, kith_span chunk)
{
    kith_reader r = kith_rd(chunk.data, chunk.len);
    kith_rd_skip(&r, 4);
    int cause = kith_rd_u16(&r);
    uint16_t len = kith_rd_u16(&r);
    kith_span words = {0};
    if (!r.bad && len > 4 && len - 4u <= kith_rd_left(&r) && (cause == 12 || cause == 13))
        words = kith_rd_span(&r, len - 4u);
    char text[128];
    size_t n = 0;
    for (; n < words.len && n < sizeof text - 1; n++)
        text[n] = (char)(words.data[n] >= ' ' && words.data[n] < 127 ? words.data[n] : '.');
    text[n] = '\0';
    if (r.bad)
        cause = -1;
    kith_sctp_fail(sctp, cause, "the peer aborted the SCTP association: %s%s%s", cause_text(cause),
                   n > 0 ? ": " : "", text);
}

static void on_assoc_change(kith_sctp *sctp, const struct sctp_assoc_change *change, size_t len)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP: {
        uint16_t in = change->sac_inbound_streams, out = change->sac_outbound_streams;
        sctp->streams = in < out ? in : out;
        sctp->state = KITH_SCTP_CONNECTED;
        sctp->was_connected = true;
        sctp->work = true;
        kith_sctp_close_excess(sctp);
        break;
    }
    case SCTP_COMM_LOST:
    case SCTP_CANT_STR_ASSOC:
        if (len > sizeof *change)
            on_abort(sctp, kith_span_of(change->sac_info, len - sizeof *change));
        else
            kith_sctp_fail(sctp, -1,
                           change->sac_state == SCTP_COMM_LOST
                               ? "the SCTP association was lost"
                               : "the SCTP association could not be set up");
        break;
    case SCTP_RESTART:
        /* DTLS still lives, so that the peer's SCTP cannot have begun anew in good faith. */
        kith_sctp_fail(sctp, -1, "the peer restarted the SCTP association");
        break;
    case SCTP_SHUTDOWN_COMP:
    default:
        kith_sctp_finish(sctp, NULL);
        break;
    }
}

static void on_stream_reset(kith_sctp *sctp, const struct sctp_stream_reset_event *event,
                            size_t len)
{
    size_t count = (len - sizeof *event) / sizeof(uint16_t);
    kith_sctp_on_reset_event(sctp, event->strreset_flags, event->strreset_stream_list, count);
}

/* The buffer is aligned for anything: the scratch of the hub. */
static void on_notification(kith_sctp *sctp, const uint8_t *data, size_t len)
{
    const union sctp_notification *n = (const void *)data;
    if (len < sizeof n->sn_header || n->sn_header.sn_length != len)
        return;
    switch (n->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        if (len >= sizeof n->sn_assoc_change)
            on_assoc_change(sctp, &n->sn_assoc_change, len);
        break;
    case SCTP_STREAM_RESET_EVENT:
        if (len >= sizeof n->sn_strreset_event)
            on_stream_reset(sctp, &n->sn_strreset_event, len);
        break;
    case SCTP_PARTIAL_DELIVERY_EVENT:
        kith_sctp_drop_partial(sctp);
        break;
    default:
        break;
    }
}

bool kith_sctp_pull(kith_sctp *sctp, kith_sctp_message **message)
{
    *message = NULL;
    struct sctp_rcvinfo info = {0};
    socklen_t info_len = sizeof info;
    unsigned info_type = 0;
    int flags = 0;
    uint8_t *buf = kith_hub_scratch();
    ssize_t len = usrsctp_recvv(sctp->socket, buf, KITH_HUB_SCRATCH, NULL, NULL, &info, &info_len,
                                &info_type, &flags);
    if (len <= 0) {
        sctp->readable = false;
        bool over = len == 0 || (errno != EWOULDBLOCK && errno != EAGAIN);
        if (over)
            kith_sctp_fail(sctp, -1, "the SCTP association ended");
        return false;
    }
    if ((flags & MSG_NOTIFICATION) != 0) {
        on_notification(sctp, buf, (size_t)len);
        return true;
    }
    if (info_type != SCTP_RECVV_RCVINFO)
        return true;
    if (collect(sctp, &info, kith_span_of(buf, (size_t)len), (flags & MSG_EOR) != 0)) {
        *message = sctp->partial;
        sctp->partial = NULL;
        (*message)->counted = (*message)->len;
        sctp->received += (*message)->counted;
    }
    return true;
}
