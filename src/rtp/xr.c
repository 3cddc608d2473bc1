/* The round trip of who sends nothing (RFC 3611 sections 4.4 and 4.5): our clock goes out, and
 * comes back with the peer's next report; the peer's likewise. */
#include "rtp/session.h"

static bool is_agreed(const kith_rtp_session *s)
{
    for (size_t i = 0; i < s->places.count; i++)
        if (s->places.list[i].rcvr_rtt)
            return true;
    return false;
}

/* Of an SSRC the last one counts; what is above the limit goes without an answer. */
static void hear(kith_rtp_xr *xr, kith_time now, uint32_t ssrc, uint64_t ntp)
{
    unsigned place = 0;
    while (place < xr->heard_count && xr->heard[place].ssrc != ssrc)
        place++;
    if (place == KITH_RTP_MAX_REFERENCES)
        return;
    xr->heard[place].ssrc = ssrc;
    xr->heard[place].ntp = (uint32_t)(ntp >> 16);
    xr->heard[place].at = now;
    if (place == xr->heard_count)
        xr->heard_count++;
}

/* `sender` answers one of our reference times. */
static void measure(kith_rtp_session *s, kith_time now, uint32_t sender,
                    const kith_rtcp_dlrr *answer)
{
    kith_time rtt =
        kith_rtp_round_trip(&s->xr.sent, now, answer->last_rr, answer->delay_since_last_rr);
    kith_rtp_in *in = kith_rtp_find_in(s, sender);
    if (rtt < 0 || answer->ssrc != s->xr.ssrc)
        return;
    s->rtt = rtt;
    if (!in)
        return;
    in->info.round_trip_time = rtt;
    in->info.total_round_trip_time += rtt;
    in->info.round_trip_time_measurements++;
}

bool kith_rtp_take_xr(kith_rtp_session *s, kith_time now, const kith_rtcp_packet *p)
{
    uint32_t ssrc;
    kith_reader blocks;
    kith_rtcp_xr_block block;
    if (!kith_rtcp_parse_xr(p, &ssrc, &blocks))
        return false;
    while (kith_rtcp_next_xr(&blocks, &block)) {
        uint64_t ntp;
        kith_rtcp_dlrr answer;
        if (kith_rtcp_read_rrtr(&block, &ntp) && is_agreed(s))
            hear(&s->xr, now, ssrc, ntp);
        while (block.type == KITH_RTCP_XR_DLRR && kith_rtcp_next_dlrr(&block.content, &answer))
            measure(s, now, ssrc, &answer);
    }
    return !blocks.bad;
}

static bool is_receiving(const kith_rtp_session *s)
{
    KITH_RTP_EACH_IN(s, in)
        if (in->place->rcvr_rtt && in->is_started && !in->info.is_ended)
            return true;
    return false;
}

static void write_reference_time(kith_rtp_session *s, kith_time now, kith_writer *w, uint32_t ssrc)
{
    uint64_t ntp = kith_rtp_ntp(s, now);
    kith_rtcp_write_rrtr(w, ssrc, ntp);
    if (ssrc != s->xr.ssrc)
        s->xr.sent.count = 0;
    s->xr.ssrc = ssrc;
    kith_rtp_note_sent_time(&s->xr.sent, ntp, now);
}

static void write_answers(kith_rtp_xr *xr, kith_time now, kith_writer *w, uint32_t ssrc)
{
    kith_rtcp_dlrr answers[KITH_RTP_MAX_REFERENCES];
    for (unsigned i = 0; i < xr->heard_count; i++)
        answers[i] = (kith_rtcp_dlrr){.ssrc = xr->heard[i].ssrc,
                                      .last_rr = xr->heard[i].ntp,
                                      .delay_since_last_rr = kith_rtp_delay(now - xr->heard[i].at)};
    kith_rtcp_write_dlrr(w, ssrc, answers, xr->heard_count);
    xr->heard_count = 0;
}

void kith_rtp_write_xr(kith_rtp_session *s, kith_time now, kith_writer *w, uint32_t ssrc,
                       bool is_sending)
{
    if (!is_agreed(s))
        return;
    if (!is_sending && is_receiving(s) && w->cap - w->len >= KITH_RTCP_XR_RRTR_LEN)
        write_reference_time(s, now, w, ssrc);
    size_t len = KITH_RTCP_XR_DLRR_LEN + KITH_RTCP_XR_ENTRY_LEN * (size_t)s->xr.heard_count;
    if (s->xr.heard_count > 0 && w->cap - w->len >= len)
        write_answers(&s->xr, now, w, ssrc);
}
