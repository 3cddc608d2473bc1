/* RTP headers and RFC 8285 elements: known packets, every prefix, every way to be wrong. */
#include "../unit.h"
#include "wire/rtp.h"

#include <stdio.h>
#include <string.h>

/* Of a browser's video: version 2, extension, marker, payload type 96. */
static const uint8_t captured[] = {0x90, 0xe0, 0x69, 0x8f, 0xd9, 0xc2, 0x93, 0xda, 0x1c,
                                   0x64, 0x27, 0x82, 0x00, 0x01, 0x00, 0x01, 0xff, 0xff,
                                   0xff, 0xff, 0x98, 0x36, 0xbe, 0x88, 0x9e};

/* Padding, a one-byte extension with two elements, two CSRCs: 3 bytes of payload, 2 of padding. */
static const uint8_t rich[] = {
    0xb2, 0x6f, 0xff, 0xfe, 0,    0,   0,   9, 0x11, 0x22, 0x33, 0x44, 0,   0,   0,   1, 0, 0, 0, 2,
    0xbe, 0xde, 0x00, 0x02, 0x11, 'a', 'b', 0, 0,    0x30, 0x85, 0x00, 'x', 'y', 'z', 0, 2};

static kith_rtp_header parse(const uint8_t *data, size_t len)
{
    kith_rtp_header h = {0};
    ck_assert(kith_rtp_parse_header(&h, kith_span_of(data, len)));
    return h;
}

START_TEST(a_captured_packet_is_read)
{
    kith_rtp_header h = parse(captured, sizeof captured);
    ck_assert(h.marker && h.has_extension);
    ck_assert_uint_eq(h.payload_type, 96);
    ck_assert_uint_eq(h.sequence_number, 27023);
    ck_assert_uint_eq(h.timestamp, 3653407706u);
    ck_assert_uint_eq(h.ssrc, 476325762u);
    ck_assert_uint_eq(h.extension_profile, 1);
    ck_assert_uint_eq(h.extension_at, 16);
    ck_assert_uint_eq(h.extension_len, 4);
    ck_assert_uint_eq(h.payload_at, 20);
    ck_assert_uint_eq(h.payload_len, 5);
    kith_rtp_elements elements = kith_rtp_elements_of(&h, kith_span_of(captured, sizeof captured));
    kith_rtp_element e;
    ck_assert(!kith_rtp_next_element(&elements, &e));
}
END_TEST

START_TEST(csrcs_elements_and_padding_are_read)
{
    kith_span packet = kith_span_of(rich, sizeof rich);
    kith_rtp_header h = parse(rich, sizeof rich);
    ck_assert(!h.marker);
    ck_assert_uint_eq(h.payload_type, 0x6f);
    ck_assert_uint_eq(h.csrc_count, 2);
    ck_assert_uint_eq(kith_rtp_csrc(&h, packet, 0), 1);
    ck_assert_uint_eq(kith_rtp_csrc(&h, packet, 1), 2);
    ck_assert_uint_eq(h.padding_len, 2);
    ck_assert_uint_eq(h.payload_len, 3);
    ck_assert_mem_eq(rich + h.payload_at, "xyz", 3);
    kith_rtp_elements elements = kith_rtp_elements_of(&h, packet);
    kith_rtp_element e;
    ck_assert(kith_rtp_next_element(&elements, &e));
    ck_assert_uint_eq(e.id, 1);
    ck_assert(kith_span_is(e.data, "ab"));
    ck_assert(kith_rtp_next_element(&elements, &e));
    ck_assert_uint_eq(e.id, 3);
    ck_assert_uint_eq(e.data.len, 1);
    ck_assert_uint_eq(e.data.data[0], 0x85);
    ck_assert(!kith_rtp_next_element(&elements, &e));
    ck_assert(!kith_rtp_next_element(&elements, &e));
}
END_TEST

/* A prefix is a packet itself once the header is whole and its last byte is no padding too long. */
START_TEST(every_prefix_is_refused_or_lies_inside)
{
    for (size_t len = 0; len < sizeof rich; len++) {
        uint8_t *exact = malloc(len + 1);
        memcpy(exact, rich, len);
        kith_rtp_header h;
        bool is_read = kith_rtp_parse_header(&h, kith_span_of(exact, len));
        ck_assert(!is_read || len > 32);
        if (is_read)
            ck_assert_uint_eq(h.payload_at + (size_t)h.payload_len + h.padding_len, len);
        free(exact);
    }
    for (size_t len = 0; len < 20; len++) {
        kith_rtp_header h = {.ssrc = 7};
        ck_assert(!kith_rtp_parse_header(&h, kith_span_of(captured, len)));
        ck_assert_uint_eq(h.ssrc, 7);
    }
}
END_TEST

