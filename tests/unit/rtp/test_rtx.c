/* What was lost is sent again in a stream of its own (RFC 4588), and becomes what it was. */
#include "kit.h"

#define RTX      97
#define THEIRS   1000
#define THEIRS_2 2000

static const kith_rtp_payload_type types[] = {
    {VP8, 90000, false, 0}, {RTX, 90000, true, VP8}, {99, 90000, true, 98}};
static const kith_rtp_fid fid = {THEIRS, THEIRS_2};

static kith_rtp_section repaired_video(bool has_fid)
{
    kith_rtp_section section = kit_video();
    section.takes_nack = section.reduced_size = true;
    section.payload_types = types;
    section.payload_type_count = 3;
    section.fids = &fid;
    section.fid_count = has_fid ? 1 : 0;
    return section;
}

static kit begin(bool has_fid)
{
    kit k = kit_bare();
    kit_set(&k, (const kith_rtp_section[]){kit_audio(), repaired_video(has_fid)}, 2);
    kith_rtp_set_rtt(k.rtp, KITH_MS(50));
    return k;
}

static kith_rtp_out *add(kit *k)
{
    kith_rtp_out *out;
    static const uint8_t rtx_types[128] = {[VP8] = RTX};
    const kith_rtp_out_config config = {.mid = "1",
                                        .kind = KITH_RTP_VIDEO,
                                        .clock_rate = 90000,
                                        .has_rtx = true,
                                        .user = VIDEO_TAG};
    ck_assert_int_eq(kith_rtp_add_out(k->rtp, &out, &config), KITH_OK);
    kith_rtp_out_set_rtx(out, rtx_types);
    return out;
}

static void hear_nack(kit *k, const kith_rtp_out *out, uint16_t first, size_t count)
{
    uint8_t buf[4000];
    uint16_t numbers[900];
    kith_writer w = kith_wr(buf, sizeof buf);
    ck_assert_uint_le(count, 900);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (uint16_t)(first + i);
    kith_rtcp_write_nack(&w, 9, kith_rtp_out_ssrc(out), numbers, count);
    kit_hear(k, &w);
}

/* ---- sending ---- */

START_TEST(what_the_peer_misses_is_sent_again_in_a_stream_of_its_own)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    kith_rtp_header h, again;
    uint8_t buf[KITH_RTP_MAX_PACKET];
    h = kit_send(
        &k, out,
        (kith_rtp_unit){
            .payload_type = VP8, .marker = true, .timestamp = 90, .prefix_len = 2, .prefix = "de"});
    hear_nack(&k, out, h.sequence_number, 1);
    ck_assert_uint_gt(kit_sent(&k, buf, &again), 0);
    ck_assert_uint_eq(again.ssrc, kith_rtp_out_rtx_ssrc(out));
    ck_assert_uint_ne(again.ssrc, h.ssrc);
    ck_assert_uint_eq(again.payload_type, RTX);
    ck_assert_uint_eq(again.timestamp, h.timestamp);
    ck_assert_uint_lt(again.sequence_number, 0x8000);
    ck_assert(again.marker);
    ck_assert_uint_eq(again.payload_len, 11);
    ck_assert_uint_eq((unsigned)buf[again.payload_at] << 8 | buf[again.payload_at + 1],
                      h.sequence_number);
    ck_assert_mem_eq(buf + again.payload_at + 2, "depayload", 9);
    ck_assert_uint_eq(kit_sent(&k, buf, &again), 0);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.nack_count, 1);
    ck_assert_uint_eq(info.packets_sent, 2);
    ck_assert_uint_eq(info.bytes_sent, 18);
    ck_assert_uint_eq(info.retransmitted_packets_sent, 1);
    ck_assert_uint_eq(info.retransmitted_bytes_sent, 9);
    ck_assert_uint_eq(info.rtx_ssrc, kith_rtp_out_rtx_ssrc(out));
    kit_end(&k);
}
END_TEST

