/* RFC 4571's framing. How long a frame may be, and where a part of one waits for the rest, is the
 * business of who reads the stream. */
#include "wire/frame.h"

#include <assert.h>

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
