/* The gate before authentication. */
#include "../unit.h"
#include "records.h"
#include "tls/gate.h"

typedef struct fragment {
    uint8_t type;
    uint16_t seq;
    uint32_t length, offset, fragment_length, present;
} fragment;

static void put_u24(kith_writer *w, uint32_t v)
{
    kith_wr_u8(w, (uint8_t)(v >> 16));
    kith_wr_u16(w, (uint16_t)v);
}

static size_t make_fragment(uint8_t *out, fragment f)
{
    kith_writer w = kith_wr(out, 20000);
    kith_wr_u8(&w, f.type);
    put_u24(&w, f.length);
    kith_wr_u16(&w, f.seq);
    put_u24(&w, f.offset);
    put_u24(&w, f.fragment_length);
    kith_wr_zeros(&w, f.present);
    return w.len;
}

static kith_dtls_verdict judge(kith_dtls_gate *gate, uint8_t type, uint16_t epoch, kith_span body)
{
    static uint8_t bytes[20000];
    kith_span datagram = kith_span_of(bytes, make_record(bytes, type, epoch, body));
    kith_dtls_record record;
    ck_assert(kith_dtls_record_next(&datagram, &record));
    ck_assert_uint_eq(datagram.len, 0);
    return kith_dtls_gate_judge(gate, &record);
}

static kith_dtls_verdict judge_message(kith_dtls_gate *gate, fragment f)
{
    static uint8_t body[20000];
    return judge(gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, make_fragment(body, f)));
}

static fragment whole(uint8_t type, uint16_t seq, uint32_t length)
{
    return (fragment){type, seq, length, 0, length, length};
}

START_TEST(server_hears_a_hello_first)
{
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER};
    ck_assert_int_eq(judge_message(&gate, whole(11, 1, 100)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge_message(&gate, whole(16, 2, 100)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, kith_span_of("\1", 1)),
                     KITH_DTLS_DROP);
    ck_assert_int_eq(judge_message(&gate, whole(1, 0, 100)), KITH_DTLS_PASS);
    gate.hello_done = true;
    ck_assert_int_eq(judge_message(&gate, whole(11, 1, 100)), KITH_DTLS_PASS);
    ck_assert_int_eq(judge_message(&gate, whole(16, 2, 100)), KITH_DTLS_PASS);
    ck_assert_int_eq(judge_message(&gate, whole(15, 3, 100)), KITH_DTLS_PASS);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, kith_span_of("\1", 1)),
                     KITH_DTLS_PASS);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, kith_span_of("\2", 1)),
                     KITH_DTLS_DROP);
}
END_TEST

START_TEST(messages_of_the_own_role_are_dropped)
{
    static const uint8_t of_client[] = {1, 15, 16}, of_server[] = {2, 3, 12, 13, 14};
    static const uint8_t of_nobody[] = {0, 4, 5, 8, 20, 24, 254};
    kith_dtls_gate client = {.role = KITH_DTLS_CLIENT, .hello_done = true};
    kith_dtls_gate server = {.role = KITH_DTLS_SERVER, .hello_done = true};
    for (size_t i = 0; i < sizeof of_client; i++) {
        ck_assert_int_eq(judge_message(&client, whole(of_client[i], (uint16_t)i, 9)),
                         KITH_DTLS_DROP);
        ck_assert_int_eq(judge_message(&server, whole(of_client[i], (uint16_t)i, 9)),
                         KITH_DTLS_PASS);
    }
    for (size_t i = 0; i < sizeof of_server; i++) {
        ck_assert_int_eq(judge_message(&client, whole(of_server[i], (uint16_t)i, 9)),
                         KITH_DTLS_PASS);
        ck_assert_int_eq(judge_message(&server, whole(of_server[i], (uint16_t)i, 9)),
                         KITH_DTLS_DROP);
    }
    for (size_t i = 0; i < sizeof of_nobody; i++) {
        ck_assert_int_eq(judge_message(&client, whole(of_nobody[i], 9, 9)), KITH_DTLS_DROP);
        ck_assert_int_eq(judge_message(&server, whole(of_nobody[i], 9, 9)), KITH_DTLS_DROP);
    }
}
END_TEST

