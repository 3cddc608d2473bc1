/* Two loops in one process connect two peers over 127.0.0.1 and exchange messages, in every way
 * of running a loop. What one has to say to the other travels as JSON, posted to the other's
 * loop. */
#include "../unit/unit.h"
#include "ports.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "kith/kith.h"

enum { MESSAGES = 300 };

typedef struct peer {
    kith_loop *loop;
    kith_pc *pc;
    kith_dc *dc; /* the offerer's own, or what it opened */
    struct peer *other;
    bool offers;
    int received;
    bool finished; /* offerer: all echoes are there; answerer: its channel is closed */
    sem_t *done;   /* posted then */
} peer;

static peer left, right;
static sem_t done;

/* Check's own assertions jump, which other threads must not do. */
static void expect(bool fact, const char *words)
{
    if (fact)
        return;
    fprintf(stderr, "not so: %s\n", words);
    abort();
}

static void must(kith_err err)
{
    if (err != KITH_OK) {
        fprintf(stderr, "%s: %s\n", kith_err_name(err), kith_last_error()->message);
        abort();
    }
}

/* ---- signalling ---- */

typedef struct letter {
    peer *to;
    char *json;
} letter;

static void send_letter(peer *to, char *json);

static void describe(peer *p)
{
    char *json;
    must(kith_pc_set_local_description(p->pc, NULL));
    must(kith_session_description_to_json(kith_pc_local_description(p->pc), &json));
    send_letter(p->other, json);
}

