/* A peer that has IPv6 alone, behind a NAT64 (RFC 6146, RFC 7050), and one that has IPv4 alone. */
#include <string.h>

#include "../unit/unit.h"
#include "duo.h"

static unsigned told;

static void count_reflexive(enum side from, char **text)
{
    told += from == LEFT && strstr(*text, " 192.0.2.1 ") && strstr(*text, " typ srflx ");
}

static void begin(duo *d, nat_type right, bool with_stun_server, bool has_name)
{
    duo_options options = {.link = {.delay = KITH_MS(20)},
                           .nats = {NAT_PORT_RESTRICTED, right},
                           .with_stun_server = with_stun_server,
                           .tamper = count_reflexive};
    told = 0;
    ck_assert(duo_init(d, &options));
    host_use_nat64(d->peers[LEFT].host, "2001:db8::1");
    world_add_name(d->world, "ipv4only.arpa", has_name ? "64:ff9b::c000:aa" : NULL, KITH_MS(30));
}

START_TEST(a_peer_of_ipv6_alone_reaches_one_of_ipv4)
{
    for (int offers = LEFT; offers <= RIGHT; offers++) {
        duo d;
        begin(&d, NAT_NONE, false, true);
        duo_offer(&d, (enum side)offers);
        ck_assert(world_run(d.world, KITH_SECONDS(5), duo_is_open, &d));
        duo_send(&d, LEFT, 50, 1000);
        duo_send(&d, RIGHT, 50, 1000);
        world_run(d.world, KITH_SECONDS(5), NULL, NULL);
        ck_assert_uint_eq(d.peers[LEFT].messages, 50);
        ck_assert_uint_eq(d.peers[RIGHT].messages, 50);
        duo_deinit(&d);
    }
}
END_TEST

/* The server's URL has an address of IPv4, and what it sees is of IPv4 as well. */
START_TEST(holes_are_punched_between_a_nat64_and_a_nat)
{
    for (int offers = LEFT; offers <= RIGHT; offers++) {
        duo d;
        begin(&d, NAT_PORT_RESTRICTED, true, true);
        duo_offer(&d, (enum side)offers);
        ck_assert(world_run(d.world, KITH_SECONDS(5), duo_is_open, &d));
        ck_assert_uint_gt(told, 0);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(without_the_name_there_is_no_nat64)
{
    duo d;
    begin(&d, NAT_NONE, true, false);
    duo_offer(&d, LEFT);
    ck_assert(!world_run(d.world, KITH_SECONDS(60), duo_is_open, &d));
    ck_assert_int_eq(d.peers[LEFT].gathering, KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_uint_eq(told, 0);
    duo_deinit(&d);
}
END_TEST

/* As a server that is silent does; what is learnt later is used all the same. */
START_TEST(a_name_that_is_not_resolved_delays_the_end_of_gathering_by_three_seconds)
{
    duo d;
    duo_options options = {.link = {.delay = KITH_MS(20)}, .nats = {NAT_PORT_RESTRICTED}};
    ck_assert(duo_init(&d, &options));
    host_use_nat64(d.peers[LEFT].host, "2001:db8::1");
    world_add_name(d.world, "ipv4only.arpa", "64:ff9b::c000:aa", KITH_SECONDS(6));
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_MS(2800), NULL, NULL);
    ck_assert_int_eq(d.peers[LEFT].gathering, KITH_ICE_GATHERING_STATE_GATHERING);
    world_run(d.world, KITH_MS(400), NULL, NULL);
    ck_assert_int_eq(d.peers[LEFT].gathering, KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d));
    duo_deinit(&d);
}
END_TEST

/* Whoever has IPv4 does not ask. */
START_TEST(with_ipv4_nobody_asks)
{
    duo d;
    ck_assert(duo_init(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}));
    host_network(d.peers[LEFT].host, "2001:db8::2");
    duo_offer(&d, LEFT); /* the name never answers: gathering would wait for it */
    ck_assert(world_run(d.world, KITH_SECONDS(1), duo_is_open, &d));
    ck_assert_int_eq(d.peers[LEFT].gathering, KITH_ICE_GATHERING_STATE_COMPLETE);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: nat64", a_peer_of_ipv6_alone_reaches_one_of_ipv4,
          holes_are_punched_between_a_nat64_and_a_nat, without_the_name_there_is_no_nat64,
          a_name_that_is_not_resolved_delays_the_end_of_gathering_by_three_seconds,
          with_ipv4_nobody_asks)