/* RFC 9143 section 15. Firefox drops what is sent again if it has no MID because a report for the
 * other SSRC came. */
START_TEST(what_is_sent_again_has_the_mid_until_a_report_for_its_own_ssrc_comes)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint8_t buf[KITH_RTP_MAX_PACKET], rtcp[100];
    const uint32_t ssrcs[] = {kith_rtp_out_ssrc(out), kith_rtp_out_rtx_ssrc(out)};
    for (size_t reported = 0; reported <= 2; reported++) {
        kith_rtp_header h = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}), again;
        ck_assert_int_eq(h.has_extension, reported == 0);
        hear_nack(&k, out, h.sequence_number, 1);
        ck_assert_uint_gt(kit_sent(&k, buf, &again), 0);
        ck_assert_uint_eq(again.ssrc, ssrcs[1]);
        ck_assert_int_eq(again.has_extension, reported <= 1);
        if (reported == 2)
            break;
        kith_writer w = kith_wr(rtcp, sizeof rtcp);
        kith_rtcp_write_rr(&w, 9, &(kith_rtcp_report){.ssrc = ssrcs[reported]}, 1);
        kit_hear(&k, &w);
        k.now += KITH_MS(100);
    }
    kit_end(&k);
}
END_TEST

START_TEST(each_number_is_sent_again_once_in_a_round_trip)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}), first, again;
    hear_nack(&k, out, h.sequence_number, 1);
    hear_nack(&k, out, h.sequence_number, 1);
    ck_assert_uint_gt(kit_sent(&k, buf, &first), 0);
    ck_assert_uint_eq(kit_sent(&k, buf, &again), 0);
    k.now += KITH_MS(43);
    hear_nack(&k, out, h.sequence_number, 1);
    ck_assert_uint_eq(kit_sent(&k, buf, &again), 0);
    k.now += KITH_MS(1);
    hear_nack(&k, out, h.sequence_number, 1);
    ck_assert_uint_gt(kit_sent(&k, buf, &again), 0);
    ck_assert_uint_eq(again.sequence_number, first.sequence_number + 1);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_sent_again_goes_before_new_video_and_after_audio)
{
    kit k = begin(false);
    kith_rtp_out *video = add(&k), *audio = kit_out(&k, KITH_RTP_AUDIO);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = kit_send(&k, video, (kith_rtp_unit){.payload_type = VP8});
    kit_push(&k, video, (kith_rtp_unit){.payload_type = VP8});
    kit_push(&k, audio, (kith_rtp_unit){.payload_type = OPUS});
    hear_nack(&k, video, h.sequence_number, 1);
    static const uint8_t order[] = {OPUS, RTX, VP8};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kith_rtp_deadline(k.rtp), 0);
        ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
        ck_assert_uint_eq(h.payload_type, order[i]);
    }
    kit_end(&k);
}
END_TEST

/* Sends `count` packets of `len` bytes 1 ms apart; the number of the first. */
static uint16_t send_many(kit *k, kith_rtp_out *out, size_t count, size_t len)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h, first = {0};
    for (size_t i = 0; i < count; i++) {
        uint8_t *block = kith_block_take(k->pool);
        ck_assert_ptr_nonnull(block);
        memset(block, 1, len);
        kith_rtp_unit unit = {
            .payload_type = VP8, .block = block, .payload = kith_span_of(block, len)};
        ck_assert_int_eq(kith_rtp_push(k->rtp, k->now, out, &unit), KITH_OK);
        ck_assert_uint_gt(kit_sent(k, buf, &h), 0);
        if (i == 0)
            first = h;
        k->now += KITH_MS(1);
    }
    return first.sequence_number;
}

static size_t count_again(kit *k, uint8_t type)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    size_t count = 0;
    while (kit_sent(k, buf, &h) > 0)
        count += h.payload_type == type;
    return count;
}

