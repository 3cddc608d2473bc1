/* Listens and accepts, and rests when the process or the system has no file descriptor left: epoll
 * would tell of the connection that waits at once again, and for ever. */
#include "io/listener.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "io/sockaddr.h"

/* In a turn; epoll tells of the rest again. */
#define ACCEPTED_PER_TURN 64
#define REST              KITH_SECONDS(1)

#define LISTENER_OF(node) KITH_OWNER(node, kith_listener, in_list)

static void set_listening(kith_loop *loop, kith_listener *l, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = &l->watch};
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, l->watch.fd, &event);
    l->again_at = on ? KITH_NEVER : loop->now + REST;
}

static void ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    kith_listener *l = KITH_OWNER(watch, kith_listener, watch);
    (void)events;
    for (int i = 0; i < ACCEPTED_PER_TURN; i++) {
        kith_sockaddr address = {0};
        kith_path path = {.local = l->local, .protocol = KITH_TCP};
        socklen_t len = sizeof address;
        int fd = accept4(watch->fd, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* Others are of a connection that is gone again. */
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                set_listening(loop, l, false);
            return;
        }
        if (kith_sockaddr_to(&path.remote, &address.any))
            l->accepted(loop, l, fd, &path);
        else
            close(fd);
    }
}

static int open_tcp(const kith_address *local)
{
    int family = local->family == KITH_IPV4 ? AF_INET : AF_INET6;
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
        bind(fd, &address.any, len) != 0 || listen(fd, SOMAXCONN) != 0)
        return errno;
    len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return errno;
    return kith_sockaddr_to(local, &address.any) ? 0 : EAFNOSUPPORT;
}

bool kith_listener_may_open(const kith_address *local)
{
    kith_address address = *local;
    int fd = open_tcp(local);
    if (fd < 0)
        return true; /* then it's not the address that is in the way */
    int error = listen_at(fd, &address);
    close(fd);
    return error != EADDRINUSE;
}

kith_err kith_listener_open(kith_loop *loop, kith_listener *l, kith_list *list, kith_address *local)
{
    char text[KITH_ADDRESS_TEXT];
    l->watch = (kith_watch){.ready = ready, .fd = open_tcp(local)};
    l->local = *local;
    l->again_at = KITH_NEVER;
    int error = l->watch.fd < 0 ? errno : listen_at(l->watch.fd, &l->local);
    kith_err err = error == 0 ? kith_wait_watch(loop, &l->watch)
                              : kith_fail_system(error, "cannot listen on TCP %s",
                                                 kith_address_format(local, text, sizeof text));
    if (err != KITH_OK) {
        if (l->watch.fd >= 0)
            close(l->watch.fd);
        return err;
    }
    kith_list_append(list, &l->in_list);
    *local = l->local;
    return KITH_OK;
}

void kith_listener_close(kith_listener *l)
{
    kith_list_remove(&l->in_list);
    close(l->watch.fd);
}

void kith_listeners_update(kith_loop *loop, const kith_list *list)
{
    KITH_LIST_EACH(list, node)
        if (LISTENER_OF(node)->again_at <= loop->now)
            set_listening(loop, LISTENER_OF(node), true);
}

kith_time kith_listeners_deadline(const kith_list *list)
{
    kith_time at = KITH_NEVER;
    KITH_LIST_EACH(list, node)
        at = LISTENER_OF(node)->again_at < at ? LISTENER_OF(node)->again_at : at;
    return at;
}
