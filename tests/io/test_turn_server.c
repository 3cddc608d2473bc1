/* A TURN server in a loop, with real sockets on loopback: what the driver adds to the engine, which
 * tests/unit/turn_server knows in every detail. */
#include "../unit/unit.h"
#include "ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io/udp.h"
#include "kith/kith.h"
#include "wire/stun.h"

static const char *const on_loopback[] = {"127.0.0.1", NULL};
static const kith_address anywhere = {.family = KITH_IPV4, .ip = {127, 0, 0, 1}};

/* ---- the server ---- */

static kith_turn_server *new_server(const char *const *allowed)
{
    static const kith_turn_user user = {.username = "user", .password = "password"};
    kith_turn_server_config config = KITH_TURN_SERVER_CONFIG_INIT;
    config.users = &user;
    config.user_count = 1;
    config.allowed_peers = allowed;
    kith_turn_server *server = NULL;
    ck_assert_int_eq(kith_turn_server_new(&server, &config), KITH_OK);
    return server;
}

static void ignore(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop;
    (void)ev;
    (void)user;
}

static kith_loop *new_loop(uint16_t udp_port)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    config.udp_port = udp_port;
    config.on_event = ignore;
    kith_loop *loop = NULL;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_OK);
    return loop;
}

/* ---- a client of it, and a peer: sockets ---- */

typedef struct client {
    kith_loop *loop;
    kith_address server, relayed;
    kith_udp udp;
    char realm[64];
    uint8_t nonce[64];
    size_t nonce_len;
    uint8_t received[65536];
    kith_stun answer;
    uint8_t count;
} client;

static client alice;

static void open_socket(kith_udp *udp)
{
    kith_udp_options options = {.receive_buffer = 4 << 20, .send_buffer = 4 << 20};
    ck_assert_int_eq(kith_udp_open(udp, &anywhere, &options), 0);
}

static void send_to(kith_udp *udp, const kith_address *to, const void *data, size_t len)
{
    static kith_batch batch;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = udp->local;
    info.path.remote = *to;
    kith_batch_init(&batch);
    memcpy(kith_batch_space(&batch), data, len);
    ck_assert(kith_batch_add(&batch, &info, len));
    ck_assert(kith_udp_send(udp, &batch));
}

/* The next that comes, the loop working meanwhile; its packets lie in `buf`. */
static void await(kith_loop *loop, kith_udp *udp, uint8_t buf[65536], kith_udp_received *out)
{
    for (int i = 0; i < 5000; i++) {
        (void)kith_loop_wait(loop, i > 0);
        if (kith_udp_receive(udp, buf, 65536, out) && out->len > 0)
            return;
    }
    ck_abort_msg("nothing came");
}

static void put_credentials(client *c, kith_writer *w)
{
    uint8_t key[32];
    kith_span user = kith_span_text("user"), realm = kith_span_text(c->realm);
    kith_stun_put_span(w, KITH_STUN_ATTR_USERNAME, user);
    kith_stun_put_span(w, KITH_STUN_ATTR_REALM, realm);
    kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_of(c->nonce, c->nonce_len));
    size_t len = kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_MD5, user, realm,
                                         kith_span_text("password"));
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_of(key, len));
    kith_stun_put_integrity(w, hmac);
    kith_hmac_free(hmac);
}

/* The code of an error, 0 for success. */
static int ask(client *c, uint16_t method, const kith_address *peer, uint32_t number)
{
    uint8_t buf[1500], id[KITH_STUN_ID] = {++c->count};
    kith_udp_received received;
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, method, id);
    if (method == KITH_STUN_ALLOCATE)
        kith_stun_put_u8_padded(&w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, 17);
    if (method == KITH_STUN_REFRESH)
        kith_stun_put_u32(&w, KITH_STUN_ATTR_LIFETIME, number);
    if (method == KITH_STUN_CHANNEL_BIND)
        kith_stun_put_u16_padded(&w, KITH_STUN_ATTR_CHANNEL_NUMBER, (uint16_t)number);
    if (peer)
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, peer);
    if (c->nonce_len > 0)
        put_credentials(c, &w);
    kith_stun_end(&w);
    send_to(&c->udp, &c->server, buf, w.len);
    await(c->loop, &c->udp, c->received, &received);
    ck_assert(kith_stun_parse(&c->answer, c->received, received.len));
    ck_assert_mem_eq(c->answer.id, id, sizeof id);
    return c->answer.class == KITH_STUN_SUCCESS ? 0 : c->answer.error_code.code;
}

