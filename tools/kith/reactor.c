/* A small epoll reactor for the command. Regular files, which epoll refuses, are simply always
 * ready. A source that is removed while callbacks run is freed after them. */
#include "reactor.h"

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Looked at in one run; the others stay ready. */
enum { MAX_EVENTS = 16 };

struct reactor_source {
    reactor_source *next;
    reactor *owner;
    int fd;
    unsigned interest;
    bool is_regular_file;
    bool again;
    /* in the run that goes on */
    bool ready;
    bool removed;
    reactor_callback callback;
    void *user;
};

struct reactor {
    int epoll;
    /* in the order in which they were added */
    reactor_source *sources;
    bool running;
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
    while (r->sources) {
        reactor_source *source = r->sources;
        r->sources = source->next;
        free(source);
    }
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
    if (fd < 0) {
        errno = EBADF;
        return NULL;
    }
    reactor_source *source = tool_alloc(sizeof *source);
    *source = (reactor_source){.owner = r, .fd = fd, .callback = callback, .user = user};
    reactor_source **at = &r->sources;
    while (*at)
        at = &(*at)->next;
    *at = source;
    reactor_set_interest(source, interest);
    return source;
}

static void free_removed(reactor *r)
{
    for (reactor_source **at = &r->sources; *at;) {
        reactor_source *source = *at;
        if (source->removed) {
            *at = source->next;
            free(source);
        } else {
            at = &source->next;
        }
    }
}

void reactor_remove(reactor_source *source)
{
    if (!source)
        return;
    reactor *r = source->owner;
    reactor_set_interest(source, 0);
    source->removed = true;
    if (!r->running)
        free_removed(r);
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
    for (const reactor_source *source = r->sources; source; source = source->next)
        if (is_ready_anyway(source))
            return true;
    return false;
}

void reactor_run_once(reactor *r, bool wait)
{
    struct epoll_event events[MAX_EVENTS];
    int timeout = wait && !reactor_is_busy(r) ? -1 : 0;
    int count = epoll_wait(r->epoll, events, MAX_EVENTS, timeout);
    for (reactor_source *source = r->sources; source; source = source->next)
        source->ready = is_ready_anyway(source);
    for (int i = 0; i < count; i++)
        ((reactor_source *)events[i].data.ptr)->ready = true;
    r->running = true;
    for (reactor_source *source = r->sources; source; source = source->next) {
        if (!source->ready || !source->interest)
            continue;
        source->ready = source->again = false;
        source->callback(source->user);
    }
    r->running = false;
    free_removed(r);
}

int reactor_fd(const reactor *r)
{
    return r->epoll;
}
