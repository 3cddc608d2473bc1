/* What the files of the ICE agent share. Room-internal: the door is ice/ice.h.
 *
 * An agent has generations (RFC 8445 section 2.4: ICE restarts), newest first. A generation has bases (our
 * sockets), local and remote candidates, STUN servers with their requests, and one checklist of pairs
 * (one component, one data stream: rtcp-mux and BUNDLE are always on). Nothing here is a queue of packets: what
 * is to be sent is a field that says so, and kith_ice_output writes the packet when it is asked. */
#ifndef KITH_ICE_AGENT_H
#define KITH_ICE_AGENT_H

#include "base/list.h"
#include "crypto/hash.h"
#include "ice/ice.h"
#include "wire/stun.h"

/* 48 and 144 bits of randomness; RFC 8445 section 5.3 asks for 24 and 128. */
#define ICE_UFRAG_LEN 8
#define ICE_PWD_LEN   24

/* Limits on what our owner can make us store: the rest is left out. */
#define ICE_MAX_BASES   64
#define ICE_MAX_SERVERS 16
#define ICE_MAX_LOCALS  128 /* host, server-reflexive and peer-reflexive together */

/* Ta of RFC 8445 section 14.2: the default, which is also what a peer that proposes nothing uses. */
#define ICE_TA KITH_MS(50)
/* No two transactions closer than this, whatever their kind (RFC 8445 section 14.2). Triggered checks keep
 * only this distance: the peer's own Ta already paces what triggers them. */
#define ICE_TA_FLOOR KITH_MS(5)
/* Smallest initial RTO (RFC 8445 section 14.3), Rc and Rm of RFC 8489 section 6.2.1: a check is given
 * up after 39.5 s. */
#define ICE_RTO KITH_MS(500)
#define ICE_RC  7
#define ICE_RM  16
/* The PAC timer lasts as long as a transaction with these values (RFC 8863 section 4). */
#define ICE_PAC KITH_MS(39500)
/* Tr of RFC 8445 section 11. */
#define ICE_KEEPALIVE KITH_SECONDS(15)
/* Without any sign of life for this long a connection counts as disconnected. */
#define ICE_SILENCE KITH_SECONDS(5)

typedef enum ice_pair_state {
    ICE_PAIR_FROZEN,
    ICE_PAIR_WAITING,
    ICE_PAIR_IN_PROGRESS,
    ICE_PAIR_SUCCEEDED,
    ICE_PAIR_FAILED,
} ice_pair_state;

/* A socket of ours. */
typedef struct ice_base {
    kith_list_node node; /* in generation.bases */
    kith_address address;
    kith_protocol protocol;
    uint16_t preference;     /* local preference of RFC 8445 section 5.1.2.1 */
    bool is_gone;            /* kept for statistics; revived when the same address returns */
    struct ice_local *local; /* its host candidate; NULL: not a candidate (relay_only) */
} ice_base;

typedef struct ice_local {
    kith_list_node node; /* in generation.locals */
    uint32_t id;
    ice_base *base;
    const struct ice_server *server; /* that saw it: server-reflexive; else NULL */
    bool is_untold;                  /* an event to come */
    kith_candidate candidate;
} ice_local;

typedef struct ice_remote {
    kith_list_node node; /* in generation.remotes */
    uint32_t id;
    kith_candidate candidate;
} ice_remote;

/* A request of ours that may still be answered. */
typedef struct ice_transaction {
    uint64_t id; /* the random part of the transaction id; 0: unused */
    kith_time sent_at;
    bool is_retransmitted; /* its round-trip time is ambiguous (Karn) */
    bool use_candidate;
    kith_ice_role role; /* what it claimed */
} ice_transaction;

/* A check is single-shot or retransmitted; consent is checked once in 5 s for 30 s: so many ids may be
 * answered late. */
#define ICE_TRANSACTIONS 8

typedef struct ice_pair {
    kith_list_node node;         /* in generation.pairs, by priority */
    kith_list_node in_triggered; /* in generation.triggered */
    struct ice_generation *generation;
    uint32_t id;
    ice_local *local; /* host candidate, or what the peer saw us as */
    ice_base *base;
    ice_remote *remote;
    kith_path path;
    uint64_t priority;
    ice_pair_state state;
    const char *why_failed;
    bool is_nominated;
    bool is_nominated_by_peer; /* USE-CANDIDATE came; counts when the pair is valid */
    bool is_nominating;        /* our next check carries USE-CANDIDATE */
    bool is_authenticated, is_authenticated_untold;

    /* the check under way: retransmitted or given up at check_at */
    bool is_checking;
    kith_time check_at, check_rto;
    unsigned transmissions;
    ice_transaction transactions[ICE_TRANSACTIONS];
    unsigned newest; /* index of the last one made */

    kith_time heard_at;      /* the last authentic sign of life */
    kith_time consent_until; /* RFC 7675 */
    kith_time consent_at;    /* when to ask again, while it carries data */
    kith_time unanswered_at; /* when the first consent check without an answer left; 0: none */
    kith_time keepalive_at;

    kith_time rtt, smoothed_rtt, total_rtt;
    uint64_t requests_sent, requests_received, responses_sent, responses_received;
    uint64_t consent_requests_sent;
} ice_pair;

