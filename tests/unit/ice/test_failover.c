/* Another pair in place of one that failed: who is asked, how often, and who is followed where. The
 * times that data stands still, for whole peers: tests/sim/test_failover.c. */
#include "net.h"

#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/failover.h"
#include "ice/pairs.h"

/* Nothing passes from or to these addresses; family 0: all passes. */
static kith_address dead[2];
/* Requests of each side on the pair that was selected first, and on all others. */
static unsigned on_first[2], on_others[2];
static kith_address first_local;

static bool is_on(const struct datagram *d, const kith_address *address)
{
    return kith_address_equal(&d->path.local, address) ||
           kith_address_equal(&d->path.remote, address);
}

static bool pass_or_die(struct net *net, int from, struct datagram *d)
{
    (void)net;
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    if (m.class == KITH_STUN_REQUEST)
        *(is_on(d, &first_local) ? &on_first[from] : &on_others[from]) += 1;
    ck_assert(from == LEFT || !m.use_candidate); /* LEFT controls */
    return !is_on(d, &dead[0]) && !is_on(d, &dead[1]);
}

static void count_anew(void)
{
    memset(on_first, 0, sizeof on_first);
    memset(on_others, 0, sizeof on_others);
}

/* Two networks on each side, connected on the first, LEFT controls. */
static struct net *net_begin(void)
{
    struct net *net = net_new();
    memset(dead, 0, sizeof dead);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, LEFT, "203.0.113.1:1001");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "203.0.113.2:2001");
    exchange_credentials(net);
    end_local(net);
    net->filter = pass_or_die;
    first_local = net->peers[LEFT].sockets[0];
    return net;
}

static struct net *net_two_networks(void)
{
    struct net *net = net_begin();
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    net_run(net, KITH_SECONDS(1));
    ck_assert(kith_address_equal(&net->peers[LEFT].selected.local, &first_local));
    count_anew();
    return net;
}

static kith_path send_path(struct net *net, int side)
{
    kith_path path;
    ck_assert(kith_ice_send_path(ice_of(net, side), &path));
    return path;
}

/* Does it send on a path without the dead address? */
static bool has_left(struct net *net, int side)
{
    kith_path path;
    return kith_ice_send_path(ice_of(net, side), &path) &&
           !kith_address_equal(&path.local, &dead[0]) &&
           !kith_address_equal(&path.remote, &dead[0]);
}

static bool both_left(struct net *net)
{
    return has_left(net, LEFT) && has_left(net, RIGHT);
}

static bool left_left(struct net *net)
{
    return has_left(net, LEFT);
}

START_TEST(when_the_selected_pair_is_silent_the_first_other_that_answers_carries_the_data)
{
    struct net *net = net_two_networks();
    net_run(net, KITH_SECONDS(8));
    dead[0] = first_local;
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(7), both_left));
    ck_assert_int_ge(net->now - start, KITH_MS(1400)); /* a lost check is no reason */
    net_run(net, KITH_SECONDS(3));
    kith_path left = send_path(net, LEFT), right = send_path(net, RIGHT);
    ck_assert(kith_address_equal(&left.local, &right.remote));
    ck_assert(kith_address_equal(&left.remote, &right.local));
    ck_assert(ice_of(net, RIGHT)->newest->selected->is_nominated);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
    net_run(net, KITH_SECONDS(120));
    for (int side = LEFT; side <= RIGHT; side++)
        for (unsigned i = 0; i < net->peers[side].state_count; i++)
            ck_assert_int_ne(net->peers[side].states[i], KITH_ICE_FAILED);
    net_free(net);
}
END_TEST

