/* RFC 8083: when nothing is reported on any more (section 4.1), when what is sent does not arrive
 * (4.2), and when far more is sent than TCP would (4.3).
 *
 * Whether media can still be used (4.4) is for the application to say, which alone knows its codec:
 * kith_remote_inbound_rtp_stats has loss and round trip. Ceasing (4.5) is a pause here: a path that
 * comes back must not need a new call. */
#include "rtp/breaker.h"

#include "rtp/session.h"

/* Section 4.1: the deterministic interval, with Tmin as RFC 3550 section 6.2 has it. */
#define TD KITH_SECONDS(5)
/* Section 4.1: "three RTCP reporting intervals" without a report on any SSRC of ours */
#define MAX_UNREPORTED (3 * TD)
/* Section 4.2: k. Intervals below a second count as one: of reports that come 20 times a second
 * five are no sign of a broken path. */
#define NON_REPORTING_THRESHOLD 5
#define MIN_REPORT_INTERVAL     KITH_SECONDS(1)
/* Section 3, Tf: who sends no more often than that has stopped in between. */
#define MAX_FRAMING KITH_SECONDS(10)
/* Ours: how often a paused stream asks for the path. What is paused again soon asks later each
 * time: an empty packet may come through where those of media do not. */
#define FIRST_PROBE KITH_SECONDS(1)
#define MAX_PROBE   KITH_SECONDS(10)
/* Section 4.5: after congestion for at least as long as it took to see it. */
#define FIRST_REST (3 * TD)
#define MAX_REST   (4 * FIRST_REST)

/* ---- paused, and not ---- */

static void tell(kith_rtp_session *s, kith_rtp_out *out)
{
    out->is_pause_pending = true;
    s->has_events = true;
}

static void pause_stream(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                         kith_rtp_pause pause)
{
    kith_rtp_breaker *b = &out->breaker;
    b->pause = pause;
    b->has_probed = false;
    b->probe_interval = FIRST_PROBE;
    kith_time first = pause == KITH_RTP_CONGESTED ? FIRST_REST : FIRST_PROBE;
    b->rest = kith_rtp_earlier(MAX_REST, 2 * b->rest);
    b->rest = b->rest > first ? b->rest : first;
    b->probe_at = now + b->rest;
    kith_rtp_drop_queue(s, out);
    kith_rtp_history_deinit(&out->history);
    tell(s, out);
}

void kith_rtp_out_resume(kith_rtp_session *s, kith_rtp_out *out)
{
    bool was_paused = out->breaker.pause != KITH_RTP_NOT_PAUSED;
    out->breaker = (kith_rtp_breaker){.rest = out->breaker.rest};
    s->loss.is_started = out->has_loss_highest = false;
    if (was_paused)
        tell(s, out);
}

/* ---- section 4.1: RTCP timeout ---- */

/* What pauses longer than Td is a beginning: nothing is sent that could be reported on. */
void kith_rtp_breaker_sent(kith_rtp_session *s, kith_time now)
{
    kith_rtp_unreported *u = &s->unreported;
    if (!u->is_any || now - u->last_at > TD)
        u->since = now;
    u->is_any = true;
    u->last_at = now;
}

/* All streams: of any a report would have come. */
void kith_rtp_breaker_tick(kith_rtp_session *s)
{
    kith_rtp_unreported *u = &s->unreported;
    if (s->ignore_rtcp_timeout || !u->is_any || u->last_at - u->since < MAX_UNREPORTED)
        return;
    u->is_any = false;
    KITH_RTP_EACH_OUT(s, out)
        if (!out->repaired && out->numbers.is_started && out->breaker.pause == KITH_RTP_NOT_PAUSED)
            pause_stream(s, u->last_at, out, KITH_RTP_UNREPORTED);
}

void kith_rtp_breaker_heard(kith_rtp_session *s)
{
    s->unreported.is_any = false;
    KITH_RTP_EACH_OUT(s, out)
        if (out->breaker.pause == KITH_RTP_UNREPORTED)
            kith_rtp_out_resume(s, out);
}

/* ---- section 4.2: media timeout ---- */

static void count_stalled(kith_rtp_breaker *b, kith_time now)
{
    if (b->stalled == 0 || now - b->stalled_at > MAX_FRAMING) {
        b->stalled = 0;
        b->stalled_since = now;
    }
    b->stalled++;
    b->stalled_at = now;
}

/* Does the report know of more than the last? Only what was sent meanwhile could have come; what
 * stops being sent is not watched any more. */
static bool note_progress(kith_rtp_out *out, kith_time now, const kith_rtcp_report *report)
{
    kith_rtp_breaker *b = &out->breaker;
    bool is_progress = !b->has_report || (int32_t)(report->highest_sequence - b->highest) > 0;
    if (is_progress) {
        b->highest = report->highest_sequence;
        b->stalled = 0;
    } else if (out->packet_count != b->packet_count) {
        count_stalled(b, now);
    }
    b->has_report = true;
    b->packet_count = out->packet_count;
    return is_progress;
}

