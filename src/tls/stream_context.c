/* What TLS streams negotiate at all: versions and suites, the server's certificate, the client's
 * roots. */
#include "tls/stream_context.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "base/memory.h"

/* Of TLS 1.2, those with forward secrecy and AEAD (RFC 9325 section 4.2); all of TLS 1.3 are. */
#define CIPHERS                                                  \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

/* RFC 8446 section 4.6.1: no tickets. Buffers of idle connections are given back. */
static bool configure(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ssl, 0) == 1 && SSL_CTX_set_cipher_list(ssl, CIPHERS) == 1;
}

static kith_err make(kith_tls_context **out, const SSL_METHOD *method)
{
    kith_tls_context *context = kith_alloc_zero(1, sizeof *context);
    if (!context)
        return kith_fail_memory();
    context->ssl = SSL_CTX_new(method);
    if (!context->ssl || !configure(context->ssl)) {
        kith_tls_context_free(context);
        return kith_fail_memory();
    }
    *out = context;
    return KITH_OK;
}

void kith_tls_context_free(kith_tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl); /* streams have references of their own */
    kith_free(context);
}

/* ---- PEM ---- */

/* Nobody is asked for one. */
static int no_password(char *buf, int size, int writing, void *user)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)user;
    return 0;
}

static BIO *open_text(const char *text)
{
    size_t len = strlen(text);
    return BIO_new_mem_buf(text, len < INT32_MAX ? (int)len : INT32_MAX);
}

/* Gives each certificate of the text to `take`, which keeps or frees it; how many it took. */
static size_t each_certificate(const char *text, bool (*take)(SSL_CTX *ssl, X509 *x509, size_t at),
                               SSL_CTX *ssl)
{
    BIO *bio = open_text(text);
    size_t count = 0;
    for (X509 *x509; bio && (x509 = PEM_read_bio_X509(bio, NULL, no_password, NULL)); count++)
        if (!take(ssl, x509, count))
            break;
    BIO_free(bio);
    ERR_clear_error();
    return count;
}

/* ---- servers ---- */

static bool take_chain(SSL_CTX *ssl, X509 *x509, size_t at)
{
    if (at > 0) {
        if (SSL_CTX_add0_chain_cert(ssl, x509) == 1)
            return true;
        X509_free(x509);
        return false;
    }
    bool taken = SSL_CTX_use_certificate(ssl, x509) == 1;
    X509_free(x509);
    return taken;
}

static kith_err use(SSL_CTX *ssl, const char *certificates, const char *private_key)
{
    BIO *bio = open_text(private_key);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    kith_err err = KITH_OK;
    if (!key)
        err = kith_fail(KITH_ERR_SYNTAX, "no unencrypted private key in PEM");
    else if (each_certificate(certificates, take_chain, ssl) == 0)
        err = kith_fail(KITH_ERR_SYNTAX, "no certificate in PEM that can be used");
    else if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1)
        err = kith_fail(KITH_ERR_INVALID_ACCESS, "the private key is not that of the certificate");
    EVP_PKEY_free(key);
    ERR_clear_error();
    return err;
}

/* RFC 7443: TURN or discovery, where a client offers one of them; else no word of it. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *user)
{
    static const unsigned char ours[] = "\x09stun.turn\x12stun.nat-discovery";
    unsigned char *chosen;
    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

kith_err kith_tls_server_context(kith_tls_context **out, const char *certificates,
                                 const char *private_key)
{
    kith_tls_context *context;
    kith_err err = make(&context, TLS_server_method());
    if (err != KITH_OK)
        return err;
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, NULL);
    err = use(context->ssl, certificates, private_key);
    if (err != KITH_OK) {
        kith_tls_context_free(context);
        return err;
    }
    *out = context;
    return KITH_OK;
}

/* ---- clients ---- */

static bool take_root(SSL_CTX *ssl, X509 *x509, size_t at)
{
    (void)at;
    bool taken = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), x509) == 1;
    X509_free(x509);
    return taken;
}

kith_err kith_tls_client_context(kith_tls_context **out, const char *roots)
{
    kith_tls_context *context;
    kith_err err = make(&context, TLS_client_method());
    if (err != KITH_OK)
        return err;
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    if (!roots && SSL_CTX_set_default_verify_paths(context->ssl) != 1)
        err = kith_fail_memory();
    if (roots && each_certificate(roots, take_root, context->ssl) == 0)
        err = kith_fail(KITH_ERR_SYNTAX, "no certificate in PEM among the roots");
    if (err != KITH_OK) {
        kith_tls_context_free(context);
        return err;
    }
    *out = context;
    return KITH_OK;
}
