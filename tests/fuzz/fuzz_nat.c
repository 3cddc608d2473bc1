/* A probe of the network: two local addresses, three servers that the input plays, and a driver
 * whose sockets may fail. Answers are to what was asked or invented, from whomever the input likes,
 * or any bytes. Whatever it does:
 *
 *   - a packet leaves from a socket that is open, and no more of them than the plan has;
 *   - it goes to a server, to the address that one told of as its other, if that could be a server,
 *     or to an address that the probe itself was seen at (hairpin, TURN's redirection);
 *   - time is never due again at once, and without answers the probe ends and closes its sockets.
 *
 * An input is a list of steps of one byte with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat.h"

enum step { ANSWER, ANSWER_OLD, BYTES, REQUEST, WAIT, FAIL_SOCKET, RESOLVE, STEPS };

/* Of an ANSWER. */
enum flag {
    MAPPED = 1,
    XOR_MAPPED = 2,
    OTHER = 4,
    NONCE = 8,
    ERROR = 16,
    ELSEWHERE = 32,
    OTHER_SOCKET = 64,
    MINE = 128,
};

enum { MAX_SOCKETS = 64, MAX_ASKED = 64 };

/* Five sendings of each test on each address, and what TURN sends. */
#define MAX_SENT (2 * 5 * KITH_NAT_TESTS * 2 + 500)

typedef struct asked {
    kith_path path;
    uint16_t method;
    uint8_t id[KITH_STUN_ID];
} asked;

typedef struct game {
    kith_nat_probe *probe;
    kith_time now;
    kith_address sockets[MAX_SOCKETS];
    size_t socket_count;
    uint16_t last_port;
    bool sockets_fail;
    asked asked[MAX_ASKED];
    size_t asked_count, sent;
    uint64_t name_id;
} game;

static kith_address address_of(kith_reader *in)
{
    static const uint8_t ips[][4] = {{198, 51, 100, 1}, {198, 51, 100, 2}, {198, 51, 100, 3},
                                     {203, 0, 113, 5},  {127, 0, 0, 1},    {10, 0, 0, 1},
                                     {224, 0, 0, 251},  {192, 0, 2, 1}};
    uint8_t number = kith_rd_u8(in);
    kith_address address = {.family = number & 128 ? KITH_IPV6 : KITH_IPV4,
                            .port = (uint16_t)(number & 8 ? 3479 : 3478)};
    memcpy(address.ip, ips[number % 8], 4);
    if (number & 64)
        address.port = kith_rd_u16(in);
    return address;
}

static bool is_open(const game *g, const kith_address *local)
{
    for (size_t i = 0; i < g->socket_count; i++)
        if (kith_address_equal(&g->sockets[i], local))
            return true;
    return false;
}

/* ---- the driver ---- */

static void note(game *g, const kith_packet_info *info, const uint8_t *data, size_t len)
{
    kith_stun m;
    bool is_read = kith_stun_parse(&m, data, len);
    const kith_address *to = &info->path.remote;
    assert(is_read && is_open(g, &info->path.local));
    assert(to->port != 0 && to->family == info->path.local.family);
    assert(!kith_address_is_any(to));
    g->sent++;
    assert(g->sent < MAX_SENT);
    asked *one = &g->asked[g->asked_count++ % MAX_ASKED];
    *one = (asked){.path = info->path, .method = m.method};
    memcpy(one->id, m.id, sizeof one->id);
}

static void serve(game *g, const kith_request *r)
{
    kith_address bound = r->local;
    if (r->type == KITH_REQUEST_RESOLVE) {
        g->name_id = r->id;
    } else if (r->type == KITH_REQUEST_OPEN) {
        bound.port = ++g->last_port;
        assert(g->socket_count < MAX_SOCKETS);
        if (!g->sockets_fail)
            g->sockets[g->socket_count++] = bound;
        bool wanted =
            kith_nat_probe_handle_opened(g->probe, g->now, r->id, g->sockets_fail ? NULL : &bound);
        assert(wanted);
    } else {
        size_t i = 0;
        while (i < g->socket_count && !kith_address_equal(&g->sockets[i], &r->local))
            i++;
        assert(i < g->socket_count);
        g->sockets[i] = g->sockets[--g->socket_count];
    }
}

static void drain(game *g)
{
    uint8_t buf[KITH_MAX_PACKET];
    size_t len;
    do {
        kith_packet_info info = KITH_PACKET_INFO_INIT;
        while ((len = kith_nat_probe_poll_packet(g->probe, g->now, &info, buf, sizeof buf)) > 0)
            note(g, &info, buf, len);
        for (const kith_request *r; (r = kith_nat_probe_poll_request(g->probe));)
            serve(g, r);
    } while (kith_nat_probe_timeout(g->probe) == 0);
}

static void pass(game *g, kith_time time)
{
    g->now += time;
    if (kith_nat_probe_timeout(g->probe) <= g->now)
        kith_nat_probe_handle_timeout(g->probe, g->now);
    drain(g);
    if (kith_nat_probe_timeout(g->probe) <= g->now)
        kith_nat_probe_handle_timeout(g->probe, g->now);
    drain(g);
    assert(kith_nat_probe_timeout(g->probe) > g->now);
}

/* ---- what the input says ---- */

static void give(game *g, const kith_path *path, kith_span data)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t *exact = malloc(data.len + 1); /* so that a read past the end is seen */
    assert(exact);
    if (data.len > 0)
        memcpy(exact, data.data, data.len);
    info.path = *path;
    kith_nat_probe_handle_packet(g->probe, g->now, &info, exact, data.len);
    free(exact);
    drain(g);
}

