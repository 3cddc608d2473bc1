/* The time in a file that is written: RTP's timestamps begin anywhere, wrap, and begin anew with
 * another stream. */
#include "files/writer.h"

/* How far a timestamp may go ahead of the time of arrival: jitter, and what was sent late. */
#define SLACK KITH_SECONDS(10)
/* Where frames have no time of arrival. */
#define LONGEST_PAUSE KITH_SECONDS(60)

static uint64_t ticks_of(kith_time time, uint32_t rate)
{
    return (uint64_t)time / 1000000 * rate + (uint64_t)time % 1000000 * rate / 1000000;
}

uint64_t kith_file_clock_at(kith_file_clock *clock, const kith_frame *frame, uint32_t rate)
{
    if (clock->has_begun) {
        bool is_dated = frame->received_at > 0 && clock->last_received > 0 &&
                        frame->received_at >= clock->last_received;
        kith_time passed = is_dated ? frame->received_at - clock->last_received : 0;
        uint32_t step = frame->rtp_timestamp - clock->last;
        uint64_t most = ticks_of(is_dated ? passed + SLACK : LONGEST_PAUSE, rate);
        /* another clock: what passed here is what passed there */
        clock->ticks += step < UINT32_C(1) << 31 && step <= most ? step : ticks_of(passed, rate);
    }
    clock->has_begun = true;
    clock->last = frame->rtp_timestamp;
    clock->last_received = frame->received_at;
    return clock->ticks;
}
