/* TLS over byte streams: both sides of ours against each other, with certificates that are right
 * and such that are not. */
#include <string.h>

#include "../unit.h"
#include "base/error.h"
#include "base/memory.h"
#include "authority.h"
#include "tls/stream.h"

typedef struct pair {
    kith_tls_context *server_context, *client_context;
    kith_tls_stream *server, *client;
    /* what of one side's output is carried at once */
    size_t piece;
    /* all that the client sent */
    uint8_t seen[65536];
    size_t seen_len;
} pair;

static const kith_tls_client usual = {
    .name = "turn.example.org", .unix_seconds = AUTHORITY_NOW, .protocol = "stun.turn"};

static void pair_init(pair *p, const authority *of_server, const authority *trusted,
                      const kith_tls_client *client)
{
    *p = (pair){.piece = 1000};
    ck_assert_int_eq(kith_tls_server_context(&p->server_context, of_server->certificates,
                                             of_server->private_key),
                     KITH_OK);
    ck_assert_int_eq(kith_tls_client_context(&p->client_context, trusted->root), KITH_OK);
    ck_assert_int_eq(kith_tls_stream_accept(&p->server, p->server_context), KITH_OK);
    ck_assert_int_eq(kith_tls_stream_connect(&p->client, p->client_context, client), KITH_OK);
}

static void pair_deinit(pair *p)
{
    kith_tls_stream_free(p->client);
    kith_tls_stream_free(p->server);
    kith_tls_context_free(p->client_context);
    kith_tls_context_free(p->server_context);
}

static bool carry(pair *p, kith_tls_stream *from, kith_tls_stream *to)
{
    uint8_t bytes[70000];
    kith_span out = kith_tls_stream_output(from);
    size_t len = out.len < p->piece ? out.len : p->piece;
    if (len == 0)
        return false;
    memcpy(bytes, out.data, len);
    kith_tls_stream_sent(from, len);
    if (from == p->client && p->seen_len + len <= sizeof p->seen) {
        memcpy(p->seen + p->seen_len, bytes, len);
        p->seen_len += len;
    }
    kith_tls_stream_input(to, bytes, len);
    return true;
}

static void talk(pair *p)
{
    bool goes_on = true;
    while (goes_on) {
        goes_on = carry(p, p->client, p->server);
        goes_on |= carry(p, p->server, p->client);
    }
}

static void read_all(kith_tls_stream *stream, void *buf, size_t len)
{
    for (size_t at = 0, got; at < len; at += got) {
        got = kith_tls_stream_read(stream, (uint8_t *)buf + at, len - at);
        ck_assert_uint_gt(got, 0);
    }
}

START_TEST(both_sides_meet_whatever_the_pieces)
{
    authority a;
    authority_init(&a, &(authority_options){.name = "turn.example.org"});
    for (size_t piece = 1; piece < 70000; piece = piece * 37 + 1) {
        pair p;
        static uint8_t sent[40000], got[sizeof sent];
        pair_init(&p, &a, &a, &usual);
        p.piece = piece;
        ck_assert(!kith_tls_stream_write(p.client, "early", 5));
        talk(&p);
        ck_assert_int_eq(kith_tls_stream_get_state(p.client), KITH_TLS_STREAM_OPEN);
        ck_assert_int_eq(kith_tls_stream_get_state(p.server), KITH_TLS_STREAM_OPEN);
        ck_assert(kith_span_is(kith_tls_stream_protocol(p.server), "stun.turn"));
        ck_assert(kith_span_is(kith_tls_stream_protocol(p.client), "stun.turn"));
        for (size_t i = 0; i < sizeof sent; i++)
            sent[i] = (uint8_t)(i * 7 + piece);
        for (int i = 0; i < 2; i++) {
            kith_tls_stream *from = i == 0 ? p.client : p.server;
            ck_assert(kith_tls_stream_write(from, sent, sizeof sent));
            talk(&p);
            read_all(i == 0 ? p.server : p.client, got, sizeof got);
            ck_assert_mem_eq(got, sent, sizeof sent);
        }
        kith_tls_stream_close(p.client);
        talk(&p);
        ck_assert_uint_eq(kith_tls_stream_read(p.server, got, 1), 0);
        ck_assert_int_eq(kith_tls_stream_get_state(p.server), KITH_TLS_STREAM_CLOSED);
        pair_deinit(&p);
    }
    authority_deinit(&a);
}
END_TEST

