/* One SCTP association over DTLS (RFC 8831, 8261, 9260): messages on streams, their reliability and
 * priority, the reset of streams. DCEP and channel objects are above, in pc.
 *
 * Outgoing messages wait here, per stream; only what is about to be transmitted is handed to
 * usrsctp, so that what is buffered is what W3C calls buffered, priorities are ours to schedule and
 * lifetimes expire before they cost a packet. Nobody outside sctp/usrsctp knows that usrsctp is
 * behind it. */
#ifndef KITH_SCTP_SCTP_H
#define KITH_SCTP_SCTP_H

#include "base/list.h"
#include "base/log.h"

typedef struct kith_sctp kith_sctp;

/* RTCSctpTransportState, webrtc-pc section 6.1.1.1. */
typedef enum kith_sctp_state {
    KITH_SCTP_CONNECTING,
    KITH_SCTP_CONNECTED,
    /* by either side, or failed: kith_sctp_get_error tells */
    KITH_SCTP_CLOSED,
} kith_sctp_state;

typedef struct kith_sctp_config {
    /* of SDP: 5000 */
    uint16_t local_port, remote_port;
    /* announced and accepted, each way; 1 to 65535 */
    uint16_t max_streams;
    /* largest SCTP packet, bytes */
    size_t mtu;
    /* what we accept, bytes: longer ones end the association */
    size_t max_message_size;
    /* memory of complete messages held for a slow application, then the peer's window closes: 1
     * MiB. With what waits inside, and whatever the peer sends, at most twice as much and 1 MiB;
     * and what max_message_size has above half of it. */
    size_t receive_buffer;
    /* memory of waiting messages before kith_sctp_send says AGAIN: 16 MiB */
    size_t send_buffer;
    /* Output appeared outside of the association's own calls: the clock wheel was turned by another
     * thread or peer. May be called from any thread, under no lock of this room; it must only mark
     * and signal, and call nothing of this association. Never after kith_sctp_free. */
    void (*wake)(void *user);
    void *wake_user;
    /* borrowed */
    kith_log *log;
} kith_sctp_config;

KITH_MUST_CHECK kith_err kith_sctp_new(kith_sctp **out, const kith_sctp_config *config);
/* Frees at once; what was queued is lost. After kith_sctp_abort the last packet must have been
 * taken before. */
void kith_sctp_free(kith_sctp *sctp);

/* ---- commands ---- */

/* Both sides connect (RFC 8831 section 6.2): INIT leaves with the next output. Call when DTLS is
 * connected. */
void kith_sctp_start(kith_sctp *sctp);
/* What ICE measured as the path's round trip; 0: unknown. Before that: until SCTP has a sample of
 * its own, its timers begin there instead of at a second. */
void kith_sctp_set_rtt(kith_sctp *sctp, kith_time rtt);
/* Queues ABORT; the state becomes closed. */
void kith_sctp_abort(kith_sctp *sctp);
/* Packets that are made and were not asked for by kith_sctp_output are not sent. */
void kith_sctp_drop_output(kith_sctp *sctp);

typedef enum kith_reliability {
    KITH_RELIABLE,
    /* RFC 7496 section 3.2 */
    KITH_MAX_RETRANSMITS,
    /* RFC 3758 section 4.1, milliseconds */
    KITH_MAX_PACKET_LIFE_TIME,
} kith_reliability;

/* How messages on a stream are sent; set before the first and not while any is queued, except
 * priority. */
typedef struct kith_sctp_stream {
    bool unordered;
    kith_reliability reliability;
    /* retransmissions, or milliseconds from kith_sctp_send; 0 is a limit too */
    uint32_t limit;
    /* weight of RFC 8831 section 6.4: 128, 256, 512, 1024 */
    uint16_t priority;
} kith_sctp_stream;

/* Makes the stream usable; KITH_ERR_RANGE for an id at or above what was negotiated (or max_streams
 * before that), KITH_ERR_INVALID_STATE while a reset of it is under way. An id that turns out not
 * to exist when the association comes up ends with KITH_SCTP_EV_STREAM_CLOSED. */
KITH_MUST_CHECK kith_err kith_sctp_open(kith_sctp *sctp, uint16_t stream,
                                        const kith_sctp_stream *params);

typedef struct kith_sctp_send_args {
    uint16_t stream;
    uint32_t ppid;
    const void *data;
    size_t len;
    /* DCEP: whatever the stream says (RFC 8832 section 6) */
    bool ordered_reliable;
    /* user messages before its ACK: on an unordered stream too */
    bool ordered;
    /* DCEP: not part of bufferedAmount */
    bool not_counted;
} kith_sctp_send_args;

