/* Blocks of memory of a few sizes, kept for the next one who asks: no message costs an allocation
 * once a transfer runs. One per association, used by the thread that uses the association. */
#ifndef KITH_SCTP_POOL_H
#define KITH_SCTP_POOL_H

#include "kith/base.h"

#define KITH_POOL_CLASSES 8

typedef struct kith_pool_block {
    struct kith_pool_block *next;
} kith_pool_block;

typedef struct kith_pool {
    kith_pool_block *spare[KITH_POOL_CLASSES];
    /* bytes that lie spare, and how many may */
    size_t kept, limit;
} kith_pool;

void kith_pool_init(kith_pool *pool, size_t limit);
/* Frees what lies spare, not what is handed out. The pool may be used on. */
void kith_pool_drain(kith_pool *pool);
/* At least `size` bytes, uninitialised; *cap is how many, and goes back with the block. NULL: no
 * memory. */
KITH_MUST_CHECK void *kith_pool_take(kith_pool *pool, size_t size, size_t *cap);
void kith_pool_release(kith_pool *pool, void *block, size_t cap);

#endif
