/* The endpoint as its driver sees it: who has a turn and when, what the timeout says, what waits
 * for the outside. */
#include "star.h"

static const kith_address somewhere = {.family = KITH_IPV4, .port = 5001, .ip = {192, 0, 2, 1}};

/* Polls packets until there are none; how many. */
static unsigned drain(kith_endpoint *ep)
{
    uint8_t buf[KITH_MAX_PACKET];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    unsigned count = 0;
    while (kith_endpoint_poll_packet(ep, virtual_now(), &info, buf, sizeof buf) > 0)
        count++;
    return count;
}

/* ---- the timeout ---- */

START_TEST(the_timeout_is_never_where_nothing_is_to_do)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    ck_assert_int_eq(kith_endpoint_timeout(ep), KITH_NEVER);
    OK(kith_endpoint_add_local_address(ep, &somewhere));
    kith_pc *pc;
    OK(kith_pc_new(&pc, ep, NULL));
    drain(ep);
    ck_assert_int_eq(kith_endpoint_timeout(ep), KITH_NEVER);
    kith_endpoint_free(ep);
    kith_endpoint_free(NULL);
}
END_TEST

START_TEST(the_timeout_is_zero_while_packets_or_requests_wait_and_not_for_events)
{
    world *w = world_new(1);
    host *left = star_host(w, "192.0.2.1"), *right = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, left, right);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, pair));
    world_run(w, KITH_MS(500), NULL, NULL);
    ck_assert_int_gt(kith_endpoint_timeout(left->endpoint), virtual_now());
    /* A packet. */
    OK(kith_dc_send(pair[0].dc, "x", 1));
    ck_assert_int_eq(kith_endpoint_timeout(left->endpoint), 0);
    ck_assert_int_eq(kith_endpoint_timeout(left->endpoint), 0); /* asking changes nothing */
    world_run(w, KITH_MS(500), NULL, NULL);
    ck_assert_int_gt(kith_endpoint_timeout(left->endpoint), virtual_now());
    /* An event that nobody asks for. */
    right->slow = true;
    OK(kith_dc_send(pair[0].dc, "x", 1));
    world_run(w, KITH_MS(500), NULL, NULL);
    ck_assert_int_gt(kith_endpoint_timeout(right->endpoint), virtual_now());
    ck_assert_ptr_nonnull(kith_endpoint_poll_event(right->endpoint));
    ck_assert_ptr_null(kith_endpoint_poll_event(right->endpoint));
    /* A request. */
    kith_address any = somewhere;
    any.port = 0;
    OK(kith_endpoint_add_local_address(left->endpoint, &any));
    end more[2];
    pair_up(more, left, right);
    drain(left->endpoint);
    ck_assert_int_eq(kith_endpoint_timeout(left->endpoint), 0);
    for (int i = 0; i < 2; i++) /* one for each peer */
        ck_assert_ptr_nonnull(kith_endpoint_poll_request(left->endpoint));
    drain(left->endpoint);
    ck_assert_int_gt(kith_endpoint_timeout(left->endpoint), 0);
    free_pair(pair);
    free_pair(more);
    world_free(w);
}
END_TEST

/* Whatever was drained, the next timeout lies ahead: a driver cannot spin. */
START_TEST(a_drained_endpoint_does_not_want_to_be_called_at_once)
{
    world *w = world_new(2);
    host *left = star_host(w, "192.0.2.1"), *right = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, left, right);
    for (int i = 0; i < 300; i++) {
        world_run(w, KITH_MS(1), NULL, NULL);
        for (int turn = 0; kith_endpoint_timeout(left->endpoint) <= virtual_now(); turn++) {
            ck_assert_int_lt(turn, 3);
            kith_endpoint_handle_timeout(left->endpoint, virtual_now());
            drain(left->endpoint);
        }
    }
    free_pair(pair);
    world_free(w);
}
END_TEST

static unsigned wakes;

static void count_wake(void *user)
{
    ck_assert_ptr_eq(user, &wakes);
    wakes++;
}

