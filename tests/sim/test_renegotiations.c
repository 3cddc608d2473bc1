/* A hundred renegotiations of a call in a seeded order: sections are added, turned and stopped, ICE
 * restarts, either side offers. Each sender sends numbered frames all the while, and a receiver
 * gets each of them but for those of the sections that a round changed. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "pc/media.h"
#include "pc/pc.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

#define ROUNDS       100
#define MAX_SECTIONS 6
/* of frames, and of a round, long enough for an ICE restart */
#define INTERVAL KITH_MS(20)
#define ROUND    KITH_MS(800)

/* A transceiver's stream, at both of its ends; kith_transceiver_user. */
typedef struct stream {
    uint16_t next;
    bool is_key_wanted;
    /* of the peer's frames here: the last, and how many were missing since the last round */
    uint16_t last;
    bool has_last;
    unsigned came, missing;
} stream;

typedef struct side {
    struct call *call;
    host *host;
    kith_pc *pc;
    kith_connection_state state;
} side;

typedef struct call {
    world *world;
    side sides[2];
    uint64_t random;
    kith_time until;
} call;

static stream *stream_of(kith_transceiver *t)
{
    stream *s = kith_transceiver_user(t);
    if (!s) {
        s = calloc(1, sizeof *s);
        s->is_key_wanted = true;
        kith_transceiver_set_user(t, s);
    }
    return s;
}

static side *other_of(side *s)
{
    return &s->call->sides[s == &s->call->sides[LEFT] ? RIGHT : LEFT];
}

static void receive_frames(kith_transceiver *t)
{
    OK(kith_receiver_set_mode(kith_transceiver_receiver(t), KITH_RECEIVE_FRAMES));
}

/* Whatever is offered is answered both ways. */
static void describe(side *from)
{
    side *to = other_of(from);
    OK(kith_pc_set_local_description(from->pc, NULL));
    OK(kith_pc_set_remote_description(to->pc, kith_pc_local_description(from->pc)));
    if (kith_pc_signaling_state(to->pc) != KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        return;
    for (size_t i = 0; i < kith_pc_transceiver_count(to->pc); i++) {
        kith_transceiver *t = kith_pc_transceiver_at(to->pc, i);
        if (kith_transceiver_current_direction(t) == KITH_DIRECTION_NONE) {
            OK(kith_transceiver_set_direction(t, KITH_DIRECTION_SENDRECV));
            receive_frames(t);
        }
    }
    describe(to);
}

static void send_frame(kith_transceiver *t)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    uint8_t data[600] = {31 << 3}; /* 20 ms of Opus */
    stream *s = stream_of(t);
    kith_frame frame = KITH_FRAME_INIT;
    size_t at = 1;
    if (kith_transceiver_kind(t) == KITH_VIDEO) {
        at = s->is_key_wanted ? sizeof key : sizeof delta;
        memcpy(data, s->is_key_wanted ? key : delta, at);
    }
    data[at] = (uint8_t)(s->next >> 8);
    data[at + 1] = (uint8_t)s->next;
    frame.data = data;
    frame.len = kith_transceiver_kind(t) == KITH_VIDEO ? 600 : 60;
    kith_err err = kith_sender_send_frame(kith_transceiver_sender(t), &frame);
    ck_assert(err == KITH_OK || err == KITH_ERR_AGAIN || err == KITH_ERR_INVALID_STATE);
    if (err != KITH_OK)
        return;
    s->next++;
    s->is_key_wanted = false;
}

static void send_all(void *user)
{
    call *c = user;
    for (int i = LEFT; i <= RIGHT; i++)
        for (size_t j = 0; j < kith_pc_transceiver_count(c->sides[i].pc); j++)
            send_frame(kith_pc_transceiver_at(c->sides[i].pc, j));
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + INTERVAL, send_all, c);
}

static void note(kith_transceiver *t, const kith_frame *frame)
{
    stream *s = stream_of(t);
    const uint8_t *data = frame->data;
    size_t at = kith_transceiver_kind(t) == KITH_AUDIO ? 1 : frame->is_key ? 10 : 3;
    uint16_t number = (uint16_t)(data[at] << 8 | data[at + 1]);
    if (s->has_last)
        s->missing += (uint16_t)(number - s->last - 1);
    s->last = number;
    s->has_last = true;
    s->came++;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    side *s = user;
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(other_of(s)->pc, &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        s->state = ev->connection_state;
        break;
    case KITH_EV_TRACK_ENDED:
        free(kith_transceiver_user(ev->transceiver));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        stream_of(ev->transceiver)->is_key_wanted = true;
        break;
    case KITH_EV_FRAME:
        note(ev->transceiver, ev->frame);
        break;
    default:
        break;
    }
}

