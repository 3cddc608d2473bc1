/* When the last reports with an NTP time of ours left, to which the peer refers. */
#ifndef KITH_RTP_SENT_TIMES_H
#define KITH_RTP_SENT_TIMES_H

#include "kith/base.h"

#define KITH_RTP_SENT_TIMES 8

typedef struct kith_rtp_sent_times {
    struct {
        /* the middle of its NTP time */
        uint32_t ntp;
        kith_time at;
    } list[KITH_RTP_SENT_TIMES];
    unsigned count;
} kith_rtp_sent_times;

static inline void kith_rtp_note_sent_time(kith_rtp_sent_times *times, uint64_t ntp, kith_time now)
{
    unsigned place = times->count++ % KITH_RTP_SENT_TIMES;
    times->list[place].ntp = (uint32_t)(ntp >> 16);
    times->list[place].at = now;
}

/* RFC 3550 section 6.4.1, RFC 3611 section 4.5: A - LSR - DLSR, with the time at which that report
 * left. Negative: it is none of the last, or the peer says that it held it longer than it was away.
 */
static inline kith_time kith_rtp_round_trip(const kith_rtp_sent_times *times, kith_time now,
                                            uint32_t ntp, uint32_t delay)
{
    unsigned count = times->count < KITH_RTP_SENT_TIMES ? times->count : KITH_RTP_SENT_TIMES;
    for (unsigned i = 0; ntp != 0 && i < count; i++)
        if (times->list[i].ntp == ntp)
            return now - times->list[i].at - (kith_time)((uint64_t)delay * 1000000 / 65536);
    return -1;
}

#endif
