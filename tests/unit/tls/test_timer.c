/* Retransmission: every datagram of a handshake may be lost, late, doubled or out of order. */
#include "duo.h"

static kith_time lose_one(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)datagram;
    return from == d->aim_from && nth == d->aim_nth ? KITH_NEVER : FATE_AS_USUAL;
}

static kith_time lose_all(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)nth;
    (void)datagram;
    return from == d->aim_from ? KITH_NEVER : FATE_AS_USUAL;
}

static kith_time send_twice(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)nth;
    duo_put(d, !from, d->delay + KITH_MS(3), datagram.data, datagram.len);
    return FATE_AS_USUAL;
}

/* Every second datagram comes 25 ms later, behind its successor. */
static kith_time reorder(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)from;
    (void)datagram;
    return nth % 2 == 0 ? d->delay + KITH_MS(25) : FATE_AS_USUAL;
}

static kith_time connect_time(duo *d)
{
    kith_time begin = d->now;
    duo_start(d);
    for (int step = 0; step < 60000 && !duo_both(d, KITH_DTLS_CONNECTED); step++)
        duo_run_for(d, KITH_MS(1));
    ck_assert(duo_both(d, KITH_DTLS_CONNECTED));
    return d->now - begin;
}

static uint64_t retransmits(const duo *d)
{
    return kith_dtls_get_counters(d->side[LEFT])->retransmits +
           kith_dtls_get_counters(d->side[RIGHT])->retransmits;
}

START_TEST(handshake_without_loss_takes_two_round_trips)
{
    duo d;
    duo_new(&d, NULL);
    ck_assert_int_eq(connect_time(&d), 4 * KITH_MS(10));
    ck_assert_uint_eq(retransmits(&d), 0);
    duo_free(&d);
}
END_TEST

START_TEST(any_one_lost_datagram_costs_one_timeout)
{
    /* With an ICE round trip of 40 ms the first timeout is 60 ms; small datagrams make many. */
    const duo_options options = {.mtu = 400, .rtt = KITH_MS(40)};
    static duo d;
    duo_connect(&d, &options);
    size_t count[2] = {d.sent[LEFT], d.sent[RIGHT]};
    ck_assert_uint_ge(count[LEFT], 3);
    ck_assert_uint_ge(count[RIGHT], 3);
    duo_free(&d);
    for (int side = 0; side < 2; side++) {
        for (size_t nth = 0; nth < count[side]; nth++) {
            duo_new(&d, &options);
            d.fate = lose_one;
            d.aim_from = side;
            d.aim_nth = nth;
            kith_time took = connect_time(&d);
            ck_assert_uint_ge(retransmits(&d), 1);
            ck_assert_int_ge(took, KITH_MS(60));
            ck_assert_int_le(took, KITH_MS(60) + 4 * KITH_MS(10));
            duo_check_talk(&d);
            duo_free(&d);
        }
    }
}
END_TEST

START_TEST(lost_hello_is_repeated_after_one_and_a_half_round_trips)
{
    static const struct {
        kith_time rtt, timeout;
    } rows[] = {
        {0, KITH_MS(400)},
        {KITH_MS(1), KITH_MS(50)},
        {KITH_MS(100), KITH_MS(150)},
        {KITH_SECONDS(2), KITH_SECONDS(3)},
        {KITH_NEVER - 1, KITH_SECONDS(3)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static duo d;
        duo_new(&d, &(duo_options){.rtt = rows[i].rtt});
        d.fate = lose_one;
        duo_start(&d);
        duo_run_for(&d, 0);
        ck_assert_uint_eq(d.sent[LEFT], 1);
        ck_assert_int_eq(kith_dtls_deadline(d.side[LEFT]), d.now + rows[i].timeout);
        kith_dtls_tick(d.side[LEFT], d.now + rows[i].timeout - 1);
        ck_assert_uint_eq(retransmits(&d), 0);
        duo_run_for(&d, rows[i].timeout);
        ck_assert_uint_eq(d.sent[LEFT], 2);
        ck_assert_uint_eq(retransmits(&d), 1);
        duo_run_for(&d, KITH_SECONDS(1));
        ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
        duo_free(&d);
    }
}
END_TEST

/* Half-way between two timeouts the flight is sent as it was. */
START_TEST(timeout_doubles_and_the_handshake_fails_after_half_a_minute)
{
    static const int ms[] = {50,   100,  200,  400,  800,  1500, 1500,
                             1500, 1500, 3000, 4000, 4000, 4000};
    static duo d;
    duo_new(&d, &(duo_options){.rtt = KITH_MS(10)});
    d.fate = lose_all;
    d.aim_from = LEFT;
    duo_start(&d);
    duo_run_for(&d, 0);
    for (int n = 0; n < 13; n++) {
        int parts = n == 0 ? 1 : 2;
        for (int part = 0; part < parts; part++) {
            ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CONNECTING);
            ck_assert_int_eq(kith_dtls_deadline(d.side[LEFT]), d.now + KITH_MS(ms[n]) / parts);
            duo_run_for(&d, KITH_MS(ms[n]) / parts);
        }
    }
    ck_assert_uint_eq(d.sent[LEFT], 25);
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_FAILED);
    const kith_error *error = kith_dtls_get_error(d.side[LEFT]);
    ck_assert_int_eq(error->err, KITH_ERR_OPERATION);
    ck_assert_int_eq(error->error_detail, KITH_ERROR_DETAIL_DTLS_FAILURE);
    ck_assert_int_eq(kith_dtls_deadline(d.side[LEFT]), KITH_NEVER);
    duo_free(&d);
}
END_TEST

