/* The one place where addresses change their dress at the border to the system. */
#include "io/sockaddr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/address.h"

socklen_t kith_sockaddr_from(kith_sockaddr *out, const kith_address *address)
{
    memset(out, 0, sizeof *out);
    if (address->family == KITH_IPV4) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(address->port);
        memcpy(&out->in.sin_addr, address->ip, 4);
        return sizeof out->in;
    }
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(address->port);
    out->in6.sin6_scope_id = address->scope_id;
    memcpy(&out->in6.sin6_addr, address->ip, 16);
    return sizeof out->in6;
}

bool kith_sockaddr_to(kith_address *out, const struct sockaddr *address)
{
    *out = (kith_address){0};
    kith_sockaddr in;
    if (address->sa_family == AF_INET) {
        memcpy(&in.in, address, sizeof in.in);
        out->family = KITH_IPV4;
        out->port = ntohs(in.in.sin_port);
        memcpy(out->ip, &in.in.sin_addr, 4);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&in.in6, address, sizeof in.in6);
    out->family = KITH_IPV6;
    out->port = ntohs(in.in6.sin6_port);
    memcpy(out->ip, &in.in6.sin6_addr, 16);
    if (kith_address_is_link_local(out))
        out->scope_id = in.in6.sin6_scope_id;
    return true;
}
