/* Messages of STUN and TURN on a byte stream, bare and inside TLS. */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "authority.h"
#include "tls/messages.h"
#include "wire/frame.h"
#include "wire/stun.h"

static const uint8_t id[KITH_STUN_ID] = {1, 2, 3};

/* A Binding request that is `len` bytes long at least. */
static size_t write_stun(uint8_t *buf, size_t cap, size_t len)
{
    static const uint8_t zeros[1400];
    kith_writer w = kith_wr(buf, cap);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    if (len > KITH_STUN_HEADER + 4)
        kith_stun_put_span(&w, KITH_STUN_ATTR_SOFTWARE,
                           kith_span_of(zeros, len - KITH_STUN_HEADER - 4));
    kith_stun_end(&w);
    ck_assert(!w.bad);
    return w.len;
}

static size_t write_channel(uint8_t *buf, uint16_t number, size_t len)
{
    buf[0] = (uint8_t)(number >> 8);
    buf[1] = (uint8_t)number;
    buf[2] = (uint8_t)(len >> 8);
    buf[3] = (uint8_t)len;
    for (size_t i = 0; i < len; i++)
        buf[4 + i] = (uint8_t)(i + len);
    return kith_frame_turn_pad(buf, 4 + len);
}

static kith_messages *bare(void)
{
    kith_messages *messages;
    ck_assert_int_eq(kith_messages_new(&messages, NULL, NULL), KITH_OK);
    return messages;
}

START_TEST(messages_come_whole_whatever_the_pieces)
{
    static uint8_t bytes[200000];
    size_t lengths[200], count = 0, len = 0;
    for (size_t i = 0; i < 200; i++) {
        lengths[count] = i % 3 == 0 ? write_stun(bytes + len, 1500, i * 7)
                                    : write_channel(bytes + len, (uint16_t)(0x4000 + i), i * 5);
        len += lengths[count++];
    }
    for (size_t piece = 1; piece < 2 * len; piece = piece * 5 / 2 + 1) {
        kith_messages *messages = bare();
        size_t got = 0, at = 0;
        for (size_t from = 0; from < len; from += piece) {
            size_t part = len - from < piece ? len - from : piece;
            uint8_t *copy = malloc(part); /* so that what is read too far is seen */
            memcpy(copy, bytes + from, part);
            kith_messages_input(messages, kith_span_of(copy, part));
            for (kith_span m; (m = kith_messages_next(messages, true)).len > 0; got++) {
                ck_assert_uint_eq(m.len, lengths[got]);
                ck_assert_mem_eq(m.data, bytes + at, m.len);
                at += m.len;
            }
            free(copy);
        }
        ck_assert_uint_eq(got, count);
        ck_assert_ptr_null(kith_messages_why_over(messages));
        kith_messages_free(messages);
    }
}
END_TEST

START_TEST(what_is_no_message_ends_it)
{
    static const struct {
        const char *bytes;
        bool has_channels;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", false}, /* a channel's number, were there channels */
        {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", false},
        {"\x50\0\0\4abcd", true},
        {"\x80\0\0\4abcd", true},
        {"\0\1\0\0abcdefghijklmnop", true}, /* no magic cookie */
        {"\0\1\0\2abcdefghijklmnopqrs", true},
    };
    static const size_t lengths[] = {28, 30, 8, 8, 20, 23};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t piece = 1; piece < 40; piece += 38) {
            kith_messages *messages = bare();
            for (size_t at = 0; at < lengths[i]; at += piece) {
                size_t len = lengths[i] - at < piece ? lengths[i] - at : piece;
                kith_messages_input(messages, kith_span_of(rows[i].bytes + at, len));
                ck_assert_uint_eq(kith_messages_next(messages, rows[i].has_channels).len, 0);
            }
            ck_assert_str_eq(kith_messages_why_over(messages),
                             "what comes from the server is no TURN");
            ck_assert(!kith_messages_is_open(messages) && !kith_messages_take(messages));
            uint8_t late[40];
            kith_messages_input(messages, kith_span_of(late, write_stun(late, sizeof late, 0)));
            ck_assert_uint_eq(kith_messages_next(messages, true).len, 0);
            kith_messages_free(messages);
        }
}
END_TEST

