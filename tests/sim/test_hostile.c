/* A peer that has all the keys and speaks SCTP by hand: it ignores the window, withholds what
 * others wait for and ends nothing that it begins. Whatever it does, the memory of the whole
 * process grows by twice the receive buffer and 1 MiB at most, no packet makes the receiver walk
 * over long lists, and the honest peer beside it lives. */
#include <string.h>

#include "heap.h"
#include "hostile.h"
#include "pc/pump.h"

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

/* 128 steps a packet, of which 512 are saved. */
START_TEST(searches_cost_what_their_packets_save)
{
    static void (*const searches[])(scene * s, unsigned number) = {withhold_from_both_ends,
                                                                   withhold_fragments};
    for (size_t i = 0; i < 2; i++) {
        static scene s;
        begin_scene(&s);
        uint64_t before = counts_of(&s).list_steps;
        attack(&s, 200, searches[i]);
        uint64_t steps = counts_of(&s).list_steps - before;
        ck_assert_uint_gt(steps, 200 * 40);
        ck_assert_uint_le(steps, 200 * 128 + 512);
        end_scene(&s);
    }
}
END_TEST

/* ---- fragments ---- */

/* Backwards, so that none is where it is expected. */
static void say_backwards(scene *s, uint32_t first, uint32_t last, uint32_t begins, uint32_t ends)
{
    begin_packet(s);
    for (uint32_t tsn = last; tsn - first <= last - first; tsn--)
        put_data((uint8_t)(UNORDERED | (tsn == begins ? FIRST : 0) | (tsn == ends ? LAST : 0)), tsn,
                 s->stream, 0, 1);
    send_packet(s);
}

START_TEST(of_many_fragments_in_a_packet_a_few_are_taken_and_the_others_when_they_come_again)
{
    static scene s;
    begin_scene(&s);
    uint32_t first = s.tsn + 1, last = s.tsn + 20;
    say_backwards(&s, first, last, first, last);
    run_ms(&s, 20);
    ck_assert_uint_eq(s.acknowledged, first - 1);
    ck_assert_uint_eq(s.block_count, 1);
    ck_assert_uint_eq(s.blocks[0][0], 20 - 5);
    ck_assert_uint_eq(s.blocks[0][1], 20);
    for (uint32_t left = last - 6; left >= first; left = left - first < 6 ? first - 1 : left - 6)
        say_backwards(&s, first, left, first, last);
    run_ms(&s, 20);
    ck_assert_uint_eq(s.acknowledged, last);
    ck_assert_uint_eq(s.attackers_messages, 1);
    s.tsn = last;
    end_scene(&s);
}
END_TEST

/* All fragments of a message in order, however many lie in a packet; some come twice. Then behind
 * a chunk that is withheld. */
START_TEST(fragments_in_order_are_all_taken)
{
    for (uint32_t withheld = 0; withheld < 2; withheld++) {
        static scene s;
        begin_scene(&s);
        uint32_t before = s.tsn;
        s.tsn += withheld;
        for (unsigned i = 0; i < 800; i++) {
            if (i % 40 == 0)
                begin_packet(&s);
            put_data((uint8_t)((i == 0 ? FIRST : 0) | (i == 799 ? LAST : 0)), ++s.tsn, s.stream,
                     s.ssn, 1 + i % 3);
            if (i % 40 == 10)
                put_data(0, s.tsn, s.stream, s.ssn, 1 + i % 3);
            if (i % 40 == 39)
                send_packet(&s);
        }
        run_ms(&s, 20);
        ck_assert_uint_eq(s.acknowledged, withheld ? before : s.tsn);
        ck_assert_uint_eq(s.block_count, withheld);
        begin_packet(&s);
        put_data(WHOLE | UNORDERED, before + 1, s.stream, 0, 1);
        send_packet(&s);
        run_ms(&s, 20);
        ck_assert_uint_eq(s.acknowledged, s.tsn);
        ck_assert_uint_eq(s.attackers_messages, 1 + withheld);
        ck_assert_uint_eq(s.last_len, withheld ? 1 : 1599);
        s.ssn++;
        end_scene(&s);
    }
}
END_TEST

/* ---- FORWARD-TSN ---- */

static void put_forward(uint32_t tsn)
{
    put_chunk(FORWARD_TSN, 0, 4);
    put_u32(tsn);
}

