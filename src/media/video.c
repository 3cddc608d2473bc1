/* Video: packets of one timestamp are a frame, which ends with the marker or before another
 * timestamp. The order of numbers is the order of decoding: a frame can be decoded when no number
 * is missing since the last that was told, or when it is a key frame. */
#include "base/error.h"
#include "media/assembler.h"

/* With repair: after so long nobody sends it again, and a picture that stands still is worse than
 * one that begins anew. */
#define REPAIR_ENDS KITH_SECONDS(3)

static uint32_t timestamp_of(const kith_slot *slot)
{
    return slot->packet->header.timestamp;
}

static bool is_padding(const kith_slot *slot)
{
    return slot->packet->header.payload_len == 0;
}

/* The number behind the frame that begins at `first`, or 0: it is not whole yet. *looked_to: up to
 * where its packets are known to be there. */
static int64_t frame_end(const kith_assembler *a, int64_t first, int64_t *looked_to)
{
    const kith_slot *begin = kith_slots_at(&a->slots, first);
    if (!begin)
        return 0;
    int64_t n = *looked_to > first ? *looked_to : first;
    for (const kith_slot *slot; (slot = kith_slots_at(&a->slots, n)); n++) {
        bool is_other = !is_padding(slot) && timestamp_of(slot) != timestamp_of(begin);
        if (is_other || slot->packet->header.marker) {
            *looked_to = n;
            return is_other ? n : n + 1;
        }
    }
    *looked_to = n;
    return 0;
}

static bool begins_key_frame(const kith_assembler *a, int64_t number)
{
    const kith_slot *slot = kith_slots_at(&a->slots, number);
    if (!slot || slot->begins_key_frame || !slot->may_begin_key_frame)
        return slot && slot->begins_key_frame;
    const kith_slot *before = kith_slots_at(&a->slots, number - 1);
    return number == a->next || (before && timestamp_of(before) != timestamp_of(slot));
}

/* The first whole key frame from `from` on; false: there is none. Linear in what waits: a run of
 * packets is looked at once, whatever begins in it. */
static bool find_key_frame(kith_assembler *a, int64_t from, int64_t *first, int64_t *end)
{
    int64_t n = a->key_at > from ? a->key_at : from;
    while (n < a->slots.end) {
        if (!begins_key_frame(a, n)) {
            n++;
            continue;
        }
        int64_t looked_to = n;
        *first = n;
        *end = frame_end(a, n, &looked_to);
        if (*end > 0)
            return true;
        n = looked_to + 1;
    }
    return false;
}

static void find_next_key_at(kith_assembler *a)
{
    int64_t n = a->slots.first;
    for (const kith_slot *slot; n < a->slots.end; n++) {
        slot = kith_slots_at(&a->slots, n);
        if (slot && (slot->begins_key_frame || slot->may_begin_key_frame))
            break;
    }
    a->key_at = n < a->slots.end ? n : INT64_MAX;
}

/* What came before `next` is done with. */
static void go_on(kith_assembler *a, int64_t next)
{
    kith_slots_drop_before(&a->slots, next);
    a->next = a->looked_to = next;
    a->hole_since = KITH_NEVER;
    if (a->key_at < next)
        find_next_key_at(a);
}

void kith_video_lose(kith_assembler *a)
{
    a->is_decodable = false;
    a->is_need_reported = false;
    a->hole_since = KITH_NEVER;
    find_next_key_at(a);
}

void kith_video_input(kith_assembler *a, const kith_slot *slot)
{
    int64_t number = slot->packet->number;
    if (number < a->key_at && (slot->begins_key_frame || slot->may_begin_key_frame))
        a->key_at = number;
    if (slot->begins_key_frame)
        a->has_key_come = true;
}

/* ---- in order ---- */

static void pass_padding(kith_assembler *a)
{
    for (const kith_slot *slot; (slot = kith_slots_at(&a->slots, a->next)) && is_padding(slot);)
        go_on(a, a->next + 1);
}

/* When a packet that did not come is not waited for any more, and then not asked for either. */
static kith_time last_hope(const kith_assembler *a)
{
    return a->is_repaired ? REPAIR_ENDS : kith_assembler_patience(a);
}

/* If not, this is when to look again. */
static bool is_over(kith_assembler *a, kith_time since, kith_time patience)
{
    if (a->now - since >= patience)
        return true;
    a->wake_at = since + patience;
    return false;
}

/* Is something missing that others wait for, and since when? */
static void look_for_hole(kith_assembler *a)
{
    if (a->looked_to < a->next)
        a->looked_to = a->next;
    int64_t behind = kith_slots_next(&a->slots, a->looked_to);
    if (behind == a->slots.end)
        a->hole_since = KITH_NEVER;
    else if (a->hole_since == KITH_NEVER)
        a->hole_since = kith_slots_at(&a->slots, behind)->packet->received_at;
}

