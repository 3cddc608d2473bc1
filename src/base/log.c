/* Lines for the process-wide sink. A peer's remote decides how often some of them arise, so a peer
 * has a budget of lines per second; what it withheld is told when the next second begins. Errors
 * are never withheld: they come from our own side, not from the network. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_LEN 512

static struct {
    kith_log_sink sink;
    void *user;
    kith_log_level level;
} process;

void kith_set_log_sink(kith_log_sink sink, kith_log_level level, void *user)
{
    process.sink = sink;
    process.user = user;
    process.level = sink ? level : KITH_LOG_NONE;
}

void kith_log_init(kith_log *log, const char *name)
{
    *log = (kith_log){0};
    snprintf(log->name, sizeof log->name, "%s", name);
}

bool kith_log_wanted(kith_log_level level)
{
    return level <= process.level;
}

/* Remotes choose some of the bytes (labels, reasons): one line stays one line, without controls. */
static void strike_controls(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f)
            *line = '?';
}

static void emit(const kith_log *log, kith_log_level level, const char *format, va_list args)
{
    char line[LINE_MAX_LEN];
    size_t len = 0;
    if (log)
        len = (size_t)snprintf(line, sizeof line, "%s: ", log->name);
    vsnprintf(line + len, sizeof line - len, format, args);
    strike_controls(line);
    process.sink(level, line, process.user);
}

KITH_PRINTF(3, 4)
static void say(const kith_log *log, kith_log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(log, level, format, args);
    va_end(args);
}

/* Counts one line; false when this second's are used up. */
static bool within_budget(kith_log *log)
{
    if (log->now - log->window >= KITH_SECONDS(1) || log->now < log->window) {
        if (log->withheld > 0 && kith_log_wanted(KITH_LOG_WARNING))
            say(log, KITH_LOG_WARNING, "%u lines withheld", log->withheld);
        log->window = log->now;
        log->lines = 0;
        log->withheld = 0;
    }
    if (log->lines < KITH_LOG_LINES_PER_SECOND) {
        log->lines++;
        return true;
    }
    log->withheld++;
    return false;
}

void kith_log_write(kith_log *log, kith_log_level level, const char *format, ...)
{
    if (!process.sink || !kith_log_wanted(level))
        return;
    if (log && level > KITH_LOG_ERROR && !within_budget(log))
        return;
    va_list args;
    va_start(args, format);
    emit(log, level, format, args);
    va_end(args);
}
