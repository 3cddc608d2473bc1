/* The order of frames, holes, key frames: VP8 of a packet or two a frame. */
#include "kit.h"
#include "../../oom/oom.h"

typedef struct scene {
    kit k;
    kith_assembler *a;
    kith_assembler_event ev;
} scene;

static scene scene_new(void)
{
    scene s = {.k = kit_new()};
    s.a = kit_assembler(&s.k, true);
    return s;
}

static void scene_end(scene *s)
{
    kith_assembler_free(s->a);
    kit_end(&s->k);
}

#define KEY   true
#define DELTA false

/* A frame of `count` packets from `number` on, of which those in `lost` (a bit each) do not come.
 * Its timestamp is 3000 times `picture`. */
static void send_lossy(scene *s, int64_t number, int count, unsigned lost, uint32_t picture,
                       bool is_key)
{
    for (int i = 0; i < count; i++) {
        uint8_t key[] = {0x10, 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0, (uint8_t)picture};
        uint8_t delta[] = {0x10, 1, 0, 0, (uint8_t)picture}, rest[] = {0, (uint8_t)picture};
        kith_span payload = kith_span_of(key, sizeof key);
        if (!is_key)
            payload = kith_span_of(delta, sizeof delta);
        if (i > 0)
            payload = kith_span_of(rest, sizeof rest);
        if (!(lost >> i & 1))
            kith_assembler_input(
                s->a, s->k.now,
                kit_packet(&s->k, number + i, 3000 * picture, i == count - 1, payload),
                KITH_MEDIA_VP8);
    }
}

static void send(scene *s, int64_t number, int count, uint32_t picture, bool is_key)
{
    send_lossy(s, number, count, 0, picture, is_key);
}

static bool next(scene *s)
{
    bool is_more = kith_assembler_event_next(s->a, &s->ev);
    if (is_more && s->ev.type == KITH_ASSEMBLER_EV_FRAME)
        kith_block_unref(s->ev.frame);
    return is_more;
}

static void expect_frame(scene *s, uint32_t picture, uint32_t lost_before)
{
    do
        ck_assert_msg(next(s), "picture %u did not come", picture);
    while (s->ev.type == KITH_ASSEMBLER_EV_KEY_FRAME_CAME);
    ck_assert_int_eq(s->ev.type, KITH_ASSEMBLER_EV_FRAME);
    ck_assert_uint_eq(s->ev.frame->rtp_timestamp, 3000 * picture);
    ck_assert_uint_eq(s->ev.frame->lost_before, lost_before);
}

static void expect_need(scene *s)
{
    ck_assert(next(s));
    ck_assert_int_eq(s->ev.type, KITH_ASSEMBLER_EV_KEY_FRAME_NEEDED);
    ck_assert(!next(s));
}

static void expect_nothing(scene *s)
{
    while (next(s))
        ck_assert_int_eq(s->ev.type, KITH_ASSEMBLER_EV_KEY_FRAME_CAME);
}

static void wait_for(scene *s, kith_time time)
{
    s->k.now += time;
    kith_assembler_tick(s->a, s->k.now);
}

START_TEST(a_frame_comes_when_its_last_packet_did)
{
    scene s = scene_new();
    send_lossy(&s, 1, 3, 4, 1, KEY);
    expect_nothing(&s);
    wait_for(&s, KITH_MS(5));
    send_lossy(&s, 1, 3, 3, 1, KEY);
    expect_frame(&s, 1, 0);
    ck_assert(s.ev.frame->is_key);
    ck_assert_uint_eq(s.ev.frame->len, 11 + 1 + 1);
    send(&s, 4, 1, 2, DELTA);
    expect_frame(&s, 2, 0);
    ck_assert(!s.ev.frame->is_key);
    ck_assert_uint_eq(s.ev.frame->width, 64);
    ck_assert_uint_eq(s.ev.frame->height, 48);
    ck_assert(!next(&s));
    const kith_assembler_counters *counters = kith_assembler_get_counters(s.a);
    ck_assert_uint_eq(counters->frames, 2);
    ck_assert_uint_eq(counters->assembled_frames, 1);
    ck_assert_int_eq(counters->assembly_time, KITH_MS(5));
    ck_assert_uint_eq(counters->dropped_frames, 0);
    scene_end(&s);
}
END_TEST

