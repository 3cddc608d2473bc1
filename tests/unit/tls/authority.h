/* A certificate authority of one certificate, made by OpenSSL: the root, what it issued for a
 * server, and that one's key, as PEM. */
#ifndef KITH_TESTS_TLS_AUTHORITY_H
#define KITH_TESTS_TLS_AUTHORITY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "../unit.h"

/* 1 July 2026; certificates are valid for half a year around it. */
#define AUTHORITY_NOW 1782864000

typedef struct authority_options {
    /* subjectAltName; NULL: none */
    const char *name, *address;
    /* NULL: "server" */
    const char *common_name;
    /* the root's name; NULL: "root" */
    const char *issuer;
    bool is_self_signed, is_for_clients;
} authority_options;

typedef struct authority {
    char *root, *certificates, *private_key;
} authority;

static inline void authority_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline X509 *authority_make(EVP_PKEY *key, const char *common_name, long serial)
{
    X509 *x509 = X509_new();
    X509_NAME *name = X509_NAME_new();
    ck_assert(x509 && name);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                               -1, 0);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
    ASN1_TIME_set(X509_getm_notBefore(x509), AUTHORITY_NOW - 90 * 86400);
    ASN1_TIME_set(X509_getm_notAfter(x509), AUTHORITY_NOW + 90 * 86400);
    ck_assert_int_eq(X509_set_subject_name(x509, name), 1);
    X509_NAME_free(name);
    ck_assert_int_eq(X509_set_pubkey(x509, key), 1);
    return x509;
}

static inline char *authority_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = malloc((size_t)len + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, data, (size_t)len);
    text[len] = '\0';
    BIO_free(bio);
    return text;
}

static inline char *authority_pem(X509 *x509)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_X509(bio, x509), 1);
    return authority_text(bio);
}

static inline void authority_init(authority *a, const authority_options *o)
{
    EVP_PKEY *root_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *root = authority_make(root_key, o->issuer ? o->issuer : "root", 1);
    X509 *leaf = authority_make(key, o->common_name ? o->common_name : "server", 2);
    X509 *issuer = o->is_self_signed ? leaf : root;
    char names[200] = "";
    ck_assert_int_eq(X509_set_issuer_name(root, X509_get_subject_name(root)), 1);
    authority_extend(root, root, NID_basic_constraints, "critical,CA:TRUE");
    authority_extend(root, root, NID_key_usage, "critical,keyCertSign");
    ck_assert_int_gt(X509_sign(root, root_key, EVP_sha256()), 0);
    ck_assert_int_eq(X509_set_issuer_name(leaf, X509_get_subject_name(issuer)), 1);
    if (o->name)
        snprintf(names, sizeof names, "DNS:%s", o->name);
    if (o->address)
        snprintf(names, sizeof names, "IP:%s", o->address);
    if (names[0])
        authority_extend(leaf, issuer, NID_subject_alt_name, names);
    authority_extend(leaf, issuer, NID_ext_key_usage,
                     o->is_for_clients ? "clientAuth" : "serverAuth");
    ck_assert_int_gt(X509_sign(leaf, o->is_self_signed ? key : root_key, EVP_sha256()), 0);
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    a->private_key = authority_text(bio);
    a->root = authority_pem(root);
    a->certificates = authority_pem(leaf);
    X509_free(root);
    X509_free(leaf);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(key);
}

static inline void authority_deinit(authority *a)
{
    free(a->root);
    free(a->certificates);
    free(a->private_key);
}

#endif
