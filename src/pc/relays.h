/* The allocations of a transport on TURN servers: each has a socket or a TCP connection of its own,
 * for a server tells allocations apart by where packets come from (RFC 8656 section 5). ICE knows
 * them as addresses; here is how a packet of such an address travels.
 *
 *     relays.c        which servers are asked, when, and what comes of it
 *     relay_socket.c  the way to one: sockets, connections, TLS, packets in and out */
#ifndef KITH_PC_RELAYS_H
#define KITH_PC_RELAYS_H

#include "pc/transport.h"
#include "tls/messages.h"
#include "turn/turn.h"
#include "wire/ice_url.h"

struct kith_local;
struct kith_pending_request;
struct kith_server_url;

typedef struct kith_relay {
    /* in kith_transport.relays */
    kith_list_node in_transport;
    char *url, *username;
    /* what the URL says */
    kith_ice_url at;
    /* NULL: no socket yet, or it failed */
    kith_turn *turn;
    /* with the credential of the last gathering */
    char *credential;
    kith_address server;
    /* that of another server, to which the first one led (RFC 8489 section 10); NULL: the URL's */
    char *server_name;
    /* the request for its socket or connection, then that; NULL: there is no address to open one
     * on */
    struct kith_pending_request *socket;
    /* on its connection, once that is there; NULL over UDP */
    kith_messages *messages;
    /* the connection is given up then: it is not open yet, or takes nothing; or KITH_NEVER */
    kith_time give_up_at;
    /* one that was lost is made again not before, and no more after */
    kith_time connect_at, connect_until;
    /* from the socket to the server, once it is routed */
    kith_path path;
    bool is_routed;
    /* another port, or connection, is awaited */
    bool changes_port;
    /* its socket is not opened before: the server is asked at its other address first; 0: it is */
    kith_time begin_at;
    /* begin_at shall be so much after the next look at the clock; 0: it is set */
    kith_time delay;
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
void kith_relays_local_added(kith_transport *t);
void kith_relays_local_removed(kith_transport *t, const struct kith_local *local);
/* Does gathering wait for one? And: it waits no more. */
bool kith_relays_are_awaited(const kith_transport *t);
void kith_relays_end_wait(kith_transport *t);

/* ---- sockets and connections ---- */

/* The answer to a request for a socket; without it no socket could be opened. */
void kith_relays_opened(kith_transport *t, struct kith_pending_request *pending);
void kith_relays_not_opened(kith_transport *t, const struct kith_pending_request *pending);
/* The same of a connection, which the request is from now on; it is taken. path NULL: there is
 * none, and why. */
void kith_relays_connected(kith_transport *t, struct kith_pending_request *pending,
                           const kith_path *path, const char *why);
/* The driver says that a connection ended, or whether it takes bytes. */
void kith_relays_closed(kith_transport *t, const kith_path *path);
void kith_relays_writable(kith_transport *t, const kith_path *path, bool is_writable);
/* Bytes came on a connection; then whether it can go on. */
void kith_relays_look_at(kith_transport *t, const kith_path *path);

/* ---- packets ---- */

/* The relay that this path leads to; NULL: it leads to a peer. */
kith_relay *kith_relays_of_path(const kith_transport *t, const kith_path *path);
/* The relay whose relayed address a path to a peer begins at; NULL: it begins at a socket. */
kith_relay *kith_relays_under_path(const kith_transport *t, const kith_path *path);
/* The relay of this relayed address; or NULL. */
kith_relay *kith_relays_of_address(const kith_transport *t, const kith_address *relayed);
/* Does the way to the server take bytes? While not, nothing is asked for it. */
bool kith_relay_takes_bytes(const kith_relay *relay);
/* What leaves of a packet for the server, of `len` bytes at buf, where cap is space: it, or what
 * its connection makes of it; 0: it waits there, or is lost. */
size_t kith_relay_send(const kith_relay *relay, uint8_t *buf, size_t len, size_t cap);
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

/* ---- between the two files ---- */

#define KITH_EACH_RELAY(t, relay)                                                           \
    KITH_LIST_EACH(&(t)->relays, relay##_node)                                              \
        for (kith_relay *relay = KITH_OWNER(relay##_node, kith_relay, in_transport); relay; \
             relay = NULL)

/* Opens a socket, or makes a connection, where an address for it is known. */
void kith_relay_open(kith_transport *t, kith_relay *relay);
/* For the first time: it fails where the driver does not speak TCP. Later an address for TCP may
 * only come after one for UDP. */
void kith_relay_begin(kith_transport *t, kith_relay *relay);
void kith_relay_close(kith_transport *t, kith_relay *relay);
/* The packets of relay->server on its socket are this transport's. False: out of memory. */
bool kith_relay_set_route(kith_transport *t, kith_relay *relay);
/* It is over, and told unless the wait has ended. */
void kith_relay_fail(kith_transport *t, kith_relay *relay, int code, const char *text);
/* ICE knows nothing of its addresses any more. */
void kith_relay_withdraw(kith_transport *t, kith_relay *relay);

#endif
