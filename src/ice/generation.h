/* Generations of an agent: credentials on both sides, restarts (RFC 8445 section 9). */
#ifndef KITH_ICE_GENERATION_H
#define KITH_ICE_GENERATION_H

#include "ice/agent.h"

/* What kith_ice_next_ufrag and kith_ice_next_pwd shall say: credentials that the agent had. */
void kith_ice_set_next(kith_ice *ice, const char *ufrag, const char *pwd);
/* NULL: out of memory. */
kith_ice_generation *kith_ice_new_generation(const char *ufrag, const char *pwd);
void kith_ice_free_generation(kith_ice *ice, kith_ice_generation *g);
/* A pair of the newest generation is selected: those before have served. */
void kith_ice_forget_previous(kith_ice *ice);
/* The newest generation has its pair: those before it stay while the peer still uses them. */
void kith_ice_retire_previous(kith_ice *ice, kith_time now);
/* When it is looked whether they may go; KITH_NEVER: there are none, or they serve. */
kith_time kith_ice_retire_due(const kith_ice *ice);
void kith_ice_retire_tick(kith_ice *ice, kith_time now);

#endif
