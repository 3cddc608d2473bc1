/* RTCCertificate: made, read and written by OpenSSL, shared by an atomic count of owners. The DTLS
 * handshake that shows it lives in `tls`; which fingerprints are acceptable is decided in `pc`. */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY: see plain_public_key */
#include "crypto/certificate.h"

#include <stdatomic.h>
#include <string.h>

#include <openssl/core_names.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"

#define DAY ((int64_t)24 * 60 * 60)
/* The default of webrtc-pc section 4.9.1.1, and its most. */
#define LIFETIME     (30 * DAY)
#define MAX_LIFETIME (365 * DAY)
/* A peer whose clock is late would find a certificate of this minute not yet valid. */
#define CLOCK_SKEW DAY
/* A serial number is positive and at most 20 octets (RFC 5280 section 4.1.2.2). */
#define SERIAL_LEN 16

struct kith_certificate {
    atomic_uint owners;
    X509 *x509;
    EVP_PKEY *key;
    uint8_t *der; /* OpenSSL's memory */
    size_t der_len;
    kith_hash signature_hash;
    int64_t expires;
};

/* OpenSSL's own reasons are of no use to a caller, and left in its queue they would be taken for
 * the next SSL call's. */
static kith_err fail(kith_err err, const char *sentence)
{
    ERR_clear_error();
    return kith_fail(err, "%s", sentence);
}

/* ---- taking a certificate and its key over ---- */

static int digest_of(X509 *x509)
{
    int digest = NID_undef;
    X509_get_signature_info(x509, &digest, NULL, NULL, NULL);
    return digest;
}

static kith_hash signature_hash(X509 *x509)
{
    switch (digest_of(x509)) {
    case NID_sha1:
        return KITH_HASH_SHA1;
    case NID_sha224:
        return KITH_HASH_SHA224;
    case NID_sha384:
        return KITH_HASH_SHA384;
    case NID_sha512:
        return KITH_HASH_SHA512;
    default: /* MD5 is refused, and some signatures hash by themselves (RFC 8122 section 5) */
        return KITH_HASH_SHA256;
    }
}

static bool unix_seconds_of(const ASN1_TIME *time, int64_t *out)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    bool done = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    *out = days * DAY + seconds;
    return done;
}

/* Owns x509 and key from here on, also where it fails. */
static kith_err adopt(kith_certificate **out, X509 *x509, EVP_PKEY *key)
{
    kith_certificate *certificate = kith_alloc_zero(1, sizeof *certificate);
    if (!certificate) {
        X509_free(x509);
        EVP_PKEY_free(key);
        return kith_fail_memory();
    }
    atomic_init(&certificate->owners, 1);
    certificate->x509 = x509;
    certificate->key = key;
    certificate->signature_hash = signature_hash(x509);
    int len = i2d_X509(x509, &certificate->der);
    if (len <= 0 || !unix_seconds_of(X509_get0_notAfter(x509), &certificate->expires)) {
        kith_certificate_free(certificate);
        return fail(KITH_ERR_SYNTAX, "the certificate cannot be encoded");
    }
    certificate->der_len = (size_t)len;
    *out = certificate;
    return KITH_OK;
}

kith_certificate *kith_certificate_ref(kith_certificate *certificate)
{
    atomic_fetch_add_explicit(&certificate->owners, 1, memory_order_relaxed);
    return certificate;
}

void kith_certificate_free(kith_certificate *certificate)
{
    if (!certificate ||
        atomic_fetch_sub_explicit(&certificate->owners, 1, memory_order_acq_rel) > 1)
        return;
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
    OPENSSL_free(certificate->der);
    kith_free(certificate);
}

/* ---- making ---- */

static bool set_serial(X509 *x509)
{
    uint8_t bytes[SERIAL_LEN];
    kith_random_bytes(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and never shorter */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return done;
}

/* All browsers show this one name, and so tell nothing about their user. */
static bool set_names(X509 *x509)
{
    static const unsigned char common_name[] = "WebRTC";
    X509_NAME *name = X509_NAME_new();
    bool done =
        name &&
        X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, common_name, -1, -1, 0) &&
        X509_set_subject_name(x509, name) && X509_set_issuer_name(x509, name);
    X509_NAME_free(name);
    return done;
}

