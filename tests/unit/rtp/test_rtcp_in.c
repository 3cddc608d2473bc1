/* What the peer's RTCP does: reports, round trips, BYE, requests for key frames and their pace. */
#include "kit.h"
#include "wire/rtcp_xr.h"

/* A request of theirs by PLI. */
static void pli(kit *k, const kith_rtp_out *out)
{
    uint8_t buf[12];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_pli(&w, 9, kith_rtp_out_ssrc(out));
    kit_hear(k, &w);
}

static void fir(kit *k, const kith_rtp_out *out, uint8_t number)
{
    uint8_t buf[20];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_fir(&w, 9, &(kith_rtcp_fir){kith_rtp_out_ssrc(out), number}, 1);
    kit_hear(k, &w);
}

static void remb(kit *k, uint32_t rate, const uint32_t *ssrcs, size_t count)
{
    uint8_t buf[1100];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_PSFB, KITH_RTCP_FMT_AFB);
    kith_wr_u32(&w, 9);
    kith_wr_u32(&w, 0);
    kith_wr_text(&w, "REMB");
    kith_wr_u32(&w, (uint32_t)count << 24 | rate);
    for (size_t i = 0; i < count; i++)
        kith_wr_u32(&w, ssrcs[i]);
    kith_rtcp_end(&w, mark);
    kit_hear(k, &w);
}

/* The only event; 1: none. */
static uint64_t told_estimate(kit *k)
{
    kith_rtp_event ev;
    if (!kith_rtp_event_next(k->rtp, &ev))
        return 1;
    ck_assert_int_eq(ev.type, KITH_RTP_EV_ESTIMATE);
    uint64_t bitrate = ev.bitrate;
    ck_assert(!kith_rtp_event_next(k->rtp, &ev));
    return bitrate;
}

/* draft-alvestrand-rmcat-remb-03 section 2. */
START_TEST(an_estimate_is_told_where_a_source_of_ours_is_named)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint32_t ssrcs[255];
    for (uint32_t i = 0; i < 255; i++)
        ssrcs[i] = kith_rtp_out_ssrc(out) + 1 + i;
    remb(&k, 300000, ssrcs, 255);
    ck_assert_uint_eq(told_estimate(&k), 1);
    ssrcs[254] = kith_rtp_out_ssrc(out);
    remb(&k, 200000, ssrcs, 255);
    ck_assert_uint_eq(told_estimate(&k), 200000);
    uint32_t first = ssrcs[0];
    ssrcs[0] = ssrcs[254], ssrcs[254] = first;
    remb(&k, 100000, ssrcs, 255);
    ck_assert_uint_eq(told_estimate(&k), 100000);
    first = ssrcs[0], ssrcs[0] = ssrcs[254], ssrcs[254] = first;
    remb(&k, 0, ssrcs + 254, 1);
    ck_assert_uint_eq(told_estimate(&k), 0);
    remb(&k, 100000, ssrcs + 254, 1);
    remb(&k, UINT32_C(0xFFFFFF), ssrcs + 254, 1);
    ck_assert_uint_eq(told_estimate(&k), UINT64_MAX); /* the newest */
    remb(&k, 1, ssrcs, 0);
    ck_assert_uint_eq(told_estimate(&k), 1);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 1);
    kit_end(&k);
}
END_TEST

START_TEST(a_request_for_a_key_frame_is_told)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kit_out(&k, KITH_RTP_VIDEO);
    pli(&k, out);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert_int_eq(ev.type, KITH_RTP_EV_KEY_FRAME_REQUEST);
    ck_assert_ptr_eq(ev.out, out);
    ck_assert_ptr_eq(ev.user, VIDEO_TAG);
    ck_assert(!kith_rtp_event_next(k.rtp, &ev));
    kit_end(&k);
}
END_TEST

/* The last request may be the one that matters. */
START_TEST(a_request_that_comes_too_early_is_told_later)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    pli(&k, out);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    k.now += KITH_MS(299);
    pli(&k, out);
    pli(&k, out);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), k.now + KITH_MS(1));
    k.now += KITH_MS(1);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    k.now += KITH_SECONDS(10);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.pli_count, 3);
    ck_assert_uint_eq(info.key_frames_requested, 2);
    kit_end(&k);
}
END_TEST

