/* The runtime: sockets, clock, name resolution and threads around an endpoint, on epoll.
 *
 * Four ways to run it, one code path: kith_loop_wait in your own main; kith_loop_fd polled by
 * another event loop; kith_loop_run or kith_loop_start with a handler; or no loop at all
 * (kith/endpoint.h). Unless said otherwise a loop and its peers belong to one thread at a time. */
#ifndef KITH_LOOP_H
#define KITH_LOOP_H

#include "kith/endpoint.h"
#include "kith/nat.h"
#include "kith/turn_server.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_loop kith_loop;

typedef void (*kith_event_handler)(kith_loop *loop, const kith_event *ev, void *user);

typedef struct kith_loop_config {
    size_t size;
    /* All peers share this UDP port on every address. 0: a socket per peer and address. */
    uint16_t udp_port;
    /* range for sockets per peer, inclusive; 0 and 0: any */
    uint16_t port_begin, port_end;
    /* loopback addresses too */
    bool loopback;
    bool no_ipv6;
    /* Addresses to use instead of the interfaces', as text without port; NULL ends it. NULL:
     * enumerate and follow changes. */
    const char *const *bind_addresses;
    /* Asked for each interface address; false leaves it out. NULL: all that are up. */
    bool (*interface_filter)(const char *name, const kith_address *address, void *user);
    /* for kith_loop_run and _start */
    kith_event_handler on_event;
    /* for both */
    void *user;
    /* Bytes of each socket's kernel buffers; 0: 4 MiB or what the system allows. */
    int receive_buffer, send_buffer;
    /* All peers share this TCP port on every address, for those that connect (RFC 6544); may equal
     * udp_port. 0: no listener; peers of ours connect all the same. */
    uint16_t tcp_port;
    /* The addresses that have an external one are not told themselves: where nobody is behind the
     * same NAT, as in a cloud. */
    bool external_only;
    /* false, or NOT_SUPPORTED: what would be padding belongs to later versions */
    bool reserved[5];
    /* How the world sees addresses to which a NAT gives one of their own (1:1), told beside them:
     * "PUBLIC" for those of its family that reach beyond their link, or "PUBLIC/LOCAL" for one; no
     * ports, which are the same; at most 16, and NULL ends them. NULL: none. */
    const char *const *external_addresses;
    /* Asked for each address that is used: its local preference (RFC 8445 section 5.1.2.1), larger
     * is better; 0: kith's own order. NULL: all of them. */
    uint16_t (*local_preference)(const char *name, const kith_address *address, void *user);
    /* as kith_endpoint_config.tls_roots */
    const char *tls_roots;
} kith_loop_config;

#ifdef __cplusplus
#define KITH_LOOP_CONFIG_INIT KITH_INIT_OF(kith_loop_config)
#else
#define KITH_LOOP_CONFIG_INIT            \
    {                                    \
        .size = sizeof(kith_loop_config) \
    }
#endif

/* cfg NULL: defaults. SYSTEM when the system refuses (a port in use: the message says which). RANGE
 * for ports that are no range, a negative size, too many external addresses, and a bind address
 * that has a port or cannot be one of this machine; SYNTAX for an address that is none, and for
 * tls_roots without a certificate; TYPE for an empty list of addresses and for a cfg that does not
 * begin with KITH_LOOP_CONFIG_INIT. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_new(kith_loop **out, const kith_loop_config *cfg);
/* Stops and joins a started loop; sends the last packets of its peers and frees them. Not from
 * its own handler. NULL is fine. */
KITH_API void kith_loop_free(kith_loop *loop);

/* The endpoint that the loop drives, for kith_pc_new; lives as long as the loop. */
KITH_API kith_endpoint *kith_loop_endpoint(kith_loop *loop);
/* The addresses that its peers use at present, by number from 0; the port is 0 where each peer has
 * a socket of its own. NULL: there are not so many. Borrowed until the next wait. */
KITH_API const kith_address *kith_loop_local(const kith_loop *loop, size_t index);
/* The clock of all loops and endpoints of the process. */
KITH_API kith_time kith_clock_now(void);

/* The next event, working meanwhile; NULL after timeout_ms without one (-1: wait for ever; 0:
 * only what is due now) or after kith_loop_stop. Borrowed until the next call. Not while it runs
 * with a handler. */
KITH_API const kith_event *kith_loop_wait(kith_loop *loop, int timeout_ms);

/* Works without giving an event, for timeout_ms or until kith_loop_stop: for who cannot take more
 * at present, and waits for a watch of his. The events wait, and their peers with them. Not while
 * it runs with a handler. */
KITH_API void kith_loop_work(kith_loop *loop, int timeout_ms);

/* ---- what the program waits for beside its peers: descriptors and timers ---- */

typedef struct kith_watch kith_watch;

enum {
    KITH_READ = 1,
    KITH_WRITE = 2,
    /* the deadline has come */
    KITH_TIME = 4,
    /* an error or a hang-up (POLLERR, POLLHUP): nobody reads at the other end of a pipe. Who asks
     * for READ or WRITE gets that then, and learns it from the call. */
    KITH_GONE = 8,
};

/* `ready` has what was asked for and has come. Any function may be called, on any watch, but those
 * that wait, run or free the loop. */
typedef void (*kith_watch_fn)(kith_loop *loop, kith_watch *watch, unsigned ready, void *user);

