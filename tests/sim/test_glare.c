/* Perfect negotiation (webrtc-pc section 10.7): both sides negotiate whenever they need to, at any
 * time and over slow signalling, and end up agreed. LEFT is polite. */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { POLITE, IMPOLITE };

typedef struct negotiator {
    struct party *party;
    host *host;
    kith_pc *pc;
    bool is_polite, ignores_offer;
    unsigned opened, closed, packets, ended, errors, collisions, offers;
    kith_connection_state state;
} negotiator;

typedef struct party {
    world *world;
    kith_time delay; /* of signalling */
    negotiator sides[2];
} party;

typedef struct letter {
    negotiator *to;
    bool is_candidate;
    kith_sdp_type type;
    char *text, *mid;
} letter;

static void send_description(negotiator *n);

static void read_description(negotiator *n, const letter *l)
{
    bool is_offer = l->type == KITH_SDP_OFFER;
    bool collides = is_offer && kith_pc_signaling_state(n->pc) != KITH_SIGNALING_STATE_STABLE;
    n->collisions += collides;
    n->ignores_offer = collides && !n->is_polite;
    if (n->ignores_offer)
        return;
    kith_session_description d = {.type = l->type, .sdp = l->text};
    kith_err err = kith_pc_set_remote_description(n->pc, &d);
    /* The answer to an offer that was rolled back meanwhile. */
    if (!is_offer && err == KITH_ERR_INVALID_STATE)
        return;
    ck_assert_msg(err == KITH_OK, "%s", kith_last_error()->message);
    if (is_offer) {
        OK(kith_pc_set_local_description(n->pc, NULL));
        send_description(n);
    }
}

static void arrive(void *arg)
{
    letter *l = arg;
    if (l->is_candidate) {
        kith_ice_candidate c = {
            .size = sizeof c, .candidate = l->text, .sdp_mid = l->mid, .sdp_m_line_index = -1};
        kith_err err = kith_pc_add_ice_candidate(l->to->pc, &c);
        ck_assert(err == KITH_OK || l->to->ignores_offer || l->to->collisions > 0 ||
                  l->to->offers > 0);
    } else {
        read_description(l->to, l);
    }
    free(l->text);
    free(l->mid);
    free(l);
}

static letter *post(negotiator *from, const char *text)
{
    party *p = from->party;
    letter *l = calloc(1, sizeof *l);
    l->to = &p->sides[from->is_polite ? IMPOLITE : POLITE];
    l->text = strdup(text);
    world_at(p->world, virtual_now() + p->delay, arrive, l);
    return l;
}

static void send_description(negotiator *n)
{
    const kith_session_description *d = kith_pc_local_description(n->pc);
    post(n, d->sdp)->type = d->type;
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    negotiator *n = user;
    switch (ev->type) {
    case KITH_EV_NEGOTIATION_NEEDED:
        n->offers++;
        OK(kith_pc_set_local_description(n->pc, NULL));
        send_description(n);
        break;
    case KITH_EV_ICE_CANDIDATE: {
        letter *l = post(n, ev->ice_candidate.candidate);
        l->is_candidate = true;
        l->mid = strdup(ev->ice_candidate.sdp_mid);
        break;
    }
    case KITH_EV_CONNECTION_STATE:
        n->state = ev->connection_state;
        break;
    case KITH_EV_DC_OPEN:
        n->opened++;
        break;
    case KITH_EV_DC_CLOSED:
        n->closed++;
        break;
    case KITH_EV_DC_ERROR:
        n->errors++;
        break;
    case KITH_EV_RTP:
        n->packets++;
        break;
    case KITH_EV_TRACK_ENDED:
        n->ended++;
        break;
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_GATHERING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
    case KITH_EV_ICE_CANDIDATE_ERROR:
    case KITH_EV_DATA_CHANNEL:
    case KITH_EV_DC_MESSAGE:
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
    case KITH_EV_WRITABLE:
    case KITH_EV_DC_CLOSING:
    case KITH_EV_ICE_TRANSPORT_STATE:
    case KITH_EV_ICE_TRANSPORT_GATHERING_STATE:
    case KITH_EV_SELECTED_CANDIDATE_PAIR:
    case KITH_EV_DTLS_TRANSPORT_STATE:
    case KITH_EV_SCTP_TRANSPORT_STATE:
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_MUTE:
    case KITH_EV_TRACK_UNMUTE:
    case KITH_EV_FRAME:
    case KITH_EV_SENDER_STATE:
    case KITH_EV_KEY_FRAME_REQUEST:
    case KITH_EV_TARGET_BITRATE:
        break;
    }
}

static void begin(party *p, kith_time delay)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    memset(p, 0, sizeof *p);
    p->world = world_new(1);
    p->delay = delay;
    for (int i = 0; i < 2; i++) {
        negotiator *n = &p->sides[i];
        n->party = p;
        n->is_polite = i == POLITE;
        n->host =
            world_add_host(p->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = KITH_MS(10)});
        n->host->on_event = on_event;
        n->host->user = n;
        OK(kith_pc_new(&n->pc, n->host->endpoint, NULL));
    }
}

static void finish(party *p)
{
    for (int i = 0; i < 2; i++)
        kith_pc_free(p->sides[i].pc);
    world_run(p->world, KITH_SECONDS(3), NULL, NULL);
    world_free(p->world);
}

static void open_channel(party *p, int side)
{
    kith_dc *dc;
    OK(kith_pc_create_data_channel(p->sides[side].pc, "x", NULL, &dc));
}

static void run_ms(party *p, int ms)
{
    world_run(p->world, KITH_MS(ms), NULL, NULL);
}

