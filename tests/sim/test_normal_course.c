/* The normal course: two whole peers connect, talk and part, over clean and bad networks. */
#include <string.h>

#include "../unit/unit.h"
#include "duo.h"

static bool got_all(void *arg)
{
    const duo *d = arg;
    return d->peers[RIGHT].messages >= 1000;
}

START_TEST(peers_on_a_clean_network_connect_in_a_few_round_trips)
{
    duo d;
    duo_options options = {
        .seed = 1, .link = {.delay = KITH_MS(10)}, .signalling_delay = KITH_MS(10)};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    ck_assert(d.peers[LEFT].state == KITH_CONNECTION_STATE_CONNECTED);
    ck_assert(d.peers[RIGHT].state == KITH_CONNECTION_STATE_CONNECTED);
    /* Offer and answer 20 ms; a check, DTLS' two and SCTP's two round trips of 20 ms. */
    ck_assert_msg(duo_elapsed(&d) <= KITH_MS(160), "took %lld us", (long long)duo_elapsed(&d));
    ck_assert(!d.failed_call);
    duo_deinit(&d);
}
END_TEST

START_TEST(peers_connect_without_trickle)
{
    duo d;
    duo_options options = {.seed = 2, .link = {.delay = KITH_MS(10)}, .no_trickle = true};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    duo_deinit(&d);
}
END_TEST

/* Restricted NATs open up by checks from both sides (RFC 8445); symmetric with port-restricted
 * needs a relay. */
START_TEST(peers_behind_nats_connect_through_server_reflexive_candidates)
{
    static const nat_type pairs[][2] = {
        {NAT_FULL_CONE, NAT_FULL_CONE},
        {NAT_ADDRESS_RESTRICTED, NAT_PORT_RESTRICTED},
        {NAT_PORT_RESTRICTED, NAT_PORT_RESTRICTED},
        {NAT_SYMMETRIC, NAT_ADDRESS_RESTRICTED},
        {NAT_FULL_CONE, NAT_SYMMETRIC},
        {NAT_NONE, NAT_SYMMETRIC},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        duo d;
        duo_options options = {.seed = 3 + i,
                               .link = {.delay = KITH_MS(10)},
                               .with_stun_server = true,
                               .nats = {pairs[i][0], pairs[i][1]}};
        ck_assert(duo_init(&d, &options));
        duo_connect(&d);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(symmetric_nat_with_port_restricted_nat_fails_and_says_why)
{
    duo d;
    duo_options options = {.seed = 4,
                           .link = {.delay = KITH_MS(10)},
                           .with_stun_server = true,
                           .nats = {NAT_SYMMETRIC, NAT_PORT_RESTRICTED}};
    ck_assert(duo_init(&d, &options));
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(60), duo_has_failed, &d));
    const char *why = kith_pc_why_failed(d.peers[LEFT].pc);
    ck_assert_ptr_nonnull(strstr(why, "failed"));
    ck_assert_ptr_nonnull(strstr(why, "198.51.100.1"));
    duo_deinit(&d);
}
END_TEST

