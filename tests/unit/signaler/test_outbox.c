/* Texts that wait for a hub, and those that may have to be said once more. */
#include "../unit.h"

#include <string.h>

#include "signaler/outbox.h"

static void add(kith_outbox *box, const char *text)
{
    ck_assert_int_eq(kith_outbox_add(box, text, strlen(text)), KITH_OK);
}

static void expect(kith_outbox *box, const char *text)
{
    const kith_outbox_text *next = kith_outbox_next(box);
    if (!text) {
        ck_assert_ptr_null(next);
        return;
    }
    ck_assert_ptr_nonnull(next);
    ck_assert_uint_eq(next->len, strlen(text));
    ck_assert_mem_eq(next->data, text, next->len);
}

START_TEST(texts_leave_once_and_in_order)
{
    kith_outbox box;
    kith_outbox_init(&box);
    add(&box, "a");
    add(&box, "b");
    expect(&box, "a");
    add(&box, "");
    expect(&box, "b");
    expect(&box, "");
    expect(&box, NULL);
    add(&box, "c");
    expect(&box, "c");
    kith_outbox_deinit(&box);
}
END_TEST

START_TEST(what_a_hub_has_not_taken_is_said_again)
{
    kith_outbox box;
    kith_outbox_init(&box);
    add(&box, "1");
    add(&box, "2");
    add(&box, "3");
    expect(&box, "1");
    expect(&box, "2");
    kith_outbox_rewind(&box, 1);
    expect(&box, "2");
    expect(&box, "3");
    kith_outbox_rewind(&box, 3);
    expect(&box, NULL);
    add(&box, "4");
    kith_outbox_rewind(&box, 3);
    expect(&box, "4");
    kith_outbox_rewind(&box, 100); /* a hub that lies */
    expect(&box, NULL);
    kith_outbox_deinit(&box);
}
END_TEST

START_TEST(a_hub_that_knows_nothing_of_us_gets_what_has_not_left)
{
    kith_outbox box;
    kith_outbox_init(&box);
    add(&box, "1");
    add(&box, "2");
    expect(&box, "1");
    kith_outbox_forget(&box);
    kith_outbox_rewind(&box, 0);
    expect(&box, "2");
    kith_outbox_rewind(&box, 0);
    expect(&box, "2");
    kith_outbox_deinit(&box);
}
END_TEST

START_TEST(texts_and_bytes_that_wait_have_a_limit_those_that_left_make_room)
{
    static char text[1024 * 1024];
    kith_outbox box;
    kith_outbox_init(&box);
    for (int i = 0; i < 256; i++)
        add(&box, "x");
    ck_assert_int_eq(kith_outbox_add(&box, "x", 1), KITH_ERR_AGAIN);
    expect(&box, "x");
    add(&box, "y");
    ck_assert_int_eq(kith_outbox_add(&box, "x", 1), KITH_ERR_AGAIN);
    kith_outbox_deinit(&box);
    kith_outbox_init(&box);
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(kith_outbox_add(&box, text, sizeof text / 4), KITH_OK);
    ck_assert_int_eq(kith_outbox_add(&box, "x", 1), KITH_ERR_AGAIN);
    ck_assert_ptr_nonnull(kith_outbox_next(&box));
    ck_assert_int_eq(kith_outbox_add(&box, text, sizeof text / 4), KITH_OK);
    /* The first is forgotten: a hub that took it, or did not, gets the others. */
    kith_outbox_rewind(&box, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(kith_outbox_next(&box));
    expect(&box, NULL);
    kith_outbox_deinit(&box);
}
END_TEST

UNIT_MAIN("signaler: outbox", texts_leave_once_and_in_order, what_a_hub_has_not_taken_is_said_again,
          a_hub_that_knows_nothing_of_us_gets_what_has_not_left,
          texts_and_bytes_that_wait_have_a_limit_those_that_left_make_room)
