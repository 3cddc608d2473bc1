/* Addresses of IPv4 as a network of IPv6 alone has them (RFC 6052, RFC 7050). */
#ifndef KITH_BASE_NAT64_H
#define KITH_BASE_NAT64_H

#include "kith/address.h"

/* What a NAT64 puts before an IPv4 address; bits 0: there is none. */
typedef struct kith_nat64 {
    uint8_t prefix[16];
    /* 32, 40, 48, 56, 64 or 96 */
    uint8_t bits;
} kith_nat64;

/* The name whose IPv6 addresses tell the prefix (RFC 7050 section 3). */
#define KITH_NAT64_NAME "ipv4only.arpa"

/* From an IPv6 address of that name; false: it has none of its IPv4 addresses in it. */
bool kith_nat64_find(kith_nat64 *out, const kith_address *address);
/* Is an IPv4 address behind it? Behind the well-known prefix nothing private is (RFC 6052 section
 * 3.1); without a prefix nothing at all. */
bool kith_nat64_has(const kith_nat64 *nat64, const kith_address *ipv4);
/* Where the NAT64 has an IPv4 address; the port stays. */
kith_address kith_nat64_to_ipv6(const kith_nat64 *nat64, const kith_address *ipv4);

#endif
