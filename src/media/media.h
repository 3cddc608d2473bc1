/* Frames and the payloads of RTP: a frame of an encoder becomes the units that leave, and packets
 * that came become frames again, whole and in decoding order or not at all.
 *
 * There is no encoder and no decoder, no SDP and no RTP header here, and nothing that knows of
 * streams, RTCP or repair: numbers that come late come by the same way as those in time. */
#ifndef KITH_MEDIA_MEDIA_H
#define KITH_MEDIA_MEDIA_H

#include "base/buffers.h"
#include "wire/rtp_packet.h"
#include "wire/rtp_unit.h"

typedef enum kith_media_codec {
    /* RFC 7587 */
    KITH_MEDIA_OPUS,
    /* RFC 3551 section 4.5.14 */
    KITH_MEDIA_PCMU,
    KITH_MEDIA_PCMA,
    /* RFC 7741 */
    KITH_MEDIA_VP8,
    /* RFC 6184, packetization mode 1 */
    KITH_MEDIA_H264,
    /* not looked into: there are no frames of it */
    KITH_MEDIA_OPAQUE,
} kith_media_codec;

/* Of RTP timestamps. */
uint32_t kith_media_clock_rate(kith_media_codec codec);
bool kith_media_is_video(kith_media_codec codec);

/* Does a key frame begin in this payload, as far as it alone tells? */
bool kith_media_begins_key_frame(kith_media_codec codec, kith_span payload);

/* Packets of one frame. */
#define KITH_MEDIA_MAX_PACKETS 2048
/* Bytes of one frame. */
#define KITH_MEDIA_MAX_FRAME KITH_BUFFERS_LARGEST

/* ---- frames to units ---- */

typedef struct kith_packetizer kith_packetizer;

KITH_MUST_CHECK kith_err kith_packetizer_new(kith_packetizer **out, kith_media_codec codec,
                                             kith_buffers *buffers);
void kith_packetizer_free(kith_packetizer *p);

typedef struct kith_media_frame {
    /* Opus: a packet. G.711: samples. VP8: a frame. H.264: an access unit, its NAL units behind
     * start codes, or behind lengths. All borrowed. */
    kith_span data;
    /* H.264: 0: start codes; 1, 2 or 4: bytes of a length */
    unsigned length_size;
    /* on any clock that runs evenly: the RTP timestamp follows it */
    kith_time captured_at;
    /* no other frame refers to it */
    bool is_non_reference;
} kith_media_frame;

/* H.264: parameter sets that are not in the stream, as an AVCDecoderConfigurationRecord has them
 * (ISO/IEC 14496-15); they are sent before each IDR picture that comes without. TYPE: it is none.
 */
KITH_MUST_CHECK kith_err kith_packetizer_set_parameter_sets(kith_packetizer *p, kith_span avcc);

/* Takes a copy of the frame; its units then come by kith_packetizer_next, what is left of the frame
 * before goes. `limit`: bytes of a unit, prefix and payload. TYPE: it is no frame of the codec.
 * RANGE: too many bytes or units, or an audio frame above the limit. NO_MEMORY. On failure no unit
 * comes. */
KITH_MUST_CHECK kith_err kith_packetizer_begin(kith_packetizer *p, const kith_media_frame *frame,
                                               size_t limit);
/* Is the frame of kith_packetizer_begin one that a decoder can begin with? */
bool kith_packetizer_is_key(const kith_packetizer *p);
/* Units that are left to come, and drops them. */
size_t kith_packetizer_left(const kith_packetizer *p);
void kith_packetizer_drop(kith_packetizer *p);
/* The next unit, with a reference of its own; false: no more. What its owner says (the payload
 * type, the extensions) is 0. */
bool kith_packetizer_next(kith_packetizer *p, kith_rtp_unit *out);

/* ---- packets to frames ---- */

typedef struct kith_assembler kith_assembler;

KITH_MUST_CHECK kith_err kith_assembler_new(kith_assembler **out, bool is_video,
                                            kith_buffers *buffers);
void kith_assembler_free(kith_assembler *a);
/* How long a packet is waited for that did not come: with repair, as long as it takes to ask and
 * get it (the round trip `rtt`), without as long as packets overtake each other. */
void kith_assembler_set_repair(kith_assembler *a, bool is_repaired, kith_time rtt);

/* A packet of one stream, with its reference; what has no payload but padding too, for its number.
 * kith_packet.begins_stream: what was before is forgotten. */
void kith_assembler_input(kith_assembler *a, kith_time now, kith_packet *packet,
                          kith_media_codec codec);
/* What has a number below it is of no use any more. */
int64_t kith_assembler_first_wanted(const kith_assembler *a);
kith_time kith_assembler_deadline(const kith_assembler *a);
void kith_assembler_tick(kith_assembler *a, kith_time now);

typedef enum kith_assembler_event_type {
    /* `frame` */
    KITH_ASSEMBLER_EV_FRAME,
    /* nothing can be decoded until a key frame comes; told once */
    KITH_ASSEMBLER_EV_KEY_FRAME_NEEDED,
    /* the first packet of a key frame came */
    KITH_ASSEMBLER_EV_KEY_FRAME_CAME,
} kith_assembler_event_type;

/* A received frame, in a block of its own (base/block.h). */
typedef struct kith_assembled {
    kith_media_codec codec;
    bool is_key;
    uint32_t rtp_timestamp;
    /* of the last packet that it needed */
    kith_time received_at;
    /* when it is to be shown or heard, so that no later one need wait: never steps back */
    kith_time play_at;
    /* the sender wants it by then, whatever else it is to be in step with; KITH_NEVER: unknown */
    kith_time latest_play_at;
    /* before it: samples of audio, by the timestamps; of video 1 for any number of frames */
    uint32_t lost_before;
    /* of audio, at the rate of its timestamps */
    uint32_t samples;
    /* of a video key frame where it says so, else of the one before; 0: unknown */
    uint16_t width, height;
    /* what its packets said */
    bool has_audio_level, has_video_orientation;
    kith_rtp_audio_level audio_level;
    kith_rtp_video_orientation video_orientation;
    /* of video: what they, or those of a frame before, said last */
    bool has_playout_delay;
    kith_rtp_playout_delay playout_delay;
    /* as kith_media_frame's; H.264 has start codes of four bytes */
    size_t len;
    uint8_t data[];
} kith_assembled;

typedef struct kith_assembler_event {
    kith_assembler_event_type type;
    /* FRAME: the reference is the caller's */
    kith_assembled *frame;
} kith_assembler_event;

/* False: nothing more. */
bool kith_assembler_event_next(kith_assembler *a, kith_assembler_event *ev);

/* webrtc-stats: framesReceived and its like. */
typedef struct kith_assembler_counters {
    uint64_t frames, key_frames;
    /* video, of those: of several packets, and how long all of these took to come together */
    uint64_t assembled_frames;
    kith_time assembly_time;
    /* video: some of their packets came, and are among the dropped ones */
    uint64_t dropped_frames;
    /* packets of frames that could not be told: incomplete, or behind a loss */
    uint64_t dropped_packets;
    /* frames with a payload that is not what its codec says */
    uint64_t malformed;
    /* packets that came when their place was given up */
    uint64_t late;
} kith_assembler_counters;
const kith_assembler_counters *kith_assembler_get_counters(const kith_assembler *a);
/* Of the last video frame; 0: unknown. */
void kith_assembler_get_size(const kith_assembler *a, uint16_t *width, uint16_t *height);

#endif
