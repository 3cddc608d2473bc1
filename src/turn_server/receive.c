/* Whose a datagram is, Binding, and what every request of TURN must bring (RFC 8489 sections 6.3
 * and 9.2.4, RFC 8656 section 5). Nothing is stored before a request has proved to be of a user. */
#include <string.h>

#include "base/memory.h"
#include "turn_server/server.h"

/* An answer to who has shown nothing is at most so much longer than his request. */
#define MAX_AMPLIFICATION 3

/* ---- answers ---- */

kith_writer kith_answer_begin(const kith_turn_call *call, kith_stun_class class)
{
    kith_leaving *leaving = &call->server->leaving;
    kith_writer w = kith_wr(leaving->head, sizeof leaving->head);
    kith_stun_begin(&w, class, call->m->method, call->m->id);
    return w;
}

static bool sign(const kith_turn_key *key, kith_writer *w)
{
    kith_hmac *hmac = kith_hmac_new(key->hash, kith_span_of(key->bytes, key->len));
    if (!hmac)
        return false;
    if (key->hash == KITH_HASH_SHA256)
        kith_stun_put_integrity_sha256(w, hmac);
    else
        kith_stun_put_integrity(w, hmac);
    kith_hmac_free(hmac);
    return true;
}

void kith_answer_send(const kith_turn_call *call, kith_writer *w)
{
    kith_leaving *leaving = &call->server->leaving;
    if (call->key.len > 0 && !sign(&call->key, w))
        return;
    if (kith_stun_has(call->m, KITH_STUN_HAS_FINGERPRINT))
        kith_stun_put_fingerprint(w);
    else
        kith_stun_end(w);
    if (w->bad)
        return;
    leaving->info = (kith_packet_info)KITH_PACKET_INFO_INIT;
    leaving->info.path = *call->from.path;
    leaving->stream = call->from.stream;
    leaving->head_len = w->len;
}

/* Answers to users are not limited. */
static bool may_answer_error(const kith_turn_call *call)
{
    kith_turn_server *server = call->server;
    if (call->key.len > 0 ||
        kith_error_limit_take(server->error_limit, call->now, &call->from.path->remote))
        return true;
    server->counters.errors_limited++;
    return false;
}

void kith_answer_error(const kith_turn_call *call, int code)
{
    if (!may_answer_error(call))
        return;
    kith_writer w = kith_answer_begin(call, KITH_STUN_ERROR);
    kith_stun_put_error(&w, code, NULL);
    if (code == 420)
        kith_stun_put_unknown_attributes(&w, call->m->unknown_types, call->m->unknown_count);
    call->server->counters.errors++;
    kith_answer_send(call, &w);
}

/* 401 and 438 with a nonce. A short request gets an answer without the words and, if that is still
 * too long, without the algorithms, which its nonce does not announce then. */
void kith_answer_challenge(const kith_turn_call *call, int code)
{
    const kith_turn_access *access = &call->server->access;
    size_t most = MAX_AMPLIFICATION * call->m->packet.len;
    kith_writer w = {0};
    /* Who asks on a stream has not forged his address and does not ask again (RFC 8489 section
     * 6.2.2). A wrong password stays limited. */
    bool has_mac = kith_stun_has(call->m, KITH_STUN_HAS_MESSAGE_INTEGRITY) ||
                   kith_stun_has(call->m, KITH_STUN_HAS_MESSAGE_INTEGRITY_SHA256);
    bool is_free = call->from.stream && (code == 438 || !has_mac);
    if (!is_free && !may_answer_error(call))
        return;
    for (int brevity = 0; brevity < 3; brevity++) {
        uint32_t features = brevity < 2 ? kith_access_features(access) : 0;
        uint8_t nonce[KITH_NONCE];
        kith_nonce_make(access, call->now, &call->from.path->remote, features, nonce);
        w = kith_answer_begin(call, KITH_STUN_ERROR);
        kith_stun_put_error(&w, code, brevity == 0 ? NULL : "");
        kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, kith_span_text(access->realm));
        kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, kith_span_of(nonce, sizeof nonce));
        if (features != 0)
            kith_access_put_algorithms(&w);
        if (w.len + (kith_stun_has(call->m, KITH_STUN_HAS_FINGERPRINT) ? 8 : 0) <= most)
            break;
    }
    if (code == 401)
        call->server->counters.challenges++;
    else
        call->server->counters.stale_nonces++;
    kith_answer_send(call, &w);
}

/* ---- requests ---- */

/* What the reader knows and a server without TCP (RFC 6062) does not, or without behaviour
 * discovery (RFC 5780), is as unknown as the rest. */
static void count_unknown(kith_stun *m, bool is_discovery)
{
    static const struct {
        enum kith_stun_has has;
        uint16_t type;
    } foreign[] = {
        {KITH_STUN_HAS_CONNECTION_ID, KITH_STUN_ATTR_CONNECTION_ID},
        {KITH_STUN_HAS_CHANGE_REQUEST, KITH_STUN_ATTR_CHANGE_REQUEST},
        {KITH_STUN_HAS_RESPONSE_PORT, KITH_STUN_ATTR_RESPONSE_PORT},
        {KITH_STUN_HAS_PADDING, KITH_STUN_ATTR_PADDING},
    };
    size_t count = is_discovery ? 1 : sizeof foreign / sizeof foreign[0];
    for (size_t i = 0; i < count; i++)
        if (kith_stun_has(m, foreign[i].has) && m->unknown_count < KITH_STUN_MAX_UNKNOWN)
            m->unknown_types[m->unknown_count++] = foreign[i].type;
}

