/* What the peer reports and asks for: SR, RR, SDES, BYE, PLI, FIR, NACK, REMB, XR. What is unknown
 * is skipped; of a compound whose lengths do not add up nothing is read. */
#include "base/seq.h"
#include "rtp/session.h"

/* A key frame costs the encoder a multiple of another one: so often at most is one asked for. */
#define REQUEST_INTERVAL KITH_MS(300)
/* Reports on video come once a second (RFC 3550 section 6.2 as browsers have it), or 1.5 s apart;
 * without one a request that is held back is told. */
#define UNREPORTED_TIME KITH_SECONDS(2)

/* ---- requests for key frames ---- */

static void tell_request(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    out->request_due_at = KITH_NEVER;
    out->is_request_pending = true;
    out->request_told_at = now;
    out->info.key_frames_requested++;
    s->has_events = true;
}

/* What comes within a round trip of a key frame was asked for before that was seen. The peer
 * measures another round trip than we do, by an eighth at most. */
static bool crosses_key_frame(const kith_rtp_session *s, kith_time now, const kith_rtp_out *out)
{
    kith_time rtt = kith_rtp_rtt(s);
    return now - out->key_left_at < rtt - rtt / 8;
}

/* None is dropped on suspicion, since it may be the last. One that comes too early is told later;
 * one that crosses a key frame is met by it once a report says that what had left arrived: then the
 * peer sees itself what that lacks, and asks anew. */
void kith_rtp_want_key_frame(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    kith_time due_at = out->request_told_at + REQUEST_INTERVAL;
    if (out->repaired)
        return;
    if (crosses_key_frame(s, now, out)) {
        if (out->request_due_at != KITH_NEVER)
            return;
        out->is_request_crossing = true;
        out->crossed_number = out->numbers.last;
        due_at = now + UNREPORTED_TIME;
    } else {
        out->is_request_crossing = false;
    }
    out->request_due_at = due_at;
    if (due_at <= now)
        tell_request(s, now, out);
}

void kith_rtp_ask_for_key_frame(kith_rtp_session *s, kith_time now, kith_rtp_out *out)
{
    out->is_request_crossing = false;
    out->request_due_at = out->request_told_at + REQUEST_INTERVAL;
    if (out->request_due_at <= now)
        tell_request(s, now, out);
}

/* A report says how far the peer has come. */
static void judge_request(kith_rtp_out *out, uint32_t highest)
{
    int64_t reached = kith_seq_unwrap(out->numbers.last, (uint16_t)highest);
    if (out->is_request_crossing && reached >= out->crossed_number)
        out->request_due_at = KITH_NEVER;
}

void kith_rtp_note_key_frame(kith_rtp_out *out, kith_time now, int64_t number)
{
    out->request_due_at = KITH_NEVER;
    out->key_number = number;
    out->key_left_at = now;
    /* the peer may have lost it, and asks for another one */
    if (out->is_key_frame_due)
        out->request_told_at -= REQUEST_INTERVAL;
    out->is_key_frame_due = false;
}

void kith_rtp_expect_key_frame(kith_rtp_out *out, kith_time now)
{
    out->is_key_frame_due = true;
    out->request_told_at = now;
}

void kith_rtp_tell_requests(kith_rtp_session *s, kith_time now)
{
    KITH_RTP_EACH_OUT(s, out)
        if (out->request_due_at <= now)
            tell_request(s, now, out);
}

/* ---- reports ---- */

static void measure(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                    const kith_rtcp_report *report)
{
    kith_time rtt =
        kith_rtp_round_trip(&out->sent_reports, now, report->last_sr, report->delay_since_last_sr);
    if (rtt < 0)
        return;
    out->info.round_trip_time = rtt;
    out->info.total_round_trip_time += rtt;
    out->info.round_trip_time_measurements++;
    s->rtt = rtt;
}

