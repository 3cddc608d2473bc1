/* What leaves: headers, extensions, the queue and its bound, collisions. */
#include "kit.h"

#define TIME_ID 4

START_TEST(a_packet_is_composed_of_its_unit)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kit_push(
        &k, out,
        (kith_rtp_unit){
            .payload_type = VP8, .marker = true, .timestamp = 90, .prefix_len = 2, .prefix = "de"});
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    size_t len = kit_sent(&k, buf, &h);
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_eq(h.ssrc, kith_rtp_out_ssrc(out));
    ck_assert(h.marker);
    ck_assert_uint_eq(h.payload_type, VP8);
    ck_assert_uint_lt(h.sequence_number, 0x8000);
    ck_assert_uint_eq(h.payload_len, 9);
    ck_assert_mem_eq(buf + h.payload_at, "depayload", 9);
    ck_assert_uint_eq(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.packets_sent, 1);
    ck_assert_uint_eq(info.bytes_sent, 9);
    ck_assert_uint_eq(info.header_bytes_sent, len - 9);
    kit_end(&k);
}
END_TEST

/* The value of the extension in the packet; empty: it is not there. */
static kith_span value_of(const uint8_t *buf, size_t len, const kith_rtp_header *h, uint8_t id)
{
    kith_rtp_elements elements = kith_rtp_elements_of(h, kith_span_of(buf, len));
    kith_rtp_element e;
    while (kith_rtp_next_element(&elements, &e))
        if (e.id == id)
            return e.data;
    return kith_span_of(NULL, 0);
}

START_TEST(extensions_go_where_they_were_agreed_on)
{
    kit k = kit_new();
    kith_rtp_unit unit = {.payload_type = OPUS,
                          .has_audio_level = true,
                          .audio_level = 0x85,
                          .has_playout_delay = true,
                          .playout_delay = {1, 2, 3}};
    kith_rtp_out *audio = kit_out(&k, KITH_RTP_AUDIO), *video = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    kit_push(&k, audio, unit);
    size_t len = kit_sent(&k, buf, &h);
    kith_span level = value_of(buf, len, &h, LEVEL_ID);
    ck_assert_uint_eq(level.len, 1);
    ck_assert_uint_eq(level.data[0], 0x85);
    ck_assert_uint_eq(value_of(buf, len, &h, DELAY_ID).len, 0);
    kit_push(&k, video, unit);
    len = kit_sent(&k, buf, &h);
    ck_assert_uint_eq(value_of(buf, len, &h, LEVEL_ID).len, 0);
    ck_assert_mem_eq(value_of(buf, len, &h, DELAY_ID).data, ((uint8_t[]){1, 2, 3}), 3);
    kit_end(&k);
}
END_TEST

/* When it leaves, not when it was pushed. */
START_TEST(the_send_time_is_when_a_packet_leaves)
{
    kit k = kit_bare();
    kith_rtp_section section = kit_video();
    section.extensions[KITH_RTP_EXTENSION_ABS_SEND_TIME] = TIME_ID;
    kit_set(&k, &section, 1);
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    k.now = KITH_SECONDS(64 * 20) + KITH_MS(1000);
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8});
    k.now += KITH_MS(500);
    size_t len = kit_sent(&k, buf, &h);
    kith_span time = value_of(buf, len, &h, TIME_ID);
    ck_assert_uint_eq(time.len, 3);
    ck_assert_mem_eq(time.data, ((uint8_t[]){0x06, 0, 0}), 3);
    kit_end(&k);
}
END_TEST

START_TEST(the_mid_is_on_every_packet_until_a_report_for_it_comes)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t buf[KITH_RTP_MAX_PACKET], rtcp[100];
    kith_rtp_header h;
    for (int i = 0; i < 3; i++) {
        kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8});
        size_t len = kit_sent(&k, buf, &h);
        ck_assert(kith_span_is(value_of(buf, len, &h, MID_ID), "1"));
    }
    kith_writer w = kith_wr(rtcp, sizeof rtcp);
    kith_rtcp_write_rr(&w, 9, &(kith_rtcp_report){.ssrc = kith_rtp_out_ssrc(out) + 1}, 1);
    kit_hear(&k, &w);
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8});
    size_t len = kit_sent(&k, buf, &h);
    ck_assert(kith_span_is(value_of(buf, len, &h, MID_ID), "1"));
    w.len = 0;
    kith_rtcp_write_rr(&w, 9, &(kith_rtcp_report){.ssrc = kith_rtp_out_ssrc(out)}, 1);
    kit_hear(&k, &w);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_REPORT), 1);
    kit_push(&k, out, (kith_rtp_unit){.payload_type = VP8});
    kit_sent(&k, buf, &h);
    ck_assert(!h.has_extension);
    kit_end(&k);
}
END_TEST

