/* What the owner is told, in which order, and what it may ask. */
#include "net.h"

#include "ice/pairs.h"

START_TEST(a_state_comes_after_what_made_it_true)
{
    struct net *net = net_pair();
    kith_ice *left = ice_of(net, LEFT);
    kith_ice_event ev;
    kith_ice_event_type order[16];
    size_t count = 0;
    while (kith_ice_event_next(left, &ev)) /* the host candidate */
        note_event(net, LEFT, &ev);
    /* run RIGHT and the network, but look at LEFT's events only at the end */
    uint8_t buf[1200];
    kith_path path;
    kith_candidate c = host("192.0.2.2:2000");
    kith_ice_add_remote(left, &c);
    for (int i = 0; i < 10; i++) {
        for (size_t len; (len = kith_ice_output(left, net->now, &path, buf, sizeof buf)) > 0;) {
            kith_path back = {path.remote, path.local, KITH_UDP};
            input(ice_of(net, RIGHT), net->now, &back, buf, len);
        }
        for (size_t len;
             (len = kith_ice_output(ice_of(net, RIGHT), net->now, &path, buf, sizeof buf)) > 0;) {
            kith_path back = {path.remote, path.local, KITH_UDP};
            input(left, net->now, &back, buf, len);
        }
        net->now += KITH_MS(10);
    }
    while (kith_ice_event_next(left, &ev)) {
        ck_assert_uint_lt(count, 16);
        order[count++] = ev.type;
    }
    ck_assert_uint_ge(count, 5);
    ck_assert_int_eq(order[0], KITH_ICE_EV_AUTHENTICATED);
    ck_assert_int_eq(order[1], KITH_ICE_EV_SELECTED);
    ck_assert_int_eq(order[2], KITH_ICE_EV_GATHERED);
    ck_assert_int_eq(order[3], KITH_ICE_EV_STATE);
    ck_assert_int_eq(order[count - 1], KITH_ICE_EV_STATE);
    ck_assert(!kith_ice_event_next(left, &ev));
    net_free(net);
}
END_TEST

START_TEST(statistics_count_what_happened)
{
    struct net *net = net_connected();
    kith_ice_pair_info info;
    net_run(net, KITH_SECONDS(61));
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_str_eq(info.state, "succeeded");
    ck_assert(info.nominated && info.selected);
    ck_assert_uint_ge(info.consent_requests_sent, 9);
    ck_assert_uint_le(info.consent_requests_sent, 16);
    ck_assert_uint_ge(info.responses_received, info.consent_requests_sent);
    ck_assert_uint_ge(info.requests_received, 9);
    ck_assert_uint_eq(info.responses_sent, info.requests_received);
    ck_assert_int_eq(info.current_rtt, 2 * net->delay);
    ck_assert_ptr_null(info.why_failed);
    ck_assert_uint_ne(info.local_id, info.remote_id);
    ck_assert(!kith_ice_pair_at(ice_of(net, LEFT), 1, &info));
    ck_assert_uint_eq(kith_ice_selected_pair_changes(ice_of(net, LEFT)), 1);
    net_free(net);
}
END_TEST

START_TEST(a_path_is_authentic_only_after_a_check)
{
    struct net *net = net_pair();
    kith_path path = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[0], KITH_UDP};
    kith_candidate c = host("192.0.2.2:2000");
    kith_ice_add_remote(ice_of(net, LEFT), &c);
    drain(net, LEFT);
    ck_assert_uint_eq(ice_of(net, LEFT)->newest->pair_count, 1);
    ck_assert(!is_authenticated(net, LEFT, &path));
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_connected));
    ck_assert(is_authenticated(net, LEFT, &path));
    path.remote.port++;
    ck_assert(!is_authenticated(net, LEFT, &path));
    net_free(net);
}
END_TEST

static kith_path path_of(struct net *net, int side)
{
    return (kith_path){net->peers[side].sockets[0], net->peers[1 - side].sockets[0], KITH_UDP};
}

START_TEST(a_path_is_gone_with_its_pair)
{
    struct net *net = net_pair();
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_connected));
    kith_path path = path_of(net, LEFT);
    ck_assert(kith_ice_has_path(ice_of(net, LEFT), &path));
    ck_assert_uint_eq(net->peers[LEFT].gone, 0);
    kith_ice_remove_local(ice_of(net, LEFT), &path.local, KITH_TCPTYPE_NONE);
    ck_assert(!kith_ice_has_path(ice_of(net, LEFT), &path));
    drain(net, LEFT);
    ck_assert_uint_eq(net->peers[LEFT].gone, 1);
    net_free(net);
}
END_TEST

