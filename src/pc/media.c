/* Audio and video on one transport: received packets go to the application, its packets to the
 * peer. What the sections agree on is media_sections.c's. */
#include "pc/media.h"

#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/frames.h"
#include "pc/pc.h"
#include "wire/rtcp.h"

/* Blocks at a time: packets that wait in rtp and with the application, and payloads that are queued
 * or may be sent again. */
#define MAX_BLOCKS 8192
/* Blocks kept while nothing but checks happens for this long. */
#define IDLE_BLOCKS 16
#define IDLE_AFTER  KITH_SECONDS(5)
/* What comes before the keys: the first key frame of a small picture. */
#define EARLY_LIMIT ((size_t)64 * 1024)
/* RFC 3550 section 6.3.5: a participant is gone after five intervals without RTP or RTCP. */
#define SILENCE KITH_SECONDS(25)

static kith_media *media_of(const kith_pc *pc)
{
    return kith_pc_transport(pc)->media;
}

/* ---- the engines ---- */

/* RFC 3550 section 4: seconds since 1900 in 32.32 bits. */
static uint64_t ntp_origin(const kith_pc *pc)
{
    uint64_t at = pc->ep->ntp_time_at_zero;
    return (at / 1000000) << 32 | ((at % 1000000) << 32) / 1000000;
}

static kith_err new_media(kith_media **out, kith_pc *pc)
{
    kith_media *media = kith_alloc_zero(1, sizeof *media);
    if (!media)
        return kith_fail_memory();
    kith_ring_init(&media->early, EARLY_LIMIT);
    const kith_rtp_config config = {.cname = pc->transceivers.cname,
                                    .ssrcs = &pc->transceivers.ssrcs,
                                    .ntp_origin = ntp_origin(pc),
                                    .ignore_rtcp_timeout = pc->config.ignore_rtcp_timeout};
    kith_err err = kith_rtp_new(&media->rtp, &config);
    if (err == KITH_OK)
        err = kith_block_pool_new(&media->pool, KITH_PACKET_BLOCK, MAX_BLOCKS);
    if (err != KITH_OK) {
        kith_media_free(media);
        return err;
    }
    *out = media;
    return KITH_OK;
}

void kith_media_free(kith_media *media)
{
    if (!media)
        return;
    if (media->rtp)
        kith_rtp_free(media->rtp);
    if (media->srtp)
        kith_srtp_free(media->srtp);
    if (media->pool)
        kith_block_pool_free(media->pool);
    kith_ring_deinit(&media->early);
    kith_free(media);
}

static bool is_connected(const kith_transport *t)
{
    return t->dtls && kith_dtls_get_state(t->dtls) == KITH_DTLS_CONNECTED;
}

/* RFC 5764 section 4.2. */
static kith_err set_keys(kith_transport *t)
{
    kith_media *media = t->media;
    kith_srtp_keys keys;
    if (!kith_dtls_export_srtp_keys(t->dtls, &keys))
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "no SRTP profile was agreed on");
    const kith_srtp_config config = {.profile = kith_dtls_srtp_profile(t->dtls),
                                     .keys = &keys,
                                     .is_client = kith_dtls_get_role(t->dtls) == KITH_DTLS_CLIENT};
    kith_err err = kith_srtp_new(&media->srtp, &config);
    kith_wipe(&keys, sizeof keys);
    return err;
}

void kith_media_forget_keys(kith_transport *t)
{
    if (!t->media)
        return;
    kith_srtp_free(t->media->srtp);
    t->media->srtp = NULL;
    t->media->is_short_of_memory = false;
    kith_rtp_forget_estimate(t->media->rtp);
    t->pc->transceivers.estimated_bitrate = KITH_BITRATE_UNLIMITED;
    KITH_LIST_EACH(&t->pc->transceivers.all, node) {
        kith_receiver *receiver = &KITH_OWNER(node, kith_transceiver, in_pc)->receiver;
        receiver->has_ssrc = false;
        receiver->rtx_ssrc = 0;
    }
}

