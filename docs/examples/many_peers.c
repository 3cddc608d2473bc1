/* Many peers on one port: a server whose peer connections all share one UDP port, and as many
 * clients with a socket each, in one process. Each client sends its number and expects it back.
 *
 *   ./many_peers [COUNT [PORT]]
 *
 * Two loops in one thread: poll() tells which has something to do. */
#include <kith/kith.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct client {
    kith_pc *pc, *server;
    int number;
    bool answered;
} client;

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

static kith_loop *new_loop(uint16_t udp_port)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.udp_port = udp_port;
    config.bind_addresses = addresses;
    kith_loop *loop;
    must(kith_loop_new(&loop, &config));
    return loop;
}

/* Both are in this process: descriptions go from hand to hand. */
static void negotiate(client *c)
{
    must(kith_pc_set_local_description(c->pc, NULL));
    must(kith_pc_set_remote_description(c->server, kith_pc_local_description(c->pc)));
    must(kith_pc_set_local_description(c->server, NULL));
    must(kith_pc_set_remote_description(c->pc, kith_pc_local_description(c->server)));
}

/* True when a client has its answer. */
static bool on_event(const kith_event *ev)
{
    client *c = kith_pc_user(ev->pc);
    bool is_client = ev->pc == c->pc;
    if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_pc_add_ice_candidate(is_client ? c->server : c->pc, &ev->ice_candidate));
    if (ev->type == KITH_EV_DC_OPEN && is_client)
        must(kith_dc_send(ev->dc, &c->number, sizeof c->number));
    if (ev->type != KITH_EV_DC_MESSAGE)
        return false;
    if (!is_client)
        must(kith_dc_send(ev->dc, ev->message.data, ev->message.len));
    else
        c->answered = *(const int *)ev->message.data == c->number;
    return is_client && c->answered;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 100;
    uint16_t port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 40404);
    client *clients = calloc((size_t)count, sizeof *clients);
    kith_loop *loops[2] = {new_loop(port), new_loop(0)};
    kith_time begin = kith_clock_now();
    for (int i = 0; i < count; i++) {
        client *c = &clients[i];
        kith_pc_config config = KITH_PC_CONFIG_INIT;
        kith_dc *dc;
        config.user = c;
        c->number = i;
        must(kith_pc_new(&c->server, kith_loop_endpoint(loops[0]), &config));
        must(kith_pc_new(&c->pc, kith_loop_endpoint(loops[1]), &config));
        must(kith_pc_create_data_channel(c->pc, "number", NULL, &dc));
        negotiate(c);
    }
    struct pollfd fds[2] = {{.fd = kith_loop_fd(loops[0]), .events = POLLIN},
                            {.fd = kith_loop_fd(loops[1]), .events = POLLIN}};
    for (int answered = 0; answered < count && poll(fds, 2, -1) >= 0;)
        for (int i = 0; i < 2; i++)
            for (const kith_event *ev; fds[i].revents && (ev = kith_loop_wait(loops[i], 0));)
                answered += on_event(ev);
    printf("%d peers on UDP port %u: all answered after %lld ms\n", count, port,
           (long long)(kith_clock_now() - begin) / 1000);
    kith_loop_free(loops[1]);
    kith_loop_free(loops[0]);
    free(clients);
    return 0;
}