/* Has the loop call fn, between events, when kith_watch_set's wishes come true; at first there are
 * none. fd: borrowed, to be closed after kith_watch_free; a regular file is always ready; -1: a
 * timer alone. One watch a descriptor: INVALID_STATE for another. SYSTEM when the system cannot
 * watch it, TYPE without fn, NO_MEMORY. Call kith_loop_stop in fn to have kith_loop_wait return. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_watch(kith_watch **out, kith_loop *loop, int fd,
                                                  kith_watch_fn fn, void *user);
/* What is waited for from now on: a sum of READ, WRITE and GONE, as long as it lasts, and once a
 * time of kith_clock_now, KITH_NEVER: none. */
KITH_API void kith_watch_set(kith_watch *watch, unsigned interest, kith_time deadline);
/* It is not called again. What is left is freed with the loop. NULL is fine. */
KITH_API void kith_watch_free(kith_watch *watch);

/* What lives on a loop beside its peers and has news of its own, as a kith_signaler. */
typedef struct kith_companion {
    size_t size;
    /* Each event of the peers, before kith_loop_wait gives it. */
    void (*handle_event)(const kith_event *ev, void *user);
    /* Its next event, borrowed until the next call; NULL: none. Asked when the peers have none, so
     * that the program has seen and answered all that they told. */
    const kith_event *(*poll_event)(void *user);
    void *user;
} kith_companion;

#ifdef __cplusplus
#define KITH_COMPANION_INIT KITH_INIT_OF(kith_companion)
#else
#define KITH_COMPANION_INIT            \
    {                                  \
        .size = sizeof(kith_companion) \
    }
#endif

/* Copies the struct. TYPE for one that does not begin with KITH_COMPANION_INIT or lacks a
 * function, RANGE when the loop has 16 of them. To have it asked anew call kith_loop_post, or set a
 * watch. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_add_companion(kith_loop *loop,
                                                          const kith_companion *companion);
/* The one with this user; before the loop is freed. */
KITH_API void kith_loop_remove_companion(kith_loop *loop, const void *user);

/* One file descriptor that becomes readable when kith_loop_wait(loop, 0) has something to do:
 * call that until it gives NULL. -1 when the system has no descriptor left. */
KITH_API int kith_loop_fd(kith_loop *loop);

/* Runs in this thread, giving each event to on_event, until kith_loop_stop. TYPE without on_event,
 * INVALID_STATE when it runs already. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_run(kith_loop *loop);
/* Like kith_loop_run in a thread of its own, and returns at once; SYSTEM when there is none to be
 * had. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_start(kith_loop *loop);
/* Ends run, start's thread (without joining) or the present wait. From any thread, handler or
 * signal handler; one that comes between waits ends the next. */
KITH_API void kith_loop_stop(kith_loop *loop);

/* Runs fn in the loop's thread, between events. Lock-free, from any thread; in the order of
 * posting. NO_MEMORY. What is posted after the loop ended runs in kith_loop_free. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_post(kith_loop *loop,
                                                 void (*fn)(kith_loop *loop, void *arg), void *arg);

/* Opens a UDP socket at `local`, no wildcard, port 0: any that is free for TCP too, for clients of
 * `server`, and drives the server from now on; kith_turn_server_local tells the port. Again for
 * each further address. `external`: as in kith_turn_server_add_local. Its clients reach the
 * endpoint of this loop, also where its addresses are private. The server outlives the loop or is
 * removed from it. SYSTEM when there is no such socket to be had, INVALID_STATE when the loop has
 * another server, and what kith_turn_server_add_local gives. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_add_turn_server(kith_loop *loop,
                                                            kith_turn_server *server,
                                                            const kith_address *local,
                                                            const kith_address *external);
/* Listens for TCP clients of a server that the loop has, at `local`, no wildcard, usually at the
 * port for UDP, or for TLS clients where kith_turn_server_set_certificate gave it a certificate.
 * Port 0 is any, and local->port says which. INVALID_STATE, SYSTEM. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_add_turn_listener(kith_loop *loop,
                                                              kith_turn_server *server,
                                                              kith_address *local, bool uses_tls);
/* Closes the server's sockets: its clients are left alone. Then free it, or do so after the loop.
 * Does nothing for a server that the loop does not have. */
KITH_API void kith_loop_remove_turn_server(kith_loop *loop, kith_turn_server *server);

/* Gives the probe the addresses that the loop's peers use and drives it from now on, beside them:
 * call kith_loop_wait until kith_nat_probe_report says that it is complete. The probe outlives the
 * loop or is removed from it. INVALID_STATE when the loop has one, and what
 * kith_nat_probe_add_local gives. */
KITH_API KITH_MUST_CHECK kith_err kith_loop_add_nat_probe(kith_loop *loop, kith_nat_probe *probe);
/* Closes the probe's sockets. Does nothing for a probe that the loop does not have. */
KITH_API void kith_loop_remove_nat_probe(kith_loop *loop, kith_nat_probe *probe);

/* Lets another thread use the peers of a loop that runs with a handler: between them the loop
 * holds still. Recursive; within the handler it is free. */
KITH_API void kith_loop_enter(kith_loop *loop);
/* Lets the loop go on; once for each kith_loop_enter, in the same thread. */
KITH_API void kith_loop_leave(kith_loop *loop);

#ifdef __cplusplus
}
#endif
#endif