/* On a connection that takes nothing (RFC 6544) more would only grow old. */
static void push_video(kit *k, kith_rtp_out *out, uint32_t timestamp, bool begins_key_frame,
                       bool marker)
{
    kit_push(k, out,
             (kith_rtp_unit){.payload_type = VP8,
                             .timestamp = timestamp,
                             .begins_key_frame = begins_key_frame,
                             .marker = marker});
}

/* On a connection that takes nothing. Numbers are given when packets leave: there is no hole. */
START_TEST(a_picture_that_has_waited_for_a_second_gives_way)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_header first, h;
    uint8_t buf[KITH_RTP_MAX_PACKET];
    push_video(&k, out, 1, true, false);
    push_video(&k, out, 1, false, true);
    push_video(&k, out, 2, false, true);
    ck_assert_uint_gt(kit_sent(&k, buf, &first), 0);
    k.now += KITH_SECONDS(1);
    push_video(&k, out, 3, false, true);
    ck_assert(!kith_rtp_needs_key_frame(k.rtp, k.now, out));
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    k.now++;
    push_video(&k, out, 4, false, true);
    ck_assert(kith_rtp_needs_key_frame(k.rtp, k.now, out));
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 1);
    push_video(&k, out, 5, true, true);
    ck_assert(!kith_rtp_needs_key_frame(k.rtp, k.now, out));
    /* the rest of the frame that had begun, since the peer would take it for whole */
    static const uint32_t timestamps[] = {1, 4, 5};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
        ck_assert_uint_eq(h.timestamp, first.timestamp - 1 + timestamps[i]);
        ck_assert_uint_eq(h.sequence_number, (uint16_t)(first.sequence_number + 1 + i));
    }
    ck_assert_uint_eq(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.dropped_waiting, 2);
    ck_assert_uint_eq(kith_rtp_queued(out), 0);
    kit_end(&k);
}
END_TEST

/* One that waits itself is as good as one that is asked for. */
START_TEST(what_waits_gives_way_up_to_a_key_frame)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_header h;
    uint8_t buf[KITH_RTP_MAX_PACKET];
    push_video(&k, out, 1, true, true);
    push_video(&k, out, 2, false, true);
    k.now += KITH_MS(500);
    push_video(&k, out, 3, false, true);
    push_video(&k, out, 4, true, true);
    push_video(&k, out, 5, false, true);
    /* the program says nothing meanwhile, and the connection takes bytes again */
    k.now += KITH_MS(501);
    kith_rtp_out_info info;
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.key_frames_sent, 1);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    ck_assert_uint_eq(kit_sent(&k, buf, &h), 0);
    ck_assert(!kith_rtp_needs_key_frame(k.rtp, k.now, out));
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    kit_end(&k);
}
END_TEST

/* Of a source that numbers its packets, as a mirror's: what was dropped is not missed behind a key
 * frame, and is where nobody knows which frames are key frames. */
START_TEST(what_gave_way_leaves_a_hole_only_where_no_key_frame_is_known)
{
    for (int is_known = 0; is_known <= 1; is_known++) {
        kit k = kit_new();
        kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
        kith_rtp_unit unit = {.payload_type = VP8, .is_numbered = true, .marker = true};
        kith_rtp_header first, h;
        uint8_t buf[KITH_RTP_MAX_PACKET];
        for (uint16_t n = 100; n <= 105; n++) {
            unit.sequence_number = n;
            unit.timestamp = n;
            unit.begins_key_frame = is_known && n == 105;
            k.now += n == 105 ? KITH_SECONDS(1) + 1 : 0;
            kit_push(&k, out, unit);
            if (n == 100)
                ck_assert_uint_gt(kit_sent(&k, buf, &first), 0);
        }
        ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
        ck_assert_uint_eq(h.timestamp, first.timestamp + 5);
        ck_assert_uint_eq(h.sequence_number, first.sequence_number + (is_known ? 1U : 5U));
        /* late, from before it was cut */
        unit.sequence_number = 104;
        unit.begins_key_frame = false;
        kit_push(&k, out, unit);
        ck_assert_int_eq(kit_sent(&k, buf, &h) > 0, !is_known);
        kit_end(&k);
    }
}
END_TEST

