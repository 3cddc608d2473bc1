/* The way to a TURN server by TCP: when it is taken, what goes wrong on it and what follows,
 * against the model server of the simulator. */
#include <stdio.h>
#include <string.h>

#include "../../sim/duo.h"
#include "../../sim/tcp.h"
#include "../../sim/turn.h"
#include "../tls/authority.h"
#include "../unit.h"
#include "base/address.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)
#define TURN_IP  "203.0.113.7"
#define BY_UDP   "turn:" TURN_IP
#define BY_TCP   "turn:" TURN_IP "?transport=tcp"

static struct {
    unsigned errors, relayed;
    uint32_t priority;
    int code;
    char text[200], url[100];
} seen;

static void note(host *h, const kith_event *ev, void *user)
{
    (void)h, (void)user;
    if (ev->type == KITH_EV_ICE_CANDIDATE && strstr(ev->ice_candidate.candidate, " typ relay")) {
        kith_candidate_fields fields = KITH_CANDIDATE_FIELDS_INIT;
        OK(kith_candidate_fields_parse(&fields, ev->ice_candidate.candidate));
        seen.relayed++;
        seen.priority = fields.priority;
    }
    if (ev->type != KITH_EV_ICE_CANDIDATE_ERROR)
        return;
    seen.errors++;
    seen.code = ev->ice_candidate_error.error_code;
    snprintf(seen.text, sizeof seen.text, "%s", ev->ice_candidate_error.error_text);
    snprintf(seen.url, sizeof seen.url, "%s", ev->ice_candidate_error.url);
}

/* One peer that gathers from one server by its URLs. */
struct gatherer {
    world *world;
    host *host;
    kith_pc *pc;
    turn_server *server;
};

static struct gatherer begin_with(const char *const *urls, size_t count)
{
    struct gatherer g = {.world = world_new(1)};
    const kith_ice_server server = {
        .urls = urls, .url_count = count, .username = TURN_USER, .credential = TURN_PASSWORD};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    memset(&seen, 0, sizeof seen);
    g.host = world_add_host(g.world, "left", "192.0.2.1", NAT_NONE, (link_config){0});
    g.host->link.delay = KITH_MS(20);
    ck_assert(host_add_tcp(g.host, 0));
    g.host->on_event = note;
    g.server = world_add_turn_server(g.world, TURN_IP, KITH_MS(20));
    turn_listen(g.server);
    OK(kith_pc_new(&g.pc, g.host->endpoint, &config));
    OK(kith_pc_create_data_channel(g.pc, "x", NULL, NULL));
    return g;
}

static struct gatherer begin(void)
{
    static const char *const urls[] = {BY_TCP};
    return begin_with(urls, 1);
}

static void run(struct gatherer *g, kith_time time)
{
    world_run(g->world, time, NULL, NULL);
}

static void gather(struct gatherer *g, kith_time limit)
{
    OK(kith_pc_set_local_description(g->pc, NULL));
    run(g, limit);
    ck_assert_int_eq(kith_pc_ice_gathering_state(g->pc), KITH_ICE_GATHERING_STATE_COMPLETE);
}

/* Nothing of it is left anywhere. */
static void end(struct gatherer *g)
{
    kith_pc_free(g->pc);
    run(g, KITH_SECONDS(1));
    ck_assert_uint_eq(turn_count(g->server).connected, 0);
    ck_assert_uint_eq(turn_count(g->server).live, 0);
    world_free(g->world);
}

static void expect_701(const char *words)
{
    ck_assert_uint_eq(seen.relayed, 0);
    ck_assert_uint_eq(seen.errors, 1);
    ck_assert_int_eq(seen.code, 701);
    ck_assert_msg(strstr(seen.text, words), "\"%s\"", seen.text);
    ck_assert_str_eq(seen.url, BY_TCP);
}

