/* Permissions, channels, and data both ways. */
#include "server.h"

#define PEER  "192.0.2.9:4000"
#define OTHER "192.0.2.10:4000"
#define PEER6 "[2001:db8::9]:4000"

/* A datagram from the server. True: it brought data. */
static bool give(struct server *s, const void *data, size_t len, kith_turn_data *got)
{
    kith_stun m;
    if (kith_stun_is(data, len)) {
        ck_assert(kith_stun_parse(&m, data, len));
        return kith_turn_input(s->turn, s->now, &m, got);
    }
    return kith_turn_input_channel(s->turn, s->now, kith_span_of(data, len), got);
}

static bool give_indication(struct server *s, const char *peer, const char *text,
                            kith_turn_data *got)
{
    static uint8_t buf[200];
    const uint8_t id[KITH_STUN_ID] = {1};
    kith_address from = addr(peer);
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_DATA_INDICATION, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &from);
    if (text)
        kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, kith_span_text(text));
    kith_stun_end(&w);
    return give(s, buf, w.len, got);
}

static size_t write_check(uint8_t *buf, size_t cap)
{
    const uint8_t id[KITH_STUN_ID] = {7};
    kith_writer w = kith_wr(buf, cap);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_fingerprint(&w);
    return w.len;
}

START_TEST(a_check_waits_for_its_permission_and_goes_then)
{
    struct server *s = server_allocated();
    uint8_t check[100], buf[200];
    kith_address peer = addr(PEER);
    size_t len = write_check(check, sizeof check);
    ck_assert_uint_eq(send_to(s, PEER, check, len, buf), 0);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 1);
    ck_assert_uint_eq(s->sends, 1);
    ck_assert(kith_address_equal(&s->last_peer, &peer));
    ck_assert_uint_eq(s->sent_len, len);
    ck_assert_mem_eq(s->sent, check, len);
    server_free(s);
}
END_TEST

START_TEST(data_before_the_permission_is_dropped)
{
    struct server *s = server_allocated();
    uint8_t buf[200];
    ck_assert_uint_eq(send_to(s, PEER, "data", 4, buf), 0);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->sends, 0);
    server_free(s);
}
END_TEST

START_TEST(one_permission_serves_every_port_of_an_address)
{
    struct server *s = server_allocated();
    uint8_t buf[200];
    permit(s, PEER);
    ck_assert_uint_gt(send_to(s, "192.0.2.9:4001", "x", 1, buf), 0);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 1);
    server_free(s);
}
END_TEST

START_TEST(a_send_indication_is_padded_and_names_the_peer)
{
    struct server *s = server_allocated();
    uint8_t buf[200];
    kith_stun m;
    permit(s, PEER);
    permit(s, PEER6);
    for (size_t len = 1; len < 6; len++) {
        size_t total = send_to(s, PEER, "hello", len, buf);
        ck_assert_uint_eq(total, 36 + (len + 3) / 4 * 4);
        ck_assert(kith_stun_parse(&m, buf, total));
        kith_address peer = addr(PEER);
        ck_assert_int_eq(m.class, KITH_STUN_INDICATION);
        ck_assert_uint_eq(m.method, KITH_STUN_SEND);
        ck_assert(kith_address_equal(&m.xor_peer_address, &peer));
        ck_assert_uint_eq(m.data.len, len);
    }
    size_t total = send_to(s, PEER6, "hello", 5, buf);
    ck_assert_uint_eq(total, 48 + 8);
    ck_assert(kith_stun_parse(&m, buf, total));
    kith_address peer = addr(PEER6);
    ck_assert(kith_address_equal(&m.xor_peer_address, &peer));
    server_free(s);
}
END_TEST

START_TEST(a_bound_channel_costs_four_bytes)
{
    struct server *s = server_allocated();
    uint8_t buf[200];
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->last_channel, 0x4000);
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 9);
    ck_assert_mem_eq(buf, "\x40\x00\x00\x05hello", 9);
    server_free(s);
}
END_TEST

START_TEST(until_the_channel_is_bound_send_indications_carry_the_data)
{
    struct server *s = server_allocated();
    uint8_t buf[200];
    kith_address peer = addr(PEER);
    permit(s, PEER);
    s->odd[KITH_STUN_CHANNEL_BIND].is_silent = true;
    kith_turn_bind(s->turn, &peer);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 44);
    s->odd[KITH_STUN_CHANNEL_BIND].is_silent = false;
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 9);
    server_free(s);
}
END_TEST

