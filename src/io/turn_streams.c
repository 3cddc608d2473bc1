/* Accepts, reads and writes for a TURN server. Whatever the sockets take is theirs, and no more
 * than 32 KiB of it unsent: what is left waits in the server, which drops the oldest of it. */
#include "io/turn_streams.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/io.h"
#include "io/sockaddr.h"

/* In one turn; epoll tells of the rest again. */
#define ACCEPTED_PER_TURN 64
/* Until it is tried again when the system has no descriptor or memory left. */
#define ACCEPT_PAUSE KITH_SECONDS(1)
/* As others have it. */
#define BACKLOG 512
/* What is not sent yet in the kernel: more would be old before it leaves. */
#define UNSENT 32768
/* Of one client in a turn: a stranger has many. */
#define READ_BYTES 16384

typedef struct listener {
    kith_watch watch;
    kith_list_node in_listeners;
    kith_address local;
    bool uses_tls;
} listener;

typedef struct connection {
    kith_watch watch;
    kith_map_node in_connections;
    kith_path path;
} connection;

static kith_turn_streams *streams_of(kith_loop *loop)
{
    return kith_turn_driver_streams(loop);
}

static kith_turn_server *server_of(kith_loop *loop)
{
    return kith_turn_driver_server(loop);
}

/* ---- connections ---- */

static void forget(kith_turn_streams *streams, connection *c)
{
    kith_map_remove(&streams->connections, &c->in_connections);
    close(c->watch.fd); /* leaves epoll by that */
    kith_free(c);
}

static void lose(kith_loop *loop, connection *c)
{
    kith_turn_server_handle_closed(server_of(loop), loop->now, &c->path);
    forget(streams_of(loop), c);
}

static void ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    connection *c = KITH_OWNER(watch, connection, watch);
    if (events & EPOLLOUT) {
        kith_wait_watch_writable(loop, watch, false);
        kith_turn_server_handle_writable(server_of(loop), &c->path);
    }
    if (!(events & ~(uint32_t)EPOLLOUT))
        return;
    ssize_t got = recv(watch->fd, loop->received, READ_BYTES, 0);
    if (got > 0) {
        kith_turn_server_handle_stream(server_of(loop), loop->now, &c->path, loop->received,
                                       (size_t)got);
        kith_turn_driver_collect(loop);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        lose(loop, c);
    }
}

/* Without them it is slower, no more. */
static void set_options(int fd)
{
    const int on = 1, unsent = UNSENT;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

static void add(kith_loop *loop, int fd, const kith_path *path, bool uses_tls)
{
    kith_turn_streams *streams = streams_of(loop);
    /* The client may have reset the old one and come again from its port before we looked. */
    bool is_known = kith_map_find(&streams->connections, kith_span_of(path, sizeof *path));
    connection *c = is_known ? NULL : kith_alloc_zero(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->watch = (kith_watch){.ready = ready, .fd = fd};
    c->path = *path;
    set_options(fd);
    if (kith_map_add(&streams->connections, &c->in_connections,
                     kith_span_of(&c->path, sizeof c->path)) != KITH_OK ||
        !kith_turn_server_handle_accepted(server_of(loop), loop->now, path, uses_tls))
        forget(streams, c);
    else if (kith_wait_watch(loop, &c->watch) != KITH_OK)
        lose(loop, c);
}

/* ---- listeners ---- */

/* So that a listener that cannot accept does not keep the loop awake. */
static void pause_accepting(kith_loop *loop)
{
    kith_turn_streams *streams = streams_of(loop);
    streams->accept_at = loop->now + ACCEPT_PAUSE;
    KITH_LIST_EACH(&streams->listeners, node)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL,
                        KITH_OWNER(node, listener, in_listeners)->watch.fd, NULL);
}

static void resume_accepting(kith_loop *loop)
{
    kith_turn_streams *streams = streams_of(loop);
    streams->accept_at = KITH_NEVER;
    KITH_LIST_EACH(&streams->listeners, node)
        if (kith_wait_watch(loop, &KITH_OWNER(node, listener, in_listeners)->watch) != KITH_OK)
            streams->accept_at = loop->now + ACCEPT_PAUSE;
}

static void accept_some(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    listener *l = KITH_OWNER(watch, listener, watch);
    (void)events;
    for (int i = 0; i < ACCEPTED_PER_TURN; i++) {
        kith_sockaddr address = {0};
        kith_path path = {.local = l->local, .protocol = KITH_TCP};
        socklen_t len = sizeof address;
        int fd = accept4(watch->fd, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* Others are of a connection that is gone again. */
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(loop);
            return;
        }
        if (kith_sockaddr_to(&path.remote, &address.any))
            add(loop, fd, &path, l->uses_tls);
        else
            close(fd);
    }
}

/* 0 or errno; *local has the port. */
static int listen_at(int fd, kith_address *local)
{
    kith_sockaddr address;
    const int on = 1;
    socklen_t len = kith_sockaddr_from(&address, local);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (local->family == KITH_IPV6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, &address.any, len) != 0 || listen(fd, BACKLOG) != 0)
        return errno;
    len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return errno;
    return kith_sockaddr_to(local, &address.any) ? 0 : EAFNOSUPPORT;
}

