/* A peer that has all the keys and speaks SCTP by hand: it ignores the window, withholds what
 * others wait for and ends nothing that it begins. Whatever it does, the memory of the whole
 * process grows by twice the receive buffer and 1 MiB at most, no packet makes the receiver walk
 * over long lists, and the honest peer beside it lives. */
#include <string.h>

#include "heap.h"
#include "hostile.h"

/* ---- memory ---- */

START_TEST(messages_that_nobody_reads_are_held_by_the_limit)
{
    check(10000, true, say_short_messages);
    check(10000, true, say_long_messages);
}
END_TEST

START_TEST(an_endless_message_in_fragments_of_a_byte_is_ended_at_the_limit)
{
    for (int is_asleep = 0; is_asleep < 2; is_asleep++) {
        check(10000, is_asleep, go_on_in_order);
        check(10000, is_asleep, go_on_unordered);
    }
}
END_TEST

START_TEST(a_message_above_the_limit_ends_the_association_while_it_comes)
{
    static scene s;
    begin_scene(&s);
    s.victim->slow = true; /* so that nobody but usrsctp sees it */
    size_t fragments = 0;
    while (kith_sctp_get_state(sctp_of(s.towards_attacker)) != KITH_SCTP_CLOSED) {
        begin_packet(&s);
        put_data(fragments == 0 ? FIRST : 0, ++s.tsn, s.stream, s.ssn, 1000);
        send_packet(&s);
        run_ms(&s, 1);
        ck_assert_uint_lt(++fragments, 1000);
        s.victim->slow = fragments < 270;
    }
    /* 262144 bytes, and the one that shows. */
    ck_assert_uint_le(fragments, 272);
    ck_assert_ptr_nonnull(
        strstr(kith_sctp_get_error(sctp_of(s.towards_attacker))->message, "longer than 262144"));
    s.list_steps = s.most_steps = 0;
    end_scene(&s);
}
END_TEST

START_TEST(messages_that_are_only_begun_are_held_by_the_limit)
{
    check(5000, false, begin_messages);
}
END_TEST

/* ---- channels ---- */

/* 120 of them: 7.8 MB. */
START_TEST(labels_of_channels_are_held_by_the_limit)
{
    static scene s;
    begin_scene(&s);
    attack(&s, 120 * FRAGMENTS, open_with_long_labels);
    ck_assert_uint_gt(s.towards_attacker->channels.count, 3);
    ck_assert_uint_lt(s.towards_attacker->channels.count, 20);
    end_scene(&s);
}
END_TEST

/* ---- turns ---- */

/* Each is answered, and there is always another answer to send. */
START_TEST(an_honest_peer_has_its_turn_beside_a_flood)
{
    static void (*const floods[])(scene * s, unsigned number) = {say_short_messages,
                                                                 say_long_messages, begin_messages};
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        static scene s;
        begin_scene(&s);
        s.victim->packets_per_ms = 4;
        attack(&s, 2000, floods[i]);
        s.victim->packets_per_ms = 0;
        end_scene(&s);
    }
}
END_TEST

/* ---- walks ---- */

START_TEST(what_waits_for_a_withheld_chunk_costs_no_walk)
{
    check(2000, false, withhold_a_message);
    check(200, false, withhold_from_both_ends);
    check(2000, false, withhold_a_tsn);
    check(200, false, withhold_fragments);
}
END_TEST

/* ---- acknowledgements ---- */

START_TEST(gap_blocks_of_what_was_not_sent_cost_no_walk)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = make_victim_send(&s);
    put_sack(&s, acknowledged, (uint16_t[][2]){{2, 65535}}, 1);
    end_scene(&s);
}
END_TEST

START_TEST(gap_blocks_out_of_order_cost_no_walk)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = make_victim_send(&s);
    uint16_t blocks[280][2];
    for (int i = 0; i < 280; i++)
        blocks[i][0] = blocks[i][1] = (uint16_t)(i % 2 == 0 ? 5 : 3);
    put_sack(&s, acknowledged, blocks, 280);
    ck_assert_uint_gt(s.most_steps, 0);
    ck_assert_uint_le(s.most_steps, 50);
    /* What they acknowledge in order counts. */
    ck_assert_int_eq(kith_sctp_get_state(sctp_of(s.towards_attacker)), KITH_SCTP_CONNECTED);
    end_scene(&s);
}
END_TEST

/* Two SACKs in a packet are heard at most, and the blocks of each, sorted as they are, are found in
 * one walk (RFC 9260 section 3.3.4): every other chunk, or the last one alone. */
START_TEST(gap_blocks_cost_one_walk_over_what_is_in_flight)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400);
    uint32_t in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes(); /* its own messages are not the attacker's */
    uint16_t last = (uint16_t)in_flight, blocks[250][2];
    for (uint16_t i = 0; i < 250; i++)
        blocks[i][0] = blocks[i][1] = (uint16_t)(2 + (in_flight - 2) * i / 249);
    s.most_steps = 0;
    begin_packet(&s);
    put_sack_chunk(acknowledged, blocks, 250);
    put_sack_chunk(acknowledged, (uint16_t[][2]){{last, last}}, 1);
    send_packet(&s);
    ck_assert_uint_gt(s.most_steps, 2 * in_flight - 10);
    /* A block of a chunk that the one before it ended at looks at that chunk again. */
    ck_assert_uint_le(s.most_steps, 2 * in_flight + 250);
    s.most_steps = 0;
    ck_assert_int_eq(kith_sctp_get_state(sctp_of(s.towards_attacker)), KITH_SCTP_CONNECTED);
    end_scene(&s);
}
END_TEST

/* ---- stream resets ---- */

START_TEST(stream_resets_are_kept_within_bounds)
{
    check(10000, false, reset_later);
    check(10000, true, reset_now);
    check(10000, true, fill_then_reset);
}
END_TEST

/* ---- answers ---- */

static uint64_t answers_to(unsigned heartbeats)
{
    static scene s;
    begin_scene(&s);
    uint64_t before = counts_of(&s).packets;
    begin_packet(&s);
    for (unsigned i = 0; i < heartbeats; i++) {
        put_chunk(HEARTBEAT, 0, 4);
        put_u16(1);
        put_u16(4);
    }
    send_packet(&s);
    run_ms(&s, 10);
    uint64_t answers = counts_of(&s).packets - before;
    end_scene(&s);
    return answers;
}

START_TEST(a_packet_of_a_hundred_heartbeats_is_not_answered)
{
    ck_assert_uint_eq(answers_to(1), 1);
    ck_assert_uint_eq(answers_to(100), 0);
}
END_TEST

UNIT_MAIN("sim: hostile", messages_that_nobody_reads_are_held_by_the_limit,
          an_endless_message_in_fragments_of_a_byte_is_ended_at_the_limit,
          a_message_above_the_limit_ends_the_association_while_it_comes,
          messages_that_are_only_begun_are_held_by_the_limit,
          labels_of_channels_are_held_by_the_limit, an_honest_peer_has_its_turn_beside_a_flood,
          what_waits_for_a_withheld_chunk_costs_no_walk,
          gap_blocks_of_what_was_not_sent_cost_no_walk, gap_blocks_out_of_order_cost_no_walk,
          gap_blocks_cost_one_walk_over_what_is_in_flight, stream_resets_are_kept_within_bounds,
          a_packet_of_a_hundred_heartbeats_is_not_answered)
