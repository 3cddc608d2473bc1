/* Keys and sending. */
#include "../tls/duo.h"
#include "kit.h"

START_TEST(keys_of_another_profile_are_refused)
{
    kith_srtp_session *session;
    for (size_t i = 0; i < PROFILES; i++) {
        for (size_t j = 0; j < PROFILES; j++) {
            kith_srtp_keys keys = kit_keys(all_profiles[j]);
            const kith_srtp_config config = {.profile = all_profiles[i], .keys = &keys};
            kith_err err = kith_srtp_new(&session, &config);
            ck_assert_int_eq(err, i == j ? KITH_OK : KITH_ERR_TYPE);
            if (err == KITH_OK)
                kith_srtp_free(session);
        }
    }
    kith_srtp_keys keys = kit_keys(KITH_SRTP_AEAD_AES_128_GCM);
    /* SRTP_AES128_CM_HMAC_SHA1_32 and SRTP_NULL_HMAC_SHA1_80: known to libsrtp2, not to us. */
    static const uint16_t others[] = {0, 2, 5, 6, 9, 0xffff};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const kith_srtp_config config = {.profile = others[i], .keys = &keys};
        ck_assert_int_eq(kith_srtp_new(&session, &config), KITH_ERR_NOT_SUPPORTED);
    }
    kith_srtp_free(NULL);
}
END_TEST

/* RFC 5764 section 4.2: the client's keys are for what the client sends. */
START_TEST(a_side_decrypts_what_the_other_role_sent_and_not_its_own)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        for (int side = 0; side < 2; side++) {
            uint32_t ssrc = 1 + (uint32_t)side;
            packet_bytes p = kit_sent(&k, side, ssrc, 1), report = kit_rtcp(ssrc, 1);
            ck_assert_int_eq(kit_protect_rtcp(k.side[side], &report), KITH_OK);
            ck_assert(!kit_takes(&k, side, p));
            ck_assert(!kit_takes_rtcp(&k, side, report));
            ck_assert_uint_eq(kith_srtp_get_counters(k.side[side])->auth_failed, 2);
            ck_assert(kit_takes(&k, !side, p));
            ck_assert(kit_takes_rtcp(&k, !side, report));
        }
        kit_free(&k);
    }
}
END_TEST

START_TEST(keys_that_dtls_exports_make_sessions_that_understand_each_other)
{
    duo d;
    kit k = {0};
    duo_connect(&d, NULL);
    for (int side = 0; side < 2; side++) {
        kith_srtp_keys keys;
        const kith_srtp_config config = {.profile = kith_dtls_srtp_profile(d.side[side]),
                                         .keys = &keys,
                                         .is_client =
                                             kith_dtls_get_role(d.side[side]) == KITH_DTLS_CLIENT};
        ck_assert(kith_dtls_export_srtp_keys(d.side[side], &keys));
        ck_assert_int_eq(kith_srtp_new(&k.side[side], &config), KITH_OK);
    }
    for (int side = 0; side < 2; side++)
        ck_assert(kit_takes(&k, !side, kit_sent(&k, side, 1, 1)));
    kit_free(&k);
    duo_free(&d);
}
END_TEST

START_TEST(profiles_do_not_understand_each_other)
{
    for (size_t i = 0; i < PROFILES; i++) {
        for (size_t j = 0; j < PROFILES; j++) {
            kit a, b;
            kit_new(&a, all_profiles[i]);
            kit_new(&b, all_profiles[j]);
            packet_bytes p = kit_sent(&a, ALICE, 1, 1), report = kit_rtcp(1, 1);
            ck_assert_int_eq(kit_protect_rtcp(a.side[ALICE], &report), KITH_OK);
            ck_assert_int_eq(kit_takes(&b, BOB, p), i == j);
            ck_assert_int_eq(kit_takes_rtcp(&b, BOB, report), i == j);
            kit_free(&a);
            kit_free(&b);
        }
    }
}
END_TEST

START_TEST(an_index_is_encrypted_once)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        kit_new(&k, all_profiles[i]);
        for (uint32_t n = 0; n < 70000; n += 7) {
            packet_bytes p = kit_rtp(1, (uint16_t)n, 20), before = p;
            ck_assert_int_eq(kit_protect(k.side[ALICE], &p), KITH_OK);
            for (int other = 0; other < 2; other++) {
                p = before;
                p.bytes[15] ^= (uint8_t)other;
                packet_bytes unchanged = p;
                ck_assert_int_eq(kit_protect(k.side[ALICE], &p), KITH_ERR_INVALID_STATE);
                ck_assert_mem_eq(p.bytes, unchanged.bytes, sizeof p.bytes);
                ck_assert_uint_eq(p.len, unchanged.len);
            }
        }
        /* One that was skipped may follow within the window, and not from behind it. */
        packet_bytes late = kit_rtp(1, (uint16_t)(69993 - 1023), 20);
        packet_bytes too_late = kit_rtp(1, (uint16_t)(69993 - 1024), 20);
        ck_assert_int_eq(kit_protect(k.side[ALICE], &late), KITH_OK);
        ck_assert_int_eq(kit_protect(k.side[ALICE], &too_late), KITH_ERR_INVALID_STATE);
        kit_free(&k);
    }
}
END_TEST

