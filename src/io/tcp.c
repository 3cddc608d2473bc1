/* TCP on epoll. Little waits in the kernel (TCP_NOTSENT_LOWAT): what a connection does not take is
 * kept by who made it, and the newest of it leaves, not the oldest. Of a write that the kernel took
 * in part the rest is kept here, and the endpoint gives no more until it is gone. A connection that
 * is done with stays until its peer has what was sent last. */
#include "io/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/listener.h"
#include "io/sockaddr.h"

#define CONNECT_TIMEOUT KITH_SECONDS(10)
/* So long may the last words take. */
#define PARTING_TIMEOUT KITH_SECONDS(10)
/* What the kernel takes ahead of what it has sent. */
#define NOT_SENT (32 * 1024)
/* Of one connection in a turn; epoll tells of the rest again. */
#define READS_PER_TURN 8
#define READ_BYTES     (16 * 1024)
/* As of one socket of datagrams (sockets.c). */
#define READING_PER_TURN KITH_MS(1)

typedef struct connection {
    kith_watch watch;
    /* in kith_tcp.connections while it is there; key: &path */
    kith_map_node by_path;
    /* in kith_tcp.connecting before, in kith_tcp.parting after */
    kith_list_node in_list;
    kith_path path;
    uint64_t request_id;
    kith_time give_up_at;
    /* what the kernel did not take yet; NULL: nothing */
    uint8_t *rest;
    size_t rest_len;
    /* Has anything been sent? And can nothing be sent any more, while there may be something to
     * read? */
    bool has_spoken, is_broken;
} connection;

#define CONNECTION_OF(node) KITH_OWNER(node, connection, in_list)
#define LISTENER_OF(node)   KITH_OWNER(node, kith_listener, in_list)

static connection *find(kith_loop *loop, const kith_path *path)
{
    kith_map_node *node = kith_map_find(&loop->tcp.connections, kith_span_of(path, sizeof *path));
    return node ? KITH_OWNER(node, connection, by_path) : NULL;
}

/* ---- making and closing ---- */

static void free_connection(kith_tcp *tcp, connection *c)
{
    if (kith_list_has(&c->in_list))
        kith_list_remove(&c->in_list);
    else
        kith_map_remove(&tcp->connections, &c->by_path);
    close(c->watch.fd); /* leaves epoll by that */
    kith_free(c->rest);
    kith_free(c);
}

/* It ended without our doing. */
static void lose(kith_loop *loop, connection *c)
{
    kith_path path = c->path;
    free_connection(&loop->tcp, c);
    kith_endpoint_handle_closed(loop->ep, loop->now, &path);
}

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static void set_options(int fd)
{
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT);
}

/* A bound socket, or -1 and errno. The port is chosen with the remote address in view, so that they
 * do not run out. */
