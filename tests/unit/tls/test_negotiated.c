/* Cipher suites, SRTP profile and keys: the same on both sides. */
#include "../crypto/pem.h"
#include "raw.h"
#include "tls/association.h"

static duo d;

static void check_same_keys(void)
{
    kith_srtp_keys left, right;
    const kith_srtp_keys none = {.key_len = 0};
    ck_assert(kith_dtls_export_srtp_keys(d.side[LEFT], &left));
    ck_assert(kith_dtls_export_srtp_keys(d.side[RIGHT], &right));
    ck_assert_mem_eq(&left, &right, sizeof left);
    ck_assert_uint_eq(left.key_len, 16);
    ck_assert_uint_eq(left.salt_len, 12);
    ck_assert_mem_ne(left.client_key, left.server_key, left.key_len);
    ck_assert_mem_ne(left.client_key, none.client_key, left.key_len);
    ck_assert_mem_ne(left.client_salt, left.server_salt, left.salt_len);
    ck_assert_mem_eq(left.client_key + 16, none.client_key, 16);
}

START_TEST(both_sides_export_the_same_keys)
{
    kith_srtp_keys keys;
    duo_new(&d, NULL);
    ck_assert(!kith_dtls_export_srtp_keys(d.side[LEFT], &keys));
    ck_assert_str_eq(kith_dtls_srtp_cipher(d.side[LEFT]), "");
    duo_free(&d);
    duo_connect(&d, NULL);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(kith_dtls_srtp_profile(d.side[i]), SRTP_AEAD_AES_128_GCM);
        ck_assert_str_eq(kith_dtls_srtp_cipher(d.side[i]), "SRTP_AEAD_AES_128_GCM");
    }
    check_same_keys();
    kith_dtls_close(d.side[LEFT]);
    ck_assert(!kith_dtls_export_srtp_keys(d.side[LEFT], &keys));
    duo_free(&d);
}
END_TEST

START_TEST(every_connection_has_its_own_keys)
{
    kith_srtp_keys first, second;
    duo_connect(&d, NULL);
    ck_assert(kith_dtls_export_srtp_keys(d.side[LEFT], &first));
    duo_free(&d);
    duo_connect(&d, NULL);
    ck_assert(kith_dtls_export_srtp_keys(d.side[LEFT], &second));
    ck_assert_mem_ne(first.client_key, second.client_key, 16);
    duo_free(&d);
}
END_TEST

START_TEST(certificates_of_both_kinds_go_together)
{
    static const char *const suites[] = {
        [KITH_KEY_ECDSA_P256] = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        [KITH_KEY_RSA_2048] = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    };
    for (kith_key_type client = 0; client < 2; client++) {
        for (kith_key_type server = 0; server < 2; server++) {
            duo_connect(&d, &(duo_options){.key = {client, server}});
            ck_assert_str_eq(kith_dtls_cipher(d.side[LEFT]), suites[server]);
            ck_assert_str_eq(kith_dtls_cipher(d.side[RIGHT]), suites[server]);
            check_same_keys();
            duo_free(&d);
        }
    }
}
END_TEST

/* P-256 is what RFC 8827 asks for; what else can be imported connects as well, in either role. */
START_TEST(every_certificate_that_can_be_imported_connects)
{
    EVP_PKEY *signer = EVP_EC_gen("P-256");
    for (int i = 0; i < 5; i++) {
        kith_certificate *other;
        EVP_PKEY *key = i < 3 ? EVP_EC_gen(i == 0 ? "P-384" : "P-521") : EVP_RSA_gen(3072);
        const EVP_MD *md = i == 4 ? EVP_sha1() : EVP_sha512();
        ck_assert_int_eq(pem_import(&other, key, i == 2 ? signer : NULL, md), KITH_OK);
        for (int side = 0; side < 2; side++) {
            duo_options options = {.key = {KITH_KEY_ECDSA_P256}};
            options.certificate[side] = other;
            duo_connect(&d, &options);
            ck_assert_ptr_eq(kith_dtls_local_certificate(d.side[side]), other);
            check_same_keys();
            duo_check_talk(&d);
            duo_free(&d);
        }
        kith_certificate_free(other);
    }
    EVP_PKEY_free(signer);
}
END_TEST

