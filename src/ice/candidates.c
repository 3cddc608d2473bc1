/* Candidates: ours from sockets and from what servers and peers saw, the peer's as signalled or as
 * discovered. Which of them can talk to each other is pairs.c; asking servers is gather.c. */
#include "ice/candidates.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "ice/gather.h"
#include "ice/pairs.h"

#define COMPONENT 1
/* Stands where there is no port to tell (RFC 8839 section 5.1, RFC 6544 section 4.5). */
#define DISCARD_PORT 9

/* Type preferences of RFC 8445 section 5.1.2.2; those of TCP are lower than any of UDP but a
 * relay's (RFC 6544 section 4.2). */
static const uint32_t type_preferences[][2] = {
    [KITH_CANDIDATE_HOST] = {126, 90},
    [KITH_CANDIDATE_PRFLX] = {110, 80},
    [KITH_CANDIDATE_SRFLX] = {100, 75},
};
/* Of the lowest, the best way to a server first. */
static const uint32_t relay_preferences[][2] = {[KITH_SERVER_UDP] = {3},
                                                [KITH_SERVER_DTLS] = {2},
                                                [KITH_SERVER_TCP] = {1},
                                                [KITH_SERVER_TLS] = {0}};

/* RFC 6544 section 4.2: the direction is the highest three bits of the local preference. Through a
 * NAT another one is the likeliest to work than without. */
#define OTHER_PREFERENCE_BITS 13

static uint32_t direction_preference(kith_candidate_type type, kith_tcp_type tcp_type)
{
    static const uint8_t preferences[][2] = {[KITH_TCPTYPE_ACTIVE] = {6, 4},
                                             [KITH_TCPTYPE_PASSIVE] = {4, 2},
                                             [KITH_TCPTYPE_SO] = {2, 6}};
    bool is_reflexive = type == KITH_CANDIDATE_SRFLX || type == KITH_CANDIDATE_PRFLX;
    return preferences[tcp_type][is_reflexive];
}

/* What the NAT's owner says of an address is surer than what a server saw: RFC 6544 section 4.2
 * calls it NAT-assisted. */
static const uint32_t mapped_preferences[] = {105, 85};

/* RFC 8445 section 5.1.2.1. */
static uint32_t priority_of(const uint32_t type_preference[2], kith_candidate_type type,
                            const kith_ice_base *base)
{
    bool is_tcp = base->tcp_type != KITH_TCPTYPE_NONE;
    uint32_t preference = base->preference;
    if (is_tcp)
        preference = direction_preference(type, base->tcp_type) << OTHER_PREFERENCE_BITS |
                     preference >> (16 - OTHER_PREFERENCE_BITS);
    return type_preference[is_tcp] << 24 | preference << 8 | (256 - COMPONENT);
}

uint32_t kith_ice_candidate_priority(kith_candidate_type type, const kith_ice_base *base)
{
    const uint32_t *preference =
        type == KITH_CANDIDATE_RELAY ? relay_preferences[base->transport] : type_preferences[type];
    return priority_of(preference, type, base);
}

kith_ice_base *kith_ice_find_base(const kith_ice_generation *g, const kith_address *address,
                                  kith_tcp_type tcp_type)
{
    KITH_ICE_EACH(&g->bases, kith_ice_base, base)
        if (base->tcp_type == tcp_type && kith_address_equal(&base->address, address))
            return base;
    return NULL;
}

kith_ice_base *kith_ice_base_of_path(const kith_ice_generation *g, const kith_path *path)
{
    return kith_ice_find_base(
        g, &path->local, path->protocol == KITH_TCP ? KITH_TCPTYPE_PASSIVE : KITH_TCPTYPE_NONE);
}

kith_ice_local *kith_ice_find_local(const kith_ice_generation *g, const kith_ice_base *base,
                                    const kith_address *address)
{
    KITH_ICE_EACH(&g->locals, kith_ice_local, local)
        if (local->base == base && kith_address_equal(&local->candidate.address, address))
            return local;
    return NULL;
}

/* Link-local addresses are signalled without a zone and seen with one. */
static bool is_seen_as(const kith_address *signalled, const kith_address *seen)
{
    kith_address bare = *seen;
    bare.scope_id = signalled->scope_id;
    return kith_address_equal(signalled, &bare);
}

