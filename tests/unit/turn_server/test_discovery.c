/* Behaviour discovery (RFC 5780): which socket answers, where to, and for whom. */
#include "client.h"

#define OTHER_IP   "192.0.2.2:3478"
#define OTHER_PORT "192.0.2.1:3479"
#define OTHER_BOTH "192.0.2.2:3479"

/* A server of four sockets, or of as many as there are. */
static void init(client *c, const char *const *more)
{
    kith_turn_server_config config = config_with_user();
    config.discovery = true;
    client_init(c, &config);
    for (size_t i = 0; more[i]; i++)
        add_local(c, more[i], NULL);
}

static void init_whole(client *c)
{
    static const char *const more[] = {OTHER_IP, OTHER_PORT, OTHER_BOTH, NULL};
    init(c, more);
}

/* Sends what was written; what comes may come from anywhere. As ask_unsigned. */
static int ask_any(client *c)
{
    kith_stun_end(&c->w);
    c->len = 0;
    deliver(c, &c->path, c->request, c->w.len);
    if (c->len == 0)
        return -1;
    ck_assert(kith_stun_parse(&c->answer, c->buf, c->len));
    return c->answer.class == KITH_STUN_SUCCESS ? 0 : c->answer.error_code.code;
}

static int ask_change(client *c, uint32_t change)
{
    begin(c, KITH_STUN_BINDING);
    kith_stun_put_u32(&c->w, KITH_STUN_ATTR_CHANGE_REQUEST, change);
    return ask_any(c);
}

static void check_is(const kith_address *address, const char *text)
{
    kith_address wanted = address_of(text);
    ck_assert(kith_address_equal(address, &wanted));
}

START_TEST(a_server_of_four_sockets_tells_of_the_other_address)
{
    client c;
    init_whole(&c);
    begin(&c, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&c), 0);
    check_is(&c.answer.other_address, OTHER_BOTH);
    check_is(&c.answer.response_origin, SERVER);
    ck_assert(kith_address_equal(&c.answer.xor_mapped_address, &c.path.remote));
    ck_assert(kith_address_equal(&c.answer.mapped_address, &c.path.remote));
    c.path.local = address_of(OTHER_IP);
    begin(&c, KITH_STUN_BINDING);
    ck_assert_int_eq(ask_unsigned(&c), 0);
    check_is(&c.answer.other_address, OTHER_PORT);
    check_is(&c.answer.response_origin, OTHER_IP);
    client_deinit(&c);
}
END_TEST

START_TEST(the_answer_leaves_where_change_request_says)
{
    static const struct {
        uint32_t change;
        const char *origin;
    } rows[] = {{0, SERVER},
                {KITH_STUN_CHANGE_PORT, OTHER_PORT},
                {KITH_STUN_CHANGE_IP, OTHER_IP},
                {KITH_STUN_CHANGE_IP | KITH_STUN_CHANGE_PORT, OTHER_BOTH}};
    client c;
    init_whole(&c);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(ask_change(&c, rows[i].change), 0);
        check_is(&c.out.path.local, rows[i].origin);
        check_is(&c.answer.response_origin, rows[i].origin);
        check_is(&c.answer.other_address, OTHER_BOTH);
        ck_assert(kith_address_equal(&c.out.path.remote, &c.path.remote));
    }
    client_deinit(&c);
}
END_TEST

START_TEST(what_is_no_set_of_four_knows_no_discovery)
{
    static const char *const sets[][4] = {{NULL},
                                          {OTHER_PORT, NULL},
                                          {OTHER_IP, NULL},
                                          {OTHER_IP, OTHER_BOTH, NULL},
                                          {OTHER_PORT, OTHER_BOTH, NULL},
                                          {OTHER_PORT, "[2001:db8::1]:3478", NULL}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        client c;
        init(&c, sets[i]);
        ck_assert_int_eq(ask_change(&c, KITH_STUN_CHANGE_PORT), 420);
        begin(&c, KITH_STUN_BINDING);
        ck_assert_int_eq(ask_unsigned(&c), 0);
        ck_assert_uint_eq(c.len, KITH_STUN_HEADER + 12);
        client_deinit(&c);
    }
}
END_TEST

START_TEST(discovery_is_off_by_default)
{
    client c;
    client_init(&c, NULL);
    add_local(&c, OTHER_IP, NULL);
    add_local(&c, OTHER_PORT, NULL);
    add_local(&c, OTHER_BOTH, NULL);
    ck_assert_int_eq(ask_change(&c, 0), 420);
    client_deinit(&c);
}
END_TEST

