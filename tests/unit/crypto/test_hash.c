/* Digests and HMAC by the vectors of FIPS 180-4, RFC 2202 and RFC 4231. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "crypto/hash.h"

#include <string.h>

static const char *hex(const uint8_t *bytes, size_t len)
{
    static char text[2 * KITH_HASH_MAX + 1];
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

START_TEST(digests_of_abc_are_those_of_the_standards)
{
    static const char *const digests[] = {
        [KITH_HASH_MD5] = "900150983cd24fb0d6963f7d28e17f72",
        [KITH_HASH_SHA1] = "a9993e364706816aba3e25717850c26c9cd0d89d",
        [KITH_HASH_SHA224] = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        [KITH_HASH_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        [KITH_HASH_SHA384] = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                             "8086072ba1e7cc2358baeca134c825a7",
        [KITH_HASH_SHA512] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                             "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    };
    for (int hash = KITH_HASH_MD5; hash <= KITH_HASH_SHA512; hash++) {
        uint8_t out[KITH_HASH_MAX];
        size_t size = kith_hash_size((kith_hash)hash);
        ck_assert_uint_eq(2 * size, strlen(digests[hash]));
        ck_assert(kith_hash_digest((kith_hash)hash, kith_span_text("abc"), out));
        ck_assert_str_eq(hex(out, size), digests[hash]);
    }
}
END_TEST

START_TEST(nothing_has_a_digest_too)
{
    uint8_t out[20];
    ck_assert(kith_hash_digest(KITH_HASH_SHA1, kith_span_of(NULL, 0), out));
    ck_assert_str_eq(hex(out, 20), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}
END_TEST

START_TEST(names_are_those_of_rfc_8122)
{
    ck_assert_str_eq(kith_hash_name(KITH_HASH_SHA256), "sha-256");
    ck_assert_ptr_null(kith_hash_name(KITH_HASH_NONE));
    ck_assert_uint_eq(kith_hash_size(KITH_HASH_NONE), 0);
    for (int hash = KITH_HASH_MD5; hash <= KITH_HASH_SHA512; hash++)
        ck_assert_int_eq(kith_hash_by_name(kith_span_text(kith_hash_name((kith_hash)hash))), hash);
    ck_assert_int_eq(kith_hash_by_name(kith_span_text("SHA-512")), KITH_HASH_SHA512);
    ck_assert_int_eq(kith_hash_by_name(kith_span_text("sha256")), KITH_HASH_NONE);
    ck_assert_int_eq(kith_hash_by_name(kith_span_text("")), KITH_HASH_NONE);
}
END_TEST

#define LONG_KEY_TEXT "Test Using Larger Than Block-Size Key - Hash Key First"

static void check_hmac(kith_hash hash, kith_span key, const char *message, const char *expected)
{
    uint8_t out[KITH_HASH_MAX];
    kith_hmac *hmac = kith_hmac_new(hash, key);
    kith_span whole = kith_span_text(message);
    kith_hmac_sign(hmac, &whole, 1, out);
    ck_assert_str_eq(hex(out, kith_hash_size(hash)), expected);
    kith_hmac_free(hmac);
}

START_TEST(hmac_is_that_of_rfc_2202)
{
    uint8_t key[80];
    memset(key, 0x0b, 20);
    check_hmac(KITH_HASH_SHA1, kith_span_of(key, 20), "Hi There",
               "b617318655057264e28bc0b6fb378c8ef146be00");
    check_hmac(KITH_HASH_SHA1, kith_span_text("Jefe"), "what do ya want for nothing?",
               "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(key, 0xaa, 80);
    check_hmac(KITH_HASH_SHA1, kith_span_of(key, 80), LONG_KEY_TEXT,
               "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    check_hmac(KITH_HASH_MD5, kith_span_text("Jefe"), "what do ya want for nothing?",
               "750c783e6ab0b503eaa86e310a5db738");
}
END_TEST

START_TEST(hmac_is_that_of_rfc_4231)
{
    uint8_t key[131];
    memset(key, 0xaa, sizeof key);
    kith_span jefe = kith_span_text("Jefe"), long_key = kith_span_of(key, sizeof key);
    const char *question = "what do ya want for nothing?";
    check_hmac(KITH_HASH_SHA224, jefe, question,
               "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
    check_hmac(KITH_HASH_SHA224, long_key, LONG_KEY_TEXT,
               "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e");
    check_hmac(KITH_HASH_SHA256, jefe, question,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    check_hmac(KITH_HASH_SHA256, long_key, LONG_KEY_TEXT,
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    check_hmac(KITH_HASH_SHA384, jefe, question,
               "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
               "8e2240ca5e69e2c78b3239ecfab21649");
    check_hmac(KITH_HASH_SHA384, long_key, LONG_KEY_TEXT,
               "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
               "0c2ef6ab4030fe8296248df163f44952");
    check_hmac(KITH_HASH_SHA512, jefe, question,
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    check_hmac(KITH_HASH_SHA512, long_key, LONG_KEY_TEXT,
               "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
               "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}
END_TEST

START_TEST(a_keyed_hmac_signs_again_and_again)
{
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text("Jefe"));
    kith_span parts[] = {kith_span_text("what do ya want "), kith_span_of(NULL, 0),
                         kith_span_text("for nothing?")};
    for (int i = 0; i < 3; i++) {
        uint8_t out[20];
        kith_hmac_sign(hmac, parts, 3, out);
        ck_assert_str_eq(hex(out, 20), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        kith_hmac_sign(hmac, parts, 1, out);
        ck_assert_str_ne(hex(out, 20), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
    kith_hmac_free(hmac);
    kith_hmac_free(NULL);
}
END_TEST

START_TEST(an_empty_key_is_a_key)
{
    check_hmac(KITH_HASH_SHA256, kith_span_of(NULL, 0), "",
               "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(an_hmac_without_memory_is_null)
{
    oom_begin(1, false);
    ck_assert_ptr_null(kith_hmac_new(KITH_HASH_SHA1, kith_span_text("key")));
    ck_assert(oom_end());
}
END_TEST

START_TEST(secrets_are_compared_whole)
{
    ck_assert(kith_equal_secret("abc", "abc", 3));
    ck_assert(!kith_equal_secret("abc", "abd", 3));
    ck_assert(!kith_equal_secret("abc", "bbc", 3));
    ck_assert(kith_equal_secret("abc", "abd", 2));
    ck_assert(kith_equal_secret(NULL, NULL, 0));
}
END_TEST

UNIT_MAIN("crypto: hash", digests_of_abc_are_those_of_the_standards, nothing_has_a_digest_too,
          names_are_those_of_rfc_8122, hmac_is_that_of_rfc_2202, hmac_is_that_of_rfc_4231,
          a_keyed_hmac_signs_again_and_again, an_empty_key_is_a_key, an_hmac_without_memory_is_null,
          secrets_are_compared_whole)
