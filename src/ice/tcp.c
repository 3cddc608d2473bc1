/* Connections of TCP candidates (RFC 6544). A pair whose turn it is asks for a connection instead
 * of sending, and sends when there is one; after that it is a pair like others, but that its
 * packets are not repeated and that a connection may end. Bytes are the owner's business: here a
 * connection is a path with a port. */
#include "ice/tcp.h"

#include "ice/checks.h"
#include "ice/pairs.h"

void kith_ice_connect(kith_ice *ice, kith_ice_pair *pair, kith_time now)
{
    pair->asked_at = now;
    if (!kith_ice_can_connect(pair)) {
        if (pair->connection == KITH_ICE_CLOSED)
            kith_ice_fail_pair(ice, pair, "the peer closed the TCP connection");
        return;
    }
    pair->state = KITH_ICE_PAIR_IN_PROGRESS;
    pair->connection = KITH_ICE_CONNECTING;
    pair->is_connect_pending = ice->has_events = true;
    pair->is_checking = true;
    pair->transmissions = 1;
    pair->check_at = now + KITH_ICE_CONNECT_TIMEOUT;
}

void kith_ice_give_up_connecting(kith_ice *ice, kith_ice_pair *pair)
{
    /* Nobody speaks ICE on one that we made and where nobody answered. */
    bool is_idle = pair->connection == KITH_ICE_OPEN && !pair->is_authenticated &&
                   pair->base->tcp_type == KITH_TCPTYPE_ACTIVE;
    if (pair->connection != KITH_ICE_CONNECTING && !is_idle)
        return;
    pair->connection = KITH_ICE_CLOSED;
    pair->is_connect_pending = false;
    pair->is_gone_pending = ice->has_events = true;
}

/* Only the newest generation connects; what its successor left behind is closed. */
static kith_ice_pair *find_connecting(const kith_ice *ice, uint32_t id)
{
    if (ice->newest->is_failed)
        return NULL;
    KITH_ICE_EACH(&ice->newest->pairs, kith_ice_pair, pair)
        if (pair->id == id)
            return pair->connection == KITH_ICE_CONNECTING ? pair : NULL;
    return NULL;
}

bool kith_ice_connected(kith_ice *ice, uint32_t pair_id, const kith_path *path)
{
    kith_ice_pair *pair = find_connecting(ice, pair_id);
    if (!pair)
        return false;
    pair->connection = KITH_ICE_OPEN;
    pair->path = *path;
    /* Consent that was lost is that of another 5-tuple (RFC 7675 section 5.1). */
    pair->carried_data = false;
    pair->unanswered_at = 0;
    kith_ice_trigger(pair);
    ice->is_dirty = true;
    return true;
}

void kith_ice_connect_failed(kith_ice *ice, uint32_t pair_id, const char *why)
{
    kith_ice_pair *pair = find_connecting(ice, pair_id);
    if (!pair)
        return;
    kith_ice_fail_pair(ice, pair, why);
    ice->is_dirty = true;
}

/* A connection that is lost fails ICE when its consent would have ended (RFC 7675 section 5.1), if
 * no other path or restart comes before. */
static void close_pair(kith_ice *ice, kith_ice_pair *pair)
{
    kith_ice_generation *g = pair->generation;
    bool was_valid = pair->state == KITH_ICE_PAIR_SUCCEEDED;
    if (was_valid)
        g->lost_until = kith_ice_later(g->lost_until, pair->consent_until);
    const kith_ice_pair *twin = kith_ice_twin_of(pair);
    bool is_replaced = twin && twin->state != KITH_ICE_PAIR_FAILED;
    kith_ice_fail_pair(ice, pair, "the TCP connection was closed");
    if (was_valid && g == ice->newest && !pair->base->is_gone && kith_ice_can_connect(pair) &&
        !is_replaced)
        kith_ice_trigger(pair);
}

void kith_ice_connection_closed(kith_ice *ice, const kith_path *path)
{
    for (kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (pair->connection == KITH_ICE_OPEN && kith_path_equal(&pair->path, path))
                close_pair(ice, pair);
    ice->is_dirty = true;
}

bool kith_ice_uses_connection(const kith_ice *ice, const kith_path *path)
{
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous)
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (pair->connection == KITH_ICE_OPEN && kith_path_equal(&pair->path, path))
                return true;
    return false;
}
