/* Sound and picture through loss, delay and reordering, of every strength: LEFT sends frames, RIGHT
 * receives them, or mirrors the packets and LEFT receives them. What a stream asks for and what is
 * sent again is watched packet by packet: within a round trip nothing is asked for but once more, a
 * quarter of the interval later or when there is room, and nothing is sent again, but twice at once
 * what is late.
 *
 * The bounds are those of theory. Of what is lost with probability p a request fails with
 * q = 1 - (1 - p)^2, since it or what it asks for may be lost; it is made again every round trip.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "pc/media.h"
#include "pc/pc.h"
#include "rtp/session.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { LEFT, RIGHT };

/* So few packets that RFC 8083 section 4.3 lets them pass at 30 % and 500 ms: ten times TCP's share
 * is 45 of them a second. */
#define AUDIO_INTERVAL KITH_MS(40)
#define SAMPLES        1920
#define VIDEO_INTERVAL KITH_MS(50)
#define KEY_FRAME      6000
/* of video, with 14 bytes less than that at least */
#define MOST_IN_PACKET 1200
/* What does not come in spite of all requests is given up (media/video.c), or is not kept any
 * longer (rtp/rtx.c); of the requests (rtp/nack.c). */
#define GIVEN_UP       KITH_SECONDS(3)
#define LEAST_KEPT     KITH_SECONDS(1)
#define KEPT_TRIPS     16
#define MOST_REQUESTS  40
#define LEAST_INTERVAL KITH_MS(20)
/* Of a request for a key frame: so much longer than the round trip it is waited for. */
#define ENCODING KITH_MS(200)

/* What was asked for of a stream, and what of it was sent again. */
typedef struct watch {
    uint32_t ssrc;
    kith_time asked_at[65536], again_at[65536], key_asked_at;
    /* said and sent for the second time are those beside the others */
    unsigned requests, seconds, again, again_twice, key_requests;
    bool is_second_said[65536];
    kith_time round_trip, interval, closest_asked, closest_again, closest_key;
} watch;

#define MAX_WATCHES 4

static watch watches[MAX_WATCHES];

typedef struct side {
    struct call *call;
    host *host;
    kith_pc *pc;
    kith_connection_state state;
} side;

typedef struct call {
    world *world;
    side sides[2];
    bool is_mirrored;
    kith_time until;
    bool wants_key_frame;
    unsigned sent[2], refused[2];
    /* where frames come: the number of the last, how many came and were told to be missing, and the
     * longest time without one */
    unsigned last[2], came[2], missing[2], keys;
    kith_time last_at, longest_gap;
} call;

/* After which a request is made again: senders are paced, and no round trip is like the last. */
static kith_time interval_of(kith_time round_trip)
{
    kith_time interval = round_trip + (round_trip > KITH_MS(80) ? round_trip / 8 : KITH_MS(10));
    return interval > LEAST_INTERVAL ? interval : LEAST_INTERVAL;
}

/* Of the world: of a cell in which much is given up, several say more than one. */
static uint64_t seed = 1;

/* ---- what is asked for and sent again ---- */

static watch *watch_of(uint32_t ssrc)
{
    size_t i = 0;
    while (watches[i].ssrc != 0 && watches[i].ssrc != ssrc)
        i++;
    ck_assert_uint_lt(i, MAX_WATCHES);
    watches[i].ssrc = ssrc;
    return &watches[i];
}

static void begin_watching(kith_time round_trip)
{
    memset(watches, 0, sizeof watches);
    for (size_t i = 0; i < MAX_WATCHES; i++) {
        watches[i].round_trip = round_trip;
        watches[i].interval = interval_of(round_trip);
        watches[i].closest_asked = watches[i].closest_again = watches[i].closest_key = KITH_NEVER;
    }
}

static void note_time(kith_time *last_at, kith_time *closest)
{
    kith_time now = virtual_now();
    if (*last_at > 0 && now - *last_at < *closest)
        *closest = now - *last_at;
    *last_at = now;
}

