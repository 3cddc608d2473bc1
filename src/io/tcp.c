/* TCP on epoll. Little waits in the kernel (TCP_NOTSENT_LOWAT): what a connection does not take is
 * kept by who made it, and the newest of it leaves, not the oldest. Of a write that the kernel took
 * in part the rest is kept here, and the endpoint gives no more until it is gone. */
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
#include "io/io.h"
#include "io/sockaddr.h"

#define CONNECT_TIMEOUT KITH_SECONDS(10)
/* What the kernel takes ahead of what it has sent. */
#define NOT_SENT (32 * 1024)
/* Of one listener or one connection in a turn; epoll tells of the rest again. */
#define ACCEPTED_PER_TURN 64
#define READS_PER_TURN    8
#define READ_BYTES        (16 * 1024)
/* As of one socket of datagrams (sockets.c). */
#define READING_PER_TURN KITH_MS(1)
/* How long a listener rests when the process or the system has no file descriptor left. */
#define REST KITH_SECONDS(1)

typedef struct connection {
    kith_watch watch;
    /* in kith_tcp.connections once it is there; key: &path */
    kith_map_node by_path;
    /* in kith_tcp.connecting before */
    kith_list_node in_connecting;
    kith_path path;
    uint64_t request_id;
    kith_time give_up_at;
    /* what the kernel did not take yet; NULL: nothing */
    uint8_t *rest;
    size_t rest_len;
} connection;

typedef struct listener {
    kith_watch watch;
    kith_list_node in_listeners;
    kith_address address;
    /* not before; KITH_NEVER: it listens */
    kith_time again_at;
} listener;

#define CONNECTING_OF(node) KITH_OWNER(node, connection, in_connecting)
#define LISTENER_OF(node)   KITH_OWNER(node, listener, in_listeners)

static connection *find(kith_loop *loop, const kith_path *path)
{
    kith_map_node *node = kith_map_find(&loop->tcp.connections, kith_span_of(path, sizeof *path));
    return node ? KITH_OWNER(node, connection, by_path) : NULL;
}

/* ---- making and closing ---- */

