/* What becomes of TURN servers: clients, candidates, errors. Who asks for servers and names is
 * gather.c; the way to a server is relay_socket.c's, a packet's way pump.c's. */
#include "pc/relays.h"

#include <string.h>

#include "base/memory.h"
#include "pc/endpoint.h"
#include "pc/pc.h"

static bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

void kith_relays_init(kith_transport *t)
{
    kith_list_init(&t->relays);
}

void kith_relay_withdraw(kith_transport *t, kith_relay *relay)
{
    for (unsigned i = 0; i < relay->relayed_count; i++)
        kith_ice_remove_local(t->ice, &relay->relayed[i], KITH_TCPTYPE_NONE);
    relay->relayed_count = 0;
}

/* Another way to the same server: its other address, or another transport. */
static bool is_sibling(const kith_relay *a, const kith_relay *b)
{
    bool same_url = same_text(a->url, b->url);
    return a != b && same_text(a->username, b->username) &&
           (same_url || (a->at.transport != b->at.transport && same_text(a->at.host, b->at.host)));
}

static bool is_awaited(const kith_relay *relay)
{
    return (relay->socket || relay->begin_at != 0 || relay->delay > 0) && !relay->is_settled &&
           !relay->is_leaving;
}

static void free_relay(kith_transport *t, kith_relay *relay)
{
    kith_relay_close(t, relay);
    kith_turn_free(relay->turn);
    kith_list_remove(&relay->in_transport);
    kith_free(relay->url);
    kith_free(relay->username);
    kith_free(relay->server_name);
    kith_free_secret(relay->credential);
    kith_free(relay);
}

