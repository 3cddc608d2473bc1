/* The checklist (RFC 8445 section 6.1.2). */
#ifndef KITH_ICE_PAIRS_H
#define KITH_ICE_PAIRS_H

#include "ice/agent.h"

/* Every pair that a new candidate makes with those of the other side (RFC 8838 section 10). */
void kith_ice_pair_local(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local);
void kith_ice_pair_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote);
/* One pair; NULL if the two cannot talk, it is over the limit, or out of memory. */
kith_ice_pair *kith_ice_add_pair(kith_ice *ice, kith_ice_generation *g, kith_ice_local *local,
                                 kith_ice_remote *remote);
/* The same, of which the peer's check has come on this path: it is worth more than all that were
 * not checked. A link-local address that writes to a global one of ours has a zone that only the
 * path tells. */
kith_ice_pair *kith_ice_add_checked_pair(kith_ice *ice, kith_ice_generation *g,
                                         kith_ice_local *local, kith_ice_remote *remote,
                                         const kith_path *path);
/* One more of an active TCP candidate and its counterpart, for a connection beside the pair's; NULL
 * if there is one already, or out of memory. */
kith_ice_pair *kith_ice_add_twin(kith_ice *ice, kith_ice_pair *pair);
/* The other pair of the same two TCP candidates, or NULL. */
kith_ice_pair *kith_ice_twin_of(const kith_ice_pair *pair);
kith_ice_pair *kith_ice_find_pair(const kith_ice_generation *g, const kith_path *path);
void kith_ice_remove_pair(kith_ice *ice, kith_ice_pair *pair);
void kith_ice_fail_pair(kith_ice *ice, kith_ice_pair *pair, const char *why);
/* Priorities depend on the role and on the candidates' priorities: computes and orders anew. */
void kith_ice_reorder_pairs(kith_ice *ice, kith_ice_generation *g);
/* A check of it succeeded: pairs of its foundation need not wait any longer. */
void kith_ice_thaw_like(kith_ice_generation *g, const kith_ice_pair *pair);
/* The pair that the next ordinary check is for (RFC 8445 section 6.1.4.2), or NULL. */
kith_ice_pair *kith_ice_ordinary_pair(const kith_ice_generation *g);
/* Can a check of it leave, or a connection be asked for, of which only so many are made at a time?
 */
bool kith_ice_may_check(const kith_ice_generation *g, const kith_ice_pair *pair);
/* A check of the pair leaves, an ordinary one or another. */
void kith_ice_note_check(kith_ice_pair *pair, bool is_ordinary);
/* The valid pair of highest priority, or NULL. */
kith_ice_pair *kith_ice_best_valid(const kith_ice_generation *g);
/* Could a pair above this one still become valid? */
bool kith_ice_may_improve(const kith_ice_generation *g, const kith_ice_pair *pair);
/* Is any pair still to be checked or being checked? */
bool kith_ice_has_live_pair(const kith_ice_generation *g);
/* Waiting and in-progress pairs: N of RFC 8445 section 14.3. */
unsigned kith_ice_active_pairs(const kith_ice_generation *g);

#endif
