/* The inside of a STUN and TURN server: what the files of this room share.
 *
 *   server.c      making and freeing, local addresses, time, requests to the outside
 *   receive.c     whose a datagram is, Binding, what a request must bring, answers
 *   discovery.c   Binding for clients that want to know how their NAT behaves
 *   request.c     the requests of TURN
 *   allocation.c  allocations, permissions and channels
 *   forward.c     data both ways
 *   stream.c      clients by TCP
 *   auth.c        nonces without state, users, secrets
 *   acl.c         which peers may be reached
 *   quota.c       how much one user or address may have; how many errors are answered
 *   metrics.c     the counters as text */
#ifndef KITH_TURN_SERVER_SERVER_H
#define KITH_TURN_SERVER_SERVER_H

#include "base/address.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "kith/turn_server.h"
#include "turn_server/acl.h"
#include "turn_server/auth.h"
#include "turn_server/quota.h"
#include "turn_server/stream.h"
#include "wire/stun.h"

/* Per allocation. */
#define KITH_TURN_SERVER_MAX_PERMISSIONS 64
#define KITH_TURN_SERVER_MAX_CHANNELS    64

/* RFC 8656 sections 3.2, 9 and 12. */
#define KITH_TURN_SERVER_LIFETIME   KITH_SECONDS(600)
#define KITH_TURN_SERVER_PERMISSION KITH_SECONDS(300)
#define KITH_TURN_SERVER_CHANNEL    KITH_SECONDS(600)

/* Ports that are tried for one relayed address before it is given up. */
#define KITH_TURN_SERVER_PORT_TRIES 16

/* RFC 8656 section 12. */
#define KITH_TURN_SERVER_FIRST_CHANNEL 0x4000u
#define KITH_TURN_SERVER_LAST_CHANNEL  0x4FFFu

typedef struct kith_permission {
    /* without a port */
    kith_address ip;
    kith_time until;
    /* of this host: each port is looked at, where no range allows anything */
    bool by_port;
} kith_permission;

typedef struct kith_channel {
    kith_address peer;
    kith_time until;
    uint16_t number;
} kith_channel;

/* A relayed address of an allocation and its socket. */
typedef struct kith_relayed {
    struct kith_allocation *owner;
    /* by `local` */
    kith_map_node in_relays;
    /* in server->to_open, opening or to_close */
    kith_list_node in_list;
    /* family 0: none */
    kith_address local;
    /* of the request that is under way */
    uint64_t request_id;
    unsigned tries;
    bool is_open;
} kith_relayed;

/* Bytes that may pass, refilled with time. */
typedef struct kith_bucket {
    uint64_t left;
    kith_time at;
} kith_bucket;

typedef struct kith_allocation {
    kith_turn_server *server;
    /* our address and the client's: the 5-tuple (RFC 8656 section 3.2), and over UDP the key */
    kith_path client;
    /* NULL: UDP */
    kith_turn_stream *stream;
    kith_map_node in_allocations;
    kith_heap_node expires;
    kith_list_node in_all;
    /* of the Allocate, for its retransmissions (section 7.2) */
    uint8_t id[KITH_STUN_ID];
    kith_time lifetime;
    kith_quota_entry *of_user, *of_address;
    /* SHA-256 of the name that allocated it and that every request has to carry (section 5) */
    uint8_t user[32];
    /* [1]: of ADDITIONAL-ADDRESS-FAMILY */
    kith_relayed relays[2];
    kith_permission *permissions;
    kith_channel *channels;
    size_t permission_count, channel_count;
    kith_bucket to_peers, to_client;
    /* signs the answer that waits for a socket */
    kith_turn_key key;
    /* what ADDRESS-ERROR-CODE says of IPv4 and IPv6, where both were asked for; 0: nothing */
    int missing[2];
    bool is_open, wants_even_port, has_fingerprint;
} kith_allocation;

typedef struct kith_turn_local {
    kith_address address;
    /* family 0: none */
    kith_address external;
} kith_turn_local;

/* What leaves next: `head`, then `body`, which lies in the datagram that came, then zeros. */
typedef struct kith_leaving {
    kith_packet_info info;
    /* NULL: it is a datagram */
    kith_turn_stream *stream;
    uint8_t head[KITH_MAX_PACKET];
    size_t head_len;
    kith_span body;
    size_t padding;
} kith_leaving;

struct kith_turn_server {
    kith_turn_server_config config;
    kith_turn_access access;
    kith_acl acl;
    kith_quota users, addresses, connections;
    kith_error_limit *error_limit;
    kith_turn_server_counters counters;
    kith_turn_local locals[KITH_TURN_SERVER_MAX_LOCALS];
    size_t local_count;
    /* IPv4 and IPv6 of relayed addresses, without ports; family 0: that of the local address */
    kith_turn_local relay_ips[2];
    /* by kith_allocation.client */
    kith_map allocations;
    kith_list all;
    /* by kith_relayed.local */
    kith_map relays;
    /* of allowed addresses of this process */
    kith_map allowed;
    kith_heap deadlines;
    /* of kith_relayed.in_list: sockets that are wanted, asked for, no longer wanted */
    kith_list to_open, opening, to_close;
    uint64_t last_request;
    kith_request request;
    /* of the last call */
    kith_time now;
    /* by kith_turn_stream.path */
    kith_map streams;
    /* of kith_turn_stream.in_waiting, oldest first: who has said nothing yet, who has */
    kith_list fresh, idle;
    size_t waiting_count;
    /* of kith_turn_stream.in_writable */
    kith_list writable;
    /* what came on it and was not looked at yet; NULL: nothing */
    kith_turn_stream *fed_stream;
    kith_span fed;
    /* NULL: no certificate */
    kith_tls_context *tls;
    /* what TLS had in it, a record at most */
    uint8_t plain[KITH_TURN_STREAM_RECORD];
    kith_leaving leaving;
};

