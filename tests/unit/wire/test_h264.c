/* ITU-T H.264 annex B and RFC 6184, with parameter sets that x264 wrote. */
#include "../unit.h"
#include "wire/h264.h"

#include <string.h>

#define SPAN(...) kith_span_of((uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void expect_nal(kith_span got, kith_span wanted)
{
    ck_assert_mem_eq(got.data, wanted.data, wanted.len);
    ck_assert_uint_eq(got.len, wanted.len);
}

START_TEST(a_stream_of_bytes_is_cut_at_its_start_codes)
{
    kith_span stream =
        SPAN(0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 0, 3, 0, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0);
    kith_span nal;
    ck_assert(kith_h264_next_annex_b(&stream, &nal));
    expect_nal(nal, SPAN(0x67, 1, 2));
    ck_assert(kith_h264_next_annex_b(&stream, &nal));
    expect_nal(nal, SPAN(0x68, 0, 3));
    ck_assert(kith_h264_next_annex_b(&stream, &nal));
    expect_nal(nal, SPAN(0x65, 0, 0, 3, 1));
    ck_assert(!kith_h264_next_annex_b(&stream, &nal));
    ck_assert_uint_eq(stream.len, 0);
}
END_TEST

START_TEST(start_codes_without_a_unit_are_passed_over)
{
    kith_span nal;
    kith_span streams[] = {SPAN(0), SPAN(0, 0, 1), SPAN(1, 2, 3), SPAN(0, 0, 1, 0, 0, 1, 0, 0)};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        ck_assert(!kith_h264_next_annex_b(&streams[i], &nal));
    kith_span stream = SPAN(9, 9, 0, 0, 1, 0, 0, 1, 0x41);
    ck_assert(kith_h264_next_annex_b(&stream, &nal));
    expect_nal(nal, SPAN(0x41));
    ck_assert(!kith_h264_next_annex_b(&stream, &nal));
}
END_TEST

START_TEST(units_stand_behind_lengths_of_one_two_or_four_bytes)
{
    kith_span nal, one = SPAN(2, 0x67, 1, 0, 1, 0x68);
    ck_assert(kith_h264_next_avcc(&one, 1, &nal));
    expect_nal(nal, SPAN(0x67, 1));
    ck_assert(kith_h264_next_avcc(&one, 1, &nal));
    expect_nal(nal, SPAN(0x68));
    ck_assert(!kith_h264_next_avcc(&one, 1, &nal));
    ck_assert_uint_eq(one.len, 0);
    kith_span two = SPAN(0, 1, 0x67), four = SPAN(0, 0, 0, 1, 0x67);
    ck_assert(kith_h264_next_avcc(&two, 2, &nal));
    ck_assert(kith_h264_next_avcc(&four, 4, &nal));
    expect_nal(nal, SPAN(0x67));
    kith_span cut = SPAN(0, 0, 0, 3, 0x67, 1);
    ck_assert(!kith_h264_next_avcc(&cut, 4, &nal));
    ck_assert_uint_gt(cut.len, 0);
    kith_span huge = SPAN(0xff, 0xff, 0xff, 0xff, 0x67);
    ck_assert(!kith_h264_next_avcc(&huge, 4, &nal));
    ck_assert_uint_gt(huge.len, 0);
}
END_TEST

static size_t count_pieces(kith_span payload, kith_h264_piece *last, bool *good)
{
    kith_h264_pieces pieces;
    size_t count = 0;
    *good = kith_h264_pieces_of(&pieces, payload);
    while (*good && kith_h264_next_piece(&pieces, last))
        count++;
    *good = *good && !pieces.in.bad;
    return count;
}

START_TEST(a_single_unit_is_one_piece)
{
    kith_h264_piece piece;
    bool good;
    kith_span payload = SPAN(0x65, 1, 2);
    ck_assert_uint_eq(count_pieces(payload, &piece, &good), 1);
    ck_assert(good && piece.begins && piece.ends && !piece.is_fragment);
    ck_assert_uint_eq(kith_h264_piece_type(&piece), KITH_H264_IDR);
    expect_nal(piece.content, SPAN(0x65, 1, 2));
}
END_TEST

START_TEST(an_aggregate_has_its_units)
{
    kith_h264_piece piece;
    bool good;
    kith_span payload = SPAN(0x78, 0, 2, 0x67, 1, 0, 1, 0x68);
    ck_assert_uint_eq(count_pieces(payload, &piece, &good), 2);
    ck_assert(good && piece.begins && piece.ends && !piece.is_fragment);
    expect_nal(piece.content, SPAN(0x68));
    for (size_t len = 0; len < payload.len; len++) {
        (void)count_pieces(kith_span_of(payload.data, len), &piece, &good);
        /* one that ends behind a unit is whole */
        ck_assert_int_eq(good, len == 1 || len == 5);
    }
}
END_TEST