static void answer_binding(const kith_turn_call *call)
{
    if (call->m->unknown_count > 0) {
        kith_answer_error(call, 420);
        return;
    }
    call->server->counters.bindings++;
    if (kith_discovery_serves(call->server, call->from.path)) {
        kith_discovery_answer(call);
        return;
    }
    kith_writer w = kith_answer_begin(call, KITH_STUN_SUCCESS);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &call->from.path->remote);
    kith_answer_send(call, &w);
}

/* RFC 8489 section 9.2.4, in its order. */
static bool authenticate(kith_turn_call *call)
{
    kith_turn_server *server = call->server;
    const kith_stun *m = call->m;
    uint32_t features;
    if (!kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY) &&
        !kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY_SHA256)) {
        kith_answer_challenge(call, 401);
        return false;
    }
    if ((!kith_stun_has(m, KITH_STUN_HAS_USERNAME) && !kith_stun_has(m, KITH_STUN_HAS_USERHASH)) ||
        !kith_stun_has(m, KITH_STUN_HAS_REALM) || !kith_stun_has(m, KITH_STUN_HAS_NONCE)) {
        kith_answer_error(call, 400);
        return false;
    }
    if (!kith_nonce_check(&server->access, call->now, &call->from.path->remote, m->nonce,
                          &features)) {
        kith_answer_challenge(call, 438);
        return false;
    }
    int code =
        kith_access_check(&server->access, call->now, m, features, &call->username, &call->key);
    if (code == 0)
        return true;
    call->key.len = 0;
    if (code == 401) {
        server->counters.wrong_credentials++;
        kith_answer_challenge(call, 401);
    } else {
        kith_answer_error(call, code);
    }
    return false;
}

/* The allocation that a request other than Allocate is about; NULL after an answer. */
static kith_allocation *need_allocation(const kith_turn_call *call)
{
    kith_allocation *a = call->allocation;
    if (!a || !a->is_open) {
        kith_answer_error(call, 437);
        return NULL;
    }
    if (!kith_allocation_is_of(a, call->username)) {
        kith_answer_error(call, 441);
        return NULL;
    }
    return a;
}

static void handle_known(kith_turn_call *call)
{
    if (call->m->unknown_count > 0) {
        kith_answer_error(call, 420);
        return;
    }
    call->allocation = kith_allocation_find(call->server, &call->from);
    if (call->m->method == KITH_STUN_ALLOCATE)
        kith_request_allocate(call);
    else if (!need_allocation(call))
        return;
    else if (call->m->method == KITH_STUN_REFRESH)
        kith_request_refresh(call);
    else if (call->m->method == KITH_STUN_CREATE_PERMISSION)
        kith_request_permission(call);
    else
        kith_request_channel(call);
}

static bool is_of_turn(uint16_t method)
{
    return method == KITH_STUN_ALLOCATE || method == KITH_STUN_REFRESH ||
           method == KITH_STUN_CREATE_PERMISSION || method == KITH_STUN_CHANNEL_BIND;
}

static void handle_request(kith_turn_call *call)
{
    if (call->m->method == KITH_STUN_BINDING)
        answer_binding(call);
    else if (!is_of_turn(call->m->method))
        kith_answer_error(call, 400);
    else if (!kith_access_has_users(&call->server->access))
        kith_answer_error(call, 403);
    else if (authenticate(call))
        handle_known(call);
    kith_wipe(&call->key, sizeof call->key);
}

/* ---- datagrams ---- */

bool kith_handle_from_client(kith_turn_server *server, const kith_turn_client *from,
                             kith_span packet)
{
    kith_stun m;
    if (packet.len > 0 && packet.data[0] >> 4 == KITH_TURN_SERVER_FIRST_CHANNEL >> 12) {
        kith_forward_channel(server, from, packet);
        return true;
    }
    if (!kith_stun_parse(&m, packet.data, packet.len)) {
        server->counters.unknown++;
        return false;
    }
    if (m.class == KITH_STUN_INDICATION && m.method == KITH_STUN_SEND && m.unknown_count == 0)
        kith_forward_send(server, from, &m);
    if (m.class != KITH_STUN_REQUEST)
        return true;
    count_unknown(&m, m.method == KITH_STUN_BINDING && kith_discovery_serves(server, from->path));
    kith_turn_call call = {.server = server, .now = server->now, .from = *from, .m = &m};
    handle_request(&call);
    return true;
}

void kith_turn_server_handle_packet(kith_turn_server *server, kith_time now,
                                    const kith_packet_info *info, const void *data, size_t len)
{
    kith_span key = kith_span_of(&info->path.local, sizeof info->path.local);
    kith_span packet = kith_span_of(data, len);
    kith_turn_client from = {.path = &info->path, .ecn = info->ecn};
    kith_map_node *node = kith_map_find(&server->relays, key);
    kith_begin_call(server, now);
    if (node)
        kith_forward_from_peer(KITH_OWNER(node, kith_relayed, in_relays), info, packet);
    else if (info->path.remote.port != 0)
        (void)kith_handle_from_client(server, &from, packet);
}
