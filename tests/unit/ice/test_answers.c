/* Requests of the peer, honest and forged: who is answered and with what, role conflicts both ways,
 * checks that come before the peer's credentials. */
#include "net.h"

#define TIE 0x8000000000000000u

/* Hands LEFT a request signed with `pwd` and returns the length of its answer, 0 for none. */
struct forged {
    const char *ours, *theirs, *pwd, *from;
    uint64_t controlling, controlled;
    bool has_no_priority, has_no_username, has_no_integrity, use_candidate;
    unsigned unknown;
    size_t len; /* of the request; out */
};

static size_t ask(struct net *net, struct forged *f, kith_stun *answer, uint8_t reply[1200])
{
    kith_ice *ice = ice_of(net, LEFT);
    const uint8_t id[KITH_STUN_ID] = {9, 9, 9};
    char username[600];
    uint8_t buf[600];
    kith_hmac *hmac =
        kith_hmac_new(KITH_HASH_SHA1, kith_span_text(f->pwd ? f->pwd : kith_ice_local_pwd(ice)));
    snprintf(username, sizeof username, "%s:%s", f->ours ? f->ours : kith_ice_local_ufrag(ice),
             f->theirs ? f->theirs : kith_ice_local_ufrag(ice_of(net, RIGHT)));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    if (!f->has_no_username)
        kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
    if (f->controlling != 0)
        kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, f->controlling);
    if (f->controlled != 0)
        kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLED, f->controlled);
    if (f->use_candidate)
        kith_stun_put_flag(&w, KITH_STUN_ATTR_USE_CANDIDATE);
    if (!f->has_no_priority)
        kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 12345);
    for (unsigned i = 0; i < f->unknown; i++)
        kith_stun_put_u32(&w, (kith_stun_attr)(0x7F00 + i), 0);
    if (!f->has_no_integrity)
        kith_stun_put_integrity(&w, hmac);
    kith_stun_put_fingerprint(&w);
    kith_hmac_free(hmac);
    f->len = w.len;
    kith_path path = {net->peers[LEFT].sockets[0], addr(f->from ? f->from : "192.0.2.2:2000"),
                      KITH_UDP};
    kith_path out;
    input(ice, net->now, &path, buf, w.len);
    size_t len = kith_ice_output(ice, net->now, &out, reply, 1200);
    if (len == 0 || !kith_stun_parse(answer, reply, len) || answer->class == KITH_STUN_REQUEST)
        return 0;
    ck_assert(kith_path_equal(&out, &path));
    return len;
}

static struct net *net_quiet(void)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    ice_of(net, LEFT)->tie_breaker = TIE;
    return net;
}

START_TEST(an_authentic_request_gets_a_signed_answer_smaller_than_itself)
{
    struct net *net = net_quiet();
    uint8_t reply[1200];
    kith_stun answer;
    struct forged f = {.controlled = 1};
    kith_address from = addr("192.0.2.2:2000");
    size_t len = ask(net, &f, &answer, reply);
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_le(len, f.len);
    ck_assert_int_eq(answer.class, KITH_STUN_SUCCESS);
    ck_assert(kith_stun_has(&answer, KITH_STUN_HAS_FINGERPRINT));
    ck_assert(kith_address_equal(&answer.xor_mapped_address, &from));
    ck_assert(kith_stun_check_integrity(&answer, ice_of(net, LEFT)->newest->local_hmac));
    net_free(net);
}
END_TEST

START_TEST(forged_requests_are_dropped_in_silence_and_counted)
{
    struct net *net = net_quiet();
    uint8_t reply[1200];
    kith_stun answer;
    const kith_ice_counters *counters = kith_ice_get_counters(ice_of(net, LEFT));
    struct forged wrong_pwd = {.pwd = "wrong", .controlled = 1, .use_candidate = true};
    struct forged unsigned_one = {.has_no_integrity = true};
    struct forged stranger = {.ours = "nobody"};
    struct forged nameless = {.has_no_username = true};
    ck_assert_uint_eq(ask(net, &wrong_pwd, &answer, reply), 0);
    ck_assert_uint_eq(counters->bad_integrity, 1);
    ck_assert_uint_eq(ask(net, &unsigned_one, &answer, reply), 0);
    ck_assert_uint_eq(counters->bad_integrity, 2);
    ck_assert_uint_eq(ask(net, &stranger, &answer, reply), 0);
    ck_assert_uint_eq(counters->unknown_ufrag, 1);
    ck_assert_uint_eq(ask(net, &nameless, &answer, reply), 0);
    ck_assert_uint_eq(counters->malformed, 1);
    /* nothing was learnt from any of them */
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->remote_count, 0);
    net_free(net);
}
END_TEST

