/* What OpenSSL's SSL object did and is freed with it: its records with other implementations, the
 * repeated final flight, alerts, and that no number is ever used twice. */
#include "raw.h"

#include "base/reader.h"
#include "tls/association.h"

static duo d;
static raw_client peer;

static const char *const suites[] = {"AES128-GCM-SHA256", "CHACHA20-POLY1305", "AES256-GCM-SHA384"};

/* OpenSSL is the server when kith is the left side. */
static void connect_raw(int kith, const char *suite, kith_key_type key)
{
    char ciphers[100];
    bool is_rsa = key == KITH_KEY_RSA_2048;
    snprintf(ciphers, sizeof ciphers, "ECDHE-%s-%s", is_rsa ? "RSA" : "ECDSA", suite);
    duo_new(&d, &(duo_options){.key = {key, key}});
    raw_new(&peer, ciphers, duo_certificate(!kith, key));
    SSL_CTX_set_verify(peer.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    raw_open_as(&peer, kith == LEFT);
    kith_dtls_start(d.side[kith]);
    raw_connect(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[kith]), KITH_DTLS_CONNECTED);
    ck_assert_ptr_null(d.side[kith]->ssl);
    ck_assert(SSL_is_init_finished(peer.ssl));
}

static void free_raw(void)
{
    raw_free(&peer);
    duo_free(&d);
}

typedef struct sealed {
    size_t len;
    uint8_t bytes[200];
} sealed;

#define COUNT 20
/* Out of order, some twice, never 64 apart. */
static const int order[] = {0, 2,  1,  1,  5,  9,  4,  3,  9,  6,  19, 8,  7, 10, 0,
                            2, 18, 11, 12, 13, 13, 17, 14, 15, 16, 19, 11, 5, 10, 4};
#define TIMES (sizeof order / sizeof order[0])

static void kith_to_peer(void)
{
    static sealed out[COUNT];
    char text[100];
    bool heard[COUNT] = {false};
    size_t count = 0;
    for (int i = 0; i < COUNT; i++) {
        int len = snprintf(text, sizeof text, "number %d", i);
        out[i].len = kith_dtls_send(d.side[peer.kith], (const uint8_t *)text, (size_t)len,
                                    out[i].bytes, sizeof out[i].bytes);
        ck_assert_uint_gt(out[i].len, 0);
    }
    for (size_t i = 0; i < TIMES; i++) {
        const sealed *s = &out[order[i]];
        BIO_write(peer.in, s->bytes, (int)s->len);
        int len = SSL_read(peer.ssl, text, sizeof text - 1);
        ck_assert_int_eq(len > 0, !heard[order[i]]);
        count += len > 0;
        heard[order[i]] = true;
    }
    ck_assert_uint_eq(count, COUNT);
}

static void peer_to_kith(void)
{
    static sealed out[COUNT];
    bool heard[COUNT] = {false};
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(SSL_write(peer.ssl, "message", 7), 7);
        out[i].len = (size_t)BIO_read(peer.out, out[i].bytes, sizeof out[i].bytes);
    }
    size_t before = d.data_events[peer.kith];
    uint64_t dropped = kith_dtls_get_counters(d.side[peer.kith])->records_dropped;
    for (size_t i = 0; i < TIMES; i++) {
        sealed forged = out[order[i]];
        forged.bytes[forged.len - 1 - i % 16] ^= 4;
        duo_put(&d, peer.kith, 0, forged.bytes, forged.len);
        duo_put(&d, peer.kith, 1, out[order[i]].bytes, out[order[i]].len);
        duo_run_for(&d, KITH_MS(1));
        before += !heard[order[i]];
        heard[order[i]] = true;
        ck_assert_uint_eq(d.data_events[peer.kith], before);
    }
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[peer.kith])->records_dropped,
                      dropped + 2 * TIMES - COUNT);
}