START_TEST(a_fragment_has_the_first_byte_of_its_unit)
{
    kith_h264_piece piece;
    bool good;
    kith_span first = SPAN(0x7c, 0x85, 9);
    ck_assert_uint_eq(count_pieces(first, &piece, &good), 1);
    ck_assert(good && piece.is_fragment && piece.begins && !piece.ends);
    ck_assert_uint_eq(piece.header, 0x65);
    expect_nal(piece.content, SPAN(9));
    (void)count_pieces(SPAN(0x7c, 0x05, 9), &piece, &good);
    ck_assert(good && !piece.begins && !piece.ends);
    (void)count_pieces(SPAN(0x7c, 0x45, 9), &piece, &good);
    ck_assert(good && !piece.begins && piece.ends);
}
END_TEST

START_TEST(what_mode_one_does_not_have_is_refused)
{
    /* RFC 6184: empty; reserved; STAP-B, MTAP16, MTAP24, FU-B; an aggregate in an aggregate and a
     * fragment in one; a unit of no length; a fragment that is a whole unit, or of no content */
    kith_span bad[] = {{0},
                       SPAN(0x60, 1),
                       SPAN(0x79, 0, 0, 0, 1, 0x67),
                       SPAN(0x7a, 1),
                       SPAN(0x7b, 1),
                       SPAN(0x7d, 0x85, 0, 0, 1),
                       SPAN(0x7e, 1),
                       SPAN(0x7f, 1),
                       SPAN(0x78, 0, 4, 0x78, 0, 1, 0x67),
                       SPAN(0x78, 0, 3, 0x7c, 0x85, 1),
                       SPAN(0x78, 0, 0),
                       SPAN(0x7c, 0xc5, 1),
                       SPAN(0x7c, 0x85),
                       SPAN(0x7c)};
    kith_h264_piece piece;
    bool good;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)count_pieces(bad[i], &piece, &good);
        ck_assert_msg(!good, "payload %zu was taken", i);
    }
}
END_TEST

static kith_span from_hex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(kith_span_hex_digit((uint8_t)hex[2 * i]) << 4 |
                           kith_span_hex_digit((uint8_t)hex[2 * i + 1]));
    return kith_span_of(out, len);
}

START_TEST(a_parameter_set_says_the_size_and_the_times_of_pictures)
{
    /* of x264: baseline, cropped; high 4:2:2; high, interlaced, with scaling lists */
    static const struct {
        const char *hex;
        kith_h264_sps sps;
    } cases[] = {
        {"6742c00bd901519e226c0440000003004000000503c50a92", {322, 182, 1, 20}},
        {"6742c00ad9072788ac0440000003004000000503c48992", {98, 62, 1, 20}},
        {"677a0028bcd940780227e27011000003000100000300140f183196", {1920, 1080, 1, 20}},
        {"6764001eacd940b424d8088000000300800000190f8a14cb", {720, 576, 1, 50}},
        /* without the words about its use */
        {"6742c00ad9072788a4", {98, 62, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64];
        kith_h264_sps sps;
        kith_span from = from_hex(cases[i].hex, bytes);
        ck_assert(kith_h264_read_sps(from, &sps));
        ck_assert_uint_eq(sps.width, cases[i].sps.width);
        ck_assert_uint_eq(sps.height, cases[i].sps.height);
        ck_assert_uint_eq(sps.num_units_in_tick, cases[i].sps.num_units_in_tick);
        ck_assert_uint_eq(sps.time_scale, cases[i].sps.time_scale);
        for (size_t len = 0; len < 8; len++)
            ck_assert(!kith_h264_read_sps(kith_span_of(bytes, len), &sps));
    }
}
END_TEST

START_TEST(a_broken_parameter_set_has_no_size)
{
    kith_h264_sps sps;
    uint8_t zeros[64] = {0x67, 66};
    ck_assert(!kith_h264_read_sps(kith_span_of(zeros, sizeof zeros), &sps));
    /* ue(v) of 16384 macroblocks across */
    uint8_t wide[] = {0x67, 66, 0, 10, 0xf8, 0x00, 0x01, 0x00, 0x07, 0xff, 0xff};
    ck_assert(!kith_h264_read_sps(kith_span_of(wide, sizeof wide), &sps));
}
END_TEST

UNIT_MAIN("wire: H.264", a_stream_of_bytes_is_cut_at_its_start_codes,
          start_codes_without_a_unit_are_passed_over,
          units_stand_behind_lengths_of_one_two_or_four_bytes, a_single_unit_is_one_piece,
          an_aggregate_has_its_units, a_fragment_has_the_first_byte_of_its_unit,
          what_mode_one_does_not_have_is_refused,
          a_parameter_set_says_the_size_and_the_times_of_pictures,
          a_broken_parameter_set_has_no_size)
