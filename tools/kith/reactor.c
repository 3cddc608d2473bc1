/* A small epoll reactor for the command-line peer. Regular files, which epoll refuses, are simply
 * always ready. */
#include "reactor.h"

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_SOURCES = 8 };

struct reactor_source {
    reactor *owner;
    int fd;
    unsigned interest;
    bool is_regular_file;
    bool again;
    reactor_callback callback;
    void *user;
};

struct reactor {
    int epoll;
    struct reactor_source sources[MAX_SOURCES];
    int count;
};

reactor *reactor_new(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return NULL;
    reactor *r = tool_alloc(sizeof *r);
    r->epoll = epoll;
    return r;
}

void reactor_free(reactor *r)
{
    if (!r)
        return;
    close(r->epoll);
    free(r);
}

static uint32_t epoll_events(unsigned interest)
{
    return (interest & REACTOR_READ ? (uint32_t)EPOLLIN : 0u) |
           (interest & REACTOR_WRITE ? (uint32_t)EPOLLOUT : 0u);
}

/* A source without interest leaves the epoll set: EPOLLHUP cannot be masked and would spin. */
void reactor_set_interest(reactor_source *source, unsigned interest)
{
    struct epoll_event event = {.events = epoll_events(interest), .data.ptr = source};
    unsigned before = source->interest;
    if (interest == before)
        return;
    source->interest = interest;
    if (source->is_regular_file)
        return;
    int operation = interest == 0 ? EPOLL_CTL_DEL : before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(source->owner->epoll, operation, source->fd, &event) != 0 && errno == EPERM)
        source->is_regular_file = true;
}

reactor_source *reactor_add(reactor *r, int fd, unsigned interest, reactor_callback callback,
                            void *user)
{
    if (r->count == MAX_SOURCES || fd < 0) {
        errno = fd < 0 ? EBADF : ENOSPC;
        return NULL;
    }
    reactor_source *source = &r->sources[r->count++];
    *source = (reactor_source){.owner = r, .fd = fd, .callback = callback, .user = user};
    reactor_set_interest(source, interest);
    return source;
}

static bool is_ready_anyway(const reactor_source *source)
{
    unsigned waits = source->interest & (REACTOR_READ | REACTOR_WRITE);
    return source->interest && (source->again || (waits && source->is_regular_file));
}

void reactor_again(reactor_source *source)
{
    source->again = true;
}

bool reactor_is_busy(const reactor *r)
{
    for (int i = 0; i < r->count; i++)
        if (is_ready_anyway(&r->sources[i]))
            return true;
    return false;
}

void reactor_run_once(reactor *r, bool wait)
{
    struct epoll_event events[MAX_SOURCES];
    int timeout = wait && !reactor_is_busy(r) ? -1 : 0;
    int count = epoll_wait(r->epoll, events, MAX_SOURCES, timeout);
    bool ready[MAX_SOURCES];
    for (int i = 0; i < r->count; i++)
        ready[i] = is_ready_anyway(&r->sources[i]);
    for (int i = 0; i < count; i++)
        ready[(reactor_source *)events[i].data.ptr - r->sources] = true;
    for (int i = 0; i < r->count; i++) {
        reactor_source *source = &r->sources[i];
        if (!ready[i] || !source->interest)
            continue;
        source->again = false;
        source->callback(source->user);
    }
}

int reactor_fd(const reactor *r)
{
    return r->epoll;
}
