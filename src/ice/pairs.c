/* The checklist (RFC 8445 section 6.1.2): which candidates make a pair, their order, which are
 * frozen, and which one the next ordinary check is for. Nothing is sent here. */
#include "ice/pairs.h"

#include <string.h>

#include "base/memory.h"
#include "ice/checks.h"

/* Of TCP those where we connect. Where the peer does its check makes the pair: a passive candidate
 * of ours has nothing to check before (RFC 6544 section 6.2). */
static bool are_counterparts(const kith_ice_local *local, const kith_ice_remote *remote)
{
    if (local->base->tcp_type == KITH_TCPTYPE_NONE)
        return remote->candidate.protocol == KITH_UDP;
    return local->base->tcp_type == KITH_TCPTYPE_ACTIVE &&
           remote->candidate.tcp_type == KITH_TCPTYPE_PASSIVE;
}

/* RFC 8445 section 6.1.2.2, and more strictly: loopback talks to loopback and link-local to
 * link-local, so that no remote candidate makes us probe our own machine or a neighbour's segment.
 * Who really sends us an authentic check from there is such a neighbour, and is not asked
 * (answers.c). */
static bool can_talk(const kith_ice_local *local, const kith_ice_remote *remote)
{
    const kith_address *ours = &local->base->address, *theirs = &remote->candidate.address;
    /* The address behind a name is not for the TURN server to know. */
    if (local->base->relay_url && remote->candidate.hostname[0] != '\0')
        return false;
    return !local->base->is_gone && are_counterparts(local, remote) &&
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
 * should wait 39.5 s for the second of them. TCP repeats nothing: how long a connection takes says
 * as little. */
static bool is_held_back(const kith_ice_generation *g, const kith_ice_pair *pair)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, other)
        if (other != pair && same_foundation(other, pair) &&
            (other->state == KITH_ICE_PAIR_WAITING ||
             (other->state == KITH_ICE_PAIR_IN_PROGRESS && other->transmissions < 2 &&
              !kith_ice_is_tcp(other))))
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

/* Peer-reflexive pairs have room of their own, and so have those of TCP, where each may cost a
 * connection. */
static unsigned room_of(const kith_ice_remote *remote)
{
    if (remote->candidate.protocol == KITH_TCP)
        return KITH_ICE_MAX_TCP_PAIRS;
    return remote->candidate.type == KITH_CANDIDATE_PRFLX ? KITH_ICE_MAX_PEER_REFLEXIVE
                                                          : KITH_ICE_MAX_PAIRS;
}

/* At the limit the lowest pairs go (RFC 8445 section 6.1.2.5), those that failed first, and those
 * that are valid or being checked never. One that lost its consent is kept longest: its 5-tuple may
 * not be used again (RFC 7675 section 5.1). */
static unsigned rank_as_victim(const kith_ice_pair *pair)
{
    if (pair->state != KITH_ICE_PAIR_FAILED)
        return 1;
    return pair->carried_data ? 0 : 2;
}

static bool is_better_victim(const kith_ice_pair *a, const kith_ice_pair *b)
{
    unsigned rank_a = rank_as_victim(a), rank_b = rank_as_victim(b);
    return rank_a != rank_b ? rank_a > rank_b : a->priority <= b->priority;
}

static bool make_room(kith_ice *ice, kith_ice_generation *g, const kith_ice_remote *remote,
                      uint64_t priority)
{
    unsigned room = room_of(remote), count = 0;
    kith_ice_pair *victim = NULL;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
        if (room_of(pair->remote) != room)
            continue;
        count++;
        bool may_go = pair->state == KITH_ICE_PAIR_FAILED ||
                      (pair->state <= KITH_ICE_PAIR_WAITING && pair->priority < priority);
        if (may_go && (!victim || is_better_victim(pair, victim)))
            victim = pair;
    }
    if (count < room)
        return true;
    ice->counters.over_limit++;
    if (victim)
        kith_ice_remove_pair(ice, victim);
    return victim;
}

/* `worth`: only pairs that are not checked yet and of less priority than this give way to it. */
static kith_ice_pair *add_pair(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local,
                               kith_ice_remote *remote, const kith_path *path, uint64_t worth)
{
    if (kith_ice_find_pair(g, path) || !make_room(ice, g, remote, worth))
        return NULL;
    kith_ice_pair *pair = kith_alloc_zero(1, sizeof *pair);
    if (!pair)
        return NULL;
    pair->generation = g;
    pair->id = ++ice->next_id;
    pair->local = local;
    pair->base = local->base;
    pair->remote = remote;
    pair->path = *path;
    pair->priority = pair_priority(ice->role, local, remote);
    if (path->protocol == KITH_TCP)
        pair->connection = path->local.port != 0 ? KITH_ICE_OPEN : KITH_ICE_CLOSED;
    /* What comes after the selection is a path to fall back on: nothing better is held up by it. */
    bool is_frozen = !g->is_concluded && is_held_back(g, pair);
    pair->state = is_frozen ? KITH_ICE_PAIR_FROZEN : KITH_ICE_PAIR_WAITING;
    insert_sorted(g, pair);
    g->pair_count++;
    return pair;
}

