/* What the files of the ICE agent share. Room-internal: the door is ice/ice.h.
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

/* 48 and 144 bits of randomness; RFC 8445 section 5.3 asks for 24 and 128. */
#define KITH_ICE_UFRAG_LEN 8
#define KITH_ICE_PWD_LEN   24

/* Limits on what our owner can make us store: the rest is left out. */
#define KITH_ICE_MAX_BASES   64
#define KITH_ICE_MAX_SERVERS 16
#define KITH_ICE_MAX_LOCALS  128 /* host, server-reflexive and peer-reflexive together */

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
/* The PAC timer lasts as long as a transaction with these values (RFC 8863 section 4). */
#define KITH_ICE_PAC KITH_MS(39500)
/* Tr of RFC 8445 section 11. */
#define KITH_ICE_KEEPALIVE KITH_SECONDS(15)
/* Without any sign of life for this long a connection counts as disconnected. */
#define KITH_ICE_SILENCE KITH_SECONDS(5)

typedef enum kith_ice_pair_state {
    KITH_ICE_PAIR_FROZEN,
    KITH_ICE_PAIR_WAITING,
    KITH_ICE_PAIR_IN_PROGRESS,
    KITH_ICE_PAIR_SUCCEEDED,
    KITH_ICE_PAIR_FAILED,
} kith_ice_pair_state;

/* A socket of ours. */
typedef struct kith_ice_base {
    /* in generation.bases */
    kith_list_node node;
    kith_address address;
    kith_protocol protocol;
    /* local preference of RFC 8445 section 5.1.2.1 */
    uint16_t preference;
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
    /* its round-trip time is ambiguous (Karn) */
    bool is_retransmitted;
    bool use_candidate;
    /* what it claimed */
    kith_ice_role role;
} kith_ice_transaction;

/* A check is single-shot or retransmitted; consent is checked once in 5 s for 30 s: so many ids may
 * be answered late. */
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
    const char *why_failed;
    bool is_nominated;
    /* USE-CANDIDATE came; counts when the pair is valid */
    bool is_nominated_by_peer;
    /* our next check carries USE-CANDIDATE */
    bool is_nominating;
    bool is_authenticated, is_authenticated_pending;

    /* the check under way: retransmitted or given up at check_at */
    bool is_checking;
    kith_time check_at, check_rto;
    unsigned transmissions;
    kith_ice_transaction transactions[KITH_ICE_TRANSACTIONS];
    /* index of the last one made */
    unsigned newest;

    /* the last authentic sign of life */
    kith_time heard_at;
    /* RFC 7675 */
    kith_time consent_until;
    /* when to ask again, while it carries data */
    kith_time consent_at;
    /* when the first consent check without an answer left; 0: none */
    kith_time unanswered_at;
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
    uint32_t number;
    char ufrag[KITH_ICE_UFRAG_LEN + 1], pwd[KITH_ICE_PWD_LEN + 1];
    /* verifies requests, signs answers */
    kith_hmac *local_hmac;
    char *remote_ufrag, *remote_pwd;
    /* signs requests, verifies answers */
    kith_hmac *remote_hmac;
    bool has_remote, is_remote_lite;
    /* local credentials are new in it */
    bool is_restarted;
    /* the peer restarted and we have not yet */
    bool is_remote_newest;

    kith_list bases, locals, remotes, pairs, triggered, servers, gathers;
    unsigned base_count, local_count, remote_count, pair_count, server_count;
    unsigned next_foundation;
    unsigned pending_names;
    bool is_local_ended, is_remote_ended, is_gathered, is_gathered_pending;

    kith_ice_pair *selected;
    kith_ice_pair *nominating;
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
    kith_log *log;
    kith_ice_role role;
    uint64_t tie_breaker;
    kith_ice_state state;
    /* never NULL */
    kith_ice_generation *newest;
    /* "" until asked for */
    char next_ufrag[KITH_ICE_UFRAG_LEN + 1], next_pwd[KITH_ICE_PWD_LEN + 1];
    uint32_t next_id;
    uint32_t next_generation;

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
    unsigned selected_pair_changes;
    /* nothing is to be done before */
    kith_time due;
    /* a command came: the next call with `now` acts */
    bool is_dirty;

    /* to be told */
    kith_ice_state states[KITH_ICE_STATES];
    unsigned state_count;
    bool is_selected_pending, is_role_pending;
    /* something is pending, here or in a generation */
    bool has_events;
    kith_ice_counters counters;
};

