/* The hash table, also where it cannot grow. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/map.h"

#include <string.h>

#define ITEMS 1000

struct item {
    uint32_t key;
    kith_map_node node;
};

static const uint64_t seed[2] = {11, 22};
static struct item items[ITEMS];

static kith_span key_of(const struct item *item)
{
    return kith_span_of(&item->key, sizeof item->key);
}

static void fill(kith_map *map, size_t count)
{
    memset(items, 0, sizeof items);
    kith_map_init(map, seed);
    for (size_t i = 0; i < count; i++) {
        items[i].key = (uint32_t)i * 65536;
        ck_assert_int_eq(kith_map_add(map, &items[i].node, key_of(&items[i])), KITH_OK);
    }
}

START_TEST(what_is_added_is_found)
{
    kith_map map;
    fill(&map, ITEMS);
    ck_assert_uint_eq(map.count, ITEMS);
    ck_assert_uint_ge(map.mask + 1, ITEMS / 2);
    for (size_t i = 0; i < ITEMS; i++)
        ck_assert_ptr_eq(kith_map_find(&map, key_of(&items[i])), &items[i].node);
    ck_assert_ptr_null(kith_map_find(&map, kith_span_text("nobody")));
    ck_assert_ptr_null(kith_map_find(&map, kith_span_of(&items[0].key, 3)));
    kith_map_deinit(&map);
}
END_TEST

START_TEST(what_is_removed_is_gone_and_the_rest_stays)
{
    kith_map map;
    fill(&map, ITEMS);
    for (size_t i = 0; i < ITEMS; i += 2)
        kith_map_remove(&map, &items[i].node);
    ck_assert_uint_eq(map.count, ITEMS / 2);
    for (size_t i = 0; i < ITEMS; i++)
        ck_assert_ptr_eq(kith_map_find(&map, key_of(&items[i])), i % 2 ? &items[i].node : NULL);
    kith_map_remove(&map, &items[0].node);
    ck_assert_uint_eq(map.count, ITEMS / 2);
    ck_assert_int_eq(kith_map_add(&map, &items[0].node, key_of(&items[0])), KITH_OK);
    ck_assert_ptr_eq(kith_map_find(&map, key_of(&items[0])), &items[0].node);
    kith_map_deinit(&map);
}
END_TEST

START_TEST(an_empty_map_takes_no_memory)
{
    oom_begin(1, true);
    kith_map map;
    struct item stranger = {.key = 1};
    kith_map_init(&map, seed);
    ck_assert_ptr_null(kith_map_find(&map, key_of(&stranger)));
    kith_map_remove(&map, &stranger.node);
    ck_assert_int_eq(kith_map_add(&map, &stranger.node, key_of(&stranger)), KITH_ERR_NO_MEMORY);
    ck_assert_uint_eq(map.count, 0);
    kith_map_deinit(&map);
    ck_assert(oom_end());
}
END_TEST

START_TEST(a_table_that_cannot_grow_serves_on)
{
    oom_begin(2, true);
    kith_map map;
    fill(&map, 100);
    ck_assert_uint_lt(map.mask, 10);
    for (size_t i = 0; i < 100; i++)
        ck_assert_ptr_eq(kith_map_find(&map, key_of(&items[i])), &items[i].node);
    for (size_t i = 0; i < 100; i++)
        kith_map_remove(&map, &items[i].node);
    ck_assert_uint_eq(map.count, 0);
    kith_map_deinit(&map);
    ck_assert(oom_end());
}
END_TEST

UNIT_MAIN("base: map", what_is_added_is_found, what_is_removed_is_gone_and_the_rest_stays,
          an_empty_map_takes_no_memory, a_table_that_cannot_grow_serves_on)
