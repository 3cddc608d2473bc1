/* Nomination: when the controlling side chooses, what the controlled side makes of an eager peer,
 * lite peers. */
#include "net.h"

/* RIGHT plays RFC 5245's aggressive nomination: USE-CANDIDATE in every check. */
static bool nominate_all(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    if (from != RIGHT || !kith_stun_parse(&m, d->data, d->len) || m.class != KITH_STUN_REQUEST ||
        m.use_candidate)
        return true;
    uint8_t buf[600];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, m.id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, m.username);
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, m.ice_controlling);
    kith_stun_put_flag(&w, KITH_STUN_ATTR_USE_CANDIDATE);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, m.priority);
    kith_stun_put_integrity(&w, ice_of(net, LEFT)->newest->local_hmac);
    kith_stun_put_fingerprint(&w);
    memcpy(d->data, buf, w.len);
    d->len = w.len;
    return true;
}

static bool left_selected(struct net *net)
{
    return ice_of(net, LEFT)->newest->selected;
}

START_TEST(an_aggressive_peer_selects_with_its_first_check_and_the_highest_pair_wins)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "192.0.2.3:2001");
    exchange_credentials(net);
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLED);
    kith_ice_set_role(ice_of(net, RIGHT), KITH_ICE_CONTROLLING);
    end_local(net);
    net->filter = nominate_all;
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), left_selected));
    ck_assert_int_le(net->now - start, 3 * net->delay + KITH_MS(5));
    net_run(net, KITH_SECONDS(2));
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    ck_assert_ptr_eq(ice_of(net, LEFT)->newest->selected,
                     kith_ice_best_valid(ice_of(net, LEFT)->newest));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* How long after its first valid pair LEFT waits for one that does not answer. */
static kith_time waited_with_delay(kith_time delay)
{
    struct net *net = net_new();
    net->delay = delay;
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    kith_candidate dead = host("198.51.100.9:9"), good = host("192.0.2.2:2000");
    dead.priority = UINT32_MAX;
    strcpy(dead.foundation, "dead");
    kith_ice_add_remote(ice_of(net, LEFT), &dead);
    kith_ice_add_remote(ice_of(net, LEFT), &good);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), left_selected));
    /* less the nomination's own round trip */
    kith_time waited = net->now - ice_of(net, LEFT)->newest->first_valid_at - 2 * delay;
    net_free(net);
    return waited;
}

/* Two round trips, in which the better one would have answered, but 50 to 500 ms (RFC 8445 section
 * 8.1.1 leaves it to us). */
START_TEST(a_better_pair_that_may_still_answer_is_waited_for_but_not_long)
{
    static const struct {
        int delay, wait;
    } cases[] = {{5, 50}, {20, 80}, {60, 240}, {200, 500}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kith_time waited = waited_with_delay(KITH_MS(cases[i].delay));
        ck_assert_int_ge(waited, KITH_MS(cases[i].wait));
        ck_assert_int_le(waited, KITH_MS(cases[i].wait + 10));
    }
}
END_TEST

START_TEST(a_better_pair_that_answers_in_time_is_chosen)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, LEFT, "192.0.2.11:1001");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "192.0.2.22:2001");
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_selected));
    net_run(net, KITH_SECONDS(1));
    kith_path left = net->peers[LEFT].selected, right = net->peers[RIGHT].selected;
    ck_assert(kith_address_equal(&left.local, &right.remote));
    ck_assert(kith_address_equal(&left.remote, &right.local));
    ck_assert_uint_eq(left.local.port, 1000);
    ck_assert_uint_eq(left.remote.port, 2000);
    net_free(net);
}
END_TEST

static bool is_first_path_dead;

static bool kill_first_path(struct net *net, int from, struct datagram *d)
{
    if (is_first_path_dead && (kith_address_equal(&d->path.local, &net->peers[RIGHT].sockets[0]) ||
                               kith_address_equal(&d->path.remote, &net->peers[RIGHT].sockets[0])))
        return false;
    return nominate_all(net, from, d);
}

/* RIGHT nominates its two pairs in turn, or the second alone. */
static void nominate_pairs(struct net *net, int times, bool in_turn)
{
    kith_ice_generation *g = ice_of(net, RIGHT)->newest;
    for (int i = 0; i < times; i++) {
        int port = in_turn && i % 2 == 0 ? 2000 : 2001;
        net_run(net, KITH_MS(900));
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair)
            if (pair->path.local.port == port)
                kith_ice_trigger(pair);
        ice_of(net, RIGHT)->is_dirty = true;
    }
}

/* A browser that controls moves to another pair without an ICE restart when the selected one dies.
 */
START_TEST(a_controlling_peer_that_moves_to_a_living_pair_is_followed)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "192.0.2.3:2001");
    exchange_credentials(net);
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLED);
    kith_ice_set_role(ice_of(net, RIGHT), KITH_ICE_CONTROLLING);
    end_local(net);
    is_first_path_dead = false;
    net->filter = kill_first_path;
    net_run(net, KITH_SECONDS(2));
    ck_assert_uint_eq(net->peers[LEFT].selected.remote.port, 2000);
    /* it checks its pairs in turn, all with USE-CANDIDATE: the better one stays selected */
    unsigned selections = net->peers[LEFT].selections;
    nominate_pairs(net, 13, true);
    ck_assert_uint_eq(net->peers[LEFT].selected.remote.port, 2000);
    ck_assert_uint_eq(net->peers[LEFT].selections, selections);
    is_first_path_dead = true;
    nominate_pairs(net, 1, false);
    net_run(net, KITH_MS(500));
    ck_assert_uint_eq(net->peers[LEFT].selected.remote.port, 2001);
    ck_assert_int_lt(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    net_free(net);
}
END_TEST

