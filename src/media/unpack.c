/* Payloads to a frame: measured first, then written in one piece. */
#include "base/writer.h"
#include "media/assembler.h"
#include "wire/h264.h"
#include "wire/vp8.h"

static const uint8_t start_code[] = {0, 0, 0, 1};

/* ---- where a payload stands ---- */

/* Of the frame header the first byte is enough: RFC 6386 section 9.1. */
static bool begins_vp8_key_frame(kith_span payload)
{
    kith_reader r = kith_rd(payload.data, payload.len);
    kith_vp8_descriptor descriptor;
    return kith_vp8_read_descriptor(&r, &descriptor) && descriptor.begins_frame &&
           kith_rd_left(&r) > 0 && !(r.at[0] & 1);
}

bool kith_media_begins_key_frame(kith_media_codec codec, kith_span payload)
{
    kith_h264_pieces pieces;
    kith_h264_piece piece;
    if (codec == KITH_MEDIA_VP8)
        return begins_vp8_key_frame(payload);
    if (codec != KITH_MEDIA_H264 || !kith_h264_pieces_of(&pieces, payload))
        return false;
    while (kith_h264_next_piece(&pieces, &piece)) {
        uint8_t type = kith_h264_piece_type(&piece);
        if (piece.begins && (type == KITH_H264_SPS || type == KITH_H264_IDR))
            return true;
    }
    return false;
}

/* A key frame begins with its SPS, or what stands before it (H.264 section 7.4.1.2.3); one whose
 * parameter sets were sent before begins with anything but a slice of another picture. */
static void inspect_h264(kith_slot *slot, kith_span payload)
{
    kith_h264_pieces pieces;
    kith_h264_piece piece;
    if (!kith_h264_pieces_of(&pieces, payload))
        return;
    for (bool is_first = true; kith_h264_next_piece(&pieces, &piece); is_first = false) {
        uint8_t type = kith_h264_piece_type(&piece);
        slot->begins_key_frame |= piece.begins && type == KITH_H264_SPS;
        if (is_first)
            slot->may_begin_key_frame = piece.begins && type >= KITH_H264_IDR;
    }
}

void kith_unpack_inspect(kith_slot *slot)
{
    kith_span payload = kith_packet_payload(slot->packet);
    if (slot->codec == KITH_MEDIA_VP8)
        slot->begins_key_frame = begins_vp8_key_frame(payload);
    else if (slot->codec == KITH_MEDIA_H264)
        inspect_h264(slot, payload);
}

/* ---- a frame ---- */

/* What is known of a frame while its packets are gone through, first to measure it, then to write
 * it: without a writer nothing is written. */
typedef struct unpacking {
    kith_writer *w;
    size_t len;
    bool is_first, is_key;
    /* H.264: a fragmented unit has begun; what the picture's size is */
    bool is_unit_open;
    uint8_t open_header;
    uint16_t width, height;
} unpacking;

static void put(unpacking *u, const void *data, size_t len)
{
    u->len += len;
    if (u->w)
        kith_wr_bytes(u->w, data, len);
}

static bool unpack_vp8(unpacking *u, kith_span payload)
{
    kith_reader r = kith_rd(payload.data, payload.len);
    kith_vp8_descriptor descriptor;
    kith_vp8_frame_header header;
    if (!kith_vp8_read_descriptor(&r, &descriptor) || descriptor.begins_frame != u->is_first)
        return false;
    kith_span rest = kith_rd_rest(&r);
    /* the start of a key frame is never cut */
    if (u->is_first && (!kith_vp8_read_frame_header(rest, &header)))
        return false;
    if (u->is_first) {
        u->is_key = header.is_key;
        u->width = header.width;
        u->height = header.height;
    }
    put(u, rest.data, rest.len);
    return true;
}

static bool unpack_piece(unpacking *u, const kith_h264_piece *piece)
{
    bool follows = u->is_unit_open && piece->is_fragment && piece->header == u->open_header;
    if (piece->begins ? u->is_unit_open : !follows)
        return false;
    if (piece->begins)
        put(u, start_code, sizeof start_code);
    if (piece->begins && piece->is_fragment)
        put(u, &piece->header, 1);
    put(u, piece->content.data, piece->content.len);
    u->is_unit_open = !piece->ends;
    u->open_header = piece->header;
    u->is_key |= kith_h264_piece_type(piece) == KITH_H264_IDR;
    if (kith_h264_piece_type(piece) == KITH_H264_SPS && !piece->is_fragment) {
        kith_h264_sps sps = {0};
        (void)!kith_h264_read_sps(piece->content, &sps);
        u->width = sps.width;
        u->height = sps.height;
    }
    return true;
}

