/* Who is in a room. */
#include "../unit.h"

#include <stdio.h>
#include <string.h>

#include "signaler/room.h"

START_TEST(an_epoch_tells_who_comes_again)
{
    kith_room room = {0};
    bool is_new;
    ck_assert_ptr_null(kith_room_find(&room, NULL));
    ck_assert_ptr_nonnull(kith_room_enter(&room, "a", "e1", true, &is_new));
    ck_assert(is_new);
    const kith_room_member *again = kith_room_enter(&room, "b", "e1", false, &is_new);
    ck_assert(!is_new);
    ck_assert_uint_eq(room.present, 1);
    ck_assert_str_eq(again->id, "b");
    ck_assert(!again->polite);
    ck_assert_ptr_null(kith_room_find(&room, "a"));
    ck_assert_ptr_eq(kith_room_find(&room, "b"), again);
    ck_assert_ptr_eq(kith_room_find(&room, NULL), again);
}
END_TEST

START_TEST(who_leaves_is_found_no_more)
{
    kith_room room = {0};
    bool is_new;
    const char *const ids[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(kith_room_enter(&room, ids[i], ids[i], false, &is_new));
    kith_room_leave(&room, kith_room_find(&room, "a"));
    ck_assert_ptr_null(kith_room_find(&room, "a"));
    ck_assert_ptr_nonnull(kith_room_find(&room, "b"));
    ck_assert_ptr_nonnull(kith_room_find(&room, "c"));
    kith_room_leave(&room, kith_room_find(&room, "c"));
    kith_room_leave(&room, kith_room_find(&room, "b"));
    ck_assert_uint_eq(room.present, 0);
    ck_assert_ptr_nonnull(kith_room_enter(&room, "d", "b", false, &is_new));
    ck_assert(!is_new); /* it was there before */
    ck_assert_uint_eq(room.present, 1);
}
END_TEST

START_TEST(a_room_has_a_limit_and_so_have_words)
{
    kith_room room = {0};
    char word[80];
    bool is_new;
    for (int i = 0; i < KITH_ROOM_MEMBERS; i++) {
        snprintf(word, sizeof word, "%d", i);
        ck_assert_ptr_nonnull(kith_room_enter(&room, word, word, false, &is_new));
    }
    ck_assert_ptr_null(kith_room_enter(&room, "x", "x", false, &is_new));
    ck_assert_ptr_nonnull(kith_room_enter(&room, "x", "3", false, &is_new));
    kith_room_leave(&room, kith_room_find(&room, "5"));
    ck_assert_ptr_nonnull(kith_room_enter(&room, "y", "y", false, &is_new)); /* in its place */
    ck_assert(is_new);
    memset(word, 'x', sizeof word);
    word[KITH_ROOM_WORD] = '\0';
    ck_assert_ptr_null(kith_room_enter(&room, word, "3", false, &is_new));
    ck_assert_ptr_null(kith_room_enter(&room, "3", word, false, &is_new));
    word[KITH_ROOM_WORD - 1] = '\0';
    ck_assert_ptr_nonnull(kith_room_enter(&room, word, "3", false, &is_new));
}
END_TEST

UNIT_MAIN("signaler: room", an_epoch_tells_who_comes_again, who_leaves_is_found_no_more,
          a_room_has_a_limit_and_so_have_words)
