/* The three protection profiles, and libsrtp2's words for them. */
#include <string.h>

#include "base/error.h"
#include "srtp/session.h"

/* RFC 5764 section 4.1.2, RFC 7714 section 14.2. */
static const kith_srtp_profile profiles[] = {
    {KITH_SRTP_AES128_CM_HMAC_SHA1_80, srtp_profile_aes128_cm_sha1_80, 16, 14, 10, true},
    {KITH_SRTP_AEAD_AES_128_GCM, srtp_profile_aead_aes_128_gcm, 16, 12, 16, false},
    {KITH_SRTP_AEAD_AES_256_GCM, srtp_profile_aead_aes_256_gcm, 32, 12, 16, false},
};

const kith_srtp_profile *kith_srtp_profile_of(uint16_t id)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (profiles[i].id == id)
            return &profiles[i];
    return NULL;
}

void kith_srtp_material_init(kith_srtp_material *material, const kith_srtp_config *config,
                             bool of_client)
{
    const kith_srtp_keys *keys = config->keys;
    material->profile = kith_srtp_profile_of(config->profile);
    size_t key_len = material->profile->key_len, salt_len = material->profile->salt_len;
    memcpy(material->key, of_client ? keys->client_key : keys->server_key, key_len);
    memcpy(material->key + key_len, of_client ? keys->client_salt : keys->server_salt, salt_len);
}

srtp_policy_t kith_srtp_policy(kith_srtp_material *material, srtp_ssrc_type_t type, uint32_t ssrc)
{
    srtp_policy_t policy = {.ssrc = {.type = type, .value = ssrc},
                            .key = material->key,
                            .window_size = KITH_SRTP_REPLAY_WINDOW};
    srtp_profile_t profile = material->profile->libsrtp;
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile);
    return policy;
}

/* It wants this SSRC in network byte order, unlike every other. */
void kith_srtp_remove_stream(srtp_t libsrtp, uint32_t ssrc)
{
    const uint8_t bytes[] = {(uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8),
                             (uint8_t)ssrc};
    uint32_t network;
    memcpy(&network, bytes, sizeof network);
    (void)srtp_remove_stream(libsrtp, network);
}

kith_err kith_srtp_fail(srtp_err_status_t status)
{
    switch ((int)status) {
    case srtp_err_status_alloc_fail:
    case srtp_err_status_init_fail:
        return kith_fail_memory();
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
        return kith_fail(KITH_ERR_INVALID_STATE, "this packet's index was encrypted before");
    case srtp_err_status_key_expired:
        return kith_fail(KITH_ERR_INVALID_STATE, "these keys have protected all they may");
    default:
        return kith_fail(KITH_ERR_OPERATION, "libsrtp2 failed with %d", (int)status);
    }
}