/* An outage that ends before consent does shall not outlast its end by more than a second. */
START_TEST(while_nothing_answers_every_pair_is_asked_once_a_second)
{
    struct net *net = net_two_networks();
    dead[0] = net->peers[RIGHT].sockets[0];
    dead[1] = net->peers[RIGHT].sockets[1];
    net_run(net, KITH_SECONDS(10));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    count_anew();
    net_run(net, KITH_SECONDS(10));
    /* the selected pair every half to whole second, beside the other one of its address; the two
     * of the second address each second */
    ck_assert_uint_ge(on_first[LEFT], 10 + 10);
    ck_assert_uint_le(on_first[LEFT], 10 + 20);
    ck_assert_uint_ge(on_others[LEFT], 2 * 9);
    ck_assert_uint_le(on_others[LEFT], 2 * 10);
    memset(dead, 0, sizeof dead);
    net_run(net, KITH_MS(1100));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* RFC 8445 section 14.2: Ta holds for the search too. */
static uint64_t requests_of(struct net *net, int side)
{
    kith_ice_pair_info info;
    uint64_t count = 0;
    for (size_t i = 0; kith_ice_pair_at(ice_of(net, side), i, &info); i++)
        count += info.requests_sent + info.consent_requests_sent;
    return count;
}

START_TEST(a_search_among_many_pairs_keeps_the_pace)
{
    struct net *net = net_two_networks();
    kith_path path = send_path(net, LEFT);
    for (unsigned i = 0; i < 90; i++) {
        kith_candidate c = host("198.51.100.7:1");
        c.address.port = (uint16_t)(i + 1);
        kith_ice_add_remote(ice_of(net, LEFT), &c);
    }
    dead[0] = net->peers[RIGHT].sockets[0];
    dead[1] = net->peers[RIGHT].sockets[1];
    kith_ice_path_unreachable(ice_of(net, LEFT), net->now, &path);
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_le(on_first[LEFT] + on_others[LEFT], 20 + 4);
    net_run(net, KITH_SECONDS(9));
    count_anew();
    uint64_t before = requests_of(net, LEFT);
    net_run(net, KITH_SECONDS(10));
    ck_assert_uint_eq(requests_of(net, LEFT) - before, on_first[LEFT] + on_others[LEFT]);
    ck_assert_uint_le(on_first[LEFT] + on_others[LEFT], 200 + 21);
    ck_assert_uint_ge(on_first[LEFT] + on_others[LEFT], 180);
    net_free(net);
}
END_TEST

START_TEST(checks_that_wait_for_their_turn_do_not_hold_up_a_search)
{
    struct net *net = net_two_networks();
    kith_path path = send_path(net, LEFT);
    for (unsigned i = 0; i < 90; i++) {
        kith_candidate c = host("198.51.100.7:1");
        c.address.port = (uint16_t)(i + 1);
        kith_ice_add_remote(ice_of(net, LEFT), &c);
    }
    dead[0] = first_local;
    kith_time start = net->now;
    kith_ice_path_unreachable(ice_of(net, LEFT), start, &path);
    ck_assert(net_run_until(net, start + KITH_SECONDS(5), left_left));
    ck_assert_int_le(net->now - start, 2 * KITH_ICE_TA + 2 * net->delay + KITH_MS(5));
    net_free(net);
}
END_TEST

START_TEST(checks_that_are_under_way_are_not_repeated_beside_a_search)
{
    struct net *net = net_two_networks();
    kith_ice *left = ice_of(net, LEFT);
    kith_path path = send_path(net, LEFT);
    unsigned others = 0;
    dead[0] = net->peers[RIGHT].sockets[0];
    dead[1] = net->peers[RIGHT].sockets[1];
    KITH_ICE_EACH(&left->newest->pairs, kith_ice_pair, pair)
        if (!kith_address_equal(&pair->path.local, &first_local)) {
            kith_ice_trigger(pair);
            others++;
        }
    left->is_dirty = true;
    net_run(net, KITH_MS(200));
    ck_assert_uint_eq(on_others[LEFT], others);
    count_anew();
    kith_ice_path_unreachable(left, net->now, &path);
    net_run(net, KITH_MS(4900));
    ck_assert_uint_eq(on_others[LEFT], 5 * others);
    net_free(net);
}
END_TEST

START_TEST(a_pair_whose_address_goes_is_replaced_within_a_round_trip)
{
    for (int side = LEFT; side <= RIGHT; side++) {
        struct net *net = net_two_networks();
        kith_address gone = send_path(net, side).local;
        kith_time start = net->now;
        dead[0] = gone;
        kith_ice_remove_local(ice_of(net, side), &gone, KITH_TCPTYPE_NONE);
        net_run(net, 2 * net->delay + KITH_MS(10));
        ck_assert(has_left(net, side));
        /* the other side hears a nomination, or data, elsewhere */
        kith_path path = send_path(net, side), seen = {path.remote, path.local, path.protocol};
        kith_ice_note_received(ice_of(net, 1 - side), net->now, &seen);
        ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_left));
        ck_assert_int_le(net->now - start, KITH_MS(300) + 8 * net->delay + KITH_MS(10));
        net_free(net);
    }
}
END_TEST