kith_ice_remote *kith_ice_find_remote(const kith_ice_generation *g, const kith_path *path)
{
    KITH_ICE_EACH(&g->remotes, kith_ice_remote, remote)
        if (remote->candidate.protocol == path->protocol &&
            remote->candidate.tcp_type != KITH_TCPTYPE_PASSIVE &&
            is_seen_as(&remote->candidate.address, &path->remote))
            return remote;
    return NULL;
}

/* The same one, as signalled or discovered before. */
static kith_ice_remote *find_known(const kith_ice_generation *g, const kith_candidate *candidate)
{
    KITH_ICE_EACH(&g->remotes, kith_ice_remote, remote)
        if (remote->candidate.tcp_type == candidate->tcp_type &&
            is_seen_as(&remote->candidate.address, &candidate->address))
            return remote;
    return NULL;
}

static bool same_server(const kith_ice_server *a, const kith_ice_server *b)
{
    return a == b || (a && b && kith_address_same_ip(&a->address, &b->address));
}

/* Same type, base, protocol and server: the same foundation (RFC 8445 section 5.1.1.3). */
static void set_foundation(kith_ice_generation *g, kith_ice_local *local)
{
    KITH_ICE_EACH(&g->locals, kith_ice_local, other)
        if (other != local && other->candidate.type == local->candidate.type &&
            other->candidate.tcp_type == local->candidate.tcp_type &&
            other->base->transport == local->base->transport &&
            same_server(other->server, local->server) &&
            kith_address_same_ip(&other->base->address, &local->base->address)) {
            memcpy(local->candidate.foundation, other->candidate.foundation,
                   sizeof local->candidate.foundation);
            return;
        }
    snprintf(local->candidate.foundation, sizeof local->candidate.foundation, "%u",
             ++g->next_foundation);
}

/* RFC 8839 section 5.1: related to what is not told. */
static kith_address hidden_address(uint8_t family)
{
    return (kith_address){.family = family, .port = DISCARD_PORT};
}

/* RFC 8445 section 5.3: a relayed one's is what its server sees, any other's its base. */
static kith_address related_address(const kith_ice_generation *g, const kith_ice_base *base,
                                    kith_candidate_type type)
{
    if (type == KITH_CANDIDATE_RELAY)
        return base->related;
    return base->is_hidden || g->relay_only ? hidden_address(base->address.family) : base->address;
}

kith_ice_local *kith_ice_new_local(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base,
                                   const kith_address *address, kith_candidate_type type,
                                   const kith_ice_server *server)
{
    bool is_base = kith_address_equal(address, &base->address);
    /* However many addresses a peer claims to see, there is room for sockets. */
    if (g->local_count >=
        (is_base ? KITH_ICE_MAX_LOCALS : KITH_ICE_MAX_LOCALS - KITH_ICE_MAX_BASES))
        return NULL;
    kith_ice_local *local = kith_alloc_zero(1, sizeof *local);
    if (!local)
        return NULL;
    local->id = ++ice->next_id;
    local->base = base;
    local->server = server;
    local->candidate = (kith_candidate){
        .component = COMPONENT,
        .protocol = kith_ice_protocol_of(base->tcp_type),
        .priority = kith_ice_candidate_priority(type, base),
        .address = *address,
        .type = type,
        .tcp_type = base->tcp_type,
    };
    if (type != KITH_CANDIDATE_HOST)
        local->candidate.related = related_address(g, base, type);
    memcpy(local->candidate.ufrag, g->ufrag, sizeof g->ufrag);
    set_foundation(g, local);
    kith_list_append(&g->locals, &local->node);
    g->local_count++;
    return local;
}

static bool is_near(const kith_address *address)
{
    return kith_address_is_loopback(address) || kith_address_is_link_local(address);
}

/* IPv6 and IPv4 take turns, each in the order of adding (RFC 8421 section 4); loopback and
 * link-local come after everything that reaches further. */
