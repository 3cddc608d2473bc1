/* Whose packet is it: many peers on one socket, and addresses that two would own. */
#include "star.h"

#include <stdio.h>

#include "wire/stun.h"

START_TEST(two_peers_share_a_port_with_third_parties)
{
    world *w = world_new(1);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2"),
         *c = star_host(w, "192.0.2.3");
    end ab[2], ac[2];
    pair_up(ab, a, b);
    pair_up(ac, a, c);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, ab));
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, ac));
    for (int i = 0; i < 100; i++) {
        OK(kith_dc_send(ab[0].dc, "b", 1));
        OK(kith_dc_send(ac[0].dc, "c", 1));
        OK(kith_dc_send(ab[1].dc, "a", 1));
    }
    world_run(w, KITH_SECONDS(2), NULL, NULL);
    ck_assert_uint_eq(ab[1].messages, 100);
    ck_assert_uint_eq(ac[1].messages, 100);
    ck_assert_uint_eq(ab[0].messages, 100);
    ck_assert_uint_eq(kith_endpoint_get_counters(a->endpoint)->address_conflicts, 0);
    free_pair(ab);
    world_run(w, KITH_SECONDS(60), NULL, NULL); /* the other lives on */
    ck_assert_int_eq(ac[0].state, KITH_CONNECTION_STATE_CONNECTED);
    free_pair(ac);
    world_free(w);
}
END_TEST

/* Data of one address cannot be told apart: the second peer there does not connect, and says why.
 */
START_TEST(an_address_that_another_peer_owns_is_a_conflict_that_is_explained)
{
    world *w = world_new(2);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2], third[2];
    pair_up(first, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    pair_up(second, a, b);
    world_run(w, KITH_SECONDS(60), NULL, NULL);
    ck_assert_int_eq(second[0].state, KITH_CONNECTION_STATE_FAILED);
    ck_assert_uint_gt(kith_endpoint_get_counters(b->endpoint)->address_conflicts, 0);
    const char *why = kith_pc_why_failed(second[1].pc);
    ck_assert_msg(strstr(why, "192.0.2.1:5001, whose packets belong to another peer"), "%s", why);
    ck_assert_int_eq(first[0].state, KITH_CONNECTION_STATE_CONNECTED);
    /* As soon as the owner is closed, on either side, the address is free. */
    kith_pc_close(first[0].pc);
    world_run(w, KITH_MS(100), NULL, NULL);
    pair_up(third, a, b);
    ck_assert(world_run(w, KITH_SECONDS(2), pair_is_open, third));
    free_pair(first);
    free_pair(second);
    free_pair(third);
    world_free(w);
}
END_TEST

/* An ice-lite peer behind one port answers the checks of two of ours and sends none that could be
 * refused. */
