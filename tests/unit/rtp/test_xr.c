/* The round trip of who sends nothing, asked for and answered by extended reports. */
#include "kit.h"
#include "wire/rtcp_xr.h"

#define THEIRS 77

static kit kit_agreed(void)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_audio(), kit_video()};
    sections[0].rcvr_rtt = true;
    kit_set(&k, sections, 2);
    return k;
}

static void hear_sound(kit *k, uint16_t number)
{
    kit_receive(k, (from){.ssrc = THEIRS, .type = OPUS, .number = number, .mid = "0"});
    kit_events(k, KITH_RTP_EV_PACKET);
}

/* The round of reports that is due now. */
static said report(kit *k)
{
    k->now += KITH_SECONDS(4);
    return kit_rtcp(k);
}

static kith_rtcp_xr_block block_of(const said *s, uint32_t *ssrc)
{
    kith_rtcp_packet p = said_part(s, KITH_RTCP_XR);
    kith_reader blocks;
    kith_rtcp_xr_block block;
    ck_assert(kith_rtcp_parse_xr(&p, ssrc, &blocks));
    ck_assert(kith_rtcp_next_xr(&blocks, &block));
    return block;
}

static void hear_clock(kit *k, uint32_t ssrc, uint64_t ntp)
{
    uint8_t buf[KITH_RTCP_XR_RRTR_LEN];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_rrtr(&w, ssrc, ntp);
    kit_hear(k, &w);
}

static void hear_answer(kit *k, kith_rtcp_dlrr answer)
{
    uint8_t buf[40];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_dlrr(&w, THEIRS, &answer, 1);
    kit_hear(k, &w);
}

START_TEST(who_only_receives_sends_its_clock)
{
    kit k = kit_agreed();
    hear_sound(&k, 1);
    said s = report(&k);
    ck_assert_str_eq(s.parts, "RR:1 SDES:1 XR:0");
    uint32_t ssrc;
    uint64_t ntp;
    kith_rtcp_xr_block block = block_of(&s, &ssrc);
    ck_assert(kith_rtcp_read_rrtr(&block, &ntp));
    ck_assert_uint_eq(ntp >> 32, (uint64_t)k.now / 1000000);
    kit_end(&k);
}
END_TEST

/* Its sender reports are answered by reports. */
START_TEST(who_sends_does_not)
{
    kit k = kit_agreed();
    hear_sound(&k, 1);
    kit_send(&k, kit_out(&k, KITH_RTP_AUDIO), (kith_rtp_unit){.payload_type = OPUS});
    ck_assert_str_eq(report(&k).parts, "SR:1 SDES:1");
    kit_end(&k);
}
END_TEST

START_TEST(where_it_was_not_agreed_nothing_is_sent_or_answered)
{
    kit k = kit_new();
    hear_sound(&k, 1);
    hear_clock(&k, THEIRS, 1 << 20);
    ck_assert_str_eq(report(&k).parts, "RR:1 SDES:1");
    kit_end(&k);
}
END_TEST

START_TEST(a_reference_time_is_answered_once)
{
    kit k = kit_agreed();
    kit_send(&k, kit_out(&k, KITH_RTP_AUDIO), (kith_rtp_unit){.payload_type = OPUS});
    k.now += KITH_SECONDS(4);
    kit_rtcp(&k);
    hear_clock(&k, THEIRS, UINT64_C(0x0000000100020000));
    k.now += KITH_MS(1500);
    hear_clock(&k, THEIRS, UINT64_C(0x0000000300040000)); /* the last one counts */
    said s = report(&k);
    ck_assert_str_eq(s.parts, "SR:0 SDES:1 XR:0");
    uint32_t ssrc;
    kith_rtcp_dlrr answer;
    kith_rtcp_xr_block block = block_of(&s, &ssrc);
    ck_assert_uint_eq(block.content.len, KITH_RTCP_XR_ENTRY_LEN);
    ck_assert(kith_rtcp_next_dlrr(&block.content, &answer));
    ck_assert_uint_eq(answer.ssrc, THEIRS);
    ck_assert_uint_eq(answer.last_rr, 0x00030004);
    ck_assert_uint_eq(answer.delay_since_last_rr, 4 * 65536);
    ck_assert_str_eq(report(&k).parts, "RR:0 SDES:1");
    kit_end(&k);
}
END_TEST

