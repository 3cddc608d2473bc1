/* What the tests of this room share: packets made by hand, of units, and of recorded ones. */
#ifndef KITH_TESTS_MEDIA_KIT_H
#define KITH_TESTS_MEDIA_KIT_H

#include "../unit.h"
#include "media/media.h"

#include <stdio.h>
#include <string.h>

typedef struct kit {
    kith_buffers *buffers;
    kith_block_pool *pool;
    kith_time now;
} kit;

static inline kit kit_new(void)
{
    kit k = {.now = KITH_SECONDS(1000)};
    ck_assert_int_eq(kith_buffers_new(&k.buffers), KITH_OK);
    ck_assert_int_eq(kith_block_pool_new(&k.pool, KITH_PACKET_BLOCK, 8192), KITH_OK);
    return k;
}

static inline void kit_end(kit *k)
{
    kith_buffers_free(k->buffers);
    kith_block_pool_free(k->pool);
}

/* A packet as rtp gives it: `header` of 12 bytes is not looked at. */
static inline kith_packet *kit_packet(kit *k, int64_t number, uint32_t timestamp, bool marker,
                                      kith_span payload)
{
    kith_packet *p = kith_block_take(k->pool);
    ck_assert_ptr_nonnull(p);
    memset(p, 0, sizeof *p);
    p->received_at = k->now;
    p->number = number;
    p->header = (kith_rtp_header){.timestamp = timestamp,
                                  .sequence_number = (uint16_t)number,
                                  .marker = marker,
                                  .payload_at = KITH_RTP_HEADER,
                                  .payload_len = (uint16_t)payload.len};
    p->len = KITH_RTP_HEADER + payload.len;
    ck_assert_uint_le(p->len, KITH_PACKET_CAP);
    if (payload.len > 0)
        memcpy(p->data + KITH_RTP_HEADER, payload.data, payload.len);
    return p;
}

static inline kith_packet *kit_unit_packet(kit *k, int64_t number, const kith_rtp_unit *unit)
{
    uint8_t payload[1500];
    kith_writer w = kith_wr(payload, sizeof payload);
    kith_wr_bytes(&w, unit->prefix, unit->prefix_len);
    kith_wr_span(&w, unit->payload);
    ck_assert(!w.bad);
    return kit_packet(k, number, unit->timestamp, unit->marker, kith_span_of(payload, w.len));
}

static inline kith_packetizer *kit_packetizer(kit *k, kith_media_codec codec)
{
    kith_packetizer *p = NULL;
    ck_assert_int_eq(kith_packetizer_new(&p, codec, k->buffers), KITH_OK);
    return p;
}

static inline kith_assembler *kit_assembler(kit *k, bool is_video)
{
    kith_assembler *a = NULL;
    ck_assert_int_eq(kith_assembler_new(&a, is_video, k->buffers), KITH_OK);
    return a;
}

/* A file of tests/data/media; the caller frees it. */
static inline kith_span kit_read(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/media/%s", getenv("KITH_TEST_DATA"), name);
    FILE *f = fopen(path, "rb");
    if (!f)
        ck_abort_msg("%s: not there", path);
    uint8_t *data = malloc(1 << 20);
    size_t len = fread(data, 1, 1 << 20, f);
    fclose(f);
    return kith_span_of(data, len);
}

/* The frames of an IVF file; the start of the file is passed over with *at = 0. False at its end.
 */
static inline bool kit_ivf_frame(kith_span file, size_t *at, kith_span *frame)
{
    if (*at == 0)
        *at = 32;
    if (*at == file.len)
        return false;
    const uint8_t *h = file.data + *at;
    size_t len = h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16;
    *frame = kith_span_of(h + 12, len);
    *at += 12 + len;
    return true;
}

/* The access units of a file in which each begins with a delimiter. */
static inline bool kit_access_unit(kith_span file, size_t *at, kith_span *unit)
{
    static const uint8_t delimiter[] = {0, 0, 0, 1, 9};
    if (*at == file.len)
        return false;
    const uint8_t *start = file.data + *at;
    const uint8_t *next = memmem(start + 1, file.len - *at - 1, delimiter, sizeof delimiter);
    *unit = kith_span_of(start, next ? (size_t)(next - start) : file.len - *at);
    *at += unit->len;
    return true;
}

/* The recorded RTP packets of a file one by one; RTCP is passed over. */
static inline kith_packet *kit_recorded(kit *k, kith_span file, size_t *at)
{
    while (*at < file.len) {
        kith_span datagram =
            kith_span_of(file.data + *at + 2, (size_t)file.data[*at] << 8 | file.data[*at + 1]);
        *at += 2 + datagram.len;
        kith_rtp_header h;
        if (datagram.data[1] >= 192 && datagram.data[1] <= 223)
            continue;
        ck_assert(kith_rtp_parse_header(&h, datagram));
        return kit_packet(k, h.sequence_number, h.timestamp, h.marker,
                          kith_span_of(datagram.data + h.payload_at, h.payload_len));
    }
    return NULL;
}

#endif
