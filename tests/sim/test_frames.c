/* An encoder and a decoder: LEFT sends frames of sound and picture and obeys what it is asked for,
 * RIGHT gets frames, which must be those that were sent, each decodable after the one before. */
#include <stdlib.h>
#include <string.h>

#include "../unit/allocations.h"
#include "../unit/unit.h"
#include "pc/pc.h"
#include "wire/rtp_extension.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

typedef struct side {
    struct call *call;
    host *host;
    kith_pc *pc;
    kith_connection_state state;
} side;

typedef struct call {
    world *world;
    side sides[2];
    /* nobody says that what is missing is sent again */
    bool without_repair;
    kith_time until;
    /* LEFT: what was asked for, and what was sent */
    bool wants_key_frame;
    /* what its encoder takes for a picture */
    kith_time encoding;
    unsigned requests, sent[2], sent_keys, refused[2];
    /* RIGHT: the number of the last frame, how many came, the longest time without one */
    unsigned last[2], came[2], keys, lost_audio;
    kith_time last_at, longest_gap;
    /* RIGHT: how many say when they were captured, how wrong at most; how long after their capture
     * the last of each kind is played, and how many pictures are not in step with the sound */
    kith_time captured_at[2][4096];
    unsigned dated[2], out_of_step;
    kith_time worst_date, last_capture[2], play_delay[2];
    /* of what the receiver tells of time */
    kith_time oldest_capture, newest_capture, latest_play;
    /* LEFT's pictures say when they are to be shown, to RIGHT, which says that it is Firefox */
    bool has_playout_delay, is_firefox;
    kith_rtp_playout_delay playout_delay;
    /* RIGHT: how long after their capture pictures are shown, after the first 100 */
    kith_time shown_least, shown_most;
} call;

/* Without the lines that promise a generic NACK (RFC 4585 section 4.2). */
static void forget_repair(char *text)
{
    for (char *at; (at = strstr(text, " nack\r\n"));) {
        char *line = at;
        while (line[-1] != '\n')
            line--;
        memmove(line, at + 7, strlen(at + 7) + 1);
    }
}

static char *call_it_firefox(char *text)
{
    static const char name[] = "o=mozilla...THIS_IS_SDPARTA-99.0 ";
    char *o = strstr(text, "o=- "), *out = malloc(strlen(text) + sizeof name);
    ck_assert(o && out);
    size_t before = (size_t)(o - text);
    memcpy(out, text, before);
    memcpy(out + before, name, sizeof name - 1);
    memcpy(out + before + sizeof name - 1, o + 4, strlen(o + 4) + 1);
    free(text);
    return out;
}

