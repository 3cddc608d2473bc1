/* Writing files of any format. */
#include "kit.h"

START_TEST(each_codec_has_its_file)
{
    static const struct {
        const char *mime_type, *extension;
    } files[] = {{"video/VP8", "ivf"},  {"video/h264", "h264"}, {"audio/opus", "ogg"},
                 {"audio/PCMU", "wav"}, {"audio/PCMA", "wav"},  {"video/rtx", NULL}};
    kith_file_writer *w;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const kith_rtp_codec codec = {.mime_type = files[i].mime_type};
        const char *extension = kith_file_extension(&codec);
        ck_assert(files[i].extension ? strcmp(extension, files[i].extension) == 0 : !extension);
        kith_err err = kith_file_writer_new(&w, &codec);
        ck_assert_int_eq(err, extension ? KITH_OK : KITH_ERR_NOT_SUPPORTED);
        if (err == KITH_OK)
            kith_file_writer_free(w);
    }
    ck_assert_ptr_null(kith_file_extension(NULL));
    ck_assert_int_eq(kith_file_writer_new(&w, NULL), KITH_ERR_NOT_SUPPORTED);
    kith_file_writer_free(NULL);
}
END_TEST

START_TEST(every_codec_that_kith_negotiates_has_a_file)
{
    const kith_rtp_codec *codec;
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++)
        for (size_t i = 0; (codec = kith_rtp_capability_at((kith_media_kind)kind, i)); i++)
            ck_assert_ptr_nonnull(kith_file_extension(codec));
}
END_TEST

START_TEST(what_is_not_of_the_file_is_refused)
{
    static const uint8_t data[160] = {1};
    const kith_rtp_codec pcmu = {.mime_type = "audio/PCMU"}, pcma = {.mime_type = "audio/PCMA"};
    kith_file_writer *w;
    ck_assert_int_eq(kith_file_writer_new(&w, &pcmu), KITH_OK);
    kith_frame frame = KITH_FRAME_INIT;
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_ERR_TYPE);
    frame.data = data;
    frame.len = sizeof data;
    frame.codec = &pcma;
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_ERR_TYPE);
    frame.codec = &pcmu;
    frame.len = ((size_t)8 << 20) + 1;
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_ERR_RANGE);
    frame.len = sizeof data;
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_OK);
    ck_assert_int_eq(kith_file_writer_end(w), KITH_OK);
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_ERR_INVALID_STATE);
    ck_assert_int_eq(kith_file_writer_end(w), KITH_OK);
    kith_file_writer_free(w);
}
END_TEST

START_TEST(a_file_without_frames_has_no_bytes)
{
    static const char *const types[] = {"video/VP8", "video/H264", "audio/opus", "audio/PCMA"};
    for (size_t i = 0; i < 4; i++) {
        const kith_rtp_codec codec = {.mime_type = types[i]};
        kith_file_writer *w;
        ck_assert_int_eq(kith_file_writer_new(&w, &codec), KITH_OK);
        ck_assert_int_eq(kith_file_writer_end(w), KITH_OK);
        ck_assert_ptr_null(kith_file_writer_output(w));
        kith_file_writer_free(w);
    }
}
END_TEST

/* ---- memory ---- */

static int allocations_left;

static void *alloc(size_t size, void *user)
{
    (void)user;
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void *resize(void *memory, size_t size, void *user)
{
    (void)user;
    return allocations_left-- > 0 ? realloc(memory, size) : NULL;
}

static void release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

START_TEST(what_is_asked_for_at_once_needs_no_more_memory)
{
    static const kith_allocator allocator = {alloc, resize, release, NULL};
    static const uint8_t data[160] = {1};
    const kith_rtp_codec codec = {.mime_type = "audio/PCMU"};
    kith_frame frame = KITH_FRAME_INIT;
    kith_file_writer *w;
    frame.data = data;
    frame.len = sizeof data;
    allocations_left = 10;
    kith_set_allocator(&allocator);
    ck_assert_int_eq(kith_file_writer_new(&w, &codec), KITH_OK);
    for (int i = 0; i < 3; i++, frame.rtp_timestamp += 160) {
        ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_OK);
        while (kith_file_writer_output(w)) {
        }
    }
    allocations_left = 0;
    for (int i = 0; i < 1000; i++, frame.rtp_timestamp += 160) {
        ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_OK);
        while (kith_file_writer_output(w)) {
        }
    }
    /* what does not fit is left out, and the next frame goes on */
    frame.rtp_timestamp += 8000;
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_ERR_NO_MEMORY);
    ck_assert_ptr_null(kith_file_writer_output(w));
    allocations_left = 10;
    frame.rtp_timestamp += 160;
    ck_assert_int_eq(kith_file_writer_add(w, &frame), KITH_OK);
    const kith_file_bytes *bytes = kith_file_writer_output(w);
    ck_assert_uint_eq(bytes->at, 58 + 1003 * 160);
    ck_assert_uint_eq(bytes->len, 8160 + 160);
    kith_file_writer_free(w);
    kith_set_allocator(NULL);
}
END_TEST

UNIT_MAIN("files: writer", each_codec_has_its_file, every_codec_that_kith_negotiates_has_a_file,
          what_is_not_of_the_file_is_refused, a_file_without_frames_has_no_bytes,
          what_is_asked_for_at_once_needs_no_more_memory)
