/* What happens, told when asked: kith_loop_wait and kith_endpoint_poll_event give one event at a
 * time, borrowed until the next. Any function may be called while looking at one, kith_pc_free
 * included. */
#ifndef KITH_EVENT_H
#define KITH_EVENT_H

#include "kith/data_channel.h"
#include "kith/media.h"
#include "kith/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kith_event_type {
    KITH_EV_NEGOTIATION_NEEDED,
    KITH_EV_SIGNALING_STATE,
    KITH_EV_ICE_GATHERING_STATE,
    KITH_EV_ICE_CONNECTION_STATE,
    /* see kith_pc_connection_state for what the peer's close does */
    KITH_EV_CONNECTION_STATE,
    /* for the peer; its candidate "" at the end of a generation */
    KITH_EV_ICE_CANDIDATE,
    /* RTCPeerConnectionIceErrorEvent */
    KITH_EV_ICE_CANDIDATE_ERROR,
    /* the peer opened `dc`; its OPEN follows */
    KITH_EV_DATA_CHANNEL,
    KITH_EV_DC_OPEN,
    KITH_EV_DC_MESSAGE,
    KITH_EV_DC_BUFFERED_AMOUNT_LOW,
    /* after AGAIN from any channel of pc: send_buffer has room again */
    KITH_EV_WRITABLE,
    KITH_EV_DC_CLOSING,
    KITH_EV_DC_CLOSED,
    /* closed follows */
    KITH_EV_DC_ERROR,
    /* `transport` has another state, gathering state or selected pair: ask it. What changed twice
     * before it is asked for may be told once. */
    KITH_EV_ICE_TRANSPORT_STATE,
    KITH_EV_ICE_TRANSPORT_GATHERING_STATE,
    KITH_EV_SELECTED_CANDIDATE_PAIR,
    KITH_EV_DTLS_TRANSPORT_STATE,
    KITH_EV_SCTP_TRANSPORT_STATE,
    /* The remote description has `receiver` send; told as it is set, before an answer is made. */
    KITH_EV_TRACK,
    /* `transceiver` is no part of pc any more: see kith/media.h */
    KITH_EV_TRACK_ENDED,
    /* MediaStreamTrack's mute and unmute, of the track of `receiver`: kith_receiver_is_muted */
    KITH_EV_TRACK_MUTE,
    KITH_EV_TRACK_UNMUTE,
    /* a packet of `receiver` (KITH_RECEIVE_PACKETS) */
    KITH_EV_RTP,
    /* a frame of `receiver` (KITH_RECEIVE_FRAMES) */
    KITH_EV_FRAME,
    /* What `sender` may send began, changed or ended: kith_sender_codec. */
    KITH_EV_SENDER_STATE,
    /* The peer needs a key frame of `sender`: it asks, or has just begun to receive. */
    KITH_EV_KEY_FRAME_REQUEST,
    /* The encoder of `sender` shall make more, or less: kith_sender_target_bitrate. Less by 3 % and
     * more by 5 % are told, and the first limit and the end of the last. */
    KITH_EV_TARGET_BITRATE,
    /* News of a kith_signaler (kith/signaler.h), which `signaler` says; pc is NULL. It has another
     * state. */
    KITH_EV_SIGNALER_STATE,
    /* `peer` is in the room; with is_new it has just begun, and knows nothing of what was before;
     * else it was there before, maybe under another id, and what is attached to it goes on */
    KITH_EV_SIGNALER_PEER,
    /* `peer` has left it; a connection to it may stand all the same */
    KITH_EV_SIGNALER_LEFT,
    /* a text of the application's own, from `peer` */
    KITH_EV_SIGNALER_TEXT,
    /* What `peer` said was refused, what we said to it went nowhere, or a description could not be
     * made: `error`. */
    KITH_EV_SIGNALER_ERROR,
} kith_event_type;

/* "negotiationneeded", "datachannel" and such: the W3C event's name; for `dc` events "open",
 * "message"; "rtp", "frame", "senderstate", "keyframerequest", "targetbitrate" and
 * those that begin with "signaler" are ours. */
KITH_API const char *kith_event_name(kith_event_type type);

typedef struct kith_message {
    /* also NUL-terminated, beyond len */
    const void *data;
    /* bytes */
    size_t len;
    /* sent as a string */
    bool is_text;
} kith_message;

typedef struct kith_ice_candidate_error {
    /* of the local socket that asked; NULL when there was none */
    const char *address;
    uint16_t port;
    const char *url;
    /* STUN code, or 701 when the server was not reached */
    int error_code;
    const char *error_text;
} kith_ice_candidate_error;

typedef struct kith_signaler kith_signaler;

typedef enum kith_signaler_state {
    /* to its server, for the first time or again */
    KITH_SIGNALER_STATE_CONNECTING,
    /* in its room */
    KITH_SIGNALER_STATE_JOINED,
    /* the server was lost or not reached, `error` says why; it tries again after a while */
    KITH_SIGNALER_STATE_WAITING,
    /* refused, `error` says why, or at the end of its input; it tries no more */
    KITH_SIGNALER_STATE_CLOSED,
} kith_signaler_state;

/* Only kith makes one. */
typedef struct kith_signaler_news {
    kith_signaler *signaler;
    kith_signaler_state state;
    /* of the room; NULL for SIGNALER_STATE */
    const char *peer;
    bool is_new;
    /* NUL-terminated, beyond len */
    const char *text;
    size_t len;
    /* NULL: none */
    const kith_error *error;
} kith_signaler_news;

/* Only kith makes one. */
typedef struct kith_event {
    kith_event_type type;
    /* NULL for SIGNALER events alone */
    kith_pc *pc;
    /* for DATA_CHANNEL and DC_ events */
    kith_dc *dc;
    /* for TRANSPORT events and SELECTED_CANDIDATE_PAIR */
    const kith_transport *transport;
    union {
        kith_signaling_state signaling_state;
        kith_ice_gathering_state ice_gathering_state;
        kith_ice_connection_state ice_connection_state;
        kith_connection_state connection_state;
        kith_ice_candidate ice_candidate;
        kith_ice_candidate_error ice_candidate_error;
        kith_message message;
        /* DC_ERROR */
        const kith_error *error;
        /* RTP */
        const kith_rtp *rtp;
        /* FRAME */
        const kith_frame *frame;
        /* SIGNALER events */
        kith_signaler_news signaler;
    };
    /* for TRACK events, RTP, FRAME, SENDER_STATE, KEY_FRAME_REQUEST and TARGET_BITRATE */
    kith_transceiver *transceiver;
    kith_sender *sender;
    kith_receiver *receiver;
} kith_event;

#ifdef __cplusplus
}
#endif
#endif