static void deliver(kith_loop *loop, void *arg)
{
    letter *l = arg;
    peer *to = l->to;
    expect(loop == to->loop, "posts run in their loop");
    if (to->pc) {
        must(kith_pc_apply_json(to->pc, l->json, strlen(l->json)));
        if (kith_pc_signaling_state(to->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
            describe(to);
    }
    kith_free(l->json);
    free(l);
}

static void send_letter(peer *to, char *json)
{
    letter *l = malloc(sizeof *l);
    *l = (letter){to, json};
    must(kith_loop_post(to->loop, deliver, l));
}

static void send_candidate(peer *p, const kith_ice_candidate *candidate)
{
    char *json;
    must(kith_ice_candidate_to_json(candidate, &json));
    send_letter(p->other, json);
}

/* ---- the conversation ---- */

static void finish(peer *p)
{
    p->finished = true;
    sem_post(p->done);
}

static void take_message(peer *p, const kith_event *ev)
{
    char expected[32];
    snprintf(expected, sizeof expected, "message %d", p->received++);
    expect(strcmp(ev->message.data, expected) == 0, "messages come whole and in order");
    expect(ev->message.len == strlen(expected), "messages are as long as they were");
    expect(ev->message.is_text, "text stays text");
    if (!p->offers)
        must(kith_dc_send_text(ev->dc, ev->message.data, ev->message.len));
    else if (p->received == MESSAGES)
        finish(p);
}

static void send_all(kith_dc *dc)
{
    for (int i = 0; i < MESSAGES; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "message %d", i);
        must(kith_dc_send_text(dc, text, (size_t)len));
    }
}

static void on_event(kith_loop *loop, const kith_event *ev, void *user)
{
    peer *p = user;
    expect(loop == p->loop, "events come from their loop");
    switch (ev->type) {
    case KITH_EV_NEGOTIATION_NEEDED:
        describe(p);
        break;
    case KITH_EV_ICE_CANDIDATE:
        send_candidate(p, &ev->ice_candidate);
        break;
    case KITH_EV_DC_OPEN:
        if (p->offers)
            send_all(ev->dc);
        break;
    case KITH_EV_DC_MESSAGE:
        take_message(p, ev);
        break;
    case KITH_EV_DC_CLOSED:
        if (!p->offers)
            finish(p);
        break;
    case KITH_EV_CONNECTION_STATE:
        if (ev->connection_state == KITH_CONNECTION_STATE_FAILED) {
            fprintf(stderr, "%s\n", kith_pc_why_failed(ev->pc));
            abort();
        }
        break;
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_GATHERING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
    case KITH_EV_ICE_CANDIDATE_ERROR:
    case KITH_EV_DATA_CHANNEL:
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
    case KITH_EV_WRITABLE:
    case KITH_EV_DC_CLOSING:
    case KITH_EV_DC_ERROR:
    case KITH_EV_ICE_TRANSPORT_STATE:
    case KITH_EV_ICE_TRANSPORT_GATHERING_STATE:
    case KITH_EV_SELECTED_CANDIDATE_PAIR:
    case KITH_EV_DTLS_TRANSPORT_STATE:
    case KITH_EV_SCTP_TRANSPORT_STATE:
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_ENDED:
    case KITH_EV_TRACK_MUTE:
    case KITH_EV_TRACK_UNMUTE:
    case KITH_EV_RTP:
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
}

static void begin(uint16_t udp_port)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    sem_init(&done, 0, 0);
    config.on_event = on_event;
    config.bind_addresses = addresses;
    left = (peer){.other = &right, .offers = true, .done = &done};
    right = (peer){.other = &left, .done = &done};
    peer *both[] = {&left, &right};
    for (int i = 0; i < 2; i++) {
        config.user = both[i];
        config.udp_port = udp_port ? (uint16_t)(udp_port + i) : 0;
        must(kith_loop_new(&both[i]->loop, &config));
        must(kith_pc_new(&both[i]->pc, kith_loop_endpoint(both[i]->loop), NULL));
    }
    /* Negotiation is needed from here on. */
    must(kith_pc_create_data_channel(left.pc, "talk", NULL, &left.dc));
}

/* Frees the offerer first; the answerer must hear of it. */
static void end(void)
{
    kith_loop_free(left.loop);
    left.pc = NULL;
    while (!right.finished) {
        const kith_event *ev = kith_loop_wait(right.loop, -1);
        if (ev)
            on_event(right.loop, ev, &right);
    }
    kith_loop_free(right.loop);
}

/* ---- every way of running ---- */

START_TEST(one_waits_in_main_and_the_other_runs_in_a_thread)
{
    begin(0);
    must(kith_loop_start(right.loop));
    while (!left.finished) {
        const kith_event *ev = kith_loop_wait(left.loop, -1);
        ck_assert_ptr_nonnull(ev);
        on_event(left.loop, ev, &left);
    }
    kith_loop_free(right.loop);
    kith_loop_free(left.loop);
}
END_TEST

START_TEST(a_foreign_loop_polls_both_descriptors)
{
    begin(0);
    peer *both[] = {&left, &right};
    struct pollfd fds[2];
    for (int i = 0; i < 2; i++)
        fds[i] = (struct pollfd){.fd = kith_loop_fd(both[i]->loop), .events = POLLIN};
    while (!left.finished) {
        ck_assert_int_gt(poll(fds, 2, 60000), 0);
        for (int i = 0; i < 2; i++) {
            const kith_event *ev;
            while (fds[i].revents && (ev = kith_loop_wait(both[i]->loop, 0)))
                on_event(both[i]->loop, ev, both[i]);
        }
    }
    end();
}
END_TEST

static void stop_own_loop(kith_loop *loop, void *arg)
{
    (void)arg;
    kith_loop_stop(loop);
}

static void *stop_when_done(void *arg)
{
    sem_wait(&done);
    must(kith_loop_post(arg, stop_own_loop, NULL));
    return NULL;
}

START_TEST(one_runs_in_main_and_the_other_in_a_thread)
{
    pthread_t stopper;
    begin(0);
    must(kith_loop_start(right.loop));
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_when_done, left.loop), 0);
    must(kith_loop_run(left.loop));
    pthread_join(stopper, NULL);
    ck_assert(left.finished);
    kith_loop_free(left.loop);
    sem_wait(&done); /* the answerer heard of it */
    kith_loop_free(right.loop);
    ck_assert(right.finished);
}
END_TEST

