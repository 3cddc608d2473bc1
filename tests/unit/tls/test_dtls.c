/* The association as its users see it: states, records, closing, and what an outsider cannot do. */
#include "raw.h"

#include "kith/certificate.h"

static duo d; /* large; each test makes it anew */

static void check_states(int side, const kith_dtls_state *expected, size_t count)
{
    ck_assert_uint_eq(d.state_count[side], count);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(d.states[side][i], expected[i]);
}

/* Records that no peer sends, of every kind that comes to mind. */
static void spray_junk(int to, unsigned salt)
{
    static const struct {
        uint8_t bytes[40];
        size_t len;
    } rows[] = {
        {{0}, 0},
        {{22}, 1},
        {{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 200, 1}, 14},          /* longer than it is */
        {{22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0}, 13},                   /* TLS, not DTLS */
        {{99, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0}, 14},            /* no such type */
        {{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0}, 13},               /* empty handshake */
        {{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 3, 1, 0, 0}, 16},      /* half a header */
        {{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12, 20, 0, 0, 0}, 25}, /* Finished in clear */
        {{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12, 0, 0, 0, 0}, 25},  /* HelloRequest */
        {{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12, 1, 255, 255, 255}, 25}, /* 16 MB hello */
        {{23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 'h', 'i'}, 15}, /* data in the clear */
        {{23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 'h', 'i'}, 15}, /* undecryptable data */
        {{22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 2}, 15},
        {{21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40}, 15}, /* alerts */
        {{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40}, 15},
        {{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0}, 15},
        {{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 2}, 14},
        {{20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 7}, 14},
        {{20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 1}, 15},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[40];
        memcpy(bytes, rows[i].bytes, sizeof bytes);
        bytes[8] = (uint8_t)salt; /* a sequence number of its own each time */
        bytes[9] = (uint8_t)(salt >> 8);
        kith_dtls_input(d.side[to], d.now, bytes, rows[i].len);
        duo_drain(&d, to);
    }
}

START_TEST(both_sides_connect_and_talk)
{
    const kith_dtls_state expected[] = {KITH_DTLS_CONNECTING, KITH_DTLS_CONNECTED};
    duo_connect(&d, NULL);
    for (int i = 0; i < 2; i++) {
        check_states(i, expected, 2);
        ck_assert_str_eq(kith_dtls_version(d.side[i]), "FEFD");
        ck_assert_int_eq(kith_dtls_get_error(d.side[i])->err, KITH_OK);
        ck_assert_int_eq(kith_dtls_deadline(d.side[i]), KITH_NEVER);
        ck_assert(kith_span_equal(kith_dtls_remote_certificate(d.side[i]),
                                  kith_certificate_der(duo_certificate(!i, KITH_KEY_ECDSA_P256))));
    }
    ck_assert_int_eq(kith_dtls_get_role(d.side[LEFT]), KITH_DTLS_CLIENT);
    ck_assert_int_eq(kith_dtls_get_role(d.side[RIGHT]), KITH_DTLS_SERVER);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(nothing_is_sent_or_answered_before_the_start)
{
    duo_new(&d, NULL);
    duo_run_for(&d, KITH_SECONDS(60));
    ck_assert_uint_eq(d.sent[LEFT] + d.sent[RIGHT], 0);
    ck_assert_int_eq(kith_dtls_deadline(d.side[LEFT]), KITH_NEVER);
    spray_junk(RIGHT, 1);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.sent[RIGHT] + d.state_count[RIGHT], 0);
    kith_dtls_start(d.side[LEFT]);
    ck_assert_int_le(kith_dtls_deadline(d.side[LEFT]), d.now);
    duo_free(&d);
}
END_TEST