/* Where something came from. */
typedef struct kith_turn_client {
    const kith_path *path;
    /* NULL: UDP */
    kith_turn_stream *stream;
    uint8_t ecn;
} kith_turn_client;

/* A request that came, and what was found out about it. */
typedef struct kith_turn_call {
    kith_turn_server *server;
    kith_time now;
    kith_turn_client from;
    const kith_stun *m;
    /* NULL: none for this 5-tuple */
    kith_allocation *allocation;
    /* the user's key, once it has proved to know it */
    kith_turn_key key;
    kith_span username;
} kith_turn_call;

/* receive.c */
/* A datagram, or a message of a stream. False: it is neither STUN nor ChannelData. */
bool kith_handle_from_client(kith_turn_server *server, const kith_turn_client *from,
                             kith_span packet);
/* An answer: begin, attributes, send. It is signed where call->key is known. */
kith_writer kith_answer_begin(const kith_turn_call *call, kith_stun_class class);
void kith_answer_send(const kith_turn_call *call, kith_writer *w);
void kith_answer_error(const kith_turn_call *call, int code);
/* 401 or 438, with a nonce. */
void kith_answer_challenge(const kith_turn_call *call, int code);

/* discovery.c */
/* Is the address that was asked one of four that tell of NATs? */
bool kith_discovery_serves(const kith_turn_server *server, const kith_path *path);
/* Answers a Binding request that came to such a one. */
void kith_discovery_answer(const kith_turn_call *call);

/* request.c */
void kith_request_allocate(const kith_turn_call *call);
void kith_request_refresh(const kith_turn_call *call);
void kith_request_permission(const kith_turn_call *call);
void kith_request_channel(const kith_turn_call *call);
/* The answer to the Allocate, now that its sockets are open or cannot be had. */
void kith_answer_allocated(kith_allocation *a, kith_time now);

/* allocation.c */
/* One with the quotas of its user and address, but no relays; AGAIN when they are used up,
 * NO_MEMORY. */
kith_err kith_allocation_new(kith_allocation **out, const kith_turn_call *call);
void kith_allocation_free(kith_allocation *a);
/* Was it made under this name? */
bool kith_allocation_is_of(const kith_allocation *a, kith_span username);
/* NULL: none. */
kith_allocation *kith_allocation_find(kith_turn_server *server, const kith_turn_client *client);
/* Asks for a socket at a random port of the IP. */
void kith_relayed_open(kith_relayed *relay, const kith_address *ip);
/* The socket is there (`bound`) or not (NULL). False: close it. */
bool kith_relayed_opened(kith_relayed *relay, kith_time now, const kith_address *bound);
/* The relay of that family; NULL: none. */
kith_relayed *kith_allocation_relay(kith_allocation *a, uint8_t family);
bool kith_allocation_permits(const kith_allocation *a, const kith_address *peer, kith_time now);
/* False: no memory, or too many. */
bool kith_allocation_permit(kith_allocation *a, const kith_address *peer, kith_time now);
/* NULL: none that has not expired. */
kith_channel *kith_channel_by_number(const kith_allocation *a, uint16_t number, kith_time now);
kith_channel *kith_channel_by_peer(const kith_allocation *a, const kith_address *peer,
                                   kith_time now);
/* Binds, or binds anew. False: no memory, or too many. */
bool kith_channel_bind(kith_allocation *a, uint16_t number, const kith_address *peer,
                       kith_time now);

/* forward.c */
void kith_forward_channel(kith_turn_server *server, const kith_turn_client *from, kith_span packet);
void kith_forward_send(kith_turn_server *server, const kith_turn_client *from, const kith_stun *m);
void kith_forward_from_peer(kith_relayed *relay, const kith_packet_info *info, kith_span data);

/* server.c */
/* The outside calls: what should have left and was not asked for is lost. */
void kith_begin_call(kith_turn_server *server, kith_time now);
void kith_leave_nothing(kith_turn_server *server);
/* Where a relayed address of that family is opened for a client of `local`; NULL: nowhere. */
const kith_address *kith_relay_ip(const kith_turn_server *server, uint8_t family,
                                  const kith_address *local);
/* A peer's address as the socket needs it: an external IP of ours becomes the inner one. */
kith_address kith_inner_address(const kith_turn_server *server, const kith_address *address);
/* The reverse, for what clients are told. */
kith_address kith_outer_address(const kith_turn_server *server, const kith_address *address);

typedef enum kith_peer_verdict {
    KITH_PEER_DENIED,
    KITH_PEER_ALLOWED,
    /* of this host, and this port alone */
    KITH_PEER_THIS_PORT,
} kith_peer_verdict;

/* May clients reach it? `inner` is what kith_inner_address gave. */
kith_peer_verdict kith_peer_judge(const kith_turn_server *server, const kith_address *inner);

#endif
