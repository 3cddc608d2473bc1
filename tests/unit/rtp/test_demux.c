/* Whose stream a packet is, packets that overtake their answer, and the bounds of both. */
#include "kit.h"

START_TEST(a_mid_binds_the_source)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

START_TEST(a_mid_of_no_section_is_dropped)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "9"});
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "11"});
    ck_assert_ptr_null(kit_taken(&k));
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->unknown_mid, 2);
    kith_rtp_in_info info;
    ck_assert(!kith_rtp_in_at(k.rtp, 0, &info));
    kit_end(&k);
}
END_TEST

START_TEST(a_payload_type_that_one_section_has_binds_the_source)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = OPUS});
    ck_assert_ptr_eq(kit_taken(&k), AUDIO_TAG);
    kit_receive(&k, (from){.ssrc = 8, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_receive(&k, (from){.ssrc = 9, .type = 100});
    ck_assert_ptr_null(kit_taken(&k));
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->unknown_ssrc, 1);
    kit_end(&k);
}
END_TEST

START_TEST(a_payload_type_that_two_sections_have_binds_nothing)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_video(), kit_video()};
    sections[1].mid = "2";
    sections[1].user = AUDIO_TAG;
    const uint32_t ssrc = 8;
    sections[1].ssrcs = &ssrc;
    sections[1].ssrc_count = 1;
    kit_set(&k, sections, 2);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8});
    ck_assert_ptr_null(kit_taken(&k));
    /* a=ssrc and MID do */
    kit_receive(&k, (from){.ssrc = 8, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), AUDIO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

START_TEST(a_bound_source_keeps_to_the_payload_types_of_its_section)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = OPUS});
    kit_receive(&k, (from){.ssrc = 7, .number = 3, .type = OPUS, .mid = "1"});
    ck_assert_ptr_null(kit_taken(&k));
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->unknown_payload_type, 2);
    kit_end(&k);
}
END_TEST

/* Two sections with the same payload type; the source moves from one to the other. */
START_TEST(a_newer_mid_binds_anew_and_an_older_one_does_not)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_video(), kit_video()};
    sections[0].mid = "0";
    sections[0].user = AUDIO_TAG;
    kit_set(&k, sections, 2);
    kit_receive(&k, (from){.ssrc = 7, .number = 65535, .type = VP8, .mid = "0"});
    ck_assert_ptr_eq(kit_taken(&k), AUDIO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .number = 0, .type = VP8, .mid = "0"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

/* The browser answers and sends at once; its answer comes later. */
START_TEST(packets_of_a_pending_section_wait_for_the_answer)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_audio(), kit_video()};
    sections[1].is_pending = true;
    kit_set(&k, sections, 2);
    for (uint16_t i = 0; i < 5; i++)
        kit_receive(&k, (from){.ssrc = 7, .number = i, .type = VP8, .mid = i % 2 ? "1" : NULL});
    ck_assert_ptr_null(kit_taken(&k));
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), k.now);
    sections[1].is_pending = false;
    kit_set(&k, sections, 2);
    ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now);
    kith_rtp_tick(k.rtp, k.now);
    kith_rtp_event ev;
    for (uint16_t i = 0; i < 5; i++) {
        ck_assert(kith_rtp_event_next(k.rtp, &ev));
        ck_assert_int_eq(ev.type, KITH_RTP_EV_PACKET);
        ck_assert_uint_eq(ev.packet->header.sequence_number, i);
        kith_block_unref(ev.packet);
    }
    kit_end(&k);
}
END_TEST

START_TEST(packets_of_a_section_that_is_not_answered_expire)
{
    kit k = kit_bare();
    kith_rtp_section section = kit_video();
    section.is_pending = true;
    kit_set(&k, &section, 1);
    kith_rtp_tick(k.rtp, k.now);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    ck_assert_uint_gt(kit_rtcp(&k).len, 0);
    k.now += KITH_RTP_WAITING_TIME - 1;
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->waited_too_long, 0);
    k.now += 1;
    ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->waited_too_long, 1);
    section.is_pending = false;
    kit_set(&k, &section, 1);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_ptr_null(kit_taken(&k));
    kit_end(&k);
}
END_TEST

START_TEST(no_more_waits_than_the_limit_and_the_newest_stay)
{
    kit k = kit_bare();
    kith_rtp_section section = kit_video();
    section.is_pending = true;
    kit_set(&k, &section, 1);
    uint8_t big[1200] = {0x80, VP8};
    for (unsigned i = 0; i < 300; i++) {
        big[3] = (uint8_t)i;
        big[2] = (uint8_t)(i >> 8);
        kit_input(&k, big, sizeof big);
    }
    unsigned fit = KITH_RTP_MAX_WAITING / sizeof big;
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->waited_too_long, 300 - fit);
    section.is_pending = false;
    kit_set(&k, &section, 1);
    kith_rtp_tick(k.rtp, k.now);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert_uint_eq(ev.packet->header.sequence_number, 300 - fit);
    kith_block_unref(ev.packet);
    kit_end(&k);
}
END_TEST

