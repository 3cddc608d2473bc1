/* The three profiles: the RFCs' vectors, and sessions held against an SRTP that is not libsrtp2. */
#include "vectors.h"

/* ---- the oracle itself ---- */

static void check_kdf(const char *key_hex, const char *salt_hex, const char *cipher_key,
                      const char *cipher_salt, const char *auth_key)
{
    uint8_t key[32], salt[14], got[32], want[32];
    size_t key_len = from_hex(key, key_hex), salt_len = from_hex(salt, salt_hex);
    const char *const wanted[] = {cipher_key, auth_key, cipher_salt};
    for (uint8_t label = 0; label < 3; label++) {
        size_t len = from_hex(want, wanted[label]);
        oracle_kdf(key, key_len, salt, salt_len, label, got, len);
        ck_assert_mem_eq(got, want, len);
    }
}

START_TEST(keys_are_derived_as_rfc_3711_b_3_and_rfc_6188_7_say)
{
    check_kdf("E1F97A0D3E018BE0D64FA32C06DE4139", "0EC675AD498AFEEBB6960B3AABE6",
              "C61E7A93744F39EE10734AFE3FF7A087", "30CBBC08863D8C85D49DB34A9AE1",
              "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
    check_kdf("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
              "3b04803de51ee7c96423ab5b78d2",
              "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
              "fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
}
END_TEST

START_TEST(the_key_stream_is_that_of_rfc_3711_b_2)
{
    const uint8_t ssrc[4] = {0};
    uint8_t stream[48] = {0}, want[48];
    oracle_session s = {.key_len = 16};
    from_hex(s.key, "2B7E151628AED2A6ABF7158809CF4F3C");
    from_hex(s.salt, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    oracle_cm(&s, ssrc, 0, stream, sizeof stream);
    from_hex(want, "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB"
                   "41E95B3BB0A2E8DD477901E4FCA894C0");
    ck_assert_mem_eq(stream, want, sizeof want);
}
END_TEST

START_TEST(the_oracle_encrypts_as_rfc_7714_16_and_17_say)
{
    for (size_t i = 0; i < 2; i++) {
        oracle_session s = {.gcm = true, .key_len = i == 0 ? 16 : 32};
        from_hex(s.key, gcm_key);
        from_hex(s.salt, gcm_salt);
        packet_bytes rtp = bytes_of(gcm_rtp), rtcp = bytes_of(gcm_rtcp);
        packet_bytes want = bytes_of(gcm_vectors[i].rtp), want_rtcp = bytes_of(gcm_vectors[i].rtcp);
        oracle_protect_rtp(&s, &rtp, 12, 0);
        check_equal(&rtp, &want);
        oracle_protect_rtcp(&s, &rtcp, GCM_RTCP_INDEX);
        check_equal(&rtcp, &want_rtcp);
    }
}
END_TEST

/* ---- sessions ---- */

/* The answer that SRTP implementations carry for the master key of RFC 3711 appendix B.3. */
START_TEST(a_session_gives_the_known_answer_for_the_master_key_of_rfc_3711_b_3)
{
    kith_srtp_session *session;
    kith_srtp_keys keys = {.key_len = 16, .salt_len = 14};
    const kith_srtp_config config = {
        .profile = KITH_SRTP_AES128_CM_HMAC_SHA1_80, .keys = &keys, .is_client = true};
    from_hex(keys.client_key, "E1F97A0D3E018BE0D64FA32C06DE4139");
    from_hex(keys.client_salt, "0EC675AD498AFEEBB6960B3AABE6");
    ck_assert_int_eq(kith_srtp_new(&session, &config), KITH_OK);
    packet_bytes p = bytes_of("800f1234decafbadcafebabeabababababababababababababababab");
    packet_bytes want =
        bytes_of("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
    ck_assert_int_eq(kit_protect(session, &p), KITH_OK);
    check_equal(&p, &want);
    kith_srtp_free(session);
}
END_TEST

/* CSRCs and a header extension are authenticated, not encrypted. */
static packet_bytes with_long_header(uint16_t seq, size_t payload, size_t *header_len)
{
    packet_bytes p = kit_rtp(0x01020304, seq, 8 + 4 + 8 + payload);
    p.bytes[0] = 0x80 | 0x10 | 2;
    memcpy(p.bytes + 20, "\xbe\xde\x00\x02", 4);
    *header_len = 12 + 8 + 4 + 8;
    return p;
}

START_TEST(sessions_of_every_profile_and_role_agree_with_the_oracle)
{
    for (size_t i = 0; i < PROFILES * 2; i++) {
        kit k;
        int from = (int)(i % 2);
        uint16_t profile = all_profiles[i / 2], seq = 65000;
        kith_srtp_keys keys = kit_keys(profile);
        const uint8_t *key = from == ALICE ? keys.client_key : keys.server_key;
        const uint8_t *salt = from == ALICE ? keys.client_salt : keys.server_salt;
        oracle_session rtp = oracle_derive(profile, key, salt, 0);
        oracle_session rtcp = oracle_derive(profile, key, salt, 3);
        kit_new(&k, profile);
        for (size_t n = 0; n < 1200; n++, seq++) {
            size_t header_len = 12;
            packet_bytes plain = kit_rtp(0xcafebabe, seq, n);
            if (n % 3 == 0)
                plain = with_long_header(seq, n, &header_len);
            packet_bytes p = plain, want = plain;
            oracle_protect_rtp(&rtp, &want, header_len, n >= 536);
            ck_assert_int_eq(kit_protect(k.side[from], &p), KITH_OK);
            check_equal(&p, &want);
            p.len = kith_srtp_unprotect_rtp(k.side[!from], p.bytes, p.len);
            check_equal(&p, &plain);
        }
        for (uint32_t index = 1; index < 200; index++) {
            packet_bytes plain = kit_rtcp(7, (uint8_t)index), p = plain, want = plain;
            oracle_protect_rtcp(&rtcp, &want, index);
            ck_assert_int_eq(kit_protect_rtcp(k.side[from], &p), KITH_OK);
            check_equal(&p, &want);
            p.len = kith_srtp_unprotect_rtcp(k.side[!from], p.bytes, p.len);
            check_equal(&p, &plain);
        }
        kit_free(&k);
    }
}
END_TEST

/* Several packets are composed one behind the other for one send. */
START_TEST(packets_may_lie_at_any_address)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        _Alignas(8) uint8_t memory[256];
        kit_new(&k, all_profiles[i]);
        for (size_t at = 0; at < 8; at++) {
            packet_bytes plain = kit_rtp(9, (uint16_t)at, 50), report = kit_rtcp(9, 1);
            size_t len = plain.len, report_len = report.len;
            memcpy(memory + at, plain.bytes, len);
            ck_assert_int_eq(
                kith_srtp_protect_rtp(k.side[ALICE], memory + at, &len, sizeof memory - at),
                KITH_OK);
            len = kith_srtp_unprotect_rtp(k.side[BOB], memory + at, len);
            ck_assert_uint_eq(len, plain.len);
            ck_assert_mem_eq(memory + at, plain.bytes, len);
            memcpy(memory + at, report.bytes, report_len);
            ck_assert_int_eq(
                kith_srtp_protect_rtcp(k.side[ALICE], memory + at, &report_len, sizeof memory - at),
                KITH_OK);
            report_len = kith_srtp_unprotect_rtcp(k.side[BOB], memory + at, report_len);
            ck_assert_uint_eq(report_len, report.len);
            ck_assert_mem_eq(memory + at, report.bytes, report_len);
        }
        kit_free(&k);
    }
}
END_TEST

UNIT_MAIN("srtp: profile", keys_are_derived_as_rfc_3711_b_3_and_rfc_6188_7_say,
          the_key_stream_is_that_of_rfc_3711_b_2, the_oracle_encrypts_as_rfc_7714_16_and_17_say,
          a_session_gives_the_known_answer_for_the_master_key_of_rfc_3711_b_3,
          sessions_of_every_profile_and_role_agree_with_the_oracle, packets_may_lie_at_any_address)