void kith_media_keys(kith_transport *t, kith_time now)
{
    if (!t->media)
        return;
    kith_err err = set_keys(t);
    t->media->is_short_of_memory = err == KITH_ERR_NO_MEMORY;
    if (err != KITH_OK) {
        KITH_LOG(&t->pc->log, WARNING, "no audio and video: %s", kith_last_error()->message);
        return;
    }
    kith_rtp_set_rtt(t->media->rtp, kith_ice_rtt(t->ice));
    for (kith_span early; (early = kith_ring_peek(&t->media->early)).data;
         kith_ring_pop(&t->media->early))
        kith_media_input(t, now, early);
    kith_ring_deinit(&t->media->early);
    t->pc->transceivers.estimated_bitrate = kith_rtp_estimate(t->media->rtp);
    kith_transceivers_tell(t->pc);
}

kith_err kith_media_begin(kith_transport *t)
{
    if (t->media)
        return KITH_OK;
    kith_err err = new_media(&t->media, t->pc);
    if (err == KITH_OK && is_connected(t))
        kith_media_keys(t, kith_endpoint_present(t->pc->ep));
    return err;
}

/* ---- senders ---- */

/* Our side of it: but for what the network and the peer carry. */
static bool may_send(const kith_sender *sender)
{
    const kith_transceiver *t = sender->transceiver;
    const kith_transport *transport = kith_pc_transport(t->pc);
    return !t->is_stopping && !sender->is_silenced && sender->is_active &&
           kith_direction_sends(t->current_direction) && sender->out && sender->codecs.count > 0 &&
           transport->media->srtp && is_connected(transport);
}

static kith_rtp_pause pause_of(const kith_sender *sender)
{
    kith_rtp_out_info info;
    kith_rtp_out_get_info(sender->out, &info);
    return info.pause;
}

/* A circuit breaker watches what is sent, and begins anew when that begins anew. */
static bool can_send(kith_sender *sender)
{
    if (may_send(sender))
        return pause_of(sender) == KITH_RTP_NOT_PAUSED;
    if (sender->out && pause_of(sender) != KITH_RTP_NOT_PAUSED)
        kith_rtp_out_resume(media_of(sender->transceiver->pc)->rtp, sender->out);
    return false;
}

static void tell(kith_sender *sender, kith_event_type type)
{
    kith_transceiver *t = sender->transceiver;
    kith_event ev = {
        .type = type, .pc = t->pc, .transceiver = t, .sender = sender, .receiver = &t->receiver};
    kith_events_push(t->pc, &ev);
}

void kith_sender_want_key_frame(kith_sender *sender)
{
    if (sender->out)
        kith_rtp_expect_key_frame(sender->out, kith_endpoint_present(sender->transceiver->pc->ep));
    tell(sender, KITH_EV_KEY_FRAME_REQUEST);
}

void kith_sender_tell(kith_sender *sender)
{
    bool is_ready = can_send(sender);
    const kith_negotiated *first = is_ready ? &sender->codecs.items[0] : NULL;
    if (is_ready == sender->is_ready &&
        (!is_ready || (first->row == sender->reported_row &&
                       first->codec.payload_type == sender->reported_payload_type)))
        return;
    sender->is_ready = is_ready;
    sender->needs_key_frame = sender->transceiver->kind == KITH_VIDEO;
    sender->reported_row = first ? first->row : NULL;
    sender->reported_payload_type = first ? first->codec.payload_type : 0;
    tell(sender, KITH_EV_SENDER_STATE);
    if (is_ready && sender->transceiver->kind == KITH_VIDEO)
        kith_sender_want_key_frame(sender);
}

const kith_rtp_codec *kith_sender_codec(const kith_sender *sender)
{
    return sender->is_ready ? &sender->codecs.items[0].codec : NULL;
}

static const kith_negotiated *find_codec(const kith_sender *sender, const kith_rtp_codec *codec)
{
    for (size_t i = 0; i < sender->codecs.count; i++)
        if (!codec || kith_codec_is(sender->codecs.items[i].row, codec))
            return &sender->codecs.items[i];
    return NULL;
}

