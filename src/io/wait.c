/* Sleeping and waking: epoll, the eventfd by which others wake the loop, and the timerfd that
 * makes the epoll's own file descriptor enough for a foreign loop. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "io/io.h"

/* Every socket that has something is read in each turn, or nearly: a peer whose packets lie there
 * for many turns has a long round trip, and its window grows the slower for it. */
#define READY_PER_TURN 512
/* So that an application with much to read does not keep packets waiting; as many as a turn may
 * bring, or what nobody has read grows until each peer's window closes. */
#define EVENTS_PER_TURN 1024

/* ---- waking ---- */

void kith_wait_wake(void *user)
{
    kith_loop *loop = user;
    int before = errno; /* a signal handler must leave it alone */
    uint64_t one = 1;
    ssize_t written = write(loop->event_fd, &one, sizeof one);
    (void)written; /* full: it is readable already */
    errno = before;
}

void kith_wait_notice(void *user)
{
    kith_loop *loop = user;
    if (atomic_load(&loop->asleep))
        kith_wait_wake(loop);
}

static void event_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    (void)loop;
    (void)events;
    uint64_t count;
    ssize_t got = read(watch->fd, &count, sizeof count);
    (void)got;
}

static void timer_ready(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    event_ready(loop, watch, events);
    loop->timer_at = KITH_NEVER;
}

/* On the clock of kith_clock_now, so that it is over as soon as the machine wakes. */
static int make_timer(void)
{
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    return fd >= 0 ? fd : timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

kith_err kith_wait_init(kith_loop *loop)
{
    loop->timer_at = KITH_NEVER;
    loop->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->timer_fd = make_timer();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->event_fd < 0 || loop->timer_fd < 0 || loop->epoll_fd < 0)
        return kith_fail_system(errno, "cannot make an epoll");
    loop->event_watch = (kith_watch){.ready = event_ready, .fd = loop->event_fd};
    loop->timer_watch = (kith_watch){.ready = timer_ready, .fd = loop->timer_fd};
    kith_err err = kith_wait_watch(loop, &loop->event_watch);
    return err != KITH_OK ? err : kith_wait_watch(loop, &loop->timer_watch);
}

void kith_wait_deinit(kith_loop *loop)
{
    int fds[] = {loop->timer_fd, loop->event_fd, loop->epoll_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* ---- epoll ---- */

kith_err kith_wait_watch(kith_loop *loop, kith_watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return kith_fail_system(errno, "cannot watch a file descriptor");
    return KITH_OK;
}

void kith_wait_watch_writable(kith_loop *loop, kith_watch *watch, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (writable)
        event.events |= EPOLLOUT;
    int result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
    assert(result == 0);
    (void)result;
}

/* ---- sleeping ---- */

/* Sleeps from this long on are the timer's: epoll's clock is CLOCK_MONOTONIC, which would go on
 * counting after the machine has woken. */
#define LONG_SLEEP KITH_SECONDS(1)

static void set_timer(kith_loop *loop, kith_time at, kith_time left)
{
    struct itimerspec spec = {0}; /* all zero: never */
    if (at == loop->timer_at)
        return;
    if (at != KITH_NEVER) {
        spec.it_value.tv_sec = (time_t)(left / 1000000);
        spec.it_value.tv_nsec = (long)(left % 1000000) * 1000;
    }
    if (timerfd_settime(loop->timer_fd, 0, &spec, NULL) == 0)
        loop->timer_at = at;
}

/* epoll counts milliseconds; rounded up, so that it does not wake before its time. */
static int sleep_ms(kith_loop *loop, kith_time until)
{
    kith_time at = kith_loop_deadline(loop);
    if (until < at)
        at = until;
    if (at == KITH_NEVER)
        return -1;
    kith_time left = at > 0 ? at - kith_clock_now() : 0;
    if (left <= 0)
        return 0;
    if (left >= LONG_SLEEP)
        set_timer(loop, at, left);
    return left < KITH_MS(INT_MAX) ? (int)((left + 999) / 1000) : INT_MAX;
}

void kith_wait_sleep(kith_loop *loop, kith_time until)
{
    struct epoll_event ready[READY_PER_TURN];
    /* First asleep, then the look at what there is to do: who adds work in between finds us
     * asleep. */
    atomic_store(&loop->asleep, true);
    int timeout = sleep_ms(loop, until);
    kith_threads_open(loop);
    int count = epoll_wait(loop->epoll_fd, ready, READY_PER_TURN, timeout);
    kith_threads_shut(loop);
    atomic_store(&loop->asleep, false);
    loop->now = kith_clock_now();
    for (int i = 0; i < count; i++) {
        kith_watch *watch = ready[i].data.ptr;
        watch->ready(loop, watch, ready[i].events);
    }
}

/* ---- events ---- */

static bool obey_stop(kith_loop *loop)
{
    if (!atomic_load(&loop->stopped) || !atomic_exchange(&loop->stopped, false))
        return false;
    kith_wait_wake(loop); /* events may be left: a foreign loop shall come again */
    return true;
}

const kith_event *kith_wait_event(kith_loop *loop, kith_time until)
{
    for (bool is_late = false; !obey_stop(loop); is_late = loop->now >= until) {
        bool enough = loop->events_delivered >= EVENTS_PER_TURN;
        const kith_event *ev = kith_companions_next(loop, enough);
        if (ev) {
            loop->events_delivered++;
            return ev;
        }
        if (is_late && !enough)
            return NULL;
        kith_loop_turn(loop, enough ? 0 : until);
        loop->events_delivered = 0;
    }
    return NULL;
}

/* ---- inside a foreign loop ---- */

/* From here on the epoll's descriptor must tell of all there is to do. */
static void watch_over(kith_loop *loop)
{
    atomic_store(&loop->asleep, true);
    kith_time at = kith_loop_deadline(loop), now = kith_clock_now();
    if (at <= now)
        kith_wait_wake(loop);
    else
        set_timer(loop, at, at - now);
}

int kith_loop_fd(kith_loop *loop)
{
    if (loop->is_embedded)
        return loop->epoll_fd;
    loop->is_embedded = true;
    watch_over(loop);
    kith_wait_wake(loop); /* events may wait already */
    return loop->epoll_fd;
}

/* Is it free to wait? */
static bool may_wait(const kith_loop *loop)
{
    const char *why = atomic_load(&loop->running) ? "the loop runs with a handler"
                      : loop->watches.is_calling  ? "the loop waits already, and calls a watch"
                                                  : NULL;
    if (why)
        (void)kith_fail(KITH_ERR_INVALID_STATE, "%s", why);
    return !why;
}

static kith_time end_of_wait(int timeout_ms)
{
    if (timeout_ms == 0)
        return 0;
    return timeout_ms < 0 ? KITH_NEVER : kith_clock_now() + KITH_MS(timeout_ms);
}

const kith_event *kith_loop_wait(kith_loop *loop, int timeout_ms)
{
    if (!may_wait(loop))
        return NULL;
    kith_time until = end_of_wait(timeout_ms);
    atomic_store(&loop->asleep, false);
    const kith_event *ev = kith_wait_event(loop, until);
    if (!ev && loop->is_embedded)
        watch_over(loop);
    return ev;
}

void kith_loop_work(kith_loop *loop, int timeout_ms)
{
    if (!may_wait(loop))
        return;
    kith_time until = end_of_wait(timeout_ms);
    atomic_store(&loop->asleep, false);
    for (bool is_late = false; !is_late && !obey_stop(loop); is_late = loop->now >= until)
        kith_loop_turn(loop, until);
    if (loop->is_embedded)
        watch_over(loop);
}