static void close_by(bool by_kith)
{
    char buf[100];
    if (by_kith) {
        kith_dtls_close(d.side[peer.kith]);
        raw_step(&peer, &d);
        ck_assert_int_le(SSL_read(peer.ssl, buf, sizeof buf), 0);
        ck_assert_int_eq(SSL_get_shutdown(peer.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
        return;
    }
    SSL_shutdown(peer.ssl);
    raw_step(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[peer.kith]), KITH_DTLS_CLOSED);
    raw_step(&peer, &d);
    ck_assert_int_eq(SSL_shutdown(peer.ssl), 1); /* ours has come */
}

START_TEST(openssl_opens_our_records_and_we_its_with_every_suite_in_either_role)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        for (int kith = 0; kith < 2; kith++)
            for (int key = 0; key < 2; key++)
                for (int by_kith = 0; by_kith < 2; by_kith++) {
                    connect_raw(kith, suites[i], (kith_key_type)key);
                    kith_to_peer();
                    peer_to_kith();
                    close_by(by_kith);
                    free_raw();
                }
}
END_TEST

/* RFC 6347 section 4.2.4: ChangeCipherSpec and Finished, until the client has them. */
START_TEST(a_client_that_lost_our_last_flight_gets_it_again)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        uint8_t buf[2048];
        duo_new(&d, NULL);
        char ciphers[100];
        snprintf(ciphers, sizeof ciphers, "ECDHE-ECDSA-%s", suites[i]);
        raw_new(&peer, ciphers, duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
        raw_open(&peer);
        kith_dtls_start(d.side[RIGHT]);
        raw_step(&peer, &d);
        raw_speak(&peer, &d, RIGHT);
        for (int lost = 0; lost < 4; lost++) {
            duo_deliver(&d);
            ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
            ck_assert_uint_gt(kith_dtls_output(d.side[RIGHT], d.now, buf, sizeof buf), 0);
            ck_assert_uint_eq(kith_dtls_output(d.side[RIGHT], d.now, buf, sizeof buf), 0);
            ck_assert(!SSL_is_init_finished(peer.ssl));
            d.now += KITH_SECONDS(30);
            ck_assert_int_eq(DTLSv1_handle_timeout(peer.ssl), 1);
            raw_speak(&peer, &d, RIGHT);
        }
        raw_step(&peer, &d);
        ck_assert(SSL_is_init_finished(peer.ssl));
        ck_assert_uint_eq(kith_dtls_get_counters(d.side[RIGHT])->retransmits, 4);
        kith_to_peer();
        peer_to_kith();
        free_raw();
    }
}
END_TEST

static kith_time send_again_later(duo *on, int from, size_t nth, kith_span datagram)
{
    (void)nth;
    duo_put(on, !from, KITH_SECONDS(1), datagram.data, datagram.len);
    return FATE_AS_USUAL;
}

/* The Finished, which OpenSSL has opened, is a replay for us. */
START_TEST(a_replayed_handshake_brings_nothing_back)
{
    duo_new(&d, NULL);
    d.fate = send_again_later;
    duo_start(&d);
    duo_run_for(&d, KITH_MS(500));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    d.fate = NULL;
    size_t sent = d.sent[LEFT] + d.sent[RIGHT];
    duo_run_for(&d, KITH_SECONDS(5));
    ck_assert_uint_eq(d.on_wire, 0);
    ck_assert_uint_eq(d.sent[LEFT] + d.sent[RIGHT], sent);
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[RIGHT])->retransmits, 0);
    ck_assert_uint_gt(kith_dtls_get_counters(d.side[RIGHT])->records_dropped, 0);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

/* ---- numbers ---- */

static uint64_t sequences[2][100], nonces[2][100];
static size_t sequence_count[2], nonce_count[2];

static void note_unique(uint64_t *list, size_t *count, uint64_t value)
{
    for (size_t i = 0; i < *count; i++)
        ck_assert_uint_ne(list[i], value);
    ck_assert_uint_lt(*count, 100);
    list[(*count)++] = value;
}

static void note_numbers(int from, kith_span datagram)
{
    kith_dtls_record record;
    while (kith_dtls_record_next(&datagram, &record)) {
        if (record.epoch == 0)
            continue;
        note_unique(sequences[from], &sequence_count[from], record.sequence);
        kith_reader r = kith_rd(record.body.data, record.body.len);
        note_unique(nonces[from], &nonce_count[from], kith_rd_u64(&r));
    }
}

/* The flight that is repeated byte for byte (flight.c) is switched off: it is the same record. */
static kith_time lose_three_of_epoch_1(duo *on, int from, size_t nth, kith_span datagram)
{
    (void)on, (void)nth;
    size_t before = nonce_count[from];
    note_numbers(from, datagram);
    return nonce_count[from] > before && before < 3 ? KITH_NEVER : FATE_AS_USUAL;
}

