/* The circuit breakers of a stream that we send (RFC 8083), which stop what the network or the peer
 * does not carry. One that tripped pauses the stream; from then on empty packets ask whether the
 * path works again, and a report that says so ends the pause. */
#ifndef KITH_RTP_BREAKER_H
#define KITH_RTP_BREAKER_H

#include "rtp/rtp.h"
#include "wire/rtcp.h"

/* Reports of one span of time at least as long as Td. */
typedef struct kith_rtp_span_of_reports {
    kith_time began, duration;
    uint32_t packets_before, packets;
    unsigned reports;
    /* of 256, times how long each report speaks of */
    int64_t lost_time;
} kith_rtp_span_of_reports;

#define KITH_RTP_BREAKER_SPANS 3

typedef struct kith_rtp_breaker {
    kith_rtp_pause pause;
    /* of the last report, if there was one: what came, and what had been sent */
    bool has_report;
    uint32_t highest, packet_count;
    /* reports in a row that know of nothing new while something was sent, and the first of them */
    unsigned stalled;
    kith_time stalled_since, stalled_at;
    /* section 4.3: the spans behind us, in a ring, and the one that goes on */
    kith_rtp_span_of_reports spans[KITH_RTP_BREAKER_SPANS], span;
    unsigned span_count;
    /* Tr; 0: unknown */
    kith_time rtt;
    /* while paused */
    kith_time probe_at, probe_interval;
    bool has_probed;
    /* of the last pause, until three spans showed no congestion */
    kith_time rest;
} kith_rtp_breaker;

/* Of all streams: RTP that left since the peer reported on any. */
typedef struct kith_rtp_unreported {
    bool is_any;
    kith_time since, last_at;
} kith_rtp_unreported;

/* A packet of the stream left. */
void kith_rtp_breaker_sent(kith_rtp_session *s, kith_time now);
/* The peer says something of what we send, if only with feedback (section 5). */
void kith_rtp_breaker_heard(kith_rtp_session *s);
/* The peer reports on the stream. */
void kith_rtp_breaker_reported(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                               const kith_rtcp_report *report);
/* Was nothing reported on for too long? */
void kith_rtp_breaker_tick(kith_rtp_session *s);
/* The next empty packet that is due; 0: none. */
size_t kith_rtp_breaker_probe(kith_rtp_session *s, kith_time now, uint8_t *buf);
kith_time kith_rtp_breaker_deadline(const kith_rtp_out *out);

#endif
