/* What the inside asks of addresses, beyond kith/address.h. */
#ifndef KITH_BASE_ADDRESS_H
#define KITH_BASE_ADDRESS_H

#include "base/span.h"
#include "kith/address.h"

/* A bare IP address that fills the span (no port, no brackets); false otherwise. */
bool kith_address_parse_ip(kith_address *out, kith_span text);
/* The IP alone, without the port. Returns buf. */
const char *kith_address_format_ip(const kith_address *address, char *buf, size_t cap);
bool kith_address_same_ip(const kith_address *a, const kith_address *b);
bool kith_address_is_any(const kith_address *a);        /* 0.0.0.0, :: */
bool kith_address_is_loopback(const kith_address *a);   /* also ::ffff:127.x */
bool kith_address_is_link_local(const kith_address *a); /* 169.254/16, fe80::/10 */
/* RFC 1918, RFC 6598 (carrier-grade NAT) and RFC 4193 (unique local). */
bool kith_address_is_private(const kith_address *a);
bool kith_address_is_multicast(const kith_address *a); /* and 255.255.255.255 */
/* IPv4-compatible, IPv4-mapped, site-local: never candidates (RFC 8445 section 5.1.1.1). */
bool kith_address_is_deprecated(const kith_address *a);
/* An address as limits on strangers see it, in `out`: without its port, an IPv6 one by its /64, all
 * of which is one host's to use (RFC 4291 section 2.5.4). */
#define KITH_ADDRESS_SITE 9
kith_span kith_address_site(uint8_t out[KITH_ADDRESS_SITE], const kith_address *address);
bool kith_address_same_site(const kith_address *a, const kith_address *b);
bool kith_path_equal(const kith_path *a, const kith_path *b);

#endif
