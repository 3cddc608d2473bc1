/* What an ICE agent is made of. Room-internal: the door is ice/ice.h, what each file does with it
 * is in the header of its name, and ice.c puts them together.
 *
 * An agent has generations (RFC 8445 section 2.4: ICE restarts), newest first. A generation has
 * bases (our sockets), local and remote candidates, STUN servers with their requests, and one
 * checklist of pairs (one component, one data stream: rtcp-mux and BUNDLE are always on). Nothing
 * here is a queue of packets: what is to be sent is a field that says so, and kith_ice_output
 * writes the packet when it is asked. */
#ifndef KITH_ICE_AGENT_H
#define KITH_ICE_AGENT_H

#include "base/list.h"
#include "crypto/hash.h"
#include "ice/ice.h"
#include "wire/stun.h"

/* The agent's tag, which makes it unique in the process, and 48 bits of randomness; RFC 8445
 * section 5.3 asks for 24. */
#define KITH_ICE_UFRAG_TAG 6
#define KITH_ICE_UFRAG_LEN 14
/* 144 bits; RFC 8445 section 5.3 asks for 128. */
#define KITH_ICE_PWD_LEN 24

/* Limits on what our owner can make us store: the rest is left out. */
#define KITH_ICE_MAX_BASES   192 /* of 64 addresses, each with UDP and both kinds of TCP */
#define KITH_ICE_MAX_SERVERS 16
#define KITH_ICE_MAX_LOCALS  256 /* host, server-reflexive and peer-reflexive together */

/* Ta of RFC 8445 section 14.2: the default, which is also what a peer that proposes nothing uses.
 */
#define KITH_ICE_TA KITH_MS(50)
/* No two transactions closer than this, whatever their kind (RFC 8445 section 14.2). Triggered
 * checks keep only this distance: the peer's own Ta already paces what triggers them. */
#define KITH_ICE_TA_FLOOR KITH_MS(5)
/* Smallest initial RTO (RFC 8445 section 14.3), Rc and Rm of RFC 8489 section 6.2.1: a check is
 * given up after 39.5 s. */
#define KITH_ICE_RTO KITH_MS(500)
#define KITH_ICE_RC  7
#define KITH_ICE_RM  16
/* A check on a connection is sent once, for TCP repeats it, and waited for as long as the last of
 * UDP's with these values would be, without what loss costs (Ti of RFC 8489 section 6.2.2 is a
 * SHOULD). A connection is waited for as long, nearly. */
#define KITH_ICE_TCP_TIMEOUT     KITH_MS(9500)
#define KITH_ICE_CONNECT_TIMEOUT KITH_SECONDS(10)
/* The PAC timer lasts as long as a transaction with these values (RFC 8863 section 4). */
#define KITH_ICE_PAC KITH_MS(39500)
/* Tr of RFC 8445 section 11. */
#define KITH_ICE_KEEPALIVE KITH_SECONDS(15)
/* How often every pair is asked while the one that carries data has failed: an outage shall not
 * outlast its end. */
#define KITH_ICE_SEARCH_INTERVAL KITH_SECONDS(1)
/* Without any sign of life for this long a connection counts as disconnected. */
#define KITH_ICE_SILENCE KITH_SECONDS(5)

typedef enum kith_ice_pair_state {
    KITH_ICE_PAIR_FROZEN,
    KITH_ICE_PAIR_WAITING,
    KITH_ICE_PAIR_IN_PROGRESS,
    KITH_ICE_PAIR_SUCCEEDED,
    KITH_ICE_PAIR_FAILED,
} kith_ice_pair_state;

/* What a pair of TCP candidates can send on. */
typedef enum kith_ice_connection {
    /* UDP: it needs none */
    KITH_ICE_DATAGRAMS,
    /* there is none; one is asked for when the pair is checked, if ours is the active side */
    KITH_ICE_CLOSED,
    KITH_ICE_CONNECTING,
    KITH_ICE_OPEN,
} kith_ice_connection;

/* A socket of ours, an address that a TURN server relays for us, a TCP listener, or an address that
 * TCP connections are made from. */
typedef struct kith_ice_base {
    /* in generation.bases */
    kith_list_node node;
    /* port 9 where connections are made from it (RFC 6544 section 4.5) */
    kith_address address;
    /* NONE: UDP */
    kith_tcp_type tcp_type;
    /* local preference of RFC 8445 section 5.1.2.1 */
    uint16_t preference;
    /* relayed: the TURN server's URL, how it is reached, and the related address of the candidate;
     * else NULL */
    char *relay_url;
    kith_server_transport transport;
    kith_address related;
    /* how the world sees it; family 0: nobody said */
    kith_address external;
    /* its address is not told */
    bool is_hidden;
    /* kept for statistics; revived when the same address returns */
    bool is_gone;
    /* its host candidate; NULL: not a candidate (relay_only) */
    struct kith_ice_local *local;
} kith_ice_base;