/* Until it left; then the peer may miss it. */
START_TEST(a_request_for_the_key_frame_that_is_coming_is_none)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_expect_key_frame(out, k.now);
    k.now += KITH_MS(40);
    pli(&k, out);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    k.now += KITH_MS(10);
    (void)kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8, .begins_key_frame = true});
    kith_rtp_tick(k.rtp, k.now + KITH_SECONDS(1));
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    k.now += KITH_MS(40);
    pli(&k, out);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    /* one that does not come */
    kith_rtp_expect_key_frame(out, k.now);
    pli(&k, out);
    k.now += KITH_MS(300);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    kit_end(&k);
}
END_TEST

/* A report on the stream, which came as far as that number. */
static void report_to(kit *k, const kith_rtp_out *out, uint16_t highest)
{
    uint8_t buf[32];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_report report = {.ssrc = kith_rtp_out_ssrc(out), .highest_sequence = highest};
    kith_rtcp_write_rr(&w, 9, &report, 1);
    kit_hear(k, &w);
}

static unsigned requests_in(kit *k, kith_time time)
{
    k->now += time;
    kith_rtp_tick(k->rtp, k->now);
    return kit_events(k, KITH_RTP_EV_KEY_FRAME_REQUEST);
}

/* A key frame leaves, and a request comes while it is on its way. Returns its number. */
static uint16_t cross(kit *k, kith_rtp_out *out)
{
    kith_rtp_unit unit = {.payload_type = VP8, .begins_key_frame = true};
    uint16_t number = kit_send(k, out, unit).sequence_number;
    k->now += KITH_MS(300);
    pli(k, out);
    return number;
}

/* What the peer says before it has seen a key frame, it does not say of that. */
START_TEST(a_request_that_crosses_a_key_frame_is_met_when_the_peer_has_come_so_far)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(400));
    uint16_t number = cross(&k, out);
    ck_assert_uint_eq(requests_in(&k, KITH_MS(10)), 0);
    report_to(&k, out, (uint16_t)(number - 1));
    ck_assert_uint_eq(requests_in(&k, KITH_MS(10)), 0);
    report_to(&k, out, number);
    ck_assert_uint_eq(requests_in(&k, KITH_SECONDS(10)), 0);
    /* and nothing of the next one */
    pli(&k, out);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    kit_end(&k);
}
END_TEST

START_TEST(a_request_that_crosses_a_key_frame_is_told_when_no_report_says_more)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(400));
    report_to(&k, out, (uint16_t)(cross(&k, out) - 1));
    ck_assert_uint_eq(requests_in(&k, KITH_SECONDS(2) - 1), 0);
    ck_assert_uint_eq(requests_in(&k, 1), 1);
    ck_assert_uint_eq(requests_in(&k, KITH_SECONDS(2)), 0);
    kit_end(&k);
}
END_TEST

/* Seven eighths of a round trip. */
START_TEST(a_request_behind_a_key_frame_is_told_at_once)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(400));
    (void)cross(&k, out);
    ck_assert_uint_eq(requests_in(&k, KITH_MS(49)), 0);
    pli(&k, out);
    ck_assert_uint_eq(requests_in(&k, KITH_MS(1)), 0);
    pli(&k, out);
    ck_assert_uint_eq(requests_in(&k, 0), 1);
    ck_assert_uint_eq(requests_in(&k, KITH_SECONDS(3)), 0);
    kit_end(&k);
}
END_TEST

START_TEST(a_key_frame_meets_a_request_that_is_held_back)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    pli(&k, out);
    k.now += KITH_MS(100);
    pli(&k, out);
    kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST);
    kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now + KITH_MS(200));
    kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8, .begins_key_frame = true});
    k.now += KITH_SECONDS(1);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    kit_end(&k);
}
END_TEST

START_TEST(a_repeated_fir_is_the_same_request)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    fir(&k, out, 0);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    k.now += KITH_SECONDS(1);
    fir(&k, out, 0);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    fir(&k, out, 1);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.fir_count, 2);
    kit_end(&k);
}
END_TEST

