/* What we report and ask for, and when. */
#include "kit.h"

START_TEST(nothing_is_reported_before_the_first_packet)
{
    kit k = kit_new();
    kit_out(&k, KITH_RTP_VIDEO);
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), 0);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), KITH_NEVER);
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kit_end(&k);
}
END_TEST

START_TEST(the_first_report_leaves_with_the_first_packet_either_way)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:1 SDES:1");
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kit_end(&k);
    k = kit_new();
    kit_send(&k, kit_out(&k, KITH_RTP_VIDEO), (kith_rtp_unit){.payload_type = VP8});
    ck_assert_str_eq(kit_rtcp(&k).parts, "SR:0 SDES:1");
    kit_end(&k);
}
END_TEST

/* So long as it is a member, and then no more; a BYE ends it at once. An RR without blocks keeps
 * the peer's circuit breaker quiet. */
START_TEST(who_is_silent_is_reported_on_for_25_s)
{
    kit k = kit_new();
    uint8_t buf[64];
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kith_time began = k.now;
    kit_rtcp(&k);
    for (k.now += KITH_SECONDS(2); k.now < began + KITH_SECONDS(25); k.now += KITH_SECONDS(2))
        ck_assert_str_eq(kit_rtcp(&k).parts, "RR:1 SDES:1");
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1");
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    k.now += KITH_SECONDS(2);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:1 SDES:1");
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_bye(&w, (const uint32_t[]){7}, 1);
    kit_hear(&k, &w);
    k.now += KITH_SECONDS(2);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1");
    kit_end(&k);
}
END_TEST

/* RFC 8083 section 4.2: a highest number that does not grow, and no loss (A.3). */
START_TEST(a_report_on_who_is_silent_says_what_came_last_and_no_loss)
{
    kit k = kit_new();
    kith_rtcp_report report;
    for (uint16_t i = 0; i < 10; i += 2)
        kit_receive(&k, (from){.ssrc = 7, .number = i, .type = VP8, .mid = "1"});
    for (int i = 0; i < 3; i++, k.now += KITH_SECONDS(2)) {
        said s = kit_rtcp(&k);
        kith_rtcp_packet p = said_part(&s, KITH_RTCP_RR);
        uint32_t ssrc;
        kith_rtcp_reports reports;
        ck_assert(kith_rtcp_parse_rr(&p, &ssrc, &reports));
        ck_assert(kith_rtcp_next_report(&reports, &report));
        ck_assert_uint_eq(report.highest_sequence, 8);
        ck_assert_int_eq(report.cumulative_lost, 4);
        ck_assert_uint_eq(report.fraction_lost, i == 0 ? 4 * 256 / 9 : 0);
    }
    kit_end(&k);
}
END_TEST

START_TEST(a_sender_report_maps_the_capture_of_the_newest_packet)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint32_t first =
        kit_send(&k, out,
                 (kith_rtp_unit){
                     .payload_type = VP8, .timestamp = 5000, .captured_at = k.now - KITH_MS(100)})
            .timestamp;
    k.now += KITH_MS(200);
    said s = kit_rtcp(&k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_SR);
    uint32_t ssrc;
    kith_rtcp_sender_info info;
    kith_rtcp_reports reports;
    ck_assert(kith_rtcp_parse_sr(&p, &ssrc, &info, &reports));
    ck_assert_uint_eq(info.rtp_timestamp, first + 300 * 90);
    ck_assert_uint_eq(info.ntp >> 32, 1000);
    ck_assert_uint_eq((info.ntp & 0xFFFFFFFF) >> 16, 65536 / 5);
    ck_assert_uint_eq(info.packet_count, 1);
    ck_assert_uint_eq(info.octet_count, 7);
    kit_end(&k);
}
END_TEST

