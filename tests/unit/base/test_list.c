/* The intrusive list, also while its nodes are freed in a loop. */
#include "../unit.h"
#include "base/list.h"

struct item {
    int value;
    kith_list_node node;
};

static int value_of(kith_list_node *node)
{
    return KITH_OWNER(node, struct item, node)->value;
}

/* The values in order as one decimal number. */
static int digits(const kith_list *list)
{
    int number = 0;
    KITH_LIST_EACH(list, node)
        number = 10 * number + value_of(node);
    return number;
}

START_TEST(nodes_keep_their_order)
{
    kith_list list;
    kith_list_init(&list);
    struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    ck_assert(kith_list_empty(&list));
    ck_assert_ptr_null(kith_list_first(&list));
    kith_list_append(&list, &b.node);
    kith_list_append(&list, &c.node);
    kith_list_insert_after(&list.head, &a.node);
    ck_assert_int_eq(digits(&list), 123);
    ck_assert(!kith_list_empty(&list));
    ck_assert_ptr_eq(kith_list_first(&list), &a.node);
    ck_assert_ptr_eq(kith_list_next(&list, &a.node), &b.node);
    ck_assert_ptr_null(kith_list_next(&list, &c.node));
}
END_TEST

START_TEST(a_node_knows_whether_it_is_in_a_list)
{
    kith_list list;
    kith_list_init(&list);
    struct item a = {.value = 1};
    ck_assert(!kith_list_has(&a.node));
    kith_list_remove(&a.node);
    kith_list_append(&list, &a.node);
    ck_assert(kith_list_has(&a.node));
    kith_list_remove(&a.node);
    ck_assert(!kith_list_has(&a.node));
    ck_assert(kith_list_empty(&list));
    kith_list_remove(&a.node);
}
END_TEST

START_TEST(take_empties_the_list_from_the_front)
{
    kith_list list;
    kith_list_init(&list);
    struct item a = {.value = 1}, b = {.value = 2};
    kith_list_append(&list, &a.node);
    kith_list_append(&list, &b.node);
    ck_assert_ptr_eq(kith_list_take(&list), &a.node);
    ck_assert(!kith_list_has(&a.node));
    ck_assert_ptr_eq(kith_list_take(&list), &b.node);
    ck_assert_ptr_null(kith_list_take(&list));
}
END_TEST

START_TEST(the_current_node_may_be_freed_in_a_loop)
{
    kith_list list;
    kith_list_init(&list);
    for (int i = 1; i <= 5; i++) {
        struct item *item = calloc(1, sizeof *item);
        item->value = i;
        kith_list_append(&list, &item->node);
    }
    KITH_LIST_EACH(&list, node)
        if (value_of(node) % 2) {
            kith_list_remove(node);
            free(KITH_OWNER(node, struct item, node));
        }
    ck_assert_int_eq(digits(&list), 24);
    KITH_LIST_EACH(&list, node) {
        kith_list_remove(node);
        free(KITH_OWNER(node, struct item, node));
    }
    ck_assert(kith_list_empty(&list));
}
END_TEST

UNIT_MAIN("base: list", nodes_keep_their_order, a_node_knows_whether_it_is_in_a_list,
          take_empties_the_list_from_the_front, the_current_node_may_be_freed_in_a_loop)
