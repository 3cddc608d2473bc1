/* Counts by name, and the limit on errors. */
#include "client.h"

static const uint64_t seed[2] = {1, 2};

START_TEST(a_name_has_as_many_as_its_limit_and_is_forgotten_with_the_last)
{
    kith_quota quota;
    kith_quota_entry *first, *second, *other;
    kith_quota_init(&quota, seed);
    ck_assert_int_eq(kith_quota_take(&quota, kith_span_text("a"), 2, &first), KITH_OK);
    ck_assert_int_eq(kith_quota_take(&quota, kith_span_text("a"), 2, &second), KITH_OK);
    ck_assert_int_eq(kith_quota_take(&quota, kith_span_text("a"), 2, &other), KITH_ERR_AGAIN);
    ck_assert_int_eq(kith_quota_take(&quota, kith_span_text("b"), 2, &other), KITH_OK);
    kith_quota_release(&quota, first);
    ck_assert_int_eq(kith_quota_take(&quota, kith_span_text("a"), 2, &first), KITH_OK);
    kith_quota_release(&quota, first);
    kith_quota_release(&quota, second);
    kith_quota_release(&quota, other);
    kith_quota_release(&quota, NULL);
    ck_assert_uint_eq(quota.entries.count, 0);
    kith_quota_deinit(&quota);
}
END_TEST

START_TEST(an_address_counts_without_its_port_and_an_ipv6_one_by_its_64)
{
    uint8_t a[KITH_QUOTA_ADDRESS], b[KITH_QUOTA_ADDRESS];
    static const char *const pairs[][3] = {{"192.0.2.1:1", "192.0.2.1:2", "same"},
                                           {"192.0.2.1:1", "192.0.2.2:1", NULL},
                                           {"[2001:db8::1]:1", "[2001:db8::ffff]:9", "same"},
                                           {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", NULL}};
    for (size_t i = 0; i < 4; i++) {
        kith_address one = address_of(pairs[i][0]), other = address_of(pairs[i][1]);
        ck_assert_int_eq(
            kith_span_equal(kith_quota_address(a, &one), kith_quota_address(b, &other)),
            !!pairs[i][2]);
    }
}
END_TEST

START_TEST(a_source_gets_fifty_errors_and_ten_more_a_second)
{
    kith_error_limit *limit = kith_error_limit_new(seed);
    kith_address source = address_of(CLIENT), other = address_of("198.51.100.8:1");
    kith_time now = 0;
    unsigned count = 0;
    for (int i = 0; i < 1000; i++) {
        source.port++;
        count += kith_error_limit_take(limit, now, &source);
    }
    ck_assert_uint_eq(count, 50);
    ck_assert(kith_error_limit_take(limit, now, &other));
    for (int i = 0; i < 1000; i++)
        count += kith_error_limit_take(limit, now += KITH_MS(10), &source);
    ck_assert_uint_eq(count, 150);
    for (int i = 0; i < 1000; i++)
        count += kith_error_limit_take(limit, now + KITH_SECONDS(3600), &source);
    ck_assert_uint_eq(count, 200);
    kith_error_limit_free(limit);
}
END_TEST

UNIT_MAIN("turn_server: quota", a_name_has_as_many_as_its_limit_and_is_forgotten_with_the_last,
          an_address_counts_without_its_port_and_an_ipv6_one_by_its_64,
          a_source_gets_fifty_errors_and_ten_more_a_second)
