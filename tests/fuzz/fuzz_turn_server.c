/* A TURN server: strangers who send any bytes from addresses of their own or of a user's, two users
 * who ask for anything, damaged or not, with peers on both sides, and a driver whose sockets may
 * fail. Beside it stands a model of RFC 8656 that knows less and is never wrong: whatever the input
 * does,
 *
 *   - at most one datagram leaves for each, and none grows by more than is promised;
 *   - an answer goes to who asked, with his transaction; to who has shown nothing it is at most
 *     three times as long as his request (or the shortest challenge), and errors are limited;
 *   - no allocation, permission or channel comes of a request that is not right and signed;
 *   - data leaves only for peers that a user may reach and permitted in the last 300 s, as it was,
 *     and what comes from these goes to that user alone;
 *   - sockets, allocations and the counters agree, and time is never due again at once.
 *
 * An input is a list of steps of one byte with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "turn_server/server.h"

enum step { STRANGER, REQUEST, SEND, CHANNEL, FROM_PEER, WAIT, STEPS };

/* Of a REQUEST, in two bytes. */
enum flag {
    LIFETIME = 1,
    PEER = 2,
    SECOND_PEER = 4,
    NUMBER = 8,
    WRONG_PASSWORD = 16,
    NO_CREDENTIALS = 32,
    DAMAGED = 64,
    SAME_ID = 128,
    IPV6_FAMILY = 256,
    BOTH_FAMILIES = 512,
    EVEN_PORT = 1024,
    FINGERPRINT = 2048,
    MORE_BYTES = 4096,
    NO_SOCKETS = 8192,
    OTHER_USER = 16384,
};

enum { USERS = 2, STRANGERS = 4, IPS = 8, MAX_SOCKETS = 8 };

#define REALM          "r"
#define MAX_PERMISSION KITH_SECONDS(300)

typedef struct user {
    kith_path path;
    const char *name;
    uint8_t nonce[KITH_NONCE];
    bool has_nonce;
    uint8_t id[KITH_STUN_ID];
    /* until when each of the IPs may be reached */
    kith_time permitted[IPS];
    /* who allocated; NULL: nobody */
    const char *owner;
} user;

typedef struct turn_socket {
    kith_address local;
    user *owner;
} turn_socket;

typedef struct game {
    kith_turn_server *server;
    kith_time now, began;
    user users[USERS];
    turn_socket sockets[MAX_SOCKETS];
    size_t socket_count;
    /* whose step it is; NULL: a stranger's, or nobody's */
    user *acting;
    bool no_sockets;
    unsigned errors[STRANGERS];
    uint64_t ids;
    /* what left */
    kith_packet_info out;
    uint8_t buf[70000];
    size_t len;
} game;

/* ---- addresses ---- */

static const kith_address ips[IPS] = {
    {.family = KITH_IPV4, .ip = {203, 0, 113, 9}},
    {.family = KITH_IPV4, .ip = {203, 0, 113, 10}},
    {.family = KITH_IPV6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}},
    /* may not be reached */
    {.family = KITH_IPV4, .ip = {10, 0, 0, 1}},
    {.family = KITH_IPV4, .ip = {203, 0, 113, 66}},
    {.family = KITH_IPV6, .ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}},
    /* the server's own: its relayed addresses alone */
    {.family = KITH_IPV4, .ip = {192, 0, 2, 1}},
    {.family = KITH_IPV6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
};
enum { FIRST_DENIED = 3, FIRST_OWN = 6 };

static size_t index_of(const kith_address *address)
{
    for (size_t i = 0; i < IPS; i++)
        if (kith_address_same_ip(&ips[i], address))
            return i;
    return IPS;
}

static turn_socket *find_socket(game *g, const kith_address *local)
{
    for (size_t i = 0; i < g->socket_count; i++)
        if (kith_address_equal(&g->sockets[i].local, local))
            return &g->sockets[i];
    return NULL;
}

/* An IP and a port; port 255 and the like are a relayed address, where there is one. */
static kith_address read_address(game *g, kith_reader *in)
{
    kith_address address = ips[kith_rd_u8(in) % IPS];
    uint8_t port = kith_rd_u8(in);
    if (port >= 240 && g->socket_count > 0)
        return g->sockets[port % g->socket_count].local;
    address.port = port == 0 ? 0 : port == 1 ? 3478 : (uint16_t)(5000 + port);
    return address;
}

/* ---- what leaves ---- */

