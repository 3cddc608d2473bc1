/* Clients whose connection is a stream, by TCP or TLS (RFC 8656 section 3.1): what came as pieces
 * of any length becomes messages (RFC 8489 section 6.2.2, RFC 8656 section 12.5), and what leaves
 * waits until it is written. An allocation of a stream lives no longer than it. */
#ifndef KITH_TURN_SERVER_STREAM_H
#define KITH_TURN_SERVER_STREAM_H

#include "base/list.h"
#include "base/map.h"
#include "kith/turn_server.h"
#include "tls/stream.h"
#include "turn_server/quota.h"

/* What waits for a slow client; then its oldest messages go. */
#define KITH_TURN_STREAM_QUEUE (256 * 1024)
/* Streams without an allocation; then the oldest goes. */
#define KITH_TURN_STREAM_MAX_WAITING 1024
/* Until the first whole message, and between two of who has no allocation. */
#define KITH_TURN_STREAM_FIRST KITH_SECONDS(10)
#define KITH_TURN_STREAM_IDLE  KITH_SECONDS(60)
/* What a record of TLS has in it (RFC 8446 section 5.1). */
#define KITH_TURN_STREAM_RECORD 16384
/* Longest message of who has no allocation. */
#define KITH_TURN_STREAM_MAX_REQUEST 2048

struct kith_allocation;
struct kith_leaving;

typedef struct kith_turn_stream {
    kith_turn_server *server;
    kith_path path;
    /* by `path` */
    kith_map_node in_streams;
    /* in server->fresh or ->idle while it has no allocation */
    kith_list_node in_waiting;
    /* in server->writable */
    kith_list_node in_writable;
    /* when it came into that list */
    kith_time since;
    kith_quota_entry *of_address;
    /* NULL: plain TCP */
    kith_tls_stream *tls;
    /* NULL: none */
    struct kith_allocation *allocation;
    /* the beginning of a message */
    uint8_t *in;
    size_t in_len, in_cap;
    /* Messages that wait lie from `begin` to `end`; of the first, `first_left` bytes are left
     * when some of it was written already. */
    uint8_t *out;
    size_t begin, end, out_cap, first_left;
    /* no more is written before the driver says so */
    bool is_full;
    /* to be closed, after what TLS has to say about it */
    bool ends, said_last;
} kith_turn_stream;

void kith_stream_free(kith_turn_stream *stream);
/* It has no allocation any more. */
void kith_stream_lost_allocation(kith_turn_stream *stream);
/* Queues what leaves. */
void kith_stream_put(kith_turn_stream *stream, const struct kith_leaving *leaving);
/* Handles the next message of what came on a stream; false: there is no whole one. */
bool kith_stream_feed(kith_turn_server *server);
/* Ends those that have waited too long. */
void kith_stream_tick(kith_turn_server *server);
kith_time kith_stream_deadline(const kith_turn_server *server);

#endif
