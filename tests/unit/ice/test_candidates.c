/* Candidates of both sides: what is told, what is learnt, what is refused. */
#include "net.h"

START_TEST(priorities_prefer_the_first_added_and_interleave_the_families)
{
    struct net *net = net_new();
    kith_ice_candidate_info info;
    uint32_t priorities[5];
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "127.0.0.1:1");
    add_socket(net, LEFT, "192.0.2.1:1");
    add_socket(net, LEFT, "192.0.2.2:1");
    add_socket(net, LEFT, "[2001:db8::1]:1");
    add_socket(net, LEFT, "[2001:db8::2]:1");
    for (size_t i = 0; i < 5; i++) {
        ck_assert(kith_ice_candidate_at(ice_of(net, LEFT), i, &info));
        ck_assert(!info.remote);
        priorities[i] = info.candidate->priority;
        ck_assert_uint_eq(priorities[i] >> 24, 126);
        ck_assert_uint_eq(priorities[i] & 255, 255);
    }
    ck_assert(!kith_ice_candidate_at(ice_of(net, LEFT), 5, &info));
    ck_assert_uint_gt(priorities[3], priorities[1]); /* IPv6 first */
    ck_assert_uint_gt(priorities[1], priorities[4]); /* then IPv4, then IPv6 again */
    ck_assert_uint_gt(priorities[4], priorities[2]);
    ck_assert_uint_gt(priorities[2], priorities[0]); /* loopback last */
    net_free(net);
}
END_TEST

START_TEST(one_foundation_for_each_kind_and_base)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    char first[KITH_FOUNDATION_MAX + 1];
    drain(net, LEFT);
    strcpy(first, net->peers[LEFT].last_candidate.foundation);
    add_socket(net, LEFT, "192.0.2.1:1001");
    drain(net, LEFT);
    ck_assert_str_eq(net->peers[LEFT].last_candidate.foundation, first);
    add_socket(net, LEFT, "192.0.2.2:1002");
    drain(net, LEFT);
    ck_assert_str_ne(net->peers[LEFT].last_candidate.foundation, first);
    kith_ice_base *base =
        kith_ice_find_base(ice->newest, &net->peers[LEFT].sockets[0], KITH_TCPTYPE_NONE);
    kith_address seen = addr("203.0.113.5:5");
    kith_ice_server a = {.address = addr("198.51.100.1:3478")},
                    b = {.address = addr("198.51.100.2:3478")};
    kith_ice_local *one =
        kith_ice_new_local(ice, ice->newest, base, &seen, KITH_CANDIDATE_SRFLX, &a);
    kith_ice_local *two =
        kith_ice_new_local(ice, ice->newest, base, &seen, KITH_CANDIDATE_SRFLX, &b);
    kith_ice_local *three =
        kith_ice_new_local(ice, ice->newest, base, &seen, KITH_CANDIDATE_SRFLX, &a);
    ck_assert_str_ne(one->candidate.foundation, first);
    ck_assert_str_ne(one->candidate.foundation, two->candidate.foundation);
    ck_assert_str_eq(one->candidate.foundation, three->candidate.foundation);
    net_free(net);
}
END_TEST

START_TEST(only_sockets_of_ours_become_candidates)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    kith_address any = addr("0.0.0.0:5"), portless = addr("192.0.2.1"),
                 mapped = addr("[::ffff:192.0.2.1]:5"), good = addr("192.0.2.1:5");
    ck_assert_int_eq(kith_ice_add_local(ice, &any, KITH_TCPTYPE_NONE), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_ice_add_local(ice, &portless, KITH_TCPTYPE_NONE), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_ice_add_local(ice, &portless, KITH_TCPTYPE_PASSIVE), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_ice_add_local(ice, &mapped, KITH_TCPTYPE_NONE),
                     KITH_OK); /* left out: deprecated */
    ck_assert_uint_eq(ice->newest->local_count, 0);
    ck_assert_int_eq(kith_ice_add_local(ice, &good, KITH_TCPTYPE_NONE), KITH_OK);
    ck_assert_int_eq(kith_ice_add_local(ice, &good, KITH_TCPTYPE_NONE),
                     KITH_OK); /* known already */
    ck_assert_uint_eq(ice->newest->local_count, 1);
    for (unsigned i = 1; i < KITH_ICE_MAX_BASES; i++) {
        good.port++;
        ck_assert_int_eq(kith_ice_add_local(ice, &good, KITH_TCPTYPE_NONE), KITH_OK);
    }
    good.port++;
    ck_assert_int_eq(kith_ice_add_local(ice, &good, KITH_TCPTYPE_NONE), KITH_ERR_RANGE);
    net_free(net);
}
END_TEST

