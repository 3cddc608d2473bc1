/* IVF: a header of 32 bytes, then frames of VP8, each behind its length and its time. Numbers are
 * little-endian. */
#include "base/error.h"
#include "files/reader.h"
#include "files/writer.h"
#include "wire/vp8.h"

#define HEADER       32
#define FRAME_HEADER 12
/* what we write: RTP's clock */
#define RATE 90000

/* ---- reading ---- */

static bool is_ivf(kith_span start)
{
    return kith_span_starts(start, "DKIF");
}

static kith_err read_header(kith_file_reader *r)
{
    kith_span all = kith_file_unread(r);
    if (all.len < HEADER)
        return kith_file_short(r, "its header");
    kith_reader in = kith_rd(all.data, HEADER);
    kith_rd_skip(&in, 6);
    uint16_t len = kith_rd_le16(&in);
    kith_span codec = kith_rd_span(&in, 4);
    uint16_t width = kith_rd_le16(&in), height = kith_rd_le16(&in);
    uint32_t rate = kith_rd_le32(&in), scale = kith_rd_le32(&in);
    if (!kith_span_is(codec, "VP80"))
        return kith_fail(KITH_ERR_NOT_SUPPORTED,
                         "the IVF file is not of VP8: ffmpeg -i FILE -c:v libvpx OUT.ivf makes one "
                         "that is");
    uint64_t ticks;
    if (len < HEADER || rate == 0 || scale == 0 ||
        !kith_file_scale(1, UINT64_C(1000000) * scale, rate, &ticks))
        return kith_fail(KITH_ERR_OPERATION, "the IVF file's header is broken");
    if (all.len < len)
        return kith_file_short(r, "its header");
    kith_file_skip(r, len);
    r->ivf = (kith_ivf){
        .is_begun = true, .rate = rate, .scale = scale, .width = width, .height = height};
    kith_file_set_codec(r, "video/VP8", RATE, 0);
    return KITH_OK;
}

/* A frame of no length is one that the encoder dropped. */
static kith_err read_frame(kith_file_reader *r)
{
    kith_ivf *ivf = &r->ivf;
    for (;;) {
        kith_span all = kith_file_unread(r);
        if (all.len == 0 && r->has_ended)
            return KITH_OK;
        if (all.len < FRAME_HEADER)
            return kith_file_short(r, "a frame's header");
        kith_reader in = kith_rd(all.data, all.len);
        uint32_t len = kith_rd_le32(&in);
        uint64_t at = kith_rd_le64(&in), time, ticks;
        if (len > KITH_FILE_MAX_FRAME)
            return kith_fail(KITH_ERR_OPERATION, "the IVF file says a frame has %u bytes", len);
        if (!kith_file_scale(at, UINT64_C(1000000) * ivf->scale, ivf->rate, &time) ||
            !kith_file_scale(at, UINT64_C(1) * RATE * ivf->scale, ivf->rate, &ticks))
            return kith_fail(KITH_ERR_OPERATION, "a frame of the IVF file has no possible time");
        kith_span frame = kith_rd_span(&in, len);
        if (in.bad)
            return kith_file_short(r, "a frame");
        kith_file_skip(r, FRAME_HEADER + (size_t)len);
        kith_vp8_frame_header header;
        if (!kith_vp8_read_frame_header(frame, &header))
            continue;
        ivf->width = header.is_key ? header.width : ivf->width;
        ivf->height = header.is_key ? header.height : ivf->height;
        (void)kith_file_tell(r, frame, time, ticks);
        r->frame.is_key = header.is_key;
        r->frame.width = ivf->width;
        r->frame.height = ivf->height;
        return KITH_OK;
    }
}

static kith_err next(kith_file_reader *r)
{
    kith_err err = r->ivf.is_begun ? KITH_OK : read_header(r);
    return err == KITH_OK ? read_frame(r) : err;
}

const kith_file_format kith_file_ivf = {is_ivf, next};

/* ---- writing ---- */

static void write_header(kith_writer *out, const kith_file_writer *w)
{
    kith_wr_text(out, "DKIF");
    kith_wr_le16(out, 0);
    kith_wr_le16(out, HEADER);
    kith_wr_text(out, "VP80");
    kith_wr_le16(out, w->width);
    kith_wr_le16(out, w->height);
    kith_wr_le32(out, RATE);
    kith_wr_le32(out, 1);
    kith_wr_le32(out, (uint32_t)w->count);
    kith_wr_le32(out, 0);
}

kith_err kith_file_add_vp8(kith_file_writer *w, const kith_frame *frame, uint64_t ticks)
{
    kith_vp8_frame_header header;
    if (!kith_vp8_read_frame_header(kith_span_of(frame->data, frame->len), &header))
        return kith_fail(KITH_ERR_TYPE, "no frame of VP8");
    if (w->count == 0 && !header.is_key)
        return kith_fail(KITH_ERR_TYPE, "a file of VP8 begins with a key frame");
    if (w->count == 0) {
        w->width = header.width;
        w->height = header.height;
        write_header(&w->out, w);
    }
    kith_wr_le32(&w->out, (uint32_t)frame->len);
    kith_wr_le64(&w->out, ticks);
    kith_wr_bytes(&w->out, frame->data, frame->len);
    w->count += !w->out.bad;
    return KITH_OK;
}

void kith_file_end_vp8(kith_file_writer *w)
{
    kith_writer head = kith_wr(w->head, sizeof w->head);
    if (w->count > 0)
        write_header(&head, w);
    w->head_len = head.len;
}
