/* The way to a TURN server and back: a UDP socket, or a TCP connection with TLS in it or not. What
 * ends a connection is told to the client, which has lost its allocation with it (RFC 8656 section
 * 3.1); one that worked is made again for a while. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/pc.h"
#include "pc/relays.h"

/* A connection is there and TLS is not open, or it takes no bytes. */
#define PATIENCE KITH_SECONDS(10)
/* A connection that worked is made again, at once and then so often, for so long: what is restarted
 * is back by then. */
#define RECONNECT_INTERVAL KITH_SECONDS(1)
#define RECONNECT_TIME     KITH_SECONDS(10)

/* ---- sockets ---- */

static bool is_stream(const kith_relay *relay)
{
    return kith_server_is_stream(relay->at.transport);
}

/* The first local address in order of preference from which the server can be reached. */
static const kith_address *choose_local(const kith_transport *t, const kith_relay *relay)
{
    kith_protocol protocol = is_stream(relay) ? KITH_TCP : KITH_UDP;
    const kith_address *server = &relay->server;
    KITH_LIST_EACH(&t->pc->ep->locals, node) {
        const kith_local *known = KITH_OWNER(node, kith_local, in_endpoint);
        const kith_address *local = &known->address;
        if (known->protocol == protocol && kith_gather_may_use(t, known) &&
            local->family == server->family && !kith_address_is_link_local(local) &&
            kith_address_is_loopback(local) == kith_address_is_loopback(server))
            return local;
    }
    return NULL;
}

/* A driver that has addresses, and none for TCP, does not speak it. */
static bool lacks_tcp(const kith_transport *t)
{
    KITH_LIST_EACH(&t->pc->ep->locals, node)
        if (KITH_OWNER(node, kith_local, in_endpoint)->protocol == KITH_TCP)
            return false;
    return !kith_list_empty(&t->pc->ep->locals);
}

void kith_relay_open(kith_transport *t, kith_relay *relay)
{
    const kith_address *local = choose_local(t, relay);
    if (!local)
        return;
    kith_pending_request *pending =
        kith_endpoint_new_request(t->pc->ep, t,
                                  is_stream(relay) ? KITH_PENDING_REQUEST_CONNECT_FOR_RELAY
                                                   : KITH_PENDING_REQUEST_OPEN_FOR_RELAY);
    if (!pending) {
        KITH_LOG(&t->pc->log, ERROR, "out of memory: a TURN server was left out");
        return;
    }
    pending->local = *local;
    pending->local.port = 0;
    pending->remote = relay->server;
    kith_list_append(&t->pending_requests, &pending->in_owner);
    relay->socket = pending;
}

void kith_relay_begin(kith_transport *t, kith_relay *relay)
{
    if (is_stream(relay) && lacks_tcp(t))
        kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE,
                        "there is no address to make TCP connections from");
    else
        kith_relay_open(t, relay);
}

/* What the request was answered with; the request, if it is still there, is the caller's. */
static void forget(kith_transport *t, kith_relay *relay)
{
    if (relay->is_routed)
        kith_endpoint_remove_server_path(t->pc->ep, t, &relay->path);
    relay->is_routed = false;
    relay->socket = NULL;
    relay->give_up_at = KITH_NEVER;
    kith_messages_free(relay->messages);
    relay->messages = NULL;
}

void kith_relay_close(kith_transport *t, kith_relay *relay)
{
    kith_pending_request *socket = relay->socket;
    forget(t, relay);
    if (socket)
        kith_endpoint_drop_request(t->pc->ep, socket);
}

static kith_relay *relay_of_socket(const kith_transport *t, const kith_pending_request *pending)
{
    KITH_EACH_RELAY(t, relay)
    if (relay->socket == pending)
        return relay;
    return NULL;
}

