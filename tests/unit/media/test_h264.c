/* Access units cut into units: alone, together, in fragments. */
#include "kit.h"
#include "wire/h264.h"

#define LIMIT 500

static uint8_t stream[20000];

/* An access unit of NAL units of these types and lengths, behind start codes. */
static kith_span access_unit(const uint8_t *headers, const size_t *lens, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(stream + len, (const uint8_t[]){0, 0, 0, 1}, 4);
        stream[len + 4] = headers[i];
        memset(stream + len + 5, 0x55, lens[i] - 1);
        len += 4 + lens[i];
    }
    return kith_span_of(stream, len);
}

#define UNITS(headers, lens) access_unit(headers, lens, sizeof(headers))

static void begin(kith_packetizer *p, kith_span data)
{
    ck_assert_int_eq(kith_packetizer_begin(p, &(kith_media_frame){.data = data}, LIMIT), KITH_OK);
}

/* The next unit as a payload. */
static kith_span next(kith_packetizer *p, kith_rtp_unit *unit)
{
    static uint8_t payload[LIMIT];
    ck_assert(kith_packetizer_next(p, unit));
    ck_assert_uint_le(unit->prefix_len + unit->payload.len, LIMIT);
    memcpy(payload, unit->prefix, unit->prefix_len);
    memcpy(payload + unit->prefix_len, unit->payload.data, unit->payload.len);
    kith_block_unref(unit->block);
    return kith_span_of(payload, unit->prefix_len + unit->payload.len);
}

START_TEST(small_units_travel_together)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_H264);
    static const uint8_t headers[] = {0x09, 0x67, 0x28, 0x68, 0x65};
    static const size_t lens[] = {2, 3, 2, 4, 400};
    begin(p, UNITS(headers, lens));
    ck_assert(kith_packetizer_is_key(p));
    ck_assert_uint_eq(kith_packetizer_left(p), 1);
    kith_rtp_unit unit;
    kith_span payload = next(p, &unit);
    ck_assert(unit.marker && unit.begins_key_frame);
    /* NRI is the highest; the delimiter is gone */
    static const uint8_t wanted[] = {0x78, 0, 3, 0x67, 0x55, 0x55, 0, 2, 0x28, 0x55, 0, 4, 0x68};
    ck_assert_mem_eq(payload.data, wanted, sizeof wanted);
    ck_assert_uint_eq(payload.len, 1 + 5 + 4 + 6 + 402);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(a_unit_that_fits_alone_is_sent_as_it_is)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_H264);
    static const uint8_t headers[] = {0x41, 0x41};
    for (size_t len = LIMIT - 5; len <= LIMIT; len++) {
        const size_t lens[] = {len, 2};
        begin(p, UNITS(headers, lens));
        kith_rtp_unit unit;
        kith_span payload = next(p, &unit);
        bool together = 1 + 2 + len + 2 + 2 <= LIMIT;
        ck_assert_uint_eq(payload.data[0], together ? 0x58 : 0x41);
        ck_assert_uint_eq(payload.len, together ? len + 7 : len);
        ck_assert_int_eq(unit.marker, together);
        ck_assert(!unit.begins_key_frame);
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(a_large_unit_is_cut_into_fragments_of_one_size)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_H264);
    static const uint8_t headers[] = {0x65};
    for (size_t len = LIMIT + 1; len < 3000; len += 11) {
        begin(p, UNITS(headers, &len));
        size_t count = kith_packetizer_left(p), sum = 0, size = 0;
        ck_assert_uint_eq(count, (len - 1 + LIMIT - 3) / (LIMIT - 2));
        for (size_t i = 0; i < count; i++) {
            kith_rtp_unit unit;
            kith_span payload = next(p, &unit);
            uint8_t flags = (uint8_t)((i == 0 ? 0x80 : 0) | (i == count - 1 ? 0x40 : 0));
            ck_assert_uint_eq(payload.data[0], 0x7c);
            ck_assert_uint_eq(payload.data[1], 5 | flags);
            size = i == 0 ? payload.len : size;
            ck_assert(payload.len == size || (i == count - 1 && payload.len < size));
            sum += payload.len - 2;
        }
        ck_assert_uint_eq(sum, len - 1);
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(parameter_sets_are_put_before_a_picture_that_comes_without)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_H264);
    static const uint8_t sets[] = {0x67, 0x68}, idr[] = {0x65}, slice[] = {0x41};
    static const size_t lens[] = {3, 2}, len = 4;
    kith_rtp_unit unit;
    /* what has no picture is no frame */
    begin(p, UNITS(sets, lens));
    ck_assert_uint_eq(kith_packetizer_left(p), 0);
    static const uint8_t wanted[] = {0x78, 0,    3, 0x67, 0x55, 0x55, 0,    2,
                                     0x68, 0x55, 0, 4,    0x65, 0x55, 0x55, 0x55};
    for (int i = 0; i < 2; i++) {
        begin(p, access_unit(idr, &len, 1));
        kith_span payload = next(p, &unit);
        ck_assert_uint_eq(payload.len, sizeof wanted);
        ck_assert_mem_eq(payload.data, wanted, sizeof wanted);
    }
    begin(p, access_unit(slice, &len, 1));
    ck_assert_uint_eq(next(p, &unit).len, 4);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(parameter_sets_come_out_of_band_too)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_H264);
    static const uint8_t avcc[] = {1, 66, 0, 10, 0xff, 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 3};
    for (size_t n = 0; n < sizeof avcc; n++)
        ck_assert_int_eq(kith_packetizer_set_parameter_sets(p, kith_span_of(avcc, n)),
                         KITH_ERR_TYPE);
    ck_assert_int_eq(kith_packetizer_set_parameter_sets(p, kith_span_of(avcc, sizeof avcc)),
                     KITH_OK);
    static const uint8_t idr[] = {0, 0, 0, 2, 0x65, 9};
    const kith_media_frame frame = {.data = {idr, sizeof idr}, .length_size = 4};
    ck_assert_int_eq(kith_packetizer_begin(p, &frame, LIMIT), KITH_OK);
    static const uint8_t wanted[] = {0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3, 0, 2, 0x65, 9};
    kith_rtp_unit unit;
    kith_span payload = next(p, &unit);
    ck_assert_uint_eq(payload.len, sizeof wanted);
    ck_assert_mem_eq(payload.data, wanted, sizeof wanted);
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

