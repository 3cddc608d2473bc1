/* What kith negotiates in sections of audio and video: a row for each codec, each kind of feedback
 * and each header extension. Nothing is offered or answered that is not carried out, so a row
 * stands here from the day on that its feature works, and descriptions have nothing that stands in
 * no row.
 */
#ifndef KITH_PC_CODECS_H
#define KITH_PC_CODECS_H

#include "base/arena.h"
#include "kith/media.h"
#include "media/media.h"
#include "wire/rtp_extension.h"
#include "wire/sdp.h"

/* A row without a static payload type (RFC 3551 section 6). */
#define KITH_CODEC_DYNAMIC (-1)

typedef struct kith_codec {
    kith_media_kind kind;
    /* as in a=rtpmap; compare without case */
    const char *name;
    /* what the application sees; its fmtp line is that of our offers */
    kith_rtp_codec codec;
    int payload_type;
    /* of its payload, and so of its frames */
    kith_media_codec format;
    /* Do these a=fmtp parameters (NULL: none) mean the same codec as ours? NULL: any do. */
    bool (*matches)(const char *ours, const char *theirs);
    /* The parameters of our answer to these, in sdp's tree. NULL: ours. */
    const char *(*answer)(kith_sdp *sdp, const char *ours, const char *theirs);
} kith_codec;

/* A format of a section. */
typedef struct kith_codec_use {
    const kith_codec *row;
    uint8_t payload_type;
    /* in the section's tree; NULL: none */
    const char *fmtp;
} kith_codec_use;

/* Formats of one section that we look at: browsers have a row with at most two payload types. */
#define KITH_CODEC_MAX_USES 16

/* What a peer connection negotiates: all rows, or what its program declared (kith_pc_set_codecs).
 */
typedef struct kith_codec_set {
    /* NULL: all rows */
    const kith_codec **rows;
    size_t count;
    /* of those that the program declared, and no row is */
    kith_codec *own;
    kith_arena memory;
} kith_codec_set;

/* All rows. */
extern const kith_codec_set kith_codecs_known;

/* codec_set.c. On failure nothing changed. */
KITH_MUST_CHECK kith_err kith_codec_set_take(kith_codec_set *set, const kith_rtp_codec *codecs,
                                             size_t count);
void kith_codec_set_deinit(kith_codec_set *set);

/* NULL past the last, most wanted first. */
const kith_codec *kith_codec_at(const kith_codec_set *set, size_t index);
/* Does the row mean this codec? */
bool kith_codec_is(const kith_codec *row, const kith_rtp_codec *codec);
/* Do these a=fmtp parameters have all of ours? */
bool kith_codec_has_parameters(const char *ours, const char *theirs);
/* False: neither audio nor video. */
bool kith_codec_kind_of(const kith_sdp_media *m, kith_media_kind *out);
/* The row of a payload type of a section, or NULL. */
const kith_codec *kith_codec_find(const kith_codec_set *set, const kith_sdp_media *m,
                                  int payload_type);
/* The formats of a section that have a row, in its order; how many. */
size_t kith_codecs_of(const kith_codec_set *set, const kith_sdp_media *m,
                      kith_codec_use out[KITH_CODEC_MAX_USES]);
/* The payload type of what is sent again of a format of the section (RFC 4588 section 8.6), or -1.
 */
int kith_codec_find_rtx(const kith_sdp_media *m, int payload_type);
/* Is this the payload type of what is sent again? Then *apt is that of what was lost. */
bool kith_codec_is_rtx(const kith_sdp_media *m, int payload_type, uint8_t *apt);
/* The parameters with which we answer a format; NULL: none. */
const char *kith_codec_answer(const kith_codec *codec, kith_sdp *sdp, const char *theirs);

/* a=rtcp-fb of every codec of a kind; NULL past the last. */
const kith_sdp_rtcp_fb *kith_codec_feedback_at(kith_media_kind kind, size_t index);
/* a=rtcp-xr of every section (RFC 3611 section 5.1), and do these parameters (NULL: none) say it?
 */
#define KITH_CODEC_RTCP_XR "rcvr-rtt=all"
bool kith_codec_has_rcvr_rtt(const char *rtcp_xr);
/* Does it mean something only where what is lost is sent again (RFC 4588)? */
bool kith_codec_feedback_needs_rtx(const kith_sdp_rtcp_fb *feedback);
/* Has the codec, in our offers, a format for what is sent again? */
bool kith_codec_has_rtx(const kith_codec *codec);
bool kith_codec_has_extension(kith_media_kind kind, kith_rtp_extension_kind extension);

#endif
