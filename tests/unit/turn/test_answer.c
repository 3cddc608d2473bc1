/* The table of answers: what each error of the server makes the client do. */
#include "server.h"

#define PEER "192.0.2.9:4000"

static struct server *odd_allocate(int code, unsigned times)
{
    struct server *s = server_new();
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = code, .times = times};
    return s;
}

START_TEST(a_401_to_our_credentials_is_final)
{
    struct server *s = server_new();
    s->password = "another";
    run(s, KITH_SECONDS(100));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2);
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, 401);
    ck_assert_int_eq(s->event.retry_at, KITH_NEVER);
    server_free(s);
}
END_TEST

START_TEST(a_401_to_a_refresh_loses_the_allocation_and_takes_the_present_credentials)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 401, .is_unsigned = true};
    ck_assert_int_eq(kith_turn_set_credentials(s->turn, USERNAME, "new"), KITH_OK);
    s->password = "new";
    run(s, KITH_SECONDS(545));
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(a_438_to_any_request_repeats_it_with_the_new_nonce)
{
    struct server *s = server_new();
    s->nonce_expires = true;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    bind_channel(s, PEER);
    unsigned permissions = s->count[KITH_STUN_CREATE_PERMISSION];
    unsigned channels = s->count[KITH_STUN_CHANNEL_BIND];
    ck_assert_uint_eq(permissions, 2);
    ck_assert_uint_eq(channels, 2);
    run(s, KITH_SECONDS(2 * 3600));
    ck_assert_uint_eq(s->lost, 0);
    ck_assert_uint_gt(s->count[KITH_STUN_REFRESH], 20);
    server_free(s);
}
END_TEST

START_TEST(a_438_is_answered_three_times_in_a_row_and_no_more)
{
    for (unsigned is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
        struct server *s = odd_allocate(438, 0);
        s->odd[KITH_STUN_ALLOCATE].is_unsigned = is_unsigned;
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 1 + 1 + 3);
        ck_assert_uint_eq(s->failed, 1);
        ck_assert_int_eq(s->event.error_code, 438);
        run(s, KITH_SECONDS(20));
        ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 1 + 1 + 3);
        server_free(s);
    }
}
END_TEST

START_TEST(a_437_to_a_refresh_permission_or_channel_allocates_anew_on_the_same_socket)
{
    static const uint16_t methods[] = {KITH_STUN_REFRESH, KITH_STUN_CREATE_PERMISSION,
                                       KITH_STUN_CHANNEL_BIND};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct server *s = server_allocated();
        bind_channel(s, PEER);
        unsigned permissions = s->count[KITH_STUN_CREATE_PERMISSION];
        s->odd[methods[i]] = (struct oddity){.code = 437, .times = 1};
        s->relayed = addr("203.0.113.5:50001");
        if (methods[i] == KITH_STUN_CREATE_PERMISSION)
            permit(s, "192.0.2.10:4000");
        if (methods[i] == KITH_STUN_CHANNEL_BIND)
            bind_channel(s, "192.0.2.9:4001");
        run(s, KITH_SECONDS(550));
        ck_assert_uint_eq(s->lost, 1);
        ck_assert_uint_eq(s->allocated, 2);
        ck_assert_uint_eq(s->other_port, 0);
        ck_assert_uint_eq(s->relayed_count, 1);
        ck_assert(kith_address_equal(&s->now_relayed, &s->relayed));
        /* who was talked to is permitted again */
        ck_assert_uint_gt(s->count[KITH_STUN_CREATE_PERMISSION], permissions);
        server_free(s);
    }
}
END_TEST

START_TEST(a_server_that_loses_every_allocation_at_once_is_asked_every_five_seconds)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 437};
    permit(s, PEER);
    run(s, KITH_SECONDS(60));
    ck_assert_uint_le(s->allocated, 14);
    ck_assert_uint_ge(s->allocated, 10);
    server_free(s);
}
END_TEST

