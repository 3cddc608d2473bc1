/* What somebody without keys can do to an association by datagrams in the peer's name: nothing,
 * whatever their type, epoch, length, content, moment and victim; on any OpenSSL. */
#include "forge.h"
#include "records.h"
#include "tls/association.h"

static duo d;

/* ---- OpenSSL's heap ---- */

static size_t heap_bytes;

static void *heap_alloc(size_t len, const char *file, int line)
{
    (void)file, (void)line;
    size_t *p = malloc(len + 16);
    if (!p)
        return NULL;
    heap_bytes += *p = len;
    return p + 2;
}

static void heap_free(void *data, const char *file, int line)
{
    (void)file, (void)line;
    if (!data)
        return;
    size_t *p = (size_t *)data - 2;
    heap_bytes -= *p;
    free(p);
}

static void *heap_resize(void *data, size_t len, const char *file, int line)
{
    void *fresh = len > 0 ? heap_alloc(len, file, line) : NULL;
    if (data && fresh) {
        size_t old = ((size_t *)data)[-2];
        memcpy(fresh, data, old < len ? old : len);
    }
    if (fresh || len == 0)
        heap_free(data, file, line);
    return fresh;
}

/* Before OpenSSL's first allocation. */
__attribute__((constructor)) static void watch_heap(void)
{
    (void)CRYPTO_set_mem_functions(heap_alloc, heap_resize, heap_free);
}

/* ---- after the handshake ---- */

/* One nonce and tag more or less, and what a record can or cannot hold. */
static const size_t large[] = {65,    100,   255,   1000,  1472,  2048,  16384, 16385, 16400,
                               16424, 16425, 16640, 17000, 18432, 18433, 20000, 65535};
static const uint16_t epochs[] = {0, 1, 2, 3, 0xffff};

static void check_unmoved(int to, size_t sent)
{
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_collect(&d, to);
    ck_assert_uint_eq(d.sent[to], sent); /* not even an answer */
    ck_assert_uint_eq(d.data_events[to], 0);
}

static void spray_connected(int to, uint8_t type, uint16_t epoch, size_t body)
{
    const uint64_t seqs[] = {forge_fresh_seq(), 0, 0xffffffffffff};
    size_t sent = d.sent[to];
    for (size_t s = 0; s < sizeof seqs / sizeof seqs[0]; s++)
        for (forge_fill fill = 0; fill < FORGE_FILLS; fill++) {
            forge_inject(&d, to, &(forgery){type, epoch, seqs[s], body, fill});
            check_unmoved(to, sent);
        }
}

static void spray_every_size(int to, uint8_t type, uint16_t epoch)
{
    for (size_t body = 0; body <= 64; body++)
        spray_connected(to, type, epoch, body);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        spray_connected(to, type, epoch, large[i]);
}

/* Suites differ in what a record has besides its data. */
static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                     "ECDHE-ECDSA-CHACHA20-POLY1305",
                                     "ECDHE-ECDSA-AES256-GCM-SHA384"};

static void speak_only(const char *suite)
{
    ck_assert_int_eq(SSL_CTX_set_cipher_list(kith_dtls_context(), suite), 1);
}

START_TEST(no_forged_record_moves_a_connected_association)
{
    for (size_t s = 0; s < sizeof suites / sizeof suites[0]; s++) {
        speak_only(suites[s]);
        duo_connect(&d, NULL);
        for (int to = 0; to < 2; to++)
            for (uint8_t type = 19; type <= 26; type++)
                for (size_t e = 0; e < sizeof epochs / sizeof epochs[0]; e++)
                    spray_every_size(to, type, epochs[e]);
        duo_check_talk(&d);
        duo_free(&d);
    }
}
END_TEST

/* ---- in the handshake ---- */

static void check_connects(void)
{
    duo_run_for(&d, KITH_SECONDS(40));
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(kith_dtls_get_error(d.side[i])->message, "");
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    ck_assert_uint_eq(d.data_events[LEFT] + d.data_events[RIGHT], 0);
    duo_check_talk(&d);
}

/* One of each type and content. */
static void spray_all(int to, uint16_t epoch, size_t body)
{
    for (uint8_t type = 19; type <= 24; type++)
        for (forge_fill fill = 0; fill < FORGE_FILLS; fill++)
            forge_inject(&d, to, &(forgery){type, epoch, forge_fresh_seq(), body, fill});
}

