/* The inside of an endpoint: who is ready, who waits, who owns which packet (kith/endpoint.h). */
#ifndef KITH_PC_ENDPOINT_H
#define KITH_PC_ENDPOINT_H

#include <stdatomic.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "kith/endpoint.h"
#include "pc/transport.h"
#include "tls/stream.h"

/* Seconds from 1900 to 1970 (RFC 868). */
#define KITH_NTP_TO_UNIX_SECONDS 2208988800LL

/* A local address as the driver gave it. */
typedef struct kith_local {
    kith_list_node in_endpoint;
    /* port 0: an interface, each transport opens its own socket on it, or connects from it */
    kith_address address;
    kith_protocol protocol;
    /* as in kith_local_info */
    kith_address external;
    uint16_t preference;
    bool is_default_route, is_hidden;
} kith_local;

/* Why a request to the outside was made. */
typedef enum kith_pending_request_kind {
    /* a socket; once answered, the socket itself */
    KITH_PENDING_REQUEST_OPEN,
    /* the same, to talk to a TURN server with */
    KITH_PENDING_REQUEST_OPEN_FOR_RELAY,
    /* an ICE server's name */
    KITH_PENDING_REQUEST_RESOLVE_SERVER,
    /* a remote candidate's name */
    KITH_PENDING_REQUEST_RESOLVE_REMOTE,
    /* the name that tells a NAT64's prefix */
    KITH_PENDING_REQUEST_RESOLVE_NAT64,
    /* a socket that nobody owns any more */
    KITH_PENDING_REQUEST_CLOSE,
    /* a TCP connection for a pair of ICE's */
    KITH_PENDING_REQUEST_CONNECT,
    /* one to a TURN server; once answered, that connection */
    KITH_PENDING_REQUEST_CONNECT_FOR_RELAY,
    /* one that nobody wants any more */
    KITH_PENDING_REQUEST_DISCONNECT,
} kith_pending_request_kind;

/* A request to the outside, from its making to its answer. Made by gather.c, carried by the
 * endpoint. */
typedef struct kith_pending_request {
    kith_pending_request_kind kind;
    /* NULL: its transport is gone */
    kith_transport *owner;
    kith_list_node in_owner;
    /* not yet polled */
    kith_list_node in_requests;
    /* not yet answered; key: &id */
    kith_map_node by_id;
    uint64_t id;
    /* OPEN: the interface; then, and for CLOSE, the socket. CONNECT: the interface; DISCONNECT: the
     * connection, with remote */
    kith_address local;
    kith_address remote;
    /* CONNECT */
    uint32_t pair_id;
    /* RESOLVE_ */
    char *hostname;
    /* RESOLVE_REMOTE */
    kith_candidate candidate;
    /* RESOLVE_SERVER */
    char *url;
    /* RESOLVE_SERVER */
    uint16_t port;
} kith_pending_request;

struct kith_endpoint {
    kith_time now;
    uint64_t ntp_time_at_zero;
    void (*wake)(void *user);
    void *user;
    /* or NULL */
    kith_time (*clock)(void *user);
    /* of connections to servers; NULL until needed */
    kith_tls_context *tls;

    kith_list pcs;
    /* kith_pc.in_ready */
    kith_list ready;
    /* kith_pc.in_with_events */
    kith_list with_events;
    kith_heap deadlines;
    size_t pc_count;
    /* numbers given to peers for the log */
    uint32_t names;
    /* whose event is borrowed */
    kith_pc *event_owner;
    /* packets in a row from the first of `ready` */
    unsigned burst;

    /* kith_transport.by_tag: STUN */
    kith_map by_tag;
    /* everything else */
    kith_map by_path;
    /* owner of last_path: packets come in trains */
    kith_transport *last;
    kith_path last_path;

    /* of kith_stream (streams.c): TCP connections by path, and those that are nobody's yet, the
     * oldest first */
    kith_map streams;
    kith_list nameless;

    /* of kith_local */
    kith_list locals;
    /* of kith_pending_request.in_requests */
    kith_list requests;
    /* of kith_pending_request.by_id */
    kith_map pending_requests;
    /* the one that was polled last */
    kith_request request;
    /* a CLOSE that was polled; freed at the next poll */
    kith_pending_request *asked;
    uint64_t request_ids;

