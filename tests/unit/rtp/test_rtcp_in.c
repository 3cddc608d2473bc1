/* What the peer's RTCP does: reports, round trips, BYE, requests for key frames and their pace. */
#include "kit.h"

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

UNIT_MAIN("rtp: rtcp_in", a_request_for_a_key_frame_is_told,
          a_request_that_comes_too_early_is_told_later,
          a_key_frame_meets_a_request_that_is_held_back, a_repeated_fir_is_the_same_request,
          the_round_trip_is_measured_from_the_report_that_left,
          a_report_of_another_time_measures_nothing, a_sender_report_is_kept_and_told,
          a_bye_is_told_behind_the_packets_before_it,
          what_is_damaged_is_counted_and_what_is_unknown_is_skipped,
          our_own_reports_that_come_back_mean_nothing, of_31_blocks_all_are_read,
          ten_thousand_sources_of_an_sdes_take_no_more_room_and_nobodys_place_for_long,
          items_without_a_cname_are_fine, sender_reports_may_jump_to_any_time)
