/* RTCDataChannel as its owner sees it: creating, sending, closing, asking (webrtc-pc section 6.2).
 * What the network does to a channel is in channels.c. */
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/channel.h"
#include "pc/endpoint.h"
#include "pc/pc.h"
#include "wire/dcep.h"

/* The empty message: one byte that says nothing (RFC 8831 section 6.6). */
static const uint8_t empty_message[1] = {0};

/* Stream 65535 does not exist (RFC 8831 section 6.5). */
#define HIGHEST_ID 65534

static bool sctp_is(const kith_pc *pc, kith_sctp_state state)
{
    const kith_transport *t = pc->channels.transport;
    return t->sctp && kith_sctp_get_state(t->sctp) == state;
}

static kith_err check_init(const kith_pc *pc, const char *label, const kith_dc_init *init)
{
    if (pc->closed)
        return kith_fail(KITH_ERR_INVALID_STATE, "the peer connection is closed");
    if (sctp_is(pc, KITH_SCTP_CLOSED))
        return kith_fail(KITH_ERR_INVALID_STATE, "the SCTP association is closed");
    if (!label)
        return kith_fail(KITH_ERR_TYPE, "a label is needed (\"\" will do)");
    if (strlen(label) > UINT16_MAX)
        return kith_fail(KITH_ERR_TYPE, "the label is longer than 65535 bytes");
    if (init->protocol && strlen(init->protocol) > UINT16_MAX)
        return kith_fail(KITH_ERR_TYPE, "the protocol is longer than 65535 bytes");
    if (init->max_packet_life_time != -1 && init->max_retransmits != -1)
        return kith_fail(KITH_ERR_TYPE,
                         "max_packet_life_time and max_retransmits exclude each other");
    if (init->max_packet_life_time < -1 || init->max_packet_life_time > UINT16_MAX)
        return kith_fail(KITH_ERR_TYPE, "max_packet_life_time is not within 0 to 65535 ms");
    if (init->max_retransmits < -1 || init->max_retransmits > UINT16_MAX)
        return kith_fail(KITH_ERR_TYPE, "max_retransmits is not within 0 to 65535");
    if (init->priority < KITH_PRIORITY_VERY_LOW || init->priority > KITH_PRIORITY_HIGH)
        return kith_fail(KITH_ERR_TYPE, "no such priority");
    if (init->negotiated && init->id == -1)
        return kith_fail(KITH_ERR_TYPE, "a negotiated channel needs an id");
    if (init->negotiated && (init->id < 0 || init->id > HIGHEST_ID))
        return kith_fail(KITH_ERR_TYPE, "the id is not within 0 to %d", HIGHEST_ID);
    if (init->negotiated && sctp_is(pc, KITH_SCTP_CONNECTED) &&
        init->id >= kith_pc_max_channels(pc))
        return kith_fail(KITH_ERR_OPERATION, "id %d: the connection has %u", init->id,
                         (unsigned)kith_pc_max_channels(pc));
    if (init->negotiated && kith_channel_by_id(pc, (uint16_t)init->id))
        return kith_fail(KITH_ERR_OPERATION, "the id %d is taken", init->id);
    return KITH_OK;
}

kith_err kith_pc_create_data_channel(kith_pc *pc, const char *label, const kith_dc_init *init,
                                     kith_dc **out)
{
    kith_dc_init known = KITH_DC_INIT;
    kith_err err = KITH_OK;
    if (init)
        err = kith_config_read(&known, sizeof known, init, "KITH_DC_INIT");
    if (err == KITH_OK)
        err = check_init(pc, label, &known);
    if (err != KITH_OK)
        return err;
    bool has_role = pc->channels.transport->has_dtls_role && pc->channels.transport->sctp;
    int id = known.negotiated ? known.id : -1;
    if (id == -1 && has_role) {
        id = kith_channel_free_id(pc);
        if (id == -1)
            return kith_fail(KITH_ERR_OPERATION, "no channel id is left (max_channels %u)",
                             pc->config.max_channels);
    }
    if (id != -1)
        err = kith_channels_reserve(pc, (uint16_t)id);
    if (err != KITH_OK)
        return err;
    kith_dc *dc = kith_channel_new(pc, kith_span_text(label), kith_span_text(known.protocol));
    if (!dc)
        return kith_fail_memory();
    dc->user = known.user;
    dc->unordered = known.unordered;
    dc->negotiated = dc->acked = known.negotiated;
    dc->max_packet_life_time = known.max_packet_life_time;
    dc->max_retransmits = known.max_retransmits;
    dc->priority = known.priority;
    if (id != -1)
        kith_channel_set_id(dc, (uint16_t)id);
    pc->channels.ever_created = true;
    if (sctp_is(pc, KITH_SCTP_CONNECTED))
        kith_channel_open(dc);
    kith_jsep_update_negotiation_needed(pc);
    if (out)
        *out = dc;
    return KITH_OK;
}

