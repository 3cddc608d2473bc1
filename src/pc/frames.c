#include "pc/frames.h"

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/media.h"
#include "pc/pc.h"

/* Of a unit: the longest packet less its header and the extensions that may stand in it (a MID of
 * 16 bytes and four short ones), so that all packets of a frame are of one size. */
#define UNIT_LIMIT (KITH_RTP_MAX_PACKET - KITH_RTP_HEADER - 40)

/* An encoder takes as long to make a key frame at least (as in rtp/rtcp_in.c). */
#define ASK_AGAIN_AFTER KITH_MS(300)

#define EACH(pc, node) KITH_LIST_EACH(&(pc)->transceivers.all, node)
#define OF(node)       KITH_OWNER(node, kith_transceiver, in_pc)

static kith_err make_buffers(kith_pc *pc)
{
    return pc->transceivers.buffers ? KITH_OK : kith_buffers_new(&pc->transceivers.buffers);
}

/* ---- sending ---- */

static kith_err make_packetizer(kith_sender *sender, kith_media_codec codec)
{
    kith_pc *pc = sender->transceiver->pc;
    if (sender->packetizer && sender->packetized == codec)
        return KITH_OK;
    kith_packetizer *packetizer;
    kith_err err = make_buffers(pc);
    if (err == KITH_OK)
        err = kith_packetizer_new(&packetizer, codec, pc->transceivers.buffers);
    if (err != KITH_OK)
        return err;
    kith_packetizer_free(sender->packetizer);
    sender->packetizer = packetizer;
    sender->packetized = codec;
    return KITH_OK;
}

/* A frame that is not sent, and on which others depend: a receiver would show what nobody drew. */
static kith_err refuse(kith_sender *sender, const kith_frame *frame, kith_err err)
{
    if (sender->packetizer)
        kith_packetizer_drop(sender->packetizer);
    if (sender->transceiver->kind == KITH_AUDIO || frame->not_referenced || sender->needs_key_frame)
        return err;
    sender->needs_key_frame = true;
    kith_sender_want_key_frame(sender);
    return err;
}

/* The same for want of room or memory. If it is the key frame that is needed, its encoder was asked
 * once and would not make another. */
static kith_err refuse_for_now(kith_sender *sender, const kith_frame *frame, size_t units,
                               kith_err err)
{
    kith_pc *pc = sender->transceiver->pc;
    if (sender->needs_key_frame && (err == KITH_ERR_AGAIN || err == KITH_ERR_NO_MEMORY)) {
        sender->asks_again = true;
        sender->asks_again_at = kith_endpoint_present(pc->ep) + ASK_AGAIN_AFTER;
        sender->refused_units = units;
        sender->refused_bytes = frame->len + units * KITH_RTP_UNIT_PREFIX;
        kith_endpoint_set_ready(pc);
    }
    return refuse(sender, frame, err);
}

static void set_extensions(kith_rtp_unit *unit, const kith_sender *sender, const kith_frame *frame)
{
    if (sender->transceiver->kind == KITH_AUDIO && frame->has_audio_level) {
        const kith_rtp_audio_level level = {.voice = frame->voice_activity,
                                            .level = frame->audio_level};
        unit->has_audio_level = true;
        unit->audio_level = kith_rtp_write_audio_level(&level);
    }
    /* 3GPP TS 26.114 section 7.4.5: in the last packet of a key frame and wherever it changes; in
     * the last of each frame is both */
    if (sender->transceiver->kind == KITH_VIDEO && unit->marker) {
        const kith_rtp_video_orientation orientation = {.rotation = frame->rotation};
        unit->has_video_orientation = true;
        unit->video_orientation = kith_rtp_write_video_orientation(&orientation);
    }
}

static void push(kith_sender *sender, const kith_frame *frame, kith_rtp_session *rtp)
{
    const kith_rtp_playout_delay delay = {.min = frame->min_playout_delay,
                                          .max = frame->max_playout_delay};
    bool has_delay = sender->transceiver->kind == KITH_VIDEO && frame->has_playout_delay;
    kith_time now = kith_endpoint_present(sender->transceiver->pc->ep);
    for (kith_rtp_unit unit; kith_packetizer_next(sender->packetizer, &unit);) {
        unit.payload_type = sender->codecs.items[0].codec.payload_type;
        set_extensions(&unit, sender, frame);
        if (has_delay)
            kith_media_set_playout_delay(&unit, sender->transceiver->pc, &delay);
        if (kith_rtp_push(rtp, now, sender->out, &unit) != KITH_OK)
            kith_block_unref(unit.block); /* not after kith_rtp_reserve */
    }
    sender->needs_key_frame = sender->asks_again = false;
    kith_endpoint_set_ready(sender->transceiver->pc);
}

