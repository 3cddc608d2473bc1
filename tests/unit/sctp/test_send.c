#include "wire.h"

/* Sends messages of `len` without end for `duration`; bytes that arrived. */
static size_t pour(wire *w, size_t len, kith_time duration)
{
    size_t before = w->side[RIGHT].seen.bytes;
    kith_time until = w->now + duration;
    for (uint32_t number = 0; w->now < until; step(w, until))
        while (kith_sctp_buffered(w->side[LEFT].sctp, 0) < 1000000)
            ck_assert_int_eq(send_number(w, LEFT, 0, len, number++), KITH_OK);
    return w->side[RIGHT].seen.bytes - before;
}

static double mbps(size_t bytes, kith_time duration)
{
    return (double)bytes * 8 / (double)duration;
}

START_TEST(a_transfer_without_loss_fills_the_link)
{
    /* 20 ms and 1 Gbit/s: 2.5 MB in flight. Where T3-rtx is not restarted by SACKs (RFC 9260 6.3.2
     * R3) it fires every 200 ms, halves the window and leaves 700 Mbit/s. */
    wire *w = wire_up();
    w->rate = 1000000000;
    open_both(w, 0, NULL);
    pour(w, 16384, KITH_MS(600));
    size_t bytes = pour(w, 16384, KITH_MS(400));
    ck_assert_double_gt(mbps(bytes, KITH_MS(400)), 880);
    kith_sctp_info info;
    kith_sctp_get_info(w->side[LEFT].sctp, &info);
    ck_assert_uint_eq(info.retransmits, 0);
    wire_down(w);
}
END_TEST

START_TEST(a_long_path_is_filled_up_to_the_window)
{
    wire *w = wire_up();
    w->delay = KITH_MS(50);
    w->rate = 200000000;
    open_both(w, 0, NULL);
    pour(w, 65536, KITH_SECONDS(3));
    ck_assert_double_gt(mbps(pour(w, 65536, KITH_SECONDS(2)), KITH_SECONDS(2)), 150);
    wire_down(w);
}
END_TEST

START_TEST(a_link_with_a_queue_of_20_ms_stays_busy)
{
    wire *w = wire_up();
    w->rate = 50000000;
    w->queue = KITH_MS(20);
    open_both(w, 0, NULL);
    pour(w, 16384, KITH_SECONDS(2));
    ck_assert_double_gt(mbps(pour(w, 16384, KITH_SECONDS(4)), KITH_SECONDS(4)), 35);
    wire_down(w);
}
END_TEST

START_TEST(nothing_is_lost_at_any_rate_of_loss)
{
    static const unsigned losses[] = {10, 50, 100};
    for (size_t i = 0; i < 3; i++) {
        wire *w = wire_up();
        w->loss = losses[i];
        w->twice = 20;
        open_both(w, 0, NULL);
        for (uint32_t n = 0; n < 300; n++)
            ck_assert_int_eq(send_number(w, LEFT, 0, 1 + n * 37 % 9000, n), KITH_OK);
        ck_assert(run_until(w, KITH_SECONDS(300), &w->side[RIGHT].seen.messages, 300));
        for (uint32_t n = 0; n < 300; n++)
            ck_assert_uint_eq(w->side[RIGHT].seen.log[n].number, n);
        ck_assert(!w->side[RIGHT].seen.damaged);
        wire_down(w);
    }
}
END_TEST

START_TEST(one_percent_loss_leaves_a_usable_rate)
{
    wire *w = wire_up();
    w->loss = 10;
    w->rate = 100000000;
    open_both(w, 0, NULL);
    /* Reno at 1 % and 20 ms: about 1.2 MSS / (RTT sqrt(p)), some 6 Mbit/s. */
    ck_assert_double_gt(mbps(pour(w, 16384, KITH_SECONDS(10)), KITH_SECONDS(10)), 3);
    wire_down(w);
}
END_TEST

