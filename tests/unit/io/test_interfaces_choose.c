/* Which of a machine's addresses become candidates, and in which order. */
#include "../unit.h"

#include <stdio.h>
#include <string.h>

#include "io/interfaces.h"

static kith_interface_address list[KITH_INTERFACE_ADDRESSES];
static size_t count;

/* The last one, for marks. */
static kith_interface_address *add(uint32_t index, const char *text)
{
    kith_interface_address *a = &list[count++];
    *a = (kith_interface_address){.index = index};
    snprintf(a->name, sizeof a->name, "eth%u", index);
    ck_assert_int_eq(kith_address_parse(&a->address, text), KITH_OK);
    return a;
}

static void expect(const kith_interface_rules *rules, const char *expected)
{
    char all[1024] = "", text[KITH_ADDRESS_TEXT];
    count = kith_interfaces_choose(list, count, rules);
    for (size_t i = 0; i < count; i++) {
        strcat(all, i > 0 ? " " : "");
        strcat(all, kith_address_format(&list[i].address, text, sizeof text));
    }
    ck_assert_str_eq(all, expected);
    count = 0;
}

static const kith_interface_rules plain = {0};

START_TEST(what_the_routing_table_prefers_comes_first_and_ipv6_before_ipv4)
{
    add(1, "10.0.0.1");
    add(2, "192.0.2.1")->is_default = true;
    add(1, "2001:db8:1::1");
    add(2, "2001:db8:2::1")->is_default = true;
    expect(&plain, "2001:db8:2::1 192.0.2.1 10.0.0.1 2001:db8:1::1");
}
END_TEST

START_TEST(loopback_comes_only_when_asked_for_and_last)
{
    kith_interface_rules loopback = {.loopback = true};
    add(1, "127.0.0.1");
    add(2, "192.0.2.1");
    expect(&plain, "192.0.2.1");
    add(1, "127.0.0.1");
    add(1, "::1");
    add(2, "192.0.2.1");
    expect(&loopback, "192.0.2.1 127.0.0.1 ::1");
}
END_TEST

START_TEST(link_local_addresses_serve_only_where_there_is_nothing_else)
{
    kith_interface_rules loopback = {.loopback = true};
    add(2, "fe80::1%2");
    add(2, "192.0.2.1");
    expect(&plain, "192.0.2.1");
    add(1, "127.0.0.1");
    add(2, "fe80::1%2");
    add(2, "169.254.1.1");
    expect(&loopback, "fe80::1%2 169.254.1.1 127.0.0.1");
}
END_TEST

START_TEST(a_temporary_address_hides_the_stable_ones_of_its_prefix_and_interface)
{
    add(2, "2001:db8:0:1::1");
    add(2, "2001:db8:0:1:abcd::7")->is_temporary = true;
    add(2, "2001:db8:0:2::1"); /* another prefix */
    add(3, "2001:db8:0:1::2"); /* another interface */
    expect(&plain, "2001:db8:0:1:abcd::7 2001:db8:0:2::1 2001:db8:0:1::2");
}
END_TEST

START_TEST(an_unusable_temporary_address_hides_nothing)
{
    kith_interface_address *old = add(2, "2001:db8::7");
    old->is_temporary = old->is_unusable = true;
    add(2, "2001:db8::1");
    expect(&plain, "2001:db8::1");
}
END_TEST

START_TEST(addresses_that_can_be_no_candidates_are_left_out)
{
    add(2, "0.0.0.0");
    add(2, "224.0.0.1");
    add(2, "::ffff:192.0.2.1"); /* RFC 8445 section 5.1.1.1 */
    add(2, "fec0::1");
    add(2, "192.0.2.9")->is_unusable = true;
    add(2, "192.0.2.1");
    expect(&plain, "192.0.2.1");
}
END_TEST

START_TEST(ipv6_may_be_unwanted)
{
    kith_interface_rules no_ipv6 = {.no_ipv6 = true};
    add(2, "2001:db8::1");
    add(2, "192.0.2.1");
    expect(&no_ipv6, "192.0.2.1");
}
END_TEST

static bool only_eth2(const char *name, const kith_address *address, void *user)
{
    ck_assert_ptr_eq(user, list);
    ck_assert_int_ne(address->family, 0);
    return strcmp(name, "eth2") == 0;
}

START_TEST(the_application_may_filter)
{
    kith_interface_rules filtered = {.filter = only_eth2, .user = list};
    add(1, "10.0.0.1");
    add(2, "192.0.2.1");
    expect(&filtered, "192.0.2.1");
}
END_TEST

START_TEST(no_more_than_64_are_used)
{
    char text[32];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "10.0.%d.1", i);
        add(1, text);
    }
    add(2, "192.0.2.1")->is_default = true;
    count = kith_interfaces_choose(list, count, &plain);
    ck_assert_uint_eq(count, KITH_LOCAL_ADDRESSES);
    ck_assert(list[0].is_default);
    count = 0;
}
END_TEST

UNIT_MAIN("io: interfaces_choose", what_the_routing_table_prefers_comes_first_and_ipv6_before_ipv4,
          loopback_comes_only_when_asked_for_and_last,
          link_local_addresses_serve_only_where_there_is_nothing_else,
          a_temporary_address_hides_the_stable_ones_of_its_prefix_and_interface,
          an_unusable_temporary_address_hides_nothing,
          addresses_that_can_be_no_candidates_are_left_out, ipv6_may_be_unwanted,
          the_application_may_filter, no_more_than_64_are_used)
