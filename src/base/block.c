/* The pool's own thread keeps a list of spare blocks; what is released, by whichever thread, is
 * pushed on a stack that only the pool's thread takes, and always whole, so that no block can be
 * mistaken for another one at the same address. When the pool goes the stack is closed: who
 * releases a block then frees it, and the last of them frees the pool. */
#include "base/block.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

typedef struct head {
    kith_block_pool *pool;
    struct head *next;
    atomic_size_t references;
    _Alignas(max_align_t) uint8_t content[];
} head;

struct kith_block_pool {
    size_t size, limit;
    /* blocks that exist */
    size_t count;
    head *spare;
    /* released and not yet taken home; CLOSED after the pool's end */
    _Atomic(head *) released;
    /* after its end: blocks that are still held. Below zero while the end is being made. */
    atomic_ptrdiff_t orphans;
};

static head closed;
#define CLOSED (&closed)

static head *head_of(void *block)
{
    return (head *)(void *)((uint8_t *)block - offsetof(head, content));
}

kith_err kith_block_pool_new(kith_block_pool **out, size_t size, size_t limit)
{
    kith_block_pool *pool = kith_alloc_zero(1, sizeof *pool);
    if (!pool)
        return kith_fail_memory();
    pool->size = size;
    pool->limit = limit;
    *out = pool;
    return KITH_OK;
}

static size_t free_all(head *first)
{
    size_t count = 0;
    while (first) {
        head *next = first->next;
        kith_free(first);
        first = next;
        count++;
    }
    return count;
}

void kith_block_pool_free(kith_block_pool *pool)
{
    if (!pool)
        return;
    pool->count -= free_all(atomic_exchange(&pool->released, CLOSED));
    pool->count -= free_all(pool->spare);
    ptrdiff_t held = (ptrdiff_t)pool->count;
    if (atomic_fetch_add(&pool->orphans, held) + held == 0)
        kith_free(pool);
}

/* Everything that was released, behind what lies spare already. */
static void take_home(kith_block_pool *pool)
{
    head *released = atomic_exchange(&pool->released, NULL);
    while (released) {
        head *next = released->next;
        released->next = pool->spare;
        pool->spare = released;
        released = next;
    }
}

void kith_block_pool_trim(kith_block_pool *pool, size_t keep)
{
    take_home(pool);
    while (pool->spare && pool->count > keep) {
        head *spare = pool->spare;
        pool->spare = spare->next;
        pool->count--;
        kith_free(spare);
    }
}

size_t kith_block_pool_count(const kith_block_pool *pool)
{
    return pool->count;
}

void *kith_block_take(kith_block_pool *pool)
{
    if (!pool->spare)
        take_home(pool);
    head *block = pool->spare;
    if (block) {
        pool->spare = block->next;
    } else {
        if (pool->count == pool->limit)
            return NULL;
        block = kith_alloc(sizeof *block + pool->size);
        if (!block)
            return NULL;
        block->pool = pool;
        pool->count++;
    }
    atomic_init(&block->references, 1);
    return block->content;
}

void *kith_block_ref(void *block)
{
    size_t before = atomic_fetch_add_explicit(&head_of(block)->references, 1, memory_order_relaxed);
    assert(before > 0);
    return block;
}

/* The pool is gone; nobody else looks at this block. */
static void release_orphan(kith_block_pool *pool, head *block)
{
    kith_free(block);
    if (atomic_fetch_sub(&pool->orphans, 1) == 1)
        kith_free(pool);
}

void kith_block_unref(void *block)
{
    if (!block)
        return;
    head *h = head_of(block);
    size_t before = atomic_fetch_sub(&h->references, 1);
    assert(before > 0);
    if (before > 1)
        return;
    kith_block_pool *pool = h->pool;
    head *top = atomic_load(&pool->released);
    do {
        if (top == CLOSED) {
            release_orphan(pool, h);
            return;
        }
        h->next = top;
    } while (!atomic_compare_exchange_weak(&pool->released, &top, h));
}
