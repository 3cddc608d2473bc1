/* A loop in a thread of its own, and how other threads reach it. One mutex says who may use the
 * peers: the loop has it except while it sleeps. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/error.h"
#include "io/io.h"

void kith_threads_init(kith_loop *loop)
{
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&loop->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_mutex_init(&loop->turnstile, NULL);
    kith_posts_init(&loop->posts);
    atomic_init(&loop->asleep, false);
    atomic_init(&loop->stopped, false);
    atomic_init(&loop->running, false);
}

void kith_threads_deinit(kith_loop *loop)
{
    kith_posts_deinit(&loop->posts);
    pthread_mutex_destroy(&loop->turnstile);
    pthread_mutex_destroy(&loop->mutex);
}

/* ---- who may use the peers ---- */

/* Through the turnstile: a mutex alone would let the loop, which gives it up and takes it again
 * within microseconds, pass those who wait. */
static void lock(kith_loop *loop)
{
    pthread_mutex_lock(&loop->turnstile);
    pthread_mutex_lock(&loop->mutex);
    pthread_mutex_unlock(&loop->turnstile);
}

void kith_loop_enter(kith_loop *loop)
{
    /* The holder comes in by this; it must not queue behind those who wait for it. */
    if (pthread_mutex_trylock(&loop->mutex) != 0)
        lock(loop);
}

void kith_loop_leave(kith_loop *loop)
{
    pthread_mutex_unlock(&loop->mutex);
}

void kith_threads_open(kith_loop *loop)
{
    if (atomic_load(&loop->running))
        pthread_mutex_unlock(&loop->mutex);
}

void kith_threads_shut(kith_loop *loop)
{
    if (atomic_load(&loop->running))
        lock(loop);
}

/* ---- running ---- */

static void run(kith_loop *loop)
{
    const kith_event *ev;
    lock(loop);
    while ((ev = kith_wait_event(loop, KITH_NEVER)))
        loop->config.on_event(loop, ev, loop->config.user);
    /* Who stopped it once more meanwhile meant this run. */
    atomic_store(&loop->stopped, false);
    pthread_mutex_unlock(&loop->mutex);
    atomic_store(&loop->running, false);
}

/* From here on the loop is taken. */
static kith_err begin_running(kith_loop *loop)
{
    if (!loop->config.on_event)
        return kith_fail(KITH_ERR_TYPE, "a loop that runs needs on_event");
    if (atomic_exchange(&loop->running, true))
        return kith_fail(KITH_ERR_INVALID_STATE, "the loop runs already");
    return KITH_OK;
}

kith_err kith_loop_run(kith_loop *loop)
{
    kith_err err = begin_running(loop);
    if (err == KITH_OK)
        run(loop);
    return err;
}

static void *run_thread(void *arg)
{
    run(arg);
    return NULL;
}

/* The application's signals are for the application's threads. */
static int create_thread(kith_loop *loop)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&loop->thread, NULL, run_thread, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void join(kith_loop *loop)
{
    if (loop->started)
        pthread_join(loop->thread, NULL);
    loop->started = false;
}

kith_err kith_loop_start(kith_loop *loop)
{
    kith_err err = begin_running(loop);
    if (err != KITH_OK)
        return err;
    join(loop); /* an earlier thread that was stopped */
    int error = create_thread(loop);
    if (error != 0) {
        atomic_store(&loop->running, false);
        return kith_fail_system(error, "cannot start a thread");
    }
    loop->started = true;
    return KITH_OK;
}

void kith_loop_stop(kith_loop *loop)
{
    atomic_store(&loop->stopped, true);
    kith_wait_wake(loop);
}

void kith_threads_stop(kith_loop *loop)
{
    if (loop->started)
        kith_loop_stop(loop);
    join(loop);
    atomic_store(&loop->stopped, false);
}

kith_err kith_loop_post(kith_loop *loop, void (*fn)(kith_loop *loop, void *arg), void *arg)
{
    kith_err err = kith_posts_push(&loop->posts, fn, arg);
    if (err == KITH_OK && atomic_load(&loop->asleep))
        kith_wait_wake(loop);
    return err;
}
