/* The sizes leave room for our headers around the message sizes that are common: a key press, a
 * chat line, a packet, 4, 16, 64 and 256 KiB. Longer blocks, and those that fill a long one badly,
 * are allocated and freed each time: what a peer makes us hold is little more than what it sent. */
#include "sctp/pool.h"

#include "base/memory.h"

#define HEADERS 256

static const size_t classes[KITH_POOL_CLASSES] = {
    112, 240, 512, 1536, 4096 + HEADERS, 16384 + HEADERS, 65536 + HEADERS, 262144 + HEADERS,
};

void kith_pool_init(kith_pool *pool, size_t limit)
{
    *pool = (kith_pool){.limit = limit};
}

void kith_pool_drain(kith_pool *pool)
{
    for (int i = 0; i < KITH_POOL_CLASSES; i++) {
        while (pool->spare[i]) {
            kith_pool_block *block = pool->spare[i];
            pool->spare[i] = block->next;
            kith_free(block);
        }
    }
    pool->kept = 0;
}

/* Below it a block may be filled badly. */
#define SHORT (4096 + HEADERS)

/* The first class that has room, or KITH_POOL_CLASSES. */
static int class_of(size_t size)
{
    int class = 0;
    while (class < KITH_POOL_CLASSES && classes[class] < size)
        class ++;
    bool wasteful = class < KITH_POOL_CLASSES && classes[class] > SHORT &&
                    classes[class] - size > classes[class] / 8;
    return wasteful ? KITH_POOL_CLASSES : class;
}

void *kith_pool_take(kith_pool *pool, size_t size, size_t *cap)
{
    int class = class_of(size);
    if (class == KITH_POOL_CLASSES) {
        *cap = size;
        return kith_alloc(size);
    }
    *cap = classes[class];
    kith_pool_block *block = pool->spare[class];
    if (!block)
        return kith_alloc(classes[class]);
    pool->spare[class] = block->next;
    pool->kept -= classes[class];
    return block;
}

void kith_pool_release(kith_pool *pool, void *block, size_t cap)
{
    int class = class_of(cap);
    if (class == KITH_POOL_CLASSES || classes[class] != cap || pool->kept + cap > pool->limit) {
        kith_free(block);
        return;
    }
    kith_pool_block *spare = block;
    spare->next = pool->spare[class];
    pool->spare[class] = spare;
    pool->kept += cap;
}
