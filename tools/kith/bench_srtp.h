/* What SRTP costs by itself. */
#ifndef KITH_TOOLS_BENCH_SRTP_H
#define KITH_TOOLS_BENCH_SRTP_H

#include "tool.h"

struct bench_srtp_cost {
    /* as IANA calls it */
    const char *profile;
    /* microseconds of CPU for an RTP packet of 1200 bytes */
    double protect_us, unprotect_us;
};

enum { BENCH_SRTP_PROFILES = 3 };

/* Of the profile with this number, below BENCH_SRTP_PROFILES; false: it said why not. */
bool bench_srtp_measure(size_t profile, size_t packets, struct bench_srtp_cost *cost);

#endif
