/* The rules by which addresses become host candidates (RFC 8445 section 5.1.1.1) and their order
 * (RFC 8421 section 4). Pure. */
#include <string.h>

#include "base/address.h"
#include "io/interfaces.h"

static bool allowed(const kith_interface_address *a, const kith_interface_rules *rules)
{
    const kith_address *ip = &a->address;
    if (a->is_unusable || kith_address_is_any(ip) || kith_address_is_multicast(ip))
        return false;
    if (ip->family == KITH_IPV6 && (rules->no_ipv6 || kith_address_is_deprecated(ip)))
        return false;
    if (!rules->loopback && kith_address_is_loopback(ip))
        return false;
    return !rules->filter || rules->filter(a->name, ip, rules->user);
}

static bool is_global(const kith_interface_address *a)
{
    return !kith_address_is_loopback(&a->address) && !kith_address_is_link_local(&a->address);
}

/* RFC 8445 section 5.1.1.1: no address that allows tracking beside a temporary one of its prefix
 * and interface. */
static bool is_shadowed(const kith_interface_address *a, const kith_interface_address *list,
                        size_t count)
{
    enum { PREFIX = 8 };
    if (a->address.family != KITH_IPV6 || a->is_temporary)
        return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].is_temporary && list[i].index == a->index &&
            memcmp(list[i].address.ip, a->address.ip, PREFIX) == 0)
            return true;
    return false;
}

/* Small is good: first what the routing table prefers, IPv6 before IPv4 (RFC 6724), then the
 * others in the system's order; what serves only the link or this machine comes last. */
static int rank(const kith_interface_address *a)
{
    if (kith_address_is_loopback(&a->address))
        return 4;
    if (kith_address_is_link_local(&a->address))
        return 3;
    if (!a->is_default)
        return 2;
    return a->address.family == KITH_IPV6 ? 0 : 1;
}

/* Insertion sort: stable, and the list is short. */
static void sort(kith_interface_address *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        kith_interface_address moved = list[i];
        size_t at = i;
        for (; at > 0 && rank(&list[at - 1]) > rank(&moved); at--)
            list[at] = list[at - 1];
        list[at] = moved;
    }
}

/* Keeps the elements for which `keep` says so. */
static size_t keep_allowed(kith_interface_address *list, size_t count,
                           const kith_interface_rules *rules)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (allowed(&list[i], rules))
            list[kept++] = list[i];
    return kept;
}

size_t kith_interfaces_choose(kith_interface_address *list, size_t count,
                              const kith_interface_rules *rules)
{
    count = keep_allowed(list, count, rules);
    bool has_global = false;
    for (size_t i = 0; i < count; i++)
        has_global = has_global || is_global(&list[i]);
    /* Whether one is shadowed is asked of the whole list, so what goes is marked first. */
    for (size_t i = 0; i < count; i++)
        if ((has_global && kith_address_is_link_local(&list[i].address)) ||
            is_shadowed(&list[i], list, count))
            list[i].is_unusable = true;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!list[i].is_unusable)
            list[kept++] = list[i];
    sort(list, kept);
    return kept < KITH_LOCAL_ADDRESSES ? kept : KITH_LOCAL_ADDRESSES;
}
