/* The world: what is in flight, in order of arrival, and everybody's turn. */
#include "world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/nat64.h"
#include "nat.h"
#include "tcp.h"
#include "turn.h"
#include "wire/stun.h"

#define DEFAULT_QUEUE ((size_t)64 * 1024)
#define MAX_NAMES     16
/* Everybody's turns at one instant. */
#define MAX_TURNS 10000

/* Something that happens at a time: a packet arrives, a name is resolved, a function is called. */
typedef struct happening {
    kith_time at;
    uint64_t order; /* of things at the same time: as they were made */
    host *to;
    kith_path path; /* as the receiver sees it */
    uint8_t *data;
    size_t len;
    uint64_t resolve_id;
    kith_address resolved[2]; /* none: no such name */
    size_t resolved_count;
    void (*fn)(void *arg);
    void *arg;
} happening;

typedef struct known_name {
    const char *name;
    kith_address address;
    kith_time delay;
} known_name;

struct world {
    uint64_t seed, random;
    happening **heap;
    size_t count, cap;
    uint64_t orders;
    host *hosts;
    unsigned host_count;
    known_name names[MAX_NAMES];
    size_t name_count;
    uint64_t trace;
    struct tcp_connection *connections;
};

/* ---- what is in flight ---- */

static bool before(const happening *a, const happening *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static happening *add(world *w, kith_time at)
{
    if (w->count == w->cap) {
        w->cap = w->cap == 0 ? 256 : 2 * w->cap;
        w->heap = realloc(w->heap, w->cap * sizeof(happening *));
    }
    happening *h = calloc(1, sizeof *h);
    h->at = at;
    h->order = w->orders++;
    size_t i = w->count++;
    for (; i > 0 && before(h, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = h;
    return h;
}

static happening *take(world *w)
{
    happening *first = w->heap[0];
    happening *last = w->heap[--w->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->count; i = child) {
        if (child + 1 < w->count && before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!before(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return first;
}

static void free_happening(happening *h)
{
    free(h->data);
    free(h);
}

/* ---- making a world ---- */

static const char *trusted_roots;
static uint64_t ntp_at_zero;

void world_trust(const char *roots, int64_t unix_seconds)
{
    trusted_roots = roots;
    ntp_at_zero = unix_seconds == 0 ? 0 : ((uint64_t)unix_seconds + 2208988800u) * 1000000;
}

world *world_new(uint64_t seed)
{
    const char *chosen = getenv("KITH_SEED");
    world *w = calloc(1, sizeof *w);
    w->seed = seed != 0 ? seed : chosen ? strtoull(chosen, NULL, 0) : 1;
    w->random = w->seed;
    w->trace = 0xcbf29ce484222325u;
    seed_randomness(w->seed);
    /* The next whole second, so that 10 ms ticks fall alike in every world. */
    virtual_advance((virtual_now() / KITH_SECONDS(1) + 1) * KITH_SECONDS(1));
    return w;
}

void world_free(world *w)
{
    for (host *h = w->hosts, *next; h; h = next) {
        next = h->next;
        kith_endpoint_free(h->endpoint);
        nat_free(h->nat);
        turn_free(h->turn);
        free(h);
    }
    while (w->count > 0)
        free_happening(take(w));
    tcp_free(w->connections);
    free(w->heap);
    free(w);
}

host *world_hosts(world *w)
{
    return w->hosts;
}

struct tcp_connection **world_connections(world *w)
{
    return &w->connections;
}

uint64_t world_seed(const world *w)
{
    return w->seed;
}

kith_time world_now(const world *w)
{
    (void)w;
    return virtual_now();
}

double world_chance(world *w)
{
    return (double)(next_random(&w->random) >> 11) / (double)(1ull << 53);
}

static host *add_host(world *w, const char *name, link_config link)
{
    host *h = calloc(1, sizeof *h);
    h->world = w;
    h->name = name;
    h->link = link;
    host **end = &w->hosts;
    while (*end)
        end = &(*end)->next;
    *end = h;
    w->host_count++;
    return h;
}

static kith_time read_clock(void *user)
{
    (void)user;
    return virtual_now();
}

host *world_add_host(world *w, const char *name, const char *ip, nat_type type, link_config link)
{
    host *h = add_host(w, name, link);
    kith_address public_address;
    bool ok = kith_address_parse_ip(&public_address, kith_span_text(ip));
    assert(ok);
    h->address = public_address;
    if (type != NAT_NONE) {
        h->nat = nat_new(type, &public_address);
        ok = kith_address_parse_ip(&h->address, kith_span_text("10.0.0.0"));
        assert(ok);
        h->address.ip[3] = (uint8_t)w->host_count;
    }
    h->address.port = (uint16_t)(5000 + w->host_count);
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    config.clock = read_clock;
    config.tls_roots = trusted_roots;
    config.ntp_time_at_zero = ntp_at_zero;
    kith_err err = kith_endpoint_new(&h->endpoint, &config);
    if (err == KITH_OK)
        err = kith_endpoint_add_local_address(h->endpoint, &h->address);
    if (err != KITH_OK) { /* the out-of-memory sweep comes here */
        kith_endpoint_free(h->endpoint);
        h->endpoint = NULL;
        return NULL;
    }
    return h;
}

void host_use_nat64(host *h, const char *ip)
{
    uint16_t port = h->address.port;
    kith_endpoint_remove_local_address(h->endpoint, &h->address);
    bool ok = kith_address_parse_ip(&h->address, kith_span_text(ip));
    assert(ok && h->nat);
    (void)ok;
    h->address.port = port;
    h->is_behind_nat64 = true;
    kith_err err = kith_endpoint_add_local_address(h->endpoint, &h->address);
    assert(err == KITH_OK);
    (void)err;
}

host *world_add_server(world *w, const char *ip, uint16_t port, kith_time delay)
{
    host *h = add_host(w, "server", (link_config){.delay = delay});
    bool ok = kith_address_parse_ip(&h->address, kith_span_text(ip));
    assert(ok);
    (void)ok;
    h->address.port = port;
    return h;
}

host *world_add_stun_server(world *w, const char *ip, kith_time delay)
{
    host *h = world_add_server(w, ip, 3478, delay);
    h->is_stun_server = true;
    return h;
}

network *host_network(host *h, const char *ip)
{
    kith_address address;
    bool ok = kith_address_parse_ip(&address, kith_span_text(ip));
    assert(ok);
    for (size_t i = 0; i < h->network_count; i++)
        if (kith_address_same_ip(&h->networks[i].address, &address))
            return &h->networks[i];
    assert(h->network_count < HOST_MAX_NETWORKS);
    network *n = &h->networks[h->network_count++];
    address.port = h->address.port;
    *n = (network){.address = address};
    if (!kith_address_equal(&address, &h->address))
        host_network_up(h, n);
    return n;
}

void host_network_down(host *h, network *n)
{
    n->is_down = true;
    kith_endpoint_remove_local_address(h->endpoint, &n->address);
}

void host_network_up(host *h, network *n)
{
    n->is_down = false;
    kith_err err = kith_endpoint_add_local_address(h->endpoint, &n->address);
    assert(err == KITH_OK);
    (void)err;
}

void world_add_name(world *w, const char *text, const char *ip, kith_time delay)
{
    assert(w->name_count < MAX_NAMES);
    known_name *n = &w->names[w->name_count++];
    n->name = text;
    n->delay = delay;
    if (ip) {
        bool ok = kith_address_parse_ip(&n->address, kith_span_text(ip));
        assert(ok);
    }
}

void world_at(world *w, kith_time at, void (*fn)(void *arg), void *arg)
{
    happening *h = add(w, at);
    h->fn = fn;
    h->arg = arg;
}

/* ---- a packet's way ---- */

static void trace(world *w, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < len; i++)
        w->trace = (w->trace ^ at[i]) * 0x100000001b3u; /* FNV-1a */
}

uint64_t world_trace(const world *w)
{
    return w->trace;
}

/* When the sender's link hands the packet over; KITH_NEVER: its queue is full. */
static kith_time departure(host *from, size_t len)
{
    kith_time now = virtual_now();
    if (from->link.rate_bps == 0)
        return now;
    size_t queue = from->link.queue_bytes == 0 ? DEFAULT_QUEUE : from->link.queue_bytes;
    kith_time start = from->link_free_at > now ? from->link_free_at : now;
    uint64_t waiting = (uint64_t)(start - now) * from->link.rate_bps / 8000000;
    if (waiting + len > queue)
        return KITH_NEVER;
    from->link_free_at = start + (kith_time)(len * 8000000 / from->link.rate_bps);
    return from->link_free_at;
}

static bool has_socket(const host *h, const kith_address *address)
{
    bool found = kith_address_equal(&h->address, address);
    for (size_t i = 0; i < h->opened_count; i++)
        found = found || kith_address_equal(&h->opened[i], address);
    for (size_t i = 0; i < h->network_count; i++)
        found = found || kith_address_equal(&h->networks[i].address, address);
    return found;
}

static const network *network_of(const host *h, const kith_address *address)
{
    for (size_t i = 0; i < h->network_count; i++)
        if (kith_address_same_ip(&h->networks[i].address, address))
            return &h->networks[i];
    return NULL;
}

static bool passes(const network *n)
{
    return !n || !(n->is_down || n->is_cut || n->is_unreachable);
}

/* The host that a public address leads to, and what the packet looks like inside its NAT. */
static host *find_receiver(world *w, const kith_address *source, kith_address *destination)
{
    for (host *h = w->hosts; h; h = h->next) {
        if (!h->nat && has_socket(h, destination))
            return h;
        if (h->nat && nat_inward(h->nat, source, destination))
            return h;
    }
    return NULL;
}

static void deliver_at(world *w, kith_time at, host *to, const kith_path *path, const void *data,
                       size_t len)
{
    happening *h = add(w, at);
    h->to = to;
    h->path = *path;
    h->data = malloc(len > 0 ? len : 1);
    memcpy(h->data, data, len);
    h->len = len;
}

static const kith_nat64 nat64 = {.prefix = {0, 0x64, 0xff, 0x9b}, .bits = 96};

/* The IPv4 address behind it; false: it is of IPv6 alone, which has no way out here. */
static bool from_nat64(kith_address *address)
{
    kith_address out = {.family = KITH_IPV4, .port = address->port};
    if (address->family != KITH_IPV6 || memcmp(address->ip, nat64.prefix, 12) != 0)
        return false;
    memcpy(out.ip, address->ip + 12, 4);
    *address = out;
    return true;
}

static void transmit(host *from, const kith_path *path, const uint8_t *data, size_t len)
{
    world *w = from->world;
    from->packets_sent++;
    kith_time leaves = departure(from, len);
    bool lost = from->unplugged || from->no_udp || leaves == KITH_NEVER ||
                world_chance(w) < from->link.loss || (from->link.mtu != 0 && len > from->link.mtu);
    kith_address source = path->local, destination = path->remote;
    if (from->is_behind_nat64)
        lost |= !from_nat64(&destination);
    if (from->nat)
        nat_outward(from->nat, &source, &destination);
    host *to = find_receiver(w, &source, &destination);
    lost = lost || !passes(network_of(from, &path->local));
    if (lost || !to || to->deaf || !passes(network_of(to, &destination))) {
        from->packets_lost++;
        return;
    }
    if (to->is_behind_nat64)
        source = kith_nat64_to_ipv6(&nat64, &source);
    kith_path seen = {.local = destination, .remote = source, .protocol = path->protocol};
    kith_time arrival = leaves + from->link.delay;
    if (from->link.jitter > 0)
        arrival += (kith_time)(world_chance(w) * (double)from->link.jitter);
    if (world_chance(w) < from->link.reorder) {
        arrival += from->link.delay;
    } else {
        if (arrival < from->last_arrival)
            arrival = from->last_arrival;
        from->last_arrival = arrival;
    }
    deliver_at(w, arrival, to, &seen, data, len);
    if (world_chance(w) < from->link.duplicate)
        deliver_at(w, arrival, to, &seen, data, len);
}

void host_send(host *h, const kith_path *path, const void *data, size_t len)
{
    if (path->protocol == KITH_TCP) {
        turn_stream_send(h->turn, path, data, len);
        return;
    }
    transmit(h, path, data, len);
}

/* As a driver does it: where the system has no route it says so at once. */
static void send_packet(host *h, const kith_path *path, const uint8_t *data, size_t len)
{
    const network *n = network_of(h, &path->local);
    if (path->protocol == KITH_TCP) {
        tcp_send(h, path, data, len);
        return;
    }
    if (n && n->is_unreachable)
        kith_endpoint_handle_unreachable(h->endpoint, virtual_now(), path);
    transmit(h, path, data, len);
}

/* A STUN server's answer (RFC 8489 section 6.3.1). */
static void answer_stun(host *server, const happening *h)
{
    kith_stun request;
    if (!kith_stun_parse(&request, h->data, h->len) || request.class != KITH_STUN_REQUEST)
        return;
    uint8_t buf[128];
    kith_writer answer = kith_wr(buf, sizeof buf);
    kith_stun_begin(&answer, KITH_STUN_SUCCESS, KITH_STUN_BINDING, request.id);
    kith_stun_put_xor_address(&answer, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &h->path.remote);
    kith_stun_put_fingerprint(&answer);
    transmit(server, &h->path, buf, answer.len);
}

static void happen(world *w, happening *h)
{
    if (h->fn) {
        h->fn(h->arg);
    } else if (h->resolve_id != 0) {
        kith_endpoint_handle_resolved(h->to->endpoint, virtual_now(), h->resolve_id, h->resolved,
                                      h->resolved_count);
    } else {
        kith_time at = virtual_now();
        trace(w, &h->at, sizeof at);
        trace(w, &h->path, sizeof h->path);
        trace(w, h->data, h->len);
        kith_packet_info info = {.size = sizeof info, .path = h->path};
        if (h->to->is_stun_server)
            answer_stun(h->to, h);
        else if (h->to->turn)
            turn_receive(h->to->turn, &h->path, h->data, h->len);
        else
            kith_endpoint_handle_packet(h->to->endpoint, at, &info, h->data, h->len);
        h->to->last_packet_at = virtual_now();
    }
    free_happening(h);
}

/* ---- everybody's turn ---- */

static void resolve(host *h, const kith_request *request)
{
    happening *answer = NULL;
    for (size_t i = 0; i < h->world->name_count; i++) {
        const known_name *n = &h->world->names[i];
        if (strcmp(n->name, request->hostname) != 0)
            continue;
        if (!answer)
            answer = add(h->world, virtual_now() + n->delay);
        answer->to = h;
        answer->resolve_id = request->id;
        if (n->address.family != 0)
            answer->resolved[answer->resolved_count++] = n->address;
    }
}

static void open_socket(host *h, const kith_request *request)
{
    kith_address bound = request->local;
    bound.port = bound.port != 0 ? bound.port : (uint16_t)(6000 + ++h->last_port);
    bool fails = h->no_ports || h->opened_count == HOST_MAX_SOCKETS;
    if (!fails)
        h->opened[h->opened_count++] = bound;
    kith_endpoint_handle_opened(h->endpoint, virtual_now(), request->id, fails ? NULL : &bound);
}

static void close_socket(host *h, const kith_request *request)
{
    for (size_t i = 0; i < h->opened_count; i++)
        if (kith_address_equal(&h->opened[i], &request->local))
            h->opened[i--] = h->opened[--h->opened_count];
}

static void serve_request(host *h, const kith_request *request)
{
    switch (request->type) {
    case KITH_REQUEST_OPEN:
        open_socket(h, request);
        break;
    case KITH_REQUEST_CLOSE:
        close_socket(h, request);
        break;
    case KITH_REQUEST_RESOLVE:
        resolve(h, request);
        break;
    case KITH_REQUEST_CONNECT:
        tcp_connect(h, request);
        break;
    case KITH_REQUEST_DISCONNECT:
        tcp_disconnect(h, request);
        break;
    }
}

static bool may_send(host *h)
{
    kith_time ms = virtual_now() - virtual_now() % KITH_MS(1);
    if (ms != h->present_ms)
        h->packets_in_ms = 0;
    h->present_ms = ms;
    return h->packets_per_ms == 0 || h->packets_in_ms < h->packets_per_ms;
}

static size_t poll_packet(host *h, kith_packet_info *info, uint8_t *buf)
{
    if (!may_send(h))
        return 0;
    size_t len = kith_endpoint_poll_packet(h->endpoint, virtual_now(), info, buf, KITH_MAX_PACKET);
    h->packets_in_ms += len > 0;
    return len;
}

/* One host's driver: requests, packets, events, until it waits for time or packets. */
static void drive(host *h)
{
    bool moved = !h->idle;
    while (moved) {
        moved = false;
        for (const kith_request *request; (request = kith_endpoint_poll_request(h->endpoint));
             moved = true)
            serve_request(h, request);
        uint8_t buf[KITH_MAX_PACKET];
        kith_packet_info info = KITH_PACKET_INFO_INIT;
        for (size_t len; (len = poll_packet(h, &info, buf)) > 0; moved = true)
            if (!h->tap || h->tap(h, &info.path, buf, &len, h->tap_user))
                send_packet(h, &info.path, buf, len);
        for (const kith_event *ev; !h->slow && (ev = kith_endpoint_poll_event(h->endpoint));
             moved = true)
            if (h->on_event)
                h->on_event(h, ev, h->user);
    }
}

static kith_time next_time(world *w)
{
    kith_time next = w->count > 0 ? w->heap[0]->at : KITH_NEVER;
    for (host *h = w->hosts; h; h = h->next) {
        bool waits = h->endpoint && !h->idle;
        kith_time timeout = waits ? kith_endpoint_timeout(h->endpoint) : KITH_NEVER;
        if (waits && !may_send(h) && timeout < h->present_ms + KITH_MS(1))
            timeout = h->present_ms + KITH_MS(1);
        if (timeout < next)
            next = timeout;
    }
    return next;
}

bool world_run(world *w, kith_time limit, bool (*done)(void *arg), void *arg)
{
    kith_time end = virtual_now() + limit, last = virtual_now();
    for (unsigned turns = 0;; turns++) {
        if (virtual_now() > last)
            turns = 0;
        last = virtual_now();
        assert(turns < MAX_TURNS); /* a driver found no rest */
        for (host *h = w->hosts; h; h = h->next)
            if (h->endpoint)
                drive(h);
        if (done && done(arg))
            return true;
        kith_time next = next_time(w);
        if (next > end) {
            virtual_advance(end);
            return !done;
        }
        virtual_advance(next);
        while (w->count > 0 && w->heap[0]->at <= virtual_now())
            happen(w, take(w));
        for (host *h = w->hosts; h; h = h->next)
            if (h->endpoint && !h->idle && kith_endpoint_timeout(h->endpoint) <= virtual_now()) {
                kith_endpoint_handle_timeout(h->endpoint, virtual_now());
                h->alarms += h->last_packet_at < virtual_now();
            }
    }
}
