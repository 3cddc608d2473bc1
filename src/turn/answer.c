/* What an answer of the server means (RFC 8489 sections 9.2.5 and 10, RFC 8656 sections 7.4, 8, 9
 * and 12). Without right integrity a success is none, and an error is only what is left when
 * nothing better came; 401, 438 and 300 cannot have it and do not change what we have. */
#include "turn/client.h"

/* What a redirection may lead to: the ports that servers stand on, and any that is not privileged.
 */
static bool is_server_port(uint16_t port)
{
    return port == 53 || port == 80 || port == 443 || port >= 1024;
}

/* RFC 8656 section 7.4: 60 s after 486 and 508. */
#define CAPACITY_RETRY KITH_SECONDS(60)
/* Section 7.4 says two minutes after 437. */
#define MISMATCH_RETRY KITH_SECONDS(120)
/* A Refresh that nobody answered is sent again until the lifetime is over. */
#define REFRESH_RETRY KITH_SECONDS(5)

/* ---- errors as data ---- */

/* Printable characters of the server's words; they are shown to people. */
static void read_error(kith_turn_error *out, const kith_stun *m)
{
    kith_span reason = m->error_code.reason;
    size_t len = 0;
    out->code = kith_stun_has(m, KITH_STUN_HAS_ERROR_CODE) ? m->error_code.code : 400;
    for (size_t size; reason.len > 0;
         reason = kith_span_of(reason.data + size, reason.len - size)) {
        size = kith_span_utf8(reason);
        if (size == 0 || len + size >= sizeof out->reason)
            break;
        if (size == 1 && (reason.data[0] < ' ' || reason.data[0] == 0x7F))
            out->reason[len++] = ' ';
        else
            for (size_t i = 0; i < size; i++)
                out->reason[len++] = (char)reason.data[i];
    }
    out->reason[len] = '\0';
    if (len == 0) {
        const char *standard = kith_stun_reason(out->code);
        memcpy(out->reason, standard, strlen(standard) + 1);
    }
}

static kith_turn_error unreachable(void)
{
    return (kith_turn_error){KITH_TURN_UNREACHABLE, "the TURN server did not answer"};
}

/* ---- success ---- */

static kith_time bounded_lifetime(const kith_stun *m)
{
    kith_time lifetime = kith_stun_has(m, KITH_STUN_HAS_LIFETIME)
                             ? KITH_SECONDS((kith_time)m->lifetime)
                             : KITH_SECONDS(600); /* RFC 8656 section 3.2 */
    if (lifetime < KITH_TURN_MIN_LIFETIME)
        return KITH_TURN_MIN_LIFETIME;
    return kith_turn_earlier(lifetime, KITH_TURN_MAX_LIFETIME);
}

static void begin_lifetime(kith_turn *turn, const kith_stun *m, kith_time now)
{
    kith_time lifetime = bounded_lifetime(m);
    turn->expires_at = now + lifetime;
    turn->refresh_at =
        now + (lifetime < KITH_SECONDS(120) ? lifetime / 2 : lifetime - KITH_SECONDS(60));
}

/* No relay candidate can be what no peer could reach (RFC 8445 section 5.1.1.1). */
static bool is_relayed(const kith_address *address)
{
    return address->family != 0 && address->port != 0 && !kith_address_is_any(address) &&
           !kith_address_is_multicast(address);
}

static void add_relayed(kith_turn *turn, const kith_address *address)
{
    if (is_relayed(address) &&
        (turn->relayed_count == 0 || turn->relayed[0].family != address->family))
        turn->relayed[turn->relayed_count++] = *address;
}

static void handle_allocated(kith_turn *turn, const kith_stun *m, kith_time now)
{
    static const kith_turn_error nowhere = {KITH_TURN_UNREACHABLE,
                                            "the TURN server gave no relayed address"};
    add_relayed(turn, &m->xor_relayed_address);
    add_relayed(turn, &m->xor_relayed_address2);
    if (turn->relayed_count == 0) {
        kith_turn_fail(turn, &nowhere, KITH_NEVER);
        return;
    }
    turn->mapped = m->xor_mapped_address;
    turn->state = KITH_TURN_ALLOCATED;
    turn->is_allocated_pending = true;
    turn->is_refresh_told = false;
    turn->ports_tried = 0;
    begin_lifetime(turn, m, now);
    kith_turn_permit_all(turn, now);
}

static void handle_refreshed(kith_turn *turn, const kith_stun *m, kith_time now)
{
    turn->is_allocated_pending |= turn->is_refresh_told;
    turn->is_refresh_told = false;
    begin_lifetime(turn, m, now);
}

