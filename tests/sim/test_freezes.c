/* A picture that a mirror sends back: through a path that loses, and over one that is too slow.
 *
 * Through a path that loses 5 % either way and takes 50 ms for
 * a round trip: how long it stands still, over many seeds. Each picture crosses the path twice.
 *
 * LEFT is a browser: it sends packet by packet, as one with a pacer does, and asks as libwebrtc
 * does, once, for what it sees to be missing. It shows a picture as soon as it is whole, which no
 * browser does: what its jitter buffer hides is not hidden here. */
#include <string.h>

#include "../unit/unit.h"
#include "pc/media.h"
#include "pc/pc.h"
#include "pc/streams.h"
#include "rtp/session.h"
#include "tcp.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

#define INTERVAL   KITH_MS(50)
#define LASTS      KITH_SECONDS(30)
#define FRAME      5000
#define KEY_FRAME  9000
#define ROUND_TRIP KITH_MS(50)
#define LOSS       0.05
/* libwebrtc's pacer: two and a half times of 800 kbit/s */
#define PACED_BPS 2000000

typedef struct side {
    struct call *call;
    host *host;
    kith_pc *pc;
    kith_connection_state state;
} side;

/* Freezes as webrtc-stats has them (freezeCount): a picture comes later after the one before than
 * three times the mean of 30, and than that and 150 ms. */
#define MEAN_OF 30

typedef struct shown {
    kith_time last, longest, frozen, times[MEAN_OF];
    unsigned count;
} shown;

typedef struct call {
    world *world;
    side sides[2];
    kith_time until;
    bool wants_key_frame;
    bool is_tcp;
    /* RIGHT takes frames, and sends those back */
    bool has_frames;
    kith_time came_at;
    kith_time began;
    unsigned sent, came, keys;
    /* the longest from capture to what is shown */
    kith_time delay;
    kith_time again_at;
    size_t again_len;
    shown shown;
} call;

static void show(shown *s, kith_time at)
{
    kith_time passed = at - s->last, mean = (at - s->times[s->count % MEAN_OF]) / MEAN_OF;
    bool is_freeze = passed > 3 * mean && passed > mean + KITH_MS(150);
    s->times[s->count++ % MEAN_OF] = s->last = at;
    if (s->count <= MEAN_OF + 1)
        return;
    s->frozen += is_freeze ? passed : 0;
    s->longest = passed > s->longest ? passed : s->longest;
}

/* It asks once for what it sees to be missing: neither does it guess nor say anything twice. */
static void be_a_browser(call *c)
{
    kith_rtp_session *s = kith_pc_transport(c->sides[LEFT].pc)->media->rtp;
    s->rtcp_debt = 200;
    KITH_RTP_EACH_IN(s, in)
        in->nack.spacing = KITH_MS(100);
}

/* And sends nothing again twice. */
static bool is_sent_once(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)path;
    call *c = user;
    kith_rtp_header header;
    if (!kith_rtp_parse_header(&header, kith_span_of(data, *len)))
        return true;
    kith_rtp_out *out =
        kith_rtp_find_out(kith_pc_transport(c->sides[LEFT].pc)->media->rtp, header.ssrc);
    if (!out || !out->repaired)
        return true;
    bool is_second = c->again_at == world_now(h->world) && c->again_len == *len;
    c->again_at = world_now(h->world);
    c->again_len = *len;
    return !is_second;
}

