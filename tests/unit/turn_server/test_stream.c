/* Clients by TCP: messages out of pieces, what waits for a slow client, and who is closed. */
#include "client.h"

static bool has_closed(client *c)
{
    take_streams(c);
    return c->is_closed;
}

static void write_text(client *c, const char *text)
{
    c->piece = strlen(text);
    write_pieces(c, text, strlen(text));
}

START_TEST(a_client_by_tcp_is_served_however_its_bytes_come)
{
    for (size_t piece = 1; piece < 3000; piece = 3 * piece + 1) {
        client c;
        client_init(&c, NULL);
        connect_by_tcp(&c, piece);
        ck_assert_int_eq(allocate(&c), 0);
        ck_assert(kith_address_equal(&c.answer.xor_mapped_address, &c.path.remote));
        ck_assert_int_eq(permit(&c, PEER), 0);
        ck_assert(send_to(&c, PEER, "hello"));
        ck_assert_uint_eq(c.len, 5);
        ck_assert(come_from(&c, PEER, "world"));
        ck_assert(kith_path_equal(&c.out.path, &c.path));
        ck_assert(kith_stun_parse(&c.answer, c.buf, c.len) && kith_span_is(c.answer.data, "world"));
        ck_assert_int_eq(bind_channel(&c, 0x4001, PEER), 0);
        ck_assert(send_on(&c, 0x4001, "hello"));
        ck_assert_uint_eq(c.len, 5);
        ck_assert_mem_eq(c.buf, "hello", 5);
        ck_assert(come_from(&c, PEER, "world"));
        ck_assert_uint_eq(c.len, 12);
        ck_assert_mem_eq(c.buf, "\x40\x01\0\5world\0\0\0", 12);
        ck_assert_int_eq(refresh(&c, 0), 0);
        ck_assert_uint_eq(c.sockets, 0);
        client_deinit(&c);
    }
}
END_TEST

START_TEST(several_messages_of_one_piece_leave_one_by_one)
{
    static const uint8_t pieces[] = "\x40\x01\0\1a\0\0\0\x40\x01\0\2bc\0\0\x40\x01\0\1d\0\0";
    client c;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t buf[100];
    client_init(&c, NULL);
    connect_by_tcp(&c, 1000);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4001, PEER), 0);
    kith_turn_server_handle_stream(c.server, c.now, &c.path, pieces, sizeof pieces - 1);
    ck_assert_uint_eq(kith_turn_server_poll_packet(c.server, &info, buf, sizeof buf), 1);
    ck_assert_uint_eq(kith_turn_server_poll_packet(c.server, &info, buf, sizeof buf), 2);
    ck_assert_mem_eq(buf, "bc", 2);
    ck_assert_uint_eq(kith_turn_server_poll_packet(c.server, &info, buf, sizeof buf), 0);
    kith_turn_server_handle_stream(c.server, c.now, &c.path, "", 1);
    ck_assert_uint_eq(kith_turn_server_poll_packet(c.server, &info, buf, sizeof buf), 1);
    ck_assert_int_eq(buf[0], 'd');
    client_deinit(&c);
}
END_TEST

/* A 5-tuple has a protocol (RFC 8656 section 3.2). */
START_TEST(the_same_addresses_by_udp_and_tcp_are_two_clients)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    connect_by_tcp(&c, 100);
    ck_assert_int_eq(refresh(&c, 600), 437);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_uint_eq(counters(&c)->allocations, 2);
    ck_assert_int_eq(refresh(&c, 0), 0);
    c.piece = 0;
    c.path.protocol = KITH_UDP;
    ck_assert_int_eq(refresh(&c, 0), 0);
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(an_allocation_ends_with_its_connection)
{
    client c;
    client_init(&c, NULL);
    connect_by_tcp(&c, 100);
    ck_assert_int_eq(allocate(&c), 0);
    kith_turn_server_handle_closed(c.server, c.now, &c.path);
    serve_requests(&c);
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    ck_assert_uint_eq(counters(&c)->streams, 0);
    ck_assert_uint_eq(c.sockets, 0);
    connect_by_tcp(&c, 100);
    ck_assert_int_eq(allocate(&c), 0);
    client_deinit(&c);
}
END_TEST

