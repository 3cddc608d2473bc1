/* From a source's numbers to ours: order, gaps, restarts, and no number twice. */
#include "../unit.h"
#include "rtp/renumber.h"

#define CLOCK 90000

typedef struct model {
    kith_rtp_numbers n;
    kith_time now;
    int64_t number;
    uint32_t timestamp;
} model;

static kith_rtp_place_in_order put(model *m, uint32_t source, uint16_t number, uint32_t timestamp)
{
    kith_rtp_unit unit = {.is_numbered = true,
                          .source_ssrc = source,
                          .sequence_number = number,
                          .timestamp = timestamp};
    return kith_rtp_number(&m->n, m->now, CLOCK, &unit, &m->number, &m->timestamp);
}

/* Many times, since it is chosen. */
START_TEST(the_first_number_is_below_2_to_the_15)
{
    for (int i = 0; i < 10000; i++) {
        model m = {.now = 0};
        ck_assert_int_eq(put(&m, 1, (uint16_t)(i * 7), 0), KITH_RTP_IN_ORDER);
        ck_assert_int_gt(m.number, 0);
        ck_assert_int_lt(m.number, 0x8000);
        int64_t first = m.number;
        ck_assert_int_eq(put(&m, 1, (uint16_t)(i * 7 - 511), 0), KITH_RTP_REORDERED);
        ck_assert_int_eq(m.number, first - 511);
        ck_assert_int_ge(m.number, 0);
    }
}
END_TEST

START_TEST(order_and_gaps_of_the_source_are_kept)
{
    static const int steps[] = {1, 2, 1, -1, 4, 3000, -500, -511, 1, 500};
    model m = {.now = 0};
    uint16_t source = 65000;
    ck_assert_int_eq(put(&m, 1, source, 1000), KITH_RTP_IN_ORDER);
    int64_t offset = m.number - source, whole = source, highest = source;
    uint32_t timestamp = m.timestamp - 1000;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t next = (steps[i] < 0 ? highest : whole) + steps[i];
        kith_rtp_place_in_order order = put(&m, 1, (uint16_t)next, 2000);
        if (order == KITH_RTP_DOUBLED)
            continue;
        ck_assert_int_eq(order, next > highest ? KITH_RTP_IN_ORDER : KITH_RTP_REORDERED);
        ck_assert_int_eq(m.number, next + offset);
        ck_assert_uint_eq(m.timestamp, 2000 + timestamp);
        whole = next;
        highest = next > highest ? next : highest;
    }
}
END_TEST

START_TEST(numbers_go_on_over_the_wrap_of_the_source)
{
    model m = {.now = 0};
    put(&m, 1, 65534, 0);
    int64_t first = m.number;
    for (int i = 1; i < 200000; i++) {
        ck_assert_int_eq(put(&m, 1, (uint16_t)(65534 + i), 0), KITH_RTP_IN_ORDER);
        ck_assert_int_eq(m.number, first + i);
    }
}
END_TEST

START_TEST(a_doubled_packet_is_dropped)
{
    model m = {.now = 0};
    put(&m, 1, 100, 0);
    ck_assert_int_eq(put(&m, 1, 100, 0), KITH_RTP_DOUBLED);
    ck_assert_int_eq(put(&m, 1, 103, 0), KITH_RTP_IN_ORDER);
    ck_assert_int_eq(put(&m, 1, 101, 0), KITH_RTP_REORDERED);
    ck_assert_int_eq(put(&m, 1, 101, 0), KITH_RTP_DOUBLED);
    ck_assert_int_eq(put(&m, 1, 102, 0), KITH_RTP_REORDERED);
    ck_assert_int_eq(put(&m, 1, 103, 0), KITH_RTP_DOUBLED);
}
END_TEST

START_TEST(another_source_goes_on_at_the_next_number)
{
    model m = {.now = KITH_SECONDS(1)};
    put(&m, 1, 100, 5000);
    int64_t last = m.number;
    uint32_t timestamp = m.timestamp;
    m.now += KITH_SECONDS(2);
    ck_assert_int_eq(put(&m, 2, 40000, 77), KITH_RTP_IN_ORDER);
    ck_assert_int_eq(m.number, last + 1);
    ck_assert_uint_eq(m.timestamp, timestamp + 2 * CLOCK);
    ck_assert_int_eq(put(&m, 2, 40001, 77 + 3000), KITH_RTP_IN_ORDER);
    ck_assert_int_eq(m.number, last + 2);
    ck_assert_uint_eq(m.timestamp, timestamp + 2 * CLOCK + 3000);
}
END_TEST

/* Its numbers there were the other source's. */
START_TEST(what_another_source_sent_before_its_first_is_dropped)
{
    model m = {.now = 0};
    for (uint16_t i = 0; i < 50; i++)
        put(&m, 1, i, 0);
    put(&m, 2, 1000, 0);
    ck_assert_int_eq(put(&m, 2, 999, 0), KITH_RTP_TOO_LATE);
    ck_assert_int_eq(put(&m, 2, 1001, 0), KITH_RTP_IN_ORDER);
}
END_TEST

