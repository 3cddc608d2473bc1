/* Two agents joined by a tiny network under virtual time: delay, seeded loss, blocked addresses, a
 * NAT for one side, a STUN server, and signalling with a delay of its own. Nothing sleeps and
 * nothing is random but what the agents draw. A test may look into the agents: it includes the
 * room's own header. */
#ifndef KITH_TESTS_ICE_NET_H
#define KITH_TESTS_ICE_NET_H

#include "../unit.h"

#include <stdio.h>
#include <string.h>

#include "ice/candidates.h"
#include "ice/checks.h"
#include "ice/pairs.h"

/* Bytes from the wire; what is no STUN the agent does not get to see. */
static inline bool input(kith_ice *ice, kith_time now, const kith_path *path, const uint8_t *data,
                         size_t len)
{
    kith_stun message;
    return kith_stun_parse(&message, data, len) && kith_ice_input(ice, now, path, &message);
}

#define LEFT  0
#define RIGHT 1

#define MAX_FLIGHT  4096
#define MAX_SIGNALS 512
#define MAX_SOCKETS 8

struct datagram {
    kith_time at;
    kith_path path; /* as the receiver sees it */
    size_t len;
    uint8_t data[600];
};

/* What crosses the signalling channel: a candidate, or the end of candidates. */
struct signal {
    kith_time at;
    int to;
    bool is_end;
    kith_candidate candidate;
};

/* A NAT in front of one socket. */
struct mapping {
    kith_address inside, outside, towards; /* towards.family 0: endpoint-independent */
};

/* One end of a TCP connection. */
struct connection {
    int side;
    kith_path path;
};

struct peer {
    kith_ice *ice;
    kith_address sockets[MAX_SOCKETS];
    unsigned socket_count;
    kith_address listener; /* of TCP; family 0: none */
    unsigned connects;     /* that were asked for */
    unsigned sent;         /* datagrams */
    kith_time first_sent_at, last_sent_at;
    unsigned candidates, candidate_errors, gathered;
    kith_candidate last_candidate;
    int last_error_code;
    char last_url[64];
    kith_ice_state states[64];
    kith_time state_at[64];
    unsigned state_count;
    unsigned selections, authenticated, gone;
    bool refuses; /* its owner has every path for somebody else */
    kith_path selected;
};

struct net {
    kith_time now;
    kith_time delay;        /* one way */
    kith_time signal_delay; /* of candidates; KITH_NEVER: none are signalled */
    unsigned loss;          /* per cent */
    uint64_t seed;
    struct peer peers[2];
    struct datagram *flight;
    unsigned flight_count;
    struct signal *signals;
    unsigned signal_count;
    struct mapping mappings[16];
    unsigned mapping_count;
    kith_address natted[4]; /* sockets behind the NAT */
    unsigned natted_count;
    bool is_symmetric;
    bool is_restricted; /* only those who were sent to may send in, by address and port */
    struct mapping permissions[64];
    unsigned permission_count;
    struct connection connections[128];
    unsigned connection_count;
    bool no_udp;
    bool connects_hang;  /* they are not answered */
    kith_address server; /* STUN; family 0: none */
    int server_error;    /* it answers with this code */
    bool server_is_dead;
    unsigned server_requests;
    /* may change or drop (false) a datagram before it leaves */
    bool (*filter)(struct net *net, int from, struct datagram *d);
    void *user;
};

static inline kith_address addr(const char *text)
{
    kith_address a;
    ck_assert_msg(kith_address_parse(&a, text) == KITH_OK, "%s", text);
    return a;
}

static inline uint32_t dice(struct net *net)
{
    net->seed ^= net->seed << 13;
    net->seed ^= net->seed >> 7;
    net->seed ^= net->seed << 17;
    return (uint32_t)(net->seed >> 32);
}

/* Agents with roles and each other's credentials are made by net_connect; here they are strangers.
 */
