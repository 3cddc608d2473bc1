/* What we report and ask for. One schedule for the transport (schedule.c): a round reports on all
 * that is sent and received, in as many compounds as it needs; requests leave at once, since of two
 * parties T_dither_max is 0 (RFC 4585 section 3.4). */
#include "rtp/session.h"

/* A source is a member of the session for 5 Td of silence, with Tmin = 5 s (RFC 3550 section 6.3.5,
 * RFC 8108 section 7.1.4). So long it is reported on: it learns that nothing arrives, which takes
 * its breaker five reports (RFC 8083 section 4.2). */
#define MEMBER_TIMEOUT KITH_SECONDS(25)

/* and the round trip */
#define REQUEST_INTERVAL     KITH_MS(200)
#define MAX_REQUEST_INTERVAL KITH_SECONDS(1)

/* of a compound */
#define MAX_SENDERS  8
#define SR_LEN       28
#define RR_LEN       8
#define MAX_SDES_MID 32

/* RFC 8108 section 5.2: "MUST NOT send more than four compound RTCP packets with zero initial
 * delay". */
#define MAX_AT_ONCE 4

/* ---- when ---- */

static bool is_asking(const kith_rtp_in *in)
{
    return in->asking.is_wanted && (in->place->takes_pli || in->place->takes_fir);
}

/* Beyond RTCP's part of the rate (schedule.c) a request waits for what comes, so that several leave
 * as one (RFC 4585 section 3.5), and so long at most; and none is said twice. */
#define MAX_OWED 600
#define MAX_HOLD KITH_MS(150)

static kith_time missing_at(const kith_rtp_in *in)
{
    return in->place->takes_nack ? kith_rtp_nack_at(&in->nack) : KITH_NEVER;
}

static kith_time nack_at(const kith_rtp_session *s, const kith_rtp_in *in)
{
    kith_time at = missing_at(in);
    return s->rtcp_debt > MAX_OWED && at != KITH_NEVER ? at + MAX_HOLD : at;
}

static kith_time asking_at(const kith_rtp_session *s, const kith_rtp_in *in)
{
    return kith_rtp_earlier(is_asking(in) ? in->asking.next_at : KITH_NEVER, nack_at(s, in));
}

static bool is_leaving(const kith_rtp_session *s)
{
    return s->leavers.said < s->leavers.count;
}

kith_time kith_rtp_rtcp_deadline(const kith_rtp_session *s)
{
    if (is_leaving(s) || s->is_round_open || s->is_any_new)
        return 0;
    kith_time at = kith_rtp_earlier(s->schedule.next_at, kith_rtp_arrivals_deadline(s));
    KITH_RTP_EACH_IN(s, in)
        at = kith_rtp_earlier(at, asking_at(s, in));
    return at;
}

/* ---- a round of reports ---- */

static void begin_round(kith_rtp_session *s, kith_time now)
{
    kith_rtp_end_silent(s, now);
    /* RFC 3550 section 6.4: an SR of who sent since the last report but one */
    KITH_RTP_EACH_OUT(s, out) {
        out->is_in_round = out->has_reference && !out->has_said_bye &&
                           out->packet_count != out->counts_reported[1];
        out->counts_reported[1] = out->counts_reported[0];
        out->counts_reported[0] = out->packet_count;
    }
    KITH_RTP_EACH_IN(s, in)
        in->is_in_round = in->is_started && !in->info.is_ended &&
                          now - in->info.last_packet_received_at < MEMBER_TIMEOUT;
    s->is_any_new = false;
    s->at_once = 0;
}

/* The stream that repairs has no clock that anybody needs. */
void kith_rtp_note_new(kith_rtp_session *s, kith_rtp_out *out)
{
    out->is_new = !out->repaired;
    s->is_any_new |= out->is_new && s->at_once < MAX_AT_ONCE;
}

