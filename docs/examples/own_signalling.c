/* Perfect negotiation over a transport of your own: here lines on standard input and output, as
 * `kith serve -- ./own_signalling` carries them to its page, or any WebSocket server of yours. The
 * page's part, in the form that MDN and W3C teach, stands in docs/signalling.md. Both sides may add
 * channels and tracks at any time: whatever crosses is settled.
 *
 * Here the program opens a channel called "chat" and answers what it is told; "again" has it open
 * another one, and "restart" has ICE start anew. */
#include <kith/kith.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char line[1 << 16];
static size_t line_len;
static bool is_over;

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

/* What is said to the other side: put your transport here. */
static void speak(kith_negotiator *negotiator)
{
    const char *text;
    do {
        must(kith_negotiator_poll(negotiator, &text));
        if (text)
            puts(text);
    } while (text);
}

/* What the other side says; what is refused changes nothing. */
static void hear(kith_negotiator *negotiator, const char *text, size_t len)
{
    if (kith_negotiator_receive(negotiator, text, len) != KITH_OK)
        fprintf(stderr, "refused: %s\n", kith_last_error()->message);
}

/* Called by the loop, between its events, when standard input has something. */
static void read_lines(kith_loop *loop, kith_watch *watch, unsigned ready, void *negotiator)
{
    (void)watch, (void)ready;
    ssize_t got = read(STDIN_FILENO, line + line_len, sizeof line - line_len);
    is_over = got <= 0;
    line_len += got > 0 ? (size_t)got : 0;
    for (char *end; (end = memchr(line, '\n', line_len));) {
        size_t len = (size_t)(end - line);
        hear(negotiator, line, len);
        line_len -= len + 1;
        memmove(line, end + 1, line_len);
    }
    kith_loop_stop(loop); /* so that main speaks */
}

static void on_message(kith_dc *dc, const kith_message *message)
{
    const char *text = message->data;
    if (strcmp(text, "again") == 0)
        must(kith_pc_create_data_channel(kith_dc_pc(dc), "another", NULL, NULL));
    else if (strcmp(text, "restart") == 0)
        kith_pc_restart_ice(kith_dc_pc(dc));
    must(kith_dc_send_text(dc, text, message->len));
}

int main(void)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    kith_negotiator *negotiator;
    kith_watch *input;
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    kith_negotiator_config role = KITH_NEGOTIATOR_CONFIG_INIT;
    role.polite = true; /* gives way to the page */
    must(kith_negotiator_new(&negotiator, pc, &role));
    must(kith_loop_watch(&input, loop, STDIN_FILENO, read_lines, negotiator));
    kith_watch_set(input, KITH_READ, KITH_NEVER);
    must(kith_pc_create_data_channel(pc, "chat", NULL, NULL));
    while (!is_over) {
        const kith_event *ev = kith_loop_wait(loop, -1);
        if (ev)
            must(kith_negotiator_handle_event(negotiator, ev));
        if (ev && ev->type == KITH_EV_DC_MESSAGE)
            on_message(ev->dc, &ev->message);
        speak(negotiator);
    }
    kith_negotiator_free(negotiator);
    kith_loop_free(loop);
    return 0;
}
