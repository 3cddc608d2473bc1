/* Gathering: from the endpoint's local addresses and the configuration's servers to what the ICE
 * agent can use, by way of pending_requests to the outside: sockets to open, names to resolve. */
#include <string.h>

#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/pc.h"
#include "pc/relays.h"

/* The end of gathering waits so long for servers that do not answer and for their names. Within it
 * a server is asked three times (ice/gather.c). */
#define SERVER_PATIENCE KITH_MS(2900)

/* Names of remote candidates that are being resolved at a time; a peer may not make us ask for
 * more. */
#define MAX_REMOTE_NAMES 20

void kith_gather_init(kith_transport *t)
{
    kith_list_init(&t->pending_requests);
}

void kith_gather_deinit(kith_transport *t)
{
    KITH_LIST_EACH(&t->pending_requests, node)
        kith_endpoint_drop_request(t->pc->ep, KITH_OWNER(node, kith_pending_request, in_owner));
}

void kith_gather_reset(kith_transport *t)
{
    t->gathering = false;
    t->gathered = false;
    t->gather_until = 0;
}

void kith_gather_resume(kith_transport *t)
{
    t->gathered = kith_ice_is_gathered(t->ice);
    t->gathering = !t->gathered;
    t->gather_until = 0;
    kith_gather_answered(t);
}

static bool is_answered(const kith_pending_request *pending)
{
    return pending->local.port != 0;
}

/* How many pending_requests of a kind are still under way. */
static unsigned count_pending(const kith_transport *t, kith_pending_request_kind kind)
{
    unsigned count = 0;
    KITH_LIST_EACH(&t->pending_requests, node) {
        const kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        count +=
            pending->kind == kind && !(kind == KITH_PENDING_REQUEST_OPEN && is_answered(pending));
    }
    return count;
}

bool kith_gather_may_use(const kith_transport *t, const kith_local *local)
{
    return t->pc->config.ip_handling == KITH_IP_HANDLING_ALL || local->is_default_route;
}

bool kith_gather_hides_hosts(const kith_transport *t)
{
    return t->pc->config.ip_handling == KITH_IP_HANDLING_DEFAULT_ROUTE_ONLY;
}

/* A socket on a local address, with a port of its own. */
static void add_base(kith_transport *t, const kith_local *local, const kith_address *bound,
                     kith_tcp_type tcp_type)
{
    kith_ice_local_info info = {.address = *bound,
                                .tcp_type = tcp_type,
                                .external = local->external,
                                .is_hidden = local->is_hidden || kith_gather_hides_hosts(t),
                                .preference = local->preference};
    if (kith_ice_add_local_as(t->ice, &info) != KITH_OK)
        KITH_LOG(&t->pc->log, WARNING, "ice: a local address was left out: %s",
                 kith_last_error()->message);
}

/* A socket of its own may outlive the address that it was opened for. */
static void add_socket(kith_transport *t, const kith_address *bound)
{
    const kith_local *local = kith_endpoint_find_local(t->pc->ep, bound, KITH_UDP);
    if (local && kith_gather_may_use(t, local))
        add_base(t, local, bound, KITH_TCPTYPE_NONE);
}

static void offer_tcp(kith_transport *t, const kith_local *local)
{
    unsigned kinds = kith_config_ice_tcp(t->pc);
    if (kinds & KITH_ICE_TCP_ACTIVE)
        add_base(t, local, &local->address, KITH_TCPTYPE_ACTIVE);
    if ((kinds & KITH_ICE_TCP_PASSIVE) && local->address.port != 0)
        add_base(t, local, &local->address, KITH_TCPTYPE_PASSIVE);
}

/* Our own socket on an interface, open or being opened. */
static kith_pending_request *find_socket(kith_transport *t, const kith_address *interface_address)
{
    KITH_LIST_EACH(&t->pending_requests, node) {
        kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        if (pending->kind == KITH_PENDING_REQUEST_OPEN &&
            kith_address_same_ip(&pending->local, interface_address))
            return pending;
    }
    return NULL;
}

