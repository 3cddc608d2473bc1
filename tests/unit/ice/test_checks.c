/* Our checks: what they contain, when they leave, and what their answers do. */
#include "net.h"

static struct net *net_watched(void)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    return net;
}

static void add_host(struct net *net, const char *text, const char *foundation, uint32_t priority)
{
    kith_candidate c = host(text);
    strcpy(c.foundation, foundation);
    c.priority = priority;
    kith_ice_add_remote(ice_of(net, LEFT), &c);
}

static size_t output(struct net *net, kith_path *path, uint8_t buf[1200])
{
    return kith_ice_output(ice_of(net, LEFT), net->now, path, buf, 1200);
}

START_TEST(a_check_carries_what_rfc_8445_asks_for)
{
    struct net *net = net_watched();
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    uint8_t buf[1200];
    kith_path path;
    kith_stun m;
    char username[100];
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    ck_assert(kith_stun_parse(&m, buf, len));
    ck_assert_int_eq(m.class, KITH_STUN_REQUEST);
    ck_assert_mem_eq(m.id, "\x11\x11\x11\x11", 4);
    snprintf(username, sizeof username, "%s:%s", kith_ice_local_ufrag(right),
             kith_ice_local_ufrag(left));
    ck_assert(kith_span_is(m.username, username));
    ck_assert_uint_eq(m.ice_controlling, left->tie_breaker);
    ck_assert(!m.use_candidate);
    ck_assert_uint_eq(m.priority >> 24, 110);
    ck_assert(kith_stun_has(&m, KITH_STUN_HAS_FINGERPRINT));
    ck_assert(kith_stun_check_integrity(&m, right->newest->local_hmac));
    net_free(net);
}
END_TEST

START_TEST(ordinary_checks_leave_one_in_fifty_milliseconds_by_priority)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    add_host(net, "192.0.2.2:2", "2", 200);
    add_host(net, "192.0.2.3:3", "3", 300);
    add_host(net, "192.0.2.1:1", "1", 100);
    for (uint16_t expected = 3; expected >= 1; expected--) {
        ck_assert_uint_gt(output(net, &path, buf), 0);
        ck_assert_uint_eq(path.remote.port, expected);
        ck_assert_uint_eq(output(net, &path, buf), 0);
        if (expected > 1)
            ck_assert_int_eq(kith_ice_deadline(ice_of(net, LEFT)), net->now + KITH_MS(50));
        net->now += KITH_MS(50);
    }
    net_free(net);
}
END_TEST

/* Where UDP between the peers is blocked: a relay is found in a second. */
START_TEST(every_fourth_ordinary_check_tries_a_kind_of_path_that_none_has_tried)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    kith_address relayed = addr("203.0.113.7:50000"), mapped = addr("198.51.100.1:40000");
    ck_assert_int_eq(
        kith_ice_add_relay(ice_of(net, LEFT), &relayed, &mapped, "turn:x", KITH_SERVER_UDP),
        KITH_OK);
    for (unsigned i = 0; i < 12; i++) {
        char address[30], foundation[10];
        snprintf(address, sizeof address, "192.0.2.%u:%u", 10 + i, 10 + i);
        snprintf(foundation, sizeof foundation, "%u", i);
        add_host(net, address, foundation, 0x7E000000 - i);
    }
    kith_candidate theirs = host("203.0.113.8:60000");
    theirs.type = KITH_CANDIDATE_RELAY;
    theirs.priority = 1;
    strcpy(theirs.foundation, "r");
    kith_ice_add_remote(ice_of(net, LEFT), &theirs);
    /* direct, ours through the relay, direct to theirs, relay to relay; all others by priority */
    static const struct {
        bool is_relayed;
        uint16_t port;
    } expected[] = {{false, 10}, {false, 11}, {false, 12}, {true, 10},
                    {false, 13}, {false, 14}, {false, 15}, {false, 60000},
                    {false, 16}, {false, 17}, {false, 18}, {true, 60000},
                    {false, 19}, {false, 20}, {false, 21}, {true, 11}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        do
            ck_assert_uint_gt(output(net, &path, buf), 0);
        while (kith_ice_find_pair(ice_of(net, LEFT)->newest, &path)->transmissions > 1);
        ck_assert_uint_eq(path.remote.port, expected[i].port);
        ck_assert(kith_address_equal(&path.local, &relayed) == expected[i].is_relayed);
        net->now += KITH_MS(50);
    }
    net_free(net);
}
END_TEST