/* What the driver says of the path of data counts, of any other not. */
START_TEST(a_path_that_cannot_be_sent_on_is_replaced_within_a_round_trip)
{
    struct net *net = net_two_networks();
    kith_path path = send_path(net, LEFT), other = path;
    other.local = net->peers[LEFT].sockets[1];
    kith_ice_path_unreachable(ice_of(net, LEFT), net->now, &other);
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(on_others[LEFT], 0);
    dead[0] = first_local;
    kith_time start = net->now;
    kith_ice_path_unreachable(ice_of(net, LEFT), net->now, &path);
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), left_left));
    /* that of the same address, which is higher, was asked before it */
    ck_assert_int_le(net->now - start, KITH_ICE_TA + 2 * net->delay + KITH_MS(5));
    net_free(net);
}
END_TEST

/* The system refused once, as a firewall's full table makes it do: the pair answers, and stays. */
START_TEST(a_pair_that_answers_in_spite_of_a_failed_send_stays)
{
    struct net *net = net_two_networks();
    kith_path path = send_path(net, LEFT);
    unsigned selections = net->peers[LEFT].selections;
    /* the others take longer */
    dead[0] = net->peers[LEFT].sockets[1];
    kith_ice_path_unreachable(ice_of(net, LEFT), net->now, &path);
    net_run(net, KITH_SECONDS(1));
    memset(dead, 0, sizeof dead);
    net_run(net, KITH_SECONDS(10));
    ck_assert_uint_eq(net->peers[LEFT].selections, selections);
    net_free(net);
}
END_TEST

/* ---- where the peer sends ---- */

START_TEST(data_on_another_pair_leaves_a_pair_that_answers_as_it_is_and_costs_a_check_a_second)
{
    struct net *net = net_two_networks();
    kith_ice *left = ice_of(net, LEFT);
    kith_path other = {net->peers[LEFT].sockets[1], net->peers[RIGHT].sockets[1], KITH_UDP};
    kith_ice_pair *pair = kith_ice_find_pair(left->newest, &other);
    ck_assert_ptr_nonnull(pair);
    pair->is_authenticated = true;
    count_anew();
    for (int i = 0; i < 100; i++) {
        kith_ice_note_received(left, net->now, &other);
        net_run(net, KITH_MS(100));
    }
    ck_assert(kith_address_equal(&net->peers[LEFT].selected.local, &first_local));
    ck_assert_uint_le(on_first[LEFT], 12);
    ck_assert_uint_eq(on_others[LEFT], 0);
    net_free(net);
}
END_TEST

/* Requests that nominate the pair of RIGHT's second address, as RIGHT would send them. */
static void nominate_second(struct net *net, uint8_t number)
{
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    uint8_t buf[300], id[KITH_STUN_ID] = {number};
    char name[40];
    kith_writer w = kith_wr(buf, sizeof buf);
    snprintf(name, sizeof name, "%s:%s", left->newest->ufrag, right->newest->ufrag);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(name));
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, right->tie_breaker);
    kith_stun_put_flag(&w, KITH_STUN_ATTR_USE_CANDIDATE);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 1);
    kith_stun_put_integrity(&w, left->newest->local_hmac);
    kith_stun_put_fingerprint(&w);
    kith_path path = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[1], KITH_UDP};
    kith_stun m;
    ck_assert(kith_stun_parse(&m, buf, w.len));
    ck_assert(kith_ice_input(left, net->now, &path, &m));
    net_run(net, KITH_MS(100));
}

/* LEFT is controlled, connected with RIGHT's first address, and its second one is valid too. */
static struct net *net_controlled(void)
{
    struct net *net = net_new();
    memset(dead, 0, sizeof dead);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "192.0.2.3:2001");
    exchange_credentials(net);
    kith_ice_set_role(ice_of(net, LEFT), KITH_ICE_CONTROLLED);
    kith_ice_set_role(ice_of(net, RIGHT), KITH_ICE_CONTROLLING);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    kith_path other = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[1], KITH_UDP};
    kith_ice_trigger(kith_ice_find_pair(ice_of(net, LEFT)->newest, &other));
    ice_of(net, LEFT)->is_dirty = true;
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(net->peers[LEFT].selected.remote.port, 2000);
    return net;
}

