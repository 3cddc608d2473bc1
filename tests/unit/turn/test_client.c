/* The allocation's life: refresh, loss, release, and what memory it may cost. */
#include "../../oom/oom.h"
#include "server.h"

#define PEER "192.0.2.9:4000"

START_TEST(a_refresh_comes_a_minute_before_the_end)
{
    struct server *s = server_allocated();
    run(s, KITH_SECONDS(539));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 0);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert(!s->has_last_lifetime);
    run(s, KITH_SECONDS(540));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 2);
    ck_assert_uint_eq(s->lost, 0);
    server_free(s);
}
END_TEST

START_TEST(a_refresh_that_is_asked_for_tells_whether_the_allocation_is_there)
{
    struct server *s = server_allocated();
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert_uint_eq(s->allocated, 2);
    run(s, KITH_SECONDS(10));
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437};
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->lost, 1);
    server_free(s);
}
END_TEST

START_TEST(short_lifetimes_are_refreshed_at_half_and_absurd_ones_are_bounded)
{
    static const struct {
        uint32_t lifetime;
        kith_time refresh; /* in ms */
    } rows[] = {{100, 50000}, {119, 59500},    {120, 60000},    {0, 15000},
                {1, 15000},   {3600, 3540000}, {3601, 3540000}, {UINT32_MAX, 3540000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server *s = server_new();
        s->lifetime = rows[i].lifetime;
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->allocated, 1);
        run(s, s->last_at[KITH_STUN_ALLOCATE] + KITH_MS(rows[i].refresh) - s->now - 1);
        ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 0);
        run(s, 1);
        ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
        server_free(s);
    }
}
END_TEST

START_TEST(an_unanswered_refresh_is_repeated_until_the_lifetime_is_over)
{
    struct server *s = server_allocated();
    s->is_dead = true;
    run(s, KITH_SECONDS(599));
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_uint_gt(s->count[KITH_STUN_REFRESH], 5);
    s->is_dead = false;
    run(s, KITH_SECONDS(10));
    ck_assert_uint_eq(s->lost, 0);
    server_free(s);
    s = server_allocated();
    s->is_dead = true;
    run(s, KITH_SECONDS(601));
    ck_assert_uint_eq(s->lost, 1);
    s->is_dead = false;
    run(s, KITH_SECONDS(5));
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(the_way_to_the_server_is_kept_open_after_25_seconds_of_silence)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    kith_time asked = s->last_at[KITH_STUN_ALLOCATE];
    run(s, asked + KITH_SECONDS(25) - 1 - s->now);
    ck_assert_uint_eq(s->count[KITH_STUN_BINDING], 0);
    run(s, 1);
    ck_assert_uint_eq(s->count[KITH_STUN_BINDING], 1);
    for (unsigned i = 0; i < 75; i++)
        run(s, KITH_SECONDS(1)); /* asking for packets is no packet */
    ck_assert_uint_eq(s->count[KITH_STUN_BINDING], 4);
    permit(s, PEER);
    for (unsigned i = 0; i < 20; i++) {
        run(s, KITH_SECONDS(10));
        ck_assert_uint_gt(send_to(s, PEER, "x", 1, buf), 0);
    }
    ck_assert_uint_eq(s->count[KITH_STUN_BINDING], 4);
    server_free(s);
}
END_TEST

START_TEST(a_release_is_a_refresh_of_no_lifetime_and_ends_everything)
{
    struct server *s = server_allocated();
    permit(s, PEER);
    kith_turn_release(s->turn);
    ck_assert(!kith_turn_is_over(s->turn));
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert(s->has_last_lifetime && s->last_lifetime == 0);
    ck_assert(kith_turn_is_over(s->turn));
    run(s, KITH_SECONDS(3600));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_int_eq(kith_turn_deadline(s->turn), KITH_NEVER);
    server_free(s);
}
END_TEST

START_TEST(a_release_is_said_at_once_also_right_behind_another_request)
{
    struct server *s = server_allocated();
    uint8_t buf[1500];
    (void)send_to(s, PEER, "x", 1, buf);
    ck_assert_uint_gt(kith_turn_output(s->turn, s->now, buf, sizeof buf), 0);
    kith_turn_release(s->turn);
    ck_assert_uint_gt(kith_turn_output(s->turn, s->now, buf, sizeof buf), 0);
    server_free(s);
}
END_TEST

START_TEST(a_release_before_any_answer_says_nothing)
{
    struct server *s = server_new();
    kith_turn_release(s->turn);
    run(s, KITH_SECONDS(20));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH] + s->count[KITH_STUN_ALLOCATE], 0);
    ck_assert(kith_turn_is_over(s->turn));
    server_free(s);
}
END_TEST

