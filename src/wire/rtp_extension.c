/* The values of header extensions, one after the other. */
#include "wire/rtp_extension.h"

#include <assert.h>

#include "base/reader.h"

static const char *const uris[KITH_RTP_EXTENSION_COUNT] = {
#define URI(name, uri) uri,
    KITH_RTP_EXTENSION_LIST(URI)
#undef URI
};

const char *kith_rtp_extension_uri(kith_rtp_extension_kind kind)
{
    return uris[kind];
}

kith_rtp_extension_kind kith_rtp_extension_find(kith_span uri)
{
    int kind = 0;
    while (kind < KITH_RTP_EXTENSION_COUNT && !kith_span_is(uri, uris[kind]))
        kind++;
    return (kith_rtp_extension_kind)kind;
}

bool kith_rtp_is_mid(kith_span value)
{
    return value.len > 0 && value.len <= KITH_RTP_MAX_MID && !memchr(value.data, 0, value.len);
}

/* ---- audio level: V and seven bits of level ---- */

bool kith_rtp_read_audio_level(kith_rtp_audio_level *out, kith_span value)
{
    if (value.len == 0)
        return false;
    *out =
        (kith_rtp_audio_level){.voice = (value.data[0] & 0x80) != 0, .level = value.data[0] & 0x7F};
    return true;
}

uint8_t kith_rtp_write_audio_level(const kith_rtp_audio_level *level)
{
    assert(level->level < 128);
    return (uint8_t)((level->voice ? 0x80 : 0) | level->level);
}

/* ---- video orientation: 0 0 0 0 C F R1 R0 ---- */

bool kith_rtp_read_video_orientation(kith_rtp_video_orientation *out, kith_span value)
{
    if (value.len == 0)
        return false;
    uint8_t byte = value.data[0];
    *out = (kith_rtp_video_orientation){.back_camera = (byte & 8) != 0,
                                        .flip = (byte & 4) != 0,
                                        .rotation = (uint16_t)(90 * (byte & 3))};
    return true;
}

uint8_t kith_rtp_write_video_orientation(const kith_rtp_video_orientation *orientation)
{
    assert(orientation->rotation % 90 == 0 && orientation->rotation < 360);
    return (uint8_t)((orientation->back_camera ? 8 : 0) | (orientation->flip ? 4 : 0) |
                     orientation->rotation / 90);
}

/* ---- playout delay: 12 bits of min, 12 of max ---- */

#define DELAY_UNIT KITH_MS(10)

bool kith_rtp_read_playout_delay(kith_rtp_playout_delay *out, kith_span value)
{
    kith_reader r = kith_rd(value.data, value.len);
    uint32_t both = kith_rd_u24(&r);
    if (r.bad || both >> 12 > (both & 0xFFF))
        return false;
    *out = (kith_rtp_playout_delay){.min = (both >> 12) * DELAY_UNIT,
                                    .max = (both & 0xFFF) * DELAY_UNIT};
    return true;
}

void kith_rtp_write_playout_delay(uint8_t out[3], const kith_rtp_playout_delay *delay)
{
    assert(delay->min >= 0 && delay->min <= delay->max && delay->max <= KITH_RTP_MAX_PLAYOUT_DELAY);
    uint32_t min = (uint32_t)(delay->min / DELAY_UNIT), max = (uint32_t)(delay->max / DELAY_UNIT);
    out[0] = (uint8_t)(min >> 4);
    out[1] = (uint8_t)(min << 4 | max >> 8);
    out[2] = (uint8_t)max;
}

/* ---- abs-send-time, transport-wide numbers ---- */

void kith_rtp_write_abs_send_time(uint8_t out[3], kith_time now)
{
    uint64_t us = (uint64_t)now;
    uint64_t time = (us / 1000000 << 18) + ((us % 1000000 << 18) / 1000000);
    out[0] = (uint8_t)(time >> 16);
    out[1] = (uint8_t)(time >> 8);
    out[2] = (uint8_t)time;
}

bool kith_rtp_read_transport_cc(uint16_t *out, kith_span value)
{
    kith_reader r = kith_rd(value.data, value.len);
    uint16_t number = kith_rd_u16(&r);
    if (!r.bad)
        *out = number;
    return !r.bad;
}
