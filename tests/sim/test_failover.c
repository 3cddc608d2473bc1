/* Two networks between two peers, of which the one that carries the data fails in every way: how
 * long nothing arrives. And networks that come while the peers are connected. */
#include <string.h>

#include "../unit/unit.h"
#include "base/address.h"
#include "duo.h"
#include "nat.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

#define SEEDS 12
/* An interface that is seen to go, and one that dies without a word. */
#define GAP_SEEN   KITH_SECONDS(1)
#define GAP_SILENT KITH_SECONDS(7)

/* The networks of each side, the first preferred. */
static const char *const ips[2][2] = {{"192.0.2.1", "203.0.113.11"},
                                      {"198.51.100.1", "203.0.113.22"}};

static void run_ms(duo *d, int ms)
{
    world_run(d->world, KITH_MS(ms), NULL, NULL);
}

static network *network_at(duo *d, enum side side, int index)
{
    return host_network(d->peers[side].host, ips[side][index]);
}

/* Both sides on both networks, connected for a time that differs from seed to seed. */
static void begin(duo *d, uint64_t seed)
{
    ck_assert(duo_init(d, &(duo_options){.seed = seed, .link = {.delay = KITH_MS(20)}}));
    for (int side = LEFT; side <= RIGHT; side++)
        for (int i = 0; i < 2; i++)
            network_at(d, (enum side)side, i);
    duo_connect(d);
    d->options.no_channel = true;
    run_ms(d, 3000 + (int)(seed * 1777 % 11000));
}

/* A message from each side every 100 ms for so long: the longest time in which one of them heard
 * nothing, the time until now included. */
static kith_time longest_gap(duo *d, int ms)
{
    kith_time last[2] = {virtual_now(), virtual_now()}, gap = 0;
    for (int at = 0; at < ms; at += 10) {
        if (at % 100 == 0)
            for (int side = LEFT; side <= RIGHT; side++)
                OK(kith_dc_send(d->peers[side].dc, "x", 1));
        run_ms(d, 10);
        for (int side = LEFT; side <= RIGHT; side++) {
            if (d->peers[side].messages > 0)
                last[side] = virtual_now();
            d->peers[side].messages = 0;
            if (virtual_now() - last[side] > gap)
                gap = virtual_now() - last[side];
        }
    }
    return gap;
}

/* Whatever is lost, and for how long. */
static void never_restart(duo *d)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        kith_pc_config config = *kith_pc_get_configuration(d->peers[side].pc);
        config.ice_restart = KITH_ICE_RESTART_NEVER;
        ck_assert_int_eq(kith_pc_set_configuration(d->peers[side].pc, &config), KITH_OK);
    }
}

static void check_unharmed(duo *d)
{
    ck_assert_uint_eq(d->peers[LEFT].closed + d->peers[RIGHT].closed, 0);
    ck_assert_uint_eq(d->peers[LEFT].errors + d->peers[RIGHT].errors, 0);
    ck_assert_uint_eq(d->peers[LEFT].needed + d->peers[RIGHT].needed, 0);
    ck_assert(duo_is_connected(d));
}

/* What becomes of the first network of one side, LEFT controls. */
static void check_gap(void (*event)(host *h, network *n), kith_time limit)
{
    for (int side = LEFT; side <= RIGHT; side++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            duo d;
            begin(&d, seed);
            ck_assert_int_le(longest_gap(&d, 1000), KITH_MS(200));
            event(d.peers[side].host, network_at(&d, (enum side)side, 0));
            kith_time gap = longest_gap(&d, 40000);
            ck_assert_msg(gap <= limit, "seed %llu, %s: nothing for %lld ms",
                          (unsigned long long)seed, d.peers[side].host->name,
                          (long long)gap / 1000);
            check_unharmed(&d);
            duo_deinit(&d);
        }
}

static void cut(host *h, network *n)
{
    (void)h;
    n->is_cut = true;
}

static void make_unreachable(host *h, network *n)
{
    (void)h;
    n->is_unreachable = true;
}

START_TEST(an_interface_that_is_seen_to_go_is_left_within_a_second)
{
    check_gap(host_network_down, GAP_SEEN);
}
END_TEST