START_TEST(a_connection_that_ends_before_its_socket_is_open_leaves_nothing)
{
    client c;
    client_init(&c, NULL);
    connect_by_tcp(&c, 2000);
    be_challenged(&c);
    begin(&c, KITH_STUN_ALLOCATE);
    sign(&c);
    kith_stun_end(&c.w);
    write_pieces(&c, c.request, c.w.len);
    const kith_request *open = kith_turn_server_poll_request(c.server);
    ck_assert_ptr_nonnull(open);
    uint64_t id = open->id;
    kith_address bound = open->local;
    kith_turn_server_handle_closed(c.server, c.now, &c.path);
    ck_assert(!kith_turn_server_handle_opened(c.server, c.now, id, &bound));
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(who_says_nothing_is_closed_after_ten_seconds)
{
    client c;
    client_init(&c, NULL);
    connect_by_tcp(&c, 1);
    ck_assert(kith_turn_server_timeout(c.server) == c.now + KITH_SECONDS(10));
    wait_for(&c, KITH_SECONDS(9));
    write_pieces(&c, "\0\1\0", 3); /* half a head does not count */
    ck_assert(!has_closed(&c));
    wait_for(&c, KITH_SECONDS(1));
    ck_assert(c.is_closed);
    ck_assert_uint_eq(counters(&c)->streams, 0);
    ck_assert_uint_eq(counters(&c)->streams_ended, 1);
    ck_assert(kith_turn_server_timeout(c.server) == KITH_NEVER);
    client_deinit(&c);
}
END_TEST

START_TEST(who_has_no_allocation_is_closed_after_a_minute_and_who_has_one_is_not)
{
    client c;
    client_init(&c, NULL);
    connect_by_tcp(&c, 1000);
    begin(&c, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&c), 0);
    wait_for(&c, KITH_SECONDS(59));
    begin(&c, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&c), 0);
    wait_for(&c, KITH_SECONDS(59));
    ck_assert_int_eq(allocate(&c), 0);
    wait_for(&c, KITH_SECONDS(599));
    ck_assert_int_eq(refresh(&c, 600), 0);
    wait_for(&c, KITH_SECONDS(600));
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    ck_assert(!c.is_closed);
    wait_for(&c, KITH_SECONDS(60));
    ck_assert(c.is_closed);
    client_deinit(&c);
}
END_TEST

/* HTTP's GET is the number of a channel, its POST is nothing, TLS begins like STUN. */
START_TEST(what_is_not_stun_closes_the_connection)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
                                        "POST / HTTP/1.1\r\n\r\n",
                                        "\x16\x03\x01\x02\x01\x01",
                                        "\x40\x01",
                                        "\x80\x80\x80\x80",
                                        "\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        client c;
        uint8_t rest[600] = {0};
        client_init(&c, NULL);
        connect_by_tcp(&c, 1);
        write_text(&c, texts[i]);
        c.piece = sizeof rest;
        write_pieces(&c, rest, sizeof rest);
        ck_assert_msg(has_closed(&c), "text %zu", i);
        ck_assert_uint_eq(counters(&c)->streams, 0);
        client_deinit(&c);
    }
}
END_TEST

START_TEST(a_long_message_is_of_who_has_an_allocation)
{
    client c;
    static uint8_t data[60000];
    kith_writer w = kith_wr(data, sizeof data);
    client_init(&c, NULL);
    connect_by_tcp(&c, 100);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    kith_wr_u16(&w, 0x4000);
    kith_wr_u16(&w, 1600);
    write_pieces(&c, data, 1604);
    ck_assert_uint_eq(c.len, 1600);
    ck_assert_int_eq(refresh(&c, 0), 0);
    w = kith_wr(data, sizeof data);
    kith_wr_u16(&w, KITH_STUN_BINDING);
    kith_wr_u16(&w, KITH_TURN_STREAM_MAX_REQUEST);
    kith_wr_u32(&w, KITH_STUN_COOKIE);
    write_pieces(&c, data, 100);
    ck_assert(has_closed(&c));
    client_deinit(&c);
}
END_TEST

START_TEST(connections_that_say_nothing_make_room_for_others)
{
    client c, first;
    client_init(&c, NULL);
    first = c;
    first.piece = 1000;
    first.path.protocol = c.path.protocol = KITH_TCP;
    ck_assert(kith_turn_server_handle_accepted(c.server, c.now, &first.path, false));
    begin(&first, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&first), 0);
    for (unsigned i = 0; i < 5000; i++) {
        c.path.remote.ip[1] = (uint8_t)(i >> 8);
        c.path.remote.ip[2] = (uint8_t)i;
        c.path.remote.port = (uint16_t)(1024 + i);
        ck_assert(kith_turn_server_handle_accepted(c.server, c.now, &c.path, false));
        take_streams(&first);
        ck_assert_uint_le(counters(&c)->streams, KITH_TURN_STREAM_MAX_WAITING);
    }
    ck_assert(!first.is_closed);
    ck_assert_int_eq(allocate(&first), 0);
    client_deinit(&c);
}
END_TEST

