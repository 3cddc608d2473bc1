/* What a signaler refuses, and its URLs. Rooms: test_rooms.py. */
#include "../unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "kith/pc.h"
#include "kith/signaler.h"
#include "signaler/wire.h"

static const struct {
    const char *text, *host, *authority, *path;
    unsigned port;
    bool uses_tls;
} urls[] = {
    {"ws://h/r", "h", "h", "/r", 80, false},
    {"wss://h/r", "h", "h", "/r", 443, true},
    {"ws://h:8080/ws/r?many", "h", "h:8080", "/ws/r?many", 8080, false},
    {"ws://h", "h", "h", "/", 80, false},
    {"ws://h?many", "h", "h", "/?many", 80, false},
    {"wss://[2001:db8::1]:9/r", "2001:db8::1", "[2001:db8::1]:9", "/r", 9, true},
    {"ws://[::1]/r", "::1", "[::1]", "/r", 80, false},
};

START_TEST(urls_are_read)
{
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        kith_websocket_url url;
        ck_assert(kith_websocket_parse_url(&url, urls[i].text));
        ck_assert_str_eq(url.host, urls[i].host);
        ck_assert_str_eq(url.authority, urls[i].authority);
        ck_assert_str_eq(url.path, urls[i].path);
        ck_assert_uint_eq(url.port, urls[i].port);
        ck_assert(url.uses_tls == urls[i].uses_tls);
        kith_websocket_free_url(&url);
    }
}
END_TEST

START_TEST(what_is_no_url_is_refused)
{
    static const char *const bad[] = {
        "",           "ws:",          "ws://",       "ws:///r",
        "http://h/r", "ws://h:0/r",   "ws://h:/r",   "ws://h:65536/r",
        "ws://h:x/r", "ws://h:80x/r", "ws://[::1/r", "ws://[::1]x/r",
        "ws://a@h/r", "ws://h/r#f",   "ws://h/ r",   "ws://h\r\n/r",
        "WS://h/r",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kith_websocket_url url;
        ck_assert_msg(!kith_websocket_parse_url(&url, bad[i]), "%s", bad[i]);
    }
}
END_TEST

static kith_loop *new_loop(void)
{
    static const char *const on_loopback[] = {"127.0.0.1", NULL};
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    kith_loop *loop = NULL;
    ck_assert_int_eq(kith_loop_new(&loop, &config), KITH_OK);
    return loop;
}

START_TEST(configurations_that_make_no_sense_are_refused)
{
    kith_loop *loop = new_loop();
    kith_signaler *s = NULL;
    kith_signaler_config config = KITH_SIGNALER_CONFIG_INIT;
    ck_assert_int_eq(kith_signaler_open(&s, loop, NULL), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_signaler_open(&s, loop, &config), KITH_ERR_TYPE);
    config.url = "mqtt://h/r";
    ck_assert_int_eq(kith_signaler_open(&s, loop, &config), KITH_ERR_NOT_SUPPORTED);
    config.url = "ws://h:0/r";
    ck_assert_int_eq(kith_signaler_open(&s, loop, &config), KITH_ERR_SYNTAX);
    config.url = "ws://h/r";
    config.size = 0;
    ck_assert_int_eq(kith_signaler_open(&s, loop, &config), KITH_ERR_TYPE);
    config = (kith_signaler_config)KITH_SIGNALER_CONFIG_INIT;
    config.url = "ws://h/r";
    config.reserved[0] = true;
    ck_assert_int_eq(kith_signaler_open(&s, loop, &config), KITH_ERR_NOT_SUPPORTED);
    struct {
        kith_signaler_config config;
        char tail[8];
    } newer = {.config = KITH_SIGNALER_CONFIG_INIT, .tail = {1}};
    newer.config.url = "ws://h/r";
    newer.config.size = sizeof newer;
    ck_assert_int_eq(kith_signaler_open(&s, loop, &newer.config), KITH_ERR_NOT_SUPPORTED);
    ck_assert_ptr_null(s);
    kith_signaler_free(NULL);
    kith_loop_free(loop);
}
END_TEST

