/* See tcp.h. Each direction is a queue of bytes at the sender; a piece of it leaves, takes the time
 * that the sender's link has for it, and arrives after all before it. */
#include "tcp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "nat.h"
#include "turn.h"

#define TIMEOUT    KITH_SECONDS(10)
#define RETRANSMIT KITH_MS(200)

struct end {
    struct tcp_connection *connection;
    host *h;
    kith_path path;
    bool is_open; /* its endpoint knows it */
    /* what it sends */
    uint8_t *queue;
    size_t len, cap;
    bool is_full, is_draining;
    size_t beyond; /* that came while it was full */
    kith_time free_at, last_arrival;
    /* on the way to it, in order */
    struct piece *first, **last;
};

struct tcp_connection {
    struct tcp_connection *next;
    struct end ends[2]; /* who connects, who accepts */
    uint64_t request_id;
    bool is_refused, is_cut;
};

typedef struct piece {
    struct piece *next;
    struct end *to;
    size_t len; /* 0: the end */
    uint8_t data[];
} piece;

static host *listener_at(world *w, const kith_address *address)
{
    for (host *h = world_hosts(w); h; h = h->next)
        if (!h->nat && ((h->tcp.port != 0 && kith_address_equal(&h->tcp, address)) ||
                        (h->tls.port != 0 && kith_address_equal(&h->tls, address))))
            return h;
    return NULL;
}

/* ---- who is told: an endpoint, or a server ---- */

static bool tell_accepted(host *h, const kith_path *path)
{
    return h->turn ? turn_stream_accept(h->turn, path)
                   : kith_endpoint_handle_accepted(h->endpoint, virtual_now(), path);
}

static void tell_bytes(host *h, const kith_path *path, const uint8_t *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = *path;
    if (h->turn)
        turn_stream_receive(h->turn, path, data, len);
    else
        kith_endpoint_handle_packet(h->endpoint, virtual_now(), &info, data, len);
}

static void tell_closed(host *h, const kith_path *path)
{
    if (h->turn)
        turn_stream_closed(h->turn, path);
    else
        kith_endpoint_handle_closed(h->endpoint, virtual_now(), path);
}

/* Servers drop what does not fit. */
static void tell_writable(host *h, const kith_path *path, bool is_writable)
{
    if (!h->turn)
        kith_endpoint_handle_writable(h->endpoint, virtual_now(), path, is_writable);
}

/* ---- listening ---- */

bool host_add_tcp(host *h, uint16_t port)
{
    h->tcp = h->address;
    h->tcp.port = port;
    return kith_endpoint_add_tcp_address(h->endpoint, &h->tcp) == KITH_OK;
}

