/* An encoder that makes as many bits as it is told to, on links that carry more, or less, or lose
 * some whatever it does. No side tells the other what the path carries: reports alone say it. */
#include <string.h>

#include "../unit/unit.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

#define VIDEO_INTERVAL KITH_MS(40)

typedef struct call {
    world *world;
    host *hosts[2];
    kith_pc *pcs[2];
    kith_connection_state states[2];
    bool is_over, wants_key_frame;
    kith_time audio_sent_at;
    /* told since it began, the last, and the most and the least since `since` */
    unsigned told;
    uint64_t target, most, least;
    /* RIGHT: bytes of video since `since` */
    kith_time since;
    uint64_t bytes;
    /* sound: sent, and how many came how late at most */
    unsigned sound_sent, sound_came;
    kith_time latest_sound;
    /* what a picture has, and every 75th, in place of the target; 0: the target */
    size_t size, key_size;
    unsigned pictures;
} call;

static void describe(call *c, int from)
{
    OK(kith_pc_set_local_description(c->pcs[from], NULL));
    OK(kith_pc_set_remote_description(c->pcs[!from], kith_pc_local_description(c->pcs[from])));
    if (kith_pc_signaling_state(c->pcs[!from]) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(c, !from);
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    call *c = user;
    int side = h == c->hosts[RIGHT];
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(c->pcs[!side], &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        c->states[side] = ev->connection_state;
        break;
    case KITH_EV_TRACK:
        OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        c->wants_key_frame = true;
        break;
    case KITH_EV_TARGET_BITRATE:
        c->told++;
        c->target = kith_sender_target_bitrate(ev->sender);
        c->most = c->target > c->most ? c->target : c->most;
        c->least = c->target < c->least ? c->target : c->least;
        break;
    case KITH_EV_FRAME:
        if (kith_transceiver_kind(ev->transceiver) == KITH_AUDIO) {
            kith_time late = ev->frame->received_at - ev->frame->capture_time;
            c->sound_came++;
            c->latest_sound = late > c->latest_sound ? late : c->latest_sound;
            break;
        }
        c->bytes += ev->frame->len;
        break;
    default:
        break;
    }
}

static void send_video(void *user)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    static uint8_t data[1000000];
    call *c = user;
    if (c->is_over)
        return;
    kith_frame frame = KITH_FRAME_INIT;
    memcpy(data, c->wants_key_frame ? key : delta, c->wants_key_frame ? sizeof key : sizeof delta);
    c->wants_key_frame = false;
    frame.data = data;
    /* less what headers take */
    frame.len = (size_t)(c->target / 8 * 94 / 100 / 25) + 20;
    if (c->size > 0)
        frame.len = c->pictures++ % 75 == 74 ? c->key_size : c->size;
    frame.capture_time = world_now(c->world);
    kith_transceiver *t = kith_pc_transceiver_at(c->pcs[LEFT], 0);
    (void)!kith_sender_send_frame(kith_transceiver_sender(t), &frame);
    world_at(c->world, world_now(c->world) + VIDEO_INTERVAL, send_video, c);
}

static void send_sound(void *user)
{
    static uint8_t data[80] = {31 << 3};
    call *c = user;
    if (c->is_over)
        return;
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = data;
    frame.len = sizeof data;
    frame.capture_time = world_now(c->world);
    kith_transceiver *t = kith_pc_transceiver_at(c->pcs[LEFT], 1);
    c->sound_sent += kith_sender_send_frame(kith_transceiver_sender(t), &frame) == KITH_OK;
    world_at(c->world, world_now(c->world) + KITH_MS(20), send_sound, c);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->states[LEFT] == KITH_CONNECTION_STATE_CONNECTED &&
           c->states[RIGHT] == KITH_CONNECTION_STATE_CONNECTED;
}

static void begin_with(call *c, link_config link, bool has_sound)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.direction = KITH_DIRECTION_SENDONLY;
    for (int i = LEFT; i <= RIGHT; i++) {
        c->hosts[i] = world_add_host(c->world, ips[i], ips[i], NAT_NONE, link);
        c->hosts[i]->on_event = on_event;
        c->hosts[i]->user = c;
        OK(kith_pc_new(&c->pcs[i], c->hosts[i]->endpoint, NULL));
    }
    OK(kith_pc_add_transceiver(c->pcs[LEFT], KITH_VIDEO, &init, NULL));
    if (has_sound)
        OK(kith_pc_add_transceiver(c->pcs[LEFT], KITH_AUDIO, &init, NULL));
    describe(c, LEFT);
    ck_assert(world_run(c->world, KITH_SECONDS(20), is_connected, c));
}

