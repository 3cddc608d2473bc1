/* Memory is short while a call runs: of all that is asked for once it is connected, allocation n
 * fails, for every n, alone or with all after it until the shortage ends. Frames, of which some are
 * lost and sent again, flow both ways all the while, and so they do afterwards: nothing is stuck,
 * nothing is torn, nothing leaks. */
#include <stdio.h>
#include <string.h>

#include "../sim/world.h"
#include "../unit/unit.h"
#include "kith/files.h"
#include "oom.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };
/* Sections: sound, VP8, H.264. */
enum { SOUND, VP8, H264, SECTIONS };

/* What stands before the IDR picture of a key frame of H.264. */
#define SETS 22

typedef struct side {
    struct call *call;
    host *host;
    kith_pc *pc;
    kith_connection_state state;
    bool wants_key_frame[SECTIONS];
    unsigned sent[SECTIONS], came[SECTIONS], last[SECTIONS];
} side;

typedef struct call {
    world *world;
    side sides[2];
    bool is_over;
} call;

/* ---- frames that carry their number ---- */

static size_t make_frame(int section, bool is_key, unsigned n, uint8_t out[3000])
{
    static const uint8_t heads[SECTIONS][2][32] = {
        [SOUND] = {{31 << 3}, {31 << 3}},
        [VP8] = {{1, 0, 0}, {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}},
        [H264] = {{0, 0, 0, 1, 0x41},
                  {0, 0, 0, 1,    0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x07, 0x27, 0x88, 0xa4, 0,
                   0, 0, 1, 0x68, 0xcb, 0x83, 0xcb, 0x20, 0,    0,    0,    1,    0x65}}};
    static const size_t lens[SECTIONS][2] = {{1, 1}, {3, 10}, {5, 27}};
    size_t at = lens[section][is_key], len = section == SOUND ? 60 : is_key ? 3000 : 1400;
    memset(out, 0x55, len);
    memcpy(out, heads[section][is_key], at);
    out[at] = (uint8_t)(0x80 | n >> 8);
    out[at + 1] = (uint8_t)(0x80 | (n & 0x7f));
    out[at + 2] = (uint8_t)(n >> 7 & 1 ? 0xff : 0x80);
    return len;
}

static unsigned number_of(int section, const kith_frame *frame)
{
    static const size_t lens[SECTIONS][2] = {{1, 1}, {3, 10}, {5, 27}};
    size_t at = lens[section][frame->is_key];
    if (section == H264 && frame->is_key && frame->len < 3000)
        at -= SETS;
    const uint8_t *data = (const uint8_t *)frame->data + at;
    return (unsigned)(data[0] & 0x7f) << 8 | (data[2] == 0xff ? 0x80U : 0) | (data[1] & 0x7f);
}

static void note_frame(side *s, int section, const kith_frame *frame)
{
    uint8_t wanted[3000];
    unsigned n = number_of(section, frame);
    size_t len = make_frame(section, frame->is_key, n, wanted);
    /* the first picture of a stream may have lost its parameter sets, which may have come before */
    size_t without = section == H264 && frame->is_key && frame->len < len ? SETS : 0;
    ck_assert_uint_eq(frame->len, len - without);
    ck_assert_mem_eq(frame->data, wanted + without, frame->len);
    bool follows = s->came[section] > 0 && n == s->last[section] + 1;
    ck_assert_msg(
        section == SOUND ? s->came[section] == 0 || n > s->last[section] : follows || frame->is_key,
        "allocation %zu: section %d: frame %u after %u", oom.fail_at, section, n, s->last[section]);
    s->last[section] = n;
    s->came[section]++;
}

static int section_of(const kith_event *ev)
{
    int section = SOUND;
    while (kith_pc_transceiver_at(ev->pc, (size_t)section) != ev->transceiver)
        section++;
    return section;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    side *s = user;
    side *other = &s->call->sides[s == &s->call->sides[LEFT]];
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
        s->wants_key_frame[section_of(ev)] = true;
        break;
    case KITH_EV_FRAME:
        note_frame(s, section_of(ev), ev->frame);
        break;
    default:
        break;
    }
}