START_TEST(without_a_marker_a_frame_ends_where_the_next_begins)
{
    scene s = scene_new();
    uint8_t key[] = {0x10, 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {0x10, 1, 0, 0};
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 1, 3000, false, (kith_span){key, 11}),
                         KITH_MEDIA_VP8);
    expect_nothing(&s);
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 2, 6000, false, (kith_span){delta, 4}),
                         KITH_MEDIA_VP8);
    expect_frame(&s, 1, 0);
    ck_assert(!next(&s));
    scene_end(&s);
}
END_TEST

START_TEST(a_key_frame_that_comes_first_is_not_asked_for)
{
    scene s = scene_new();
    send(&s, 1, 2, 1, KEY);
    ck_assert(next(&s));
    ck_assert_int_eq(s.ev.type, KITH_ASSEMBLER_EV_KEY_FRAME_CAME);
    expect_frame(&s, 1, 0);
    expect_nothing(&s);
    scene_end(&s);
}
END_TEST

START_TEST(whoever_comes_late_asks_for_a_key_frame_once)
{
    scene s = scene_new();
    send(&s, 100, 2, 1, DELTA);
    expect_need(&s);
    for (int i = 0; i < 50; i++) {
        send(&s, 102 + 2 * i, 2, 2 + (uint32_t)i, DELTA);
        wait_for(&s, KITH_MS(33));
        ck_assert(!next(&s));
    }
    send(&s, 202, 3, 60, KEY);
    expect_frame(&s, 60, 0);
    send(&s, 205, 1, 61, DELTA);
    expect_frame(&s, 61, 0);
    ck_assert_uint_eq(kith_assembler_get_counters(s.a)->dropped_frames, 51);
    scene_end(&s);
}
END_TEST

START_TEST(behind_a_loss_nothing_comes_until_a_key_frame)
{
    scene s = scene_new();
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    send_lossy(&s, 2, 3, 2, 2, DELTA);
    send(&s, 5, 1, 3, DELTA);
    expect_nothing(&s);
    /* it may have been overtaken */
    ck_assert_int_eq(kith_assembler_deadline(s.a), s.k.now + KITH_MS(60));
    wait_for(&s, KITH_MS(60));
    expect_need(&s);
    ck_assert_int_eq(kith_assembler_deadline(s.a), KITH_NEVER);
    send(&s, 6, 1, 4, DELTA);
    expect_nothing(&s);
    send(&s, 7, 2, 5, KEY);
    expect_frame(&s, 5, 1);
    send(&s, 9, 1, 6, DELTA);
    expect_frame(&s, 6, 0);
    /* the two of the torn frame, and those behind it */
    ck_assert_uint_eq(kith_assembler_get_counters(s.a)->dropped_packets, 4);
    ck_assert_uint_eq(kith_assembler_get_counters(s.a)->dropped_frames, 3);
    scene_end(&s);
}
END_TEST

START_TEST(a_packet_that_was_overtaken_fills_its_hole)
{
    scene s = scene_new();
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    send_lossy(&s, 2, 2, 1, 2, DELTA);
    send(&s, 4, 1, 3, DELTA);
    expect_nothing(&s);
    wait_for(&s, KITH_MS(59));
    expect_nothing(&s);
    send_lossy(&s, 2, 2, 2, 2, DELTA);
    expect_frame(&s, 2, 0);
    expect_frame(&s, 3, 0);
    ck_assert_int_eq(kith_assembler_deadline(s.a), KITH_NEVER);
    scene_end(&s);
}
END_TEST

START_TEST(with_repair_a_hole_is_waited_for_as_long_as_it_may_be_mended)
{
    scene s = scene_new();
    kith_assembler_set_repair(s.a, true, KITH_MS(50));
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    kith_time lost_at = s.k.now;
    send_lossy(&s, 2, 2, 1, 2, DELTA);
    expect_nothing(&s);
    /* from then on a key frame behind it would do */
    ck_assert_int_eq(kith_assembler_deadline(s.a), lost_at + KITH_MS(200));
    wait_for(&s, KITH_MS(200));
    expect_nothing(&s);
    ck_assert_int_eq(kith_assembler_deadline(s.a), lost_at + KITH_SECONDS(3));
    wait_for(&s, KITH_MS(2799));
    expect_nothing(&s);
    send_lossy(&s, 2, 2, 2, 2, DELTA);
    expect_frame(&s, 2, 0);
    send_lossy(&s, 4, 2, 1, 3, DELTA);
    wait_for(&s, KITH_SECONDS(3));
    expect_need(&s);
    scene_end(&s);
}
END_TEST

