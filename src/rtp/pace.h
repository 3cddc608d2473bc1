/* How fast frames leave: a key frame is many packets, and all at once they are lost on the way or
 * hold up the sound beside them. */
#ifndef KITH_RTP_PACE_H
#define KITH_RTP_PACE_H

#include "kith/base.h"

#define KITH_RTP_PACE_BUCKETS 10

typedef struct kith_rtp_pace {
    /* bytes that were given to be sent in tenths of the last second, and since when in the last */
    size_t given[KITH_RTP_PACE_BUCKETS];
    unsigned bucket;
    kith_time bucket_began;
    /* bytes a second */
    uint64_t rate;
    /* bytes that may leave at once; negative: more left than the rate allows */
    int64_t budget;
    kith_time refilled_at;
} kith_rtp_pace;

void kith_rtp_pace_init(kith_rtp_pace *pace);
/* So many bytes are to be sent. */
void kith_rtp_pace_given(kith_rtp_pace *pace, kith_time now, size_t bytes);
/* So many left. */
void kith_rtp_pace_sent(kith_rtp_pace *pace, size_t bytes);
/* May the next packet leave, of `queued` bytes that wait? */
bool kith_rtp_pace_allows(kith_rtp_pace *pace, kith_time now, size_t queued);
/* Nothing waits any more. */
void kith_rtp_pace_rest(kith_rtp_pace *pace);
/* When it may, as kith_rtp_pace_allows left it; 0: now. */
kith_time kith_rtp_pace_deadline(const kith_rtp_pace *pace);

#endif
