/* Invariant: a stream is in `ready` if and only if it has a message. At most one message of all
 * streams is handed on in part, because without I-DATA (RFC 8260) its fragments must have
 * consecutive TSNs. */
#include "sctp/queue.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"

/* What a message costs beside its bytes: the header of its DATA chunk, so that empty ones are not
 * free. */
#define MESSAGE_COST 16
/* Virtual time of a byte at weight 1: large enough that weights up to 65535 still move it. */
#define VIRTUAL_SCALE 65536

void kith_sctp_queue_init(kith_sctp_queue *queue, kith_pool *pool)
{
    *queue = (kith_sctp_queue){.pool = pool};
    kith_heap_init(&queue->ready);
    kith_list_init(&queue->not_yet_timed);
    kith_list_init(&queue->expiring);
    kith_list_init(&queue->low);
}

void kith_sctp_queue_deinit(kith_sctp_queue *queue)
{
    assert(queue->streams == 0);
    kith_heap_deinit(&queue->ready);
}

kith_err kith_sctp_queue_join(kith_sctp_queue *queue, kith_sctp_out_stream *stream, uint16_t id)
{
    kith_err err = kith_heap_reserve(&queue->ready, queue->streams + 1);
    if (err != KITH_OK)
        return err;
    *stream = (kith_sctp_out_stream){.id = id, .params.priority = 256};
    kith_list_init(&stream->messages);
    queue->streams++;
    return KITH_OK;
}

static bool empty(const kith_sctp_out_stream *stream)
{
    return kith_list_empty(&stream->messages);
}

kith_sctp_out_message *kith_sctp_queue_first(const kith_sctp_out_stream *stream)
{
    kith_list_node *node = kith_list_first(&stream->messages);
    return node ? KITH_OWNER(node, kith_sctp_out_message, node) : NULL;
}

/* In `ready` with its present virtual time, or out of it when nothing is left. */
static void settle(kith_sctp_queue *queue, kith_sctp_out_stream *stream)
{
    kith_heap_set(&queue->ready, &stream->turn, empty(stream) ? KITH_NEVER : stream->served);
    if (empty(stream))
        kith_list_remove(&stream->expiring);
}

/* `bytes` of the message no longer wait. */
static void uncount(kith_sctp_queue *queue, kith_sctp_out_stream *stream,
                    const kith_sctp_out_message *message, size_t bytes)
{
    queue->bytes -= bytes;
    if (!message->counted || bytes == 0)
        return;
    size_t before = stream->buffered, threshold = stream->low_threshold;
    stream->buffered -= bytes;
    if (before > threshold && stream->buffered <= threshold && !kith_list_has(&stream->low))
        kith_list_append(&queue->low, &stream->low);
}

static void drop(kith_sctp_queue *queue, kith_sctp_out_stream *stream,
                 kith_sctp_out_message *message)
{
    uncount(queue, stream, message, message->len - message->handed);
    kith_list_remove(&message->node);
    kith_list_remove(&message->not_yet_timed);
    queue->held -= message->cap;
    kith_pool_release(queue->pool, message, message->cap);
}

void kith_sctp_queue_leave(kith_sctp_queue *queue, kith_sctp_out_stream *stream)
{
    while (!empty(stream))
        drop(queue, stream, kith_sctp_queue_first(stream));
    settle(queue, stream);
    kith_list_remove(&stream->low);
    if (queue->locked == stream)
        queue->locked = NULL;
    queue->streams--;
}

kith_err kith_sctp_queue_push(kith_sctp_queue *queue, kith_sctp_out_stream *stream,
                              const kith_sctp_send_args *args)
{
    size_t cap;
    kith_sctp_out_message *message = kith_pool_take(queue->pool, sizeof *message + args->len, &cap);
    if (!message)
        return kith_fail_memory();
    *message = (kith_sctp_out_message){.cap = cap,
                                       .len = args->len,
                                       .ppid = args->ppid,
                                       .expires = KITH_NEVER,
                                       .ordered = args->ordered || args->ordered_reliable,
                                       .reliable = args->ordered_reliable,
                                       .counted = !args->not_counted};
    memcpy(message->data, args->data, args->len);
    if (stream->params.reliability == KITH_MAX_PACKET_LIFE_TIME && !args->ordered_reliable) {
        message->expires = KITH_MS(stream->params.limit);
        kith_list_append(&queue->not_yet_timed, &message->not_yet_timed);
        if (!kith_list_has(&stream->expiring))
            kith_list_append(&queue->expiring, &stream->expiring);
    }
    /* A stream that had nothing to say gathers no credit. */
    if (empty(stream) && stream->served < queue->virtual_now)
        stream->served = queue->virtual_now;
    kith_list_append(&stream->messages, &message->node);
    settle(queue, stream);
    queue->bytes += args->len;
    queue->held += cap;
    if (message->counted)
        stream->buffered += args->len;
    return KITH_OK;
}

