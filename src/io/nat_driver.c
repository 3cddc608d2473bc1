/* Drives a probe of the network: a UDP socket for each that it asks for, and packets one by one,
 * for there are few. */
#include "io/nat_driver.h"

#include <sys/epoll.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/io.h"
#include "io/multicast_probe.h"

/* From one socket in a turn; epoll tells of the rest again. */
#define RECEIVED_PER_TURN 32

/* Names of the probe are told apart from the endpoint's, which counts from 1. */
#define NAME_IDS (UINT64_C(1) << 63)

typedef struct nat_socket {
    kith_watch watch;
    /* key: udp.local */
    kith_map_node in_sockets;
    kith_udp udp;
} nat_socket;

struct kith_nat_driver {
    kith_nat_probe *probe;
    /* of nat_socket.in_sockets */
    kith_map sockets;
    kith_batch batch;
    /* NULL: it is known, or not asked for */
    kith_multicast_probe *multicast;
};

static kith_span key_of(const kith_address *address)
{
    return kith_span_of(address, sizeof *address);
}

static nat_socket *find(const kith_nat_driver *driver, const kith_address *local)
{
    kith_map_node *node = kith_map_find(&driver->sockets, key_of(local));
    return node ? KITH_OWNER(node, nat_socket, in_sockets) : NULL;
}

/* ---- packets ---- */

/* What a full socket does not take is lost, and asked again. */
static void send_all(kith_loop *loop)
{
    kith_nat_driver *driver = loop->nat;
    kith_batch *batch = &driver->batch;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    size_t len;
    while ((len = kith_nat_probe_poll_packet(driver->probe, loop->now, &info,
                                             kith_batch_space(batch), kith_batch_room(batch)))) {
        (void)kith_batch_add(batch, &info, len);
        nat_socket *socket = find(driver, &info.path.local);
        if (socket)
            (void)kith_udp_send(&socket->udp, batch);
        kith_batch_next(batch);
    }
}

static void receive(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    nat_socket *socket = KITH_OWNER(watch, nat_socket, watch);
    kith_udp_received received;
    (void)events;
    for (int i = 0; i < RECEIVED_PER_TURN; i++) {
        if (!kith_udp_receive(&socket->udp, loop->received, sizeof loop->received, &received))
            return;
        for (size_t at = 0; at < received.len; at += received.segment) {
            size_t left = received.len - at;
            kith_nat_probe_handle_packet(loop->nat->probe, loop->now, &received.info,
                                         loop->received + at,
                                         left < received.segment ? left : received.segment);
        }
    }
}

/* ---- sockets ---- */

static void close_socket(kith_nat_driver *driver, nat_socket *socket)
{
    kith_map_remove(&driver->sockets, &socket->in_sockets);
    kith_udp_close(&socket->udp); /* leaves epoll by that */
    kith_free(socket);
}

static bool add_socket(kith_loop *loop, nat_socket *socket)
{
    socket->watch = (kith_watch){.ready = receive, .fd = socket->udp.fd};
    return kith_wait_watch(loop, &socket->watch) == KITH_OK &&
           kith_map_add(&loop->nat->sockets, &socket->in_sockets, key_of(&socket->udp.local)) ==
               KITH_OK;
}

static nat_socket *open_socket(kith_loop *loop, const kith_address *local)
{
    kith_udp_options options = kith_sockets_options(loop);
    nat_socket *socket = kith_alloc_zero(1, sizeof *socket);
    if (!socket)
        return NULL;
    if (kith_udp_open(&socket->udp, local, &options) == 0 && add_socket(loop, socket))
        return socket;
    kith_udp_close(&socket->udp);
    kith_free(socket);
    return NULL;
}

static void open_for(kith_loop *loop, const kith_request *request)
{
    uint64_t id = request->id;
    nat_socket *socket = open_socket(loop, &request->local);
    if (!kith_nat_probe_handle_opened(loop->nat->probe, loop->now, id,
                                      socket ? &socket->udp.local : NULL) &&
        socket)
        close_socket(loop->nat, socket);
}

