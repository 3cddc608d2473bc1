/* The gate before authentication. */
#include "../unit.h"
#include "records.h"
#include "tls/gate.h"

static kith_dtls_verdict judge(kith_dtls_gate *gate, uint8_t type, uint16_t epoch, kith_span body)
{
    static uint8_t bytes[20000];
    kith_span datagram = kith_span_of(bytes, make_record(bytes, sizeof bytes, type, epoch, body));
    kith_dtls_record record;
    ck_assert(kith_dtls_record_next(&datagram, &record));
    ck_assert_uint_eq(datagram.len, 0);
    return kith_dtls_gate_judge(gate, &record);
}

static kith_dtls_verdict judge_message(kith_dtls_gate *gate, fragment f)
{
    static uint8_t body[20000];
    return judge(gate, KITH_DTLS_HANDSHAKE, 0,
                 kith_span_of(body, make_fragment(body, sizeof body, f)));
}

static fragment whole(uint8_t type, uint16_t seq, uint32_t length)
{
    return (fragment){type, seq, length, 0, length, length};
}

START_TEST(server_hears_a_hello_first)
{
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER};
    const kith_span change = kith_span_of("\1", 1), other = kith_span_of("\2", 1);
    ck_assert_int_eq(judge_message(&gate, whole(11, 1, 100)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge_message(&gate, whole(16, 2, 100)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, change), KITH_DTLS_DROP);
    ck_assert_int_eq(judge_message(&gate, whole(1, 0, 100)), KITH_DTLS_PASS);
    gate.hello_done = true;
    ck_assert_int_eq(judge_message(&gate, whole(11, 1, 100)), KITH_DTLS_PASS);
    ck_assert_int_eq(judge_message(&gate, whole(16, 2, 100)), KITH_DTLS_PASS);
    ck_assert_int_eq(judge_message(&gate, whole(15, 3, 100)), KITH_DTLS_PASS);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, change), KITH_DTLS_PASS);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_CHANGE_CIPHER_SPEC, 0, other), KITH_DTLS_DROP);
}
END_TEST

/* Which of all messages a side hears under which number; bit n: message_seq n. */
static void check_places(const kith_dtls_gate *gate, const uint8_t bits[256])
{
    for (unsigned type = 0; type < 256; type++)
        for (uint16_t seq = 0; seq < 8; seq++) {
            kith_dtls_gate g = *gate;
            uint32_t length = type == 14 ? 0 : 100;
            ck_assert_int_eq(judge_message(&g, whole((uint8_t)type, seq, length)),
                             bits[type] >> seq & 1 ? KITH_DTLS_PASS : KITH_DTLS_DROP);
        }
}

START_TEST(each_message_has_its_place)
{
    const kith_dtls_gate server = {.role = KITH_DTLS_SERVER, .hello_done = true};
    check_places(&server, (const uint8_t[256]){[1] = 1, [11] = 2, [16] = 4, [15] = 8});
    kith_dtls_gate client = {.role = KITH_DTLS_CLIENT};
    check_places(
        &client,
        (const uint8_t[256]){
            [2] = 1, [3] = 1, [11] = 2, [12] = 4, [13] = 8, [14] = 8 | 16}); /* with and without a
                                                                                request */
    ck_assert_int_eq(judge_message(&client, whole(3, 0, 100)), KITH_DTLS_PASS);
    check_places(&client, (const uint8_t[256]){
                              [3] = 1, [2] = 2, [11] = 4, [12] = 8, [13] = 16, [14] = 16 | 32});
}
END_TEST

START_TEST(each_message_has_its_length)
{
    static const struct {
        uint8_t type;
        uint16_t seq;
        uint32_t least, most;
    } rows[] = {
        {1, 0, 42, 16384}, {2, 0, 38, 2048},  {3, 0, 3, 258},    {11, 1, 3, 16384},
        {12, 2, 48, 2048}, {13, 3, 8, 16384}, {15, 3, 12, 1028}, {16, 2, 33, 134},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int role = 0; role < 2; role++) {
            const kith_dtls_gate fresh = {.role = (kith_dtls_role)role, .hello_done = true};
            kith_dtls_gate gate = fresh;
            if (judge_message(&gate, whole(rows[i].type, rows[i].seq, rows[i].least)) ==
                KITH_DTLS_DROP)
                continue; /* not said to this role */
            gate = fresh;
            ck_assert_int_eq(
                judge_message(&gate, whole(rows[i].type, rows[i].seq, rows[i].least - 1)),
                KITH_DTLS_DROP);
            ck_assert_int_eq(judge_message(&gate, whole(rows[i].type, rows[i].seq, rows[i].most)),
                             KITH_DTLS_PASS);
            gate = fresh;
            ck_assert_int_eq(
                judge_message(&gate, whole(rows[i].type, rows[i].seq, rows[i].most + 1)),
                KITH_DTLS_DROP);
        }
    kith_dtls_gate client = {.role = KITH_DTLS_CLIENT};
    ck_assert_int_eq(judge_message(&client, whole(14, 4, 1)), KITH_DTLS_DROP);
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
        {{11, 1, 2000, 0, 1000, 999}, KITH_DTLS_DROP},    /* not all there */
        {{11, 1, 2000, 0, 0, 0}, KITH_DTLS_DROP},         /* empty: no progress */
        {{11, 1, 20000, 0, 10, 10}, KITH_DTLS_DROP},      /* larger than any message */
        {{11, 65535, 10, 0, 10, 10}, KITH_DTLS_DROP},     /* later than any message */
        {{11, 1, 10, 16777215, 16777215, 10}, KITH_DTLS_DROP},
        {{11, 1, 10, 0, 10, 10}, KITH_DTLS_PASS},
    };
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER, .hello_done = true};
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
    size_t len = make_fragment(body, sizeof body, whole(11, 1, 50));
    len += make_fragment(body + len, sizeof body - len, whole(16, 2, 50));
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len)), KITH_DTLS_PASS);
    len += make_fragment(body + len, sizeof body - len, whole(2, 3, 50));
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len - 1)),
                     KITH_DTLS_DROP);
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, 0)), KITH_DTLS_DROP);
}
END_TEST