START_TEST(a_config_begins_with_its_init)
{
    kith_endpoint *ep = NULL;
    const kith_endpoint_config config = {.wake = count_wake};
    FAILS(TYPE, kith_endpoint_new(&ep, &config));
    struct {
        kith_endpoint_config config;
        char tail[8];
    } newer = {.config = KITH_ENDPOINT_CONFIG_INIT, .tail = {1}};
    newer.config.size = sizeof newer;
    FAILS(NOT_SUPPORTED, kith_endpoint_new(&ep, &newer.config));
    ck_assert_ptr_null(ep);
    newer.config.size = offsetof(kith_endpoint_config, wake); /* an older header's */
    OK(kith_endpoint_new(&ep, &newer.config));
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(a_sleeping_driver_is_woken_once)
{
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    config.wake = count_wake;
    config.user = &wakes;
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, &config));
    OK(kith_endpoint_add_local_address(ep, &somewhere));
    kith_pc *a, *b;
    OK(kith_pc_new(&a, ep, NULL));
    OK(kith_pc_new(&b, ep, NULL));
    drain(ep);
    wakes = 0;
    kith_dc *dc;
    OK(kith_pc_create_data_channel(a, "", NULL, &dc));
    OK(kith_pc_create_data_channel(b, "", NULL, &dc));
    ck_assert_int_eq(kith_endpoint_timeout(ep), KITH_NEVER); /* asleep */
    OK(kith_pc_set_local_description(a, NULL));
    OK(kith_pc_set_local_description(b, NULL));
    ck_assert_uint_eq(wakes, 1);
    kith_endpoint_free(ep);
}
END_TEST

/* ---- turns ---- */

static struct {
    const kith_path *last;
    kith_path last_path;
    unsigned row, longest;
} rows;

static bool measure_rows(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)user;
    (void)len;
    if (data[0] != 23)
        return true; /* no data */
    bool same = rows.last && kith_address_equal(&path->remote, &rows.last_path.remote);
    rows.row = same ? rows.row + 1 : 1;
    rows.last_path = *path;
    rows.last = &rows.last_path;
    if (rows.row > rows.longest)
        rows.longest = rows.row;
    return true;
}

START_TEST(every_peer_has_its_turn)
{
    enum { PAIRS = 3 };
    world *w = world_new(3);
    static const char *const ips[PAIRS] = {"192.0.2.2", "192.0.2.3", "192.0.2.4"};
    host *server = star_host(w, "192.0.2.1");
    end pairs[PAIRS][2];
    for (int i = 0; i < PAIRS; i++) {
        pair_up(pairs[i], server, star_host(w, ips[i]));
        ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, pairs[i]));
    }
    static const char bytes[200000];
    for (int i = 0; i < PAIRS; i++) /* open the congestion windows */
        for (int n = 0; n < 20; n++)
            OK(kith_dc_send(pairs[i][0].dc, bytes, sizeof bytes));
    world_run(w, KITH_SECONDS(20), NULL, NULL);
    memset(&rows, 0, sizeof rows);
    server->tap = measure_rows;
    for (int i = 0; i < PAIRS; i++)
        for (int n = 0; n < 20; n++)
            OK(kith_dc_send(pairs[i][0].dc, bytes, sizeof bytes));
    world_run(w, KITH_SECONDS(20), NULL, NULL);
    /* Two turns may meet where the others had nothing to say; one alone would be 3000. */
    ck_assert_msg(rows.longest >= 4 && rows.longest <= 32, "%u in a row", rows.longest);
    for (int i = 0; i < PAIRS; i++) {
        ck_assert_uint_eq(pairs[i][1].messages, 40);
        free_pair(pairs[i]);
    }
    world_free(w);
}
END_TEST

START_TEST(a_peer_that_tells_much_does_not_keep_the_others_from_telling)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    OK(kith_endpoint_add_local_address(ep, &somewhere));
    kith_pc *busy, *other;
    OK(kith_pc_new(&busy, ep, NULL));
    OK(kith_pc_new(&other, ep, NULL));
    kith_dc *dc;
    OK(kith_pc_create_data_channel(busy, "", NULL, &dc));
    OK(kith_pc_create_data_channel(other, "", NULL, &dc));
    const kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    unsigned told = 0;
    /* Whenever one event was taken, busy has two more. */
    while (kith_endpoint_poll_event(ep)->pc == busy && ++told < 100) {
        OK(kith_pc_set_local_description(busy, NULL));
        OK(kith_pc_set_local_description(busy, &rollback));
    }
    ck_assert_uint_eq(told, 1);
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(a_driver_that_forgets_to_drain_only_delays)
{
    world *w = world_new(4);
    host *left = star_host(w, "192.0.2.1"), *right = star_host(w, "192.0.2.2");
    end pair[2];
    pair_up(pair, left, right);
    for (int i = 0; i < 40 && !pair_is_open(pair); i++) {
        left->idle = i % 2 == 0;
        world_run(w, KITH_MS(97), NULL, NULL);
    }
    ck_assert(pair_is_open(pair));
    left->idle = true;
    for (int i = 0; i < 100; i++)
        OK(kith_dc_send(pair[1].dc, "x", 1));
    world_run(w, KITH_SECONDS(8), NULL, NULL);
    ck_assert_uint_eq(pair[0].messages, 0);
    left->idle = false;
    world_run(w, KITH_SECONDS(10), NULL, NULL);
    ck_assert_uint_eq(pair[0].messages, 100);
    ck_assert_int_eq(pair[0].state, KITH_CONNECTION_STATE_CONNECTED);
    free_pair(pair);
    world_free(w);
}
END_TEST