START_TEST(data_comes_by_channel_and_by_indication)
{
    struct server *s = server_allocated();
    kith_turn_data got;
    kith_address peer = addr(PEER);
    bind_channel(s, PEER);
    ck_assert(give(s, "\x40\x00\x00\x02hi", 6, &got));
    ck_assert(kith_address_equal(&got.peer, &peer));
    ck_assert(kith_span_is(got.data, "hi"));
    /* what pads it is not its own (RFC 8656 section 12.5) */
    ck_assert(give(s, "\x40\x00\x00\x02hi..", 8, &got));
    ck_assert(kith_span_is(got.data, "hi"));
    peer = addr("192.0.2.9:4001");
    ck_assert(give_indication(s, "192.0.2.9:4001", "ho", &got));
    ck_assert(kith_address_equal(&got.peer, &peer));
    ck_assert(kith_span_is(got.data, "ho"));
    server_free(s);
}
END_TEST

START_TEST(data_of_a_peer_without_a_permission_or_channel_is_dropped)
{
    struct server *s = server_allocated();
    kith_turn_data got;
    bind_channel(s, PEER);
    ck_assert(!give_indication(s, OTHER, "ho", &got));
    ck_assert(!give(s, "\x40\x01\x00\x02hi", 6, &got));
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->unpermitted, 2);
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 403};
    permit(s, OTHER);
    ck_assert(!give_indication(s, OTHER, "ho", &got));
    server_free(s);
}
END_TEST

START_TEST(channel_data_and_indications_that_are_cut_or_odd_are_dropped)
{
    struct server *s = server_allocated();
    kith_turn_data got;
    bind_channel(s, PEER);
    for (size_t len = 1; len < 6; len++)
        ck_assert(!give(s, "\x40\x00\x00\x02hi", len, &got));
    ck_assert(!give_indication(s, PEER, NULL, &got));
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->malformed, 6);
    server_free(s);
}
END_TEST

START_TEST(icmp_is_told_as_a_hint)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    kith_turn_data got;
    const uint8_t id[KITH_STUN_ID] = {1};
    kith_address peer = addr(PEER);
    permit(s, PEER);
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_INDICATION, KITH_STUN_DATA_INDICATION, id);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peer);
    kith_stun_put_icmp(&w, &(kith_stun_icmp){.type = 3, .code = 3});
    kith_stun_end(&w);
    ck_assert(!give(s, buf, w.len, &got));
    events(s);
    ck_assert_uint_eq(s->icmp, 1);
    ck_assert_uint_eq(s->event.icmp.type, 3);
    ck_assert(kith_address_equal(&s->event.peer, &peer));
    server_free(s);
}
END_TEST

START_TEST(a_channel_renews_itself_and_its_permission_every_240_seconds_while_it_is_used)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    bind_channel(s, PEER);
    for (unsigned i = 0; i < 24; i++) {
        run(s, KITH_SECONDS(60));
        ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 9);
    }
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], 7);
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 1);
    server_free(s);
}
END_TEST

START_TEST(a_permission_is_renewed_every_240_seconds_while_it_is_used)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    permit(s, PEER);
    for (unsigned i = 0; i < 24; i++) {
        run(s, KITH_SECONDS(60));
        ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 44);
    }
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 7);
    server_free(s);
}
END_TEST

START_TEST(what_nobody_uses_lapses_and_is_asked_for_again_when_needed)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    bind_channel(s, PEER);
    run(s, KITH_SECONDS(3600));
    ck_assert_uint_le(s->count[KITH_STUN_CHANNEL_BIND], 2);
    ck_assert_uint_le(s->count[KITH_STUN_CREATE_PERMISSION], 2);
    unsigned before = s->count[KITH_STUN_CREATE_PERMISSION];
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 0);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], before + 1);
    ck_assert_uint_gt(send_to(s, PEER, "hello", 5, buf), 0);
    server_free(s);
}
END_TEST

START_TEST(channel_numbers_only_rise_also_over_a_lost_allocation)
{
    struct server *s = server_allocated();
    kith_turn_data got;
    bind_channel(s, PEER);
    bind_channel(s, OTHER);
    ck_assert_uint_eq(s->last_channel, 0x4001);
    run(s, KITH_SECONDS(10));
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 437, .times = 1};
    permit(s, "192.0.2.11:1");
    ck_assert_uint_eq(s->allocated, 2);
    ck_assert(!give(s, "\x40\x00\x00\x02hi", 6, &got));
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->last_channel, 0x4002);
    server_free(s);
}
END_TEST

