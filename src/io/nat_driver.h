/* The driver of a probe of the network (kith/nat.h) in a loop. */
#ifndef KITH_IO_NAT_DRIVER_H
#define KITH_IO_NAT_DRIVER_H

#include "kith/loop.h"

typedef struct kith_nat_driver kith_nat_driver;

/* Does what is due, and sends. */
void kith_nat_driver_update(kith_loop *loop);
kith_time kith_nat_driver_deadline(const kith_loop *loop);
/* A name that the probe asked for. False: the id is not of the probe. */
bool kith_nat_driver_resolved(kith_loop *loop, uint64_t id, const kith_address *addresses,
                              size_t count);
/* What finds out about multicast DNS meanwhile; NULL: nothing does. */
struct kith_multicast_probe *kith_nat_driver_multicast(const kith_loop *loop);
/* Closes its sockets; the probe is the caller's. */
void kith_nat_driver_deinit(kith_loop *loop);

#endif
