/* Clients by TLS: the handshake, requests and data through it, and who is closed. */
#include "client.h"

#include "../tls/authority.h"
#include "tls/stream.h"

typedef struct tls_client {
    client c;
    authority authority;
    kith_tls_context *context;
    kith_tls_stream *tls;
    /* so much is carried at once */
    size_t piece;
    /* what left the server for a peer last */
    uint8_t to_peer[2000];
    size_t to_peer_len;
    bool is_closed;
} tls_client;

static void connect_by_tls(tls_client *t)
{
    static const kith_tls_client how = {
        .name = "turn.example.org", .unix_seconds = AUTHORITY_NOW, .protocol = "stun.turn"};
    client_init(&t->c, NULL);
    t->c.has_tls = true;
    t->c.path.protocol = KITH_TCP;
    t->piece = 333;
    t->is_closed = false;
    authority_init(&t->authority, &(authority_options){.name = "turn.example.org"});
    ck_assert(!kith_turn_server_handle_accepted(t->c.server, t->c.now, &t->c.path, true));
    ck_assert_int_eq(kith_turn_server_set_certificate(t->c.server, t->authority.certificates,
                                                      t->authority.private_key),
                     KITH_OK);
    ck_assert(kith_turn_server_handle_accepted(t->c.server, t->c.now, &t->c.path, true));
    ck_assert_int_eq(kith_tls_client_context(&t->context, t->authority.root), KITH_OK);
    ck_assert_int_eq(kith_tls_stream_connect(&t->tls, t->context, &how), KITH_OK);
}

static void tls_client_deinit(tls_client *t)
{
    kith_tls_stream_free(t->tls);
    kith_tls_context_free(t->context);
    authority_deinit(&t->authority);
    client_deinit(&t->c);
}

static bool carry_in(tls_client *t)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t buf[2000];
    kith_span out = kith_tls_stream_output(t->tls);
    size_t len = out.len < t->piece ? out.len : t->piece;
    if (len == 0)
        return false;
    kith_turn_server_handle_stream(t->c.server, t->c.now, &t->c.path, out.data, len);
    for (size_t got; (got = kith_turn_server_poll_packet(t->c.server, &info, buf, sizeof buf));) {
        memcpy(t->to_peer, buf, got);
        t->to_peer_len = got;
    }
    t->c.len = 0;
    serve_requests(&t->c);
    kith_tls_stream_sent(t->tls, len);
    return true;
}

static bool carry_out(tls_client *t)
{
    kith_path path;
    const void *data;
    size_t len;
    if (!kith_turn_server_poll_stream(t->c.server, &path, &data, &len))
        return false;
    t->is_closed |= len == 0;
    kith_tls_stream_input(t->tls, data, len);
    if (len > 0)
        kith_turn_server_handle_written(t->c.server, &path, len);
    return true;
}

static void talk(tls_client *t)
{
    bool goes_on = true;
    while (goes_on) {
        goes_on = carry_in(t);
        goes_on |= carry_out(t);
    }
}

static int ask_by_tls(tls_client *t)
{
    client *c = &t->c;
    kith_stun_end(&c->w);
    ck_assert(kith_tls_stream_write(t->tls, c->request, c->w.len));
    talk(t);
    c->len = kith_tls_stream_read(t->tls, c->buf, sizeof c->buf);
    ck_assert(kith_stun_parse(&c->answer, c->buf, c->len));
    ck_assert_mem_eq(c->answer.id, c->id, sizeof c->id);
    return c->answer.class == KITH_STUN_SUCCESS ? 0 : c->answer.error_code.code;
}

static void allocate_by_tls(tls_client *t)
{
    begin(&t->c, KITH_STUN_ALLOCATE);
    ck_assert_int_eq(ask_by_tls(t), 401);
    take_challenge(&t->c);
    begin(&t->c, KITH_STUN_ALLOCATE);
    sign(&t->c);
    ck_assert_int_eq(ask_by_tls(t), 0);
    begin(&t->c, KITH_STUN_CHANNEL_BIND);
    kith_stun_put_u16_padded(&t->c.w, KITH_STUN_ATTR_CHANNEL_NUMBER, 0x4000);
    put_peer(&t->c, PEER);
    sign(&t->c);
    ck_assert_int_eq(ask_by_tls(t), 0);
}

