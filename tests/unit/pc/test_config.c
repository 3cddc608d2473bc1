/* Configurations: URLs of ICE servers, defaults, what may change, and structs of older and
 * newer headers. */
#include "peers.h"

static kith_err with_url(kith_endpoint *ep, const char *url, const char *username, kith_pc **out)
{
    const char *const urls[] = {url};
    const kith_ice_server server = {urls, 1, username, username};
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.ice_servers = &server;
    cfg.ice_server_count = 1;
    *out = NULL;
    return kith_pc_new(out, ep, &cfg);
}

START_TEST(stun_urls_are_read_as_rfc_7064_writes_them)
{
    static const struct {
        const char *url, *host;
        uint16_t port;
    } good[] = {
        {"stun:stun.example.org", "stun.example.org", 3478},
        {"STUN:stun.example.org:19302", "stun.example.org", 19302},
        {"stun:192.0.2.1", "192.0.2.1", 3478},
        {"stun:192.0.2.1:65535", "192.0.2.1", 65535},
        {"stun:[2001:db8::1]", "2001:db8::1", 3478},
        {"stun:[2001:db8::1]:5000", "2001:db8::1", 5000},
        {"stun:localhost:1", "localhost", 1},
    };
    duo d = duo_new();
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kith_pc *pc;
        OK(with_url(d.ep, good[i].url, NULL, &pc));
        kith_server_url stun;
        ck_assert(kith_config_server_url(pc, 0, &stun));
        ck_assert_str_eq(stun.at.host, good[i].host);
        ck_assert_uint_eq(stun.at.port, good[i].port);
        ck_assert_str_eq(stun.url, good[i].url);
        ck_assert(!kith_config_server_url(pc, 1, &stun));
    }
    duo_free(&d);
}
END_TEST

START_TEST(what_is_no_url_is_a_syntax_error)
{
    static const char *const bad[] = {
        "",
        "stun",
        "stun:",
        "http://example.org",
        "stun://example.org",
        "stun:example.org:",
        "stun:example.org:0",
        "stun:example.org:65536",
        "stun:example.org:12x",
        "stun:exam ple.org",
        "stun:[2001:db8::1",
        "stun:[192.0.2.1]",
        "stun:[]",
        "stun:2001:db8::1",
        "stun:[2001:db8::1]x",
        "stun:example.org?transport=udp",
        "stun:user@example.org",
        ":example.org",
        "turn:example.org?transport=sctp",
        "stun:.org",
        "stun:example.org:+5",
        " stun:example.org",
    };
    duo d = duo_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kith_pc *pc;
        kith_err err = with_url(d.ep, bad[i], "user", &pc);
        ck_assert_msg(err == KITH_ERR_SYNTAX, "%s: %s", bad[i], kith_err_name(err));
        ck_assert_ptr_null(pc);
        ck_assert_uint_gt(strlen(kith_last_error()->message), 10);
    }
    char long_url[400] = "stun:";
    memset(long_url + 5, 'a', sizeof long_url - 6);
    kith_pc *pc;
    FAILS(SYNTAX, with_url(d.ep, long_url, NULL, &pc));
    FAILS(TYPE, with_url(d.ep, NULL, NULL, &pc));
    duo_free(&d);
}
END_TEST

START_TEST(turn_over_udp_tcp_and_tls_is_taken_with_credentials)
{
    static const struct {
        const char *url;
        uint16_t port;
        kith_server_transport transport;
    } rows[] = {{"turn:example.org", 3478, KITH_SERVER_UDP},
                {"turn:192.0.2.1:5000?transport=udp", 5000, KITH_SERVER_UDP},
                {"turn:example.org?transport=tcp", 3478, KITH_SERVER_TCP},
                {"turns:example.org", 5349, KITH_SERVER_TLS},
                {"turns:example.org:443?transport=tcp", 443, KITH_SERVER_TLS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        duo d = duo_new();
        kith_pc *pc;
        kith_server_url url;
        OK(with_url(d.ep, rows[i].url, "user", &pc));
        ck_assert(kith_config_server_url(pc, 0, &url));
        ck_assert(url.at.is_turn);
        ck_assert_str_eq(url.username, "user");
        ck_assert_uint_eq(url.at.port, rows[i].port);
        ck_assert_int_eq(url.at.transport, rows[i].transport);
        duo_free(&d);
    }
}
END_TEST

START_TEST(turn_without_credentials_and_over_dtls_is_refused_in_words)
{
    static char long_name[600];
    duo d = duo_new();
    kith_pc *pc;
    memset(long_name, 'u', sizeof long_name - 1);
    FAILS(TYPE, with_url(d.ep, "turn:example.org", long_name, &pc));
    FAILS(NOT_SUPPORTED, with_url(d.ep, "stuns:example.org", NULL, &pc));
    FAILS(NOT_SUPPORTED, with_url(d.ep, "turns:example.org?transport=udp", "user", &pc));
    FAILS(INVALID_ACCESS, with_url(d.ep, "turn:example.org", NULL, &pc));
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "a username and a credential"));
    FAILS(INVALID_ACCESS, with_url(d.ep, "turns:example.org", NULL, &pc));
    duo_free(&d);
}
END_TEST