static void add(side *s, kith_media_kind kind)
{
    kith_transceiver *t = NULL;
    OK(kith_pc_add_transceiver(s->pc, kind, NULL, &t));
    stream_of(t);
    receive_frames(t);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void begin(call *c, uint64_t seed)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->random = seed;
    c->world = world_new(seed);
    for (int i = 0; i < 2; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->host =
            world_add_host(c->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = KITH_MS(20)});
        s->host->on_event = on_event;
        s->host->user = s;
        OK(kith_pc_new(&s->pc, s->host->endpoint, NULL));
    }
    add(&c->sides[LEFT], KITH_AUDIO);
    add(&c->sides[LEFT], KITH_VIDEO);
    describe(&c->sides[LEFT]);
    ck_assert(world_run(c->world, KITH_SECONDS(20), is_connected, c));
}

static void finish(call *c)
{
    for (int i = 0; i < 2; i++) {
        for (size_t j = 0; j < kith_pc_transceiver_count(c->sides[i].pc); j++)
            free(kith_transceiver_user(kith_pc_transceiver_at(c->sides[i].pc, j)));
        kith_pc_free(c->sides[i].pc);
    }
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

/* The transceiver of the same section at the other side, or NULL. */
static kith_transceiver *partner_of(side *s, kith_transceiver *t)
{
    const char *mid = kith_transceiver_mid(t);
    kith_pc *pc = other_of(s)->pc;
    for (size_t i = 0; mid && i < kith_pc_transceiver_count(pc); i++) {
        const char *its = kith_transceiver_mid(kith_pc_transceiver_at(pc, i));
        if (its && strcmp(its, mid) == 0)
            return kith_pc_transceiver_at(pc, i);
    }
    return NULL;
}

/* What a round does to one section; the frames of that one do not count in it. NULL: to none. */
static kith_transceiver *change(side *s)
{
    call *c = s->call;
    size_t count = kith_pc_transceiver_count(s->pc);
    kith_transceiver *t =
        count > 2 ? kith_pc_transceiver_at(s->pc, 2 + next_random(&c->random) % (count - 2)) : NULL;
    switch (next_random(&c->random) % 5) {
    case 0:
        kith_pc_restart_ice(s->pc);
        return NULL;
    case 1:
        if (t)
            OK(kith_transceiver_stop(t));
        return t;
    case 2:
        if (t)
            OK(kith_transceiver_set_direction(t, next_random(&c->random) % 4));
        return t;
    default:
        if (count < MAX_SECTIONS)
            add(s, next_random(&c->random) % 2 ? KITH_AUDIO : KITH_VIDEO);
        return NULL;
    }
}

static unsigned sections_of(const char *sdp)
{
    unsigned count = 0;
    for (const char *at = sdp; (at = strstr(at, "\r\nm=")); at++)
        count++;
    return count;
}

/* Nothing is missing where nothing was changed. */
static void check_frames(call *c, kith_transceiver *changed, kith_transceiver *its_partner,
                         int round)
{
    for (int i = LEFT; i <= RIGHT; i++)
        for (size_t j = 0; j < kith_pc_transceiver_count(c->sides[i].pc); j++) {
            kith_transceiver *t = kith_pc_transceiver_at(c->sides[i].pc, j);
            stream *s = stream_of(t);
            bool is_exempt = t == changed || t == its_partner;
            ck_assert_msg(is_exempt || s->missing == 0,
                          "round %d, seed %llu, side %d: section %s "
                          "lost %u frames",
                          round, (unsigned long long)world_seed(c->world), i,
                          kith_transceiver_mid(t), s->missing);
            if (j < 2)
                ck_assert_uint_ge(s->came, (unsigned)(ROUND / INTERVAL));
            s->missing = s->came = 0;
            s->has_last &= !is_exempt;
        }
}

static void play_round(call *c, int round)
{
    side *s = &c->sides[next_random(&c->random) % 2];
    c->until = world_now(c->world) + ROUND;
    send_all(c);
    world_run(c->world, KITH_MS(100), NULL, NULL);
    kith_transceiver *changed = change(s);
    kith_transceiver *partner = changed ? partner_of(s, changed) : NULL;
    if (kith_pc_negotiation_needed(s->pc))
        describe(s);
    /* A peer that lets more come, as the answer now allows, or that was asked to stop. */
    if (kith_pc_negotiation_needed(other_of(s)->pc))
        describe(other_of(s));
    world_run(c->world, ROUND + KITH_MS(200), NULL, NULL);
    check_frames(c, changed, partner, round);
}

START_TEST(a_hundred_renegotiations_cost_the_other_sections_no_frame)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        call c;
        begin(&c, seed);
        unsigned most = 2;
        for (int round = 1; round <= ROUNDS; round++) {
            play_round(&c, round);
            unsigned used = (unsigned)kith_pc_transceiver_count(c.sides[LEFT].pc);
            most = used > most ? used : most;
            /* Places are used again: one more only while a stopped one was yet to be rejected. */
            ck_assert_uint_le(sections_of(kith_pc_local_description(c.sides[LEFT].pc)->sdp),
                              most + 1);
        }
        finish(&c);
    }
}
END_TEST

/* How many frames came on the third section of the side. */
static unsigned came_on_third(const side *s)
{
    return stream_of(kith_pc_transceiver_at(s->pc, 2))->came;
}