static void handle_success(kith_turn *turn, kith_turn_request *request, const kith_stun *m,
                           kith_time now)
{
    kith_turn_permission *permission = kith_turn_permission_of(turn, request);
    kith_turn_channel *channel = kith_turn_channel_of(turn, request);
    request->is_active = false;
    if (permission)
        kith_turn_permitted(turn, &permission->peer, now);
    else if (channel)
        kith_turn_bound(turn, channel, now);
    else if (turn->state == KITH_TURN_ASKING)
        handle_allocated(turn, m, now);
    else if (turn->state == KITH_TURN_ALLOCATED)
        handle_refreshed(turn, m, now);
    else
        kith_turn_ask_after_loss(turn, now); /* RENEWING */
}

/* ---- errors of Allocate ---- */

static bool was_visited(const kith_turn *turn, const kith_address *server)
{
    for (unsigned i = 0; i < turn->visited_count; i++)
        if (kith_address_equal(&turn->visited[i], server))
            return true;
    return false;
}

/* A redirection must not make us probe what the server cannot see itself (RFC 8489 section 10 and
 * its section 16): our own machine, a neighbour, a network behind our NAT. */
static bool may_redirect(const kith_turn *turn, const kith_address *to)
{
    return turn->visited_count <= KITH_TURN_MAX_REDIRECTS && !was_visited(turn, to) &&
           to->family == turn->server.family && is_server_port(to->port) &&
           !kith_address_is_any(to) && !kith_address_is_multicast(to) &&
           !kith_address_is_loopback(to) && !kith_address_is_link_local(to) &&
           !kith_address_is_deprecated(to) &&
           (!kith_address_is_private(to) || kith_address_is_private(&turn->server));
}

static void note_name(kith_turn *turn, kith_span name)
{
    if (name.len == 0 || name.len >= sizeof turn->server_name || memchr(name.data, '\0', name.len))
        return;
    memcpy(turn->server_name, name.data, name.len);
    turn->server_name[name.len] = '\0';
}

static void redirect(kith_turn *turn, const kith_stun *m, const kith_turn_error *error,
                     kith_time now)
{
    const kith_address *to = &m->alternate_server;
    if (!kith_stun_has(m, KITH_STUN_HAS_ALTERNATE_SERVER) || !may_redirect(turn, to)) {
        kith_turn_fail(turn, error, KITH_NEVER);
        return;
    }
    turn->server = *to;
    note_name(turn, m->alternate_domain);
    turn->visited[turn->visited_count++] = *to;
    kith_turn_ask(turn, now);
}

static bool asks_for_additional(const kith_turn *turn)
{
    return turn->wants_additional_family && !turn->wants_ipv6_only;
}

/* Asks once more for less. False: there is nothing less to ask for. */
static bool ask_for_less(kith_turn *turn, const kith_turn_error *error, kith_time now)
{
    bool drops_family = asks_for_additional(turn) &&
                        (error->code == 400 || error->code == 420 || error->code == 508);
    bool turns_ipv6 = error->code == 440 && turn->may_retry_family;
    if (!drops_family && !turns_ipv6)
        return false;
    turn->wants_additional_family = false;
    turn->wants_ipv6_only = turns_ipv6;
    turn->may_retry_family = turn->may_retry_family && !turns_ipv6;
    kith_turn_begin(&turn->request, now);
    return true;
}

static void handle_allocate_error(kith_turn *turn, const kith_turn_error *error, kith_time now)
{
    if (ask_for_less(turn, error, now))
        return;
    if (error->code == 437 && ++turn->ports_tried < KITH_TURN_MAX_PORTS) {
        kith_turn_change_port(turn, error->reason);
    } else if (error->code == 437) {
        kith_turn_fail(turn, error, now + MISMATCH_RETRY);
    } else if (error->code == 486 || error->code == 508) {
        kith_turn_fail(turn, error, now + CAPACITY_RETRY);
    } else if (error->code == KITH_TURN_UNREACHABLE || error->code == 500) {
        kith_turn_fail(turn, error, now);
    } else {
        kith_turn_fail(turn, error, KITH_NEVER);
    }
}

/* ---- errors of the others ---- */

static void handle_peer_error(kith_turn *turn, kith_turn_permission *permission,
                              kith_turn_channel *channel, const kith_turn_error *error,
                              kith_time now)
{
    if (permission)
        kith_turn_refuse(turn, &permission->peer, error);
    else if (error->code == 403 || error->code == 443)
        kith_turn_refuse(turn, &channel->peer, error);
    if (channel)
        kith_turn_unbind(channel, now);
}

/* Its own requests are right, so a 400 to ChannelBind says that the server knows the channel or the
 * peer otherwise than we do (RFC 8656 section 12.3). */