/* libwebrtc on our own host signals a loopback candidate, checks from it and nominates that pair:
 * what is answered must be a path that carries data. */
START_TEST(a_check_from_our_own_host_makes_a_path_that_is_the_peers)
{
    struct net *net = net_quiet();
    kith_ice *ice = ice_of(net, LEFT);
    uint8_t reply[1200];
    kith_stun answer;
    kith_candidate loopback = host("127.0.0.1:3000");
    kith_ice_add_remote(ice, &loopback);
    kith_path path = {net->peers[LEFT].sockets[0], addr("127.0.0.1:3000"), KITH_UDP};
    ck_assert(!is_authenticated(net, LEFT, &path));
    struct forged f = {.from = "127.0.0.1:3000", .controlled = 1};
    ck_assert_uint_gt(ask(net, &f, &answer, reply), 0);
    ck_assert_int_eq(answer.class, KITH_STUN_SUCCESS);
    ck_assert(is_authenticated(net, LEFT, &path));
    net_free(net);
}
END_TEST

/* As Pion does: its socket of a link-local address checks and nominates our global one. */
START_TEST(a_link_local_address_may_check_a_global_one_again_and_again)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "[2001:db8::1]:1000");
    add_socket(net, RIGHT, "[fe80::2%3]:2000");
    exchange_credentials(net);
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLED);
    kith_path path = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[0], KITH_UDP}, out;
    uint8_t reply[1200];
    kith_stun answer;
    for (int i = 0; i < 3; i++) {
        struct forged f = {.controlling = 1, .from = "[fe80::2%3]:2000", .use_candidate = i > 0};
        ck_assert_uint_gt(ask(net, &f, &answer, reply), 0);
        ck_assert_int_eq(answer.class, KITH_STUN_SUCCESS);
    }
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->pair_count, 1);
    /* the check that it triggers goes to where it came from */
    net->now += KITH_MS(50);
    ck_assert_uint_gt(kith_ice_output(ice_of(net, LEFT), net->now, &out, reply, 1200), 0);
    ck_assert(kith_path_equal(&out, &path));
    net_free(net);
}
END_TEST

START_TEST(a_check_that_there_is_no_room_for_is_not_answered)
{
    struct net *net = net_quiet();
    uint8_t reply[1200];
    kith_stun answer;
    unsigned answered = 0;
    for (unsigned port = 1; port <= KITH_ICE_MAX_PAIRS + 10; port++) {
        char from[32];
        snprintf(from, sizeof from, "198.51.100.9:%u", port);
        kith_path path = {net->peers[LEFT].sockets[0], addr(from), KITH_UDP};
        struct forged f = {.from = from, .controlled = 1};
        bool success = ask(net, &f, &answer, reply) > 0;
        ck_assert_int_eq(success, is_authenticated(net, LEFT, &path));
        answered += success;
    }
    ck_assert_uint_gt(answered, 0);
    ck_assert_uint_lt(answered, KITH_ICE_MAX_PAIRS + 10);
    net_free(net);
}
END_TEST

START_TEST(incomplete_requests_get_their_error)
{
    struct net *net = net_quiet();
    uint8_t reply[1200];
    kith_stun answer;
    struct forged no_priority = {.has_no_priority = true};
    struct forged unknown = {.unknown = 12};
    ck_assert_uint_gt(ask(net, &no_priority, &answer, reply), 0);
    ck_assert_int_eq(answer.error_code.code, 400);
    ck_assert_uint_gt(ask(net, &unknown, &answer, reply), 0);
    ck_assert_int_eq(answer.error_code.code, 420);
    ck_assert_uint_eq(answer.unknown_attributes.len, 2 * KITH_STUN_MAX_UNKNOWN);
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->remote_count, 0);
    net_free(net);
}
END_TEST

START_TEST(the_greater_tie_breaker_keeps_control)
{
    struct net *net = net_quiet();
    uint8_t reply[1200];
    kith_stun answer;
    struct forged equal = {.controlling = TIE}, greater = {.controlling = TIE + 1};
    ck_assert_uint_gt(ask(net, &equal, &answer, reply), 0);
    ck_assert_int_eq(answer.error_code.code, 487);
    ck_assert_int_eq(kith_ice_get_role(ice_of(net, LEFT)), KITH_ICE_CONTROLLING);
    ck_assert_uint_gt(ask(net, &greater, &answer, reply), 0);
    ck_assert_int_eq(answer.class, KITH_STUN_SUCCESS);
    ck_assert_int_eq(kith_ice_get_role(ice_of(net, LEFT)), KITH_ICE_CONTROLLED);
    ck_assert_uint_eq(kith_ice_get_counters(ice_of(net, LEFT))->role_conflicts, 2);
    net_free(net);
}
END_TEST

