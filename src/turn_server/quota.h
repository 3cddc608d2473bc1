/* How much one may have: allocations of a user and of an address, and answers to who has shown
 * nothing yet. */
#ifndef KITH_TURN_SERVER_QUOTA_H
#define KITH_TURN_SERVER_QUOTA_H

#include "base/address.h"
#include "base/map.h"

/* Counts by name; a name is stored as long as it is counted. */
typedef struct kith_quota {
    kith_map entries;
} kith_quota;

typedef struct kith_quota_entry kith_quota_entry;

void kith_quota_init(kith_quota *quota, const uint64_t seed[2]);
/* Nothing is counted any more. */
void kith_quota_deinit(kith_quota *quota);
/* One more of `key`. AGAIN when there are `limit` already, NO_MEMORY. */
kith_err kith_quota_take(kith_quota *quota, kith_span key, uint32_t limit, kith_quota_entry **out);
/* One less. NULL is fine. */
void kith_quota_release(kith_quota *quota, kith_quota_entry *entry);

/* Errors that a source may cause, so that a server is of no use to who writes another's address
 * as his own: 50, and 10 more a second, per IPv4 address or IPv6 /64. */
typedef struct kith_error_limit kith_error_limit;

kith_error_limit *kith_error_limit_new(const uint64_t seed[2])
    KITH_MUST_CHECK; /* NULL: no memory */
void kith_error_limit_free(kith_error_limit *limit);
/* May another error be answered? It is counted then. */
bool kith_error_limit_take(kith_error_limit *limit, kith_time now, const kith_address *source);

#endif
