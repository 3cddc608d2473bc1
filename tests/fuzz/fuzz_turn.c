/* TURN: one client whose server the input plays. It answers the client's last request as it likes,
 * signed with the right key or not, sends indications, channel data and any bytes, and lets time
 * pass, while packets for peers are wrapped. Whatever it does: the limits hold, a client that has
 * said everything wants nothing more at once, and what comes out of it lay in the datagram.
 *
 * An input is a list of steps of one byte with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "turn/client.h"

enum step { ANSWER, INVENT, INDICATE, CHANNEL_DATA, WRAP, BIND, WAIT, CREDENTIALS, RELEASE, STEPS };

typedef struct game {
    kith_turn *turn;
    kith_time now;
    /* the client's last request; method 0: none */
    uint16_t method;
    uint8_t id[KITH_STUN_ID];
} game;

static kith_address peer_of(kith_reader *in)
{
    uint8_t number = kith_rd_u8(in);
    kith_address peer = {.family = KITH_IPV4, .port = (uint16_t)(1000 + number % 8)};
    peer.ip[0] = 192;
    peer.ip[3] = number;
    if (number >= 240)
        peer.family = KITH_IPV6;
    return peer;
}

static void collect(game *g)
{
    uint8_t buf[1500];
    unsigned sent = 0;
    kith_stun m;
    for (size_t len; (len = kith_turn_output(g->turn, g->now, buf, sizeof buf)) > 0;) {
        bool is_read = kith_stun_parse(&m, buf, len);
        assert(is_read && ++sent < 1000);
        if (m.class != KITH_STUN_REQUEST)
            continue;
        g->method = m.method;
        memcpy(g->id, m.id, sizeof g->id);
    }
    for (kith_turn_event ev; kith_turn_event_next(g->turn, &ev);)
        assert(ev.relayed_count <= 2);
    assert(g->turn->permission_count <= KITH_TURN_MAX_PERMISSIONS);
    assert(g->turn->channel_count <= KITH_TURN_MAX_CHANNELS);
    assert(g->turn->visited_count <= KITH_TURN_MAX_REDIRECTS + 1);
    assert(kith_turn_deadline(g->turn) > g->now);
}

static void give(game *g, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len + 1); /* so that a read past the end is seen */
    kith_stun m;
    kith_turn_data got;
    bool has_data = false;
    assert(exact);
    memcpy(exact, data, len);
    if (kith_stun_parse(&m, exact, len))
        has_data = kith_turn_input(g->turn, g->now, &m, &got);
    else if (!kith_stun_is(exact, len))
        has_data = kith_turn_input_channel(g->turn, g->now, kith_span_of(exact, len), &got);
    assert(!has_data || (got.data.data >= exact && got.data.data + got.data.len <= exact + len));
    free(exact);
}

static void put_attributes(kith_writer *w, kith_reader *in, uint8_t flags)
{
    static const uint8_t algorithms[] = {0, 2, 0, 0, 0, 1, 0, 0};
    if (flags & 1) {
        kith_span nonce = kith_rd_span(in, kith_rd_u8(in) % 32);
        kith_stun_put_span(w, KITH_STUN_ATTR_REALM, kith_span_text("realm"));
        kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, nonce);
        kith_stun_put_span(w, KITH_STUN_ATTR_PASSWORD_ALGORITHMS,
                           kith_span_of(algorithms, sizeof algorithms));
    }
    if (flags & 2) {
        kith_address relayed = peer_of(in);
        kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &relayed);
        relayed = peer_of(in);
        kith_stun_put_xor_address(w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &relayed);
    }
    if (flags & 4)
        kith_stun_put_u32(w, KITH_STUN_ATTR_LIFETIME, kith_rd_u32(in));
    if (flags & 8) {
        kith_address other = peer_of(in);
        kith_stun_put_address(w, KITH_STUN_ATTR_ALTERNATE_SERVER, &other);
    }
}

static void answer(game *g, kith_reader *in)
{
    uint8_t buf[600], flags = kith_rd_u8(in), code = kith_rd_u8(in);
    kith_writer w = kith_wr(buf, sizeof buf);
    if (g->method == 0)
        return;
    kith_stun_begin(&w, code == 0 ? KITH_STUN_SUCCESS : KITH_STUN_ERROR, g->method, g->id);
    if (code > 0)
        kith_stun_put_error(&w, 300 + code, NULL);
    put_attributes(&w, in, flags);
    if ((flags & 16) && g->turn->auth.hmac && g->turn->auth.algorithms_len > 0)
        kith_stun_put_integrity_sha256(&w, g->turn->auth.hmac);
    else if ((flags & 16) && g->turn->auth.hmac)
        kith_stun_put_integrity(&w, g->turn->auth.hmac);
    kith_stun_end(&w);
    if (!w.bad)
        give(g, buf, w.len);
}

static void indicate(game *g, kith_reader *in)
{
    uint8_t buf[400];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_address from = peer_of(in);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_DATA_INDICATION, g->id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &from);
    kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, kith_rd_span(in, kith_rd_u8(in)));
    kith_stun_end(&w);
    give(g, buf, w.len);
}

static void wrap(game *g, kith_reader *in)
{
    uint8_t buf[KITH_TURN_HEADROOM + 255 + KITH_TURN_TAILROOM], len = kith_rd_u8(in);
    kith_address to = peer_of(in);
    size_t head = kith_turn_headroom(g->turn, &to);
    assert(head <= KITH_TURN_HEADROOM);
    memset(buf, 0, sizeof buf);
    size_t total = kith_turn_wrap(g->turn, g->now, &to, buf, len);
    assert(total == 0 || (total >= head + len && total <= head + len + KITH_TURN_TAILROOM));
}

static void step(game *g, kith_reader *in)
{
    kith_address peer;
    kith_span bytes;
    switch (kith_rd_u8(in) % STEPS) {
    case ANSWER:
        answer(g, in);
        break;
    case INVENT:
        bytes = kith_rd_span(in, kith_rd_u8(in));
        give(g, bytes.data, bytes.len);
        break;
    case INDICATE:
        indicate(g, in);
        break;
    case CHANNEL_DATA:
        give(g, (const uint8_t[]){0x40, kith_rd_u8(in), 0, 2, 1, 2}, 6);
        break;
    case WRAP:
        wrap(g, in);
        break;
    case BIND:
        peer = peer_of(in);
        kith_turn_bind(g->turn, &peer);
        break;
    case WAIT:
        g->now += KITH_MS((kith_time)kith_rd_u16(in) * 20);
        kith_turn_tick(g->turn, g->now);
        break;
    case CREDENTIALS:
        if (kith_turn_set_credentials(g->turn, "another", "secret") == KITH_OK)
            kith_turn_port_changed(g->turn);
        break;
    default:
        kith_turn_release(g->turn);
        break;
    }
    collect(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_log log = {0};
    game g = {.now = KITH_SECONDS(1)};
    const kith_turn_config config = {
        .transaction_tag = 7,
        .server = {.family = KITH_IPV4, .port = 3478, .ip = {203, 0, 113, 5}},
        .username = "user",
        .credential = "password",
        .log = &log};
    if (kith_turn_new(&g.turn, &config) != KITH_OK)
        return 0;
    kith_reader in = kith_rd(data, size);
    collect(&g);
    while (kith_rd_left(&in) > 0)
        step(&g, &in);
    kith_turn_free(g.turn);
    return 0;
}
