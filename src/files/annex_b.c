/* H.264 as a stream of bytes (ITU-T H.264 annex B): nothing but NAL units behind start codes, so
 * that where a picture ends is seen where the next one begins, and no times. */
#include "base/error.h"
#include "files/reader.h"
#include "files/writer.h"
#include "wire/h264.h"

#define START_CODE 3
/* Nanoseconds from one frame to the next: FFmpeg's 25 a second where the SPS says nothing, or what
 * nobody films. */
#define USUAL_INTERVAL   UINT64_C(40000000)
#define LEAST_INTERVAL   UINT64_C(1000000)
#define LONGEST_INTERVAL UINT64_C(10000000000)

/* ---- reading ---- */

static bool is_annex_b(kith_span start)
{
    kith_reader in = kith_rd(start.data, start.len);
    uint32_t first = kith_rd_u32(&in);
    return first == 1 || first >> 8 == 1;
}

/* Does this unit begin an access unit, when the one before has a picture? H.264 section 7.4.1.2.3;
 * the first slice of a picture is that of its first macroblock (first_mb_in_slice, the first bit of
 * ue(v), is 0), for in what WebRTC carries slices do not come in arbitrary order. */
static bool begins_access_unit(uint8_t header, uint8_t first)
{
    uint8_t type = header & 0x1f;
    if (type == KITH_H264_SLICE || type == 2 || type == KITH_H264_IDR)
        return first & 0x80;
    return (type >= KITH_H264_SEI && type <= KITH_H264_AUD) || (type >= 14 && type <= 18);
}

static bool has_picture(uint8_t header)
{
    uint8_t type = header & 0x1f;
    return type >= KITH_H264_SLICE && type <= KITH_H264_IDR;
}

/* Finds the end of the access unit that begins at the front; false where it is not there yet. */
static bool find_end(kith_file_reader *r, size_t *end)
{
    kith_annex_b *a = &r->annex_b;
    kith_span all = kith_file_unread(r);
    while (all.len >= a->scanned + START_CODE + 2) {
        const uint8_t *at = all.data + a->scanned;
        if (at[0] != 0 || at[1] != 0 || at[2] != 1) {
            const uint8_t *zero = memchr(at + 1, 0, all.len - a->scanned - 1);
            a->scanned = zero ? (size_t)(zero - all.data) : all.len;
            continue;
        }
        if (a->has_vcl && begins_access_unit(at[3], at[4])) {
            /* the zero of a start code of four bytes */
            *end = a->scanned - (at[-1] == 0);
            return true;
        }
        a->has_vcl |= has_picture(at[3]);
        a->scanned += START_CODE;
    }
    *end = all.len;
    return r->has_ended;
}

static uint64_t interval_of(const kith_h264_sps *sps)
{
    if (sps->time_scale == 0)
        return USUAL_INTERVAL;
    uint64_t interval = UINT64_C(2000000000) * sps->num_units_in_tick / sps->time_scale;
    return interval < LEAST_INTERVAL || interval > LONGEST_INTERVAL ? USUAL_INTERVAL : interval;
}

static kith_err tell(kith_file_reader *r, kith_span unit)
{
    kith_annex_b *a = &r->annex_b;
    kith_span rest = unit, nal;
    bool is_key = false;
    while (kith_h264_next_annex_b(&rest, &nal)) {
        kith_h264_sps sps;
        is_key |= kith_h264_type(nal) == KITH_H264_IDR;
        if (kith_h264_type(nal) != KITH_H264_SPS || !kith_h264_read_sps(nal, &sps))
            continue;
        a->width = sps.width;
        a->height = sps.height;
        a->interval = a->interval > 0 ? a->interval : interval_of(&sps);
    }
    a->interval = a->interval > 0 ? a->interval : USUAL_INTERVAL;
    uint64_t time = a->frames++ * a->interval;
    (void)kith_file_tell(r, unit, time / 1000, time * 9 / 100000);
    r->frame.is_key = is_key;
    r->frame.width = a->width;
    r->frame.height = a->height;
    return KITH_OK;
}

static kith_err next(kith_file_reader *r)
{
    kith_annex_b *a = &r->annex_b;
    size_t end;
    if (!r->has_codec)
        kith_file_set_codec(r, "video/H264", 90000, 0);
    if (!find_end(r, &end))
        return end > KITH_FILE_MAX_FRAME
                   ? kith_fail(KITH_ERR_OPERATION, "the H.264 file has a picture above 8 MiB")
                   : kith_file_short(r, "a picture");
    kith_span unit = kith_span_of(kith_file_unread(r).data, end);
    bool is_whole = a->has_vcl;
    if (is_whole && end > KITH_FILE_MAX_FRAME)
        return kith_fail(KITH_ERR_OPERATION, "the H.264 file has a picture above 8 MiB");
    kith_file_skip(r, end);
    a->scanned = 0;
    a->has_vcl = false;
    return is_whole ? tell(r, unit) : KITH_OK;
}

const kith_file_format kith_file_annex_b = {is_annex_b, next};

/* ---- writing ---- */

kith_err kith_file_add_h264(kith_file_writer *w, const kith_frame *frame, uint64_t ticks)
{
    static const uint8_t start_code[] = {0, 0, 0, 1};
    kith_span rest = kith_span_of(frame->data, frame->len), nal;
    size_t before = w->out.len;
    (void)ticks;
    unsigned length_size = frame->nal_length_size;
    while (length_size > 0 ? kith_h264_next_avcc(&rest, length_size, &nal)
                           : kith_h264_next_annex_b(&rest, &nal)) {
        kith_wr_bytes(&w->out, start_code, sizeof start_code);
        kith_wr_span(&w->out, nal);
    }
    if (!w->out.bad && (rest.len > 0 || w->out.len == before))
        return kith_fail(KITH_ERR_TYPE, "no access unit of H.264");
    return KITH_OK;
}