/* Its last byte is encrypted. */
START_TEST(the_padding_of_a_clear_header_is_payload)
{
    const uint8_t packet[] = {0xA0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xFF, 0xFF};
    kith_rtp_header h;
    ck_assert(!kith_rtp_parse_header(&h, kith_span_of(packet, sizeof packet)));
    ck_assert(kith_rtp_parse_clear(&h, kith_span_of(packet, sizeof packet)));
    ck_assert_uint_eq(h.ssrc, 3);
    ck_assert_uint_eq(h.payload_len, 2);
    ck_assert_uint_eq(h.padding_len, 0);
    for (size_t len = 0; len < 12; len++)
        ck_assert(!kith_rtp_parse_clear(&h, kith_span_of(packet, len)));
}
END_TEST

START_TEST(only_version_2_is_read)
{
    uint8_t packet[sizeof captured];
    memcpy(packet, captured, sizeof packet);
    kith_rtp_header h;
    for (unsigned version = 0; version < 4; version++) {
        packet[0] = (uint8_t)(version << 6);
        ck_assert_int_eq(kith_rtp_parse_header(&h, kith_span_of(packet, sizeof packet)),
                         version == 2);
    }
}
END_TEST

START_TEST(padding_counts_itself_and_ends_in_the_payload)
{
    uint8_t packet[16] = {0xa0, 96};
    kith_rtp_header h;
    for (unsigned count = 0; count < 256; count++) {
        packet[15] = (uint8_t)count;
        bool is_read = kith_rtp_parse_header(&h, kith_span_of(packet, sizeof packet));
        ck_assert_int_eq(is_read, count >= 1 && count <= 4);
        if (is_read)
            ck_assert_uint_eq(h.payload_len, 4 - count);
    }
    ck_assert(!kith_rtp_parse_header(&h, kith_span_of(packet, 12)));
}
END_TEST

/* The elements of an extension, as "id:len id:len …". */
static const char *elements_of(uint16_t profile, const uint8_t *data, size_t len)
{
    static char text[200];
    uint8_t packet[256] = {0x90, 96};
    packet[12] = (uint8_t)(profile >> 8);
    packet[13] = (uint8_t)profile;
    packet[15] = (uint8_t)(len / 4);
    if (len > 0)
        memcpy(packet + 16, data, len);
    kith_span whole = kith_span_of(packet, 16 + len);
    kith_rtp_header h = parse(packet, 16 + len);
    kith_rtp_elements elements = kith_rtp_elements_of(&h, whole);
    kith_rtp_element e;
    text[0] = '\0';
    while (kith_rtp_next_element(&elements, &e)) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%u:%zu ", e.id, e.data.len);
    }
    return text;
}

START_TEST(one_byte_elements_end_where_rfc_8285_says)
{
    ck_assert_str_eq(elements_of(0xBEDE, (const uint8_t[]){0x10, 1, 0x21, 1, 2, 0, 0, 0}, 8),
                     "1:1 2:2 ");
    ck_assert_str_eq(elements_of(0xBEDE, (const uint8_t[]){0, 0, 0x10, 1}, 4), "1:1 ");
    /* the reserved 15; 0 with a length: what is behind does not count */
    ck_assert_str_eq(elements_of(0xBEDE, (const uint8_t[]){0x10, 1, 0xF0, 1, 0x10, 1, 0, 0}, 8),
                     "1:1 ");
    ck_assert_str_eq(elements_of(0xBEDE, (const uint8_t[]){0x10, 1, 0x01, 1, 0x10, 1, 0, 0}, 8),
                     "1:1 ");
    /* runs over the end */
    ck_assert_str_eq(elements_of(0xBEDE, (const uint8_t[]){0x10, 1, 0x2F, 1}, 4), "1:1 ");
    ck_assert_str_eq(elements_of(0xBEDE, NULL, 0), "");
}
END_TEST