/* webrtc-stats, hugeFramesSent: "at least 2.5 times the average size of the frames". */
static void note_size(kith_sender *sender, size_t len)
{
    sender->sent_frames++;
    sender->sent_frame_bytes += len;
    sender->huge_frames += 2 * len * sender->sent_frames >= 5 * sender->sent_frame_bytes;
}

static bool lacks_key_frame(const kith_sender *sender, kith_rtp_session *rtp, kith_time now)
{
    return (kith_rtp_needs_key_frame(rtp, now, sender->out) || sender->needs_key_frame) &&
           !kith_packetizer_is_key(sender->packetizer) &&
           kith_packetizer_left(sender->packetizer) > 0;
}

/* The encoder was asked already. */
static kith_err refuse_first(kith_sender *sender, const kith_frame *frame)
{
    sender->needs_key_frame = true;
    return refuse(sender, frame,
                  kith_fail(KITH_ERR_AGAIN, "send_frame: a key frame is needed first"));
}

static kith_err send(kith_sender *sender, const kith_frame *frame, kith_time captured_at)
{
    kith_rtp_session *rtp = kith_pc_transport(sender->transceiver->pc)->media->rtp;
    const kith_media_frame media = {.data = kith_span_of(frame->data, frame->len),
                                    .length_size = frame->nal_length_size,
                                    .captured_at = captured_at,
                                    .is_non_reference = frame->not_referenced};
    kith_err err = kith_packetizer_begin(sender->packetizer, &media, UNIT_LIMIT);
    if (err != KITH_OK)
        return refuse_for_now(sender, frame, 0, err);
    kith_time now = kith_endpoint_present(sender->transceiver->pc->ep);
    if (lacks_key_frame(sender, rtp, now))
        return refuse_first(sender, frame);
    size_t count = kith_packetizer_left(sender->packetizer);
    err = kith_rtp_reserve(rtp, now, sender->out, count, frame->len + count * KITH_RTP_UNIT_PREFIX);
    if (err != KITH_OK)
        return refuse_for_now(sender, frame, count, err);
    if (count > 0) {
        note_size(sender, frame->len);
        push(sender, frame, rtp);
    }
    return KITH_OK;
}

static kith_err check_frame(const kith_sender *sender, const kith_frame *frame)
{
    if (!frame->data || frame->len == 0)
        return kith_fail(KITH_ERR_TYPE, "send_frame: a frame without data");
    if (frame->codec && !kith_codec_is(sender->codecs.items[0].row, frame->codec))
        return kith_fail(KITH_ERR_TYPE, "send_frame: the codec is not what kith_sender_codec says");
    unsigned n = frame->nal_length_size;
    if (n != 0 && n != 1 && n != 2 && n != 4)
        return kith_fail(KITH_ERR_TYPE, "send_frame: lengths of %u bytes", n);
    if (frame->rotation % 90 != 0 || frame->rotation >= 360 || frame->audio_level > 127)
        return kith_fail(KITH_ERR_RANGE, "send_frame: a rotation or an audio level that is none");
    if (frame->has_playout_delay &&
        (frame->min_playout_delay < 0 || frame->min_playout_delay > frame->max_playout_delay ||
         frame->max_playout_delay > KITH_RTP_MAX_PLAYOUT_DELAY))
        return kith_fail(KITH_ERR_RANGE, "send_frame: a playout delay that is none");
    return KITH_OK;
}

static kith_err check_sender(const kith_sender *sender)
{
    const kith_transceiver *t = sender->transceiver;
    if (t->is_stopping || t->pc->closed)
        return kith_fail(KITH_ERR_INVALID_STATE, "send_frame: the transceiver was stopped");
    return KITH_OK;
}

