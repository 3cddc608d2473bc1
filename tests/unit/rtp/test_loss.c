/* How fast by loss: what is below 2 % of reports and above 10 % of them, where it begins, and what
 * bounds it. */
#include "kit.h"

typedef struct scene {
    kit k;
    kith_rtp_out *video;
    uint32_t highest;
} scene;

static scene begin(void)
{
    scene s = {.k = kit_new()};
    s.video = kit_out(&s.k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(s.k.rtp, KITH_MS(50));
    return s;
}

/* A second of packets of 1012 bytes, and a report at its end that so many of 256 were lost. Rate:
 * 8096 bits a packet. */
static uint64_t second(scene *s, unsigned packets, uint8_t fraction_lost)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = {0};
    for (unsigned i = 0; i < packets; i++) {
        char *block = kith_block_take(s->k.pool);
        memset(block, 0, 1000);
        const kith_rtp_unit unit = {.block = block,
                                    .payload = kith_span_of(block, 1000),
                                    .captured_at = s->k.now,
                                    .payload_type = VP8};
        /* a breaker may have paused it */
        if (kith_rtp_push(s->k.rtp, s->k.now, s->video, &unit) != KITH_OK)
            kith_block_unref(block);
        else
            s->highest += kit_sent(&s->k, buf, &h) > 0;
    }
    s->k.now += KITH_SECONDS(1);
    kith_writer w = kith_wr(buf, sizeof buf);
    const kith_rtcp_report block = {.ssrc = kith_rtp_out_ssrc(s->video),
                                    .highest_sequence = s->highest,
                                    .fraction_lost = fraction_lost};
    kith_rtcp_write_rr(&w, 9, &block, 1);
    kit_hear(&s->k, &w);
    return kith_rtp_estimate(s->k.rtp);
}

static uint64_t told(scene *s)
{
    kith_rtp_event ev;
    uint64_t bitrate = 0;
    while (kith_rtp_event_next(s->k.rtp, &ev))
        if (ev.type == KITH_RTP_EV_ESTIMATE)
            bitrate = ev.bitrate;
    return bitrate;
}

static void hear_remb(scene *s, uint32_t mantissa, unsigned exponent)
{
    uint8_t buf[24];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_PSFB, KITH_RTCP_FMT_AFB);
    kith_wr_u32(&w, 1);
    kith_wr_u32(&w, 0);
    kith_wr_text(&w, "REMB");
    kith_wr_u32(&w, 1u << 24 | exponent << 18 | mantissa);
    kith_wr_u32(&w, kith_rtp_out_ssrc(s->video));
    kith_rtcp_end(&w, mark);
    kit_hear(&s->k, &w);
}

START_TEST(until_something_is_lost_it_grows_by_half_a_second)
{
    scene s = begin();
    uint64_t rate = kith_rtp_estimate(s.k.rtp);
    ck_assert_uint_eq(rate, KITH_RTP_START_BITRATE);
    ck_assert_uint_eq(second(&s, 30, 0), rate); /* of the first report nothing is known */
    ck_assert_uint_eq(told(&s), 0);
    ck_assert_uint_eq(second(&s, 100, 0), 451000);
    ck_assert_uint_eq(told(&s), 451000);
    ck_assert_uint_eq(second(&s, 100, 4), 451000 + 225500 + 1000);
    kit_end(&s.k);
}
END_TEST

START_TEST(after_a_loss_it_grows_by_8_percent_a_second)
{
    scene s = begin();
    second(&s, 30, 0);
    ck_assert_uint_eq(second(&s, 100, 5), 300000);
    ck_assert_uint_eq(second(&s, 100, 4), 300000 + 24000 + 1000);
    kit_end(&s.k);
}
END_TEST

START_TEST(between_2_and_10_percent_it_stays)
{
    scene s = begin();
    second(&s, 30, 0);
    for (int lost = 5; lost <= 25; lost++)
        ck_assert_uint_eq(second(&s, 100, (uint8_t)lost), 300000);
    ck_assert_uint_eq(told(&s), 0);
    kit_end(&s.k);
}
END_TEST

