/* What the tests of this room share: a session with one audio and one video section, packets made
 * by hand, RTCP read back. */
#ifndef KITH_TESTS_RTP_KIT_H
#define KITH_TESTS_RTP_KIT_H

#include "../unit.h"
#include "base/block.h"
#include "crypto/random.h"
#include "rtp/session.h"
#include "wire/rtcp_fb.h"

#include <stdio.h>
#include <string.h>

#define OPUS      111
#define PCMU      0
#define VP8       96
#define MID_ID    3
#define LEVEL_ID  1
#define DELAY_ID  12
#define AUDIO_TAG ((void *)1)
#define VIDEO_TAG ((void *)2)

static const kith_rtp_payload_type kit_audio_types[] = {{.number = OPUS, .clock_rate = 48000},
                                                        {.number = PCMU, .clock_rate = 8000}};
static const kith_rtp_payload_type kit_video_types[] = {{.number = VP8, .clock_rate = 90000}};

static inline kith_rtp_section kit_audio(void)
{
    return (kith_rtp_section){
        .mid = "0",
        .kind = KITH_RTP_AUDIO,
        .payload_types = kit_audio_types,
        .payload_type_count = 2,
        .extensions =
            {[KITH_RTP_EXTENSION_MID] = MID_ID, [KITH_RTP_EXTENSION_AUDIO_LEVEL] = LEVEL_ID},
        .user = AUDIO_TAG};
}

static inline kith_rtp_section kit_video(void)
{
    return (kith_rtp_section){
        .mid = "1",
        .kind = KITH_RTP_VIDEO,
        .takes_pli = true,
        .payload_types = kit_video_types,
        .payload_type_count = 1,
        .extensions =
            {[KITH_RTP_EXTENSION_MID] = MID_ID, [KITH_RTP_EXTENSION_PLAYOUT_DELAY] = DELAY_ID},
        .user = VIDEO_TAG};
}

typedef struct kit {
    kith_rtp_session *rtp;
    kith_block_pool *pool;
    kith_time now;
} kit;

/* Whose it is what the sessions of a test draw. */
static inline kith_random_order *kit_ssrcs(void)
{
    static kith_random_order order;
    if (order.drawn == 0)
        kith_random_order_init(&order);
    return &order;
}

/* Without its sections. */
static inline kit kit_bare(void)
{
    kit k = {.now = KITH_SECONDS(1000)};
    const kith_rtp_config config = {.cname = "someone", .ssrcs = kit_ssrcs()};
    ck_assert_int_eq(kith_rtp_new(&k.rtp, &config), KITH_OK);
    ck_assert_int_eq(kith_block_pool_new(&k.pool, KITH_PACKET_BLOCK, 4096), KITH_OK);
    return k;
}

static inline void kit_set(kit *k, const kith_rtp_section *sections, size_t count)
{
    ck_assert_int_eq(kith_rtp_set_sections(k->rtp, sections, count), KITH_OK);
}

static inline kit kit_new(void)
{
    kit k = kit_bare();
    kit_set(&k, (const kith_rtp_section[]){kit_audio(), kit_video()}, 2);
    return k;
}

static inline void kit_end(kit *k)
{
    kith_rtp_free(k->rtp);
    kith_block_pool_free(k->pool);
}

/* A packet of theirs. */
typedef struct from {
    uint32_t ssrc, timestamp;
    uint16_t number;
    uint8_t type;
    const char *mid;
    bool is_empty;
    /* it does not end its frame */
    bool is_open;
} from;

static inline void kit_input(kit *k, const void *data, size_t len)
{
    kith_packet *packet = kith_block_take(k->pool);
    ck_assert_ptr_nonnull(packet);
    memcpy(packet->data, data, len);
    packet->len = len;
    packet->received_at = k->now;
    kith_rtp_input(k->rtp, k->now, packet);
}

static inline void kit_receive(kit *k, from f)
{
    uint8_t buf[300];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtp_element mid = {MID_ID, kith_span_text(f.mid)};
    kith_rtp_write_start(&w, &(kith_rtp_start){.ssrc = f.ssrc,
                                               .timestamp = f.timestamp,
                                               .sequence_number = f.number,
                                               .payload_type = f.type,
                                               .marker = !f.is_open,
                                               .elements = &mid,
                                               .element_count = !!f.mid});
    kith_wr_text(&w, f.is_empty ? "" : "payload");
    kit_input(k, buf, w.len);
}

/* The user of the section that the next packet event names; NULL: no packet. Other events that come
 * before it are dropped. */
static inline void *kit_taken(kit *k)
{
    kith_rtp_event ev;
    while (kith_rtp_event_next(k->rtp, &ev)) {
        if (ev.type != KITH_RTP_EV_PACKET)
            continue;
        kith_block_unref(ev.packet);
        return ev.user;
    }
    return NULL;
}

