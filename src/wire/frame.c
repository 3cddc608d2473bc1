/* Framing. How long a frame may be, and where a part of one waits for the rest, is the business of
 * who reads the stream. */
#include "wire/frame.h"

#include <assert.h>

#include "base/reader.h"

bool kith_frame_length(kith_span stream, size_t *len)
{
    if (stream.len < KITH_FRAME_HEAD)
        return false;
    *len = (size_t)stream.data[0] << 8 | stream.data[1];
    return true;
}

bool kith_frame_next(kith_span *stream, kith_span *frame)
{
    size_t len;
    if (!kith_frame_length(*stream, &len) || stream->len - KITH_FRAME_HEAD < len)
        return false;
    *frame = kith_span_of(stream->data + KITH_FRAME_HEAD, len);
    *stream = kith_span_of(frame->data + len, stream->len - KITH_FRAME_HEAD - len);
    return true;
}

void kith_frame_write_head(uint8_t head[KITH_FRAME_HEAD], size_t len)
{
    assert(len <= UINT16_MAX);
    head[0] = (uint8_t)(len >> 8);
    head[1] = (uint8_t)len;
}

/* RFC 8489 section 5. */
#define STUN_HEADER 20
/* RFC 8656 section 12: the numbers of channels, of which the upper ones are reserved. */
#define FIRST_CHANNEL 0x4000
#define LAST_CHANNEL  0x4FFF

static size_t round_up(size_t len)
{
    return (len + 3) / 4 * 4;
}

size_t kith_frame_turn_length(const uint8_t head[KITH_FRAME_TURN_HEAD])
{
    kith_reader r = kith_rd(head, KITH_FRAME_TURN_HEAD);
    uint16_t type = kith_rd_u16(&r);
    size_t len = kith_rd_u16(&r);
    if (type >= FIRST_CHANNEL && type <= LAST_CHANNEL)
        return KITH_FRAME_TURN_HEAD + round_up(len);
    return type < FIRST_CHANNEL && len % 4 == 0 ? STUN_HEADER + len : 0;
}

size_t kith_frame_turn_pad(uint8_t *message, size_t len)
{
    size_t padded = round_up(len);
    while (len < padded)
        message[len++] = 0;
    return padded;
}