static void poll_packet(game *g)
{
    kith_packet_info nothing = KITH_PACKET_INFO_INIT;
    uint8_t more[1];
    g->out = nothing;
    g->len = kith_turn_server_poll_packet(g->server, &g->out, g->buf, sizeof g->buf);
    assert(kith_turn_server_poll_packet(g->server, &nothing, more, sizeof more) == 0);
}

static void forget_socket(game *g, const kith_address *local)
{
    turn_socket *socket = find_socket(g, local);
    assert(socket);
    memset(socket->owner->permitted, 0, sizeof socket->owner->permitted);
    socket->owner->owner = NULL;
    *socket = g->sockets[--g->socket_count];
}

/* Nobody but a user who is being answered has sockets opened. */
static void open_socket(game *g, const kith_request *request)
{
    kith_address bound = request->local;
    bool refused = g->no_sockets || g->socket_count == MAX_SOCKETS;
    assert(g->acting && !find_socket(g, &bound));
    bool is_kept =
        kith_turn_server_handle_opened(g->server, g->now, request->id, refused ? NULL : &bound);
    if (!refused && is_kept)
        g->sockets[g->socket_count++] = (turn_socket){.local = bound, .owner = g->acting};
    if (g->len == 0)
        poll_packet(g);
}

static void serve_requests(game *g)
{
    unsigned count = 0;
    for (const kith_request *r; (r = kith_turn_server_poll_request(g->server));) {
        assert(++count < 100);
        if (r->type == KITH_REQUEST_OPEN)
            open_socket(g, r);
        else
            forget_socket(g, &r->local);
    }
    const kith_turn_server_counters *counters = kith_turn_server_get_counters(g->server);
    uint64_t present = g->server->allocations.count;
    assert(present <= USERS && g->socket_count >= present && g->socket_count <= 2 * present);
    assert(g->socket_count == g->server->relays.count);
    assert(counters->allocations_made ==
           present + counters->allocations_expired + counters->allocations_released);
    assert(kith_turn_server_timeout(g->server) > g->now);
    KITH_LIST_EACH(&g->server->all, node) {
        const kith_allocation *a = KITH_OWNER(node, kith_allocation, in_all);
        assert(a->permission_count <= KITH_TURN_SERVER_MAX_PERMISSIONS);
        assert(a->channel_count <= KITH_TURN_SERVER_MAX_CHANNELS);
    }
}

/* In memory of exactly its size, so that a read past the end is seen. */
static void deliver(game *g, const kith_path *path, const void *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t *exact = malloc(len + (len == 0));
    assert(exact);
    if (len > 0)
        memcpy(exact, data, len);
    info.path = *path;
    kith_turn_server_handle_packet(g->server, g->now, &info, exact, len);
    poll_packet(g);
    free(exact);
    assert(g->len <= KITH_MAX_PACKET || g->len <= len + KITH_TURN_SERVER_MAX_HEAD);
    serve_requests(g);
}

/* ---- answers ---- */

/* Error code, realm, nonce and a fingerprint with the header: 401 has to say them. */
static size_t longest_for_stranger(size_t asked)
{
    size_t challenge = KITH_STUN_HEADER + 8 + 8 + 4 + (KITH_NONCE + 3) / 4 * 4 + 8;
    return 3 * asked > challenge ? 3 * asked : challenge;
}

/* What left is an answer to that request on that path; NULL when nothing did. */
static const kith_stun *read_answer(game *g, const kith_path *path, const kith_stun *asked)
{
    static kith_stun answer;
    if (g->len == 0)
        return NULL;
    bool is_read = kith_stun_parse(&answer, g->buf, g->len);
    assert(is_read && asked->class == KITH_STUN_REQUEST && answer.method == asked->method);
    assert(answer.class == KITH_STUN_SUCCESS || answer.class == KITH_STUN_ERROR);
    assert(memcmp(answer.id, asked->id, sizeof answer.id) == 0);
    assert(kith_path_equal(&g->out.path, path));
    return &answer;
}

/* ---- data that leaves ---- */

/* A user's data left: to whom he may send it. */
static void judge_way(game *g, const user *who)
{
    const turn_socket *socket = find_socket(g, &g->out.path.local);
    const kith_address *peer = &g->out.path.remote;
    size_t ip = index_of(peer);
    assert(socket && socket->owner == who && ip < IPS && peer->port != 0);
    assert(peer->family == socket->local.family && who->permitted[ip] > g->now);
    assert(ip < FIRST_OWN || find_socket(g, peer));
}

