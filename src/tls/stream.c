/* One TLS connection: OpenSSL between two memory BIOs. Contexts are in stream_context.c. */
#include "tls/stream.h"

#include <assert.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/memory.h"
#include "kith/address.h"
#include "tls/stream_context.h"

/* Who does not take what is to be sent, and goes on asking for more, has no more patience. */
#define MAX_OUTPUT (256 * 1024)

struct kith_tls_stream {
    SSL *ssl;
    /* of the connection; ssl's */
    BIO *in, *out;
    /* of what lies in `out` */
    size_t sent;
    kith_tls_stream_state state;
    const char *why;
};

/* ---- beginning and end ---- */

static kith_err make(kith_tls_stream **out, const kith_tls_context *context)
{
    kith_tls_stream *stream = kith_alloc_zero(1, sizeof *stream);
    if (!stream)
        return kith_fail_memory();
    stream->ssl = SSL_new(context->ssl);
    stream->in = BIO_new(BIO_s_mem());
    stream->out = BIO_new(BIO_s_mem());
    if (!stream->ssl || !stream->in || !stream->out) {
        BIO_free(stream->in);
        BIO_free(stream->out);
        SSL_free(stream->ssl);
        kith_free(stream);
        return kith_fail_memory();
    }
    BIO_set_mem_eof_return(stream->in, -1); /* empty is no end */
    SSL_set_bio(stream->ssl, stream->in, stream->out);
    *out = stream;
    return KITH_OK;
}

void kith_tls_stream_free(kith_tls_stream *stream)
{
    if (!stream)
        return;
    SSL_free(stream->ssl);
    kith_free(stream);
}

/* ---- what OpenSSL says ---- */

static void fail(kith_tls_stream *stream, const char *why)
{
    stream->state = KITH_TLS_STREAM_FAILED;
    stream->why = why;
}

/* The reason of a certificate that was refused, or that of the last error. */
static void fail_with_reason(kith_tls_stream *stream)
{
    long verdict = SSL_get_verify_result(stream->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (!SSL_is_server(stream->ssl) && verdict != X509_V_OK)
        reason = X509_verify_cert_error_string(verdict);
    fail(stream, reason ? reason : "the connection broke");
}

/* After a call that did not do all. */
static void note(kith_tls_stream *stream, int result)
{
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        stream->state = KITH_TLS_STREAM_CLOSED;
        break;
    default:
        fail_with_reason(stream);
        break;
    }
    if (kith_tls_stream_output(stream).len > MAX_OUTPUT)
        fail(stream, "the other side takes nothing");
}

static void shake_hands(kith_tls_stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->ssl);
    if (result == 1)
        stream->state = KITH_TLS_STREAM_OPEN;
    else
        note(stream, result);
}

/* ---- the two sides ---- */

kith_err kith_tls_stream_accept(kith_tls_stream **out, const kith_tls_context *context)
{
    kith_err err = make(out, context);
    if (err == KITH_OK)
        SSL_set_accept_state((*out)->ssl);
    return err;
}

/* RFC 6066 section 3: no IP addresses in server_name. */
static bool expect_name(SSL *ssl, const char *name)
{
    kith_address address;
    bool is_address = kith_address_parse(&address, name) == KITH_OK && address.port == 0;
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return name[0] != '\0' && X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool offer_protocol(SSL *ssl, const char *protocol)
{
    uint8_t list[256];
    size_t len = protocol ? strlen(protocol) : 0;
    if (len == 0)
        return true;
    assert(len < sizeof list);
    list[0] = (uint8_t)len;
    memcpy(list + 1, protocol, len);
    return SSL_set_alpn_protos(ssl, list, (unsigned)len + 1) == 0; /* which is success */
}

kith_err kith_tls_stream_connect(kith_tls_stream **out, const kith_tls_context *context,
                                 const kith_tls_client *client)
{
    kith_tls_stream *stream;
    kith_err err = make(&stream, context);
    if (err != KITH_OK)
        return err;
    SSL_set_connect_state(stream->ssl);
    SSL_set_hostflags(stream->ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(stream->ssl), (time_t)client->unix_seconds);
    if (!expect_name(stream->ssl, client->name)) {
        kith_tls_stream_free(stream);
        return kith_fail(KITH_ERR_TYPE, "\"%s\" is no name of a server", client->name);
    }
    if (!offer_protocol(stream->ssl, client->protocol)) {
        kith_tls_stream_free(stream);
        return kith_fail_memory();
    }
    shake_hands(stream);
    *out = stream;
    return KITH_OK;
}

/* ---- what is known ---- */

kith_tls_stream_state kith_tls_stream_get_state(const kith_tls_stream *stream)
{
    return stream->state;
}

const char *kith_tls_stream_why(const kith_tls_stream *stream)
{
    return stream->why ? stream->why : "";
}

kith_span kith_tls_stream_protocol(const kith_tls_stream *stream)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(stream->ssl, &name, &len);
    return kith_span_of(name, len);
}

/* ---- bytes ---- */

void kith_tls_stream_input(kith_tls_stream *stream, const void *data, size_t len)
{
    assert(len <= INT32_MAX);
    if (stream->state == KITH_TLS_STREAM_FAILED || len == 0)
        return;
    if (BIO_write(stream->in, data, (int)len) != (int)len)
        fail(stream, "out of memory");
    else if (stream->state == KITH_TLS_STREAM_HANDSHAKE)
        shake_hands(stream);
}

size_t kith_tls_stream_read(kith_tls_stream *stream, void *buf, size_t cap)
{
    size_t len = 0;
    if (stream->state != KITH_TLS_STREAM_OPEN)
        return 0;
    ERR_clear_error();
    int result = SSL_read_ex(stream->ssl, buf, cap, &len);
    if (result == 1)
        return len;
    note(stream, result);
    return 0;
}

bool kith_tls_stream_write(kith_tls_stream *stream, const void *data, size_t len)
{
    size_t written = 0;
    if (stream->state != KITH_TLS_STREAM_OPEN)
        return false;
    ERR_clear_error();
    int result = SSL_write_ex(stream->ssl, data, len, &written);
    if (result != 1)
        note(stream, result);
    return result == 1;
}

void kith_tls_stream_close(kith_tls_stream *stream)
{
    ERR_clear_error();
    if (stream->state == KITH_TLS_STREAM_OPEN || stream->state == KITH_TLS_STREAM_CLOSED)
        (void)SSL_shutdown(stream->ssl);
}

kith_span kith_tls_stream_output(const kith_tls_stream *stream)
{
    char *data;
    long len = BIO_get_mem_data(stream->out, &data);
    return len > 0 ? kith_span_of(data + stream->sent, (size_t)len - stream->sent)
                   : kith_span_of(NULL, 0);
}

/* A memory BIO begins anew when it is empty. */
void kith_tls_stream_sent(kith_tls_stream *stream, size_t len)
{
    size_t left = kith_tls_stream_output(stream).len;
    assert(len <= left);
    stream->sent += len;
    if (len < left)
        return;
    (void)BIO_reset(stream->out);
    stream->sent = 0;
}
