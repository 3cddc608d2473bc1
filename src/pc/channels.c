/* The data channels of one peer connection and what the network does to them: DCEP (RFC 8832),
 * messages, resets, the end of the association. */
#include "pc/channels.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/channel.h"
#include "pc/endpoint.h"
#include "pc/pc.h"
#include "wire/dcep.h"

/* Channels that may exist for each id, closed ones that their owner did not yet free included: a
 * peer that opens and closes for ever does not fill our memory. */
#define MAX_PER_ID 4
/* Labels and protocols that a peer may have here whatever receive_buffer is, bytes: of one channel
 * the longest. */
#define LEAST_TEXTS ((size_t)2 * UINT16_MAX)
/* that the table has room for at first */
#define FEWEST_IDS 16

void kith_channels_init(kith_pc *pc)
{
    kith_list_init(&pc->channels.all);
}

void kith_channels_deinit(kith_pc *pc)
{
    KITH_LIST_EACH(&pc->channels.all, node)
        kith_channel_destroy(KITH_OWNER(node, kith_dc, in_pc));
    kith_free(pc->channels.by_id);
    pc->channels.by_id = NULL;
    pc->channels.id_cap = 0;
}

kith_err kith_channels_reserve(kith_pc *pc, uint16_t id)
{
    kith_channels *channels = &pc->channels;
    if (id < channels->id_cap)
        return KITH_OK;
    size_t cap = channels->id_cap > 0 ? channels->id_cap : FEWEST_IDS;
    while (cap <= id)
        cap *= 2;
    kith_dc **by_id = kith_resize(channels->by_id, cap * sizeof(kith_dc *));
    if (!by_id)
        return kith_fail_memory();
    memset(by_id + channels->id_cap, 0, (cap - channels->id_cap) * sizeof(kith_dc *));
    channels->by_id = by_id;
    channels->id_cap = cap;
    return KITH_OK;
}

bool kith_channels_wanted(const kith_pc *pc)
{
    return pc->channels.ever_created;
}

/* ---- one channel ---- */

static void tell(kith_dc *dc, kith_event_type type)
{
    if (dc->forgotten)
        return;
    kith_event ev = {.type = type, .pc = dc->pc, .dc = dc};
    kith_events_push(dc->pc, &ev);
}

kith_dc *kith_channel_new(kith_pc *pc, kith_span label, kith_span protocol)
{
    kith_dc *dc = kith_alloc_zero(1, sizeof *dc);
    char *texts = kith_alloc(label.len + protocol.len + 2);
    if (!dc || !texts || kith_events_reserve_channel(pc) != KITH_OK) {
        kith_free(dc);
        kith_free(texts);
        return NULL;
    }
    dc->pc = pc;
    dc->label = texts;
    dc->label_len = label.len;
    dc->protocol = texts + label.len + 1;
    dc->protocol_len = protocol.len;
    kith_writer w = kith_wr(texts, label.len + protocol.len + 2);
    kith_wr_span(&w, label);
    kith_wr_u8(&w, 0);
    kith_wr_span(&w, protocol);
    kith_wr_u8(&w, 0);
    dc->id = -1;
    dc->max_packet_life_time = -1;
    dc->max_retransmits = -1;
    dc->state = KITH_DC_STATE_CONNECTING;
    dc->number = ++pc->channels.created;
    kith_list_append(&pc->channels.all, &dc->in_pc);
    pc->channels.count++;
    return dc;
}

/* What the peer makes us keep is of the memory that it may take. */
void kith_channels_count_kept(kith_pc *pc)
{
    if (pc->channels.transport->sctp)
        kith_sctp_set_kept(pc->channels.transport->sctp,
                           pc->channels.peers_texts + pc->events.left_over);
}

static void count_texts(kith_pc *pc, size_t more, size_t less)
{
    pc->channels.peers_texts += more - less;
    kith_channels_count_kept(pc);
}

void kith_channel_destroy(kith_dc *dc)
{
    kith_pc *pc = dc->pc;
    kith_events_forget_channel(pc, dc);
    kith_events_unreserve_channel(pc);
    if (dc->id != -1 && pc->channels.by_id[dc->id] == dc)
        pc->channels.by_id[dc->id] = NULL;
    kith_list_remove(&dc->in_pc);
    pc->channels.count--;
    if (dc->opened_by_peer)
        count_texts(pc, 0, dc->label_len + dc->protocol_len);
    kith_free(dc->label);
    kith_free(dc);
}