START_TEST(a_437_to_allocate_asks_for_another_port_three_times)
{
    struct server *s = odd_allocate(437, 0);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->other_port, 1);
    ck_assert_uint_eq(s->failed, 0);
    kith_turn_port_changed(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->other_port, 2);
    kith_turn_port_changed(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->other_port, 2);
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, 437);
    ck_assert_int_eq(s->event.retry_at, s->last_at[KITH_STUN_ALLOCATE] + KITH_SECONDS(120));
    server_free(s);
}
END_TEST

START_TEST(another_port_ends_the_mismatch)
{
    struct server *s = odd_allocate(437, 1);
    run(s, KITH_SECONDS(1));
    kith_turn_port_changed(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->allocated, 1);
    server_free(s);
}
END_TEST

START_TEST(a_300_leads_to_the_other_server_with_the_same_credentials)
{
    struct server *s = odd_allocate(300, 1);
    kith_address other = addr("203.0.113.6:3479");
    s->alternate = other;
    s->has_alternate = true;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert(kith_address_equal(kith_turn_server(s->turn), &other));
    server_free(s);
}
END_TEST

START_TEST(a_300_is_not_followed_where_no_server_can_be)
{
    static const char *const targets[] = {
        "127.0.0.1:3478",   "0.0.0.0:3478",      "224.0.0.1:3478",     "169.254.1.1:3478",
        "10.0.0.1:3478",    "192.168.1.1:3478",  "172.16.0.1:3478",    "100.64.0.1:3478",
        "203.0.113.6:22",   "203.0.113.5:3478",  "[2001:db8::1]:3478", "255.255.255.255:3478",
        "203.0.113.6:1023", "172.31.255.1:3478",
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct server *s = odd_allocate(300, 1);
        s->alternate = addr(targets[i]);
        s->has_alternate = true;
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->failed, 1);
        ck_assert_int_eq(s->event.error_code, 300);
        ck_assert(kith_address_equal(kith_turn_server(s->turn), &s->address));
        server_free(s);
    }
}
END_TEST

static void check_followed(struct server *s, const char *target)
{
    kith_address other = addr(target);
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 300, .times = 1};
    s->alternate = other;
    s->has_alternate = true;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert(kith_address_equal(kith_turn_server(s->turn), &other));
    server_free(s);
}

START_TEST(a_300_is_followed_to_the_ports_of_servers_and_within_a_private_network)
{
    static const char *const targets[] = {
        "203.0.113.6:53",   "203.0.113.6:80",  "203.0.113.6:443", "203.0.113.6:1024",
        "172.32.0.1:3478",  "192.0.2.6:3478",  "100.63.0.1:3478", "100.128.0.1:3478",
        "203.168.0.1:3478", "203.64.0.1:3478", "172.15.0.1:3478"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        check_followed(server_new(), targets[i]);
    check_followed(server_at("192.168.1.5:3478"), "10.0.0.6:3478");
    check_followed(server_at("[2001:db8::5]:3478"), "[2001:db8::6]:3478");
    check_followed(server_at("[fd00::5]:3478"), "[fc01::6]:3478");
}
END_TEST

START_TEST(a_300_does_not_lead_into_a_private_network_of_ipv6)
{
    static const char *const targets[] = {"[fd00::6]:3478", "[fc00::6]:3478", "[fe80::6]:3478",
                                          "[::1]:3478"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct server *s = server_at("[2001:db8::5]:3478");
        s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 300, .times = 1};
        s->alternate = addr(targets[i]);
        s->has_alternate = true;
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->failed, 1);
        server_free(s);
    }
}
END_TEST

