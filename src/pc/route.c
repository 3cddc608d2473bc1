/* Whose packet is it? STUN requests by the tag in the ufrag they name, STUN answers by the tag in
 * their transaction id, all else by the path, once the remote address has passed an authenticated
 * ICE check. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "pc/endpoint.h"
#include "pc/pc.h"
#include "pc/pump.h"
#include "pc/relays.h"
#include "pc/streams.h"
#include "wire/demux.h"
#include "wire/stun.h"

typedef struct path_route {
    kith_list_node in_transport;
    kith_map_node by_path;
    kith_transport *transport;
    kith_path path;
    /* to a TURN server */
    bool is_server;
} path_route;

static kith_span key_of_path(const kith_path *path)
{
    return kith_span_of(path, sizeof *path);
}

kith_err kith_endpoint_add_transport(kith_endpoint *ep, kith_transport *t)
{
    kith_list_init(&t->paths);
    kith_span key = kith_span_of(&t->tag, sizeof t->tag);
    do
        t->tag = kith_random_u32();
    while (kith_map_find(&ep->by_tag, key));
    return kith_map_add(&ep->by_tag, &t->by_tag, key);
}

static void forget_path(kith_endpoint *ep, path_route *route)
{
    if (ep->last == route->transport)
        ep->last = NULL;
    kith_map_remove(&ep->by_path, &route->by_path);
    kith_list_remove(&route->in_transport);
    kith_free(route);
}

static path_route *find_path(kith_endpoint *ep, const kith_path *path)
{
    kith_map_node *node = kith_map_find(&ep->by_path, key_of_path(path));
    return node ? KITH_OWNER(node, path_route, by_path) : NULL;
}

void kith_endpoint_remove_path(kith_endpoint *ep, kith_transport *t, const kith_path *path)
{
    path_route *route = find_path(ep, path);
    if (route && route->transport == t && !route->is_server)
        forget_path(ep, route);
}

void kith_endpoint_remove_server_path(kith_endpoint *ep, kith_transport *t, const kith_path *path)
{
    path_route *route = find_path(ep, path);
    if (route && route->transport == t && route->is_server)
        forget_path(ep, route);
}

void kith_endpoint_remove_paths(kith_endpoint *ep, kith_transport *t)
{
    KITH_LIST_EACH(&t->paths, node) {
        path_route *route = KITH_OWNER(node, path_route, in_transport);
        if (!route->is_server)
            forget_path(ep, route);
    }
}

/* Those to servers are gone with the relays. */
void kith_endpoint_remove_transport(kith_endpoint *ep, kith_transport *t)
{
    kith_map_remove(&ep->by_tag, &t->by_tag);
    kith_endpoint_remove_paths(ep, t);
}

/* Packets of this path are another peer's: they could not be told apart. */
static void note_conflict(kith_endpoint *ep, kith_transport *t, const kith_path *path)
{
    ep->counters.address_conflicts++;
    t->counters.address_conflicts++;
    t->conflict = *path;
}

/* An address changes hands: its peer was killed and came back, or another one is behind a NAT's
 * port now, or needs what its owner only has to fall back on. Who is silent has lost it, who uses
 * it keeps it. */
static bool take_over(kith_endpoint *ep, kith_transport *t, path_route *route)
{
    kith_transport *owner = route->transport;
    if (route->is_server || kith_ice_uses_path(owner->ice, ep->now, &route->path)) {
        note_conflict(ep, t, &route->path);
        return false;
    }
    if (ep->last == owner)
        ep->last = NULL;
    kith_list_remove(&route->in_transport);
    kith_list_append(&t->paths, &route->in_transport);
    route->transport = t;
    kith_ice_path_refused(owner->ice, ep->now, &route->path);
    kith_endpoint_set_ready(owner->pc);
    return true;
}

static bool add_route(kith_endpoint *ep, kith_transport *t, const kith_path *path, bool is_server)
{
    path_route *route = kith_alloc_zero(1, sizeof *route);
    if (!route)
        return false;
    route->transport = t;
    route->is_server = is_server;
    route->path = *path;
    if (kith_map_add(&ep->by_path, &route->by_path, key_of_path(&route->path)) != KITH_OK) {
        kith_free(route);
        return false;
    }
    kith_list_append(&t->paths, &route->in_transport);
    return true;
}

/* How many there are is ICE's to limit: one for each pair (KITH_ICE_MAX_PAIRS). */
bool kith_endpoint_add_path(kith_endpoint *ep, kith_transport *t, const kith_path *path)
{
    path_route *route = find_path(ep, path);
    if (route)
        return route->transport == t || take_over(ep, t, route);
    return add_route(ep, t, path, false);
}

bool kith_endpoint_add_server_path(kith_endpoint *ep, kith_transport *t, const kith_path *path)
{
    return !find_path(ep, path) && add_route(ep, t, path, true);
}

