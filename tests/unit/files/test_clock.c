/* The time in a file that is written. */
#include "files/writer.h"
#include "kit.h"

static uint64_t at(kith_file_clock *clock, uint32_t timestamp, kith_time received_at)
{
    kith_frame frame = KITH_FRAME_INIT;
    frame.rtp_timestamp = timestamp;
    frame.received_at = received_at;
    return kith_file_clock_at(clock, &frame, 90000);
}

START_TEST(the_first_frame_is_at_0_and_timestamps_wrap)
{
    kith_file_clock clock = {0};
    ck_assert_uint_eq(at(&clock, UINT32_MAX - 999, 0), 0);
    ck_assert_uint_eq(at(&clock, 2000, 0), 3000);
    uint64_t now = 3000;
    for (uint32_t i = 1; i <= 100000; i++)
        now = at(&clock, 2000 + i * 90000, 0);
    ck_assert_uint_eq(now, 3000 + UINT64_C(100000) * 90000);
}
END_TEST

START_TEST(a_pause_that_was_one_is_kept)
{
    kith_file_clock clock = {0};
    (void)at(&clock, 0, KITH_SECONDS(1));
    ck_assert_uint_eq(at(&clock, 700 * 90000, KITH_SECONDS(699)), 700 * 90000);
}
END_TEST

START_TEST(a_clock_that_begins_anew_goes_on_by_ours)
{
    kith_file_clock clock = {0};
    (void)at(&clock, 500, KITH_SECONDS(1));
    ck_assert_uint_eq(at(&clock, 4000000000U, KITH_MS(1500)), 45000);
    ck_assert_uint_eq(at(&clock, 4000003000U, KITH_MS(1533)), 48000);
    /* back, and ahead by more than can be */
    ck_assert_uint_eq(at(&clock, 4000000000U, KITH_MS(2533)), 48000 + 90000);
    ck_assert_uint_eq(at(&clock, 4000000000U + 12 * 90000, KITH_MS(2533)), 48000 + 90000);
}
END_TEST

START_TEST(without_times_of_arrival_a_minute_is_the_longest_pause)
{
    kith_file_clock clock = {0};
    (void)at(&clock, 0, 0);
    ck_assert_uint_eq(at(&clock, 60 * 90000, 0), 60 * 90000);
    ck_assert_uint_eq(at(&clock, 121 * 90000, 0), 60 * 90000);
    ck_assert_uint_eq(at(&clock, 122 * 90000, 0), 61 * 90000);
}
END_TEST

UNIT_MAIN("files: clock", the_first_frame_is_at_0_and_timestamps_wrap, a_pause_that_was_one_is_kept,
          a_clock_that_begins_anew_goes_on_by_ours,
          without_times_of_arrival_a_minute_is_the_longest_pause)
