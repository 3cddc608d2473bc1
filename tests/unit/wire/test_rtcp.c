/* RTCP: a browser's compound, every part byte by byte, every prefix. */
#include "../unit.h"
#include "wire/rtcp.h"
#include "wire/rtcp_fb.h"

#include <string.h>

#define FOUR(a, b, c, d) 0x##a, 0x##b, 0x##c, 0x##d

/* Of a browser: RR, SDES, BYE, and two kinds of feedback. */
static const uint8_t captured[] = {
    /* RR */
    FOUR(81, c9, 00, 07), FOUR(90, 2f, 9e, 2e), FOUR(bc, 5e, 9a, 40), FOUR(00, 00, 00, 00),
    FOUR(00, 00, 46, e1), FOUR(00, 00, 01, 11), FOUR(09, f3, 64, 32), FOUR(00, 02, 4a, 79),
    /* SDES: CNAME */
    FOUR(81, ca, 00, 0c), FOUR(90, 2f, 9e, 2e), 0x01, 0x26, '{', '9', 'c', '0', '0', 'e', 'b', '9',
    '2', '-', '1', 'a', 'f', 'b', '-', '9', 'd', '4', '9', '-', 'a', '4', '7', 'd', '-', '9', '1',
    'f', '6', '4', 'e', 'e', 'e', '6', '9', 'f', '5', '}', 0, 0, 0, 0,
    /* BYE */
    FOUR(81, cb, 00, 01), FOUR(90, 2f, 9e, 2e),
    /* PLI */
    FOUR(81, ce, 00, 02), FOUR(90, 2f, 9e, 2e), FOUR(90, 2f, 9e, 2e),
    /* NACK */
    FOUR(81, cd, 00, 03), FOUR(90, 2f, 9e, 2e), FOUR(90, 2f, 9e, 2e), FOUR(aa, aa, 01, 01)};

/* SR with one report of a negative loss; SDES with CNAME, an unknown item and MID in one chunk and
 * an empty second one; BYE with a reason, padded. */
static const uint8_t made[] = {
    FOUR(81, c8, 00, 0c), FOUR(00, 00, 00, 01), FOUR(da, 8b, d1, fc), FOUR(dd, dd, a0, 5a),
    FOUR(aa, f4, ed, d5), FOUR(00, 00, 00, 02), FOUR(00, 00, 00, 03), FOUR(00, 00, 00, 07),
    FOUR(80, ff, ff, fe), FOUR(00, 01, 00, 05), FOUR(00, 00, 00, 06), FOUR(00, 00, 00, 08),
    FOUR(00, 00, 00, 09),
    /* SDES */
    FOUR(82, ca, 00, 06), FOUR(00, 00, 00, 01), 0x01, 0x02, 'm', 'e', 0x09, 0x01, '?', 0x0f, 0x01,
    '7', 0x00, 0x00, FOUR(00, 00, 00, 02), FOUR(00, 00, 00, 00),
    /* BYE */
    FOUR(a2, cb, 00, 05), FOUR(00, 00, 00, 01), FOUR(00, 00, 00, 02), 0x03, 'e', 'n', 'd',
    FOUR(00, 00, 00, 00), FOUR(00, 00, 00, 08)};

static kith_rtcp_packet part(const uint8_t *data, size_t len, unsigned index)
{
    kith_reader r = kith_rd(data, len);
    kith_rtcp_packet p = {0};
    for (unsigned i = 0; i <= index; i++)
        ck_assert(kith_rtcp_next(&r, &p));
    return p;
}

START_TEST(a_captured_compound_is_read_part_by_part)
{
    static const uint8_t types[] = {201, 202, 203, 206, 205};
    ck_assert(kith_rtcp_is(kith_span_of(captured, sizeof captured)));
    ck_assert(kith_rtcp_is_compound(kith_span_of(captured, sizeof captured)));
    for (unsigned i = 0; i < sizeof types; i++)
        ck_assert_uint_eq(part(captured, sizeof captured, i).type, types[i]);
    uint32_t ssrc;
    kith_rtcp_reports reports;
    kith_rtcp_report report;
    kith_rtcp_packet p = part(captured, sizeof captured, 0);
    ck_assert(kith_rtcp_parse_rr(&p, &ssrc, &reports));
    ck_assert_uint_eq(ssrc, 0x902f9e2e);
    ck_assert(kith_rtcp_next_report(&reports, &report));
    ck_assert_uint_eq(report.ssrc, 0xbc5e9a40);
    ck_assert_uint_eq(report.fraction_lost, 0);
    ck_assert_int_eq(report.cumulative_lost, 0);
    ck_assert_uint_eq(report.highest_sequence, 0x46e1);
    ck_assert_uint_eq(report.jitter, 273);
    ck_assert_uint_eq(report.last_sr, 0x9f36432);
    ck_assert_uint_eq(report.delay_since_last_sr, 150137);
    ck_assert(!kith_rtcp_next_report(&reports, &report));
}
END_TEST

