/* VP8 in IVF. */
#include "kit.h"

START_TEST(a_file_of_ffmpeg_has_its_frames_times_and_sizes)
{
    kith_span file = kit_read("vp8.ivf");
    kit_file f = kit_frames(file, 1000);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_str_eq(f.mime_type, "video/VP8");
    ck_assert_uint_eq(f.count, 10);
    for (size_t i = 0; i < f.count; i++) {
        const kith_frame *frame = &f.frames[i].frame;
        ck_assert_int_eq(frame->capture_time, KITH_MS(100) * (int)i);
        ck_assert_uint_eq(frame->rtp_timestamp, 9000 * i);
        ck_assert_int_eq(frame->is_key, i % 5 == 0);
        ck_assert_uint_eq(frame->width, 96);
        ck_assert_uint_eq(frame->height, 64);
    }
    kit_free(&f);
    free((void *)file.data);
}
END_TEST

START_TEST(every_piece_of_a_file_gives_whole_frames)
{
    kit_every_prefix("vp8.ivf");
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    static kit_disk disk;
    kith_span file = kit_read("vp8.ivf");
    kit_file f = kit_frames(file, file.len);
    kit_make(&disk, "video/vp8", f.frames, f.count);
    kit_file again = kit_frames(kit_made(&disk), 100);
    ck_assert_int_eq(again.err, KITH_OK);
    kit_compare(&f, &again);
    /* the count of frames came at the end */
    ck_assert_uint_eq(disk.data[24], 10);
    kit_free(&f);
    kit_free(&again);
    free((void *)file.data);
}
END_TEST

START_TEST(a_file_begins_with_a_key_frame)
{
    kith_span file = kit_read("vp8.ivf");
    kit_file f = kit_frames(file, file.len);
    const kith_rtp_codec codec = {.mime_type = "video/VP8"};
    kith_file_writer *w;
    ck_assert_int_eq(kith_file_writer_new(&w, &codec), KITH_OK);
    ck_assert_int_eq(kith_file_writer_add(w, &f.frames[1].frame), KITH_ERR_TYPE);
    ck_assert_ptr_null(kith_file_writer_output(w));
    ck_assert_int_eq(kith_file_writer_add(w, &f.frames[5].frame), KITH_OK);
    ck_assert_ptr_nonnull(kith_file_writer_output(w));
    kith_file_writer_free(w);
    kit_free(&f);
    free((void *)file.data);
}
END_TEST

/* A file of one frame, with its header changed. */
static kith_err read_changed(size_t at, const char *bytes, size_t len)
{
    kith_span file = kit_read("vp8.ivf");
    memcpy((uint8_t *)file.data + at, bytes, len);
    kit_file f = kit_frames(file, 4096);
    kith_err err = f.err;
    kit_free(&f);
    free((void *)file.data);
    return err;
}

START_TEST(what_a_file_may_not_say_is_refused)
{
    ck_assert_int_eq(read_changed(8, "VP90", 4), KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "libvpx"));
    ck_assert_int_eq(read_changed(16, "\0\0\0\0", 4), KITH_ERR_OPERATION);
    ck_assert_int_eq(read_changed(20, "\0\0\0\0", 4), KITH_ERR_OPERATION);
    ck_assert_int_eq(read_changed(6, "\1\0", 2), KITH_ERR_OPERATION);
    ck_assert_int_eq(read_changed(32, "\xff\xff\xff\xff", 4), KITH_ERR_OPERATION);
    ck_assert_int_eq(read_changed(36, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), KITH_ERR_OPERATION);
}
END_TEST

START_TEST(frames_that_the_encoder_dropped_are_passed_over)
{
    ck_assert_int_eq(read_changed(0, "DKIF", 4), KITH_OK);
    uint8_t bytes[32 + 24] = "DKIF\0\0\x20\0VP80\x60\0\x40\0\x1e\0\0\0\1\0\0\0";
    kit_file f = kit_frames(kith_span_of(bytes, sizeof bytes), 5);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 0);
    kit_free(&f);
}
END_TEST

UNIT_MAIN("files: IVF", a_file_of_ffmpeg_has_its_frames_times_and_sizes,
          every_piece_of_a_file_gives_whole_frames, what_is_written_is_read_again,
          a_file_begins_with_a_key_frame, what_a_file_may_not_say_is_refused,
          frames_that_the_encoder_dropped_are_passed_over)