typedef struct ice_server {
    kith_list_node node; /* in generation.servers */
    kith_address address;
    char *url;
} ice_server;

typedef enum ice_gather_state {
    ICE_GATHER_WAITING,
    ICE_GATHER_IN_PROGRESS,
    ICE_GATHER_SUCCEEDED,
    ICE_GATHER_FAILED,
} ice_gather_state;

/* One base asks one server. */
typedef struct ice_gather {
    kith_list_node node; /* in generation.gathers */
    ice_base *base;
    ice_server *server;
    ice_gather_state state;
    uint64_t id;
    unsigned transmissions;
    kith_time at; /* retransmit, give up, or refresh */
    kith_time rto;
    int error_code;
    const char *error_text;
    bool is_error_untold;
} ice_gather;

typedef struct ice_generation {
    struct ice_generation *previous;
    uint32_t number;
    char ufrag[ICE_UFRAG_LEN + 1], pwd[ICE_PWD_LEN + 1];
    kith_hmac *local_hmac; /* verifies requests, signs answers */
    char *remote_ufrag, *remote_pwd;
    kith_hmac *remote_hmac; /* signs requests, verifies answers */
    bool has_remote, is_remote_lite;
    bool is_restarted;     /* local credentials are new in it */
    bool is_remote_newest; /* the peer restarted and we have not yet */

    kith_list bases, locals, remotes, pairs, triggered, servers, gathers;
    unsigned base_count, local_count, remote_count, pair_count, server_count;
    unsigned next_foundation;
    unsigned pending_names;
    bool is_local_ended, is_remote_ended, is_gathered, is_gathered_untold;

    ice_pair *selected;
    ice_pair *nominating;
    kith_time nominate_at;    /* not before, as the peer refused a nomination */
    kith_time first_valid_at; /* 0: no pair was ever valid */
    kith_time pac_at;         /* 0: the PAC timer has not begun */
    kith_time patience_at;    /* how long a peer that may still send candidates is waited for */
    kith_time lost_until;     /* when what was connected counts as failed */
    bool has_news;            /* candidates came: patience begins anew */
    bool is_failed;
} ice_generation;

/* An answer that waits to be written. */
typedef struct ice_response {
    ice_generation *generation;
    kith_path path;
    uint8_t id[KITH_STUN_ID];
    int error_code; /* 0: success */
    uint16_t unknown_types[KITH_STUN_MAX_UNKNOWN];
    unsigned unknown_count;
} ice_response;

#define ICE_RESPONSES 16
#define ICE_STATES    8

struct kith_ice {
    uint32_t tag;
    bool relay_only;
    kith_log *log;
    kith_ice_role role;
    uint64_t tie_breaker;
    kith_ice_state state;
    ice_generation *newest;                                        /* never NULL */
    char next_ufrag[ICE_UFRAG_LEN + 1], next_pwd[ICE_PWD_LEN + 1]; /* "" until asked for */
    uint32_t next_id;
    uint32_t next_generation;

    ice_response responses[ICE_RESPONSES];
    unsigned response_first, response_count;
    kith_time transaction_at; /* earliest next transaction of any kind */
    kith_time ordinary_at;    /* earliest next ordinary check */
    kith_time gather_at;      /* earliest next gathering transaction */

    ice_pair *send_pair; /* what carries data */
    unsigned selected_pair_changes;
    kith_time due; /* nothing is to be done before */
    bool is_dirty; /* a command came: the next call with `now` acts */

    kith_ice_state states[ICE_STATES]; /* to be told */
    unsigned state_count;
    bool is_selected_untold, is_role_untold;
    bool has_events; /* something is untold, here or in a generation */
    kith_ice_counters counters;
};

