/* A TURN server of the world (RFC 8656 over UDP, TCP and TLS), written for tests: one user, no
 * quotas, and switches for what servers do to clients. */
#ifndef KITH_TESTS_SIM_TURN_H
#define KITH_TESTS_SIM_TURN_H

#include "tls/stream.h"
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

/* ... of this domain; NULL: it does not say. */
void turn_name_alternate(turn_server *s, const char *domain);

/* It is reached by TCP at port 3478 too; with a context (tls/stream.h), which it frees, by TLS at
 * port 5349. */
void turn_listen(turn_server *s);
void turn_listen_tls(turn_server *s, kith_tls_context *context);
/* What it does on connections, instead of serving them. */
typedef enum turn_oddity {
    TURN_SERVES,
    /* says nothing */
    TURN_IS_SILENT,
    /* what speaks another protocol */
    TURN_SAYS_GARBAGE,
    /* the first half of a message, and no more */
    TURN_SAYS_HALF,
    /* closes when something comes */
    TURN_CLOSES,
} turn_oddity;
void turn_be_odd(turn_server *s, turn_oddity oddity);

typedef struct turn_counts {
    /* connections by TCP or TLS: accepted, at present */
    unsigned connections, connected;
    /* bytes that clients wrote there, inside TLS */
    size_t stream_bytes;
    unsigned allocations, live, challenges, stale, refreshes, permissions, channels;
    unsigned sends, channel_data, relayed, unpermitted, released;
} turn_counts;
turn_counts turn_count(const turn_server *s);

/* world.c: a packet came to the server's host. */
void turn_receive(turn_server *s, const kith_path *path, const uint8_t *data, size_t len);
void turn_free(turn_server *s);

/* tcp.c: of its connections; and what it sends there. */
bool turn_stream_accept(turn_server *s, const kith_path *path);
void turn_stream_receive(turn_server *s, const kith_path *path, const uint8_t *data, size_t len);
void turn_stream_closed(turn_server *s, const kith_path *path);
void turn_stream_send(turn_server *s, const kith_path *path, const uint8_t *data, size_t len);

/* turn_stream.c */
typedef struct turn_streams {
    struct turn_stream *first;
    kith_tls_context *context;
    turn_oddity oddity;
    unsigned accepted, connected;
    size_t bytes;
} turn_streams;
turn_streams *turn_streams_of(turn_server *s);
void turn_streams_deinit(turn_server *s);
/* turn.c: the client is gone, and its allocation with it. */
void turn_client_gone(turn_server *s, const kith_path *path);

#endif
