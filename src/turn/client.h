/* What a TURN client is made of. Room-internal: the door is turn/turn.h.
 *
 *     client.c    life, commands, time, events
 *     request.c   transactions: writing, repeating, giving up
 *     answer.c    what an answer means
 *     auth.c      long-term credentials
 *     peers.c     permissions, channels, and the bytes around data */
#ifndef KITH_TURN_CLIENT_H
#define KITH_TURN_CLIENT_H

#include "base/list.h"
#include "turn/auth.h"
#include "turn/turn.h"

/* RFC 8489 section 6.2.1 with Rc 5 and Rm 4: sent at 0, 0.5, 1.5, 3.5 and 7.5 s, given up after
 * 9.5 s; the seven requests and 39.5 s of the RFC are a SHOULD. */
#define KITH_TURN_RTO KITH_MS(500)
#define KITH_TURN_RC  5
#define KITH_TURN_RM  4
/* Over what is reliable, sent once and given up as late; 39.5 s of the RFC are a default. */
#define KITH_TURN_RELIABLE_TIMEOUT KITH_MS(9500)
/* No two requests closer than this (RFC 8445 section 14.2's floor). */
#define KITH_TURN_PACE KITH_MS(5)
/* How often 438 in a row is answered with the new nonce. */
#define KITH_TURN_MAX_STALE 3
/* A server's lifetime below or above is not believed. */
#define KITH_TURN_MIN_LIFETIME KITH_SECONDS(30)
#define KITH_TURN_MAX_LIFETIME KITH_SECONDS(3600)
/* Ports that are tried after 437, and servers after 300 (RFC 8489 section 10: loops). */
#define KITH_TURN_MAX_PORTS     3
#define KITH_TURN_MAX_REDIRECTS 3
/* As much of a server's words as is kept. RFC 8489 section 14.8: less than 128 characters. */
#define KITH_TURN_REASON 128

typedef enum kith_turn_state {
    /* Allocate is under way */
    KITH_TURN_ASKING,
    KITH_TURN_ALLOCATED,
    /* another port is awaited */
    KITH_TURN_PORTLESS,
    /* Refresh with lifetime 0 is under way, an Allocate follows */
    KITH_TURN_RENEWING,
    /* Refresh with lifetime 0 leaves once, and its answer is not waited for */
    KITH_TURN_RELEASING,
    KITH_TURN_RELEASED,
    KITH_TURN_FAILED,
} kith_turn_state;

/* A server's error: its code and its words. */
typedef struct kith_turn_error {
    int code;
    char reason[KITH_TURN_REASON];
} kith_turn_error;

typedef struct kith_turn_request {
    bool is_active;
    /* it carried our credentials when it was sent last */
    bool is_signed;
    uint64_t id;
    unsigned transmissions;
    /* to be repeated or given up */
    kith_time at;
    /* 438 in a row */
    unsigned stale_count;
    /* came without the integrity that was due: counts only when nothing better comes */
    kith_turn_error doubtful;
} kith_turn_request;

/* Long enough for any check: kept while its permission is under way. */
#define KITH_TURN_HELD 320

/* An IP address that may reach us through the server (RFC 8656 section 9). */
typedef struct kith_turn_permission {
    /* in kith_turn.permissions */
    kith_list_node node;
    /* with the port that was asked for first */
    kith_address peer;
    bool is_permitted, is_refused, is_refused_pending;
    kith_turn_error error;
    kith_turn_request request;
    kith_time expires_at, renew_at;
    /* something went there or came from there */
    kith_time used_at;
    /* the check that waits for the permission, and the address it is for */
    kith_address held_for;
    size_t held_len;
    uint8_t held[KITH_TURN_HELD];
} kith_turn_permission;

/* RFC 8656 section 12. */
typedef struct kith_turn_channel {
    /* in kith_turn.channels */
    kith_list_node node;
    kith_address peer;
    uint16_t number;
    bool is_bound;
    kith_turn_request request;
    kith_time expires_at, renew_at, used_at;
} kith_turn_channel;

struct kith_turn {
    uint32_t tag;
    bool is_reliable;
    kith_log *log;
    kith_address server;
    kith_turn_auth auth;
    /* of the configuration, for the next Allocate */
    char *username, *credential;
    kith_turn_state state;
    /* Allocate, Refresh, or that with lifetime 0 */
    kith_turn_request request;
    kith_turn_error error;

