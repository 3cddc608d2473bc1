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
          a_source_gets_fifty_errors_and_ten_more_a_second)