static int open_tcp(const kith_address *local)
{
    int family = local->family == KITH_IPV4 ? AF_INET : AF_INET6;
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool kith_turn_streams_may_listen(const kith_address *local)
{
    kith_address address = *local;
    int fd = open_tcp(local);
    if (fd < 0)
        return true; /* then it's not the address that is in the way */
    int error = listen_at(fd, &address);
    close(fd);
    return error != EADDRINUSE;
}

static void close_listener(listener *l)
{
    if (l->watch.fd >= 0)
        close(l->watch.fd);
    kith_list_remove(&l->in_listeners);
    kith_free(l);
}

kith_err kith_turn_streams_listen(kith_loop *loop, kith_address *local, bool uses_tls)
{
    char text[KITH_ADDRESS_TEXT];
    listener *l = kith_alloc_zero(1, sizeof *l);
    if (!l)
        return kith_fail_memory();
    l->local = *local;
    l->uses_tls = uses_tls;
    l->watch.ready = accept_some;
    l->watch.fd = open_tcp(local);
    int error = l->watch.fd < 0 ? errno : listen_at(l->watch.fd, &l->local);
    kith_err err = error == 0 ? kith_wait_watch(loop, &l->watch)
                              : kith_fail_system(error, "cannot listen on TCP %s",
                                                 kith_address_format(local, text, sizeof text));
    if (err != KITH_OK) {
        close_listener(l);
        return err;
    }
    kith_list_append(&streams_of(loop)->listeners, &l->in_listeners);
    *local = l->local;
    return KITH_OK;
}

/* ---- the turn ---- */

static connection *find(kith_turn_streams *streams, const kith_path *path)
{
    kith_map_node *node = kith_map_find(&streams->connections, kith_span_of(path, sizeof *path));
    return node ? KITH_OWNER(node, connection, in_connections) : NULL;
}

static void write_some(kith_loop *loop, connection *c, const void *data, size_t len)
{
    ssize_t sent = send(c->watch.fd, data, len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        lose(loop, c);
        return;
    }
    size_t written = sent > 0 ? (size_t)sent : 0;
    kith_turn_server_handle_written(server_of(loop), &c->path, written);
    if (written < len)
        kith_wait_watch_writable(loop, &c->watch, true);
}

void kith_turn_streams_update(kith_loop *loop)
{
    kith_turn_streams *streams = streams_of(loop);
    kith_path path;
    const void *data;
    size_t len;
    if (streams->accept_at <= loop->now)
        resume_accepting(loop);
    while (kith_turn_server_poll_stream(server_of(loop), &path, &data, &len)) {
        connection *c = find(streams, &path);
        if (len > 0)
            write_some(loop, c, data, len);
        else
            forget(streams, c);
    }
}

/* ---- beginning and end ---- */

void kith_turn_streams_init(kith_turn_streams *streams)
{
    kith_sockets_init_map(&streams->connections);
    kith_list_init(&streams->listeners);
    streams->accept_at = KITH_NEVER;
}

void kith_turn_streams_deinit(kith_turn_streams *streams)
{
    kith_map *map = &streams->connections;
    for (size_t i = 0; map->buckets && i <= map->mask; i++)
        while (map->buckets[i])
            forget(streams, KITH_OWNER(map->buckets[i], connection, in_connections));
    kith_map_deinit(map);
    KITH_LIST_EACH(&streams->listeners, node)
        close_listener(KITH_OWNER(node, listener, in_listeners));
}