static int open_bound(const kith_address *local)
{
    kith_sockaddr address;
    socklen_t len = kith_sockaddr_from(&address, local);
    int family = local->family == KITH_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if ((family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
        bind(fd, &address.any, len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* ---- bytes in ---- */

static void receive(kith_loop *loop, connection *c)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = c->path;
    kith_time end = kith_clock_now() + READING_PER_TURN;
    for (int reads = 0; reads < READS_PER_TURN && kith_clock_now() < end; reads++) {
        ssize_t len = recv(c->watch.fd, loop->received, READ_BYTES, 0);
        if (len > 0) {
            kith_endpoint_handle_packet(loop->ep, loop->now, &info, loop->received, (size_t)len);
            continue;
        }
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        lose(loop, c);
        return;
    }
}

/* ---- bytes out ---- */

/* So many went; 0 when it is full. -1: it is lost. */
static ssize_t write_some(const connection *c, const uint8_t *data, size_t len)
{
    ssize_t sent = send(c->watch.fd, data, len, MSG_NOSIGNAL);
    return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

/* False: out of memory, and the stream is torn. */
static bool keep_rest(connection *c, kith_span bytes)
{
    uint8_t *rest = kith_alloc(c->rest_len + bytes.len);
    if (!rest)
        return false;
    if (c->rest)
        memcpy(rest, c->rest, c->rest_len);
    memcpy(rest + c->rest_len, bytes.data, bytes.len);
    kith_free(c->rest);
    c->rest = rest;
    c->rest_len += bytes.len;
    return true;
}

/* Whoever has reset it may have said something before, which is here: it is lost when that was
 * read. Any other failure is the end. False: it was that. */
static bool stop_writing(kith_loop *loop, connection *c)
{
    if (errno != EPIPE && errno != ECONNRESET) {
        lose(loop, c);
        return false;
    }
    c->is_broken = true;
    kith_free(c->rest);
    c->rest = NULL;
    c->rest_len = 0;
    kith_endpoint_handle_writable(loop->ep, loop->now, &c->path, false);
    return true;
}

void kith_tcp_send(kith_loop *loop, const kith_batch *batch)
{
    connection *c = find(loop, &batch->info.path);
    kith_span bytes = kith_batch_unsent(batch);
    if (!c || c->is_broken)
        return;
    bool was_full = c->rest;
    c->has_spoken = true;
    ssize_t sent = was_full ? 0 : write_some(c, bytes.data, bytes.len);
    if (sent >= 0 && (size_t)sent == bytes.len)
        return;
    if (sent < 0) {
        (void)stop_writing(loop, c);
        return;
    }
    if (!keep_rest(c, kith_span_of(bytes.data + sent, bytes.len - (size_t)sent))) {
        lose(loop, c);
        return;
    }
    if (was_full)
        return;
    kith_wait_watch_writable(loop, &c->watch, true);
    kith_endpoint_handle_writable(loop->ep, loop->now, &c->path, false);
}

static void drop_sent(connection *c, size_t sent)
{
    c->rest_len -= sent;
    memmove(c->rest, c->rest + sent, c->rest_len);
    if (c->rest_len > 0)
        return;
    kith_free(c->rest);
    c->rest = NULL;
}

/* False: it was lost. */
static bool send_rest(kith_loop *loop, connection *c)
{
    ssize_t sent = write_some(c, c->rest, c->rest_len);
    if (sent < 0)
        return stop_writing(loop, c);
    drop_sent(c, (size_t)sent);
    if (c->rest)
        return true;
    kith_wait_watch_writable(loop, &c->watch, false);
    kith_endpoint_handle_writable(loop->ep, loop->now, &c->path, true);
    return true;
}

static void connection_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    connection *c = KITH_OWNER(watch, connection, watch);
    if (events & EPOLLOUT && c->rest && !send_rest(loop, c))
        return;
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(loop, c);
}

/* From here on it is found by its path. */
static bool enter(kith_loop *loop, connection *c)
{
    /* The peer has reset the old one and come again from the same port before we looked. */
    if (find(loop, &c->path))
        return false;
    c->watch.ready = connection_ready;
    return kith_map_add(&loop->tcp.connections, &c->by_path,
                        kith_span_of(&c->path, sizeof c->path)) == KITH_OK;
}

/* ---- connecting ---- */

static kith_connect_result result_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return KITH_CONNECT_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
        return KITH_CONNECT_UNREACHABLE;
    case ETIMEDOUT:
        return KITH_CONNECT_TIMED_OUT;
    default:
        return KITH_CONNECT_FAILED;
    }
}

static void fail(kith_loop *loop, connection *c, int error)
{
    uint64_t id = c->request_id;
    free_connection(&loop->tcp, c);
    kith_endpoint_handle_connected(loop->ep, loop->now, id, NULL, result_of(error));
}

static bool read_local(connection *c)
{
    kith_sockaddr address;
    socklen_t len = sizeof address;
    return getsockname(c->watch.fd, &address.any, &len) == 0 &&
           kith_sockaddr_to(&c->path.local, &address.any);
}

static void connecting_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    connection *c = KITH_OWNER(watch, connection, watch);
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0 && !(events & EPOLLOUT))
        return;
    if (error != 0 || !read_local(c)) {
        fail(loop, c, error);
        return;
    }
    kith_list_remove(&c->in_list);
    if (!enter(loop, c)) {
        kith_list_append(&loop->tcp.connecting, &c->in_list);
        fail(loop, c, ENOMEM);
        return;
    }
    kith_wait_watch_writable(loop, watch, false);
    kith_endpoint_handle_connected(loop->ep, loop->now, c->request_id, &c->path, KITH_CONNECT_DONE);
}

