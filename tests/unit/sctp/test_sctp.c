#include "wire.h"

#include "../../sim/heap.h"
#include "base/memory.h"
#include "sctp/crc32c.h"

START_TEST(both_sides_connect_at_once_and_both_are_told)
{
    wire *w = wire_up();
    ck_assert_int_eq(kith_sctp_get_state(w->side[LEFT].sctp), KITH_SCTP_CONNECTED);
    ck_assert_uint_eq(kith_sctp_streams(w->side[LEFT].sctp), 256);
    ck_assert_int_le(w->now, KITH_SECONDS(1) + KITH_MS(100));
    wire_down(w);
}
END_TEST

START_TEST(one_side_that_starts_late_still_connects)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    kith_sctp_start(w.side[LEFT].sctp);
    run(&w, KITH_SECONDS(3));
    ck_assert(!w.side[LEFT].seen.connected);
    wire_connect(&w);
    wire_deinit(&w);
}
END_TEST

START_TEST(connects_through_heavy_loss)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    w.loss = 400;
    wire_connect(&w);
    wire_deinit(&w);
}
END_TEST

/* RFC 9260 section 6.3.1 C2, with ICE's round trip as the first sample. */
START_TEST(a_lost_init_is_repeated_after_three_round_trips_of_ice)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    kith_sctp_set_rtt(w.side[LEFT].sctp, KITH_MS(100));
    kith_sctp_start(w.side[LEFT].sctp);
    w.cut = true;
    run(&w, KITH_MS(290));
    ck_assert_uint_eq(w.side[LEFT].packets, 1);
    run(&w, KITH_MS(30));
    ck_assert_uint_eq(w.side[LEFT].packets, 2);
    wire_deinit(&w);
}
END_TEST

/* Of a repeated chunk nobody knows which one was answered (RFC 9260 section 6.3.1 C5), and data
 * does not wait for as long as the last of many INITs did. */
START_TEST(what_a_handshake_took_is_no_measure_for_the_data_after_it)
{
    for (int cut_at = 0; cut_at < 4; cut_at++) {
        static wire w;
        kith_sctp_config config = wire_config();
        wire_init(&w, &config, &config);
        for (int i = 0; i < 2; i++) {
            kith_sctp_set_rtt(w.side[i].sctp, KITH_MS(20));
            kith_sctp_start(w.side[i].sctp);
        }
        /* INIT, INIT-ACK, COOKIE-ECHO or COOKIE-ACK is lost, and all that follows for a while. */
        run(&w, KITH_MS(10) * cut_at + KITH_MS(1));
        w.cut = true;
        run(&w, KITH_SECONDS(8));
        w.cut = false;
        wire_connect(&w);
        kith_sctp_info info;
        kith_sctp_get_info(w.side[LEFT].sctp, &info);
        ck_assert_int_le(info.smoothed_rtt, KITH_MS(30));
        kith_sctp_stream params = {.priority = 256};
        ck_assert_int_eq(kith_sctp_open(w.side[LEFT].sctp, 1, &params), KITH_OK);
        kith_sctp_send_args args = {.stream = 1, .ppid = 53, .data = "\0\0\0\0", .len = 1};
        ck_assert_int_eq(kith_sctp_send(w.side[LEFT].sctp, &args), KITH_OK);
        w.cut = true;
        run(&w, KITH_MS(1));
        w.cut = false;
        ck_assert(run_until(&w, KITH_MS(250), &w.side[RIGHT].seen.messages, 1));
        wire_deinit(&w);
    }
}
END_TEST

START_TEST(a_path_that_is_slower_than_the_timers_connects_and_carries)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    w.delay = KITH_MS(1200);
    wire_connect(&w);
    ck_assert_int_le(w.now, KITH_SECONDS(10));
    kith_sctp_stream params = {.priority = 256};
    ck_assert_int_eq(kith_sctp_open(w.side[LEFT].sctp, 1, &params), KITH_OK);
    for (uint32_t n = 0; n < 20; n++)
        ck_assert_int_eq(send_number(&w, LEFT, 1, 5000, n), KITH_OK);
    ck_assert(run_until(&w, KITH_SECONDS(30), &w.side[RIGHT].seen.messages, 20));
    wire_deinit(&w);
}
END_TEST