static void client_init(client *c, kith_loop *loop, const kith_address *server)
{
    *c = (client){.loop = loop, .server = *server};
    open_socket(&c->udp);
    ck_assert_int_eq(ask(c, KITH_STUN_ALLOCATE, NULL, 0), 401);
    memcpy(c->realm, c->answer.realm.data, c->answer.realm.len);
    memcpy(c->nonce, c->answer.nonce.data, c->answer.nonce.len);
    c->nonce_len = c->answer.nonce.len;
    ck_assert_int_eq(ask(c, KITH_STUN_ALLOCATE, NULL, 0), 0);
    c->relayed = c->answer.xor_relayed_address;
}

static void send_indication(client *c, const kith_address *peer, const void *data, size_t len)
{
    static uint8_t buf[65536];
    uint8_t id[KITH_STUN_ID] = {++c->count};
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_SEND, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, peer);
    kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, kith_span_of(data, len));
    kith_stun_end(&w);
    send_to(&c->udp, &c->server, buf, w.len);
}

typedef struct stage {
    kith_turn_server *server;
    kith_loop *loop;
    kith_udp peer;
} stage;

static stage stage_new(const char *const *allowed, uint16_t udp_port)
{
    stage s = {.server = new_server(allowed), .loop = new_loop(udp_port)};
    ck_assert_int_eq(kith_loop_add_turn_server(s.loop, s.server, &anywhere, NULL), KITH_OK);
    ck_assert_ptr_null(kith_turn_server_local(s.server, 1));
    client_init(&alice, s.loop, kith_turn_server_local(s.server, 0));
    open_socket(&s.peer);
    return s;
}

static void stage_free(stage *s)
{
    kith_udp_close(&s->peer);
    kith_udp_close(&alice.udp);
    kith_loop_free(s->loop);
    kith_turn_server_free(s->server);
}

static const char *const all_of_loopback[] = {"127.0.0.0/8", NULL};

/* ---- packets ---- */

static uint8_t data[65536], got[65536];

static void fill(size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(seed + i * 7 + i / 251);
}

START_TEST(datagrams_of_any_length_pass_both_ways)
{
    static const size_t lengths[] = {1, 100, 1200, 1448, 1449, 1500, 1501, 4000, 9000, 65000};
    stage s = stage_new(all_of_loopback, 0);
    kith_udp_received r;
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &s.peer.local, 0), 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t len = lengths[i];
        fill(len, (unsigned)i);
        send_indication(&alice, &s.peer.local, data, len);
        await(s.loop, &s.peer, got, &r);
        ck_assert_uint_eq(r.len, len);
        ck_assert_mem_eq(got, data, len);
        ck_assert(kith_address_equal(&r.info.path.remote, &alice.relayed));

        send_to(&s.peer, &alice.relayed, data, len);
        await(s.loop, &alice.udp, alice.received, &r);
        ck_assert(kith_stun_parse(&alice.answer, alice.received, r.len));
        ck_assert_int_eq(alice.answer.method, KITH_STUN_DATA_INDICATION);
        ck_assert(kith_span_equal(alice.answer.data, kith_span_of(data, len)));
        ck_assert(kith_address_equal(&alice.answer.xor_peer_address, &s.peer.local));
    }
    stage_free(&s);
}
END_TEST

enum { CHANNEL = 0x4001, PACKETS = 200, LENGTH = 300 };

