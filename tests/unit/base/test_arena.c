/* The arena: alignment, block ends, and memory that fails. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/arena.h"

#include <stddef.h>

START_TEST(memory_is_zeroed_and_aligned)
{
    kith_arena arena;
    kith_arena_init(&arena);
    for (size_t size = 0; size < 500; size++) {
        uint8_t *memory = kith_arena_alloc(&arena, size);
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
        size_t zeros = 0;
        while (zeros < size && memory[zeros] == 0)
            zeros++;
        ck_assert_uint_eq(zeros, size);
        memset(memory, 0xff, size);
    }
    kith_arena_deinit(&arena);
}
END_TEST

START_TEST(blocks_are_filled_to_the_end_and_not_beyond)
{
    kith_arena arena;
    kith_arena_init(&arena);
    for (int i = 0; i < 1000; i++) {
        uint8_t *memory = kith_arena_alloc(&arena, 16);
        ck_assert_ptr_nonnull(memory);
        memset(memory, 0xff, 16); /* a sanitizer watches the block's end */
    }
    kith_arena_deinit(&arena);
}
END_TEST

START_TEST(a_large_piece_has_its_own_block)
{
    kith_arena arena;
    kith_arena_init(&arena);
    char *small = kith_arena_text(&arena, kith_span_text("small"));
    uint8_t *large = kith_arena_alloc(&arena, 100000);
    ck_assert_ptr_nonnull(large);
    large[99999] = 1;
    ck_assert_str_eq(small, "small");
    kith_arena_deinit(&arena);
    ck_assert_ptr_null(arena.block);
}
END_TEST

START_TEST(texts_are_copied_and_printed)
{
    kith_arena arena;
    kith_arena_init(&arena);
    ck_assert_str_eq(kith_arena_text(&arena, kith_span_of("abcdef", 3)), "abc");
    ck_assert_str_eq(kith_arena_text(&arena, kith_span_of(NULL, 0)), "");
    ck_assert_str_eq(kith_arena_print(&arena, "%s-%d", "sha", 256), "sha-256");
    char *wide = kith_arena_print(&arena, "%05000d", 7);
    ck_assert_uint_eq(strlen(wide), 5000);
    ck_assert(!arena.bad);
    kith_arena_deinit(&arena);
}
END_TEST

/* As a description has them: short ones between structs. */
START_TEST(texts_take_no_more_than_their_bytes)
{
    oom_begin(0, false);
    kith_arena arena;
    kith_arena_init(&arena);
    for (int i = 0; i < 60; i++) {
        ck_assert_str_eq(kith_arena_text(&arena, kith_span_text("IP4")), "IP4");
        if (i % 6 == 0)
            ck_assert_ptr_nonnull(kith_arena_alloc(&arena, 64));
    }
    ck_assert_uint_eq(oom.asked, 1);
    kith_arena_deinit(&arena);
    ck_assert(!oom_end());
}
END_TEST

START_TEST(a_size_nobody_can_have_is_out_of_memory)
{
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 64, SIZE_MAX / 2, SIZE_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        oom_begin(1, true); /* SIZE_MAX / 2 itself may reach the allocator, and is refused there */
        kith_arena arena;
        kith_arena_init(&arena);
        ck_assert_ptr_null(kith_arena_alloc(&arena, sizes[i]));
        ck_assert(arena.bad);
        ck_assert_ptr_null(kith_arena_alloc(&arena, 1));
        kith_arena_deinit(&arena);
        oom_end();
    }
}
END_TEST

START_TEST(what_failed_once_fails_from_then_on)
{
    oom_begin(1, false);
    kith_arena arena;
    kith_arena_init(&arena);
    ck_assert_ptr_null(kith_arena_text(&arena, kith_span_text("lost")));
    ck_assert_ptr_null(kith_arena_text(&arena, kith_span_text("memory is back")));
    ck_assert(arena.bad);
    kith_arena_deinit(&arena);
    ck_assert(oom_end());
}
END_TEST

static void build(void *arg)
{
    (void)arg;
    kith_arena arena;
    kith_arena_init(&arena);
    bool all = true;
    for (int i = 0; i < 100 && all; i++)
        all = kith_arena_print(&arena, "%0200d", i);
    all = kith_arena_text(&arena, kith_span_text("end")) && all;
    ck_assert_uint_eq(all, !arena.bad);
    kith_arena_deinit(&arena);
}

START_TEST(out_of_memory_sticks_and_leaks_nothing)
{
    ck_assert_uint_gt(oom_sweep(build, NULL), 3);
}
END_TEST

UNIT_MAIN("base: arena", memory_is_zeroed_and_aligned, blocks_are_filled_to_the_end_and_not_beyond,
          what_failed_once_fails_from_then_on, a_large_piece_has_its_own_block,
          texts_are_copied_and_printed, texts_take_no_more_than_their_bytes,
          a_size_nobody_can_have_is_out_of_memory, out_of_memory_sticks_and_leaks_nothing)