/* ---- strangers ---- */

static void stranger(game *g, kith_reader *in)
{
    uint8_t who = kith_rd_u8(in) % (STRANGERS + USERS);
    kith_span bytes = kith_rd_span(in, kith_rd_u8(in));
    kith_path path = g->users[0].path;
    uint64_t allocations = g->server->allocations.count;
    uint64_t to_peers = kith_turn_server_get_counters(g->server)->to_peers_packets;
    kith_stun asked = {.class = KITH_STUN_INDICATION};
    if (who >= STRANGERS) /* forges a user's address: Send and channels need no more than that */
        path = g->users[who - STRANGERS].path;
    else
        path.remote.ip[3] = (uint8_t)(100 + who);
    (void)kith_stun_parse(&asked, bytes.data, bytes.len);
    deliver(g, &path, bytes.data, bytes.len);
    if (who >= STRANGERS && g->len > 0 && find_socket(g, &g->out.path.local)) {
        judge_way(g, &g->users[who - STRANGERS]);
        return;
    }
    assert(g->server->allocations.count == allocations);
    assert(kith_turn_server_get_counters(g->server)->to_peers_packets == to_peers);
    const kith_stun *answer = read_answer(g, &path, &asked);
    assert(!answer || g->len <= longest_for_stranger(bytes.len));
    assert(!answer || answer->class == KITH_STUN_ERROR || answer->method == KITH_STUN_BINDING);
    if (answer && answer->class == KITH_STUN_ERROR && who < STRANGERS)
        g->errors[who]++;
    for (size_t i = 0; i < STRANGERS; i++)
        assert((kith_time)g->errors[i] <= 51 + (g->now - g->began) / KITH_MS(100));
}

/* ---- users ---- */

typedef struct asking {
    user *who;
    uint16_t method, flags;
    uint8_t buf[1500];
    kith_writer w;
    /* what is signed ends there */
    size_t end;
} asking;

static void sign(asking *a, const user *name)
{
    uint8_t key[32];
    const char *password = a->flags & WRONG_PASSWORD ? "guessed" : "password";
    kith_stun_put_span(&a->w, KITH_STUN_ATTR_USERNAME, kith_span_text(name->name));
    kith_stun_put_span(&a->w, KITH_STUN_ATTR_REALM, kith_span_text(REALM));
    kith_stun_put_span(&a->w, KITH_STUN_ATTR_NONCE,
                       kith_span_of(a->who->nonce, sizeof a->who->nonce));
    size_t len = kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_MD5, kith_span_text(name->name),
                                         kith_span_text(REALM), kith_span_text(password));
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_of(key, len));
    assert(hmac);
    kith_stun_put_integrity(&a->w, hmac);
    kith_hmac_free(hmac);
}