/* One that is not taken was never encoded; and who is refused a key frame is asked again. */
static void send(side *s, int section)
{
    uint8_t data[3000];
    kith_frame frame = KITH_FRAME_INIT;
    bool is_key = s->wants_key_frame[section];
    frame.data = data;
    frame.len = make_frame(section, is_key, s->sent[section], data);
    frame.capture_time = world_now(s->call->world);
    kith_sender *sender = kith_transceiver_sender(kith_pc_transceiver_at(s->pc, (size_t)section));
    kith_err err = kith_sender_send_frame(sender, &frame);
    ck_assert(err == KITH_OK || err == KITH_ERR_AGAIN || err == KITH_ERR_NO_MEMORY);
    s->sent[section] += err == KITH_OK;
    s->wants_key_frame[section] = false;
}

static void send_all(void *user)
{
    call *c = user;
    if (c->is_over)
        return;
    for (int i = LEFT; i <= RIGHT; i++)
        for (int section = SOUND; section < SECTIONS; section++)
            send(&c->sides[i], section);
    world_at(c->world, world_now(c->world) + KITH_MS(40), send_all, c);
}

/* ---- the call ---- */

static void describe(call *c, int from)
{
    OK(kith_pc_set_local_description(c->sides[from].pc, NULL));
    OK(kith_pc_set_remote_description(c->sides[!from].pc,
                                      kith_pc_local_description(c->sides[from].pc)));
    if (kith_pc_signaling_state(c->sides[!from].pc) != KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        return;
    for (size_t i = 0; i < SECTIONS; i++)
        OK(kith_transceiver_set_direction(kith_pc_transceiver_at(c->sides[!from].pc, i),
                                          KITH_DIRECTION_SENDRECV));
    describe(c, !from);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void connect(call *c)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    c->world = world_new(1);
    for (int i = LEFT; i <= RIGHT; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->host =
            world_add_host(c->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = KITH_MS(10)});
        s->host->on_event = on_event;
        s->host->user = s;
        OK(kith_pc_new(&s->pc, s->host->endpoint, NULL));
    }
    const kith_rtp_codec *h264;
    for (size_t i = 0; (h264 = kith_rtp_capability_at(KITH_VIDEO, i)); i++)
        if (strcmp(h264->mime_type, "video/H264") == 0)
            break;
    for (int section = SOUND; section < SECTIONS; section++) {
        kith_transceiver *t;
        OK(kith_pc_add_transceiver(c->sides[LEFT].pc, section == SOUND ? KITH_AUDIO : KITH_VIDEO,
                                   NULL, &t));
        if (section == H264)
            OK(kith_transceiver_set_codec_preferences(t, h264, 1));
    }
    describe(c, LEFT);
    ck_assert(world_run(c->world, KITH_SECONDS(20), is_connected, c));
}

static void ask_for_statistics(call *c)
{
    for (int i = LEFT; i <= RIGHT; i++) {
        kith_stats_report *report = NULL;
        char *json = NULL;
        kith_err err = kith_pc_get_stats(c->sides[i].pc, &report);
        if (err == KITH_OK)
            err = kith_stats_report_to_json(report, &json);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
        kith_free(json);
        kith_stats_report_free(report);
    }
}

static void live(void *arg)
{
    static call c;
    (void)arg;
    oom.spares = true;
    connect(&c);
    oom.spares = false;
    for (int i = LEFT; i <= RIGHT; i++)
        c.sides[i].host->link.loss = 0.05;
    send_all(&c);
    for (int i = 0; i < 4; i++) {
        world_run(c.world, KITH_MS(300), NULL, NULL);
        ask_for_statistics(&c);
    }
    oom.spares = true;
    for (int i = LEFT; i <= RIGHT; i++)
        c.sides[i].host->link.loss = 0;
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    unsigned came[2][SECTIONS];
    for (int i = LEFT; i <= RIGHT; i++)
        memcpy(came[i], c.sides[i].came, sizeof came[i]);
    world_run(c.world, KITH_SECONDS(1), NULL, NULL);
    for (int i = LEFT; i <= RIGHT; i++)
        for (int section = SOUND; section < SECTIONS; section++)
            ck_assert_msg(c.sides[i].came[section] >= came[i][section] + 24 &&
                              c.sides[i].came[section] <= came[i][section] + 26,
                          "allocation %zu%s: side %d, section %d: %u frames come a second",
                          oom.fail_at, oom.persistent ? " and all after it" : "", i, section,
                          c.sides[i].came[section] - came[i][section]);
    ask_for_statistics(&c);
    c.is_over = true;
    for (int i = LEFT; i <= RIGHT; i++)
        kith_pc_free(c.sides[i].pc);
    world_run(c.world, KITH_SECONDS(2), NULL, NULL);
    world_free(c.world);
    oom.spares = false;
}

