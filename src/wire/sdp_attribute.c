/* What the attributes of a description share: character classes, common shapes of fields, and the
 * table that joins the transport attributes with those of RTP. */
#include "wire/sdp_attribute.h"

#include <string.h>

#include "base/error.h"

const kith_sdp_row *kith_sdp_row_at(size_t index)
{
    if (index < kith_sdp_transport_row_count)
        return &kith_sdp_transport_rows[index];
    index -= kith_sdp_transport_row_count;
    return index < kith_sdp_rtp_row_count ? &kith_sdp_rtp_rows[index] : NULL;
}

const void *kith_sdp_field(const kith_sdp_row *row, const kith_sdp *sdp, const kith_sdp_media *m)
{
    const void *owner = NULL;
    switch (row->owner) {
    case KITH_SDP_OWNER_SDP:
        owner = sdp;
        break;
    case KITH_SDP_OWNER_MEDIA:
        owner = m;
        break;
    case KITH_SDP_OWNER_COMMON:
        owner = m ? &m->common : &sdp->common;
        break;
    }
    return (const char *)owner + row->offset;
}

/* ---- characters ---- */

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool all_of(kith_span span, const char *others)
{
    for (size_t i = 0; i < span.len; i++)
        if (!is_letter_or_digit(span.data[i]) &&
            (span.data[i] == '\0' || !strchr(others, span.data[i])))
            return false;
    return span.len > 0;
}

bool kith_sdp_is_token(kith_span span)
{
    return all_of(span, "!#$%&'*+-.^_`{|}~");
}

bool kith_sdp_is_alphanumeric(kith_span span, const char *others)
{
    return all_of(span, others);
}

/* ---- shapes ---- */

bool kith_sdp_read_direction(kith_sdp_direction *out, kith_span text)
{
    for (kith_sdp_direction d = KITH_SDP_DIRECTION_SENDRECV; d <= KITH_SDP_DIRECTION_INACTIVE; d++)
        if (kith_span_is(text, kith_sdp_direction_text(d))) {
            *out = d;
            return true;
        }
    return false;
}

bool kith_sdp_read_connection(kith_sdp *sdp, kith_sdp_connection *out, kith_span text)
{
    kith_span nettype = kith_span_word(&text);
    kith_span addrtype = kith_span_word(&text);
    kith_span address = kith_span_word(&text);
    if (!kith_sdp_is_token(nettype) || !kith_sdp_is_token(addrtype) || address.len == 0 ||
        kith_span_trim(text).len > 0)
        return false;
    out->nettype = kith_sdp_copy(sdp, nettype);
    out->addrtype = kith_sdp_copy(sdp, addrtype);
    out->address = kith_sdp_copy(sdp, address);
    return true;
}

void kith_sdp_write_connection(kith_writer *w, const kith_sdp_connection *connection)
{
    kith_wr_print(w, "%s %s %s", connection->nettype, connection->addrtype, connection->address);
}

/* ---- fields that many attributes have in common ---- */

/* A value after a property attribute says nothing more; it is not worth a refusal. */
kith_err kith_sdp_parse_flag(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value)
{
    (void)in, (void)row, (void)value;
    bool *flag = field;
    *flag = true;
    return KITH_OK;
}

void kith_sdp_write_flag(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const bool *flag = field;
    if (*flag)
        kith_wr_print(w, "a=%s\r\n", row->name);
}

kith_err kith_sdp_parse_text(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                             kith_span value)
{
    const char **text = field;
    if (kith_span_trim(value).len == 0)
        return kith_fail_sdp(in->line, "a=%s needs a value", row->name);
    *text = kith_sdp_copy(in->sdp, value);
    return KITH_OK;
}

kith_err kith_sdp_parse_token(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value)
{
    const char **text = field;
    if (!kith_sdp_is_token(value))
        return kith_fail_sdp(in->line, "a=%s needs one token as its value, not \"%.*s\"", row->name,
                             KITH_SPAN_ARG(value));
    *text = kith_sdp_copy(in->sdp, value);
    return KITH_OK;
}

void kith_sdp_write_text(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const char *const *text = field;
    if (*text)
        kith_wr_print(w, "a=%s:%s\r\n", row->name, *text);
}

kith_err kith_sdp_parse_texts(const kith_sdp_input *in, const kith_sdp_row *row, void *field,
                              kith_span value)
{
    kith_sdp_texts *list = field;
    if (kith_span_trim(value).len == 0)
        return kith_fail_sdp(in->line, "a=%s needs a value", row->name);
    const char *text = kith_sdp_copy(in->sdp, value);
    const char **place = KITH_SDP_APPEND(in->sdp, *list);
    if (place)
        *place = text;
    return KITH_OK;
}

void kith_sdp_write_texts(kith_writer *w, const kith_sdp_row *row, const void *field)
{
    const kith_sdp_texts *list = field;
    for (size_t i = 0; i < list->count; i++)
        kith_wr_print(w, "a=%s:%s\r\n", row->name, list->items[i]);
}