/* Sends PACKETS packets, the number of each at its head, behind `head` bytes of a channel. */
static void send_many(kith_udp *udp, const kith_address *to, size_t head)
{
    static kith_batch batch;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path.local = udp->local;
    info.path.remote = *to;
    kith_batch_init(&batch);
    for (unsigned i = 0; i < PACKETS; i++) {
        kith_writer w = kith_wr(kith_batch_space(&batch), KITH_MAX_PACKET);
        if (head > 0) {
            kith_wr_u16(&w, CHANNEL);
            kith_wr_u16(&w, LENGTH);
        }
        kith_wr_u32(&w, i);
        kith_wr_zeros(&w, LENGTH - 4);
        if (!kith_batch_add(&batch, &info, w.len)) {
            ck_assert(kith_udp_send(udp, &batch));
            kith_batch_next(&batch);
        }
    }
    ck_assert(kith_udp_send(udp, &batch));
}

/* They come whole and in order; returns in how many receptions. */
static unsigned receive_many(kith_loop *loop, kith_udp *udp, size_t head)
{
    kith_udp_received r;
    unsigned number = 0, receptions = 0;
    for (; number < PACKETS; receptions++) {
        await(loop, udp, got, &r);
        ck_assert_uint_eq(r.len % (LENGTH + head), 0);
        kith_reader all = kith_rd(got, r.len);
        while (kith_rd_left(&all) > 0) {
            ck_assert_uint_eq(head > 0 ? kith_rd_u32(&all) : 0,
                              head > 0 ? CHANNEL << 16 | LENGTH : 0);
            ck_assert_uint_eq(kith_rd_u32(&all), number++);
            kith_rd_skip(&all, LENGTH - 4);
        }
    }
    return receptions;
}

START_TEST(batches_stay_together_on_their_way)
{
    stage s = stage_new(all_of_loopback, 0);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CHANNEL_BIND, &s.peer.local, CHANNEL), 0);
    send_many(&alice.udp, &alice.server, 4);
    unsigned to_peer = receive_many(s.loop, &s.peer, 0);
    send_many(&s.peer, &alice.relayed, 0);
    unsigned to_client = receive_many(s.loop, &alice.udp, 4);
    if (s.peer.has_gso) { /* a kernel without takes each alone */
        ck_assert_uint_lt(to_peer, PACKETS / 8);
        ck_assert_uint_lt(to_client, PACKETS / 8);
    }
    const kith_turn_server_counters *counters = kith_turn_server_get_counters(s.server);
    ck_assert_uint_eq(counters->to_peers_packets, PACKETS);
    ck_assert_uint_eq(counters->to_clients_packets, PACKETS);
    ck_assert_uint_eq(counters->unsent, 0);
    stage_free(&s);
}
END_TEST

/* ---- whom clients reach ---- */

START_TEST(clients_reach_the_endpoint_beside_the_server_and_nothing_else_of_this_host)
{
    uint16_t port = two_free_ports();
    kith_address shared = anywhere, other;
    kith_pc *pc;
    kith_dc *dc;
    shared.port = port;
    stage s = stage_new(NULL, port);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &shared, 0), 0);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &alice.relayed, 0), 0);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &s.peer.local, 0), 403);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &alice.server, 0), 403);
    ck_assert_int_eq(kith_address_parse(&other, "127.0.0.2:53"), KITH_OK);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &other, 0), 403);
    /* The permission for the endpoint is none for its IP. */
    send_indication(&alice, &s.peer.local, "x", 1);
    send_indication(&alice, &shared, "x", 1);
    const kith_endpoint_counters *at_endpoint =
        kith_endpoint_get_counters(kith_loop_endpoint(s.loop));
    for (int i = 0; i < 5000 && at_endpoint->packets_in == 0; i++)
        (void)kith_loop_wait(s.loop, 1);
    ck_assert_uint_eq(at_endpoint->packets_in, 1);
    ck_assert(!kith_udp_receive(&s.peer, got, sizeof got, &(kith_udp_received){0}));
    ck_assert_uint_eq(kith_turn_server_get_counters(s.server)->unpermitted, 1);

    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(s.loop), NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, &dc), KITH_OK);
    stage_free(&s);
}
END_TEST

static kith_address socket_of_peer;

