/* Audio and video: RTCRtpTransceiver, RTCRtpSender and RTCRtpReceiver (webrtc-pc section 5).
 *
 * kith has no encoder and no decoder. RTP packets go in and come out, under the negotiation, the
 * streams and the encryption that a browser has; what is in them is the program's.
 *
 * A transceiver, its sender and its receiver live until kith_pc_free, or until they were negotiated
 * away: stopped and rejected, or made by an offer that was rolled back. KITH_EV_TRACK_ENDED is then
 * the last event that names them, and they are gone when the next event is asked for. */
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
/* "audio", "video". */
KITH_API const char *kith_media_kind_name(kith_media_kind kind);

/* RTCRtpTransceiverDirection. */
typedef enum kith_direction {
    KITH_DIRECTION_SENDRECV,
    KITH_DIRECTION_SENDONLY,
    KITH_DIRECTION_RECVONLY,
    KITH_DIRECTION_INACTIVE,
    KITH_DIRECTION_STOPPED,
    /* a current direction before any was negotiated: null */
    KITH_DIRECTION_NONE,
} kith_direction;
/* "sendrecv" and such; "" for NONE. */
KITH_API const char *kith_direction_name(kith_direction direction);

/* ---- codecs ---- */

/* RTCRtpCodec. Never grows. */
typedef struct kith_rtp_codec {
    /* "audio/opus" */
    const char *mime_type;
    /* Hz */
    uint32_t clock_rate;
    /* of audio; 0: video */
    uint16_t channels;
    /* negotiated, 0 to 127; 0 in capabilities */
    uint8_t payload_type;
    /* parameters of a=fmtp; NULL: none. What a sender has are those of the peer: what it takes. */
    const char *sdp_fmtp_line;
} kith_rtp_codec;

/* RTCRtpSender.getCapabilities().codecs: entry `index` of what kith negotiates, most wanted first;
 * NULL past the last. */
KITH_API const kith_rtp_codec *kith_rtp_capability_at(kith_media_kind kind, size_t index);
/* What this peer connection negotiates, most wanted first, in place of kith's own list: up to 16
 * codecs, copied. One that is a capability of kith's is that; any other is the program's own, such
 * as "video/VP9", "video/AV1", "audio/G722" or "audio/telephone-event": it is carried as packets
 * (KITH_EV_RTP, kith_sender_send_rtp), with retransmission where it is video, and there are no
 * frames of it. A peer's format means it by type, clock rate and channels, and has all parameters
 * of its sdp_fmtp_line that have a value; that line stands in our descriptions. Its payload_type is
 * 0, or a static one (RFC 3551 section 6), as 9 is G.722's. INVALID_STATE once there is a
 * transceiver or a description; TYPE for a type that is none of audio or video; RANGE for more than
 * 16, and for a clock rate of 0 or channels that do not fit; NOT_SUPPORTED for rtx; NO_MEMORY.
 * Nothing changes on failure. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_set_codecs(kith_pc *pc, const kith_rtp_codec *codecs,
                                                     size_t count);

/* ---- parameters ---- */

/* RTCRtpHeaderExtensionParameters. Never grows. */
typedef struct kith_rtp_header_extension {
    const char *uri;
    /* a=extmap's, 1 to 14 */
    uint16_t id;
} kith_rtp_header_extension;

/* RTCRtpEncodingParameters. */
typedef struct kith_rtp_encoding {
    size_t size;
    /* false: nothing is sent, and no BYE */
    bool active;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[7];
    /* maxBitrate: bits per second, without IP and UDP (RFC 3890 section 6.2.2); 0: no limit */
    uint64_t max_bitrate;
} kith_rtp_encoding;

/* RTCRtpSendParameters. Only what an encoding says may be changed. */
typedef struct kith_rtp_send_parameters {
    size_t size;
    const char *transaction_id;
    kith_rtp_encoding *const *encodings;
    size_t encoding_count;
    const kith_rtp_header_extension *header_extensions;
    size_t header_extension_count;
    /* what the peer takes, most wanted first */
    const kith_rtp_codec *codecs;
    size_t codec_count;
    /* RTCRtcpParameters: reducedSize, cname */
    bool rtcp_reduced_size;
    const char *rtcp_cname;
} kith_rtp_send_parameters;

/* RTCRtpReceiveParameters. */
typedef struct kith_rtp_receive_parameters {
    size_t size;
    bool rtcp_reduced_size;
    const kith_rtp_header_extension *header_extensions;
    size_t header_extension_count;
    /* what we take, most wanted first */
    const kith_rtp_codec *codecs;
    size_t codec_count;
} kith_rtp_receive_parameters;

