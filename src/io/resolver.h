/* Names to addresses by the system's resolver, which blocks: in a few threads of its own,
 * started when first needed. */
#ifndef KITH_IO_RESOLVER_H
#define KITH_IO_RESOLVER_H

#include "io/resolved.h"

#define KITH_RESOLVER_THREADS 4
/* Names asked for at the same time */
#define KITH_RESOLVER_WAITING 256

typedef struct kith_resolver kith_resolver;

/* `wake` is called from a thread of the resolver's when there is a result. NULL: no memory. */
kith_resolver *kith_resolver_new(void (*wake)(void *user), void *user) KITH_MUST_CHECK;
/* Joins the threads; one that is inside the system's resolver, which may take half a minute, is
 * left to end by itself and touches nothing of ours but its job. NULL is fine. */
void kith_resolver_free(kith_resolver *resolver);
/* False: too many are waiting, or there is no thread or memory for it. */
bool kith_resolver_ask(kith_resolver *resolver, uint64_t id, const char *hostname, bool no_ipv6);
/* The next result; false: none. Cheap when there is none. */
bool kith_resolver_event(kith_resolver *resolver, kith_resolved *out);

#endif
