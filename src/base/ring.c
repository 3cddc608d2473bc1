/* Records lie one behind the other, each with its length in front. A record that does not fit
 * behind the last one goes to the start of the buffer if the oldest have left room there; otherwise
 * the buffer grows, up to its limit. At the limit nothing is moved: a full ring says no. */
#include "base/ring.h"

#include "base/memory.h"

#define HEADER    sizeof(uint32_t)
#define FIRST_CAP 2048

void kith_ring_init(kith_ring *ring, size_t limit)
{
    *ring = (kith_ring){.limit = limit};
}

void kith_ring_deinit(kith_ring *ring)
{
    kith_free(ring->data);
    kith_ring_init(ring, ring->limit);
}

void kith_ring_clear(kith_ring *ring)
{
    ring->head = ring->tail = ring->wrap = 0;
    ring->count = ring->bytes = 0;
}

/* Do the records run over the end of the buffer? */
static bool wrapped(const kith_ring *ring)
{
    return ring->count > 0 && ring->tail <= ring->head;
}

/* Moves all records to the front of a larger buffer with room for `need` more bytes. */
static bool grow(kith_ring *ring, size_t need)
{
    size_t used = ring->bytes + ring->count * HEADER;
    if (ring->cap == ring->limit || need > ring->limit - used)
        return false;
    size_t cap = ring->cap < FIRST_CAP ? FIRST_CAP : ring->cap;
    while (cap < ring->limit && (cap == ring->cap || cap - used < need))
        cap = cap > ring->limit / 2 ? ring->limit : 2 * cap;
    if (cap > ring->limit)
        cap = ring->limit;
    uint8_t *data = kith_alloc(cap);
    if (!data)
        return false;
    if (ring->count > 0) {
        size_t end = wrapped(ring) ? ring->wrap : ring->tail;
        memcpy(data, ring->data + ring->head, end - ring->head);
        if (wrapped(ring))
            memcpy(data + (end - ring->head), ring->data, ring->tail);
    }
    kith_free(ring->data);
    ring->data = data;
    ring->cap = cap;
    ring->head = 0;
    ring->tail = used;
    return true;
}

/* Sees to it that `need` bytes are free at the tail. */
static bool make_room(kith_ring *ring, size_t need)
{
    size_t end = wrapped(ring) ? ring->head : ring->cap;
    if (need <= end - ring->tail)
        return true;
    if (!wrapped(ring) && need <= ring->head) {
        ring->wrap = ring->tail;
        ring->tail = 0;
        return true;
    }
    return grow(ring, need);
}

uint8_t *kith_ring_append(kith_ring *ring, size_t len)
{
    if (len > UINT32_MAX || ring->limit < HEADER || len > ring->limit - HEADER ||
        !make_room(ring, HEADER + len))
        return NULL;
    uint32_t header = (uint32_t)len;
    uint8_t *record = ring->data + ring->tail + HEADER;
    memcpy(ring->data + ring->tail, &header, HEADER);
    ring->tail += HEADER + len;
    ring->count++;
    ring->bytes += len;
    return record;
}

bool kith_ring_push(kith_ring *ring, const void *data, size_t len)
{
    uint8_t *record = kith_ring_append(ring, len);
    if (!record)
        return false;
    if (len > 0)
        memcpy(record, data, len);
    return true;
}

kith_span kith_ring_peek(const kith_ring *ring)
{
    if (ring->count == 0)
        return kith_span_of(NULL, 0);
    uint32_t len;
    memcpy(&len, ring->data + ring->head, HEADER);
    return kith_span_of(ring->data + ring->head + HEADER, len);
}

void kith_ring_pop(kith_ring *ring)
{
    if (ring->count == 0)
        return;
    bool over_the_end = wrapped(ring);
    size_t len = kith_ring_peek(ring).len;
    ring->head += HEADER + len;
    ring->bytes -= len;
    ring->count--;
    if (over_the_end && ring->head == ring->wrap)
        ring->head = 0;
    if (ring->count == 0)
        kith_ring_clear(ring);
}
