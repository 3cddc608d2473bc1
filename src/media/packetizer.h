/* A packetizer from inside: what the codecs' files share. */
#ifndef KITH_MEDIA_PACKETIZER_H
#define KITH_MEDIA_PACKETIZER_H

#include "base/writer.h"
#include "media/media.h"

/* Parameter sets that are kept are no longer than this, with two bytes for each one's length. */
#define KITH_MEDIA_MAX_PARAMETER_SETS 4096

/* Where an access unit has been sent to: a NAL unit, how much of it went in fragments, and its
 * place in the block. */
typedef struct kith_h264_cursor {
    size_t nal, sent, at;
} kith_h264_cursor;

typedef struct kith_h264_sender {
    /* The access unit lies in the block as a run of NAL units, each behind two bytes for its
     * length, as in a STAP-A: so any of them in a row are an aggregate as they lie there. */
    uint32_t *lengths;
    size_t count, cap;
    kith_h264_cursor cursor;
    /* SPS and PPS that came last, in the same form */
    uint8_t sets[KITH_MEDIA_MAX_PARAMETER_SETS];
    size_t sets_len;
} kith_h264_sender;

struct kith_packetizer {
    kith_media_codec codec;
    kith_buffers *buffers;
    /* the frame; NULL: none */
    uint8_t *block;
    size_t len, limit;
    kith_time captured_at;
    uint32_t timestamp;
    bool is_key, is_non_reference, marker;
    size_t count, left;
    /* The timestamp that follows on the last frame, if there was one. */
    bool is_started;
    int64_t next_timestamp;
    /* VP8 */
    uint16_t picture_id;
    kith_h264_sender h264;
};

/* The codecs: what kith_packetizer_begin does once the arguments are known to be good, up to
 * `count`; and the payload of the next unit. */
kith_err kith_vp8_begin(kith_packetizer *p, const kith_media_frame *frame);
void kith_vp8_next(kith_packetizer *p, kith_rtp_unit *out);
kith_err kith_h264_begin(kith_packetizer *p, const kith_media_frame *frame);
void kith_h264_next(kith_packetizer *p, kith_rtp_unit *out);

#endif
