/* DCEP: what is read as DATA_CHANNEL_OPEN is written back as the same bytes, but what lay behind.
 */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "wire/dcep.h"

/* The reliability parameter of a reliable channel is ignored, so it comes back as 0. */
static bool is_reliable(const kith_dcep_open *open)
{
    return (open->channel_type & ~KITH_DCEP_UNORDERED) == KITH_DCEP_RELIABLE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_span message = kith_span_of(data, size);
    kith_dcep_open open;
    if (kith_dcep_is_ack(message))
        assert(!kith_dcep_parse_open(&open, message));
    if (!kith_dcep_parse_open(&open, message))
        return 0;
    kith_writer w = kith_wr_growing();
    kith_dcep_write_open(&w, &open);
    assert(!w.bad && w.len <= size);
    assert(memcmp(w.data, data, 4) == 0 && memcmp(w.data + 8, data + 8, w.len - 8) == 0);
    assert(is_reliable(&open) || memcmp(w.data + 4, data + 4, 4) == 0);
    kith_wr_deinit(&w);
    return 0;
}
