/* The connections of the model TURN server: messages out of pieces, TLS around them where that is
 * spoken, and what servers do to clients there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "tcp.h"
#include "turn.h"
#include "wire/frame.h"

/* What waits for a client; then messages are dropped. */
#define QUEUE ((size_t)256 * 1024)

struct turn_stream {
    struct turn_stream *next;
    kith_path path;
    kith_tls_stream *tls; /* NULL: bare */
    uint8_t in[70000];
    size_t len;
    bool is_done; /* it says no more */
};

void turn_listen(turn_server *s)
{
    turn_host(s)->tcp = turn_host(s)->address;
}

void turn_listen_tls(turn_server *s, kith_tls_context *context)
{
    turn_host(s)->tls = turn_host(s)->address;
    turn_host(s)->tls.port = 5349;
    kith_tls_context_free(turn_streams_of(s)->context);
    turn_streams_of(s)->context = context;
}

void turn_be_odd(turn_server *s, turn_oddity oddity)
{
    turn_streams_of(s)->oddity = oddity;
}

static struct turn_stream *find(turn_server *s, const kith_path *path)
{
    for (struct turn_stream *stream = turn_streams_of(s)->first; stream; stream = stream->next)
        if (kith_path_equal(&stream->path, path))
            return stream;
    return NULL;
}

bool turn_stream_accept(turn_server *s, const kith_path *path)
{
    struct turn_stream *stream = calloc(1, sizeof *stream);
    turn_streams *streams = turn_streams_of(s);
    stream->path = *path;
    if (kith_address_equal(&path->local, &turn_host(s)->tls) &&
        kith_tls_stream_accept(&stream->tls, streams->context) != KITH_OK) {
        free(stream);
        return false;
    }
    stream->next = streams->first;
    streams->first = stream;
    streams->accepted++;
    streams->connected++;
    return true;
}

static void free_stream(turn_server *s, struct turn_stream *stream)
{
    struct turn_stream **at = &turn_streams_of(s)->first;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    turn_streams_of(s)->connected--;
    kith_tls_stream_free(stream->tls);
    free(stream);
}

void turn_streams_deinit(turn_server *s)
{
    while (turn_streams_of(s)->first)
        free_stream(s, turn_streams_of(s)->first);
    kith_tls_context_free(turn_streams_of(s)->context);
}

void turn_stream_closed(turn_server *s, const kith_path *path)
{
    struct turn_stream *stream = find(s, path);
    if (!stream)
        return;
    turn_client_gone(s, path);
    free_stream(s, stream);
}

static void flush(turn_server *s, struct turn_stream *stream)
{
    for (kith_span out; (out = kith_tls_stream_output(stream->tls)).len > 0;) {
        tcp_send(turn_host(s), &stream->path, out.data, out.len);
        kith_tls_stream_sent(stream->tls, out.len);
    }
}

static void write_bytes(turn_server *s, struct turn_stream *stream, const void *data, size_t len)
{
    if (!stream->tls) {
        tcp_send(turn_host(s), &stream->path, data, len);
        return;
    }
    (void)kith_tls_stream_write(stream->tls, data, len);
    flush(s, stream);
}

void turn_stream_send(turn_server *s, const kith_path *path, const uint8_t *data, size_t len)
{
    struct turn_stream *stream = find(s, path);
    uint8_t message[70000];
    if (!stream || stream->is_done || tcp_waiting(turn_host(s), path) > QUEUE)
        return;
    memcpy(message, data, len);
    len = kith_frame_turn_pad(message, len);
    if (turn_streams_of(s)->oddity == TURN_SAYS_HALF) {
        stream->is_done = true;
        len /= 2;
    }
    write_bytes(s, stream, message, len);
}

/* False: the stream may be gone. */
static bool is_odd(turn_server *s, struct turn_stream *stream)
{
    static const char garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    kith_path path = stream->path;
    switch (turn_streams_of(s)->oddity) {
    case TURN_IS_SILENT:
        return true;
    case TURN_SAYS_GARBAGE:
        write_bytes(s, stream, garbage, sizeof garbage - 1);
        return true;
    case TURN_CLOSES:
        tcp_close(turn_host(s), &path);
        turn_stream_closed(s, &path);
        return true;
    case TURN_SERVES:
    case TURN_SAYS_HALF:
        break;
    }
    return false;
}

static void take_messages(turn_server *s, const kith_path *path)
{
    for (struct turn_stream *stream; (stream = find(s, path));) {
        size_t len = stream->len >= KITH_FRAME_TURN_HEAD ? kith_frame_turn_length(stream->in) : 0;
        if (len == 0 || stream->len < len)
            return;
        uint8_t message[70000];
        memcpy(message, stream->in, len);
        stream->len -= len;
        memmove(stream->in, stream->in + len, stream->len);
        turn_receive(s, path, message, len);
    }
}

void turn_stream_receive(turn_server *s, const kith_path *path, const uint8_t *data, size_t len)
{
    struct turn_stream *stream = find(s, path);
    if (!stream)
        return;
    if (turn_streams_of(s)->oddity == TURN_IS_SILENT)
        return;
    if (stream->tls) {
        kith_tls_stream_input(stream->tls, data, len);
        for (size_t got; (got = kith_tls_stream_read(stream->tls, stream->in + stream->len,
                                                     sizeof stream->in - stream->len)) > 0;) {
            stream->len += got;
            turn_streams_of(s)->bytes += got;
        }
        flush(s, stream);
    } else {
        assert(stream->len + len <= sizeof stream->in);
        memcpy(stream->in + stream->len, data, len);
        stream->len += len;
        turn_streams_of(s)->bytes += len;
    }
    if (stream->len > 0 && !is_odd(s, stream))
        take_messages(s, path);
}
