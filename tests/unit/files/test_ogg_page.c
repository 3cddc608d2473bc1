/* Pages of Ogg. */
#include "files/writer.h"
#include "kit.h"

START_TEST(the_checksum_is_that_of_ffmpeg)
{
    kith_span file = kit_read("opus.ogg");
    size_t pages = 0;
    for (size_t at = 0; at < file.len; pages++) {
        const uint8_t *page = file.data + at;
        size_t len = 27U + page[26];
        for (unsigned i = 0; i < page[26]; i++)
            len += page[27 + i];
        uint32_t crc = page[22] | (uint32_t)page[23] << 8 | (uint32_t)page[24] << 16 |
                       (uint32_t)page[25] << 24;
        ck_assert_uint_eq(kith_ogg_checksum(kith_span_of(page, len)), crc);
        at += len;
    }
    ck_assert_uint_ge(pages, 3);
    free((void *)file.data);
}
END_TEST

START_TEST(a_page_is_written_as_ffmpeg_writes_it)
{
    kith_span file = kit_read("opus.ogg");
    uint8_t bytes[100];
    kith_writer w = kith_wr(bytes, sizeof bytes);
    const uint8_t *first = file.data;
    const kith_ogg_page page = {.flags = KITH_OGG_FIRST,
                                .serial = first[14] | (uint32_t)first[15] << 8 |
                                          (uint32_t)first[16] << 16 | (uint32_t)first[17] << 24,
                                .lacing = first + 27,
                                .segments = 1,
                                .body = kith_span_of(first + 28, first[27])};
    kith_ogg_write_page(&w, &page);
    ck_assert(!w.bad);
    ck_assert_mem_eq(bytes, first, w.len);
    free((void *)file.data);
}
END_TEST

UNIT_MAIN("files: Ogg pages", the_checksum_is_that_of_ffmpeg, a_page_is_written_as_ffmpeg_writes_it)
