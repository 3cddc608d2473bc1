/* What a connected association agreed on: version, cipher suite, SRTP profile, and the SRTP keys.
 */
#include <string.h>

#include <openssl/srtp.h>

#include "base/memory.h"
#include "tls/association.h"

/* "DTLS-SRTP Protection Profiles", IANA; key and salt lengths of RFC 5764 section 4.1.2 and RFC
 * 7714 section 14.2. */
static const struct kith_srtp_profile {
    uint16_t id;
    const char *name;
    size_t key_len, salt_len;
} profiles[] = {
    {SRTP_AES128_CM_SHA1_80, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14},
    {SRTP_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM", 16, 12},
    {SRTP_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM", 32, 12},
};

/* RFC 5764 section 4.2: client key, server key, client salt, server salt, without a context. */
static bool export_keys(SSL *ssl, const kith_srtp_profile *profile, kith_srtp_keys *out)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t material[2 * (sizeof out->client_key + sizeof out->client_salt)];
    size_t key = profile->key_len, salt = profile->salt_len;
    bool exported = SSL_export_keying_material(ssl, material, 2 * (key + salt), label,
                                               sizeof label - 1, NULL, 0, 0) == 1;
    if (exported) {
        memcpy(out->client_key, material, key);
        memcpy(out->server_key, material + key, key);
        memcpy(out->client_salt, material + 2 * key, salt);
        memcpy(out->server_salt, material + 2 * key + salt, salt);
        out->key_len = key;
        out->salt_len = salt;
    }
    kith_wipe(material, sizeof material);
    return exported;
}

bool kith_dtls_take_srtp(kith_dtls *dtls)
{
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(dtls->ssl);
    for (size_t i = 0; chosen && i < sizeof profiles / sizeof profiles[0]; i++)
        if (profiles[i].id == chosen->id)
            dtls->srtp_profile = &profiles[i];
    return !dtls->srtp_profile || export_keys(dtls->ssl, dtls->srtp_profile, &dtls->srtp_keys);
}

static const kith_srtp_profile *agreed_profile(const kith_dtls *dtls)
{
    return dtls->state == KITH_DTLS_CONNECTED ? dtls->srtp_profile : NULL;
}

const char *kith_dtls_version(const kith_dtls *dtls)
{
    return dtls->version;
}

const char *kith_dtls_cipher(const kith_dtls *dtls)
{
    return dtls->cipher;
}

uint16_t kith_dtls_srtp_profile(const kith_dtls *dtls)
{
    const kith_srtp_profile *profile = agreed_profile(dtls);
    return profile ? profile->id : 0;
}

const char *kith_dtls_srtp_cipher(const kith_dtls *dtls)
{
    const kith_srtp_profile *profile = agreed_profile(dtls);
    return profile ? profile->name : "";
}

bool kith_dtls_export_srtp_keys(const kith_dtls *dtls, kith_srtp_keys *out)
{
    bool is_agreed = agreed_profile(dtls);
    *out = is_agreed ? dtls->srtp_keys : (kith_srtp_keys){0};
    return is_agreed;
}
