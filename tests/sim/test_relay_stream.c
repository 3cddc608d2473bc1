/* Peers that reach each other through a TURN server that they reach by TCP and TLS alone. */
#include <stdlib.h>
#include <string.h>

#include "../unit/tls/authority.h"
#include "../unit/unit.h"
#include "base/address.h"
#include "duo.h"
#include "tcp.h"
#include "turn.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

#define TURN_IP "203.0.113.7"

#define BY_TCP "turn:" TURN_IP "?transport=tcp"
#define BY_TLS "turns:" TURN_IP

static const char *const by_tcp[] = {BY_TCP};
static const char *const by_tls[] = {BY_TLS};
static const char *const by_all[] = {"turn:" TURN_IP, BY_TCP, BY_TLS};

static authority issuer;

static void setup(void)
{
    authority_init(&issuer, &(authority_options){.address = TURN_IP});
    world_trust(issuer.root, AUTHORITY_NOW);
}

static void teardown(void)
{
    world_trust(NULL, 0);
    authority_deinit(&issuer);
}

struct setting {
    const char *const *urls;
    size_t url_count;
    bool relay_only;
    /* RIGHT needs no server */
    bool left_alone;
    nat_type nats[2];
    link_config link;
};

/* A duo whose peers know the server, ready to offer. */
static turn_server *begin(duo *d, const struct setting *setting)
{
    static kith_ice_server server;
    static kith_pc_config configs[2];
    kith_tls_context *context;
    setup();
    server = (kith_ice_server){.urls = setting->urls,
                               .url_count = setting->url_count ? setting->url_count : 1,
                               .username = TURN_USER,
                               .credential = TURN_PASSWORD};
    duo_options options = {.link = setting->link};
    if (options.link.delay == 0)
        options.link.delay = KITH_MS(20);
    for (int side = LEFT; side <= RIGHT; side++) {
        configs[side] = (kith_pc_config)KITH_PC_CONFIG_INIT;
        configs[side].ice_servers = &server;
        configs[side].ice_server_count = setting->left_alone && side == RIGHT ? 0 : 1;
        configs[side].ice_tcp = KITH_ICE_TCP_NONE;
        if (setting->relay_only && configs[side].ice_server_count > 0)
            configs[side].ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
        options.configs[side] = &configs[side];
        options.nats[side] = setting->nats[side];
    }
    ck_assert(duo_init(d, &options));
    turn_server *s = world_add_turn_server(d->world, TURN_IP, KITH_MS(20));
    OK(kith_tls_server_context(&context, issuer.certificates, issuer.private_key));
    turn_listen(s);
    turn_listen_tls(s, context);
    for (int side = LEFT; side <= RIGHT; side++)
        ck_assert(host_add_tcp(d->peers[side].host, 0));
    return s;
}

static void end(duo *d)
{
    duo_deinit(d);
    teardown();
}

static void connect(duo *d)
{
    duo_offer(d, LEFT);
    ck_assert(world_run(d->world, KITH_SECONDS(10), duo_is_open, d));
}

static void exchange_for(duo *d, size_t count, kith_time duration)
{
    size_t before[2] = {d->peers[LEFT].messages, d->peers[RIGHT].messages};
    duo_send(d, LEFT, count, 1000);
    duo_send(d, RIGHT, count, 1000);
    world_run(d->world, duration, NULL, NULL);
    ck_assert_uint_eq(d->peers[LEFT].messages, before[LEFT] + count);
    ck_assert_uint_eq(d->peers[RIGHT].messages, before[RIGHT] + count);
}

static void exchange(duo *d, size_t count)
{
    exchange_for(d, count, KITH_SECONDS(10));
}

static void assert_relay_protocol(duo *d, enum side side, const char *protocol, const char *url)
{
    kith_stats_report *report = NULL;
    unsigned relays = 0;
    OK(kith_pc_get_stats(d->peers[side].pc, &report));
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        if (s->type != KITH_STATS_LOCAL_CANDIDATE || !s->candidate.relay_protocol)
            continue;
        relays++;
        ck_assert_str_eq(s->candidate.relay_protocol, protocol);
        ck_assert_str_eq(s->candidate.url, url);
        ck_assert_str_eq(s->candidate.protocol, "udp");
    }
    ck_assert_uint_eq(relays, 1);
    kith_stats_report_free(report);
}