/* The middle of the NTP time of the SR that is due. */
static uint32_t send_report(kit *k)
{
    said s = kit_rtcp(k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_SR);
    uint32_t ssrc;
    kith_rtcp_sender_info info;
    kith_rtcp_reports reports;
    ck_assert(kith_rtcp_parse_sr(&p, &ssrc, &info, &reports));
    return (uint32_t)(info.ntp >> 16);
}

static void report(kit *k, const kith_rtp_out *out, uint32_t last_sr, uint32_t delay)
{
    uint8_t buf[32];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_rr(&w, 9,
                       &(kith_rtcp_report){.ssrc = kith_rtp_out_ssrc(out),
                                           .fraction_lost = 12,
                                           .cumulative_lost = 34,
                                           .jitter = 56,
                                           .last_sr = last_sr,
                                           .delay_since_last_sr = delay},
                       1);
    kit_hear(k, &w);
}

START_TEST(the_round_trip_is_measured_from_the_report_that_left)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_set_rtt(k.rtp, KITH_MS(7));
    ck_assert_int_eq(kith_rtp_rtt(k.rtp), KITH_MS(7));
    kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    uint32_t first = send_report(&k);
    k.now += KITH_SECONDS(2);
    uint32_t second = send_report(&k);
    ck_assert_uint_ne(first, second);
    k.now += KITH_MS(150);
    report(&k, out, second, 65536 / 10);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_ge(info.round_trip_time, KITH_MS(50));
    ck_assert_int_le(info.round_trip_time, KITH_MS(50) + 20);
    ck_assert_int_eq(kith_rtp_rtt(k.rtp), info.round_trip_time);
    report(&k, out, first, 65536 * 2);
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_eq(info.round_trip_time, KITH_MS(150));
    ck_assert_uint_eq(info.round_trip_time_measurements, 2);
    ck_assert_uint_eq(info.reports_received, 2);
    ck_assert_int_eq(info.remote_packets_lost, 34);
    ck_assert_uint_eq(info.remote_fraction_lost, 12);
    ck_assert_uint_eq(info.remote_jitter, 56);
    kit_end(&k);
}
END_TEST

START_TEST(a_report_of_another_time_measures_nothing)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    uint32_t sent = send_report(&k);
    k.now += KITH_MS(150);
    report(&k, out, 0, 0);
    report(&k, out, sent + 1, 0);
    report(&k, out, sent, 65536);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.round_trip_time_measurements, 0);
    ck_assert_int_eq(kith_rtp_rtt(k.rtp), 0);
    kit_end(&k);
}
END_TEST

START_TEST(a_sender_report_is_kept_and_told)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_events(&k, KITH_RTP_EV_PACKET);
    uint8_t buf[28];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_sr(&w, 7, &(kith_rtcp_sender_info){UINT64_C(5) << 32, 90, 11, 12}, NULL, 0);
    kit_hear(&k, &w);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert_int_eq(ev.type, KITH_RTP_EV_SENDER_REPORT);
    ck_assert_uint_eq(ev.ssrc, 7);
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info));
    ck_assert_uint_eq(info.remote_ntp, UINT64_C(5) << 32);
    ck_assert_uint_eq(info.remote_rtp_timestamp, 90);
    ck_assert_uint_eq(info.remote_packets_sent, 11);
    ck_assert_uint_eq(info.remote_bytes_sent, 12);
    ck_assert_int_eq(info.report_received_at, k.now);
    ck_assert_uint_eq(info.reports_received, 1);
    kit_end(&k);
}
END_TEST

static void bye(kit *k, uint32_t ssrc)
{
    uint8_t buf[8];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_bye(&w, &ssrc, 1);
    kit_hear(k, &w);
}

