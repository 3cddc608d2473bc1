/* Statistics with the names of W3C webrtc-stats. Timestamps are milliseconds of Unix time, as in
 * the browser; what is unknown is 0 or NULL, or -1 where 0 says something.
 *
 * What only an encoder, a decoder, a jitter buffer or a device knows is the program's to count, and
 * missing here: framesDecoded, qpSum, totalDecodeTime, qualityLimitationReason, freezeCount,
 * jitterBufferDelay, concealedSamples, audioLevel and their like; so is framesPerSecond, which the
 * counts of two reports give for any time. */
#ifndef KITH_STATS_H
#define KITH_STATS_H

#include "kith/event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kith_stats_type {
    KITH_STATS_PEER_CONNECTION,
    KITH_STATS_TRANSPORT,
    KITH_STATS_CANDIDATE_PAIR,
    KITH_STATS_LOCAL_CANDIDATE,
    KITH_STATS_REMOTE_CANDIDATE,
    KITH_STATS_CERTIFICATE,
    KITH_STATS_DATA_CHANNEL,
    KITH_STATS_CODEC,
    KITH_STATS_INBOUND_RTP,
    KITH_STATS_OUTBOUND_RTP,
    KITH_STATS_REMOTE_INBOUND_RTP,
    KITH_STATS_REMOTE_OUTBOUND_RTP,
    KITH_STATS_MEDIA_SOURCE,
} kith_stats_type;

/* "peer-connection", "candidate-pair" and such. */
KITH_API const char *kith_stats_type_name(kith_stats_type type);

/* RTCPeerConnectionStats */
typedef struct kith_peer_connection_stats {
    uint32_t data_channels_opened, data_channels_closed;
} kith_peer_connection_stats;

/* RTCTransportStats */
typedef struct kith_transport_stats {
    uint64_t packets_sent, packets_received, bytes_sent, bytes_received;
    /* "controlling", "controlled", "unknown" */
    const char *ice_role;
    const char *ice_local_username_fragment;
    /* RTCDtlsTransportState */
    const char *dtls_state;
    /* RTCIceTransportState */
    const char *ice_state;
    const char *selected_candidate_pair_id, *local_certificate_id, *remote_certificate_id;
    const char *tls_version, *dtls_cipher, *dtls_role, *srtp_cipher;
    uint32_t selected_candidate_pair_changes;
} kith_transport_stats;

/* RTCIceCandidatePairStats */
typedef struct kith_candidate_pair_stats {
    const char *transport_id, *local_candidate_id, *remote_candidate_id;
    /* RTCStatsIceCandidatePairState */
    const char *state;
    bool nominated;
    uint64_t priority;
    uint64_t packets_sent, packets_received, bytes_sent, bytes_received;
    double last_packet_sent_timestamp, last_packet_received_timestamp;
    /* seconds */
    double total_round_trip_time, current_round_trip_time;
    /* Of the selected pair: what the peer says the path carries (REMB), bits per second; 0: it
     * says nothing. */
    double available_outgoing_bitrate;
    uint64_t requests_received, requests_sent, responses_received, responses_sent,
        consent_requests_sent;
} kith_candidate_pair_stats;

/* RTCIceCandidateStats, local and remote */
typedef struct kith_candidate_stats {
    const char *transport_id;
    /* the IP address, or the name it came as */
    const char *address;
    uint16_t port;
    /* "udp" */
    const char *protocol;
    /* "host", "srflx", "prflx", "relay" */
    const char *candidate_type;
    uint32_t priority;
    /* of the ICE server, local server-reflexive and relayed ones */
    const char *url;
    /* "udp": how the TURN server is reached, local relayed ones */
    const char *relay_protocol;
    const char *foundation, *related_address, *username_fragment, *tcp_type;
    uint16_t related_port;
} kith_candidate_stats;

/* RTCCertificateStats */
typedef struct kith_certificate_stats {
    const char *fingerprint, *fingerprint_algorithm;
    /* DER in base64 */
    const char *base64_certificate;
} kith_certificate_stats;

/* RTCDataChannelStats */
typedef struct kith_data_channel_stats {
    const char *label, *protocol;
    /* -1 before it is known */
    int data_channel_identifier;
    const char *state;
    uint32_t messages_sent, messages_received;
    uint64_t bytes_sent, bytes_received;
} kith_data_channel_stats;

/* RTCCodecStats: of those that a stream uses. */
typedef struct kith_codec_stats {
    const char *transport_id;
    uint8_t payload_type;
    /* "video/VP8" */
    const char *mime_type;
    uint32_t clock_rate;
    /* of audio; 0: video */
    uint16_t channels;
    const char *sdp_fmtp_line;
} kith_codec_stats;

/* RTCInboundRtpStreamStats: one for each SSRC of the peer. */
typedef struct kith_inbound_rtp_stats {
    uint32_t ssrc;
    /* "audio", "video" */
    const char *kind;
    const char *transport_id, *codec_id;
    uint64_t packets_received;
    /* negative with duplicates */
    int64_t packets_lost;
    /* seconds */
    double jitter;
    const char *track_identifier, *mid;
    /* of its remote-outbound-rtp; NULL before a sender report came */
    const char *remote_id;
    uint64_t bytes_received, header_bytes_received;
    double last_packet_received_timestamp;
    /* video; -1: unknown, where packets are received and not frames */
    int64_t frames_received, packets_discarded;
    /* video; -1 as above. Frames of which something came, and which were not told: they are not
     * whole, or behind a loss, or nobody asked for them for too long. */
    int64_t frames_dropped;
    /* video; -1 as above. Of frames_received, those that were more than one packet; and seconds
     * from the first of each to the last that came, all together. */
    int64_t frames_assembled_from_multiple_packets;
    double total_assembly_time;
    /* video, of the last frame; 0: unknown */
    uint32_t frame_width, frame_height;
    /* video; -1 of audio */
    int64_t fir_count, pli_count;
    /* requests for packets that were missing (RFC 4585 section 6.2.1) */
    uint32_t nack_count;
    /* Of those received: what was sent again and was missing. -1: RTX was not negotiated, or
     * nothing came by it. */
    int64_t retransmitted_packets_received, retransmitted_bytes_received;
    /* 0: unknown */
    uint32_t rtx_ssrc;
} kith_inbound_rtp_stats;

