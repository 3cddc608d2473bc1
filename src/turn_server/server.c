/* A server from its making to its end: local addresses, time, and sockets that the outside opens
 * and closes. */
#include "turn_server/server.h"

#include <assert.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"

/* RFC 8656 section 7.2 recommends the dynamic ports. */
#define FIRST_PORT 49152
#define LAST_PORT  65535

/* An address that was allowed. */
typedef struct allowed_local {
    kith_map_node in_allowed;
    kith_address address;
} allowed_local;

/* ---- making ---- */

static void set_defaults(kith_turn_server_config *config)
{
    if (config->max_lifetime == 0)
        config->max_lifetime = KITH_SECONDS(3600);
    if (config->nonce_lifetime == 0)
        config->nonce_lifetime = KITH_SECONDS(600);
    if (config->max_allocations == 0)
        config->max_allocations = 1000;
    if (config->max_per_user == 0)
        config->max_per_user = 10;
    if (config->max_per_address == 0)
        config->max_per_address = 64;
    if (config->port_begin == 0) {
        config->port_begin = FIRST_PORT;
        config->port_end = LAST_PORT;
    }
}

static kith_err copy_config(kith_turn_server_config *out, const kith_turn_server_config *cfg)
{
    kith_err err = kith_config_read(out, sizeof *out, cfg, "KITH_TURN_SERVER_CONFIG_INIT");
    if (err != KITH_OK)
        return err;
    if (out->port_begin > out->port_end || (out->port_begin == 0) != (out->port_end == 0))
        return kith_fail(KITH_ERR_RANGE, "ports %u to %u are no range", out->port_begin,
                         out->port_end);
    for (size_t i = 0; i < sizeof out->reserved / sizeof out->reserved[0]; i++)
        if (out->reserved[i])
            return kith_fail(KITH_ERR_NOT_SUPPORTED,
                             "a reserved field of the configuration is set");
    if (out->max_lifetime < 0 || out->nonce_lifetime < 0)
        return kith_fail(KITH_ERR_RANGE, "a lifetime is negative");
    set_defaults(out);
    return KITH_OK;
}

static void init_tables(kith_turn_server *server)
{
    kith_map *const maps[] = {&server->allocations, &server->relays, &server->allowed,
                              &server->streams};
    uint64_t seed[2];
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        kith_random_bytes(seed, sizeof seed);
        kith_map_init(maps[i], seed);
    }
    kith_random_bytes(seed, sizeof seed);
    kith_quota_init(&server->users, seed);
    kith_quota_init(&server->addresses, seed);
    kith_quota_init(&server->connections, seed);
    server->error_limit = kith_error_limit_new(seed);
    kith_list_init(&server->all);
    kith_list_init(&server->to_open);
    kith_list_init(&server->opening);
    kith_list_init(&server->to_close);
    kith_list_init(&server->fresh);
    kith_list_init(&server->idle);
    kith_list_init(&server->writable);
    kith_heap_init(&server->deadlines);
}

kith_err kith_turn_server_new(kith_turn_server **out, const kith_turn_server_config *cfg)
{
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    kith_err err = copy_config(&config, cfg);
    if (err != KITH_OK)
        return err;
    kith_turn_server *server = kith_alloc_zero(1, sizeof *server);
    if (!server)
        return kith_fail_memory();
    server->config = config;
    init_tables(server);
    err = server->error_limit ? kith_access_init(&server->access, &config) : kith_fail_memory();
    if (err == KITH_OK)
        err = kith_acl_init(&server->acl, config.denied_peers, config.allowed_peers);
    if (err != KITH_OK) {
        kith_turn_server_free(server);
        return err;
    }
    server->config.realm = server->config.secret = server->config.old_secret = NULL;
    server->config.users = NULL;
    server->config.denied_peers = server->config.allowed_peers = NULL;
    *out = server;
    return KITH_OK;
}

static void free_allowed(kith_turn_server *server)
{
    kith_map *map = &server->allowed;
    for (size_t i = 0; map->buckets && i <= map->mask; i++)
        for (kith_map_node *node; (node = map->buckets[i]);) {
            kith_map_remove(map, node);
            kith_free(KITH_OWNER(node, allowed_local, in_allowed));
        }
    kith_map_deinit(map);
}

static void free_streams(kith_turn_server *server)
{
    kith_map *map = &server->streams;
    for (size_t i = 0; map->buckets && i <= map->mask; i++)
        while (map->buckets[i])
            kith_stream_free(KITH_OWNER(map->buckets[i], kith_turn_stream, in_streams));
    kith_map_deinit(map);
}

