/* Keys, records and the window of what came, without an association. */
#include "../unit.h"
#include "tls/protection.h"

#include <string.h>

static const uint16_t suite_ids[] = {0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030};
#define SUITES (sizeof suite_ids / sizeof suite_ids[0])

static void from_hex(uint8_t *out, const char *hex)
{
    for (; *hex; hex += 2)
        *out++ = (uint8_t)(kith_span_hex_digit((uint8_t)hex[0]) * 16 +
                           kith_span_hex_digit((uint8_t)hex[1]));
}

static void check_hex(const uint8_t *data, const char *hex)
{
    uint8_t expected[64];
    from_hex(expected, hex);
    ck_assert_mem_eq(data, expected, strlen(hex) / 2);
}

/* NIST's CAVP vector of the TLS 1.2 KDF with SHA-256, count 0; its key block is cut as RFC 5246
 * section 6.3 has it. */
START_TEST(key_block_is_that_of_the_published_vector)
{
    kith_dtls_security_parameters p = {.suite = kith_dtls_suite_find(0xc02b)};
    kith_dtls_write_keys client, server;
    from_hex(p.master_secret, "202c88c00f84a17a20027079604787461176455539e705be730890602c289a50"
                              "01e34eeb3a043e5d52a65e66125188bf");
    from_hex(p.server_random, "ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868");
    from_hex(p.client_random, "62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616");
    ck_assert(kith_dtls_derive_keys(&p, &client, &server));
    check_hex(client.key, "d06139889fffac1e3a71865f504aa5d0");
    check_hex(server.key, "d2a2e89506c6f2279b670c3e1b74f531");
    check_hex(client.iv, "016a2530");
    check_hex(server.iv, "c51a3a0f");
    p.suite = kith_dtls_suite_find(0xcca9);
    ck_assert(kith_dtls_derive_keys(&p, &client, &server));
    check_hex(client.key, "d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531");
    check_hex(server.key, "016a2530c51a3a0f7e1d6590d0f0566b2f387f8d11fd4f731cdd572d2eae927f");
    check_hex(client.iv, "6f2f81410b25e6960be68985");
    check_hex(server.iv, "add6c38445ad9f8c64bf8068");
}
END_TEST

START_TEST(suites_are_known_by_their_registered_numbers)
{
    for (unsigned id = 0; id < 0x10000; id++) {
        bool is_ours = false;
        for (size_t i = 0; i < SUITES; i++)
            is_ours |= suite_ids[i] == id;
        bool is_known = kith_dtls_suite_find((uint16_t)id);
        ck_assert_int_eq(is_known, is_ours);
    }
    ck_assert_uint_eq(kith_dtls_suite_overhead(kith_dtls_suite_find(0xc030)), 24);
    ck_assert_uint_eq(kith_dtls_suite_overhead(kith_dtls_suite_find(0xcca8)), 16);
}
END_TEST

typedef struct states {
    kith_dtls_write_state write;
    kith_dtls_read_state read;
} states;

static void new_states(states *s, uint16_t suite)
{
    kith_dtls_write_keys keys;
    for (size_t i = 0; i < sizeof keys; i++)
        ((uint8_t *)&keys)[i] = (uint8_t)i;
    ck_assert(kith_dtls_write_state_init(&s->write, kith_dtls_suite_find(suite), &keys));
    ck_assert(kith_dtls_read_state_init(&s->read, kith_dtls_suite_find(suite), &keys));
}

static void free_states(states *s)
{
    kith_dtls_write_state_deinit(&s->write);
    kith_dtls_read_state_deinit(&s->read);
}

typedef struct sealed {
    size_t len;
    uint8_t bytes[64];
} sealed;

static sealed seal(states *s, uint64_t sequence)
{
    sealed r;
    s->write.sequence = sequence;
    r.len = kith_dtls_protect(&s->write, KITH_DTLS_APPLICATION_DATA, kith_span_text("hello"),
                              r.bytes, sizeof r.bytes);
    ck_assert_uint_gt(r.len, 0);
    return r;
}

static bool opens(states *s, const sealed *r)
{
    uint8_t *plain = malloc(5); /* a sanitizer sees a byte too many */
    kith_span datagram = kith_span_of(r->bytes, r->len), data;
    kith_dtls_record record;
    bool opened = kith_dtls_record_next(&datagram, &record) &&
                  kith_dtls_open(&s->read, &record, plain, 5, &data);
    if (opened)
        ck_assert(kith_span_is(data, "hello"));
    free(plain);
    return opened;
}

