/* The requests of TURN, from users alone (RFC 8656 sections 7, 8, 10 and 12). */
#include <string.h>

#include "base/memory.h"
#include "turn_server/server.h"

#define UDP 17

/* EVEN-PORT's bit that asks to reserve the next port too. */
#define RESERVE 0x80u

/* ---- lifetimes ---- */

/* RFC 8656 sections 7.2 and 8.2: not below the default, not above the server's limit. */
static kith_time lifetime_of(const kith_turn_call *call)
{
    kith_time most = call->server->config.max_lifetime, wanted = KITH_TURN_SERVER_LIFETIME;
    if (kith_stun_has(call->m, KITH_STUN_HAS_LIFETIME) &&
        KITH_SECONDS((kith_time)call->m->lifetime) > wanted)
        wanted = KITH_SECONDS((kith_time)call->m->lifetime);
    return wanted < most ? wanted : most;
}

static void put_lifetime(kith_writer *w, kith_time lifetime)
{
    kith_stun_put_u32(w, KITH_STUN_ATTR_LIFETIME, (uint32_t)(lifetime / KITH_SECONDS(1)));
}

static void set_lifetime(kith_allocation *a, kith_time now, kith_time lifetime)
{
    a->lifetime = lifetime;
    kith_heap_set(&a->server->deadlines, &a->expires, now + lifetime);
}

/* ---- Allocate ---- */

static void answer_success(const kith_turn_call *call, const kith_allocation *a)
{
    kith_writer w = kith_answer_begin(call, KITH_STUN_SUCCESS);
    for (size_t i = 0; i < 2; i++) {
        kith_address relayed = kith_outer_address(a->server, &a->relays[i].local);
        if (a->relays[i].is_open)
            kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &relayed);
    }
    put_lifetime(&w, a->lifetime);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &a->client.remote);
    for (size_t i = 0; i < 2; i++)
        if (a->missing[i] != 0)
            kith_stun_put_address_error(&w, i == 0 ? KITH_IPV4 : KITH_IPV6, a->missing[i]);
    kith_answer_send(call, &w);
}

void kith_answer_allocated(kith_allocation *a, kith_time now)
{
    kith_stun m = {.method = KITH_STUN_ALLOCATE};
    kith_turn_call call = {.server = a->server,
                           .now = now,
                           .from = {.path = &a->client, .stream = a->stream},
                           .m = &m,
                           .key = a->key};
    memcpy(m.id, a->id, sizeof m.id);
    if (a->has_fingerprint)
        m.present |= (uint64_t)1 << KITH_STUN_HAS_FINGERPRINT;
    kith_wipe(&a->key, sizeof a->key);
    if (!a->relays[0].is_open && !a->relays[1].is_open) {
        kith_answer_error(&call, 508);
        kith_allocation_free(a);
        return;
    }
    for (size_t i = 0; i < 2; i++)
        if (a->relays[i].tries > 0 && !a->relays[i].is_open)
            a->missing[i] = 508;
    a->is_open = true;
    a->server->counters.allocations_made++;
    set_lifetime(a, now, a->lifetime);
    answer_success(&call, a);
}

/* What is wrong with an Allocate by itself; 0: nothing (RFC 8656 section 7.2, in its order). */
static int judge_allocate(const kith_stun *m)
{
    bool has_token = kith_stun_has(m, KITH_STUN_HAS_RESERVATION_TOKEN);
    bool has_even = kith_stun_has(m, KITH_STUN_HAS_EVEN_PORT);
    bool has_first = kith_stun_has(m, KITH_STUN_HAS_REQUESTED_ADDRESS_FAMILY);
    bool has_second = kith_stun_has(m, KITH_STUN_HAS_ADDITIONAL_ADDRESS_FAMILY);
    bool reserves = has_even && (m->even_port & RESERVE);
    if (!kith_stun_has(m, KITH_STUN_HAS_REQUESTED_TRANSPORT))
        return 400;
    if (m->requested_transport != UDP)
        return 442;
    if ((has_token && (has_even || has_first || has_second)) || (has_first && has_second) ||
        (reserves && has_second) || (has_second && m->additional_address_family != KITH_IPV6))
        return 400;
    /* Nothing is reserved: the shard that holds a port is not the one that is asked for it. */
    return has_token || reserves ? 508 : 0;
}

/* Of two families one is enough (RFC 8656 section 7.2). */
static void allocate(const kith_turn_call *call, const kith_address *const ips[2])
{
    bool wants_both = kith_stun_has(call->m, KITH_STUN_HAS_ADDITIONAL_ADDRESS_FAMILY);
    kith_allocation *a;
    kith_err err = kith_allocation_new(&a, call);
    if (err != KITH_OK) {
        call->server->counters.quota_reached += err == KITH_ERR_AGAIN;
        kith_answer_error(call, err == KITH_ERR_AGAIN ? 486 : 508);
        return;
    }
    a->wants_even_port = kith_stun_has(call->m, KITH_STUN_HAS_EVEN_PORT);
    set_lifetime(a, call->now, lifetime_of(call));
    for (size_t i = 0; i < 2; i++)
        if (ips[i])
            kith_relayed_open(&a->relays[i], ips[i]);
        else if (wants_both)
            a->missing[i] = 440;
}