START_TEST(an_external_address_is_told_in_place_of_the_inner_one)
{
    client c;
    static const char *const none[] = {NULL};
    init(&c, none);
    add_local(&c, OTHER_PORT, "203.0.113.1");
    add_local(&c, OTHER_IP, "203.0.113.2");
    add_local(&c, OTHER_BOTH, "203.0.113.2");
    ck_assert_int_eq(ask_change(&c, KITH_STUN_CHANGE_IP), 0);
    check_is(&c.out.path.local, OTHER_IP);
    check_is(&c.answer.response_origin, "203.0.113.2:3478");
    check_is(&c.answer.other_address, "203.0.113.2:3479");
    client_deinit(&c);
}
END_TEST

/* One with a nonce that the server gave before. */
static void begin_known(client *c, bool is_known)
{
    begin(c, KITH_STUN_BINDING);
    if (is_known)
        kith_stun_put_span(&c->w, KITH_STUN_ATTR_NONCE, kith_span_of(c->nonce, c->nonce_len));
}

START_TEST(another_port_is_answered_only_who_echoes_a_nonce)
{
    client c;
    init_whole(&c);
    begin_known(&c, false);
    kith_stun_put_u16_padded(&c.w, KITH_STUN_ATTR_RESPONSE_PORT, 5000);
    ck_assert_int_eq(ask_any(&c), 438);
    ck_assert(kith_path_equal(&c.out.path, &c.path));
    take_challenge(&c);
    begin_known(&c, true);
    kith_stun_put_u16_padded(&c.w, KITH_STUN_ATTR_RESPONSE_PORT, 5000);
    ck_assert_int_eq(ask_any(&c), 0);
    check_is(&c.out.path.remote, "198.51.100.7:5000");
    check_is(&c.answer.xor_mapped_address, CLIENT);
    begin_known(&c, true);
    kith_stun_put_u16_padded(&c.w, KITH_STUN_ATTR_RESPONSE_PORT, 0);
    ck_assert_int_eq(ask_any(&c), 400);
    c.path.remote = address_of("198.51.100.8:40000");
    begin_known(&c, true);
    kith_stun_put_u16_padded(&c.w, KITH_STUN_ATTR_RESPONSE_PORT, 5000);
    ck_assert_int_eq(ask_any(&c), 438);
    client_deinit(&c);
}
END_TEST

static int ask_padding(client *c, size_t len)
{
    static const uint8_t zeros[1500];
    begin_known(c, true);
    kith_stun_put_span(&c->w, KITH_STUN_ATTR_PADDING, kith_span_of(zeros, len));
    return ask_any(c);
}

START_TEST(padding_is_as_long_as_the_requests_and_only_for_who_echoes_a_nonce)
{
    client c;
    init_whole(&c);
    ck_assert_int_eq(ask_padding(&c, 1000), 438);
    take_challenge(&c);
    for (size_t len = 0; len <= 1400; len += 100) {
        ck_assert_int_eq(ask_padding(&c, len), 0);
        ck_assert_uint_eq(c.answer.padding.len, len);
    }
    ck_assert_int_eq(ask_padding(&c, 1436), 0);
    ck_assert_uint_lt(c.answer.padding.len, 1436);
    ck_assert_uint_le(c.len, KITH_MAX_PACKET);
    ck_assert_uint_gt(c.len, KITH_MAX_PACKET - 16);
    begin_known(&c, true);
    kith_stun_put_u32(&c.w, KITH_STUN_ATTR_PADDING, 0);
    kith_stun_put_u16_padded(&c.w, KITH_STUN_ATTR_RESPONSE_PORT, 5000);
    ck_assert_int_eq(ask_any(&c), 400);
    client_deinit(&c);
}
END_TEST

UNIT_MAIN("turn_server: discovery", a_server_of_four_sockets_tells_of_the_other_address,
          the_answer_leaves_where_change_request_says, what_is_no_set_of_four_knows_no_discovery,
          discovery_is_off_by_default, an_external_address_is_told_in_place_of_the_inner_one,
          another_port_is_answered_only_who_echoes_a_nonce,
          padding_is_as_long_as_the_requests_and_only_for_who_echoes_a_nonce)
