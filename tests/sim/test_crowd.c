/* Many peers on one port: connected together, for long, with whoever comes and goes. */
#include <stdio.h>

#include "../unit/pc/star.h"
#include "pc/transport.h"
#include "sctp/sctp.h"

enum { CROWD = 24 };

static bool all_open(void *arg)
{
    end(*pairs)[2] = arg;
    for (int i = 0; i < CROWD; i++)
        if (!pair_is_open(pairs[i]))
            return false;
    return true;
}

static void begin(world **w, host **server, end pairs[CROWD][2])
{
    *w = world_new(1);
    *server = star_host(*w, "192.0.2.1");
    for (int i = 0; i < CROWD; i++) {
        char ip[24];
        snprintf(ip, sizeof ip, "198.51.100.%d", i + 1);
        host *client = star_host(*w, ip);
        bool server_offers = i % 2 == 0;
        pair_up(pairs[i], server_offers ? *server : client, server_offers ? client : *server);
    }
}

static void finish(world *w, end pairs[CROWD][2])
{
    for (int i = 0; i < CROWD; i++)
        free_pair(pairs[i]);
    world_free(w);
}

START_TEST(a_crowd_connects_at_once_on_one_port_and_stays)
{
    world *w;
    host *server;
    end pairs[CROWD][2];
    begin(&w, &server, pairs);
    kith_time start = virtual_now();
    ck_assert(world_run(w, KITH_SECONDS(10), all_open, pairs));
    ck_assert_int_le(virtual_now() - start, KITH_MS(500));
    server->link.loss = 0.02;
    world_run(w, KITH_SECONDS(600), NULL, NULL);
    for (int i = 0; i < CROWD; i++)
        for (int side = 0; side < 2; side++) {
            ck_assert_int_eq(pairs[i][side].state, KITH_CONNECTION_STATE_CONNECTED);
            OK(kith_dc_send(pairs[i][side].dc, "x", 1));
        }
    world_run(w, KITH_SECONDS(5), NULL, NULL);
    for (int i = 0; i < CROWD; i++)
        for (int side = 0; side < 2; side++)
            ck_assert_uint_eq(pairs[i][side].messages, 1);
    finish(w, pairs);
}
END_TEST

START_TEST(some_leave_and_the_others_do_not_notice)
{
    world *w;
    host *server;
    end pairs[CROWD][2];
    begin(&w, &server, pairs);
    ck_assert(world_run(w, KITH_SECONDS(10), all_open, pairs));
    for (int i = 0; i < CROWD; i += 3) {
        kith_pc_free(pairs[i][i % 2].pc);
        pairs[i][i % 2].pc = NULL;
        world_run(w, KITH_MS(100), NULL, NULL);
        ck_assert_uint_eq(pairs[i][1 - i % 2].closed, 1);
    }
    world_run(w, KITH_SECONDS(60), NULL, NULL);
    for (int i = 0; i < CROWD; i++) {
        if (i % 3 == 0)
            continue;
        ck_assert_int_eq(pairs[i][0].state, KITH_CONNECTION_STATE_CONNECTED);
        OK(kith_dc_send(pairs[i][0].dc, "x", 1));
        world_run(w, KITH_MS(500), NULL, NULL);
        ck_assert_uint_eq(pairs[i][1].messages, 1);
    }
    finish(w, pairs);
}
END_TEST

/* ---- fairness ---- */

enum { SENDERS = 1000, PIECE = 1024, QUEUED = 64 * 1024 };

static void fill(kith_dc *dc)
{
    static const char piece[PIECE];
    while (kith_dc_buffered_amount(dc) < QUEUED)
        OK(kith_dc_send(dc, piece, sizeof piece));
}

static void refill(host *h, const kith_event *ev, void *user)
{
    if (ev->type == KITH_EV_DC_BUFFERED_AMOUNT_LOW)
        fill(ev->dc);
    end_event(h, ev, user);
}

static bool senders_are_open(void *arg)
{
    end(*pairs)[2] = arg;
    for (int i = 0; i < SENDERS; i++)
        if (!pair_is_open(pairs[i]))
            return false;
    return true;
}

/* Nothing is lost here, so every one is for nothing. */
static uint64_t retransmits(end pairs[SENDERS][2])
{
    uint64_t count = 0;
    for (int i = 0; i < SENDERS; i++) {
        kith_sctp_info info;
        kith_sctp_get_info(pairs[i][0].pc->channels.transport->sctp, &info);
        count += info.retransmits;
    }
    return count;
}

