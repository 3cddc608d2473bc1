/* The reader: every prefix, overflowing lengths, and damage that sticks. */
#include "../unit.h"
#include "base/reader.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92};

START_TEST(numbers_are_read_in_network_order)
{
    kith_reader r = kith_rd(bytes, sizeof bytes);
    ck_assert_uint_eq(kith_rd_u8(&r), 0x01);
    ck_assert_uint_eq(kith_rd_u16(&r), 0x0203);
    ck_assert_uint_eq(kith_rd_u24(&r), 0x040506);
    ck_assert_uint_eq(kith_rd_u32(&r), 0x0708098a);
    ck_assert(kith_rd_u64(&r) == UINT64_C(0x8b8c8d8e8f909192));
    ck_assert_uint_eq(kith_rd_left(&r), 0);
    ck_assert(!r.bad);
}
END_TEST

/* Reads a sample of everything; gives whether all of it was there. */
static bool read_all(const uint8_t *data, size_t len)
{
    uint8_t copy[2] = {0xee, 0xee};
    kith_reader r = kith_rd(data, len);
    kith_rd_u8(&r);
    kith_rd_u16(&r);
    kith_rd_u24(&r);
    kith_rd_skip(&r, 1);
    kith_reader sub = kith_rd_sub(&r, 4);
    kith_rd_u32(&sub);
    kith_span span = kith_rd_span(&r, 3);
    kith_rd_copy(&r, copy, sizeof copy);
    ck_assert(!r.bad || (copy[0] == 0 && copy[1] == 0));
    ck_assert(!r.bad || kith_rd_rest(&r).len == 0);
    ck_assert_uint_eq(r.bad, len < 16);
    ck_assert_uint_eq(sub.bad, len < 11);
    ck_assert(span.len == (len < 14 ? 0 : 3));
    return !r.bad;
}

START_TEST(every_prefix_is_noticed)
{
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint8_t *exact = malloc(len + (len == 0)); /* so that ASan sees a byte too far */
        memcpy(exact, bytes, len);
        ck_assert_uint_eq(read_all(exact, len), len >= 16);
        free(exact);
    }
}
END_TEST

START_TEST(damage_sticks_and_reads_give_zero)
{
    kith_reader r = kith_rd(bytes, 3);
    ck_assert_uint_eq(kith_rd_u32(&r), 0);
    ck_assert(r.bad);
    ck_assert_uint_eq(kith_rd_left(&r), 0);
    ck_assert_uint_eq(kith_rd_u8(&r), 0);
    ck_assert_uint_eq(kith_rd_u16(&r), 0);
    ck_assert_uint_eq(kith_rd_u24(&r), 0);
    ck_assert(kith_rd_u64(&r) == 0);
    ck_assert_uint_eq(kith_rd_rest(&r).len, 0);
    ck_assert(kith_rd_sub(&r, 0).bad);
    ck_assert(r.bad);
}
END_TEST

START_TEST(a_sub_reader_cannot_see_its_neighbour)
{
    kith_reader r = kith_rd(bytes, 8);
    kith_reader sub = kith_rd_sub(&r, 3);
    ck_assert_uint_eq(kith_rd_u16(&sub), 0x0102);
    ck_assert_uint_eq(kith_rd_u16(&sub), 0);
    ck_assert(sub.bad);
    ck_assert(!r.bad);
    ck_assert_uint_eq(kith_rd_u8(&r), 0x04);
}
END_TEST

START_TEST(a_huge_length_does_not_overflow)
{
    kith_reader r = kith_rd(bytes, 8);
    kith_rd_skip(&r, SIZE_MAX);
    ck_assert(r.bad);
    r = kith_rd(bytes, 8);
    ck_assert_uint_eq(kith_rd_span(&r, SIZE_MAX - 3).len, 0);
    ck_assert(r.bad);
}
END_TEST

START_TEST(nothing_can_be_read_from_nothing)
{
    kith_reader r = kith_rd(NULL, 0);
    ck_assert_uint_eq(kith_rd_rest(&r).len, 0);
    kith_rd_skip(&r, 0);
    kith_rd_copy(&r, NULL, 0);
    ck_assert(!r.bad);
    kith_rd_u8(&r);
    ck_assert(r.bad);
}
END_TEST

UNIT_MAIN("base: reader", numbers_are_read_in_network_order, every_prefix_is_noticed,
          damage_sticks_and_reads_give_zero, a_sub_reader_cannot_see_its_neighbour,
          a_huge_length_does_not_overflow, nothing_can_be_read_from_nothing)
