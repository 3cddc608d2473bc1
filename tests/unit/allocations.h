/* An allocator that counts: kith_set_allocator(&counting). */
#ifndef KITH_TESTS_ALLOCATIONS_H
#define KITH_TESTS_ALLOCATIONS_H

#include <stdlib.h>

#include "kith/base.h"

static unsigned allocations;

static void *count_alloc(size_t size, void *user)
{
    (void)user;
    allocations++;
    return malloc(size);
}

static void *count_resize(void *memory, size_t size, void *user)
{
    (void)user;
    allocations++;
    return realloc(memory, size);
}

static void count_release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static const kith_allocator counting = {count_alloc, count_resize, count_release, NULL};

#endif