static inline kith_rtp_out *kit_out(kit *k, kith_rtp_kind kind)
{
    kith_rtp_out *out = NULL;
    kith_rtp_out_config config = {.mid = kind == KITH_RTP_AUDIO ? "0" : "1",
                                  .kind = kind,
                                  .clock_rate = kind == KITH_RTP_AUDIO ? 48000 : 90000,
                                  .user = kind == KITH_RTP_AUDIO ? AUDIO_TAG : VIDEO_TAG};
    ck_assert_int_eq(kith_rtp_add_out(k->rtp, &out, &config), KITH_OK);
    return out;
}

/* Queues "payload" with the unit's fields. */
static inline void kit_push(kit *k, kith_rtp_out *out, kith_rtp_unit unit)
{
    char *block = kith_block_take(k->pool);
    ck_assert_ptr_nonnull(block);
    memcpy(block, "payload", 7);
    unit.block = block;
    unit.payload = kith_span_of(block, 7);
    if (unit.captured_at == 0)
        unit.captured_at = k->now;
    ck_assert_int_eq(kith_rtp_push(k->rtp, k->now, out, &unit), KITH_OK);
}

/* What waits leaves at once: test_pace.c has the times. */
static inline void kit_unpace(kit *k)
{
    k->rtp->pace.budget = 1 << 24;
    k->rtp->pace.refilled_at = k->now;
}

/* The next RTP packet, RTCP skipped; len 0: none. */
static inline size_t kit_sent(kit *k, uint8_t buf[KITH_RTP_MAX_PACKET], kith_rtp_header *h)
{
    size_t len;
    kit_unpace(k);
    while ((len = kith_rtp_output(k->rtp, k->now, buf, KITH_RTP_MAX_PACKET)) > 0) {
        if (kith_rtcp_is(kith_span_of(buf, len)))
            continue;
        ck_assert(kith_rtp_parse_header(h, kith_span_of(buf, len)));
        return len;
    }
    return 0;
}

/* The header of the unit that is pushed and sent. */
static inline kith_rtp_header kit_send(kit *k, kith_rtp_out *out, kith_rtp_unit unit)
{
    uint8_t buf[KITH_RTP_MAX_PACKET];
    kith_rtp_header h = {0};
    kit_push(k, out, unit);
    ck_assert_uint_gt(kit_sent(k, buf, &h), 0);
    return h;
}

/* What RTCP is due, as "RR:1 SDES BYE": parts with their counts of blocks. RTP is skipped. */
typedef struct said {
    char parts[200];
    uint8_t bytes[KITH_RTP_MAX_PACKET];
    size_t len;
} said;

static inline said kit_rtcp(kit *k)
{
    static const char *const names[] = {"SR", "RR", "SDES", "BYE", "APP", "RTPFB", "PSFB", "XR"};
    said s = {.len = 0};
    kith_rtcp_packet p;
    do
        s.len = kith_rtp_output(k->rtp, k->now, s.bytes, sizeof s.bytes);
    while (s.len > 0 && !kith_rtcp_is(kith_span_of(s.bytes, s.len)));
    ck_assert(s.len == 0 || kith_rtcp_is_compound(kith_span_of(s.bytes, s.len)));
    kith_reader r = kith_rd(s.bytes, s.len);
    while (kith_rtcp_next(&r, &p)) {
        size_t used = strlen(s.parts);
        snprintf(s.parts + used, sizeof s.parts - used, "%s%s:%u", used > 0 ? " " : "",
                 names[p.type - 200], p.count);
    }
    return s;
}

/* The part of that type. */
static inline kith_rtcp_packet said_part(const said *s, kith_rtcp_type type)
{
    kith_reader r = kith_rd(s->bytes, s->len);
    kith_rtcp_packet p;
    while (kith_rtcp_next(&r, &p))
        if (p.type == type)
            return p;
    ck_abort_msg("no part %d in %s", type, s->parts);
    return (kith_rtcp_packet){0};
}

static inline void kit_hear(kit *k, const kith_writer *w)
{
    ck_assert(!w->bad);
    kith_rtp_input_rtcp(k->rtp, k->now, kith_span_of(w->data, w->len));
}

/* How many events of the type there are; packets are released. */
static inline unsigned kit_events(kit *k, kith_rtp_event_type type)
{
    kith_rtp_event ev;
    unsigned count = 0;
    while (kith_rtp_event_next(k->rtp, &ev)) {
        count += ev.type == type;
        if (ev.type == KITH_RTP_EV_PACKET)
            kith_block_unref(ev.packet);
    }
    return count;
}

#endif