START_TEST(permissions_and_channels_are_bounded)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    char peer[40];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(peer, sizeof peer, "192.0.2.9:%u", 1000 + i);
        bind_channel(s, peer);
    }
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], KITH_TURN_MAX_CHANNELS);
    for (unsigned i = 1; i < 100; i++) {
        snprintf(peer, sizeof peer, "192.0.3.%u:1000", i);
        send_to(s, peer, "x", 1, buf);
    }
    run(s, KITH_SECONDS(2));
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], KITH_TURN_MAX_PERMISSIONS);
    /* who is not talked to any more makes room */
    run(s, KITH_SECONDS(20));
    send_to(s, "192.0.4.1:1000", "x", 1, buf);
    run(s, KITH_SECONDS(2));
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], KITH_TURN_MAX_PERMISSIONS + 1);
    server_free(s);
}
END_TEST

START_TEST(nothing_is_wrapped_before_the_allocation_or_after_its_release)
{
    struct server *s = server_new();
    uint8_t buf[100];
    ck_assert_uint_eq(send_to(s, PEER, "x", 1, buf), 0);
    run(s, KITH_MS(100));
    permit(s, PEER);
    ck_assert_uint_gt(send_to(s, PEER, "x", 1, buf), 0);
    kith_turn_release(s->turn);
    ck_assert_uint_eq(send_to(s, PEER, "x", 1, buf), 0);
    server_free(s);
}
END_TEST

/* A check that names the port in its id. */
static size_t write_check_to(uint8_t *buf, size_t cap, uint8_t number)
{
    size_t len = write_check(buf, cap);
    buf[19] = number;
    return len;
}

static void check_to(struct server *s, const char *peer, uint8_t number)
{
    uint8_t check[100], buf[200];
    size_t len = write_check_to(check, sizeof check, number);
    ck_assert_uint_eq(send_to(s, peer, check, len, buf), 0);
}

START_TEST(the_latest_check_is_the_one_that_waits_and_it_leaves_once)
{
    struct server *s = server_allocated();
    kith_address peer = addr("192.0.2.9:4001");
    check_to(s, PEER, 1);
    check_to(s, "192.0.2.9:4001", 2);
    run(s, KITH_SECONDS(10));
    ck_assert_uint_eq(s->sends, 1);
    ck_assert_uint_eq(s->sent[19], 2);
    ck_assert(kith_address_equal(&s->last_peer, &peer));
    server_free(s);
}
END_TEST

START_TEST(a_check_for_an_ipv6_peer_waits_too)
{
    struct server *s = server_allocated();
    kith_address peer = addr(PEER6);
    check_to(s, PEER6, 3);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->sends, 1);
    ck_assert_uint_eq(s->sent[19], 3);
    ck_assert(kith_address_equal(&s->last_peer, &peer));
    server_free(s);
}
END_TEST

START_TEST(a_check_that_was_refused_does_not_leave_when_the_peer_is_permitted_later)
{
    struct server *s = server_allocated();
    uint8_t buf[200];
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 403, .times = 1};
    check_to(s, PEER, 1);
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->refused, 1);
    check_to(s, PEER, 2); /* while it is refused */
    run(s, KITH_SECONDS(10));
    ck_assert_uint_eq(send_to(s, PEER, "data", 4, buf), 0);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_gt(send_to(s, PEER, "data", 4, buf), 0);
    ck_assert_uint_eq(s->sends, 0);
    server_free(s);
}
END_TEST

START_TEST(a_check_of_320_bytes_waits_and_a_longer_one_does_not)
{
    for (size_t len = 320; len <= 324; len += 4) {
        struct server *s = server_allocated();
        uint8_t check[324] = {0}, buf[500];
        write_check(check, sizeof check);
        check[2] = (uint8_t)((len - KITH_STUN_HEADER) >> 8);
        check[3] = (uint8_t)(len - KITH_STUN_HEADER);
        ck_assert_uint_eq(send_to(s, PEER, check, len, buf), 0);
        run(s, KITH_MS(10));
        ck_assert_uint_eq(s->sends, len == 320);
        server_free(s);
    }
}
END_TEST

