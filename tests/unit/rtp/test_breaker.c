/* RFC 8083: what pauses a stream and what does not, on both sides of each limit, and what ends a
 * pause. */
#include "kit.h"

static kith_rtp_pause pause_of(const kith_rtp_out *out)
{
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    return info.pause;
}

static kith_err try_push(kit *k, kith_rtp_out *out)
{
    char *block = kith_block_take(k->pool);
    ck_assert_ptr_nonnull(block);
    kith_rtp_unit unit = {.block = block, .payload = kith_span_of(block, 7), .payload_type = VP8};
    kith_err err = kith_rtp_push(k->rtp, k->now, out, &unit);
    if (err != KITH_OK)
        kith_block_unref(block);
    return err;
}

/* The peer has `highest` of the stream, and misses so much of 256 since it said so last. */
static void report(kit *k, uint32_t ssrc, uint32_t highest, uint8_t fraction_lost)
{
    uint8_t buf[32];
    kith_writer w = kith_wr(buf, sizeof buf);
    const kith_rtcp_report block = {
        .ssrc = ssrc, .highest_sequence = highest, .fraction_lost = fraction_lost};
    kith_rtcp_write_rr(&w, 9, &block, 1);
    kit_hear(k, &w);
}

static uint16_t send(kit *k, kith_rtp_out *out)
{
    return kit_send(k, out, (kith_rtp_unit){.payload_type = VP8}).sequence_number;
}

static void pli(kit *k, const kith_rtp_out *out)
{
    uint8_t buf[16];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_pli(&w, 9, kith_rtp_out_ssrc(out));
    kit_hear(k, &w);
}

/* So many reports of nothing new, `interval` apart, each after a packet. */
static kith_rtp_pause stall(kit *k, kith_rtp_out *out, unsigned count, kith_time interval)
{
    report(k, kith_rtp_out_ssrc(out), send(k, out), 0);
    uint16_t highest = send(k, out);
    report(k, kith_rtp_out_ssrc(out), highest, 0);
    for (unsigned i = 0; i < count; i++) {
        send(k, out);
        k->now += interval;
        report(k, kith_rtp_out_ssrc(out), highest, 0);
    }
    return pause_of(out);
}

/* ---- section 4.1 ---- */

START_TEST(streams_pause_after_15_s_of_sending_without_a_report)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO), *other = kit_out(&k, KITH_RTP_AUDIO);
    kith_time began = k.now;
    kit_send(&k, other, (kith_rtp_unit){.payload_type = OPUS});
    for (; k.now < began + KITH_SECONDS(15); k.now += KITH_SECONDS(1))
        send(&k, out);
    k.now = began + KITH_SECONDS(15) - 1;
    send(&k, out);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    k.now++;
    send(&k, out);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_int_eq(pause_of(out), KITH_RTP_UNREPORTED);
    ck_assert_int_eq(pause_of(other), KITH_RTP_UNREPORTED);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PAUSE), 2);
    ck_assert_int_eq(try_push(&k, out), KITH_ERR_AGAIN);
    kit_end(&k);
}
END_TEST

/* "containing a report block for any SSRC": a peer may report in turn. */
START_TEST(a_report_on_any_stream_keeps_all_going)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO), *other = kit_out(&k, KITH_RTP_AUDIO);
    for (unsigned i = 0; i < 60; i++, k.now += KITH_SECONDS(1)) {
        kith_rtp_header h = kit_send(&k, other, (kith_rtp_unit){.payload_type = OPUS});
        send(&k, out);
        if (i % 14 == 13)
            report(&k, h.ssrc, h.sequence_number, 0);
    }
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    kit_end(&k);
}
END_TEST

