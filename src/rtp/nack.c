#include "rtp/nack.h"

#include <string.h>

#include "base/memory.h"

/* What overtakes is late by no more, on networks as they are. */
#define MAX_REORDERING KITH_MS(20)
/* A sender that takes longer between two packets of a frame has its next frame show what is lost.
 */
#define MAX_SPACING KITH_MS(100)
/* A packet of a frame that others of came: so much later than 19 of 20 it is lost. Behind the last
 * of a picture nothing else would show it, until the next one comes. */
#define OVERDUE KITH_MS(10)
/* The weight of one packet in kith_rtp_nack.reordering and spacing: up by 19 steps, down by one. */
#define STEP 50
/* Of a request: until the round trip is known, and at least. Else a round trip and an eighth, since
 * none is like the one that was measured, but 10 ms at least, since senders are paced: what is on
 * its way would be asked for twice, and libwebrtc hears no request within a round trip and 5 ms of
 * what it sent again. */
#define FIRST_INTERVAL KITH_MS(100)
#define MIN_INTERVAL   KITH_MS(20)
#define MIN_ALLOWANCE  KITH_MS(10)
/* A request is small, and where it is lost a round trip is: on a longer one than this it is said
 * twice, the second time a quarter of the interval later. Who heard the first does not hear it. */
#define MIN_DOUBLED_RTT KITH_MS(20)
/* A frame that waits longer for a packet is given up (media/video.c). */
#define MAX_AGE   KITH_SECONDS(3)
#define MAX_TIMES 40
/* Of what need not have been sent. */
#define MAX_GUESSES 5

#define FIRST_CAP 32

void kith_rtp_nack_init(kith_rtp_nack *nack)
{
    *nack = (kith_rtp_nack){.next_at = KITH_NEVER, .overdue_at = KITH_NEVER};
}

void kith_rtp_nack_deinit(kith_rtp_nack *nack)
{
    kith_free(nack->list);
    *nack = (kith_rtp_nack){0};
}

static void clear(kith_rtp_nack *nack, int64_t highest)
{
    nack->is_started = true;
    nack->highest = highest;
    nack->count = 0;
    nack->is_frame_open = false;
    nack->next_at = nack->overdue_at = KITH_NEVER;
    memset(nack->seen, 0, sizeof nack->seen);
}

static uint64_t bit_of(int64_t number)
{
    return UINT64_C(1) << ((uint64_t)number % 64);
}

static size_t word_of(int64_t number)
{
    return (uint64_t)number % KITH_RTP_NACK_SEEN / 64;
}

bool kith_rtp_nack_has(const kith_rtp_nack *nack, int64_t number)
{
    return number <= nack->highest && number > nack->highest - KITH_RTP_NACK_SEEN &&
           (nack->seen[word_of(number)] & bit_of(number)) != 0;
}

static void see(kith_rtp_nack *nack, int64_t number)
{
    nack->seen[word_of(number)] |= bit_of(number);
}

static bool make_room(kith_rtp_nack *nack, size_t count)
{
    size_t cap = nack->cap > 0 ? nack->cap : FIRST_CAP;
    while (cap < count)
        cap *= 2;
    if (cap == nack->cap)
        return true;
    kith_rtp_missing *list = kith_alloc_zero(cap, sizeof *list);
    if (!list)
        return false;
    if (nack->count > 0)
        memcpy(list, nack->list, nack->count * sizeof *list);
    kith_free(nack->list);
    nack->list = list;
    nack->cap = cap;
    return true;
}

/* Everything between the highest and `number` is missing. */
static bool miss(kith_rtp_nack *nack, kith_time now, int64_t number)
{
    int64_t missing = number - nack->highest - 1;
    if (missing > KITH_RTP_MAX_MISSING - (int64_t)nack->count ||
        !make_room(nack, nack->count + (size_t)missing)) {
        clear(nack, number);
        see(nack, number);
        return false;
    }
    kith_time ask_at = now + nack->reordering;
    for (int64_t n = nack->highest + 1; n < number; n++) {
        nack->list[nack->count++] =
            (kith_rtp_missing){.number = n, .noticed_at = now, .ask_at = ask_at};
        nack->seen[word_of(n)] &= ~bit_of(n);
    }
    if (missing > 0 && ask_at < nack->next_at)
        nack->next_at = ask_at;
    nack->highest = number;
    see(nack, number);
    return true;
}

