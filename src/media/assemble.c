/* Packets to frames: what audio and video have in common. */
#include "base/error.h"
#include "base/memory.h"
#include "media/assembler.h"

/* Packets overtake each other by no more, on networks as they are. */
#define REORDERING KITH_MS(60)

kith_err kith_assembler_new(kith_assembler **out, bool is_video, kith_buffers *buffers)
{
    kith_assembler *a = kith_alloc_zero(1, sizeof *a);
    if (!a)
        return kith_fail_memory();
    a->is_video = is_video;
    a->buffers = buffers;
    a->hole_since = a->wake_at = KITH_NEVER;
    a->key_at = INT64_MAX;
    kith_slots_init(&a->slots);
    kith_delay_init(&a->delay);
    *out = a;
    return KITH_OK;
}

void kith_assembler_free(kith_assembler *a)
{
    if (!a)
        return;
    kith_slots_deinit(&a->slots);
    kith_free(a);
}

void kith_assembler_set_repair(kith_assembler *a, bool is_repaired, kith_time rtt)
{
    a->is_repaired = is_repaired;
    a->rtt = rtt;
}

const kith_assembler_counters *kith_assembler_get_counters(const kith_assembler *a)
{
    return &a->counters;
}

void kith_assembler_get_size(const kith_assembler *a, uint16_t *width, uint16_t *height)
{
    *width = a->width;
    *height = a->height;
}

kith_time kith_assembler_patience(const kith_assembler *a)
{
    if (!a->is_video) {
        /* a player has no use for what comes later */
        return kith_delay_target(&a->delay);
    }
    return a->is_repaired ? 2 * a->rtt + KITH_MS(100) : REORDERING;
}

/* The stream begins here, or begins anew. */
static void begin(kith_assembler *a, int64_t number)
{
    kith_assembler_drop_before(a, a->slots.end);
    a->slots.first = a->slots.end = number - (a->is_video ? KITH_MEDIA_ROOM_BEFORE_FIRST : 0);
    kith_delay_init(&a->delay);
    a->is_started = true;
    a->next = a->looked_to = number;
    a->hole_since = KITH_NEVER;
    a->is_decodable = false;
    a->is_need_reported = false;
    a->key_at = INT64_MAX;
    a->has_followed = false;
    a->has_playout_delay = false;
}

/* A part of a frame may have gone before. */
void kith_assembler_drop_before(kith_assembler *a, int64_t number)
{
    for (int64_t n = a->slots.first; n < number && n < a->slots.end; n++) {
        const kith_slot *slot = kith_slots_at(&a->slots, n);
        if (!slot)
            continue;
        a->counters.dropped_packets++;
        uint32_t timestamp = slot->packet->header.timestamp;
        bool is_other = !a->has_dropped || timestamp != a->dropped_timestamp;
        if (slot->packet->header.payload_len == 0 || !is_other)
            continue;
        a->counters.dropped_frames++;
        a->has_dropped = true;
        a->dropped_timestamp = timestamp;
    }
    kith_slots_drop_before(&a->slots, number);
}

/* Nothing that waits will be completed any more, for the stream has gone on too far. */
static void make_way(kith_assembler *a, int64_t number)
{
    int64_t first = number - KITH_MEDIA_MAX_PACKETS / 2;
    kith_assembler_drop_before(a, first);
    if (a->next >= first)
        return;
    a->next = a->looked_to = first;
    a->hole_since = KITH_NEVER;
    if (a->is_video)
        kith_video_lose(a);
}

void kith_assembler_input(kith_assembler *a, kith_time now, kith_packet *packet,
                          kith_media_codec codec)
{
    a->now = now;
    int64_t number = packet->number;
    if (!a->is_started || packet->begins_stream)
        begin(a, number);
    if (packet->header.payload_len > 0)
        kith_delay_note(&a->delay, packet->received_at, packet->header.timestamp,
                        kith_media_clock_rate(codec));
    if (kith_slots_is_beyond(&a->slots, number))
        make_way(a, number);
    kith_slot slot = {.packet = packet, .codec = codec};
    kith_unpack_inspect(&slot);
    if (!kith_slots_put(&a->slots, &slot)) {
        a->counters.late += number < a->slots.first;
        kith_block_unref(packet);
        return;
    }
    if (a->is_video)
        kith_video_input(a, &slot);
}

int64_t kith_assembler_first_wanted(const kith_assembler *a)
{
    return a->is_video && !a->is_decodable ? a->slots.first : a->next;
}

kith_time kith_assembler_deadline(const kith_assembler *a)
{
    return a->wake_at;
}

void kith_assembler_tick(kith_assembler *a, kith_time now)
{
    a->now = now;
}

bool kith_assembler_event_next(kith_assembler *a, kith_assembler_event *ev)
{
    return a->is_video ? kith_video_next(a, ev) : kith_audio_next(a, ev);
}
