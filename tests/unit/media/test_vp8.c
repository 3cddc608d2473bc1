/* VP8 frames cut into units. */
#include "kit.h"
#include "wire/vp8.h"

#define LIMIT 500

START_TEST(a_frame_is_cut_into_pieces_of_one_size_and_a_shorter_last_one)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_VP8);
    uint8_t bytes[5000] = {1};
    for (size_t len = 3; len < sizeof bytes; len += 7) {
        const kith_media_frame frame = {.data = {bytes, len}};
        ck_assert_int_eq(kith_packetizer_begin(p, &frame, LIMIT), KITH_OK);
        size_t count = kith_packetizer_left(p), sum = 0, size = 0, seen = 0;
        ck_assert_uint_eq(count, (len + LIMIT - 5) / (LIMIT - 4));
        for (kith_rtp_unit unit; kith_packetizer_next(p, &unit); seen++) {
            ck_assert_uint_le(unit.prefix_len + unit.payload.len, LIMIT);
            ck_assert(seen == 0 || unit.payload.len == size || seen == count - 1);
            ck_assert(seen == 0 || unit.payload.len <= size);
            size = seen == 0 ? unit.payload.len : size;
            sum += unit.payload.len;
            ck_assert_int_eq(unit.marker, seen == count - 1);
            kith_block_unref(unit.block);
        }
        ck_assert_uint_eq(seen, count);
        ck_assert_uint_eq(sum, len);
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

static kith_vp8_descriptor descriptor_of(const kith_rtp_unit *unit)
{
    kith_reader r = kith_rd(unit->prefix, unit->prefix_len);
    kith_vp8_descriptor d;
    ck_assert(kith_vp8_read_descriptor(&r, &d));
    ck_assert_uint_eq(kith_rd_left(&r), 0);
    return d;
}

START_TEST(a_picture_id_of_fifteen_bits_counts_frames)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_VP8);
    uint8_t bytes[1200] = {1};
    uint16_t last = 0;
    for (int i = 0; i < 40000; i++) {
        const kith_media_frame frame = {.data = {bytes, i % 2 ? 1200 : 3},
                                        .is_non_reference = i % 3 == 0};
        ck_assert_int_eq(kith_packetizer_begin(p, &frame, LIMIT), KITH_OK);
        bool is_first = true;
        for (kith_rtp_unit unit; kith_packetizer_next(p, &unit); is_first = false) {
            kith_vp8_descriptor d = descriptor_of(&unit);
            ck_assert(d.has_picture_id && d.is_picture_id_long);
            ck_assert_int_eq(d.begins_frame, is_first);
            ck_assert_int_eq(d.is_non_reference, i % 3 == 0);
            ck_assert(i == 0 || d.picture_id == ((last + is_first) & 0x7fff));
            last = d.picture_id;
            kith_block_unref(unit.block);
        }
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(the_first_unit_of_a_key_frame_says_so)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_VP8);
    kith_span file = kit_read("vp8.ivf"), data;
    size_t at = 0, keys = 0, frames = 0;
    while (kit_ivf_frame(file, &at, &data)) {
        const kith_media_frame frame = {.data = data, .captured_at = KITH_MS(100) * (int)frames++};
        ck_assert_int_eq(kith_packetizer_begin(p, &frame, LIMIT), KITH_OK);
        bool is_key = kith_packetizer_is_key(p), is_first = true;
        keys += is_key;
        for (kith_rtp_unit unit; kith_packetizer_next(p, &unit); is_first = false) {
            ck_assert_int_eq(unit.begins_key_frame, is_key && is_first);
            kith_block_unref(unit.block);
        }
    }
    ck_assert_uint_eq(frames, 10);
    ck_assert_uint_eq(keys, 2);
    free((void *)file.data);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_no_vp8_frame_is_refused)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_VP8);
    /* too short, and a key frame without its start code */
    uint8_t zeros[100] = {0};
    ck_assert_int_eq(kith_packetizer_begin(p, &(kith_media_frame){.data = {zeros, 2}}, LIMIT),
                     KITH_ERR_TYPE);
    ck_assert_int_eq(kith_packetizer_begin(p, &(kith_media_frame){.data = {zeros, 100}}, LIMIT),
                     KITH_ERR_TYPE);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("media: VP8", a_frame_is_cut_into_pieces_of_one_size_and_a_shorter_last_one,
          a_picture_id_of_fifteen_bits_counts_frames, the_first_unit_of_a_key_frame_says_so,
          what_is_no_vp8_frame_is_refused)
