/* Reading files of any format. */
#include "files/reader.h"
#include "kit.h"

START_TEST(what_is_no_file_of_frames_is_refused_and_told_how_to_make_one)
{
    kit_file f = kit_frames(kith_span_text("this is a text"), 3);
    ck_assert_int_eq(f.err, KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "ffmpeg"));
    f = kit_frames(kith_span_text(""), 3);
    ck_assert_int_eq(f.err, KITH_ERR_OPERATION);
    ck_assert_str_eq(kith_last_error()->message, "the file is empty");
}
END_TEST

START_TEST(the_codec_is_known_before_the_first_frame)
{
    kith_span file = kit_read("vp8.ivf");
    kith_file_reader *r;
    const kith_frame *frame;
    ck_assert_int_eq(kith_file_reader_new(&r), KITH_OK);
    ck_assert_ptr_null(kith_file_reader_codec(r));
    ck_assert_int_eq(kith_file_reader_give(r, file.data, 40), KITH_OK);
    ck_assert_int_eq(kith_file_reader_next(r, &frame), KITH_ERR_AGAIN);
    ck_assert_str_eq(kith_file_reader_codec(r)->mime_type, "video/VP8");
    ck_assert_uint_eq(kith_file_reader_codec(r)->clock_rate, 90000);
    kith_file_reader_free(r);
    kith_file_reader_free(NULL);
    free((void *)file.data);
}
END_TEST

START_TEST(a_file_that_ended_takes_no_more)
{
    kith_file_reader *r;
    ck_assert_int_eq(kith_file_reader_new(&r), KITH_OK);
    ck_assert_int_eq(kith_file_reader_give(r, NULL, 3), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_file_reader_give(r, NULL, 0), KITH_OK);
    ck_assert_int_eq(kith_file_reader_give(r, "x", 1), KITH_ERR_INVALID_STATE);
    kith_file_reader_free(r);
}
END_TEST

START_TEST(what_was_read_is_not_kept)
{
    static uint8_t frame[12 + 5000] = {0x88, 0x13};
    frame[12] = 1;
    kith_file_reader *r;
    const kith_frame *got;
    ck_assert_int_eq(kith_file_reader_new(&r), KITH_OK);
    kith_span file = kit_read("vp8.ivf");
    ck_assert_int_eq(kith_file_reader_give(r, file.data, 32), KITH_OK);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(kith_file_reader_give(r, frame, sizeof frame), KITH_OK);
        ck_assert_int_eq(kith_file_reader_next(r, &got), KITH_OK);
        ck_assert_uint_eq(got->len, 5000);
    }
    ck_assert_uint_le(r->cap, 65536);
    kith_file_reader_free(r);
    free((void *)file.data);
}
END_TEST

START_TEST(numbers_are_scaled_or_do_not_fit)
{
    uint64_t out;
    ck_assert(kith_file_scale(7, 3, 2, &out));
    ck_assert_uint_eq(out, 10);
    ck_assert(kith_file_scale(UINT64_MAX / 1000, 1000000, 1000000, &out));
    ck_assert_uint_eq(out, UINT64_MAX / 1000);
    ck_assert(!kith_file_scale(UINT64_MAX, 2, 1, &out));
    ck_assert(!kith_file_scale(1, UINT64_MAX / 2, 3, &out));
}
END_TEST

UNIT_MAIN("files: reader", what_is_no_file_of_frames_is_refused_and_told_how_to_make_one,
          the_codec_is_known_before_the_first_frame, a_file_that_ended_takes_no_more,
          what_was_read_is_not_kept, numbers_are_scaled_or_do_not_fit)
