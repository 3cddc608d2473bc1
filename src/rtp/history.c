#include "rtp/history.h"

#include "base/block.h"
#include "base/memory.h"
#include "base/seq.h"

#define FIRST_CAP 64

static kith_rtp_sent *place(const kith_rtp_history *h, int64_t number)
{
    return &h->items[(uint64_t)number & (h->cap - 1)];
}

void kith_rtp_history_forget_first(kith_rtp_history *h)
{
    kith_rtp_sent *sent = place(h, h->first++);
    if (!sent->is_kept)
        return;
    h->total->count--;
    h->total->bytes -= sent->unit.payload.len;
    kith_block_unref(sent->unit.block);
    *sent = (kith_rtp_sent){0};
}

void kith_rtp_history_forget(kith_rtp_history *h, kith_time time)
{
    while (h->first < h->end) {
        const kith_rtp_sent *oldest = place(h, h->first);
        if (oldest->is_kept && oldest->left_at >= time)
            return;
        kith_rtp_history_forget_first(h);
    }
}

void kith_rtp_history_init(kith_rtp_history *h, kith_rtp_kept *total)
{
    *h = (kith_rtp_history){.total = total};
}

void kith_rtp_history_deinit(kith_rtp_history *h)
{
    while (h->first < h->end)
        kith_rtp_history_forget_first(h);
    kith_free(h->items);
    h->total->wanted -= h->wanted_count;
    kith_rtp_history_init(h, h->total);
}

static bool grow(kith_rtp_history *h)
{
    size_t cap = h->cap > 0 ? 2 * h->cap : FIRST_CAP;
    kith_rtp_sent *items = cap > KITH_RTP_MAX_KEPT ? NULL : kith_alloc_zero(cap, sizeof *items);
    if (!items)
        return false;
    for (int64_t n = h->first; n < h->end; n++)
        items[(uint64_t)n & (cap - 1)] = *place(h, n);
    kith_free(h->items);
    h->items = items;
    h->cap = cap;
    return true;
}

/* False: there is none. */
static bool make_room(kith_rtp_history *h, int64_t number)
{
    if (h->first == h->end)
        h->first = h->end = number;
    /* a gap of the source's, beyond all that is kept */
    while (h->first < h->end && number - h->first >= KITH_RTP_MAX_KEPT)
        kith_rtp_history_forget_first(h);
    if (h->first == h->end)
        h->first = h->end = number;
    while (number - h->first >= (int64_t)h->cap)
        if (!grow(h))
            return false;
    return number >= h->first;
}

void kith_rtp_history_keep(kith_rtp_history *h, kith_time now, const kith_rtp_unit *unit,
                           int64_t number, uint32_t timestamp)
{
    if (!make_room(h, number))
        return;
    *place(h, number) = (kith_rtp_sent){.is_kept = true,
                                        .may_cross = number < h->end,
                                        .number = number,
                                        .timestamp = timestamp,
                                        .left_at = now,
                                        .sent_at = now,
                                        .unit = *unit};
    if (unit->block)
        (void)kith_block_ref(unit->block);
    h->total->count++;
    h->total->bytes += unit->payload.len;
    if (number >= h->end)
        h->end = number + 1;
}

kith_rtp_sent *kith_rtp_history_find(const kith_rtp_history *h, uint16_t number)
{
    if (h->first == h->end)
        return NULL;
    int64_t whole = kith_seq_unwrap(h->end - 1, number);
    if (whole < h->first || whole >= h->end || !place(h, whole)->is_kept)
        return NULL;
    return place(h, whole);
}

bool kith_rtp_history_want(kith_rtp_history *h, kith_rtp_sent *sent)
{
    if (h->wanted_count == KITH_RTP_MAX_WANTED)
        return false;
    h->wanted[(h->wanted_head + h->wanted_count++) % KITH_RTP_MAX_WANTED] = (uint16_t)sent->number;
    h->total->wanted++;
    sent->is_wanted = true;
    return true;
}

kith_rtp_sent *kith_rtp_history_next(kith_rtp_history *h)
{
    while (h->wanted_count > 0) {
        kith_rtp_sent *sent = kith_rtp_history_find(h, h->wanted[h->wanted_head]);
        h->wanted_head = (h->wanted_head + 1) % KITH_RTP_MAX_WANTED;
        h->wanted_count--;
        h->total->wanted--;
        /* what was forgotten meanwhile is not sent */
        if (sent && sent->is_wanted) {
            sent->is_wanted = false;
            return sent;
        }
    }
    return NULL;
}
