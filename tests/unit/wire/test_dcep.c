/* DCEP: messages byte by byte, every prefix, every channel type. */
#include "../unit.h"
#include "wire/dcep.h"

#include <string.h>

/* An unordered channel "chat" of the protocol "x", three retransmissions, high priority. */
static const uint8_t chat[] = {0x03, 0x81, 0x02, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00,
                               0x04, 0x00, 0x01, 'c',  'h',  'a',  't',  'x'};

START_TEST(an_open_message_is_read)
{
    kith_dcep_open open;
    ck_assert(kith_dcep_parse_open(&open, kith_span_of(chat, sizeof chat)));
    ck_assert_int_eq(open.channel_type, KITH_DCEP_PARTIAL_RELIABLE_REXMIT_UNORDERED);
    ck_assert_uint_eq(open.priority, KITH_DCEP_PRIORITY_HIGH);
    ck_assert_uint_eq(open.reliability, 3);
    ck_assert(kith_span_is(open.label, "chat"));
    ck_assert(kith_span_is(open.protocol, "x"));
}
END_TEST

START_TEST(an_open_message_is_written)
{
    uint8_t buf[sizeof chat];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_dcep_write_open(&w, &(kith_dcep_open){
                                 .channel_type = KITH_DCEP_PARTIAL_RELIABLE_REXMIT_UNORDERED,
                                 .priority = KITH_DCEP_PRIORITY_HIGH,
                                 .reliability = 3,
                                 .label = kith_span_text("chat"),
                                 .protocol = kith_span_text("x"),
                             });
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, sizeof chat);
    ck_assert_mem_eq(buf, chat, sizeof chat);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
    for (size_t len = 0; len < sizeof chat; len++) {
        uint8_t *exact = malloc(len + (len == 0));
        memcpy(exact, chat, len);
        kith_dcep_open open = {.priority = 7};
        ck_assert(!kith_dcep_parse_open(&open, kith_span_of(exact, len)));
        ck_assert_uint_eq(open.priority, 7);
        free(exact);
    }
}
END_TEST

/* The lengths say where the message ends. */
START_TEST(bytes_behind_the_protocol_mean_nothing)
{
    uint8_t longer[sizeof chat + 3] = {0};
    memcpy(longer, chat, sizeof chat);
    kith_dcep_open open;
    ck_assert(kith_dcep_parse_open(&open, kith_span_of(longer, sizeof longer)));
    ck_assert(kith_span_is(open.label, "chat"));
    ck_assert(kith_span_is(open.protocol, "x"));
}
END_TEST

START_TEST(only_the_channel_types_that_exist_are_read)
{
    uint8_t message[sizeof chat];
    memcpy(message, chat, sizeof chat);
    for (int type = 0; type < 256; type++) {
        message[1] = (uint8_t)type;
        kith_dcep_open open;
        bool exists = (type & 0x7f) <= 2;
        ck_assert_int_eq(kith_dcep_parse_open(&open, kith_span_of(message, sizeof message)),
                         exists);
        if (exists)
            ck_assert_uint_eq(open.reliability, (type & 0x7f) == 0 ? 0 : 3);
    }
}
END_TEST

START_TEST(another_message_type_is_no_open)
{
    uint8_t message[sizeof chat];
    memcpy(message, chat, sizeof chat);
    for (int type = 0; type < 256; type++) {
        message[0] = (uint8_t)type;
        kith_dcep_open open;
        ck_assert_int_eq(kith_dcep_parse_open(&open, kith_span_of(message, sizeof message)),
                         type == 3);
    }
}
END_TEST

START_TEST(label_and_protocol_may_be_empty)
{
    uint8_t buf[12];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_dcep_open open = {.channel_type = KITH_DCEP_PARTIAL_RELIABLE_TIMED, .reliability = 0};
    kith_dcep_write_open(&w, &open);
    ck_assert(!w.bad);
    ck_assert(kith_dcep_parse_open(&open, kith_span_of(buf, w.len)));
    ck_assert_uint_eq(open.label.len, 0);
    ck_assert_uint_eq(open.protocol.len, 0);
    ck_assert_int_eq(open.channel_type, KITH_DCEP_PARTIAL_RELIABLE_TIMED);
}
END_TEST

START_TEST(the_longest_label_is_65535_bytes)
{
    char *label = malloc(65536);
    memset(label, 'x', 65536);
    kith_dcep_open open = {.label = kith_span_of(label, 65535)}, back;
    kith_writer w = kith_wr_growing();
    kith_dcep_write_open(&w, &open);
    ck_assert(!w.bad);
    ck_assert(kith_dcep_parse_open(&back, kith_span_of(w.data, w.len)));
    ck_assert(kith_span_equal(back.label, open.label));
    open.label.len = 65536;
    kith_dcep_write_open(&w, &open);
    ck_assert(w.bad);
    kith_wr_deinit(&w);
    free(label);
}
END_TEST

/* Pion's has four bytes. */
START_TEST(an_ack_is_known_by_its_first_byte)
{
    uint8_t buf[1];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_dcep_write_ack(&w);
    ck_assert(!w.bad);
    ck_assert(kith_dcep_is_ack(kith_span_of(buf, w.len)));
    ck_assert_uint_eq(w.len, 1);
    ck_assert(kith_dcep_is_ack(kith_span_of("\x02\x00\x00\x00", 4)));
    ck_assert(!kith_dcep_is_ack(kith_span_of("\x03", 1)));
    ck_assert(!kith_dcep_is_ack(kith_span_of(NULL, 0)));
}
END_TEST

UNIT_MAIN("wire: dcep", an_open_message_is_read, an_open_message_is_written,
          every_prefix_is_refused, bytes_behind_the_protocol_mean_nothing,
          only_the_channel_types_that_exist_are_read, another_message_type_is_no_open,
          label_and_protocol_may_be_empty, the_longest_label_is_65535_bytes,
          an_ack_is_known_by_its_first_byte)
