/* One line per call to the process-wide sink, limited per peer so that no remote can flood it. */
#ifndef KITH_BASE_LOG_H
#define KITH_BASE_LOG_H

#include "kith/base.h"

/* One per peer; its owner stamps `now` whenever it is called with the time. Engines borrow it. */
typedef struct kith_log {
    /* stands at the head of each line: "pc 7" */
    char name[16];
    /* the time of the line */
    kith_time now;
    /* the second that is being counted */
    kith_time window;
    /* lines in that second */
    uint32_t lines;
    /* lines dropped in it; told when the next second begins */
    uint32_t withheld;
} kith_log;

/* Lines a peer may log in a second, warnings and below. */
#define KITH_LOG_LINES_PER_SECOND 50

void kith_log_init(kith_log *log, const char *name);
bool kith_log_wanted(kith_log_level level);
/* log NULL: a line of no peer, not limited. */
void kith_log_write(kith_log *log, kith_log_level level, const char *format, ...) KITH_PRINTF(3, 4);

/* The arguments are evaluated only if somebody listens. */
#define KITH_LOG(log, level, ...)                               \
    do {                                                        \
        if (kith_log_wanted(KITH_LOG_##level))                  \
            kith_log_write(log, KITH_LOG_##level, __VA_ARGS__); \
    } while (0)

#endif