START_TEST(relay_only_tells_and_pairs_no_host_candidate_and_answers_nobody)
{
    kith_ice_config config = {.transaction_tag = 1, .relay_only = true};
    struct net *net = net_new();
    kith_ice_free(net->peers[LEFT].ice);
    ck_assert_int_eq(kith_ice_new(&net->peers[LEFT].ice, &config), KITH_OK);
    kith_address server = addr("203.0.113.200:3478");
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &server, "stun:x"), KITH_OK);
    exchange_credentials(net);
    end_local(net);
    kith_candidate c = host("192.0.2.1:1000");
    kith_ice_add_remote(ice_of(net, RIGHT), &c);
    net_run(net, KITH_SECONDS(5));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 0);
    ck_assert_uint_eq(net->peers[LEFT].sent, 0);
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    ck_assert_uint_gt(net->peers[RIGHT].sent, 0);
    net_free(net);
}
END_TEST

static const kith_candidate *told(struct net *net, const char *address)
{
    kith_address wanted = addr(address);
    KITH_LIST_EACH(&ice_of(net, LEFT)->newest->locals, node) {
        const kith_ice_local *local = KITH_OWNER(node, kith_ice_local, node);
        if (kith_address_equal(&local->candidate.address, &wanted))
            return &local->candidate;
    }
    return NULL;
}

static void add_local_as(struct net *net, const char *address, const char *external, bool is_hidden)
{
    kith_ice_local_info info = {.address = addr(address), .is_hidden = is_hidden};
    if (external)
        info.external = addr(external);
    net->peers[LEFT].sockets[net->peers[LEFT].socket_count++] = info.address;
    ck_assert_int_eq(kith_ice_add_local_as(ice_of(net, LEFT), &info), KITH_OK);
}

/* RFC 6544 section 4.2: NAT-assisted, 105 for UDP and 85 for TCP. */
START_TEST(an_external_address_is_told_beside_the_socket_with_its_own_priority)
{
    struct net *net = net_new();
    add_local_as(net, "10.0.0.1:1000", "203.0.113.1", false);
    kith_ice_local_info tcp = {.address = addr("10.0.0.1:7000"),
                               .tcp_type = KITH_TCPTYPE_PASSIVE,
                               .external = addr("203.0.113.1:443")};
    ck_assert_int_eq(kith_ice_add_local_as(ice_of(net, LEFT), &tcp), KITH_OK);
    exchange_credentials(net);
    drain(net, LEFT);
    ck_assert_uint_eq(net->peers[LEFT].candidates, 4);
    const kith_candidate *host = told(net, "10.0.0.1:1000"), *c = told(net, "203.0.113.1:1000");
    ck_assert_int_eq(host->type, KITH_CANDIDATE_HOST);
    ck_assert_int_eq(c->type, KITH_CANDIDATE_SRFLX);
    ck_assert_uint_eq(c->priority >> 24, 105);
    ck_assert(kith_address_equal(&c->related, &host->address));
    c = told(net, "203.0.113.1:443");
    ck_assert_uint_eq(c->priority >> 24, 85);
    ck_assert_int_eq(c->tcp_type, KITH_TCPTYPE_PASSIVE);
    net_free(net);
}
END_TEST

/* RFC 8828 section 5.2, and RFC 8839 section 5.1: 0.0.0.0 and port 9 are related to what is not
 * told. */
