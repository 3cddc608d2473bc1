/* What encoders give and what RTP carries, before any frame is made of it: the first byte says as
 * what the rest is read. Whatever is taken lies inside the input, and a part is never taken twice.
 */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "media/media.h"
#include "wire/h264.h"
#include "wire/opus.h"
#include "wire/vp8.h"

enum { VP8, H264, ANNEX_B, AVCC, SPS, OPUS, AVC_RECORD };

static bool is_inside(kith_span part, kith_span whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void read_vp8(kith_span in)
{
    kith_reader r = kith_rd(in.data, in.len);
    kith_vp8_descriptor d;
    kith_vp8_frame_header header;
    if (!kith_vp8_read_descriptor(&r, &d))
        return;
    size_t left = kith_rd_left(&r);
    assert(left < in.len && in.len - left <= KITH_VP8_MAX_DESCRIPTOR);
    assert(d.picture_id <= (d.is_picture_id_long ? 0x7fff : 0x7f) && d.tid < 4 && d.keyidx < 32);
    if (!kith_vp8_read_frame_header(kith_rd_rest(&r), &header))
        return;
    assert(header.is_key || (header.width == 0 && header.height == 0));
    assert(header.width < 0x4000 && header.height < 0x4000);
    if (d.begins_frame)
        assert(kith_media_begins_key_frame(KITH_MEDIA_VP8, in) == header.is_key);
}

static void read_h264(kith_span in)
{
    kith_h264_pieces pieces;
    kith_h264_piece piece;
    (void)kith_media_begins_key_frame(KITH_MEDIA_H264, in);
    if (!kith_h264_pieces_of(&pieces, in))
        return;
    size_t taken = 0;
    while (kith_h264_next_piece(&pieces, &piece)) {
        assert(is_inside(piece.content, in));
        assert(piece.is_fragment || (piece.begins && piece.ends && piece.content.len > 0));
        assert(!(piece.begins && piece.ends && piece.is_fragment));
        taken += piece.content.len;
    }
    assert(taken <= in.len);
}

static void read_annex_b(kith_span in)
{
    kith_span left = in, nal;
    while (kith_h264_next_annex_b(&left, &nal)) {
        assert(nal.len > 0 && is_inside(nal, in) && is_inside(left, in));
        assert(left.len == 0 || left.data >= nal.data + nal.len);
        static const uint8_t start_code[] = {0, 0, 1};
        for (size_t i = 0; i + 3 <= nal.len; i++)
            assert(memcmp(nal.data + i, start_code, 3) != 0);
    }
}

static void read_avcc(kith_span in)
{
    for (unsigned size = 1; size <= 4; size *= 2) {
        kith_span left = in, nal;
        while (kith_h264_next_avcc(&left, size, &nal)) {
            assert(nal.len > 0 && is_inside(nal, in));
            assert(nal.data + nal.len + left.len == in.data + in.len);
        }
    }
}

static void read_sps(kith_span in)
{
    kith_h264_sps sps;
    if (kith_h264_read_sps(in, &sps))
        assert(sps.width > 0 && sps.width <= 16384 && sps.height > 0 && sps.height <= 16384);
}

/* The sets of a record are sent before a picture that comes without, each whole. */
static void read_record(kith_span in)
{
    static const uint8_t picture[] = {0, 0, 0, 1, 0x65, 1, 2, 3};
    kith_buffers *buffers;
    kith_packetizer *p;
    kith_rtp_unit unit;
    if (kith_buffers_new(&buffers) != KITH_OK)
        return;
    if (kith_packetizer_new(&p, KITH_MEDIA_H264, buffers) == KITH_OK) {
        (void)!kith_packetizer_set_parameter_sets(p, in);
        const kith_media_frame frame = {.data = kith_span_of(picture, sizeof picture)};
        (void)!kith_packetizer_begin(p, &frame, 1000);
        while (kith_packetizer_next(p, &unit)) {
            assert(unit.prefix_len + unit.payload.len <= 1000);
            kith_block_unref(unit.block);
        }
        kith_packetizer_free(p);
    }
    kith_buffers_free(buffers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    kith_span in = kith_span_of(data + 1, size - 1);
    switch (data[0] % 7) {
    case VP8:
        read_vp8(in);
        break;
    case H264:
        read_h264(in);
        break;
    case ANNEX_B:
        read_annex_b(in);
        break;
    case AVCC:
        read_avcc(in);
        break;
    case SPS:
        read_sps(in);
        break;
    case OPUS:
        assert(kith_opus_samples(in) <= 5760);
        break;
    case AVC_RECORD:
        read_record(in);
        break;
    default:
        break;
    }
    return 0;
}
