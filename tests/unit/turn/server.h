/* A scripted TURN server around one client: it knows RFC 8656 as far as a client can see it, and
 * each test tells it where to be odd. Time is the test's. */
#ifndef KITH_TESTS_UNIT_TURN_SERVER_H
#define KITH_TESTS_UNIT_TURN_SERVER_H

#include <stdio.h>
#include <string.h>

#include "../unit.h"
#include "base/memory.h"
#include "turn/turn.h"

#define TAG      0xA1B2C3D4u
#define REALM    "example.org"
#define USERNAME "1700000000:peer"
#define PASSWORD "secret"

/* What the server does with requests of a method, instead of serving them. */
struct oddity {
    /* 0: nothing odd; negative: an error without a code */
    int code;
    const char *reason;
    /* how many times; 0: always */
    unsigned times;
    bool is_unsigned;
    bool is_silent;
};

struct server {
    kith_turn *turn;
    kith_log log;
    kith_time now;
    kith_address address, mapped, relayed, relayed2;
    const char *password;
    /* what is announced to the client; NULL: no nonce cookie */
    const char *cookie;
    const kith_stun_algorithm *algorithms;
    unsigned algorithm_count;
    unsigned nonce;
    /* every nonce is good for one request */
    bool nonce_expires;
    uint32_t lifetime;
    struct oddity odd[16];
    kith_address alternate;
    bool has_alternate;
    /* answers are lost */
    bool is_dead;
    bool lies_about_integrity;
    /* a success says that IPv6 was not to be had (RFC 8656 section 18.12) */
    bool has_address_error;
    /* every success has an attribute that nobody knows and everybody must */
    bool has_riddle;
    /* no success has a LIFETIME */
    bool omits_lifetime;
    /* nobody asks for events */
    bool is_silent_owner;

    /* what was seen */
    unsigned count[16];
    kith_stun last;
    kith_time last_at[16];
    /* of the last Refresh */
    uint32_t last_lifetime;
    bool has_last_lifetime;
    uint16_t last_channel;
    kith_address last_peer;
    bool was_signed, had_userhash, had_additional, had_requested_ipv6;
    uint16_t last_algorithm;
    unsigned sends;
    uint8_t sent[1500];
    size_t sent_len;

    /* events */
    unsigned allocated, lost, failed, refused, other_port, icmp;
    kith_turn_event event;
    /* of the last ALLOCATED */
    kith_address now_relayed;
    unsigned relayed_count;
    char text[200];
};

static inline kith_address addr(const char *text)
{
    kith_address address;
    ck_assert_int_eq(kith_address_parse(&address, text), KITH_OK);
    return address;
}

static inline void events(struct server *s)
{
    for (kith_turn_event ev; !s->is_silent_owner && kith_turn_event_next(s->turn, &ev);) {
        s->allocated += ev.type == KITH_TURN_EV_ALLOCATED;
        s->lost += ev.type == KITH_TURN_EV_LOST;
        s->failed += ev.type == KITH_TURN_EV_FAILED;
        s->refused += ev.type == KITH_TURN_EV_REFUSED;
        s->other_port += ev.type == KITH_TURN_EV_OTHER_PORT;
        s->icmp += ev.type == KITH_TURN_EV_ICMP;
        if (ev.type == KITH_TURN_EV_ALLOCATED) {
            s->now_relayed = ev.relayed[0];
            s->relayed_count = ev.relayed_count;
        }
        s->event = ev;
        snprintf(s->text, sizeof s->text, "%s", ev.error_text ? ev.error_text : "");
    }
}

static inline void put_nonce(const struct server *s, kith_writer *w)
{
    char nonce[100];
    snprintf(nonce, sizeof nonce, "%snonce-%u", s->cookie ? s->cookie : "", s->nonce);
    kith_stun_put_span(w, KITH_STUN_ATTR_REALM, kith_span_text(REALM));
    kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_text(nonce));
    if (s->algorithm_count > 0)
        kith_stun_put_algorithms(w, s->algorithms, s->algorithm_count);
}

static inline bool is_fresh(const struct server *s, const kith_stun *m)
{
    char nonce[100];
    snprintf(nonce, sizeof nonce, "%snonce-%u", s->cookie ? s->cookie : "", s->nonce);
    return kith_span_is(m->nonce, nonce);
}

