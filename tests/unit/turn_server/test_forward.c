/* Data both ways. */
#include "client.h"

static void set_up(client *c, const kith_turn_server_config *config)
{
    client_init(c, config);
    ck_assert_int_eq(allocate(c), 0);
}

START_TEST(data_goes_to_a_permitted_peer_from_the_relayed_address)
{
    client c;
    set_up(&c, NULL);
    kith_address peer = address_of(PEER);
    ck_assert(!send_to(&c, PEER, "hello"));
    ck_assert_int_eq(permit(&c, PEER), 0);
    ck_assert(send_to(&c, PEER, "hello"));
    ck_assert_uint_eq(c.len, 5);
    ck_assert_mem_eq(c.buf, "hello", 5);
    ck_assert(kith_address_equal(&c.out.path.local, &c.opened));
    ck_assert(kith_address_equal(&c.out.path.remote, &peer));
    client_deinit(&c);
}
END_TEST

START_TEST(what_comes_from_a_peer_is_an_indication_until_it_has_a_channel)
{
    client c;
    kith_stun m;
    set_up(&c, NULL);
    kith_address peer = address_of(PEER);
    ck_assert(!come_from(&c, PEER, "hello"));
    ck_assert_int_eq(permit(&c, PEER), 0);
    ck_assert(come_from(&c, PEER, "hello"));
    ck_assert(kith_path_equal(&c.out.path, &c.path));
    ck_assert(kith_stun_parse(&m, c.buf, c.len));
    ck_assert_int_eq(m.class, KITH_STUN_INDICATION);
    ck_assert_int_eq(m.method, KITH_STUN_DATA_INDICATION);
    ck_assert(kith_address_equal(&m.xor_peer_address, &peer));
    ck_assert(kith_span_is(m.data, "hello"));
    ck_assert_int_eq(bind_channel(&c, 0x4005, PEER), 0);
    ck_assert(come_from(&c, PEER, "hello"));
    ck_assert_uint_eq(c.len, 9);
    ck_assert_mem_eq(c.buf, "\x40\x05\x00\x05hello", 9);
    ck_assert(send_on(&c, 0x4005, "back"));
    ck_assert_mem_eq(c.buf, "back", 4);
    ck_assert(!send_on(&c, 0x4006, "back"));
    client_deinit(&c);
}
END_TEST

START_TEST(a_permission_ends_after_five_minutes_and_a_channel_with_it)
{
    client c;
    set_up(&c, NULL);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    wait_for(&c, KITH_SECONDS(299));
    ck_assert(send_on(&c, 0x4000, "x") && come_from(&c, PEER, "x"));
    wait_for(&c, KITH_SECONDS(1));
    ck_assert(!send_on(&c, 0x4000, "x") && !come_from(&c, PEER, "x"));
    ck_assert_int_eq(permit(&c, PEER), 0);
    ck_assert(send_on(&c, 0x4000, "x"));
    client_deinit(&c);
}
END_TEST

START_TEST(another_client_cannot_use_an_allocation)
{
    client c;
    set_up(&c, NULL);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    c.path.remote.port++;
    ck_assert(!send_on(&c, 0x4000, "x") && !send_to(&c, PEER, "x"));
    client_deinit(&c);
}
END_TEST

START_TEST(a_channel_that_promises_more_than_it_brings_is_dropped)
{
    client c;
    set_up(&c, NULL);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    deliver(&c, &c.path,
            "\x40\x00\x00\x05"
            "four",
            8);
    ck_assert_uint_eq(c.len, 0);
    deliver(&c, &c.path, "\x40\x00\x00", 3);
    ck_assert_uint_eq(c.len, 0);
    client_deinit(&c);
}
END_TEST

START_TEST(the_rate_of_an_allocation_is_limited_each_way)
{
    client c;
    kith_turn_server_config config = config_with_user();
    unsigned sent = 0;
    char text[101];
    config.max_rate_bps = 80000;
    set_up(&c, &config);
    memset(text, 'x', 100);
    text[100] = '\0';
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    for (int i = 0; i < 10000; i++) {
        c.now += KITH_MS(1);
        sent += send_on(&c, 0x4000, text);
    }
    /* 10,000 bytes a second for 10 s, and what may come at once */
    ck_assert_uint_ge(sent, 1000);
    ck_assert_uint_le(sent, 1030);
    ck_assert(come_from(&c, PEER, text));
    client_deinit(&c);
}
END_TEST

UNIT_MAIN("turn_server: forward", data_goes_to_a_permitted_peer_from_the_relayed_address,
          what_comes_from_a_peer_is_an_indication_until_it_has_a_channel,
          a_permission_ends_after_five_minutes_and_a_channel_with_it,
          another_client_cannot_use_an_allocation,
          a_channel_that_promises_more_than_it_brings_is_dropped,
          the_rate_of_an_allocation_is_limited_each_way)