START_TEST(datagrams_before_the_start_are_dropped)
{
    uint8_t hello[1200];
    duo_new(&d, NULL);
    kith_dtls_start(d.side[LEFT]);
    size_t len = kith_dtls_output(d.side[LEFT], d.now, hello, sizeof hello);
    kith_dtls_input(d.side[RIGHT], d.now, hello, len);
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[RIGHT])->records_dropped, 1);
    kith_dtls_start(d.side[RIGHT]);
    duo_run_for(&d, KITH_MS(300));
    ck_assert_uint_eq(d.sent[RIGHT], 0);
    duo_run_for(&d, KITH_SECONDS(1)); /* the hello is repeated */
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_free(&d);
}
END_TEST

START_TEST(a_datagram_may_carry_several_records)
{
    uint8_t buf[2048];
    size_t len = 0;
    duo_connect(&d, NULL);
    for (int i = 0; i < 5; i++)
        len +=
            kith_dtls_send(d.side[LEFT], (const uint8_t *)"abcdef", 6, buf + len, sizeof buf - len);
    duo_put(&d, RIGHT, 0, buf, len);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.data_events[RIGHT], 5);
    ck_assert_mem_eq(d.heard[RIGHT], "abcdefabcdefabcdefabcdefabcdef", 30);
    duo_free(&d);
}
END_TEST