START_TEST(a_bye_is_told_behind_the_packets_before_it)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    bye(&k, 7);
    bye(&k, 7);
    bye(&k, 8);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev) && ev.type == KITH_RTP_EV_PACKET);
    kith_block_unref(ev.packet);
    ck_assert(kith_rtp_event_next(k.rtp, &ev) && ev.type == KITH_RTP_EV_BYE);
    ck_assert_uint_eq(ev.ssrc, 7);
    /* one that nothing came of has nothing to wait for */
    ck_assert(kith_rtp_event_next(k.rtp, &ev) && ev.type == KITH_RTP_EV_ENDED && ev.ssrc == 8);
    ck_assert(!kith_rtp_event_next(k.rtp, &ev));
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info) && info.is_ended);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info) && !info.is_ended);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_damaged_is_counted_and_what_is_unknown_is_skipped)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_end(&w, kith_rtcp_begin(&w, KITH_RTCP_APP, 0));
    kith_rtcp_end(&w, kith_rtcp_begin(&w, (kith_rtcp_type)210, 0));
    kith_rtcp_write_pli(&w, 9, kith_rtp_out_ssrc(out));
    kit_hear(&k, &w);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 0);
    k.now += KITH_SECONDS(1);
    w.len -= 1;
    kit_hear(&k, &w);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    w.len = 0;
    kith_rtcp_end(&w, kith_rtcp_begin(&w, KITH_RTCP_RR, 3));
    kit_hear(&k, &w);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 2);
    kit_end(&k);
}
END_TEST

START_TEST(our_own_reports_that_come_back_mean_nothing)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    said s = kit_rtcp(&k);
    kith_rtp_input_rtcp(k.rtp, k.now, kith_span_of(s.bytes, s.len));
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->looped, 1);
    kith_rtp_in_info info;
    ck_assert(!kith_rtp_in_at(k.rtp, 0, &info));
    kit_end(&k);
}
END_TEST

/* Five bits count the blocks (RFC 3550 section 6.4.1): the last of the most that there can be. */
START_TEST(of_31_blocks_all_are_read)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t buf[8 + 31 * 24];
    kith_rtcp_report blocks[31];
    for (uint32_t i = 0; i < 31; i++)
        blocks[i] = (kith_rtcp_report){.ssrc = 100 + i};
    blocks[30] = (kith_rtcp_report){.ssrc = kith_rtp_out_ssrc(out), .cumulative_lost = 34};
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_rr(&w, 9, blocks, 31);
    kit_hear(&k, &w);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_eq(info.remote_packets_lost, 34);
    ck_assert_uint_eq(info.reports_received, 1);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 0);
    kit_end(&k);
}
END_TEST

/* 31 sources of one section a packet, from `first` on. */
static void name_sources(kit *k, uint32_t first)
{
    uint8_t buf[1200];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 31);
    for (uint32_t i = 0; i < 31; i++)
        kith_rtcp_write_chunk(&w, first + i, kith_span_text("c"), kith_span_text("1"));
    kith_rtcp_end(&w, mark);
    kit_hear(k, &w);
}

START_TEST(ten_thousand_sources_of_an_sdes_take_no_more_room_and_nobodys_place_for_long)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    for (uint32_t first = 1000; first < 11000; first += 31)
        name_sources(&k, first);
    kith_rtp_in_info info;
    unsigned count = 0;
    while (kith_rtp_in_at(k.rtp, count, &info))
        count++;
    ck_assert_uint_le(count, KITH_RTP_MAX_SSRCS);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    k.now += KITH_SECONDS(60);
    kith_rtp_tick(k.rtp, k.now);
    kit_receive(&k, (from){.ssrc = 8, .number = 1, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

/* RFC 3550 section 6.5 has it in every compound; RFC 5506 does not. */
START_TEST(items_without_a_cname_are_fine)
{
    kit k = kit_new();
    uint8_t buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 2);
    kith_wr_u32(&w, 7); /* no item at all */
    kith_wr_u32(&w, 0);
    kith_wr_u32(&w, 8); /* an empty NAME */
    kith_wr_u16(&w, 2 << 8);
    kith_wr_u16(&w, 0);
    kith_rtcp_end(&w, mark);
    kit_hear(&k, &w);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 0);
    kith_rtp_in_info info;
    ck_assert(!kith_rtp_in_at(k.rtp, 0, &info));
    kit_end(&k);
}
END_TEST

/* What a source says of its clock may be anything: it changes when frames were captured, and
 * nothing else. */
