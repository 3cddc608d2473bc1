#include "sctp/usrsctp/memory.h"

#include "unit.h"

#define BUFFER ((size_t)1 << 20)
#define LIMIT  (2 * BUFFER + (size_t)640 * 1024)

static kith_sctp_budget *new_budget(void)
{
    kith_sctp_budget *budget = kith_sctp_budget_new(BUFFER, 262144);
    ck_assert_ptr_nonnull(budget);
    return budget;
}

/* A block that counts against the budget and brings it to `used`. */
static void *fill(kith_sctp_budget *budget, size_t used)
{
    size_t before = kith_sctp_budget_used(budget);
    kith_sctp_charge(budget);
    void *probe = kith_sctp_memory_alloc(1);
    size_t cost = kith_sctp_budget_used(budget) - before - 1;
    kith_sctp_memory_free(probe);
    void *block = kith_sctp_memory_alloc(used - before - cost);
    kith_sctp_charge(NULL);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq(kith_sctp_budget_used(budget), used);
    return block;
}

START_TEST(blocks_count_from_where_they_are_charged_until_they_are_freed)
{
    kith_sctp_budget *budget = new_budget();
    void *before = kith_sctp_memory_alloc(1000);
    ck_assert_uint_eq(kith_sctp_budget_used(budget), 0);
    kith_sctp_charge(budget);
    void *blocks[100];
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(blocks[i] = kith_sctp_memory_alloc_zero(10, 100));
    kith_sctp_charge(NULL);
    void *after = kith_sctp_memory_alloc(1000);
    ck_assert_uint_ge(kith_sctp_budget_used(budget), 100000);
    ck_assert_uint_le(kith_sctp_budget_used(budget), 100000 + 100 * 64);
    kith_sctp_budget_set_pulled(budget, 5000);
    for (int i = 0; i < 100; i++)
        kith_sctp_memory_free(blocks[i]);
    ck_assert_uint_eq(kith_sctp_budget_used(budget), 5000);
    kith_sctp_memory_free(before);
    kith_sctp_memory_free(after);
    kith_sctp_budget_release(budget);
}
END_TEST

/* The sanitizer would tell. */
START_TEST(a_budget_outlives_its_owner_as_long_as_a_block_does)
{
    kith_sctp_budget *budget = new_budget();
    void *block = fill(budget, 100000);
    kith_sctp_budget_release(budget);
    ck_assert_uint_eq(kith_sctp_budget_used(budget), 100000);
    kith_sctp_memory_free(block);
}
END_TEST

START_TEST(the_last_quarter_is_for_the_chunk_that_all_wait_for)
{
    kith_sctp_budget *budget = new_budget();
    ck_assert(kith_sctp_admits(budget, 0) && kith_sctp_admits(budget, 1));
    void *block = fill(budget, LIMIT / 4 * 3);
    ck_assert(!kith_sctp_admits(budget, 0) && kith_sctp_admits(budget, 1));
    kith_sctp_budget_set_pulled(budget, LIMIT / 4);
    ck_assert(!kith_sctp_admits(budget, 0) && !kith_sctp_admits(budget, 1));
    kith_sctp_memory_free(block);
    ck_assert(kith_sctp_admits(budget, 0) && kith_sctp_admits(budget, 1));
    kith_sctp_budget_release(budget);
}
END_TEST

START_TEST(the_window_is_wide_while_little_is_held_and_then_what_fits)
{
    kith_sctp_budget *budget = new_budget();
    ck_assert_uint_eq(kith_sctp_window(budget), 4 * BUFFER);
    ck_assert(!kith_sctp_is_short(budget));
    kith_sctp_budget_set_pulled(budget, LIMIT / 2 + 1);
    ck_assert(kith_sctp_is_short(budget));
    ck_assert_uint_le(kith_sctp_window(budget), LIMIT / 2 / 8 * 5);
    ck_assert_uint_ge(kith_sctp_window(budget), LIMIT / 2 / 8 * 5 - 10);
    kith_sctp_budget_set_pulled(budget, LIMIT - 1000); /* silly */
    ck_assert_uint_eq(kith_sctp_window(budget), 0);
    kith_sctp_budget_set_pulled(budget, LIMIT + 100000);
    ck_assert_uint_eq(kith_sctp_window(budget), 0);
    kith_sctp_budget_set_pulled(budget, 0);
    ck_assert_uint_eq(kith_sctp_window(budget), 4 * BUFFER);
    kith_sctp_budget_release(budget);
}
END_TEST

START_TEST(a_message_that_is_too_long_is_remembered)
{
    kith_sctp_budget *budget = new_budget();
    ck_assert(!kith_sctp_is_too_long(budget, 262144));
    ck_assert(!kith_sctp_budget_saw_too_long(budget));
    ck_assert(kith_sctp_is_too_long(budget, 262145));
    ck_assert(kith_sctp_budget_saw_too_long(budget));
    kith_sctp_budget_release(budget);
}
END_TEST

START_TEST(sizes_that_do_not_fit_into_a_number_are_refused)
{
    ck_assert_ptr_null(kith_sctp_memory_alloc(SIZE_MAX - 10));
    ck_assert_ptr_null(kith_sctp_memory_alloc_zero(SIZE_MAX / 2, 3));
    kith_sctp_memory_free(NULL);
}
END_TEST

UNIT_MAIN("sctp: memory", blocks_count_from_where_they_are_charged_until_they_are_freed,
          a_budget_outlives_its_owner_as_long_as_a_block_does,
          the_last_quarter_is_for_the_chunk_that_all_wait_for,
          the_window_is_wide_while_little_is_held_and_then_what_fits,
          a_message_that_is_too_long_is_remembered, sizes_that_do_not_fit_into_a_number_are_refused)
