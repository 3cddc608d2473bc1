/* What the files of this folder know of an association; nobody else includes it.
 *
 * sctp.c is its life, send.c hands messages over, receive.c takes them, reset.c closes streams. */
#ifndef KITH_SCTP_ASSOCIATION_H
#define KITH_SCTP_ASSOCIATION_H

#include "sctp/pool.h"
#include "sctp/queue.h"
#include "sctp/sctp.h"
#include "sctp/usrsctp/hub.h"
#include "sctp/usrsctp/memory.h"

struct socket;

/* The way of a stream's outgoing side to its end (RFC 8831 section 6.7). */
typedef enum kith_sctp_closing {
    KITH_SCTP_OPEN,
    /* closed by us; what is queued goes first */
    KITH_SCTP_FLUSHING,
    /* the request is with usrsctp */
    KITH_SCTP_RESETTING,
    /* the peer has performed it */
    KITH_SCTP_RESET,
} kith_sctp_closing;

typedef struct kith_sctp_channel {
    kith_sctp_out_stream out;
    kith_sctp_closing closing;
    /* by the peer */
    bool incoming_reset;
    /* RESET event due */
    bool tell_reset;
    unsigned tries;
    /* among those with an event due */
    kith_list_node event;
    /* among those on their way to RESET */
    kith_list_node in_reset;
} kith_sctp_channel;

/* A message of the peer, and the block that it is. */
typedef struct kith_sctp_in_message {
    kith_sctp_message message;
    size_t cap;
} kith_sctp_in_message;

struct kith_sctp {
    kith_sctp_config config;
    /* what it is, and what the last event said */
    kith_sctp_state state, reported_state;
    bool was_connected;
    kith_error error;
    /* by ICE; 0: unknown */
    kith_time rtt;

    kith_hub_port *port;
    /* NULL before start and after the end */
    struct socket *socket;
    bool start_due, abort_due, heartbeat_due;
    /* something happened that `serve` must look at */
    bool work;
    /* timers that nobody tells us of may run until then */
    kith_time active_until;
    /* usrsctp holds data */
    bool in_flight;
    /* messages wait only for finished packets to be taken */
    bool more;
    /* usrsctp took nothing: memory, or its buffer, is short */
    bool was_refused;
    /* of the last call that had one */
    kith_time now;

    kith_pool pool;
    kith_sctp_queue queue;
    /* by id; NULL: unused */
    kith_sctp_channel **channels;
    size_t channel_cap;
    /* negotiated; max_streams before */
    uint16_t streams;
    kith_list events, resetting;
    /* send said AGAIN */
    bool refused;
    /* and now there is room */
    bool writable;

    /* usrsctp may have something for us */
    bool readable;
    /* the peer is gone; what it left is still to be read */
    bool ended;
    /* what has come of a long message */
    kith_sctp_in_message *partial;
    /* complete, but an event comes before it */
    kith_sctp_message *held;
    /* memory of complete messages that are not released; of what else the owner keeps */
    size_t received, kept;
    /* of the memory that received data takes, here and in usrsctp */
    kith_sctp_budget *budget;
    uint64_t packets_received, dropped;
};

/* ---- sctp.c ---- */

/* NULL when there is none of that id. */
static inline kith_sctp_channel *kith_sctp_channel_find(const kith_sctp *sctp, uint16_t id)
{
    return id < sctp->channel_cap ? sctp->channels[id] : NULL;
}
/* Makes one if need be; NULL: no memory. */
kith_sctp_channel *kith_sctp_channel_get(kith_sctp *sctp, uint16_t id);
/* The association is over; `error` NULL: in good order. ABORT leaves unless the peer ended it. */
void kith_sctp_finish(kith_sctp *sctp, const kith_error *error);
/* The same, with a cause of RFC 9260 section 3.3.10 or -1, and a sentence. */
void kith_sctp_fail(kith_sctp *sctp, int cause, const char *format, ...) KITH_PRINTF(3, 4);

/* The peer sends a message above max_message_size. */
void kith_sctp_fail_too_long(kith_sctp *sctp);

/* ---- send.c: between kith_hub_enter and leave ---- */

void kith_sctp_feed(kith_sctp *sctp, kith_time now);
/* What usrsctp holds, sent or not, that the peer has not acknowledged. */
size_t kith_sctp_inside(const kith_sctp *sctp);

/* ---- receive.c: between kith_hub_enter and leave ---- */

/* Takes one thing from usrsctp: true with *message set when a message is complete, true with NULL
 * when it was something else, false when there is nothing. */
bool kith_sctp_pull(kith_sctp *sctp, kith_sctp_message **message);
void kith_sctp_drop_partial(kith_sctp *sctp);

/* ---- reset.c ---- */

void kith_sctp_reset_streams(kith_sctp *sctp); /* between kith_hub_enter and leave */
void kith_sctp_on_reset_event(kith_sctp *sctp, uint16_t flags, const uint16_t *ids, size_t count);
/* The association is up: streams that the peer does not have are closed. */
void kith_sctp_close_excess(kith_sctp *sctp);
/* A message came on the stream: that may tell that its earlier use is over. */
void kith_sctp_note_use(kith_sctp *sctp, uint16_t id);
/* After its events were told: is it gone for good? */
bool kith_sctp_channel_ended(const kith_sctp_channel *channel);

#endif