START_TEST(a_key_frame_behind_a_hole_is_jumped_to_when_repair_had_its_time)
{
    scene s = scene_new();
    kith_assembler_set_repair(s.a, true, KITH_MS(50));
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    send_lossy(&s, 2, 2, 1, 2, DELTA);
    send(&s, 4, 2, 3, KEY);
    send(&s, 6, 1, 4, DELTA);
    expect_nothing(&s);
    wait_for(&s, KITH_MS(199));
    expect_nothing(&s);
    wait_for(&s, KITH_MS(1));
    expect_frame(&s, 3, 1);
    expect_frame(&s, 4, 0);
    scene_end(&s);
}
END_TEST

START_TEST(a_key_frame_that_loses_a_packet_is_asked_for_again)
{
    scene s = scene_new();
    send(&s, 10, 1, 1, DELTA);
    expect_need(&s);
    send_lossy(&s, 11, 4, 4, 2, KEY);
    expect_nothing(&s);
    /* what is only not there yet is no hole */
    send_lossy(&s, 20, 4, 8, 3, KEY);
    wait_for(&s, KITH_MS(60));
    expect_nothing(&s);
    wait_for(&s, KITH_SECONDS(10));
    expect_nothing(&s);
    send_lossy(&s, 24, 2, 0, 4, DELTA);
    wait_for(&s, KITH_MS(60));
    expect_need(&s);
    send(&s, 26, 1, 5, KEY);
    expect_frame(&s, 5, 0);
    scene_end(&s);
}
END_TEST

START_TEST(padding_fills_its_number)
{
    scene s = scene_new();
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    for (int64_t n = 2; n < 5; n++)
        kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, n, 3000, false, (kith_span){0}),
                             KITH_MEDIA_VP8);
    send(&s, 5, 1, 2, DELTA);
    expect_frame(&s, 2, 0);
    /* in the middle of a frame too */
    send_lossy(&s, 6, 3, 2, 3, DELTA);
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 7, 6000, false, (kith_span){0}),
                         KITH_MEDIA_VP8);
    expect_frame(&s, 3, 0);
    scene_end(&s);
}
END_TEST

START_TEST(a_frame_that_is_none_costs_a_key_frame)
{
    scene s = scene_new();
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    /* a frame in a frame; a continuation without a beginning; a descriptor that is not whole */
    static const uint8_t bad[][2] = {{0x00, 1}, {0x80, 0x80}};
    for (int64_t i = 0; i < 2; i++) {
        kith_assembler_input(s.a, s.k.now,
                             kit_packet(&s.k, 2 + 2 * i, 30000, true, kith_span_of(bad[i], 2)),
                             KITH_MEDIA_VP8);
        expect_need(&s);
        send(&s, 3 + 2 * i, 1, 20 + (uint32_t)i, KEY);
        expect_frame(&s, 20 + (uint32_t)i, 1);
    }
    ck_assert_uint_eq(kith_assembler_get_counters(s.a)->malformed, 2);
    scene_end(&s);
}
END_TEST

START_TEST(parameter_sets_without_a_picture_to_begin_with_are_no_key_frame)
{
    scene s = scene_new();
    /* SPS, PPS and a slice that is not of an IDR picture: a stream that refreshes bit by bit */
    uint8_t refresh[] = {0x78, 0, 2, 0x67, 9, 0, 2, 0x68, 9, 0, 2, 0x41, 9}, idr[] = {0x65, 9};
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 1, 3000, true, (kith_span){refresh, 13}),
                         KITH_MEDIA_H264);
    ck_assert(next(&s));
    ck_assert_int_eq(s.ev.type, KITH_ASSEMBLER_EV_KEY_FRAME_CAME);
    expect_need(&s);
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 2, 6000, true, (kith_span){idr, 2}),
                         KITH_MEDIA_H264);
    expect_frame(&s, 2, 0);
    /* in order it is a frame like any other */
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 3, 9000, true, (kith_span){refresh, 13}),
                         KITH_MEDIA_H264);
    expect_frame(&s, 3, 0);
    scene_end(&s);
}
END_TEST

