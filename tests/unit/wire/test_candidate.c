/* The candidate attribute: lines of real browsers, everything it may carry, and what must be
 * refused. */
#include "../unit.h"

#include "wire/candidate.h"

#include <stdio.h>
#include <string.h>

static bool parse(kith_candidate *c, const char *text)
{
    return kith_candidate_parse(c, kith_span_text(text));
}

static const char *written(const kith_candidate *c, char *buf, size_t cap)
{
    kith_writer w = kith_wr(buf, cap);
    kith_candidate_write(&w, c);
    ck_assert(!w.bad);
    kith_wr_u8(&w, 0);
    ck_assert(!w.bad);
    return buf;
}

START_TEST(chromium_host_candidate_is_read)
{
    kith_candidate c;
    ck_assert(parse(&c,
                    "candidate:3229573512 1 udp 2122194687 192.0.2.2 34090 typ host generation 0 "
                    "ufrag Xk2/ network-id 1 network-cost 50"));
    ck_assert_str_eq(c.foundation, "3229573512");
    ck_assert_uint_eq(c.component, 1);
    ck_assert_int_eq(c.protocol, KITH_UDP);
    ck_assert_uint_eq(c.priority, 2122194687);
    ck_assert_uint_eq(c.address.port, 34090);
    ck_assert_int_eq(c.type, KITH_CANDIDATE_HOST);
    ck_assert_str_eq(c.ufrag, "Xk2/");
    ck_assert_str_eq(c.hostname, "");
    ck_assert_uint_eq(c.related.family, 0);
}
END_TEST

START_TEST(firefox_tcp_candidate_is_read)
{
    kith_candidate c;
    ck_assert(parse(&c, "a=candidate:3 1 TCP 2105524479 fd00::2 9 typ host tcptype active"));
    ck_assert_int_eq(c.protocol, KITH_TCP);
    ck_assert_int_eq(c.tcp_type, KITH_TCPTYPE_ACTIVE);
    ck_assert_uint_eq(c.address.family, KITH_IPV6);
    ck_assert_uint_eq(c.address.port, 9);
}
END_TEST

START_TEST(a_local_name_is_kept_as_a_name)
{
    kith_candidate c;
    ck_assert(parse(&c,
                    "candidate:1 1 udp 2113937151 8b1c3c1e-2f9c-4bd0-9a5e-4a3c06e1c0a6.local 5000 "
                    "typ host"));
    ck_assert_str_eq(c.hostname, "8b1c3c1e-2f9c-4bd0-9a5e-4a3c06e1c0a6.local");
    ck_assert_uint_eq(c.address.family, 0);
    ck_assert_uint_eq(c.address.port, 5000);
}
END_TEST

START_TEST(related_address_may_be_hidden_or_a_name)
{
    kith_candidate c;
    ck_assert(parse(&c, "1 1 udp 1 192.0.2.1 5000 typ srflx raddr 0.0.0.0 rport 0"));
    ck_assert_uint_eq(c.related.family, KITH_IPV4);
    ck_assert(parse(&c, "1 1 udp 1 192.0.2.1 5000 typ srflx raddr x.local rport 9"));
    ck_assert_uint_eq(c.related.family, 0);
    ck_assert_uint_eq(c.related.port, 0);
    ck_assert(parse(&c, "1 1 udp 1 192.0.2.1 5000 typ relay rport 9 raddr 10.0.0.1"));
    ck_assert_uint_eq(c.related.port, 9);
    ck_assert_int_eq(c.type, KITH_CANDIDATE_RELAY);
}
END_TEST

START_TEST(every_kind_returns_as_written)
{
    static const char *const lines[] = {
        "candidate:1 1 udp 2122194687 192.0.2.2 34090 typ host",
        "candidate:1 1 udp 4294967295 2001:db8::1 1 typ host ufrag abcd",
        "candidate:a+/ 256 tcp 0 192.0.2.2 9 typ host tcptype active",
        "candidate:2 1 tcp 1 192.0.2.2 4000 typ relay raddr 198.51.100.1 rport 7 tcptype passive",
        "candidate:2 2 udp 1 192.0.2.2 4000 typ prflx raddr fd00::2 rport 65535 ufrag x+/9",
        "candidate:2 1 tcp 1 192.0.2.2 4000 typ srflx raddr 10.0.0.1 rport 1 tcptype so",
        "candidate:2 1 udp 1 host-1.example 4000 typ host",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        kith_candidate c;
        char buf[400];
        ck_assert(parse(&c, lines[i]));
        ck_assert_str_eq(written(&c, buf, sizeof buf), lines[i]);
    }
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const lines[] = {
        "",
        "candidate:",
        "candidate:1",
        "candidate:1 1 udp 1 192.0.2.1 5000",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ",
        "candidate:1 1 udp 4294967296 192.0.2.1 5000 typ host",
        "candidate:1 1 udp -1 192.0.2.1 5000 typ host",
        "candidate:1 65536 udp 1 192.0.2.1 5000 typ host",
        "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 1 192.0.2.1 5000x typ host",
        "candidate:1 1 udp 1 999.0.2.1 5000 typ host",
        "candidate:1 1 udp 1 192.0.2.1. 5000 typ host",
        "candidate:1 1 udp 1 2001:db8::g 5000 typ host",
        "candidate:1 1 udp 1 a..b 5000 typ host",
        "candidate:1 1 udp 1 a<b> 5000 typ host",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ host tcptype sideways",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        kith_candidate c;
        ck_assert_msg(!parse(&c, lines[i]), "%s", lines[i]);
    }
}
END_TEST

