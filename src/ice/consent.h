/* Consent freshness (RFC 7675) and keep-alives (RFC 8445 section 11). */
#ifndef KITH_ICE_CONSENT_H
#define KITH_ICE_CONSENT_H

#include "ice/agent.h"

void kith_ice_consent_gained(kith_ice_pair *pair, kith_time now);
/* Consent that ran out takes its pair. */
void kith_ice_consent_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_consent_due(const kith_ice *ice, kith_time now);
bool kith_ice_output_consent(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
bool kith_ice_output_keepalive(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
/* Has nothing been heard on the path of data for too long? */
bool kith_ice_is_silent(const kith_ice_pair *pair, kith_time now);

#endif