START_TEST(two_byte_elements_may_be_empty_and_have_any_id)
{
    ck_assert_str_eq(elements_of(0x1000, (const uint8_t[]){200, 0, 0, 15, 2, 1, 2, 0}, 8),
                     "200:0 15:2 ");
    ck_assert_str_eq(elements_of(0x100F, (const uint8_t[]){1, 2, 3, 4}, 4), "1:2 ");
    ck_assert_str_eq(elements_of(0x1000, (const uint8_t[]){1, 1, 9, 7}, 4), "1:1 ");
    ck_assert_str_eq(elements_of(0x1000, (const uint8_t[]){1, 3, 9, 7}, 4), "");
}
END_TEST

START_TEST(another_profile_has_no_elements)
{
    ck_assert_str_eq(elements_of(0x1010, (const uint8_t[]){1, 1, 9, 0}, 4), "");
    ck_assert_str_eq(elements_of(0xBEDF, (const uint8_t[]){0x10, 1, 0, 0}, 4), "");
}
END_TEST

START_TEST(what_is_written_is_what_was_read)
{
    uint8_t buf[sizeof rich];
    kith_writer w = kith_wr(buf, sizeof buf);
    const uint32_t csrcs[] = {1, 2};
    const uint8_t level = 0x85;
    const kith_rtp_element elements[] = {{1, kith_span_text("ab")}, {3, kith_span_of(&level, 1)}};
    kith_rtp_write_start(&w, &(kith_rtp_start){.ssrc = 0x11223344,
                                               .timestamp = 9,
                                               .sequence_number = 0xfffe,
                                               .payload_type = 0x6f,
                                               .csrcs = csrcs,
                                               .csrc_count = 2,
                                               .elements = elements,
                                               .element_count = 2});
    kith_wr_text(&w, "xyz");
    kith_rtp_write_padding(&w, 2);
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, sizeof rich);
    /* the padding of the extension goes behind, not between */
    const uint8_t behind[] = {0x11, 'a', 'b', 0x30, 0x85, 0, 0, 0};
    ck_assert_mem_eq(buf, rich, 24);
    ck_assert_mem_eq(buf + 24, behind, 8);
    ck_assert_mem_eq(buf + 32, rich + 32, 5);
}
END_TEST

/* The form of the extension that is written for one element. */
static unsigned form_of(uint8_t id, size_t len)
{
    uint8_t buf[400], value[256] = {0};
    kith_writer w = kith_wr(buf, sizeof buf);
    const kith_rtp_element elements[] = {{1, kith_span_of(value, 1)},
                                         {id, kith_span_of(value, len)}};
    kith_rtp_write_start(&w, &(kith_rtp_start){.elements = elements, .element_count = 2});
    ck_assert(!w.bad);
    kith_rtp_header h = parse(buf, w.len);
    kith_rtp_elements list = kith_rtp_elements_of(&h, kith_span_of(buf, w.len));
    kith_rtp_element e;
    ck_assert(kith_rtp_next_element(&list, &e) && kith_rtp_next_element(&list, &e));
    ck_assert_uint_eq(e.id, id);
    ck_assert_uint_eq(e.data.len, len);
    return h.extension_profile;
}

START_TEST(the_two_byte_form_is_written_where_one_byte_does_not_do)
{
    ck_assert_uint_eq(form_of(14, 16), 0xBEDE);
    ck_assert_uint_eq(form_of(15, 1), 0x1000);
    ck_assert_uint_eq(form_of(2, 17), 0x1000);
    ck_assert_uint_eq(form_of(2, 0), 0x1000);
    ck_assert_uint_eq(form_of(255, 255), 0x1000);
}
END_TEST

START_TEST(no_room_is_seen)
{
    const kith_rtp_element element = {1, kith_span_text("0")};
    for (size_t cap = 0; cap < 24; cap++) {
        uint8_t buf[24];
        kith_writer w = kith_wr(buf, cap);
        kith_rtp_write_start(&w, &(kith_rtp_start){.elements = &element, .element_count = 1});
        kith_rtp_write_padding(&w, 4);
        ck_assert(w.bad);
    }
}
END_TEST

UNIT_MAIN("wire: rtp", a_captured_packet_is_read, csrcs_elements_and_padding_are_read,
          every_prefix_is_refused_or_lies_inside, the_padding_of_a_clear_header_is_payload,
          only_version_2_is_read, padding_counts_itself_and_ends_in_the_payload,
          one_byte_elements_end_where_rfc_8285_says, two_byte_elements_may_be_empty_and_have_any_id,
          another_profile_has_no_elements, what_is_written_is_what_was_read,
          the_two_byte_form_is_written_where_one_byte_does_not_do, no_room_is_seen)