START_TEST(fragments_must_fit_their_message)
{
    static const struct {
        fragment f;
        kith_dtls_verdict verdict;
    } rows[] = {
        {{1, 0, 2000, 0, 1000, 1000}, KITH_DTLS_PASS},
        {{1, 0, 2000, 1000, 1000, 1000}, KITH_DTLS_PASS},
        {{1, 0, 2000, 1001, 1000, 1000}, KITH_DTLS_DROP}, /* past the end */
        {{1, 0, 2001, 0, 1000, 1000}, KITH_DTLS_DROP},    /* another length than before */
        {{1, 1, 2000, 0, 1000, 999}, KITH_DTLS_DROP},     /* not all there */
        {{1, 1, 2000, 0, 0, 0}, KITH_DTLS_DROP},          /* empty: no progress */
        {{1, 1, 20000, 0, 10, 10}, KITH_DTLS_DROP},       /* larger than any message */
        {{1, 16, 10, 0, 10, 10}, KITH_DTLS_DROP},         /* later than any message */
        {{1, 1, 10, 16777215, 16777215, 10}, KITH_DTLS_DROP},
        {{1, 1, 10, 0, 10, 10}, KITH_DTLS_PASS},
    };
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_int_eq(judge_message(&gate, rows[i].f), rows[i].verdict);
    kith_dtls_gate client = {.role = KITH_DTLS_CLIENT};
    ck_assert_int_eq(judge_message(&client, whole(14, 4, 0)), KITH_DTLS_PASS); /* ServerHelloDone */
}
END_TEST

START_TEST(all_messages_of_a_record_are_judged)
{
    uint8_t body[400];
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER, .hello_done = true};
    size_t len = make_fragment(body, whole(11, 1, 50));
    len += make_fragment(body + len, whole(16, 2, 50));
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len)), KITH_DTLS_PASS);
    len += make_fragment(body + len, whole(2, 3, 50));
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len - 1)),
                     KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, 0)), KITH_DTLS_DROP);
}
END_TEST

START_TEST(handshake_binds_at_most_64_kilobytes)
{
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER, .hello_done = true};
    size_t passed = 0;
    for (int again = 0; again < 3; again++) /* repetition costs nothing */
        for (uint16_t seq = 0; seq < 20; seq++)
            passed += judge_message(&gate, (fragment){11, seq, 16384, 0, 10, 10}) == KITH_DTLS_PASS;
    ck_assert_uint_eq(passed, 3 * 4);
    ck_assert_uint_eq(gate.announced_bytes, 65536);
}
END_TEST

START_TEST(encrypted_records_wait_for_their_keys)
{
    kith_dtls_gate gate = {.role = KITH_DTLS_CLIENT, .hello_done = true};
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 1, kith_span_text("x")), KITH_DTLS_DROP);
    gate.keyed = true;
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 1, kith_span_text("x")), KITH_DTLS_PASS);
}
END_TEST

START_TEST(plaintext_data_and_alerts_never_reach_openssl)
{
    kith_dtls_gate gate = {.role = KITH_DTLS_CLIENT, .hello_done = true, .keyed = true};
    ck_assert_int_eq(judge(&gate, KITH_DTLS_APPLICATION_DATA, 0, kith_span_text("x")),
                     KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_ALERT, 0, kith_span_of("\2\50", 2)),
                     KITH_DTLS_PLAIN_ALERT);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_ALERT, 0, kith_span_of("\2", 1)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_ALERT, 0, kith_span_of("\2\50\1", 3)), KITH_DTLS_DROP);
}
END_TEST

UNIT_MAIN("tls: gate", server_hears_a_hello_first, messages_of_the_own_role_are_dropped,
          fragments_must_fit_their_message, all_messages_of_a_record_are_judged,
          handshake_binds_at_most_64_kilobytes, encrypted_records_wait_for_their_keys,
          plaintext_data_and_alerts_never_reach_openssl)
