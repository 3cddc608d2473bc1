/* G.711 in WAV. */
#include "kit.h"

START_TEST(files_of_ffmpeg_have_their_samples_20_ms_at_a_time)
{
    static const struct {
        const char *name, *mime_type;
    } files[] = {{"pcma.wav", "audio/PCMA"}, {"pcmu.wav", "audio/PCMU"}};
    for (size_t n = 0; n < 2; n++) {
        kith_span file = kit_read(files[n].name);
        kit_file f = kit_frames(file, 333);
        ck_assert_int_eq(f.err, KITH_OK);
        ck_assert_str_eq(f.mime_type, files[n].mime_type);
        ck_assert_uint_eq(f.count, 25);
        for (size_t i = 0; i < f.count; i++) {
            ck_assert_uint_eq(f.frames[i].frame.len, 160);
            ck_assert_int_eq(f.frames[i].frame.capture_time, KITH_MS(20) * (int)i);
            ck_assert_uint_eq(f.frames[i].frame.rtp_timestamp, 160 * i);
            /* the samples stand behind 92 bytes of chunks */
            ck_assert_mem_eq(f.frames[i].data, file.data + 92 + 160 * i, 160);
        }
        kit_free(&f);
        free((void *)file.data);
    }
}
END_TEST

START_TEST(every_piece_of_a_file_gives_samples)
{
    kit_every_prefix("pcmu.wav");
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    static kit_disk disk;
    kith_span file = kit_read("pcma.wav");
    kit_file f = kit_frames(file, file.len);
    kit_make(&disk, "audio/PCMA", f.frames, f.count);
    kit_file again = kit_frames(kit_made(&disk), 100);
    ck_assert_int_eq(again.err, KITH_OK);
    kit_compare(&f, &again);
    /* RIFF's size, fact's and data's came at the end */
    ck_assert_uint_eq(disk.len, 58 + 4000);
    ck_assert_mem_eq(disk.data + 4, "\xd2\x0f\0\0", 4);
    ck_assert_mem_eq(disk.data + 46, "\xa0\x0f\0\0", 4);
    ck_assert_mem_eq(disk.data + 54, "\xa0\x0f\0\0", 4);
    kit_free(&f);
    kit_free(&again);
    free((void *)file.data);
}
END_TEST

START_TEST(a_pause_is_silence)
{
    static kit_disk disk;
    uint8_t samples[80] = {1, 2, 3};
    kit_frame frames[2];
    for (int i = 0; i < 2; i++) {
        frames[i].frame = (kith_frame)KITH_FRAME_INIT;
        frames[i].frame.data = samples;
        frames[i].frame.len = 80;
        frames[i].frame.rtp_timestamp = UINT32_MAX - 100 + 200 * (uint32_t)i;
    }
    kit_make(&disk, "audio/PCMU", frames, 2);
    ck_assert_uint_eq(disk.len, 58 + 280);
    ck_assert_mem_eq(disk.data + 58, samples, 80);
    for (int i = 0; i < 120; i++)
        ck_assert_uint_eq(disk.data[58 + 80 + i], 0xff);
    ck_assert_mem_eq(disk.data + 58 + 200, samples, 80);
}
END_TEST

START_TEST(a_file_of_something_else_is_refused_and_told_how_to_make_one)
{
    static const struct {
        size_t at;
        char byte;
    } changes[] = {{20, 1}, {22, 2}, {24, 0x44}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        kith_span file = kit_read("pcma.wav");
        ((uint8_t *)file.data)[changes[i].at] = (uint8_t)changes[i].byte;
        kit_file f = kit_frames(file, 4096);
        ck_assert_int_eq(f.err, KITH_ERR_NOT_SUPPORTED);
        ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "-ac 1 -ar 8000"));
        kit_free(&f);
        free((void *)file.data);
    }
}
END_TEST

START_TEST(data_of_no_known_size_goes_to_the_end)
{
    kith_span file = kit_read("pcma.wav");
    memset((uint8_t *)file.data + 88, 0xff, 4);
    kit_file f = kit_frames(file, 100);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 25);
    kit_free(&f);
    free((void *)file.data);
}
END_TEST

START_TEST(samples_without_a_format_are_refused)
{
    uint8_t bytes[] = "RIFF\x20\0\0\0WAVEdata\4\0\0\0abcd";
    kit_file f = kit_frames(kith_span_of(bytes, sizeof bytes - 1), 100);
    ck_assert_int_eq(f.err, KITH_ERR_OPERATION);
    kit_free(&f);
}
END_TEST

UNIT_MAIN("files: WAV", files_of_ffmpeg_have_their_samples_20_ms_at_a_time,
          every_piece_of_a_file_gives_samples, what_is_written_is_read_again, a_pause_is_silence,
          a_file_of_something_else_is_refused_and_told_how_to_make_one,
          data_of_no_known_size_goes_to_the_end, samples_without_a_format_are_refused)
