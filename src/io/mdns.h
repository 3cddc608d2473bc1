/* The querier of multicast DNS (RFC 6762 section 5.1) that `.local` candidates need: who is
 * asked for what, when again, and when it is given up. Pure: packets and time come in, questions
 * and results go out. */
#ifndef KITH_IO_MDNS_H
#define KITH_IO_MDNS_H

#include "base/list.h"
#include "io/resolved.h"

/* Names asked for at the same time. */
#define KITH_MDNS_QUERIES 256
/* A question for two types of one name. */
#define KITH_MDNS_PACKET 600

typedef struct kith_mdns {
    /* of struct query */
    kith_list asking;
    /* results that nobody took yet */
    kith_list done;
    /* in both */
    size_t count;
    /* for jitter */
    uint32_t random;
} kith_mdns;

void kith_mdns_init(kith_mdns *mdns, uint32_t seed);
void kith_mdns_deinit(kith_mdns *mdns);
/* False: too many, no valid name or no memory. */
bool kith_mdns_ask(kith_mdns *mdns, kith_time now, uint64_t id, const char *name);
/* A packet from port 5353 that came in on the interface `scope_id`. */
void kith_mdns_input(kith_mdns *mdns, const void *data, size_t len, uint32_t scope_id);
/* The next question to send; 0: none. */
size_t kith_mdns_output(kith_mdns *mdns, kith_time now, void *buf, size_t cap);
/* The next name that is resolved or given up; false: none. */
bool kith_mdns_event(kith_mdns *mdns, kith_time now, kith_resolved *out);
kith_time kith_mdns_deadline(const kith_mdns *mdns);
/* Is any question out? */
bool kith_mdns_busy(const kith_mdns *mdns);

#endif