static void offer_udp(kith_transport *t, const kith_address *local)
{
    if (local->port != 0) {
        add_socket(t, local);
        return;
    }
    kith_pending_request *pending = find_socket(t, local);
    if (pending) {
        if (is_answered(pending))
            add_socket(t, &pending->local);
        return;
    }
    pending = kith_endpoint_new_request(t->pc->ep, t, KITH_PENDING_REQUEST_OPEN);
    if (!pending) {
        KITH_LOG(&t->pc->log, ERROR, "out of memory: a local address was left out");
        return;
    }
    pending->local = *local;
    kith_list_append(&t->pending_requests, &pending->in_owner);
}

static void offer_local(kith_transport *t, const kith_local *local)
{
    if (!kith_gather_may_use(t, local))
        return;
    if (local->protocol == KITH_TCP)
        offer_tcp(t, local);
    else
        offer_udp(t, &local->address);
}

static void add_server(kith_transport *t, const kith_address *server, const char *url)
{
    if (kith_ice_add_stun_server(t->ice, server, url) != KITH_OK)
        KITH_LOG(&t->pc->log, WARNING, "ice: server %s was left out: %s", url,
                 kith_last_error()->message);
}

/* Is the server's name being resolved, for a generation that was rolled back or restarted? */
static bool is_asked(const kith_transport *t, const char *url)
{
    KITH_LIST_EACH(&t->pending_requests, node) {
        const kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        if (pending->kind == KITH_PENDING_REQUEST_RESOLVE_SERVER && strcmp(pending->url, url) == 0)
            return true;
    }
    return false;
}

/* A TURN server is a STUN server too (RFC 8656 section 2.1), where it is reached by what the answer
 * is about. */
static void use_server(kith_transport *t, const kith_address *address,
                       const kith_server_url *server)
{
    kith_address reached = kith_nat64_reach(t, address);
    if (server->at.transport == KITH_SERVER_UDP)
        add_server(t, &reached, server->url);
    if (server->at.is_turn)
        kith_relays_add(t, &reached, server);
}

static void offer_server(kith_transport *t, const kith_server_url *server)
{
    kith_address address;
    if (is_asked(t, server->url))
        return;
    if (server->at.is_turn)
        kith_relays_reuse(t, server);
    if (kith_address_parse_ip(&address, kith_span_text(server->at.host))) {
        /* Whether it can be reached turns out with the prefix. */
        if (address.family == KITH_IPV4 && count_pending(t, KITH_PENDING_REQUEST_RESOLVE_NAT64) > 0)
            return;
        address.port = server->at.port;
        use_server(t, &address, server);
        return;
    }
    kith_pending_request *pending =
        kith_endpoint_new_request(t->pc->ep, t, KITH_PENDING_REQUEST_RESOLVE_SERVER);
    if (!pending)
        return;
    kith_list_append(&t->pending_requests, &pending->in_owner);
    pending->hostname = kith_strdup(server->at.host);
    pending->url = kith_strdup(server->url);
    pending->port = server->at.port;
    if (!pending->hostname || !pending->url)
        kith_endpoint_drop_request(t->pc->ep, pending);
}

void kith_gather_start(kith_transport *t)
{
    if (t->gathering || t->gathered)
        return;
    t->gathering = true;
    t->gather_until = 0;
    t->has_untold_local = false;
    KITH_LIST_EACH(&t->pc->ep->locals, node)
        offer_local(t, KITH_OWNER(node, kith_local, in_endpoint));
    kith_nat64_begin(t);
    kith_relays_begin(t);
    kith_server_url server;
    for (size_t i = 0; kith_config_server_url(t->pc, i, &server); i++)
        offer_server(t, &server);
    kith_gather_answered(t);
}

void kith_gather_offer_servers(kith_transport *t)
{
    kith_server_url server;
    kith_address address;
    for (size_t i = 0; kith_config_server_url(t->pc, i, &server); i++)
        if (kith_address_parse_ip(&address, kith_span_text(server.at.host)) &&
            address.family == KITH_IPV4)
            offer_server(t, &server);
}

void kith_gather_local_added(kith_transport *t, const kith_local *local)
{
    if (t->pc->freed || !(t->gathering || t->gathered))
        return;
    offer_local(t, local);
    kith_relays_local_added(t);
    t->has_untold_local = t->gathered;
    kith_gather_check_failed(t);
    kith_endpoint_set_ready(t->pc);
}

