/* RTCCertificate: what a peer shows in its DTLS handshake. */
#ifndef KITH_CERTIFICATE_H
#define KITH_CERTIFICATE_H

#include "kith/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_certificate kith_certificate;

typedef enum kith_key_type { KITH_KEY_ECDSA_P256, KITH_KEY_RSA_2048 } kith_key_type;

/* A certificate that the caller gives up with kith_certificate_free; peer connections keep their
 * own reference. */

/* A fresh self-signed one, valid for `lifetime` seconds from the system's wall time `unix_seconds`:
 * 0 is 30 days, and more than 365 are cut to 365 (webrtc-pc section 4.9.1.1). 0.15 ms for ECDSA,
 * 100 for RSA. KITH_ERR_TYPE for another type, KITH_ERR_RANGE for a negative lifetime or a time
 * that no certificate can name. */
KITH_API KITH_MUST_CHECK kith_err kith_certificate_generate(kith_certificate **out,
                                                            kith_key_type type,
                                                            int64_t unix_seconds, int64_t lifetime);
/* Certificate and unencrypted private key from PEM text (each NUL-terminated; both may be the same
 * text). ECDSA keys of P-256, which every peer knows, P-384 and P-521, and RSA keys of 2048 to 8192
 * bits. KITH_ERR_SYNTAX when unreadable, KITH_ERR_INVALID_ACCESS when the key does not belong to
 * the certificate, KITH_ERR_NOT_SUPPORTED for other keys and for a signature of somebody else's
 * with MD5 or SHA-1. */
KITH_API KITH_MUST_CHECK kith_err kith_certificate_from_pem(kith_certificate **out,
                                                            const char *certificate_pem,
                                                            const char *private_key_pem);
/* PEM of the certificate or of its private key, for kith_certificate_from_pem later; owned by the
 * caller (kith_free). */
KITH_API KITH_MUST_CHECK kith_err kith_certificate_to_pem(const kith_certificate *certificate,
                                                          char **certificate_pem,
                                                          char **private_key_pem);
/* RTCCertificate.expires, in Unix seconds. */
KITH_API int64_t kith_certificate_expires(const kith_certificate *certificate);
/* RTCDtlsFingerprint value "AB:CD:…" for an algorithm of RFC 8122 ("sha-1" to "sha-512"), owned by
 * the caller (kith_free). KITH_ERR_NOT_SUPPORTED for another algorithm. */
KITH_API KITH_MUST_CHECK kith_err kith_certificate_fingerprint(const kith_certificate *certificate,
                                                               const char *algorithm, char **value);
/* NULL is fine. */
KITH_API void kith_certificate_free(kith_certificate *certificate);

#ifdef __cplusplus
}
#endif
#endif
