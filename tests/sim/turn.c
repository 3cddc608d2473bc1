/* The model TURN server: allocations by the client's address and port, permissions by IP address,
 * channels by number, each with its lifetime. */
#include "turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "wire/stun.h"

#define REALM           "example.org"
#define MAX_ALLOCATIONS 16
#define MAX_PEERS       64
#define LIFETIME        KITH_SECONDS(600)
#define PERMISSION      KITH_SECONDS(300)

typedef struct permission {
    kith_address ip;
    kith_time until;
} permission;

typedef struct channel {
    uint16_t number;
    kith_address peer;
    kith_time until;
} channel;

typedef struct allocation {
    kith_path client; /* as the server sees it; remote.family 0: free */
    kith_address relayed;
    kith_time until;
    permission permissions[MAX_PEERS];
    channel channels[MAX_PEERS];
} allocation;

struct turn_server {
    host *host;
    struct {
        const char *name, *password;
    } users[2]; /* name NULL: none */
    bool expires_nonces;
    unsigned nonce;
    uint16_t last_port;
    int refused;
    const char *reason;
    kith_address alternate; /* family 0: none */
    const char *alternate_domain;
    allocation all[MAX_ALLOCATIONS];
    turn_counts count;
    turn_streams streams;
};

turn_streams *turn_streams_of(turn_server *s)
{
    return &s->streams;
}

host *turn_host(turn_server *s)
{
    return s->host;
}

void turn_set_user(turn_server *s, const char *user, const char *password)
{
    s->users[0].name = user;
    s->users[0].password = password;
}

void turn_add_user(turn_server *s, const char *user, const char *password)
{
    s->users[1] = s->users[0];
    turn_set_user(s, user, password);
}

void turn_expire_nonces(turn_server *s, bool on)
{
    s->expires_nonces = on;
}

void turn_refuse(turn_server *s, int code, const char *reason)
{
    s->refused = code;
    s->reason = reason;
}

void turn_redirect(turn_server *s, const char *to)
{
    s->alternate = (kith_address){0};
    kith_err err = to ? kith_address_parse(&s->alternate, to) : KITH_OK;
    assert(err == KITH_OK);
    (void)err;
    turn_refuse(s, to ? 300 : 0, NULL);
}

void turn_name_alternate(turn_server *s, const char *domain)
{
    s->alternate_domain = domain;
}

void turn_restart(turn_server *s)
{
    memset(s->all, 0, sizeof s->all);
    s->host->opened_count = 0;
    s->nonce += 100;
}

static bool lives(const allocation *a)
{
    return a->client.remote.family != 0 && a->until > virtual_now();
}

turn_counts turn_count(const turn_server *s)
{
    turn_counts count = s->count;
    count.connections = s->streams.accepted;
    count.connected = s->streams.connected;
    count.stream_bytes = s->streams.bytes;
    for (size_t i = 0; i < MAX_ALLOCATIONS; i++)
        count.live += lives(&s->all[i]);
    return count;
}

turn_server *world_add_turn_server(world *w, const char *ip, kith_time delay)
{
    turn_server *s = calloc(1, sizeof *s);
    s->host = world_add_server(w, ip, 3478, delay);
    s->host->turn = s;
    turn_set_user(s, TURN_USER, TURN_PASSWORD);
    s->last_port = 50000;
    return s;
}

void turn_free(turn_server *s)
{
    if (!s)
        return;
    turn_streams_deinit(s);
    free(s);
}

/* ---- answers ---- */

/* NULL: nobody of that name, or out of memory. */
static kith_hmac *key(const turn_server *s, kith_span username)
{
    uint8_t bytes[32];
    for (size_t i = 0; i < 2; i++) {
        if (!s->users[i].name || !kith_span_is(username, s->users[i].name))
            continue;
        size_t len =
            kith_stun_long_term_key(bytes, KITH_STUN_ALGORITHM_MD5, username, kith_span_text(REALM),
                                    kith_span_text(s->users[i].password));
        return kith_hmac_new(KITH_HASH_SHA1, kith_span_of(bytes, len));
    }
    return NULL;
}

static void put_nonce(const turn_server *s, kith_writer *w)
{
    char nonce[20];
    snprintf(nonce, sizeof nonce, "%u", s->nonce);
    kith_stun_put_span(w, KITH_STUN_ATTR_REALM, kith_span_text(REALM));
    kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_text(nonce));
}

/* `to`: the request that it answers with integrity. Out of memory, on purpose: no answer. */
static void finish(turn_server *s, const kith_path *path, kith_writer *w, const kith_stun *to)
{
    kith_hmac *hmac = to ? key(s, to->username) : NULL;
    if (hmac)
        kith_stun_put_integrity(w, hmac);
    kith_stun_end(w);
    if (hmac || !to)
        host_send(s->host, path, w->data, w->len);
    kith_hmac_free(hmac);
}

