/* The checklist: priorities, order, the limit, freezing. */
#include "net.h"

static kith_ice_local *first_local(struct net *net)
{
    return kith_ice_find_base(ice_of(net, LEFT)->newest, &net->peers[LEFT].sockets[0],
                              KITH_TCPTYPE_NONE)
        ->local;
}

static kith_ice *ice_with_pairs(struct net *net, unsigned count)
{
    kith_ice *ice = ice_of(net, LEFT);
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    for (unsigned i = 0; i < count; i++) {
        kith_candidate c = host("198.51.100.1:1");
        c.address.port = (uint16_t)(i + 1);
        c.priority = (i * 7919) % 1000;
        snprintf(c.foundation, sizeof c.foundation, "%u", i);
        kith_ice_add_remote(ice, &c);
    }
    return ice;
}

START_TEST(pair_priority_is_the_formula_of_rfc_8445)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    kith_ice_pair_info info;
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    kith_candidate c = host("198.51.100.1:1");
    c.priority = 5;
    kith_ice_add_remote(ice, &c);
    uint64_t ours = kith_ice_candidate_priority(KITH_CANDIDATE_HOST, first_local(net)->base);
    ck_assert(kith_ice_pair_at(ice, 0, &info));
    ck_assert_uint_eq(info.priority, ((uint64_t)5 << 32) + 2 * ours + 1);
    kith_ice_set_role(ice, KITH_ICE_CONTROLLED); /* now the peer's is G */
    ck_assert(kith_ice_pair_at(ice, 0, &info));
    ck_assert_uint_eq(info.priority, ((uint64_t)5 << 32) + 2 * ours);
    net_free(net);
}
END_TEST

static void assert_sorted(const kith_ice *ice)
{
    kith_ice_pair_info info;
    uint64_t last = UINT64_MAX;
    size_t count = 0;
    for (; kith_ice_pair_at(ice, count, &info); count++) {
        ck_assert_uint_le(info.priority, last);
        last = info.priority;
    }
    ck_assert_uint_eq(count, ice->newest->pair_count);
}

START_TEST(pairs_stay_sorted_through_additions_and_role_changes)
{
    struct net *net = net_new();
    kith_ice *ice = ice_with_pairs(net, 50);
    assert_sorted(ice);
    kith_ice_set_role(ice, KITH_ICE_CONTROLLED);
    assert_sorted(ice);
    add_socket(net, LEFT, "192.0.2.7:1000");
    assert_sorted(ice);
    ck_assert_uint_eq(ice->newest->pair_count, 100);
    net_free(net);
}
END_TEST

START_TEST(at_the_limit_the_lowest_pairs_give_way)
{
    struct net *net = net_new();
    kith_ice *ice = ice_with_pairs(net, 100);
    kith_ice_pair_info info;
    add_socket(net, LEFT, "192.0.2.7:1000");
    add_socket(net, LEFT, "192.0.2.8:1000");
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PAIRS);
    ck_assert_uint_gt(kith_ice_get_counters(ice)->over_limit, 0);
    assert_sorted(ice);
    /* the best of the last socket is in, the worst of the first is not */
    bool has_best = false;
    for (size_t i = 0; kith_ice_pair_at(ice, i, &info); i++) {
        has_best = has_best || (info.path.local.ip[3] == 8 && info.priority >> 32 >= 970);
        ck_assert_uint_ge(info.priority >> 32, 300);
    }
    ck_assert(has_best);
    net_free(net);
}
END_TEST

static bool has_pair(const kith_ice *ice, uint32_t id)
{
    kith_ice_pair_info info;
    for (size_t i = 0; kith_ice_pair_at(ice, i, &info); i++)
        if (info.id == id)
            return true;
    return false;
}

/* RFC 8445 section 6.1.2.5 removes the lowest pairs; one that has failed is worth less than any. */
START_TEST(at_the_limit_a_failed_pair_gives_way_before_a_lower_one)
{
    struct net *net = net_new();
    kith_ice *ice = ice_with_pairs(net, 50);
    kith_ice_pair_info info;
    add_socket(net, LEFT, "192.0.2.7:1000");
    add_socket(net, LEFT, "192.0.2.8:1000");
    add_socket(net, LEFT, "192.0.2.9:1000");
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PAIRS);
    ck_assert(kith_ice_pair_at(ice, KITH_ICE_MAX_PAIRS - 1, &info));
    uint32_t lowest = info.id;
    ck_assert(kith_ice_pair_at(ice, 10, &info));
    kith_ice_fail_pair(ice, kith_ice_find_pair(ice->newest, &info.path), "no answer");
    kith_ice_local *local = first_local(net);
    kith_ice_remote seen[2] = {{.candidate = host("198.51.100.1:5000")},
                               {.candidate = host("198.51.100.1:5001")}};
    ck_assert_ptr_nonnull(kith_ice_add_pair(ice, ice->newest, local, &seen[0]));
    ck_assert(!has_pair(ice, info.id));
    ck_assert(has_pair(ice, lowest));
    ck_assert_ptr_nonnull(kith_ice_add_pair(ice, ice->newest, local, &seen[1]));
    ck_assert(!has_pair(ice, lowest));
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PAIRS);
    net_free(net);
}
END_TEST