    /* what the next Allocate asks for */
    bool wants_additional_family, wants_ipv6_only, may_retry_family;
    unsigned ports_tried;
    /* of `server`; "": as configured */
    char server_name[256];
    kith_address visited[KITH_TURN_MAX_REDIRECTS + 1];
    unsigned visited_count;

    kith_address relayed[2], mapped;
    unsigned relayed_count;
    kith_time expires_at, refresh_at;
    /* the owner asked for the Refresh under way */
    bool is_refresh_told;
    /* the owner knows of the allocation */
    bool is_told;
    /* the next Allocate after a loss not before */
    kith_time ask_at;
    /* anything left for the server */
    kith_time sent_at;
    /* the next request not before */
    kith_time paced_until;

    kith_list permissions, channels;
    unsigned permission_count, channel_count;
    /* of the next one: numbers only rise */
    uint16_t next_number;
    /* that of the last packet out */
    kith_turn_channel *last_channel;

    bool is_lost_pending, is_allocated_pending, is_failed_pending, is_port_pending;
    kith_time retry_at;
    bool is_icmp_pending;
    kith_address icmp_peer;
    kith_stun_icmp icmp;
    kith_turn_counters counters;
};

#define KITH_TURN_EACH(list, type, name) \
    KITH_LIST_EACH(list, name##_node)    \
        for (type *name = KITH_OWNER(name##_node, type, node); name; name = NULL)

static inline kith_time kith_turn_earlier(kith_time a, kith_time b)
{
    return a < b ? a : b;
}

/* ---- client.c ---- */

/* The way to the server is of no use: the allocation is gone, and another port is asked for. */
void kith_turn_change_port(kith_turn *turn, const char *why);
/* The allocation is gone: another is asked for, on the same socket, without a nonce. */
void kith_turn_lose(kith_turn *turn, kith_time now, const char *why);
/* The server shall forget it first (RFC 8656 section 12.3). */
void kith_turn_renew(kith_turn *turn, kith_time now);
void kith_turn_ask(kith_turn *turn, kith_time now);
/* The same, not as fast as a server may drop what it gives. */
void kith_turn_ask_after_loss(kith_turn *turn, kith_time now);
void kith_turn_fail(kith_turn *turn, const kith_turn_error *error, kith_time retry_at);

/* ---- request.c ---- */

void kith_turn_begin(kith_turn_request *request, kith_time now);
/* The same request once more, in a transaction of its own. */
void kith_turn_begin_again(kith_turn_request *request, kith_time now);
bool kith_turn_output_request(kith_turn *turn, kith_time now, kith_writer *w);
/* The next thing to do of any request. */
kith_time kith_turn_requests_due(const kith_turn *turn);
/* Gives up those that nobody answers. */
void kith_turn_requests_tick(kith_turn *turn, kith_time now);
/* Binding, to keep the way to the server open; nobody waits for its answer. */
void kith_turn_write_keepalive(kith_turn *turn, kith_writer *w);

/* ---- answer.c ---- */

void kith_turn_handle_answer(kith_turn *turn, kith_time now, const kith_stun *m);
/* No answer came, or only one that was not believed. */
void kith_turn_give_up(kith_turn *turn, kith_time now, kith_turn_request *request);

/* ---- peers.c ---- */

kith_turn_permission *kith_turn_find_permission(const kith_turn *turn, const kith_address *peer);
/* Whose request it is; NULL: not one of this kind. */
kith_turn_permission *kith_turn_permission_of(kith_turn *turn, const kith_turn_request *request);
kith_turn_channel *kith_turn_channel_of(kith_turn *turn, const kith_turn_request *request);
void kith_turn_permitted(kith_turn *turn, const kith_address *peer, kith_time now);
void kith_turn_refuse(kith_turn *turn, const kith_address *peer, const kith_turn_error *error);
void kith_turn_bound(kith_turn *turn, kith_turn_channel *channel, kith_time now);
/* Without it Send indications go on; asked for again later. */
void kith_turn_unbind(kith_turn_channel *channel, kith_time now);
/* Channels are the lost allocation's; who was talked to is asked for anew. */
void kith_turn_forget_channels(kith_turn *turn);
void kith_turn_permit_all(kith_turn *turn, kith_time now);
void kith_turn_free_peers(kith_turn *turn);
kith_time kith_turn_peers_due(const kith_turn *turn);
void kith_turn_peers_tick(kith_turn *turn, kith_time now);
/* A held check whose permission has come. */
bool kith_turn_output_held(kith_turn *turn, kith_writer *w);
bool kith_turn_has_held(const kith_turn *turn);

#endif
