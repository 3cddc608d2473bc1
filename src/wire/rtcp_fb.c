/* Feedback messages as bytes and as structs. */
#include "wire/rtcp_fb.h"

#define NACK_ENTRY 4
#define FIR_ENTRY  8
/* "REMB", the count of sources, and the rate; then 4 bytes a source */
#define REMB_LEN  8
#define REMB_SSRC 4

static kith_rtcp_fb_kind kind_of(const kith_rtcp_packet *p, kith_span fci)
{
    if (p->type == KITH_RTCP_RTPFB && p->count == KITH_RTCP_FMT_NACK)
        return KITH_RTCP_FB_NACK;
    if (p->type == KITH_RTCP_PSFB && p->count == KITH_RTCP_FMT_PLI)
        return KITH_RTCP_FB_PLI;
    if (p->type == KITH_RTCP_PSFB && p->count == KITH_RTCP_FMT_FIR)
        return KITH_RTCP_FB_FIR;
    if (p->type == KITH_RTCP_PSFB && p->count == KITH_RTCP_FMT_AFB && kith_span_starts(fci, "REMB"))
        return KITH_RTCP_FB_REMB;
    return KITH_RTCP_FB_UNKNOWN;
}

/* "One or more SSRC entries", as many as it says; what more there may be means nothing. */
static bool is_remb(kith_span fci)
{
    return fci.len >= REMB_LEN && fci.data[4] > 0 &&
           fci.len - REMB_LEN >= (size_t)fci.data[4] * REMB_SSRC;
}

/* One or more whole entries. PLI has none, and what follows one nevertheless means nothing. */
static bool has_entries(kith_rtcp_fb_kind kind, kith_span fci)
{
    if (kind == KITH_RTCP_FB_REMB)
        return is_remb(fci);
    if (kind == KITH_RTCP_FB_NACK)
        return fci.len > 0 && fci.len % NACK_ENTRY == 0;
    return kind != KITH_RTCP_FB_FIR || (fci.len > 0 && fci.len % FIR_ENTRY == 0);
}

