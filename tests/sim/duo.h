/* Two whole peers that signal to each other and count what they see: the body of most scenarios. */
#ifndef KITH_TESTS_SIM_DUO_H
#define KITH_TESTS_SIM_DUO_H

#include "base/list.h"
#include "world.h"

enum side { LEFT, RIGHT };

#define DUO_MAX_CHANNELS 32

typedef struct duo_options {
    uint64_t seed;
    link_config link;            /* of both; per side: left_link, right_link */
    const link_config *links[2]; /* instead, when not NULL */
    nat_type nats[2];
    bool with_stun_server;
    kith_time signalling_delay;
    bool no_trickle;             /* descriptions wait for their candidates */
    bool no_channel;             /* connect does not create the channel "x" */
    bool repeats;                /* a call that lacked memory is made once more */
    const kith_dc_init *channel; /* of that channel */
    const kith_pc_config *configs[2];
    /* Changes a description or candidate on its way; may free and replace *text. */
    void (*tamper)(enum side from, char **text);
} duo_options;

typedef struct duo_peer {
    struct duo *duo;
    enum side side;
    host *host;
    kith_pc *pc;
    kith_dc *dc; /* the latest channel that opened here */
    kith_dc *channels[DUO_MAX_CHANNELS];
    size_t channel_count;
    kith_connection_state state;
    kith_ice_gathering_state gathering;
    bool described; /* its local description was sent (no_trickle) */
    unsigned opened, closed, errors, lows, writables, candidates, needed;
    size_t messages, bytes;
    uint64_t digest;      /* of all messages in order */
    uint32_t last_number; /* first four bytes of the last message */
    bool out_of_order;
    kith_time connected_at;
} duo_peer;

typedef struct duo {
    world *world;
    duo_options options;
    duo_peer peers[2];
    kith_list signals; /* that have not arrived yet */
    kith_time began;
    bool failed_call; /* a call failed: the out-of-memory sweep expects it, nobody else */
    bool repeated;    /* the present call is made for the second time */
} duo;

/* Makes the world and both peers; LEFT will offer. False only when out of memory. */
bool duo_init(duo *d, const duo_options *options);
void duo_deinit(duo *d);
/* Another process at `ip` takes the side's place in the signalling and knows nothing of what was.
 * The one before says no farewell; until it is unplugged it goes on. Returns that
 * one's host; NULL: out of memory. */
host *duo_replace(duo *d, enum side side, const char *ip);
/* Creates the channel and offers. */
void duo_offer(duo *d, enum side from);
/* duo_init's, then runs until the channel is open on both sides. Fails the test otherwise. */
void duo_connect(duo *d);
/* Queues `count` messages of `len` bytes, numbered, on the side's channel; those that did not fit
 * (AGAIN) are sent as room appears. */
void duo_send(duo *d, enum side from, size_t count, size_t len);

/* Conditions for world_run. */
bool duo_is_open(void *d);
bool duo_is_connected(void *d);
bool duo_has_failed(void *d); /* either side */
bool duo_is_closed(void *d);  /* both sides' channel */

/* Virtual time since the offer. */
kith_time duo_elapsed(const duo *d);

#endif
