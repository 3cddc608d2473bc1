/* RTCP's parts as bytes and as structs. */
#include "wire/rtcp.h"

#include <assert.h>

#define VERSION 2
#define FLAG_P  0x20

bool kith_rtcp_is(kith_span datagram)
{
    return datagram.len >= KITH_RTCP_HEADER && datagram.data[1] >= 192 && datagram.data[1] <= 223;
}

/* RFC 3550 section 6.4.1: the padding's last byte counts it, in multiples of four. */
static bool cut_padding(kith_span *body)
{
    uint8_t padding = body->len > 0 ? body->data[body->len - 1] : 0;
    if (padding == 0 || padding % 4 != 0 || padding > body->len)
        return false;
    body->len -= padding;
    return true;
}

bool kith_rtcp_next(kith_reader *compound, kith_rtcp_packet *out)
{
    if (kith_rd_left(compound) == 0)
        return false;
    uint8_t flags = kith_rd_u8(compound);
    kith_rtcp_packet p = {.type = kith_rd_u8(compound), .count = flags & KITH_RTCP_MAX_COUNT};
    p.body = kith_rd_span(compound, 4u * kith_rd_u16(compound));
    bool is_last = kith_rd_left(compound) == 0;
    bool is_padded = (flags & FLAG_P) != 0;
    if (flags >> 6 != VERSION || (is_padded && (!is_last || !cut_padding(&p.body))))
        compound->bad = true;
    if (compound->bad)
        return false;
    *out = p;
    return true;
}

bool kith_rtcp_is_compound(kith_span datagram)
{
    kith_reader r = kith_rd(datagram.data, datagram.len);
    kith_rtcp_packet p;
    while (kith_rtcp_next(&r, &p))
        ;
    return !r.bad && datagram.len > 0;
}

/* ---- reports ---- */

static bool take_reports(kith_reader *r, unsigned count, kith_rtcp_reports *out)
{
    out->in = kith_rd_sub(r, (size_t)KITH_RTCP_REPORT_BLOCK * count);
    return !r->bad;
}

bool kith_rtcp_parse_sr(const kith_rtcp_packet *p, uint32_t *ssrc, kith_rtcp_sender_info *info,
                        kith_rtcp_reports *reports)
{
    kith_reader r = kith_rd(p->body.data, p->body.len);
    *ssrc = kith_rd_u32(&r);
    info->ntp = kith_rd_u64(&r);
    info->rtp_timestamp = kith_rd_u32(&r);
    info->packet_count = kith_rd_u32(&r);
    info->octet_count = kith_rd_u32(&r);
    return p->type == KITH_RTCP_SR && take_reports(&r, p->count, reports);
}

bool kith_rtcp_parse_rr(const kith_rtcp_packet *p, uint32_t *ssrc, kith_rtcp_reports *reports)
{
    kith_reader r = kith_rd(p->body.data, p->body.len);
    *ssrc = kith_rd_u32(&r);
    return p->type == KITH_RTCP_RR && take_reports(&r, p->count, reports);
}

bool kith_rtcp_next_report(kith_rtcp_reports *reports, kith_rtcp_report *out)
{
    kith_reader *r = &reports->in;
    if (kith_rd_left(r) == 0)
        return false;
    out->ssrc = kith_rd_u32(r);
    out->fraction_lost = kith_rd_u8(r);
    uint32_t lost = kith_rd_u24(r);
    out->cumulative_lost = lost < 0x800000 ? (int32_t)lost : (int32_t)lost - 0x1000000;
    out->highest_sequence = kith_rd_u32(r);
    out->jitter = kith_rd_u32(r);
    out->last_sr = kith_rd_u32(r);
    out->delay_since_last_sr = kith_rd_u32(r);
    return !r->bad;
}

/* ---- source description (section 6.5) ---- */

kith_rtcp_sdes kith_rtcp_sdes_of(const kith_rtcp_packet *p)
{
    bool is_sdes = p->type == KITH_RTCP_SDES;
    return (kith_rtcp_sdes){.in = kith_rd(p->body.data, is_sdes ? p->body.len : 0),
                            .start = p->body.data,
                            .chunks_left = is_sdes ? p->count : 0};
}

/* A chunk ends with one or more null bytes, to the next word. */
static void end_chunk(kith_rtcp_sdes *sdes)
{
    size_t read = (size_t)(sdes->in.at - sdes->start);
    kith_rd_skip(&sdes->in, (4 - read % 4) % 4);
    sdes->is_in_chunk = false;
    sdes->chunks_left--;
}