/* It was lost before, or with it the end of its picture, which stands still meanwhile. */
START_TEST(what_is_asked_for_late_is_sent_again_twice)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    kith_rtp_set_rtt(k.rtp, KITH_MS(50));
    uint16_t first = send_many(&k, out, 2, 10);
    k.now += KITH_MS(67);
    hear_nack(&k, out, first, 1);
    ck_assert_uint_eq(count_again(&k, RTX), 1);
    k.now += KITH_MS(2);
    hear_nack(&k, out, (uint16_t)(first + 1), 1);
    ck_assert_uint_eq(count_again(&k, RTX), 2);
    /* each time; and what was lost twice */
    k.now += KITH_MS(60);
    hear_nack(&k, out, first, 2);
    ck_assert_uint_eq(count_again(&k, RTX), 4);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.retransmitted_packets_sent, 7);
    kit_end(&k);
}
END_TEST

/* A mirror: the peer asked for it while we lacked it ourselves. */
START_TEST(what_left_late_is_not_sent_again_before_a_round_trip_has_passed)
{
    static const uint16_t order[] = {10, 12, 11};
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    kith_rtp_header late = {0};
    for (int i = 0; i < 3; i++)
        late = kit_send(
            &k, out,
            (kith_rtp_unit){.payload_type = VP8, .is_numbered = true, .sequence_number = order[i]});
    hear_nack(&k, out, (uint16_t)(late.sequence_number - 1), 3);
    ck_assert_uint_eq(count_again(&k, RTX), 2);
    k.now += KITH_MS(43);
    hear_nack(&k, out, late.sequence_number, 1);
    ck_assert_uint_eq(count_again(&k, RTX), 0);
    k.now += KITH_MS(1);
    hear_nack(&k, out, late.sequence_number, 1);
    ck_assert_uint_eq(count_again(&k, RTX), 1);
    kit_end(&k);
}
END_TEST

START_TEST(what_left_a_second_ago_is_forgotten_or_sixteen_round_trips)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint16_t first = send_many(&k, out, 1, 10);
    k.now += KITH_SECONDS(1);
    (void)send_many(&k, out, 1, 10);
    hear_nack(&k, out, first, 2);
    ck_assert_uint_eq(count_again(&k, RTX), 1);
    /* 4 s at most, after which a receiver that gives up after 3 s has done so */
    static const struct {
        kith_time round_trip, kept;
    } rows[] = {{KITH_MS(60), KITH_SECONDS(1)},
                {KITH_MS(200), KITH_MS(3200)},
                {KITH_MS(500), KITH_SECONDS(4)},
                {KITH_SECONDS(2), KITH_SECONDS(4)}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kith_rtp_set_rtt(k.rtp, rows[i].round_trip);
        first = send_many(&k, out, 1, 10);
        k.now += rows[i].kept - KITH_MS(2);
        (void)send_many(&k, out, 1, 10);
        hear_nack(&k, out, first, 1);
        /* so late, twice */
        ck_assert_uint_eq(count_again(&k, RTX), 2);
        k.now += rows[i].round_trip;
        (void)send_many(&k, out, 1, 10);
        hear_nack(&k, out, first, 1);
        ck_assert_uint_eq(count_again(&k, RTX), 0);
    }
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.not_repaired, 5);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_lost_for_good_is_a_request_for_a_key_frame_unless_one_left_since)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    kith_rtp_header key =
        kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8, .begins_key_frame = true});
    k.now += KITH_SECONDS(2);
    (void)send_many(&k, out, 1, 10);
    hear_nack(&k, out, (uint16_t)(key.sequence_number - 1), 1);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    hear_nack(&k, out, key.sequence_number, 1);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    kit_end(&k);
}
END_TEST