kith_transport *kith_endpoint_owner_of_server(kith_endpoint *ep, const kith_path *path)
{
    const path_route *route = find_path(ep, path);
    return route && route->is_server ? route->transport : NULL;
}

static kith_transport *owner_of_path(kith_endpoint *ep, const kith_path *path)
{
    if (ep->last && memcmp(path, &ep->last_path, sizeof *path) == 0)
        return ep->last;
    const path_route *route = find_path(ep, path);
    if (!route)
        return NULL;
    ep->last = route->transport;
    ep->last_path = *path;
    return ep->last;
}

static kith_transport *owner_of_tag(kith_endpoint *ep, uint32_t tag)
{
    kith_map_node *node = kith_map_find(&ep->by_tag, kith_span_of(&tag, sizeof tag));
    return node ? KITH_OWNER(node, kith_transport, by_tag) : NULL;
}

/* A check names "ours:theirs" (RFC 8445 section 7.2.2). Whether it is authentic, and whether its
 * address may become the transport's, is seen when ICE has read it (kith_endpoint_add_path). */
static kith_transport *owner_of_request(kith_endpoint *ep, kith_span username)
{
    uint32_t tag;
    kith_span ufrag = kith_span_cut(&username, ':');
    kith_transport *t = kith_ice_tag_of_ufrag(ufrag, &tag) ? owner_of_tag(ep, tag) : NULL;
    ep->counters.unknown_ufrag += !t;
    return t;
}

static kith_transport *owner_of_response(kith_endpoint *ep, const kith_stun *message)
{
    kith_reader id = kith_rd(message->id, sizeof message->id);
    kith_transport *t = owner_of_tag(ep, kith_rd_u32(&id));
    ep->counters.unknown_response += !t;
    return t;
}

static kith_transport *owner_of_stun(kith_endpoint *ep, const kith_path *path,
                                     const kith_stun *message)
{
    if (message->class == KITH_STUN_REQUEST)
        return owner_of_request(ep, message->username);
    if (message->class == KITH_STUN_INDICATION)
        return owner_of_path(ep, path);
    return owner_of_response(ep, message);
}

static kith_transport *handle_stun(kith_endpoint *ep, kith_time now, const kith_path *path,
                                   kith_span packet)
{
    kith_stun message;
    if (!kith_stun_parse(&message, packet.data, packet.len)) {
        ep->counters.malformed++;
        return NULL;
    }
    kith_transport *t = owner_of_stun(ep, path, &message);
    if (!t)
        return NULL;
    if (!kith_streams_may_use(t, path)) {
        ep->counters.address_conflicts++; /* who names t need not know its password */
        return NULL;
    }
    bool is_authentic = kith_pump_input_stun(t, now, path, &message);
    kith_endpoint_set_ready(t->pc);
    return is_authentic && message.class == KITH_STUN_REQUEST ? t : NULL;
}

kith_transport *kith_endpoint_route(kith_endpoint *ep, kith_time now, const kith_path *path,
                                    kith_span packet)
{
    ep->counters.packets_in++;
    kith_demux_kind kind = kith_demux(packet);
    if (kind == KITH_DEMUX_STUN)
        return handle_stun(ep, now, path, packet);
    kith_transport *t = owner_of_path(ep, path);
    if (!t) {
        ep->counters.unknown_source++;
        return NULL;
    }
    kith_pump_input(t, now, path, kind, packet);
    kith_endpoint_set_ready(t->pc);
    return NULL;
}

void kith_endpoint_handle_unreachable(kith_endpoint *ep, kith_time now, const kith_path *path)
{
    kith_endpoint_begin(ep, now);
    kith_transport *t = owner_of_path(ep, path);
    if (!t)
        return;
    /* The way to a relay is that of its peers. */
    kith_path sent;
    if (kith_relays_of_path(t, path) && kith_ice_send_path(t->ice, &sent) &&
        kith_relays_under_path(t, &sent) == kith_relays_of_path(t, path))
        path = &sent;
    kith_ice_path_unreachable(t->ice, now, path);
    kith_endpoint_set_ready(t->pc);
}

void kith_endpoint_handle_packet(kith_endpoint *ep, kith_time now, const kith_packet_info *info,
                                 const void *data, size_t len)
{
    assert(info->size >= offsetof(kith_packet_info, dscp)); /* KITH_PACKET_INFO_INIT */
    kith_endpoint_begin(ep, now);
    kith_span bytes = kith_span_of(data, len);
    kith_transport *t = NULL;
    if (info->path.protocol == KITH_TCP)
        t = kith_endpoint_owner_of_server(ep, &info->path);
    if (t) {
        kith_pump_input_stream(t, now, &info->path, bytes);
        kith_endpoint_set_ready(t->pc);
    } else if (info->path.protocol == KITH_TCP) {
        kith_streams_input(ep, now, &info->path, bytes);
    } else {
        (void)kith_endpoint_route(ep, now, &info->path, bytes);
    }
}