START_TEST(an_answer_from_an_address_that_another_peer_owns_is_a_conflict_too)
{
    world *w = world_new(2);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2];
    pair_up(first, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    pair_up(second, a, b);
    kith_path path = {.local = a->address, .remote = b->address};
    ck_assert(kith_endpoint_add_path(a->endpoint, kith_pc_transport(first[0].pc), &path));
    ck_assert_uint_eq(kith_endpoint_get_counters(a->endpoint)->address_conflicts, 0);
    ck_assert(!kith_endpoint_add_path(a->endpoint, kith_pc_transport(second[0].pc), &path));
    ck_assert_uint_eq(kith_endpoint_get_counters(a->endpoint)->address_conflicts, 1);
    const char *why = kith_pc_why_failed(second[0].pc);
    ck_assert_msg(strstr(why, ", whose packets belong to another peer"), "%s", why);
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

START_TEST(the_address_of_a_failed_peer_is_free_again)
{
    world *w = world_new(3);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2];
    pair_up(first, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    a->unplugged = b->unplugged = true;
    world_run(w, KITH_SECONDS(60), NULL, NULL);
    ck_assert_int_eq(first[0].state, KITH_CONNECTION_STATE_FAILED);
    a->unplugged = b->unplugged = false;
    pair_up(second, a, b);
    ck_assert(world_run(w, KITH_SECONDS(2), pair_is_open, second));
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

/* ---- packets of nobody ---- */

static void give(host *h, const char *from, const uint8_t *data, size_t len)
{
    kith_packet_info info = {.size = sizeof info, .path = {.local = h->address}};
    OK(kith_address_parse(&info.path.remote, from));
    kith_endpoint_handle_packet(h->endpoint, virtual_now(), &info, data, len);
}

static size_t binding(uint8_t buf[128], kith_stun_class class, const char *username)
{
    static const uint8_t id[KITH_STUN_ID] = {1, 2, 3};
    kith_writer packet = kith_wr(buf, 128);
    kith_stun_begin(&packet, class, KITH_STUN_BINDING, id);
    if (username)
        kith_stun_put_span(&packet, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
    kith_stun_put_fingerprint(&packet);
    return packet.len;
}

START_TEST(packets_of_nobody_are_counted_by_cause_and_not_answered)
{
    world *w = world_new(4);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, pair));
    world_run(w, KITH_SECONDS(1), NULL, NULL);
    const kith_endpoint_counters *counters = kith_endpoint_get_counters(a->endpoint);
    kith_endpoint_counters before = *counters;
    uint64_t sent = a->packets_sent;
    uint8_t buf[128];
    size_t len = binding(buf, KITH_STUN_REQUEST, "nobody:knows");
    give(a, "203.0.113.1:1", buf, len);
    len = binding(buf, KITH_STUN_REQUEST, NULL);
    give(a, "203.0.113.1:1", buf, len);
    len = binding(buf, KITH_STUN_SUCCESS, NULL);
    give(a, "203.0.113.1:1", buf, len);
    len = binding(buf, KITH_STUN_INDICATION, NULL);
    give(a, "203.0.113.1:1", buf, len);
    static const uint8_t dtls[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    give(a, "203.0.113.1:1", dtls, sizeof dtls);
    give(a, "192.0.2.2:9", dtls, sizeof dtls); /* the right host, another port */
    give(a, "203.0.113.1:1", NULL, 0);
    give(a, "203.0.113.1:1", (const uint8_t *)"\0\1", 2); /* the beginning of STUN */
    world_run(w, KITH_MS(1), NULL, NULL);
    ck_assert_uint_eq(counters->packets_in, before.packets_in + 8);
    ck_assert_uint_eq(counters->unknown_ufrag, before.unknown_ufrag + 2);
    ck_assert_uint_eq(counters->unknown_response, before.unknown_response + 1);
    ck_assert_uint_eq(counters->unknown_source, before.unknown_source + 3);
    ck_assert_uint_eq(counters->malformed, before.malformed + 1);
    ck_assert_uint_eq(a->packets_sent, sent);
    free_pair(pair);
    world_free(w);
}
END_TEST

/* A check with our ufrag and a wrong password owns no address. */
START_TEST(a_check_that_is_not_authentic_takes_no_address)
{
    world *w = world_new(5);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, a, b);
    kith_transport *t = kith_pc_transport(pair[0].pc);
    uint8_t buf[128];
    char username[64];
    snprintf(username, sizeof username, "%s:x", kith_ice_local_ufrag(t->ice));
    size_t len = binding(buf, KITH_STUN_REQUEST, username);
    give(a, "203.0.113.1:1", buf, len);
    ck_assert(kith_list_empty(&t->paths));
    free_pair(pair);
    world_free(w);
}
END_TEST

/* Routes are as many as ICE has pairs that a peer authenticated: none outlives its pair. */
START_TEST(routes_of_paths_follow_the_pairs)
{
    world *w = world_new(6);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, pair));
    ck_assert_uint_eq(a->endpoint->by_path.count, 1);
    kith_endpoint_remove_local_address(a->endpoint, &a->address);
    world_run(w, KITH_MS(1), NULL, NULL);
    ck_assert_uint_eq(a->endpoint->by_path.count, 0);
    ck_assert_uint_eq(b->endpoint->by_path.count, 1);
    free_pair(pair);
    world_free(w);
}
END_TEST

START_TEST(only_the_owner_of_a_path_can_remove_it)
{
    world *w = world_new(6);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2];
    pair_up(first, a, b);
    pair_up(second, a, b);
    kith_transport *t = kith_pc_transport(first[0].pc), *other = kith_pc_transport(second[0].pc);
    kith_path path = {.local = a->address, .remote = b->address};
    ck_assert(kith_endpoint_add_path(a->endpoint, t, &path));
    ck_assert(kith_endpoint_add_path(a->endpoint, t, &path)); /* it is its own */
    kith_endpoint_remove_path(a->endpoint, other, &path);
    ck_assert_uint_eq(a->endpoint->by_path.count, 1);
    kith_endpoint_remove_path(a->endpoint, t, &path);
    ck_assert_uint_eq(a->endpoint->by_path.count, 0);
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

/* ICE restarts: whatever the generation, its ufrag leads to its transport. */
START_TEST(checks_of_every_generation_find_their_transport)
{
    world *w = world_new(7);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, pair));
    for (int i = 0; i < 10; i++) {
        kith_pc_restart_ice(pair[0].pc);
        set_both(&pair[0], &pair[1], KITH_SDP_OFFER);
        set_both(&pair[1], &pair[0], KITH_SDP_ANSWER);
        world_run(w, KITH_SECONDS(1), NULL, NULL);
        ck_assert_int_eq(kith_pc_connection_state(pair[0].pc), KITH_CONNECTION_STATE_CONNECTED);
        uint32_t tag;
        kith_transport *t = kith_pc_transport(pair[0].pc);
        ck_assert(kith_ice_tag_of_ufrag(kith_span_text(kith_ice_local_ufrag(t->ice)), &tag));
        ck_assert_uint_eq(tag, t->tag);
    }
    OK(kith_dc_send(pair[0].dc, "x", 1));
    world_run(w, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(pair[1].messages, 1);
    free_pair(pair);
    world_run(w, KITH_MS(1), NULL, NULL);
    ck_assert_uint_eq(a->endpoint->by_tag.count, 0);
    ck_assert_uint_eq(a->endpoint->by_path.count, 0);
    world_free(w);
}
END_TEST

UNIT_MAIN("pc: route", two_peers_share_a_port_with_third_parties,
          an_address_that_another_peer_owns_is_a_conflict_that_is_explained,
          an_answer_from_an_address_that_another_peer_owns_is_a_conflict_too,
          the_address_of_a_failed_peer_is_free_again,
          packets_of_nobody_are_counted_by_cause_and_not_answered,
          a_check_that_is_not_authentic_takes_no_address, routes_of_paths_follow_the_pairs,
          only_the_owner_of_a_path_can_remove_it, checks_of_every_generation_find_their_transport)
