/* Arrays that are walked: both are asked once for each new SSRC, not for each packet. */
#include "srtp/remember.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

/* Room for more elements of `size` bytes in `all`; NULL: no memory, and nothing changed. */
static void *grow(void *all, size_t *cap, size_t size)
{
    size_t wanted = *cap > 0 ? 2 * *cap : 8;
    void *grown = kith_resize(all, wanted * size);
    if (grown)
        *cap = wanted;
    return grown;
}

/* count: it is not in. */
static size_t place_of(const kith_srtp_ssrcs *set, uint32_t ssrc)
{
    size_t i = 0;
    while (i < set->count && set->all[i] != ssrc)
        i++;
    return i;
}

bool kith_srtp_ssrcs_have(const kith_srtp_ssrcs *set, uint32_t ssrc)
{
    return place_of(set, ssrc) < set->count;
}

kith_err kith_srtp_ssrcs_reserve(kith_srtp_ssrcs *set, size_t count, size_t limit)
{
    if (set->count + count > limit)
        return kith_fail(KITH_ERR_RANGE, "no more than %zu SSRCs", limit);
    while (set->cap < set->count + count) {
        uint32_t *grown = grow(set->all, &set->cap, sizeof *grown);
        if (!grown)
            return kith_fail_memory();
        set->all = grown;
    }
    return KITH_OK;
}

kith_err kith_srtp_ssrcs_add(kith_srtp_ssrcs *set, uint32_t ssrc, size_t limit)
{
    if (kith_srtp_ssrcs_have(set, ssrc))
        return KITH_OK;
    kith_err err = kith_srtp_ssrcs_reserve(set, 1, limit);
    if (err != KITH_OK)
        return err;
    set->all[set->count++] = ssrc;
    return KITH_OK;
}

void kith_srtp_ssrcs_remove(kith_srtp_ssrcs *set, uint32_t ssrc)
{
    size_t place = place_of(set, ssrc);
    if (place < set->count)
        set->all[place] = set->all[--set->count];
}

void kith_srtp_ssrcs_deinit(kith_srtp_ssrcs *set)
{
    kith_free(set->all);
    *set = (kith_srtp_ssrcs){0};
}

bool kith_srtp_remembered_reserve(kith_srtp_remembered *store)
{
    if (store->count < store->cap || store->count == KITH_SRTP_REMEMBERED)
        return true;
    kith_srtp_reached *grown = grow(store->all, &store->cap, sizeof *grown);
    if (grown)
        store->all = grown;
    return grown;
}

void kith_srtp_remembered_put(kith_srtp_remembered *store, kith_srtp_reached reached)
{
    for (size_t i = 0; i < store->count; i++) {
        if (store->all[i].ssrc == reached.ssrc) {
            store->all[i] = reached;
            return;
        }
    }
    if (store->count == KITH_SRTP_REMEMBERED) {
        store->all[store->oldest] = reached;
        store->oldest = (store->oldest + 1) % KITH_SRTP_REMEMBERED;
        return;
    }
    assert(store->count < store->cap);
    store->all[store->count++] = reached;
}

const kith_srtp_reached *kith_srtp_remembered_find(const kith_srtp_remembered *store, uint32_t ssrc)
{
    for (size_t i = 0; i < store->count; i++)
        if (store->all[i].ssrc == ssrc)
            return &store->all[i];
    return NULL;
}

void kith_srtp_remembered_deinit(kith_srtp_remembered *store)
{
    kith_free(store->all);
    *store = (kith_srtp_remembered){0};
}
