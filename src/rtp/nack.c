#include "rtp/nack.h"

#include <string.h>

#include "base/memory.h"

/* What overtakes is late by no more, on networks as they are. */
#define MAX_REORDERING KITH_MS(20)
/* The weight of one packet in kith_rtp_nack.reordering: up by 19 steps, down by one. */
#define STEP 50
/* Of a request: until the round trip is known, and at least. Else a round trip and an eighth, since
 * none is like the one that was measured: what is on its way would be asked for twice. */
#define FIRST_INTERVAL KITH_MS(100)
#define MIN_INTERVAL   KITH_MS(20)
/* A frame that waits longer for a packet is given up (media/video.c). */
#define MAX_AGE   KITH_SECONDS(3)
#define MAX_TIMES 40

#define FIRST_CAP 32

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
    nack->next_at = KITH_NEVER;
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

/* What is sent again was not late at all. */
static void learn(kith_rtp_nack *nack, kith_time late)
{
    nack->reordering += late > nack->reordering ? 19 * STEP : -STEP;
    if (nack->reordering > MAX_REORDERING)
        nack->reordering = MAX_REORDERING;
    if (nack->reordering < 0)
        nack->reordering = 0;
}

static void fill(kith_rtp_nack *nack, const kith_rtp_missing *missing, kith_time late)
{
    size_t at = (size_t)(missing - nack->list);
    learn(nack, late);
    remove_until(nack, at, at + 1);
}

bool kith_rtp_nack_came(kith_rtp_nack *nack, kith_time now, int64_t number, bool begins)
{
    if (begins || !nack->is_started)
        clear(nack, number);
    if (number > nack->highest)
        return miss(nack, now, number);
    if (number > nack->highest - KITH_RTP_NACK_SEEN)
        see(nack, number);
    kith_rtp_missing *missing = find(nack, number);
    if (missing)
        fill(nack, missing, now - missing->noticed_at);
    return true;
}

bool kith_rtp_nack_repaired(kith_rtp_nack *nack, int64_t number)
{
    kith_rtp_missing *missing = find(nack, number);
    if (missing) {
        see(nack, number);
        fill(nack, missing, 0);
    }
    return missing;
}

void kith_rtp_nack_skip(kith_rtp_nack *nack, int64_t number)
{
    remove_until(nack, 0, search(nack, number));
}

static bool is_given_up(const kith_rtp_missing *missing, kith_time now)
{
    return missing->times >= MAX_TIMES || now - missing->noticed_at >= MAX_AGE;
}

size_t kith_rtp_nack_take(kith_rtp_nack *nack, kith_time now, kith_time rtt, uint16_t *numbers,
                          size_t max)
{
    kith_time interval = rtt > 0 ? rtt + rtt / 8 : FIRST_INTERVAL;
    size_t taken = 0, kept = 0;
    if (interval < MIN_INTERVAL)
        interval = MIN_INTERVAL;
    nack->next_at = KITH_NEVER;
    for (size_t i = 0; i < nack->count; i++) {
        kith_rtp_missing missing = nack->list[i];
        if (missing.ask_at <= now && is_given_up(&missing, now))
            continue;
        if (missing.ask_at <= now && taken < max) {
            numbers[taken++] = (uint16_t)missing.number;
            missing.ask_at = now + interval;
            missing.times++;
        }
        if (missing.ask_at < nack->next_at)
            nack->next_at = missing.ask_at;
        nack->list[kept++] = missing;
    }
    nack->count = kept;
    return taken;
}