static bool make_client(kith_transport *t, kith_relay *relay)
{
    const kith_turn_config config = {
        .transaction_tag = t->tag,
        .server = relay->server,
        .is_reliable = is_stream(relay),
        .username = relay->username,
        .credential = relay->credential,
        .log = &t->pc->log,
    };
    return kith_turn_new(&relay->turn, &config) == KITH_OK;
}

bool kith_relay_set_route(kith_transport *t, kith_relay *relay)
{
    if (relay->is_routed)
        kith_endpoint_remove_server_path(t->pc->ep, t, &relay->path);
    relay->path = (kith_path){.local = relay->socket->local,
                              .remote = relay->server,
                              .protocol = is_stream(relay) ? KITH_TCP : KITH_UDP};
    if (!is_stream(relay))
        relay->path.remote.scope_id = relay->path.local.scope_id;
    relay->is_routed = kith_endpoint_add_server_path(t->pc->ep, t, &relay->path);
    return relay->is_routed;
}

/* There is a way to the server: the client asks. */
static void begin(kith_transport *t, kith_relay *relay)
{
    if (!kith_relay_set_route(t, relay) || (!relay->turn && !make_client(t, relay))) {
        kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE, "out of memory");
        return;
    }
    if (relay->changes_port)
        kith_turn_port_changed(relay->turn);
    relay->changes_port = false;
}

void kith_relays_opened(kith_transport *t, struct kith_pending_request *pending)
{
    kith_relay *relay = relay_of_socket(t, pending);
    if (relay)
        begin(t, relay);
}

void kith_relays_not_opened(kith_transport *t, const struct kith_pending_request *pending)
{
    kith_relay *relay = relay_of_socket(t, pending);
    if (!relay)
        return;
    relay->socket = NULL; /* the caller's to free */
    kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE,
                    "no socket could be opened for the TURN server");
}

void kith_relays_local_added(kith_transport *t)
{
    KITH_EACH_RELAY(t, relay)
    if (!relay->socket && !relay->is_failed && !relay->is_leaving && relay->begin_at == 0 &&
        relay->delay == 0)
        kith_relay_open(t, relay);
}

/* Another address may reach the server. */
void kith_relays_local_removed(kith_transport *t, const struct kith_local *local)
{
    KITH_EACH_RELAY(t, relay)
    {
        if (!relay->socket || is_stream(relay) != (local->protocol == KITH_TCP) ||
            !kith_address_same_ip(&relay->socket->local, &local->address))
            continue;
        kith_relay_withdraw(t, relay);
        kith_relay_close(t, relay);
        kith_turn_free(relay->turn);
        relay->turn = NULL;
        if (!relay->is_leaving)
            kith_relay_open(t, relay);
    }
}

/* ---- connections ---- */

/* The connection is made again: at once if that was not tried lately. */
static void reconnect(kith_transport *t, kith_relay *relay)
{
    kith_time now = t->pc->ep->now;
    kith_turn_disconnected(relay->turn);
    relay->changes_port = true;
    if (now >= relay->connect_at)
        kith_relay_open(t, relay);
    else
        relay->begin_at = relay->connect_at;
    relay->connect_at = (now > relay->connect_at ? now : relay->connect_at) + RECONNECT_INTERVAL;
}

/* It has ended, or is of no use. */
static void lose(kith_transport *t, kith_relay *relay, const char *why)
{
    kith_time now = t->pc->ep->now;
    kith_relay_close(t, relay);
    if (relay->is_leaving)
        kith_relay_withdraw(t, relay);
    if (relay->is_leaving || t->pc->closed)
        return;
    if (relay->turn && kith_turn_is_allocated(relay->turn))
        relay->connect_until = now + RECONNECT_TIME;
    if (relay->turn && now < relay->connect_until)
        reconnect(t, relay);
    else
        kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE, why);
    kith_gather_answered(t);
}

