/* A call: a whole peer, the left one, in the simulator, to which the right one sends sound and
 * pictures while directions change, sections are added and stopped, packets are lost, strangers
 * throw bytes, and somebody who has the right one's keys says what the input says. Whatever comes:
 *
 * - it neither crashes nor stores without bound, and its API goes on working;
 * - bytes that no key holder made change no state, take no stream, and are not told;
 * - as long as the right peer alone spoke for itself, a frame is told as it was sent, in order, and
 *   one of video after the one that was sent before it, or as a key frame;
 * - then, with a whole network, frames of both kinds come again.
 *
 * An input is a list of steps: a byte that says what, a byte of operand, a byte of length, and that
 * many bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"
#include "network.h"
#include "pc/pc.h"
#include "srtp/session.h"

enum step {
    FRAME,     /* the right application sends a frame; the first byte says how long */
    PACKET,    /* the right application sends these bytes as a payload */
    SRTP,      /* these bytes, encrypted in the right peer's name */
    FORGE,     /* a stranger's: a datagram of the right peer's, changed */
    INVENT,    /* a stranger's: these bytes as RTP or RTCP */
    DIRECTION, /* a side turns a transceiver and offers */
    MODE,      /* the left application wants packets or frames */
    KEY_FRAME, /* it asks for a key frame */
    ADD,       /* a side adds a section and offers */
    STOP,      /* a side stops a transceiver and offers */
    WAIT,      /* `operand` times 10 ms */
    NETWORK,   /* either side is cut off or loses packets */
    STEPS,
};

#define MAX_STEPS        200
#define RECENT           8
#define MAX_TRANSCEIVERS 6
/* ms, as in fuzz_peer.c */
#define MAX_OUTAGE 3000

typedef struct datagram {
    size_t len;
    uint8_t bytes[KITH_MAX_PACKET];
} datagram;

typedef struct scene {
    duo d;
    /* what the right peer sent last */
    datagram recent[RECENT];
    unsigned sent_count;
    /* by kind: frames that were sent, and the last that was told, of those since `is_fresh` */
    unsigned sent[2], told[2], count[2];
    bool is_fresh[2], gets_packets[2], wants_key_frame;
    /* somebody else, or an application without frames, spoke in the right peer's streams */
    bool tainted, stopped;
    unsigned outage;
} scene;

static void (*duo_handlers[2])(host *h, const kith_event *ev, void *user);

static kith_pc *pc_of(scene *s, enum side side)
{
    return s->d.peers[side].pc;
}

/* ---- frames that are what their number says ---- */

static size_t make_frame(kith_media_kind kind, bool is_key, unsigned n, size_t len, uint8_t *out)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    size_t at = 1;
    out[0] = 31 << 3; /* 20 ms of Opus */
    if (kind == KITH_VIDEO) {
        at = is_key ? sizeof key : sizeof delta;
        memcpy(out, is_key ? key : delta, at);
    }
    out[at] = (uint8_t)(n >> 8);
    out[at + 1] = (uint8_t)n;
    for (size_t i = at + 2; i < len; i++)
        out[i] = (uint8_t)(n * 31 + i * 7 + len);
    return len;
}

static void judge(scene *s, kith_media_kind kind, const kith_frame *frame)
{
    static uint8_t wanted[1 << 15];
    const uint8_t *data = frame->data;
    size_t at = kind == KITH_AUDIO ? 1 : frame->is_key ? 10 : 3;
    s->count[kind]++;
    if (s->tainted)
        return;
    assert(frame->len > at + 2 && frame->len <= sizeof wanted);
    unsigned n = (unsigned)(data[at] << 8 | data[at + 1]);
    make_frame(kind, frame->is_key, n, frame->len, wanted);
    assert(memcmp(data, wanted, frame->len) == 0);
    assert(n > s->told[kind] && n <= s->sent[kind]);
    assert(kind == KITH_AUDIO || frame->is_key || (!s->is_fresh[kind] && n == s->told[kind] + 1));
    s->told[kind] = n;
    s->is_fresh[kind] = false;
}

static void hear(host *h, const kith_event *ev, void *user)
{
    duo_peer *p = user;
    scene *s = (scene *)p->duo;
    if (ev->type == KITH_EV_FRAME && p->side == LEFT)
        judge(s, kith_transceiver_kind(ev->transceiver), ev->frame);
    if (ev->type == KITH_EV_KEY_FRAME_REQUEST && p->side == RIGHT)
        s->wants_key_frame = true;
    if (ev->type == KITH_EV_TRACK && p->side == LEFT) {
        kith_err err = kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES);
        assert(err == KITH_OK);
    }
    duo_handlers[p->side](h, ev, user);
}

