/* When the path that carries data fails, all others are asked at once and then every second, and
 * the first that answers carries the data from then on: on the controlling side it is nominated. A
 * path fails when nothing is heard on it (consent.c), when its local address goes, when the system
 * refuses to send on it, or when the peer is seen to have left it.
 *
 * RFC 8445 section 8.1.1 leaves this to an ICE restart, which needs the application and signalling
 * that may have failed together with the path. Browsers do it this way too. */
#include "ice/failover.h"

#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/nominate.h"
#include "ice/pairs.h"
#include "ice/tcp.h"

/* One that the peer seems to have left has so long, beside two of its round trips, to answer. */
#define SUSPICION KITH_MS(300)

/* The generation whose pair carries data, or was the last to do so; NULL: none was selected. Before
 * the selection the checklist goes on, and nominate.c chooses of what is valid. */
static kith_ice_generation *carrier(const kith_ice *ice)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (g->is_concluded)
            return g;
    return NULL;
}

/* From when on another pair is looked for. */
static kith_time search_from(const kith_ice *ice)
{
    const kith_ice_generation *g = carrier(ice);
    if (!g || g->is_failed)
        return KITH_NEVER;
    if (!ice->send_pair)
        return ice->search_at;
    return kith_ice_earlier(ice->search_at, kith_ice_silent_from(ice->send_pair));
}

bool kith_ice_is_searching(const kith_ice *ice, const kith_ice_generation *g, kith_time now)
{
    return now >= search_from(ice) && g == carrier(ice);
}

void kith_ice_suspect_send_pair(kith_ice *ice, kith_time now)
{
    kith_ice_pair *pair = ice->send_pair;
    /* One that sends elsewhere, with ours alive, may do so for long. */
    bool is_known = now < ice->suspected_at + KITH_ICE_SEARCH_INTERVAL;
    if (!pair || is_known || ice->search_at != KITH_NEVER)
        return;
    kith_ice_ask_now(pair, now);
    ice->suspected_at = now;
    ice->search_at = now + SUSPICION + 2 * pair->smoothed_rtt;
    ice->is_dirty = true;
}

void kith_ice_path_unreachable(kith_ice *ice, kith_time now, const kith_path *path)
{
    kith_ice_pair *pair = ice->send_pair;
    if (!pair || !kith_path_equal(&pair->path, path) || now >= ice->search_at)
        return;
    kith_ice_ask_now(pair, now);
    ice->suspected_at = ice->search_at = now;
    ice->is_dirty = true;
}

static void fail_over(kith_ice *ice, kith_ice_pair *pair, kith_time now)
{
    kith_ice_select_pair(ice, pair, now);
    if (ice->role == KITH_ICE_CONTROLLING && pair->generation == ice->newest)
        kith_ice_nominate_pair(pair);
}

void kith_ice_end_search(kith_ice *ice, kith_ice_pair *pair, kith_time asked_at, kith_time now)
{
    const kith_ice_generation *g = pair->generation;
    if (kith_ice_is_searching(ice, g, now) && pair != g->selected)
        fail_over(ice, pair, now);
    else if (pair == ice->send_pair && asked_at >= ice->suspected_at)
        ice->search_at = KITH_NEVER;
}

void kith_ice_search_tick(kith_ice *ice, kith_time now)
{
    kith_ice_pair *pair = ice->send_pair;
    if (!pair || !kith_ice_is_searching(ice, ice->newest, now))
        return;
    if (pair->base->tcp_type == KITH_TCPTYPE_ACTIVE && !pair->base->is_gone)
        kith_ice_add_twin(ice, pair);
}

/* ---- asking ---- */

static bool may_serve(const kith_ice *ice, const kith_ice_pair *pair, kith_time now)
{
    /* Only the newest generation connects. */
    bool can_ask = kith_ice_can_send(pair) || pair->generation == ice->newest;
    return pair != ice->send_pair && can_ask && !pair->base->is_gone &&
           !kith_ice_is_revoked(pair, now) && kith_ice_may_check(pair->generation, pair);
}

/* In the first round those on which the peer was heard last come first, then all in turn; the
 * highest of equals. */
static bool comes_before(const kith_ice_pair *a, const kith_ice_pair *b, kith_time from)
{
    bool is_first_round = a->asked_at < from && b->asked_at < from;
    return is_first_round ? a->heard_at > b->heard_at : a->asked_at < b->asked_at;
}

static kith_ice_pair *next_to_ask(const kith_ice *ice, kith_time now)
{
    const kith_ice_generation *g = carrier(ice);
    kith_ice_pair *next = NULL;
    kith_time from = search_from(ice);
    if (now < from)
        return NULL;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (may_serve(ice, pair, now) && (!next || comes_before(pair, next, from)))
            next = pair;
    return next;
}

/* At once, then every second, within the pace of all checks. */
static kith_time ask_at(const kith_ice *ice, const kith_ice_pair *pair)
{
    kith_time paced = kith_ice_later(ice->ordinary_at, ice->transaction_at);
    if (pair->asked_at < search_from(ice))
        return paced;
    return kith_ice_later(paced, pair->asked_at + KITH_ICE_SEARCH_INTERVAL);
}

kith_time kith_ice_search_due(const kith_ice *ice, kith_time now)
{
    kith_time from = search_from(ice);
    if (now < from)
        return from;
    const kith_ice_pair *pair = next_to_ask(ice, now);
    return pair ? ask_at(ice, pair) : KITH_NEVER;
}

bool kith_ice_output_search(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w)
{
    kith_ice_pair *pair = next_to_ask(ice, now);
    if (!pair || now < ask_at(ice, pair))
        return false;
    pair->requests_sent += kith_ice_can_send(pair);
    ice->ordinary_at = now + KITH_ICE_TA;
    ice->transaction_at = now + KITH_ICE_TA_FLOOR;
    if (!kith_ice_can_send(pair)) {
        kith_ice_connect(ice, pair, now);
        return false;
    }
    kith_ice_ask_once(ice, pair, now, path, w);
    return true;
}