START_TEST(a_source_with_ntp_keeps_its_own_clock)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_unit unit = {.payload_type = VP8,
                          .is_numbered = true,
                          .source_ssrc = 5,
                          .sequence_number = 9,
                          .timestamp = 90000};
    uint32_t first = kit_send(&k, out, unit).timestamp;
    kith_rtp_set_ntp(out, UINT64_C(77) << 32, 180000, k.now);
    unit.sequence_number++;
    kit_send(&k, out, unit);
    k.now += KITH_MS(1500);
    said s = kit_rtcp(&k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_SR);
    uint32_t ssrc;
    kith_rtcp_sender_info info;
    kith_rtcp_reports reports;
    ck_assert(kith_rtcp_parse_sr(&p, &ssrc, &info, &reports));
    ck_assert_uint_eq(info.ntp, (UINT64_C(78) << 32) + 0x80000000u);
    ck_assert_uint_eq(info.rtp_timestamp, first + 90000 + 135000);
    kit_end(&k);
}
END_TEST

START_TEST(another_source_does_not_go_on_with_the_clock_of_the_last)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_unit unit = {.payload_type = VP8, .is_numbered = true, .source_ssrc = 5};
    kit_send(&k, out, unit);
    kith_rtp_set_ntp(out, UINT64_C(77) << 32, 180000, k.now);
    unit.source_ssrc = 6;
    unit.timestamp = 1234567;
    uint32_t timestamp = kit_send(&k, out, unit).timestamp;
    k.now += KITH_SECONDS(2);
    said s = kit_rtcp(&k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_SR);
    uint32_t ssrc;
    kith_rtcp_sender_info info;
    kith_rtcp_reports reports;
    ck_assert(kith_rtcp_parse_sr(&p, &ssrc, &info, &reports));
    ck_assert_uint_eq(info.ntp, UINT64_C(1002) << 32);
    ck_assert_uint_eq(info.rtp_timestamp, timestamp + 180000);
    kit_end(&k);
}
END_TEST

START_TEST(who_sent_since_the_last_report_but_one_sends_one)
{
    static const char *const said_then[] = {"SR:0 SDES:1", "SR:0 SDES:1", "RR:0 SDES:1"};
    kit k = kit_new();
    kit_send(&k, kit_out(&k, KITH_RTP_VIDEO), (kith_rtp_unit){.payload_type = VP8});
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(kit_rtcp(&k).parts, said_then[i]);
        k.now += KITH_SECONDS(2);
    }
    kit_end(&k);
}
END_TEST

START_TEST(a_round_of_many_streams_needs_several_compounds)
{
    kit k = kit_new();
    for (uint32_t i = 0; i < 200; i++)
        kit_receive(&k, (from){.ssrc = 1000 + i, .type = VP8, .mid = "1"});
    for (int i = 0; i < 20; i++)
        kit_push(&k, kit_out(&k, KITH_RTP_VIDEO), (kith_rtp_unit){.payload_type = VP8});
    uint8_t buf[KITH_RTP_MAX_PACKET];
    unsigned senders = 0, blocks = 0, chunks = 0;
    bool has_more = true;
    kith_rtp_header h;
    while (kit_sent(&k, buf, &h) > 0)
        ;
    k.now = kith_rtp_deadline(k.rtp);
    for (uint32_t i = 0; i < 200; i++)
        kit_receive(&k, (from){.ssrc = 1000 + i, .number = 1, .type = VP8});
    while (has_more) {
        size_t len = kith_rtp_output(k.rtp, k.now, buf, sizeof buf);
        has_more = len > 0;
        kith_reader r = kith_rd(buf, kith_rtcp_is(kith_span_of(buf, len)) ? len : 0);
        kith_rtcp_packet p;
        ck_assert_uint_le(len, KITH_RTP_MAX_PACKET);
        while (kith_rtcp_next(&r, &p)) {
            senders += p.type == KITH_RTCP_SR;
            chunks += p.type == KITH_RTCP_SDES ? p.count : 0;
            blocks += p.type == KITH_RTCP_SR || p.type == KITH_RTCP_RR ? p.count : 0;
        }
    }
    ck_assert_uint_eq(blocks, 200);
    ck_assert_uint_eq(senders, 20);
    ck_assert_uint_ge(chunks, 20);
    kit_end(&k);
}
END_TEST

