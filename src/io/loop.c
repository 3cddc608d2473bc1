/* A loop from its making to its end, and the turn between: wait, receive, timeouts, requests,
 * send. */
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "io/clock.h"
#include "io/io.h"

/* The end of a loop is bounded: so many turns, so much time. */
#define LAST_TURNS 64
#define LAST_TIME  KITH_MS(200)

/* ---- a turn ---- */

static kith_time earlier(kith_time a, kith_time b)
{
    return a < b ? a : b;
}

kith_time kith_loop_deadline(kith_loop *loop)
{
    if (!kith_posts_empty(&loop->posts))
        return 0;
    kith_time at = kith_endpoint_timeout(loop->ep);
    if (loop->full) /* packets wait for the socket, so 0 says nothing */
        at = at == 0 ? loop->full_until : earlier(at, loop->full_until);
    at = earlier(at, kith_watches_deadline(&loop->watches));
    at = earlier(at, kith_tcp_deadline(loop));
    at = earlier(at, kith_turn_driver_deadline(loop));
    at = earlier(at, kith_nat_driver_deadline(loop));
    return earlier(at, earlier(loop->look_again_at, kith_names_deadline(loop)));
}

static void open_socket(kith_loop *loop, const kith_request *request)
{
    kith_address bound;
    bool opened = kith_sockets_open(loop, &request->local, &bound) == KITH_OK;
    kith_endpoint_handle_opened(loop->ep, loop->now, request->id, opened ? &bound : NULL);
}

static void handle_requests(kith_loop *loop)
{
    const kith_request *request;
    while ((request = kith_endpoint_poll_request(loop->ep))) {
        switch (request->type) {
        case KITH_REQUEST_OPEN:
            open_socket(loop, request);
            break;
        case KITH_REQUEST_CLOSE:
            kith_sockets_close(loop, &request->local);
            break;
        case KITH_REQUEST_RESOLVE:
            kith_names_ask(loop, request);
            break;
        case KITH_REQUEST_CONNECT:
            kith_tcp_connect(loop, request);
            break;
        case KITH_REQUEST_DISCONNECT:
            kith_tcp_disconnect(loop, request);
            break;
        }
    }
}

void kith_loop_turn(kith_loop *loop, kith_time until)
{
    kith_wait_sleep(loop, until);
    kith_posts_run(&loop->posts, loop);
    kith_watches_run(loop);
    if (kith_endpoint_timeout(loop->ep) <= loop->now)
        kith_endpoint_handle_timeout(loop->ep, loop->now);
    kith_locals_update(loop);
    kith_tcp_update(loop);
    handle_requests(loop);
    kith_names_update(loop);
    kith_turn_driver_update(loop);
    kith_nat_driver_update(loop);
    kith_sockets_send(loop);
}

/* ---- beginning ---- */

static kith_time read_clock(void *user)
{
    (void)user;
    return kith_clock_now();
}

static kith_err copy_config(kith_loop_config *out, const kith_loop_config *cfg)
{
    *out = (kith_loop_config)KITH_LOOP_CONFIG_INIT;
    if (!cfg)
        return KITH_OK;
    kith_err err = kith_config_read(out, sizeof *out, cfg, "KITH_LOOP_CONFIG_INIT");
    if (err != KITH_OK)
        return err;
    if (out->port_begin > out->port_end || (out->port_begin == 0) != (out->port_end == 0))
        return kith_fail(KITH_ERR_RANGE, "ports %u to %u are no range", out->port_begin,
                         out->port_end);
    if (out->receive_buffer < 0 || out->send_buffer < 0)
        return kith_fail(KITH_ERR_RANGE, "a buffer's size is negative");
    for (size_t i = 0; i < sizeof out->reserved / sizeof out->reserved[0]; i++)
        if (out->reserved[i])
            return kith_fail(KITH_ERR_NOT_SUPPORTED,
                             "a reserved field of the configuration is set");
    return KITH_OK;
}

static kith_err make_endpoint(kith_loop *loop)
{
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    config.ntp_time_at_zero = kith_clock_ntp_at_zero();
    config.clock = read_clock;
    config.wake = kith_wait_notice;
    config.user = loop;
    config.tls_roots = loop->config.tls_roots;
    return kith_endpoint_new(&loop->ep, &config);
}

kith_err kith_loop_new(kith_loop **out, const kith_loop_config *cfg)
{
    kith_loop_config config;
    kith_err err = copy_config(&config, cfg);
    if (err != KITH_OK)
        return err;
    kith_loop *loop = kith_alloc_zero(1, sizeof *loop);
    if (!loop)
        return kith_fail_memory();
    loop->config = config;
    loop->route_watch.fd = -1;
    loop->look_again_at = KITH_NEVER;
    loop->now = kith_clock_now();
    kith_threads_init(loop);
    kith_watches_init(&loop->watches);
    kith_sockets_init(loop);
    kith_tcp_init(&loop->tcp);
    kith_names_init(loop);
    err = kith_wait_init(loop);
    if (err == KITH_OK)
        err = make_endpoint(loop);
    if (err == KITH_OK)
        err = kith_locals_init(loop);
    if (err != KITH_OK) {
        kith_loop_free(loop);
        return err;
    }
    /* the caller's; done with */
    loop->config.bind_addresses = loop->config.external_addresses = NULL;
    loop->config.tls_roots = NULL;
    *out = loop;
    return KITH_OK;
}

kith_endpoint *kith_loop_endpoint(kith_loop *loop)
{
    return loop->ep;
}

/* ---- the end ---- */

/* Runs what was posted and sends what the peers say last. */
static void finish(kith_loop *loop)
{
    kith_time end = kith_clock_now() + LAST_TIME;
    for (int i = 0; i < LAST_TURNS; i++) {
        kith_loop_turn(loop, loop->full ? end : 0);
        if (loop->now >= end || (!loop->full && kith_loop_deadline(loop) > loop->now))
            break;
    }
    kith_tcp_part(loop);
    while (loop->now < end && !kith_list_empty(&loop->tcp.parting))
        kith_loop_turn(loop, end);
}

void kith_loop_free(kith_loop *loop)
{
    if (!loop)
        return;
    kith_threads_stop(loop);
    kith_watches_end(loop);
    if (loop->ep) {
        kith_endpoint_close(loop->ep);
        finish(loop);
    }
    kith_endpoint_free(loop->ep);
    kith_turn_driver_deinit(loop);
    kith_nat_driver_deinit(loop);
    kith_names_deinit(loop);
    kith_locals_deinit(loop);
    kith_sockets_deinit(loop);
    kith_tcp_deinit(&loop->tcp);
    kith_watches_deinit(loop);
    kith_wait_deinit(loop);
    kith_threads_deinit(loop);
    kith_free(loop);
}
