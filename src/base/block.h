/* Blocks of one size with a count of references: a packet is copied into one once and from then on
 * shared. One thread takes them; any thread may hold and release them, and what another thread
 * releases goes home on a stack without a lock. Blocks outlive their pool. */
#ifndef KITH_BASE_BLOCK_H
#define KITH_BASE_BLOCK_H

#include "kith/base.h"

typedef struct kith_block_pool kith_block_pool;

/* Blocks of `size` bytes, at most `limit` at a time, spare ones included. No block is allocated
 * before the first is taken. */
KITH_MUST_CHECK kith_err kith_block_pool_new(kith_block_pool **out, size_t size, size_t limit);
/* Frees what lies spare. Blocks that are held stay good; the last one that is released takes the
 * rest of the pool with it. */
void kith_block_pool_free(kith_block_pool *pool);
/* Gives spare memory back until at most `keep` blocks are left, or all that are left are held. */
void kith_block_pool_trim(kith_block_pool *pool, size_t keep);
/* Blocks that exist: held and spare. */
size_t kith_block_pool_count(const kith_block_pool *pool);

/* A block with one reference, uninitialised and aligned for any type; NULL: `limit` are held, or no
 * memory. */
KITH_MUST_CHECK void *kith_block_take(kith_block_pool *pool);

/* From any thread. */
void *kith_block_ref(void *block);
/* From any thread; NULL is fine. */
void kith_block_unref(void *block);

#endif