static void answer_error(turn_server *s, const kith_path *path, const kith_stun *m, int code,
                         const char *reason)
{
    uint8_t buf[600];
    kith_writer w = kith_wr(buf, sizeof buf);
    bool is_challenge = code == 401 || code == 438;
    kith_stun_begin(&w, KITH_STUN_ERROR, m->method, m->id);
    kith_stun_put_error(&w, code, reason);
    if (is_challenge)
        put_nonce(s, &w);
    if (code == 300)
        kith_stun_put_address(&w, KITH_STUN_ATTR_ALTERNATE_SERVER, &s->alternate);
    if (code == 300 && s->alternate_domain)
        kith_stun_put_span(&w, KITH_STUN_ATTR_ALTERNATE_DOMAIN,
                           kith_span_text(s->alternate_domain));
    finish(s, path, &w, is_challenge ? NULL : m);
}

static void answer_success(turn_server *s, const kith_path *path, const kith_stun *m,
                           const allocation *a, kith_time lifetime)
{
    uint8_t buf[600];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_SUCCESS, m->method, m->id);
    if (m->method == KITH_STUN_ALLOCATE) {
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &a->relayed);
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &path->remote);
    }
    if (m->method == KITH_STUN_ALLOCATE || m->method == KITH_STUN_REFRESH)
        kith_stun_put_u32(&w, KITH_STUN_ATTR_LIFETIME, (uint32_t)(lifetime / KITH_SECONDS(1)));
    s->nonce += s->expires_nonces;
    finish(s, path, &w, m);
}

/* ---- requests ---- */

static allocation *find(turn_server *s, const kith_address *client)
{
    for (size_t i = 0; i < MAX_ALLOCATIONS; i++)
        if (lives(&s->all[i]) && kith_address_equal(&s->all[i].client.remote, client))
            return &s->all[i];
    return NULL;
}

void turn_client_gone(turn_server *s, const kith_path *path)
{
    allocation *a = find(s, &path->remote);
    if (a)
        a->until = 0;
}

static allocation *add(turn_server *s, const kith_path *path)
{
    for (size_t i = 0; i < MAX_ALLOCATIONS; i++) {
        allocation *a = &s->all[i];
        if (lives(a))
            continue;
        memset(a, 0, sizeof *a);
        a->client = *path;
        a->relayed = s->host->address;
        a->relayed.port = ++s->last_port;
        assert(s->host->opened_count < HOST_MAX_SOCKETS);
        s->host->opened[s->host->opened_count++] = a->relayed;
        return a;
    }
    return NULL;
}

static void allocate(turn_server *s, const kith_path *path, const kith_stun *m)
{
    if (s->refused != 0) {
        answer_error(s, path, m, s->refused, s->reason);
        return;
    }
    allocation *a = find(s, &path->remote);
    if (a) {
        answer_error(s, path, m, 437, NULL);
        return;
    }
    a = add(s, path);
    assert(a);
    a->until = virtual_now() + LIFETIME;
    s->count.allocations++;
    answer_success(s, path, m, a, LIFETIME);
}

static void refresh(turn_server *s, const kith_path *path, const kith_stun *m, allocation *a)
{
    bool is_release = kith_stun_has(m, KITH_STUN_HAS_LIFETIME) && m->lifetime == 0;
    a->until = is_release ? 0 : virtual_now() + LIFETIME;
    s->count.refreshes++;
    s->count.released += is_release;
    answer_success(s, path, m, a, is_release ? 0 : LIFETIME);
}

static void permit(allocation *a, const kith_address *peer)
{
    permission *free_one = NULL;
    for (size_t i = 0; i < MAX_PEERS; i++) {
        permission *p = &a->permissions[i];
        if (p->ip.family != 0 && kith_address_same_ip(&p->ip, peer)) {
            p->until = virtual_now() + PERMISSION;
            return;
        }
        if (!free_one && p->until <= virtual_now())
            free_one = p;
    }
    assert(free_one);
    *free_one = (permission){*peer, virtual_now() + PERMISSION};
}

static bool is_permitted(const allocation *a, const kith_address *peer)
{
    for (size_t i = 0; i < MAX_PEERS; i++)
        if (a->permissions[i].until > virtual_now() &&
            kith_address_same_ip(&a->permissions[i].ip, peer))
            return true;
    return false;
}

/* RFC 8656 section 12.2: a number has one peer and a peer one number. */
static bool bind(allocation *a, uint16_t number, const kith_address *peer)
{
    channel *free_one = NULL;
    for (size_t i = 0; i < MAX_PEERS; i++) {
        channel *c = &a->channels[i];
        if (c->until <= virtual_now()) {
            free_one = free_one ? free_one : c;
            continue;
        }
        bool same_number = c->number == number, same_peer = kith_address_equal(&c->peer, peer);
        if (same_number != same_peer)
            return false;
        if (same_number)
            free_one = c;
        if (same_number)
            break;
    }
    assert(free_one);
    *free_one = (channel){number, *peer, virtual_now() + LIFETIME};
    permit(a, peer);
    return true;
}

