/* Quotas by name in a map, and the limit on errors in a table of fixed size. */
#include "turn_server/quota.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/siphash.h"

struct kith_quota_entry {
    kith_map_node in_entries;
    uint32_t count;
    size_t len;
    uint8_t key[];
};

void kith_quota_init(kith_quota *quota, const uint64_t seed[2])
{
    kith_map_init(&quota->entries, seed);
}

void kith_quota_deinit(kith_quota *quota)
{
    assert(quota->entries.count == 0);
    kith_map_deinit(&quota->entries);
}

static kith_err add_entry(kith_quota *quota, kith_span key, kith_quota_entry **out)
{
    kith_quota_entry *entry = kith_alloc(sizeof *entry + key.len);
    if (!entry)
        return kith_fail_memory();
    *entry = (kith_quota_entry){.count = 1, .len = key.len};
    if (key.len > 0)
        memcpy(entry->key, key.data, key.len);
    kith_err err =
        kith_map_add(&quota->entries, &entry->in_entries, kith_span_of(entry->key, key.len));
    if (err != KITH_OK) {
        kith_free(entry);
        return err;
    }
    *out = entry;
    return KITH_OK;
}

kith_err kith_quota_take(kith_quota *quota, kith_span key, uint32_t limit, kith_quota_entry **out)
{
    kith_map_node *node = kith_map_find(&quota->entries, key);
    if (!node)
        return add_entry(quota, key, out);
    kith_quota_entry *entry = KITH_OWNER(node, kith_quota_entry, in_entries);
    if (entry->count >= limit)
        return KITH_ERR_AGAIN;
    entry->count++;
    *out = entry;
    return KITH_OK;
}

void kith_quota_release(kith_quota *quota, kith_quota_entry *entry)
{
    if (!entry || --entry->count > 0)
        return;
    kith_map_remove(&quota->entries, &entry->in_entries);
    kith_free(entry);
}

/* ---- errors ---- */

#define BURST  50
#define REFILL KITH_MS(100)

/* Sources that fall on one place share it: the table does not grow however many are forged. */
#define PLACES 4096

typedef struct place {
    /* what it has left was true then */
    kith_time at;
    int64_t left;
} place;

struct kith_error_limit {
    uint64_t seed[2];
    place places[PLACES];
};

kith_error_limit *kith_error_limit_new(const uint64_t seed[2])
{
    kith_error_limit *limit = kith_alloc_zero(1, sizeof *limit);
    if (!limit)
        return NULL;
    memcpy(limit->seed, seed, sizeof limit->seed);
    for (size_t i = 0; i < PLACES; i++)
        limit->places[i].left = BURST;
    return limit;
}

void kith_error_limit_free(kith_error_limit *limit)
{
    kith_free(limit);
}

bool kith_error_limit_take(kith_error_limit *limit, kith_time now, const kith_address *source)
{
    uint8_t key[KITH_ADDRESS_SITE];
    uint64_t hash = kith_siphash(limit->seed, kith_address_site(key, source));
    place *p = &limit->places[hash % PLACES];
    int64_t more = (now - p->at) / REFILL;
    p->at += more * REFILL;
    p->left = p->left + more < BURST ? p->left + more : BURST;
    if (p->left <= 0)
        return false;
    p->left--;
    return true;
}
