/* What the owner is told, in which order, and what it may ask. */
#include "net.h"

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

UNIT_MAIN("ice: events", a_state_comes_after_what_made_it_true, statistics_count_what_happened,
          a_path_is_authentic_only_after_a_check)
