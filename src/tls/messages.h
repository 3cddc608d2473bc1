/* Messages of STUN and TURN on a byte stream, inside TLS or bare (RFC 8489 section 6.2.2, RFC 8656
 * section 3.1), at the client's side and without I/O: bytes of the connection in and out at one
 * end, whole messages at the other. What waits is bounded: who has much to send asks first whether
 * it would leave. */
#ifndef KITH_TLS_MESSAGES_H
#define KITH_TLS_MESSAGES_H

#include "tls/stream.h"

typedef struct kith_messages kith_messages;

/* What waits until the connection takes bytes; what comes then is dropped. */
#define KITH_MESSAGES_WAITING ((size_t)64 * 1024)
/* The most that TLS adds to a message: its record's head, an explicit nonce and a tag. */
#define KITH_MESSAGES_OVERHEAD 29

/* context NULL: without TLS, and `client` is not looked at. NO_MEMORY; TYPE as
 * kith_tls_stream_connect. */
KITH_MUST_CHECK kith_err kith_messages_new(kith_messages **out, const kith_tls_context *context,
                                           const kith_tls_client *client);
/* Frees it when as often as it was made and held. NULL is fine. */
void kith_messages_free(kith_messages *messages);
/* What kith_messages_next gave is used while its owner may free it. */
void kith_messages_hold(kith_messages *messages);

/* May messages be sent? Not before TLS is open, not when it is over. */
bool kith_messages_is_open(const kith_messages *messages);
/* Is the other side waited for: TLS is not open yet, or the connection takes no bytes? */
bool kith_messages_wait(const kith_messages *messages);
/* Why nothing comes and goes any more, in words; NULL: it does. */
const char *kith_messages_why_over(const kith_messages *messages);

/* ---- the side of messages ---- */

/* The next message that came; empty: none is here as a whole. Borrowed until the next call. Only
 * who has an allocation, or had one on this connection, has channels, whose data keeps its padding:
 * elsewhere it is another protocol ("HTTP" would be channel 0x4854). */
kith_span kith_messages_next(kith_messages *messages, bool has_channels);
/* Would a message leave at once? */
bool kith_messages_take(const kith_messages *messages);
/* Sends the message of `len` bytes at buf, which has room for three of padding. Returns what leaves
 * at once, from buf on and at most cap; 0: it waits, or was dropped, which is counted. */
size_t kith_messages_send(kith_messages *messages, uint8_t *buf, size_t len, size_t cap);
uint64_t kith_messages_dropped(const kith_messages *messages);

/* ---- the side of the connection ---- */

/* The connection takes bytes, or does not; it does at first. */
void kith_messages_set_writable(kith_messages *messages, bool is_writable);
/* The next bytes of the connection; borrowed until kith_messages_next gives no message. */
void kith_messages_input(kith_messages *messages, kith_span piece);
/* The next bytes for it, at most cap; 0: none. */
size_t kith_messages_output(kith_messages *messages, uint8_t *buf, size_t cap);

#endif
