/* Networks that change, break and come back under a channel that lives on. */
#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/address.h"
#include "duo.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

static size_t awaited;

static bool got_awaited(void *arg)
{
    const duo *d = arg;
    return d->peers[RIGHT].messages >= awaited;
}

static void run_ms(duo *d, int ms)
{
    world_run(d->world, KITH_MS(ms), NULL, NULL);
}

static void begin(duo *d, const duo_options *options)
{
    ck_assert(duo_init(d, options));
    duo_connect(d);
    d->options.no_channel = true; /* later offers bring none */
}

static void check_unharmed(duo *d)
{
    ck_assert_uint_eq(d->peers[LEFT].closed + d->peers[RIGHT].closed, 0);
    ck_assert_uint_eq(d->peers[LEFT].errors + d->peers[RIGHT].errors, 0);
    ck_assert(!d->peers[RIGHT].out_of_order);
    ck_assert(duo_is_connected(d));
}

/* The host leaves its network for another one. */
static void move(duo *d, enum side side, const char *ip)
{
    host *h = d->peers[side].host;
    kith_endpoint_remove_local_address(h->endpoint, &h->address);
    uint16_t port = h->address.port;
    ck_assert(kith_address_parse_ip(&h->address, kith_span_text(ip)));
    h->address.port = port;
    OK(kith_endpoint_add_local_address(h->endpoint, &h->address));
}

static void restart(duo *d, enum side side)
{
    kith_pc_restart_ice(d->peers[side].pc);
    duo_offer(d, side);
}

/* ---- new addresses ---- */