/* A record that is dropped announces nothing. */
START_TEST(a_bad_message_takes_its_record_with_it)
{
    uint8_t body[400];
    kith_dtls_gate gate = {.role = KITH_DTLS_SERVER, .hello_done = true};
    size_t len = make_fragment(body, sizeof body, whole(11, 1, 50));
    len += make_fragment(body + len, sizeof body - len, whole(16, 3, 50));
    ck_assert_int_eq(judge(&gate, KITH_DTLS_HANDSHAKE, 0, kith_span_of(body, len)), KITH_DTLS_DROP);
    ck_assert_int_eq(judge_message(&gate, whole(11, 1, 60)), KITH_DTLS_PASS);
}
END_TEST

START_TEST(handshake_binds_at_most_40_kilobytes)
{
    static const uint32_t longest[] = {16384, 2048, 1028, 258, 134};
    for (int role = 0; role < 2; role++) {
        size_t bound = 0;
        kith_dtls_gate gate = {.role = (kith_dtls_role)role, .hello_done = true};
        for (int type = 255; type >= 0; type--)
            for (uint16_t seq = 0; seq < 10; seq++)
                for (size_t i = 0; i < sizeof longest / sizeof longest[0]; i++)
                    if (judge_message(&gate, (fragment){(uint8_t)type, seq, longest[i], 0, 1, 1}) ==
                        KITH_DTLS_PASS)
                        bound += longest[i];
        ck_assert_uint_gt(bound, 16384);
        ck_assert_uint_le(bound, 40000);
    }
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

/* A client has no Finished to wait for when it may send. */
START_TEST(early_data_is_kept_from_a_server_alone)
{
    kith_dtls_gate gate = {.role = KITH_DTLS_CLIENT};
    const kith_span data = kith_span_text("x");
    ck_assert_int_eq(judge(&gate, KITH_DTLS_APPLICATION_DATA, 1, data), KITH_DTLS_DROP);
    gate.hello_done = true;
    ck_assert_int_eq(judge(&gate, KITH_DTLS_APPLICATION_DATA, 1, data), KITH_DTLS_EARLY);
    gate.keyed = true;
    ck_assert_int_eq(judge(&gate, KITH_DTLS_APPLICATION_DATA, 1, data), KITH_DTLS_EARLY);
    gate.role = KITH_DTLS_SERVER;
    ck_assert_int_eq(judge(&gate, KITH_DTLS_APPLICATION_DATA, 1, data), KITH_DTLS_DROP);
}
END_TEST

START_TEST(encrypted_records_are_of_epoch_1_and_hold_data)
{
    static const uint8_t bytes[16384 + 25];
    kith_dtls_gate gate = {.hello_done = true, .keyed = true, .overhead = 24};
    for (uint8_t type = 20; type <= 23; type++) {
        kith_dtls_verdict good = type == 21 || type == 22 ? KITH_DTLS_PASS
                                 : type == 23             ? KITH_DTLS_EARLY
                                                          : KITH_DTLS_DROP;
        for (uint16_t epoch = 2; epoch < 300; epoch++)
            ck_assert_int_eq(judge(&gate, type, epoch, kith_span_of(bytes, 100)), KITH_DTLS_DROP);
        for (size_t len = 0; len <= 40; len++)
            ck_assert_int_eq(judge(&gate, type, 1, kith_span_of(bytes, len)),
                             len > 24 ? good : KITH_DTLS_DROP);
        ck_assert_int_eq(judge(&gate, type, 1, kith_span_of(bytes, 16384 + 24)), good);
        ck_assert_int_eq(judge(&gate, type, 1, kith_span_of(bytes, 16384 + 25)), KITH_DTLS_DROP);
    }
}
END_TEST

/* OpenSSL's seal of an alert covers the version that was agreed on, not the one that stands there.
 */
START_TEST(encrypted_records_have_the_version_that_was_agreed_on)
{
    static const uint8_t bytes[100];
    kith_dtls_gate gate = {.hello_done = true, .keyed = true, .overhead = 24};
    uint8_t whole_record[200];
    size_t len = make_record(whole_record, sizeof whole_record, KITH_DTLS_ALERT, 1,
                             kith_span_of(bytes, sizeof bytes));
    for (unsigned minor = 0; minor < 256; minor++) {
        kith_dtls_record record;
        whole_record[2] = (uint8_t)minor;
        kith_span datagram = kith_span_of(whole_record, len);
        ck_assert(kith_dtls_record_next(&datagram, &record));
        ck_assert_int_eq(kith_dtls_gate_judge(&gate, &record),
                         minor == 0xfd ? KITH_DTLS_PASS : KITH_DTLS_DROP);
    }
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

UNIT_MAIN("tls: gate", server_hears_a_hello_first, each_message_has_its_place,
          each_message_has_its_length, fragments_must_fit_their_message,
          all_messages_of_a_record_are_judged, a_bad_message_takes_its_record_with_it,
          handshake_binds_at_most_40_kilobytes, encrypted_records_wait_for_their_keys,
          early_data_is_kept_from_a_server_alone, encrypted_records_are_of_epoch_1_and_hold_data,
          encrypted_records_have_the_version_that_was_agreed_on,
          plaintext_data_and_alerts_never_reach_openssl)
