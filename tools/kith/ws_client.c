/* WebSocket client over libwebsockets, with a reactor in its loop. */
#include "ws_client.h"

#include "lws_reactor.h"
#include "tool.h"

#include "io/resolver.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Same limit as the hub's: a description with many candidates is some 20 KiB. */
enum { MAX_MESSAGE = 256 * 1024 };

/* What a name and a server may take before the attempt is given up. */
enum { MAX_LAST_TURNS = 64 };
enum { RESOLVE_MS = 1500, CONNECT_SECONDS = 10 };

struct outgoing {
    struct outgoing *next;
    size_t len;
    /* LWS_PRE bytes of room, then the text */
    unsigned char data[];
};

struct ws_client {
    struct lws_context *context;
    /* the last is empty */
    struct lws_protocols protocols[3];
    struct lws *wsi;
    reactor *reactor;
    const ws_client_callbacks *callbacks;
    void *user;
    /* without brackets */
    char *host;
    /* HOST[:PORT] as it was given */
    char *authority;
    char *path;
    int port;
    /* of the host; tried in turn */
    kith_resolved addresses;
    size_t next_address;
    struct outgoing *first, **last;
    /* being put together */
    char *message;
    size_t message_len;
    bool open;
    /* and reported */
    bool closed;
};

/* ws://HOST[:PORT][/PATH]; an IPv6 address stands in brackets. */
static bool parse_url(ws_client *client, const char *url)
{
    static const char scheme[] = "ws://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *host = url + sizeof scheme - 1;
    size_t authority_len = strcspn(host, "/");
    const char *path = host + authority_len;
    size_t host_len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    long port = 80;
    if (host_len == 0 || host_len > authority_len || strpbrk(host, " \r\n?#@"))
        return false;
    if (host_len < authority_len) {
        char *end = NULL;
        if (host[host_len] != ':')
            return false;
        port = strtol(host + host_len + 1, &end, 10);
        if (end != path || end == host + host_len + 1 || port < 1 || port > 65535)
            return false;
    }
    bool in_brackets = host[0] == '[';
    client->host = tool_alloc(host_len + 1);
    memcpy(client->host, host + in_brackets, host_len - 2u * in_brackets);
    client->authority = tool_alloc(authority_len + 1);
    memcpy(client->authority, host, authority_len);
    client->path = tool_copy_text(*path ? path : "/");
    client->port = (int)port;
    return true;
}

static void free_url(ws_client *client)
{
    free(client->host);
    free(client->authority);
    free(client->path);
}

static void report_close(ws_client *client, const char *words)
{
    if (client->closed)
        return;
    client->closed = true;
    client->open = false;
    client->callbacks->on_close(client->user, words);
}

static int take_fragment(ws_client *client, struct lws *wsi, const char *data, size_t len)
{
    if (client->message_len + len > MAX_MESSAGE)
        return -1;
    client->message = tool_resize(client->message, client->message_len + len + 1);
    memcpy(client->message + client->message_len, data, len);
    client->message_len += len;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
        return 0;
    client->message[client->message_len] = '\0';
    size_t whole = client->message_len;
    client->message_len = 0;
    client->callbacks->on_text(client->user, client->message, whole);
    return 0;
}

static int send_next(ws_client *client, struct lws *wsi)
{
    struct outgoing *out = client->first;
    if (!out)
        return 0;
    int sent = lws_write(wsi, out->data + LWS_PRE, out->len, LWS_WRITE_TEXT);
    client->first = out->next;
    if (!client->first)
        client->last = &client->first;
    free(out);
    if (client->first)
        lws_callback_on_writable(wsi);
    return sent < 0 ? -1 : 0;
}

/* RFC 6455 section 5.5.1: a close frame may carry a code of two bytes and a reason. */
static void report_close_frame(ws_client *client, const unsigned char *data, size_t len)
{
    char words[160];
    if (len < 2)
        return;
    snprintf(words, sizeof words, "the server closed the signalling with %d %.*s",
             data[0] << 8 | data[1], (int)(len - 2), (const char *)data + 2);
    report_close(client, words);
}

static const char protocol_name[] = "kith-signalling";

/* Begins with the next address of the host; false when there is none left. A failure is told by
 * CLIENT_CONNECTION_ERROR. */
static bool connect_next(ws_client *client)
{
    char address[KITH_ADDRESS_TEXT];
    if (client->next_address == client->addresses.count)
        return false;
    kith_address ip = client->addresses.addresses[client->next_address++];
    ip.port = 0;
    struct lws_client_connect_info connect = {
        .context = client->context,
        .address = kith_address_format(&ip, address, sizeof address),
        .host = client->authority,
        .port = client->port,
        .path = client->path,
        .protocol = NULL,
        .local_protocol_name = protocol_name,
        .pwsi = &client->wsi,
    };
    lws_client_connect_via_info(&connect);
    return true;
}