/* NULL: out of memory, on purpose. */
static inline kith_hmac *key_of(const struct server *s, uint16_t algorithm)
{
    uint8_t key[32];
    kith_stun_algorithm chosen =
        algorithm != 0 ? (kith_stun_algorithm)algorithm : KITH_STUN_ALGORITHM_MD5;
    size_t len = kith_stun_long_term_key(key, chosen, kith_span_text(USERNAME),
                                         kith_span_text(REALM), kith_span_text(s->password));
    kith_hmac *hmac =
        kith_hmac_new(algorithm != 0 ? KITH_HASH_SHA256 : KITH_HASH_SHA1, kith_span_of(key, len));
    return hmac;
}

static inline bool is_authentic(const struct server *s, const kith_stun *m)
{
    kith_hmac *hmac = key_of(s, m->password_algorithm);
    bool is = hmac && (m->password_algorithm != 0 ? kith_stun_check_integrity_sha256(m, hmac)
                                                  : kith_stun_check_integrity(m, hmac));
    kith_hmac_free(hmac);
    return is;
}

static inline void put_integrity(const struct server *s, const kith_stun *m, kith_writer *w)
{
    kith_hmac *hmac = key_of(s, m->password_algorithm);
    if (!hmac)
        w->bad = true;
    else if (m->password_algorithm != 0)
        kith_stun_put_integrity_sha256(w, hmac);
    else
        kith_stun_put_integrity(w, hmac);
    kith_hmac_free(hmac);
    if (s->lies_about_integrity && !w->bad)
        w->data[w->len - 1] ^= 1;
}

static inline void to_client(struct server *s, const kith_writer *w)
{
    kith_stun m;
    kith_turn_data got;
    if (s->is_dead || w->bad)
        return;
    ck_assert(kith_stun_parse(&m, w->data, w->len));
    ck_assert(!kith_turn_input(s->turn, s->now, &m, &got));
    events(s);
}

static inline void answer_error(struct server *s, const kith_stun *m, int code, const char *reason,
                                bool is_signed)
{
    uint8_t buf[1500];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_ERROR, m->method, m->id);
    if (code > 0)
        kith_stun_put_error(&w, code, reason);
    if (code == 401 || code == 438)
        put_nonce(s, &w);
    if (code == 300 && s->has_alternate)
        kith_stun_put_address(&w, KITH_STUN_ATTR_ALTERNATE_SERVER, &s->alternate);
    if (code == 420) {
        const uint16_t types[] = {KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY};
        kith_stun_put_unknown_attributes(&w, types, 1);
    }
    if (is_signed)
        put_integrity(s, m, &w);
    kith_stun_end(&w);
    to_client(s, &w);
}

static inline void answer_success(struct server *s, const kith_stun *m)
{
    uint8_t buf[1500];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_SUCCESS, m->method, m->id);
    if (m->method == KITH_STUN_ALLOCATE) {
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &s->relayed);
        if (s->relayed2.family != 0)
            kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &s->relayed2);
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &s->mapped);
        if (s->has_address_error)
            kith_stun_put_u32(&w, KITH_STUN_ATTR_ADDRESS_ERROR_CODE, 0x02000428); /* IPv6, 440 */
    }
    if (!s->omits_lifetime && (m->method == KITH_STUN_ALLOCATE || m->method == KITH_STUN_REFRESH))
        kith_stun_put_u32(&w, KITH_STUN_ATTR_LIFETIME,
                          kith_stun_has(m, KITH_STUN_HAS_LIFETIME) ? m->lifetime : s->lifetime);
    if (s->has_riddle)
        kith_stun_put_u32(&w, 0x7FFF, 0);
    put_integrity(s, m, &w);
    s->nonce += s->nonce_expires;
    to_client(s, &w);
}

static inline void note(struct server *s, const kith_stun *m)
{
    s->count[m->method]++;
    s->last_at[m->method] = s->now;
    s->last = *m;
    s->was_signed = m->integrity.len + m->integrity_sha256.len > 0;
    s->had_userhash = kith_stun_has(m, KITH_STUN_HAS_USERHASH);
    s->had_additional = kith_stun_has(m, KITH_STUN_HAS_ADDITIONAL_ADDRESS_FAMILY);
    s->had_requested_ipv6 = m->requested_address_family == KITH_IPV6;
    if (m->method == KITH_STUN_REFRESH) {
        s->has_last_lifetime = kith_stun_has(m, KITH_STUN_HAS_LIFETIME);
        s->last_lifetime = m->lifetime;
    }
    s->last_channel = m->channel_number;
    s->last_peer = m->xor_peer_address;
    s->last_algorithm = m->password_algorithm;
}

