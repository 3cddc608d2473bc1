/* Writing JSON by hand: the texts are compared with a browser's byte for byte, and nothing of it
 * is deep. */
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- strings ---- */

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
        size_t len = kith_span_utf8(text);
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
