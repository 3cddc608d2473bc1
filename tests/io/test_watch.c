/* Descriptors and timers that a program has a loop watch. */
#include "../unit/unit.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/io.h"
#include "kith/kith.h"

static const char *const on_loopback[] = {"127.0.0.1", NULL};

static kith_loop *new_loop(kith_event_handler handler)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    config.on_event = handler;
    kith_loop *loop = NULL;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_OK);
    return loop;
}

/* What a watch was called for. */
typedef struct calls {
    int count;
    unsigned ready;
    /* what a call does once */
    kith_watch *frees;
    bool stops;
} calls;

static void note(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    calls *c = user;
    (void)watch;
    c->count++;
    c->ready = ready;
    kith_watch_free(c->frees);
    c->frees = NULL;
    if (c->stops)
        kith_loop_stop(loop);
}

static kith_watch *new_watch(kith_loop *loop, int fd, kith_watch_fn fn, void *user)
{
    kith_watch *watch = NULL;
    ck_assert_int_eq(kith_loop_watch(&watch, loop, fd, fn, user), KITH_OK);
    return watch;
}

static void make_pipe(int fds[2])
{
    ck_assert_int_eq(pipe(fds), 0);
}

static void put(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void take(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static void close_pipe(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

/* One turn, in which nothing is waited for. */
static void turn(kith_loop *loop)
{
    ck_assert_ptr_null(kith_loop_wait(loop, 0));
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* Nothing is left to do. */
static void drain(kith_loop *loop)
{
    do
        turn(loop);
    while (is_readable(kith_loop_fd(loop), 0));
}

START_TEST(a_descriptor_is_told_while_it_is_ready_and_wanted)
{
    kith_loop *loop = new_loop(NULL);
    int fds[2];
    calls in = {0}, out = {0};
    make_pipe(fds);
    kith_watch *reader = new_watch(loop, fds[0], note, &in);
    kith_watch *writer = new_watch(loop, fds[1], note, &out);
    put(fds[1]);
    turn(loop);
    ck_assert_int_eq(in.count + out.count, 0); /* nobody wants to know */
    kith_watch_set(reader, KITH_READ, KITH_NEVER);
    kith_watch_set(writer, KITH_WRITE, KITH_NEVER);
    turn(loop);
    turn(loop);
    ck_assert_int_eq(in.count, 2);
    ck_assert_int_eq(in.ready, KITH_READ);
    ck_assert_int_eq(out.count, 2);
    ck_assert_int_eq(out.ready, KITH_WRITE);
    take(fds[0]);
    kith_watch_set(writer, 0, KITH_NEVER);
    turn(loop);
    ck_assert_int_eq(in.count, 2);
    ck_assert_int_eq(out.count, 2);
    kith_loop_free(loop); /* and the watches */
    close_pipe(fds);
}
END_TEST

START_TEST(a_hang_up_is_told_to_who_asked_and_wakes_nobody_else)
{
    kith_loop *loop = new_loop(NULL);
    int fds[2];
    calls c = {.stops = true};
    make_pipe(fds);
    kith_watch *watch = new_watch(loop, fds[1], note, &c);
    close(fds[0]);
    drain(loop); /* it does not spin */
    ck_assert_int_eq(c.count, 0);
    kith_watch_set(watch, KITH_GONE, KITH_NEVER);
    ck_assert_ptr_null(kith_loop_wait(loop, -1));
    ck_assert_int_eq(c.ready, KITH_GONE);
    kith_watch_set(watch, KITH_WRITE, KITH_NEVER);
    ck_assert_ptr_null(kith_loop_wait(loop, -1));
    ck_assert_int_eq(c.ready, KITH_WRITE); /* write will tell */
    kith_watch_free(watch);
    kith_loop_free(loop);
    close(fds[1]);
}
END_TEST

START_TEST(a_regular_file_is_always_ready)
{
    kith_loop *loop = new_loop(NULL);
    FILE *file = tmpfile();
    calls c = {.stops = true};
    ck_assert_ptr_nonnull(file);
    kith_watch *watch = new_watch(loop, fileno(file), note, &c);
    turn(loop);
    ck_assert_int_eq(c.count, 0);
    kith_watch_set(watch, KITH_READ | KITH_GONE, KITH_NEVER);
    for (int i = 1; i <= 3; i++) {
        ck_assert_ptr_null(kith_loop_wait(loop, -1));
        ck_assert_int_eq(c.count, i);
        ck_assert_int_eq(c.ready, KITH_READ);
    }
    kith_watch_set(watch, KITH_GONE, KITH_NEVER);
    turn(loop);
    ck_assert_int_eq(c.count, 3);
    kith_loop_free(loop);
    fclose(file);
}
END_TEST

/* ---- timers ---- */

START_TEST(a_timer_fires_once_not_before_its_time)
{
    kith_loop *loop = new_loop(NULL);
    calls c = {.stops = true};
    kith_watch *timer = new_watch(loop, -1, note, &c);
    kith_time at = kith_clock_now() + KITH_MS(5);
    kith_watch_set(timer, 0, at);
    ck_assert_ptr_null(kith_loop_wait(loop, -1));
    ck_assert_int_ge(kith_clock_now(), at);
    ck_assert_int_eq(c.ready, KITH_TIME);
    turn(loop);
    ck_assert_int_eq(c.count, 1);
    kith_watch_set(timer, 0, kith_clock_now() + KITH_SECONDS(3600));
    turn(loop);
    kith_watch_set(timer, 0, KITH_NEVER);
    turn(loop);
    ck_assert_int_eq(c.count, 1);
    kith_loop_free(loop);
}
END_TEST

static int order[8], ordered;

static void note_order(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    (void)loop;
    (void)watch;
    (void)ready;
    order[ordered++] = *(int *)user;
}

START_TEST(timers_fire_in_the_order_of_their_times)
{
    kith_loop *loop = new_loop(NULL);
    int numbers[4] = {0, 1, 2, 3};
    const kith_time times[4] = {40, 10, 30, 20};
    ordered = 0;
    for (int i = 0; i < 4; i++)
        kith_watch_set(new_watch(loop, -1, note_order, &numbers[i]), 0, times[i]);
    turn(loop);
    ck_assert_int_eq(ordered, 4);
    ck_assert_int_eq(order[0] * 1000 + order[1] * 100 + order[2] * 10 + order[3], 1320);
    kith_loop_free(loop);
}
END_TEST

static void set_again(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    calls *c = user;
    (void)loop;
    c->count++;
    c->ready = ready;
    kith_watch_set(watch, 0, 0); /* long past: the next turn's */
}

START_TEST(a_timer_that_is_always_due_lets_others_have_their_turn)
{
    kith_loop *loop = new_loop(NULL);
    calls c = {0};
    kith_watch_set(new_watch(loop, -1, set_again, &c), 0, 0);
    for (int i = 1; i <= 3; i++) {
        turn(loop);
        ck_assert_int_eq(c.count, i);
    }
    kith_loop_free(loop);
}
END_TEST

START_TEST(a_descriptor_may_have_a_deadline_too)
{
    kith_loop *loop = new_loop(NULL);
    int fds[2];
    calls c = {0};
    make_pipe(fds);
    put(fds[1]);
    kith_watch_set(new_watch(loop, fds[0], note, &c), KITH_READ, 0);
    turn(loop);
    ck_assert_int_eq(c.count, 1);
    ck_assert_int_eq(c.ready, KITH_READ | KITH_TIME);
    kith_loop_free(loop);
    close_pipe(fds);
}
END_TEST

/* ---- within a call ---- */

START_TEST(a_call_may_free_its_own_watch_and_others_that_are_ready)
{
    kith_loop *loop = new_loop(NULL);
    enum { PIPES = 8 };
    int fds[PIPES][2];
    calls c[PIPES] = {{0}};
    kith_watch *watches[PIPES];
    for (int i = 0; i < PIPES; i++) {
        make_pipe(fds[i]);
        put(fds[i][1]);
        watches[i] = new_watch(loop, fds[i][0], note, &c[i]);
        kith_watch_set(watches[i], KITH_READ, KITH_NEVER);
    }
    /* Each frees its partner; one that frees the partner of a freed one frees nothing twice. */
    for (int i = 0; i < PIPES; i++)
        c[i].frees = watches[i ^ 1];
    turn(loop);
    for (int i = 0; i < PIPES; i += 2)
        ck_assert_int_eq(c[i].count + c[i + 1].count, 1);
    for (int i = 0; i < PIPES; i++)
        c[i].frees = watches[i];
    turn(loop);
    turn(loop);
    for (int i = 0; i < PIPES; i += 2)
        ck_assert_int_eq(c[i].count + c[i + 1].count, 2);
    kith_loop_free(loop);
    for (int i = 0; i < PIPES; i++)
        close_pipe(fds[i]);
}
END_TEST

static void begin_another(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    (void)ready;
    kith_watch_set(new_watch(loop, -1, note, user), 0, 0);
    kith_watch_free(watch);
}

START_TEST(a_call_may_begin_another_watch_which_has_the_next_turn)
{
    kith_loop *loop = new_loop(NULL);
    calls c = {0};
    kith_watch_set(new_watch(loop, -1, begin_another, &c), 0, 0);
    turn(loop);
    ck_assert_int_eq(c.count, 0);
    turn(loop);
    ck_assert_int_eq(c.count, 1);
    kith_loop_free(loop);
}
END_TEST

static void use_the_loop(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    (void)watch;
    (void)ready;
    ck_assert_ptr_null(kith_loop_wait(loop, 0));
    ck_assert_int_eq(kith_last_error()->err, KITH_ERR_INVALID_STATE);
    kith_pc *pc;
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, user), KITH_OK);
}

START_TEST(a_call_may_use_peers_but_not_wait)
{
    kith_loop *loop = new_loop(NULL);
    kith_dc *dc = NULL;
    kith_watch_set(new_watch(loop, -1, use_the_loop, &dc), 0, 0);
    const kith_event *ev = kith_loop_wait(loop, -1);
    ck_assert_ptr_nonnull(ev);
    ck_assert_int_eq(ev->type, KITH_EV_NEGOTIATION_NEEDED);
    ck_assert_ptr_nonnull(dc);
    kith_loop_free(loop);
}
END_TEST

/* ---- many, and from other loops and threads ---- */

START_TEST(many_watches_are_told_each)
{
    enum { PIPES = 200, TIMERS = 1000 };
    kith_loop *loop = new_loop(NULL);
    static int fds[PIPES][2];
    static calls c[PIPES + TIMERS];
    memset(c, 0, sizeof c);
    for (int i = 0; i < PIPES; i++) {
        make_pipe(fds[i]);
        put(fds[i][1]);
        kith_watch_set(new_watch(loop, fds[i][0], note, &c[i]), KITH_READ, KITH_NEVER);
    }
    for (int i = 0; i < TIMERS; i++)
        kith_watch_set(new_watch(loop, -1, note, &c[PIPES + i]), 0, 1 + i * 7919 % TIMERS);
    turn(loop);
    for (int i = 0; i < PIPES + TIMERS; i++)
        ck_assert_int_eq(c[i].count, 1);
    kith_loop_free(loop);
    for (int i = 0; i < PIPES; i++)
        close_pipe(fds[i]);
}
END_TEST

START_TEST(the_loops_descriptor_tells_of_watches_too)
{
    kith_loop *loop = new_loop(NULL);
    int fds[2];
    calls c = {0}, t = {0};
    make_pipe(fds);
    kith_watch *reader = new_watch(loop, fds[0], note, &c);
    kith_watch *timer = new_watch(loop, -1, note, &t);
    kith_watch_set(reader, KITH_READ, KITH_NEVER);
    int fd = kith_loop_fd(loop);
    drain(loop);
    put(fds[1]);
    ck_assert(is_readable(fd, 10000));
    turn(loop);
    ck_assert_int_eq(c.count, 1);
    take(fds[0]);
    drain(loop);
    kith_watch_set(timer, 0, kith_clock_now() + KITH_MS(2)); /* between waits */
    while (t.count == 0) {
        ck_assert(is_readable(fd, 10000));
        turn(loop);
    }
    kith_loop_free(loop);
    close_pipe(fds);
}
END_TEST

static void ignore(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop;
    (void)ev;
    (void)user;
}

typedef struct visitor {
    kith_loop *loop;
    int fds[2];
    sem_t told;
} visitor;

static void tell(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    visitor *v = user;
    (void)loop;
    kith_watch_set(watch, 0, KITH_NEVER);
    if (ready & KITH_READ)
        sem_post(&v->told);
}

static void *watch_from_outside(void *arg)
{
    visitor *v = arg;
    for (int i = 0; i < 200; i++) {
        kith_loop_enter(v->loop);
        kith_watch *watch = new_watch(v->loop, v->fds[0], tell, v);
        kith_watch_set(watch, KITH_READ, kith_clock_now() + KITH_SECONDS(60));
        kith_loop_leave(v->loop);
        if (i % 2 == 0) {
            put(v->fds[1]);
            sem_wait(&v->told);
            take(v->fds[0]);
        }
        kith_loop_enter(v->loop);
        kith_watch_free(watch);
        kith_loop_leave(v->loop);
    }
    return NULL;
}

START_TEST(other_threads_may_watch_on_a_loop_that_runs)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    visitor visitors[THREADS];
    kith_loop *loop = new_loop(ignore);
    ck_assert_int_eq(kith_loop_start(loop), KITH_OK);
    for (int i = 0; i < THREADS; i++) {
        visitors[i].loop = loop;
        sem_init(&visitors[i].told, 0, 0);
        make_pipe(visitors[i].fds);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, watch_from_outside, &visitors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        close_pipe(visitors[i].fds);
    }
    kith_loop_free(loop);
}
END_TEST

/* ---- work without events ---- */

START_TEST(work_calls_watches_and_leaves_events_where_they_are)
{
    kith_loop *loop = new_loop(NULL);
    kith_pc *pc;
    kith_dc *dc;
    calls c = {.stops = true};
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, &dc), KITH_OK);
    kith_watch_set(new_watch(loop, -1, note, &c), 0, 0);
    kith_loop_work(loop, -1);
    ck_assert_int_eq(c.count, 1);
    kith_time begin = kith_clock_now();
    kith_loop_work(loop, 5);
    ck_assert_int_ge(kith_clock_now() - begin, KITH_MS(5));
    const kith_event *ev = kith_loop_wait(loop, 0);
    ck_assert_ptr_nonnull(ev);
    ck_assert_int_eq(ev->type, KITH_EV_NEGOTIATION_NEEDED);
    kith_loop_free(loop);
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused)
{
    kith_loop *loop = new_loop(NULL);
    int fds[2];
    calls c = {0};
    kith_watch *watch = NULL;
    make_pipe(fds);
    ck_assert_int_eq(kith_loop_watch(&watch, loop, fds[0], NULL, NULL), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_loop_watch(&watch, loop, fds[0], note, &c), KITH_OK);
    kith_watch *second = NULL;
    ck_assert_int_eq(kith_loop_watch(&second, loop, fds[0], note, &c), KITH_ERR_INVALID_STATE);
    kith_watch_free(watch);
    ck_assert_int_eq(kith_loop_watch(&second, loop, fds[0], note, &c), KITH_OK);
    close_pipe(fds);
    ck_assert_int_eq(kith_loop_watch(&watch, loop, fds[1], note, &c), KITH_ERR_SYSTEM);
    ck_assert_ptr_null(strstr(kith_last_error()->message, "already"));
    kith_watch_free(NULL);
    kith_loop_free(loop);
}
END_TEST

