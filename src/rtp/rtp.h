/* RTP and RTCP of one transport (RFC 3550, 3551, 4585, 8834): whose stream a packet is, what came
 * of it and what did not, the numbers of what leaves, reports and requests for key frames both
 * ways.
 *
 * It knows no keys: what goes in was decrypted, what comes out is not yet encrypted. It knows no
 * payload and no SDP: its owner says what was negotiated, section by section. Everything is
 * borrowed but for packets and units, which are counted (base/block.h). */
#ifndef KITH_RTP_RTP_H
#define KITH_RTP_RTP_H

#include "wire/rtp_packet.h"
#include "wire/rtp_unit.h"

typedef struct kith_rtp_session kith_rtp_session;
/* A stream that we send; its SSRC may change. */
typedef struct kith_rtp_out kith_rtp_out;

/* Limits on what a peer can make the session store; what is above is dropped and counted. */
#define KITH_RTP_MAX_SSRCS 256
/* Packets of sections that wait for their answer: bytes, and how long. */
#define KITH_RTP_MAX_WAITING  (256 * 1024)
#define KITH_RTP_WAITING_TIME KITH_SECONDS(2)
/* Packets that nobody asked for yet. */
#define KITH_RTP_MAX_READY 1024
/* Bytes of units that wait on all streams, then kith_rtp_push says AGAIN. */
#define KITH_RTP_MAX_QUEUED (4 * 1024 * 1024)
/* The longest packet that we send, before encryption adds its tag: as long as those of browsers,
 * which a gateway hands on as they are. */
#define KITH_RTP_MAX_PACKET 1200
/* CNAMEs that RFC 7022 section 4.2 makes are shorter. */
#define KITH_RTP_MAX_CNAME 64

typedef struct kith_rtp_config {
    /* of all streams that we send (RFC 7022): 1 to KITH_RTP_MAX_CNAME bytes, copied */
    const char *cname;
    /* where SSRCs of ours come from: the caller's, and as long there as the session. None that it
     * had is chosen again (RFC 3711 section 9.1). */
    struct kith_random_order *ssrcs;
    /* NTP time (RFC 3550 section 4) when the clock of `now` was at 0 */
    uint64_t ntp_origin;
    /* the peer has no RTCP: streams are not paused for want of reports (RFC 8083 section 4) */
    bool ignore_rtcp_timeout;
} kith_rtp_config;

KITH_MUST_CHECK kith_err kith_rtp_new(kith_rtp_session **out, const kith_rtp_config *config);
void kith_rtp_free(kith_rtp_session *session);

/* ---- what was negotiated ---- */

typedef enum kith_rtp_kind { KITH_RTP_AUDIO, KITH_RTP_VIDEO } kith_rtp_kind;

typedef struct kith_rtp_payload_type {
    /* 0 to 127 */
    uint8_t number;
    uint32_t clock_rate;
    /* RFC 4588 section 8.6: packets that are sent again, of payload type `apt` */
    bool is_rtx;
    uint8_t apt;
} kith_rtp_payload_type;

/* a=ssrc-group:FID (RFC 5576 section 4.2): what `ssrc` sends again comes as `rtx_ssrc`. */
typedef struct kith_rtp_fid {
    uint32_t ssrc, rtx_ssrc;
} kith_rtp_fid;

