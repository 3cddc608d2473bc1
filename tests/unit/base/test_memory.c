/* The allocator hook, and the corner cases of sizes. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/memory.h"

#include <string.h>

START_TEST(every_allocation_passes_the_hook)
{
    oom_begin(0, false);
    void *a = kith_alloc(10);
    void *b = kith_alloc_zero(3, 7);
    char *c = kith_strdup("abc");
    void *d = kith_memdup("abc", 2);
    a = kith_resize(a, 1000);
    void *e = kith_resize(NULL, 5);
    ck_assert_uint_eq(oom.asked, 6);
    ck_assert_uint_eq(oom.live, 5);
    ck_assert_str_eq(c, "abc");
    ck_assert_mem_eq(d, "ab", 2);
    kith_free(a);
    kith_free(b);
    kith_free(c);
    kith_free(d);
    kith_free(e);
    kith_free(NULL);
    ck_assert_uint_eq(oom.live, 0);
    ck_assert(!oom_end());
}
END_TEST

START_TEST(elements_are_zeroed)
{
    uint8_t *bytes = kith_alloc_zero(100, 3);
    for (int i = 0; i < 300; i++)
        ck_assert_uint_eq(bytes[i], 0);
    kith_free(bytes);
}
END_TEST

START_TEST(a_product_that_overflows_is_out_of_memory)
{
    volatile size_t huge = SIZE_MAX / 2 + 1;
    ck_assert_ptr_null(kith_alloc_zero(huge, 2));
    ck_assert_ptr_null(kith_alloc_zero(4, huge));
    ck_assert_ptr_null(kith_strndup("", SIZE_MAX));
}
END_TEST

START_TEST(nothing_asked_for_is_not_out_of_memory)
{
    void *a = kith_alloc(0), *b = kith_alloc_zero(0, 8), *c = kith_memdup(NULL, 0);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_nonnull(c);
    a = kith_resize(a, 0);
    ck_assert_ptr_nonnull(a);
    kith_free(a);
    kith_free(b);
    kith_free(c);
}
END_TEST

START_TEST(a_refused_resize_leaves_the_old_memory)
{
    oom_begin(2, false);
    char *text = kith_strdup("still here");
    ck_assert_ptr_null(kith_resize(text, 100000));
    ck_assert_str_eq(text, "still here");
    kith_free(text);
    ck_assert(oom_end());
}
END_TEST

START_TEST(a_copy_of_part_of_a_text_ends_with_a_nul)
{
    char *copy = kith_strndup("abcdef", 3);
    ck_assert_str_eq(copy, "abc");
    kith_free(copy);
}
END_TEST

START_TEST(wiped_memory_is_zero)
{
    char secret[] = "secret";
    kith_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        ck_assert_int_eq(secret[i], 0);
    kith_wipe(NULL, 0);
}
END_TEST

UNIT_MAIN("base: memory", every_allocation_passes_the_hook, elements_are_zeroed,
          a_product_that_overflows_is_out_of_memory, nothing_asked_for_is_not_out_of_memory,
          a_refused_resize_leaves_the_old_memory, a_copy_of_part_of_a_text_ends_with_a_nul,
          wiped_memory_is_zero)