static uint16_t choose_preference(const kith_ice_generation *g, const kith_ice_base *like)
{
    const kith_address *address = &like->address;
    unsigned rank = address->family == KITH_IPV6 ? 0 : 1;
    KITH_ICE_EACH(&g->bases, kith_ice_base, other)
        if (other->address.family == address->family && other->tcp_type == like->tcp_type &&
            !other->relay_url == !like->relay_url && is_near(&other->address) == is_near(address))
            rank += 2;
    if (like->tcp_type != KITH_TCPTYPE_NONE)
        rank <<= 16 - OTHER_PREFERENCE_BITS; /* the lowest bits are not told */
    return (uint16_t)((is_near(address) ? 32767u : 65535u) - rank);
}

/* RFC 8445 section 5.1.1.1: no deprecated IPv6; and nothing that is no address of ours. */
static bool can_be_local(const kith_address *address)
{
    return (address->family == KITH_IPV4 || address->family == KITH_IPV6) && address->port != 0 &&
           !kith_address_is_any(address) && !kith_address_is_multicast(address);
}

/* What has lost its consent meanwhile fails again before it is checked (consent.c). */
static kith_err revive_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base)
{
    base->is_gone = false;
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->base == base && (kith_ice_can_send(pair) || kith_ice_can_connect(pair)))
            pair->state = KITH_ICE_PAIR_WAITING;
    if (!g->is_gathered)
        kith_ice_gather_base(ice, g, base);
    return KITH_OK;
}

void kith_ice_free_base(kith_ice_base *base)
{
    kith_free(base->relay_url);
    kith_free(base);
}

static void forget_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->base == base)
            kith_ice_remove_pair(ice, pair);
    KITH_ICE_EACH(&g->locals, kith_ice_local, local)
        if (local->base == base) {
            kith_list_remove(&local->node);
            g->local_count--;
            kith_free(local);
        }
    kith_list_remove(&base->node);
    g->base_count--;
    kith_ice_free_base(base);
}

/* A station that roams has another socket each time: the oldest that is gone makes room. */
static bool has_room_for_base(kith_ice *ice, kith_ice_generation *g)
{
    if (g->base_count < KITH_ICE_MAX_BASES)
        return true;
    KITH_LIST_EACH(&g->bases, node) {
        kith_ice_base *base = KITH_OWNER(node, kith_ice_base, node);
        if (!base->is_gone)
            continue;
        forget_base(ice, g, base);
        return true;
    }
    return false;
}

/* How the world sees the base, by its owner's word (RFC 6544 section 4.2). Without memory it is
 * left out. */
static void add_mapped(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base,
                       const kith_address *external)
{
    kith_address address = *external;
    if (base->tcp_type == KITH_TCPTYPE_ACTIVE || address.family != base->address.family)
        return;
    if (address.port == 0)
        address.port = base->address.port;
    if (kith_ice_find_local(g, base, &address))
        return;
    kith_ice_local *local = kith_ice_new_local(ice, g, base, &address, KITH_CANDIDATE_SRFLX, NULL);
    if (!local)
        return;
    local->candidate.priority = priority_of(mapped_preferences, KITH_CANDIDATE_SRFLX, base);
    local->is_pending = !g->is_gathered;
    ice->has_events = true;
}

/* The base and its candidate, if it may be one; NULL when out of memory. */
static kith_ice_base *new_base(kith_ice *ice, kith_ice_generation *g, const kith_ice_base *like)
{
    kith_ice_base *base = kith_alloc_zero(1, sizeof *base);
    char *url = like->relay_url ? kith_strdup(like->relay_url) : NULL;
    if (!base || (like->relay_url && !url)) {
        kith_free(base);
        kith_free(url);
        return NULL;
    }
    base->address = like->address;
    base->tcp_type = like->tcp_type;
    base->transport = like->transport;
    base->relay_url = url;
    base->external = like->external;
    base->is_hidden = like->is_hidden;
    base->related =
        g->relay_only || like->is_hidden ? hidden_address(base->address.family) : like->related;
    base->preference = like->preference != 0 ? like->preference : choose_preference(g, base);
    if (g->relay_only && !url)
        return base;
    base->local = kith_ice_new_local(ice, g, base, &base->address,
                                     url ? KITH_CANDIDATE_RELAY : KITH_CANDIDATE_HOST, NULL);
    if (!base->local) {
        kith_ice_free_base(base);
        return NULL;
    }
    /* None may be told after the end of candidates (RFC 8838 section 14). */
    base->local->is_pending = !g->is_gathered && (url || !base->is_hidden);
    ice->has_events = true;
    if (like->external.family != 0)
        add_mapped(ice, g, base, &like->external);
    return base;
}

