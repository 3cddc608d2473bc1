/* The runtime and the dictionaries of signalling with every allocation failing in turn: what
 * cannot be done is said, and nothing is left behind. */
#include "../unit/unit.h"
#include "oom.h"

#include <string.h>

#include "io/mdns.h"
#include "kith/kith.h"

static void ignore(kith_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

static void ignore_watch(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    (void)loop;
    (void)watch;
    (void)ready;
    (void)user;
}

/* A loop with a shared port's socket, or a socket for its one peer. */
static void run_loop(uint16_t udp_port)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = addresses;
    config.udp_port = udp_port;
    kith_loop *loop = NULL;
    kith_pc *pc;
    kith_dc *dc;
    kith_err err = kith_loop_new(&loop, &config);
    ck_assert_msg(err == KITH_OK || err == KITH_ERR_NO_MEMORY, "%s", kith_last_error()->message);
    if (err != KITH_OK)
        return;
    err = kith_loop_post(loop, ignore, NULL);
    kith_watch *watch;
    for (int i = 0; i < 20; i++)
        if (kith_loop_watch(&watch, loop, -1, ignore_watch, NULL) == KITH_OK)
            kith_watch_set(watch, 0, i);
    if (kith_pc_new(&pc, kith_loop_endpoint(loop), NULL) == KITH_OK &&
        kith_pc_create_data_channel(pc, "x", NULL, &dc) == KITH_OK &&
        kith_pc_set_local_description(pc, NULL) == KITH_OK)
        while (kith_loop_wait(loop, 0))
            ;
    kith_loop_free(loop);
}

static void a_socket_per_peer(void *arg)
{
    (void)arg;
    run_loop(0);
}

static void a_shared_socket(void *arg)
{
    (void)arg;
    run_loop(43210);
}

/* A TURN server beside a peer's socket. */
static void a_turn_server(void *arg)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    static const kith_address anywhere = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}};
    kith_turn_server_config of_server = KITH_TURN_SERVER_CONFIG_INIT;
    kith_loop_config of_loop = KITH_LOOP_CONFIG_INIT;
    kith_turn_server *server = NULL;
    kith_loop *loop = NULL;
    (void)arg;
    of_loop.bind_addresses = addresses;
    of_loop.udp_port = 43211;
    if (kith_turn_server_new(&server, &of_server) == KITH_OK &&
        kith_loop_new(&loop, &of_loop) == KITH_OK) {
        kith_err err = kith_loop_add_turn_server(loop, server, &anywhere, NULL);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
        ck_assert(!kith_turn_server_local(server, 0) == (err != KITH_OK));
        while (kith_loop_wait(loop, 0))
            ;
        kith_loop_remove_turn_server(loop, server);
    }
    kith_loop_free(loop);
    kith_turn_server_free(server);
}

/* A probe that asks whom nobody answers for, a name too, and is left before its end. */
static void a_nat_probe(void *arg)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    static const char *const urls[] = {"stun:127.0.0.1:9", "stun:kith-nobody.local"};
    const kith_ice_server server = {.urls = urls, .url_count = 2};
    kith_nat_config of_probe = KITH_NAT_CONFIG_INIT;
    kith_loop_config of_loop = KITH_LOOP_CONFIG_INIT;
    kith_nat_probe *probe = NULL;
    kith_loop *loop = NULL;
    (void)arg;
    of_probe.ice_servers = &server;
    of_probe.ice_server_count = 1;
    of_probe.multicast_dns = true;
    of_loop.bind_addresses = addresses;
    if (kith_nat_probe_new(&probe, &of_probe) == KITH_OK &&
        kith_loop_new(&loop, &of_loop) == KITH_OK) {
        kith_err err = kith_loop_add_nat_probe(loop, probe);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
        for (int i = 0; i < 3; i++)
            (void)kith_loop_wait(loop, 0);
    }
    kith_loop_free(loop);
    kith_nat_probe_free(probe);
}

static void read_and_write_json(void *arg)
{
    static const char *const texts[] = {
        "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}",
        "{\"candidate\":\"candidate:x\",\"sdpMid\":\"0\",\"usernameFragment\":\"u\"}"};
    (void)arg;
    for (int i = 0; i < 2; i++) {
        kith_signaling_message *signal;
        char *json = NULL;
        kith_err err = kith_signaling_message_from_json(texts[i], strlen(texts[i]), &signal);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
        if (err != KITH_OK)
            continue;
        err = kith_signaling_message_candidate(signal)
                  ? kith_ice_candidate_to_json(kith_signaling_message_candidate(signal), &json)
                  : kith_session_description_to_json(kith_signaling_message_description(signal),
                                                     &json);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
        kith_free(json);
        kith_signaling_message_free(signal);
    }
}

static void ask_for_names(void *arg)
{
    (void)arg;
    kith_mdns mdns;
    kith_resolved result;
    kith_mdns_init(&mdns, 1);
    bool asked = kith_mdns_ask(&mdns, 0, 1, "a.local");
    asked = kith_mdns_ask(&mdns, 0, 2, "b.local") || asked;
    bool told = kith_mdns_event(&mdns, KITH_SECONDS(10), &result);
    ck_assert(told == asked);
    kith_mdns_deinit(&mdns);
}

START_TEST(loops_survive_any_lack_of_memory)
{
    ck_assert_uint_gt(oom_sweep(a_socket_per_peer, NULL), 10);
    ck_assert_uint_gt(oom_sweep(a_shared_socket, NULL), 10);
    ck_assert_uint_gt(oom_sweep(a_turn_server, NULL), 10);
    ck_assert_uint_gt(oom_sweep(a_nat_probe, NULL), 10);
}
END_TEST

START_TEST(signalling_survives_any_lack_of_memory)
{
    ck_assert_uint_gt(oom_sweep(read_and_write_json, NULL), 5);
    ck_assert_uint_gt(oom_sweep(ask_for_names, NULL), 1);
}
END_TEST

UNIT_MAIN("oom: runtime", loops_survive_any_lack_of_memory, signalling_survives_any_lack_of_memory)
