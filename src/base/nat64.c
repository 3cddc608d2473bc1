/* RFC 6052 section 2.2: the IPv4 address follows the prefix, but that byte 8 is left out, which is
 * zero. */
#include "base/nat64.h"

#include <string.h>

#include "base/address.h"

#define BYTE_OF_ZERO 8

static void read_ipv4(uint8_t out[4], const uint8_t ip[16], unsigned bits)
{
    unsigned at = bits / 8;
    for (unsigned i = 0; i < 4; at++)
        if (at != BYTE_OF_ZERO)
            out[i++] = ip[at];
}

/* RFC 7050 section 2.2. */
static bool is_well_known(const uint8_t ipv4[4])
{
    static const uint8_t known[][4] = {{192, 0, 0, 170}, {192, 0, 0, 171}};
    return memcmp(ipv4, known[0], 4) == 0 || memcmp(ipv4, known[1], 4) == 0;
}

bool kith_nat64_find(kith_nat64 *out, const kith_address *address)
{
    /* RFC 7050 section 3: the whole address is looked at; the longest prefix that fits is it. */
    static const uint8_t lengths[] = {96, 64, 56, 48, 40, 32};
    if (address->family != KITH_IPV6)
        return false;
    for (size_t i = 0; i < sizeof lengths; i++) {
        uint8_t ipv4[4];
        read_ipv4(ipv4, address->ip, lengths[i]);
        if (!is_well_known(ipv4))
            continue;
        *out = (kith_nat64){.bits = lengths[i]};
        memcpy(out->prefix, address->ip, lengths[i] / 8);
        return true;
    }
    return false;
}

bool kith_nat64_has(const kith_nat64 *nat64, const kith_address *ipv4)
{
    static const uint8_t well_known[12] = {0x00, 0x64, 0xff, 0x9b};
    if (nat64->bits != 96 || memcmp(nat64->prefix, well_known, sizeof well_known) != 0)
        return nat64->bits != 0;
    return !kith_address_is_private(ipv4) && !kith_address_is_loopback(ipv4) &&
           !kith_address_is_link_local(ipv4);
}

kith_address kith_nat64_to_ipv6(const kith_nat64 *nat64, const kith_address *ipv4)
{
    kith_address out = {.family = KITH_IPV6, .port = ipv4->port};
    memcpy(out.ip, nat64->prefix, sizeof out.ip);
    unsigned at = nat64->bits / 8;
    for (unsigned i = 0; i < 4; at++)
        if (at != BYTE_OF_ZERO)
            out.ip[at] = ipv4->ip[i++];
    return out;
}