/* By half of what is lost, and of what was sent, since that is what the path did not carry. */
START_TEST(above_10_percent_it_falls)
{
    scene s = begin();
    second(&s, 30, 0);
    ck_assert_uint_eq(second(&s, 100, 26), UINT64_C(300000) / 512 * (512 - 26));
    ck_assert_uint_gt(told(&s), 0);
    ck_assert_uint_eq(second(&s, 25, 128), UINT64_C(202400) / 512 * (512 - 128));
    for (int i = 0; i < 30; i++)
        second(&s, 25, 255);
    ck_assert_uint_lt(kith_rtp_estimate(s.k.rtp), 1000);
    ck_assert_uint_ge(second(&s, 25, 0), 1000);
    kit_end(&s.k);
}
END_TEST

/* Who sends little learns nothing of what more the path would carry. */
START_TEST(it_grows_to_half_as_much_again_as_is_sent)
{
    scene s = begin();
    for (int i = 0; i < 30; i++)
        second(&s, 50, 0);
    ck_assert_uint_eq(kith_rtp_estimate(s.k.rtp), UINT64_C(50) * 8096 * 3 / 2 + 10000);
    for (int i = 0; i < 30; i++)
        second(&s, 20, 0);
    ck_assert_uint_eq(kith_rtp_estimate(s.k.rtp), UINT64_C(50) * 8096 * 3 / 2 + 10000);
    kit_end(&s.k);
}
END_TEST

/* Of a few packets one is too much, and of those that came before the last report none is new. */
START_TEST(few_packets_are_judged_together)
{
    scene s = begin();
    second(&s, 30, 0);
    for (int i = 0; i < 9; i++)
        ck_assert_uint_eq(second(&s, 2, i == 0 ? 128 : 0), 300000);
    ck_assert_uint_eq(second(&s, 2, 0), 300000); /* 1 of 20: 5 % */
    ck_assert_uint_eq(second(&s, 0, 255), 300000);
    kit_end(&s.k);
}
END_TEST

START_TEST(the_peers_own_estimate_is_believed_until_something_is_lost_and_is_the_most)
{
    scene s = begin();
    hear_remb(&s, 200000, 4);
    ck_assert_uint_eq(told(&s), 3200000);
    hear_remb(&s, 100000, 0);
    ck_assert_uint_eq(told(&s), 100000);
    hear_remb(&s, 250000, 2);
    ck_assert_uint_eq(told(&s), 1000000);
    second(&s, 30, 0);
    second(&s, 100, 20);
    hear_remb(&s, 250000, 6);
    ck_assert_uint_eq(told(&s), 3200000);
    kith_rtp_forget_estimate(s.k.rtp);
    ck_assert_uint_eq(kith_rtp_estimate(s.k.rtp), KITH_RTP_START_BITRATE);
    hear_remb(&s, 0x3ffff, 63);
    ck_assert_uint_eq(told(&s), UINT64_MAX);
    second(&s, 30, 0);
    ck_assert_uint_eq(second(&s, 30, 0), UINT64_MAX);
    ck_assert_uint_eq(second(&s, 100, 128), UINT64_C(809600) / 512 * (512 - 128));
    kit_end(&s.k);
}
END_TEST

/* Numbers that go back, or forth by any amount, and fractions of any: no rate is beyond what was
 * sent. */
START_TEST(whatever_reports_say_it_stays_within_what_was_sent)
{
    scene s = begin();
    uint32_t state = 1;
    for (int i = 0; i < 2000; i++) {
        state = state * 1664525 + 1013904223;
        s.highest = i % 3 ? s.highest : state;
        uint64_t rate = second(&s, 30, (uint8_t)(state >> 24 & (i % 2 ? 3 : 255)));
        ck_assert_uint_le(rate, UINT64_C(30) * 8096 * 3 / 2 + 10000);
    }
    kit_end(&s.k);
}
END_TEST

UNIT_MAIN("rtp: loss", until_something_is_lost_it_grows_by_half_a_second,
          after_a_loss_it_grows_by_8_percent_a_second, between_2_and_10_percent_it_stays,
          above_10_percent_it_falls, it_grows_to_half_as_much_again_as_is_sent,
          few_packets_are_judged_together,
          the_peers_own_estimate_is_believed_until_something_is_lost_and_is_the_most,
          whatever_reports_say_it_stays_within_what_was_sent)
