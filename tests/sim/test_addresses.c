/* Addresses that change their owner: whole peers that are killed and come back, that move and leave
 * their address to another, or that share one. */
#include "../unit/pc/star.h"

/* Both ends of the pair are connected. */
static bool pair_is_connected(void *arg)
{
    const end *pair = arg;
    return pair[0].state == KITH_CONNECTION_STATE_CONNECTED &&
           pair[1].state == KITH_CONNECTION_STATE_CONNECTED;
}

/* Dies without a word: neither ABORT nor close_notify leave. */
static void kill_end(world *w, host *h, end *e)
{
    h->unplugged = h->deaf = true;
    kith_pc_free(e->pc);
    e->pc = NULL;
    world_run(w, KITH_MS(1), NULL, NULL);
    h->unplugged = h->deaf = false;
}

static void restart_ice(world *w, end pair[2])
{
    kith_pc_restart_ice(pair[0].pc);
    set_both(&pair[0], &pair[1], KITH_SDP_OFFER);
    set_both(&pair[1], &pair[0], KITH_SDP_ANSWER);
    world_run(w, KITH_SECONDS(1), NULL, NULL);
}

static void move_to(host *h, const char *ip, uint16_t port)
{
    kith_endpoint_remove_local_address(h->endpoint, &h->address);
    OK(kith_address_parse(&h->address, ip));
    h->address.port = port;
    OK(kith_endpoint_add_local_address(h->endpoint, &h->address));
}

static void check_data(world *w, end pair[2])
{
    unsigned messages[] = {pair[0].messages, pair[1].messages};
    for (int i = 0; i < 2; i++)
        OK(kith_dc_send(pair[i].dc, "x", 1));
    world_run(w, KITH_SECONDS(1), NULL, NULL);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(pair[i].messages, messages[i] + 1);
}

/* A process is killed and started again at its port, whichever side offers. */
static void come_back(uint64_t seed, int killed, kith_time pause)
{
    world *w = world_new(seed);
    host *hosts[] = {star_host(w, "192.0.2.1"), star_host(w, "192.0.2.2")};
    end first[2], second[2];
    pair_up(first, hosts[0], hosts[1]);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    world_run(w, KITH_SECONDS(10), NULL, NULL);
    kill_end(w, hosts[killed], &first[killed]);
    world_run(w, pause, NULL, NULL);
    pair_up(second, hosts[0], hosts[1]);
    ck_assert_msg(world_run(w, KITH_SECONDS(11), pair_is_open, second), "%s",
                  kith_pc_why_failed(second[1 - killed].pc));
    check_data(w, second);
    /* Who was left behind lost its only address for good. */
    ck_assert_int_eq(first[1 - killed].state, KITH_CONNECTION_STATE_FAILED);
    free_pair(first);
    free_pair(second);
    world_free(w);
}

START_TEST(a_peer_killed_and_started_again_at_its_port_connects_again)
{
    come_back(1, 0, KITH_SECONDS(2));
    come_back(2, 1, KITH_SECONDS(2));
    come_back(3, 0, 0);
    come_back(4, 1, KITH_SECONDS(8));
}
END_TEST