static void handle_error(kith_turn *turn, kith_turn_request *request, const kith_turn_error *error,
                         kith_time now)
{
    kith_turn_permission *permission = kith_turn_permission_of(turn, request);
    kith_turn_channel *channel = kith_turn_channel_of(turn, request);
    request->is_active = false;
    if (turn->state == KITH_TURN_RENEWING)
        kith_turn_ask_after_loss(turn, now);
    else if (turn->state == KITH_TURN_ASKING)
        handle_allocate_error(turn, error, now);
    else if (error->code == 437 || error->code == 401)
        kith_turn_lose(turn, now, error->reason);
    else if (channel && error->code == 400)
        kith_turn_renew(turn, now);
    else if (permission || channel)
        handle_peer_error(turn, permission, channel, error, now);
    else if (error->code == KITH_TURN_UNREACHABLE && turn->is_reliable)
        kith_turn_change_port(turn, error->reason);
    else if (error->code == KITH_TURN_UNREACHABLE)
        turn->refresh_at = now + REFRESH_RETRY;
    else
        kith_turn_lose(turn, now, error->reason);
}

void kith_turn_give_up(kith_turn *turn, kith_time now, kith_turn_request *request)
{
    kith_turn_error error = request->doubtful.code != 0 ? request->doubtful : unreachable();
    bool is_silence = error.code == KITH_TURN_UNREACHABLE;
    if (is_silence && turn->state == KITH_TURN_ALLOCATED && request != &turn->request) {
        /* Perhaps the way to the server is interrupted: its peers are not to blame. */
        kith_turn_begin(request, now);
        return;
    }
    handle_error(turn, request, &error, now);
}

/* ---- which of them it is ---- */

static kith_turn_request *find_request(kith_turn *turn, const kith_stun *m)
{
    kith_reader r = kith_rd(m->id, sizeof m->id);
    uint32_t tag = kith_rd_u32(&r);
    uint64_t id = kith_rd_u64(&r);
    if (tag != turn->tag || id == 0)
        return NULL;
    if (turn->request.is_active && turn->request.id == id)
        return &turn->request;
    KITH_TURN_EACH(&turn->permissions, kith_turn_permission, permission)
    if (permission->request.is_active && permission->request.id == id)
        return &permission->request;
    KITH_TURN_EACH(&turn->channels, kith_turn_channel, channel)
    if (channel->request.is_active && channel->request.id == id)
        return &channel->request;
    return NULL;
}

static uint16_t method_of(kith_turn *turn, const kith_turn_request *request)
{
    if (kith_turn_permission_of(turn, request))
        return KITH_STUN_CREATE_PERMISSION;
    if (kith_turn_channel_of(turn, request))
        return KITH_STUN_CHANNEL_BIND;
    return turn->state == KITH_TURN_ASKING ? KITH_STUN_ALLOCATE : KITH_STUN_REFRESH;
}

/* 401 to a request without credentials, 438 to any. False: it is no challenge, or one too many. */
static bool answer_challenge(kith_turn *turn, kith_turn_request *request, const kith_stun *m,
                             const kith_turn_error *error, kith_time now)
{
    bool is_first = error->code == 401 && !request->is_signed;
    bool is_stale =
        error->code == 438 && request->is_signed && request->stale_count < KITH_TURN_MAX_STALE;
    if (!is_first && !is_stale)
        return false;
    if (!kith_turn_auth_challenge(&turn->auth, m)) {
        turn->counters.malformed++;
        return true; /* as if it had not come */
    }
    request->stale_count += is_stale;
    kith_turn_begin_again(request, now);
    return true;
}

static bool needs_no_integrity(int code)
{
    return code == 401 || code == 438 || code == 300;
}

static void handle_error_answer(kith_turn *turn, kith_turn_request *request, const kith_stun *m,
                                bool is_authentic, kith_time now)
{
    kith_turn_error error;
    read_error(&error, m);
    if (answer_challenge(turn, request, m, &error, now))
        return;
    if (!is_authentic && !needs_no_integrity(error.code)) {
        turn->counters.bad_integrity++;
        request->doubtful = error;
    } else if (error.code == 300 && turn->state == KITH_TURN_ASKING) {
        redirect(turn, m, &error, now);
    } else {
        handle_error(turn, request, &error, now);
    }
}

void kith_turn_handle_answer(kith_turn *turn, kith_time now, const kith_stun *m)
{
    kith_turn_request *request = find_request(turn, m);
    if (!request || m->method != method_of(turn, request)) {
        /* The answers to keep-alives are of these. */
        turn->counters.unknown_transaction++;
        return;
    }
    bool is_authentic = !request->is_signed || kith_turn_auth_verify(&turn->auth, m);
    if (m->class == KITH_STUN_ERROR) {
        handle_error_answer(turn, request, m, is_authentic, now);
    } else if (!is_authentic || !request->is_signed) {
        /* Nobody relays for a stranger: RFC 8656 section 5 asks for credentials. */
        turn->counters.bad_integrity++;
    } else if (m->unknown_count > 0) {
        turn->counters.malformed++;
    } else {
        handle_success(turn, request, m, now);
    }
}