START_TEST(what_was_protected_opens_once)
{
    for (size_t i = 0; i < SUITES; i++) {
        states s;
        new_states(&s, suite_ids[i]);
        for (uint64_t n = 0; n < 100; n++) {
            sealed r = seal(&s, n);
            ck_assert(opens(&s, &r));
            ck_assert(!opens(&s, &r));
        }
        free_states(&s);
    }
}
END_TEST

START_TEST(no_changed_byte_opens_or_moves_the_window)
{
    for (size_t i = 0; i < SUITES; i++) {
        states s;
        new_states(&s, suite_ids[i]);
        const sealed r = seal(&s, 7);
        for (size_t at = 0; at < r.len; at++)
            for (int bit = 0; bit < 8; bit++) {
                sealed changed = r;
                changed.bytes[at] ^= (uint8_t)(1 << bit);
                ck_assert(!opens(&s, &changed));
                ck_assert_uint_eq(s.read.window, 0);
            }
        for (size_t len = 13; len < r.len; len++) {
            sealed cut = r;
            cut.len = len;
            cut.bytes[12] = (uint8_t)(len - 13);
            ck_assert(!opens(&s, &cut));
        }
        ck_assert(opens(&s, &r));
        free_states(&s);
    }
}
END_TEST

/* RFC 6347 section 4.1.2.6. */
START_TEST(window_takes_each_of_the_last_64_once_and_nothing_before)
{
    states s;
    new_states(&s, 0xc02b);
    sealed r = seal(&s, 1000);
    ck_assert(opens(&s, &r));
    for (uint64_t n = 900; n < 1100; n++) {
        r = seal(&s, n);
        ck_assert_int_eq(opens(&s, &r), (n > 1000 - 64 && n < 1000) || n > 1000);
        ck_assert(!opens(&s, &r));
    }
    r = seal(&s, KITH_DTLS_MAX_SEQUENCE); /* far ahead, and all before it are too old */
    ck_assert(opens(&s, &r));
    r = seal(&s, 1100);
    ck_assert(!opens(&s, &r));
    r = seal(&s, KITH_DTLS_MAX_SEQUENCE - 63);
    ck_assert(opens(&s, &r));
    free_states(&s);
}
END_TEST

START_TEST(a_record_opened_elsewhere_is_a_replay)
{
    states s;
    new_states(&s, 0xcca9);
    kith_dtls_mark_received(&s.read, 3);
    for (uint64_t n = 0; n < 10; n++) {
        sealed r = seal(&s, n);
        ck_assert_int_eq(opens(&s, &r), n != 3);
    }
    free_states(&s);
}
END_TEST

START_TEST(no_record_is_written_without_a_number_or_without_room)
{
    for (size_t i = 0; i < SUITES; i++) {
        states s;
        uint8_t buf[64];
        new_states(&s, suite_ids[i]);
        size_t len = 13 + kith_dtls_suite_overhead(s.write.suite) + 5;
        const kith_span data = kith_span_text("hello");
        ck_assert_uint_eq(kith_dtls_protect(&s.write, 23, data, buf, len - 1), 0);
        ck_assert_uint_eq(s.write.sequence + s.write.explicit_nonce, 0);
        ck_assert_uint_eq(kith_dtls_protect(&s.write, 23, data, buf, len), len);
        s.write.sequence = KITH_DTLS_MAX_SEQUENCE;
        ck_assert_uint_eq(kith_dtls_protect(&s.write, 23, data, buf, len), len);
        ck_assert_uint_eq(kith_dtls_protect(&s.write, 23, data, buf, len), 0);
        free_states(&s);
    }
}
END_TEST

/* The nonce_explicit of one record never returns in another; it may pass the end of its 64 bits. */
START_TEST(explicit_nonce_counts_upwards_over_its_end)
{
    states s;
    new_states(&s, 0xc02b);
    s.write.explicit_nonce = UINT64_MAX - 1;
    static const char *const expected[] = {"fffffffffffffffe", "ffffffffffffffff",
                                           "0000000000000000", "0000000000000001"};
    for (uint64_t n = 0; n < 4; n++) {
        sealed r = seal(&s, n);
        check_hex(r.bytes + 13, expected[n]);
        ck_assert(opens(&s, &r));
    }
    free_states(&s);
}
END_TEST

UNIT_MAIN("tls: protection", key_block_is_that_of_the_published_vector,
          suites_are_known_by_their_registered_numbers, what_was_protected_opens_once,
          no_changed_byte_opens_or_moves_the_window,
          window_takes_each_of_the_last_64_once_and_nothing_before,
          a_record_opened_elsewhere_is_a_replay,
          no_record_is_written_without_a_number_or_without_room,
          explicit_nonce_counts_upwards_over_its_end)
