/* One WebSocket, by libwebsockets in a thread of its own: what this library does while it connects
 * (names, TLS) may block, and it has its own idea of waiting. The thread tells the loop of what
 * happens by kith_loop_post; the loop tells the thread by lws_cancel_service. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libwebsockets.h>

#include "signaler/wire.h"

enum {
    CONNECT_SECONDS = 10,
    /* a server that is gone is noticed */
    PING_SECONDS = 15,
    SILENCE_SECONDS = 30,
    /* for a close frame to leave, and the server's to come */
    LEAVE_MS = 300,
    MAX_WORDS = 200,
    /* each way; beyond it the server waits, or the program */
    MAX_WAITING_BYTES = 1024 * 1024,
    MAX_WAITING_TEXTS = 512,
};

/* A text that leaves, or, without a text but words, the end. */
struct item {
    struct item *next;
    bool is_end, is_final;
    size_t len;
    /* LWS_PRE bytes of room, then the text and a NUL */
    unsigned char data[];
};

struct queue {
    struct item *first, **last;
    size_t count, bytes;
};

struct kith_websocket {
    pthread_mutex_t mutex;
    /* has_ended; of `in` something was taken, or we leave */
    pthread_cond_t ended, taken;

    /* behind the mutex; loop NULL: closed */
    kith_loop *loop;
    /* owner, thread, a post that is under way */
    int references;
    bool is_posted, has_ended;
    /* the end was told: there is nobody left to take leave of */
    bool is_over;
    struct queue in, out;
    /* somebody waits for `out` */
    bool was_full;
    /* of the thread, to be woken */
    struct lws_context *context;

    /* the loop's thread's */
    const kith_wire_callbacks *callbacks;
    void *user;

    /* set before the thread begins */
    kith_websocket_url url;
    char *protocol_names, *ca_file;

    /* the thread's */
    struct lws_protocols protocols[2];
    struct lws *wsi;
    struct addrinfo *addresses, *next_address;
    char *message;
    size_t message_len;
    bool is_open, has_reported_end;
};

/* ---- URLs ---- */

void kith_websocket_free_url(kith_websocket_url *url)
{
    free(url->host);
    free(url->authority);
    free(url->path);
    *url = (kith_websocket_url){0};
}

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool parse_port(uint16_t *port, const char *text, const char *expected_end)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);
    *port = (uint16_t)value;
    return end == expected_end && end != text && value >= 1 && value <= 65535;
}

/* A copy whose first character is a slash. */
static char *copy_path(const char *path)
{
    size_t size = strlen(path) + 2;
    char *copy = malloc(size);
    if (copy)
        snprintf(copy, size, "%s%s", path[0] == '/' ? "" : "/", path);
    return copy;
}

/* An IPv6 address stands in brackets; a path in the form that HTTP wants it. */
bool kith_websocket_parse_url(kith_websocket_url *url, const char *text)
{
    const char *plain = after(text, "ws://"), *secure = after(text, "wss://");
    const char *host = plain ? plain : secure;
    if (!host)
        return false;
    size_t authority_len = strcspn(host, "/?");
    size_t host_len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?");
    const char *path = host + authority_len;
    *url = (kith_websocket_url){.uses_tls = secure, .port = secure ? 443 : 80};
    if (host_len == 0 || host_len > authority_len || strpbrk(text, " \r\n\t#@"))
        return false;
    if (host_len < authority_len &&
        (host[host_len] != ':' || !parse_port(&url->port, host + host_len + 1, path)))
        return false;
    size_t in_brackets = host[0] == '[';
    url->host = strndup(host + in_brackets, host_len - 2 * in_brackets);
    url->authority = strndup(host, authority_len);
    url->path = copy_path(path);
    if (url->host && url->authority && url->path)
        return true;
    kith_websocket_free_url(url);
    return false;
}

/* ---- between the threads ---- */

static void push(struct queue *queue, struct item *item)
{
    item->next = NULL;
    *queue->last = item;
    queue->last = &item->next;
    queue->count++;
    queue->bytes += item->len;
}

static struct item *take(struct queue *queue)
{
    struct item *item = queue->first;
    if (!item)
        return NULL;
    if (!(queue->first = item->next))
        queue->last = &queue->first;
    queue->count--;
    queue->bytes -= item->len;
    return item;
}

static void free_queue(struct queue *queue)
{
    for (struct item *item; (item = take(queue));)
        free(item);
}