/* True: the request was treated oddly. */
static inline bool is_odd(struct server *s, const kith_stun *m)
{
    struct oddity *odd = &s->odd[m->method];
    if (odd->is_silent)
        return true;
    if (odd->code == 0)
        return false;
    int code = odd->code;
    if (odd->times == 1)
        odd->code = 0;
    odd->times -= odd->times > 0;
    answer_error(s, m, code, odd->reason, !odd->is_unsigned && s->was_signed);
    return true;
}

static inline void serve(struct server *s, const kith_stun *m)
{
    note(s, m);
    if (m->method == KITH_STUN_BINDING)
        return;
    if (!s->was_signed && s->odd[m->method].code != 300)
        answer_error(s, m, 401, NULL, false);
    else if (is_odd(s, m))
        return;
    else if (!is_authentic(s, m))
        answer_error(s, m, 401, NULL, false);
    else if (!is_fresh(s, m))
        answer_error(s, m, 438, NULL, false);
    else
        answer_success(s, m);
}

static inline void from_client(struct server *s, const uint8_t *data, size_t len)
{
    kith_stun m;
    static const uint8_t tag[] = {TAG >> 24, TAG >> 16 & 0xFF, TAG >> 8 & 0xFF, TAG & 0xFF};
    ck_assert(kith_stun_parse(&m, data, len));
    ck_assert_mem_eq(m.id, tag, sizeof tag);
    if (m.class == KITH_STUN_INDICATION) {
        s->sends++;
        s->last_peer = m.xor_peer_address;
        memcpy(s->sent, m.data.data, m.data.len);
        s->sent_len = m.data.len;
        return;
    }
    ck_assert_int_eq(m.class, KITH_STUN_REQUEST);
    serve(s, &m);
}

static inline void drain(struct server *s)
{
    uint8_t buf[1500];
    for (size_t len; (len = kith_turn_output(s->turn, s->now, buf, sizeof buf)) > 0;)
        from_client(s, buf, len);
    events(s);
}

/* Serves the client for so long. */
static inline void run(struct server *s, kith_time duration)
{
    kith_time end = s->now + duration;
    for (unsigned turns = 0;; turns++) {
        ck_assert_uint_lt(turns, 100000);
        drain(s);
        kith_time due = kith_turn_deadline(s->turn);
        if (due > end)
            break;
        if (due > s->now)
            s->now = due;
        kith_turn_tick(s->turn, s->now);
    }
    s->now = end;
    kith_turn_tick(s->turn, s->now);
    drain(s);
}

static inline struct server *server_made(const char *address, bool is_reliable)
{
    struct server *s = kith_alloc_zero(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    s->now = KITH_SECONDS(1000);
    s->address = addr(address);
    s->mapped = addr("198.51.100.7:4000");
    s->relayed = addr("203.0.113.5:50000");
    s->password = PASSWORD;
    s->lifetime = 600;
    const kith_turn_config config = {.transaction_tag = TAG,
                                     .server = s->address,
                                     .is_reliable = is_reliable,
                                     .username = USERNAME,
                                     .credential = PASSWORD,
                                     .log = &s->log};
    ck_assert_int_eq(kith_turn_new(&s->turn, &config), KITH_OK);
    return s;
}

static inline struct server *server_at(const char *address)
{
    return server_made(address, false);
}

/* On a connection. */
static inline struct server *server_on_stream(void)
{
    return server_made("203.0.113.5:3478", true);
}

static inline struct server *server_new(void)
{
    return server_at("203.0.113.5:3478");
}

static inline struct server *server_allocated(void)
{
    struct server *s = server_new();
    run(s, KITH_MS(100));
    ck_assert(kith_turn_is_allocated(s->turn));
    return s;
}

static inline void server_free(struct server *s)
{
    kith_turn_free(s->turn);
    kith_free(s);
}

/* The client sends so many bytes to the peer; what leaves at once reaches the server. */
static inline size_t send_to(struct server *s, const char *peer, const void *data, size_t len,
                             uint8_t *out)
{
    kith_address to = addr(peer);
    size_t head = kith_turn_headroom(s->turn, &to);
    ck_assert_uint_le(head, KITH_TURN_HEADROOM);
    memcpy(out + head, data, len);
    return kith_turn_wrap(s->turn, s->now, &to, out, len);
}

/* A permission for the peer, and a channel too. */
static inline void permit(struct server *s, const char *peer)
{
    uint8_t buf[1500];
    send_to(s, peer, "x", 1, buf);
    run(s, KITH_MS(100));
}

static inline void bind_channel(struct server *s, const char *peer)
{
    kith_address to = addr(peer);
    permit(s, peer);
    kith_turn_bind(s->turn, &to);
    run(s, KITH_MS(100));
}

#endif
