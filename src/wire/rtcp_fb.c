/* Feedback messages as bytes and as structs. */
#include "wire/rtcp_fb.h"

#define NACK_ENTRY 4
#define FIR_ENTRY  8

static kith_rtcp_fb_kind kind_of(const kith_rtcp_packet *p)
{
    if (p->type == KITH_RTCP_RTPFB && p->count == KITH_RTCP_FMT_NACK)
        return KITH_RTCP_FB_NACK;
    if (p->type == KITH_RTCP_PSFB && p->count == KITH_RTCP_FMT_PLI)
        return KITH_RTCP_FB_PLI;
    if (p->type == KITH_RTCP_PSFB && p->count == KITH_RTCP_FMT_FIR)
        return KITH_RTCP_FB_FIR;
    return KITH_RTCP_FB_UNKNOWN;
}

/* One or more whole entries. PLI has none, and what follows one nevertheless means nothing. */
static bool has_entries(kith_rtcp_fb_kind kind, size_t len)
{
    if (kind == KITH_RTCP_FB_NACK)
        return len > 0 && len % NACK_ENTRY == 0;
    return kind != KITH_RTCP_FB_FIR || (len > 0 && len % FIR_ENTRY == 0);
}

bool kith_rtcp_parse_fb(const kith_rtcp_packet *p, kith_rtcp_fb *out)
{
    if (p->type != KITH_RTCP_RTPFB && p->type != KITH_RTCP_PSFB)
        return false;
    kith_reader r = kith_rd(p->body.data, p->body.len);
    kith_rtcp_fb fb = {.kind = kind_of(p)};
    fb.sender_ssrc = kith_rd_u32(&r);
    fb.media_ssrc = kith_rd_u32(&r);
    fb.fci = kith_rd_rest(&r);
    if (r.bad || !has_entries(fb.kind, fb.fci.len))
        return false;
    *out = fb;
    return true;
}

bool kith_rtcp_next_nack(kith_rtcp_nacks *nacks, uint16_t *sequence_number)
{
    if (nacks->blp == 0) {
        kith_reader r = kith_rd(nacks->fci.data, nacks->fci.len);
        nacks->pid = kith_rd_u16(&r);
        nacks->blp = kith_rd_u16(&r);
        nacks->bit = 0;
        nacks->fci = kith_rd_rest(&r);
        *sequence_number = nacks->pid;
        return !r.bad;
    }
    /* Bit i says that PID + i + 1 is lost. */
    do
        nacks->bit++;
    while (!(nacks->blp >> (nacks->bit - 1) & 1));
    nacks->blp &= (uint16_t) ~(1u << (nacks->bit - 1));
    *sequence_number = (uint16_t)(nacks->pid + nacks->bit);
    return true;
}

bool kith_rtcp_next_fir(kith_span *fci, kith_rtcp_fir *out)
{
    kith_reader r = kith_rd(fci->data, fci->len);
    kith_rtcp_fir fir = {.ssrc = kith_rd_u32(&r)};
    fir.sequence_number = kith_rd_u8(&r);
    kith_rd_skip(&r, 3);
    *fci = kith_rd_rest(&r);
    if (r.bad)
        return false;
    *out = fir;
    return true;
}

static size_t begin(kith_writer *w, kith_rtcp_type type, kith_rtcp_fmt fmt, uint32_t sender_ssrc,
                    uint32_t media_ssrc)
{
    size_t mark = kith_rtcp_begin(w, type, fmt);
    kith_wr_u32(w, sender_ssrc);
    kith_wr_u32(w, media_ssrc);
    return mark;
}

void kith_rtcp_write_pli(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc)
{
    kith_rtcp_end(w, begin(w, KITH_RTCP_PSFB, KITH_RTCP_FMT_PLI, sender_ssrc, media_ssrc));
}

/* "the SSRC of media source field is not used and SHALL be set to 0" (RFC 5104 section 4.3.1.2) */
void kith_rtcp_write_fir(kith_writer *w, uint32_t sender_ssrc, const kith_rtcp_fir *entries,
                         size_t count)
{
    size_t mark = begin(w, KITH_RTCP_PSFB, KITH_RTCP_FMT_FIR, sender_ssrc, 0);
    for (size_t i = 0; i < count; i++) {
        kith_wr_u32(w, entries[i].ssrc);
        kith_wr_u8(w, entries[i].sequence_number);
        kith_wr_zeros(w, 3);
    }
    kith_rtcp_end(w, mark);
}

void kith_rtcp_write_nack(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                          const uint16_t *numbers, size_t count)
{
    size_t mark = begin(w, KITH_RTCP_RTPFB, KITH_RTCP_FMT_NACK, sender_ssrc, media_ssrc);
    for (size_t i = 0; i < count;) {
        uint16_t pid = numbers[i++], blp = 0;
        while (i < count && (uint16_t)(numbers[i] - pid - 1) < 16)
            blp |= (uint16_t)(1u << (uint16_t)(numbers[i++] - pid - 1));
        kith_wr_u16(w, pid);
        kith_wr_u16(w, blp);
    }
    kith_rtcp_end(w, mark);
}