/* 0 or errno. */
static int begin_list(kith_loop *loop, connection *c, const kith_request *request)
{
    kith_sockaddr remote;
    socklen_t len = kith_sockaddr_from(&remote, &request->remote);
    c->watch.fd = open_bound(&request->local);
    if (c->watch.fd < 0)
        return errno;
    set_options(c->watch.fd);
    if (connect(c->watch.fd, &remote.any, len) != 0 && errno != EINPROGRESS)
        return errno;
    if (kith_wait_watch(loop, &c->watch) != KITH_OK)
        return ENOMEM;
    kith_wait_watch_writable(loop, &c->watch, true);
    return 0;
}

void kith_tcp_connect(kith_loop *loop, const kith_request *request)
{
    connection *c = kith_alloc_zero(1, sizeof *c);
    if (!c) {
        kith_endpoint_handle_connected(loop->ep, loop->now, request->id, NULL, KITH_CONNECT_FAILED);
        return;
    }
    c->watch = (kith_watch){.ready = connecting_ready, .fd = -1};
    c->request_id = request->id;
    c->path = (kith_path){request->local, request->remote, KITH_TCP};
    c->give_up_at = loop->now + CONNECT_TIMEOUT;
    kith_list_append(&loop->tcp.connecting, &c->in_list);
    int error = begin_list(loop, c, request);
    if (error != 0)
        fail(loop, c, error);
}

/* ---- parting ---- */

/* What the peer has sent is not looked at; but it has to be read, or the kernel resets the
 * connection and our last words with it (RFC 1122 section 4.2.2.13). */
static void parting_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    connection *c = KITH_OWNER(watch, connection, watch);
    ssize_t sent = c->rest && events & EPOLLOUT ? write_some(c, c->rest, c->rest_len) : 0;
    if (sent < 0) {
        free_connection(&loop->tcp, c);
        return;
    }
    if (c->rest) {
        drop_sent(c, (size_t)sent);
        if (!c->rest) {
            kith_wait_watch_writable(loop, watch, false);
            (void)shutdown(watch->fd, SHUT_WR);
        }
    }
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        return;
    ssize_t len = recv(watch->fd, loop->received, READ_BYTES, 0);
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
        free_connection(&loop->tcp, c);
}

static void part(kith_loop *loop, connection *c)
{
    if (!c->has_spoken || c->is_broken) {
        free_connection(&loop->tcp, c);
        return;
    }
    kith_map_remove(&loop->tcp.connections, &c->by_path);
    kith_list_append(&loop->tcp.parting, &c->in_list);
    c->watch.ready = parting_ready;
    c->give_up_at = loop->now + PARTING_TIMEOUT;
    if (!c->rest)
        (void)shutdown(c->watch.fd, SHUT_WR);
}

void kith_tcp_disconnect(kith_loop *loop, const kith_request *request)
{
    connection *c = find(loop, &(kith_path){request->local, request->remote, KITH_TCP});
    if (!c)
        return;
    kith_path path = c->path;
    part(loop, c);
    /* It may be another one than the endpoint meant: its peer came again from the same port. */
    kith_endpoint_handle_closed(loop->ep, loop->now, &path);
}

/* ---- accepting ---- */

