/* Writing JSON by hand: the texts are compared with a browser's byte for byte, and nothing of it
 * is deep. */
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- strings ---- */

/* Length of the UTF-8 character at the front (RFC 3629 section 4); 0 for what is none. */
static size_t utf8_length(kith_span text)
{
    const uint8_t *b = text.data;
    if (b[0] < 0x80)
        return 1;
    size_t len = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    if (b[0] < 0xc2 || b[0] > 0xf4 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
    bool surrogate = b[0] == 0xed && b[1] >= 0xa0;
    bool too_large = b[0] == 0xf4 && b[1] >= 0x90;
    return overlong || surrogate || too_large ? 0 : len;
}

static void write_ascii(kith_writer *w, uint8_t c)
{
    static const char short_form[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\') {
        kith_wr_u8(w, '\\');
        kith_wr_u8(w, c);
    } else if (c >= 0x20) {
        kith_wr_u8(w, c);
    } else if (short_form[c]) {
        kith_wr_u8(w, '\\');
        kith_wr_u8(w, (uint8_t)short_form[c]);
    } else {
        kith_wr_print(w, "\\u%04x", c);
    }
}

void kith_json_write_string(kith_writer *w, kith_span text)
{
    kith_wr_u8(w, '"');
    while (text.len > 0) {
        size_t len = utf8_length(text);
        if (len == 1)
            write_ascii(w, text.data[0]);
        else if (len == 0)
            kith_wr_text(w, "\xef\xbf\xbd");
        else
            kith_wr_span(w, kith_span_of(text.data, len));
        len = len == 0 ? 1 : len;
        text = kith_span_of(text.data + len, text.len - len);
    }
    kith_wr_u8(w, '"');
}

/* ---- numbers ---- */

void kith_json_write_number(kith_writer *w, double number)
{
    enum { EXACT = 17 }; /* digits that tell any two doubles apart */
    char text[40];
    if (!isfinite(number)) {
        kith_wr_text(w, "null");
        return;
    }
    for (int digits = 15; digits <= EXACT; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    for (char *c = text; *c; c++)
        if (*c == ',')
            *c = '.'; /* some locales */
    kith_wr_text(w, text);
}

/* ---- members ---- */

void kith_json_write_name(kith_writer *w, const char *name)
{
    if (w->len > 0 && w->data[w->len - 1] != '{')
        kith_wr_u8(w, ',');
    kith_json_write_string(w, kith_span_text(name));
    kith_wr_u8(w, ':');
}

void kith_json_write_member(kith_writer *w, const char *name, const char *value)
{
    kith_json_write_name(w, name);
    if (value)
        kith_json_write_string(w, kith_span_text(value));
    else
        kith_wr_text(w, "null");
}
