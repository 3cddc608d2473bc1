/* Reading Opus in Ogg. */
#include "files/writer.h"
#include "kit.h"

START_TEST(a_file_of_ffmpeg_has_its_packets_and_times)
{
    kith_span file = kit_read("opus.ogg");
    kit_file f = kit_frames(file, 100);
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_str_eq(f.mime_type, "audio/opus");
    ck_assert_uint_eq(f.count, 66);
    for (size_t i = 0; i < f.count; i++) {
        ck_assert_int_eq(f.frames[i].frame.capture_time, KITH_MS(20) * (int)i);
        ck_assert_uint_eq(f.frames[i].frame.rtp_timestamp, 960 * i);
        ck_assert(f.frames[i].frame.is_key);
    }
    kit_free(&f);
    free((void *)file.data);
}
END_TEST

START_TEST(every_piece_of_a_file_gives_whole_packets)
{
    kit_every_prefix("opus.ogg");
}
END_TEST

/* ---- files made by hand ---- */

static uint8_t bytes[1 << 19];
static kith_writer made;

static void begin(void)
{
    made = kith_wr(bytes, sizeof bytes);
}

/* A page of packets, all of which end in it but the last where it is a multiple of 255 long and the
 * lacing says so. */
static void page(uint8_t flags, uint32_t serial, uint32_t sequence, kith_span body,
                 const uint8_t *lacing, unsigned segments)
{
    const kith_ogg_page p = {.flags = flags,
                             .serial = serial,
                             .sequence = sequence,
                             .lacing = lacing,
                             .segments = segments,
                             .body = body};
    kith_ogg_write_page(&made, &p);
    ck_assert(!made.bad);
}

static void packet(uint8_t flags, uint32_t serial, uint32_t sequence, const void *data, size_t len)
{
    const uint8_t lacing = (uint8_t)len;
    ck_assert_uint_lt(len, 255);
    page(flags, serial, sequence, kith_span_of(data, len), &lacing, 1);
}

static const uint8_t stereo[19] = "OpusHead\1\2\x38\1\x80\xbb\0\0\0\0";

static void headers(uint32_t serial, uint32_t sequence)
{
    packet(KITH_OGG_FIRST, serial, sequence, stereo, sizeof stereo);
    packet(0, serial, sequence + 1, "OpusTags\0\0\0\0\0\0\0\0", 16);
}

static kit_file read_made(void)
{
    return kit_frames(kith_span_of(made.data, made.len), 100);
}

/* 20 ms of CELT, and what the packet is known by */
static const uint8_t one[] = {0xf8, 1, 1}, two[] = {0xf8, 2, 2}, three[] = {0xf8, 3, 3};

static void expect(const kit_file *f, size_t n, const uint8_t *data, size_t len)
{
    ck_assert_uint_lt(n, f->count);
    ck_assert_uint_eq(f->frames[n].frame.len, len);
    ck_assert_mem_eq(f->frames[n].data, data, len);
}

START_TEST(a_packet_may_go_over_pages)
{
    uint8_t large[1000] = {0xf8};
    static const uint8_t full[] = {255, 255}, rest[] = {255, 235, 3};
    memset(large + 1, 7, sizeof large - 1);
    begin();
    headers(5, 0);
    page(0, 5, 2, kith_span_of(large, 510), full, 2);
    uint8_t last[493];
    memcpy(last, large + 510, 490);
    memcpy(last + 490, two, 3);
    page(KITH_OGG_CONTINUED, 5, 3, kith_span_of(last, 493), rest, 3);
    kit_file f = read_made();
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 2);
    expect(&f, 0, large, sizeof large);
    expect(&f, 1, two, 3);
    kit_free(&f);
}
END_TEST

START_TEST(a_packet_of_which_a_page_is_lost_is_lost_alone)
{
    uint8_t large[1000] = {0xf8};
    static const uint8_t full[] = {3, 255, 255}, rest[] = {235, 3};
    uint8_t body[513], last[238];
    memcpy(body, one, 3);
    memcpy(body + 3, large, 510);
    memset(last, 9, sizeof last);
    memcpy(last + 235, two, 3);
    for (int lost = 0; lost < 2; lost++) {
        begin();
        headers(5, 0);
        page(0, 5, 2, kith_span_of(body, 513), full, 3);
        if (lost == 0) /* a page between the two is missing; or the one that has the rest */
            page(KITH_OGG_CONTINUED, 5, 4, kith_span_of(last, 238), rest, 2);
        else
            packet(0, 5, 3, two, 3);
        packet(0, 5, lost == 0 ? 5 : 4, three, 3);
        kit_file f = read_made();
        ck_assert_int_eq(f.err, KITH_OK);
        ck_assert_uint_eq(f.count, 3);
        expect(&f, 0, one, 3);
        expect(&f, 1, two, 3);
        expect(&f, 2, three, 3);
        kit_free(&f);
    }
}
END_TEST