void kith_turn_server_free(kith_turn_server *server)
{
    if (!server)
        return;
    KITH_LIST_EACH(&server->all, node)
        kith_allocation_free(KITH_OWNER(node, kith_allocation, in_all));
    while (kith_turn_server_poll_request(server))
        ;
    free_streams(server);
    kith_tls_context_free(server->tls);
    free_allowed(server);
    kith_map_deinit(&server->allocations);
    kith_map_deinit(&server->relays);
    kith_heap_deinit(&server->deadlines);
    kith_quota_deinit(&server->users);
    kith_quota_deinit(&server->addresses);
    kith_quota_deinit(&server->connections);
    kith_error_limit_free(server->error_limit);
    kith_access_deinit(&server->access);
    kith_acl_deinit(&server->acl);
    kith_free(server);
}

/* ---- local addresses ---- */

kith_err kith_turn_server_add_local(kith_turn_server *server, const kith_address *local,
                                    const kith_address *external)
{
    if (local->family == 0 || local->port == 0 || kith_address_is_any(local) ||
        (external && external->family != local->family))
        return kith_fail(KITH_ERR_TYPE, "no address that clients can ask");
    for (size_t i = 0; i < server->local_count; i++)
        if (kith_address_equal(&server->locals[i].address, local))
            return kith_fail(KITH_ERR_INVALID_STATE, "the address is there already");
    if (server->local_count == KITH_TURN_SERVER_MAX_LOCALS)
        return kith_fail(KITH_ERR_RANGE, "more than %d local addresses",
                         KITH_TURN_SERVER_MAX_LOCALS);
    kith_turn_local *added = &server->locals[server->local_count++];
    *added = (kith_turn_local){.address = *local};
    if (external)
        added->external = *external;
    return KITH_OK;
}

const kith_address *kith_turn_server_local(const kith_turn_server *server, size_t index)
{
    return index < server->local_count ? &server->locals[index].address : NULL;
}

kith_err kith_turn_server_allow_local(kith_turn_server *server, const kith_address *local)
{
    if (kith_map_find(&server->allowed, kith_span_of(local, sizeof *local)))
        return KITH_OK;
    allowed_local *added = kith_alloc_zero(1, sizeof *added);
    if (!added)
        return kith_fail_memory();
    added->address = *local;
    kith_err err = kith_map_add(&server->allowed, &added->in_allowed,
                                kith_span_of(&added->address, sizeof added->address));
    if (err != KITH_OK)
        kith_free(added);
    return err;
}

void kith_turn_server_disallow_local(kith_turn_server *server, const kith_address *local)
{
    kith_map_node *node = kith_map_find(&server->allowed, kith_span_of(local, sizeof *local));
    if (!node)
        return;
    kith_map_remove(&server->allowed, node);
    kith_free(KITH_OWNER(node, allowed_local, in_allowed));
}

kith_err kith_turn_server_set_relay(kith_turn_server *server, const kith_address *relay,
                                    const kith_address *external)
{
    if (relay->family == 0 || kith_address_is_any(relay) ||
        (external && external->family != relay->family))
        return kith_fail(KITH_ERR_TYPE, "no address that peers can send to");
    kith_turn_local *set = &server->relay_ips[relay->family == KITH_IPV6];
    *set = (kith_turn_local){.address = *relay};
    if (external)
        set->external = *external;
    return KITH_OK;
}

const kith_address *kith_relay_ip(const kith_turn_server *server, uint8_t family,
                                  const kith_address *local)
{
    for (size_t i = 0; i < 2; i++)
        if (server->relay_ips[i].address.family == family)
            return &server->relay_ips[i].address;
    if (local->family == family)
        return local;
    for (size_t i = 0; i < server->local_count; i++)
        if (server->locals[i].address.family == family)
            return &server->locals[i].address;
    return NULL;
}

/* All IPs of this server, by number from 0; NULL: there are not so many. */
static const kith_turn_local *own_ip(const kith_turn_server *server, size_t index)
{
    if (index < 2)
        return &server->relay_ips[index];
    return index - 2 < server->local_count ? &server->locals[index - 2] : NULL;
}

static kith_address with_port(const kith_address *ip, uint16_t port)
{
    kith_address address = *ip;
    address.port = port;
    return address;
}

kith_address kith_inner_address(const kith_turn_server *server, const kith_address *address)
{
    const kith_turn_local *own;
    for (size_t i = 0; (own = own_ip(server, i)); i++)
        if (own->external.family != 0 && kith_address_same_ip(&own->external, address))
            return with_port(&own->address, address->port);
    return *address;
}

kith_address kith_outer_address(const kith_turn_server *server, const kith_address *address)
{
    const kith_turn_local *own;
    for (size_t i = 0; (own = own_ip(server, i)); i++)
        if (own->external.family != 0 && kith_address_same_ip(&own->address, address))
            return with_port(&own->external, address->port);
    return *address;
}

/* ---- peers ---- */

