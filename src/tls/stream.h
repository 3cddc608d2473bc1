/* TLS over a byte stream (RFC 8446, RFC 5246), client and server, without I/O: what came from the
 * connection is put in, what is to be sent is taken out. TLS 1.2 at least; no renegotiation, no
 * resumption, no certificates of clients. */
#ifndef KITH_TLS_STREAM_H
#define KITH_TLS_STREAM_H

#include "base/span.h"

/* What the streams of one side have in common. A stream keeps what it needs of it. */
typedef struct kith_tls_context kith_tls_context;

/* For servers: PEM of a certificate with the chain behind it, and of its unencrypted private key.
 * SYNTAX when one is unreadable, INVALID_ACCESS when they do not belong together, NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_tls_server_context(kith_tls_context **out, const char *certificates,
                                                 const char *private_key);
/* For clients: PEM of the roots that are trusted; NULL: the system's. SYNTAX when there is none in
 * it, NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_tls_client_context(kith_tls_context **out, const char *roots);
void kith_tls_context_free(kith_tls_context *context); /* NULL is fine */

typedef enum kith_tls_stream_state {
    KITH_TLS_STREAM_HANDSHAKE,
    KITH_TLS_STREAM_OPEN,
    /* the other side has said that it sends no more */
    KITH_TLS_STREAM_CLOSED,
    KITH_TLS_STREAM_FAILED,
} kith_tls_stream_state;

typedef struct kith_tls_stream kith_tls_stream;

typedef struct kith_tls_client {
    /* the name that was asked for, or an IP address as text: the certificate must be of it */
    const char *name;
    /* its validity is judged by this clock */
    int64_t unix_seconds;
    /* the protocol that is offered (RFC 7301), "stun.turn" (RFC 7443); NULL: none */
    const char *protocol;
} kith_tls_client;

/* The server's side. NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_tls_stream_accept(kith_tls_stream **out,
                                                const kith_tls_context *context);
/* The client's side; its first bytes are to be sent. NO_MEMORY; TYPE for a name that is none. */
KITH_MUST_CHECK kith_err kith_tls_stream_connect(kith_tls_stream **out,
                                                 const kith_tls_context *context,
                                                 const kith_tls_client *client);
void kith_tls_stream_free(kith_tls_stream *stream); /* NULL is fine */

kith_tls_stream_state kith_tls_stream_get_state(const kith_tls_stream *stream);
/* Why it failed, in words: "certificate has expired". */
const char *kith_tls_stream_why(const kith_tls_stream *stream);
/* The protocol that was agreed on; empty: none. */
kith_span kith_tls_stream_protocol(const kith_tls_stream *stream);

/* The next bytes of the connection, any number of them. Read afterwards until there is no more. */
void kith_tls_stream_input(kith_tls_stream *stream, const void *data, size_t len);
/* What the other side wrote, up to cap bytes; 0: nothing now. */
size_t kith_tls_stream_read(kith_tls_stream *stream, void *buf, size_t cap);
/* Encrypts what is to be sent. False: it is not open. */
bool kith_tls_stream_write(kith_tls_stream *stream, const void *data, size_t len);
/* Says that nothing more is sent. */
void kith_tls_stream_close(kith_tls_stream *stream);
/* What is to be sent over the connection; borrowed until the next call. */
kith_span kith_tls_stream_output(const kith_tls_stream *stream);
/* Its first len bytes were sent. */
void kith_tls_stream_sent(kith_tls_stream *stream, size_t len);

#endif