/* RFC 7443: what is spoken inside. RFC 8489 section 10: whose certificate is expected. */
static bool make_messages(kith_transport *t, kith_relay *relay)
{
    const kith_tls_client client = {.name =
                                        relay->server_name ? relay->server_name : relay->at.host,
                                    .unix_seconds = kith_pc_unix_seconds(t->pc),
                                    .protocol = "stun.turn"};
    const kith_tls_context *context = NULL;
    if (relay->at.transport == KITH_SERVER_TLS) {
        context = kith_endpoint_tls(t->pc->ep);
        if (!context)
            return false;
    }
    return kith_messages_new(&relay->messages, context, &client) == KITH_OK;
}

static void note_patience(const kith_transport *t, kith_relay *relay)
{
    if (!kith_messages_wait(relay->messages))
        relay->give_up_at = KITH_NEVER;
    else if (relay->give_up_at == KITH_NEVER)
        relay->give_up_at = t->pc->ep->now + PATIENCE;
}

static void free_request(kith_pending_request *request)
{
    kith_list_remove(&request->in_owner);
    kith_free(request);
}

void kith_relays_connected(kith_transport *t, struct kith_pending_request *pending,
                           const kith_path *path, const char *why)
{
    kith_relay *relay = relay_of_socket(t, pending);
    assert(relay); /* who gives it up drops its request */
    if (!path) {
        free_request(pending);
        relay->socket = NULL;
        lose(t, relay, why);
        return;
    }
    pending->local = path->local;
    pending->remote = path->remote;
    if (!make_messages(t, relay)) {
        kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE, kith_last_error()->message);
        return;
    }
    note_patience(t, relay);
    begin(t, relay);
}

void kith_relays_closed(kith_transport *t, const kith_path *path)
{
    kith_relay *relay = kith_relays_of_path(t, path);
    if (!relay)
        return;
    kith_pending_request *socket = relay->socket;
    forget(t, relay);
    free_request(socket);
    lose(t, relay, "the TURN server closed the connection");
}

void kith_relays_writable(kith_transport *t, const kith_path *path, bool is_writable)
{
    kith_relay *relay = kith_relays_of_path(t, path);
    if (!relay)
        return;
    kith_messages_set_writable(relay->messages, is_writable);
    note_patience(t, relay);
}

void kith_relays_look_at(kith_transport *t, const kith_path *path)
{
    kith_relay *relay = kith_relays_of_path(t, path);
    if (!relay || !relay->messages)
        return;
    const char *why = kith_messages_why_over(relay->messages);
    char text[sizeof relay->error_text];
    bool is_tls = relay->at.transport == KITH_SERVER_TLS;
    note_patience(t, relay);
    if (!why)
        return;
    snprintf(text, sizeof text, "%s%s", is_tls ? "TLS: " : "", why);
    lose(t, relay, text);
}

/* ---- packets ---- */

kith_relay *kith_relays_of_path(const kith_transport *t, const kith_path *path)
{
    KITH_EACH_RELAY(t, relay)
    if (relay->is_routed && relay->turn && kith_path_equal(&relay->path, path))
        return relay;
    return NULL;
}

kith_relay *kith_relays_of_address(const kith_transport *t, const kith_address *relayed)
{
    KITH_EACH_RELAY(t, relay)
    for (unsigned i = 0; i < relay->relayed_count; i++)
        if (kith_address_equal(&relay->relayed[i], relayed))
            return relay;
    return NULL;
}

/* A listener of ours may have the number of a relayed port. */
kith_relay *kith_relays_under_path(const kith_transport *t, const kith_path *path)
{
    return path->protocol == KITH_UDP ? kith_relays_of_address(t, &path->local) : NULL;
}

/* The relayed address that a peer of this family sent to. */
static bool relayed_path(const kith_relay *relay, const kith_turn_data *got, kith_path *path)
{
    for (unsigned i = 0; i < relay->relayed_count; i++)
        if (relay->relayed[i].family == got->peer.family) {
            *path = (kith_path){.local = relay->relayed[i], .remote = got->peer};
            return true;
        }
    return false;
}