START_TEST(whoever_asks_for_everything_again_and_again_gets_no_more_than_was_sent)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    kith_rtp_set_rtt(k.rtp, KITH_MS(1));
    size_t sent = 0, again = 0;
    for (int i = 0; i < 20; i++) {
        uint16_t first = send_many(&k, out, 40, 1000);
        sent += 40;
        for (int j = 0; j < 20; j++) {
            hear_nack(&k, out, (uint16_t)(first - 200), 240);
            again += count_again(&k, RTX);
            k.now += KITH_MS(1);
        }
    }
    /* and 64 kB at first */
    ck_assert_uint_le(again, sent + 65);
    ck_assert_uint_gt(again, sent);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_kept_is_bounded)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint16_t first = send_many(&k, out, 10, 1100);
    size_t before = kith_block_pool_count(k.pool);
    for (int i = 0; i < 40; i++) {
        (void)send_many(&k, out, 200, 1100);
        k.now -= KITH_MS(200);
    }
    /* 4 MiB of payloads */
    ck_assert_uint_lt(kith_block_pool_count(k.pool) - before, 4 * 1024 * 1024 / 1100 + 100);
    hear_nack(&k, out, first, 10);
    ck_assert_uint_eq(count_again(&k, RTX), 0);
    hear_nack(&k, out, (uint16_t)(first + 8000), 10);
    ck_assert_uint_eq(count_again(&k, RTX), 10);
    kit_end(&k);
}
END_TEST

START_TEST(without_rtx_a_number_is_sent_once)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = kit_send(&k, out, (kith_rtp_unit){.payload_type = 98});
    hear_nack(&k, out, h.sequence_number, 1);
    ck_assert_uint_eq(kit_sent(&k, buf, &h), 0);
    kith_rtp_out *alone = kit_out(&k, KITH_RTP_VIDEO);
    ck_assert_uint_eq(kith_rtp_out_rtx_ssrc(alone), 0);
    h = kit_send(&k, alone, (kith_rtp_unit){.payload_type = VP8});
    hear_nack(&k, alone, h.sequence_number, 1);
    ck_assert_uint_eq(kit_sent(&k, buf, &h), 0);
    kit_end(&k);
}
END_TEST

START_TEST(a_packet_without_room_for_its_own_number_is_sent_once)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint16_t first = send_many(&k, out, 1, KITH_RTP_MAX_PACKET - KITH_RTP_HEADER - 1);
    hear_nack(&k, out, first, 1);
    ck_assert_uint_eq(count_again(&k, RTX), 0);
    first = send_many(&k, out, 1, KITH_RTP_MAX_PACKET - KITH_RTP_HEADER - 2);
    hear_nack(&k, out, first, 1);
    ck_assert_uint_eq(count_again(&k, RTX), 1);
    kit_end(&k);
}
END_TEST

START_TEST(both_streams_report_and_say_bye)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    hear_nack(&k, out, h.sequence_number, 1);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    k.now += KITH_SECONDS(2);
    ck_assert_str_eq(kit_rtcp(&k).parts, "SR:0 SR:0 SDES:2");
    kith_rtp_remove_out(k.rtp, out);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:2");
    kit_end(&k);
}
END_TEST

/* ---- receiving ---- */

static void receive_again(kit *k, uint32_t ssrc, uint16_t number, uint16_t osn, const char *mid)
{
    uint8_t buf[100];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_element element = {MID_ID, kith_span_text(mid)};
    kith_rtp_write_start(&w, &(kith_rtp_start){.ssrc = ssrc,
                                               .timestamp = 77,
                                               .sequence_number = number,
                                               .payload_type = RTX,
                                               .marker = true,
                                               .elements = &element,
                                               .element_count = !!mid});
    kith_wr_u16(&w, osn);
    kith_wr_text(&w, "lost");
    kit_input(k, buf, w.len);
}

static void receive(kit *k, uint16_t number)
{
    kit_receive(k, (from){.ssrc = THEIRS, .number = number, .type = VP8, .mid = "1"});
}

