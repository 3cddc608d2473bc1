/* Another path in place of one that failed. */
#ifndef KITH_ICE_FAILOVER_H
#define KITH_ICE_FAILOVER_H

#include "ice/agent.h"

/* Is another pair looked for in this generation? */
bool kith_ice_is_searching(const kith_ice *ice, const kith_ice_generation *g, kith_time now);
/* The peer seems to have left the pair that carries data: unless that answers at once, another is
 * looked for. */
void kith_ice_suspect_send_pair(kith_ice *ice, kith_time now);
/* A pair answered what was asked at `asked_at`: it ends the search. */
void kith_ice_end_search(kith_ice *ice, kith_ice_pair *pair, kith_time asked_at, kith_time now);
/* A TCP connection that is silent may be dead without a sign: where it was ours to make, another
 * one is among what is tried. */
void kith_ice_search_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_search_due(const kith_ice *ice, kith_time now);
bool kith_ice_output_search(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);

#endif
