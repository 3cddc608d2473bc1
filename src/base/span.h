/* A borrowed run of bytes or of text; text in a span is not NUL-terminated. */
#ifndef KITH_BASE_SPAN_H
#define KITH_BASE_SPAN_H

#include <string.h>

#include "kith/base.h"

typedef struct kith_span {
    /* may be NULL when len is 0 */
    const uint8_t *data;
    size_t len;
} kith_span;

static inline kith_span kith_span_of(const void *data, size_t len)
{
    return (kith_span){.data = data, .len = len};
}

/* The text without its NUL; NULL gives the empty span. */
static inline kith_span kith_span_text(const char *text)
{
    return kith_span_of(text, text ? strlen(text) : 0);
}

static inline bool kith_span_equal(kith_span a, kith_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool kith_span_is(kith_span span, const char *text)
{
    return kith_span_equal(span, kith_span_text(text));
}

/* ASCII case is ignored: SDP tokens and host names. */
bool kith_span_is_nocase(kith_span span, const char *text);
bool kith_span_starts(kith_span span, const char *prefix);
/* Takes what stands before the first `separator` off the front of *rest and drops the separator;
 * the whole rest where there is none. */
kith_span kith_span_cut(kith_span *rest, char separator);
/* Takes the next run of non-blanks (space, tab) off the front; empty at the end. */
kith_span kith_span_word(kith_span *rest);
/* Without the blanks (space, tab) at both ends. */
kith_span kith_span_trim(kith_span span);
/* A decimal number that fills the whole span and is at most `max`; false otherwise. */
bool kith_span_u64(kith_span span, uint64_t max, uint64_t *out);
/* Length of the UTF-8 character at the front of a span that is not empty (RFC 3629 section 4); 0
 * for what is none. */
size_t kith_span_utf8(kith_span span);
/* ALPHA / DIGIT of RFC 5234. */
bool kith_span_is_alnum(uint8_t c);
/* 0 to 15, -1 for what is no hexadecimal digit; of either case. */
int kith_span_hex_digit(uint8_t c);

/* For printf's "%.*s". */
#define KITH_SPAN_ARG(span) (int)(span).len, (const char *)(span).data

#endif
