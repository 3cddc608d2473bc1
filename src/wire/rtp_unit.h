/* An RTP packet that is to be sent, before it is one: it gets its number, its extensions and its
 * bytes when it leaves. */
#ifndef KITH_WIRE_RTP_UNIT_H
#define KITH_WIRE_RTP_UNIT_H

#include "base/span.h"

#define KITH_RTP_UNIT_PREFIX 20

typedef struct kith_rtp_unit {
    /* what keeps the payload (base/block.h): one reference goes with the unit; NULL: no payload */
    void *block;
    kith_span payload;
    /* when what it carries was captured, on the clock of `now` */
    kith_time captured_at;
    /* when it was given to its stream, or was asked for again */
    kith_time queued_at;
    /* the source's, to which the stream adds an offset of its own */
    uint32_t timestamp;
    /* A source that numbers its packets itself, as one that came in by RTP: who it is, and its
     * number. */
    bool is_numbered;
    uint16_t sequence_number;
    uint32_t source_ssrc;
    uint8_t payload_type;
    bool marker;
    /* the first packet of a key frame: nobody need ask for one any more */
    bool begins_key_frame;
    /* extension values, as they stand in the packet */
    bool has_audio_level, has_video_orientation, has_playout_delay;
    uint8_t audio_level, video_orientation, playout_delay[3];
    /* bytes before the payload: a payload descriptor */
    uint8_t prefix_len;
    uint8_t prefix[KITH_RTP_UNIT_PREFIX];
} kith_rtp_unit;

#endif
