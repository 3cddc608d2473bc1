/* What becomes of TURN servers: sockets, names, and addresses that a server may not give. */
#include <string.h>

#include "../../sim/duo.h"
#include "../../sim/turn.h"
#include "../unit.h"
#include "base/address.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)
#define TURN_IP  "203.0.113.7"

static struct {
    unsigned errors, relayed;
    int code;
    kith_ice_gathering_state gathering;
} seen;

static void note(host *h, const kith_event *ev, void *user)
{
    (void)h, (void)user;
    if (ev->type == KITH_EV_ICE_CANDIDATE && strstr(ev->ice_candidate.candidate, " typ relay"))
        seen.relayed++;
    if (ev->type != KITH_EV_ICE_CANDIDATE_ERROR)
        return;
    seen.errors++;
    seen.code = ev->ice_candidate_error.error_code;
}

/* One peer that gathers from one server. */
struct gatherer {
    world *world;
    host *host;
    kith_pc *pc;
    turn_server *server;
};

static struct gatherer begin(const char *url)
{
    struct gatherer g = {.world = world_new(1)};
    const char *const urls[] = {url};
    const kith_ice_server server = {
        .urls = urls, .url_count = 1, .username = TURN_USER, .credential = TURN_PASSWORD};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    memset(&seen, 0, sizeof seen);
    g.host = world_add_host(g.world, "left", "192.0.2.1", NAT_NONE, (link_config){0});
    g.host->on_event = note;
    g.server = world_add_turn_server(g.world, TURN_IP, KITH_MS(20));
    OK(kith_pc_new(&g.pc, g.host->endpoint, &config));
    OK(kith_pc_create_data_channel(g.pc, "x", NULL, NULL));
    return g;
}

static void gather(struct gatherer *g, kith_time limit)
{
    OK(kith_pc_set_local_description(g->pc, NULL));
    world_run(g->world, limit, NULL, NULL);
    ck_assert_int_eq(kith_pc_ice_gathering_state(g->pc), KITH_ICE_GATHERING_STATE_COMPLETE);
}

static void end(struct gatherer *g)
{
    kith_pc_free(g->pc);
    world_run(g->world, KITH_SECONDS(1), NULL, NULL);
    world_free(g->world);
}

START_TEST(a_server_is_asked_from_a_socket_of_its_own_that_is_closed_in_the_end)
{
    struct gatherer g = begin("turn:" TURN_IP);
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(g.host->opened_count, 1);
    kith_pc_free(g.pc);
    world_run(g.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(g.host->opened_count, 0);
    ck_assert_uint_eq(turn_count(g.server).live, 0);
    world_free(g.world);
}
END_TEST

START_TEST(a_server_is_found_by_its_name)
{
    struct gatherer g = begin("turn:turn.example.org");
    world_add_name(g.world, "turn.example.org", TURN_IP, KITH_MS(30));
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.relayed, 1);
    end(&g);
}
END_TEST

START_TEST(without_a_socket_there_is_an_error_and_gathering_ends)
{
    struct gatherer g = begin("turn:" TURN_IP);
    g.host->no_ports = true;
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.errors, 1);
    ck_assert_int_eq(seen.code, 701);
    end(&g);
}
END_TEST

START_TEST(a_late_answer_is_used_after_the_end_of_gathering)
{
    struct gatherer g = begin("turn:" TURN_IP);
    turn_host(g.server)->link.delay = KITH_MS(2000);
    gather(&g, KITH_MS(3500));
    ck_assert_uint_eq(seen.errors, 1);
    ck_assert_uint_eq(seen.relayed, 0);
    world_run(g.world, KITH_SECONDS(5), NULL, NULL);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(seen.errors, 1);
    end(&g);
}
END_TEST