/* By seed: what came, then what it is to be forwarded to (RFC 3758 section 3.6). */
START_TEST(a_forward_tsn_passes_over_what_did_not_come)
{
    for (unsigned seed = 1; seed <= 30; seed++) {
        static scene s;
        begin_scene(&s);
        uint32_t draw = seed, base = s.tsn, to = base + 1 + seed * 37 % 900;
        bool came[1002] = {false};
        for (unsigned i = 0; i < 1000; i += 40) {
            begin_packet(&s);
            for (unsigned j = 1; j <= 40; j++) {
                draw = draw * 1103515245 + 12345;
                came[i + j] = i + j > 1 && (draw >> 16) % 3 == 0;
                if (came[i + j])
                    put_data(WHOLE | UNORDERED, base + i + j, s.stream, 0, 1);
            }
            send_packet(&s);
        }
        begin_packet(&s);
        put_forward(to);
        send_packet(&s);
        run_ms(&s, 20);
        while (came[to + 1 - base])
            to++;
        ck_assert_uint_eq(s.acknowledged, to);
        for (uint32_t i = 0, at = to - base + 1; i < s.block_count; i++) {
            while (!came[at])
                at++;
            ck_assert_uint_eq(s.blocks[i][0], at - (to - base));
            while (came[at])
                at++;
            ck_assert_uint_eq(s.blocks[i][1], at - 1 - (to - base));
        }
        s.tsn = base + 1000;
        end_scene(&s);
    }
}
END_TEST

/* Of unordered messages whose fragments were withheld, on two streams; the channel's is the first,
 * then the second. */
START_TEST(a_forward_tsn_leaves_what_it_does_not_pass)
{
    for (unsigned i = 0; i < 2; i++) {
        static scene s;
        begin_scene(&s);
        uint16_t other = (uint16_t)(s.stream + 40);
        uint16_t passed = i == 0 ? s.stream : other, left = i == 0 ? other : s.stream;
        uint32_t base = s.tsn;
        begin_packet(&s);
        put_data(UNORDERED | FIRST, base + 1, passed, 0, 10);
        put_data(UNORDERED | FIRST, base + 9, left, 0, 10);
        send_packet(&s);
        begin_packet(&s);
        put_forward(base + 5);
        send_packet(&s);
        begin_packet(&s);
        put_data(UNORDERED | LAST, base + 10, left, 0, 20);
        put_data(WHOLE | UNORDERED, base + 11, passed, 0, 40);
        put_data(UNORDERED | FIRST, base + 12, passed, 0, 10);
        put_data(UNORDERED | LAST, base + 13, passed, 0, 40);
        send_packet(&s);
        run_ms(&s, 20);
        ck_assert_uint_eq(s.attackers_messages, i == 0 ? 2 : 1);
        ck_assert_uint_eq(s.last_len, i == 0 ? 50 : 30);
        s.tsn = base + 13;
        end_scene(&s);
    }
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

/* SACKs that come one after the other, each with other blocks. */
static void say_many_sacks(scene *s, uint32_t acknowledged, uint32_t in_flight, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint16_t blocks[250][2];
        for (uint16_t j = 0; j < 250; j++)
            blocks[j][0] = blocks[j][1] = (uint16_t)(2 + i % 2 + (in_flight - 3) * j / 249);
        put_sack(s, acknowledged, blocks, 250);
        if (i % 20 == 19)
            run_ms(s, 1);
    }
}

/* 128 chunks a packet: as many SACKs as come are heard while little is in flight, and fewer the
 * more there is. */
START_TEST(sacks_cost_what_their_packets_pay_for)
{
    static const uint32_t flights[] = {20, 400};
    for (size_t i = 0; i < 2; i++) {
        static scene s;
        begin_scene(&s);
        uint32_t acknowledged = fill_flight(&s, flights[i]),
                 in_flight = s.victims_tsn - acknowledged;
        s.heap_before = s.heap_most = heap_bytes();
        uint64_t before = counts_of(&s).list_steps;
        say_many_sacks(&s, acknowledged, in_flight, 1000);
        uint64_t steps = counts_of(&s).list_steps - before;
        /* A chunk may be looked at twice, and four walks are saved for. */
        ck_assert_uint_le(steps, 2 * (1000 * 128 + 5 * in_flight));
        ck_assert_uint_ge(steps, 1000 * (in_flight < 100 ? in_flight : 100));
        s.most_steps = 0;
        ck_assert_int_eq(kith_sctp_get_state(sctp_of(s.towards_attacker)), KITH_SCTP_CONNECTED);
        end_scene(&s);
    }
}
END_TEST

/* What was acknowledged is not any more, and again. */
START_TEST(taking_acknowledgements_back_costs_no_more)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400), in_flight = s.victims_tsn - acknowledged;
    uint64_t before = counts_of(&s).list_steps;
    for (uint16_t i = 0; i < 1000; i++) {
        put_sack(&s, acknowledged, (uint16_t[][2]){{2, (uint16_t)in_flight}}, i % 2);
        kith_pump_tick(s.towards_attacker, virtual_now()); /* not one of SCTP's */
    }
    ck_assert_uint_le(counts_of(&s).list_steps - before, 2 * (1000 * 128 + 5 * in_flight));
    s.heap_before = s.heap_most = heap_bytes();
    s.most_steps = 0;
    end_scene(&s);
}
END_TEST

