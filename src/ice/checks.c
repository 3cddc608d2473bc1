/* Connectivity checks, our side (RFC 8445 sections 7.2 and 14): when which request leaves, how
 * often it is repeated, and what its answer means. The peer's requests are answers.c, consent is
 * consent.c. */
#include "ice/checks.h"

#include <string.h>

#include "base/reader.h"
#include "crypto/random.h"
#include "ice/candidates.h"
#include "ice/consent.h"
#include "ice/failover.h"
#include "ice/nominate.h"
#include "ice/pairs.h"
#include "ice/tcp.h"

uint64_t kith_ice_new_stun_id(void)
{
    uint64_t id;
    do
        id = kith_random_u64();
    while (id == 0);
    return id;
}

void kith_ice_stun_id(const kith_ice *ice, uint64_t random, uint8_t out[KITH_STUN_ID])
{
    kith_writer w = kith_wr(out, KITH_STUN_ID);
    kith_wr_u32(&w, ice->tag);
    kith_wr_u64(&w, random);
}

kith_ice_transaction *kith_ice_new_transaction(kith_ice *ice, kith_ice_pair *pair, kith_time now,
                                               bool use_candidate)
{
    pair->newest = (pair->newest + 1) % KITH_ICE_TRANSACTIONS;
    kith_ice_transaction *t = &pair->transactions[pair->newest];
    *t = (kith_ice_transaction){
        .id = kith_ice_new_stun_id(),
        .sent_at = now,
        .use_candidate = use_candidate,
        .role = ice->role,
    };
    kith_ice_asked(pair, now);
    return t;
}

/* RFC 8445 section 7.1: USERNAME is theirs:ours, PRIORITY what a peer-reflexive candidate would
 * have. */
