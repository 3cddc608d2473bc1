/* Unwrapping against plain arithmetic, at every border. */
#include "../unit.h"
#include "base/seq.h"

START_TEST(a_number_next_to_the_reference_is_itself)
{
    ck_assert_int_eq(kith_seq_unwrap(100, 101), 101);
    ck_assert_int_eq(kith_seq_unwrap(100, 100), 100);
    ck_assert_int_eq(kith_seq_unwrap(100, 99), 99);
}
END_TEST

START_TEST(numbers_go_on_over_the_wrap)
{
    ck_assert_int_eq(kith_seq_unwrap(65535, 0), 65536);
    ck_assert_int_eq(kith_seq_unwrap(65536, 65535), 65535);
    ck_assert_int_eq(kith_seq_unwrap(5 * 65536 + 2, 65530), 5 * 65536 - 6);
    ck_assert_int_eq(kith_seq_unwrap32(0xFFFFFFFF, 0), 0x100000000);
    ck_assert_int_eq(kith_seq_unwrap32(0x100000000, 0xFFFFFFFF), 0xFFFFFFFF);
}
END_TEST

START_TEST(a_late_first_number_is_negative)
{
    ck_assert_int_eq(kith_seq_unwrap(3, 65535), -1);
    ck_assert_int_eq(kith_seq_unwrap(-1, 0), 0);
    ck_assert_int_eq(kith_seq_unwrap32(0, 0xFFFFFFFF), -1);
}
END_TEST

START_TEST(half_the_circle_away_is_behind)
{
    ck_assert_int_eq(kith_seq_unwrap(0x10000, 0x7FFF), 0x17FFF);
    ck_assert_int_eq(kith_seq_unwrap(0x10000, 0x8000), 0x8000);
    ck_assert_int_eq(kith_seq_unwrap32(0x100000000, 0x7FFFFFFF), 0x17FFFFFFF);
    ck_assert_int_eq(kith_seq_unwrap32(0x100000000, 0x80000000), 0x80000000);
}
END_TEST

/* Every distance that 16 bits can tell, from references all over the circle. */
START_TEST(every_distance_below_half_comes_back)
{
    for (int64_t reference = 0; reference < 300000; reference += 7919)
        for (int64_t distance = -32768; distance < 32768; distance++)
            if (kith_seq_unwrap(reference, (uint16_t)(reference + distance)) !=
                reference + distance)
                ck_abort_msg("%lld + %lld", (long long)reference, (long long)distance);
}
END_TEST

START_TEST(the_number_after_is_always_above)
{
    ck_assert_int_eq(kith_seq_after(100, 101), 101);
    ck_assert_int_eq(kith_seq_after(100, 100), 65636);
    ck_assert_int_eq(kith_seq_after(100, 5), 65541);
    ck_assert_int_eq(kith_seq_after(65535, 0), 65536);
}
END_TEST

UNIT_MAIN("base: seq", a_number_next_to_the_reference_is_itself, numbers_go_on_over_the_wrap,
          a_late_first_number_is_negative, half_the_circle_away_is_behind,
          every_distance_below_half_comes_back, the_number_after_is_always_above)
