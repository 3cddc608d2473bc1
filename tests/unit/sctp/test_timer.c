/* T3-rtx is armed while anything is outstanding (RFC 9260 section 6.3.2 R1), whatever happens at
 * the moment at which it expires, and runs from when a chunk left. The linker puts this file
 * between usrsctp and its callouts. */
#include "wire.h"

#include "sctp/usrsctp/association.h"

#define TIMER_SEND 1
#define CHUNK_SACK 3

void __real_sctp_timer_start(int type, void *endpoint, void *association, void *net);
void __wrap_sctp_timer_start(int type, void *endpoint, void *association, void *net);
int __real_sctp_os_timer_start(void *callout, uint32_t ticks, void (*expired)(void *), void *arg);
int __wrap_sctp_os_timer_start(void *callout, uint32_t ticks, void (*expired)(void *), void *arg);

/* How many starts of T3 are still to expire with the next tick. */
static int hurried;
static bool is_t3;
static void (*expired_t3)(void *arg);
/* A SACK that widens the window and says nothing else, for the left; where it goes. */
static uint8_t sack[64];
static size_t sack_len;
static kith_hub_port *left_port;

void __wrap_sctp_timer_start(int type, void *endpoint, void *association, void *net)
{
    is_t3 = type == TIMER_SEND;
    __real_sctp_timer_start(type, endpoint, association, net);
    is_t3 = false;
}

/* As if another thread had taken the SACK in after the callout was taken off its queue: T3 is
 * started, and its handler finds that it was. */
static void be_overtaken(void *arg)
{
    kith_hub_input(left_port, sack, sack_len);
    expired_t3(arg);
}

int __wrap_sctp_os_timer_start(void *callout, uint32_t ticks, void (*expired)(void *), void *arg)
{
    if (!is_t3 || hurried == 0)
        return __real_sctp_os_timer_start(callout, ticks, expired, arg);
    expired_t3 = expired;
    return __real_sctp_os_timer_start(callout, 1, hurried-- == 2 ? be_overtaken : expired, arg);
}

static void keep_sack(wire *w)
{
    side *right = &w->side[RIGHT];
    while (!right->first || right->first->data[12] != CHUNK_SACK)
        step(w, w->now + KITH_MS(50));
    ck_assert_uint_le(right->first->len, sizeof sack);
    sack_len = right->first->len;
    memcpy(sack, right->first->data, sack_len);
    sack[20]++;
}

/* usrsctp counts the timers that it has started, one too many here; T3 expires while all that is in
 * flight is young, so that nothing is sent again; and all of it is lost. */
START_TEST(t3_is_armed_though_it_was_restarted_as_it_expired)
{
    wire *w = wire_up();
    left_port = w->side[LEFT].sctp->port;
    kith_sctp_stream params = {.priority = 256};
    ck_assert_int_eq(kith_sctp_open(w->side[LEFT].sctp, 1, &params), KITH_OK);
    static uint8_t bytes[50000];
    make_bytes(bytes, sizeof bytes, 1);
    kith_sctp_send_args args = {.stream = 1, .ppid = 53, .data = bytes, .len = 4};
    ck_assert_int_eq(kith_sctp_send(w->side[LEFT].sctp, &args), KITH_OK);
    keep_sack(w);
    run(w, KITH_MS(500));
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 1);
    hurried = 2;
    w->cut = true;
    args.len = sizeof bytes;
    ck_assert_int_eq(kith_sctp_send(w->side[LEFT].sctp, &args), KITH_OK);
    run(w, KITH_MS(50));
    ck_assert_int_eq(hurried, 0);
    w->cut = false;
    ck_assert(run_until(w, KITH_SECONDS(10), &w->side[RIGHT].seen.messages, 2));
    ck_assert(!w->side[RIGHT].seen.damaged);
    wire_down(w);
}
END_TEST

/* ---- packets that wait for their turn ---- */

#define RTO KITH_MS(200)

static uint64_t retransmits(const wire *w)
{
    kith_sctp_info info;
    kith_sctp_get_info(w->side[LEFT].sctp, &info);
    return info.retransmits;
}

/* Four packets are made; one leaves. */
static wire *with_packets_that_wait(void)
{
    wire *w = wire_up();
    uint8_t bytes[MTU];
    open_both(w, 0, NULL);
    ck_assert_int_eq(send_number(w, LEFT, 0, 10, 1), KITH_OK);
    run(w, KITH_SECONDS(1));
    ck_assert_int_eq(send_number(w, LEFT, 0, 4000, 2), KITH_OK);
    size_t len = kith_sctp_output(w->side[LEFT].sctp, w->now, bytes, sizeof bytes);
    ck_assert_uint_gt(len, 1000);
    put_on_wire(w, &w->side[LEFT], bytes, len);
    ck_assert_uint_gt(kith_hub_waiting(w->side[LEFT].sctp->port), 2000);
    return w;
}

/* Timers run, the peer answers, and nothing leaves on the left. */
static void hold(wire *w, kith_time length)
{
    for (kith_time until = w->now + length; w->now < until; w->now += KITH_MS(10)) {
        deliver_due(w);
        kith_sctp_tick(w->side[LEFT].sctp, w->now);
    }
}

START_TEST(what_waits_for_its_turn_is_not_sent_again)
{
    wire *w = with_packets_that_wait();
    hold(w, KITH_MS(1150));
    ck_assert_uint_eq(retransmits(w), 0);
    run(w, KITH_SECONDS(2));
    ck_assert_uint_eq(w->side[RIGHT].seen.messages, 2);
    ck_assert_uint_eq(retransmits(w), 0);
    wire_down(w);
}
END_TEST

START_TEST(what_is_lost_after_its_turn_is_sent_again_in_time)
{
    wire *w = with_packets_that_wait();
    hold(w, KITH_MS(1150));
    w->cut = true;
    drain(w);
    run(w, RTO - KITH_MS(20));
    ck_assert_uint_eq(retransmits(w), 0);
    w->cut = false;
    run(w, KITH_MS(60));
    ck_assert_uint_gt(retransmits(w), 0);
    ck_assert(run_until(w, KITH_SECONDS(5), &w->side[RIGHT].seen.messages, 2));
    wire_down(w);
}
END_TEST

UNIT_MAIN("sctp: timer", t3_is_armed_though_it_was_restarted_as_it_expired,
          what_waits_for_its_turn_is_not_sent_again,
          what_is_lost_after_its_turn_is_sent_again_in_time)