START_TEST(a_packet_that_is_too_long_is_left_out)
{
    static uint8_t large[255 * 255];
    uint8_t lacing[255];
    memset(lacing, 255, sizeof lacing);
    begin();
    headers(5, 0);
    for (uint32_t i = 0; i < 3; i++)
        page(i > 0 ? KITH_OGG_CONTINUED : 0, 5, 2 + i, kith_span_of(large, sizeof large), lacing,
             255);
    lacing[0] = 0;
    page(KITH_OGG_CONTINUED, 5, 5, kith_span_of(large, 0), lacing, 1);
    packet(0, 5, 6, two, 3);
    kit_file f = read_made();
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 1);
    expect(&f, 0, two, 3);
    kit_free(&f);
}
END_TEST

START_TEST(a_page_with_a_wrong_checksum_is_passed_over)
{
    begin();
    headers(5, 0);
    packet(0, 5, 2, one, 3);
    size_t at = made.len;
    packet(0, 5, 3, two, 3);
    bytes[at + 29] ^= 1;
    packet(0, 5, 4, three, 3);
    kith_wr_text(&made, "what is no page, OggS");
    kith_wr_zeros(&made, 100);
    kit_file f = read_made();
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 2);
    expect(&f, 0, one, 3);
    expect(&f, 1, three, 3);
    kit_free(&f);
}
END_TEST

START_TEST(other_streams_are_passed_over_and_a_chained_one_goes_on)
{
    begin();
    packet(KITH_OGG_FIRST, 9, 0, "\x80theora", 7);
    headers(5, 0);
    packet(0, 9, 1, "picture", 7);
    packet(0, 5, 2, one, 3);
    packet(KITH_OGG_LAST, 5, 3, two, 3);
    packet(0, 5, 4, one, 3); /* behind its end */
    headers(6, 77);
    packet(0, 6, 79, three, 3);
    kit_file f = read_made();
    ck_assert_int_eq(f.err, KITH_OK);
    ck_assert_uint_eq(f.count, 3);
    expect(&f, 2, three, 3);
    ck_assert_int_eq(f.frames[2].frame.capture_time, KITH_MS(40));
    kit_free(&f);
}
END_TEST

START_TEST(what_kith_does_not_carry_is_refused)
{
    begin();
    packet(KITH_OGG_FIRST, 9, 0, "\1vorbis", 7);
    kit_file f = read_made();
    ck_assert_int_eq(f.err, KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "libopus"));
    static const struct {
        size_t at;
        uint8_t byte;
        kith_err err;
    } changes[] = {{8, 0x11, KITH_ERR_OPERATION},
                   {9, 0, KITH_ERR_OPERATION},
                   {9, 6, KITH_ERR_NOT_SUPPORTED},
                   {18, 1, KITH_ERR_NOT_SUPPORTED}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t head[sizeof stereo];
        memcpy(head, stereo, sizeof stereo);
        head[changes[i].at] = changes[i].byte;
        begin();
        packet(KITH_OGG_FIRST, 9, 0, head, sizeof head);
        f = read_made();
        ck_assert_int_eq(f.err, changes[i].err);
    }
}
END_TEST

START_TEST(packets_that_are_none_take_no_time)
{
    static const uint8_t none[] = {0xfb, 0x3f};
    begin();
    headers(5, 0);
    packet(0, 5, 2, none, 2);
    packet(0, 5, 3, "", 0);
    packet(0, 5, 4, one, 3);
    kit_file f = read_made();
    ck_assert_uint_eq(f.count, 1);
    ck_assert_int_eq(f.frames[0].frame.capture_time, 0);
    kit_free(&f);
}
END_TEST

UNIT_MAIN("files: Ogg", a_file_of_ffmpeg_has_its_packets_and_times,
          every_piece_of_a_file_gives_whole_packets, a_packet_may_go_over_pages,
          a_packet_of_which_a_page_is_lost_is_lost_alone, a_packet_that_is_too_long_is_left_out,
          a_page_with_a_wrong_checksum_is_passed_over,
          other_streams_are_passed_over_and_a_chained_one_goes_on,
          what_kith_does_not_carry_is_refused, packets_that_are_none_take_no_time)