typedef struct kith_ice_local {
    /* in generation.locals */
    kith_list_node node;
    uint32_t id;
    kith_ice_base *base;
    /* that saw it: server-reflexive; else NULL */
    const struct kith_ice_server *server;
    /* an event to come */
    bool is_pending;
    kith_candidate candidate;
} kith_ice_local;

typedef struct kith_ice_remote {
    /* in generation.remotes */
    kith_list_node node;
    uint32_t id;
    kith_candidate candidate;
} kith_ice_remote;

/* A request of ours that may still be answered. */
typedef struct kith_ice_transaction {
    /* the random part of the transaction id; 0: unused */
    uint64_t id;
    kith_time sent_at;
    /* the last time; 0: once only. Its round-trip time is ambiguous (Karn) */
    kith_time resent_at;
    bool use_candidate;
    /* what it claimed */
    kith_ice_role role;
} kith_ice_transaction;

/* A check is single-shot or retransmitted; single ones may follow each other every half a second:
 * so many ids may be answered late. */
#define KITH_ICE_TRANSACTIONS 8

typedef struct kith_ice_pair {
    /* in generation.pairs, by priority */
    kith_list_node node;
    /* in generation.triggered */
    kith_list_node in_triggered;
    struct kith_ice_generation *generation;
    uint32_t id;
    /* host candidate, or what the peer saw us as */
    kith_ice_local *local;
    kith_ice_base *base;
    kith_ice_remote *remote;
    kith_path path;
    uint64_t priority;
    kith_ice_pair_state state;
    /* of TCP; path.local.port is 0 until the first one is there */
    kith_ice_connection connection;
    /* KITH_ICE_EV_CONNECT is to come */
    bool is_connect_pending;
    const char *why_failed;
    bool is_nominated;
    /* USE-CANDIDATE came; counts when the pair is valid */
    bool is_nominated_by_peer;
    /* our next check carries USE-CANDIDATE */
    bool is_nominating;
    bool is_authenticated, is_authenticated_pending;
    /* NOMINATION of the last one that we made of it or that the peer did; 0: none */
    uint32_t nomination;
    /* since when it is valid, and when what was asked last of it was answered */
    kith_time valid_at, answered_at;
    /* was authenticated or had a connection, and is no more */
    bool is_gone_pending;

    /* the check under way: retransmitted or given up at check_at */
    bool is_checking;
    kith_time check_at, check_rto;
    unsigned transmissions;
    kith_ice_transaction transactions[KITH_ICE_TRANSACTIONS];
    /* index of the last one made */
    unsigned newest;
    /* when the owner that refused the path is asked again by a check; 0: it did not */
    kith_time again_at;

    /* the last authentic sign of life, and the last that was data; 0: none */
    kith_time heard_at, data_heard_at;
    /* when our last request left */
    kith_time asked_at;
    /* when the first one left that is not followed by an answer; 0: none */
    kith_time unanswered_at;
    /* for statistics */
    kith_ice_traffic sent, received;
    /* has it been the path of our data? Then its consent can be lost (RFC 7675 section 5.1) */
    bool carried_data;
    kith_time consent_until;
    /* the next consent check, while it carries data */
    kith_time consent_at;
    /* the next ordinary check of one that carries data and does not answer, and how many there were
     * since the consent check */
    kith_time repeat_at;
    unsigned repeats;
    /* the next check of a valid one that carries no data */
    kith_time keepalive_at;

    kith_time rtt, smoothed_rtt, total_rtt;
    uint64_t requests_sent, requests_received, responses_sent, responses_received;
    uint64_t consent_requests_sent;
} kith_ice_pair;

typedef struct kith_ice_server {
    /* in generation.servers */
    kith_list_node node;
    kith_address address;
    char *url;
} kith_ice_server;

typedef enum kith_ice_gather_state {
    KITH_ICE_GATHER_WAITING,
    KITH_ICE_GATHER_IN_PROGRESS,
    KITH_ICE_GATHER_SUCCEEDED,
    KITH_ICE_GATHER_FAILED,
} kith_ice_gather_state;

/* One base asks one server. */
typedef struct kith_ice_gather {
    /* in generation.gathers */
    kith_list_node node;
    kith_ice_base *base;
    kith_ice_server *server;
    kith_ice_gather_state state;
    uint64_t id;
    unsigned transmissions;
    /* retransmit, give up, or refresh */
    kith_time at;
    kith_time rto;
    int error_code;
    const char *error_text;
    bool is_error_pending;
} kith_ice_gather;