/* The first that is not below `number`. */
static size_t search(const kith_rtp_nack *nack, int64_t number)
{
    size_t low = 0, high = nack->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (nack->list[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_until(kith_rtp_nack *nack, size_t from, size_t end)
{
    if (from == end)
        return;
    memmove(&nack->list[from], &nack->list[end], (nack->count - end) * sizeof *nack->list);
    nack->count -= end - from;
    if (nack->count == 0)
        nack->next_at = KITH_NEVER;
}

/* NULL: it is not missing. */
static kith_rtp_missing *find(const kith_rtp_nack *nack, int64_t number)
{
    size_t at = search(nack, number);
    return at < nack->count && nack->list[at].number == number ? &nack->list[at] : NULL;
}

/* Moves `quantile` so that 19 of 20 are below it. */
static void learn(kith_time *quantile, kith_time seen, kith_time max)
{
    *quantile += seen > *quantile ? 19 * STEP : -STEP;
    if (*quantile > max)
        *quantile = max;
    if (*quantile < 0)
        *quantile = 0;
}

/* What is sent again was not late at all; and what is later than any wait was late already before
 * it came to who sends it, a mirror or a relay: waiting would not spare a request for it. */
static void fill(kith_rtp_nack *nack, const kith_rtp_missing *missing, kith_time late)
{
    size_t at = (size_t)(missing - nack->list);
    if (!missing->is_guess)
        learn(&nack->reordering, late > MAX_REORDERING ? 0 : late, MAX_REORDERING);
    remove_until(nack, at, at + 1);
}

/* The next packet of the frame is waited for, if there is one, until `overdue_at`. */
static void expect_next(kith_rtp_nack *nack, kith_time now, const kith_rtp_came *came,
                        kith_time overdue_at)
{
    nack->came_at = now;
    nack->overdue_at = came->ends_frame ? KITH_NEVER : overdue_at;
    nack->is_frame_open = !came->ends_frame;
}

/* It was not lost, however long it took after the one before. */
static void note_spacing(kith_rtp_nack *nack, kith_time now)
{
    if (nack->is_frame_open)
        learn(&nack->spacing, now - nack->came_at, MAX_SPACING);
}

static kith_time overdue_after(const kith_rtp_nack *nack, kith_time now)
{
    return nack->spacing < MAX_SPACING ? now + nack->spacing + OVERDUE : KITH_NEVER;
}

/* What was missing at the end was, since something came behind it. */
static void confirm_guess(kith_rtp_nack *nack)
{
    if (nack->count > 0)
        nack->list[nack->count - 1].is_guess = false;
}

bool kith_rtp_nack_came(kith_rtp_nack *nack, kith_time now, const kith_rtp_came *came)
{
    if (came->begins_stream || !nack->is_started)
        clear(nack, came->number);
    kith_rtp_missing *missing = find(nack, came->number);
    /* what was thought to be missing is the highest */
    bool is_next = came->number == nack->highest || came->number == nack->highest + 1;
    if (is_next)
        note_spacing(nack, now);
    if (came->number >= nack->highest)
        expect_next(nack, now, came, overdue_after(nack, now));
    if (came->number > nack->highest) {
        confirm_guess(nack);
        return miss(nack, now, came->number);
    }
    if (came->number > nack->highest - KITH_RTP_NACK_SEEN)
        see(nack, came->number);
    if (missing)
        fill(nack, missing, now - missing->noticed_at);
    return true;
}

bool kith_rtp_nack_repaired(kith_rtp_nack *nack, kith_time now, const kith_rtp_came *came)
{
    kith_rtp_missing *missing = find(nack, came->number);
    if (!missing)
        return false;
    /* it was the last that was sent, or more of its frame is as late */
    if (missing->is_guess)
        expect_next(nack, now, came, now);
    see(nack, came->number);
    fill(nack, missing, 0);
    return true;
}

void kith_rtp_nack_skip(kith_rtp_nack *nack, int64_t number)
{
    remove_until(nack, 0, search(nack, number));
}

static bool is_given_up(const kith_rtp_missing *missing, kith_time now)
{
    unsigned max = missing->is_guess ? MAX_GUESSES : MAX_TIMES;
    return (missing->times >= max && !missing->is_second_due) ||
           now - missing->noticed_at >= MAX_AGE;
}

/* The next packet of the frame is overdue. */
static void guess(kith_rtp_nack *nack, kith_time now)
{
    nack->overdue_at = KITH_NEVER;
    if (nack->count == KITH_RTP_MAX_MISSING || !make_room(nack, nack->count + 1))
        return;
    int64_t number = ++nack->highest;
    nack->seen[word_of(number)] &= ~bit_of(number);
    nack->list[nack->count++] =
        (kith_rtp_missing){.number = number, .noticed_at = now, .ask_at = now, .is_guess = true};
}

kith_time kith_rtp_nack_at(const kith_rtp_nack *nack)
{
    return nack->overdue_at < nack->next_at ? nack->overdue_at : nack->next_at;
}

static kith_time interval_of(kith_time rtt)
{
    if (rtt <= 0)
        return FIRST_INTERVAL;
    kith_time interval = rtt + (rtt / 8 > MIN_ALLOWANCE ? rtt / 8 : MIN_ALLOWANCE);
    return interval > MIN_INTERVAL ? interval : MIN_INTERVAL;
}

/* It is asked for: when is it next? */
static void schedule(kith_rtp_missing *missing, kith_time now, const kith_rtp_asked *how)
{
    kith_time interval = interval_of(how->rtt);
    if (missing->is_second_due) {
        missing->is_second_due = false;
        missing->ask_at = missing->asked_at + interval;
        return;
    }
    missing->is_second_due = how->may_double && how->rtt >= MIN_DOUBLED_RTT;
    missing->asked_at = now;
    missing->ask_at = now + (missing->is_second_due ? interval / 4 : interval);
    missing->times++;
}

size_t kith_rtp_nack_take(kith_rtp_nack *nack, kith_time now, const kith_rtp_asked *how,
                          uint16_t *numbers, size_t max)
{
    size_t taken = 0, kept = 0;
    if (nack->overdue_at <= now)
        guess(nack, now);
    nack->next_at = KITH_NEVER;
    for (size_t i = 0; i < nack->count; i++) {
        kith_rtp_missing missing = nack->list[i];
        if (missing.ask_at <= now && is_given_up(&missing, now))
            continue;
        if (missing.ask_at <= now && taken < max) {
            numbers[taken++] = (uint16_t)missing.number;
            schedule(&missing, now, how);
        }
        if (missing.ask_at < nack->next_at)
            nack->next_at = missing.ask_at;
        nack->list[kept++] = missing;
    }
    nack->count = kept;
    return taken;
}
