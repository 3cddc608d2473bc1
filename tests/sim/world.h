/* The simulator: a virtual clock and a seeded network around any number of endpoints. No packet
 * leaves the process and nothing waits: an hour of protocol time takes as long as its packets take
 * to compute.
 *
 * A host has an endpoint and one UDP address, perhaps behind a NAT. Every packet passes its
 * sender's link. The same seed in a fresh process gives the same packets at the same times
 * (world_trace). */
#ifndef KITH_TESTS_SIM_WORLD_H
#define KITH_TESTS_SIM_WORLD_H

#include "kith/kith.h"

/* What happens to packets that a host sends. Zero: nothing. */
typedef struct link_config {
    kith_time delay;
    kith_time jitter;   /* up to this much more; does not reorder by itself */
    double loss;        /* probability */
    double duplicate;   /* probability */
    double reorder;     /* probability of being held back by `delay` once more */
    uint64_t rate_bps;  /* 0: no limit */
    size_t queue_bytes; /* what the rate limit holds before it drops; 0: 64 KiB */
    size_t mtu;         /* UDP payload bytes; longer ones are dropped; 0: no limit */
} link_config;

/* RFC 4787's mapping and filtering, under their old names. */
typedef enum nat_type {
    NAT_NONE,
    NAT_FULL_CONE,
    NAT_ADDRESS_RESTRICTED,
    NAT_PORT_RESTRICTED,
    NAT_SYMMETRIC,
} nat_type;

typedef struct world world;
typedef struct host host;

#define HOST_MAX_SOCKETS  32
#define HOST_MAX_NETWORKS 4

/* A network that a host is on, and what has become of it. */
typedef struct network {
    kith_address address; /* of the host's socket there */
    bool is_down;         /* the interface is gone; the endpoint was told */
    bool is_cut;          /* nothing passes, and nobody is told */
    bool is_unreachable;  /* no packet leaves: the driver is told as it sends */
} network;

struct host {
    world *world;
    const char *name;
    kith_endpoint *endpoint; /* NULL for servers */
    kith_address address;    /* of its socket, as it sees it */
    link_config link;
    bool unplugged;                      /* nothing leaves it */
    bool deaf;                           /* nothing reaches it */
    bool slow;                           /* its application does not ask for events */
    bool idle;                           /* its driver does nothing but take in what comes */
    unsigned packets_per_ms;             /* that its driver sends; 0: all there are */
    unsigned packets_in_ms;              /* that it has sent in the present one */
    kith_time present_ms;                /* and when that began */
    bool no_ports;                       /* sockets that its peers ask for cannot be opened */
    bool no_udp;                         /* a firewall lets no datagram of its leave */
    bool no_tcp;                         /* or no connection be made, from it or to it */
    bool tcp_stalls;                     /* it reads nothing from its connections */
    kith_address tcp;                    /* where its peers connect from, and to (tcp.h) */
    kith_address tls;                    /* of a server: where TLS is spoken */
    network networks[HOST_MAX_NETWORKS]; /* those of host_network */
    size_t network_count;
    kith_address opened[HOST_MAX_SOCKETS]; /* those that were */
    size_t opened_count;
    uint16_t last_port;
    /* Not sent on but looked at: returns false to drop. */
    bool (*tap)(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user);
    void *tap_user;
    void (*on_event)(host *h, const kith_event *ev, void *user);
    void *user;
    struct nat *nat;
    bool is_behind_nat64; /* it has IPv6 alone, and IPv4 behind 64:ff9b::/96 */
    struct host *next;
    kith_time link_free_at; /* when the rate limit has sent what it holds */
    kith_time last_arrival; /* so that jitter keeps the order */
    bool is_stun_server;
    struct turn_server *turn; /* NULL: it is none (turn.h) */
    uint64_t packets_sent, packets_lost;
    kith_time last_packet_at;
    uint64_t alarms; /* times that its driver woke without a packet */
};

/* `seed` 0: the environment's KITH_SEED, else 1; printed when a scenario fails. */
world *world_new(uint64_t seed);
void world_free(world *w);
uint64_t world_seed(const world *w);
kith_time world_now(const world *w);

/* Hosts that are added from now on, to any world, trust these roots (PEM, borrowed; NULL: the
 * system's) and believe that a clock at 0 is `unix_seconds` (0: the default). */
void world_trust(const char *roots, int64_t unix_seconds);
/* A host at `ip` (port 5000 and up), with an endpoint. With a NAT the address is private and `ip`
 * is the NAT's. */
host *world_add_host(world *w, const char *name, const char *ip, nat_type nat, link_config link);
/* A host with a NAT has `ip` of IPv6 alone from now on, and the NAT is a NAT64. */
void host_use_nat64(host *h, const char *ip);
/* The host's network at `ip`: that of its own address, or one that it joins now. */
network *host_network(host *h, const char *ip);
/* Its interface goes or comes back, and the endpoint is told. */
void host_network_down(host *h, network *n);
void host_network_up(host *h, network *n);
/* A STUN server (RFC 8489 Binding) at ip:3478. */
host *world_add_stun_server(world *w, const char *ip, kith_time delay);
/* A host without an endpoint, whose packets others write. */
host *world_add_server(world *w, const char *ip, uint16_t port, kith_time delay);
void host_send(host *h, const kith_path *path, const void *data, size_t len);
/* A name that resolves to `ip` after `delay`; NULL ip: it fails then. Names not added never answer.
 * Added twice: to both addresses, in this order, after the first delay. */
void world_add_name(world *w, const char *name, const char *ip, kith_time delay);

/* tcp.c: all hosts; all connections. */
host *world_hosts(world *w);
struct tcp_connection;
struct tcp_connection **world_connections(world *w);

/* Calls fn at `at`. */
void world_at(world *w, kith_time at, void (*fn)(void *arg), void *arg);

/* Runs until done(arg) holds or `limit` of virtual time has passed; was it done? */
bool world_run(world *w, kith_time limit, bool (*done)(void *arg), void *arg);

/* A digest of every packet so far: time, addresses, bytes. */
uint64_t world_trace(const world *w);
/* A number in [0, 1) of the world's own random sequence. */
double world_chance(world *w);

/* The clock of the process: virtual, never backwards, also from one world to the next. */
kith_time virtual_now(void);
void virtual_advance(kith_time to);
/* Replaces OpenSSL's randomness by a seeded sequence. */
void seed_randomness(uint64_t seed);
uint64_t next_random(uint64_t *state);

#endif
