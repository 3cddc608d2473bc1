/* TCP and TLS clients of a TURN server in a loop: sockets that listen and sockets that are
 * connected. */
#ifndef KITH_IO_TURN_STREAMS_H
#define KITH_IO_TURN_STREAMS_H

#include "base/list.h"
#include "base/map.h"
#include "kith/loop.h"

typedef struct kith_turn_streams {
    /* by path */
    kith_map connections;
    kith_list listeners;
} kith_turn_streams;

void kith_turn_streams_init(kith_turn_streams *streams);
/* Closes all. */
void kith_turn_streams_deinit(kith_turn_streams *streams);
/* Listens at `local`, whose port 0 becomes the one that it is. NO_MEMORY, SYSTEM. */
KITH_MUST_CHECK kith_err kith_turn_streams_listen(kith_loop *loop, kith_address *local,
                                                  bool uses_tls);
/* Writes what waits, and closes what the server wants closed. Not while epoll's list is gone
 * through. */
void kith_turn_streams_update(kith_loop *loop);

#endif
