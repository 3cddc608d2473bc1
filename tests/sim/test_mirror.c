/* A forwarder between two that talk: LEFT sends frames, MIDDLE passes on the packets as it gets
 * them, to RIGHT, or back to LEFT. Sound and picture have different ways to go, and are in step
 * where they come out all the same. */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

/* MIDDLE has a peer connection with LEFT and one with RIGHT. */
enum { LEFT, MIDDLE, ONWARD, RIGHT, SIDES };

typedef struct side {
    struct call *call;
    struct side *peer;
    kith_pc *pc;
    kith_connection_state state;
} side;

typedef struct call {
    world *world;
    host *hosts[3];
    side sides[SIDES];
    kith_time until;
    /* a picture is sent so long after its capture, sound at once */
    kith_time encoding;
    /* MIDDLE keeps pictures for so long */
    kith_time holding;
    bool wants_key_frame;
    unsigned sent[2], came[2], dated[2];
    kith_time captured_at[2][2048];
    /* of the last second: how much later than true sound and picture are said to be captured */
    kith_time worst[2], error[2];
    unsigned undated_packets, dated_packets;
} call;

static void describe(side *from)
{
    OK(kith_pc_set_local_description(from->pc, NULL));
    OK(kith_pc_set_remote_description(from->peer->pc, kith_pc_local_description(from->pc)));
    if (kith_pc_signaling_state(from->peer->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(from->peer);
}

static void note_frame(call *c, kith_media_kind kind, const kith_frame *frame)
{
    const uint8_t *data = frame->data;
    size_t at = kind == KITH_AUDIO ? 1 : frame->is_key ? 10 : 3;
    unsigned n = (unsigned)(data[at] << 8 | data[at + 1]);
    c->came[kind]++;
    if (!frame->capture_known)
        return;
    c->dated[kind]++;
    kith_time error = frame->capture_time - c->captured_at[kind][n % 2048];
    c->error[kind] = error;
    error = error < 0 ? -error : error;
    /* what was told before the first reports is not stepped back from */
    if (c->dated[kind] > 200 && error > c->worst[kind])
        c->worst[kind] = error;
}

/* ---- what MIDDLE passes on ---- */

typedef struct held {
    call *call;
    kith_rtp packet;
    kith_media_kind kind;
    uint8_t payload[1500];
} held;

static void pass(void *user)
{
    held *h = user;
    kith_transceiver *t = kith_pc_transceiver_at(h->call->sides[ONWARD].pc, h->kind);
    kith_err err = kith_sender_send_rtp(kith_transceiver_sender(t), &h->packet);
    ck_assert(err == KITH_OK || err == KITH_ERR_AGAIN);
    free(h);
}

static void pass_on(call *c, kith_media_kind kind, const kith_rtp *packet)
{
    held *h = calloc(1, sizeof *h);
    ck_assert(h && packet->len <= sizeof h->payload);
    h->call = c;
    h->kind = kind;
    h->packet = *packet;
    memcpy(h->payload, packet->payload, packet->len);
    h->packet.payload = h->payload;
    h->packet.codec = NULL;
    h->packet.extension_count = h->packet.csrc_count = 0;
    c->dated_packets += packet->capture_known;
    c->undated_packets += !packet->capture_known;
    ck_assert(packet->capture_known || packet->capture_time == packet->received_at);
    ck_assert_int_le(packet->capture_time, packet->received_at);
    kith_time wait = kind == KITH_VIDEO ? c->holding : 0;
    world_at(c->world, world_now(c->world) + wait, pass, h);
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    call *c = user;
    side *s = &c->sides[LEFT];
    while (s->pc != ev->pc)
        s++;
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(s->peer->pc, &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        s->state = ev->connection_state;
        break;
    case KITH_EV_TRACK:
        OK(kith_receiver_set_mode(ev->receiver, s == &c->sides[RIGHT] ? KITH_RECEIVE_FRAMES
                                                                      : KITH_RECEIVE_PACKETS));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        if (s == &c->sides[LEFT])
            c->wants_key_frame = true;
        else
            kith_receiver_request_key_frame(
                kith_transceiver_receiver(kith_pc_transceiver_at(c->sides[MIDDLE].pc, KITH_VIDEO)));
        break;
    case KITH_EV_RTP:
        pass_on(c, kith_transceiver_kind(ev->transceiver), ev->rtp);
        break;
    case KITH_EV_FRAME:
        note_frame(c, kith_transceiver_kind(ev->transceiver), ev->frame);
        break;
    default:
        break;
    }
}

static void begin(call *c)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1", "203.0.113.1"};
    static const int host_of[] = {0, 1, 1, 2};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    for (int i = 0; i < 3; i++) {
        c->hosts[i] = world_add_host(c->world, ips[i], ips[i], NAT_NONE,
                                     (link_config){.delay = KITH_MS(20), .jitter = KITH_MS(3)});
        c->hosts[i]->on_event = on_event;
        c->hosts[i]->user = c;
    }
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.direction = KITH_DIRECTION_SENDONLY;
    for (int i = LEFT; i < SIDES; i++) {
        c->sides[i].call = c;
        c->sides[i].peer = &c->sides[i ^ 1];
        OK(kith_pc_new(&c->sides[i].pc, c->hosts[host_of[i]]->endpoint, NULL));
        for (kith_media_kind kind = KITH_AUDIO; i % 2 == 0 && kind <= KITH_VIDEO; kind++)
            OK(kith_pc_add_transceiver(c->sides[i].pc, kind, &init, NULL));
    }
    describe(&c->sides[LEFT]);
    describe(&c->sides[ONWARD]);
}

static bool is_connected(void *user)
{
    const call *c = user;
    unsigned connected = 0;
    for (int i = LEFT; i < SIDES; i++)
        connected += c->sides[i].state == KITH_CONNECTION_STATE_CONNECTED;
    return connected == SIDES;
}

static void send_frame(call *c, kith_media_kind kind, bool is_key)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    uint8_t data[800] = {31 << 3};
    size_t at = 1;
    if (kind == KITH_VIDEO) {
        at = is_key ? sizeof key : sizeof delta;
        memcpy(data, is_key ? key : delta, at);
    }
    data[at] = (uint8_t)(c->sent[kind] >> 8);
    data[at + 1] = (uint8_t)c->sent[kind];
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = data;
    frame.len = kind == KITH_VIDEO ? sizeof data : 60;
    frame.capture_time = world_now(c->world) - (kind == KITH_VIDEO ? c->encoding : 0);
    c->captured_at[kind][c->sent[kind] % 2048] = frame.capture_time;
    kith_transceiver *t = kith_pc_transceiver_at(c->sides[LEFT].pc, kind);
    c->sent[kind] += kith_sender_send_frame(kith_transceiver_sender(t), &frame) == KITH_OK;
}