void kith_ice_write_check(const kith_ice *ice, const kith_ice_pair *pair,
                          const kith_ice_transaction *t, kith_writer *w)
{
    const kith_ice_generation *g = pair->generation;
    char username[KITH_UFRAG_MAX + 1 + KITH_ICE_UFRAG_LEN];
    uint8_t id[KITH_STUN_ID];
    kith_writer name = kith_wr(username, sizeof username);
    kith_wr_text(&name, g->remote_ufrag);
    kith_wr_u8(&name, ':');
    kith_wr_text(&name, g->ufrag);
    kith_ice_stun_id(ice, t->id, id);
    kith_stun_begin(w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(w, KITH_STUN_ATTR_USERNAME, kith_span_of(username, name.len));
    kith_stun_put_u64(w,
                      t->role == KITH_ICE_CONTROLLING ? KITH_STUN_ATTR_ICE_CONTROLLING
                                                      : KITH_STUN_ATTR_ICE_CONTROLLED,
                      ice->tie_breaker);
    if (t->use_candidate)
        kith_stun_put_flag(w, KITH_STUN_ATTR_USE_CANDIDATE);
    if (t->use_candidate && pair->nomination != 0)
        kith_stun_put_u32(w, KITH_STUN_ATTR_NOMINATION, pair->nomination);
    kith_stun_put_u32(w, KITH_STUN_ATTR_PRIORITY,
                      kith_ice_candidate_priority(KITH_CANDIDATE_PRFLX, pair->base));
    kith_stun_put_integrity(w, g->remote_hmac);
    kith_stun_put_fingerprint(w);
}

/* A peer that forgot the nomination, or never saw its answer, goes on with a pair of the generation
 * before: it is told again until it has left that. */
static bool is_nomination_repeated(const kith_ice *ice, const kith_ice_pair *pair)
{
    return ice->role == KITH_ICE_CONTROLLING && ice->newest->previous &&
           pair == ice->newest->selected;
}

void kith_ice_ask_once(kith_ice *ice, kith_ice_pair *pair, kith_time now, kith_path *path,
                       kith_writer *w)
{
    unsigned under_way = pair->newest;
    bool use_candidate = is_nomination_repeated(ice, pair);
    kith_ice_transaction *t = kith_ice_new_transaction(ice, pair, now, use_candidate);
    if (pair->is_checking) {
        kith_ice_transaction swap = *t;
        *t = pair->transactions[under_way];
        pair->transactions[under_way] = swap;
        t = &pair->transactions[under_way];
    }
    kith_ice_write_check(ice, pair, t, w);
    *path = pair->path;
}

void kith_ice_cancel_check(kith_ice_pair *pair)
{
    pair->is_checking = false;
    pair->check_at = KITH_NEVER;
}

void kith_ice_trigger(kith_ice_pair *pair)
{
    kith_ice_cancel_check(pair);
    pair->again_at = 0;
    if (pair->state != KITH_ICE_PAIR_SUCCEEDED) {
        pair->state = KITH_ICE_PAIR_WAITING;
        pair->why_failed = NULL;
    }
    if (!kith_list_has(&pair->in_triggered))
        kith_list_append(&pair->generation->triggered, &pair->in_triggered);
}

/* ---- sending ---- */

/* A generation whose checks may leave: the newest, when the peer's password is known. */
static kith_ice_generation *checking(const kith_ice *ice)
{
    kith_ice_generation *g = ice->newest;
    return g->has_remote && !g->is_failed ? g : NULL;
}

static kith_ice_pair *first_triggered(const kith_ice_generation *g)
{
    kith_list_node *node = kith_list_first(&g->triggered);
    return node ? KITH_OWNER(node, kith_ice_pair, in_triggered) : NULL;
}

/* While a path that failed is replaced every pair is asked again and again, in failover.c's order:
 * neither ordinary checks nor repetitions go on. */
static kith_ice_pair *next_ordinary(const kith_ice *ice, const kith_ice_generation *g,
                                    kith_time now)
{
    return kith_ice_is_searching(ice, g, now) ? NULL : kith_ice_ordinary_pair(g);
}

static bool is_last_transmission(const kith_ice_pair *pair)
{
    return kith_ice_is_tcp(pair) || pair->transmissions == KITH_ICE_RC;
}

/* On a connection a check is sent once. That of a pair that works may wait behind its data, and is
 * given up no sooner than on UDP. */
static kith_time patience(const kith_ice_pair *pair)
{
    if (!kith_ice_is_tcp(pair))
        return pair->check_rto;
    return pair->state == KITH_ICE_PAIR_SUCCEEDED ? KITH_ICE_PAC : KITH_ICE_TCP_TIMEOUT;
}

/* False: nothing leaves before there is a connection. */
static bool send_check(kith_ice *ice, kith_ice_pair *pair, bool is_ordinary, kith_time now,
                       kith_writer *w)
{
    kith_time crowd = (kith_time)kith_ice_active_pairs(pair->generation) * KITH_ICE_TA;
    kith_list_remove(&pair->in_triggered);
    kith_ice_note_check(pair, is_ordinary);
    ice->transaction_at = now + KITH_ICE_TA_FLOOR;
    if (!kith_ice_can_send(pair)) {
        kith_ice_connect(ice, pair, now);
        return false;
    }
    if (pair->state != KITH_ICE_PAIR_SUCCEEDED)
        pair->state = KITH_ICE_PAIR_IN_PROGRESS;
    kith_ice_transaction *t = kith_ice_new_transaction(ice, pair, now, pair->is_nominating);
    pair->is_checking = true;
    pair->transmissions = 1;
    pair->check_rto = kith_ice_later(KITH_ICE_RTO, crowd);
    pair->check_at = now + patience(pair);
    pair->requests_sent++;
    kith_ice_write_check(ice, pair, t, w);
    return true;
}

/* The intervals double; after the last request Rm times the first one is waited (RFC 8489
 * section 6.2.1). */
static void resend_check(kith_ice *ice, kith_ice_pair *pair, kith_time now, kith_writer *w)
{
    kith_ice_transaction *t = &pair->transactions[pair->newest];
    t->resent_at = now;
    pair->transmissions++;
    pair->check_at =
        now + (pair->transmissions == KITH_ICE_RC ? pair->check_rto * KITH_ICE_RM
                                                  : pair->check_rto << (pair->transmissions - 1));
    pair->requests_sent++;
    kith_ice_write_check(ice, pair, t, w);
}

static kith_ice_pair *due_for_resending(const kith_ice *ice, const kith_ice_generation *g,
                                        kith_time now)
{
    if (kith_ice_is_searching(ice, g, now))
        return NULL;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->is_checking && !is_last_transmission(pair) && pair->check_at <= now)
            return pair;
    return NULL;
}

bool kith_ice_output_check(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    kith_ice_generation *g = checking(ice);
    if (!g)
        return false;
    kith_ice_pair *pair = due_for_resending(ice, g, now);
    bool is_written = pair;
    if (pair) {
        resend_check(ice, pair, now, w);
    } else if (now >= ice->transaction_at && (pair = first_triggered(g))) {
        is_written = send_check(ice, pair, false, now, w);
    } else if (now >= kith_ice_later(ice->ordinary_at, ice->transaction_at) &&
               (pair = next_ordinary(ice, g, now))) {
        ice->ordinary_at = now + KITH_ICE_TA;
        is_written = send_check(ice, pair, true, now, w);
    }
    if (is_written)
        *path = pair->path;
    return is_written;
}