/* Who sends for the first time, or again after BYE, says what its clock shows (RFC 3550 section
 * 6.3.8, RFC 8108 sections 5.2 and 6.1): without it nothing is in step. The schedule of the others
 * stays what it is. */
static bool begin_news(kith_rtp_session *s)
{
    unsigned count = 0;
    s->is_any_new = false;
    KITH_RTP_EACH_OUT(s, out) {
        out->is_in_round = out->is_new && out->has_reference && count < MAX_SENDERS;
        count += out->is_in_round;
    }
    return count > 0;
}

static kith_span cname_of(const kith_rtp_session *s)
{
    return kith_span_text(s->cname);
}

/* Until the peer knows whose the stream is. */
static kith_span mid_of(const kith_rtp_out *out)
{
    bool is_wanted = !out->is_known && out->mid_len <= MAX_SDES_MID;
    return kith_span_of(out->mid, is_wanted ? out->mid_len : 0);
}

static size_t chunk_len(const kith_rtp_session *s, kith_span mid)
{
    size_t items = 2 + cname_of(s).len + (mid.len > 0 ? 2 + mid.len : 0);
    return 4 + (items / 4 + 1) * 4;
}

static unsigned take_senders(kith_rtp_session *s, kith_rtp_out *senders[MAX_SENDERS], size_t *len)
{
    unsigned count = 0;
    KITH_RTP_EACH_OUT(s, out) {
        if (count == MAX_SENDERS || !out->is_in_round)
            continue;
        out->is_in_round = out->is_new = false;
        senders[count++] = out;
        *len += SR_LEN + chunk_len(s, mid_of(out));
    }
    return count;
}

static unsigned take_blocks(kith_rtp_session *s, kith_time now, kith_rtcp_report *blocks,
                            size_t room)
{
    unsigned count = 0, max = (unsigned)(room / KITH_RTCP_REPORT_BLOCK);
    if (max > KITH_RTCP_MAX_COUNT)
        max = KITH_RTCP_MAX_COUNT;
    KITH_RTP_EACH_IN(s, in) {
        if (count == max || !in->is_in_round)
            continue;
        in->is_in_round = false;
        kith_rtp_in_report(in, now, &blocks[count++]);
    }
    return count;
}

static bool is_round_left(const kith_rtp_session *s)
{
    KITH_RTP_EACH_OUT(s, out)
        if (out->is_in_round)
            return true;
    KITH_RTP_EACH_IN(s, in)
        if (in->is_in_round)
            return true;
    return false;
}

/* The stream's clocks now (section 6.4.1), from its reference on. */
static kith_rtcp_sender_info sender_info(kith_rtp_out *out, kith_time now)
{
    kith_time passed = now > out->reference_at ? now - out->reference_at : 0;
    kith_rtcp_sender_info info = {
        .ntp = out->reference_ntp + kith_rtp_ntp_interval(passed),
        .rtp_timestamp = out->reference_timestamp + kith_rtp_ticks(passed, out->clock_rate),
        .packet_count = out->packet_count,
        .octet_count = out->octet_count,
    };
    kith_rtp_note_sent_time(&out->sent_reports, info.ntp, now);
    return info;
}

/* Whom reports without a stream of their own are from. */
static uint32_t reporter(kith_rtp_session *s)
{
    KITH_RTP_EACH_OUT(s, out)
        if (out->packet_count > 0 && !out->has_said_bye)
            return out->ssrc;
    s->has_reported = true;
    return s->ssrc;
}

static void write_cname(const kith_rtp_session *s, kith_writer *w, uint32_t ssrc)
{
    size_t mark = kith_rtcp_begin(w, KITH_RTCP_SDES, 1);
    kith_rtcp_write_chunk(w, ssrc, cname_of(s), kith_span_of(NULL, 0));
    kith_rtcp_end(w, mark);
}

/* Reports on what came are the first sender's; an RR without blocks tells a peer that we are here.
 */
