/* Timestamps and markers, and audio, whose packets are frames. */
#include "kit.h"

static kith_rtp_unit only_unit(kith_packetizer *p, kith_span data, kith_time captured_at)
{
    kith_rtp_unit unit, none;
    const kith_media_frame frame = {.data = data, .captured_at = captured_at};
    ck_assert_int_eq(kith_packetizer_begin(p, &frame, 1000), KITH_OK);
    ck_assert(kith_packetizer_is_key(p));
    ck_assert_uint_eq(kith_packetizer_left(p), 1);
    ck_assert(kith_packetizer_next(p, &unit));
    ck_assert(!kith_packetizer_next(p, &none));
    kith_block_unref(unit.block);
    return unit;
}

START_TEST(an_audio_packet_is_one_unit)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_OPUS);
    static const uint8_t packet[] = {31 << 3, 1, 2, 3};
    kith_rtp_unit unit;
    const kith_media_frame frame = {.data = {packet, sizeof packet},
                                    .captured_at = KITH_SECONDS(3)};
    ck_assert_int_eq(kith_packetizer_begin(p, &frame, 1000), KITH_OK);
    ck_assert(kith_packetizer_next(p, &unit));
    ck_assert_uint_eq(unit.payload.len, sizeof packet);
    ck_assert_mem_eq(unit.payload.data, packet, sizeof packet);
    /* the unit's bytes are its own */
    ck_assert_ptr_ne(unit.payload.data, packet);
    ck_assert_uint_eq(unit.prefix_len, 0);
    ck_assert_int_eq(unit.captured_at, KITH_SECONDS(3));
    ck_assert(!unit.begins_key_frame);
    ck_assert(!unit.is_numbered);
    kith_packetizer_free(p);
    kith_block_unref(unit.block);
    kit_end(&k);
}
END_TEST

START_TEST(audio_timestamps_count_samples_while_the_clock_agrees)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_OPUS);
    kith_span twenty_ms = kith_span_of((uint8_t[]){31 << 3, 0}, 2);
    kith_time jitter[] = {0, 3000, -4000, 9999, -9999};
    kith_rtp_unit first = only_unit(p, twenty_ms, KITH_SECONDS(5));
    ck_assert(first.marker);
    for (uint32_t i = 1; i < 100; i++) {
        kith_time at = KITH_SECONDS(5) + i * KITH_MS(20) + jitter[i % 5];
        kith_rtp_unit unit = only_unit(p, twenty_ms, at);
        ck_assert_uint_eq(unit.timestamp, first.timestamp + i * 960);
        ck_assert(!unit.marker);
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(after_a_silence_audio_begins_with_a_marker_at_the_time_of_capture)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_PCMU);
    uint8_t samples[160] = {0};
    kith_span twenty_ms = kith_span_of(samples, sizeof samples);
    kith_rtp_unit first = only_unit(p, twenty_ms, KITH_SECONDS(5));
    kith_rtp_unit unit = only_unit(p, twenty_ms, KITH_SECONDS(7));
    ck_assert_uint_eq(unit.timestamp, first.timestamp + 16000);
    ck_assert(unit.marker);
    unit = only_unit(p, twenty_ms, KITH_SECONDS(7) + KITH_MS(20));
    ck_assert_uint_eq(unit.timestamp, first.timestamp + 16160);
    ck_assert(!unit.marker);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(no_two_frames_of_video_have_one_timestamp)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_VP8);
    static const uint8_t delta[] = {1, 0, 0, 9};
    uint32_t last = 0;
    for (int i = 0; i < 10; i++) {
        kith_rtp_unit unit;
        /* a camera whose clock stands still */
        const kith_media_frame frame = {.data = {delta, sizeof delta},
                                        .captured_at = KITH_SECONDS(5)};
        ck_assert_int_eq(kith_packetizer_begin(p, &frame, 1000), KITH_OK);
        ck_assert(kith_packetizer_next(p, &unit));
        ck_assert(i == 0 || unit.timestamp == last + 1);
        last = unit.timestamp;
        kith_block_unref(unit.block);
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(timestamps_of_a_year_of_uptime_are_exact)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_VP8);
    static const uint8_t delta[] = {1, 0, 0, 9};
    int64_t seconds = INT64_C(40000000);
    kith_rtp_unit unit;
    const kith_media_frame frame = {.data = {delta, sizeof delta},
                                    .captured_at = KITH_SECONDS(seconds) + 500000};
    ck_assert_int_eq(kith_packetizer_begin(p, &frame, 1000), KITH_OK);
    ck_assert(kith_packetizer_next(p, &unit));
    ck_assert_uint_eq(unit.timestamp, (uint32_t)(seconds * 90000 + 45000));
    kith_block_unref(unit.block);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

static void expect_error(kit *k, kith_media_codec codec, kith_span data, kith_err wanted)
{
    kith_packetizer *p = kit_packetizer(k, codec);
    kith_rtp_unit unit;
    const kith_media_frame frame = {.data = data};
    ck_assert_int_eq(kith_packetizer_begin(p, &frame, 100), wanted);
    ck_assert_uint_eq(kith_packetizer_left(p), 0);
    ck_assert(!kith_packetizer_next(p, &unit));
    kith_packetizer_free(p);
}

START_TEST(what_is_no_frame_is_refused)
{
    kit k = kit_new();
    uint8_t bytes[101] = {31 << 3};
    expect_error(&k, KITH_MEDIA_OPUS, kith_span_of(bytes, 0), KITH_ERR_TYPE);
    expect_error(&k, KITH_MEDIA_OPUS, kith_span_of((uint8_t[]){255, 0}, 2), KITH_ERR_TYPE);
    expect_error(&k, KITH_MEDIA_OPUS, kith_span_of(bytes, 101), KITH_ERR_RANGE);
    expect_error(&k, KITH_MEDIA_PCMA, kith_span_of(bytes, 101), KITH_ERR_RANGE);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("media: packetize", an_audio_packet_is_one_unit,
          audio_timestamps_count_samples_while_the_clock_agrees,
          after_a_silence_audio_begins_with_a_marker_at_the_time_of_capture,
          no_two_frames_of_video_have_one_timestamp, timestamps_of_a_year_of_uptime_are_exact,
          what_is_no_frame_is_refused)
