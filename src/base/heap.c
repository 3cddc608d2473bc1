/* Binary heap of deadlines. Each node knows its place, so that moving or removing any of them costs
 * a walk to the root or to a leaf and no search. */
#include "base/heap.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

void kith_heap_init(kith_heap *heap)
{
    *heap = (kith_heap){0};
}

void kith_heap_deinit(kith_heap *heap)
{
    kith_free(heap->nodes);
    *heap = (kith_heap){0};
}

kith_err kith_heap_reserve(kith_heap *heap, size_t count)
{
    if (count <= heap->cap)
        return KITH_OK;
    if (count > SIZE_MAX / 2 / sizeof *heap->nodes)
        return kith_fail_memory();
    size_t cap = count > 2 * heap->cap ? count : 2 * heap->cap;
    kith_heap_node **nodes = kith_resize(heap->nodes, cap * sizeof *nodes);
    if (!nodes)
        return kith_fail_memory();
    heap->nodes = nodes;
    heap->cap = cap;
    return KITH_OK;
}

static void put(kith_heap *heap, size_t at, kith_heap_node *node)
{
    heap->nodes[at] = node;
    node->place = at + 1;
}

/* Puts `node` at `at` or nearer to the root. */
static void rise(kith_heap *heap, size_t at, kith_heap_node *node)
{
    while (at > 0 && node->at < heap->nodes[(at - 1) / 2]->at) {
        put(heap, at, heap->nodes[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(heap, at, node);
}

/* Puts `node` at `at` or nearer to the leaves. */
static void sink(kith_heap *heap, size_t at, kith_heap_node *node)
{
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap->nodes[child + 1]->at < heap->nodes[child]->at)
            child++;
        if (node->at <= heap->nodes[child]->at)
            break;
        put(heap, at, heap->nodes[child]);
    }
    put(heap, at, node);
}

static void settle(kith_heap *heap, size_t at, kith_heap_node *node)
{
    if (at > 0 && node->at < heap->nodes[(at - 1) / 2]->at)
        rise(heap, at, node);
    else
        sink(heap, at, node);
}

/* The last node fills the gap. */
static void remove_node(kith_heap *heap, kith_heap_node *node)
{
    size_t at = node->place - 1;
    node->place = 0;
    kith_heap_node *filler = heap->nodes[--heap->count];
    if (filler != node)
        settle(heap, at, filler);
}

void kith_heap_set(kith_heap *heap, kith_heap_node *node, kith_time at)
{
    node->at = at;
    if (node->place > 0 && at == KITH_NEVER) {
        remove_node(heap, node);
    } else if (node->place > 0) {
        settle(heap, node->place - 1, node);
    } else if (at != KITH_NEVER) {
        assert(heap->count < heap->cap);
        heap->count++;
        rise(heap, heap->count - 1, node);
    }
}

kith_heap_node *kith_heap_first(const kith_heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}