bool kith_rtcp_next_item(kith_rtcp_sdes *sdes, kith_rtcp_sdes_item *out)
{
    while (sdes->chunks_left > 0 && !sdes->in.bad) {
        if (!sdes->is_in_chunk) {
            sdes->ssrc = kith_rd_u32(&sdes->in);
            sdes->is_in_chunk = true;
        }
        uint8_t type = kith_rd_u8(&sdes->in);
        if (sdes->in.bad)
            return false;
        if (type == KITH_RTCP_SDES_END) {
            end_chunk(sdes);
            continue;
        }
        kith_span value = kith_rd_span(&sdes->in, kith_rd_u8(&sdes->in));
        if (sdes->in.bad)
            return false;
        *out = (kith_rtcp_sdes_item){.ssrc = sdes->ssrc, .type = type, .value = value};
        return true;
    }
    return false;
}

/* ---- BYE (section 6.6) ---- */

bool kith_rtcp_parse_bye(const kith_rtcp_packet *p, kith_rtcp_bye *out)
{
    kith_reader r = kith_rd(p->body.data, p->body.len);
    kith_rtcp_bye bye = {.ssrcs = kith_rd_span(&r, 4u * p->count)};
    if (kith_rd_left(&r) > 0)
        bye.reason = kith_rd_span(&r, kith_rd_u8(&r));
    if (r.bad || p->type != KITH_RTCP_BYE)
        return false;
    *out = bye;
    return true;
}

/* ---- writing ---- */

size_t kith_rtcp_begin(kith_writer *w, kith_rtcp_type type, unsigned count)
{
    assert(count <= KITH_RTCP_MAX_COUNT);
    kith_wr_u8(w, (uint8_t)(VERSION << 6 | count));
    kith_wr_u8(w, (uint8_t)type);
    kith_wr_u16(w, 0);
    return w->len;
}

void kith_rtcp_end(kith_writer *w, size_t mark)
{
    if (w->bad)
        return;
    assert((w->len - mark) % 4 == 0 && (w->len - mark) / 4 <= UINT16_MAX);
    kith_wr_patch_u16(w, mark - 2, (uint16_t)((w->len - mark) / 4));
}

/* What 24 bits hold (section 6.4.1 leaves open what comes after them; appendix A.3 clamps). */
static uint32_t lost_of(int32_t lost)
{
    if (lost > 0x7FFFFF)
        lost = 0x7FFFFF;
    if (lost < -0x800000)
        lost = -0x800000;
    return (uint32_t)lost & 0xFFFFFF;
}

static void write_reports(kith_writer *w, const kith_rtcp_report *reports, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const kith_rtcp_report *report = &reports[i];
        kith_wr_u32(w, report->ssrc);
        kith_wr_u32(w, (uint32_t)report->fraction_lost << 24 | lost_of(report->cumulative_lost));
        kith_wr_u32(w, report->highest_sequence);
        kith_wr_u32(w, report->jitter);
        kith_wr_u32(w, report->last_sr);
        kith_wr_u32(w, report->delay_since_last_sr);
    }
}

void kith_rtcp_write_sr(kith_writer *w, uint32_t ssrc, const kith_rtcp_sender_info *info,
                        const kith_rtcp_report *reports, unsigned count)
{
    size_t mark = kith_rtcp_begin(w, KITH_RTCP_SR, count);
    kith_wr_u32(w, ssrc);
    kith_wr_u64(w, info->ntp);
    kith_wr_u32(w, info->rtp_timestamp);
    kith_wr_u32(w, info->packet_count);
    kith_wr_u32(w, info->octet_count);
    write_reports(w, reports, count);
    kith_rtcp_end(w, mark);
}

void kith_rtcp_write_rr(kith_writer *w, uint32_t ssrc, const kith_rtcp_report *reports,
                        unsigned count)
{
    size_t mark = kith_rtcp_begin(w, KITH_RTCP_RR, count);
    kith_wr_u32(w, ssrc);
    write_reports(w, reports, count);
    kith_rtcp_end(w, mark);
}

static void write_item(kith_writer *w, kith_rtcp_sdes_type type, kith_span value)
{
    assert(value.len <= UINT8_MAX);
    kith_wr_u8(w, (uint8_t)type);
    kith_wr_u8(w, (uint8_t)value.len);
    kith_wr_span(w, value);
}

void kith_rtcp_write_chunk(kith_writer *w, uint32_t ssrc, kith_span cname, kith_span mid)
{
    size_t start = w->len;
    kith_wr_u32(w, ssrc);
    write_item(w, KITH_RTCP_SDES_CNAME, cname);
    if (mid.len > 0)
        write_item(w, KITH_RTCP_SDES_MID, mid);
    kith_wr_zeros(w, 4 - (w->len - start) % 4);
}

void kith_rtcp_write_bye(kith_writer *w, const uint32_t *ssrcs, unsigned count)
{
    size_t mark = kith_rtcp_begin(w, KITH_RTCP_BYE, count);
    for (unsigned i = 0; i < count; i++)
        kith_wr_u32(w, ssrcs[i]);
    kith_rtcp_end(w, mark);
}
