/* First-in first-out queue of byte records in one contiguous buffer that grows up to a limit:
 * packets that wait to leave, packets that came too early. Each record is contiguous. */
#ifndef KITH_BASE_RING_H
#define KITH_BASE_RING_H

#include "base/span.h"

typedef struct kith_ring {
    uint8_t *data;
    /* head: oldest record; tail: where the next goes */
    size_t cap, head, tail;
    /* where the records before the wrap end; only while tail < head */
    size_t wrap;
    /* cap never exceeds it */
    size_t limit;
    /* records */
    size_t count;
    /* sum of their lengths */
    size_t bytes;
} kith_ring;

/* No memory is taken before the first push. */
void kith_ring_init(kith_ring *ring, size_t limit);
void kith_ring_deinit(kith_ring *ring);
/* Appends a copy of data; false (and nothing changed) when the limit or memory is exhausted. */
bool kith_ring_push(kith_ring *ring, const void *data, size_t len) KITH_MUST_CHECK;
/* Appends a record of unset bytes, to be written before the next push or pop; NULL as with push. */
uint8_t *kith_ring_append(kith_ring *ring, size_t len) KITH_MUST_CHECK;
/* The oldest record, borrowed until the next push or pop; data NULL when empty. */
kith_span kith_ring_peek(const kith_ring *ring);
void kith_ring_pop(kith_ring *ring);
void kith_ring_clear(kith_ring *ring);

#endif
