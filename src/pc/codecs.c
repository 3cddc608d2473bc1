/* The codecs and header extensions, and how each is matched (RFC 6184 section 8.2.2 for H.264). */
#include "pc/codecs.h"

#include "base/reader.h"
#include "wire/rtp_extension.h"

/* ---- a=fmtp ---- */

/* The value of a parameter of a=fmtp ("a=1;b=2"), empty where it is not there. */
static kith_span parameter(const char *parameters, const char *name)
{
    kith_span rest = parameters ? kith_span_text(parameters) : kith_span_of(NULL, 0);
    while (rest.len > 0) {
        kith_span value = kith_span_cut(&rest, ';');
        kith_span key = kith_span_trim(kith_span_cut(&value, '='));
        if (kith_span_is_nocase(key, name))
            return kith_span_trim(value);
    }
    return kith_span_of(NULL, 0);
}

static uint64_t number(const char *parameters, const char *name)
{
    uint64_t n = 0;
    return kith_span_u64(parameter(parameters, name), UINT32_MAX, &n) ? n : 0;
}

/* ---- H.264 ---- */

/* RFC 6184 section 8.1, table 5. */
typedef enum h264_profile {
    H264_UNKNOWN,
    H264_CONSTRAINED_BASELINE,
    H264_BASELINE,
    H264_MAIN,
    H264_CONSTRAINED_HIGH,
    H264_HIGH,
} h264_profile;

typedef struct h264_level {
    h264_profile profile;
    uint8_t profile_idc, profile_iop, level_idc;
} h264_level;

static const struct {
    uint8_t profile_idc, iop_mask, iop;
    h264_profile profile;
} h264_profiles[] = {
    {0x42, 0x4F, 0x40, H264_CONSTRAINED_BASELINE}, /* x1xx0000 */
    {0x4D, 0x8F, 0x80, H264_CONSTRAINED_BASELINE}, /* 1xxx0000 */
    {0x58, 0xCF, 0xC0, H264_CONSTRAINED_BASELINE}, /* 11xx0000 */
    {0x42, 0x4F, 0x00, H264_BASELINE},             /* x0xx0000 */
    {0x58, 0xCF, 0x80, H264_BASELINE},             /* 10xx0000 */
    {0x4D, 0xAF, 0x00, H264_MAIN},                 /* 0x0x0000 */
    {0x64, 0xFF, 0x00, H264_HIGH},
    {0x64, 0xFF, 0x0C, H264_CONSTRAINED_HIGH}, /* H.264 A.2.4.2 */
};

static bool hex_byte(kith_span text, size_t at, uint8_t *out)
{
    unsigned value = 0;
    for (size_t i = at; i < at + 2; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = text.data[i] != '\0' ? strchr(digits, text.data[i]) : NULL;
        if (!digit)
            return false;
        value = value << 4 | (unsigned)((digit - digits) & 15);
    }
    *out = (uint8_t)value;
    return true;
}

/* A missing profile-level-id means the Baseline profile at level 1 (RFC 6184 section 8.1). */
static h264_level h264_read(const char *parameters)
{
    kith_span text = parameter(parameters, "profile-level-id");
    h264_level out = {.profile = H264_UNKNOWN, .profile_idc = 0x42, .level_idc = 0x0A};
    if (text.len == 0)
        out.profile = H264_BASELINE;
    if (text.len != 6 || !hex_byte(text, 0, &out.profile_idc) ||
        !hex_byte(text, 2, &out.profile_iop) || !hex_byte(text, 4, &out.level_idc))
        return out;
    for (size_t i = 0; i < sizeof h264_profiles / sizeof h264_profiles[0]; i++)
        if (out.profile_idc == h264_profiles[i].profile_idc &&
            (out.profile_iop & h264_profiles[i].iop_mask) == h264_profiles[i].iop &&
            out.profile == H264_UNKNOWN)
            out.profile = h264_profiles[i].profile;
    return out;
}

static bool h264_matches(const char *ours, const char *theirs)
{
    h264_profile profile = h264_read(theirs).profile;
    return profile != H264_UNKNOWN && profile == h264_read(ours).profile &&
           number(theirs, "packetization-mode") == number(ours, "packetization-mode");
}

/* RFC 6184 section 8.2.2: the profile as it was offered; each side its own level where both allow
 * it, else the lower. */
static const char *h264_answer(kith_sdp *sdp, const char *ours, const char *theirs)
{
    h264_level offered = h264_read(theirs), own = h264_read(ours);
    bool is_asymmetric = number(theirs, "level-asymmetry-allowed") == 1;
    uint8_t level =
        is_asymmetric || own.level_idc < offered.level_idc ? own.level_idc : offered.level_idc;
    return kith_sdp_text(sdp,
                         "level-asymmetry-allowed=%d;packetization-mode=%d;"
                         "profile-level-id=%02x%02x%02x",
                         is_asymmetric, (int)number(ours, "packetization-mode"),
                         offered.profile_idc, offered.profile_iop, level);
}

