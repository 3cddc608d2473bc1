/* Intrusive hash table over byte keys, with a keyed hash (SipHash-1-3) because remotes choose some
 * of the keys. The owner embeds the node and keeps the key's bytes alive and unchanged while the
 * node is in. */
#ifndef KITH_BASE_MAP_H
#define KITH_BASE_MAP_H

#include "base/span.h"

typedef struct kith_map_node {
    struct kith_map_node *next;
    kith_span key;
    uint64_t hash;
} kith_map_node;

typedef struct kith_map {
    kith_map_node **buckets;
    /* buckets - 1 */
    size_t mask;
    size_t count;
    uint64_t seed[2];
} kith_map;

/* `seed` is 16 bytes nobody outside can guess. No memory is taken before the first add. */
void kith_map_init(kith_map *map, const uint64_t seed[2]);
/* Frees the table, not the nodes' owners. */
void kith_map_deinit(kith_map *map);
/* Adds a node under a key that is not yet in. KITH_ERR_NO_MEMORY only while the table is empty:
 * a table that cannot grow serves on, slower. */
KITH_MUST_CHECK kith_err kith_map_add(kith_map *map, kith_map_node *node, kith_span key);
kith_map_node *kith_map_find(const kith_map *map, kith_span key); /* or NULL */
/* Does nothing for a node that is not in. */
void kith_map_remove(kith_map *map, kith_map_node *node);

#endif
