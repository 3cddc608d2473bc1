/* An assembler from inside. */
#ifndef KITH_MEDIA_ASSEMBLER_H
#define KITH_MEDIA_ASSEMBLER_H

#include "media/delay.h"
#include "media/slots.h"

/* Of a stream of video this many packets before the first that came may come behind it. */
#define KITH_MEDIA_ROOM_BEFORE_FIRST 32

struct kith_assembler {
    bool is_video;
    kith_buffers *buffers;
    kith_slots slots;
    kith_delay delay;
    kith_time now;
    /* The number that the next frame begins with: everything before it is told or given up. */
    bool is_started;
    int64_t next;
    /* since when a packet behind a hole waits; KITH_NEVER: none does */
    kith_time hole_since;
    /* when to look again whether something comes that did not come */
    kith_time wake_at;
    bool is_repaired;
    kith_time rtt;
    kith_assembler_counters counters;
    /* of the last frame that was dropped */
    bool has_dropped;
    uint32_t dropped_timestamp;

    /* Video: what comes next in order can be decoded. */
    bool is_decodable;
    /* up to where the frame that begins at `next` has been looked at */
    int64_t looked_to;
    /* the first number that may begin a key frame; INT64_MAX: none came */
    int64_t key_at;
    /* Told: a key frame is needed. To be told: one comes. */
    bool is_need_reported, has_key_come;
    uint16_t width, height;
    /* of the stream, until another is said */
    bool has_playout_delay;
    kith_rtp_playout_delay playout_delay;

    /* Audio: the number and the timestamp that follow on the last packet that was told. */
    bool has_followed;
    int64_t following_number;
    uint32_t following_timestamp;
    kith_media_codec last_codec;
};

/* How long a missing packet is waited for before what is behind it is told. */
kith_time kith_assembler_patience(const kith_assembler *a);

/* What waits below the number is not told. */
void kith_assembler_drop_before(kith_assembler *a, int64_t number);

/* video.c, audio.c: a packet was put into its place; the next event, if any. */
void kith_video_input(kith_assembler *a, const kith_slot *slot);
/* What comes next cannot be decoded. */
void kith_video_lose(kith_assembler *a);
bool kith_video_next(kith_assembler *a, kith_assembler_event *ev);
bool kith_audio_next(kith_assembler *a, kith_assembler_event *ev);

/* unpack.c. What a payload says about where it stands. */
void kith_unpack_inspect(kith_slot *slot);
/* Packets first to end - 1, all of which came, as one frame. NULL: they are none, or there is no
 * memory. */
kith_assembled *kith_unpack(kith_assembler *a, int64_t first, int64_t end);

#endif