START_TEST(a_pending_section_takes_no_number_from_a_negotiated_one)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_video(), kit_video()};
    sections[1].mid = "2";
    sections[1].is_pending = true;
    sections[1].extensions[KITH_RTP_EXTENSION_AUDIO_LEVEL] = MID_ID;
    sections[1].user = AUDIO_TAG;
    kit_set(&k, sections, 2);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_receive(&k, (from){.ssrc = 8, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

START_TEST(streams_stay_with_their_mid_and_go_with_it)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = OPUS, .mid = "0"});
    kit_receive(&k, (from){.ssrc = 8, .number = 1, .type = VP8, .mid = "1"});
    kit_events(&k, KITH_RTP_EV_PACKET);
    kit_set(&k, (const kith_rtp_section[]){kit_video()}, 1);
    kith_rtp_in_info info;
    ck_assert(!kith_rtp_in_find(k.rtp, 7, &info));
    ck_assert(kith_rtp_in_find(k.rtp, 8, &info));
    ck_assert_uint_eq(info.packets_received, 1);
    kit_receive(&k, (from){.ssrc = 8, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    ck_assert(kith_rtp_in_find(k.rtp, 8, &info));
    ck_assert_uint_eq(info.packets_received, 2);
    kit_end(&k);
}
END_TEST

START_TEST(a_full_table_drops_and_the_longest_unused_makes_room)
{
    kit k = kit_new();
    for (uint32_t i = 0; i < KITH_RTP_MAX_SSRCS; i++)
        kit_receive(&k, (from){.ssrc = 1000 + i, .type = VP8, .mid = "1"});
    uint8_t header[12] = {0x80, VP8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    ck_assert(!kith_rtp_admits(k.rtp, k.now, kith_span_of(header, 12)));
    header[10] = 1000 >> 8;
    header[11] = 1000 & 255;
    ck_assert(kith_rtp_admits(k.rtp, k.now, kith_span_of(header, 12)));
    ck_assert(!kith_rtp_admits(k.rtp, k.now, kith_span_of(header, 11)));
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->over_limit, 1);
    k.now += KITH_SECONDS(30);
    for (uint32_t i = 1; i < KITH_RTP_MAX_SSRCS; i++)
        kit_receive(&k, (from){.ssrc = 1000 + i, .number = 1, .type = VP8});
    k.now += KITH_SECONDS(30);
    kit_receive(&k, (from){.ssrc = 7, .type = VP8, .mid = "1"});
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, 7, &info));
    ck_assert(!kith_rtp_in_find(k.rtp, 1000, &info));
    ck_assert(!kith_rtp_in_at(k.rtp, KITH_RTP_MAX_SSRCS, &info));
    kit_end(&k);
}
END_TEST

/* A muted microphone: its rollover counter is only known while its stream is. */
START_TEST(a_stream_that_is_silent_for_minutes_is_kept)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 65535, .type = OPUS, .mid = "0"});
    k.now += KITH_SECONDS(600);
    kith_rtp_tick(k.rtp, k.now);
    kit_receive(&k, (from){.ssrc = 7, .number = 0, .type = OPUS});
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    kith_block_unref(ev.packet);
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert_int_eq(ev.packet->number, 65536);
    ck_assert(!ev.packet->begins_stream);
    kith_block_unref(ev.packet);
    kit_end(&k);
}
END_TEST