START_TEST(reports_on_streams_of_others_are_none)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    for (unsigned i = 0; i < 17; i++, k.now += KITH_SECONDS(1)) {
        if (pause_of(out) == KITH_RTP_NOT_PAUSED)
            send(&k, out);
        report(&k, kith_rtp_out_ssrc(out) + 1, i, 0);
    }
    ck_assert_int_eq(pause_of(out), KITH_RTP_UNREPORTED);
    kit_end(&k);
}
END_TEST

/* Section 5: feedback without a report counts, whatever it says. */
START_TEST(feedback_alone_keeps_all_going_and_ends_a_pause)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    for (unsigned i = 0; i < 60; i++, k.now += KITH_SECONDS(1)) {
        send(&k, out);
        if (i % 14 == 13)
            pli(&k, out);
    }
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    for (unsigned i = 0; i < 16; i++, k.now += KITH_SECONDS(1))
        if (pause_of(out) == KITH_RTP_NOT_PAUSED)
            send(&k, out);
    ck_assert_int_eq(pause_of(out), KITH_RTP_UNREPORTED);
    pli(&k, out);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    kit_end(&k);
}
END_TEST

/* Section 4: of a peer without RTCP nothing else is known. */
START_TEST(a_peer_without_rtcp_may_be_sent_to)
{
    kit k = kit_bare();
    kith_rtp_free(k.rtp);
    const kith_rtp_config config = {
        .cname = "someone", .ssrcs = kit_ssrcs(), .ignore_rtcp_timeout = true};
    ck_assert_int_eq(kith_rtp_new(&k.rtp, &config), KITH_OK);
    kit_set(&k, (const kith_rtp_section[]){kit_audio(), kit_video()}, 2);
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    for (unsigned i = 0; i < 100; i++, k.now += KITH_SECONDS(1))
        send(&k, out);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    ck_assert_int_eq(stall(&k, out, 6, KITH_SECONDS(1)), KITH_RTP_NOT_ARRIVING);
    kit_end(&k);
}
END_TEST

/* Of silence nothing is reported: comfort noise and a muted track are no broken path. */
START_TEST(what_rests_longer_than_an_interval_is_not_being_sent)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    for (unsigned i = 0; i < 20; i++, k.now += KITH_SECONDS(5) + 1)
        send(&k, out);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    for (unsigned i = 0; i < 4; i++, k.now += KITH_SECONDS(5))
        send(&k, out);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_int_eq(pause_of(out), KITH_RTP_UNREPORTED);
    kit_end(&k);
}
END_TEST

START_TEST(the_next_report_ends_a_pause_for_want_of_reports)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint16_t last = 0;
    for (unsigned i = 0; i < 16; i++, k.now += KITH_SECONDS(1))
        last = send(&k, out);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_int_eq(pause_of(out), KITH_RTP_UNREPORTED);
    kit_events(&k, KITH_RTP_EV_PAUSE);
    report(&k, kith_rtp_out_ssrc(out), last, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PAUSE), 1);
    send(&k, out);
    kit_end(&k);
}
END_TEST

/* ---- section 4.2 ---- */