START_TEST(cname_and_unknown_mid_are_described)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    said s = kit_rtcp(&k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_SDES);
    kith_rtcp_sdes sdes = kith_rtcp_sdes_of(&p);
    kith_rtcp_sdes_item item;
    ck_assert(kith_rtcp_next_item(&sdes, &item) && item.ssrc == kith_rtp_out_ssrc(out));
    ck_assert(kith_span_is(item.value, "someone"));
    ck_assert(kith_rtcp_next_item(&sdes, &item) && item.type == KITH_RTCP_SDES_MID);
    ck_assert(kith_span_is(item.value, "1"));
    kit_end(&k);
}
END_TEST

START_TEST(the_report_block_answers_the_last_sender_report)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 5, .type = VP8, .mid = "1"});
    uint8_t buf[28];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_sr(&w, 7, &(kith_rtcp_sender_info){.ntp = 0x1122334455667788}, NULL, 0);
    kit_hear(&k, &w);
    k.now += KITH_MS(1500);
    said s = kit_rtcp(&k);
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_RR);
    uint32_t ssrc;
    kith_rtcp_reports reports;
    kith_rtcp_report report;
    ck_assert(kith_rtcp_parse_rr(&p, &ssrc, &reports));
    ck_assert(kith_rtcp_next_report(&reports, &report));
    ck_assert_uint_eq(report.ssrc, 7);
    ck_assert_uint_eq(report.highest_sequence, 5);
    ck_assert_uint_eq(report.last_sr, 0x33445566);
    ck_assert_uint_eq(report.delay_since_last_sr, 65536 * 3 / 2);
    kit_end(&k);
}
END_TEST

/* ---- requests for key frames ---- */

/* A session that received a packet of `ssrc` 7 and reported on it. */
static kit receiving(kith_rtp_section section)
{
    kit k = kit_bare();
    kit_set(&k, &section, 1);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kit_events(&k, KITH_RTP_EV_PACKET);
    kit_rtcp(&k);
    return k;
}

START_TEST(a_request_leaves_at_once_alone_where_that_was_agreed)
{
    kith_rtp_section section = kit_video();
    kit k = receiving(section);
    kith_rtp_request_key_frame(k.rtp, 7);
    ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 PSFB:1");
    kit_end(&k);
    section.reduced_size = true;
    k = receiving(section);
    kith_rtp_request_key_frame(k.rtp, 7);
    ck_assert_str_eq(kit_rtcp(&k).parts, "PSFB:1");
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info));
    ck_assert_uint_eq(info.pli_count, 1);
    kit_end(&k);
}
END_TEST

/* How many requests leave in so many milliseconds. */
static unsigned requests_in(kit *k, int ms)
{
    unsigned count = 0;
    for (int i = 0; i < ms; i++) {
        said s = kit_rtcp(k);
        count += !!strstr(s.parts, "PSFB");
        k->now += KITH_MS(1);
    }
    return count;
}

START_TEST(a_request_is_repeated_until_a_key_frame_comes)
{
    kit k = receiving(kit_video());
    kith_rtp_request_key_frame(k.rtp, 7);
    kith_rtp_request_key_frame(k.rtp, 7);
    /* at 0, 200, 600, 1400 ms, then once a second */
    ck_assert_uint_eq(requests_in(&k, 200), 1);
    ck_assert_uint_eq(requests_in(&k, 400), 1);
    ck_assert_uint_eq(requests_in(&k, 800), 1);
    ck_assert_uint_eq(requests_in(&k, 5000), 5);
    kith_rtp_key_frame_came(k.rtp, 7);
    ck_assert_uint_eq(requests_in(&k, 3000), 0);
    kith_rtp_request_key_frame(k.rtp, 7);
    ck_assert_uint_eq(requests_in(&k, 200), 1);
    kit_end(&k);
}
END_TEST