START_TEST(a_300_back_to_a_server_that_was_asked_fails)
{
    static const char *const ways[] = {"203.0.113.6:3478", "203.0.113.7:3478", "203.0.113.6:3478"};
    struct server *s = odd_allocate(300, 0);
    s->has_alternate = true;
    for (size_t i = 0; i < 3; i++) {
        uint8_t buf[1500];
        s->alternate = addr(ways[i]);
        ck_assert_uint_eq(s->failed, 0);
        from_client(s, buf, kith_turn_output(s->turn, s->now, buf, sizeof buf));
        s->now += KITH_MS(5);
    }
    ck_assert_uint_eq(s->failed, 1);
    server_free(s);
}
END_TEST

START_TEST(a_300_without_an_address_or_for_the_fourth_time_fails)
{
    struct server *s = odd_allocate(300, 1);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->failed, 1);
    server_free(s);
    s = odd_allocate(300, 0);
    s->has_alternate = true;
    for (uint16_t i = 0; i < 3; i++) {
        s->alternate = addr("203.0.113.6:4000");
        s->alternate.port = (uint16_t)(4000 + i);
        uint8_t buf[1500];
        size_t len = kith_turn_output(s->turn, s->now, buf, sizeof buf);
        ck_assert_uint_gt(len, 0);
        from_client(s, buf, len);
        ck_assert_uint_eq(s->failed, 0);
        s->now += KITH_MS(5);
    }
    s->alternate.port = 5000;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_uint_eq(kith_turn_server(s->turn)->port, 4002);
    server_free(s);
}
END_TEST

START_TEST(a_refusal_of_a_peer_leaves_the_allocation)
{
    static const int codes[] = {403, 443, 508};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct server *s = server_allocated();
        s->odd[KITH_STUN_CREATE_PERMISSION] =
            (struct oddity){.code = codes[i], .reason = "not that one"};
        permit(s, PEER);
        kith_address peer = addr(PEER);
        ck_assert_uint_eq(s->refused, 1);
        ck_assert_int_eq(s->event.error_code, codes[i]);
        ck_assert_str_eq(s->text, "not that one");
        ck_assert(kith_address_same_ip(&s->event.peer, &peer));
        ck_assert_uint_eq(s->lost, 0);
        ck_assert(kith_turn_is_allocated(s->turn));
        server_free(s);
    }
}
END_TEST

START_TEST(a_refused_peer_is_asked_for_again_after_ten_seconds)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 403, .times = 1};
    permit(s, PEER);
    permit(s, PEER);
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 1);
    run(s, KITH_SECONDS(10));
    permit(s, PEER);
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 2);
    uint8_t buf[100];
    ck_assert_uint_gt(send_to(s, PEER, "x", 1, buf), 0);
    server_free(s);
}
END_TEST

START_TEST(send_indications_go_on_when_the_server_has_no_room_for_a_channel)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    s->odd[KITH_STUN_CHANNEL_BIND] = (struct oddity){.code = 508};
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], 1);
    ck_assert_uint_eq(s->refused, 0);
    ck_assert_uint_eq(send_to(s, PEER, "abcd", 4, buf), 40);
    run(s, KITH_SECONDS(5));
    ck_assert_uint_eq(s->count[KITH_STUN_CHANNEL_BIND], 1);
    server_free(s);
}
END_TEST

START_TEST(a_403_to_a_channel_refuses_the_peer)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_CHANNEL_BIND] = (struct oddity){.code = 403};
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->refused, 1);
    ck_assert_int_eq(s->event.error_code, 403);
    server_free(s);
}
END_TEST

START_TEST(a_400_to_a_right_channel_binding_releases_and_allocates_anew)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_CHANNEL_BIND] = (struct oddity){.code = 400, .times = 1};
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->count[KITH_STUN_REFRESH], 1);
    ck_assert(s->has_last_lifetime);
    ck_assert_uint_eq(s->last_lifetime, 0);
    run(s, KITH_SECONDS(6));
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(both_families_are_asked_for_and_what_comes_is_taken)
{
    struct server *s = server_new();
    run(s, KITH_MS(100));
    ck_assert(s->had_additional);
    ck_assert_uint_eq(s->event.relayed_count, 1);
    ck_assert(kith_address_equal(&s->event.relayed[0], &s->relayed));
    ck_assert(kith_address_equal(&s->event.mapped, &s->mapped));
    server_free(s);
    s = server_new();
    s->relayed2 = addr("[2001:db8::5]:50002");
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->event.relayed_count, 2);
    ck_assert(kith_address_equal(&s->event.relayed[1], &s->relayed2));
    server_free(s);
}
END_TEST