static void describe(side *from)
{
    side *to = &from->call->sides[from == &from->call->sides[LEFT] ? RIGHT : LEFT];
    OK(kith_pc_set_local_description(from->pc, NULL));
    kith_session_description told = *kith_pc_local_description(from->pc);
    char *text = strdup(told.sdp);
    if (from->call->without_repair)
        forget_repair(text);
    if (from->call->is_firefox)
        text = call_it_firefox(text);
    told.sdp = text;
    OK(kith_pc_set_remote_description(to->pc, &told));
    free(text);
    if (kith_pc_signaling_state(to->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(to);
}

/* Frame number n: the header of its kind, the number, and bytes that follow from it. */
static size_t make_frame(kith_media_kind kind, bool is_key, unsigned n, uint8_t *out)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    size_t at = 1, len = 60;
    out[0] = 31 << 3; /* 20 ms of Opus */
    if (kind == KITH_VIDEO) {
        at = is_key ? sizeof key : sizeof delta;
        memcpy(out, is_key ? key : delta, at);
        len = is_key ? 20000 : 1000 + n * 37 % 4000;
    }
    out[at] = (uint8_t)(n >> 8);
    out[at + 1] = (uint8_t)n;
    for (size_t i = at + 2; i < len; i++)
        out[i] = (uint8_t)(n * 31 + i * 7);
    return len;
}

static unsigned number_of(kith_media_kind kind, const kith_frame *frame)
{
    const uint8_t *data = frame->data;
    size_t at = kind == KITH_AUDIO ? 1 : frame->is_key ? 10 : 3;
    return (unsigned)(data[at] << 8 | data[at + 1]);
}

static void note(call *c, kith_media_kind kind, const kith_frame *frame)
{
    static uint8_t wanted[20000];
    unsigned n = number_of(kind, frame);
    ck_assert_uint_eq(frame->len, make_frame(kind, frame->is_key, n, wanted));
    ck_assert_mem_eq(frame->data, wanted, frame->len);
    ck_assert_ptr_nonnull(frame->codec);
    ck_assert_str_eq(frame->codec->mime_type, kind == KITH_AUDIO ? "audio/opus" : "video/VP8");
    ck_assert(c->came[kind] == 0 || n > c->last[kind]);
    if (kind == KITH_VIDEO) {
        bool follows = c->came[kind] > 0 && n == c->last[kind] + 1;
        ck_assert_msg(frame->is_key || follows, "picture %u after %u", n, c->last[kind]);
        ck_assert_uint_eq(frame->width, 64);
        ck_assert_uint_eq(frame->rotation, 90);
        c->keys += frame->is_key;
        kith_time now = world_now(c->world);
        if (c->came[kind] > 0 && now - c->last_at > c->longest_gap)
            c->longest_gap = now - c->last_at;
        c->last_at = now;
    } else {
        ck_assert(frame->has_audio_level && frame->voice_activity && frame->audio_level == 33);
        c->lost_audio += frame->lost_before / 960;
    }
    c->last[kind] = n;
    c->came[kind]++;
}

/* Firefox is told to wait for 10 ms at least. */
static void note_playout(call *c, const kith_frame *frame)
{
    const kith_rtp_playout_delay *wanted = &c->playout_delay;
    kith_time least = c->is_firefox && wanted->min == 0 ? KITH_MS(10) : wanted->min;
    ck_assert_int_eq(frame->has_playout_delay, c->has_playout_delay);
    if (!frame->has_playout_delay)
        return;
    ck_assert_int_eq(frame->min_playout_delay, least);
    ck_assert_int_eq(frame->max_playout_delay, wanted->max < least ? least : wanted->max);
    kith_time shown = frame->play_at - c->captured_at[KITH_VIDEO][number_of(KITH_VIDEO, frame)];
    if (c->came[KITH_VIDEO] < 100)
        return;
    c->shown_least = c->shown_least == 0 || shown < c->shown_least ? shown : c->shown_least;
    c->shown_most = shown > c->shown_most ? shown : c->shown_most;
}

static void note_dates(call *c, kith_media_kind kind, const kith_frame *frame)
{
    if (kind == KITH_VIDEO)
        note_playout(c, frame);
    ck_assert_int_ge(frame->capture_time, c->last_capture[kind]);
    kith_time age = frame->received_at - frame->capture_time;
    kith_time wait = frame->play_at - frame->received_at;
    c->oldest_capture = age > c->oldest_capture ? age : c->oldest_capture;
    c->newest_capture = age < c->newest_capture ? age : c->newest_capture;
    c->latest_play = wait > c->latest_play ? wait : c->latest_play;
    if (!frame->capture_known) {
        /* by arrival; what waited for one that was sent again arrived before that did */
        bool is_ahead = frame->received_at > c->last_capture[kind];
        ck_assert_int_eq(frame->capture_time,
                         is_ahead ? frame->received_at : c->last_capture[kind]);
        c->last_capture[kind] = frame->capture_time;
        return;
    }
    c->last_capture[kind] = frame->capture_time;
    kith_time captured_at = c->captured_at[kind][number_of(kind, frame) % 4096];
    kith_time error = frame->capture_time - captured_at;
    c->play_delay[kind] = frame->play_at - captured_at;
    /* a while until the first reports are old: what was told by arrival does not step back */
    if (c->dated[kind]++ < 100)
        return;
    error = error < 0 ? -error : error;
    c->worst_date = error > c->worst_date ? error : c->worst_date;
    kith_time apart = c->play_delay[KITH_VIDEO] - c->play_delay[KITH_AUDIO];
    c->out_of_step += kind == KITH_VIDEO && (apart > KITH_MS(5) || apart < -KITH_MS(5));
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    side *s = user;
    side *other = &s->call->sides[s == &s->call->sides[LEFT] ? RIGHT : LEFT];
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(other->pc, &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        s->state = ev->connection_state;
        break;
    case KITH_EV_TRACK:
        OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        s->call->wants_key_frame = true;
        s->call->requests++;
        break;
    case KITH_EV_FRAME:
        note(s->call, kith_transceiver_kind(ev->transceiver), ev->frame);
        note_dates(s->call, kith_transceiver_kind(ev->transceiver), ev->frame);
        break;
    case KITH_EV_RTP:
        ck_abort_msg("a packet where frames were asked for");
    default:
        break;
    }
}

static void begin(call *c, link_config link)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    for (int i = 0; i < 2; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->host = world_add_host(c->world, ips[i], ips[i], NAT_NONE, link);
        s->host->on_event = on_event;
        s->host->user = s;
        OK(kith_pc_new(&s->pc, s->host->endpoint, NULL));
    }
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.direction = KITH_DIRECTION_SENDONLY;
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, KITH_AUDIO, &init, NULL));
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, KITH_VIDEO, &init, NULL));
}

