/* The values of header extensions: every one of them both ways, and what is none. */
#include "../unit.h"
#include "wire/rtp_extension.h"

START_TEST(uris_are_found)
{
    for (int kind = 0; kind < KITH_RTP_EXTENSION_COUNT; kind++) {
        const char *uri = kith_rtp_extension_uri((kith_rtp_extension_kind)kind);
        ck_assert_int_eq(kith_rtp_extension_find(kith_span_text(uri)), kind);
    }
    ck_assert_str_eq(kith_rtp_extension_uri(KITH_RTP_EXTENSION_MID),
                     "urn:ietf:params:rtp-hdrext:sdes:mid");
    ck_assert_int_eq(kith_rtp_extension_find(kith_span_text("urn:other")),
                     KITH_RTP_EXTENSION_COUNT);
}
END_TEST

START_TEST(a_mid_is_a_short_text_without_nul)
{
    ck_assert(kith_rtp_is_mid(kith_span_text("0")));
    char long_mid[256];
    memset(long_mid, 0x61, sizeof long_mid);
    ck_assert(kith_rtp_is_mid(kith_span_of(long_mid, 255)));
    ck_assert(!kith_rtp_is_mid(kith_span_of(long_mid, 256)));
    ck_assert(!kith_rtp_is_mid(kith_span_text("")));
    ck_assert(!kith_rtp_is_mid(kith_span_of("a\0", 2)));
}
END_TEST

START_TEST(every_audio_level_comes_back)
{
    kith_rtp_audio_level level;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t value = (uint8_t)byte;
        ck_assert(kith_rtp_read_audio_level(&level, kith_span_of(&value, 1)));
        ck_assert_uint_eq(level.level, byte & 0x7F);
        ck_assert_int_eq(level.voice, byte > 127);
        ck_assert_uint_eq(kith_rtp_write_audio_level(&level), byte);
    }
    ck_assert(!kith_rtp_read_audio_level(&level, kith_span_of(NULL, 0)));
}
END_TEST

START_TEST(every_orientation_comes_back)
{
    kith_rtp_video_orientation o;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t value = (uint8_t)byte;
        ck_assert(kith_rtp_read_video_orientation(&o, kith_span_of(&value, 1)));
        ck_assert_uint_eq(o.rotation, 90 * (byte & 3));
        ck_assert_int_eq(o.flip, byte >> 2 & 1);
        ck_assert_int_eq(o.back_camera, byte >> 3 & 1);
        ck_assert_uint_eq(kith_rtp_write_video_orientation(&o), byte & 15);
    }
    ck_assert(!kith_rtp_read_video_orientation(&o, kith_span_of(NULL, 0)));
}
END_TEST

START_TEST(a_playout_delay_is_two_numbers_of_ten_milliseconds)
{
    kith_rtp_playout_delay delay;
    const uint8_t value[] = {0x12, 0x34, 0x56};
    ck_assert(kith_rtp_read_playout_delay(&delay, kith_span_of(value, 3)));
    ck_assert_int_eq(delay.min, KITH_MS(10) * 0x123);
    ck_assert_int_eq(delay.max, KITH_MS(10) * 0x456);
    uint8_t back[3];
    kith_rtp_write_playout_delay(back, &delay);
    ck_assert_mem_eq(back, value, 3);
    for (size_t len = 0; len < 3; len++)
        ck_assert(!kith_rtp_read_playout_delay(&delay, kith_span_of(value, len)));
}
END_TEST

START_TEST(a_delay_with_min_above_max_is_none)
{
    kith_rtp_playout_delay delay = {.min = 7};
    const uint8_t value[] = {0x45, 0x61, 0x23};
    ck_assert(!kith_rtp_read_playout_delay(&delay, kith_span_of(value, 3)));
    ck_assert_int_eq(delay.min, 7);
    const uint8_t longest[] = {0xFF, 0xFF, 0xFF};
    ck_assert(kith_rtp_read_playout_delay(&delay, kith_span_of(longest, 3)));
    ck_assert_int_eq(delay.max, KITH_RTP_MAX_PLAYOUT_DELAY);
}
END_TEST

/* 6.18 fixed point, of 64 s. */
START_TEST(a_send_time_is_seconds_of_a_circle_of_sixty_four)
{
    static const struct {
        kith_time now;
        uint8_t bytes[3];
    } rows[] = {{0, {0, 0, 0}},
                {KITH_SECONDS(1), {0x04, 0, 0}},
                {KITH_MS(500), {0x02, 0, 0}},
                {KITH_SECONDS(63) + 999999, {0xFF, 0xFF, 0xFF}},
                {KITH_SECONDS(64), {0, 0, 0}},
                {KITH_SECONDS(64 * 1000000) + KITH_MS(250), {0x01, 0, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[3];
        kith_rtp_write_abs_send_time(out, rows[i].now);
        ck_assert_mem_eq(out, rows[i].bytes, 3);
    }
}
END_TEST

START_TEST(a_transport_wide_number_is_two_bytes)
{
    uint16_t number = 7;
    const uint8_t value[] = {0x12, 0x34, 0x56};
    for (size_t len = 0; len < 2; len++)
        ck_assert(!kith_rtp_read_transport_cc(&number, kith_span_of(value, len)));
    ck_assert_uint_eq(number, 7);
    ck_assert(kith_rtp_read_transport_cc(&number, kith_span_of(value, 2)));
    ck_assert_uint_eq(number, 0x1234);
}
END_TEST

UNIT_MAIN("wire: rtp_extension", uris_are_found, a_mid_is_a_short_text_without_nul,
          every_audio_level_comes_back, every_orientation_comes_back,
          a_playout_delay_is_two_numbers_of_ten_milliseconds, a_delay_with_min_above_max_is_none,
          a_send_time_is_seconds_of_a_circle_of_sixty_four, a_transport_wide_number_is_two_bytes)