void kith_request_allocate(const kith_turn_call *call)
{
    const kith_stun *m = call->m;
    kith_allocation *a = call->allocation;
    uint8_t family = KITH_IPV4;
    if (a) {
        if (memcmp(a->id, m->id, sizeof a->id) != 0)
            kith_answer_error(call, 437);
        else if (!kith_allocation_is_of(a, call->username))
            kith_answer_error(call, 441);
        else if (a->is_open)
            answer_success(call, a);
        return;
    }
    int code = judge_allocate(m);
    if (kith_stun_has(m, KITH_STUN_HAS_REQUESTED_ADDRESS_FAMILY))
        family = m->requested_address_family;
    const kith_address *ips[2] = {kith_relay_ip(call->server, family, &call->from.path->local),
                                  NULL};
    if (kith_stun_has(m, KITH_STUN_HAS_ADDITIONAL_ADDRESS_FAMILY))
        ips[1] = kith_relay_ip(call->server, KITH_IPV6, &call->from.path->local);
    if (code == 0 && !ips[0] && !ips[1])
        code = 440;
    if (code != 0)
        kith_answer_error(call, code);
    else
        allocate(call, ips);
}

/* ---- Refresh ---- */

void kith_request_refresh(const kith_turn_call *call)
{
    const kith_stun *m = call->m;
    kith_allocation *a = call->allocation;
    bool ends = kith_stun_has(m, KITH_STUN_HAS_LIFETIME) && m->lifetime == 0;
    if (kith_stun_has(m, KITH_STUN_HAS_REQUESTED_ADDRESS_FAMILY) &&
        !kith_allocation_relay(a, m->requested_address_family)) {
        kith_answer_error(call, 443);
        return;
    }
    if (!ends)
        set_lifetime(a, call->now, lifetime_of(call));
    kith_writer w = kith_answer_begin(call, KITH_STUN_SUCCESS);
    put_lifetime(&w, ends ? 0 : a->lifetime);
    kith_answer_send(call, &w);
    if (ends) {
        call->server->counters.allocations_released++;
        kith_allocation_free(a);
    }
}

/* ---- permissions and channels ---- */

/* 0, or the error that a peer is worth. *peer becomes its inner address. */
static int judge_peer(const kith_turn_call *call, kith_address *peer)
{
    kith_turn_server *server = call->server;
    *peer = kith_inner_address(server, peer);
    if (!kith_allocation_relay(call->allocation, peer->family))
        return 443;
    if (kith_peer_judge(server, peer) != KITH_PEER_DENIED)
        return 0;
    server->counters.denied_peers++;
    return 403;
}

/* All or none (RFC 8656 section 10.2). */
void kith_request_permission(const kith_turn_call *call)
{
    kith_reader at = kith_stun_peers(call->m);
    kith_address peer;
    int code = kith_stun_has(call->m, KITH_STUN_HAS_XOR_PEER_ADDRESS) ? 0 : 400;
    while (code == 0 && kith_stun_next_peer(call->m, &at, &peer))
        code = judge_peer(call, &peer);
    at = kith_stun_peers(call->m);
    while (code == 0 && kith_stun_next_peer(call->m, &at, &peer)) {
        peer = kith_inner_address(call->server, &peer);
        if (!kith_allocation_permit(call->allocation, &peer, call->now))
            code = 508;
    }
    if (code != 0) {
        kith_answer_error(call, code);
        return;
    }
    kith_writer w = kith_answer_begin(call, KITH_STUN_SUCCESS);
    kith_answer_send(call, &w);
}

/* A number is of one peer and a peer has one number (RFC 8656 section 12.2). */
static int judge_channel(const kith_turn_call *call, kith_address *peer)
{
    const kith_stun *m = call->m;
    if (!kith_stun_has(m, KITH_STUN_HAS_CHANNEL_NUMBER) ||
        !kith_stun_has(m, KITH_STUN_HAS_XOR_PEER_ADDRESS) || peer->port == 0 ||
        m->channel_number < KITH_TURN_SERVER_FIRST_CHANNEL ||
        m->channel_number > KITH_TURN_SERVER_LAST_CHANNEL)
        return 400;
    int code = judge_peer(call, peer);
    if (code != 0)
        return code;
    const kith_channel *by_number =
        kith_channel_by_number(call->allocation, m->channel_number, call->now);
    return by_number == kith_channel_by_peer(call->allocation, peer, call->now) ? 0 : 400;
}

void kith_request_channel(const kith_turn_call *call)
{
    kith_allocation *a = call->allocation;
    kith_address peer = call->m->xor_peer_address;
    int code = judge_channel(call, &peer);
    if (code == 0 && (!kith_allocation_permit(a, &peer, call->now) ||
                      !kith_channel_bind(a, call->m->channel_number, &peer, call->now)))
        code = 508;
    if (code != 0) {
        kith_answer_error(call, code);
        return;
    }
    kith_writer w = kith_answer_begin(call, KITH_STUN_SUCCESS);
    kith_answer_send(call, &w);
}