START_TEST(five_intervals_of_reports_without_progress_pause_the_stream)
{
    static const struct {
        unsigned count;
        kith_time interval, rtt;
        kith_rtp_pause pause;
    } cases[] = {
        {5, KITH_MS(1249), 0, KITH_RTP_NOT_PAUSED},
        {5, KITH_MS(1250), 0, KITH_RTP_NOT_ARRIVING},
        {4, KITH_SECONDS(3), 0, KITH_RTP_NOT_PAUSED},
        /* a hole of five seconds, however often the peer reports */
        {100, KITH_MS(50), 0, KITH_RTP_NOT_PAUSED},
        {101, KITH_MS(50), 0, KITH_RTP_NOT_ARRIVING},
        /* MEDIA_TIMEOUT counts round trips where they are longer than intervals */
        {7, KITH_SECONDS(2), KITH_MS(2500), KITH_RTP_NOT_PAUSED},
        {8, KITH_SECONDS(2), KITH_MS(2500), KITH_RTP_NOT_ARRIVING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kit k = kit_new();
        kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
        kith_rtp_set_rtt(k.rtp, cases[i].rtt);
        ck_assert_msg(stall(&k, out, cases[i].count, cases[i].interval) == cases[i].pause,
                      "case %zu", i);
        kit_end(&k);
    }
}
END_TEST

START_TEST(reports_without_progress_mean_nothing_while_nothing_is_sent)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint16_t highest = send(&k, out);
    for (unsigned i = 0; i < 60; i++, k.now += KITH_SECONDS(1))
        report(&k, kith_rtp_out_ssrc(out), highest, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    kit_end(&k);
}
END_TEST

/* "When stopping sending an RTP stream": after ten seconds without a packet (Tf) the count begins
 * anew, and what is sent every eight seconds is watched. */
START_TEST(what_stopped_being_sent_is_watched_anew)
{
    static const struct {
        kith_time rest;
        kith_rtp_pause pause;
    } cases[] = {{KITH_SECONDS(11), KITH_RTP_NOT_PAUSED}, {KITH_SECONDS(8), KITH_RTP_NOT_ARRIVING}};
    for (size_t i = 0; i < 2; i++) {
        kit k = kit_new();
        kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
        uint16_t highest = send(&k, out);
        report(&k, kith_rtp_out_ssrc(out), highest, 0);
        for (unsigned n = 0; n < 6 && pause_of(out) == KITH_RTP_NOT_PAUSED; n++) {
            send(&k, out);
            for (kith_time t = 0; t < cases[i].rest; t += KITH_SECONDS(1)) {
                k.now += KITH_SECONDS(1);
                report(&k, kith_rtp_out_ssrc(out), highest, 0);
            }
        }
        ck_assert_int_eq(pause_of(out), cases[i].pause);
        kit_end(&k);
    }
}
END_TEST

START_TEST(only_the_stream_pauses_that_does_not_arrive)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO), *other = kit_out(&k, KITH_RTP_AUDIO);
    kit_send(&k, other, (kith_rtp_unit){.payload_type = OPUS});
    ck_assert_int_eq(stall(&k, out, 6, KITH_SECONDS(1)), KITH_RTP_NOT_ARRIVING);
    ck_assert_int_eq(pause_of(other), KITH_RTP_NOT_PAUSED);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PAUSE), 1);
    kit_end(&k);
}
END_TEST

/* ---- section 4.3 ---- */

/* Sends so many packets a second and loses so much of 256, for some seconds. */
static kith_rtp_pause lose(kit *k, kith_rtp_out *out, unsigned rate, uint8_t lost, unsigned seconds)
{
    for (unsigned i = 0; i < seconds && pause_of(out) == KITH_RTP_NOT_PAUSED; i++) {
        uint16_t highest = 0;
        for (unsigned j = 0; j < rate; j++)
            highest = send(k, out);
        k->now += KITH_SECONDS(1);
        report(k, kith_rtp_out_ssrc(out), highest, lost);
    }
    return pause_of(out);
}

/* 10 / (0.1 s * sqrt(2 / 3 * 26 / 256)) packets a second are 384.3. */
START_TEST(more_than_ten_times_what_tcp_sends_pauses_the_stream)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(100));
    ck_assert_int_eq(lose(&k, out, 384, 26, 60), KITH_RTP_NOT_PAUSED);
    ck_assert_int_eq(lose(&k, out, 385, 26, 60), KITH_RTP_CONGESTED);
    kit_end(&k);
}
END_TEST

/* CB_INTERVAL: 15 s of reports are waited for. */
START_TEST(congestion_has_to_last)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(100));
    ck_assert_int_eq(lose(&k, out, 1000, 128, 15), KITH_RTP_NOT_PAUSED);
    ck_assert_int_eq(lose(&k, out, 1000, 128, 1), KITH_RTP_CONGESTED);
    kit_end(&k);
}
END_TEST

