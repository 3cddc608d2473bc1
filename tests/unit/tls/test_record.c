/* Cutting datagrams into records. */
#include "../unit.h"
#include "records.h"

#include <string.h>

START_TEST(datagram_is_cut_into_its_records)
{
    uint8_t bytes[200];
    size_t first =
        make_record(bytes, sizeof bytes, KITH_DTLS_HANDSHAKE, 0, kith_span_text("hello"));
    size_t second = make_record(bytes + first, sizeof bytes - first, KITH_DTLS_APPLICATION_DATA, 3,
                                kith_span_text(""));
    kith_span datagram = kith_span_of(bytes, first + second);
    kith_dtls_record record;
    ck_assert(kith_dtls_record_next(&datagram, &record));
    ck_assert_uint_eq(record.type, KITH_DTLS_HANDSHAKE);
    ck_assert_uint_eq(record.epoch, 0);
    ck_assert(kith_span_is(record.body, "hello"));
    ck_assert_ptr_eq(record.whole.data, bytes);
    ck_assert_uint_eq(record.whole.len, 18);
    ck_assert(kith_dtls_record_next(&datagram, &record));
    ck_assert_uint_eq(record.type, KITH_DTLS_APPLICATION_DATA);
    ck_assert_uint_eq(record.epoch, 3);
    ck_assert_uint_eq(record.body.len, 0);
    ck_assert(!kith_dtls_record_next(&datagram, &record));
    ck_assert_uint_eq(datagram.len, 0);
}
END_TEST

START_TEST(every_prefix_of_a_record_is_damage)
{
    uint8_t bytes[200];
    size_t len = make_record(bytes, sizeof bytes, KITH_DTLS_HANDSHAKE, 1, kith_span_text("hello"));
    for (size_t cut = 1; cut < len; cut++) {
        uint8_t *exact = malloc(cut);
        memcpy(exact, bytes, cut);
        kith_span datagram = kith_span_of(exact, cut);
        kith_dtls_record record;
        ck_assert(!kith_dtls_record_next(&datagram, &record));
        ck_assert_uint_eq(datagram.len, cut);
        free(exact);
    }
}
END_TEST

START_TEST(other_versions_and_types_are_no_records)
{
    uint8_t bytes[200];
    kith_dtls_record record;
    for (unsigned type = 0; type < 256; type++) {
        size_t len = make_record(bytes, sizeof bytes, (uint8_t)type, 0, kith_span_text("hello"));
        kith_span datagram = kith_span_of(bytes, len);
        ck_assert_int_eq(kith_dtls_record_next(&datagram, &record), type >= 20 && type <= 23);
    }
    size_t len = make_record(bytes, sizeof bytes, KITH_DTLS_HANDSHAKE, 0, kith_span_text("hello"));
    bytes[1] = 3;
    kith_span datagram = kith_span_of(bytes, len);
    ck_assert(!kith_dtls_record_next(&datagram, &record));
}
END_TEST

UNIT_MAIN("tls: record", datagram_is_cut_into_its_records, every_prefix_of_a_record_is_damage,
          other_versions_and_types_are_no_records)
