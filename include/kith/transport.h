/* The transports of a peer connection: RTCIceTransport, RTCDtlsTransport and RTCSctpTransport in
 * one handle, as they lie on each other. All sections are bundled: there is one. */
#ifndef KITH_TRANSPORT_H
#define KITH_TRANSPORT_H

#include "kith/candidate.h"
#include "kith/pc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_transport kith_transport;

/* The index-th transport of pc, from 0; NULL past the last. It lives as long as pc. */
KITH_API const kith_transport *kith_pc_transport_at(const kith_pc *pc, size_t index);

/* ---- RTCIceTransport ---- */

typedef enum kith_ice_transport_state {
    KITH_ICE_TRANSPORT_STATE_NEW,
    KITH_ICE_TRANSPORT_STATE_CHECKING,
    KITH_ICE_TRANSPORT_STATE_CONNECTED,
    KITH_ICE_TRANSPORT_STATE_COMPLETED,
    KITH_ICE_TRANSPORT_STATE_DISCONNECTED,
    KITH_ICE_TRANSPORT_STATE_FAILED,
    KITH_ICE_TRANSPORT_STATE_CLOSED,
} kith_ice_transport_state;

/* RTCIceRole. */
typedef enum kith_ice_transport_role {
    /* before a description was applied */
    KITH_ICE_TRANSPORT_ROLE_UNKNOWN,
    KITH_ICE_TRANSPORT_ROLE_CONTROLLING,
    KITH_ICE_TRANSPORT_ROLE_CONTROLLED,
} kith_ice_transport_role;

/* RTCIceTransport.state. */
KITH_API kith_ice_transport_state kith_transport_ice_state(const kith_transport *transport);
/* RTCIceTransport.gatheringState. */
KITH_API kith_ice_gathering_state kith_transport_gathering_state(const kith_transport *transport);
/* RTCIceTransport.role. */
KITH_API kith_ice_transport_role kith_transport_ice_role(const kith_transport *transport);
/* getSelectedCandidatePair().local: false when no pair is selected; else out holds the candidate.
 * out begins with KITH_CANDIDATE_FIELDS_INIT. */
KITH_API bool kith_transport_selected_local(const kith_transport *transport,
                                            kith_candidate_fields *out);
/* getSelectedCandidatePair().remote, like kith_transport_selected_local. */
KITH_API bool kith_transport_selected_remote(const kith_transport *transport,
                                             kith_candidate_fields *out);
/* How often another pair was selected since the beginning, the first one counted. */
KITH_API uint32_t kith_transport_selected_pair_changes(const kith_transport *transport);
/* Smoothed round-trip time of the path that carries data, in microseconds; 0: not yet measured. */
KITH_API kith_time kith_transport_rtt(const kith_transport *transport);

/* ---- RTCDtlsTransport ---- */

typedef enum kith_dtls_transport_state {
    KITH_DTLS_TRANSPORT_STATE_NEW,
    KITH_DTLS_TRANSPORT_STATE_CONNECTING,
    KITH_DTLS_TRANSPORT_STATE_CONNECTED,
    KITH_DTLS_TRANSPORT_STATE_CLOSED,
    KITH_DTLS_TRANSPORT_STATE_FAILED,
} kith_dtls_transport_state;

/* RTCDtlsTransport.state. */
KITH_API kith_dtls_transport_state kith_transport_dtls_state(const kith_transport *transport);

/* ---- RTCSctpTransport ---- */

typedef enum kith_sctp_transport_state {
    /* no application section was agreed on: RTCPeerConnection.sctp is null */
    KITH_SCTP_TRANSPORT_STATE_NONE,
    KITH_SCTP_TRANSPORT_STATE_CONNECTING,
    KITH_SCTP_TRANSPORT_STATE_CONNECTED,
    KITH_SCTP_TRANSPORT_STATE_CLOSED,
} kith_sctp_transport_state;

/* RTCSctpTransport.state. Its maxMessageSize and maxChannels are kith_pc_max_message_size and
 * kith_pc_max_channels. */
KITH_API kith_sctp_transport_state kith_transport_sctp_state(const kith_transport *transport);

/* The W3C spelling: "checking" and such. */
KITH_API const char *kith_ice_transport_state_name(kith_ice_transport_state state);
/* "unknown", "controlling", "controlled". */
KITH_API const char *kith_ice_transport_role_name(kith_ice_transport_role role);
/* The W3C spelling: "connecting" and such. */
KITH_API const char *kith_dtls_transport_state_name(kith_dtls_transport_state state);
/* The W3C spelling: "connecting" and such; "" for NONE. */
KITH_API const char *kith_sctp_transport_state_name(kith_sctp_transport_state state);

#ifdef __cplusplus
}
#endif
#endif