START_TEST(a_jump_is_a_restart)
{
    static const int jumps[] = {3001, -513, 20000, -20000, 32767, -32768};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        model m = {.now = 0};
        put(&m, 1, 30000, 0);
        int64_t last = m.number;
        uint32_t timestamp = m.timestamp;
        ck_assert_int_eq(put(&m, 1, (uint16_t)(30000 + jumps[i]), 0), KITH_RTP_IN_ORDER);
        ck_assert_int_eq(m.number, last + 1);
        ck_assert_uint_eq(m.timestamp, timestamp + 1);
    }
}
END_TEST

/* Not even then is it silent for as long as it takes to catch up. */
START_TEST(a_restart_just_behind_the_highest_number_is_found)
{
    model m = {.now = 0};
    for (uint16_t i = 0; i < 600; i++)
        put(&m, 1, i, 0);
    int64_t last = m.number;
    unsigned dropped = 0;
    for (uint16_t i = 200; i < 250; i++)
        dropped += put(&m, 1, i, 0) != KITH_RTP_IN_ORDER;
    ck_assert_uint_eq(dropped, 3);
    ck_assert_int_eq(m.number, last + 47);
}
END_TEST

START_TEST(units_without_numbers_get_the_next)
{
    model m = {.now = 0};
    kith_rtp_unit unit = {.timestamp = 10};
    kith_rtp_number(&m.n, 0, CLOCK, &unit, &m.number, &m.timestamp);
    int64_t first = m.number;
    uint32_t timestamp = m.timestamp;
    for (uint32_t i = 1; i < 100; i++) {
        unit.timestamp = 10 + i;
        ck_assert_int_eq(kith_rtp_number(&m.n, 0, CLOCK, &unit, &m.number, &m.timestamp),
                         KITH_RTP_IN_ORDER);
        ck_assert_int_eq(m.number, first + i);
        ck_assert_uint_eq(m.timestamp, timestamp + i);
    }
    ck_assert_int_eq(put(&m, 1, 5, 0), KITH_RTP_IN_ORDER);
    ck_assert_int_eq(m.number, first + 100);
}
END_TEST

static uint32_t state = 1;

static uint32_t next_random(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

/* Whatever sources do, no number leaves twice, and the first of each source is the next one. */
START_TEST(no_number_leaves_twice)
{
    static uint8_t left[1 << 24];
    model m = {.now = 0};
    uint16_t source = 0;
    for (int i = 0; i < 200000; i++) {
        uint32_t what = next_random() % 1000;
        uint16_t number = source;
        if (what < 2)
            source = (uint16_t)next_random();
        else if (what < 100)
            number = (uint16_t)(source - next_random() % 600);
        else
            number = source += (uint16_t)(next_random() % 3);
        m.now += 100;
        kith_rtp_place_in_order order = put(&m, next_random() % 2000 == 0 ? what : 7, number, 0);
        if (order == KITH_RTP_DOUBLED || order == KITH_RTP_TOO_LATE)
            continue;
        ck_assert_int_ge(m.number, 0);
        ck_assert_int_lt(m.number, (int64_t)sizeof left);
        ck_assert_uint_eq(left[m.number]++, 0);
        ck_assert_int_eq(kith_rtp_has_sent(&m.n, (uint16_t)m.number), true);
    }
}
END_TEST

START_TEST(what_left_not_long_ago_is_known)
{
    model m = {.now = 0};
    ck_assert(!kith_rtp_has_sent(&m.n, 0));
    put(&m, 1, 1, 0);
    uint16_t first = (uint16_t)m.number;
    put(&m, 1, 3, 0);
    ck_assert(kith_rtp_has_sent(&m.n, first));
    ck_assert(!kith_rtp_has_sent(&m.n, (uint16_t)(first + 1)));
    ck_assert(kith_rtp_has_sent(&m.n, (uint16_t)(first + 2)));
    ck_assert(!kith_rtp_has_sent(&m.n, (uint16_t)(first + 3)));
    put(&m, 1, 600, 0);
    ck_assert(!kith_rtp_has_sent(&m.n, first));
}
END_TEST

UNIT_MAIN("rtp: renumber", the_first_number_is_below_2_to_the_15,
          order_and_gaps_of_the_source_are_kept, numbers_go_on_over_the_wrap_of_the_source,
          a_doubled_packet_is_dropped, another_source_goes_on_at_the_next_number,
          what_another_source_sent_before_its_first_is_dropped, a_jump_is_a_restart,
          a_restart_just_behind_the_highest_number_is_found, units_without_numbers_get_the_next,
          no_number_leaves_twice, what_left_not_long_ago_is_known)