/* ---- the table ---- */

#define AUDIO(subtype, rate, count, parameters, type, of)                                   \
    {                                                                                       \
        .kind = KITH_AUDIO, .name = subtype, .payload_type = type, .format = of, .codec = { \
            .mime_type = "audio/" subtype,                                                  \
            .clock_rate = rate,                                                             \
            .channels = count,                                                              \
            .sdp_fmtp_line = parameters                                                     \
        }                                                                                   \
    }
/* Level 5.2: the program's decoder is the limit, not kith. */
#define H264(profile)                                                                           \
    {                                                                                           \
        .kind = KITH_VIDEO, .name = "H264", .payload_type = KITH_CODEC_DYNAMIC,                 \
        .format = KITH_MEDIA_H264, .matches = h264_matches, .answer = h264_answer, .codec = {   \
            .mime_type = "video/H264",                                                          \
            .clock_rate = 90000,                                                                \
            .sdp_fmtp_line =                                                                    \
                "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" profile "34" \
        }                                                                                       \
    }

/* Most wanted first. */
static const kith_codec codecs[] = {
    /* RFC 7587 */
    AUDIO("opus", 48000, 2, "minptime=10;useinbandfec=1", KITH_CODEC_DYNAMIC, KITH_MEDIA_OPUS),
    /* RFC 3551 */
    AUDIO("PCMU", 8000, 1, NULL, 0, KITH_MEDIA_PCMU),
    AUDIO("PCMA", 8000, 1, NULL, 8, KITH_MEDIA_PCMA),
    /* RFC 7741 */
    {.kind = KITH_VIDEO,
     .name = "VP8",
     .payload_type = KITH_CODEC_DYNAMIC,
     .format = KITH_MEDIA_VP8,
     .codec = {.mime_type = "video/VP8", .clock_rate = 90000}},
    H264("42e0"),
    H264("4200"),
    H264("4d00"),
    H264("6400"),
};

const kith_codec_set kith_codecs_known = {.rows = NULL};

const kith_codec *kith_codec_at(const kith_codec_set *set, size_t index)
{
    if (set->rows)
        return index < set->count ? set->rows[index] : NULL;
    return index < sizeof codecs / sizeof codecs[0] ? &codecs[index] : NULL;
}

const kith_rtp_codec *kith_rtp_capability_at(kith_media_kind kind, size_t index)
{
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (codecs[i].kind == kind && index-- == 0)
            return &codecs[i].codec;
    return NULL;
}

static bool means(const kith_codec *row, const char *fmtp)
{
    return !row->matches || row->matches(row->codec.sdp_fmtp_line, fmtp);
}

bool kith_codec_is(const kith_codec *row, const kith_rtp_codec *codec)
{
    return codec->mime_type && codec->clock_rate == row->codec.clock_rate &&
           kith_span_is_nocase(kith_span_text(codec->mime_type), row->codec.mime_type) &&
           codec->channels == row->codec.channels && means(row, codec->sdp_fmtp_line);
}

bool kith_codec_kind_of(const kith_sdp_media *m, kith_media_kind *out)
{
    *out = strcmp(m->kind, "video") == 0 ? KITH_VIDEO : KITH_AUDIO;
    return strcmp(m->kind, kith_media_kind_name(*out)) == 0;
}

static bool has_channels(const kith_codec *row, const kith_sdp_rtpmap *map)
{
    unsigned given = map->channels > 0 ? map->channels : 1;
    return row->kind == KITH_VIDEO || given == row->codec.channels;
}

/* RFC 3551 section 6: a static payload type needs no a=rtpmap. */
static bool is_row(const kith_codec *row, const kith_sdp_media *m, int payload_type)
{
    const kith_sdp_rtpmap *map = kith_sdp_find_rtpmap(m, payload_type);
    if (!map)
        return payload_type == row->payload_type;
    const kith_sdp_fmtp *fmtp = kith_sdp_find_fmtp(m, payload_type);
    return kith_span_is_nocase(kith_span_text(map->name), row->name) &&
           map->clock_rate == row->codec.clock_rate && has_channels(row, map) &&
           means(row, fmtp ? fmtp->parameters : NULL);
}

const kith_codec *kith_codec_find(const kith_codec_set *set, const kith_sdp_media *m,
                                  int payload_type)
{
    kith_media_kind kind;
    const kith_codec *row;
    if (!kith_codec_kind_of(m, &kind))
        return NULL;
    for (size_t i = 0; (row = kith_codec_at(set, i)); i++)
        if (row->kind == kind && is_row(row, m, payload_type))
            return row;
    return NULL;
}