typedef struct kith_rtp_section {
    const char *mid;
    kith_rtp_kind kind;
    /* Offered by us and not answered yet: its packets wait for the answer (RFC 3264 section 5.1:
     * the offerer must be prepared to receive media at once). */
    bool is_pending;
    /* a=rtcp-rsize by both sides */
    bool reduced_size;
    /* which requests for a key frame the peer takes: "nack pli", "ccm fir" */
    bool takes_pli, takes_fir;
    /* a=rtcp-xr:rcvr-rtt=all by both sides */
    bool rcvr_rtt;
    /* The peer answers "nack": it is asked for what is missing. */
    bool takes_nack;
    /* "transport-cc" by both sides: it is told when its packets came */
    bool takes_transport_cc;
    /* what we receive: none where the section does not */
    const kith_rtp_payload_type *payload_types;
    size_t payload_type_count;
    /* a=ssrc of the peer */
    const uint32_t *ssrcs;
    size_t ssrc_count;
    /* a=ssrc-group:FID of the peer */
    const kith_rtp_fid *fids;
    size_t fid_count;
    /* the id of each extension, both ways; 0: not agreed on */
    uint8_t extensions[KITH_RTP_EXTENSION_COUNT];
    /* comes with the events of the section */
    void *user;
} kith_rtp_section;

/* All sections of the transport, in place of those before; copied. What is bound to a mid that
 * stays stays bound; the streams of a mid that went are forgotten. NO_MEMORY: nothing changed. Call
 * when a local offer is applied (its new sections pending) and when an answer is. */
KITH_MUST_CHECK kith_err kith_rtp_set_sections(kith_rtp_session *session,
                                               const kith_rtp_section *sections, size_t count);

/* ICE's round trip, which is asked for until RTCP has one. */
void kith_rtp_set_rtt(kith_rtp_session *session, kith_time rtt);

/* ---- streams that we send ---- */

typedef struct kith_rtp_out_config {
    /* the section's; copied */
    const char *mid;
    kith_rtp_kind kind;
    uint32_t clock_rate;
    /* 0: chosen. One that is in use already is replaced: ask kith_rtp_out_ssrc. */
    uint32_t ssrc;
    /* With a stream beside it for what is sent again (RFC 4588 section 5.3), whose SSRC likewise
     * may be chosen. */
    bool has_rtx;
    uint32_t rtx_ssrc;
    /* comes with its events */
    void *user;
} kith_rtp_out_config;

KITH_MUST_CHECK kith_err kith_rtp_add_out(kith_rtp_session *session, kith_rtp_out **out,
                                          const kith_rtp_out_config *config);
/* What it has queued is dropped; BYE follows if anything was sent. */
void kith_rtp_remove_out(kith_rtp_session *session, kith_rtp_out *out);
/* The same, but it may go on: with the SSRC that it has, and where its numbers were. */
void kith_rtp_pause_out(kith_rtp_session *session, kith_rtp_out *out);
/* The next SSRC of ours that left for good: its BYE is out, nothing more will be sent with it. Ask
 * when that packet was encrypted. False: none. */
bool kith_rtp_next_gone(kith_rtp_session *session, uint32_t *ssrc);
uint32_t kith_rtp_out_ssrc(const kith_rtp_out *out);
/* 0: it has none. */
uint32_t kith_rtp_out_rtx_ssrc(const kith_rtp_out *out);
/* What the peer takes, by payload type of what was lost: that of what is sent again; 0: it is sent
 * once. An index of SRTP is encrypted once (RFC 7714 section 8.4): without RTX nothing is repaired,
 * and a NACK is counted only. */
void kith_rtp_out_set_rtx(kith_rtp_out *out, const uint8_t rtx_types[128]);
/* The SSRC stands in an applied description: from now on another one is told as SSRC_CHANGED. */
void kith_rtp_out_announced(kith_rtp_out *out);
void kith_rtp_out_set_clock_rate(kith_rtp_out *out, uint32_t clock_rate);

/* Queues a unit with its reference. AGAIN: KITH_RTP_MAX_QUEUED is reached, or the stream is paused;
 * RANGE: it cannot fit into a packet; NO_MEMORY. On failure the reference stays the caller's.
 *
 * What has waited for a second, on a connection that takes nothing, gives way to what is new: of
 * audio the oldest units, of video all up to a key frame, but for the rest of a frame that has
 * begun to leave. Then a key frame is needed, and KEY_FRAME_REQUEST comes.
 *
 * Numbers: the first is below 2^15, so that a receiver that misses the beginning guesses the
 * rollover counter right (RFC 3711 section 3.3.1). A numbered source keeps its order and its gaps
 * (up to 512 back, 3000 ahead); from another source, or after a larger jump, they go on at the last
 * + 1. No number leaves twice: a doubled or too late packet of a source is dropped. */