START_TEST(unordered_messages_overtake_lost_ones)
{
    wire *w = wire_up();
    w->loss = 50;
    kith_sctp_stream unordered = {.unordered = true, .priority = 256};
    open_both(w, 0, &unordered);
    for (uint32_t n = 0; n < 500; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 1000, n), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(60), &w->side[RIGHT].seen.messages, 500));
    bool got[500] = {false}, overtaken = false;
    for (uint32_t i = 0; i < 500; i++) {
        got[w->side[RIGHT].seen.log[i].number] = true;
        overtaken |= w->side[RIGHT].seen.log[i].number != i;
    }
    ck_assert(overtaken);
    for (uint32_t i = 0; i < 500; i++)
        ck_assert(got[i]);
    wire_down(w);
}
END_TEST

/* Before DATA_CHANNEL_ACK (RFC 8832 section 6). */
START_TEST(an_unordered_stream_may_be_told_to_keep_the_order_and_still_loses)
{
    wire *w = wire_up();
    w->loss = 100;
    kith_sctp_stream params = {
        .unordered = true, .reliability = KITH_MAX_RETRANSMITS, .limit = 0, .priority = 256};
    open_both(w, 0, &params);
    uint8_t data[1000];
    for (uint32_t n = 0; n < 400; n++) {
        make_bytes(data, sizeof data, n);
        kith_sctp_send_args args = {
            .ppid = 53, .data = data, .len = sizeof data, .ordered = n < 200};
        ck_assert_int_eq(kith_sctp_send(w->side[LEFT].sctp, &args), KITH_OK);
    }
    run(w, KITH_SECONDS(60));
    const seen *got = &w->side[RIGHT].seen;
    ck_assert_uint_lt(got->messages, 400);
    uint32_t last = 0, ordered = 0;
    bool overtaken = false;
    for (unsigned i = 0; i < got->messages; i++) {
        uint32_t number = got->log[i].number;
        overtaken |= i > 0 && number < got->log[i - 1].number;
        if (number >= 200)
            continue;
        ck_assert(ordered == 0 || number > last);
        last = number;
        ordered++;
    }
    ck_assert_uint_gt(ordered, 100);
    ck_assert_uint_lt(ordered, 200);
    ck_assert(overtaken); /* by those that are not */
    wire_down(w);
}
END_TEST

START_TEST(messages_without_retransmissions_may_be_lost_but_never_damaged)
{
    wire *w = wire_up();
    w->loss = 100;
    kith_sctp_stream params = {.reliability = KITH_MAX_RETRANSMITS, .limit = 0, .priority = 256};
    open_both(w, 0, &params);
    for (uint32_t n = 0; n < 400; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 3000, n), KITH_OK);
    run(w, KITH_SECONDS(60));
    const seen *got = &w->side[RIGHT].seen;
    ck_assert_uint_gt(got->messages, 150);
    ck_assert_uint_lt(got->messages, 400);
    for (unsigned i = 1; i < got->messages; i++)
        ck_assert_uint_gt(got->log[i].number, got->log[i - 1].number);
    ck_assert(!got->damaged);
    ck_assert(!got->closed);
    ck_assert_int_eq(kith_sctp_deadline(w->side[LEFT].sctp), KITH_NEVER);
    wire_down(w);
}
END_TEST

START_TEST(long_unreliable_messages_survive_loss_too)
{
    wire *w = wire_up();
    w->loss = 20;
    kith_sctp_stream params = {.reliability = KITH_MAX_RETRANSMITS, .limit = 1, .priority = 256};
    open_both(w, 0, &params);
    for (uint32_t n = 0; n < 60; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 150000, n), KITH_OK);
    run(w, KITH_SECONDS(120));
    ck_assert_uint_gt(w->side[RIGHT].seen.messages, 15);
    ck_assert(!w->side[RIGHT].seen.damaged);
    ck_assert(!w->side[LEFT].seen.closed && !w->side[RIGHT].seen.closed);
    /* And the stream still works. */
    w->loss = 0;
    unsigned before = w->side[RIGHT].seen.messages;
    ck_assert_int_eq(send_number(w, LEFT, 0, 150000, 99), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(30), &w->side[RIGHT].seen.messages, before + 1));
    wire_down(w);
}
END_TEST

