/* RTCPeerConnection (W3C webrtc-pc, RFC 9429). Drop "RTC", snake_case each word: who knows the
 * browser's API knows this one.
 *
 * A peer connection belongs to one thread at a time, that of its endpoint. Calls never block and
 * never call back: what happens is told by events (kith/event.h). A failing call changes
 * nothing; kith_last_error() tells why in words. A returned pointer is borrowed until the next
 * call that changes the same object. */
#ifndef KITH_PC_H
#define KITH_PC_H

#include "kith/certificate.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_pc kith_pc;
typedef struct kith_dc kith_dc;
typedef struct kith_endpoint kith_endpoint;

/* ---- configuration ---- */

/* RTCIceServer. Initialise it whole ({0} or by its members): what it lacks is a default. It may
 * grow at its end: kith_pc_config says how long yours are. */
typedef struct kith_ice_server {
    /* "stun:host[:port]" (RFC 7064); "turn:host[:port]", the same with "?transport=tcp", and
     * "turns:host[:port]", which is TLS over TCP (RFC 7065). Of one host and user the best
     * transport that works is used: UDP at once, TCP after 600 ms and TLS after 900 ms without an
     * answer. TCP needs addresses for it (kith_endpoint_add_tcp_address; loops have them), whatever
     * ice_tcp says; certificates are judged by kith_endpoint_config.tls_roots. "stuns:" and
     * "turns:...?transport=udp" (DTLS) are NOT_SUPPORTED. */
    const char *const *urls;
    size_t url_count;
    /* for TURN, at most 508 bytes; else NULL */
    const char *username;
    /* for TURN, at most 508 bytes; else NULL */
    const char *credential;
} kith_ice_server;

/* RELAY: only candidates of TURN servers are told and used. Another policy takes effect with the
 * next gathering, so at once with kith_pc_restart_ice; what is connected serves until then. */
typedef enum kith_ice_transport_policy {
    KITH_ICE_TRANSPORT_POLICY_ALL,
    KITH_ICE_TRANSPORT_POLICY_RELAY,
} kith_ice_transport_policy;

/* RTCBundlePolicy. All sections have one transport: an answer that leaves one out of the bundle and
 * would send or receive in it is INVALID_ACCESS. */
typedef enum kith_bundle_policy {
    KITH_BUNDLE_POLICY_BALANCED,
    /* NOT_SUPPORTED: a transport for each section */
    KITH_BUNDLE_POLICY_MAX_COMPAT,
    /* new sections but the first are offered a=bundle-only: a peer that does not bundle rejects
     * them */
    KITH_BUNDLE_POLICY_MAX_BUNDLE,
} kith_bundle_policy;

typedef enum kith_rtcp_mux_policy { KITH_RTCP_MUX_POLICY_REQUIRE } kith_rtcp_mux_policy;

/* kith_pc_config.ice_tcp, bits: our side connects; our side accepts, on the one listener for all
 * peers that there is (kith_loop_config.tcp_port, kith_endpoint_add_tcp_address); neither. */
enum { KITH_ICE_TCP_ACTIVE = 1, KITH_ICE_TCP_PASSIVE = 2, KITH_ICE_TCP_NONE = 0x80 };

/* RTCConfiguration and what a native program wants to set besides. Begin with
 * KITH_PC_CONFIG_INIT; all is copied. */
/* Which addresses a peer gets to know (RFC 8828 section 5.2). */
enum {
    /* of all interfaces (mode 1) */
    KITH_IP_HANDLING_ALL,
    /* those that packets to the world leave from, one of each family (mode 2) */
    KITH_IP_HANDLING_DEFAULT_ROUTE,
    /* sockets on the same, told only as servers see them (mode 3) */
    KITH_IP_HANDLING_DEFAULT_ROUTE_ONLY,
};

/* Who asks for an ICE restart, by negotiationneeded, when every path is lost, or when a network
 * comes after ICE has failed. */
enum {
    /* kith: 2 s after the last path where we control, 6 s where the peer does and has not */
    KITH_ICE_RESTART_ON_LOSS,
    /* the program (kith_pc_restart_ice) */
    KITH_ICE_RESTART_NEVER,
};

