/* ICE: two agents whose wire, signalling and sockets the input rules. It delivers, changes,
 * doubles, drops and invents datagrams, signs forged requests with the right password, trickles
 * candidates, restarts and rolls back, lets time pass. Whatever it does: the limits hold, an agent
 * that has said everything wants nothing more at once, and data goes only where a check succeeded.
 *
 * An input is a list of steps of one byte, its low bits what to do and its high bit to which side,
 * with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ice/agent.h"

enum step {
    DELIVER,
    CHANGE,
    DOUBLE,
    DROP,
    INVENT,
    FORGE,
    WAIT,
    CANDIDATE,
    RESTART,
    ROLLBACK,
    REJOIN,
    ADD_SOCKET,
    REMOVE_SOCKET,
    SERVER,
    END,
    TURN_ROLE,
    RELAY,
    TCP,
    STEPS
};

#define QUEUE    32
#define CONNECTS 8

typedef struct datagram {
    kith_path path; /* as the receiver sees it */
    size_t len;
    uint8_t bytes[700];
} datagram;

typedef struct world {
    kith_ice *side[2];
    datagram queue[2][QUEUE]; /* for side i */
    size_t count[2];
    /* connections that a side asked for, and the last that it got */
    kith_ice_event connects[2][CONNECTS];
    size_t connect_count[2];
    kith_path connection[2];
    uint16_t ports;
    kith_time now;
} world;

static kith_address socket_of(int side, unsigned number)
{
    kith_address a = {.family = KITH_IPV4,
                      .port = (uint16_t)(1000 + number),
                      .ip = {192, 0, 2, (uint8_t)(side + 1)}};
    return a;
}

static void check(const world *w, int side)
{
    const kith_ice *ice = w->side[side];
    for (const kith_ice_generation *g = ice->newest; g; g = g->previous) {
        assert(g->pair_count <= KITH_ICE_MAX_PAIRS);
        unsigned tcp = 0, connecting = 0;
        KITH_ICE_EACH(&g->pairs, kith_ice_pair, pair) {
            tcp += pair->path.protocol == KITH_TCP;
            connecting += pair->connection == KITH_ICE_CONNECTING;
            assert(pair->state != KITH_ICE_PAIR_SUCCEEDED || kith_ice_can_send(pair));
        }
        assert(tcp <= KITH_ICE_MAX_TCP_PAIRS && connecting <= tcp);
        assert(g->remote_count <= KITH_ICE_MAX_REMOTE_CANDIDATES);
        assert(!g->selected || g->selected->state == KITH_ICE_PAIR_SUCCEEDED);
    }
    assert(!ice->send_pair || ice->send_pair->is_authenticated);
    assert(kith_ice_deadline(ice) > w->now);
}

/* Everything both sides have to say goes into the queues; a full queue loses. */
static void collect(world *w)
{
    for (int side = 0; side < 2; side++) {
        datagram d;
        kith_path path;
        unsigned sent = 0;
        while ((d.len = kith_ice_output(w->side[side], w->now, &path, d.bytes, 1200)) > 0) {
            assert(d.len <= sizeof d.bytes && ++sent < 1000);
            d.path = (kith_path){path.remote, path.local, path.protocol};
            if (w->count[!side] < QUEUE)
                w->queue[!side][w->count[!side]++] = d;
        }
        for (kith_ice_event ev; kith_ice_event_next(w->side[side], &ev);)
            if (ev.type == KITH_ICE_EV_CONNECT && w->connect_count[side] < CONNECTS)
                w->connects[side][w->connect_count[side]++] = ev;
        check(w, side);
    }
}

static void input(world *w, int to, const datagram *d)
{
    uint8_t *exact = malloc(d->len + 1); /* so that a read past the end is seen */
    assert(exact);
    memcpy(exact, d->bytes, d->len);
    kith_stun message;
    if (kith_stun_parse(&message, exact, d->len))
        kith_ice_input(w->side[to], w->now, &d->path, &message);
    free(exact);
}

static void deliver(world *w, int to, bool is_kept)
{
    if (w->count[to] == 0)
        return;
    datagram d = w->queue[to][0];
    if (!is_kept)
        memmove(&w->queue[to][0], &w->queue[to][1], --w->count[to] * sizeof d);
    input(w, to, &d);
}

static void change(world *w, int to, kith_reader *in)
{
    datagram *d = &w->queue[to][0];
    uint16_t at = kith_rd_u16(in);
    uint8_t with = kith_rd_u8(in);
    if (w->count[to] > 0 && d->len > 0)
        d->bytes[at % d->len] ^= with;
}

static void invent(world *w, int to, kith_reader *in)
{
    datagram d = {.path = {socket_of(to, 0), socket_of(!to, kith_rd_u8(in) % 4), KITH_UDP}};
    kith_span bytes = kith_rd_span(in, kith_rd_u8(in));
    memcpy(d.bytes, bytes.data, bytes.len);
    d.len = bytes.len;
    input(w, to, &d);
}

