/* Which peers a server relays to: 60 forms of address that must not be reached. */
#include "client.h"

/* Loopback, this host, private and other networks, in every form that hides one. */
static const char *const denied[] = {
    "0.0.0.0:80",
    "0.1.2.3:80",
    "127.0.0.1:80",
    "127.1.2.3:80",
    "127.255.255.254:22",
    "10.0.0.1:80",
    "10.255.255.255:80",
    "172.16.0.1:80",
    "172.31.255.255:80",
    "192.168.0.1:80",
    "192.168.255.255:80",
    "100.64.0.1:80",
    "100.127.255.255:80",
    "169.254.0.1:80",
    "169.254.169.254:80",
    "192.0.0.192:80",
    "192.88.99.1:80",
    "198.18.0.1:80",
    "198.19.255.255:80",
    "224.0.0.1:80",
    "239.255.255.250:1900",
    "240.0.0.1:80",
    "255.255.255.255:80",
    "192.0.2.1:3478",
    "192.0.2.1:22",
    "192.0.2.1:80",
    "[::]:80",
    "[::1]:80",
    "[::127.0.0.1]:80",
    "[::10.0.0.1]:80",
    "[::8.8.8.8]:80",
    "[::ffff:127.0.0.1]:80",
    "[::ffff:0.0.0.0]:80",
    "[::ffff:10.0.0.1]:80",
    "[::ffff:169.254.169.254]:80",
    "[::ffff:192.168.1.1]:80",
    "[::ffff:8.8.8.8]:80",
    "[::ffff:0:127.0.0.1]:80",
    "[::ffff:0:10.0.0.1]:80",
    "[64:ff9b::127.0.0.1]:80",
    "[64:ff9b::10.0.0.1]:80",
    "[64:ff9b::169.254.169.254]:80",
    "[64:ff9b::192.168.0.1]:80",
    "[64:ff9b:1::8.8.8.8]:80",
    "[64:ff9b:1::10.0.0.1]:80",
    "[2002:7f00:1::1]:80",
    "[2002:a00:1::1]:80",
    "[2002:c0a8:101::1]:80",
    "[2002:a9fe:a9fe::1]:80",
    "[2001:0:a00:1::1]:80",
    "[2001:0:808:808:0:0:80ff:fffe]:80",
    "[2001:0:808:808:0:0:f5ff:fffe]:80",
    "[2001:db8:2::5efe:127.0.0.1]:80",
    "[2001:db8:2::200:5efe:10.0.0.1]:80",
    "[fe80::1]:80",
    "[fec0::1]:80",
    "[fc00::1]:80",
    "[fd00:ec2::254]:80",
    "[ff02::1]:80",
    "[ff05::2]:80",
    "[100::1]:80",
    "[2001:db8::1]:3478",
    "[2001:db8::1]:22",
};

static const char *const allowed[] = {
    "8.8.8.8:80",         "203.0.113.9:5000",   "172.32.0.1:80",         "100.128.0.1:80",
    "[2001:db8:1::2]:80", "[2a00:1450::1]:443", "[64:ff9b::8.8.8.8]:80", "[2002:808:808::1]:80",
};

/* With relayed addresses of both families. */
static void set_up(client *c, const kith_turn_server_config *config)
{
    client_init(c, config);
    add_local(c, "[2001:db8::1]:3478", NULL);
    begin(c, KITH_STUN_ALLOCATE);
    kith_stun_put_family(&c->w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    ck_assert_int_eq(ask(c), 0);
    ck_assert_uint_eq(c->sockets, 2);
}

START_TEST(sixty_forms_of_address_are_denied_by_permission_channel_and_send)
{
    client c;
    set_up(&c, NULL);
    size_t count = sizeof denied / sizeof denied[0];
    ck_assert_uint_ge(count, 60);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(permit(&c, denied[i]) == 403, "%s is permitted", denied[i]);
        ck_assert_msg(bind_channel(&c, 0x4000, denied[i]) == 403, "%s is bound", denied[i]);
        ck_assert_msg(!send_to(&c, denied[i], "x"), "something leaves for %s", denied[i]);
        ck_assert_msg(!come_from(&c, denied[i], "x"), "%s comes through", denied[i]);
    }
    ck_assert_uint_eq(counters(&c)->denied_peers, 2 * count);
    client_deinit(&c);
}
END_TEST

START_TEST(the_public_internet_is_allowed)
{
    client c;
    set_up(&c, NULL);
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        ck_assert_msg(permit(&c, allowed[i]) == 0, "%s is denied", allowed[i]);
        ck_assert_msg(send_to(&c, allowed[i], "x"), "nothing leaves for %s", allowed[i]);
    }
    client_deinit(&c);
}
END_TEST

START_TEST(what_an_operator_denies_comes_before_what_he_allows)
{
    static const char *const deny[] = {"10.1.0.0/16", "8.8.8.8", NULL};
    static const char *const allow[] = {"10.0.0.0/8", "fc00::/7", NULL};
    client c;
    kith_turn_server_config config = config_with_user();
    config.denied_peers = deny;
    config.allowed_peers = allow;
    set_up(&c, &config);
    ck_assert_int_eq(permit(&c, "10.2.0.1:80"), 0);
    ck_assert_int_eq(permit(&c, "[fd00::1]:80"), 0);
    ck_assert_int_eq(permit(&c, "10.1.0.1:80"), 403);
    ck_assert_int_eq(permit(&c, "8.8.8.8:80"), 403);
    ck_assert_int_eq(permit(&c, "[64:ff9b::8.8.8.8]:80"), 403);
    ck_assert_int_eq(permit(&c, "8.8.4.4:80"), 0);
    client_deinit(&c);
}
END_TEST

/* Even then not the port where clients ask: a relay would answer itself for ever. */
START_TEST(an_operator_may_allow_this_host_but_for_the_ports_of_the_server)
{
    static const char *const allow[] = {"192.0.2.1", NULL};
    client c;
    kith_turn_server_config config = config_with_user();
    config.allowed_peers = allow;
    client_init(&c, &config);
    ck_assert_int_eq(allocate(&c), 0);
    ck_assert_int_eq(permit(&c, "192.0.2.1:5000"), 0);
    ck_assert(send_to(&c, "192.0.2.1:5001", "x"));
    ck_assert(come_from(&c, "192.0.2.1:5001", "x"));
    ck_assert_int_eq(permit(&c, SERVER), 403);
    ck_assert_int_eq(bind_channel(&c, 0x4000, SERVER), 403);
    ck_assert(!send_to(&c, SERVER, "x"));
    ck_assert(!come_from(&c, SERVER, "x"));
    client_deinit(&c);
}
END_TEST

START_TEST(networks_are_read_or_refused_with_words)
{
    static const char *const wrong[] = {"10.0.0.0/33", "10.0.0/8", "fe80::/129",   "10.0.0.0/",
                                        "x",           "",         "10.0.0.0/8/8", "10.0.0.1:80"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *const list[] = {"8.8.8.8", wrong[i], NULL};
        kith_turn_server_config config = config_with_user();
        kith_turn_server *server;
        config.allowed_peers = list;
        ck_assert_int_eq(kith_turn_server_new(&server, &config), KITH_ERR_SYNTAX);
    }
}
END_TEST

UNIT_MAIN("turn_server: acl", sixty_forms_of_address_are_denied_by_permission_channel_and_send,
          the_public_internet_is_allowed, what_an_operator_denies_comes_before_what_he_allows,
          an_operator_may_allow_this_host_but_for_the_ports_of_the_server,
          networks_are_read_or_refused_with_words)