static void note_request(watch *seen, uint16_t number)
{
    kith_time passed = virtual_now() - seen->asked_at[number];
    bool is_second = seen->asked_at[number] > 0 && !seen->is_second_said[number] &&
                     passed >= seen->interval / 4 && passed < seen->interval - KITH_MS(1);
    seen->is_second_said[number] = is_second;
    seen->seconds += is_second;
    if (is_second)
        return;
    seen->requests++;
    note_time(&seen->asked_at[number], &seen->closest_asked);
}

static void note_again(watch *seen, const kith_rtp_out *out, uint16_t number)
{
    kith_time now = virtual_now();
    const kith_rtp_sent *sent = kith_rtp_history_find(&out->history, number);
    if (seen->again_at[number] == now) {
        ck_assert_ptr_nonnull(sent);
        ck_assert_int_ge(now - sent->left_at, seen->round_trip + KITH_MS(20));
        seen->again_twice++;
        return;
    }
    seen->again++;
    note_time(&seen->again_at[number], &seen->closest_again);
}

/* The linker puts these in front of the functions of their names. */
void __real_kith_rtcp_write_nack(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                                 const uint16_t *numbers, size_t count);
void __wrap_kith_rtcp_write_nack(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                                 const uint16_t *numbers, size_t count);
void __real_kith_rtcp_write_pli(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);
void __wrap_kith_rtcp_write_pli(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);
size_t __real_kith_rtp_write_packet(const kith_rtp_session *s, kith_time now,
                                    const kith_rtp_out *out, const kith_rtp_leaving *leaving,
                                    uint8_t *buf);
size_t __wrap_kith_rtp_write_packet(const kith_rtp_session *s, kith_time now,
                                    const kith_rtp_out *out, const kith_rtp_leaving *leaving,
                                    uint8_t *buf);

void __wrap_kith_rtcp_write_nack(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                                 const uint16_t *numbers, size_t count)
{
    watch *seen = watch_of(media_ssrc);
    for (size_t i = 0; i < count; i++)
        note_request(seen, numbers[i]);
    __real_kith_rtcp_write_nack(w, sender_ssrc, media_ssrc, numbers, count);
}

void __wrap_kith_rtcp_write_pli(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc)
{
    watch *seen = watch_of(media_ssrc);
    note_time(&seen->key_asked_at, &seen->closest_key);
    seen->key_requests++;
    __real_kith_rtcp_write_pli(w, sender_ssrc, media_ssrc);
}

size_t __wrap_kith_rtp_write_packet(const kith_rtp_session *s, kith_time now,
                                    const kith_rtp_out *out, const kith_rtp_leaving *leaving,
                                    uint8_t *buf)
{
    if (leaving->has_osn)
        note_again(watch_of(out->repaired->ssrc), out->repaired, leaving->osn);
    return __real_kith_rtp_write_packet(s, now, out, leaving, buf);
}

/* ---- frames ---- */

