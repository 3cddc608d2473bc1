/* TCP between hosts of the world: connections that carry bytes in order, in pieces of any length,
 * with a buffer that fills. What would be loss is delay. */
#ifndef KITH_TESTS_SIM_TCP_H
#define KITH_TESTS_SIM_TCP_H

#include "world.h"

/* What the sender's kernel holds before its connection takes no more. */
#define TCP_BUFFER ((size_t)32 * 1024)

/* What a closed peer may say behind that. */
#define TCP_BEYOND ((size_t)4 * 1024)

/* The host's peers may connect; with a port they are connected to as well. False: no memory. */
bool host_add_tcp(host *h, uint16_t port);
/* All its connections end, as by a middlebox: both ends hear of it. */
void host_reset_tcp(host *h);

/* Nothing passes on them any more, and neither end hears of that. */
void host_cut_tcp(host *h);

/* world.c: the endpoint's requests and what it sends. */
void tcp_connect(host *h, const kith_request *request);
void tcp_disconnect(host *h, const kith_request *request);
void tcp_send(host *h, const kith_path *path, const uint8_t *data, size_t len);
void tcp_free(struct tcp_connection *all);

/* What the host has sent and its connection not taken. */
size_t tcp_waiting(host *h, const kith_path *path);
/* The host ends one of its connections. */
void tcp_close(host *h, const kith_path *path);

/* A bare connection from `from`, an address that need be no host's, to the listener of `to`: bytes
 * come as they are given. False: it was closed at once. */
bool tcp_intrude(host *to, kith_path *path, const char *from);
void tcp_intruder_says(host *to, const kith_path *path, const void *data, size_t len);

#endif
