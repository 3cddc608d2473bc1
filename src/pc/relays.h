/* The allocations of a transport on TURN servers: each has a socket of its own, for a server tells
 * allocations apart by where packets come from (RFC 8656 section 5). ICE knows them as addresses;
 * here is how a packet of such an address travels. */
#ifndef KITH_PC_RELAYS_H
#define KITH_PC_RELAYS_H

#include "pc/transport.h"
#include "turn/turn.h"

struct kith_pending_request;
struct kith_server_url;

typedef struct kith_relay {
    /* in kith_transport.relays */
    kith_list_node in_transport;
    char *url, *username;
    /* NULL: no socket yet, or it failed */
    kith_turn *turn;
    /* with the credential of the last gathering */
    char *credential;
    kith_address server;
    /* the request for its socket, then the socket; NULL: there is no address to open one on */
    struct kith_pending_request *socket;
    /* from the socket to the server, once it is routed */
    kith_path path;
    bool is_routed;
    /* another port is awaited */
    bool changes_port;
    /* its socket is not opened before: the server is asked at its other address first; 0: it is */
    kith_time begin_at;
    /* not wanted any more: freed when no generation of ICE has its addresses */
    bool is_leaving;
    /* what ICE was given, and what the server sees us as */
    kith_address relayed[2], mapped;
    unsigned relayed_count;
    /* gathering need not wait for it: there is an address, or an error that was told */
    bool is_settled;
    bool is_failed;
    /* of one that failed: not asked again before */
    kith_time retry_at;
    int error_code;
    char error_text[128];
} kith_relay;

void kith_relays_init(kith_transport *t);
void kith_relays_deinit(kith_transport *t);

/* ---- gathering ---- */

/* Another configuration: an allocation that is lost is asked for with its credentials. */
void kith_relays_configure(kith_transport *t);
/* A gathering begins: what is not configured any more is released once no connection uses it. */
void kith_relays_begin(kith_transport *t);
/* An allocation of before serves the new generation too. */
void kith_relays_reuse(kith_transport *t, const struct kith_server_url *url);
/* The connection has fallen silent: are the allocations still there? */
void kith_relays_refresh(kith_transport *t);
/* A server's address: an allocation is asked for. */
void kith_relays_add(kith_transport *t, const kith_address *server,
                     const struct kith_server_url *url);
/* The answer to a request for a socket; without it no socket could be opened. */
void kith_relays_opened(kith_transport *t, struct kith_pending_request *pending);
void kith_relays_not_opened(kith_transport *t, const struct kith_pending_request *pending);
void kith_relays_local_added(kith_transport *t);
void kith_relays_local_removed(kith_transport *t, const kith_address *local);
/* Does gathering wait for one? And: it waits no more. */
bool kith_relays_are_awaited(const kith_transport *t);
void kith_relays_end_wait(kith_transport *t);

/* ---- packets ---- */

/* The relay that this path leads to; NULL: it leads to a peer. */
kith_relay *kith_relays_of_path(const kith_transport *t, const kith_path *path);
/* The relay whose relayed address a path to a peer begins at; NULL: it begins at a socket. */
kith_relay *kith_relays_under_path(const kith_transport *t, const kith_path *path);
/* A packet of a peer inside one of the server's: `path` is the peer's then. */
bool kith_relays_input(kith_relay *relay, kith_time now, const kith_stun *m, kith_path *path,
                       kith_span *data);
bool kith_relays_input_channel(kith_relay *relay, kith_time now, kith_span packet, kith_path *path,
                               kith_span *data);
/* What a server is to be told. */
size_t kith_relays_output(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                          size_t cap);
/* The same, when nothing else is left to say: all allocations are given back. */
size_t kith_relays_take_leave(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                              size_t cap);
kith_time kith_relays_deadline(const kith_transport *t);
void kith_relays_tick(kith_transport *t, kith_time now);
/* Carries up what the clients want known. */
void kith_relays_settle(kith_transport *t);

#endif