kith_err kith_ice_add_base(kith_ice *ice, kith_ice_generation *g, const kith_ice_base *like)
{
    if (!can_be_local(&like->address))
        return kith_fail(KITH_ERR_TYPE, "not the address of a socket of ours");
    if (kith_address_is_deprecated(&like->address))
        return KITH_OK;
    kith_ice_base *base = kith_ice_find_base(g, &like->address, like->tcp_type);
    if (base)
        return base->is_gone ? revive_base(ice, g, base) : KITH_OK;
    if (!has_room_for_base(ice, g))
        return kith_fail(KITH_ERR_RANGE, "more than %d local addresses", KITH_ICE_MAX_BASES);
    base = new_base(ice, g, like);
    if (!base)
        return kith_fail_memory();
    kith_list_append(&g->bases, &base->node);
    g->base_count++;
    if (base->local)
        kith_ice_pair_local(ice, g, base->local);
    if (base->local && !g->is_gathered)
        kith_ice_gather_base(ice, g, base);
    return KITH_OK;
}

/* Those before the newest serve while it has nothing selected, and have been gathered: there the
 * socket is something to fall back on. */
static kith_err add_to_all(kith_ice *ice, const kith_ice_base *like)
{
    kith_err err = kith_ice_add_base(ice, ice->newest, like);
    ice->is_dirty = true;
    for (kith_ice_generation *g = ice->newest->previous; g && err == KITH_OK; g = g->previous)
        err = kith_ice_add_base(ice, g, like);
    return err;
}

/* RFC 6544 section 4.5: an active candidate has no port, and is told with port 9. */
static kith_address address_of_base(const kith_address *local, kith_tcp_type tcp_type)
{
    kith_address address = *local;
    if (tcp_type == KITH_TCPTYPE_ACTIVE)
        address.port = DISCARD_PORT;
    return address;
}

kith_err kith_ice_add_local(kith_ice *ice, const kith_address *local, kith_tcp_type tcp_type)
{
    return kith_ice_add_local_as(ice,
                                 &(kith_ice_local_info){.address = *local, .tcp_type = tcp_type});
}

kith_err kith_ice_add_local_as(kith_ice *ice, const kith_ice_local_info *info)
{
    return add_to_all(ice,
                      &(kith_ice_base){.address = address_of_base(&info->address, info->tcp_type),
                                       .tcp_type = info->tcp_type,
                                       .external = info->external,
                                       .is_hidden = info->is_hidden,
                                       .preference = info->preference});
}

kith_err kith_ice_add_relay(kith_ice *ice, const kith_address *relayed, const kith_address *related,
                            const char *url, kith_server_transport transport)
{
    char *borrowed = (char *)(uintptr_t)url;
    kith_ice_base like = {.address = *relayed, .relay_url = borrowed, .transport = transport};
    like.related = related ? *related : hidden_address(relayed->family);
    return add_to_all(ice, &like);
}

void kith_ice_relay_refused(kith_ice *ice, const kith_address *relayed, const kith_address *peer,
                            const char *why)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (pair->state != KITH_ICE_PAIR_FAILED && pair->base->relay_url &&
                kith_address_equal(&pair->base->address, relayed) &&
                kith_address_same_ip(&pair->path.remote, peer))
                kith_ice_fail_pair(ice, pair, why);
    ice->is_dirty = true;
}

void kith_ice_set_relay_only(kith_ice *ice, bool relay_only)
{
    ice->relay_only = relay_only;
    if (kith_list_empty(&ice->newest->bases))
        ice->newest->relay_only = relay_only;
}

void kith_ice_drop_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base)
{
    base->is_gone = true;
    kith_ice_gather_drop_base(g, base);
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
        if (pair->base != base)
            continue;
        /* A connection lost with its address fails when its consent would have ended (RFC 7675
         * section 5.1), if no other path or restart comes before. */
        if (pair->state == KITH_ICE_PAIR_SUCCEEDED)
            g->lost_until = kith_ice_later(g->lost_until, pair->consent_until);
        kith_ice_fail_pair(ice, pair, "the local address is gone");
    }
}