/* "multiplied by the duration of the corresponding reporting interval": half of what came in 0.1 s
 * is a tenth of what came in 1 s. 10 / sqrt(2 / 3 * 128 / 256 / 11) packets in a round trip are
 * 57.4. */
START_TEST(loss_counts_for_as_long_as_it_is_reported)
{
    static const struct {
        unsigned rate;
        kith_rtp_pause pause;
    } cases[] = {{57, KITH_RTP_NOT_PAUSED}, {58, KITH_RTP_CONGESTED}};
    for (size_t i = 0; i < 2; i++) {
        kit k = kit_new();
        kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
        kith_rtp_set_rtt(k.rtp, KITH_MS(1100));
        for (unsigned n = 0; n < 22 && pause_of(out) == KITH_RTP_NOT_PAUSED; n++) {
            uint16_t highest = 0;
            for (unsigned j = 0; j < cases[i].rate; j++)
                highest = send(&k, out);
            k.now += KITH_SECONDS(1);
            report(&k, kith_rtp_out_ssrc(out), highest, 0);
            k.now += KITH_MS(100);
            report(&k, kith_rtp_out_ssrc(out), highest, 128);
        }
        ck_assert_int_eq(pause_of(out), cases[i].pause);
        kit_end(&k);
    }
}
END_TEST

/* RFC 8083 section 3: a single long round trip counts for a fifth, and less each time. 10 / (Tr *
 * sqrt(2 / 3 * 26 / 256)) packets a second are 192 at 200 ms, 74 at 520. */
START_TEST(a_single_long_round_trip_is_no_congestion)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(200));
    ck_assert_int_eq(lose(&k, out, 150, 26, 15), KITH_RTP_NOT_PAUSED);
    kith_rtp_set_rtt(k.rtp, KITH_MS(450));
    ck_assert_int_eq(lose(&k, out, 150, 26, 1), KITH_RTP_NOT_PAUSED);
    kith_rtp_set_rtt(k.rtp, KITH_MS(200));
    ck_assert_int_eq(lose(&k, out, 150, 26, 30), KITH_RTP_NOT_PAUSED);
    kith_rtp_set_rtt(k.rtp, KITH_MS(450));
    ck_assert_int_eq(lose(&k, out, 150, 26, 30), KITH_RTP_CONGESTED);
    kit_end(&k);
}
END_TEST

/* 1.5 Mbit/s are 156 packets of 1200 bytes a second. */
START_TEST(loss_of_5_and_10_percent_is_no_congestion)
{
    static const unsigned rtts_ms[] = {50, 100, 200};
    static const uint8_t losses[] = {13, 26};
    for (size_t i = 0; i < 6; i++) {
        kit k = kit_new();
        kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
        kith_rtp_set_rtt(k.rtp, KITH_MS(rtts_ms[i / 2]));
        ck_assert_int_eq(lose(&k, out, 156, losses[i % 2], 60), KITH_RTP_NOT_PAUSED);
        kit_end(&k);
    }
}
END_TEST

START_TEST(without_a_round_trip_or_a_loss_there_is_no_limit)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    ck_assert_int_eq(lose(&k, out, 500, 200, 20), KITH_RTP_NOT_PAUSED);
    kit_end(&k);
    k = kit_new();
    out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_SECONDS(1));
    ck_assert_int_eq(lose(&k, out, 500, 0, 40), KITH_RTP_NOT_PAUSED);
    kit_end(&k);
}
END_TEST

/* ---- a pause and its end ---- */

/* The header of the probe that is due, and when the next one is; RTCP is skipped. */
static kith_rtp_header probe(kit *k)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = {0};
    ck_assert_uint_gt(kit_sent(k, buf, &h), 0);
    ck_assert_uint_eq(h.payload_len, 0);
    return h;
}