    /* Peers whose SCTP made output outside of their own calls, perhaps in another thread: a stack
     * linked by kith_pc.next_woken. */
    _Atomic(kith_pc *) woken;
    /* the driver looked at the timeout and may wait */
    atomic_bool asleep;
    kith_endpoint_counters counters;
    /* of the DTLS record that is being read */
    uint8_t plaintext[KITH_DTLS_MAX_DATA];
};

/* pc has something to send or to do. */
void kith_endpoint_set_ready(kith_pc *pc);
/* pc may have something to tell. */
void kith_endpoint_set_has_events(kith_pc *pc);
/* Enters pc in the endpoint, or takes it out of every list and map. */
KITH_MUST_CHECK kith_err kith_endpoint_enter(kith_endpoint *ep, kith_pc *pc);
void kith_endpoint_leave(kith_pc *pc);
/* From any thread: pc's SCTP has output. `user` is a kith_pc. */
void kith_endpoint_wake(void *user);

/* Every call that brings the time begins here. */
void kith_endpoint_begin(kith_endpoint *ep, kith_time now);

/* For TLS to servers; NULL: it could not be made, and the last error says why. */
const kith_tls_context *kith_endpoint_tls(kith_endpoint *ep);

/* For what is dated by a call that takes no `now`: the driver's clock, or the last `now` given. */
kith_time kith_endpoint_present(const kith_endpoint *ep);
/* Microseconds of Unix time at `at`. */
int64_t kith_endpoint_unix_time(const kith_endpoint *ep, kith_time at);

/* Routing. The tag is random and not yet taken. */
KITH_MUST_CHECK kith_err kith_endpoint_add_transport(kith_endpoint *ep, kith_transport *t);
void kith_endpoint_remove_transport(kith_endpoint *ep, kith_transport *t);
/* path.remote passed an authenticated check of t's: its packets are t's from now on. False: they
 * stay another peer's, who lives, or memory is short. */
bool kith_endpoint_add_path(kith_endpoint *ep, kith_transport *t, const kith_path *path);
/* From a socket or connection of t's own to a TURN server: until it is removed, whatever ICE
 * thinks. False: out of memory, or it is another peer's. */
bool kith_endpoint_add_server_path(kith_endpoint *ep, kith_transport *t, const kith_path *path);
void kith_endpoint_remove_server_path(kith_endpoint *ep, kith_transport *t, const kith_path *path);
/* Whose server the path leads to; NULL: it leads to none. */
kith_transport *kith_endpoint_owner_of_server(kith_endpoint *ep, const kith_path *path);
/* Whose the packet is, and to him with it: a datagram, or a frame of a TCP connection. The
 * transport whose check it was if it was an authentic one, else NULL. */
kith_transport *kith_endpoint_route(kith_endpoint *ep, kith_time now, const kith_path *path,
                                    kith_span packet);
/* Does nothing where the path is not t's. */
void kith_endpoint_remove_path(kith_endpoint *ep, kith_transport *t, const kith_path *path);
void kith_endpoint_remove_paths(kith_endpoint *ep, kith_transport *t);

/* The local address of this protocol with this IP, or NULL. */
const kith_local *kith_endpoint_find_local(const kith_endpoint *ep, const kith_address *ip,
                                           kith_protocol protocol);

/* A new pending in the queue of requests, or NULL when out of memory. */
kith_pending_request *kith_endpoint_new_request(kith_endpoint *ep, kith_transport *owner,
                                                kith_pending_request_kind kind) KITH_MUST_CHECK;
/* Turns a request, in no list or map, into the one to close the TCP connection that it names. */
void kith_endpoint_ask_to_disconnect(kith_endpoint *ep, kith_pending_request *pending);
/* Is it a UDP socket, or the request for one? */
bool kith_request_is_socket(const kith_pending_request *pending);
/* The owner does not want it any more. An open socket or connection is asked to be closed. */
void kith_endpoint_drop_request(kith_endpoint *ep, kith_pending_request *pending);

#endif
