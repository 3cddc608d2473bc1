/* Two whole peers connect, talk, tell their statistics and part, with allocation n failing, for
 * every n. Whatever fails: no crash, no leak, and what a call promised when it failed. */
#include "../sim/duo.h"
#include "../sim/tcp.h"
#include "../sim/turn.h"
#include "../unit/tls/authority.h"
#include "../unit/unit.h"
#include "oom.h"

static bool opened_or_failed(void *d)
{
    return duo_is_open(d) || duo_has_failed(d);
}

static void talk_and_part(duo *d)
{
    duo_peer *left = &d->peers[LEFT];
    if (left->dc) {
        duo_send(d, LEFT, 3, 5000);
        world_run(d->world, KITH_SECONDS(1), NULL, NULL);
        kith_dc_close(left->dc);
        world_run(d->world, KITH_SECONDS(1), NULL, NULL);
    }
    kith_stats_report *report = NULL;
    char *json = NULL;
    if (kith_pc_get_stats(left->pc, &report) == KITH_OK &&
        kith_stats_report_to_json(report, &json) == KITH_OK)
        kith_free(json);
    kith_stats_report_free(report);
    ck_assert_ptr_nonnull(kith_pc_why_failed(left->pc));
}

static void normal_course(void *arg)
{
    (void)arg;
    duo d;
    duo_options options = {.seed = 9, .link = {.delay = KITH_MS(10)}, .with_stun_server = true};
    if (duo_init(&d, &options)) {
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(3), opened_or_failed, &d);
        talk_and_part(&d);
    }
    duo_deinit(&d);
}

/* Each side behind a TURN server alone. */
static void relayed_course(void *arg)
{
    static const char *const urls[] = {"turn:203.0.113.7"};
    static const kith_ice_server server = {
        .urls = urls, .url_count = 1, .username = TURN_USER, .credential = TURN_PASSWORD};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    duo d;
    (void)arg;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    duo_options options = {
        .seed = 12, .link = {.delay = KITH_MS(10)}, .configs = {&config, &config}};
    if (duo_init(&d, &options)) {
        world_add_turn_server(d.world, "203.0.113.7", KITH_MS(10));
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(3), opened_or_failed, &d);
        talk_and_part(&d);
    }
    duo_deinit(&d);
}

/* The server is reached by TCP and TLS, where a connection is cut. */
static authority issuer;

static void relayed_course_by(const char *url, unsigned seed)
{
    const char *const urls[] = {url};
    const kith_ice_server server = {
        .urls = urls, .url_count = 1, .username = TURN_USER, .credential = TURN_PASSWORD};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    kith_tls_context *context;
    duo d;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    duo_options options = {
        .seed = seed, .link = {.delay = KITH_MS(10)}, .configs = {&config, NULL}};
    world_trust(issuer.root, AUTHORITY_NOW);
    if (duo_init(&d, &options)) {
        turn_server *turn = world_add_turn_server(d.world, "203.0.113.7", KITH_MS(10));
        turn_listen(turn);
        if (kith_tls_server_context(&context, issuer.certificates, issuer.private_key) == KITH_OK)
            turn_listen_tls(turn, context);
        d.failed_call |= !host_add_tcp(d.peers[LEFT].host, 0);
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(3), opened_or_failed, &d);
        host_reset_tcp(turn_host(turn));
        world_run(d.world, KITH_SECONDS(2), NULL, NULL);
        talk_and_part(&d);
    }
    duo_deinit(&d);
    world_trust(NULL, 0);
}

static void relayed_course_by_tcp(void *arg)
{
    (void)arg;
    relayed_course_by("turn:203.0.113.7?transport=tcp", 14);
}

static void relayed_course_by_tls(void *arg)
{
    (void)arg;
    relayed_course_by("turns:203.0.113.7", 15);
}

/* No datagram leaves; a connection is cut, strangers come. */
static void tcp_course(void *arg)
{
    (void)arg;
    duo d;
    duo_options options = {.seed = 13, .link = {.delay = KITH_MS(10)}};
    if (duo_init(&d, &options)) {
        host *left = d.peers[LEFT].host, *right = d.peers[RIGHT].host;
        left->no_udp = right->no_udp = true;
        d.failed_call |= !host_add_tcp(left, 0) || !host_add_tcp(right, 7000);
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(4), opened_or_failed, &d);
        host_reset_tcp(left);
        kith_path path;
        if (tcp_intrude(right, &path, "203.0.113.66:1000")) {
            tcp_intruder_says(right, &path, "\0\5x", 3);
            tcp_intruder_says(right, &path, "yyyy", 4);
        }
        world_run(d.world, KITH_SECONDS(2), NULL, NULL);
        talk_and_part(&d);
    }
    duo_deinit(&d);
}

static void restart_and_rollback(void *arg)
{
    (void)arg;
    duo d;
    duo_options options = {.seed = 10, .link = {.delay = KITH_MS(10)}, .no_trickle = true};
    if (duo_init(&d, &options)) {
        kith_pc *pc = d.peers[LEFT].pc;
        kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(3), opened_or_failed, &d);
        kith_pc_restart_ice(pc);
        if (kith_pc_set_local_description(pc, NULL) == KITH_OK)
            d.failed_call |= kith_pc_set_local_description(pc, &rollback) != KITH_OK;
        world_run(d.world, KITH_SECONDS(1), NULL, NULL);
    }
    duo_deinit(&d);
}

