/* A host behind a NAT of any kind, servers of STUN and TURN in front of it, and a clock: what a
 * probe finds is known by construction. Packets are lost and delayed by a seeded sequence. */
#ifndef KITH_TESTS_UNIT_NAT_NET_H
#define KITH_TESTS_UNIT_NAT_NET_H

#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/address.h"
#include "kith/nat.h"
#include "kith/turn_server.h"
#include "wire/stun.h"

#define HOST        "192.168.1.2"
#define OUTSIDE     "203.0.113.5"
#define OUTSIDE_2   "203.0.113.6"
#define SERVER      "198.51.100.1:3478"
#define SERVER_URL  "stun:198.51.100.1"
#define HOST_6      "2001:db8:1::2"
#define SERVER_6URL "stun:[2001:db8:2::1]"
#define TURN_URL    "turn:198.51.100.1"
#define OTHER_BOTH  "198.51.100.2:3479"
#define PLAIN       "198.51.100.77:3478"
#define PLAIN_URL   "stun:198.51.100.77"
#define PLAIN_2     "198.51.100.88:3478"
#define PLAIN_2URL  "stun:198.51.100.88"

/* How much of the other end a rule heeds (RFC 4787 sections 4.1 and 5). */
typedef enum heed { NOTHING, ADDRESS, ADDRESS_AND_PORT } heed;
typedef enum ports { PRESERVED, COUNTED, RANDOM } ports;

typedef struct nat_rules {
    /* nothing is translated, and the rest filters */
    bool is_firewall;
    heed mapping, filtering;
    ports ports;
    int step;
    bool hairpin;
    /* each socket has another external address */
    bool unpaired;
    /* of a silent mapping; 0: for ever */
    kith_time lifetime;
    /* UDP does not pass */
    bool blocks;
} nat_rules;

typedef struct net net;

/* A server that a test writes: an answer to m in w, which leaves along *path (from the server). */
typedef bool (*scripted)(net *n, const kith_stun *m, kith_path *path, kith_writer *w);

typedef struct net_options {
    nat_rules nat;
    double loss;
    /* of IP packets; 0: any */
    size_t mtu;
    uint64_t seed;
    const char *urls[4];
    kith_time lifetime;
    const char *password;
    scripted script;
    /* sockets cannot be opened */
    bool no_sockets;
    /* what the name "example.org" resolves to */
    const char *addresses[3];
    bool without_local;
    /* HOST_6 instead of HOST */
    bool is_ipv6;
} net_options;

enum { MAX_MAPPINGS = 256, MAX_FLYING = 256, MAX_SOCKETS = 64, MAX_SEEN = 16 };

typedef struct nat_mapping {
    kith_address inside, outside, to;
    kith_address seen[MAX_SEEN];
    size_t seen_count;
    kith_time used_at;
} nat_mapping;

typedef struct flying {
    kith_time at;
    kith_path path;
    /* to the host, or from it */
    bool inward;
    uint8_t data[1600];
    size_t len;
} flying;

struct net {
    net_options options;
    kith_time now;
    uint64_t random;
    kith_nat_probe *probe;
    kith_turn_server *server;
    nat_mapping mappings[MAX_MAPPINGS];
    size_t mapping_count;
    uint16_t next_port;
    flying flying[MAX_FLYING];
    size_t flying_count;
    kith_address sockets[MAX_SOCKETS];
    size_t socket_count;
    uint16_t last_socket;
    unsigned sent, scripted_asked;
    /* packets to addresses that no server has */
    unsigned strayed;
    kith_address strayed_to;
    bool failed;
};

static inline kith_address address_of(const char *text)
{
    kith_address out;
    ck_assert_int_eq(kith_address_parse(&out, text), KITH_OK);
    return out;
}

static inline double chance(net *n)
{
    n->random = n->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(n->random >> 33) / (double)(1ull << 31);
}

/* ---- the NAT ---- */

static inline bool heeds_same(heed rule, const kith_address *a, const kith_address *b)
{
    if (rule == NOTHING)
        return true;
    return rule == ADDRESS ? kith_address_same_ip(a, b) : kith_address_equal(a, b);
}

