/* Feedback: every message both ways, pieces of entries, unknown ones. */
#include "../unit.h"
#include "wire/rtcp_fb.h"

#include <stdio.h>
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

/* draft-alvestrand-rmcat-remb-03 section 2.2; the bytes are libwebrtc's. */
START_TEST(an_estimate_is_a_rate_and_its_sources)
{
    static const uint8_t remb[] = {
        0x8f, 206,  0,    8,    0x12, 0x34, 0x56, 0x78, 0,    0,    0,
        0,    'R',  'E',  'M',  'B',  3,    0x07, 0xfb, 0x93, 0x23, 0x45,
        0x67, 0x89, 0x23, 0x45, 0x67, 0x8a, 0x23, 0x45, 0x67, 0x8b, /* and no source */ 1,
        2,    3,    4};
    kith_rtcp_fb fb = read_back(remb, sizeof remb);
    ck_assert_int_eq(fb.kind, KITH_RTCP_FB_REMB);
    ck_assert_uint_eq(fb.sender_ssrc, 0x12345678);
    kith_rtcp_remb estimate;
    kith_rtcp_read_remb(&fb, &estimate);
    ck_assert_uint_eq(estimate.bitrate, 522022);
    uint32_t ssrc;
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert(kith_rtcp_next_remb_ssrc(&estimate, &ssrc));
        ck_assert_uint_eq(ssrc, 0x23456789 + i);
    }
    ck_assert(!kith_rtcp_next_remb_ssrc(&estimate, &ssrc));
}
END_TEST

static uint64_t rate_of(uint8_t high, uint8_t middle, uint8_t low)
{
    uint8_t remb[] = {0x8f, 206, 0,   5,   0, 0,    0,      1,   0, 0, 0, 0,
                      'R',  'E', 'M', 'B', 1, high, middle, low, 0, 0, 0, 2};
    kith_rtcp_fb fb = read_back(remb, sizeof remb);
    kith_rtcp_remb estimate;
    kith_rtcp_read_remb(&fb, &estimate);
    return estimate.bitrate;
}

START_TEST(an_estimate_of_any_size_is_one)
{
    ck_assert_uint_eq(rate_of(0, 0, 0), 0);
    ck_assert_uint_eq(rate_of(0xfc, 0, 0), 0);
    ck_assert_uint_eq(rate_of(0x03, 0xff, 0xff), 0x3ffff);
    ck_assert_uint_eq(rate_of(46 << 2 | 3, 0xff, 0xff), UINT64_C(0x3ffff) << 46);
    ck_assert_uint_eq(rate_of(47 << 2 | 1, 0xff, 0xff), UINT64_C(0x1ffff) << 47);
    ck_assert_uint_eq(rate_of(47 << 2 | 2, 0, 0), UINT64_MAX);
    ck_assert_uint_eq(rate_of(0xfc, 0, 1), UINT64_C(1) << 63);
    ck_assert_uint_eq(rate_of(0xff, 0xff, 0xff), UINT64_MAX);
}
END_TEST

START_TEST(an_application_message_of_another_name_is_unknown)
{
    static const uint8_t other[] = {0x8f, 206, 0,   4,   0,   0,   0, 1, 0, 0,
                                    0,    0,   'R', 'E', 'M', 'A', 1, 0, 0, 1};
    ck_assert_int_eq(read_back(other, sizeof other).kind, KITH_RTCP_FB_UNKNOWN);
}
END_TEST

