#include "wire.h"

START_TEST(a_closed_stream_delivers_first_and_both_sides_are_told)
{
    wire *w = wire_up();
    open_both(w, 5, NULL);
    for (uint32_t n = 0; n < 3; n++)
        ck_assert_int_eq(send_number(w, LEFT, 5, 70000, n), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 5);
    ck_assert_int_eq(send_number(w, LEFT, 5, 1, 9), KITH_ERR_INVALID_STATE);
    run(w, KITH_SECONDS(2));
    ck_assert_str_eq(w->side[RIGHT].seen.order, "cmmmrd");
    ck_assert_str_eq(w->side[LEFT].seen.order, "cd");
    ck_assert_uint_eq(w->side[LEFT].seen.closings[5], 1);
    ck_assert_int_eq(kith_sctp_deadline(w->side[LEFT].sctp), KITH_NEVER);
    wire_down(w);
}
END_TEST

START_TEST(the_tail_arrives_before_the_reset_through_loss)
{
    wire *w = wire_up();
    w->loss = 100;
    open_both(w, 1, NULL);
    for (uint32_t n = 0; n < 200; n++)
        ck_assert_int_eq(send_number(w, LEFT, 1, 1500, n), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 1);
    ck_assert(run_until(w, KITH_SECONDS(300), &w->side[LEFT].seen.closings[1], 1));
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 200);
    /* The answer to its own reset is still on its way. */
    ck_assert(run_until(w, KITH_SECONDS(60), &w->side[RIGHT].seen.closings[1], 1));
    wire_down(w);
}
END_TEST

START_TEST(an_id_is_free_only_after_both_resets)
{
    wire *w = wire_up();
    kith_sctp_stream plain = {.priority = 256};
    open_both(w, 2, NULL);
    kith_sctp_close_stream(w->side[LEFT].sctp, 2);
    while (w->side[LEFT].seen.closings[2] == 0) {
        ck_assert_int_eq(kith_sctp_open(w->side[LEFT].sctp, 2, &plain), KITH_ERR_INVALID_STATE);
        ck_assert_int_lt(w->now, KITH_SECONDS(60));
        step(w, w->now + KITH_MS(5));
    }
    run(w, KITH_SECONDS(1));
    ck_assert_uint_eq(w->side[RIGHT].seen.closings[2], 1);
    for (uint32_t round = 1; round < 20; round++) {
        open_both(w, 2, NULL);
        ck_assert_int_eq(send_number(w, round % 2 ? LEFT : RIGHT, 2, 5000, round), KITH_OK);
        kith_sctp_close_stream(w->side[round % 2 ? LEFT : RIGHT].sctp, 2);
        run(w, KITH_SECONDS(1));
        ck_assert_uint_eq(w->side[LEFT].seen.closings[2], round + 1);
        ck_assert_uint_eq(w->side[RIGHT].seen.closings[2], round + 1);
        ck_assert_uint_eq(w->side[LEFT].seen.messages + w->side[RIGHT].seen.messages, round);
    }
    wire_down(w);
}
END_TEST

START_TEST(an_id_that_the_peer_uses_again_is_told_closed_before_its_first_message)
{
    /* The answer to the right side's reset is lost; the left one has both and opens the id anew. */
    wire *w = wire_up();
    open_both(w, 2, NULL);
    kith_sctp_close_stream(w->side[LEFT].sctp, 2);
    while (w->side[LEFT].seen.closings[2] == 0 && w->now < KITH_SECONDS(60)) {
        step(w, w->now + KITH_MS(1));
    }
    ck_assert_uint_eq(w->side[RIGHT].seen.closings[2], 0);
    free(w->side[LEFT].first); /* the only packet under way: the answer */
    w->side[LEFT].first = NULL;
    kith_sctp_stream plain = {.priority = 256};
    ck_assert_int_eq(kith_sctp_open(w->side[LEFT].sctp, 2, &plain), KITH_OK);
    ck_assert_int_eq(send_number(w, LEFT, 2, 100, 7), KITH_OK);
    run(w, KITH_MS(50));
    ck_assert_str_eq(w->side[RIGHT].seen.order, "crdm");
    ck_assert_int_eq(kith_sctp_open(w->side[RIGHT].sctp, 2, &plain), KITH_OK);
    ck_assert_int_eq(send_number(w, RIGHT, 2, 100, 8), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(10), &w->side[LEFT].seen.messages, 1));
    wire_down(w);
}
END_TEST

START_TEST(both_sides_may_close_at_once)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    ck_assert_int_eq(send_number(w, LEFT, 0, 100, 1), KITH_OK);
    ck_assert_int_eq(send_number(w, RIGHT, 0, 100, 2), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 0);
    kith_sctp_close_stream(w->side[RIGHT].sctp, 0);
    run(w, KITH_SECONDS(5));
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(w->side[i].seen.closings[0], 1);
        ck_assert_uint_eq(w->side[i].seen.messages, 1);
    }
    wire_down(w);
}
END_TEST

