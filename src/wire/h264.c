#include "wire/h264.h"

#define F_AND_NRI 0xe0
/* of the FU header: RFC 6184 section 5.8 */
#define FU_START 0x80
#define FU_END   0x40

/* Where the next 00 00 01 begins; the length of the stream when there is none. */
static size_t find_start_code(kith_span stream)
{
    const uint8_t *at = stream.data;
    const uint8_t *end = stream.data + stream.len;
    while (end - at >= 3 && (at = memchr(at, 0, (size_t)(end - at) - 2))) {
        if (at[1] == 0 && at[2] == 1)
            return (size_t)(at - stream.data);
        at++;
    }
    return stream.len;
}

static void drop(kith_span *span, size_t len)
{
    *span = kith_span_of(span->data + len, span->len - len);
}

bool kith_h264_next_annex_b(kith_span *stream, kith_span *nal)
{
    for (;;) {
        size_t start = find_start_code(*stream);
        if (start == stream->len) {
            drop(stream, start);
            return false;
        }
        drop(stream, start + 3);
        *nal = kith_span_of(stream->data, find_start_code(*stream));
        drop(stream, nal->len);
        /* trailing_zero_8bits, and the first zero of a start code of four bytes: a unit never ends
         * in a zero (H.264 section 7.4.1) */
        while (nal->len > 0 && nal->data[nal->len - 1] == 0)
            nal->len--;
        if (nal->len > 0)
            return true;
    }
}

bool kith_h264_next_avcc(kith_span *stream, unsigned length_size, kith_span *nal)
{
    while (stream->len > 0) {
        kith_reader r = kith_rd(stream->data, stream->len);
        size_t len = 0;
        for (unsigned i = 0; i < length_size; i++)
            len = len << 8 | kith_rd_u8(&r);
        *nal = kith_rd_span(&r, len);
        if (r.bad)
            return false;
        drop(stream, length_size + len);
        if (len > 0)
            return true;
    }
    return false;
}

/* ---- payloads ---- */

bool kith_h264_pieces_of(kith_h264_pieces *out, kith_span payload)
{
    *out = (kith_h264_pieces){.in = kith_rd(payload.data, payload.len)};
    if (payload.len == 0)
        return false;
    uint8_t type = kith_h264_type(payload);
    out->is_aggregate = type == KITH_H264_STAP_A;
    if (out->is_aggregate)
        kith_rd_skip(&out->in, 1);
    return (type > 0 && type <= KITH_H264_STAP_A) || type == KITH_H264_FU_A;
}

static void read_fragment(kith_reader *in, kith_h264_piece *out)
{
    uint8_t indicator = kith_rd_u8(in), header = kith_rd_u8(in);
    out->is_fragment = true;
    out->header = (uint8_t)((indicator & F_AND_NRI) | (header & 0x1f));
    out->begins = header & FU_START;
    out->ends = header & FU_END;
    out->content = kith_rd_rest(in);
    if (out->content.len == 0 || (out->begins && out->ends))
        in->bad = true;
}

static void read_unit(kith_h264_pieces *pieces, kith_h264_piece *out)
{
    kith_reader *in = &pieces->in;
    out->content = pieces->is_aggregate ? kith_rd_span(in, kith_rd_u16(in)) : kith_rd_rest(in);
    out->begins = out->ends = true;
    if (out->content.len == 0 || kith_h264_type(out->content) == 0 ||
        kith_h264_type(out->content) >= KITH_H264_STAP_A)
        in->bad = true;
    else
        out->header = out->content.data[0];
}

bool kith_h264_next_piece(kith_h264_pieces *pieces, kith_h264_piece *out)
{
    kith_reader *in = &pieces->in;
    if (in->bad || kith_rd_left(in) == 0)
        return false;
    *out = (kith_h264_piece){0};
    if (!pieces->is_aggregate && (in->at[0] & 0x1f) == KITH_H264_FU_A)
        read_fragment(in, out);
    else
        read_unit(pieces, out);
    return !in->bad;
}

uint8_t kith_h264_piece_type(const kith_h264_piece *piece)
{
    return piece->header & 0x1f;
}

/* ---- sequence parameter sets ---- */

/* Bits of an RBSP: the emulation prevention bytes (H.264 section 7.4.1.1) are passed over. */
typedef struct bits {
    kith_reader in;
    /* bytes of zero in a row */
    unsigned zeros;
    uint8_t byte;
    unsigned left;
} bits;

static uint32_t read_bit(bits *b)
{
    if (b->left == 0) {
        b->byte = kith_rd_u8(&b->in);
        if (b->zeros >= 2 && b->byte == 3) {
            b->byte = kith_rd_u8(&b->in);
            b->zeros = 0;
        }
        b->zeros = b->byte == 0 ? b->zeros + 1 : 0;
        b->left = 8;
    }
    b->left--;
    return b->byte >> b->left & 1;
}

static uint32_t read_bits(bits *b, unsigned count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 1 | read_bit(b);
    return value;
}

