/* Receiving: replay, rollover, what is forgotten and what is not, and a change of keys. */
#include "kit.h"

static const kith_srtp_counters *counters(kit *k)
{
    return kith_srtp_get_counters(k->side[BOB]);
}

/* Somewhere in the network, as it was sent. */
static void keep(packet_bytes *kept, kit *k, uint32_t ssrc, uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        kept[i] = kit_sent(k, ALICE, ssrc, (uint16_t)(from + i));
}

/* ---- against a model ---- */

/* Packets on their way; one in five is there for longer than the replay window. */
#define FLIGHT 64

typedef struct flight {
    packet_bytes p;
    uint64_t index;
    bool is_used;
} flight;

typedef struct model {
    uint64_t highest;
    bool has_any;
    uint8_t came[1 << 19];
} model;

static bool model_takes(model *m, uint64_t index)
{
    if (m->has_any && index + KITH_SRTP_REPLAY_WINDOW <= m->highest)
        return false;
    if (m->came[index])
        return false;
    m->came[index] = 1;
    m->highest = m->has_any && m->highest > index ? m->highest : index;
    m->has_any = true;
    return true;
}

/* 20 % lost, any order within the flight, some twice, some long after, sequence numbers that wrap
 * several times. */
static void run_model(uint16_t profile, uint32_t seed)
{
    static flight way[FLIGHT];
    static model m;
    kit k;
    uint32_t state = seed * 2654435761u + 1;
    uint64_t next = kit_random(&state) % 0x7000;
    packet_bytes old = {.len = 0};
    uint64_t old_index = 0, taken = 0;
    memset(way, 0, sizeof way);
    memset(&m, 0, sizeof m);
    kit_new(&k, profile);
    for (int step = 0; step < 24000; step++) {
        flight *f = &way[kit_random(&state) % FLIGHT];
        uint32_t what = kit_random(&state) % 100;
        if (f->is_used && what < 80) {
            bool takes = model_takes(&m, f->index);
            taken += takes;
            ck_assert_int_eq(kit_takes(&k, BOB, f->p), takes);
        }
        if (f->is_used && what == 3) {
            old = f->p;
            old_index = f->index;
        }
        if (old.len > 0 && what == 4 && old_index + 0x7000 > m.highest)
            ck_assert_int_eq(kit_takes(&k, BOB, old), model_takes(&m, old_index));
        /* A sequence number now and then is never used: an application that skips. */
        next += 1 + (what >= 95 ? what : 0) + (what == 50 ? 300 : 0);
        if (f->is_used && what < 10)
            continue; /* stays, and comes twice */
        *f = (flight){
            .p = kit_sent(&k, ALICE, 0x11223344, (uint16_t)next), .index = next, .is_used = true};
    }
    ck_assert_uint_gt(m.highest, 3 * 65536);
    ck_assert_uint_lt(next, sizeof m.came);
    ck_assert_uint_gt(taken, 10000);
    kit_free(&k);
}

START_TEST(packets_are_taken_as_a_model_says_through_loss_reordering_wraps_and_replay)
{
    for (uint32_t seed = 1; seed <= 6; seed++)
        run_model(all_profiles[seed % PROFILES], seed);
}
END_TEST

START_TEST(a_packet_is_taken_once_and_within_the_window)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        static packet_bytes kept[1100];
        kit_new(&k, all_profiles[i]);
        keep(kept, &k, 1, 64000, 1100);
        ck_assert(kit_takes(&k, BOB, kept[1099]));
        for (size_t n = 0; n < 1100; n++)
            ck_assert_int_eq(kit_takes(&k, BOB, kept[n]), n > 1099 - 1024 && n != 1099);
        for (size_t n = 0; n < 1100; n++)
            ck_assert(!kit_takes(&k, BOB, kept[n]));
        ck_assert_uint_eq(counters(&k)->replayed, 76 + 1 + 1100);
        ck_assert_uint_eq(counters(&k)->auth_failed, 0);
        kit_free(&k);
    }
}
END_TEST