/* However often it is asked and met. */
START_TEST(requests_are_200_ms_and_a_round_trip_apart)
{
    kit k = receiving(kit_video());
    unsigned count = 0;
    for (int i = 0; i < 1000; i++) {
        kith_rtp_request_key_frame(k.rtp, 7);
        count += requests_in(&k, 1);
        kith_rtp_key_frame_came(k.rtp, 7);
    }
    ck_assert_uint_eq(count, 5);
    kith_rtp_set_rtt(k.rtp, KITH_MS(1500));
    k.now += KITH_SECONDS(1);
    kith_rtp_request_key_frame(k.rtp, 7);
    ck_assert_uint_eq(requests_in(&k, 1700), 1);
    ck_assert_uint_eq(requests_in(&k, 1700), 1);
    kit_end(&k);
}
END_TEST

START_TEST(a_fir_keeps_its_number_when_it_is_repeated)
{
    kith_rtp_section section = kit_video();
    section.takes_pli = false;
    section.takes_fir = true;
    kit k = receiving(section);
    uint8_t numbers[3];
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            kith_rtp_key_frame_came(k.rtp, 7);
        kith_rtp_request_key_frame(k.rtp, 7);
        said s = kit_rtcp(&k);
        kith_rtcp_packet p = said_part(&s, KITH_RTCP_PSFB);
        kith_rtcp_fb fb;
        kith_rtcp_fir fir;
        ck_assert(kith_rtcp_parse_fb(&p, &fb));
        ck_assert_int_eq(fb.kind, KITH_RTCP_FB_FIR);
        ck_assert(kith_rtcp_next_fir(&fb.fci, &fir) && fir.ssrc == 7);
        numbers[i] = fir.sequence_number;
        k.now += KITH_MS(450);
    }
    ck_assert_uint_eq(numbers[0], numbers[1]);
    ck_assert_uint_eq(numbers[2], (uint8_t)(numbers[1] + 1));
    kit_end(&k);
}
END_TEST

START_TEST(nobody_is_asked_who_takes_no_request_or_is_gone)
{
    kith_rtp_section section = kit_video();
    section.takes_pli = false;
    kit k = receiving(section);
    kith_rtp_request_key_frame(k.rtp, 7);
    kith_rtp_request_key_frame(k.rtp, 8);
    ck_assert_uint_eq(requests_in(&k, 3000), 0);
    kit_end(&k);
    k = receiving(kit_video());
    kith_rtp_request_key_frame(k.rtp, 7);
    uint8_t buf[8];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_bye(&w, &(const uint32_t){7}, 1);
    kit_hear(&k, &w);
    ck_assert_uint_eq(requests_in(&k, 3000), 0);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: rtcp_out", nothing_is_reported_before_the_first_packet,
          the_first_report_leaves_with_the_first_packet_either_way,
          who_is_silent_is_reported_on_for_25_s,
          a_report_on_who_is_silent_says_what_came_last_and_no_loss,
          a_sender_report_maps_the_capture_of_the_newest_packet,
          a_source_with_ntp_keeps_its_own_clock,
          another_source_does_not_go_on_with_the_clock_of_the_last,
          who_sent_since_the_last_report_but_one_sends_one,
          a_round_of_many_streams_needs_several_compounds, cname_and_unknown_mid_are_described,
          the_report_block_answers_the_last_sender_report,
          a_request_leaves_at_once_alone_where_that_was_agreed,
          a_request_is_repeated_until_a_key_frame_comes, requests_are_200_ms_and_a_round_trip_apart,
          a_fir_keeps_its_number_when_it_is_repeated,
          nobody_is_asked_who_takes_no_request_or_is_gone)