START_TEST(the_smaller_number_of_streams_is_agreed)
{
    static wire w;
    kith_sctp_config left = wire_config(), right = wire_config();
    left.max_streams = 1024;
    right.max_streams = 16;
    wire_init(&w, &left, &right);
    ck_assert_uint_eq(kith_sctp_streams(w.side[LEFT].sctp), 1024);
    wire_connect(&w);
    ck_assert_uint_eq(kith_sctp_streams(w.side[LEFT].sctp), 16);
    ck_assert_uint_eq(kith_sctp_streams(w.side[RIGHT].sctp), 16);
    kith_sctp_stream params = {0};
    ck_assert_int_eq(kith_sctp_open(w.side[LEFT].sctp, 16, &params), KITH_ERR_RANGE);
    ck_assert_int_eq(kith_sctp_open(w.side[LEFT].sctp, 15, &params), KITH_OK);
    wire_deinit(&w);
}
END_TEST

START_TEST(messages_of_every_size_arrive_whole_and_in_order)
{
    static const size_t sizes[] = {1,      2,      3,      4,      1171,    1172,
                                   1173,   1200,   16384,  65535,  65536,   65537,
                                   131072, 262143, 262144, 262145, 1 << 20, 4 << 20};
    size_t count = sizeof sizes / sizeof sizes[0];
    wire *w = wire_up();
    open_both(w, 0, NULL);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(send_number(w, LEFT, 0, sizes[i], (uint32_t)i), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(60), &w->side[RIGHT].seen.messages, (unsigned)count));
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(w->side[RIGHT].seen.log[i].len, sizes[i]);
        ck_assert_uint_eq(w->side[RIGHT].seen.log[i].number, i);
        ck_assert_uint_eq(w->side[RIGHT].seen.log[i].ppid, 53);
    }
    ck_assert(!w->side[RIGHT].seen.damaged);
    wire_down(w);
}
END_TEST

START_TEST(messages_sent_before_the_association_is_up_are_kept)
{
    static wire w;
    kith_sctp_config config = wire_config();
    wire_init(&w, &config, &config);
    open_both(&w, 3, NULL);
    ck_assert_int_eq(send_number(&w, LEFT, 3, 100, 7), KITH_OK);
    wire_connect(&w);
    ck_assert(run_until(&w, KITH_SECONDS(1), &w.side[RIGHT].seen.messages, 1));
    wire_deinit(&w);
}
END_TEST

START_TEST(wrong_arguments_are_refused_and_change_nothing)
{
    kith_sctp *sctp;
    kith_sctp_config config = wire_config();
    config.max_streams = 0;
    ck_assert_int_eq(kith_sctp_new(&sctp, &config), KITH_ERR_RANGE);
    config = wire_config();
    config.mtu = 100;
    ck_assert_int_eq(kith_sctp_new(&sctp, &config), KITH_ERR_RANGE);

    wire *w = wire_up();
    ck_assert_int_eq(send_number(w, LEFT, 9, 10, 1), KITH_ERR_INVALID_STATE);
    open_both(w, 9, NULL);
    ck_assert_int_eq(send_number(w, LEFT, 9, 0, 1), KITH_ERR_TYPE);
    ck_assert_uint_eq(kith_sctp_buffered(w->side[LEFT].sctp, 9), 0);
    ck_assert_uint_eq(kith_sctp_buffered(w->side[LEFT].sctp, 200), 0);
    wire_down(w);
}
END_TEST