static bool record(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    scene *s = user;
    (void)h, (void)path;
    datagram *d = &s->recent[s->sent_count++ % RECENT];
    memcpy(d->bytes, data, *len);
    d->len = *len;
    return true;
}

/* ---- the right application ---- */

/* The first transceiver of that kind. */
static kith_transceiver *find(kith_pc *pc, kith_media_kind kind)
{
    for (size_t i = 0; i < kith_pc_transceiver_count(pc); i++)
        if (kith_transceiver_kind(kith_pc_transceiver_at(pc, i)) == kind)
            return kith_pc_transceiver_at(pc, i);
    return NULL;
}

/* A frame that is refused was never encoded, as far as the numbers go. */
static void send_frame(scene *s, kith_media_kind kind, bool is_key, size_t len)
{
    static uint8_t data[1 << 15];
    kith_transceiver *t = find(pc_of(s, RIGHT), kind);
    kith_frame frame = KITH_FRAME_INIT;
    if (!t)
        return;
    is_key = is_key || s->wants_key_frame || kind == KITH_AUDIO;
    frame.data = data;
    frame.len = make_frame(kind, is_key, s->sent[kind] + 1, len, data);
    frame.capture_time = virtual_now();
    kith_err err = kith_sender_send_frame(kith_transceiver_sender(t), &frame);
    assert(err == KITH_OK || err == KITH_ERR_AGAIN || err == KITH_ERR_INVALID_STATE);
    s->sent[kind] += err == KITH_OK;
    if (kind == KITH_VIDEO && err == KITH_OK && is_key)
        s->wants_key_frame = false;
}

static void send_packet(scene *s, uint8_t operand, kith_span bytes)
{
    kith_transceiver *t = find(pc_of(s, RIGHT), (kith_media_kind)(operand & 1));
    kith_rtp packet = KITH_RTP_INIT;
    if (!t)
        return;
    s->tainted = true;
    packet.payload = bytes.data;
    packet.len = bytes.len;
    packet.ssrc = 1;
    packet.sequence_number = (uint16_t)s->sent_count;
    packet.timestamp = s->sent_count * 960;
    packet.marker = operand & 2;
    kith_err err = kith_sender_send_rtp(kith_transceiver_sender(t), &packet);
    assert(err != KITH_ERR_NO_MEMORY);
}

/* ---- what comes to the left from elsewhere ---- */

static void deliver(scene *s, bool elsewhere, const uint8_t *data, size_t len)
{
    host *left = s->d.peers[LEFT].host;
    kith_packet_info info = {
        .size = sizeof info,
        .path = {.local = left->address, .remote = s->d.peers[RIGHT].host->address}};
    info.path.remote.port += elsewhere;
    kith_endpoint_handle_packet(left->endpoint, virtual_now(), &info, data, len);
}

/* The low bit of `operand` says whether it is RTCP; the next ones whose SSRC stands in it, and
 * whether its numbers follow on what the right peer's own had. */
static void deliver_srtp(scene *s, uint8_t operand, kith_span bytes)
{
    kith_media *theirs = kith_pc_transport(pc_of(s, RIGHT))->media;
    kith_transceiver *t = find(pc_of(s, RIGHT), (kith_media_kind)(operand >> 1 & 1));
    uint8_t packet[512];
    bool is_rtcp = operand & 1;
    size_t at = is_rtcp ? 4 : 8, len = bytes.len;
    if (!theirs || !theirs->srtp || !t || len < at + 4)
        return;
    memcpy(packet, bytes.data, len);
    packet[0] = (uint8_t)(0x80 | (packet[0] & 0x3f));
    if (operand & 4)
        for (int i = 0; i < 4; i++)
            packet[at + (size_t)i] = (uint8_t)(kith_transceiver_sender(t)->ssrc >> (24 - 8 * i));
    kith_err err = is_rtcp ? kith_srtp_protect_rtcp(theirs->srtp, packet, &len, sizeof packet)
                           : kith_srtp_protect_rtp(theirs->srtp, packet, &len, sizeof packet);
    if (err != KITH_OK)
        return;
    s->tainted = true;
    deliver(s, false, packet, len);
}

/* What no stranger may change. */
typedef struct standing {
    kith_connection_state connection;
    size_t streams;
    unsigned count[2];
} standing;

