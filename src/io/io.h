/* The inside of a loop: what the files of this room share.
 *
 *   loop.c          making and freeing, the turn: wait, receive, timeouts, requests, send
 *   wait.c          kith_loop_wait and kith_loop_fd: when to sleep, who wakes
 *   watch.c         descriptors and timers of the program's
 *   companions.c    who sees each event, and has events of its own
 *   threads.c       run, start, stop, enter, leave, post
 *   sockets.c       a UDP socket per local address
 *   locals.c        which addresses the endpoint knows, following the interfaces
 *   tcp.c           listeners and connections
 *   listener.c      a TCP socket that accepts
 *   names.c         requests to resolve: DNS by resolver.c, multicast DNS by mdns.c
 *   turn_driver.c   a TURN server beside the endpoint, with sockets of its own
 *   turn_streams.c  ... and those of its TCP clients
 *   nat_driver.c    a probe of the network, likewise; multicast_probe.c is a part of it
 *   udp.c, batch.c  packets in batches
 *   interfaces.c …  what the system says */
#ifndef KITH_IO_IO_H
#define KITH_IO_IO_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "io/batch.h"
#include "io/interfaces.h"
#include "io/mdns.h"
#include "io/mdns_socket.h"
#include "io/nat_driver.h"
#include "io/post.h"
#include "io/resolver.h"
#include "io/tcp.h"
#include "io/turn_driver.h"
#include "io/udp.h"
#include "kith/loop.h"

#define KITH_EXTERNAL_ADDRESSES 16

/* Something that epoll watches: it points here. The program's begin with one (watch.c). */
struct kith_watch {
    void (*ready)(kith_loop *loop, struct kith_watch *watch, uint32_t events);
    int fd;
};

#define KITH_COMPANIONS 16

/* What the program watches. */
typedef struct kith_watches {
    /* of program_watch */
    kith_list all;
    /* regular files, which epoll refuses: ready whenever anybody wants to know */
    kith_list files;
    /* their turn comes after epoll's */
    kith_list ready;
    /* freed, but epoll may just have named them */
    kith_list freed;
    size_t count;
    kith_heap due;
    /* nobody is called any more */
    bool has_ended;
    /* one of them is being called */
    bool is_calling;
} kith_watches;

typedef struct kith_socket {
    kith_watch watch;
    /* key: udp.local */
    kith_map_node in_sockets;
    kith_udp udp;
    /* it was full for too long: nobody waits for it until it takes something */
    bool is_stuck;
} kith_socket;

struct kith_loop {
    /* its bind_addresses are in `locals` */
    kith_loop_config config;
    kith_endpoint *ep;
    /* of this turn */
    kith_time now;

    /* wait.c */
    int epoll_fd, event_fd, timer_fd;
    kith_watch event_watch, timer_watch;
    /* what timer_fd is set to */
    kith_time timer_at;
    /* kith_loop_fd was asked for: epoll_fd tells a foreign loop of all there is to do */
    bool is_embedded;
    /* new work needs event_fd to be noticed */
    atomic_bool asleep;
    /* kith_loop_stop, until it was obeyed */
    atomic_bool stopped;
    /* events in a row without a turn */
    unsigned events_delivered;

    /* threads.c */
    /* kith_loop_run is at work, and `mutex` is held except while asleep */
    atomic_bool running;
    /* `thread` is to be joined */
    bool started;
    pthread_t thread;
    /* recursive: who may use the peers */
    pthread_mutex_t mutex;
    /* held by the next who waits for mutex */
    pthread_mutex_t turnstile;
    kith_posts posts;

    kith_watches watches;

    /* companions.c */
    kith_companion companions[KITH_COMPANIONS];
    size_t companion_count;

    /* sockets.c */
    /* of kith_socket.in_sockets */
    kith_map sockets;
    uint16_t next_port;
    /* it takes no more; epoll tells when it does */
    kith_socket *full;
    /* KITH_NEVER: no batch waits */
    kith_time full_until;

    /* tcp.c */
    kith_tcp tcp;

    /* turn_driver.c; NULL: the loop has no TURN server */
    kith_turn_driver *turn;

    /* nat_driver.c; NULL: the loop has no probe */
    kith_nat_driver *nat;