size_t kith_codecs_of(const kith_codec_set *set, const kith_sdp_media *m,
                      kith_codec_use out[KITH_CODEC_MAX_USES])
{
    size_t count = 0;
    for (size_t i = 0; i < m->formats.count && count < KITH_CODEC_MAX_USES; i++) {
        uint64_t type = 0;
        bool is_known = false;
        if (!kith_span_u64(kith_span_text(m->formats.items[i]), 127, &type))
            continue;
        for (size_t j = 0; j < count; j++)
            is_known |= out[j].payload_type == type;
        const kith_codec *row = is_known ? NULL : kith_codec_find(set, m, (int)type);
        const kith_sdp_fmtp *fmtp = kith_sdp_find_fmtp(m, (int)type);
        if (row)
            out[count++] = (kith_codec_use){
                .row = row, .payload_type = (uint8_t)type, .fmtp = fmtp ? fmtp->parameters : NULL};
    }
    return count;
}

/* Each of our parameters that has a value stands there too, with the same. */
bool kith_codec_has_parameters(const char *ours, const char *theirs)
{
    kith_span rest = kith_span_text(ours);
    while (rest.len > 0) {
        kith_span value = kith_span_cut(&rest, ';');
        kith_span name = kith_span_trim(kith_span_cut(&value, '='));
        char text[64];
        if (name.len == 0)
            continue;
        if (name.len >= sizeof text)
            return false;
        memcpy(text, name.data, name.len);
        text[name.len] = '\0';
        kith_span other = parameter(theirs, text);
        value = kith_span_trim(value);
        if (other.len != value.len ||
            (value.len > 0 && memcmp(other.data, value.data, value.len) != 0))
            return false;
    }
    return true;
}

/* ---- what is sent again ---- */

bool kith_codec_has_rtx(const kith_codec *codec)
{
    return codec->kind == KITH_VIDEO;
}

bool kith_codec_is_rtx(const kith_sdp_media *m, int payload_type, uint8_t *apt)
{
    const kith_sdp_rtpmap *map = kith_sdp_find_rtpmap(m, payload_type);
    const kith_sdp_fmtp *fmtp = kith_sdp_find_fmtp(m, payload_type);
    uint64_t of;
    if (!map || !fmtp || !kith_span_is_nocase(kith_span_text(map->name), "rtx") ||
        !kith_span_u64(parameter(fmtp->parameters, "apt"), 127, &of))
        return false;
    *apt = (uint8_t)of;
    return true;
}

int kith_codec_find_rtx(const kith_sdp_media *m, int payload_type)
{
    for (size_t i = 0; i < m->formats.count; i++) {
        uint64_t type;
        uint8_t apt;
        if (kith_span_u64(kith_span_text(m->formats.items[i]), 127, &type) &&
            kith_codec_is_rtx(m, (int)type, &apt) && apt == payload_type)
            return (int)type;
    }
    return -1;
}

const char *kith_codec_answer(const kith_codec *codec, kith_sdp *sdp, const char *theirs)
{
    const char *ours = codec->codec.sdp_fmtp_line;
    return codec->answer ? codec->answer(sdp, ours, theirs) : ours;
}

/* ---- feedback and header extensions ---- */

const kith_sdp_rtcp_fb *kith_codec_feedback_at(kith_media_kind kind, size_t index)
{
    static const kith_sdp_rtcp_fb video[] = {
        /* draft-alvestrand-rmcat-remb-03 section 2.3: read, and not written */
        {.type = "goog-remb", .parameter = NULL},
        {.type = "ccm", .parameter = "fir"},  /* RFC 5104 */
        {.type = "nack", .parameter = NULL},  /* RFC 4585 */
        {.type = "nack", .parameter = "pli"}, /* RFC 4585 */
        /* draft-holmer-rmcat-transport-wide-cc-extensions-01 section 4 */
        {.type = "transport-cc", .parameter = NULL},
    };
    return kind == KITH_VIDEO && index < sizeof video / sizeof video[0] ? &video[index] : NULL;
}

/* An index of SRTP is encrypted once: without a stream of its own nothing is sent again. */
bool kith_codec_feedback_needs_rtx(const kith_sdp_rtcp_fb *feedback)
{
    return strcmp(feedback->type, "nack") == 0 && !feedback->parameter;
}

/* What an estimate of bandwidth is made of is of use where a rate follows it: with video. */
bool kith_codec_has_extension(kith_media_kind kind, kith_rtp_extension_kind extension)
{
    if (extension == KITH_RTP_EXTENSION_AUDIO_LEVEL)
        return kind == KITH_AUDIO;
    return extension == KITH_RTP_EXTENSION_MID || kind == KITH_VIDEO;
}

/* RFC 3611 section 5.1: formats stand behind each other, each with a limit or without. */
bool kith_codec_has_rcvr_rtt(const char *rtcp_xr)
{
    kith_span rest = kith_span_text(rtcp_xr ? rtcp_xr : "");
    while (rest.len > 0) {
        kith_span format = kith_span_cut(&rest, ' ');
        if (kith_span_is(kith_span_cut(&format, ':'), KITH_CODEC_RTCP_XR))
            return true;
    }
    return false;
}