/* "mozilla...THIS_IS_SDPARTA-99.0" */
static bool is_firefox(const kith_pc *pc)
{
    const kith_description *remote = kith_remote_applied(pc);
    return remote && strncmp(remote->sdp->origin.username, "mozilla", 7) == 0;
}

/* Firefox shows nothing more after a loss where it is told to wait for nothing (janus-gateway
 * 2981): it is told of 10 ms, the least that is not nothing. */
void kith_media_set_playout_delay(kith_rtp_unit *unit, const kith_pc *pc,
                                  const kith_rtp_playout_delay *delay)
{
    kith_rtp_playout_delay told = *delay;
    if (told.min < KITH_MS(10) && is_firefox(pc))
        told.min = KITH_MS(10);
    if (told.max < told.min)
        told.max = told.min;
    unit->has_playout_delay = true;
    kith_rtp_write_playout_delay(unit->playout_delay, &told);
}

static void take_extension(kith_rtp_unit *unit, const kith_pc *pc,
                           const kith_rtp_extension *extension)
{
    const uint8_t *data = extension->data;
    kith_rtp_playout_delay delay;
    switch (kith_rtp_extension_find(kith_span_text(extension->uri))) {
    case KITH_RTP_EXTENSION_AUDIO_LEVEL:
        unit->has_audio_level = extension->len >= 1;
        unit->audio_level = unit->has_audio_level ? data[0] : 0;
        break;
    case KITH_RTP_EXTENSION_VIDEO_ORIENTATION:
        unit->has_video_orientation = extension->len >= 1;
        unit->video_orientation = unit->has_video_orientation ? data[0] : 0;
        break;
    case KITH_RTP_EXTENSION_PLAYOUT_DELAY:
        if (kith_rtp_read_playout_delay(&delay, kith_span_of(data, extension->len)))
            kith_media_set_playout_delay(unit, pc, &delay);
        break;
    case KITH_RTP_EXTENSION_MID:
    case KITH_RTP_EXTENSION_ABS_SEND_TIME:
    case KITH_RTP_EXTENSION_TRANSPORT_CC:
    case KITH_RTP_EXTENSION_COUNT:
        break;
    }
}

static kith_time captured_at(const kith_rtp *packet, kith_time now)
{
    if (packet->capture_time > 0)
        return packet->capture_time;
    return packet->received_at > 0 ? packet->received_at : now;
}

static kith_err push(kith_sender *sender, const kith_rtp *packet, const kith_negotiated *as)
{
    kith_media *media = media_of(sender->transceiver->pc);
    kith_time now = kith_endpoint_present(sender->transceiver->pc->ep);
    kith_span payload = kith_span_of(packet->payload, packet->len);
    if (packet->len > KITH_RTP_MAX_PACKET)
        return kith_fail(KITH_ERR_RANGE, "send_rtp: a payload of %zu bytes", packet->len);
    bool begins_key_frame = kith_media_begins_key_frame(as->row->format, payload);
    if (kith_rtp_needs_key_frame(media->rtp, now, sender->out) && !begins_key_frame &&
        as->row->format != KITH_MEDIA_OPAQUE)
        return kith_fail(KITH_ERR_AGAIN, "send_rtp: a key frame is needed first");
    uint8_t *block = kith_block_take(media->pool);
    if (!block)
        return kith_block_pool_count(media->pool) < MAX_BLOCKS
                   ? kith_fail_memory()
                   : kith_fail(KITH_ERR_AGAIN, "send_rtp: too many packets wait");
    if (packet->len > 0)
        memcpy(block, packet->payload, packet->len);
    kith_rtp_unit unit = {
        .block = block,
        .payload = kith_span_of(block, packet->len),
        .captured_at = captured_at(packet, now),
        .timestamp = packet->timestamp,
        .is_numbered = true,
        .sequence_number = packet->sequence_number,
        .source_ssrc = packet->ssrc,
        .payload_type = as->codec.payload_type,
        .marker = packet->marker,
        .begins_key_frame = begins_key_frame,
    };
    for (size_t i = 0; i < packet->extension_count; i++)
        take_extension(&unit, sender->transceiver->pc, &packet->extensions[i]);
    kith_err err = kith_rtp_push(media->rtp, now, sender->out, &unit);
    if (err != KITH_OK)
        kith_block_unref(block);
    return err;
}