/* False: there is no memory for it, or nobody wants it. */
static bool take_accepted(kith_loop *loop, int fd, const kith_path *path)
{
    connection *c = kith_alloc_zero(1, sizeof *c);
    if (!c)
        return false;
    c->watch = (kith_watch){.ready = connection_ready, .fd = fd};
    c->path = *path;
    set_options(fd);
    if (!enter(loop, c)) {
        kith_free(c);
        return false;
    }
    if (kith_wait_watch(loop, &c->watch) == KITH_OK &&
        kith_endpoint_handle_accepted(loop->ep, loop->now, &c->path))
        return true;
    kith_map_remove(&loop->tcp.connections, &c->by_path);
    kith_free(c);
    return false;
}

static void accepted(kith_loop *loop, const kith_listener *from, int fd, const kith_path *path)
{
    (void)from;
    if (!take_accepted(loop, fd, path))
        close(fd);
}

kith_err kith_tcp_listen(kith_loop *loop, const kith_address *local)
{
    kith_address bound = *local;
    kith_listener *l = kith_alloc_zero(1, sizeof *l);
    if (!l)
        return kith_fail_memory();
    l->accepted = accepted;
    kith_err err = kith_listener_open(loop, l, &loop->tcp.listeners, &bound);
    if (err != KITH_OK)
        kith_free(l);
    return err;
}

static void close_listener(kith_listener *l)
{
    kith_listener_close(l);
    kith_free(l);
}

void kith_tcp_unlisten(kith_loop *loop, const kith_address *local)
{
    KITH_LIST_EACH(&loop->tcp.listeners, node)
        if (kith_address_equal(&LISTENER_OF(node)->local, local))
            close_listener(LISTENER_OF(node));
}

/* ---- time ---- */

kith_time kith_tcp_deadline(const kith_loop *loop)
{
    kith_time at = kith_listeners_deadline(&loop->tcp.listeners);
    KITH_LIST_EACH(&loop->tcp.connecting, node)
        at = CONNECTION_OF(node)->give_up_at < at ? CONNECTION_OF(node)->give_up_at : at;
    KITH_LIST_EACH(&loop->tcp.parting, node)
        at = CONNECTION_OF(node)->give_up_at < at ? CONNECTION_OF(node)->give_up_at : at;
    return at;
}

void kith_tcp_update(kith_loop *loop)
{
    KITH_LIST_EACH(&loop->tcp.connecting, node)
        if (CONNECTION_OF(node)->give_up_at <= loop->now)
            fail(loop, CONNECTION_OF(node), ETIMEDOUT);
    KITH_LIST_EACH(&loop->tcp.parting, node)
        if (CONNECTION_OF(node)->give_up_at <= loop->now)
            free_connection(&loop->tcp, CONNECTION_OF(node));
    kith_listeners_update(loop, &loop->tcp.listeners);
}

/* ---- beginning and end ---- */

void kith_tcp_init(kith_tcp *tcp)
{
    kith_sockets_init_map(&tcp->connections);
    kith_list_init(&tcp->connecting);
    kith_list_init(&tcp->parting);
    kith_list_init(&tcp->listeners);
}

/* Each leaves the table, whatever becomes of it. */
static connection *first_of(const kith_map *map)
{
    for (size_t i = 0; map->buckets && i <= map->mask; i++)
        if (map->buckets[i])
            return KITH_OWNER(map->buckets[i], connection, by_path);
    return NULL;
}

void kith_tcp_part(kith_loop *loop)
{
    for (connection *c; (c = first_of(&loop->tcp.connections));)
        part(loop, c);
}

void kith_tcp_deinit(kith_tcp *tcp)
{
    KITH_LIST_EACH(&tcp->connecting, node)
        free_connection(tcp, CONNECTION_OF(node));
    KITH_LIST_EACH(&tcp->parting, node)
        free_connection(tcp, CONNECTION_OF(node));
    KITH_LIST_EACH(&tcp->listeners, node)
        close_listener(LISTENER_OF(node));
    for (connection *c; (c = first_of(&tcp->connections));)
        free_connection(tcp, c);
    kith_map_deinit(&tcp->connections);
}
