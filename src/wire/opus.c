#include "wire/opus.h"

#define MAX_SAMPLES 5760

/* RFC 6716 table 2: samples of a frame, by the configuration in the upper five bits. */
static uint32_t frame_samples(uint8_t toc)
{
    unsigned config = toc >> 3;
    if (config < 12) {
        static const uint16_t silk[] = {480, 960, 1920, 2880};
        return silk[config & 3];
    }
    return config < 16 ? (config & 1 ? 960 : 480) : 120U << (config & 3);
}

/* Section 3.2: the number of frames, by the code in the lower two bits. */
uint32_t kith_opus_samples(kith_span packet)
{
    if (packet.len == 0)
        return 0;
    uint8_t toc = packet.data[0];
    uint32_t count = (toc & 3) == 0 ? 1 : 2;
    if ((toc & 3) == 3)
        count = packet.len > 1 ? packet.data[1] & 0x3f : 0;
    uint32_t samples = count * frame_samples(toc);
    return samples <= MAX_SAMPLES ? samples : 0;
}
