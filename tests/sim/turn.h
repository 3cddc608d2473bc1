/* A TURN server of the world (RFC 8656 over UDP), written for tests: one user, no quotas, and
 * switches for what servers do to clients. */
#ifndef KITH_TESTS_SIM_TURN_H
#define KITH_TESTS_SIM_TURN_H

#include "world.h"

#define TURN_USER     "user"
#define TURN_PASSWORD "password"

typedef struct turn_server turn_server;

/* At ip:3478, relaying from the same address. */
turn_server *world_add_turn_server(world *w, const char *ip, kith_time delay);
host *turn_host(turn_server *s);
/* Whom it serves; others get 401. Borrowed. Added: beside the one of before, who is its second. */
void turn_set_user(turn_server *s, const char *user, const char *password);
void turn_add_user(turn_server *s, const char *user, const char *password);
/* A nonce is good for one request that succeeds. */
void turn_expire_nonces(turn_server *s, bool on);
/* It forgets everything, as after a crash. */
void turn_restart(turn_server *s);
/* Every Allocate is answered with this error; 0: none. */
void turn_refuse(turn_server *s, int code, const char *reason);

/* Every Allocate is answered with 300 and this server; NULL: none is. */
void turn_redirect(turn_server *s, const char *to);

typedef struct turn_counts {
    unsigned allocations, live, challenges, stale, refreshes, permissions, channels;
    unsigned sends, channel_data, relayed, unpermitted, released;
} turn_counts;
turn_counts turn_count(const turn_server *s);

/* world.c: a packet came to the server's host. */
void turn_receive(turn_server *s, const kith_path *path, const uint8_t *data, size_t len);
void turn_free(turn_server *s);

#endif
