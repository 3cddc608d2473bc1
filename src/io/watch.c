/* Descriptors and timers that a program watches. epoll only marks them: they are called after the
 * posts, one after the other, when nothing else looks at the loop, so that a call may do anything.
 * The memory of one that is freed stays until epoll cannot name it any more. */
#include <errno.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/io.h"

typedef struct program_watch {
    /* the first: it is what epoll and the program know */
    kith_watch watch;
    kith_loop *loop;
    kith_watch_fn fn;
    void *user;
    /* READ, WRITE and GONE */
    unsigned interest, ready;
    kith_heap_node due;
    kith_list_node in_all, in_files, in_ready;
} program_watch;

static program_watch *of(kith_watch *watch)
{
    return KITH_OWNER(watch, program_watch, watch);
}

void kith_watches_init(kith_watches *watches)
{
    kith_list_init(&watches->all);
    kith_list_init(&watches->files);
    kith_list_init(&watches->ready);
    kith_list_init(&watches->freed);
    kith_heap_init(&watches->due);
}

/* ---- epoll ---- */

static void mark(kith_loop *loop, program_watch *w, unsigned ready)
{
    w->ready |= ready;
    if (w->ready && !kith_list_has(&w->in_ready))
        kith_list_append(&loop->watches.ready, &w->in_ready);
}

static void on_epoll(kith_loop *loop, kith_watch *watch, uint32_t events)
{
    program_watch *w = of(watch);
    unsigned ready = 0;
    if (events & EPOLLIN)
        ready |= KITH_READ;
    if (events & EPOLLOUT)
        ready |= KITH_WRITE;
    if (events & (EPOLLERR | EPOLLHUP))
        ready |= KITH_READ | KITH_WRITE | KITH_GONE;
    mark(loop, w, ready & w->interest); /* none of a freed one */
}

/* Without interest a hang-up, which cannot be masked, is told once and no more: EPOLLET. */
static struct epoll_event epoll_event(program_watch *w)
{
    struct epoll_event event = {.events = w->interest ? 0u : (uint32_t)EPOLLET,
                                .data.ptr = &w->watch};
    if (w->interest & KITH_READ)
        event.events |= EPOLLIN;
    if (w->interest & KITH_WRITE)
        event.events |= EPOLLOUT;
    return event;
}

static kith_err begin(program_watch *w)
{
    struct epoll_event event = epoll_event(w);
    if (epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_ADD, w->watch.fd, &event) == 0)
        return KITH_OK;
    if (errno == EPERM)
        kith_list_append(&w->loop->watches.files, &w->in_files);
    else if (errno == EEXIST)
        return kith_fail(KITH_ERR_INVALID_STATE, "the file descriptor %d is watched already",
                         w->watch.fd);
    else
        return kith_fail_system(errno, "cannot watch the file descriptor %d", w->watch.fd);
    return KITH_OK;
}

static bool is_in_epoll(const program_watch *w)
{
    return w->watch.fd >= 0 && !kith_list_has(&w->in_files);
}

/* ---- what the program asks ---- */

kith_err kith_loop_watch(kith_watch **out, kith_loop *loop, int fd, kith_watch_fn fn, void *user)
{
    kith_watches *all = &loop->watches;
    if (!fn)
        return kith_fail(KITH_ERR_TYPE, "a watch needs a function");
    kith_err err = kith_heap_reserve(&all->due, all->count + 1);
    if (err != KITH_OK)
        return err;
    program_watch *w = kith_alloc_zero(1, sizeof *w);
    if (!w)
        return kith_fail_memory();
    *w = (program_watch){.watch = {.ready = on_epoll, .fd = fd}, .loop = loop, .fn = fn};
    w->user = user;
    if (fd >= 0 && !all->has_ended)
        err = begin(w);
    if (err != KITH_OK) {
        kith_free(w);
        return err;
    }
    kith_list_append(&all->all, &w->in_all);
    all->count++;
    *out = &w->watch;
    return KITH_OK;
}