kith_err kith_sender_send_frame(kith_sender *sender, const kith_frame *frame)
{
    kith_frame known = KITH_FRAME_INIT;
    kith_err err = check_sender(sender);
    if (err == KITH_OK)
        err = kith_config_read(&known, sizeof known, frame, "KITH_FRAME_INIT");
    if (err == KITH_OK && !sender->is_ready)
        err = kith_fail(KITH_ERR_AGAIN, "send_frame: nothing can be sent yet, or any more");
    if (err == KITH_OK)
        err = check_frame(sender, &known);
    if (err == KITH_OK && sender->codecs.items[0].row->format == KITH_MEDIA_OPAQUE)
        err = kith_fail(KITH_ERR_TYPE, "send_frame: %s is sent as packets (send_rtp)",
                        sender->codecs.items[0].codec.mime_type);
    if (err != KITH_OK)
        return err;
    err = make_packetizer(sender, sender->codecs.items[0].row->format);
    if (err != KITH_OK)
        return refuse_for_now(sender, &known, 0, err);
    sender->frames++;
    kith_time now = kith_endpoint_present(sender->transceiver->pc->ep);
    return send(sender, &known, known.capture_time > 0 ? known.capture_time : now);
}

kith_err kith_sender_set_codec_data(kith_sender *sender, const void *data, size_t len)
{
    kith_err err = check_sender(sender);
    if (err == KITH_OK && (!data || sender->transceiver->kind != KITH_VIDEO))
        err = kith_fail(KITH_ERR_TYPE,
                        data ? "set_codec_data: not of video" : "set_codec_data: no data");
    if (err == KITH_OK)
        err = make_packetizer(sender, KITH_MEDIA_H264);
    if (err != KITH_OK)
        return err;
    return kith_packetizer_set_parameter_sets(sender->packetizer, kith_span_of(data, len));
}

static void ask_again(kith_sender *sender, kith_time now)
{
    if (!sender->asks_again || now < sender->asks_again_at)
        return;
    sender->asks_again = sender->is_ready && sender->needs_key_frame;
    if (!sender->asks_again)
        return;
    const kith_rtp_session *rtp = kith_pc_transport(sender->transceiver->pc)->media->rtp;
    sender->asks_again_at = now + ASK_AGAIN_AFTER;
    if (!kith_rtp_has_room(rtp, sender->out, sender->refused_units, sender->refused_bytes))
        return;
    sender->asks_again = false;
    kith_sender_want_key_frame(sender);
}

/* ---- receiving ---- */

kith_err kith_receiver_set_mode(kith_receiver *receiver, kith_receive_mode mode)
{
    kith_transceiver *t = receiver->transceiver;
    if (mode != KITH_RECEIVE_PACKETS && mode != KITH_RECEIVE_FRAMES)
        return kith_fail(KITH_ERR_TYPE, "set_mode: no such mode");
    if (mode == KITH_RECEIVE_PACKETS) {
        kith_assembler_free(receiver->assembler);
        receiver->assembler = NULL;
        return KITH_OK;
    }
    kith_err err = make_buffers(t->pc);
    if (err != KITH_OK || receiver->assembler)
        return err;
    err = kith_assembler_new(&receiver->assembler, t->kind == KITH_VIDEO,
                             t->pc->transceivers.buffers);
    if (err == KITH_OK)
        kith_media_assemble_waiting(receiver);
    return err;
}

/* An application that does not look misses pictures, and then needs a key frame; so it does where
 * the one that came was dropped. */
static void settle(kith_transceiver *t, kith_rtp_session *rtp)
{
    kith_receiver *receiver = &t->receiver;
    bool is_any_told = false;
    kith_assembler_set_repair(receiver->assembler, receiver->is_repaired, kith_rtp_rtt(rtp));
    for (kith_assembler_event ev; kith_events_has_room_for_media(t->pc) &&
                                  kith_assembler_event_next(receiver->assembler, &ev);) {
        is_any_told |= ev.type == KITH_ASSEMBLER_EV_FRAME;
        if (ev.type == KITH_ASSEMBLER_EV_FRAME)
            kith_events_push_frame(t->pc, t, ev.frame);
        else if (ev.type == KITH_ASSEMBLER_EV_KEY_FRAME_NEEDED)
            kith_rtp_request_key_frame(rtp, receiver->ssrc);
        else
            kith_rtp_key_frame_came(rtp, receiver->ssrc);
    }
    if (is_any_told && receiver->needs_key_frame)
        kith_rtp_request_key_frame(rtp, receiver->ssrc);
    kith_rtp_skip(rtp, receiver->ssrc, kith_assembler_first_wanted(receiver->assembler));
}

