/* Certificates: fresh ones, PEM there and back, keys that do not fit, and memory that fails. */
#include <openssl/evp.h>

#include "../../oom/oom.h"
#include "pem.h"

#define NOW INT64_C(1700000000)
#define DAY INT64_C(86400)

static kith_certificate *make(kith_key_type type)
{
    kith_certificate *certificate;
    ck_assert_int_eq(kith_certificate_generate(&certificate, type, NOW, 0), KITH_OK);
    return certificate;
}

static bool valid_at(const kith_certificate *certificate, int64_t unix_seconds)
{
    const X509 *x509 = kith_certificate_x509(certificate);
    time_t at = (time_t)unix_seconds;
    return ASN1_TIME_cmp_time_t(X509_get0_notBefore(x509), at) < 0 &&
           ASN1_TIME_cmp_time_t(X509_get0_notAfter(x509), at) > 0;
}

START_TEST(a_fresh_certificate_is_self_signed_version_3)
{
    for (int type = KITH_KEY_ECDSA_P256; type <= KITH_KEY_RSA_2048; type++) {
        kith_certificate *certificate = make((kith_key_type)type);
        X509 *x509 = kith_certificate_x509(certificate);
        ck_assert_int_eq(X509_get_version(x509), X509_VERSION_3);
        ck_assert_int_eq(X509_verify(x509, kith_certificate_key(certificate)), 1);
        ck_assert_int_eq(X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)), 0);
        char name[64];
        X509_NAME_oneline(X509_get_subject_name(x509), name, sizeof name);
        ck_assert_str_eq(name, "/CN=WebRTC");
        ck_assert_int_eq(kith_certificate_signature_hash(certificate), KITH_HASH_SHA256);
        int bits = EVP_PKEY_get_bits(kith_certificate_key(certificate));
        ck_assert_int_eq(bits, type == KITH_KEY_RSA_2048 ? 2048 : 256);
        kith_certificate_free(certificate);
    }
}
END_TEST

START_TEST(it_is_valid_from_a_day_ago_for_thirty_days)
{
    kith_certificate *certificate = make(KITH_KEY_ECDSA_P256);
    ck_assert(!valid_at(certificate, NOW - DAY - 1));
    ck_assert(valid_at(certificate, NOW - DAY + 1));
    ck_assert(valid_at(certificate, NOW + 30 * DAY - 1));
    ck_assert(!valid_at(certificate, NOW + 30 * DAY + 1));
    ck_assert_int_eq(kith_certificate_expires(certificate), NOW + 30 * DAY);
    kith_certificate_free(certificate);
}
END_TEST

/* RFC 5280 section 4.1.2.2 */
START_TEST(serial_numbers_are_positive_short_and_different)
{
    BIGNUM *last = NULL;
    for (int i = 0; i < 20; i++) {
        kith_certificate *certificate = make(KITH_KEY_ECDSA_P256);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(kith_certificate_x509(certificate));
        BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
        ck_assert(!BN_is_negative(number) && !BN_is_zero(number));
        ck_assert_int_eq(BN_num_bits(number), 127); /* 16 octets with the top bit clear */
        ck_assert(!last || BN_cmp(last, number) != 0);
        BN_free(last);
        last = number;
        kith_certificate_free(certificate);
    }
    BN_free(last);
}
END_TEST

START_TEST(a_time_or_key_type_that_cannot_be_is_refused)
{
    kith_certificate *certificate = NULL;
    const int64_t times[] = {INT64_MIN, -62167219200, 253402300799, INT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        ck_assert_int_eq(kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256, times[i], 0),
                         KITH_ERR_RANGE);
    ck_assert_int_eq(kith_certificate_generate(&certificate, (kith_key_type)7, NOW, 0),
                     KITH_ERR_TYPE);
    ck_assert_int_eq(kith_certificate_generate(NULL, KITH_KEY_ECDSA_P256, NOW, 0), KITH_ERR_TYPE);
    ck_assert_ptr_null(certificate);
    ck_assert_int_eq(
        kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256, 253402300799 - 30 * DAY, 0),
        KITH_OK);
    ck_assert_int_eq(kith_certificate_expires(certificate), 253402300799);
    kith_certificate_free(certificate);
}
END_TEST

