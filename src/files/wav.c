/* G.711 in WAV: chunks of RIFF, of which "fmt " says what the samples in "data" are. Numbers are
 * little-endian. What is heard in a call is one channel of 8000 samples a second (RFC 3551 section
 * 4.5.14). */
#include "base/error.h"
#include "files/reader.h"
#include "files/writer.h"

#define RATE 8000
/* A frame that is read: 20 ms (RFC 3551 section 4.2). */
#define FRAME 160
/* WAVE_FORMAT_ALAW, WAVE_FORMAT_MULAW */
#define ALAW  6
#define MULAW 7
/* "fmt " is read whole, and has 16 to 40 bytes. */
#define MAX_FORMAT 1024
/* of a header that we write, and where the sizes stand in it */
#define HEADER 58

/* ---- reading ---- */

static bool is_wav(kith_span start)
{
    return start.len >= 12 && memcmp(start.data, "RIFF", 4) == 0 &&
           memcmp(start.data + 8, "WAVE", 4) == 0;
}

static kith_err read_format(kith_file_reader *r, kith_span chunk)
{
    kith_reader in = kith_rd(chunk.data, chunk.len);
    uint16_t format = kith_rd_le16(&in), channels = kith_rd_le16(&in);
    uint32_t rate = kith_rd_le32(&in);
    kith_rd_skip(&in, 8);
    if (in.bad)
        return kith_fail(KITH_ERR_OPERATION, "the WAV file's header is broken");
    if ((format != ALAW && format != MULAW) || channels != 1 || rate != RATE)
        return kith_fail(KITH_ERR_NOT_SUPPORTED,
                         "the WAV file is of format %u with %u channels at %u Hz, not of G.711 "
                         "with one at 8000: ffmpeg -i FILE -vn -ac 1 -ar 8000 -c:a pcm_alaw "
                         "OUT.wav makes one that is",
                         format, channels, rate);
    kith_file_set_codec(r, format == ALAW ? "audio/PCMA" : "audio/PCMU", RATE, 1);
    r->wav.has_format = true;
    return KITH_OK;
}

/* What cannot be sought says 0 or as much as there can be: to the end. */
static void begin_data(kith_wav *wav, uint32_t len)
{
    wav->is_in_data = true;
    wav->left = len == 0 || len == UINT32_MAX ? UINT64_MAX : len;
}

/* Passes over what is left of a chunk; false: not all of it is there. */
static bool pass_over(kith_file_reader *r)
{
    size_t there = kith_file_unread(r).len;
    size_t len = r->wav.left < there ? (size_t)r->wav.left : there;
    kith_file_skip(r, len);
    r->wav.left -= len;
    return r->wav.left == 0;
}

/* A chunk: the data's beginning, the format whole, others are passed over. */
static kith_err read_chunk(kith_file_reader *r)
{
    if (!pass_over(r))
        return kith_file_short(r, "its header");
    kith_span all = kith_file_unread(r);
    kith_reader in = kith_rd(all.data, all.len);
    kith_span id = kith_rd_span(&in, 4);
    uint32_t len = kith_rd_le32(&in);
    if (in.bad)
        return kith_file_short(r, "its header");
    bool is_format = kith_span_is(id, "fmt ") && len <= MAX_FORMAT;
    kith_span chunk = is_format ? kith_rd_span(&in, len) : kith_span_of(NULL, 0);
    if (in.bad)
        return kith_file_short(r, "its header");
    if (is_format) {
        kith_err err = read_format(r, chunk);
        if (err != KITH_OK)
            return err;
    }
    kith_file_skip(r, 8);
    if (kith_span_is(id, "data"))
        begin_data(&r->wav, len);
    else /* chunks begin at even places */
        r->wav.left = (uint64_t)len + (len & 1);
    return KITH_OK;
}

static kith_err read_samples(kith_file_reader *r)
{
    kith_wav *wav = &r->wav;
    kith_span all = kith_file_unread(r);
    size_t len = wav->left < FRAME ? (size_t)wav->left : FRAME;
    if (all.len < len && !r->has_ended)
        return kith_file_short(r, "its samples");
    len = all.len < len ? all.len : len;
    if (len == 0)
        return KITH_OK;
    uint64_t at = wav->samples;
    wav->samples += len;
    wav->left -= wav->left == UINT64_MAX ? 0 : len;
    kith_file_skip(r, len);
    return kith_file_tell(r, kith_span_of(all.data, len), at * 125, at);
}

static kith_err next(kith_file_reader *r)
{
    kith_wav *wav = &r->wav;
    if (!wav->is_begun) {
        kith_file_skip(r, 12);
        wav->is_begun = true;
    }
    while (!wav->is_in_data) {
        kith_err err = read_chunk(r);
        if (err != KITH_OK)
            return err;
    }
    if (!wav->has_format)
        return kith_fail(KITH_ERR_OPERATION, "the WAV file has samples before it says of what");
    return read_samples(r);
}

const kith_file_format kith_file_wav = {is_wav, next};

/* ---- writing ---- */

static bool is_alaw(const kith_file_writer *w)
{
    return strcmp(w->codec->codec.mime_type, "audio/PCMA") == 0;
}

static void write_header(kith_writer *out, const kith_file_writer *w, uint32_t samples)
{
    kith_wr_text(out, "RIFF");
    kith_wr_le32(out, samples == UINT32_MAX ? samples : HEADER - 8 + samples + (samples & 1));
    kith_wr_text(out, "WAVEfmt ");
    kith_wr_le32(out, 18);
    kith_wr_le16(out, is_alaw(w) ? ALAW : MULAW);
    kith_wr_le16(out, 1);
    kith_wr_le32(out, RATE);
    kith_wr_le32(out, RATE);
    kith_wr_le16(out, 1);
    kith_wr_le16(out, 8);
    kith_wr_le16(out, 0);
    kith_wr_text(out, "fact");
    kith_wr_le32(out, 4);
    kith_wr_le32(out, samples);
    kith_wr_text(out, "data");
    kith_wr_le32(out, samples);
}

kith_err kith_file_add_g711(kith_file_writer *w, const kith_frame *frame, uint64_t ticks)
{
    size_t pause = ticks > w->count ? (size_t)(ticks - w->count) : 0;
    if (!w->is_begun)
        write_header(&w->out, w, UINT32_MAX);
    /* G.711: the code of 0 */
    uint8_t *silence = pause > 0 ? kith_wr_space(&w->out, pause) : NULL;
    if (silence)
        memset(silence, is_alaw(w) ? 0xd5 : 0xff, pause);
    kith_wr_bytes(&w->out, frame->data, frame->len);
    if (!w->out.bad) {
        w->is_begun = true;
        w->count += pause + frame->len;
    }
    return KITH_OK;
}

void kith_file_end_g711(kith_file_writer *w)
{
    if (!w->is_begun)
        return;
    kith_writer head = kith_wr(w->head, sizeof w->head);
    uint32_t samples = w->count < UINT32_MAX - HEADER ? (uint32_t)w->count : UINT32_MAX;
    write_header(&head, w, samples);
    w->head_len = head.len;
    if (w->count & 1)
        kith_wr_u8(&w->out, 0);
}
