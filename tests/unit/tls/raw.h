/* A bare OpenSSL peer, for what kith_dtls itself cannot be: another implementation of records,
 * large hellos, NULL ciphers, no certificate, renegotiation. Each record it makes becomes a
 * datagram. */
#ifndef KITH_TESTS_TLS_RAW_H
#define KITH_TESTS_TLS_RAW_H

#include "duo.h"
#include "tls/record.h"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

typedef struct raw_client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    int kith; /* the side of the duo that it talks to */
} raw_client;

static inline int raw_trust(X509_STORE_CTX *store, void *unused)
{
    (void)store;
    (void)unused;
    return 1;
}

static inline void raw_new(raw_client *c, const char *ciphers, kith_certificate *certificate)
{
    c->context = SSL_CTX_new(DTLS_method());
    SSL_CTX_set_cert_verify_callback(c->context, raw_trust, NULL);
    SSL_CTX_set_security_level(c->context, 0);
    ck_assert_int_eq(SSL_CTX_set_cipher_list(c->context, ciphers), 1);
    if (certificate) {
        SSL_CTX_use_certificate(c->context, kith_certificate_x509(certificate));
        SSL_CTX_use_PrivateKey(c->context, kith_certificate_key(certificate));
    }
    SSL_CTX_set_options(c->context, SSL_OP_NO_QUERY_MTU);
    c->ssl = NULL;
}

/* After the context was given its peculiarities. */
static inline void raw_open_as(raw_client *c, bool is_server)
{
    c->ssl = SSL_new(c->context);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(c->in, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_mtu(c->ssl, 1200);
    c->kith = is_server ? LEFT : RIGHT;
    if (is_server)
        SSL_set_accept_state(c->ssl);
    else
        SSL_set_connect_state(c->ssl);
}

static inline void raw_open(raw_client *c)
{
    raw_open_as(c, false);
}

static inline void raw_free(raw_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    ERR_clear_error();
}

/* What it has to say, each record as a datagram of the wire. */
static inline void raw_speak(raw_client *c, duo *d, int to)
{
    char *data = NULL;
    long len = BIO_get_mem_data(c->out, &data);
    kith_span rest = kith_span_of(data, (size_t)len);
    kith_dtls_record record;
    while (kith_dtls_record_next(&rest, &record))
        duo_put(d, to, 0, record.whole.data, record.whole.len);
    ck_assert_uint_eq(rest.len, 0);
    (void)BIO_reset(c->out);
}

/* One step with everything that kith sends. */
static inline void raw_step(raw_client *c, duo *d)
{
    uint8_t buf[2048];
    size_t len;
    SSL_do_handshake(c->ssl);
    raw_speak(c, d, c->kith);
    duo_deliver(d);
    while ((len = kith_dtls_output(d->side[c->kith], d->now, buf, sizeof buf)) > 0) {
        ck_assert_int_eq(BIO_write(c->in, buf, (int)len), (int)len);
        SSL_do_handshake(c->ssl);
    }
    duo_drain(d, c->kith);
}

static inline void raw_connect(raw_client *c, duo *d)
{
    for (int i = 0; i < 8; i++)
        raw_step(c, d);
}

#endif