START_TEST(no_stream_of_forged_records_moves_a_handshake)
{
    static const size_t bodies[] = {0, 1, 2, 3, 8, 11, 12, 13, 15, 16, 17, 23, 24, 25, 32, 64, 300};
    for (int to = 0; to < 2; to++)
        for (size_t e = 0; e < 3; e++)
            for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
                duo_new(&d, NULL);
                spray_all(to, epochs[e], bodies[b]);
                duo_start(&d);
                for (int ms = 0; ms < 60; ms++) { /* the handshake takes 40 */
                    duo_run_for(&d, KITH_MS(1));
                    spray_all(to, epochs[e], bodies[b]);
                }
                check_connects();
                duo_free(&d);
            }
}
END_TEST

START_TEST(no_single_forged_record_moves_a_handshake)
{
    static const forgery rows[] = {
        {20, 0, 0xffffffffffff, 1, FORGE_SHAPED}, {21, 0, 0xffffffffffff, 2, FORGE_SHAPED},
        {22, 0, 0xffffffffffff, 12, FORGE_ZEROS}, {22, 1, 0xffffffffffff, 1, FORGE_NOISE},
        {20, 1, 0xffffffffffff, 16, FORGE_NOISE}, {23, 2, 0xffffffffffff, 24, FORGE_NOISE},
    };
    for (int to = 0; to < 2; to++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            for (int ms = 0; ms < 60; ms += 3) {
                duo_new(&d, NULL);
                duo_start(&d);
                duo_run_for(&d, KITH_MS(ms));
                forge_inject(&d, to, &rows[i]);
                check_connects();
                duo_free(&d);
            }
}
END_TEST

/* A whole message of `len` bytes in one record in the clear. */
static void inject_message(int to, uint8_t type, uint16_t seq, uint32_t len)
{
    uint8_t body[400], record[400];
    size_t body_len = make_fragment(body, sizeof body, (fragment){type, seq, len, 0, len, len});
    forge_put(
        &d, to, record,
        make_record(record, sizeof record, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, body_len)));
}

/* What the peer itself says under this number: DTLS 1.2 has no way to tell a forged one.
 * SECURITY.md names them. */
static bool is_in_its_place(int to, unsigned type, unsigned seq)
{
    static const uint8_t said[2][6][3] = {
        /* by the server; a HelloVerifyRequest moves the others, and the request may be left out */
        {{2, 3}, {2, 11}, {11, 12}, {12, 13, 14}, {13, 14}, {14}},
        /* by the client */
        {{1}, {11}, {16}, {15}},
    };
    for (size_t i = 0; i < 3 && seq < 6; i++)
        if (said[to][seq][i] == type && type != 0)
            return true;
    return false;
}

START_TEST(no_message_out_of_its_place_moves_a_handshake)
{
    for (int to = 0; to < 2; to++)
        for (int ms = 0; ms < 60; ms += 5) {
            duo_new(&d, NULL);
            duo_start(&d);
            duo_run_for(&d, KITH_MS(ms));
            for (unsigned type = 0; type < 256; type++)
                for (unsigned seq = 0; seq < 9; seq++)
                    if (!is_in_its_place(to, type, seq))
                        inject_message(to, (uint8_t)type, (uint16_t)seq, type == 14 ? 0 : 100);
            check_connects();
            duo_free(&d);
        }
}
END_TEST

/* The peer's Finished is lost once: the victim stands between ChangeCipherSpec and Finished. */
static kith_time lose_finished(duo *on, int from, size_t nth, kith_span datagram)
{
    (void)nth;
    kith_span rest = datagram;
    kith_dtls_record record;
    if (from != on->aim_from || on->aim_nth == 0)
        return FATE_AS_USUAL;
    while (kith_dtls_record_next(&rest, &record)) {
        if (record.epoch == 0)
            continue;
        on->aim_nth = 0;
        duo_put(on, !from, on->delay, datagram.data, (size_t)(record.whole.data - datagram.data));
        return KITH_NEVER;
    }
    return FATE_AS_USUAL;
}

static void stand_before_finished(int victim)
{
    duo_new(&d, NULL);
    d.fate = lose_finished;
    d.aim_from = !victim;
    d.aim_nth = 1;
    duo_start(&d);
    while (d.aim_nth == 1)
        duo_run_for(&d, KITH_MS(1));
    duo_run_for(&d, d.delay + KITH_MS(1));
    ck_assert_int_eq(kith_dtls_get_state(d.side[victim]), KITH_DTLS_CONNECTING);
}

