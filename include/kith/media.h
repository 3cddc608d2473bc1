/* Audio and video: RTCRtpTransceiver, RTCRtpSender and RTCRtpReceiver (webrtc-pc section 5).
 *
 * kith has no encoder and no decoder. RTP packets go in and come out, under the negotiation, the
 * streams and the encryption that a browser has; what is in them is the program's.
 *
 * A transceiver, its sender and its receiver live until kith_pc_free, unless an offer that made it
 * is rolled back (webrtc-pc section 4.4.1.5): its TRACK_ENDED is then the last that names it. */
#ifndef KITH_MEDIA_H
#define KITH_MEDIA_H

#include "kith/pc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_transceiver kith_transceiver;
typedef struct kith_sender kith_sender;
typedef struct kith_receiver kith_receiver;

/* MediaStreamTrack.kind. */
typedef enum kith_media_kind { KITH_AUDIO, KITH_VIDEO } kith_media_kind;
KITH_API const char *kith_media_kind_name(kith_media_kind kind);

/* RTCRtpTransceiverDirection; NULL is the current direction before any was negotiated. */
typedef enum kith_direction {
    KITH_DIRECTION_SENDRECV,
    KITH_DIRECTION_SENDONLY,
    KITH_DIRECTION_RECVONLY,
    KITH_DIRECTION_INACTIVE,
    KITH_DIRECTION_STOPPED,
    KITH_DIRECTION_NULL,
} kith_direction;
/* "sendrecv" and such; "" for NULL. */
KITH_API const char *kith_direction_name(kith_direction direction);

/* ---- codecs ---- */

/* RTCRtpCodec. */
typedef struct kith_rtp_codec {
    size_t size;
    /* "audio/opus" */
    const char *mime_type;
    /* Hz */
    uint32_t clock_rate;
    /* of audio; 0 and 1 are one */
    uint16_t channels;
    /* parameters of a=fmtp; NULL: none */
    const char *sdp_fmtp_line;
    /* negotiated; 0 in capabilities */
    uint8_t payload_type;
} kith_rtp_codec;

/* RTCRtpSender.getCapabilities().codecs: entry `index` of what kith negotiates, most wanted first;
 * NULL past the last. */
KITH_API const kith_rtp_codec *kith_rtp_capability_at(kith_media_kind kind, size_t index);

/* ---- transceivers ---- */

/* RTCRtpTransceiverInit. Begin with KITH_TRANSCEIVER_INIT (sendrecv). All is copied. */
typedef struct kith_transceiver_init {
    size_t size;
    kith_direction direction;
    /* MediaStreamTrack.id; NULL: a fresh UUID */
    const char *track_id;
    /* MediaStream.id of each stream that the track is in */
    const char *const *streams;
    size_t stream_count;
    /* kith_transceiver_user */
    void *user;
} kith_transceiver_init;

#ifdef __cplusplus
#define KITH_TRANSCEIVER_INIT KITH_INIT_OF(kith_transceiver_init)
#else
#define KITH_TRANSCEIVER_INIT                 \
    {                                         \
        .size = sizeof(kith_transceiver_init) \
    }
#endif

/* webrtc-pc addTransceiver(kind). init NULL: sendrecv. The next offer has a section of it;
 * negotiationneeded comes. TYPE when init does not begin with KITH_TRANSCEIVER_INIT, has
 * direction stopped or NULL, or an id with characters that SDP cannot hold; INVALID_STATE when pc
 * is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_add_transceiver(kith_pc *pc, kith_media_kind kind,
                                                          const kith_transceiver_init *init,
                                                          kith_transceiver **out);
/* webrtc-pc addTrack(): takes a transceiver of this kind that never sent, or makes one.
 * track_id NULL: a fresh UUID. Errors as above, INVALID_ACCESS for a track id that a sender
 * has. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_add_track(kith_pc *pc, kith_media_kind kind,
                                                    const char *track_id,
                                                    const char *const *streams, size_t stream_count,
                                                    kith_sender **out);
/* webrtc-pc removeTrack(): sends no more, from the next negotiation on told to the peer.
 * INVALID_STATE when pc is closed, INVALID_ACCESS for another pc's sender. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_remove_track(kith_pc *pc, kith_sender *sender);

/* webrtc-pc getTransceivers(): in the order of creation, without the stopped. */
KITH_API size_t kith_pc_transceiver_count(const kith_pc *pc);
/* NULL past the last. */
KITH_API kith_transceiver *kith_pc_transceiver_at(const kith_pc *pc, size_t index);