/* Every byte of a host goes to the server, on a connection. */
static bool is_on_connection(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    kith_address server;
    (void)h, (void)data, (void)len, (void)user;
    OK(kith_address_parse(&server, TURN_IP));
    ck_assert(kith_address_same_ip(&path->remote, &server));
    ck_assert_int_eq(path->protocol, KITH_TCP);
    return true;
}

START_TEST(relay_only_by_a_stream_sends_nothing_else)
{
    static const struct {
        const char *const *urls, *protocol;
    } rows[] = {{by_tcp, "tcp"}, {by_tls, "tls"}};
    for (size_t i = 0; i < 2; i++) {
        duo d;
        turn_server *s = begin(&d, &(struct setting){.urls = rows[i].urls,
                                                     .relay_only = true,
                                                     .nats = {NAT_SYMMETRIC, NAT_PORT_RESTRICTED}});
        for (int side = LEFT; side <= RIGHT; side++)
            d.peers[side].host->tap = is_on_connection;
        connect(&d);
        exchange(&d, 300);
        ck_assert_uint_eq(turn_count(s).connected, 2);
        ck_assert_uint_gt(turn_count(s).channel_data, 600);
        assert_relay_protocol(&d, LEFT, rows[i].protocol, rows[i].urls[0]);
        assert_relay_protocol(&d, RIGHT, rows[i].protocol, rows[i].urls[0]);
        end(&d);
    }
}
END_TEST

START_TEST(where_no_datagram_passes_the_server_is_reached_by_tcp)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        duo d;
        turn_server *s = begin(&d, &(struct setting){.urls = by_all, .url_count = 3});
        d.peers[side].host->no_udp = true;
        connect(&d);
        exchange(&d, 200);
        ck_assert_uint_eq(turn_count(s).connected, 1);
        assert_relay_protocol(&d, (enum side)side, "tcp", by_tcp[0]);
        end(&d);
    }
}
END_TEST

START_TEST(where_tcp_is_refused_the_server_is_reached_by_tls)
{
    duo d;
    turn_server *s = begin(&d, &(struct setting){.urls = by_all, .url_count = 3});
    turn_host(s)->tcp.port = 0;
    for (int side = LEFT; side <= RIGHT; side++)
        d.peers[side].host->no_udp = true;
    connect(&d);
    exchange(&d, 200);
    assert_relay_protocol(&d, LEFT, "tls", by_tls[0]);
    end(&d);
}
END_TEST

START_TEST(one_side_by_tls_reaches_the_other_without_a_server)
{
    duo d;
    begin(&d, &(struct setting){.urls = by_tls});
    d.peers[LEFT].host->no_udp = true;
    connect(&d);
    exchange(&d, 200);
    end(&d);
}
END_TEST

START_TEST(a_connection_that_is_reset_in_mid_call_loses_no_message)
{
    for (size_t i = 0; i < 2; i++) {
        duo d;
        turn_server *s =
            begin(&d, &(struct setting){.urls = i == 0 ? by_tcp : by_tls, .relay_only = true});
        connect(&d);
        duo_send(&d, LEFT, 300, 1000);
        duo_send(&d, RIGHT, 300, 1000);
        world_run(d.world, KITH_MS(200), NULL, NULL);
        host_reset_tcp(d.peers[LEFT].host);
        world_run(d.world, KITH_SECONDS(20), NULL, NULL);
        ck_assert_uint_eq(d.peers[LEFT].messages, 300);
        ck_assert_uint_eq(d.peers[RIGHT].messages, 300);
        ck_assert_uint_eq(turn_count(s).live, 2);
        exchange(&d, 50);
        end(&d);
    }
}
END_TEST

START_TEST(a_server_that_is_restarted_in_mid_call_costs_no_message)
{
    duo d;
    turn_server *s = begin(&d, &(struct setting){.urls = by_tls, .relay_only = true});
    connect(&d);
    exchange(&d, 50);
    turn_host(s)->tls.port = 0;
    host_reset_tcp(turn_host(s));
    turn_restart(s);
    world_run(d.world, KITH_SECONDS(3), NULL, NULL);
    turn_host(s)->tls.port = 5349;
    world_run(d.world, KITH_SECONDS(3), NULL, NULL);
    ck_assert_uint_eq(turn_count(s).live, 2);
    d.options.no_channel = true;
    kith_pc_restart_ice(d.peers[LEFT].pc);
    duo_offer(&d, LEFT);
    exchange_for(&d, 50, KITH_SECONDS(30));
    end(&d);
}
END_TEST

