/* The agent as a whole: how fast it connects, what it sends for that, its states and its timers. */
#include "net.h"

START_TEST(host_to_host_connects_in_one_round_trip_and_a_nomination)
{
    struct net *net = net_pair();
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_connected));
    ck_assert_int_eq(net->now - start, 2 * net->delay);
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_selected));
    /* the nominating check needs one way to select on the right, and back on the left */
    ck_assert_int_le(net->now - start, 4 * net->delay);
    ck_assert_int_eq(net->peers[LEFT].first_sent_at, start);
    ck_assert_int_eq(net->peers[RIGHT].first_sent_at, start);
    net_run(net, KITH_SECONDS(2));
    /* check, answer, triggered check or nomination, answer */
    ck_assert_uint_le(net->peers[LEFT].sent, 5);
    ck_assert_uint_le(net->peers[RIGHT].sent, 5);
    ck_assert_int_eq(kith_ice_rtt(ice_of(net, LEFT)), 2 * net->delay);
    net_free(net);
}
END_TEST

START_TEST(states_follow_webrtc_pc)
{
    struct net *net = net_pair();
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_NEW);
    net_run(net, KITH_SECONDS(1));
    const kith_ice_state expected[] = {KITH_ICE_CHECKING, KITH_ICE_CONNECTED, KITH_ICE_COMPLETED};
    for (int side = LEFT; side <= RIGHT; side++) {
        ck_assert_uint_eq(net->peers[side].state_count, 3);
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(net->peers[side].states[i], expected[i]);
        ck_assert_uint_eq(net->peers[side].gathered, 1);
        ck_assert_uint_ge(net->peers[side].selections, 1);
        ck_assert_uint_eq(net->peers[side].authenticated, 1);
    }
    net_free(net);
}
END_TEST

START_TEST(a_wait_in_the_middle_costs_nothing_afterwards)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    net_run(net, KITH_SECONDS(20));
    ck_assert_uint_eq(net->peers[LEFT].sent, 0);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_NEW);
    exchange_credentials(net);
    kith_time start = net->now;
    for (int side = LEFT; side <= RIGHT; side++)
        kith_ice_add_remote(ice_of(net, side), &net->peers[1 - side].last_candidate);
    ck_assert(net_run_until(net, start + KITH_SECONDS(1), both_connected));
    ck_assert_int_eq(net->now - start, 2 * net->delay);
    net_free(net);
}
END_TEST

START_TEST(late_candidates_are_checked_as_they_trickle_in)
{
    struct net *net = net_new();
    net->signal_delay = KITH_MS(300);
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    kith_time start = net->now;
    net_run(net, KITH_MS(100));
    add_socket(net, RIGHT, "198.51.100.2:2001");
    end_local(net);
    ck_assert(net_run_until(net, start + KITH_SECONDS(2), both_connected));
    ck_assert_int_eq(net->now - start, KITH_MS(300) + 2 * net->delay);
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

START_TEST(thirty_per_cent_loss_only_takes_longer)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct net *net = net_pair();
        net->seed = seed * 0x9e3779b97f4a7c15u;
        net->loss = 30;
        ck_assert_msg(net_run_until(net, net->now + KITH_SECONDS(35), both_selected), "seed %u",
                      (unsigned)seed);
        ck_assert(kith_path_equal(&net->peers[LEFT].selected, &net->peers[LEFT].selected));
        net_free(net);
    }
}
END_TEST

static bool left_failed(struct net *net)
{
    return state_of(net, LEFT) == KITH_ICE_FAILED;
}

/* RFC 8863: as long as a transaction could last, even without a single pair. */
START_TEST(without_any_pair_the_pac_timer_decides)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    end_local(net);
    kith_ice_end_remote(ice_of(net, LEFT));
    kith_time start = net->now;
    net_run(net, KITH_MS(39400));
    ck_assert_int_ne(state_of(net, LEFT), KITH_ICE_FAILED);
    ck_assert(net_run_until(net, start + KITH_SECONDS(60), left_failed));
    ck_assert_int_eq(net->now - start, KITH_MS(39500));
    ck_assert_int_eq(kith_ice_deadline(ice_of(net, LEFT)), KITH_NEVER);
    net_free(net);
}
END_TEST

START_TEST(unanswered_checks_back_off_and_end_after_39_5_seconds)
{
    struct net *net = net_pair();
    net->filter = drop_everything;
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(60), left_failed));
    ck_assert_int_eq(net->now - start, KITH_MS(39500));
    ck_assert_uint_eq(net->peers[LEFT].sent, 7);
    ck_assert_int_eq(net->peers[LEFT].last_sent_at - start, KITH_MS(31500));
    kith_ice_pair_info info;
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_str_eq(info.state, "failed");
    ck_assert_str_eq(info.why_failed, "no answer");
    net_free(net);
}
END_TEST

START_TEST(names_that_are_being_resolved_hold_off_failure)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    end_local(net);
    kith_ice_end_remote(ice_of(net, LEFT));
    kith_ice_set_pending_names(ice_of(net, LEFT), 1);
    net_run(net, KITH_SECONDS(100));
    ck_assert_int_ne(state_of(net, LEFT), KITH_ICE_FAILED);
    kith_ice_set_pending_names(ice_of(net, LEFT), 0);
    net_run(net, 1);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    net_free(net);
}
END_TEST

/* A peer that never says end-of-candidates is waited for as long again after its last one. */
START_TEST(a_peer_that_may_still_trickle_is_waited_for)
{
    struct net *net = net_new();
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    exchange_credentials(net);
    end_local(net);
    kith_time start = net->now;
    net_run(net, KITH_SECONDS(20));
    kith_candidate c = host("[2001:db8::9]:9"); /* no pair for it, but a sign that more may come */
    kith_ice_add_remote(ice_of(net, LEFT), &c);
    ck_assert(net_run_until(net, start + KITH_SECONDS(200), left_failed));
    ck_assert_int_eq(net->now - start, KITH_SECONDS(20) + KITH_MS(39500));
    net_free(net);
}
END_TEST

