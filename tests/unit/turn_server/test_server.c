/* Configuration, addresses of this host, the end. */
#include "client.h"

START_TEST(a_configuration_that_cannot_be_is_refused)
{
    static const kith_turn_user nameless = {.password = "x"};
    kith_turn_server_config config = config_with_user();
    kith_turn_server *server;
    config.port_begin = 10;
    ck_assert_int_eq(kith_turn_server_new(&server, &config), KITH_ERR_RANGE);
    config = config_with_user();
    config.realm = "";
    ck_assert_int_eq(kith_turn_server_new(&server, &config), KITH_ERR_RANGE);
    config = config_with_user();
    config.users = &nameless;
    ck_assert_int_eq(kith_turn_server_new(&server, &config), KITH_ERR_TYPE);
    config = config_with_user();
    config.nonce_lifetime = -1;
    ck_assert_int_eq(kith_turn_server_new(&server, &config), KITH_ERR_RANGE);
    kith_turn_server_free(NULL);
}
END_TEST

START_TEST(a_local_address_is_told_once_and_is_no_wildcard)
{
    client c;
    client_init(&c, NULL);
    kith_address again = address_of(SERVER), any = address_of("0.0.0.0:3478");
    ck_assert_int_eq(kith_turn_server_add_local(c.server, &again, NULL), KITH_ERR_INVALID_STATE);
    ck_assert_int_eq(kith_turn_server_add_local(c.server, &any, NULL), KITH_ERR_TYPE);
    client_deinit(&c);
}
END_TEST

/* As behind an anycast address: all ask one IP, each server relays at its own. */
START_TEST(relayed_addresses_are_of_the_ip_that_was_set)
{
    client c;
    kith_turn_server_config config = config_with_user();
    kith_address relay = address_of("10.0.0.9"), external = address_of("203.0.113.77");
    kith_address ipv6 = address_of("2001:db8::9"), none = address_of("0.0.0.0");
    client_init(&c, &config);
    ck_assert_int_eq(kith_turn_server_set_relay(c.server, &none, NULL), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_turn_server_set_relay(c.server, &relay, &ipv6), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_turn_server_set_relay(c.server, &relay, &external), KITH_OK);
    ck_assert_int_eq(kith_turn_server_set_relay(c.server, &ipv6, NULL), KITH_OK);
    begin(&c, KITH_STUN_ALLOCATE);
    kith_stun_put_family(&c.w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    ck_assert_int_eq(ask(&c), 0);
    ck_assert(kith_address_same_ip(&c.answer.xor_relayed_address, &external));
    ck_assert(kith_address_same_ip(&c.answer.xor_relayed_address2, &ipv6));
    ck_assert(kith_address_same_ip(&c.opened, &ipv6));
    /* The host is denied by that address, too, but for what is relayed there. */
    ck_assert_int_eq(permit(&c, "203.0.113.77:22"), 403);
    ck_assert_int_eq(permit(&c, "[2001:db8::9]:22"), 403);
    kith_address relayed = c.answer.xor_relayed_address;
    ck_assert_int_eq(permit(&c, PEER), 0);
    client other = c;
    char text[KITH_ADDRESS_TEXT];
    other.path.remote.port++;
    other.nonce_len = 0;
    ck_assert_int_eq(allocate(&other), 0);
    relayed = other.answer.xor_relayed_address;
    ck_assert_int_eq(permit(&c, kith_address_format(&relayed, text, sizeof text)), 0);
    client_deinit(&c);
}
END_TEST

START_TEST(a_socket_beside_the_server_is_reached_and_no_other_port_of_the_host)
{
    client c;
    client_init(&c, NULL);
    kith_address beside = address_of("192.0.2.1:6000"), home = address_of("127.0.0.1:6000");
    ck_assert_int_eq(kith_turn_server_allow_local(c.server, &beside), KITH_OK);
    ck_assert_int_eq(kith_turn_server_allow_local(c.server, &home), KITH_OK);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(permit(&c, "192.0.2.1:6000"), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4000, "127.0.0.1:6000"), 0);
    ck_assert(send_to(&c, "192.0.2.1:6000", "x") && send_on(&c, 0x4000, "x"));
    ck_assert(!send_to(&c, "192.0.2.1:6001", "x") && !send_to(&c, "127.0.0.1:6001", "x"));
    ck_assert_int_eq(permit(&c, "192.0.2.1:6001"), 403);
    ck_assert_int_eq(bind_channel(&c, 0x4001, "192.0.2.1:3478"), 403);
    kith_turn_server_disallow_local(c.server, &beside);
    kith_turn_server_disallow_local(c.server, &beside);
    ck_assert(!send_to(&c, "192.0.2.1:6000", "x"));
    client_deinit(&c);
}
END_TEST

START_TEST(clients_reach_each_other_by_their_relayed_addresses)
{
    client c;
    char text[KITH_ADDRESS_TEXT];
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    kith_address_format(&c.opened, text, sizeof text);
    c.path.remote.port++;
    c.nonce_len = 0;
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(permit(&c, text), 0);
    ck_assert(send_to(&c, text, "x"));
    client_deinit(&c);
}
END_TEST

START_TEST(an_external_address_is_what_clients_are_told)
{
    client c;
    kith_turn_server_config config = config_with_user();
    client_init(&c, &config);
    c.path.local = address_of("10.0.0.5:3478");
    add_local(&c, "10.0.0.5:3478", "203.0.113.200");
    ck_assert_int_eq(allocate(&c), 0);
    kith_address outside = address_of("203.0.113.200");
    ck_assert(kith_address_same_ip(&c.answer.xor_relayed_address, &outside));
    ck_assert_uint_eq(c.answer.xor_relayed_address.port, c.opened.port);
    ck_assert_int_eq(permit(&c, "203.0.113.200:22"), 403);
    client_deinit(&c);
}
END_TEST

START_TEST(a_server_that_is_freed_leaves_nothing)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(bind_channel(&c, 0x4000, PEER), 0);
    ck_assert_int_eq(kith_turn_server_timeout(c.server), c.now + KITH_SECONDS(600));
    client_deinit(&c);
}
END_TEST

START_TEST(counters_are_text_for_prometheus)
{
    client c;
    client_init(&c, NULL);
    ck_assert_int_eq(allocate(&c), 0);
    char *text = kith_turn_server_metrics(c.server);
    ck_assert_ptr_nonnull(
        strstr(text, "# TYPE kith_turn_allocations gauge\nkith_turn_allocations 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nkith_turn_allocations_made_total 1\n"));
    kith_free(text);
    client_deinit(&c);
}
END_TEST

UNIT_MAIN("turn_server: server", relayed_addresses_are_of_the_ip_that_was_set,
          a_configuration_that_cannot_be_is_refused,
          a_local_address_is_told_once_and_is_no_wildcard,
          a_socket_beside_the_server_is_reached_and_no_other_port_of_the_host,
          clients_reach_each_other_by_their_relayed_addresses,
          an_external_address_is_what_clients_are_told, a_server_that_is_freed_leaves_nothing,
          counters_are_text_for_prometheus)
