/* Packets on a byte stream: before each its length, two bytes (RFC 4571 section 2; of ICE's checks
 * too, RFC 6544 section 3). */
#ifndef KITH_WIRE_FRAME_H
#define KITH_WIRE_FRAME_H

#include "base/span.h"

#define KITH_FRAME_HEAD 2

/* The length of the frame that a stream begins with, without its head; false: the head is not there
 * yet. */
bool kith_frame_length(kith_span stream, size_t *len);
/* Takes the first frame off the front of a stream, without its head. False, and nothing is taken:
 * it is not there as a whole. An empty one is a frame. */
bool kith_frame_next(kith_span *stream, kith_span *frame);
/* Writes the head of a frame of `len` bytes, at most 65535. */
void kith_frame_write_head(uint8_t head[KITH_FRAME_HEAD], size_t len);

#endif
