/* What is missing and when it is asked for. */
#include "../unit.h"
#include "rtp/nack.h"

#define RTT KITH_MS(50)

static uint16_t asked[2000];

/* A packet that ends a frame: nothing is expected behind it. */
static bool came(kith_rtp_nack *nack, kith_time now, int64_t number)
{
    return kith_rtp_nack_came(nack, now, &(kith_rtp_came){.number = number, .ends_frame = true});
}

static bool begins(kith_rtp_nack *nack, kith_time now, int64_t number)
{
    return kith_rtp_nack_came(
        nack, now, &(kith_rtp_came){.number = number, .begins_stream = true, .ends_frame = true});
}

/* More of its frame follows. */
static bool came_open(kith_rtp_nack *nack, kith_time now, int64_t number)
{
    return kith_rtp_nack_came(nack, now, &(kith_rtp_came){.number = number});
}

static bool repaired(kith_rtp_nack *nack, kith_time now, int64_t number)
{
    return kith_rtp_nack_repaired(nack, now,
                                  &(kith_rtp_came){.number = number, .ends_frame = true});
}

static size_t take(kith_rtp_nack *nack, kith_time now, kith_time rtt)
{
    return kith_rtp_nack_take(nack, now, &(kith_rtp_asked){.rtt = rtt}, asked, 2000);
}

static kith_rtp_nack begin(int64_t number)
{
    kith_rtp_nack nack;
    kith_rtp_nack_init(&nack);
    ck_assert(begins(&nack, 0, number));
    return nack;
}