/* A damaged record does not take those behind it along; two show that nobody's are there. */
START_TEST(behind_two_forged_records_of_a_datagram_nothing_is_read)
{
    uint8_t buf[2048];
    duo_connect(&d, NULL);
    for (unsigned forged = 1; forged <= 2; forged++) {
        size_t len = 0;
        size_t before = d.data_events[RIGHT];
        for (unsigned i = 0; i <= forged; i++) {
            size_t one = kith_dtls_send(d.side[LEFT], (const uint8_t *)"abcdef", 6, buf + len,
                                        sizeof buf - len);
            len += one;
            buf[len - 1] ^= i < forged;
        }
        duo_put(&d, RIGHT, 0, buf, len);
        duo_run_for(&d, KITH_SECONDS(1));
        ck_assert_uint_eq(d.data_events[RIGHT], before + (forged == 1));
    }
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

/* The server's Finished and its first data, in one datagram and in either order. */
START_TEST(data_beside_the_finished_is_not_lost)
{
    uint8_t buf[2048];
    duo_new(&d, NULL);
    duo_start(&d);
    while (kith_dtls_get_state(d.side[RIGHT]) != KITH_DTLS_CONNECTED)
        duo_run_for(&d, KITH_MS(10));
    ck_assert_uint_eq(d.on_wire, 1);
    wire_datagram *finished = &d.wire[0];
    size_t len = kith_dtls_send(d.side[RIGHT], (const uint8_t *)"first", 5, buf, sizeof buf);
    memcpy(finished->bytes + finished->len, buf, len);
    finished->len += len;
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.data_events[LEFT], 1);
    ck_assert_mem_eq(d.heard[LEFT], "first", 5);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

/* Reordered: ChangeCipherSpec, data, Finished. */
START_TEST(data_before_the_finished_is_kept_until_it_has_come)
{
    uint8_t buf[2048];
    duo_new(&d, NULL);
    duo_start(&d);
    while (kith_dtls_get_state(d.side[RIGHT]) != KITH_DTLS_CONNECTED)
        duo_run_for(&d, KITH_MS(10));
    kith_span flight = kith_span_of(d.wire[0].bytes, d.wire[0].len);
    kith_dtls_record change, finished;
    ck_assert(kith_dtls_record_next(&flight, &change) && kith_dtls_record_next(&flight, &finished));
    ck_assert_uint_eq(change.type, KITH_DTLS_CHANGE_CIPHER_SPEC);
    size_t len = kith_dtls_send(d.side[RIGHT], (const uint8_t *)"first", 5, buf, sizeof buf);
    kith_dtls_input(d.side[LEFT], d.now, change.whole.data, change.whole.len);
    kith_dtls_input(d.side[LEFT], d.now, buf, len);
    duo_drain(&d, LEFT);
    ck_assert_uint_eq(d.data_events[LEFT], 0);
    kith_dtls_input(d.side[LEFT], d.now, finished.whole.data, finished.whole.len);
    duo_drain(&d, LEFT);
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CONNECTED);
    ck_assert_uint_eq(d.data_events[LEFT], 1);
    ck_assert_mem_eq(d.heard[LEFT], "first", 5);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(send_refuses_what_does_not_fit)
{
    uint8_t buf[2048], data[2048] = {0};
    duo_new(&d, NULL);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 10, buf, sizeof buf), 0);
    duo_free(&d);
    duo_connect(&d, NULL);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 0, buf, sizeof buf), 0);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 10, buf, 0), 0);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 10, buf, 10), 0);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 10, buf, 9 + KITH_DTLS_OVERHEAD), 0);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 1501, buf, sizeof buf), 0);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 10, buf, 10 + KITH_DTLS_OVERHEAD),
                      10 + KITH_DTLS_OVERHEAD);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], data, 1500, buf, sizeof buf),
                      1500 + KITH_DTLS_OVERHEAD);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(replayed_and_damaged_records_are_dropped_and_counted)
{
    uint8_t buf[2048];
    duo_connect(&d, NULL);
    size_t len = kith_dtls_send(d.side[LEFT], (const uint8_t *)"once", 4, buf, sizeof buf);
    for (int i = 0; i < 3; i++)
        duo_put(&d, RIGHT, i, buf, len);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.data_events[RIGHT], 1);
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[RIGHT])->records_dropped, 2);
    len = kith_dtls_send(d.side[LEFT], (const uint8_t *)"once", 4, buf, sizeof buf);
    buf[len - 1] ^= 1;
    duo_put(&d, RIGHT, 0, buf, len);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.data_events[RIGHT], 1);
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[RIGHT])->records_dropped, 3);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(close_notify_closes_both_sides)
{
    const kith_dtls_state expected[] = {KITH_DTLS_CONNECTING, KITH_DTLS_CONNECTED,
                                        KITH_DTLS_CLOSED};
    for (int closer = 0; closer < 2; closer++) {
        duo_connect(&d, NULL);
        duo_say(&d, closer, "last words");
        kith_dtls_close(d.side[closer]);
        kith_dtls_close(d.side[closer]);
        duo_run_for(&d, KITH_SECONDS(1));
        ck_assert_mem_eq(d.heard[!closer], "last words", 10);
        for (int i = 0; i < 2; i++) {
            uint8_t buf[100];
            check_states(i, expected, 3);
            ck_assert_int_eq(kith_dtls_get_error(d.side[i])->err, KITH_OK);
            ck_assert_int_eq(kith_dtls_deadline(d.side[i]), KITH_NEVER);
            ck_assert_uint_eq(kith_dtls_send(d.side[i], (const uint8_t *)"x", 1, buf, 100), 0);
        }
        duo_free(&d);
    }
}
END_TEST

START_TEST(closing_is_legal_in_every_state)
{
    const kith_dtls_state closed[] = {KITH_DTLS_CLOSED};
    duo_new(&d, NULL);
    kith_dtls_start(d.side[LEFT]);
    kith_dtls_close(d.side[LEFT]);
    duo_run_for(&d, KITH_SECONDS(1));
    check_states(LEFT, closed, 1);
    ck_assert_uint_eq(d.sent[LEFT], 0);
    kith_dtls_start(d.side[LEFT]);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CLOSED);
    duo_free(&d);

    duo_new(&d, NULL); /* in the middle of the handshake */
    duo_start(&d);
    duo_run_for(&d, KITH_MS(25));
    kith_dtls_close(d.side[LEFT]);
    duo_run_for(&d, KITH_MS(100));
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CLOSED);
    duo_free(&d);

    duo_new(&d, &(duo_options){.wrong_fingerprint = {true, false}});
    duo_start(&d);
    duo_run_for(&d, KITH_SECONDS(5));
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_FAILED);
    kith_dtls_close(d.side[LEFT]);
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CLOSED);
    duo_free(&d);
    kith_dtls_free(NULL);
}
END_TEST

