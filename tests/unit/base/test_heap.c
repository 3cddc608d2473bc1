/* The heap of deadlines: random moves and removals, the order checked after each. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/heap.h"

#define NODES 200

static uint32_t state;

/* Numbers that need not be good, only the same in every run. */
static uint32_t next_number(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

static bool in_order(const kith_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        if (heap->nodes[i]->place != i + 1 ||
            heap->nodes[(i > 0 ? i - 1 : 0) / 2]->at > heap->nodes[i]->at)
            return false;
    return true;
}

START_TEST(the_earliest_comes_first)
{
    kith_heap heap;
    kith_heap_node nodes[NODES] = {0};
    kith_heap_init(&heap);
    ck_assert_ptr_null(kith_heap_first(&heap));
    ck_assert_int_eq(kith_heap_reserve(&heap, NODES), KITH_OK);
    for (int i = 0; i < NODES; i++)
        kith_heap_set(&heap, &nodes[i], next_number() % 1000);
    ck_assert(in_order(&heap));
    kith_time last = 0;
    for (int i = 0; i < NODES; i++) {
        kith_heap_node *first = kith_heap_first(&heap);
        ck_assert_int_ge(first->at, last);
        last = first->at;
        kith_heap_set(&heap, first, KITH_NEVER);
        ck_assert_uint_eq(first->place, 0);
    }
    ck_assert_ptr_null(kith_heap_first(&heap));
    kith_heap_deinit(&heap);
}
END_TEST

START_TEST(any_node_can_be_moved_or_removed)
{
    kith_heap heap;
    kith_heap_node nodes[NODES] = {0};
    kith_heap_init(&heap);
    ck_assert_int_eq(kith_heap_reserve(&heap, NODES), KITH_OK);
    for (int round = 0; round < 5000; round++) {
        kith_heap_node *node = &nodes[next_number() % NODES];
        bool remove = next_number() % 4 == 0;
        kith_heap_set(&heap, node, remove ? KITH_NEVER : (kith_time)(next_number() % 1000));
        ck_assert(in_order(&heap));
        size_t in = 0;
        for (int i = 0; i < NODES; i++)
            in += nodes[i].place > 0;
        ck_assert_uint_eq(in, heap.count);
    }
    kith_heap_deinit(&heap);
}
END_TEST

START_TEST(never_is_not_kept)
{
    kith_heap heap;
    kith_heap_node node = {0};
    kith_heap_init(&heap);
    kith_heap_set(&heap, &node, KITH_NEVER);
    ck_assert_uint_eq(heap.count, 0);
    ck_assert(node.at == KITH_NEVER);
    kith_heap_deinit(&heap);
}
END_TEST

START_TEST(room_is_reserved_or_the_heap_is_as_before)
{
    oom_begin(2, false);
    kith_heap heap;
    kith_heap_node node = {0};
    kith_heap_init(&heap);
    ck_assert_int_eq(kith_heap_reserve(&heap, 1), KITH_OK);
    kith_heap_set(&heap, &node, 5);
    ck_assert_int_eq(kith_heap_reserve(&heap, 100), KITH_ERR_NO_MEMORY);
    ck_assert_int_eq(kith_heap_reserve(&heap, SIZE_MAX), KITH_ERR_NO_MEMORY);
    ck_assert_ptr_eq(kith_heap_first(&heap), &node);
    ck_assert_int_eq(kith_heap_reserve(&heap, 100), KITH_OK);
    ck_assert_ptr_eq(kith_heap_first(&heap), &node);
    kith_heap_deinit(&heap);
    oom_end();
}
END_TEST

UNIT_MAIN("base: heap", the_earliest_comes_first, any_node_can_be_moved_or_removed,
          never_is_not_kept, room_is_reserved_or_the_heap_is_as_before)