/* ue(v), section 9.1; what is above 2^31 is broken here. */
static uint32_t read_ue(bits *b)
{
    unsigned zeros = 0;
    while (!b->in.bad && read_bit(b) == 0) {
        if (++zeros == 32)
            b->in.bad = true;
    }
    return b->in.bad ? 0 : (uint32_t)((UINT64_C(1) << zeros) - 1) + read_bits(b, zeros);
}

static void skip_ue(bits *b)
{
    (void)read_ue(b);
}

/* se(v) is as long as ue(v). */
static int32_t read_se(bits *b)
{
    uint32_t k = read_ue(b);
    return k & 1 ? (int32_t)(k / 2 + 1) : -(int32_t)(k / 2);
}

/* Section 7.3.2.1.1.1. */
static void skip_scaling_list(bits *b, unsigned size)
{
    int32_t last = 8, next = 8;
    for (unsigned i = 0; i < size && !b->in.bad; i++) {
        if (next != 0)
            next = (int32_t)(((int64_t)last + read_se(b) + 256) % 256);
        last = next == 0 ? last : next;
    }
}

/* chroma_format_idc and what else only these profiles have. */
static uint32_t read_high_profile(bits *b)
{
    uint32_t chroma_format = read_ue(b);
    if (chroma_format == 3)
        (void)read_bit(b);
    skip_ue(b);
    skip_ue(b);
    (void)read_bit(b);
    if (read_bit(b)) {
        for (unsigned i = 0; i < (chroma_format == 3 ? 12 : 8); i++) {
            if (read_bit(b))
                skip_scaling_list(b, i < 6 ? 16 : 64);
        }
    }
    return chroma_format;
}

static bool has_chroma_format(uint32_t profile)
{
    static const uint8_t profiles[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};
    return memchr(profiles, (int)profile, sizeof profiles);
}

static void skip_picture_order(bits *b)
{
    uint32_t type = read_ue(b);
    if (type == 0) {
        skip_ue(b);
    } else if (type == 1) {
        (void)read_bit(b);
        skip_ue(b);
        skip_ue(b);
        uint32_t cycle = read_ue(b);
        for (uint32_t i = 0; i < cycle && !b->in.bad; i++)
            skip_ue(b);
    }
}

/* Cropping, in the units of section 7.4.2.1.1. */
static void crop(bits *b, uint32_t chroma_format, bool frames_only, uint64_t *columns,
                 uint64_t *rows)
{
    uint64_t x = chroma_format == 1 || chroma_format == 2 ? 2 : 1;
    uint64_t y = (chroma_format == 1 ? 2U : 1U) * (frames_only ? 1U : 2U);
    uint64_t left = read_ue(b), right = read_ue(b), top = read_ue(b), bottom = read_ue(b);
    uint64_t cropped_x = x * (left + right), cropped_y = y * (top + bottom);
    *columns = cropped_x < *columns ? *columns - cropped_x : 0;
    *rows = cropped_y < *rows ? *rows - cropped_y : 0;
}

/* aspect_ratio_idc, H.264 table E-1 */
#define EXTENDED_SAR 255

/* Section E.1.1, as far as the times. */
static void read_vui_times(bits *b, kith_h264_sps *out)
{
    if (read_bit(b) && read_bits(b, 8) == EXTENDED_SAR)
        (void)read_bits(b, 32);
    if (read_bit(b))
        (void)read_bit(b);
    if (read_bit(b)) {
        (void)read_bits(b, 4);
        if (read_bit(b))
            (void)read_bits(b, 24);
    }
    if (read_bit(b)) {
        skip_ue(b);
        skip_ue(b);
    }
    bool has_times = read_bit(b);
    uint32_t units = has_times ? read_bits(b, 32) : 0, scale = has_times ? read_bits(b, 32) : 0;
    if (b->in.bad || units == 0 || scale == 0)
        return;
    out->num_units_in_tick = units;
    out->time_scale = scale;
}

bool kith_h264_read_sps(kith_span sps, kith_h264_sps *out)
{
    bits b = {.in = kith_rd(sps.data, sps.len)};
    (void)read_bits(&b, 8);
    uint32_t profile = read_bits(&b, 8);
    (void)read_bits(&b, 16);
    skip_ue(&b);
    uint32_t chroma_format = has_chroma_format(profile) ? read_high_profile(&b) : 1;
    skip_ue(&b);
    skip_picture_order(&b);
    skip_ue(&b);
    (void)read_bit(&b);
    uint64_t columns = UINT64_C(16) * (UINT64_C(1) + read_ue(&b));
    uint64_t rows = UINT64_C(16) * (UINT64_C(1) + read_ue(&b));
    bool frames_only = read_bit(&b);
    if (!frames_only) {
        (void)read_bit(&b);
        rows *= 2;
    }
    (void)read_bit(&b);
    if (read_bit(&b))
        crop(&b, chroma_format, frames_only, &columns, &rows);
    if (b.in.bad || columns == 0 || rows == 0 || columns > 16384 || rows > 16384)
        return false;
    *out = (kith_h264_sps){.width = (uint16_t)columns, .height = (uint16_t)rows};
    if (read_bit(&b))
        read_vui_times(&b, out);
    return true;
}
