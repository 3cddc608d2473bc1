/* The RTP payload of VP8 (RFC 7741): its descriptor, and of the VP8 stream itself (RFC 6386 section
 * 9.1) what tells a key frame and its size. */
#ifndef KITH_WIRE_VP8_H
#define KITH_WIRE_VP8_H

#include "base/reader.h"
#include "base/writer.h"

/* The longest descriptor: X, I with 15 bits, L, T and K. */
#define KITH_VP8_MAX_DESCRIPTOR 6
/* What kith_vp8_write_descriptor writes. */
#define KITH_VP8_OUR_DESCRIPTOR 4

typedef struct kith_vp8_descriptor {
    /* N: no other frame refers to this one */
    bool is_non_reference;
    /* S with PID 0: the frame begins with the payload behind the descriptor */
    bool begins_frame;
    bool has_picture_id, has_tl0picidx, has_tid, has_keyidx;
    /* of 7 or of 15 bits */
    uint16_t picture_id;
    bool is_picture_id_long;
    uint8_t tl0picidx;
    uint8_t tid;
    /* Y: depends on base layer frames only */
    bool is_layer_sync;
    uint8_t keyidx;
} kith_vp8_descriptor;

/* Reads the descriptor off the front of a packet's payload; what the reader has left is of the
 * frame. False where it is not whole. */
KITH_MUST_CHECK bool kith_vp8_read_descriptor(kith_reader *payload, kith_vp8_descriptor *out);
/* The descriptor that we send: S or not, and a PictureID of 15 bits, whose higher bits are not
 * looked at. */
void kith_vp8_write_descriptor(kith_writer *w, bool begins_frame, bool is_non_reference,
                               uint16_t picture_id);

/* What a VP8 frame begins with. */
typedef struct kith_vp8_frame_header {
    bool is_key;
    /* pixels, of a key frame */
    uint16_t width, height;
} kith_vp8_frame_header;

/* False: too short, or a key frame without the start code. */
KITH_MUST_CHECK bool kith_vp8_read_frame_header(kith_span frame, kith_vp8_frame_header *out);

#endif