static bool unpack_h264(unpacking *u, kith_span payload)
{
    kith_h264_pieces pieces;
    kith_h264_piece piece;
    if (!kith_h264_pieces_of(&pieces, payload))
        return false;
    while (kith_h264_next_piece(&pieces, &piece)) {
        if (!unpack_piece(u, &piece))
            return false;
    }
    return !pieces.in.bad;
}

static bool unpack_payload(unpacking *u, kith_media_codec codec, kith_span payload)
{
    if (codec == KITH_MEDIA_VP8)
        return unpack_vp8(u, payload);
    if (codec == KITH_MEDIA_H264)
        return unpack_h264(u, payload);
    put(u, payload.data, payload.len);
    return true;
}

static bool unpack_all(const kith_assembler *a, int64_t first, int64_t end, kith_writer *w,
                       unpacking *u)
{
    *u = (unpacking){.w = w, .is_first = true};
    kith_media_codec codec = kith_slots_at(&a->slots, first)->codec;
    for (int64_t n = first; n < end; n++) {
        const kith_slot *slot = kith_slots_at(&a->slots, n);
        kith_span payload = kith_packet_payload(slot->packet);
        if (payload.len == 0)
            continue;
        if (slot->codec != codec || !unpack_payload(u, codec, payload))
            return false;
        u->is_first = false;
    }
    return !u->is_unit_open && u->len > 0 &&
           u->len <= KITH_MEDIA_MAX_FRAME - sizeof(kith_assembled);
}

/* Extensions stand in any packet of a frame, orientation in its last (3GPP TS 26.114 section
 * 7.4.5). */
static void read_packets(kith_assembler *a, int64_t first, int64_t end, kith_assembled *out)
{
    for (int64_t n = first; n < end; n++) {
        const kith_packet *packet = kith_slots_at(&a->slots, n)->packet;
        if (packet->received_at > out->received_at)
            out->received_at = packet->received_at;
        if (packet->has_audio_level)
            out->audio_level = packet->audio_level;
        if (packet->has_video_orientation)
            out->video_orientation = packet->video_orientation;
        if (packet->has_playout_delay && a->is_video) {
            a->has_playout_delay = true;
            a->playout_delay = packet->playout_delay;
        }
        out->has_audio_level |= packet->has_audio_level;
        out->has_video_orientation |= packet->has_video_orientation;
    }
}

/* A player holds to what the sender said last: it says so until it knows that it was heard. */
static void time_it(kith_assembler *a, kith_assembled *out)
{
    if (a->has_playout_delay)
        kith_delay_limit(&a->delay, a->playout_delay.min, a->playout_delay.max);
    out->has_playout_delay = a->has_playout_delay;
    out->playout_delay = a->playout_delay;
    out->play_at = kith_delay_play_at(&a->delay, out->rtp_timestamp);
    out->latest_play_at = kith_delay_latest(&a->delay, out->rtp_timestamp);
}

kith_assembled *kith_unpack(kith_assembler *a, int64_t first, int64_t end)
{
    unpacking u;
    if (!unpack_all(a, first, end, NULL, &u)) {
        a->counters.malformed++;
        return NULL;
    }
    kith_assembled *out = kith_buffers_take(a->buffers, sizeof *out + u.len);
    if (!out)
        return NULL;
    kith_writer w = kith_wr(out->data, u.len);
    (void)unpack_all(a, first, end, &w, &u);
    if (u.width > 0) {
        a->width = u.width;
        a->height = u.height;
    }
    const kith_slot *begin = kith_slots_at(&a->slots, first);
    *out = (kith_assembled){
        .codec = begin->codec,
        .is_key = u.is_key || !a->is_video,
        .rtp_timestamp = begin->packet->header.timestamp,
        .received_at = begin->packet->received_at,
        .width = a->width,
        .height = a->height,
        .len = w.len,
    };
    read_packets(a, first, end, out);
    time_it(a, out);
    return out;
}