START_TEST(srtcp_is_taken_once)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        packet_bytes kept[100];
        kit_new(&k, all_profiles[i]);
        for (uint8_t n = 0; n < 100; n++) {
            kept[n] = kit_rtcp(1, n);
            ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &kept[n]), KITH_OK);
        }
        for (int round = 0; round < 2; round++)
            for (int n = 99; n >= 0; n--)
                ck_assert_int_eq(kit_takes_rtcp(&k, BOB, kept[n]), round == 0);
        ck_assert_uint_eq(counters(&k)->replayed, 100);
        kit_free(&k);
    }
}
END_TEST

/* ---- what is forged ---- */

START_TEST(every_truncation_and_every_changed_bit_is_dropped)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        packet_bytes p = kit_sent(&k, ALICE, 1, 1000), report = kit_rtcp(1, 1);
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
        for (size_t len = 0; len < p.len; len++) {
            packet_bytes cut = p;
            cut.len = len;
            ck_assert(!kit_takes(&k, BOB, cut));
        }
        for (size_t len = 0; len < report.len; len++) {
            packet_bytes cut = report;
            cut.len = len;
            ck_assert(!kit_takes_rtcp(&k, BOB, cut));
        }
        for (size_t bit = 0; bit < 8 * p.len; bit++) {
            packet_bytes changed = p;
            changed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert(!kit_takes(&k, BOB, changed));
        }
        for (size_t bit = 0; bit < 8 * report.len; bit++) {
            packet_bytes changed = report;
            changed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert(!kit_takes_rtcp(&k, BOB, changed));
        }
        ck_assert(kit_takes(&k, BOB, p));
        ck_assert(kit_takes_rtcp(&k, BOB, report));
        ck_assert_uint_eq(counters(&k)->replayed, 0);
        ck_assert_uint_eq(k.side[BOB]->inbound->streams.count, 1);
        kit_free(&k);
    }
}
END_TEST

/* A sequence number that nobody authenticated moves neither the window nor the rollover. */
START_TEST(a_forged_packet_does_not_move_a_stream)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, 60000)));
        for (uint16_t seq = 1; seq < 60000; seq = (uint16_t)(seq + 5000)) {
            packet_bytes forged = kit_rtp(1, seq, 60);
            ck_assert(!kit_takes(&k, BOB, forged));
        }
        for (uint16_t seq = 60001; seq != 100; seq++)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, seq)));
        kit_free(&k);
    }
}
END_TEST

START_TEST(a_packet_longer_than_any_datagram_is_dropped)
{
    kit k;
    uint8_t *memory = calloc(1, 70000);
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    memory[0] = 0x80;
    for (size_t len = 65530; len < 65540; len++) {
        ck_assert_uint_eq(kith_srtp_unprotect_rtp(k.side[BOB], memory, len), 0);
        ck_assert_uint_eq(kith_srtp_unprotect_rtcp(k.side[BOB], memory, len), 0);
    }
    ck_assert_uint_eq(counters(&k)->malformed, 4 + 10);
    free(memory);
    kit_free(&k);
}
END_TEST

/* ---- rollover ---- */

/* The sender began near 65535, and what came before the wrap was lost. */
START_TEST(a_stream_whose_first_wrap_was_lost_is_found_at_the_third_packet)
{
    for (size_t i = 0; i < PROFILES; i++) {
        for (int with_rtcp = 0; with_rtcp < 2; with_rtcp++) {
            kit k;
            packet_bytes kept[8];
            kit_new(&k, all_profiles[i]);
            (void)kit_sent(&k, ALICE, 1, 65535);
            packet_bytes report = kit_rtcp(1, 1);
            ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
            if (with_rtcp)
                ck_assert(kit_takes_rtcp(&k, BOB, report));
            keep(kept, &k, 1, 0, 8);
            for (size_t n = 0; n < 8; n++)
                ck_assert_int_eq(kit_takes(&k, BOB, kept[n]), n >= 2);
            /* The first two are not lost for ever: they may come again, once. */
            for (size_t n = 0; n < 8; n++)
                ck_assert_int_eq(kit_takes(&k, BOB, kept[n]), n < 2);
            ck_assert_uint_eq(counters(&k)->auth_failed, 2);
            kit_free(&k);
        }
    }
}
END_TEST

