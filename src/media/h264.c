/* H.264 in RTP (RFC 6184, packetization mode 1): NAL units as they are, small ones together in a
 * STAP-A, large ones in FU-As of one size. */
#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "media/packetizer.h"
#include "wire/h264.h"

#define FILLER      12
#define LENGTH      2
#define FU_PREFIX   2
#define FU_START    0x80
#define FU_END      0x40
#define FIRST_UNITS 16

/* ---- the access unit ---- */

static bool next_nal(kith_span *rest, unsigned length_size, kith_span *nal)
{
    return length_size == 0 ? kith_h264_next_annex_b(rest, nal)
                            : kith_h264_next_avcc(rest, length_size, nal);
}

static bool is_set(kith_span nal)
{
    return kith_h264_type(nal) == KITH_H264_SPS || kith_h264_type(nal) == KITH_H264_PPS;
}

/* Delimiters are what the marker says, filler is for links of constant rate. */
static bool is_sent(kith_span nal)
{
    return kith_h264_type(nal) != KITH_H264_AUD && kith_h264_type(nal) != FILLER;
}

typedef struct summary {
    size_t count, bytes;
    bool has_slice, has_idr, has_sps;
} summary;

/* False: it is no access unit. */
static bool summarize(const kith_media_frame *frame, summary *out)
{
    *out = (summary){0};
    kith_span rest = frame->data, nal;
    while (next_nal(&rest, frame->length_size, &nal)) {
        uint8_t type = kith_h264_type(nal);
        if (type == 0 || type >= KITH_H264_STAP_A)
            return false;
        if (!is_sent(nal))
            continue;
        out->count++;
        out->bytes += LENGTH + nal.len;
        out->has_slice |= type >= KITH_H264_SLICE && type <= KITH_H264_IDR;
        out->has_idr |= type == KITH_H264_IDR;
        out->has_sps |= type == KITH_H264_SPS;
    }
    return rest.len == 0 && out->count > 0;
}

/* Of a unit that is longer than 65535 bytes nobody looks at the length before it: it goes in
 * fragments. */
static void write_nal(kith_writer *w, kith_span nal)
{
    kith_wr_u16(w, (uint16_t)nal.len);
    kith_wr_span(w, nal);
}

/* SPS and PPS of an access unit that has any, in place of those before where it has an SPS. More
 * than there is room for are not kept: the encoder sends them with each IDR picture then. */
static void keep_sets(kith_h264_sender *h, const kith_media_frame *frame, bool has_sps)
{
    kith_writer w = kith_wr(h->sets, sizeof h->sets);
    w.len = has_sps ? 0 : h->sets_len;
    kith_span rest = frame->data, nal;
    while (next_nal(&rest, frame->length_size, &nal)) {
        if (is_set(nal))
            write_nal(&w, nal);
    }
    h->sets_len = w.bad ? 0 : w.len;
}

static size_t count_sets(const kith_h264_sender *h)
{
    size_t count = 0;
    for (kith_reader r = kith_rd(h->sets, h->sets_len); kith_rd_left(&r) > 0; count++)
        kith_rd_skip(&r, kith_rd_u16(&r));
    return count;
}

static bool make_room(kith_h264_sender *h, size_t count)
{
    if (count <= h->cap)
        return true;
    size_t cap = h->cap > 0 ? h->cap : FIRST_UNITS;
    while (cap < count)
        cap *= 2;
    uint32_t *lengths = kith_resize(h->lengths, cap * sizeof *lengths);
    if (!lengths)
        return false;
    h->lengths = lengths;
    h->cap = cap;
    return true;
}

static void add_nal(kith_h264_sender *h, kith_writer *w, kith_span nal)
{
    write_nal(w, nal);
    h->lengths[h->count++] = (uint32_t)nal.len;
}

static void write_access_unit(kith_packetizer *p, const kith_media_frame *frame, bool needs_sets,
                              size_t size)
{
    kith_h264_sender *h = &p->h264;
    kith_writer w = kith_wr(p->block, size);
    h->count = 0;
    kith_reader sets = kith_rd(h->sets, needs_sets ? h->sets_len : 0);
    while (kith_rd_left(&sets) > 0)
        add_nal(h, &w, kith_rd_span(&sets, kith_rd_u16(&sets)));
    kith_span rest = frame->data, nal;
    while (next_nal(&rest, frame->length_size, &nal)) {
        if (is_sent(nal))
            add_nal(h, &w, nal);
    }
    assert(!w.bad);
    p->len = w.len;
}

/* ---- units ---- */

/* How many units of the access unit, from `first` on, fit into one STAP-A; its payload's length. */
static size_t aggregate(const kith_packetizer *p, size_t first, size_t *len)
{
    const kith_h264_sender *h = &p->h264;
    size_t count = 0;
    *len = 0;
    while (first + count < h->count) {
        size_t more = LENGTH + h->lengths[first + count];
        if (1 + *len + more > p->limit)
            break;
        *len += more;
        count++;
    }
    return count;
}

/* The size of each fragment of a unit but the last, all without the unit's first byte. */
static size_t fragment_size(const kith_packetizer *p, size_t nal_len)
{
    size_t most = p->limit - FU_PREFIX;
    size_t pieces = (nal_len - 1 + most - 1) / most;
    return (nal_len - 1 + pieces - 1) / pieces;
}

/* What the next unit has, and where the one after it begins. */
typedef struct plan {
    /* of NAL units in a STAP-A; 1: alone; 0: a fragment */
    size_t nals;
    /* in the block */
    size_t at, len;
    bool begins, ends;
} plan;

