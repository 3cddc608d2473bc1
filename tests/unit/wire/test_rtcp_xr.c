/* Extended reports: the two blocks as RFC 3611 draws them, others, and damaged ones. */
#include "../unit.h"
#include "wire/rtcp_xr.h"

#include <string.h>

static kith_reader blocks_of(const void *data, size_t len, uint32_t ssrc)
{
    kith_reader r = kith_rd(data, len), blocks;
    kith_rtcp_packet p;
    uint32_t read;
    ck_assert(kith_rtcp_next(&r, &p));
    ck_assert(kith_rtcp_parse_xr(&p, &read, &blocks));
    ck_assert_uint_eq(read, ssrc);
    return blocks;
}

static const uint8_t rrtr[] = {0x80, 207, 0, 4, 0, 0, 0, 9, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t dlrr[] = {0x80, 207, 0, 8, 0, 0, 0, 9, 5, 0, 0, 6, 0, 0, 0, 1, 3, 4,
                               5,    6,   0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8};

START_TEST(a_reference_time_and_its_answer_are_their_bytes)
{
    uint8_t buf[100];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_rrtr(&w, 9, UINT64_C(0x0102030405060708));
    ck_assert_uint_eq(w.len, KITH_RTCP_XR_RRTR_LEN);
    ck_assert_mem_eq(buf, rrtr, sizeof rrtr);
    const kith_rtcp_dlrr entries[] = {{1, 0x03040506, 65536}, {2, 7, 8}};
    w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_dlrr(&w, 9, entries, 2);
    ck_assert_uint_eq(w.len, KITH_RTCP_XR_DLRR_LEN + 2 * KITH_RTCP_XR_ENTRY_LEN);
    ck_assert_mem_eq(buf, dlrr, sizeof dlrr);
}
END_TEST

START_TEST(both_are_read)
{
    kith_reader blocks = blocks_of(rrtr, sizeof rrtr, 9);
    kith_rtcp_xr_block block;
    uint64_t ntp;
    ck_assert(kith_rtcp_next_xr(&blocks, &block));
    ck_assert(kith_rtcp_read_rrtr(&block, &ntp));
    ck_assert_uint_eq(ntp, UINT64_C(0x0102030405060708));
    ck_assert(!kith_rtcp_next_xr(&blocks, &block) && !blocks.bad);
    blocks = blocks_of(dlrr, sizeof dlrr, 9);
    ck_assert(kith_rtcp_next_xr(&blocks, &block));
    ck_assert(!kith_rtcp_read_rrtr(&block, &ntp));
    ck_assert_int_eq(block.type, KITH_RTCP_XR_DLRR);
    kith_rtcp_dlrr entry;
    ck_assert(kith_rtcp_next_dlrr(&block.content, &entry));
    ck_assert_uint_eq(entry.ssrc, 1);
    ck_assert_uint_eq(entry.last_rr, 0x03040506);
    ck_assert_uint_eq(entry.delay_since_last_rr, 65536);
    ck_assert(kith_rtcp_next_dlrr(&block.content, &entry));
    ck_assert_uint_eq(entry.ssrc, 2);
    ck_assert(!kith_rtcp_next_dlrr(&block.content, &entry));
}
END_TEST

/* Section 3: what is not known is skipped by its length. */
START_TEST(an_unknown_block_is_skipped)
{
    static const uint8_t both[] = {0x80, 207,  0, 6, 0, 0, 0, 9, 99, 0, 0, 1, 0xff, 0xff,
                                   0xff, 0xff, 4, 0, 0, 2, 0, 0, 0,  0, 0, 0, 0,    1};
    kith_reader blocks = blocks_of(both, sizeof both, 9);
    kith_rtcp_xr_block block;
    uint64_t ntp;
    ck_assert(kith_rtcp_next_xr(&blocks, &block));
    ck_assert_int_eq(block.type, 99);
    ck_assert(!kith_rtcp_read_rrtr(&block, &ntp));
    ck_assert(kith_rtcp_next_xr(&blocks, &block) && kith_rtcp_read_rrtr(&block, &ntp));
    ck_assert_uint_eq(ntp, 1);
}
END_TEST

START_TEST(every_prefix_of_a_block_is_none)
{
    for (size_t len = 4; len < 16; len += 4) {
        uint8_t buf[sizeof rrtr] = {0};
        memcpy(buf, rrtr, 4 + len);
        buf[3] = (uint8_t)(len / 4);
        kith_reader blocks = blocks_of(buf, 4 + len, 9);
        kith_rtcp_xr_block block;
        ck_assert(!kith_rtcp_next_xr(&blocks, &block));
        ck_assert_int_eq(blocks.bad, len > 4);
    }
    static const uint8_t without_ssrc[] = {0x80, 207, 0, 0};
    kith_reader r = kith_rd(without_ssrc, sizeof without_ssrc), blocks;
    kith_rtcp_packet p;
    uint32_t ssrc;
    ck_assert(kith_rtcp_next(&r, &p) && !kith_rtcp_parse_xr(&p, &ssrc, &blocks));
}
END_TEST

START_TEST(blocks_of_another_length_are_none)
{
    uint64_t ntp;
    kith_rtcp_dlrr entry;
    uint8_t bytes[16] = {0};
    kith_rtcp_xr_block block = {.type = KITH_RTCP_XR_RRTR, .content = kith_span_of(bytes, 12)};
    ck_assert(!kith_rtcp_read_rrtr(&block, &ntp));
    block.content.len = 4;
    ck_assert(!kith_rtcp_read_rrtr(&block, &ntp));
    kith_span piece = kith_span_of(bytes, 8);
    ck_assert(!kith_rtcp_next_dlrr(&piece, &entry));
}
END_TEST

UNIT_MAIN("wire: rtcp xr", a_reference_time_and_its_answer_are_their_bytes, both_are_read,
          an_unknown_block_is_skipped, every_prefix_of_a_block_is_none,
          blocks_of_another_length_are_none)
