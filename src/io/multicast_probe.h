/* Does multicast DNS work on this machine? A question is sent to its group, as one for a ".local"
 * name of a browser would be, and must come back by the system's own loop. What the network does
 * with it beyond is not seen. */
#ifndef KITH_IO_MULTICAST_PROBE_H
#define KITH_IO_MULTICAST_PROBE_H

#include "kith/loop.h"

typedef struct kith_multicast_probe kith_multicast_probe;

/* Asks, on the interfaces of the loop's addresses. NULL: no socket, or no memory. */
kith_multicast_probe *kith_multicast_probe_new(kith_loop *loop);
void kith_multicast_probe_free(kith_multicast_probe *probe);
/* True: it is known, in *works. */
bool kith_multicast_probe_result(const kith_multicast_probe *probe, kith_time now,
                                 kith_nat_answer *works);
/* When it is known at the latest. */
kith_time kith_multicast_probe_deadline(const kith_multicast_probe *probe);

#endif