START_TEST(what_is_sent_again_becomes_what_it_was)
{
    for (int has_fid = 0; has_fid <= 1; has_fid++) {
        kit k = begin(has_fid);
        receive(&k, 65535);
        receive(&k, 1);
        ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), 2);
        receive_again(&k, THEIRS_2, 500, 0, has_fid ? NULL : "1");
        kith_rtp_event ev;
        ck_assert(kith_rtp_event_next(k.rtp, &ev));
        ck_assert_int_eq(ev.type, KITH_RTP_EV_PACKET);
        ck_assert_uint_eq(ev.ssrc, THEIRS);
        ck_assert_int_eq(ev.packet->number, 65536);
        ck_assert_uint_eq(ev.packet->rtx_ssrc, THEIRS_2);
        const kith_rtp_header *h = &ev.packet->header;
        ck_assert_uint_eq(h->ssrc, THEIRS);
        ck_assert_uint_eq(h->payload_type, VP8);
        ck_assert_uint_eq(h->sequence_number, 0);
        ck_assert_uint_eq(h->timestamp, 77);
        ck_assert(h->marker && !ev.packet->begins_stream);
        ck_assert(kith_span_is(kith_packet_payload(ev.packet), "lost"));
        kith_block_unref(ev.packet);
        /* the loss was one (RFC 4588 section 8.1 leaves reports to the original stream) */
        kith_rtp_in_info info;
        ck_assert(kith_rtp_in_find(k.rtp, THEIRS, &info));
        ck_assert_int_eq(info.packets_lost, 1);
        ck_assert_uint_eq(info.packets_received, 3);
        ck_assert_uint_eq(info.retransmitted_packets_received, 1);
        ck_assert_uint_eq(info.rtx_ssrc, THEIRS_2);
        ck_assert(kith_rtp_in_find(k.rtp, THEIRS_2, &info));
        ck_assert(info.is_rtx);
        kit_end(&k);
    }
}
END_TEST

START_TEST(what_is_not_missing_is_told_once)
{
    kit k = begin(true);
    receive(&k, 10);
    receive(&k, 12);
    receive_again(&k, THEIRS_2, 1, 12, NULL);
    receive_again(&k, THEIRS_2, 2, 11, NULL);
    receive_again(&k, THEIRS_2, 3, 11, NULL);
    receive_again(&k, THEIRS_2, 4, 13, NULL);
    receive_again(&k, THEIRS_2, 5, 9, NULL);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), 3);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->not_missing, 4);
    kit_end(&k);
}
END_TEST

START_TEST(what_only_came_late_is_told_once_too)
{
    kit k = begin(true);
    receive(&k, 10);
    receive(&k, 12);
    receive_again(&k, THEIRS_2, 1, 11, NULL);
    receive(&k, 11);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), 3);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->not_missing, 1);
    kit_end(&k);
}
END_TEST

START_TEST(what_repairs_nothing_is_dropped)
{
    kit k = begin(true);
    /* before the stream that it repairs */
    receive_again(&k, THEIRS_2, 1, 11, NULL);
    receive(&k, 10);
    receive(&k, 12);
    /* padding, and half a number */
    kit_receive(&k, (from){.ssrc = THEIRS_2, .number = 2, .type = RTX, .is_empty = true});
    uint8_t buf[100];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_write_start(
        &w, &(kith_rtp_start){.ssrc = THEIRS_2, .sequence_number = 3, .payload_type = RTX});
    kith_wr_u8(&w, 0);
    kit_input(&k, buf, w.len);
    /* of a payload type that is none of the section's */
    kit_receive(&k, (from){.ssrc = THEIRS_2, .number = 4, .type = 99});
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_PACKET), 2);
    kit_end(&k);
}
END_TEST

