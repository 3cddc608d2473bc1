/* Streams that pause, begin late or begin anew: LEFT sends frames, RIGHT gets them, and whatever
 * becomes of numbers, rollover counters and SSRCs meanwhile, the first frame comes, can be decoded
 * and has its time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "pc/media.h"
#include "pc/pc.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

#define DELAY KITH_MS(20)

/* What is sent and received of a kind. */
typedef struct stream {
    struct call *call;
    kith_media_kind kind;
    kith_time interval;
    bool is_muted, is_key_wanted, is_dropped;
    /* of a key frame, from when it is asked for */
    kith_time encoding, key_wanted_at;
    /* packets with numbers from elsewhere, not frames */
    bool is_source;
    uint16_t source_number;
    unsigned sent, requests;
    uint16_t wire_number;
    /* the last frame that came, and the first one after begin_looking */
    unsigned came, keys, lost;
    unsigned last;
    uint32_t last_timestamp;
    kith_time last_sent_at, longest_gap, came_at;
    bool is_looking;
    kith_frame first;
    unsigned first_number;
    uint32_t timestamp_before;
    kith_time sent_before;
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
    stream streams[2];
    kith_time until;
    bool drops_rtcp;
} call;

/* Number and time of sending; VP8 has a header before them. */
#define MARK_LEN 12

static size_t mark_at(kith_media_kind kind, bool is_key)
{
    return kind == KITH_AUDIO ? 1 : is_key ? 10 : 3;
}

static size_t make_frame(stream *s, bool is_key, uint8_t *out)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    size_t at = mark_at(s->kind, is_key);
    out[0] = 31 << 3; /* 20 ms of Opus */
    if (s->kind == KITH_VIDEO)
        memcpy(out, is_key ? key : delta, at);
    kith_time now = virtual_now();
    memcpy(out + at, &s->sent, 4);
    memcpy(out + at + 4, &now, 8);
    return at + MARK_LEN;
}

/* Each follows on the one before, or is a key frame. */
static void note(stream *s, const kith_frame *frame)
{
    unsigned n;
    kith_time sent_at;
    const uint8_t *mark = (const uint8_t *)frame->data + mark_at(s->kind, frame->is_key);
    ck_assert_uint_eq(frame->len, mark_at(s->kind, frame->is_key) + MARK_LEN);
    memcpy(&n, mark, 4);
    memcpy(&sent_at, mark + 4, 8);
    ck_assert(s->came == 0 || n > s->last);
    unsigned missing = s->came > 0 ? n - s->last - 1 : 0;
    ck_assert_msg(frame->is_key || (s->came > 0 && missing == 0), "picture %u after %u", n,
                  s->last);
    if (s->is_looking) {
        s->first = *frame;
        s->first_number = n;
        s->timestamp_before = s->last_timestamp;
        s->sent_before = s->last_sent_at;
        s->is_looking = false;
    }
    kith_time now = virtual_now();
    if (s->came > 0 && now - s->came_at > s->longest_gap)
        s->longest_gap = now - s->came_at;
    s->came_at = now;
    s->keys += frame->is_key;
    s->lost += frame->lost_before;
    s->last = n;
    s->last_timestamp = frame->rtp_timestamp;
    s->last_sent_at = sent_at;
    s->came++;
}

static void begin_looking(stream *s)
{
    s->is_looking = true;
    s->first = (kith_frame){0};
}

static void want_key(stream *s)
{
    s->requests++;
    if (!s->is_key_wanted)
        s->key_wanted_at = virtual_now();
    s->is_key_wanted = true;
}

static bool is_key_ready(const stream *s)
{
    return s->is_key_wanted && virtual_now() >= s->key_wanted_at + s->encoding;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    side *s = user;
    call *c = s->call;
    switch ((int)ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        OK(kith_pc_add_ice_candidate(c->sides[s == &c->sides[LEFT] ? RIGHT : LEFT].pc,
                                     &ev->ice_candidate));
        break;
    case KITH_EV_CONNECTION_STATE:
        s->state = ev->connection_state;
        break;
    case KITH_EV_TRACK:
        OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        if (s == &c->sides[LEFT]) {
            want_key(&c->streams[KITH_VIDEO]);
        }
        break;
    case KITH_EV_FRAME:
        ck_assert(s == &c->sides[RIGHT]);
        note(&c->streams[kith_transceiver_kind(ev->transceiver)], ev->frame);
        break;
    default:
        break;
    }
}