/* However many dead candidates the peer signalled, it is answered where it is. */
START_TEST(a_hundred_dead_candidates_do_not_shut_out_a_peer_that_is_discovered)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, LEFT, "192.0.2.7:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    net->signal_delay = KITH_NEVER;
    for (unsigned i = 0; i < 100; i++) {
        kith_candidate c = host("198.51.100.1:1");
        c.address.port = (uint16_t)(i + 1);
        c.priority = UINT32_MAX;
        kith_ice_add_remote(ice, &c);
    }
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PAIRS);
    kith_candidate c = host("192.0.2.1:1000");
    kith_ice_add_remote(ice_of(net, RIGHT), &c);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_selected));
    net_free(net);
}
END_TEST

static kith_ice_pair *checked_pair(kith_ice *ice, kith_ice_local *local, kith_ice_remote *remote)
{
    kith_path path = {local->base->address, remote->candidate.address, KITH_UDP};
    return kith_ice_add_checked_pair(ice, ice->newest, local, remote, &path);
}

/* Nor does a pair that gave way to dead ones. */
START_TEST(a_pair_that_the_peer_checks_takes_the_place_of_one_that_nobody_has)
{
    struct net *net = net_new();
    kith_ice *ice = ice_with_pairs(net, 50);
    add_socket(net, LEFT, "192.0.2.7:1000");
    add_socket(net, LEFT, "192.0.2.8:1000");
    add_socket(net, LEFT, "192.0.2.9:1000");
    kith_ice_remote low = {.candidate = host("198.51.100.1:5000")};
    low.candidate.priority = 0;
    kith_ice_local *last =
        kith_ice_find_base(ice->newest, &net->peers[LEFT].sockets[3], KITH_TCPTYPE_NONE)->local;
    ck_assert_ptr_null(kith_ice_add_pair(ice, ice->newest, last, &low));
    ck_assert_ptr_nonnull(checked_pair(ice, last, &low));
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PAIRS);
    net_free(net);
}
END_TEST

/* Whatever else there is, and however much of it cannot go; but no more than that. */
START_TEST(peer_reflexive_pairs_have_room_of_their_own)
{
    struct net *net = net_new();
    kith_ice *ice = ice_with_pairs(net, 100);
    add_socket(net, LEFT, "192.0.2.7:1000");
    KITH_ICE_EACH(&ice->newest->pairs, kith_ice_pair, pair)
        pair->state = KITH_ICE_PAIR_SUCCEEDED;
    size_t others = ice->newest->pair_count;
    ck_assert_uint_eq(others, KITH_ICE_MAX_PAIRS);
    kith_ice_local *second =
        kith_ice_find_base(ice->newest, &net->peers[LEFT].sockets[1], KITH_TCPTYPE_NONE)->local;
    unsigned added = 0;
    for (unsigned i = 0; i < KITH_ICE_MAX_PEER_REFLEXIVE; i++) {
        kith_address seen = addr("203.0.113.1:1");
        seen.port = (uint16_t)(40000 + i);
        kith_ice_remote *remote = kith_ice_add_peer_reflexive(
            ice, ice->newest, &(kith_path){.remote = seen}, 1, kith_span_text("x"));
        ck_assert_ptr_nonnull(remote);
        kith_ice_local *const from[] = {first_local(net), second};
        for (int n = 0; n < 2; n++) {
            kith_ice_pair *pair = checked_pair(ice, from[n], remote);
            if (pair)
                pair->state = KITH_ICE_PAIR_SUCCEEDED;
            added += pair ? 1 : 0;
        }
    }
    ck_assert_uint_eq(added, KITH_ICE_MAX_PEER_REFLEXIVE);
    ck_assert_uint_eq(ice->newest->pair_count, others + added);
    net_free(net);
}
END_TEST

