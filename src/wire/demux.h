/* Which protocol a datagram is of, by its first byte (RFC 7983 section 7, RFC 9443 section 3). */
#ifndef KITH_WIRE_DEMUX_H
#define KITH_WIRE_DEMUX_H

#include "base/span.h"

typedef enum kith_demux_kind {
    /* nothing, or a protocol that we do not speak: ZRTP, QUIC */
    KITH_DEMUX_UNKNOWN,
    KITH_DEMUX_STUN,
    KITH_DEMUX_DTLS,
    /* only from a TURN server that we have an allocation on */
    KITH_DEMUX_TURN_CHANNEL,
    /* RTP and RTCP: told apart by their second byte (RFC 5761 section 4) */
    KITH_DEMUX_RTP,
} kith_demux_kind;

kith_demux_kind kith_demux(kith_span packet);

#endif
