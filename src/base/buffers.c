#include "base/buffers.h"

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

/* 2 kB: the smallest */
#define SMALLEST 11
/* 256 kB: the largest that lie spare */
#define KEPT    18
#define LARGEST 23
#define CLASSES (LARGEST - SMALLEST + 1)

_Static_assert(KITH_BUFFERS_LARGEST == (size_t)1 << LARGEST, "the header says what the code does");

struct kith_buffers {
    /* of 2^(SMALLEST + index) bytes; made when first asked for */
    kith_block_pool *classes[CLASSES];
};

kith_err kith_buffers_new(kith_buffers **out)
{
    kith_buffers *buffers = kith_alloc_zero(1, sizeof *buffers);
    if (!buffers)
        return kith_fail_memory();
    *out = buffers;
    return KITH_OK;
}

void kith_buffers_free(kith_buffers *buffers)
{
    if (!buffers)
        return;
    for (unsigned i = 0; i < CLASSES; i++)
        kith_block_pool_free(buffers->classes[i]);
    kith_free(buffers);
}

void *kith_buffers_take(kith_buffers *buffers, size_t size)
{
    unsigned bits = SMALLEST;
    while (bits <= LARGEST && (size_t)1 << bits < size)
        bits++;
    if (bits > LARGEST)
        return NULL;
    kith_block_pool **pool = &buffers->classes[bits - SMALLEST];
    if (!*pool && kith_block_pool_new(pool, (size_t)1 << bits, SIZE_MAX) != KITH_OK)
        return NULL;
    /* what is larger comes seldom, and lies spare at a price */
    if (bits > KEPT)
        kith_block_pool_trim(*pool, 0);
    return kith_block_take(*pool);
}

void kith_buffers_trim(kith_buffers *buffers)
{
    for (unsigned i = 0; i < CLASSES; i++) {
        if (buffers->classes[i])
            kith_block_pool_trim(buffers->classes[i], 0);
    }
}
