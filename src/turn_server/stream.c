/* Streams of clients: messages out of pieces, messages that wait, and who is closed. */
#include "turn_server/stream.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "turn_server/server.h"
#include "wire/frame.h"

/* ---- beginning and end ---- */

static kith_turn_stream *find(const kith_turn_server *server, const kith_path *path)
{
    kith_map_node *node = kith_map_find(&server->streams, kith_span_of(path, sizeof *path));
    return node ? KITH_OWNER(node, kith_turn_stream, in_streams) : NULL;
}

/* It has something to write, or is to be closed. */
static void make_writable(kith_turn_stream *stream)
{
    if (!kith_list_has(&stream->in_writable) && (stream->ends || !stream->is_full))
        kith_list_append(&stream->server->writable, &stream->in_writable);
}

static void end(kith_turn_stream *stream)
{
    if (stream->tls)
        kith_tls_stream_close(stream->tls);
    stream->ends = true;
    make_writable(stream);
}

static void leave_waiting(kith_turn_stream *stream)
{
    if (kith_list_has(&stream->in_waiting))
        stream->server->waiting_count--;
    kith_list_remove(&stream->in_waiting);
}

static void wait_in(kith_turn_stream *stream, kith_list *list)
{
    leave_waiting(stream);
    stream->since = stream->server->now;
    stream->server->waiting_count++;
    kith_list_append(list, &stream->in_waiting);
}

/* The oldest makes room, one that has said nothing yet before one that has. */
static void make_room(kith_turn_server *server)
{
    kith_list_node *node = kith_list_first(&server->fresh);
    if (server->waiting_count < KITH_TURN_STREAM_MAX_WAITING)
        return;
    if (!node)
        node = kith_list_first(&server->idle);
    kith_turn_stream *stream = KITH_OWNER(node, kith_turn_stream, in_waiting);
    leave_waiting(stream);
    server->counters.streams_ended++;
    end(stream);
}

static kith_err add(kith_turn_stream *stream)
{
    kith_turn_server *server = stream->server;
    uint8_t address[KITH_ADDRESS_SITE];
    kith_err err =
        kith_quota_take(&server->connections, kith_address_site(address, &stream->path.remote),
                        2 * server->config.max_per_address, &stream->of_address);
    if (err != KITH_OK)
        return err;
    return kith_map_add(&server->streams, &stream->in_streams,
                        kith_span_of(&stream->path, sizeof stream->path));
}

kith_err kith_turn_server_set_certificate(kith_turn_server *server, const char *certificates,
                                          const char *private_key)
{
    kith_tls_context *tls;
    kith_err err = kith_tls_server_context(&tls, certificates, private_key);
    if (err != KITH_OK)
        return err;
    kith_tls_context_free(server->tls);
    server->tls = tls;
    return KITH_OK;
}

bool kith_turn_server_handle_accepted(kith_turn_server *server, kith_time now,
                                      const kith_path *path, bool uses_tls)
{
    kith_begin_call(server, now);
    assert(path->protocol == KITH_TCP);
    bool is_possible = !find(server, path) && (!uses_tls || server->tls);
    kith_turn_stream *stream = is_possible ? kith_alloc_zero(1, sizeof *stream) : NULL;
    if (!stream)
        return false;
    stream->server = server;
    stream->path = *path;
    server->counters.streams++;
    kith_err err = add(stream);
    server->counters.streams_refused += err == KITH_ERR_AGAIN;
    if (err == KITH_OK && uses_tls)
        err = kith_tls_stream_accept(&stream->tls, server->tls);
    if (err != KITH_OK) {
        kith_stream_free(stream);
        return false;
    }
    make_room(server);
    wait_in(stream, &server->fresh);
    server->counters.streams_accepted++;
    return true;
}

void kith_stream_free(kith_turn_stream *stream)
{
    kith_turn_server *server = stream->server;
    if (server->fed_stream == stream)
        server->fed_stream = NULL;
    if (server->leaving.stream == stream)
        kith_leave_nothing(server);
    if (stream->allocation) {
        server->counters.allocations_released += stream->allocation->is_open;
        kith_allocation_free(stream->allocation);
    }
    leave_waiting(stream);
    kith_list_remove(&stream->in_writable);
    kith_map_remove(&server->streams, &stream->in_streams);
    kith_quota_release(&server->connections, stream->of_address);
    server->counters.streams--;
    kith_tls_stream_free(stream->tls);
    kith_free(stream->in);
    kith_free(stream->out);
    kith_free(stream);
}

void kith_turn_server_handle_closed(kith_turn_server *server, kith_time now, const kith_path *path)
{
    kith_begin_call(server, now);
    kith_turn_stream *stream = find(server, path);
    if (stream)
        kith_stream_free(stream);
}

void kith_stream_lost_allocation(kith_turn_stream *stream)
{
    stream->allocation = NULL;
    wait_in(stream, &stream->server->idle);
}

/* ---- time ---- */

static kith_time deadline_of(const kith_list *list, kith_time patience)
{
    kith_list_node *node = kith_list_first(list);
    return node ? KITH_OWNER(node, kith_turn_stream, in_waiting)->since + patience : KITH_NEVER;
}