START_TEST(a_network_that_dies_without_a_word_is_left_within_seven_seconds)
{
    check_gap(cut, GAP_SILENT);
}
END_TEST

START_TEST(a_path_on_which_nothing_can_be_sent_is_left_within_a_second)
{
    check_gap(make_unreachable, GAP_SEEN);
}
END_TEST

/* RTCIceCandidatePairStats: the sums of what each pair carried. */
static void sum_pairs(duo *d, uint64_t *sent, uint64_t *received, unsigned *carriers)
{
    kith_stats_report *report;
    OK(kith_pc_get_stats(d->peers[LEFT].pc, &report));
    *sent = *received = *carriers = 0;
    const kith_transport_stats *transport = NULL;
    const kith_stats *entry;
    for (size_t i = 0; (entry = kith_stats_report_at(report, i)); i++) {
        if (entry->type == KITH_STATS_TRANSPORT)
            transport = &entry->transport;
        if (entry->type != KITH_STATS_CANDIDATE_PAIR)
            continue;
        *sent += entry->candidate_pair.bytes_sent;
        *received += entry->candidate_pair.bytes_received;
        *carriers += entry->candidate_pair.bytes_sent > 1000;
    }
    ck_assert_uint_eq(*sent, transport->bytes_sent);
    ck_assert_uint_eq(*received, transport->bytes_received);
    kith_stats_report_free(report);
}

START_TEST(each_pair_counts_what_it_carried)
{
    duo d;
    uint64_t sent, received, sent_later, received_later;
    unsigned carriers;
    begin(&d, 1);
    longest_gap(&d, 5000);
    sum_pairs(&d, &sent, &received, &carriers);
    ck_assert_uint_eq(carriers, 1);
    cut(d.peers[LEFT].host, network_at(&d, LEFT, 0));
    longest_gap(&d, 10000);
    sum_pairs(&d, &sent_later, &received_later, &carriers);
    ck_assert_uint_eq(carriers, 2);
    ck_assert_uint_gt(sent_later, sent);
    ck_assert_uint_gt(received_later, received);
    duo_deinit(&d);
}
END_TEST

/* RFC 4787 section 4.1 and 5: the NAT of one side rebinds, the other's stays. */
static void check_rebinding(enum side side, nat_type own, nat_type others, uint64_t seed)
{
    duo d;
    duo_options options = {.seed = seed, .link = {.delay = KITH_MS(10)}, .with_stun_server = true};
    options.nats[side] = own;
    options.nats[1 - side] = others;
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    d.options.no_channel = true;
    run_ms(&d, 3000 + (int)(seed * 1777 % 11000));
    host *h = d.peers[side].host;
    kith_address public_address;
    ck_assert(kith_address_parse_ip(&public_address, kith_span_text(ips[side][0])));
    nat_free(h->nat);
    h->nat = nat_new(own, &public_address);
    nat_skip_ports(h->nat, 500);
    kith_time gap = longest_gap(&d, 40000);
    ck_assert_msg(gap <= GAP_SILENT, "seed %llu, %s, NATs %d and %d: nothing for %lld ms",
                  (unsigned long long)seed, h->name, (int)own, (int)others, (long long)gap / 1000);
    check_unharmed(&d);
    duo_deinit(&d);
}

/* A NAT that forgets its mapping: the peer behind it appears at another port. */
START_TEST(a_nat_that_rebinds_is_followed_within_seven_seconds)
{
    for (int side = LEFT; side <= RIGHT; side++)
        for (nat_type own = NAT_FULL_CONE; own <= NAT_SYMMETRIC; own++)
            for (uint64_t seed = 1; seed <= SEEDS; seed++)
                check_rebinding((enum side)side, own, NAT_NONE, seed);
}
END_TEST

/* What lets the new port in: not two that filter by port. */
START_TEST(a_nat_that_rebinds_before_another_nat_is_followed_where_that_lets_it_in)
{
    for (int side = LEFT; side <= RIGHT; side++)
        for (nat_type own = NAT_FULL_CONE; own <= NAT_SYMMETRIC; own++)
            for (nat_type others = NAT_FULL_CONE; others <= NAT_ADDRESS_RESTRICTED; others++)
                for (uint64_t seed = 1; seed <= SEEDS; seed++)
                    check_rebinding((enum side)side, own, others, seed);
}
END_TEST