static inline bool lives(const net *n, const nat_mapping *m)
{
    return n->options.nat.lifetime == 0 || n->now < m->used_at + n->options.nat.lifetime;
}

static inline uint16_t choose_port(net *n, const kith_address *inside)
{
    const nat_rules *nat = &n->options.nat;
    if (nat->ports == PRESERVED)
        return inside->port;
    if (nat->ports == RANDOM)
        return (uint16_t)(20000 + chance(n) * 40000);
    n->next_port = (uint16_t)(n->next_port + nat->step);
    return n->next_port;
}

static inline nat_mapping *map_out(net *n, const kith_address *inside, const kith_address *to)
{
    const nat_rules *nat = &n->options.nat;
    for (size_t i = 0; i < n->mapping_count; i++) {
        nat_mapping *m = &n->mappings[i];
        if (lives(n, m) && kith_address_equal(&m->inside, inside) &&
            heeds_same(nat->mapping, &m->to, to))
            return m;
    }
    ck_assert_uint_lt(n->mapping_count, MAX_MAPPINGS);
    nat_mapping *m = &n->mappings[n->mapping_count++];
    *m = (nat_mapping){.inside = *inside, .to = *to, .outside = address_of(OUTSIDE)};
    if (nat->unpaired && n->mapping_count % 2 == 0)
        m->outside = address_of(OUTSIDE_2);
    m->outside.port = choose_port(n, inside);
    if (nat->is_firewall)
        m->outside = *inside;
    return m;
}

/* The source as the world sees it. */
static inline kith_address outward(net *n, const kith_address *inside, const kith_address *to)
{
    nat_mapping *m = map_out(n, inside, to);
    m->used_at = n->now;
    for (size_t i = 0; i < m->seen_count; i++)
        if (kith_address_equal(&m->seen[i], to))
            return m->outside;
    ck_assert_uint_lt(m->seen_count, MAX_SEEN);
    m->seen[m->seen_count++] = *to;
    return m->outside;
}

/* False: nobody is let in. */
static inline bool inward(net *n, const kith_address *from, kith_address *to)
{
    for (size_t i = 0; i < n->mapping_count; i++) {
        nat_mapping *m = &n->mappings[i];
        if (!lives(n, m) || !kith_address_equal(&m->outside, to))
            continue;
        for (size_t k = 0; k < m->seen_count; k++)
            if (heeds_same(n->options.nat.filtering, &m->seen[k], from)) {
                *to = m->inside;
                return true;
            }
    }
    return false;
}

/* ---- packets ---- */

static inline void fly(net *n, const kith_path *path, bool in, const void *data, size_t len)
{
    if (chance(n) < n->options.loss)
        return;
    ck_assert_uint_lt(n->flying_count, MAX_FLYING);
    flying *f = &n->flying[n->flying_count++];
    *f = (flying){.at = n->now + KITH_MS(20), .path = *path, .inward = in, .len = len};
    memcpy(f->data, data, len);
}

static inline void leave_host(net *n, const kith_packet_info *info, const void *data, size_t len)
{
    kith_path path = info->path;
    kith_address out = address_of(OUTSIDE), out2 = address_of(OUTSIDE_2);
    size_t whole = len + (path.local.family == KITH_IPV6 ? 48 : 28);
    n->sent++;
    if (n->options.nat.blocks || (n->options.mtu != 0 && whole > n->options.mtu))
        return;
    path.local = outward(n, &path.local, &path.remote);
    bool is_own =
        kith_address_same_ip(&path.remote, &out) || kith_address_same_ip(&path.remote, &out2);
    if (is_own && !n->options.nat.hairpin)
        return;
    fly(n, &path, is_own, data, len);
}

static inline void poll_server(net *n)
{
    uint8_t buf[2000];
    kith_packet_info out = KITH_PACKET_INFO_INIT;
    for (const kith_request *r; (r = kith_turn_server_poll_request(n->server));)
        if (r->type == KITH_REQUEST_OPEN) {
            kith_address bound = r->local;
            (void)kith_turn_server_handle_opened(n->server, n->now, r->id, &bound);
            break;
        }
    size_t len = kith_turn_server_poll_packet(n->server, &out, buf, sizeof buf);
    if (len > 0)
        fly(n, &out.path, true, buf, len);
}