/* Of a server that is not there. */
static kith_signaler *open_room(kith_loop *loop, const char *url)
{
    kith_signaler *s = NULL;
    kith_signaler_config config = KITH_SIGNALER_CONFIG_INIT;
    config.url = url;
    ck_assert_int_eq(kith_signaler_open(&s, loop, &config), KITH_OK);
    ck_assert_int_eq(kith_signaler_get_state(s), KITH_SIGNALER_STATE_CONNECTING);
    return s;
}

START_TEST(calls_that_make_no_sense_are_refused)
{
    static char long_text[256 * 1024 + 1];
    kith_loop *loop = new_loop();
    kith_pc *pc;
    ck_assert_int_eq(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL), KITH_OK);
    kith_signaler *two = open_room(loop, "ws://127.0.0.1:1/r");
    kith_signaler *many = open_room(loop, "ws://127.0.0.1:1/r?many");
    ck_assert_int_eq(kith_signaler_attach(two, NULL, NULL), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_signaler_attach(two, pc, NULL), KITH_OK);
    ck_assert_int_eq(kith_signaler_attach(two, pc, NULL), KITH_ERR_INVALID_STATE);
    kith_signaler_detach(two, pc);
    kith_signaler_detach(two, pc);
    ck_assert_int_eq(kith_signaler_attach(two, pc, NULL), KITH_OK);
    ck_assert_int_eq(kith_signaler_attach(many, pc, NULL), KITH_ERR_TYPE);
    static const char *const arguments[] = {"?many&x=1", "?x=1&many", "?many=1",
                                            "?x=many",   "?manya",    "?a?many"};
    for (int i = 0; i < 6; i++) {
        char url[64];
        snprintf(url, sizeof url, "ws://127.0.0.1:1/r%s", arguments[i]);
        kith_signaler *other = open_room(loop, url);
        ck_assert_int_eq(kith_signaler_send(other, NULL, "x", 1), i < 2 ? KITH_ERR_TYPE : KITH_OK);
        kith_signaler_free(other);
    }
    ck_assert_int_eq(kith_signaler_send(many, NULL, "x", 1), KITH_ERR_TYPE);
    ck_assert_int_eq(kith_signaler_send(many, "a", "\xff", 1), KITH_ERR_SYNTAX);
    memset(long_text, '"', sizeof long_text);
    ck_assert_int_eq(kith_signaler_send(two, NULL, long_text, sizeof long_text), KITH_ERR_RANGE);
    ck_assert_int_eq(kith_signaler_send(many, "a", long_text, sizeof long_text / 2),
                     KITH_ERR_RANGE);
    for (int i = 0; i < 256; i++)
        ck_assert_int_eq(kith_signaler_send(two, NULL, "x", 1), KITH_OK);
    ck_assert_int_eq(kith_signaler_send(two, NULL, "x", 1), KITH_ERR_AGAIN);
    kith_signaler_free(many);
    kith_signaler_free(two);
    kith_pc_free(pc);
    kith_loop_free(loop);
}
END_TEST

/* It tries again, for as long as it takes, and says so each time. */
static void await_another_try(const char *url)
{
    kith_loop *loop = new_loop();
    kith_signaler *s = open_room(loop, url);
    int waited = 0;
    for (const kith_event *ev; waited < 2 && (ev = kith_loop_wait(loop, -1));) {
        ck_assert_int_eq(ev->type, KITH_EV_SIGNALER_STATE);
        ck_assert_ptr_null(ev->pc);
        ck_assert_ptr_eq(ev->signaler.signaler, s);
        ck_assert_ptr_null(ev->signaler.peer);
        bool waits = ev->signaler.state == KITH_SIGNALER_STATE_WAITING;
        ck_assert(waits == !!ev->signaler.error);
        waited += waits;
    }
    kith_signaler_free(s);
    kith_loop_free(loop);
}

START_TEST(a_server_that_is_not_there_is_tried_again)
{
    await_another_try("ws://127.0.0.1:1/r");
}
END_TEST

/* TCP has no broadcast: connect() says so at once, as it does where there is no network. */
START_TEST(one_that_cannot_be_tried_is_tried_again)
{
    await_another_try("ws://255.255.255.255/r");
}
END_TEST

UNIT_MAIN("signaler", urls_are_read, what_is_no_url_is_refused,
          configurations_that_make_no_sense_are_refused, calls_that_make_no_sense_are_refused,
          a_server_that_is_not_there_is_tried_again, one_that_cannot_be_tried_is_tried_again)