static int on_ws(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                 size_t len)
{
    ws_client *client = lws_context_user(lws_get_context(wsi));
    (void)session;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        client->open = true;
        client->callbacks->on_open(client->user);
        if (client->first)
            lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return take_fragment(client, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        if (client->closed && !client->first) {
            lws_close_reason(wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
            return -1;
        }
        return send_next(client, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        report_close_frame(client, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (!connect_next(client))
            report_close(client, in ? in : "the signalling server cannot be reached");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        client->wsi = NULL;
        report_close(client, "the signalling connection was closed");
        return 0;
    default:
        return 0;
    }
}

static bool start(ws_client *client)
{
    client->protocols[0] = (struct lws_protocols){
        .name = protocol_name,
        .callback = on_ws,
        .rx_buffer_size = 65536,
    };
    client->protocols[1] = lws_reactor_protocol(client->reactor);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = client->protocols,
        .user = client,
        .gid = -1,
        .uid = -1,
        .timeout_secs = CONNECT_SECONDS,
        .connect_timeout_secs = CONNECT_SECONDS,
    };
    client->context = lws_create_context(&info);
    return client->context &&
           lws_reactor_adopt(lws_get_vhost_by_name(client->context, "default"), client->reactor);
}

bool ws_client_check_url(const char *url)
{
    ws_client parsed = {0};
    bool good = parse_url(&parsed, url);
    if (!good)
        tool_error("\"%s\" is not of the form ws://HOST[:PORT]/PATH", url);
    free_url(&parsed);
    return good;
}

static void wake(void *user)
{
    sem_post(user);
}

/* The system's resolver may take half a minute; we do not. */
static bool resolve_name(ws_client *client)
{
    sem_t answered;
    sem_init(&answered, 0, 0);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    long nanoseconds = until.tv_nsec + RESOLVE_MS % 1000 * 1000000L;
    until.tv_sec += RESOLVE_MS / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    kith_resolver *resolver = kith_resolver_new(wake, &answered);
    bool done = resolver && kith_resolver_ask(resolver, 0, client->host, false) &&
                sem_timedwait(&answered, &until) == 0 &&
                kith_resolver_event(resolver, &client->addresses);
    kith_resolver_free(resolver);
    sem_destroy(&answered);
    return done;
}

/* False after explaining. */
static bool find_addresses(ws_client *client)
{
    kith_address *first = &client->addresses.addresses[0];
    if (kith_address_parse(first, client->host) == KITH_OK) {
        client->addresses.count = 1;
        return true;
    }
    bool answered = resolve_name(client);
    if (!answered)
        tool_error("%s: no name server answers", client->host);
    else if (client->addresses.count == 0)
        tool_error("%s: the name cannot be resolved", client->host);
    return client->addresses.count > 0;
}

ws_client *ws_client_new(const char *url, reactor *r, const ws_client_callbacks *callbacks,
                         void *user)
{
    ws_client *client = tool_alloc(sizeof *client);
    client->reactor = r;
    client->callbacks = callbacks;
    client->user = user;
    client->last = &client->first;
    lws_set_log_level(0, NULL);
    bool ready = parse_url(client, url) && find_addresses(client);
    if (ready && !(ready = start(client)))
        tool_error("cannot start libwebsockets");
    if (!ready) {
        ws_client_free(client);
        return NULL;
    }
    connect_next(client);
    return client;
}

void ws_client_send(ws_client *client, const char *text)
{
    size_t len = strlen(text);
    struct outgoing *out = tool_alloc(sizeof *out + LWS_PRE + len);
    memcpy(out->data + LWS_PRE, text, len);
    out->len = len;
    *client->last = out;
    client->last = &out->next;
    if (client->open)
        lws_callback_on_writable(client->wsi);
}

void ws_client_run_once(ws_client *client)
{
    lws_reactor_service(client->context, client->reactor);
}

/* Says what waits and a close frame, as long as the system takes it at once. */
static void take_leave(ws_client *client)
{
    if (!client->open)
        return;
    for (int i = 0; i < MAX_LAST_TURNS && client->wsi; i++) {
        lws_callback_on_writable(client->wsi);
        lws_service(client->context, -1);
    }
}

void ws_client_free(ws_client *client)
{
    if (!client)
        return;
    client->closed = true; /* what happens from here on interests nobody */
    take_leave(client);
    if (client->context)
        lws_context_destroy(client->context);
    while (client->first) {
        struct outgoing *out = client->first;
        client->first = out->next;
        free(out);
    }
    free(client->message);
    free_url(client);
    free(client);
}
