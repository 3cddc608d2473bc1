/* Generations of an agent: credentials on both sides, restarts (RFC 8445 section 9). */
#ifndef KITH_ICE_GENERATION_H
#define KITH_ICE_GENERATION_H

#include "ice/agent.h"

/* NULL: out of memory. */
kith_ice_generation *kith_ice_new_generation(const char *ufrag, const char *pwd);
void kith_ice_free_generation(kith_ice *ice, kith_ice_generation *g);
/* A pair of the newest generation is selected: those before have served. */
void kith_ice_forget_previous(kith_ice *ice);

#endif