START_TEST(abort_reaches_the_peer_with_its_cause)
{
    wire *w = wire_up();
    kith_sctp_abort(w->side[LEFT].sctp);
    ck_assert_int_eq(kith_sctp_get_state(w->side[LEFT].sctp), KITH_SCTP_CLOSED);
    run(w, KITH_MS(100));
    ck_assert(w->side[LEFT].seen.closed);
    ck_assert(w->side[RIGHT].seen.closed);
    const kith_error *error = kith_sctp_get_error(w->side[RIGHT].sctp);
    ck_assert_int_eq(error->err, KITH_ERR_OPERATION);
    ck_assert_int_eq(error->error_detail, KITH_ERROR_DETAIL_SCTP_FAILURE);
    ck_assert_int_eq(error->sctp_cause_code, 12);
    ck_assert_int_eq(kith_sctp_get_error(w->side[LEFT].sctp)->err, KITH_OK);
    ck_assert_int_eq(kith_sctp_deadline(w->side[RIGHT].sctp), KITH_NEVER);
    wire_down(w);
}
END_TEST

/* RFC 9260 section 3.3.7: an ABORT may have no cause; aiortc and werift close so. */
START_TEST(an_abort_without_a_cause_is_told_as_cause_0)
{
    wire *w = wire_up();
    run(w, KITH_MS(100));
    kith_sctp_abort(w->side[LEFT].sctp);
    drain(w);
    packet *p = w->side[LEFT].first;
    ck_assert_uint_eq(p->data[12], 6); /* ABORT */
    p->len = 16;
    memcpy(p->data + 14, (const uint8_t[]){0, 4}, 2);
    memset(p->data + 8, 0, 4);
    uint32_t checksum = kith_crc32c(p->data, p->len);
    for (int i = 0; i < 4; i++)
        p->data[8 + i] = (uint8_t)(checksum >> (8 * i));
    run(w, KITH_MS(100));
    ck_assert(w->side[RIGHT].seen.closed);
    const kith_error *error = kith_sctp_get_error(w->side[RIGHT].sctp);
    ck_assert_str_eq(error->message, "the peer aborted the SCTP association: no cause given");
    ck_assert_int_eq(error->sctp_cause_code, 0);
    wire_down(w);
}
END_TEST

START_TEST(what_came_before_an_abort_is_delivered_before_it)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->side[RIGHT].deaf = true;
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 5000, i), KITH_OK);
    run(w, KITH_SECONDS(1));
    kith_sctp_abort(w->side[LEFT].sctp);
    run(w, KITH_MS(100));
    w->side[RIGHT].deaf = false;
    run(w, KITH_MS(100));
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 5);
    ck_assert_str_eq(w->side[RIGHT].seen.order, "cmmmmmx");
    wire_down(w);
}
END_TEST

/* Of 256 streams each way one is used: 27 kB of them would lie idle at each end. */
START_TEST(streams_take_memory_when_they_are_used)
{
    wire_down(wire_up()); /* what the process makes once */
    size_t before = heap_bytes();
    wire *w = wire_up();
    open_both(w, 1, NULL);
    ck_assert_int_eq(send_number(w, LEFT, 1, 100, 0), KITH_OK);
    run(w, KITH_SECONDS(1));
    ck_assert_uint_eq(kith_sctp_streams(w->side[LEFT].sctp), 256);
    ck_assert_uint_le(heap_bytes() - before, sizeof *w + 30000);
    /* And all of them can be. */
    for (uint16_t id = 0; id < 256; id++) {
        open_both(w, id, NULL);
        ck_assert_int_eq(send_number(w, LEFT, id, 100, id), KITH_OK);
    }
    ck_assert(run_until(w, KITH_SECONDS(1), &w->side[RIGHT].seen.messages, 257));
    wire_down(w);
}
END_TEST