START_TEST(several_servers_with_several_urls_are_counted_through)
{
    duo d = duo_new();
    const char *const first[] = {"stun:a.example", "stun:b.example:1"}, *const second[] = {
                                                                            "stun:c.example"};
    const kith_ice_server servers[] = {{first, 2, NULL, NULL}, {second, 1, "name", "secret"}};
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.ice_servers = servers;
    cfg.ice_server_count = 2;
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &cfg));
    static const char *const hosts[] = {"a.example", "b.example", "c.example"};
    kith_server_url url;
    for (size_t i = 0; i < 3; i++) {
        ck_assert(kith_config_server_url(pc, i, &url));
        ck_assert_str_eq(url.at.host, hosts[i]);
    }
    ck_assert(!kith_config_server_url(pc, 3, &url));
    const kith_pc_config *got = kith_pc_get_configuration(pc);
    ck_assert_ptr_ne(got->ice_servers, servers); /* a copy */
    ck_assert_str_eq(got->ice_servers[1].username, "name");

    const kith_ice_server empty = {NULL, 0, NULL, NULL};
    cfg.ice_servers = &empty;
    cfg.ice_server_count = 1;
    FAILS(SYNTAX, kith_pc_new(&pc, d.ep, &cfg));
    cfg.ice_servers = NULL;
    FAILS(TYPE, kith_pc_new(&pc, d.ep, &cfg));
    duo_free(&d);
}
END_TEST

START_TEST(sizes_that_are_not_given_have_their_defaults)
{
    duo d = duo_new();
    const kith_pc_config *cfg = kith_pc_get_configuration(d.a);
    ck_assert_uint_eq(cfg->max_channels, 256);
    ck_assert_uint_eq(cfg->max_message_size, 262144);
    ck_assert_uint_eq(cfg->receive_buffer, 1024 * 1024);
    ck_assert_uint_eq(cfg->send_buffer, 16 * 1024 * 1024);
    duo_free(&d);
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    duo d = duo_new();
    kith_pc *pc;
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.max_channels = 65535;
    FAILS(RANGE, kith_pc_new(&pc, d.ep, &cfg));
    cfg.max_channels = 65534;
    cfg.max_message_size = SIZE_MAX;
    FAILS(RANGE, kith_pc_new(&pc, d.ep, &cfg));
    cfg.max_message_size = 0;
    cfg.ice_transport_policy = (kith_ice_transport_policy)7;
    FAILS(TYPE, kith_pc_new(&pc, d.ep, &cfg));
    cfg.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_ALL;
    static const uint8_t kinds[] = {4, KITH_ICE_TCP_NONE | KITH_ICE_TCP_ACTIVE, 0xFF};
    for (size_t i = 0; i < sizeof kinds; i++) {
        cfg.ice_tcp = kinds[i];
        FAILS(TYPE, kith_pc_new(&pc, d.ep, &cfg));
    }
    duo_free(&d);
}
END_TEST

/* ---- changes ---- */

START_TEST(servers_and_transport_policy_may_change)
{
    duo d = duo_new();
    const char *const urls[] = {"stun:example.org"};
    const kith_ice_server server = {urls, 1, NULL, NULL};
    kith_pc_config cfg = *kith_pc_get_configuration(d.a);
    cfg.ice_servers = &server;
    cfg.ice_server_count = 1;
    cfg.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    OK(kith_pc_set_configuration(d.a, &cfg));
    ck_assert_uint_eq(kith_pc_get_configuration(d.a)->ice_server_count, 1);
    /* What was got may be set, its own strings and all. */
    kith_pc_config same = *kith_pc_get_configuration(d.a);
    OK(kith_pc_set_configuration(d.a, &same));
    ck_assert_str_eq(kith_pc_get_configuration(d.a)->ice_servers[0].urls[0], "stun:example.org");
    same = *kith_pc_get_configuration(d.a);
    same.ice_candidate_pool_size = 3; /* until there is a local description */
    OK(kith_pc_set_configuration(d.a, &same));
    kith_pc_config none = KITH_PC_CONFIG_INIT;
    OK(kith_pc_set_configuration(d.a, &none));
    ck_assert_uint_eq(kith_pc_get_configuration(d.a)->ice_server_count, 0);
    ck_assert_uint_eq(kith_pc_get_configuration(d.a)->max_channels, 256);
    duo_free(&d);
}
END_TEST

