/* Gathering from a STUN server: what becomes of answers, of errors and of silence, and keeping
 * bindings. */
#include "net.h"

#define URL "stun:stun.example.org"

static struct net *net_with_server(void)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    net->server = addr("203.0.113.200:3478");
    net->natted[net->natted_count++] = addr("10.0.0.1:1000");
    add_socket(net, LEFT, "10.0.0.1:1000");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &net->server, URL), KITH_OK);
    kith_ice_end_local(ice_of(net, LEFT));
    return net;
}

START_TEST(a_server_reflexive_candidate_is_told_with_its_base_and_url)
{
    struct net *net = net_with_server();
    kith_time start = net->now;
    kith_address outside = addr("203.0.113.1:40001"), base = addr("10.0.0.1:1000");
    net_run(net, KITH_MS(20));
    ck_assert_int_eq(net->peers[LEFT].first_sent_at, start);
    ck_assert_uint_eq(net->peers[LEFT].candidates, 2);
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    const kith_candidate *c = &net->peers[LEFT].last_candidate;
    ck_assert_int_eq(c->type, KITH_CANDIDATE_SRFLX);
    ck_assert(kith_address_equal(&c->address, &outside));
    ck_assert(kith_address_equal(&c->related, &base));
    ck_assert_uint_eq(c->priority >> 24, 100);
    ck_assert_str_eq(c->ufrag, kith_ice_local_ufrag(ice_of(net, LEFT)));
    ck_assert_str_eq(net->peers[LEFT].last_url, URL);
    net_free(net);
}
END_TEST

START_TEST(without_a_nat_the_mapping_is_redundant)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    net->server = addr("203.0.113.200:3478");
    add_socket(net, LEFT, "192.0.2.1:1000");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &net->server, URL), KITH_OK);
    kith_ice_end_local(ice_of(net, LEFT));
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(net->peers[LEFT].candidates, 1);
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    net_free(net);
}
END_TEST

START_TEST(a_dead_server_is_reported_as_701_and_delays_only_the_end_of_gathering)
{
    struct net *net = net_with_server();
    net->server_is_dead = true;
    net_run(net, KITH_MS(2400));
    ck_assert_uint_eq(net->peers[LEFT].gathered, 0);
    ck_assert_uint_eq(net->peers[LEFT].candidates, 1);
    net_run(net, KITH_MS(200));
    ck_assert_uint_eq(net->server_requests, 3);
    ck_assert_uint_eq(net->peers[LEFT].candidate_errors, 1);
    ck_assert_int_eq(net->peers[LEFT].last_error_code, 701);
    ck_assert_str_eq(net->peers[LEFT].last_url, URL);
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    net_free(net);
}
END_TEST

START_TEST(the_end_of_patience_fails_servers_that_have_not_answered)
{
    struct net *net = net_with_server();
    net->server_is_dead = true;
    net_run(net, KITH_MS(700));
    kith_ice_end_gathering(ice_of(net, LEFT));
    net_run(net, KITH_MS(1));
    ck_assert_uint_eq(net->server_requests, 2);
    ck_assert_uint_eq(net->peers[LEFT].candidate_errors, 1);
    ck_assert_int_eq(net->peers[LEFT].last_error_code, 701);
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    net_run(net, KITH_SECONDS(10));
    ck_assert_uint_eq(net->server_requests, 2);
    net_free(net);
}
END_TEST

START_TEST(errors_of_the_server_are_candidate_errors_and_redirection_is_not_followed)
{
    static const int codes[] = {300, 400, 401, 420, 500};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct net *net = net_with_server();
        net->server_error = codes[i];
        net_run(net, KITH_SECONDS(1));
        ck_assert_uint_eq(net->peers[LEFT].candidate_errors, 1);
        ck_assert_int_eq(net->peers[LEFT].last_error_code, codes[i]);
        ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
        ck_assert_uint_eq(net->server_requests, 1);
        net_free(net);
    }
}
END_TEST

START_TEST(an_answer_from_elsewhere_or_twice_changes_nothing)
{
    struct net *net = net_with_server();
    kith_ice *ice = ice_of(net, LEFT);
    uint8_t request[200], buf[200];
    kith_path path, elsewhere;
    kith_stun m;
    kith_address seen = addr("203.0.113.77:7");
    net->server_is_dead = true;
    size_t len = kith_ice_output(ice, net->now, &path, request, sizeof request);
    ck_assert(kith_stun_parse(&m, request, len));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_SUCCESS, KITH_STUN_BINDING, m.id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &seen);
    kith_stun_end(&w);
    elsewhere = path;
    elsewhere.remote.port++;
    ck_assert(!input(ice, net->now, &elsewhere, buf, w.len));
    ck_assert_uint_eq(kith_ice_get_counters(ice)->unknown_transaction, 1);
    ck_assert(input(ice, net->now, &path, buf, w.len));
    ck_assert_uint_eq(ice->newest->local_count, 2);
    ck_assert(!input(ice, net->now, &path, buf, w.len));
    ck_assert_uint_eq(ice->newest->local_count, 2);
    net_free(net);
}
END_TEST

START_TEST(the_binding_is_refreshed_every_fifteen_seconds_until_a_pair_is_selected)
{
    struct net *net = net_with_server();
    net_run(net, KITH_SECONDS(61));
    ck_assert_uint_eq(net->server_requests, 5); /* at 0, 15, 30, 45 and 60 s */
    add_socket(net, RIGHT, "203.0.113.2:2000");
    exchange_credentials(net);
    kith_candidate c = host("203.0.113.2:2000");
    kith_ice_add_remote(ice_of(net, LEFT), &c);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    net_run(net, KITH_SECONDS(60));
    ck_assert_uint_eq(net->server_requests, 5);
    net_free(net);
}
END_TEST

