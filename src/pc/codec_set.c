/* Codecs that a program declares: those that have a row (codecs.c) are negotiated as ever, others
 * are what their program knows alone, carried as packets. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pc/codecs.h"
#include "pc/pc.h"

static bool kind_of(const char *mime_type, kith_media_kind *kind, const char **name)
{
    const char *slash = mime_type ? strchr(mime_type, '/') : NULL;
    if (!slash || slash[1] == '\0')
        return false;
    kith_span type = kith_span_of(mime_type, (size_t)(slash - mime_type));
    *kind = kith_span_is_nocase(type, "video") ? KITH_VIDEO : KITH_AUDIO;
    *name = slash + 1;
    return kith_span_is_nocase(type, kith_media_kind_name(*kind));
}

/* What a=rtpmap and a=fmtp can say (RFC 8866 sections 6.6 and 6.15). */
static bool is_writable(const char *text, const char *forbidden)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || strchr(forbidden, *text))
            return false;
    return true;
}

static kith_err check(const kith_rtp_codec *codec)
{
    kith_media_kind kind;
    const char *name;
    if (!kind_of(codec->mime_type, &kind, &name) || !is_writable(codec->mime_type, " ") ||
        !is_writable(name, "/") || (codec->sdp_fmtp_line && !is_writable(codec->sdp_fmtp_line, "")))
        return kith_fail(KITH_ERR_TYPE, "set_codecs: %s is no type of audio or video",
                         codec->mime_type ? codec->mime_type : "NULL");
    if (codec->clock_rate == 0 || (codec->channels > 0) != (kind == KITH_AUDIO))
        return kith_fail(KITH_ERR_RANGE, "set_codecs: %s at %u Hz with %u channels",
                         codec->mime_type, (unsigned)codec->clock_rate, (unsigned)codec->channels);
    if (kith_span_is_nocase(kith_span_text(name), "rtx"))
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "set_codecs: rtx goes with each codec of video");
    return KITH_OK;
}

/* NULL: no row means it. */
static const kith_codec *row_of(const kith_rtp_codec *codec)
{
    const kith_codec *row;
    for (size_t i = 0; (row = kith_codec_at(&kith_codecs_known, i)); i++)
        if (kith_codec_is(row, codec))
            return row;
    return NULL;
}

/* Two of the given ones may mean one row: H.264 at two levels. */
static bool has_row(const kith_codec_set *set, const kith_codec *row)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->rows[i] == row)
            return true;
    return false;
}

/* RFC 3551 section 6, tables 4 and 5. */
static bool is_static(const kith_rtp_codec *codec)
{
    return codec->payload_type > 0 && codec->payload_type <= 34;
}

static void declare(kith_codec_set *set, kith_codec *out, const kith_rtp_codec *codec)
{
    const char *name = NULL;
    *out = (kith_codec){.codec = *codec,
                        .payload_type = is_static(codec) ? codec->payload_type : KITH_CODEC_DYNAMIC,
                        .format = KITH_MEDIA_OPAQUE,
                        .matches = codec->sdp_fmtp_line ? kith_codec_has_parameters : NULL};
    out->codec.payload_type = 0;
    out->codec.mime_type = kith_arena_text(&set->memory, kith_span_text(codec->mime_type));
    if (codec->sdp_fmtp_line)
        out->codec.sdp_fmtp_line =
            kith_arena_text(&set->memory, kith_span_text(codec->sdp_fmtp_line));
    (void)kind_of(out->codec.mime_type, &out->kind, &name);
    out->name = name;
}

kith_err kith_codec_set_take(kith_codec_set *set, const kith_rtp_codec *codecs, size_t count)
{
    if (!codecs || count == 0)
        return kith_fail(KITH_ERR_TYPE, "set_codecs: there are none");
    if (count > KITH_CODEC_MAX_USES)
        return kith_fail(KITH_ERR_RANGE, "set_codecs: at most %d", KITH_CODEC_MAX_USES);
    for (size_t i = 0; i < count; i++) {
        kith_err err = check(&codecs[i]);
        if (err != KITH_OK)
            return err;
    }
    kith_codec_set made = {0};
    kith_arena_init(&made.memory);
    made.rows = kith_alloc_zero(count, sizeof *made.rows);
    made.own = kith_alloc_zero(count, sizeof *made.own);
    for (size_t i = 0; made.rows && made.own && i < count; i++) {
        const kith_codec *row = row_of(&codecs[i]);
        if (!row)
            declare(&made, &made.own[i], &codecs[i]);
        if (!row || !has_row(&made, row))
            made.rows[made.count++] = row ? row : &made.own[i];
    }
    if (!made.rows || !made.own || made.memory.bad) {
        kith_codec_set_deinit(&made);
        return kith_fail_memory();
    }
    kith_codec_set_deinit(set);
    *set = made;
    return KITH_OK;
}

void kith_codec_set_deinit(kith_codec_set *set)
{
    kith_arena_deinit(&set->memory);
    kith_free(set->rows);
    kith_free(set->own);
    *set = (kith_codec_set){0};
}

kith_err kith_pc_set_codecs(kith_pc *pc, const kith_rtp_codec *codecs, size_t count)
{
    if (pc->closed || pc->transceivers.count > 0 || pc->jsep.current_local ||
        pc->jsep.pending_local || pc->jsep.pending_remote)
        return kith_fail(KITH_ERR_INVALID_STATE,
                         "set_codecs: before the first transceiver and description");
    return kith_codec_set_take(&pc->transceivers.codecs, codecs, count);
}
