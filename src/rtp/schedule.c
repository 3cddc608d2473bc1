/* When reports leave (RFC 3550 section 6.3, RFC 4585 section 3.5, RFC 8108 section 5).
 *
 * There are two parties, so that neither a reconsideration of the timer nor the factor 1.21828 that
 * makes up for it is needed (RFC 3550 sections 6.3 and 6.3.1), nor a delay of the first report
 * (6.2) or of feedback (RFC 4585 section 3.4). Feedback has clocks of its own and leaves this one
 * alone: T_rr_interval, which the interval here is, does not affect early packets. */
#include "crypto/random.h"
#include "rtp/session.h"

/* Tmin: the part of the rate that reports take is that of libwebrtc. */
#define MAX_INTERVAL_VIDEO KITH_SECONDS(1)
#define MIN_INTERVAL       KITH_MS(50)
/* 360 s a kbit/s, as RFC 3550 section 6.2 has it */
#define INTERVAL_AT_1_BPS (INT64_C(360) * 1000 * 1000000)

/* T_rr stays below 4 s (RFC 8083 section 4.1), with its randomness. */
#define MAX_INTERVAL KITH_MS(2500)

/* RFC 3550 section 6.2: RTCP has 5 % of the session's bandwidth, and of that each of two parties a
 * half (RFC 4585 section 3.6.1). What is silent has a bandwidth too: that at which 360 s a kbit/s
 * are the 5 s of a session whose bandwidth does not count. */
#define RTCP_PART     40
#define MIN_BANDWIDTH 72000

/* "lower-layer transport and network protocols" count (section 6.2): UDP and IPv4, and what SRTP
 * adds to RTP. */
#define LOWER_LAYERS (8 + 20 + 16)

void kith_rtp_schedule_init(kith_rtp_schedule *schedule)
{
    *schedule = (kith_rtp_schedule){.next_at = KITH_NEVER, .is_initial = true};
}

void kith_rtp_start_reports(kith_rtp_session *s, kith_time now)
{
    if (s->schedule.next_at == KITH_NEVER)
        s->schedule.next_at = s->schedule.last_at = now;
}

void kith_rtp_note_bytes(uint64_t *bytes, size_t len)
{
    *bytes += len + LOWER_LAYERS;
}

/* Of what is received 5 % are for all that RTCP says (section 6.2). So much may be said before it
 * is earned by what follows, and of what was not said so much is kept. */
#define ALL_PART   20
#define MAX_CREDIT 200
#define MAX_DEBT   4000

static int64_t on_network(size_t len)
{
    return (int64_t)len + LOWER_LAYERS;
}

void kith_rtp_note_received(kith_rtp_session *s, size_t len)
{
    kith_rtp_note_bytes(&s->schedule.received, len);
    s->rtcp_debt -= on_network(len) / ALL_PART;
    if (s->rtcp_debt < -MAX_CREDIT)
        s->rtcp_debt = -MAX_CREDIT;
}

void kith_rtp_note_rtcp(kith_rtp_session *s, size_t len)
{
    s->rtcp_debt = kith_rtp_owed(s, len);
    if (s->rtcp_debt > MAX_DEBT)
        s->rtcp_debt = MAX_DEBT;
}

int64_t kith_rtp_owed(const kith_rtp_session *s, size_t len)
{
    return s->rtcp_debt + on_network(len);
}

static bool has_video(const kith_rtp_session *s)
{
    for (size_t i = 0; i < s->places.count; i++)
        if (s->places.list[i].kind == KITH_RTP_VIDEO)
            return true;
    return false;
}

static int64_t rate_of(uint64_t bytes, kith_time passed)
{
    return passed > 0 ? (int64_t)(bytes * 8 * 1000000 / (uint64_t)passed) : 0;
}

static kith_time at_least(kith_time a, kith_time b)
{
    return a > b ? a : b;
}

/* Section 6.2: "360 divided by the session bandwidth in kilobits/second". */
static kith_time reduced_minimum(const kith_rtp_session *s, int64_t sent_bps)
{
    kith_time interval = has_video(s) ? MAX_INTERVAL_VIDEO : MAX_INTERVAL;
    if (sent_bps > 0)
        interval = kith_rtp_earlier(interval, INTERVAL_AT_1_BPS / sent_bps);
    return at_least(interval, MIN_INTERVAL);
}

/* Section 6.3.1, Td: max(Tmin, n * C), where all that we report on together is n * C. */
static kith_time deterministic_interval(const kith_rtp_session *s, kith_time passed)
{
    const kith_rtp_schedule *c = &s->schedule;
    int64_t sent_bps = rate_of(c->sent, passed);
    int64_t bandwidth = at_least(sent_bps + rate_of(c->received, passed), MIN_BANDWIDTH);
    kith_time share = (kith_time)c->reported * 8 * 1000000 / (bandwidth / RTCP_PART);
    return kith_rtp_earlier(MAX_INTERVAL, at_least(reduced_minimum(s, sent_bps), share));
}

void kith_rtp_schedule_next(kith_rtp_session *s, kith_time now)
{
    kith_time interval = deterministic_interval(s, now - s->schedule.last_at);
    s->schedule = (kith_rtp_schedule){
        .next_at = now + interval / 2 + (kith_time)kith_random_below((uint32_t)interval),
        .last_at = now,
    };
}
