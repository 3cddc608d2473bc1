/* Headers and the estimate of an index. */
#include "kit.h"

START_TEST(every_prefix_of_a_header_is_refused)
{
    kith_srtp_rtp_header header;
    uint32_t ssrc;
    packet_bytes p = kit_rtp(0xdeadbeef, 0x1234, 40);
    p.bytes[0] = 0x80 | 0x10 | 3;
    memcpy(p.bytes + 12 + 3 * 4, "\xbe\xde\x00\x03", 4);
    size_t whole = 12 + 3 * 4 + 4 + 3 * 4;
    for (size_t len = 0; len <= p.len; len++)
        ck_assert_int_eq(kith_srtp_read_rtp(&header, p.bytes, len), len >= whole);
    ck_assert_uint_eq(header.ssrc, 0xdeadbeef);
    ck_assert_uint_eq(header.sequence_number, 0x1234);
    packet_bytes report = kit_rtcp(0xdeadbeef, 0);
    for (size_t len = 0; len <= report.len; len++)
        ck_assert_int_eq(kith_srtp_read_rtcp(&ssrc, report.bytes, len), len >= 8);
    ck_assert_uint_eq(ssrc, 0xdeadbeef);
}
END_TEST

START_TEST(other_versions_are_refused)
{
    kith_srtp_rtp_header header;
    uint32_t ssrc;
    for (unsigned version = 0; version < 4; version++) {
        packet_bytes p = kit_rtp(1, 1, 20), report = kit_rtcp(1, 1);
        p.bytes[0] = (uint8_t)(version << 6);
        report.bytes[0] = (uint8_t)(version << 6);
        ck_assert_int_eq(kith_srtp_read_rtp(&header, p.bytes, p.len), version == 2);
        ck_assert_int_eq(kith_srtp_read_rtcp(&ssrc, report.bytes, report.len), version == 2);
    }
}
END_TEST

/* RFC 3711 section 3.3.1: of ROC - 1, ROC, ROC + 1 the one that is closest; none is below 0. */
START_TEST(an_index_is_the_closest_to_the_highest)
{
    static const struct {
        uint64_t highest;
        uint16_t seq;
        uint64_t index;
    } rows[] = {
        {0, 0, 0},
        {0, 65535, 65535},
        {0x7fff, 0xffff, 0xffff},
        {0x8000, 0, 0},
        {0x8001, 0, 0x10000},
        {0x8001, 1, 1},
        {65535, 0, 0x10000},
        {0x10000, 65535, 65535},
        {0x17fff, 0xffff, 0x1ffff},
        {0x17ffe, 0xffff, 0xffff},
        {0x2ffff, 0x7fff, 0x2ffff - 0x8000},
        {0x2ffff, 0x7ffe, 0x37ffe},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_uint_eq(kith_srtp_guess_index(rows[i].highest, rows[i].seq), rows[i].index);
}
END_TEST

UNIT_MAIN("srtp: packet", every_prefix_of_a_header_is_refused, other_versions_are_refused,
          an_index_is_the_closest_to_the_highest)