START_TEST(a_hidden_socket_is_used_and_neither_told_nor_related)
{
    struct net *net = net_new();
    net->server = addr("203.0.113.200:3478");
    add_local_as(net, "192.0.2.1:1000", NULL, true);
    kith_address near = addr("192.0.2.1:1000");
    net->natted[net->natted_count++] = near;
    add_socket(net, RIGHT, "198.51.100.1:2000");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &net->server, "stun:x"), KITH_OK);
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 1);
    const kith_candidate *c = &net->peers[LEFT].last_candidate;
    ck_assert_int_eq(c->type, KITH_CANDIDATE_SRFLX);
    ck_assert(kith_address_is_any(&c->related));
    ck_assert_uint_eq(c->related.port, 9);
    kith_address relayed = addr("203.0.113.9:5000"), seen = addr("192.0.2.1:1001");
    net_free(net);
    net = net_new();
    ck_assert_int_eq(
        kith_ice_add_relay(ice_of(net, LEFT), &relayed, NULL, "turn:x", KITH_SERVER_UDP), KITH_OK);
    c = told(net, "203.0.113.9:5000");
    ck_assert(kith_address_is_any(&c->related));
    ck_assert_uint_eq(c->related.port, 9);
    relayed.port++;
    ck_assert_int_eq(
        kith_ice_add_relay(ice_of(net, LEFT), &relayed, &seen, "turn:x", KITH_SERVER_UDP), KITH_OK);
    ck_assert(kith_address_equal(&told(net, "203.0.113.9:5001")->related, &seen));
    net_free(net);
}
END_TEST

START_TEST(a_local_preference_that_is_given_is_kept)
{
    struct net *net = net_new();
    kith_ice_local_info info = {.address = addr("192.0.2.1:1000"), .preference = 77};
    ck_assert_int_eq(kith_ice_add_local_as(ice_of(net, LEFT), &info), KITH_OK);
    ck_assert_uint_eq(told(net, "192.0.2.1:1000")->priority >> 8 & 0xffff, 77);
    net_free(net);
}
END_TEST

START_TEST(remote_candidates_that_lead_nowhere_are_ignored)
{
    static const char *const nowhere[] = {
        "0.0.0.0:9",    "224.0.0.1:9", "255.255.255.255:9",   "[::]:9",
        "[ff02::fb]:9", "[fec0::1]:9", "[::ffff:127.0.0.1]:9"};
    struct net *net = net_pair();
    kith_ice *ice = ice_of(net, LEFT);
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        kith_candidate c = host(nowhere[i]);
        kith_ice_add_remote(ice, &c);
    }
    kith_candidate tcp = host("192.0.2.9:9"), rtcp = tcp, portless = tcp, old = tcp;
    tcp.protocol = KITH_TCP;
    rtcp.component = 2;
    portless.address.port = 0;
    strcpy(old.ufrag, "older");
    kith_ice_add_remote(ice, &tcp);
    kith_ice_add_remote(ice, &rtcp);
    kith_ice_add_remote(ice, &portless);
    kith_ice_add_remote(ice, &old);
    ck_assert_uint_eq(ice->newest->remote_count, 0);
    ck_assert_uint_eq(kith_ice_get_counters(ice)->unknown_ufrag, 1);
    ck_assert_uint_eq(kith_ice_get_counters(ice)->candidates_unusable,
                      sizeof nowhere / sizeof nowhere[0] + 3);
    net_free(net);
}
END_TEST

/* RFC 8838 section 14 knows none after end-of-candidates; browsers use what the application adds.
 */
START_TEST(a_candidate_after_the_end_is_used)
{
    struct net *net = net_pair();
    kith_ice *ice = ice_of(net, LEFT);
    net->signal_delay = KITH_NEVER;
    kith_ice_end_remote(ice);
    kith_candidate late = host("192.0.2.2:2000");
    kith_ice_add_remote(ice, &late);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    ck_assert_uint_eq(kith_ice_get_counters(ice)->after_end, 1);
    net_free(net);
}
END_TEST