/* T3 alone runs, and is doubled each time (RFC 9260 section 6.3.3 E2). */
START_TEST(what_waits_for_an_acknowledgement_wants_no_turn_before_its_timer)
{
    wire *w = wire_up();
    open_both(w, 1, NULL);
    run(w, KITH_SECONDS(1));
    w->cut = true;
    unsigned ticks = w->side[LEFT].ticks;
    ck_assert_int_eq(send_number(w, LEFT, 1, 100, 0), KITH_OK);
    run(w, KITH_SECONDS(2));
    ck_assert_uint_gt(w->side[LEFT].ticks, ticks);
    ck_assert_uint_le(w->side[LEFT].ticks, ticks + 5);
    ck_assert_uint_ge(w->side[LEFT].lost, 3);
    wire_down(w);
}
END_TEST

START_TEST(an_idle_association_wants_no_ticks)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    ck_assert_int_eq(send_number(w, LEFT, 0, 100, 1), KITH_OK);
    run(w, KITH_SECONDS(1));
    ck_assert_int_eq(kith_sctp_deadline(w->side[LEFT].sctp), KITH_NEVER);
    ck_assert_int_eq(kith_sctp_deadline(w->side[RIGHT].sctp), KITH_NEVER);
    unsigned ticks = w->side[LEFT].ticks;
    run(w, KITH_SECONDS(3600));
    ck_assert_uint_eq(w->side[LEFT].ticks, ticks);
    ck_assert_int_eq(send_number(w, LEFT, 0, 100, 2), KITH_OK);
    ck_assert(run_until(w, KITH_MS(50), &w->side[RIGHT].seen.messages, 2));
    wire_down(w);
}
END_TEST

START_TEST(an_interrupted_path_resumes_where_it_was)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->cut = true;
    for (uint32_t i = 0; i < 50; i++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 1000, i), KITH_OK);
    run(w, KITH_SECONDS(25));
    ck_assert_int_eq(kith_sctp_get_state(w->side[LEFT].sctp), KITH_SCTP_CONNECTED);
    w->cut = false;
    kith_sctp_path_restored(w->side[LEFT].sctp);
    ck_assert(run_until(w, KITH_SECONDS(15), &w->side[RIGHT].seen.messages, 50));
    wire_down(w);
}
END_TEST

START_TEST(another_peer_that_turns_the_wheel_wakes_the_owner)
{
    wire *w = wire_up(), *other = wire_up();
    open_both(w, 0, NULL);
    w->cut = true;
    ck_assert_int_eq(send_number(w, LEFT, 0, 1000, 1), KITH_OK);
    drain(w);
    unsigned woken = w->side[LEFT].woken;
    other->now = w->now;
    /* Only the other pair's owner calls; the retransmission of this one falls due meanwhile. */
    for (int i = 0; i < 300; i++) {
        other->now += KITH_MS(10);
        kith_sctp_tick(other->side[LEFT].sctp, other->now);
    }
    ck_assert_uint_gt(w->side[LEFT].woken, woken);
    w->cut = false;
    w->now = other->now;
    ck_assert(run_until(w, KITH_MS(100), &w->side[RIGHT].seen.messages, 1));
    wire_down(w);
    wire_down(other);
}
END_TEST

START_TEST(info_tells_what_the_path_is_like)
{
    wire *w = wire_up();
    open_both(w, 0, NULL);
    w->loss = 50;
    for (uint32_t i = 0; i < 200; i++)
        ck_assert_int_eq(send_number(w, LEFT, 0, 5000, i), KITH_OK);
    ck_assert(run_until(w, KITH_SECONDS(60), &w->side[RIGHT].seen.messages, 200));
    kith_sctp_info info;
    kith_sctp_get_info(w->side[LEFT].sctp, &info);
    ck_assert_uint_ge(info.congestion_window, 1000);
    ck_assert_uint_gt(info.packets_sent, 800);
    ck_assert_uint_gt(info.packets_received, 100);
    ck_assert_uint_gt(info.retransmits, 10);
    ck_assert_uint_lt(info.retransmits, 300);
    ck_assert_int_ge(info.smoothed_rtt, KITH_MS(15));
    ck_assert_int_le(info.smoothed_rtt, KITH_MS(80));
    ck_assert_uint_eq(info.mtu, MTU);
    wire_down(w);
}
END_TEST