START_TEST(what_does_not_leave_waits_in_order_and_within_bounds)
{
    kith_messages *messages = bare();
    uint8_t buf[1500];
    size_t len = write_channel(buf, 0x4000, 5);
    ck_assert_uint_eq(len, 12);
    ck_assert_uint_eq(kith_messages_send(messages, buf, 9, sizeof buf), 12);
    kith_messages_set_writable(messages, false);
    ck_assert(!kith_messages_take(messages) && kith_messages_wait(messages));
    unsigned sent = 0;
    for (; kith_messages_dropped(messages) == 0; sent++) {
        write_channel(buf, (uint16_t)(0x4000 + sent % 0x1000), 1001);
        ck_assert_uint_eq(kith_messages_send(messages, buf, 1005, sizeof buf), 0);
        ck_assert_uint_eq(kith_messages_output(messages, buf, sizeof buf), 0);
    }
    ck_assert_uint_le((sent - 1) * 1008, KITH_MESSAGES_WAITING);
    ck_assert_uint_gt(sent * 1008, KITH_MESSAGES_WAITING * 9 / 10);
    kith_messages_set_writable(messages, true);
    ck_assert(!kith_messages_take(messages)); /* it would overtake */
    for (unsigned i = 0; i < sent - 1; i++) {
        ck_assert_uint_eq(kith_messages_output(messages, buf, sizeof buf), 1008);
        ck_assert_uint_eq((unsigned)(buf[0] << 8 | buf[1]), 0x4000 + i % 0x1000);
        ck_assert_uint_eq(buf[1005] | buf[1006] | buf[1007], 0);
    }
    ck_assert_uint_eq(kith_messages_output(messages, buf, sizeof buf), 0);
    ck_assert(kith_messages_take(messages));
    kith_messages_free(messages);
}
END_TEST

START_TEST(what_is_held_outlives_its_owner)
{
    kith_messages *messages = bare();
    uint8_t buf[40];
    size_t len = write_stun(buf, sizeof buf, 0);
    kith_messages_input(messages, kith_span_of(buf, 7));
    ck_assert_uint_eq(kith_messages_next(messages, false).len, 0);
    kith_messages_input(messages, kith_span_of(buf + 7, len - 7));
    kith_messages_hold(messages);
    kith_span m = kith_messages_next(messages, false);
    kith_messages_free(messages);
    ck_assert_mem_eq(m.data, buf, len);
    kith_messages_free(messages);
    kith_messages_free(NULL);
}
END_TEST

/* The server relays on until it knows that the allocation is gone. */
START_TEST(a_connection_that_had_channels_has_them_still)
{
    kith_messages *messages = bare();
    uint8_t buf[24];
    write_channel(buf, 0x4000, 16);
    for (int i = 0; i < 2; i++) {
        kith_messages_input(messages, kith_span_of(buf, 20));
        ck_assert_uint_eq(kith_messages_next(messages, i == 0).len, 20);
    }
    ck_assert_ptr_null(kith_messages_why_over(messages));
    kith_messages_free(messages);
}
END_TEST

/* ---- inside TLS ---- */

typedef struct secure {
    authority a;
    kith_tls_context *server_context, *client_context;
    kith_tls_stream *server;
    kith_messages *client;
} secure;

static void secure_init(secure *s, const char *name)
{
    const kith_tls_client client = {.name = name, .unix_seconds = AUTHORITY_NOW};
    authority_init(&s->a, &(authority_options){.name = "turn.example.org"});
    ck_assert_int_eq(
        kith_tls_server_context(&s->server_context, s->a.certificates, s->a.private_key), KITH_OK);
    ck_assert_int_eq(kith_tls_client_context(&s->client_context, s->a.root), KITH_OK);
    ck_assert_int_eq(kith_tls_stream_accept(&s->server, s->server_context), KITH_OK);
    ck_assert_int_eq(kith_messages_new(&s->client, s->client_context, &client), KITH_OK);
}

static void secure_deinit(secure *s)
{
    kith_messages_free(s->client);
    kith_tls_stream_free(s->server);
    kith_tls_context_free(s->client_context);
    kith_tls_context_free(s->server_context);
    authority_deinit(&s->a);
}

/* All that waits, in pieces; messages that come to the client are counted. */
static unsigned carry(secure *s, size_t cap)
{
    unsigned messages = 0;
    for (bool goes_on = true; goes_on;) {
        uint8_t buf[1500];
        size_t len = kith_messages_output(s->client, buf, cap);
        kith_tls_stream_input(s->server, buf, len);
        kith_span out = kith_tls_stream_output(s->server);
        size_t part = out.len < cap ? out.len : cap;
        if (part > 0)
            memcpy(buf, out.data, part);
        kith_tls_stream_sent(s->server, part);
        kith_messages_input(s->client, kith_span_of(buf, part));
        while (kith_messages_next(s->client, true).len > 0)
            messages++;
        goes_on = len > 0 || part > 0;
    }
    return messages;
}