/* A loop that is freed calls nobody, however ready. */
START_TEST(nobody_is_called_while_the_loop_is_freed)
{
    kith_loop *loop = new_loop(NULL);
    int fds[2];
    calls c = {0};
    make_pipe(fds);
    put(fds[1]);
    kith_watch_set(new_watch(loop, fds[0], note, &c), KITH_READ, 0);
    kith_loop_free(loop);
    ck_assert_int_eq(c.count, 0);
    close_pipe(fds);
}
END_TEST

UNIT_MAIN("watch", a_descriptor_is_told_while_it_is_ready_and_wanted,
          a_hang_up_is_told_to_who_asked_and_wakes_nobody_else, a_regular_file_is_always_ready,
          a_timer_fires_once_not_before_its_time, timers_fire_in_the_order_of_their_times,
          a_timer_that_is_always_due_lets_others_have_their_turn,
          a_descriptor_may_have_a_deadline_too,
          a_call_may_free_its_own_watch_and_others_that_are_ready,
          a_call_may_begin_another_watch_which_has_the_next_turn, a_call_may_use_peers_but_not_wait,
          many_watches_are_told_each, the_loops_descriptor_tells_of_watches_too,
          other_threads_may_watch_on_a_loop_that_runs,
          work_calls_watches_and_leaves_events_where_they_are, what_cannot_be_watched_is_refused,
          nobody_is_called_while_the_loop_is_freed)
