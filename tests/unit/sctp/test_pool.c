#include "sctp/pool.h"

#include <string.h>

#include "allocations.h"
#include "base/memory.h"
#include "unit.h"

START_TEST(a_block_that_was_given_back_is_handed_out_again)
{
    kith_set_allocator(&counting);
    allocations = 0;
    kith_pool pool;
    kith_pool_init(&pool, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        size_t small, large;
        void *a = kith_pool_take(&pool, 100, &small);
        void *b = kith_pool_take(&pool, 16384 + 64, &large);
        ck_assert_uint_ge(small, 100);
        ck_assert_uint_ge(large, 16384 + 64);
        memset(a, 1, small);
        memset(b, 2, large);
        kith_pool_release(&pool, a, small);
        kith_pool_release(&pool, b, large);
    }
    ck_assert_uint_eq(allocations, 2);
    kith_pool_drain(&pool);
    kith_set_allocator(NULL);
}
END_TEST

START_TEST(no_more_is_kept_than_the_limit)
{
    kith_pool pool;
    kith_pool_init(&pool, 100000);
    void *blocks[10];
    size_t cap[10];
    for (int i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(blocks[i] = kith_pool_take(&pool, 60000, &cap[i]));
    for (int i = 0; i < 10; i++)
        kith_pool_release(&pool, blocks[i], cap[i]);
    ck_assert_uint_le(pool.kept, 100000);
    ck_assert_uint_gt(pool.kept, 0);
    kith_pool_drain(&pool);
    ck_assert_uint_eq(pool.kept, 0);
}
END_TEST

START_TEST(blocks_longer_than_any_class_are_exact_and_not_kept)
{
    kith_pool pool;
    kith_pool_init(&pool, (size_t)100 << 20);
    size_t cap;
    void *block = kith_pool_take(&pool, 5000000, &cap);
    ck_assert_uint_eq(cap, 5000000);
    kith_pool_release(&pool, block, cap);
    ck_assert_uint_eq(pool.kept, 0);
}
END_TEST

UNIT_MAIN("sctp: pool", a_block_that_was_given_back_is_handed_out_again,
          no_more_is_kept_than_the_limit, blocks_longer_than_any_class_are_exact_and_not_kept)