void kith_gather_local_untold(kith_transport *t)
{
    t->has_untold_local |= t->gathered;
    kith_gather_check_failed(t);
}

void kith_gather_check_failed(kith_transport *t)
{
    if (!t->has_untold_local || kith_ice_get_state(t->ice) != KITH_ICE_FAILED ||
        t->pc->config.ice_restart == KITH_ICE_RESTART_NEVER)
        return;
    t->has_untold_local = false;
    kith_pc_restart_ice(t->pc);
}

/* The side that controls asks; the other does when it waits in vain: both at once would meet. */
#define RESTART_AFTER            KITH_SECONDS(2)
#define RESTART_CONTROLLED_AFTER KITH_SECONDS(6)

kith_time kith_gather_loss_due(const kith_transport *t)
{
    if (t->lost_at == 0 || t->has_asked_to_restart ||
        t->pc->config.ice_restart == KITH_ICE_RESTART_NEVER)
        return KITH_NEVER;
    bool controls = kith_ice_get_role(t->ice) == KITH_ICE_CONTROLLING;
    return t->lost_at + (controls ? RESTART_AFTER : RESTART_CONTROLLED_AFTER);
}

void kith_gather_watch_loss(kith_transport *t, kith_time now)
{
    if (!kith_ice_is_lost(t->ice)) {
        t->lost_at = 0;
        t->has_asked_to_restart = false;
        return;
    }
    if (t->lost_at == 0)
        t->lost_at = now > 0 ? now : 1;
    if (now < kith_gather_loss_due(t))
        return;
    t->has_asked_to_restart = true;
    KITH_LOG(&t->pc->log, INFO, "ice: no path is left: a restart is asked for");
    kith_pc_restart_ice(t->pc);
}

static void remove_tcp(kith_transport *t, const kith_address *local)
{
    kith_ice_remove_local(t->ice, local, KITH_TCPTYPE_ACTIVE);
    kith_ice_remove_local(t->ice, local, KITH_TCPTYPE_PASSIVE);
}

static void remove_udp(kith_transport *t, const kith_address *local)
{
    kith_pending_request *pending = local->port == 0 ? find_socket(t, local) : NULL;
    kith_ice_remove_local(t->ice, pending ? &pending->local : local, KITH_TCPTYPE_NONE);
    if (pending)
        kith_endpoint_drop_request(t->pc->ep, pending);
}

void kith_gather_local_removed(kith_transport *t, const kith_local *local)
{
    if (local->protocol == KITH_TCP)
        remove_tcp(t, &local->address);
    else
        remove_udp(t, &local->address);
    kith_relays_local_removed(t, local);
    kith_gather_answered(t); /* gathering may have waited for this socket alone */
}

void kith_gather_resolve_remote(kith_transport *t, const kith_candidate *candidate)
{
    /* No relay candidate of ours is paired with it: the address behind it is not for a server. */
    if (t->pc->config.ice_transport_policy == KITH_ICE_TRANSPORT_POLICY_RELAY)
        return;
    if (count_pending(t, KITH_PENDING_REQUEST_RESOLVE_REMOTE) >= MAX_REMOTE_NAMES)
        return;
    kith_pending_request *pending =
        kith_endpoint_new_request(t->pc->ep, t, KITH_PENDING_REQUEST_RESOLVE_REMOTE);
    if (!pending)
        return;
    kith_list_append(&t->pending_requests, &pending->in_owner);
    pending->candidate = *candidate;
    pending->hostname = kith_strdup(candidate->hostname);
    if (!pending->hostname)
        kith_endpoint_drop_request(t->pc->ep, pending);
    kith_ice_set_pending_names(t->ice, count_pending(t, KITH_PENDING_REQUEST_RESOLVE_REMOTE));
}

void kith_gather_opened(kith_transport *t, struct kith_pending_request *pending)
{
    if (pending->kind == KITH_PENDING_REQUEST_OPEN_FOR_RELAY)
        kith_relays_opened(t, pending);
    else if (t->gathering || t->gathered)
        add_socket(t, &pending->local);
    kith_gather_answered(t);
}

void kith_gather_not_opened(kith_transport *t, const struct kith_pending_request *pending)
{
    if (pending->kind == KITH_PENDING_REQUEST_OPEN_FOR_RELAY)
        kith_relays_not_opened(t, pending);
}