KITH_API kith_pc *kith_transceiver_pc(const kith_transceiver *t);
KITH_API void *kith_transceiver_user(const kith_transceiver *t);
KITH_API void kith_transceiver_set_user(kith_transceiver *t, void *user);
KITH_API kith_media_kind kith_transceiver_kind(const kith_transceiver *t);
/* NULL before one was negotiated. Borrowed. */
KITH_API const char *kith_transceiver_mid(const kith_transceiver *t);
KITH_API kith_sender *kith_transceiver_sender(kith_transceiver *t);
KITH_API kith_receiver *kith_transceiver_receiver(kith_transceiver *t);
KITH_API kith_direction kith_transceiver_direction(const kith_transceiver *t);
KITH_API kith_direction kith_transceiver_current_direction(const kith_transceiver *t);
/* webrtc-pc direction: from the next negotiation on. TYPE for stopped and NULL, INVALID_STATE when
 * it was stopped or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_transceiver_set_direction(kith_transceiver *t,
                                                                 kith_direction direction);
/* webrtc-pc stop(): sends and receives no more, its section is rejected by the next offer. For
 * good. INVALID_STATE when pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_transceiver_stop(kith_transceiver *t);
/* webrtc-pc setCodecPreferences(): these and no others, most wanted first; count 0: all again.
 * INVALID_MODIFICATION for one that kith_rtp_capability_at does not have. */
KITH_API KITH_MUST_CHECK kith_err kith_transceiver_set_codec_preferences(
    kith_transceiver *t, const kith_rtp_codec *codecs, size_t count);

/* ---- packets ---- */

typedef struct kith_rtp_extension {
    /* RFC 8285 section 5: the URI of a=extmap */
    const char *uri;
    const void *data;
    /* bytes, at most 255 */
    size_t len;
} kith_rtp_extension;

/* An RTP packet (RFC 3550 section 5.1) without what negotiation and padding put around it. */
typedef struct kith_rtp {
    size_t size;
    uint8_t payload_type;
    bool marker;
    uint16_t sequence_number;
    uint32_t timestamp;
    uint32_t ssrc;
    const uint32_t *csrcs;
    size_t csrc_count;
    const kith_rtp_extension *extensions;
    size_t extension_count;
    const void *payload;
    size_t len;
    /* of the endpoint's clock; received packets */
    kith_time received_at;
} kith_rtp;

#ifdef __cplusplus
#define KITH_RTP_INIT KITH_INIT_OF(kith_rtp)
#else
#define KITH_RTP_INIT            \
    {                            \
        .size = sizeof(kith_rtp) \
    }
#endif

/* ---- senders ---- */

KITH_API kith_transceiver *kith_sender_transceiver(const kith_sender *sender);
/* NULL: no track. Borrowed. */
KITH_API const char *kith_sender_track_id(const kith_sender *sender);
/* webrtc-pc replaceTrack(): no negotiation. NULL: what is sent ends for now; the numbers go on
 * later. INVALID_STATE when stopped. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_replace_track(kith_sender *sender,
                                                            const char *track_id);
/* What KITH_EV_SENDER_STATE told last: the codec that the peer wants, NULL while nothing can be
 * sent. */
KITH_API const kith_rtp_codec *kith_sender_codec(const kith_sender *sender);
/* A packet of the program's own. Its payload type, SSRC and numbers are replaced by ours: the
 * sequence number keeps its gaps (reordering up to 512, losses up to 3000), a source that begins
 * anew goes on where the last one ended; extensions that were not negotiated are left out. AGAIN
 * while nothing can be sent (see KITH_EV_SENDER_STATE) or too much waits: the packet is dropped.
 * TYPE for more than fits a packet. INVALID_STATE when the transceiver is stopped. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_send_rtp(kith_sender *sender, const kith_rtp *packet);

/* ---- receivers ---- */

KITH_API kith_transceiver *kith_receiver_transceiver(const kith_receiver *receiver);
/* Of the remote track. Borrowed. */
KITH_API const char *kith_receiver_track_id(const kith_receiver *receiver);
/* MediaStreamTrack.muted: nothing comes at present. */
KITH_API bool kith_receiver_muted(const kith_receiver *receiver);
/* Asks the peer for a key frame by PLI, else FIR (RFC 4585, 5104), until one comes; at most one
 * each 200 ms goes out. */
KITH_API void kith_receiver_request_key_frame(kith_receiver *receiver);

#ifdef __cplusplus
}
#endif
#endif