static void serve_allocation(turn_server *s, const kith_path *path, const kith_stun *m)
{
    allocation *a = find(s, &path->remote);
    if (!a) {
        answer_error(s, path, m, 437, NULL);
    } else if (m->method == KITH_STUN_REFRESH) {
        refresh(s, path, m, a);
    } else if (m->method == KITH_STUN_CREATE_PERMISSION) {
        permit(a, &m->xor_peer_address);
        s->count.permissions++;
        answer_success(s, path, m, a, 0);
    } else if (!bind(a, m->channel_number, &m->xor_peer_address)) {
        answer_error(s, path, m, 400, NULL);
    } else {
        s->count.channels++;
        answer_success(s, path, m, a, 0);
    }
}

static bool is_right(const turn_server *s, const kith_stun *m)
{
    kith_hmac *hmac = key(s, m->username);
    bool is = hmac && kith_stun_check_integrity(m, hmac);
    kith_hmac_free(hmac);
    return is;
}

static void serve_request(turn_server *s, const kith_path *path, const kith_stun *m)
{
    char nonce[20];
    snprintf(nonce, sizeof nonce, "%u", s->nonce);
    if (m->method == KITH_STUN_BINDING) {
        uint8_t buf[100];
        kith_writer w = kith_wr(buf, sizeof buf);
        kith_stun_begin(&w, KITH_STUN_SUCCESS, KITH_STUN_BINDING, m->id);
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &path->remote);
        finish(s, path, &w, NULL);
    } else if (m->integrity.len == 0 || (kith_span_is(m->nonce, nonce) && !is_right(s, m))) {
        s->count.challenges++;
        answer_error(s, path, m, 401, NULL);
    } else if (!kith_span_is(m->nonce, nonce)) {
        s->count.stale++;
        answer_error(s, path, m, 438, NULL);
    } else if (m->method == KITH_STUN_ALLOCATE) {
        allocate(s, path, m);
    } else {
        serve_allocation(s, path, m);
    }
}

/* ---- data ---- */

static void relay(turn_server *s, const allocation *a, const kith_address *peer, kith_span data)
{
    kith_path path = {.local = a->relayed, .remote = *peer};
    if (!is_permitted(a, peer)) {
        s->count.unpermitted++;
        return;
    }
    s->count.relayed++;
    host_send(s->host, &path, data.data, data.len);
}

static void take_channel_data(turn_server *s, const kith_path *path, const uint8_t *data,
                              size_t len)
{
    const allocation *a = find(s, &path->remote);
    kith_reader r = kith_rd(data, len);
    uint16_t number = kith_rd_u16(&r);
    kith_span body = kith_rd_span(&r, kith_rd_u16(&r));
    for (size_t i = 0; a && !r.bad && i < MAX_PEERS; i++)
        if (a->channels[i].number == number && a->channels[i].until > virtual_now()) {
            s->count.channel_data++;
            relay(s, a, &a->channels[i].peer, body);
        }
}

static void from_peer(turn_server *s, const allocation *a, const kith_path *path,
                      const uint8_t *data, size_t len)
{
    uint8_t buf[1600];
    const uint8_t id[KITH_STUN_ID] = {1};
    kith_writer w = kith_wr(buf, sizeof buf);
    if (!is_permitted(a, &path->remote)) {
        s->count.unpermitted++;
        return;
    }
    for (size_t i = 0; i < MAX_PEERS; i++)
        if (a->channels[i].until > virtual_now() &&
            kith_address_equal(&a->channels[i].peer, &path->remote)) {
            kith_wr_u16(&w, a->channels[i].number);
            kith_wr_u16(&w, (uint16_t)len);
            kith_wr_bytes(&w, data, len);
            host_send(s->host, &a->client, buf, w.len);
            return;
        }
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_DATA_INDICATION, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &path->remote);
    kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, kith_span_of(data, len));
    kith_stun_end(&w);
    host_send(s->host, &a->client, buf, w.len);
}

void turn_receive(turn_server *s, const kith_path *path, const uint8_t *data, size_t len)
{
    kith_stun m;
    for (size_t i = 0; i < MAX_ALLOCATIONS; i++)
        if (lives(&s->all[i]) && kith_address_equal(&s->all[i].relayed, &path->local)) {
            from_peer(s, &s->all[i], path, data, len);
            return;
        }
    if (path->protocol == KITH_UDP && !kith_address_equal(&s->host->address, &path->local))
        return;
    if (!kith_stun_is(data, len)) {
        take_channel_data(s, path, data, len);
    } else if (kith_stun_parse(&m, data, len)) {
        const allocation *a = find(s, &path->remote);
        if (m.class == KITH_STUN_REQUEST)
            serve_request(s, path, &m);
        else if (a && m.method == KITH_STUN_SEND) {
            s->count.sends++;
            relay(s, a, &m.xor_peer_address, m.data);
        }
    }
}
