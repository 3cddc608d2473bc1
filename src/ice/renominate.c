/* After the selection checks end (RFC 8445 section 8.1.2), and a connection that began on a relay
 * or on TCP stays there, though a direct path may open: a firewall that was asked often enough, a
 * network that came. With a peer that obeys NOMINATION the pairs of a better kind are asked on, by
 * both sides, for both their NATs have to be opened; the controlling side nominates the first that
 * has worked for a while. */
#include "ice/renominate.h"

#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/failover.h"
#include "ice/nominate.h"
#include "ice/pairs.h"
#include "ice/tcp.h"

/* One that works for so long is no accident. */
#define STABLE_AFTER KITH_SECONDS(3)
/* One pair at a time is asked so often in the first minute, or after a network came, and then so
 * often. */
#define EAGER_INTERVAL   KITH_SECONDS(1)
#define PATIENT_INTERVAL KITH_SECONDS(15)

/* Direct, by TCP, through a relay of either side: what costs more in time or money is less. */
static unsigned class_of(const kith_ice_pair *pair)
{
    if (pair->base->relay_url || pair->remote->candidate.type == KITH_CANDIDATE_RELAY)
        return 0;
    return kith_ice_is_tcp(pair) ? 1 : 2;
}

/* The generation whose pair may give way to a better one; NULL: none. */
static kith_ice_generation *improvable(const kith_ice *ice)
{
    kith_ice_generation *g = ice->newest;
    bool may_move = g->can_renominate && g->has_remote && !g->is_failed && g->selected &&
                    g->selected == ice->send_pair && ice->search_at == KITH_NEVER;
    return may_move && class_of(g->selected) < 2 ? g : NULL;
}

static bool is_better(const kith_ice_generation *g, const kith_ice_pair *pair)
{
    return class_of(pair) > class_of(g->selected) && !pair->base->is_gone;
}

/* ---- nominating ---- */

static bool has_proved(const kith_ice_pair *pair, kith_time now)
{
    return pair->state == KITH_ICE_PAIR_SUCCEEDED && !kith_ice_is_silent(pair, now) &&
           pair->answered_at - pair->valid_at >= STABLE_AFTER;
}

static kith_ice_pair *proved(const kith_ice *ice, kith_time now)
{
    const kith_ice_generation *g = improvable(ice);
    if (!g || ice->role != KITH_ICE_CONTROLLING || g->nominating)
        return NULL;
    KITH_LIST_EACH(&g->pairs, node) {
        kith_ice_pair *pair = KITH_OWNER(node, kith_ice_pair, node);
        if (is_better(g, pair) && has_proved(pair, now))
            return pair;
    }
    return NULL;
}

kith_time kith_ice_renominate_due(const kith_ice *ice, kith_time now)
{
    const kith_ice_pair *pair = proved(ice, now);
    return pair ? pair->generation->nominate_at : KITH_NEVER;
}

void kith_ice_renominate(kith_ice *ice, kith_time now)
{
    kith_ice_pair *pair = proved(ice, now);
    if (!pair || now < pair->generation->nominate_at)
        return;
    KITH_LOG(ice->log, INFO, "ice: a better pair of addresses works");
    kith_ice_nominate_pair(pair);
}

/* ---- asking ---- */

static kith_ice_pair *next_to_ask(const kith_ice *ice, kith_time now)
{
    const kith_ice_generation *g = improvable(ice);
    kith_ice_pair *next = NULL;
    if (!g)
        return NULL;
    /* That one works is for the controlling side to find out. */
    bool is_known = ice->role == KITH_ICE_CONTROLLED;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (is_better(g, pair) && !(is_known && pair->state == KITH_ICE_PAIR_SUCCEEDED) &&
            !pair->is_checking && !kith_list_has(&pair->in_triggered) &&
            !kith_ice_is_revoked(pair, now) && kith_ice_may_check(g, pair) &&
            (!next || pair->asked_at < next->asked_at))
            next = pair;
    return next;
}

static kith_time ask_at(const kith_ice *ice, const kith_ice_pair *pair)
{
    const kith_ice_generation *g = pair->generation;
    kith_time last = 0;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, other)
        if (is_better(g, other))
            last = kith_ice_later(last, other->asked_at);
    bool is_eager = last < g->eager_until || pair->state == KITH_ICE_PAIR_SUCCEEDED;
    return kith_ice_later(last + (is_eager ? EAGER_INTERVAL : PATIENT_INTERVAL),
                          ice->transaction_at);
}

kith_time kith_ice_improve_due(const kith_ice *ice, kith_time now)
{
    const kith_ice_pair *pair = next_to_ask(ice, now);
    return pair ? ask_at(ice, pair) : KITH_NEVER;
}

bool kith_ice_output_improve(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    kith_ice_pair *pair = next_to_ask(ice, now);
    if (!pair || now < ask_at(ice, pair))
        return false;
    ice->transaction_at = now + KITH_ICE_TA_FLOOR;
    if (!kith_ice_can_send(pair)) {
        kith_ice_connect(ice, pair, now);
        return false;
    }
    pair->requests_sent++;
    kith_ice_ask_once(ice, pair, now, path, w);
    return true;
}