/* For every element of a list, whose node is called node. No break inside: it would leave only this
 * element. */
#define KITH_ICE_EACH(list, type, name) \
    KITH_LIST_EACH(list, name##_node)   \
        for (type *name = KITH_OWNER(name##_node, type, node); name; name = NULL)

/* ---- generation.c ---- */

/* NULL: out of memory. */
kith_ice_generation *kith_ice_new_generation(kith_ice *ice, const char *ufrag, const char *pwd);
void kith_ice_free_generation(kith_ice *ice, kith_ice_generation *g);
/* A pair of the newest generation is selected: those before have served. */
void kith_ice_forget_previous(kith_ice *ice);

/* ---- candidates.c ---- */

kith_err kith_ice_copy_remotes(kith_ice *ice, kith_ice_generation *to,
                               const kith_ice_generation *from);
void kith_ice_remove_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote);

uint32_t kith_ice_candidate_priority(kith_candidate_type type, uint16_t preference);
kith_ice_base *kith_ice_find_base(const kith_ice_generation *g, const kith_address *address);
/* Host where `address` is the base's own, server-reflexive where a server saw it, else
 * peer-reflexive. NULL: over the limit or out of memory. */
kith_ice_local *kith_ice_new_local(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base,
                                   const kith_address *address, const kith_ice_server *server);
kith_ice_local *kith_ice_find_local(const kith_ice_generation *g, const kith_ice_base *base,
                                    const kith_address *address);
kith_ice_remote *kith_ice_find_remote(const kith_ice_generation *g, const kith_address *address);
/* A peer-reflexive candidate (RFC 8445 section 7.3.1.3); NULL: over the limit or out of memory. */
kith_ice_remote *kith_ice_add_peer_reflexive(kith_ice *ice, kith_ice_generation *g,
                                             const kith_address *address, uint32_t priority,
                                             kith_span ufrag);
/* The local address is gone: everything on it fails. */
void kith_ice_drop_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base);
kith_err kith_ice_add_base(kith_ice *ice, kith_ice_generation *g, const kith_address *local,
                           kith_protocol protocol);

/* ---- pairs.c ---- */

/* Every pair that a new candidate makes with those of the other side (RFC 8838 section 10). */
void kith_ice_pair_local(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local);
void kith_ice_pair_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote);
/* One pair; NULL if the two cannot talk, it is over the limit, or out of memory. */
kith_ice_pair *kith_ice_add_pair(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local,
                                 kith_ice_remote *remote);
kith_ice_pair *kith_ice_find_pair(const kith_ice_generation *g, const kith_path *path);
void kith_ice_remove_pair(kith_ice *ice, kith_ice_pair *pair);
void kith_ice_fail_pair(kith_ice *ice, kith_ice_pair *pair, const char *why);
/* Priorities depend on the role and on the candidates' priorities: computes and orders anew. */
void kith_ice_reorder_pairs(kith_ice *ice, kith_ice_generation *g);
/* A check of it succeeded: pairs of its foundation need not wait any longer. */
void kith_ice_thaw_like(kith_ice_generation *g, const kith_ice_pair *pair);
/* The pair that the next ordinary check is for (RFC 8445 section 6.1.4.2), or NULL. */
kith_ice_pair *kith_ice_ordinary_pair(const kith_ice_generation *g);
/* The valid pair of highest priority, or NULL. */
kith_ice_pair *kith_ice_best_valid(const kith_ice_generation *g);
/* Could a pair above this one still become valid? */
bool kith_ice_may_improve(const kith_ice_generation *g, const kith_ice_pair *pair);
/* Is any pair still to be checked or being checked? */
bool kith_ice_has_live_pair(const kith_ice_generation *g);
/* Waiting and in-progress pairs: N of RFC 8445 section 14.3. */
unsigned kith_ice_active_pairs(const kith_ice_generation *g);