/* ALICE sends what BOB does not get, `count` numbers from `next` on; the next number. */
static uint64_t lose(kit *k, uint64_t next, uint32_t count)
{
    uint64_t end = next + count;
    for (; next < end; next += 16000)
        (void)kit_sent(k, ALICE, 1, (uint16_t)next);
    (void)kit_sent(k, ALICE, 1, (uint16_t)(end - 1));
    return end;
}

/* By their numbers such packets are before what came, or at the rollover before their own. */
START_TEST(a_stream_that_lost_more_than_2_15_packets_is_found_at_the_third_packet)
{
    static const uint32_t lost[] = {0x8001, 40000, 65535, 65536, 70000, 98000};
    static const uint32_t begins[] = {5, 40000, 65530};
    for (size_t i = 0; i < PROFILES * 18; i++) {
        kit k;
        packet_bytes old[8], kept[8];
        kit_new(&k, all_profiles[i / 18]);
        uint64_t next = begins[i % 3];
        /* beyond rollover 0, before which there is no other */
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)));
        for (uint64_t end = next + 65536; next < end; next += 16384)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)(next + 16384))));
        keep(old, &k, 1, (uint32_t)next + 1, 8);
        packet_bytes forged = old[0];
        forged.bytes[20] ^= 1;
        for (size_t n = 0; n < 100; n++)
            ck_assert(!kit_takes(&k, BOB, forged));
        for (size_t n = 0; n < 8; n++)
            ck_assert(kit_takes(&k, BOB, old[n]));
        next = lose(&k, next + 9, lost[i / 3 % 6]);
        keep(kept, &k, 1, (uint32_t)next, 8);
        for (size_t n = 0; n < 8; n++)
            ck_assert_msg(kit_takes(&k, BOB, kept[n]) == (n >= 2), "row %zu, %zu", i, n);
        for (size_t n = 2; n < 8; n++)
            ck_assert(!kit_takes(&k, BOB, kept[n]));
        for (size_t n = 0; n < 64; n++)
            ck_assert(!kit_takes(&k, BOB, old[n % 8]));
        for (next += 8; next < 400000; next += 20000)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)));
        kit_free(&k);
    }
}
END_TEST

/* Halfway round it is as far ahead as behind, and taken for the latter. What was tried for one
 * packet does not hold for those behind it. */
START_TEST(a_stream_that_is_found_halfway_round_goes_on_through_its_next_wrap)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        uint64_t next = 0xC000;
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)));
        packet_bytes forged = kit_sent(&k, ALICE, 1, (uint16_t)(next + 1));
        forged.bytes[20] ^= 1;
        for (size_t n = 0; n < 2; n++)
            ck_assert(!kit_takes(&k, BOB, forged));
        next = lose(&k, next + 2, 0x8000 - 2);
        for (; next < 0x30000; next += 16000)
            ck_assert_msg(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)), "%llx",
                          (unsigned long long)next);
        ck_assert_uint_eq(counters(&k)->auth_failed, 2);
        ck_assert_uint_eq(counters(&k)->replayed, 0);
        kit_free(&k);
    }
}
END_TEST

/* Below what it had reached when it was forgotten nothing is taken, but tried one rollover later.
 */
START_TEST(a_stream_that_came_back_and_lost_its_wrap_is_found_too)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        packet_bytes old[8], kept[8];
        kit_new(&k, all_profiles[i]);
        uint64_t next = 0x8000;
        for (; next < 0x28000; next += 0x4000)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)));
        keep(old, &k, 1, (uint32_t)next, 8);
        ck_assert(kit_takes(&k, BOB, old[7]));
        kith_srtp_forget(k.side[BOB], 1);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)(next + 8))));
        next = lose(&k, next + 9, 40000);
        keep(kept, &k, 1, (uint32_t)next, 8);
        for (size_t n = 0; n < 8; n++)
            ck_assert_msg(kit_takes(&k, BOB, kept[n]) == (n >= 2), "row %zu, %zu", i, n);
        for (size_t n = 0; n < 64; n++)
            ck_assert(!kit_takes(&k, BOB, old[n % 8]));
        kit_free(&k);
    }
}
END_TEST

/* What had to go and lost a wrap before it comes back: below what it had reached nothing is taken,
 * but tried one rollover later. */
