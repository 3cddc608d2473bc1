/* A client of the server under test, as the RFCs describe one: it keeps the nonce that it was
 * given, signs, and opens the sockets that the server asks for. Time is the test's. */
#ifndef KITH_TESTS_UNIT_TURN_SERVER_CLIENT_H
#define KITH_TESTS_UNIT_TURN_SERVER_CLIENT_H

#include <string.h>

#include "../unit.h"
#include "base/address.h"
#include "turn_server/server.h"

#define SERVER "192.0.2.1:3478"
#define CLIENT "198.51.100.7:40000"
#define PEER   "203.0.113.9:5000"
#define USER   "user"
#define SECRET "password"

typedef struct client {
    kith_turn_server *server;
    kith_time now;
    kith_path path;
    const char *username, *password;
    char realm[128];
    uint8_t nonce[64];
    size_t nonce_len;
    /* signs with SHA-256 and USERHASH where they were offered */
    bool is_modern;
    uint32_t offered;
    uint8_t algorithms[16];
    size_t algorithms_len;
    /* It is connected by TCP and writes pieces of so many bytes; 0: UDP. */
    size_t piece;
    bool is_closed;
    /* what the server writes to streams is the test's to take */
    bool has_tls;
    /* around the server's own work; NULL: nothing */
    void (*around)(bool begins);
    /* sockets cannot be opened */
    bool no_sockets;
    /* what the server asked to open last, and how many it has */
    kith_address opened;
    unsigned sockets;
    /* the last datagram that left it */
    kith_packet_info out;
    uint8_t buf[2000];
    size_t len;
    /* what is being written, and its transaction */
    uint8_t request[1500];
    kith_writer w;
    uint8_t id[KITH_STUN_ID];
    kith_stun answer;
} client;

static inline kith_address address_of(const char *text)
{
    kith_address out;
    ck_assert_int_eq(kith_address_parse(&out, text), KITH_OK);
    return out;
}

static inline kith_turn_server_config config_with_user(void)
{
    static const kith_turn_user user = {.username = USER, .password = SECRET};
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.realm = "example.org";
    config.users = &user;
    config.user_count = 1;
    return config;
}

static inline void add_local(client *c, const char *local, const char *external)
{
    kith_address address = address_of(local), outside = {0};
    if (external)
        outside = address_of(external);
    ck_assert_int_eq(kith_turn_server_add_local(c->server, &address, external ? &outside : NULL),
                     KITH_OK);
}

static inline void client_init(client *c, const kith_turn_server_config *config)
{
    kith_turn_server_config usual = config_with_user();
    *c = (client){.now = KITH_SECONDS(1000), .username = USER, .password = SECRET};
    ck_assert_int_eq(kith_turn_server_new(&c->server, config ? config : &usual), KITH_OK);
    c->path.local = address_of(SERVER);
    c->path.remote = address_of(CLIENT);
    add_local(c, SERVER, NULL);
}

static inline void client_deinit(client *c)
{
    kith_turn_server_free(c->server);
}

/* ---- what the driver does ---- */

static inline void around(const client *c, bool begins)
{
    if (c->around)
        c->around(begins);
}

/* What the server writes to streams; the last is kept, whole. */
static inline void take_streams(client *c)
{
    kith_path path;
    const void *data;
    for (size_t len; kith_turn_server_poll_stream(c->server, &path, &data, &len);) {
        c->is_closed |= len == 0 && kith_path_equal(&path, &c->path);
        if (len == 0)
            continue;
        ck_assert_uint_le(len, sizeof c->buf);
        memcpy(c->buf, data, len);
        c->len = len;
        c->out.path = path;
        kith_turn_server_handle_written(c->server, &path, len);
    }
}

/* Of several datagrams the last is kept. */
static inline void poll_packet(client *c)
{
    c->out = (kith_packet_info)KITH_PACKET_INFO_INIT;
    c->len = kith_turn_server_poll_packet(c->server, &c->out, c->buf, sizeof c->buf);
    for (size_t len = c->piece > 0 ? c->len : 0; len > 0;) {
        len = kith_turn_server_poll_packet(c->server, &c->out, c->buf, sizeof c->buf);
        c->len = len > 0 ? len : c->len;
    }
    if (c->len == 0 && !c->has_tls)
        take_streams(c);
}

static inline void write_pieces(client *c, const void *data, size_t len)
{
    size_t left_before = 0;
    for (size_t at = 0; at < len; at += c->piece) {
        size_t more = len - at < c->piece ? len - at : c->piece;
        kith_turn_server_handle_stream(c->server, c->now, &c->path, (const uint8_t *)data + at,
                                       more);
        poll_packet(c);
        ck_assert_uint_eq(left_before, 0);
        left_before = c->len;
    }
}

