/* Chained hash table of nodes that their owners embed. It doubles when it holds as many nodes as
 * buckets; where memory for that is missing the chains grow instead. */
#include "base/map.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/siphash.h"

#define FIRST_BUCKETS 8

void kith_map_init(kith_map *map, const uint64_t seed[2])
{
    *map = (kith_map){.seed = {seed[0], seed[1]}};
}

void kith_map_deinit(kith_map *map)
{
    kith_free(map->buckets);
    *map = (kith_map){0};
}

static void push(kith_map_node **bucket, kith_map_node *node)
{
    node->next = *bucket;
    *bucket = node;
}

/* Moves everything into a table of `size` buckets, a power of two; false when out of memory. */
static bool rebuild(kith_map *map, size_t size)
{
    kith_map_node **fresh = kith_alloc_zero(size, sizeof *fresh);
    if (!fresh)
        return false;
    for (size_t i = 0; map->buckets && i <= map->mask; i++)
        for (kith_map_node *node = map->buckets[i], *next; node; node = next) {
            next = node->next;
            push(&fresh[node->hash & (size - 1)], node);
        }
    kith_free(map->buckets);
    map->buckets = fresh;
    map->mask = size - 1;
    return true;
}

kith_err kith_map_add(kith_map *map, kith_map_node *node, kith_span key)
{
    assert(!kith_map_find(map, key));
    if (!map->buckets && !rebuild(map, FIRST_BUCKETS))
        return kith_fail_memory();
    if (map->count > map->mask && map->mask < SIZE_MAX / 2)
        (void)rebuild(map, 2 * (map->mask + 1));
    node->key = key;
    node->hash = kith_siphash(map->seed, key);
    push(&map->buckets[node->hash & map->mask], node);
    map->count++;
    return KITH_OK;
}

kith_map_node *kith_map_find(const kith_map *map, kith_span key)
{
    if (map->count == 0)
        return NULL;
    uint64_t hash = kith_siphash(map->seed, key);
    kith_map_node *node = map->buckets[hash & map->mask];
    while (node && (node->hash != hash || !kith_span_equal(node->key, key)))
        node = node->next;
    return node;
}

void kith_map_remove(kith_map *map, kith_map_node *node)
{
    if (!map->buckets)
        return;
    for (kith_map_node **at = &map->buckets[node->hash & map->mask]; *at; at = &(*at)->next)
        if (*at == node) {
            *at = node->next;
            node->next = NULL;
            map->count--;
            return;
        }
}
