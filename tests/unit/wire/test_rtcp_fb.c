/* Feedback: every message both ways, pieces of entries, unknown ones. */
#include "../unit.h"
#include "wire/rtcp_fb.h"

#include <string.h>

static kith_rtcp_fb read_back(const uint8_t *data, size_t len)
{
    kith_reader r = kith_rd(data, len);
    kith_rtcp_packet p;
    kith_rtcp_fb fb = {0};
    ck_assert(kith_rtcp_next(&r, &p));
    ck_assert_uint_eq(kith_rd_left(&r), 0);
    ck_assert(kith_rtcp_parse_fb(&p, &fb));
    return fb;
}

START_TEST(a_picture_loss_is_two_sources)
{
    static const uint8_t pli[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    uint8_t buf[sizeof pli];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_pli(&w, 1, 2);
    ck_assert(!w.bad);
    ck_assert_mem_eq(buf, pli, sizeof pli);
    kith_rtcp_fb fb = read_back(pli, sizeof pli);
    ck_assert_int_eq(fb.kind, KITH_RTCP_FB_PLI);
    ck_assert_uint_eq(fb.sender_ssrc, 1);
    ck_assert_uint_eq(fb.media_ssrc, 2);
}
END_TEST

START_TEST(a_full_intra_request_names_sources_in_its_entries)
{
    static const uint8_t fir[] = {0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                                  0,    2,   7, 0, 0, 0, 0, 0, 0, 3, 8, 0, 0, 0};
    uint8_t buf[sizeof fir];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_fir(&w, 1, (const kith_rtcp_fir[]){{2, 7}, {3, 8}}, 2);
    ck_assert(!w.bad);
    ck_assert_mem_eq(buf, fir, sizeof fir);
    kith_rtcp_fb fb = read_back(fir, sizeof fir);
    ck_assert_int_eq(fb.kind, KITH_RTCP_FB_FIR);
    kith_rtcp_fir entry;
    ck_assert(kith_rtcp_next_fir(&fb.fci, &entry) && entry.ssrc == 2);
    ck_assert_uint_eq(entry.sequence_number, 7);
    ck_assert(kith_rtcp_next_fir(&fb.fci, &entry) && entry.ssrc == 3);
    ck_assert(!kith_rtcp_next_fir(&fb.fci, &entry));
}
END_TEST

static void come_back(const uint16_t *numbers, size_t count, size_t entries)
{
    uint8_t buf[200];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_write_nack(&w, 1, 2, numbers, count);
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, 12 + 4 * entries);
    kith_rtcp_nacks nacks = {.fci = read_back(buf, w.len).fci};
    uint16_t number;
    for (size_t i = 0; i < count; i++) {
        ck_assert(kith_rtcp_next_nack(&nacks, &number));
        ck_assert_uint_eq(number, numbers[i]);
    }
    ck_assert(!kith_rtcp_next_nack(&nacks, &number));
}

START_TEST(seventeen_numbers_fit_into_one_entry)
{
    uint16_t numbers[18];
    for (uint16_t i = 0; i < 18; i++)
        numbers[i] = (uint16_t)(65530 + i);
    come_back(numbers, 17, 1);
    come_back(numbers, 18, 2);
    come_back((const uint16_t[]){5}, 1, 1);
    come_back((const uint16_t[]){5, 21}, 2, 1);
    come_back((const uint16_t[]){5, 22, 23, 65000}, 4, 3);
}
END_TEST

START_TEST(messages_without_a_whole_entry_are_refused)
{
    uint8_t body[40] = {0};
    kith_rtcp_fb fb;
    for (size_t len = 0; len <= sizeof body; len++) {
        kith_rtcp_packet p = {KITH_RTCP_RTPFB, KITH_RTCP_FMT_NACK, kith_span_of(body, len)};
        ck_assert_int_eq(kith_rtcp_parse_fb(&p, &fb), len >= 12 && len % 4 == 0);
        p = (kith_rtcp_packet){KITH_RTCP_PSFB, KITH_RTCP_FMT_FIR, kith_span_of(body, len)};
        ck_assert_int_eq(kith_rtcp_parse_fb(&p, &fb), len >= 16 && len % 8 == 0);
        p = (kith_rtcp_packet){KITH_RTCP_PSFB, KITH_RTCP_FMT_PLI, kith_span_of(body, len)};
        ck_assert_int_eq(kith_rtcp_parse_fb(&p, &fb), len >= 8);
    }
}
END_TEST

START_TEST(other_messages_are_unknown_and_other_types_are_none)
{
    uint8_t body[12] = {0};
    kith_rtcp_fb fb;
    for (uint8_t fmt = 0; fmt < 32; fmt++) {
        kith_rtcp_packet p = {KITH_RTCP_PSFB, fmt, kith_span_of(body, 8)};
        if (fmt == KITH_RTCP_FMT_FIR)
            continue;
        ck_assert(kith_rtcp_parse_fb(&p, &fb));
        ck_assert_int_eq(fb.kind, fmt == 1 ? KITH_RTCP_FB_PLI : KITH_RTCP_FB_UNKNOWN);
        p = (kith_rtcp_packet){KITH_RTCP_RTPFB, fmt, kith_span_of(body, 12)};
        ck_assert(kith_rtcp_parse_fb(&p, &fb));
        ck_assert_int_eq(fb.kind, fmt == 1 ? KITH_RTCP_FB_NACK : KITH_RTCP_FB_UNKNOWN);
    }
    kith_rtcp_packet p = {KITH_RTCP_RR, 1, kith_span_of(body, 12)};
    ck_assert(!kith_rtcp_parse_fb(&p, &fb));
}
END_TEST

UNIT_MAIN("wire: rtcp_fb", a_picture_loss_is_two_sources,
          a_full_intra_request_names_sources_in_its_entries, seventeen_numbers_fit_into_one_entry,
          messages_without_a_whole_entry_are_refused,
          other_messages_are_unknown_and_other_types_are_none)
