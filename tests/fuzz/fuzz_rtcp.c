/* RTCP: every part of a compound that is understood is written anew and read again with the same
 * meaning. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "wire/rtcp.h"
#include "wire/rtcp_fb.h"
#include "wire/rtcp_xr.h"

static kith_rtcp_packet read_back(const kith_writer *w)
{
    kith_reader r = kith_rd(w->data, w->len);
    kith_rtcp_packet p = {0};
    bool is_read = kith_rtcp_next(&r, &p);
    assert(!w->bad && is_read && kith_rd_left(&r) == 0);
    return p;
}

static unsigned take_reports(kith_rtcp_reports *reports, kith_rtcp_report *out)
{
    unsigned count = 0;
    while (kith_rtcp_next_report(reports, &out[count]))
        count++;
    return count;
}

static void same_reports(kith_rtcp_reports *reports, const kith_rtcp_report *as, unsigned count)
{
    kith_rtcp_report again[KITH_RTCP_MAX_COUNT + 1];
    assert(take_reports(reports, again) == count);
    for (unsigned i = 0; i < count; i++) {
        assert(again[i].ssrc == as[i].ssrc && again[i].fraction_lost == as[i].fraction_lost);
        assert(again[i].cumulative_lost == as[i].cumulative_lost);
        assert(again[i].highest_sequence == as[i].highest_sequence);
        assert(again[i].jitter == as[i].jitter && again[i].last_sr == as[i].last_sr);
        assert(again[i].delay_since_last_sr == as[i].delay_since_last_sr);
    }
}

static void check_reports(const kith_rtcp_packet *p, kith_writer *w)
{
    uint32_t ssrc, ssrc_again;
    kith_rtcp_sender_info info, info_again;
    kith_rtcp_reports in;
    kith_rtcp_report reports[KITH_RTCP_MAX_COUNT + 1];
    bool is_sr = kith_rtcp_parse_sr(p, &ssrc, &info, &in);
    if (!is_sr && !kith_rtcp_parse_rr(p, &ssrc, &in))
        return;
    unsigned count = take_reports(&in, reports);
    assert(count == p->count);
    if (is_sr)
        kith_rtcp_write_sr(w, ssrc, &info, reports, count);
    else
        kith_rtcp_write_rr(w, ssrc, reports, count);
    kith_rtcp_packet again = read_back(w);
    bool is_read = is_sr ? kith_rtcp_parse_sr(&again, &ssrc_again, &info_again, &in)
                         : kith_rtcp_parse_rr(&again, &ssrc_again, &in);
    assert(is_read && ssrc_again == ssrc);
    same_reports(&in, reports, count);
    if (is_sr)
        assert(info.ntp == info_again.ntp && info.rtp_timestamp == info_again.rtp_timestamp &&
               info.packet_count == info_again.packet_count &&
               info.octet_count == info_again.octet_count);
}

/* Each CNAME alone, with each MID that follows it. */
static void check_items(const kith_rtcp_packet *p, kith_writer *w)
{
    kith_rtcp_sdes sdes = kith_rtcp_sdes_of(p);
    kith_rtcp_sdes_item item, again;
    kith_span cname = kith_span_text("");
    while (kith_rtcp_next_item(&sdes, &item)) {
        assert(item.type != KITH_RTCP_SDES_END);
        assert(item.value.data + item.value.len <= p->body.data + p->body.len);
        if (item.type == KITH_RTCP_SDES_CNAME)
            cname = item.value;
        if (item.type != KITH_RTCP_SDES_MID || item.value.len == 0)
            continue;
        w->len = 0;
        size_t mark = kith_rtcp_begin(w, KITH_RTCP_SDES, 1);
        kith_rtcp_write_chunk(w, item.ssrc, cname, item.value);
        kith_rtcp_end(w, mark);
        kith_rtcp_packet back = read_back(w);
        kith_rtcp_sdes back_sdes = kith_rtcp_sdes_of(&back);
        bool is_read = kith_rtcp_next_item(&back_sdes, &again);
        assert(is_read && again.ssrc == item.ssrc && kith_span_equal(again.value, cname));
        is_read = kith_rtcp_next_item(&back_sdes, &again);
        assert(is_read && kith_span_equal(again.value, item.value));
        assert(!kith_rtcp_next_item(&back_sdes, &again) && !back_sdes.in.bad);
    }
}

static void check_bye(const kith_rtcp_packet *p, kith_writer *w)
{
    kith_rtcp_bye bye, again;
    if (!kith_rtcp_parse_bye(p, &bye))
        return;
    assert(bye.ssrcs.len == 4u * p->count);
    uint32_t ssrcs[KITH_RTCP_MAX_COUNT];
    kith_reader r = kith_rd(bye.ssrcs.data, bye.ssrcs.len);
    for (unsigned i = 0; i < p->count; i++)
        ssrcs[i] = kith_rd_u32(&r);
    kith_rtcp_write_bye(w, ssrcs, p->count);
    kith_rtcp_packet back = read_back(w);
    bool is_read = kith_rtcp_parse_bye(&back, &again);
    assert(is_read && kith_span_equal(bye.ssrcs, again.ssrcs));
}