kith_dc *kith_channel_by_id(const kith_pc *pc, uint16_t id)
{
    return id < pc->channels.id_cap ? pc->channels.by_id[id] : NULL;
}

/* Ids that the association can carry: what was negotiated once it is up. */
static unsigned id_limit(const kith_pc *pc)
{
    unsigned streams = kith_sctp_streams(pc->channels.transport->sctp);
    return streams < pc->config.max_channels ? streams : pc->config.max_channels;
}

int kith_channel_free_id(const kith_pc *pc)
{
    unsigned limit = id_limit(pc);
    for (unsigned id = pc->channels.transport->dtls_role == KITH_DTLS_CLIENT ? 0 : 1; id < limit;
         id += 2)
        if (!kith_channel_by_id(pc, (uint16_t)id))
            return (int)id;
    return -1;
}

void kith_channel_set_id(kith_dc *dc, uint16_t id)
{
    dc->id = id;
    dc->pc->channels.by_id[id] = dc;
}

size_t kith_channel_waiting(const kith_dc *dc)
{
    return kith_sctp_buffered(dc->pc->channels.transport->sctp, (uint16_t)dc->id);
}

static void leave_stream(kith_dc *dc, size_t waiting)
{
    dc->left_over = waiting;
    dc->pc->channels.closed++;
    dc->stream_open = false;
}

void kith_channel_closed(kith_dc *dc, const kith_error *error)
{
    kith_pc *pc = dc->pc;
    if (dc->stream_open)
        leave_stream(dc, kith_channel_waiting(dc));
    dc->state = KITH_DC_STATE_CLOSED;
    if (dc->id != -1)
        pc->channels.by_id[dc->id] = NULL;
    if (dc->forgotten) {
        kith_channel_destroy(dc);
        return;
    }
    if (error) {
        kith_event ev = {.type = KITH_EV_DC_ERROR, .pc = pc, .dc = dc, .error = error};
        kith_events_push(pc, &ev);
    }
    tell(dc, KITH_EV_DC_CLOSED);
}

static void fail(kith_dc *dc, const char *why)
{
    kith_error error;
    kith_error_init(&error, KITH_ERR_OPERATION, "%s", why);
    error.error_detail = KITH_ERROR_DETAIL_DATA_CHANNEL_FAILURE;
    kith_channel_closed(dc, &error);
}

static uint16_t weight_of(kith_priority priority)
{
    static const uint16_t weights[] = {
        [KITH_PRIORITY_VERY_LOW] = KITH_DCEP_PRIORITY_BELOW_NORMAL,
        [KITH_PRIORITY_LOW] = KITH_DCEP_PRIORITY_NORMAL,
        [KITH_PRIORITY_MEDIUM] = KITH_DCEP_PRIORITY_HIGH,
        [KITH_PRIORITY_HIGH] = KITH_DCEP_PRIORITY_EXTRA_HIGH,
    };
    return weights[priority];
}

/* The nearest W3C priority from below (webrtc-priority section 4.1: a value between two counts as
 * the lower). */
static kith_priority priority_of(uint16_t weight)
{
    if (weight <= KITH_DCEP_PRIORITY_BELOW_NORMAL)
        return KITH_PRIORITY_VERY_LOW;
    if (weight <= KITH_DCEP_PRIORITY_NORMAL)
        return KITH_PRIORITY_LOW;
    return weight <= KITH_DCEP_PRIORITY_HIGH ? KITH_PRIORITY_MEDIUM : KITH_PRIORITY_HIGH;
}

static kith_err open_stream(kith_dc *dc)
{
    kith_sctp_stream params = {.unordered = dc->unordered, .priority = weight_of(dc->priority)};
    if (dc->max_retransmits >= 0) {
        params.reliability = KITH_MAX_RETRANSMITS;
        params.limit = (uint32_t)dc->max_retransmits;
    } else if (dc->max_packet_life_time >= 0) {
        params.reliability = KITH_MAX_PACKET_LIFE_TIME;
        params.limit = (uint32_t)dc->max_packet_life_time;
    }
    kith_sctp *sctp = dc->pc->channels.transport->sctp;
    kith_err err = kith_sctp_open(sctp, (uint16_t)dc->id, &params);
    kith_sctp_set_low_threshold(sctp, (uint16_t)dc->id, dc->low_threshold);
    return err;
}