/* A side with certificates of both kinds, and two of one. */
static kith_dtls *side_with_several(kith_dtls_role role)
{
    int side = role == KITH_DTLS_CLIENT ? LEFT : RIGHT;
    kith_certificate *second;
    ck_assert_int_eq(kith_certificate_generate(&second, KITH_KEY_ECDSA_P256, 1700000000, 0),
                     KITH_OK);
    kith_certificate *const own[] = {duo_certificate(side, KITH_KEY_ECDSA_P256), second,
                                     duo_certificate(side, KITH_KEY_RSA_2048)};
    kith_fingerprint fps[2] = {duo_fingerprint(!side, KITH_KEY_ECDSA_P256, KITH_HASH_SHA256),
                               duo_fingerprint(!side, KITH_KEY_RSA_2048, KITH_HASH_SHA256)};
    kith_dtls_config config = {.certificates = own,
                               .certificate_count = 3,
                               .role = role,
                               .fingerprints = fps,
                               .fingerprint_count = 2,
                               .mtu = 1200};
    kith_dtls *dtls;
    ck_assert_int_eq(kith_dtls_new(&dtls, &config), KITH_OK);
    kith_certificate_free(second);
    return dtls;
}

START_TEST(the_peer_is_shown_the_certificate_that_it_can_check)
{
    static const char *const ciphers[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                          "ECDHE-RSA-AES128-GCM-SHA256"};
    for (kith_key_type key = 0; key < 2; key++) {
        raw_client peer;
        duo_new(&d, NULL);
        kith_dtls_free(d.side[RIGHT]);
        d.side[RIGHT] = side_with_several(KITH_DTLS_SERVER);
        kith_dtls_start(d.side[RIGHT]);
        raw_new(&peer, ciphers[key], duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
        raw_open(&peer);
        raw_connect(&peer, &d);
        ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
        ck_assert_ptr_eq(kith_dtls_local_certificate(d.side[RIGHT]), duo_certificate(RIGHT, key));
        X509 *shown = SSL_get1_peer_certificate(peer.ssl);
        ck_assert_int_eq(X509_cmp(shown, kith_certificate_x509(duo_certificate(RIGHT, key))), 0);
        X509_free(shown);
        raw_free(&peer);
        duo_free(&d);
    }
    duo_new(&d, NULL);
    for (int side = 0; side < 2; side++) {
        kith_dtls_free(d.side[side]);
        d.side[side] = side_with_several(side == LEFT ? KITH_DTLS_CLIENT : KITH_DTLS_SERVER);
    }
    duo_start(&d);
    duo_run_for(&d, KITH_SECONDS(1));
    ck_assert(duo_both(&d, KITH_DTLS_CONNECTED));
    duo_check_talk(&d);
    duo_free(&d);
}
END_TEST

/* What a peer that offers only this profile gets; key and salt in the order of RFC 5764
 * section 4.2. */
static void check_profile(const char *offer, uint16_t id, size_t key, size_t salt)
{
    raw_client peer;
    kith_srtp_keys keys;
    uint8_t material[92];
    duo_new(&d, NULL);
    kith_dtls_start(d.side[RIGHT]);
    raw_new(&peer, "ECDHE+AESGCM", duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
    if (offer)
        ck_assert_int_eq(SSL_CTX_set_tlsext_use_srtp(peer.context, offer), 0);
    raw_open(&peer);
    raw_connect(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTED);
    ck_assert_uint_eq(kith_dtls_srtp_profile(d.side[RIGHT]), id);
    ck_assert_int_eq(kith_dtls_export_srtp_keys(d.side[RIGHT], &keys), id != 0);
    ck_assert_uint_eq(keys.key_len, key);
    ck_assert_uint_eq(keys.salt_len, salt);
    if (id != 0) {
        SSL_export_keying_material(peer.ssl, material, 2 * (key + salt), "EXTRACTOR-dtls_srtp", 19,
                                   NULL, 0, 0);
        ck_assert_mem_eq(keys.client_key, material, key);
        ck_assert_mem_eq(keys.server_key, material + key, key);
        ck_assert_mem_eq(keys.client_salt, material + 2 * key, salt);
        ck_assert_mem_eq(keys.server_salt, material + 2 * key + salt, salt);
    }
    raw_free(&peer);
    duo_free(&d);
}

START_TEST(every_profile_is_accepted_and_keys_lie_as_rfc_5764_says)
{
    check_profile("SRTP_AES128_CM_SHA1_80", SRTP_AES128_CM_SHA1_80, 16, 14);
    check_profile("SRTP_AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM, 16, 12);
    check_profile("SRTP_AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, 32, 12);
    check_profile("SRTP_AES128_CM_SHA1_32", 0, 0, 0);
    check_profile(NULL, 0, 0, 0);
}
END_TEST

START_TEST(a_server_chooses_by_its_own_order)
{
    check_profile("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM",
                  SRTP_AEAD_AES_128_GCM, 16, 12);
    check_profile("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, 32, 12);
}
END_TEST

static const uint8_t *find_bytes(kith_span in, const void *bytes, size_t len)
{
    for (size_t i = 0; i + len <= in.len; i++)
        if (memcmp(in.data + i, bytes, len) == 0)
            return in.data + i;
    return NULL;
}

/* RFC 5764 section 4.1.1, as browsers do for connections of data alone: a peer may want to know
 * before any media is. Both AEAD profiles, then AES128_CM_SHA1_80; no MKI. */
START_TEST(use_srtp_is_offered_whatever_is_to_be_carried)
{
    static const uint8_t extension[] = {0, 14, 0, 9, 0, 6, 0, 7, 0, 8, 0, 1, 0};
    uint8_t hello[1200];
    duo_new(&d, NULL);
    kith_dtls_start(d.side[LEFT]);
    size_t len = kith_dtls_output(d.side[LEFT], d.now, hello, sizeof hello);
    ck_assert_ptr_nonnull(find_bytes(kith_span_of(hello, len), extension, sizeof extension));
    duo_free(&d);
}
END_TEST

START_TEST(old_versions_and_suites_are_not_spoken)
{
    static const char *const refused[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
                                          "AECDH-NULL-SHA", "ECDHE-ECDSA-NULL-SHA"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        raw_client peer;
        duo_new(&d, NULL);
        kith_dtls_start(d.side[RIGHT]);
        raw_new(&peer, refused[i], duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
        raw_open(&peer);
        raw_connect(&peer, &d);
        ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_CONNECTING);
        ck_assert(!SSL_is_init_finished(peer.ssl));
        raw_free(&peer);
        duo_free(&d);
    }
    raw_client peer;
    duo_new(&d, NULL);
    kith_dtls_start(d.side[RIGHT]);
    raw_new(&peer, "ECDHE-ECDSA-AES128-SHA", duo_certificate(LEFT, KITH_KEY_ECDSA_P256));
    SSL_CTX_set_max_proto_version(peer.context, DTLS1_VERSION);
    raw_open(&peer);
    raw_connect(&peer, &d);
    ck_assert(!SSL_is_init_finished(peer.ssl));
    raw_free(&peer);
    duo_free(&d);
}
END_TEST

/* OpenSSL 4.1 switches DTLS 1.3 on where nothing is said. */
START_TEST(no_version_is_spoken_that_was_not_tested)
{
    SSL_CTX *context = kith_dtls_context();
    ck_assert_int_eq(SSL_CTX_get_min_proto_version(context), DTLS1_2_VERSION);
    ck_assert_int_eq(SSL_CTX_get_max_proto_version(context), DTLS1_2_VERSION);
}
END_TEST

UNIT_MAIN("tls: negotiated", both_sides_export_the_same_keys, every_connection_has_its_own_keys,
          certificates_of_both_kinds_go_together, every_certificate_that_can_be_imported_connects,
          the_peer_is_shown_the_certificate_that_it_can_check,
          every_profile_is_accepted_and_keys_lie_as_rfc_5764_says,
          a_server_chooses_by_its_own_order, use_srtp_is_offered_whatever_is_to_be_carried,
          old_versions_and_suites_are_not_spoken, no_version_is_spoken_that_was_not_tested)