    /* locals.c */
    /* how the world sees an address of ours: local.family 0: all of that family */
    struct {
        kith_address external, local;
    } externals[KITH_EXTERNAL_ADDRESSES];
    size_t external_count;
    /* with the port where it is shared */
    kith_interface_address locals[KITH_LOCAL_ADDRESSES];
    size_t local_count;
    /* fd -1: addresses are given */
    kith_watch route_watch;
    /* at the interfaces */
    kith_time look_again_at;

    /* names.c */
    /* NULL until needed */
    kith_resolver *resolver;
    kith_mdns mdns;
    kith_mdns_sockets mdns_sockets;
    kith_watch mdns_watch[2];
    bool mdns_open;

    kith_batch batch;
    uint8_t received[KITH_UDP_RECEIVE_BYTES];
};

/* loop.c */
/* One round; sleeps until there is something to do, but not beyond `until`. */
void kith_loop_turn(kith_loop *loop, kith_time until);
/* When there is something to do, unless something else happens before. */
kith_time kith_loop_deadline(kith_loop *loop);

/* wait.c */
KITH_MUST_CHECK kith_err kith_wait_init(kith_loop *loop);
void kith_wait_deinit(kith_loop *loop);
/* SYSTEM. watch->fd and ->ready are set. */
KITH_MUST_CHECK kith_err kith_wait_watch(kith_loop *loop, kith_watch *watch);
/* Asks for EPOLLOUT too, or not. */
void kith_wait_watch_writable(kith_loop *loop, kith_watch *watch, bool writable);
/* Waits in epoll and calls what is ready. */
void kith_wait_sleep(kith_loop *loop, kith_time until);
/* From any thread and from signal handlers. */
void kith_wait_wake(void *loop);
/* The same if it sleeps: there is something new to look at. From any thread. */
void kith_wait_notice(void *loop);
/* As kith_loop_wait, until a time. */
const kith_event *kith_wait_event(kith_loop *loop, kith_time until);

/* watch.c */
void kith_watches_init(kith_watches *watches);
/* Calls what is ready. */
void kith_watches_run(kith_loop *loop);
kith_time kith_watches_deadline(const kith_watches *watches);
/* Calls nobody any more; their memory stays. */
void kith_watches_end(kith_loop *loop);
void kith_watches_deinit(kith_loop *loop);

/* companions.c */
/* The next event of the endpoint, which they see first; of theirs when it has none, or
 * theirs_alone. */
const kith_event *kith_companions_next(kith_loop *loop, bool theirs_alone);

/* threads.c */
void kith_threads_init(kith_loop *loop);
/* Stops and joins the loop's thread. */
void kith_threads_stop(kith_loop *loop);
void kith_threads_deinit(kith_loop *loop);
/* Let others in while the loop sleeps. */
void kith_threads_open(kith_loop *loop);
void kith_threads_shut(kith_loop *loop);

/* sockets.c */
void kith_sockets_init(kith_loop *loop);
void kith_sockets_deinit(kith_loop *loop);
/* A socket on `local`, whose port 0 means any of the configured range. *bound has the port. */
KITH_MUST_CHECK kith_err kith_sockets_open(kith_loop *loop, const kith_address *local,
                                           kith_address *bound);
void kith_sockets_close(kith_loop *loop, const kith_address *bound);
/* Calls fn with the address of each until it fails. */
kith_err kith_sockets_each(kith_loop *loop,
                           kith_err (*fn)(kith_loop *loop, const kith_address *local));
/* As the loop is configured. */
kith_udp_options kith_sockets_options(const kith_loop *loop);
/* A table whose keys are addresses of ours. */
void kith_sockets_init_map(kith_map *map);
/* Sends what the endpoint has, as much as one turn may. */
void kith_sockets_send(kith_loop *loop);

/* locals.c */
/* Gives the endpoint its first addresses. */
KITH_MUST_CHECK kith_err kith_locals_init(kith_loop *loop);
void kith_locals_deinit(kith_loop *loop);
/* Looks at the interfaces again when that is due. */
void kith_locals_update(kith_loop *loop);

/* names.c */
void kith_names_init(kith_loop *loop);
void kith_names_deinit(kith_loop *loop);
/* A request to resolve. */
void kith_names_ask(kith_loop *loop, const kith_request *request);
/* Sends questions, gives the endpoint what was found. */
void kith_names_update(kith_loop *loop);
kith_time kith_names_deadline(const kith_loop *loop);

#endif