typedef struct kith_pc_config {
    /* set by the init macro */
    size_t size;
    const kith_ice_server *ice_servers;
    size_t ice_server_count;
    /* sizeof(kith_ice_server), set by the init macro: how far they lie apart */
    size_t ice_server_size;
    kith_ice_transport_policy ice_transport_policy;
    kith_bundle_policy bundle_policy;
    kith_rtcp_mux_policy rtcp_mux_policy;
    /* none: a fresh ECDSA P-256 one */
    kith_certificate *const *certificates;
    size_t certificate_count;
    /* Accepted as W3C says; gathering begins with the first description. */
    uint8_t ice_candidate_pool_size;
    /* Streams that are announced: data channels have ids 0 to max_channels - 1, or fewer where the
     * peer announces less; 0: 256; at most 65534. 104 bytes each. */
    uint16_t max_channels;
    /* longest message we accept and announce, bytes; 0: 262144 */
    size_t max_message_size;
    /* Memory of messages held for a slow application before the peer is slowed down; 0: 1 MiB.
     * All that a peer can make us hold is at most twice as much and 1 MiB, and what
     * max_message_size has above half of it. */
    size_t receive_buffer;
    /* memory of waiting messages before kith_dc_send says AGAIN; 0: 16 MiB */
    size_t send_buffer;
    /* kith_pc_user */
    void *user;
    /* The peer has no RTCP, as behind some gateways: what it does not report on is sent all the
     * same. False: after 15 s of sending without a report, or feedback, all that is sent is paused
     * (KITH_EV_SENDER_STATE) until one comes (RFC 8083 section 4.1). Nothing else then stops what
     * congests a network: true is for networks that cannot be congested (section 4). */
    bool ignore_rtcp_timeout;
    /* Candidates of TCP (RFC 6544): KITH_ICE_TCP_ACTIVE, _PASSIVE, both (0 is that too), or _NONE.
     * Used by the next gathering, where the endpoint has addresses for TCP; they serve where no UDP
     * passes. */
    uint8_t ice_tcp;
    /* KITH_IP_HANDLING_…; used by the next gathering */
    uint8_t ip_handling;
    /* KITH_ICE_RESTART_…; may change */
    uint8_t ice_restart;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[4];
} kith_pc_config;

#ifdef __cplusplus
#define KITH_PC_CONFIG_INIT                                   \
    ([] {                                                     \
        kith_pc_config kith_init_ = kith_pc_config();         \
        kith_init_.size = sizeof(kith_pc_config);             \
        kith_init_.ice_server_size = sizeof(kith_ice_server); \
        return kith_init_;                                    \
    }())
#else
#define KITH_PC_CONFIG_INIT                                                        \
    {                                                                              \
        .size = sizeof(kith_pc_config), .ice_server_size = sizeof(kith_ice_server) \
    }
#endif

/* A peer connection on an endpoint. cfg NULL: defaults. Fails with SYNTAX for a malformed URL,
 * NOT_SUPPORTED for a scheme that kith does not speak, INVALID_ACCESS for an expired certificate or
 * for TURN credentials that are missing, RANGE for max_channels and for sizes from 2 GiB on, TYPE
 * for a cfg that does not begin with KITH_PC_CONFIG_INIT and for pointers that are missing. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_new(kith_pc **out, kith_endpoint *ep,
                                              const kith_pc_config *cfg);
/* webrtc-pc close(): channels and transports end at once, signalling state becomes closed, no
 * more events come but those of channels. Messages still queued are lost: to lose nothing close
 * the channels first and wait for their closed events. */
KITH_API void kith_pc_close(kith_pc *pc);
/* Closes and frees; no event names it or its channels any more. Legal at any time. NULL is fine. */
KITH_API void kith_pc_free(kith_pc *pc);

/* The application's pointer: what kith_pc_config.user or kith_pc_set_user gave last. */
KITH_API void *kith_pc_user(const kith_pc *pc);
/* kith only keeps it, and neither follows nor frees it. */
KITH_API void kith_pc_set_user(kith_pc *pc, void *user);
/* The endpoint that pc was made on. */
KITH_API kith_endpoint *kith_pc_endpoint(const kith_pc *pc);

/* webrtc-pc getConfiguration(); borrowed. It has the sizes that it was set with: a copy may be
 * changed and set. */
KITH_API const kith_pc_config *kith_pc_get_configuration(const kith_pc *pc);
/* webrtc-pc setConfiguration(): ICE servers and transport policy, used by the next gathering. Where
 * they are others than before the next offer restarts ICE; no event asks for one.
 * INVALID_MODIFICATION for what cannot change any more (certificates, bundle policy, sizes). */
KITH_API KITH_MUST_CHECK kith_err kith_pc_set_configuration(kith_pc *pc, const kith_pc_config *cfg);

/* ---- offer and answer ---- */

typedef enum kith_sdp_type {
    KITH_SDP_OFFER,
    KITH_SDP_PRANSWER,
    KITH_SDP_ANSWER,
    KITH_SDP_ROLLBACK,
} kith_sdp_type;

/* "offer", "pranswer", "answer", "rollback". */
KITH_API const char *kith_sdp_type_name(kith_sdp_type type);

/* RTCSessionDescriptionInit. Never grows. */
typedef struct kith_session_description {
    kith_sdp_type type;
    /* NULL only for a rollback */
    const char *sdp;
} kith_session_description;

