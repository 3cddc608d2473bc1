/* The client of one TURN allocation (RFC 8656): from a server's address and credentials to
 * relayed addresses, permissions and channels, and the bytes around what travels through them.
 *
 * It opens no socket and resolves no name: its owner gives it what came from the server and sends
 * what it writes there, always from the same socket. It does not know ICE: a peer is an address.
 * Lost allocations are made anew, with an event before and after. */
#ifndef KITH_TURN_TURN_H
#define KITH_TURN_TURN_H

#include "base/log.h"
#include "wire/stun.h"

typedef struct kith_turn kith_turn;

/* The most that kith_turn_wrap writes in front of a packet: a Send indication to an IPv6 peer. */
#define KITH_TURN_HEADROOM 48
/* And behind it: padding of the DATA attribute. */
#define KITH_TURN_TAILROOM 3
/* webrtc-pc section 4.8.1.3: the code for a server that could not be reached. */
#define KITH_TURN_UNREACHABLE 701
/* Peers that an allocation has permissions or channels for; who asks for more is refused. */
#define KITH_TURN_MAX_PERMISSIONS 64
#define KITH_TURN_MAX_CHANNELS    64

typedef struct kith_turn_config {
    /* Every transaction id begins with these four bytes, as in ice/ice.h. */
    uint32_t transaction_tag;
    kith_address server;
    /* What is written arrives, or the connection has ended: nothing is sent twice (RFC 8489 section
     * 6.2.2), and padding and framing are the owner's. */
    bool is_reliable;
    /* copied */
    const char *username, *credential;
    /* borrowed */
    kith_log *log;
} kith_turn_config;

KITH_MUST_CHECK kith_err kith_turn_new(kith_turn **out, const kith_turn_config *config);
void kith_turn_free(kith_turn *turn);

/* ---- commands: they queue, the next call with `now` acts ---- */

/* For the next Allocate; those of an allocation that lives stay its own (RFC 8656 section 5). */
KITH_MUST_CHECK kith_err kith_turn_set_credentials(kith_turn *turn, const char *username,
                                                   const char *credential);
/* KITH_TURN_EV_OTHER_PORT has been served: the packets leave from another socket now. */
void kith_turn_port_changed(kith_turn *turn);
/* The connection to the server has ended, and the allocation with it: nothing is asked for before
 * kith_turn_port_changed. */
void kith_turn_disconnected(kith_turn *turn);
/* Data for the peer shall go through a channel (RFC 8656 section 12). Cheap when there is one. */
void kith_turn_bind(kith_turn *turn, const kith_address *peer);
/* Is the allocation still there? A Refresh leaves at once; ALLOCATED or LOST tells. */
void kith_turn_refresh(kith_turn *turn);
/* Not needed any more: Refresh with lifetime 0, once. */
void kith_turn_release(kith_turn *turn);

/* ---- the five verbs ---- */

/* What came from a peer, inside what came from the server; borrows that. */
typedef struct kith_turn_data {
    kith_address peer;
    kith_span data;
} kith_turn_data;

/* A STUN message came from the server. True: it brought `data`. */
bool kith_turn_input(kith_turn *turn, kith_time now, const kith_stun *m, kith_turn_data *data);
/* The same of a datagram that is no STUN: ChannelData (RFC 8656 section 12.4). */
bool kith_turn_input_channel(kith_turn *turn, kith_time now, kith_span packet,
                             kith_turn_data *data);
/* The next packet of our own for the server; 0: none. */
size_t kith_turn_output(kith_turn *turn, kith_time now, uint8_t *buf, size_t cap);
kith_time kith_turn_deadline(const kith_turn *turn);
void kith_turn_tick(kith_turn *turn, kith_time now);

typedef enum kith_turn_event_type {
    /* the relayed addresses are ours; again when a kith_turn_refresh is answered */
    KITH_TURN_EV_ALLOCATED,
    /* they are no more: another allocation is asked for */
    KITH_TURN_EV_LOST,
    /* there is none, and none is asked for any more */
    KITH_TURN_EV_FAILED,
    /* the server knows an allocation of somebody else's from our address and port: another port is
     * needed (RFC 8656 section 7.4); or it is silent on a connection, which another one replaces */
    KITH_TURN_EV_OTHER_PORT,
    /* the server does not let us talk to a peer */
    KITH_TURN_EV_REFUSED,
    /* a packet did not reach a peer (RFC 8656 section 11.5); a hint that nobody vouches for */
    KITH_TURN_EV_ICMP,
} kith_turn_event_type;

typedef struct kith_turn_event {
    kith_turn_event_type type;
    /* ALLOCATED: one, or one of each family */
    kith_address relayed[2];
    unsigned relayed_count;
    /* ALLOCATED: what the server sees us as */
    kith_address mapped;
    /* FAILED, REFUSED: the server's code and words, or KITH_TURN_UNREACHABLE and ours */
    int error_code;
    const char *error_text;
    /* FAILED: asked again not before; KITH_NEVER: with another configuration only */
    kith_time retry_at;
    /* REFUSED (every port of its address), ICMP */
    kith_address peer;
    kith_stun_icmp icmp;
} kith_turn_event;

/* False: nothing more. What an event points to is borrowed until the next call. */
bool kith_turn_event_next(kith_turn *turn, kith_turn_event *ev);

/* ---- packets for peers ---- */

/* What the next packet for the peer needs in front of it; at most KITH_TURN_HEADROOM. */
size_t kith_turn_headroom(const kith_turn *turn, const kith_address *peer);
/* Makes a packet for the server of `len` bytes for the peer, which lie at buf + headroom. Returns
 * its length, from buf on; 0: it cannot go yet. A permission is asked for then, and the packet, if
 * it is one of STUN, goes when it has come. buf has room for KITH_TURN_TAILROOM behind it. */
size_t kith_turn_wrap(kith_turn *turn, kith_time now, const kith_address *peer, uint8_t *buf,
                      size_t len);

/* ---- questions ---- */

/* Where the packets go: another address than configured after 300 (Try Alternate). */
const kith_address *kith_turn_server(const kith_turn *turn);
/* Its name, if 300 told one (ALTERNATE-DOMAIN, RFC 8489 section 14.16); else NULL: that of the one
 * before. */
const char *kith_turn_server_name(const kith_turn *turn);
bool kith_turn_is_allocated(const kith_turn *turn);
/* Has it said all that it has to say: released, or failed? */
bool kith_turn_is_over(const kith_turn *turn);

typedef struct kith_turn_counters {
    /* answers without right integrity, to nothing that was asked, or without sense */
    uint64_t bad_integrity, unknown_transaction, malformed;
    /* data of peers without a permission, and on channels that are not bound */
    uint64_t unpermitted;
} kith_turn_counters;
const kith_turn_counters *kith_turn_get_counters(const kith_turn *turn);

#endif
