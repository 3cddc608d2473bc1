/* kith_address to and from the system's sockaddr. */
#ifndef KITH_IO_SOCKADDR_H
#define KITH_IO_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "kith/address.h"

typedef union kith_sockaddr {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
} kith_sockaddr;

/* Fills `out` and returns its length. */
socklen_t kith_sockaddr_from(kith_sockaddr *out, const kith_address *address);
/* False for families other than IPv4 and IPv6. The scope is kept only where it means something,
 * on link-local addresses, so that equal addresses are equal bytes. */
bool kith_sockaddr_to(kith_address *out, const struct sockaddr *address);

#endif