static inline struct net *net_new(void)
{
    struct net *net = calloc(1, sizeof *net);
    net->now = KITH_SECONDS(1000);
    net->delay = KITH_MS(10);
    net->seed = 0x9e3779b97f4a7c15u;
    net->flight = calloc(MAX_FLIGHT, sizeof *net->flight);
    net->signals = calloc(MAX_SIGNALS, sizeof *net->signals);
    for (int side = LEFT; side <= RIGHT; side++) {
        kith_ice_config config = {.transaction_tag = 0x11111111u * (uint32_t)(side + 1)};
        ck_assert_int_eq(kith_ice_new(&net->peers[side].ice, &config), KITH_OK);
        net->peers[side].first_sent_at = KITH_NEVER;
    }
    return net;
}

static inline void net_free(struct net *net)
{
    kith_ice_free(net->peers[LEFT].ice);
    kith_ice_free(net->peers[RIGHT].ice);
    free(net->flight);
    free(net->signals);
    free(net);
}

static inline kith_ice *ice_of(struct net *net, int side)
{
    return net->peers[side].ice;
}

static inline void add_socket(struct net *net, int side, const char *text)
{
    struct peer *peer = &net->peers[side];
    kith_address a = addr(text);
    peer->sockets[peer->socket_count++] = a;
    ck_assert_int_eq(kith_ice_add_local(peer->ice, &a, KITH_TCPTYPE_NONE), KITH_OK);
}

/* Both kinds of TCP candidates. */
static inline void add_tcp(struct net *net, int side, const char *text)
{
    struct peer *peer = &net->peers[side];
    peer->listener = addr(text);
    ck_assert_int_eq(kith_ice_add_local(peer->ice, &peer->listener, KITH_TCPTYPE_ACTIVE), KITH_OK);
    ck_assert_int_eq(kith_ice_add_local(peer->ice, &peer->listener, KITH_TCPTYPE_PASSIVE), KITH_OK);
}

/* After a restart: what the generation before had; without memory some of it. */
static inline void gather_again(kith_ice *ice)
{
    const kith_ice_generation *old = ice->newest->previous;
    kith_err err = KITH_OK;
    if (!old)
        return;
    KITH_ICE_EACH(&old->bases, kith_ice_base, base)
        if (!base->is_gone && err == KITH_OK)
            err = kith_ice_add_local(ice, &base->address, base->tcp_type);
    KITH_ICE_EACH(&old->servers, kith_ice_server, server)
        if (err == KITH_OK)
            err = kith_ice_add_stun_server(ice, &server->address, server->url);
    ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
}

/* ---- the network ---- */

static inline const kith_address *nat_out(struct net *net, const kith_address *inside,
                                          const kith_address *to)
{
    bool is_natted = false;
    for (unsigned i = 0; i < net->natted_count; i++)
        is_natted = is_natted || kith_address_equal(&net->natted[i], inside);
    if (!is_natted)
        return inside;
    if (net->is_restricted && net->permission_count < 64)
        net->permissions[net->permission_count++] =
            (struct mapping){.inside = *inside, .towards = *to};
    for (unsigned i = 0; i < net->mapping_count; i++)
        if (kith_address_equal(&net->mappings[i].inside, inside) &&
            (net->mappings[i].towards.family == 0 ||
             kith_address_equal(&net->mappings[i].towards, to)))
            return &net->mappings[i].outside;
    ck_assert_uint_lt(net->mapping_count, 16);
    struct mapping *m = &net->mappings[net->mapping_count++];
    m->inside = *inside;
    m->outside = addr("203.0.113.1:40000");
    m->outside.port = (uint16_t)(40000 + net->mapping_count);
    if (net->is_symmetric)
        m->towards = *to;
    return &m->outside;
}

static inline bool is_permitted(const struct net *net, const struct mapping *m,
                                const kith_address *from)
{
    if (!net->is_restricted)
        return true;
    for (unsigned i = 0; i < net->permission_count; i++)
        if (kith_address_equal(&net->permissions[i].inside, &m->inside) &&
            kith_address_equal(&net->permissions[i].towards, from))
            return true;
    return false;
}