START_TEST(a_running_call_goes_on_after_every_failed_allocation)
{
    oom_begin(0, false);
    live(NULL);
    (void)oom_end();
    ck_assert_uint_ge(oom_sweep(live, NULL), 100);
}
END_TEST

/* ---- codecs and files ---- */

static void declare(void *arg)
{
    static const kith_rtp_codec codecs[] = {
        {.mime_type = "audio/opus", .clock_rate = 48000, .channels = 2},
        {.mime_type = "video/VP9", .clock_rate = 90000, .sdp_fmtp_line = "profile-id=0"},
        {.mime_type = "audio/G722", .clock_rate = 8000, .channels = 1, .payload_type = 9}};
    kith_endpoint *ep = NULL;
    kith_pc *pc = NULL;
    (void)arg;
    if (kith_endpoint_new(&ep, NULL) == KITH_OK && kith_pc_new(&pc, ep, NULL) == KITH_OK) {
        kith_err err = kith_pc_set_codecs(pc, codecs, 3);
        ck_assert(err == KITH_OK || err == KITH_ERR_NO_MEMORY);
        /* changed nothing, and works when it is made again */
        if (err != KITH_OK && !oom.persistent)
            OK(kith_pc_set_codecs(pc, codecs, 3));
    }
    kith_endpoint_free(ep);
}

static kith_err add_frame(kith_file_writer *w, unsigned n, const kith_rtp_codec *codec)
{
    static uint8_t data[2000] = {31 << 3};
    kith_frame frame = KITH_FRAME_INIT;
    frame.codec = codec;
    frame.data = data;
    frame.len = 100 + n * 60;
    frame.is_key = true;
    frame.rtp_timestamp = 960 * n;
    return kith_file_writer_add(w, &frame);
}

/* Written and read: what was refused for want of memory is given again. */
static void copy(void *arg)
{
    (void)arg;
    static uint8_t file[65536];
    size_t len = 0;
    unsigned came = 0;
    const kith_rtp_codec *opus = kith_rtp_capability_at(KITH_AUDIO, 0);
    kith_file_writer *w = NULL;
    kith_file_reader *r = NULL;
    if (kith_file_writer_new(&w, opus) == KITH_OK) {
        bool is_whole = true;
        for (unsigned n = 0; n < 20; n++) {
            kith_err err = add_frame(w, n, opus);
            if (err == KITH_ERR_NO_MEMORY)
                err = add_frame(w, n, opus);
            is_whole &= err == KITH_OK;
        }
        kith_err err = kith_file_writer_end(w);
        if (err == KITH_ERR_NO_MEMORY)
            err = kith_file_writer_end(w);
        is_whole &= err == KITH_OK;
        ck_assert(is_whole || oom.persistent);
        for (const kith_file_bytes *b; (b = kith_file_writer_output(w));) {
            ck_assert_uint_le(b->at + b->len, sizeof file);
            memcpy(file + b->at, b->data, b->len);
            len = b->at + b->len > len ? b->at + b->len : len;
        }
        if (is_whole && kith_file_reader_new(&r) == KITH_OK) {
            const kith_frame *frame;
            for (size_t at = 0; (err = kith_file_reader_next(r, &frame)) == KITH_OK ||
                                err == KITH_ERR_AGAIN || err == KITH_ERR_NO_MEMORY;) {
                if (err == KITH_OK && !frame)
                    break;
                came += err == KITH_OK;
                if (err != KITH_ERR_AGAIN) {
                    if (err == KITH_ERR_NO_MEMORY && oom.persistent)
                        break;
                    continue;
                }
                size_t piece = len - at < 300 ? len - at : 300;
                err = kith_file_reader_give(r, file + at, piece);
                if (err == KITH_ERR_NO_MEMORY && oom.persistent)
                    break;
                at += err == KITH_OK ? piece : 0;
            }
            ck_assert_msg(came == 20 || oom.persistent, "allocation %zu: %u of 20: %s", oom.fail_at,
                          came, kith_last_error()->message);
        }
    }
    kith_file_reader_free(r);
    kith_file_writer_free(w);
}

START_TEST(codecs_and_files_lack_memory_and_nothing_else)
{
    ck_assert_uint_ge(oom_sweep(declare, NULL), 5);
    ck_assert_uint_ge(oom_sweep(copy, NULL), 5);
}
END_TEST

UNIT_MAIN("oom: call", a_running_call_goes_on_after_every_failed_allocation,
          codecs_and_files_lack_memory_and_nothing_else)
