/* A client whose requests arrive or whose connection has ended (RFC 8489 section 6.2.2): nothing is
 * sent twice, and silence ends the connection. */
#include "server.h"

#define PEER "192.0.2.9:4000"

START_TEST(an_allocate_is_sent_once_and_given_up_after_9500_ms)
{
    struct server *s = server_on_stream();
    s->is_dead = true;
    run(s, KITH_MS(9499));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 1);
    ck_assert_uint_eq(s->failed, 0);
    run(s, KITH_MS(1));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, KITH_TURN_UNREACHABLE);
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 1);
    server_free(s);
}
END_TEST

START_TEST(every_request_is_sent_once)
{
    struct server *s = server_on_stream();
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2); /* one without credentials */
    bind_channel(s, PEER);
    run(s, KITH_SECONDS(1000));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 1);
    ck_assert_uint_ge(s->count[KITH_STUN_CHANNEL_BIND], 2);
    ck_assert_uint_eq(s->lost, 0);
    server_free(s);
}
END_TEST

START_TEST(a_refresh_that_nobody_answers_asks_for_another_connection)
{
    struct server *s = server_on_stream();
    run(s, KITH_MS(100));
    s->is_dead = true;
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(9600));
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->other_port, 1);
    s->is_dead = false;
    run(s, KITH_SECONDS(60));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2);
    kith_turn_port_changed(s->turn);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(a_connection_that_ends_takes_the_allocation_along_and_nothing_is_asked_before_the_next)
{
    struct server *s = server_on_stream();
    run(s, KITH_MS(100));
    bind_channel(s, PEER);
    kith_turn_disconnected(s->turn);
    ck_assert(!kith_turn_is_allocated(s->turn));
    kith_address peer = addr(PEER);
    uint8_t buf[100] = {0};
    ck_assert_uint_eq(kith_turn_wrap(s->turn, s->now, &peer, buf, 10), 0);
    run(s, KITH_SECONDS(60));
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->other_port, 0);
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2);
    kith_turn_disconnected(s->turn);
    kith_turn_port_changed(s->turn);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->allocated, 2);
    /* Whom it talked to is permitted anew, and has another channel. */
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->last_channel, 0x4001);
    server_free(s);
}
END_TEST

START_TEST(a_connection_that_ends_before_an_allocation_is_told_of_is_no_loss)
{
    struct server *s = server_on_stream();
    kith_turn_disconnected(s->turn);
    run(s, KITH_SECONDS(60));
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 0);
    kith_turn_port_changed(s->turn);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    server_free(s);
}
END_TEST

START_TEST(what_is_released_or_failed_stays_so_when_its_connection_ends)
{
    struct server *s = server_on_stream();
    run(s, KITH_MS(100));
    kith_turn_release(s->turn);
    kith_turn_disconnected(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert(kith_turn_is_over(s->turn));
    server_free(s);
    s = server_on_stream();
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 403};
    run(s, KITH_MS(100));
    kith_turn_disconnected(s->turn);
    kith_turn_port_changed(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert(kith_turn_is_over(s->turn));
    ck_assert_uint_eq(s->failed, 1);
    server_free(s);
}
END_TEST

UNIT_MAIN("turn: stream", an_allocate_is_sent_once_and_given_up_after_9500_ms,
          every_request_is_sent_once, a_refresh_that_nobody_answers_asks_for_another_connection,
          a_connection_that_ends_takes_the_allocation_along_and_nothing_is_asked_before_the_next,
          a_connection_that_ends_before_an_allocation_is_told_of_is_no_loss,
          what_is_released_or_failed_stays_so_when_its_connection_ends)
