/* Messages that wait to be handed to the association: a queue per stream, and which stream comes
 * next.
 *
 * Weighted fair queueing (RFC 8831 section 6.4): each stream has a virtual time that runs by the
 * bytes it sent over its weight, and the stream that is furthest behind is next. Knows nothing of
 * sockets or packets. */
#ifndef KITH_SCTP_QUEUE_H
#define KITH_SCTP_QUEUE_H

#include "base/heap.h"
#include "base/list.h"
#include "sctp/pool.h"
#include "sctp/sctp.h"

typedef struct kith_sctp_out_message {
    /* in its stream */
    kith_list_node node;
    /* in the queue's list until the next call that has the time */
    kith_list_node not_yet_timed;
    /* KITH_NEVER: reliable, or limited by count; before it is dated: its lifetime */
    kith_time expires;
    /* of the block that it is */
    size_t cap;
    /* bytes, and how many of them are handed on */
    size_t len, handed;
    uint32_t ppid;
    /* the first two: whatever the stream says */
    bool ordered, reliable, counted;
    uint8_t data[];
} kith_sctp_out_message;

typedef struct kith_sctp_out_stream {
    uint16_t id;
    kith_sctp_stream params;
    kith_list messages;
    /* at: virtual time */
    kith_heap_node turn;
    /* virtual time when it last had its turn */
    kith_time served;
    /* among those whose messages expire */
    kith_list_node expiring;
    /* among those whose buffered amount fell to the threshold and nobody was told */
    kith_list_node low;
    /* bytes counted in bufferedAmount, and bufferedAmountLowThreshold */
    size_t buffered, low_threshold;
} kith_sctp_out_stream;

typedef struct kith_sctp_queue {
    kith_pool *pool;
    /* streams that have messages, by virtual time */
    kith_heap ready;
    /* of the stream that was served last */
    kith_time virtual_now;
    /* its first message is handed on in part: it alone may go on */
    kith_sctp_out_stream *locked;
    kith_list not_yet_timed, expiring, low;
    size_t streams;
    /* that wait */
    size_t bytes;
    /* memory of the messages that wait: a short one takes a whole block */
    size_t held;
    uint64_t expired;
} kith_sctp_queue;

void kith_sctp_queue_init(kith_sctp_queue *queue, kith_pool *pool);
void kith_sctp_queue_deinit(kith_sctp_queue *queue); /* the streams must have left */

/* The stream's memory is the caller's. */
KITH_MUST_CHECK kith_err kith_sctp_queue_join(kith_sctp_queue *queue, kith_sctp_out_stream *stream,
                                              uint16_t id);
/* Frees its messages and forgets it. */
void kith_sctp_queue_leave(kith_sctp_queue *queue, kith_sctp_out_stream *stream);

KITH_MUST_CHECK kith_err kith_sctp_queue_push(kith_sctp_queue *queue, kith_sctp_out_stream *stream,
                                              const kith_sctp_send_args *args);
/* Lifetimes run from here (API calls have no time). */
void kith_sctp_queue_date(kith_sctp_queue *queue, kith_time now);
/* Drops what has expired and was not begun. */
void kith_sctp_queue_expire(kith_sctp_queue *queue, kith_time now);
/* Drops all that was not begun. */
void kith_sctp_queue_discard(kith_sctp_queue *queue, kith_sctp_out_stream *stream);

/* Drops its first message, which was not begun. */
void kith_sctp_queue_drop_first(kith_sctp_queue *queue, kith_sctp_out_stream *stream);

/* The stream whose first message is next, or NULL. */
kith_sctp_out_stream *kith_sctp_queue_next(const kith_sctp_queue *queue);
kith_sctp_out_message *kith_sctp_queue_first(const kith_sctp_out_stream *stream);
/* `bytes` of its first message were handed on; the message is freed after its last. */
void kith_sctp_queue_handed(kith_sctp_queue *queue, kith_sctp_out_stream *stream, size_t bytes);
/* A stream whose buffered amount fell from above its threshold to it or below, once; or NULL. */
kith_sctp_out_stream *kith_sctp_queue_next_low(kith_sctp_queue *queue);

#endif