/* Frame number n: the header of its kind, the number, and bytes that follow from it. */
static size_t make_frame(kith_media_kind kind, bool is_key, unsigned n, uint8_t *out)
{
    static const uint8_t key[] = {0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, delta[] = {1, 0, 0};
    size_t at = 1, len = 61;
    out[0] = 31 << 3 | 1; /* Opus: two frames of 20 ms */
    if (kind == KITH_VIDEO) {
        at = is_key ? sizeof key : sizeof delta;
        memcpy(out, is_key ? key : delta, at);
        len = is_key ? KEY_FRAME : 300 + n * 37 % 1500;
    }
    out[at] = (uint8_t)(n >> 8);
    out[at + 1] = (uint8_t)n;
    for (size_t i = at + 2; i < len; i++)
        out[i] = (uint8_t)(n * 31 + i * 7);
    return len;
}

/* It is a frame that was sent, whole, and what it needs came before. */
static void note(call *c, kith_media_kind kind, const kith_frame *frame)
{
    static uint8_t wanted[KEY_FRAME];
    const uint8_t *data = frame->data;
    size_t at = kind == KITH_AUDIO ? 1 : frame->is_key ? 10 : 3;
    unsigned n = (unsigned)(data[at] << 8 | data[at + 1]);
    ck_assert_uint_eq(frame->len, make_frame(kind, frame->is_key, n, wanted));
    ck_assert_mem_eq(frame->data, wanted, frame->len);
    bool is_first = c->came[kind] == 0;
    ck_assert(is_first || n > c->last[kind]);
    unsigned missing = is_first ? 0 : n - c->last[kind] - 1;
    if (kind == KITH_AUDIO) {
        ck_assert_uint_eq(frame->lost_before, missing * SAMPLES);
    } else {
        ck_assert_msg(frame->is_key || (!is_first && missing == 0), "picture %u after %u", n,
                      c->last[kind]);
        /* what is given up may come after all */
        ck_assert(missing == 0 || frame->lost_before == 1);
        ck_assert(frame->lost_before == 0 || frame->is_key);
        c->keys += frame->is_key;
        kith_time now = world_now(c->world);
        if (!is_first && now - c->last_at > c->longest_gap)
            c->longest_gap = now - c->last_at;
        c->last_at = now;
    }
    c->missing[kind] += missing;
    c->last[kind] = n;
    c->came[kind]++;
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
        if (!c->is_mirrored || s == &c->sides[LEFT])
            OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
        break;
    case KITH_EV_KEY_FRAME_REQUEST:
        if (s == &c->sides[LEFT])
            c->wants_key_frame = true;
        else
            kith_receiver_request_key_frame(ev->receiver);
        break;
    case KITH_EV_FRAME:
        note(c, kith_transceiver_kind(ev->transceiver), ev->frame);
        break;
    case KITH_EV_RTP:
        ck_assert(c->is_mirrored && s == &c->sides[RIGHT]);
        (void)!kith_sender_send_rtp(ev->sender, ev->rtp);
        break;
    default:
        break;
    }
}

static void send_frame(call *c, kith_media_kind kind, bool is_key)
{
    static uint8_t data[KEY_FRAME];
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = data;
    frame.len = make_frame(kind, is_key, c->sent[kind], data);
    kith_transceiver *t = kith_pc_transceiver_at(c->sides[LEFT].pc, kind);
    kith_err err = kith_sender_send_frame(kith_transceiver_sender(t), &frame);
    ck_assert(err == KITH_OK || err == KITH_ERR_AGAIN);
    c->refused[kind] += err != KITH_OK;
    c->sent[kind] += err == KITH_OK;
}

static void send_audio(void *user)
{
    call *c = user;
    send_frame(c, KITH_AUDIO, true);
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + AUDIO_INTERVAL, send_audio, c);
}

static void send_video(void *user)
{
    call *c = user;
    send_frame(c, KITH_VIDEO, c->wants_key_frame);
    c->wants_key_frame = false;
    if (world_now(c->world) < c->until)
        world_at(c->world, world_now(c->world) + VIDEO_INTERVAL, send_video, c);
}

static void begin_sending(call *c, kith_time time)
{
    c->until = world_now(c->world) + time;
    send_audio(c);
    send_video(c);
}

/* And until nothing is waited for any more. */
static void send_for(call *c, kith_time time)
{
    begin_sending(c, time);
    world_run(c->world, time + GIVEN_UP + KITH_SECONDS(1), NULL, NULL);
}

/* ---- a call ---- */