START_TEST(pem_brings_the_same_certificate_back)
{
    for (int type = KITH_KEY_ECDSA_P256; type <= KITH_KEY_RSA_2048; type++) {
        kith_certificate *certificate = make((kith_key_type)type), *copy;
        char *shown, *secret;
        ck_assert_int_eq(kith_certificate_to_pem(certificate, &shown, &secret), KITH_OK);
        ck_assert_ptr_nonnull(strstr(shown, "BEGIN CERTIFICATE"));
        ck_assert_ptr_null(strstr(shown, "PRIVATE"));
        ck_assert_ptr_nonnull(strstr(secret, "BEGIN PRIVATE KEY"));
        ck_assert_int_eq(kith_certificate_from_pem(&copy, shown, secret), KITH_OK);
        ck_assert(kith_span_equal(kith_certificate_der(certificate), kith_certificate_der(copy)));
        ck_assert_int_eq(kith_certificate_expires(copy), NOW + 30 * DAY);
        kith_certificate_free(copy);
        char *both = malloc(strlen(shown) + strlen(secret) + 1);
        strcpy(both, secret);
        strcat(both, shown);
        ck_assert_int_eq(kith_certificate_from_pem(&copy, both, both), KITH_OK);
        free(both);
        kith_free(shown);
        kith_free(secret);
        kith_certificate_free(copy);
        kith_certificate_free(certificate);
    }
}
END_TEST

START_TEST(what_is_not_pem_is_a_syntax_error)
{
    kith_certificate *certificate = make(KITH_KEY_ECDSA_P256), *copy = NULL;
    char *shown, *secret;
    ck_assert_int_eq(kith_certificate_to_pem(certificate, &shown, &secret), KITH_OK);
    ck_assert_int_eq(kith_certificate_from_pem(&copy, "", secret), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_certificate_from_pem(&copy, shown, ""), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_certificate_from_pem(&copy, shown, shown), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_certificate_from_pem(&copy, secret, secret), KITH_ERR_SYNTAX);
    for (size_t len = strlen(shown) - 2; len > 0; len -= len < 7 ? len : 7) {
        char *cut = strndup(shown, len);
        ck_assert_int_eq(kith_certificate_from_pem(&copy, cut, secret), KITH_ERR_SYNTAX);
        free(cut);
    }
    ck_assert_int_eq(kith_certificate_from_pem(&copy, NULL, secret), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_certificate_from_pem(&copy, shown, NULL), KITH_ERR_TYPE);
    ck_assert_ptr_null(copy);
    kith_free(shown);
    kith_free(secret);
    kith_certificate_free(certificate);
}
END_TEST

START_TEST(a_key_of_another_certificate_is_refused)
{
    kith_certificate *one = make(KITH_KEY_ECDSA_P256), *other = make(KITH_KEY_ECDSA_P256);
    kith_certificate *mixed = NULL;
    char *shown[2], *secret[2];
    ck_assert_int_eq(kith_certificate_to_pem(one, &shown[0], &secret[0]), KITH_OK);
    ck_assert_int_eq(kith_certificate_to_pem(other, &shown[1], &secret[1]), KITH_OK);
    ck_assert_int_eq(kith_certificate_from_pem(&mixed, shown[0], secret[1]),
                     KITH_ERR_INVALID_ACCESS);
    ck_assert_ptr_null(mixed);
    for (int i = 0; i < 2; i++) {
        kith_free(shown[i]);
        kith_free(secret[i]);
    }
    kith_certificate_free(one);
    kith_certificate_free(other);
}
END_TEST

