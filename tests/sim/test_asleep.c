/* An application that does not ask for its events: it sleeps, or it comes late. What waits for it
 * is bounded, and when it wakes it gets what is fresh, beginning with a key frame. */
#include <string.h>

#include "../unit/unit.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

#define AUDIO_INTERVAL KITH_MS(20)
#define VIDEO_INTERVAL KITH_MS(40)
#define MAX_AGE        KITH_SECONDS(2)
#define MAX_BYTES      (2 * 1024 * 1024)

typedef struct call {
    world *world;
    host *hosts[2];
    kith_pc *pcs[2];
    kith_connection_state state;
    kith_receive_mode mode;
    bool is_over;
    /* of a picture, bytes */
    size_t size;
    bool wants_key_frame;
    unsigned requests, sent[2];
    /* RIGHT: frames, of which the number of the last, and what was told to be lost; and packets */
    unsigned came[2], last[2], lost[2], packets;
    /* the first of each kind since it woke, and all that was told at that moment */
    kith_time woke_at, oldest[2];
    bool is_first[2];
    size_t bytes;
} call;

static void describe(call *c, int from)
{
    OK(kith_pc_set_local_description(c->pcs[from], NULL));
    OK(kith_pc_set_remote_description(c->pcs[!from], kith_pc_local_description(c->pcs[from])));
    if (kith_pc_signaling_state(c->pcs[!from]) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(c, !from);
}

static void note_frame(call *c, kith_media_kind kind, const kith_frame *frame)
{
    const uint8_t *data = frame->data;
    size_t at = kind == KITH_AUDIO ? 1 : frame->is_key ? 10 : 3;
    unsigned n = (unsigned)(data[at] << 8 | data[at + 1]);
    bool follows = c->came[kind] > 0 && n == c->last[kind] + 1;
    if (kind == KITH_VIDEO) {
        ck_assert_msg(follows || frame->is_key, "picture %u after %u", n, c->last[kind]);
        ck_assert_int_eq(frame->lost_before, c->came[kind] > 0 && !follows);
    } else if (c->came[kind] > 0) {
        ck_assert_uint_eq(frame->lost_before, 960 * (n - c->last[kind] - 1));
    }
    c->lost[kind] += frame->lost_before;
    c->last[kind] = n;
    c->came[kind]++;
    if (!c->is_first[kind])
        c->oldest[kind] = frame->received_at;
    c->is_first[kind] = true;
    if (world_now(c->world) == c->woke_at && kind == KITH_VIDEO)
        c->bytes += frame->len;
}

static void note_packet(call *c, kith_media_kind kind, const kith_rtp *packet)
{
    ck_assert_int_eq(c->mode, KITH_RECEIVE_PACKETS);
    if (!c->is_first[kind])
        c->oldest[kind] = packet->received_at;
    c->is_first[kind] = true;
    if (world_now(c->world) == c->woke_at && kind == KITH_VIDEO)
        c->packets++;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    call *c = user;
    int side = h == c->hosts[RIGHT];
    kith_media_kind kind = ev->transceiver ? kith_transceiver_kind(ev->transceiver) : KITH_AUDIO;
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(c->pcs[!side], &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        c->state = side == LEFT ? ev->connection_state : c->state;
        break;
    case KITH_EV_TRACK:
        OK(kith_receiver_set_mode(ev->receiver, c->mode));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        c->wants_key_frame = true;
        c->requests++;
        break;
    case KITH_EV_FRAME:
        note_frame(c, kind, ev->frame);
        break;
    case KITH_EV_RTP:
        note_packet(c, kind, ev->rtp);
        break;
    default:
        break;
    }
}

static void send_frame(call *c, kith_media_kind kind, bool is_key)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    static uint8_t data[400000];
    size_t at = kind == KITH_AUDIO ? 1 : is_key ? sizeof key : sizeof delta;
    memcpy(data, kind == KITH_AUDIO ? (const uint8_t[]){31 << 3} : is_key ? key : delta, at);
    data[at] = (uint8_t)(c->sent[kind] >> 8);
    data[at + 1] = (uint8_t)c->sent[kind];
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = data;
    frame.len = kind == KITH_VIDEO ? c->size : 60;
    frame.capture_time = world_now(c->world);
    kith_transceiver *t = kith_pc_transceiver_at(c->pcs[LEFT], kind);
    c->sent[kind] += kith_sender_send_frame(kith_transceiver_sender(t), &frame) == KITH_OK;
}