kith_err kith_sender_send_rtp(kith_sender *sender, const kith_rtp *packet)
{
    const kith_transceiver *t = sender->transceiver;
    if (t->is_stopping || t->pc->closed)
        return kith_fail(KITH_ERR_INVALID_STATE, "send_rtp: the transceiver was stopped");
    kith_rtp known = KITH_RTP_INIT;
    kith_err err = kith_config_read(&known, sizeof known, packet, "KITH_RTP_INIT");
    if (err != KITH_OK)
        return err;
    if (!sender->is_ready)
        return kith_fail(KITH_ERR_AGAIN, "send_rtp: nothing can be sent yet, or any more");
    const kith_negotiated *as = find_codec(sender, known.codec);
    if (!as || (known.len > 0 && !known.payload) ||
        (known.extension_count > 0 && !known.extensions))
        return kith_fail(KITH_ERR_TYPE, as ? "send_rtp: a pointer is missing"
                                           : "send_rtp: the codec was not negotiated");
    err = push(sender, &known, as);
    if (err == KITH_OK)
        kith_endpoint_set_ready(t->pc);
    return err;
}

/* ---- receivers ---- */

void kith_receiver_request_key_frame(kith_receiver *receiver)
{
    kith_pc *pc = receiver->transceiver->pc;
    if (!receiver->has_ssrc || pc->closed || !media_of(pc))
        return;
    kith_rtp_request_key_frame(media_of(pc)->rtp, receiver->ssrc);
    kith_endpoint_set_ready(pc);
}

static const kith_negotiated *codec_of(const kith_receiver *receiver, uint8_t payload_type)
{
    for (size_t i = 0; i < receiver->codecs.count; i++)
        if (receiver->codecs.items[i].codec.payload_type == payload_type)
            return &receiver->codecs.items[i];
    return NULL;
}

static bool begins_key_frame(const kith_negotiated *as, const kith_packet *packet)
{
    return as && kith_media_begins_key_frame(as->row->format, kith_packet_payload(packet));
}

/* The URI of an id; NULL: none that the application gets. */
static const char *uri_of(const kith_receiver *receiver, uint8_t id)
{
    for (kith_rtp_extension_kind kind = 0; kind < KITH_RTP_EXTENSION_COUNT; kind++)
        if (kind != KITH_RTP_EXTENSION_MID && receiver->extensions[kind] == id)
            return kith_rtp_extension_uri(kind);
    return NULL;
}

/* The longest delay between capture and arrival that a peer's clock is believed. */
#define MAX_CAPTURE_DELAY KITH_SECONDS(10)

bool kith_media_find_capture(const kith_pc *pc, uint32_t ssrc, uint32_t rtp_timestamp,
                             kith_time received_at, kith_rtp_captured *out)
{
    const kith_media *media = media_of(pc);
    bool is_known = media && kith_rtp_capture_time(media->rtp, ssrc, rtp_timestamp, out) &&
                    out->at >= received_at - MAX_CAPTURE_DELAY &&
                    out->at <= received_at + MAX_CAPTURE_DELAY;
    if (!is_known || out->at > received_at)
        out->at = received_at;
    return is_known;
}

