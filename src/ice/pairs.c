/* The checklist (RFC 8445 section 6.1.2): which candidates make a pair, their order, which are
 * frozen, and which one the next ordinary check is for. Nothing is sent here. */
#include "ice/pairs.h"

#include <string.h>

#include "base/memory.h"
#include "ice/checks.h"

/* RFC 8445 section 6.1.2.2, and more strictly: loopback talks to loopback and link-local to
 * link-local, so that no remote candidate makes us probe our own machine or a neighbour's segment.
 * Who really sends us an authentic check from there is such a neighbour, and is not asked
 * (answers.c). */
static bool can_talk(const kith_ice_local *local, const kith_ice_remote *remote)
{
    const kith_address *ours = &local->base->address, *theirs = &remote->candidate.address;
    return !local->base->is_gone && local->base->protocol == remote->candidate.protocol &&
           ours->family == theirs->family &&
           kith_address_is_loopback(ours) == kith_address_is_loopback(theirs) &&
           kith_address_is_link_local(ours) == kith_address_is_link_local(theirs);
}

/* RFC 8445 section 6.1.2.3. */
static uint64_t pair_priority(kith_ice_role role, const kith_ice_local *local,
                              const kith_ice_remote *remote)
{
    uint64_t ours = local->candidate.priority, theirs = remote->candidate.priority;
    uint64_t g = role == KITH_ICE_CONTROLLING ? ours : theirs;
    uint64_t d = role == KITH_ICE_CONTROLLING ? theirs : ours;
    return ((g < d ? g : d) << 32) + 2 * (g > d ? g : d) + (g > d ? 1 : 0);
}

static bool same_foundation(const kith_ice_pair *a, const kith_ice_pair *b)
{
    return strcmp(a->local->candidate.foundation, b->local->candidate.foundation) == 0 &&
           strcmp(a->remote->candidate.foundation, b->remote->candidate.foundation) == 0;
}

/* Does a pair of its foundation wait or run before it? A run that its first retransmission has not
 * ended no longer counts: there are peers that give all their candidates one foundation, and nobody
 * should wait 39.5 s for the second of them. */
static bool is_held_back(const kith_ice_generation *g, const kith_ice_pair *pair)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, other)
        if (other != pair && same_foundation(other, pair) &&
            (other->state == KITH_ICE_PAIR_WAITING ||
             (other->state == KITH_ICE_PAIR_IN_PROGRESS && other->transmissions < 2)))
            return true;
    return false;
}

static void insert_sorted(kith_ice_generation *g, kith_ice_pair *pair)
{
    KITH_LIST_EACH(&g->pairs, node) {
        if (KITH_OWNER(node, kith_ice_pair, node)->priority >= pair->priority)
            continue;
        kith_list_insert_after(node->prev, &pair->node);
        return;
    }
    kith_list_append(&g->pairs, &pair->node);
}

void kith_ice_reorder_pairs(kith_ice *ice, kith_ice_generation *g)
{
    kith_list old;
    kith_list_init(&old);
    for (kith_list_node *node; (node = kith_list_take(&g->pairs));)
        kith_list_append(&old, node);
    for (kith_list_node *node; (node = kith_list_take(&old));) {
        kith_ice_pair *pair = KITH_OWNER(node, kith_ice_pair, node);
        pair->priority = pair_priority(ice->role, pair->base->local, pair->remote);
        insert_sorted(g, pair);
    }
}

kith_ice_pair *kith_ice_find_pair(const kith_ice_generation *g, const kith_path *path)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (kith_path_equal(&pair->path, path))
            return pair;
    return NULL;
}

/* RFC 8445 section 6.1.2.5: at the limit the lowest pairs go; one that failed goes first, and one
 * that is valid or being checked never. */
static bool make_room(kith_ice *ice, kith_ice_generation *g, uint64_t priority)
{
    kith_ice_pair *victim = NULL;
    if (g->pair_count < KITH_ICE_MAX_PAIRS)
        return true;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_FAILED ||
            (pair->state <= KITH_ICE_PAIR_WAITING && pair->priority < priority &&
             (!victim || victim->state != KITH_ICE_PAIR_FAILED)))
            victim = pair;
    ice->counters.over_limit++;
    if (victim)
        kith_ice_remove_pair(ice, victim);
    return victim;
}