/* Another process takes the right one's place and offers; the left one renews its association. */
static void renewal(void *arg)
{
    (void)arg;
    duo d;
    duo_options options = {.seed = 12, .link = {.delay = KITH_MS(10)}};
    if (duo_init(&d, &options)) {
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(3), opened_or_failed, &d);
        d.peers[LEFT].opened = 0;
        host *before = duo_replace(&d, RIGHT, "198.51.100.2");
        if (before) {
            before->unplugged = before->deaf = true;
            duo_offer(&d, RIGHT);
            world_run(d.world, KITH_SECONDS(3), opened_or_failed, &d);
            talk_and_part(&d);
        } else {
            d.failed_call = true;
        }
    }
    duo_deinit(&d);
}

/* Sockets of their own, names to resolve, channels of every kind that come and go, a network that
 * goes. */
static void sockets_names_and_channels(void *arg)
{
    (void)arg;
    static const char *const urls[] = {"stun:stun.example"};
    static const kith_ice_server server = {.urls = urls, .url_count = 1};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    kith_dc_init negotiated = KITH_DC_INIT, unreliable = KITH_DC_INIT;
    negotiated.negotiated = true;
    negotiated.id = 7;
    unreliable.unordered = true;
    unreliable.max_retransmits = 0;
    unreliable.protocol = "p";
    duo d;
    duo_options options = {
        .seed = 11, .link = {.delay = KITH_MS(5)}, .configs = {&config, &config}};
    if (duo_init(&d, &options)) {
        kith_dc *dcs[2] = {NULL, NULL};
        host *left = d.peers[LEFT].host;
        kith_address interface_address = left->address;
        interface_address.port = 0;
        world_add_name(d.world, "stun.example", "203.0.113.5", KITH_MS(5));
        kith_endpoint_remove_local_address(left->endpoint, &left->address);
        d.failed_call |=
            kith_endpoint_add_local_address(left->endpoint, &interface_address) != KITH_OK;
        d.failed_call |=
            kith_pc_create_data_channel(d.peers[LEFT].pc, "n", &negotiated, &dcs[0]) != KITH_OK;
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(2), opened_or_failed, &d);
        d.failed_call |=
            kith_pc_create_data_channel(d.peers[RIGHT].pc, "u", &unreliable, &dcs[1]) != KITH_OK;
        world_run(d.world, KITH_MS(200), NULL, NULL);
        kith_dc_free(dcs[0]);
        if (dcs[1])
            kith_dc_close(dcs[1]);
        world_run(d.world, KITH_MS(200), NULL, NULL);
        kith_endpoint_remove_local_address(left->endpoint, &interface_address);
        world_run(d.world, KITH_MS(200), NULL, NULL);
        kith_endpoint_close(d.peers[RIGHT].host->endpoint);
        world_run(d.world, KITH_MS(200), NULL, NULL);
    }
    duo_deinit(&d);
}

/* What is made once for the process is made before the sweep counts. */
static size_t sweep(void (*scenario)(void *arg))
{
    scenario(NULL);
    return oom_sweep(scenario, NULL);
}

START_TEST(the_normal_course_survives_every_failing_allocation)
{
    ck_assert_uint_ge(sweep(normal_course), 100);
}
END_TEST

START_TEST(relayed_peers_survive_every_failing_allocation)
{
    ck_assert_uint_ge(sweep(relayed_course), 100);
}
END_TEST

START_TEST(peers_relayed_by_tcp_and_tls_survive_every_failing_allocation)
{
    authority_init(&issuer, &(authority_options){.address = "203.0.113.7"});
    ck_assert_uint_ge(sweep(relayed_course_by_tcp), 100);
    ck_assert_uint_ge(sweep(relayed_course_by_tls), 100);
    authority_deinit(&issuer);
}
END_TEST

START_TEST(peers_on_tcp_survive_every_failing_allocation)
{
    ck_assert_uint_ge(sweep(tcp_course), 100);
}
END_TEST

START_TEST(restart_and_rollback_survive_every_failing_allocation)
{
    ck_assert_uint_ge(sweep(restart_and_rollback), 100);
}
END_TEST

START_TEST(a_renewed_association_survives_every_failing_allocation)
{
    ck_assert_uint_ge(sweep(renewal), 100);
}
END_TEST

START_TEST(sockets_names_and_channels_survive_every_failing_allocation)
{
    ck_assert_uint_ge(sweep(sockets_names_and_channels), 100);
}
END_TEST

UNIT_MAIN("oom: whole peers", the_normal_course_survives_every_failing_allocation,
          relayed_peers_survive_every_failing_allocation,
          peers_relayed_by_tcp_and_tls_survive_every_failing_allocation,
          peers_on_tcp_survive_every_failing_allocation,
          restart_and_rollback_survive_every_failing_allocation,
          a_renewed_association_survives_every_failing_allocation,
          sockets_names_and_channels_survive_every_failing_allocation)