/* The first address of a family: a name stands for one candidate, perhaps in both families. */
static const kith_address *first_of(const kith_address *addresses, size_t count, uint8_t family)
{
    for (size_t i = 0; i < count; i++)
        if (addresses[i].family == family)
            return &addresses[i];
    return NULL;
}

/* webrtc-pc section 4.8.1.3: no address of ours and no port, as no socket asked. */
static void tell_unresolved(kith_transport *t, const char *url)
{
    kith_event ev = {.type = KITH_EV_ICE_CANDIDATE_ERROR, .pc = t->pc};
    ev.ice_candidate_error.url = url;
    ev.ice_candidate_error.error_code = KITH_ICE_SERVER_UNREACHABLE;
    ev.ice_candidate_error.error_text = "the server's name could not be resolved";
    KITH_LOG(&t->pc->log, INFO, "ice: %s: %s", url, ev.ice_candidate_error.error_text);
    kith_events_push(t->pc, &ev);
}

/* By its URL; it may be configured no more. */
static void use_resolved(kith_transport *t, const char *url, const kith_address *address)
{
    kith_server_url server;
    for (size_t i = 0; kith_config_server_url(t->pc, i, &server); i++)
        if (strcmp(server.url, url) == 0) {
            use_server(t, address, &server);
            return;
        }
}

void kith_gather_resolved(kith_transport *t, const struct kith_pending_request *pending,
                          const kith_address *addresses, size_t count)
{
    static const uint8_t families[] = {KITH_IPV6, KITH_IPV4};
    if (pending->kind == KITH_PENDING_REQUEST_RESOLVE_NAT64) {
        kith_nat64_resolved(t, addresses, count);
        return;
    }
    for (size_t i = 0; i < sizeof families; i++) {
        const kith_address *found = first_of(addresses, count, families[i]);
        if (!found)
            continue;
        if (pending->kind == KITH_PENDING_REQUEST_RESOLVE_SERVER) {
            kith_address server = *found;
            server.port = pending->port;
            use_resolved(t, pending->url, &server);
        } else {
            kith_candidate candidate = pending->candidate;
            uint16_t port = candidate.address.port;
            candidate.address = *found;
            candidate.address.port = port;
            kith_ice_add_remote(t->ice, &candidate);
        }
    }
    if (count == 0 && pending->kind == KITH_PENDING_REQUEST_RESOLVE_SERVER)
        tell_unresolved(t, pending->url);
    else if (count == 0)
        KITH_LOG(&t->pc->log, INFO, "%s could not be resolved", pending->hostname);
}

void kith_gather_answered(kith_transport *t)
{
    if (t->gathering && count_pending(t, KITH_PENDING_REQUEST_OPEN) == 0 &&
        count_pending(t, KITH_PENDING_REQUEST_RESOLVE_SERVER) == 0 &&
        count_pending(t, KITH_PENDING_REQUEST_RESOLVE_NAT64) == 0 && !kith_relays_are_awaited(t))
        kith_ice_end_local(t->ice);
    unsigned names = count_pending(t, KITH_PENDING_REQUEST_RESOLVE_REMOTE);
    kith_ice_set_pending_names(t->ice, names);
    if (t->end_of_remote && names == 0)
        kith_ice_end_remote(t->ice);
    kith_endpoint_set_ready(t->pc);
}

kith_time kith_gather_deadline(const kith_transport *t)
{
    return t->gathering && t->gather_until != 0 ? t->gather_until : KITH_NEVER;
}

void kith_gather_tick(kith_transport *t, kith_time now)
{
    if (!t->gathering || t->pc->closed)
        return;
    if (t->gather_until == 0)
        t->gather_until = now + SERVER_PATIENCE;
    if (now < t->gather_until)
        return;
    t->gather_until = KITH_NEVER;
    KITH_LIST_EACH(&t->pending_requests, node) {
        kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        if (pending->kind != KITH_PENDING_REQUEST_RESOLVE_SERVER)
            continue;
        tell_unresolved(t, pending->url);
        kith_endpoint_drop_request(t->pc->ep, pending);
    }
    kith_relays_end_wait(t);
    kith_ice_end_gathering(t->ice);
}