static void describe(side *from)
{
    call *c = from->call;
    side *to = &c->sides[from == &c->sides[LEFT] ? RIGHT : LEFT];
    OK(kith_pc_set_local_description(from->pc, NULL));
    OK(kith_pc_set_remote_description(to->pc, kith_pc_local_description(from->pc)));
    if (kith_pc_signaling_state(to->pc) != KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
        return;
    for (size_t i = 0; i < kith_pc_transceiver_count(to->pc) && c->is_mirrored; i++)
        OK(kith_transceiver_set_direction(kith_pc_transceiver_at(to->pc, i),
                                          KITH_DIRECTION_SENDRECV));
    describe(to);
}

static bool is_connected(void *user)
{
    const call *c = user;
    return c->sides[LEFT].state == KITH_CONNECTION_STATE_CONNECTED &&
           c->sides[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED;
}

/* The links are as they will be once the call is there. */
static void begin(call *c, link_config link, bool is_mirrored)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(c, 0, sizeof *c);
    begin_watching(2 * link.delay);
    c->is_mirrored = is_mirrored;
    c->world = world_new(seed);
    for (int i = 0; i < 2; i++) {
        side *s = &c->sides[i];
        s->call = c;
        s->host =
            world_add_host(c->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = link.delay});
        s->host->on_event = on_event;
        s->host->user = s;
        OK(kith_pc_new(&s->pc, s->host->endpoint, NULL));
    }
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.direction = is_mirrored ? KITH_DIRECTION_SENDRECV : KITH_DIRECTION_SENDONLY;
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, KITH_AUDIO, &init, NULL));
    OK(kith_pc_add_transceiver(c->sides[LEFT].pc, KITH_VIDEO, &init, NULL));
    describe(&c->sides[LEFT]);
    ck_assert_msg(world_run(c->world, KITH_SECONDS(20), is_connected, c), "%s",
                  kith_pc_why_failed(c->sides[LEFT].pc));
    for (int i = 0; i < 2; i++)
        c->sides[i].host->link = link;
}

static void finish(call *c)
{
    for (int i = 0; i < 2; i++)
        kith_pc_free(c->sides[i].pc);
    world_run(c->world, KITH_SECONDS(3), NULL, NULL);
    world_free(c->world);
}

static const kith_rtp_session *rtp_of(const side *s)
{
    return kith_pc_transport(s->pc)->media->rtp;
}

static kith_rtp_out_info video_of(const side *s)
{
    kith_rtp_out_info info;
    kith_transceiver *t = kith_pc_transceiver_at(s->pc, KITH_VIDEO);
    kith_rtp_out_get_info(kith_transceiver_sender(t)->out, &info);
    return info;
}

/* ---- the matrix ---- */

#define LASTS KITH_SECONDS(30)

typedef struct cell {
    bool is_mirrored;
    double loss, reorder;
    kith_time round_trip;
    /* of each link, beyond its delay; so that nothing overtakes */
    kith_time jitter;
} cell;

/* What theory says of a cell; counts are of packets. */
typedef struct expectation {
    /* a request is made again after so long , and so many fail */
    kith_time interval;
    double fails;
    /* a packet is missing at first, or late, on its way over one link; of video there are so many
     */
    double is_missed, packets;
    /* how often a packet is given up, at most */
    double given_up;
    /* how long a frame waits for the unluckiest packet that is repaired; how long a key frame takes
     * from when one is needed */
    kith_time repair, key_frame;
} expectation;

/* What is seen where `mean` is expected, but for one time in a million. */
static double most(double mean)
{
    return mean + 5 * sqrt(mean);
}

static double least(double mean)
{
    return mean - 5 * sqrt(mean);
}

/* How many attempts `count` of these take, each of which fails with probability `fails`: neither
 * variance, of a count and of a geometric distribution, is above its square mean. */
static double most_attempts(double count, double fails)
{
    return (count + 5 * sqrt(2 * count)) / (1 - fails);
}

/* How many attempts it takes until of `count`, each of which fails with probability `fails`, none
 * is left but for one time in a thousand. */
static double attempts(double count, double fails)
{
    return fails > 0 && count > 0.001 ? ceil(log(0.001 / count) / log(fails)) : 0;
}