START_TEST(the_second_nomination_in_a_row_is_followed_to_a_lower_pair)
{
    struct net *net = net_controlled();
    nominate_second(net, 1);
    ck_assert_uint_eq(send_path(net, LEFT).remote.port, 2000);
    nominate_second(net, 1); /* a retransmission is none */
    ck_assert_uint_eq(send_path(net, LEFT).remote.port, 2000);
    nominate_second(net, 2);
    ck_assert_uint_eq(send_path(net, LEFT).remote.port, 2001);
    net_free(net);
}
END_TEST

static bool cut_first(struct net *net, int from, struct datagram *d)
{
    (void)from;
    return !is_on(d, &net->peers[RIGHT].sockets[0]);
}

/* By failover, say: the peer has not chosen it. */
START_TEST(one_nomination_is_enough_to_leave_a_pair_that_was_not_nominated)
{
    struct net *net = net_controlled();
    ice_of(net, LEFT)->newest->selected->is_nominated = false;
    nominate_second(net, 1);
    ck_assert_uint_eq(send_path(net, LEFT).remote.port, 2001);
    net_free(net);
}
END_TEST

START_TEST(a_suspected_pair_has_two_of_its_round_trips_to_answer)
{
    struct net *net = net_begin();
    net->delay = KITH_MS(500);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(10), both_selected));
    net_run(net, KITH_SECONDS(10));
    kith_ice *ice = ice_of(net, LEFT);
    kith_ice_suspect_send_pair(ice, net->now);
    for (int i = 0; i < 30; i++) {
        net_run(net, KITH_MS(100));
        ck_assert(!kith_ice_is_searching(ice, ice->newest, net->now));
    }
    net_free(net);
}
END_TEST

START_TEST(the_first_nomination_elsewhere_is_followed_when_the_pair_does_not_answer)
{
    struct net *net = net_controlled();
    net->filter = cut_first;
    kith_time start = net->now;
    nominate_second(net, 1);
    ck_assert_uint_eq(send_path(net, LEFT).remote.port, 2000);
    net_run(net, KITH_MS(300) + 4 * net->delay);
    ck_assert_uint_eq(send_path(net, LEFT).remote.port, 2001);
    ck_assert_int_le(net->now - start, KITH_SECONDS(1));
    net_free(net);
}
END_TEST

/* RFC 7675 section 5.1, also of pairs that have no consent to lose. */
START_TEST(when_everything_has_failed_nobody_is_asked_any_more)
{
    struct net *net = net_two_networks();
    dead[0] = net->peers[RIGHT].sockets[0];
    dead[1] = net->peers[RIGHT].sockets[1];
    net_run(net, KITH_SECONDS(40));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    unsigned sent = net->peers[LEFT].sent;
    net_run(net, KITH_SECONDS(60));
    ck_assert_uint_eq(net->peers[LEFT].sent, sent);
    net_free(net);
}
END_TEST

START_TEST(a_search_that_is_under_way_is_not_put_off_by_more_suspicion)
{
    struct net *net = net_two_networks();
    kith_ice *ice = ice_of(net, LEFT);
    dead[0] = net->peers[RIGHT].sockets[0];
    dead[1] = net->peers[RIGHT].sockets[1];
    kith_path path = send_path(net, LEFT);
    kith_ice_path_unreachable(ice, net->now, &path);
    for (int i = 0; i < 5; i++) {
        net_run(net, KITH_MS(1100));
        kith_ice_suspect_send_pair(ice, net->now);
        ck_assert(kith_ice_is_searching(ice, ice->newest, net->now));
    }
    net_free(net);
}
END_TEST

START_TEST(a_path_to_fall_back_on_that_cannot_be_sent_on_starts_nothing)
{
    struct net *net = net_two_networks();
    kith_path path = {net->peers[LEFT].sockets[1], net->peers[RIGHT].sockets[1], KITH_UDP};
    kith_ice_path_unreachable(ice_of(net, LEFT), net->now, &path);
    ck_assert(!kith_ice_is_searching(ice_of(net, LEFT), ice_of(net, LEFT)->newest, net->now));
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_eq(on_others[LEFT], 0);
    net_free(net);
}
END_TEST

static unsigned nominations_elsewhere;