/* Whatever the peer says, we do not probe our own machine or our neighbours. */
START_TEST(loopback_and_link_local_pair_only_with_their_like)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    kith_ice_pair_info info;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, LEFT, "[2001:db8::1]:1000");
    exchange_credentials(net);
    static const char *const near[] = {"127.0.0.1:9", "[::1]:9", "169.254.1.1:9", "[fe80::9]:9"};
    for (size_t i = 0; i < 4; i++) {
        kith_candidate c = host(near[i]);
        kith_ice_add_remote(ice, &c);
    }
    ck_assert(!kith_ice_pair_at(ice, 0, &info));
    add_socket(net, LEFT, "127.0.0.1:1001");
    add_socket(net, LEFT, "[fe80::1%3]:1002");
    kith_candidate far = host("198.51.100.1:9"), far6 = host("[2001:db8::9]:9");
    kith_ice_add_remote(ice, &far);
    kith_ice_add_remote(ice, &far6);
    size_t count = 0;
    for (; kith_ice_pair_at(ice, count, &info); count++) {
        ck_assert_int_eq(kith_address_is_loopback(&info.path.local),
                         kith_address_is_loopback(&info.path.remote));
        ck_assert_int_eq(kith_address_is_link_local(&info.path.local),
                         kith_address_is_link_local(&info.path.remote));
        ck_assert_uint_eq(info.path.local.scope_id, info.path.remote.scope_id);
    }
    ck_assert_uint_eq(count, 4);
    net_free(net);
}
END_TEST

START_TEST(a_link_local_connection_works_across_zones)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "[fe80::1%3]:1000");
    add_socket(net, RIGHT, "[fe80::2%3]:2000");
    exchange_credentials(net);
    kith_candidate right = host("[fe80::2]:2000"), left = host("[fe80::1]:1000");
    kith_ice_add_remote(ice_of(net, LEFT), &right);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    /* RIGHT discovered with a zone what is signalled without one: it is the same candidate */
    kith_ice_add_remote(ice_of(net, RIGHT), &left);
    ck_assert_uint_eq(ice_of(net, RIGHT)->newest->remote_count, 1);
    kith_ice_candidate_info info;
    ck_assert(kith_ice_candidate_at(ice_of(net, RIGHT), 1, &info));
    ck_assert(info.remote && info.candidate->type == KITH_CANDIDATE_HOST);
    ck_assert_uint_eq(info.candidate->address.scope_id, 0); /* our index is nobody's business */
    net_free(net);
}
END_TEST

/* LEFT is behind a NAT and signals nothing: RIGHT learns its outside address from its checks. */
static struct net *net_prflx(void)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    net->natted[net->natted_count++] = addr("10.0.0.1:1000");
    net->is_symmetric = true;
    add_socket(net, LEFT, "10.0.0.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    end_local(net);
    kith_candidate c = host("192.0.2.2:2000");
    kith_ice_add_remote(ice_of(net, LEFT), &c);
    return net;
}

START_TEST(a_peer_behind_a_symmetric_nat_is_learnt_as_peer_reflexive)
{
    struct net *net = net_prflx();
    kith_ice_candidate_info info;
    kith_address outside = addr("203.0.113.1:40001");
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_selected));
    /* the triggered check leaves as the first check arrives: valid after three one-way delays */
    ck_assert_int_le(net->now - start, 4 * net->delay + KITH_MS(5));
    bool found = false;
    for (size_t i = 0; kith_ice_candidate_at(ice_of(net, RIGHT), i, &info); i++)
        if (info.remote) {
            ck_assert_int_eq(info.candidate->type, KITH_CANDIDATE_PRFLX);
            ck_assert(kith_address_equal(&info.candidate->address, &outside));
            ck_assert_uint_eq(info.candidate->priority >> 24, 110);
            found = true;
        }
    ck_assert(found);
    /* and LEFT learnt how it is seen */
    kith_ice_pair_info pair;
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &pair));
    for (size_t i = 0; kith_ice_candidate_at(ice_of(net, LEFT), i, &info); i++)
        if (info.id == pair.local_id) {
            ck_assert_int_eq(info.candidate->type, KITH_CANDIDATE_PRFLX);
            ck_assert(kith_address_equal(&info.candidate->address, &outside));
        }
    ck_assert_uint_eq(net->peers[LEFT].candidates, 1); /* a peer-reflexive one is never told */
    net_free(net);
}
END_TEST

