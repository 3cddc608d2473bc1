/* NAT behaviour discovery (RFC 5780): Binding answers that leave from another address or port of
 * ours, go to another port of the client's, or are as long as the request was.
 *
 * It works from a set of four sockets, two addresses with the same two ports each. What could be
 * aimed at somebody else is for clients alone that have shown to receive at their address, by the
 * nonce that they echo. */
#include "turn_server/server.h"

static const kith_turn_local *find(const kith_turn_server *server, const kith_address *ip,
                                   uint16_t port)
{
    for (size_t i = 0; i < server->local_count; i++)
        if (kith_address_same_ip(&server->locals[i].address, ip) &&
            server->locals[i].address.port == port)
            return &server->locals[i];
    return NULL;
}

/* The one of the set that differs in both; NULL: there is no such set. */
static const kith_address *other_of(const kith_turn_server *server, const kith_path *path)
{
    const kith_address *local = &path->local;
    if (!server->config.discovery || path->protocol != KITH_UDP)
        return NULL;
    for (size_t i = 0; i < server->local_count; i++) {
        const kith_address *other = &server->locals[i].address;
        if (other->family == local->family && other->port != local->port &&
            !kith_address_same_ip(other, local) && find(server, local, other->port) &&
            find(server, other, local->port))
            return other;
    }
    return NULL;
}

bool kith_discovery_serves(const kith_turn_server *server, const kith_path *path)
{
    return other_of(server, path);
}

/* RFC 5780 section 6.1: where the answer leaves and goes. */
static kith_path path_of_answer(const kith_turn_call *call, const kith_address *other)
{
    kith_path path = *call->from.path;
    if (kith_stun_has(call->m, KITH_STUN_HAS_CHANGE_REQUEST)) {
        kith_address ip = call->m->change_request & KITH_STUN_CHANGE_IP ? *other : path.local;
        ip.port = call->m->change_request & KITH_STUN_CHANGE_PORT ? other->port : path.local.port;
        path.local = ip;
    }
    if (kith_stun_has(call->m, KITH_STUN_HAS_RESPONSE_PORT))
        path.remote.port = call->m->response_port;
    return path;
}

/* As long as the request's, so that nobody is sent more than he sends, and no longer than a packet:
 * 8 bytes stay for FINGERPRINT. */
static void put_padding(kith_writer *w, size_t len)
{
    static const uint8_t zeros[KITH_MAX_PACKET];
    size_t most = KITH_MAX_PACKET - 8 - 4 - w->len;
    len = len < most ? len : most;
    kith_stun_put_span(w, KITH_STUN_ATTR_PADDING, kith_span_of(zeros, len & ~(size_t)3));
}

void kith_discovery_answer(const kith_turn_call *call)
{
    const kith_turn_server *server = call->server;
    const kith_stun *m = call->m;
    const kith_address *other = other_of(server, call->from.path);
    bool has_port = kith_stun_has(m, KITH_STUN_HAS_RESPONSE_PORT);
    bool has_padding = kith_stun_has(m, KITH_STUN_HAS_PADDING);
    uint32_t features;
    /* RFC 5780 section 7.6: never both. */
    if ((has_port && has_padding) || (has_port && m->response_port == 0)) {
        kith_answer_error(call, 400);
        return;
    }
    if ((has_port || has_padding) &&
        !kith_nonce_check(&server->access, call->now, &call->from.path->remote, m->nonce,
                          &features)) {
        kith_answer_challenge(call, 438);
        return;
    }
    kith_turn_call answer = *call;
    kith_path path = path_of_answer(call, other);
    answer.from.path = &path;
    kith_address origin = kith_outer_address(server, &path.local);
    kith_address outer = kith_outer_address(server, other);
    kith_writer w = kith_answer_begin(&answer, KITH_STUN_SUCCESS);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &call->from.path->remote);
    kith_stun_put_address(&w, KITH_STUN_ATTR_MAPPED_ADDRESS, &call->from.path->remote);
    kith_stun_put_address(&w, KITH_STUN_ATTR_RESPONSE_ORIGIN, &origin);
    kith_stun_put_address(&w, KITH_STUN_ATTR_OTHER_ADDRESS, &outer);
    if (has_padding)
        put_padding(&w, m->padding.len);
    kith_answer_send(&answer, &w);
}
