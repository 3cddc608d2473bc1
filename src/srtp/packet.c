/* libsrtp2 checks these lengths too; here it is done once, for packets of both directions, so that
 * it is asked only for what it can answer. */
#include "srtp/packet.h"

#include "base/reader.h"

#define VERSION_2 2

bool kith_srtp_read_rtp(kith_srtp_rtp_header *out, const uint8_t *data, size_t len)
{
    kith_reader packet = kith_rd(data, len);
    uint8_t first = kith_rd_u8(&packet);
    kith_rd_skip(&packet, 1);
    out->sequence_number = kith_rd_u16(&packet);
    kith_rd_skip(&packet, 4);
    out->ssrc = kith_rd_u32(&packet);
    kith_rd_skip(&packet, 4 * (size_t)(first & 0x0f));
    if (first & 0x10) {
        kith_rd_skip(&packet, 2);
        kith_rd_skip(&packet, 4 * (size_t)kith_rd_u16(&packet));
    }
    return !packet.bad && first >> 6 == VERSION_2;
}

bool kith_srtp_read_rtcp(uint32_t *out_ssrc, const uint8_t *data, size_t len)
{
    kith_reader packet = kith_rd(data, len);
    uint8_t first = kith_rd_u8(&packet);
    kith_rd_skip(&packet, 3);
    *out_ssrc = kith_rd_u32(&packet);
    return !packet.bad && first >> 6 == VERSION_2;
}

uint64_t kith_srtp_guess_index(uint64_t highest, uint16_t sequence_number)
{
    uint64_t rollover = highest >> 16;
    uint16_t seen = (uint16_t)highest;
    if (seen < 0x8000 && sequence_number > seen + 0x8000)
        rollover -= rollover > 0;
    else if (seen >= 0x8000 && sequence_number < seen - 0x8000)
        rollover++;
    return rollover << 16 | sequence_number;
}
