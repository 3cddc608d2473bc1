/* RFC 6052's own examples, there and back. */
#include "../unit.h"
#include "base/address.h"
#include "base/nat64.h"

static kith_address parse(const char *text)
{
    kith_address address;
    ck_assert_msg(kith_address_parse(&address, text) == KITH_OK, "%s", text);
    return address;
}

/* Section 2.4, table 2, and 192.0.0.170 behind the same prefixes. */
START_TEST(every_length_of_prefix_is_that_of_rfc_6052)
{
    static const struct {
        const char *of_name, *of_example;
        unsigned bits;
    } rows[] = {{"2001:db8:c000:aa::", "[2001:db8:c000:221::]:5000", 32},
                {"2001:db8:1c0:0:aa::", "[2001:db8:1c0:2:21::]:5000", 40},
                {"2001:db8:122:c000:0:aa00::", "[2001:db8:122:c000:2:2100::]:5000", 48},
                {"2001:db8:122:3c0:0:aa::", "[2001:db8:122:3c0:0:221::]:5000", 56},
                {"2001:db8:122:344:c0:0:aa00::", "[2001:db8:122:344:c0:2:2100::]:5000", 64},
                {"2001:db8:122:344::c000:aa", "[2001:db8:122:344::c000:221]:5000", 96},
                {"64:ff9b::c000:ab", "[64:ff9b::c000:221]:5000", 96}};
    kith_address ipv4 = parse("192.0.2.33:5000");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kith_nat64 nat64;
        kith_address name = parse(rows[i].of_name), expected = parse(rows[i].of_example);
        ck_assert_msg(kith_nat64_find(&nat64, &name), "%s", rows[i].of_name);
        ck_assert_uint_eq(nat64.bits, rows[i].bits);
        kith_address got = kith_nat64_to_ipv6(&nat64, &ipv4);
        ck_assert_msg(kith_address_equal(&got, &expected), "%s", rows[i].of_name);
    }
}
END_TEST

START_TEST(what_is_not_of_the_name_has_no_prefix)
{
    static const char *const wrong[] = {"192.0.0.170", "2001:db8::1", "64:ff9b::c000:ac", "::"};
    kith_nat64 nat64;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        kith_address address = parse(wrong[i]);
        ck_assert_msg(!kith_nat64_find(&nat64, &address), "%s", wrong[i]);
    }
}
END_TEST

/* RFC 6052 section 3.1; a prefix of the network's own has all that the network has. */
START_TEST(the_well_known_prefix_has_nothing_that_is_private)
{
    static const char *const here[] = {"10.1.2.3:9",   "172.31.0.1:9", "192.168.1.1:9",
                                       "100.64.1.1:9", "127.0.0.1:9",  "169.254.1.1:9"};
    static const char *const public[] = {"192.0.2.33:9", "172.32.0.1:9", "100.128.0.1:9"};
    kith_nat64 known, own;
    kith_address of_known = parse("64:ff9b::c000:aa"), of_own = parse("2001:db8:122:344::c000:aa");
    ck_assert(kith_nat64_find(&known, &of_known) && kith_nat64_find(&own, &of_own));
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        kith_address address = parse(here[i]);
        ck_assert_msg(!kith_nat64_has(&known, &address), "%s", here[i]);
        ck_assert_msg(kith_nat64_has(&own, &address), "%s", here[i]);
    }
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        kith_address address = parse(public[i]);
        ck_assert_msg(kith_nat64_has(&known, &address), "%s", public[i]);
    }
    ck_assert(!kith_nat64_has(&(kith_nat64){0}, &of_known));
}
END_TEST

UNIT_MAIN("base: nat64", every_length_of_prefix_is_that_of_rfc_6052,
          what_is_not_of_the_name_has_no_prefix, the_well_known_prefix_has_nothing_that_is_private)
