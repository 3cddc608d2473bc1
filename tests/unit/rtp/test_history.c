/* What left lately, by number. */
#include "../unit.h"
#include "base/block.h"
#include "rtp/history.h"

typedef struct kit {
    kith_block_pool *pool;
    kith_rtp_kept total;
    kith_rtp_history history;
} kit;

static void begin(kit *k)
{
    *k = (kit){0};
    ck_assert_int_eq(kith_block_pool_new(&k->pool, 64, 10000), KITH_OK);
    kith_rtp_history_init(&k->history, &k->total);
}

static void end(kit *k)
{
    kith_rtp_history_deinit(&k->history);
    ck_assert_uint_eq(k->total.count + k->total.bytes + k->total.wanted, 0);
    kith_block_pool_trim(k->pool, 0);
    ck_assert_uint_eq(kith_block_pool_count(k->pool), 0);
    kith_block_pool_free(k->pool);
}

static void keep(kit *k, kith_time now, int64_t number)
{
    void *block = kith_block_take(k->pool);
    ck_assert_ptr_nonnull(block);
    const kith_rtp_unit unit = {.block = block, .payload = kith_span_of(block, 10)};
    kith_rtp_history_keep(&k->history, now, &unit, number, (uint32_t)number);
    kith_block_unref(block);
}

static bool has(const kit *k, int64_t number)
{
    const kith_rtp_sent *sent = kith_rtp_history_find(&k->history, (uint16_t)number);
    ck_assert(!sent || sent->number == number);
    return sent;
}

START_TEST(what_is_kept_is_found_by_its_number_across_the_wrap)
{
    kit k;
    begin(&k);
    ck_assert(!has(&k, 0));
    for (int64_t n = 65500; n < 65700; n++)
        keep(&k, 0, n);
    ck_assert_uint_eq(k.total.count, 200);
    ck_assert_uint_eq(k.total.bytes, 2000);
    for (int64_t n = 65500; n < 65700; n++)
        ck_assert(has(&k, n));
    ck_assert(!has(&k, 65499) && !has(&k, 65700));
    end(&k);
}
END_TEST

START_TEST(a_gap_is_not_kept_and_what_fills_it_is)
{
    kit k;
    begin(&k);
    keep(&k, 0, 10);
    keep(&k, 0, 13);
    ck_assert(!has(&k, 11) && has(&k, 13));
    keep(&k, 0, 11);
    ck_assert(has(&k, 11));
    /* before all that is kept */
    keep(&k, 0, 9);
    ck_assert(!has(&k, 9));
    ck_assert_uint_eq(k.total.count, 3);
    end(&k);
}
END_TEST

START_TEST(the_old_goes_by_time_and_by_number)
{
    kit k;
    begin(&k);
    for (int64_t n = 0; n < 100; n++)
        keep(&k, n, n);
    kith_rtp_history_forget(&k.history, 40);
    ck_assert(!has(&k, 39) && has(&k, 40));
    for (int64_t n = 100; n < 2 * KITH_RTP_MAX_KEPT; n++)
        keep(&k, n, n);
    ck_assert_uint_eq(k.total.count, KITH_RTP_MAX_KEPT);
    ck_assert(has(&k, KITH_RTP_MAX_KEPT) && !has(&k, KITH_RTP_MAX_KEPT - 1));
    keep(&k, 0, 20 * KITH_RTP_MAX_KEPT);
    ck_assert_uint_eq(k.total.count, 1);
    kith_rtp_history_forget(&k.history, 1);
    ck_assert_uint_eq(k.total.count, 0);
    end(&k);
}
END_TEST

START_TEST(what_is_wanted_comes_in_the_order_of_asking_unless_it_was_forgotten)
{
    kit k;
    begin(&k);
    for (int64_t n = 0; n < 10; n++)
        keep(&k, n, n);
    static const uint16_t wanted[] = {7, 2, 5};
    for (int i = 0; i < 3; i++)
        ck_assert(kith_rtp_history_want(&k.history, kith_rtp_history_find(&k.history, wanted[i])));
    ck_assert_uint_eq(k.total.wanted, 3);
    kith_rtp_history_forget(&k.history, 3);
    ck_assert_int_eq(kith_rtp_history_next(&k.history)->number, 7);
    ck_assert_int_eq(kith_rtp_history_next(&k.history)->number, 5);
    ck_assert_ptr_null(kith_rtp_history_next(&k.history));
    ck_assert_uint_eq(k.total.wanted, 0);
    end(&k);
}
END_TEST

START_TEST(what_is_wanted_is_bounded)
{
    kit k;
    begin(&k);
    for (int64_t n = 0; n < 2000; n++)
        keep(&k, 0, n);
    for (uint16_t n = 0; n < 2000; n++)
        ck_assert_int_eq(kith_rtp_history_want(&k.history, kith_rtp_history_find(&k.history, n)),
                         n < KITH_RTP_MAX_WANTED);
    end(&k);
}
END_TEST

UNIT_MAIN("rtp: history", what_is_kept_is_found_by_its_number_across_the_wrap,
          a_gap_is_not_kept_and_what_fills_it_is, the_old_goes_by_time_and_by_number,
          what_is_wanted_comes_in_the_order_of_asking_unless_it_was_forgotten,
          what_is_wanted_is_bounded)