static standing left_standing(scene *s)
{
    const kith_media *media = kith_pc_transport(pc_of(s, LEFT))->media;
    standing now = {.connection = kith_pc_connection_state(pc_of(s, LEFT)),
                    .streams = media && media->srtp ? media->srtp->inbound->streams.count : 0};
    memcpy(now.count, s->count, sizeof now.count);
    return now;
}

static void deliver_stranger(scene *s, bool elsewhere, const uint8_t *data, size_t len)
{
    standing before = left_standing(s);
    deliver(s, elsewhere, data, len);
    standing after = left_standing(s);
    assert(after.connection == before.connection && after.streams == before.streams);
    assert(memcmp(after.count, before.count, sizeof after.count) == 0);
}

/* `operand`: which datagram, and its high bit whether it comes from elsewhere. One byte: how much
 * is cut off; more: where, and what is added there. */
static void forge(scene *s, uint8_t operand, kith_span bytes)
{
    datagram d = s->recent[operand % RECENT];
    kith_reader r = kith_rd(bytes.data, bytes.len);
    bool changed = false;
    if (d.len == 0 || bytes.len == 0)
        return;
    if (bytes.len == 1) {
        deliver_stranger(s, operand & 128, d.bytes, d.len - 1 - bytes.data[0] % d.len);
        return;
    }
    for (size_t at = kith_rd_u16(&r); kith_rd_left(&r) > 0; at++) {
        uint8_t change = kith_rd_u8(&r);
        d.bytes[at % d.len] ^= change;
        changed = changed || change != 0;
    }
    if (changed)
        deliver_stranger(s, operand & 128, d.bytes, d.len);
}

static void invent(scene *s, uint8_t operand, kith_span bytes)
{
    uint8_t packet[256];
    if (bytes.len == 0)
        return;
    memcpy(packet, bytes.data, bytes.len);
    packet[0] = (uint8_t)(0x80 | (packet[0] & 0x3f));
    deliver_stranger(s, operand & 128, packet, bytes.len);
}

/* ---- negotiations ---- */

static void offer(scene *s, enum side side)
{
    if (kith_pc_signaling_state(pc_of(s, side)) == KITH_SIGNALING_STATE_STABLE)
        duo_offer(&s->d, side);
    assert(!s->d.failed_call);
}

/* Its low bit the side, the next three which transceiver, the next two the direction. */
static void turn(scene *s, uint8_t operand)
{
    enum side side = operand & 1;
    kith_transceiver *t = kith_pc_transceiver_at(pc_of(s, side), operand >> 1 & 7);
    if (!t ||
        kith_transceiver_set_direction(t, KITH_DIRECTION_SENDRECV + (operand >> 4 & 3)) != KITH_OK)
        return;
    offer(s, side);
}

static void add(scene *s, uint8_t operand)
{
    enum side side = operand & 1;
    if (kith_pc_transceiver_count(pc_of(s, side)) >= MAX_TRANSCEIVERS)
        return;
    kith_err err =
        kith_pc_add_transceiver(pc_of(s, side), (kith_media_kind)(operand >> 1 & 1), NULL, NULL);
    assert(err == KITH_OK);
    offer(s, side);
}

static void stop(scene *s, uint8_t operand)
{
    enum side side = operand & 1;
    kith_transceiver *t = kith_pc_transceiver_at(pc_of(s, side), operand >> 1 & 7);
    if (!t)
        return;
    s->stopped = true;
    kith_err err = kith_transceiver_stop(t);
    assert(err == KITH_OK || err == KITH_ERR_INVALID_STATE);
    offer(s, side);
}

static void set_mode(scene *s, uint8_t operand)
{
    kith_media_kind kind = (kith_media_kind)(operand & 1);
    kith_transceiver *t = find(pc_of(s, LEFT), kind);
    if (!t)
        return;
    kith_err err = kith_receiver_set_mode(kith_transceiver_receiver(t),
                                          operand & 2 ? KITH_RECEIVE_PACKETS : KITH_RECEIVE_FRAMES);
    assert(err == KITH_OK);
    bool gets_packets = operand & 2;
    s->is_fresh[kind] = s->is_fresh[kind] || gets_packets != s->gets_packets[kind];
    s->gets_packets[kind] = gets_packets;
}

/* ---- the play ---- */

