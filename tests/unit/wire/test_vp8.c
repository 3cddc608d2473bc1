/* RFC 7741 section 4.2, field by field, and what FFmpeg writes. */
#include "../unit.h"
#include "wire/vp8.h"

static bool read_descriptor(const uint8_t *bytes, size_t len, kith_vp8_descriptor *out,
                            size_t *left)
{
    kith_reader r = kith_rd(bytes, len);
    bool good = kith_vp8_read_descriptor(&r, out);
    *left = kith_rd_left(&r);
    return good;
}

START_TEST(a_descriptor_of_one_byte_says_where_a_frame_begins)
{
    static const struct {
        uint8_t byte;
        bool begins, is_non_reference;
    } cases[] = {{0x10, true, false},
                 {0x00, false, false},
                 {0x30, true, true},
                 /* S of the second partition */
                 {0x11, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kith_vp8_descriptor d;
        size_t left;
        ck_assert(read_descriptor((uint8_t[]){cases[i].byte, 7}, 2, &d, &left));
        ck_assert_int_eq(d.begins_frame, cases[i].begins);
        ck_assert_int_eq(d.is_non_reference, cases[i].is_non_reference);
        ck_assert(!d.has_picture_id && !d.has_tl0picidx && !d.has_tid && !d.has_keyidx);
        ck_assert_uint_eq(left, 1);
    }
}
END_TEST

START_TEST(all_fields_are_read)
{
    static const uint8_t full[] = {0x90, 0xf0, 0x92, 0x34, 0x56, 0xab};
    kith_vp8_descriptor d;
    size_t left;
    ck_assert(read_descriptor(full, sizeof full, &d, &left));
    ck_assert_uint_eq(left, 0);
    ck_assert(d.begins_frame && d.has_picture_id && d.is_picture_id_long);
    ck_assert_uint_eq(d.picture_id, 0x1234);
    ck_assert(d.has_tl0picidx && d.has_tid && d.has_keyidx);
    ck_assert_uint_eq(d.tl0picidx, 0x56);
    ck_assert_uint_eq(d.tid, 2);
    ck_assert(d.is_layer_sync);
    ck_assert_uint_eq(d.keyidx, 0x0b);
    for (size_t len = 0; len < sizeof full; len++)
        ck_assert(!read_descriptor(full, len, &d, &left));
}
END_TEST

START_TEST(a_picture_id_has_seven_bits_or_fifteen)
{
    kith_vp8_descriptor d;
    size_t left;
    ck_assert(read_descriptor((uint8_t[]){0x80, 0x80, 0x7f, 1}, 4, &d, &left));
    ck_assert(d.has_picture_id && !d.is_picture_id_long);
    ck_assert_uint_eq(d.picture_id, 0x7f);
    ck_assert_uint_eq(left, 1);
    /* TID alone and KEYIDX alone share a byte that is there for either */
    ck_assert(read_descriptor((uint8_t[]){0x80, 0x20, 0xc0}, 3, &d, &left));
    ck_assert(d.has_tid && !d.has_keyidx);
    ck_assert_uint_eq(d.tid, 3);
    ck_assert(!read_descriptor((uint8_t[]){0x80, 0x10}, 2, &d, &left));
}
END_TEST

START_TEST(what_is_written_is_read)
{
    for (unsigned id = 0; id < 0x10000; id += 0xfff) {
        uint8_t bytes[KITH_VP8_OUR_DESCRIPTOR];
        kith_writer w = kith_wr(bytes, sizeof bytes);
        kith_vp8_write_descriptor(&w, id % 2, id % 3 == 0, (uint16_t)id);
        ck_assert(!w.bad);
        ck_assert_uint_eq(w.len, KITH_VP8_OUR_DESCRIPTOR);
        kith_vp8_descriptor d;
        size_t left;
        ck_assert(read_descriptor(bytes, sizeof bytes, &d, &left));
        ck_assert_int_eq(d.begins_frame, id % 2);
        ck_assert_int_eq(d.is_non_reference, id % 3 == 0);
        ck_assert(d.is_picture_id_long);
        ck_assert_uint_eq(d.picture_id, id & 0x7fff);
    }
}
END_TEST

START_TEST(a_frame_says_whether_it_is_a_key_frame_and_how_large)
{
    /* the first bytes of tests/data/media/vp8.ivf's first and second frames: 96 x 64 */
    static const uint8_t key[] = {0xb0, 0x30, 0x00, 0x9d, 0x01, 0x2a, 0x60, 0x00, 0x40, 0x00};
    static const uint8_t delta[] = {0x31, 0x0b, 0x00};
    kith_vp8_frame_header header;
    ck_assert(kith_vp8_read_frame_header(kith_span_of(key, sizeof key), &header));
    ck_assert(header.is_key);
    ck_assert_uint_eq(header.width, 96);
    ck_assert_uint_eq(header.height, 64);
    for (size_t len = 0; len < sizeof key; len++)
        ck_assert(!kith_vp8_read_frame_header(kith_span_of(key, len), &header));
    ck_assert(kith_vp8_read_frame_header(kith_span_of(delta, sizeof delta), &header));
    ck_assert(!header.is_key);
    ck_assert(!kith_vp8_read_frame_header(kith_span_of(delta, 2), &header));
    /* the two upper bits are a scale, and a start code must be one */
    ck_assert(kith_vp8_read_frame_header(
        kith_span_of((uint8_t[]){0, 0, 0, 0x9d, 1, 0x2a, 0x01, 0x42, 0x02, 0x81}, 10), &header));
    ck_assert_uint_eq(header.width, 0x201);
    ck_assert_uint_eq(header.height, 0x102);
    ck_assert(!kith_vp8_read_frame_header(
        kith_span_of((uint8_t[]){0, 0, 0, 0x9d, 1, 0x2b, 1, 0, 1, 0}, 10), &header));
}
END_TEST

UNIT_MAIN("wire: VP8", a_descriptor_of_one_byte_says_where_a_frame_begins, all_fields_are_read,
          a_picture_id_has_seven_bits_or_fifteen, what_is_written_is_read,
          a_frame_says_whether_it_is_a_key_frame_and_how_large)
