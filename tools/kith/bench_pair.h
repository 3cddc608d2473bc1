/* Two peers of one process, connected over loopback, on one loop: what every benchmark begins with.
 */
#ifndef KITH_TOOL_BENCH_PAIR_H
#define KITH_TOOL_BENCH_PAIR_H

#include "tool.h"

struct bench_pair;

struct bench_end {
    struct bench_pair *pair;
    kith_pc *pc;
    kith_dc *dc;
    bool open;
    /* bytes of messages */
    uint64_t received;
};

/* ends[0] offers. */
struct bench_pair {
    struct bench_end ends[2];
    bool failed;
};

/* A loop on 127.0.0.1 alone. NULL after explaining. */
kith_loop *bench_loop_new(void);
/* Makes both peers and a channel, to which more may be added before they begin. False after
 * explaining. */
bool bench_pair_make(struct bench_pair *pair, kith_loop *loop);
/* Lets them begin. False after explaining. */
bool bench_pair_negotiate(struct bench_pair *pair);
/* Makes both peers and a channel and lets them begin. False after explaining. */
bool bench_pair_start(struct bench_pair *pair, kith_loop *loop);
/* Handles signalling and opening; true when the event was of that kind. */
bool bench_pair_event(const kith_event *ev);
bool bench_pair_is_open(const struct bench_pair *pair);
/* Runs the loop until the pair is open. False after explaining; at most ten seconds. */
bool bench_pair_connect(struct bench_pair *pair, kith_loop *loop);
void bench_pair_free(struct bench_pair *pair);

/* The end that an event's peer connection is. */
struct bench_end *bench_end_of(const kith_event *ev);

#endif