START_TEST(a_stream_that_was_forgotten_and_lost_its_wrap_is_found_at_the_third_packet)
{
    static const uint32_t lost[] = {0x8000, 0x8001, 40000, 65536, 70000, 97000};
    static const uint32_t begins[] = {5, 40000, 65530};
    for (size_t i = 0; i < PROFILES * 36; i++) {
        kit k;
        packet_bytes old[8], kept[8];
        bool with_rtcp = i / 18 % 2;
        kit_new(&k, all_profiles[i / 36]);
        uint64_t next = begins[i % 3];
        for (uint64_t end = next + 65536; next < end; next += 16384)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)));
        keep(old, &k, 1, (uint32_t)next, 8);
        for (size_t n = 0; n < 8; n++)
            ck_assert(kit_takes(&k, BOB, old[n]));
        kith_srtp_forget(k.side[BOB], 1);
        packet_bytes report = kit_rtcp(1, 1);
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
        if (with_rtcp)
            ck_assert(kit_takes_rtcp(&k, BOB, report));
        next = lose(&k, next + 8, lost[i / 3 % 6]);
        keep(kept, &k, 1, (uint32_t)next, 8);
        for (size_t n = 0; n < 8; n++)
            ck_assert_msg(kit_takes(&k, BOB, kept[n]) == (n >= 2), "row %zu, %zu", i, n);
        for (size_t n = 2; n < 8; n++)
            ck_assert(!kit_takes(&k, BOB, kept[n]));
        for (size_t n = 0; n < 64; n++)
            ck_assert(!kit_takes(&k, BOB, old[n % 8]));
        for (next += 8; next < 400000; next += 20000)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)));
        kit_free(&k);
    }
}
END_TEST

/* RFC 3711 section 3.3.1: the rollover counter is not sent, so that of an SSRC that 1024 others
 * outlived in memory nothing can be known: it begins as if it were new, at 0 or, where that is what
 * a lost wrap looks like, at 1. A session of WebRTC has 256 at a time. */
START_TEST(an_ssrc_that_nobody_remembers_any_more_is_found_at_rollover_0_and_1_only)
{
    for (uint32_t rollover = 0; rollover < 3; rollover++) {
        kit k;
        uint32_t next = 0;
        kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
        for (; next < rollover << 16; next += 0x4000)
            (void)kit_sent(&k, ALICE, 1, (uint16_t)next);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)next)) == (rollover == 0));
        kith_srtp_forget(k.side[BOB], 1);
        for (uint32_t ssrc = 2; ssrc < 2 + KITH_SRTP_REMEMBERED; ssrc++) {
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
            kith_srtp_retire(k.side[ALICE], ssrc);
            kith_srtp_forget(k.side[BOB], ssrc);
        }
        bool is_found = false;
        for (uint32_t n = 1; n < 17; n++)
            is_found |= kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)(next + n)));
        ck_assert(is_found == (rollover < 2));
        kit_free(&k);
    }
}
END_TEST

/* Rollover 1 is a guess that only a wrap explains, and behind one the numbers are low. */
START_TEST(above_2_15_no_wrap_is_guessed)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        (void)kit_sent(&k, ALICE, 1, 65535);
        (void)kit_sent(&k, ALICE, 1, 20000);
        for (uint16_t seq = 0x8000; seq < 0x8010; seq++)
            ck_assert(!kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, seq)));
        kit_free(&k);
    }
}
END_TEST

START_TEST(forged_packets_of_an_ssrc_do_not_keep_it_from_being_found)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        (void)kit_sent(&k, ALICE, 1, 65535);
        packet_bytes good = kit_sent(&k, ALICE, 1, 0), forged = good;
        forged.bytes[20] ^= 1;
        for (int n = 0; n < 127; n++)
            ck_assert(!kit_takes(&k, BOB, forged));
        ck_assert(kit_takes(&k, BOB, good));
        kit_free(&k);
    }
}
END_TEST

START_TEST(a_lost_wrap_is_tried_from_the_third_failure_on_and_after_the_16th_ever_more_seldom)
{
    for (unsigned before = 0; before < 130; before++) {
        kit k;
        kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
        (void)kit_sent(&k, ALICE, 1, 65535);
        packet_bytes good = kit_sent(&k, ALICE, 1, 0), forged = good;
        forged.bytes[20] ^= 1;
        for (unsigned n = 0; n < before; n++)
            ck_assert(!kit_takes(&k, BOB, forged));
        unsigned failures = before + 1;
        bool is_due = (failures >= 3 && failures <= 16) || failures == 32 || failures == 64 ||
                      failures == 128;
        ck_assert_msg(kit_takes(&k, BOB, good) == is_due, "failure %u", failures);
        kit_free(&k);
    }
}
END_TEST