/* A NAT that moves the peer again and again, for days: the places it has left are forgotten. */
START_TEST(a_peer_that_moves_often_is_found_again_every_time)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    for (unsigned i = 0; i < 3 * KITH_ICE_MAX_PEER_REFLEXIVE; i++) {
        kith_address seen = addr("203.0.113.1:1");
        seen.port = (uint16_t)(40000 + i);
        kith_ice_remote *remote = kith_ice_add_peer_reflexive(
            ice, ice->newest, &(kith_path){.remote = seen}, 1, kith_span_text("x"));
        ck_assert_ptr_nonnull(remote);
        kith_ice_pair *pair = checked_pair(ice, first_local(net), remote);
        ck_assert_ptr_nonnull(pair);
        pair->carried_data = i % 2 == 0;
        kith_ice_fail_pair(ice, pair, "consent expired");
    }
    ck_assert_uint_eq(ice->newest->remote_count, KITH_ICE_MAX_PEER_REFLEXIVE);
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PEER_REFLEXIVE);
    /* what is in use is not forgotten */
    KITH_ICE_EACH(&ice->newest->pairs, kith_ice_pair, pair)
        pair->state = KITH_ICE_PAIR_SUCCEEDED;
    kith_address seen = addr("203.0.113.1:1");
    ck_assert_ptr_null(kith_ice_add_peer_reflexive(ice, ice->newest, &(kith_path){.remote = seen},
                                                   1, kith_span_text("x")));
    ck_assert_uint_eq(kith_ice_get_counters(ice)->candidates_over_limit, 1);
    net_free(net);
}
END_TEST

/* "typ prflx" is no candidate to signal, but grammar (RFC 8839 section 5.1): said again it is the
 * one that is there, also where there is no room for another. */
START_TEST(a_peer_reflexive_candidate_that_is_signalled_twice_is_one)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    exchange_credentials(net);
    kith_candidate c = host("198.51.100.1:1");
    c.type = KITH_CANDIDATE_PRFLX;
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; i < KITH_ICE_MAX_PEER_REFLEXIVE; i++) {
            c.address.port = (uint16_t)(i + 1);
            kith_ice_add_remote(ice, &c);
        }
    ck_assert_uint_eq(ice->newest->remote_count, KITH_ICE_MAX_PEER_REFLEXIVE);
    ck_assert_uint_eq(ice->newest->prflx_count, KITH_ICE_MAX_PEER_REFLEXIVE);
    ck_assert_uint_eq(kith_ice_get_counters(ice)->candidates_over_limit, 0);
    net_free(net);
}
END_TEST

START_TEST(duplicates_make_no_second_pair)
{
    struct net *net = net_new();
    kith_ice *ice = ice_with_pairs(net, 1);
    kith_candidate c = host("198.51.100.1:1");
    kith_ice_add_remote(ice, &c);
    ck_assert_uint_eq(ice->newest->pair_count, 1);
    ck_assert_uint_eq(ice->newest->remote_count, 1);
    net_free(net);
}
END_TEST

START_TEST(a_success_thaws_its_foundation)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    for (uint16_t port = 1; port <= 3; port++) {
        kith_candidate c = host("198.51.100.1:1");
        c.address.port = port;
        kith_ice_add_remote(ice, &c);
    }
    kith_ice_pair *first = kith_ice_ordinary_pair(ice->newest);
    ck_assert_int_eq(first->state, KITH_ICE_PAIR_WAITING);
    first->state = KITH_ICE_PAIR_IN_PROGRESS;
    first->transmissions = 1;
    ck_assert_ptr_null(kith_ice_ordinary_pair(ice->newest));
    first->state = KITH_ICE_PAIR_SUCCEEDED;
    kith_ice_thaw_like(ice->newest, first);
    ck_assert_uint_eq(kith_ice_active_pairs(ice->newest), 2);
    ck_assert(!kith_ice_may_improve(ice->newest, first));
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: pairs", pair_priority_is_the_formula_of_rfc_8445,
          pairs_stay_sorted_through_additions_and_role_changes,
          at_the_limit_the_lowest_pairs_give_way,
          at_the_limit_a_failed_pair_gives_way_before_a_lower_one,
          a_hundred_dead_candidates_do_not_shut_out_a_peer_that_is_discovered,
          a_pair_that_the_peer_checks_takes_the_place_of_one_that_nobody_has,
          a_peer_that_moves_often_is_found_again_every_time,
          a_peer_reflexive_candidate_that_is_signalled_twice_is_one, duplicates_make_no_second_pair,
          a_success_thaws_its_foundation, peer_reflexive_pairs_have_room_of_their_own)