START_TEST(a_thousand_messages_arrive_whole_and_in_order_at_any_loss_up_to_ten_percent)
{
    for (int percent = 0; percent <= 10; percent += percent == 0 ? 1 : percent == 1 ? 4 : 5) {
        duo d;
        duo_options options = {.seed = 10 + (uint64_t)percent,
                               .link = {.delay = KITH_MS(20), .loss = percent / 100.0}};
        ck_assert(duo_init(&d, &options));
        duo_connect(&d);
        duo_send(&d, LEFT, 1000, 1000);
        bool done = world_run(d.world, KITH_SECONDS(120), got_all, &d);
        ck_assert_msg(done, "%d %%: %zu messages", percent, d.peers[RIGHT].messages);
        ck_assert_uint_eq(d.peers[RIGHT].bytes, 1000000);
        ck_assert(!d.peers[RIGHT].out_of_order);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(jitter_reordering_and_duplicates_do_no_harm)
{
    duo d;
    duo_options options = {.seed = 30,
                           .link = {.delay = KITH_MS(20),
                                    .jitter = KITH_MS(10),
                                    .reorder = 0.05,
                                    .duplicate = 0.05,
                                    .loss = 0.01}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    duo_send(&d, LEFT, 1000, 1000);
    ck_assert(world_run(d.world, KITH_SECONDS(60), got_all, &d));
    ck_assert_uint_eq(d.peers[RIGHT].messages, 1000);
    ck_assert(!d.peers[RIGHT].out_of_order);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_narrow_link_with_a_short_queue_is_filled_and_not_flooded)
{
    duo d;
    link_config link = {.delay = KITH_MS(20), .rate_bps = 10000000, .queue_bytes = 50000};
    duo_options options = {.seed = 31, .link = link};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    kith_time start = virtual_now();
    duo_send(&d, LEFT, 1000, 10000);
    ck_assert(world_run(d.world, KITH_SECONDS(60), got_all, &d));
    /* 10 MB on 10 Mbit/s take 8 s; half of the rate is the least one would accept. */
    ck_assert_msg(virtual_now() - start < KITH_SECONDS(16), "took %lld us",
                  (long long)(virtual_now() - start));
    ck_assert(d.peers[LEFT].host->packets_lost * 20 < d.peers[LEFT].host->packets_sent);
    duo_deinit(&d);
}
END_TEST

static bool got_two_thousand(void *arg)
{
    return ((const duo *)arg)->peers[RIGHT].messages >= 2000;
}

/* Here packets and SACKs arrive in batches, as from a socket with GRO. 32 MB take 0.5 s; where the
 * window did not open with each SACK of a batch they took 3 s. */
START_TEST(a_round_trip_of_20_ms_does_not_hold_throughput_back)
{
    duo d;
    duo_options options = {.seed = 36, .link = {.delay = KITH_MS(10)}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    kith_time start = virtual_now();
    duo_send(&d, LEFT, 2000, 16384);
    ck_assert(world_run(d.world, KITH_SECONDS(10), got_two_thousand, &d));
    ck_assert_msg(virtual_now() - start < KITH_SECONDS(1), "took %lld us",
                  (long long)(virtual_now() - start));
    duo_deinit(&d);
}
END_TEST

START_TEST(packets_fit_a_path_of_1200_bytes)
{
    duo d;
    duo_options options = {.seed = 32, .link = {.delay = KITH_MS(5), .mtu = 1200}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    duo_send(&d, LEFT, 1000, 5000);
    ck_assert(world_run(d.world, KITH_SECONDS(60), got_all, &d));
    ck_assert_uint_eq(d.peers[LEFT].host->packets_lost, 0);
    duo_deinit(&d);
}
END_TEST

/* What was queued right before the close arrives. */
START_TEST(closing_a_channel_delivers_its_tail)
{
    duo d;
    duo_options options = {.seed = 33, .link = {.delay = KITH_MS(20), .loss = 0.02}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    duo_send(&d, LEFT, 1000, 1000);
    kith_dc_close(d.peers[LEFT].dc);
    ck_assert(world_run(d.world, KITH_SECONDS(60), duo_is_closed, &d));
    ck_assert_uint_eq(d.peers[RIGHT].messages, 1000);
    duo_deinit(&d);
}
END_TEST

static bool right_closed(void *arg)
{
    return ((duo *)arg)->peers[RIGHT].closed > 0;
}

START_TEST(freeing_a_peer_tells_the_other_at_once)
{
    duo d;
    duo_options options = {.seed = 34, .link = {.delay = KITH_MS(20)}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    kith_time start = virtual_now();
    kith_pc_free(d.peers[LEFT].pc);
    d.peers[LEFT].pc = NULL;
    ck_assert(world_run(d.world, KITH_SECONDS(5), right_closed, &d));
    ck_assert_int_eq(virtual_now() - start, KITH_MS(20));
    duo_deinit(&d);
}
END_TEST

/* Longer than most links live: consent, keep-alives and heartbeats hold it. */
START_TEST(an_idle_hour_does_not_end_a_connection)
{
    duo d;
    duo_options options = {.seed = 35, .link = {.delay = KITH_MS(20), .loss = 0.01}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    ck_assert(world_run(d.world, KITH_SECONDS(3600), NULL, NULL));
    ck_assert(duo_is_connected(&d));
    duo_send(&d, RIGHT, 1, 100);
    duo_send(&d, LEFT, 1000, 100);
    ck_assert(world_run(d.world, KITH_SECONDS(5), got_all, &d));
    duo_deinit(&d);
}
END_TEST

/* How often the driver's timer ends within a minute. */
static unsigned wakes_in_a_minute(const duo *d, enum side side)
{
    unsigned wakes = 0;
    for (int ms = 0; ms < 60000; ms++) {
        kith_time at = kith_endpoint_timeout(d->peers[side].host->endpoint);
        world_run(d->world, KITH_MS(1), NULL, NULL);
        wakes += at <= virtual_now();
    }
    return wakes;
}

/* Its own consent checks, at least 4 s apart (RFC 7675 section 5.1), and answers to the other's. */
START_TEST(an_idle_peer_is_woken_by_its_consent_checks_alone)
{
    duo d;
    duo_options options = {.link = {.delay = KITH_MS(10)}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    duo_send(&d, LEFT, 10, 1000);
    world_run(d.world, KITH_SECONDS(10), NULL, NULL);
    for (int side = 0; side < 2; side++) {
        uint64_t before = d.peers[side].host->packets_sent;
        ck_assert_uint_le(wakes_in_a_minute(&d, (enum side)side), 15);
        ck_assert_uint_le(d.peers[side].host->packets_sent - before, 30);
    }
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: normal course", peers_on_a_clean_network_connect_in_a_few_round_trips,
          peers_connect_without_trickle,
          peers_behind_nats_connect_through_server_reflexive_candidates,
          symmetric_nat_with_port_restricted_nat_fails_and_says_why,
          a_thousand_messages_arrive_whole_and_in_order_at_any_loss_up_to_ten_percent,
          jitter_reordering_and_duplicates_do_no_harm,
          a_narrow_link_with_a_short_queue_is_filled_and_not_flooded,
          a_round_trip_of_20_ms_does_not_hold_throughput_back, packets_fit_a_path_of_1200_bytes,
          closing_a_channel_delivers_its_tail, freeing_a_peer_tells_the_other_at_once,
          an_idle_hour_does_not_end_a_connection, an_idle_peer_is_woken_by_its_consent_checks_alone)
