/* The parts of span.h that scan text. Bytes are bytes here: ASCII rules only, no locale, and no
 * byte outside the span is ever looked at. */
#include "base/span.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Drops the first `len` bytes. A NULL span has none to drop, and NULL takes no arithmetic. */
static void drop(kith_span *span, size_t len)
{
    if (len > 0) {
        span->data += len;
        span->len -= len;
    }
}

bool kith_span_is_nocase(kith_span span, const char *text)
{
    kith_span other = kith_span_text(text);
    if (span.len != other.len)
        return false;
    for (size_t i = 0; i < span.len; i++)
        if (lower(span.data[i]) != lower(other.data[i]))
            return false;
    return true;
}

bool kith_span_starts(kith_span span, const char *prefix)
{
    kith_span head = kith_span_text(prefix);
    return span.len >= head.len && kith_span_equal(kith_span_of(span.data, head.len), head);
}

kith_span kith_span_cut(kith_span *rest, char separator)
{
    kith_span head = *rest;
    const uint8_t *found = head.len > 0 ? memchr(head.data, separator, head.len) : NULL;
    if (found)
        head.len = (size_t)(found - head.data);
    drop(rest, found ? head.len + 1 : head.len);
    return head;
}

kith_span kith_span_word(kith_span *rest)
{
    size_t start = 0;
    while (start < rest->len && blank(rest->data[start]))
        start++;
    drop(rest, start);
    kith_span word = kith_span_of(rest->data, 0);
    while (word.len < rest->len && !blank(rest->data[word.len]))
        word.len++;
    drop(rest, word.len);
    return word;
}

kith_span kith_span_trim(kith_span span)
{
    while (span.len > 0 && blank(span.data[span.len - 1]))
        span.len--;
    while (span.len > 0 && blank(span.data[0]))
        drop(&span, 1);
    return span;
}

bool kith_span_u64(kith_span span, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < span.len; i++) {
        if (span.data[i] < '0' || span.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(span.data[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (span.len == 0)
        return false;
    *out = value;
    return true;
}

size_t kith_span_utf8(kith_span span)
{
    uint8_t c = span.data[0];
    size_t len = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (len > span.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((span.data[i] & 0xC0) != 0x80)
            return 0;
    if (len < 3)
        return len;
    uint8_t second = span.data[1];
    bool overlong = (c == 0xE0 && second < 0xA0) || (c == 0xF0 && second < 0x90);
    bool outside = (c == 0xED && second > 0x9F) || (c == 0xF4 && second > 0x8F);
    return overlong || outside ? 0 : len;
}

bool kith_span_is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int kith_span_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