static void note(call *c, const kith_frame *frame)
{
    const uint8_t *number = (const uint8_t *)frame->data + (frame->is_key ? 10 : 3);
    kith_time now = world_now(c->world);
    kith_time delay = now - c->began - (number[0] << 8 | number[1]) * INTERVAL;
    if (!c->is_tcp)
        be_a_browser(c);
    c->came++;
    c->keys += frame->is_key;
    c->delay = delay > c->delay ? delay : c->delay;
    show(&c->shown, now);
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    side *s = user;
    call *c = s->call;
    bool is_left = s == &c->sides[LEFT];
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(c->sides[is_left ? RIGHT : LEFT].pc, &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        s->state = ev->connection_state;
        break;
    case KITH_EV_TRACK:
        if (is_left || c->has_frames)
            OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        if (is_left)
            c->wants_key_frame = true;
        else
            kith_receiver_request_key_frame(ev->receiver);
        break;
    case KITH_EV_FRAME:
        if (is_left)
            note(c, ev->frame);
        else
            (void)!kith_sender_send_frame(ev->sender, ev->frame);
        c->came_at = is_left ? c->came_at : world_now(c->world);
        break;
    case KITH_EV_RTP:
        (void)!kith_sender_send_rtp(ev->sender, ev->rtp);
        break;
    default:
        break;
    }
}

static void send_video(void *user)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    static uint8_t data[KEY_FRAME];
    call *c = user;
    kith_frame frame = KITH_FRAME_INIT;
    size_t at = c->wants_key_frame ? sizeof key : sizeof delta;
    memcpy(data, c->wants_key_frame ? key : delta, at);
    data[at] = (uint8_t)(c->sent >> 8);
    data[at + 1] = (uint8_t)c->sent;
    frame.data = data;
    frame.len = c->wants_key_frame ? KEY_FRAME : FRAME;
    kith_transceiver *t = kith_pc_transceiver_at(c->sides[LEFT].pc, 0);
    if (kith_sender_send_frame(kith_transceiver_sender(t), &frame) == KITH_OK)
        c->wants_key_frame = false;
    c->sent++;
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + INTERVAL, send_video, c);
}

static void describe(side *from)
{
    call *c = from->call;
    side *to = &c->sides[from == &c->sides[LEFT] ? RIGHT : LEFT];
    OK(kith_pc_set_local_description(from->pc, NULL));
    OK(kith_pc_set_remote_description(to->pc, kith_pc_local_description(from->pc)));
    if (kith_pc_signaling_state(to->pc) != KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        return;
    OK(kith_transceiver_set_direction(kith_pc_transceiver_at(to->pc, 0), KITH_DIRECTION_SENDRECV));
    describe(to);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void begin(call *c, uint64_t seed, bool is_tcp, bool has_frames)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(seed);
    c->is_tcp = is_tcp;
    c->has_frames = has_frames;
    for (int i = 0; i < 2; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->host = world_add_host(c->world, ips[i], ips[i], NAT_NONE,
                                 (link_config){.delay = ROUND_TRIP / 2});
        s->host->on_event = on_event;
        s->host->user = s;
        s->host->no_udp = is_tcp;
        ck_assert(!is_tcp || host_add_tcp(s->host, i == RIGHT ? 7000 : 0));
        OK(kith_pc_new(&s->pc, s->host->endpoint, NULL));
    }
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, KITH_VIDEO, NULL, NULL));
    describe(&c->sides[LEFT]);
    ck_assert(world_run(c->world, KITH_SECONDS(20), is_connected, c));
}

static void send_for(call *c, kith_time time)
{
    c->began = world_now(c->world);
    c->until = c->began + time;
    c->wants_key_frame = true;
    send_video(c);
}

