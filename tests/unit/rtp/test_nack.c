/* What is missing and when it is asked for. */
#include "../unit.h"
#include "rtp/nack.h"

#define RTT KITH_MS(50)

static uint16_t asked[2000];

static size_t take(kith_rtp_nack *nack, kith_time now, kith_time rtt)
{
    return kith_rtp_nack_take(nack, now, rtt, asked, 2000);
}

static kith_rtp_nack begin(int64_t number)
{
    kith_rtp_nack nack = {.next_at = KITH_NEVER};
    ck_assert(kith_rtp_nack_came(&nack, 0, number, true));
    return nack;
}

START_TEST(a_gap_is_asked_for_at_once_and_again_every_round_trip_and_an_eighth)
{
    kith_rtp_nack nack = begin(65534);
    ck_assert(nack.next_at == KITH_NEVER);
    ck_assert(kith_rtp_nack_came(&nack, 1000, 65538, false));
    ck_assert_int_eq(nack.next_at, 1000);
    ck_assert_uint_eq(take(&nack, 1000, RTT), 3);
    ck_assert_uint_eq(asked[0], 65535);
    ck_assert_uint_eq(asked[1], 0);
    ck_assert_uint_eq(asked[2], 1);
    ck_assert_uint_eq(take(&nack, 1000 + RTT + RTT / 8 - 1, RTT), 0);
    ck_assert_int_eq(nack.next_at, 1000 + RTT + RTT / 8);
    ck_assert(kith_rtp_nack_repaired(&nack, 65536));
    ck_assert(!kith_rtp_nack_repaired(&nack, 65536));
    ck_assert_uint_eq(take(&nack, 1000 + RTT + RTT / 8, RTT), 2);
    ck_assert_uint_eq(asked[1], 1);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(it_is_asked_again_after_20_ms_at_least_and_100_while_the_round_trip_is_unknown)
{
    kith_rtp_nack nack = begin(1);
    ck_assert(kith_rtp_nack_came(&nack, 0, 3, false));
    ck_assert_uint_eq(take(&nack, 0, 0), 1);
    ck_assert_int_eq(nack.next_at, KITH_MS(100));
    ck_assert_uint_eq(take(&nack, KITH_MS(100), KITH_MS(5)), 1);
    ck_assert_int_eq(nack.next_at, KITH_MS(120));
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_is_asked_for_40_times_or_missing_for_3_s_is_given_up)
{
    kith_rtp_nack nack = begin(1);
    ck_assert(kith_rtp_nack_came(&nack, 0, 3, false));
    unsigned times = 0;
    for (kith_time now = 0; now < KITH_SECONDS(2); now += KITH_MS(20))
        times += (unsigned)take(&nack, now, KITH_MS(5));
    ck_assert_uint_eq(times, 40);
    ck_assert(nack.next_at == KITH_NEVER);
    ck_assert(kith_rtp_nack_came(&nack, 0, 5, false));
    ck_assert_uint_eq(take(&nack, KITH_SECONDS(3) - 1, RTT), 1);
    ck_assert_uint_eq(take(&nack, KITH_SECONDS(4), RTT), 0);
    ck_assert_uint_eq(nack.count, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(above_a_thousand_missing_nothing_is_asked_for)
{
    kith_rtp_nack nack = begin(1);
    ck_assert(kith_rtp_nack_came(&nack, 0, 602, false));
    ck_assert_uint_eq(nack.count, 600);
    ck_assert(kith_rtp_nack_came(&nack, 0, 1003, false));
    ck_assert_uint_eq(nack.count, KITH_RTP_MAX_MISSING);
    ck_assert(!kith_rtp_nack_came(&nack, 0, 1005, false));
    ck_assert_uint_eq(nack.count, 0);
    ck_assert(nack.next_at == KITH_NEVER);
    ck_assert(kith_rtp_nack_came(&nack, 0, 1006, false));
    ck_assert_uint_eq(take(&nack, 0, RTT), 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_only_overtakes_is_waited_for_once_that_was_seen)
{
    kith_rtp_nack nack = begin(0);
    kith_time now = 0;
    for (int64_t n = 2; n < 200; n += 2) {
        now += KITH_MS(10);
        ck_assert(kith_rtp_nack_came(&nack, now, n, false));
        ck_assert(kith_rtp_nack_came(&nack, now + KITH_MS(4), n - 1, false));
    }
    ck_assert_int_ge(nack.reordering, KITH_MS(4));
    ck_assert_int_le(nack.reordering, KITH_MS(5));
    ck_assert(kith_rtp_nack_came(&nack, now, 200, false));
    ck_assert_uint_eq(take(&nack, now, RTT), 0);
    ck_assert_uint_eq(take(&nack, now + nack.reordering, RTT), 1);
    /* however late they are, 20 ms are the most */
    for (int64_t n = 202; n < 400; n += 2) {
        now += KITH_MS(200);
        ck_assert(kith_rtp_nack_came(&nack, now, n, false));
        ck_assert(kith_rtp_nack_came(&nack, now + KITH_MS(100), n - 1, false));
    }
    ck_assert_int_eq(nack.reordering, KITH_MS(20));
    /* and what has to be sent again was not late */
    for (int64_t n = 402; n < 1402; n += 2) {
        ck_assert(kith_rtp_nack_came(&nack, now, n, false));
        ck_assert(kith_rtp_nack_repaired(&nack, n - 1));
    }
    ck_assert_int_eq(nack.reordering, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_is_of_no_use_any_more_is_not_asked_for)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(kith_rtp_nack_came(&nack, 0, 4, false));
    kith_rtp_nack_skip(&nack, 3);
    ck_assert_uint_eq(take(&nack, 0, RTT), 1);
    ck_assert_uint_eq(asked[0], 3);
    kith_rtp_nack_skip(&nack, 100);
    ck_assert(nack.next_at == KITH_NEVER);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(a_stream_that_begins_anew_misses_nothing)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(kith_rtp_nack_came(&nack, 0, 4, false));
    ck_assert(kith_rtp_nack_came(&nack, 0, 700, true));
    ck_assert_uint_eq(nack.count, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_came_is_known_however_it_came)
{
    kith_rtp_nack nack = begin(100);
    ck_assert(kith_rtp_nack_came(&nack, 0, 104, false));
    ck_assert(kith_rtp_nack_repaired(&nack, 101));
    ck_assert(kith_rtp_nack_came(&nack, 0, 102, false));
    for (int64_t n = 98; n < 107; n++)
        ck_assert_int_eq(kith_rtp_nack_has(&nack, n), n >= 100 && n <= 104 && n != 103);
    ck_assert(kith_rtp_nack_came(&nack, 0, 104 + KITH_RTP_MAX_MISSING - 2, false));
    ck_assert(kith_rtp_nack_has(&nack, 104));
    ck_assert(!kith_rtp_nack_has(&nack, 105));
    kith_rtp_nack_skip(&nack, 104 + KITH_RTP_MAX_MISSING - 2);
    ck_assert(kith_rtp_nack_came(&nack, 0, 104 + KITH_RTP_NACK_SEEN, false));
    ck_assert(!kith_rtp_nack_has(&nack, 104));
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_does_not_fit_is_asked_for_next)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(kith_rtp_nack_came(&nack, 0, 4, false));
    ck_assert_uint_eq(kith_rtp_nack_take(&nack, 0, RTT, asked, 2), 2);
    ck_assert_int_eq(nack.next_at, 0);
    ck_assert_uint_eq(take(&nack, 0, RTT), 1);
    ck_assert_uint_eq(asked[0], 3);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

UNIT_MAIN("rtp: nack", a_gap_is_asked_for_at_once_and_again_every_round_trip_and_an_eighth,
          it_is_asked_again_after_20_ms_at_least_and_100_while_the_round_trip_is_unknown,
          what_is_asked_for_40_times_or_missing_for_3_s_is_given_up,
          above_a_thousand_missing_nothing_is_asked_for,
          what_only_overtakes_is_waited_for_once_that_was_seen,
          what_is_of_no_use_any_more_is_not_asked_for, a_stream_that_begins_anew_misses_nothing,
          what_came_is_known_however_it_came, what_does_not_fit_is_asked_for_next)