/* ---- allocation n fails ---- */

static struct {
    unsigned count, failing;
} allocations;

static bool may_allocate(void)
{
    return ++allocations.count != allocations.failing;
}

static void *alloc_or_fail(size_t size, void *user)
{
    (void)user;
    return may_allocate() ? malloc(size) : NULL;
}

static void *resize_or_fail(void *memory, size_t size, void *user)
{
    (void)user;
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void release_memory(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static const kith_allocator failing_allocator = {alloc_or_fail, resize_or_fail, release_memory,
                                                 NULL};

static bool allowed(kith_err err)
{
    return err == KITH_OK || err == KITH_ERR_NO_MEMORY || err == KITH_ERR_INVALID_STATE;
}

/* Connects, talks both ways on two streams, closes one. */
static unsigned short_life(void)
{
    static wire w;
    kith_sctp_config config = wire_config();
    memset(&w, 0, sizeof w);
    w = (wire){.now = KITH_SECONDS(1), .delay = KITH_MS(5), .rng = 7};
    for (int i = 0; i < 2; i++) {
        kith_list_init(&w.side[i].kept);
        if (kith_sctp_new(&w.side[i].sctp, &config) == KITH_OK)
            continue;
        kith_sctp_free(w.side[LEFT].sctp);
        return 0;
    }
    kith_sctp_start(w.side[LEFT].sctp);
    kith_sctp_start(w.side[RIGHT].sctp);
    kith_sctp_stream params = {.priority = 256};
    for (int i = 0; i < 2; i++)
        for (uint16_t id = 0; id < 2; id++)
            ck_assert(allowed(kith_sctp_open(w.side[i].sctp, id, &params)));
    for (uint32_t n = 0; n < 8; n++)
        ck_assert(allowed(send_number(&w, n % 2 ? LEFT : RIGHT, n % 4 / 2, 1 + n * 20000, n)));
    kith_sctp_close_stream(w.side[LEFT].sctp, 1);
    run(&w, KITH_SECONDS(3));
    unsigned messages = w.side[LEFT].seen.messages + w.side[RIGHT].seen.messages;
    ck_assert(!w.side[LEFT].seen.damaged && !w.side[RIGHT].seen.damaged);
    wire_deinit(&w);
    return messages;
}

START_TEST(any_allocation_may_fail)
{
    kith_set_allocator(&failing_allocator);
    allocations.failing = 0;
    ck_assert_uint_eq(short_life(), 8);
    for (allocations.failing = 1;; allocations.failing++) {
        allocations.count = 0;
        unsigned messages = short_life();
        ck_assert_uint_le(messages, 8);
        if (allocations.count < allocations.failing)
            break;
    }
    ck_assert_uint_gt(allocations.failing, 20);
    kith_set_allocator(NULL);
}
END_TEST

UNIT_MAIN("sctp: sctp", both_sides_connect_at_once_and_both_are_told,
          one_side_that_starts_late_still_connects, connects_through_heavy_loss,
          a_lost_init_is_repeated_after_three_round_trips_of_ice,
          what_a_handshake_took_is_no_measure_for_the_data_after_it,
          a_path_that_is_slower_than_the_timers_connects_and_carries,
          the_smaller_number_of_streams_is_agreed, messages_of_every_size_arrive_whole_and_in_order,
          messages_sent_before_the_association_is_up_are_kept,
          wrong_arguments_are_refused_and_change_nothing, abort_reaches_the_peer_with_its_cause,
          an_abort_without_a_cause_is_told_as_cause_0,
          what_came_before_an_abort_is_delivered_before_it, streams_take_memory_when_they_are_used,
          what_waits_for_an_acknowledgement_wants_no_turn_before_its_timer,
          an_idle_association_wants_no_ticks, an_interrupted_path_resumes_where_it_was,
          another_peer_that_turns_the_wheel_wakes_the_owner, info_tells_what_the_path_is_like,
          any_allocation_may_fail)
