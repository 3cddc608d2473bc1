#include "wire/vp8.h"

/* RFC 7741 section 4.2: the first byte */
#define X   0x80
#define N   0x20
#define S   0x10
#define PID 0x07
/* the extension byte */
#define I 0x80
#define L 0x40
#define T 0x20
#define K 0x10
/* of PictureID: 15 bits follow M, not 7 */
#define M 0x80
/* of the byte of TID and KEYIDX */
#define Y      0x20
#define KEYIDX 0x1f

bool kith_vp8_read_descriptor(kith_reader *payload, kith_vp8_descriptor *out)
{
    uint8_t first = kith_rd_u8(payload);
    uint8_t extension = first & X ? kith_rd_u8(payload) : 0;
    *out = (kith_vp8_descriptor){
        .is_non_reference = first & N,
        .begins_frame = (first & S) && (first & PID) == 0,
        .has_picture_id = extension & I,
        .has_tl0picidx = extension & L,
        .has_tid = extension & T,
        .has_keyidx = extension & K,
    };
    if (out->has_picture_id) {
        out->picture_id = kith_rd_u8(payload);
        out->is_picture_id_long = out->picture_id & M;
        if (out->is_picture_id_long)
            out->picture_id = (uint16_t)((out->picture_id & ~M) << 8 | kith_rd_u8(payload));
    }
    if (out->has_tl0picidx)
        out->tl0picidx = kith_rd_u8(payload);
    if (out->has_tid || out->has_keyidx) {
        uint8_t layers = kith_rd_u8(payload);
        out->tid = layers >> 6;
        out->is_layer_sync = layers & Y;
        out->keyidx = layers & KEYIDX;
    }
    return !payload->bad;
}

void kith_vp8_write_descriptor(kith_writer *w, bool begins_frame, bool is_non_reference,
                               uint16_t picture_id)
{
    kith_wr_u8(w, (uint8_t)(X | (is_non_reference ? N : 0) | (begins_frame ? S : 0)));
    kith_wr_u8(w, I);
    kith_wr_u16(w, (uint16_t)(M << 8 | (picture_id & 0x7fff)));
}

/* RFC 6386 section 9.1: a tag of three bytes, whose lowest bit is 0 in a key frame; then, in a key
 * frame, the start code and two numbers of 14 bits, least byte first, with a scale of two. */
bool kith_vp8_read_frame_header(kith_span frame, kith_vp8_frame_header *out)
{
    kith_reader r = kith_rd(frame.data, frame.len);
    uint32_t tag = kith_rd_u24(&r);
    *out = (kith_vp8_frame_header){.is_key = !(tag >> 16 & 1)};
    if (out->is_key) {
        uint32_t start_code = kith_rd_u24(&r);
        uint16_t width = kith_rd_u16(&r), height = kith_rd_u16(&r);
        out->width = (uint16_t)((width >> 8 | width << 8) & 0x3fff);
        out->height = (uint16_t)((height >> 8 | height << 8) & 0x3fff);
        if (start_code != 0x9d012a)
            return false;
    }
    return !r.bad;
}
