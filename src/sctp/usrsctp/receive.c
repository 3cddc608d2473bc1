/* From usrsctp to the application, by pull: what is not asked for stays there and closes the peer's
 * window. A message may come in several reads; without I-DATA only one at a time can be unfinished.
 */
#include <errno.h>
#include <string.h>

#include <usrsctp.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/reader.h"
#include "sctp/usrsctp/association.h"

/* What the owner of a message keeps beside it: an event. */
#define EVENT_COST 128

/* What the message's block costs: the peer may send bytes one by one. */
static size_t cost_of(const kith_sctp_in_message *incoming)
{
    return incoming->cap + EVENT_COST;
}

size_t kith_sctp_message_cost(const kith_sctp_message *message)
{
    return cost_of(KITH_OWNER((kith_sctp_message *)message, kith_sctp_in_message, message));
}

/* Tells the budget what is held here. A message that alone would use it up must become whole all
 * the same. */
static void count_held(kith_sctp *sctp)
{
    size_t partial = sctp->partial ? cost_of(sctp->partial) : 0,
           half = sctp->config.receive_buffer / 2;
    partial = partial < half ? partial : half;
    kith_sctp_budget_set_pulled(sctp->budget, sctp->received + sctp->kept + partial);
}

void kith_sctp_set_kept(kith_sctp *sctp, size_t bytes)
{
    sctp->kept = bytes;
    count_held(sctp);
}

static void free_message(kith_sctp *sctp, kith_sctp_in_message *incoming)
{
    kith_pool_release(&sctp->pool, incoming, incoming->cap);
}

void kith_sctp_release(kith_sctp *sctp, kith_sctp_message *message)
{
    if (!message)
        return;
    kith_sctp_in_message *incoming = KITH_OWNER(message, kith_sctp_in_message, message);
    if (!sctp) {
        kith_free(incoming);
        return;
    }
    sctp->received -= cost_of(incoming);
    count_held(sctp);
    free_message(sctp, incoming);
}

void kith_sctp_drop_partial(kith_sctp *sctp)
{
    if (!sctp->partial)
        return;
    free_message(sctp, sctp->partial);
    sctp->partial = NULL;
    count_held(sctp);
    sctp->dropped++;
}

/* The block of a message of len bytes and the NUL that kith_message promises beyond them. */
static size_t block_size(size_t len)
{
    return sizeof(kith_sctp_in_message) + len + 1;
}

static void point_to_data(kith_sctp_in_message *incoming)
{
    incoming->message.data = (uint8_t *)(incoming + 1);
}

/* Gives `partial` room for len bytes, what it holds still in it; false: no memory. */
static bool make_room(kith_sctp *sctp, size_t len)
{
    kith_sctp_in_message *old = sctp->partial;
    size_t cap;
    kith_sctp_in_message *incoming = kith_pool_take(&sctp->pool, block_size(len), &cap);
    if (!incoming)
        return false;
    if (old) {
        memcpy(incoming, old, block_size(old->message.len));
        free_message(sctp, old);
    } else {
        *incoming = (kith_sctp_in_message){0};
    }
    incoming->cap = cap;
    point_to_data(incoming);
    sctp->partial = incoming;
    return true;
}

/* Room for what comes: doubles, so that a long message is not copied often. */
static size_t room_for(const kith_sctp *sctp, size_t len, bool last)
{
    size_t longest = sctp->config.max_message_size;
    if (!sctp->partial || last)
        return len;
    return len < longest / 2 ? 2 * len : longest;
}

/* A read of a message: its whole, or its next part; true when it is complete. */
static bool collect(kith_sctp *sctp, const struct sctp_rcvinfo *info, kith_span bytes, bool last)
{
    if (sctp->partial && sctp->partial->message.stream != info->rcv_sid)
        kith_sctp_drop_partial(sctp);
    size_t before = sctp->partial ? sctp->partial->message.len : 0;
    if (bytes.len > sctp->config.max_message_size - before) {
        kith_sctp_fail_too_long(sctp);
        return false;
    }
    size_t len = before + bytes.len;
    bool has_room = sctp->partial && block_size(len) <= sctp->partial->cap;
    if (!has_room && !make_room(sctp, room_for(sctp, len, last))) {
        kith_sctp_fail(sctp, -1, "out of memory for a message of the peer");
        return false;
    }
    kith_sctp_message *message = &sctp->partial->message;
    message->stream = info->rcv_sid;
    message->ppid = __builtin_bswap32(info->rcv_ppid);
    memcpy(message->data + before, bytes.data, bytes.len);
    message->len = len;
    message->data[len] = 0;
    return last;
}

/* Gives back what doubling took too much. */
static void trim(kith_sctp_in_message **incoming)
{
    size_t size = block_size((*incoming)->message.len);
    if ((*incoming)->cap - size <= size / 8 || size <= 4096)
        return;
    kith_sctp_in_message *less = kith_resize(*incoming, size);
    if (!less)
        return;
    *incoming = less;
    less->cap = size;
    point_to_data(less);
}

/* The partial message is whole. */
static kith_sctp_message *finish_message(kith_sctp *sctp)
{
    kith_sctp_in_message *incoming = sctp->partial;
    sctp->partial = NULL;
    trim(&incoming);
    sctp->received += cost_of(incoming);
    return &incoming->message;
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

/* The first cause of the peer's ABORT chunk, 0 when it has none, and its words if it has some. */
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
        if (kith_sctp_budget_saw_too_long(sctp->budget))
            kith_sctp_fail_too_long(sctp);
        else if (len > sizeof *change)
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
    if ((flags & MSG_TRUNC) != 0) {
        /* The peer gave the message up, or the association ended within it. */
        kith_sctp_drop_partial(sctp);
        return true;
    }
    if (collect(sctp, &info, kith_span_of(buf, (size_t)len), (flags & MSG_EOR) != 0))
        *message = finish_message(sctp);
    count_held(sctp);
    return true;
}
