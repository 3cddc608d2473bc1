/* Perfect negotiation (webrtc-pc section 10.7) by kith_negotiator: both sides negotiate whenever
 * they need to, at any time and over slow signalling, and end up agreed. LEFT is polite. */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "world.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

enum { POLITE, IMPOLITE };

typedef struct speaker {
    struct party *party;
    host *host;
    kith_pc *pc;
    kith_negotiator *negotiator;
    unsigned opened, closed, packets, ended, errors, collisions;
    kith_connection_state state;
} speaker;

typedef struct party {
    world *world;
    kith_time delay; /* of signalling */
    bool no_trickle;
    bool is_cut; /* what is under way, and what is said, is lost */
    speaker sides[2];
} party;

typedef struct letter {
    speaker *to;
    char *text;
} letter;

static void say(speaker *s);

static void arrive(void *arg)
{
    letter *l = arg;
    speaker *s = l->to;
    if (!s->party->is_cut) {
        bool is_offer = strstr(l->text, "\"offer\"");
        bool waits = kith_pc_signaling_state(s->pc) == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER;
        s->collisions += is_offer && waits;
        OK(kith_negotiator_receive(s->negotiator, l->text, strlen(l->text)));
        say(s);
    }
    free(l->text);
    free(l);
}

static void say(speaker *s)
{
    party *p = s->party;
    const char *text;
    for (;;) {
        OK(kith_negotiator_poll(s->negotiator, &text));
        if (!text)
            break;
        letter *l = calloc(1, sizeof *l);
        l->to = &p->sides[s == &p->sides[POLITE] ? IMPOLITE : POLITE];
        l->text = strdup(text);
        world_at(p->world, virtual_now() + p->delay, arrive, l);
    }
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    (void)h;
    speaker *n = user;
    OK(kith_negotiator_handle_event(n->negotiator, ev));
    switch (ev->type) {
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
    case KITH_EV_NEGOTIATION_NEEDED:
    case KITH_EV_ICE_CANDIDATE:
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
    case KITH_EV_SIGNALER_STATE:
    case KITH_EV_SIGNALER_PEER:
    case KITH_EV_SIGNALER_LEFT:
    case KITH_EV_SIGNALER_TEXT:
    case KITH_EV_SIGNALER_ERROR:
        break;
    }
    say(n);
}

static void begin_as(party *p, party how)
{
    static const char *const ips[] = {"192.0.2.1", "198.51.100.1"};
    *p = how;
    p->world = world_new(1);
    for (int i = 0; i < 2; i++) {
        speaker *n = &p->sides[i];
        n->party = p;
        n->host =
            world_add_host(p->world, ips[i], ips[i], NAT_NONE, (link_config){.delay = KITH_MS(10)});
        n->host->on_event = on_event;
        n->host->user = n;
        OK(kith_pc_new(&n->pc, n->host->endpoint, NULL));
        kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
        config.polite = i == POLITE;
        config.no_trickle = p->no_trickle;
        OK(kith_negotiator_new(&n->negotiator, n->pc, &config));
    }
}

static void begin(party *p, kith_time delay)
{
    begin_as(p, (party){.delay = delay});
}

static void finish(party *p)
{
    for (int i = 0; i < 2; i++) {
        kith_negotiator_free(p->sides[i].negotiator);
        p->sides[i].host->on_event = NULL;
        kith_pc_free(p->sides[i].pc);
    }
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
        speaker *n = &p->sides[i];
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

static void add_camera(speaker *n, const char *name)
{
    OK(kith_pc_add_track(n->pc, KITH_VIDEO, name, NULL, 0, NULL));
}

/* One section for both cameras, whoever gave way, and packets that come both ways. */
static void check_cameras(party *p)
{
    const uint8_t payload[100] = {0x10, 0x01};
    for (int i = 0; i < 2; i++) {
        speaker *n = &p->sides[i];
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

/* A random quarrel: restarts and channels at random times on both sides, while every 2 s the
 * signalling is cut for a moment. What was lost with it is said again. */
static void quarrel(uint64_t seed, party how, bool with_cuts)
{
    party p;
    begin_as(&p, how);
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
        if (with_cuts && i % 30 == 29) {
            p.is_cut = true;
            run_ms(&p, 200);
            p.is_cut = false;
            for (int k = 0; k < 2; k++) {
                OK(kith_negotiator_resend(p.sides[k].negotiator));
                say(&p.sides[k]);
            }
        }
    }
    run_ms(&p, 10000);
    check_agreed(&p, channels);
    finish(&p);
}

START_TEST(a_long_quarrel_ends_in_agreement)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        quarrel(seed, (party){.delay = KITH_MS(40)}, false);
        quarrel(seed, (party){.delay = KITH_MS(40), .no_trickle = true}, false);
    }
}
END_TEST

START_TEST(what_an_interruption_lost_is_said_again)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        quarrel(seed, (party){.delay = KITH_MS(40)}, true);
        quarrel(seed, (party){.delay = KITH_MS(40), .no_trickle = true}, true);
    }
}
END_TEST

UNIT_MAIN("sim: glare", both_begin_at_once_at_any_distance, both_restart_ice_at_once,
          both_add_a_camera_at_once_at_any_distance, a_long_quarrel_ends_in_agreement,
          what_an_interruption_lost_is_said_again)
