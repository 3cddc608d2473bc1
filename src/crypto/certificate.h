/* The inside of a kith_certificate: X.509 certificate and private key, shared by reference. */
#ifndef KITH_CRYPTO_CERTIFICATE_H
#define KITH_CRYPTO_CERTIFICATE_H

#include "crypto/hash.h"
#include "kith/certificate.h"

/* OpenSSL's objects, borrowed; named here so that only `crypto` and `tls` include OpenSSL. */
struct x509_st;
struct evp_pkey_st;
struct x509_st *kith_certificate_x509(const kith_certificate *certificate);
struct evp_pkey_st *kith_certificate_key(const kith_certificate *certificate);

/* DER bytes, borrowed. */
kith_span kith_certificate_der(const kith_certificate *certificate);
/* The hash of the certificate's own signature algorithm (RFC 8122 section 5). */
kith_hash kith_certificate_signature_hash(const kith_certificate *certificate);
/* One more owner; each calls kith_certificate_free. Owners may live in different threads. */
kith_certificate *kith_certificate_ref(kith_certificate *certificate);

/* A fingerprint as SDP carries it. */
typedef struct kith_fingerprint {
    kith_hash hash;
    /* kith_hash_size(hash) bytes, the rest 0 */
    uint8_t digest[KITH_HASH_MAX];
} kith_fingerprint;

#define KITH_FINGERPRINT_TEXT (3 * KITH_HASH_MAX)
/* Computed over the DER bytes. */
bool kith_fingerprint_of(kith_fingerprint *out, kith_hash hash, kith_span der) KITH_MUST_CHECK;
/* "AB:CD:…", upper case; returns buf. */
const char *kith_fingerprint_format(const kith_fingerprint *fp, char buf[KITH_FINGERPRINT_TEXT]);
/* Either case; false unless it has exactly the length of its hash. MD5 is refused (RFC 8122
 * section 5). */
bool kith_fingerprint_parse(kith_fingerprint *out, kith_span hash_name, kith_span hex);
/* Constant time. */
bool kith_fingerprint_equal(const kith_fingerprint *a, const kith_fingerprint *b);

#endif