/* A request with any attributes, signed with the right password: a peer gone mad. */
static void forge(world *w, int to, kith_reader *in)
{
    datagram d = {.path = {socket_of(to, 0), socket_of(!to, kith_rd_u8(in)), KITH_UDP}};
    const kith_ice_generation *g = w->side[to]->newest;
    uint8_t flags = kith_rd_u8(in);
    uint8_t id[KITH_STUN_ID];
    char username[64];
    kith_writer name = kith_wr(username, sizeof username), out = kith_wr(d.bytes, sizeof d.bytes);
    kith_rd_copy(in, id, sizeof id);
    kith_wr_text(&name, g->ufrag);
    kith_wr_u8(&name, ':');
    kith_wr_text(&name, flags & 1 ? "other" : w->side[!to]->newest->ufrag);
    kith_stun_begin(&out, (kith_stun_class)(flags >> 6 & 3), KITH_STUN_BINDING, id);
    kith_stun_put_span(&out, KITH_STUN_ATTR_USERNAME, kith_span_of(username, name.len));
    if (flags & 2)
        kith_stun_put_u64(&out, KITH_STUN_ATTR_ICE_CONTROLLING, kith_rd_u64(in));
    if (flags & 4)
        kith_stun_put_u64(&out, KITH_STUN_ATTR_ICE_CONTROLLED, kith_rd_u64(in));
    if (flags & 8)
        kith_stun_put_flag(&out, KITH_STUN_ATTR_USE_CANDIDATE);
    if (flags & 16)
        kith_stun_put_u32(&out, KITH_STUN_ATTR_PRIORITY, kith_rd_u32(in));
    if (flags & 32)
        kith_stun_put_u32(&out, (kith_stun_attr)(kith_rd_u16(in) & 0x7FFF), 0);
    kith_stun_put_integrity(&out, g->local_hmac);
    kith_stun_put_fingerprint(&out);
    d.len = out.len;
    input(w, to, &d);
}

static void candidate(world *w, int to, kith_reader *in)
{
    kith_candidate c = {.component = 1, .foundation = "f"};
    uint8_t kind = kith_rd_u8(in);
    c.priority = kith_rd_u32(in);
    c.address = socket_of(!to, kith_rd_u8(in));
    c.type = (kith_candidate_type)(kind & 3);
    c.address.ip[0] = kind & 4 ? 127 : 192;
    c.protocol = kind & 8 ? KITH_TCP : KITH_UDP;
    if (kind & 16)
        strcpy(c.ufrag, w->side[!to]->newest->ufrag);
    kith_ice_add_remote(w->side[to], &c);
}

static void rejoin(world *w, int side, bool is_lite)
{
    kith_err err = kith_ice_set_remote(w->side[side], kith_ice_local_ufrag(w->side[!side]),
                                       kith_ice_local_pwd(w->side[!side]), is_lite);
    assert(err == KITH_OK);
}

/* A relayed address comes, goes or may not talk to an address; or the policy changes. */
static void relay(kith_ice *ice, int side, kith_reader *in)
{
    uint8_t kind = kith_rd_u8(in);
    kith_address relayed = socket_of(side, 500u + (kind >> 4)), peer = socket_of(!side, 0);
    relayed.ip[2] = 3;
    kith_err err = KITH_OK;
    if ((kind & 3) == 0)
        err = kith_ice_add_relay(ice, &relayed, &peer, "turn:x", KITH_SERVER_UDP);
    else if ((kind & 3) == 1)
        kith_ice_remove_local(ice, &relayed, KITH_TCPTYPE_NONE);
    else if ((kind & 3) == 2)
        kith_ice_relay_refused(ice, &relayed, &peer, "refused");
    else
        kith_ice_set_relay_only(ice, kind & 4);
    assert(err == KITH_OK || err == KITH_ERR_RANGE);
}

static kith_address listener_of(int side)
{
    return socket_of(side, 2000);
}

static void answer_connect(world *w, int side, bool is_made)
{
    if (w->connect_count[side] == 0)
        return;
    kith_ice_event ev = w->connects[side][--w->connect_count[side]];
    ev.path.local.port = (uint16_t)(20000 + w->ports++ % 1000);
    if (!is_made)
        kith_ice_connect_failed(w->side[side], ev.pair_id, "refused");
    else if (kith_ice_connected(w->side[side], ev.pair_id, &ev.path))
        w->connection[side] = ev.path;
}

static void tcp_candidate(world *w, int side, uint8_t kind)
{
    kith_candidate c = {.component = 1, .foundation = "t", .protocol = KITH_TCP};
    c.address = listener_of(!side);
    c.address.port = (uint16_t)(c.address.port + (kind >> 5));
    c.tcp_type = (kith_tcp_type)(kind >> 3 & 3);
    kith_ice_add_remote(w->side[side], &c);
}

