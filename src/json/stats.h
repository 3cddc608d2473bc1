/* One object of a statistics report. */
#ifndef KITH_JSON_STATS_H
#define KITH_JSON_STATS_H

#include "base/writer.h"
#include "kith/stats.h"

/* {"id":…,"timestamp":…,"type":…, and what is known. */
void kith_stats_write_json(kith_writer *w, const kith_stats *stats);

#endif
