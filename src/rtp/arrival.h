/* When packets with a transport-wide number came, until their sender was told. */
#ifndef KITH_RTP_ARRIVAL_H
#define KITH_RTP_ARRIVAL_H

#include "wire/rtcp_fb.h"

/* Numbers that are looked back to: what one feedback packet holds. */
#define KITH_RTP_MAX_ARRIVALS KITH_RTCP_MAX_STATUSES

typedef struct kith_rtp_arrivals {
    bool is_started;
    /* unwrapped: the highest that came, and the first that is to be told of next */
    int64_t highest, begin;
    /* by number; KITH_NEVER: it did not come */
    kith_time at[KITH_RTP_MAX_ARRIVALS];
    /* of the last packet */
    uint32_t ssrc;
    /* since the last feedback */
    size_t bytes;
    kith_time told_at;
    /* KITH_NEVER: nothing is to be told */
    kith_time next_at;
    kith_time interval;
    /* when something was asked for that was lost */
    kith_time asked_at;
    uint8_t feedback_count;
} kith_rtp_arrivals;

#endif
