#include "wire.h"

/* ---- allocations of long blocks ---- */

#define LONG 200000

static unsigned long_ones;

static void *take(size_t size, void *user)
{
    (void)user;
    long_ones += size >= LONG;
    return malloc(size);
}

static void *take_again(void *memory, size_t size, void *user)
{
    (void)user;
    long_ones += size >= LONG;
    return realloc(memory, size);
}

static void release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

/* A megabyte in one allocation at the sender; at the receiver it comes in dozens of parts. */
START_TEST(a_long_message_is_moved_a_few_times_only)
{
    static const kith_allocator counting = {take, take_again, release, NULL};
    kith_set_allocator(&counting);
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    wire_connect(&w);
    open_both(&w, 0, NULL);
    long_ones = 0;
    ck_assert_int_eq(send_number(&w, LEFT, 0, 1000000, 7), KITH_OK);
    ck_assert(run_until(&w, KITH_SECONDS(10), &w.side[RIGHT].seen.messages, 1));
    ck_assert_msg(long_ones <= 8, "%u long blocks", long_ones);
    ck_assert(!w.side[RIGHT].seen.damaged);
    wire_deinit(&w);
}
END_TEST

START_TEST(a_receiver_that_does_not_ask_closes_the_window)
{
    static wire w;
    kith_sctp_config config = wire_config();
    config.send_buffer = (size_t)1 << 20;
    wire_init(&w, &config, &config);
    wire_connect(&w);
    open_both(&w, 0, NULL);
    w.side[RIGHT].deaf = true;
    uint32_t sent = 0;
    for (kith_time until = w.now + KITH_SECONDS(20); w.now < until; step(&w, until))
        while (send_number(&w, LEFT, 0, 10000, sent) == KITH_OK)
            sent++;
    /* What left our queue is bounded by the window of 4 MiB. */
    size_t gone = sent * (size_t)10000 - kith_sctp_buffered(w.side[LEFT].sctp, 0);
    ck_assert_uint_gt(gone, 2000000);
    ck_assert_uint_lt(gone, 4500000);
    ck_assert_int_eq(send_number(&w, LEFT, 0, 10000, sent), KITH_ERR_AGAIN);
    unsigned before = w.side[LEFT].seen.writable;
    w.side[RIGHT].deaf = false;
    ck_assert(run_until(&w, KITH_SECONDS(60), &w.side[RIGHT].seen.messages, sent));
    ck_assert_uint_gt(w.side[LEFT].seen.writable, before);
    for (uint32_t n = 0; n < sent; n++)
        ck_assert_uint_eq(w.side[RIGHT].seen.log[n].number, n);
    ck_assert(!w.side[RIGHT].seen.damaged);
    wire_deinit(&w);
}
END_TEST

START_TEST(messages_wait_inside_while_the_budget_is_full)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->side[RIGHT].hoards = true;
    for (uint32_t n = 0; n < 40; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 100000, n), KITH_OK);
    run(w, KITH_SECONDS(5));
    /* The message that reaches the budget of 1 MiB is the last. */
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 11);
    release_kept(&w->side[RIGHT]);
    run(w, KITH_SECONDS(5));
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 22);
    w->side[RIGHT].hoards = false;
    release_kept(&w->side[RIGHT]);
    ck_assert(run_until(w, KITH_SECONDS(5), &w->side[RIGHT].seen.messages, 40));
    wire_down(w);
}
END_TEST

START_TEST(the_budget_is_right_though_the_owner_changed_the_length)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->side[RIGHT].hoards = true;
    for (unsigned n = 0; n < 30; n++) {
        ck_assert_int_eq(send_number(w, LEFT, 0, 100000, n), KITH_OK);
        ck_assert(run_until(w, KITH_SECONDS(5), &w->side[RIGHT].seen.messages, n + 1));
        KITH_OWNER(kith_list_first(&w->side[RIGHT].kept), kith_sctp_message, node)->len = 0;
        release_kept(&w->side[RIGHT]);
    }
    wire_down(w);
}
END_TEST

START_TEST(the_end_of_the_association_comes_in_spite_of_a_full_budget)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->side[RIGHT].hoards = true;
    for (uint32_t n = 0; n < 20; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 100000, n), KITH_OK);
    run(w, KITH_SECONDS(5));
    ck_assert_uint_lt(w->side[RIGHT].seen.messages, 20);
    kith_sctp_abort(w->side[LEFT].sctp);
    run(w, KITH_SECONDS(1));
    ck_assert(w->side[RIGHT].seen.closed);
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 20);
    wire_down(w);
}
END_TEST