static void check_agreed(party *p, unsigned channels)
{
    for (int i = 0; i < 2; i++) {
        negotiator *n = &p->sides[i];
        ck_assert_int_eq(kith_pc_signaling_state(n->pc), KITH_SIGNALING_STATE_STABLE);
        ck_assert_msg(n->state == KITH_CONNECTION_STATE_CONNECTED, "side %d is %s: %s", i,
                      kith_connection_state_name(n->state), kith_pc_why_failed(n->pc));
        ck_assert_uint_eq(n->opened, channels);
        ck_assert_uint_eq(n->closed + n->errors, 0);
    }
}

START_TEST(both_begin_at_once_at_any_distance)
{
    static const int delays[] = {0, 1, 10, 25, 100, 1000};
    unsigned collisions = 0;
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++)
        for (int apart = 0; apart <= 2 * delays[i]; apart += delays[i] < 4 ? 1 : delays[i] / 4) {
            for (int first = POLITE; first <= IMPOLITE; first++) {
                party p;
                begin(&p, KITH_MS(delays[i]));
                open_channel(&p, first);
                run_ms(&p, apart);
                open_channel(&p, 1 - first);
                run_ms(&p, 8 * delays[i] + 1000);
                check_agreed(&p, 2);
                collisions += p.sides[POLITE].collisions + p.sides[IMPOLITE].collisions;
                finish(&p);
            }
        }
    ck_assert_uint_gt(collisions, 20);
}
END_TEST

START_TEST(both_restart_ice_at_once)
{
    static const int delays[] = {0, 5, 30, 200};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++)
        for (int apart = 0; apart <= 2 * delays[i]; apart += delays[i] < 4 ? 1 : delays[i] / 4) {
            party p;
            begin(&p, KITH_MS(delays[i]));
            open_channel(&p, POLITE);
            run_ms(&p, 4 * delays[i] + 1000);
            check_agreed(&p, 1);
            for (int round = 0; round < 3; round++) {
                kith_pc_restart_ice(p.sides[round % 2].pc);
                run_ms(&p, apart);
                kith_pc_restart_ice(p.sides[1 - round % 2].pc);
                run_ms(&p, 12 * delays[i] + 2000);
                check_agreed(&p, 1);
            }
            run_ms(&p, 40000); /* consent is of the credentials that both agreed on */
            check_agreed(&p, 1);
            finish(&p);
        }
}
END_TEST

static void add_camera(negotiator *n, const char *name)
{
    OK(kith_pc_add_track(n->pc, KITH_VIDEO, name, NULL, 0, NULL));
}

/* One section for both cameras, whoever gave way, and packets that come both ways. */
static void check_cameras(party *p)
{
    const uint8_t payload[100] = {0x10, 0x01};
    for (int i = 0; i < 2; i++) {
        negotiator *n = &p->sides[i];
        ck_assert_uint_eq(kith_pc_transceiver_count(n->pc), 1);
        ck_assert_uint_eq(n->ended, 0);
        kith_transceiver *t = kith_pc_transceiver_at(n->pc, 0);
        ck_assert_int_eq(kith_transceiver_current_direction(t), KITH_DIRECTION_SENDRECV);
        ck_assert(!kith_pc_negotiation_needed(n->pc));
        kith_rtp rtp = KITH_RTP_INIT;
        rtp.payload = payload;
        rtp.len = sizeof payload;
        OK(kith_sender_send_rtp(kith_transceiver_sender(t), &rtp));
    }
    run_ms(p, 100);
    ck_assert_uint_eq(p->sides[POLITE].packets, 1);
    ck_assert_uint_eq(p->sides[IMPOLITE].packets, 1);
}

/* RFC 9429 section 5.10: the transceiver of the side that gives way takes the other's section. */
START_TEST(both_add_a_camera_at_once_at_any_distance)
{
    static const int delays[] = {0, 10, 100, 500};
    unsigned collisions = 0;
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++)
        for (int apart = 0; apart <= 2 * delays[i]; apart += delays[i] < 4 ? 1 : delays[i] / 4)
            for (int first = POLITE; first <= IMPOLITE; first++) {
                party p;
                begin(&p, KITH_MS(delays[i]));
                open_channel(&p, POLITE);
                run_ms(&p, 8 * delays[i] + 1000);
                add_camera(&p.sides[first], "one");
                run_ms(&p, apart);
                add_camera(&p.sides[1 - first], "two");
                run_ms(&p, 8 * delays[i] + 1000);
                check_agreed(&p, 1);
                check_cameras(&p);
                collisions += p.sides[POLITE].collisions + p.sides[IMPOLITE].collisions;
                finish(&p);
            }
    ck_assert_uint_gt(collisions, 20);
}
END_TEST

/* A random quarrel: restarts and channels at random times on both sides. */
START_TEST(a_long_quarrel_ends_in_agreement)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        party p;
        begin(&p, KITH_MS(40));
        uint64_t random = seed;
        unsigned channels = 0;
        for (int i = 0; i < 60; i++) {
            int side = (int)(next_random(&random) % 2);
            if (next_random(&random) % 3 == 0 && channels < 20) {
                open_channel(&p, side);
                channels++;
            } else {
                kith_pc_restart_ice(p.sides[side].pc);
            }
            run_ms(&p, (int)(next_random(&random) % 120));
        }
        run_ms(&p, 10000);
        check_agreed(&p, channels);
        finish(&p);
    }
}
END_TEST

UNIT_MAIN("sim: glare", both_begin_at_once_at_any_distance, both_restart_ice_at_once,
          both_add_a_camera_at_once_at_any_distance, a_long_quarrel_ends_in_agreement)