static expectation expect(const cell *at, double packets)
{
    double links = at->is_mirrored ? 2 : 1, p = at->loss, tries;
    expectation e = {.packets = packets};
    e.interval = interval_of(at->round_trip);
    e.fails = 1 - (1 - p) * (1 - p);
    e.is_missed = 1 - (1 - p) * (1 - at->reorder);
    double kept = fmax(LEAST_KEPT, (double)(KEPT_TRIPS * at->round_trip));
    tries = fmin(MOST_REQUESTS, floor(fmin(GIVEN_UP, kept) / (double)e.interval));
    /* over two links the requests are shared between both in any way */
    double lost = packets * p * links, given_up = lost * pow(e.fails, tries);
    if (at->is_mirrored)
        given_up *= tries;
    e.given_up = given_up < 1e-4 ? 0 : ceil(given_up + 3 * sqrt(given_up));
    kith_time travel =
        (kith_time)links * (at->round_trip + 2 * at->jitter + KITH_MS(20)) + VIDEO_INTERVAL;
    /* it is not known before the first report */
    if (at->round_trip == 0)
        travel += KITH_MS(100);
    double repairs = fmin(attempts(lost, e.fails) + links - 1, tries);
    e.repair = (kith_time)repairs * e.interval + travel;
    /* one is asked for until it comes, and then it is repaired */
    double asked = attempts(1, 1 - pow(1 - p, 2 * links));
    double of_key = KEY_FRAME / MOST_IN_PACKET * p * links;
    e.key_frame = (kith_time)asked * (at->round_trip + ENCODING) + travel +
                  (kith_time)(attempts(of_key, e.fails) + links - 1) * e.interval;
    return e;
}

#define BOUND(at, value, relation, bound)                                                         \
    ck_assert_msg((double)(value)relation(double)(bound),                                         \
                  "%s%g %% loss, %g %% overtaken, %d ms: " #value " is %g, not " #relation " %g", \
                  (at)->is_mirrored ? "mirror, " : "", 100 * (at)->loss, 100 * (at)->reorder,     \
                  (int)((at)->round_trip / 1000), (double)(value), (double)(bound))

/* Sound: what the links lose, and nothing else, and what comes by another way than the rest. */
static void check_sound(const cell *at, const call *c)
{
    double links = at->is_mirrored ? 2 : 1, sent = c->sent[KITH_AUDIO];
    double missing = sent * (1 - pow((1 - at->loss) * (1 - at->reorder), links));
    BOUND(at, c->came[KITH_AUDIO], >=, sent - most(missing));
    BOUND(at, c->came[KITH_AUDIO], <=, sent - least(sent * (1 - pow(1 - at->loss, links))));
}

static void check_picture(const cell *at, const call *c, const expectation *e)
{
    double sent = c->sent[KITH_VIDEO], key_frame = (double)(e->key_frame / VIDEO_INTERVAL);
    /* the last ones, behind which nothing shows that they are missing; and a first one that is */
    double at_ends = attempts(1, at->loss) + (at->loss > 0 ? key_frame : 0);
    double each = (double)(GIVEN_UP / VIDEO_INTERVAL) + key_frame;
    double wanted = sent - at_ends - e->given_up * each;
    /* where much is given up a little comes all the same */
    BOUND(at, c->came[KITH_VIDEO], >=, fmax(wanted, sent / 50));
    kith_time gap = e->repair + (e->given_up > 0 ? e->key_frame + GIVEN_UP : 0);
    BOUND(at, c->longest_gap, <=, gap);
    /* one at first, again if its beginning is lost, and for each packet that is given up */
    BOUND(at, c->keys, <=, 1 + (at->loss + at->reorder > 0) + 2 * e->given_up);
}

