/* Writing files of frames: which codec goes into which, and the bytes that wait to be asked for. */
#include "files/writer.h"

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "files/reader.h"

static const kith_file_codec codecs[] = {
    {"ivf", {.mime_type = "video/VP8", .clock_rate = 90000}, kith_file_add_vp8, kith_file_end_vp8},
    {"h264", {.mime_type = "video/H264", .clock_rate = 90000}, kith_file_add_h264, NULL},
    {"ogg",
     {.mime_type = "audio/opus", .clock_rate = 48000, .channels = 2},
     kith_file_add_opus,
     kith_file_end_opus},
    {"wav",
     {.mime_type = "audio/PCMU", .clock_rate = 8000, .channels = 1},
     kith_file_add_g711,
     kith_file_end_g711},
    {"wav",
     {.mime_type = "audio/PCMA", .clock_rate = 8000, .channels = 1},
     kith_file_add_g711,
     kith_file_end_g711},
};

static const kith_file_codec *find_codec(const kith_rtp_codec *codec)
{
    for (size_t i = 0; codec && codec->mime_type && i < sizeof codecs / sizeof *codecs; i++) {
        if (kith_span_is_nocase(kith_span_text(codec->mime_type), codecs[i].codec.mime_type))
            return &codecs[i];
    }
    return NULL;
}

const char *kith_file_extension(const kith_rtp_codec *codec)
{
    const kith_file_codec *found = find_codec(codec);
    return found ? found->extension : NULL;
}

kith_err kith_file_writer_new(kith_file_writer **out, const kith_rtp_codec *codec)
{
    const kith_file_codec *found = find_codec(codec);
    if (!found)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "there is no file for %s",
                         codec && codec->mime_type ? codec->mime_type : "no codec");
    kith_file_writer *w = kith_alloc_zero(1, sizeof *w);
    if (!w)
        return kith_fail_memory();
    w->codec = found;
    w->out = w->ogg.body = kith_wr_growing();
    *out = w;
    return KITH_OK;
}

void kith_file_writer_free(kith_file_writer *writer)
{
    if (!writer)
        return;
    kith_wr_deinit(&writer->out);
    kith_wr_deinit(&writer->ogg.body);
    kith_free(writer);
}

/* What was told is in the file. */
static void drop_returned(kith_file_writer *w)
{
    if (!w->is_returned)
        return;
    w->at += w->out.len;
    w->out.len = 0;
    w->is_returned = false;
}

static kith_err check(const kith_file_writer *w, const kith_frame *frame)
{
    if (w->has_ended)
        return kith_fail(KITH_ERR_INVALID_STATE, "the file has ended: it takes no more frames");
    if (!frame->data || frame->len == 0)
        return kith_fail(KITH_ERR_TYPE, "a frame without data");
    if (frame->codec && find_codec(frame->codec) != w->codec)
        return kith_fail(KITH_ERR_TYPE, "the file is of %s: another codec needs another file",
                         w->codec->codec.mime_type);
    if (frame->len > KITH_FILE_MAX_FRAME)
        return kith_fail(KITH_ERR_RANGE, "a frame of %zu bytes", frame->len);
    return KITH_OK;
}

kith_err kith_file_writer_add(kith_file_writer *writer, const kith_frame *frame)
{
    kith_frame known = KITH_FRAME_INIT;
    kith_err err = kith_config_read(&known, sizeof known, frame, "KITH_FRAME_INIT");
    if (err == KITH_OK)
        err = check(writer, &known);
    if (err != KITH_OK)
        return err;
    drop_returned(writer);
    writer->kept = writer->out.len;
    kith_file_clock clock = writer->clock;
    uint64_t ticks = kith_file_clock_at(&clock, &known, writer->codec->codec.clock_rate);
    err = writer->codec->add(writer, &known, ticks);
    if (err == KITH_OK && writer->out.bad)
        err = kith_fail_memory();
    if (err != KITH_OK) {
        writer->out.len = writer->kept;
        writer->out.bad = false;
        return err;
    }
    writer->clock = clock;
    return KITH_OK;
}

kith_err kith_file_writer_end(kith_file_writer *writer)
{
    if (writer->has_ended)
        return KITH_OK;
    drop_returned(writer);
    size_t before = writer->out.len;
    if (writer->codec->end)
        writer->codec->end(writer);
    if (writer->out.bad) {
        writer->out.len = before;
        writer->out.bad = false;
        return kith_fail_memory();
    }
    writer->has_ended = true;
    return KITH_OK;
}

const kith_file_bytes *kith_file_writer_output(kith_file_writer *writer)
{
    drop_returned(writer);
    kith_file_bytes *bytes = &writer->bytes;
    if (writer->out.len > 0) {
        *bytes = (kith_file_bytes){writer->out.data, writer->out.len, writer->at};
        writer->is_returned = true;
    } else if (writer->has_ended && writer->head_len > 0) {
        *bytes = (kith_file_bytes){writer->head, writer->head_len, 0};
        writer->head_len = 0;
    } else {
        return NULL;
    }
    return bytes;
}