START_TEST(captured_items_and_feedback_are_read)
{
    kith_rtcp_packet p = part(captured, sizeof captured, 1);
    kith_rtcp_sdes sdes = kith_rtcp_sdes_of(&p);
    kith_rtcp_sdes_item item;
    ck_assert(kith_rtcp_next_item(&sdes, &item));
    ck_assert_uint_eq(item.type, KITH_RTCP_SDES_CNAME);
    ck_assert(kith_span_is(item.value, "{9c00eb92-1afb-9d49-a47d-91f64eee69f5}"));
    ck_assert(!kith_rtcp_next_item(&sdes, &item));
    ck_assert(!sdes.in.bad);
    kith_rtcp_fb fb;
    p = part(captured, sizeof captured, 3);
    ck_assert(kith_rtcp_parse_fb(&p, &fb));
    ck_assert_int_eq(fb.kind, KITH_RTCP_FB_PLI);
    ck_assert_uint_eq(fb.media_ssrc, 0x902f9e2e);
    p = part(captured, sizeof captured, 4);
    ck_assert(kith_rtcp_parse_fb(&p, &fb));
    kith_rtcp_nacks nacks = {.fci = fb.fci};
    uint16_t number;
    ck_assert(kith_rtcp_next_nack(&nacks, &number));
    ck_assert_uint_eq(number, 0xaaaa);
    ck_assert(kith_rtcp_next_nack(&nacks, &number));
    ck_assert_uint_eq(number, 0xaaab);
    ck_assert(kith_rtcp_next_nack(&nacks, &number));
    ck_assert_uint_eq(number, 0xaab3);
    ck_assert(!kith_rtcp_next_nack(&nacks, &number));
}
END_TEST

START_TEST(a_sender_report_is_read)
{
    uint32_t ssrc;
    kith_rtcp_sender_info info;
    kith_rtcp_reports reports;
    kith_rtcp_report report;
    kith_rtcp_packet p = part(made, sizeof made, 0);
    ck_assert(kith_rtcp_parse_sr(&p, &ssrc, &info, &reports));
    ck_assert(!kith_rtcp_parse_rr(&p, &ssrc, &reports) && ssrc == 1);
    ck_assert(kith_rtcp_parse_sr(&p, &ssrc, &info, &reports));
    ck_assert_uint_eq(info.ntp, 0xda8bd1fcdddda05a);
    ck_assert_uint_eq(info.rtp_timestamp, 0xaaf4edd5);
    ck_assert_uint_eq(info.packet_count, 2);
    ck_assert_uint_eq(info.octet_count, 3);
    ck_assert(kith_rtcp_next_report(&reports, &report));
    ck_assert_int_eq(report.cumulative_lost, -2);
    ck_assert_uint_eq(report.fraction_lost, 128);
}
END_TEST

START_TEST(items_of_all_chunks_are_read)
{
    kith_rtcp_packet p = part(made, sizeof made, 1);
    kith_rtcp_sdes sdes = kith_rtcp_sdes_of(&p);
    kith_rtcp_sdes_item item;
    ck_assert(kith_rtcp_next_item(&sdes, &item) && item.type == KITH_RTCP_SDES_CNAME);
    ck_assert(kith_rtcp_next_item(&sdes, &item) && item.type == 9);
    ck_assert(kith_rtcp_next_item(&sdes, &item) && item.type == KITH_RTCP_SDES_MID);
    ck_assert(kith_span_is(item.value, "7"));
    ck_assert_uint_eq(item.ssrc, 1);
    ck_assert(!kith_rtcp_next_item(&sdes, &item));
    ck_assert(!sdes.in.bad);
    ck_assert_uint_eq(sdes.chunks_left, 0);
}
END_TEST