KITH_MUST_CHECK kith_err kith_rtp_push(kith_rtp_session *session, kith_time now, kith_rtp_out *out,
                                       const kith_rtp_unit *unit);
/* What was paused may be sent again, and is watched anew: what paused it may be over. */
void kith_rtp_out_resume(kith_rtp_session *session, kith_rtp_out *out);
/* Makes room for a whole frame: the next `count` units, of `bytes` in all, will be pushed. AGAIN:
 * so much does not fit at present; NO_MEMORY. */
KITH_MUST_CHECK kith_err kith_rtp_reserve(kith_rtp_session *session, kith_time now,
                                          kith_rtp_out *out, size_t count, size_t bytes);
/* Would it be made, but for memory? */
bool kith_rtp_has_room(const kith_rtp_session *session, const kith_rtp_out *out, size_t count,
                       size_t bytes);
/* Drops what has waited for too long. Have pictures been dropped that those before the next key
 * frame are drawn from? */
bool kith_rtp_needs_key_frame(kith_rtp_session *session, kith_time now, kith_rtp_out *out);
size_t kith_rtp_queued(const kith_rtp_out *out);
/* The source's own sender report: its NTP time and its RTP timestamp at the local time `at`. Sender
 * reports go on from there, so that its streams stay in step; without it they say when packets were
 * captured. */
void kith_rtp_set_ntp(kith_rtp_out *out, uint64_t ntp, uint32_t rtp_timestamp, kith_time at);

/* What the path is taken to carry of all that is sent before anything is known of it. */
#define KITH_RTP_START_BITRATE 300000
/* What it is taken to carry now, bits per second without IP and UDP: by what reports say of loss,
 * and no more than the peer's own estimate; UINT64_MAX: nothing limits it. ESTIMATE tells changes.
 */
uint64_t kith_rtp_estimate(const kith_rtp_session *session);
/* It is another path, to another peer. */
void kith_rtp_forget_estimate(kith_rtp_session *session);

/* ---- streams that we receive ---- */

/* The encoder was asked for a key frame: what the peer asks for before one leaves, and within 300
 * ms, is the same. */
void kith_rtp_expect_key_frame(kith_rtp_out *out, kith_time now);
/* Asks for a key frame: at once, then again until one came (after a round trip and 200 ms, later
 * after one and a second). Asking again meanwhile changes nothing. By PLI, or FIR where the peer
 * takes only that; nothing happens where it takes neither or the SSRC is unknown. */
void kith_rtp_request_key_frame(kith_rtp_session *session, uint32_t ssrc);
/* Nothing before this number of the stream is of use any more: it is not asked for. */
void kith_rtp_skip(kith_rtp_session *session, uint32_t ssrc, int64_t number);
/* The first packet of a key frame came: the request is met. */
void kith_rtp_key_frame_came(kith_rtp_session *session, uint32_t ssrc);

/* ---- the five verbs ---- */

/* Would a packet that begins with these bytes be looked at? To be asked before it is decrypted: no
 * state is made for an SSRC above the limit. */
bool kith_rtp_admits(const kith_rtp_session *session, kith_time now, kith_span datagram);
/* A decrypted RTP packet: `len`, `data` and `received_at` are set. Its reference is the session's.
 */
void kith_rtp_input(kith_rtp_session *session, kith_time now, kith_packet *packet);
/* A decrypted RTCP packet. */
void kith_rtp_input_rtcp(kith_rtp_session *session, kith_time now, kith_span datagram);
/* The next RTCP or RTP packet (kith_rtcp_is tells), RTCP that is due first, then audio. 0: none.
 * `cap` is at least KITH_RTP_MAX_PACKET. */