START_TEST(a_lifetime_of_zero_sends_what_can_leave_at_once)
{
    wire *w = wire_up();
    w->rate = 1000000;
    kith_sctp_stream params = {
        .reliability = KITH_MAX_PACKET_LIFE_TIME, .limit = 0, .priority = 256};
    open_both(w, 0, &params);
    ck_assert_int_eq(send_number(w, LEFT, 0, 1000, 0), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(1), &w->side[RIGHT].seen.messages, 1));
    for (uint32_t n = 0; n < 200; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 1000, n), KITH_OK);
    run(w, KITH_SECONDS(5));
    ck_assert_uint_gt(w->side[RIGHT].seen.messages, 5);
    ck_assert_uint_lt(w->side[RIGHT].seen.messages, 60);
    ck_assert_uint_eq(kith_sctp_buffered(w->side[LEFT].sctp, 0), 0);
    kith_sctp_info info;
    kith_sctp_get_info(w->side[LEFT].sctp, &info);
    ck_assert_uint_gt(info.messages_abandoned, 100);
    wire_down(w);
}
END_TEST

START_TEST(lifetimes_expire_here_and_not_on_an_overloaded_link)
{
    /* 2 Mbit/s offered to 1: half must go, and it must not cost the link a FORWARD-TSN each. */
    wire *w = wire_up();
    w->rate = 1000000;
    w->queue = KITH_MS(200);
    kith_sctp_stream params = {
        .reliability = KITH_MAX_PACKET_LIFE_TIME, .limit = 100, .unordered = true, .priority = 256};
    open_both(w, 0, &params);
    uint64_t packets = w->side[LEFT].packets;
    for (uint32_t n = 0; n < 2500; n++) {
        ck_assert_int_eq(send_number(w, LEFT, 0, 1000, n), KITH_OK);
        run(w, KITH_MS(4));
    }
    run(w, KITH_SECONDS(10));
    ck_assert_uint_gt(w->side[RIGHT].seen.messages, 1000); /* of 1143 that fit */
    ck_assert_uint_lt(w->side[LEFT].packets - packets, 4 * w->side[RIGHT].seen.messages);
    ck_assert_uint_eq(kith_sctp_buffered(w->side[LEFT].sctp, 0), 0);
    wire_down(w);
}
END_TEST

START_TEST(priorities_share_the_link_by_their_weights)
{
    static const uint16_t weights[] = {128, 256, 512, 1024};
    wire *w = wire_up();
    w->rate = 20000000;
    size_t sent[4] = {0};
    for (uint16_t i = 0; i < 4; i++) {
        kith_sctp_stream params = {.priority = weights[i]};
        open_both(w, i, &params);
        for (uint32_t n = 0; n < 900; n++)
            ck_assert_int_eq(send_number(w, LEFT, i, 4000, n), KITH_OK);
    }
    run(w, KITH_SECONDS(2));
    const seen *got = &w->side[RIGHT].seen;
    ck_assert_uint_gt(got->messages, 500);
    for (unsigned i = 0; i < got->messages; i++)
        sent[got->log[i].stream]++;
    for (int i = 1; i < 4; i++) {
        double ratio = (double)sent[i] / (double)sent[i - 1];
        ck_assert_double_gt(ratio, 1.8);
        ck_assert_double_lt(ratio, 2.2);
    }
    wire_down(w);
}
END_TEST

START_TEST(a_long_message_is_not_cut_and_does_not_starve_the_others)
{
    wire *w = wire_up();
    w->rate = 20000000;
    w->queue = KITH_MS(50);
    open_both(w, 0, NULL);
    open_both(w, 1, NULL);
    for (uint32_t n = 0; n < 10; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 262144, n), KITH_OK);
    run(w, KITH_MS(300));
    ck_assert_int_eq(send_number(w, LEFT, 1, 100, 77), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(30), &w->side[RIGHT].seen.messages, 11));
    unsigned place = 0;
    while (w->side[RIGHT].seen.log[place].stream != 1)
        place++;
    ck_assert_uint_lt(place, 4);
    ck_assert(!w->side[RIGHT].seen.damaged);
    wire_down(w);
}
END_TEST