START_TEST(sender_reports_may_jump_to_any_time)
{
    static const uint64_t clocks[] = {1, UINT64_MAX, UINT64_C(1) << 63, 0, UINT32_MAX, 5};
    kit k = kit_new();
    kith_rtp_captured captured;
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        uint8_t buf[28];
        kith_writer w = kith_wr(buf, sizeof buf);
        kit_receive(&k, (from){.ssrc = 7, .number = (uint16_t)i, .type = VP8, .mid = "1"});
        ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
        uint32_t timestamp = i % 2 ? UINT32_MAX : 0;
        kith_rtcp_write_sr(&w, 7, &(kith_rtcp_sender_info){clocks[i], timestamp, 1, 2}, NULL, 0);
        kit_hear(&k, &w);
        /* half the range of timestamps away at most: 90 kHz, RFC 3550 section 5.1 */
        bool is_known = kith_rtp_capture_time(k.rtp, 7, timestamp + INT32_MAX, &captured);
        ck_assert_int_eq(is_known, clocks[i] != 0);
        if (is_known)
            ck_assert_int_le(captured.at - k.now, KITH_SECONDS(23861));
        k.now += KITH_SECONDS(1);
    }
    kit_end(&k);
}
END_TEST

static kith_rtp_in_info of(kit *k, uint32_t ssrc)
{
    kith_rtp_in_info info = {0};
    ck_assert(kith_rtp_in_find(k->rtp, ssrc, &info));
    return info;
}

/* RFC 3550 section 6.6: a BYE may name others than its sender, as a mixer's does. Whatever is said
 * of a stream, its next packet is better evidence. */
START_TEST(a_bye_of_another_source_ends_a_stream_until_its_next_packet)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    kit_receive(&k, (from){.ssrc = 8, .number = 1, .type = VP8, .mid = "1"});
    kit_events(&k, KITH_RTP_EV_PACKET);
    uint8_t buf[12];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_bye(&w, (const uint32_t[]){8, 7}, 2);
    kit_hear(&k, &w);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_BYE), 2);
    ck_assert(of(&k, 7).is_ended && of(&k, 8).is_ended);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    ck_assert(!of(&k, 7).is_ended && of(&k, 8).is_ended);
    ck_assert_int_eq(of(&k, 7).packets_lost, 0);
    kit_end(&k);
}
END_TEST

/* Of our own SSRCs, and of those that the peer's description names, a BYE is not the end. */
START_TEST(a_bye_ends_no_stream_of_ours_and_none_that_is_described)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_audio(), kit_video()};
    sections[1].ssrcs = (const uint32_t[]){7};
    sections[1].ssrc_count = 1;
    kit_set(&k, sections, 2);
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint32_t ours = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).ssrc;
    uint8_t buf[20];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_bye(&w, (const uint32_t[]){9, ours, 7, 0}, 4);
    kit_hear(&k, &w);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev) && ev.type == KITH_RTP_EV_ENDED && ev.ssrc == 9);
    ck_assert(!kith_rtp_event_next(k.rtp, &ev));
    ck_assert_uint_eq(kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).ssrc, ours);
    const uint8_t header[12] = {0x80, VP8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
    ck_assert(kith_rtp_admits(k.rtp, k.now, kith_span_of(header, 12)));
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

/* SSRCs of ours are no streams of the peer's, whatever section it describes them in. */
START_TEST(a_description_of_our_own_sources_binds_nothing)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_events(&k, KITH_RTP_EV_PACKET);
    said s = kit_rtcp(&k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_RR);
    uint32_t reporter;
    kith_rtcp_reports reports;
    ck_assert(kith_rtcp_parse_rr(&p, &reporter, &reports));
    uint8_t buf[200];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 3);
    kith_rtcp_write_chunk(&w, 7, kith_span_text("x"), kith_span_text("1"));
    kith_rtcp_write_chunk(&w, kith_rtp_out_ssrc(out), kith_span_text("x"), kith_span_text("1"));
    kith_rtcp_write_chunk(&w, reporter, kith_span_text("x"), kith_span_text("1"));
    kith_rtcp_end(&w, mark);
    kit_hear(&k, &w);
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_at(k.rtp, 0, &info) && info.ssrc == 7);
    ck_assert(!kith_rtp_in_at(k.rtp, 1, &info));
    kit_end(&k);
}
END_TEST