START_TEST(nothing_is_sent_before_tls_is_open)
{
    secure s;
    uint8_t buf[100];
    secure_init(&s, "turn.example.org");
    ck_assert(!kith_messages_is_open(s.client) && kith_messages_wait(s.client));
    ck_assert_uint_eq(kith_messages_send(s.client, buf, write_stun(buf, sizeof buf, 0), sizeof buf),
                      0);
    ck_assert_uint_eq(kith_messages_dropped(s.client), 1);
    carry(&s, 100);
    ck_assert(kith_messages_is_open(s.client) && !kith_messages_wait(s.client));
    ck_assert(kith_messages_take(s.client));
    ck_assert_uint_eq(kith_tls_stream_read(s.server, buf, sizeof buf), 0);
    secure_deinit(&s);
}
END_TEST

START_TEST(a_certificate_of_another_name_ends_it)
{
    secure s;
    secure_init(&s, "other.example.org");
    carry(&s, 1500);
    ck_assert_str_eq(kith_messages_why_over(s.client), "hostname mismatch");
    ck_assert(!kith_messages_is_open(s.client));
    secure_deinit(&s);
}
END_TEST

START_TEST(messages_travel_inside_tls_in_both_directions)
{
    for (size_t cap = 1; cap <= 1500; cap = cap * 9 + 1) {
        secure s;
        uint8_t sent[1500], got[70000];
        secure_init(&s, "turn.example.org");
        carry(&s, cap);
        for (size_t i = 0; i < 40; i++) {
            size_t len = write_channel(sent, 0x4000, i * 31), all = 0;
            uint8_t leaving[1500];
            memcpy(leaving, sent, len);
            all = kith_messages_send(s.client, leaving, i * 31 + 4, cap);
            ck_assert_uint_le(all, cap);
            kith_tls_stream_input(s.server, leaving, all);
            carry(&s, cap);
            size_t at = 0;
            for (size_t n; (n = kith_tls_stream_read(s.server, got + at, sizeof got - at)) > 0;)
                at += n;
            ck_assert_uint_eq(at, len);
            ck_assert_mem_eq(got, sent, len);
            /* Two in a record, and one in two. */
            ck_assert(kith_tls_stream_write(s.server, sent, len));
            memcpy(got, sent, len);
            memcpy(got + len, sent, len / 2);
            ck_assert(kith_tls_stream_write(s.server, got, len + len / 2));
            ck_assert(kith_tls_stream_write(s.server, sent + len / 2, len - len / 2));
            ck_assert_uint_eq(carry(&s, cap), 3);
        }
        secure_deinit(&s);
    }
}
END_TEST

START_TEST(what_waits_is_encrypted_when_it_leaves)
{
    secure s;
    uint8_t buf[1500];
    secure_init(&s, "turn.example.org");
    carry(&s, 1500);
    kith_messages_set_writable(s.client, false);
    for (size_t i = 0; i < 30; i++) {
        size_t len = write_channel(buf, (uint16_t)(0x4000 + i), 1000);
        ck_assert_uint_eq(kith_messages_send(s.client, buf, len, sizeof buf), 0);
    }
    ck_assert_uint_eq(kith_messages_output(s.client, buf, sizeof buf), 0);
    kith_messages_set_writable(s.client, true);
    carry(&s, 700);
    uint8_t got[1004];
    for (size_t i = 0; i < 30; i++) {
        for (size_t at = 0; at < sizeof got;)
            at += kith_tls_stream_read(s.server, got + at, sizeof got - at);
        ck_assert_uint_eq((size_t)(got[0] << 8 | got[1]), 0x4000 + i);
    }
    secure_deinit(&s);
}
END_TEST

START_TEST(a_farewell_ends_it)
{
    secure s;
    secure_init(&s, "turn.example.org");
    carry(&s, 1500);
    kith_tls_stream_close(s.server);
    carry(&s, 1500);
    ck_assert_str_eq(kith_messages_why_over(s.client), "the server closed the connection");
    secure_deinit(&s);
}
END_TEST

UNIT_MAIN("tls: messages.c", messages_come_whole_whatever_the_pieces, what_is_no_message_ends_it,
          what_does_not_leave_waits_in_order_and_within_bounds, what_is_held_outlives_its_owner,
          a_connection_that_had_channels_has_them_still, nothing_is_sent_before_tls_is_open,
          a_certificate_of_another_name_ends_it, messages_travel_inside_tls_in_both_directions,
          what_waits_is_encrypted_when_it_leaves, a_farewell_ends_it)
