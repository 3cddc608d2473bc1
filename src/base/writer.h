/* The reader's mirror image: network bytes into the caller's buffer, or into memory that grows. The
 * error is sticky: when there is no room `bad` is set and nothing more is written. */
#ifndef KITH_BASE_WRITER_H
#define KITH_BASE_WRITER_H

#include "base/span.h"

typedef struct kith_writer {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool grows; /* data is ours: kith_wr_take or kith_wr_deinit */
    bool bad;
} kith_writer;

/* Writes into buf, never past cap. */
kith_writer kith_wr(void *buf, size_t cap);
/* Writes into memory that grows; bad only when out of memory. */
kith_writer kith_wr_growing(void);
/* Frees a growing writer's memory. */
void kith_wr_deinit(kith_writer *w);
/* The growing writer's text, NUL-terminated, now the caller's (kith_free); NULL if bad. */
char *kith_wr_take_text(kith_writer *w) KITH_MUST_CHECK;

void kith_wr_u8(kith_writer *w, uint8_t v);
void kith_wr_u16(kith_writer *w, uint16_t v);
void kith_wr_u24(kith_writer *w, uint32_t v);
void kith_wr_u32(kith_writer *w, uint32_t v);
void kith_wr_u64(kith_writer *w, uint64_t v);
void kith_wr_bytes(kith_writer *w, const void *data, size_t len);
void kith_wr_span(kith_writer *w, kith_span span);
void kith_wr_zeros(kith_writer *w, size_t len);
void kith_wr_text(kith_writer *w, const char *text);
void kith_wr_print(kith_writer *w, const char *format, ...) KITH_PRINTF(2, 3);

/* A length field whose value is known later: writes a 16-bit 0 and returns its place; close writes
 * the number of bytes that followed it. */
size_t kith_wr_mark_u16(kith_writer *w);
void kith_wr_close_u16(kith_writer *w, size_t mark);
/* Overwrites two bytes already written. */
void kith_wr_patch_u16(kith_writer *w, size_t at, uint16_t v);

#endif
