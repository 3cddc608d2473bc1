/* Consent freshness (RFC 7675), the checks that keep other valid pairs usable (RFC 8445 section
 * 11), and the signs of life between them. What follows when they end is failover.c. */
#include "ice/consent.h"

#include "crypto/random.h"
#include "ice/checks.h"
#include "ice/pairs.h"

/* Consent expires 30 s after the last request that was answered, and is asked for every 5 s,
 * randomised between 0.8 and 1.2 times that, once each time (RFC 7675 section 5.1). */
#define CONSENT_TIMEOUT      KITH_SECONDS(30)
#define CONSENT_INTERVAL_MIN KITH_SECONDS(4)
#define CONSENT_SPREAD       KITH_SECONDS(2)

/* Consent checks may not be closer than 4 s, and one that is lost shall not cost a connection its
 * life. Between them ordinary connectivity checks are allowed, whose answers count as well (RFC
 * 7675 section 4): so many follow an unanswered one, at this distance. */
#define MAX_REPEATS   3
#define REPEAT_MIN    KITH_MS(500)
#define REPEAT_SPREAD KITH_MS(500)

/* An idle peer is heard every few seconds, and a check may be lost: silence counts only when two
 * have been without an answer. */
#define SILENCE_GRACE KITH_MS(1500)

void kith_ice_asked(kith_ice_pair *pair, kith_time now)
{
    kith_time delay = REPEAT_MIN + kith_random_below((uint32_t)REPEAT_SPREAD + 1);
    pair->asked_at = now;
    if (pair->unanswered_at == 0)
        pair->unanswered_at = kith_ice_later(now, 1);
    pair->repeat_at = now + kith_ice_later(delay, 2 * pair->smoothed_rtt);
}

static kith_time next_interval(void)
{
    return CONSENT_INTERVAL_MIN + kith_random_below((uint32_t)CONSENT_SPREAD + 1);
}

void kith_ice_consent_gained(kith_ice_pair *pair, kith_time asked_at, kith_time now)
{
    pair->consent_until = kith_ice_later(pair->consent_until, asked_at + CONSENT_TIMEOUT);
    pair->unanswered_at = 0;
    pair->answered_at = now;
    pair->keepalive_at = now + KITH_ICE_KEEPALIVE;
    if (pair->consent_at == 0)
        pair->consent_at = now + next_interval();
}

kith_time kith_ice_silent_from(const kith_ice_pair *pair)
{
    if (pair->unanswered_at == 0)
        return KITH_NEVER;
    kith_time grace = kith_ice_later(SILENCE_GRACE, 4 * pair->smoothed_rtt);
    return kith_ice_later(pair->heard_at + KITH_ICE_SILENCE, pair->unanswered_at + grace);
}

bool kith_ice_is_silent(const kith_ice_pair *pair, kith_time now)
{
    return now >= kith_ice_silent_from(pair);
}

bool kith_ice_is_revoked(const kith_ice_pair *pair, kith_time now)
{
    /* A connection that is yet to be made is another 5-tuple. */
    return pair->carried_data && now >= pair->consent_until && !kith_ice_can_connect(pair);
}

void kith_ice_ask_now(kith_ice_pair *pair, kith_time now)
{
    if (pair->unanswered_at == 0)
        pair->unanswered_at = kith_ice_later(now, 1);
    pair->repeat_at = now;
    pair->repeats = 0;
}

void kith_ice_heard(kith_ice_pair *pair, kith_time now)
{
    /* Who was silent may answer again: consent is not left to wait for its next turn. */
    if (kith_ice_is_silent(pair, now))
        kith_ice_ask_now(pair, now);
    pair->heard_at = now;
}

/* ---- the end of consent, and of what is merely not answered ---- */

static bool has_expired(const kith_ice_pair *pair, kith_time now)
{
    if (pair->state == KITH_ICE_PAIR_FAILED || now < pair->consent_until)
        return false;
    return pair->state == KITH_ICE_PAIR_SUCCEEDED || pair->carried_data;
}

/* Valid pairs of the newest generation that carry no data are there when the one that does fails:
 * checks keep the bindings of NATs open as keep-alives would, and tell whether the pair still
 * works. */
static bool is_kept_alive(const kith_ice *ice, const kith_ice_pair *pair)
{
    return pair->generation == ice->newest && pair != ice->send_pair &&
           pair->state == KITH_ICE_PAIR_SUCCEEDED && !pair->is_checking &&
           !kith_list_has(&pair->in_triggered);
}

void kith_ice_consent_tick(kith_ice *ice, kith_time now)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
            if (has_expired(pair, now))
                kith_ice_fail_pair(ice, pair, pair->carried_data ? "consent expired" : "no answer");
            else if (is_kept_alive(ice, pair) && now >= pair->keepalive_at)
                kith_ice_trigger(pair);
        }
}

/* ---- the pair that carries data ---- */

static kith_time ask_at(const kith_ice_pair *pair, kith_time now)
{
    /* Within the interval: one that is not heard may be silent, which this will tell. */
    if (pair->unanswered_at == 0)
        return kith_ice_earlier(pair->consent_at, pair->heard_at + KITH_ICE_SILENCE);
    bool may_repeat = pair->repeats < MAX_REPEATS || kith_ice_is_silent(pair, now);
    return may_repeat ? kith_ice_earlier(pair->repeat_at, pair->consent_at) : pair->consent_at;
}

kith_time kith_ice_consent_due(const kith_ice *ice, kith_time now)
{
    kith_time due = KITH_NEVER;
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
            if (pair->state == KITH_ICE_PAIR_SUCCEEDED)
                due = kith_ice_earlier(due, pair->consent_until);
            if (is_kept_alive(ice, pair))
                due = kith_ice_earlier(due, pair->keepalive_at);
        }
    const kith_ice_pair *pair = ice->send_pair;
    if (!pair)
        return due;
    if (!kith_ice_is_silent(pair, now)) /* else it is known already */
        due = kith_ice_earlier(due, kith_ice_silent_from(pair));
    return kith_ice_earlier(due, ask_at(pair, now));
}

bool kith_ice_output_consent(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    kith_ice_pair *pair = ice->send_pair;
    if (!pair || now < ask_at(pair, now))
        return false;
    if (pair->unanswered_at == 0 || now >= pair->consent_at) {
        pair->consent_at = now + next_interval();
        pair->consent_requests_sent++;
        pair->repeats = 0;
    } else {
        pair->requests_sent++;
        pair->repeats++;
    }
    kith_ice_ask_once(ice, pair, now, path, w);
    return true;
}