START_TEST(a_foundation_is_tried_once_before_its_other_pairs)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    kith_ice_pair_info info;
    add_host(net, "192.0.2.2:2", "same", 300);
    add_host(net, "192.0.2.3:3", "same", 200);
    add_host(net, "192.0.2.4:4", "other", 100);
    ck_assert_uint_gt(output(net, &path, buf), 0);
    ck_assert_uint_eq(path.remote.port, 2);
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 1, &info));
    ck_assert_str_eq(info.state, "frozen");
    net->now += KITH_MS(50);
    ck_assert_uint_gt(output(net, &path, buf), 0);
    ck_assert_uint_eq(path.remote.port, 4);
    net->now += KITH_MS(50);
    ck_assert_uint_eq(output(net, &path, buf), 0);
    /* its first retransmission ends the wait of the others */
    net->now += KITH_MS(400);
    ck_assert_uint_gt(output(net, &path, buf), 0);
    ck_assert_uint_eq(path.remote.port, 2);
    ck_assert_uint_gt(output(net, &path, buf), 0);
    ck_assert_uint_eq(path.remote.port, 3);
    net_free(net);
}
END_TEST

/* A dead candidate ahead costs nothing when the peer's check shows a living one. */
START_TEST(a_triggered_check_does_not_wait_for_the_ordinary_ones)
{
    struct net *net = net_watched();
    add_host(net, "198.51.100.9:9", "dead", 2130706431);
    add_socket(net, RIGHT, "192.0.2.2:2000");
    kith_candidate c = host("192.0.2.1:1000");
    kith_ice_add_remote(ice_of(net, RIGHT), &c);
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_connected));
    ck_assert_int_le(net->now - start, 3 * net->delay + KITH_MS(5));
    net_free(net);
}
END_TEST

/* Answers the check in `request` as the peer would, with the given twist. */
struct twist {
    bool is_unsigned, is_elsewhere, has_no_address;
    int error;
};

static bool answer(struct net *net, const kith_path *path, const uint8_t *request, size_t len,
                   struct twist twist)
{
    kith_stun m;
    uint8_t buf[200];
    kith_path from = *path;
    ck_assert(kith_stun_parse(&m, request, len));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, twist.error != 0 ? KITH_STUN_ERROR : KITH_STUN_SUCCESS, KITH_STUN_BINDING,
                    m.id);
    if (twist.error != 0)
        kith_stun_put_error(&w, twist.error, NULL);
    else if (!twist.has_no_address)
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &path->local);
    if (!twist.is_unsigned)
        kith_stun_put_integrity(&w, ice_of(net, RIGHT)->newest->local_hmac);
    kith_stun_put_fingerprint(&w);
    from.remote.port = (uint16_t)(from.remote.port + twist.is_elsewhere);
    return input(ice_of(net, LEFT), net->now, &from, buf, w.len);
}

START_TEST(answers_without_right_integrity_never_came)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    ck_assert(!answer(net, &path, buf, len, (struct twist){.is_unsigned = true}));
    ck_assert(!answer(net, &path, buf, len, (struct twist){.is_unsigned = true, .error = 487}));
    ck_assert(!answer(net, &path, buf, len, (struct twist){.has_no_address = true}));
    ck_assert_uint_eq(kith_ice_get_counters(ice_of(net, LEFT))->bad_integrity, 2);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CHECKING);
    ck_assert_int_eq(kith_ice_get_role(ice_of(net, LEFT)), KITH_ICE_CONTROLLING);
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    net_free(net);
}
END_TEST

START_TEST(an_answer_from_another_address_fails_the_pair)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    kith_ice_pair_info info;
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    ck_assert(answer(net, &path, buf, len, (struct twist){.is_elsewhere = true}));
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_str_eq(info.state, "failed");
    ck_assert_str_eq(info.why_failed, "the answer came from another address");
    net_free(net);
}
END_TEST

START_TEST(an_error_fails_the_pair_in_words)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    kith_ice_pair_info info;
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    ck_assert(answer(net, &path, buf, len, (struct twist){.error = 400}));
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_str_eq(info.why_failed, "Bad Request");
    net_free(net);
}
END_TEST

/* The next check to leave, which nominates. */
static size_t nomination(struct net *net, kith_path *path, uint8_t buf[1200])
{
    kith_stun m;
    size_t len;
    do {
        net->now += KITH_MS(5);
        kith_ice_tick(ice_of(net, LEFT), net->now);
        len = output(net, path, buf);
        ck_assert_int_lt(net->now, KITH_SECONDS(1020));
    } while (len == 0 || !kith_stun_parse(&m, buf, len) || !m.use_candidate);
    return len;
}