static void take_reports(kith_rtp_session *s, kith_time now, kith_rtcp_reports *reports)
{
    kith_rtcp_report report;
    while (kith_rtcp_next_report(reports, &report)) {
        kith_rtp_out *out = kith_rtp_find_out(s, report.ssrc);
        if (!out)
            continue;
        out->is_known = true;
        out->info.reports_received++;
        out->info.report_received_at = now;
        out->info.remote_packets_lost = report.cumulative_lost;
        out->info.remote_fraction_lost = report.fraction_lost;
        out->info.remote_jitter = report.jitter;
        measure(s, now, out, &report);
        judge_request(out, report.highest_sequence);
        kith_rtp_breaker_reported(s, now, out, &report);
        kith_rtp_loss_reported(s, now, out, &report);
        out->is_report_pending = !out->repaired;
        s->has_events |= out->is_report_pending;
    }
}

static bool take_sr(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    uint32_t ssrc;
    kith_rtcp_sender_info sender;
    kith_rtcp_reports reports;
    if (!kith_rtcp_parse_sr(p, &ssrc, &sender, &reports))
        return false;
    kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (in) {
        in->info.reports_received++;
        in->info.remote_ntp = sender.ntp;
        in->info.remote_rtp_timestamp = sender.rtp_timestamp;
        in->info.remote_packets_sent = sender.packet_count;
        in->info.remote_bytes_sent = sender.octet_count;
        in->info.report_received_at = now;
        kith_rtp_note_report(s, in);
        in->is_report_pending = !in->info.is_rtx;
        s->has_events |= in->is_report_pending;
    }
    take_reports(s, now, &reports);
    return true;
}

static bool take_rr(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    uint32_t ssrc;
    kith_rtcp_reports reports;
    if (!kith_rtcp_parse_rr(p, &ssrc, &reports))
        return false;
    take_reports(s, now, &reports);
    return true;
}

/* What a peer says of SSRCs that we send with is not of its streams. */
static bool is_ours(const kith_rtp_session *s, uint32_t ssrc)
{
    return ssrc == s->ssrc || kith_rtp_find_out(s, ssrc);
}

/* An SDES item MID binds like one in a packet (RFC 9143 section 9.2), where no packet said better.
 */
static bool take_sdes(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    kith_rtcp_sdes sdes = kith_rtcp_sdes_of(p);
    kith_rtcp_sdes_item item;
    while (kith_rtcp_next_item(&sdes, &item)) {
        if (item.type == KITH_RTCP_SDES_CNAME)
            kith_rtp_note_cname(s, item.ssrc, item.value);
        if (item.type != KITH_RTCP_SDES_MID)
            continue;
        kith_rtp_place *place = kith_rtp_place_of_mid(&s->places, item.value);
        kith_rtp_in *in = kith_rtp_find_in(s, item.ssrc);
        if (!place || place->is_pending || is_ours(s, item.ssrc) || (in && in->is_bound_by_mid))
            continue;
        if (!in)
            in = kith_rtp_bind(s, now, item.ssrc, place);
        if (in)
            in->place = place;
    }
    return !sdes.in.bad;
}

/* RFC 3550 section 6.6: also of sources that nothing came of yet. What the description names is
 * over when another one does not name it, since a BYE may be followed by more. */
static bool take_bye(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    (void)now;
    kith_rtcp_bye bye;
    if (!kith_rtcp_parse_bye(p, &bye))
        return false;
    kith_reader r = kith_rd(bye.ssrcs.data, bye.ssrcs.len);
    while (kith_rd_left(&r) > 0) {
        uint32_t ssrc = kith_rd_u32(&r);
        kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
        if (!in && !is_ours(s, ssrc) && !kith_rtp_place_of_ssrc(&s->places, ssrc))
            kith_rtp_note_ended(s, ssrc);
        if (!in || in->info.is_ended)
            continue;
        in->info.is_ended = true;
        in->asking.is_wanted = false;
        in->is_bye_pending = !in->info.is_rtx;
        s->has_events |= in->is_bye_pending;
    }
    return true;
}

/* ---- feedback ---- */

