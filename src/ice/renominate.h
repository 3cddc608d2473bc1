/* Moving to a better pair after the selection (draft-thatcher-ice-renomination). */
#ifndef KITH_ICE_RENOMINATE_H
#define KITH_ICE_RENOMINATE_H

#include "ice/agent.h"

/* Nominates a better pair that has proved to work; when that is due. */
void kith_ice_renominate(kith_ice *ice, kith_time now);
kith_time kith_ice_renominate_due(const kith_ice *ice, kith_time now);
/* Pairs that would be better are asked now and then. */
kith_time kith_ice_improve_due(const kith_ice *ice, kith_time now);
bool kith_ice_output_improve(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);

#endif