START_TEST(one_address_has_so_many_connections)
{
    client c;
    kith_turn_server_config config = config_with_user();
    config.max_per_address = 2;
    client_init(&c, &config);
    c.path.protocol = KITH_TCP;
    for (unsigned i = 0; i < 4; i++, c.path.remote.port++)
        ck_assert(kith_turn_server_handle_accepted(c.server, c.now, &c.path, false));
    ck_assert(!kith_turn_server_handle_accepted(c.server, c.now, &c.path, false));
    ck_assert_uint_eq(counters(&c)->streams_refused, 1);
    c.path.remote.ip[3]++;
    ck_assert(kith_turn_server_handle_accepted(c.server, c.now, &c.path, false));
    ck_assert_uint_eq(counters(&c)->streams, 5);
    client_deinit(&c);
}
END_TEST

/* What a peer sends to who does not read: messages are numbered in their first bytes. */
static void fill(client *c, unsigned count)
{
    uint8_t data[1000] = {0};
    kith_path path = {.local = c->opened, .remote = address_of(PEER)};
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = path;
    for (unsigned i = 0; i < count; i++) {
        kith_writer w = kith_wr(data, sizeof data);
        kith_wr_u32(&w, i);
        kith_turn_server_handle_packet(c->server, c->now, &info, data, sizeof data);
        ck_assert_uint_eq(kith_turn_server_poll_packet(c->server, &info, c->buf, sizeof c->buf), 0);
    }
}

START_TEST(a_slow_client_keeps_the_newest_and_no_message_is_torn)
{
    client c;
    kith_path path;
    const void *data;
    size_t len, total = 0;
    static uint8_t out[KITH_TURN_STREAM_QUEUE + 2000];
    client_init(&c, NULL);
    connect_by_tcp(&c, 1000);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    fill(&c, 10);
    ck_assert(kith_turn_server_poll_stream(c.server, &path, &data, &len));
    ck_assert_uint_eq(len, 10 * 1004);
    memcpy(out, data, 1500);
    total = 1500;
    kith_turn_server_handle_written(c.server, &path, 1500);
    fill(&c, 5000);
    ck_assert(!kith_turn_server_poll_stream(c.server, &path, &data, &len));
    ck_assert(kith_turn_server_timeout(c.server) > c.now);
    kith_turn_server_handle_writable(c.server, &c.path);
    ck_assert(kith_turn_server_poll_stream(c.server, &path, &data, &len));
    ck_assert_uint_le(len, KITH_TURN_STREAM_QUEUE);
    ck_assert_uint_ge(len, KITH_TURN_STREAM_QUEUE / 2);
    memcpy(out + total, data, len);
    total += len;
    kith_turn_server_handle_written(c.server, &path, len);
    ck_assert(!kith_turn_server_poll_stream(c.server, &path, &data, &len));
    ck_assert_uint_eq(total % 1004, 0);
    uint32_t last = 0;
    for (size_t at = 0; at < total; at += 1004) {
        kith_reader r = kith_rd(out + at, 1004);
        ck_assert_uint_eq(kith_rd_u16(&r), 0x4000);
        ck_assert_uint_eq(kith_rd_u16(&r), 1000);
        uint32_t number = kith_rd_u32(&r);
        ck_assert_uint_eq(number, at < 2 * 1004 ? at / 1004 : number);
        ck_assert(at <= 2 * 1004 || number == last + 1);
        last = number;
    }
    ck_assert_uint_eq(last, 4999);
    ck_assert_uint_eq(counters(&c)->dropped, 5010 - total / 1004);
    client_deinit(&c);
}
END_TEST

UNIT_MAIN("turn_server: stream", a_client_by_tcp_is_served_however_its_bytes_come,
          several_messages_of_one_piece_leave_one_by_one,
          the_same_addresses_by_udp_and_tcp_are_two_clients, an_allocation_ends_with_its_connection,
          a_connection_that_ends_before_its_socket_is_open_leaves_nothing,
          who_says_nothing_is_closed_after_ten_seconds,
          who_has_no_allocation_is_closed_after_a_minute_and_who_has_one_is_not,
          what_is_not_stun_closes_the_connection, a_long_message_is_of_who_has_an_allocation,
          connections_that_say_nothing_make_room_for_others, one_address_has_so_many_connections,
          a_slow_client_keeps_the_newest_and_no_message_is_torn)
