/* The remote certificate against the fingerprints of the remote description (RFC 8122 section 5,
 * RFC 8827 section 6.5). It stands in place of any chain building: a WebRTC certificate is its own
 * authority. */
#include <openssl/x509.h>

#include "base/error.h"
#include "base/memory.h"
#include "tls/association.h"

/* kith_hash is in order of strength, which is our order of preference. MD5 is forbidden. */
static kith_hash preferred_hash(const kith_fingerprint *all, size_t count)
{
    kith_hash best = KITH_HASH_NONE;
    for (size_t i = 0; i < count; i++)
        if (all[i].hash >= KITH_HASH_SHA1 && all[i].hash > best)
            best = all[i].hash;
    return best;
}

/* "select the set of fingerprints for its most preferred hash function (out of those offered by the
 * peer) and verify that each certificate used matches one fingerprint out of that set". */
kith_err kith_dtls_choose_fingerprints(kith_dtls *dtls, const kith_fingerprint *all, size_t count)
{
    kith_hash hash = preferred_hash(all, count);
    if (hash == KITH_HASH_NONE)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "no fingerprint with a hash that may be used");
    dtls->fingerprints = kith_alloc_zero(count, sizeof *dtls->fingerprints);
    if (!dtls->fingerprints)
        return kith_fail_memory();
    for (size_t i = 0; i < count; i++)
        if (all[i].hash == hash)
            dtls->fingerprints[dtls->fingerprint_count++] = all[i];
    return KITH_OK;
}

static bool matches(const kith_dtls *dtls, kith_span der)
{
    kith_fingerprint shown;
    if (!kith_fingerprint_of(&shown, dtls->fingerprints[0].hash, der))
        return false;
    bool found = false;
    for (size_t i = 0; i < dtls->fingerprint_count; i++)
        found |= kith_fingerprint_equal(&shown, &dtls->fingerprints[i]);
    return found;
}

/* Keeps the DER bytes as they came; OpenSSL caches them with the parsed certificate. */
static bool keep_certificate(kith_dtls *dtls, X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    if (len <= 0)
        return false;
    kith_free(dtls->remote_der);
    dtls->remote_der = kith_memdup(der, (size_t)len);
    dtls->remote_der_len = dtls->remote_der ? (size_t)len : 0;
    OPENSSL_free(der);
    return dtls->remote_der;
}

int kith_dtls_verify(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    kith_dtls *dtls = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    dtls->verified = leaf && keep_certificate(dtls, leaf) &&
                     matches(dtls, kith_span_of(dtls->remote_der, dtls->remote_der_len));
    dtls->refused = !dtls->verified;
    /* CERT_REJECTED becomes the alert bad_certificate, which webrtc-pc names for this case. */
    X509_STORE_CTX_set_error(store, dtls->verified ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return dtls->verified;
}