START_TEST(of_sound_what_has_waited_for_a_second_gives_way)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_AUDIO);
    kith_rtp_header h;
    uint8_t buf[KITH_RTP_MAX_PACKET];
    for (uint32_t i = 0; i < 100; i++, k.now += KITH_MS(20))
        kit_push(&k, out, (kith_rtp_unit){.payload_type = OPUS, .timestamp = i});
    ck_assert_uint_le(kith_rtp_queued(out), 52 * strlen("payload"));
    k.now += KITH_MS(400);
    uint32_t last = 0;
    unsigned count = 0;
    for (; kit_sent(&k, buf, &h) > 0; last = h.timestamp)
        ck_assert(count++ == 0 || h.timestamp == last + 1);
    ck_assert_uint_eq(count, 30);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_KEY_FRAME_REQUEST), 0);
    kit_end(&k);
}
END_TEST

START_TEST(the_longest_payload_fits_without_extensions)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t *block = kith_block_take(k.pool);
    memset(block, 7, KITH_RTP_MAX_PACKET);
    kith_rtp_unit unit = {.payload_type = VP8,
                          .block = block,
                          .has_playout_delay = true,
                          .payload = kith_span_of(block, KITH_RTP_MAX_PACKET - 11)};
    ck_assert_int_eq(kith_rtp_push(k.rtp, k.now, out, &unit), KITH_ERR_RANGE);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    for (size_t shorter = 12; shorter < 40; shorter++) {
        unit.payload.len = KITH_RTP_MAX_PACKET - shorter;
        kith_block_ref(block);
        ck_assert_int_eq(kith_rtp_push(k.rtp, k.now, out, &unit), KITH_OK);
        size_t len = kit_sent(&k, buf, &h);
        ck_assert_uint_le(len, KITH_RTP_MAX_PACKET);
        ck_assert_uint_eq(h.payload_len, unit.payload.len);
        bool has_mid = value_of(buf, len, &h, MID_ID).len > 0;
        ck_assert_int_eq(has_mid, shorter >= 12 + 4 + 8);
        ck_assert_int_eq(value_of(buf, len, &h, DELAY_ID).len > 0, shorter >= 12 + 4 + 4);
    }
    kith_block_unref(block);
    kit_end(&k);
}
END_TEST

START_TEST(audio_leaves_before_video)
{
    kit k = kit_new();
    kith_rtp_out *video = kit_out(&k, KITH_RTP_VIDEO), *audio = kit_out(&k, KITH_RTP_AUDIO);
    kit_push(&k, video, (kith_rtp_unit){.payload_type = VP8});
    kit_push(&k, video, (kith_rtp_unit){.payload_type = VP8});
    kit_push(&k, audio, (kith_rtp_unit){.payload_type = OPUS});
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    static const uint8_t order[] = {OPUS, VP8, VP8};
    ck_assert_int_eq(kith_rtp_deadline(k.rtp), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
        ck_assert_uint_eq(h.payload_type, order[i]);
    }
    ck_assert_int_gt(kith_rtp_deadline(k.rtp), k.now);
    kit_end(&k);
}
END_TEST

START_TEST(the_queue_has_a_bound_and_what_is_over_it_stays_the_callers)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint8_t *block = kith_block_take(k.pool);
    kith_rtp_unit unit = {.block = block, .payload = kith_span_of(block, 1000)};
    memset(block, 0, 1000);
    size_t fit = KITH_RTP_MAX_QUEUED / 1000;
    for (size_t i = 0; i < fit; i++) {
        kith_block_ref(block);
        ck_assert_int_eq(kith_rtp_push(k.rtp, k.now, out, &unit), KITH_OK);
    }
    ck_assert_uint_eq(kith_rtp_queued(out), fit * 1000);
    ck_assert_int_eq(kith_rtp_push(k.rtp, k.now, out, &unit), KITH_ERR_AGAIN);
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    kit_sent(&k, buf, &h);
    kith_block_ref(block);
    ck_assert_int_eq(kith_rtp_push(k.rtp, k.now, out, &unit), KITH_OK);
    kith_block_unref(block);
    unit = (kith_rtp_unit){.payload_type = 0};
    kith_rtp_out *empty = kit_out(&k, KITH_RTP_AUDIO);
    size_t count = 0;
    while (kith_rtp_push(k.rtp, k.now, empty, &unit) == KITH_OK)
        count++;
    ck_assert_uint_eq(count, 8192);
    kit_end(&k);
}
END_TEST