START_TEST(both_run_in_threads_and_main_enters)
{
    begin(0);
    must(kith_loop_start(left.loop));
    must(kith_loop_start(right.loop));
    sem_wait(&done);
    for (int i = 0; i < 20; i++) {
        kith_loop_enter(left.loop);
        kith_stats_report *report;
        must(kith_pc_get_stats(left.pc, &report));
        char *json;
        must(kith_stats_report_to_json(report, &json));
        ck_assert_ptr_nonnull(strstr(json, "\"dataChannelsOpened\":1"));
        kith_free(json);
        kith_stats_report_free(report);
        kith_loop_leave(left.loop);
    }
    kith_loop_enter(left.loop);
    ck_assert_int_eq(left.received, MESSAGES);
    kith_dc_close(left.dc);
    kith_loop_leave(left.loop);
    sem_wait(&done); /* the answerer's channel is closed */
    kith_loop_free(left.loop);
    kith_loop_free(right.loop);
}
END_TEST

START_TEST(both_share_one_port_among_their_peers)
{
    uint16_t port = two_free_ports();
    char words[32];
    snprintf(words, sizeof words, " %u typ host", port);
    begin(port);
    must(kith_loop_start(left.loop));
    must(kith_loop_start(right.loop));
    sem_wait(&done);
    kith_loop_enter(left.loop);
    ck_assert_ptr_nonnull(strstr(kith_pc_local_description(left.pc)->sdp, words));
    kith_loop_leave(left.loop);
    kith_loop_free(left.loop);
    sem_wait(&done);
    kith_loop_free(right.loop);
}
END_TEST

/* ---- what a turn brings ---- */

static struct {
    kith_pc *pcs[2];
    kith_dc *dc;
    unsigned open, received, burst, longest;
} crowd;

/* Posted with each message, so it runs in the turn after. */
static void end_burst(kith_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
    if (crowd.burst > crowd.longest)
        crowd.longest = crowd.burst;
    crowd.burst = 0;
}

static void handle(kith_loop *loop, const kith_event *ev)
{
    kith_pc *other = crowd.pcs[ev->pc == crowd.pcs[0]];
    if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_pc_add_ice_candidate(other, &ev->ice_candidate));
    crowd.open += ev->type == KITH_EV_DC_OPEN;
    if (ev->type != KITH_EV_DC_MESSAGE)
        return;
    crowd.received++;
    crowd.burst++;
    must(kith_loop_post(loop, end_burst, NULL));
}

static void wait_for(kith_loop *loop, const unsigned *count, unsigned wanted)
{
    while (*count < wanted) {
        const kith_event *ev = kith_loop_wait(loop, 10000);
        expect(ev, "something happens within ten seconds");
        handle(loop, ev);
    }
}

/* A first flight of small messages is hundreds: they are read before more is taken in, or those of
 * many peers would lie until the windows close. */
START_TEST(what_a_turn_brings_is_told_before_the_next)
{
    static const char *const loopback[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = loopback;
    config.loopback = true;
    config.no_ipv6 = true;
    kith_loop *loop;
    must(kith_loop_new(&loop, &config));
    memset(&crowd, 0, sizeof crowd);
    for (int i = 0; i < 2; i++)
        must(kith_pc_new(&crowd.pcs[i], kith_loop_endpoint(loop), NULL));
    must(kith_pc_create_data_channel(crowd.pcs[0], "x", NULL, &crowd.dc));
    for (int i = 0; i < 2; i++) {
        must(kith_pc_set_local_description(crowd.pcs[i], NULL));
        must(kith_pc_set_remote_description(crowd.pcs[1 - i],
                                            kith_pc_local_description(crowd.pcs[i])));
    }
    wait_for(loop, &crowd.open, 2);
    for (int i = 0; i < 1000; i++)
        must(kith_dc_send(crowd.dc, "x", 1));
    wait_for(loop, &crowd.received, 1000);
    ck_assert_uint_gt(crowd.longest, 100);
    kith_loop_free(loop);
}
END_TEST

UNIT_MAIN("runtime: pair", one_waits_in_main_and_the_other_runs_in_a_thread,
          a_foreign_loop_polls_both_descriptors, one_runs_in_main_and_the_other_in_a_thread,
          both_run_in_threads_and_main_enters, both_share_one_port_among_their_peers,
          what_a_turn_brings_is_told_before_the_next)