size_t kith_rtp_output(kith_rtp_session *session, kith_time now, uint8_t *buf, size_t cap);
kith_time kith_rtp_deadline(const kith_rtp_session *session);
/* While nothing can leave: when there is something else to do. */
kith_time kith_rtp_deadline_of_tick(const kith_rtp_session *session);
void kith_rtp_tick(kith_rtp_session *session, kith_time now);

typedef enum kith_rtp_event_type {
    /* `packet`, whose reference is now the caller's; one of nothing but padding too, for its number
     */
    KITH_RTP_EV_PACKET,
    /* the stream `ssrc` said BYE */
    KITH_RTP_EV_BYE,
    /* The stream `ssrc` is forgotten: its section went, its section names others, or it said BYE
     * and another came in its place. There need not have been one. It has no user. */
    KITH_RTP_EV_ENDED,
    /* the stream `ssrc` has a new sender report: kith_rtp_in_at has it */
    KITH_RTP_EV_SENDER_REPORT,
    /* the peer wants a key frame of `out`: at most one event in 300 ms, and none that a key frame
     * has met meanwhile, or was on its way to meet */
    KITH_RTP_EV_KEY_FRAME_REQUEST,
    /* the peer reports on `out` */
    KITH_RTP_EV_REPORT,
    /* an SSRC of theirs was ours: `out` has another one, which is to be negotiated */
    KITH_RTP_EV_SSRC_CHANGED,
    /* a circuit breaker paused `out`, or it goes on: its info says why */
    KITH_RTP_EV_PAUSE,
    /* kith_rtp_estimate changed: `bitrate`. It has no user. */
    KITH_RTP_EV_ESTIMATE,
} kith_rtp_event_type;

typedef struct kith_rtp_event {
    kith_rtp_event_type type;
    /* of the section, or of the stream that we send */
    void *user;
    /* PACKET */
    kith_packet *packet;
    /* PACKET, BYE, ENDED, SENDER_REPORT */
    uint32_t ssrc;
    /* ESTIMATE: kith_rtp_estimate */
    uint64_t bitrate;
    /* the rest */
    kith_rtp_out *out;
} kith_rtp_event;

/* False: nothing more. */
bool kith_rtp_event_next(kith_rtp_session *session, kith_rtp_event *ev);

/* ---- questions: webrtc-stats, its names and meanings ---- */

/* RTCInboundRtpStreamStats and RTCRemoteOutboundRtpStreamStats. */
typedef struct kith_rtp_in_info {
    uint32_t ssrc;
    void *user;
    kith_rtp_kind kind;
    uint8_t payload_type;
    uint32_t clock_rate;
    uint64_t packets_received, bytes_received, header_bytes_received;
    /* negative with duplicates */
    int64_t packets_lost;
    /* of RTP timestamps */
    uint32_t jitter;
    kith_time last_packet_received_at;
    uint64_t pli_count, fir_count, nack_count;
    /* of what was received: what was sent again and filled a hole, whatever the SSRC */
    uint64_t retransmitted_packets_received, retransmitted_bytes_received;
    /* the stream carries what others sent (RFC 4588) */
    bool is_rtx;
    /* the stream that repairs this one; 0: none so far */
    uint32_t rtx_ssrc;
    /* said BYE, and was silent since */
    bool is_ended;
    /* the last sender report: NTP, its RTP timestamp, when it came; 0 reports: none */
    uint64_t reports_received;
    uint64_t remote_ntp;
    uint32_t remote_rtp_timestamp;
    kith_time report_received_at;
    uint32_t remote_packets_sent, remote_bytes_sent;
    /* by extended reports; 0 measurements: none */
    kith_time round_trip_time, total_round_trip_time;
    uint64_t round_trip_time_measurements;
} kith_rtp_in_info;