static void finish(call *c)
{
    for (int i = 0; i < 2; i++)
        kith_pc_free(c->sides[i].pc);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void connect(call *c)
{
    describe(&c->sides[LEFT]);
    ck_assert_msg(world_run(c->world, KITH_SECONDS(20), is_connected, c), "%s",
                  kith_pc_why_failed(c->sides[LEFT].pc));
}

/* A frame that is refused was never encoded, as far as the numbers go. */
static void send_frame(call *c, kith_media_kind kind, bool is_key)
{
    static uint8_t data[20000];
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = data;
    frame.len = make_frame(kind, is_key, c->sent[kind], data);
    frame.capture_time = world_now(c->world);
    frame.rotation = kind == KITH_VIDEO ? 90 : 0;
    frame.has_audio_level = frame.voice_activity = true;
    frame.audio_level = 33;
    frame.has_playout_delay = c->has_playout_delay;
    frame.min_playout_delay = c->playout_delay.min;
    frame.max_playout_delay = c->playout_delay.max;
    if (kind == KITH_VIDEO)
        frame.capture_time -= c->encoding;
    c->captured_at[kind][c->sent[kind] % 4096] = frame.capture_time;
    kith_transceiver *t = kith_pc_transceiver_at(c->sides[LEFT].pc, kind);
    kith_err err = kith_sender_send_frame(kith_transceiver_sender(t), &frame);
    ck_assert(err == KITH_OK || err == KITH_ERR_AGAIN);
    c->refused[kind] += err != KITH_OK;
    c->sent[kind] += err == KITH_OK;
    c->sent_keys += err == KITH_OK && kind == KITH_VIDEO && is_key;
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

static void send_for(call *c, kith_time time)
{
    c->until = world_now(c->world) + time;
    send_audio(c);
    send_video(c);
    world_run(c->world, time + KITH_SECONDS(1), NULL, NULL);
}

START_TEST(over_a_clean_link_every_frame_comes)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    send_for(&c, KITH_SECONDS(20));
    ck_assert_uint_ge(c.sent[KITH_VIDEO], 500);
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        ck_assert_uint_eq(c.refused[kind], 0);
        ck_assert_uint_eq(c.came[kind], c.sent[kind]);
    }
    ck_assert_uint_eq(c.keys, 1);
    ck_assert_uint_eq(c.requests, 1);
    ck_assert_uint_eq(c.lost_audio, 0);
    ck_assert_int_le(c.longest_gap, KITH_MS(41));
    finish(&c);
}
END_TEST

