/* Fingerprints (RFC 8122): in both roles nothing is given out before one has matched. */
#include "raw.h"

static duo d;

/* A side that expects these fingerprints of the other. */
static kith_dtls *side_expecting(int side, const kith_fingerprint *fps, size_t count)
{
    kith_certificate *own = duo_certificate(side, KITH_KEY_ECDSA_P256);
    kith_dtls_config config = {
        .certificates = &own,
        .certificate_count = 1,
        .role = side == LEFT ? KITH_DTLS_CLIENT : KITH_DTLS_SERVER,
        .fingerprints = fps,
        .fingerprint_count = count,
        .mtu = 1200,
    };
    kith_dtls *dtls = NULL;
    ck_assert_int_eq(kith_dtls_new(&dtls, &config), KITH_OK);
    return dtls;
}

/* The verdict of `side` when the other's description announced these. */
static kith_dtls_state verdict(int side, const kith_fingerprint *fps, size_t count)
{
    duo_new(&d, NULL);
    kith_dtls_free(d.side[side]);
    d.side[side] = side_expecting(side, fps, count);
    duo_start(&d);
    duo_run_for(&d, KITH_SECONDS(5));
    kith_dtls_state state = kith_dtls_get_state(d.side[side]);
    duo_free(&d);
    return state;
}

START_TEST(every_hash_of_rfc_8122_is_verified)
{
    for (kith_hash hash = KITH_HASH_SHA1; hash <= KITH_HASH_SHA512; hash++) {
        duo_connect(&d, &(duo_options){.hash = hash});
        duo_free(&d);
        for (int side = 0; side < 2; side++) {
            kith_fingerprint fp = duo_fingerprint(!side, KITH_KEY_ECDSA_P256, hash);
            fp.digest[kith_hash_size(hash) - 1] ^= 1;
            ck_assert_int_eq(verdict(side, &fp, 1), KITH_DTLS_FAILED);
        }
    }
}
END_TEST

START_TEST(wrong_fingerprint_fails_in_either_role_before_anything_is_given_out)
{
    for (int judge = 0; judge < 2; judge++) {
        duo_options options = {.key = {KITH_KEY_ECDSA_P256}};
        options.wrong_fingerprint[judge] = true;
        duo_new(&d, &options);
        duo_start(&d);
        duo_run_for(&d, KITH_SECONDS(15));

        const kith_error *error = kith_dtls_get_error(d.side[judge]);
        ck_assert_int_eq(kith_dtls_get_state(d.side[judge]), KITH_DTLS_FAILED);
        ck_assert_int_eq(error->err, KITH_ERR_OPERATION);
        ck_assert_int_eq(error->error_detail, KITH_ERROR_DETAIL_FINGERPRINT_FAILURE);
        ck_assert_int_eq(error->sent_alert, SSL_AD_BAD_CERTIFICATE);
        ck_assert_int_eq(error->received_alert, -1);

        error = kith_dtls_get_error(d.side[!judge]);
        ck_assert_int_eq(kith_dtls_get_state(d.side[!judge]), KITH_DTLS_FAILED);
        ck_assert_int_eq(error->error_detail, KITH_ERROR_DETAIL_DTLS_FAILURE);
        ck_assert_int_eq(error->received_alert, SSL_AD_BAD_CERTIFICATE);

        for (int i = 0; i < 2; i++) {
            kith_srtp_keys keys;
            uint8_t buf[200];
            ck_assert_uint_eq(d.data_events[i], 0);
            for (size_t n = 0; n < d.state_count[i]; n++)
                ck_assert_int_ne(d.states[i][n], KITH_DTLS_CONNECTED);
            ck_assert(!kith_dtls_export_srtp_keys(d.side[i], &keys));
            ck_assert_uint_eq(keys.key_len, 0);
            ck_assert_uint_eq(kith_dtls_srtp_profile(d.side[i]), 0);
            ck_assert_uint_eq(kith_dtls_send(d.side[i], (const uint8_t *)"x", 1, buf, sizeof buf),
                              0);
            ck_assert_int_eq(kith_dtls_deadline(d.side[i]), KITH_NEVER);
        }
        ck_assert_uint_gt(kith_dtls_remote_certificate(d.side[judge]).len, 0); /* for the curious */
        duo_free(&d);
    }
}
END_TEST

START_TEST(one_of_several_fingerprints_of_a_hash_is_enough)
{
    for (int side = 0; side < 2; side++) {
        kith_fingerprint right = duo_fingerprint(!side, KITH_KEY_ECDSA_P256, KITH_HASH_SHA256);
        kith_fingerprint fps[4] = {right, right, right, right};
        for (size_t i = 0; i < 4; i++)
            fps[i].digest[i] ^= 1;
        ck_assert_int_eq(verdict(side, fps, 4), KITH_DTLS_FAILED);
        fps[3] = right;
        ck_assert_int_eq(verdict(side, fps, 4), KITH_DTLS_CONNECTED);
    }
}
END_TEST

START_TEST(only_the_most_preferred_hash_counts)
{
    kith_fingerprint weak = duo_fingerprint(RIGHT, KITH_KEY_ECDSA_P256, KITH_HASH_SHA1);
    kith_fingerprint strong = duo_fingerprint(RIGHT, KITH_KEY_ECDSA_P256, KITH_HASH_SHA256);
    kith_fingerprint wrong_weak = weak, wrong_strong = strong;
    wrong_weak.digest[0] ^= 1;
    wrong_strong.digest[0] ^= 1;
    ck_assert_int_eq(verdict(LEFT, (kith_fingerprint[]){weak, wrong_strong}, 2), KITH_DTLS_FAILED);
    ck_assert_int_eq(verdict(LEFT, (kith_fingerprint[]){wrong_weak, strong}, 2),
                     KITH_DTLS_CONNECTED);
    ck_assert_int_eq(verdict(LEFT, (kith_fingerprint[]){strong, weak}, 2), KITH_DTLS_CONNECTED);
}
END_TEST

START_TEST(md5_is_as_good_as_absent)
{
    kith_fingerprint right = duo_fingerprint(RIGHT, KITH_KEY_ECDSA_P256, KITH_HASH_SHA256);
    kith_fingerprint md5 = {.hash = KITH_HASH_MD5};
    ck_assert_int_eq(verdict(LEFT, (kith_fingerprint[]){md5, right}, 2), KITH_DTLS_CONNECTED);
}
END_TEST

START_TEST(peer_without_certificate_is_refused)
{
    raw_client peer;
    duo_new(&d, NULL);
    kith_dtls_start(d.side[RIGHT]);
    raw_new(&peer, "ECDHE+AESGCM", NULL);
    raw_open(&peer);
    raw_connect(&peer, &d);
    ck_assert_int_eq(kith_dtls_get_state(d.side[RIGHT]), KITH_DTLS_FAILED);
    ck_assert_int_eq(kith_dtls_get_error(d.side[RIGHT])->error_detail,
                     KITH_ERROR_DETAIL_DTLS_FAILURE);
    ck_assert_uint_eq(kith_dtls_remote_certificate(d.side[RIGHT]).len, 0);
    raw_free(&peer);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("tls: verify", every_hash_of_rfc_8122_is_verified,
          wrong_fingerprint_fails_in_either_role_before_anything_is_given_out,
          one_of_several_fingerprints_of_a_hash_is_enough, only_the_most_preferred_hash_counts,
          md5_is_as_good_as_absent, peer_without_certificate_is_refused)