static void check_nack(const kith_rtcp_fb *fb, kith_writer *w)
{
    uint16_t numbers[17], number;
    size_t count = 0;
    kith_rtcp_nacks nacks = {.fci = kith_span_of(fb->fci.data, 4)}, again;
    while (kith_rtcp_next_nack(&nacks, &number)) {
        assert(count < 17);
        numbers[count++] = number;
    }
    kith_rtcp_write_nack(w, fb->sender_ssrc, fb->media_ssrc, numbers, count);
    kith_rtcp_packet back = read_back(w);
    assert(back.body.len == 12 && memcmp(back.body.data + 8, fb->fci.data, 4) == 0);
    again = (kith_rtcp_nacks){.fci = fb->fci};
    size_t all = 0;
    while (kith_rtcp_next_nack(&again, &number))
        all++;
    assert(all >= fb->fci.len / 4 && all <= fb->fci.len / 4 * 17);
}

static void check_remb(const kith_rtcp_fb *fb)
{
    kith_rtcp_remb remb;
    uint32_t ssrc;
    unsigned count = 0;
    kith_rtcp_read_remb(fb, &remb);
    assert(remb.ssrcs.data >= fb->fci.data &&
           remb.ssrcs.data + remb.ssrcs.len <= fb->fci.data + fb->fci.len);
    while (kith_rtcp_next_remb_ssrc(&remb, &ssrc))
        count++;
    assert(count > 0 && count <= UINT8_MAX);
}

static void check_feedback(const kith_rtcp_packet *p, kith_writer *w)
{
    kith_rtcp_fb fb;
    kith_rtcp_fir fir;
    if (!kith_rtcp_parse_fb(p, &fb))
        return;
    if (fb.kind == KITH_RTCP_FB_NACK)
        check_nack(&fb, w);
    if (fb.kind == KITH_RTCP_FB_REMB)
        check_remb(&fb);
    size_t left = fb.fci.len;
    while (fb.kind == KITH_RTCP_FB_FIR && kith_rtcp_next_fir(&fb.fci, &fir)) {
        assert(fb.fci.len == left - 8);
        left = fb.fci.len;
    }
}

static void check_dlrr(kith_span content, uint32_t ssrc, kith_writer *w)
{
    kith_rtcp_dlrr entry;
    while (kith_rtcp_next_dlrr(&content, &entry)) {
        w->len = 0;
        kith_rtcp_write_dlrr(w, ssrc, &entry, 1);
        kith_rtcp_packet back = read_back(w);
        assert(back.body.len == KITH_RTCP_XR_DLRR_LEN - 4 + KITH_RTCP_XR_ENTRY_LEN);
        assert(memcmp(back.body.data + 8, content.data - KITH_RTCP_XR_ENTRY_LEN,
                      KITH_RTCP_XR_ENTRY_LEN) == 0);
    }
    assert(content.len < KITH_RTCP_XR_ENTRY_LEN);
}

static void check_xr(const kith_rtcp_packet *p, kith_writer *w)
{
    uint32_t ssrc;
    uint64_t ntp, ntp_again;
    kith_reader blocks;
    kith_rtcp_xr_block block;
    if (!kith_rtcp_parse_xr(p, &ssrc, &blocks))
        return;
    while (kith_rtcp_next_xr(&blocks, &block)) {
        if (block.type == KITH_RTCP_XR_DLRR)
            check_dlrr(block.content, ssrc, w);
        if (!kith_rtcp_read_rrtr(&block, &ntp))
            continue;
        w->len = 0;
        kith_rtcp_write_rrtr(w, ssrc, ntp);
        kith_rtcp_packet back = read_back(w);
        bool is_read = kith_rtcp_parse_xr(&back, &ssrc, &blocks) &&
                       kith_rtcp_next_xr(&blocks, &block) &&
                       kith_rtcp_read_rrtr(&block, &ntp_again);
        assert(is_read && ntp_again == ntp);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_reader compound = kith_rd(data, size);
    kith_rtcp_packet p;
    size_t parts = 0;
    while (kith_rtcp_next(&compound, &p)) {
        kith_writer w = kith_wr_growing();
        assert(p.body.len % 4 == 0 && p.count <= KITH_RTCP_MAX_COUNT);
        check_reports(&p, &w);
        w.len = 0;
        check_items(&p, &w);
        w.len = 0;
        check_bye(&p, &w);
        w.len = 0;
        check_feedback(&p, &w);
        w.len = 0;
        check_xr(&p, &w);
        kith_wr_deinit(&w);
        parts++;
    }
    assert(kith_rtcp_is_compound(kith_span_of(data, size)) == (parts > 0 && !compound.bad));
    return 0;
}