static bool take_candidate(const kith_event *ev)
{
    if (!ev || ev->type != KITH_EV_ICE_CANDIDATE || !ev->ice_candidate.candidate[0])
        return false;
    kith_candidate_fields fields = {.size = sizeof fields};
    ck_assert_int_eq(kith_candidate_fields_parse(&fields, ev->ice_candidate.candidate), KITH_OK);
    if (strcmp(fields.protocol, "udp") != 0)
        return false;
    socket_of_peer = anywhere;
    socket_of_peer.port = fields.port;
    return true;
}

START_TEST(a_peers_own_socket_is_reached_as_long_as_it_is_open)
{
    kith_pc *pc;
    kith_dc *dc;
    stage s = stage_new(NULL, 0);
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(s.loop), NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_create_data_channel(pc, "x", NULL, &dc), KITH_OK);
    ck_assert_int_eq(kith_pc_set_local_description(pc, NULL), KITH_OK);
    for (int i = 0; !take_candidate(kith_loop_wait(s.loop, 1)); i++)
        ck_assert_int_lt(i, 5000);
    ck_assert_int_eq(ask(&alice, KITH_STUN_CREATE_PERMISSION, &socket_of_peer, 0), 0);
    kith_pc_free(pc);
    for (int i = 0; ask(&alice, KITH_STUN_CREATE_PERMISSION, &socket_of_peer, 0) != 403; i++)
        ck_assert_int_lt(i, 5000);
    stage_free(&s);
}
END_TEST

/* ---- sockets ---- */

START_TEST(the_socket_of_an_allocation_ends_with_it)
{
    stage s = stage_new(all_of_loopback, 0);
    ck_assert_int_eq(hold_port(alice.relayed.port), -1);
    ck_assert_int_eq(ask(&alice, KITH_STUN_REFRESH, NULL, 0), 0);
    int fd = hold_port(alice.relayed.port);
    ck_assert_int_ge(fd, 0);
    close(fd);
    stage_free(&s);
}
END_TEST

START_TEST(what_cannot_be_added_changes_nothing)
{
    kith_turn_server *server = new_server(NULL), *other = new_server(NULL);
    kith_loop *loop = new_loop(0);
    int fd = hold_port(0);
    struct sockaddr_in taken = {0};
    socklen_t len = sizeof taken;
    kith_address local = anywhere;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&taken, &len), 0);
    local.port = ntohs(taken.sin_port);
    ck_assert_int_eq(kith_loop_add_turn_server(loop, server, &local, NULL), KITH_ERR_SYSTEM);
    ck_assert_int_eq(kith_last_error()->system_errno, EADDRINUSE);
    /* The first address fixes the server, and only if it could be opened. */
    ck_assert_int_eq(kith_loop_add_turn_server(loop, other, &anywhere, NULL), KITH_OK);
    ck_assert_int_eq(kith_loop_add_turn_server(loop, server, &anywhere, NULL),
                     KITH_ERR_INVALID_STATE);
    ck_assert_int_eq(kith_loop_add_turn_server(loop, other, &local, NULL), KITH_ERR_SYSTEM);
    ck_assert_int_eq(
        kith_loop_add_turn_server(loop, other, &anywhere, &(kith_address){.family = KITH_IPV6}),
        KITH_ERR_TYPE);
    ck_assert_int_eq(kith_loop_add_turn_server(loop, other, &anywhere, NULL), KITH_OK);
    ck_assert_ptr_nonnull(kith_turn_server_local(other, 1));
    ck_assert_ptr_null(kith_turn_server_local(other, 2));
    kith_loop_remove_turn_server(loop, server); /* is not there */
    kith_address first = *kith_turn_server_local(other, 0);
    ck_assert_int_eq(hold_port(first.port), -1);
    kith_loop_remove_turn_server(loop, other);
    close(hold_port(first.port));
    ck_assert_int_eq(kith_loop_add_turn_server(loop, server, &anywhere, NULL), KITH_OK);
    close(fd);
    kith_loop_free(loop);
    kith_turn_server_free(server);
    kith_turn_server_free(other);
}
END_TEST

/* ---- two peers, the server in a thread of its own ---- */

typedef struct side {
    kith_pc *pc;
    kith_dc *dc;
    unsigned received;
} side;

static side sides[2];