/* A moves by an ICE restart; a minute later B has its old address, as behind a carrier's NAT. */
START_TEST(an_address_that_was_left_serves_another_peer)
{
    world *w = world_new(5);
    host *a = star_host(w, "192.0.2.1"), *server = star_host(w, "192.0.2.2"),
         *b = star_host(w, "192.0.2.3");
    const kith_address left = a->address;
    end first[2], second[2];
    pair_up(first, a, server);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    move_to(a, "192.0.2.77", left.port);
    restart_ice(w, first);
    world_run(w, KITH_SECONDS(60), NULL, NULL);
    ck_assert(pair_is_connected(first));
    move_to(b, "192.0.2.1", left.port);
    ck_assert(kith_address_equal(&b->address, &left));
    pair_up(second, b, server);
    ck_assert_msg(world_run(w, KITH_SECONDS(2), pair_is_open, second), "%s",
                  kith_pc_why_failed(second[1].pc));
    check_data(w, second);
    check_data(w, first);
    ck_assert_uint_eq(kith_endpoint_get_counters(server->endpoint)->address_conflicts, 0);
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

/* The pair that carries nothing any more is as free as the one that is gone: the peer keeps both
 * addresses, and another one comes at the one that it left. */
START_TEST(an_address_on_which_the_owner_is_silent_serves_another_peer)
{
    world *w = world_new(6);
    host *a = star_host(w, "192.0.2.1"), *server = star_host(w, "192.0.2.2"),
         *b = star_host(w, "192.0.2.3");
    const kith_address left = a->address;
    end first[2], second[2];
    pair_up(first, a, server);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    a->unplugged = a->deaf = true;
    world_run(w, KITH_SECONDS(12), NULL, NULL);
    ck_assert_int_eq(first[1].state, KITH_CONNECTION_STATE_DISCONNECTED);
    move_to(a, "192.0.2.78", left.port);
    move_to(b, "192.0.2.1", left.port);
    pair_up(second, b, server);
    ck_assert_msg(world_run(w, KITH_SECONDS(2), pair_is_open, second), "%s",
                  kith_pc_why_failed(second[1].pc));
    check_data(w, second);
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

/* RFC 8445 has no word for which of two agents data on one 5-tuple is: the first keeps it while it
 * lives, undisturbed, however often the other one asks. */
START_TEST(a_live_owner_keeps_its_address)
{
    world *w = world_new(7);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2], third[2];
    pair_up(first, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    pair_up(second, a, b);
    for (int i = 0; i < 60; i++) {
        check_data(w, first);
        ck_assert_int_ne(second[0].state, KITH_CONNECTION_STATE_CONNECTED);
        ck_assert_int_ne(second[1].state, KITH_CONNECTION_STATE_CONNECTED);
    }
    ck_assert_int_eq(second[0].state, KITH_CONNECTION_STATE_FAILED);
    ck_assert_int_eq(second[1].state, KITH_CONNECTION_STATE_FAILED);
    const char *why = kith_pc_why_failed(second[1].pc);
    ck_assert_msg(strstr(why, "192.0.2.1:5001, whose packets belong to another peer"), "%s", why);
    ck_assert(pair_is_connected(first));
    /* Closed, on either side, it is free at once. */
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

/* The other one waits: as soon as the owner is closed it connects, without being asked again. */
START_TEST(a_peer_that_was_refused_connects_when_the_owner_leaves)
{
    world *w = world_new(8);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2];
    pair_up(first, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    pair_up(second, a, b);
    world_run(w, KITH_SECONDS(5), NULL, NULL);
    kith_pc_close(first[1].pc);
    ck_assert_msg(world_run(w, KITH_SECONDS(3), pair_is_open, second), "%s",
                  kith_pc_why_failed(second[1].pc));
    check_data(w, second);
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

/* Two peers behind two addresses each: the second takes the path that the first does not use. */
START_TEST(two_peers_on_two_addresses_share_them)
{
    world *w = world_new(9);
    host *a = star_host(w, "192.0.2.1"), *b = star_host(w, "192.0.2.2");
    end first[2], second[2];
    pair_up(first, a, b);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, first));
    kith_address more = a->address;
    more.port++;
    ck_assert(kith_endpoint_add_local_address(a->endpoint, &more) == KITH_OK);
    a->opened[a->opened_count++] = more;
    pair_up(second, a, b);
    ck_assert_msg(world_run(w, KITH_SECONDS(5), pair_is_open, second), "%s",
                  kith_pc_why_failed(second[1].pc));
    for (int i = 0; i < 40; i++) {
        check_data(w, first);
        check_data(w, second);
    }
    free_pair(first);
    free_pair(second);
    world_free(w);
}
END_TEST

UNIT_MAIN("addresses", a_peer_killed_and_started_again_at_its_port_connects_again,
          an_address_that_was_left_serves_another_peer,
          an_address_on_which_the_owner_is_silent_serves_another_peer,
          a_live_owner_keeps_its_address, a_peer_that_was_refused_connects_when_the_owner_leaves,
          two_peers_on_two_addresses_share_them)