/* ---- networks that come ---- */

/* One network each, connected for so long that its last candidate is long told. */
static void begin_alone(duo *d, uint64_t seed)
{
    ck_assert(duo_init(d, &(duo_options){.seed = seed, .link = {.delay = KITH_MS(20)}}));
    for (int side = LEFT; side <= RIGHT; side++)
        network_at(d, (enum side)side, 0);
    duo_connect(d);
    d->options.no_channel = true;
    run_ms(d, 3000 + (int)(seed * 1777 % 11000));
}

/* The only network of one side is gone for so long, then this one is there: how long does it take
 * until both sides hear each other? */
static kith_time gap_after(duo *d, enum side side, int gone_ms, int index)
{
    host *h = d->peers[side].host;
    host_network_down(h, network_at(d, side, 0));
    run_ms(d, gone_ms);
    if (index == 0)
        host_network_up(h, network_at(d, side, 0));
    else
        network_at(d, side, index);
    return longest_gap(d, 20000);
}

/* The network of one side goes and that number `index` comes, sooner or later. */
static void check_return(int index)
{
    static const int gone_ms[] = {50, 3000, 20000};
    for (int side = LEFT; side <= RIGHT; side++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            duo d;
            begin_alone(&d, seed);
            never_restart(&d); /* it is not needed */
            unsigned told = d.peers[side].candidates;
            kith_time gap = gap_after(&d, (enum side)side, gone_ms[seed % 3], index);
            ck_assert_msg(gap <= GAP_SEEN, "seed %llu, %s: nothing for %lld ms",
                          (unsigned long long)seed, d.peers[side].host->name,
                          (long long)gap / 1000);
            check_unharmed(&d);
            ck_assert_uint_eq(d.peers[side].candidates, told);
            duo_deinit(&d);
        }
}

/* DHCP, or a roaming station: the same address is there again. */
START_TEST(an_interface_that_blinks_is_used_again_within_a_second)
{
    check_return(0);
}
END_TEST

/* RFC 8838 section 14: no candidate is told after the last one; the peer learns of this one by its
 * checks. */
START_TEST(another_interface_takes_over_from_one_that_has_gone_before_it)
{
    check_return(1);
}
END_TEST

START_TEST(an_interface_that_appears_is_there_when_the_other_fails)
{
    for (int side = LEFT; side <= RIGHT; side++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            duo d;
            begin_alone(&d, seed);
            network_at(&d, (enum side)side, 1);
            run_ms(&d, 2000);
            bool is_silent = seed % 2 == 0;
            (is_silent ? cut : host_network_down)(d.peers[side].host,
                                                  network_at(&d, (enum side)side, 0));
            kith_time gap = longest_gap(&d, 40000);
            ck_assert_msg(gap <= (is_silent ? GAP_SILENT : GAP_SEEN),
                          "seed %llu, %s: nothing for %lld ms", (unsigned long long)seed,
                          d.peers[side].host->name, (long long)gap / 1000);
            check_unharmed(&d);
            duo_deinit(&d);
        }
}
END_TEST

/* The offer of a restart waits for the network too: the generation before serves on. */
START_TEST(an_interface_that_blinks_during_a_restart_is_used_by_what_serves)
{
    for (int index = 0; index < 2; index++)
        for (int side = LEFT; side <= RIGHT; side++) {
            duo d;
            begin_alone(&d, 7);
            d.options.signalling_delay = KITH_SECONDS(26);
            kith_pc_restart_ice(d.peers[side].pc);
            duo_offer(&d, (enum side)side);
            run_ms(&d, 1000);
            kith_time gap = gap_after(&d, (enum side)side, 3000, index);
            ck_assert_msg(gap <= GAP_SEEN, "%s: nothing for %lld ms", d.peers[side].host->name,
                          (long long)gap / 1000);
            d.options.signalling_delay = KITH_MS(50); /* of the answer */
            run_ms(&d, 5000);
            check_unharmed(&d);
            duo_deinit(&d);
        }
}
END_TEST

/* Consent is lost on the old addresses, and the peer answers the old credentials no more: the
 * application is asked for new ones, once. */
