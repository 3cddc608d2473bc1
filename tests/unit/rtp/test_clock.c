/* When what comes was captured: by sender reports, on our clock. */
#include "kit.h"

#define SOUND   7
#define PICTURE 8

/* The peer's clock is this much ahead of ours. */
#define AHEAD KITH_SECONDS(5000)

static uint64_t ntp_of(kith_time at)
{
    uint64_t us = (uint64_t)at;
    return us / 1000000 << 32 | (us % 1000000 << 32) / 1000000;
}

static void hear(kit *k, uint32_t ssrc)
{
    bool is_sound = ssrc == SOUND;
    kit_receive(k, (from){.ssrc = ssrc,
                          .type = is_sound ? OPUS : VP8,
                          .number = 1,
                          .mid = is_sound ? "0" : "1"});
    kit_events(k, KITH_RTP_EV_PACKET);
}

/* A report that was made `delay` ago, when the stream's clock was at `timestamp`. */
static void report(kit *k, uint32_t ssrc, kith_time delay, uint32_t timestamp, const char *cname)
{
    uint8_t buf[100];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_sr(
        &w, ssrc,
        &(kith_rtcp_sender_info){.ntp = ntp_of(k->now - delay + AHEAD), .rtp_timestamp = timestamp},
        NULL, 0);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 1);
    kith_rtcp_write_chunk(&w, ssrc, kith_span_text(cname), kith_span_text(""));
    kith_rtcp_end(&w, mark);
    kit_hear(k, &w);
}

static kith_rtp_captured captured(kit *k, uint32_t ssrc, uint32_t timestamp)
{
    kith_rtp_captured out;
    ck_assert(kith_rtp_capture_time(k->rtp, ssrc, timestamp, &out));
    return out;
}

static void assert_near(kith_time is, kith_time wanted)
{
    ck_assert_msg(is - wanted <= 2 && wanted - is <= 2, "%lld us away", (long long)(is - wanted));
}

START_TEST(before_a_report_nothing_is_known)
{
    kit k = kit_new();
    kith_rtp_captured out;
    ck_assert(!kith_rtp_capture_time(k.rtp, SOUND, 0, &out));
    hear(&k, SOUND);
    ck_assert(!kith_rtp_capture_time(k.rtp, SOUND, 0, &out));
    report(&k, SOUND, KITH_MS(30), 1000, "x");
    ck_assert(kith_rtp_capture_time(k.rtp, SOUND, 0, &out));
    kit_end(&k);
}
END_TEST

START_TEST(timestamps_lie_on_a_line_through_the_report)
{
    kit k = kit_new();
    hear(&k, SOUND);
    kith_rtp_set_rtt(k.rtp, KITH_MS(60));
    report(&k, SOUND, KITH_MS(30), 1000, "x");
    assert_near(captured(&k, SOUND, 1000).at, k.now - KITH_MS(30));
    assert_near(captured(&k, SOUND, 1000 + 48000).at, k.now + KITH_MS(970));
    assert_near(captured(&k, SOUND, UINT32_MAX - 3799).at, k.now - KITH_MS(130)); /* wraps */
    kit_end(&k);
}
END_TEST

START_TEST(the_least_delayed_report_says_it)
{
    kit k = kit_new();
    hear(&k, SOUND);
    report(&k, SOUND, KITH_MS(200), 0, "x");
    k.now += KITH_SECONDS(1);
    report(&k, SOUND, KITH_MS(30), 56160, "x"); /* 1.17 s later */
    k.now += KITH_SECONDS(1);
    report(&k, SOUND, KITH_MS(150), 98400, "x"); /* 0.88 s later */
    assert_near(captured(&k, SOUND, 98400).at, k.now - KITH_MS(120));
    kit_end(&k);
}
END_TEST

/* What was least two minutes ago may be the drift of a clock. */
START_TEST(an_old_report_is_forgotten)
{
    kit k = kit_new();
    hear(&k, SOUND);
    report(&k, SOUND, 0, 0, "x");
    for (uint32_t i = 1; i <= 13; i++) {
        k.now += KITH_SECONDS(10);
        report(&k, SOUND, KITH_MS(40), i, "x");
    }
    assert_near(captured(&k, SOUND, 13).at, k.now);
    kit_end(&k);
}
END_TEST

START_TEST(streams_of_one_source_share_its_clock)
{
    kit k = kit_new();
    hear(&k, SOUND);
    hear(&k, PICTURE);
    report(&k, SOUND, KITH_MS(20), 1000, "x");
    report(&k, PICTURE, KITH_MS(90), 2000, "x");
    assert_near(captured(&k, PICTURE, 2000).at, k.now - KITH_MS(70));
    ck_assert(captured(&k, SOUND, 0).clock == captured(&k, PICTURE, 0).clock);
    report(&k, PICTURE, KITH_MS(90), 2000, "another");
    ck_assert(captured(&k, SOUND, 0).clock != captured(&k, PICTURE, 0).clock);
    assert_near(captured(&k, PICTURE, 2000).at, k.now);
    kit_end(&k);
}
END_TEST