static bool is_stalled(const kith_rtp_session *s, kith_time now, const kith_rtp_breaker *b)
{
    kith_time interval = kith_rtp_rtt(s);
    if (interval < MIN_REPORT_INTERVAL)
        interval = MIN_REPORT_INTERVAL;
    return b->stalled >= NON_REPORTING_THRESHOLD &&
           now - b->stalled_since >= NON_REPORTING_THRESHOLD * interval;
}

/* ---- section 4.3: congestion ---- */

/* X is s / (Tr * sqrt(2 * b * p / 3)) with b = 1, and the limit 10 X bytes a second, of packets of
 * s bytes on average: s falls out. Less than a packet in Tr is never above it, so that the least
 * rate of this section needs no rule. */
static bool is_above_limit(const kith_rtp_breaker *b)
{
    double packets = 0, time = 0, lost_time = 0, tr = (double)b->rtt / 1e6;
    for (unsigned i = 0; i < KITH_RTP_BREAKER_SPANS; i++) {
        packets += b->spans[i].packets;
        time += (double)b->spans[i].duration / 1e6;
        lost_time += (double)b->spans[i].lost_time / 256e6;
    }
    double rate = packets / time, p = lost_time / time;
    return rate * rate * tr * tr * 2 * p / 3 > 10 * 10;
}

/* Section 3: Tr is smoothed. */
static void note_rtt(kith_rtp_breaker *b, kith_time rtt)
{
    b->rtt = b->rtt > 0 ? (4 * b->rtt + rtt) / 5 : rtt;
}

static void begin_span(kith_rtp_out *out, kith_time now)
{
    out->breaker.span =
        (kith_rtp_span_of_reports){.began = now, .packets_before = out->packet_count};
}

/* CB_INTERVAL lies between 3 * 3 Tdr and max(15 s, 3 Td), by how often an encoder can change its
 * rate: that we do not know, so that it is the longest. */
static bool is_congested(kith_time now, kith_rtp_out *out, const kith_rtcp_report *report)
{
    kith_rtp_breaker *b = &out->breaker;
    kith_rtp_span_of_reports *span = &b->span;
    if (span->began == 0 || now - span->began > 2 * TD) {
        b->span_count = 0;
        begin_span(out, now);
        return false;
    }
    kith_time interval = now - span->began - span->duration;
    span->reports++;
    span->lost_time += (int64_t)report->fraction_lost * interval;
    span->duration += interval;
    if (span->duration < TD)
        return false;
    span->packets = out->packet_count - span->packets_before;
    b->spans[b->span_count++ % KITH_RTP_BREAKER_SPANS] = *span;
    begin_span(out, now);
    if (b->span_count < KITH_RTP_BREAKER_SPANS)
        return false;
    if (is_above_limit(b))
        return true;
    b->rest = 0;
    return false;
}

/* ---- reports ---- */

/* A probe arrived; where there was too much, alone. */
static bool is_over(const kith_rtp_breaker *b, const kith_rtcp_report *report, bool is_progress)
{
    return is_progress && b->has_probed &&
           (b->pause != KITH_RTP_CONGESTED || report->fraction_lost == 0);
}

void kith_rtp_breaker_reported(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                               const kith_rtcp_report *report)
{
    kith_rtp_breaker_heard(s);
    if (out->repaired)
        return;
    note_rtt(&out->breaker, kith_rtp_rtt(s));
    bool is_progress = note_progress(out, now, report);
    if (out->breaker.pause != KITH_RTP_NOT_PAUSED) {
        if (is_over(&out->breaker, report, is_progress))
            kith_rtp_out_resume(s, out);
    } else if (is_stalled(s, now, &out->breaker)) {
        pause_stream(s, now, out, KITH_RTP_NOT_ARRIVING);
    } else if (is_congested(now, out, report)) {
        pause_stream(s, now, out, KITH_RTP_CONGESTED);
    }
}

/* ---- probes ---- */

kith_time kith_rtp_breaker_deadline(const kith_rtp_out *out)
{
    return out->breaker.pause == KITH_RTP_NOT_PAUSED ? KITH_NEVER : out->breaker.probe_at;
}

/* With the next number, of which the peer will report. */
static size_t write_probe(kith_rtp_session *s, kith_time now, kith_rtp_out *out, uint8_t *buf)
{
    kith_rtp_breaker *b = &out->breaker;
    const kith_rtp_unit empty = {0};
    const kith_rtp_leaving leaving = {.unit = &empty,
                                      .number = kith_rtp_number_own(&out->numbers),
                                      .timestamp = out->numbers.last_timestamp,
                                      .payload_type = out->info.payload_type};
    size_t len = kith_rtp_write_packet(s, now, out, &leaving, buf);
    kith_rtp_count_sent(s, out, 0, len);
    b->has_probed = true;
    b->probe_interval = kith_rtp_earlier(MAX_PROBE, 2 * b->probe_interval);
    b->probe_at = now + b->probe_interval;
    return len;
}

size_t kith_rtp_breaker_probe(kith_rtp_session *s, kith_time now, uint8_t *buf)
{
    KITH_RTP_EACH_OUT(s, out)
        if (kith_rtp_breaker_deadline(out) <= now)
            return write_probe(s, now, out, buf);
    return 0;
}
