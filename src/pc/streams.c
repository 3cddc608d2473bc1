/* See streams.h. A connection ends for one of three reasons: the driver says that it has, ICE
 * has no pair for it, or what comes on it is not to be believed. In the last two the driver is
 * asked to close it. */
#include "pc/streams.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "pc/pc.h"
#include "pc/relays.h"
#include "wire/frame.h"

#define STREAM_OF(node) KITH_OWNER(node, kith_stream, in_list)

static kith_stream *find(const kith_endpoint *ep, const kith_path *path)
{
    kith_map_node *node = kith_map_find(&ep->streams, kith_span_of(path, sizeof *path));
    return node ? KITH_OWNER(node, kith_stream, by_path) : NULL;
}

/* ---- making and ending ---- */

/* NULL: out of memory, or there is one already. The request is taken if not. */
static kith_stream *new_stream(kith_endpoint *ep, const kith_path *path,
                               kith_pending_request *request)
{
    kith_stream *stream = find(ep, path) ? NULL : kith_alloc_zero(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->path = *path;
    if (kith_map_add(&ep->streams, &stream->by_path,
                     kith_span_of(&stream->path, sizeof stream->path)) != KITH_OK) {
        kith_free(stream);
        return NULL;
    }
    stream->request = request;
    stream->is_writable = true;
    kith_ring_init(&stream->waiting, KITH_STREAMS_WAITING);
    return stream;
}

static void forget_part(kith_stream *stream)
{
    kith_free(stream->frame);
    stream->frame = NULL;
    stream->head_len = 0;
}

/* Without the request that closes it. */
static void forget(kith_endpoint *ep, kith_stream *stream)
{
    kith_map_remove(&ep->streams, &stream->by_path);
    kith_list_remove(&stream->in_list);
    kith_ring_deinit(&stream->waiting);
    forget_part(stream);
    kith_free(stream);
}

static void close_connection(kith_endpoint *ep, kith_pending_request *request,
                             const kith_path *path)
{
    request->local = path->local;
    request->remote = path->remote;
    kith_endpoint_ask_to_disconnect(ep, request);
}

static void close_stream(kith_endpoint *ep, kith_stream *stream)
{
    close_connection(ep, stream->request, &stream->path);
    forget(ep, stream);
}

static void tell_closed(kith_transport *t, const kith_path *path)
{
    if (!t)
        return;
    kith_ice_connection_closed(t->ice, path);
    kith_endpoint_set_ready(t->pc);
}

/* What came on it is not to be believed. */
static void refuse(kith_endpoint *ep, kith_stream *stream)
{
    kith_transport *owner = stream->owner;
    kith_path path = stream->path;
    ep->counters.connections_refused++;
    close_stream(ep, stream);
    tell_closed(owner, &path);
}

/* ---- the nameless ---- */

static bool is_listener(const kith_endpoint *ep, const kith_address *address)
{
    KITH_LIST_EACH(&ep->locals, node) {
        const kith_local *local = KITH_OWNER(node, kith_local, in_endpoint);
        if (local->protocol == KITH_TCP && local->address.port != 0 &&
            kith_address_equal(&local->address, address))
            return true;
    }
    return false;
}

/* The oldest of a listener's where there are `most`, counting those of one remote site or of all
 * (from NULL). */
static kith_stream *oldest_of_too_many(const kith_endpoint *ep, const kith_address *listener,
                                       const kith_address *from, unsigned most)
{
    kith_stream *oldest = NULL;
    unsigned count = 0;
    KITH_LIST_EACH(&ep->nameless, node) {
        kith_stream *stream = STREAM_OF(node);
        if (!kith_address_equal(&stream->path.local, listener) ||
            (from && !kith_address_same_site(&stream->path.remote, from)))
            continue;
        if (!oldest)
            oldest = stream;
        count++;
    }
    return count >= most ? oldest : NULL;
}

static void make_room(kith_endpoint *ep, const kith_path *path)
{
    kith_stream *victim =
        oldest_of_too_many(ep, &path->local, &path->remote, KITH_STREAMS_NAMELESS_OF_SITE);
    if (!victim)
        victim = oldest_of_too_many(ep, &path->local, NULL, KITH_STREAMS_NAMELESS);
    if (victim)
        refuse(ep, victim);
}

bool kith_endpoint_handle_accepted(kith_endpoint *ep, kith_time now, const kith_path *path)
{
    kith_endpoint_begin(ep, now);
    if (path->protocol != KITH_TCP || !is_listener(ep, &path->local))
        return false;
    make_room(ep, path);
    kith_pending_request *request = kith_alloc_zero(1, sizeof *request);
    kith_stream *stream = request ? new_stream(ep, path, request) : NULL;
    if (!stream) {
        kith_free(request);
        return false;
    }
    stream->is_nameless = true;
    stream->accepted_at = now;
    kith_list_append(&ep->nameless, &stream->in_list);
    return true;
}

kith_time kith_streams_deadline(const kith_endpoint *ep)
{
    const kith_list_node *first = kith_list_first(&ep->nameless);
    return first ? KITH_OWNER(first, kith_stream, in_list)->accepted_at + KITH_STREAMS_NAMELESS_TIME
                 : KITH_NEVER;
}

void kith_streams_tick(kith_endpoint *ep, kith_time now)
{
    while (kith_streams_deadline(ep) <= now)
        refuse(ep, STREAM_OF(kith_list_first(&ep->nameless)));
}

void kith_streams_name(kith_transport *t, const kith_path *path)
{
    kith_stream *stream = find(t->pc->ep, path);
    if (!stream || !stream->is_nameless)
        return;
    stream->is_nameless = false;
    stream->owner = t;
    kith_list_remove(&stream->in_list);
    kith_list_append(&t->streams, &stream->in_list);
}

/* ---- connecting ---- */

void kith_streams_connect(kith_transport *t, uint32_t pair_id, const kith_path *path)
{
    kith_pending_request *pending =
        kith_endpoint_new_request(t->pc->ep, t, KITH_PENDING_REQUEST_CONNECT);
    if (!pending) {
        kith_ice_connect_failed(t->ice, pair_id, "out of memory");
        return;
    }
    pending->pair_id = pair_id;
    pending->local = path->local;
    pending->remote = path->remote;
    kith_list_append(&t->pending_requests, &pending->in_owner);
}

void kith_streams_connected(kith_transport *t, kith_pending_request *pending, const kith_path *path,
                            const char *why)
{
    kith_list_remove(&pending->in_owner);
    if (!path) {
        kith_ice_connect_failed(t->ice, pending->pair_id, why);
        kith_free(pending);
        return;
    }
    kith_stream *stream = new_stream(t->pc->ep, path, pending);
    if (!stream) {
        kith_ice_connect_failed(t->ice, pending->pair_id, "out of memory");
        close_connection(t->pc->ep, pending, path);
        return;
    }
    stream->owner = t;
    kith_list_append(&t->streams, &stream->in_list);
    if (!kith_ice_connected(t->ice, pending->pair_id, path))
        close_stream(t->pc->ep, stream);
}

/* The one under way for a pair is not waited for: when it comes it is closed. */
static void stop_connecting(kith_transport *t, uint32_t pair_id)
{
    KITH_LIST_EACH(&t->pending_requests, node) {
        kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        if (pending->kind == KITH_PENDING_REQUEST_CONNECT && pending->pair_id == pair_id)
            kith_endpoint_drop_request(t->pc->ep, pending);
    }
}

void kith_streams_pair_gone(kith_transport *t, uint32_t pair_id, const kith_path *path)
{
    kith_stream *stream = find(t->pc->ep, path);
    stop_connecting(t, pair_id);
    if (stream && stream->owner == t && !kith_ice_uses_connection(t->ice, path))
        close_stream(t->pc->ep, stream);
}

void kith_streams_close(kith_transport *t)
{
    kith_endpoint *ep = t->pc->ep;
    KITH_LIST_EACH(&t->streams, node)
        close_stream(ep, STREAM_OF(node));
    KITH_LIST_EACH(&ep->nameless, node)
        if (STREAM_OF(node)->owner == t)
            close_stream(ep, STREAM_OF(node));
    /* The next agent numbers its pairs anew. */
    KITH_LIST_EACH(&t->pending_requests, node) {
        kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        if (pending->kind == KITH_PENDING_REQUEST_CONNECT)
            kith_endpoint_drop_request(ep, pending);
    }
}

/* The pairs of those that have a name fail with their base. */
void kith_streams_listener_removed(kith_endpoint *ep, const kith_address *listener)
{
    KITH_LIST_EACH(&ep->nameless, node)
        if (kith_address_equal(&STREAM_OF(node)->path.local, listener))
            close_stream(ep, STREAM_OF(node));
}

void kith_streams_deinit(kith_endpoint *ep)
{
    KITH_LIST_EACH(&ep->nameless, node) {
        kith_free(STREAM_OF(node)->request);
        forget(ep, STREAM_OF(node));
    }
    kith_map_deinit(&ep->streams);
}

/* ---- what the driver says ---- */

void kith_endpoint_handle_closed(kith_endpoint *ep, kith_time now, const kith_path *path)
{
    kith_endpoint_begin(ep, now);
    kith_transport *of_server = kith_endpoint_owner_of_server(ep, path);
    if (of_server) {
        kith_relays_closed(of_server, path);
        return;
    }
    kith_stream *stream = find(ep, path);
    if (!stream)
        return;
    kith_transport *owner = stream->owner;
    kith_free(stream->request);
    forget(ep, stream);
    tell_closed(owner, path);
}

void kith_endpoint_handle_writable(kith_endpoint *ep, kith_time now, const kith_path *path,
                                   bool is_writable)
{
    kith_endpoint_begin(ep, now);
    kith_transport *of_server = kith_endpoint_owner_of_server(ep, path);
    if (of_server) {
        kith_relays_writable(of_server, path, is_writable);
        kith_endpoint_set_ready(of_server->pc);
        return;
    }
    kith_stream *stream = find(ep, path);
    if (!stream)
        return;
    stream->is_writable = is_writable;
    if (is_writable && stream->owner)
        kith_endpoint_set_ready(stream->owner->pc);
}

/* ---- in ---- */

/* Adds to the frame that is here in part what it lacks. True: it is whole. */
static bool complete_part(kith_stream *stream, kith_span *piece)
{
    while (stream->head_len < sizeof stream->head && piece->len > 0) {
        stream->head[stream->head_len++] = piece->data[0];
        *piece = kith_span_of(piece->data + 1, piece->len - 1);
    }
    if (!kith_frame_length(kith_span_of(stream->head, stream->head_len), &stream->frame_len))
        return false;
    if (!stream->frame) {
        stream->frame_has = 0;
        stream->frame = kith_alloc(stream->frame_len > 0 ? stream->frame_len : 1);
    }
    size_t len = stream->frame_len - stream->frame_has;
    if (len > piece->len)
        len = piece->len;
    if (!stream->frame) /* out of memory: the caller ends the connection */
        return false;
    if (len > 0)
        memcpy(stream->frame + stream->frame_has, piece->data, len);
    stream->frame_has += len;
    *piece = kith_span_of(piece->data + len, piece->len - len);
    return stream->frame_has == stream->frame_len;
}

static bool is_too_long(const kith_stream *stream, kith_span piece)
{
    size_t len;
    uint8_t head[sizeof stream->head];
    memcpy(head, stream->head, sizeof head);
    for (size_t have = stream->head_len, i = 0; have < sizeof head && i < piece.len; i++)
        head[have++] = piece.data[i];
    size_t have = stream->head_len + piece.len;
    if (!kith_frame_length(kith_span_of(head, have < sizeof head ? have : sizeof head), &len))
        return false;
    return len > (stream->owner ? KITH_STREAMS_MAX_FRAME : KITH_STREAMS_NAMELESS_FRAME);
}

/* Routing it may end this and any other connection. */
static void input_frame(kith_endpoint *ep, kith_time now, const kith_path *path, kith_span frame)
{
    kith_stream *stream = find(ep, path);
    /* With nothing in it it is no first frame, and later it costs nothing. */
    if (frame.len == 0 && stream && stream->owner)
        return;
    kith_transport *t = kith_endpoint_route(ep, now, path, frame);
    stream = find(ep, path);
    if (!stream || stream->owner)
        return;
    /* The first frame says whose it is, or there is no second. */
    stream->owner = t;
    if (!t)
        refuse(ep, stream);
}

/* One frame, or the rest of the piece. False: the stream is gone, or nothing is left. */
static bool input_next(kith_endpoint *ep, kith_time now, const kith_path *path, kith_span *piece)
{
    kith_stream *stream = find(ep, path);
    kith_span frame;
    if (!stream || piece->len == 0)
        return false;
    if (is_too_long(stream, *piece)) {
        refuse(ep, stream);
        return false;
    }
    if (stream->head_len == 0 && kith_frame_next(piece, &frame)) {
        input_frame(ep, now, path, frame);
        return true;
    }
    if (complete_part(stream, piece)) {
        uint8_t *whole = stream->frame;
        frame = kith_span_of(whole, stream->frame_len);
        stream->frame = NULL; /* the stream may not outlive it */
        forget_part(stream);
        input_frame(ep, now, path, frame);
        kith_free(whole);
        return true;
    }
    if (stream->head_len == sizeof stream->head && !stream->frame)
        refuse(ep, stream);
    return false;
}

void kith_streams_input(kith_endpoint *ep, kith_time now, const kith_path *path, kith_span piece)
{
    while (input_next(ep, now, path, &piece))
        ;
}

/* ---- out ---- */

bool kith_streams_may_use(kith_transport *t, const kith_path *path)
{
    if (path->protocol != KITH_TCP)
        return true;
    const kith_stream *stream = find(t->pc->ep, path);
    return stream && (!stream->owner || stream->owner == t);
}

bool kith_streams_is_full(const kith_transport *t, const kith_path *path)
{
    const kith_stream *stream = path->protocol == KITH_TCP ? find(t->pc->ep, path) : NULL;
    return stream && !stream->is_writable;
}

bool kith_streams_take_bytes(const kith_transport *t, const kith_path *path)
{
    if (path->protocol != KITH_TCP)
        return true;
    const kith_stream *stream = find(t->pc->ep, path);
    return stream && (stream->is_writable || t->pc->closed);
}

static size_t frame(uint8_t *buf, size_t len)
{
    memmove(buf + KITH_FRAME_HEAD, buf, len);
    kith_frame_write_head(buf, len);
    return len + KITH_FRAME_HEAD;
}

static void keep(kith_transport *t, kith_stream *stream, const uint8_t *buf, size_t len)
{
    if (!kith_ring_push(&stream->waiting, buf, len))
        t->counters.packets_dropped++;
}

size_t kith_streams_wrap(kith_transport *t, const kith_path *path, uint8_t *buf, size_t len)
{
    kith_stream *stream = find(t->pc->ep, path);
    if (!stream)
        return 0;
    len = frame(buf, len);
    if (stream->is_writable && stream->waiting.count == 0)
        return len;
    keep(t, stream, buf, len);
    return 0;
}

void kith_streams_keep(kith_transport *t, const kith_path *path, uint8_t *buf, size_t len)
{
    kith_stream *stream = find(t->pc->ep, path);
    if (stream)
        keep(t, stream, buf, frame(buf, len));
}

size_t kith_streams_output(kith_transport *t, kith_path *path, uint8_t *buf, size_t cap)
{
    KITH_LIST_EACH(&t->streams, node) {
        kith_stream *stream = STREAM_OF(node);
        kith_span frame = kith_ring_peek(&stream->waiting);
        if (!stream->is_writable || !frame.data)
            continue;
        assert(frame.len <= cap);
        memcpy(buf, frame.data, frame.len);
        kith_ring_pop(&stream->waiting);
        *path = stream->path;
        return frame.len;
    }
    return 0;
}