static void begin(call *c, link_config link)
{
    begin_with(c, link, false);
    ck_assert_uint_eq(c->target, 300000);
    send_video(c);
}

/* The rate that came to RIGHT. */
static uint64_t run(call *c, kith_time time)
{
    c->bytes = c->most = 0;
    c->least = UINT64_MAX;
    world_run(c->world, time, NULL, NULL);
    return c->bytes * 8 * 1000000 / (uint64_t)time;
}

static void finish(call *c)
{
    c->is_over = true;
    kith_pc_free(c->pcs[LEFT]);
    kith_pc_free(c->pcs[RIGHT]);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static void set_link(call *c, uint64_t rate_bps, double loss)
{
    c->hosts[LEFT]->link.rate_bps = rate_bps;
    c->hosts[LEFT]->link.queue_bytes = (size_t)(rate_bps / 8 / 4);
    c->hosts[LEFT]->link.loss = loss;
}

START_TEST(on_a_link_that_carries_all_the_rate_grows_soon)
{
    static call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    run(&c, KITH_SECONDS(15));
    ck_assert_uint_gt(c.target, 5000000);
    finish(&c);
}
END_TEST

/* A quarter of a second waits before the link, and what is more is lost. */
START_TEST(a_link_that_carries_little_is_found_and_used)
{
    static call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    set_link(&c, 1000000, 0);
    run(&c, KITH_SECONDS(20));
    uint64_t came = run(&c, KITH_SECONDS(60));
    ck_assert_msg(came > 600000 && came < 1000000, "%llu bit/s", (unsigned long long)came);
    ck_assert_uint_lt(c.most, 1500000);
    ck_assert_uint_gt(c.least, 400000);
    set_link(&c, 400000, 0);
    run(&c, KITH_SECONDS(20));
    came = run(&c, KITH_SECONDS(40));
    ck_assert_msg(came > 200000 && came < 400000, "%llu bit/s", (unsigned long long)came);
    ck_assert_uint_lt(c.most, 700000);
    set_link(&c, 2000000, 0);
    run(&c, KITH_SECONDS(40));
    ck_assert_uint_gt(c.most, 1200000);
    finish(&c);
}
END_TEST

START_TEST(little_loss_lets_it_grow_some_holds_it_and_much_lowers_it)
{
    static const struct {
        double loss;
        uint64_t least, most;
    } cases[] = {{0.005, 600000, UINT64_MAX}, {0.05, 150000, 700000}, {0.2, 5000, 200000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static call c;
        begin(&c, (link_config){.delay = KITH_MS(20)});
        set_link(&c, 0, cases[i].loss);
        run(&c, KITH_SECONDS(20));
        ck_assert_msg(c.target >= cases[i].least && c.target <= cases[i].most, "%.3f: %llu bit/s",
                      cases[i].loss, (unsigned long long)c.target);
        finish(&c);
    }
}
END_TEST

/* The link carries four times what is sent on average, and 33 ms of it may wait before it. A
 * key frame of 60 kB at once would fill that ten times over, and what is lost then is sound, too.
 */
START_TEST(sound_comes_in_time_beside_key_frames)
{
    static call c;
    begin_with(&c, (link_config){.delay = KITH_MS(20)}, true);
    c.size = 2500;
    c.key_size = 60000;
    send_video(&c);
    send_sound(&c);
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    c.hosts[LEFT]->link.rate_bps = 4000000;
    c.hosts[LEFT]->link.queue_bytes = 16384;
    uint64_t lost = c.hosts[LEFT]->packets_lost;
    c.latest_sound = 0;
    run(&c, KITH_SECONDS(30));
    ck_assert_uint_eq(c.hosts[LEFT]->packets_lost, lost);
    ck_assert_uint_ge(c.sound_came + 3, c.sound_sent);
    ck_assert_msg(c.latest_sound <= KITH_MS(20 + 35), "%lld us", (long long)c.latest_sound);
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: rate", sound_comes_in_time_beside_key_frames,
          on_a_link_that_carries_all_the_rate_grows_soon,
          a_link_that_carries_little_is_found_and_used,
          little_loss_lets_it_grow_some_holds_it_and_much_lowers_it)
