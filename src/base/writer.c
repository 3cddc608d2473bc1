/* The parts of writer.h that are off the packet path: growth, text and length marks. */
#include "base/writer.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"

/* Enough for most descriptions' first lines; doubled from there. */
#define FIRST_CAP 256

void kith_wr_deinit(kith_writer *w)
{
    if (w->grows)
        kith_free(w->data);
    *w = (kith_writer){.grows = w->grows};
}

char *kith_wr_take_text(kith_writer *w)
{
    assert(w->grows);
    kith_wr_u8(w, 0);
    char *text = NULL;
    if (!w->bad) {
        text = (char *)w->data;
        w->data = NULL;
    }
    kith_wr_deinit(w);
    return text;
}

bool kith_wr_make_room(kith_writer *w, size_t len)
{
    if (w->bad)
        return false;
    if (len <= w->cap - w->len)
        return true;
    size_t cap = w->cap < FIRST_CAP ? FIRST_CAP : w->cap;
    while (cap - w->len < len && cap <= SIZE_MAX / 2)
        cap *= 2;
    uint8_t *data = w->grows && cap - w->len >= len ? kith_resize(w->data, cap) : NULL;
    if (!data) {
        w->bad = true;
        return false;
    }
    w->data = data;
    w->cap = cap;
    return true;
}

void kith_wr_u64(kith_writer *w, uint64_t v)
{
    uint8_t *b = kith_wr_space(w, 8);
    for (int i = 0; b && i < 8; i++)
        b[i] = (uint8_t)(v >> (56 - 8 * i));
}

void kith_wr_bytes(kith_writer *w, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *b = kith_wr_space(w, len);
    if (b)
        memcpy(b, data, len);
}

void kith_wr_span(kith_writer *w, kith_span span)
{
    kith_wr_bytes(w, span.data, span.len);
}

void kith_wr_zeros(kith_writer *w, size_t len)
{
    uint8_t *b = len > 0 ? kith_wr_space(w, len) : NULL;
    if (b)
        memset(b, 0, len);
}

void kith_wr_text(kith_writer *w, const char *text)
{
    kith_wr_span(w, kith_span_text(text));
}

void kith_wr_print(kith_writer *w, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    assert(len >= 0); /* formats are ours, and none holds a wide character */
    if (kith_wr_make_room(w, (size_t)len + 1)) {
        vsnprintf((char *)w->data + w->len, (size_t)len + 1, format, again);
        w->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

size_t kith_wr_mark_u16(kith_writer *w)
{
    size_t mark = w->len;
    kith_wr_u16(w, 0);
    return mark;
}

void kith_wr_close_u16(kith_writer *w, size_t mark)
{
    if (w->bad)
        return;
    size_t len = w->len - mark - 2;
    if (len > UINT16_MAX) {
        w->bad = true;
        return;
    }
    kith_wr_patch_u16(w, mark, (uint16_t)len);
}

void kith_wr_patch_u16(kith_writer *w, size_t at, uint16_t v)
{
    if (w->bad)
        return;
    assert(at <= w->len && w->len - at >= 2);
    w->data[at] = (uint8_t)(v >> 8);
    w->data[at + 1] = (uint8_t)v;
}
