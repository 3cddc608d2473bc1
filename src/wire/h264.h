/* H.264: NAL units in a stream of bytes (ITU-T H.264 annex B) or behind their lengths (ISO/IEC
 * 14496-15, "AVCC"), and in the payloads of RTP in packetization mode 1 (RFC 6184). */
#ifndef KITH_WIRE_H264_H
#define KITH_WIRE_H264_H

#include "base/reader.h"

/* nal_unit_type: H.264 table 7-1, and RFC 6184 table 1 */
#define KITH_H264_SLICE  1
#define KITH_H264_IDR    5
#define KITH_H264_SEI    6
#define KITH_H264_SPS    7
#define KITH_H264_PPS    8
#define KITH_H264_AUD    9
#define KITH_H264_STAP_A 24
#define KITH_H264_FU_A   28

/* The lower five bits of a NAL unit's first byte, which it must have. */
static inline uint8_t kith_h264_type(kith_span nal)
{
    return nal.data[0] & 0x1f;
}

/* ---- what an encoder gives ---- */

/* Takes the next NAL unit off the front of a stream of bytes: without its start code, the zeros
 * before it and those behind it. False: none is left. What stands before the first start code is no
 * part of a unit. */
KITH_MUST_CHECK bool kith_h264_next_annex_b(kith_span *stream, kith_span *nal);
/* The same where each unit stands behind its length of `length_size` bytes: 1, 2 or 4. Units of no
 * length are left out. `stream` has bytes left after a false: a unit is not whole. */
KITH_MUST_CHECK bool kith_h264_next_avcc(kith_span *stream, unsigned length_size, kith_span *nal);

/* ---- payloads of RTP ---- */

/* A piece of a payload. */
typedef struct kith_h264_piece {
    /* Of a fragment this is the unit's first byte made anew, and the content what follows it; of a
     * whole unit `is_fragment` is false and the content has all of it. */
    bool is_fragment;
    uint8_t header;
    /* a unit begins, or ends, with this piece */
    bool begins, ends;
    kith_span content;
} kith_h264_piece;

/* The pieces of a payload in order: one, or the units of an aggregate. */
typedef struct kith_h264_pieces {
    kith_reader in;
    bool is_aggregate;
} kith_h264_pieces;

/* False: empty, or of a kind that mode 1 does not have (RFC 6184 section 6.3). */
KITH_MUST_CHECK bool kith_h264_pieces_of(kith_h264_pieces *out, kith_span payload);
/* False: no more; `in.bad` where the payload is broken: a unit that is not whole or of no length,
 * an aggregate in an aggregate (section 5.7.1), a fragment that begins and ends (section 5.8). */
KITH_MUST_CHECK bool kith_h264_next_piece(kith_h264_pieces *pieces, kith_h264_piece *out);
/* nal_unit_type of the unit that the piece is of. */
uint8_t kith_h264_piece_type(const kith_h264_piece *piece);

/* What an SPS says of the picture (H.264 section 7.3.2.1.1, and E.1.1 for the times). */
typedef struct kith_h264_sps {
    /* pixels, after cropping */
    uint16_t width, height;
    /* a field of a picture, of which a frame has two, takes num_units_in_tick / time_scale seconds;
     * 0: not said */
    uint32_t num_units_in_tick, time_scale;
} kith_h264_sps;

/* False: it is broken before its times, or the picture is larger than 16384 either way. */
KITH_MUST_CHECK bool kith_h264_read_sps(kith_span sps, kith_h264_sps *out);

#endif