/* SACKs of a dozen ticks earlier or of the next one say the same and more; the last one does not.
 */
START_TEST(the_last_of_many_sacks_is_heard_within_a_tick)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400), in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes();
    say_many_sacks(&s, acknowledged, in_flight, 100);
    uint32_t before = s.victims_tsn;
    /* The first chunk alone is missing. */
    put_sack(&s, acknowledged, (uint16_t[][2]){{2, (uint16_t)in_flight}}, 1);
    run_ms(&s, 18); /* two links and a tick */
    ck_assert_uint_gt(s.victims_tsn - before, 100);
    s.most_steps = 0;
    end_scene(&s);
}
END_TEST

/* RFC 9260 section 6.2.1, D i: the older one of two that changed their order is dropped. */
START_TEST(a_sack_that_waits_is_not_forgotten_for_an_older_one)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400), in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes();
    say_many_sacks(&s, acknowledged, in_flight, 100);
    uint32_t before = s.victims_tsn;
    put_sack(&s, acknowledged + 1, (uint16_t[][2]){{2, (uint16_t)(in_flight - 1)}}, 1);
    put_sack(&s, acknowledged, (uint16_t[][2]){{3, 4}}, 1);
    run_ms(&s, 18);
    ck_assert_uint_gt(s.victims_tsn - before, 100);
    s.most_steps = 0;
    end_scene(&s);
}
END_TEST

/* The older one is paid by what came in between. */
START_TEST(a_sack_that_waits_is_not_forgotten_when_an_older_one_is_heard)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400), in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes();
    say_many_sacks(&s, acknowledged, in_flight, 100);
    uint32_t sent = s.victims_tsn;
    uint64_t before = counts_of(&s).list_steps;
    put_sack(&s, acknowledged + 1, (uint16_t[][2]){{2, (uint16_t)(in_flight - 1)}}, 1);
    ck_assert_uint_eq(counts_of(&s).list_steps, before);
    for (unsigned i = 0; i < in_flight / 128 + 1; i++) {
        begin_packet(&s);
        put_data(WHOLE, ++s.tsn, s.stream, s.ssn++, 10);
        send_packet(&s);
    }
    put_sack(&s, acknowledged, (uint16_t[][2]){{3, 4}}, 1);
    ck_assert_uint_gt(counts_of(&s).list_steps, before);
    run_ms(&s, 18);
    ck_assert_uint_gt(s.victims_tsn - sent, 100);
    s.most_steps = 0;
    end_scene(&s);
}
END_TEST

START_TEST(a_sack_that_waited_is_forgotten_when_a_newer_one_is_heard)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400), in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes();
    say_many_sacks(&s, acknowledged, in_flight, 20);
    /* Until one is heard after one that was not. */
    for (uint64_t before = 0, waits = 0, heard = 0; !waits || !heard;) {
        waits = before > 0 && !heard;
        before = counts_of(&s).list_steps;
        put_sack(&s, acknowledged, (uint16_t[][2]){{2, (uint16_t)in_flight}}, 1);
        heard = counts_of(&s).list_steps - before;
    }
    uint64_t before = counts_of(&s).list_steps;
    run_ms(&s, 20);
    ck_assert_uint_eq(counts_of(&s).list_steps, before);
    s.most_steps = 0;
    end_scene(&s);
}
END_TEST

START_TEST(what_comes_with_a_sack_that_waits_does_not_wait)
{
    static scene s;
    begin_scene(&s);
    uint32_t acknowledged = fill_flight(&s, 400), in_flight = s.victims_tsn - acknowledged;
    s.heap_before = s.heap_most = heap_bytes();
    say_many_sacks(&s, acknowledged, in_flight, 100);
    for (unsigned i = 0; i < 100; i++) {
        begin_packet(&s);
        put_sack_chunk(acknowledged, (uint16_t[][2]){{3, (uint16_t)in_flight}}, 1);
        put_data(WHOLE, ++s.tsn, s.stream, s.ssn++, 10);
        send_packet(&s);
    }
    run_ms(&s, 1);
    ck_assert_uint_eq(s.attackers_messages, 100);
    s.most_steps = 0;
    end_scene(&s);
}
END_TEST

/* Runs of chunks that came and of those that did not, by seed; SACKs tell them (RFC 9260 section
 * 3.3.4). */
