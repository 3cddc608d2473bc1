/* The requests of TURN and what they are answered. */
#include <stdio.h>

#include "client.h"

START_TEST(an_allocation_is_answered_with_its_relayed_and_the_mapped_address)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    kith_address relayed = address_of(SERVER);
    relayed.port = c.opened.port;
    ck_assert(kith_address_equal(&c.answer.xor_relayed_address, &relayed));
    ck_assert(kith_address_equal(&c.answer.xor_mapped_address, &c.path.remote));
    ck_assert_uint_eq(c.answer.lifetime, 600);
    ck_assert_uint_ge(relayed.port, 49152);
    ck_assert_uint_eq(counters(&c)->allocations, 1);
    client_deinit(&c);
}
END_TEST

START_TEST(a_repeated_allocate_gets_the_same_answer_and_another_one_437)
{
    client c;
    uint8_t first[2000];
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    size_t len = c.len, asked = c.w.len;
    memcpy(first, c.buf, len);
    deliver(&c, &c.path, c.request, asked);
    ck_assert_uint_eq(c.len, len);
    ck_assert_mem_eq(c.buf, first, len);
    ck_assert_int_eq(allocate(&c), 437);
    ck_assert_uint_eq(counters(&c)->allocations_made, 1);
    ck_assert_uint_eq(c.sockets, 1);
    client_deinit(&c);
}
END_TEST