static void expect_nothing(kit *k)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    ck_assert_uint_eq(kit_sent(k, buf, &h), 0);
}

START_TEST(a_paused_stream_asks_less_and_less_often_whether_the_path_works)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    stall(&k, out, 6, KITH_SECONDS(1));
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    static const unsigned seconds[] = {1, 2, 4, 8, 10, 10};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        k.now += KITH_SECONDS(seconds[i]) - 1;
        expect_nothing(&k);
        ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now + 1);
        k.now++;
        ck_assert_uint_eq(probe(&k).ssrc, info.ssrc);
        expect_nothing(&k);
    }
    kit_end(&k);
}
END_TEST

START_TEST(a_stream_goes_on_when_a_probe_arrived_with_the_next_number)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_unit unit = {.payload_type = VP8, .is_numbered = true, .sequence_number = 500};
    uint16_t highest = kit_send(&k, out, unit).sequence_number;
    for (unsigned i = 0; i < 6; i++, k.now += KITH_SECONDS(1)) {
        report(&k, kith_rtp_out_ssrc(out), highest, 0);
        unit.sequence_number++;
        kit_send(&k, out, unit);
    }
    report(&k, kith_rtp_out_ssrc(out), highest, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_ARRIVING);
    kit_events(&k, KITH_RTP_EV_PAUSE);
    k.now += KITH_SECONDS(1);
    kith_rtp_header h = probe(&k);
    report(&k, kith_rtp_out_ssrc(out), highest, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_ARRIVING);
    report(&k, kith_rtp_out_ssrc(out), h.sequence_number, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PAUSE), 1);
    unit.sequence_number++;
    ck_assert_uint_eq(kit_send(&k, out, unit).sequence_number, (uint16_t)(h.sequence_number + 1));
    expect_nothing(&k);
    kit_end(&k);
}
END_TEST

START_TEST(congestion_is_over_when_a_probe_arrives_and_nothing_is_lost)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(100));
    ck_assert_int_eq(lose(&k, out, 1000, 128, 16), KITH_RTP_CONGESTED);
    /* what was on its way */
    report(&k, kith_rtp_out_ssrc(out), UINT16_MAX, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_CONGESTED);
    /* section 4.5: at least as long as it took */
    k.now += KITH_SECONDS(15) - 1;
    expect_nothing(&k);
    k.now++;
    uint16_t number = probe(&k).sequence_number;
    report(&k, kith_rtp_out_ssrc(out), 0x10000u + number, 1);
    ck_assert_int_eq(pause_of(out), KITH_RTP_CONGESTED);
    k.now += KITH_SECONDS(10);
    report(&k, kith_rtp_out_ssrc(out), 0x10000u + probe(&k).sequence_number, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    kit_end(&k);
}
END_TEST

START_TEST(congestion_that_comes_back_rests_longer_each_time)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_SECONDS(1));
    static const unsigned rests[] = {15, 30, 60, 60, 15};
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        if (i == 4)
            ck_assert_int_eq(lose(&k, out, 10, 0, 20), KITH_RTP_NOT_PAUSED);
        ck_assert_int_eq(lose(&k, out, 100, 128, 31), KITH_RTP_CONGESTED);
        k.now += KITH_SECONDS(rests[i]) - 1;
        expect_nothing(&k);
        k.now++;
        report(&k, kith_rtp_out_ssrc(out), probe(&k).sequence_number, 0);
        ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    }
    kit_end(&k);
}
END_TEST

/* With RTX. */
static kith_rtp_out *add_repaired(kit *k)
{
    kith_rtp_out *out = NULL;
    const kith_rtp_out_config config = {
        .mid = "1", .kind = KITH_RTP_VIDEO, .clock_rate = 90000, .has_rtx = true};
    ck_assert_int_eq(kith_rtp_add_out(k->rtp, &out, &config), KITH_OK);
    kith_rtp_out_set_rtx(out, (const uint8_t[128]){[VP8] = 97});
    return out;
}

