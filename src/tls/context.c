/* The SSL_CTX that all associations of the process share: what may be negotiated at all. Making one
 * costs half a millisecond and 40 kB; certificate and role belong to each SSL. It is never torn
 * down. */
#include <openssl/crypto.h>
#include <openssl/srtp.h>

#include "tls/association.h"

/* RFC 8827 section 6.5: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 is mandatory, forward secrecy and
 * AEAD are favoured, NULL ciphers are forbidden. */
#define CIPHERS                                                  \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

/* X25519 is the quickest; P-256 is mandatory (RFC 8827 section 6.5), also for ECDSA certificates.
 */
#define GROUPS "X25519:P-256:P-384:P-521"

/* RFC 8827 section 6.5: AEAD should, AES128_CM_SHA1_80 must. As server OpenSSL takes our order, and
 * AES-128-GCM is twice as fast as the last and no weaker than the DTLS suite that carries its key.
 */
#define SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static SSL_CTX *shared;

/* SSL_set_info_callback: the alerts of both directions, for RTCError.receivedAlert and sentAlert.
 */
static void note_alert(const SSL *ssl, int where, int value)
{
    if (!(where & SSL_CB_ALERT) || value >> 8 != SSL3_AL_FATAL)
        return;
    kith_dtls *dtls = SSL_get_app_data(ssl);
    if (where & SSL_CB_READ)
        dtls->received_alert = value & 0xff;
    else
        dtls->sent_alert = value & 0xff;
}

static bool configure(SSL_CTX *context)
{
    /* No renegotiation, session resumption or compression (RFC 8827 section 6.5, RFC 8261 section
     * 5). No cookie exchange: ICE has already verified the address. */
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_clear_options(context, SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Certificates are compared, not judged: browsers accept RSA keys of 1024 bits
     * (webrtc-pc 4.9.1) and a system-wide policy must not make us stricter than them. */
    SSL_CTX_set_security_level(context, 1);
    SSL_CTX_set_max_cert_list(context, 16384);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, kith_dtls_verify, NULL);
    SSL_CTX_set_info_callback(context, note_alert);
    /* RFC 8827 section 6.5 asks for DTLS 1.2. OpenSSL from 4.1 on would speak 1.3 (RFC 9147) by
     * itself: not before our gate knows its records. SSL_CTX_set_tlsext_use_srtp alone returns 0
     * for success. */
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(context, GROUPS) == 1 &&
           SSL_CTX_set_tlsext_use_srtp(context, SRTP_PROFILES) == 0;
}

static void make_shared(void)
{
    SSL_CTX *context = SSL_CTX_new(DTLS_method());
    if (context && !configure(context)) {
        SSL_CTX_free(context);
        context = NULL;
    }
    shared = context;
}

SSL_CTX *kith_dtls_context(void)
{
    return CRYPTO_THREAD_run_once(&once, make_shared) == 1 ? shared : NULL;
}