/* The same number is the same request, which was heard (RFC 5104 section 4.3.1.2). */
static void take_fir(kith_rtp_session *s, kith_time now, kith_rtcp_fb *fb)
{
    kith_rtcp_fir fir;
    while (kith_rtcp_next_fir(&fb->fci, &fir)) {
        kith_rtp_out *out = kith_rtp_find_out(s, fir.ssrc);
        if (!out || (out->has_fir && out->fir_number == fir.sequence_number))
            continue;
        out->has_fir = true;
        out->fir_number = fir.sequence_number;
        out->info.fir_count++;
        kith_rtp_want_key_frame(s, now, out);
    }
}

static void take_nack(kith_rtp_session *s, kith_time now, kith_rtp_out *out, const kith_rtcp_fb *fb)
{
    kith_rtcp_nacks nacks = {.fci = fb->fci};
    out->info.nack_count++;
    for (uint16_t number; kith_rtcp_next_nack(&nacks, &number);)
        kith_rtp_want_again(s, now, out, number);
}

/* draft-alvestrand-rmcat-remb-03 section 2: of all that we send, where a source of ours is named.
 * It holds until the next one. */
static void take_remb(kith_rtp_session *s, const kith_rtcp_fb *fb)
{
    kith_rtcp_remb remb;
    bool is_about_us = false;
    kith_rtcp_read_remb(fb, &remb);
    for (uint32_t ssrc; kith_rtcp_next_remb_ssrc(&remb, &ssrc);)
        if (kith_rtp_find_out(s, ssrc))
            is_about_us = true;
    if (!is_about_us)
        return;
    s->estimate = remb.bitrate;
    kith_rtp_loss_estimated(&s->loss, remb.bitrate);
    s->is_estimate_pending = s->has_events = true;
}

static bool take_feedback(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    kith_rtcp_fb fb;
    if (!kith_rtcp_parse_fb(p, &fb))
        return false;
    kith_rtp_out *out = kith_rtp_find_out(s, fb.media_ssrc);
    kith_rtp_breaker_heard(s);
    if (fb.kind == KITH_RTCP_FB_FIR)
        take_fir(s, now, &fb);
    if (fb.kind == KITH_RTCP_FB_REMB)
        take_remb(s, &fb);
    if (fb.kind == KITH_RTCP_FB_NACK && out)
        take_nack(s, now, out, &fb);
    if (fb.kind == KITH_RTCP_FB_PLI && out) {
        out->info.pli_count++;
        kith_rtp_want_key_frame(s, now, out);
    }
    return true;
}

static const struct {
    kith_rtcp_type type;
    bool (*take)(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p);
} parts[] = {
    {KITH_RTCP_SR, take_sr},          {KITH_RTCP_RR, take_rr},
    {KITH_RTCP_SDES, take_sdes},      {KITH_RTCP_BYE, take_bye},
    {KITH_RTCP_RTPFB, take_feedback}, {KITH_RTCP_PSFB, take_feedback},
    {KITH_RTCP_XR, kith_rtp_take_xr},
};

static void take_part(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].type == p->type && !parts[i].take(s, now, p))
            s->counters.malformed_rtcp++;
}

/* The source of a part is its first word. One that is a stream of ours is our own report that came
 * back; the one that we only report with makes way. */
static bool is_looped(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    kith_reader r = kith_rd(p->body.data, p->body.len);
    uint32_t ssrc = kith_rd_u32(&r);
    if (r.bad)
        return false;
    if (ssrc == s->ssrc)
        kith_rtp_change_reporter(s, now);
    return kith_rtp_find_out(s, ssrc);
}

void kith_rtp_input_rtcp(kith_rtp_session *s, kith_time now, kith_span datagram)
{
    kith_rtp_tick(s, now);
    if (!kith_rtcp_is_compound(datagram)) {
        s->counters.malformed_rtcp++;
        return;
    }
    kith_reader r = kith_rd(datagram.data, datagram.len);
    kith_rtcp_packet p;
    while (kith_rtcp_next(&r, &p)) {
        if (is_looped(s, now, &p)) {
            s->counters.looped++;
            return;
        }
        take_part(s, now, &p);
    }
}
