/* A report while it is filled: stats.c with what every connection has, media_stats.c with audio and
 * video. */
#ifndef KITH_PC_STATS_H
#define KITH_PC_STATS_H

#include "base/arena.h"
#include "kith/stats.h"
#include "pc/pc.h"

struct kith_stats_report {
    /* what the entries point to; `bad`: there was no memory for all */
    kith_arena arena;
    kith_stats *items;
    size_t count, cap;
    kith_time at;
};

/* Milliseconds of Unix time (DOMHighResTimeStamp); 0 where nothing happened. */
double kith_stats_timestamp(const kith_pc *pc, kith_time at);
/* The next entry, until another is added; NULL: the report has no memory left, which is sticky. */
kith_stats *kith_stats_add(kith_stats_report *report, const kith_pc *pc, kith_stats_type type,
                           const char *id);
/* A copy; NULL of NULL. */
const char *kith_stats_keep(kith_stats_report *report, const char *text);
const char *kith_stats_transport_id(kith_stats_report *report, const kith_transport *t);

/* media_stats.c */
void kith_stats_add_media(kith_stats_report *report, const kith_transport *t);

#endif
