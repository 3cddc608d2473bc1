/* Extended reports as bytes and as structs. */
#include "wire/rtcp_xr.h"

#define RRTR_WORDS  2
#define ENTRY_WORDS (KITH_RTCP_XR_ENTRY_LEN / 4)

bool kith_rtcp_parse_xr(const kith_rtcp_packet *p, uint32_t *ssrc, kith_reader *blocks)
{
    kith_reader r = kith_rd(p->body.data, p->body.len);
    *ssrc = kith_rd_u32(&r);
    *blocks = r;
    return p->type == KITH_RTCP_XR && !r.bad;
}

/* Section 3: type, type-specific, length in words less one, content. */
bool kith_rtcp_next_xr(kith_reader *blocks, kith_rtcp_xr_block *out)
{
    if (kith_rd_left(blocks) == 0)
        return false;
    kith_rtcp_xr_block block = {.type = kith_rd_u8(blocks)};
    kith_rd_skip(blocks, 1);
    block.content = kith_rd_span(blocks, 4u * kith_rd_u16(blocks));
    if (blocks->bad)
        return false;
    *out = block;
    return true;
}

bool kith_rtcp_read_rrtr(const kith_rtcp_xr_block *block, uint64_t *ntp)
{
    kith_reader r = kith_rd(block->content.data, block->content.len);
    *ntp = kith_rd_u64(&r);
    return block->type == KITH_RTCP_XR_RRTR && block->content.len == RRTR_WORDS * 4u;
}

bool kith_rtcp_next_dlrr(kith_span *content, kith_rtcp_dlrr *out)
{
    kith_reader r = kith_rd(content->data, content->len);
    *out = (kith_rtcp_dlrr){.ssrc = kith_rd_u32(&r)};
    out->last_rr = kith_rd_u32(&r);
    out->delay_since_last_rr = kith_rd_u32(&r);
    if (r.bad)
        return false;
    *content = kith_rd_rest(&r);
    return true;
}

static void begin_block(kith_writer *w, kith_rtcp_xr_type type, size_t words)
{
    kith_wr_u8(w, (uint8_t)type);
    kith_wr_u8(w, 0);
    kith_wr_u16(w, (uint16_t)words);
}

void kith_rtcp_write_rrtr(kith_writer *w, uint32_t ssrc, uint64_t ntp)
{
    size_t mark = kith_rtcp_begin(w, KITH_RTCP_XR, 0);
    kith_wr_u32(w, ssrc);
    begin_block(w, KITH_RTCP_XR_RRTR, RRTR_WORDS);
    kith_wr_u64(w, ntp);
    kith_rtcp_end(w, mark);
}

void kith_rtcp_write_dlrr(kith_writer *w, uint32_t ssrc, const kith_rtcp_dlrr *entries,
                          size_t count)
{
    size_t mark = kith_rtcp_begin(w, KITH_RTCP_XR, 0);
    kith_wr_u32(w, ssrc);
    begin_block(w, KITH_RTCP_XR_DLRR, ENTRY_WORDS * count);
    for (size_t i = 0; i < count; i++) {
        kith_wr_u32(w, entries[i].ssrc);
        kith_wr_u32(w, entries[i].last_rr);
        kith_wr_u32(w, entries[i].delay_since_last_rr);
    }
    kith_rtcp_end(w, mark);
}