static void free_pieces(struct end *e)
{
    for (piece *p = e->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
}

void tcp_free(struct tcp_connection *all)
{
    for (struct tcp_connection *c = all, *next; c; c = next) {
        next = c->next;
        for (int i = 0; i < 2; i++) {
            free(c->ends[i].queue);
            free_pieces(&c->ends[i]);
        }
        free(c);
    }
}

/* ---- connecting ---- */

static void connected(void *arg)
{
    struct tcp_connection *c = arg;
    struct end *from = &c->ends[0];
    from->is_open = !c->is_refused;
    if (from->h->endpoint)
        kith_endpoint_handle_connected(from->h->endpoint, virtual_now(), c->request_id,
                                       c->is_refused ? NULL : &from->path,
                                       c->is_refused ? KITH_CONNECT_REFUSED : KITH_CONNECT_DONE);
}

static void timed_out(void *arg)
{
    struct tcp_connection *c = arg;
    if (c->ends[0].h->endpoint)
        kith_endpoint_handle_connected(c->ends[0].h->endpoint, virtual_now(), c->request_id, NULL,
                                       KITH_CONNECT_TIMED_OUT);
}

static void syn_arrives(void *arg)
{
    struct tcp_connection *c = arg;
    host *from = c->ends[0].h;
    host *to = listener_at(from->world, &c->ends[0].path.remote);
    if (to && (to->no_tcp || to->deaf)) {
        world_at(from->world, virtual_now() + TIMEOUT, timed_out, c);
        return;
    }
    c->is_refused = !to || !tell_accepted(to, &c->ends[1].path);
    c->ends[1].h = to;
    c->ends[1].is_open = !c->is_refused;
    world_at(from->world, virtual_now() + from->link.delay, connected, c);
}

void tcp_connect(host *h, const kith_request *request)
{
    struct tcp_connection *c = calloc(1, sizeof *c), **all = world_connections(h->world);
    c->next = *all;
    *all = c;
    c->request_id = request->id;
    kith_address local = request->local;
    local.port = (uint16_t)(20000 + ++h->last_port);
    c->ends[0] = (struct end){.connection = c, .h = h};
    c->ends[0].path = (kith_path){local, request->remote, KITH_TCP};
    c->ends[1] = (struct end){.connection = c};
    c->ends[1].path = (kith_path){request->remote, local, KITH_TCP};
    if (h->nat)
        nat_outward(h->nat, &c->ends[1].path.remote, &request->remote);
    if (h->no_tcp || h->unplugged)
        world_at(h->world, virtual_now() + TIMEOUT, timed_out, c);
    else
        world_at(h->world, virtual_now() + h->link.delay, syn_arrives, c);
}

/* ---- bytes ---- */

static struct end *find(host *h, const kith_path *path)
{
    for (struct tcp_connection *c = *world_connections(h->world); c; c = c->next)
        for (int i = 0; i < 2; i++)
            if (c->ends[i].h == h && c->ends[i].is_open && kith_path_equal(&c->ends[i].path, path))
                return &c->ends[i];
    return NULL;
}

static struct end *other_of(struct end *e)
{
    return e == &e->connection->ends[0] ? &e->connection->ends[1] : &e->connection->ends[0];
}

static void arrive(void *arg)
{
    piece *p = arg;
    struct end *to = p->to;
    to->first = p->next;
    if (to->is_open && p->len > 0) {
        tell_bytes(to->h, &to->path, p->data, p->len);
        to->h->last_packet_at = virtual_now();
    } else if (to->is_open) {
        to->is_open = false;
        tell_closed(to->h, &to->path);
    }
    free(p);
}

static void post(struct end *from, const uint8_t *data, size_t len)
{
    world *w = from->h->world;
    if (from->connection->is_cut)
        return;
    piece *p = malloc(sizeof *p + len);
    struct end *to = p->to = other_of(from);
    p->next = NULL;
    *(to->first ? to->last : &to->first) = p;
    to->last = &p->next;
    p->len = len;
    if (len > 0)
        memcpy(p->data, data, len);
    kith_time at = from->free_at > virtual_now() ? from->free_at : virtual_now();
    at += from->h->link.delay;
    while (world_chance(w) < from->h->link.loss)
        at += RETRANSMIT;
    from->last_arrival = at > from->last_arrival ? at : from->last_arrival;
    world_at(w, from->last_arrival, arrive, p);
}

/* 1 byte to 64 KiB, each order of magnitude alike. */
static size_t choose_piece(world *w, size_t most)
{
    size_t len = (size_t)1 << (unsigned)(world_chance(w) * 17);
    len += (size_t)(world_chance(w) * (double)len);
    return len < most ? len : most;
}

static void drain(void *arg)
{
    struct end *e = arg;
    if (e->connection->is_cut)
        return;
    e->is_draining = false;
    if (!e->is_open || e->len == 0)
        return;
    if (other_of(e)->h->tcp_stalls) { /* its window is shut */
        e->is_draining = true;
        world_at(e->h->world, virtual_now() + KITH_MS(10), drain, e);
        return;
    }
    size_t len = choose_piece(e->h->world, e->len);
    if (e->h->link.rate_bps > 0) {
        kith_time start = e->free_at > virtual_now() ? e->free_at : virtual_now();
        e->free_at = start + (kith_time)(len * 8000000 / e->h->link.rate_bps);
    }
    post(e, e->queue, len);
    e->len -= len;
    memmove(e->queue, e->queue + len, e->len);
    if (e->is_full && e->len < TCP_BUFFER / 2) {
        e->is_full = false;
        tell_writable(e->h, &e->path, true);
    }
    if (e->len == 0)
        return;
    e->is_draining = true;
    world_at(e->h->world, e->free_at > virtual_now() ? e->free_at : virtual_now(), drain, e);
}

size_t tcp_waiting(host *h, const kith_path *path)
{
    const struct end *e = find(h, path);
    return e ? e->len : 0;
}

void tcp_send(host *h, const kith_path *path, const uint8_t *data, size_t len)
{
    struct end *e = find(h, path);
    h->packets_sent++;
    if (!e)
        return;
    /* Nothing is polled for a connection that takes no bytes, but a farewell. */
    assert(h->turn || !e->is_full || (e->beyond += len) <= TCP_BEYOND);
    if (e->len + len > e->cap) {
        e->cap = 2 * (e->len + len);
        e->queue = realloc(e->queue, e->cap);
    }
    memcpy(e->queue + e->len, data, len);
    e->len += len;
    if (e->len >= TCP_BUFFER && !e->is_full) {
        e->is_full = true;
        tell_writable(h, path, false);
    }
    if (!e->is_draining) {
        e->is_draining = true;
        world_at(h->world, virtual_now(), drain, e);
    }
}

/* ---- the end ---- */

static void finish(struct end *e)
{
    e->is_open = false;
    if (other_of(e)->h)
        post(e, NULL, 0);
}

void tcp_disconnect(host *h, const kith_request *request)
{
    tcp_close(h, &(kith_path){request->local, request->remote, KITH_TCP});
}

void tcp_close(host *h, const kith_path *path)
{
    struct end *e = find(h, path);
    if (!e)
        return;
    if (e->len > 0)
        post(e, e->queue, e->len);
    finish(e);
}

void host_reset_tcp(host *h)
{
    for (struct tcp_connection *c = *world_connections(h->world); c; c = c->next)
        for (int i = 0; i < 2; i++) {
            struct end *e = &c->ends[i];
            if (e->h != h || !e->is_open)
                continue;
            finish(e);
            tell_closed(h, &e->path);
        }
}

void host_cut_tcp(host *h)
{
    for (struct tcp_connection *c = *world_connections(h->world); c; c = c->next)
        c->is_cut |= c->ends[0].h == h || c->ends[1].h == h;
}

/* ---- who is no peer ---- */

bool tcp_intrude(host *to, kith_path *path, const char *from)
{
    kith_err err = kith_address_parse(&path->remote, from);
    assert(err == KITH_OK);
    (void)err;
    path->local = to->tcp;
    path->protocol = KITH_TCP;
    return kith_endpoint_handle_accepted(to->endpoint, virtual_now(), path);
}

void tcp_intruder_says(host *to, const kith_path *path, const void *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = *path;
    kith_endpoint_handle_packet(to->endpoint, virtual_now(), &info, data, len);
}
