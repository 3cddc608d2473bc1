/* HTTP by libwebsockets in a thread. The loop holds still while the counters are read. */
#include "turn_metrics.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct turn_metrics {
    kith_loop *loop;
    kith_turn_server *server;
    struct lws_context *context;
    /* the last is empty */
    struct lws_protocols protocols[2];
    kith_address bound;
    pthread_t thread;
    bool has_thread;
    atomic_bool ends;
};

/* ---- a request ---- */

static char *read_counters(struct turn_metrics *metrics)
{
    kith_loop_enter(metrics->loop);
    char *text = kith_turn_server_metrics(metrics->server);
    kith_loop_leave(metrics->loop);
    return text;
}

static int refuse(struct lws *wsi, unsigned status)
{
    if (lws_return_http_status(wsi, status, NULL) != 0)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int answer(struct lws *wsi, struct turn_metrics *metrics, const char *path)
{
    unsigned char buffer[LWS_PRE + 512], *start = buffer + LWS_PRE, *at = start;
    unsigned char *end = buffer + sizeof buffer - 1;
    if (strcmp(path, "/metrics") != 0)
        return refuse(wsi, HTTP_STATUS_NOT_FOUND);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return refuse(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED);
    char *text = read_counters(metrics);
    if (!text)
        return refuse(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE);
    lws_set_opaque_user_data(wsi, text);
    if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8",
                                    strlen(text), &at, end) ||
        lws_finalize_write_http_header(wsi, start, &at, end))
        return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

static void forget_text(struct lws *wsi)
{
    kith_free(lws_get_opaque_user_data(wsi));
    lws_set_opaque_user_data(wsi, NULL);
}

static int write_text(struct lws *wsi)
{
    const char *text = lws_get_opaque_user_data(wsi);
    size_t len = text ? strlen(text) : 0;
    if (!text)
        return -1;
    unsigned char *body = tool_alloc(LWS_PRE + len);
    memcpy(body + LWS_PRE, text, len);
    int sent = lws_write(wsi, body + LWS_PRE, len, LWS_WRITE_HTTP_FINAL);
    free(body);
    forget_text(wsi);
    return sent < 0 || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                   size_t len)
{
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return answer(wsi, protocol->user, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_text(wsi);
    case LWS_CALLBACK_CLOSED_HTTP:
        forget_text(wsi);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return -1; /* no WebSocket here */
    default:
        return lws_callback_http_dummy(wsi, reason, session, in, len);
    }
}

/* ---- beginning and end ---- */

static bool listen_on(struct turn_metrics *metrics, const kith_address *listen)
{
    char iface[KITH_ADDRESS_TEXT];
    kith_address ip = *listen;
    ip.port = 0;
    kith_address_format(&ip, iface, sizeof iface);
    metrics->protocols[0] =
        (struct lws_protocols){.name = "kith-turn-metrics", .callback = on_http, .user = metrics};
    struct lws_context_creation_info info = {
        .port = listen->port,
        .iface = tool_is_any(listen) ? NULL : iface,
        .protocols = metrics->protocols,
        .gid = -1,
        .uid = -1,
        .keepalive_timeout = 10,
        .server_string = "kith",
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   (listen->family == KITH_IPV4 ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0),
    };
    lws_set_log_level(0, NULL);
    metrics->context = lws_create_context(&info);
    struct lws_vhost *vhost = metrics->context ? lws_create_vhost(metrics->context, &info) : NULL;
    if (!vhost)
        return false;
    metrics->bound = *listen;
    metrics->bound.port = (uint16_t)lws_get_vhost_listen_port(vhost);
    return true;
}

static void *serve(void *arg)
{
    struct turn_metrics *metrics = arg;
    while (!atomic_load(&metrics->ends))
        lws_service(metrics->context, 0);
    return NULL;
}

/* Signals are for the main thread. */
static bool start(struct turn_metrics *metrics)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    metrics->has_thread = pthread_create(&metrics->thread, NULL, serve, metrics) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return metrics->has_thread;
}

struct turn_metrics *turn_metrics_new(kith_loop *loop, kith_turn_server *server,
                                      const kith_address *listen)
{
    char text[KITH_ADDRESS_TEXT];
    struct turn_metrics *metrics = tool_alloc(sizeof *metrics);
    metrics->loop = loop;
    metrics->server = server;
    if (listen_on(metrics, listen) && start(metrics))
        return metrics;
    tool_error("cannot listen on %s (is the port in use, or the address not of this machine?)",
               kith_address_format(listen, text, sizeof text));
    turn_metrics_free(metrics);
    return NULL;
}

void turn_metrics_print(const struct turn_metrics *metrics)
{
    char text[KITH_ADDRESS_TEXT];
    printf("kith turn: metrics: http://%s/metrics\n",
           kith_address_format(&metrics->bound, text, sizeof text));
    fflush(stdout);
}

void turn_metrics_free(struct turn_metrics *metrics)
{
    if (!metrics)
        return;
    atomic_store(&metrics->ends, true);
    if (metrics->has_thread) {
        lws_cancel_service(metrics->context);
        pthread_join(metrics->thread, NULL);
    }
    if (metrics->context)
        lws_context_destroy(metrics->context);
    free(metrics);
}