START_TEST(a_440_asks_once_for_ipv6)
{
    struct server *s = odd_allocate(440, 1);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert(s->had_requested_ipv6 && !s->had_additional);
    server_free(s);
    s = odd_allocate(440, 0);
    run(s, KITH_SECONDS(20));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 3);
    ck_assert_int_eq(s->event.error_code, 440);
    server_free(s);
}
END_TEST

START_TEST(what_the_server_cannot_give_beside_ipv4_is_not_asked_for_twice)
{
    static const int codes[] = {400, 420, 508};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct server *s = odd_allocate(codes[i], 1);
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->allocated, 1);
        ck_assert(!s->had_additional && !s->had_requested_ipv6);
        server_free(s);
    }
}
END_TEST

START_TEST(a_full_server_is_not_asked_again_for_a_minute)
{
    static const int codes[] = {486, 508};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct server *s = odd_allocate(codes[i], 0);
        s->odd[KITH_STUN_ALLOCATE].reason = "come back later";
        kith_time asked = s->now;
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->failed, 1);
        ck_assert_int_eq(s->event.error_code, codes[i]);
        ck_assert_str_eq(s->text, "come back later");
        ck_assert_int_ge(s->event.retry_at, asked + KITH_SECONDS(60));
        ck_assert_int_le(s->event.retry_at, s->now + KITH_SECONDS(60));
        server_free(s);
    }
}
END_TEST

START_TEST(what_only_another_configuration_can_mend_fails_until_then)
{
    static const int codes[] = {400, 403, 441, 442};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct server *s = odd_allocate(codes[i], 0);
        run(s, KITH_SECONDS(30));
        ck_assert_uint_eq(s->failed, 1);
        ck_assert_int_eq(s->event.error_code, codes[i]);
        ck_assert_int_eq(s->event.retry_at, KITH_NEVER);
        server_free(s);
    }
}
END_TEST

START_TEST(an_error_without_the_integrity_that_was_due_counts_when_nothing_better_comes)
{
    struct server *s = server_new();
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 403, .is_unsigned = true};
    run(s, KITH_SECONDS(9));
    ck_assert_uint_eq(s->failed, 0);
    ck_assert_uint_eq(kith_turn_get_counters(s->turn)->bad_integrity, 5);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, 403);
    server_free(s);
    s = server_new();
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 403, .times = 2, .is_unsigned = true};
    run(s, KITH_SECONDS(9));
    ck_assert_uint_eq(s->allocated, 1);
    server_free(s);
}
END_TEST

START_TEST(silence_is_701_after_nine_and_a_half_seconds_and_five_requests)
{
    struct server *s = server_new();
    s->is_dead = true;
    kith_time asked = s->now;
    run(s, KITH_MS(9499));
    ck_assert_uint_eq(s->failed, 0);
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 5);
    ck_assert_int_eq(s->last_at[KITH_STUN_ALLOCATE], asked + KITH_MS(7500));
    run(s, KITH_MS(1));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, KITH_TURN_UNREACHABLE);
    ck_assert_int_eq(s->event.retry_at, s->now);
    run(s, KITH_SECONDS(100));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 5);
    server_free(s);
}
END_TEST

START_TEST(the_words_of_the_server_are_kept_short_and_printable)
{
    static char words[300];
    memset(words, 'w', sizeof words - 1);
    words[3] = '\n';
    words[4] = '\x1b';
    struct server *s = odd_allocate(403, 0);
    s->odd[KITH_STUN_ALLOCATE].reason = words;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(strlen(s->text), 127);
    ck_assert_int_eq(strncmp(s->text, "www  www", 8), 0);
    server_free(s);
}
END_TEST