START_TEST(the_wraps_of_16_streams_at_a_time_are_found)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 1; ssrc <= KITH_SRTP_SUSPECTS; ssrc++)
        (void)kit_sent(&k, ALICE, ssrc, 65535);
    for (uint16_t round = 0; round < 3; round++)
        for (uint32_t ssrc = 1; ssrc <= KITH_SRTP_SUSPECTS; ssrc++)
            ck_assert_int_eq(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, round)), round == 2);
    kit_free(&k);
}
END_TEST

/* To try a packet of an unknown SSRC costs a stream with its keys, fifty times what a wrong tag
 * does. */
START_TEST(forged_packets_of_ever_other_ssrcs_cost_256_streams_and_one_for_each_that_was_verified)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        packet_bytes kept[8];
        kit_new(&k, all_profiles[i]);
        for (uint32_t n = 0; n < 16 * 100; n++)
            ck_assert(!kit_takes(&k, BOB, kit_rtp(1000 + n / 16, 5, 50)));
        (void)kit_sent(&k, ALICE, 1, 65535);
        keep(kept, &k, 1, 0, 8);
        for (size_t n = 0; n < 4; n++)
            ck_assert(!kit_takes(&k, BOB, kept[n]));
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 2, 5)));
        for (size_t n = 4; n < 8; n++)
            ck_assert(kit_takes(&k, BOB, kept[n]));
        kit_free(&k);
    }
}
END_TEST

START_TEST(a_stream_at_rollover_0_is_found_though_forged_packets_came_before)
{
    for (size_t i = 0; i < PROFILES * 2; i++) {
        kit k;
        packet_bytes report = kit_rtcp(1, 1);
        kit_new(&k, all_profiles[i / 2]);
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
        ck_assert_int_eq(i % 2 == 1 && kit_takes_rtcp(&k, BOB, report), i % 2 == 1);
        packet_bytes good = kit_sent(&k, ALICE, 1, 5), forged = good;
        forged.bytes[20] ^= 1;
        for (int n = 0; n < 50; n++)
            ck_assert(!kit_takes(&k, BOB, forged));
        ck_assert(kit_takes(&k, BOB, good));
        ck_assert(!kit_takes(&k, BOB, good));
        for (uint32_t seq = 6; seq < 140000; seq += 20)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)seq)));
        kit_free(&k);
    }
}
END_TEST

/* A microphone that is muted for longer than its sequence numbers need to wrap, while others talk.
 */
START_TEST(an_owned_ssrc_keeps_its_rollover_while_others_come_and_go)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        ck_assert_int_eq(kith_srtp_own(k.side[BOB], 1), KITH_OK);
        for (uint32_t seq = 0; seq < 200000; seq += 100)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)seq)));
        packet_bytes seen = kit_sent(&k, ALICE, 1, (uint16_t)(199900 + 2));
        ck_assert(kit_takes(&k, BOB, seen));
        for (uint32_t ssrc = 100; ssrc < 1000; ssrc++) {
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
            kith_srtp_retire(k.side[ALICE], ssrc);
        }
        ck_assert_uint_eq(k.side[BOB]->inbound->streams.count, KITH_SRTP_MAX_SSRCS);
        ck_assert_uint_eq(counters(&k)->full, 901 - KITH_SRTP_MAX_SSRCS);
        ck_assert(!kit_takes(&k, BOB, seen));
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)(199900 + 1))));
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)200000)));
        kit_free(&k);
    }
}
END_TEST

