/* Packets that FFmpeg sent become the frames of the file that it sent; and all codecs, sent by our
 * packetizer over a network that loses and reorders, come out equal or not at all. */
#include "kit.h"
#include "wire/h264.h"

static kith_assembled *next_frame(kith_assembler *a)
{
    kith_assembler_event ev;
    while (kith_assembler_event_next(a, &ev)) {
        if (ev.type == KITH_ASSEMBLER_EV_FRAME)
            return ev.frame;
    }
    return NULL;
}

START_TEST(vp8_that_ffmpeg_sent_is_the_file_that_it_read)
{
    kit k = kit_new();
    kith_assembler *a = kit_assembler(&k, true);
    kith_span recorded = kit_read("vp8.rtp"), file = kit_read("vp8.ivf"), wanted;
    size_t at = 0, file_at = 0, frames = 0;
    for (kith_packet *packet; (packet = kit_recorded(&k, recorded, &at));) {
        kith_assembler_input(a, k.now, packet, KITH_MEDIA_VP8);
        kith_assembled *frame = next_frame(a);
        if (!frame)
            continue;
        ck_assert(kit_ivf_frame(file, &file_at, &wanted));
        ck_assert_uint_eq(frame->len, wanted.len);
        ck_assert_mem_eq(frame->data, wanted.data, wanted.len);
        ck_assert_int_eq(frame->is_key, frames % 5 == 0);
        ck_assert_uint_eq(frame->width, 96);
        ck_assert_uint_eq(frame->height, 64);
        ck_assert_uint_eq(frame->lost_before, 0);
        kith_block_unref(frame);
        frames++;
    }
    ck_assert_uint_eq(frames, 10);
    free((void *)recorded.data);
    free((void *)file.data);
    kith_assembler_free(a);
    kit_end(&k);
}
END_TEST

/* Without delimiters, which FFmpeg takes away. */
static bool next_sent(kith_span *stream, kith_span *nal)
{
    while (kith_h264_next_annex_b(stream, nal)) {
        if (kith_h264_type(*nal) != KITH_H264_AUD)
            return true;
    }
    return false;
}

START_TEST(h264_that_ffmpeg_sent_is_the_file_that_it_read)
{
    kit k = kit_new();
    kith_assembler *a = kit_assembler(&k, true);
    kith_span recorded = kit_read("h264.rtp"), file = kit_read("h264.264"), unit;
    size_t at = 0, file_at = 0, frames = 0;
    for (kith_packet *packet; (packet = kit_recorded(&k, recorded, &at));) {
        kith_assembler_input(a, k.now, packet, KITH_MEDIA_H264);
        kith_assembled *frame = next_frame(a);
        if (!frame)
            continue;
        ck_assert(kit_access_unit(file, &file_at, &unit));
        kith_span nal, wanted, data = kith_span_of(frame->data, frame->len);
        while (next_sent(&unit, &wanted)) {
            ck_assert(next_sent(&data, &nal));
            ck_assert_uint_eq(nal.len, wanted.len);
            ck_assert_mem_eq(nal.data, wanted.data, wanted.len);
        }
        ck_assert(!next_sent(&data, &nal));
        ck_assert_int_eq(frame->is_key, frames % 5 == 0);
        ck_assert_uint_eq(frame->width, 98);
        ck_assert_uint_eq(frame->height, 62);
        kith_block_unref(frame);
        frames++;
    }
    ck_assert_uint_eq(frames, 10);
    free((void *)recorded.data);
    free((void *)file.data);
    kith_assembler_free(a);
    kit_end(&k);
}
END_TEST

/* ---- a model ---- */

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return (seed >> 8) % below;
}

#define FRAMES 200

typedef struct sent_frame {
    uint8_t *data;
    size_t len;
    bool is_key;
    uint32_t timestamp;
    int64_t first, end;
} sent_frame;

typedef struct scene {
    kit k;
    kith_media_codec codec;
    uint32_t loss, reordering;
    sent_frame frames[FRAMES];
    kith_packet *packets[FRAMES * 40];
    size_t count;
} scene;

/* A frame as the codec's decoder would take it, of random bytes. */
static void make_frame(scene *s, sent_frame *f)
{
    bool is_video = kith_media_is_video(s->codec);
    f->len = is_video ? 10 + draw(draw(3) == 0 ? 12000 : 900) : 2 + draw(150);
    f->data = malloc(f->len + 8);
    f->is_key = !is_video || f == s->frames || draw(20) == 0;
    for (size_t i = 0; i < f->len; i++)
        f->data[i] = (uint8_t)(1 + draw(255));
    if (s->codec == KITH_MEDIA_VP8) {
        memcpy(f->data, (uint8_t[]){f->is_key ? 0 : 1, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0}, 10);
    } else if (s->codec == KITH_MEDIA_H264) {
        /* an SPS with a key frame, and one slice or two */
        memcpy(f->data, (uint8_t[]){0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1}, 10);
        f->data[f->len++] = 1;
        if (!f->is_key)
            memmove(f->data, f->data + 6, f->len -= 6);
        f->data[f->is_key ? 10 : 4] = f->is_key ? 0x65 : 0x41;
    } else if (s->codec == KITH_MEDIA_OPUS) {
        f->data[0] = 31 << 3;
    }
}

