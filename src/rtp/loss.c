/* How fast by what reports say of loss, where nothing else is known of the path: below 2 % of loss
 * a little more, above 10 % less, in between as it is (libwebrtc's rule for peers without other
 * feedback). Until a report tells of loss the rate grows as fast as doubles in two seconds.
 *
 * What was sent bounds both ways: the path carried that much and may carry half as much again, and
 * what it lost was of that. */
#include "rtp/session.h"

/* Of 256, as report blocks count. */
#define LITTLE 5
#define MUCH   26
/* In percent of the rate in a second. */
#define GROWTH       8
#define FIRST_GROWTH 50
/* Fewer packets say little: one of ten that is lost is no rule. */
#define LEAST_PACKETS 20
/* Reports of all streams come together; and what is changed shows in the reports after that. */
#define LEAST_INTERVAL KITH_MS(100)
#define LOWER_INTERVAL KITH_MS(300)
/* Reports of sound alone come every 5 s or so. */
#define MAX_INTERVAL KITH_SECONDS(10)
/* Times TCP's share; and what it is lowered by there, of 512. */
#define MOST_OF_TCP 7
#define QUARTER     128
/* What grows, grows for a second at a time. */
#define MAX_GROWING KITH_SECONDS(1)

#define UNLIMITED UINT64_MAX

void kith_rtp_loss_init(kith_rtp_loss *loss)
{
    *loss = (kith_rtp_loss){.bitrate = KITH_RTP_START_BITRATE, .lowered_at = -LOWER_INTERVAL};
}

static void begin(kith_rtp_loss *loss, kith_time now)
{
    loss->is_started = true;
    loss->judged_at = now;
    loss->expected = loss->lost = 0;
    loss->sent = 0;
    loss->packets = 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of a stream that began, or began anew, there is no interval yet. */
static void count(kith_rtp_loss *loss, kith_rtp_out *out, const kith_rtcp_report *report)
{
    int32_t expected = (int32_t)(report->highest_sequence - out->loss_highest);
    bool is_counted = out->has_loss_highest && expected > 0 && expected <= UINT16_MAX;
    out->has_loss_highest = true;
    out->loss_highest = report->highest_sequence;
    if (!is_counted)
        return;
    loss->expected += expected;
    loss->lost += (int64_t)expected * report->fraction_lost;
}

static void lower(kith_rtp_loss *loss, const kith_rtp_session *s, kith_time now, uint64_t sent_rate,
                  uint64_t parts)
{
    if (now - loss->lowered_at < LOWER_INTERVAL + kith_rtp_rtt(s))
        return;
    loss->lowered_at = now;
    loss->bitrate = least(loss->bitrate, sent_rate) / 512 * (512 - parts);
}

/* Where a queue is long and loses some, what loss alone lets pass is soon ten times TCP's share,
 * and the circuit breaker would end it (RFC 8083 section 4.3, and breaker.c of its formula). */
static bool is_near_breaker(const kith_rtp_session *s, kith_time interval, uint64_t lost)
{
    double tr = (double)kith_rtp_rtt(s) / 1e6, p = (double)lost / 256;
    double rate = (double)s->loss.packets * 1e6 / (double)interval;
    return rate * rate * tr * tr * 2 * p / 3 > MOST_OF_TCP * MOST_OF_TCP;
}

static void raise(kith_rtp_loss *loss, kith_time interval, uint64_t sent_rate)
{
    if (loss->bitrate == UNLIMITED)
        return;
    uint64_t growth = loss->has_lost ? GROWTH : FIRST_GROWTH;
    uint64_t time = (uint64_t)kith_rtp_earlier(interval, MAX_GROWING);
    uint64_t grown = loss->bitrate + loss->bitrate * growth / 100 * time / 1000000 + time / 1000;
    uint64_t most = sent_rate + sent_rate / 2 + 10000;
    if (least(grown, most) > loss->bitrate)
        loss->bitrate = least(grown, most);
}

static void judge(kith_rtp_session *s, kith_time now)
{
    kith_rtp_loss *loss = &s->loss;
    kith_time interval = now - loss->judged_at;
    uint64_t before = loss->bitrate, lost = (uint64_t)(loss->lost / loss->expected);
    uint64_t sent_rate = loss->sent * 8000000 / (uint64_t)interval;
    if (lost >= MUCH)
        lower(loss, s, now, sent_rate, lost);
    else if (is_near_breaker(s, interval, lost))
        lower(loss, s, now, sent_rate, QUARTER);
    else if (lost < LITTLE)
        raise(loss, interval, sent_rate);
    loss->has_lost |= lost >= LITTLE;
    begin(loss, now);
    s->is_estimate_pending |= loss->bitrate != before;
    s->has_events |= s->is_estimate_pending;
}

void kith_rtp_loss_reported(kith_rtp_session *s, kith_time now, kith_rtp_out *out,
                            const kith_rtcp_report *report)
{
    kith_rtp_loss *loss = &s->loss;
    if (out->repaired)
        return;
    /* a pause says nothing of the path */
    if (!loss->is_started || now - loss->judged_at > MAX_INTERVAL)
        begin(loss, now);
    count(loss, out, report);
    if (loss->expected >= LEAST_PACKETS && now - loss->judged_at >= LEAST_INTERVAL)
        judge(s, now);
}

/* The peer measures the path: while nothing was lost it knows better what more it carries. */
void kith_rtp_loss_estimated(kith_rtp_loss *loss, uint64_t bitrate)
{
    if (!loss->has_lost && bitrate > loss->bitrate)
        loss->bitrate = bitrate;
}

uint64_t kith_rtp_estimate(const kith_rtp_session *s)
{
    return least(s->estimate, s->loss.bitrate);
}

void kith_rtp_forget_estimate(kith_rtp_session *s)
{
    s->estimate = UNLIMITED;
    s->is_estimate_pending = false;
    kith_rtp_loss_init(&s->loss);
    KITH_RTP_EACH_OUT(s, out)
        out->has_loss_highest = false;
}