/* Why a stream is not sent (RFC 8083). */
typedef enum kith_rtp_pause {
    KITH_RTP_NOT_PAUSED,
    /* section 4.1: for 15 s the peer reported on nothing that we send */
    KITH_RTP_UNREPORTED,
    /* section 4.2: by five reports nothing of it arrived */
    KITH_RTP_NOT_ARRIVING,
    /* section 4.3: more than ten times what TCP would send, for 15 s */
    KITH_RTP_CONGESTED,
} kith_rtp_pause;

/* RTCOutboundRtpStreamStats and RTCRemoteInboundRtpStreamStats. */
typedef struct kith_rtp_out_info {
    uint32_t ssrc;
    /* of the last packet */
    uint8_t payload_type;
    uint32_t clock_rate;
    uint64_t packets_sent, bytes_sent, header_bytes_sent;
    /* of all of them, from when they were queued, or asked for again, until they left */
    kith_time packet_send_delay;
    /* by the marker, which ends a frame of video */
    uint64_t frames_sent, key_frames_sent;
    uint64_t pli_count, fir_count, nack_count, key_frames_requested;
    /* of what was sent: what was sent again, whatever the SSRC */
    uint64_t retransmitted_packets_sent, retransmitted_bytes_sent;
    /* 0: none */
    uint32_t rtx_ssrc;
    kith_rtp_pause pause;
    /* what was asked for and not sent again: it is too old, or there is too much of it */
    uint64_t not_repaired;
    /* packets of a numbered source that were dropped */
    uint64_t dropped_doubled, dropped_late;
    /* packets that waited for too long */
    uint64_t dropped_waiting;
    /* the last report of the peer; 0 reports: none */
    uint64_t reports_received;
    kith_time report_received_at;
    int32_t remote_packets_lost;
    /* of 256 */
    uint8_t remote_fraction_lost;
    /* of RTP timestamps */
    uint32_t remote_jitter;
    kith_time round_trip_time, total_round_trip_time;
    uint64_t round_trip_time_measurements;
} kith_rtp_out_info;

/* By index from 0; false past the end. */
bool kith_rtp_in_at(const kith_rtp_session *session, size_t index, kith_rtp_in_info *info);
bool kith_rtp_in_find(const kith_rtp_session *session, uint32_t ssrc, kith_rtp_in_info *info);
void kith_rtp_out_get_info(const kith_rtp_out *out, kith_rtp_out_info *info);

typedef struct kith_rtp_captured {
    /* on the clock of `now` */
    kith_time at;
    /* the same for streams of one source, which are to be played in step */
    uint64_t clock;
} kith_rtp_captured;

/* When what has this timestamp of the stream was captured, by the sender reports of its source.
 * False: there was none yet. The peer says it: it may be any time. */
bool kith_rtp_capture_time(kith_rtp_session *session, uint32_t ssrc, uint32_t rtp_timestamp,
                           kith_rtp_captured *out);

/* Packets that were dropped, by cause. */
typedef struct kith_rtp_counters {
    uint64_t malformed, malformed_rtcp;
    /* of no section: a MID or a payload type that is none's */
    uint64_t unknown_mid, unknown_payload_type, unknown_ssrc;
    /* no room in the table of SSRCs; or no memory for the entry */
    uint64_t over_limit;
    /* sent again and not missing, or of a stream that we do not know */
    uint64_t not_missing;
    /* packets of pending sections that were too many, or waited too long */
    uint64_t waited_too_long;
    /* nobody asked for them */
    uint64_t not_taken;
    /* our own packets that came back */
    uint64_t looped;
    /* SSRCs of theirs that were ours */
    uint64_t collisions;
} kith_rtp_counters;

const kith_rtp_counters *kith_rtp_get_counters(const kith_rtp_session *session);
/* RTCP's round trip, or ICE's; 0: unknown. */
kith_time kith_rtp_rtt(const kith_rtp_session *session);

#endif