START_TEST(a_network_that_comes_too_late_asks_for_a_restart)
{
    for (int index = 0; index < 2; index++)
        for (int side = LEFT; side <= RIGHT; side++) {
            duo d;
            begin_alone(&d, 11);
            host *h = d.peers[side].host;
            host_network_down(h, network_at(&d, (enum side)side, 0));
            run_ms(&d, 60000);
            ck_assert_int_eq(d.peers[side].state, KITH_CONNECTION_STATE_FAILED);
            ck_assert_uint_eq(d.peers[side].needed, 1);
            ck_assert_uint_eq(d.peers[1 - side].needed, 1);
            if (index == 0)
                host_network_up(h, network_at(&d, (enum side)side, 0));
            else
                network_at(&d, (enum side)side, index);
            run_ms(&d, 1000);
            ck_assert_uint_eq(d.peers[side].needed, 1);
            ck_assert_uint_eq(d.peers[1 - side].needed, 1);
            d.options.signalling_delay = KITH_MS(50);
            duo_offer(&d, (enum side)side);
            run_ms(&d, 2000);
            ck_assert_int_le(longest_gap(&d, 5000), KITH_MS(200));
            ck_assert(duo_is_connected(&d));
            ck_assert_uint_eq(d.peers[side].needed, 1);
            duo_deinit(&d);
        }
}
END_TEST

/* Who controls asks 2 s after the last path, who does not 6 s; what comes back before is enough. */
START_TEST(a_restart_is_asked_for_when_every_path_is_lost_for_long)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        int wait = side == LEFT ? 2000 : 6000;
        duo d;
        begin_alone(&d, 13);
        host *h = d.peers[side].host;
        network *n = network_at(&d, (enum side)side, 0);
        host_network_down(h, n);
        run_ms(&d, wait - 500);
        host_network_up(h, n);
        run_ms(&d, 5000);
        check_unharmed(&d);
        ck_assert_int_eq(d.peers[side].state, KITH_CONNECTION_STATE_CONNECTED);
        host_network_down(h, n);
        run_ms(&d, wait - 100);
        ck_assert_uint_eq(d.peers[side].needed, 0);
        run_ms(&d, 200);
        ck_assert_uint_eq(d.peers[side].needed, 1);
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(a_program_may_see_to_restarts_itself)
{
    duo d;
    begin_alone(&d, 14);
    never_restart(&d);
    host *h = d.peers[LEFT].host;
    network *n = network_at(&d, LEFT, 0);
    host_network_down(h, n);
    run_ms(&d, 60000);
    host_network_up(h, n);
    run_ms(&d, 10000);
    ck_assert_uint_eq(d.peers[LEFT].needed + d.peers[RIGHT].needed, 0);
    duo_deinit(&d);
}
END_TEST

/* Time passed while the machine slept: the address is there before anybody saw that consent is
 * over. */
START_TEST(a_network_that_changes_in_the_machines_sleep_asks_for_a_restart)
{
    duo d;
    begin_alone(&d, 12);
    host *h = d.peers[LEFT].host;
    h->deaf = h->idle = h->slow = true;
    run_ms(&d, 60000);
    host_network_down(h, network_at(&d, LEFT, 0));
    network_at(&d, LEFT, 1);
    h->deaf = h->idle = h->slow = false;
    run_ms(&d, 1000);
    ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_FAILED);
    ck_assert_uint_eq(d.peers[LEFT].needed, 1);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: failover", an_interface_that_is_seen_to_go_is_left_within_a_second,
          a_network_that_dies_without_a_word_is_left_within_seven_seconds,
          a_path_on_which_nothing_can_be_sent_is_left_within_a_second,
          each_pair_counts_what_it_carried, a_nat_that_rebinds_is_followed_within_seven_seconds,
          a_nat_that_rebinds_before_another_nat_is_followed_where_that_lets_it_in,
          an_interface_that_blinks_is_used_again_within_a_second,
          another_interface_takes_over_from_one_that_has_gone_before_it,
          an_interface_that_appears_is_there_when_the_other_fails,
          an_interface_that_blinks_during_a_restart_is_used_by_what_serves,
          a_restart_is_asked_for_when_every_path_is_lost_for_long,
          a_program_may_see_to_restarts_itself, a_network_that_comes_too_late_asks_for_a_restart,
          a_network_that_changes_in_the_machines_sleep_asks_for_a_restart)
