/* `kith turn --metrics`: the counters of its server over HTTP. */
#ifndef KITH_TOOL_TURN_METRICS_H
#define KITH_TOOL_TURN_METRICS_H

#include "tool.h"

struct turn_metrics;

/* Serves http://ADDRESS:PORT/metrics in a thread of its own, so that no packet waits for it, while
 * the loop runs with a handler. NULL after explaining. */
struct turn_metrics *turn_metrics_new(kith_loop *loop, kith_turn_server *server,
                                      const kith_address *listen);
/* One line: where. */
void turn_metrics_print(const struct turn_metrics *metrics);
/* Before the loop. NULL is fine. */
void turn_metrics_free(struct turn_metrics *metrics);

#endif