START_TEST(a_new_network_and_an_ice_restart_keep_the_channel_and_every_message)
{
    duo d;
    begin(&d, &(duo_options){.seed = 1,
                             .link = {.delay = KITH_MS(20), .rate_bps = 20000000},
                             .signalling_delay = KITH_MS(20)});
    duo_send(&d, LEFT, 2000, 2000);
    run_ms(&d, 500);
    ck_assert_uint_gt(d.peers[RIGHT].messages, 10);
    move(&d, LEFT, "203.0.113.77");
    restart(&d, LEFT);
    size_t before = awaited = d.peers[RIGHT].messages;
    awaited += 50;
    kith_time start = virtual_now();
    ck_assert(world_run(d.world, KITH_SECONDS(10), got_awaited, &d));
    ck_assert_msg(virtual_now() - start < KITH_SECONDS(2), "%zu messages stood still for %lld us",
                  before, (long long)(virtual_now() - start));
    awaited = 2000;
    ck_assert(world_run(d.world, KITH_SECONDS(30), got_awaited, &d));
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

START_TEST(both_sides_may_move_at_once)
{
    duo d;
    begin(&d, &(duo_options){
                  .seed = 2, .link = {.delay = KITH_MS(20)}, .signalling_delay = KITH_MS(50)});
    duo_send(&d, LEFT, 100, 1000);
    move(&d, LEFT, "203.0.113.77");
    move(&d, RIGHT, "203.0.113.88");
    restart(&d, RIGHT);
    awaited = 100;
    ck_assert(world_run(d.world, KITH_SECONDS(10), got_awaited, &d));
    run_ms(&d, 1000);
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_network_that_is_gone_for_a_minute_is_survived_by_a_restart)
{
    duo d;
    begin(&d, &(duo_options){.seed = 3, .link = {.delay = KITH_MS(20)}});
    host *left = d.peers[LEFT].host;
    kith_endpoint_remove_local_address(left->endpoint, &left->address);
    left->unplugged = left->deaf = true;
    duo_send(&d, LEFT, 50, 1000);
    run_ms(&d, 60000);
    ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_FAILED);
    ck_assert_int_eq(d.peers[RIGHT].state, KITH_CONNECTION_STATE_FAILED);
    left->unplugged = left->deaf = false;
    OK(kith_endpoint_add_local_address(left->endpoint, &left->address));
    restart(&d, LEFT);
    awaited = 50;
    kith_time start = virtual_now();
    ck_assert(world_run(d.world, KITH_SECONDS(20), got_awaited, &d));
    ck_assert_int_le(virtual_now() - start, KITH_SECONDS(2));
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

/* The old pair serves until the new one is there (RFC 8445 section 2.4). */
START_TEST(data_flows_on_while_a_restart_waits_for_its_answer)
{
    duo d;
    begin(&d, &(duo_options){.seed = 4, .link = {.delay = KITH_MS(10)}});
    d.options.signalling_delay = KITH_SECONDS(5);
    restart(&d, LEFT);
    for (awaited = 1; awaited <= 12; awaited++) {
        duo_send(&d, LEFT, 1, 100);
        ck_assert(world_run(d.world, KITH_MS(200), got_awaited, &d));
        run_ms(&d, 1000);
    }
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

START_TEST(fifty_restarts_in_traffic_lose_nothing)
{
    duo d;
    begin(&d, &(duo_options){.seed = 5,
                             .link = {.delay = KITH_MS(10), .loss = 0.02, .rate_bps = 5000000},
                             .signalling_delay = KITH_MS(30)});
    duo_send(&d, LEFT, 1000, 5000);
    for (int i = 0; i < 50; i++) {
        restart(&d, i % 2 == 0 ? LEFT : RIGHT);
        run_ms(&d, 250);
    }
    awaited = 1000;
    ck_assert(world_run(d.world, KITH_SECONDS(60), got_awaited, &d));
    run_ms(&d, 2000);
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

/* ---- restarts of aged connections ---- */

/* For `ms`, in steps: each side sends a message that is there within the step. */
static void talk(duo *d, int ms, const char *when)
{
    enum { STEP_MS = 100 };
    for (int passed = 0; passed < ms; passed += STEP_MS) {
        size_t expected[] = {d->peers[LEFT].messages + 1, d->peers[RIGHT].messages + 1};
        duo_send(d, LEFT, 1, 100);
        duo_send(d, RIGHT, 1, 100);
        run_ms(d, STEP_MS);
        for (int side = LEFT; side <= RIGHT; side++)
            ck_assert_msg(d->peers[side].messages == expected[side],
                          "seed %llu, %s: what the %s side awaits is not there after %d ms",
                          (unsigned long long)d->options.seed, when,
                          side == LEFT ? "left" : "right", passed + STEP_MS);
        ck_assert(duo_is_connected(d));
    }
}

#define UFRAG_LINE 32

/* Of what was agreed on. */
static void read_ufrag(duo *d, char *out)
{
    const char *line =
        strstr(kith_pc_current_local_description(d->peers[LEFT].pc)->sdp, "a=ice-ufrag:");
    snprintf(out, UFRAG_LINE, "%.*s", (int)strcspn(line, "\r"), line);
}

static void restart_aged(uint64_t seed, enum side by, int age_ms, int delay_ms)
{
    duo d;
    begin(&d, &(duo_options){.seed = seed,
                             .link = {.delay = KITH_MS(10)},
                             .signalling_delay = KITH_MS(delay_ms)});
    run_ms(&d, age_ms);
    ck_assert(duo_is_connected(&d));
    talk(&d, age_ms < 500 ? 0 : 500, "before the restart");
    char before[UFRAG_LINE], after[UFRAG_LINE];
    read_ufrag(&d, before);
    restart(&d, by);
    talk(&d, 4000, "after the restart");
    run_ms(&d, 35000); /* consent to the old pair would expire, were it still in use */
    talk(&d, 500, "long after the restart");
    check_unharmed(&d);
    ck_assert(!d.peers[LEFT].out_of_order);
    read_ufrag(&d, after);
    ck_assert_str_ne(before, after);
    duo_deinit(&d);
}

/* Either side restarts, the one that controls and the one that does not, and the answer takes its
 * time: no message is late, by more than a step. */
START_TEST(connections_of_any_age_restart_a_hundred_times_without_a_loss)
{
    static const int ages_ms[] = {0, 5000, 30000, 60000}, delays_ms[] = {0, 100, 500};
    uint64_t seed = 0;
    for (int round = 0; round < 6; round++)
        for (size_t age = 0; age < 4; age++)
            for (size_t delay = 0; delay < 3; delay++)
                for (int by = LEFT; by <= RIGHT; by++)
                    restart_aged(++seed, (enum side)by, ages_ms[age], delays_ms[delay]);
    ck_assert_uint_eq(seed, 144);
}
END_TEST

/* ---- cuts ---- */

START_TEST(a_link_that_flaps_delivers_everything)
{
    duo d;
    begin(&d, &(duo_options){.seed = 7, .link = {.delay = KITH_MS(20), .rate_bps = 1000000}});
    duo_send(&d, LEFT, 300, 5000);
    host *left = d.peers[LEFT].host, *right = d.peers[RIGHT].host;
    for (int i = 0; i < 20; i++) {
        left->deaf = right->deaf = i % 2 == 0;
        run_ms(&d, i % 2 == 0 ? 700 : 900);
    }
    left->deaf = right->deaf = false;
    awaited = 300;
    ck_assert(world_run(d.world, KITH_SECONDS(60), got_awaited, &d));
    run_ms(&d, 5000);
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

/* RFC 7675 section 5.1. One way blocked is as good as both: neither goes on to send. */
START_TEST(a_one_way_black_hole_ends_consent_on_both_sides_whichever_way_it_is)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        duo d;
        begin(&d, &(duo_options){.seed = 8, .link = {.delay = KITH_MS(10)}});
        run_ms(&d, 10000);
        d.peers[side].host->deaf = true;
        run_ms(&d, 31000);
        ck_assert_int_eq(d.peers[side].state, KITH_CONNECTION_STATE_FAILED);
        run_ms(&d, 31000); /* the other has no answers any more either */
        ck_assert_int_eq(d.peers[1 - side].state, KITH_CONNECTION_STATE_FAILED);
        uint64_t left = d.peers[LEFT].host->packets_sent, right = d.peers[RIGHT].host->packets_sent;
        duo_send(&d, LEFT, 10, 1000);
        duo_send(&d, RIGHT, 10, 1000);
        run_ms(&d, 60000);
        ck_assert_uint_eq(d.peers[LEFT].host->packets_sent, left);
        ck_assert_uint_eq(d.peers[RIGHT].host->packets_sent, right);
        d.peers[side].host->deaf = false;
        restart(&d, LEFT);
        awaited = 10;
        ck_assert(world_run(d.world, KITH_SECONDS(20), got_awaited, &d));
        check_unharmed(&d);
        duo_deinit(&d);
    }
}
END_TEST

/* ---- a machine that sleeps ---- */

static size_t left_data;

static bool count_left_data(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)path;
    (void)len;
    (void)user;
    left_data += data[0] >= 20 && data[0] <= 63;
    return true;
}

/* Neither takes anything in nor does anything, for so long. */
static void sleep_for(duo *d, enum side side, int seconds)
{
    host *h = d->peers[side].host;
    h->deaf = h->idle = h->slow = true;
    run_ms(d, seconds * 1000);
    h->deaf = h->idle = h->slow = false;
}

/* RFC 7675 section 5.1: time that passed in the machine's sleep counts, and what the application
 * sends at once after waking does not leave. */
START_TEST(a_machine_that_slept_for_a_minute_sends_nothing_without_consent)
{
    duo d;
    begin(&d, &(duo_options){.seed = 11, .link = {.delay = KITH_MS(10)}});
    run_ms(&d, 1000);
    sleep_for(&d, LEFT, 60);
    left_data = 0;
    d.peers[LEFT].host->tap = count_left_data;
    OK(kith_dc_send(d.peers[LEFT].dc, "early", 5));
    run_ms(&d, 2000);
    ck_assert_uint_eq(left_data, 0);
    ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_FAILED);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_machine_that_slept_for_twenty_seconds_goes_on)
{
    duo d;
    begin(&d, &(duo_options){.seed = 12, .link = {.delay = KITH_MS(10)}});
    run_ms(&d, 1000);
    sleep_for(&d, LEFT, 20);
    awaited = 1;
    OK(kith_dc_send(d.peers[LEFT].dc, "late!", 5));
    ck_assert(world_run(d.world, KITH_SECONDS(2), got_awaited, &d));
    run_ms(&d, 2000);
    check_unharmed(&d);
    duo_deinit(&d);
}
END_TEST