START_TEST(a_refused_peer_that_is_talked_to_all_the_time_is_asked_for_again_every_ten_seconds)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 403};
    permit(s, PEER);
    for (unsigned i = 0; i < 35; i++) {
        run(s, KITH_SECONDS(1));
        ck_assert_uint_eq(send_to(s, PEER, "x", 1, buf), 0);
    }
    run(s, KITH_MS(10));
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 4);
    ck_assert_uint_eq(s->refused, 4);
    server_free(s);
}
END_TEST

START_TEST(a_channel_that_has_lapsed_is_forgotten_with_what_was_sent_last)
{
    struct server *s = server_allocated();
    kith_address peer = addr(PEER);
    kith_turn_data got;
    uint8_t buf[100];
    bind_channel(s, PEER);
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 9);
    run(s, KITH_SECONDS(240));
    run(s, KITH_SECONDS(601));
    ck_assert_uint_eq(kith_turn_headroom(s->turn, &peer), 36);
    ck_assert(!give(s, "\x40\x00\x00\x02hi", 6, &got));
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->last_channel, 0x4001);
    server_free(s);
}
END_TEST

START_TEST(two_peers_have_a_channel_each)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    bind_channel(s, PEER);
    bind_channel(s, OTHER);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(send_to(s, PEER, "a", 1, buf), 5);
        ck_assert_uint_eq(buf[1], 0);
        ck_assert_uint_eq(send_to(s, OTHER, "b", 1, buf), 5);
        ck_assert_uint_eq(buf[1], 1);
    }
    server_free(s);
}
END_TEST

START_TEST(what_comes_on_a_channel_keeps_it)
{
    struct server *s = server_allocated();
    kith_turn_data got;
    bind_channel(s, PEER);
    for (unsigned i = 0; i < 24; i++) {
        run(s, KITH_SECONDS(60));
        ck_assert(give(s, "\x40\x00\x00\x02hi", 6, &got));
    }
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], 7);
    server_free(s);
}
END_TEST

START_TEST(what_comes_by_indication_keeps_its_permission)
{
    struct server *s = server_allocated();
    kith_turn_data got;
    permit(s, PEER);
    for (unsigned i = 0; i < 24; i++) {
        run(s, KITH_SECONDS(60));
        ck_assert(give_indication(s, PEER, "hi", &got));
    }
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 7);
    server_free(s);
}
END_TEST

START_TEST(a_channel_that_had_no_room_is_asked_for_again_while_it_is_used)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    s->odd[KITH_STUN_CHANNEL_BIND] = (struct oddity){.code = 508, .times = 1};
    bind_channel(s, PEER);
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 44);
    run(s, KITH_SECONDS(11));
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], 2);
    ck_assert_uint_eq(send_to(s, PEER, "hello", 5, buf), 9);
    server_free(s);
}
END_TEST

UNIT_MAIN("turn: peers.c", a_check_waits_for_its_permission_and_goes_then,
          data_before_the_permission_is_dropped, one_permission_serves_every_port_of_an_address,
          a_send_indication_is_padded_and_names_the_peer, a_bound_channel_costs_four_bytes,
          until_the_channel_is_bound_send_indications_carry_the_data,
          data_comes_by_channel_and_by_indication,
          data_of_a_peer_without_a_permission_or_channel_is_dropped,
          channel_data_and_indications_that_are_cut_or_odd_are_dropped, icmp_is_told_as_a_hint,
          a_channel_renews_itself_and_its_permission_every_240_seconds_while_it_is_used,
          a_permission_is_renewed_every_240_seconds_while_it_is_used,
          what_nobody_uses_lapses_and_is_asked_for_again_when_needed,
          channel_numbers_only_rise_also_over_a_lost_allocation,
          permissions_and_channels_are_bounded,
          nothing_is_wrapped_before_the_allocation_or_after_its_release,
          the_latest_check_is_the_one_that_waits_and_it_leaves_once,
          a_check_for_an_ipv6_peer_waits_too,
          a_check_that_was_refused_does_not_leave_when_the_peer_is_permitted_later,
          a_check_of_320_bytes_waits_and_a_longer_one_does_not,
          a_refused_peer_that_is_talked_to_all_the_time_is_asked_for_again_every_ten_seconds,
          a_channel_that_has_lapsed_is_forgotten_with_what_was_sent_last,
          two_peers_have_a_channel_each, what_comes_on_a_channel_keeps_it,
          what_comes_by_indication_keeps_its_permission,
          a_channel_that_had_no_room_is_asked_for_again_while_it_is_used)
