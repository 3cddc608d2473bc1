/* Drives a TURN server: a UDP socket for each of its local and each relayed address, TCP by
 * turn_streams.c, packets in batches as the endpoint's are. What a full socket does not take is
 * lost, as in a router: nobody waits for another one's link. */
#include "io/turn_driver.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/listener.h"

/* From one socket in a turn; epoll tells of the rest again. */
#define RECEIVED_PER_TURN 128
/* Ports that the system may choose before one is free for TCP too. */
#define MAX_TRIES 16

typedef struct turn_socket {
    kith_watch watch;
    /* key: udp.local */
    kith_map_node in_sockets;
    kith_udp udp;
} turn_socket;

struct kith_turn_driver {
    kith_turn_server *server;
    /* of turn_socket.in_sockets */
    kith_map sockets;
    kith_batch batch;
    kith_turn_streams streams;
};

static kith_span key_of(const kith_address *address)
{
    return kith_span_of(address, sizeof *address);
}

static turn_socket *find(kith_turn_driver *driver, const kith_address *local)
{
    kith_map_node *node = kith_map_find(&driver->sockets, key_of(local));
    return node ? KITH_OWNER(node, turn_socket, in_sockets) : NULL;
}

/* ---- sending ---- */

static void flush(kith_turn_driver *driver)
{
    kith_batch *batch = &driver->batch;
    turn_socket *socket = kith_batch_empty(batch) ? NULL : find(driver, &batch->info.path.local);
    if (socket && !kith_udp_send(&socket->udp, batch))
        kith_turn_server_handle_unsent(driver->server, kith_batch_packets(batch));
    kith_batch_next(batch);
}

/* Takes what the server's last call made leave; at most `longest` bytes. */
static void collect(kith_turn_driver *driver, size_t longest)
{
    kith_batch *batch = &driver->batch;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    if (longest > KITH_MAX_PACKET)
        flush(driver);
    size_t len = kith_turn_server_poll_packet(driver->server, &info, kith_batch_space(batch),
                                              kith_batch_room(batch));
    if (len == 0)
        return;
    if (!kith_batch_add(batch, &info, len) || len > KITH_MAX_PACKET)
        flush(driver);
}

void kith_turn_driver_collect(kith_loop *loop)
{
    kith_turn_driver *driver = loop->turn;
    kith_batch *batch = &driver->batch;
    for (;;) {
        kith_packet_info info = KITH_PACKET_INFO_INIT;
        size_t len = kith_turn_server_poll_packet(driver->server, &info, kith_batch_space(batch),
                                                  kith_batch_room(batch));
        if (len == 0 && kith_batch_empty(batch))
            return;
        if (len == 0 || !kith_batch_add(batch, &info, len) || len > KITH_MAX_PACKET)
            flush(driver);
    }
}

kith_turn_server *kith_turn_driver_server(const kith_loop *loop)
{
    return loop->turn->server;
}

kith_turn_streams *kith_turn_driver_streams(kith_loop *loop)
{
    return &loop->turn->streams;
}

/* ---- receiving ---- */

static void handle_received(kith_loop *loop, const kith_udp_received *received)
{
    kith_turn_driver *driver = loop->turn;
    for (size_t at = 0; at < received->len; at += received->segment) {
        size_t left = received->len - at;
        size_t len = left < received->segment ? left : received->segment;
        kith_turn_server_handle_packet(driver->server, loop->now, &received->info,
                                       loop->received + at, len);
        collect(driver, len + KITH_TURN_SERVER_MAX_HEAD);
    }
}

static void receive(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    turn_socket *socket = KITH_OWNER(watch, turn_socket, watch);
    kith_udp_received received;
    size_t packets = 0;
    (void)events;
    while (packets < RECEIVED_PER_TURN &&
           kith_udp_receive(&socket->udp, loop->received, sizeof loop->received, &received)) {
        packets++;
        if (received.len > 0) {
            handle_received(loop, &received);
            packets += received.len / received.segment;
        }
    }
}

/* ---- sockets ---- */

static void close_socket(kith_turn_driver *driver, turn_socket *socket)
{
    kith_map_remove(&driver->sockets, &socket->in_sockets);
    kith_udp_close(&socket->udp); /* leaves epoll by that */
    kith_free(socket);
}

static kith_err add_socket(kith_loop *loop, turn_socket *socket)
{
    socket->watch = (kith_watch){.ready = receive, .fd = socket->udp.fd};
    kith_err err = kith_wait_watch(loop, &socket->watch);
    if (err != KITH_OK)
        return err;
    return kith_map_add(&loop->turn->sockets, &socket->in_sockets, key_of(&socket->udp.local));
}

static kith_err open_socket(kith_loop *loop, const kith_address *local, turn_socket **out)
{
    kith_udp_options options = kith_sockets_options(loop);
    char text[KITH_ADDRESS_TEXT];
    turn_socket *socket = kith_alloc_zero(1, sizeof *socket);
    if (!socket)
        return kith_fail_memory();
    int error = kith_udp_open(&socket->udp, local, &options);
    kith_err err = error == 0 ? add_socket(loop, socket)
                              : kith_fail_system(error, "cannot bind UDP %s",
                                                 kith_address_format(local, text, sizeof text));
    if (err != KITH_OK) {
        kith_udp_close(&socket->udp);
        kith_free(socket);
        return err;
    }
    *out = socket;
    return KITH_OK;
}

