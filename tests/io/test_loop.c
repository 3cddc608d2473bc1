/* A loop without a partner: waiting, waking, stopping, entering, posting, and what is refused. */
#include "../unit/unit.h"
#include "ports.h"

#include <stdatomic.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/io.h"
#include "kith/kith.h"

static const char *const on_loopback[] = {"127.0.0.1", NULL};

static kith_loop *new_loop(kith_event_handler handler, void *user)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    config.on_event = handler;
    config.user = user;
    kith_loop *loop = NULL;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_OK);
    ck_assert_ptr_nonnull(kith_loop_endpoint(loop));
    return loop;
}

static void ignore(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop;
    (void)ev;
    (void)user;
}

/* ---- waiting ---- */

START_TEST(a_wait_ends_after_its_time)
{
    kith_loop *loop = new_loop(NULL, NULL);
    kith_time begin = kith_clock_now();
    ck_assert_ptr_null(kith_loop_wait(loop, 5));
    ck_assert_int_ge(kith_clock_now() - begin, KITH_MS(5));
    ck_assert_ptr_null(kith_loop_wait(loop, 0));
    kith_loop_free(loop);
}
END_TEST

START_TEST(a_stop_ends_one_wait_also_the_next_one)
{
    kith_loop *loop = new_loop(NULL, NULL);
    kith_loop_stop(loop);
    ck_assert_ptr_null(kith_loop_wait(loop, -1));
    ck_assert_ptr_null(kith_loop_wait(loop, 1)); /* and waits again */
    kith_loop_free(loop);
}
END_TEST

static kith_loop *signalled;

static void on_signal(int number)
{
    (void)number;
    kith_loop_stop(signalled);
}

static void *send_signal(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

START_TEST(a_signal_handler_may_stop_it)
{
    signalled = new_loop(ignore, NULL);
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    pthread_t self = pthread_self(), sender;
    for (int way = 0; way < 2; way++) {
        ck_assert_int_eq(pthread_create(&sender, NULL, send_signal, &self), 0);
        if (way == 0)
            ck_assert_ptr_null(kith_loop_wait(signalled, -1));
        else
            ck_assert_int_eq(kith_loop_run(signalled), KITH_OK);
        pthread_join(sender, NULL);
    }
    sigaction(SIGUSR1, &before, NULL);
    kith_loop_free(signalled);
}
END_TEST

/* ---- one descriptor for a foreign loop ---- */

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* Calls wait until the descriptor rests. */
static void drain(kith_loop *loop)
{
    do
        while (kith_loop_wait(loop, 0))
            ;
    while (is_readable(kith_loop_fd(loop), 0));
}

static void count_run(kith_loop *loop, void *arg)
{
    (void)loop;
    ++*(int *)arg;
}

START_TEST(the_descriptor_tells_of_posts_calls_and_deadlines)
{
    kith_loop *loop = new_loop(NULL, NULL);
    int fd = kith_loop_fd(loop), runs = 0;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(kith_loop_fd(loop), fd);
    drain(loop);

    ck_assert_int_eq(kith_loop_post(loop, count_run, &runs), KITH_OK);
    ck_assert(is_readable(fd, 10000));
    drain(loop);
    ck_assert_int_eq(runs, 1);

    /* A call between waits: the new peer has an event to tell. */
    kith_pc *pc;
    kith_dc *dc;
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, &dc), KITH_OK);
    ck_assert_int_eq(kith_pc_set_local_description(pc, NULL), KITH_OK);
    ck_assert(is_readable(fd, 10000));
    drain(loop);
    ck_assert_int_eq(kith_pc_ice_gathering_state(pc), KITH_ICE_GATHERING_STATE_COMPLETE);
    kith_loop_stop(loop);
    ck_assert(is_readable(fd, 10000));
    kith_loop_free(loop);
}
END_TEST

/* ---- threads ---- */

static sem_t done;

static void post_done(kith_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
    sem_post(&done);
}

static void wait_for_posts(kith_loop *loop)
{
    ck_assert_int_eq(kith_loop_post(loop, post_done, NULL), KITH_OK);
    sem_wait(&done);
}

enum { THREADS = 4, ROUNDS = 500 };

static int in_order[THREADS];

static void check_order(kith_loop *loop, void *arg)
{
    (void)loop;
    intptr_t mark = (intptr_t)arg;
    ck_assert_int_eq(in_order[mark / ROUNDS], mark % ROUNDS);
    in_order[mark / ROUNDS]++;
}

typedef struct visitor {
    kith_loop *loop;
    int number;
    int *shared; /* guarded by enter and leave alone */
} visitor;

static void *post_many(void *arg)
{
    const visitor *v = arg;
    for (intptr_t i = 0; i < ROUNDS; i++)
        if (kith_loop_post(v->loop, check_order, (void *)(v->number * ROUNDS + i)) != KITH_OK)
            abort();
    return NULL;
}