START_TEST(a_refused_nomination_does_not_take_the_only_valid_pair)
{
    struct net *net = net_watched();
    kith_ice *left = ice_of(net, LEFT);
    uint8_t buf[1200];
    kith_path path;
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    len = nomination(net, &path, buf);
    ck_assert(answer(net, &path, buf, len, (struct twist){.error = 400}));
    ck_assert_ptr_null(left->newest->selected);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    ck_assert(kith_ice_send_path(left, &path));
    kith_time refused = net->now; /* it is asked again, not at once */
    len = nomination(net, &path, buf);
    ck_assert_int_ge(net->now - refused, KITH_SECONDS(5));
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    ck_assert_ptr_nonnull(left->newest->selected);
    net_free(net);
}
END_TEST

START_TEST(a_refused_nomination_gives_way_to_another_valid_pair)
{
    struct net *net = net_watched();
    kith_ice *left = ice_of(net, LEFT);
    uint8_t buf[1200];
    kith_path path;
    add_host(net, "192.0.2.2:2000", "1", 200);
    add_host(net, "192.0.2.2:2001", "2", 100);
    size_t len = output(net, &path, buf);
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    uint8_t nominating[1200];
    kith_path first;
    size_t nominating_len = nomination(net, &first, nominating);
    ck_assert_uint_eq(first.remote.port, 2000);
    net->now += KITH_MS(50);
    len = output(net, &path, buf);
    ck_assert_uint_eq(path.remote.port, 2001);
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    ck_assert(answer(net, &first, nominating, nominating_len, (struct twist){.error = 400}));
    len = nomination(net, &path, buf);
    ck_assert_uint_eq(path.remote.port, 2001);
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    ck_assert_uint_eq(left->newest->selected->path.remote.port, 2001);
    net_free(net);
}
END_TEST

START_TEST(role_conflict_turns_the_role_and_asks_again_at_once)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    kith_stun m;
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    uint64_t before = ice_of(net, LEFT)->tie_breaker;
    ck_assert(answer(net, &path, buf, len, (struct twist){.error = 487}));
    ck_assert_int_eq(kith_ice_get_role(ice_of(net, LEFT)), KITH_ICE_CONTROLLED);
    net->now += KITH_MS(5);
    len = output(net, &path, buf);
    ck_assert(kith_stun_parse(&m, buf, len));
    ck_assert(kith_stun_has(&m, KITH_STUN_HAS_ICE_CONTROLLED));
    ck_assert_uint_ne(m.ice_controlled, before);
    net_free(net);
}
END_TEST

/* The pair was given up for a moment; its answer was only slow. */
START_TEST(a_late_answer_still_counts)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    add_host(net, "192.0.2.2:2000", "1", 100);
    size_t len = output(net, &path, buf);
    /* as if the peer's own check had cancelled it */
    kith_ice_trigger(kith_ice_find_pair(ice_of(net, LEFT)->newest, &path));
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    ck_assert(!answer(net, &path, buf, len, (struct twist){0})); /* but only once */
    ck_assert_uint_eq(kith_ice_get_counters(ice_of(net, LEFT))->unknown_transaction, 1);
    net_free(net);
}
END_TEST

START_TEST(a_retransmitted_check_measures_no_round_trip)
{
    struct net *net = net_watched();
    uint8_t buf[1200];
    kith_path path;
    add_host(net, "192.0.2.2:2000", "1", 100);
    output(net, &path, buf);
    net->now += KITH_MS(500);
    size_t len = output(net, &path, buf);
    net->now += KITH_MS(3);
    ck_assert(answer(net, &path, buf, len, (struct twist){0}));
    ck_assert_int_eq(kith_ice_rtt(ice_of(net, LEFT)), 0);
    /* Consent counts from the request that was sent last (RFC 7675 section 5.1). */
    const kith_ice_pair *pair = kith_ice_find_pair(ice_of(net, LEFT)->newest, &path);
    ck_assert_int_eq(pair->consent_until, net->now - KITH_MS(3) + KITH_SECONDS(30));
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: checks", a_check_carries_what_rfc_8445_asks_for,
          ordinary_checks_leave_one_in_fifty_milliseconds_by_priority,
          every_fourth_ordinary_check_tries_a_kind_of_path_that_none_has_tried,
          a_foundation_is_tried_once_before_its_other_pairs,
          a_triggered_check_does_not_wait_for_the_ordinary_ones,
          answers_without_right_integrity_never_came, an_answer_from_another_address_fails_the_pair,
          an_error_fails_the_pair_in_words, a_refused_nomination_does_not_take_the_only_valid_pair,
          a_refused_nomination_gives_way_to_another_valid_pair,
          role_conflict_turns_the_role_and_asks_again_at_once, a_late_answer_still_counts,
          a_retransmitted_check_measures_no_round_trip)
