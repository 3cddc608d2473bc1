/* The UDP sockets of a loop: there may be thousands, one per peer and address, or a few that all
 * share. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "io/io.h"

/* From one socket in a turn, so many packets and for so long, so that no peer keeps the others
 * waiting, whatever its packets cost; epoll tells of the rest again. A batch that has begun is
 * taken whole. */
#define RECEIVED_PER_TURN  128
#define RECEIVING_PER_TURN KITH_MS(1)
/* From the endpoint in a turn, so that what comes in is looked at too. */
#define SENT_PER_TURN  1024
#define DEFAULT_BUFFER (4 << 20)

/* A link that takes nothing for so long loses packets; the peers on other links shall not wait
 * for it. */
#define FULL_TIMEOUT KITH_MS(100)

static kith_socket *socket_of(kith_map_node *node)
{
    return KITH_OWNER(node, kith_socket, in_sockets);
}

static kith_socket *find(kith_loop *loop, const kith_address *local)
{
    kith_map_node *node = kith_map_find(&loop->sockets, kith_span_of(local, sizeof *local));
    return node ? socket_of(node) : NULL;
}

void kith_sockets_init_map(kith_map *map)
{
    /* Remotes do not choose the keys of these tables: a guessable seed would do too. */
    uint64_t seed[2] = {0};
    if (getrandom(seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed[0] = (uint64_t)kith_clock_now();
    kith_map_init(map, seed);
}

void kith_sockets_init(kith_loop *loop)
{
    kith_sockets_init_map(&loop->sockets);
    kith_batch_init(&loop->batch);
    unsigned range = loop->config.port_end - loop->config.port_begin + 1u;
    loop->next_port = (uint16_t)(loop->config.port_begin + loop->sockets.seed[1] % range);
    loop->full_until = KITH_NEVER;
}

static void close_socket(kith_loop *loop, kith_socket *socket)
{
    if (loop->full == socket) {
        loop->full = NULL;
        loop->full_until = KITH_NEVER;
        kith_batch_next(&loop->batch);
    }
    kith_turn_driver_closed(loop, &socket->udp.local);
    kith_map_remove(&loop->sockets, &socket->in_sockets);
    kith_udp_close(&socket->udp); /* leaves epoll by that */
    kith_free(socket);
}

void kith_sockets_deinit(kith_loop *loop)
{
    for (size_t i = 0; loop->sockets.buckets && i <= loop->sockets.mask; i++)
        while (loop->sockets.buckets[i])
            close_socket(loop, socket_of(loop->sockets.buckets[i]));
    kith_map_deinit(&loop->sockets);
}

kith_err kith_sockets_each(kith_loop *loop,
                           kith_err (*fn)(kith_loop *loop, const kith_address *local))
{
    kith_err err = KITH_OK;
    for (size_t i = 0; loop->sockets.buckets && i <= loop->sockets.mask; i++)
        for (kith_map_node *node = loop->sockets.buckets[i]; node && err == KITH_OK;
             node = node->next)
            err = fn(loop, &socket_of(node)->udp.local);
    return err;
}

/* ---- receiving ---- */

static void handle_received(kith_loop *loop, const kith_udp_received *received)
{
    for (size_t at = 0; at < received->len; at += received->segment) {
        size_t left = received->len - at;
        kith_endpoint_handle_packet(loop->ep, loop->now, &received->info, loop->received + at,
                                    left < received->segment ? left : received->segment);
    }
}

static void receive(kith_loop *loop, kith_socket *socket)
{
    kith_udp_received received;
    size_t packets = 0;
    kith_time end = kith_clock_now() + RECEIVING_PER_TURN;
    while (packets < RECEIVED_PER_TURN && kith_clock_now() < end &&
           kith_udp_receive(&socket->udp, loop->received, sizeof loop->received, &received)) {
        packets++;
        if (received.len > 0) {
            handle_received(loop, &received);
            packets += received.len / received.segment;
        }
    }
}

/* Packets wait for nothing any more, or for one last attempt. */
static void end_wait(kith_loop *loop)
{
    kith_wait_watch_writable(loop, &loop->full->watch, false);
    loop->full = NULL;
}

static void socket_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    kith_socket *socket = KITH_OWNER(watch, kith_socket, watch);
    if (events & EPOLLOUT && loop->full == socket)
        end_wait(loop);
    if (events & (EPOLLIN | EPOLLERR))
        receive(loop, socket);
}

/* ---- opening ---- */

kith_udp_options kith_sockets_options(const kith_loop *loop)
{
    kith_udp_options options = {.receive_buffer = loop->config.receive_buffer,
                                .send_buffer = loop->config.send_buffer};
    if (options.receive_buffer == 0)
        options.receive_buffer = DEFAULT_BUFFER;
    if (options.send_buffer == 0)
        options.send_buffer = DEFAULT_BUFFER;
    return options;
}

static int try_port(kith_loop *loop, kith_socket *socket, const kith_address *local)
{
    kith_udp_options options = kith_sockets_options(loop);
    return kith_udp_open(&socket->udp, local, &options);
}

/* The ports of the range in turn, going on where the last search ended. Returns 0 or errno. */
static int try_ports(kith_loop *loop, kith_socket *socket, const kith_address *local)
{
    const kith_loop_config *config = &loop->config;
    if (local->port != 0 || config->port_begin == 0)
        return try_port(loop, socket, local);
    kith_address with_port = *local;
    int error = EADDRINUSE;
    for (int left = config->port_end - config->port_begin + 1; left > 0; left--) {
        with_port.port = loop->next_port;
        loop->next_port = loop->next_port == config->port_end ? config->port_begin
                                                              : (uint16_t)(loop->next_port + 1);
        error = try_port(loop, socket, &with_port);
        if (error != EADDRINUSE && error != EACCES)
            break;
    }
    return error;
}

static kith_err add_socket(kith_loop *loop, kith_socket *socket)
{
    socket->watch = (kith_watch){.ready = socket_ready, .fd = socket->udp.fd};
    kith_err err = kith_wait_watch(loop, &socket->watch);
    if (err == KITH_OK)
        err = kith_turn_driver_opened(loop, &socket->udp.local);
    if (err != KITH_OK)
        return err;
    err = kith_map_add(&loop->sockets, &socket->in_sockets,
                       kith_span_of(&socket->udp.local, sizeof socket->udp.local));
    if (err != KITH_OK)
        kith_turn_driver_closed(loop, &socket->udp.local);
    return err;
}

kith_err kith_sockets_open(kith_loop *loop, const kith_address *local, kith_address *bound)
{
    kith_socket *socket = kith_alloc_zero(1, sizeof *socket);
    if (!socket)
        return kith_fail_memory();
    int error = try_ports(loop, socket, local);
    kith_err err = KITH_OK;
    if (error != 0) {
        char text[KITH_ADDRESS_TEXT];
        err = kith_fail_system(error, "cannot bind UDP %s",
                               kith_address_format(local, text, sizeof text));
    } else {
        err = add_socket(loop, socket);
    }
    if (err != KITH_OK) {
        if (error == 0)
            kith_udp_close(&socket->udp);
        kith_free(socket);
        return err;
    }
    *bound = socket->udp.local;
    return KITH_OK;
}

void kith_sockets_close(kith_loop *loop, const kith_address *bound)
{
    kith_socket *socket = find(loop, bound);
    if (socket)
        close_socket(loop, socket);
}

/* ---- sending ---- */

/* The socket took nothing. True when the batch shall wait for it; false when it waited long
 * enough, and what follows need not wait again. */
static bool shall_wait(kith_loop *loop, kith_socket *socket)
{
    if (socket->is_stuck)
        return false;
    if (loop->full_until == KITH_NEVER)
        loop->full_until = loop->now + FULL_TIMEOUT;
    if (loop->now < loop->full_until)
        return true;
    KITH_LOG(NULL, WARNING, "io: a socket takes nothing, its packets are dropped");
    socket->is_stuck = true;
    return false;
}

/* Sends the batch and begins the next. False: its socket is full, and the batch waits. A connection
 * that is full keeps what is for it. */
static bool send_batch(kith_loop *loop)
{
    kith_batch *batch = &loop->batch;
    if (!kith_batch_empty(batch) && batch->info.path.protocol == KITH_TCP) {
        kith_tcp_send(loop, batch);
        kith_batch_next(batch);
        return true;
    }
    kith_socket *socket = kith_batch_empty(batch) ? NULL : find(loop, &batch->info.path.local);
    bool sent = socket && kith_udp_send(&socket->udp, batch);
    if (socket && !sent && shall_wait(loop, socket)) {
        loop->full = socket;
        kith_wait_watch_writable(loop, &socket->watch, true);
        return false;
    }
    if (sent)
        socket->is_stuck = false;
    if (sent && socket->udp.is_unreachable)
        kith_endpoint_handle_unreachable(loop->ep, loop->now, &batch->info.path);
    loop->full_until = KITH_NEVER;
    kith_batch_next(batch);
    return true;
}

void kith_sockets_send(kith_loop *loop)
{
    kith_batch *batch = &loop->batch;
    if (loop->full && loop->now >= loop->full_until)
        end_wait(loop);
    if (loop->full || !send_batch(loop))
        return;
    for (unsigned sent = 0; sent < SENT_PER_TURN; sent++) {
        kith_packet_info info = KITH_PACKET_INFO_INIT;
        size_t len = kith_endpoint_poll_packet(loop->ep, loop->now, &info, kith_batch_space(batch),
                                               KITH_MAX_PACKET);
        if (len == 0)
            break;
        if (!kith_batch_add(batch, &info, len) && !send_batch(loop))
            return;
    }
    (void)send_batch(loop);
}