/* ---- transceivers ---- */

/* RTCRtpTransceiverInit. Begin with KITH_TRANSCEIVER_INIT (sendrecv). All is copied. */
typedef struct kith_transceiver_init {
    size_t size;
    kith_direction direction;
    /* MediaStreamTrack.id; NULL: a fresh one */
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

/* webrtc-pc addTransceiver(). init NULL: sendrecv. The next offer has a section for it, and
 * negotiationneeded comes. TYPE when init does not begin with KITH_TRANSCEIVER_INIT, for a
 * direction or kind that is none and for an id that SDP cannot hold (a token of RFC 8830, 64
 * characters at most); INVALID_STATE when pc is closed; RANGE when there are 256. out may be NULL.
 */
KITH_API KITH_MUST_CHECK kith_err kith_pc_add_transceiver(kith_pc *pc, kith_media_kind kind,
                                                          const kith_transceiver_init *init,
                                                          kith_transceiver **out);
/* webrtc-pc addTrack(): takes the first transceiver of this kind that has no track and never sent,
 * such as one that a remote offer has just made, or makes one. Errors as above; INVALID_ACCESS when
 * a sender has the track already. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_add_track(kith_pc *pc, kith_media_kind kind,
                                                    const char *track_id,
                                                    const char *const *streams, size_t stream_count,
                                                    kith_sender **out);
/* webrtc-pc removeTrack(): the sender has no track any more, and the next negotiation ends its
 * sending. INVALID_STATE when pc is closed, INVALID_ACCESS for another's sender. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_remove_track(kith_pc *pc, kith_sender *sender);

/* webrtc-pc getTransceivers(): in the order of creation, without those that are gone. */
KITH_API size_t kith_pc_transceiver_count(const kith_pc *pc);
/* NULL past the last. */
KITH_API kith_transceiver *kith_pc_transceiver_at(const kith_pc *pc, size_t index);

/* kith_transceiver_init.user, or what was set since; NULL for one that a remote offer made. */
KITH_API void *kith_transceiver_user(const kith_transceiver *transceiver);
/* For the program; kith does not look at it. */
KITH_API void kith_transceiver_set_user(kith_transceiver *transceiver, void *user);
/* That of its sender and its receiver, for ever. */
KITH_API kith_media_kind kith_transceiver_kind(const kith_transceiver *transceiver);
/* NULL before a description that has it was set. Borrowed. */
KITH_API const char *kith_transceiver_mid(const kith_transceiver *transceiver);
/* Never NULL; lives as long as the transceiver. */
KITH_API kith_sender *kith_transceiver_sender(kith_transceiver *transceiver);
/* Never NULL; lives as long as the transceiver. */
KITH_API kith_receiver *kith_transceiver_receiver(kith_transceiver *transceiver);
/* What the program wants; STOPPED once it was stopped. */
KITH_API kith_direction kith_transceiver_direction(const kith_transceiver *transceiver);
/* What was negotiated; NONE before. */
KITH_API kith_direction kith_transceiver_current_direction(const kith_transceiver *transceiver);
/* webrtc-pc direction: from the next negotiation on. TYPE for STOPPED and NONE; INVALID_STATE when
 * it was stopped or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_transceiver_set_direction(kith_transceiver *transceiver,
                                                                 kith_direction direction);
/* webrtc-pc stop(): sends and receives no more, for good; the next offer rejects its section, then
 * KITH_EV_TRACK_ENDED comes. INVALID_STATE when pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_transceiver_stop(kith_transceiver *transceiver);
/* webrtc-pc setCodecPreferences(): these codecs alone, in this order, stand in the offers and
 * answers from now on; count 0: all there are again. They are entries of kith_rtp_capability_at, as
 * they are; repeated ones are left out. INVALID_MODIFICATION for one that is no such entry; TYPE
 * when the pointer is missing; INVALID_STATE when it was stopped or pc is closed. Nothing is
 * negotiated anew by itself. */
KITH_API KITH_MUST_CHECK kith_err kith_transceiver_set_codec_preferences(
    kith_transceiver *transceiver, const kith_rtp_codec *codecs, size_t count);

/* ---- packets ---- */

/* An element of RFC 8285. Never grows. */
typedef struct kith_rtp_extension {
    /* a=extmap (RFC 8285 section 5) */
    const char *uri;
    const void *data;
    /* bytes, at most 255 */
    size_t len;
} kith_rtp_extension;

/* An RTP packet (RFC 3550 section 5.1) without what negotiation and padding put around it. Begin
 * one that is to be sent with KITH_RTP_INIT, or send one that was received. */
typedef struct kith_rtp {
    size_t size;
    /* received: of which codec it is. Sending: NULL means the first that was negotiated. */
    const kith_rtp_codec *codec;
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t sequence_number;
    bool marker;
    /* received: it begins a key frame, as far as the first bytes of VP8 and H.264 tell */
    bool begins_key_frame;
    /* received */
    uint32_t csrc_count;
    const uint32_t *csrcs;
    const kith_rtp_extension *extensions;
    size_t extension_count;
    const void *payload;
    /* bytes; 0: nothing but padding, which who passes packets on passes on, too, for its number */
    size_t len;
    /* received: on the endpoint's clock */
    kith_time received_at;
    /* When what is in it was captured, on the clock of kith_clock_now. Received: by the peer's
     * sender reports, before the first of them when it came (see capture_known). Sending: what our
     * sender reports say, so that what is in step at the source is so at the peer; 0: when it was
     * received, or now. */
    kith_time capture_time;
    /* received: capture_time is the peer's word and not when it came */
    bool capture_known;
    /* 0 */
    bool reserved[7];
} kith_rtp;

#ifdef __cplusplus
#define KITH_RTP_INIT KITH_INIT_OF(kith_rtp)
#else
#define KITH_RTP_INIT            \
    {                            \
        .size = sizeof(kith_rtp) \
    }
#endif

/* Reads a packet of plain RTP (RFC 3550 section 5.1), such as one from a socket, for
 * kith_sender_send_rtp. out begins with KITH_RTP_INIT; its payload lies in data, without padding;
 * its codec is NULL, and there are no CSRCs and no extensions, whose ids are another negotiation's.
 * TYPE: it is none, or it is RTCP; then out is unchanged. */
KITH_API KITH_MUST_CHECK kith_err kith_rtp_parse(kith_rtp *out, const void *data, size_t len);
/* Writes a packet, such as one that was received, as plain RTP with this payload type and without
 * extensions. Its length; 0: it needs more than cap bytes, or there is no such payload type. */
KITH_API size_t kith_rtp_write(const kith_rtp *packet, uint8_t payload_type, void *buf, size_t cap);

/* ---- frames ---- */

/* What an encoder gives and a decoder takes: an Opus packet, samples of G.711, a VP8 frame, an
 * access unit of H.264. Begin one that is to be sent with KITH_FRAME_INIT. */
typedef struct kith_frame {
    size_t size;
    /* received: of which codec it is. Sending: NULL means what kith_sender_codec says; another is
     * TYPE. */
    const kith_rtp_codec *codec;
    const void *data;
    /* bytes */
    size_t len;
    /* When it was captured, on the clock of kith_clock_now. Sending: 0 is now; RTP's timestamps
     * follow it, so that sound and picture stay in step. Received: by the peer's sender reports,
     * before the first of them when it came (see capture_known); never before that of the frame
     * before. */
    kith_time capture_time;
    /* H.264: NAL units stand behind start codes (0, as all that are received do), or, sending,
     * behind their lengths of 1, 2 or 4 bytes */
    unsigned nal_length_size;
    /* video: degrees clockwise by which a receiver turns the picture: 0, 90, 180, 270 */
    uint16_t rotation;
    /* audio (RFC 6464): -dBov, 0 to 127, 127 is silence */
    bool has_audio_level;
    uint8_t audio_level;
    bool voice_activity;
    /* sending video: no other frame refers to it */
    bool not_referenced;

    /* The rest is of received frames. A decoder can begin with it; true of audio. */
    bool is_key;
    /* video: pixels; 0: unknown */
    uint16_t width, height;
    /* before it: samples of audio that a decoder conceals; of video 1 for any number of frames, and
     * then this one is a key frame */
    uint32_t lost_before;
    uint32_t rtp_timestamp;
    /* on the clock of kith_clock_now: when its last packet came, and when a player shows it so that
     * no later one comes too late */
    kith_time received_at;
    kith_time play_at;
    /* capture_time is the peer's word and not when it came; what of one source was captured at a
     * time has then one play_at */
    bool capture_known;

    /* Video, both ways, where playout-delay was negotiated
     * (http://www.webrtc.org/experiments/rtp-hdrext/playout-delay): how long after its capture a
     * picture is shown, at least and at most; up to 40.95 s in steps of 10 ms. Received: what was
     * said last, which play_at obeys. Firefox is never told less than 10 ms: by 0 it freezes. */
    bool has_playout_delay;
    /* 0 */
    bool reserved[6];
    kith_time min_playout_delay, max_playout_delay;
} kith_frame;

#ifdef __cplusplus
#define KITH_FRAME_INIT KITH_INIT_OF(kith_frame)
#else
#define KITH_FRAME_INIT            \
    {                              \
        .size = sizeof(kith_frame) \
    }
#endif

/* ---- senders ---- */

/* Whose it is; never NULL. */
KITH_API kith_transceiver *kith_sender_transceiver(const kith_sender *sender);
/* MediaStreamTrack.id; NULL: no track. Borrowed. */
KITH_API const char *kith_sender_track_id(const kith_sender *sender);
/* webrtc-pc replaceTrack(): another track from now on, without negotiation: the peer sees the same
 * one (a=msid stays). NULL: none, and nothing is sent until there is one. Streams stay. TYPE for an
 * id that SDP cannot hold, or of a track that a sender of the other kind has; INVALID_STATE when it
 * was stopped or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_replace_track(kith_sender *sender,
                                                            const char *track_id);
/* webrtc-pc setStreams(): the MediaStream.id of each stream that the track is in from the next
 * negotiation on, once each; copied. TYPE for an id that SDP cannot hold (a token of RFC 8830, 64
 * characters at most), INVALID_STATE when the peer connection is closed; on failure nothing
 * changed. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_set_streams(kith_sender *sender,
                                                          const char *const *streams,
                                                          size_t stream_count);
/* webrtc-pc getParameters(): what was negotiated, and the encodings as they are. *out is the
 * sender's; it lives until the next call of get_parameters or until the next description is set.
 * NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_get_parameters(kith_sender *sender,
                                                             kith_rtp_send_parameters **out);
/* webrtc-pc setParameters(): what get_parameters gave last, with its encodings changed; or a copy
 * of it. INVALID_STATE where there is none since the last call and the last description, or when it
 * was stopped or pc is closed; INVALID_MODIFICATION when anything else was changed. Nothing changes
 * on failure. */
KITH_API KITH_MUST_CHECK kith_err
kith_sender_set_parameters(kith_sender *sender, const kith_rtp_send_parameters *parameters);
/* What the peer wants most of what both know; NULL while nothing can be sent: before DTLS is
 * connected, while the current direction does not send, without an active encoding, after
 * replace_track(NULL), and while a circuit breaker pauses it (RFC 8083: the peer reports on nothing
 * that is sent, nothing of it arrives, or the network loses far too much of it), which ends when
 * reports show that the path carries it again. KITH_EV_SENDER_STATE tells each change. Borrowed
 * until the next description is set. */
KITH_API const kith_rtp_codec *kith_sender_codec(const kith_sender *sender);
/* How much an encoder may make, in bits per second without IP and UDP; 0: nothing can be sent, or
 * the peer says that its path carries anything. The least of max_bitrate, of what the peer says of
 * its section and its share of what all senders have together: what the peer says in its
 * description (b=TIAS, else b=AS: RFC 9429 section 5.10; 0 is no limit), and what the path carries.
 * That is 300 kbit/s at first, and then by the peer's reports more while less than 2 % is lost, up
 * to half as much again as is sent, and less where more than 10 % is; and it is what the peer
 * estimates (REMB) as long as nothing is lost, and no more than that afterwards. Who needs less
 * than an equal share leaves the rest to the others; audio without a max_bitrate is taken to need
 * 64 kbit/s. KITH_EV_TARGET_BITRATE tells when it changed. kith sends what it is given. */
KITH_API uint64_t kith_sender_target_bitrate(const kith_sender *sender);
/* Queues a packet, copied. SSRC, payload type and extension ids become ours. Sequence numbers keep
 * their gaps and order (512 back, 3000 ahead); another SSRC or a larger jump goes on where the last
 * ended; timestamps likewise. Of the extensions those of RFC 6464, of 3GPP TS 26.114 (orientation)
 * and playout-delay go along where they were negotiated.
 *
 * AGAIN while nothing can be sent, or 4 MiB wait: the packet is dropped. What has waited for a
 * second, on a connection that is full, gives way to it: of video nothing more is sent then until a
 * key frame comes, for which KITH_EV_KEY_FRAME_REQUEST asks. TYPE for a codec that was not
 * negotiated; RANGE for more than a packet of 1200 bytes holds; INVALID_STATE when it was stopped
 * or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_send_rtp(kith_sender *sender, const kith_rtp *packet);

/* What the source of the packets says in its own sender report (RFC 3550 section 6.4.1): its NTP
 * time, 32.32 bits, and its RTP timestamp. Ours go on from there, so that what is in step at the
 * source is so at the peer. Does nothing before the first packet was sent. AGAIN while nothing can
 * be sent; INVALID_STATE when it was stopped or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_set_ntp(kith_sender *sender, uint64_t ntp,
                                                      uint32_t rtp_timestamp);

/* Queues a frame, copied, as packets of its codec (RFC 7587, 3551, 7741, 6184). H.264's parameter
 * sets are kept and put before an IDR picture that comes without; alone they wait for it. Those of
 * video leave at 2.5 times the rate of the last second, and within 250 ms.
 *
 * AGAIN while nothing can be sent, or 4 MiB wait, and for video until a key frame comes after
 * KITH_EV_SENDER_STATE, after any frame that was refused, and after frames that waited for a
 * second, on a connection that is full, and gave way to newer: the frame is dropped, and
 * KITH_EV_KEY_FRAME_REQUEST asks the encoder, and again when there is room for one that was refused
 * for want of it. TYPE for what is no frame of the codec; RANGE above 8 MiB, 2048 packets, or a
 * packet of audio that does not fit; INVALID_STATE when it was stopped or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_send_frame(kith_sender *sender,
                                                         const kith_frame *frame);
/* H.264: parameter sets that are not in the frames, as an AVCDecoderConfigurationRecord ("avcC",
 * ISO 14496-15). TYPE: it is none; INVALID_STATE when it was stopped or pc is closed. */
KITH_API KITH_MUST_CHECK kith_err kith_sender_set_codec_data(kith_sender *sender, const void *data,
                                                             size_t len);

/* ---- receivers ---- */

/* What the program gets of a receiver. */
typedef enum kith_receive_mode {
    /* KITH_EV_RTP: each packet as it comes, for gateways and forwarders */
    KITH_RECEIVE_PACKETS,
    /* KITH_EV_FRAME: frames that are whole, in decoding order, for decoders and recorders. A key
     * frame is asked for wherever the next can not be decoded. */
    KITH_RECEIVE_FRAMES,
} kith_receive_mode;

/* Whose it is; never NULL. */
KITH_API kith_transceiver *kith_receiver_transceiver(const kith_receiver *receiver);
/* Of the remote track (a=msid); NULL: not said. Borrowed until the next description is set. */
KITH_API const char *kith_receiver_track_id(const kith_receiver *receiver);
/* MediaStream.id number `index` of the streams that the remote track is in; NULL past the last. */
KITH_API const char *kith_receiver_stream_at(const kith_receiver *receiver, size_t index);
/* webrtc-pc getParameters(): what was negotiated. *out is the receiver's; it lives until the next
 * call or until the next description is set. NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err
kith_receiver_get_parameters(kith_receiver *receiver, const kith_rtp_receive_parameters **out);
/* MediaStreamTrack.muted: nothing comes. True until the first packet, while the current direction
 * does not receive, after the peer's BYE and when its stream timed out (RFC 3550 section 6.3.5).
 * KITH_EV_TRACK_MUTE and KITH_EV_TRACK_UNMUTE tell each change. */
KITH_API bool kith_receiver_is_muted(const kith_receiver *receiver);
/* Packets by default. Set it while KITH_EV_TRACK is looked at, or before the offer: then nothing of
 * the track was told yet, and what came of it meanwhile becomes frames. NO_MEMORY; TYPE for a mode
 * that is none.
 *
 * What waits to be told is the newest, of a receiver at most 2 s and 2 MiB: of what nobody asks for
 * the oldest goes. Of frames what is told next says so in lost_before; pictures begin with a key
 * frame again, which the peer is asked for. */
KITH_API KITH_MUST_CHECK kith_err kith_receiver_set_mode(kith_receiver *receiver,
                                                         kith_receive_mode mode);
/* Asks the peer for a key frame by PLI, else FIR (RFC 4585, 5104), at once and again until one
 * comes. Does nothing where nothing came so far. */
KITH_API void kith_receiver_request_key_frame(kith_receiver *receiver);

#ifdef __cplusplus
}
#endif
#endif