const kith_rtp *kith_media_describe(kith_transceiver *t, const kith_packet *packet)
{
    kith_delivered_packet *told = &t->pc->transceivers.delivered;
    const kith_negotiated *as = codec_of(&t->receiver, packet->header.payload_type);
    kith_span payload = kith_packet_payload(packet);
    size_t count = 0;
    kith_rtp_elements elements = kith_rtp_elements_of(&packet->header, kith_packet_bytes(packet));
    for (kith_rtp_element e;
         count < KITH_RTP_EXTENSION_COUNT && kith_rtp_next_element(&elements, &e);) {
        const char *uri = uri_of(&t->receiver, e.id);
        if (uri)
            told->extensions[count++] =
                (kith_rtp_extension){.uri = uri, .data = e.data.data, .len = e.data.len};
    }
    for (unsigned i = 0; i < packet->header.csrc_count; i++)
        told->csrcs[i] = kith_rtp_csrc(&packet->header, kith_packet_bytes(packet), i);
    kith_rtp_captured captured;
    bool is_known = kith_media_find_capture(t->pc, packet->header.ssrc, packet->header.timestamp,
                                            packet->received_at, &captured);
    told->rtp = (kith_rtp){.size = sizeof told->rtp,
                           .codec = as ? &as->codec : NULL,
                           .ssrc = packet->header.ssrc,
                           .timestamp = packet->header.timestamp,
                           .sequence_number = packet->header.sequence_number,
                           .marker = packet->header.marker,
                           .begins_key_frame = begins_key_frame(as, packet),
                           .csrcs = told->csrcs,
                           .csrc_count = packet->header.csrc_count,
                           .extensions = told->extensions,
                           .extension_count = count,
                           .payload = payload.data,
                           .len = payload.len,
                           .received_at = packet->received_at,
                           .capture_time = captured.at,
                           .capture_known = is_known};
    return &told->rtp;
}

/* ---- packets in ---- */

static void input_rtcp(kith_media *media, kith_time now, kith_span packet)
{
    uint8_t plain[KITH_PACKET_CAP];
    if (packet.len > sizeof plain)
        return;
    memcpy(plain, packet.data, packet.len);
    size_t len = kith_srtp_unprotect_rtcp(media->srtp, plain, packet.len);
    if (len > 0)
        kith_rtp_input_rtcp(media->rtp, now, kith_span_of(plain, len));
}

static void input_rtp(kith_media *media, kith_time now, kith_span datagram)
{
    if (datagram.len > KITH_PACKET_CAP || !kith_rtp_admits(media->rtp, now, datagram))
        return;
    kith_packet *packet = kith_block_take(media->pool);
    if (!packet) {
        media->no_block++;
        return;
    }
    memcpy(packet->data, datagram.data, datagram.len);
    packet->len = kith_srtp_unprotect_rtp(media->srtp, packet->data, datagram.len);
    packet->received_at = now;
    if (packet->len > 0)
        kith_rtp_input(media->rtp, now, packet);
    else
        kith_block_unref(packet);
}

void kith_media_input(kith_transport *t, kith_time now, kith_span packet)
{
    kith_media *media = t->media;
    if (!media)
        t->counters.packets_dropped++;
    else if (!media->srtp)
        t->counters.early_dropped += !kith_ring_push(&media->early, packet.data, packet.len);
    else if (kith_rtcp_is(packet))
        input_rtcp(media, now, packet);
    else
        input_rtp(media, now, packet);
}

/* Its rollover counter cannot be learnt again after a long silence. */
static void note_ssrc(kith_media *media, kith_receiver *receiver, uint32_t ssrc)
{
    if (receiver->has_ssrc && receiver->ssrc == ssrc)
        return;
    if (receiver->has_ssrc)
        kith_srtp_disown(media->srtp, receiver->ssrc);
    receiver->has_ssrc = kith_srtp_own(media->srtp, ssrc) == KITH_OK;
    receiver->ssrc = ssrc;
}

/* webrtc-pc section 9.3: what comes unmutes the track, while it is one that receives. */
static void note_heard(kith_receiver *receiver, kith_time now)
{
    const kith_transceiver *t = receiver->transceiver;
    receiver->heard_at = now;
    if (t->is_track_announced && kith_direction_receives(t->current_direction))
        kith_receiver_set_muted(receiver, false);
}