static void crowd_connects(world **w, host **from, end pairs[SENDERS][2])
{
    *w = world_new(1);
    *from = star_host(*w, "192.0.2.1");
    (*from)->on_event = refill;
    for (int i = 0; i < SENDERS; i++) {
        char ip[24];
        snprintf(ip, sizeof ip, "198.51.%d.%d", i / 250, i % 250 + 1);
        pair_up(pairs[i], *from, star_host(*w, ip));
    }
    ck_assert(world_run(*w, KITH_SECONDS(20), senders_are_open, pairs));
    world_run(*w, KITH_SECONDS(1), NULL, NULL);
}

/* The machine sends 20 packets in a millisecond, 40 for each in two seconds; who has had its turn
 * waits longer for the next than the smallest retransmission time. */
START_TEST(those_who_send_at_once_get_as_much_as_the_others)
{
    static end pairs[SENDERS][2];
    world *w;
    host *from;
    crowd_connects(&w, &from, pairs);
    from->packets_per_ms = 20;
    uint64_t before = retransmits(pairs);
    for (int i = 0; i < SENDERS; i++) {
        kith_dc_set_buffered_amount_low_threshold(pairs[i][0].dc, QUEUED / 2);
        fill(pairs[i][0].dc);
    }
    world_run(w, KITH_SECONDS(2), NULL, NULL);
    size_t most = 0, least = SIZE_MAX;
    for (int i = 0; i < SENDERS; i++) {
        size_t bytes = pairs[i][1].bytes;
        most = bytes > most ? bytes : most;
        least = bytes < least ? bytes : least;
    }
    ck_assert_uint_eq(retransmits(pairs) - before, 0);
    ck_assert_uint_gt(least, 0);
    ck_assert_msg(most <= 2 * least, "%zu and %zu bytes", most, least);
    for (int i = 0; i < SENDERS; i++)
        free_pair(pairs[i]);
    world_free(w);
}
END_TEST

/* 16 packets are a turn; the peer that has more to send is told of its queue after each. */
START_TEST(what_sending_makes_known_is_told_after_each_turn)
{
    static const char message[60000];
    end pair[2];
    world *w = world_new(1);
    host *from = star_host(w, "192.0.2.1");
    pair_up(pair, from, star_host(w, "198.51.100.1"));
    ck_assert(world_run(w, KITH_SECONDS(10), pair_is_open, pair));
    for (int i = 0; i < 20; i++)
        OK(kith_dc_send(pair[0].dc, message, sizeof message));
    world_run(w, KITH_MS(500), NULL, NULL);
    ck_assert_uint_eq(pair[1].messages, 20);
    kith_dc_set_buffered_amount_low_threshold(pair[0].dc, sizeof message - 1);
    OK(kith_dc_send(pair[0].dc, message, sizeof message));
    uint8_t buf[KITH_MAX_PACKET];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    for (int i = 0; i < 16; i++)
        ck_assert_uint_gt(
            kith_endpoint_poll_packet(from->endpoint, virtual_now(), &info, buf, sizeof buf), 0);
    const kith_event *ev = kith_endpoint_poll_event(from->endpoint);
    ck_assert_ptr_nonnull(ev);
    ck_assert_int_eq(ev->type, KITH_EV_DC_BUFFERED_AMOUNT_LOW);
    ck_assert_uint_gt(
        kith_endpoint_poll_packet(from->endpoint, virtual_now(), &info, buf, sizeof buf), 0);
    free_pair(pair);
    world_free(w);
}
END_TEST

/* ---- idleness ---- */

/* Each side asks for consent every 4 to 6 s and answers the other's (RFC 7675 section 5.1): so many
 * packets leave a side as both sides ask, and no alarm goes off but to ask. */
START_TEST(who_has_nothing_to_say_wakes_for_consent_alone)
{
    static const char message[60000];
    end pair[2];
    world *w = world_new(1);
    host *left = star_host(w, "192.0.2.1"), *right = star_host(w, "198.51.100.1");
    pair_up(pair, left, right);
    ck_assert(world_run(w, KITH_SECONDS(10), pair_is_open, pair));
    OK(kith_dc_send(pair[0].dc, message, sizeof message));
    world_run(w, KITH_SECONDS(5), NULL, NULL);
    uint64_t packets = left->packets_sent, alarms = left->alarms + right->alarms;
    world_run(w, KITH_SECONDS(600), NULL, NULL);
    packets = left->packets_sent - packets;
    ck_assert_uint_ge(packets, 2 * 100);
    ck_assert_uint_le(packets, 2 * 150);
    ck_assert_uint_le(left->alarms + right->alarms - alarms, packets);
    free_pair(pair);
    world_free(w);
}
END_TEST

UNIT_MAIN("sim: crowd", what_sending_makes_known_is_told_after_each_turn,
          those_who_send_at_once_get_as_much_as_the_others,
          a_crowd_connects_at_once_on_one_port_and_stays, some_leave_and_the_others_do_not_notice,
          who_has_nothing_to_say_wakes_for_consent_alone)