static void put_address(kith_writer *w, kith_reader *in, kith_stun_attr attr, const asked *to,
                        uint8_t flags)
{
    kith_address address = flags & MINE ? to->path.local : address_of(in);
    if (attr == KITH_STUN_ATTR_XOR_MAPPED_ADDRESS)
        kith_stun_put_xor_address(w, attr, &address);
    else
        kith_stun_put_address(w, attr, &address);
}

static void answer(game *g, kith_reader *in, bool old)
{
    uint8_t buf[600], flags = kith_rd_u8(in), code = kith_rd_u8(in);
    size_t back = old ? kith_rd_u8(in) % MAX_ASKED : 0;
    kith_writer w = kith_wr(buf, sizeof buf);
    if (back >= g->asked_count)
        return;
    const asked *to = &g->asked[(g->asked_count - 1 - back) % MAX_ASKED];
    kith_path path = to->path;
    if (flags & ELSEWHERE)
        path.remote = address_of(in);
    if ((flags & OTHER_SOCKET) && g->socket_count > 0)
        path.local = g->sockets[kith_rd_u8(in) % g->socket_count];
    kith_stun_begin(&w, flags & ERROR ? KITH_STUN_ERROR : KITH_STUN_SUCCESS, to->method, to->id);
    if (flags & ERROR)
        kith_stun_put_error(&w, 300 + code, NULL);
    if (flags & NONCE) {
        kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, kith_span_text("r"));
        kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, kith_rd_span(in, kith_rd_u8(in)));
    }
    if (flags & MAPPED)
        put_address(&w, in, KITH_STUN_ATTR_MAPPED_ADDRESS, to, flags);
    if (flags & XOR_MAPPED)
        put_address(&w, in, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, to, flags);
    if (flags & OTHER)
        put_address(&w, in, KITH_STUN_ATTR_OTHER_ADDRESS, to, 0);
    kith_stun_end(&w);
    if (!w.bad)
        give(g, &path, kith_span_of(buf, w.len));
}

/* Any bytes, or a request as a hairpin brings it. */
static void invent(game *g, kith_reader *in, bool is_request)
{
    uint8_t buf[64];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_path path = {.remote = address_of(in), .protocol = KITH_UDP};
    path.local = g->socket_count > 0 ? g->sockets[kith_rd_u8(in) % g->socket_count] : path.remote;
    if (!is_request) {
        give(g, &path, kith_rd_span(in, kith_rd_u8(in)));
    } else if (g->asked_count > 0) {
        const asked *one = &g->asked[kith_rd_u8(in) % g->asked_count % MAX_ASKED];
        kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, one->id);
        kith_stun_end(&w);
        give(g, &path, kith_span_of(buf, w.len));
    }
}

static void resolve(game *g, kith_reader *in)
{
    kith_address found[3];
    size_t count = kith_rd_u8(in) % 4;
    for (size_t i = 0; i < count; i++)
        found[i] = address_of(in);
    kith_nat_probe_handle_resolved(g->probe, g->now, g->name_id, found, count);
    drain(g);
}

static void step(game *g, kith_reader *in)
{
    enum step what = (enum step)(kith_rd_u8(in) % STEPS);
    switch (what) {
    case ANSWER:
    case ANSWER_OLD:
        answer(g, in, what == ANSWER_OLD);
        break;
    case BYTES:
    case REQUEST:
        invent(g, in, what == REQUEST);
        break;
    case WAIT:
        pass(g, KITH_MS(10 * (kith_time)kith_rd_u8(in)));
        break;
    case FAIL_SOCKET:
        g->sockets_fail = kith_rd_u8(in) & 1;
        break;
    case RESOLVE:
        resolve(g, in);
        break;
    case STEPS:
        break;
    }
}

/* ---- the game ---- */

static void begin(game *g)
{
    static const char *const urls[] = {"stun:198.51.100.1", "turn:198.51.100.3", "stun:a.example"};
    const kith_ice_server server = {
        .urls = urls, .url_count = 3, .username = "u", .credential = "c"};
    const kith_address locals[] = {{.family = KITH_IPV4, .ip = {192, 0, 2, 1}},
                                   {.family = KITH_IPV6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};
    kith_nat_config config = KITH_NAT_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.lifetime = KITH_SECONDS(10);
    kith_err err = kith_nat_probe_new(&g->probe, &config);
    for (size_t i = 0; i < 2 && err == KITH_OK; i++)
        err = kith_nat_probe_add_local(g->probe, &locals[i]);
    assert(err == KITH_OK);
    kith_nat_probe_handle_timeout(g->probe, g->now);
    drain(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static game g;
    kith_reader in = kith_rd(data, size);
    g = (game){.now = KITH_SECONDS(1), .last_port = 50000};
    begin(&g);
    while (kith_rd_left(&in) > 0 && !in.bad)
        step(&g, &in);
    for (int i = 0; i < 400 && !kith_nat_probe_report(g.probe)->is_complete; i++)
        pass(&g, KITH_MS(100));
    assert(kith_nat_probe_report(g.probe)->is_complete);
    drain(&g);
    assert(g.socket_count == 0);
    assert(kith_nat_probe_timeout(g.probe) == KITH_NEVER);
    kith_nat_probe_free(g.probe);
    return 0;
}
