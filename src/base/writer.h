/* The reader's mirror image: network bytes into the caller's buffer, or into memory that grows. The
 * error is sticky: when there is no room `bad` is set and nothing more is written. */
#ifndef KITH_BASE_WRITER_H
#define KITH_BASE_WRITER_H

#include "base/span.h"

typedef struct kith_writer {
    uint8_t *data;
    size_t len;
    size_t cap;
    /* data is ours: kith_wr_take_text or kith_wr_deinit */
    bool grows;
    bool bad;
} kith_writer;

/* Writes into buf, never past cap. */
static inline kith_writer kith_wr(void *buf, size_t cap)
{
    return (kith_writer){.data = buf, .cap = cap};
}

/* Writes into memory that grows; bad only when out of memory. */
static inline kith_writer kith_wr_growing(void)
{
    return (kith_writer){.grows = true};
}

/* Frees a growing writer's memory. */
void kith_wr_deinit(kith_writer *w);
/* The growing writer's text, NUL-terminated, now the caller's (kith_free); NULL if bad. The writer
 * is empty afterwards either way. */
char *kith_wr_take_text(kith_writer *w) KITH_MUST_CHECK;

/* The slow side of kith_wr_space: grows, or goes bad. */
bool kith_wr_make_room(kith_writer *w, size_t len);

/* The next len bytes, which the caller fills at once; NULL when there is no room. */
static inline uint8_t *kith_wr_space(kith_writer *w, size_t len)
{
    if (w->bad || (len > w->cap - w->len && !kith_wr_make_room(w, len)))
        return NULL;
    uint8_t *space = w->data + w->len;
    w->len += len;
    return space;
}

static inline void kith_wr_u8(kith_writer *w, uint8_t v)
{
    uint8_t *b = kith_wr_space(w, 1);
    if (b)
        b[0] = v;
}

static inline void kith_wr_u16(kith_writer *w, uint16_t v)
{
    uint8_t *b = kith_wr_space(w, 2);
    if (!b)
        return;
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static inline void kith_wr_u32(kith_writer *w, uint32_t v)
{
    uint8_t *b = kith_wr_space(w, 4);
    if (!b)
        return;
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}

void kith_wr_u64(kith_writer *w, uint64_t v);
void kith_wr_bytes(kith_writer *w, const void *data, size_t len);
void kith_wr_span(kith_writer *w, kith_span span);
void kith_wr_zeros(kith_writer *w, size_t len);
void kith_wr_text(kith_writer *w, const char *text);
/* As printf. A fixed buffer must have room for the closing NUL too, which is not counted in len. */
void kith_wr_print(kith_writer *w, const char *format, ...) KITH_PRINTF(2, 3);

/* A length field whose value is known later: writes a 16-bit 0 and returns its place; close writes
 * the number of bytes that followed it, or goes bad where that does not fit into 16 bits. */
size_t kith_wr_mark_u16(kith_writer *w);
void kith_wr_close_u16(kith_writer *w, size_t mark);
/* Overwrites two bytes already written. */
void kith_wr_patch_u16(kith_writer *w, size_t at, uint16_t v);

#endif
