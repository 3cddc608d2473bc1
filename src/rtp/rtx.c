/* Repair by retransmission (RFC 4588): what the peer misses is sent again in a stream of its own,
 * so that no index of SRTP is used twice; and what it sends again becomes what it was.
 *
 * What is sent again is bounded by what was sent: whoever asks for everything again and again gets
 * no more than twice the rate. */
#include <string.h>

#include "base/seq.h"
#include "rtp/session.h"

#define OSN 2

/* Of all streams: units that are kept hold blocks. */
#define MAX_KEPT_UNITS 4096
#define MAX_KEPT_BYTES (4 * 1024 * 1024)
/* How long at least; and in round trips, since of 30 % loss 16 requests leave one packet of 50,000
 * (1 - 0.7^2 to the 16th), up to where a receiver has given up: what is forgotten before costs a
 * key frame. */
#define KEEP_TIME        KITH_SECONDS(1)
#define KEEP_ROUND_TRIPS 16
#define MAX_KEEP_TIME    KITH_SECONDS(4)
/* What is asked for so much later than after a round trip was lost again, or with it the end of its
 * picture: that stands still meanwhile. It is sent again twice, since where that is lost, too, it
 * stands still for a round trip more. */
#define URGENT_AFTER KITH_MS(20)

/* ---- ours ---- */

void kith_rtp_out_set_rtx(kith_rtp_out *out, const uint8_t rtx_types[128])
{
    memcpy(out->rtx_types, rtx_types, sizeof out->rtx_types);
}

uint32_t kith_rtp_out_rtx_ssrc(const kith_rtp_out *out)
{
    return out->rtx ? out->rtx->ssrc : 0;
}

static size_t len_of(const kith_rtp_unit *unit)
{
    return KITH_RTP_HEADER + OSN + unit->prefix_len + unit->payload.len;
}

static kith_time keep_time(const kith_rtp_session *s)
{
    kith_time time = KEEP_ROUND_TRIPS * kith_rtp_rtt(s);
    if (time < KEEP_TIME)
        return KEEP_TIME;
    return kith_rtp_earlier(time, MAX_KEEP_TIME);
}

void kith_rtp_keep(kith_rtp_session *s, kith_time now, kith_rtp_out *out, const kith_rtp_unit *unit,
                   int64_t number, uint32_t timestamp)
{
    kith_rtp_history *h = &out->history;
    if (!out->rtx)
        return;
    out->credit += len_of(unit);
    if (out->credit > KITH_RTP_MAX_CREDIT)
        out->credit = KITH_RTP_MAX_CREDIT;
    kith_rtp_history_forget(h, now - keep_time(s));
    if (out->rtx_types[unit->payload_type] == 0 || len_of(unit) > KITH_RTP_MAX_PACKET)
        return;
    while (h->first < h->end &&
           (s->kept.count >= MAX_KEPT_UNITS || s->kept.bytes >= MAX_KEPT_BYTES))
        kith_rtp_history_forget_first(h);
    if (s->kept.count < MAX_KEPT_UNITS && s->kept.bytes < MAX_KEPT_BYTES)
        kith_rtp_history_keep(h, now, unit, number, timestamp);
}

/* Once in a round trip: what was asked for since it was sent again is on its way, and so is what a
 * mirror lacked itself, and the peer asked it for, until it came late. The peer measures another
 * round trip than we do, by an eighth at most. */
static bool may_want(const kith_rtp_session *s, kith_time now, const kith_rtp_out *out,
                     const kith_rtp_sent *sent)
{
    kith_time rtt = kith_rtp_rtt(s);
    return out->rtx_types[sent->unit.payload_type] > 0 && out->credit >= len_of(&sent->unit) &&
           (!sent->may_cross || now - sent->sent_at >= rtt - rtt / 8);
}

/* It is forgotten, and no key frame left since: only another one helps the peer. */
static bool is_lost_for_good(const kith_rtp_out *out, uint16_t number)
{
    if (!out->rtx || !out->numbers.is_started)
        return false;
    int64_t whole = kith_seq_unwrap(out->numbers.last, number);
    return whole < out->history.first && whole >= out->key_number;
}

void kith_rtp_want_again(kith_rtp_session *s, kith_time now, kith_rtp_out *out, uint16_t number)
{
    kith_rtp_sent *sent = out->rtx ? kith_rtp_history_find(&out->history, number) : NULL;
    if (sent && sent->is_wanted)
        return;
    if (!sent || !may_want(s, now, out, sent) || !kith_rtp_history_want(&out->history, sent)) {
        out->info.not_repaired++;
        if (!sent && is_lost_for_good(out, number))
            kith_rtp_want_key_frame(s, now, out);
        return;
    }
    kith_time rtt = kith_rtp_rtt(s);
    out->credit -= len_of(&sent->unit);
    sent->unit.queued_at = now;
    sent->is_urgent = rtt > 0 && now - sent->left_at >= rtt + URGENT_AFTER;
}