START_TEST(a_message_above_the_limit_ends_the_association)
{
    static wire w;
    kith_sctp_config left = wire_config(), right = wire_config();
    right.max_message_size = 100000;
    wire_init(&w, &left, &right);
    wire_connect(&w);
    open_both(&w, 0, NULL);
    ck_assert_int_eq(send_number(&w, LEFT, 0, 100000, 0), KITH_OK);
    ck_assert(run_until(&w, KITH_SECONDS(5), &w.side[RIGHT].seen.messages, 1));
    ck_assert_int_eq(send_number(&w, LEFT, 0, 100001, 1), KITH_OK);
    run(&w, KITH_SECONDS(2));
    ck_assert(w.side[RIGHT].seen.closed);
    ck_assert(w.side[LEFT].seen.closed);
    ck_assert_uint_eq(w.side[RIGHT].seen.messages, 1);
    ck_assert_int_eq(kith_sctp_get_error(w.side[RIGHT].sctp)->error_detail,
                     KITH_ERROR_DETAIL_SCTP_FAILURE);
    ck_assert_ptr_nonnull(
        strstr(kith_sctp_get_error(w.side[RIGHT].sctp)->message, "longer than 100000 bytes"));
    wire_deinit(&w);
}
END_TEST

START_TEST(every_stream_may_speak_at_once)
{
    wire *w = wire_up();
    w->loss = 20;
    for (uint16_t id = 0; id < 256; id++) {
        open_both(w, id, NULL);
        ck_assert_int_eq(send_number(w, LEFT, id, 3000, id), KITH_OK);
    }
    ck_assert(run_until(w, KITH_SECONDS(60), &w->side[RIGHT].seen.messages, 256));
    bool seen_of[256] = {false};
    for (int i = 0; i < 256; i++) {
        ck_assert_uint_eq(w->side[RIGHT].seen.log[i].number, w->side[RIGHT].seen.log[i].stream);
        seen_of[w->side[RIGHT].seen.log[i].stream] = true;
    }
    for (int i = 0; i < 256; i++)
        ck_assert(seen_of[i]);
    wire_down(w);
}
END_TEST

START_TEST(junk_is_dropped_and_the_association_lives)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    uint8_t junk[2000];
    for (int i = 0; i < 2000; i++) {
        size_t len = draw(w, sizeof junk);
        for (size_t k = 0; k < len; k++)
            junk[k] = (uint8_t)draw(w, 256);
        if (i % 2 == 0 && len >= 4) { /* the right ports, the wrong tag */
            junk[0] = junk[2] = 5000 >> 8;
            junk[1] = junk[3] = 5000 & 0xff;
        }
        kith_sctp_input(w->side[RIGHT].sctp, w->now, junk, len);
    }
    static uint8_t huge[70000];
    kith_sctp_input(w->side[RIGHT].sctp, w->now, huge, sizeof huge);
    kith_sctp_input(w->side[RIGHT].sctp, w->now, huge, 0);
    kith_sctp_info info;
    kith_sctp_get_info(w->side[RIGHT].sctp, &info);
    ck_assert_uint_gt(info.dropped, 900);
    ck_assert_int_eq(send_number(w, LEFT, 0, 1000, 5), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(1), &w->side[RIGHT].seen.messages, 1));
    wire_down(w);
}
END_TEST

START_TEST(every_prefix_of_every_packet_is_survived)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    for (uint32_t n = 0; n < 3; n++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 2000, n), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 0);
    for (int round = 0; round < 200; round++) {
        drain(w);
        for (int i = 0; i < 2; i++) {
            packet *p = w->side[i].first;
            for (size_t len = 0; p && len < p->len; len += len < 80 ? 1 : 97)
                kith_sctp_input(w->side[!i].sctp, w->now, p->data, len);
        }
        step(w, w->now + KITH_MS(10));
    }
    wire_down(w);
}
END_TEST

UNIT_MAIN("sctp: receive", a_long_message_is_moved_a_few_times_only,
          a_receiver_that_does_not_ask_closes_the_window,
          messages_wait_inside_while_the_budget_is_full,
          the_budget_is_right_though_the_owner_changed_the_length,
          the_end_of_the_association_comes_in_spite_of_a_full_budget,
          a_message_above_the_limit_ends_the_association, every_stream_may_speak_at_once,
          junk_is_dropped_and_the_association_lives, every_prefix_of_every_packet_is_survived)