/* What is wrong with the server, and the word that the client says of it. */
typedef struct row {
    authority_options options;
    const char *name;
    int64_t later;
    bool is_trusted;
    const char *why;
    /* the name of the root that the client trusts instead */
    const char *impostor;
} row;

static void judge(const row *r)
{
    authority a, other;
    authority_init(&a, &r->options);
    authority_init(&other, &(authority_options){.name = r->name, .issuer = r->impostor});
    pair p;
    kith_tls_client client = usual;
    client.name = r->name;
    client.unix_seconds += r->later;
    pair_init(&p, &a, r->is_trusted ? &a : &other, &client);
    talk(&p);
    const char *why = kith_tls_stream_why(p.client);
    if (r->why) {
        ck_assert_int_eq(kith_tls_stream_get_state(p.client), KITH_TLS_STREAM_FAILED);
        ck_assert_msg(strstr(why, r->why), "%s: \"%s\" instead of \"%s\"", r->name, why, r->why);
        ck_assert(!kith_tls_stream_write(p.client, "credentials", 11));
        /* The alert reaches the server, and no more. */
        uint8_t buf[1];
        ck_assert_uint_eq(kith_tls_stream_read(p.server, buf, 1), 0);
        ck_assert_int_eq(kith_tls_stream_get_state(p.server), KITH_TLS_STREAM_FAILED);
    } else {
        ck_assert_msg(kith_tls_stream_get_state(p.client) == KITH_TLS_STREAM_OPEN, "%s: %s",
                      r->name, why);
    }
    pair_deinit(&p);
    authority_deinit(&a);
    authority_deinit(&other);
}

