/* What befalls the network between two peers, as one byte of the input says it. */
#ifndef KITH_TESTS_FUZZ_NETWORK_H
#define KITH_TESTS_FUZZ_NETWORK_H

#include "../sim/duo.h"

/* Of each side a bit: unplugged, deaf (two bits on), losing and reordering a fifth. */
static inline void set_network(duo *d, uint8_t operand)
{
    for (int i = LEFT; i <= RIGHT; i++) {
        host *h = d->peers[i].host;
        h->unplugged = operand >> i & 1;
        h->deaf = operand >> i & 4;
        h->link.loss = operand >> i & 16 ? 0.2 : 0;
        h->link.reorder = operand >> i & 64 ? 0.2 : 0;
    }
}

/* `outage`: the milliseconds in which nothing came through, in all. */
static inline void pass(duo *d, unsigned ms, unsigned *outage)
{
    for (int i = LEFT; i <= RIGHT; i++)
        if (d->peers[i].host->unplugged || d->peers[i].host->deaf)
            *outage += ms;
    world_run(d->world, KITH_MS(ms), NULL, NULL);
}

#endif
