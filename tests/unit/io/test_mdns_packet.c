/* DNS messages: known bytes out, known bytes in, and what an attacker on the link would send. */
#include "../unit.h"

#include "io/mdns_packet.h"
#include "mdns_kit.h"

static uint8_t packet[2048];

static kith_writer begin(void)
{
    return kith_wr(packet, sizeof packet);
}

static bool parse(size_t len, kith_mdns_response *response)
{
    return kith_mdns_response_init(response, packet, len);
}

START_TEST(a_question_asks_for_both_kinds_of_address)
{
    static const uint8_t expected[] = {
        0, 0,   0, 0,   0,   2,   0,   0,   0, 0, 0,  0,    /* header: two questions */
        1, 'x', 5, 'l', 'o', 'c', 'a', 'l', 0, 0, 1,  0, 1, /* A IN */
        1, 'x', 5, 'l', 'o', 'c', 'a', 'l', 0, 0, 28, 0, 1, /* AAAA IN */
    };
    kith_writer w = begin();
    ck_assert(kith_mdns_write_question(&w, "x.local"));
    ck_assert_uint_eq(w.len, sizeof expected);
    ck_assert_mem_eq(packet, expected, sizeof expected);
    w = begin();
    ck_assert(kith_mdns_write_question(&w, "x.local."));
    ck_assert_mem_eq(packet, expected, sizeof expected);
}
END_TEST

START_TEST(a_name_that_is_none_is_not_asked_for)
{
    char long_label[80] = {0}, long_name[300] = {0};
    memset(long_label, 'x', 64);
    for (int i = 0; i < 254; i++)
        long_name[i] = i % 2 ? '.' : 'x';
    long_name[254] = 'x';
    const char *const names[] = {"", ".", "a..local", ".local", long_label, long_name};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        kith_writer w = begin();
        ck_assert_msg(!kith_mdns_write_question(&w, names[i]), "%s", names[i]);
    }
    kith_writer small = kith_wr(packet, 20);
    ck_assert(!kith_mdns_write_question(&small, "x.local"));
}
END_TEST

START_TEST(an_answer_gives_its_address)
{
    kith_mdns_response response;
    kith_mdns_record record;
    ck_assert(parse(put_response(packet, sizeof packet, MDNS_NAME), &response));
    ck_assert(kith_mdns_response_next(&response, &record));
    ck_assert_str_eq(record.name, MDNS_NAME);
    char text[KITH_ADDRESS_TEXT];
    ck_assert_str_eq(kith_address_format(&record.address, text, sizeof text), "192.0.2.7");
    ck_assert(!kith_mdns_response_next(&response, &record));
}
END_TEST

START_TEST(other_records_and_questions_are_passed_over)
{
    kith_writer w = begin();
    put_header(&w, 1, 3);
    put_name(&w, MDNS_NAME);
    kith_wr_u32(&w, 0x00010001);
    put_name(&w, "a.local");
    put_body(&w, 16, 120, kith_span_of("\x03txt", 4));
    kith_wr_u16(&w, 0xc00c);                                 /* the question's name, compressed */
    put_body(&w, 1, 0, kith_span_of("\xc0\x00\x02\x01", 4)); /* taken back */
    kith_wr_u16(&w, 0xc00c);
    uint8_t ip[16] = {0xfe, 0x80, [15] = 1};
    put_body(&w, 28, 120, kith_span_of(ip, 16));
    kith_mdns_response response;
    kith_mdns_record record;
    ck_assert(parse(w.len, &response));
    ck_assert(kith_mdns_response_next(&response, &record));
    ck_assert_str_eq(record.name, MDNS_NAME);
    ck_assert_int_eq(record.address.family, KITH_IPV6);
    ck_assert_mem_eq(record.address.ip, ip, 16);
    ck_assert(!kith_mdns_response_next(&response, &record));
}
END_TEST