START_TEST(an_sdes_mid_binds_where_no_packet_said_better)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_video(), kit_video()};
    sections[0].mid = "0";
    sections[0].user = AUDIO_TAG;
    kit_set(&k, sections, 2);
    uint8_t buf[100];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 1);
    kith_rtcp_write_chunk(&w, 7, kith_span_text("them"), kith_span_text("0"));
    kith_rtcp_end(&w, mark);
    kit_hear(&k, &w);
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), AUDIO_TAG);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_hear(&k, &w);
    kit_receive(&k, (from){.ssrc = 7, .number = 3, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

/* Packets that were under way when their section went have the payload type of the one that is
 * left; they are not its stream (RFC 9143 section 9.2 binds a source once). */
START_TEST(late_packets_of_a_section_that_went_are_nobodys)
{
    kit k = kit_bare();
    kith_rtp_section sections[] = {kit_video(), kit_video()};
    sections[1].mid = "2";
    sections[1].user = AUDIO_TAG;
    const uint32_t named[] = {9, 10};
    sections[1].ssrcs = named;
    sections[1].ssrc_count = 2;
    kit_set(&k, sections, 2);
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    kit_receive(&k, (from){.ssrc = 8, .number = 1, .type = VP8, .mid = "2"});
    kit_receive(&k, (from){.ssrc = 9, .number = 1, .type = VP8});
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), 3);
    kit_set(&k, sections, 1);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_ENDED), 3);
    /* 10 was named and silent */
    for (uint32_t ssrc = 8; ssrc <= 10; ssrc++) {
        kit_receive(&k, (from){.ssrc = ssrc, .number = 2, .type = VP8});
        ck_assert_ptr_null(kit_taken(&k));
    }
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->unknown_ssrc, 3);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    /* until they are somebody's again */
    kit_receive(&k, (from){.ssrc = 8, .number = 3, .type = VP8, .mid = "1"});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    sections[0].ssrcs = named;
    sections[0].ssrc_count = 1;
    kit_set(&k, sections, 1);
    kit_receive(&k, (from){.ssrc = 9, .number = 3, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

START_TEST(an_ssrc_in_place_of_which_others_are_named_is_over)
{
    kit k = kit_bare();
    kith_rtp_section section = kit_video();
    const uint32_t named[] = {7, 8};
    section.ssrcs = named;
    section.ssrc_count = 1;
    kit_set(&k, &section, 1);
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    section.ssrc_count = 0; /* it says no more than before: nothing is over */
    kit_set(&k, &section, 1);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_ENDED), 0);
    section.ssrc_count = 1;
    kit_set(&k, &section, 1);
    section.ssrcs = &named[1];
    kit_set(&k, &section, 1);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev));
    ck_assert_int_eq(ev.type, KITH_RTP_EV_ENDED);
    ck_assert_uint_eq(ev.ssrc, 7);
    kith_rtp_in_info info;
    ck_assert(!kith_rtp_in_find(k.rtp, 7, &info));
    kit_end(&k);
}
END_TEST

/* Peers without a=mid: every negotiation replaces the sections, and streams find theirs again. */
START_TEST(a_stream_of_a_section_without_mid_outlives_a_negotiation)
{
    kit k = kit_bare();
    kith_rtp_section section = kit_video();
    section.mid = "";
    kit_set(&k, &section, 1);
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_set(&k, &section, 1);
    kit_receive(&k, (from){.ssrc = 7, .number = 2, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

static bool admits(kit *k, uint32_t ssrc, const char *mid)
{
    uint8_t buf[100];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_element element = {MID_ID, kith_span_text(mid)};
    kith_rtp_write_start(
        &w, &(kith_rtp_start){
                .ssrc = ssrc, .payload_type = VP8, .elements = &element, .element_count = !!mid});
    return kith_rtp_admits(k->rtp, k->now, kith_span_of(buf, w.len));
}

START_TEST(a_stream_that_is_over_is_not_decrypted_unless_it_names_a_section)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .number = 1, .type = VP8, .mid = "1"});
    kith_rtp_section audio = kit_audio();
    kit_set(&k, &audio, 1);
    ck_assert(!admits(&k, 7, NULL) && !admits(&k, 7, "1"));
    ck_assert(admits(&k, 7, "0") && admits(&k, 8, NULL));
    kit_events(&k, KITH_RTP_EV_PACKET);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: demux", a_mid_binds_the_source, a_mid_of_no_section_is_dropped,
          a_payload_type_that_one_section_has_binds_the_source,
          a_payload_type_that_two_sections_have_binds_nothing,
          a_bound_source_keeps_to_the_payload_types_of_its_section,
          a_newer_mid_binds_anew_and_an_older_one_does_not,
          packets_of_a_pending_section_wait_for_the_answer,
          packets_of_a_section_that_is_not_answered_expire,
          no_more_waits_than_the_limit_and_the_newest_stay,
          a_pending_section_takes_no_number_from_a_negotiated_one,
          streams_stay_with_their_mid_and_go_with_it,
          a_full_table_drops_and_the_longest_unused_makes_room,
          a_stream_that_is_silent_for_minutes_is_kept,
          an_sdes_mid_binds_where_no_packet_said_better,
          late_packets_of_a_section_that_went_are_nobodys,
          an_ssrc_in_place_of_which_others_are_named_is_over,
          a_stream_of_a_section_without_mid_outlives_a_negotiation,
          a_stream_that_is_over_is_not_decrypted_unless_it_names_a_section)
