/* The peer's requests (RFC 8445 section 7.3). */
#ifndef KITH_ICE_ANSWERS_H
#define KITH_ICE_ANSWERS_H

#include "ice/agent.h"

bool kith_ice_handle_request(kith_ice *ice, kith_time now, const kith_path *path,
                             const kith_stun *m);
bool kith_ice_output_response(kith_ice *ice, kith_path *path, kith_writer *w);
void kith_ice_drop_responses(kith_ice *ice, const kith_ice_generation *g);
void kith_ice_drop_responses_on(kith_ice *ice, const kith_path *path);

#endif