START_TEST(no_forged_record_takes_the_place_of_the_finished)
{
    for (int to = 0; to < 2; to++)
        for (uint8_t type = 20; type <= 23; type++)
            for (size_t e = 0; e < 3; e++) {
                stand_before_finished(to);
                for (size_t body = 0; body <= 64; body++)
                    for (forge_fill fill = 0; fill < FORGE_FILLS; fill++)
                        forge_inject(&d, to,
                                     &(forgery){type, epochs[e], forge_fresh_seq(), body, fill});
                check_connects();
                duo_free(&d);
            }
}
END_TEST

/* CVE-2026-54874: OpenSSL keeps records of the next epoch, each in a read buffer of its own. */
START_TEST(forged_records_before_the_finished_hold_no_memory)
{
    for (int to = 0; to < 2; to++)
        for (uint8_t type = 20; type <= 23; type++)
            for (uint16_t epoch = 1; epoch <= 3; epoch++) {
                stand_before_finished(to);
                size_t before = heap_bytes;
                for (int i = 0; i < 300; i++)
                    forge_inject(&d, to,
                                 &(forgery){type, epoch, forge_fresh_seq(), 40, FORGE_NOISE});
                ck_assert_uint_le(heap_bytes, before + 20000);
                check_connects();
                duo_free(&d);
            }
}
END_TEST

/* ---- what the peer itself may say ---- */

static void put_sealed(int to, uint8_t type, const char *text)
{
    uint8_t record[100];
    size_t len =
        kith_dtls_protect(&d.side[!to]->write, type, kith_span_text(text), record, sizeof record);
    ck_assert_uint_gt(len, strlen(text));
    forge_put(&d, to, record, len);
}

/* RFC 7905 section 2: no explicit nonce, so that a byte of data and its tag are 17 bytes; GCM has 8
 * more. A server may send it right behind its Finished. */
START_TEST(shortest_record_before_the_finished_is_kept_with_every_suite)
{
    static const size_t overheads[] = {24, 16, 24};
    for (size_t suite = 0; suite < sizeof suites / sizeof suites[0]; suite++) {
        speak_only(suites[suite]);
        stand_before_finished(LEFT);
        ck_assert_uint_eq(d.side[LEFT]->gate.overhead, overheads[suite]);
        ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
        put_sealed(LEFT, KITH_DTLS_APPLICATION_DATA, "x");
        uint64_t dropped = d.side[LEFT]->counters.records_dropped;
        forge_inject(&d, LEFT,
                     &(forgery){KITH_DTLS_APPLICATION_DATA, 1, forge_fresh_seq(), overheads[suite],
                                FORGE_NOISE});
        ck_assert_uint_eq(d.side[LEFT]->counters.records_dropped, dropped + 1);
        duo_run_for(&d, KITH_SECONDS(10));
        ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
        ck_assert_uint_eq(d.heard_len[LEFT], 1);
        ck_assert_int_eq(d.heard[LEFT][0], 'x');
        duo_check_talk(&d);
        duo_free(&d);
    }
}
END_TEST

START_TEST(authentic_record_without_data_is_harmless)
{
    for (size_t suite = 0; suite < sizeof suites / sizeof suites[0]; suite++)
        for (int to = 0; to < 2; to++)
            for (uint8_t type = 20; type <= 23; type++) {
                speak_only(suites[suite]);
                duo_connect(&d, NULL);
                for (int i = 0; i < 100; i++)
                    put_sealed(to, type, "");
                ck_assert_uint_eq(d.data_events[to], 0);
                duo_check_talk(&d);
                put_sealed(to, KITH_DTLS_APPLICATION_DATA, "x"); /* and the seal is a good one */
                ck_assert_uint_eq(d.data_events[to], 2);
                duo_free(&d);
            }
}
END_TEST

UNIT_MAIN("tls: forged", no_forged_record_moves_a_connected_association,
          no_stream_of_forged_records_moves_a_handshake, no_single_forged_record_moves_a_handshake,
          no_message_out_of_its_place_moves_a_handshake,
          no_forged_record_takes_the_place_of_the_finished,
          forged_records_before_the_finished_hold_no_memory,
          shortest_record_before_the_finished_is_kept_with_every_suite,
          authentic_record_without_data_is_harmless)