START_TEST(when_the_address_goes_another_one_is_allocated_from)
{
    struct gatherer g = begin("turn:" TURN_IP);
    network *first = host_network(g.host, "192.0.2.1");
    host_network(g.host, "198.51.100.1");
    gather(&g, KITH_SECONDS(1));
    host_network_down(g.host, first);
    world_run(g.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(turn_count(g.server).allocations, 2);
    ck_assert_uint_eq(g.host->opened_count, 1);
    kith_address other;
    OK(kith_address_parse(&other, "198.51.100.1"));
    ck_assert(kith_address_same_ip(&g.host->opened[0], &other));
    end(&g);
}
END_TEST

#define TURN_NAME "turn.example.org"
#define TURN_IPV6 "2001:db8::7"

/* A server with addresses of both families, each a server of its own in the simulator. */
struct pair {
    struct gatherer g;
    turn_server *ipv6;
};

static struct pair begin_both(void)
{
    struct pair p = {.g = begin("turn:" TURN_NAME)};
    p.ipv6 = world_add_turn_server(p.g.world, TURN_IPV6, KITH_MS(20));
    host_network(p.g.host, "2001:db8::1");
    world_add_name(p.g.world, TURN_NAME, TURN_IP, KITH_MS(30));
    world_add_name(p.g.world, TURN_NAME, TURN_IPV6, KITH_MS(30));
    return p;
}

START_TEST(a_servers_ipv6_address_is_asked_first_and_its_ipv4_address_not_at_all)
{
    struct pair p = begin_both();
    gather(&p.g, KITH_SECONDS(2));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(turn_count(p.ipv6).live, 1);
    ck_assert_uint_eq(turn_count(p.g.server).challenges, 0);
    end(&p.g);
}
END_TEST

START_TEST(a_silent_ipv6_address_costs_a_quarter_of_a_second)
{
    struct pair p = begin_both();
    turn_host(p.ipv6)->deaf = true;
    OK(kith_pc_set_local_description(p.g.pc, NULL));
    world_run(p.g.world, KITH_MS(30 + 249), NULL, NULL);
    ck_assert_uint_eq(turn_count(p.g.server).challenges, 0);
    world_run(p.g.world, KITH_MS(100), NULL, NULL);
    ck_assert_uint_eq(turn_count(p.g.server).live, 1);
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_int_eq(kith_pc_ice_gathering_state(p.g.pc), KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_uint_eq(seen.errors, 0);
    world_run(p.g.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(p.g.host->opened_count, 1);
    end(&p.g);
}
END_TEST

START_TEST(of_two_allocations_on_one_server_the_later_is_given_back)
{
    struct pair p = begin_both();
    turn_host(p.ipv6)->link.delay = KITH_MS(180);
    gather(&p.g, KITH_SECONDS(3));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(turn_count(p.ipv6).allocations, 1);
    ck_assert_uint_eq(turn_count(p.g.server).allocations, 1);
    ck_assert_uint_eq(turn_count(p.ipv6).live + turn_count(p.g.server).live, 1);
    ck_assert_uint_eq(p.g.host->opened_count, 1);
    end(&p.g);
}
END_TEST

START_TEST(a_refusal_at_one_address_has_the_other_asked_at_once)
{
    struct pair p = begin_both();
    turn_refuse(p.ipv6, 403, "not by IPv6");
    OK(kith_pc_set_local_description(p.g.pc, NULL));
    world_run(p.g.world, KITH_MS(200), NULL, NULL);
    ck_assert_uint_eq(turn_count(p.g.server).live, 1);
    ck_assert_uint_eq(seen.relayed, 1);
    end(&p.g);
}
END_TEST

START_TEST(a_redirection_is_followed_to_another_server_and_not_to_ourselves)
{
    struct gatherer g = begin("turn:" TURN_IP);
    turn_server *other = world_add_turn_server(g.world, "203.0.113.8", KITH_MS(20));
    turn_redirect(g.server, "203.0.113.8:3478");
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(turn_count(other).live, 1);
    end(&g);
    g = begin("turn:" TURN_IP);
    turn_redirect(g.server, "192.0.2.1:3478");
    gather(&g, KITH_SECONDS(5));
    ck_assert_uint_eq(seen.relayed, 0);
    ck_assert_uint_eq(seen.errors, 1);
    ck_assert_int_eq(seen.code, 300);
    end(&g);
}
END_TEST

UNIT_MAIN("pc: relays.c", a_server_is_asked_from_a_socket_of_its_own_that_is_closed_in_the_end,
          a_server_is_found_by_its_name, without_a_socket_there_is_an_error_and_gathering_ends,
          a_late_answer_is_used_after_the_end_of_gathering,
          when_the_address_goes_another_one_is_allocated_from,
          a_servers_ipv6_address_is_asked_first_and_its_ipv4_address_not_at_all,
          a_silent_ipv6_address_costs_a_quarter_of_a_second,
          of_two_allocations_on_one_server_the_later_is_given_back,
          a_refusal_at_one_address_has_the_other_asked_at_once,
          a_redirection_is_followed_to_another_server_and_not_to_ourselves)
