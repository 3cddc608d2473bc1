/* Bounded reading of network bytes with a sticky error: past the end `bad` is set, every later read
 * gives 0 or an empty span, and callers check `bad` once, at the end. */
#ifndef KITH_BASE_READER_H
#define KITH_BASE_READER_H

#include "base/span.h"

typedef struct kith_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
} kith_reader;

kith_reader kith_rd(const void *data, size_t len);
size_t kith_rd_left(const kith_reader *r);
uint8_t kith_rd_u8(kith_reader *r);
uint16_t kith_rd_u16(kith_reader *r);
uint32_t kith_rd_u24(kith_reader *r);
uint32_t kith_rd_u32(kith_reader *r);
uint64_t kith_rd_u64(kith_reader *r);
void kith_rd_skip(kith_reader *r, size_t len);
/* Copies len bytes; zeroes on damage. */
void kith_rd_copy(kith_reader *r, void *out, size_t len);
/* Borrows the next len bytes. */
kith_span kith_rd_span(kith_reader *r, size_t len);
/* Everything that is left. */
kith_span kith_rd_rest(kith_reader *r);
/* A reader over the next len bytes, so that a TLV cannot see its neighbour. */
kith_reader kith_rd_sub(kith_reader *r, size_t len);

#endif