void kith_ice_remove_local(kith_ice *ice, const kith_address *local, kith_tcp_type tcp_type)
{
    kith_address address = address_of_base(local, tcp_type);
    for (kith_ice_generation *g = ice->newest; g; g = g->previous) {
        kith_ice_base *base = kith_ice_find_base(g, &address, tcp_type);
        if (base && !base->is_gone)
            kith_ice_drop_base(ice, g, base);
    }
    ice->is_dirty = true;
}

bool kith_ice_has_local(const kith_ice *ice, const kith_address *local)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous) {
        const kith_ice_base *base = kith_ice_find_base(g, local, KITH_TCPTYPE_NONE);
        if (base && !base->is_gone)
            return true;
    }
    return false;
}

/* ---- the peer's ---- */

/* May the peer be there? */
static bool is_in_use(const kith_ice_generation *g, const kith_ice_remote *remote)
{
    KITH_LIST_EACH(&g->pairs, node) {
        const kith_ice_pair *pair = KITH_OWNER(node, kith_ice_pair, node);
        if (pair->remote == remote && pair->state != KITH_ICE_PAIR_FAILED)
            return true;
    }
    return false;
}

/* Of the peer-reflexive ones the oldest that has failed makes room: a NAT may have moved the peer
 * often in a long life. */
static bool forget_oldest_failed(kith_ice *ice, kith_ice_generation *g)
{
    KITH_LIST_EACH(&g->remotes, node) {
        kith_ice_remote *remote = KITH_OWNER(node, kith_ice_remote, node);
        if (remote->candidate.type != KITH_CANDIDATE_PRFLX || is_in_use(g, remote))
            continue;
        kith_ice_remove_remote(ice, g, remote);
        return true;
    }
    return false;
}

static bool has_room(kith_ice *ice, kith_ice_generation *g, kith_candidate_type type)
{
    if (type != KITH_CANDIDATE_PRFLX)
        return g->remote_count - g->prflx_count < KITH_ICE_MAX_REMOTE_CANDIDATES;
    return g->prflx_count < KITH_ICE_MAX_PEER_REFLEXIVE || forget_oldest_failed(ice, g);
}

static kith_ice_remote *new_remote(kith_ice *ice, kith_ice_generation *g,
                                   const kith_candidate *candidate)
{
    if (!has_room(ice, g, candidate->type)) {
        ice->counters.candidates_over_limit++;
        return NULL;
    }
    kith_ice_remote *remote = kith_alloc_zero(1, sizeof *remote);
    if (!remote)
        return NULL;
    remote->id = ++ice->next_id;
    remote->candidate = *candidate;
    kith_list_append(&g->remotes, &remote->node);
    g->remote_count++;
    g->prflx_count += candidate->type == KITH_CANDIDATE_PRFLX;
    g->has_news = true;
    return remote;
}

kith_err kith_ice_copy_remotes(kith_ice *ice, kith_ice_generation *to,
                               const kith_ice_generation *from)
{
    KITH_ICE_EACH(&from->remotes, kith_ice_remote, remote)
        if (remote->candidate.type != KITH_CANDIDATE_PRFLX &&
            !new_remote(ice, to, &remote->candidate))
            return kith_fail_memory();
    return KITH_OK;
}

void kith_ice_remove_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote)
{
    KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
        if (pair->remote == remote)
            kith_ice_remove_pair(ice, pair);
    kith_list_remove(&remote->node);
    g->remote_count--;
    g->prflx_count -= remote->candidate.type == KITH_CANDIDATE_PRFLX;
    kith_free(remote);
}

kith_ice_remote *kith_ice_add_peer_reflexive(kith_ice *ice, kith_ice_generation *g,
                                             const kith_path *path, uint32_t priority,
                                             kith_span ufrag)
{
    kith_candidate candidate = {
        .component = COMPONENT,
        .protocol = path->protocol,
        .priority = priority,
        .address = path->remote,
        .type = KITH_CANDIDATE_PRFLX,
        .tcp_type = path->protocol == KITH_TCP ? KITH_TCPTYPE_ACTIVE : KITH_TCPTYPE_NONE,
    };
    candidate.address.scope_id = 0;
    /* A foundation of its own (RFC 8445 section 7.3.1.3). */
    snprintf(candidate.foundation, sizeof candidate.foundation, "prflx%u", ++g->next_foundation);
    if (ufrag.len > KITH_UFRAG_MAX)
        return NULL;
    memcpy(candidate.ufrag, ufrag.data, ufrag.len);
    return new_remote(ice, g, &candidate);
}