START_TEST(packets_that_overtake_each_other_cost_no_frame)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20), .reorder = 0.1, .duplicate = 0.05});
    connect(&c);
    send_for(&c, KITH_SECONDS(20));
    ck_assert_uint_eq(c.came[KITH_AUDIO], c.sent[KITH_AUDIO]);
    ck_assert_uint_eq(c.came[KITH_VIDEO], c.sent[KITH_VIDEO]);
    ck_assert_uint_eq(c.keys, 1);
    finish(&c);
}
END_TEST

START_TEST(after_a_loss_the_picture_comes_back_with_a_key_frame)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20), .loss = 0.002});
    c.without_repair = true;
    connect(&c);
    send_for(&c, KITH_SECONDS(60));
    ck_assert_uint_gt(c.keys, 2);
    ck_assert_uint_gt(c.came[KITH_VIDEO], c.sent[KITH_VIDEO] * 8 / 10);
    /* the hole is seen for 60 ms, the request takes 20, the key frame as long, and comes within a
     * frame's time; it, too, may be lost */
    ck_assert_int_le(c.longest_gap, KITH_MS(700));
    ck_assert_uint_gt(c.came[KITH_AUDIO], c.sent[KITH_AUDIO] * 99 / 100);
    ck_assert_uint_le(c.came[KITH_AUDIO] + c.lost_audio, c.sent[KITH_AUDIO]);
    ck_assert_uint_ge(c.came[KITH_AUDIO] + c.lost_audio, c.sent[KITH_AUDIO] - 2);
    finish(&c);
}
END_TEST

/* Round trip 50 ms; `loss` both ways. */
static void lose(call *c, double loss, kith_time round_trip, kith_time time)
{
    begin(c, (link_config){.delay = round_trip / 2, .loss = loss});
    connect(c);
    send_for(c, time);
}

START_TEST(at_5_percent_loss_what_is_lost_is_sent_again_and_every_frame_comes)
{
    call c;
    lose(&c, 0.05, KITH_MS(50), KITH_SECONDS(60));
    ck_assert_uint_ge(c.came[KITH_VIDEO], c.sent[KITH_VIDEO] - 1);
    ck_assert_uint_le(c.keys, 2);
    ck_assert_int_le(c.longest_gap, KITH_MS(300));
    finish(&c);
}
END_TEST

START_TEST(a_call_with_loss_allocates_nothing_once_it_has_warmed_up)
{
    kith_set_allocator(&counting);
    call c;
    /* frames that wait for one that is lost are more, the more is lost */
    lose(&c, 0.05, KITH_MS(50), KITH_SECONDS(30));
    for (int i = 0; i < 2; i++)
        c.sides[i].host->link.loss = 0.02;
    allocations = 0;
    send_for(&c, KITH_SECONDS(10));
    ck_assert_uint_eq(allocations, 0);
    finish(&c);
    kith_set_allocator(NULL);
}
END_TEST

/* ---- requests that cross a key frame ---- */

#define KEY_FRAME_AT KITH_SECONDS(5)

static void ask(void *user)
{
    const call *c = user;
    kith_receiver_request_key_frame(
        kith_transceiver_receiver(kith_pc_transceiver_at(c->sides[RIGHT].pc, KITH_VIDEO)));
}

/* The encoder's own wish. */
static void want_key_frame(void *user)
{
    ((call *)user)->wants_key_frame = true;
}

/* The sender begins anew, and asks for one itself. */
static void resume(void *user)
{
    const call *c = user;
    kith_sender *sender =
        kith_transceiver_sender(kith_pc_transceiver_at(c->sides[LEFT].pc, KITH_VIDEO));
    OK(kith_sender_replace_track(sender, NULL));
    OK(kith_sender_replace_track(sender, "again"));
}

static bool drop(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path, (void)data, (void)len, (void)user;
    return false;
}

static void begin_dropping(void *user)
{
    ((call *)user)->sides[LEFT].host->tap = drop;
}

static void end_dropping(void *user)
{
    ((call *)user)->sides[LEFT].host->tap = NULL;
}