START_TEST(a_pointer_may_end_a_name)
{
    kith_writer w = begin();
    put_header(&w, 1, 1);
    put_name(&w, "b.local"); /* at 12; "local" is at 14 */
    kith_wr_u32(&w, 0x00010001);
    kith_wr_text(&w, "\001c");
    kith_wr_u16(&w, 0xc00e);
    put_body(&w, 1, 1, kith_span_of("\1\2\3\4", 4));
    kith_mdns_response response;
    kith_mdns_record record;
    ck_assert(parse(w.len, &response));
    ck_assert(kith_mdns_response_next(&response, &record));
    ck_assert_str_eq(record.name, "c.local");
}
END_TEST

START_TEST(pointers_that_lead_in_circles_or_forward_are_damage)
{
    static const uint16_t targets[] = {0xc00c, 0xc00d, 0xc0ff, 0xffff};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        kith_writer w = begin();
        put_header(&w, 0, 1);
        kith_wr_u16(&w, targets[i]); /* at 12: itself, its own middle, beyond */
        put_body(&w, 1, 1, kith_span_of("\1\2\3\4", 4));
        kith_mdns_response response;
        kith_mdns_record record;
        ck_assert(parse(w.len, &response));
        ck_assert(!kith_mdns_response_next(&response, &record));
    }
}
END_TEST

START_TEST(labels_with_dots_or_nul_do_not_pass_for_names)
{
    static const char *const labels[] = {"\003a.b", "\003a\0b"};
    for (int i = 0; i < 2; i++) {
        kith_writer w = begin();
        put_header(&w, 0, 1);
        kith_wr_bytes(&w, labels[i], 4);
        kith_wr_u8(&w, 0);
        put_body(&w, 1, 1, kith_span_of("\1\2\3\4", 4));
        kith_mdns_response response;
        kith_mdns_record record;
        ck_assert(parse(w.len, &response));
        ck_assert(!kith_mdns_response_next(&response, &record));
    }
}
END_TEST

START_TEST(an_address_of_the_wrong_length_is_none)
{
    kith_writer w = begin();
    put_header(&w, 0, 2);
    put_name(&w, "a.local");
    put_body(&w, 1, 1, kith_span_of("\1\2\3\4\5", 5));
    put_name(&w, "a.local");
    put_body(&w, 28, 1, kith_span_of("\1\2\3\4", 4));
    kith_mdns_response response;
    kith_mdns_record record;
    ck_assert(parse(w.len, &response));
    ck_assert(!kith_mdns_response_next(&response, &record));
}
END_TEST

START_TEST(queries_errors_and_crowds_of_records_are_no_responses)
{
    kith_mdns_response response;
    kith_writer w = begin();
    ck_assert(kith_mdns_write_question(&w, "x.local"));
    ck_assert(!parse(w.len, &response));
    size_t len = put_response(packet, sizeof packet, "x.local");
    ck_assert(parse(len, &response));
    packet[3] = 3; /* NXDOMAIN */
    ck_assert(!parse(len, &response));
    packet[3] = 0;
    packet[6] = 0xff; /* 65281 answers */
    ck_assert(!parse(len, &response));
}
END_TEST

START_TEST(every_prefix_of_a_response_is_read_within_its_bounds)
{
    kith_writer w = begin();
    put_header(&w, 1, 1);
    put_name(&w, "b.local");
    kith_wr_u32(&w, 0x00010001);
    kith_wr_text(&w, "\001c");
    kith_wr_u16(&w, 0xc00e);
    put_body(&w, 1, 1, kith_span_of("\1\2\3\4", 4));
    for (size_t len = 0; len < w.len; len++) {
        kith_mdns_response response;
        kith_mdns_record record;
        uint8_t *exact = malloc(len + 1);
        memcpy(exact, packet, len);
        ck_assert(!kith_mdns_response_init(&response, exact, len) ||
                  !kith_mdns_response_next(&response, &record));
        free(exact);
    }
}
END_TEST

UNIT_MAIN("io: mdns_packet", a_question_asks_for_both_kinds_of_address,
          a_name_that_is_none_is_not_asked_for, an_answer_gives_its_address,
          other_records_and_questions_are_passed_over, a_pointer_may_end_a_name,
          pointers_that_lead_in_circles_or_forward_are_damage,
          labels_with_dots_or_nul_do_not_pass_for_names, an_address_of_the_wrong_length_is_none,
          queries_errors_and_crowds_of_records_are_no_responses,
          every_prefix_of_a_response_is_read_within_its_bounds)