static kith_transceiver *transceiver_of(const call *c, int at, kith_media_kind kind)
{
    kith_pc *pc = c->sides[at].pc;
    for (size_t i = 0; i < kith_pc_transceiver_count(pc); i++)
        if (kith_transceiver_kind(kith_pc_transceiver_at(pc, i)) == kind)
            return kith_pc_transceiver_at(pc, i);
    return NULL;
}

/* The next packet of a source: a picture of VP8 behind its descriptor (RFC 7741 section 4.2). */
static void forward(stream *s, kith_transceiver *t)
{
    uint8_t payload[100] = {0x10};
    kith_rtp rtp = KITH_RTP_INIT;
    rtp.payload = payload;
    rtp.len = 1 + make_frame(s, is_key_ready(s), payload + 1);
    rtp.marker = true;
    rtp.ssrc = 7;
    rtp.sequence_number = s->source_number++;
    rtp.timestamp = (uint32_t)(virtual_now() * 9 / 100);
    if (t && kith_sender_send_rtp(kith_transceiver_sender(t), &rtp) == KITH_OK)
        s->is_key_wanted = s->is_key_wanted && !is_key_ready(s);
    s->sent++;
}

static void send_frame(stream *s)
{
    uint8_t data[100];
    kith_transceiver *t = transceiver_of(s->call, LEFT, s->kind);
    if (s->is_source) {
        forward(s, t);
        return;
    }
    if (!t)
        return;
    kith_frame frame = KITH_FRAME_INIT;
    bool is_key = s->kind == KITH_AUDIO || is_key_ready(s);
    frame.data = data;
    frame.len = make_frame(s, is_key, data);
    kith_err err = kith_sender_send_frame(kith_transceiver_sender(t), &frame);
    ck_assert(err == KITH_OK || err == KITH_ERR_AGAIN);
    if (err != KITH_OK)
        return;
    s->is_key_wanted = s->is_key_wanted && !is_key;
    s->sent++;
}

static void send_next(void *user)
{
    stream *s = user;
    world *w = s->call->world;
    if (!s->is_muted)
        send_frame(s);
    if (world_now(w) < s->call->until)
        world_at(w, world_now(w) + s->interval, send_next, s);
}

static void begin_sending(call *c, kith_time time)
{
    c->until = world_now(c->world) + time;
    for (unsigned kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++)
        send_next(&c->streams[kind]);
}

static void send_for(call *c, kith_time time)
{
    begin_sending(c, time);
    world_run(c->world, time + KITH_SECONDS(1), NULL, NULL);
}

/* Of what LEFT sends: the numbers; header and SSRC are not encrypted. */
static bool look(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path;
    call *c = user;
    if (*len < 12 || data[0] >> 6 != 2)
        return true;
    if (data[1] >= 192 && data[1] <= 223)
        return !c->drops_rtcp;
    uint32_t ssrc =
        (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 | (uint32_t)data[10] << 8 | data[11];
    for (unsigned kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        kith_transceiver *t = transceiver_of(c, LEFT, kind);
        if (!t || !kith_transceiver_sender(t)->out ||
            ssrc != kith_rtp_out_ssrc(kith_transceiver_sender(t)->out))
            continue;
        c->streams[kind].wire_number = (uint16_t)(data[2] << 8 | data[3]);
        return !c->streams[kind].is_dropped;
    }
    return true;
}

/* ---- a call ---- */

static char *replaced(const char *text, const char *from, const char *to)
{
    char *out = calloc(2, strlen(text) + 1), *at = out;
    for (const char *found; (found = strstr(text, from)); text = found + strlen(from))
        at += sprintf(at, "%.*s%s", (int)(found - text), text, to);
    strcpy(at, text);
    return out;
}

static void set_remote(side *s, kith_sdp_type type, const char *sdp)
{
    const kith_session_description description = {.type = type, .sdp = sdp};
    OK(kith_pc_set_remote_description(s->pc, &description));
}

static void describe(side *from)
{
    call *c = from->call;
    side *to = &c->sides[from == &c->sides[LEFT] ? RIGHT : LEFT];
    OK(kith_pc_set_local_description(from->pc, NULL));
    OK(kith_pc_set_remote_description(to->pc, kith_pc_local_description(from->pc)));
    if (kith_pc_signaling_state(to->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        describe(to);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void begin(call *c)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    for (int i = 0; i < 2; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->host = world_add_host(c->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = DELAY});
        s->host->on_event = on_event;
        s->host->user = s;
        OK(kith_pc_new(&s->pc, s->host->endpoint, NULL));
        c->streams[i] =
            (stream){.call = c, .kind = i == 0 ? KITH_AUDIO : KITH_VIDEO, .interval = KITH_MS(20)};
    }
    c->sides[LEFT].host->tap = look;
    c->sides[LEFT].host->tap_user = c;
}

static void add(call *c, kith_media_kind kind)
{
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, kind, NULL, NULL));
}

