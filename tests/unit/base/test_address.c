/* Addresses: every text form of RFC 4291 and 5952 there and back, what is no address, and the
 * kinds. */
#include "../unit.h"
#include "base/address.h"

#include <string.h>

static kith_address parse(const char *text)
{
    kith_address address;
    ck_assert_msg(kith_address_parse(&address, text) == KITH_OK, "%s", text);
    return address;
}

START_TEST(text_is_read_and_written_back_in_canonical_form)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:5000", "192.0.2.1:5000"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8::1", "2001:db8::1"},
        {"[2001:db8::1]:5000", "[2001:db8::1]:5000"},
        {"2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"}, /* RFC 5952 4.2.3 */
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},                 /* RFC 5952 4.2.2 */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"fe80::1%3", "fe80::1%3"},
        {"[fe80::1%4294967295]:65535", "[fe80::1%4294967295]:65535"},
        {"192.0.2.1:0", "192.0.2.1"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char buf[KITH_ADDRESS_TEXT];
        kith_address address = parse(pairs[i][0]);
        ck_assert_str_eq(kith_address_format(&address, buf, sizeof buf), pairs[i][1]);
        kith_address again = parse(buf);
        ck_assert(kith_address_equal(&address, &again));
        ck_assert_mem_eq(&address, &again, sizeof address);
    }
}
END_TEST