/* For every element of a list, whose node is called node. No break inside: it would leave only this element. */
#define ICE_EACH(list, type, name)    \
    KITH_LIST_EACH(list, name##_node) \
        for (type *name = KITH_OWNER(name##_node, type, node); name != NULL; name = NULL)

/* ---- generation.c ---- */

/* NULL: out of memory. */
ice_generation *kith_ice_new_generation(kith_ice *ice, const char *ufrag, const char *pwd);
void kith_ice_free_generation(kith_ice *ice, ice_generation *g);
/* A pair of the newest generation is selected: those before have served. */
void kith_ice_forget_previous(kith_ice *ice);

/* ---- candidates.c ---- */

kith_err kith_ice_copy_remotes(kith_ice *ice, ice_generation *to, const ice_generation *from);
void kith_ice_remove_remote(kith_ice *ice, ice_generation *g, ice_remote *remote);

uint32_t kith_ice_candidate_priority(kith_candidate_type type, uint16_t preference);
ice_base *kith_ice_find_base(const ice_generation *g, const kith_address *address);
/* Host where `address` is the base's own, server-reflexive where a server saw it, else peer-reflexive. NULL:
 * over the limit or out of memory. */
ice_local *kith_ice_new_local(kith_ice *ice, ice_generation *g, ice_base *base,
                              const kith_address *address, const ice_server *server);
ice_local *kith_ice_find_local(const ice_generation *g, const ice_base *base,
                               const kith_address *address);
ice_remote *kith_ice_find_remote(const ice_generation *g, const kith_address *address);
/* A peer-reflexive candidate (RFC 8445 section 7.3.1.3); NULL: over the limit or out of memory. */
ice_remote *kith_ice_learn_remote(kith_ice *ice, ice_generation *g, const kith_address *address,
                                  uint32_t priority, kith_span ufrag);
/* The local address is gone: everything on it fails. */
void kith_ice_drop_base(kith_ice *ice, ice_generation *g, ice_base *base);
kith_err kith_ice_add_base(kith_ice *ice, ice_generation *g, const kith_address *local,
                           kith_protocol protocol);

/* ---- pairs.c ---- */

/* Every pair that a new candidate makes with those of the other side (RFC 8838 section 10). */
void kith_ice_pair_local(kith_ice *ice, ice_generation *g, ice_local *local);
void kith_ice_pair_remote(kith_ice *ice, ice_generation *g, ice_remote *remote);
/* One pair; NULL if the two cannot talk, it is over the limit, or out of memory. */
ice_pair *kith_ice_add_pair(kith_ice *ice, ice_generation *g, ice_local *local, ice_remote *remote);
ice_pair *kith_ice_find_pair(const ice_generation *g, const kith_path *path);
void kith_ice_remove_pair(kith_ice *ice, ice_pair *pair);
void kith_ice_fail_pair(kith_ice *ice, ice_pair *pair, const char *why);
/* Priorities depend on the role and on the candidates' priorities: computes and orders anew. */
void kith_ice_reorder_pairs(kith_ice *ice, ice_generation *g);
/* A check of it succeeded: pairs of its foundation need not wait any longer. */
void kith_ice_thaw_like(ice_generation *g, const ice_pair *pair);
/* The pair that the next ordinary check is for (RFC 8445 section 6.1.4.2), or NULL. */
ice_pair *kith_ice_ordinary_pair(const ice_generation *g);
/* The valid pair of highest priority, or NULL. */
ice_pair *kith_ice_best_valid(const ice_generation *g);
/* Could a pair above this one still become valid? */
bool kith_ice_may_improve(const ice_generation *g, const ice_pair *pair);
/* Is any pair still to be checked or being checked? */
bool kith_ice_has_live_pair(const ice_generation *g);
/* Waiting and in-progress pairs: N of RFC 8445 section 14.3. */
unsigned kith_ice_active_pairs(const ice_generation *g);

/* ---- checks.c: requests of ours and their answers ---- */

/* A new transaction of the pair, the oldest forgotten. */
ice_transaction *kith_ice_new_transaction(kith_ice *ice, ice_pair *pair, kith_time now,
                                          bool use_candidate);
/* Writes a Binding request of this transaction. */
void kith_ice_write_check(const kith_ice *ice, const ice_pair *pair, const ice_transaction *t,
                          kith_writer *w);
/* A triggered check (RFC 8445 section 7.3.1.4), or our nomination, leaves next. */
void kith_ice_trigger(ice_pair *pair);
void kith_ice_cancel_check(ice_pair *pair);
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
void kith_ice_drop_responses(kith_ice *ice, const ice_generation *g);

/* ---- nominate.c ---- */

/* The controlling side chooses when it is time. */
void kith_ice_nominate(kith_ice *ice, kith_time now);
/* When kith_ice_nominate would choose. */
kith_time kith_ice_nominate_due(const kith_ice *ice);
/* The pair is nominated and valid: selects it, unless a better one is selected and alive. */
void kith_ice_accept_nomination(kith_ice *ice, ice_pair *pair, kith_time now);
/* Chooses what carries data from now on. */
void kith_ice_choose_send_pair(kith_ice *ice, kith_time now);
/* By a role conflict; the owner is told. */
void kith_ice_switch_role(kith_ice *ice, kith_ice_role role);

/* ---- consent.c ---- */

void kith_ice_consent_gained(ice_pair *pair, kith_time now);
/* Consent that ran out takes its pair. */
void kith_ice_consent_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_consent_due(const kith_ice *ice, kith_time now);
bool kith_ice_output_consent(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
bool kith_ice_output_keepalive(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
/* Has nothing been heard on the path of data for too long? */
bool kith_ice_is_silent(const ice_pair *pair, kith_time now);

/* ---- gather.c ---- */

void kith_ice_gather_base(kith_ice *ice, ice_generation *g, ice_base *base);
void kith_ice_gather_drop_base(ice_generation *g, const ice_base *base);
kith_err kith_ice_add_server(kith_ice *ice, ice_generation *g, const kith_address *server,
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