START_TEST(bye_has_sources_a_reason_and_padding)
{
    kith_rtcp_packet p = part(made, sizeof made, 2);
    kith_rtcp_bye bye;
    ck_assert(kith_rtcp_parse_bye(&p, &bye));
    ck_assert_uint_eq(bye.ssrcs.len, 8);
    ck_assert(kith_span_is(bye.reason, "end"));
    p.count = 4;
    ck_assert(!kith_rtcp_parse_bye(&p, &bye));
    p.count = 0;
    p.body.len = 0;
    ck_assert(kith_rtcp_parse_bye(&p, &bye) && bye.reason.len == 0);
}
END_TEST

/* A prefix is a compound only where a part ends. */
START_TEST(every_prefix_is_refused_but_at_the_end_of_a_part)
{
    static const size_t ends[] = {32, 84, 92, 104, 120};
    for (size_t len = 0; len <= sizeof captured; len++) {
        uint8_t *exact = malloc(len + 1);
        memcpy(exact, captured, len);
        bool is_end = false;
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
            is_end |= ends[i] == len;
        ck_assert_int_eq(kith_rtcp_is_compound(kith_span_of(exact, len)), is_end);
        free(exact);
    }
}
END_TEST

/* Every part whose body is cut short. */
START_TEST(every_shorter_body_is_refused)
{
    uint32_t ssrc;
    kith_rtcp_sender_info info;
    kith_rtcp_reports reports;
    kith_rtcp_bye bye;
    kith_rtcp_fb fb;
    kith_rtcp_packet sr = part(made, sizeof made, 0), rr = part(captured, sizeof captured, 0),
                     end = part(made, sizeof made, 2), pli = part(captured, sizeof captured, 3),
                     nack = part(captured, sizeof captured, 4);
    while (sr.body.len-- > 0)
        ck_assert(!kith_rtcp_parse_sr(&sr, &ssrc, &info, &reports));
    while (rr.body.len-- > 0)
        ck_assert(!kith_rtcp_parse_rr(&rr, &ssrc, &reports));
    while (end.body.len-- > 0)
        ck_assert_int_eq(kith_rtcp_parse_bye(&end, &bye), end.body.len == 8);
    while (pli.body.len-- > 0)
        ck_assert(!kith_rtcp_parse_fb(&pli, &fb));
    while (nack.body.len-- > 0)
        ck_assert(!kith_rtcp_parse_fb(&nack, &fb));
    kith_rtcp_packet items = part(made, sizeof made, 1);
    for (size_t len = 0; len <= items.body.len; len++) {
        kith_rtcp_packet shorter = items;
        shorter.body.len = len;
        kith_rtcp_sdes sdes = kith_rtcp_sdes_of(&shorter);
        kith_rtcp_sdes_item item;
        unsigned count = 0;
        while (kith_rtcp_next_item(&sdes, &item))
            count++;
        ck_assert_uint_eq(count, len >= 14 ? 3 : len >= 11 ? 2 : len >= 8);
        ck_assert_int_eq(sdes.in.bad, len < 24);
    }
}
END_TEST

START_TEST(padding_is_of_whole_words_and_in_the_last_part_only)
{
    uint8_t bye[sizeof made - 80];
    memcpy(bye, made + 80, sizeof bye);
    for (unsigned count = 0; count < 256; count++) {
        bye[sizeof bye - 1] = (uint8_t)count;
        ck_assert_int_eq(kith_rtcp_is_compound(kith_span_of(bye, sizeof bye)),
                         count > 0 && count % 4 == 0 && count <= 20);
    }
    uint8_t two[2 * sizeof bye];
    bye[sizeof bye - 1] = 8;
    memcpy(two, bye, sizeof bye);
    memcpy(two + sizeof bye, bye, sizeof bye);
    ck_assert(!kith_rtcp_is_compound(kith_span_of(two, sizeof two)));
    two[0] &= 0xDF;
    ck_assert(kith_rtcp_is_compound(kith_span_of(two, sizeof two)));
}
END_TEST

START_TEST(rtcp_is_known_by_its_second_byte)
{
    uint8_t packet[4] = {0x80};
    for (unsigned byte = 0; byte < 256; byte++) {
        packet[1] = (uint8_t)byte;
        ck_assert_int_eq(kith_rtcp_is(kith_span_of(packet, 4)), byte >= 192 && byte <= 223);
    }
    packet[1] = 200;
    ck_assert(!kith_rtcp_is(kith_span_of(packet, 3)));
}
END_TEST

