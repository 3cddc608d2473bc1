/* The clock of all loops: what it counts, and from when on a loop's endpoint knows it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "io/clock.h"
#include "kith/kith.h"
#include "pc/pc.h"

static kith_time system_time(clockid_t clock)
{
    struct timespec at;
    ck_assert_int_eq(clock_gettime(clock, &at), 0);
    return KITH_SECONDS(at.tv_sec) + at.tv_nsec / 1000;
}

START_TEST(it_is_the_one_that_goes_on_while_the_machine_sleeps)
{
    kith_time before = system_time(CLOCK_BOOTTIME);
    kith_time now = kith_clock_now();
    ck_assert_int_le(before, now);
    ck_assert_int_le(now, system_time(CLOCK_BOOTTIME));
}
END_TEST

/* In a time namespace whose machine has slept for a day: CLOCK_BOOTTIME is that far ahead. */
static int sleep_of_a_day(void)
{
    static const char offset[] = "boottime 86400 0";
    if (unshare(CLONE_NEWTIME) != 0)
        return 0; /* not allowed here: the test above stands alone */
    int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, offset, sizeof offset - 1) < 0)
        return 0;
    close(fd);
    pid_t child = fork(); /* the namespace is the children's */
    if (child == 0) {
        kith_time asleep = kith_clock_now() - system_time(CLOCK_MONOTONIC);
        _exit(asleep > KITH_SECONDS(80000) ? 0 : 1);
    }
    int status = 1;
    return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : 1;
}

START_TEST(a_day_asleep_is_a_day)
{
    pid_t child = fork();
    if (child == 0)
        _exit(sleep_of_a_day());
    int status = 1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_certificate_made_before_the_first_turn_is_dated_now)
{
    kith_loop *loop;
    kith_pc *pc;
    ck_assert_int_eq(kith_loop_new(&loop, NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    int64_t expires = kith_certificate_expires(pc->certificate) - 30 * 86400;
    int64_t now = system_time(CLOCK_REALTIME) / 1000000;
    ck_assert_int_le(expires, now);
    ck_assert_int_ge(expires, now - 5);
    kith_loop_free(loop);
}
END_TEST

/* A second without a turn: a report is of now all the same. */
START_TEST(a_report_made_between_two_turns_is_dated_now)
{
    kith_loop *loop;
    kith_pc *pc;
    ck_assert_int_eq(kith_loop_new(&loop, NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    while (kith_loop_wait(loop, 0))
        ;
    kith_time end = kith_clock_now() + KITH_MS(300);
    while (kith_clock_now() < end)
        usleep(1000);
    double before = (double)system_time(CLOCK_REALTIME) / 1000;
    kith_stats_report *report;
    ck_assert_int_eq(kith_pc_get_stats(pc, &report), KITH_OK);
    ck_assert_double_ge(kith_stats_report_at(report, 0)->timestamp, before - 100);
    kith_stats_report_free(report);
    kith_loop_free(loop);
}
END_TEST

UNIT_MAIN("runtime: clock", it_is_the_one_that_goes_on_while_the_machine_sleeps,
          a_day_asleep_is_a_day, a_certificate_made_before_the_first_turn_is_dated_now,
          a_report_made_between_two_turns_is_dated_now)