/* It is silent while nothing is lost. */
static void note_rtx_ssrc(kith_media *media, kith_receiver *receiver, uint32_t ssrc)
{
    if (ssrc == 0 || receiver->rtx_ssrc == ssrc)
        return;
    if (receiver->rtx_ssrc != 0)
        kith_srtp_disown(media->srtp, receiver->rtx_ssrc);
    receiver->rtx_ssrc = kith_srtp_own(media->srtp, ssrc) == KITH_OK ? ssrc : 0;
}

static void assemble(kith_receiver *receiver, kith_time now, kith_packet *packet,
                     const kith_negotiated *as)
{
    /* there are no frames of it, but its number was used */
    if (as->row->format == KITH_MEDIA_OPAQUE)
        packet->header.payload_len = 0;
    kith_assembler_input(receiver->assembler, now, packet, as->row->format);
}

void kith_media_assemble_waiting(kith_receiver *receiver)
{
    kith_pc *pc = receiver->transceiver->pc;
    kith_time now = kith_endpoint_present(pc->ep);
    for (kith_packet *packet; (packet = kith_events_take_packet(pc, receiver));) {
        const kith_negotiated *as = codec_of(receiver, packet->header.payload_type);
        if (as)
            assemble(receiver, now, packet, as);
        else
            kith_block_unref(packet);
    }
    kith_endpoint_set_ready(pc);
}

static void on_packet(kith_pc *pc, kith_media *media, kith_time now, const kith_rtp_event *ev)
{
    kith_transceiver *t = kith_transceivers_find(pc, (uintptr_t)ev->user);
    if (!t || t->is_stopping) {
        kith_block_unref(ev->packet);
        return;
    }
    kith_receiver *receiver = &t->receiver;
    note_heard(receiver, now);
    const kith_negotiated *as = codec_of(receiver, ev->packet->header.payload_type);
    ev->packet->begins_stream |= !receiver->has_ssrc || receiver->ssrc != ev->ssrc;
    note_ssrc(media, receiver, ev->ssrc);
    note_rtx_ssrc(media, receiver, ev->packet->rtx_ssrc);
    if (receiver->assembler && as) {
        assemble(receiver, now, ev->packet, as);
        return;
    }
    /* One of nothing but padding, too, with which a sender without RTX probes: who passes on all
     * but it leaves a hole in the numbers that nobody can fill. */
    if (begins_key_frame(as, ev->packet))
        kith_rtp_key_frame_came(media->rtp, ev->ssrc);
    kith_events_push_packet(pc, t, ev->packet);
}

/* Not a packet, but about a stream of the peer's. */
static void on_report(kith_pc *pc, kith_time now, const kith_rtp_event *ev)
{
    kith_transceiver *t = kith_transceivers_find(pc, (uintptr_t)ev->user);
    if (!t || !t->receiver.has_ssrc || t->receiver.ssrc != ev->ssrc)
        return;
    if (ev->type == KITH_RTP_EV_BYE)
        kith_receiver_set_muted(&t->receiver, true);
    else
        t->receiver.heard_at = now;
}

static void on_sender_event(const kith_rtp_event *ev)
{
    kith_sender *sender = ev->user;
    if (ev->type == KITH_RTP_EV_SSRC_CHANGED) {
        kith_sender_take_ssrcs(sender);
        kith_jsep_update_negotiation_needed(sender->transceiver->pc);
    } else if (ev->type == KITH_RTP_EV_PAUSE) {
        kith_sender_tell(sender);
        kith_bitrate_share(sender->transceiver->pc);
    } else if (ev->type == KITH_RTP_EV_KEY_FRAME_REQUEST && sender->is_ready) {
        sender->asks_again = false;
        tell(sender, KITH_EV_KEY_FRAME_REQUEST);
    }
}

