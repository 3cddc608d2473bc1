/* Bounded reading of network bytes with a sticky error: past the end `bad` is set, every later read
 * gives 0 or an empty span, and callers check `bad` once, at the end. */
#ifndef KITH_BASE_READER_H
#define KITH_BASE_READER_H

#include "base/span.h"

typedef struct kith_reader {
    /* never NULL; at the end once the reader is bad */
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
} kith_reader;

static inline kith_reader kith_rd(const void *data, size_t len)
{
    const uint8_t *start = data ? (const uint8_t *)data : (const uint8_t *)"";
    return (kith_reader){.at = start, .end = start + (data ? len : 0), .bad = false};
}

static inline size_t kith_rd_left(const kith_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Borrows the next len bytes; where there are fewer the reader goes bad and the span is empty. */
static inline kith_span kith_rd_span(kith_reader *r, size_t len)
{
    kith_span span = {.data = r->at, .len = len};
    if (len > kith_rd_left(r)) {
        r->bad = true;
        r->at = r->end;
        span.len = 0;
        return span;
    }
    r->at += len;
    return span;
}

/* Everything that is left. */
static inline kith_span kith_rd_rest(kith_reader *r)
{
    return kith_rd_span(r, kith_rd_left(r));
}

static inline void kith_rd_skip(kith_reader *r, size_t len)
{
    (void)kith_rd_span(r, len);
}

/* A reader over the next len bytes, so that a TLV cannot see its neighbour. It is bad from the
 * start where its parent is. */
static inline kith_reader kith_rd_sub(kith_reader *r, size_t len)
{
    kith_span body = kith_rd_span(r, len);
    return (kith_reader){.at = body.data, .end = body.data + body.len, .bad = r->bad};
}

/* Copies len bytes; zeroes on damage. */
static inline void kith_rd_copy(kith_reader *r, void *out, size_t len)
{
    kith_span span = kith_rd_span(r, len);
    if (span.len > 0)
        memcpy(out, span.data, len);
    else if (len > 0)
        memset(out, 0, len);
}

static inline uint8_t kith_rd_u8(kith_reader *r)
{
    kith_span b = kith_rd_span(r, 1);
    return b.len > 0 ? b.data[0] : 0;
}

static inline uint16_t kith_rd_u16(kith_reader *r)
{
    kith_span b = kith_rd_span(r, 2);
    return b.len > 0 ? (uint16_t)((unsigned)b.data[0] << 8 | b.data[1]) : 0;
}

static inline uint32_t kith_rd_u24(kith_reader *r)
{
    kith_span b = kith_rd_span(r, 3);
    return b.len > 0 ? (uint32_t)b.data[0] << 16 | (uint32_t)b.data[1] << 8 | b.data[2] : 0;
}

static inline uint32_t kith_rd_u32(kith_reader *r)
{
    kith_span b = kith_rd_span(r, 4);
    if (b.len == 0)
        return 0;
    return (uint32_t)b.data[0] << 24 | (uint32_t)b.data[1] << 16 | (uint32_t)b.data[2] << 8 |
           b.data[3];
}

static inline uint64_t kith_rd_u64(kith_reader *r)
{
    kith_reader half = kith_rd_sub(r, 8);
    uint64_t high = kith_rd_u32(&half);
    return high << 32 | kith_rd_u32(&half);
}

#endif
