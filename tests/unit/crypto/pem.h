/* Certificates that kith does not make itself: any key, any signer, any hash. */
#ifndef KITH_TESTS_CRYPTO_PEM_H
#define KITH_TESTS_CRYPTO_PEM_H

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../unit.h"
#include "crypto/certificate.h"

/* The text of a BIO, which it frees; the caller frees the text. */
static inline char *pem_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);
    BIO_free(bio);
    return text;
}

/* The PEM of a key; with a password it is encrypted. The caller frees it. */
static inline char *pem_of(EVP_PKEY *key, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_128_cbc() : NULL,
                                                   password, password ? (int)strlen(password) : 0,
                                                   NULL, NULL),
                     1);
    return pem_text(bio);
}

static inline void pem_name(X509 *x509, const char *subject, const char *issuer)
{
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1, 0);
    X509_set_subject_name(x509, name);
    X509_NAME_free(name);
    name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)issuer, -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_NAME_free(name);
}

/* What becomes of a certificate of `key`, signed by `signer` (NULL: itself) with `md`. Frees `key`.
 */
static inline kith_err pem_import(kith_certificate **out, EVP_PKEY *key, EVP_PKEY *signer,
                                  const EVP_MD *md)
{
    X509 *x509 = X509_new();
    ck_assert_int_eq(X509_set_version(x509, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
    ASN1_TIME_set(X509_getm_notBefore(x509), 1600000000);
    ASN1_TIME_set(X509_getm_notAfter(x509), 1900000000);
    pem_name(x509, "x", signer ? "ca" : "x");
    ck_assert_int_eq(X509_set_pubkey(x509, key), 1);
    ck_assert_int_gt(X509_sign(x509, signer ? signer : key, md), 0);
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(bio, x509), 1);
    char *shown = pem_text(bio), *secret = pem_of(key, NULL);
    kith_err err = kith_certificate_from_pem(out, shown, secret);
    free(shown);
    free(secret);
    X509_free(x509);
    EVP_PKEY_free(key);
    return err;
}

#endif