/* ---- checks.c: requests of ours and their answers ---- */

/* A new transaction of the pair, the oldest forgotten. */
kith_ice_transaction *kith_ice_new_transaction(kith_ice *ice, kith_ice_pair *pair, kith_time now,
                                               bool use_candidate);
/* Writes a Binding request of this transaction. */
void kith_ice_write_check(const kith_ice *ice, const kith_ice_pair *pair,
                          const kith_ice_transaction *t, kith_writer *w);
/* A triggered check (RFC 8445 section 7.3.1.4), or our nomination, leaves next. */
void kith_ice_trigger(kith_ice_pair *pair);
void kith_ice_cancel_check(kith_ice_pair *pair);
bool kith_ice_handle_response(kith_ice *ice, kith_time now, const kith_path *path,
                              const kith_stun *m);
/* Gives up what was asked often enough. */
void kith_ice_checks_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_checks_due(const kith_ice *ice);
/* False: nothing is due. */
bool kith_ice_output_check(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
void kith_ice_stun_id(const kith_ice *ice, uint64_t random, uint8_t out[KITH_STUN_ID]);
uint64_t kith_ice_new_stun_id(void);

/* ---- answers.c: the peer's requests ---- */

bool kith_ice_handle_request(kith_ice *ice, kith_time now, const kith_path *path,
                             const kith_stun *m);
bool kith_ice_output_response(kith_ice *ice, kith_path *path, kith_writer *w);
void kith_ice_drop_responses(kith_ice *ice, const kith_ice_generation *g);

/* ---- nominate.c ---- */

/* The controlling side chooses when it is time. */
void kith_ice_nominate(kith_ice *ice, kith_time now);
/* When kith_ice_nominate would choose. */
kith_time kith_ice_nominate_due(const kith_ice *ice);
/* The pair is nominated and valid: selects it, unless a better one is selected and alive. */
void kith_ice_accept_nomination(kith_ice *ice, kith_ice_pair *pair, kith_time now);
/* Chooses what carries data from now on. */
void kith_ice_choose_send_pair(kith_ice *ice, kith_time now);
/* By a role conflict; the owner is told. */
void kith_ice_switch_role(kith_ice *ice, kith_ice_role role);

/* ---- consent.c ---- */

void kith_ice_consent_gained(kith_ice_pair *pair, kith_time now);
/* Consent that ran out takes its pair. */
void kith_ice_consent_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_consent_due(const kith_ice *ice, kith_time now);
bool kith_ice_output_consent(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
bool kith_ice_output_keepalive(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
/* Has nothing been heard on the path of data for too long? */
bool kith_ice_is_silent(const kith_ice_pair *pair, kith_time now);

/* ---- gather.c ---- */

void kith_ice_gather_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base);
void kith_ice_gather_drop_base(kith_ice_generation *g, const kith_ice_base *base);
kith_err kith_ice_add_server(kith_ice *ice, kith_ice_generation *g, const kith_address *server,
                             const char *url);
/* True: the message answered a gathering request. */
bool kith_ice_gather_response(kith_ice *ice, kith_time now, const kith_path *path,
                              const kith_stun *m);
void kith_ice_gather_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_gather_due(const kith_ice *ice);
bool kith_ice_output_gather(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);

/* ---- events.c ---- */

void kith_ice_tell_state(kith_ice *ice, kith_ice_state state);

static inline kith_time kith_ice_earlier(kith_time a, kith_time b)
{
    return a < b ? a : b;
}

static inline kith_time kith_ice_later(kith_time a, kith_time b)
{
    return a > b ? a : b;
}

#endif