static bool count_nominations_elsewhere(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    nominations_elsewhere += from == LEFT && m.use_candidate && !is_on(d, &first_local);
    return pass_or_die(net, from, d);
}

/* The pair that takes over fails before its nomination is answered, and the first one is back: when
 * the other one works again too, nobody is told to go there. */
START_TEST(a_nomination_that_was_overtaken_is_not_made_later)
{
    struct net *net = net_two_networks();
    dead[0] = first_local;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(9), left_left));
    dead[0] = send_path(net, LEFT).local;
    net_run(net, KITH_SECONDS(9));
    kith_path path = send_path(net, LEFT);
    ck_assert(kith_address_equal(&path.local, &first_local));
    memset(dead, 0, sizeof dead);
    nominations_elsewhere = 0;
    net->filter = count_nominations_elsewhere;
    net_run(net, KITH_SECONDS(60));
    ck_assert_uint_eq(nominations_elsewhere, 0);
    path = send_path(net, RIGHT);
    ck_assert(kith_address_equal(&path.remote, &first_local));
    net_free(net);
}
END_TEST

static struct datagram held;

/* The answers to LEFT on the first pair; the last one is held. */
static bool hold_answers_on_first(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    if (from != RIGHT || !is_on(d, &first_local))
        return pass_or_die(net, from, d);
    if (m.class == KITH_STUN_SUCCESS)
        held = *d;
    return false;
}

/* RFC 7675 section 5.1: it was asked for while there was consent, and comes when that is lost. */
START_TEST(a_late_answer_brings_no_consent_back)
{
    struct net *net = net_two_networks();
    net->filter = hold_answers_on_first;
    net_run(net, KITH_SECONDS(32));
    kith_path path = send_path(net, LEFT);
    ck_assert(!kith_address_equal(&path.local, &first_local));
    path = (kith_path){first_local, net->peers[RIGHT].sockets[0], KITH_UDP};
    ck_assert(!input(ice_of(net, LEFT), net->now, &path, held.data, held.len));
    net_run(net, KITH_SECONDS(1));
    const kith_ice_pair *pair = kith_ice_find_pair(ice_of(net, LEFT)->newest, &path);
    ck_assert_int_eq(pair->state, KITH_ICE_PAIR_FAILED);
    net_free(net);
}
END_TEST

static bool lose_nominations_on_first(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    return pass_or_die(net, from, d) && !(m.use_candidate && is_on(d, &first_local));
}

START_TEST(a_pair_that_dies_while_it_is_nominated_gives_way_to_another)
{
    struct net *net = net_begin();
    net->filter = lose_nominations_on_first;
    net_run(net, KITH_SECONDS(3));
    kith_path path = send_path(net, LEFT);
    ck_assert(kith_address_equal(&path.local, &first_local)); /* RFC 8445 section 12.1 */
    ck_assert_ptr_null(ice_of(net, LEFT)->newest->selected);
    dead[0] = first_local;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(7), both_left));
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: failover",
          when_the_selected_pair_is_silent_the_first_other_that_answers_carries_the_data,
          while_nothing_answers_every_pair_is_asked_once_a_second,
          a_search_among_many_pairs_keeps_the_pace,
          checks_that_wait_for_their_turn_do_not_hold_up_a_search,
          checks_that_are_under_way_are_not_repeated_beside_a_search,
          a_pair_whose_address_goes_is_replaced_within_a_round_trip,
          a_path_that_cannot_be_sent_on_is_replaced_within_a_round_trip,
          a_pair_that_answers_in_spite_of_a_failed_send_stays,
          data_on_another_pair_leaves_a_pair_that_answers_as_it_is_and_costs_a_check_a_second,
          the_second_nomination_in_a_row_is_followed_to_a_lower_pair,
          one_nomination_is_enough_to_leave_a_pair_that_was_not_nominated,
          a_suspected_pair_has_two_of_its_round_trips_to_answer,
          the_first_nomination_elsewhere_is_followed_when_the_pair_does_not_answer,
          when_everything_has_failed_nobody_is_asked_any_more,
          a_search_that_is_under_way_is_not_put_off_by_more_suspicion,
          a_path_to_fall_back_on_that_cannot_be_sent_on_starts_nothing,
          a_nomination_that_was_overtaken_is_not_made_later,
          a_pair_that_dies_while_it_is_nominated_gives_way_to_another,
          a_late_answer_brings_no_consent_back)
