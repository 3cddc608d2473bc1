/* Intrusive binary heap of deadlines: the earliest first, any one movable or removable. */
#ifndef KITH_BASE_HEAP_H
#define KITH_BASE_HEAP_H

#include "kith/base.h"

typedef struct kith_heap_node {
    kith_time at;
    /* index in the heap + 1; 0: not in */
    size_t place;
} kith_heap_node;

typedef struct kith_heap {
    kith_heap_node **nodes;
    size_t count, cap;
} kith_heap;

void kith_heap_init(kith_heap *heap);
void kith_heap_deinit(kith_heap *heap);
/* Makes room for `count` nodes in all, so that kith_heap_set cannot fail for that many. */
KITH_MUST_CHECK kith_err kith_heap_reserve(kith_heap *heap, size_t count);
/* Adds or moves a node; KITH_NEVER removes it. Room must have been reserved. */
void kith_heap_set(kith_heap *heap, kith_heap_node *node, kith_time at);
kith_heap_node *kith_heap_first(const kith_heap *heap); /* the earliest, or NULL */

#endif