START_TEST(sacks_name_what_came)
{
    for (unsigned seed = 1; seed <= 30; seed++) {
        static scene s;
        begin_scene(&s);
        uint32_t last = s.tsn, draw = seed;
        uint16_t at = 2, count = 0, blocks[100][2];
        for (; count < 60 && at < 3500; count++) {
            draw = draw * 1103515245 + 12345;
            unsigned longest = count % 7 == 0 ? 300 : count % 3 == 0 ? 60 : 9;
            blocks[count][0] = at;
            for (unsigned len = 1 + (draw >> 16) % longest; len > 0;) {
                begin_packet(&s);
                for (unsigned i = 0; i < 50 && len > 0; i++, len--)
                    put_data(WHOLE | UNORDERED, last + at++, s.stream, 0, 1);
                send_packet(&s);
            }
            blocks[count][1] = (uint16_t)(at - 1);
            at = (uint16_t)(at + 1 + (draw >> 24) % (count % 5 == 0 ? 200 : 20));
        }
        run_ms(&s, 20);
        ck_assert_uint_eq(s.acknowledged, last);
        ck_assert_uint_eq(s.block_count, count);
        ck_assert_mem_eq(s.blocks, blocks, count * sizeof blocks[0]);
        s.tsn += at;
        end_scene(&s);
    }
}
END_TEST

START_TEST(a_sack_names_the_first_of_more_than_fit)
{
    static scene s;
    begin_scene(&s);
    uint32_t last = s.tsn;
    for (unsigned i = 0; i < 40; i++) {
        begin_packet(&s);
        for (unsigned j = 0; j < 50; j++)
            put_data(WHOLE | UNORDERED, s.tsn += 2, s.stream, 0, 1);
        send_packet(&s);
    }
    run_ms(&s, 20);
    ck_assert_uint_eq(s.acknowledged, last);
    ck_assert_uint_ge(s.block_count, 250);
    for (uint16_t i = 0; i < s.block_count; i++) {
        ck_assert_uint_eq(s.blocks[i][0], 2u + 2u * i);
        ck_assert_uint_eq(s.blocks[i][1], 2u + 2u * i);
    }
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

/* RFC 9260 section 6.5. */
START_TEST(a_packet_of_chunks_for_no_stream_is_answered_by_one_error)
{
    static scene s;
    begin_scene(&s);
    for (unsigned i = 0; i < 3; i++) {
        say_on_no_stream(&s, i);
        run_ms(&s, 20);
        ck_assert_uint_eq(s.errors, i + 1);
    }
    end_scene(&s);
}
END_TEST

/* RFC 9260 section 3.2: types that are skipped and reported, before the data and behind. */
START_TEST(a_packet_of_chunks_of_no_known_type_is_answered_by_one_error)
{
    static scene s;
    begin_scene(&s);
    for (unsigned behind = 0; behind < 2; behind++) {
        begin_packet(&s);
        for (unsigned i = 0; behind && i < 100; i++) {
            if (i == 0)
                put_data(WHOLE | UNORDERED, ++s.tsn, s.stream, 0, 1);
            put_chunk((uint8_t)(0xF0 + i % 8), 0, 4);
            put_u32(i);
        }
        for (unsigned i = 0; !behind && i < 8; i++)
            put_chunk((uint8_t)(0xF0 + i), 0, 0);
        send_packet(&s);
        run_ms(&s, 20);
        ck_assert_uint_eq(s.errors, behind + 1);
    }
    end_scene(&s);
}
END_TEST

UNIT_MAIN("sim: hostile", messages_that_nobody_reads_are_held_by_the_limit,
          an_endless_message_in_fragments_of_a_byte_is_ended_at_the_limit,
          a_message_above_the_limit_ends_the_association_while_it_comes,
          messages_that_are_only_begun_are_held_by_the_limit,
          labels_of_channels_are_held_by_the_limit, an_honest_peer_has_its_turn_beside_a_flood,
          what_waits_for_a_withheld_chunk_costs_no_walk, searches_cost_what_their_packets_save,
          of_many_fragments_in_a_packet_a_few_are_taken_and_the_others_when_they_come_again,
          fragments_in_order_are_all_taken, a_forward_tsn_passes_over_what_did_not_come,
          a_forward_tsn_leaves_what_it_does_not_pass, gap_blocks_of_what_was_not_sent_cost_no_walk,
          gap_blocks_out_of_order_cost_no_walk, gap_blocks_cost_one_walk_over_what_is_in_flight,
          sacks_cost_what_their_packets_pay_for, taking_acknowledgements_back_costs_no_more,
          the_last_of_many_sacks_is_heard_within_a_tick,
          a_sack_that_waits_is_not_forgotten_for_an_older_one,
          a_sack_that_waits_is_not_forgotten_when_an_older_one_is_heard,
          a_sack_that_waited_is_forgotten_when_a_newer_one_is_heard,
          what_comes_with_a_sack_that_waits_does_not_wait, sacks_name_what_came,
          a_sack_names_the_first_of_more_than_fit,
          a_packet_of_chunks_for_no_stream_is_answered_by_one_error,
          a_packet_of_chunks_of_no_known_type_is_answered_by_one_error,
          stream_resets_are_kept_within_bounds, a_packet_of_a_hundred_heartbeats_is_not_answered)
