/* What a payload says of the frame that it is of. What frames are made of is in test_assemble.c. */
#include "kit.h"

static const struct {
    kith_media_codec codec;
    size_t len;
    uint8_t bytes[12];
    bool begins;
} payloads[] = {
    {KITH_MEDIA_VP8, 2, {0x10, 0x00}, true},
    /* P; not S; partition 1 */
    {KITH_MEDIA_VP8, 2, {0x10, 0x01}, false},
    {KITH_MEDIA_VP8, 2, {0x00, 0x00}, false},
    {KITH_MEDIA_VP8, 2, {0x11, 0x00}, false},
    /* PictureID of 7 bits, of 15, with TL0PICIDX and TID; cut off */
    {KITH_MEDIA_VP8, 4, {0x90, 0x80, 0x11, 0x00}, true},
    {KITH_MEDIA_VP8, 5, {0x90, 0x80, 0x91, 0x22, 0x00}, true},
    {KITH_MEDIA_VP8, 7, {0x90, 0xE0, 0x91, 0x22, 3, 0x40, 0x00}, true},
    {KITH_MEDIA_VP8, 6, {0x90, 0xE0, 0x91, 0x22, 3, 0x40}, false},
    {KITH_MEDIA_VP8, 0, {0}, false},
    /* IDR, SPS, a slice */
    {KITH_MEDIA_H264, 1, {0x65}, true},
    {KITH_MEDIA_H264, 1, {0x67}, true},
    {KITH_MEDIA_H264, 1, {0x61}, false},
    /* the first fragment of an IDR picture, another, the first of a slice, one that is not whole */
    {KITH_MEDIA_H264, 3, {0x7C, 0x85, 1}, true},
    {KITH_MEDIA_H264, 3, {0x7C, 0x05, 1}, false},
    {KITH_MEDIA_H264, 3, {0x7C, 0x81, 1}, false},
    {KITH_MEDIA_H264, 2, {0x7C, 0x85}, false},
    /* aggregates: of an SPS, of one behind a delimiter, of a slice; cut off */
    {KITH_MEDIA_H264, 5, {0x78, 0, 2, 0x67, 1}, true},
    {KITH_MEDIA_H264, 9, {0x78, 0, 2, 9, 0xf0, 0, 2, 0x67, 1}, true},
    {KITH_MEDIA_H264, 5, {0x78, 0, 2, 0x61, 1}, false},
    {KITH_MEDIA_H264, 4, {0x78, 0, 2, 0x67}, false},
    {KITH_MEDIA_H264, 0, {0}, false},
    {KITH_MEDIA_OPUS, 2, {0x10, 0x00}, false},
};

START_TEST(key_frames_are_known_by_the_payload_that_they_begin_with)
{
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        /* at the end of its memory, so that a sanitizer sees what reads too far */
        size_t len = payloads[i].len;
        uint8_t *exact = malloc(len + (len == 0));
        memcpy(exact, payloads[i].bytes, len);
        ck_assert_msg(kith_media_begins_key_frame(payloads[i].codec, kith_span_of(exact, len)) ==
                          payloads[i].begins,
                      "%zu", i);
        free(exact);
    }
}
END_TEST

UNIT_MAIN("media: unpack", key_frames_are_known_by_the_payload_that_they_begin_with)
