#include "media/delay.h"

#include "base/seq.h"

#define ALL    (UINT32_C(1) << 30)
#define BUCKET KITH_MS(20)
#define WINDOW KITH_SECONDS(1)
/* A packet counts a sixtieth: the last hundred or so say what is usual. */
#define WEIGHT (ALL / 60)

void kith_delay_init(kith_delay *d)
{
    *d = (kith_delay){.max = KITH_NEVER};
    /* KITH_MEDIA_FIRST_DELAY, until something is known */
    d->shares[KITH_MEDIA_FIRST_DELAY / BUCKET - 1] = ALL;
}

static kith_time to_time(const kith_delay *d, int64_t timestamp)
{
    return timestamp / d->clock_rate * 1000000 +
           timestamp % d->clock_rate * 1000000 / d->clock_rate;
}

static kith_time quickest(const kith_delay *d)
{
    return d->least < d->least_before ? d->least : d->least_before;
}

static void start(kith_delay *d, kith_time arrived_at, uint32_t timestamp, uint32_t clock_rate)
{
    d->is_started = true;
    d->timestamp = timestamp;
    d->clock_rate = clock_rate;
    d->least = d->least_before = arrived_at - to_time(d, timestamp);
    d->second_began = arrived_at;
}

static void count(kith_delay *d, kith_time late)
{
    size_t bucket = (size_t)(late / BUCKET);
    if (bucket >= KITH_MEDIA_DELAY_BUCKETS)
        bucket = KITH_MEDIA_DELAY_BUCKETS - 1;
    uint32_t left = ALL;
    for (size_t i = 0; i < KITH_MEDIA_DELAY_BUCKETS; i++) {
        d->shares[i] -= d->shares[i] / (ALL / WEIGHT);
        left -= d->shares[i];
    }
    d->shares[bucket] += left;
}

void kith_delay_note(kith_delay *d, kith_time arrived_at, uint32_t timestamp, uint32_t clock_rate)
{
    if (!d->is_started || d->clock_rate != clock_rate) {
        start(d, arrived_at, timestamp, clock_rate);
        return;
    }
    if (arrived_at - d->second_began >= WINDOW) {
        d->second_began = arrived_at;
        d->least_before = d->least;
        d->least = INT64_MAX;
    }
    d->timestamp = kith_seq_unwrap32(d->timestamp, timestamp);
    kith_time transit = arrived_at - to_time(d, d->timestamp);
    if (transit < d->least)
        d->least = transit;
    count(d, transit - quickest(d));
}

kith_time kith_delay_target(const kith_delay *d)
{
    uint64_t sum = 0;
    size_t bucket = 0;
    while (bucket < KITH_MEDIA_DELAY_BUCKETS - 1 &&
           (sum += d->shares[bucket]) * 20 < UINT64_C(19) * ALL)
        bucket++;
    kith_time target = (kith_time)(bucket + 1) * BUCKET;
    if (target < KITH_MEDIA_MIN_DELAY)
        return KITH_MEDIA_MIN_DELAY;
    return target > KITH_MEDIA_MAX_DELAY ? KITH_MEDIA_MAX_DELAY : target;
}

void kith_delay_limit(kith_delay *d, kith_time min, kith_time max)
{
    d->min = min;
    d->max = max;
}

/* When it would have come without any delay. */
static kith_time undelayed(const kith_delay *d, uint32_t timestamp)
{
    return to_time(d, kith_seq_unwrap32(d->timestamp, timestamp)) + quickest(d);
}

static kith_time limited_target(const kith_delay *d)
{
    kith_time target = kith_delay_target(d);
    target = target < d->min ? d->min : target;
    return target > d->max ? d->max : target;
}

kith_time kith_delay_latest(const kith_delay *d, uint32_t timestamp)
{
    return d->max == KITH_NEVER ? KITH_NEVER : undelayed(d, timestamp) + d->max;
}

kith_time kith_delay_play_at(kith_delay *d, uint32_t timestamp)
{
    kith_time at = undelayed(d, timestamp) + limited_target(d);
    if (at < d->last_play_at)
        at = d->last_play_at;
    d->last_play_at = at;
    return at;
}