static void put_allocate(asking *a)
{
    kith_stun_put_u8_padded(&a->w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, 17);
    if (a->flags & IPV6_FAMILY)
        kith_stun_put_family(&a->w, KITH_STUN_ATTR_REQUESTED_ADDRESS_FAMILY, KITH_IPV6);
    if (a->flags & BOTH_FAMILIES)
        kith_stun_put_family(&a->w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    if (a->flags & EVEN_PORT)
        kith_stun_put_u8(&a->w, KITH_STUN_ATTR_EVEN_PORT, 0);
}

static void put_attributes(game *g, asking *a, kith_reader *in)
{
    if (a->method == KITH_STUN_ALLOCATE)
        put_allocate(a);
    if (a->flags & LIFETIME)
        kith_stun_put_u32(&a->w, KITH_STUN_ATTR_LIFETIME, kith_rd_u16(in));
    for (int i = 0; i < 2; i++)
        if (a->flags & (i == 0 ? PEER : SECOND_PEER)) {
            kith_address peer = read_address(g, in);
            kith_stun_put_xor_address(&a->w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peer);
        }
    if (a->flags & NUMBER)
        kith_stun_put_u16_padded(&a->w, KITH_STUN_ATTR_CHANNEL_NUMBER,
                                 (uint16_t)(0x3ffe + kith_rd_u8(in) % 16));
    if (a->flags & MORE_BYTES)
        kith_wr_span(&a->w, kith_rd_span(in, kith_rd_u8(in) & 0x7c));
}

static void damage(asking *a, kith_reader *in)
{
    size_t at = kith_rd_u16(in) % a->end;
    uint8_t change = kith_rd_u8(in);
    a->buf[at] ^= change ? change : 1;
}

static void learn_nonce(user *who, const kith_stun *answer)
{
    if (answer->error_code.code != 401 && answer->error_code.code != 438)
        return;
    assert(kith_stun_has(answer, KITH_STUN_HAS_NONCE) && answer->nonce.len == sizeof who->nonce);
    memcpy(who->nonce, answer->nonce.data, sizeof who->nonce);
    who->has_nonce = true;
}

/* What more bytes may name is not in the model. */
static bool names_others(const kith_stun *asked)
{
    kith_address peer;
    kith_reader at = kith_stun_peers(asked);
    while (kith_stun_next_peer(asked, &at, &peer))
        if (index_of(&peer) == IPS)
            return true;
    return false;
}

static void permit(game *g, user *who, const kith_address *peer)
{
    size_t ip = index_of(peer);
    assert(ip < FIRST_DENIED || (ip >= FIRST_OWN && ip < IPS && find_socket(g, peer)));
    who->permitted[ip] = g->now + MAX_PERMISSION;
}

/* Only he has it who asked as the RFC says. */
static void judge_success(game *g, const asking *a, const kith_stun *asked, const char *name)
{
    user *who = a->who;
    kith_address peer;
    kith_reader at = kith_stun_peers(asked);
    assert(who->has_nonce && !(a->flags & (WRONG_PASSWORD | NO_CREDENTIALS | DAMAGED)));
    assert(a->method == KITH_STUN_ALLOCATE || !who->owner || who->owner == name);
    if (a->method == KITH_STUN_ALLOCATE && !who->owner)
        who->owner = name;
    while (a->method == KITH_STUN_CREATE_PERMISSION && kith_stun_next_peer(asked, &at, &peer))
        permit(g, who, &peer);
    if (a->method == KITH_STUN_CHANNEL_BIND) {
        permit(g, who, &asked->xor_peer_address);
        assert(asked->channel_number >= 0x4000 && asked->channel_number <= 0x4fff);
    }
}

static void request(game *g, kith_reader *in)
{
    static const uint16_t methods[] = {KITH_STUN_ALLOCATE, KITH_STUN_REFRESH,
                                       KITH_STUN_CREATE_PERMISSION, KITH_STUN_CHANNEL_BIND,
                                       KITH_STUN_BINDING};
    asking a = {.who = &g->users[kith_rd_u8(in) % USERS]};
    kith_stun asked = {.class = KITH_STUN_INDICATION};
    a.method = methods[kith_rd_u8(in) % 5];
    a.flags = kith_rd_u16(in);
    a.w = kith_wr(a.buf, sizeof a.buf);
    if (!(a.flags & SAME_ID))
        memcpy(a.who->id, &(uint64_t){++g->ids}, sizeof(uint64_t));
    kith_stun_begin(&a.w, KITH_STUN_REQUEST, a.method, a.who->id);
    put_attributes(g, &a, in);
    const user *name = a.flags & OTHER_USER ? &g->users[a.who == &g->users[0]] : a.who;
    if (!(a.flags & NO_CREDENTIALS))
        sign(&a, name);
    a.end = a.w.len;
    if (a.flags & FINGERPRINT)
        kith_stun_put_fingerprint(&a.w);
    else
        kith_stun_end(&a.w);
    if (a.w.bad)
        return;
    if (a.flags & DAMAGED)
        damage(&a, in);
    if (kith_stun_parse(&asked, a.buf, a.w.len) && names_others(&asked))
        return;
    g->acting = a.who;
    g->no_sockets = a.flags & NO_SOCKETS;
    deliver(g, &a.who->path, a.buf, a.w.len);
    g->acting = NULL;
    if (a.flags & DAMAGED && g->len > 0 && find_socket(g, &g->out.path.local))
        return; /* it became a Send indication */
    const kith_stun *answer = read_answer(g, &a.who->path, &asked);
    if (answer && answer->class == KITH_STUN_ERROR)
        learn_nonce(a.who, answer);
    else if (answer && answer->method != KITH_STUN_BINDING)
        judge_success(g, &a, &asked, name->name);
}

/* ---- data ---- */

static void judge_data(game *g, const user *who, kith_span data)
{
    if (g->len == 0)
        return;
    judge_way(g, who);
    assert(kith_span_equal(kith_span_of(g->buf, g->len), data));
}

static void send_indication(game *g, kith_reader *in)
{
    uint8_t buf[400], id[KITH_STUN_ID] = {9};
    user *who = &g->users[kith_rd_u8(in) % USERS];
    kith_address peer = read_address(g, in);
    kith_span data = kith_rd_span(in, kith_rd_u8(in));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_SEND, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peer);
    kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, data);
    kith_stun_end(&w);
    deliver(g, &who->path, buf, w.len);
    assert(g->len == 0 || kith_address_equal(&g->out.path.remote, &peer));
    judge_data(g, who, data);
}