kith_time kith_stream_deadline(const kith_turn_server *server)
{
    kith_time first = deadline_of(&server->fresh, KITH_TURN_STREAM_FIRST);
    kith_time idle = deadline_of(&server->idle, KITH_TURN_STREAM_IDLE);
    if (!kith_list_empty(&server->writable))
        return 0;
    return first < idle ? first : idle;
}

static void end_late(kith_turn_server *server, kith_list *list, kith_time patience)
{
    while (deadline_of(list, patience) <= server->now) {
        kith_turn_stream *stream = KITH_OWNER(kith_list_first(list), kith_turn_stream, in_waiting);
        leave_waiting(stream);
        server->counters.streams_ended++;
        end(stream);
    }
}

void kith_stream_tick(kith_turn_server *server)
{
    end_late(server, &server->fresh, KITH_TURN_STREAM_FIRST);
    end_late(server, &server->idle, KITH_TURN_STREAM_IDLE);
}

/* ---- messages ---- */

/* Who has no allocation has nothing to say but short requests. */
static size_t judge(const kith_turn_stream *stream, const uint8_t head[KITH_FRAME_TURN_HEAD])
{
    size_t len = kith_frame_turn_length(head);
    bool is_channel = head[0] >> 4 == KITH_TURN_SERVER_FIRST_CHANNEL >> 12;
    if (!stream->allocation && (is_channel || len > KITH_TURN_STREAM_MAX_REQUEST))
        return 0;
    return len;
}

/* Adds to what is kept until there are `want` bytes; false: there are not so many, or no memory. */
static bool gather(kith_turn_stream *stream, kith_span *rest, size_t want)
{
    size_t more = stream->in_len < want ? want - stream->in_len : 0;
    if (more > rest->len)
        more = rest->len;
    if (stream->in_len + more > stream->in_cap) {
        size_t cap = 2 * (stream->in_len + more);
        uint8_t *in = kith_resize(stream->in, cap);
        if (!in) {
            end(stream);
            return false;
        }
        stream->in = in;
        stream->in_cap = cap;
    }
    if (more > 0)
        memcpy(stream->in + stream->in_len, rest->data, more);
    stream->in_len += more;
    *rest = kith_span_of(rest->data + more, rest->len - more);
    return stream->in_len >= want;
}

/* The next whole message of what came; empty: none. What there is of one is kept. */
static kith_span next_message(kith_turn_stream *stream, kith_span *rest)
{
    kith_span none = {0};
    bool is_kept = stream->in_len > 0 || rest->len < KITH_FRAME_TURN_HEAD;
    if (is_kept && !gather(stream, rest, KITH_FRAME_TURN_HEAD))
        return none;
    size_t len = judge(stream, is_kept ? stream->in : rest->data);
    if (len == 0) {
        stream->server->counters.unknown++;
        end(stream);
        return none;
    }
    if (is_kept || rest->len < len) {
        if (!gather(stream, rest, len))
            return none;
        stream->in_len = 0;
        return kith_span_of(stream->in, len);
    }
    kith_span message = kith_span_of(rest->data, len);
    *rest = kith_span_of(rest->data + len, rest->len - len);
    return message;
}

/* What TLS has in it is at its end when it is closed or broken. */
static bool decrypt(kith_turn_stream *stream)
{
    kith_turn_server *server = stream->server;
    size_t len = kith_tls_stream_read(stream->tls, server->plain, sizeof server->plain);
    kith_tls_stream_state state = kith_tls_stream_get_state(stream->tls);
    server->fed = kith_span_of(server->plain, len);
    server->counters.tls_failures += state == KITH_TLS_STREAM_FAILED;
    if (state == KITH_TLS_STREAM_FAILED || state == KITH_TLS_STREAM_CLOSED)
        end(stream);
    else if (kith_tls_stream_output(stream->tls).len > 0)
        make_writable(stream);
    return len > 0;
}

bool kith_stream_feed(kith_turn_server *server)
{
    kith_turn_stream *stream = server->fed_stream;
    kith_span message = {0};
    if (!stream)
        return false;
    while (!stream->ends && message.len == 0) {
        message = next_message(stream, &server->fed);
        if (message.len == 0 && (stream->ends || !stream->tls || !decrypt(stream)))
            break;
    }
    if (message.len == 0) {
        server->fed_stream = NULL;
        return false;
    }
    kith_turn_client from = {.path = &stream->path, .stream = stream};
    bool is_known = kith_handle_from_client(server, &from, message);
    if (stream->allocation)
        leave_waiting(stream);
    else if (is_known)
        wait_in(stream, &server->idle);
    else
        end(stream);
    return true;
}

void kith_turn_server_handle_stream(kith_turn_server *server, kith_time now, const kith_path *path,
                                    const void *data, size_t len)
{
    kith_begin_call(server, now);
    kith_turn_stream *stream = server->fed_stream = find(server, path);
    server->fed = kith_span_of(data, len);
    if (!stream || !stream->tls)
        return;
    kith_tls_stream_input(stream->tls, data, len);
    server->fed = (kith_span){0};
}

