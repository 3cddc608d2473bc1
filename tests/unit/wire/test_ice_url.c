/* URLs of ICE servers: what the grammar of RFC 7064 and RFC 7065 takes, and what kith speaks. */
#include "wire/ice_url.h"

#include <string.h>

#include "../unit.h"

START_TEST(scheme_host_and_port_are_read)
{
    static const struct {
        const char *url, *host;
        uint16_t port;
        bool is_turn;
        kith_server_transport transport;
    } rows[] = {
        {"stun:example.org", "example.org", 3478, false, KITH_SERVER_UDP},
        {"STUN:192.0.2.1:19302", "192.0.2.1", 19302, false, KITH_SERVER_UDP},
        {"stuns:example.org", "example.org", 5349, false, KITH_SERVER_TLS},
        {"turn:[2001:db8::1]:5000", "2001:db8::1", 5000, true, KITH_SERVER_UDP},
        {"turn:a-b.example?transport=udp", "a-b.example", 3478, true, KITH_SERVER_UDP},
        {"turn:example.org:80?transport=tcp", "example.org", 80, true, KITH_SERVER_TCP},
        {"turns:example.org:443?transport=tcp", "example.org", 443, true, KITH_SERVER_TLS},
        {"turns:example.org", "example.org", 5349, true, KITH_SERVER_TLS},
        {"turns:example.org?transport=udp", "example.org", 5349, true, KITH_SERVER_DTLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kith_ice_url url;
        ck_assert_int_eq(kith_ice_url_parse(&url, rows[i].url), KITH_OK);
        ck_assert_str_eq(url.host, rows[i].host);
        ck_assert_uint_eq(url.port, rows[i].port);
        ck_assert(url.is_turn == rows[i].is_turn);
        ck_assert_int_eq(url.transport, rows[i].transport);
    }
}
END_TEST

START_TEST(what_is_no_url_is_refused)
{
    static const char *const urls[] = {"",
                                       "example.org",
                                       "http://example.org",
                                       "stun:",
                                       "stun:-a",
                                       "stun:[192.0.2.1]",
                                       "stun:[::1",
                                       "stun:example.org:0",
                                       "stun:example.org:65536",
                                       "stun:example.org:",
                                       "stun:example.org?transport=udp",
                                       "stun:example.org?transport=tcp",
                                       "stuns:example.org?transport=tcp",
                                       "turn:example.org?transport=sctp",
                                       "turn:example.org?transport=tcpx",
                                       "turns:example.org?transport=tls",
                                       "turn:user@example.org"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        kith_ice_url url;
        ck_assert_int_eq(kith_ice_url_parse(&url, urls[i]), KITH_ERR_SYNTAX);
    }
}
END_TEST

START_TEST(turn_needs_credentials_and_dtls_is_not_spoken)
{
    const kith_ice_server known = {.username = "user", .credential = "secret"}, unknown = {0};
    kith_ice_url url;
    ck_assert_int_eq(kith_ice_url_check(&url, &known, "turn:example.org"), KITH_OK);
    ck_assert_int_eq(kith_ice_url_check(&url, &unknown, "stun:example.org"), KITH_OK);
    ck_assert_int_eq(kith_ice_url_check(&url, &unknown, "turn:example.org"),
                     KITH_ERR_INVALID_ACCESS);
    ck_assert_int_eq(kith_ice_url_check(&url, &known, "turn:example.org?transport=tcp"), KITH_OK);
    ck_assert_int_eq(kith_ice_url_check(&url, &known, "turns:example.org"), KITH_OK);
    ck_assert_int_eq(kith_ice_url_check(&url, &unknown, "turns:example.org"),
                     KITH_ERR_INVALID_ACCESS);
    ck_assert_int_eq(kith_ice_url_check(&url, &known, "turns:example.org?transport=udp"),
                     KITH_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(kith_ice_url_check(&url, &known, "stuns:example.org"), KITH_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(kith_ice_url_check(&url, &known, NULL), KITH_ERR_TYPE);
}
END_TEST

UNIT_MAIN("wire: ice_url", scheme_host_and_port_are_read, what_is_no_url_is_refused,
          turn_needs_credentials_and_dtls_is_not_spoken)
