/* Reading files of frames: the bytes that were given and are not read yet, and whose format they
 * are of. */
#include "files/reader.h"

#include "base/error.h"
#include "base/memory.h"

/* Of all formats: what tells them apart stands here. */
#define START_LEN 12
#define FIRST_CAP ((size_t)64 * 1024)

kith_err kith_file_reader_new(kith_file_reader **out)
{
    kith_file_reader *r = kith_alloc_zero(1, sizeof *r);
    if (!r)
        return kith_fail_memory();
    *out = r;
    return KITH_OK;
}

void kith_file_reader_free(kith_file_reader *reader)
{
    if (!reader)
        return;
    if (reader->format == &kith_file_ogg)
        kith_free(reader->ogg.packet);
    kith_free(reader->data);
    kith_free(reader);
}

/* ---- bytes ---- */

static bool make_room(kith_file_reader *r, size_t len)
{
    if (r->begin > 0)
        memmove(r->data, r->data + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
    if (len <= r->cap - r->end)
        return true;
    size_t cap = r->cap > 0 ? r->cap : FIRST_CAP;
    while (cap - r->end < len && cap <= SIZE_MAX / 2)
        cap *= 2;
    uint8_t *data = cap - r->end >= len ? kith_resize(r->data, cap) : NULL;
    if (!data)
        return false;
    r->data = data;
    r->cap = cap;
    return true;
}

kith_err kith_file_reader_give(kith_file_reader *reader, const void *data, size_t len)
{
    if (len == 0) {
        reader->has_ended = true;
        return KITH_OK;
    }
    if (reader->has_ended)
        return kith_fail(KITH_ERR_INVALID_STATE, "the file has ended: it has no more bytes");
    if (!data)
        return kith_fail(KITH_ERR_TYPE, "no bytes");
    if (!make_room(reader, len))
        return kith_fail_memory();
    memcpy(reader->data + reader->end, data, len);
    reader->end += len;
    return KITH_OK;
}

kith_span kith_file_unread(const kith_file_reader *r)
{
    return kith_span_of(r->data ? r->data + r->begin : NULL, r->end - r->begin);
}

void kith_file_skip(kith_file_reader *r, size_t len)
{
    r->begin += len;
}

kith_err kith_file_short(const kith_file_reader *r, const char *what)
{
    if (r->has_ended)
        return kith_fail(KITH_ERR_OPERATION, "the file ends within %s", what);
    return kith_fail(KITH_ERR_AGAIN, "more bytes of the file are needed");
}

/* ---- frames ---- */

const kith_rtp_codec *kith_file_reader_codec(const kith_file_reader *reader)
{
    return reader->has_codec ? &reader->codec : NULL;
}

void kith_file_set_codec(kith_file_reader *r, const char *mime_type, uint32_t clock_rate,
                         uint16_t channels)
{
    r->has_codec = true;
    r->codec =
        (kith_rtp_codec){.mime_type = mime_type, .clock_rate = clock_rate, .channels = channels};
}

kith_err kith_file_tell(kith_file_reader *r, kith_span data, uint64_t time, uint64_t ticks)
{
    r->is_frame = true;
    r->frame = (kith_frame){.size = sizeof r->frame,
                            .codec = &r->codec,
                            .data = data.data,
                            .len = data.len,
                            .capture_time = (kith_time)time,
                            .is_key = true,
                            .rtp_timestamp = (uint32_t)ticks};
    return KITH_OK;
}

bool kith_file_scale(uint64_t value, uint64_t times, uint64_t by, uint64_t *out)
{
    uint64_t whole = value / by, rest = value % by;
    if (times > INT64_MAX / by || whole > (uint64_t)INT64_MAX / 2 / times)
        return false;
    *out = whole * times + rest * times / by;
    return true;
}

static kith_err choose_format(kith_file_reader *r)
{
    static const kith_file_format *const formats[] = {&kith_file_ivf, &kith_file_ogg,
                                                      &kith_file_wav, &kith_file_annex_b};
    kith_span start = kith_file_unread(r);
    if (start.len < START_LEN && !r->has_ended)
        return kith_file_short(r, "its beginning");
    if (start.len == 0)
        return kith_fail(KITH_ERR_OPERATION, "the file is empty");
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !r->format; i++)
        r->format = formats[i]->is(start) ? formats[i] : NULL;
    return r->format ? KITH_OK
                     : kith_fail(KITH_ERR_NOT_SUPPORTED,
                                 "neither IVF, Ogg, WAV nor a stream of H.264: ffmpeg -i FILE -an "
                                 "-c:v libvpx OUT.ivf makes the picture one, -vn -c:a libopus "
                                 "OUT.ogg the sound");
}

kith_err kith_file_reader_next(kith_file_reader *reader, const kith_frame **out)
{
    kith_err err = reader->format ? KITH_OK : choose_format(reader);
    reader->is_frame = false;
    if (err == KITH_OK)
        err = reader->format->next(reader);
    if (err == KITH_OK)
        *out = reader->is_frame ? &reader->frame : NULL;
    return err;
}
