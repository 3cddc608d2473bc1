/* VP8 in RTP (RFC 7741): a frame is cut into pieces of one size, each behind a descriptor. */
#include "base/error.h"
#include "media/packetizer.h"
#include "wire/vp8.h"

static size_t piece_size(const kith_packetizer *p)
{
    size_t most = p->limit - KITH_VP8_OUR_DESCRIPTOR;
    size_t pieces = (p->len + most - 1) / most;
    return (p->len + pieces - 1) / pieces;
}

kith_err kith_vp8_begin(kith_packetizer *p, const kith_media_frame *frame)
{
    kith_vp8_frame_header header;
    if (!kith_vp8_read_frame_header(frame->data, &header))
        return kith_fail(KITH_ERR_TYPE, "no VP8 frame");
    p->block = kith_buffers_take(p->buffers, frame->data.len);
    if (!p->block)
        return kith_fail_memory();
    memcpy(p->block, frame->data.data, frame->data.len);
    p->len = frame->data.len;
    p->count = (p->len + piece_size(p) - 1) / piece_size(p);
    p->is_key = header.is_key;
    return KITH_OK;
}

void kith_vp8_next(kith_packetizer *p, kith_rtp_unit *out)
{
    size_t size = piece_size(p);
    size_t at = (p->count - p->left) * size;
    bool is_first = at == 0;
    if (is_first)
        p->picture_id++;
    kith_writer w = kith_wr(out->prefix, sizeof out->prefix);
    kith_vp8_write_descriptor(&w, is_first, p->is_non_reference, p->picture_id);
    out->prefix_len = (uint8_t)w.len;
    out->payload = kith_span_of(p->block + at, p->left == 1 ? p->len - at : size);
}
