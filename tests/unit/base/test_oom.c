/* The allocator that fails on purpose must itself be trusted: it fails each allocation once, in
 * order, and a leak or a stray free ends the program. */
#include "../unit.h"
#include "../../oom/oom.h"
#include "base/memory.h"

#include <sys/wait.h>
#include <unistd.h>

static int refused[4]; /* how often step n was refused */

static void three_steps(void *arg)
{
    (void)arg;
    void *a = kith_alloc(1);
    refused[1] += !a;
    void *b = a ? kith_resize(a, 1000) : NULL;
    refused[2] += a && !b;
    void *c = b ? kith_strdup("c") : NULL;
    refused[3] += b && !c;
    kith_free(c);
    kith_free(b ? b : a);
}

START_TEST(every_allocation_fails_alone_and_with_all_after_it)
{
    ck_assert_uint_eq(oom_sweep(three_steps, NULL), 3);
    for (int step = 1; step <= 3; step++)
        ck_assert_int_eq(refused[step], 2);
}
END_TEST

/* How a child that does `what` between begin and end is ended. */
static bool is_aborted(void (*what)(void *stray))
{
    void *stray = kith_alloc(1);
    pid_t pid = fork();
    if (pid == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        oom_begin(0, false);
        what(stray);
        oom_end();
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    kith_free(stray);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void leak(void *stray)
{
    (void)stray;
    (void)!kith_alloc(1);
}

static void free_stray(void *stray)
{
    kith_free(stray);
}

static void keep_clean(void *stray)
{
    (void)stray;
    kith_free(kith_alloc(1));
}

START_TEST(a_leak_or_a_stray_free_ends_the_program)
{
    ck_assert(is_aborted(leak));
    ck_assert(is_aborted(free_stray));
    ck_assert(!is_aborted(keep_clean));
}
END_TEST

UNIT_MAIN("oom", every_allocation_fails_alone_and_with_all_after_it,
          a_leak_or_a_stray_free_ends_the_program)
