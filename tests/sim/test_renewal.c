/* A peer is replaced by another process behind the same signalling, as when a page is loaded again:
 * the one that stays begins new DTLS and SCTP associations with it (RFC 8842 section 5.5). */
#include <stdio.h>

#include "../unit/unit.h"
#include "duo.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

/* What LEFT, who stays, was told. */
static kith_connection_state states[16];
static size_t state_count;
static kith_dc *closings[16], *failures[16];
static size_t closing_count, failure_count;
static void (*duo_handler)(host *h, const kith_event *ev, void *user);

static void note(host *h, const kith_event *ev, void *user)
{
    if (ev->type == KITH_EV_CONNECTION_STATE && state_count < 16)
        states[state_count++] = ev->connection_state;
    if (ev->type == KITH_EV_DC_CLOSED && closing_count < 16)
        closings[closing_count++] = ev->dc;
    if (ev->type == KITH_EV_DC_ERROR && failure_count < 16) {
        ck_assert_int_eq(ev->error->error_detail, KITH_ERROR_DETAIL_SCTP_FAILURE);
        failures[failure_count++] = ev->dc;
    }
    duo_handler(h, ev, user);
}

static void begin(duo *d, const duo_options *options)
{
    ck_assert(duo_init(d, options));
    duo_connect(d);
    state_count = closing_count = failure_count = 0;
    duo_handler = d->peers[LEFT].host->on_event;
    d->peers[LEFT].host->on_event = note;
    d->peers[LEFT].opened = 0;
}

static bool is_open_again(void *arg)
{
    const duo *d = arg;
    return duo_is_open(arg) && d->peers[LEFT].state == KITH_CONNECTION_STATE_CONNECTED;
}

static void silence(host *h)
{
    h->unplugged = h->deaf = h->slow = true;
}

/* Who is there now offers, or is offered to by the side that stays. */
static void negotiate(duo *d, enum side from)
{
    if (from == LEFT)
        kith_pc_restart_ice(d->peers[LEFT].pc);
    d->options.no_channel = from == LEFT; /* it would be of the association before */
    duo_offer(d, from);
    if (from == RIGHT)
        return;
    world_run(d->world, KITH_MS(1) + 2 * d->options.signalling_delay, NULL, NULL);
    OK(kith_pc_create_data_channel(d->peers[LEFT].pc, "x", NULL, NULL));
}

static bool have_messages(void *arg)
{
    const duo *d = arg;
    return d->peers[LEFT].messages >= 10 && d->peers[RIGHT].messages >= 10;
}

static void talk(duo *d)
{
    d->peers[LEFT].messages = 0;
    duo_send(d, LEFT, 10, 1000);
    duo_send(d, RIGHT, 10, 1000);
    ck_assert(world_run(d->world, KITH_SECONDS(10), have_messages, d));
}

static void replace_and_talk(enum side from)
{
    duo d;
    begin(&d, &(duo_options){
                  .seed = 1, .link = {.delay = KITH_MS(10)}, .signalling_delay = KITH_MS(10)});
    kith_dc *before = d.peers[LEFT].dc;
    silence(duo_replace(&d, RIGHT, "198.51.100.2"));
    negotiate(&d, from);
    ck_assert_msg(world_run(d.world, KITH_SECONDS(10), is_open_again, &d), "%s",
                  kith_pc_why_failed(d.peers[LEFT].pc));
    /* As the first time, and a nomination, for the old pair serves until then. */
    ck_assert_msg(duo_elapsed(&d) <= KITH_MS(300), "took %lld us", (long long)duo_elapsed(&d));
    talk(&d);
    ck_assert(!d.failed_call);
    /* The channel of the association before ended with it, and the states went round once. */
    ck_assert_uint_eq(closing_count, 1);
    ck_assert_ptr_eq(closings[0], before);
    ck_assert_uint_eq(failure_count, 1);
    ck_assert_ptr_eq(failures[0], before);
    ck_assert_int_eq(kith_dc_ready_state(before), KITH_DC_STATE_CLOSED);
    ck_assert_uint_eq(state_count, 2);
    ck_assert_int_eq(states[0], KITH_CONNECTION_STATE_CONNECTING);
    ck_assert_int_eq(states[1], KITH_CONNECTION_STATE_CONNECTED);
    duo_deinit(&d);
}

START_TEST(a_peer_that_was_replaced_and_offers_is_connected_to)
{
    replace_and_talk(RIGHT);
}
END_TEST