static void describe(int of)
{
    char *json;
    ck_assert_int_eq(kith_pc_set_local_description(sides[of].pc, NULL), KITH_OK);
    ck_assert_int_eq(
        kith_session_description_to_json(kith_pc_local_description(sides[of].pc), &json), KITH_OK);
    ck_assert_int_eq(kith_pc_apply_json(sides[!of].pc, json, strlen(json)), KITH_OK);
    kith_free(json);
}

static void give_candidate(int of, const kith_ice_candidate *candidate)
{
    char *json;
    ck_assert_int_eq(kith_ice_candidate_to_json(candidate, &json), KITH_OK);
    ck_assert_ptr_null(strstr(json, "typ host"));
    ck_assert_int_eq(kith_pc_apply_json(sides[!of].pc, json, strlen(json)), KITH_OK);
    kith_free(json);
}

static void converse(const kith_event *ev)
{
    int of = ev->pc == sides[1].pc;
    if (ev->type == KITH_EV_NEGOTIATION_NEEDED) {
        describe(of);
        describe(!of);
    } else if (ev->type == KITH_EV_ICE_CANDIDATE) {
        give_candidate(of, &ev->ice_candidate);
    } else if (ev->type == KITH_EV_DC_OPEN && of == 0) {
        for (int i = 0; i < 200; i++)
            ck_assert_int_eq(kith_dc_send(ev->dc, data, 1000), KITH_OK);
    } else if (ev->type == KITH_EV_DC_MESSAGE) {
        sides[of].received++;
        if (of == 1)
            ck_assert_int_eq(kith_dc_send(ev->dc, ev->message.data, ev->message.len), KITH_OK);
    }
}

static void make_side(int of, kith_loop *loop, const char *const *url)
{
    kith_ice_server ice_server = {
        .urls = url, .url_count = 1, .username = "user", .credential = "password"};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &ice_server;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    sides[of] = (side){0};
    ck_assert_int_eq(kith_pc_new(&sides[of].pc, kith_loop_endpoint(loop), &config), KITH_OK);
}

START_TEST(two_peers_meet_by_a_server_that_runs_in_a_thread)
{
    kith_turn_server *server = new_server(NULL);
    kith_loop *of_server = new_loop(0), *of_peers = new_loop(0);
    char url[80];
    const char *const urls[] = {url};
    ck_assert_int_eq(kith_loop_start(of_server), KITH_OK);
    kith_loop_enter(of_server);
    ck_assert_int_eq(kith_loop_add_turn_server(of_server, server, &anywhere, NULL), KITH_OK);
    snprintf(url, sizeof url, "turn:127.0.0.1:%u", kith_turn_server_local(server, 0)->port);
    kith_loop_leave(of_server);
    make_side(0, of_peers, urls);
    make_side(1, of_peers, urls);
    ck_assert_int_eq(kith_pc_create_data_channel(sides[0].pc, "x", NULL, &sides[0].dc), KITH_OK);
    for (int i = 0; sides[0].received < 200; i++) {
        const kith_event *ev = kith_loop_wait(of_peers, 1);
        if (ev)
            converse(ev);
        ck_assert_int_lt(i, 60000);
    }
    kith_loop_enter(of_server);
    ck_assert_uint_eq(kith_turn_server_get_counters(server)->allocations, 2);
    kith_loop_leave(of_server);
    kith_loop_free(of_peers);
    /* They released their allocations with their last packets. */
    for (int i = 0, left = 2; left > 0; i++) {
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
        kith_loop_enter(of_server);
        left = (int)kith_turn_server_get_counters(server)->allocations;
        kith_loop_leave(of_server);
        ck_assert_int_lt(i, 10000);
    }
    kith_loop_free(of_server);
    kith_turn_server_free(server);
}
END_TEST

UNIT_MAIN("runtime: a TURN server", datagrams_of_any_length_pass_both_ways,
          batches_stay_together_on_their_way,
          clients_reach_the_endpoint_beside_the_server_and_nothing_else_of_this_host,
          a_peers_own_socket_is_reached_as_long_as_it_is_open,
          the_socket_of_an_allocation_ends_with_it, what_cannot_be_added_changes_nothing,
          two_peers_meet_by_a_server_that_runs_in_a_thread)