static void *enter_many(void *arg)
{
    const visitor *v = arg;
    for (int i = 0; i < ROUNDS; i++) {
        kith_loop_enter(v->loop);
        kith_loop_enter(v->loop);
        ++*v->shared;
        kith_pc *pc;
        if (i % 50 == 0 && kith_pc_new(&pc, kith_loop_endpoint(v->loop), NULL) == KITH_OK)
            kith_pc_free(pc);
        kith_loop_leave(v->loop);
        kith_loop_leave(v->loop);
    }
    return NULL;
}

static void run_threads(kith_loop *loop, void *(*body)(void *), int *shared)
{
    pthread_t threads[THREADS];
    visitor visitors[THREADS];
    for (int i = 0; i < THREADS; i++) {
        visitors[i] = (visitor){loop, i, shared};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, body, &visitors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(threads_may_post_to_a_loop_that_runs)
{
    sem_init(&done, 0, 0);
    kith_loop *loop = new_loop(ignore, NULL);
    ck_assert_int_eq(kith_loop_start(loop), KITH_OK);
    run_threads(loop, post_many, NULL);
    wait_for_posts(loop);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(in_order[i], ROUNDS);
    kith_loop_free(loop);
}
END_TEST

static void count_and_post_again(kith_loop *loop, void *arg)
{
    ++*(int *)arg; /* in the loop's thread: as good as entered */
    ck_assert_int_eq(kith_loop_post(loop, count_and_post_again, arg), KITH_OK);
}

START_TEST(threads_may_enter_even_a_loop_that_never_sleeps)
{
    int shared = 0;
    kith_loop *loop = new_loop(ignore, NULL);
    ck_assert_int_eq(kith_loop_post(loop, count_and_post_again, &shared), KITH_OK);
    ck_assert_int_eq(kith_loop_start(loop), KITH_OK);
    run_threads(loop, enter_many, &shared);
    kith_loop_enter(loop);
    ck_assert_int_ge(shared, THREADS * ROUNDS);
    kith_loop_leave(loop);
    kith_loop_free(loop); /* bounded, though the post goes on for ever */
}
END_TEST

static void use_from_within(kith_loop *loop, void *arg)
{
    (void)arg;
    kith_loop_enter(loop);
    ck_assert_int_eq(kith_loop_run(loop), KITH_ERR_INVALID_STATE);
    ck_assert_int_eq(kith_loop_start(loop), KITH_ERR_INVALID_STATE);
    ck_assert_ptr_null(kith_loop_wait(loop, -1));
    ck_assert_int_eq(kith_last_error()->err, KITH_ERR_INVALID_STATE);
    kith_loop_leave(loop);
    kith_loop_stop(loop);
}

START_TEST(from_within_entering_is_free_and_running_again_is_refused)
{
    kith_loop *loop = new_loop(ignore, NULL);
    ck_assert_int_eq(kith_loop_post(loop, use_from_within, NULL), KITH_OK);
    ck_assert_int_eq(kith_loop_run(loop), KITH_OK);
    kith_loop_free(loop);
}
END_TEST

START_TEST(a_loop_may_be_started_and_stopped_again)
{
    sem_init(&done, 0, 0);
    kith_loop *loop = new_loop(ignore, NULL);
    for (int i = 0; i < 3; i++) {
        while (kith_loop_start(loop) == KITH_ERR_INVALID_STATE)
            ; /* the last thread is about to end */
        wait_for_posts(loop);
        kith_loop_stop(loop);
    }
    kith_loop_free(loop);
}
END_TEST

/* A loop that ends wakes itself once more, by this: the moment at which a second stop comes too
 * late for the first. */
static _Atomic(kith_loop *) to_be_stopped_late;

ssize_t write(int fd, const void *data, size_t len)
{
    kith_loop *loop = atomic_exchange(&to_be_stopped_late, NULL);
    if (loop)
        kith_loop_stop(loop);
    return (ssize_t)syscall(SYS_write, fd, data, len);
}

static void stop_twice(kith_loop *loop, void *arg)
{
    ++*(int *)arg;
    kith_loop_stop(loop);
    atomic_store(&to_be_stopped_late, loop);
}

START_TEST(a_loop_that_was_stopped_twice_runs_again)
{
    int runs = 0;
    kith_loop *loop = new_loop(ignore, NULL);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(kith_loop_post(loop, stop_twice, &runs), KITH_OK);
        ck_assert_int_eq(kith_loop_run(loop), KITH_OK);
        ck_assert_ptr_null(atomic_load(&to_be_stopped_late));
        ck_assert_int_eq(runs, i);
    }
    kith_loop_free(loop);
}
END_TEST

START_TEST(what_was_posted_to_a_loop_that_never_ran_runs_when_it_is_freed)
{
    int runs = 0;
    kith_loop *loop = new_loop(NULL, NULL);
    ck_assert_int_eq(kith_loop_post(loop, count_run, &runs), KITH_OK);
    kith_loop_free(loop);
    ck_assert_int_eq(runs, 1);
}
END_TEST

/* ---- what is refused ---- */

static void refuse(const kith_loop_config *config, kith_err expected)
{
    kith_loop *loop = NULL;
    ck_assert_int_eq(kith_loop_new(&loop, config), expected);
    ck_assert_ptr_null(loop);
    ck_assert_int_eq(kith_last_error()->err, expected);
}

static void refuse_address(const char *text, kith_err expected)
{
    const char *const addresses[] = {text, NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = addresses;
    refuse(&config, expected);
}

START_TEST(configurations_that_make_no_sense_are_refused)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.port_begin = 2000;
    refuse(&config, KITH_ERR_RANGE);
    config.port_end = 1999;
    refuse(&config, KITH_ERR_RANGE);
    config = (kith_loop_config)KITH_LOOP_CONFIG_INIT;
    config.send_buffer = -1;
    refuse(&config, KITH_ERR_RANGE);
    config = (kith_loop_config){0};
    refuse(&config, KITH_ERR_TYPE);
    struct {
        kith_loop_config config;
        char tail[8];
    } newer = {.config = KITH_LOOP_CONFIG_INIT, .tail = {1}};
    newer.config.size = sizeof newer;
    refuse(&newer.config, KITH_ERR_NOT_SUPPORTED);
    refuse_address("nonsense", KITH_ERR_SYNTAX);
    refuse_address("0.0.0.0", KITH_ERR_RANGE);
    refuse_address("224.0.0.1", KITH_ERR_RANGE);
    refuse_address("127.0.0.1:80", KITH_ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "no port"));
    refuse_address(NULL, KITH_ERR_TYPE);          /* an empty list */
    refuse_address("192.0.2.1", KITH_ERR_SYSTEM); /* not this machine's */
}
END_TEST