/* NULL: nobody behind it lets this in. A symmetric NAT lets in only whom it was opened for. */
static inline const kith_address *nat_in(struct net *net, const kith_address *outside,
                                         const kith_address *from)
{
    for (unsigned i = 0; i < net->natted_count; i++)
        if (kith_address_equal(&net->natted[i], outside))
            return NULL; /* private addresses cannot be reached */
    for (unsigned i = 0; i < net->mapping_count; i++)
        if (kith_address_equal(&net->mappings[i].outside, outside) &&
            (net->mappings[i].towards.family == 0 ||
             kith_address_equal(&net->mappings[i].towards, from)))
            return is_permitted(net, &net->mappings[i], from) ? &net->mappings[i].inside : NULL;
    return outside;
}

static inline void fly(struct net *net, const struct datagram *d, kith_time at)
{
    ck_assert_uint_lt(net->flight_count, MAX_FLIGHT);
    net->flight[net->flight_count] = *d;
    net->flight[net->flight_count++].at = at;
}

/* A datagram as its sender made it: path seen from the sender. */
static inline void net_send(struct net *net, int from, const kith_path *path, const uint8_t *data,
                            size_t len)
{
    struct datagram d = {.path = *path, .len = len};
    ck_assert_uint_le(len, sizeof d.data);
    memcpy(d.data, data, len);
    struct peer *peer = &net->peers[from];
    peer->sent++;
    peer->last_sent_at = net->now;
    if (peer->first_sent_at == KITH_NEVER)
        peer->first_sent_at = net->now;
    if (net->filter && !net->filter(net, from, &d))
        return;
    if (path->protocol == KITH_UDP && net->no_udp)
        return;
    if (net->loss > 0 && dice(net) % 100 < net->loss)
        return;
    d.path.local = path->remote;
    d.path.remote = *nat_out(net, &path->local, &path->remote);
    fly(net, &d, net->now + net->delay);
}

static inline void serve_stun(struct net *net, const struct datagram *request)
{
    kith_stun m;
    uint8_t buf[200];
    kith_writer w = kith_wr(buf, sizeof buf);
    net->server_requests++;
    if (net->server_is_dead || !kith_stun_parse(&m, request->data, request->len) ||
        m.class != KITH_STUN_REQUEST)
        return;
    kith_stun_begin(&w, net->server_error != 0 ? KITH_STUN_ERROR : KITH_STUN_SUCCESS,
                    KITH_STUN_BINDING, m.id);
    if (net->server_error != 0)
        kith_stun_put_error(&w, net->server_error, NULL);
    else
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &request->path.remote);
    kith_stun_end(&w);
    struct datagram answer = {.path = {request->path.remote, request->path.local, KITH_UDP},
                              .len = w.len};
    memcpy(answer.data, buf, w.len);
    fly(net, &answer, net->now + net->delay);
}

/* ---- the agents ---- */

static inline void signal_to(struct net *net, int to, const kith_candidate *candidate)
{
    if (net->signal_delay == KITH_NEVER)
        return;
    struct signal *s = &net->signals[net->signal_count++];
    ck_assert_uint_le(net->signal_count, MAX_SIGNALS);
    *s = (struct signal){.at = net->now + net->signal_delay, .to = to, .is_end = !candidate};
    if (candidate)
        s->candidate = *candidate;
}

/* Does a generation still answer to this ufrag? */
static inline bool knows_ufrag(const kith_ice *ice, const char *ufrag)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (!g->is_failed && strcmp(g->ufrag, ufrag) == 0)
            return true;
    return false;
}

/* Nothing passes without it. */
static inline struct connection *find_connection(struct net *net, const kith_path *path)
{
    for (unsigned i = 0; i < net->connection_count; i++)
        if (kith_path_equal(&net->connections[i].path, path))
            return &net->connections[i];
    return NULL;
}

static inline void connect_tcp(struct net *net, int side, const kith_ice_event *ev)
{
    kith_path here = ev->path;
    net->peers[side].connects++;
    if (net->connects_hang)
        return;
    if (!kith_address_equal(&net->peers[!side].listener, &here.remote)) {
        kith_ice_connect_failed(ice_of(net, side), ev->pair_id, "refused");
        return;
    }
    here.local.port = (uint16_t)(50000 + net->connection_count);
    ck_assert_uint_lt(net->connection_count, 126);
    ck_assert(kith_ice_connected(ice_of(net, side), ev->pair_id, &here));
    net->connections[net->connection_count++] = (struct connection){side, here};
    net->connections[net->connection_count++] =
        (struct connection){!side, {here.remote, here.local, KITH_TCP}};
}

