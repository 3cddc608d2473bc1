/* Packing of flights into datagrams, and the bounds of the queue. */
#include "duo.h"

static duo d;

START_TEST(flights_fill_datagrams_up_to_the_mtu)
{
    static const size_t mtus[] = {1200, 1000, 600, 300, KITH_DTLS_MIN_MTU};
    static const kith_key_type keys[] = {KITH_KEY_ECDSA_P256, KITH_KEY_RSA_2048};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
            duo_connect(&d, &(duo_options){.key = {keys[k], keys[k]}, .mtu = mtus[i]});
            ck_assert_uint_le(d.largest[LEFT], mtus[i]);
            ck_assert_uint_le(d.largest[RIGHT], mtus[i]);
            if (mtus[i] < 1000) /* no datagram is left half empty */
                ck_assert_uint_gt(d.largest[RIGHT], mtus[i] - 60);
            duo_check_talk(&d);
            duo_free(&d);
        }
    }
}
END_TEST

START_TEST(handshake_with_ecdsa_takes_four_datagrams)
{
    duo_connect(&d, NULL); /* hello; hello to done; certificate to Finished; Finished */
    ck_assert_uint_eq(d.sent[LEFT], 2);
    ck_assert_uint_eq(d.sent[RIGHT], 2);
    duo_free(&d);
}
END_TEST

static kith_time lose_first(duo *unused, int from, size_t nth, kith_span datagram)
{
    (void)unused;
    (void)datagram;
    return from == RIGHT && nth == 0 ? KITH_NEVER : FATE_AS_USUAL;
}

START_TEST(repeated_flight_is_packed_as_well)
{
    duo_new(&d, NULL);
    d.fate = lose_first;
    duo_start(&d);
    duo_run_for(&d, KITH_SECONDS(2));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    ck_assert_uint_eq(d.sent[LEFT], 3); /* one more hello */
    ck_assert_uint_eq(d.sent[RIGHT], 3);
    duo_free(&d);
}
END_TEST

START_TEST(output_wants_room_for_a_whole_datagram)
{
    uint8_t buf[1200];
    duo_new(&d, NULL);
    kith_dtls_start(d.side[LEFT]);
    ck_assert_uint_eq(kith_dtls_output(d.side[LEFT], d.now, buf, 10), 0);
    ck_assert_int_eq(kith_dtls_deadline(d.side[LEFT]), 0);
    ck_assert_uint_gt(kith_dtls_output(d.side[LEFT], d.now, buf, sizeof buf), 100);
    ck_assert_uint_eq(kith_dtls_output(d.side[LEFT], d.now, buf, sizeof buf), 0);
    ck_assert_int_gt(kith_dtls_deadline(d.side[LEFT]), d.now);
    duo_free(&d);
}
END_TEST

START_TEST(queue_is_bounded_when_nobody_takes_from_it)
{
    uint8_t hello[1200];
    duo_new(&d, &(duo_options){.key = {KITH_KEY_RSA_2048, KITH_KEY_RSA_2048}});
    duo_start(&d);
    size_t len = kith_dtls_output(d.side[LEFT], d.now, hello, sizeof hello);
    kith_dtls_input(d.side[RIGHT], d.now, hello, len);
    for (int i = 0; i < 24; i++) { /* the server's flight, again and again */
        d.now += KITH_SECONDS(2);
        kith_dtls_tick(d.side[RIGHT], d.now);
    }
    ck_assert_uint_gt(kith_dtls_get_counters(d.side[RIGHT])->retransmits, 10);
    size_t total = 0;
    while ((len = kith_dtls_output(d.side[RIGHT], d.now, hello, sizeof hello)) > 0)
        total += len;
    ck_assert_uint_gt(total, 4096);
    ck_assert_uint_le(total, 32768);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("tls: bio", flights_fill_datagrams_up_to_the_mtu,
          handshake_with_ecdsa_takes_four_datagrams, repeated_flight_is_packed_as_well,
          output_wants_room_for_a_whole_datagram, queue_is_bounded_when_nobody_takes_from_it)