/* ---- the end ---- */

START_TEST(closing_an_endpoint_closes_all_its_peers)
{
    world *w = world_new(5);
    host *left = star_host(w, "192.0.2.1"), *right = star_host(w, "192.0.2.2"),
         *third = star_host(w, "192.0.2.3");
    end a[2], b[2];
    pair_up(a, left, right);
    pair_up(b, left, third);
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, a));
    ck_assert(world_run(w, KITH_SECONDS(5), pair_is_open, b));
    kith_endpoint_close(left->endpoint);
    world_run(w, KITH_MS(10), NULL, NULL); /* what they say last */
    ck_assert_uint_eq(a[1].closed, 1);
    ck_assert_uint_eq(b[1].closed, 1);
    ck_assert_int_eq(kith_pc_connection_state(a[0].pc), KITH_CONNECTION_STATE_CLOSED);
    kith_endpoint_free(left->endpoint); /* and frees them */
    left->endpoint = NULL;
    kith_pc_free(a[1].pc);
    kith_pc_free(b[1].pc);
    world_free(w);
}
END_TEST

/* ---- addresses and requests ---- */

START_TEST(local_addresses_are_checked)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    kith_address none = {0};
    FAILS(TYPE, kith_endpoint_add_local_address(ep, &none));
    OK(kith_endpoint_add_local_address(ep, &somewhere));
    FAILS(INVALID_STATE, kith_endpoint_add_local_address(ep, &somewhere));
    kith_endpoint_remove_local_address(ep, &none); /* not there: nothing */
    kith_endpoint_remove_local_address(ep, &somewhere);
    OK(kith_endpoint_add_local_address(ep, &somewhere));
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(answers_that_nobody_waits_for_are_harmless)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    kith_endpoint_handle_resolved(ep, virtual_now(), 77, &somewhere, 1);
    kith_endpoint_handle_opened(ep, virtual_now(), 78, NULL);
    ck_assert_ptr_null(kith_endpoint_poll_request(ep));
    /* But a socket must not stay open. */
    kith_endpoint_handle_opened(ep, virtual_now(), 79, &somewhere);
    const kith_request *request = kith_endpoint_poll_request(ep);
    ck_assert_ptr_nonnull(request);
    ck_assert_int_eq(request->type, KITH_REQUEST_CLOSE);
    ck_assert(kith_address_equal(&request->local, &somewhere));
    ck_assert_ptr_null(kith_endpoint_poll_request(ep));
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(wall_time_is_counted_from_the_ntp_time_at_zero)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    ck_assert_int_eq(kith_endpoint_unix_time(ep, 0), 1767225600000000); /* 1 January 2026 */
    kith_endpoint_free(ep);
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    config.ntp_time_at_zero = (2208988800ull + 1000) * 1000000;
    OK(kith_endpoint_new(&ep, &config));
    ck_assert_int_eq(kith_endpoint_unix_time(ep, KITH_SECONDS(5)), 1005000000);
    kith_endpoint_free(ep);
}
END_TEST

UNIT_MAIN("pc: endpoint", a_config_begins_with_its_init,
          the_timeout_is_never_where_nothing_is_to_do,
          the_timeout_is_zero_while_packets_or_requests_wait_and_not_for_events,
          a_drained_endpoint_does_not_want_to_be_called_at_once, a_sleeping_driver_is_woken_once,
          every_peer_has_its_turn, a_peer_that_tells_much_does_not_keep_the_others_from_telling,
          a_driver_that_forgets_to_drain_only_delays, closing_an_endpoint_closes_all_its_peers,
          local_addresses_are_checked, answers_that_nobody_waits_for_are_harmless,
          wall_time_is_counted_from_the_ntp_time_at_zero)