/* RTCOfferOptions. */
typedef struct kith_offer_options {
    size_t size;
    bool ice_restart;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[7];
} kith_offer_options;

#ifdef __cplusplus
#define KITH_OFFER_OPTIONS_INIT KITH_INIT_OF(kith_offer_options)
#else
#define KITH_OFFER_OPTIONS_INIT            \
    {                                      \
        .size = sizeof(kith_offer_options) \
    }
#endif

/* webrtc-pc createOffer(). *out is borrowed; options NULL: defaults. INVALID_STATE when closed or
 * in another signaling state than stable and have-local-offer. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_create_offer(kith_pc *pc,
                                                       const kith_offer_options *options,
                                                       const kith_session_description **out);
/* webrtc-pc createAnswer(). *out is borrowed. INVALID_STATE when closed or in another signaling
 * state than have-remote-offer and have-local-pranswer. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_create_answer(kith_pc *pc,
                                                        const kith_session_description **out);
/* webrtc-pc setLocalDescription(). NULL: the implicit form, creates what the signalling state asks
 * for. Otherwise what create_offer or create_answer gave last, unmodified (INVALID_MODIFICATION),
 * or a rollback. INVALID_STATE for the wrong order. Gathering begins. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_set_local_description(kith_pc *pc,
                                                                const kith_session_description *d);
/* webrtc-pc setRemoteDescription(). An offer in have-local-offer rolls the local one back first
 * (perfect negotiation's polite side). SDP_SYNTAX with the line, or for more than 256 KiB;
 * INVALID_ACCESS for contents that cannot be accepted, INVALID_STATE for the wrong order.
 *
 * Another fingerprint or a=tls-id, with an ICE restart: the peer was replaced, as when a page is
 * loaded again. DTLS and SCTP begin anew with the answer (RFC 8842 section 5.5), open channels end
 * with an error, audio and video go on under other keys. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_set_remote_description(kith_pc *pc,
                                                                 const kith_session_description *d);

/* RTCPeerConnection.localDescription: the pending one, else the current one, with the candidates
 * gathered so far; NULL when there is none. Borrowed. */
KITH_API const kith_session_description *kith_pc_local_description(kith_pc *pc);
/* What was agreed on last, with the candidates gathered so far; NULL before the first answer.
 * Borrowed. */
KITH_API const kith_session_description *kith_pc_current_local_description(kith_pc *pc);
/* The offer or provisional answer that still waits, with the candidates gathered so far; NULL when
 * there is none. Borrowed. */
KITH_API const kith_session_description *kith_pc_pending_local_description(kith_pc *pc);
/* RTCPeerConnection.remoteDescription: the pending one, else the current one, with the candidates
 * added so far; NULL when there is none. Borrowed. */
KITH_API const kith_session_description *kith_pc_remote_description(kith_pc *pc);
/* What was agreed on last, with the candidates added so far; NULL before the first answer.
 * Borrowed. */
KITH_API const kith_session_description *kith_pc_current_remote_description(kith_pc *pc);
/* The peer's offer or provisional answer that still waits, with the candidates added so far; NULL
 * when there is none. Borrowed. */
KITH_API const kith_session_description *kith_pc_pending_remote_description(kith_pc *pc);

/* RTCIceCandidateInit. Begin with KITH_ICE_CANDIDATE_INIT (neither mid nor index), or write it as
 * the dictionary, with as many members as stand before its size. */
typedef struct kith_ice_candidate {
    /* "candidate:…"; "" ends this generation's candidates */
    const char *candidate;
    /* NULL: not given */
    const char *sdp_mid;
    /* -1: not given */
    int sdp_m_line_index;
    /* NULL: not given */
    const char *username_fragment;
    /* set by the init macro; 0: nothing stands behind it */
    size_t size;
} kith_ice_candidate;

#ifdef __cplusplus
#define KITH_ICE_CANDIDATE_INIT                               \
    ([] {                                                     \
        kith_ice_candidate kith_init_ = kith_ice_candidate(); \
        kith_init_.size = sizeof(kith_ice_candidate);         \
        kith_init_.sdp_m_line_index = -1;                     \
        return kith_init_;                                    \
    }())
#else
#define KITH_ICE_CANDIDATE_INIT                                    \
    {                                                              \
        .sdp_m_line_index = -1, .size = sizeof(kith_ice_candidate) \
    }
#endif

