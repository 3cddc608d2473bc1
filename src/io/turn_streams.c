/* Accepts, reads and writes for a TURN server. Whatever the sockets take is theirs, and no more
 * than 32 KiB of it unsent: what is left waits in the server, which drops the oldest of it. */
#include "io/turn_streams.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/listener.h"
#include "io/sockaddr.h"

/* What is not sent yet in the kernel: more would be old before it leaves. */
#define UNSENT 32768
/* Of one client in a turn: a stranger has many. */
#define READ_BYTES 16384

typedef struct listener {
    kith_listener tcp;
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

static void accepted(kith_loop *loop, const kith_listener *from, int fd, const kith_path *path)
{
    add(loop, fd, path, KITH_OWNER(from, const listener, tcp)->uses_tls);
}

static void close_listener(listener *l)
{
    kith_listener_close(&l->tcp);
    kith_free(l);
}

kith_err kith_turn_streams_listen(kith_loop *loop, kith_address *local, bool uses_tls)
{
    listener *l = kith_alloc_zero(1, sizeof *l);
    if (!l)
        return kith_fail_memory();
    l->tcp.accepted = accepted;
    l->uses_tls = uses_tls;
    kith_err err = kith_listener_open(loop, &l->tcp, &streams_of(loop)->listeners, local);
    if (err != KITH_OK)
        kith_free(l);
    return err;
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
    kith_listeners_update(loop, &streams->listeners);
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
}

void kith_turn_streams_deinit(kith_turn_streams *streams)
{
    kith_map *map = &streams->connections;
    for (size_t i = 0; map->buckets && i <= map->mask; i++)
        while (map->buckets[i])
            forget(streams, KITH_OWNER(map->buckets[i], connection, in_connections));
    kith_map_deinit(map);
    KITH_LIST_EACH(&streams->listeners, node)
        close_listener(KITH_OWNER(node, listener, tcp.in_list));
}
