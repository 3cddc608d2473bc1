/* Batches obey the rules of UDP_SEGMENT: one path, one length, only the last shorter, and
 * limits. */
#include "../unit.h"

#include <string.h>

#include "io/batch.h"

static kith_batch batch;

static kith_packet_info info_to(uint16_t port)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = (kith_address){.family = KITH_IPV4, .port = 1, .ip = {127, 0, 0, 1}};
    info.path.remote = (kith_address){.family = KITH_IPV4, .port = port, .ip = {127, 0, 0, 1}};
    return info;
}

static bool add_info(const kith_packet_info *info, size_t len, int fill)
{
    memset(kith_batch_space(&batch), fill, KITH_MAX_PACKET);
    return kith_batch_add(&batch, info, len);
}

static bool add(uint16_t port, size_t len, int fill)
{
    kith_packet_info info = info_to(port);
    return add_info(&info, len, fill);
}

START_TEST(packets_of_one_length_lie_side_by_side)
{
    kith_batch_init(&batch);
    ck_assert(kith_batch_empty(&batch));
    ck_assert(add(9, 100, 'a') && add(9, 100, 'b') && add(9, 100, 'c'));
    kith_span all = kith_batch_unsent(&batch);
    ck_assert_uint_eq(all.len, 300);
    ck_assert(all.data[99] == 'a' && all.data[100] == 'b' && all.data[299] == 'c');
    ck_assert_uint_eq(batch.segment, 100);
    ck_assert_uint_eq(batch.count, 3);
}
END_TEST

START_TEST(a_longer_packet_begins_the_next_batch)
{
    kith_batch_init(&batch);
    ck_assert(add(9, 100, 'a'));
    ck_assert(!add(9, 101, 'b'));
    ck_assert_uint_eq(kith_batch_unsent(&batch).len, 100);
    kith_batch_next(&batch);
    kith_span next = kith_batch_unsent(&batch);
    ck_assert_uint_eq(next.len, 101);
    ck_assert(next.data[0] == 'b' && next.data[100] == 'b');
    ck_assert(add(9, 101, 'c'));
}
END_TEST

START_TEST(nothing_follows_a_shorter_packet)
{
    kith_batch_init(&batch);
    ck_assert(add(9, 100, 'a') && add(9, 40, 'b'));
    ck_assert(!add(9, 40, 'c'));
}
END_TEST

START_TEST(another_path_or_other_marks_begin_the_next_batch)
{
    kith_packet_info info = info_to(9);
    kith_packet_info others[5] = {info, info, info, info, info_to(10)};
    others[0].ecn = 1;
    others[1].dscp = 46;
    others[2].dont_fragment = true;
    others[3].path.local.port = 2;
    for (int i = 0; i < 5; i++) {
        kith_batch_init(&batch);
        ck_assert(add_info(&info, 100, 'a'));
        ck_assert(!add_info(&others[i], 100, 'b'));
        kith_batch_next(&batch);
        ck_assert_mem_eq(&batch.info, &others[i], sizeof info);
    }
}
END_TEST

START_TEST(a_batch_has_at_most_64_packets)
{
    kith_batch_init(&batch);
    for (int i = 0; i < 64; i++)
        ck_assert(add(9, 10, i));
    ck_assert(!add(9, 10, 0));
}
END_TEST

START_TEST(a_batch_has_at_most_65000_bytes)
{
    kith_batch_init(&batch);
    size_t count = 0;
    while (add(9, KITH_MAX_PACKET, 'x'))
        count++;
    ck_assert_uint_eq(count, 43);
    ck_assert_uint_le(kith_batch_unsent(&batch).len, 65000);
    kith_batch_next(&batch);
    ck_assert_uint_eq(kith_batch_unsent(&batch).len, KITH_MAX_PACKET);
}
END_TEST

START_TEST(one_by_one_ends_with_the_shorter_packet)
{
    kith_batch_init(&batch);
    ck_assert(add(9, 100, 'a') && add(9, 100, 'b') && add(9, 30, 'c'));
    static const size_t lengths[] = {100, 100, 30};
    for (int i = 0; i < 3; i++) {
        kith_span first = kith_batch_first(&batch);
        ck_assert_uint_eq(first.len, lengths[i]);
        ck_assert_int_eq(first.data[0], "abc"[i]);
        kith_batch_sent(&batch, first.len);
    }
    ck_assert(kith_batch_empty(&batch));
    ck_assert_uint_eq(kith_batch_first(&batch).len, 0);
}
END_TEST

START_TEST(what_was_sent_leaves_the_rest_in_order)
{
    kith_batch_init(&batch);
    ck_assert(add(9, 100, 'a') && add(9, 100, 'b'));
    ck_assert(!add(10, 50, 'c'));
    kith_batch_sent(&batch, 100);
    ck_assert_uint_eq(kith_batch_unsent(&batch).len, 100);
    ck_assert_int_eq(kith_batch_unsent(&batch).data[0], 'b');
    kith_batch_next(&batch);
    ck_assert_int_eq(kith_batch_unsent(&batch).data[0], 'c');
    kith_batch_next(&batch);
    ck_assert(kith_batch_empty(&batch));
}
END_TEST

START_TEST(a_datagram_of_any_length_is_a_batch_of_its_own)
{
    kith_packet_info info = info_to(9);
    kith_batch_init(&batch);
    ck_assert_uint_eq(kith_batch_room(&batch), UINT16_MAX);
    memset(kith_batch_space(&batch), 'a', 9000);
    ck_assert(kith_batch_add(&batch, &info, 9000));
    ck_assert_uint_eq(kith_batch_packets(&batch), 1);
    ck_assert_uint_eq(kith_batch_room(&batch), KITH_MAX_PACKET);
    kith_batch_sent(&batch, 9000);
    ck_assert_uint_eq(kith_batch_packets(&batch), 0);
}
END_TEST

START_TEST(packets_that_are_left_are_counted)
{
    kith_batch_init(&batch);
    ck_assert(add(9, 100, 'a') && add(9, 100, 'b') && add(9, 40, 'c'));
    ck_assert_uint_eq(kith_batch_packets(&batch), 3);
    kith_batch_sent(&batch, 100);
    ck_assert_uint_eq(kith_batch_packets(&batch), 2);
}
END_TEST

UNIT_MAIN("io: batch", a_datagram_of_any_length_is_a_batch_of_its_own,
          packets_that_are_left_are_counted, packets_of_one_length_lie_side_by_side,
          a_longer_packet_begins_the_next_batch, nothing_follows_a_shorter_packet,
          another_path_or_other_marks_begin_the_next_batch, a_batch_has_at_most_64_packets,
          a_batch_has_at_most_65000_bytes, one_by_one_ends_with_the_shorter_packet,
          what_was_sent_leaves_the_rest_in_order)