START_TEST(requests_are_paced_and_checks_do_not_wait_for_them)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    net->server = addr("203.0.113.200:3478");
    add_socket(net, RIGHT, "203.0.113.2:2000");
    for (int i = 0; i < 6; i++) {
        char text[30];
        snprintf(text, sizeof text, "192.0.2.1:%d", 1000 + i);
        add_socket(net, LEFT, text);
    }
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &net->server, URL), KITH_OK);
    kith_ice_end_local(ice_of(net, LEFT));
    exchange_credentials(net);
    kith_candidate c = host("203.0.113.2:2000");
    kith_ice_add_remote(ice_of(net, LEFT), &c);
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_connected));
    ck_assert_int_le(net->now - start, 4 * net->delay);
    net_run(net, start + KITH_MS(40) - net->now);
    ck_assert_uint_le(net->server_requests, 1);
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(net->server_requests, 6);
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    net_free(net);
}
END_TEST

START_TEST(families_and_scopes_ask_only_their_own_servers)
{
    struct net *net = net_new();
    kith_address server = addr("[2001:db8::53]:3478");
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, LEFT, "127.0.0.1:1001");
    add_socket(net, LEFT, "[fe80::1%2]:1002");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &server, URL), KITH_OK);
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(net->peers[LEFT].sent, 0);
    add_socket(net, LEFT, "[2001:db8::1]:1003");
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_ge(net->peers[LEFT].sent, 1);
    net_free(net);
}
END_TEST

/* What a server would see could not be told any more (RFC 8838 section 14). */
START_TEST(no_server_is_asked_after_the_end_of_gathering)
{
    struct net *net = net_new();
    kith_address server = addr("203.0.113.200:3478");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &server, URL), KITH_OK);
    kith_ice_end_local(ice_of(net, LEFT));
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(net->peers[LEFT].gathered, 1);
    for (int i = 0; i < 2; i++) {
        add_socket(net, LEFT, "192.0.2.1:1000");
        net_run(net, KITH_SECONDS(1));
        ck_assert_uint_eq(net->peers[LEFT].sent, 0);
        ck_assert_uint_eq(net->peers[LEFT].candidates, 0);
        kith_ice_remove_local(ice_of(net, LEFT), &net->peers[LEFT].sockets[0], KITH_TCPTYPE_NONE);
    }
    net_free(net);
}
END_TEST

/* Two port-restricted NATs: only simultaneous checks between what the server saw get through. */
START_TEST(server_reflexive_candidates_traverse_two_nats)
{
    struct net *net = net_new();
    net->server = addr("203.0.113.200:3478");
    net->signal_delay = KITH_MS(30);
    net->is_restricted = true;
    net->natted[net->natted_count++] = addr("10.0.0.1:1000");
    net->natted[net->natted_count++] = addr("10.0.1.1:2000");
    add_socket(net, LEFT, "10.0.0.1:1000");
    add_socket(net, RIGHT, "10.0.1.1:2000");
    exchange_credentials(net);
    for (int side = LEFT; side <= RIGHT; side++)
        ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, side), &net->server, URL), KITH_OK);
    end_local(net);
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(2), both_selected));
    ck_assert_int_le(net->now - start, KITH_MS(250));
    net_run(net, KITH_SECONDS(60));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    kith_ice_pair_info pair;
    kith_ice_candidate_info info;
    for (size_t i = 0; kith_ice_pair_at(ice_of(net, LEFT), i, &pair); i++)
        for (size_t k = 0; pair.selected && kith_ice_candidate_at(ice_of(net, LEFT), k, &info); k++)
            if (info.id == pair.local_id || info.id == pair.remote_id)
                ck_assert_int_eq(info.candidate->type, KITH_CANDIDATE_SRFLX);
    net_free(net);
}
END_TEST

START_TEST(bad_servers_and_too_many_are_the_callers_fault)
{
    struct net *net = net_new();
    kith_address none = {0}, server = addr("203.0.113.200:1");
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &none, URL), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &server, NULL), KITH_ERR_TYPE);
    for (int i = 0; i < KITH_ICE_MAX_SERVERS; i++) {
        server.port++;
        ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &server, URL), KITH_OK);
    }
    server.port++;
    ck_assert_int_eq(kith_ice_add_stun_server(ice_of(net, LEFT), &server, URL), KITH_ERR_RANGE);
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: gather", a_server_reflexive_candidate_is_told_with_its_base_and_url,
          without_a_nat_the_mapping_is_redundant,
          a_dead_server_is_reported_as_701_and_delays_only_the_end_of_gathering,
          the_end_of_patience_fails_servers_that_have_not_answered,
          errors_of_the_server_are_candidate_errors_and_redirection_is_not_followed,
          an_answer_from_elsewhere_or_twice_changes_nothing,
          the_binding_is_refreshed_every_fifteen_seconds_until_a_pair_is_selected,
          requests_are_paced_and_checks_do_not_wait_for_them,
          families_and_scopes_ask_only_their_own_servers,
          no_server_is_asked_after_the_end_of_gathering,
          server_reflexive_candidates_traverse_two_nats,
          bad_servers_and_too_many_are_the_callers_fault)