static void send_from_peer(tls_client *t, const void *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t buf[1];
    info.path.local = t->c.opened;
    info.path.remote = address_of(PEER);
    kith_turn_server_handle_packet(t->c.server, t->c.now, &info, data, len);
    ck_assert_uint_eq(kith_turn_server_poll_packet(t->c.server, &info, buf, sizeof buf), 0);
}

START_TEST(a_client_by_tls_is_served_however_its_bytes_come)
{
    for (size_t piece = 1; piece < 3000; piece = 7 * piece + 1) {
        tls_client t;
        uint8_t buf[100];
        connect_by_tls(&t);
        t.piece = piece;
        talk(&t);
        ck_assert_int_eq(kith_tls_stream_get_state(t.tls), KITH_TLS_STREAM_OPEN);
        allocate_by_tls(&t);
        ck_assert(kith_tls_stream_write(t.tls, "\x40\0\0\5hel", 7));
        ck_assert(kith_tls_stream_write(t.tls, "lo\0\0\0", 5));
        talk(&t);
        ck_assert_uint_eq(t.to_peer_len, 5);
        ck_assert_mem_eq(t.to_peer, "hello", 5);
        send_from_peer(&t, "world", 5);
        talk(&t);
        ck_assert_uint_eq(kith_tls_stream_read(t.tls, buf, sizeof buf), 12);
        ck_assert_mem_eq(buf, "\x40\0\0\5world\0\0\0", 12);
        ck_assert_uint_eq(counters(&t.c)->tls_failures, 0);
        tls_client_deinit(&t);
    }
}
END_TEST

/* Some clients read a record for a message. */
START_TEST(each_message_is_a_record)
{
    tls_client t;
    uint8_t buf[3000];
    connect_by_tls(&t);
    talk(&t);
    allocate_by_tls(&t);
    for (size_t len = 1; len <= 3; len++)
        send_from_peer(&t, "abc", len);
    talk(&t);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(kith_tls_stream_read(t.tls, buf, sizeof buf), 8);
    ck_assert_uint_eq(kith_tls_stream_read(t.tls, buf, sizeof buf), 0);
    tls_client_deinit(&t);
}
END_TEST

START_TEST(what_waits_for_a_slow_client_by_tls_loses_its_oldest)
{
    tls_client t;
    static uint8_t data[1000], buf[2 * KITH_TURN_STREAM_QUEUE];
    size_t len = 0;
    kith_path path;
    const void *out;
    connect_by_tls(&t);
    talk(&t);
    allocate_by_tls(&t);
    send_from_peer(&t, data, sizeof data);
    ck_assert(kith_turn_server_poll_stream(t.c.server, &path, &out, &len));
    kith_tls_stream_input(t.tls, out, 100);
    kith_turn_server_handle_written(t.c.server, &path, 100); /* a part of a record */
    for (uint32_t i = 1; i <= 3000; i++) {
        kith_writer w = kith_wr(data, sizeof data);
        kith_wr_u32(&w, i);
        send_from_peer(&t, data, sizeof data);
    }
    ck_assert(!kith_turn_server_poll_stream(t.c.server, &path, &out, &len));
    kith_turn_server_handle_writable(t.c.server, &t.c.path);
    talk(&t);
    len = 0;
    for (size_t got; (got = kith_tls_stream_read(t.tls, buf + len, sizeof buf - len));)
        len += got;
    ck_assert_int_eq(kith_tls_stream_get_state(t.tls), KITH_TLS_STREAM_OPEN);
    ck_assert_uint_eq(len % 1004, 0);
    ck_assert_uint_eq(len / 1004, 3001 - counters(&t.c)->dropped);
    ck_assert_uint_ge(len, KITH_TURN_STREAM_QUEUE / 2);
    for (size_t at = 1004; at < len; at += 1004) {
        kith_reader r = kith_rd(buf + at + 4, 4);
        ck_assert_uint_eq(kith_rd_u32(&r), 3001 - (len - at) / 1004);
    }
    tls_client_deinit(&t);
}
END_TEST

START_TEST(a_handshake_that_goes_on_for_ten_seconds_is_ended)
{
    tls_client t;
    connect_by_tls(&t);
    t.piece = 100;
    ck_assert(carry_in(&t));
    wait_for(&t.c, KITH_SECONDS(9));
    ck_assert(carry_in(&t));
    ck_assert(!t.c.is_closed);
    wait_for(&t.c, KITH_SECONDS(1));
    ck_assert(t.c.is_closed);
    ck_assert_uint_eq(counters(&t.c)->streams, 0);
    tls_client_deinit(&t);
}
END_TEST