/* RFC 4291 section 2.5.4. */
START_TEST(a_site_is_an_address_without_its_port_or_a_64_of_ipv6)
{
    static const char *const pairs[][3] = {{"192.0.2.1:1", "192.0.2.1:2", "same"},
                                           {"192.0.2.1:1", "192.0.2.2:1", NULL},
                                           {"[2001:db8::1]:1", "[2001:db8::ffff]:9", "same"},
                                           {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", NULL},
                                           {"192.0.2.1:1", "[c000:201::]:1", NULL}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        kith_address one = parse(pairs[i][0]), other = parse(pairs[i][1]);
        ck_assert_int_eq(kith_address_same_site(&one, &other), !!pairs[i][2]);
    }
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const char *const wrong[] = {
        "",
        " ",
        "localhost",
        "192.0.2",
        "192.0.2.1.5",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1 ",
        " 192.0.2.1",
        "192.0.2.-1",
        "192.0.2.",
        ".192.0.2.1",
        "192..2.1",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:x",
        "192.0.2.1:000080",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "1::2::3",
        "12345::",
        "g::",
        "1:",
        ":1",
        "1:2:3:4:5:6:7:",
        "::1.2.3",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "fe80::1%",
        "fe80::1%eth0",
        "fe80::1%4294967296",
        "%1",
        "192.0.2.1%1",
        "[::1]",
        "[::1]5000",
        "[::1]:",
        "[::1:5000",
        "[192.0.2.1]:5000",
        "::1]:5000",
        "[::1]:70000",
        "[]:1",
        "0x7f.0.0.1",
        "127.1",
        "2130706433",
        "::ffff:1.2.3.4.5",
        "::1%1%2",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        kith_address address = {.family = 99};
        ck_assert_msg(kith_address_parse(&address, wrong[i]) == KITH_ERR_SYNTAX, "%s", wrong[i]);
        ck_assert_uint_eq(address.family, 99);
    }
    kith_address address;
    ck_assert_int_eq(kith_address_parse(&address, NULL), KITH_ERR_TYPE);
}
END_TEST

START_TEST(a_bare_ip_has_neither_port_nor_brackets)
{
    kith_address address;
    ck_assert(kith_address_parse_ip(&address, kith_span_of("192.0.2.1:5000", 9)));
    ck_assert_uint_eq(address.port, 0);
    ck_assert(kith_address_parse_ip(&address, kith_span_text("::1")));
    ck_assert(!kith_address_parse_ip(&address, kith_span_text("192.0.2.1:5000")));
    ck_assert(!kith_address_parse_ip(&address, kith_span_text("[::1]")));
    ck_assert(!kith_address_parse_ip(&address, kith_span_text(NULL)));
}
END_TEST

START_TEST(every_prefix_is_read_without_a_byte_too_far)
{
    static const char text[] = "[2001:db8:1:2:3:ffff:192.0.2.1%42]:65535";
    for (size_t len = 0; len < sizeof text; len++) {
        char *exact = malloc(len + 1);
        memcpy(exact, text, len);
        exact[len] = '\0';
        kith_address address;
        ck_assert_int_eq(kith_address_parse(&address, exact) == KITH_OK, len > 35);
        free(exact);
        char *bare = malloc(len + (len == 0));
        memcpy(bare, text + 1, len < sizeof text - 2 ? len : sizeof text - 2);
        (void)!kith_address_parse_ip(
            &address, kith_span_of(bare, len < sizeof text - 2 ? len : sizeof text - 2));
        free(bare);
    }
}
END_TEST

START_TEST(text_is_cut_at_the_buffers_end)
{
    char buf[8] = "1234567";
    kith_address address = parse("192.0.2.1:5000");
    ck_assert_str_eq(kith_address_format(&address, buf, sizeof buf), "192.0.2");
    ck_assert_str_eq(kith_address_format_ip(&address, buf, 4), "192");
    kith_address_format(&address, buf, 0);
    ck_assert_str_eq(buf, "192");
    char whole[KITH_ADDRESS_TEXT];
    ck_assert_str_eq(kith_address_format_ip(&address, whole, sizeof whole), "192.0.2.1");
    kith_address none = {0};
    ck_assert_str_eq(kith_address_format(&none, whole, sizeof whole), "");
}
END_TEST

START_TEST(addresses_differ_in_port_ip_scope_or_family)
{
    kith_address a = parse("192.0.2.1:1"), b = parse("192.0.2.1:2"), c = parse("192.0.2.2:1");
    ck_assert(kith_address_equal(&a, &a));
    ck_assert(!kith_address_equal(&a, &b));
    ck_assert(kith_address_same_ip(&a, &b));
    ck_assert(!kith_address_same_ip(&a, &c));
    kith_address d = parse("fe80::1%1"), e = parse("fe80::1%2");
    ck_assert(!kith_address_same_ip(&d, &e));
    kith_address any4 = parse("0.0.0.0"), any6 = parse("::");
    ck_assert(!kith_address_equal(&any4, &any6));
    kith_path p = {.local = a, .remote = b}, q = p, r = p;
    q.protocol = KITH_TCP;
    r.remote = c;
    ck_assert(kith_path_equal(&p, &p));
    ck_assert(!kith_path_equal(&p, &q));
    ck_assert(!kith_path_equal(&p, &r));
}
END_TEST

enum kind { ANY = 1, LOOPBACK = 2, LINK_LOCAL = 4, MULTICAST = 8, DEPRECATED = 16, PRIVATE = 32 };

START_TEST(the_kind_of_an_address_is_known)
{
    static const struct {
        const char *text;
        int kinds;
    } rows[] = {
        {"192.0.2.1", 0},
        {"10.0.0.1", PRIVATE},
        {"11.0.0.1", 0},
        {"172.15.255.255", 0},
        {"172.16.0.1", PRIVATE},
        {"172.31.255.255", PRIVATE},
        {"172.32.0.1", 0},
        {"192.168.1.1", PRIVATE},
        {"192.169.1.1", 0},
        {"100.63.255.255", 0},
        {"100.64.0.1", PRIVATE},
        {"100.127.255.255", PRIVATE},
        {"100.128.0.1", 0},
        {"a00::1", 0},
        {"fbff::1", 0},
        {"fc00::1", PRIVATE},
        {"0.0.0.0", ANY},
        {"127.0.0.1", LOOPBACK},
        {"127.255.255.254", LOOPBACK},
        {"128.0.0.1", 0},
        {"169.254.1.1", LINK_LOCAL},
        {"169.253.1.1", 0},
        {"224.0.0.251", MULTICAST},
        {"239.255.255.255", MULTICAST},
        {"240.0.0.1", 0},
        {"255.255.255.255", MULTICAST},
        {"::", ANY},
        {"::1", LOOPBACK},
        {"::2", DEPRECATED},
        {"::192.0.2.1", DEPRECATED},
        {"::ffff:192.0.2.1", DEPRECATED},
        {"::ffff:127.0.0.1", DEPRECATED | LOOPBACK},
        {"fe80::1", LINK_LOCAL},
        {"febf::1", LINK_LOCAL},
        {"fec0::1", DEPRECATED},
        {"feff::1", DEPRECATED},
        {"fd00::1", PRIVATE},
        {"ff02::fb", MULTICAST},
        {"2001:db8::1", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kith_address a = parse(rows[i].text);
        int kinds = (kith_address_is_any(&a) ? ANY : 0) |
                    (kith_address_is_loopback(&a) ? LOOPBACK : 0) |
                    (kith_address_is_link_local(&a) ? LINK_LOCAL : 0) |
                    (kith_address_is_multicast(&a) ? MULTICAST : 0) |
                    (kith_address_is_deprecated(&a) ? DEPRECATED : 0) |
                    (kith_address_is_private(&a) ? PRIVATE : 0);
        ck_assert_msg(kinds == rows[i].kinds, "%s: %d", rows[i].text, kinds);
    }
    kith_address none = {0};
    ck_assert(!kith_address_is_any(&none));
    ck_assert(!kith_address_is_deprecated(&none));
}
END_TEST

UNIT_MAIN("base: address", text_is_read_and_written_back_in_canonical_form,
          a_site_is_an_address_without_its_port_or_a_64_of_ipv6, anything_else_is_refused,
          a_bare_ip_has_neither_port_nor_brackets, every_prefix_is_read_without_a_byte_too_far,
          text_is_cut_at_the_buffers_end, addresses_differ_in_port_ip_scope_or_family,
          the_kind_of_an_address_is_known)