START_TEST(a_signalled_candidate_replaces_the_discovered_one_and_keeps_its_nomination)
{
    struct net *net = net_prflx();
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    net_run(net, KITH_SECONDS(1));
    kith_ice *right = ice_of(net, RIGHT);
    kith_ice_pair *selected = right->newest->selected;
    unsigned states = net->peers[RIGHT].state_count;
    uint64_t priority = selected->priority;
    kith_candidate c = host("203.0.113.1:40001");
    c.type = KITH_CANDIDATE_SRFLX;
    c.priority = 1694498815;
    kith_ice_add_remote(right, &c);
    net_run(net, KITH_SECONDS(60));
    ck_assert_ptr_eq(right->newest->selected, selected);
    ck_assert(selected->is_nominated);
    ck_assert_int_eq(selected->remote->candidate.type, KITH_CANDIDATE_SRFLX);
    ck_assert_uint_ne(selected->priority, priority);
    ck_assert_uint_eq(right->newest->remote_count, 1);
    ck_assert_uint_eq(net->peers[RIGHT].state_count, states);
    net_free(net);
}
END_TEST

START_TEST(a_flood_of_candidates_stays_within_the_limits)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    for (int i = 0; i < 5; i++) {
        char text[30];
        snprintf(text, sizeof text, "192.0.2.1:%d", 1000 + i);
        add_socket(net, LEFT, text);
    }
    exchange_credentials(net);
    for (int i = 0; i < 5000; i++) {
        kith_candidate c = host("198.51.100.1:1");
        c.address.port = (uint16_t)(i + 1);
        c.priority = (uint32_t)i;
        kith_ice_add_remote(ice, &c);
    }
    ck_assert_uint_eq(ice->newest->remote_count, KITH_ICE_MAX_REMOTE_CANDIDATES);
    ck_assert_uint_eq(ice->newest->pair_count, KITH_ICE_MAX_PAIRS);
    ck_assert_uint_eq(kith_ice_get_counters(ice)->candidates_over_limit, 4900);
    /* pacing holds: no more than one check in Ta, whatever the flood */
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_le(net->peers[LEFT].sent, 21);
    net_free(net);
}
END_TEST

START_TEST(a_removed_address_takes_its_pairs_and_another_path_takes_over)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, LEFT, "198.51.100.1:1001");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    net_run(net, KITH_SECONDS(1));
    kith_path old = net->peers[LEFT].selected;
    kith_ice_remove_local(ice_of(net, LEFT), &old.local, KITH_TCPTYPE_NONE);
    drain(net, LEFT);
    kith_path path;
    bool has_path = kith_ice_send_path(ice_of(net, LEFT), &path);
    ck_assert(!has_path || !kith_address_equal(&path.local, &old.local));
    net_run(net, KITH_SECONDS(3));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert(kith_ice_send_path(ice_of(net, LEFT), &path));
    ck_assert(!kith_address_equal(&path.local, &old.local));
    net_free(net);
}
END_TEST

START_TEST(losing_the_only_address_disconnects_and_fails_when_consent_ends)
{
    struct net *net = net_connected();
    kith_time start = net->now;
    kith_ice_remove_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[0], KITH_TCPTYPE_NONE);
    drain(net, LEFT);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    net_run(net, KITH_SECONDS(31));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    for (unsigned i = 0; i < net->peers[LEFT].state_count; i++)
        if (net->peers[LEFT].states[i] == KITH_ICE_FAILED)
            ck_assert_int_ge(net->peers[LEFT].state_at[i] - start, KITH_SECONDS(25));
    net_free(net);
}
END_TEST

