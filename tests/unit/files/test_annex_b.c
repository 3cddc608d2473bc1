/* H.264 as a stream of bytes. */
#include "kit.h"

START_TEST(pictures_of_several_slices_are_told_apart)
{
    kith_span file = kit_read("h264.264");
    kit_file f = kit_frames(file, 777);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_str_eq(f.mime_type, "video/H264");
    ck_assert_uint_eq(f.count, 10);
    size_t sum = 0;
    for (size_t i = 0; i < f.count; i++) {
        const kith_frame *frame = &f.frames[i].frame;
        /* x264 says 10 frames a second in the SPS, and was told to begin each with a delimiter */
        ck_assert_int_eq(frame->capture_time, KITH_MS(100) * (int)i);
        ck_assert_uint_eq(frame->rtp_timestamp, 9000 * i);
        ck_assert_mem_eq(frame->data, "\0\0\0\1\x09", 5);
        ck_assert_int_eq(frame->is_key, i % 5 == 0);
        ck_assert_uint_eq(frame->width, 98);
        ck_assert_uint_eq(frame->height, 62);
        sum += frame->len;
    }
    ck_assert_uint_eq(sum, file.len);
    kit_free(&f);
    free((void *)file.data);
}
END_TEST

/* The same stream without its access unit delimiters. */
static kith_span without_delimiters(kith_span file)
{
    uint8_t *out = malloc(file.len);
    size_t len = 0;
    for (size_t i = 0; i < file.len;) {
        if (i + 6 <= file.len && memcmp(file.data + i, "\0\0\0\1\x09", 5) == 0)
            i += 6;
        else
            out[len++] = file.data[i++];
    }
    return kith_span_of(out, len);
}

START_TEST(without_delimiters_the_first_macroblock_begins_a_picture)
{
    kith_span file = kit_read("h264.264"), bare = without_delimiters(file);
    ck_assert_uint_eq(bare.len, file.len - 10 * 6);
    kit_file f = kit_frames(bare, 50);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 10);
    size_t sum = 0;
    for (size_t i = 0; i < f.count; i++) {
        ck_assert_int_eq(f.frames[i].frame.is_key, i % 5 == 0);
        sum += f.frames[i].frame.len;
    }
    ck_assert_uint_eq(sum, bare.len);
    kit_free(&f);
    free((void *)bare.data);
    free((void *)file.data);
}
END_TEST

START_TEST(every_piece_of_a_file_gives_pictures)
{
    kit_every_prefix("h264.264");
}
END_TEST

START_TEST(without_times_there_are_25_frames_a_second)
{
    static const uint8_t two[] = {0, 0, 1, 0x65, 0x88, 1, 0, 0, 0, 1, 0x41, 0x9a, 2, 0, 0, 1, 10};
    kit_file f = kit_frames(kith_span_of(two, sizeof two), 3);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 2);
    ck_assert_uint_eq(f.frames[0].frame.len, 6);
    ck_assert_int_eq(f.frames[0].frame.is_key, true);
    ck_assert_int_eq(f.frames[1].frame.is_key, false);
    ck_assert_int_eq(f.frames[1].frame.capture_time, KITH_MS(40));
    ck_assert_uint_eq(f.frames[1].frame.rtp_timestamp, 3600);
    ck_assert_uint_eq(f.frames[1].frame.len, sizeof two - 6);
    kit_free(&f);
}
END_TEST

START_TEST(a_picture_without_end_is_refused)
{
    size_t len = ((size_t)8 << 20) + 4096;
    uint8_t *endless = malloc(len);
    memset(endless, 0xaa, len);
    memcpy(endless, "\0\0\0\1\x65\x88", 6);
    kit_file f = kit_frames(kith_span_of(endless, len), 65536);
    ck_assert_int_eq(f.err, KITH_ERR_OPERATION);
    ck_assert_uint_eq(f.count, 0);
    free(endless);
    kit_free(&f);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    static kit_disk disk;
    kith_span file = kit_read("h264.264");
    kit_file f = kit_frames(file, file.len);
    kit_make(&disk, "video/H264", f.frames, f.count);
    kit_file again = kit_frames(kit_made(&disk), 100);
    ck_assert_uint_eq(f.count, again.count);
    for (size_t i = 0; i < f.count; i++) {
        ck_assert_int_eq(f.frames[i].frame.is_key, again.frames[i].frame.is_key);
        ck_assert_int_eq(f.frames[i].frame.capture_time, again.frames[i].frame.capture_time);
    }
    kit_free(&f);
    kit_free(&again);
    free((void *)file.data);
}
END_TEST

START_TEST(units_behind_lengths_are_written_behind_start_codes)
{
    static const uint8_t avcc[] = {0, 2, 0x67, 1, 0, 3, 0x65, 0x88, 2};
    static kit_disk disk;
    kit_frame frame = {.frame = KITH_FRAME_INIT};
    frame.frame.data = avcc;
    frame.frame.len = sizeof avcc;
    frame.frame.nal_length_size = 2;
    kit_make(&disk, "video/H264", &frame, 1);
    ck_assert_uint_eq(disk.len, 13);
    ck_assert_mem_eq(disk.data, "\0\0\0\1\x67\1\0\0\0\1\x65\x88\2", 13);
    const kith_rtp_codec codec = {.mime_type = "video/H264"};
    kith_file_writer *w;
    ck_assert_int_eq(kith_file_writer_new(&w, &codec), KITH_OK);
    frame.frame.len--;
    ck_assert_int_eq(kith_file_writer_add(w, &frame.frame), KITH_ERR_TYPE);
    ck_assert_ptr_null(kith_file_writer_output(w));
    kith_file_writer_free(w);
}
END_TEST

UNIT_MAIN("files: H.264", pictures_of_several_slices_are_told_apart,
          without_delimiters_the_first_macroblock_begins_a_picture,
          every_piece_of_a_file_gives_pictures, without_times_there_are_25_frames_a_second,
          a_picture_without_end_is_refused, what_is_written_is_read_again,
          units_behind_lengths_are_written_behind_start_codes)