/* Consent is asked for every 4 to 6 s, so an idle path may be quiet for as long. It is silent only
 * when a check of it goes without an answer. */
START_TEST(a_selected_pair_that_is_merely_quiet_is_not_left_for_a_lower_one)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "192.0.2.3:2001");
    exchange_credentials(net);
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLED);
    kith_ice_set_role(ice_of(net, RIGHT), KITH_ICE_CONTROLLING);
    end_local(net);
    net->filter = nominate_all;
    net_run(net, KITH_SECONDS(2));
    for (int side = LEFT; side <= RIGHT; side++)
        ice_of(net, side)->send_pair->consent_at = net->now + KITH_SECONDS(6);
    net_run(net, KITH_MS(1950));
    nominate_pairs(net, 1, false);
    ck_assert_int_gt(net->now - ice_of(net, LEFT)->newest->selected->heard_at, KITH_MS(4500));
    net_run(net, KITH_MS(900));
    ck_assert_uint_eq(net->peers[LEFT].selected.remote.port, 2000);
    net_free(net);
}
END_TEST

/* An ice-lite peer: it only answers. Whatever our role was, we control. */
START_TEST(with_a_lite_peer_we_control_and_nominate)
{
    struct net *net = net_new();
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    kith_ice_set_role(left, KITH_ICE_CONTROLLED);
    ck_assert_int_eq(
        kith_ice_set_remote(left, kith_ice_local_ufrag(right), kith_ice_local_pwd(right), true),
        KITH_OK);
    ck_assert_int_eq(kith_ice_get_role(left), KITH_ICE_CONTROLLING);
    kith_ice_set_role(left, KITH_ICE_CONTROLLED); /* a later offer does not change that */
    ck_assert_int_eq(kith_ice_get_role(left), KITH_ICE_CONTROLLING);
    kith_candidate c = host("192.0.2.2:2000");
    kith_ice_add_remote(left, &c);
    kith_ice_end_remote(left);
    kith_ice_end_local(left);
    kith_time start = net->now;
    /* RIGHT knows nothing of LEFT: it answers and never checks */
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), left_selected));
    ck_assert_int_le(net->now - start, 4 * net->delay + KITH_MS(5));
    net_run(net, KITH_SECONDS(120));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

START_TEST(checks_end_with_the_selection)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    kith_candidate good = host("192.0.2.2:2000");
    kith_ice_add_remote(ice_of(net, LEFT), &good);
    kith_candidate better =
        host("198.51.100.8:1"); /* is being checked when the other is selected */
    better.priority = UINT32_MAX;
    strcpy(better.foundation, "better");
    kith_ice_add_remote(ice_of(net, LEFT), &better);
    for (int i = 0; i < 20; i++) {
        kith_candidate dead = host("198.51.100.9:1");
        dead.address.port = (uint16_t)(i + 1);
        dead.priority = 5;
        kith_ice_add_remote(ice_of(net, LEFT), &dead);
    }
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    unsigned sent = net->peers[LEFT].sent;
    net_run(net, KITH_SECONDS(3));
    ck_assert_uint_le(net->peers[LEFT].sent - sent, 1);
    net_free(net);
}
END_TEST

/* The peer has found another network: its pairs are checked, change nothing, and are kept for when
 * the selected one fails. RFC 8838 section 11 would make none. */
START_TEST(a_candidate_that_comes_after_the_selection_is_something_to_fall_back_on)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(1));
    net->signal_delay = 0;
    add_socket(net, RIGHT, "203.0.113.2:2001");
    net_run(net, KITH_SECONDS(1));
    kith_path path = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[1], KITH_UDP};
    kith_ice_pair *pair = kith_ice_find_pair(ice_of(net, LEFT)->newest, &path);
    ck_assert_ptr_nonnull(pair);
    ck_assert_int_eq(pair->state, KITH_ICE_PAIR_SUCCEEDED);
    ck_assert_uint_eq(net->peers[LEFT].selections, 1);
    ck_assert_uint_eq(net->peers[RIGHT].selections, 1);
    net_run(net, KITH_SECONDS(120));
    ck_assert_int_eq(pair->state, KITH_ICE_PAIR_SUCCEEDED);
    net_free(net);
}
END_TEST

static bool lose_nominations(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    (void)net;
    return !(from == LEFT && kith_stun_parse(&m, d->data, d->len) && m.use_candidate);
}

START_TEST(data_may_flow_before_the_nomination)
{
    struct net *net = net_pair();
    net->filter = lose_nominations;
    kith_path path;
    net_run(net, KITH_SECONDS(20));
    ck_assert(!both_selected(net));
    for (int side = LEFT; side <= RIGHT; side++) {
        ck_assert_int_eq(state_of(net, side), KITH_ICE_CONNECTED);
        ck_assert(kith_ice_send_path(ice_of(net, side), &path));
        ck_assert(is_authenticated(net, side, &path));
    }
    net->filter = NULL;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(17), both_selected));
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: nominate",
          an_aggressive_peer_selects_with_its_first_check_and_the_highest_pair_wins,
          a_better_pair_that_may_still_answer_is_waited_for_but_not_long,
          a_better_pair_that_answers_in_time_is_chosen,
          a_controlling_peer_that_moves_to_a_living_pair_is_followed,
          a_selected_pair_that_is_merely_quiet_is_not_left_for_a_lower_one,
          with_a_lite_peer_we_control_and_nominate, checks_end_with_the_selection,
          a_candidate_that_comes_after_the_selection_is_something_to_fall_back_on,
          data_may_flow_before_the_nomination)