static void refuses(kith_pc *pc, const kith_pc_config *cfg, kith_err err)
{
    kith_pc_config before = *kith_pc_get_configuration(pc);
    ck_assert_str_eq(kith_err_name(kith_pc_set_configuration(pc, cfg)), kith_err_name(err));
    ck_assert_int_eq(memcmp(&before, kith_pc_get_configuration(pc), sizeof before), 0);
}

/* RFC 9429 section 4.1.18: the "needs-ice-restart" bit. */
START_TEST(what_other_servers_gather_is_offered_by_a_restart_that_nobody_asks_for)
{
    duo d = duo_agreed();
    char *old = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
    const char *urls[] = {"stun:192.0.2.9"};
    kith_ice_server server = {.urls = urls, .url_count = 1};
    kith_pc_config other = KITH_PC_CONFIG_INIT, same = *kith_pc_get_configuration(d.a);
    other.ice_servers = &server;
    other.ice_server_count = 1;
    const kith_session_description *created;
    OK(kith_pc_set_configuration(d.a, &same));
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert_str_eq(line_of(created->sdp, "a=ice-ufrag:"), old);
    for (int round = 0; round < 3; round++) {
        if (round > 0) {
            if (round == 1)
                other.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
            else
                other.ice_tcp = KITH_ICE_TCP_NONE;
            negotiate(d.a, d.b);
            kith_free(old);
            old = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
            OK(kith_pc_create_offer(d.a, NULL, &created)); /* it has restarted */
            ck_assert_str_eq(line_of(created->sdp, "a=ice-ufrag:"), old);
        }
        OK(kith_pc_set_configuration(d.a, &other));
        ck_assert(!kith_jsep_negotiation_needed(d.a));
        OK(kith_pc_create_offer(d.a, NULL, &created));
        ck_assert_str_ne(line_of(created->sdp, "a=ice-ufrag:"), old);
    }
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(what_cannot_change_is_refused_and_nothing_changes)
{
    duo d = duo_agreed();
    kith_pc_config cfg = *kith_pc_get_configuration(d.a), good = cfg;
    cfg.max_channels = 7;
    refuses(d.a, &cfg, KITH_ERR_INVALID_MODIFICATION);
    cfg = good;
    cfg.max_message_size = 7;
    refuses(d.a, &cfg, KITH_ERR_INVALID_MODIFICATION);
    cfg = good;
    cfg.bundle_policy = KITH_BUNDLE_POLICY_MAX_BUNDLE;
    refuses(d.a, &cfg, KITH_ERR_INVALID_MODIFICATION);
    cfg.bundle_policy = KITH_BUNDLE_POLICY_MAX_COMPAT; /* a transport for each section */
    refuses(d.a, &cfg, KITH_ERR_NOT_SUPPORTED);
    cfg = good;
    cfg.ignore_rtcp_timeout = true;
    refuses(d.a, &cfg, KITH_ERR_INVALID_MODIFICATION);
    cfg = good;
    cfg.reserved[sizeof cfg.reserved - 1] = true;
    refuses(d.a, &cfg, KITH_ERR_NOT_SUPPORTED);
    cfg = good;
    cfg.ice_candidate_pool_size = 3; /* there is a local description */
    refuses(d.a, &cfg, KITH_ERR_INVALID_MODIFICATION);
    cfg = good;
    cfg.certificates = &d.b->certificate;
    cfg.certificate_count = 1;
    refuses(d.a, &cfg, KITH_ERR_INVALID_MODIFICATION);
    const char *const urls[] = {"stun:good.example", "stun:bad.example:x"};
    const kith_ice_server server = {urls, 2, NULL, NULL};
    cfg = good;
    cfg.ice_servers = &server;
    cfg.ice_server_count = 1;
    refuses(d.a, &cfg, KITH_ERR_SYNTAX);
    FAILS(TYPE, kith_pc_set_configuration(d.a, NULL));
    kith_pc_close(d.a);
    FAILS(INVALID_STATE, kith_pc_set_configuration(d.a, &good));
    duo_free(&d);
}
END_TEST

/* ---- certificates ---- */

START_TEST(a_given_certificate_is_used_and_an_expired_one_refused)
{
    duo d = duo_new();
    int64_t now = kith_pc_unix_seconds(d.a);
    kith_certificate *fresh, *old;
    OK(kith_certificate_generate(&fresh, KITH_KEY_ECDSA_P256, now, 0));
    OK(kith_certificate_generate(&old, KITH_KEY_ECDSA_P256, now - 40 * 86400, 0));
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.certificates = &fresh;
    cfg.certificate_count = 1;
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &cfg));
    size_t count;
    ck_assert_ptr_eq(kith_pc_certificates(pc, &count)[0], fresh);
    ck_assert_uint_eq(count, 1);
    kith_pc_config got = *kith_pc_get_configuration(pc);
    OK(kith_pc_set_configuration(pc, &got));
    kith_certificate_free(fresh); /* pc has its own reference */
    got = *kith_pc_get_configuration(pc);
    OK(kith_pc_set_configuration(pc, &got));

    cfg.certificates = &old;
    FAILS(INVALID_ACCESS, kith_pc_new(&pc, d.ep, &cfg));
    kith_certificate_free(old);
    old = NULL;
    FAILS(TYPE, kith_pc_new(&pc, d.ep, &cfg));
    duo_free(&d);
}
END_TEST

