/* Requests to resolve: names that end in ".local" by multicast DNS (RFC 6762 section 3), all
 * others by the system. */
#include <string.h>
#include <sys/epoll.h>

#include "io/io.h"

/* Packets of one socket in a turn: the whole link may talk to us. */
#define RECEIVED_PER_TURN 32

void kith_names_init(kith_loop *loop)
{
    kith_mdns_init(&loop->mdns, (uint32_t)kith_clock_now());
}

static void close_mdns(kith_loop *loop)
{
    if (loop->mdns_open)
        kith_mdns_sockets_close(&loop->mdns_sockets);
    loop->mdns_open = false;
}

void kith_names_deinit(kith_loop *loop)
{
    kith_resolver_free(loop->resolver);
    kith_mdns_deinit(&loop->mdns);
    close_mdns(loop);
}

/* To who asked for it. */
static void give(kith_loop *loop, const kith_resolved *result)
{
    if (!kith_nat_driver_resolved(loop, result->id, result->addresses, result->count))
        kith_endpoint_handle_resolved(loop->ep, loop->now, result->id, result->addresses,
                                      result->count);
}

static void mdns_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    (void)events;
    uint8_t packet[KITH_MDNS_RECEIVE_BYTES];
    size_t len;
    uint32_t interface_index;
    int which = (int)(watch - loop->mdns_watch);
    for (int i = 0; i < RECEIVED_PER_TURN; i++) {
        if (!kith_mdns_sockets_receive(&loop->mdns_sockets, which, packet, &len, &interface_index))
            return;
        kith_mdns_input(&loop->mdns, packet, len, interface_index);
    }
}

static bool open_mdns(kith_loop *loop)
{
    if (loop->mdns_open)
        return true;
    if (!kith_mdns_sockets_open(&loop->mdns_sockets, loop->locals, loop->local_count))
        return false;
    loop->mdns_open = true;
    for (int which = 0; which < 2; which++) {
        loop->mdns_watch[which] =
            (kith_watch){.ready = mdns_ready, .fd = loop->mdns_sockets.fds[which]};
        if (loop->mdns_watch[which].fd >= 0 &&
            kith_wait_watch(loop, &loop->mdns_watch[which]) != KITH_OK) {
            close_mdns(loop);
            return false;
        }
    }
    return true;
}

static bool ask_mdns(kith_loop *loop, const kith_request *request)
{
    return open_mdns(loop) && kith_mdns_ask(&loop->mdns, loop->now, request->id, request->hostname);
}

static bool ask_system(kith_loop *loop, const kith_request *request)
{
    if (!loop->resolver)
        loop->resolver = kith_resolver_new(kith_wait_wake, loop);
    return loop->resolver &&
           kith_resolver_ask(loop->resolver, request->id, request->hostname, loop->config.no_ipv6);
}

static bool ends_in_local(const char *hostname)
{
    kith_span name = kith_span_text(hostname);
    if (name.len > 0 && name.data[name.len - 1] == '.')
        name.len--;
    enum { SUFFIX = sizeof ".local" - 1 };
    return name.len > SUFFIX &&
           kith_span_is_nocase(kith_span_of(name.data + name.len - SUFFIX, SUFFIX), ".local");
}

void kith_names_ask(kith_loop *loop, const kith_request *request)
{
    bool asked =
        ends_in_local(request->hostname) ? ask_mdns(loop, request) : ask_system(loop, request);
    if (!asked)
        give(loop, &(kith_resolved){.id = request->id});
}

void kith_names_update(kith_loop *loop)
{
    kith_resolved result;
    while (loop->resolver && kith_resolver_event(loop->resolver, &result))
        give(loop, &result);
    if (!loop->mdns_open)
        return;
    uint8_t packet[KITH_MDNS_PACKET];
    size_t len;
    while ((len = kith_mdns_output(&loop->mdns, loop->now, packet, sizeof packet)) > 0)
        kith_mdns_sockets_send(&loop->mdns_sockets, kith_span_of(packet, len));
    while (kith_mdns_event(&loop->mdns, loop->now, &result))
        give(loop, &result);
    if (!kith_mdns_busy(&loop->mdns))
        close_mdns(loop);
}

kith_time kith_names_deadline(const kith_loop *loop)
{
    return kith_mdns_deadline(&loop->mdns);
}
