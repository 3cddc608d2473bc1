/* RFC 4571 section 2: "a 16-bit unsigned integer LENGTH field, coded in network byte order". */
#include "../unit.h"
#include "wire/frame.h"

static kith_span text(const char *bytes, size_t len)
{
    return kith_span_of(bytes, len);
}

START_TEST(frames_come_off_the_front)
{
    kith_span stream = text("\0\3abc\0\0\0\1d\0", 11), frame;
    ck_assert(kith_frame_next(&stream, &frame));
    ck_assert(kith_span_is(frame, "abc"));
    ck_assert(kith_frame_next(&stream, &frame));
    ck_assert_uint_eq(frame.len, 0);
    ck_assert(kith_frame_next(&stream, &frame));
    ck_assert(kith_span_is(frame, "d"));
    ck_assert(!kith_frame_next(&stream, &frame));
    ck_assert_uint_eq(stream.len, 1);
}
END_TEST

START_TEST(a_part_of_a_frame_stays)
{
    static const char bytes[] = "\1\1x";
    size_t len = 77;
    for (size_t have = 0; have < 3; have++) {
        kith_span stream = text(bytes, have), frame;
        ck_assert(!kith_frame_next(&stream, &frame));
        ck_assert_uint_eq(stream.len, have);
        ck_assert_int_eq(kith_frame_length(stream, &len), have >= KITH_FRAME_HEAD);
    }
    ck_assert_uint_eq(len, 257);
}
END_TEST

START_TEST(a_head_is_the_length_in_network_order)
{
    uint8_t head[KITH_FRAME_HEAD];
    size_t len;
    static const size_t lengths[] = {0, 1, 255, 256, 1200, 65535};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        kith_frame_write_head(head, lengths[i]);
        ck_assert_uint_eq(head[0], lengths[i] / 256);
        ck_assert_uint_eq(head[1], lengths[i] % 256);
        ck_assert(kith_frame_length(kith_span_of(head, sizeof head), &len));
        ck_assert_uint_eq(len, lengths[i]);
    }
}
END_TEST

UNIT_MAIN("wire: frame", frames_come_off_the_front, a_part_of_a_frame_stays,
          a_head_is_the_length_in_network_order)