/* Every part that we read, about streams that there are. */
static kith_writer everything(uint8_t *buf, size_t cap, uint32_t theirs, uint32_t ours)
{
    const kith_rtcp_report block = {.ssrc = ours, .highest_sequence = 3, .last_sr = 77};
    const kith_rtcp_dlrr answer = {.ssrc = ours, .last_rr = 5, .delay_since_last_rr = 6};
    kith_writer w = kith_wr(buf, cap);
    kith_rtcp_write_sr(&w, theirs, &(kith_rtcp_sender_info){UINT64_C(5) << 32, 90, 11, 12}, &block,
                       1);
    kith_rtcp_write_rr(&w, theirs, &block, 1);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 1);
    kith_rtcp_write_chunk(&w, theirs, kith_span_text("name"), kith_span_text("1"));
    kith_rtcp_end(&w, mark);
    kith_rtcp_write_nack(&w, theirs, ours, (const uint16_t[]){1, 2, 90}, 3);
    kith_rtcp_write_pli(&w, theirs, ours);
    kith_rtcp_write_fir(&w, theirs, &(kith_rtcp_fir){ours, 1}, 1);
    kith_rtcp_write_rrtr(&w, theirs, UINT64_C(6) << 32);
    kith_rtcp_write_dlrr(&w, theirs, &answer, 1);
    kith_rtcp_write_bye(&w, &theirs, 1);
    return w;
}

static void hear_nothing(kit *k, kith_span datagram)
{
    uint64_t malformed = kith_rtp_get_counters(k->rtp)->malformed_rtcp;
    kith_rtp_input_rtcp(k->rtp, k->now, datagram);
    ck_assert_uint_eq(kith_rtp_get_counters(k->rtp)->malformed_rtcp, malformed + 1);
    kith_rtp_event ev;
    ck_assert(!kith_rtp_event_next(k->rtp, &ev));
    ck_assert_uint_eq(of(k, 7).reports_received, 0);
}

/* RFC 3550 appendix A.2: of a compound whose lengths do not add up nothing is believed. */
START_TEST(of_a_compound_with_a_wrong_length_or_padding_nothing_is_read)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_events(&k, KITH_RTP_EV_PACKET);
    uint32_t ours = kith_rtp_out_ssrc(kit_out(&k, KITH_RTP_VIDEO));
    uint8_t buf[400];
    kith_writer w = everything(buf, sizeof buf, 7, ours);
    size_t len = w.len, part_len;
    ck_assert(!w.bad);
    for (size_t at = 0; at < len; at += part_len) {
        uint8_t *length = buf + at + 3;
        part_len = 4 + 4u * *length;
        *length += 1;
        hear_nothing(&k, kith_span_of(buf, len));
        *length -= 1;
        buf[at + 2] = 0xff;
        hear_nothing(&k, kith_span_of(buf, len));
        buf[at + 2] = 0;
        /* padding of a part that is not the last, and of the last one a count of none */
        buf[at] |= 0x20;
        buf[len - 1] = 0;
        hear_nothing(&k, kith_span_of(buf, len));
        buf[len - 1] = 7;
        buf[at] &= 0xdf;
        buf[at] ^= 0xc0; /* the version */
        hear_nothing(&k, kith_span_of(buf, len));
        buf[at] ^= 0xc0;
        hear_nothing(&k, kith_span_of(buf, at + part_len - 1));
        hear_nothing(&k, kith_span_of(buf, at + 3));
    }
    kith_rtp_input_rtcp(k.rtp, k.now, kith_span_of(buf, len));
    ck_assert_uint_eq(of(&k, 7).reports_received, 1);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_BYE), 1);
    kit_end(&k);
}
END_TEST

/* A peer may say anything that is well-formed: each byte of a compound with each of its values.
 * What we send goes on with its SSRC, and no time is negative. */
