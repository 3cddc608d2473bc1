/* Moving to another pair after the selection, without a restart. */
#include "net.h"

#include "ice/nominate.h"

static void let_renominate(struct net *net)
{
    kith_ice_set_renomination(ice_of(net, LEFT), true);
    kith_ice_set_renomination(ice_of(net, RIGHT), true);
}

/* Connected by TCP, as no datagram passes; both are behind a NAT that lets in whom it was asked. */
static struct net *net_on_tcp(bool can_renominate)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "198.51.100.1:1000");
    add_tcp(net, LEFT, "192.0.2.1:7000");
    add_tcp(net, RIGHT, "198.51.100.1:7000");
    net->no_udp = true;
    exchange_credentials(net);
    if (can_renominate)
        let_renominate(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    ck_assert_int_eq(ice_of(net, LEFT)->newest->selected->path.protocol, KITH_TCP);
    return net;
}

static bool are_on_udp(struct net *net)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        const kith_ice_pair *pair = ice_of(net, side)->newest->selected;
        if (!pair || pair->path.protocol != KITH_UDP || !pair->is_nominated)
            return false;
    }
    return true;
}

START_TEST(a_better_path_that_opens_later_is_taken)
{
    struct net *net = net_on_tcp(true);
    net_run(net, KITH_SECONDS(10));
    ck_assert(!are_on_udp(net));
    net->no_udp = false;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(10), are_on_udp));
    net_run(net, KITH_SECONDS(120));
    ck_assert(are_on_udp(net));
    ck_assert_uint_eq(net->peers[LEFT].selections, 2);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* After a minute it is looked for seldom, and found all the same. */
START_TEST(a_better_path_is_looked_for_seldom_after_a_minute)
{
    struct net *net = net_on_tcp(true);
    net_run(net, KITH_SECONDS(90));
    unsigned sent = net->peers[LEFT].sent;
    net_run(net, KITH_SECONDS(60));
    /* One in 15 s, and consent and the other connection, with their answers. */
    ck_assert_uint_le(net->peers[LEFT].sent - sent, 4 + 2 * 15 + 2 * 5);
    net->no_udp = false;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(60), are_on_udp));
    net_free(net);
}
END_TEST

START_TEST(a_peer_that_does_not_renominate_keeps_its_pair)
{
    struct net *net = net_on_tcp(false);
    net->no_udp = false;
    net_run(net, KITH_SECONDS(120));
    ck_assert(!are_on_udp(net));
    ck_assert_uint_eq(net->peers[LEFT].selections, 1);
    net_free(net);
}
END_TEST

/* One that answers once and no more is not gone to. */
static bool let_one_pass(struct net *net, int from, struct datagram *d)
{
    unsigned *left = net->user;
    (void)from;
    if (d->path.protocol == KITH_TCP)
        return true;
    if (*left == 0)
        return false;
    --*left;
    return true;
}

START_TEST(a_path_that_worked_once_is_not_gone_to)
{
    for (unsigned pass = 2; pass <= 8; pass += 2) {
        struct net *net = net_on_tcp(true);
        unsigned left = pass;
        net->user = &left;
        net->filter = let_one_pass;
        net->no_udp = false;
        net_run(net, KITH_SECONDS(120));
        ck_assert_uint_eq(left, 0);
        ck_assert(!are_on_udp(net));
        ck_assert_uint_eq(net->peers[LEFT].selections, 1);
        ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
        net_free(net);
    }
}
END_TEST

/* A nomination may have to wait, and what was to be nominated die meanwhile: nothing is due then.
 */
START_TEST(a_path_that_proved_itself_and_died_is_not_nominated)
{
    struct net *net = net_on_tcp(true);
    net->no_udp = false;
    ice_of(net, LEFT)->newest->nominate_at = net->now + KITH_SECONDS(20); /* it was refused */
    net_run(net, KITH_SECONDS(12));
    net->no_udp = true;
    net_run(net, KITH_SECONDS(60)); /* drain holds that no agent spins */
    ck_assert(!are_on_udp(net));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net->no_udp = false;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(120), are_on_udp));
    net_free(net);
}
END_TEST

/* The controlled side follows the highest number at once, though the pair is of less priority. */
START_TEST(the_highest_nomination_counts)
{
    for (int can = 0; can < 2; can++) {
        struct net *net = net_new();
        add_socket(net, LEFT, "192.0.2.1:1000");
        add_socket(net, LEFT, "192.0.2.2:1000");
        add_socket(net, RIGHT, "198.51.100.1:2000");
        exchange_credentials(net);
        if (can)
            let_renominate(net);
        end_local(net);
        ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
        net_run(net, KITH_SECONDS(1));
        kith_ice_pair *first = ice_of(net, LEFT)->newest->selected, *other = NULL;
        KITH_ICE_EACH(&ice_of(net, LEFT)->newest->pairs, kith_ice_pair, pair)
            if (pair != first)
                other = pair;
        ck_assert_uint_lt(other->priority, first->priority);
        kith_ice_trigger(other);
        ice_of(net, LEFT)->is_dirty = true;
        net_run(net, KITH_MS(100));
        ck_assert_int_eq(other->state, KITH_ICE_PAIR_SUCCEEDED);
        kith_ice_nominate_pair(other);
        ice_of(net, LEFT)->is_dirty = true;
        net_run(net, KITH_MS(100));
        kith_address now = ice_of(net, RIGHT)->newest->selected->path.remote;
        ck_assert(kith_address_equal(&now, can ? &other->path.local : &first->path.local));
        ck_assert_ptr_eq(ice_of(net, LEFT)->newest->selected, can ? other : first);
        /* Nor does the first one count again, whose check may be answered late. */
        kith_ice *right = ice_of(net, RIGHT);
        KITH_ICE_EACH(&right->newest->pairs, kith_ice_pair, pair)
            if (kith_address_equal(&pair->path.remote, &first->path.local))
                kith_ice_accept_nomination(right, pair, net->now);
        ck_assert(kith_address_equal(&right->newest->selected->path.remote, &now));
        net_free(net);
    }
}
END_TEST

UNIT_MAIN("ice: renominate", a_better_path_that_opens_later_is_taken,
          a_better_path_is_looked_for_seldom_after_a_minute,
          a_peer_that_does_not_renominate_keeps_its_pair, a_path_that_worked_once_is_not_gone_to,
          a_path_that_proved_itself_and_died_is_not_nominated, the_highest_nomination_counts)
