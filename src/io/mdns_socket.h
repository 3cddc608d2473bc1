/* The sockets of multicast DNS, open while a question is out: port 5353 for both families,
 * joined on the interfaces that peers use. */
#ifndef KITH_IO_MDNS_SOCKET_H
#define KITH_IO_MDNS_SOCKET_H

#include "base/span.h"
#include "io/interfaces.h"

typedef struct kith_mdns_sockets {
    /* IPv4, IPv6; -1 where there is none */
    int fds[2];
    uint32_t interfaces[2][KITH_LOCAL_ADDRESSES];
    size_t interface_count[2];
} kith_mdns_sockets;

/* Opens on the interfaces of `list`. False: none could be opened. */
bool kith_mdns_sockets_open(kith_mdns_sockets *sockets, const kith_interface_address *list,
                            size_t count);
void kith_mdns_sockets_close(kith_mdns_sockets *sockets);
/* To everybody on every interface; what fails is lost, and asked again later. */
void kith_mdns_sockets_send(const kith_mdns_sockets *sockets, kith_span packet);
/* What came to fds[which]; false: nothing is there. len 0: nothing that may be believed. */
bool kith_mdns_sockets_receive(const kith_mdns_sockets *sockets, int which, void *buf, size_t *len,
                               uint32_t *interface_index);

/* Longest packet (RFC 6762 section 17). */
#define KITH_MDNS_RECEIVE_BYTES 9000

#endif