/* webrtc-pc addIceCandidate(). NULL ends the candidates of all sections. INVALID_STATE without a
 * remote description, TYPE when neither mid nor index is given and for a size that no version of
 * the struct had, OPERATION for a line that is no candidate or names an unknown section or
 * generation. A name that cannot be resolved, or a kind of candidate that kith does not use, is no
 * error. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_add_ice_candidate(kith_pc *pc,
                                                            const kith_ice_candidate *c);
/* [[NegotiationNeeded]] of webrtc-pc section 4.7.3: was KITH_EV_NEGOTIATION_NEEDED told, or is it
 * about to be, and nothing negotiated since? For an application that asks once it is able to
 * signal, instead of remembering events. */
KITH_API bool kith_pc_negotiation_needed(const kith_pc *pc);
/* webrtc-pc restartIce(): the next offer restarts ICE; negotiationneeded comes. */
KITH_API void kith_pc_restart_ice(kith_pc *pc);

/* RTCPeerConnection.canTrickleIceCandidates: true, false or null. */
typedef enum kith_can_trickle {
    KITH_CAN_TRICKLE_UNKNOWN,
    KITH_CAN_TRICKLE_NO,
    KITH_CAN_TRICKLE_YES
} kith_can_trickle;

/* Does the peer take candidates after its description (ice-options:trickle)? UNKNOWN before a
 * remote description. */
KITH_API kith_can_trickle kith_pc_can_trickle_ice_candidates(const kith_pc *pc);

/* ---- states ---- */

typedef enum kith_signaling_state {
    KITH_SIGNALING_STATE_STABLE,
    KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER,
    KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER,
    KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER,
    KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER,
    KITH_SIGNALING_STATE_CLOSED,
} kith_signaling_state;

typedef enum kith_ice_gathering_state {
    KITH_ICE_GATHERING_STATE_NEW,
    KITH_ICE_GATHERING_STATE_GATHERING,
    KITH_ICE_GATHERING_STATE_COMPLETE,
} kith_ice_gathering_state;

typedef enum kith_ice_connection_state {
    KITH_ICE_CONNECTION_STATE_NEW,
    KITH_ICE_CONNECTION_STATE_CHECKING,
    KITH_ICE_CONNECTION_STATE_CONNECTED,
    KITH_ICE_CONNECTION_STATE_COMPLETED,
    KITH_ICE_CONNECTION_STATE_DISCONNECTED,
    KITH_ICE_CONNECTION_STATE_FAILED,
    KITH_ICE_CONNECTION_STATE_CLOSED,
} kith_ice_connection_state;

typedef enum kith_connection_state {
    KITH_CONNECTION_STATE_NEW,
    KITH_CONNECTION_STATE_CONNECTING,
    KITH_CONNECTION_STATE_CONNECTED,
    KITH_CONNECTION_STATE_DISCONNECTED,
    KITH_CONNECTION_STATE_FAILED,
    KITH_CONNECTION_STATE_CLOSED,
} kith_connection_state;

/* RTCPeerConnection.signalingState. */
KITH_API kith_signaling_state kith_pc_signaling_state(const kith_pc *pc);
/* RTCPeerConnection.iceGatheringState. */
KITH_API kith_ice_gathering_state kith_pc_ice_gathering_state(const kith_pc *pc);
/* RTCPeerConnection.iceConnectionState. */
KITH_API kith_ice_connection_state kith_pc_ice_connection_state(const kith_pc *pc);
/* RTCPeerConnection.connectionState. When the peer closes (its SCTP ABORT or close_notify),
 * channels tell KITH_EV_DC_CLOSED at once, an ABORT with KITH_EV_DC_ERROR before, whose
 * sctp_cause_code is 12 when its application closed. This state follows W3C: it becomes
 * disconnected and then failed when ICE's consent runs out. */
KITH_API kith_connection_state kith_pc_connection_state(const kith_pc *pc);
/* The W3C spelling: "have-local-offer" and such. */
KITH_API const char *kith_signaling_state_name(kith_signaling_state state);
/* The W3C spelling: "new", "gathering", "complete". */
KITH_API const char *kith_ice_gathering_state_name(kith_ice_gathering_state state);
/* The W3C spelling: "checking" and such. */
KITH_API const char *kith_ice_connection_state_name(kith_ice_connection_state state);
/* The W3C spelling: "connecting" and such. */
KITH_API const char *kith_connection_state_name(kith_connection_state state);

/* Why the connection failed or does not come about, in words for a person: every pair tried and
 * why it died, the last alert, what is missing, a STUN server's answer or a TURN server among it.
 * Never NULL. Borrowed: asking again writes it anew. */
KITH_API const char *kith_pc_why_failed(kith_pc *pc);

/* The remote certificate chain's first certificate, DER, of *len bytes; NULL and 0 before DTLS is
 * connected. len is needed. Borrowed. RTCDtlsTransport.getRemoteCertificates(). */
KITH_API const uint8_t *kith_pc_remote_certificate(const kith_pc *pc, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