/* Queues the whole message (copied) or nothing. KITH_ERR_AGAIN when send_buffer is full and
 * something is queued on the association already; KITH_ERR_NO_MEMORY. Zero-length messages are the
 * caller's to encode. May be called before connected. */
KITH_MUST_CHECK kith_err kith_sctp_send(kith_sctp *sctp, const kith_sctp_send_args *message);
/* User bytes of the stream that wait and are not yet handed to the network (bufferedAmount). */
size_t kith_sctp_buffered(const kith_sctp *sctp, uint16_t stream);
/* bufferedAmountLowThreshold of an open stream; 0 at first. */
void kith_sctp_set_low_threshold(kith_sctp *sctp, uint16_t stream, size_t bytes);
/* Sends what is queued, then resets the outgoing stream (RFC 6525); the peer answers with a reset
 * of its own. KITH_SCTP_EV_STREAM_CLOSED comes when both are done. Also for a stream that was never
 * opened: refuses it. */
void kith_sctp_close_stream(kith_sctp *sctp, uint16_t stream);

/* The path came back after an interruption: ask for a heartbeat and retransmit at once. */
void kith_sctp_path_restored(kith_sctp *sctp);

/* ---- the five verbs ---- */

void kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len);
/* The next SCTP packet, at most mtu bytes; 0: none. */
size_t kith_sctp_output(kith_sctp *sctp, kith_time now, uint8_t *buf, size_t cap);
kith_time kith_sctp_deadline(const kith_sctp *sctp);
void kith_sctp_tick(kith_sctp *sctp, kith_time now);

/* A received message; its owner gives it back with kith_sctp_release (its memory counts against
 * receive_buffer until then, and the buffer is used again). */
typedef struct kith_sctp_message {
    /* the owner's to use */
    kith_list_node node;
    uint16_t stream;
    uint32_t ppid;
    /* its owner may shorten it */
    size_t len;
    /* a NUL follows it */
    uint8_t *data;
} kith_sctp_message;

/* sctp NULL: it has been freed since. */
void kith_sctp_release(kith_sctp *sctp, kith_sctp_message *message);
/* What a message takes of receive_buffer. */
size_t kith_sctp_message_cost(const kith_sctp_message *message);
/* Bytes that the owner keeps of what the peer sent, its messages aside: they take of the same
 * memory. */
void kith_sctp_set_kept(kith_sctp *sctp, size_t bytes);

typedef enum kith_sctp_event_type {
    KITH_SCTP_EV_STATE,
    KITH_SCTP_EV_MESSAGE,
    /* the peer reset its outgoing stream: no more messages come on it. Answer with
       kith_sctp_close_stream */
    KITH_SCTP_EV_STREAM_RESET,
    /* both directions are reset and acknowledged: the id may be used again */
    KITH_SCTP_EV_STREAM_CLOSED,
    /* kith_sctp_buffered of `stream` fell from above its low threshold to it or below */
    KITH_SCTP_EV_LOW,
    /* after AGAIN: there is room again */
    KITH_SCTP_EV_WRITABLE,
} kith_sctp_event_type;

typedef struct kith_sctp_event {
    kith_sctp_event_type type;
    /* STATE */
    kith_sctp_state state;
    /* the rest */
    uint16_t stream;
    /* MESSAGE: now the caller's */
    kith_sctp_message *message;
} kith_sctp_event;

/* Messages stay inside while receive_buffer is full, and what the peer did after them (a stream
 * reset) with them; the other events come regardless. When the association ended all that it left
 * comes at once. */
bool kith_sctp_event_next(kith_sctp *sctp, kith_sctp_event *ev);

kith_sctp_state kith_sctp_get_state(const kith_sctp *sctp);
/* Streams usable in both directions once connected; max_streams before. */
uint16_t kith_sctp_streams(const kith_sctp *sctp);
/* KITH_ERROR_DETAIL_SCTP_FAILURE with the cause of the ABORT; err is KITH_OK when it did not fail.
 */
const kith_error *kith_sctp_get_error(const kith_sctp *sctp);

/* RTCSctpTransportStats and more. */
typedef struct kith_sctp_info {
    uint32_t congestion_window, receiver_window, unacked_data, mtu;
    kith_time smoothed_rtt;
    uint64_t packets_sent, packets_received, retransmits, messages_abandoned, dropped;
} kith_sctp_info;
void kith_sctp_get_info(const kith_sctp *sctp, kith_sctp_info *info);

#endif