static void connect(call *c)
{
    describe(&c->sides[LEFT]);
    ck_assert_msg(world_run(c->world, KITH_SECONDS(20), is_connected, c), "%s",
                  kith_pc_why_failed(c->sides[LEFT].pc));
}

static const kith_srtp_counters *srtp_of(const call *c)
{
    return kith_srtp_get_counters(kith_pc_transport(c->sides[RIGHT].pc)->media->srtp);
}

static void end(call *c)
{
    for (int i = 0; i < 2; i++)
        kith_pc_free(c->sides[i].pc);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

/* Everything was verified. */
static void finish(call *c)
{
    ck_assert_uint_eq(srtp_of(c)->malformed + srtp_of(c)->auth_failed + srtp_of(c)->replayed, 0);
    end(c);
}

/* ---- muted ---- */

/* Until the stream is about to wrap: then it does so as soon as it goes on. */
static void send_until_wrap(call *c, stream *s)
{
    while (s->wire_number < 65500)
        send_for(c, s->interval * (kith_time)((65530 - s->wire_number) / 2));
}

/* It is as if it had never been away: RFC 3550 section 5.1 lets the timestamp go on, RFC 3711
 * section 3.3.1 the rollover counter. */
static void check_unmuted(const stream *s, kith_time at)
{
    uint32_t rate = s->kind == KITH_AUDIO ? 48000 : 90000;
    ck_assert_uint_eq(s->came, s->sent);
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_int_eq(s->first.received_at, at + DELAY);
    uint32_t ticks = (uint32_t)((at - s->sent_before) * rate / 1000000);
    uint32_t passed = s->first.rtp_timestamp - s->timestamp_before;
    ck_assert(passed - ticks + 1 <= 2);
    ck_assert(s->first.capture_known);
    ck_assert_int_ge(s->first.capture_time, at - KITH_MS(1));
    ck_assert_int_le(s->first.capture_time, at + KITH_MS(1));
    ck_assert_int_ge(s->first.play_at, s->first.received_at);
    ck_assert_int_le(s->first.play_at, s->first.received_at + KITH_MS(400));
}

START_TEST(what_is_muted_for_ten_minutes_goes_on_behind_its_wrap_and_that_of_the_others)
{
    for (unsigned kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        static call c;
        begin(&c);
        add(&c, KITH_AUDIO);
        add(&c, KITH_VIDEO);
        connect(&c);
        stream *muted = &c.streams[kind], *other = &c.streams[kind == KITH_AUDIO];
        muted->interval = KITH_MS(2);
        send_until_wrap(&c, muted);
        muted->interval = KITH_MS(20);
        other->interval = KITH_MS(8);
        muted->is_muted = true;
        unsigned sent = other->sent;
        send_for(&c, KITH_SECONDS(600));
        ck_assert_uint_gt(other->sent - sent, 65536);
        muted->is_muted = false;
        begin_looking(muted);
        kith_time at = world_now(c.world);
        send_for(&c, KITH_SECONDS(3));
        ck_assert_uint_lt(muted->wire_number, 200);
        check_unmuted(muted, at);
        ck_assert_uint_eq(other->came, other->sent);
        ck_assert_uint_eq(c.streams[KITH_VIDEO].requests, 1);
        ck_assert_uint_eq(c.streams[KITH_VIDEO].keys, 1);
        finish(&c);
    }
}
END_TEST

/* RIGHT wants nothing of the section, or something again; LEFT is told that nothing changed. */
static void turn_secretly(call *c, kith_direction direction)
{
    side *left = &c->sides[LEFT], *right = &c->sides[RIGHT];
    OK(kith_transceiver_set_direction(transceiver_of(c, RIGHT, KITH_VIDEO), direction));
    OK(kith_pc_set_local_description(right->pc, NULL));
    char *offer = replaced(kith_pc_local_description(right->pc)->sdp, "a=inactive", "a=recvonly");
    set_remote(left, KITH_SDP_OFFER, offer);
    OK(kith_pc_set_local_description(left->pc, NULL));
    const char *to = direction == KITH_DIRECTION_INACTIVE ? "a=inactive" : "a=sendonly";
    char *answer = replaced(kith_pc_local_description(left->pc)->sdp, "a=sendonly", to);
    set_remote(right, KITH_SDP_ANSWER, answer);
    free(offer);
    free(answer);
}

/* Its packets are authenticated all the while: what nobody wants has an index as well. */
START_TEST(a_stream_that_wraps_while_nobody_wants_it_goes_on_when_somebody_does)
{
    static call c;
    begin(&c);
    add(&c, KITH_AUDIO);
    add(&c, KITH_VIDEO);
    connect(&c);
    stream *s = &c.streams[KITH_VIDEO];
    send_for(&c, KITH_SECONDS(2));
    turn_secretly(&c, KITH_DIRECTION_INACTIVE);
    unsigned came = s->came, sent = s->sent;
    /* before our breaker sees five reports on which nothing arrives (RFC 8083 section 4.2) */
    s->interval = 50;
    send_for(&c, KITH_MS(3500));
    ck_assert_uint_gt(s->sent - sent, 65536);
    ck_assert_uint_eq(s->came, came);
    turn_secretly(&c, KITH_DIRECTION_RECVONLY);
    begin_looking(s);
    s->interval = KITH_MS(20);
    unsigned requests = s->requests;
    kith_time at = world_now(c.world);
    sent = s->sent;
    send_for(&c, KITH_SECONDS(3));
    ck_assert(s->first.is_key);
    ck_assert_uint_eq(s->requests - requests, 1);
    /* there, the request back, the next picture, and there */
    ck_assert_int_le(s->first.received_at, at + 3 * DELAY + s->interval);
    ck_assert_uint_eq(s->came - came, s->sent - s->first_number);
    finish(&c);
}
END_TEST

/* More than 2^15 packets do not arrive, though all others do: their numbers do not say that they
 * wrapped. */
START_TEST(a_stream_that_loses_its_wrap_is_found_again)
{
    for (unsigned lasts = 2; lasts <= 4; lasts++) {
        static call c;
        begin(&c);
        add(&c, KITH_AUDIO);
        add(&c, KITH_VIDEO);
        connect(&c);
        stream *s = &c.streams[KITH_VIDEO];
        send_for(&c, KITH_SECONDS(2));
        unsigned sent = s->sent, requests = s->requests;
        s->interval = 50;
        s->is_dropped = true;
        send_for(&c, KITH_SECONDS(lasts));
        ck_assert_uint_gt(s->sent - sent, 32768);
        s->is_dropped = false;
        s->interval = KITH_MS(20);
        begin_looking(s);
        kith_time at = world_now(c.world);
        send_for(&c, KITH_SECONDS(3));
        ck_assert(s->first.is_key);
        ck_assert_uint_eq(s->requests - requests, 1);
        /* two that are not found, then as whoever begins */
        ck_assert_int_le(s->first.received_at, at + 3 * s->interval + 3 * DELAY);
        ck_assert_uint_eq(c.streams[KITH_AUDIO].came, c.streams[KITH_AUDIO].sent);
        ck_assert_uint_le(srtp_of(&c)->auth_failed + srtp_of(&c)->replayed, 2);
        end(&c);
    }
}
END_TEST

/* ---- late ---- */

/* A source that has run for long, with numbers of its own, when there is a section for it. */
START_TEST(who_joins_late_asks_once_and_begins_with_a_key_frame)
{
    static const uint16_t numbers[] = {0, 1, 32767, 32768, 65500, 65535};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        static call c;
        begin(&c);
        add(&c, KITH_AUDIO);
        connect(&c);
        stream *s = &c.streams[KITH_VIDEO];
        s->is_source = true;
        s->source_number = numbers[i];
        s->encoding = KITH_MS(100);
        begin_sending(&c, KITH_SECONDS(10));
        world_run(c.world, KITH_SECONDS(5), NULL, NULL);
        add(&c, KITH_VIDEO);
        describe(&c.sides[LEFT]);
        begin_looking(s);
        kith_time at = world_now(c.world);
        world_run(c.world, KITH_SECONDS(6), NULL, NULL);
        ck_assert_uint_eq(s->requests, 1);
        ck_assert(s->first.is_key);
        ck_assert_uint_eq(s->keys, 1);
        ck_assert_int_le(s->first.received_at, at + s->encoding + s->interval + DELAY);
        ck_assert_uint_eq(s->came, s->sent - s->first_number);
        ck_assert_uint_eq(c.streams[KITH_AUDIO].came, c.streams[KITH_AUDIO].sent);
        finish(&c);
    }
}
END_TEST

