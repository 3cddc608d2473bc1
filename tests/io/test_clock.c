/* The clock of all loops: what it counts, and from when on a loop's endpoint knows it. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "io/clock.h"
#include "kith/kith.h"
#include "pc/pc.h"

/* The clock that was asked last, and whether the system refuses CLOCK_BOOTTIME. */
static clockid_t asked;
static bool is_refused;

int clock_gettime(clockid_t clock, struct timespec *at)
{
    asked = clock;
    if (is_refused && clock == CLOCK_BOOTTIME) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, at);
}

static kith_time system_time(clockid_t clock)
{
    struct timespec at;
    ck_assert_int_eq(clock_gettime(clock, &at), 0);
    return KITH_SECONDS(at.tv_sec) + at.tv_nsec / 1000;
}

/* A machine that has not slept cannot tell the clocks apart by their times. */
START_TEST(it_is_the_one_that_goes_on_while_the_machine_sleeps)
{
    kith_time before = system_time(CLOCK_BOOTTIME);
    asked = CLOCK_REALTIME;
    kith_time now = kith_clock_now();
    ck_assert_int_eq(asked, CLOCK_BOOTTIME);
    ck_assert_int_le(before, now);
    ck_assert_int_le(now, system_time(CLOCK_BOOTTIME));
}
END_TEST

START_TEST(where_there_is_none_the_monotonic_clock_serves)
{
    is_refused = true;
    kith_time before = system_time(CLOCK_MONOTONIC);
    kith_time now = kith_clock_now();
    ck_assert_int_eq(asked, CLOCK_MONOTONIC);
    ck_assert_int_le(before, now);
    is_refused = false;
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
          where_there_is_none_the_monotonic_clock_serves,
          a_certificate_made_before_the_first_turn_is_dated_now,
          a_report_made_between_two_turns_is_dated_now)
