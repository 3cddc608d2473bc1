/* The peer's Binding requests (RFC 8445 section 7.3): believed only when signed with our password,
 * answered at once, and then used: new addresses, triggered checks, nominations. */
#include "ice/answers.h"

#include <string.h>

#include "ice/candidates.h"
#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/nominate.h"
#include "ice/pairs.h"

/* ---- the queue of answers ---- */

static kith_ice_response *queue_response(kith_ice *ice, kith_ice_generation *g,
                                         const kith_path *path, const kith_stun *m)
{
    if (ice->response_count == KITH_ICE_RESPONSES) {
        ice->counters.over_limit++; /* the peer repeats its request */
        return NULL;
    }
    kith_ice_response *r =
        &ice->responses[(ice->response_first + ice->response_count++) % KITH_ICE_RESPONSES];
    memset(r, 0, sizeof *r);
    r->generation = g;
    r->path = *path;
    memcpy(r->id, m->id, sizeof r->id);
    return r;
}

static void queue_error(kith_ice *ice, kith_ice_generation *g, const kith_path *path,
                        const kith_stun *m, int code)
{
    kith_ice_response *r = queue_response(ice, g, path, m);
    if (!r)
        return;
    r->error_code = code;
    if (code == 420) {
        memcpy(r->unknown_types, m->unknown_types, sizeof r->unknown_types);
        r->unknown_count = m->unknown_count;
    }
}

/* Those of a generation, or on a path; the other one is NULL. */
static void drop_responses(kith_ice *ice, const kith_ice_generation *g, const kith_path *path)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < ice->response_count; i++) {
        const kith_ice_response *r =
            &ice->responses[(ice->response_first + i) % KITH_ICE_RESPONSES];
        if (r->generation != g && !(path && kith_path_equal(&r->path, path)))
            ice->responses[(ice->response_first + kept++) % KITH_ICE_RESPONSES] = *r;
    }
    ice->response_count = kept;
}

void kith_ice_drop_responses(kith_ice *ice, const kith_ice_generation *g)
{
    drop_responses(ice, g, NULL);
}

void kith_ice_drop_responses_on(kith_ice *ice, const kith_path *path)
{
    drop_responses(ice, NULL, path);
}

static void write_response(const kith_ice_response *r, kith_writer *w)
{
    kith_stun_begin(w, r->error_code == 0 ? KITH_STUN_SUCCESS : KITH_STUN_ERROR, KITH_STUN_BINDING,
                    r->id);
    if (r->error_code == 0)
        kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &r->path.remote);
    else
        kith_stun_put_error(w, r->error_code, NULL);
    if (r->unknown_count > 0)
        kith_stun_put_unknown_attributes(w, r->unknown_types, r->unknown_count);
    kith_stun_put_integrity(w, r->generation->local_hmac);
    kith_stun_put_fingerprint(w);
}

bool kith_ice_output_response(kith_ice *ice, kith_path *path, kith_writer *w)
{
    if (ice->response_count == 0)
        return false;
    const kith_ice_response *r = &ice->responses[ice->response_first];
    ice->response_first = (ice->response_first + 1) % KITH_ICE_RESPONSES;
    ice->response_count--;
    write_response(r, w);
    *path = r->path;
    return true;
}

size_t kith_ice_answer_on(kith_ice *ice, const kith_path *path, uint8_t *buf, size_t cap)
{
    for (unsigned i = 0; i < ice->response_count; i++) {
        unsigned at = (ice->response_first + i) % KITH_ICE_RESPONSES;
        if (!kith_path_equal(&ice->responses[at].path, path))
            continue;
        kith_writer w = kith_wr(buf, cap);
        write_response(&ice->responses[at], &w);
        for (unsigned next; ++i < ice->response_count; at = next) {
            next = (at + 1) % KITH_ICE_RESPONSES;
            ice->responses[at] = ice->responses[next];
        }
        ice->response_count--;
        return w.bad ? 0 : w.len;
    }
    return 0;
}

/* ---- whose request it is ---- */

/* USERNAME is ours:theirs (RFC 8445 section 7.2.2). Two generations share our part where only the
 * peer has restarted: its part tells them apart. */
static kith_ice_generation *find_generation(kith_ice *ice, kith_span ours, kith_span theirs)
{
    kith_ice_generation *found = NULL;
    for (kith_ice_generation *g = ice->newest; g; g = g->previous) {
        if (g->is_failed || !kith_span_is(ours, g->ufrag))
            continue;
        if (g->has_remote && kith_span_is(theirs, g->remote_ufrag))
            return g;
        if (!found)
            found = g;
    }
    return found;
}

/* Whether a description that is here said it. */
static bool is_known_ufrag(const kith_ice *ice, kith_span theirs)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (g->has_remote && kith_span_is(theirs, g->remote_ufrag))
            return true;
    return false;
}

/* RFC 8445 section 7.3.1.1. True: the request is to be answered with 487. */
static bool is_role_conflict(kith_ice *ice, const kith_stun *m)
{
    if (ice->role == KITH_ICE_CONTROLLING && kith_stun_has(m, KITH_STUN_HAS_ICE_CONTROLLING)) {
        ice->counters.role_conflicts++;
        if (ice->tie_breaker >= m->ice_controlling)
            return true;
        kith_ice_switch_role(ice, KITH_ICE_CONTROLLED);
    } else if (ice->role == KITH_ICE_CONTROLLED && kith_stun_has(m, KITH_STUN_HAS_ICE_CONTROLLED)) {
        ice->counters.role_conflicts++;
        if (ice->tie_breaker < m->ice_controlled)
            return true;
        kith_ice_switch_role(ice, KITH_ICE_CONTROLLING);
    }
    return false;
}