/* Loss so heavy that a check is answered every other time. RFC 7675 section 5.1 leaves six consent
 * checks in 30 s, all of which are lost once in 57 times. */
START_TEST(thirty_per_cent_loss_ends_no_connection)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        duo d;
        begin(&d, &(duo_options){.seed = seed, .link = {.delay = KITH_MS(30)}});
        d.peers[LEFT].host->link.loss = d.peers[RIGHT].host->link.loss = 0.3;
        for (int i = 0; i < 300; i++) {
            run_ms(&d, 1000);
            ck_assert_msg(!duo_has_failed(&d), "seed %llu: failed after %d s",
                          (unsigned long long)seed, i);
        }
        duo_deinit(&d);
    }
}
END_TEST

UNIT_MAIN("sim: interruptions", a_new_network_and_an_ice_restart_keep_the_channel_and_every_message,
          both_sides_may_move_at_once, a_network_that_is_gone_for_a_minute_is_survived_by_a_restart,
          data_flows_on_while_a_restart_waits_for_its_answer,
          fifty_restarts_in_traffic_lose_nothing,
          connections_of_any_age_restart_a_hundred_times_without_a_loss,
          a_link_that_flaps_delivers_everything,
          a_one_way_black_hole_ends_consent_on_both_sides_whichever_way_it_is,
          a_machine_that_slept_for_a_minute_sends_nothing_without_consent,
          a_machine_that_slept_for_twenty_seconds_goes_on, thirty_per_cent_loss_ends_no_connection)
