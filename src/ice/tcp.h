/* Connections of TCP candidates (RFC 6544): when one is asked for, and what its end means. The rest
 * of its door is in ice/ice.h. */
#ifndef KITH_ICE_TCP_H
#define KITH_ICE_TCP_H

#include "ice/agent.h"

/* A pair without a connection is to be checked: one is asked for, or it fails where that is not
 * ours to do. Its check follows when the connection is there. */
void kith_ice_connect(kith_ice *ice, kith_ice_pair *pair, kith_time now);
/* The pair is not checked any more: what is being connected for it is not needed. */
void kith_ice_give_up_connecting(kith_ice *ice, kith_ice_pair *pair);

#endif