static kith_err send_dcep(kith_pc *pc, uint16_t stream, const kith_writer *w)
{
    kith_sctp_send_args args = {
        .stream = stream,
        .ppid = KITH_PPID_DCEP,
        .data = w->data,
        .len = w->len,
        .ordered_reliable = true,
        .not_counted = true,
    };
    return kith_sctp_send(pc->channels.transport->sctp, &args);
}

static kith_err send_open(kith_dc *dc)
{
    unsigned type = dc->unordered ? KITH_DCEP_UNORDERED : 0;
    kith_dcep_open open = {
        .priority = weight_of(dc->priority),
        .label = kith_span_of(dc->label, dc->label_len),
        .protocol = kith_span_of(dc->protocol, dc->protocol_len),
    };
    if (dc->max_retransmits >= 0) {
        type |= KITH_DCEP_PARTIAL_RELIABLE_REXMIT;
        open.reliability = (uint32_t)dc->max_retransmits;
    } else if (dc->max_packet_life_time >= 0) {
        type |= KITH_DCEP_PARTIAL_RELIABLE_TIMED;
        open.reliability = (uint32_t)dc->max_packet_life_time;
    }
    open.channel_type = (kith_dcep_channel_type)type;
    kith_writer w = kith_wr_growing();
    kith_dcep_write_open(&w, &open);
    kith_err err = w.bad ? kith_fail_memory() : send_dcep(dc->pc, (uint16_t)dc->id, &w);
    kith_wr_deinit(&w);
    return err;
}

void kith_channel_open(kith_dc *dc)
{
    kith_pc *pc = dc->pc;
    if ((unsigned)dc->id >= id_limit(pc)) {
        fail(dc, "the peer does not have that many streams");
        return;
    }
    if (open_stream(dc) != KITH_OK) {
        fail(dc, kith_last_error()->message);
        return;
    }
    if (!dc->negotiated && send_open(dc) != KITH_OK) {
        fail(dc, kith_last_error()->message);
        return;
    }
    dc->stream_open = true;
    pc->channels.opened++;
    tell(dc, KITH_EV_DC_OPEN);
    kith_endpoint_set_ready(pc);
}

void kith_channel_announce(kith_dc *dc)
{
    if (dc->state == KITH_DC_STATE_CONNECTING)
        dc->state = KITH_DC_STATE_OPEN;
}

/* ---- all channels ---- */

void kith_channels_close(kith_pc *pc)
{
    KITH_LIST_EACH(&pc->channels.all, node) {
        kith_dc *dc = KITH_OWNER(node, kith_dc, in_pc);
        if (dc->state != KITH_DC_STATE_CLOSED)
            kith_channel_closed(dc, NULL);
    }
}

void kith_channels_assign_ids(kith_pc *pc)
{
    if (!pc->channels.transport->sctp || !pc->channels.transport->has_dtls_role)
        return;
    KITH_LIST_EACH(&pc->channels.all, node) {
        kith_dc *dc = KITH_OWNER(node, kith_dc, in_pc);
        if (dc->id != -1 || dc->state != KITH_DC_STATE_CONNECTING)
            continue;
        int id = kith_channel_free_id(pc);
        if (id == -1)
            fail(dc, "no channel id is left");
        else if (kith_channels_reserve(pc, (uint16_t)id) != KITH_OK)
            fail(dc, kith_last_error()->message);
        else
            kith_channel_set_id(dc, (uint16_t)id);
    }
}

void kith_channels_sctp_connected(kith_pc *pc)
{
    kith_channels_assign_ids(pc);
    KITH_LIST_EACH(&pc->channels.all, node) {
        kith_dc *dc = KITH_OWNER(node, kith_dc, in_pc);
        if (dc->state == KITH_DC_STATE_CONNECTING && !dc->stream_open)
            kith_channel_open(dc);
    }
}

/* An ABORT is an error even when the peer's application asked for it (cause 12, RFC 9260 section
 * 3.3.10.12), as in browsers: "the transport was closed with an error" (webrtc-pc section 6.2). */