START_TEST(doubled_packets_of_a_gateway_leave_once)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_AUDIO);
    kith_rtp_unit unit = {.payload_type = OPUS, .is_numbered = true, .sequence_number = 60000};
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h;
    kit_push(&k, out, unit);
    kit_push(&k, out, unit);
    ck_assert_uint_gt(kit_sent(&k, buf, &h), 0);
    ck_assert_uint_eq(kit_sent(&k, buf, &h), 0);
    kith_rtp_out_info info;
    kith_rtp_out_get_info(out, &info);
    ck_assert_uint_eq(info.dropped_doubled, 1);
    ck_assert_uint_eq(info.packets_sent, 1);
    kit_end(&k);
}
END_TEST

START_TEST(an_ssrc_that_is_in_use_is_replaced)
{
    kit k = kit_new();
    kit_receive(&k, (from){.ssrc = 7, .type = VP8});
    kith_rtp_out *out[3];
    for (uint32_t i = 0; i < 3; i++) {
        kith_rtp_out_config config = {.mid = "1", .clock_rate = 90000, .ssrc = i == 0 ? 7 : 8};
        ck_assert_int_eq(kith_rtp_add_out(k.rtp, &out[i], &config), KITH_OK);
    }
    ck_assert_uint_ne(kith_rtp_out_ssrc(out[0]), 7);
    ck_assert_uint_eq(kith_rtp_out_ssrc(out[1]), 8);
    ck_assert_uint_ne(kith_rtp_out_ssrc(out[2]), 8);
    kit_end(&k);
}
END_TEST

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* SRTP encrypts nothing more with an SSRC whose BYE is out: whoever drew it again would be silent.
 * Of so many that were each drawn for itself five would be there already. */
START_TEST(no_ssrc_is_drawn_twice)
{
    enum { COUNT = 200000 };
    uint32_t *drawn = malloc(COUNT * sizeof *drawn);
    ck_assert_ptr_nonnull(drawn);
    kit k = kit_new();
    for (size_t i = 0; i < COUNT; i++) {
        kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
        drawn[i] = kith_rtp_out_ssrc(out);
        kith_rtp_remove_out(k.rtp, out);
    }
    qsort(drawn, COUNT, sizeof *drawn, compare);
    for (size_t i = 1; i < COUNT; i++)
        ck_assert_uint_ne(drawn[i], drawn[i - 1]);
    free(drawn);
    kit_end(&k);
}
END_TEST

/* Its packets may still come. */
START_TEST(an_ssrc_of_theirs_that_ended_is_replaced)
{
    kit k = kit_new();
    uint8_t buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_rr(&w, 7, NULL, 0);
    kith_rtcp_write_bye(&w, (const uint32_t[]){7}, 1);
    kit_hear(&k, &w);
    kith_rtp_out *out;
    kith_rtp_out_config config = {.mid = "1", .clock_rate = 90000, .ssrc = 7};
    ck_assert_int_eq(kith_rtp_add_out(k.rtp, &out, &config), KITH_OK);
    ck_assert_uint_ne(kith_rtp_out_ssrc(out), 7);
    kit_end(&k);
}
END_TEST

START_TEST(a_collision_before_the_announcement_is_silent)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    uint32_t ssrc = kith_rtp_out_ssrc(out);
    kith_rtp_section section = kit_video();
    section.ssrcs = &ssrc;
    section.ssrc_count = 1;
    kit_set(&k, &section, 1);
    ck_assert_uint_ne(kith_rtp_out_ssrc(out), ssrc);
    kith_rtp_tick(k.rtp, k.now);
    ck_assert_uint_eq(kit_events(&k, KITH_RTP_EV_SSRC_CHANGED), 0);
    kit_receive(&k, (from){.ssrc = ssrc, .type = VP8});
    ck_assert_ptr_eq(kit_taken(&k), VIDEO_TAG);
    kit_end(&k);
}
END_TEST