START_TEST(an_allocation_by_tcp_is_a_candidate_of_lower_priority)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(seen.errors, 0);
    ck_assert_uint_eq(seen.priority >> 24, 1); /* 3 by UDP */
    ck_assert_uint_eq(turn_count(g.server).connections, 1);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(g.host->opened_count, 0); /* no UDP */
    end(&g);
}
END_TEST

START_TEST(the_allocation_is_given_back_and_the_connection_closed)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    kith_pc_close(g.pc);
    run(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(turn_count(g.server).released, 1);
    end(&g);
}
END_TEST

static const char *const both[] = {BY_TCP, BY_UDP};

START_TEST(a_server_that_answers_by_udp_is_not_connected_to)
{
    struct gatherer g = begin_with(both, 2);
    gather(&g, KITH_SECONDS(3));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(seen.priority >> 24, 3);
    ck_assert_uint_eq(turn_count(g.server).connections, 0);
    end(&g);
}
END_TEST

START_TEST(tcp_is_tried_when_udp_is_silent_for_600_ms)
{
    struct gatherer g = begin_with(both, 2);
    g.host->no_udp = true;
    OK(kith_pc_set_local_description(g.pc, NULL));
    run(&g, KITH_MS(599 + 20));
    ck_assert_uint_eq(turn_count(g.server).connections, 0);
    run(&g, KITH_MS(200));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(seen.priority >> 24, 1);
    run(&g, KITH_SECONDS(15));
    ck_assert_int_eq(kith_pc_ice_gathering_state(g.pc), KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_uint_eq(seen.errors, 0);
    ck_assert_uint_eq(g.host->opened_count, 0);
    end(&g);
}
END_TEST

START_TEST(udp_that_answers_late_is_used_beside_tcp_and_replaces_it)
{
    struct gatherer g = begin_with(both, 2);
    g.host->no_udp = true;
    OK(kith_pc_set_local_description(g.pc, NULL));
    run(&g, KITH_MS(900));
    ck_assert_uint_eq(seen.relayed, 1);
    g.host->no_udp = false;
    run(&g, KITH_SECONDS(3));
    ck_assert_uint_eq(turn_count(g.server).live, 2);
    /* The next gathering has UDP alone. */
    OK(kith_pc_set_local_description(g.pc, &(kith_session_description){KITH_SDP_ROLLBACK, NULL}));
    kith_pc_restart_ice(g.pc);
    OK(kith_pc_set_local_description(g.pc, NULL));
    run(&g, KITH_SECONDS(5));
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(an_error_by_udp_has_tcp_tried_at_once)
{
    struct gatherer g = begin_with(both, 2);
    turn_refuse(g.server, 486, "full");
    OK(kith_pc_set_local_description(g.pc, NULL));
    run(&g, KITH_MS(300));
    ck_assert_uint_eq(turn_count(g.server).connections, 1);
    run(&g, KITH_SECONDS(3));
    ck_assert_uint_eq(seen.errors, 2);
    ck_assert_int_eq(seen.code, 486);
    end(&g);
}
END_TEST

START_TEST(a_connection_that_is_refused_is_a_701)
{
    struct gatherer g = begin();
    turn_host(g.server)->tcp.port = 0;
    gather(&g, KITH_SECONDS(1));
    expect_701("refused");
    end(&g);
}
END_TEST

START_TEST(a_server_that_cannot_be_connected_to_is_a_701)
{
    struct gatherer g = begin();
    g.host->no_tcp = true;
    gather(&g, KITH_SECONDS(4));
    expect_701("did not answer");
    run(&g, KITH_SECONDS(10));
    ck_assert_uint_eq(seen.errors, 1);
    end(&g);
}
END_TEST

START_TEST(a_driver_without_tcp_has_no_relay_by_it)
{
    struct gatherer g = begin();
    kith_endpoint_remove_tcp_address(g.host->endpoint, &g.host->tcp);
    gather(&g, KITH_SECONDS(4));
    expect_701("no address");
    end(&g);
}
END_TEST

START_TEST(silence_after_connecting_is_a_701)
{
    struct gatherer g = begin();
    turn_be_odd(g.server, TURN_IS_SILENT);
    gather(&g, KITH_SECONDS(4));
    expect_701("did not answer");
    run(&g, KITH_SECONDS(10));
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(half_a_message_is_none)
{
    struct gatherer g = begin();
    turn_be_odd(g.server, TURN_SAYS_HALF);
    gather(&g, KITH_SECONDS(4));
    expect_701("did not answer");
    run(&g, KITH_SECONDS(10));
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(another_protocol_is_a_701_at_once)
{
    struct gatherer g = begin();
    turn_be_odd(g.server, TURN_SAYS_GARBAGE);
    gather(&g, KITH_SECONDS(1));
    expect_701("no TURN");
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(a_server_that_hangs_up_is_a_701)
{
    struct gatherer g = begin();
    turn_be_odd(g.server, TURN_CLOSES);
    gather(&g, KITH_SECONDS(1));
    expect_701("closed the connection");
    ck_assert_uint_eq(turn_count(g.server).connections, 1);
    end(&g);
}
END_TEST

START_TEST(credentials_that_are_wrong_are_a_401_and_not_tried_again)
{
    struct gatherer g = begin();
    turn_set_user(g.server, TURN_USER, "another");
    gather(&g, KITH_SECONDS(1));
    ck_assert_int_eq(seen.code, 401);
    ck_assert_uint_eq(seen.errors, 1);
    ck_assert_uint_eq(turn_count(g.server).challenges, 2);
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(a_quota_that_is_reached_is_told_with_the_servers_words)
{
    struct gatherer g = begin();
    turn_refuse(g.server, 486, "no more for you");
    gather(&g, KITH_SECONDS(1));
    ck_assert_int_eq(seen.code, 486);
    ck_assert_str_eq(seen.text, "no more for you");
    end(&g);
}
END_TEST

START_TEST(after_437_another_connection_is_made_three_times)
{
    struct gatherer g = begin();
    turn_refuse(g.server, 437, NULL);
    gather(&g, KITH_SECONDS(2));
    ck_assert_int_eq(seen.code, 437);
    ck_assert_uint_eq(turn_count(g.server).connections, 3);
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(a_nonce_that_is_stale_at_each_request_costs_a_request)
{
    struct gatherer g = begin();
    turn_expire_nonces(g.server, true);
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.relayed, 1);
    run(&g, KITH_SECONDS(3600));
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(turn_count(g.server).allocations, 1);
    ck_assert_uint_ge(turn_count(g.server).stale, 6);
    ck_assert_uint_eq(turn_count(g.server).connections, 1);
    end(&g);
}
END_TEST

START_TEST(a_redirection_is_another_connection)
{
    struct gatherer g = begin();
    turn_server *other = world_add_turn_server(g.world, "203.0.113.8", KITH_MS(20));
    turn_listen(other);
    turn_redirect(g.server, "203.0.113.8:3478");
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(turn_count(other).live, 1);
    ck_assert_uint_eq(turn_count(other).connections, 1);
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
}
END_TEST

START_TEST(a_connection_that_is_reset_is_made_again_with_an_allocation)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    host_reset_tcp(turn_host(g.server));
    run(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(turn_count(g.server).connections, 2);
    ck_assert_uint_eq(turn_count(g.server).allocations, 2);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(seen.errors, 0);
    end(&g);
}
END_TEST

START_TEST(a_server_that_is_restarted_for_5_s_is_found_again)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    turn_host(g.server)->tcp.port = 0;
    host_reset_tcp(turn_host(g.server));
    turn_restart(g.server);
    run(&g, KITH_SECONDS(5));
    turn_listen(g.server);
    run(&g, KITH_SECONDS(3));
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(seen.errors, 0);
    end(&g);
}
END_TEST

START_TEST(a_server_that_does_not_come_back_is_given_up_and_asked_at_the_next_gathering)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    turn_host(g.server)->tcp.port = 0;
    host_reset_tcp(turn_host(g.server));
    run(&g, KITH_SECONDS(60));
    ck_assert_uint_eq(turn_count(g.server).connections, 1);
    turn_listen(g.server);
    OK(kith_pc_set_local_description(g.pc, &(kith_session_description){KITH_SDP_ROLLBACK, NULL}));
    kith_pc_restart_ice(g.pc);
    gather(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    end(&g);
}
END_TEST

/* No packet of the server arrives, and the system does not notice. */
START_TEST(a_server_that_falls_silent_has_its_connection_replaced)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    turn_be_odd(g.server, TURN_IS_SILENT);
    run(&g, KITH_SECONDS(560)); /* a Refresh at 540 s, given up 9.5 s later */
    ck_assert_uint_eq(turn_count(g.server).connections, 2);
    turn_be_odd(g.server, TURN_SERVES);
    end(&g);
}
END_TEST

static void change_address(struct gatherer *g)
{
    kith_address other;
    OK(kith_address_parse(&other, "198.51.100.1"));
    OK(kith_endpoint_add_tcp_address(g->host->endpoint, &other));
    kith_endpoint_remove_tcp_address(g->host->endpoint, &g->host->tcp);
    run(g, KITH_SECONDS(1));
}

START_TEST(when_the_address_goes_another_one_is_connected_from)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    change_address(&g);
    ck_assert_uint_eq(turn_count(g.server).connections, 2);
    ck_assert_uint_eq(turn_count(g.server).connected, 1);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    end(&g);
}
END_TEST

/* As a host does that changes its network: the addresses of the new one come after, UDP's first. */
START_TEST(when_no_address_is_left_one_that_comes_is_connected_from)
{
    struct gatherer g = begin();
    gather(&g, KITH_SECONDS(1));
    kith_address udp = g.host->address, tcp = g.host->tcp;
    kith_endpoint_remove_local_address(g.host->endpoint, &udp);
    kith_endpoint_remove_tcp_address(g.host->endpoint, &tcp);
    run(&g, KITH_SECONDS(1));
    OK(kith_endpoint_add_local_address(g.host->endpoint, &udp));
    OK(kith_endpoint_add_tcp_address(g.host->endpoint, &tcp));
    run(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(turn_count(g.server).connections, 2);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    ck_assert_uint_eq(seen.errors, 0);
    end(&g);
}
END_TEST

/* ---- TLS ---- */

#define NAME   "turn.example.org"
#define BY_TLS "turns:" NAME

/* One that trusts `roots` at `unix_seconds`; the server shows what `a` issued. */
static struct gatherer begin_tls(const char *url, const authority *a, const char *roots,
                                 int64_t unix_seconds)
{
    const char *const urls[] = {url};
    kith_tls_context *context;
    world_trust(roots, unix_seconds);
    struct gatherer g = begin_with(urls, 1);
    world_trust(NULL, 0);
    OK(kith_tls_server_context(&context, a->certificates, a->private_key));
    turn_listen_tls(g.server, context);
    world_add_name(g.world, NAME, TURN_IP, KITH_MS(1));
    return g;
}

START_TEST(by_tls_a_certificate_of_the_name_is_believed)
{
    authority a;
    authority_init(&a, &(authority_options){.name = NAME});
    struct gatherer g = begin_tls(BY_TLS, &a, a.root, AUTHORITY_NOW);
    gather(&g, KITH_SECONDS(1));
    ck_assert_msg(seen.errors == 0, "%s", seen.text);
    ck_assert_uint_eq(seen.relayed, 1);
    ck_assert_uint_eq(seen.priority >> 24, 0);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    end(&g);
    authority_deinit(&a);
}
END_TEST

START_TEST(by_tls_an_address_is_as_good_as_a_name)
{
    authority a;
    authority_init(&a, &(authority_options){.address = TURN_IP});
    struct gatherer g = begin_tls("turns:" TURN_IP, &a, a.root, AUTHORITY_NOW);
    gather(&g, KITH_SECONDS(1));
    ck_assert_msg(seen.errors == 0, "%s", seen.text);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    end(&g);
    authority_deinit(&a);
}
END_TEST

/* What the server shows, who is trusted, when it is, and what is said of it. */
START_TEST(
    a_certificate_that_is_not_right_is_a_701_with_its_reason_and_nothing_is_said_to_the_server)
{
    static const struct {
        authority_options shown;
        bool trusts_another;
        const char *url;
        int64_t later;
        const char *words;
    } rows[] = {
        {{.name = "other.example.org"}, false, BY_TLS, 0, "hostname mismatch"},
        {{.common_name = NAME}, false, BY_TLS, 0, "hostname mismatch"},
        {{.name = NAME}, false, "turns:" TURN_IP, 0, "IP address mismatch"},
        {{.name = NAME}, false, BY_TLS, 91 * 86400, "certificate has expired"},
        {{.name = NAME}, false, BY_TLS, -91 * 86400, "certificate is not yet valid"},
        {{.name = NAME}, true, BY_TLS, 0, "unable to get local issuer certificate"},
        {{.name = NAME, .is_self_signed = true}, true, BY_TLS, 0, "self-signed certificate"},
        {{.name = NAME, .is_for_clients = true},
         false,
         BY_TLS,
         0,
         "unsuitable certificate purpose"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        authority a, another;
        authority_init(&a, &rows[i].shown);
        authority_init(&another, &(authority_options){.name = NAME, .issuer = "another"});
        struct gatherer g =
            begin_tls(rows[i].url, &a, rows[i].trusts_another ? another.root : a.root,
                      AUTHORITY_NOW + rows[i].later);
        gather(&g, KITH_SECONDS(1));
        ck_assert_uint_eq(seen.errors, 1);
        ck_assert_int_eq(seen.code, 701);
        ck_assert_msg(strncmp(seen.text, "TLS: ", 5) == 0 && strstr(seen.text, rows[i].words),
                      "\"%s\"", seen.text);
        ck_assert_str_eq(seen.url, rows[i].url);
        ck_assert_uint_eq(turn_count(g.server).connections, 1);
        ck_assert_uint_eq(turn_count(g.server).stream_bytes, 0);
        end(&g);
        authority_deinit(&a);
        authority_deinit(&another);
    }
}
END_TEST

START_TEST(a_server_that_speaks_no_tls_is_a_701)
{
    static const char *const urls[] = {"turns:" TURN_IP ":3478"};
    struct gatherer g = begin_with(urls, 1);
    turn_be_odd(g.server, TURN_SAYS_GARBAGE);
    gather(&g, KITH_SECONDS(1));
    ck_assert_int_eq(seen.code, 701);
    ck_assert_msg(strncmp(seen.text, "TLS: ", 5) == 0, "\"%s\"", seen.text);
    end(&g);
}
END_TEST

START_TEST(a_server_that_is_silent_to_tls_is_a_701)
{
    authority a;
    authority_init(&a, &(authority_options){.name = NAME});
    struct gatherer g = begin_tls(BY_TLS, &a, a.root, AUTHORITY_NOW);
    turn_be_odd(g.server, TURN_IS_SILENT);
    gather(&g, KITH_SECONDS(4));
    ck_assert_uint_eq(seen.errors, 1);
    ck_assert_int_eq(seen.code, 701);
    run(&g, KITH_SECONDS(10));
    ck_assert_uint_eq(turn_count(g.server).connected, 0);
    end(&g);
    authority_deinit(&a);
}
END_TEST

START_TEST(by_tls_what_is_said_is_said_as_by_tcp)
{
    authority a;
    authority_init(&a, &(authority_options){.name = NAME});
    struct gatherer g = begin_tls(BY_TLS, &a, a.root, AUTHORITY_NOW);
    turn_refuse(g.server, 486, "no more for you");
    gather(&g, KITH_SECONDS(1));
    ck_assert_int_eq(seen.code, 486);
    end(&g);
    g = begin_tls(BY_TLS, &a, a.root, AUTHORITY_NOW);
    gather(&g, KITH_SECONDS(1));
    host_reset_tcp(turn_host(g.server));
    run(&g, KITH_SECONDS(1));
    ck_assert_uint_eq(turn_count(g.server).connections, 2);
    ck_assert_uint_eq(turn_count(g.server).live, 1);
    end(&g);
    authority_deinit(&a);
}
END_TEST

START_TEST(a_redirection_by_tls_names_whose_certificate_is_right)
{
    static const char *const domains[] = {NULL, "other.example.org", "third.example.org"};
    for (size_t i = 0; i < 3; i++) {
        authority a, b;
        kith_tls_context *context;
        authority_init(&a, &(authority_options){.name = NAME});
        authority_init(&b, &(authority_options){.name = "other.example.org", .issuer = "b"});
        char both_roots[8000];
        snprintf(both_roots, sizeof both_roots, "%s%s", a.root, b.root);
        struct gatherer g = begin_tls(BY_TLS, &a, both_roots, AUTHORITY_NOW);
        turn_server *other = world_add_turn_server(g.world, "203.0.113.8", KITH_MS(20));
        OK(kith_tls_server_context(&context, b.certificates, b.private_key));
        turn_listen_tls(other, context);
        turn_redirect(g.server, "203.0.113.8:5349");
        turn_name_alternate(g.server, domains[i]);
        gather(&g, KITH_SECONDS(1));
        ck_assert_uint_eq(turn_count(other).connections, 1);
        ck_assert_uint_eq(turn_count(other).live, i == 1);
        ck_assert_uint_eq(seen.errors, i != 1);
        ck_assert(i == 1 || strstr(seen.text, "hostname mismatch"));
        if (i == 1) /* by another address it is as good */
            change_address(&g);
        ck_assert_uint_eq(turn_count(other).connections, i == 1 ? 2 : 1);
        ck_assert_uint_eq(turn_count(other).live, i == 1);
        ck_assert_uint_eq(seen.errors, i != 1);
        end(&g);
        authority_deinit(&a);
        authority_deinit(&b);
    }
}
END_TEST

UNIT_MAIN(
    "pc: relay_socket.c", an_allocation_by_tcp_is_a_candidate_of_lower_priority,
    the_allocation_is_given_back_and_the_connection_closed,
    a_server_that_answers_by_udp_is_not_connected_to, tcp_is_tried_when_udp_is_silent_for_600_ms,
    udp_that_answers_late_is_used_beside_tcp_and_replaces_it, an_error_by_udp_has_tcp_tried_at_once,
    a_connection_that_is_refused_is_a_701, a_server_that_cannot_be_connected_to_is_a_701,
    a_driver_without_tcp_has_no_relay_by_it, silence_after_connecting_is_a_701,
    half_a_message_is_none, another_protocol_is_a_701_at_once, a_server_that_hangs_up_is_a_701,
    credentials_that_are_wrong_are_a_401_and_not_tried_again,
    a_quota_that_is_reached_is_told_with_the_servers_words,
    after_437_another_connection_is_made_three_times,
    a_nonce_that_is_stale_at_each_request_costs_a_request, a_redirection_is_another_connection,
    a_connection_that_is_reset_is_made_again_with_an_allocation,
    a_server_that_is_restarted_for_5_s_is_found_again,
    a_server_that_does_not_come_back_is_given_up_and_asked_at_the_next_gathering,
    a_server_that_falls_silent_has_its_connection_replaced,
    when_the_address_goes_another_one_is_connected_from,
    when_no_address_is_left_one_that_comes_is_connected_from,
    by_tls_a_certificate_of_the_name_is_believed, by_tls_an_address_is_as_good_as_a_name,
    a_certificate_that_is_not_right_is_a_701_with_its_reason_and_nothing_is_said_to_the_server,
    a_server_that_speaks_no_tls_is_a_701, a_server_that_is_silent_to_tls_is_a_701,
    by_tls_what_is_said_is_said_as_by_tcp, a_redirection_by_tls_names_whose_certificate_is_right)
