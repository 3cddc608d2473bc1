/* How late packets come, and so how long a player waits before it shows what came: the delay that
 * 19 of 20 packets keep to, measured against the quickest of the last two seconds. */
#ifndef KITH_MEDIA_DELAY_H
#define KITH_MEDIA_DELAY_H

#include "kith/base.h"

#define KITH_MEDIA_MIN_DELAY   KITH_MS(20)
#define KITH_MEDIA_MAX_DELAY   KITH_MS(400)
#define KITH_MEDIA_FIRST_DELAY KITH_MS(80)

#define KITH_MEDIA_DELAY_BUCKETS 20

typedef struct kith_delay {
    bool is_started;
    /* the last timestamp, unwrapped, and its clock */
    int64_t timestamp;
    uint32_t clock_rate;
    /* arrival less timestamp, in microseconds: the least of this second and of the one before */
    kith_time least, least_before, second_began;
    /* shares of delays of 20 ms more each, together 2^30 */
    uint32_t shares[KITH_MEDIA_DELAY_BUCKETS];
    kith_time last_play_at;
    /* what the sender wants it to be; KITH_NEVER: without a limit */
    kith_time min, max;
} kith_delay;

void kith_delay_init(kith_delay *d);
/* A packet with this timestamp came. */
void kith_delay_note(kith_delay *d, kith_time arrived_at, uint32_t timestamp, uint32_t clock_rate);
/* The delay that is worth waiting. */
kith_time kith_delay_target(const kith_delay *d);
/* The sender says between what and what it is to be (playout-delay). */
void kith_delay_limit(kith_delay *d, kith_time min, kith_time max);
/* When what has this timestamp is to be played, on the clock of arrivals; never before what was
 * asked for last. */
kith_time kith_delay_play_at(kith_delay *d, uint32_t timestamp);
/* When the sender wants it played at the latest; KITH_NEVER: it did not say. */
kith_time kith_delay_latest(const kith_delay *d, uint32_t timestamp);

#endif