kith_time kith_ice_checks_due(const kith_ice *ice, kith_time now)
{
    const kith_ice_generation *g = checking(ice);
    kith_time due = KITH_NEVER;
    if (!g)
        return due;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
        if (pair->is_checking && !kith_ice_is_searching(ice, g, now))
            due = kith_ice_earlier(due, pair->check_at);
        if (pair->again_at != 0)
            due = kith_ice_earlier(due, pair->again_at);
    }
    if (first_triggered(g))
        due = kith_ice_earlier(due, ice->transaction_at);
    if (next_ordinary(ice, g, now))
        due = kith_ice_earlier(due, kith_ice_later(ice->ordinary_at, ice->transaction_at));
    return due;
}

void kith_ice_checks_tick(kith_ice *ice, kith_time now)
{
    kith_ice_generation *g = checking(ice);
    if (!g)
        return;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
        if (pair->is_checking && is_last_transmission(pair) && pair->check_at <= now)
            kith_ice_fail_pair(ice, pair,
                               pair->connection == KITH_ICE_CONNECTING
                                   ? "no TCP connection could be made"
                                   : "no answer");
        if (pair->again_at != 0 && pair->again_at <= now)
            kith_ice_trigger(pair);
    }
}

/* ---- answers to our checks ---- */

static kith_ice_transaction *find_in_pair(kith_ice_pair *pair, uint64_t id)
{
    for (size_t i = 0; i < KITH_ICE_TRANSACTIONS; i++)
        if (pair->transactions[i].id == id)
            return &pair->transactions[i];
    return NULL;
}

static kith_ice_transaction *find_transaction(const kith_ice *ice, uint64_t id, kith_ice_pair **out)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
            kith_ice_transaction *t = find_in_pair(pair, id);
            *out = pair;
            if (t)
                return t;
        }
    return NULL;
}

/* RFC 6298's smoothing; a retransmitted request's answer says nothing (Karn). */
static void measure(kith_ice_pair *pair, const kith_ice_transaction *t, kith_time now)
{
    if (t->resent_at != 0)
        return;
    pair->rtt = kith_ice_later(now - t->sent_at, 1);
    pair->total_rtt += pair->rtt;
    pair->smoothed_rtt = pair->smoothed_rtt == 0
                             ? pair->rtt
                             : pair->smoothed_rtt + (pair->rtt - pair->smoothed_rtt) / 8;
}

/* RFC 8445 section 7.2.5.3.1: what the peer saw us as may be a candidate we did not know. */
static void find_or_add_local(kith_ice *ice, kith_ice_pair *pair, const kith_address *mapped)
{
    kith_ice_generation *g = pair->generation;
    kith_address seen = *mapped;
    seen.scope_id = pair->base->address.scope_id;
    /* A connection's port is no news where the peer sees it as it is. */
    if (kith_address_equal(&seen, &pair->path.local))
        return;
    kith_ice_local *local = kith_ice_find_local(g, pair->base, &seen);
    if (!local)
        local = kith_ice_new_local(ice, g, pair->base, &seen, KITH_CANDIDATE_PRFLX, NULL);
    if (local)
        pair->local = local;
}

static void become_valid(kith_ice *ice, kith_ice_pair *pair, const kith_stun *m, kith_time now)
{
    kith_ice_generation *g = pair->generation;
    pair->state = KITH_ICE_PAIR_SUCCEEDED;
    pair->valid_at = now;
    pair->why_failed = NULL;
    if (!pair->is_nominating)
        kith_list_remove(&pair->in_triggered);
    if (g->first_valid_at == 0)
        g->first_valid_at = kith_ice_later(now, 1);
    find_or_add_local(ice, pair, &m->xor_mapped_address);
    kith_ice_thaw_like(g, pair);
}

static void handle_success(kith_ice *ice, kith_ice_pair *pair, kith_ice_transaction *t,
                           const kith_stun *m, kith_time now)
{
    bool ends_check = pair->is_checking && t == &pair->transactions[pair->newest];
    measure(pair, t, now);
    kith_ice_consent_gained(pair, kith_ice_later(t->sent_at, t->resent_at), now);
    if (pair->base->is_gone)
        return;
    if (ends_check)
        kith_ice_cancel_check(pair);
    if (pair->state != KITH_ICE_PAIR_SUCCEEDED)
        become_valid(ice, pair, m, now);
    if (!pair->is_authenticated)
        pair->is_authenticated = pair->is_authenticated_pending = ice->has_events = true;
    bool is_ours =
        t->use_candidate && t->role == KITH_ICE_CONTROLLING && ice->role == KITH_ICE_CONTROLLING;
    if (is_ours || (pair->is_nominated_by_peer && ice->role == KITH_ICE_CONTROLLED))
        kith_ice_accept_nomination(ice, pair, now);
    kith_ice_end_search(ice, pair, t->sent_at, now);
}