START_TEST(a_certificate_is_of_the_name_and_the_time_and_a_trusted_root_or_refused)
{
    static const char name[] = "turn.example.org";
    const int64_t year = 365 * 86400;
    const row rows[] = {
        {{.name = name}, name, 0, true, NULL},
        {{.name = name}, "TURN.Example.org", 0, true, NULL},
        {{.name = "*.example.org"}, name, 0, true, NULL},
        {{.address = "192.0.2.1"}, "192.0.2.1", 0, true, NULL},
        {{.address = "2001:db8::1"}, "2001:db8::1", 0, true, NULL},
        {{.name = name}, "turn.example.com", 0, true, "hostname mismatch"},
        {{.name = name}, "example.org", 0, true, "hostname mismatch"},
        {{.name = "*.example.org"}, "a.turn.example.org", 0, true, "hostname mismatch"},
        {{.name = "t*.example.org"}, name, 0, true, "hostname mismatch"},
        {{.name = name}, "192.0.2.1", 0, true, "IP address mismatch"},
        {{.address = "192.0.2.2"}, "192.0.2.1", 0, true, "IP address mismatch"},
        {{.name = "192.0.2.1"}, "192.0.2.1", 0, true, "IP address mismatch"},
        {{.common_name = name}, name, 0, true, "hostname mismatch"},
        {{.name = name}, name, 2 * year, true, "expired"},
        {{.name = name}, name, -2 * year, true, "not yet valid"},
        {{.name = name}, name, 0, false, "issuer certificate", "another root"},
        {{.name = name}, name, 0, false, "signature failure", "root"},
        {{.name = name, .is_self_signed = true}, name, 0, false, "self-signed certificate"},
        {{.name = name, .is_for_clients = true}, name, 0, true, "purpose"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        judge(&rows[i]);
}
END_TEST

static bool has_text(const pair *p, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= p->seen_len; at++)
        if (memcmp(p->seen + at, text, len) == 0)
            return true;
    return false;
}

/* RFC 6066 section 3. */
START_TEST(the_name_is_told_and_an_address_is_not)
{
    authority a;
    authority_init(&a, &(authority_options){.address = "192.0.2.1"});
    pair p;
    kith_tls_client client = usual;
    pair_init(&p, &a, &a, &client);
    talk(&p);
    ck_assert(has_text(&p, "turn.example.org"));
    pair_deinit(&p);
    client.name = "192.0.2.1";
    client.protocol = NULL;
    pair_init(&p, &a, &a, &client);
    talk(&p);
    ck_assert(!has_text(&p, "192.0.2.1"));
    ck_assert_uint_eq(kith_tls_stream_protocol(p.client).len, 0);
    ck_assert_int_eq(kith_tls_stream_get_state(p.client), KITH_TLS_STREAM_OPEN);
    pair_deinit(&p);
    client.name = "";
    kith_tls_context *context;
    kith_tls_stream *stream;
    ck_assert_int_eq(kith_tls_client_context(&context, a.root), KITH_OK);
    ck_assert_int_eq(kith_tls_stream_connect(&stream, context, &client), KITH_ERR_TYPE);
    kith_tls_context_free(context);
    authority_deinit(&a);
}
END_TEST

START_TEST(certificates_that_cannot_be_used_are_refused_in_words)
{
    authority a, b;
    kith_tls_context *context;
    authority_init(&a, &(authority_options){.name = "a"});
    authority_init(&b, &(authority_options){.name = "b"});
    ck_assert_int_eq(kith_tls_server_context(&context, a.certificates, b.private_key),
                     KITH_ERR_INVALID_ACCESS);
    ck_assert_int_eq(kith_tls_server_context(&context, "", a.private_key), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_tls_server_context(&context, a.certificates, "no key"), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_tls_client_context(&context, "no root"), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_tls_client_context(&context, NULL), KITH_OK); /* the system's */
    kith_tls_context_free(context);
    kith_tls_context_free(NULL);
    kith_tls_stream_free(NULL);
    authority_deinit(&a);
    authority_deinit(&b);
}
END_TEST

START_TEST(what_is_not_tls_fails_and_every_byte_counts)
{
    authority a;
    authority_init(&a, &(authority_options){.name = "turn.example.org"});
    pair p;
    pair_init(&p, &a, &a, &usual);
    kith_tls_stream_input(p.server, "GET / HTTP/1.1\r\n\r\n", 18);
    ck_assert_int_eq(kith_tls_stream_get_state(p.server), KITH_TLS_STREAM_FAILED);
    ck_assert_str_ne(kith_tls_stream_why(p.server), "");
    pair_deinit(&p);
    pair_init(&p, &a, &a, &usual);
    talk(&p);
    ck_assert(kith_tls_stream_write(p.client, "hello", 5));
    kith_span out = kith_tls_stream_output(p.client);
    uint8_t bytes[100], buf[10];
    memcpy(bytes, out.data, out.len);
    bytes[out.len - 1] ^= 1;
    kith_tls_stream_input(p.server, bytes, out.len);
    ck_assert_uint_eq(kith_tls_stream_read(p.server, buf, sizeof buf), 0);
    ck_assert_int_eq(kith_tls_stream_get_state(p.server), KITH_TLS_STREAM_FAILED);
    pair_deinit(&p);
    authority_deinit(&a);
}
END_TEST

/* TLS 1.1 is gone (RFC 8996): a ClientHello of it. */
START_TEST(old_versions_are_refused)
{
    authority a;
    static uint8_t hello[] = {0x16, 3, 1,        0, 45, 1,    0,    0, 41,
                              3,    2, [43] = 0, 0, 2,  0xc0, 0x09, 1, 0};
    authority_init(&a, &(authority_options){.name = "turn.example.org"});
    pair p;
    pair_init(&p, &a, &a, &usual);
    kith_tls_stream_input(p.server, hello, sizeof hello);
    ck_assert_int_eq(kith_tls_stream_get_state(p.server), KITH_TLS_STREAM_FAILED);
    ck_assert_msg(strstr(kith_tls_stream_why(p.server), "version") ||
                      strstr(kith_tls_stream_why(p.server), "protocol"),
                  "%s", kith_tls_stream_why(p.server));
    pair_deinit(&p);
    authority_deinit(&a);
}
END_TEST

UNIT_MAIN("tls: stream", both_sides_meet_whatever_the_pieces,
          a_certificate_is_of_the_name_and_the_time_and_a_trusted_root_or_refused,
          the_name_is_told_and_an_address_is_not,
          certificates_that_cannot_be_used_are_refused_in_words,
          what_is_not_tls_fails_and_every_byte_counts, old_versions_are_refused)