static void send_second(kith_time now, kith_rtp_out *out, kith_rtp_sent *sent)
{
    size_t len = len_of(&sent->unit);
    sent->is_urgent = false;
    sent->unit.queued_at = now;
    if (out->credit >= len && kith_rtp_history_want(&out->history, sent))
        out->credit -= len;
}

static size_t resend(kith_rtp_session *s, kith_time now, kith_rtp_out *out, kith_rtp_sent *sent,
                     uint8_t *buf)
{
    kith_rtp_out *rtx = out->rtx;
    kith_rtp_unit numbered = {.timestamp = sent->timestamp};
    kith_rtp_leaving leaving = {.unit = &sent->unit,
                                .payload_type = out->rtx_types[sent->unit.payload_type],
                                .has_osn = true,
                                .osn = (uint16_t)sent->number};
    /* negotiated anew meanwhile */
    if (leaving.payload_type == 0)
        return 0;
    (void)kith_rtp_number(&rtx->numbers, now, out->clock_rate, &numbered, &leaving.number,
                          &leaving.timestamp);
    leaving.timestamp = sent->timestamp;
    size_t len = kith_rtp_write_packet(s, now, rtx, &leaving, buf);
    size_t payload = sent->unit.prefix_len + sent->unit.payload.len;
    kith_rtp_refer(s, rtx, &sent->unit, sent->timestamp);
    kith_rtp_count_sent(s, rtx, payload, len);
    out->info.retransmitted_packets_sent++;
    out->info.retransmitted_bytes_sent += payload;
    out->info.packet_send_delay += now - sent->unit.queued_at;
    sent->may_cross = true;
    sent->sent_at = now;
    if (sent->is_urgent)
        send_second(now, out, sent);
    return len;
}

size_t kith_rtp_resend(kith_rtp_session *s, kith_time now, uint8_t *buf)
{
    if (s->kept.wanted == 0)
        return 0;
    KITH_RTP_EACH_OUT(s, out)
        for (kith_rtp_sent *sent; (sent = kith_rtp_history_next(&out->history));) {
            size_t len = resend(s, now, out, sent, buf);
            if (len > 0)
                return len;
        }
    return 0;
}

/* ---- theirs ---- */

/* By FID; else an RTX stream without a RID repairs what its section has. */
static kith_rtp_in *repaired_by(const kith_rtp_session *s, const kith_rtp_in *rtx)
{
    for (size_t i = 0; i < s->places.fid_count; i++)
        if (s->places.fids[i].rtx_ssrc == rtx->ssrc)
            return kith_rtp_find_in(s, s->places.fids[i].ssrc);
    return kith_rtp_newest_in(s, rtx->place);
}

/* Section 4: the header of the original, but for its SSRC, payload type and sequence number. */
static void rewrite(kith_packet *packet, const kith_rtp_in *in, uint8_t apt)
{
    kith_rtp_header *h = &packet->header;
    kith_reader r = kith_rd(packet->data + h->payload_at, h->payload_len);
    h->sequence_number = kith_rd_u16(&r);
    h->ssrc = in->ssrc;
    h->payload_type = apt;
    h->payload_at += OSN;
    h->payload_len -= OSN;
}

/* Packets of a picture follow on each other up to the marker; padding comes behind it. */
kith_rtp_came kith_rtp_came_of(const kith_rtp_in *in, const kith_packet *packet)
{
    return (kith_rtp_came){.number = packet->number,
                           .begins_stream = packet->begins_stream,
                           .ends_frame = in->place->kind != KITH_RTP_VIDEO ||
                                         packet->header.marker || packet->header.payload_len == 0};
}

bool kith_rtp_restore(kith_rtp_session *s, kith_time now, kith_rtp_in *rtx, kith_packet *packet)
{
    uint8_t apt = rtx->place->apts[packet->header.payload_type];
    kith_rtp_in *in = repaired_by(s, rtx);
    /* padding, with which senders probe */
    if (packet->header.payload_len < OSN)
        return false;
    if (!in || !in->is_started || in->place != rtx->place || apt > 127 ||
        in->place->clock_rates[apt] == 0) {
        s->counters.not_missing++;
        return false;
    }
    rewrite(packet, in, apt);
    packet->number = kith_seq_unwrap(in->highest, packet->header.sequence_number);
    packet->begins_stream = false;
    packet->rtx_ssrc = rtx->ssrc;
    in->info.rtx_ssrc = rtx->ssrc;
    const kith_rtp_came came = kith_rtp_came_of(in, packet);
    if (!kith_rtp_nack_repaired(&in->nack, now, &came)) {
        s->counters.not_missing++;
        return false;
    }
    in->info.packets_received++;
    in->info.bytes_received += packet->header.payload_len;
    in->info.header_bytes_received += packet->len - packet->header.payload_len;
    in->info.retransmitted_packets_received++;
    in->info.retransmitted_bytes_received += packet->header.payload_len;
    return true;
}