kith_ice_pair *kith_ice_add_pair(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local,
                                 kith_ice_remote *remote)
{
    kith_path path = {local->base->address, remote->candidate.address, local->base->protocol};
    path.remote.scope_id = path.local.scope_id;
    uint64_t priority = pair_priority(ice->role, local, remote);
    if (kith_ice_find_pair(g, &path) || !make_room(ice, g, priority))
        return NULL;
    kith_ice_pair *pair = kith_alloc_zero(1, sizeof *pair);
    if (!pair)
        return NULL;
    pair->generation = g;
    pair->id = ++ice->next_id;
    pair->local = local;
    pair->base = local->base;
    pair->remote = remote;
    pair->path = path;
    pair->priority = priority;
    /* What comes after the selection is a path to fall back on: nothing better is held up by it. */
    bool is_frozen = !g->is_concluded && is_held_back(g, pair);
    pair->state = is_frozen ? KITH_ICE_PAIR_FROZEN : KITH_ICE_PAIR_WAITING;
    insert_sorted(g, pair);
    g->pair_count++;
    return pair;
}

/* Server-reflexive candidates of ours would be replaced by their base and pruned (RFC 8445 section
 * 6.1.2.4), so only candidates that are their own base make pairs. */
static bool is_own_base(const kith_ice_local *local)
{
    return local->base->local == local;
}

void kith_ice_pair_local(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local)
{
    KITH_ICE_EACH(&g->remotes, kith_ice_remote, remote)
        /* A peer-reflexive address was seen from one socket only. */
        if (remote->candidate.type != KITH_CANDIDATE_PRFLX && can_talk(local, remote))
            kith_ice_add_pair(ice, g, local, remote);
}

void kith_ice_pair_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote)
{
    KITH_ICE_EACH(&g->locals, kith_ice_local, local)
        if (is_own_base(local) && can_talk(local, remote))
            kith_ice_add_pair(ice, g, local, remote);
}

/* Nothing may point at a pair that leaves or dies. */
static void detach(kith_ice *ice, kith_ice_pair *pair)
{
    kith_ice_generation *g = pair->generation;
    kith_list_remove(&pair->in_triggered);
    if (g->selected == pair)
        g->selected = NULL;
    if (g->nominating == pair)
        g->nominating = NULL;
    if (g->nominated_last == pair)
        g->nominated_last = NULL;
    if (ice->send_pair == pair) {
        ice->send_pair = NULL;
        ice->search_at = 0; /* now: kith_ice_choose_send_pair knows when that is */
    }
    if (pair->is_authenticated)
        pair->is_gone_pending = ice->has_events = true;
    pair->is_authenticated = pair->is_authenticated_pending = false;
}

void kith_ice_remove_pair(kith_ice *ice, kith_ice_pair *pair)
{
    detach(ice, pair);
    kith_list_remove(&pair->node);
    pair->generation->pair_count--;
    if (pair->is_gone_pending)
        kith_list_append(&ice->gone, &pair->node);
    else
        kith_free(pair);
}

void kith_ice_fail_pair(kith_ice *ice, kith_ice_pair *pair, const char *why)
{
    char local[KITH_ADDRESS_TEXT], remote[KITH_ADDRESS_TEXT];
    detach(ice, pair);
    kith_ice_cancel_check(pair);
    pair->state = KITH_ICE_PAIR_FAILED;
    pair->why_failed = why;
    pair->is_nominated = pair->is_nominated_by_peer = pair->is_nominating = false;
    KITH_LOG(ice->log, DEBUG, "ice: %s -> %s failed: %s",
             kith_address_format(&pair->path.local, local, sizeof local),
             kith_address_format(&pair->path.remote, remote, sizeof remote), why);
}

void kith_ice_thaw_like(kith_ice_generation *g, const kith_ice_pair *pair)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, other)
        if (other->state == KITH_ICE_PAIR_FROZEN && same_foundation(other, pair))
            other->state = KITH_ICE_PAIR_WAITING;
}

kith_ice_pair *kith_ice_ordinary_pair(const kith_ice_generation *g)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_WAITING && !pair->base->is_gone)
            return pair;
    /* Those that the selection froze stay so (RFC 8445 section 8.1.2). */
    if (g->is_concluded)
        return NULL;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_FROZEN && !pair->base->is_gone && !is_held_back(g, pair))
            return pair;
    return NULL;
}

kith_ice_pair *kith_ice_best_valid(const kith_ice_generation *g)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_SUCCEEDED)
            return pair;
    return NULL;
}

bool kith_ice_may_improve(const kith_ice_generation *g, const kith_ice_pair *pair)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, other) {
        if (other == pair)
            return false;
        if (other->state < KITH_ICE_PAIR_SUCCEEDED)
            return true;
    }
    return false;
}

bool kith_ice_has_live_pair(const kith_ice_generation *g)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state != KITH_ICE_PAIR_FAILED)
            return true;
    return false;
}

unsigned kith_ice_active_pairs(const kith_ice_generation *g)
{
    unsigned count = 0;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        count += pair->state == KITH_ICE_PAIR_WAITING || pair->state == KITH_ICE_PAIR_IN_PROGRESS;
    return count;
}
