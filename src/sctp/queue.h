/* Messages that wait to be handed to the association: a queue per stream, and which stream comes next.
 *
 * Weighted fair queueing (RFC 8831 section 6.4): each stream has a virtual time that runs by the bytes it
 * sent over its weight, and the stream that is furthest behind is next. Knows nothing of sockets or packets. */
#ifndef KITH_SCTP_QUEUE_H
#define KITH_SCTP_QUEUE_H

#include "base/heap.h"
#include "base/list.h"
#include "sctp/pool.h"
#include "sctp/sctp.h"

typedef struct kith_sctp_out_message {
    kith_list_node node;    /* in its stream */
    kith_list_node undated; /* in the queue's list until the next call that has the time */
    kith_time
        expires; /* KITH_NEVER: reliable, or limited by count; before it is dated: its lifetime */
    size_t cap;  /* of the block that it is */
    size_t len, handed; /* bytes, and how many of them are handed on */
    uint32_t ppid;
    bool ordered, reliable, counted; /* the first two: whatever the stream says */
    uint8_t data[];
} kith_sctp_out_message;

typedef struct kith_sctp_out_stream {
    uint16_t id;
    kith_sctp_stream params;
    kith_list messages;
    kith_heap_node turn;   /* at: virtual time */
    kith_time served;      /* virtual time when it last had its turn */
    kith_list_node mortal; /* among those whose messages expire */
    kith_list_node fallen; /* among those whose buffered amount fell and nobody was told */
    size_t buffered;       /* bytes counted in bufferedAmount */
    size_t before, after;  /* highest and lowest amount since `fallen` */
} kith_sctp_out_stream;

typedef struct kith_sctp_queue {
    kith_pool *pool;
    kith_heap ready;              /* streams that have messages, by virtual time */
    kith_time virtual_now;        /* of the stream that was served last */
    kith_sctp_out_stream *locked; /* its first message is handed on in part: it alone may go on */
    kith_list undated, mortal, fallen;
    size_t streams;
    size_t bytes; /* that wait */
    size_t held;  /* memory of the messages that wait: a short one takes a whole block */
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
/* A stream whose buffered amount fell, once; or NULL. */
kith_sctp_out_stream *kith_sctp_queue_fallen(kith_sctp_queue *queue);

#endif