START_TEST(two_controlled_sides_are_told_apart_too)
{
    struct net *net = net_quiet();
    uint8_t reply[1200];
    kith_stun answer;
    struct forged greater = {.controlled = TIE + 1}, equal = {.controlled = TIE};
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLED);
    ck_assert_uint_gt(ask(net, &greater, &answer, reply), 0);
    ck_assert_int_eq(answer.error_code.code, 487);
    ck_assert_int_eq(kith_ice_get_role(ice_of(net, LEFT)), KITH_ICE_CONTROLLED);
    ck_assert_uint_gt(ask(net, &equal, &answer, reply), 0);
    ck_assert_int_eq(answer.class, KITH_STUN_SUCCESS);
    ck_assert_int_eq(kith_ice_get_role(ice_of(net, LEFT)), KITH_ICE_CONTROLLING);
    net_free(net);
}
END_TEST

/* The whole way: both believe to control (or none does), 487 flies, one turns, both agree on a
 * pair. */
START_TEST(agents_of_one_role_agree_by_487)
{
    for (int round = 0; round < 4; round++) {
        struct net *net = net_pair();
        kith_ice_role role = round % 2 == 0 ? KITH_ICE_CONTROLLING : KITH_ICE_CONTROLLED;
        kith_ice_set_role(ice_of(net, LEFT), role);
        kith_ice_set_role(ice_of(net, RIGHT), role);
        ice_of(net, LEFT)->tie_breaker = round < 2 ? 1 : 2;
        ice_of(net, RIGHT)->tie_breaker = round < 2 ? 2 : 1;
        ck_assert(net_run_until(net, net->now + KITH_SECONDS(3), both_selected));
        net_run(net, KITH_SECONDS(1));
        /* the larger tie-breaker controls, whichever role both had */
        int controlling = round < 2 ? RIGHT : LEFT;
        ck_assert_int_eq(kith_ice_get_role(ice_of(net, controlling)), KITH_ICE_CONTROLLING);
        ck_assert_int_eq(kith_ice_get_role(ice_of(net, 1 - controlling)), KITH_ICE_CONTROLLED);
        net_free(net);
    }
}
END_TEST

/* RFC 8445 section 7.2.5.1: the one that turned takes a new tie-breaker. */
START_TEST(a_487_changes_the_tie_breaker)
{
    struct net *net = net_pair();
    kith_ice_set_role(ice_of(net, RIGHT), KITH_ICE_CONTROLLING);
    ice_of(net, LEFT)->tie_breaker = UINT64_MAX;
    ice_of(net, RIGHT)->tie_breaker = 5;
    kith_ice *right = ice_of(net, RIGHT);
    /* the request of the one who wins never arrives, so only its 487 can turn the other */
    net_run_until(net, net->now, NULL);
    net->flight_count = 0;
    for (kith_path path; right->role == KITH_ICE_CONTROLLING;) {
        uint8_t buf[1200], reply[1200];
        kith_time due = kith_ice_deadline(right);
        net->now = kith_ice_later(net->now, due);
        size_t len = kith_ice_output(right, net->now, &path, buf, sizeof buf);
        kith_path back = {path.remote, path.local, KITH_UDP};
        input(ice_of(net, LEFT), net->now, &back, buf, len);
        len = kith_ice_output(ice_of(net, LEFT), net->now, &back, reply, sizeof reply);
        input(right, net->now, &path, reply, len);
    }
    ck_assert_uint_ne(right->tie_breaker, 5);
    net_free(net);
}
END_TEST

START_TEST(checks_before_the_answer_are_answered_and_remembered)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    kith_ice_set_role(left, KITH_ICE_CONTROLLING);
    /* the answerer knows the offer and checks; the offerer has no answer yet */
    ck_assert_int_eq(
        kith_ice_set_remote(right, kith_ice_local_ufrag(left), kith_ice_local_pwd(left), false),
        KITH_OK);
    kith_candidate c = host("192.0.2.1:1000");
    kith_ice_add_remote(right, &c);
    net_run(net, KITH_MS(200));
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_CONNECTED);
    ck_assert_uint_eq(net->peers[LEFT].authenticated, 1);
    ck_assert_uint_eq(left->newest->remote_count, 1);
    /* the answer comes: the check that was owed leaves at once */
    kith_time start = net->now;
    ck_assert_int_eq(
        kith_ice_set_remote(left, kith_ice_local_ufrag(right), kith_ice_local_pwd(right), false),
        KITH_OK);
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_connected));
    ck_assert_int_eq(net->now - start, 2 * net->delay);
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_selected));
    net_free(net);
}
END_TEST