static inline bool is_of_server(const net *n, const kith_address *address)
{
    const kith_address *local;
    for (size_t i = 0; n->server && (local = kith_turn_server_local(n->server, i)); i++)
        if (kith_address_equal(local, address))
            return true;
    return false;
}

static inline bool answer_plainly(net *n, const kith_stun *m, kith_path *path, kith_writer *w)
{
    (void)n;
    kith_stun_begin(w, KITH_STUN_SUCCESS, m->method, m->id);
    kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &path->remote);
    return true;
}

static inline void ask_scripted(net *n, const flying *f)
{
    static const char *const plain[] = {PLAIN, PLAIN_2};
    uint8_t buf[1500];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_path path = {.local = f->path.remote, .remote = f->path.local};
    kith_stun m;
    for (size_t i = 0; i < 2; i++) {
        kith_address address = address_of(plain[i]);
        if (!kith_address_equal(&address, &path.local) || !kith_stun_parse(&m, f->data, f->len))
            continue;
        n->scripted_asked++;
        scripted script = n->options.script ? n->options.script : answer_plainly;
        if (script(n, &m, &path, &w)) {
            kith_stun_end(&w);
            fly(n, &path, true, w.data, w.len);
        }
        return;
    }
    n->strayed++;
    n->strayed_to = path.local;
}

static inline bool has_socket(const net *n, const kith_address *address)
{
    for (size_t i = 0; i < n->socket_count; i++)
        if (kith_address_equal(&n->sockets[i], address))
            return true;
    return false;
}

static inline void land(net *n, flying *f)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = f->path.remote;
    info.path.remote = f->path.local;
    if (!f->inward && is_of_server(n, &info.path.local)) {
        kith_turn_server_handle_packet(n->server, n->now, &info, f->data, f->len);
        poll_server(n);
        poll_server(n);
    } else if (!f->inward) {
        ask_scripted(n, f);
    } else if (inward(n, &info.path.remote, &info.path.local) && has_socket(n, &info.path.local)) {
        kith_nat_probe_handle_packet(n->probe, n->now, &info, f->data, f->len);
    }
}

/* ---- the driver ---- */

static inline void resolve(net *n, const kith_request *request)
{
    kith_address found[3];
    size_t count = 0;
    for (; count < 3 && n->options.addresses[count]; count++)
        found[count] = address_of(n->options.addresses[count]);
    if (strcmp(request->hostname, "silent.example") != 0)
        kith_nat_probe_handle_resolved(n->probe, n->now, request->id, found, count);
}

static inline void serve_probe(net *n)
{
    for (const kith_request *r; (r = kith_nat_probe_poll_request(n->probe));) {
        kith_address bound = r->local;
        if (r->type == KITH_REQUEST_RESOLVE) {
            resolve(n, r);
        } else if (r->type == KITH_REQUEST_OPEN) {
            ck_assert_uint_lt(n->socket_count, MAX_SOCKETS);
            ck_assert_uint_eq(bound.port, 0);
            bound.port = n->last_socket = (uint16_t)(n->last_socket + 7);
            n->sockets[n->socket_count] = bound;
            n->socket_count += !n->options.no_sockets;
            ck_assert(kith_nat_probe_handle_opened(n->probe, n->now, r->id,
                                                   n->options.no_sockets ? NULL : &bound));
        } else {
            ck_assert_int_eq(r->type, KITH_REQUEST_CLOSE);
            size_t i = 0;
            while (i < n->socket_count && !kith_address_equal(&n->sockets[i], &bound))
                i++;
            ck_assert_uint_lt(i, n->socket_count);
            n->sockets[i] = n->sockets[--n->socket_count];
        }
    }
}