START_TEST(a_packet_that_does_not_fit_or_is_none_is_refused_and_unchanged)
{
    for (size_t i = 0; i < PROFILES; i++) {
        kit k;
        size_t tag = kith_srtp_profile_of(all_profiles[i])->tag_len;
        kit_new(&k, all_profiles[i]);
        packet_bytes p = kit_rtp(1, 1, 20), report = kit_rtcp(1, 1);
        packet_bytes as_it_was = p, report_as_it_was = report;
        ck_assert_uint_le(tag, KITH_SRTP_RTP_OVERHEAD);
        for (size_t cap = 0; cap < p.len + tag; cap++)
            ck_assert_int_eq(kith_srtp_protect_rtp(k.side[ALICE], p.bytes, &p.len, cap),
                             KITH_ERR_RANGE);
        for (size_t cap = 0; cap < report.len + tag + 4; cap++)
            ck_assert_int_eq(kith_srtp_protect_rtcp(k.side[ALICE], report.bytes, &report.len, cap),
                             KITH_ERR_RANGE);
        for (size_t len = 0; len < 12; len++) {
            size_t short_len = len;
            ck_assert_int_eq(
                kith_srtp_protect_rtp(k.side[ALICE], p.bytes, &short_len, sizeof p.bytes),
                KITH_ERR_TYPE);
        }
        for (size_t len = 0; len < 8; len++) {
            size_t short_len = len;
            ck_assert_int_eq(
                kith_srtp_protect_rtcp(k.side[ALICE], report.bytes, &short_len, sizeof p.bytes),
                KITH_ERR_TYPE);
        }
        ck_assert_mem_eq(&p, &as_it_was, sizeof p);
        ck_assert_mem_eq(&report, &report_as_it_was, sizeof report);
        /* None of these has used the index up. */
        ck_assert_int_eq(kith_srtp_protect_rtp(k.side[ALICE], p.bytes, &p.len, as_it_was.len + tag),
                         KITH_OK);
        ck_assert_uint_eq(p.len, as_it_was.len + tag);
        kit_free(&k);
    }
}
END_TEST

START_TEST(at_most_256_ssrcs_are_sent_and_a_retired_one_makes_room_for_another)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 0; ssrc < KITH_SRTP_MAX_SSRCS; ssrc++)
        (void)kit_sent(&k, ALICE, ssrc, 1);
    packet_bytes p = kit_rtp(1000, 1, 20), report = kit_rtcp(1000, 1);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &p), KITH_ERR_RANGE);
    ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_ERR_RANGE);
    kith_srtp_retire(k.side[ALICE], 2000);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &p), KITH_ERR_RANGE);
    kith_srtp_retire(k.side[ALICE], 77);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &p), KITH_OK);
    ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &report), KITH_OK);
    /* Its indices must not come again, in RTCP neither. */
    packet_bytes again = kit_rtp(77, 2, 20), again_report = kit_rtcp(77, 1);
    kith_srtp_retire(k.side[ALICE], 1000);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &again), KITH_ERR_INVALID_STATE);
    ck_assert_int_eq(kit_protect_rtcp(k.side[ALICE], &again_report), KITH_ERR_INVALID_STATE);
    kit_free(&k);
}
END_TEST

START_TEST(no_more_than_16384_ssrcs_are_sent_with_and_none_comes_back)
{
    kit k;
    kit_new(&k, KITH_SRTP_AEAD_AES_128_GCM);
    for (uint32_t ssrc = 0; ssrc < KITH_SRTP_MAX_RETIRED; ssrc++) {
        packet_bytes p = kit_rtp(ssrc, 1, 20);
        ck_assert_int_eq(kit_protect(k.side[ALICE], &p), KITH_OK);
        kith_srtp_retire(k.side[ALICE], ssrc);
    }
    packet_bytes another = kit_rtp(KITH_SRTP_MAX_RETIRED, 1, 20);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &another), KITH_ERR_RANGE);
    packet_bytes first = kit_rtp(0, 2, 20), last = kit_rtp(KITH_SRTP_MAX_RETIRED - 1, 2, 20);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &first), KITH_ERR_INVALID_STATE);
    ck_assert_int_eq(kit_protect(k.side[ALICE], &last), KITH_ERR_INVALID_STATE);
    kit_free(&k);
}
END_TEST

UNIT_MAIN("srtp: session", keys_of_another_profile_are_refused,
          a_side_decrypts_what_the_other_role_sent_and_not_its_own,
          keys_that_dtls_exports_make_sessions_that_understand_each_other,
          profiles_do_not_understand_each_other, an_index_is_encrypted_once,
          a_packet_that_does_not_fit_or_is_none_is_refused_and_unchanged,
          at_most_256_ssrcs_are_sent_and_a_retired_one_makes_room_for_another,
          no_more_than_16384_ssrcs_are_sent_with_and_none_comes_back)
