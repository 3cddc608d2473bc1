/* Writing Opus in Ogg. */
#include "files/writer.h"
#include "kit.h"

static kit_disk disk;

/* What is told of the pages, in order. */
typedef struct page {
    uint8_t flags;
    uint64_t granule;
    uint32_t sequence;
    unsigned segments;
} page;

static size_t pages_of(page *out, size_t cap)
{
    size_t count = 0;
    for (size_t at = 0; at < disk.len; count++) {
        const uint8_t *p = disk.data + at;
        ck_assert_uint_lt(count, cap);
        ck_assert_mem_eq(p, "OggS", 5);
        out[count] = (page){.flags = p[5], .sequence = p[18], .segments = p[26]};
        for (int i = 7; i >= 0; i--)
            out[count].granule = out[count].granule << 8 | p[6 + i];
        size_t len = 27U + p[26];
        for (unsigned i = 0; i < p[26]; i++)
            len += p[27 + i];
        at += len;
    }
    return count;
}

START_TEST(what_is_written_is_read_again)
{
    kith_span file = kit_read("opus.ogg");
    kit_file f = kit_frames(file, file.len);
    kit_make(&disk, "audio/opus", f.frames, f.count);
    kit_file again = kit_frames(kit_made(&disk), 100);
    ck_assert_int_eq(again.err, KITH_OK);
    kit_compare(&f, &again);
    kit_free(&f);
    kit_free(&again);
    free((void *)file.data);
}
END_TEST

START_TEST(pages_have_a_second_each_and_the_last_says_so)
{
    kith_span file = kit_read("opus.ogg");
    kit_file f = kit_frames(file, file.len);
    kit_make(&disk, "audio/opus", f.frames, f.count);
    page pages[8];
    ck_assert_uint_eq(pages_of(pages, 8), 4);
    ck_assert_uint_eq(pages[0].flags, KITH_OGG_FIRST);
    ck_assert_uint_eq(pages[0].granule, 0);
    ck_assert_uint_eq(pages[1].granule, 0);
    ck_assert_uint_eq(pages[2].granule, 48000);
    ck_assert_uint_eq(pages[2].segments, 50);
    ck_assert_uint_eq(pages[3].granule, 66 * 960);
    ck_assert_uint_eq(pages[3].flags, KITH_OGG_LAST);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(pages[i].sequence, i);
    /* RFC 7845 section 5.1 */
    ck_assert_mem_eq(disk.data + 28, "OpusHead\1\2\x38\1\x80\xbb\0\0\0\0\0", 19);
    kit_free(&f);
    free((void *)file.data);
}
END_TEST

static kit_frame packet_at(uint8_t *data, size_t len, uint32_t timestamp)
{
    kit_frame f = {.frame = KITH_FRAME_INIT};
    f.frame.data = data;
    f.frame.len = len;
    f.frame.rtp_timestamp = timestamp;
    return f;
}

START_TEST(a_pause_is_packets_that_ask_to_conceal)
{
    uint8_t data[] = {0xf8, 1, 2}; /* 20 ms, one frame, one channel */
    const kit_frame frames[] = {packet_at(data, 3, 7000),
                                packet_at(data, 3, 7000 + 10 * 960 + 500)};
    kit_make(&disk, "audio/opus", frames, 2);
    kit_file f = kit_frames(kit_made(&disk), 100);
    ck_assert_uint_eq(f.count, 4);
    /* nine frames are missing: six, and three; 500 samples are not a frame */
    ck_assert_uint_eq(f.frames[1].frame.len, 2);
    ck_assert_mem_eq(f.frames[1].data, "\xfb\6", 2);
    ck_assert_mem_eq(f.frames[2].data, "\xfb\3", 2);
    ck_assert_uint_eq(f.frames[3].frame.rtp_timestamp, 10 * 960);
    kit_free(&f);
}
END_TEST

START_TEST(a_pause_of_minutes_is_written_when_it_was_one)
{
    uint8_t data[] = {0xf8, 1, 2};
    kit_frame frames[] = {packet_at(data, 3, 0), packet_at(data, 3, 600 * 48000U)};
    frames[0].frame.received_at = KITH_SECONDS(5);
    frames[1].frame.received_at = KITH_SECONDS(604);
    kit_make(&disk, "audio/opus", frames, 2);
    kit_file f = kit_frames(kit_made(&disk), 4096);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_int_eq(f.frames[f.count - 1].frame.capture_time, KITH_SECONDS(600));
    ck_assert_uint_lt(disk.len, 40000);
    kit_free(&f);
}
END_TEST

START_TEST(large_packets_have_pages_of_their_own)
{
    static uint8_t data[61440] = {0xf8};
    const kit_frame frames[] = {packet_at(data, sizeof data, 0), packet_at(data, sizeof data, 960),
                                packet_at(data, 510, 1920)};
    kit_make(&disk, "audio/opus", frames, 3);
    page pages[8];
    ck_assert_uint_eq(pages_of(pages, 8), 4);
    ck_assert_uint_eq(pages[2].segments, 241);
    ck_assert_uint_eq(pages[3].segments, 244);
    kit_file f = kit_frames(kit_made(&disk), 4096);
    ck_assert_uint_eq(f.count, 3);
    ck_assert_uint_eq(f.frames[2].frame.len, 510);
    kit_free(&f);
}
END_TEST

START_TEST(what_is_no_packet_of_opus_is_refused)
{
    static uint8_t data[61441] = {0xf8}, none[] = {0xfb, 0x3f};
    const kith_rtp_codec codec = {.mime_type = "audio/opus"};
    kith_file_writer *w;
    ck_assert_int_eq(kith_file_writer_new(&w, &codec), KITH_OK);
    kit_frame f = packet_at(data, sizeof data, 0);
    ck_assert_int_eq(kith_file_writer_add(w, &f.frame), KITH_ERR_RANGE);
    f = packet_at(none, sizeof none, 0);
    ck_assert_int_eq(kith_file_writer_add(w, &f.frame), KITH_ERR_TYPE);
    ck_assert_ptr_null(kith_file_writer_output(w));
    kith_file_writer_free(w);
}
END_TEST

UNIT_MAIN("files: writing Ogg", what_is_written_is_read_again,
          pages_have_a_second_each_and_the_last_says_so, a_pause_is_packets_that_ask_to_conceal,
          a_pause_of_minutes_is_written_when_it_was_one, large_packets_have_pages_of_their_own,
          what_is_no_packet_of_opus_is_refused)