START_TEST(bytes_leave_the_buffered_amount_when_they_are_handed_on)
{
    wire *w = wire_up();
    w->rate = 8000000;
    w->queue = KITH_MS(50);
    open_both(w, 0, NULL);
    for (uint32_t n = 0; n < 20; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 50000, n), KITH_OK);
    kith_sctp_send_args quiet = {.stream = 0,
                                 .ppid = 50,
                                 .data = "dcep",
                                 .len = 4,
                                 .ordered_reliable = true,
                                 .not_counted = true};
    ck_assert_int_eq(kith_sctp_send(w->side[LEFT].sctp, &quiet), KITH_OK);
    ck_assert_uint_eq(kith_sctp_buffered(w->side[LEFT].sctp, 0), 1000000);
    run(w, KITH_MS(500)); /* about half of it */
    size_t half = kith_sctp_buffered(w->side[LEFT].sctp, 0);
    ck_assert_uint_gt(half, 300000);
    ck_assert_uint_lt(half, 800000);
    ck_assert_uint_eq(w->side[LEFT].seen.lows, 0);
    /* Handed on is not more than the window and a little ahead of what arrived. */
    kith_sctp_info info;
    kith_sctp_get_info(w->side[LEFT].sctp, &info);
    ck_assert_uint_lt(1000000 - half,
                      w->side[RIGHT].seen.bytes + 50000 + 2 * info.congestion_window);
    ck_assert(run_until(w, KITH_SECONDS(10), &w->side[RIGHT].seen.messages, 21));
    ck_assert_uint_eq(kith_sctp_buffered(w->side[LEFT].sctp, 0), 0);
    ck_assert_uint_eq(w->side[LEFT].seen.lows, 1);
    wire_down(w);
}
END_TEST

START_TEST(a_full_buffer_says_again_and_then_writable)
{
    static wire w;
    kith_sctp_config config = wire_config();
    config.send_buffer = 100000;
    wire_init(&w, &config, &config);
    wire_connect(&w);
    open_both(&w, 0, NULL);
    w.rate = 1000000;
    /* One message always fits. */
    ck_assert_int_eq(send_number(&w, LEFT, 0, 300000, 0), KITH_OK);
    ck_assert_int_eq(send_number(&w, LEFT, 0, 1, 1), KITH_ERR_AGAIN);
    ck_assert_uint_eq(kith_sctp_buffered(w.side[LEFT].sctp, 0), 300000);
    ck_assert(run_until(&w, KITH_SECONDS(10), &w.side[LEFT].seen.writable, 1));
    ck_assert_int_eq(send_number(&w, LEFT, 0, 1, 1), KITH_OK);
    run(&w, KITH_SECONDS(5));
    ck_assert_uint_eq(w.side[LEFT].seen.writable, 1);
    ck_assert_uint_eq(w.side[RIGHT].seen.messages, 2);
    wire_deinit(&w);
}
END_TEST

/* A short message takes a whole block: a million of them may not take half a gigabyte. */
START_TEST(short_messages_count_as_the_memory_they_take)
{
    static wire w;
    kith_sctp_config config = wire_config();
    config.send_buffer = 100000;
    wire_init(&w, &config, &config);
    wire_connect(&w);
    open_both(&w, 0, NULL);
    unsigned count = 0;
    while (send_number(&w, LEFT, 0, 1, count) == KITH_OK)
        ck_assert_uint_lt(++count, 1000);
    ck_assert_uint_gt(count, 50);
    ck_assert(run_until(&w, KITH_SECONDS(10), &w.side[LEFT].seen.writable, 1));
    ck_assert(run_until(&w, KITH_SECONDS(10), &w.side[RIGHT].seen.messages, count));
    wire_deinit(&w);
}
END_TEST

UNIT_MAIN("sctp: send", a_transfer_without_loss_fills_the_link,
          a_long_path_is_filled_up_to_the_window, a_link_with_a_queue_of_20_ms_stays_busy,
          short_messages_count_as_the_memory_they_take, nothing_is_lost_at_any_rate_of_loss,
          one_percent_loss_leaves_a_usable_rate, unordered_messages_overtake_lost_ones,
          an_unordered_stream_may_be_told_to_keep_the_order_and_still_loses,
          messages_without_retransmissions_may_be_lost_but_never_damaged,
          long_unreliable_messages_survive_loss_too,
          a_lifetime_of_zero_sends_what_can_leave_at_once,
          lifetimes_expire_here_and_not_on_an_overloaded_link,
          priorities_share_the_link_by_their_weights,
          a_long_message_is_not_cut_and_does_not_starve_the_others,
          bytes_leave_the_buffered_amount_when_they_are_handed_on,
          a_full_buffer_says_again_and_then_writable)
