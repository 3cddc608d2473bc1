/* A frame to units: the way that is common to all codecs, and audio, which needs no more. */
#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "media/packetizer.h"
#include "wire/opus.h"

uint32_t kith_media_clock_rate(kith_media_codec codec)
{
    if (kith_media_is_video(codec))
        return 90000;
    return codec == KITH_MEDIA_OPUS ? 48000 : 8000;
}

bool kith_media_is_video(kith_media_codec codec)
{
    return codec == KITH_MEDIA_VP8 || codec == KITH_MEDIA_H264;
}

kith_err kith_packetizer_new(kith_packetizer **out, kith_media_codec codec, kith_buffers *buffers)
{
    kith_packetizer *p = kith_alloc_zero(1, sizeof *p);
    if (!p)
        return kith_fail_memory();
    p->codec = codec;
    p->buffers = buffers;
    /* RFC 7741 section 4.2: PictureID "MAY be random" at the start */
    p->picture_id = (uint16_t)kith_random_u32();
    *out = p;
    return KITH_OK;
}

void kith_packetizer_drop(kith_packetizer *p)
{
    kith_block_unref(p->block);
    p->block = NULL;
    p->left = 0;
}

void kith_packetizer_free(kith_packetizer *p)
{
    if (!p)
        return;
    kith_packetizer_drop(p);
    kith_free(p->h264.lengths);
    kith_free(p);
}

/* ---- audio ---- */

static uint32_t samples_of(kith_media_codec codec, kith_span data)
{
    return codec == KITH_MEDIA_OPUS ? kith_opus_samples(data) : (uint32_t)data.len;
}

static kith_err begin_audio(kith_packetizer *p, const kith_media_frame *frame)
{
    if (samples_of(p->codec, frame->data) == 0)
        return kith_fail(KITH_ERR_TYPE, "no audio packet of this codec");
    if (frame->data.len > p->limit)
        return kith_fail(KITH_ERR_RANGE, "an audio packet of %zu bytes: at most %zu fit",
                         frame->data.len, p->limit);
    p->block = kith_buffers_take(p->buffers, frame->data.len);
    if (!p->block)
        return kith_fail_memory();
    memcpy(p->block, frame->data.data, frame->data.len);
    p->len = frame->data.len;
    p->count = 1;
    p->is_key = true;
    return KITH_OK;
}

/* ---- timestamps ---- */

static int64_t ticks(kith_time t, uint32_t clock_rate)
{
    return t / 1000000 * clock_rate + t % 1000000 * clock_rate / 1000000;
}

/* Audio counts samples while the time of capture agrees by half a frame, else there was a silence:
 * the first packet after one has the marker (RFC 3551 section 4.1). Of video no two frames may have
 * one timestamp, and none goes back but with a clock that was set. */
static void stamp(kith_packetizer *p, const kith_media_frame *frame)
{
    int64_t captured = ticks(frame->captured_at, kith_media_clock_rate(p->codec));
    int64_t timestamp = captured;
    if (kith_media_is_video(p->codec)) {
        int64_t back = p->next_timestamp - captured;
        if (p->is_started && back > 0 && back < 90000)
            timestamp = p->next_timestamp;
        p->next_timestamp = timestamp + 1;
    } else {
        int64_t samples = samples_of(p->codec, frame->data);
        int64_t ahead = captured - p->next_timestamp;
        bool follows = p->is_started && ahead <= samples / 2 && -ahead <= samples / 2;
        timestamp = follows ? p->next_timestamp : captured;
        p->next_timestamp = timestamp + samples;
        p->marker = !follows;
    }
    p->is_started = true;
    p->timestamp = (uint32_t)timestamp;
    p->captured_at = frame->captured_at;
}

/* ---- the door ---- */

static kith_err begin_codec(kith_packetizer *p, const kith_media_frame *frame)
{
    switch (p->codec) {
    case KITH_MEDIA_OPUS:
    case KITH_MEDIA_PCMU:
    case KITH_MEDIA_PCMA:
        return begin_audio(p, frame);
    case KITH_MEDIA_VP8:
        return kith_vp8_begin(p, frame);
    case KITH_MEDIA_H264:
        return kith_h264_begin(p, frame);
    case KITH_MEDIA_OPAQUE:
        break;
    }
    assert(false && "all codecs are above");
    return KITH_OK;
}

kith_err kith_packetizer_begin(kith_packetizer *p, const kith_media_frame *frame, size_t limit)
{
    assert(limit > KITH_RTP_UNIT_PREFIX);
    kith_packetizer_drop(p);
    if (frame->data.len == 0)
        return kith_fail(KITH_ERR_TYPE, "an empty frame");
    if (frame->data.len > KITH_MEDIA_MAX_FRAME)
        return kith_fail(KITH_ERR_RANGE, "a frame of %zu bytes: at most %zu", frame->data.len,
                         KITH_MEDIA_MAX_FRAME);
    p->limit = limit;
    kith_err err = begin_codec(p, frame);
    if (err == KITH_OK && p->count > KITH_MEDIA_MAX_PACKETS)
        err = kith_fail(KITH_ERR_RANGE, "a frame of %zu packets: at most %d", p->count,
                        KITH_MEDIA_MAX_PACKETS);
    if (err != KITH_OK) {
        kith_packetizer_drop(p);
        return err;
    }
    p->is_non_reference = frame->is_non_reference;
    p->left = p->count;
    if (p->left > 0)
        stamp(p, frame);
    return KITH_OK;
}

bool kith_packetizer_is_key(const kith_packetizer *p)
{
    return p->is_key;
}

size_t kith_packetizer_left(const kith_packetizer *p)
{
    return p->left;
}

static void next_payload(kith_packetizer *p, kith_rtp_unit *out)
{
    if (p->codec == KITH_MEDIA_VP8)
        kith_vp8_next(p, out);
    else if (p->codec == KITH_MEDIA_H264)
        kith_h264_next(p, out);
    else
        out->payload = kith_span_of(p->block, p->len);
}

bool kith_packetizer_next(kith_packetizer *p, kith_rtp_unit *out)
{
    if (p->left == 0)
        return false;
    bool is_video = kith_media_is_video(p->codec);
    *out = (kith_rtp_unit){
        .block = kith_block_ref(p->block),
        .captured_at = p->captured_at,
        .timestamp = p->timestamp,
        .marker = is_video ? p->left == 1 : p->marker,
        .begins_key_frame = is_video && p->is_key && p->left == p->count,
    };
    next_payload(p, out);
    if (--p->left == 0)
        kith_packetizer_drop(p);
    return true;
}
