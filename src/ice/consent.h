/* Consent freshness (RFC 7675), checks of valid pairs that carry no data (RFC 8445 section 11). */
#ifndef KITH_ICE_CONSENT_H
#define KITH_ICE_CONSENT_H

#include "ice/agent.h"

/* A request leaves on the pair: sets when it is asked again. */
void kith_ice_asked(kith_ice_pair *pair, kith_time now);
/* An authentic sign of life came. */
void kith_ice_heard(kith_ice_pair *pair, kith_time now);
/* An answer came to what was asked then (RFC 7675 section 5.1). */
void kith_ice_consent_gained(kith_ice_pair *pair, kith_time asked_at, kith_time now);
/* Consent that ran out takes its pair; valid pairs that carry no data are checked now and then. */
void kith_ice_consent_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_consent_due(const kith_ice *ice, kith_time now);
bool kith_ice_output_consent(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
/* The pair that carries data is asked at once, without waiting for its time. */
void kith_ice_ask_now(kith_ice_pair *pair, kith_time now);
/* From when on nothing has been heard on the pair for too long; KITH_NEVER while nothing is owed to
 * us. */
kith_time kith_ice_silent_from(const kith_ice_pair *pair);
bool kith_ice_is_silent(const kith_ice_pair *pair, kith_time now);
/* Was consent lost? Then these credentials are not used on this pair again (RFC 7675
 * section 5.1). */
bool kith_ice_is_revoked(const kith_ice_pair *pair, kith_time now);

#endif