static void send_all(scene *s)
{
    kith_packetizer *p = kit_packetizer(&s->k, s->codec);
    int64_t number = 65000;
    for (size_t i = 0; i < FRAMES; i++) {
        sent_frame *f = &s->frames[i];
        make_frame(s, f);
        const kith_media_frame frame = {.data = {f->data, f->len},
                                        .captured_at = KITH_MS(20) * (kith_time)i};
        ck_assert_int_eq(kith_packetizer_begin(p, &frame, 1000), KITH_OK);
        ck_assert_int_eq(kith_packetizer_is_key(p), f->is_key);
        f->first = number;
        for (kith_rtp_unit unit; kith_packetizer_next(p, &unit); number++) {
            f->timestamp = unit.timestamp;
            s->packets[s->count++] = kit_unit_packet(&s->k, number, &unit);
            kith_block_unref(unit.block);
        }
        f->end = number;
    }
    kith_packetizer_free(p);
}

static sent_frame *find_frame(scene *s, uint32_t timestamp)
{
    for (size_t i = 0; i < FRAMES; i++) {
        if (s->frames[i].timestamp == timestamp)
            return &s->frames[i];
    }
    return NULL;
}

/* Equal to what was sent, after the one before, and decodable. */
static void check_frame(scene *s, const kith_assembled *got, sent_frame **last)
{
    sent_frame *f = find_frame(s, got->rtp_timestamp);
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(got->len, f->len);
    ck_assert_mem_eq(got->data, f->data, f->len);
    ck_assert_int_eq(got->is_key, f->is_key);
    ck_assert(f > *last);
    ck_assert(f->is_key || f == *last + 1);
    *last = f;
}

/* How many of the frames came out. */
static size_t run(scene *s)
{
    kith_assembler *a = kit_assembler(&s->k, kith_media_is_video(s->codec));
    sent_frame *last = s->frames - 1;
    size_t told = 0;
    for (size_t i = 0; i < s->count; i++) {
        /* overtaken by a few */
        size_t other = i + (draw(100) < s->reordering ? draw(4) : 0);
        if (other < s->count) {
            kith_packet *packet = s->packets[i];
            s->packets[i] = s->packets[other];
            s->packets[other] = packet;
        }
        s->k.now += KITH_MS(2);
        s->packets[i]->received_at = s->k.now;
        s->packets[i]->begins_stream = i == 0;
        if (i > 0 && draw(100) < s->loss)
            kith_block_unref(s->packets[i]);
        else
            kith_assembler_input(a, s->k.now, s->packets[i], s->codec);
        kith_assembler_tick(a, s->k.now);
        for (kith_assembled *frame; (frame = next_frame(a)); told++) {
            check_frame(s, frame, &last);
            kith_block_unref(frame);
        }
    }
    kith_assembler_free(a);
    return told;
}

static size_t play(kith_media_codec codec, uint32_t loss, uint32_t reordering)
{
    static scene s;
    s = (scene){.k = kit_new(), .codec = codec, .loss = loss, .reordering = reordering};
    send_all(&s);
    size_t told = run(&s);
    for (size_t i = 0; i < FRAMES; i++)
        free(s.frames[i].data);
    kit_end(&s.k);
    return told;
}

static const kith_media_codec codecs[] = {KITH_MEDIA_OPUS, KITH_MEDIA_PCMU, KITH_MEDIA_PCMA,
                                          KITH_MEDIA_VP8, KITH_MEDIA_H264};

START_TEST(without_loss_every_frame_comes_out)
{
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        for (seed = 1; seed < 1000; seed += 100)
            ck_assert_uint_eq(play(codecs[c], 0, 0), FRAMES);
    }
}
END_TEST

START_TEST(packets_that_overtake_each_other_cost_no_frame)
{
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        for (uint32_t i = 1; i <= 10; i++) {
            seed = i;
            size_t told = play(codecs[c], 0, 20);
            /* the very first may be overtaken: of audio what was before it is late */
            ck_assert_msg(told >= FRAMES - 3, "codec %zu: %zu frames", c, told);
        }
    }
}
END_TEST

START_TEST(a_frame_comes_out_equal_or_not_at_all)
{
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        size_t told = 0;
        for (uint32_t i = 1; i <= 40; i++) {
            seed = i;
            told += play(codecs[c], i % 30, i % 25);
        }
        /* the pictures after each key frame up to the next loss, and all audio that came */
        ck_assert_msg(told > (kith_media_is_video(codecs[c]) ? 300 : 6000), "codec %zu: %zu", c,
                      told);
    }
}
END_TEST

UNIT_MAIN("media: assemble", vp8_that_ffmpeg_sent_is_the_file_that_it_read,
          h264_that_ffmpeg_sent_is_the_file_that_it_read, without_loss_every_frame_comes_out,
          packets_that_overtake_each_other_cost_no_frame, a_frame_comes_out_equal_or_not_at_all)
