/* The two stores. */
#include "kit.h"

START_TEST(a_set_of_ssrcs_has_what_was_added_once_and_not_removed)
{
    kith_srtp_ssrcs set = {0};
    for (uint32_t ssrc = 1; ssrc <= 20; ssrc++)
        ck_assert_int_eq(kith_srtp_ssrcs_add(&set, ssrc, 20), KITH_OK);
    ck_assert_int_eq(kith_srtp_ssrcs_add(&set, 7, 20), KITH_OK);
    ck_assert_int_eq(kith_srtp_ssrcs_add(&set, 21, 20), KITH_ERR_RANGE);
    kith_srtp_ssrcs_remove(&set, 7);
    kith_srtp_ssrcs_remove(&set, 7);
    ck_assert_int_eq(kith_srtp_ssrcs_add(&set, 21, 20), KITH_OK);
    for (uint32_t ssrc = 0; ssrc < 30; ssrc++)
        ck_assert_int_eq(kith_srtp_ssrcs_have(&set, ssrc), ssrc >= 1 && ssrc <= 21 && ssrc != 7);
    kith_srtp_ssrcs_deinit(&set);
    ck_assert(!kith_srtp_ssrcs_have(&set, 1));
}
END_TEST

START_TEST(room_that_was_reserved_is_there_and_the_limit_counts_it)
{
    kith_srtp_ssrcs set = {0};
    ck_assert_int_eq(kith_srtp_ssrcs_reserve(&set, 20, 20), KITH_OK);
    ck_assert_uint_ge(set.cap, 20);
    uint32_t *all = set.all;
    for (uint32_t ssrc = 0; ssrc < 20; ssrc++)
        ck_assert_int_eq(kith_srtp_ssrcs_add(&set, ssrc, 20), KITH_OK);
    ck_assert_ptr_eq(set.all, all);
    ck_assert_int_eq(kith_srtp_ssrcs_reserve(&set, 1, 20), KITH_ERR_RANGE);
    kith_srtp_ssrcs_deinit(&set);
}
END_TEST

START_TEST(the_last_1024_are_remembered)
{
    kith_srtp_remembered store = {0};
    for (uint32_t ssrc = 0; ssrc < 1500; ssrc++) {
        ck_assert(kith_srtp_remembered_reserve(&store));
        kith_srtp_remembered_put(&store, (kith_srtp_reached){.ssrc = ssrc, .rtp_next = ssrc + 5});
    }
    for (uint32_t ssrc = 0; ssrc < 1500; ssrc++) {
        const kith_srtp_reached *found = kith_srtp_remembered_find(&store, ssrc);
        ck_assert_int_eq(!!found, ssrc >= 1500 - KITH_SRTP_REMEMBERED);
        ck_assert(!found || found->rtp_next == ssrc + 5);
    }
    ck_assert_uint_eq(store.cap, KITH_SRTP_REMEMBERED);
    kith_srtp_remembered_deinit(&store);
}
END_TEST

START_TEST(what_is_remembered_of_an_ssrc_is_replaced)
{
    kith_srtp_remembered store = {0};
    ck_assert(kith_srtp_remembered_reserve(&store));
    kith_srtp_remembered_put(&store, (kith_srtp_reached){.ssrc = 1, .rtp_next = 2});
    kith_srtp_remembered_put(&store, (kith_srtp_reached){.ssrc = 1, .rtp_next = 3});
    ck_assert_uint_eq(store.count, 1);
    ck_assert_uint_eq(kith_srtp_remembered_find(&store, 1)->rtp_next, 3);
    kith_srtp_remembered_deinit(&store);
}
END_TEST

UNIT_MAIN("srtp: remember", a_set_of_ssrcs_has_what_was_added_once_and_not_removed,
          room_that_was_reserved_is_there_and_the_limit_counts_it, the_last_1024_are_remembered,
          what_is_remembered_of_an_ssrc_is_replaced)
