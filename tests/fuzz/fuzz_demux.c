/* Demultiplexing: the first byte decides, and nothing else is looked at. */
#include "fuzz.h"

#include <assert.h>

#include "wire/demux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_demux_kind kind = kith_demux(kith_span_of(data, size));
    assert(kind == kith_demux(kith_span_of(data, size > 0)));
    assert(size > 0 || kind == KITH_DEMUX_UNKNOWN);
    return 0;
}