START_TEST(answers_to_nothing_that_was_asked_are_counted_and_dropped)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    kith_stun m;
    kith_turn_data got;
    uint8_t id[KITH_STUN_ID] = {0xA1, 0xB2, 0xC3, 0xD4, 1};
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_ERROR, KITH_STUN_REFRESH, id);
    kith_stun_put_error(&w, 437, NULL);
    kith_stun_end(&w);
    ck_assert(kith_stun_parse(&m, buf, w.len));
    ck_assert(!kith_turn_input(s->turn, s->now, &m, &got));
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->unknown_transaction, 1);
    server_free(s);
}
END_TEST

START_TEST(requests_keep_five_milliseconds_between_them)
{
    struct server *s = server_allocated();
    uint8_t buf[1500];
    send_to(s, "192.0.2.1:1", "x", 1, buf);
    send_to(s, "192.0.2.2:1", "x", 1, buf);
    ck_assert_uint_gt(kith_turn_output(s->turn, s->now, buf, sizeof buf), 0);
    ck_assert_uint_eq(kith_turn_output(s->turn, s->now, buf, sizeof buf), 0);
    ck_assert_int_eq(kith_turn_deadline(s->turn), s->now + KITH_MS(5));
    server_free(s);
}
END_TEST

/* What fails for want of memory is as if it had been lost on the way. */
static void live_short_of_memory(void *arg)
{
    (void)arg;
    struct server *s = calloc(1, sizeof *s);
    s->now = KITH_SECONDS(1000);
    s->lifetime = 600;
    s->password = PASSWORD;
    s->relayed = addr("203.0.113.5:50000");
    s->mapped = addr("198.51.100.7:4000");
    const kith_turn_config config = {.transaction_tag = TAG,
                                     .server = addr("203.0.113.5:3478"),
                                     .username = USERNAME,
                                     .credential = PASSWORD,
                                     .log = &s->log};
    if (kith_turn_new(&s->turn, &config) == KITH_OK) {
        uint8_t buf[100];
        kith_address peer = addr(PEER);
        run(s, KITH_SECONDS(1));
        send_to(s, PEER, "x", 1, buf);
        kith_turn_bind(s->turn, &peer);
        run(s, KITH_SECONDS(1));
    }
    kith_turn_free(s->turn);
    free(s);
}

START_TEST(no_allocation_that_fails_does_harm)
{
    ck_assert_uint_gt(oom_sweep(live_short_of_memory, NULL), 5);
}
END_TEST

/* Requests go out and answers come, and nobody asks for events meanwhile. */
static void run_untold(struct server *s, kith_time duration)
{
    s->is_silent_owner = true;
    run(s, duration);
    s->is_silent_owner = false;
}

START_TEST(an_allocation_that_is_lost_before_it_was_told_of_is_not_told_of_at_all)
{
    struct server *s = server_new();
    run_untold(s, KITH_MS(100));
    ck_assert(kith_turn_is_allocated(s->turn));
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .times = 1};
    s->odd[KITH_STUN_ALLOCATE].is_silent = true;
    kith_turn_refresh(s->turn);
    run_untold(s, KITH_MS(100));
    events(s);
    ck_assert_uint_eq(s->allocated + s->lost, 0);
    s->odd[KITH_STUN_ALLOCATE].is_silent = false;
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert_uint_eq(s->lost, 0);
    server_free(s);
}
END_TEST

START_TEST(a_loss_is_told_also_when_the_answer_to_a_refresh_was_not_told_of_yet)
{
    struct server *s = server_allocated();
    kith_turn_refresh(s->turn);
    run_untold(s, KITH_MS(10));
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 437, .times = 1};
    s->odd[KITH_STUN_ALLOCATE].is_silent = true;
    permit(s, PEER);
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert_uint_eq(s->lost, 1);
    server_free(s);
}
END_TEST

START_TEST(a_refresh_of_our_own_is_not_told_of)
{
    struct server *s = server_allocated();
    kith_turn_refresh(s->turn);
    run(s, KITH_SECONDS(1100));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 3);
    ck_assert_uint_eq(s->allocated, 2);
    /* one that ended with its allocation is not owed any more */
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .times = 1};
    kith_turn_refresh(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->allocated, 3);
    run(s, KITH_SECONDS(1100));
    ck_assert_uint_eq(s->allocated, 3);
    server_free(s);
}
END_TEST