void kith_media_settle(kith_transport *t, kith_time now)
{
    kith_media *media = t->media;
    if (media && media->is_short_of_memory && is_connected(t)) {
        kith_media_keys(t, now);
        t->pc->events.is_short_of_memory |= media->is_short_of_memory;
    }
    if (!media || !media->srtp)
        return;
    for (kith_rtp_event ev;
         kith_events_has_room_for_media(t->pc) && kith_rtp_event_next(media->rtp, &ev);) {
        if (ev.type == KITH_RTP_EV_PACKET)
            on_packet(t->pc, media, now, &ev);
        else if (ev.type == KITH_RTP_EV_ENDED)
            kith_srtp_forget(media->srtp, ev.ssrc);
        else if (ev.type == KITH_RTP_EV_ESTIMATE)
            kith_bitrate_estimated(t->pc, ev.bitrate);
        else if (ev.type == KITH_RTP_EV_BYE || ev.type == KITH_RTP_EV_SENDER_REPORT)
            on_report(t->pc, now, &ev);
        else
            on_sender_event(&ev);
    }
    kith_frames_settle(t->pc, media->rtp);
}

/* ---- packets out, time ---- */

static kith_err protect(kith_media *media, uint8_t *buf, size_t *len, size_t cap)
{
    if (!kith_rtcp_is(kith_span_of(buf, *len)))
        return kith_srtp_protect_rtp(media->srtp, buf, len, cap);
    kith_err err = kith_srtp_protect_rtcp(media->srtp, buf, len, cap);
    for (uint32_t ssrc; kith_rtp_next_gone(media->rtp, &ssrc);)
        kith_srtp_retire(media->srtp, ssrc);
    return err;
}

size_t kith_media_output(kith_transport *t, kith_time now, uint8_t *buf, size_t cap)
{
    kith_media *media = t->media;
    if (!media || !media->srtp || !is_connected(t))
        return 0;
    for (size_t len; (len = kith_rtp_output(media->rtp, now, buf, cap)) > 0;) {
        if (protect(media, buf, &len, cap) == KITH_OK)
            return len;
        media->unprotected++;
    }
    return 0;
}

kith_time kith_media_deadline(const kith_transport *t, bool may_leave)
{
    const kith_media *media = t->media;
    if (!media || !media->srtp || !is_connected(t))
        return KITH_NEVER;
    kith_time at = kith_frames_deadline(t->pc);
    kith_time rtp_at =
        may_leave ? kith_rtp_deadline(media->rtp) : kith_rtp_deadline_of_tick(media->rtp);
    if (rtp_at < at)
        at = rtp_at;
    KITH_LIST_EACH(&t->pc->transceivers.all, node) {
        const kith_receiver *r = &KITH_OWNER(node, kith_transceiver, in_pc)->receiver;
        if (!r->is_muted && r->heard_at + SILENCE < at)
            at = r->heard_at + SILENCE;
    }
    return at;
}

/* webrtc-pc section 9.3: the stream is gone. */
static void mute_silent(kith_pc *pc, kith_time now)
{
    KITH_LIST_EACH(&pc->transceivers.all, node) {
        kith_receiver *r = &KITH_OWNER(node, kith_transceiver, in_pc)->receiver;
        if (!r->is_muted && now - r->heard_at >= SILENCE)
            kith_receiver_set_muted(r, true);
    }
}

static bool is_idle(const kith_transport_counters *counters, kith_time now)
{
    return now - counters->last_packet_sent >= IDLE_AFTER &&
           now - counters->last_packet_received >= IDLE_AFTER;
}

void kith_media_tick(kith_transport *t, kith_time now)
{
    if (!t->media || !t->media->srtp)
        return;
    kith_rtp_set_rtt(t->media->rtp, kith_ice_rtt(t->ice));
    kith_rtp_tick(t->media->rtp, now);
    kith_frames_tick(t->pc, now);
    mute_silent(t->pc, now);
    if (!is_idle(&t->counters, now))
        return;
    kith_block_pool_trim(t->media->pool, IDLE_BLOCKS);
    kith_events_trim(t->pc);
    if (t->pc->transceivers.buffers)
        kith_buffers_trim(t->pc->transceivers.buffers);
}
