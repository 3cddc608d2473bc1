/* Header extensions that kith carries: their URIs, and their values as bytes and as numbers. */
#ifndef KITH_WIRE_RTP_EXTENSION_H
#define KITH_WIRE_RTP_EXTENSION_H

#include "base/span.h"

/* Name and URI. MID: RFC 9143 section 14. AUDIO_LEVEL: RFC 6464. VIDEO_ORIENTATION: 3GPP TS 26.114
 * section 7.4.5. PLAYOUT_DELAY, ABS_SEND_TIME: libwebrtc's own.
 * TRANSPORT_CC: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2. */
#define KITH_RTP_EXTENSION_LIST(X)                                                 \
    X(MID, "urn:ietf:params:rtp-hdrext:sdes:mid")                                  \
    X(AUDIO_LEVEL, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")                  \
    X(VIDEO_ORIENTATION, "urn:3gpp:video-orientation")                             \
    X(PLAYOUT_DELAY, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay") \
    X(ABS_SEND_TIME, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time") \
    X(TRANSPORT_CC, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")

typedef enum kith_rtp_extension_kind {
#define KITH_RTP_EXTENSION_ENUM(name, uri) KITH_RTP_EXTENSION_##name,
    KITH_RTP_EXTENSION_LIST(KITH_RTP_EXTENSION_ENUM)
#undef KITH_RTP_EXTENSION_ENUM
        KITH_RTP_EXTENSION_COUNT
} kith_rtp_extension_kind;

const char *kith_rtp_extension_uri(kith_rtp_extension_kind kind);
/* KITH_RTP_EXTENSION_COUNT: none of ours. */
kith_rtp_extension_kind kith_rtp_extension_find(kith_span uri);

/* A mid is a token (RFC 5888 section 4); a value that is empty or has a NUL is none. In packets it
 * is what one element holds. */
#define KITH_RTP_MAX_MID 255
bool kith_rtp_is_mid(kith_span value);

/* RFC 6464 section 3: the level is 0 to 127 -dBov, loud to silent. */
typedef struct kith_rtp_audio_level {
    bool voice;
    uint8_t level;
} kith_rtp_audio_level;

/* One byte, or in the two-byte form more, of which the first counts. */
KITH_MUST_CHECK bool kith_rtp_read_audio_level(kith_rtp_audio_level *out, kith_span value);
uint8_t kith_rtp_write_audio_level(const kith_rtp_audio_level *level);

/* How a receiver turns the picture to show it upright. */
typedef struct kith_rtp_video_orientation {
    bool back_camera, flip;
    /* clockwise: 0, 90, 180, 270 */
    uint16_t rotation;
} kith_rtp_video_orientation;

KITH_MUST_CHECK bool kith_rtp_read_video_orientation(kith_rtp_video_orientation *out,
                                                     kith_span value);
uint8_t kith_rtp_write_video_orientation(const kith_rtp_video_orientation *orientation);

/* Bounds of the time from capture to display. 12 bits each, of 10 ms. */
#define KITH_RTP_MAX_PLAYOUT_DELAY KITH_MS(40950)
typedef struct kith_rtp_playout_delay {
    kith_time min, max;
} kith_rtp_playout_delay;

/* False also where min is above max. */
KITH_MUST_CHECK bool kith_rtp_read_playout_delay(kith_rtp_playout_delay *out, kith_span value);
void kith_rtp_write_playout_delay(uint8_t out[3], const kith_rtp_playout_delay *delay);

/* When a packet leaves: seconds of any clock in 24 bits, 18 of them behind the point. */
void kith_rtp_write_abs_send_time(uint8_t out[3], kith_time now);

/* The transport-wide sequence number: two bytes. */
KITH_MUST_CHECK bool kith_rtp_read_transport_cc(uint16_t *out, kith_span value);

#endif