START_TEST(what_a_slow_connection_does_not_take_waits_in_sctp)
{
    for (size_t i = 0; i < 2; i++) {
        duo d;
        turn_server *s =
            begin(&d, &(struct setting){.urls = i == 0 ? by_tcp : by_tls, .relay_only = true});
        connect(&d);
        size_t before = turn_count(s).stream_bytes;
        turn_host(s)->tcp_stalls = true; /* it reads nothing */
        duo_send(&d, LEFT, 400, 1000);
        world_run(d.world, KITH_SECONDS(4), NULL, NULL);
        ck_assert_uint_lt(turn_count(s).stream_bytes - before, 2000);
        turn_host(s)->tcp_stalls = false;
        world_run(d.world, KITH_SECONDS(20), NULL, NULL);
        ck_assert_uint_eq(d.peers[RIGHT].messages, 400);
        ck_assert(!d.peers[RIGHT].out_of_order);
        ck_assert_uint_eq(turn_count(s).connections, 2);
        end(&d);
    }
}
END_TEST

START_TEST(a_connection_on_which_nothing_passes_is_replaced)
{
    duo d;
    turn_server *s =
        begin(&d, &(struct setting){.urls = by_tcp, .relay_only = true, .left_alone = true});
    connect(&d);
    turn_host(s)->tcp_stalls = d.peers[LEFT].host->tcp_stalls = true;
    duo_send(&d, LEFT, 400, 1000);
    /* ICE notices after 5 s, and the client waits for 9.5 s for an answer. */
    world_run(d.world, KITH_SECONDS(14), NULL, NULL);
    ck_assert_uint_eq(turn_count(s).connections, 1);
    world_run(d.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_uint_eq(turn_count(s).connections, 2);
    turn_host(s)->tcp_stalls = d.peers[LEFT].host->tcp_stalls = false;
    world_run(d.world, KITH_SECONDS(30), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 400);
    end(&d);
}
END_TEST

START_TEST(a_lossy_and_narrow_link_delivers_everything)
{
    for (size_t i = 0; i < 2; i++) {
        duo d;
        begin(&d,
              &(struct setting){.urls = i == 0 ? by_tcp : by_tls,
                                .relay_only = true,
                                .link = {.delay = KITH_MS(30), .loss = 0.02, .rate_bps = 2000000}});
        duo_offer(&d, LEFT);
        ck_assert(world_run(d.world, KITH_SECONDS(20), duo_is_open, &d));
        exchange_for(&d, 300, KITH_SECONDS(40));
        end(&d);
    }
}
END_TEST

START_TEST(hours_with_nonces_that_expire_at_each_request_cost_no_message)
{
    duo d;
    turn_server *s = begin(&d, &(struct setting){.urls = by_tls, .relay_only = true});
    turn_expire_nonces(s, true);
    connect(&d);
    for (int hour = 0; hour < 3; hour++) {
        world_run(d.world, KITH_SECONDS(3600), NULL, NULL);
        exchange(&d, 50);
    }
    ck_assert_uint_eq(turn_count(s).connections, 2);
    ck_assert_uint_eq(turn_count(s).allocations, 2);
    end(&d);
}
END_TEST

UNIT_MAIN("sim: relay_stream", relay_only_by_a_stream_sends_nothing_else,
          where_no_datagram_passes_the_server_is_reached_by_tcp,
          where_tcp_is_refused_the_server_is_reached_by_tls,
          one_side_by_tls_reaches_the_other_without_a_server,
          a_connection_that_is_reset_in_mid_call_loses_no_message,
          a_server_that_is_restarted_in_mid_call_costs_no_message,
          what_a_slow_connection_does_not_take_waits_in_sctp,
          a_connection_on_which_nothing_passes_is_replaced,
          a_lossy_and_narrow_link_delivers_everything,
          hours_with_nonces_that_expire_at_each_request_cost_no_message)