START_TEST(a_collision_later_is_told_and_the_old_source_says_bye)
{
    kit k = kit_new();
    kith_rtp_out *out = kit_out(&k, KITH_RTP_VIDEO);
    kith_rtp_out_announced(out);
    uint32_t ssrc = kith_rtp_out_ssrc(out);
    uint16_t number = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8}).sequence_number;
    kit_receive(&k, (from){.ssrc = ssrc, .number = number, .type = VP8});
    ck_assert_uint_eq(kith_rtp_out_ssrc(out), ssrc);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->looped, 1);
    kit_receive(&k, (from){.ssrc = ssrc, .number = (uint16_t)(number + 5), .type = VP8});
    uint32_t changed = kith_rtp_out_ssrc(out);
    ck_assert_uint_ne(changed, ssrc);
    kith_rtp_event ev;
    ck_assert(kith_rtp_event_next(k.rtp, &ev) && ev.type == KITH_RTP_EV_PACKET);
    kith_block_unref(ev.packet);
    ck_assert(kith_rtp_event_next(k.rtp, &ev) && ev.type == KITH_RTP_EV_SSRC_CHANGED);
    ck_assert_ptr_eq(ev.out, out);
    ck_assert_str_eq(kit_rtcp(&k).parts, "RR:0 SDES:1 BYE:1");
    kith_rtp_header h = kit_send(&k, out, (kith_rtp_unit){.payload_type = VP8});
    ck_assert_uint_eq(h.ssrc, changed);
    ck_assert(h.has_extension);
    /* at most once a minute */
    kit_receive(&k,
                (from){.ssrc = changed, .number = (uint16_t)(h.sequence_number + 5), .type = VP8});
    ck_assert_uint_eq(kith_rtp_out_ssrc(out), changed);
    ck_assert_uint_eq(kith_rtp_get_counters(k.rtp)->collisions, 2);
    k.now += KITH_SECONDS(60);
    kit_receive(&k,
                (from){.ssrc = changed, .number = (uint16_t)(h.sequence_number + 6), .type = VP8});
    ck_assert_uint_ne(kith_rtp_out_ssrc(out), changed);
    kit_events(&k, KITH_RTP_EV_PACKET);
    kit_end(&k);
}
END_TEST

START_TEST(what_was_not_sent_says_no_bye)
{
    kit k = kit_new();
    kith_rtp_out *silent = kit_out(&k, KITH_RTP_VIDEO), *sent = kit_out(&k, KITH_RTP_AUDIO);
    kit_send(&k, sent, (kith_rtp_unit){.payload_type = OPUS});
    uint32_t ssrc = kith_rtp_out_ssrc(sent);
    ck_assert_str_eq(kit_rtcp(&k).parts, "SR:0 SDES:1");
    kith_rtp_remove_out(k.rtp, silent);
    ck_assert_str_eq(kit_rtcp(&k).parts, "");
    kit_push(&k, sent, (kith_rtp_unit){.payload_type = OPUS});
    kith_rtp_remove_out(k.rtp, sent);
    said s = kit_rtcp(&k);
    ck_assert_str_eq(s.parts, "RR:0 SDES:1 BYE:1");
    kith_rtcp_packet p = said_part(&s, KITH_RTCP_BYE);
    kith_reader r = kith_rd(p.body.data, p.body.len);
    ck_assert_uint_eq(kith_rd_u32(&r), ssrc);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("rtp: out", a_packet_is_composed_of_its_unit, extensions_go_where_they_were_agreed_on,
          the_send_time_is_when_a_packet_leaves,
          the_mid_is_on_every_packet_until_a_report_for_it_comes,
          a_picture_that_has_waited_for_a_second_gives_way, what_waits_gives_way_up_to_a_key_frame,
          what_gave_way_leaves_a_hole_only_where_no_key_frame_is_known,
          of_sound_what_has_waited_for_a_second_gives_way,
          the_longest_payload_fits_without_extensions, audio_leaves_before_video,
          the_queue_has_a_bound_and_what_is_over_it_stays_the_callers,
          doubled_packets_of_a_gateway_leave_once, an_ssrc_that_is_in_use_is_replaced,
          no_ssrc_is_drawn_twice, an_ssrc_of_theirs_that_ended_is_replaced,
          a_collision_before_the_announcement_is_silent,
          a_collision_later_is_told_and_the_old_source_says_bye, what_was_not_sent_says_no_bye)
