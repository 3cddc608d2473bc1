/* Opus packets (RFC 6716), which are the payload of RTP as they are (RFC 7587). */
#ifndef KITH_WIRE_OPUS_H
#define KITH_WIRE_OPUS_H

#include "base/span.h"

/* Samples at 48 kHz that the packet is long, by its first bytes (RFC 6716 sections 3.1 and 3.2); 0:
 * it is none, or longer than the 120 ms that are allowed. */
uint32_t kith_opus_samples(kith_span packet);

#endif
