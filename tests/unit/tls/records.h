/* DTLS records made by hand. */
#ifndef KITH_TESTS_TLS_RECORDS_H
#define KITH_TESTS_TLS_RECORDS_H

#include "base/writer.h"
#include "tls/record.h"

/* A record of epoch e with a body. */
static inline size_t make_record(uint8_t *out, uint8_t type, uint16_t epoch, kith_span body)
{
    kith_writer w = kith_wr(out, 20000);
    kith_wr_u8(&w, type);
    kith_wr_u16(&w, 0xfefd);
    kith_wr_u16(&w, epoch);
    kith_wr_zeros(&w, 6);
    kith_wr_u16(&w, (uint16_t)body.len);
    kith_wr_span(&w, body);
    return w.len;
}

#endif