START_TEST(no_number_and_no_nonce_of_epoch_1_is_used_twice)
{
    uint8_t buf[2048];
    memset(sequence_count, 0, sizeof sequence_count);
    memset(nonce_count, 0, sizeof nonce_count);
    duo_new(&d, NULL);
    d.fate = lose_three_of_epoch_1;
    duo_start(&d);
    for (int ms = 0; ms < 60000 && !duo_both(&d, KITH_DTLS_CONNECTED); ms += 10) {
        d.side[LEFT]->is_ours_next = d.side[RIGHT]->is_ours_next = false;
        duo_run_for(&d, KITH_MS(10));
    }
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    ck_assert_uint_gt(nonce_count[LEFT], 3);
    ck_assert_uint_gt(nonce_count[RIGHT], 3);
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < 50; i++) {
            size_t len = kith_dtls_send(d.side[side], (const uint8_t *)"x", 1, buf, sizeof buf);
            note_numbers(side, kith_span_of(buf, len));
        }
    duo_free(&d);
}
END_TEST

/* A record that is not the next after the last one makes the numbers unknown. */
START_TEST(nonces_of_openssl_that_are_no_counter_end_the_handshake)
{
    duo_new(&d, NULL);
    duo_start(&d);
    d.side[RIGHT]->written.is_nonce_no_counter = true;
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_FAILED);
    duo_free(&d);

    static uint8_t bytes[2][13 + 24] = {{22, 254, 253, 0, 1, [12] = 24}, {22, 254, 253, 0, 1}};
    memcpy(bytes[1], bytes[0], sizeof bytes[0]);
    bytes[1][10] = 1;
    for (uint8_t step = 0; step < 3; step++) {
        duo_new(&d, NULL);
        bytes[1][13 + 7] = step;
        for (int i = 0; i < 2; i++) {
            kith_span datagram = kith_span_of(bytes[i], sizeof bytes[i]);
            kith_dtls_record record;
            ck_assert(kith_dtls_record_next(&datagram, &record));
            kith_dtls_note_written(d.side[LEFT], &record);
        }
        ck_assert_int_eq(d.side[LEFT]->written.is_nonce_no_counter, step != 1);
        duo_free(&d);
    }
}
END_TEST

/* RFC 6347 section 4.1: "the sequence number MUST NOT be allowed to wrap". */
START_TEST(an_association_whose_numbers_are_used_up_ends)
{
    uint8_t buf[100];
    duo_connect(&d, NULL);
    d.side[LEFT]->write.sequence = KITH_DTLS_MAX_SEQUENCE;
    duo_say(&d, LEFT, "the last");
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.data_events[RIGHT], 1);
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_CONNECTED);
    ck_assert_uint_eq(kith_dtls_send(d.side[LEFT], buf, 1, buf, sizeof buf), 0);
    ck_assert_int_eq(kith_dtls_get_state(d.side[LEFT]), KITH_DTLS_FAILED);
    duo_free(&d);
}
END_TEST

static void connect_at_mtu(size_t mtu, duo_fate *fate)
{
    nonce_count[LEFT] = nonce_count[RIGHT] = 0;
    sequence_count[LEFT] = sequence_count[RIGHT] = 0;
    duo_new(&d, &(duo_options){.key = {KITH_KEY_RSA_2048, KITH_KEY_RSA_2048}, .mtu = mtu});
    d.fate = fate;
    duo_start(&d);
    for (int ms = 0; ms < 60000 && !duo_both(&d, KITH_DTLS_CONNECTED); ms += 10) {
        d.side[LEFT]->is_ours_next = d.side[RIGHT]->is_ours_next = false;
        duo_run_for(&d, KITH_MS(10));
    }
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_check_talk(&d);
    duo_free(&d);
}

/* OpenSSL from 3.2 on cuts a Finished where its datagram is full. */
START_TEST(a_flight_may_end_anywhere_in_its_datagram)
{
    for (size_t mtu = KITH_DTLS_MIN_MTU; mtu < KITH_DTLS_MIN_MTU + 80; mtu++) {
        connect_at_mtu(mtu, NULL);
        connect_at_mtu(mtu, lose_three_of_epoch_1);
    }
}
END_TEST

/* ---- alerts ---- */