/* ... and when all 256 are owned, the one longest unused goes, and is known when it comes back. */
START_TEST(an_ssrc_that_had_to_go_comes_back_where_it_was_and_nothing_of_it_twice)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        packet_bytes reports[3];
        kit_new(&k, all_profiles[i]);
        for (uint32_t seq = 0; seq < 100000; seq += 100)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)seq)));
        packet_bytes seen = kit_sent(&k, ALICE, 1, (uint16_t)100000);
        ck_assert(kit_takes(&k, BOB, seen));
        for (uint8_t n = 0; n < 3; n++) {
            reports[n] = kit_rtcp(1, n);
            ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &reports[n]), KITH_OK);
        }
        ck_assert(kit_takes_rtcp(&k, BOB, reports[1]));
        for (uint32_t ssrc = 1; ssrc <= KITH_SRTP_MAX_SSRCS; ssrc++)
            ck_assert_int_eq(kith_srtp_own(k.side[BOB], ssrc), KITH_OK);
        ck_assert_int_eq(kith_srtp_own(k.side[BOB], 5), KITH_OK);
        ck_assert_int_eq(kith_srtp_own(k.side[BOB], 300), KITH_ERR_RANGE);
        for (uint32_t ssrc = 2; ssrc <= KITH_SRTP_MAX_SSRCS; ssrc++)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
        ck_assert_uint_eq(counters(&k)->full, 0);
        kith_srtp_retire(k.side[ALICE], 2);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 300, 1)));
        ck_assert_uint_eq(counters(&k)->full, 1);
        ck_assert(!kit_takes(&k, BOB, seen));
        ck_assert(!kit_takes_rtcp(&k, BOB, reports[1]));
        ck_assert(!kit_takes_rtcp(&k, BOB, reports[0]));
        ck_assert(kit_takes_rtcp(&k, BOB, reports[2]));
        ck_assert(!kit_takes_rtcp(&k, BOB, reports[1]));
        ck_assert(!kit_takes_rtcp(&k, BOB, reports[0]));
        ck_assert(!kit_takes(&k, BOB, seen));
        ck_assert_uint_eq(counters(&k)->auth_failed, 0);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)100001)));
        ck_assert(!kit_takes(&k, BOB, seen));
        for (uint32_t seq = 100002; seq < 240000; seq += 777)
            ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, (uint16_t)seq)));
        ck_assert(!kit_takes(&k, BOB, seen));
        kit_free(&k);
    }
}
END_TEST

/* Of 300 others one is not heard for longest, and goes; which one is disowned goes before. */
START_TEST(unowned_ssrcs_go_first_and_of_them_the_longest_unused)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 0; ssrc < KITH_SRTP_MAX_SSRCS; ssrc++) {
        bool is_owned = ssrc != 9 && ssrc != 7;
        if (is_owned && ssrc % 2 == 0)
            ck_assert_int_eq(kith_srtp_own(k.side[BOB], ssrc), KITH_OK);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
        if (is_owned && ssrc % 2 == 1)
            ck_assert_int_eq(kith_srtp_own(k.side[BOB], ssrc), KITH_OK);
    }
    ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 7, 2)));
    kith_srtp_disown(k.side[BOB], 200);
    static const uint32_t order[] = {9, 200, 7};
    for (uint32_t n = 0; n < 3; n++) {
        kith_srtp_retire(k.side[ALICE], 10 + n);
        ck_assert_int_eq(kith_srtp_own(k.side[BOB], 1000 + n), KITH_OK);
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1000 + n, 1)));
        ck_assert_uint_eq(k.side[BOB]->inbound->gone.count, n + 1);
        ck_assert_uint_eq(k.side[BOB]->inbound->gone.all[n].ssrc, order[n]);
    }
    kit_free(&k);
}
END_TEST

/* RFC 3711 section 3.3.2: what was taken before is not taken again, and the rollover goes on. */
START_TEST(a_forgotten_ssrc_costs_its_indices_and_comes_back_behind_them)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        packet_bytes before = kit_sent(&k, ALICE, 1, 65535), wrapped = kit_sent(&k, ALICE, 1, 0);
        packet_bytes report = kit_rtcp(1, 1);
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
        ck_assert_int_eq(kith_srtp_own(k.side[BOB], 1), KITH_OK);
        ck_assert(kit_takes(&k, BOB, before) && kit_takes(&k, BOB, wrapped));
        ck_assert(kit_takes_rtcp(&k, BOB, report));
        kith_srtp_forget(k.side[BOB], 1);
        kith_srtp_forget(k.side[BOB], 1);
        kith_srtp_forget(k.side[BOB], 2);
        ck_assert_uint_eq(k.side[BOB]->inbound->streams.count, 0);
        ck_assert_uint_eq(k.side[BOB]->owned.count, 0);
        ck_assert(!kit_takes(&k, BOB, before) && !kit_takes(&k, BOB, wrapped));
        ck_assert(!kit_takes_rtcp(&k, BOB, report));
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, 1)));
        kit_free(&k);
    }
}
END_TEST