/* One end closes it, and the other hears of that. */
static inline void close_tcp(struct net *net, const kith_path *path)
{
    struct connection *one = find_connection(net, path);
    kith_path there = {path->remote, path->local, KITH_TCP};
    struct connection *other = find_connection(net, &there);
    if (!one || !other)
        return;
    kith_ice_connection_closed(ice_of(net, other->side), &there);
    one->path = other->path = (kith_path){0};
}

static inline void note_event(struct net *net, int side, const kith_ice_event *ev)
{
    struct peer *peer = &net->peers[side];
    switch (ev->type) {
    case KITH_ICE_EV_CANDIDATE:
        peer->candidates++;
        peer->last_candidate = ev->candidate;
        strncpy(peer->last_url, ev->url ? ev->url : "", sizeof peer->last_url - 1);
        signal_to(net, 1 - side, &ev->candidate);
        break;
    case KITH_ICE_EV_CANDIDATE_ERROR:
        peer->candidate_errors++;
        peer->last_error_code = ev->error_code;
        strncpy(peer->last_url, ev->url, sizeof peer->last_url - 1);
        break;
    case KITH_ICE_EV_GATHERED:
        peer->gathered++;
        signal_to(net, 1 - side, NULL);
        break;
    case KITH_ICE_EV_STATE:
        ck_assert_uint_lt(peer->state_count, 64);
        peer->state_at[peer->state_count] = net->now;
        peer->states[peer->state_count++] = ev->state;
        break;
    case KITH_ICE_EV_SELECTED:
        peer->selections++;
        peer->selected = ev->path;
        break;
    case KITH_ICE_EV_AUTHENTICATED:
        peer->authenticated++;
        if (peer->refuses)
            kith_ice_path_refused(peer->ice, net->now, &ev->path);
        break;
    case KITH_ICE_EV_PATH_GONE:
        peer->gone++;
        if (ev->path.protocol == KITH_TCP && !kith_ice_uses_connection(peer->ice, &ev->path))
            close_tcp(net, &ev->path);
        break;
    case KITH_ICE_EV_CONNECT:
        connect_tcp(net, side, ev);
        break;
    }
}

/* Everything an agent has to say and to send now; afterwards nothing is due. */
static inline void drain(struct net *net, int side)
{
    kith_ice *ice = ice_of(net, side);
    kith_path path;
    uint8_t buf[1200];
    size_t len;
    bool has_news = true; /* an event may make packets: a connection is there */
    while (has_news) {
        has_news = false;
        for (kith_ice_event ev; kith_ice_event_next(ice, &ev); has_news = true)
            note_event(net, side, &ev);
        while ((len = kith_ice_output(ice, net->now, &path, buf, sizeof buf)) > 0)
            net_send(net, side, &path, buf, len);
        for (kith_ice_event ev; kith_ice_event_next(ice, &ev); has_news = true)
            note_event(net, side, &ev);
    }
    ck_assert_msg(kith_ice_deadline(ice) > net->now, "an agent would spin");
}

static inline void deliver(struct net *net, const struct datagram *d)
{
    if (net->server.family != 0 && kith_address_equal(&d->path.local, &net->server)) {
        serve_stun(net, d);
        return;
    }
    if (d->path.protocol == KITH_TCP) {
        struct connection *c = find_connection(net, &d->path);
        if (c) {
            input(ice_of(net, c->side), net->now, &c->path, d->data, d->len);
            drain(net, c->side);
        }
        return;
    }
    const kith_address *to = nat_in(net, &d->path.local, &d->path.remote);
    if (!to)
        return;
    for (int side = LEFT; side <= RIGHT; side++)
        for (unsigned i = 0; i < net->peers[side].socket_count; i++)
            if (kith_address_equal(&net->peers[side].sockets[i], to)) {
                kith_path path = {*to, d->path.remote, KITH_UDP};
                input(ice_of(net, side), net->now, &path, d->data, d->len);
                drain(net, side);
                return;
            }
}