bool kith_rtcp_parse_fb(const kith_rtcp_packet *p, kith_rtcp_fb *out)
{
    if (p->type != KITH_RTCP_RTPFB && p->type != KITH_RTCP_PSFB)
        return false;
    kith_reader r = kith_rd(p->body.data, p->body.len);
    kith_rtcp_fb fb = {.sender_ssrc = kith_rd_u32(&r)};
    fb.media_ssrc = kith_rd_u32(&r);
    fb.fci = kith_rd_rest(&r);
    fb.kind = kind_of(p, fb.fci);
    if (r.bad || !has_entries(fb.kind, fb.fci))
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

/* BR: a mantissa of 18 bits, times 2 to the power of 6 bits. */
void kith_rtcp_read_remb(const kith_rtcp_fb *fb, kith_rtcp_remb *out)
{
    kith_reader r = kith_rd(fb->fci.data, fb->fci.len);
    kith_rd_skip(&r, 4);
    size_t count = kith_rd_u8(&r);
    uint32_t rate = kith_rd_u24(&r);
    unsigned exponent = rate >> 18;
    uint64_t mantissa = rate & 0x3FFFF;
    out->bitrate = mantissa <= UINT64_MAX >> exponent ? mantissa << exponent : UINT64_MAX;
    out->ssrcs = kith_rd_span(&r, count * REMB_SSRC);
}

bool kith_rtcp_next_remb_ssrc(kith_rtcp_remb *remb, uint32_t *ssrc)
{
    kith_reader r = kith_rd(remb->ssrcs.data, remb->ssrcs.len);
    *ssrc = kith_rd_u32(&r);
    remb->ssrcs = kith_rd_rest(&r);
    return !r.bad;
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

/* ---- transport-wide feedback: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1 ----
 */

/* Of a delta; a reference time is 256 of them, 64 ms. */
#define TICK            250
#define REFERENCE_TICKS 256
/* Header, two SSRCs, base, count of statuses, reference time and count of feedback packets. */
#define TRANSPORT_CC_LEN 20

typedef enum symbol { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA } symbol;

/* Section 3.1.3 and 3.1.4: numbers that a chunk holds. */
#define MAX_RUN         8191
#define VECTOR_OF_ONE   14
#define VECTOR_OF_TWO   7
#define RUN_LENGTH_BITS 13

typedef struct statuses {
    uint8_t symbols[KITH_RTCP_MAX_STATUSES];
    int16_t deltas[KITH_RTCP_MAX_STATUSES];
    size_t count;
    int64_t reference;
} statuses;

/* Of numbers of 2 bits in chunks of 7, which no other way of writing them is longer than. */
static size_t chunks_len(size_t count)
{
    return 2 * ((count + VECTOR_OF_TWO - 1) / VECTOR_OF_TWO);
}

/* As many as fit into `room` behind what stands before the chunks. */
static void collect(statuses *out, const kith_time *arrivals, size_t count, size_t room)
{
    size_t first = 0, deltas_len = 0;
    while (first < count && arrivals[first] == KITH_NEVER)
        first++;
    out->count = 0;
    if (first == count)
        return;
    out->reference = arrivals[first] / TICK / REFERENCE_TICKS;
    int64_t last = out->reference * REFERENCE_TICKS;
    for (size_t i = 0; i < count && i < KITH_RTCP_MAX_STATUSES; i++) {
        bool came = arrivals[i] != KITH_NEVER;
        int64_t delta = came ? arrivals[i] / TICK - last : 0;
        symbol s = !came                              ? NOT_RECEIVED
                   : delta >= 0 && delta <= UINT8_MAX ? SMALL_DELTA
                                                      : LARGE_DELTA;
        deltas_len += (size_t)s;
        if (delta < INT16_MIN || delta > INT16_MAX ||
            (chunks_len(i + 1) + deltas_len + 3) / 4 * 4 > room)
            return;
        out->symbols[i] = (uint8_t)s;
        out->deltas[i] = (int16_t)delta;
        out->count = i + 1;
        last += delta;
    }
}

static size_t run_of(const statuses *s, size_t from)
{
    size_t end = from;
    while (end < s->count && end - from < MAX_RUN && s->symbols[end] == s->symbols[from])
        end++;
    return end - from;
}

static bool has_large(const statuses *s, size_t from, size_t end)
{
    for (size_t i = from; i < end && i < s->count; i++)
        if (s->symbols[i] == LARGE_DELTA)
            return true;
    return false;
}

/* The statuses that do not exist any more are "not received". */
static void write_vector(kith_writer *w, const statuses *s, size_t from, size_t count,
                         unsigned bits)
{
    unsigned chunk = bits == 1 ? 2u : 3u;
    for (size_t i = from; i < from + count; i++)
        chunk = chunk << bits | (i < s->count ? s->symbols[i] : NOT_RECEIVED);
    kith_wr_u16(w, (uint16_t)chunk);
}

static void write_chunks(kith_writer *w, const statuses *s)
{
    for (size_t i = 0; i < s->count;) {
        size_t run = run_of(s, i);
        bool is_rest = i + run == s->count;
        size_t len = has_large(s, i, i + VECTOR_OF_ONE) ? VECTOR_OF_TWO : VECTOR_OF_ONE;
        if (run >= len || is_rest) {
            kith_wr_u16(w, (uint16_t)((unsigned)s->symbols[i] << RUN_LENGTH_BITS | run));
            i += run;
        } else {
            write_vector(w, s, i, len, len == VECTOR_OF_ONE ? 1 : 2);
            i += len;
        }
    }
}

static void write_deltas(kith_writer *w, const statuses *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->symbols[i] == SMALL_DELTA)
            kith_wr_u8(w, (uint8_t)s->deltas[i]);
        else if (s->symbols[i] == LARGE_DELTA)
            kith_wr_u16(w, (uint16_t)s->deltas[i]);
    }
}

size_t kith_rtcp_write_transport_cc(kith_writer *w, const kith_rtcp_transport_cc *of,
                                    const kith_time *arrivals, size_t count)
{
    statuses s = {.count = 0};
    size_t room = w->cap - w->len;
    if (room > TRANSPORT_CC_LEN)
        collect(&s, arrivals, count, room - TRANSPORT_CC_LEN);
    if (s.count == 0)
        return 0;
    size_t mark =
        begin(w, KITH_RTCP_RTPFB, KITH_RTCP_FMT_TRANSPORT_CC, of->sender_ssrc, of->media_ssrc);
    kith_wr_u16(w, of->base);
    kith_wr_u16(w, (uint16_t)s.count);
    kith_wr_u32(w, (uint32_t)s.reference << 8 | of->feedback_count);
    write_chunks(w, &s);
    write_deltas(w, &s);
    kith_wr_zeros(w, (4 - w->len % 4) % 4);
    kith_rtcp_end(w, mark);
    return s.count;
}
