#include "rtp/pace.h"

#include <string.h>

/* Times what was given in the last second: a frame that is ten times the others leaves within a few
 * of their intervals, and what is given evenly never waits. */
#define FACTOR_TENTHS 25
/* Bytes a second that are taken to be given at least: 300 kbit/s, as encoders begin. */
#define LEAST_GIVEN 37500
/* However little was given before, nothing waits longer than this. */
#define MOST_WAITING KITH_MS(250)
/* What may leave at once: in so long, and at least a few packets. */
#define STEP        KITH_MS(5)
#define LEAST_BURST 4800

#define BUCKET (KITH_SECONDS(1) / KITH_RTP_PACE_BUCKETS)

void kith_rtp_pace_init(kith_rtp_pace *pace)
{
    *pace = (kith_rtp_pace){.budget = LEAST_BURST};
}

static void turn(kith_rtp_pace *pace, kith_time now)
{
    if (now - pace->bucket_began >= KITH_SECONDS(1)) {
        memset(pace->given, 0, sizeof pace->given);
        pace->bucket_began = now;
    }
    while (now - pace->bucket_began >= BUCKET) {
        pace->bucket = (pace->bucket + 1) % KITH_RTP_PACE_BUCKETS;
        pace->given[pace->bucket] = 0;
        pace->bucket_began += BUCKET;
    }
}

void kith_rtp_pace_given(kith_rtp_pace *pace, kith_time now, size_t bytes)
{
    turn(pace, now);
    pace->given[pace->bucket] += bytes;
}

void kith_rtp_pace_sent(kith_rtp_pace *pace, size_t bytes)
{
    pace->budget -= (int64_t)bytes;
}

void kith_rtp_pace_rest(kith_rtp_pace *pace)
{
    pace->rate = 0;
}

static uint64_t rate_of(const kith_rtp_pace *pace, size_t queued)
{
    uint64_t given = 0;
    for (unsigned i = 0; i < KITH_RTP_PACE_BUCKETS; i++)
        given += pace->given[i];
    uint64_t rate = (given < LEAST_GIVEN ? LEAST_GIVEN : given) * FACTOR_TENTHS / 10;
    uint64_t least = (uint64_t)queued * 1000000 / (uint64_t)MOST_WAITING;
    return rate < least ? least : rate;
}

static int64_t bytes_in(uint64_t rate, kith_time time)
{
    return (int64_t)(rate * (uint64_t)time / 1000000);
}

/* In steps, so that a driver need not wake for each packet. */
static void refill(kith_rtp_pace *pace, kith_time now, size_t queued)
{
    turn(pace, now);
    /* what waits is not slowed down by what leaves before it */
    uint64_t rate = rate_of(pace, queued);
    pace->rate = rate > pace->rate ? rate : pace->rate;
    kith_time passed = now - pace->refilled_at;
    int64_t burst = bytes_in(pace->rate, STEP);
    burst = burst < LEAST_BURST ? LEAST_BURST : burst;
    if (passed >= KITH_SECONDS(1)) {
        pace->budget = burst;
        pace->refilled_at = now;
        return;
    }
    kith_time steps = passed / STEP;
    pace->budget += bytes_in(pace->rate, steps * STEP);
    pace->budget = pace->budget > burst ? burst : pace->budget;
    pace->refilled_at += steps * STEP;
}

bool kith_rtp_pace_allows(kith_rtp_pace *pace, kith_time now, size_t queued)
{
    if (now - pace->refilled_at >= STEP)
        refill(pace, now, queued);
    return pace->budget > 0;
}

kith_time kith_rtp_pace_deadline(const kith_rtp_pace *pace)
{
    if (pace->budget > 0)
        return 0;
    int64_t step = bytes_in(pace->rate, STEP);
    kith_time steps = step > 0 ? -pace->budget / step + 1 : 1;
    return pace->refilled_at + steps * STEP;
}
