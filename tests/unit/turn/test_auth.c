/* Long-term credentials: the challenge, its features, and what is not believed. */
#include "server.h"

static const kith_stun_algorithm both[] = {KITH_STUN_ALGORITHM_SHA256, KITH_STUN_ALGORITHM_MD5};
static const kith_stun_algorithm md5_first[] = {KITH_STUN_ALGORITHM_MD5,
                                                KITH_STUN_ALGORITHM_SHA256};
static const kith_stun_algorithm none[] = {(kith_stun_algorithm)77};

/* RFC 8489 section 9.2: bits 0 and 1 of 24, as base64. */
#define COOKIE_ALGORITHMS "obMatJos2AAAB"
#define COOKIE_USERHASH   "obMatJos2AAAC"
#define COOKIE_BOTH       "obMatJos2AAAD"

START_TEST(a_401_without_credentials_is_answered_with_them)
{
    struct server *s = server_new();
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2);
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert(s->was_signed && !s->had_userhash);
    ck_assert_uint_eq(s->last_algorithm, 0);
    server_free(s);
}
END_TEST

START_TEST(sha256_is_used_when_the_server_prefers_it)
{
    struct server *s = server_new();
    s->cookie = COOKIE_ALGORITHMS;
    s->algorithms = both;
    s->algorithm_count = 2;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert_uint_eq(s->last_algorithm, KITH_STUN_ALGORITHM_SHA256);
    ck_assert(!s->had_userhash);
    server_free(s);
}
END_TEST

START_TEST(the_first_algorithm_of_the_server_is_taken_and_its_list_goes_back_unchanged)
{
    struct server *s = server_new();
    s->cookie = COOKIE_ALGORITHMS;
    s->algorithms = md5_first;
    s->algorithm_count = 2;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert_uint_eq(s->last_algorithm, KITH_STUN_ALGORITHM_MD5);
    ck_assert_uint_eq(s->last.password_algorithms.len, 8);
    server_free(s);
}
END_TEST

START_TEST(userhash_is_used_exactly_when_the_nonce_says_so)
{
    static const struct {
        const char *cookie;
        bool is_hashed;
    } rows[] = {{COOKIE_USERHASH, true}, {COOKIE_BOTH, true}, {COOKIE_ALGORITHMS, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server *s = server_new();
        s->cookie = rows[i].cookie;
        s->algorithms = both;
        s->algorithm_count = 2;
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->allocated, 1);
        ck_assert(s->had_userhash == rows[i].is_hashed);
        server_free(s);
    }
}
END_TEST

START_TEST(promised_algorithms_that_are_missing_or_unknown_are_a_bid_down_and_ignored)
{
    for (unsigned known = 0; known < 2; known++) {
        struct server *s = server_new();
        s->cookie = COOKIE_ALGORITHMS;
        s->algorithms = none;
        s->algorithm_count = known;
        run(s, KITH_SECONDS(9));
        ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 5);
        ck_assert_uint_eq(kith_turn_get_counters(s->turn)->malformed, 5);
        ck_assert(!s->was_signed);
        ck_assert_uint_eq(s->failed, 0);
        run(s, KITH_SECONDS(1));
        ck_assert_uint_eq(s->failed, 1);
        ck_assert_int_eq(s->event.error_code, KITH_TURN_UNREACHABLE);
        server_free(s);
    }
}
END_TEST

START_TEST(a_challenge_without_realm_or_nonce_or_with_endless_ones_is_ignored)
{
    static char text[1000];
    memset(text, 'r', sizeof text);
    static const struct {
        size_t realm, nonce;
        bool is_taken;
    } rows[] = {{0, 5, false}, {5, 0, false}, {764, 5, false}, {5, 764, false}, {100, 100, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server *s = server_new();
        uint8_t buf[2500], request[1500];
        kith_stun m;
        size_t len = kith_turn_output(s->turn, s->now, request, sizeof request);
        ck_assert(kith_stun_parse(&m, request, len));
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_stun_begin(&w, KITH_STUN_ERROR, KITH_STUN_ALLOCATE, m.id);
        kith_stun_put_error(&w, 401, NULL);
        if (rows[i].realm > 0)
            kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, kith_span_of(text, rows[i].realm));
        if (rows[i].nonce > 0)
            kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, kith_span_of(text, rows[i].nonce));
        kith_stun_end(&w);
        to_client(s, &w);
        s->now += KITH_MS(10);
        len = kith_turn_output(s->turn, s->now, request, sizeof request);
        ck_assert(rows[i].is_taken == (len > 0));
        server_free(s);
    }
}
END_TEST

START_TEST(a_realm_and_nonce_that_fill_the_packet_fail_the_allocation)
{
    static char text[763];
    memset(text, 'r', sizeof text);
    struct server *s = server_new();
    uint8_t buf[2500], request[1500];
    kith_stun m;
    size_t len = kith_turn_output(s->turn, s->now, request, sizeof request);
    ck_assert(kith_stun_parse(&m, request, len));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_ERROR, KITH_STUN_ALLOCATE, m.id);
    kith_stun_put_error(&w, 401, NULL);
    kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, kith_span_of(text, sizeof text));
    kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, kith_span_of(text, sizeof text));
    kith_stun_end(&w);
    to_client(s, &w);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_str_eq(s->text, "the server's realm and nonce leave no room");
    ck_assert_int_eq(kith_turn_deadline(s->turn), KITH_NEVER);
    ck_assert_uint_eq(kith_turn_output(s->turn, s->now, request, sizeof request), 0);
    server_free(s);
}
END_TEST

START_TEST(an_answer_of_the_wrong_key_changes_nothing)
{
    struct server *s = server_new();
    s->lies_about_integrity = true;
    run(s, KITH_SECONDS(5));
    ck_assert_uint_eq(s->allocated, 0);
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->bad_integrity, 4);
    s->lies_about_integrity = false;
    run(s, KITH_SECONDS(4));
    ck_assert_uint_eq(s->allocated, 1);
    server_free(s);
}
END_TEST

START_TEST(a_success_without_a_challenge_is_not_believed)
{
    struct server *s = server_new();
    uint8_t buf[200], request[1500];
    kith_stun m;
    size_t len = kith_turn_output(s->turn, s->now, request, sizeof request);
    ck_assert(kith_stun_parse(&m, request, len));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_SUCCESS, KITH_STUN_ALLOCATE, m.id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &s->relayed);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &s->mapped);
    kith_stun_end(&w);
    to_client(s, &w);
    ck_assert_uint_eq(s->allocated, 0);
    ck_assert(!kith_turn_is_allocated(s->turn));
    server_free(s);
}
END_TEST

UNIT_MAIN("turn: auth.c", a_401_without_credentials_is_answered_with_them,
          sha256_is_used_when_the_server_prefers_it,
          the_first_algorithm_of_the_server_is_taken_and_its_list_goes_back_unchanged,
          userhash_is_used_exactly_when_the_nonce_says_so,
          promised_algorithms_that_are_missing_or_unknown_are_a_bid_down_and_ignored,
          a_challenge_without_realm_or_nonce_or_with_endless_ones_is_ignored,
          a_realm_and_nonce_that_fill_the_packet_fail_the_allocation,
          an_answer_of_the_wrong_key_changes_nothing, a_success_without_a_challenge_is_not_believed)