START_TEST(whatever_a_byte_of_a_compound_says_a_call_goes_on)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint32_t ours = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).ssrc;
    uint8_t buf[400];
    size_t len = everything(buf, sizeof buf, 7, ours).len;
    uint16_t number = 1;
    for (size_t at = 0; at < len; at++) {
        uint8_t before = buf[at];
        for (unsigned value = 0; value < 256; value++) {
            buf[at] = (uint8_t)value;
            k.now += 10;
            kith_rtp_input_rtcp(k.rtp, k.now, kith_span_of(buf, len));
            ck_assert_int_ge(kith_rtp_rtt(k.rtp), 0);
        }
        buf[at] = before;
        kit_events(&k, KITH_RTP_EV_PACKET);
        kit_receive(&k, (from){.ssrc = 7, .number = number++, .type = VP8, .mid = "1"});
        ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
        ck_assert_uint_eq(kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).ssrc, ours);
        k.now += KITH_MS(10); /* 4 s in all, in which no breaker trips (RFC 8083 section 4.2) */
        (void)kit_rtcp(&k);
    }
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_ge(info.round_trip_time, 0);
    ck_assert_int_ge(info.total_round_trip_time, 0);
    ck_assert_int_ge(of(&k, 7).round_trip_time, 0);
    kit_end(&k);
}
END_TEST

/* Feedback on arrivals is not acted on: counts, bases and times of it may be anything. */
START_TEST(feedback_on_arrivals_that_lies_changes_nothing)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint32_t ours = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).ssrc;
    (void)kit_rtcp(&k);
    for (unsigned chunk = 0; chunk < 65536; chunk += 251) {
        uint8_t buf[28];
        kith_writer w = kith_wr(buf, sizeof buf);
        size_t mark = kith_rtcp_begin(&w, KITH_RTCP_RTPFB, 15);
        kith_wr_u32(&w, 9);
        kith_wr_u32(&w, ours);
        kith_wr_u16(&w, (uint16_t)(chunk * 7)); /* base */
        kith_wr_u16(&w, 0xffff);                /* statuses, far more than there are */
        kith_wr_u32(&w, UINT32_MAX - chunk);    /* reference time and count */
        kith_wr_u16(&w, (uint16_t)chunk);
        kith_wr_u16(&w, (uint16_t)~chunk);
        kith_rtcp_end(&w, mark);
        kit_hear(&k, &w);
    }
    kith_rtp_event ev;
    ck_assert(!kith_rtp_event_next(k.rtp, &ev));
    uint8_t packet[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    ck_assert_uint_eq(kit_sent(&k, packet, &h), 0);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 0);
    ck_assert_int_eq(kith_rtp_rtt(k.rtp), 0);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: rtcp_in", an_estimate_is_told_where_a_source_of_ours_is_named,
          a_request_for_a_key_frame_is_told, a_request_that_comes_too_early_is_told_later,
          a_request_for_the_key_frame_that_is_coming_is_none,
          a_request_that_crosses_a_key_frame_is_met_when_the_peer_has_come_so_far,
          a_request_that_crosses_a_key_frame_is_told_when_no_report_says_more,
          a_request_behind_a_key_frame_is_told_at_once,
          a_key_frame_meets_a_request_that_is_held_back, a_repeated_fir_is_the_same_request,
          the_round_trip_is_measured_from_the_report_that_left,
          a_report_of_another_time_measures_nothing, a_sender_report_is_kept_and_told,
          a_bye_is_told_behind_the_packets_before_it,
          what_is_damaged_is_counted_and_what_is_unknown_is_skipped,
          our_own_reports_that_come_back_mean_nothing, of_31_blocks_all_are_read,
          ten_thousand_sources_of_an_sdes_take_no_more_room_and_nobodys_place_for_long,
          items_without_a_cname_are_fine, sender_reports_may_jump_to_any_time,
          a_bye_of_another_source_ends_a_stream_until_its_next_packet,
          a_bye_ends_no_stream_of_ours_and_none_that_is_described,
          a_description_of_our_own_sources_binds_nothing,
          of_a_compound_with_a_wrong_length_or_padding_nothing_is_read,
          whatever_a_byte_of_a_compound_says_a_call_goes_on,
          feedback_on_arrivals_that_lies_changes_nothing)
