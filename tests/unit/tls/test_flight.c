/* A flight that was lost is sent again when the peer repeats what it answers. */
#include "duo.h"

#include <openssl/crypto.h>

#include "tls/association.h"

/* The aimed datagram is lost, and its sender's timer never fires. */
static kith_time lose_one_and_sleep(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)datagram;
    if (from != d->aim_from || nth != d->aim_nth)
        return FATE_AS_USUAL;
    d->side[from]->retransmit_at = KITH_NEVER;
    return KITH_NEVER;
}

static kith_time send_twice(duo *d, int from, size_t nth, kith_span datagram)
{
    (void)nth;
    duo_put(d, !from, d->delay + KITH_MS(3), datagram.data, datagram.len);
    return FATE_AS_USUAL;
}

static bool connect_within(duo *d, kith_time limit)
{
    duo_start(d);
    for (kith_time end = d->now + limit; d->now < end && !duo_both(d, KITH_DTLS_CONNECTED);)
        duo_run_for(d, KITH_MS(1));
    return duo_both(d, KITH_DTLS_CONNECTED);
}

/* RFC 6347 section 4.2.4, state WAITING. */
START_TEST(a_peers_repeated_flight_brings_back_the_one_that_answers_it)
{
    static const struct {
        int from;
        size_t nth;
    } aims[] = {{RIGHT, 0}, {LEFT, 1}}; /* the server's flight, the client's second */
    /* From 3.2 on OpenSSL looks at a timer of its own when it reads, and nobody can stop that. */
    unsigned expected = OpenSSL_version_num() < 0x30200000UL ? 1 : 2;
    for (size_t i = 0; i < 2; i++) {
        static duo d;
        duo_new(&d, &(duo_options){.rtt = KITH_MS(20)});
        d.fate = lose_one_and_sleep;
        d.aim_from = aims[i].from;
        d.aim_nth = aims[i].nth;
        ck_assert(connect_within(&d, KITH_MS(500)));
        ck_assert_uint_eq(kith_dtls_get_counters(d.side[aims[i].from])->retransmits, expected);
        ck_assert_ptr_null(d.side[LEFT]->flight.data);
        ck_assert_ptr_null(d.side[RIGHT]->flight.data);
        duo_check_talk(&d);
        duo_free(&d);
    }
}
END_TEST

/* Nothing was lost: what the network doubles, or the peer sent before it can have had ours. */
START_TEST(what_comes_twice_within_a_round_trip_repeats_nothing)
{
    static duo d;
    duo_new(&d, &(duo_options){.rtt = KITH_MS(20)});
    d.fate = send_twice;
    ck_assert(connect_within(&d, KITH_MS(500)));
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[LEFT])->retransmits, 0);
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[RIGHT])->retransmits, 0);
    duo_free(&d);
}
END_TEST

/* Who knows a message of the peer may repeat it for ever; it costs a flight a round trip. */
START_TEST(a_flight_is_repeated_once_a_round_trip_at_most)
{
    static duo d;
    duo_new(&d, &(duo_options){.rtt = KITH_MS(100)});
    uint8_t hello[2048], buf[2048];
    kith_dtls_start(d.side[LEFT]);
    kith_dtls_start(d.side[RIGHT]);
    size_t len = kith_dtls_output(d.side[LEFT], d.now, hello, sizeof hello), sent = 0;
    d.side[RIGHT]->retransmit_at = KITH_NEVER;
    for (int ms = 0; ms < 1000; ms++) {
        kith_dtls_input(d.side[RIGHT], d.now + KITH_MS(ms), hello, len);
        d.side[RIGHT]->retransmit_at = KITH_NEVER;
        while (kith_dtls_output(d.side[RIGHT], d.now + KITH_MS(ms), buf, sizeof buf) > 0)
            sent++;
    }
    ck_assert_uint_eq(sent, 10);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("tls: flight", a_peers_repeated_flight_brings_back_the_one_that_answers_it,
          what_comes_twice_within_a_round_trip_repeats_nothing,
          a_flight_is_repeated_once_a_round_trip_at_most)
