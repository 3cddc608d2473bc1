/* When what comes was captured: sender reports tie a stream's timestamps to a clock of its source,
 * which all streams of one CNAME share (RFC 3550 section 6.5.1); and when they come ties that clock
 * to ours. The report that was least delayed says it best, of the last two minutes, since clocks
 * drift. */
#include "rtp/session.h"

#define WINDOW KITH_SECONDS(60)
/* A clock that was set: what was known of it is of no use. */
#define STEP KITH_SECONDS(1)

static kith_time time_of(uint64_t ntp)
{
    return (kith_time)((ntp >> 32) * 1000000 + ((ntp & UINT32_MAX) * 1000000 >> 32));
}

static kith_rtp_clock *find(kith_rtp_session *s, uint64_t key)
{
    for (unsigned i = 0; i < KITH_RTP_MAX_CLOCKS; i++)
        if (s->clocks[i].key == key)
            return &s->clocks[i];
    return NULL;
}

/* The one that was not heard of for longest makes way. */
static kith_rtp_clock *make(kith_rtp_session *s, uint64_t key)
{
    kith_rtp_clock *oldest = &s->clocks[0];
    for (unsigned i = 1; i < KITH_RTP_MAX_CLOCKS; i++)
        if (s->clocks[i].heard_at < oldest->heard_at)
            oldest = &s->clocks[i];
    *oldest = (kith_rtp_clock){.key = key};
    return oldest;
}

static kith_time offset_of(const kith_rtp_clock *clock)
{
    return kith_rtp_earlier(clock->least, clock->least_before);
}

static void note(kith_rtp_session *s, const kith_rtp_in *in)
{
    kith_time at = in->info.report_received_at;
    kith_time offset = at - time_of(in->info.remote_ntp) - kith_rtp_rtt(s) / 2;
    kith_rtp_clock *clock = find(s, in->clock_key);
    bool is_new = !clock;
    if (is_new)
        clock = make(s, in->clock_key);
    if (is_new || offset > offset_of(clock) + STEP || offset < offset_of(clock) - STEP) {
        clock->least = clock->least_before = offset;
        clock->window_began = at;
    }
    if (at - clock->window_began >= WINDOW) {
        clock->least_before = clock->least;
        clock->least = offset;
        clock->window_began = at;
    }
    clock->least = kith_rtp_earlier(clock->least, offset);
    clock->heard_at = at;
}

void kith_rtp_note_report(kith_rtp_session *s, kith_rtp_in *in)
{
    /* section 6.4.1: a source without a clock says 0 */
    if (in->info.remote_ntp == 0)
        return;
    /* until its CNAME is known, it has a clock of its own */
    if (in->clock_key == 0)
        in->clock_key = (uint64_t)in->ssrc + 1;
    note(s, in);
}

/* FNV-1a; never that of an SSRC. */
static uint64_t key_of(kith_span cname)
{
    uint64_t key = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < cname.len; i++)
        key = (key ^ cname.data[i]) * UINT64_C(0x100000001b3);
    return key | UINT64_C(1) << 63;
}

void kith_rtp_note_cname(kith_rtp_session *s, uint32_t ssrc, kith_span cname)
{
    kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (!in || in->clock_key == key_of(cname))
        return;
    in->clock_key = key_of(cname);
    kith_rtp_note_report(s, in);
}

bool kith_rtp_capture_time(kith_rtp_session *s, uint32_t ssrc, uint32_t rtp_timestamp,
                           kith_rtp_captured *out)
{
    const kith_rtp_in *in = kith_rtp_find_in(s, ssrc);
    if (!in || in->info.remote_ntp == 0 || in->clock_rate == 0)
        return false;
    const kith_rtp_clock *clock = find(s, in->clock_key);
    if (!clock)
        return false;
    int64_t ticks = (int32_t)(rtp_timestamp - in->info.remote_rtp_timestamp);
    out->at =
        time_of(in->info.remote_ntp) + offset_of(clock) + ticks * 1000000 / (int64_t)in->clock_rate;
    out->clock = in->clock_key;
    return true;
}
