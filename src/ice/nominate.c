/* Nomination and selection (RFC 8445 section 8): which valid pair the controlling side chooses and
 * when, which of the peer's choices the controlled side takes, what carries data meanwhile, and the
 * roles. */
#include "ice/nominate.h"

#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/failover.h"
#include "ice/generation.h"
#include "ice/pairs.h"
#include "ice/tcp.h"

/* A valid pair is nominated at once when none above it can still become valid; else after about two
 * of its round trips, in which a better one would have answered too. Data flows meanwhile. */
#define NOMINATION_MIN KITH_MS(50)
#define NOMINATION_MAX KITH_MS(500)
/* A relayed one, and TCP, longer: hole punching may need a few checks. */
#define NOMINATION_LAST KITH_SECONDS(2)

/* Better pairs than the selected one are asked often for so long. */
#define EAGER_TIME KITH_SECONDS(60)

static bool is_last_resort(const kith_ice_pair *pair)
{
    return kith_ice_is_tcp(pair) || pair->base->relay_url ||
           pair->remote->candidate.type == KITH_CANDIDATE_RELAY;
}

/* The valid pair of highest priority that is not silent; without one, that of highest priority. */
static kith_ice_pair *best_alive(const kith_ice_generation *g, kith_time now)
{
    KITH_LIST_EACH(&g->pairs, node) {
        kith_ice_pair *pair = KITH_OWNER(node, kith_ice_pair, node);
        if (pair->state == KITH_ICE_PAIR_SUCCEEDED && !kith_ice_is_silent(pair, now))
            return pair;
    }
    return kith_ice_best_valid(g);
}

/* A pair that fell silent while it was nominated gives way to another. */
static bool may_nominate(const kith_ice *ice, const kith_ice_pair *best, kith_time now)
{
    const kith_ice_generation *g = ice->newest;
    if (ice->role != KITH_ICE_CONTROLLING || !g->has_remote || g->is_failed || g->selected ||
        kith_ice_is_searching(ice, g, now))
        return false;
    return !g->nominating || (best != g->nominating && kith_ice_is_silent(g->nominating, now));
}

kith_time kith_ice_nominate_due(const kith_ice *ice, kith_time now)
{
    const kith_ice_generation *g = ice->newest;
    const kith_ice_pair *best = best_alive(g, now);
    if (!best || !may_nominate(ice, best, now))
        return KITH_NEVER;
    if (!kith_ice_may_improve(g, best))
        return kith_ice_later(g->first_valid_at, g->nominate_at);
    kith_time wait =
        kith_ice_earlier(kith_ice_later(NOMINATION_MIN, 2 * best->rtt), NOMINATION_MAX);
    return kith_ice_later(g->first_valid_at + (is_last_resort(best) ? NOMINATION_LAST : wait),
                          g->nominate_at);
}

/* One that was begun and is not answered yet is not repeated, nor made with a later check. */
static void give_up_nomination(kith_ice_generation *g)
{
    kith_ice_pair *pair = g->nominating;
    g->nominating = NULL;
    if (!pair)
        return;
    pair->is_nominating = false;
    kith_ice_cancel_check(pair);
    kith_list_remove(&pair->in_triggered);
}

void kith_ice_nominate_pair(kith_ice_pair *pair)
{
    kith_ice_generation *g = pair->generation;
    give_up_nomination(g);
    pair->nomination = g->can_renominate ? ++g->nomination : 0;
    g->nominating = pair;
    pair->is_nominating = true;
    kith_ice_trigger(pair);
}

void kith_ice_nominate(kith_ice *ice, kith_time now)
{
    kith_ice_generation *g = ice->newest;
    if (now < kith_ice_nominate_due(ice, now))
        return;
    kith_ice_nominate_pair(best_alive(g, now));
}

/* RFC 8445 section 8.1.2: with the selection every other check ends. A pair that was being checked
 * may be checked again when the peer asks for it. */
static void conclude(kith_ice *ice, kith_ice_generation *g)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
        if (pair->state >= KITH_ICE_PAIR_SUCCEEDED)
            continue;
        kith_ice_cancel_check(pair);
        kith_list_remove(&pair->in_triggered);
        pair->state = KITH_ICE_PAIR_FROZEN;
        kith_ice_give_up_connecting(ice, pair);
    }
}

/* Two candidates have one connection: the one before was dead, or is not needed. */
static void drop_twin(kith_ice *ice, const kith_ice_pair *pair)
{
    kith_ice_pair *twin = kith_ice_twin_of(pair);
    if (twin && twin->connection >= KITH_ICE_CONNECTING)
        kith_ice_fail_pair(ice, twin, "another TCP connection took its place");
}