/* A key frame leaves LEFT, since `cause`; so long after that RIGHT asks for one. How often did
 * LEFT's encoder make one? */
static unsigned keys_of(kith_time round_trip, kith_time asked_after, void (*cause)(void *),
                        kith_time lost)
{
    static call c;
    begin(&c, (link_config){.delay = round_trip / 2});
    c.without_repair = lost > 0;
    connect(&c);
    kith_time at = world_now(c.world) + KEY_FRAME_AT;
    world_at(c.world, at - 1, cause, &c);
    world_at(c.world, at + asked_after, ask, &c);
    if (lost > 0) {
        world_at(c.world, at - 1, begin_dropping, &c);
        world_at(c.world, at + lost, end_dropping, &c);
    }
    send_for(&c, KITH_SECONDS(12));
    ck_assert_uint_eq(c.last[KITH_VIDEO] + 1, c.sent[KITH_VIDEO]);
    unsigned keys = c.sent_keys - 1;
    finish(&c);
    return keys;
}

/* Who asked did not know of it yet. What is asked for afterwards is another one. */
START_TEST(a_request_that_crosses_a_key_frame_is_met_by_it)
{
    static const kith_time round_trips[] = {KITH_MS(20), KITH_MS(50), KITH_MS(200), KITH_MS(500)};
    for (size_t i = 0; i < 8; i++) {
        kith_time rtt = round_trips[i / 2];
        void (*cause)(void *) = i % 2 ? resume : want_key_frame;
        ck_assert_uint_eq(keys_of(rtt, -rtt / 2 + KITH_MS(1), cause, 0), 1);
        ck_assert_uint_eq(keys_of(rtt, 0, cause, 0), 1);
        ck_assert_uint_eq(keys_of(rtt, rtt / 4, cause, 0), 1);
        ck_assert_uint_eq(keys_of(rtt, rtt / 2 + KITH_MS(1), cause, 0), 2);
    }
}
END_TEST

/* The key frame that it crossed is lost, with what follows it for a while or without: RIGHT, which
 * cannot have its packets again, asks once more. */
START_TEST(a_request_that_crosses_a_key_frame_that_is_lost_is_met_by_another)
{
    static const kith_time lost[] = {1, KITH_MS(100), KITH_MS(300)};
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(keys_of(KITH_MS(100), 0, i % 2 ? resume : want_key_frame, lost[i / 2]),
                          2);
}
END_TEST

START_TEST(before_a_key_frame_nothing_else_is_sent)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    kith_transceiver *t = kith_pc_transceiver_at(c.sides[LEFT].pc, KITH_VIDEO);
    send_frame(&c, KITH_VIDEO, true);
    ck_assert_uint_eq(c.refused[KITH_VIDEO], 1); /* not connected */
    connect(&c);
    ck_assert_ptr_nonnull(kith_sender_codec(kith_transceiver_sender(t)));
    ck_assert_uint_eq(c.requests, 1);
    for (int i = 0; i < 5; i++)
        send_frame(&c, KITH_VIDEO, false);
    ck_assert_uint_eq(c.refused[KITH_VIDEO], 6);
    send_frame(&c, KITH_VIDEO, true);
    send_frame(&c, KITH_VIDEO, false);
    ck_assert_uint_eq(c.refused[KITH_VIDEO], 6);
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(c.came[KITH_VIDEO], 2);
    ck_assert_uint_eq(c.requests, 1);
    finish(&c);
}
END_TEST

START_TEST(a_queue_that_is_full_refuses_frames_until_a_key_frame)
{
    call c;
    begin(&c, (link_config){
                  .delay = KITH_MS(20), .rate_bps = 20000000, .queue_bytes = 8 * 1024 * 1024});
    connect(&c);
    send_frame(&c, KITH_VIDEO, true);
    while (c.refused[KITH_VIDEO] == 0)
        send_frame(&c, KITH_VIDEO, false);
    ck_assert_uint_gt(c.sent[KITH_VIDEO], 1000);
    world_run(c.world, KITH_SECONDS(5), NULL, NULL);
    ck_assert_uint_eq(c.requests, 2);
    unsigned sent = c.sent[KITH_VIDEO];
    send_frame(&c, KITH_VIDEO, false);
    ck_assert_uint_eq(c.sent[KITH_VIDEO], sent);
    send_frame(&c, KITH_VIDEO, true);
    send_frame(&c, KITH_VIDEO, false);
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(c.came[KITH_VIDEO], c.sent[KITH_VIDEO]);
    ck_assert_uint_eq(c.keys, 2);
    finish(&c);
}
END_TEST

