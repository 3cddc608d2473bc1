/* The clock of all loops and endpoints of the process. */
#include "io/clock.h"

#include <assert.h>
#include <time.h>

static kith_time read_clock(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);
    assert(result == 0);
    (void)result;
    return KITH_SECONDS(now.tv_sec) + now.tv_nsec / 1000;
}

kith_time kith_clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t kith_clock_ntp_at_zero(void)
{
    /* Seconds from 1900 to 1970 (RFC 868). */
    const kith_time ntp_to_unix = KITH_SECONDS(2208988800);
    return (uint64_t)(read_clock(CLOCK_REALTIME) + ntp_to_unix - kith_clock_now());
}