START_TEST(a_relayed_address_that_leads_nowhere_is_none)
{
    static const char *const addresses[] = {"0.0.0.0:5000", "224.0.0.1:5000", "203.0.113.5"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct server *s = server_new();
        s->relayed = addr(addresses[i]);
        run(s, KITH_MS(100));
        ck_assert_uint_eq(s->allocated, 0);
        ck_assert_uint_eq(s->failed, 1);
        server_free(s);
    }
}
END_TEST

START_TEST(of_one_family_the_first_relayed_address_is_the_one)
{
    struct server *s = server_new();
    s->relayed2 = addr("203.0.113.5:50002");
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->event.relayed_count, 1);
    ck_assert(kith_address_equal(&s->event.relayed[0], &s->relayed));
    server_free(s);
    /* the first that can be one */
    s = server_new();
    s->relayed = addr("0.0.0.0:50001");
    s->relayed2 = addr("203.0.113.5:50002");
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->event.relayed_count, 1);
    ck_assert(kith_address_equal(&s->event.relayed[0], &s->relayed2));
    server_free(s);
}
END_TEST

START_TEST(an_address_error_code_leaves_the_family_that_came)
{
    struct server *s = server_new();
    s->has_address_error = true;
    run(s, KITH_SECONDS(20));
    ck_assert_uint_eq(s->allocated, 1);
    ck_assert_uint_eq(s->event.relayed_count, 1);
    ck_assert(kith_address_equal(&s->event.relayed[0], &s->relayed));
    ck_assert_uint_eq(s->count[KITH_STUN_ALLOCATE], 2);
    server_free(s);
}
END_TEST

START_TEST(a_437_to_allocate_gives_every_allocation_its_three_ports)
{
    struct server *s = odd_allocate(437, 2);
    for (unsigned i = 0; i < 2; i++) {
        run(s, KITH_SECONDS(1));
        kith_turn_port_changed(s->turn);
    }
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->allocated, 1);
    s->odd[KITH_STUN_ALLOCATE] = (struct oddity){.code = 437, .times = 2};
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .times = 1};
    kith_turn_refresh(s->turn);
    for (unsigned i = 0; i < 2; i++) {
        run(s, KITH_SECONDS(1));
        ck_assert_uint_eq(s->failed, 0);
        ck_assert_uint_eq(s->other_port, 3 + i);
        kith_turn_port_changed(s->turn);
    }
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(a_437_has_the_channels_of_who_is_talked_to_bound_again)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    kith_address peer = addr(PEER);
    bind_channel(s, PEER);
    ck_assert_uint_eq(send_to(s, PEER, "abcd", 4, buf), 8);
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .times = 1};
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 2);
    /* the old channel is forgotten, the permission there again */
    ck_assert_uint_eq(kith_turn_headroom(s->turn, &peer), 36);
    ck_assert_uint_eq(send_to(s, PEER, "abcd", 4, buf), 40);
    kith_turn_bind(s->turn, &peer);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(send_to(s, PEER, "abcd", 4, buf), 8);
    server_free(s);
}
END_TEST

START_TEST(a_401_to_a_permission_or_channel_allocates_anew)
{
    static const uint16_t methods[] = {KITH_STUN_CREATE_PERMISSION, KITH_STUN_CHANNEL_BIND};
    for (size_t i = 0; i < 2; i++) {
        struct server *s = server_allocated();
        s->odd[methods[i]] = (struct oddity){.code = 401, .times = 1, .is_unsigned = true};
        bind_channel(s, PEER);
        run(s, KITH_SECONDS(1));
        ck_assert_uint_eq(s->lost, 1);
        ck_assert_uint_eq(s->allocated, 2);
        server_free(s);
    }
}
END_TEST

