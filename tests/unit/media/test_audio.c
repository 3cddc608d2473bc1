/* Audio in order, and what of it was lost. */
#include "kit.h"

typedef struct scene {
    kit k;
    kith_assembler *a;
    kith_assembler_event ev;
} scene;

static scene scene_new(void)
{
    scene s = {.k = kit_new()};
    s.a = kit_assembler(&s.k, false);
    return s;
}

static void scene_end(scene *s)
{
    kith_assembler_free(s->a);
    kit_end(&s->k);
}

/* 20 ms of Opus, `at` of them after the beginning. */
static void send_at(scene *s, int64_t number, uint32_t at)
{
    uint8_t packet[] = {31 << 3, (uint8_t)number};
    kith_assembler_input(s->a, s->k.now,
                         kit_packet(&s->k, number, 960 * at, false, (kith_span){packet, 2}),
                         KITH_MEDIA_OPUS);
}

static void send(scene *s, int64_t number)
{
    send_at(s, number, (uint32_t)number);
}

static void wait_for(scene *s, kith_time time)
{
    s->k.now += time;
    kith_assembler_tick(s->a, s->k.now);
}

static bool next(scene *s)
{
    bool is_more = kith_assembler_event_next(s->a, &s->ev);
    if (is_more)
        kith_block_unref(s->ev.frame);
    return is_more;
}

static void expect(scene *s, int64_t number, uint32_t lost_before)
{
    ck_assert_msg(next(s), "%d did not come", (int)number);
    ck_assert_int_eq(s->ev.type, KITH_ASSEMBLER_EV_FRAME);
    ck_assert_uint_eq(s->ev.frame->len, 2);
    ck_assert_uint_eq(s->ev.frame->lost_before, lost_before);
    ck_assert_int_eq(s->ev.frame->codec, KITH_MEDIA_OPUS);
}

START_TEST(in_order_a_packet_is_told_at_once)
{
    scene s = scene_new();
    for (int64_t n = 70; n < 90; n++) {
        send(&s, n);
        expect(&s, n, 0);
        ck_assert(!next(&s));
        wait_for(&s, KITH_MS(20));
    }
    scene_end(&s);
}
END_TEST

START_TEST(what_was_overtaken_comes_in_its_place)
{
    scene s = scene_new();
    send(&s, 1);
    expect(&s, 1, 0);
    send(&s, 3);
    send(&s, 4);
    ck_assert(!next(&s));
    send(&s, 2);
    expect(&s, 2, 0);
    expect(&s, 3, 0);
    expect(&s, 4, 0);
    ck_assert_int_eq(kith_assembler_deadline(s.a), KITH_NEVER);
    scene_end(&s);
}
END_TEST

START_TEST(a_hole_is_told_by_its_samples_when_a_player_would_wait_no_longer)
{
    scene s = scene_new();
    send(&s, 1);
    expect(&s, 1, 0);
    wait_for(&s, KITH_MS(60));
    send(&s, 4);
    ck_assert(!next(&s));
    kith_time until = kith_assembler_deadline(s.a);
    ck_assert_int_gt(until, s.k.now);
    ck_assert_int_le(until, s.k.now + KITH_MS(100));
    wait_for(&s, until - s.k.now - 1);
    ck_assert(!next(&s));
    wait_for(&s, 1);
    expect(&s, 4, 2 * 960);
    /* too late */
    send(&s, 3);
    ck_assert(!next(&s));
    ck_assert_uint_eq(kith_assembler_get_counters(s.a)->late, 1);
    send(&s, 5);
    expect(&s, 5, 0);
    scene_end(&s);
}
END_TEST

START_TEST(a_silence_is_no_loss)
{
    scene s = scene_new();
    send_at(&s, 1, 1);
    expect(&s, 1, 0);
    wait_for(&s, KITH_SECONDS(5));
    send_at(&s, 2, 251);
    expect(&s, 2, 0);
    /* but what is missing in one is */
    send_at(&s, 4, 400);
    wait_for(&s, KITH_MS(400));
    expect(&s, 4, 148 * 960);
    scene_end(&s);
}
END_TEST

START_TEST(padding_fills_its_number)
{
    scene s = scene_new();
    send(&s, 1);
    expect(&s, 1, 0);
    kith_assembler_input(s.a, s.k.now, kit_packet(&s.k, 2, 960, false, (kith_span){0}),
                         KITH_MEDIA_OPUS);
    send_at(&s, 3, 2);
    expect(&s, 3, 0);
    scene_end(&s);
}
END_TEST

START_TEST(a_long_outage_costs_no_more_than_itself)
{
    scene s = scene_new();
    send(&s, 1);
    expect(&s, 1, 0);
    wait_for(&s, KITH_SECONDS(45));
    send(&s, 2500);
    wait_for(&s, KITH_MS(400));
    expect(&s, 2500, 2498 * 960);
    send(&s, 2501);
    expect(&s, 2501, 0);
    scene_end(&s);
}
END_TEST

START_TEST(play_at_leaves_time_for_what_comes_late)
{
    scene s = scene_new();
    kith_time last = 0, began = s.k.now;
    for (int64_t n = 0; n < 500; n++) {
        /* one in ten is 90 ms late */
        s.k.now = began + KITH_MS(20) * n + (n % 10 == 9 ? KITH_MS(90) : 0);
        send(&s, n);
        while (next(&s)) {
            ck_assert_int_ge(s.ev.frame->play_at, last);
            last = s.ev.frame->play_at;
            ck_assert(n < 200 || last >= s.ev.frame->received_at);
            ck_assert(n < 200 || last <= began + KITH_MS(20) * n + KITH_MS(120));
        }
    }
    scene_end(&s);
}
END_TEST

UNIT_MAIN("media: audio", in_order_a_packet_is_told_at_once, what_was_overtaken_comes_in_its_place,
          a_hole_is_told_by_its_samples_when_a_player_would_wait_no_longer, a_silence_is_no_loss,
          padding_fills_its_number, a_long_outage_costs_no_more_than_itself,
          play_at_leaves_time_for_what_comes_late)