START_TEST(after_failed_nothing_is_sent_and_nobody_is_answered)
{
    struct net *net = net_pair();
    net->filter = drop_everything;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(60), left_failed));
    unsigned sent = net->peers[LEFT].sent;
    net->filter = NULL;
    ck_assert(!knows_ufrag(ice_of(net, LEFT), kith_ice_local_ufrag(ice_of(net, LEFT))));
    net_run(net, KITH_SECONDS(60));
    ck_assert_uint_eq(net->peers[LEFT].sent, sent);
    net_free(net);
}
END_TEST

static unsigned allocations, failing; /* the failing-th fails; 0: none */

static void *counting_alloc(size_t size, void *user)
{
    (void)user;
    return ++allocations == failing ? NULL : malloc(size);
}

static void *counting_resize(void *memory, size_t size, void *user)
{
    (void)user;
    return ++allocations == failing ? NULL : realloc(memory, size);
}

static void counting_release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

START_TEST(a_connected_agent_allocates_nothing)
{
    const kith_allocator counting = {counting_alloc, counting_resize, counting_release, NULL};
    kith_set_allocator(&counting);
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(1));
    ck_assert_uint_gt(allocations, 0);
    allocations = 0;
    net_run(net, KITH_SECONDS(120));
    ck_assert_uint_eq(allocations, 0);
    net_free(net);
    kith_set_allocator(NULL);
}
END_TEST

static bool is_ok_or_without_memory(kith_err err)
{
    ck_assert_msg(err == KITH_OK || err == KITH_ERR_NO_MEMORY, "%s", kith_err_name(err));
    return err == KITH_OK;
}

/* A life with everything that allocates, alone: its own requests are what it answers. */
static void live(kith_ice *ice)
{
    const kith_address socket = addr("192.0.2.1:1"), other = addr("192.0.2.2:1"),
                       server = addr("192.0.2.3:1");
    kith_candidate c = host("192.0.2.9:9");
    uint8_t buf[1200];
    kith_path path;
    char ufrag[20], pwd[40];
    is_ok_or_without_memory(kith_ice_add_local(ice, &socket, KITH_TCPTYPE_NONE));
    is_ok_or_without_memory(kith_ice_add_stun_server(ice, &server, "stun:x"));
    is_ok_or_without_memory(kith_ice_add_local(ice, &other, KITH_TCPTYPE_NONE));
    for (int round = 0; round < 3; round++) {
        strcpy(ufrag, kith_ice_local_ufrag(ice));
        strcpy(pwd, kith_ice_local_pwd(ice));
        is_ok_or_without_memory(kith_ice_set_remote(ice, ufrag, pwd, false));
        kith_ice_add_remote(ice, &c);
        size_t len = kith_ice_output(ice, KITH_SECONDS(round), &path, buf, sizeof buf);
        kith_path from = {socket, addr("198.51.100.1:1"), KITH_UDP};
        input(ice, KITH_SECONDS(round), &from, buf, len);
        while (kith_ice_output(ice, KITH_SECONDS(round), &path, buf, sizeof buf) > 0)
            ;
        strcpy(ufrag, kith_ice_next_ufrag(ice));
        if (is_ok_or_without_memory(kith_ice_restart(ice)))
            ck_assert_str_eq(kith_ice_local_ufrag(ice), ufrag);
        gather_again(ice);
        if (round == 1)
            kith_ice_rollback_restart(ice);
    }
}

START_TEST(any_allocation_may_fail)
{
    const kith_allocator counting = {counting_alloc, counting_resize, counting_release, NULL};
    kith_ice_config config = {.transaction_tag = 1};
    unsigned made = 0;
    kith_set_allocator(&counting);
    for (failing = 1; failing <= made + 1; failing++) {
        kith_ice *ice = NULL;
        allocations = 0;
        if (is_ok_or_without_memory(kith_ice_new(&ice, &config)))
            live(ice);
        kith_ice_free(ice);
        made = allocations > made ? allocations : made;
    }
    failing = 0;
    kith_set_allocator(NULL);
    ck_assert_uint_gt(made, 30);
}
END_TEST

START_TEST(an_idle_agent_wants_no_time_at_all)
{
    struct net *net = net_new();
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(kith_ice_deadline(ice_of(net, LEFT)), KITH_NEVER);
    net_free(net);
}
END_TEST

START_TEST(the_first_check_leaves_even_when_time_begins_at_zero)
{
    struct net *net = net_pair();
    net->now = 0;
    ck_assert(net_run_until(net, KITH_SECONDS(1), both_selected));
    ck_assert_int_eq(net->peers[LEFT].first_sent_at, 0);
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: agent", host_to_host_connects_in_one_round_trip_and_a_nomination,
          states_follow_webrtc_pc, a_wait_in_the_middle_costs_nothing_afterwards,
          late_candidates_are_checked_as_they_trickle_in, thirty_per_cent_loss_only_takes_longer,
          without_any_pair_the_pac_timer_decides,
          unanswered_checks_back_off_and_end_after_39_5_seconds,
          names_that_are_being_resolved_hold_off_failure,
          a_peer_that_may_still_trickle_is_waited_for,
          after_failed_nothing_is_sent_and_nobody_is_answered, a_connected_agent_allocates_nothing,
          any_allocation_may_fail, an_idle_agent_wants_no_time_at_all,
          the_first_check_leaves_even_when_time_begins_at_zero)