static kith_time failed_at(const struct net *net, int side)
{
    for (unsigned i = 0; i < net->peers[side].state_count; i++)
        if (net->peers[side].states[i] == KITH_ICE_FAILED)
            return net->peers[side].state_at[i];
    return 0;
}

/* Whichever goes first, and whatever a pair's consent was that had failed before. */
START_TEST(losing_all_addresses_fails_when_the_last_consent_ends)
{
    for (int first = 0; first < 2; first++) {
        struct net *net = net_new();
        add_socket(net, LEFT, "192.0.2.1:1000");
        add_socket(net, LEFT, "198.51.100.1:1001");
        add_socket(net, LEFT, "203.0.113.1:1002");
        add_socket(net, RIGHT, "192.0.2.2:2000");
        exchange_credentials(net);
        end_local(net);
        ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
        kith_ice_pair *pairs[3];
        for (int i = 0; i < 3; i++) {
            kith_path path = {net->peers[LEFT].sockets[i], net->peers[RIGHT].sockets[0], KITH_UDP};
            pairs[i] = kith_ice_find_pair(ice_of(net, LEFT)->newest, &path);
            if (pairs[i]->state != KITH_ICE_PAIR_SUCCEEDED)
                kith_ice_trigger(pairs[i]);
        }
        ice_of(net, LEFT)->is_dirty = true;
        net_run(net, KITH_SECONDS(1));
        kith_time last = net->now + KITH_SECONDS(20);
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(pairs[i]->state, KITH_ICE_PAIR_SUCCEEDED);
            pairs[i]->consent_until = last - KITH_SECONDS(4 * i);
        }
        pairs[2]->consent_until = last + KITH_SECONDS(9);
        kith_ice_fail_pair(ice_of(net, LEFT), pairs[2], "a test's word");
        kith_ice_remove_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[2], KITH_TCPTYPE_NONE);
        kith_ice_remove_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[first],
                              KITH_TCPTYPE_NONE);
        kith_ice_remove_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[1 - first],
                              KITH_TCPTYPE_NONE);
        drain(net, LEFT);
        net_run(net, KITH_SECONDS(31));
        ck_assert_int_ge(failed_at(net, LEFT), last);
        ck_assert_int_le(failed_at(net, LEFT), last + KITH_MS(100));
        net_free(net);
    }
}
END_TEST

START_TEST(an_address_that_returns_is_used_again)
{
    struct net *net = net_connected();
    kith_ice_remove_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[0], KITH_TCPTYPE_NONE);
    net_run(net, KITH_SECONDS(3));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    ck_assert_int_eq(
        kith_ice_add_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[0], KITH_TCPTYPE_NONE),
        KITH_OK);
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* A station that roams all day gets another socket each time. */
START_TEST(a_thousand_addresses_may_come_and_go)
{
    struct net *net = net_connected();
    kith_address socket = net->peers[LEFT].sockets[0];
    for (int i = 0; i < 1000; i++) {
        kith_ice_remove_local(ice_of(net, LEFT), &socket, KITH_TCPTYPE_NONE);
        net_run(net, KITH_MS(100));
        socket.port++;
        net->peers[LEFT].sockets[0] = socket;
        ck_assert_int_eq(kith_ice_add_local(ice_of(net, LEFT), &socket, KITH_TCPTYPE_NONE),
                         KITH_OK);
        net_run(net, KITH_MS(1500));
        ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
        net->peers[LEFT].state_count = net->peers[RIGHT].state_count = 0;
    }
    kith_ice_candidate_info info;
    size_t count = 0;
    while (kith_ice_candidate_at(ice_of(net, LEFT), count, &info))
        count++;
    ck_assert_uint_le(count, KITH_ICE_MAX_BASES + 2);
    net_free(net);
}
END_TEST

#define RELAY_URL "turn:turn.example.org"

static void add_relay(struct net *net, const char *relayed)
{
    kith_address address = addr(relayed), mapped = addr("198.51.100.1:40000");
    ck_assert_int_eq(
        kith_ice_add_relay(ice_of(net, LEFT), &address, &mapped, RELAY_URL, KITH_SERVER_UDP),
        KITH_OK);
}

