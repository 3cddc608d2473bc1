/* Allocations with their relayed addresses, permissions and channels (RFC 8656 sections 6, 9 and
 * 12). What has expired is not looked for: it is no longer found, and its place is taken. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"
#include "turn_server/server.h"

/* ---- making ---- */

kith_allocation *kith_allocation_find(kith_turn_server *server, const kith_turn_client *client)
{
    if (client->stream)
        return client->stream->allocation;
    kith_map_node *node =
        kith_map_find(&server->allocations, kith_span_of(client->path, sizeof *client->path));
    return node ? KITH_OWNER(node, kith_allocation, in_allocations) : NULL;
}

static kith_err take_quotas(kith_allocation *a, const kith_turn_call *call)
{
    kith_turn_server *server = a->server;
    uint8_t address[KITH_ADDRESS_SITE];
    kith_span person = kith_access_person(&server->access, call->username);
    kith_err err =
        kith_quota_take(&server->users, person, server->config.max_per_user, &a->of_user);
    if (err != KITH_OK)
        return err;
    return kith_quota_take(&server->addresses, kith_address_site(address, &call->from.path->remote),
                           server->config.max_per_address, &a->of_address);
}

kith_err kith_allocation_new(kith_allocation **out, const kith_turn_call *call)
{
    kith_turn_server *server = call->server;
    if (server->counters.allocations >= server->config.max_allocations)
        return KITH_ERR_AGAIN;
    kith_allocation *a = kith_alloc_zero(1, sizeof *a);
    if (!a)
        return kith_fail_memory();
    a->server = server;
    a->client = *call->from.path;
    a->key = call->key;
    a->has_fingerprint = kith_stun_has(call->m, KITH_STUN_HAS_FINGERPRINT);
    memcpy(a->id, call->m->id, sizeof a->id);
    a->relays[0].owner = a->relays[1].owner = a;
    kith_list_append(&server->all, &a->in_all);
    server->counters.allocations++;
    kith_err err = kith_hash_digest(KITH_HASH_SHA256, call->username, a->user)
                       ? take_quotas(a, call)
                       : kith_fail_memory();
    if (err == KITH_OK)
        err = kith_heap_reserve(&server->deadlines, server->counters.allocations);
    if (err == KITH_OK && !call->from.stream)
        err = kith_map_add(&server->allocations, &a->in_allocations,
                           kith_span_of(&a->client, sizeof a->client));
    if (err != KITH_OK) {
        kith_allocation_free(a);
        return err;
    }
    a->stream = call->from.stream;
    if (a->stream)
        a->stream->allocation = a;
    *out = a;
    return KITH_OK;
}

bool kith_allocation_is_of(const kith_allocation *a, kith_span username)
{
    uint8_t user[sizeof a->user];
    return kith_hash_digest(KITH_HASH_SHA256, username, user) &&
           memcmp(user, a->user, sizeof user) == 0;
}

/* Its socket is asked to be closed; then, or when there is none, nothing holds it. */
static void drop_relay(kith_turn_server *server, kith_relayed *relay)
{
    kith_map_remove(&server->relays, &relay->in_relays);
    kith_list_remove(&relay->in_list);
    if (relay->is_open)
        kith_list_append(&server->to_close, &relay->in_list);
    relay->is_open = false;
}

/* It is gone at once, but its memory stays until its sockets were asked to be closed. */
void kith_allocation_free(kith_allocation *a)
{
    kith_turn_server *server = a->server;
    if (kith_list_has(&a->in_all)) {
        kith_list_remove(&a->in_all);
        kith_map_remove(&server->allocations, &a->in_allocations);
        kith_heap_set(&server->deadlines, &a->expires, KITH_NEVER);
        kith_quota_release(&server->users, a->of_user);
        kith_quota_release(&server->addresses, a->of_address);
        server->counters.allocations--;
        if (a->stream)
            kith_stream_lost_allocation(a->stream);
        drop_relay(server, &a->relays[0]);
        drop_relay(server, &a->relays[1]);
    }
    if (kith_list_has(&a->relays[0].in_list) || kith_list_has(&a->relays[1].in_list))
        return;
    kith_wipe(&a->key, sizeof a->key);
    kith_free(a->permissions);
    kith_free(a->channels);
    kith_free(a);
}

/* ---- relayed addresses ---- */

static uint16_t choose_port(const kith_relayed *relay)
{
    const kith_turn_server_config *config = &relay->owner->server->config;
    uint32_t range = (uint32_t)config->port_end - config->port_begin + 1;
    uint32_t port = config->port_begin + kith_random_below(range);
    if (relay->owner->wants_even_port && port % 2 != 0)
        port = port == config->port_end ? port - 1 : port + 1;
    return (uint16_t)port;
}

static void try_port(kith_relayed *relay)
{
    relay->tries++;
    relay->local.port = choose_port(relay);
    kith_list_append(&relay->owner->server->to_open, &relay->in_list);
}