static void channel_data(game *g, kith_reader *in)
{
    uint8_t buf[300];
    user *who = &g->users[kith_rd_u8(in) % USERS];
    uint16_t number = (uint16_t)(0x4000 + kith_rd_u8(in) % 16);
    uint8_t padding = kith_rd_u8(in) % 4;
    kith_span data = kith_rd_span(in, kith_rd_u8(in));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_u16(&w, number);
    kith_wr_u16(&w, (uint16_t)data.len);
    kith_wr_span(&w, data);
    kith_wr_zeros(&w, padding);
    deliver(g, &who->path, buf, w.len);
    judge_data(g, who, data);
}

static void from_peer(game *g, kith_reader *in)
{
    if (g->socket_count == 0)
        return;
    turn_socket socket = g->sockets[kith_rd_u8(in) % g->socket_count];
    kith_path path = {.local = socket.local, .remote = read_address(g, in)};
    kith_span data = kith_rd_span(in, kith_rd_u8(in));
    size_t ip = index_of(&path.remote);
    kith_stun m;
    if (path.remote.family != path.local.family)
        return; /* no socket gives that */
    deliver(g, &path, data.data, data.len);
    if (g->len == 0)
        return;
    assert(kith_path_equal(&g->out.path, &socket.owner->path));
    assert(ip < IPS && socket.owner->permitted[ip] > g->now);
    assert(ip < FIRST_OWN || find_socket(g, &path.remote));
    if (kith_stun_parse(&m, g->buf, g->len)) {
        assert(m.class == KITH_STUN_INDICATION && m.method == KITH_STUN_DATA_INDICATION);
        assert(kith_address_equal(&m.xor_peer_address, &path.remote));
        assert(kith_span_equal(m.data, data));
    } else {
        assert(g->len == 4 + data.len && g->buf[0] >> 4 == 4);
        assert(data.len == 0 || memcmp(g->buf + 4, data.data, data.len) == 0);
    }
}

/* ---- the game ---- */

static void wait_for(game *g, kith_time time)
{
    g->now += time;
    kith_turn_server_handle_timeout(g->server, g->now);
    g->len = 0;
    serve_requests(g);
}

static void step(game *g, kith_reader *in)
{
    switch (kith_rd_u8(in) % STEPS) {
    case STRANGER:
        stranger(g, in);
        break;
    case REQUEST:
        request(g, in);
        break;
    case SEND:
        send_indication(g, in);
        break;
    case CHANNEL:
        channel_data(g, in);
        break;
    case FROM_PEER:
        from_peer(g, in);
        break;
    default:
        wait_for(g, KITH_MS((kith_time)kith_rd_u16(in) * 20));
        break;
    }
}

static bool set_up(game *g)
{
    static const kith_turn_user users[] = {{"alice", "password"}, {"bob", "password"}};
    static const char *const denied[] = {"203.0.113.66", NULL};
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.realm = REALM;
    config.users = users;
    config.user_count = USERS;
    config.denied_peers = denied;
    if (kith_turn_server_new(&g->server, &config) != KITH_OK)
        return false;
    g->now = g->began = KITH_SECONDS(1000);
    for (size_t i = FIRST_OWN; i < IPS; i++) {
        kith_address local = ips[i];
        local.port = 3478;
        kith_err err = kith_turn_server_add_local(g->server, &local, NULL);
        assert(err == KITH_OK);
    }
    for (size_t i = 0; i < USERS; i++) {
        user *who = &g->users[i];
        who->name = users[i].username;
        who->path.local = *kith_turn_server_local(g->server, 0);
        who->path.remote = (kith_address){
            .family = KITH_IPV4, .port = 40000, .ip = {198, 51, 100, (uint8_t)(1 + i)}};
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static game g;
    g = (game){0};
    kith_reader in = kith_rd(data, size);
    if (!set_up(&g))
        return 0;
    while (kith_rd_left(&in) > 0)
        step(&g, &in);
    kith_turn_server_free(g.server);
    return 0;
}