static void free_connection(kith_tcp *tcp, connection *c)
{
    if (kith_list_has(&c->in_connecting))
        kith_list_remove(&c->in_connecting);
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

/* A bound socket, or -1 and errno. */
static int open_bound(const kith_address *local, int option_level, int option)
{
    kith_sockaddr address;
    socklen_t len = kith_sockaddr_from(&address, local);
    int family = local->family == KITH_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)set_option(fd, option_level, option, 1);
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

void kith_tcp_send(kith_loop *loop, const kith_batch *batch)
{
    connection *c = find(loop, &batch->info.path);
    kith_span bytes = kith_batch_unsent(batch);
    if (!c)
        return;
    bool was_full = c->rest;
    ssize_t sent = was_full ? 0 : write_some(c, bytes.data, bytes.len);
    if (sent >= 0 && (size_t)sent == bytes.len)
        return;
    bool is_kept =
        sent >= 0 && keep_rest(c, kith_span_of(bytes.data + sent, bytes.len - (size_t)sent));
    if (!is_kept) {
        lose(loop, c);
        return;
    }
    if (was_full)
        return;
    kith_wait_watch_writable(loop, &c->watch, true);
    kith_endpoint_handle_writable(loop->ep, loop->now, &c->path, false);
}

/* False: it was lost. */
static bool send_rest(kith_loop *loop, connection *c)
{
    ssize_t sent = write_some(c, c->rest, c->rest_len);
    if (sent < 0) {
        lose(loop, c);
        return false;
    }
    c->rest_len -= (size_t)sent;
    memmove(c->rest, c->rest + sent, c->rest_len);
    if (c->rest_len > 0)
        return true;
    kith_free(c->rest);
    c->rest = NULL;
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
    kith_list_remove(&c->in_connecting);
    if (!enter(loop, c)) {
        kith_list_append(&loop->tcp.connecting, &c->in_connecting);
        fail(loop, c, ENOMEM);
        return;
    }
    kith_wait_watch_writable(loop, watch, false);
    kith_endpoint_handle_connected(loop->ep, loop->now, c->request_id, &c->path, KITH_CONNECT_DONE);
}

/* 0 or errno. */
static int begin_connecting(kith_loop *loop, connection *c, const kith_request *request)
{
    kith_sockaddr remote;
    socklen_t len = kith_sockaddr_from(&remote, &request->remote);
    /* The port is chosen with the remote address in view, so that they do not run out. */
    c->watch.fd = open_bound(&request->local, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
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
    kith_list_append(&loop->tcp.connecting, &c->in_connecting);
    int error = begin_connecting(loop, c, request);
    if (error != 0)
        fail(loop, c, error);
}

void kith_tcp_disconnect(kith_loop *loop, const kith_request *request)
{
    connection *c = find(loop, &(kith_path){request->local, request->remote, KITH_TCP});
    if (!c)
        return;
    if (c->rest)
        (void)write_some(c, c->rest, c->rest_len);
    kith_path path = c->path;
    free_connection(&loop->tcp, c);
    /* It may be another one than the endpoint meant: its peer came again from the same port. */
    kith_endpoint_handle_closed(loop->ep, loop->now, &path);
}

/* ---- accepting ---- */

/* False: there is no memory for it, or nobody wants it. */
static bool take_accepted(kith_loop *loop, const listener *from, int fd,
                          const kith_sockaddr *address)
{
    connection *c = kith_alloc_zero(1, sizeof *c);
    if (!c)
        return false;
    c->watch = (kith_watch){.ready = connection_ready, .fd = fd};
    c->path = (kith_path){.local = from->address, .protocol = KITH_TCP};
    set_options(fd);
    if (!kith_sockaddr_to(&c->path.remote, &address->any) || !enter(loop, c)) {
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

static void set_listening(kith_loop *loop, listener *l, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = &l->watch};
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, l->watch.fd, &event);
    l->again_at = on ? KITH_NEVER : loop->now + REST;
}

static void listener_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    listener *l = KITH_OWNER(watch, listener, watch);
    (void)events;
    for (int i = 0; i < ACCEPTED_PER_TURN; i++) {
        kith_sockaddr address;
        socklen_t len = sizeof address;
        int fd = accept4(watch->fd, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* It would be ready again at once, and for ever. */
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                set_listening(loop, l, false);
            return;
        }
        if (!take_accepted(loop, l, fd, &address))
            close(fd);
    }
}

static void close_listener(listener *l)
{
    kith_list_remove(&l->in_listeners);
    close(l->watch.fd);
    kith_free(l);
}

kith_err kith_tcp_listen(kith_loop *loop, const kith_address *local)
{
    char text[KITH_ADDRESS_TEXT];
    listener *l = kith_alloc_zero(1, sizeof *l);
    if (!l)
        return kith_fail_memory();
    int fd = open_bound(local, SOL_SOCKET, SO_REUSEADDR);
    if (fd < 0 || listen(fd, SOMAXCONN) != 0) {
        kith_err err = kith_fail_system(errno, "cannot listen on TCP %s",
                                        kith_address_format(local, text, sizeof text));
        if (fd >= 0)
            close(fd);
        kith_free(l);
        return err;
    }
    l->watch = (kith_watch){.ready = listener_ready, .fd = fd};
    l->address = *local;
    l->again_at = KITH_NEVER;
    kith_list_append(&loop->tcp.listeners, &l->in_listeners);
    kith_err err = kith_wait_watch(loop, &l->watch);
    if (err != KITH_OK)
        close_listener(l);
    return err;
}

void kith_tcp_unlisten(kith_loop *loop, const kith_address *local)
{
    KITH_LIST_EACH(&loop->tcp.listeners, node)
        if (kith_address_equal(&LISTENER_OF(node)->address, local))
            close_listener(LISTENER_OF(node));
}

/* ---- time ---- */

kith_time kith_tcp_deadline(const kith_loop *loop)
{
    kith_time at = KITH_NEVER;
    KITH_LIST_EACH(&loop->tcp.connecting, node)
        at = CONNECTING_OF(node)->give_up_at < at ? CONNECTING_OF(node)->give_up_at : at;
    KITH_LIST_EACH(&loop->tcp.listeners, node)
        at = LISTENER_OF(node)->again_at < at ? LISTENER_OF(node)->again_at : at;
    return at;
}

void kith_tcp_update(kith_loop *loop)
{
    KITH_LIST_EACH(&loop->tcp.connecting, node)
        if (CONNECTING_OF(node)->give_up_at <= loop->now)
            fail(loop, CONNECTING_OF(node), ETIMEDOUT);
    KITH_LIST_EACH(&loop->tcp.listeners, node)
        if (LISTENER_OF(node)->again_at <= loop->now)
            set_listening(loop, LISTENER_OF(node), true);
}

/* ---- beginning and end ---- */

void kith_tcp_init(kith_tcp *tcp)
{
    kith_sockets_init_map(&tcp->connections);
    kith_list_init(&tcp->connecting);
    kith_list_init(&tcp->listeners);
}

void kith_tcp_deinit(kith_tcp *tcp)
{
    KITH_LIST_EACH(&tcp->connecting, node)
        free_connection(tcp, CONNECTING_OF(node));
    KITH_LIST_EACH(&tcp->listeners, node)
        close_listener(LISTENER_OF(node));
    for (size_t i = 0; tcp->connections.buckets && i <= tcp->connections.mask; i++)
        while (tcp->connections.buckets[i])
            free_connection(tcp, KITH_OWNER(tcp->connections.buckets[i], connection, by_path));
    kith_map_deinit(&tcp->connections);
}
