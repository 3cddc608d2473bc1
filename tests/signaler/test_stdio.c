/* A signaler on standard input and output, here two pipes, of which the test has the other ends. */
#include "../unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kith/data_channel.h"
#include "kith/negotiator.h"
#include "kith/pc.h"
#include "kith/signaler.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

typedef struct line {
    kith_loop *loop;
    kith_signaler *signaler;
    /* what standard input and output were */
    int before[2];
    /* our ends: its input, its output */
    int to, from;
    char read[65536];
    size_t len;
} line;

static void begin(line *l)
{
    static const char *const on_loopback[] = {"127.0.0.1", NULL};
    int input[2], output[2];
    *l = (line){0};
    ck_assert(pipe(input) == 0 && pipe(output) == 0);
    for (int i = 0; i < 2; i++) {
        l->before[i] = dup(i);
        ck_assert(l->before[i] >= 0 && dup2(i == 0 ? input[0] : output[1], i) == i);
    }
    close(input[0]);
    close(output[1]);
    l->to = input[1];
    l->from = output[0];
    ck_assert(fcntl(l->from, F_SETFL, O_NONBLOCK) == 0);
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.bind_addresses = on_loopback;
    OK(kith_loop_new(&l->loop, &config));
    kith_signaler_config of_stdio = KITH_SIGNALER_CONFIG_INIT;
    of_stdio.url = "stdio:";
    OK(kith_signaler_open(&l->signaler, l->loop, &of_stdio));
}

static void finish(line *l)
{
    kith_signaler_free(l->signaler);
    kith_loop_free(l->loop);
    for (int i = 0; i < 2; i++) {
        ck_assert(dup2(l->before[i], i) == i);
        close(l->before[i]);
    }
    if (l->to >= 0)
        close(l->to);
    close(l->from);
}

static void say(const line *l, const char *text)
{
    ck_assert(write(l->to, text, strlen(text)) == (ssize_t)strlen(text));
}

static const kith_event *next(line *l, kith_event_type type)
{
    const kith_event *ev = kith_loop_wait(l->loop, 60000);
    ck_assert_ptr_nonnull(ev);
    ck_assert_str_eq(kith_event_name(ev->type), kith_event_name(type));
    return ev;
}

static void await_beginning(line *l)
{
    const kith_event *ev = next(l, KITH_EV_SIGNALER_STATE);
    ck_assert_int_eq(ev->signaler.state, KITH_SIGNALER_STATE_JOINED);
    ev = next(l, KITH_EV_SIGNALER_PEER);
    ck_assert_str_eq(ev->signaler.peer, "stdio");
    ck_assert(ev->signaler.is_new);
}

static void await_text(line *l, const char *text)
{
    const kith_event *ev = next(l, KITH_EV_SIGNALER_TEXT);
    ck_assert_str_eq(ev->signaler.text, text);
    ck_assert_uint_eq(ev->signaler.len, strlen(text));
}

static void await_end(line *l, const char *words)
{
    ck_assert_str_eq(next(l, KITH_EV_SIGNALER_LEFT)->signaler.peer, "stdio");
    const kith_event *ev = next(l, KITH_EV_SIGNALER_STATE);
    ck_assert_int_eq(ev->signaler.state, KITH_SIGNALER_STATE_CLOSED);
    ck_assert_str_eq(ev->signaler.error->message, words);
    ck_assert_uint_eq(kith_signaler_peer_count(l->signaler), 0);
}

START_TEST(lines_are_texts)
{
    line l;
    begin(&l);
    await_beginning(&l);
    say(&l, "one\n\ntwo\nthr");
    await_text(&l, "one");
    await_text(&l, "two");
    ck_assert_ptr_null(kith_loop_wait(l.loop, 0));
    say(&l, "ee\n");
    await_text(&l, "three");
    say(&l, "no line feed");
    close(l.to);
    l.to = -1;
    await_end(&l, "the input has ended");
    finish(&l);
}
END_TEST

START_TEST(a_line_has_a_limit)
{
    static char chunk[32768];
    line l;
    begin(&l);
    await_beginning(&l);
    memset(chunk, 'x', sizeof chunk - 1);
    for (int i = 0; i < 16; i++) {
        say(&l, chunk);
        ck_assert_ptr_null(kith_loop_wait(l.loop, 0));
    }
    say(&l, chunk);
    await_end(&l, "a line is too long");
    finish(&l);
}
END_TEST

START_TEST(a_text_is_one_line)
{
    static const char said[] = "{\"a\":\n\"b\"}\r\nc", written[] = "{\"a\": \"b\"}  c\n";
    char got[sizeof written];
    line l;
    begin(&l);
    await_beginning(&l);
    OK(kith_signaler_send(l.signaler, NULL, said, sizeof said - 1));
    while (kith_loop_wait(l.loop, 0))
        ;
    ck_assert_int_eq(read(l.from, got, sizeof got), sizeof written - 1);
    ck_assert_mem_eq(got, written, sizeof written - 1);
    finish(&l);
}
END_TEST

START_TEST(who_reads_no_more_has_left)
{
    line l;
    begin(&l);
    await_beginning(&l);
    close(l.from);
    l.from = dup(l.before[0]);
    await_end(&l, "nobody reads the output");
    ck_assert_int_eq(kith_signaler_get_state(l.signaler), KITH_SIGNALER_STATE_CLOSED);
    finish(&l);
}
END_TEST

/* The other end's part: what the signaler's peer says goes to its negotiator, and back. */
static void carry(line *l, kith_negotiator *other)
{
    ssize_t got = read(l->from, l->read + l->len, sizeof l->read - l->len);
    l->len += got > 0 ? (size_t)got : 0;
    for (char *end; (end = memchr(l->read, '\n', l->len));) {
        size_t len = (size_t)(end - l->read);
        OK(kith_negotiator_receive(other, l->read, len));
        memmove(l->read, end + 1, l->len -= len + 1);
    }
    for (const char *text; kith_negotiator_poll(other, &text) == KITH_OK && text;) {
        say(l, text);
        say(l, "\n");
    }
}

START_TEST(two_connect_by_lines)
{
    line l;
    kith_pc *pc, *other;
    kith_negotiator *negotiator;
    begin(&l);
    kith_endpoint *ep = kith_loop_endpoint(l.loop);
    kith_negotiator_config polite = KITH_NEGOTIATOR_CONFIG_INIT;
    polite.polite = true;
    OK(kith_pc_new(&pc, ep, NULL));
    OK(kith_pc_new(&other, ep, NULL));
    OK(kith_negotiator_new(&negotiator, other, &polite));
    OK(kith_pc_create_data_channel(pc, "x", NULL, &(kith_dc *){NULL}));
    OK(kith_signaler_attach(l.signaler, pc, NULL));
    while (kith_pc_connection_state(pc) != KITH_CONNECTION_STATE_CONNECTED ||
           kith_pc_connection_state(other) != KITH_CONNECTION_STATE_CONNECTED) {
        const kith_event *ev = kith_loop_wait(l.loop, 100);
        ck_assert(!ev || ev->type != KITH_EV_SIGNALER_ERROR);
        if (ev)
            OK(kith_negotiator_handle_event(negotiator, ev));
        carry(&l, negotiator);
    }
    kith_signaler_detach(l.signaler, pc);
    kith_negotiator_free(negotiator);
    kith_pc_free(pc);
    kith_pc_free(other);
    finish(&l);
}
END_TEST

UNIT_MAIN("signaler: stdio", lines_are_texts, a_line_has_a_limit, a_text_is_one_line,
          who_reads_no_more_has_left, two_connect_by_lines)