START_TEST(parts_are_written_as_they_are_read)
{
    uint8_t buf[200];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_rtcp_report report = {.ssrc = 7,
                               .fraction_lost = 0x80,
                               .cumulative_lost = -2,
                               .highest_sequence = 0x10005,
                               .jitter = 6,
                               .last_sr = 8,
                               .delay_since_last_sr = 9};
    kith_rtcp_write_sr(&w, 1, &(kith_rtcp_sender_info){0xda8bd1fcdddda05a, 0xaaf4edd5, 2, 3},
                       &report, 1);
    ck_assert_uint_eq(w.len, 52);
    ck_assert_mem_eq(buf, made, 52);
    w.len = 0;
    kith_rtcp_write_rr(&w, 0x902f9e2e,
                       &(kith_rtcp_report){0xbc5e9a40, 0, 0, 0x46e1, 273, 0x9f36432, 150137}, 1);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 1);
    kith_rtcp_write_chunk(&w, 0x902f9e2e, kith_span_text("{9c00eb92-1afb-9d49-a47d-91f64eee69f5}"),
                          kith_span_text(""));
    kith_rtcp_end(&w, mark);
    kith_rtcp_write_bye(&w, &(const uint32_t){0x902f9e2e}, 1);
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, 92);
    ck_assert_mem_eq(buf, captured, 92);
}
END_TEST

START_TEST(a_chunk_ends_with_a_null_and_a_whole_word)
{
    for (size_t len = 0; len < 9; len++) {
        uint8_t buf[100];
        kith_writer w = kith_wr(buf, sizeof buf);
        size_t mark = kith_rtcp_begin(&w, KITH_RTCP_SDES, 2);
        kith_rtcp_write_chunk(&w, 1, kith_span_of("abcdefghi", len), kith_span_text("x"));
        kith_rtcp_write_chunk(&w, 2, kith_span_text("b"), kith_span_text(""));
        kith_rtcp_end(&w, mark);
        kith_rtcp_packet p = part(buf, w.len, 0);
        kith_rtcp_sdes sdes = kith_rtcp_sdes_of(&p);
        kith_rtcp_sdes_item item;
        ck_assert(kith_rtcp_next_item(&sdes, &item) && item.value.len == len);
        ck_assert(kith_rtcp_next_item(&sdes, &item) && item.type == KITH_RTCP_SDES_MID);
        ck_assert(kith_rtcp_next_item(&sdes, &item) && item.ssrc == 2);
        ck_assert(!kith_rtcp_next_item(&sdes, &item));
        ck_assert(!sdes.in.bad);
    }
}
END_TEST

START_TEST(loss_is_clamped_to_24_bits)
{
    static const struct {
        int32_t given, read;
    } cases[] = {{0x7FFFFF, 0x7FFFFF},   {0x800000, 0x7FFFFF},   {INT32_MAX, 0x7FFFFF},
                 {-0x800000, -0x800000}, {INT32_MIN, -0x800000}, {-1, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t buf[32];
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_rtcp_write_rr(&w, 1, &(kith_rtcp_report){.cumulative_lost = cases[i].given}, 1);
        kith_rtcp_packet p = part(buf, w.len, 0);
        uint32_t ssrc;
        kith_rtcp_reports reports;
        kith_rtcp_report report;
        ck_assert(kith_rtcp_parse_rr(&p, &ssrc, &reports));
        ck_assert(kith_rtcp_next_report(&reports, &report));
        ck_assert_int_eq(report.cumulative_lost, cases[i].read);
    }
}
END_TEST

UNIT_MAIN("wire: rtcp", a_captured_compound_is_read_part_by_part,
          captured_items_and_feedback_are_read, a_sender_report_is_read,
          items_of_all_chunks_are_read, bye_has_sources_a_reason_and_padding,
          every_prefix_is_refused_but_at_the_end_of_a_part, every_shorter_body_is_refused,
          padding_is_of_whole_words_and_in_the_last_part_only, rtcp_is_known_by_its_second_byte,
          parts_are_written_as_they_are_read, a_chunk_ends_with_a_null_and_a_whole_word,
          loss_is_clamped_to_24_bits)