START_TEST(a_clock_that_is_set_begins_anew)
{
    kit k = kit_new();
    hear(&k, SOUND);
    report(&k, SOUND, 0, 0, "x");
    k.now += KITH_SECONDS(1);
    report(&k, SOUND, KITH_SECONDS(3600), 48000, "x");
    assert_near(captured(&k, SOUND, 48000).at, k.now);
    report(&k, SOUND, 0, 48000, "x");
    assert_near(captured(&k, SOUND, 48000).at, k.now);
    kit_end(&k);
}
END_TEST

START_TEST(a_source_without_a_clock_says_nothing)
{
    kit k = kit_new();
    hear(&k, SOUND);
    uint8_t buf[40];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_sr(&w, SOUND, &(kith_rtcp_sender_info){.rtp_timestamp = 1}, NULL, 0);
    kit_hear(&k, &w);
    kith_rtp_captured out;
    ck_assert(!kith_rtp_capture_time(k.rtp, SOUND, 1, &out));
    kit_end(&k);
}
END_TEST

START_TEST(a_thousand_sources_do_not_overflow)
{
    kit k = kit_new();
    hear(&k, SOUND);
    hear(&k, PICTURE);
    report(&k, PICTURE, 0, 0, "picture");
    for (unsigned i = 0; i < 1000; i++) {
        char cname[16];
        snprintf(cname, sizeof cname, "%u", i);
        k.now += 1;
        report(&k, SOUND, 0, 0, cname);
    }
    assert_near(captured(&k, SOUND, 0).at, k.now);
    kith_rtp_captured out;
    ck_assert(!kith_rtp_capture_time(k.rtp, PICTURE, 0, &out));
    kit_end(&k);
}
END_TEST

/* RFC 3550 section 6.5.1 asks for a CNAME in each; without one a source is only its own. */
START_TEST(a_source_without_cname_has_a_clock_of_its_own)
{
    kit k = kit_new();
    hear(&k, SOUND);
    hear(&k, PICTURE);
    for (uint32_t ssrc = SOUND; ssrc <= PICTURE; ssrc++) {
        uint8_t buf[100];
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_rtcp_write_sr(&w, ssrc, &(kith_rtcp_sender_info){.ntp = ntp_of(k.now + AHEAD)}, NULL,
                           0);
        /* an item NOTE, and a chunk without any */
        size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 2);
        kith_wr_u32(&w, ssrc);
        kith_wr_bytes(&w, (const uint8_t[]){7, 4, 'n', 'o', 't', 'e', 0, 0}, 8);
        kith_wr_u32(&w, ssrc);
        kith_wr_u32(&w, 0);
        kith_rtcp_end(&w, mark);
        kit_hear(&k, &w);
    }
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 0);
    assert_near(captured(&k, SOUND, 0).at, k.now);
    assert_near(captured(&k, PICTURE, 0).at, k.now);
    ck_assert_uint_ne(captured(&k, SOUND, 0).clock, captured(&k, PICTURE, 0).clock);
    kit_end(&k);
}
END_TEST

/* NTP and RTP times of sender reports at the ends of their range and beyond each other's reach.
 * What they say is kept within the range of a timestamp, and the next honest report is believed. */
START_TEST(reports_of_impossible_times_are_forgotten_with_the_next_honest_one)
{
    static const uint64_t times[] = {1,
                                     UINT32_MAX,
                                     UINT64_C(1) << 63,
                                     (UINT64_C(1) << 63) - 1,
                                     UINT64_MAX,
                                     UINT64_C(0x8000000000000001),
                                     UINT64_C(0xffffffff00000000)};
    static const uint32_t stamps[] = {0, 1, 0x7fffffff, 0x80000000, UINT32_MAX};
    const kith_time reach = (kith_time)(UINT64_C(1) << 31) * 1000000 / 48000 + KITH_SECONDS(2);
    kit k = kit_new();
    hear(&k, SOUND);
    kith_rtp_set_rtt(k.rtp, 0);
    for (unsigned i = 0; i < sizeof times / sizeof times[0] * 5; i++) {
        uint8_t buf[28];
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_rtcp_write_sr(
            &w, SOUND,
            &(kith_rtcp_sender_info){.ntp = times[i / 5], .rtp_timestamp = stamps[i % 5]}, NULL, 0);
        k.now += KITH_MS(20);
        kit_hear(&k, &w);
        for (unsigned n = 0; n < 5; n++) {
            kith_time away = captured(&k, SOUND, stamps[n]).at - k.now;
            ck_assert_int_le(away, reach);
            ck_assert_int_ge(away, -reach);
        }
        assert_near(captured(&k, SOUND, stamps[i % 5]).at, k.now);
        k.now += KITH_MS(20);
        report(&k, SOUND, 0, 48000, "x");
        assert_near(captured(&k, SOUND, 48000 + 480).at, k.now + KITH_MS(10));
    }
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: clock", before_a_report_nothing_is_known,
          timestamps_lie_on_a_line_through_the_report, the_least_delayed_report_says_it,
          an_old_report_is_forgotten, streams_of_one_source_share_its_clock,
          a_clock_that_is_set_begins_anew, a_source_without_a_clock_says_nothing,
          a_thousand_sources_do_not_overflow, a_source_without_cname_has_a_clock_of_its_own,
          reports_of_impossible_times_are_forgotten_with_the_next_honest_one)