static void write_reports(kith_rtp_session *s, kith_time now, kith_writer *w)
{
    kith_rtp_out *senders[MAX_SENDERS];
    kith_rtcp_report blocks[KITH_RTCP_MAX_COUNT];
    size_t len = KITH_RTCP_HEADER;
    unsigned sender_count = take_senders(s, senders, &len);
    if (sender_count == 0)
        len += RR_LEN + chunk_len(s, kith_span_of(NULL, 0));
    unsigned block_count = take_blocks(s, now, blocks, w->cap - len);
    if (sender_count == 0) {
        kith_rtcp_write_rr(w, reporter(s), blocks, block_count);
        write_cname(s, w, reporter(s));
    }
    for (unsigned i = 0; i < sender_count; i++) {
        kith_rtcp_sender_info info = sender_info(senders[i], now);
        kith_rtcp_write_sr(w, senders[i]->ssrc, &info, blocks, i == 0 ? block_count : 0);
    }
    if (sender_count > 0) {
        size_t mark = kith_rtcp_begin(w, KITH_RTCP_SDES, sender_count);
        for (unsigned i = 0; i < sender_count; i++)
            kith_rtcp_write_chunk(w, senders[i]->ssrc, cname_of(s), mid_of(senders[i]));
        kith_rtcp_end(w, mark);
    }
    kith_rtp_write_xr(s, now, w, reporter(s), sender_count > 0);
    s->is_round_open = is_round_left(s);
}

/* ---- requests for packets and key frames ---- */

/* RFC 4585 section 6.2: a header and two SSRCs, then four bytes for a number or for several. */
#define NACK_LEN       12
#define NACK_ENTRY_LEN 4
#define MAX_NUMBERS    256

static void write_nack(kith_rtp_session *s, kith_time now, kith_writer *w, kith_rtp_in *in)
{
    uint16_t numbers[MAX_NUMBERS];
    size_t room = w->cap - w->len;
    size_t max = room > NACK_LEN ? (room - NACK_LEN) / NACK_ENTRY_LEN : 0;
    const kith_rtp_asked how = {.rtt = kith_rtp_rtt(s), .may_double = s->rtcp_debt <= 0};
    size_t count =
        kith_rtp_nack_take(&in->nack, now, &how, numbers, max < MAX_NUMBERS ? max : MAX_NUMBERS);
    if (count == 0)
        return;
    kith_rtcp_write_nack(w, reporter(s), in->ssrc, numbers, count);
    in->info.nack_count++;
}

void kith_rtp_skip(kith_rtp_session *s, uint32_t ssrc, int64_t number)
{
    kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (in)
        kith_rtp_nack_skip(&in->nack, number);
}

/* The round trip is waited for and the encoder's next picture, longer each time: who asks again
 * before gets two key frames. */
static void ask_again_later(const kith_rtp_session *s, kith_rtp_asking *asking, kith_time now)
{
    kith_time least = kith_rtp_rtt(s) + REQUEST_INTERVAL;
    kith_time most = kith_rtp_rtt(s) + MAX_REQUEST_INTERVAL;
    asking->interval = kith_rtp_earlier(most, 2 * asking->interval);
    if (asking->interval < least)
        asking->interval = least;
    asking->next_at = now + asking->interval;
}

static void write_request(kith_rtp_session *s, kith_time now, kith_writer *w, kith_rtp_in *in)
{
    if (in->place->takes_pli) {
        kith_rtcp_write_pli(w, reporter(s), in->ssrc);
        in->info.pli_count++;
    } else {
        kith_rtcp_write_fir(w, reporter(s), &(kith_rtcp_fir){in->ssrc, in->asking.fir_number}, 1);
        in->info.fir_count++;
    }
    ask_again_later(s, &in->asking, now);
}

#define MAX_REQUEST_LEN 20

static bool is_due(const kith_rtp_session *s, const kith_rtp_in *in, kith_time now)
{
    return asking_at(s, in) <= now;
}