START_TEST(a_443_to_a_channel_refuses_the_peer)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_CHANNEL_BIND] = (struct oddity){.code = 443};
    bind_channel(s, PEER);
    ck_assert_uint_eq(s->refused, 1);
    ck_assert_int_eq(s->event.error_code, 443);
    server_free(s);
}
END_TEST

START_TEST(an_error_without_integrity_to_a_permission_counts_when_its_requests_are_over)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_CREATE_PERMISSION] = (struct oddity){.code = 403, .is_unsigned = true};
    permit(s, PEER);
    run(s, KITH_SECONDS(9));
    ck_assert_uint_eq(s->refused, 0);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->refused, 1);
    ck_assert_int_eq(s->event.error_code, 403);
    ck_assert_uint_eq(s->count[KITH_STUN_CREATE_PERMISSION], 5);
    server_free(s);
}
END_TEST

START_TEST(silence_to_a_permission_is_not_the_peers_fault)
{
    struct server *s = server_allocated();
    uint8_t buf[100];
    s->odd[KITH_STUN_CREATE_PERMISSION].is_silent = true;
    permit(s, PEER);
    run(s, KITH_SECONDS(12));
    ck_assert_uint_eq(s->refused, 0);
    ck_assert_uint_gt(s->count[KITH_STUN_CREATE_PERMISSION], 5);
    s->odd[KITH_STUN_CREATE_PERMISSION].is_silent = false;
    run(s, KITH_SECONDS(8));
    ck_assert_uint_gt(send_to(s, PEER, "x", 1, buf), 0);
    server_free(s);
}
END_TEST

START_TEST(a_500_is_asked_again_when_anybody_wants_to)
{
    struct server *s = odd_allocate(500, 0);
    run(s, KITH_SECONDS(30));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, 500);
    ck_assert_int_eq(s->event.retry_at, s->last_at[KITH_STUN_ALLOCATE]);
    server_free(s);
}
END_TEST

START_TEST(an_error_without_a_code_is_a_400)
{
    struct server *s = odd_allocate(-1, 0);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->failed, 1);
    ck_assert_int_eq(s->event.error_code, 400);
    ck_assert_str_eq(s->text, "Bad Request");
    server_free(s);
}
END_TEST

START_TEST(a_server_without_words_has_those_of_the_rfc)
{
    struct server *s = odd_allocate(486, 0);
    s->odd[KITH_STUN_ALLOCATE].reason = "";
    run(s, KITH_MS(100));
    ck_assert_str_eq(s->text, "Allocation Quota Reached");
    server_free(s);
    s = odd_allocate(486, 0);
    s->odd[KITH_STUN_ALLOCATE].reason = "f";
    run(s, KITH_MS(100));
    ck_assert_str_eq(s->text, "f");
    server_free(s);
}
END_TEST

START_TEST(words_in_other_scripts_are_kept_and_cut_between_characters)
{
    static char words[200] = "\x7f ~ \xc3\xa4";
    memset(words + 6, 'w', 120);
    memcpy(words + 126, "\xe2\x82\xac!", 5); /* three bytes, where two have room */
    struct server *s = odd_allocate(403, 0);
    s->odd[KITH_STUN_ALLOCATE].reason = words;
    run(s, KITH_MS(100));
    ck_assert_uint_eq(strlen(s->text), 126);
    ck_assert_int_eq(strncmp(s->text, "  ~ \xc3\xa4ww", 8), 0);
    server_free(s);
}
END_TEST

START_TEST(an_error_to_the_release_before_a_new_allocation_does_not_hinder_it)
{
    for (unsigned is_silent = 0; is_silent < 2; is_silent++) {
        struct server *s = server_allocated();
        s->odd[KITH_STUN_CHANNEL_BIND] = (struct oddity){.code = 400, .times = 1};
        s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .is_silent = is_silent};
        bind_channel(s, PEER);
        run(s, KITH_SECONDS(10));
        ck_assert_uint_eq(s->lost, 1);
        ck_assert_uint_eq(s->allocated, 2);
        server_free(s);
    }
}
END_TEST