START_TEST(a_stream_without_key_frames_is_told_of_once)
{
    scene s = scene_new();
    /* each picture behind a delimiter */
    uint8_t delta[] = {0x78, 0, 2, 9, 0xf0, 0, 2, 0x41, 9};
    unsigned needs = 0;
    for (int64_t n = 1; n < 100; n++) {
        kith_assembler_input(s.a, s.k.now,
                             kit_packet(&s.k, n, 3000 * (uint32_t)n, true, (kith_span){delta, 9}),
                             KITH_MEDIA_H264);
        while (next(&s)) {
            ck_assert_int_eq(s.ev.type, KITH_ASSEMBLER_EV_KEY_FRAME_NEEDED);
            needs++;
        }
    }
    ck_assert_uint_eq(needs, 1);
    scene_end(&s);
}
END_TEST

START_TEST(another_source_begins_anew)
{
    scene s = scene_new();
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    uint8_t delta[] = {0x10, 1, 0, 0};
    kith_packet *packet = kit_packet(&s.k, 2, 12000, true, (kith_span){delta, sizeof delta});
    packet->begins_stream = true;
    kith_assembler_input(s.a, s.k.now, packet, KITH_MEDIA_VP8);
    expect_need(&s);
    send(&s, 3, 1, 5, KEY);
    expect_frame(&s, 5, 0);
    scene_end(&s);
}
END_TEST

START_TEST(numbers_and_timestamps_wrap)
{
    scene s = scene_new();
    uint32_t picture = UINT32_MAX / 3000 - 3;
    send(&s, 65533, 2, picture, KEY);
    expect_frame(&s, picture, 0);
    for (uint32_t i = 1; i < 10; i++) {
        send(&s, 65533 + 2 * i, 2, picture + i, DELTA);
        expect_frame(&s, picture + i, 0);
    }
    scene_end(&s);
}
END_TEST

START_TEST(a_frame_without_end_is_given_up)
{
    scene s = scene_new();
    send(&s, 1, 1, 1, KEY);
    expect_frame(&s, 1, 0);
    uint8_t rest[] = {0x00, 1}, delta[] = {0x10, 1, 0, 0};
    for (int64_t n = 2; n < 10000; n++) {
        kith_span payload = n == 2 ? (kith_span){delta, 4} : (kith_span){rest, 2};
        kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, n, 6000, false, payload),
                             KITH_MEDIA_VP8);
        while (next(&s))
            ck_assert_int_eq(s.ev.type, KITH_ASSEMBLER_EV_KEY_FRAME_NEEDED);
        /* and the one that just came */
        ck_assert_uint_le(kith_block_pool_count(s.k.pool), KITH_MEDIA_MAX_PACKETS + 1);
    }
    send(&s, 10000, 2, 7, KEY);
    expect_frame(&s, 7, 1);
    scene_end(&s);
}
END_TEST

START_TEST(while_nothing_can_be_decoded_little_is_kept)
{
    scene s = scene_new();
    for (int64_t n = 1; n < 3000; n++) {
        send(&s, n, 1, (uint32_t)n, DELTA);
        (void)next(&s);
    }
    ck_assert_uint_le(kith_block_pool_count(s.k.pool), 40);
    scene_end(&s);
}
END_TEST

static void play_without_memory(void *arg)
{
    (void)arg;
    kith_buffers *buffers = NULL;
    kith_block_pool *pool = NULL;
    kith_assembler *a = NULL;
    if (kith_buffers_new(&buffers) == KITH_OK &&
        kith_block_pool_new(&pool, KITH_PACKET_BLOCK, 100) == KITH_OK &&
        kith_assembler_new(&a, true, buffers) == KITH_OK) {
        scene s = {.k = {.buffers = buffers, .pool = pool, .now = KITH_SECONDS(9)}, .a = a};
        for (int64_t n = 1; n < 200; n += 2) {
            uint8_t key[] = {0x10, 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0};
            kith_packet *packet = kith_block_take(pool);
            if (!packet)
                continue;
            *packet = (kith_packet){.number = n,
                                    .header = {.timestamp = (uint32_t)n,
                                               .marker = true,
                                               .payload_at = 12,
                                               .payload_len = sizeof key}};
            memcpy(packet->data + 12, key, sizeof key);
            kith_assembler_input(a, s.k.now, packet, KITH_MEDIA_VP8);
            while (next(&s))
                continue;
            s.k.now += KITH_MS(100);
        }
        /* it recovers */
        ck_assert(oom.persistent || kith_assembler_get_counters(a)->frames > 90);
    }
    kith_assembler_free(a);
    kith_block_pool_free(pool);
    kith_buffers_free(buffers);
}