static void finish(call *c)
{
    c->until = world_now(c->world);
    world_run(c->world, 2 * INTERVAL, NULL, NULL);
    for (int i = 0; i < 2; i++)
        kith_pc_free(c->sides[i].pc);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static void run(uint64_t seed, call *c)
{
    begin(c, seed, false, false);
    for (int i = 0; i < 2; i++)
        c->sides[i].host->link = (link_config){.delay = ROUND_TRIP / 2, .loss = LOSS};
    c->sides[LEFT].host->link.rate_bps = PACED_BPS;
    c->sides[LEFT].host->tap = is_sent_once;
    c->sides[LEFT].host->tap_user = c;
    send_for(c, LASTS);
    world_run(c->world, LASTS + KITH_SECONDS(2), NULL, NULL);
    finish(c);
}

/* As tests/interop/loss.mjs has it for a browser's picture through the path once. */
#define SEEDS       100
#define LONGEST     KITH_MS(300)
#define LONGEST_ALL KITH_MS(600)

START_TEST(a_mirrored_picture_hardly_stands_still)
{
    static call c;
    kith_time longest = 0, frozen = 0;
    unsigned above = 0;
    for (unsigned i = 0; i < SEEDS; i++) {
        run(i + 1, &c);
        ck_assert_uint_ge(c.came, c.sent * 97 / 100);
        longest += c.shown.longest / SEEDS;
        frozen += c.shown.frozen / SEEDS;
        above += c.shown.longest > LONGEST;
    }
    ck_assert_int_le(longest, LONGEST * 5 / 6);
    ck_assert_int_le(frozen, LONGEST_ALL);
    /* that a request, and the next one, are lost on both ways is chance */
    ck_assert_uint_le(above, SEEDS / 8);
}
END_TEST

/* A connection of half the rate that is sent, of who makes the frames or of who passes on packets:
 * what waits for a second gives way, and then a key frame is sent. Before it leaves what the system
 * has taken, and what is on its way at once (tcp.c), and a key frame that has begun. */
#define SLOW_BPS 400000
#define AHEAD    (2 * (TCP_BUFFER + 2 * KEY_FRAME))
#define LATEST   (KITH_SECONDS(1) + INTERVAL + AHEAD * 8000000 / SLOW_BPS + ROUND_TRIP)

START_TEST(over_a_slow_connection_a_picture_is_late_by_a_bound_and_comes_back)
{
    for (int slow = LEFT; slow <= RIGHT; slow++) {
        static call c;
        begin(&c, 1, true, false);
        c.sides[slow].host->link.rate_bps = SLOW_BPS;
        send_for(&c, KITH_SECONDS(60));
        world_run(c.world, KITH_SECONDS(30), NULL, NULL);
        ck_assert_uint_ge(c.came, c.sent / 5);
        ck_assert_uint_ge(c.keys, 3);
        ck_assert_int_le(c.delay, (kith_time)LATEST);
        c.sides[slow].host->link.rate_bps = 0;
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        unsigned came = c.came, sent = c.sent, keys = c.keys;
        c.delay = 0;
        world_run(c.world, KITH_SECONDS(20), NULL, NULL);
        ck_assert_uint_eq(c.came - came, c.sent - sent);
        ck_assert_uint_eq(c.keys, keys);
        ck_assert_int_le(c.delay, 2 * ROUND_TRIP);
        finish(&c);
    }
}
END_TEST

static bool drop(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path, (void)data, (void)len, (void)user;
    return false;
}

/* A picture is lost, and the key frame behind it waits for it for a while: no longer because
 * nothing can be said on the connection. Then nothing else comes that would show that it is time.
 */
START_TEST(what_is_received_does_not_wait_for_a_connection_that_takes_nothing)
{
    static call c;
    begin(&c, 1, true, true);
    send_for(&c, KITH_SECONDS(3));
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    c.sides[LEFT].host->tcp_stalls = true;
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    const kith_transport *t = kith_pc_transport(c.sides[RIGHT].pc);
    kith_path path;
    ck_assert(kith_ice_send_path(t->ice, &path) && kith_streams_is_full(t, &path));
    c.sides[LEFT].host->tap = drop;
    world_run(c.world, INTERVAL, NULL, NULL);
    c.sides[LEFT].host->tap = NULL;
    c.until = world_now(c.world);
    c.wants_key_frame = true;
    world_run(c.world, INTERVAL, NULL, NULL);
    kith_time sent_at = world_now(c.world);
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_int_gt(c.came_at, sent_at);
    ck_assert_int_le(c.came_at, sent_at + 3 * ROUND_TRIP + KITH_MS(101));
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: freezes", a_mirrored_picture_hardly_stands_still,
          over_a_slow_connection_a_picture_is_late_by_a_bound_and_comes_back,
          what_is_received_does_not_wait_for_a_connection_that_takes_nothing)