/* ---- another SSRC ---- */

static uint32_t ssrc_of(const call *c, int at, kith_media_kind kind)
{
    return kith_rtp_out_ssrc(kith_transceiver_sender(transceiver_of(c, at, kind))->out);
}

/* RIGHT says that LEFT's SSRC is its own: LEFT takes another one (RFC 3550 section 8.2). */
static void collide(call *c, kith_media_kind kind)
{
    side *left = &c->sides[LEFT], *right = &c->sides[RIGHT];
    char theirs[16], ours[16];
    sprintf(theirs, "%u", ssrc_of(c, RIGHT, kind));
    sprintf(ours, "%u", ssrc_of(c, LEFT, kind));
    OK(kith_pc_set_local_description(right->pc, NULL));
    char *offer = replaced(kith_pc_local_description(right->pc)->sdp, theirs, ours);
    set_remote(left, KITH_SDP_OFFER, offer);
    free(offer);
    OK(kith_pc_set_local_description(left->pc, NULL));
    set_remote(right, KITH_SDP_ANSWER, kith_pc_local_description(left->pc)->sdp);
}

/* With the BYE of the old one or without. */
START_TEST(a_stream_goes_on_with_another_ssrc)
{
    for (int i = 0; i < 4; i++) {
        static call c;
        kith_media_kind kind = i % 2 ? KITH_VIDEO : KITH_AUDIO;
        begin(&c);
        add(&c, KITH_AUDIO);
        add(&c, KITH_VIDEO);
        connect(&c);
        for (unsigned k = KITH_AUDIO; k <= KITH_VIDEO; k++)
            OK(kith_transceiver_set_direction(transceiver_of(&c, RIGHT, k),
                                              KITH_DIRECTION_SENDRECV));
        describe(&c.sides[RIGHT]);
        stream *s = &c.streams[kind], *other = &c.streams[!kind];
        begin_sending(&c, KITH_SECONDS(10));
        world_run(c.world, KITH_SECONDS(3), NULL, NULL);
        uint32_t before = ssrc_of(&c, LEFT, kind);
        unsigned requests = s->requests;
        c.drops_rtcp = i / 2;
        begin_looking(s);
        collide(&c, kind);
        world_run(c.world, KITH_MS(100), NULL, NULL);
        ck_assert_uint_ne(ssrc_of(&c, LEFT, kind), before);
        ck_assert(kith_pc_negotiation_needed(c.sides[LEFT].pc));
        describe(&c.sides[LEFT]);
        world_run(c.world, KITH_MS(400), NULL, NULL);
        c.drops_rtcp = false;
        world_run(c.world, KITH_SECONDS(8), NULL, NULL);
        ck_assert_uint_eq(other->came, other->sent);
        ck_assert_uint_eq(s->lost, 0);
        ck_assert_int_le(s->first.received_at - s->first.capture_time, DELAY + KITH_MS(1));
        /* sound needs nothing before it */
        unsigned missing = kind == KITH_AUDIO ? 0 : (unsigned)(2 * DELAY / s->interval) + 1;
        ck_assert_uint_le(s->sent - s->came, missing);
        ck_assert_int_le(s->longest_gap, s->interval * (1 + missing));
        ck_assert_uint_eq(s->requests - requests, kind == KITH_VIDEO);
        ck_assert_uint_eq(c.streams[KITH_VIDEO].keys, kind == KITH_VIDEO ? 2 : 1);
        finish(&c);
    }
}
END_TEST

UNIT_MAIN("sim: streams",
          what_is_muted_for_ten_minutes_goes_on_behind_its_wrap_and_that_of_the_others,
          a_stream_that_wraps_while_nobody_wants_it_goes_on_when_somebody_does,
          a_stream_that_loses_its_wrap_is_found_again,
          who_joins_late_asks_once_and_begins_with_a_key_frame, a_stream_goes_on_with_another_ssrc)