START_TEST(junk_at_any_time_ends_nothing)
{
    duo_new(&d, NULL);
    for (int i = 0; i < 2; i++)
        spray_junk(i, 1);
    duo_start(&d);
    for (unsigned ms = 0; ms < 60; ms++) { /* before, during and after the handshake */
        duo_run_for(&d, KITH_MS(1));
        for (int i = 0; i < 2; i++)
            spray_junk(i, 0x1000 + ms);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(kith_dtls_get_error(d.side[i])->message, "");
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    ck_assert_uint_eq(d.data_events[LEFT] + d.data_events[RIGHT], 0);
    ck_assert_uint_gt(kith_dtls_get_counters(d.side[RIGHT])->records_dropped, 500);
    duo_run_for(&d, KITH_SECONDS(5));
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

static const uint8_t plain_alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 77, 0, 2, 2, 47};

START_TEST(forged_alert_does_not_end_a_handshake_that_moves)
{
    duo_new(&d, &(duo_options){.rtt = KITH_MS(800)});
    d.delay = KITH_MS(400); /* so that either side needs more than a second after the alert */
    duo_start(&d);
    duo_put(&d, LEFT, KITH_MS(100), plain_alert, sizeof plain_alert);
    duo_put(&d, RIGHT, KITH_MS(100), plain_alert, sizeof plain_alert);
    duo_run_for(&d, KITH_SECONDS(5));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_put(&d, LEFT, 0, plain_alert, sizeof plain_alert);
    duo_put(&d, RIGHT, 0, plain_alert, sizeof plain_alert);
    duo_run_for(&d, KITH_SECONDS(5));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

static kith_time lose_five(duo *on, int from, size_t nth, kith_span datagram)
{
    (void)datagram;
    return from == on->aim_from && nth >= 1 && nth <= 5 ? KITH_NEVER : FATE_AS_USUAL;
}

/* Nor one whose flights are lost five times, so that nothing moves for seconds. */
START_TEST(forged_alert_does_not_end_a_handshake_with_losses)
{
    for (int loser = 0; loser < 2; loser++) {
        duo_new(&d, NULL);
        d.fate = lose_five;
        d.aim_from = loser;
        duo_start(&d);
        duo_put(&d, LEFT, KITH_MS(100), plain_alert, sizeof plain_alert);
        duo_put(&d, RIGHT, KITH_MS(100), plain_alert, sizeof plain_alert);
        duo_run_for(&d, KITH_SECONDS(2));
        ck_assert(!duo_both(&d, KITH_DTLS_CONNECTED));
        duo_run_for(&d, KITH_SECONDS(28));
        ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
        duo_check_talk(&d);
        duo_free(&d);
    }
}
END_TEST

START_TEST(plain_alert_of_a_peer_that_falls_silent_ends_the_handshake)
{
    duo_new(&d, NULL);
    kith_dtls_start(d.side[LEFT]);
    for (int s = 0; s < 5; s++) /* said again and again it counts no later */
        duo_put(&d, LEFT, KITH_MS(100) + KITH_SECONDS(s), plain_alert, sizeof plain_alert);
    duo_run_for(&d, KITH_MS(10099));
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CONNECTING);
    duo_run_for(&d, KITH_MS(1));
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_FAILED);
    ck_assert_int_eq(kith_dtls_get_error(d.side[LEFT])->received_alert, 47);
    ck_assert_int_eq(kith_dtls_get_error(d.side[LEFT])->sent_alert, -1);
    ck_assert_int_eq(kith_dtls_get_error(d.side[LEFT])->error_detail,
                     KITH_ERROR_DETAIL_DTLS_FAILURE);
    duo_free(&d);
}
END_TEST

