/* A TURN server in a loop: its sockets, and which of the endpoint's it may reach. */
#ifndef KITH_IO_TURN_DRIVER_H
#define KITH_IO_TURN_DRIVER_H

#include "io/turn_streams.h"
#include "kith/loop.h"

typedef struct kith_turn_driver kith_turn_driver;

/* A loop without a server is fine for all of these. */
void kith_turn_driver_deinit(kith_loop *loop);
/* Does what is due, opens and closes sockets, sends what waits. */
void kith_turn_driver_update(kith_loop *loop);
kith_time kith_turn_driver_deadline(const kith_loop *loop);
/* A socket of the endpoint is open, or closed: clients may reach it, or no longer. NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_turn_driver_opened(kith_loop *loop, const kith_address *local);
void kith_turn_driver_closed(kith_loop *loop, const kith_address *local);

/* For turn_streams.c, of a loop that has a server. */
kith_turn_server *kith_turn_driver_server(const kith_loop *loop);
kith_turn_streams *kith_turn_driver_streams(kith_loop *loop);
/* Takes all datagrams that a piece of a stream made leave. */
void kith_turn_driver_collect(kith_loop *loop);

#endif