void kith_relayed_open(kith_relayed *relay, const kith_address *ip)
{
    relay->local = *ip;
    try_port(relay);
}

static bool is_waiting(const kith_allocation *a)
{
    return kith_list_has(&a->relays[0].in_list) || kith_list_has(&a->relays[1].in_list);
}

bool kith_relayed_opened(kith_relayed *relay, kith_time now, const kith_address *bound)
{
    kith_allocation *a = relay->owner;
    kith_span key = kith_span_of(&relay->local, sizeof relay->local);
    if (!bound && relay->tries < KITH_TURN_SERVER_PORT_TRIES) {
        try_port(relay);
        return true;
    }
    if (bound)
        relay->local = *bound;
    relay->is_open = bound && !kith_map_find(&a->server->relays, key) &&
                     kith_map_add(&a->server->relays, &relay->in_relays, key) == KITH_OK;
    bool is_open = relay->is_open;
    if (!is_open)
        relay->local.family = 0;
    if (!is_waiting(a))
        kith_answer_allocated(a, now);
    return is_open;
}

kith_relayed *kith_allocation_relay(kith_allocation *a, uint8_t family)
{
    for (size_t i = 0; i < 2; i++)
        if (a->relays[i].is_open && a->relays[i].local.family == family)
            return &a->relays[i];
    return NULL;
}

/* ---- permissions ---- */

static kith_permission *find_permission(const kith_allocation *a, const kith_address *peer)
{
    for (size_t i = 0; i < a->permission_count; i++)
        if (kith_address_same_ip(&a->permissions[i].ip, peer))
            return &a->permissions[i];
    return NULL;
}

bool kith_allocation_permits(const kith_allocation *a, const kith_address *peer, kith_time now)
{
    const kith_permission *permission = find_permission(a, peer);
    if (!permission || permission->until <= now)
        return false;
    return !permission->by_port || kith_peer_judge(a->server, peer) != KITH_PEER_DENIED;
}

/* Room for one element more, doubling; NULL: no memory. */
static void *grow(void *elements, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return elements;
    return kith_resize(elements, (count > 0 ? 2 * count : 1) * size);
}

static kith_permission *add_permission(kith_allocation *a, kith_time now)
{
    for (size_t i = 0; i < a->permission_count; i++)
        if (a->permissions[i].until <= now)
            return &a->permissions[i];
    if (a->permission_count == KITH_TURN_SERVER_MAX_PERMISSIONS)
        return NULL;
    kith_permission *more = grow(a->permissions, a->permission_count, sizeof *more);
    if (!more)
        return NULL;
    a->permissions = more;
    return &more[a->permission_count++];
}

bool kith_allocation_permit(kith_allocation *a, const kith_address *peer, kith_time now)
{
    kith_permission *permission = find_permission(a, peer);
    if (!permission)
        permission = add_permission(a, now);
    if (!permission)
        return false;
    permission->ip = *peer;
    permission->ip.port = 0;
    permission->until = now + KITH_TURN_SERVER_PERMISSION;
    permission->by_port = kith_peer_judge(a->server, peer) == KITH_PEER_THIS_PORT;
    a->server->counters.permissions++;
    return true;
}

/* ---- channels ---- */

kith_channel *kith_channel_by_number(const kith_allocation *a, uint16_t number, kith_time now)
{
    for (size_t i = 0; i < a->channel_count; i++)
        if (a->channels[i].number == number && a->channels[i].until > now)
            return &a->channels[i];
    return NULL;
}

kith_channel *kith_channel_by_peer(const kith_allocation *a, const kith_address *peer,
                                   kith_time now)
{
    for (size_t i = 0; i < a->channel_count; i++)
        if (kith_address_equal(&a->channels[i].peer, peer) && a->channels[i].until > now)
            return &a->channels[i];
    return NULL;
}

static kith_channel *add_channel(kith_allocation *a, kith_time now)
{
    for (size_t i = 0; i < a->channel_count; i++)
        if (a->channels[i].until <= now)
            return &a->channels[i];
    if (a->channel_count == KITH_TURN_SERVER_MAX_CHANNELS)
        return NULL;
    kith_channel *more = grow(a->channels, a->channel_count, sizeof *more);
    if (!more)
        return NULL;
    a->channels = more;
    return &more[a->channel_count++];
}

bool kith_channel_bind(kith_allocation *a, uint16_t number, const kith_address *peer, kith_time now)
{
    kith_channel *channel = kith_channel_by_number(a, number, now);
    if (!channel)
        channel = add_channel(a, now);
    if (!channel)
        return false;
    *channel =
        (kith_channel){.peer = *peer, .number = number, .until = now + KITH_TURN_SERVER_CHANNEL};
    a->server->counters.channels++;
    return true;
}