/* How long after it came a key frame of one packet is shown, which says `delay`, or nothing. */
static kith_time shown_after(scene *s, int64_t number, bool begins_stream,
                             const kith_rtp_playout_delay *delay)
{
    static const uint8_t key[] = {0x10, 0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0};
    s->k.now += KITH_MS(40);
    kith_packet *packet =
        kit_packet(&s->k, number, (uint32_t)number * 3600, true, kith_span_of(key, sizeof key));
    packet->begins_stream = begins_stream;
    packet->has_playout_delay = delay;
    if (delay)
        packet->playout_delay = *delay;
    kith_assembler_input(s->a, s->k.now, packet, KITH_MEDIA_VP8);
    do
        ck_assert(kith_assembler_event_next(s->a, &s->ev));
    while (s->ev.type != KITH_ASSEMBLER_EV_FRAME);
    kith_time after = s->ev.frame->play_at - s->ev.frame->received_at;
    bool has_latest = s->ev.frame->latest_play_at != KITH_NEVER;
    ck_assert_int_eq(has_latest, s->ev.frame->has_playout_delay);
    kith_block_unref(s->ev.frame);
    return after;
}

START_TEST(a_frame_is_shown_when_the_sender_said_last)
{
    scene s = scene_new();
    kith_time free = shown_after(&s, 1, true, NULL);
    ck_assert(free > KITH_MS(10) && free < KITH_MS(200));
    ck_assert_int_eq(shown_after(&s, 2, false, &(kith_rtp_playout_delay){0, KITH_MS(200)}), free);
    const kith_rtp_playout_delay late = {KITH_MS(200), KITH_MS(300)};
    ck_assert_int_eq(shown_after(&s, 3, false, &late), KITH_MS(200));
    ck_assert_int_eq(shown_after(&s, 4, false, NULL), KITH_MS(200));
    /* it does not step back, and so comes to 0 after as much time */
    const kith_rtp_playout_delay at_once = {0, 0};
    for (int64_t n = 5; n < 10; n++)
        (void)shown_after(&s, n, false, &at_once);
    ck_assert_int_eq(shown_after(&s, 10, false, NULL), 0);
    ck_assert_int_eq(shown_after(&s, 100, true, NULL), free);
    scene_end(&s);
}
END_TEST

START_TEST(without_memory_frames_are_lost_and_nothing_else)
{
    ck_assert_uint_gt(oom_sweep(play_without_memory, NULL), 5);
}
END_TEST

UNIT_MAIN("media: video", a_frame_comes_when_its_last_packet_did,
          without_a_marker_a_frame_ends_where_the_next_begins,
          a_key_frame_that_comes_first_is_not_asked_for,
          whoever_comes_late_asks_for_a_key_frame_once,
          behind_a_loss_nothing_comes_until_a_key_frame, a_packet_that_was_overtaken_fills_its_hole,
          with_repair_a_hole_is_waited_for_as_long_as_it_may_be_mended,
          a_key_frame_behind_a_hole_is_jumped_to_when_repair_had_its_time,
          a_key_frame_that_loses_a_packet_is_asked_for_again, padding_fills_its_number,
          a_frame_that_is_none_costs_a_key_frame,
          parameter_sets_without_a_picture_to_begin_with_are_no_key_frame,
          a_stream_without_key_frames_is_told_of_once, another_source_begins_anew,
          numbers_and_timestamps_wrap, a_frame_without_end_is_given_up,
          while_nothing_can_be_decoded_little_is_kept, a_frame_is_shown_when_the_sender_said_last,
          without_memory_frames_are_lost_and_nothing_else)
