/* See messages.h. A message in one piece is not copied; one that comes in parts is put together in
 * a buffer of its own, and that of TLS is read into it, head first. */
#include "tls/messages.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/ring.h"
#include "wire/frame.h"
#include "wire/stun.h"

struct kith_messages {
    unsigned users;
    /* NULL: none */
    kith_tls_stream *tls;
    bool is_writable;
    /* the server may say so still when the client has lost its allocation */
    bool has_channels;
    /* what came is no message */
    const char *why;
    /* without TLS: of what came, what has not been looked at */
    kith_span rest;
    /* the beginning of a message */
    uint8_t *in;
    size_t in_len, in_cap;
    /* whole messages */
    kith_ring waiting;
    uint64_t dropped;
};

/* ---- beginning and end ---- */

kith_err kith_messages_new(kith_messages **out, const kith_tls_context *context,
                           const kith_tls_client *client)
{
    kith_messages *messages = kith_alloc_zero(1, sizeof *messages);
    if (!messages)
        return kith_fail_memory();
    messages->users = 1;
    messages->is_writable = true;
    kith_ring_init(&messages->waiting, KITH_MESSAGES_WAITING);
    kith_err err = context ? kith_tls_stream_connect(&messages->tls, context, client) : KITH_OK;
    if (err != KITH_OK) {
        kith_messages_free(messages);
        return err;
    }
    *out = messages;
    return KITH_OK;
}

void kith_messages_free(kith_messages *messages)
{
    if (!messages || --messages->users > 0)
        return;
    kith_tls_stream_free(messages->tls);
    kith_ring_deinit(&messages->waiting);
    kith_free(messages->in);
    kith_free(messages);
}

void kith_messages_hold(kith_messages *messages)
{
    messages->users++;
}

/* ---- what it is ---- */

bool kith_messages_is_open(const kith_messages *messages)
{
    return !messages->why &&
           (!messages->tls || kith_tls_stream_get_state(messages->tls) == KITH_TLS_STREAM_OPEN);
}

bool kith_messages_wait(const kith_messages *messages)
{
    return !kith_messages_is_open(messages) || !messages->is_writable;
}

const char *kith_messages_why_over(const kith_messages *messages)
{
    if (messages->why || !messages->tls)
        return messages->why;
    switch (kith_tls_stream_get_state(messages->tls)) {
    case KITH_TLS_STREAM_FAILED:
        return kith_tls_stream_why(messages->tls);
    case KITH_TLS_STREAM_CLOSED:
        return "the server closed the connection";
    case KITH_TLS_STREAM_HANDSHAKE:
    case KITH_TLS_STREAM_OPEN:
        break;
    }
    return NULL;
}

uint64_t kith_messages_dropped(const kith_messages *messages)
{
    return messages->dropped;
}

void kith_messages_set_writable(kith_messages *messages, bool is_writable)
{
    messages->is_writable = is_writable;
}

/* ---- in ---- */

void kith_messages_input(kith_messages *messages, kith_span piece)
{
    if (messages->tls)
        kith_tls_stream_input(messages->tls, piece.data, piece.len);
    else
        messages->rest = piece;
}

static kith_span over(kith_messages *messages, const char *why)
{
    messages->why = why;
    messages->rest = (kith_span){0};
    return (kith_span){0};
}

static bool reserve(kith_messages *messages, size_t cap)
{
    if (cap <= messages->in_cap)
        return true;
    uint8_t *in = kith_resize(messages->in, cap);
    if (!in) {
        over(messages, "out of memory");
        return false;
    }
    messages->in = in;
    messages->in_cap = cap;
    return true;
}

/* Up to len bytes of what came. */
static size_t read(kith_messages *messages, uint8_t *buf, size_t len)
{
    kith_span *rest = &messages->rest;
    if (messages->tls)
        return kith_tls_stream_read(messages->tls, buf, len);
    if (len > rest->len)
        len = rest->len;
    if (len == 0)
        return 0;
    memcpy(buf, rest->data, len);
    *rest = kith_span_of(rest->data + len, rest->len - len);
    return len;
}