static void send_audio(void *user)
{
    call *c = user;
    send_frame(c, KITH_AUDIO, true);
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + KITH_MS(20), send_audio, c);
}

static void send_video(void *user)
{
    call *c = user;
    send_frame(c, KITH_VIDEO, c->wants_key_frame);
    c->wants_key_frame = false;
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + KITH_MS(40), send_video, c);
}

/* Reports of MIDDLE that tied timestamps to when packets came to it, or left it, would tell RIGHT
 * of a picture 150 ms, or 330 ms, too late. What remains is what reports are delayed by, twice. */
START_TEST(sound_and_picture_are_in_step_behind_a_forwarder)
{
    static const kith_time delays[][2] = {
        {0, 0}, {KITH_MS(150), 0}, {0, KITH_MS(180)}, {KITH_MS(150), KITH_MS(180)}};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        static call c;
        begin(&c);
        c.encoding = delays[i][0];
        c.holding = delays[i][1];
        ck_assert(world_run(c.world, KITH_SECONDS(20), is_connected, &c));
        c.until = world_now(c.world) + KITH_SECONDS(30);
        send_audio(&c);
        send_video(&c);
        world_run(c.world, KITH_SECONDS(31), NULL, NULL);
        for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
            ck_assert_uint_gt(c.dated[kind], c.sent[kind] * 3 / 4);
            ck_assert_msg(c.worst[kind] <= KITH_MS(12), "case %zu: kind %d is off by %lld us", i,
                          kind, (long long)c.worst[kind]);
        }
        kith_time apart = c.error[KITH_VIDEO] - c.error[KITH_AUDIO];
        ck_assert_msg(apart >= -KITH_MS(5) && apart <= KITH_MS(5), "case %zu: %lld us apart", i,
                      (long long)apart);
        ck_assert_uint_gt(c.dated_packets, 8 * c.undated_packets);
        for (int n = LEFT; n < SIDES; n++)
            kith_pc_free(c.sides[n].pc);
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        world_free(c.world);
    }
}
END_TEST

UNIT_MAIN("sim: mirror", sound_and_picture_are_in_step_behind_a_forwarder)
