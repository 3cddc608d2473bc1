/* A received RTP packet: its bytes, once copied, and what was read of them. It lives in a block
 * (base/block.h), is shared by reference and never changed after it was parsed: a jitter buffer, an
 * event and any number of forwarders hold the same one. */
#ifndef KITH_WIRE_RTP_PACKET_H
#define KITH_WIRE_RTP_PACKET_H

#include "base/list.h"
#include "wire/rtp.h"
#include "wire/rtp_extension.h"

typedef struct kith_packet {
    /* the rtp room's, while the packet waits in it */
    kith_list_node node;
    kith_time received_at;
    /* the sequence number, unwrapped: in a stream it never falls but for late packets */
    int64_t number;
    kith_rtp_header header;
    /* It was lost and sent again: the SSRC that brought it (RFC 4588); 0: it came by itself. */
    uint32_t rtx_ssrc;
    /* The stream begins with this packet, or begins anew: another source, or the same one
     * restarted. What came before is no part of it. */
    bool begins_stream;
    bool has_audio_level, has_video_orientation, has_playout_delay, has_transport_cc;
    kith_rtp_audio_level audio_level;
    kith_rtp_video_orientation video_orientation;
    kith_rtp_playout_delay playout_delay;
    uint16_t transport_cc;
    size_t len;
    uint8_t data[];
} kith_packet;

/* The size of the blocks of a pool for packets, and how long a packet in one may be. */
#define KITH_PACKET_BLOCK 2016
#define KITH_PACKET_CAP   (KITH_PACKET_BLOCK - sizeof(kith_packet))

static inline kith_span kith_packet_bytes(const kith_packet *packet)
{
    return kith_span_of(packet->data, packet->len);
}

static inline kith_span kith_packet_payload(const kith_packet *packet)
{
    return kith_span_of(packet->data + packet->header.payload_at, packet->header.payload_len);
}

#endif