START_TEST(a_hello_request_is_answered_with_no_renegotiation)
{
    uint8_t record[100];
    const uint8_t request[12] = {0}; /* HelloRequest has no body */
    duo_connect(&d, NULL);
    size_t len = kith_dtls_protect(&d.side[RIGHT]->write, KITH_DTLS_HANDSHAKE,
                                   kith_span_of(request, sizeof request), record, sizeof record);
    duo_put(&d, LEFT, 0, record, len);
    size_t sent = d.sent[LEFT];
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.sent[LEFT], sent + 1);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

typedef struct alert_row {
    uint8_t bytes[4];
    size_t len;
    kith_dtls_state state;
    int received;
} alert_row;

START_TEST(authentic_alerts_count)
{
    static const alert_row rows[] = {
        {{1, 0}, 2, KITH_DTLS_CLOSED, -1},     {{2, 0}, 2, KITH_DTLS_CLOSED, -1},
        {{2, 40}, 2, KITH_DTLS_FAILED, 40},    {{2, 10}, 2, KITH_DTLS_FAILED, 10},
        {{1, 90}, 2, KITH_DTLS_CONNECTED, -1}, {{1, 100}, 2, KITH_DTLS_CONNECTED, -1},
        {{2}, 1, KITH_DTLS_CONNECTED, -1},     {{2, 40, 0}, 3, KITH_DTLS_CONNECTED, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int to = 0; to < 2; to++) {
            uint8_t record[100];
            duo_connect(&d, NULL);
            size_t len =
                kith_dtls_protect(&d.side[!to]->write, KITH_DTLS_ALERT,
                                  kith_span_of(rows[i].bytes, rows[i].len), record, sizeof record);
            duo_put(&d, to, 0, record, len);
            duo_run_for(&d, KITH_SECONDS(1));
            ck_assert_int_eq(kith_dtls_get_state(d.side[to]), rows[i].state);
            ck_assert_int_eq(kith_dtls_get_error(d.side[to])->received_alert, rows[i].received);
            duo_free(&d);
        }
}
END_TEST

/* ---- data before the Finished ---- */

START_TEST(data_that_overtakes_the_last_flight_is_heard_behind_it)
{
    uint8_t buf[2048];
    duo_new(&d, NULL);
    duo_start(&d);
    while (kith_dtls_get_state(d.side[RIGHT]) != KITH_DTLS_CONNECTED)
        duo_run_for(&d, KITH_MS(10));
    for (int i = 0; i < 3; i++) {
        size_t len = kith_dtls_send(d.side[RIGHT], (const uint8_t *)"first", 5, buf, sizeof buf);
        kith_dtls_input(d.side[LEFT], d.now, buf, len);
        duo_drain(&d, LEFT);
    }
    ck_assert_uint_eq(d.data_events[LEFT], 0);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert_uint_eq(d.data_events[LEFT], 3);
    ck_assert_ptr_null(d.side[LEFT]->early.data);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

START_TEST(data_before_the_finished_is_bounded)
{
    static uint8_t record[13 + 1000] = {23, 254, 253, 0, 1, 0, 0, 0, 0, 1, 0, 3, 232};
    duo_new(&d, NULL);
    duo_start(&d);
    while (!d.side[LEFT]->gate.hello_done)
        duo_run_for(&d, KITH_MS(1));
    for (int i = 0; i < 100; i++)
        kith_dtls_input(d.side[LEFT], d.now, record, sizeof record);
    ck_assert_uint_le(d.side[LEFT]->early.cap, 4096);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    ck_assert_uint_eq(kith_dtls_get_counters(d.side[LEFT])->records_dropped, 100);
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("tls: handshake", openssl_opens_our_records_and_we_its_with_every_suite_in_either_role,
          a_client_that_lost_our_last_flight_gets_it_again,
          a_replayed_handshake_brings_nothing_back, no_number_and_no_nonce_of_epoch_1_is_used_twice,
          a_flight_may_end_anywhere_in_its_datagram,
          nonces_of_openssl_that_are_no_counter_end_the_handshake,
          an_association_whose_numbers_are_used_up_ends,
          a_hello_request_is_answered_with_no_renegotiation, authentic_alerts_count,
          data_that_overtakes_the_last_flight_is_heard_behind_it,
          data_before_the_finished_is_bounded)
