/* Audio: a packet is a frame. In order; one that is missing is waited for as long as a player would
 * wait for it. */
#include "base/error.h"
#include "media/assembler.h"
#include "wire/opus.h"

static uint32_t samples_of(const kith_slot *slot)
{
    kith_span payload = kith_packet_payload(slot->packet);
    return slot->codec == KITH_MEDIA_OPUS ? kith_opus_samples(payload) : (uint32_t)payload.len;
}

/* What came before `next` is done with. */
static void go_on(kith_assembler *a, int64_t next)
{
    kith_slots_drop_before(&a->slots, next);
    a->next = next;
    a->hole_since = KITH_NEVER;
}

/* What is at `next`, or behind a hole that nothing will fill any more. */
static const kith_slot *find(kith_assembler *a)
{
    const kith_slot *slot = kith_slots_at(&a->slots, a->next);
    if (slot || a->slots.end <= a->next)
        return slot;
    int64_t behind = kith_slots_next(&a->slots, a->next);
    if (a->hole_since == KITH_NEVER)
        a->hole_since = kith_slots_at(&a->slots, behind)->packet->received_at;
    kith_time over_at = a->hole_since + kith_assembler_patience(a);
    if (a->now < over_at) {
        a->wake_at = over_at;
        return NULL;
    }
    go_on(a, behind);
    return kith_slots_at(&a->slots, behind);
}

/* RFC 3550 section 5.1: the timestamp goes on in a silence too, so that only what numbers say was
 * lost is lost. */
static uint32_t lost_samples(const kith_assembler *a, const kith_slot *slot)
{
    if (a->next == a->following_number || !a->has_followed || a->last_codec != slot->codec)
        return 0;
    uint32_t lost = slot->packet->header.timestamp - a->following_timestamp;
    return lost < UINT32_C(0x80000000) ? lost : 0;
}

static kith_assembled *unpack(kith_assembler *a, const kith_slot *slot)
{
    kith_assembled *frame = kith_unpack(a, a->next, a->next + 1);
    if (!frame)
        return NULL;
    a->counters.frames++;
    frame->lost_before = lost_samples(a, slot);
    frame->samples = samples_of(slot);
    a->has_followed = true;
    a->last_codec = slot->codec;
    a->following_number = a->next + 1;
    a->following_timestamp = slot->packet->header.timestamp + samples_of(slot);
    return frame;
}

bool kith_audio_next(kith_assembler *a, kith_assembler_event *ev)
{
    a->wake_at = KITH_NEVER;
    for (const kith_slot *slot; (slot = find(a));) {
        bool is_padding = slot->packet->header.payload_len == 0;
        if (is_padding && a->following_number == a->next)
            a->following_number++;
        ev->frame = is_padding ? NULL : unpack(a, slot);
        go_on(a, a->next + 1);
        if (ev->frame) {
            ev->type = KITH_ASSEMBLER_EV_FRAME;
            return true;
        }
    }
    return false;
}
