/* RTCDataChannel (webrtc-pc section 6.2, RFC 8831, 8832).
 *
 * A channel lives until kith_dc_free or kith_pc_free. */
#ifndef KITH_DATA_CHANNEL_H
#define KITH_DATA_CHANNEL_H

#include "kith/pc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* RTCPriorityType; weights 128, 256, 512, 1024 (RFC 8831 section 6.4). */
typedef enum kith_priority {
    KITH_PRIORITY_VERY_LOW,
    KITH_PRIORITY_LOW,
    KITH_PRIORITY_MEDIUM,
    KITH_PRIORITY_HIGH,
} kith_priority;

/* RTCDataChannelInit. Begin with KITH_DC_INIT (ordered, reliable, priority low). */
typedef struct kith_dc_init {
    size_t size;
    /* !ordered */
    bool unordered;
    /* ms, 0 to 65535; -1: not limited */
    int max_packet_life_time;
    /* 0 to 65535; -1: not limited */
    int max_retransmits;
    /* NULL: "" */
    const char *protocol;
    /* both sides create it with the same id; no handshake */
    bool negotiated;
    /* with negotiated: 0 to 65534; -1: chosen by kith. A channel whose id is not below
     * kith_pc_max_channels once that is known closes with an error. */
    int id;
    kith_priority priority;
    /* kith_dc_user */
    void *user;
} kith_dc_init;

#ifdef __cplusplus
#define KITH_DC_INIT                              \
    ([] {                                         \
        kith_dc_init kith_init_ = kith_dc_init(); \
        kith_init_.size = sizeof(kith_dc_init);   \
        kith_init_.max_packet_life_time = -1;     \
        kith_init_.max_retransmits = -1;          \
        kith_init_.id = -1;                       \
        kith_init_.priority = KITH_PRIORITY_LOW;  \
        return kith_init_;                        \
    }())
#else
#define KITH_DC_INIT                                                                               \
    {                                                                                              \
        .size = sizeof(kith_dc_init), .max_packet_life_time = -1, .max_retransmits = -1, .id = -1, \
        .priority = KITH_PRIORITY_LOW                                                              \
    }
#endif

typedef enum kith_dc_state {
    KITH_DC_STATE_CONNECTING,
    KITH_DC_STATE_OPEN,
    KITH_DC_STATE_CLOSING,
    KITH_DC_STATE_CLOSED,
} kith_dc_state;

/* webrtc-pc createDataChannel(). init NULL: ordered and reliable. out may be NULL: the events
 * name the channel. Label and protocol are UTF-8 (not checked). TYPE when one is longer than
 * 65535 bytes, when init does not begin with KITH_DC_INIT, when both limits are given, when
 * negotiated lacks an id, and for a number out of range; OPERATION when the id is taken, when none
 * is left or the connection has no such id; INVALID_STATE when pc or its SCTP association is
 * closed. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_create_data_channel(kith_pc *pc, const char *label,
                                                              const kith_dc_init *init,
                                                              kith_dc **out);

/* webrtc-pc send() of bytes. One message: the whole or nothing. INVALID_STATE unless open, and when
 * the association has ended though that is not told yet; TYPE when longer than the peer's
 * max-message-size; AGAIN when send_buffer is full of other messages (wait for KITH_EV_WRITABLE).
 * data may be NULL when len is 0. */
KITH_API KITH_MUST_CHECK kith_err kith_dc_send(kith_dc *dc, const void *data, size_t len);
/* webrtc-pc send() of a string, UTF-8 (not checked) of len bytes, no NUL needed; else like
 * kith_dc_send. */
KITH_API KITH_MUST_CHECK kith_err kith_dc_send_text(kith_dc *dc, const char *text, size_t len);
/* webrtc-pc close(): what is queued is sent, then the stream is reset; KITH_EV_DC_CLOSED comes.
 * Messages that the peer sent before it knew are still told. Before the connection is up the
 * channel closes at once, and the peer never hears of it. */
KITH_API void kith_dc_close(kith_dc *dc);
/* Closes and forgets it: no event names it any more. NULL is fine. */
KITH_API void kith_dc_free(kith_dc *dc);

/* The peer connection that it is a channel of. */
KITH_API kith_pc *kith_dc_pc(const kith_dc *dc);
/* The application's pointer: what kith_dc_init.user or kith_dc_set_user gave last. */
KITH_API void *kith_dc_user(const kith_dc *dc);
/* kith only keeps it, and neither follows nor frees it. */
KITH_API void kith_dc_set_user(kith_dc *dc, void *user);

/* RTCDataChannel.label, UTF-8 and NUL-terminated; the peer's may hold NULs before its end. Lives as
 * long as the channel. */
KITH_API const char *kith_dc_label(const kith_dc *dc);
/* The label's length in bytes. */
KITH_API size_t kith_dc_label_len(const kith_dc *dc);
/* RTCDataChannel.protocol, UTF-8 and NUL-terminated; "" when none was given. Lives as long as the
 * channel. */
KITH_API const char *kith_dc_protocol(const kith_dc *dc);
/* RTCDataChannel.ordered. */
KITH_API bool kith_dc_ordered(const kith_dc *dc);
/* RTCDataChannel.maxPacketLifeTime in milliseconds; -1: not limited. */
KITH_API int kith_dc_max_packet_life_time(const kith_dc *dc);
/* RTCDataChannel.maxRetransmits; -1: not limited. */
KITH_API int kith_dc_max_retransmits(const kith_dc *dc);
/* RTCDataChannel.negotiated: created on both sides, without a handshake. */
KITH_API bool kith_dc_negotiated(const kith_dc *dc);
/* RTCDataChannel.id; -1 until it is known, with the DTLS role. */
KITH_API int kith_dc_id(const kith_dc *dc);
/* RTCDataChannel.priority of webrtc-priority; of the peer's channels, what its DCEP message says.
 */
KITH_API kith_priority kith_dc_priority(const kith_dc *dc);
/* RTCDataChannel.readyState. A channel is connecting until KITH_EV_DC_OPEN of it is polled, on a
 * connected pc too; one of the peer's is open from KITH_EV_DATA_CHANNEL on. */
KITH_API kith_dc_state kith_dc_ready_state(const kith_dc *dc);
/* The W3C spelling: "connecting" and such. */
KITH_API const char *kith_dc_state_name(kith_dc_state state);
/* RTCDataChannel.bufferedAmount: bytes of messages queued and not yet transmitted. Does not become
 * 0 by closing. */
KITH_API size_t kith_dc_buffered_amount(const kith_dc *dc);
/* RTCDataChannel.bufferedAmountLowThreshold in bytes; 0 at first. */
KITH_API size_t kith_dc_buffered_amount_low_threshold(const kith_dc *dc);
/* KITH_EV_DC_BUFFERED_AMOUNT_LOW comes when the buffered amount falls to this many bytes or below.
 */
KITH_API void kith_dc_set_buffered_amount_low_threshold(kith_dc *dc, size_t bytes);

/* RTCSctpTransport.maxMessageSize: the longest message that the peer takes, in bytes; SIZE_MAX:
 * any; 0 before the answer is applied. */
KITH_API size_t kith_pc_max_message_size(const kith_pc *pc);
/* RTCSctpTransport.maxChannels: their ids are below it; 0 before SCTP is connected. */
KITH_API uint16_t kith_pc_max_channels(const kith_pc *pc);

#ifdef __cplusplus
}
#endif
#endif