static kith_time present;

static kith_time read_present(void *user)
{
    ck_assert_ptr_eq(user, &present);
    return present;
}

/* An endpoint whose driver's clock is at `present`; it is never turned. */
static kith_endpoint *never_turned(void)
{
    kith_endpoint_config config = KITH_ENDPOINT_CONFIG_INIT;
    config.clock = read_present;
    config.user = &present;
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, &config));
    return ep;
}

/* Valid for 30 days (webrtc-pc section 4.9.1) from now on, however long the machine is up. */
START_TEST(a_certificate_of_our_own_is_dated_before_the_first_turn)
{
    present = KITH_SECONDS(400 * 86400LL);
    kith_endpoint *ep = never_turned();
    kith_pc *pc = peer_new(ep);
    int64_t now = kith_endpoint_unix_time(ep, present) / 1000000;
    ck_assert_int_eq(kith_certificate_expires(pc->certificate), now + 30 * 86400);
    kith_endpoint_free(ep);
}
END_TEST

START_TEST(a_certificate_that_expires_between_two_turns_is_refused)
{
    present = 0;
    kith_endpoint *ep = never_turned();
    kith_certificate *certificate;
    OK(kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256,
                                 kith_endpoint_unix_time(ep, 0) / 1000000, 0));
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.certificates = &certificate;
    cfg.certificate_count = 1;
    kith_pc *pc;
    present = KITH_SECONDS(30 * 86400LL - 1);
    OK(kith_pc_new(&pc, ep, &cfg));
    present += KITH_SECONDS(1);
    FAILS(INVALID_ACCESS, kith_pc_new(&pc, ep, &cfg));
    kith_certificate_free(certificate);
    kith_endpoint_free(ep);
}
END_TEST

/* Without a clock the last `now` counts; a clock that is behind it does not turn time back. */
START_TEST(the_present_never_goes_backwards)
{
    kith_endpoint *ep;
    OK(kith_endpoint_new(&ep, NULL));
    kith_endpoint_handle_timeout(ep, KITH_SECONDS(7));
    ck_assert_int_eq(kith_endpoint_present(ep), KITH_SECONDS(7));
    kith_endpoint_free(ep);
    present = KITH_SECONDS(3);
    ep = never_turned();
    kith_endpoint_handle_timeout(ep, KITH_SECONDS(7));
    ck_assert_int_eq(kith_endpoint_present(ep), KITH_SECONDS(7));
    present = KITH_SECONDS(8);
    ck_assert_int_eq(kith_endpoint_present(ep), KITH_SECONDS(8));
    kith_endpoint_free(ep);
}
END_TEST

/* ---- other headers ---- */

