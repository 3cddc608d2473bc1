#include "media/slots.h"

#include "base/memory.h"

#define FIRST_CAP 64

void kith_slots_init(kith_slots *s)
{
    *s = (kith_slots){0};
}

void kith_slots_deinit(kith_slots *s)
{
    (void)kith_slots_drop_before(s, s->end);
    kith_free(s->slots);
    kith_slots_init(s);
}

static kith_slot *place(kith_slots *s, int64_t number)
{
    return &s->slots[(uint64_t)number & (s->cap - 1)];
}

bool kith_slots_is_beyond(const kith_slots *s, int64_t number)
{
    return number - s->first >= KITH_MEDIA_MAX_PACKETS;
}

static bool grow(kith_slots *s, int64_t number)
{
    size_t needed = (size_t)(number - s->first) + 1;
    size_t cap = s->cap > 0 ? s->cap : FIRST_CAP;
    while (cap < needed)
        cap *= 2;
    if (cap == s->cap)
        return true;
    kith_slot *slots = kith_alloc_zero(cap, sizeof *slots);
    if (!slots)
        return false;
    for (int64_t n = s->first; n < s->end; n++)
        slots[(uint64_t)n & (cap - 1)] = *place(s, n);
    kith_free(s->slots);
    s->slots = slots;
    s->cap = cap;
    return true;
}

bool kith_slots_put(kith_slots *s, const kith_slot *slot)
{
    int64_t number = slot->packet->number;
    if (number < s->first || kith_slots_is_beyond(s, number) || !grow(s, number) ||
        place(s, number)->packet)
        return false;
    *place(s, number) = *slot;
    if (number >= s->end)
        s->end = number + 1;
    return true;
}

int64_t kith_slots_next(const kith_slots *s, int64_t number)
{
    while (number < s->end && !kith_slots_at(s, number))
        number++;
    return number;
}

int64_t kith_slots_gap(const kith_slots *s, int64_t number)
{
    while (kith_slots_at(s, number))
        number++;
    return number;
}

void kith_slots_drop_before(kith_slots *s, int64_t number)
{
    for (int64_t n = s->first; n < number && n < s->end; n++) {
        kith_slot *slot = place(s, n);
        kith_block_unref(slot->packet);
        slot->packet = NULL;
    }
    s->first = number;
    if (s->end < number)
        s->end = number;
}