static kith_err send_message(kith_dc *dc, const void *data, size_t len, uint32_t ppid,
                             uint32_t ppid_empty)
{
    kith_pc *pc = dc->pc;
    if (dc->state != KITH_DC_STATE_OPEN)
        return kith_fail(KITH_ERR_INVALID_STATE, "the channel is %s",
                         kith_dc_state_name(dc->state));
    if (sctp_is(pc, KITH_SCTP_CLOSED))
        return kith_fail(KITH_ERR_INVALID_STATE, "the SCTP association is closed");
    if (len > kith_pc_max_message_size(pc))
        return kith_fail(KITH_ERR_TYPE, "the message has %zu bytes, the peer accepts %zu", len,
                         kith_pc_max_message_size(pc));
    kith_sctp_send_args args = {
        .stream = (uint16_t)dc->id,
        .ppid = len == 0 ? ppid_empty : ppid,
        .data = len == 0 ? empty_message : data,
        .len = len == 0 ? sizeof empty_message : len,
        .ordered = !dc->acked,
        .not_counted = len == 0,
    };
    kith_err err = kith_sctp_send(pc->channels.transport->sctp, &args);
    if (err != KITH_OK)
        return err;
    dc->messages_sent++;
    dc->bytes_sent += len;
    kith_endpoint_set_ready(pc);
    return KITH_OK;
}

kith_err kith_dc_send(kith_dc *dc, const void *data, size_t len)
{
    return send_message(dc, data, len, KITH_PPID_BINARY, KITH_PPID_BINARY_EMPTY);
}

kith_err kith_dc_send_text(kith_dc *dc, const char *text, size_t len)
{
    return send_message(dc, text, len, KITH_PPID_STRING, KITH_PPID_STRING_EMPTY);
}

/* webrtc-pc section 6.2.4, the closing procedure. */
void kith_dc_close(kith_dc *dc)
{
    if (dc->state == KITH_DC_STATE_CLOSING || dc->state == KITH_DC_STATE_CLOSED)
        return;
    if (!dc->stream_open) {
        kith_channel_closed(dc, NULL);
        return;
    }
    dc->state = KITH_DC_STATE_CLOSING;
    kith_sctp_close_stream(dc->pc->channels.transport->sctp, (uint16_t)dc->id);
    kith_endpoint_set_ready(dc->pc);
}

void kith_dc_free(kith_dc *dc)
{
    if (!dc)
        return;
    dc->forgotten = true;
    kith_events_forget_channel(dc->pc, dc);
    if (dc->state == KITH_DC_STATE_CLOSED)
        kith_channel_destroy(dc);
    else
        kith_dc_close(dc); /* destroyed when its stream is closed */
}

kith_pc *kith_dc_pc(const kith_dc *dc)
{
    return dc->pc;
}

void *kith_dc_user(const kith_dc *dc)
{
    return dc->user;
}

void kith_dc_set_user(kith_dc *dc, void *user)
{
    dc->user = user;
}

const char *kith_dc_label(const kith_dc *dc)
{
    return dc->label;
}

size_t kith_dc_label_len(const kith_dc *dc)
{
    return dc->label_len;
}

const char *kith_dc_protocol(const kith_dc *dc)
{
    return dc->protocol;
}

bool kith_dc_ordered(const kith_dc *dc)
{
    return !dc->unordered;
}

int kith_dc_max_packet_life_time(const kith_dc *dc)
{
    return dc->max_packet_life_time;
}

int kith_dc_max_retransmits(const kith_dc *dc)
{
    return dc->max_retransmits;
}

bool kith_dc_negotiated(const kith_dc *dc)
{
    return dc->negotiated;
}

int kith_dc_id(const kith_dc *dc)
{
    return dc->id;
}

kith_priority kith_dc_priority(const kith_dc *dc)
{
    return dc->priority;
}

kith_dc_state kith_dc_ready_state(const kith_dc *dc)
{
    return dc->state;
}

const char *kith_dc_state_name(kith_dc_state state)
{
    static const char *const names[] = {"connecting", "open", "closing", "closed"};
    return (size_t)state < 4 ? names[state] : "";
}

size_t kith_dc_buffered_amount(const kith_dc *dc)
{
    return dc->stream_open ? kith_channel_waiting(dc) : dc->left_over;
}

size_t kith_dc_buffered_amount_low_threshold(const kith_dc *dc)
{
    return dc->low_threshold;
}

void kith_dc_set_buffered_amount_low_threshold(kith_dc *dc, size_t bytes)
{
    dc->low_threshold = bytes;
    if (dc->stream_open)
        kith_sctp_set_low_threshold(dc->pc->channels.transport->sctp, (uint16_t)dc->id, bytes);
}

size_t kith_pc_max_message_size(const kith_pc *pc)
{
    const kith_transport *t = pc->channels.transport;
    if (!t->sctp)
        return 0;
    return t->remote_max_message_size == 0 ? SIZE_MAX : t->remote_max_message_size;
}

uint16_t kith_pc_max_channels(const kith_pc *pc)
{
    return sctp_is(pc, KITH_SCTP_CONNECTED) ? kith_sctp_streams(pc->channels.transport->sctp) : 0;
}
