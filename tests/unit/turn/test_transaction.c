/* Which request an answer belongs to, and which are none (RFC 8489 sections 6.3.1, 6.3.3, 6.3.4).
 */
#include "server.h"

#define PEER "192.0.2.9:4000"

/* Of that id, with the tag before it. */
static void give_error(struct server *s, uint32_t tag, uint64_t id, uint16_t method, int code)
{
    uint8_t buf[200], bytes[KITH_STUN_ID];
    kith_writer at = kith_wr(bytes, sizeof bytes), w = kith_wr(buf, sizeof buf);
    kith_wr_u32(&at, tag);
    kith_wr_u64(&at, id);
    kith_stun_begin(&w, KITH_STUN_ERROR, method, bytes);
    kith_stun_put_error(&w, code, NULL);
    if (code == 300)
        kith_stun_put_address(&w, KITH_STUN_ATTR_ALTERNATE_SERVER, &s->alternate);
    kith_stun_end(&w);
    to_client(s, &w);
}

static uint64_t id_of(const kith_stun *m)
{
    kith_reader r = kith_rd(m->id, sizeof m->id);
    kith_rd_u32(&r);
    return kith_rd_u64(&r);
}

START_TEST(a_300_to_a_signed_allocate_needs_no_integrity)
{
    struct server *s = server_new();
    s->odd[KITH_STUN_ALLOCATE].is_silent = true;
    run(s, KITH_MS(100));
    ck_assert(s->was_signed);
    s->alternate = addr("203.0.113.6:3478");
    give_error(s, TAG, id_of(&s->last), KITH_STUN_ALLOCATE, 300);
    ck_assert(kith_address_equal(kith_turn_server(s->turn), &s->alternate));
    server_free(s);
}
END_TEST

START_TEST(an_answer_belongs_to_a_request_by_its_whole_id_and_its_method)
{
    struct server *s = server_allocated();
    bind_channel(s, PEER);
    s->is_dead = true;
    kith_turn_refresh(s->turn);
    permit(s, "192.0.2.10:1");
    bind_channel(s, "192.0.2.9:4001");
    s->is_dead = false;
    uint64_t unknown = kith_turn_get_counters(s->turn)->unknown_transaction;
    uint64_t id = id_of(&s->last);
    give_error(s, TAG ^ 1, id, KITH_STUN_CHANNEL_BIND, 401);
    give_error(s, TAG, id ^ 1, KITH_STUN_CHANNEL_BIND, 401);
    give_error(s, TAG, id ^ 1, KITH_STUN_CREATE_PERMISSION, 401);
    give_error(s, TAG, id ^ 1, KITH_STUN_REFRESH, 401);
    give_error(s, TAG, id, KITH_STUN_REFRESH, 401);
    give_error(s, TAG, id, KITH_STUN_CREATE_PERMISSION, 401);
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->unknown_transaction, unknown + 6);
    ck_assert_uint_eq(s->lost, 0);
    give_error(s, TAG, id, KITH_STUN_CHANNEL_BIND, 401);
    ck_assert_uint_eq(s->lost, 1);
    server_free(s);
}
END_TEST

START_TEST(nothing_answers_a_request_that_was_not_sent)
{
    struct server *s = server_allocated();
    kith_turn_refresh(s->turn);
    give_error(s, TAG, 0, KITH_STUN_REFRESH, 437);
    ck_assert_uint_eq(s->lost, 0);
    server_free(s);
}
END_TEST

START_TEST(an_answer_counts_once)
{
    struct server *s = server_allocated();
    kith_stun first = s->last;
    give_error(s, TAG, id_of(&first), KITH_STUN_ALLOCATE, 401);
    ck_assert(kith_turn_is_allocated(s->turn));
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 403, .times = 1};
    permit(s, PEER);
    give_error(s, TAG, id_of(&s->last), KITH_STUN_CREATE_PERMISSION, 401);
    ck_assert_uint_eq(s->lost, 0);
    bind_channel(s, "192.0.2.10:1");
    give_error(s, TAG, id_of(&s->last), KITH_STUN_CHANNEL_BIND, 401);
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->unknown_transaction, 3);
    server_free(s);
}
END_TEST

START_TEST(a_success_with_an_attribute_that_must_be_understood_and_is_not_is_none)
{
    struct server *s = server_new();
    s->has_riddle = true;
    run(s, KITH_SECONDS(5));
    ck_assert_uint_eq(s->allocated, 0);
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->malformed, 4);
    s->has_riddle = false;
    run(s, KITH_SECONDS(4));
    ck_assert_uint_eq(s->allocated, 1);
    server_free(s);
}
END_TEST

UNIT_MAIN("turn: transaction", a_300_to_a_signed_allocate_needs_no_integrity,
          an_answer_belongs_to_a_request_by_its_whole_id_and_its_method,
          nothing_answers_a_request_that_was_not_sent, an_answer_counts_once,
          a_success_with_an_attribute_that_must_be_understood_and_is_not_is_none)
