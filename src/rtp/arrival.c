/* Transport-wide feedback out: when the packets of the peer came
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01), from which it learns how fast it may send.
 * How often and how far back is as in libwebrtc's RemoteEstimatorProxy. */
#include "base/seq.h"
#include "rtp/session.h"

/* Feedback has this size, and this part of the rate. */
#define FEEDBACK_BITS  (68 * 8)
#define RATE_PART      20
#define MIN_INTERVAL   KITH_MS(50)
#define MAX_INTERVAL   KITH_MS(250)
#define FIRST_INTERVAL KITH_MS(100)
/* While something is asked for, all that RTCP says has the same part (RFC 3550 section 6.2):
 * requests leave at once (RFC 4585 section 3.3), and arrivals wait for what those take, though not
 * longer than this. */
#define ASKING_TIME      KITH_SECONDS(1)
#define MAX_WHILE_ASKING KITH_MS(500)
/* What came so much later than what follows it is not told any more. */
#define LOOK_BACK KITH_MS(500)
/* Numbers that wait for feedback: more would be lost from the ring before they are told. */
#define MAX_UNTOLD (KITH_RTP_MAX_ARRIVALS / 2)

static kith_time *at(kith_rtp_arrivals *a, int64_t number)
{
    return &a->at[(uint64_t)number % KITH_RTP_MAX_ARRIVALS];
}

static bool is_agreed(const kith_rtp_session *s)
{
    for (size_t i = 0; i < s->places.count; i++)
        if (s->places.list[i].takes_transport_cc)
            return true;
    return false;
}

bool kith_rtp_arrivals_are_reduced(const kith_rtp_session *s)
{
    for (size_t i = 0; i < s->places.count; i++)
        if (s->places.list[i].takes_transport_cc && !s->places.list[i].reduced_size)
            return false;
    return true;
}

static void begin(kith_rtp_arrivals *a, int64_t number, kith_time now)
{
    a->is_started = true;
    a->highest = number - 1;
    a->begin = number;
    a->interval = FIRST_INTERVAL;
    a->next_at = KITH_NEVER;
    a->told_at = now;
    a->asked_at = now - ASKING_TIME;
    for (size_t i = 0; i < KITH_RTP_MAX_ARRIVALS; i++)
        a->at[i] = KITH_NEVER;
}

/* Numbers that the ring has no room for are not told: of a jump nobody knows what it means. */
static void advance(kith_rtp_arrivals *a, int64_t number)
{
    int64_t oldest = number - KITH_RTP_MAX_ARRIVALS + 1;
    int64_t from = a->highest + 1 > oldest ? a->highest + 1 : oldest;
    for (int64_t n = from; n <= number; n++)
        *at(a, n) = KITH_NEVER;
    a->highest = number;
    if (a->begin < oldest)
        a->begin = oldest;
}

/* A late one is told of with all that follow it; each only once does it come. */
static bool is_late_news(kith_rtp_arrivals *a, int64_t number, kith_time now)
{
    if (number <= a->highest - KITH_RTP_MAX_ARRIVALS || *at(a, number) != KITH_NEVER)
        return false;
    int64_t next = number;
    while (*at(a, next) == KITH_NEVER)
        next++;
    return now - *at(a, next) <= LOOK_BACK;
}

void kith_rtp_note_arrival(kith_rtp_session *s, const kith_packet *packet)
{
    kith_rtp_arrivals *a = &s->arrivals;
    kith_time now = packet->received_at;
    if (!is_agreed(s))
        return;
    if (!a->is_started)
        begin(a, packet->transport_cc, now);
    int64_t number = kith_seq_unwrap(a->highest, packet->transport_cc);
    if (number > a->highest)
        advance(a, number);
    else if (!is_late_news(a, number, now))
        return;
    if (number < a->begin)
        a->begin = number;
    *at(a, number) = now;
    a->ssrc = packet->header.ssrc;
    a->bytes += packet->len;
    if (a->next_at == KITH_NEVER)
        a->next_at = now + a->interval;
    if (a->highest - a->begin >= MAX_UNTOLD)
        a->next_at = now;
}

kith_time kith_rtp_arrivals_deadline(const kith_rtp_session *s)
{
    return s->arrivals.is_started ? s->arrivals.next_at : KITH_NEVER;
}

static bool is_asking(const kith_rtp_arrivals *a, kith_time now)
{
    return now - a->asked_at < ASKING_TIME;
}

bool kith_rtp_arrivals_may_leave(const kith_rtp_session *s, kith_time now)
{
    const kith_rtp_arrivals *a = &s->arrivals;
    kith_time passed = now - a->told_at;
    bool is_worth_it = is_asking(a, now) && passed >= MIN_INTERVAL && passed >= a->interval / 2;
    kith_time due_at = kith_rtp_arrivals_deadline(s);
    return due_at <= now || (due_at != KITH_NEVER && is_worth_it);
}

/* By the rate at which packets came since the last feedback; `len` bytes are said with it. */
static void schedule(kith_rtp_session *s, kith_time now, size_t len)
{
    kith_rtp_arrivals *a = &s->arrivals;
    kith_time passed = now - a->told_at;
    int64_t bits = (int64_t)a->bytes * 8;
    int64_t owed = kith_rtp_owed(s, len) * 8;
    a->interval = bits > 0 ? FEEDBACK_BITS * RATE_PART * passed / bits : MAX_INTERVAL;
    if (a->interval < MIN_INTERVAL)
        a->interval = MIN_INTERVAL;
    if (a->interval > MAX_INTERVAL)
        a->interval = MAX_INTERVAL;
    kith_time until_paid = bits > 0 && is_asking(a, now) ? owed * RATE_PART * passed / bits : 0;
    if (until_paid > a->interval)
        a->interval = kith_rtp_earlier(until_paid, MAX_WHILE_ASKING);
    a->next_at = KITH_NEVER;
    a->told_at = now;
    a->bytes = 0;
}

void kith_rtp_write_arrivals(kith_rtp_session *s, kith_time now, kith_writer *w,
                             uint32_t sender_ssrc)
{
    kith_rtp_arrivals *a = &s->arrivals;
    kith_time arrivals[KITH_RTP_MAX_ARRIVALS];
    size_t count = 0;
    for (int64_t n = a->begin; n <= a->highest; n++)
        arrivals[count++] = *at(a, n);
    size_t told =
        kith_rtcp_write_transport_cc(w,
                                     &(kith_rtcp_transport_cc){.sender_ssrc = sender_ssrc,
                                                               .media_ssrc = a->ssrc,
                                                               .base = (uint16_t)a->begin,
                                                               .feedback_count = a->feedback_count},
                                     arrivals, count);
    if (told == 0)
        return;
    a->feedback_count++;
    a->begin += (int64_t)told;
    if (a->begin > a->highest)
        schedule(s, now, w->len);
}
