/* Statistics of what is received: loss, jitter, restarts, with the numbers of RFC 3550's appendix.
 */
#include "kit.h"
#include "rtp/session.h"

static kith_rtp_place place = {.clock_rates = {[VP8] = 90000, [PCMU] = 8000}};

static kith_packet receive(kith_rtp_in *in, kith_time at, uint16_t number, uint32_t timestamp)
{
    kith_packet packet = {.received_at = at, .len = 112};
    packet.header = (kith_rtp_header){.sequence_number = number,
                                      .timestamp = timestamp,
                                      .payload_type = in->place == &place ? VP8 : 0,
                                      .payload_len = 100};
    kith_rtp_in_count(in, &packet);
    return packet;
}

static kith_rtcp_report report_of(kith_rtp_in *in)
{
    kith_rtcp_report report;
    kith_rtp_in_report(in, KITH_SECONDS(100), &report);
    return report;
}

START_TEST(loss_is_what_was_expected_and_did_not_come)
{
    kith_rtp_in in = {.ssrc = 7, .place = &place};
    for (uint16_t i = 0; i < 100; i++)
        if (i % 4 != 3)
            receive(&in, 0, (uint16_t)(65500 + i), 0);
    kith_rtcp_report report = report_of(&in);
    ck_assert_uint_eq(report.ssrc, 7);
    ck_assert_uint_eq(report.highest_sequence, 65500 + 98);
    ck_assert_int_eq(report.cumulative_lost, 24);
    ck_assert_uint_eq(report.fraction_lost, 24 * 256 / 99);
    for (uint16_t i = 99; i < 199; i++)
        receive(&in, 0, (uint16_t)(65500 + i), 0);
    report = report_of(&in);
    ck_assert_int_eq(report.cumulative_lost, 24);
    ck_assert_uint_eq(report.fraction_lost, 0);
}
END_TEST

START_TEST(a_late_packet_is_not_lost_and_a_doubled_one_makes_up_for_a_lost_one)
{
    kith_rtp_in in = {.place = &place};
    static const uint16_t numbers[] = {1, 2, 5, 4, 3, 3, 3};
    static const int64_t lost[] = {0, 0, 2, 1, 0, -1, -2};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        receive(&in, 0, numbers[i], 0);
        ck_assert_int_eq(kith_rtp_in_lost(&in), lost[i]);
    }
    kith_rtcp_report report = report_of(&in);
    ck_assert_int_eq(report.cumulative_lost, -2);
    ck_assert_uint_eq(report.fraction_lost, 0);
}
END_TEST

START_TEST(what_was_sent_before_the_first_that_came_is_expected_too)
{
    kith_rtp_in in = {.place = &place};
    receive(&in, 0, 2, 0);
    receive(&in, 0, 65535, 0);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 2);
    receive(&in, 0, 0, 0);
    receive(&in, 0, 1, 0);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 0);
}
END_TEST

START_TEST(nothing_of_an_interval_is_a_fraction_of_255)
{
    kith_rtp_in in = {.place = &place};
    receive(&in, 0, 0, 0);
    report_of(&in);
    receive(&in, 0, 2000, 0);
    ck_assert_uint_eq(report_of(&in).fraction_lost, 255);
    ck_assert_uint_eq(report_of(&in).fraction_lost, 0);
}
END_TEST

/* A.8 by hand: D = 900, then 0, then -900. J = 900 / 16 = 56.25; less a 16th of it; and so on, in
 * sixteenths: 900, 900 - 56, 844 + 900 - 53. */
START_TEST(jitter_is_that_of_appendix_a_8)
{
    kith_rtp_in in = {.place = &place};
    receive(&in, KITH_MS(0), 0, 0);
    ck_assert_uint_eq(in.jitter, 0);
    receive(&in, KITH_MS(30), 1, 1800);
    ck_assert_uint_eq(in.jitter, 900);
    receive(&in, KITH_MS(50), 2, 3600);
    ck_assert_uint_eq(in.jitter, 900 - ((900 + 8) >> 4));
    receive(&in, KITH_MS(60), 3, 5400);
    ck_assert_uint_eq(in.jitter, 844 + 900 - ((844 + 8) >> 4));
    ck_assert_uint_eq(report_of(&in).jitter, 1691 >> 4);
}
END_TEST

START_TEST(jitter_does_not_see_the_wrap_of_the_clock)
{
    kith_rtp_in in = {.place = &place};
    for (uint32_t i = 0; i < 100; i++)
        receive(&in, KITH_SECONDS(1000000) + KITH_MS(10) * i, (uint16_t)i, 0xFFFFF000 + 900 * i);
    ck_assert_uint_eq(in.jitter, 0);
}
END_TEST

