/* RFC 4571 section 2: "a 16-bit unsigned integer LENGTH field, coded in network byte order". */
#include <string.h>

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

/* RFC 8489 section 5 and RFC 8656 section 12.4 (ChannelData of 5 bytes is padded to 8 on streams).
 */
START_TEST(a_turn_message_says_its_length)
{
    static const struct {
        uint8_t head[KITH_FRAME_TURN_HEAD];
        size_t len;
    } rows[] = {
        {{0x00, 0x01, 0x00, 0x00}, 20}, {{0x01, 0x13, 0x00, 0x40}, 84},
        {{0x00, 0x01, 0x00, 0x01}, 0},  {{0x3F, 0xFF, 0xFF, 0xFC}, 20 + 65532},
        {{0x40, 0x00, 0x00, 0x00}, 4},  {{0x40, 0x01, 0x00, 0x05}, 12},
        {{0x4F, 0xFF, 0x00, 0x04}, 8},  {{0x40, 0x00, 0xFF, 0xFF}, 4 + 65536},
        {{0x50, 0x00, 0x00, 0x04}, 0},  {{0x7F, 0xFF, 0x00, 0x04}, 0},
        {{0x80, 0x00, 0x00, 0x04}, 0},  {{0xFF, 0xFF, 0xFF, 0xFF}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_uint_eq(kith_frame_turn_length(rows[i].head), rows[i].len);
}
END_TEST

START_TEST(a_turn_message_is_padded_with_zeros)
{
    for (size_t len = 4; len < 12; len++) {
        uint8_t message[16];
        memset(message, 0xAA, sizeof message);
        size_t padded = kith_frame_turn_pad(message, len);
        ck_assert_uint_eq(padded % 4, 0);
        ck_assert(padded >= len && padded < len + 4);
        for (size_t i = 0; i < sizeof message; i++)
            ck_assert_uint_eq(message[i], i >= len && i < padded ? 0 : 0xAA);
    }
}
END_TEST

UNIT_MAIN("wire: frame", frames_come_off_the_front, a_part_of_a_frame_stays,
          a_head_is_the_length_in_network_order, a_turn_message_says_its_length,
          a_turn_message_is_padded_with_zeros)