static void add_signalled(struct net *net, const char *line)
{
    kith_candidate candidate;
    ck_assert(kith_candidate_parse(&candidate, kith_span_text(line)));
    kith_ice_add_remote(ice_of(net, LEFT), &candidate);
}

static size_t count_pairs(struct net *net)
{
    kith_ice_pair_info info;
    size_t count = 0;
    while (kith_ice_pair_at(ice_of(net, LEFT), count, &info))
        count++;
    return count;
}

START_TEST(a_relayed_address_is_a_candidate_that_is_told_with_its_server)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    kith_address relayed = addr("203.0.113.7:50000"), mapped = addr("198.51.100.1:40000");
    add_relay(net, "203.0.113.7:50000");
    net_run(net, KITH_MS(20));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 1);
    const kith_candidate *c = &net->peers[LEFT].last_candidate;
    ck_assert_int_eq(c->type, KITH_CANDIDATE_RELAY);
    ck_assert(kith_address_equal(&c->address, &relayed));
    ck_assert(kith_address_equal(&c->related, &mapped));
    ck_assert_uint_eq(c->priority >> 24, 3);
    ck_assert_str_eq(net->peers[LEFT].last_url, RELAY_URL);
    net_free(net);
}
END_TEST

/* Below all else, and the better the way to the server the higher. */
START_TEST(a_relays_priority_says_how_its_server_is_reached)
{
    static const struct {
        kith_server_transport transport;
        uint32_t preference;
    } rows[] = {
        {KITH_SERVER_UDP, 3}, {KITH_SERVER_DTLS, 2}, {KITH_SERVER_TCP, 1}, {KITH_SERVER_TLS, 0}};
    char foundations[4][KITH_FOUNDATION_MAX + 1];
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    kith_address mapped = addr("198.51.100.1:40000");
    for (size_t i = 0; i < 4; i++) {
        kith_address relayed = addr("203.0.113.7:50000");
        relayed.port = (uint16_t)(relayed.port + i);
        ck_assert_int_eq(
            kith_ice_add_relay(ice_of(net, LEFT), &relayed, &mapped, RELAY_URL, rows[i].transport),
            KITH_OK);
        net_run(net, KITH_MS(20));
        const kith_candidate *c = &net->peers[LEFT].last_candidate;
        ck_assert_uint_eq(c->priority >> 24, rows[i].preference);
        strcpy(foundations[i], c->foundation);
        for (size_t n = 0; n < i; n++)
            ck_assert_str_ne(foundations[n], foundations[i]);
    }
    net_free(net);
}
END_TEST

START_TEST(relay_only_tells_relays_alone_and_hides_what_the_server_sees)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    kith_ice_set_relay_only(ice_of(net, LEFT), true);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_relay(net, "203.0.113.7:50000");
    add_signalled(net, "candidate:1 1 udp 1 198.51.100.2 2000 typ host");
    net_run(net, KITH_MS(20));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 1);
    const kith_candidate *c = &net->peers[LEFT].last_candidate;
    kith_address hidden = {.family = KITH_IPV4, .port = 9};
    ck_assert_int_eq(c->type, KITH_CANDIDATE_RELAY);
    ck_assert(kith_address_equal(&c->related, &hidden));
    ck_assert_uint_eq(count_pairs(net), 1);
    net_free(net);
}
END_TEST

START_TEST(another_policy_holds_from_the_next_generation_on)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    kith_ice_set_relay_only(ice_of(net, LEFT), true);
    add_socket(net, LEFT, "192.0.2.2:1000");
    net_run(net, KITH_MS(20));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 2);
    ck_assert_int_eq(kith_ice_restart(ice_of(net, LEFT)), KITH_OK);
    add_socket(net, LEFT, "192.0.2.3:1000");
    net_run(net, KITH_MS(20));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 2);
    net_free(net);
}
END_TEST