static inline void connect_by_tcp(client *c, size_t piece)
{
    c->piece = piece;
    c->path.protocol = KITH_TCP;
    ck_assert(kith_turn_server_handle_accepted(c->server, c->now, &c->path, false));
}

static inline void serve_requests(client *c)
{
    for (const kith_request *r; (r = kith_turn_server_poll_request(c->server));) {
        if (r->type == KITH_REQUEST_CLOSE) {
            c->sockets--;
            continue;
        }
        kith_address bound = c->opened = r->local;
        c->sockets += !c->no_sockets;
        (void)kith_turn_server_handle_opened(c->server, c->now, r->id,
                                             c->no_sockets ? NULL : &bound);
        if (c->len == 0)
            poll_packet(c);
    }
}

/* A datagram comes to the server. What leaves it is in buf, len and out. */
static inline void deliver(client *c, const kith_path *path, const void *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = *path;
    around(c, true);
    if (c->piece > 0 && kith_path_equal(path, &c->path)) {
        write_pieces(c, data, len);
    } else {
        kith_turn_server_handle_packet(c->server, c->now, &info, data, len);
        poll_packet(c);
    }
    serve_requests(c);
    around(c, false);
}

static inline void wait_for(client *c, kith_time time)
{
    c->now += time;
    kith_turn_server_handle_timeout(c->server, c->now);
    serve_requests(c);
    take_streams(c);
}

/* ---- requests ---- */

static inline void begin(client *c, uint16_t method)
{
    static uint8_t count;
    memset(c->id, 0, sizeof c->id);
    c->id[0] = ++count;
    c->id[1] = (uint8_t)method;
    c->w = kith_wr(c->request, sizeof c->request);
    kith_stun_begin(&c->w, KITH_STUN_REQUEST, method, c->id);
    if (method == KITH_STUN_ALLOCATE)
        kith_stun_put_u8_padded(&c->w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, 17);
}

static inline void put_peer(client *c, const char *peer)
{
    kith_address address = address_of(peer);
    kith_stun_put_xor_address(&c->w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &address);
}

static inline bool is_modern(const client *c)
{
    return c->is_modern && c->algorithms_len > 0;
}

static inline kith_hmac *client_key(const client *c)
{
    uint8_t key[32];
    bool modern = is_modern(c);
    size_t len = kith_stun_long_term_key(
        key, modern ? KITH_STUN_ALGORITHM_SHA256 : KITH_STUN_ALGORITHM_MD5,
        kith_span_text(c->username), kith_span_text(c->realm), kith_span_text(c->password));
    return kith_hmac_new(modern ? KITH_HASH_SHA256 : KITH_HASH_SHA1, kith_span_of(key, len));
}

static inline void put_credentials(client *c)
{
    uint8_t hash[KITH_STUN_USERHASH];
    kith_span name = kith_span_text(c->username);
    if (is_modern(c) && (c->offered & KITH_STUN_FEATURE_USERNAME_ANONYMITY)) {
        ck_assert(kith_stun_userhash(hash, name, kith_span_text(c->realm)));
        kith_stun_put_span(&c->w, KITH_STUN_ATTR_USERHASH, kith_span_of(hash, sizeof hash));
    } else {
        kith_stun_put_span(&c->w, KITH_STUN_ATTR_USERNAME, name);
    }
    kith_stun_put_span(&c->w, KITH_STUN_ATTR_REALM, kith_span_text(c->realm));
    kith_stun_put_span(&c->w, KITH_STUN_ATTR_NONCE, kith_span_of(c->nonce, c->nonce_len));
    if (is_modern(c)) {
        kith_stun_put_span(&c->w, KITH_STUN_ATTR_PASSWORD_ALGORITHMS,
                           kith_span_of(c->algorithms, c->algorithms_len));
        kith_stun_put_algorithm(&c->w, KITH_STUN_ALGORITHM_SHA256);
    }
}

static inline void sign(client *c)
{
    kith_hmac *hmac = client_key(c);
    put_credentials(c);
    if (is_modern(c))
        kith_stun_put_integrity_sha256(&c->w, hmac);
    else
        kith_stun_put_integrity(&c->w, hmac);
    kith_hmac_free(hmac);
}