START_TEST(a_peer_that_was_replaced_and_answers_is_connected_to)
{
    replace_and_talk(LEFT);
}
END_TEST

/* Nothing of it is believed any more: neither its checks nor its data, whose keys are gone. */
START_TEST(the_process_that_was_replaced_may_go_on_without_harm)
{
    for (int from = LEFT; from <= RIGHT; from++) {
        duo d;
        begin(&d, &(duo_options){.seed = 2, .link = {.delay = KITH_MS(10)}});
        kith_dc *its_channel = d.peers[RIGHT].dc;
        host *before = duo_replace(&d, RIGHT, "198.51.100.2");
        negotiate(&d, (enum side)from);
        ck_assert(world_run(d.world, KITH_SECONDS(10), is_open_again, &d));
        size_t received = d.peers[LEFT].messages;
        for (int i = 0; i < 20; i++) {
            OK(kith_dc_send(its_channel, "from the grave", 14));
            world_run(d.world, KITH_SECONDS(1), NULL, NULL);
        }
        ck_assert_uint_eq(d.peers[LEFT].messages, received);
        ck_assert(!before->unplugged && duo_is_connected(&d));
        talk(&d);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(peers_are_replaced_over_networks_that_lose_packets)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        duo d;
        begin(&d, &(duo_options){.seed = seed,
                                 .link = {.delay = KITH_MS(25), .loss = 0.1},
                                 .signalling_delay = KITH_MS(50)});
        silence(duo_replace(&d, RIGHT, "198.51.100.2"));
        negotiate(&d, seed % 2 == 0 ? LEFT : RIGHT);
        ck_assert_msg(world_run(d.world, KITH_SECONDS(15), is_open_again, &d), "seed %d: %s",
                      (int)seed, kith_pc_why_failed(d.peers[LEFT].pc));
        talk(&d);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(a_peer_may_be_replaced_again_and_again)
{
    duo d;
    begin(&d, &(duo_options){.seed = 3, .link = {.delay = KITH_MS(10)}});
    for (int i = 0; i < 12; i++) {
        char ip[32];
        snprintf(ip, sizeof ip, "198.51.100.%d", i + 2);
        d.peers[LEFT].opened = 0;
        /* Killed at any time, in the middle of the set-up too. */
        silence(duo_replace(&d, RIGHT, ip));
        negotiate(&d, i % 2 == 0 ? LEFT : RIGHT);
        world_run(d.world, KITH_MS(7 * i), NULL, NULL);
        snprintf(ip, sizeof ip, "198.51.101.%d", i + 2);
        d.peers[LEFT].opened = 0;
        silence(duo_replace(&d, RIGHT, ip));
        negotiate(&d, i % 3 == 0 ? LEFT : RIGHT);
        ck_assert_msg(world_run(d.world, KITH_SECONDS(10), is_open_again, &d), "round %d: %s", i,
                      kith_pc_why_failed(d.peers[LEFT].pc));
        talk(&d);
    }
    duo_deinit(&d);
}
END_TEST

/* ICE has failed long ago, and DTLS has ended or not: the next process is connected to all the
 * same. */
START_TEST(a_peer_may_be_replaced_long_after_it_went)
{
    for (int i = 0; i < 4; i++) {
        duo d;
        begin(&d, &(duo_options){.seed = 4, .link = {.delay = KITH_MS(10)}});
        if (i < 2)
            kith_pc_close(d.peers[RIGHT].pc);
        world_run(d.world, KITH_SECONDS(1), NULL, NULL);
        silence(duo_replace(&d, RIGHT, "198.51.100.2"));
        world_run(d.world, KITH_SECONDS(60), NULL, NULL);
        negotiate(&d, i % 2 == 0 ? LEFT : RIGHT);
        ck_assert_msg(world_run(d.world, KITH_SECONDS(10), is_open_again, &d), "case %d: %s", i,
                      kith_pc_why_failed(d.peers[LEFT].pc));
        talk(&d);
        duo_deinit(&d);
    }
}
END_TEST

UNIT_MAIN("sim: renewal", a_peer_that_was_replaced_and_offers_is_connected_to,
          a_peer_that_was_replaced_and_answers_is_connected_to,
          the_process_that_was_replaced_may_go_on_without_harm,
          peers_are_replaced_over_networks_that_lose_packets,
          a_peer_may_be_replaced_again_and_again, a_peer_may_be_replaced_long_after_it_went)