static void take_step(scene *s, kith_reader *input)
{
    enum step step = (enum step)(kith_rd_u8(input) % STEPS);
    uint8_t operand = kith_rd_u8(input);
    size_t len = kith_rd_u8(input);
    kith_span bytes = kith_rd_span(input, len < kith_rd_left(input) ? len : kith_rd_left(input));
    unsigned ms = 5;
    switch (step) {
    case FRAME:
        send_frame(s, (kith_media_kind)(operand & 1), operand & 2,
                   operand & 1 && bytes.len > 0 ? 20 + 100u * bytes.data[0] : 60);
        break;
    case PACKET:
        send_packet(s, operand, bytes);
        break;
    case SRTP:
        deliver_srtp(s, operand, bytes);
        break;
    case FORGE:
        forge(s, operand, bytes);
        break;
    case INVENT:
        invent(s, operand, bytes);
        break;
    case DIRECTION:
        turn(s, operand);
        break;
    case MODE:
        set_mode(s, operand);
        break;
    case KEY_FRAME: {
        kith_transceiver *t = find(pc_of(s, LEFT), KITH_VIDEO);
        if (t)
            kith_receiver_request_key_frame(kith_transceiver_receiver(t));
        break;
    }
    case ADD:
        add(s, operand);
        break;
    case STOP:
        stop(s, operand);
        break;
    case WAIT:
        ms = 10 * operand;
        break;
    case NETWORK:
        set_network(&s->d, operand);
        break;
    case STEPS:
        break;
    }
    pass(&s->d, ms, &s->outage);
}

/* Both first transceivers carry frames from right to left again. */
static void resume(scene *s)
{
    set_network(&s->d, 0);
    world_run(s->d.world, KITH_SECONDS(10), NULL, NULL);
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        set_mode(s, (uint8_t)kind);
        for (unsigned i = LEFT; i <= RIGHT; i++) {
            kith_transceiver *of_kind = find(pc_of(s, i), (kith_media_kind)kind);
            kith_err err = kith_transceiver_set_direction(of_kind, KITH_DIRECTION_SENDRECV);
            assert(err == KITH_OK);
        }
    }
    offer(s, RIGHT);
    world_run(s->d.world, KITH_SECONDS(1), NULL, NULL);
    offer(s, LEFT);
    world_run(s->d.world, KITH_SECONDS(1), NULL, NULL);
}

static void end(scene *s)
{
    kith_stats_report *report = NULL;
    if (!s->stopped && s->outage <= MAX_OUTAGE) {
        resume(s);
        assert(kith_pc_connection_state(pc_of(s, LEFT)) == KITH_CONNECTION_STATE_CONNECTED);
        const unsigned before[] = {s->count[0], s->count[1]};
        for (int i = 0; i < 50; i++) {
            send_frame(s, KITH_AUDIO, true, 60);
            send_frame(s, KITH_VIDEO, i == 0, 1000);
            world_run(s->d.world, KITH_MS(20), NULL, NULL);
        }
        world_run(s->d.world, KITH_SECONDS(2), NULL, NULL);
        assert(s->tainted || s->count[KITH_AUDIO] >= before[KITH_AUDIO] + 40);
        assert(s->tainted || s->count[KITH_VIDEO] >= before[KITH_VIDEO] + 10);
    }
    kith_err err = kith_pc_get_stats(pc_of(s, LEFT), &report);
    assert(err == KITH_OK);
    kith_stats_report_free(report);
}

/* The left one offers two sections, the right one sends in them. */
static void begin(scene *s)
{
    duo *d = &s->d;
    for (int i = LEFT; i <= RIGHT; i++) {
        duo_handlers[i] = d->peers[i].host->on_event;
        d->peers[i].host->on_event = hear;
        s->is_fresh[i] = true;
    }
    d->peers[RIGHT].host->tap = record;
    d->peers[RIGHT].host->tap_user = s;
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        kith_err err = kith_pc_add_transceiver(pc_of(s, LEFT), (kith_media_kind)kind, NULL, NULL);
        assert(err == KITH_OK);
    }
    offer(s, LEFT);
    bool connected = world_run(d->world, KITH_SECONDS(5), duo_is_connected, d);
    assert(connected);
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++) {
        kith_err err = kith_transceiver_set_direction(find(pc_of(s, RIGHT), (kith_media_kind)kind),
                                                      KITH_DIRECTION_SENDRECV);
        assert(err == KITH_OK);
    }
    offer(s, RIGHT);
    world_run(d->world, KITH_MS(100), NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static scene s;
    duo_options options = {.seed = 78, .link = {.delay = KITH_MS(1)}, .no_channel = true};
    memset(&s, 0, sizeof s);
    if (!duo_init(&s.d, &options))
        return 0;
    begin(&s);
    kith_reader input = kith_rd(data, size);
    for (int i = 0; i < MAX_STEPS && kith_rd_left(&input) >= 3; i++)
        take_step(&s, &input);
    end(&s);
    duo_deinit(&s.d);
    return 0;
}
