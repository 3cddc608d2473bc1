/* Packets of one path in one contiguous run, so that one system call sends them all
 * (UDP_SEGMENT): all of one length but the last, which may be shorter; on TCP of any length. Pure:
 * it fills memory and knows no socket. */
#ifndef KITH_IO_BATCH_H
#define KITH_IO_BATCH_H

#include "base/span.h"
#include "kith/endpoint.h"

/* The kernel takes at most 65,507 bytes a call; it checks the segments' count too, and older
 * ones allow 64. */
#define KITH_BATCH_BYTES   65000
#define KITH_BATCH_PACKETS 64

typedef struct kith_batch {
    /* of every packet in it */
    kith_packet_info info;
    /* length of each packet but the last */
    size_t segment;
    /* what is not sent yet: data[start] to data[end - 1] */
    size_t start, end;
    /* packets that were added */
    size_t count;
    /* the last packet was shorter: none may follow */
    bool complete;

    /* a packet that begins the next batch, behind `end` */
    kith_packet_info next_info;
    /* 0: none */
    size_t next_len;

    uint8_t data[KITH_BATCH_BYTES + KITH_MAX_PACKET];
} kith_batch;

void kith_batch_init(kith_batch *batch);
static inline bool kith_batch_empty(const kith_batch *batch)
{
    return batch->start == batch->end;
}
/* Where the next packet may be written; only while nothing begins the next batch. */
uint8_t *kith_batch_space(kith_batch *batch);
/* How many bytes: KITH_MAX_PACKET, and as many as a datagram may have where nothing is yet. */
size_t kith_batch_room(const kith_batch *batch);
/* Takes the packet of len bytes that was written there. False: it begins the next batch and
 * waits behind this one, which must be sent first. */
bool kith_batch_add(kith_batch *batch, const kith_packet_info *info, size_t len);
/* How many packets are not sent. */
size_t kith_batch_packets(const kith_batch *batch);
/* All that is not sent. */
kith_span kith_batch_unsent(const kith_batch *batch);
/* The first packet that is not sent; empty when there is none. */
kith_span kith_batch_first(const kith_batch *batch);
/* The first `len` bytes left. */
void kith_batch_sent(kith_batch *batch, size_t len);
/* Drops what is not sent and begins the next batch, with the packet that waits for it. */
void kith_batch_next(kith_batch *batch);

#endif
