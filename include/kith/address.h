/* Transport addresses without socket headers. */
#ifndef KITH_ADDRESS_H
#define KITH_ADDRESS_H

#include "kith/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KITH_IPV4 = 4, KITH_IPV6 = 6 };

/* An IP address and a port. All unused bytes are zero, so that equal addresses are equal bytes.
 * Never grows. */
typedef struct kith_address {
    /* KITH_IPV4, KITH_IPV6, or 0: no address */
    uint8_t family;
    /* 0 */
    uint8_t reserved;
    /* host byte order; 0 where only the IP address is meant */
    uint16_t port;
    /* IPv6 link-local: the interface's index; else 0 */
    uint32_t scope_id;
    /* network byte order; IPv4 in the first four */
    uint8_t ip[16];
} kith_address;

typedef enum kith_protocol { KITH_UDP, KITH_TCP } kith_protocol;

/* Longest text of an address: "[ffff:…:255.255.255.255%4294967295]:65535" and a NUL. */
#define KITH_ADDRESS_TEXT 72

/* Reads "192.0.2.1", "192.0.2.1:5000", "2001:db8::1", "[2001:db8::1]:5000", with an optional
 * numeric "%scope". KITH_ERR_SYNTAX for anything else; names are not resolved. */
KITH_API KITH_MUST_CHECK kith_err kith_address_parse(kith_address *out, const char *text);
/* Writes "IP:port" ("[IP]:port" for IPv6), or the bare IP when the port is 0, NUL-terminated and
 * cut at cap. Returns buf. */
KITH_API const char *kith_address_format(const kith_address *address, char *buf, size_t cap);
/* Same family, IP, scope and port. */
KITH_API bool kith_address_equal(const kith_address *a, const kith_address *b);

/* Where a packet travels: from our socket, which its local address names, to the remote address.
 * Never grows: these are all that an IP packet knows of its way. */
typedef struct kith_path {
    kith_address local;
    kith_address remote;
    kith_protocol protocol;
} kith_path;

#ifdef __cplusplus
}
#endif
#endif
