/* The table of RFC 7983 section 7 as RFC 9443 section 3 has it. It only looks at one byte: whether
 * the packet is sound is for the protocol's own parser to say. */
#include "wire/demux.h"

kith_demux_kind kith_demux(kith_span packet)
{
    if (packet.len == 0)
        return KITH_DEMUX_UNKNOWN;
    uint8_t first = packet.data[0];
    if (first <= 3)
        return KITH_DEMUX_STUN;
    if (first >= 20 && first <= 63) /* 16 to 19 are ZRTP */
        return KITH_DEMUX_DTLS;
    if (first >= 64 && first <= 79)
        return KITH_DEMUX_TURN_CHANNEL;
    if (first >= 128 && first <= 191) /* 80 to 127 and 192 to 255 are QUIC */
        return KITH_DEMUX_RTP;
    return KITH_DEMUX_UNKNOWN;
}