START_TEST(the_round_trip_is_what_was_not_held)
{
    kit k = kit_agreed();
    hear_sound(&k, 1);
    said s = report(&k);
    uint32_t ssrc;
    uint64_t ntp;
    kith_rtcp_xr_block block = block_of(&s, &ssrc);
    ck_assert(kith_rtcp_read_rrtr(&block, &ntp));
    k.now += KITH_MS(1080);
    hear_answer(&k, (kith_rtcp_dlrr){ssrc, (uint32_t)(ntp >> 16), 65536});
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, THEIRS, &info));
    ck_assert_int_eq(info.round_trip_time, KITH_MS(80));
    ck_assert_int_eq(info.total_round_trip_time, KITH_MS(80));
    ck_assert_uint_eq(info.round_trip_time_measurements, 1);
    ck_assert_int_eq(kith_rtp_rtt(k.rtp), KITH_MS(80));
    kit_end(&k);
}
END_TEST

START_TEST(answers_that_cannot_be_are_no_measurements)
{
    kit k = kit_agreed();
    hear_sound(&k, 1);
    said s = report(&k);
    uint32_t ssrc;
    uint64_t ntp;
    kith_rtcp_xr_block block = block_of(&s, &ssrc);
    ck_assert(kith_rtcp_read_rrtr(&block, &ntp));
    uint32_t middle = (uint32_t)(ntp >> 16);
    k.now += KITH_SECONDS(1);
    hear_answer(&k, (kith_rtcp_dlrr){ssrc, middle, 65537 + 65536}); /* held longer than away */
    hear_answer(&k, (kith_rtcp_dlrr){ssrc, middle, UINT32_MAX});
    hear_answer(&k, (kith_rtcp_dlrr){ssrc, middle + 1, 0}); /* never sent */
    hear_answer(&k, (kith_rtcp_dlrr){ssrc, 0, 0});
    hear_answer(&k, (kith_rtcp_dlrr){ssrc + 1, middle, 0}); /* somebody else's */
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, THEIRS, &info));
    ck_assert_uint_eq(info.round_trip_time_measurements, 0);
    ck_assert_int_eq(kith_rtp_rtt(k.rtp), 0);
    kit_end(&k);
}
END_TEST

START_TEST(more_reference_times_than_are_kept_go_without_answer)
{
    kit k = kit_agreed();
    kit_send(&k, kit_out(&k, KITH_RTP_AUDIO), (kith_rtp_unit){.payload_type = OPUS});
    for (uint32_t ssrc = 1; ssrc <= 1000; ssrc++)
        hear_clock(&k, 1000 + ssrc, 1 << 20);
    said s = report(&k);
    uint32_t ssrc;
    ck_assert_uint_eq(block_of(&s, &ssrc).content.len, 8 * KITH_RTCP_XR_ENTRY_LEN);
    kit_end(&k);
}
END_TEST

START_TEST(a_damaged_extended_report_is_counted)
{
    kit k = kit_agreed();
    static const uint8_t damaged[] = {0x80, 207, 0, 2, 0, 0, 0, 9, 4, 0, 0, 2};
    uint8_t buf[sizeof damaged];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_bytes(&w, damaged, sizeof damaged);
    kit_hear(&k, &w);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 1);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: xr", who_only_receives_sends_its_clock, who_sends_does_not,
          where_it_was_not_agreed_nothing_is_sent_or_answered, a_reference_time_is_answered_once,
          the_round_trip_is_what_was_not_held, answers_that_cannot_be_are_no_measurements,
          more_reference_times_than_are_kept_go_without_answer,
          a_damaged_extended_report_is_counted)