static uint32_t loss_state, loss_percent;

static kith_time lose_some(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)d, (void)from, (void)nth, (void)datagram;
    loss_state = loss_state * 1664525u + 1013904223u;
    return (loss_state >> 8) % 100 < loss_percent ? KITH_NEVER : FATE_AS_USUAL;
}

static int by_size(const void *a, const void *b)
{
    kith_time x = *(const kith_time *)a, y = *(const kith_time *)b;
    return x < y ? -1 : x > y;
}

/* 99 of 100 handshakes under loss: what they may take of the time in which a channel shall open, 4
 * s with 10 % and 15 s with 30 %. */
START_TEST(loss_delays_a_handshake_by_little)
{
    static const struct {
        uint32_t percent;
        kith_time rtt, median, most;
    } rows[] = {
        {10, KITH_MS(20), KITH_MS(60), KITH_MS(500)},
        {10, KITH_MS(100), KITH_MS(250), KITH_MS(1500)},
        {30, KITH_MS(20), KITH_MS(150), KITH_SECONDS(4)},
        {30, KITH_MS(100), KITH_MS(500), KITH_SECONDS(5)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static duo d;
        kith_time took[200];
        for (uint32_t seed = 0; seed < 200; seed++) {
            loss_state = seed * 2654435761u + 1;
            loss_percent = rows[i].percent;
            duo_new(&d, &(duo_options){.rtt = rows[i].rtt});
            d.delay = rows[i].rtt / 2;
            d.fate = lose_some;
            took[seed] = connect_time(&d);
            duo_free(&d);
        }
        qsort(took, 200, sizeof took[0], by_size);
        ck_assert_int_le(took[100], rows[i].median);
        ck_assert_int_le(took[197], rows[i].most);
    }
}
END_TEST

START_TEST(lost_last_flight_is_repeated_for_the_repeated_finished)
{
    static duo d;
    duo_new(&d, &(duo_options){.rtt = KITH_MS(20)});
    d.fate = lose_one;
    d.aim_from = RIGHT;
    d.aim_nth = 1; /* the server's Finished */
    connect_time(&d);
    ck_assert_uint_eq(d.sent[RIGHT], 3);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(doubled_and_reordered_datagrams_change_nothing)
{
    duo_fate *const fates[] = {send_twice, reorder};
    for (size_t i = 0; i < 2; i++) {
        static duo d;
        duo_new(&d, &(duo_options){.mtu = 300});
        d.fate = fates[i];
        connect_time(&d);
        duo_run_for(&d, KITH_SECONDS(1));
        ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
        duo_check_talk(&d);
        duo_free(&d);
    }
}
END_TEST

START_TEST(server_that_starts_late_is_reached_by_a_repeated_hello)
{
    static duo d;
    duo_new(&d, &(duo_options){.rtt = KITH_MS(20)});
    kith_dtls_start(d.side[LEFT]);
    duo_run_for(&d, KITH_SECONDS(2));
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_NEW);
    ck_assert_uint_eq(d.sent[RIGHT], 0);
    kith_dtls_start(d.side[RIGHT]);
    size_t hellos = d.sent[LEFT];
    duo_run_for(&d, KITH_SECONDS(3));
    ck_assert_uint_eq(d.sent[LEFT], hellos + 2); /* a hello, and the second flight */
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_free(&d);
}
END_TEST

UNIT_MAIN("tls: timer", handshake_without_loss_takes_two_round_trips,
          any_one_lost_datagram_costs_one_timeout,
          lost_hello_is_repeated_after_one_and_a_half_round_trips,
          timeout_doubles_and_the_handshake_fails_after_half_a_minute,
          loss_delays_a_handshake_by_little, lost_last_flight_is_repeated_for_the_repeated_finished,
          doubled_and_reordered_datagrams_change_nothing,
          server_that_starts_late_is_reached_by_a_repeated_hello)