/* The encoder was asked, gave a key frame, and would not give another by itself. */
START_TEST(an_encoder_whose_key_frame_found_no_room_is_asked_again_when_there_is)
{
    static uint8_t big[2000000] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0};
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    send_frame(&c, KITH_VIDEO, true);
    c.sides[LEFT].host->packets_per_ms = 1;
    while (c.refused[KITH_VIDEO] == 0)
        send_frame(&c, KITH_VIDEO, false);
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = big;
    frame.len = sizeof big;
    kith_sender *sender =
        kith_transceiver_sender(kith_pc_transceiver_at(c.sides[LEFT].pc, KITH_VIDEO));
    ck_assert_int_eq(kith_sender_send_frame(sender, &frame), KITH_ERR_AGAIN);
    send_frame(&c, KITH_VIDEO, false);
    ck_assert_uint_eq(c.refused[KITH_VIDEO], 2);
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(c.requests, 2); /* there is no room for it yet */
    world_run(c.world, KITH_SECONDS(9), NULL, NULL);
    ck_assert_uint_eq(c.requests, 3);
    send_frame(&c, KITH_VIDEO, true);
    ck_assert_uint_eq(c.refused[KITH_VIDEO], 2);
    world_run(c.world, KITH_SECONDS(5), NULL, NULL);
    ck_assert_uint_eq(c.requests, 3);
    finish(&c);
}
END_TEST

/* What waits of other receivers leaves it no room, and its encoder would not give another by
 * itself. */
START_TEST(a_key_frame_that_was_dropped_is_asked_for_again)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    size_t *waiting = &c.sides[RIGHT].pc->events.media_bytes;
    *waiting += 16 * 1024 * 1024;
    for (int i = 0; i < 3; i++) {
        send_frame(&c, KITH_VIDEO, true);
        c.wants_key_frame = false;
        world_run(c.world, KITH_SECONDS(1), NULL, NULL);
        ck_assert_uint_eq(c.came[KITH_VIDEO], 0);
        ck_assert_msg(c.wants_key_frame, "after key frame %d", i);
    }
    *waiting -= 16 * 1024 * 1024;
    send_for(&c, KITH_SECONDS(3));
    ck_assert_uint_eq(c.came[KITH_VIDEO], c.sent[KITH_VIDEO] - 3);
    ck_assert_uint_eq(c.keys, 1);
    finish(&c);
}
END_TEST

/* As when a page is loaded again: RFC 8842 section 5.5, RFC 5764 section 5.2. */
START_TEST(a_peer_that_was_replaced_is_sent_to_under_keys_of_its_own)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    for (unsigned i = 0; i < 3; i++) {
        send_for(&c, KITH_SECONDS(3));
        ck_assert_uint_eq(c.came[KITH_VIDEO], c.sent[KITH_VIDEO]);
        side *right = &c.sides[RIGHT];
        kith_pc_free(right->pc);
        OK(kith_pc_new(&right->pc, right->host->endpoint, NULL));
        right->state = KITH_CONNECTION_STATE_NEW;
        unsigned requests = c.requests;
        kith_pc_restart_ice(c.sides[LEFT].pc);
        describe(&c.sides[LEFT]);
        ck_assert_ptr_null(kith_sender_codec(
            kith_transceiver_sender(kith_pc_transceiver_at(c.sides[LEFT].pc, KITH_VIDEO))));
        ck_assert(world_run(c.world, KITH_SECONDS(20), is_connected, &c));
        ck_assert_uint_eq(c.requests, requests + 1);
    }
    send_for(&c, KITH_SECONDS(3));
    ck_assert_uint_eq(c.came[KITH_AUDIO], c.sent[KITH_AUDIO]);
    ck_assert_uint_eq(c.came[KITH_VIDEO], c.sent[KITH_VIDEO]);
    ck_assert_uint_eq(c.keys, 4);
    finish(&c);
}
END_TEST