START_TEST(a_removed_pair_tells_that_its_path_is_gone)
{
    struct net *net = net_pair();
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_connected));
    kith_ice *ice = ice_of(net, LEFT);
    kith_path path = path_of(net, LEFT);
    kith_ice_remove_pair(ice, kith_ice_find_pair(ice->newest, &path));
    kith_ice_event ev;
    ck_assert(kith_ice_event_next(ice, &ev));
    ck_assert_int_eq(ev.type, KITH_ICE_EV_PATH_GONE);
    ck_assert(kith_path_equal(&ev.path, &path));
    net_free(net); /* and none is left when nobody asks */
}
END_TEST

/* Nothing is sent on a path whose packets are somebody else's: neither data nor an answer. */
START_TEST(a_refused_path_is_neither_answered_nor_selected_and_told_again)
{
    struct net *net = net_pair();
    net->peers[LEFT].refuses = true;
    kith_path path;
    for (int i = 0; i < 100; i++) {
        net_run(net, KITH_MS(100));
        ck_assert(!kith_ice_send_path(ice_of(net, LEFT), &path));
        ck_assert(!kith_ice_send_path(ice_of(net, RIGHT), &path));
        ck_assert_int_eq(kith_ice_get_state(ice_of(net, LEFT)), KITH_ICE_CHECKING);
    }
    ck_assert_uint_ge(net->peers[LEFT].authenticated, 10);
    ck_assert_uint_le(net->peers[LEFT].authenticated, 25);
    ck_assert_uint_eq(net->peers[LEFT].selections, 0);
    net->peers[LEFT].refuses = false;
    ck_assert(net_run_until(net, net->now + KITH_MS(1200), both_connected));
    net_free(net);
}
END_TEST

START_TEST(a_path_that_is_refused_for_ever_fails_with_the_reason)
{
    struct net *net = net_pair();
    net->peers[LEFT].refuses = true;
    net_run(net, KITH_SECONDS(60));
    kith_ice_pair_info info;
    ck_assert_int_eq(kith_ice_get_state(ice_of(net, LEFT)), KITH_ICE_FAILED);
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_str_eq(info.why_failed, "its packets belong to another peer");
    net_free(net);
}
END_TEST

START_TEST(a_path_is_used_until_consent_is_not_answered_for_some_seconds)
{
    struct net *net = net_pair();
    kith_path path = path_of(net, LEFT);
    ck_assert(!kith_ice_uses_path(ice_of(net, LEFT), net->now, &path)); /* nobody's */
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_connected));
    for (int i = 0; i < 600; i++) {
        net_run(net, KITH_MS(100));
        ck_assert(kith_ice_uses_path(ice_of(net, LEFT), net->now, &path));
    }
    net->loss = 100;
    net_run(net, KITH_MS(1400)); /* in which one check may be lost */
    ck_assert(kith_ice_uses_path(ice_of(net, LEFT), net->now, &path));
    net_run(net, KITH_MS(6200));
    ck_assert(!kith_ice_uses_path(ice_of(net, LEFT), net->now, &path));
    net_free(net);
}
END_TEST

/* Another peer may need it more. */
START_TEST(a_path_to_fall_back_on_is_used_only_while_data_comes_on_it)
{
    struct net *net = net_connected();
    add_socket(net, LEFT, "192.0.2.2:1001");
    kith_path spare = {net->peers[LEFT].sockets[net->peers[LEFT].socket_count - 1],
                       net->peers[RIGHT].sockets[0], KITH_UDP};
    net_run(net, KITH_SECONDS(31));
    ck_assert(kith_ice_has_path(ice_of(net, LEFT), &spare));
    ck_assert(!kith_ice_uses_path(ice_of(net, LEFT), net->now, &spare));
    kith_ice_note_received(ice_of(net, LEFT), net->now, &spare);
    net_run(net, KITH_MS(4900));
    ck_assert(kith_ice_uses_path(ice_of(net, LEFT), net->now, &spare));
    net_run(net, KITH_MS(200));
    ck_assert(!kith_ice_uses_path(ice_of(net, LEFT), net->now, &spare));
    /* Refused, it is not asked for every second. */
    kith_ice_path_refused(ice_of(net, LEFT), net->now, &spare);
    unsigned told = net->peers[LEFT].authenticated;
    net_run(net, KITH_SECONDS(7));
    ck_assert_uint_eq(net->peers[LEFT].authenticated, told);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_run(net, KITH_SECONDS(10));
    ck_assert(kith_ice_has_path(ice_of(net, LEFT), &spare));
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: events", a_state_comes_after_what_made_it_true, statistics_count_what_happened,
          a_path_is_authentic_only_after_a_check, a_path_is_gone_with_its_pair,
          a_removed_pair_tells_that_its_path_is_gone,
          a_refused_path_is_neither_answered_nor_selected_and_told_again,
          a_path_that_is_refused_for_ever_fails_with_the_reason,
          a_path_is_used_until_consent_is_not_answered_for_some_seconds,
          a_path_to_fall_back_on_is_used_only_while_data_comes_on_it)