START_TEST(reports_and_a_first_packet_behind_them_count_as_use)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    packet_bytes reports[2] = {kit_rtcp(1, 1), kit_rtcp(2, 1)};
    for (int n = 0; n < 2; n++)
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &reports[n]), KITH_OK);
    ck_assert(kit_takes_rtcp(&k, BOB, reports[0]));
    ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 2, 1)));
    ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 3, 1)));
    ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, 1)));
    ck_assert(kit_takes_rtcp(&k, BOB, reports[1]));
    for (uint32_t ssrc = 4; ssrc <= KITH_SRTP_MAX_SSRCS + 1; ssrc++) {
        ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, ssrc, 1)));
        kith_srtp_retire(k.side[ALICE], ssrc);
    }
    ck_assert_uint_eq(k.side[BOB]->inbound->gone.count, 1);
    ck_assert_uint_eq(k.side[BOB]->inbound->gone.all[0].ssrc, 3);
    kit_free(&k);
}
END_TEST

/* Nothing that is not verified takes a place or pushes anybody out. */
START_TEST(forged_ssrcs_take_no_place)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    ck_assert(kit_takes(&k, BOB, kit_sent(&k, ALICE, 1, 1)));
    for (uint32_t ssrc = 2; ssrc < 5000; ssrc++) {
        packet_bytes forged = kit_rtp(ssrc, 1, 60), report = kit_rtcp(ssrc, 1);
        report.len = 60;
        report.bytes[56] = 0x80;
        ck_assert(!kit_takes(&k, BOB, forged));
        ck_assert(!kit_takes_rtcp(&k, BOB, report));
    }
    ck_assert_uint_eq(k.side[BOB]->inbound->streams.count, 1);
    ck_assert_uint_eq(counters(&k)->full, 0);
    ck_assert_uint_eq(counters(&k)->auth_failed, 2 * 4998);
    kit_free(&k);
}
END_TEST

UNIT_MAIN("srtp: receive",
          packets_are_taken_as_a_model_says_through_loss_reordering_wraps_and_replay,
          a_packet_is_taken_once_and_within_the_window, srtcp_is_taken_once,
          every_truncation_and_every_changed_bit_is_dropped, a_forged_packet_does_not_move_a_stream,
          a_packet_longer_than_any_datagram_is_dropped,
          a_stream_whose_first_wrap_was_lost_is_found_at_the_third_packet,
          a_stream_that_lost_more_than_2_15_packets_is_found_at_the_third_packet,
          a_stream_that_is_found_halfway_round_goes_on_through_its_next_wrap,
          a_stream_that_came_back_and_lost_its_wrap_is_found_too,
          a_stream_that_was_forgotten_and_lost_its_wrap_is_found_at_the_third_packet,
          an_ssrc_that_nobody_remembers_any_more_is_found_at_rollover_0_and_1_only,
          above_2_15_no_wrap_is_guessed, forged_packets_of_an_ssrc_do_not_keep_it_from_being_found,
          a_lost_wrap_is_tried_from_the_third_failure_on_and_after_the_16th_ever_more_seldom,
          the_wraps_of_16_streams_at_a_time_are_found,
          forged_packets_of_ever_other_ssrcs_cost_256_streams_and_one_for_each_that_was_verified,
          a_stream_at_rollover_0_is_found_though_forged_packets_came_before,
          an_owned_ssrc_keeps_its_rollover_while_others_come_and_go,
          an_ssrc_that_had_to_go_comes_back_where_it_was_and_nothing_of_it_twice,
          unowned_ssrcs_go_first_and_of_them_the_longest_unused,
          a_forgotten_ssrc_costs_its_indices_and_comes_back_behind_them,
          reports_and_a_first_packet_behind_them_count_as_use, forged_ssrcs_take_no_place)