START_TEST(a_lifetime_may_be_chosen_up_to_a_year)
{
    static const struct {
        int64_t lifetime, valid;
    } rows[] = {{0, 30 * DAY},
                {1, 1},
                {90 * DAY, 90 * DAY},
                {365 * DAY, 365 * DAY},
                {365 * DAY + 1, 365 * DAY},
                {INT64_MAX, 365 * DAY}};
    kith_certificate *certificate = NULL;
    ck_assert_int_eq(kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256, NOW, -1),
                     KITH_ERR_RANGE);
    ck_assert_ptr_null(certificate);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(
            kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256, NOW, rows[i].lifetime),
            KITH_OK);
        ck_assert_int_eq(kith_certificate_expires(certificate), NOW + rows[i].valid);
        ck_assert(valid_at(certificate, NOW));
        ck_assert(!valid_at(certificate, NOW + rows[i].valid + 1));
        kith_certificate_free(certificate);
    }
}
END_TEST

START_TEST(keys_of_webrtc_are_taken)
{
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"),
                        EVP_RSA_gen(2048)};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        kith_certificate *out;
        ck_assert_int_eq(pem_import(&out, keys[i], NULL, EVP_sha256()), KITH_OK);
        ck_assert_int_eq(kith_certificate_expires(out), 1900000000);
        kith_certificate_free(out);
    }
}
END_TEST