kith_peer_verdict kith_peer_judge(const kith_turn_server *server, const kith_address *inner)
{
    kith_acl_verdict verdict = kith_acl_says(&server->acl, inner);
    kith_span key = kith_span_of(inner, sizeof *inner);
    bool is_here = false, is_client_port = false;
    if (verdict == KITH_ACL_DENIED)
        return KITH_PEER_DENIED;
    if (kith_map_find(&server->relays, key) || kith_map_find(&server->allowed, key))
        return KITH_PEER_THIS_PORT;
    const kith_turn_local *own;
    for (size_t i = 0; (own = own_ip(server, i)); i++) {
        is_here |= kith_address_same_ip(&own->address, inner);
        is_client_port |= i >= 2 && kith_address_equal(&own->address, inner);
    }
    /* Where clients ask none may send through a relay, which would answer itself for ever. */
    if (is_client_port)
        return KITH_PEER_DENIED;
    if (verdict == KITH_ACL_ALLOWED)
        return is_here ? KITH_PEER_THIS_PORT : KITH_PEER_ALLOWED;
    return is_here || verdict == KITH_ACL_NOT_PUBLIC ? KITH_PEER_DENIED : KITH_PEER_ALLOWED;
}

/* ---- time ---- */

void kith_turn_server_handle_timeout(kith_turn_server *server, kith_time now)
{
    kith_begin_call(server, now);
    for (kith_heap_node *node; (node = kith_heap_first(&server->deadlines)) && node->at <= now;) {
        kith_allocation *a = KITH_OWNER(node, kith_allocation, expires);
        server->counters.allocations_expired += a->is_open;
        kith_allocation_free(a);
    }
    kith_stream_tick(server);
}

kith_time kith_turn_server_timeout(const kith_turn_server *server)
{
    if (!kith_list_empty(&server->to_open) || !kith_list_empty(&server->to_close))
        return 0;
    kith_heap_node *first = kith_heap_first(&server->deadlines);
    kith_time streams = kith_stream_deadline(server);
    return first && first->at < streams ? first->at : streams;
}

/* ---- requests ---- */

const kith_request *kith_turn_server_poll_request(kith_turn_server *server)
{
    kith_list_node *node = kith_list_take(&server->to_close);
    if (node) {
        kith_relayed *relay = KITH_OWNER(node, kith_relayed, in_list);
        server->request = (kith_request){.type = KITH_REQUEST_CLOSE, .local = relay->local};
        relay->local.family = 0;
        kith_allocation_free(relay->owner);
        return &server->request;
    }
    node = kith_list_take(&server->to_open);
    if (!node)
        return NULL;
    kith_relayed *relay = KITH_OWNER(node, kith_relayed, in_list);
    kith_list_append(&server->opening, &relay->in_list);
    relay->request_id = ++server->last_request;
    server->request =
        (kith_request){.type = KITH_REQUEST_OPEN, .id = relay->request_id, .local = relay->local};
    return &server->request;
}

bool kith_turn_server_handle_opened(kith_turn_server *server, kith_time now, uint64_t id,
                                    const kith_address *bound)
{
    kith_begin_call(server, now);
    KITH_LIST_EACH(&server->opening, node) {
        kith_relayed *relay = KITH_OWNER(node, kith_relayed, in_list);
        if (relay->request_id != id)
            continue;
        kith_list_remove(&relay->in_list);
        return kith_relayed_opened(relay, now, bound);
    }
    return false;
}

/* ---- what leaves ---- */

void kith_leave_nothing(kith_turn_server *server)
{
    server->leaving.head_len = server->leaving.padding = 0;
    server->leaving.body = kith_span_of(NULL, 0);
    server->leaving.stream = NULL;
}

void kith_begin_call(kith_turn_server *server, kith_time now)
{
    server->now = now;
    while (kith_stream_feed(server))
        ;
    kith_leave_nothing(server);
}

/* Until a datagram leaves, or nothing more. */
static void find_datagram(kith_turn_server *server)
{
    kith_leaving *leaving = &server->leaving;
    for (;;) {
        if (leaving->stream)
            kith_stream_put(leaving->stream, leaving);
        else if (leaving->head_len + leaving->body.len > 0)
            return;
        kith_leave_nothing(server);
        if (!kith_stream_feed(server))
            return;
    }
}

size_t kith_turn_server_poll_packet(kith_turn_server *server, kith_packet_info *info, void *buf,
                                    size_t cap)
{
    kith_leaving *leaving = &server->leaving;
    kith_writer w = kith_wr(buf, cap);
    find_datagram(server);
    kith_wr_bytes(&w, leaving->head, leaving->head_len);
    kith_wr_span(&w, leaving->body);
    kith_wr_zeros(&w, leaving->padding);
    if (w.bad || w.len == 0)
        return 0;
    size_t size = info->size;
    assert(size >= sizeof(kith_packet_info));
    *info = leaving->info;
    info->size = size;
    kith_leave_nothing(server);
    return w.len;
}

void kith_turn_server_handle_unsent(kith_turn_server *server, uint64_t packets)
{
    server->counters.unsent += packets;
}

const kith_turn_server_counters *kith_turn_server_get_counters(const kith_turn_server *server)
{
    return &server->counters;
}