void kith_watch_set(kith_watch *watch, unsigned interest, kith_time deadline)
{
    program_watch *w = of(watch);
    unsigned before = w->interest;
    kith_time at = w->due.place ? w->due.at : KITH_NEVER;
    if (w->loop->watches.has_ended)
        return;
    w->interest = interest & (KITH_READ | KITH_WRITE | KITH_GONE);
    w->ready &= w->interest; /* of before */
    if (w->interest != before && is_in_epoll(w)) {
        struct epoll_event event = epoll_event(w);
        (void)epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_MOD, w->watch.fd, &event);
    }
    kith_heap_set(&w->loop->watches.due, &w->due, deadline);
    if (deadline < at || kith_list_has(&w->in_files))
        kith_wait_notice(w->loop); /* of what epoll cannot tell */
}

/* Nobody calls it any more. */
static void disarm(program_watch *w)
{
    w->interest = w->ready = 0;
    kith_heap_set(&w->loop->watches.due, &w->due, KITH_NEVER);
    kith_list_remove(&w->in_ready);
    if (is_in_epoll(w))
        (void)epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_DEL, w->watch.fd, NULL);
    kith_list_remove(&w->in_files);
    w->watch.fd = -1;
}

void kith_watch_free(kith_watch *watch)
{
    if (!watch)
        return;
    program_watch *w = of(watch);
    kith_watches *all = &w->loop->watches;
    disarm(w);
    kith_list_remove(&w->in_all);
    kith_list_append(&all->freed, &w->in_all);
    all->count--;
}

/* ---- turns ---- */

/* What happens in one turn is told in it once: what a call sets is for the next. */
static void collect(kith_loop *loop, kith_list *batch)
{
    kith_watches *all = &loop->watches;
    for (kith_heap_node *first; (first = kith_heap_first(&all->due)) && first->at <= loop->now;) {
        kith_heap_set(&all->due, first, KITH_NEVER);
        mark(loop, KITH_OWNER(first, program_watch, due), KITH_TIME);
    }
    KITH_LIST_EACH(&all->files, node) {
        program_watch *w = KITH_OWNER(node, program_watch, in_files);
        mark(loop, w, w->interest & (KITH_READ | KITH_WRITE));
    }
    kith_list_init(batch);
    for (kith_list_node *node; (node = kith_list_take(&all->ready));)
        kith_list_append(batch, node);
}

static void free_freed(kith_watches *all)
{
    for (kith_list_node *node; (node = kith_list_take(&all->freed));)
        kith_free(KITH_OWNER(node, program_watch, in_all));
}

void kith_watches_run(kith_loop *loop)
{
    kith_watches *all = &loop->watches;
    kith_list batch;
    free_freed(all);
    if (all->has_ended || all->count == 0)
        return;
    collect(loop, &batch);
    all->is_calling = true;
    for (kith_list_node *node; (node = kith_list_take(&batch));) {
        program_watch *w = KITH_OWNER(node, program_watch, in_ready);
        unsigned ready = w->ready;
        w->ready = 0;
        if (ready)
            w->fn(loop, &w->watch, ready, w->user);
    }
    all->is_calling = false;
}

kith_time kith_watches_deadline(const kith_watches *watches)
{
    KITH_LIST_EACH(&watches->files, node)
        if (KITH_OWNER(node, program_watch, in_files)->interest & (KITH_READ | KITH_WRITE))
            return 0;
    const kith_heap_node *first = kith_heap_first(&watches->due);
    return first ? first->at : KITH_NEVER;
}

void kith_watches_end(kith_loop *loop)
{
    KITH_LIST_EACH(&loop->watches.all, node)
        disarm(KITH_OWNER(node, program_watch, in_all));
    loop->watches.has_ended = true;
}

void kith_watches_deinit(kith_loop *loop)
{
    kith_watches *all = &loop->watches;
    KITH_LIST_EACH(&all->all, node)
        kith_watch_free(&KITH_OWNER(node, program_watch, in_all)->watch);
    free_freed(all);
    kith_heap_deinit(&all->due);
}