/* Each of these comes from a peer in use, and both browsers take it. */
START_TEST(what_browsers_take_is_taken)
{
    static const char *const lines[] = {
        "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n",
        "\ncandidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\n",
        "candidate: 1 udp 2130706431 192.0.2.1 5000 typ host",
        " 1 udp 2130706431 192.0.2.1 5000 typ host",
        "candidate:0a1b2c3d-0000-4000-8000-000000000000 1 udp 1 192.0.2.1 5000 typ host",
        "candidate:1 1 udp 1 fe80::1%eth0 5000 typ host",
        "candidate:1 1 udp 1 fe80::1%12 5000 typ host",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 65536",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ host generation",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ host ufrag",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ host ufrag ab-c_d=#",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        kith_candidate c;
        ck_assert_msg(parse(&c, lines[i]), "%s", lines[i]);
        ck_assert_uint_eq(c.component, 1);
        ck_assert_uint_eq(c.address.port, 5000);
        ck_assert_uint_eq(c.address.scope_id, 0);
        ck_assert(!c.is_unknown);
    }
}
END_TEST

/* RFC 8839 section 5.1: "ignored", not wrong. */
START_TEST(unknown_transports_and_types_are_marked)
{
    kith_candidate c;
    ck_assert(parse(&c, "candidate:1 1 sctp 1 192.0.2.1 5000 typ host") && c.is_unknown);
    ck_assert(parse(&c, "candidate:1 1 udp 1 192.0.2.1 5000 typ unknown") && c.is_unknown);
    ck_assert(parse(&c, "candidate:1 1 ssltcp 1 192.0.2.1 443 typ host") && c.is_unknown);
}
END_TEST

/* They are only compared: long ones must differ where their texts differ. */
START_TEST(long_foundations_stay_apart)
{
    kith_candidate a, b, again;
    ck_assert(parse(&a, "0a1b2c3d-0000-4000-8000-000000000000 1 udp 1 192.0.2.1 5000 typ host"));
    ck_assert(parse(&b, "0a1b2c3d-0000-4000-8000-000000000001 1 udp 1 192.0.2.1 5000 typ host"));
    ck_assert(
        parse(&again, "0a1b2c3d-0000-4000-8000-000000000000 1 udp 1 192.0.2.1 5000 typ host"));
    ck_assert_str_ne(a.foundation, b.foundation);
    ck_assert_str_eq(a.foundation, again.foundation);
    ck_assert_uint_ne(strlen(a.foundation), 0);
}
END_TEST

/* extension-att-value is any VCHAR (RFC 8839 section 5.1), and what kith cannot use it does not
 * need. */
START_TEST(the_value_of_an_extension_cannot_refuse)
{
    static const char *const values[] = {"a:b", "\"",  "<>", "\xc3\xa4", "[fe80::1]",
                                         "%",   "%00", "=",  ";x"};
    static const char *const names[] = {"ufrag",      "raddr",      "rport",
                                        "generation", "network-id", "x!"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t n = 0; n < sizeof values / sizeof values[0]; n++) {
            kith_candidate c;
            char line[200];
            snprintf(line, sizeof line,
                     "candidate:1 1 udp 1 192.0.2.1 5000 typ host %s %s network-cost 10", names[i],
                     values[n]);
            ck_assert_msg(parse(&c, line), "%s", line);
            ck_assert(!c.is_unknown);
            ck_assert_uint_eq(c.address.port, 5000);
            if (strcmp(values[n], "=") != 0)
                ck_assert_str_eq(c.ufrag, "");
        }
}
END_TEST

START_TEST(a_name_too_long_is_refused_and_a_ufrag_too_long_left_out)
{
    kith_candidate c;
    char name[400], line[600];
    for (size_t len = 250; len < 260; len++) {
        memset(name, 'a', len);
        name[len] = '\0';
        snprintf(line, sizeof line, "1 1 udp 1 %s 5000 typ host", name);
        ck_assert_int_eq(parse(&c, line), len < sizeof c.hostname);
        snprintf(line, sizeof line, "1 1 udp 1 192.0.2.1 5000 typ host ufrag %s", name);
        ck_assert(parse(&c, line));
        ck_assert_uint_eq(strlen(c.ufrag), len <= KITH_UFRAG_MAX ? len : 0);
    }
}
END_TEST

START_TEST(type_names_are_those_of_the_rfc)
{
    ck_assert_str_eq(kith_candidate_type_name(KITH_CANDIDATE_HOST), "host");
    ck_assert_str_eq(kith_candidate_type_name(KITH_CANDIDATE_SRFLX), "srflx");
    ck_assert_str_eq(kith_candidate_type_name(KITH_CANDIDATE_PRFLX), "prflx");
    ck_assert_str_eq(kith_candidate_type_name(KITH_CANDIDATE_RELAY), "relay");
}
END_TEST

UNIT_MAIN("wire: candidate", chromium_host_candidate_is_read, firefox_tcp_candidate_is_read,
          a_local_name_is_kept_as_a_name, related_address_may_be_hidden_or_a_name,
          every_kind_returns_as_written, nonsense_is_refused, what_browsers_take_is_taken,
          unknown_transports_and_types_are_marked, long_foundations_stay_apart,
          the_value_of_an_extension_cannot_refuse,
          a_name_too_long_is_refused_and_a_ufrag_too_long_left_out, type_names_are_those_of_the_rfc)