START_TEST(a_refresh_that_is_asked_for_takes_part_in_the_one_under_way)
{
    struct server *s = server_allocated();
    s->is_dead = true;
    kith_turn_refresh(s->turn);
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(400));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(50));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    s->is_dead = false;
    run(s, KITH_MS(200));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 2);
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(the_first_loss_is_made_good_at_once)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437};
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(50));
    ck_assert_uint_eq(s->allocated, 2);
    kith_turn_refresh(s->turn);
    run(s, KITH_SECONDS(4));
    ck_assert_uint_eq(s->lost, 2);
    ck_assert_uint_eq(s->allocated, 2);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->allocated, 3);
    server_free(s);
}
END_TEST

START_TEST(a_release_ends_an_allocation_that_is_under_way)
{
    struct server *s = server_new();
    s->odd[KITH_STUN_ALLOCATE].is_silent = true;
    run(s, KITH_MS(100));
    kith_turn_release(s->turn);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert_uint_eq(s->last_lifetime, 0);
    ck_assert(kith_turn_is_over(s->turn));
    server_free(s);
}
END_TEST

START_TEST(nothing_is_released_that_failed_or_waits_for_a_port)
{
    static const int codes[] = {403, 437};
    for (size_t i = 0; i < 2; i++) {
        struct server *s = server_new();
        s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = codes[i]};
        run(s, KITH_MS(100));
        kith_turn_release(s->turn);
        run(s, KITH_SECONDS(20));
        ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 0);
        ck_assert(kith_turn_is_over(s->turn));
        server_free(s);
    }
}
END_TEST

START_TEST(without_a_lifetime_an_allocation_lives_for_ten_minutes)
{
    struct server *s = server_new();
    s->omits_lifetime = true;
    run(s, KITH_MS(100));
    run(s, s->last_at[KITH_STUN_ALLOCATE] + KITH_SECONDS(540) - s->now - 1);
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 0);
    run(s, 1);
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    server_free(s);
}
END_TEST

START_TEST(an_allocation_that_was_not_told_of_is_told_of_after_a_refresh)
{
    struct server *s = server_new();
    run_untold(s, KITH_SECONDS(545));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    events(s);
    ck_assert_uint_eq(s->allocated, 1);
    server_free(s);
}
END_TEST

START_TEST(two_losses_that_were_not_told_of_are_one)
{
    struct server *s = server_allocated();
    for (unsigned i = 0; i < 2; i++) {
        s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .times = 1};
        kith_turn_refresh(s->turn);
        run_untold(s, KITH_SECONDS(6));
    }
    events(s);
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(commands_that_do_not_fit_the_state_do_nothing)
{
    struct server *s = server_allocated();
    kith_turn_port_changed(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert(kith_turn_is_allocated(s->turn));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2);
    kith_turn_release(s->turn);
    run(s, KITH_MS(10));
    kith_turn_release(s->turn);
    kith_turn_refresh(s->turn);
    kith_turn_bind(s->turn, &s->relayed);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], 0);
    ck_assert(kith_turn_is_over(s->turn));
    server_free(s);
    s = server_new();
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 403};
    run(s, KITH_MS(100));
    kith_turn_refresh(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 0);
    server_free(s);
}
END_TEST

UNIT_MAIN("turn: client.c", a_refresh_comes_a_minute_before_the_end,
          a_refresh_that_is_asked_for_tells_whether_the_allocation_is_there,
          short_lifetimes_are_refreshed_at_half_and_absurd_ones_are_bounded,
          an_unanswered_refresh_is_repeated_until_the_lifetime_is_over,
          the_way_to_the_server_is_kept_open_after_25_seconds_of_silence,
          a_release_is_a_refresh_of_no_lifetime_and_ends_everything,
          a_release_is_said_at_once_also_right_behind_another_request,
          a_release_before_any_answer_says_nothing,
          answers_to_nothing_that_was_asked_are_counted_and_dropped,
          requests_keep_five_milliseconds_between_them, no_allocation_that_fails_does_harm,
          an_allocation_that_is_lost_before_it_was_told_of_is_not_told_of_at_all,
          a_loss_is_told_also_when_the_answer_to_a_refresh_was_not_told_of_yet,
          a_refresh_of_our_own_is_not_told_of,
          a_refresh_that_is_asked_for_takes_part_in_the_one_under_way,
          the_first_loss_is_made_good_at_once, a_release_ends_an_allocation_that_is_under_way,
          nothing_is_released_that_failed_or_waits_for_a_port,
          without_a_lifetime_an_allocation_lives_for_ten_minutes,
          an_allocation_that_was_not_told_of_is_told_of_after_a_refresh,
          two_losses_that_were_not_told_of_are_one, commands_that_do_not_fit_the_state_do_nothing)