static struct item *make_item(const void *data, size_t len)
{
    struct item *item = calloc(1, sizeof *item + LWS_PRE + len + 1);
    if (!item)
        return NULL;
    memcpy(item->data + LWS_PRE, data, len);
    item->len = len;
    return item;
}

/* The mutex is held, and is not afterwards. */
static void unreference(kith_websocket *ws)
{
    bool is_last = --ws->references == 0;
    pthread_mutex_unlock(&ws->mutex);
    if (!is_last)
        return;
    free_queue(&ws->in);
    free_queue(&ws->out);
    kith_websocket_free_url(&ws->url);
    free(ws->protocol_names);
    free(ws->ca_file);
    free(ws->message);
    pthread_cond_destroy(&ws->ended);
    pthread_cond_destroy(&ws->taken);
    pthread_mutex_destroy(&ws->mutex);
    free(ws);
}

static void deliver(kith_loop *loop, void *arg);

static bool is_full(const struct queue *queue)
{
    return queue->count >= MAX_WAITING_TEXTS || queue->bytes >= MAX_WAITING_BYTES;
}

/* The mutex is held. */
static void post(kith_websocket *ws)
{
    if (!ws->loop || ws->is_posted || kith_loop_post(ws->loop, deliver, ws) != KITH_OK)
        return;
    ws->is_posted = true;
    ws->references++;
}

/* In the loop's thread: what has come by now, so that the loop has other things told, too. A
 * callback may close us. */
static void deliver(kith_loop *loop, void *arg)
{
    kith_websocket *ws = arg;
    (void)loop;
    pthread_mutex_lock(&ws->mutex);
    ws->is_posted = false;
    struct item *item;
    for (size_t count = ws->in.count; ws->loop && count > 0 && (item = take(&ws->in)); count--) {
        ws->is_over = item->is_end;
        pthread_mutex_unlock(&ws->mutex);
        const char *text = (const char *)item->data + LWS_PRE;
        if (item->is_end)
            ws->callbacks->closed(ws->user, text, item->is_final);
        else
            ws->callbacks->text(ws->user, text, item->len);
        free(item);
        pthread_mutex_lock(&ws->mutex);
    }
    pthread_cond_signal(&ws->taken);
    if (ws->in.first)
        post(ws);
    unreference(ws);
}

/* Takes over the item, which may be NULL: out of memory, and the text is lost. Where much waits the
 * server has to wait, too, by TCP. */
static void tell(kith_websocket *ws, struct item *item)
{
    if (!item)
        return;
    pthread_mutex_lock(&ws->mutex);
    push(&ws->in, item);
    post(ws);
    while (ws->is_posted && ws->loop && is_full(&ws->in))
        pthread_cond_wait(&ws->taken, &ws->mutex);
    pthread_mutex_unlock(&ws->mutex);
}

static void tell_end(kith_websocket *ws, const char *words, bool is_final)
{
    if (ws->has_reported_end)
        return;
    ws->has_reported_end = true;
    ws->is_open = false;
    struct item *item = make_item(words, strlen(words));
    if (item) {
        item->is_end = true;
        item->is_final = is_final;
    }
    tell(ws, item);
}

/* ---- the thread ---- */

static int take_fragment(kith_websocket *ws, const void *data, size_t len)
{
    if (ws->message_len + len > KITH_WIRE_MAX_MESSAGE)
        return -1;
    char *moved = realloc(ws->message, ws->message_len + len + 1);
    if (!moved)
        return -1;
    ws->message = moved;
    memcpy(ws->message + ws->message_len, data, len);
    ws->message_len += len;
    if (!lws_is_final_fragment(ws->wsi) || lws_remaining_packet_payload(ws->wsi) > 0)
        return 0;
    tell(ws, make_item(ws->message, ws->message_len));
    ws->message_len = 0;
    return 0;
}

