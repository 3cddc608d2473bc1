/* RTCIceCandidate's members from candidate lines. */
#include <string.h>

#include "kith/candidate.h"
#include "unit.h"

static kith_candidate_fields fields_of(const char *line)
{
    kith_candidate_fields fields = KITH_CANDIDATE_FIELDS_INIT;
    ck_assert_msg(kith_candidate_fields_parse(&fields, line) == KITH_OK, "%s: %s", line,
                  kith_last_error()->message);
    return fields;
}

/* RFC 8839 section 5.1's example, with a generation. */
START_TEST(a_server_reflexive_line_has_all_its_members)
{
    kith_candidate_fields f =
        fields_of("candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 "
                  "rport 8998 ufrag 8hhY");
    ck_assert_str_eq(f.foundation, "2");
    ck_assert_uint_eq(f.component, 1);
    ck_assert_str_eq(f.protocol, "udp");
    ck_assert_uint_eq(f.priority, 1694498815);
    ck_assert_str_eq(f.address, "192.0.2.3");
    ck_assert_uint_eq(f.port, 45664);
    ck_assert_str_eq(f.type, "srflx");
    ck_assert_ptr_null(f.tcp_type);
    ck_assert_str_eq(f.related_address, "203.0.113.141");
    ck_assert_uint_eq(f.related_port, 8998);
    ck_assert_str_eq(f.username_fragment, "8hhY");
}
END_TEST

/* RFC 6544 section 4.5, and a name of multicast DNS (draft-ietf-mmusic-mdns-ice-candidates). */
START_TEST(tcp_types_and_names_are_told)
{
    kith_candidate_fields f =
        fields_of("a=candidate:1 2 TCP 2128609279 2001:db8::1 9 typ host tcptype active");
    ck_assert_uint_eq(f.component, 2);
    ck_assert_str_eq(f.protocol, "tcp");
    ck_assert_str_eq(f.tcp_type, "active");
    ck_assert_str_eq(f.address, "2001:db8::1");
    ck_assert_str_eq(f.related_address, "");
    ck_assert_str_eq(f.username_fragment, "");
    f = fields_of("candidate:1 1 udp 1 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 50000 typ host");
    ck_assert_str_eq(f.address, "1f4712db-ea17-4bcf-a596-105139dfd8bf.local");
}
END_TEST

START_TEST(what_is_no_candidate_is_refused_and_changes_nothing)
{
    static const struct {
        const char *line;
        kith_err err;
    } refused[] = {
        {NULL, KITH_ERR_SYNTAX},
        {"", KITH_ERR_SYNTAX},
        {"candidate:1 1 udp 1 192.0.2.1", KITH_ERR_SYNTAX},
        {"candidate:1 1 sctp 1 192.0.2.1 50000 typ host", KITH_ERR_NOT_SUPPORTED},
        {"candidate:1 1 udp 1 192.0.2.1 50000 typ other", KITH_ERR_NOT_SUPPORTED},
    };
    kith_candidate_fields f = fields_of("candidate:7 1 udp 1 192.0.2.1 50000 typ host");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ck_assert_int_eq(kith_candidate_fields_parse(&f, refused[i].line), refused[i].err);
    ck_assert_str_eq(f.foundation, "7");
    f.size = 0;
    ck_assert_int_eq(kith_candidate_fields_parse(&f, "candidate:8 1 udp 1 192.0.2.1 5 typ host"),
                     KITH_ERR_TYPE);
    ck_assert_str_eq(f.foundation, "7");
}
END_TEST

/* kith/base.h: a caller of an older header has a shorter struct, one of a newer header a longer
 * one. */
START_TEST(only_as_much_is_written_as_the_caller_has)
{
    struct {
        kith_candidate_fields fields;
        char more[16];
    } caller;
    memset(&caller, 'x', sizeof caller);
    caller.fields.size = sizeof caller.fields - sizeof caller.fields.username_fragment;
    const char *line = "candidate:1 1 udp 1 192.0.2.1 50000 typ host ufrag abcd";
    ck_assert_int_eq(kith_candidate_fields_parse(&caller.fields, line), KITH_OK);
    ck_assert_str_eq(caller.fields.address, "192.0.2.1");
    ck_assert_int_eq(caller.fields.username_fragment[0], 'x');
    caller.fields.size = sizeof caller;
    ck_assert_int_eq(kith_candidate_fields_parse(&caller.fields, line), KITH_OK);
    ck_assert_str_eq(caller.fields.username_fragment, "abcd");
    ck_assert_int_eq(caller.more[0], 0);
    ck_assert_int_eq(caller.more[15], 0);
}
END_TEST

UNIT_MAIN("pc: candidate fields", a_server_reflexive_line_has_all_its_members,
          tcp_types_and_names_are_told, what_is_no_candidate_is_refused_and_changes_nothing,
          only_as_much_is_written_as_the_caller_has)