static plan plan_next(const kith_packetizer *p, kith_h264_cursor *c)
{
    const kith_h264_sender *h = &p->h264;
    size_t nal_len = h->lengths[c->nal], together;
    plan next = {.nals = aggregate(p, c->nal, &together), .at = c->at, .len = together};
    if (nal_len <= p->limit && next.nals <= 1) {
        next = (plan){.nals = 1, .at = c->at + LENGTH, .len = nal_len};
        together = LENGTH + nal_len;
    }
    if (next.nals > 0) {
        c->nal += next.nals;
        c->at += together;
        return next;
    }
    size_t size = fragment_size(p, nal_len), left = nal_len - 1 - c->sent;
    next.at = c->at + LENGTH + 1 + c->sent;
    next.len = size < left ? size : left;
    next.begins = c->sent == 0;
    next.ends = next.len == left;
    c->sent += next.len;
    if (next.ends)
        *c = (kith_h264_cursor){.nal = c->nal + 1, .at = c->at + LENGTH + nal_len};
    return next;
}

static size_t count_units(const kith_packetizer *p)
{
    size_t count = 0;
    for (kith_h264_cursor c = {0}; c.nal < p->h264.count; count++)
        (void)plan_next(p, &c);
    return count;
}

kith_err kith_h264_begin(kith_packetizer *p, const kith_media_frame *frame)
{
    summary s;
    if (!summarize(frame, &s))
        return kith_fail(KITH_ERR_TYPE, "no H.264 access unit: no NAL units behind %s",
                         frame->length_size == 0 ? "start codes" : "lengths");
    if (s.count > KITH_MEDIA_MAX_PACKETS)
        return kith_fail(KITH_ERR_RANGE, "%zu NAL units: at most %d", s.count,
                         KITH_MEDIA_MAX_PACKETS);
    bool needs_sets = s.has_idr && !s.has_sps;
    size_t size = s.bytes + (needs_sets ? p->h264.sets_len : 0);
    if (!make_room(&p->h264, s.count + (needs_sets ? count_sets(&p->h264) : 0)))
        return kith_fail_memory();
    if (s.has_slice) {
        if (size > KITH_MEDIA_MAX_FRAME)
            return kith_fail(KITH_ERR_RANGE, "an access unit of %zu bytes: at most %zu", size,
                             KITH_MEDIA_MAX_FRAME);
        p->block = kith_buffers_take(p->buffers, size);
        if (!p->block)
            return kith_fail_memory();
        write_access_unit(p, frame, needs_sets, size);
    }
    keep_sets(&p->h264, frame, s.has_sps);
    p->h264.cursor = (kith_h264_cursor){0};
    p->is_key = s.has_idr;
    /* parameter sets alone wait for the picture that needs them */
    p->count = s.has_slice ? count_units(p) : 0;
    return KITH_OK;
}

/* RFC 6184 section 5.3: F is set if any has it, NRI is the highest. */
static uint8_t aggregate_header(const kith_packetizer *p, size_t at, size_t len)
{
    uint8_t f = 0, nri = 0;
    kith_reader r = kith_rd(p->block + at, len);
    while (kith_rd_left(&r) > 0) {
        kith_span nal = kith_rd_span(&r, kith_rd_u16(&r));
        f |= nal.data[0] & 0x80;
        nri = (nal.data[0] & 0x60) > nri ? nal.data[0] & 0x60 : nri;
    }
    return (uint8_t)(f | nri | KITH_H264_STAP_A);
}

void kith_h264_next(kith_packetizer *p, kith_rtp_unit *out)
{
    size_t nal_at = p->h264.cursor.at + LENGTH;
    plan next = plan_next(p, &p->h264.cursor);
    kith_writer w = kith_wr(out->prefix, sizeof out->prefix);
    if (next.nals == 0) {
        uint8_t header = p->block[nal_at];
        kith_wr_u8(&w, (uint8_t)((header & 0xe0) | KITH_H264_FU_A));
        kith_wr_u8(&w, (uint8_t)((header & 0x1f) | (next.begins ? FU_START : 0) |
                                 (next.ends ? FU_END : 0)));
    } else if (next.nals > 1) {
        kith_wr_u8(&w, aggregate_header(p, next.at, next.len));
    }
    out->prefix_len = (uint8_t)w.len;
    out->payload = kith_span_of(p->block + next.at, next.len);
}

/* ---- out of band ---- */

kith_err kith_packetizer_set_parameter_sets(kith_packetizer *p, kith_span avcc)
{
    kith_reader r = kith_rd(avcc.data, avcc.len);
    kith_h264_sender *h = &p->h264;
    uint8_t sets[sizeof h->sets];
    kith_writer w = kith_wr(sets, sizeof sets);
    uint8_t version = kith_rd_u8(&r);
    kith_rd_skip(&r, 4);
    for (int kind = 0; kind < 2; kind++) {
        unsigned count = kith_rd_u8(&r) & (kind == 0 ? 0x1f : 0xff);
        while (count-- > 0 && !r.bad) {
            kith_span nal = kith_rd_span(&r, kith_rd_u16(&r));
            if (nal.len == 0 || !is_set(nal))
                r.bad = true;
            else
                write_nal(&w, nal);
        }
    }
    if (version != 1 || r.bad || w.bad)
        return kith_fail(KITH_ERR_TYPE, "no AVCDecoderConfigurationRecord");
    memcpy(h->sets, sets, w.len);
    h->sets_len = w.len;
    return KITH_OK;
}