static void send_audio(void *user)
{
    call *c = user;
    if (c->is_over)
        return;
    send_frame(c, KITH_AUDIO, true);
    world_at(c->world, world_now(c->world) + AUDIO_INTERVAL, send_audio, c);
}

static void send_video(void *user)
{
    call *c = user;
    if (c->is_over)
        return;
    send_frame(c, KITH_VIDEO, c->wants_key_frame);
    c->wants_key_frame = false;
    world_at(c->world, world_now(c->world) + VIDEO_INTERVAL, send_video, c);
}

static bool is_connected(void *user)
{
    return ((const call *)user)->state == KITH_CONNECTION_STATE_CONNECTED;
}

/* RIGHT may be asleep from the beginning. */
static void begin(call *c, kith_receive_mode mode, size_t size, bool is_asleep)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->mode = mode;
    c->size = size;
    c->world = world_new(1);
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.direction = KITH_DIRECTION_SENDONLY;
    for (int i = LEFT; i <= RIGHT; i++) {
        c->hosts[i] =
            world_add_host(c->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = KITH_MS(20)});
        c->hosts[i]->on_event = on_event;
        c->hosts[i]->user = c;
        OK(kith_pc_new(&c->pcs[i], c->hosts[i]->endpoint, NULL));
        if (i == LEFT)
            for (kith_media_kind kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++)
                OK(kith_pc_add_transceiver(c->pcs[i], kind, &init, NULL));
    }
    c->hosts[RIGHT]->slow = is_asleep;
    describe(c, LEFT);
    ck_assert(world_run(c->world, KITH_SECONDS(20), is_connected, c));
    send_audio(c);
    send_video(c);
}

static void sleep_for(call *c, kith_time time)
{
    c->hosts[RIGHT]->slow = true;
    world_run(c->world, time, NULL, NULL);
    c->hosts[RIGHT]->slow = false;
    c->woke_at = world_now(c->world);
    c->is_first[KITH_AUDIO] = c->is_first[KITH_VIDEO] = false;
    c->bytes = c->packets = 0;
}

static void finish(call *c)
{
    c->is_over = true;
    kith_pc_free(c->pcs[LEFT]);
    kith_pc_free(c->pcs[RIGHT]);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static int64_t dropped_frames(const call *c)
{
    kith_stats_report *report;
    const kith_stats *entry;
    int64_t dropped = -1;
    OK(kith_pc_get_stats(c->pcs[RIGHT], &report));
    for (size_t i = 0; (entry = kith_stats_report_at(report, i)); i++)
        if (entry->type == KITH_STATS_INBOUND_RTP && entry->inbound_rtp.frames_dropped >= 0)
            dropped = entry->inbound_rtp.frames_dropped;
    kith_stats_report_free(report);
    return dropped;
}

START_TEST(who_wakes_gets_what_is_fresh)
{
    static const kith_time sleeps[] = {KITH_MS(1500), KITH_MS(2100), KITH_MS(10000),
                                       KITH_MS(11500)};
    for (size_t i = 0; i < sizeof sleeps / sizeof sleeps[0]; i++) {
        static call c;
        begin(&c, KITH_RECEIVE_FRAMES, 1500, false);
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        unsigned requests = c.requests, came = c.came[KITH_VIDEO];
        sleep_for(&c, sleeps[i]);
        world_run(c.world, KITH_MS(300), NULL, NULL);
        for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
            ck_assert(c.is_first[kind]);
            ck_assert_int_ge(c.oldest[kind], c.woke_at - MAX_AGE - VIDEO_INTERVAL);
        }
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        ck_assert_uint_ge(c.came[KITH_VIDEO], came + 70);
        ck_assert_uint_ge(c.last[KITH_VIDEO], c.sent[KITH_VIDEO] - 2);
        /* no more often than it fills up */
        ck_assert_uint_eq(c.requests > requests, sleeps[i] > MAX_AGE);
        ck_assert_uint_le(c.requests - requests, (unsigned)(sleeps[i] / MAX_AGE));
        ck_assert_int_eq(dropped_frames(&c), c.last[KITH_VIDEO] + 1 - c.came[KITH_VIDEO]);
        ck_assert_uint_eq(c.lost[KITH_AUDIO] / 960, c.last[KITH_AUDIO] + 1 - c.came[KITH_AUDIO]);
        finish(&c);
    }
}
END_TEST