START_TEST(early_checks_of_another_generation_are_forgotten_with_the_answer)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    uint8_t reply[1200];
    kith_stun answer;
    struct forged f = {.theirs = "other", .controlled = 1};
    add_socket(net, LEFT, "192.0.2.1:1000");
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLING);
    ck_assert_uint_gt(ask(net, &f, &answer, reply), 0);
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->pair_count, 1);
    ck_assert_int_eq(kith_ice_set_remote(ice_of(net, LEFT), "right", "password", false), KITH_OK);
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->pair_count, 0);
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->remote_count, 0);
    /* One with a foreign ufrag gets no answer and makes no pair: Chromium 156 that restarts checks
     * "oldkith:NEWchromium" before our answer reaches it, and moves its data where that succeeds.
     */
    ck_assert_uint_eq(ask(net, &f, &answer, reply), 0);
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->pair_count, 0);
    net_free(net);
}
END_TEST

/* werift 0.25 that was checked from our old generation after its restart checks "NEWkith:oldwerift"
 * from then on. */
START_TEST(a_check_that_names_the_peer_as_before_its_restart_is_answered)
{
    struct net *net = net_quiet();
    kith_ice *ice = ice_of(net, LEFT);
    uint8_t reply[1200];
    kith_stun answer;
    struct forged f = {.theirs = kith_ice_local_ufrag(ice_of(net, RIGHT)),
                       .controlling = 1,
                       .use_candidate = true};
    kith_ice_set_role(ice, KITH_ICE_CONTROLLED);
    ck_assert_int_eq(kith_ice_restart(ice), KITH_OK);
    gather_again(ice);
    ck_assert_int_eq(kith_ice_set_remote(ice, "restarted", "password", false), KITH_OK);
    ck_assert_uint_gt(ask(net, &f, &answer, reply), 0);
    ck_assert(kith_stun_check_integrity(&answer, ice->newest->local_hmac));
    ck_assert_uint_eq(ice->newest->pair_count, 1);
    net_free(net);
}
END_TEST

START_TEST(more_requests_than_answers_fit_are_dropped)
{
    struct net *net = net_quiet();
    kith_ice *ice = ice_of(net, LEFT);
    kith_stun m = {.class = KITH_STUN_REQUEST};
    kith_path path = {net->peers[LEFT].sockets[0], addr("192.0.2.2:2000"), KITH_UDP};
    char username[100];
    uint8_t buf[300], id[KITH_STUN_ID] = {0};
    snprintf(username, sizeof username, "%s:%s", kith_ice_local_ufrag(ice),
             kith_ice_local_ufrag(ice_of(net, RIGHT)));
    for (int i = 0; i < 100; i++) {
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
        kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
        kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 1);
        kith_stun_put_integrity(&w, ice->newest->local_hmac);
        input(ice, net->now, &path, buf, w.len);
    }
    int answers = 0;
    for (size_t len; (len = kith_ice_output(ice, net->now, &path, buf, sizeof buf)) > 0;)
        answers += kith_stun_parse(&m, buf, len) && m.class == KITH_STUN_SUCCESS;
    ck_assert_int_eq(answers, KITH_ICE_RESPONSES);
    ck_assert_uint_eq(kith_ice_get_counters(ice)->over_limit, 100 - KITH_ICE_RESPONSES);
    net_free(net);
}
END_TEST

START_TEST(another_method_is_counted)
{
    struct net *net = net_quiet();
    kith_path path = {net->peers[LEFT].sockets[0], addr("192.0.2.2:2000"), KITH_UDP};
    const uint8_t id[KITH_STUN_ID] = {0};
    uint8_t buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_ALLOCATE, id);
    kith_stun_end(&w);
    ck_assert(!input(ice_of(net, LEFT), net->now, &path, buf, w.len));
    ck_assert_uint_eq(kith_ice_get_counters(ice_of(net, LEFT))->malformed, 1);
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: answers", an_authentic_request_gets_a_signed_answer_smaller_than_itself,
          forged_requests_are_dropped_in_silence_and_counted,
          a_check_from_our_own_host_makes_a_path_that_is_the_peers,
          a_link_local_address_may_check_a_global_one_again_and_again,
          a_check_that_there_is_no_room_for_is_not_answered, incomplete_requests_get_their_error,
          the_greater_tie_breaker_keeps_control, two_controlled_sides_are_told_apart_too,
          agents_of_one_role_agree_by_487, a_487_changes_the_tie_breaker,
          checks_before_the_answer_are_answered_and_remembered,
          early_checks_of_another_generation_are_forgotten_with_the_answer,
          a_check_that_names_the_peer_as_before_its_restart_is_answered,
          more_requests_than_answers_fit_are_dropped, another_method_is_counted)