START_TEST(missing_packets_are_asked_for_until_they_come)
{
    kit k = begin(true);
    receive(&k, 10);
    (void)kit_rtcp(&k);
    receive(&k, 13);
    k.now += 1;
    ck_assert_int_le(kith_rtp_deadline(k.rtp), k.now);
    said s = kit_rtcp(&k);
    ck_assert_str_eq(s.parts, "RTPFB:1");
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_RTPFB);
    kith_rtcp_fb fb;
    ck_assert(kith_rtcp_parse_fb(&p, &fb));
    ck_assert_uint_eq(fb.media_ssrc, THEIRS);
    ck_assert_mem_eq(fb.fci.data, ((uint8_t[]){0, 11, 0, 1}), 4);
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    receive_again(&k, THEIRS_2, 1, 11, NULL);
    /* a round trip and 10 ms */
    k.now += KITH_MS(60);
    s = kit_rtcp(&k);
    ck_assert_ptr_nonnull(strstr(s.parts, "RTPFB:1"));
    receive(&k, 12);
    k.now += KITH_MS(57);
    ck_assert_ptr_null(strstr(kit_rtcp(&k).parts, "RTPFB"));
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_find(k.rtp, THEIRS, &info));
    ck_assert_uint_eq(info.nack_count, 2);
    kit_end(&k);
}
END_TEST

START_TEST(without_reduced_size_a_nack_stands_in_a_compound)
{
    kit k = kit_bare();
    kith_rtp_section section = repaired_video(true);
    section.reduced_size = false;
    kit_set(&k, &section, 1);
    receive(&k, 10);
    (void)kit_rtcp(&k);
    receive(&k, 12);
    k.now += 1;
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 RTPFB:1");
    kit_end(&k);
}
END_TEST

START_TEST(a_peer_that_takes_no_nack_gets_none)
{
    kit k = kit_new();
    receive(&k, 10);
    (void)kit_rtcp(&k);
    receive(&k, 12);
    k.now += 1;
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kit_end(&k);
}
END_TEST

START_TEST(when_too_much_is_missing_a_key_frame_is_asked_for)
{
    kit k = begin(true);
    receive(&k, 10);
    (void)kit_rtcp(&k);
    receive(&k, 1500);
    k.now += 1;
    ck_assert_str_eq(kit_rtcp(&k).parts, "PSFB:1");
    kit_end(&k);
}
END_TEST

/* RFC 4585 section 6.3.1, RFC 5104 section 4.3.1: they name the source that is decoded. */
START_TEST(requests_for_key_frames_to_the_stream_that_repairs_ask_for_nothing)
{
    kit k = begin(false);
    uint32_t ssrc = kith_rtp_out_rtx_ssrc(add(&k));
    ck_assert_uint_ne(ssrc, 0);
    uint8_t buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_pli(&w, 9, ssrc);
    kith_rtcp_write_fir(&w, 9, &(kith_rtcp_fir){ssrc, 1}, 1);
    kit_hear(&k, &w);
    k.now += KITH_SECONDS(1);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->malformed_rtcp, 0);
    kit_end(&k);
}
END_TEST

/* What is sent again is not kept once more. */
START_TEST(a_nack_to_the_stream_that_repairs_sends_nothing)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    kith_rtp_header first = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    hear_nack(&k, out, first.sequence_number, 1);
    uint8_t packet[KITH_RTP_MAX_PACKET], buf[64];
    kith_rtp_header again, none;
    ck_assert_uint_gt(kit_sent(&k, packet, &again), 0);
    ck_assert_uint_eq(again.payload_type, RTX);
    kith_writer w = kith_wr(buf, sizeof buf);
    k.now += KITH_MS(200);
    kith_rtcp_write_nack(&w, 9, again.ssrc, &again.sequence_number, 1);
    kit_hear(&k, &w);
    ck_assert_uint_eq(kit_sent(&k, packet, &none), 0);
    kit_end(&k);
}
END_TEST

/* An entry asks for 17 numbers and a packet holds 290 entries: 5000 packets of ours for one of
 * theirs. What is sent again is sent once in a round trip, and never more than the credit. */