/* RTCOutboundRtpStreamStats: one for each sender. */
typedef struct kith_outbound_rtp_stats {
    uint32_t ssrc;
    const char *kind;
    const char *transport_id, *codec_id;
    uint64_t packets_sent, bytes_sent;
    const char *mid;
    /* NULL: no track */
    const char *media_source_id;
    /* of its remote-inbound-rtp; NULL before the peer reported */
    const char *remote_id;
    uint64_t header_bytes_sent;
    /* video; -1 of audio. Key frames are those that were sent. */
    int64_t frames_sent, key_frames_encoded;
    /* video; -1: kith_sender_send_frame was not called, or of audio. What it was given; and of what
     * it took, frames of two and a half times the average size of all until then. */
    int64_t frames_encoded, huge_frames_sent;
    /* seconds, of all packets sent together: from when each was made of a frame, given to
     * kith_sender_send_rtp or asked for again, until the driver took it */
    double total_packet_send_delay;
    uint32_t nack_count;
    /* video; -1 of audio */
    int64_t fir_count, pli_count;
    /* of those sent, what was sent again (RFC 4588) */
    uint64_t retransmitted_packets_sent, retransmitted_bytes_sent;
    /* 0: none */
    uint32_t rtx_ssrc;
    /* the encoding is, the direction sends, and the transport can */
    bool active;
    /* Not W3C's: what paused it (RFC 8083 sections 4.1 to 4.3), "rtcpTimeout", "mediaTimeout" or
     * "congestion"; NULL: nothing. */
    const char *circuit_breaker;
    /* kith_sender_target_bitrate; 0: none */
    double target_bitrate;
} kith_outbound_rtp_stats;

/* RTCRemoteInboundRtpStreamStats: what the peer reported last of what we send; its timestamp is
 * when that came. */
typedef struct kith_remote_inbound_rtp_stats {
    uint32_t ssrc;
    const char *kind;
    const char *transport_id, *codec_id;
    /* negative with duplicates */
    int64_t packets_lost;
    /* seconds */
    double jitter;
    /* of its outbound-rtp */
    const char *local_id;
    /* seconds; 0: unknown */
    double round_trip_time;
    double total_round_trip_time;
    /* of 1 */
    double fraction_lost;
    uint64_t round_trip_time_measurements;
} kith_remote_inbound_rtp_stats;

/* RTCRemoteOutboundRtpStreamStats: what the peer's last sender report said; its timestamp is when
 * that came. */
typedef struct kith_remote_outbound_rtp_stats {
    uint32_t ssrc;
    const char *kind;
    const char *transport_id, *codec_id;
    uint64_t packets_sent, bytes_sent;
    /* of its inbound-rtp */
    const char *local_id;
    /* by the peer's clock */
    double remote_timestamp;
    /* sender reports that came */
    uint64_t reports_sent;
    /* seconds, by extended reports, which are asked for while we send nothing; 0: unknown */
    double round_trip_time;
    double total_round_trip_time;
    uint64_t round_trip_time_measurements;
} kith_remote_outbound_rtp_stats;

/* RTCMediaSourceStats: of a sender with a track. */
typedef struct kith_media_source_stats {
    const char *track_identifier;
    const char *kind;
    /* video: what kith_sender_send_frame was given; -1: nothing, or of audio */
    int64_t frames;
} kith_media_source_stats;

typedef struct kith_stats {
    kith_stats_type type;
    const char *id;
    double timestamp;
    union {
        kith_peer_connection_stats peer_connection;
        kith_transport_stats transport;
        kith_candidate_pair_stats candidate_pair;
        /* local and remote */
        kith_candidate_stats candidate;
        kith_certificate_stats certificate;
        kith_data_channel_stats data_channel;
        kith_codec_stats codec;
        kith_inbound_rtp_stats inbound_rtp;
        kith_outbound_rtp_stats outbound_rtp;
        kith_remote_inbound_rtp_stats remote_inbound_rtp;
        kith_remote_outbound_rtp_stats remote_outbound_rtp;
        kith_media_source_stats media_source;
    };
} kith_stats;

/* RTCStatsReport: a snapshot that its owner frees. */
typedef struct kith_stats_report kith_stats_report;

/* webrtc-pc getStats(): what is known now; *out is the caller's (kith_stats_report_free). */
KITH_API KITH_MUST_CHECK kith_err kith_pc_get_stats(kith_pc *pc, kith_stats_report **out);
/* How many objects it has. */
KITH_API size_t kith_stats_report_size(const kith_stats_report *report);
/* The index-th object, from 0; NULL past the last. Lives as long as the report. */
KITH_API const kith_stats *kith_stats_report_at(const kith_stats_report *report, size_t index);
/* The object with this id, such as kith_transport_stats.local_certificate_id; NULL: none. Lives as
 * long as the report. */
KITH_API const kith_stats *kith_stats_report_get(const kith_stats_report *report, const char *id);
/* NULL is fine. */
KITH_API void kith_stats_report_free(kith_stats_report *report);

#ifdef __cplusplus
}
#endif
#endif
