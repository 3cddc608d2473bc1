/* All 256 first bytes. */
#include "../unit.h"
#include "wire/demux.h"

/* RFC 7983 section 7 with the ranges of QUIC from RFC 9443 section 3 */
START_TEST(the_first_byte_decides)
{
    static const struct {
        int from, to;
        kith_demux_kind kind;
    } ranges[] = {
        {0, 3, KITH_DEMUX_STUN},           {4, 15, KITH_DEMUX_UNKNOWN},
        {16, 19, KITH_DEMUX_UNKNOWN},      {20, 63, KITH_DEMUX_DTLS},
        {64, 79, KITH_DEMUX_TURN_CHANNEL}, {80, 127, KITH_DEMUX_UNKNOWN},
        {128, 191, KITH_DEMUX_RTP},        {192, 255, KITH_DEMUX_UNKNOWN},
    };
    int tried = 0;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        for (int first = ranges[i].from; first <= ranges[i].to; first++, tried++) {
            uint8_t byte = (uint8_t)first;
            ck_assert_int_eq(kith_demux(kith_span_of(&byte, 1)), ranges[i].kind);
        }
    ck_assert_int_eq(tried, 256);
}
END_TEST

START_TEST(nothing_is_unknown)
{
    ck_assert_int_eq(kith_demux(kith_span_of(NULL, 0)), KITH_DEMUX_UNKNOWN);
}
END_TEST

UNIT_MAIN("wire: demux", the_first_byte_decides, nothing_is_unknown)
