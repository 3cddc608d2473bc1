/* A network of IPv6 alone may have a NAT64 for all that is of IPv4 (RFC 6146). Names of servers
 * come from its DNS64 as IPv6; addresses that stand for themselves, candidates and literal servers,
 * are put behind the prefix by us, which the network tells by a name (RFC 7050). */
#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/pc.h"

/* Loopback is everywhere, and link-local is no way to the world. */
static bool reaches_world(const kith_local *local, uint8_t family)
{
    const kith_address *address = &local->address;
    return address->family == family && !kith_address_is_loopback(address) &&
           !kith_address_is_link_local(address);
}

static bool has_family(const kith_endpoint *ep, uint8_t family)
{
    KITH_LIST_EACH(&ep->locals, node)
        if (reaches_world(KITH_OWNER(node, kith_local, in_endpoint), family))
            return true;
    return false;
}

void kith_nat64_begin(kith_transport *t)
{
    t->nat64 = (kith_nat64){0};
    kith_ice_set_translated(t->ice, false);
    if (has_family(t->pc->ep, KITH_IPV4) || !has_family(t->pc->ep, KITH_IPV6))
        return;
    KITH_LIST_EACH(&t->pending_requests, node)
        if (KITH_OWNER(node, kith_pending_request, in_owner)->kind ==
            KITH_PENDING_REQUEST_RESOLVE_NAT64)
            return;
    kith_pending_request *pending =
        kith_endpoint_new_request(t->pc->ep, t, KITH_PENDING_REQUEST_RESOLVE_NAT64);
    if (!pending)
        return;
    kith_list_append(&t->pending_requests, &pending->in_owner);
    pending->hostname = kith_strdup(KITH_NAT64_NAME);
    if (!pending->hostname)
        kith_endpoint_drop_request(t->pc->ep, pending);
}

kith_address kith_nat64_reach(const kith_transport *t, const kith_address *address)
{
    return address->family == KITH_IPV4 && kith_nat64_has(&t->nat64, address)
               ? kith_nat64_to_ipv6(&t->nat64, address)
               : *address;
}

void kith_nat64_add_remote(kith_transport *t, const kith_candidate *candidate)
{
    kith_candidate reached = *candidate;
    kith_ice_add_remote(t->ice, candidate);
    reached.address = kith_nat64_reach(t, &candidate->address);
    if (reached.address.family != candidate->address.family)
        kith_ice_add_remote(t->ice, &reached);
}

/* Candidates that came before the prefix was known. */
static void reach_remotes(kith_transport *t)
{
    kith_ice_candidate_info info;
    for (size_t i = 0; kith_ice_candidate_at(t->ice, i, &info); i++)
        if (info.remote && info.candidate->address.family == KITH_IPV4 &&
            info.candidate->type != KITH_CANDIDATE_PRFLX) {
            kith_candidate reached = *info.candidate;
            reached.address = kith_nat64_reach(t, &reached.address);
            if (reached.address.family == KITH_IPV6)
                kith_ice_add_remote(t->ice, &reached);
        }
}

void kith_nat64_resolved(kith_transport *t, const kith_address *addresses, size_t count)
{
    char text[KITH_ADDRESS_TEXT];
    for (size_t i = 0; i < count && t->nat64.bits == 0; i++)
        if (kith_nat64_find(&t->nat64, &addresses[i]))
            KITH_LOG(&t->pc->log, INFO, "ice: IPv4 is reached by a NAT64, as by %s",
                     kith_address_format_ip(&addresses[i], text, sizeof text));
    if (t->nat64.bits != 0) {
        kith_ice_set_translated(t->ice, true);
        reach_remotes(t);
    }
    kith_gather_offer_servers(t);
}