static inline kith_time next_time(const struct net *net)
{
    kith_time at = KITH_NEVER;
    for (unsigned i = 0; i < net->flight_count; i++)
        at = kith_ice_earlier(at, net->flight[i].at);
    for (unsigned i = 0; i < net->signal_count; i++)
        at = kith_ice_earlier(at, net->signals[i].at);
    for (int side = LEFT; side <= RIGHT; side++)
        at = kith_ice_earlier(at, kith_ice_deadline(net->peers[side].ice));
    return at;
}

static inline void deliver_signals(struct net *net)
{
    for (unsigned i = 0; i < net->signal_count;) {
        struct signal s = net->signals[i];
        if (s.at > net->now) {
            i++;
            continue;
        }
        memmove(&net->signals[i], &net->signals[i + 1], (--net->signal_count - i) * sizeof s);
        if (s.is_end)
            kith_ice_end_remote(ice_of(net, s.to));
        else
            kith_ice_add_remote(ice_of(net, s.to), &s.candidate);
    }
}

/* Runs until `until`, or until done(net) says so; true if it did. */
static inline bool net_run_until(struct net *net, kith_time until, bool (*done)(struct net *))
{
    for (;;) {
        drain(net, LEFT);
        drain(net, RIGHT);
        if (done && done(net))
            return true;
        kith_time at = next_time(net);
        if (at > until) {
            net->now = until;
            return false;
        }
        net->now = kith_ice_later(net->now, at);
        deliver_signals(net);
        for (unsigned i = 0; i < net->flight_count;) {
            if (net->flight[i].at > net->now) {
                i++;
                continue;
            }
            struct datagram d = net->flight[i];
            memmove(&net->flight[i], &net->flight[i + 1], (--net->flight_count - i) * sizeof d);
            deliver(net, &d);
        }
        kith_ice_tick(ice_of(net, LEFT), net->now);
        kith_ice_tick(ice_of(net, RIGHT), net->now);
    }
}

static inline void net_run(struct net *net, kith_time duration)
{
    net_run_until(net, net->now + duration, NULL);
}

/* ---- what tests say ---- */

/* LEFT offers, RIGHT answers: each knows the other's credentials. */
static inline void exchange_credentials(struct net *net)
{
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLING);
    kith_ice_set_role(ice_of(net, RIGHT), KITH_ICE_CONTROLLED);
    for (int side = LEFT; side <= RIGHT; side++)
        ck_assert_int_eq(kith_ice_set_remote(ice_of(net, side),
                                             kith_ice_local_ufrag(ice_of(net, 1 - side)),
                                             kith_ice_local_pwd(ice_of(net, 1 - side)), false),
                         KITH_OK);
}

static inline void end_local(struct net *net)
{
    kith_ice_end_local(ice_of(net, LEFT));
    kith_ice_end_local(ice_of(net, RIGHT));
}

static inline kith_candidate host(const char *text)
{
    kith_candidate c = {
        .foundation = "f", .component = 1, .priority = 2122194687, .type = KITH_CANDIDATE_HOST};
    c.address = addr(text);
    return c;
}

static inline bool both_selected(struct net *net)
{
    return ice_of(net, LEFT)->newest->selected && ice_of(net, RIGHT)->newest->selected;
}

static inline bool both_connected(struct net *net)
{
    return ice_of(net, LEFT)->send_pair && ice_of(net, RIGHT)->send_pair;
}

static inline bool is_authenticated(struct net *net, int side, const kith_path *path)
{
    const kith_ice_pair *pair = kith_ice_find_pair(ice_of(net, side)->newest, path);
    return pair && pair->is_authenticated;
}

static inline kith_ice_state state_of(struct net *net, int side)
{
    return kith_ice_get_state(ice_of(net, side));
}

/* The usual beginning: a socket each, credentials and candidates exchanged at once. */
static inline struct net *net_pair(void)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    end_local(net);
    return net;
}

static inline struct net *net_connected(void)
{
    struct net *net = net_pair();
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    return net;
}

static inline bool drop_everything(struct net *net, int from, struct datagram *d)
{
    (void)net;
    (void)from;
    (void)d;
    return false;
}

#endif