void kith_sctp_queue_date(kith_sctp_queue *queue, kith_time now)
{
    kith_list_node *node;
    while ((node = kith_list_take(&queue->not_yet_timed)))
        KITH_OWNER(node, kith_sctp_out_message, not_yet_timed)->expires += now;
}

/* What of a stream may still be dropped: all but a first message that is begun. */
static kith_list_node *first_unbegun(const kith_sctp_out_stream *stream)
{
    kith_sctp_out_message *first = kith_sctp_queue_first(stream);
    if (first && first->handed > 0)
        return kith_list_next(&stream->messages, &first->node);
    return first ? &first->node : NULL;
}

void kith_sctp_queue_expire(kith_sctp_queue *queue, kith_time now)
{
    KITH_LIST_EACH(&queue->expiring, node) {
        kith_sctp_out_stream *stream = KITH_OWNER(node, kith_sctp_out_stream, expiring);
        kith_list_node *at = first_unbegun(stream);
        while (at) {
            kith_sctp_out_message *message = KITH_OWNER(at, kith_sctp_out_message, node);
            if (kith_list_has(&message->not_yet_timed))
                break;
            at = kith_list_next(&stream->messages, at);
            if (message->expires >= now)
                continue; /* DCEP among them never expires; later ones may have */
            drop(queue, stream, message);
            queue->expired++;
        }
        settle(queue, stream);
    }
}

void kith_sctp_queue_discard(kith_sctp_queue *queue, kith_sctp_out_stream *stream)
{
    kith_list_node *at = first_unbegun(stream);
    while (at) {
        kith_sctp_out_message *message = KITH_OWNER(at, kith_sctp_out_message, node);
        at = kith_list_next(&stream->messages, at);
        drop(queue, stream, message);
    }
    settle(queue, stream);
}

void kith_sctp_queue_drop_first(kith_sctp_queue *queue, kith_sctp_out_stream *stream)
{
    kith_sctp_out_message *message = kith_sctp_queue_first(stream);
    assert(message && message->handed == 0);
    drop(queue, stream, message);
    settle(queue, stream);
}

kith_sctp_out_stream *kith_sctp_queue_next(const kith_sctp_queue *queue)
{
    if (queue->locked)
        return queue->locked;
    kith_heap_node *node = kith_heap_first(&queue->ready);
    return node ? KITH_OWNER(node, kith_sctp_out_stream, turn) : NULL;
}

void kith_sctp_queue_handed(kith_sctp_queue *queue, kith_sctp_out_stream *stream, size_t bytes)
{
    kith_sctp_out_message *message = kith_sctp_queue_first(stream);
    assert(message && bytes <= message->len - message->handed);
    size_t cost = bytes + (message->handed == 0 ? MESSAGE_COST : 0);
    uint16_t weight = stream->params.priority > 0 ? stream->params.priority : 1;
    queue->virtual_now = stream->served;
    stream->served += (kith_time)(cost * VIRTUAL_SCALE / weight);
    uncount(queue, stream, message, bytes);
    message->handed += bytes;
    bool done = message->handed == message->len;
    queue->locked = done ? NULL : stream;
    if (done)
        drop(queue, stream, message);
    settle(queue, stream);
}

kith_sctp_out_stream *kith_sctp_queue_next_low(kith_sctp_queue *queue)
{
    kith_list_node *node = kith_list_take(&queue->low);
    return node ? KITH_OWNER(node, kith_sctp_out_stream, low) : NULL;
}
