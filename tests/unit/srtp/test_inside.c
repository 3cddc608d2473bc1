/* Sessions with the inside of libsrtp2 set to what packets would bring about too late: session keys
 * of RFC 7714's vectors, an SRTCP index near its end. */
#include "vectors.h"

#include "cipher.h"
#include "srtp_priv.h"

/* Section 17.3: authenticated, not encrypted. */
static const char gcm_rtcp_tagged[] =
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef"
    "deadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4";

/* Session keys in place of those that were derived: what the vectors of RFC 7714 are for. */
static void set_session_keys(srtp_t libsrtp)
{
    uint8_t key[32];
    srtp_session_keys_t *keys = libsrtp->stream_template->session_keys;
    from_hex(key, gcm_key);
    ck_assert_int_eq(srtp_cipher_init(keys->rtp_cipher, key), srtp_err_status_ok);
    ck_assert_int_eq(srtp_cipher_init(keys->rtcp_cipher, key), srtp_err_status_ok);
    from_hex(keys->salt, gcm_salt);
    from_hex(keys->c_salt, gcm_salt);
}

START_TEST(sessions_encrypt_and_decrypt_as_rfc_7714_16_and_17_say)
{
    for (size_t i = 0; i < 2; i++) {
        kit k;
        const struct gcm_vector *vector = &gcm_vectors[i];
        packet_bytes plain = bytes_of(gcm_rtp), rtp = plain, want = bytes_of(vector->rtp);
        packet_bytes plain_rtcp = bytes_of(gcm_rtcp), rtcp, want_rtcp = bytes_of(vector->rtcp);
        kit_new(&k, vector->profile);
        set_session_keys(k.side[ALICE]->outbound);
        set_session_keys(k.side[BOB]->inbound->libsrtp);
        ck_assert_int_eq(kit_protect(k.side[ALICE], &rtp), KITH_OK);
        check_equal(&rtp, &want);
        for (int index = 1; index <= GCM_RTCP_INDEX; index++) {
            rtcp = plain_rtcp;
            ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &rtcp), KITH_OK);
        }
        check_equal(&rtcp, &want_rtcp);
        rtp.len = kith_srtp_unprotect_rtp(k.side[BOB], rtp.bytes, rtp.len);
        check_equal(&rtp, &plain);
        rtcp.len = kith_srtp_unprotect_rtcp(k.side[BOB], rtcp.bytes, rtcp.len);
        check_equal(&rtcp, &plain_rtcp);
        kit_free(&k);
    }
}
END_TEST

/* RFC 7714 section 9.3 lets SRTCP go unencrypted; nobody in WebRTC may (RFC 8827 section 6.5). */
START_TEST(srtcp_that_is_only_authenticated_is_dropped)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    set_session_keys(k.side[BOB]->inbound->libsrtp);
    ck_assert(!kit_takes_rtcp(&k, BOB, bytes_of(gcm_rtcp_tagged)));
    ck_assert_uint_eq(kith_srtp_get_counters(k.side[BOB])->malformed, 1);
    ck_assert(kit_takes_rtcp(&k, BOB, bytes_of(gcm_vectors[0].rtcp)));
    kit_free(&k);
}
END_TEST

/* RFC 3711 section 9.2: 2^31 packets of SRTCP, and not one more. */
START_TEST(the_index_of_srtcp_does_not_wrap)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        packet_bytes p = kit_rtcp(5, 1), before = p;
        kit_new(&k, all_profiles[i]);
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &p), KITH_OK);
        srtp_get_stream(k.side[ALICE]->outbound, 5u << 24)->rtcp_rdb.window_start = 0x7ffffffe;
        p = before;
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &p), KITH_OK);
        ck_assert(kit_takes_rtcp(&k, BOB, p));
        p = before;
        ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &p), KITH_ERR_INVALID_STATE);
        check_equal(&p, &before);
        kit_free(&k);
    }
}
END_TEST

UNIT_MAIN("srtp: inside", sessions_encrypt_and_decrypt_as_rfc_7714_16_and_17_say,
          srtcp_that_is_only_authenticated_is_dropped, the_index_of_srtcp_does_not_wrap)
