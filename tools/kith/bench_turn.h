/* What a TURN server costs: kith's, and coturn's beside it. */
#ifndef KITH_TOOLS_BENCH_TURN_H
#define KITH_TOOLS_BENCH_TURN_H

#include "tool.h"

enum bench_turn_server { BENCH_TURN_KITH, BENCH_TURN_COTURN };

struct bench_turn_cost {
    /* relayed while it lasted, one batch after the other */
    double per_second;
    /* of the server's processor time, for a packet relayed */
    double cpu_us;
    /* of those that were sent, from 0 to 1 */
    double lost;
};

/* Is coturn installed? */
bool bench_turn_has_coturn(void);
/* Packets of 1200 bytes from a client to its peer over a channel, `batch` at a time. False: it said
 * why not. */
bool bench_turn_measure(enum bench_turn_server server, size_t batch, kith_time duration,
                        struct bench_turn_cost *cost);

#endif