/* Nobody makes us connect to the services of third parties: mail, remote logins and the like have
 * their ports below 1024. Who listens there has a reason to be found at 80 or 443. */
static bool may_be_connected(const kith_candidate *candidate)
{
    uint16_t port = candidate->address.port;
    return candidate->tcp_type != KITH_TCPTYPE_PASSIVE || port >= 1024 || port == 80 || port == 443;
}

/* What no check could ever reach, or should (RFC 8445 section 5.1.1.1): nobody makes us probe it.
 */
static bool can_be_remote(const kith_candidate *candidate)
{
    return candidate->component == COMPONENT &&
           candidate->protocol == kith_ice_protocol_of(candidate->tcp_type) &&
           can_be_local(&candidate->address) && !kith_address_is_deprecated(&candidate->address) &&
           may_be_connected(candidate);
}

/* The newest generation that the peer has told us of. While an offer of ours to restart is
 * unanswered that is the one before: it is still being trickled for, and a rollback returns to it.
 */
static kith_ice_generation *reported_generation(const kith_ice *ice)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        if (g->has_remote)
            return g;
    return ice->newest;
}

/* RFC 8838 section 11: a candidate names its generation by the peer's ufrag, or belongs to the
 * newest. NULL: to none that still lives. */
static kith_ice_generation *generation_of(const kith_ice *ice, const kith_candidate *candidate)
{
    kith_ice_generation *newest = reported_generation(ice);
    if (candidate->ufrag[0] == '\0' || !newest->has_remote)
        return newest;
    for (kith_ice_generation *g = newest; g; g = g->previous)
        if (g->has_remote && strcmp(candidate->ufrag, g->remote_ufrag) == 0)
            return g;
    return NULL;
}

/* The peer signals what a check had discovered: the candidate is the signalled one from now on, and
 * its pairs keep their states and nominations. */
static void confirm_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote,
                           const kith_candidate *candidate)
{
    if (candidate->type == KITH_CANDIDATE_PRFLX)
        return;
    if (!has_room(ice, g, candidate->type)) {
        ice->counters.candidates_over_limit++;
        return;
    }
    kith_address address = remote->candidate.address;
    g->prflx_count--;
    remote->candidate = *candidate;
    remote->candidate.address = address;
    kith_ice_reorder_pairs(ice, g);
}

void kith_ice_add_remote(kith_ice *ice, const kith_candidate *candidate)
{
    kith_ice_generation *g = generation_of(ice, candidate);
    if (!g) {
        ice->counters.unknown_ufrag++;
        return;
    }
    if (!can_be_remote(candidate)) {
        ice->counters.candidates_unusable++;
        return;
    }
    /* RFC 8838 section 14: none should come after end-of-candidates. Browsers use it all the same,
     * and a description without "trickle" is no promise. */
    ice->counters.after_end += g->is_remote_ended;
    kith_ice_remote *remote = find_known(g, candidate);
    if (remote && remote->candidate.type != KITH_CANDIDATE_PRFLX)
        return;
    if (remote)
        confirm_remote(ice, g, remote, candidate);
    else
        remote = new_remote(ice, g, candidate);
    /* After the selection too: its pairs are there when the selected one fails. */
    if (remote)
        kith_ice_pair_remote(ice, g, remote);
    ice->is_dirty = true;
}

void kith_ice_set_renomination(kith_ice *ice, bool can_renominate)
{
    reported_generation(ice)->can_renominate = can_renominate;
    ice->is_dirty = true;
}

void kith_ice_set_pending_names(kith_ice *ice, unsigned count)
{
    reported_generation(ice)->pending_names = count;
    ice->is_dirty = true;
}

void kith_ice_end_remote(kith_ice *ice)
{
    reported_generation(ice)->is_remote_ended = true;
    ice->is_dirty = true;
}
