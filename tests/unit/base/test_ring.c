/* The ring of records against a plain queue, at its limit, and without memory. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/ring.h"

static uint32_t state;

static uint32_t next_number(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

/* A record of `len` bytes that names its number in every byte. */
static bool push(kith_ring *ring, unsigned number, size_t len)
{
    uint8_t *record = malloc(len + 1);
    memset(record, (uint8_t)number, len);
    bool done = kith_ring_push(ring, record, len);
    free(record);
    return done;
}

static void pop(kith_ring *ring, unsigned number, size_t len)
{
    kith_span record = kith_ring_peek(ring);
    ck_assert_ptr_nonnull(record.data);
    ck_assert_uint_eq(record.len, len);
    size_t right = 0;
    while (right < len && record.data[right] == (uint8_t)number)
        right++;
    ck_assert_uint_eq(right, len);
    kith_ring_pop(ring);
}

START_TEST(records_come_out_as_they_went_in)
{
    kith_ring ring;
    kith_ring_init(&ring, 10000);
    ck_assert_ptr_null(kith_ring_peek(&ring).data);
    kith_ring_pop(&ring);
    ck_assert(push(&ring, 1, 100));
    ck_assert(push(&ring, 2, 0));
    ck_assert(push(&ring, 3, 1));
    ck_assert_uint_eq(ring.count, 3);
    ck_assert_uint_eq(ring.bytes, 101);
    pop(&ring, 1, 100);
    pop(&ring, 2, 0);
    pop(&ring, 3, 1);
    ck_assert_ptr_null(kith_ring_peek(&ring).data);
    ck_assert_uint_eq(ring.bytes, 0);
    kith_ring_deinit(&ring);
}
END_TEST

/* Random pushes and pops against a plain array of lengths. */
static void play(size_t limit, size_t longest)
{
    static size_t lengths[100000];
    unsigned in = 0, out = 0;
    kith_ring ring;
    kith_ring_init(&ring, limit);
    for (int round = 0; round < 20000; round++) {
        if (next_number() % 100 < 53) {
            lengths[in] = next_number() % (longest + 1);
            in += push(&ring, in, lengths[in]);
        } else if (out < in) {
            pop(&ring, out, lengths[out]);
            out++;
        }
        ck_assert_uint_eq(ring.count, in - out);
        ck_assert_uint_le(ring.cap, limit);
    }
    for (; out < in; out++)
        pop(&ring, out, lengths[out]);
    ck_assert_uint_eq(ring.bytes, 0);
    ck_assert_uint_gt(in, 1000);
    kith_ring_deinit(&ring);
}

START_TEST(it_behaves_as_a_queue_at_any_size)
{
    play(100, 20);
    play(500, 490);
    play(5000, 1200);
    play(1000000, 1500);
}
END_TEST

START_TEST(the_limit_is_kept)
{
    kith_ring ring;
    kith_ring_init(&ring, 100);
    ck_assert(!push(&ring, 1, 97));
    ck_assert(push(&ring, 1, 96));
    ck_assert(!push(&ring, 2, 0));
    pop(&ring, 1, 96);
    ck_assert(push(&ring, 3, 96));
    kith_ring_clear(&ring);
    ck_assert_ptr_null(kith_ring_peek(&ring).data);
    ck_assert(push(&ring, 4, 96));
    kith_ring_deinit(&ring);
    kith_ring_init(&ring, 0);
    ck_assert(!push(&ring, 1, 0));
    ck_assert(!kith_ring_push(&ring, NULL, SIZE_MAX));
    kith_ring_deinit(&ring);
}
END_TEST

START_TEST(growing_to_the_limit_may_not_be_enough)
{
    kith_ring ring;
    kith_ring_init(&ring, 5000);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(push(&ring, i, 1000));
    ck_assert_uint_lt(ring.cap, 5000);
    ck_assert(!push(&ring, 4, 1200));
    ck_assert(push(&ring, 5, 900));
    for (unsigned i = 0; i < 4; i++)
        pop(&ring, i, 1000);
    pop(&ring, 5, 900);
    kith_ring_deinit(&ring);
}
END_TEST

START_TEST(no_memory_is_taken_before_the_first_push)
{
    oom_begin(1, true);
    kith_ring ring;
    kith_ring_init(&ring, 1000);
    kith_ring_clear(&ring);
    ck_assert_uint_eq(oom.asked, 0);
    ck_assert(!push(&ring, 1, 1));
    ck_assert_uint_eq(ring.count, 0);
    kith_ring_deinit(&ring);
    oom_end();
}
END_TEST

START_TEST(a_ring_that_cannot_grow_keeps_what_it_has)
{
    oom_begin(2, true);
    kith_ring ring;
    kith_ring_init(&ring, 1000000);
    unsigned pushed = 0;
    while (push(&ring, pushed, 1000))
        pushed++;
    ck_assert_uint_gt(pushed, 0);
    for (unsigned i = 0; i < pushed; i++)
        pop(&ring, i, 1000);
    kith_ring_deinit(&ring);
    oom_end();
}
END_TEST

START_TEST(a_queue_that_stays_small_allocates_once)
{
    oom_begin(0, false);
    kith_ring ring;
    kith_ring_init(&ring, 1000000);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert(push(&ring, i, 700));
        if (i > 0)
            pop(&ring, i - 1, 700);
    }
    ck_assert_uint_le(oom.asked, 2);
    kith_ring_deinit(&ring);
    oom_end();
}
END_TEST

START_TEST(a_record_may_be_written_in_its_place)
{
    kith_ring ring;
    kith_ring_init(&ring, 2048);
    ck_assert(push(&ring, 1, 10));
    uint8_t *record = kith_ring_append(&ring, 20);
    memset(record, 2, 20);
    ck_assert(push(&ring, 3, 10));
    ck_assert_ptr_null(kith_ring_append(&ring, 2048));
    ck_assert_uint_eq(ring.bytes, 40);
    pop(&ring, 1, 10);
    pop(&ring, 2, 20);
    pop(&ring, 3, 10);
    kith_ring_deinit(&ring);
}
END_TEST

UNIT_MAIN("base: ring", records_come_out_as_they_went_in, it_behaves_as_a_queue_at_any_size,
          growing_to_the_limit_may_not_be_enough, the_limit_is_kept,
          no_memory_is_taken_before_the_first_push, a_ring_that_cannot_grow_keeps_what_it_has,
          a_queue_that_stays_small_allocates_once, a_record_may_be_written_in_its_place)
