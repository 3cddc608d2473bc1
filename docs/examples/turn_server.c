/* A TURN server in the program that is to be reached: a peer with the server on its loop, and a
 * client that is let use the relay alone, as from behind a strict firewall. Both are in this
 * process; what the client says comes back.
 *
 *   ./turn_server
 *
 * In earnest the server listens on the address that clients reach, which they are given as
 * iceServers: {urls: 'turn:ADDRESS:PORT', username, credential}. Clients reach the peers of that
 * loop and the public internet, and nothing else of this machine or its networks. */
#include <kith/kith.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static kith_loop *new_loop(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = addresses;
    kith_loop *loop;
    must(kith_loop_new(&loop, &config));
    return loop;
}

static kith_turn_server *new_server(kith_loop *loop)
{
    static const kith_turn_user user = {.username = "client", .password = "a-password"};
    const kith_address local = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}}; /* port 0: any free */
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    kith_turn_server *server;
    config.users = &user;
    config.user_count = 1;
    must(kith_turn_server_new(&server, &config));
    must(kith_loop_add_turn_server(loop, server, &local, NULL));
    return server;
}

static kith_pc *new_client(kith_loop *loop, const kith_turn_server *server)
{
    char address[KITH_ADDRESS_TEXT], url[KITH_ADDRESS_TEXT + 8];
    const char *const urls[] = {url};
    const kith_ice_server ice = {
        .urls = urls, .url_count = 1, .username = "client", .credential = "a-password"};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    kith_pc *pc;
    kith_address_format(kith_turn_server_local(server, 0), address, sizeof address);
    snprintf(url, sizeof url, "turn:%s", address);
    config.ice_servers = &ice;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), &config));
    must(kith_pc_create_data_channel(pc, "echo", NULL, NULL));
    return pc;
}

/* True when the client has its answer. */
static bool on_event(const kith_event *ev, kith_pc *client, kith_pc *peer)
{
    if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_pc_add_ice_candidate(ev->pc == client ? peer : client, &ev->ice_candidate));
    else if (ev->type == KITH_EV_DC_OPEN && ev->pc == client)
        must(kith_dc_send_text(ev->dc, "hello", 5));
    else if (ev->type == KITH_EV_DC_MESSAGE && ev->pc == peer)
        must(kith_dc_send_text(ev->dc, ev->message.data, ev->message.len));
    return ev->type == KITH_EV_DC_MESSAGE && ev->pc == client;
}

int main(void)
{
    kith_loop *loops[2] = {new_loop(), new_loop()};
    kith_turn_server *server = new_server(loops[0]);
    kith_pc *client = new_client(loops[1], server), *peer;
    must(kith_pc_new(&peer, kith_loop_endpoint(loops[0]), NULL));
    must(kith_pc_set_local_description(client, NULL));
    must(kith_pc_set_remote_description(peer, kith_pc_local_description(client)));
    must(kith_pc_set_local_description(peer, NULL));
    must(kith_pc_set_remote_description(client, kith_pc_local_description(peer)));
    struct pollfd fds[2] = {{.fd = kith_loop_fd(loops[0]), .events = POLLIN},
                            {.fd = kith_loop_fd(loops[1]), .events = POLLIN}};
    for (bool is_done = false; !is_done && poll(fds, 2, -1) >= 0;)
        for (int i = 0; i < 2; i++)
            for (const kith_event *ev; fds[i].revents && (ev = kith_loop_wait(loops[i], 0));)
                is_done |= on_event(ev, client, peer);
    const kith_turn_server_counters *counters = kith_turn_server_get_counters(server);
    printf("hello came back; the server passed on %llu packets\n",
           (unsigned long long)(counters->to_peers_packets + counters->to_clients_packets));
    kith_loop_free(loops[1]);
    kith_loop_free(loops[0]);
    kith_turn_server_free(server);
    return 0;
}