typedef struct kith_ice_generation {
    struct kith_ice_generation *previous;
    char ufrag[KITH_ICE_UFRAG_LEN + 1], pwd[KITH_ICE_PWD_LEN + 1];
    /* verifies requests, signs answers */
    kith_hmac *local_hmac;
    char *remote_ufrag, *remote_pwd;
    /* signs requests, verifies answers */
    kith_hmac *remote_hmac;
    bool has_remote, is_remote_lite;
    /* the peer obeys NOMINATION, as we do */
    bool can_renominate;
    /* the highest that was made by us or by the peer, and until when better pairs are asked often
     * (renominate.c) */
    uint32_t nomination;
    kith_time eager_until;
    /* the policy when it began: sockets are no candidates */
    bool relay_only;
    /* local credentials are new in it */
    bool is_restarted;
    /* the peer restarted and we have not yet */
    bool is_remote_newest;

    kith_list bases, locals, remotes, pairs, triggered, servers, gathers;
    /* how many ordinary checks left, and the kinds of pairs that were checked, as bits (pairs.c) */
    unsigned ordinary_count, kinds_checked;
    /* remote_count has the peer-reflexive ones in it */
    unsigned base_count, local_count, remote_count, prflx_count, pair_count, server_count;
    unsigned next_foundation;
    unsigned pending_names;
    bool is_local_ended, is_remote_ended, is_gathered, is_gathered_pending;

    kith_ice_pair *selected;
    /* was ever one selected? */
    bool is_concluded;
    kith_ice_pair *nominating;
    /* the pair of the peer's last USE-CANDIDATE, when it came, how many different requests in a
     * row brought one on it, and the last one's id */
    const kith_ice_pair *nominated_last;
    kith_time nominated_at;
    unsigned nominations_in_a_row;
    uint8_t nomination_id[KITH_STUN_ID];
    /* not before, as the peer refused a nomination */
    kith_time nominate_at;
    /* 0: no pair was ever valid */
    kith_time first_valid_at;
    /* 0: the PAC timer has not begun */
    kith_time pac_at;
    /* how long a peer that may still send candidates is waited for */
    kith_time patience_at;
    /* when what was connected counts as failed */
    kith_time lost_until;
    /* candidates came: patience begins anew */
    bool has_news;
    bool is_failed;
} kith_ice_generation;

/* An answer that waits to be written. */
typedef struct kith_ice_response {
    kith_ice_generation *generation;
    kith_path path;
    uint8_t id[KITH_STUN_ID];
    /* 0: success */
    int error_code;
    uint16_t unknown_types[KITH_STUN_MAX_UNKNOWN];
    unsigned unknown_count;
} kith_ice_response;

#define KITH_ICE_RESPONSES 16
#define KITH_ICE_STATES    8

struct kith_ice {
    uint32_t tag;
    bool relay_only;
    bool is_translated;
    kith_log *log;
    kith_ice_role role;
    uint64_t tie_breaker;
    kith_ice_state state;
    /* never NULL */
    kith_ice_generation *newest;
    /* "" until asked for */
    char next_ufrag[KITH_ICE_UFRAG_LEN + 1], next_pwd[KITH_ICE_PWD_LEN + 1];
    uint32_t next_id;

    kith_ice_response responses[KITH_ICE_RESPONSES];
    unsigned response_first, response_count;
    /* earliest next transaction of any kind */
    kith_time transaction_at;
    /* earliest next ordinary check */
    kith_time ordinary_at;
    /* earliest next gathering transaction */
    kith_time gather_at;

    /* what carries data */
    kith_ice_pair *send_pair;
    /* when another is looked for, unless it answers before; KITH_NEVER: not at all (failover.c) */
    kith_time search_at;
    /* when it was last suspected to have failed: only requests since then clear it of that */
    kith_time suspected_at;
    unsigned selected_pair_changes;
    /* nothing is to be done before */
    kith_time due;
    /* a command came: the next call with `now` acts */
    bool is_dirty;
    /* when the generations before the newest may go (generation.c) */
    kith_time retire_at;

    /* to be told */
    kith_ice_state states[KITH_ICE_STATES];
    unsigned state_count;
    bool is_selected_pending;
    /* pairs that were removed and have to be told first (is_gone_pending); freed then */
    kith_list gone;
    /* something is pending, here or in a generation */
    bool has_events;
    kith_ice_counters counters;
};

/* For every element of a list, whose node is called node. No break inside: it would leave only this
 * element. */
#define KITH_ICE_EACH(list, type, name) \
    KITH_LIST_EACH(list, name##_node)   \
        for (type *name = KITH_OWNER(name##_node, type, node); name; name = NULL)

static inline kith_protocol kith_ice_protocol_of(kith_tcp_type tcp_type)
{
    return tcp_type == KITH_TCPTYPE_NONE ? KITH_UDP : KITH_TCP;
}

static inline bool kith_ice_is_tcp(const kith_ice_pair *pair)
{
    return pair->connection != KITH_ICE_DATAGRAMS;
}

/* Can a packet leave on it now? */
static inline bool kith_ice_can_send(const kith_ice_pair *pair)
{
    return pair->connection == KITH_ICE_DATAGRAMS || pair->connection == KITH_ICE_OPEN;
}

/* Or when a connection was made, which is ours to make and not under way? */
static inline bool kith_ice_can_connect(const kith_ice_pair *pair)
{
    return pair->connection == KITH_ICE_CLOSED && pair->base->tcp_type == KITH_TCPTYPE_ACTIVE;
}

static inline kith_time kith_ice_earlier(kith_time a, kith_time b)
{
    return a < b ? a : b;
}

static inline kith_time kith_ice_later(kith_time a, kith_time b)
{
    return a > b ? a : b;
}

#endif