START_TEST(null_cipher_hello_of_an_outsider_does_not_end_the_session)
{
    duo_new(&d, NULL);
    duo_start(&d);
    for (int i = 0; i < 40; i++) { /* from before the peer's own hello until after the handshake */
        raw_client outsider;
        raw_new(&outsider, "eNULL", NULL);
        raw_open(&outsider);
        SSL_do_handshake(outsider.ssl);
        raw_speak(&outsider, &d, RIGHT);
        raw_free(&outsider);
        if (i < 5)
            duo_deliver(&d);
        else
            duo_run_for(&d, KITH_MS(1));
    }
    duo_run_for(&d, KITH_SECONDS(5));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    ck_assert_int_eq(kith_dtls_get_error(d.side[LEFT])->received_alert, -1);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(peer_with_null_ciphers_only_is_refused_when_no_other_hello_comes)
{
    raw_client peer;
    duo_new(&d, NULL);
    kith_dtls_start(d.side[RIGHT]);
    raw_new(&peer, "eNULL", NULL);
    raw_open(&peer);
    raw_step(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTING);
    ck_assert_int_eq(kith_dtls_deadline(d.side[RIGHT]), d.now + KITH_SECONDS(10));
    d.now += KITH_SECONDS(10);
    kith_dtls_tick(d.side[RIGHT], d.now);
    const kith_error *error = kith_dtls_get_error(d.side[RIGHT]);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_FAILED);
    ck_assert_int_eq(error->error_detail, KITH_ERROR_DETAIL_DTLS_FAILURE);
    ck_assert_int_eq(error->sent_alert, SSL_AD_HANDSHAKE_FAILURE);
    ck_assert_ptr_nonnull(strstr(error->message, "cipher"));
    raw_step(&peer, &d); /* and OpenSSL understands the alert that was kept back */
    ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
    raw_free(&peer);
    duo_free(&d);
}
END_TEST

/* As long as the post-quantum key shares that browsers send. */
static int add_padding(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                       size_t *len, X509 *x, size_t chain, int *alert, void *arg)
{
    static const unsigned char padding[1500] = {7};
    (void)ssl, (void)type, (void)context, (void)x, (void)chain, (void)alert, (void)arg;
    *out = padding;
    *len = sizeof padding;
    return 1;
}

START_TEST(hello_of_two_datagrams_is_understood_in_either_order)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        raw_client peer;
        duo_new(&d, NULL);
        kith_dtls_start(d.side[RIGHT]);
        raw_new(&peer, "ECDHE+AESGCM", duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
        ck_assert_int_eq(SSL_CTX_add_custom_ext(peer.context, 0xfe77, SSL_EXT_CLIENT_HELLO,
                                                add_padding, NULL, NULL, NULL, NULL),
                         1);
        raw_open(&peer);
        SSL_do_handshake(peer.ssl);
        raw_speak(&peer, &d, RIGHT);
        ck_assert_uint_eq(d.on_wire, 2);
        d.wire[swapped].at += KITH_MS(5);
        d.now += KITH_MS(4); /* the first half alone decides nothing */
        duo_deliver(&d);
        duo_collect(&d, RIGHT);
        ck_assert_uint_eq(d.sent[RIGHT], 0);
        d.now += KITH_MS(4);
        duo_deliver(&d);
        raw_connect(&peer, &d);
        ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
        ck_assert(SSL_is_init_finished(peer.ssl));
        raw_free(&peer);
        duo_free(&d);
    }
}
END_TEST