START_TEST(wrong_frames_are_refused_and_change_nothing)
{
    call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    kith_sender *audio =
        kith_transceiver_sender(kith_pc_transceiver_at(c.sides[LEFT].pc, KITH_AUDIO));
    uint8_t bytes[2000] = {31 << 3};
    kith_frame frame = KITH_FRAME_INIT;
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_TYPE);
    frame.data = bytes;
    frame.len = 2000;
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_RANGE);
    frame.len = 100;
    frame.codec = kith_rtp_capability_at(KITH_VIDEO, 0);
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_TYPE);
    frame.codec = NULL;
    frame.audio_level = 128;
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_RANGE);
    frame.audio_level = 0;
    frame.has_playout_delay = true;
    frame.min_playout_delay = KITH_MS(20);
    frame.max_playout_delay = KITH_MS(10);
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_RANGE);
    frame.max_playout_delay = KITH_MS(40960);
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_RANGE);
    frame.min_playout_delay = -KITH_MS(10);
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_RANGE);
    frame.has_playout_delay = false;
    frame.nal_length_size = 3;
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_TYPE);
    frame.size = 0;
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_TYPE);
    ck_assert_int_eq(
        kith_receiver_set_mode(kith_transceiver_receiver(kith_sender_transceiver(audio)), 2),
        KITH_ERR_TYPE);
    ck_assert_int_eq(kith_sender_set_codec_data(audio, bytes, 10), KITH_ERR_TYPE);
    kith_sender *video =
        kith_transceiver_sender(kith_pc_transceiver_at(c.sides[LEFT].pc, KITH_VIDEO));
    ck_assert_int_eq(kith_sender_set_codec_data(video, bytes, 10), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_sender_set_codec_data(video, NULL, 10), KITH_ERR_TYPE);
    send_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(c.came[KITH_AUDIO], c.sent[KITH_AUDIO]);
    kith_pc_close(c.sides[LEFT].pc);
    frame = (kith_frame)KITH_FRAME_INIT;
    frame.data = bytes;
    frame.len = 100;
    ck_assert_int_eq(kith_sender_send_frame(audio, &frame), KITH_ERR_INVALID_STATE);
    finish(&c);
}
END_TEST

/* The reports take 20 ms and their way back as well. */
START_TEST(frames_say_when_they_were_captured)
{
    static call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    send_for(&c, KITH_SECONDS(20));
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++)
        ck_assert_msg(c.came[kind] - c.dated[kind] <= 1, "kind %d: %u frames were told undated",
                      kind, c.came[kind] - c.dated[kind]);
    ck_assert_int_le(c.worst_date, KITH_MS(1));
    finish(&c);
}
END_TEST

/* What was captured at a time is played at a time: the picture needs longer. */
START_TEST(sound_waits_for_its_picture)
{
    static call c;
    begin(&c, (link_config){.delay = KITH_MS(20), .jitter = KITH_MS(5)});
    c.encoding = KITH_MS(150);
    connect(&c);
    send_for(&c, KITH_SECONDS(20));
    ck_assert_int_le(c.worst_date, KITH_MS(10));
    ck_assert_uint_ge(c.dated[KITH_VIDEO], c.sent[KITH_VIDEO] * 3 / 4);
    ck_assert_uint_le(c.out_of_step, c.dated[KITH_VIDEO] / 10);
    finish(&c);
}
END_TEST

/* What the link delays by 20 ms is shown as much later than captured as the sender says, whatever
 * is usual and whatever the sound needs. */
