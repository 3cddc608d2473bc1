/* Counted blocks of many sizes: what is given back is used again, what is large is not kept. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/buffers.h"

#include <string.h>

START_TEST(a_buffer_of_any_size_is_whole_and_used_again)
{
    kith_buffers *buffers;
    ck_assert_int_eq(kith_buffers_new(&buffers), KITH_OK);
    for (size_t size = 1; size <= KITH_BUFFERS_LARGEST; size = size * 3 + 1) {
        void *first = kith_buffers_take(buffers, size);
        ck_assert_ptr_nonnull(first);
        memset(first, 1, size);
        kith_block_unref(first);
    }
    void *first = kith_buffers_take(buffers, 5000);
    kith_block_unref(first);
    ck_assert_ptr_eq(kith_buffers_take(buffers, 8192), first);
    void *held = kith_block_ref(first);
    kith_block_unref(first);
    ck_assert_ptr_null(kith_buffers_take(buffers, KITH_BUFFERS_LARGEST + 1));
    kith_buffers_free(buffers);
    memset(held, 2, 8192);
    kith_block_unref(held);
    kith_buffers_free(NULL);
}
END_TEST

START_TEST(what_lies_spare_is_given_back)
{
    oom_begin(0, false);
    kith_buffers *buffers;
    ck_assert_int_eq(kith_buffers_new(&buffers), KITH_OK);
    void *small = kith_buffers_take(buffers, 100), *kept = kith_buffers_take(buffers, 1 << 18);
    size_t held = atomic_load(&oom.live);
    void *large = kith_buffers_take(buffers, 1 << 19);
    kith_block_unref(large);
    /* the pool of the class and one spare block, which the next one that is asked for takes */
    ck_assert_uint_eq(atomic_load(&oom.live), held + 2);
    large = kith_buffers_take(buffers, 1 << 19);
    ck_assert_uint_eq(atomic_load(&oom.live), held + 2);
    kith_block_unref(large);
    kith_block_unref(small);
    kith_block_unref(kept);
    kith_buffers_trim(buffers);
    /* what is left are four: the buffers and three pools */
    ck_assert_uint_eq(atomic_load(&oom.live), 4);
    kith_buffers_free(buffers);
    (void)oom_end();
}
END_TEST

UNIT_MAIN("base: buffers", a_buffer_of_any_size_is_whole_and_used_again,
          what_lies_spare_is_given_back)