bool kith_relays_input(kith_relay *relay, kith_time now, const kith_stun *m, kith_path *path,
                       kith_span *data)
{
    kith_turn_data got;
    if (!kith_turn_input(relay->turn, now, m, &got))
        return false;
    *data = got.data;
    return relayed_path(relay, &got, path);
}

bool kith_relays_input_channel(kith_relay *relay, kith_time now, kith_span packet, kith_path *path,
                               kith_span *data)
{
    kith_turn_data got;
    if (!kith_turn_input_channel(relay->turn, now, packet, &got))
        return false;
    *data = got.data;
    return relayed_path(relay, &got, path);
}

bool kith_relay_takes_bytes(const kith_relay *relay)
{
    return is_stream(relay) ? relay->messages && kith_messages_take(relay->messages) : true;
}

size_t kith_relay_send(const kith_relay *relay, uint8_t *buf, size_t len, size_t cap)
{
    return relay->messages && len > 0 ? kith_messages_send(relay->messages, buf, len, cap) : len;
}

/* What waits, then what the client has to say. */
static size_t output(const kith_relay *relay, kith_time now, uint8_t *buf, size_t cap)
{
    size_t len = relay->messages ? kith_messages_output(relay->messages, buf, cap) : 0;
    if (len > 0 || !kith_relay_takes_bytes(relay))
        return len;
    return kith_relay_send(relay, buf, kith_turn_output(relay->turn, now, buf, cap), cap);
}

static void begin_delays(kith_transport *t, kith_time now)
{
    KITH_EACH_RELAY(t, relay)
    if (relay->delay > 0) {
        relay->begin_at = now + relay->delay;
        relay->delay = 0;
    }
}

size_t kith_relays_output(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                          size_t cap)
{
    begin_delays(t, now);
    KITH_EACH_RELAY(t, relay)
    {
        size_t len = relay->turn && relay->is_routed ? output(relay, now, buf, cap) : 0;
        if (len > 0) {
            *path = relay->path;
            return len;
        }
    }
    return 0;
}

size_t kith_relays_take_leave(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                              size_t cap)
{
    KITH_EACH_RELAY(t, relay)
    {
        if (!relay->turn || !relay->is_routed || kith_turn_is_over(relay->turn) ||
            !kith_relay_takes_bytes(relay))
            continue;
        kith_turn_release(relay->turn);
        size_t len = output(relay, now, buf, cap);
        if (len > 0) {
            *path = relay->path;
            return len;
        }
    }
    return 0;
}

/* A client whose connection takes nothing has nothing to do. */
static kith_time deadline(const kith_relay *relay)
{
    if (!relay->turn || !relay->is_routed)
        return KITH_NEVER;
    kith_time at = kith_relay_takes_bytes(relay) ? kith_turn_deadline(relay->turn) : KITH_NEVER;
    return relay->messages && relay->give_up_at < at ? relay->give_up_at : at;
}

kith_time kith_relays_deadline(const kith_transport *t)
{
    kith_time at = KITH_NEVER;
    KITH_EACH_RELAY(t, relay)
    {
        kith_time due = deadline(relay);
        if (relay->begin_at != 0 && relay->begin_at < due)
            due = relay->begin_at;
        at = due < at ? due : at;
    }
    return at;
}

static void give_up(kith_transport *t, kith_relay *relay)
{
    lose(t, relay,
         kith_messages_is_open(relay->messages) ? "the connection to the TURN server is stuck"
                                                : "the TURN server does not answer to TLS");
}

void kith_relays_tick(kith_transport *t, kith_time now)
{
    KITH_EACH_RELAY(t, relay)
    {
        if (relay->turn && relay->is_routed)
            kith_turn_tick(relay->turn, now);
        if (relay->messages && now >= relay->give_up_at)
            give_up(t, relay);
        if (relay->begin_at == 0 || now < relay->begin_at)
            continue;
        relay->begin_at = 0;
        kith_relay_begin(t, relay);
    }
}
