/* What becomes of TURN servers: a socket, a client, candidates, errors. Who asks for servers and
 * names is gather.c; a packet's way is pump.c's. */
#include "pc/relays.h"

#include <string.h>

#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/pc.h"

#define EACH_RELAY(t, relay)                                                                \
    KITH_LIST_EACH(&(t)->relays, relay##_node)                                              \
        for (kith_relay *relay = KITH_OWNER(relay##_node, kith_relay, in_transport); relay; \
             relay = NULL)

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

void kith_relays_init(kith_transport *t)
{
    kith_list_init(&t->relays);
}

static void close_socket(kith_relay *relay, kith_transport *t)
{
    if (relay->is_routed)
        kith_endpoint_remove_server_path(t->pc->ep, t, &relay->path);
    relay->is_routed = false;
    if (relay->socket)
        kith_endpoint_drop_request(t->pc->ep, relay->socket);
    relay->socket = NULL;
}

/* ICE knows nothing of it any more. */
static void withdraw(kith_transport *t, kith_relay *relay)
{
    for (unsigned i = 0; i < relay->relayed_count; i++)
        kith_ice_remove_local(t->ice, &relay->relayed[i], KITH_TCPTYPE_NONE);
    relay->relayed_count = 0;
}

static bool is_sibling(const kith_relay *a, const kith_relay *b)
{
    return a != b && same_text(a->url, b->url) && same_text(a->username, b->username);
}

static void free_relay(kith_transport *t, kith_relay *relay)
{
    close_socket(relay, t);
    kith_turn_free(relay->turn);
    kith_list_remove(&relay->in_transport);
    kith_free(relay->url);
    kith_free(relay->username);
    kith_free_secret(relay->credential);
    kith_free(relay);
}

void kith_relays_deinit(kith_transport *t)
{
    EACH_RELAY(t, relay)
    free_relay(t, relay);
}

/* ---- errors ---- */

/* webrtc-pc section 4.8.2: with the address that asked, if one did. */
static void tell(kith_transport *t, const kith_relay *relay)
{
    char address[KITH_ADDRESS_TEXT];
    kith_event ev = {.type = KITH_EV_ICE_CANDIDATE_ERROR, .pc = t->pc};
    if (relay->is_routed) {
        ev.ice_candidate_error.address =
            kith_address_format_ip(&relay->path.local, address, sizeof address);
        ev.ice_candidate_error.port = relay->path.local.port;
    }
    ev.ice_candidate_error.url = relay->url;
    ev.ice_candidate_error.error_code = relay->error_code;
    ev.ice_candidate_error.error_text = relay->error_text;
    KITH_LOG(&t->pc->log, INFO, "turn: %s: %d %s", relay->url, relay->error_code,
             relay->error_text);
    kith_events_push(t->pc, &ev);
}

static void note_error(kith_relay *relay, int code, const char *text)
{
    size_t len = strlen(text);
    if (len >= sizeof relay->error_text)
        len = sizeof relay->error_text - 1;
    relay->error_code = code;
    memcpy(relay->error_text, text, len);
    relay->error_text[len] = '\0';
}

/* The server's other address need not be waited for any more. */
static void end_head_start(kith_transport *t, const kith_relay *of)
{
    EACH_RELAY(t, relay)
    if (relay->begin_at != 0 && is_sibling(relay, of))
        relay->begin_at = t->pc->ep->now;
}

/* An error that was told when the wait ended is not told again. */
static void fail(kith_transport *t, kith_relay *relay, int code, const char *text)
{
    bool is_told = relay->is_settled;
    relay->is_failed = relay->is_settled = true;
    note_error(relay, code, text);
    if (!is_told)
        tell(t, relay);
    close_socket(relay, t);
    kith_turn_free(relay->turn);
    relay->turn = NULL;
    end_head_start(t, relay);
}

/* ---- sockets ---- */

/* The first local address in order of preference from which the server can be reached. */
static const kith_address *choose_local(const kith_transport *t, const kith_address *server)
{
    KITH_LIST_EACH(&t->pc->ep->locals, node) {
        const kith_local *known = KITH_OWNER(node, kith_local, in_endpoint);
        const kith_address *local = &known->address;
        if (known->protocol == KITH_UDP && kith_gather_may_use(t, known) &&
            local->family == server->family && !kith_address_is_link_local(local) &&
            kith_address_is_loopback(local) == kith_address_is_loopback(server))
            return local;
    }
    return NULL;
}

static void open_socket(kith_transport *t, kith_relay *relay)
{
    const kith_address *local = choose_local(t, &relay->server);
    if (!local)
        return;
    kith_pending_request *pending =
        kith_endpoint_new_request(t->pc->ep, t, KITH_PENDING_REQUEST_OPEN_FOR_RELAY);
    if (!pending) {
        KITH_LOG(&t->pc->log, ERROR, "out of memory: a TURN server was left out");
        return;
    }
    pending->local = *local;
    pending->local.port = 0;
    kith_list_append(&t->pending_requests, &pending->in_owner);
    relay->socket = pending;
}

static kith_relay *relay_of_socket(const kith_transport *t, const kith_pending_request *pending)
{
    EACH_RELAY(t, relay)
    if (relay->socket == pending)
        return relay;
    return NULL;
}

static bool make_client(kith_transport *t, kith_relay *relay)
{
    const kith_turn_config config = {
        .transaction_tag = t->tag,
        .server = relay->server,
        .username = relay->username,
        .credential = relay->credential,
        .log = &t->pc->log,
    };
    return kith_turn_new(&relay->turn, &config) == KITH_OK;
}

/* The packets of the server on our socket are this transport's. */
static bool set_route(kith_transport *t, kith_relay *relay)
{
    if (relay->is_routed)
        kith_endpoint_remove_server_path(t->pc->ep, t, &relay->path);
    relay->path = (kith_path){.local = relay->socket->local, .remote = relay->server};
    relay->path.remote.scope_id = relay->path.local.scope_id;
    relay->is_routed = kith_endpoint_add_server_path(t->pc->ep, t, &relay->path);
    return relay->is_routed;
}

void kith_relays_opened(kith_transport *t, struct kith_pending_request *pending)
{
    kith_relay *relay = relay_of_socket(t, pending);
    if (!relay)
        return;
    if (!set_route(t, relay) || (!relay->turn && !make_client(t, relay))) {
        fail(t, relay, KITH_TURN_UNREACHABLE, "out of memory");
        return;
    }
    if (relay->changes_port)
        kith_turn_port_changed(relay->turn);
    relay->changes_port = false;
}

void kith_relays_not_opened(kith_transport *t, const struct kith_pending_request *pending)
{
    kith_relay *relay = relay_of_socket(t, pending);
    if (!relay)
        return;
    relay->socket = NULL; /* the caller's to free */
    fail(t, relay, KITH_TURN_UNREACHABLE, "no socket could be opened for the TURN server");
}

void kith_relays_local_added(kith_transport *t)
{
    EACH_RELAY(t, relay)
    if (!relay->socket && !relay->is_failed && !relay->is_leaving && relay->begin_at == 0)
        open_socket(t, relay);
}

/* Another address may reach the server. */
void kith_relays_local_removed(kith_transport *t, const kith_address *local)
{
    EACH_RELAY(t, relay)
    {
        if (!relay->socket || !kith_address_same_ip(&relay->socket->local, local))
            continue;
        withdraw(t, relay);
        close_socket(relay, t);
        kith_turn_free(relay->turn);
        relay->turn = NULL;
        if (!relay->is_leaving)
            open_socket(t, relay);
    }
}

/* ---- gathering ---- */

static bool is_configured(const kith_transport *t, const kith_relay *relay, kith_server_url *url)
{
    for (size_t i = 0; kith_config_server_url(t->pc, i, url); i++)
        if (url->at.is_turn && same_text(url->url, relay->url) &&
            same_text(url->username, relay->username))
            return true;
    return false;
}

/* The configuration's URL of that server, where it may be with another user (a name that expires,
 * as of coturn's time-limited credentials). */
static bool find_url(const kith_transport *t, const kith_relay *relay, kith_server_url *url)
{
    if (is_configured(t, relay, url))
        return true;
    for (size_t i = 0; kith_config_server_url(t->pc, i, url); i++)
        if (url->at.is_turn && same_text(url->url, relay->url))
            return true;
    return false;
}

void kith_relays_configure(kith_transport *t)
{
    kith_server_url url;
    EACH_RELAY(t, relay)
    if (relay->turn && find_url(t, relay, &url) &&
        kith_turn_set_credentials(relay->turn, url.username, url.credential) != KITH_OK)
        KITH_LOG(&t->pc->log, ERROR, "out of memory: a TURN server's credentials stay as before");
}

/* One that failed is asked anew where it may be, or with another credential. */
static bool is_kept(const kith_transport *t, const kith_relay *relay)
{
    kith_server_url url;
    if (!is_configured(t, relay, &url))
        return false;
    return !relay->is_failed ||
           (t->pc->ep->now < relay->retry_at && same_text(url.credential, relay->credential));
}

static bool is_used(const kith_transport *t, const kith_relay *relay)
{
    for (unsigned i = 0; i < relay->relayed_count; i++)
        if (kith_ice_has_local(t->ice, &relay->relayed[i]))
            return true;
    return false;
}

/* Those that leave go when the generation that they serve has gone, and give their allocations back
 * first. */
static void sweep(kith_transport *t)
{
    EACH_RELAY(t, relay)
    {
        if (!relay->is_leaving || is_used(t, relay))
            continue;
        relay->relayed_count = 0;
        if (relay->turn && relay->is_routed)
            kith_turn_release(relay->turn);
        if (!relay->turn || !relay->is_routed || kith_turn_is_over(relay->turn))
            free_relay(t, relay);
    }
}

void kith_relays_begin(kith_transport *t)
{
    EACH_RELAY(t, relay)
    relay->is_leaving |= !is_kept(t, relay);
    sweep(t);
}

static void offer(kith_transport *t, const kith_relay *relay)
{
    const kith_address *seen = relay->mapped.family != 0 ? &relay->mapped : &relay->path.local;
    const kith_address *related = kith_gather_hides_hosts(t) ? NULL : seen;
    for (unsigned i = 0; i < relay->relayed_count; i++)
        if (kith_ice_add_relay(t->ice, &relay->relayed[i], related, relay->url) != KITH_OK)
            KITH_LOG(&t->pc->log, WARNING, "ice: a relayed address was left out");
}

/* One relay for a server and user, whatever its URLs say and its name resolves to next. */
static bool is_there(const kith_transport *t, const kith_server_url *url,
                     const kith_address *server)
{
    EACH_RELAY(t, relay)
    if (!relay->is_leaving && same_text(url->username, relay->username) &&
        (kith_address_equal(server, &relay->server) ||
         (same_text(url->url, relay->url) && server->family == relay->server.family)))
        return true;
    return false;
}

/* Without memory the one of before stays, which the server may refuse. */
static void renew_credential(kith_relay *relay, const kith_server_url *url)
{
    char *credential = kith_strdup(url->credential);
    if (credential && (!relay->turn || kith_turn_set_credentials(relay->turn, url->username,
                                                                 credential) == KITH_OK)) {
        kith_free_secret(relay->credential);
        relay->credential = credential;
    } else {
        kith_free_secret(credential);
    }
}

void kith_relays_reuse(kith_transport *t, const kith_server_url *url)
{
    EACH_RELAY(t, relay)
    {
        if (relay->is_leaving || !same_text(url->url, relay->url) ||
            !same_text(url->username, relay->username))
            continue;
        renew_credential(relay, url);
        if (relay->is_failed) {
            tell(t, relay);
            continue;
        }
        offer(t, relay);
        relay->is_settled = false;
    }
    kith_relays_refresh(t);
}

/* A server that was restarted knows nothing of them. */
void kith_relays_refresh(kith_transport *t)
{
    EACH_RELAY(t, relay)
    if (relay->turn)
        kith_turn_refresh(relay->turn);
}

static bool is_awaited(const kith_relay *relay)
{
    return (relay->socket || relay->begin_at != 0) && !relay->is_settled && !relay->is_leaving;
}

/* RFC 8305 section 5: so long IPv6 is asked alone. */
#define HEAD_START KITH_MS(250)

/* The server is asked at one of its addresses after the other, and one allocation brings both
 * families: where there is one, or asking is under way, the other address waits. */
static void begin_relay(kith_transport *t, kith_relay *relay)
{
    EACH_RELAY(t, other)
    if (is_sibling(relay, other) && !other->is_leaving && is_awaited(other))
        relay->begin_at = t->pc->ep->now + HEAD_START;
    if (relay->begin_at == 0)
        open_socket(t, relay);
}

static bool is_allocated_elsewhere(const kith_transport *t, const kith_relay *relay)
{
    EACH_RELAY(t, other)
    if (is_sibling(relay, other) && !other->is_leaving && other->relayed_count > 0)
        return true;
    return false;
}

void kith_relays_add(kith_transport *t, const kith_address *server, const kith_server_url *url)
{
    if (is_there(t, url, server))
        return;
    kith_relay *relay = kith_alloc_zero(1, sizeof *relay);
    if (!relay)
        return;
    kith_list_append(&t->relays, &relay->in_transport);
    relay->server = *server;
    relay->url = kith_strdup(url->url);
    relay->username = kith_strdup(url->username);
    relay->credential = kith_strdup(url->credential);
    if (!relay->url || !relay->username || !relay->credential || is_allocated_elsewhere(t, relay))
        free_relay(t, relay);
    else
        begin_relay(t, relay);
}

bool kith_relays_are_awaited(const kith_transport *t)
{
    EACH_RELAY(t, relay)
    if (is_awaited(relay))
        return true;
    return false;
}

void kith_relays_end_wait(kith_transport *t)
{
    EACH_RELAY(t, relay)
    {
        if (!is_awaited(relay))
            continue;
        relay->is_settled = true;
        if (relay->relayed_count > 0)
            continue;
        note_error(relay, KITH_TURN_UNREACHABLE, "the TURN server did not answer");
        tell(t, relay);
    }
}

/* ---- what the clients want known ---- */

static kith_relay *relay_of_address(const kith_transport *t, const kith_address *relayed);

/* A server that names an address of ours would have our own packets taken for the peer's. */
static bool is_ours(const kith_transport *t, const kith_address *relayed)
{
    KITH_LIST_EACH(&t->pc->ep->locals, node) {
        const kith_local *local = KITH_OWNER(node, kith_local, in_endpoint);
        if (local->protocol == KITH_UDP && kith_address_equal(&local->address, relayed))
            return true;
    }
    KITH_LIST_EACH(&t->pending_requests, node)
        if (kith_address_equal(&KITH_OWNER(node, kith_pending_request, in_owner)->local, relayed))
            return true;
    return relay_of_address(t, relayed);
}

static bool is_own_ip(const kith_transport *t, const kith_address *address)
{
    KITH_LIST_EACH(&t->pc->ep->locals, node)
        if (kith_address_same_ip(&KITH_OWNER(node, kith_local, in_endpoint)->address, address))
            return true;
    return false;
}

/* The first address of a server that brings an allocation is the one; the others are not needed. */
static void choose_address(kith_transport *t, kith_relay *relay)
{
    if (is_allocated_elsewhere(t, relay)) {
        relay->is_leaving = true;
        return;
    }
    EACH_RELAY(t, other)
    if (is_sibling(relay, other))
        other->is_leaving = true;
}

static void on_allocated(kith_transport *t, kith_relay *relay, const kith_turn_event *ev)
{
    choose_address(t, relay);
    if (relay->is_leaving)
        return;
    bool is_known = relay->relayed_count == ev->relayed_count &&
                    memcmp(relay->relayed, ev->relayed, sizeof relay->relayed) == 0;
    if (!is_known)
        withdraw(t, relay);
    for (unsigned i = 0; !is_known && i < ev->relayed_count; i++)
        if (!is_ours(t, &ev->relayed[i]))
            relay->relayed[relay->relayed_count++] = ev->relayed[i];
    relay->is_settled = true;
    relay->mapped = ev->mapped;
    offer(t, relay);
    if (!is_known)
        kith_gather_local_untold(t);
}

/* What is asked for now belongs to the user of the configuration. */
static void on_lost(kith_transport *t, kith_relay *relay)
{
    kith_server_url url;
    withdraw(t, relay);
    char *username = find_url(t, relay, &url) ? kith_strdup(url.username) : NULL;
    if (!username)
        return;
    kith_free(relay->username);
    relay->username = username;
    renew_credential(relay, &url);
}

static void on_other_port(kith_transport *t, kith_relay *relay)
{
    close_socket(relay, t);
    relay->changes_port = true;
    open_socket(t, relay);
    if (!relay->socket)
        fail(t, relay, KITH_TURN_UNREACHABLE, "no socket could be opened for the TURN server");
}

static void on_refused(kith_transport *t, const kith_relay *relay, const kith_turn_event *ev)
{
    KITH_LOG(&t->pc->log, INFO, "turn: the server refuses a peer: %d %s", ev->error_code,
             ev->error_text);
    for (unsigned i = 0; i < relay->relayed_count; i++)
        kith_ice_relay_refused(t->ice, &relay->relayed[i], &ev->peer,
                               "the TURN server refuses this peer");
}

static void on_event(kith_transport *t, kith_relay *relay, const kith_turn_event *ev)
{
    switch (ev->type) {
    case KITH_TURN_EV_ALLOCATED:
        on_allocated(t, relay, ev);
        break;
    case KITH_TURN_EV_LOST:
        on_lost(t, relay);
        break;
    case KITH_TURN_EV_FAILED:
        withdraw(t, relay);
        relay->retry_at = ev->retry_at;
        fail(t, relay, ev->error_code, ev->error_text);
        break;
    case KITH_TURN_EV_OTHER_PORT:
        on_other_port(t, relay);
        break;
    case KITH_TURN_EV_REFUSED:
        on_refused(t, relay, ev);
        break;
    case KITH_TURN_EV_ICMP: /* anybody may have made it up */
        break;
    }
}

/* A redirected client speaks with another server (RFC 8489 section 10). One elsewhere may not lead
 * to our own machine. */
static void follow_server(kith_transport *t, kith_relay *relay)
{
    if (!relay->turn || !relay->is_routed ||
        kith_address_equal(kith_turn_server(relay->turn), &relay->server))
        return;
    bool was_ours = is_own_ip(t, &relay->server);
    relay->server = *kith_turn_server(relay->turn);
    if (!was_ours && is_own_ip(t, &relay->server))
        fail(t, relay, 300, "the TURN server names an address of ours as its alternate");
    else if (!set_route(t, relay))
        fail(t, relay, KITH_TURN_UNREACHABLE, "out of memory");
}

void kith_relays_settle(kith_transport *t)
{
    bool has_news = false;
    EACH_RELAY(t, relay)
    {
        for (kith_turn_event ev; relay->turn && kith_turn_event_next(relay->turn, &ev);
             has_news = true)
            on_event(t, relay, &ev);
        follow_server(t, relay);
    }
    sweep(t);
    if (has_news)
        kith_gather_answered(t);
}

/* ---- packets ---- */

kith_relay *kith_relays_of_path(const kith_transport *t, const kith_path *path)
{
    EACH_RELAY(t, relay)
    if (relay->is_routed && relay->turn && kith_path_equal(&relay->path, path))
        return relay;
    return NULL;
}

static kith_relay *relay_of_address(const kith_transport *t, const kith_address *relayed)
{
    EACH_RELAY(t, relay)
    for (unsigned i = 0; i < relay->relayed_count; i++)
        if (kith_address_equal(&relay->relayed[i], relayed))
            return relay;
    return NULL;
}

/* A listener of ours may have the number of a relayed port. */
kith_relay *kith_relays_under_path(const kith_transport *t, const kith_path *path)
{
    return path->protocol == KITH_UDP ? relay_of_address(t, &path->local) : NULL;
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

size_t kith_relays_output(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                          size_t cap)
{
    EACH_RELAY(t, relay)
    {
        size_t len =
            relay->turn && relay->is_routed ? kith_turn_output(relay->turn, now, buf, cap) : 0;
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
    EACH_RELAY(t, relay)
    {
        if (!relay->turn || !relay->is_routed || kith_turn_is_over(relay->turn))
            continue;
        kith_turn_release(relay->turn);
        size_t len = kith_turn_output(relay->turn, now, buf, cap);
        if (len > 0) {
            *path = relay->path;
            return len;
        }
    }
    return 0;
}

kith_time kith_relays_deadline(const kith_transport *t)
{
    kith_time at = KITH_NEVER;
    EACH_RELAY(t, relay)
    {
        kith_time due =
            relay->turn && relay->is_routed ? kith_turn_deadline(relay->turn) : KITH_NEVER;
        if (relay->begin_at != 0 && relay->begin_at < due)
            due = relay->begin_at;
        at = due < at ? due : at;
    }
    return at;
}

void kith_relays_tick(kith_transport *t, kith_time now)
{
    EACH_RELAY(t, relay)
    {
        if (relay->turn && relay->is_routed)
            kith_turn_tick(relay->turn, now);
        if (relay->begin_at == 0 || now < relay->begin_at)
            continue;
        relay->begin_at = 0;
        open_socket(t, relay);
    }
}
