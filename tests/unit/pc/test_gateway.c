/* Plain RTP in and out (RFC 3550 section 5.1). */
#include "peers.h"

/* Version 2, padding, extension, two CSRCs, marker, payload type 96. */
static const uint8_t full[] = {
    0xB2, 0xE0, 0x12, 0x34, 0x00, 0x00, 0x10, 0x00, 0xCA, 0xFE, 0xBA, 0xBE, /* header */
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02,                         /* CSRCs */
    0xBE, 0xDE, 0x00, 0x01, 0x10, 0x85, 0x00, 0x00,                         /* extension */
    'k',  'i',  't',  'h',                                                  /* payload */
    0x00, 0x02,                                                             /* padding */
};

START_TEST(a_packet_is_read_with_its_payload_where_it_lies)
{
    kith_rtp rtp = KITH_RTP_INIT;
    OK(kith_rtp_parse(&rtp, full, sizeof full));
    ck_assert_uint_eq(rtp.size, sizeof rtp);
    ck_assert_uint_eq(rtp.ssrc, 0xCAFEBABE);
    ck_assert_uint_eq(rtp.timestamp, 0x1000);
    ck_assert_uint_eq(rtp.sequence_number, 0x1234);
    ck_assert(rtp.marker);
    ck_assert_uint_eq(rtp.len, 4);
    ck_assert_ptr_eq(rtp.payload, full + 28);
    ck_assert_ptr_null(rtp.codec);
    ck_assert_uint_eq(rtp.csrc_count + rtp.extension_count, 0);
}
END_TEST

START_TEST(what_is_no_rtp_is_refused_and_changes_nothing)
{
    kith_rtp rtp = KITH_RTP_INIT;
    rtp.ssrc = 7;
    uint8_t unpadded[sizeof full];
    memcpy(unpadded, full, sizeof full);
    unpadded[0] &= (uint8_t)~0x20;
    for (size_t len = 0; len < 28; len++)
        FAILS(TYPE, kith_rtp_parse(&rtp, unpadded, len));
    const uint8_t report[28] = {0x80, 200, 0, 6};
    rtp.ssrc = 7;
    FAILS(TYPE, kith_rtp_parse(&rtp, report, sizeof report));
    FAILS(TYPE, kith_rtp_parse(&rtp, NULL, 20));
    FAILS(TYPE, kith_rtp_parse(&rtp, full, 100000));
    ck_assert_uint_eq(rtp.ssrc, 7);
    rtp.size = 0;
    FAILS(TYPE, kith_rtp_parse(&rtp, full, sizeof full));
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    static const uint32_t csrcs[] = {1, 2};
    uint8_t buf[64];
    kith_rtp rtp = KITH_RTP_INIT, again = KITH_RTP_INIT;
    OK(kith_rtp_parse(&rtp, full, sizeof full));
    rtp.csrcs = csrcs;
    rtp.csrc_count = 2;
    size_t len = kith_rtp_write(&rtp, 101, buf, sizeof buf);
    ck_assert_uint_eq(len, 24);
    ck_assert_uint_eq(buf[0], 0x82);
    ck_assert_uint_eq(buf[1], 0x80 | 101);
    ck_assert_mem_eq(buf + 12, full + 12, 8);
    OK(kith_rtp_parse(&again, buf, len));
    ck_assert_uint_eq(again.ssrc, rtp.ssrc);
    ck_assert_uint_eq(again.timestamp, rtp.timestamp);
    ck_assert_uint_eq(again.sequence_number, rtp.sequence_number);
    ck_assert_uint_eq(again.len, 4);
    ck_assert_mem_eq(again.payload, "kith", 4);
    for (size_t cap = 0; cap < len; cap++)
        ck_assert_uint_eq(kith_rtp_write(&rtp, 101, buf, cap), 0);
    ck_assert_uint_eq(kith_rtp_write(&rtp, 128, buf, sizeof buf), 0);
    rtp.csrc_count = 16;
    ck_assert_uint_eq(kith_rtp_write(&rtp, 101, buf, sizeof buf), 0);
    rtp.size = 0;
    ck_assert_uint_eq(kith_rtp_write(&rtp, 101, buf, sizeof buf), 0);
}
END_TEST

UNIT_MAIN("pc: gateway", a_packet_is_read_with_its_payload_where_it_lies,
          what_is_no_rtp_is_refused_and_changes_nothing, what_is_written_is_read_again)