START_TEST(what_is_no_access_unit_is_refused)
{
    kit k = kit_new();
    kith_packetizer *p = kit_packetizer(&k, KITH_MEDIA_H264);
    static const struct {
        uint8_t bytes[8];
        size_t len;
        unsigned length_size;
    } bad[] = {
        /* no start code; nothing behind it; a delimiter alone; types that RTP has taken */
        {{0x65, 1, 2}, 3, 0},
        {{0, 0, 1}, 3, 0},
        {{0, 0, 1, 9, 0xf0}, 5, 0},
        {{0, 0, 1, 0x78, 1}, 5, 0},
        {{0, 0, 1, 0x60, 1}, 5, 0},
        /* a length that is not true; start codes where lengths were said */
        {{0, 0, 0, 9, 0x65, 1}, 6, 4},
        {{0, 0, 0, 1, 0x65, 1}, 6, 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const kith_media_frame frame = {.data = {bad[i].bytes, bad[i].len},
                                        .length_size = bad[i].length_size};
        ck_assert_msg(kith_packetizer_begin(p, &frame, LIMIT) == KITH_ERR_TYPE, "case %zu", i);
        ck_assert_uint_eq(kith_packetizer_left(p), 0);
    }
    kith_packetizer_free(p);
    kit_end(&k);
}
END_TEST

UNIT_MAIN("media: H.264", small_units_travel_together, a_unit_that_fits_alone_is_sent_as_it_is,
          a_large_unit_is_cut_into_fragments_of_one_size,
          parameter_sets_are_put_before_a_picture_that_comes_without,
          parameter_sets_come_out_of_band_too, what_is_no_access_unit_is_refused)