static void handle_request(kith_loop *loop, const kith_request *request)
{
    kith_request name = *request;
    nat_socket *socket = find(loop->nat, &request->local);
    switch (request->type) {
    case KITH_REQUEST_OPEN:
        open_for(loop, request);
        break;
    case KITH_REQUEST_CLOSE:
        if (socket)
            close_socket(loop->nat, socket);
        break;
    case KITH_REQUEST_RESOLVE:
        name.id |= NAME_IDS;
        kith_names_ask(loop, &name);
        break;
    case KITH_REQUEST_CONNECT: /* not a probe's */
    case KITH_REQUEST_DISCONNECT:
        break;
    }
}

bool kith_nat_driver_resolved(kith_loop *loop, uint64_t id, const kith_address *addresses,
                              size_t count)
{
    if ((id & NAME_IDS) == 0)
        return false;
    if (loop->nat)
        kith_nat_probe_handle_resolved(loop->nat->probe, loop->now, id & ~NAME_IDS, addresses,
                                       count);
    return true;
}

/* ---- multicast DNS ---- */

kith_multicast_probe *kith_nat_driver_multicast(const kith_loop *loop)
{
    return loop->nat->multicast;
}

static void begin_multicast(kith_loop *loop)
{
    kith_nat_driver *driver = loop->nat;
    if (!kith_nat_probe_awaits_multicast_dns(driver->probe))
        return;
    driver->multicast = kith_multicast_probe_new(loop);
    if (!driver->multicast)
        kith_nat_probe_handle_multicast_dns(driver->probe, KITH_NAT_NO);
}

static void update_multicast(kith_loop *loop)
{
    kith_nat_driver *driver = loop->nat;
    kith_nat_answer works;
    if (!driver->multicast || !kith_multicast_probe_result(driver->multicast, loop->now, &works))
        return;
    kith_multicast_probe_free(driver->multicast);
    driver->multicast = NULL;
    kith_nat_probe_handle_multicast_dns(driver->probe, works);
}

/* ---- the turn ---- */

/* What leaves last leaves before its socket is closed. */
void kith_nat_driver_update(kith_loop *loop)
{
    kith_nat_driver *driver = loop->nat;
    const kith_request *request;
    if (!driver)
        return;
    if (kith_nat_probe_timeout(driver->probe) <= loop->now)
        kith_nat_probe_handle_timeout(driver->probe, loop->now);
    update_multicast(loop);
    send_all(loop);
    while ((request = kith_nat_probe_poll_request(driver->probe)))
        handle_request(loop, request);
    send_all(loop);
}

kith_time kith_nat_driver_deadline(const kith_loop *loop)
{
    if (!loop->nat)
        return KITH_NEVER;
    kith_time at = kith_nat_probe_timeout(loop->nat->probe);
    kith_time heard_at =
        loop->nat->multicast ? kith_multicast_probe_deadline(loop->nat->multicast) : KITH_NEVER;
    return at < heard_at ? at : heard_at;
}

/* ---- beginning and end ---- */

kith_err kith_loop_add_nat_probe(kith_loop *loop, kith_nat_probe *probe)
{
    kith_err err = KITH_OK;
    if (loop->nat)
        return kith_fail(KITH_ERR_INVALID_STATE, "the loop has a NAT probe");
    for (size_t i = 0; i < loop->local_count && i < KITH_NAT_MAX_LOCALS && err == KITH_OK; i++)
        err = kith_nat_probe_add_local(probe, &loop->locals[i].address);
    if (err != KITH_OK)
        return err;
    loop->nat = kith_alloc_zero(1, sizeof *loop->nat);
    if (!loop->nat)
        return kith_fail_memory();
    loop->nat->probe = probe;
    kith_sockets_init_map(&loop->nat->sockets);
    kith_batch_init(&loop->nat->batch);
    begin_multicast(loop);
    kith_nat_probe_handle_timeout(probe, loop->now);
    return KITH_OK;
}

void kith_loop_remove_nat_probe(kith_loop *loop, kith_nat_probe *probe)
{
    if (loop->nat && loop->nat->probe == probe)
        kith_nat_driver_deinit(loop);
}

void kith_nat_driver_deinit(kith_loop *loop)
{
    kith_nat_driver *driver = loop->nat;
    if (!driver)
        return;
    for (size_t i = 0; driver->sockets.buckets && i <= driver->sockets.mask; i++)
        while (driver->sockets.buckets[i])
            close_socket(driver, KITH_OWNER(driver->sockets.buckets[i], nat_socket, in_sockets));
    kith_map_deinit(&driver->sockets);
    kith_multicast_probe_free(driver->multicast);
    kith_free(driver);
    loop->nat = NULL;
}
