/* The clock of all loops and endpoints of the process. */
#include "io/clock.h"

#include <assert.h>
#include <time.h>

static kith_time time_of(const struct timespec *at)
{
    return KITH_SECONDS(at->tv_sec) + at->tv_nsec / 1000;
}

/* CLOCK_MONOTONIC stands still while the machine sleeps, and what had run out meanwhile, a peer's
 * consent above all (RFC 7675 section 5.1), would look fresh. */
kith_time kith_clock_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) == 0)
        return time_of(&now);
    int result = clock_gettime(CLOCK_MONOTONIC, &now); /* a kernel or sandbox without it */
    assert(result == 0);
    (void)result;
    return time_of(&now);
}

uint64_t kith_clock_ntp_at_zero(void)
{
    /* Seconds from 1900 to 1970 (RFC 868). */
    const kith_time ntp_to_unix = KITH_SECONDS(2208988800);
    struct timespec wall;
    int result = clock_gettime(CLOCK_REALTIME, &wall);
    assert(result == 0);
    (void)result;
    return (uint64_t)(time_of(&wall) + ntp_to_unix - kith_clock_now());
}
