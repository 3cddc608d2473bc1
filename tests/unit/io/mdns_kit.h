/* Packets of multicast DNS for tests, laid out as Chromium sends them. */
#ifndef KITH_TESTS_MDNS_KIT_H
#define KITH_TESTS_MDNS_KIT_H

#include "base/writer.h"

#define MDNS_NAME "b7a9c3e2-1f0d-4c58-9f6a-0123456789ab.local"

static inline void put_name(kith_writer *w, const char *name)
{
    kith_span rest = kith_span_text(name);
    while (rest.len > 0) {
        kith_span label = kith_span_cut(&rest, '.');
        kith_wr_u8(w, (uint8_t)label.len);
        kith_wr_span(w, label);
    }
    kith_wr_u8(w, 0);
}

static inline void put_header(kith_writer *w, uint16_t questions, uint16_t answers)
{
    kith_wr_u16(w, 0);
    kith_wr_u16(w, 0x8400); /* an authoritative response */
    kith_wr_u16(w, questions);
    kith_wr_u16(w, answers);
    kith_wr_u32(w, 0);
}

/* Type, class with cache-flush, TTL, data. */
static inline void put_body(kith_writer *w, uint16_t type, uint32_t ttl, kith_span data)
{
    kith_wr_u16(w, type);
    kith_wr_u16(w, 0x8001);
    kith_wr_u32(w, ttl);
    kith_wr_u16(w, (uint16_t)data.len);
    kith_wr_span(w, data);
}

/* A response with the one address 192.0.2.7. */
static inline size_t put_response(void *buf, size_t cap, const char *name)
{
    kith_writer w = kith_wr(buf, cap);
    put_header(&w, 0, 1);
    put_name(&w, name);
    put_body(&w, 1, 120, kith_span_of("\xc0\x00\x02\x07", 4));
    return w.len;
}

#endif