START_TEST(another_clock_begins_jitter_anew)
{
    kith_rtp_in in = {.place = &place};
    receive(&in, KITH_SECONDS(5), 0, 0);
    kith_rtp_place audio = {.clock_rates = {[PCMU] = 8000}};
    in.place = &audio;
    receive(&in, KITH_SECONDS(5), 1, 123456);
    ck_assert_uint_eq(in.jitter, 0);
}
END_TEST

START_TEST(numbers_go_on_over_wraps)
{
    kith_rtp_in in = {.place = &place};
    for (int64_t i = 0; i < 200000; i++)
        ck_assert_int_eq(receive(&in, 0, (uint16_t)(65000 + i), 0).number, 65000 + i);
    ck_assert_uint_eq(report_of(&in).highest_sequence, 264999);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 0);
}
END_TEST

START_TEST(a_gap_of_3000_is_loss_and_a_larger_one_a_restart)
{
    kith_rtp_in in = {.place = &place};
    ck_assert(receive(&in, 0, 0, 0).begins_stream);
    ck_assert(!receive(&in, 0, 3000, 0).begins_stream);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 2999);
    ck_assert(receive(&in, 0, 6001, 0).begins_stream);
    kith_packet second = receive(&in, 0, 6002, 0);
    ck_assert(!second.begins_stream);
    ck_assert_int_eq(second.number, 6002);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 2999);
    receive(&in, 0, 6004, 0);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 3000);
}
END_TEST

/* The numbers that are told never fall. */
START_TEST(a_restart_at_a_lower_number_goes_on_above)
{
    kith_rtp_in in = {.place = &place};
    receive(&in, 0, 30000, 0);
    receive(&in, 0, 30001, 0);
    kith_packet first = receive(&in, 0, 5, 0);
    ck_assert(first.begins_stream);
    ck_assert_int_eq(first.number, 65541);
    ck_assert_int_eq(receive(&in, 0, 6, 0).number, 65542);
    ck_assert_int_eq(receive(&in, 0, 7, 0).number, 65543);
    ck_assert_int_eq(kith_rtp_in_lost(&in), 0);
    ck_assert_int_eq(in.received, 3);
}
END_TEST

START_TEST(a_single_stray_number_changes_no_statistics)
{
    kith_rtp_in in = {.place = &place};
    for (uint16_t i = 0; i < 10; i++)
        receive(&in, 0, i, 0);
    receive(&in, 0, 20000, 0);
    for (uint16_t i = 10; i < 20; i++)
        ck_assert_int_eq(receive(&in, 0, i, 0).number, i);
    ck_assert_uint_eq(report_of(&in).highest_sequence, 19);
}
END_TEST

START_TEST(a_packet_as_late_as_srtp_lets_through_is_late)
{
    kith_rtp_in in = {.place = &place};
    receive(&in, 0, 2000, 0);
    kith_packet late = receive(&in, 0, 2000 - 1024, 0);
    ck_assert(!late.begins_stream);
    ck_assert_int_eq(late.number, 2000 - 1024);
    ck_assert(receive(&in, 0, 2000 - 1025, 0).begins_stream);
}
END_TEST

START_TEST(what_came_is_counted_as_w3c_counts)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    k.now += KITH_MS(5);
    kit_receive(&k, (from){.ssrc = 7, .number = 3, .type = VP8});
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info));
    ck_assert_uint_eq(info.packets_received, 2);
    ck_assert_uint_eq(info.bytes_received, 14);
    ck_assert_uint_eq(info.header_bytes_received, 12 + 8 + 12);
    ck_assert_int_eq(info.packets_lost, 1);
    ck_assert_int_eq(info.last_packet_received_at, k.now);
    ck_assert_uint_eq(info.payload_type, VP8);
    ck_assert_uint_eq(info.clock_rate, 90000);
    ck_assert_int_eq(info.kind, KITH_RTP_VIDEO);
    ck_assert_ptr_eq(info.user, VIDEO_TAG);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: in", loss_is_what_was_expected_and_did_not_come,
          a_late_packet_is_not_lost_and_a_doubled_one_makes_up_for_a_lost_one,
          what_was_sent_before_the_first_that_came_is_expected_too,
          nothing_of_an_interval_is_a_fraction_of_255, jitter_is_that_of_appendix_a_8,
          jitter_does_not_see_the_wrap_of_the_clock, another_clock_begins_jitter_anew,
          numbers_go_on_over_wraps, a_gap_of_3000_is_loss_and_a_larger_one_a_restart,
          a_restart_at_a_lower_number_goes_on_above, a_single_stray_number_changes_no_statistics,
          a_packet_as_late_as_srtp_lets_through_is_late, what_came_is_counted_as_w3c_counts)
