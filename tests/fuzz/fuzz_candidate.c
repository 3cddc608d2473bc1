/* Candidates: a line that is taken is written as a line that is taken again, and that comes back
 * unchanged. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "wire/candidate.h"

static size_t written(const kith_candidate *c, uint8_t *buf, size_t cap)
{
    kith_writer w = kith_wr(buf, cap);
    kith_candidate_write(&w, c);
    assert(!w.bad);
    return w.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_candidate first, second;
    uint8_t line[1200], again[1200];
    if (!kith_candidate_parse(&first, kith_span_of(data, size)))
        return 0;
    assert((first.address.family == 0) == (first.hostname[0] != '\0'));
    size_t len = written(&first, line, sizeof line);
    bool is_read = kith_candidate_parse(&second, kith_span_of(line, len));
    assert(is_read && first.type == second.type && first.priority == second.priority);
    assert(kith_address_equal(&first.address, &second.address));
    size_t again_len = written(&second, again, sizeof again);
    assert(len == again_len && memcmp(line, again, len) == 0);
    return 0;
}