START_TEST(what_is_not_tls_gets_an_alert_and_is_closed)
{
    tls_client t;
    kith_path path;
    const void *data;
    size_t len;
    connect_by_tls(&t);
    kith_turn_server_handle_stream(t.c.server, t.c.now, &t.c.path, "GET / HTTP/1.1\r\n\r\n", 18);
    poll_packet(&t.c);
    take_streams(&t.c);
    ck_assert(t.c.is_closed);
    ck_assert_uint_eq(counters(&t.c)->tls_failures, 1);
    ck_assert(kith_turn_server_handle_accepted(t.c.server, t.c.now, &t.c.path, true));
    kith_turn_server_handle_stream(t.c.server, t.c.now, &t.c.path, "\x16\x03\x01\0\4abcd", 9);
    ck_assert_uint_eq(kith_turn_server_poll_packet(t.c.server, &t.c.out, t.c.buf, 10), 0);
    ck_assert(kith_turn_server_poll_stream(t.c.server, &path, &data, &len));
    ck_assert_uint_eq(len, 7);
    ck_assert_int_eq(*(const uint8_t *)data, 21); /* an alert */
    kith_turn_server_handle_written(t.c.server, &path, 3);
    ck_assert(kith_turn_server_poll_stream(t.c.server, &path, &data, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert(!kith_turn_server_poll_stream(t.c.server, &path, &data, &len));
    ck_assert_uint_eq(counters(&t.c)->streams, 0);
    tls_client_deinit(&t);
}
END_TEST

START_TEST(close_notify_ends_connection_and_allocation)
{
    tls_client t;
    connect_by_tls(&t);
    talk(&t);
    allocate_by_tls(&t);
    kith_tls_stream_close(t.tls);
    talk(&t);
    serve_requests(&t.c);
    uint8_t buf[1];
    ck_assert_uint_eq(kith_tls_stream_read(t.tls, buf, 1), 0);
    ck_assert_int_eq(kith_tls_stream_get_state(t.tls), KITH_TLS_STREAM_CLOSED);
    ck_assert(t.is_closed);
    ck_assert_uint_eq(counters(&t.c)->allocations, 0);
    ck_assert_uint_eq(t.c.sockets, 0);
    tls_client_deinit(&t);
}
END_TEST

START_TEST(another_certificate_is_for_those_who_come_afterwards)
{
    tls_client t;
    authority other;
    connect_by_tls(&t);
    authority_init(&other, &(authority_options){.name = "turn.example.org", .issuer = "other"});
    ck_assert_int_eq(
        kith_turn_server_set_certificate(t.c.server, other.certificates, t.authority.private_key),
        KITH_ERR_INVALID_ACCESS);
    ck_assert_int_eq(
        kith_turn_server_set_certificate(t.c.server, other.certificates, other.private_key),
        KITH_OK);
    talk(&t);
    ck_assert_int_eq(kith_tls_stream_get_state(t.tls), KITH_TLS_STREAM_OPEN);
    kith_turn_server_handle_closed(t.c.server, t.c.now, &t.c.path);
    ck_assert(kith_turn_server_handle_accepted(t.c.server, t.c.now, &t.c.path, true));
    kith_tls_stream_free(t.tls);
    static const kith_tls_client how = {.name = "turn.example.org", .unix_seconds = AUTHORITY_NOW};
    ck_assert_int_eq(kith_tls_stream_connect(&t.tls, t.context, &how), KITH_OK);
    talk(&t);
    ck_assert_int_eq(kith_tls_stream_get_state(t.tls), KITH_TLS_STREAM_FAILED);
    authority_deinit(&other);
    tls_client_deinit(&t);
}
END_TEST

UNIT_MAIN("turn_server: tls", a_client_by_tls_is_served_however_its_bytes_come,
          each_message_is_a_record, what_waits_for_a_slow_client_by_tls_loses_its_oldest,
          a_handshake_that_goes_on_for_ten_seconds_is_ended,
          what_is_not_tls_gets_an_alert_and_is_closed, close_notify_ends_connection_and_allocation,
          another_certificate_is_for_those_who_come_afterwards)