static bool is_paired(const kith_ice_generation *g, const kith_ice_base *base,
                      const kith_ice_remote *remote)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->base == base && pair->remote == remote)
            return true;
    return false;
}

static kith_path first_path(const kith_ice_base *base, const kith_ice_remote *remote)
{
    kith_path path = {base->address, remote->candidate.address, remote->candidate.protocol};
    path.remote.scope_id = path.local.scope_id;
    if (base->tcp_type == KITH_TCPTYPE_ACTIVE)
        path.local.port = 0; /* a connection's own, once there is one */
    return path;
}

kith_ice_pair *kith_ice_add_pair(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local,
                                 kith_ice_remote *remote)
{
    kith_path path = first_path(local->base, remote);
    if (local->base->tcp_type == KITH_TCPTYPE_ACTIVE && is_paired(g, local->base, remote))
        return NULL;
    return add_pair(ice, g, local, remote, &path, pair_priority(ice->role, local, remote));
}

kith_ice_pair *kith_ice_twin_of(const kith_ice_pair *pair)
{
    KITH_LIST_EACH(&pair->generation->pairs, node) {
        kith_ice_pair *other = KITH_OWNER(node, kith_ice_pair, node);
        if (other != pair && kith_ice_is_tcp(pair) && other->base == pair->base &&
            other->remote == pair->remote)
            return other;
    }
    return NULL;
}

kith_ice_pair *kith_ice_add_twin(kith_ice *ice, kith_ice_pair *pair)
{
    kith_path path = first_path(pair->base, pair->remote);
    if (kith_ice_twin_of(pair))
        return NULL;
    return add_pair(ice, pair->generation, pair->base->local, pair->remote, &path, UINT64_MAX);
}

kith_ice_pair *kith_ice_add_checked_pair(kith_ice *ice, kith_ice_generation *g,
                                         kith_ice_local *local, kith_ice_remote *remote,
                                         const kith_path *path)
{
    return add_pair(ice, g, local, remote, path, UINT64_MAX);
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

/* The owner closes what it has of it when it is told that the pair is gone. */
static void close_connection(kith_ice_pair *pair)
{
    if (kith_ice_is_tcp(pair))
        pair->connection = KITH_ICE_CLOSED;
    pair->is_connect_pending = false;
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
    if (pair->is_authenticated || pair->connection >= KITH_ICE_CONNECTING)
        pair->is_gone_pending = ice->has_events = true;
    pair->is_authenticated = pair->is_authenticated_pending = false;
    close_connection(pair);
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

/* A path of a family and a protocol, through a relay of ours, of the peer's, of both or of neither:
 * one bit. */
static unsigned kind_of(const kith_ice_pair *pair)
{
    bool is_ipv6 = pair->path.remote.family == KITH_IPV6;
    bool is_ours = pair->base->relay_url;
    bool is_theirs = pair->remote->candidate.type == KITH_CANDIDATE_RELAY;
    return 1u << ((kith_ice_is_tcp(pair) ? 8 : 0) + (is_ipv6 ? 4 : 0) + (is_ours ? 2 : 0) +
                  (is_theirs ? 1 : 0));
}

void kith_ice_note_check(kith_ice_pair *pair, bool is_ordinary)
{
    pair->generation->ordinary_count += is_ordinary;
    pair->generation->kinds_checked |= kind_of(pair);
}

bool kith_ice_may_check(const kith_ice_generation *g, const kith_ice_pair *pair)
{
    unsigned connecting = 0;
    if (kith_ice_can_send(pair))
        return true;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, other)
        connecting += other->connection == KITH_ICE_CONNECTING;
    return kith_ice_can_connect(pair) && connecting < KITH_ICE_MAX_CONNECTING;
}

static kith_ice_pair *first_waiting(const kith_ice_generation *g, unsigned kinds_left_out)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_WAITING && !pair->base->is_gone &&
            (kind_of(pair) & kinds_left_out) == 0 && kith_ice_may_check(g, pair))
            return pair;
    return NULL;
}

/* By priority (RFC 8445 section 6.1.4.2), but that every fourth check tries a kind of path that no
 * check has tried: where direct packets are blocked a relay is found in a second, not after a
 * hundred pairs of 50 ms each. */
#define TURN_OF_OTHER_KINDS 4

kith_ice_pair *kith_ice_ordinary_pair(const kith_ice_generation *g)
{
    kith_ice_pair *waiting = NULL;
    if (g->ordinary_count % TURN_OF_OTHER_KINDS == TURN_OF_OTHER_KINDS - 1)
        waiting = first_waiting(g, g->kinds_checked);
    if (!waiting)
        waiting = first_waiting(g, 0);
    if (waiting)
        return waiting;
    /* Those that the selection froze stay so (RFC 8445 section 8.1.2). */
    if (g->is_concluded)
        return NULL;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->state == KITH_ICE_PAIR_FROZEN && !pair->base->is_gone && !is_held_back(g, pair) &&
            kith_ice_may_check(g, pair))
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
