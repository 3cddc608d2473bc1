/* Failing memory on purpose. oom_sweep runs a scenario again and again, with allocation 1, 2, 3, …
 * failing, until a run asks for no more: once with that allocation alone, once with all after it
 * too. Whatever fails, the scenario must end well, and everything allocated in it must be freed in
 * it. Only kith's own allocations are counted; those of OpenSSL and usrsctp are not.
 *
 *     static void scenario(void *arg) { … }        no assumption that a call succeeds
 *     size_t runs = oom_sweep(scenario, arg);
 *
 * For one run by hand: oom_begin(n, persistent); …; bool failed = oom_end(). */
#ifndef KITH_TESTS_OOM_H
#define KITH_TESTS_OOM_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "kith/base.h"

/* A scenario that still asks for memory after so many runs does not end. */
#define OOM_RUNS_MAX 1000000

static struct {
    atomic_size_t asked;  /* allocations and growths so far */
    atomic_size_t live;   /* allocated and not yet freed */
    atomic_size_t failed; /* how many were refused */
    size_t fail_at;       /* counted from 1; 0: none */
    bool persistent;      /* refuse everything after it too */
    bool spares;          /* for now nothing is refused or counted */
} oom;

static inline bool oom_refuses(void)
{
    if (oom.spares)
        return false;
    size_t nth = atomic_fetch_add(&oom.asked, 1) + 1;
    bool refused = oom.fail_at > 0 && (nth == oom.fail_at || (oom.persistent && nth > oom.fail_at));
    if (refused)
        atomic_fetch_add(&oom.failed, 1);
    return refused;
}

static inline void *oom_alloc(size_t size, void *user)
{
    (void)user;
    void *memory = oom_refuses() ? NULL : malloc(size);
    if (memory)
        atomic_fetch_add(&oom.live, 1);
    return memory;
}

static inline void *oom_resize(void *memory, size_t size, void *user)
{
    (void)user;
    return oom_refuses() ? NULL : realloc(memory, size);
}

static inline void oom_release(void *memory, void *user)
{
    (void)user;
    if (atomic_fetch_sub(&oom.live, 1) == 0) {
        fprintf(stderr, "oom: something is freed that was not allocated in this run\n");
        abort();
    }
    free(memory);
}

/* From here on allocation `fail_at` (counted from 1; 0: none) fails. */
static inline void oom_begin(size_t fail_at, bool persistent)
{
    static const kith_allocator allocator = {
        .alloc = oom_alloc, .resize = oom_resize, .release = oom_release};
    oom.asked = 0;
    oom.live = 0;
    oom.failed = 0;
    oom.fail_at = fail_at;
    oom.persistent = persistent;
    oom.spares = false;
    kith_set_allocator(&allocator);
}

/* The C library's allocator again. Aborts when something is still allocated; tells whether an
 * allocation failed. */
static inline bool oom_end(void)
{
    kith_set_allocator(NULL);
    if (oom.live > 0) {
        fprintf(stderr, "oom: %zu blocks are leaked where allocation %zu of %zu fails%s\n",
                (size_t)oom.live, oom.fail_at, (size_t)oom.asked,
                oom.persistent ? " and all after it" : "");
        abort();
    }
    return oom.failed > 0;
}

/* Gives the number of allocations that were made to fail. */
static inline size_t oom_sweep(void (*scenario)(void *arg), void *arg)
{
    for (size_t nth = 1; nth <= OOM_RUNS_MAX; nth++) {
        bool failed = false;
        for (int persistent = 0; persistent < 2; persistent++) {
            oom_begin(nth, persistent);
            scenario(arg);
            failed |= oom_end();
        }
        if (!failed)
            return nth - 1;
    }
    fprintf(stderr, "oom: the scenario asks for memory without end\n");
    abort();
}

#endif
