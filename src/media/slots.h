/* Packets that wait for those before them, by number. */
#ifndef KITH_MEDIA_SLOTS_H
#define KITH_MEDIA_SLOTS_H

#include "media/media.h"

typedef struct kith_slot {
    /* NULL: it did not come */
    kith_packet *packet;
    kith_media_codec codec;
    /* A key frame begins with it; or does if the packet before it is of another frame. */
    bool begins_key_frame, may_begin_key_frame;
} kith_slot;

typedef struct kith_slots {
    kith_slot *slots;
    /* a power of two, up to KITH_MEDIA_MAX_PACKETS */
    size_t cap;
    /* the lowest number that there is a place for, and the one above the highest that came */
    int64_t first, end;
} kith_slots;

void kith_slots_init(kith_slots *s);
void kith_slots_deinit(kith_slots *s);
/* Takes the packet's reference. False: its number is before `first`, or there is one already, or
 * there is no room or no memory; the reference stays the caller's. */
KITH_MUST_CHECK bool kith_slots_put(kith_slots *s, const kith_slot *slot);
/* Is there no room for this number, for all that waits is older? */
bool kith_slots_is_beyond(const kith_slots *s, int64_t number);
/* NULL: it did not come. */
static inline const kith_slot *kith_slots_at(const kith_slots *s, int64_t number)
{
    if (number < s->first || number >= s->end)
        return NULL;
    const kith_slot *slot = &s->slots[(uint64_t)number & (s->cap - 1)];
    return slot->packet ? slot : NULL;
}

/* The first number from `number` on that came, and from which on none came at all; `end` where
 * there is none. */
int64_t kith_slots_next(const kith_slots *s, int64_t number);
int64_t kith_slots_gap(const kith_slots *s, int64_t number);
/* Everything below `number` goes, which then is the first that may come. */
void kith_slots_drop_before(kith_slots *s, int64_t number);

#endif
