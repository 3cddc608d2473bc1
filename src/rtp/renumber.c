/* An offset for each source; another source, or the same one after it jumped, gets another offset,
 * with which it goes on where the last one ended. A number never leaves twice: under SRTP it would
 * be the same index with other bytes (RFC 7714 section 8.4). */
#include "rtp/renumber.h"

#include <assert.h>
#include <string.h>

#include "base/seq.h"
#include "crypto/random.h"
#include "rtp/ticks.h"

/* A source that restarted just behind its highest number would be silent until it comes there: that
 * many dropped packets, one after the other, are no late ones. */
#define MAX_DROPS_IN_ROW 3

static uint64_t *word_of(kith_rtp_numbers *n, int64_t number)
{
    return &n->sent[(uint64_t)number % KITH_RTP_MAX_REORDER / 64];
}

static bool is_marked(const kith_rtp_numbers *n, int64_t number)
{
    return (n->sent[(uint64_t)number % KITH_RTP_MAX_REORDER / 64] >> ((uint64_t)number % 64) & 1) !=
           0;
}

static void mark(kith_rtp_numbers *n, int64_t number)
{
    *word_of(n, number) |= UINT64_C(1) << ((uint64_t)number % 64);
}

/* `number` becomes the highest: those that were skipped have not left. */
static void advance(kith_rtp_numbers *n, int64_t number)
{
    if (number - n->last >= KITH_RTP_MAX_REORDER)
        memset(n->sent, 0, sizeof n->sent);
    else
        for (int64_t i = n->last + 1; i < number; i++)
            *word_of(n, i) &= ~(UINT64_C(1) << ((uint64_t)i % 64));
    n->last = number;
    mark(n, number);
}

/* Below 2^15 (see kith_rtp_push), and so that what the source sent just before has numbers too. */
static void start(kith_rtp_numbers *n)
{
    n->is_started = true;
    n->last = (int64_t)kith_random_below(0x8000 - KITH_RTP_MAX_REORDER) + KITH_RTP_MAX_REORDER - 1;
    n->timestamp_offset = kith_random_u32();
}

/* The clock goes on by the time that passed; a tick at least, so that two frames never share a
 * timestamp. */
static uint32_t ticks_since_last(const kith_rtp_numbers *n, kith_time now, uint32_t clock_rate)
{
    uint32_t ticks = now > n->last_at ? kith_rtp_ticks(now - n->last_at, clock_rate) : 0;
    return ticks > 0 ? ticks : 1;
}

/* The source goes on at last + 1. */
static void join(kith_rtp_numbers *n, kith_time now, uint32_t clock_rate, const kith_rtp_unit *unit)
{
    bool is_first = !n->is_started;
    if (is_first)
        start(n);
    else
        n->timestamp_offset =
            n->last_timestamp + ticks_since_last(n, now, clock_rate) - unit->timestamp;
    n->is_numbered = unit->is_numbered;
    n->source_ssrc = unit->source_ssrc;
    n->source_last = unit->sequence_number;
    n->offset = n->last + 1 - n->source_last;
    /* What another source sent is never sent again; below the very first number there is room. */
    n->first = is_first ? n->last + 2 - KITH_RTP_MAX_REORDER : n->last + 1;
    n->drops_in_row = 0;
    n->closes_gap = false;
}

static bool is_same_source(const kith_rtp_numbers *n, const kith_rtp_unit *unit)
{
    if (!n->is_started || n->is_numbered != unit->is_numbered ||
        n->drops_in_row == MAX_DROPS_IN_ROW)
        return false;
    if (!unit->is_numbered)
        return true;
    int64_t ahead = kith_seq_unwrap(n->source_last, unit->sequence_number) - n->source_last;
    return n->source_ssrc == unit->source_ssrc && ahead <= KITH_RTP_MAX_GAP &&
           ahead >= -KITH_RTP_MAX_REORDER;
}

static kith_rtp_place_in_order drop(kith_rtp_numbers *n, int64_t source,
                                    kith_rtp_place_in_order why)
{
    n->drops_in_row = source == n->dropped_last + 1 ? n->drops_in_row + 1 : 1;
    n->dropped_last = source;
    return why;
}

kith_rtp_place_in_order kith_rtp_number(kith_rtp_numbers *n, kith_time now, uint32_t clock_rate,
                                        const kith_rtp_unit *unit, int64_t *number,
                                        uint32_t *timestamp)
{
    int64_t source = unit->sequence_number;
    if (!is_same_source(n, unit))
        join(n, now, clock_rate, unit);
    else if (unit->is_numbered)
        source = kith_seq_unwrap(n->source_last, unit->sequence_number);
    if (n->closes_gap && unit->is_numbered && source > n->source_last) {
        n->offset = n->last + 1 - source;
        n->first = n->last + 1;
        n->closes_gap = false;
    }
    *number = unit->is_numbered ? source + n->offset : n->last + 1;
    *timestamp = unit->timestamp + n->timestamp_offset;
    if (*number < n->first || *number <= n->last - KITH_RTP_MAX_REORDER)
        return drop(n, source, KITH_RTP_TOO_LATE);
    if (*number <= n->last) {
        if (is_marked(n, *number))
            return drop(n, source, KITH_RTP_DOUBLED);
        mark(n, *number);
        return KITH_RTP_REORDERED;
    }
    advance(n, *number);
    n->source_last = source;
    n->drops_in_row = 0;
    n->last_timestamp = *timestamp;
    n->last_at = now;
    return KITH_RTP_IN_ORDER;
}

/* What the source sends later has the numbers above it. */
int64_t kith_rtp_number_own(kith_rtp_numbers *n)
{
    assert(n->is_started);
    advance(n, n->last + 1);
    n->offset++;
    n->first = n->last + 1;
    return n->last;
}

void kith_rtp_close_gap(kith_rtp_numbers *n)
{
    n->closes_gap = true;
}

bool kith_rtp_has_sent(const kith_rtp_numbers *n, uint16_t number)
{
    if (!n->is_started)
        return false;
    int64_t whole = kith_seq_unwrap(n->last, number);
    return whole <= n->last && whole > n->last - KITH_RTP_MAX_REORDER && is_marked(n, whole);
}