/* A server's TCP port is its UDP port, so "any" is one that is free for both. */
static kith_err open_listening(kith_loop *loop, const kith_address *local, turn_socket **out)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        kith_err err = open_socket(loop, local, out);
        if (err != KITH_OK || local->port != 0 || kith_listener_may_open(&(*out)->udp.local))
            return err;
        close_socket(loop->turn, *out);
    }
    return kith_fail(KITH_ERR_SYSTEM, "no port is free for both UDP and TCP");
}

static void open_relayed(kith_loop *loop, const kith_request *request)
{
    kith_turn_driver *driver = loop->turn;
    uint64_t id = request->id;
    turn_socket *socket = NULL;
    bool opened = open_socket(loop, &request->local, &socket) == KITH_OK;
    if (!kith_turn_server_handle_opened(driver->server, loop->now, id,
                                        opened ? &socket->udp.local : NULL) &&
        opened)
        close_socket(driver, socket);
    collect(driver, KITH_MAX_PACKET);
}

/* Not while epoll's list is gone through: it points to sockets. */
static void handle_requests(kith_loop *loop)
{
    kith_turn_driver *driver = loop->turn;
    const kith_request *request;
    while ((request = kith_turn_server_poll_request(driver->server))) {
        turn_socket *socket = find(driver, &request->local);
        if (request->type == KITH_REQUEST_OPEN)
            open_relayed(loop, request);
        else if (socket)
            close_socket(driver, socket);
    }
}

/* ---- the turn ---- */

void kith_turn_driver_update(kith_loop *loop)
{
    kith_turn_driver *driver = loop->turn;
    if (!driver)
        return;
    if (kith_turn_server_timeout(driver->server) <= loop->now)
        kith_turn_server_handle_timeout(driver->server, loop->now);
    flush(driver); /* what an allocation said last, before its socket is closed */
    handle_requests(loop);
    flush(driver);
    kith_turn_streams_update(loop);
}

kith_time kith_turn_driver_deadline(const kith_loop *loop)
{
    if (!loop->turn)
        return KITH_NEVER;
    kith_time at = kith_turn_server_timeout(loop->turn->server);
    kith_time listeners = kith_listeners_deadline(&loop->turn->streams.listeners);
    return at < listeners ? at : listeners;
}

/* ---- beside an endpoint ---- */

kith_err kith_turn_driver_opened(kith_loop *loop, const kith_address *local)
{
    return loop->turn ? kith_turn_server_allow_local(loop->turn->server, local) : KITH_OK;
}

void kith_turn_driver_closed(kith_loop *loop, const kith_address *local)
{
    if (loop->turn)
        kith_turn_server_disallow_local(loop->turn->server, local);
}

/* ---- beginning and end ---- */

static kith_err begin(kith_loop *loop, kith_turn_server *server)
{
    loop->turn = kith_alloc_zero(1, sizeof *loop->turn);
    if (!loop->turn)
        return kith_fail_memory();
    loop->turn->server = server;
    kith_sockets_init_map(&loop->turn->sockets);
    kith_batch_init(&loop->turn->batch);
    kith_turn_streams_init(&loop->turn->streams);
    return kith_sockets_each(loop, kith_turn_driver_opened);
}

kith_err kith_loop_add_turn_server(kith_loop *loop, kith_turn_server *server,
                                   const kith_address *local, const kith_address *external)
{
    bool is_new = !loop->turn;
    turn_socket *socket;
    if (!is_new && loop->turn->server != server)
        return kith_fail(KITH_ERR_INVALID_STATE, "the loop has another TURN server");
    kith_err err = is_new ? begin(loop, server) : KITH_OK;
    if (err == KITH_OK)
        err = open_listening(loop, local, &socket);
    if (err == KITH_OK) {
        err = kith_turn_server_add_local(server, &socket->udp.local, external);
        if (err != KITH_OK)
            close_socket(loop->turn, socket);
    }
    if (err != KITH_OK && is_new)
        kith_turn_driver_deinit(loop);
    return err;
}

kith_err kith_loop_add_turn_listener(kith_loop *loop, kith_turn_server *server, kith_address *local,
                                     bool uses_tls)
{
    if (!loop->turn || loop->turn->server != server)
        return kith_fail(KITH_ERR_INVALID_STATE, "the loop does not have that TURN server");
    return kith_turn_streams_listen(loop, local, uses_tls);
}

void kith_loop_remove_turn_server(kith_loop *loop, kith_turn_server *server)
{
    if (loop->turn && loop->turn->server == server)
        kith_turn_driver_deinit(loop);
}

static kith_err forget(kith_loop *loop, const kith_address *local)
{
    kith_turn_driver_closed(loop, local);
    return KITH_OK;
}

void kith_turn_driver_deinit(kith_loop *loop)
{
    kith_turn_driver *driver = loop->turn;
    if (!driver)
        return;
    (void)kith_sockets_each(loop, forget);
    for (size_t i = 0; driver->sockets.buckets && i <= driver->sockets.mask; i++)
        while (driver->sockets.buckets[i])
            close_socket(driver, KITH_OWNER(driver->sockets.buckets[i], turn_socket, in_sockets));
    kith_map_deinit(&driver->sockets);
    kith_turn_streams_deinit(&driver->streams);
    kith_free(driver);
    loop->turn = NULL;
}