void kith_channels_sctp_closed(kith_pc *pc)
{
    const kith_error *error = NULL;
    if (pc->channels.transport->sctp) {
        error = kith_sctp_get_error(pc->channels.transport->sctp);
        if (error->err == KITH_OK)
            error = NULL;
    }
    KITH_LIST_EACH(&pc->channels.all, node) {
        kith_dc *dc = KITH_OWNER(node, kith_dc, in_pc);
        if (dc->state != KITH_DC_STATE_CLOSED)
            kith_channel_closed(dc, error);
    }
}

/* Nobody closed them, and what was sent last may be lost: an error (webrtc-pc section 6.2, "the
 * transport was closed with an error"). */
void kith_channels_sctp_replaced(kith_pc *pc, kith_sctp *before)
{
    kith_error error;
    kith_error_init(&error, KITH_ERR_OPERATION, "the peer began another association");
    error.error_detail = KITH_ERROR_DETAIL_SCTP_FAILURE;
    KITH_LIST_EACH(&pc->channels.all, node) {
        kith_dc *dc = KITH_OWNER(node, kith_dc, in_pc);
        if (dc->stream_open) {
            leave_stream(dc, kith_sctp_buffered(before, (uint16_t)dc->id));
            kith_channel_closed(dc, &error);
        } else if (dc->state == KITH_DC_STATE_CONNECTING && !dc->negotiated && dc->id != -1) {
            /* It was of the role before. */
            pc->channels.by_id[dc->id] = NULL;
            dc->id = -1;
        }
    }
    kith_channels_assign_ids(pc);
    kith_channels_count_kept(pc);
}

/* ---- what arrives on a stream ---- */

/* RFC 8831 section 6.7: our side is reset too, when what we have to say is said. What the peer sent
 * before has been handed up. */
static void close_stream(kith_pc *pc, uint16_t stream)
{
    kith_dc *dc = kith_channel_by_id(pc, stream);
    if (dc && dc->stream_open && dc->state < KITH_DC_STATE_CLOSING) {
        dc->state = KITH_DC_STATE_CLOSING;
        tell(dc, KITH_EV_DC_CLOSING);
    }
    kith_sctp_close_stream(pc->channels.transport->sctp, stream);
}

/* The peer did on the stream what it may not: whatever is there is closed. */
static void refuse_stream(kith_pc *pc, uint16_t stream, const char *why)
{
    KITH_LOG(&pc->log, WARNING, "data channel: stream %u refused: %s", stream, why);
    close_stream(pc, stream);
}

static void read_open_type(kith_dc *dc, const kith_dcep_open *open)
{
    unsigned type = open->channel_type;
    dc->unordered = (type & KITH_DCEP_UNORDERED) != 0;
    type &= KITH_DCEP_UNORDERED - 1u;
    /* W3C has 16 bits for either. */
    int limit = open->reliability > UINT16_MAX ? UINT16_MAX : (int)open->reliability;
    if (type == KITH_DCEP_PARTIAL_RELIABLE_REXMIT)
        dc->max_retransmits = limit;
    else if (type == KITH_DCEP_PARTIAL_RELIABLE_TIMED)
        dc->max_packet_life_time = limit;
    dc->priority = priority_of(open->priority);
}

static const char *reason_to_refuse(const kith_pc *pc, uint16_t stream, const kith_dcep_open *open)
{
    unsigned peers_parity = pc->channels.transport->dtls_role == KITH_DTLS_CLIENT ? 1 : 0;
    if (stream >= id_limit(pc) || stream % 2 != peers_parity)
        return "not an id of the peer's";
    if (pc->channels.count >= MAX_PER_ID * (unsigned)pc->config.max_channels)
        return "too many channels that were never freed";
    size_t half = pc->config.receive_buffer / 2, most = half > LEAST_TEXTS ? half : LEAST_TEXTS;
    if (open->label.len + open->protocol.len > most - pc->channels.peers_texts)
        return "labels and protocols take half of receive_buffer";
    return NULL;
}