/* ---- what leaves ---- */

/* Makes room for `len` bytes more. Several go at once, so that this is rare; never what is half
 * written. */
static void drop_oldest(kith_turn_stream *stream, size_t len)
{
    size_t first = stream->begin + stream->first_left, at = first;
    if (stream->end - stream->begin + len <= KITH_TURN_STREAM_QUEUE)
        return;
    while (at < stream->end &&
           stream->end - at + stream->first_left + len > KITH_TURN_STREAM_QUEUE / 4 * 3) {
        at += kith_frame_turn_length(stream->out + at);
        stream->server->counters.dropped++;
    }
    memmove(stream->out + first, stream->out + at, stream->end - at);
    stream->end -= at - first;
}

static bool reserve(kith_turn_stream *stream, size_t len)
{
    size_t waits = stream->end - stream->begin, cap = stream->out_cap;
    if (stream->end + len <= cap)
        return true;
    while (cap < waits + len)
        cap = cap == 0 ? 2048 : 2 * cap;
    uint8_t *out = cap > stream->out_cap ? kith_resize(stream->out, cap) : stream->out;
    if (!out)
        return false;
    memmove(out, out + stream->begin, waits);
    stream->out = out;
    stream->out_cap = cap;
    stream->begin = 0;
    stream->end = waits;
    return true;
}

void kith_stream_put(kith_turn_stream *stream, const kith_leaving *leaving)
{
    size_t bare = leaving->head_len + leaving->body.len + leaving->padding,
           len = (bare + 3) / 4 * 4;
    if (stream->ends)
        return;
    drop_oldest(stream, len);
    if (!reserve(stream, len)) {
        stream->server->counters.dropped++;
        return;
    }
    kith_writer w = kith_wr(stream->out + stream->end, len);
    kith_wr_bytes(&w, leaving->head, leaving->head_len);
    kith_wr_span(&w, leaving->body);
    kith_wr_zeros(&w, len - w.len);
    stream->end += len;
    make_writable(stream);
}

/* Goes past what was written. */
static void skip(kith_turn_stream *stream, size_t written)
{
    assert(written <= stream->end - stream->begin);
    while (written > 0) {
        if (stream->first_left == 0)
            stream->first_left = kith_frame_turn_length(stream->out + stream->begin);
        size_t step = written < stream->first_left ? written : stream->first_left;
        stream->begin += step;
        stream->first_left -= step;
        written -= step;
    }
    if (stream->begin < stream->end)
        return;
    kith_free(stream->out);
    stream->out = NULL;
    stream->begin = stream->end = stream->out_cap = 0;
}

/* Of what waits, about as much as a record takes; the rest may still have to go. A message is a
 * record, which clients rely on (turnutils_uclient of coturn 4.6.1 reads no further). */
static void encrypt(kith_turn_stream *stream)
{
    size_t done = 0;
    while (stream->begin < stream->end && done < KITH_TURN_STREAM_RECORD) {
        size_t len = kith_frame_turn_length(stream->out + stream->begin);
        if (!kith_tls_stream_write(stream->tls, stream->out + stream->begin, len))
            return;
        skip(stream, len);
        done += len;
    }
}

/* What is written next. */
static kith_span output(kith_turn_stream *stream)
{
    if (!stream->tls)
        return stream->ends
                   ? (kith_span){0}
                   : kith_span_of(stream->out + stream->begin, stream->end - stream->begin);
    kith_span out = kith_tls_stream_output(stream->tls);
    if (out.len > 0 || stream->ends || stream->begin == stream->end)
        return out;
    encrypt(stream);
    return kith_tls_stream_output(stream->tls);
}

bool kith_turn_server_poll_stream(kith_turn_server *server, kith_path *path, const void **data,
                                  size_t *len)
{
    for (kith_list_node *node; (node = kith_list_first(&server->writable));) {
        kith_turn_stream *stream = KITH_OWNER(node, kith_turn_stream, in_writable);
        kith_span out = stream->said_last ? (kith_span){0} : output(stream);
        *path = stream->path;
        *data = out.data;
        *len = out.len;
        if (out.len > 0)
            return true;
        if (stream->ends) {
            kith_stream_free(stream);
            return true;
        }
        kith_list_remove(node);
    }
    return false;
}

void kith_turn_server_handle_written(kith_turn_server *server, const kith_path *path,
                                     size_t written)
{
    kith_turn_stream *stream = find(server, path);
    if (!stream)
        return;
    stream->said_last = stream->ends;
    if (stream->tls)
        kith_tls_stream_sent(stream->tls, written);
    else
        skip(stream, written);
    kith_span left = stream->tls ? kith_tls_stream_output(stream->tls)
                                 : kith_span_of(stream->out, stream->end - stream->begin);
    kith_list_remove(&stream->in_writable);
    stream->is_full = left.len > 0;
    if (stream->begin < stream->end || stream->ends)
        make_writable(stream);
}

void kith_turn_server_handle_writable(kith_turn_server *server, const kith_path *path)
{
    kith_turn_stream *stream = find(server, path);
    if (!stream)
        return;
    stream->is_full = false;
    make_writable(stream);
}