static bool set_validity(X509 *x509, int64_t unix_seconds, int64_t lifetime)
{
    return ASN1_TIME_set(X509_getm_notBefore(x509), unix_seconds - CLOCK_SKEW) &&
           ASN1_TIME_set(X509_getm_notAfter(x509), unix_seconds + lifetime);
}

/* The public half as a key of OpenSSL's older kind. X509_set_pubkey sends a key of the newer kind
 * through an encoder and a decoder, which on 3.0 costs three times the rest of a certificate. */
static EVP_PKEY *plain_public_key(const EVP_PKEY *key)
{
    uint8_t point[65]; /* 4, x, y */
    size_t len = 0;
    EVP_PKEY *plain = EVP_PKEY_new();
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    bool done =
        plain && ec &&
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) &&
        EC_KEY_oct2key(ec, point, len, NULL) && EVP_PKEY_set1_EC_KEY(plain, ec);
    EC_KEY_free(ec);
    if (done)
        return plain;
    EVP_PKEY_free(plain);
    return NULL;
}

static bool set_public_key(X509 *x509, EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
        return X509_set_pubkey(x509, key);
    EVP_PKEY *plain = plain_public_key(key);
    bool done = plain && X509_set_pubkey(x509, plain);
    EVP_PKEY_free(plain);
    return done;
}

static bool self_sign(X509 *x509, EVP_PKEY *key, int64_t unix_seconds, int64_t lifetime)
{
    return X509_set_version(x509, X509_VERSION_3) && set_serial(x509) && set_names(x509) &&
           set_validity(x509, unix_seconds, lifetime) && set_public_key(x509, key) &&
           X509_sign(x509, key, EVP_sha256()) > 0;
}

kith_err kith_certificate_generate(kith_certificate **out, kith_key_type type, int64_t unix_seconds,
                                   int64_t lifetime)
{
    if (!out || (type != KITH_KEY_ECDSA_P256 && type != KITH_KEY_RSA_2048))
        return fail(KITH_ERR_TYPE, "no such key type");
    if (lifetime < 0)
        return fail(KITH_ERR_RANGE, "a certificate cannot expire before it is made");
    if (lifetime == 0)
        lifetime = LIFETIME;
    if (lifetime > MAX_LIFETIME)
        lifetime = MAX_LIFETIME;
    /* Days of year 0 and 9999: what a certificate can say, less its own validity. */
    if (unix_seconds < -62167219200 + CLOCK_SKEW || unix_seconds > 253402300799 - lifetime)
        return fail(KITH_ERR_RANGE, "a certificate cannot name that time");
    EVP_PKEY *key = type == KITH_KEY_RSA_2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    if (!key || !x509 || !self_sign(x509, key, unix_seconds, lifetime)) {
        EVP_PKEY_free(key);
        X509_free(x509);
        return fail(KITH_ERR_OPERATION, "OpenSSL could not make a certificate");
    }
    return adopt(out, x509, key);
}

/* ---- PEM ---- */

/* Without it OpenSSL would ask at the terminal for an encrypted key's password. */
static int no_password(char *buf, int size, int writing, void *user)
{
    (void)buf, (void)size, (void)writing, (void)user;
    return -1;
}

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    return x509;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    return key;
}

/* The curves that the handshake knows. P-256 is what every peer has (webrtc-pc section 4.9.1). */
static bool is_known_curve(const EVP_PKEY *key)
{
    static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    char name[40];
    size_t len = 0;
    if (EVP_PKEY_get_group_name(key, name, sizeof name, &len) != 1)
        return false;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(name, OBJ_nid2sn(curves[i])) == 0)
            return true;
    return false;
}

/* webrtc-pc section 4.9.1 asks for RSASSA-PKCS1-v1_5 with a modulus of 2048 bits; a signature above
 * 8192 is longer than any that the handshake takes. */
static bool is_supported(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return bits >= 2048 && bits <= 8192;
    case EVP_PKEY_EC:
        return is_known_curve(key);
    default:
        return false;
    }
}

/* OpenSSL refuses to show a certificate that somebody else signed with MD5 or SHA-1. */
static bool is_weakly_signed(X509 *x509)
{
    switch (X509_get_extension_flags(x509) & EXFLAG_SS ? NID_undef : digest_of(x509)) {
    case NID_md5:
    case NID_sha1:
        return true;
    default:
        return false;
    }
}

