/* Requests of ours and their answers (RFC 8445 section 7.2). */
#ifndef KITH_ICE_CHECKS_H
#define KITH_ICE_CHECKS_H

#include "ice/agent.h"

/* A new transaction of the pair, the oldest forgotten. */
kith_ice_transaction *kith_ice_new_transaction(kith_ice *ice, kith_ice_pair *pair, kith_time now,
                                               bool use_candidate);
/* Writes a Binding request of this transaction. */
void kith_ice_write_check(const kith_ice *ice, const kith_ice_pair *pair,
                          const kith_ice_transaction *t, kith_writer *w);
/* Writes a single check that is not repeated, beside one that may be under way. */
void kith_ice_ask_once(kith_ice *ice, kith_ice_pair *pair, kith_time now, kith_path *path,
                       kith_writer *w);
/* A triggered check (RFC 8445 section 7.3.1.4), or our nomination, leaves next. */
void kith_ice_trigger(kith_ice_pair *pair);
void kith_ice_cancel_check(kith_ice_pair *pair);
bool kith_ice_handle_response(kith_ice *ice, kith_time now, const kith_path *path,
                              const kith_stun *m);
/* Gives up what was asked often enough. */
void kith_ice_checks_tick(kith_ice *ice, kith_time now);
kith_time kith_ice_checks_due(const kith_ice *ice, kith_time now);
/* False: nothing is due. */
bool kith_ice_output_check(kith_ice *ice, kith_time now, kith_path *path, kith_writer *w);
void kith_ice_stun_id(const kith_ice *ice, uint64_t random, uint8_t out[KITH_STUN_ID]);
uint64_t kith_ice_new_stun_id(void);

#endif