START_TEST(a_gap_is_asked_for_at_once_and_again_every_round_trip_and_some)
{
    kith_rtp_nack nack = begin(65534);
    ck_assert(nack.next_at == KITH_NEVER);
    ck_assert(came(&nack, 1000, 65538));
    ck_assert_int_eq(nack.next_at, 1000);
    ck_assert_uint_eq(take(&nack, 1000, RTT), 3);
    ck_assert_uint_eq(asked[0], 65535);
    ck_assert_uint_eq(asked[1], 0);
    ck_assert_uint_eq(asked[2], 1);
    ck_assert_uint_eq(take(&nack, 1000 + RTT + KITH_MS(10) - 1, RTT), 0);
    ck_assert_int_eq(nack.next_at, 1000 + RTT + KITH_MS(10));
    ck_assert(repaired(&nack, 0, 65536));
    ck_assert(!repaired(&nack, 0, 65536));
    ck_assert_uint_eq(take(&nack, 1000 + RTT + KITH_MS(10), RTT), 2);
    ck_assert_uint_eq(asked[1], 1);
    /* a longer one varies by more */
    kith_time now = 2 * (RTT + KITH_MS(10)) + 1000;
    ck_assert_uint_eq(take(&nack, now, KITH_MS(400)), 2);
    ck_assert_int_eq(nack.next_at, now + KITH_MS(450));
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(it_is_asked_again_after_20_ms_at_least_and_100_while_the_round_trip_is_unknown)
{
    kith_rtp_nack nack = begin(1);
    ck_assert(came(&nack, 0, 3));
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
    ck_assert(came(&nack, 0, 3));
    unsigned times = 0;
    for (kith_time now = 0; now < KITH_SECONDS(2); now += KITH_MS(20))
        times += (unsigned)take(&nack, now, KITH_MS(5));
    ck_assert_uint_eq(times, 40);
    ck_assert(nack.next_at == KITH_NEVER);
    ck_assert(came(&nack, 0, 5));
    ck_assert_uint_eq(take(&nack, KITH_SECONDS(3) - 1, RTT), 1);
    ck_assert_uint_eq(take(&nack, KITH_SECONDS(4), RTT), 0);
    ck_assert_uint_eq(nack.count, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(above_a_thousand_missing_nothing_is_asked_for)
{
    kith_rtp_nack nack = begin(1);
    ck_assert(came(&nack, 0, 602));
    ck_assert_uint_eq(nack.count, 600);
    ck_assert(came(&nack, 0, 1003));
    ck_assert_uint_eq(nack.count, KITH_RTP_MAX_MISSING);
    ck_assert(!came(&nack, 0, 1005));
    ck_assert_uint_eq(nack.count, 0);
    ck_assert(nack.next_at == KITH_NEVER);
    ck_assert(came(&nack, 0, 1006));
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
        ck_assert(came(&nack, now, n));
        ck_assert(came(&nack, now + KITH_MS(4), n - 1));
    }
    ck_assert_int_ge(nack.reordering, KITH_MS(4));
    ck_assert_int_le(nack.reordering, KITH_MS(5));
    ck_assert(came(&nack, now, 200));
    ck_assert_uint_eq(take(&nack, now, RTT), 0);
    ck_assert_uint_eq(take(&nack, now + nack.reordering, RTT), 1);
    for (int64_t n = 202; n < 400; n += 2) {
        now += KITH_MS(40);
        ck_assert(came(&nack, now, n));
        ck_assert(came(&nack, now + KITH_MS(20), n - 1));
    }
    ck_assert_int_ge(nack.reordering, KITH_MS(19));
    ck_assert_int_le(nack.reordering, KITH_MS(20));
    /* and what has to be sent again was not late */
    for (int64_t n = 402; n < 1402; n += 2) {
        ck_assert(came(&nack, now, n));
        ck_assert(repaired(&nack, 0, n - 1));
    }
    ck_assert_int_eq(nack.reordering, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

/* Behind a mirror or a relay what that lacked comes by itself, a round trip later. */
START_TEST(what_is_later_than_any_wait_is_no_reason_to_wait)
{
    kith_rtp_nack nack = begin(0);
    kith_time now = 0;
    for (int64_t n = 2; n < 200; n += 2) {
        now += KITH_MS(200);
        ck_assert(came(&nack, now, n));
        ck_assert(came(&nack, now + KITH_MS(50), n - 1));
    }
    ck_assert_int_eq(nack.reordering, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

/* A request is as easily lost as what it asks for, and smaller. */
START_TEST(a_request_is_said_twice_where_that_spares_a_round_trip)
{
    const kith_rtp_asked twice = {.rtt = RTT, .may_double = true},
                         near = {.rtt = KITH_MS(19), .may_double = true}, once = {.rtt = RTT};
    kith_rtp_nack nack = begin(0);
    ck_assert(came(&nack, 0, 2));
    kith_time now = 0;
    for (unsigned i = 0; i < 40; i++, now += KITH_MS(60)) {
        ck_assert_uint_eq(kith_rtp_nack_take(&nack, now, &twice, asked, 9), 1);
        ck_assert_int_eq(nack.next_at, now + KITH_MS(15));
        ck_assert_uint_eq(kith_rtp_nack_take(&nack, now + KITH_MS(15), &twice, asked, 9), 1);
        ck_assert_int_eq(nack.next_at, now + KITH_MS(60));
    }
    /* of both together there are forty */
    ck_assert_uint_eq(kith_rtp_nack_take(&nack, now, &twice, asked, 9), 0);
    ck_assert_uint_eq(nack.count, 0);
    ck_assert(came(&nack, now, 4));
    ck_assert_uint_eq(kith_rtp_nack_take(&nack, now, &near, asked, 9), 1);
    ck_assert_int_eq(nack.next_at, now + KITH_MS(29));
    ck_assert_uint_eq(kith_rtp_nack_take(&nack, now + KITH_MS(29), &once, asked, 9), 1);
    ck_assert_int_eq(nack.next_at, now + KITH_MS(89));
    kith_rtp_nack_deinit(&nack);
}
END_TEST

/* The end of a picture, which nothing else shows to be missing before the next one comes. */
START_TEST(the_next_packet_of_a_frame_is_asked_for_when_it_is_overdue)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(came_open(&nack, 1000, 1));
    ck_assert_int_eq(kith_rtp_nack_at(&nack), 1000 + KITH_MS(10));
    ck_assert_uint_eq(take(&nack, 1000 + KITH_MS(10) - 1, RTT), 0);
    ck_assert_uint_eq(take(&nack, 1000 + KITH_MS(10), RTT), 1);
    ck_assert_uint_eq(asked[0], 2);
    ck_assert(!kith_rtp_nack_has(&nack, 2));
    /* more of the frame was lost: it is as late */
    ck_assert(kith_rtp_nack_repaired(&nack, KITH_MS(61), &(kith_rtp_came){.number = 2}));
    ck_assert(kith_rtp_nack_has(&nack, 2));
    ck_assert_int_eq(kith_rtp_nack_at(&nack), KITH_MS(61));
    ck_assert_uint_eq(take(&nack, KITH_MS(61), RTT), 1);
    ck_assert_uint_eq(asked[0], 3);
    /* the last one */
    ck_assert(repaired(&nack, KITH_MS(120), 3));
    ck_assert(kith_rtp_nack_at(&nack) == KITH_NEVER);
    ck_assert(came(&nack, KITH_MS(130), 4));
    ck_assert(kith_rtp_nack_at(&nack) == KITH_NEVER);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_was_only_slow_is_not_missing)
{
    kith_rtp_nack nack = begin(0);
    kith_time now = 0;
    int64_t n = 1;
    /* packets of a frame 30 ms apart, as at 100 kbit/s */
    for (unsigned i = 0; i < 300; i++, now += KITH_MS(30)) {
        (void)take(&nack, now, RTT);
        ck_assert(came_open(&nack, now, n++));
    }
    ck_assert_uint_eq(nack.count, 0);
    ck_assert_int_eq(nack.reordering, 0);
    ck_assert_int_ge(nack.spacing, KITH_MS(29));
    ck_assert_uint_eq(take(&nack, now, RTT), 0);
    ck_assert_int_ge(kith_rtp_nack_at(&nack), now - KITH_MS(30) + KITH_MS(39));
    kith_rtp_nack_deinit(&nack);
}
END_TEST

/* A sender that stops within a frame never sends it. */
START_TEST(what_need_not_have_been_sent_is_asked_for_five_times)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(came_open(&nack, 0, 1));
    unsigned times = 0;
    for (kith_time now = 0; now < KITH_SECONDS(2); now += KITH_MS(1))
        times += (unsigned)take(&nack, now, RTT);
    ck_assert_uint_eq(times, 5);
    ck_assert(kith_rtp_nack_at(&nack) == KITH_NEVER);
    /* and what it sends next fills its number, or shows that it was lost */
    ck_assert(came_open(&nack, KITH_SECONDS(2), 2));
    ck_assert_uint_eq(take(&nack, KITH_SECONDS(2) + KITH_MS(200), RTT), 1);
    ck_assert(came(&nack, KITH_SECONDS(3), 4));
    times = 0;
    for (kith_time now = KITH_SECONDS(3); now < KITH_SECONDS(4); now += KITH_MS(1))
        times += (unsigned)take(&nack, now, RTT);
    ck_assert_uint_ge(times, 10);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_is_of_no_use_any_more_is_not_asked_for)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(came(&nack, 0, 4));
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
    ck_assert(came(&nack, 0, 4));
    ck_assert(begins(&nack, 0, 700));
    ck_assert_uint_eq(nack.count, 0);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_came_is_known_however_it_came)
{
    kith_rtp_nack nack = begin(100);
    ck_assert(came(&nack, 0, 104));
    ck_assert(repaired(&nack, 0, 101));
    ck_assert(came(&nack, 0, 102));
    for (int64_t n = 98; n < 107; n++)
        ck_assert_int_eq(kith_rtp_nack_has(&nack, n), n >= 100 && n <= 104 && n != 103);
    ck_assert(came(&nack, 0, 104 + KITH_RTP_MAX_MISSING - 2));
    ck_assert(kith_rtp_nack_has(&nack, 104));
    ck_assert(!kith_rtp_nack_has(&nack, 105));
    kith_rtp_nack_skip(&nack, 104 + KITH_RTP_MAX_MISSING - 2);
    ck_assert(came(&nack, 0, 104 + KITH_RTP_NACK_SEEN));
    ck_assert(!kith_rtp_nack_has(&nack, 104));
    kith_rtp_nack_deinit(&nack);
}
END_TEST

START_TEST(what_does_not_fit_is_asked_for_next)
{
    kith_rtp_nack nack = begin(0);
    ck_assert(came(&nack, 0, 4));
    ck_assert_uint_eq(kith_rtp_nack_take(&nack, 0, &(kith_rtp_asked){.rtt = RTT}, asked, 2), 2);
    ck_assert_int_eq(nack.next_at, 0);
    ck_assert_uint_eq(take(&nack, 0, RTT), 1);
    ck_assert_uint_eq(asked[0], 3);
    kith_rtp_nack_deinit(&nack);
}
END_TEST

UNIT_MAIN("rtp: nack", a_gap_is_asked_for_at_once_and_again_every_round_trip_and_some,
          it_is_asked_again_after_20_ms_at_least_and_100_while_the_round_trip_is_unknown,
          what_is_asked_for_40_times_or_missing_for_3_s_is_given_up,
          above_a_thousand_missing_nothing_is_asked_for,
          what_only_overtakes_is_waited_for_once_that_was_seen,
          what_is_later_than_any_wait_is_no_reason_to_wait,
          a_request_is_said_twice_where_that_spares_a_round_trip,
          the_next_packet_of_a_frame_is_asked_for_when_it_is_overdue,
          what_was_only_slow_is_not_missing, what_need_not_have_been_sent_is_asked_for_five_times,
          what_is_of_no_use_any_more_is_not_asked_for, a_stream_that_begins_anew_misses_nothing,
          what_came_is_known_however_it_came, what_does_not_fit_is_asked_for_next)
