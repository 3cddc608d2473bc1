/* URLs of ICE servers (RFC 7064, RFC 7065). Nothing is resolved here. */
#ifndef KITH_WIRE_ICE_URL_H
#define KITH_WIRE_ICE_URL_H

#include "kith/pc.h"
#include "wire/candidate.h"

typedef struct kith_ice_url {
    /* "turn:" or "turns:" */
    bool is_turn;
    kith_server_transport transport;
    /* a name, or an address without brackets */
    char host[256];
    /* that of the URL, or the scheme's */
    uint16_t port;
} kith_ice_url;

/* SYNTAX for what is none. */
kith_err kith_ice_url_parse(kith_ice_url *out, const char *url);
/* The same, and what of the server it needs: TYPE, INVALID_ACCESS, and NOT_SUPPORTED for what kith
 * does not speak. */
kith_err kith_ice_url_check(kith_ice_url *out, const kith_ice_server *server, const char *url);

#endif