/* Adds to what is kept until it is `want` bytes; false: there are not so many, or no memory. */
static bool gather(kith_messages *messages, size_t want)
{
    if (!reserve(messages, want))
        return false;
    while (messages->in_len < want) {
        size_t len = read(messages, messages->in + messages->in_len, want - messages->in_len);
        if (len == 0)
            return false;
        messages->in_len += len;
    }
    return true;
}

static bool is_message(kith_span message)
{
    return message.data[0] >> 6 != 0 || kith_stun_is(message.data, message.len);
}

kith_span kith_messages_next(kith_messages *messages, bool has_channels)
{
    static const char garbage[] = "what comes from the server is no TURN";
    kith_span none = {0}, message, *rest = &messages->rest;
    bool is_whole = messages->in_len == 0 && rest->len >= KITH_FRAME_TURN_HEAD;
    messages->has_channels |= has_channels;
    if (messages->why || (!is_whole && !gather(messages, KITH_FRAME_TURN_HEAD)))
        return none;
    const uint8_t *head = is_whole ? rest->data : messages->in;
    size_t len = kith_frame_turn_length(head);
    if (len == 0 || (head[0] >> 6 != 0 && !messages->has_channels))
        return over(messages, garbage);
    if (is_whole && rest->len >= len) {
        message = kith_span_of(rest->data, len);
        *rest = kith_span_of(rest->data + len, rest->len - len);
    } else {
        if (!gather(messages, len))
            return none;
        message = kith_span_of(messages->in, len);
        messages->in_len = 0;
    }
    return is_message(message) ? message : over(messages, garbage);
}

/* ---- out ---- */

static bool has_encrypted(const kith_messages *messages)
{
    return messages->tls && kith_tls_stream_output(messages->tls).len > 0;
}

bool kith_messages_take(const kith_messages *messages)
{
    return kith_messages_is_open(messages) && messages->is_writable &&
           messages->waiting.count == 0 && !has_encrypted(messages);
}

static size_t take_encrypted(kith_messages *messages, uint8_t *buf, size_t cap)
{
    kith_span out = kith_tls_stream_output(messages->tls);
    size_t len = out.len < cap ? out.len : cap;
    if (len == 0)
        return 0;
    memcpy(buf, out.data, len);
    kith_tls_stream_sent(messages->tls, len);
    return len;
}

size_t kith_messages_send(kith_messages *messages, uint8_t *buf, size_t len, size_t cap)
{
    assert(len > 0);
    len = kith_frame_turn_pad(buf, len);
    if (!kith_messages_take(messages)) {
        if (!kith_messages_is_open(messages) || !kith_ring_push(&messages->waiting, buf, len))
            messages->dropped++;
        return 0;
    }
    if (!messages->tls)
        return len;
    if (!kith_tls_stream_write(messages->tls, buf, len)) {
        messages->dropped++;
        return 0;
    }
    return take_encrypted(messages, buf, cap);
}

/* A message is a record of its own. */
static void encrypt_next(kith_messages *messages)
{
    kith_span next = kith_ring_peek(&messages->waiting);
    if (!next.data || !kith_messages_is_open(messages))
        return;
    if (!kith_tls_stream_write(messages->tls, next.data, next.len))
        messages->dropped++;
    kith_ring_pop(&messages->waiting);
}

size_t kith_messages_output(kith_messages *messages, uint8_t *buf, size_t cap)
{
    if (!messages->is_writable)
        return 0;
    if (messages->tls) {
        if (!has_encrypted(messages))
            encrypt_next(messages);
        return take_encrypted(messages, buf, cap);
    }
    kith_span next = kith_ring_peek(&messages->waiting);
    if (!next.data)
        return 0;
    assert(next.len <= cap);
    memcpy(buf, next.data, next.len);
    kith_ring_pop(&messages->waiting);
    return next.len;
}