/* ---- what it tells ---- */

/* The pair the request came on, made if need be, with a peer-reflexive candidate if the address is
 * new (RFC 8445 sections 7.3.1.3 and 7.3.1.4). */
static kith_ice_pair *pair_of_request(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base,
                                      const kith_path *path, const kith_stun *m)
{
    kith_ice_pair *pair = kith_ice_find_pair(g, path);
    if (pair)
        return pair;
    kith_ice_remote *remote = kith_ice_find_remote(g, path);
    if (!remote) {
        kith_span theirs = m->username;
        kith_span_cut(&theirs, ':');
        remote = kith_ice_add_peer_reflexive(ice, g, path, m->priority, theirs);
    }
    return remote ? kith_ice_add_checked_pair(ice, g, base->local, remote, path) : NULL;
}

/* A connection of ours has a port of its own: the pair that it was made for tells whose it is. */
static kith_ice_base *base_of_request(const kith_ice_generation *g, const kith_path *path)
{
    const kith_ice_pair *pair = path->protocol == KITH_TCP ? kith_ice_find_pair(g, path) : NULL;
    return pair ? pair->base : kith_ice_base_of_path(g, path);
}

/* RFC 8445 section 7.3.1.4: a pair that is not yet valid is checked at once. */
static void trigger_check(kith_ice *ice, kith_ice_pair *pair)
{
    if (pair->generation == ice->newest && pair->state != KITH_ICE_PAIR_SUCCEEDED)
        kith_ice_trigger(pair);
}

/* A retransmission is no second nomination, and one of long ago is forgotten. */
static void note_nomination(kith_ice_pair *pair, const kith_stun *m, kith_time now)
{
    kith_ice_generation *g = pair->generation;
    if (g->nominated_last != pair || now - g->nominated_at > KITH_ICE_SILENCE)
        g->nominations_in_a_row = 0;
    else if (memcmp(g->nomination_id, m->id, sizeof g->nomination_id) == 0)
        return;
    g->nominated_last = pair;
    g->nominated_at = now;
    g->nominations_in_a_row++;
    memcpy(g->nomination_id, m->id, sizeof g->nomination_id);
}

/* A peer that renominates numbers its nominations: an older one that comes late is none. */
static bool is_nomination(kith_ice_pair *pair, const kith_stun *m)
{
    kith_ice_generation *g = pair->generation;
    if (!g->can_renominate || !kith_stun_has(m, KITH_STUN_HAS_NOMINATION) || m->nomination == 0)
        return m->use_candidate;
    if (m->nomination < g->nomination)
        return false;
    g->nomination = pair->nomination = m->nomination;
    return true;
}

static void use_request(kith_ice *ice, kith_ice_pair *pair, const kith_stun *m, kith_time now)
{
    kith_ice_heard(pair, now);
    pair->requests_received++;
    pair->responses_sent++;
    if (!pair->is_authenticated)
        pair->is_authenticated = pair->is_authenticated_pending = ice->has_events = true;
    if (ice->role == KITH_ICE_CONTROLLED && is_nomination(pair, m)) {
        pair->is_nominated_by_peer = true;
        note_nomination(pair, m, now);
        if (pair->state == KITH_ICE_PAIR_SUCCEEDED)
            kith_ice_accept_nomination(ice, pair, now);
    }
    trigger_check(ice, pair);
}

bool kith_ice_handle_request(kith_ice *ice, kith_time now, const kith_path *path,
                             const kith_stun *m)
{
    kith_span theirs = m->username;
    kith_span ours = kith_span_cut(&theirs, ':');
    if (!kith_stun_has(m, KITH_STUN_HAS_USERNAME)) {
        ice->counters.malformed++;
        return false;
    }
    kith_ice_generation *g = find_generation(ice, ours, theirs);
    if (!g) {
        ice->counters.unknown_ufrag++;
        return false;
    }
    if (!kith_stun_check_integrity(m, g->local_hmac)) {
        ice->counters.bad_integrity++;
        return false;
    }
    kith_ice_base *base = base_of_request(g, path);
    if (!base || base->is_gone || !base->local)
        return false;
    if (m->unknown_count > 0) {
        queue_error(ice, g, path, m, 420);
        return true;
    }
    if (!kith_stun_has(m, KITH_STUN_HAS_PRIORITY)) {
        queue_error(ice, g, path, m, 400);
        return true;
    }
    if (is_role_conflict(ice, m)) {
        queue_error(ice, g, path, m, 487);
        return true;
    }
    /* Credentials that are new to us: the peer has restarted and its description is not here yet.
     * It would send its data on a path that was answered, where we have no pair. Those of before
     * its restart hinder nothing: our part alone says whom it means (RFC 8445 section 7.3). */
    if (g->has_remote && !is_known_ufrag(ice, theirs))
        return true;
    /* No answer without a pair: the peer would send its data on a path where we do not expect it.
     */
    kith_ice_pair *pair = pair_of_request(ice, g, base, path, m);
    if (!pair || kith_ice_is_revoked(pair, now))
        return true;
    if (kith_ice_is_tcp(pair))
        pair->connection = KITH_ICE_OPEN; /* the peer's, maybe once more from the same port */
    queue_response(ice, g, path, m);
    use_request(ice, pair, m, now);
    return true;
}
