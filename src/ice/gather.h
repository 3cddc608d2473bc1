/* What STUN servers are asked (RFC 8445 section 5.1.1.2). */
#ifndef KITH_ICE_GATHER_H
#define KITH_ICE_GATHER_H

#include "ice/agent.h"

void kith_ice_gather_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base);
void kith_ice_gather_drop_base(kith_ice_generation *g, const kith_ice_base *base);
kith_err kith_ice_add_server(kith_ice *ice, kith_ice_generation *g, const kith_address *server,
                             const char *url);
/* True: the message answered a gathering request. */
bool kith_ice_gather_response(kith_ice *ice, kith_time now, const kith_path *path,
                              const kith_stun *m);
void kith_ice_gather_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_gather_due(const kith_ice *ice);
bool kith_ice_output_gather(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);

#endif
