/* A UDP socket bound to one address, with what the kernel offers for speed: batches both ways
 * (UDP_SEGMENT, UDP_GRO), silently without where it does not. Knows no loop. */
#ifndef KITH_IO_UDP_H
#define KITH_IO_UDP_H

#include "io/batch.h"

typedef struct kith_udp {
    /* -1: closed */
    int fd;
    kith_address local;
    /* the kernel splits batches */
    bool has_gso;
    /* what the socket is set to */
    bool dont_fragment;
    /* the system refused the last batch for its path's sake: no route, the interface is down, a
     * firewall */
    bool is_unreachable;
} kith_udp;

typedef struct kith_udp_options {
    /* bytes */
    int receive_buffer, send_buffer;
} kith_udp_options;

/* Opens and binds to `local`; port 0 takes any, and udp->local says which. Returns 0 or errno. */
int kith_udp_open(kith_udp *udp, const kith_address *local, const kith_udp_options *options);
void kith_udp_close(kith_udp *udp);

/* Sends what is unsent. False: the socket is full and the rest is still in the batch. Any other
 * failure (no route, a firewall, too long for the link) is loss, as it would be further along
 * the way. */
bool kith_udp_send(kith_udp *udp, kith_batch *batch);

/* What one call received: `len` bytes from one remote address, packets of `segment` bytes and a
 * last one that may be shorter. */
typedef struct kith_udp_received {
    kith_packet_info info;
    size_t segment, len;
} kith_udp_received;

/* A batch of this size is as long as the kernel makes them. */
#define KITH_UDP_RECEIVE_BYTES 65536

/* False: nothing is there. len 0: something came that is of no use. */
bool kith_udp_receive(kith_udp *udp, uint8_t *buf, size_t cap, kith_udp_received *out);

#endif