/* Of a stream over one link; of the mirror's, what it lacked itself is asked for too. */
static void check_repair(const cell *at, const side *sender, const expectation *e, bool is_mirrors)
{
    kith_rtp_out_info out = video_of(sender);
    const watch *w = watch_of(out.ssrc);
    const side *receiver =
        &sender->call->sides[sender == &sender->call->sides[LEFT] ? RIGHT : LEFT];
    double missed = e->packets * e->is_missed;
    double late = is_mirrors ? missed : 0;
    BOUND(at, w->requests, <=, most_attempts(missed + late, e->fails));
    BOUND(at, w->again, <=,
          most_attempts(is_mirrors ? missed + e->packets * at->reorder : missed, at->loss));
    ck_assert_uint_le(w->seconds, w->requests);
    ck_assert_uint_eq(w->again + w->again_twice, out.retransmitted_packets_sent);
    BOUND(at, w->closest_asked, >=, e->interval - KITH_MS(1));
    BOUND(at, w->closest_again, >=, at->round_trip - at->round_trip / 8 - KITH_MS(1));
    BOUND(at, w->closest_key, >=, at->round_trip + ENCODING - KITH_MS(1));
    /* at the beginning, and where something was given up */
    double asked = attempts(1, 1 - pow(1 - at->loss, is_mirrors ? 4 : 2));
    if (at->reorder > 0)
        asked = fmax(asked, 1);
    BOUND(at, w->key_requests, <=, (1 + e->given_up) * asked);
    /* What overtook is sent again in vain, and what comes once it was given up; of what a mirror
     * sent late, what is asked for in the eighth of a round trip by which both ends may differ. */
    uint64_t in_vain = kith_rtp_get_counters(rtp_of(receiver))->not_missing;
    if (e->given_up == 0)
        BOUND(at, in_vain, <=, most(2 * e->packets * at->reorder + late / 8) + w->again_twice);
    ck_assert_int_eq(out.pause, KITH_RTP_NOT_PAUSED);
}

static void try_cell(const cell *at)
{
    static call c;
    link_config link = {.delay = at->round_trip / 2,
                        .jitter = at->jitter,
                        .loss = at->loss,
                        .reorder = at->reorder};
    begin(&c, link, at->is_mirrored);
    send_for(&c, LASTS);
    kith_rtp_out_info out = video_of(&c.sides[LEFT]);
    double packets = (double)(out.packets_sent - out.retransmitted_packets_sent);
    expectation e = expect(at, packets);
    ck_assert_uint_eq(c.refused[KITH_AUDIO] + c.refused[KITH_VIDEO], 0);
    check_sound(at, &c);
    check_picture(at, &c, &e);
    check_repair(at, &c.sides[LEFT], &e, false);
    if (at->is_mirrored)
        check_repair(at, &c.sides[RIGHT], &e, true);
    finish(&c);
}

static void try_all(bool is_mirrored)
{
    static const double losses[] = {0, 0.01, 0.05, 0.1, 0.3}, reorders[] = {0, 0.03};
    static const kith_time round_trips[] = {0, KITH_MS(50), KITH_MS(200), KITH_MS(500)};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 4; j++)
            for (size_t k = 0; k < 2; k++)
                try_cell(&(cell){.is_mirrored = is_mirrored,
                                 .loss = losses[i],
                                 .reorder = reorders[k],
                                 .round_trip = round_trips[j]});
}

START_TEST(whatever_the_link_loses_delays_and_reorders_repair_does_what_theory_says)
{
    try_all(false);
}
END_TEST

/* Not what theory says, where so much is given up; measured: 36 %. */
START_TEST(at_30_percent_loss_and_500_ms_more_than_a_seventh_comes)
{
    double share = 0;
    for (seed = 1; seed <= 4; seed++) {
        static call c;
        begin(&c, (link_config){.delay = KITH_MS(250), .loss = 0.3}, false);
        send_for(&c, LASTS);
        share += (double)c.came[KITH_VIDEO] / c.sent[KITH_VIDEO] / 4;
        finish(&c);
    }
    seed = 1;
    BOUND((&(cell){.loss = 0.3, .round_trip = KITH_MS(500)}), share, >=, 0.15);
}
END_TEST