void kith_relays_deinit(kith_transport *t)
{
    KITH_EACH_RELAY(t, relay)
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

/* Is a better transport to the same server being tried? */
static bool has_better(const kith_transport *t, const kith_relay *than)
{
    KITH_EACH_RELAY(t, relay)
    if (is_sibling(relay, than) && relay->at.transport < than->at.transport && is_awaited(relay))
        return true;
    return false;
}

/* What waited for this way alone begins. */
static void end_head_start(kith_transport *t, const kith_relay *of)
{
    KITH_EACH_RELAY(t, relay)
    if (is_sibling(relay, of) && !has_better(t, relay) &&
        (relay->begin_at != 0 || relay->delay > 0)) {
        relay->begin_at = t->pc->ep->now;
        relay->delay = 0;
    }
}

/* An error that was told when the wait ended is not told again. */
void kith_relay_fail(kith_transport *t, kith_relay *relay, int code, const char *text)
{
    bool is_told = relay->is_settled;
    kith_relay_withdraw(t, relay); /* its client may not have said yet that it has none any more */
    relay->is_failed = relay->is_settled = true;
    note_error(relay, code, text);
    if (!is_told)
        tell(t, relay);
    kith_relay_close(t, relay);
    kith_turn_free(relay->turn);
    relay->turn = NULL;
    end_head_start(t, relay);
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
    KITH_EACH_RELAY(t, relay)
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
    KITH_EACH_RELAY(t, relay)
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
    KITH_EACH_RELAY(t, relay)
    relay->is_leaving |= !is_kept(t, relay);
    sweep(t);
}

static void offer(kith_transport *t, const kith_relay *relay)
{
    const kith_address *seen = relay->mapped.family != 0 ? &relay->mapped : &relay->path.local;
    const kith_address *related = kith_gather_hides_hosts(t) ? NULL : seen;
    for (unsigned i = 0; i < relay->relayed_count; i++)
        if (kith_ice_add_relay(t->ice, &relay->relayed[i], related, relay->url,
                               relay->at.transport) != KITH_OK)
            KITH_LOG(&t->pc->log, WARNING, "ice: a relayed address was left out");
}

/* One relay for a server, transport and user, whatever its URLs say and its name resolves to next.
 */
static bool is_there(const kith_transport *t, const kith_server_url *url,
                     const kith_address *server)
{
    KITH_EACH_RELAY(t, relay)
    if (!relay->is_leaving && same_text(url->username, relay->username) &&
        relay->at.transport == url->at.transport &&
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
    KITH_EACH_RELAY(t, relay)
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
    KITH_EACH_RELAY(t, relay)
    if (relay->turn)
        kith_turn_refresh(relay->turn);
}

/* RFC 8305 section 5: so long IPv6 is asked alone. */
#define HEAD_START KITH_MS(250)
/* A server that answers by UDP, at 0 or at 500 ms, is not connected to. */
#define STREAM_DELAY KITH_MS(600)
#define TLS_DELAY    KITH_MS(900)

static bool has_failed(const kith_transport *t, const kith_server_url *url)
{
    KITH_EACH_RELAY(t, relay)
    if (relay->is_failed && same_text(url->url, relay->url) &&
        same_text(url->username, relay->username))
        return true;
    return false;
}

/* What is better by the configuration is tried, or will be when its name is resolved. */
static bool has_better_url(const kith_transport *t, const kith_relay *than)
{
    kith_server_url url;
    for (size_t i = 0; kith_config_server_url(t->pc, i, &url); i++)
        if (url.at.is_turn && url.at.transport < than->at.transport &&
            same_text(url.at.host, than->at.host) && same_text(url.username, than->username) &&
            !has_failed(t, &url))
            return true;
    return false;
}

static kith_time transport_delay(const kith_transport *t, const kith_relay *relay)
{
    if (!has_better_url(t, relay))
        return 0;
    return relay->at.transport == KITH_SERVER_TCP ? STREAM_DELAY : TLS_DELAY;
}

/* The server is asked at one of its addresses after the other and by one transport after the other,
 * and one allocation brings both families: where asking is under way, the other waits. */
static void begin_relay(kith_transport *t, kith_relay *relay)
{
    relay->delay = transport_delay(t, relay);
    KITH_EACH_RELAY(t, other)
    if (is_sibling(relay, other) && relay->at.transport == other->at.transport && is_awaited(other))
        relay->delay += HEAD_START;
    if (relay->delay == 0)
        kith_relay_begin(t, relay);
}

/* By no worse a transport. */
static bool is_allocated_elsewhere(const kith_transport *t, const kith_relay *relay)
{
    KITH_EACH_RELAY(t, other)
    if (is_sibling(relay, other) && !other->is_leaving && other->relayed_count > 0 &&
        other->at.transport <= relay->at.transport)
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
    relay->at = url->at;
    relay->give_up_at = KITH_NEVER;
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
    KITH_EACH_RELAY(t, relay)
    if (is_awaited(relay))
        return true;
    return false;
}

void kith_relays_end_wait(kith_transport *t)
{
    KITH_EACH_RELAY(t, relay)
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

/* A server that names an address of ours would have our own packets taken for the peer's. */
static bool is_ours(const kith_transport *t, const kith_address *relayed)
{
    KITH_LIST_EACH(&t->pc->ep->locals, node) {
        const kith_local *local = KITH_OWNER(node, kith_local, in_endpoint);
        if (local->protocol == KITH_UDP && kith_address_equal(&local->address, relayed))
            return true;
    }
    KITH_LIST_EACH(&t->pending_requests, node) {
        const kith_pending_request *pending = KITH_OWNER(node, kith_pending_request, in_owner);
        if (kith_request_is_socket(pending) && kith_address_equal(&pending->local, relayed))
            return true;
    }
    return kith_relays_of_address(t, relayed);
}

static bool is_own_ip(const kith_transport *t, const kith_address *address)
{
    KITH_LIST_EACH(&t->pc->ep->locals, node)
        if (kith_address_same_ip(&KITH_OWNER(node, kith_local, in_endpoint)->address, address))
            return true;
    return false;
}

/* The first address of a server that brings an allocation is the one; the others are not needed. A
 * better transport that comes later is better still: peers on the other move by its priority. */
static void choose_address(kith_transport *t, kith_relay *relay)
{
    if (is_allocated_elsewhere(t, relay)) {
        relay->is_leaving = true;
        return;
    }
    KITH_EACH_RELAY(t, other)
    if (is_sibling(relay, other) && other->at.transport >= relay->at.transport)
        other->is_leaving = true;
    else if (is_sibling(relay, other))
        other->is_settled = true;
}

static void on_allocated(kith_transport *t, kith_relay *relay, const kith_turn_event *ev)
{
    choose_address(t, relay);
    if (relay->is_leaving)
        return;
    bool is_known = relay->relayed_count == ev->relayed_count &&
                    memcmp(relay->relayed, ev->relayed, sizeof relay->relayed) == 0;
    if (!is_known)
        kith_relay_withdraw(t, relay);
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
    kith_relay_withdraw(t, relay);
    char *username = find_url(t, relay, &url) ? kith_strdup(url.username) : NULL;
    if (!username)
        return;
    kith_free(relay->username);
    relay->username = username;
    renew_credential(relay, &url);
}

static void on_other_port(kith_transport *t, kith_relay *relay)
{
    kith_relay_close(t, relay);
    relay->changes_port = true;
    kith_relay_open(t, relay);
    if (!relay->socket && !relay->is_failed)
        kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE,
                        "no socket could be opened for the TURN server");
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
        kith_relay_withdraw(t, relay);
        relay->retry_at = ev->retry_at;
        kith_relay_fail(t, relay, ev->error_code, ev->error_text);
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

/* False: out of memory. */
static bool take_server(kith_relay *relay)
{
    const char *name = kith_turn_server_name(relay->turn);
    relay->server = *kith_turn_server(relay->turn);
    if (!name)
        return true;
    kith_free(relay->server_name);
    relay->server_name = kith_strdup(name);
    return relay->server_name;
}

/* A redirected client speaks with another server (RFC 8489 section 10). One elsewhere may not lead
 * to our own machine. */
static void follow_server(kith_transport *t, kith_relay *relay)
{
    if (!relay->turn || !relay->is_routed ||
        kith_address_equal(kith_turn_server(relay->turn), &relay->server))
        return;
    bool was_ours = is_own_ip(t, &relay->server);
    bool is_taken = take_server(relay);
    if (!was_ours && is_own_ip(t, &relay->server)) {
        kith_relay_fail(t, relay, 300, "the TURN server names an address of ours as its alternate");
    } else if (is_taken && relay->messages) {
        kith_relay_close(t, relay);
        kith_relay_open(t, relay);
    } else if (!is_taken || !kith_relay_set_route(t, relay)) {
        kith_relay_fail(t, relay, KITH_TURN_UNREACHABLE, "out of memory");
    }
}

void kith_relays_settle(kith_transport *t)
{
    bool has_news = false;
    KITH_EACH_RELAY(t, relay)
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
