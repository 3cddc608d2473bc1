/* Statistics with the names of W3C webrtc-stats. Timestamps are milliseconds of Unix time, as in
 * the browser; what is unknown is 0 or NULL. */
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
    /* of the ICE server, local server-reflexive ones */
    const char *url;
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
