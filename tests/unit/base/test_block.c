/* Counted blocks: sharing, the bound, the way home from another thread, the end of the pool. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/block.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static kith_block_pool *new_pool(size_t size, size_t limit)
{
    kith_block_pool *pool = NULL;
    ck_assert_int_eq(kith_block_pool_new(&pool, size, limit), KITH_OK);
    return pool;
}

START_TEST(a_block_is_used_again_after_its_last_reference)
{
    kith_block_pool *pool = new_pool(100, 10);
    void *first = kith_block_take(pool);
    memset(first, 1, 100);
    ck_assert_ptr_eq(kith_block_ref(first), first);
    kith_block_unref(first);
    void *second = kith_block_take(pool);
    ck_assert_ptr_ne(second, first);
    kith_block_unref(first);
    ck_assert_ptr_eq(kith_block_take(pool), first);
    ck_assert_uint_eq(kith_block_pool_count(pool), 2);
    kith_block_unref(first);
    kith_block_unref(second);
    kith_block_unref(NULL);
    kith_block_pool_free(pool);
}
END_TEST

START_TEST(blocks_are_aligned_for_any_type)
{
    kith_block_pool *pool = new_pool(3, 10);
    void *blocks[10];
    for (int i = 0; i < 10; i++) {
        blocks[i] = kith_block_take(pool);
        ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
    }
    for (int i = 0; i < 10; i++)
        kith_block_unref(blocks[i]);
    kith_block_pool_free(pool);
}
END_TEST

START_TEST(no_more_blocks_are_held_than_the_limit)
{
    kith_block_pool *pool = new_pool(8, 3);
    void *blocks[3];
    for (int i = 0; i < 3; i++)
        blocks[i] = kith_block_take(pool);
    ck_assert_ptr_null(kith_block_take(pool));
    kith_block_unref(blocks[1]);
    ck_assert_ptr_eq(kith_block_take(pool), blocks[1]);
    ck_assert_ptr_null(kith_block_take(pool));
    for (int i = 0; i < 3; i++)
        kith_block_unref(blocks[i]);
    kith_block_pool_free(pool);
}
END_TEST

START_TEST(trimming_gives_spare_memory_back)
{
    oom_begin(0, false);
    kith_block_pool *pool = new_pool(8, 10);
    void *blocks[10];
    for (int i = 0; i < 10; i++)
        blocks[i] = kith_block_take(pool);
    for (int i = 0; i < 8; i++)
        kith_block_unref(blocks[i]);
    kith_block_pool_trim(pool, 5);
    ck_assert_uint_eq(kith_block_pool_count(pool), 5);
    ck_assert_uint_eq(oom.live, 6);
    kith_block_pool_trim(pool, 0);
    ck_assert_uint_eq(kith_block_pool_count(pool), 2);
    kith_block_unref(blocks[8]);
    kith_block_unref(blocks[9]);
    kith_block_pool_free(pool);
    oom_end();
}
END_TEST

START_TEST(a_block_outlives_its_pool)
{
    oom_begin(0, false);
    kith_block_pool *pool = new_pool(8, 10);
    void *held = kith_block_take(pool), *other = kith_block_take(pool);
    kith_block_unref(kith_block_take(pool));
    kith_block_pool_free(pool);
    memset(held, 1, 8);
    kith_block_unref(other);
    ck_assert_uint_eq(oom.live, 2);
    kith_block_unref(held);
    ck_assert_uint_eq(oom.live, 0);
    kith_block_pool_free(NULL);
    oom_end();
}
END_TEST

START_TEST(a_steady_flow_allocates_nothing)
{
    oom_begin(0, false);
    kith_block_pool *pool = new_pool(2000, 100);
    void *window[16] = {NULL};
    for (int i = 0; i < 16; i++)
        window[i] = kith_block_take(pool);
    size_t before = oom.asked;
    for (int i = 0; i < 10000; i++) {
        kith_block_unref(window[i % 16]);
        window[i % 16] = kith_block_take(pool);
    }
    ck_assert_uint_eq(oom.asked, before);
    for (int i = 0; i < 16; i++)
        kith_block_unref(window[i]);
    kith_block_pool_free(pool);
    oom_end();
}
END_TEST

static void without_memory(void *arg)
{
    (void)arg;
    kith_block_pool *pool = NULL;
    if (kith_block_pool_new(&pool, 10, 3) != KITH_OK)
        return;
    void *a = kith_block_take(pool), *b = kith_block_take(pool);
    kith_block_unref(a);
    void *c = kith_block_take(pool);
    kith_block_unref(b);
    kith_block_pool_free(pool);
    kith_block_unref(c);
}

START_TEST(no_memory_is_no_block)
{
    ck_assert_uint_eq(oom_sweep(without_memory, NULL), 3);
}
END_TEST

#define THREADS 3
#define ROUNDS  5000

/* One slot a thread: the owner puts blocks in, the thread checks, doubles and releases them. */
static struct {
    _Atomic(uint8_t *) slot[THREADS];
} shared;

static void *release_elsewhere(void *arg)
{
    size_t n = (size_t)arg, wrong = 0;
    for (int done = 0; done < ROUNDS;) {
        uint8_t *block = atomic_exchange(&shared.slot[n], NULL);
        if (!block) {
            sched_yield();
            continue;
        }
        wrong += block[0] != n + 1 || block[99] != n + 1;
        kith_block_ref(block);
        kith_block_unref(block);
        kith_block_unref(block);
        done++;
    }
    return (void *)wrong;
}

/* The pool is freed while the threads hold the last blocks. */
START_TEST(blocks_come_home_from_other_threads)
{
    kith_block_pool *pool = new_pool(100, 2 * THREADS + 1);
    pthread_t threads[THREADS];
    int given[THREADS] = {0};
    for (size_t n = 0; n < THREADS; n++)
        ck_assert_int_eq(pthread_create(&threads[n], NULL, release_elsewhere, (void *)n), 0);
    for (int left = THREADS * ROUNDS; left > 0;) {
        for (size_t n = 0; n < THREADS; n++) {
            if (given[n] == ROUNDS || atomic_load(&shared.slot[n])) {
                sched_yield();
                continue;
            }
            uint8_t *block = kith_block_take(pool);
            ck_assert_ptr_nonnull(block);
            memset(block, (int)n + 1, 100);
            atomic_store(&shared.slot[n], block);
            given[n]++;
            left--;
        }
    }
    ck_assert_uint_le(kith_block_pool_count(pool), 2 * THREADS + 1);
    kith_block_pool_free(pool);
    for (size_t n = 0; n < THREADS; n++) {
        void *wrong = NULL;
        ck_assert_int_eq(pthread_join(threads[n], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

UNIT_MAIN("base: block", a_block_is_used_again_after_its_last_reference,
          blocks_are_aligned_for_any_type, no_more_blocks_are_held_than_the_limit,
          trimming_gives_spare_memory_back, a_block_outlives_its_pool,
          a_steady_flow_allocates_nothing, no_memory_is_no_block,
          blocks_come_home_from_other_threads)
