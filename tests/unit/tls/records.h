/* DTLS records made by hand. */
#ifndef KITH_TESTS_TLS_RECORDS_H
#define KITH_TESTS_TLS_RECORDS_H

#include "base/writer.h"
#include "tls/record.h"

/* A record of epoch e with a body. */
static inline size_t make_record(uint8_t *out, size_t cap, uint8_t type, uint16_t epoch,
                                 kith_span body)
{
    kith_writer w = kith_wr(out, cap);
    kith_wr_u8(&w, type);
    kith_wr_u16(&w, 0xfefd);
    kith_wr_u16(&w, epoch);
    kith_wr_zeros(&w, 6);
    kith_wr_u16(&w, (uint16_t)body.len);
    kith_wr_span(&w, body);
    return w.len;
}

typedef struct fragment {
    uint8_t type;
    uint16_t seq;
    uint32_t length, offset, fragment_length, present;
} fragment;

static inline void put_u24(kith_writer *w, uint32_t v)
{
    kith_wr_u8(w, (uint8_t)(v >> 16));
    kith_wr_u16(w, (uint16_t)v);
}

static inline size_t make_fragment(uint8_t *out, size_t cap, fragment f)
{
    kith_writer w = kith_wr(out, cap);
    kith_wr_u8(&w, f.type);
    put_u24(&w, f.length);
    kith_wr_u16(&w, f.seq);
    put_u24(&w, f.offset);
    put_u24(&w, f.fragment_length);
    kith_wr_zeros(&w, f.present);
    return w.len;
}

#endif