/* Sends what was written. Returns the code of an error, 0 for success, -1 for no answer. */
static inline int ask_unsigned(client *c)
{
    kith_stun_end(&c->w);
    ck_assert(!c->w.bad);
    c->len = 0;
    deliver(c, &c->path, c->request, c->w.len);
    if (c->len == 0)
        return -1;
    ck_assert(kith_path_equal(&c->out.path, &c->path));
    ck_assert(kith_stun_parse(&c->answer, c->buf, c->len));
    ck_assert_mem_eq(c->answer.id, c->id, sizeof c->id);
    if (c->answer.class == KITH_STUN_SUCCESS)
        return 0;
    ck_assert_int_eq(c->answer.class, KITH_STUN_ERROR);
    return c->answer.error_code.code;
}

static inline void take_challenge(client *c)
{
    const kith_stun *m = &c->answer;
    ck_assert_uint_lt(m->realm.len, sizeof c->realm);
    memcpy(c->realm, m->realm.data, m->realm.len);
    c->realm[m->realm.len] = '\0';
    memcpy(c->nonce, m->nonce.data, m->nonce.len);
    c->nonce_len = m->nonce.len;
    ck_assert(kith_stun_nonce_features(m->nonce, &c->offered));
    c->algorithms_len = m->password_algorithms.len;
    ck_assert_uint_le(c->algorithms_len, sizeof c->algorithms);
    if (c->algorithms_len > 0)
        memcpy(c->algorithms, m->password_algorithms.data, c->algorithms_len);
}

/* Gets a nonce; the request has room for everything that a server may offer. */
static inline void be_challenged(client *c)
{
    begin(c, KITH_STUN_ALLOCATE);
    kith_stun_put_span(&c->w, KITH_STUN_ATTR_SOFTWARE, kith_span_text("a client of some length"));
    ck_assert_int_eq(ask_unsigned(c), 401);
    take_challenge(c);
}

/* Signs and sends; the answer's integrity is checked where it must have one. */
static inline int ask(client *c)
{
    if (c->nonce_len == 0) {
        client copy = *c;
        be_challenged(&copy);
        memcpy(c->realm, copy.realm, sizeof c->realm);
        memcpy(c->nonce, copy.nonce, sizeof c->nonce);
        memcpy(c->algorithms, copy.algorithms, sizeof c->algorithms);
        c->nonce_len = copy.nonce_len;
        c->algorithms_len = copy.algorithms_len;
        c->offered = copy.offered;
        c->w.data = c->request;
    }
    sign(c);
    int code = ask_unsigned(c);
    if (code == -1 || code == 401 || code == 438)
        return code;
    kith_hmac *hmac = client_key(c);
    ck_assert(is_modern(c) ? kith_stun_check_integrity_sha256(&c->answer, hmac)
                           : kith_stun_check_integrity(&c->answer, hmac));
    kith_hmac_free(hmac);
    return code;
}

static inline int allocate(client *c)
{
    begin(c, KITH_STUN_ALLOCATE);
    return ask(c);
}

static inline int refresh(client *c, uint32_t lifetime)
{
    begin(c, KITH_STUN_REFRESH);
    kith_stun_put_u32(&c->w, KITH_STUN_ATTR_LIFETIME, lifetime);
    return ask(c);
}

static inline int permit(client *c, const char *peer)
{
    begin(c, KITH_STUN_CREATE_PERMISSION);
    put_peer(c, peer);
    return ask(c);
}

static inline int bind_channel(client *c, uint16_t number, const char *peer)
{
    begin(c, KITH_STUN_CHANNEL_BIND);
    kith_stun_put_u16_padded(&c->w, KITH_STUN_ATTR_CHANNEL_NUMBER, number);
    put_peer(c, peer);
    return ask(c);
}

/* ---- data ---- */

/* Did something leave for the peer? */
static inline bool send_to(client *c, const char *peer, const char *text)
{
    kith_address to = address_of(peer);
    uint8_t buf[200];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_SEND, c->id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &to);
    kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, kith_span_text(text));
    kith_stun_end(&w);
    deliver(c, &c->path, buf, w.len);
    return c->len > 0;
}

static inline bool send_on(client *c, uint16_t number, const char *text)
{
    uint8_t buf[200];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_wr_u16(&w, number);
    kith_wr_u16(&w, (uint16_t)strlen(text));
    kith_wr_text(&w, text);
    if (c->piece > 0)
        kith_wr_zeros(&w, (4 - w.len % 4) % 4);
    deliver(c, &c->path, buf, w.len);
    return c->len > 0;
}

/* A peer sends to the relayed address that was opened last. */
static inline bool come_from(client *c, const char *peer, const char *text)
{
    kith_path path = {.local = c->opened, .remote = address_of(peer)};
    deliver(c, &path, text, strlen(text));
    return c->len > 0;
}

static inline const kith_turn_server_counters *counters(const client *c)
{
    return kith_turn_server_get_counters(c->server);
}

#endif