/* With each of them no connection could come about. */
START_TEST(other_keys_are_not_supported)
{
    static const char *const curves[] = {"P-224", "secp256k1", "brainpoolP256r1"};
    kith_certificate *out = NULL;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        ck_assert_int_eq(pem_import(&out, EVP_EC_gen(curves[i]), NULL, EVP_sha256()),
                         KITH_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(pem_import(&out, EVP_RSA_gen(1024), NULL, EVP_sha256()),
                     KITH_ERR_NOT_SUPPORTED);
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    ck_assert_int_eq(pem_import(&out, edwards, NULL, NULL), KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(a_weak_signature_of_somebody_else_is_not_supported)
{
    kith_certificate *out = NULL;
    EVP_PKEY *signer = EVP_EC_gen("P-256");
    ck_assert_int_eq(pem_import(&out, EVP_EC_gen("P-256"), signer, EVP_sha1()),
                     KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(pem_import(&out, EVP_EC_gen("P-256"), signer, EVP_sha256()), KITH_OK);
    kith_certificate_free(out);
    /* one's own says nothing */
    ck_assert_int_eq(pem_import(&out, EVP_EC_gen("P-256"), NULL, EVP_sha1()), KITH_OK);
    kith_certificate_free(out);
    EVP_PKEY_free(signer);
}
END_TEST

START_TEST(an_encrypted_key_is_refused_without_asking_for_a_password)
{
    kith_certificate *certificate = make(KITH_KEY_ECDSA_P256), *out = NULL;
    char *shown, *secret;
    ck_assert_int_eq(kith_certificate_to_pem(certificate, &shown, &secret), KITH_OK);
    char *encrypted = pem_of(kith_certificate_key(certificate), "secret");
    ck_assert_ptr_nonnull(strstr(encrypted, "ENCRYPTED"));
    ck_assert_int_eq(kith_certificate_from_pem(&out, shown, encrypted), KITH_ERR_SYNTAX);
    free(encrypted);
    kith_free(shown);
    kith_free(secret);
    kith_certificate_free(certificate);
}
END_TEST

START_TEST(fingerprints_are_given_for_every_allowed_hash)
{
    kith_certificate *certificate = make(KITH_KEY_ECDSA_P256);
    const char *const names[] = {"sha-1", "sha-224", "sha-256", "SHA-384", "sha-512"};
    for (size_t i = 0; i < 5; i++) {
        char *value;
        kith_fingerprint given, computed;
        ck_assert_int_eq(kith_certificate_fingerprint(certificate, names[i], &value), KITH_OK);
        ck_assert(kith_fingerprint_parse(&given, kith_span_text(names[i]), kith_span_text(value)));
        ck_assert(kith_fingerprint_of(&computed, given.hash, kith_certificate_der(certificate)));
        ck_assert(kith_fingerprint_equal(&given, &computed));
        kith_free(value);
    }
    char *none = NULL;
    ck_assert_int_eq(kith_certificate_fingerprint(certificate, "md5", &none),
                     KITH_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(kith_certificate_fingerprint(certificate, "sha-3", &none),
                     KITH_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(kith_certificate_fingerprint(certificate, NULL, &none), KITH_ERR_TYPE);
    ck_assert_ptr_null(none);
    kith_certificate_free(certificate);
}
END_TEST

START_TEST(the_last_owner_frees_it)
{
    kith_certificate *certificate = make(KITH_KEY_ECDSA_P256);
    kith_certificate *same = kith_certificate_ref(certificate);
    ck_assert_ptr_eq(certificate, same);
    kith_certificate_free(certificate);
    ck_assert_uint_gt(kith_certificate_der(same).len, 100);
    kith_certificate_free(same);
    kith_certificate_free(NULL);
}
END_TEST

static void make_and_write(void *arg)
{
    (void)arg;
    kith_certificate *certificate = NULL;
    char *shown = NULL, *secret = NULL, *value = NULL;
    if (kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256, NOW, 0) == KITH_OK) {
        kith_err err = kith_certificate_to_pem(certificate, &shown, &secret);
        ck_assert(err == KITH_OK || (err == KITH_ERR_NO_MEMORY && !shown && !secret));
        err = kith_certificate_fingerprint(certificate, "sha-256", &value);
        ck_assert(err == KITH_OK || (err == KITH_ERR_NO_MEMORY && !value));
    }
    kith_free(shown);
    kith_free(secret);
    kith_free(value);
    kith_certificate_free(certificate);
}

START_TEST(running_out_of_memory_leaves_nothing_behind)
{
    ck_assert_uint_eq(oom_sweep(make_and_write, NULL), 4);
}
END_TEST

/* Named curve and uncompressed point (RFC 5480 section 2). */
START_TEST(an_ecdsa_key_is_written_as_rfc_5480_says)
{
    static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    kith_certificate *certificate = make(KITH_KEY_ECDSA_P256);
    uint8_t point[65], *spki = NULL;
    size_t len = 0;
    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(kith_certificate_key(certificate), "pub",
                                                     point, sizeof point, &len),
                     1);
    ck_assert_int_eq(
        i2d_X509_PUBKEY(X509_get_X509_PUBKEY(kith_certificate_x509(certificate)), &spki), 91);
    ck_assert_mem_eq(spki, head, sizeof head);
    ck_assert_mem_eq(spki + sizeof head - 1, point, sizeof point);
    ck_assert_int_eq(X509_check_private_key(kith_certificate_x509(certificate),
                                            kith_certificate_key(certificate)),
                     1);
    OPENSSL_free(spki);
    kith_certificate_free(certificate);
}
END_TEST

UNIT_MAIN("crypto: certificate", an_ecdsa_key_is_written_as_rfc_5480_says,
          a_fresh_certificate_is_self_signed_version_3, it_is_valid_from_a_day_ago_for_thirty_days,
          serial_numbers_are_positive_short_and_different,
          a_time_or_key_type_that_cannot_be_is_refused, pem_brings_the_same_certificate_back,
          what_is_not_pem_is_a_syntax_error, a_key_of_another_certificate_is_refused,
          a_lifetime_may_be_chosen_up_to_a_year, keys_of_webrtc_are_taken,
          a_weak_signature_of_somebody_else_is_not_supported, other_keys_are_not_supported,
          an_encrypted_key_is_refused_without_asking_for_a_password,
          fingerprints_are_given_for_every_allowed_hash, the_last_owner_frees_it,
          running_out_of_memory_leaves_nothing_behind)