/* Listeners come and go, are told of, connected to, and connections end. */
static void tcp(world *w, int side, kith_reader *in)
{
    uint8_t kind = kith_rd_u8(in);
    kith_address listener = listener_of(side);
    kith_tcp_type type = kind & 8 ? KITH_TCPTYPE_ACTIVE : KITH_TCPTYPE_PASSIVE;
    kith_path there = {w->connection[side].remote, w->connection[side].local, KITH_TCP};
    kith_err err = KITH_OK;
    switch (kind & 7) {
    case 0:
        err = kith_ice_add_local(w->side[side], &listener, type);
        break;
    case 1:
        kith_ice_remove_local(w->side[side], &listener, type);
        break;
    case 2:
    case 3:
        tcp_candidate(w, side, kind);
        break;
    case 4:
    case 5:
        answer_connect(w, side, true);
        break;
    case 6:
        answer_connect(w, side, false);
        break;
    default:
        kith_ice_connection_closed(w->side[side], &w->connection[side]);
        kith_ice_connection_closed(w->side[!side], &there);
        break;
    }
    assert(err == KITH_OK || err == KITH_ERR_RANGE);
}

/* As the owner does after a restart; a restart too many has no generation before it. */
static void gather_again(kith_ice *ice)
{
    const kith_ice_generation *old = ice->newest->previous;
    kith_err err = KITH_OK;
    if (!old)
        return;
    KITH_ICE_EACH(&old->bases, kith_ice_base, base)
        if (!base->is_gone && !base->relay_url && err == KITH_OK)
            err = kith_ice_add_local(ice, &base->address, base->tcp_type);
    KITH_ICE_EACH(&old->servers, kith_ice_server, server)
        if (err == KITH_OK)
            err = kith_ice_add_stun_server(ice, &server->address, server->url);
    assert(err == KITH_OK || err == KITH_ERR_RANGE);
}

static void command(world *w, int side, enum step step, kith_reader *in)
{
    kith_ice *ice = w->side[side];
    kith_address address = socket_of(side, kith_rd_u8(in));
    kith_err err = KITH_OK;
    switch ((int)step) {
    case RESTART:
        err = kith_ice_restart(ice);
        assert(err == KITH_OK);
        gather_again(ice);
        break;
    case ROLLBACK:
        kith_ice_rollback_restart(ice);
        break;
    case REJOIN:
        rejoin(w, side, (address.port & 7) == 7);
        break;
    case ADD_SOCKET:
        err = kith_ice_add_local(ice, &address, KITH_TCPTYPE_NONE);
        break;
    case REMOVE_SOCKET:
        kith_ice_remove_local(ice, &address, KITH_TCPTYPE_NONE);
        break;
    case SERVER:
        err = kith_ice_add_stun_server(ice, &address, "stun:x");
        break;
    case END:
        kith_ice_end_local(ice);
        if (address.port & 1)
            kith_ice_end_remote(ice);
        break;
    case TURN_ROLE:
        kith_ice_set_role(ice, address.port & 1 ? KITH_ICE_CONTROLLED : KITH_ICE_CONTROLLING);
        break;
    default:
        break;
    }
    assert(err == KITH_OK || err == KITH_ERR_RANGE);
}

static void step(world *w, kith_reader *in)
{
    uint8_t byte = kith_rd_u8(in);
    enum step what = (enum step)((byte & 0x7F) % STEPS);
    int to = byte >> 7;
    switch ((int)what) {
    case DELIVER:
        deliver(w, to, false);
        break;
    case CHANGE:
        change(w, to, in);
        break;
    case DOUBLE:
        deliver(w, to, true);
        break;
    case DROP:
        w->count[to] = 0;
        break;
    case INVENT:
        invent(w, to, in);
        break;
    case FORGE:
        forge(w, to, in);
        break;
    case WAIT:
        w->now += kith_rd_u24(in);
        kith_ice_tick(w->side[to], w->now);
        break;
    case CANDIDATE:
        candidate(w, to, in);
        break;
    case TCP:
        tcp(w, to, in);
        break;
    case RELAY:
        relay(w->side[to], to, in);
        break;
    default:
        command(w, to, what, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_reader in = kith_rd(data, size);
    world *w = calloc(1, sizeof *w);
    assert(w);
    w->now = KITH_SECONDS(1);
    for (int side = 0; side < 2; side++) {
        kith_ice_config config = {.transaction_tag = (uint32_t)side};
        kith_address address = socket_of(side, 0);
        kith_err err = kith_ice_new(&w->side[side], &config);
        assert(err == KITH_OK);
        err = kith_ice_add_local(w->side[side], &address, KITH_TCPTYPE_NONE);
        assert(err == KITH_OK);
    }
    kith_ice_set_role(w->side[0], KITH_ICE_CONTROLLING);
    for (int i = 0; i < 400 && kith_rd_left(&in) > 0; i++) {
        step(w, &in);
        collect(w);
    }
    kith_ice_free(w->side[0]);
    kith_ice_free(w->side[1]);
    free(w);
    return 0;
}