static bool find_in_order(kith_assembler *a, int64_t *first, int64_t *end)
{
    pass_padding(a);
    *first = a->next;
    *end = frame_end(a, a->next, &a->looked_to);
    if (*end > 0)
        return true;
    look_for_hole(a);
    if (a->hole_since == KITH_NEVER || !is_over(a, a->hole_since, kith_assembler_patience(a)))
        return false;
    if (find_key_frame(a, a->looked_to, first, end))
        return true;
    if (is_over(a, a->hole_since, last_hope(a)))
        kith_video_lose(a);
    return false;
}

/* ---- from a key frame on ---- */

static kith_time arrival_at(const kith_assembler *a, int64_t number)
{
    return kith_slots_at(&a->slots, number)->packet->received_at;
}

/* The packet that shows that the key frame at `key_at`, which is not whole, misses one; the end
 * where none does so far. */
static int64_t behind_hole(const kith_assembler *a)
{
    if (!begins_key_frame(a, a->key_at))
        return a->key_at;
    int64_t looked_to = a->key_at;
    (void)frame_end(a, a->key_at, &looked_to);
    return kith_slots_next(&a->slots, looked_to);
}

/* Has a key frame begun that may still become whole? */
static bool is_key_frame_coming(kith_assembler *a)
{
    while (a->key_at != INT64_MAX) {
        int64_t behind = behind_hole(a);
        if (behind == a->slots.end || !is_over(a, arrival_at(a, behind), last_hope(a)))
            return true;
        kith_assembler_drop_before(a, a->key_at + 1);
        a->is_need_reported = false;
        find_next_key_at(a);
    }
    return false;
}

/* Nothing that waits can be told; the first packet of a key frame may still come behind others. */
static void drop_undecodable(kith_assembler *a)
{
    int64_t room = a->is_repaired ? KITH_MEDIA_MAX_PACKETS / 4 : KITH_MEDIA_ROOM_BEFORE_FIRST;
    if (a->slots.end - room > a->slots.first)
        kith_assembler_drop_before(a, a->slots.end - room);
}

/* ---- the next event ---- */

static bool find(kith_assembler *a, int64_t *first, int64_t *end)
{
    if (a->is_decodable && find_in_order(a, first, end))
        return true;
    return !a->is_decodable && find_key_frame(a, a->slots.first, first, end);
}

static bool tell(kith_assembler_event *ev, kith_assembler_event_type type)
{
    ev->type = type;
    return true;
}

static kith_time first_arrival(const kith_assembler *a, int64_t first, int64_t end)
{
    kith_time at = KITH_NEVER;
    for (int64_t n = first; n < end; n++)
        at = arrival_at(a, n) < at ? arrival_at(a, n) : at;
    return at;
}

/* What is found to be told. NULL: it cannot be, and what follows on it neither. */
static kith_assembled *take(kith_assembler *a, int64_t first, int64_t end)
{
    bool follows = a->is_decodable && first == a->next;
    bool begins_surely = kith_slots_at(&a->slots, first)->begins_key_frame;
    kith_time began_at = first_arrival(a, first, end);
    kith_assembled *out = kith_unpack(a, first, end);
    /* what begins like a key frame need not be one */
    bool is_delivered = out && (follows || out->is_key);
    kith_assembler_drop_before(a, is_delivered ? first : end);
    go_on(a, end);
    if (!is_delivered) {
        if (a->is_decodable || !out)
            kith_video_lose(a);
        kith_block_unref(out);
        return NULL;
    }
    a->is_decodable = true;
    a->has_key_come |= out->is_key && !begins_surely;
    out->lost_before = !follows && a->has_followed;
    a->has_followed = true;
    a->counters.frames++;
    a->counters.key_frames += out->is_key;
    if (end - first > 1) {
        a->counters.assembled_frames++;
        a->counters.assembly_time += out->received_at - began_at;
    }
    return out;
}

bool kith_video_next(kith_assembler *a, kith_assembler_event *ev)
{
    a->wake_at = KITH_NEVER;
    if (a->has_key_come) {
        a->has_key_come = false;
        return tell(ev, KITH_ASSEMBLER_EV_KEY_FRAME_CAME);
    }
    for (int64_t first, end; find(a, &first, &end);) {
        if ((ev->frame = take(a, first, end)))
            return tell(ev, KITH_ASSEMBLER_EV_FRAME);
    }
    if (!a->is_started || a->is_decodable || is_key_frame_coming(a))
        return false;
    drop_undecodable(a);
    bool is_need_reported = a->is_need_reported;
    a->is_need_reported = true;
    return !is_need_reported && tell(ev, KITH_ASSEMBLER_EV_KEY_FRAME_NEEDED);
}
