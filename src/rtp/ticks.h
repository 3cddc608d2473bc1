/* Time as RTP counts it. */
#ifndef KITH_RTP_TICKS_H
#define KITH_RTP_TICKS_H

#include "kith/base.h"

/* Microseconds, not negative, as ticks of a clock, modulo 2^32. */
static inline uint32_t kith_rtp_ticks(kith_time time, uint32_t clock_rate)
{
    uint64_t us = (uint64_t)time;
    return (uint32_t)(us / 1000000 * clock_rate + us % 1000000 * clock_rate / 1000000);
}

#endif
