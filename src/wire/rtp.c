/* RTP's header as bytes and as offsets. Nothing is said about which packets make sense: sequence,
 * payload type and source are their receiver's business. */
#include "wire/rtp.h"

#include <assert.h>

#define VERSION     2
#define FLAG_P      0x20
#define FLAG_X      0x10
#define FLAG_MARKER 0x80

/* RFC 8285 sections 4.2 and 4.3: the low four bits of the second are the application's. */
#define PROFILE_ONE_BYTE      0xBEDE
#define PROFILE_TWO_BYTE      0x1000
#define PROFILE_TWO_BYTE_MASK 0xFFF0

static uint16_t offset_of(const kith_reader *r, kith_span packet)
{
    return (uint16_t)(r->at - packet.data);
}

/* RFC 3550 section 5.3.1: the length counts words behind the four bytes. */
static void read_extension(kith_rtp_header *h, kith_reader *r, kith_span packet)
{
    h->extension_profile = kith_rd_u16(r);
    size_t len = 4u * kith_rd_u16(r);
    h->extension_at = offset_of(r, packet);
    h->extension_len = (uint16_t)len;
    kith_rd_skip(r, len);
}

/* "The last octet of the padding contains a count of how many padding octets should be ignored,
 * including itself" (RFC 3550 section 5.1): 0 is no such count. */
static bool read_padding(kith_rtp_header *h, kith_span rest)
{
    if (rest.len == 0)
        return false;
    h->padding_len = rest.data[rest.len - 1];
    return h->padding_len > 0 && h->padding_len <= rest.len;
}

bool kith_rtp_parse_clear(kith_rtp_header *out, kith_span packet)
{
    if (packet.len > UINT16_MAX)
        return false;
    kith_reader r = kith_rd(packet.data, packet.len);
    uint8_t flags = kith_rd_u8(&r);
    uint8_t type = kith_rd_u8(&r);
    kith_rtp_header h = {.csrc_count = flags & 0x0F, .has_extension = (flags & FLAG_X) != 0};
    h.marker = (type & FLAG_MARKER) != 0;
    h.payload_type = type & 0x7F;
    h.sequence_number = kith_rd_u16(&r);
    h.timestamp = kith_rd_u32(&r);
    h.ssrc = kith_rd_u32(&r);
    kith_rd_skip(&r, 4u * h.csrc_count);
    if (h.has_extension)
        read_extension(&h, &r, packet);
    if (r.bad || flags >> 6 != VERSION)
        return false;
    h.payload_at = offset_of(&r, packet);
    h.payload_len = (uint16_t)kith_rd_left(&r);
    *out = h;
    return true;
}

bool kith_rtp_parse_header(kith_rtp_header *out, kith_span packet)
{
    kith_rtp_header h;
    if (!kith_rtp_parse_clear(&h, packet))
        return false;
    bool is_padded = packet.data[0] & FLAG_P;
    if (is_padded && !read_padding(&h, kith_span_of(packet.data + h.payload_at, h.payload_len)))
        return false;
    h.payload_len = (uint16_t)(h.payload_len - h.padding_len);
    *out = h;
    return true;
}

uint32_t kith_rtp_csrc(const kith_rtp_header *h, kith_span packet, unsigned index)
{
    assert(index < h->csrc_count);
    kith_reader r = kith_rd(packet.data + KITH_RTP_HEADER + 4 * index, 4);
    return kith_rd_u32(&r);
}

kith_rtp_elements kith_rtp_elements_of(const kith_rtp_header *h, kith_span packet)
{
    kith_rtp_elements elements = {.is_two_byte = h->extension_profile != PROFILE_ONE_BYTE};
    bool is_known =
        h->has_extension && (h->extension_profile == PROFILE_ONE_BYTE ||
                             (h->extension_profile & PROFILE_TWO_BYTE_MASK) == PROFILE_TWO_BYTE);
    elements.in = kith_rd(packet.data + h->extension_at, is_known ? h->extension_len : 0);
    return elements;
}

/* The head of the next element that is no padding; false: there is none, or it ends the list. */
static bool read_head(kith_rtp_elements *elements, uint8_t *id, size_t *len)
{
    kith_reader *in = &elements->in;
    uint8_t byte = 0;
    while (kith_rd_left(in) > 0 && byte == 0)
        byte = kith_rd_u8(in);
    if (byte == 0)
        return false;
    if (elements->is_two_byte) {
        *id = byte;
        *len = kith_rd_u8(in);
        return true;
    }
    *id = byte >> 4;
    *len = (size_t)(byte & 0x0F) + 1;
    /* 0 with a length, and the reserved 15 (section 4.2): "processing of the entire extension MUST
     * terminate at that point" */
    return *id != 0 && *id != 15;
}

bool kith_rtp_next_element(kith_rtp_elements *elements, kith_rtp_element *out)
{
    uint8_t id;
    size_t len;
    if (!read_head(elements, &id, &len)) {
        (void)kith_rd_rest(&elements->in);
        return false;
    }
    kith_span data = kith_rd_span(&elements->in, len);
    if (elements->in.bad)
        return false;
    *out = (kith_rtp_element){.id = id, .data = data};
    return true;
}

/* Section 4.2: identifiers 1 to 14, values of 1 to 16 bytes. */
static bool fits_one_byte(const kith_rtp_start *start)
{
    for (size_t i = 0; i < start->element_count; i++) {
        const kith_rtp_element *e = &start->elements[i];
        if (e->id > 14 || e->data.len == 0 || e->data.len > 16)
            return false;
    }
    return true;
}

static void write_elements(kith_writer *w, const kith_rtp_start *start)
{
    bool is_one_byte = fits_one_byte(start);
    kith_wr_u16(w, is_one_byte ? PROFILE_ONE_BYTE : PROFILE_TWO_BYTE);
    kith_wr_u16(w, 0);
    size_t from = w->len;
    for (size_t i = 0; i < start->element_count; i++) {
        const kith_rtp_element *e = &start->elements[i];
        assert(e->id > 0 && e->data.len <= UINT8_MAX);
        if (is_one_byte) {
            kith_wr_u8(w, (uint8_t)((size_t)e->id << 4 | (e->data.len - 1)));
        } else {
            kith_wr_u8(w, e->id);
            kith_wr_u8(w, (uint8_t)e->data.len);
        }
        kith_wr_span(w, e->data);
    }
    if (w->bad)
        return;
    kith_wr_zeros(w, (4 - (w->len - from) % 4) % 4);
    kith_wr_patch_u16(w, from - 2, (uint16_t)((w->len - from) / 4));
}

void kith_rtp_write_start(kith_writer *w, const kith_rtp_start *start)
{
    assert(start->csrc_count <= KITH_RTP_MAX_CSRCS && start->payload_type < 128);
    bool has_extension = start->element_count > 0;
    kith_wr_u8(w, (uint8_t)(VERSION << 6 | (has_extension ? FLAG_X : 0) | start->csrc_count));
    kith_wr_u8(w, (uint8_t)((start->marker ? FLAG_MARKER : 0) | start->payload_type));
    kith_wr_u16(w, start->sequence_number);
    kith_wr_u32(w, start->timestamp);
    kith_wr_u32(w, start->ssrc);
    for (unsigned i = 0; i < start->csrc_count; i++)
        kith_wr_u32(w, start->csrcs[i]);
    if (has_extension)
        write_elements(w, start);
}

void kith_rtp_write_padding(kith_writer *w, uint8_t len)
{
    assert(len > 0);
    kith_wr_zeros(w, len - 1u);
    kith_wr_u8(w, len);
    if (!w->bad)
        w->data[0] |= FLAG_P;
}