/* A section comes and goes, with frames on it both ways. */
static void come_and_go(call *c)
{
    side *left = &c->sides[LEFT];
    c->until = world_now(c->world) + KITH_MS(400);
    send_all(c);
    add(left, KITH_VIDEO);
    describe(left);
    world_run(c->world, KITH_MS(300), NULL, NULL);
    ck_assert_uint_gt(came_on_third(&c->sides[LEFT]), 0);
    ck_assert_uint_gt(came_on_third(&c->sides[RIGHT]), 0);
    OK(kith_transceiver_stop(kith_pc_transceiver_at(left->pc, 2)));
    describe(left);
    world_run(c->world, KITH_SECONDS(8), NULL, NULL);
}

/* What kith holds: the C library's own caches are not in it. */
static size_t held, blocks_held;

static void *counted(void *memory)
{
    held += malloc_usable_size(memory);
    blocks_held++;
    return memory;
}

static void *hold(size_t size, void *user)
{
    (void)user;
    return counted(malloc(size));
}

static void release(void *memory, void *user)
{
    (void)user;
    held -= malloc_usable_size(memory);
    blocks_held -= !!memory;
    free(memory);
}

static void *resize(void *memory, size_t size, void *user)
{
    void *grown = hold(size, user);
    size_t len = malloc_usable_size(memory);
    if (memory)
        memcpy(grown, memory, len < size ? len : size);
    release(memory, user);
    return grown;
}

/* What SRTP may not forget, at both peers: 16 bytes of each of the last 1024 SSRCs that came (their
 * indices), 4 of each that left (none is sent with again, RFC 3711 section 9.1); tables double. */
#define REMEMBERED(count) ((size_t)(2 * (count) * (16 + 4) + 256))

/* 256 SSRCs can be encrypted at a time. */
START_TEST(a_thousand_sections_that_came_and_went_leave_no_memory_behind)
{
    call c;
    kith_set_allocator(&(kith_allocator){hold, resize, release, NULL});
    begin(&c, 1);
    for (int i = 0; i < 10; i++)
        come_and_go(&c);
    size_t tenth = held, blocks = blocks_held;
    size_t len = strlen(kith_pc_local_description(c.sides[LEFT].pc)->sdp);
    for (int i = 10; i < 1000; i++) {
        come_and_go(&c);
        if (i == 99)
            ck_assert_uint_le(held, tenth + REMEMBERED(128));
    }
    ck_assert_uint_le(held, tenth + REMEMBERED(1024));
    ck_assert_uint_le(blocks_held, blocks);
    /* numbers grow by digits: o= versions and candidates' foundations */
    ck_assert_uint_le(strlen(kith_pc_local_description(c.sides[LEFT].pc)->sdp), len + 16);
    finish(&c);
    kith_set_allocator(NULL);
}
END_TEST

static kith_rtp_in_info stream_at(side *s)
{
    kith_rtp_in_info info;
    ck_assert(kith_rtp_in_at(kith_pc_transport(s->pc)->media->rtp, 0, &info));
    ck_assert_int_eq(info.kind, KITH_RTP_AUDIO);
    return info;
}

static void turn(call *c, kith_direction direction)
{
    side *left = &c->sides[LEFT];
    OK(kith_transceiver_set_direction(kith_pc_transceiver_at(left->pc, 0), direction));
    describe(left);
    c->until = world_now(c->world) + KITH_MS(500);
    send_all(c);
    world_run(c->world, KITH_SECONDS(1), NULL, NULL);
}

/* RFC 3550 section 6.6. Its numbers go on, so that no index of SRTP is used twice: browsers keep
 * the SSRC of a sender too. */
START_TEST(what_stops_sending_says_bye_and_sends_on_with_its_ssrc)
{
    call c;
    begin(&c, 7);
    side *right = &c.sides[RIGHT];
    turn(&c, KITH_DIRECTION_SENDRECV);
    kith_rtp_in_info first = stream_at(right);
    ck_assert(!first.is_ended);
    for (int i = 0; i < 100; i++) {
        turn(&c, KITH_DIRECTION_RECVONLY);
        kith_rtp_in_info before = stream_at(right);
        ck_assert(before.is_ended);
        turn(&c, KITH_DIRECTION_SENDRECV);
        kith_rtp_in_info info = stream_at(right);
        ck_assert_uint_eq(info.ssrc, first.ssrc);
        ck_assert(!info.is_ended);
        ck_assert_uint_ge(info.packets_received, before.packets_received + 25);
        ck_assert_int_eq(info.packets_lost, 0);
    }
    ck_assert_uint_eq(kith_srtp_get_counters(kith_pc_transport(right->pc)->media->srtp)->replayed,
                      0);
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: renegotiations", a_hundred_renegotiations_cost_the_other_sections_no_frame,
          a_thousand_sections_that_came_and_went_leave_no_memory_behind,
          what_stops_sending_says_bye_and_sends_on_with_its_ssrc)