START_TEST(a_storm_of_nacks_is_answered_once_in_a_round_trip_and_within_the_credit)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint16_t first = send_many(&k, out, 60, 1000);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_RTPFB, KITH_RTCP_FMT_NACK), again = 0;
    kith_wr_u32(&w, 9);
    kith_wr_u32(&w, kith_rtp_out_ssrc(out));
    for (unsigned i = 0; i < 290; i++) {
        kith_wr_u16(&w, (uint16_t)(first + i % 4 * 17));
        kith_wr_u16(&w, 0xffff);
    }
    kith_rtcp_end(&w, mark);
    for (int i = 0; i < 100; i++) {
        kit_hear(&k, &w);
        again += count_again(&k, RTX);
    }
    ck_assert_uint_eq(again, 60);
    for (int i = 0; i < 900; i++) {
        k.now += KITH_MS(1);
        kit_hear(&k, &w);
        again += count_again(&k, RTX);
    }
    /* 64 kB, since nothing new was sent */
    ck_assert_uint_le(again, 65);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.retransmitted_packets_sent, again);
    ck_assert_uint_eq(info.nack_count, 1000);
    kit_end(&k);
}
END_TEST

/* webrtc-stats, totalPacketSendDelay: in the queue, and what was asked for again since then. */
START_TEST(packets_wait_from_when_they_are_queued_or_asked_for)
{
    kit k = begin(false);
    kith_rtp_out *out = add(&k);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    kith_rtp_out_info info;
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8, .captured_at = 1});
    k.now += KITH_MS(10);
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8, .captured_at = 1});
    k.now += KITH_MS(20);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_eq(info.packet_send_delay, KITH_MS(30 + 20));
    k.now += KITH_MS(100);
    hear_nack(&k, out, h.sequence_number, 1);
    k.now += KITH_MS(7);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_eq(info.packet_send_delay, KITH_MS(30 + 20 + 7));
    ck_assert_uint_eq(info.packets_sent, 3);
    /* queued in a turn whose time was asked for before */
    k.now += KITH_MS(5);
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8, .captured_at = 1});
    k.now -= KITH_MS(5);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_get_info(out, &info);
    ck_assert_int_eq(info.packet_send_delay, KITH_MS(30 + 20 + 7));
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: rtx", what_the_peer_misses_is_sent_again_in_a_stream_of_its_own,
          what_is_sent_again_has_the_mid_until_a_report_for_its_own_ssrc_comes,
          each_number_is_sent_again_once_in_a_round_trip,
          what_is_asked_for_late_is_sent_again_twice,
          what_left_late_is_not_sent_again_before_a_round_trip_has_passed,
          what_is_sent_again_goes_before_new_video_and_after_audio,
          what_left_a_second_ago_is_forgotten_or_sixteen_round_trips,
          what_is_lost_for_good_is_a_request_for_a_key_frame_unless_one_left_since,
          whoever_asks_for_everything_again_and_again_gets_no_more_than_was_sent,
          what_is_kept_is_bounded, without_rtx_a_number_is_sent_once,
          a_packet_without_room_for_its_own_number_is_sent_once, both_streams_report_and_say_bye,
          what_is_sent_again_becomes_what_it_was, what_is_not_missing_is_told_once,
          what_only_came_late_is_told_once_too, what_repairs_nothing_is_dropped,
          missing_packets_are_asked_for_until_they_come,
          without_reduced_size_a_nack_stands_in_a_compound, a_peer_that_takes_no_nack_gets_none,
          when_too_much_is_missing_a_key_frame_is_asked_for,
          requests_for_key_frames_to_the_stream_that_repairs_ask_for_nothing,
          a_nack_to_the_stream_that_repairs_sends_nothing,
          a_storm_of_nacks_is_answered_once_in_a_round_trip_and_within_the_credit,
          packets_wait_from_when_they_are_queued_or_asked_for)
