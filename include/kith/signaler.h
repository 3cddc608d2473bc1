/* Signalling in one line: libkith-signal carries what a kith_negotiator says to the other members
 * of a room of `kith serve`, or over standard input and output, and takes what they say.
 *
 *     kith_signaler_open(&signaler, loop, &config);     config.url = "ws://192.0.2.1:8080/attic"
 *     kith_signaler_attach(signaler, pc, NULL);
 *
 * connects pc to whoever is in the room, by perfect negotiation (kith/negotiator.h). Nothing is
 * called back: its news are events of kith_loop_wait (KITH_EV_SIGNALER_…), told when the program
 * has seen what the peers told, so that what it adds to a peer connection on their events is in the
 * answer. A connection that stands is never touched: a server that is lost is tried again after 0.5
 * to 30 s, and what was under way is said once more.
 *
 * Link with -lkith-signal besides -lkith. A signaler belongs to the thread of its loop. */
#ifndef KITH_SIGNALER_H
#define KITH_SIGNALER_H

#include "kith/loop.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_signaler_config {
    size_t size;
    /* ws://HOST[:PORT]/ROOM or wss://…, a room of two; ROOM?many: a room of up to 64. stdio: the
     * lines of standard input and output, for a program behind `kith serve -- PROGRAM`. */
    const char *url;
    /* PEM of who may vouch for a wss server; NULL: whom the system trusts */
    const char *ca_file;
    /* as in kith_negotiator_config */
    bool no_trickle, restart_on_failure;
    /* The first offer is the other side's. */
    bool await_offer;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[5];
} kith_signaler_config;

#ifdef __cplusplus
#define KITH_SIGNALER_CONFIG_INIT KITH_INIT_OF(kith_signaler_config)
#else
#define KITH_SIGNALER_CONFIG_INIT            \
    {                                        \
        .size = sizeof(kith_signaler_config) \
    }
#endif

/* Begins to connect, in the background: the loop does not wait for names or servers. SYNTAX for a
 * URL of another form, NOT_SUPPORTED for another scheme, TYPE for a cfg that does not begin with
 * KITH_SIGNALER_CONFIG_INIT or has no URL, SYSTEM, NO_MEMORY, and what kith_loop_add_companion
 * gives. */
KITH_API KITH_MUST_CHECK kith_err kith_signaler_open(kith_signaler **out, kith_loop *loop,
                                                     const kith_signaler_config *cfg);
/* Takes leave of the room, which may take a third of a second, and lets go of the peer connections,
 * which stay as they are. Before its loop. NULL is fine. */
KITH_API void kith_signaler_free(kith_signaler *s);

/* From now on pc is negotiated with `peer`, of a KITH_EV_SIGNALER_PEER, or, NULL, with whoever is
 * in a room of two. The server's iceServers are added to its own. INVALID_STATE when it is attached
 * already, TYPE without peer in a room of many, NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_signaler_attach(kith_signaler *s, kith_pc *pc,
                                                       const char *peer);
/* No more; before pc is freed. */
KITH_API void kith_signaler_detach(kith_signaler *s, kith_pc *pc);
/* A text of your own, up to 256 KiB: KITH_EV_SIGNALER_TEXT at the other side, or any use that a
 * page makes of it. What is no description or candidate is one. peer NULL: the other one in a room
 * of two. It waits for the server and for the other side: AGAIN when 256 texts or 1 MiB wait.
 * RANGE for a longer one, TYPE without peer in a room of many, SYNTAX for one that a room of many
 * cannot carry: it is not UTF-8. */
KITH_API KITH_MUST_CHECK kith_err kith_signaler_send(kith_signaler *s, const char *peer,
                                                     const char *text, size_t len);
/* What its last KITH_EV_SIGNALER_STATE said, or will say. */
KITH_API kith_signaler_state kith_signaler_get_state(const kith_signaler *s);
/* How many others are in the room, as far as it is known. */
KITH_API size_t kith_signaler_peer_count(const kith_signaler *s);

#ifdef __cplusplus
}
#endif
#endif