/* As many sources as it says, and no fewer than one. */
START_TEST(an_estimate_without_its_sources_is_refused)
{
    static const struct {
        size_t words;
        uint8_t sources;
        bool is_one;
    } cases[] = {{0, 0, false},   {0, 1, false},     {1, 0, false},    {1, 2, false},
                 {2, 255, false}, {254, 255, false}, {255, 255, true}, {256, 255, true},
                 {1, 1, true},    {2, 1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t buf[2000] = {0x8f, 206};
        size_t len = 20 + 4 * cases[i].words;
        buf[3] = (uint8_t)(len / 4 - 1), buf[2] = (uint8_t)((len / 4 - 1) >> 8);
        memcpy(buf + 12, "REMB", 4);
        buf[16] = cases[i].sources;
        kith_reader r = kith_rd(buf, len);
        kith_rtcp_packet p;
        kith_rtcp_fb fb;
        ck_assert(kith_rtcp_next(&r, &p));
        ck_assert_int_eq(kith_rtcp_parse_fb(&p, &fb), cases[i].is_one);
    }
    static const uint8_t name[20] = {0x8f, 206, 0, 3, [12] = 'R', 'E', 'M', 'B', 1};
    kith_reader r = kith_rd(name, 16);
    kith_rtcp_packet p;
    kith_rtcp_fb fb;
    ck_assert(kith_rtcp_next(&r, &p));
    ck_assert(!kith_rtcp_parse_fb(&p, &fb));
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

/* ---- transport-wide feedback ---- */

#define NONE KITH_NEVER

/* Section 3.1 of the draft: the reference time is 24 bits of 64 ms, deltas are 250 us. */
START_TEST(arrivals_are_statuses_and_deltas)
{
    static const kith_time arrivals[] = {KITH_MS(640) + 5000,         NONE, KITH_MS(640) + 5250,
                                         KITH_MS(640) + 5250 + 64000, NONE, KITH_MS(640) + 5000};
    /* 20 in quarters of a millisecond, none, 1, 256 in two bytes, none, -257 */
    static const uint8_t wanted[] = {0x8F, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFE, 0, 6, 0,
                                     0, 10, 9,
                                     /* 11 01 00 01 10 00 10 00 */
                                     0xD1, 0x88, 20, 1, 0x01, 0x00, 0xFE, 0xFF, 0, 0, 0, 0};
    uint8_t buf[sizeof wanted];
    kith_writer w = kith_wr(buf, sizeof buf);
    const kith_rtcp_transport_cc of = {
        .sender_ssrc = 1, .media_ssrc = 2, .base = 0xFFFE, .feedback_count = 9};
    ck_assert_uint_eq(kith_rtcp_write_transport_cc(&w, &of, arrivals, 6), 6);
    ck_assert_uint_eq(w.len, 28);
    ck_assert_mem_eq(buf, wanted, 28);
}
END_TEST

/* The chunks that the numbers need, as text. */
static void writes_chunks(const char *symbols, const char *chunks)
{
    static kith_time arrivals[KITH_RTCP_MAX_STATUSES];
    uint8_t buf[3000];
    char text[200] = "";
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t count = strlen(symbols);
    kith_time at = KITH_SECONDS(64);
    for (size_t i = 0; i < count; i++) {
        at += symbols[i] == '2' ? KITH_MS(100) : 0;
        arrivals[i] = symbols[i] == '0' ? NONE : at;
    }
    ck_assert_uint_eq(
        kith_rtcp_write_transport_cc(&w, &(kith_rtcp_transport_cc){.base = 0}, arrivals, count),
        count);
    ck_assert_uint_eq(w.len % 4, 0);
    for (size_t i = 0; i < strlen(chunks) / 5 + 1; i++)
        snprintf(text + 5 * i, sizeof text - 5 * i, "%04x ",
                 buf[20 + 2 * i] << 8 | buf[21 + 2 * i]);
    ck_assert_int_eq(strncmp(text, chunks, strlen(chunks)), 0);
}

/* The pictures of sections 3.1.3 and 3.1.4. */
START_TEST(chunks_are_runs_or_vectors)
{
    /* "a run of 221 packets not received", and one that came */
    char run[223];
    memset(run, '0', 221);
    memcpy(run + 221, "1", 2);
    writes_chunks(run, "00dd 2001");
    writes_chunks("1", "2001");
    writes_chunks("11111111111111111111", "2014");
    /* 1 packet not received, 5 received, 3 not received, 3 received, 2 not received */
    writes_chunks("01111100011100"
                  "1",
                  "9f1c 2001");
    /* the same with a large delta has seven in a chunk */
    writes_chunks("0111112", "c556");
    writes_chunks("0101012"
                  "00000000000000"
                  "10",
                  "c446 000e a000");
}
END_TEST

START_TEST(no_more_is_told_than_fits)
{
    static kith_time arrivals[KITH_RTCP_MAX_STATUSES + 10];
    uint8_t buf[4000];
    const kith_rtcp_transport_cc of = {.base = 7};
    kith_time at = 0;
    for (size_t i = 0; i < KITH_RTCP_MAX_STATUSES + 10; i++) {
        at += i % 5 == 0 ? KITH_MS(100) : 250;
        arrivals[i] = i % 3 == 0 ? NONE : at;
    }
    size_t told_before = 0;
    for (size_t room = 0; room < sizeof buf; room++) {
        kith_writer w = kith_wr(buf, room);
        size_t told = kith_rtcp_write_transport_cc(&w, &of, arrivals, KITH_RTCP_MAX_STATUSES + 10);
        ck_assert(!w.bad);
        ck_assert_int_eq(told == 0, w.len == 0);
        ck_assert_uint_ge(told, told_before);
        ck_assert_uint_le(told, KITH_RTCP_MAX_STATUSES);
        told_before = told;
        if (told == 0)
            continue;
        kith_reader r = kith_rd(buf, w.len);
        kith_rtcp_packet p;
        ck_assert(kith_rtcp_next(&r, &p) && kith_rd_left(&r) == 0);
    }
    ck_assert_uint_eq(told_before, KITH_RTCP_MAX_STATUSES);
}
END_TEST

/* Nothing is told of numbers none of which came; and what is later than 16 bits of delta waits for
 * the next packet. */
START_TEST(deltas_reach_eight_seconds)
{
    uint8_t buf[100];
    const kith_rtcp_transport_cc of = {.base = 7};
    kith_time arrivals[] = {NONE, KITH_SECONDS(64), KITH_SECONDS(64) + 32767 * 250, NONE};
    kith_writer w = kith_wr(buf, sizeof buf);
    ck_assert_uint_eq(kith_rtcp_write_transport_cc(&w, &of, arrivals, 4), 4);
    arrivals[2] += 250;
    w = kith_wr(buf, sizeof buf);
    ck_assert_uint_eq(kith_rtcp_write_transport_cc(&w, &of, arrivals, 4), 2);
    w = kith_wr(buf, sizeof buf);
    ck_assert_uint_eq(kith_rtcp_write_transport_cc(&w, &of, arrivals, 1), 0);
    ck_assert_uint_eq(w.len, 0);
}
END_TEST

UNIT_MAIN("wire: rtcp_fb", a_picture_loss_is_two_sources,
          a_full_intra_request_names_sources_in_its_entries, an_estimate_is_a_rate_and_its_sources,
          an_estimate_of_any_size_is_one, an_estimate_without_its_sources_is_refused,
          an_application_message_of_another_name_is_unknown, seventeen_numbers_fit_into_one_entry,
          messages_without_a_whole_entry_are_refused,
          other_messages_are_unknown_and_other_types_are_none, arrivals_are_statuses_and_deltas,
          chunks_are_runs_or_vectors, no_more_is_told_than_fits, deltas_reach_eight_seconds)