/* The round trip is another one each time, by an eighth of what was measured at most. */
START_TEST(what_is_only_delayed_is_not_asked_for_or_sent_twice)
{
    for (unsigned i = 0; i < 4; i++) {
        static const kith_time round_trips[] = {KITH_MS(200), KITH_MS(500)};
        static const double losses[] = {0.05, 0.1};
        kith_time round_trip = round_trips[i % 2];
        try_cell(
            &(cell){.loss = losses[i / 2], .round_trip = round_trip, .jitter = round_trip / 16});
    }
}
END_TEST

START_TEST(a_mirror_repairs_both_of_its_links_and_sends_nothing_twice)
{
    try_all(true);
}
END_TEST

static bool drop(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)path, (void)data, (void)len, (void)user;
    return false;
}

static void set_tap(call *c, bool (*tap)(host *, const kith_path *, uint8_t *, size_t *, void *))
{
    for (int i = 0; i < 2; i++)
        c->sides[i].host->tap = tap;
}

/* Nothing passes for 2 s, either way. What was sent meanwhile is asked for, as far as it is kept;
 * of what is forgotten a key frame is asked for at once. */
START_TEST(after_an_outage_sound_and_picture_go_on)
{
    static const kith_time round_trips[] = {0, KITH_MS(50), KITH_MS(200), KITH_MS(500)};
    for (size_t i = 0; i < 4; i++) {
        static call c;
        kith_time round_trip = round_trips[i];
        begin(&c, (link_config){.delay = round_trip / 2}, false);
        begin_sending(&c, KITH_SECONDS(15));
        world_run(c.world, KITH_SECONDS(5), NULL, NULL);
        set_tap(&c, drop);
        world_run(c.world, KITH_SECONDS(2), NULL, NULL);
        set_tap(&c, NULL);
        unsigned sent[2] = {c.sent[KITH_AUDIO], c.sent[KITH_VIDEO]};
        unsigned came[2] = {c.came[KITH_AUDIO], c.came[KITH_VIDEO]};
        /* A key frame behind a hole is told after two round trips and 100 ms (media/video.c). */
        world_run(c.world, 5 * round_trip / 2 + KITH_MS(100) + 2 * VIDEO_INTERVAL, NULL, NULL);
        ck_assert_uint_gt(c.came[KITH_VIDEO], came[KITH_VIDEO]);
        world_run(c.world, KITH_SECONDS(12), NULL, NULL);
        ck_assert_uint_ge(c.came[KITH_AUDIO] - came[KITH_AUDIO],
                          c.sent[KITH_AUDIO] - sent[KITH_AUDIO]);
        /* all but those before the key frame */
        unsigned late = (unsigned)((round_trip + KITH_MS(150)) / VIDEO_INTERVAL);
        ck_assert_uint_ge(c.came[KITH_VIDEO] - came[KITH_VIDEO] + late,
                          c.sent[KITH_VIDEO] - sent[KITH_VIDEO]);
        ck_assert_uint_le(c.keys, 2);
        unsigned lost = (unsigned)(KITH_SECONDS(2) / AUDIO_INTERVAL);
        ck_assert(c.missing[KITH_AUDIO] >= lost - 1 && c.missing[KITH_AUDIO] <= lost + 1);
        finish(&c);
    }
}
END_TEST

UNIT_MAIN("sim: repair", whatever_the_link_loses_delays_and_reorders_repair_does_what_theory_says,
          at_30_percent_loss_and_500_ms_more_than_a_seventh_comes,
          what_is_only_delayed_is_not_asked_for_or_sent_twice,
          a_mirror_repairs_both_of_its_links_and_sends_nothing_twice,
          after_an_outage_sound_and_picture_go_on)
