/* What kith negotiates in sections of audio and video: a row for each codec and one for each header
 * extension. Nothing is offered or answered that is not carried out, so a row stands here from the
 * day on that its feature works, and offers and answers have nothing that stands in no row. */
#ifndef KITH_PC_CODECS_H
#define KITH_PC_CODECS_H

#include "kith/media.h"
#include "wire/sdp.h"

typedef struct kith_codec {
    kith_media_kind kind;
    /* as in a=rtpmap; compare without case */
    const char *name;
    /* what the application sees; its fmtp line is that of our offers */
    kith_rtp_codec codec;
    /* RFC 3551 section 6; -1: dynamic */
    int payload_type;
    /* Do these a=fmtp parameters (NULL: none) mean the same codec? NULL: any do. */
    bool (*matches)(const char *ours, const char *theirs);
    /* The parameters of our answer to these, in sdp's tree. NULL: ours. */
    const char *(*answer)(kith_sdp *sdp, const char *ours, const char *theirs);
} kith_codec;

/* NULL past the last. */
const kith_codec *kith_codec_at(size_t index);
kith_media_kind kith_codec_kind_of(const kith_sdp_media *m);
/* The row of format `payload_type` of a section, or NULL. */
const kith_codec *kith_codec_find(const kith_sdp_media *m, int payload_type);
/* Of an answer to a format; NULL: none. */
const char *kith_codec_answer(const kith_codec *codec, kith_sdp *sdp, const char *theirs);
/* The value of a parameter of a=fmtp ("a=1;b=2"), empty when it is not there. */
kith_span kith_codec_parameter(const char *parameters, const char *name);

/* a=rtcp-fb of every codec of a kind; NULL past the last. */
const kith_sdp_rtcp_fb *kith_codec_feedback_at(kith_media_kind kind, size_t index);
/* URIs of a=extmap of a kind; NULL past the last. */
const char *kith_codec_extension_at(kith_media_kind kind, size_t index);

#endif