START_TEST(renegotiation_is_refused_and_an_authentic_alert_ends_the_session)
{
    raw_client peer;
    duo_new(&d, NULL);
    kith_dtls_start(d.side[RIGHT]);
    raw_new(&peer, "ECDHE+AESGCM", duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
    raw_open(&peer);
    raw_connect(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
    /* OpenSSL asks, is told no_renegotiation (RFC 8827 section 6.5), and ends with
     * handshake_failure. */
    SSL_renegotiate(peer.ssl);
    raw_step(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
    ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
    raw_speak(&peer, &d, RIGHT);
    duo_deliver(&d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_FAILED);
    ck_assert_int_eq(kith_dtls_get_error(d.side[RIGHT])->received_alert, SSL_AD_HANDSHAKE_FAILURE);
    ck_assert_int_eq(kith_dtls_get_error(d.side[RIGHT])->error_detail,
                     KITH_ERROR_DETAIL_DTLS_FAILURE);
    raw_free(&peer);
    duo_free(&d);
}
END_TEST

START_TEST(undrained_datagram_is_dropped_not_read_late)
{
    uint8_t buf[2048];
    duo_connect(&d, NULL);
    size_t len = kith_dtls_send(d.side[LEFT], (const uint8_t *)"one", 3, buf, sizeof buf);
    uint8_t *gone = malloc(len);
    memcpy(gone, buf, len);
    kith_dtls_input(d.side[RIGHT], d.now, gone, len);
    free(gone);
    len = kith_dtls_send(d.side[LEFT], (const uint8_t *)"two", 3, buf, sizeof buf);
    kith_dtls_input(d.side[RIGHT], d.now, buf, len);
    duo_drain(&d, RIGHT);
    ck_assert_uint_eq(d.heard_len[RIGHT], 3);
    ck_assert_mem_eq(d.heard[RIGHT], "two", 3);
    duo_free(&d);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
    kith_fingerprint fps[KITH_DTLS_MAX_FINGERPRINTS + 1] = {{.hash = KITH_HASH_SHA256}};
    kith_certificate *own = duo_certificate(LEFT, KITH_KEY_ECDSA_P256);
    const kith_dtls_config good = {.certificates = &own,
                                   .certificate_count = 1,
                                   .fingerprints = fps,
                                   .fingerprint_count = 1,
                                   .mtu = 1200};
    kith_dtls *dtls = NULL;
    kith_dtls_config c = good;
    c.certificate_count = 0;
    ck_assert_int_eq(kith_dtls_new(&dtls, &c), KITH_ERR_TYPE);
    c = good;
    c.fingerprint_count = 0;
    ck_assert_int_eq(kith_dtls_new(&dtls, &c), KITH_ERR_TYPE);
    c = good;
    c.fingerprint_count = KITH_DTLS_MAX_FINGERPRINTS + 1;
    ck_assert_int_eq(kith_dtls_new(&dtls, &c), KITH_ERR_RANGE);
    c = good;
    c.mtu = KITH_DTLS_MIN_MTU - 1;
    ck_assert_int_eq(kith_dtls_new(&dtls, &c), KITH_ERR_RANGE);
    c = good;
    fps[0].hash = KITH_HASH_MD5;
    ck_assert_int_eq(kith_dtls_new(&dtls, &c), KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_null(dtls);
}
END_TEST

UNIT_MAIN("tls: dtls", both_sides_connect_and_talk, nothing_is_sent_or_answered_before_the_start,
          datagrams_before_the_start_are_dropped, a_datagram_may_carry_several_records,
          behind_two_forged_records_of_a_datagram_nothing_is_read,
          data_beside_the_finished_is_not_lost, data_before_the_finished_is_kept_until_it_has_come,
          send_refuses_what_does_not_fit, replayed_and_damaged_records_are_dropped_and_counted,
          close_notify_closes_both_sides, closing_is_legal_in_every_state,
          junk_at_any_time_ends_nothing, forged_alert_does_not_end_a_handshake_that_moves,
          forged_alert_does_not_end_a_handshake_with_losses,
          plain_alert_of_a_peer_that_falls_silent_ends_the_handshake,
          null_cipher_hello_of_an_outsider_does_not_end_the_session,
          peer_with_null_ciphers_only_is_refused_when_no_other_hello_comes,
          hello_of_two_datagrams_is_understood_in_either_order,
          renegotiation_is_refused_and_an_authentic_alert_ends_the_session,
          undrained_datagram_is_dropped_not_read_late, bad_configurations_are_refused)
