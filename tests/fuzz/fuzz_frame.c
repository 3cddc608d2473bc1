/* Frames on a stream: each lies in it behind its head, nothing is skipped, and they are the same
 * ones however the stream is cut. */
#include "fuzz.h"

#include <assert.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_span whole = kith_span_of(data, size), frame;
    for (const uint8_t *at = data; kith_frame_next(&whole, &frame); at = whole.data) {
        uint8_t head[KITH_FRAME_HEAD];
        kith_frame_write_head(head, frame.len);
        assert(frame.data == at + KITH_FRAME_HEAD && whole.data == frame.data + frame.len);
        assert(at[0] == head[0] && at[1] == head[1]);
        /* One byte less is none. */
        kith_span cut = kith_span_of(at, frame.len + KITH_FRAME_HEAD - 1), none;
        assert(!kith_frame_next(&cut, &none) && cut.data == at);
    }
    assert(whole.data + whole.len == data + size);
    return 0;
}
