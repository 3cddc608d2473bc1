/* The log: one line a call, nobody can flood it, and nothing is evaluated for nobody. */
#include "../unit.h"
#include "base/log.h"

#include <string.h>

static struct {
    int lines;
    kith_log_level level;
    char line[1024];
    char first[1024];
} seen;

static void sink(kith_log_level level, const char *line, void *user)
{
    ck_assert_ptr_eq(user, &seen);
    seen.lines++;
    seen.level = level;
    if (seen.first[0] == '\0')
        strncpy(seen.first, line, sizeof seen.first - 1);
    strncpy(seen.line, line, sizeof seen.line - 1);
}

static void listen_at(kith_log_level level)
{
    memset(&seen, 0, sizeof seen);
    kith_set_log_sink(sink, level, &seen);
}

START_TEST(a_line_begins_with_the_peers_name)
{
    listen_at(KITH_LOG_INFO);
    kith_log log;
    kith_log_init(&log, "pc 7");
    KITH_LOG(&log, INFO, "%s is %d", "mtu", 1200);
    ck_assert_str_eq(seen.line, "pc 7: mtu is 1200");
    ck_assert_int_eq(seen.level, KITH_LOG_INFO);
    KITH_LOG(NULL, WARNING, "of nobody");
    ck_assert_str_eq(seen.line, "of nobody");
}
END_TEST

static int evaluated;

static int evaluate(void)
{
    return ++evaluated;
}

START_TEST(nobody_listens_and_nothing_is_evaluated)
{
    listen_at(KITH_LOG_WARNING);
    evaluated = 0;
    KITH_LOG(NULL, INFO, "%d", evaluate());
    ck_assert_int_eq(evaluated, 0);
    ck_assert_int_eq(seen.lines, 0);
    kith_set_log_sink(NULL, KITH_LOG_DEBUG, NULL);
    KITH_LOG(NULL, ERROR, "%d", evaluate());
    kith_log_write(NULL, KITH_LOG_ERROR, "straight");
    ck_assert_int_eq(evaluated, 0);
    ck_assert(!kith_log_wanted(KITH_LOG_ERROR));
}
END_TEST

START_TEST(a_remote_cannot_flood_the_sink)
{
    listen_at(KITH_LOG_DEBUG);
    kith_log log;
    kith_log_init(&log, "pc");
    log.now = KITH_SECONDS(100);
    for (int i = 0; i < 1000; i++)
        KITH_LOG(&log, WARNING, "bad packet");
    ck_assert_int_eq(seen.lines, KITH_LOG_LINES_PER_SECOND);
    KITH_LOG(&log, ERROR, "errors are ours");
    ck_assert_int_eq(seen.lines, KITH_LOG_LINES_PER_SECOND + 1);
    log.now += KITH_MS(999);
    KITH_LOG(&log, DEBUG, "bad packet");
    ck_assert_int_eq(seen.lines, KITH_LOG_LINES_PER_SECOND + 1);
}
END_TEST

START_TEST(the_next_second_tells_what_was_withheld)
{
    listen_at(KITH_LOG_DEBUG);
    kith_log log;
    kith_log_init(&log, "pc");
    for (int i = 0; i < KITH_LOG_LINES_PER_SECOND + 3; i++)
        KITH_LOG(&log, INFO, "bad packet");
    log.now = KITH_SECONDS(1);
    seen.lines = 0;
    seen.first[0] = '\0';
    KITH_LOG(&log, INFO, "next");
    ck_assert_int_eq(seen.lines, 2);
    ck_assert_str_eq(seen.first, "pc: 3 lines withheld");
    ck_assert_str_eq(seen.line, "pc: next");
    log.now = KITH_SECONDS(2);
    KITH_LOG(&log, INFO, "later");
    ck_assert_int_eq(seen.lines, 3);
}
END_TEST

START_TEST(one_line_stays_one_line)
{
    listen_at(KITH_LOG_DEBUG);
    KITH_LOG(NULL, INFO, "label \"%s\"", "a\nb\x1b[2Jc\x7f");
    ck_assert_str_eq(seen.line, "label \"a?b?[2Jc?\"");
}
END_TEST

START_TEST(a_long_line_is_cut)
{
    listen_at(KITH_LOG_DEBUG);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    kith_log log;
    kith_log_init(&log, "a name that is too long for its place");
    KITH_LOG(&log, INFO, "%s", text);
    ck_assert_uint_eq(strlen(seen.line), 511);
}
END_TEST

UNIT_MAIN("base: log", a_line_begins_with_the_peers_name, nobody_listens_and_nothing_is_evaluated,
          a_remote_cannot_flood_the_sink, the_next_second_tells_what_was_withheld,
          one_line_stays_one_line, a_long_line_is_cut)