void kith_ice_select_pair(kith_ice *ice, kith_ice_pair *pair, kith_time now)
{
    kith_ice_generation *g = pair->generation;
    char local[KITH_ADDRESS_TEXT], remote[KITH_ADDRESS_TEXT];
    g->selected = pair;
    g->is_concluded = true;
    g->eager_until = now + EAGER_TIME;
    give_up_nomination(g);
    conclude(ice, g);
    drop_twin(ice, pair);
    KITH_LOG(ice->log, INFO, "ice: selected %s -> %s",
             kith_address_format(&pair->path.local, local, sizeof local),
             kith_address_format(&pair->path.remote, remote, sizeof remote));
    if (g == ice->newest)
        kith_ice_retire_previous(ice, now);
    ice->search_at = KITH_NEVER;
}

/* May the nomination of another pair replace the selected one? A peer that nominates at once (RFC
 * 5245's aggressive nomination) chooses several pairs in turn: the highest counts. One that moves
 * to a lower pair because the higher one died, as browsers do, nominates that alone from then on.
 * What we selected without a nomination, because another pair failed, gives way to any. */
static bool replaces_selected(const kith_ice_pair *pair, kith_time now)
{
    const kith_ice_generation *g = pair->generation;
    const kith_ice_pair *selected = g->selected;
    if (!selected || !selected->is_nominated)
        return true;
    /* The peer moves, and says so; our own number is as high when we do. */
    if (pair->nomination != 0)
        return pair->nomination == g->nomination;
    if (pair->priority > selected->priority)
        return true;
    bool is_repeated = g->nominated_last == pair && g->nominations_in_a_row >= 2;
    return is_repeated || kith_ice_is_silent(selected, now);
}

void kith_ice_accept_nomination(kith_ice *ice, kith_ice_pair *pair, kith_time now)
{
    kith_ice_generation *g = pair->generation;
    pair->is_nominated = true;
    pair->is_nominating = pair->is_nominated_by_peer = false;
    if (g->nominating == pair)
        g->nominating = NULL;
    if (pair == g->selected)
        return;
    if (replaces_selected(pair, now))
        kith_ice_select_pair(ice, pair, now);
    else
        kith_ice_suspect_send_pair(ice, now);
}

static kith_ice_pair *best_for_data(const kith_ice *ice, kith_time now)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (g->selected)
            return g->selected;
    /* RFC 8445 section 12.1: before the nomination any valid pair will do. */
    for (kith_ice_generation *g = ice->newest; g; g = g->previous) {
        kith_ice_pair *pair = best_alive(g, now);
        if (pair)
            return pair;
    }
    return NULL;
}

void kith_ice_choose_send_pair(kith_ice *ice, kith_time now)
{
    kith_ice_pair *pair = best_for_data(ice, now);
    if (ice->search_at == 0)
        ice->search_at = now;
    if (pair == ice->send_pair)
        return;
    ice->send_pair = pair;
    if (!pair)
        return;
    /* Its consent is as fresh as its last check. In place of one that failed it is asked at once:
     * nobody knows yet whether it does better. */
    pair->carried_data = true;
    if (now >= ice->search_at)
        kith_ice_ask_now(pair, now);
    ice->selected_pair_changes++;
    ice->is_selected_pending = ice->has_events = true;
}

/* ---- roles ---- */

static void apply_role(kith_ice *ice, kith_ice_role role)
{
    ice->role = role;
    for (kith_ice_generation *g = ice->newest; g; g = g->previous) {
        g->nominating = NULL;
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            pair->is_nominating = false;
        kith_ice_reorder_pairs(ice, g);
    }
    ice->is_dirty = true;
}

void kith_ice_set_role(kith_ice *ice, kith_ice_role role)
{
    /* A lite peer never controls (RFC 8445 section 6.1.1). */
    if (ice->newest->is_remote_lite)
        role = KITH_ICE_CONTROLLING;
    if (ice->role != role)
        apply_role(ice, role);
}

kith_ice_role kith_ice_get_role(const kith_ice *ice)
{
    return ice->role;
}

void kith_ice_switch_role(kith_ice *ice, kith_ice_role role)
{
    KITH_LOG(ice->log, INFO, "ice: role conflict, now %s",
             role == KITH_ICE_CONTROLLING ? "controlling" : "controlled");
    apply_role(ice, role);
}