static inline void drain(net *n)
{
    uint8_t buf[KITH_MAX_PACKET];
    size_t len;
    do {
        kith_packet_info info = KITH_PACKET_INFO_INIT;
        while ((len = kith_nat_probe_poll_packet(n->probe, n->now, &info, buf, sizeof buf)) > 0) {
            ck_assert(has_socket(n, &info.path.local));
            leave_host(n, &info, buf, len);
        }
        serve_probe(n);
    } while (kith_nat_probe_timeout(n->probe) == 0);
}

static inline kith_time next_at(net *n)
{
    kith_time at = kith_nat_probe_timeout(n->probe);
    for (size_t i = 0; i < n->flying_count; i++)
        if (n->flying[i].at < at)
            at = n->flying[i].at;
    return at;
}

/* Runs until the report is complete; false: `limit` passed before. */
static inline bool net_run(net *n, kith_time limit)
{
    kith_time end = n->now + limit;
    kith_nat_probe_handle_timeout(n->probe, n->now);
    for (drain(n); !kith_nat_probe_report(n->probe)->is_complete; drain(n)) {
        kith_time at = next_at(n);
        if (at > end)
            return false;
        n->now = at > n->now ? at : n->now;
        for (size_t i = 0; i < n->flying_count;) {
            if (n->flying[i].at > n->now) {
                i++;
                continue;
            }
            flying f = n->flying[i];
            for (size_t k = i; k + 1 < n->flying_count; k++)
                n->flying[k] = n->flying[k + 1];
            n->flying_count--;
            land(n, &f);
        }
        if (kith_nat_probe_timeout(n->probe) <= n->now)
            kith_nat_probe_handle_timeout(n->probe, n->now);
    }
    return true;
}

/* ---- beginning and end ---- */

#define NET_USER     "user"
#define NET_PASSWORD "password"

static inline bool add_server(net *n)
{
    static const char *const locals[] = {SERVER,
                                         "198.51.100.1:3479",
                                         "198.51.100.2:3478",
                                         OTHER_BOTH,
                                         "[2001:db8:2::1]:3478",
                                         "[2001:db8:2::1]:3479",
                                         "[2001:db8:2::2]:3478",
                                         "[2001:db8:2::2]:3479"};
    static const kith_turn_user user = {.username = NET_USER, .password = NET_PASSWORD};
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.discovery = true;
    config.users = &user;
    config.user_count = 1;
    if (kith_turn_server_new(&n->server, &config) != KITH_OK)
        return false;
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++) {
        kith_address local = address_of(locals[i]);
        ck_assert_int_eq(kith_turn_server_add_local(n->server, &local, NULL), KITH_OK);
    }
    return true;
}

/* False: out of memory. */
static inline bool net_init(net *n, const net_options *options)
{
    kith_nat_config config = KITH_NAT_CONFIG_INIT;
    kith_ice_server given = {.urls = options->urls,
                             .username = NET_USER,
                             .credential = options->password ? options->password : NET_PASSWORD};
    kith_address host = address_of(options->is_ipv6 ? HOST_6 : HOST);
    *n = (net){.options = *options,
               .now = KITH_SECONDS(1000),
               .random = options->seed + 1,
               .next_port = 30000,
               .last_socket = 50000};
    while (given.url_count < 4 && options->urls[given.url_count])
        given.url_count++;
    config.ice_servers = &given;
    config.ice_server_count = given.url_count > 0;
    config.lifetime = options->lifetime;
    if (!add_server(n) || kith_nat_probe_new(&n->probe, &config) != KITH_OK)
        return false;
    return options->without_local || kith_nat_probe_add_local(n->probe, &host) == KITH_OK;
}

static inline void net_deinit(net *n)
{
    kith_nat_probe_free(n->probe);
    kith_turn_server_free(n->server);
}

/* What was found of the host's one address. */
static inline const kith_nat_local *found(net *n)
{
    const kith_nat_report *report = kith_nat_probe_report(n->probe);
    ck_assert(report->is_complete);
    ck_assert_uint_eq(report->local_count, 1);
    return &report->locals[0];
}

static inline const kith_nat_server *server_at(net *n, size_t index)
{
    const kith_nat_report *report = kith_nat_probe_report(n->probe);
    ck_assert_uint_lt(index, report->server_count);
    return &report->servers[index];
}

#endif