static void nack(kit *k, const kith_rtp_out *out, uint16_t number)
{
    uint8_t buf[16];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_nack(&w, 9, kith_rtp_out_ssrc(out), &number, 1);
    kit_hear(k, &w);
}

START_TEST(what_waits_is_dropped_and_nothing_is_sent_again)
{
    kit k = kit_new();
    kith_rtp_out *out = add_repaired(&k);
    report(&k, kith_rtp_out_ssrc(out), send(&k, out), 0);
    uint16_t highest = send(&k, out);
    report(&k, kith_rtp_out_ssrc(out), highest, 0);
    uint16_t last = highest;
    for (unsigned i = 0; i < 5; i++, k.now += KITH_SECONDS(1)) {
        last = send(&k, out);
        report(&k, kith_rtp_out_ssrc(out), highest, 0);
    }
    send(&k, out);
    nack(&k, out, last);
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8});
    report(&k, kith_rtp_out_ssrc(out), highest, 0);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_ARRIVING);
    ck_assert_uint_eq(kith_rtp_queued(out), 0);
    expect_nothing(&k);
    ck_assert_int_gt(kith_rtp_deadline(k.rtp), 0);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_sent_again_pauses_with_its_stream)
{
    kit k = kit_new();
    kith_rtp_out *out = add_repaired(&k);
    nack(&k, out, send(&k, out));
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = {0};
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    ck_assert_uint_eq(h.ssrc, kith_rtp_out_rtx_ssrc(out));
    for (unsigned i = 0; i < 15; i++, k.now += KITH_SECONDS(1))
        send(&k, out);
    send(&k, out);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_int_eq(pause_of(out), KITH_RTP_UNREPORTED);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PAUSE), 1);
    k.now += KITH_SECONDS(1);
    ck_assert_uint_eq(probe(&k).ssrc, kith_rtp_out_ssrc(out));
    expect_nothing(&k);
    kit_end(&k);
}
END_TEST

START_TEST(a_stream_that_its_owner_begins_anew_is_not_paused)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    stall(&k, out, 6, KITH_SECONDS(1));
    kit_events(&k, KITH_RTP_EV_PAUSE);
    kith_rtp_out_resume(k.rtp, out);
    ck_assert_int_eq(pause_of(out), KITH_RTP_NOT_PAUSED);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PAUSE), 1);
    send(&k, out);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: breaker", streams_pause_after_15_s_of_sending_without_a_report,
          a_report_on_any_stream_keeps_all_going, reports_on_streams_of_others_are_none,
          feedback_alone_keeps_all_going_and_ends_a_pause, a_peer_without_rtcp_may_be_sent_to,
          what_rests_longer_than_an_interval_is_not_being_sent,
          the_next_report_ends_a_pause_for_want_of_reports,
          five_intervals_of_reports_without_progress_pause_the_stream,
          reports_without_progress_mean_nothing_while_nothing_is_sent,
          what_stopped_being_sent_is_watched_anew, only_the_stream_pauses_that_does_not_arrive,
          more_than_ten_times_what_tcp_sends_pauses_the_stream, congestion_has_to_last,
          loss_counts_for_as_long_as_it_is_reported, a_single_long_round_trip_is_no_congestion,
          loss_of_5_and_10_percent_is_no_congestion,
          without_a_round_trip_or_a_loss_there_is_no_limit,
          a_paused_stream_asks_less_and_less_often_whether_the_path_works,
          a_stream_goes_on_when_a_probe_arrived_with_the_next_number,
          congestion_is_over_when_a_probe_arrives_and_nothing_is_lost,
          congestion_that_comes_back_rests_longer_each_time,
          what_waits_is_dropped_and_nothing_is_sent_again,
          what_is_sent_again_pauses_with_its_stream,
          a_stream_that_its_owner_begins_anew_is_not_paused)
