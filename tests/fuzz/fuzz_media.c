/* Frames and payloads. The bytes are taken twice: as a frame of the codec that the first byte
 * names, which must come back equal when it is packetized and assembled; and as a script of packets
 * of any payload, numbers and times, out of which only whole frames may come.
 *
 * Script: a byte of flags (bit 0: marker, 1: another timestamp, 2: the stream begins anew, 3: time
 * passes), a signed step of the number, the payload's length, the payload. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "media/media.h"
#include "wire/h264.h"

#define LIMIT 100

static const kith_media_codec codecs[] = {KITH_MEDIA_OPUS, KITH_MEDIA_PCMU, KITH_MEDIA_PCMA,
                                          KITH_MEDIA_VP8, KITH_MEDIA_H264};

static kith_packet *make_packet(kith_block_pool *pool, kith_time now, int64_t number,
                                uint32_t timestamp, bool marker, size_t len)
{
    kith_packet *packet = kith_block_take(pool);
    assert(packet);
    *packet = (kith_packet){.received_at = now,
                            .number = number,
                            .header = {.timestamp = timestamp,
                                       .marker = marker,
                                       .payload_at = KITH_RTP_HEADER,
                                       .payload_len = (uint16_t)len},
                            .len = KITH_RTP_HEADER + len};
    return packet;
}

static bool next_unit(kith_span *stream, kith_span *nal)
{
    while (kith_h264_next_annex_b(stream, nal)) {
        if (kith_h264_type(*nal) != KITH_H264_AUD && kith_h264_type(*nal) != 12)
            return true;
    }
    return false;
}

static void compare(kith_media_codec codec, kith_span sent, kith_span got)
{
    if (codec != KITH_MEDIA_H264) {
        assert(kith_span_equal(sent, got));
        return;
    }
    kith_span a, b;
    while (next_unit(&sent, &a))
        assert(next_unit(&got, &b) && kith_span_equal(a, b));
    assert(!next_unit(&got, &b));
}

/* Only a frame from which a decoder can begin comes out of a stream's start. */
static void there_and_back(kith_media_codec codec, kith_buffers *buffers, kith_block_pool *pool,
                           kith_span data)
{
    kith_packetizer *p;
    kith_assembler *a;
    kith_assembler_event ev;
    bool is_made = kith_packetizer_new(&p, codec, buffers) == KITH_OK &&
                   kith_assembler_new(&a, kith_media_is_video(codec), buffers) == KITH_OK;
    assert(is_made);
    const kith_media_frame frame = {.data = data};
    int64_t number = 0;
    bool is_good = kith_packetizer_begin(p, &frame, LIMIT) == KITH_OK;
    bool is_key = kith_packetizer_is_key(p), is_sent = is_good && kith_packetizer_left(p) > 0;
    for (kith_rtp_unit unit; kith_packetizer_next(p, &unit);) {
        size_t len = unit.prefix_len + unit.payload.len;
        assert(len <= LIMIT);
        kith_packet *packet = make_packet(pool, 0, number++, unit.timestamp, unit.marker, len);
        memcpy(packet->data + KITH_RTP_HEADER, unit.prefix, unit.prefix_len);
        memcpy(packet->data + KITH_RTP_HEADER + unit.prefix_len, unit.payload.data,
               unit.payload.len);
        kith_block_unref(unit.block);
        kith_assembler_input(a, 0, packet, codec);
    }
    bool came = false;
    while (kith_assembler_event_next(a, &ev)) {
        if (ev.type != KITH_ASSEMBLER_EV_FRAME)
            continue;
        compare(codec, data, kith_span_of(ev.frame->data, ev.frame->len));
        kith_block_unref(ev.frame);
        came = true;
    }
    assert(came == (is_sent && is_key));
    kith_packetizer_free(p);
    kith_assembler_free(a);
}

static void play(kith_media_codec codec, kith_buffers *buffers, kith_block_pool *pool,
                 kith_reader *script)
{
    kith_assembler *a;
    bool is_made = kith_assembler_new(&a, kith_media_is_video(codec), buffers) == KITH_OK;
    assert(is_made);
    kith_assembler_set_repair(a, kith_rd_u8(script) & 1, KITH_MS(30));
    int64_t number = 100;
    uint32_t timestamp = 0;
    kith_time now = 0, play_at = 0;
    while (kith_rd_left(script) > 0) {
        uint8_t flags = kith_rd_u8(script);
        number += (int8_t)kith_rd_u8(script) * (flags & 0x80 ? 100 : 1);
        timestamp += flags & 2 ? 3000 : 0;
        now += flags & 8 ? KITH_MS(70) : 0;
        size_t len = kith_rd_u8(script);
        len = len < kith_rd_left(script) ? len : kith_rd_left(script);
        kith_packet *packet = make_packet(pool, now, number, timestamp, flags & 1, len);
        packet->begins_stream = flags & 4;
        kith_rd_copy(script, packet->data + KITH_RTP_HEADER, len);
        kith_assembler_input(a, now, packet, codec);
        kith_assembler_tick(a, now);
        kith_assembler_event ev;
        while (kith_assembler_event_next(a, &ev)) {
            if (ev.type != KITH_ASSEMBLER_EV_FRAME)
                continue;
            assert(ev.frame->len > 0);
            play_at = flags & 4 ? 0 : play_at;
            assert(ev.frame->play_at >= play_at);
            play_at = ev.frame->play_at;
            kith_block_unref(ev.frame);
        }
        assert(kith_assembler_deadline(a) > now);
    }
    kith_assembler_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_reader script = kith_rd(data, size);
    kith_media_codec codec = codecs[kith_rd_u8(&script) % (sizeof codecs / sizeof codecs[0])];
    kith_buffers *buffers;
    kith_block_pool *pool;
    bool is_made = kith_buffers_new(&buffers) == KITH_OK &&
                   kith_block_pool_new(&pool, KITH_PACKET_BLOCK, 8192) == KITH_OK;
    assert(is_made);
    there_and_back(codec, buffers, pool, kith_span_of(script.at, kith_rd_left(&script)));
    play(codec, buffers, pool, &script);
    kith_block_pool_free(pool);
    kith_buffers_free(buffers);
    return 0;
}