START_TEST(a_shared_port_that_is_taken_is_named)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    kith_loop *first = NULL, *second = NULL;
    config.udp_port = two_free_ports();
    ck_assert_int_eq(kith_loop_new(&first, &config), KITH_OK);
    ck_assert_int_eq(kith_loop_new(&second, &config), KITH_ERR_SYSTEM);
    char text[32];
    snprintf(text, sizeof text, "127.0.0.1:%u", config.udp_port);
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, text));
    kith_loop_free(first);
}
END_TEST

/* How many host candidates of the range a fresh peer gathers; their ports are marked. */
static int gather(kith_loop *loop, const kith_loop_config *config, bool taken[2])
{
    kith_pc *pc;
    kith_dc *dc;
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, &dc), KITH_OK);
    ck_assert_int_eq(kith_pc_set_local_description(pc, NULL), KITH_OK);
    while (kith_pc_ice_gathering_state(pc) != KITH_ICE_GATHERING_STATE_COMPLETE)
        (void)kith_loop_wait(loop, -1);
    int count = 0;
    for (uint16_t port = config->port_begin; port <= config->port_end; port++) {
        char text[40];
        snprintf(text, sizeof text, "127.0.0.1 %u typ host", port);
        if (strstr(kith_pc_local_description(pc)->sdp, text)) {
            ck_assert(!taken[port - config->port_begin]);
            taken[port - config->port_begin] = true;
            count++;
        }
    }
    return count;
}

START_TEST(sockets_per_peer_stay_in_their_range_until_it_is_used_up)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    bool taken[2] = {false};
    config.bind_addresses = on_loopback;
    config.port_begin = two_free_ports();
    config.port_end = (uint16_t)(config.port_begin + 1);
    kith_loop *loop;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_OK);
    ck_assert_int_eq(gather(loop, &config, taken), 1);
    ck_assert_int_eq(gather(loop, &config, taken), 1);
    ck_assert_int_eq(gather(loop, &config, taken), 0);
    kith_loop_free(loop);
}
END_TEST

/* ---- many sockets ---- */

enum { MANY = 400 };

static void send_to(const kith_address *to)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = (kith_path){.local = *to, .remote = *to, .protocol = KITH_UDP};
    kith_udp udp;
    kith_batch *batch = calloc(1, sizeof *batch);
    kith_address local = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}};
    ck_assert_int_eq(kith_udp_open(&udp, &local, &(kith_udp_options){0}), 0);
    kith_batch_init(batch);
    memset(kith_batch_space(batch), 0x80, 20);
    ck_assert(kith_batch_add(batch, &info, 20));
    ck_assert(kith_udp_send(&udp, batch));
    kith_udp_close(&udp);
    free(batch);
}

