/* Packets on a byte stream. Those of peers have their length before them, two bytes (RFC 4571
 * section 2; ICE's checks too, RFC 6544 section 3); messages to and from TURN servers say theirs
 * themselves. */
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

/* What of a message of STUN or TURN tells how long it is. */
#define KITH_FRAME_TURN_HEAD 4
/* The length of the message that begins so (RFC 8489 section 6.2.2), with the padding behind
 * ChannelData (RFC 8656 section 12.5); 0: none begins so. */
size_t kith_frame_turn_length(const uint8_t head[KITH_FRAME_TURN_HEAD]);
/* Pads a message of `len` bytes for a stream, with three zeros at most; returns its length then. */
size_t kith_frame_turn_pad(uint8_t *message, size_t len);

#endif