START_TEST(a_picture_is_shown_when_its_sender_says)
{
    static const struct {
        kith_rtp_playout_delay said;
        bool is_firefox;
        kith_time least, most;
    } rows[] = {
        {{0, 0}, false, KITH_MS(20), KITH_MS(25)},
        {{0, 0}, true, KITH_MS(30), KITH_MS(35)},
        {{0, KITH_MS(50)}, false, KITH_MS(40), KITH_MS(75)},
        {{KITH_MS(500), KITH_MS(700)}, false, KITH_MS(520), KITH_MS(525)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static call c;
        begin(&c, (link_config){.delay = KITH_MS(20), .jitter = KITH_MS(2)});
        c.has_playout_delay = true;
        c.playout_delay = rows[i].said;
        c.is_firefox = rows[i].is_firefox;
        connect(&c);
        send_for(&c, KITH_SECONDS(10));
        ck_assert_uint_eq(c.came[KITH_VIDEO], c.sent[KITH_VIDEO]);
        ck_assert_msg(c.shown_least >= rows[i].least && c.shown_most <= rows[i].most,
                      "row %zu: %lld to %lld us", i, (long long)c.shown_least,
                      (long long)c.shown_most);
        finish(&c);
    }
}
END_TEST

/* Sender reports whose times jump, beyond all that a timestamp reaches. */
START_TEST(whatever_a_peer_says_of_its_clock_capture_is_told_near_arrival)
{
    static const uint64_t times[] = {1, UINT64_MAX, UINT64_C(1) << 63, UINT64_C(0xE0000000) << 32};
    /* seconds away from what the packets say; 20,000 is nearly all that a timestamp reaches */
    static const int away[] = {-20000, -9, -3, 0, 3, 9, 11, 20000};
    static call c;
    begin(&c, (link_config){.delay = KITH_MS(20)});
    connect(&c);
    send_for(&c, KITH_SECONDS(2));
    for (unsigned i = 0; i < 32; i++) {
        for (unsigned kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
            kith_transceiver *t = kith_pc_transceiver_at(c.sides[LEFT].pc, kind);
            kith_time said = world_now(c.world) + KITH_SECONDS(away[(i + kind) % 8]);
            int64_t rate = kind == KITH_AUDIO ? 48000 : 90000;
            OK(kith_sender_set_ntp(kith_transceiver_sender(t), times[i / 8],
                                   (uint32_t)(said * rate / 1000000)));
        }
        send_for(&c, KITH_SECONDS(4));
    }
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        ck_assert_uint_eq(c.came[kind], c.sent[kind]);
        ck_assert_uint_gt(c.dated[kind], c.sent[kind] / 4);
    }
    ck_assert_int_le(c.oldest_capture, KITH_SECONDS(10));
    ck_assert_int_ge(c.newest_capture, 0);
    ck_assert_int_le(c.latest_play, KITH_SECONDS(1));
    finish(&c);
}
END_TEST

UNIT_MAIN("sim: frames", over_a_clean_link_every_frame_comes,
          packets_that_overtake_each_other_cost_no_frame,
          after_a_loss_the_picture_comes_back_with_a_key_frame,
          at_5_percent_loss_what_is_lost_is_sent_again_and_every_frame_comes,
          a_call_with_loss_allocates_nothing_once_it_has_warmed_up,
          a_request_that_crosses_a_key_frame_is_met_by_it,
          a_request_that_crosses_a_key_frame_that_is_lost_is_met_by_another,
          before_a_key_frame_nothing_else_is_sent,
          a_queue_that_is_full_refuses_frames_until_a_key_frame,
          an_encoder_whose_key_frame_found_no_room_is_asked_again_when_there_is,
          a_key_frame_that_was_dropped_is_asked_for_again,
          a_peer_that_was_replaced_is_sent_to_under_keys_of_its_own,
          wrong_frames_are_refused_and_change_nothing, frames_say_when_they_were_captured,
          whatever_a_peer_says_of_its_clock_capture_is_told_near_arrival,
          sound_waits_for_its_picture, a_picture_is_shown_when_its_sender_says)