/* Who is read seldom has a long round trip, and grows the slower for it. */
START_TEST(a_turn_reads_every_socket_that_has_something)
{
    kith_loop *loop = new_loop(NULL, NULL);
    const kith_endpoint_counters *counters = kith_endpoint_get_counters(kith_loop_endpoint(loop));
    kith_address local = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}}, bound;
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(kith_sockets_open(loop, &local, &bound), KITH_OK);
        send_to(&bound);
    }
    ck_assert_ptr_null(kith_loop_wait(loop, 0));
    ck_assert_uint_eq(counters->packets_in, MANY);
    kith_loop_free(loop);
}
END_TEST

static uint16_t preference(const char *name, const kith_address *address, void *user)
{
    (void)name;
    *(unsigned *)user += 1;
    return address->family == KITH_IPV4 ? 7 : 0;
}

/* A 1:1 NAT of which the machine knows nothing: its owner does. */
START_TEST(external_addresses_and_preferences_are_the_owners_to_say)
{
    static const char *const externals[] = {"203.0.113.1", "203.0.113.9/127.0.0.1", NULL};
    kith_loop *loop;
    kith_pc *pc;
    kith_dc *dc;
    unsigned asked = 0;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    config.external_addresses = externals;
    config.local_preference = preference;
    config.user = &asked;
    for (int only = 0; only < 2; only++) {
        config.external_only = only == 1;
        ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_OK);
        ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
        ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, &dc), KITH_OK);
        ck_assert_int_eq(kith_pc_set_local_description(pc, NULL), KITH_OK);
        while (kith_pc_ice_gathering_state(pc) != KITH_ICE_GATHERING_STATE_COMPLETE)
            (void)kith_loop_wait(loop, 1);
        const char *sdp = kith_pc_local_description(pc)->sdp;
        ck_assert_int_eq(!strstr(sdp, " 127.0.0.1 "), only);
        ck_assert_ptr_null(strstr(sdp, "203.0.113.1 "));
        unsigned long priority;
        const char *candidate = strstr(sdp, "203.0.113.9 ");
        ck_assert_ptr_nonnull(candidate);
        ck_assert_int_eq(sscanf(candidate - 11, "%lu", &priority), 1);
        ck_assert_ptr_nonnull(strstr(candidate, only ? " typ srflx raddr 0.0.0.0 rport 9"
                                                     : " typ srflx raddr 127.0.0.1 rport"));
        kith_pc_free(pc);
        kith_loop_free(loop);
    }
    ck_assert_uint_gt(asked, 0);
    static const char *const wrong[] = {"203.0.113.1:5000", "x",
                                        "203.0.113.1/",     "0.0.0.0",
                                        "203.0.113.1/::1",  "203.0.113.1/10.0.0.1/x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *const list[] = {wrong[i], NULL};
        config.external_addresses = list;
        ck_assert_msg(kith_loop_new(&loop, &config) == KITH_ERR_SYNTAX, "%s", wrong[i]);
    }
    const char *many[18];
    for (size_t i = 0; i < 17; i++)
        many[i] = "203.0.113.1";
    many[17] = NULL;
    config.external_addresses = many;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_ERR_RANGE);
}
END_TEST

START_TEST(running_needs_a_handler)
{
    kith_loop *loop = new_loop(NULL, NULL);
    ck_assert_int_eq(kith_loop_run(loop), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_loop_start(loop), KITH_ERR_TYPE);
    kith_loop_free(loop);
    kith_loop_free(NULL);
}
END_TEST

START_TEST(the_defaults_work)
{
    kith_loop *loop;
    ck_assert_int_eq(kith_loop_new(&loop, NULL), KITH_OK);
    ck_assert_ptr_null(kith_loop_wait(loop, 0));
    kith_loop_free(loop);
}
END_TEST

UNIT_MAIN("runtime: loop", a_wait_ends_after_its_time, a_stop_ends_one_wait_also_the_next_one,
          a_signal_handler_may_stop_it, the_descriptor_tells_of_posts_calls_and_deadlines,
          threads_may_post_to_a_loop_that_runs, threads_may_enter_even_a_loop_that_never_sleeps,
          from_within_entering_is_free_and_running_again_is_refused,
          a_loop_may_be_started_and_stopped_again, a_loop_that_was_stopped_twice_runs_again,
          what_was_posted_to_a_loop_that_never_ran_runs_when_it_is_freed,
          configurations_that_make_no_sense_are_refused, a_shared_port_that_is_taken_is_named,
          sockets_per_peer_stay_in_their_range_until_it_is_used_up,
          a_turn_reads_every_socket_that_has_something, running_needs_a_handler,
          external_addresses_and_preferences_are_the_owners_to_say, the_defaults_work)