START_TEST(any_other_error_to_a_refresh_loses_the_allocation)
{
    struct server *s = server_allocated();
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 403, .times = 1};
    kith_turn_refresh(s->turn);
    run(s, KITH_SECONDS(1));
    ck_assert_uint_eq(s->lost, 1);
    ck_assert_uint_eq(s->allocated, 2);
    server_free(s);
}
END_TEST

START_TEST(both_families_are_asked_for_again_after_a_loss)
{
    struct server *s = odd_allocate(440, 1);
    run(s, KITH_MS(100));
    ck_assert(s->had_requested_ipv6);
    s->odd[KITH_STUN_REFRESH] = (struct oddity){.code = 437, .times = 1};
    kith_turn_refresh(s->turn);
    run(s, KITH_MS(100));
    ck_assert_uint_eq(s->allocated, 2);
    ck_assert(s->had_additional && !s->had_requested_ipv6);
    server_free(s);
}
END_TEST

UNIT_MAIN("turn: answer.c", a_401_to_our_credentials_is_final,
          a_401_to_a_refresh_loses_the_allocation_and_takes_the_present_credentials,
          a_438_to_any_request_repeats_it_with_the_new_nonce,
          a_438_is_answered_three_times_in_a_row_and_no_more,
          a_437_to_a_refresh_permission_or_channel_allocates_anew_on_the_same_socket,
          a_server_that_loses_every_allocation_at_once_is_asked_every_five_seconds,
          a_437_to_allocate_asks_for_another_port_three_times, another_port_ends_the_mismatch,
          a_300_leads_to_the_other_server_with_the_same_credentials,
          a_300_is_not_followed_where_no_server_can_be,
          a_300_is_followed_to_the_ports_of_servers_and_within_a_private_network,
          a_300_without_an_address_or_for_the_fourth_time_fails,
          a_refusal_of_a_peer_leaves_the_allocation,
          a_refused_peer_is_asked_for_again_after_ten_seconds,
          send_indications_go_on_when_the_server_has_no_room_for_a_channel,
          a_403_to_a_channel_refuses_the_peer,
          a_400_to_a_right_channel_binding_releases_and_allocates_anew,
          both_families_are_asked_for_and_what_comes_is_taken, a_440_asks_once_for_ipv6,
          what_the_server_cannot_give_beside_ipv4_is_not_asked_for_twice,
          a_full_server_is_not_asked_again_for_a_minute,
          what_only_another_configuration_can_mend_fails_until_then,
          an_error_without_the_integrity_that_was_due_counts_when_nothing_better_comes,
          silence_is_701_after_nine_and_a_half_seconds_and_five_requests,
          the_words_of_the_server_are_kept_short_and_printable,
          a_relayed_address_that_leads_nowhere_is_none,
          of_one_family_the_first_relayed_address_is_the_one,
          an_address_error_code_leaves_the_family_that_came,
          a_437_to_allocate_gives_every_allocation_its_three_ports,
          a_437_has_the_channels_of_who_is_talked_to_bound_again,
          a_401_to_a_permission_or_channel_allocates_anew, a_443_to_a_channel_refuses_the_peer,
          an_error_without_integrity_to_a_permission_counts_when_its_requests_are_over,
          silence_to_a_permission_is_not_the_peers_fault,
          a_500_is_asked_again_when_anybody_wants_to, an_error_without_a_code_is_a_400,
          a_server_without_words_has_those_of_the_rfc,
          words_in_other_scripts_are_kept_and_cut_between_characters,
          an_error_to_the_release_before_a_new_allocation_does_not_hinder_it,
          any_other_error_to_a_refresh_loses_the_allocation,
          a_300_does_not_lead_into_a_private_network_of_ipv6,
          a_300_back_to_a_server_that_was_asked_fails,

          both_families_are_asked_for_again_after_a_loss)