START_TEST(many_streams_close_together_through_loss)
{
    static wire w;
    kith_sctp_config config = wire_config();
    config.max_streams = 1024;
    wire_init(&w, &config, &config);
    wire_connect(&w);
    w.loss = 50;
    for (uint16_t id = 0; id < 600; id++) {
        open_both(&w, id, NULL);
        ck_assert_int_eq(send_number(&w, LEFT, id, 200, id), KITH_OK);
        kith_sctp_close_stream(w.side[id % 2].sctp, id);
    }
    run(&w, KITH_SECONDS(120));
    unsigned left = 0, right = 0;
    for (int i = 0; i < 64; i++) {
        left += w.side[LEFT].seen.closings[i];
        right += w.side[RIGHT].seen.closings[i];
    }
    ck_assert_uint_eq(left, 600);
    ck_assert_uint_eq(right, 600);
    ck_assert_uint_eq(w.side[RIGHT].seen.messages, 600);
    wire_deinit(&w);
}
END_TEST

START_TEST(a_stream_closed_before_the_association_is_up_is_closed_then)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    open_both(&w, 0, NULL);
    ck_assert_int_eq(send_number(&w, LEFT, 0, 100, 1), KITH_OK);
    kith_sctp_close_stream(w.side[LEFT].sctp, 0);
    wire_connect(&w);
    run(&w, KITH_SECONDS(2));
    ck_assert_uint_eq(w.side[RIGHT].seen.messages, 1);
    ck_assert_uint_eq(w.side[LEFT].seen.closings[0], 1);
    ck_assert_uint_eq(w.side[RIGHT].seen.closings[0], 1);
    wire_deinit(&w);
}
END_TEST

START_TEST(a_stream_stays_held_until_the_peer_has_read_to_its_end)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->side[RIGHT].deaf = true;
    ck_assert_int_eq(send_number(w, LEFT, 0, 100, 1), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 0);
    run(w, KITH_SECONDS(10));
    ck_assert_uint_eq(w->side[LEFT].seen.closings[0], 0);
    w->side[RIGHT].deaf = false;
    run(w, KITH_SECONDS(1));
    ck_assert_uint_eq(w->side[LEFT].seen.closings[0], 1);
    ck_assert_str_eq(w->side[RIGHT].seen.order, "cmrd");
    wire_down(w);
}
END_TEST

START_TEST(a_stream_that_only_one_side_opened_is_closed_too)
{
    wire *w = wire_up();
    kith_sctp_stream plain = {.priority = 256};
    ck_assert_int_eq(kith_sctp_open(w->side[LEFT].sctp, 6, &plain), KITH_OK);
    ck_assert_int_eq(send_number(w, LEFT, 6, 100, 1), KITH_OK);
    kith_sctp_close_stream(w->side[LEFT].sctp, 6);
    run(w, KITH_SECONDS(1));
    ck_assert_str_eq(w->side[RIGHT].seen.order, "cmrd");
    ck_assert_uint_eq(w->side[LEFT].seen.closings[6], 1);
    /* And refused by the one that did not open it. */
    ck_assert_int_eq(kith_sctp_open(w->side[LEFT].sctp, 7, &plain), KITH_OK);
    kith_sctp_close_stream(w->side[RIGHT].sctp, 7);
    kith_sctp_close_stream(w->side[RIGHT].sctp, 256); /* there is none */
    run(w, KITH_SECONDS(1));
    ck_assert_uint_eq(w->side[LEFT].seen.resets[7], 1);
    ck_assert_uint_eq(w->side[LEFT].seen.closings[7], 1);
    ck_assert_uint_eq(w->side[RIGHT].seen.closings[7], 1);
    wire_down(w);
}
END_TEST

START_TEST(streams_that_the_peer_does_not_have_are_closed_and_stop_nobody)
{
    static wire w;
    kith_sctp_config left = wire_config(), right = wire_config();
    right.max_streams = 16;
    wire_init(&w, &left, &right);
    kith_sctp_stream plain = {.priority = 256};
    ck_assert_int_eq(kith_sctp_open(w.side[LEFT].sctp, 20, &plain), KITH_OK);
    ck_assert_int_eq(send_number(&w, LEFT, 20, 100, 1), KITH_OK);
    open_both(&w, 3, NULL);
    ck_assert_int_eq(send_number(&w, LEFT, 3, 100, 2), KITH_OK);
    wire_connect(&w);
    run(&w, KITH_SECONDS(1));
    ck_assert_uint_eq(w.side[LEFT].seen.closings[20], 1);
    ck_assert_uint_eq(kith_sctp_buffered(w.side[LEFT].sctp, 20), 0);
    ck_assert_uint_eq(w.side[RIGHT].seen.messages, 1);
    ck_assert_int_eq(send_number(&w, LEFT, 20, 100, 1), KITH_ERR_INVALID_STATE);
    wire_deinit(&w);
}
END_TEST

UNIT_MAIN("sctp: reset", a_closed_stream_delivers_first_and_both_sides_are_told,
          the_tail_arrives_before_the_reset_through_loss, an_id_is_free_only_after_both_resets,
          an_id_that_the_peer_uses_again_is_told_closed_before_its_first_message,
          both_sides_may_close_at_once, many_streams_close_together_through_loss,
          a_stream_closed_before_the_association_is_up_is_closed_then,
          a_stream_stays_held_until_the_peer_has_read_to_its_end,
          a_stream_that_only_one_side_opened_is_closed_too,
          streams_that_the_peer_does_not_have_are_closed_and_stop_nobody)