void kith_frames_settle(kith_pc *pc, kith_rtp_session *rtp)
{
    EACH(pc, node)
    if (OF(node)->receiver.assembler && OF(node)->receiver.has_ssrc)
        settle(OF(node), rtp);
}

kith_time kith_frames_deadline(kith_pc *pc)
{
    kith_time at = KITH_NEVER;
    EACH(pc, node)
    {
        const kith_sender *sender = &OF(node)->sender;
        if (sender->asks_again && sender->asks_again_at < at)
            at = sender->asks_again_at;
    }
    EACH(pc, node)
    {
        const kith_assembler *a = OF(node)->receiver.assembler;
        if (a && kith_assembler_deadline(a) < at)
            at = kith_assembler_deadline(a);
    }
    return at;
}

void kith_frames_tick(kith_pc *pc, kith_time now)
{
    EACH(pc, node)
    {
        ask_again(&OF(node)->sender, now);
        if (OF(node)->receiver.assembler)
            kith_assembler_tick(OF(node)->receiver.assembler, now);
    }
}

static const kith_rtp_codec *codec_of(const kith_receiver *receiver, kith_media_codec format)
{
    for (size_t i = 0; i < receiver->codecs.count; i++) {
        if (receiver->codecs.items[i].row->format == format)
            return &receiver->codecs.items[i].codec;
    }
    return NULL;
}

/* Streams of one source that were silent for so long do not hold up each other. */
#define IN_STEP_FOR KITH_SECONDS(2)
/* What a stream waits for others of its source at most. */
#define MAX_WAIT KITH_MS(500)

/* All streams of a source are played as much later than captured as the slowest of them. */
static kith_time play_in_step(kith_receiver *receiver, const kith_frame *frame,
                              const kith_rtp_captured *captured)
{
    receiver->clock = captured->clock;
    receiver->dated_at = frame->received_at;
    receiver->play_delay = frame->play_at - captured->at;
    kith_time delay = receiver->play_delay;
    EACH(receiver->transceiver->pc, node)
    {
        const kith_receiver *other = &OF(node)->receiver;
        if (other->clock == receiver->clock && other->play_delay > delay &&
            frame->received_at - other->dated_at < IN_STEP_FOR)
            delay = other->play_delay;
    }
    if (delay > receiver->play_delay + MAX_WAIT)
        delay = receiver->play_delay + MAX_WAIT;
    return captured->at + delay;
}

/* Neither steps back. */
static void date(kith_receiver *receiver, kith_frame *frame, kith_time latest_play_at)
{
    kith_rtp_captured captured;
    frame->capture_known =
        kith_media_find_capture(receiver->transceiver->pc, receiver->ssrc, frame->rtp_timestamp,
                                frame->received_at, &captured);
    if (frame->capture_known)
        frame->play_at = play_in_step(receiver, frame, &captured);
    if (frame->play_at > latest_play_at)
        frame->play_at = latest_play_at;
    if (captured.at > receiver->captured_at)
        receiver->captured_at = captured.at;
    if (frame->play_at > receiver->play_at)
        receiver->play_at = frame->play_at;
    frame->capture_time = receiver->captured_at;
    frame->play_at = receiver->play_at;
}

const kith_frame *kith_frames_describe(kith_transceiver *t, const kith_assembled *frame)
{
    kith_frame *told = &t->pc->transceivers.delivered_frame;
    *told = (kith_frame){.size = sizeof *told,
                         .codec = codec_of(&t->receiver, frame->codec),
                         .data = frame->data,
                         .len = frame->len,
                         .rotation = frame->video_orientation.rotation,
                         .has_audio_level = frame->has_audio_level,
                         .audio_level = frame->audio_level.level,
                         .voice_activity = frame->audio_level.voice,
                         .is_key = frame->is_key,
                         .width = frame->width,
                         .height = frame->height,
                         .rtp_timestamp = frame->rtp_timestamp,
                         .lost_before = frame->lost_before,
                         .received_at = frame->received_at,
                         .play_at = frame->play_at,
                         .has_playout_delay = frame->has_playout_delay,
                         .min_playout_delay = frame->playout_delay.min,
                         .max_playout_delay = frame->playout_delay.max};
    date(&t->receiver, told, frame->latest_play_at);
    return told;
}