START_TEST(a_relay_is_not_paired_with_the_address_behind_a_name)
{
    struct net *net = net_new();
    kith_candidate candidate;
    add_relay(net, "203.0.113.7:50000");
    ck_assert(kith_candidate_parse(
        &candidate, kith_span_text("candidate:1 1 udp 1 secret.local 2000 typ host")));
    candidate.address = addr("198.51.100.2:2000");
    kith_ice_add_remote(ice_of(net, LEFT), &candidate);
    ck_assert_uint_eq(count_pairs(net), 0);
    add_socket(net, LEFT, "192.0.2.1:1000");
    ck_assert_uint_eq(count_pairs(net), 1);
    net_free(net);
}
END_TEST

START_TEST(a_refusal_of_the_server_fails_the_pairs_with_that_peer_alone)
{
    struct net *net = net_new();
    kith_ice_pair_info info;
    kith_address relayed = addr("203.0.113.7:50000"), peer = addr("198.51.100.2");
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_relay(net, "203.0.113.7:50000");
    add_signalled(net, "candidate:1 1 udp 1 198.51.100.2 2000 typ host");
    add_signalled(net, "candidate:1 1 udp 1 198.51.100.2 2001 typ host");
    add_signalled(net, "candidate:1 1 udp 1 198.51.100.3 2000 typ host");
    kith_ice_relay_refused(ice_of(net, LEFT), &relayed, &peer, "refused");
    size_t failed = 0;
    for (size_t i = 0; kith_ice_pair_at(ice_of(net, LEFT), i, &info); i++)
        if (info.why_failed) {
            failed++;
            ck_assert(kith_address_equal(&info.path.local, &relayed));
            ck_assert(kith_address_same_ip(&info.path.remote, &peer));
        }
    ck_assert_uint_eq(failed, 2);
    net_free(net);
}
END_TEST

START_TEST(a_relay_that_is_gone_takes_its_pairs_along)
{
    struct net *net = net_new();
    kith_ice_pair_info info;
    kith_address relayed = addr("203.0.113.7:50000");
    add_relay(net, "203.0.113.7:50000");
    add_signalled(net, "candidate:1 1 udp 1 198.51.100.2 2000 typ host");
    kith_ice_remove_local(ice_of(net, LEFT), &relayed, KITH_TCPTYPE_NONE);
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_ptr_nonnull(info.why_failed);
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: candidates", priorities_prefer_the_first_added_and_interleave_the_families,
          one_foundation_for_each_kind_and_base, only_sockets_of_ours_become_candidates,
          relay_only_tells_and_pairs_no_host_candidate_and_answers_nobody,
          an_external_address_is_told_beside_the_socket_with_its_own_priority,
          a_hidden_socket_is_used_and_neither_told_nor_related,
          a_local_preference_that_is_given_is_kept, remote_candidates_that_lead_nowhere_are_ignored,
          a_candidate_after_the_end_is_used, loopback_and_link_local_pair_only_with_their_like,
          a_link_local_connection_works_across_zones,
          a_peer_behind_a_symmetric_nat_is_learnt_as_peer_reflexive,
          a_signalled_candidate_replaces_the_discovered_one_and_keeps_its_nomination,
          a_flood_of_candidates_stays_within_the_limits,
          a_removed_address_takes_its_pairs_and_another_path_takes_over,
          losing_all_addresses_fails_when_the_last_consent_ends,
          losing_the_only_address_disconnects_and_fails_when_consent_ends,
          an_address_that_returns_is_used_again, a_thousand_addresses_may_come_and_go,
          a_relayed_address_is_a_candidate_that_is_told_with_its_server,
          a_relays_priority_says_how_its_server_is_reached,
          relay_only_tells_relays_alone_and_hides_what_the_server_sees,
          another_policy_holds_from_the_next_generation_on,
          a_relay_is_not_paired_with_the_address_behind_a_name,
          a_refusal_of_the_server_fails_the_pairs_with_that_peer_alone,
          a_relay_that_is_gone_takes_its_pairs_along)
