/* TCP for an endpoint's peers: listeners, connections made and accepted, bytes both ways. */
#ifndef KITH_IO_TCP_H
#define KITH_IO_TCP_H

#include "base/list.h"
#include "base/map.h"
#include "io/batch.h"
#include "kith/loop.h"

typedef struct kith_tcp {
    /* of connections by path, once they are there */
    kith_map connections;
    /* of those being made, of those that nobody uses any more and whose last bytes are on their
     * way, and of listeners */
    kith_list connecting, parting, listeners;
} kith_tcp;

void kith_tcp_init(kith_tcp *tcp);
void kith_tcp_deinit(kith_tcp *tcp);
/* Listens at `local`, which has a port. */
KITH_MUST_CHECK kith_err kith_tcp_listen(kith_loop *loop, const kith_address *local);
void kith_tcp_unlisten(kith_loop *loop, const kith_address *local);
/* Requests of the endpoint. */
void kith_tcp_connect(kith_loop *loop, const kith_request *request);
void kith_tcp_disconnect(kith_loop *loop, const kith_request *request);
/* All of the batch leaves on the connection that it is for, now or when that takes it. */
void kith_tcp_send(kith_loop *loop, const kith_batch *batch);
/* Closes all, as kith_tcp_disconnect does, without a word to the endpoint. */
void kith_tcp_part(kith_loop *loop);
/* Gives up what takes too long to connect or to part, and listens again where files had run out. */
void kith_tcp_update(kith_loop *loop);
kith_time kith_tcp_deadline(const kith_loop *loop);

#endif