/* What is put into an Allocate, and the error that it is worth. */
START_TEST(an_allocate_that_cannot_be_had_says_why)
{
    static const struct {
        int code;
        uint8_t transport, first, second;
        int even;
        bool token;
    } rows[] = {
        {400, 0, 0, 0, -1, false},          {442, 6, 0, 0, -1, false},
        {440, 17, KITH_IPV6, 0, -1, false}, {400, 17, KITH_IPV4, KITH_IPV6, -1, false},
        {400, 17, 0, KITH_IPV4, -1, false}, {400, 17, 0, KITH_IPV6, 0x80, false},
        {508, 17, 0, 0, 0x80, false},       {508, 17, 0, 0, -1, true},
        {400, 17, 0, 0, 0, true},           {400, 17, KITH_IPV4, 0, -1, true},
    };
    client c;
    client_init(&c, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(&c, KITH_STUN_ALLOCATE);
        c.w.len = KITH_STUN_HEADER;
        if (rows[i].transport != 0)
            kith_stun_put_u8_padded(&c.w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, rows[i].transport);
        if (rows[i].first != 0)
            kith_stun_put_family(&c.w, KITH_STUN_ATTR_REQUESTED_ADDRESS_FAMILY, rows[i].first);
        if (rows[i].second != 0)
            kith_stun_put_family(&c.w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, rows[i].second);
        if (rows[i].even >= 0)
            kith_stun_put_u8(&c.w, KITH_STUN_ATTR_EVEN_PORT, (uint8_t)rows[i].even);
        if (rows[i].token)
            kith_stun_put_u64(&c.w, KITH_STUN_ATTR_RESERVATION_TOKEN, 1);
        int code = ask(&c);
        ck_assert_msg(code == rows[i].code, "row %zu: %d", i, code);
    }
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    ck_assert_uint_eq(c.sockets, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(an_even_port_is_even)
{
    client c;
    client_init(&c, NULL);
    for (int i = 0; i < 20; i++) {
        begin(&c, KITH_STUN_ALLOCATE);
        kith_stun_put_u8(&c.w, KITH_STUN_ATTR_EVEN_PORT, 0);
        ck_assert_int_eq(ask(&c), 0);
        ck_assert_uint_eq(c.opened.port % 2, 0);
        ck_assert_int_eq(refresh(&c, 0), 0);
    }
    client_deinit(&c);
}
END_TEST

START_TEST(both_families_come_together_and_what_is_missing_is_told)
{
    client c;
    client_init(&c, NULL);
    begin(&c, KITH_STUN_ALLOCATE);
    kith_stun_put_family(&c.w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    ck_assert_int_eq(ask(&c), 0);
    ck_assert_int_eq(c.answer.address_error_code.code, 440);
    ck_assert_int_eq(c.answer.address_error_code.family, KITH_IPV6);
    ck_assert_int_eq(refresh(&c, 0), 0);
    add_local(&c, "[2001:db8::1]:3478", NULL);
    begin(&c, KITH_STUN_ALLOCATE);
    kith_stun_put_family(&c.w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    ck_assert_int_eq(ask(&c), 0);
    ck_assert_int_eq(c.answer.xor_relayed_address.family, KITH_IPV4);
    ck_assert_int_eq(c.answer.xor_relayed_address2.family, KITH_IPV6);
    ck_assert(!kith_stun_has(&c.answer, KITH_STUN_HAS_ADDRESS_ERROR_CODE));
    client_deinit(&c);
}
END_TEST

/* An IPv6-only server is asked for both. */
START_TEST(of_two_families_the_second_alone_is_a_success_too)
{
    client c;
    kith_turn_server_config config = config_with_user();
    client_init(&c, &config);
    kith_turn_server_free(c.server);
    ck_assert_int_eq(kith_turn_server_new(&c.server, &config), KITH_OK);
    add_local(&c, "[2001:db8::1]:3478", NULL);
    c.path.local = address_of("[2001:db8::1]:3478");
    c.path.remote = address_of("[2001:db8::7]:40000");
    ck_assert_int_eq(allocate(&c), 440);
    begin(&c, KITH_STUN_ALLOCATE);
    kith_stun_put_family(&c.w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    ck_assert_int_eq(ask(&c), 0);
    ck_assert_int_eq(c.answer.address_error_code.code, 440);
    ck_assert_int_eq(c.answer.address_error_code.family, KITH_IPV4);
    ck_assert_int_eq(c.answer.xor_relayed_address.family, KITH_IPV6);
    ck_assert_int_eq(permit(&c, "[2001:db9::9]:1"), 0);
    ck_assert_int_eq(permit(&c, PEER), 443);
    client_deinit(&c);
}
END_TEST

START_TEST(without_a_socket_an_allocation_is_508_after_sixteen_ports)
{
    client c;
    client_init(&c, NULL);
    c.no_sockets = true;
    ck_assert_int_eq(allocate(&c), 508);
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(lifetimes_lie_between_the_default_and_the_limit)
{
    client c;
    client_init(&c, NULL);
    begin(&c, KITH_STUN_ALLOCATE);
    kith_stun_put_u32(&c.w, KITH_STUN_ATTR_LIFETIME, UINT32_MAX);
    ck_assert_int_eq(ask(&c), 0);
    ck_assert_uint_eq(c.answer.lifetime, 3600);
    ck_assert_int_eq(refresh(&c, 1), 0);
    ck_assert_uint_eq(c.answer.lifetime, 600);
    ck_assert_int_eq(refresh(&c, 1000), 0);
    ck_assert_uint_eq(c.answer.lifetime, 1000);
    ck_assert_int_eq(refresh(&c, 0), 0);
    ck_assert_uint_eq(c.answer.lifetime, 0);
    ck_assert_uint_eq(c.sockets, 0);
    ck_assert_int_eq(refresh(&c, 600), 437);
    client_deinit(&c);
}
END_TEST

START_TEST(an_allocation_that_is_not_refreshed_ends_and_its_socket_is_closed)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    wait_for(&c, KITH_SECONDS(599));
    ck_assert_uint_eq(counters(&c)->allocations, 1);
    wait_for(&c, KITH_SECONDS(1));
    ck_assert_uint_eq(counters(&c)->allocations, 0);
    ck_assert_uint_eq(counters(&c)->allocations_expired, 1);
    ck_assert_uint_eq(c.sockets, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(a_channel_is_of_one_peer_and_a_peer_has_one_channel)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4001, PEER), 400);
    ck_assert_int_eq(bind_channel(&c, 0x4000, "203.0.113.9:5001"), 400);
    ck_assert_int_eq(bind_channel(&c, 0x3FFF, "203.0.113.9:5001"), 400);
    ck_assert_int_eq(bind_channel(&c, 0x5000, "203.0.113.9:5001"), 400);
    ck_assert_int_eq(bind_channel(&c, 0x4FFF, "203.0.113.9:5001"), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4002, "[2001:db8:1::1]:5"), 443);
    client_deinit(&c);
}
END_TEST

START_TEST(permissions_and_channels_are_bounded_and_the_expired_make_room)
{
    client c;
    char text[40];
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    for (unsigned i = 0; i < 65; i++) {
        snprintf(text, sizeof text, "203.0.113.%u:5000", i + 1);
        ck_assert_int_eq(permit(&c, text), i < 64 ? 0 : 508);
    }
    wait_for(&c, KITH_SECONDS(300));
    for (unsigned i = 0; i < 65; i++) {
        snprintf(text, sizeof text, "198.51.100.9:%u", 5000 + i);
        ck_assert_int_eq(bind_channel(&c, (uint16_t)(0x4000 + i), text), i < 64 ? 0 : 508);
    }
    client_deinit(&c);
}
END_TEST

START_TEST(several_peers_are_permitted_together_or_none)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    begin(&c, KITH_STUN_CREATE_PERMISSION);
    put_peer(&c, PEER);
    put_peer(&c, "127.0.0.1:80");
    ck_assert_int_eq(ask(&c), 403);
    ck_assert(!send_to(&c, PEER, "x"));
    begin(&c, KITH_STUN_CREATE_PERMISSION);
    put_peer(&c, PEER);
    put_peer(&c, "203.0.113.10:1");
    ck_assert_int_eq(ask(&c), 0);
    ck_assert(send_to(&c, PEER, "x") && send_to(&c, "203.0.113.10:9", "x"));
    begin(&c, KITH_STUN_CREATE_PERMISSION);
    ck_assert_int_eq(ask(&c), 400);
    client_deinit(&c);
}
END_TEST

START_TEST(quotas_of_a_user_and_in_all_are_held)
{
    client c;
    kith_turn_server_config config = config_with_user();
    config.max_per_user = 3;
    client_init(&c, &config);
    for (uint16_t i = 0; i < 4; i++) {
        c.path.remote.port = (uint16_t)(40000 + i);
        c.nonce_len = 0;
        ck_assert_int_eq(allocate(&c), i < 3 ? 0 : 486);
    }
    ck_assert_uint_eq(c.sockets, 3);
    client_deinit(&c);
    config.max_per_user = 100;
    config.max_allocations = 2;
    client_init(&c, &config);
    for (uint16_t i = 0; i < 3; i++) {
        c.path.remote.port = (uint16_t)(40000 + i);
        c.nonce_len = 0;
        ck_assert_int_eq(allocate(&c), i < 2 ? 0 : 486);
    }
    client_deinit(&c);
}
END_TEST

UNIT_MAIN("turn_server: request", an_allocation_is_answered_with_its_relayed_and_the_mapped_address,
          a_repeated_allocate_gets_the_same_answer_and_another_one_437,
          an_allocate_that_cannot_be_had_says_why, an_even_port_is_even,
          both_families_come_together_and_what_is_missing_is_told,
          of_two_families_the_second_alone_is_a_success_too,
          without_a_socket_an_allocation_is_508_after_sixteen_ports,
          lifetimes_lie_between_the_default_and_the_limit,
          an_allocation_that_is_not_refreshed_ends_and_its_socket_is_closed,
          a_channel_is_of_one_peer_and_a_peer_has_one_channel,
          permissions_and_channels_are_bounded_and_the_expired_make_room,
          several_peers_are_permitted_together_or_none, quotas_of_a_user_and_in_all_are_held)