/* Of large pictures two seconds would be 10 MB, of larger ones each is more than what may wait. */
START_TEST(what_waits_is_bounded_in_bytes)
{
    static const size_t sizes[] = {20000, 200000, 400000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static call c;
        begin(&c, KITH_RECEIVE_FRAMES, sizes[i], false);
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        sleep_for(&c, KITH_SECONDS(4));
        world_run(c.world, 0, NULL, NULL);
        ck_assert_uint_le(c.bytes, MAX_BYTES);
        world_run(c.world, KITH_SECONDS(1), NULL, NULL);
        ck_assert_uint_ge(c.last[KITH_VIDEO], c.sent[KITH_VIDEO] - 2);
        finish(&c);
    }
}
END_TEST

START_TEST(packets_too_are_the_newest_and_bounded)
{
    static call c;
    begin(&c, KITH_RECEIVE_PACKETS, 1000, false);
    world_run(c.world, KITH_SECONDS(3), NULL, NULL);
    sleep_for(&c, KITH_SECONDS(10));
    world_run(c.world, 1, NULL, NULL);
    ck_assert_int_ge(c.oldest[KITH_VIDEO], c.woke_at - MAX_AGE - VIDEO_INTERVAL);
    ck_assert_int_le(c.oldest[KITH_VIDEO], c.woke_at - MAX_AGE + 2 * VIDEO_INTERVAL);
    ck_assert_int_ge(c.oldest[KITH_AUDIO], c.woke_at - MAX_AGE - VIDEO_INTERVAL);
    finish(&c);
    begin(&c, KITH_RECEIVE_PACKETS, 100000, false);
    world_run(c.world, KITH_SECONDS(3), NULL, NULL);
    sleep_for(&c, KITH_SECONDS(10));
    world_run(c.world, 1, NULL, NULL);
    ck_assert_uint_gt(c.packets, MAX_BYTES / 2500);
    ck_assert_uint_le(c.packets, MAX_BYTES / 2000);
    finish(&c);
}
END_TEST

/* What came before its application knew of the track is told as frames, from the first on; and what
 * was dropped meanwhile ends in a key frame. */
START_TEST(what_came_before_the_track_was_told_is_told_as_frames)
{
    static call c;
    begin(&c, KITH_RECEIVE_FRAMES, 1500, true);
    sleep_for(&c, KITH_MS(1500));
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        ck_assert_uint_eq(c.lost[kind], 0);
        ck_assert_uint_ge(c.came[kind], c.sent[kind] - 2);
        ck_assert_uint_eq(c.came[kind], c.last[kind] + 1);
    }
    ck_assert_uint_eq(c.requests, 1);
    finish(&c);
    begin(&c, KITH_RECEIVE_FRAMES, 1500, true);
    sleep_for(&c, KITH_SECONDS(5));
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_uint_eq(c.requests, 2);
    ck_assert_uint_ge(c.came[KITH_VIDEO], 45);
    ck_assert_uint_ge(c.last[KITH_VIDEO], c.sent[KITH_VIDEO] - 2);
    ck_assert_int_ge(c.oldest[KITH_AUDIO], c.woke_at - MAX_AGE - VIDEO_INTERVAL);
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: asleep", who_wakes_gets_what_is_fresh, what_waits_is_bounded_in_bytes,
          packets_too_are_the_newest_and_bounded,
          what_came_before_the_track_was_told_is_told_as_frames)