static void write_requests(kith_rtp_session *s, kith_time now, kith_writer *w,
                           bool may_have_arrivals)
{
    KITH_RTP_EACH_IN(s, in) {
        if (is_due(s, in, now))
            s->arrivals.asked_at = now;
        if (is_asking(in) && in->asking.next_at <= now && w->cap - w->len >= MAX_REQUEST_LEN)
            write_request(s, now, w, in);
        /* what is held goes with what leaves anyway */
        if (missing_at(in) <= now)
            write_nack(s, now, w, in);
    }
    if (may_have_arrivals && kith_rtp_arrivals_may_leave(s, now))
        kith_rtp_write_arrivals(s, now, w, reporter(s));
}

/* What is asked, and of arrivals what is due or may leave with it. Alone where all sections that
 * are asked about agreed to that (RFC 5506), else behind the least that a compound begins with (RFC
 * 4585 section 3.1). */
static void write_feedback(kith_rtp_session *s, kith_time now, kith_writer *w)
{
    bool is_any = kith_rtp_arrivals_deadline(s) <= now;
    bool is_reduced = kith_rtp_arrivals_are_reduced(s);
    bool is_whole = is_any && !is_reduced;
    KITH_RTP_EACH_IN(s, in) {
        is_any |= is_due(s, in, now);
        is_whole |= is_due(s, in, now) && !in->place->reduced_size;
    }
    if (!is_any)
        return;
    if (is_whole) {
        kith_rtcp_write_rr(w, reporter(s), NULL, 0);
        write_cname(s, w, reporter(s));
    }
    write_requests(s, now, w, is_whole || is_reduced);
}

void kith_rtp_request_key_frame(kith_rtp_session *s, uint32_t ssrc)
{
    kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (!in || in->asking.is_wanted)
        return;
    in->asking.is_wanted = true;
    in->asking.interval = 0;
    in->asking.fir_number++;
}

void kith_rtp_key_frame_came(kith_rtp_session *s, uint32_t ssrc)
{
    kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (in)
        in->asking.is_wanted = false;
}

/* ---- BYE ---- */

static void write_byes(kith_rtp_session *s, kith_writer *w)
{
    uint32_t ssrcs[KITH_RTCP_MAX_COUNT];
    unsigned count = (unsigned)kith_rtp_take_leavers(s, ssrcs, KITH_RTCP_MAX_COUNT);
    kith_rtcp_write_rr(w, ssrcs[0], NULL, 0);
    write_cname(s, w, ssrcs[0]);
    kith_rtcp_write_bye(w, ssrcs, count);
}

/* What did not fit into the first round waits for the next. */
static void end_round(kith_rtp_session *s)
{
    KITH_RTP_EACH_OUT(s, out)
        out->is_in_round = false;
    KITH_RTP_EACH_IN(s, in)
        in->is_in_round = false;
    s->is_round_open = false;
}

static void write_round(kith_rtp_session *s, kith_time now, kith_writer *w)
{
    if (!s->is_round_open)
        begin_round(s, now);
    write_reports(s, now, w);
    write_requests(s, now, w, true);
    kith_rtp_note_bytes(&s->schedule.reported, w->len);
    if (s->schedule.is_initial && ++s->at_once == MAX_AT_ONCE)
        end_round(s);
    if (!s->is_round_open)
        kith_rtp_schedule_next(s, now);
}

size_t kith_rtp_write_rtcp(kith_rtp_session *s, kith_time now, uint8_t *buf)
{
    kith_writer w = kith_wr(buf, KITH_RTP_MAX_COMPOUND);
    if (is_leaving(s)) {
        write_byes(s, &w);
    } else if (s->is_round_open || now >= s->schedule.next_at) {
        write_round(s, now, &w);
    } else if (s->is_any_new && begin_news(s)) {
        s->at_once++;
        write_reports(s, now, &w);
    } else {
        write_feedback(s, now, &w);
    }
    if (w.len > 0)
        kith_rtp_note_rtcp(s, w.len);
    return w.len;
}
