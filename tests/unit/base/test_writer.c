/* The writer: every buffer that is too small, length marks, growth, and memory that fails. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/reader.h"
#include "base/writer.h"

/* A sample of everything: 27 bytes. */
static void write_all(kith_writer *w)
{
    kith_wr_u8(w, 0x01);
    kith_wr_u16(w, 0x0203);
    kith_wr_u8(w, 0x04);
    kith_wr_u16(w, 0x0506);
    kith_wr_u32(w, 0x0708090a);
    kith_wr_u64(w, UINT64_C(0x0b0c0d0e0f101112));
    kith_wr_bytes(w, "\x13\x14", 2);
    kith_wr_span(w, kith_span_text("\x15"));
    kith_wr_text(w, "\x16\x17");
    kith_wr_zeros(w, 2);
    size_t mark = kith_wr_mark_u16(w);
    kith_wr_close_u16(w, mark);
}

START_TEST(numbers_are_written_in_network_order)
{
    uint8_t buf[27];
    kith_writer w = kith_wr(buf, sizeof buf);
    write_all(&w);
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, sizeof buf);
    for (uint8_t i = 0; i < 23; i++)
        ck_assert_uint_eq(buf[i], i + 1);
    for (int i = 23; i < 27; i++)
        ck_assert_uint_eq(buf[i], 0);
}
END_TEST

START_TEST(every_smaller_buffer_turns_it_bad_and_is_not_overrun)
{
    for (size_t cap = 0; cap < 27; cap++) {
        uint8_t *exact = malloc(cap + (cap == 0));
        kith_writer w = kith_wr(exact, cap);
        write_all(&w);
        ck_assert(w.bad);
        ck_assert_uint_le(w.len, cap);
        size_t len = w.len;
        kith_wr_zeros(&w, 0);
        kith_wr_text(&w, "");
        ck_assert_uint_eq(w.len, len);
        free(exact);
    }
}
END_TEST

START_TEST(after_damage_nothing_more_is_written)
{
    uint8_t buf[4] = {0};
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_u64(&w, UINT64_MAX);
    kith_wr_u8(&w, 0xff);
    kith_wr_print(&w, "x");
    ck_assert(w.bad);
    ck_assert_uint_eq(w.len, 0);
    ck_assert_uint_eq(buf[0], 0);
}
END_TEST

START_TEST(a_length_is_known_when_its_mark_is_closed)
{
    uint8_t buf[16];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_u8(&w, 0xaa);
    size_t outer = kith_wr_mark_u16(&w);
    size_t inner = kith_wr_mark_u16(&w);
    kith_wr_text(&w, "abc");
    kith_wr_close_u16(&w, inner);
    kith_wr_close_u16(&w, outer);
    static const uint8_t expected[] = {0xaa, 0, 5, 0, 3, 'a', 'b', 'c'};
    ck_assert_uint_eq(w.len, sizeof expected);
    ck_assert_mem_eq(buf, expected, sizeof expected);
    kith_wr_patch_u16(&w, 1, 0x1234);
    ck_assert_uint_eq(buf[1], 0x12);
    ck_assert_uint_eq(buf[2], 0x34);
}
END_TEST

START_TEST(a_length_beyond_16_bits_turns_it_bad)
{
    kith_writer w = kith_wr_growing();
    size_t mark = kith_wr_mark_u16(&w);
    kith_wr_zeros(&w, 65535);
    kith_wr_close_u16(&w, mark);
    ck_assert(!w.bad);
    kith_wr_u8(&w, 0);
    kith_wr_close_u16(&w, mark);
    ck_assert(w.bad);
    kith_wr_deinit(&w);
}
END_TEST

START_TEST(text_grows_as_needed)
{
    kith_writer w = kith_wr_growing();
    for (int i = 0; i < 1000; i++)
        kith_wr_print(&w, "a=%04d\r\n", i);
    char *text = kith_wr_take_text(&w);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), 8000);
    ck_assert_str_eq(text + 7992, "a=0999\r\n");
    ck_assert_ptr_null(w.data);
    kith_free(text);
}
END_TEST

START_TEST(printing_into_a_fixed_buffer_needs_room_for_the_nul)
{
    char buf[4];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_print(&w, "%d", 123);
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, 3);
    ck_assert_str_eq(buf, "123");
    w = kith_wr(buf, sizeof buf);
    kith_wr_print(&w, "%d", 1234);
    ck_assert(w.bad);
    ck_assert_uint_eq(w.len, 0);
}
END_TEST

START_TEST(a_length_nobody_can_have_turns_it_bad)
{
    kith_writer w = kith_wr_growing();
    kith_wr_u8(&w, 1);
    kith_wr_zeros(&w, SIZE_MAX);
    ck_assert(w.bad);
    ck_assert_ptr_null(kith_wr_take_text(&w));
}
END_TEST

static void grow_and_take(void *arg)
{
    (void)arg;
    kith_writer w = kith_wr_growing();
    kith_wr_zeros(&w, 100);
    kith_wr_zeros(&w, 1000);
    kith_wr_print(&w, "%02000d", 1);
    bool bad = w.bad;
    char *text = kith_wr_take_text(&w);
    ck_assert(!bad || !text);
    kith_free(text);
}

START_TEST(running_out_of_memory_leaves_nothing_behind)
{
    ck_assert_uint_eq(oom_sweep(grow_and_take, NULL), 3);
}
END_TEST

UNIT_MAIN("base: writer", numbers_are_written_in_network_order,
          every_smaller_buffer_turns_it_bad_and_is_not_overrun,
          after_damage_nothing_more_is_written, a_length_is_known_when_its_mark_is_closed,
          a_length_beyond_16_bits_turns_it_bad, text_grows_as_needed,
          printing_into_a_fixed_buffer_needs_room_for_the_nul,
          a_length_nobody_can_have_turns_it_bad, running_out_of_memory_leaves_nothing_behind)