static kith_err judge(X509 *x509, const EVP_PKEY *key)
{
    if (!x509)
        return fail(KITH_ERR_SYNTAX, "no readable PEM certificate");
    if (!key)
        return fail(KITH_ERR_SYNTAX, "no readable, unencrypted PEM private key");
    if (!is_supported(key))
        return fail(KITH_ERR_NOT_SUPPORTED, "the key is neither ECDSA with P-256, P-384 or P-521 "
                                            "nor RSA of 2048 to 8192 bits");
    if (is_weakly_signed(x509))
        return fail(KITH_ERR_NOT_SUPPORTED, "the certificate is signed with MD5 or SHA-1");
    if (X509_check_private_key(x509, key) != 1)
        return fail(KITH_ERR_INVALID_ACCESS, "the private key is not the certificate's");
    return KITH_OK;
}

kith_err kith_certificate_from_pem(kith_certificate **out, const char *certificate_pem,
                                   const char *private_key_pem)
{
    if (!out || !certificate_pem || !private_key_pem)
        return fail(KITH_ERR_TYPE, "a certificate and its private key are needed");
    X509 *x509 = read_certificate(certificate_pem);
    EVP_PKEY *key = read_key(private_key_pem);
    kith_err err = judge(x509, key);
    if (err != KITH_OK) {
        X509_free(x509);
        EVP_PKEY_free(key);
        return err;
    }
    return adopt(out, x509, key);
}

/* The text of a memory BIO, now the caller's; NULL when out of memory. */
static char *text_of(BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    return len > 0 ? kith_strndup(text, (size_t)len) : NULL;
}

static char *write_certificate(const kith_certificate *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio && PEM_write_bio_X509(bio, certificate->x509) == 1;
    char *text = done ? text_of(bio) : NULL;
    BIO_free(bio);
    return text;
}

static char *write_key(const kith_certificate *certificate)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wipes what it frees */
    bool done =
        bio && PEM_write_bio_PKCS8PrivateKey(bio, certificate->key, NULL, NULL, 0, NULL, NULL) == 1;
    char *text = done ? text_of(bio) : NULL;
    BIO_free(bio);
    return text;
}

kith_err kith_certificate_to_pem(const kith_certificate *certificate, char **certificate_pem,
                                 char **private_key_pem)
{
    if (!certificate || !certificate_pem || !private_key_pem)
        return fail(KITH_ERR_TYPE, "a certificate and two places for text are needed");
    char *shown = write_certificate(certificate);
    char *secret = shown ? write_key(certificate) : NULL;
    if (!secret) {
        kith_free(shown);
        return fail(KITH_ERR_NO_MEMORY, "out of memory");
    }
    *certificate_pem = shown;
    *private_key_pem = secret;
    return KITH_OK;
}

/* ---- what it says ---- */

X509 *kith_certificate_x509(const kith_certificate *certificate)
{
    return certificate->x509;
}

EVP_PKEY *kith_certificate_key(const kith_certificate *certificate)
{
    return certificate->key;
}

kith_span kith_certificate_der(const kith_certificate *certificate)
{
    return kith_span_of(certificate->der, certificate->der_len);
}

kith_hash kith_certificate_signature_hash(const kith_certificate *certificate)
{
    return certificate->signature_hash;
}

int64_t kith_certificate_expires(const kith_certificate *certificate)
{
    return certificate->expires;
}

kith_err kith_certificate_fingerprint(const kith_certificate *certificate, const char *algorithm,
                                      char **value)
{
    if (!certificate || !algorithm || !value)
        return fail(KITH_ERR_TYPE, "a certificate, an algorithm and a place for text are needed");
    kith_hash hash = kith_hash_by_name(kith_span_text(algorithm));
    if (hash == KITH_HASH_NONE || hash == KITH_HASH_MD5)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "\"%.40s\" is no hash for fingerprints",
                         algorithm);
    kith_fingerprint fp;
    char text[KITH_FINGERPRINT_TEXT];
    char *copy = kith_fingerprint_of(&fp, hash, kith_certificate_der(certificate))
                     ? kith_strdup(kith_fingerprint_format(&fp, text))
                     : NULL;
    if (!copy)
        return fail(KITH_ERR_NO_MEMORY, "out of memory");
    *value = copy;
    return KITH_OK;
}