/* RFC 8832 section 6: the peer opens a channel on a stream of its parity that is not in use. */
static void on_open(kith_pc *pc, uint16_t stream, const kith_dcep_open *open)
{
    const char *why = reason_to_refuse(pc, stream, open);
    if (why) {
        refuse_stream(pc, stream, why);
        return;
    }
    kith_dc *dc = NULL;
    if (kith_channels_reserve(pc, stream) == KITH_OK)
        dc = kith_channel_new(pc, open->label, open->protocol);
    if (!dc) {
        refuse_stream(pc, stream, "out of memory");
        return;
    }
    dc->opened_by_peer = true;
    count_texts(pc, dc->label_len + dc->protocol_len, 0);
    read_open_type(dc, open);
    dc->acked = true;
    kith_channel_set_id(dc, stream);
    kith_writer w = kith_wr_growing();
    kith_dcep_write_ack(&w);
    bool done = open_stream(dc) == KITH_OK && !w.bad && send_dcep(pc, stream, &w) == KITH_OK;
    kith_wr_deinit(&w);
    if (!done) {
        kith_channel_destroy(dc);
        refuse_stream(pc, stream, kith_last_error()->message);
        return;
    }
    pc->channels.ever_created = true;
    pc->channels.opened++;
    dc->stream_open = true;
    dc->state = KITH_DC_STATE_OPEN;
    tell(dc, KITH_EV_DATA_CHANNEL);
    tell(dc, KITH_EV_DC_OPEN);
}

static void on_dcep(kith_pc *pc, kith_dc *dc, const kith_sctp_message *message)
{
    kith_span body = kith_span_of(message->data, message->len);
    kith_dcep_open open;
    if (kith_dcep_is_ack(body)) {
        if (dc)
            dc->acked = true;
    } else if (!kith_dcep_parse_open(&open, body)) {
        refuse_stream(pc, message->stream, "malformed DCEP");
    } else if (dc) {
        refuse_stream(pc, message->stream, "DATA_CHANNEL_OPEN on a channel that exists");
    } else {
        on_open(pc, message->stream, &open);
    }
}

static void on_user_message(kith_dc *dc, kith_sctp_message *message, bool is_text)
{
    /* Anything that follows shows that the peer has seen our OPEN (RFC 8832 section 6). */
    dc->acked = true;
    dc->messages_received++;
    dc->bytes_received += message->len;
    kith_events_push_message(dc->pc, dc, message, is_text);
}

/* Takes the message over, or gives it back. */
static void on_message(kith_pc *pc, kith_sctp_message *message)
{
    kith_dc *dc = kith_channel_by_id(pc, message->stream);
    bool wanted = dc && !dc->forgotten && dc->state != KITH_DC_STATE_CLOSED;
    switch (message->ppid) {
    case KITH_PPID_STRING_EMPTY:
    case KITH_PPID_BINARY_EMPTY:
        message->len = 0; /* the one byte there is means nothing (RFC 8831 section 6.6) */
        message->data[0] = 0;
        if (wanted) {
            on_user_message(dc, message, message->ppid == KITH_PPID_STRING_EMPTY);
            return;
        }
        break;
    case KITH_PPID_STRING:
    case KITH_PPID_BINARY:
        if (wanted) {
            on_user_message(dc, message, message->ppid == KITH_PPID_STRING);
            return;
        }
        break;
    case KITH_PPID_DCEP:
        on_dcep(pc, dc, message);
        break;
    default:
        /* RFC 8831 section 6.6: an unsupported PPID closes the channel. */
        if (wanted)
            refuse_stream(pc, message->stream, "unknown payload protocol identifier");
        break;
    }
    kith_sctp_release(pc->channels.transport->sctp, message);
}

void kith_channels_sctp_event(kith_pc *pc, const kith_sctp_event *ev)
{
    kith_dc *dc;
    switch (ev->type) {
    case KITH_SCTP_EV_MESSAGE:
        on_message(pc, ev->message);
        break;
    case KITH_SCTP_EV_STREAM_RESET:
        close_stream(pc, ev->stream);
        break;
    case KITH_SCTP_EV_STREAM_CLOSED:
        dc = kith_channel_by_id(pc, ev->stream);
        if (dc)
            kith_channel_closed(dc, NULL);
        break;
    case KITH_SCTP_EV_LOW:
        dc = kith_channel_by_id(pc, ev->stream);
        if (dc)
            tell(dc, KITH_EV_DC_BUFFERED_AMOUNT_LOW);
        break;
    case KITH_SCTP_EV_WRITABLE: {
        kith_event writable = {.type = KITH_EV_WRITABLE, .pc = pc};
        kith_events_push(pc, &writable);
        break;
    }
    case KITH_SCTP_EV_STATE:
        break; /* the pump's */
    }
}
