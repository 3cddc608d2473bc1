/* Consent freshness (RFC 7675), keep-alives (RFC 8445 section 11) and the signs of life between
 * them. */
#include "ice/consent.h"

#include "crypto/random.h"
#include "ice/checks.h"
#include "ice/pairs.h"

/* Consent expires 30 s after the last valid answer, and is asked for every 5 s, randomised between
 * 0.8 and 1.2 times that, once each time (RFC 7675 section 5.1). */
#define CONSENT_TIMEOUT      KITH_SECONDS(30)
#define CONSENT_INTERVAL_MIN KITH_SECONDS(4)
#define CONSENT_SPREAD       KITH_SECONDS(2)

/* An idle peer is heard every few seconds and a consent check may be lost: silence counts only when
 * one has been without an answer for this long. */
#define CONSENT_GRACE KITH_SECONDS(3)

static kith_time next_interval(void)
{
    return CONSENT_INTERVAL_MIN + kith_random_below((uint32_t)CONSENT_SPREAD + 1);
}

void kith_ice_consent_gained(kith_ice_pair *pair, kith_time now)
{
    pair->consent_until = now + CONSENT_TIMEOUT;
    pair->unanswered_at = 0;
    pair->keepalive_at = now + KITH_ICE_KEEPALIVE;
    if (pair->consent_at == 0)
        pair->consent_at = now + next_interval();
}

/* From when on the pair counts as silent; KITH_NEVER while nothing is owed to us. */
static kith_time silent_from(const kith_ice_pair *pair)
{
    if (pair->unanswered_at == 0)
        return KITH_NEVER;
    return kith_ice_later(pair->heard_at + KITH_ICE_SILENCE, pair->unanswered_at + CONSENT_GRACE);
}

bool kith_ice_is_silent(const kith_ice_pair *pair, kith_time now)
{
    return now >= silent_from(pair);
}

/* The pair that carried data died: of the valid ones that may follow none has been asked since it
 * was last heard. Until one answers it is no more alive than the dead one seemed. */
static void suspect_others(kith_ice_generation *g)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_SUCCEEDED && pair->unanswered_at == 0)
            pair->unanswered_at = kith_ice_later(pair->heard_at, 1);
}

static void expire(kith_ice *ice, kith_ice_generation *g, kith_ice_pair *pair, kith_time now)
{
    bool carried_data = pair == g->selected || pair == ice->send_pair;
    kith_ice_fail_pair(ice, pair, "consent expired");
    if (carried_data)
        suspect_others(g);
    if (carried_data && !kith_ice_best_valid(g))
        g->lost_until = now;
}

void kith_ice_consent_tick(kith_ice *ice, kith_time now)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (pair->state == KITH_ICE_PAIR_SUCCEEDED && now >= pair->consent_until)
                expire(ice, g, pair, now);
}

/* Valid pairs that may yet be chosen are kept open; afterwards consent does it for the one in use.
 */
static bool is_kept_alive(const kith_ice *ice, const kith_ice_pair *pair)
{
    const kith_ice_generation *g = pair->generation;
    return g == ice->newest && !g->selected && pair != ice->send_pair &&
           pair->state == KITH_ICE_PAIR_SUCCEEDED;
}

kith_time kith_ice_consent_due(const kith_ice *ice, kith_time now)
{
    kith_time due = KITH_NEVER;
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
            if (pair->state != KITH_ICE_PAIR_SUCCEEDED)
                continue;
            due = kith_ice_earlier(due, pair->consent_until);
            if (is_kept_alive(ice, pair))
                due = kith_ice_earlier(due, pair->keepalive_at);
        }
    const kith_ice_pair *pair = ice->send_pair;
    if (!pair)
        return due;
    if (!kith_ice_is_silent(pair, now)) /* else it is known already */
        due = kith_ice_earlier(due, silent_from(pair));
    return kith_ice_earlier(due, pair->consent_at);
}

bool kith_ice_output_consent(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    kith_ice_pair *pair = ice->send_pair;
    if (!pair || now < pair->consent_at)
        return false;
    pair->consent_at = now + next_interval();
    pair->consent_requests_sent++;
    if (pair->unanswered_at == 0)
        pair->unanswered_at = now;
    /* A check under way keeps its transaction: this one is another. */
    unsigned check = pair->newest;
    /* A peer that forgot the nomination, or never saw its answer, goes on with an old pair: it is
     * told again until it has left that. */
    bool is_repeated =
        ice->role == KITH_ICE_CONTROLLING && ice->newest->previous && pair == ice->newest->selected;
    kith_ice_transaction *t = kith_ice_new_transaction(ice, pair, now, is_repeated);
    if (pair->is_checking) {
        kith_ice_transaction swap = *t;
        *t = pair->transactions[check];
        pair->transactions[check] = swap;
        t = &pair->transactions[check];
    }
    kith_ice_write_check(ice, pair, t, w);
    *path = pair->path;
    return true;
}

/* RFC 8445 section 11: a Binding indication, without credentials, with FINGERPRINT. */
bool kith_ice_output_keepalive(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    uint8_t id[KITH_STUN_ID];
    KITH_ICE_EACH(&ice->newest->pairs, kith_ice_pair, pair) {
        if (!is_kept_alive(ice, pair) || now < pair->keepalive_at)
            continue;
        pair->keepalive_at = now + KITH_ICE_KEEPALIVE;
        kith_ice_stun_id(ice, kith_ice_new_stun_id(), id);
        kith_stun_begin(w, KITH_STUN_INDICATION, KITH_STUN_BINDING, id);
        kith_stun_put_fingerprint(w);
        *path = pair->path;
        return true;
    }
    return false;
}