/* What waits, one at a time; then, when we leave, a close frame. */
static int write_next(kith_websocket *ws)
{
    pthread_mutex_lock(&ws->mutex);
    struct item *item = take(&ws->out);
    bool leaves = !ws->loop, has_more = ws->out.first || leaves;
    if (ws->was_full && !ws->out.first) {
        ws->was_full = false;
        post(ws); /* the loop asks for what else there is */
    }
    pthread_mutex_unlock(&ws->mutex);
    if (!item && leaves) {
        lws_close_reason(ws->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    if (!item)
        return 0;
    int sent = lws_write(ws->wsi, item->data + LWS_PRE, item->len, LWS_WRITE_TEXT);
    free(item);
    if (has_more)
        lws_callback_on_writable(ws->wsi);
    return sent < 0 ? -1 : 0;
}

/* Codes of who would refuse us again: of RFC 6455 section 7.4.1 and of the hub. */
static bool is_refusal(int code)
{
    static const int codes[] = {1002, 1003, 1007, 1009, 1010, 4001, 4003};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (code == codes[i])
            return true;
    return false;
}

/* RFC 6455 section 5.5.1: a close frame may carry a code of two bytes and a reason. */
static void take_close_frame(kith_websocket *ws, const unsigned char *data, size_t len)
{
    char words[MAX_WORDS];
    int code = len < 2 ? 1005 : data[0] << 8 | data[1];
    if (len < 2)
        snprintf(words, sizeof words, "the server closed the connection");
    else
        snprintf(words, sizeof words, "the server closed the connection with %d %.*s", code,
                 (int)(len - 2), (const char *)data + 2);
    tell_end(ws, words, is_refusal(code));
}

/* A failure that shows later is told by CLIENT_CONNECTION_ERROR; one that shows at once (no
 * network) is not. */
static bool connect_to(kith_websocket *ws, const struct addrinfo *to)
{
    static const lws_retry_bo_t pings = {.secs_since_valid_ping = PING_SECONDS,
                                         .secs_since_valid_hangup = SILENCE_SECONDS};
    char address[NI_MAXHOST];
    if (getnameinfo(to->ai_addr, to->ai_addrlen, address, sizeof address, NULL, 0,
                    NI_NUMERICHOST) != 0)
        return false;
    struct lws_client_connect_info connect = {
        .context = ws->context,
        .address = address,
        .host = ws->url.authority,
        .port = ws->url.port,
        .path = ws->url.path,
        .ssl_connection = ws->url.uses_tls ? LCCSCF_USE_SSL : 0,
        .protocol = ws->protocol_names,
        .local_protocol_name = ws->protocols[0].name,
        .retry_and_idle_policy = &pings,
        .pwsi = &ws->wsi,
    };
    if (lws_client_connect_via_info(&connect))
        return true;
    ws->wsi = NULL;
    return false;
}

/* With the next address of the host that can be tried; false: there is none left. */
static bool connect_next(kith_websocket *ws)
{
    while (ws->next_address) {
        const struct addrinfo *next = ws->next_address;
        ws->next_address = next->ai_next;
        if (connect_to(ws, next))
            return true;
    }
    return false;
}

/* RFC 9110 section 15.5: what the client has to change; but 408, and 425 (RFC 8470) and 429 (RFC
 * 6585), which are about the time. */
static bool is_http_refusal(unsigned status)
{
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void take_failure(kith_websocket *ws, struct lws *wsi, const char *why)
{
    char words[MAX_WORDS];
    unsigned status = lws_http_client_http_response(wsi);
    bool is_final = is_http_refusal(status);
    ws->wsi = NULL;
    if (is_final)
        snprintf(words, sizeof words, "the server refuses with HTTP status %u", status);
    else
        snprintf(words, sizeof words, "%s", why ? why : "the server cannot be reached");
    if (is_final || !connect_next(ws))
        tell_end(ws, words, is_final);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                    size_t len)
{
    kith_websocket *ws = lws_context_user(lws_get_context(wsi));
    (void)session;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        ws->is_open = true;
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return take_fragment(ws, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_next(ws);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        take_close_frame(ws, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        take_failure(ws, wsi, in);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        ws->wsi = NULL;
        tell_end(ws, "the connection to the server was lost", false);
        return 0;
    default:
        return 0;
    }
}

static bool start(kith_websocket *ws)
{
    ws->protocols[0] =
        (struct lws_protocols){.name = "kith", .callback = on_event, .rx_buffer_size = 65536};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = ws->protocols,
        .user = ws,
        .gid = -1,
        .uid = -1,
        .timeout_secs = CONNECT_SECONDS,
        .connect_timeout_secs = CONNECT_SECONDS,
        .options = ws->url.uses_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .client_ssl_ca_filepath = ws->ca_file,
    };
    lws_set_log_level(0, NULL); /* a library does not speak to the user's terminal */
    struct lws_context *context = lws_create_context(&info);
    pthread_mutex_lock(&ws->mutex);
    ws->context = context;
    pthread_mutex_unlock(&ws->mutex);
    return context;
}

/* Is there something to write, and somebody to write for? */
static bool look_at_loop(kith_websocket *ws)
{
    pthread_mutex_lock(&ws->mutex);
    bool leaves = !ws->loop, has_work = leaves || ws->out.first;
    pthread_mutex_unlock(&ws->mutex);
    if (has_work && ws->is_open && ws->wsi)
        lws_callback_on_writable(ws->wsi);
    return !leaves || ws->is_open;
}

static void run(kith_websocket *ws)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    char words[MAX_WORDS];
    int error = getaddrinfo(ws->url.host, NULL, &hints, &ws->addresses);
    if (error != 0) {
        snprintf(words, sizeof words, "%s: %s", ws->url.host, gai_strerror(error));
        tell_end(ws, words, false);
        return;
    }
    ws->next_address = ws->addresses;
    if (!start(ws)) {
        tell_end(ws, "libwebsockets cannot be started, or a certificate file cannot be read", true);
        return;
    }
    if (!connect_next(ws))
        tell_end(ws, "the server cannot be reached", false);
    while (!ws->has_reported_end && look_at_loop(ws))
        lws_service(ws->context, 0);
    /* The answer to a close frame leaves with the next turn. */
    for (int i = 0; i < 2 && ws->wsi; i++)
        lws_service(ws->context, -1);
}

static void *run_thread(void *arg)
{
    kith_websocket *ws = arg;
    run(ws);
    pthread_mutex_lock(&ws->mutex);
    struct lws_context *context = ws->context;
    ws->context = NULL;
    pthread_mutex_unlock(&ws->mutex);
    if (context)
        lws_context_destroy(context);
    if (ws->addresses)
        freeaddrinfo(ws->addresses);
    pthread_mutex_lock(&ws->mutex);
    ws->has_ended = true;
    pthread_cond_broadcast(&ws->ended);
    unreference(ws);
    return NULL;
}

/* ---- the loop's thread ---- */

/* The program's signals are for the program's threads; and what OpenSSL writes to a connection that
 * is gone is no SIGPIPE. */
static int begin_thread(kith_websocket *ws)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, run_thread, ws);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_detach(thread);
    return error;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static bool copy_options(kith_websocket *ws, const kith_websocket_url *url, const char *protocols,
                         const char *ca_file)
{
    ws->url = *url;
    ws->url.host = copy(url->host);
    ws->url.authority = copy(url->authority);
    ws->url.path = copy(url->path);
    ws->protocol_names = copy(protocols);
    ws->ca_file = copy(ca_file);
    return ws->url.host && ws->url.authority && ws->url.path && ws->protocol_names &&
           (ws->ca_file || !ca_file);
}

kith_websocket *kith_websocket_open(kith_loop *loop, const kith_websocket_url *url,
                                    const char *protocols, const char *ca_file,
                                    const kith_wire_callbacks *callbacks, void *user)
{
    pthread_condattr_t monotonic;
    kith_websocket *ws = calloc(1, sizeof *ws);
    if (!ws)
        return NULL;
    *ws = (kith_websocket){.loop = loop, .references = 2, .callbacks = callbacks, .user = user};
    ws->in.last = &ws->in.first;
    ws->out.last = &ws->out.first;
    pthread_mutex_init(&ws->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ws->ended, &monotonic);
    pthread_cond_init(&ws->taken, NULL);
    pthread_condattr_destroy(&monotonic);
    int error = copy_options(ws, url, protocols, ca_file) ? begin_thread(ws) : ENOMEM;
    if (error == 0)
        return ws;
    pthread_mutex_lock(&ws->mutex);
    ws->references = 1;
    unreference(ws);
    errno = error;
    return NULL;
}

bool kith_websocket_send(kith_websocket *ws, const char *text, size_t len)
{
    pthread_mutex_lock(&ws->mutex);
    bool has_room = !is_full(&ws->out);
    struct item *item = has_room ? make_item(text, len) : NULL;
    ws->was_full |= !has_room;
    if (item)
        push(&ws->out, item);
    if (item && ws->context)
        lws_cancel_service(ws->context);
    pthread_mutex_unlock(&ws->mutex);
    return item;
}

void kith_websocket_close(kith_websocket *ws)
{
    struct timespec until;
    if (!ws)
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long nanoseconds = until.tv_nsec + LEAVE_MS * 1000000L;
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_mutex_lock(&ws->mutex);
    ws->loop = NULL;
    pthread_cond_signal(&ws->taken);
    if (ws->context)
        lws_cancel_service(ws->context);
    while (ws->context && !ws->has_ended && !ws->is_over &&
           pthread_cond_timedwait(&ws->ended, &ws->mutex, &until) == 0)
        ;
    unreference(ws);
}