START_TEST(a_struct_of_an_older_header_is_read_as_far_as_it_goes)
{
    duo d = duo_new();
    struct {
        kith_pc_config cfg;
        char tail[16];
    } later = {.cfg = KITH_PC_CONFIG_INIT};
    later.cfg.max_channels = 7;
    later.cfg.max_message_size = 9; /* beyond the older struct */
    later.cfg.size = offsetof(kith_pc_config, max_message_size);
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &later.cfg));
    ck_assert_uint_eq(kith_pc_get_configuration(pc)->max_channels, 7);
    ck_assert_uint_eq(kith_pc_get_configuration(pc)->max_message_size, 262144);
    /* A newer one, with a field that is not set, and with one that is. */
    later.cfg.size = sizeof later;
    OK(kith_pc_new(&pc, d.ep, &later.cfg));
    ck_assert_uint_eq(kith_pc_get_configuration(pc)->size, sizeof(kith_pc_config));
    later.tail[3] = 1;
    FAILS(NOT_SUPPORTED, kith_pc_new(&pc, d.ep, &later.cfg));
    later.cfg.size = 0;
    FAILS(TYPE, kith_pc_new(&pc, d.ep, &later.cfg));
    duo_free(&d);
}
END_TEST

START_TEST(what_is_got_and_set_again_has_the_size_of_the_callers_header)
{
    duo d = duo_new();
    kith_pc_config older = KITH_PC_CONFIG_INIT;
    older.size = offsetof(kith_pc_config, max_message_size);
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &older));
    ck_assert_uint_eq(kith_pc_get_configuration(pc)->size, older.size);
    /* In a struct of that header, with something else behind it. */
    kith_pc_config copy;
    memset(&copy, 0xff, sizeof copy);
    memcpy(&copy, kith_pc_get_configuration(pc), older.size);
    copy.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    OK(kith_pc_set_configuration(pc, &copy));
    duo_free(&d);
}
END_TEST

START_TEST(ice_servers_lie_as_far_apart_as_the_callers_header_says)
{
    duo d = duo_new();
    static const char *const a[] = {"stun:a.example"}, *const b[] = {"stun:b.example"};
    struct {
        kith_ice_server server;
        void *later;
    } servers[] = {{{a, 1, NULL, NULL}, NULL}, {{b, 1, "name", NULL}, NULL}};
    kith_pc_config cfg = KITH_PC_CONFIG_INIT;
    cfg.ice_servers = &servers[0].server;
    cfg.ice_server_count = 2;
    cfg.ice_server_size = sizeof servers[0];
    kith_pc *pc;
    OK(kith_pc_new(&pc, d.ep, &cfg));
    kith_server_url url;
    ck_assert(kith_config_server_url(pc, 1, &url));
    ck_assert_str_eq(url.at.host, "b.example");
    /* And so they are given back. */
    const kith_pc_config *got = kith_pc_get_configuration(pc);
    ck_assert_uint_eq(got->ice_server_size, sizeof servers[0]);
    const kith_ice_server *second =
        (const void *)((const char *)got->ice_servers + sizeof servers[0]);
    ck_assert_str_eq(second->username, "name");
    OK(kith_pc_set_configuration(pc, got));

    servers[1].later = &servers;
    FAILS(NOT_SUPPORTED, kith_pc_new(&pc, d.ep, &cfg));
    static const size_t wrong[] = {0, sizeof(kith_ice_server) - 1, sizeof(kith_ice_server) + 1};
    for (size_t i = 0; i < 3; i++) {
        cfg.ice_server_size = wrong[i];
        FAILS(TYPE, kith_pc_new(&pc, d.ep, &cfg));
    }
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: config", stun_urls_are_read_as_rfc_7064_writes_them,
          what_is_no_url_is_a_syntax_error, turn_over_udp_tcp_and_tls_is_taken_with_credentials,
          turn_without_credentials_and_over_dtls_is_refused_in_words,
          several_servers_with_several_urls_are_counted_through,
          sizes_that_are_not_given_have_their_defaults, values_out_of_range_are_refused,
          servers_and_transport_policy_may_change,
          what_other_servers_gather_is_offered_by_a_restart_that_nobody_asks_for,
          what_cannot_change_is_refused_and_nothing_changes,
          a_given_certificate_is_used_and_an_expired_one_refused,
          a_certificate_of_our_own_is_dated_before_the_first_turn,
          a_certificate_that_expires_between_two_turns_is_refused, the_present_never_goes_backwards,
          a_struct_of_an_older_header_is_read_as_far_as_it_goes,
          what_is_got_and_set_again_has_the_size_of_the_callers_header,
          ice_servers_lie_as_far_apart_as_the_callers_header_says)