/* RFC 8445 section 7.2.5.1. A second 487 to requests made before the switch turns nothing back. */
static void handle_role_conflict(kith_ice *ice, kith_ice_pair *pair, const kith_ice_transaction *t)
{
    ice->counters.role_conflicts++;
    if (t->role == ice->role) {
        kith_ice_switch_role(ice, ice->role == KITH_ICE_CONTROLLING ? KITH_ICE_CONTROLLED
                                                                    : KITH_ICE_CONTROLLING);
        ice->tie_breaker = kith_random_u64();
    }
    pair->is_nominating = false;
    if (!pair->base->is_gone)
        kith_ice_trigger(pair);
}

static bool has_other_valid(const kith_ice_pair *pair)
{
    KITH_ICE_EACH(&pair->generation->pairs, kith_ice_pair, other)
        if (other != pair && other->state == KITH_ICE_PAIR_SUCCEEDED)
            return true;
    return false;
}

/* An unrecoverable error fails the pair (RFC 8445 section 7.2.5.2.4). One that is valid already may
 * carry data, and has its consent until that runs out (RFC 7675): a refused nomination gives it up
 * for another valid one; without one, or when it has taken over from another, it serves on and is
 * nominated again later. */
static void handle_refusal(kith_ice *ice, kith_ice_pair *pair, const kith_stun *m, kith_time now)
{
    kith_ice_generation *g = pair->generation;
    bool serves_on = pair->state == KITH_ICE_PAIR_SUCCEEDED &&
                     (pair == g->selected || !(pair->is_nominating && has_other_valid(pair)));
    if (!serves_on) {
        kith_ice_fail_pair(ice, pair, kith_stun_reason(m->error_code.code));
        return;
    }
    kith_ice_cancel_check(pair);
    if (g->nominating == pair) {
        g->nominating = NULL;
        g->nominate_at = now + KITH_ICE_SILENCE;
    }
    pair->is_nominating = false;
}

static void handle_error(kith_ice *ice, kith_ice_pair *pair, const kith_ice_transaction *t,
                         const kith_stun *m, kith_time now)
{
    if (m->error_code.code == 487)
        handle_role_conflict(ice, pair, t);
    else if (pair->is_checking && t == &pair->transactions[pair->newest])
        handle_refusal(ice, pair, m, now);
}

bool kith_ice_handle_response(kith_ice *ice, kith_time now, const kith_path *path,
                              const kith_stun *m)
{
    kith_reader id = kith_rd(m->id, sizeof m->id);
    kith_ice_pair *pair = NULL;
    bool is_ours = kith_rd_u32(&id) == ice->tag;
    kith_ice_transaction *t = is_ours ? find_transaction(ice, kith_rd_u64(&id), &pair) : NULL;
    if (!t || t->id == 0 || pair->generation->is_failed) {
        ice->counters.unknown_transaction++;
        return false;
    }
    if (kith_ice_is_revoked(pair, now))
        return false;
    /* Without right integrity it never came (RFC 8489 section 9.1.4). */
    if (!kith_stun_check_integrity(m, pair->generation->remote_hmac)) {
        ice->counters.bad_integrity++;
        return false;
    }
    if ((m->class == KITH_STUN_SUCCESS && !kith_stun_has(m, KITH_STUN_HAS_XOR_MAPPED_ADDRESS)) ||
        (m->class == KITH_STUN_ERROR && !kith_stun_has(m, KITH_STUN_HAS_ERROR_CODE)) ||
        m->unknown_count > 0) {
        ice->counters.malformed++;
        return false;
    }
    pair->responses_received++;
    /* Paths must be symmetric (RFC 8445 section 7.2.5.2.1). */
    if (!kith_path_equal(path, &pair->path)) {
        if (pair->state == KITH_ICE_PAIR_IN_PROGRESS)
            kith_ice_fail_pair(ice, pair, "the answer came from another address");
        return true;
    }
    /* Too late: its connection is being closed. */
    if (!kith_ice_can_send(pair))
        return true;
    kith_ice_heard(pair, now);
    if (m->class == KITH_STUN_ERROR)
        handle_error(ice, pair, t, m, now);
    else
        handle_success(ice, pair, t, m, now);
    t->id = 0; /* a second answer is none */
    return true;
}
