/* Sits in a room and says what it is told, for test_rooms.py: `talk URL [CA_FILE]`. Lines that come
 * on standard input:
 *   send PEER TEXT   (PEER -: of two)
 *   attach PEER      (a peer connection with a data channel)
 *   leave
 * and lines that go to standard output: state NAME WORDS, peer ID NEW, left ID, text ID TEXT,
 * error ID WORDS, sent RESULT. */
#include <kith/kith.h>
#include <kith/signaler.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static kith_loop *loop;
static kith_signaler *signaler;
static kith_pc *pc;
static char input[1 << 20];
static size_t input_len;
static bool is_over;

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "talk: %s\n", kith_last_error()->message);
    _exit(1);
}

static void take_line(char *line)
{
    if (strcmp(line, "leave") == 0) {
        is_over = true;
        return;
    }
    char *peer = strchr(line, ' ') + 1, *text = strchr(peer, ' ');
    if (strncmp(line, "attach ", 7) == 0) {
        must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
        must(kith_pc_create_data_channel(pc, "", NULL, &(kith_dc *){NULL}));
        must(kith_signaler_attach(signaler, pc, peer));
        return;
    }
    *text++ = '\0';
    kith_err err =
        kith_signaler_send(signaler, strcmp(peer, "-") == 0 ? NULL : peer, text, strlen(text));
    printf("sent %s\n", kith_err_name(err));
}

static void read_lines(kith_loop *watched, kith_watch *watch, unsigned ready, void *user)
{
    (void)watched;
    (void)watch;
    (void)ready;
    (void)user;
    ssize_t got = read(STDIN_FILENO, input + input_len, sizeof input - input_len);
    is_over = got <= 0;
    input_len += got > 0 ? (size_t)got : 0;
    for (char *end; (end = memchr(input, '\n', input_len));) {
        size_t len = (size_t)(end - input) + 1;
        *end = '\0';
        take_line(input);
        memmove(input, input + len, input_len - len);
        input_len -= len;
    }
    if (is_over)
        kith_loop_stop(loop);
}

static void tell(const kith_signaler_news *news, kith_event_type type)
{
    static const char *const states[] = {"connecting", "joined", "waiting", "closed"};
    const char *words = news->error ? news->error->message : "";
    const char *peer = news->peer ? news->peer : "-";
    if (type == KITH_EV_SIGNALER_STATE)
        printf("state %s %s\n", states[news->state], words);
    else if (type == KITH_EV_SIGNALER_PEER)
        printf("peer %s %d\n", peer, news->is_new);
    else if (type == KITH_EV_SIGNALER_LEFT)
        printf("left %s\n", peer);
    else if (type == KITH_EV_SIGNALER_TEXT)
        printf("text %s %.*s\n", peer, (int)news->len, news->text);
    else if (type == KITH_EV_SIGNALER_ERROR)
        printf("error %s %s\n", peer, words);
}

int main(int argc, char **argv)
{
    kith_watch *watch;
    kith_signaler_config config = KITH_SIGNALER_CONFIG_INIT;
    config.url = argv[1];
    config.ca_file = argc > 2 ? argv[2] : NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, NULL));
    must(kith_loop_watch(&watch, loop, STDIN_FILENO, read_lines, NULL));
    kith_watch_set(watch, KITH_READ, KITH_NEVER);
    must(kith_signaler_open(&signaler, loop, &config));
    while (!is_over) {
        const kith_event *ev = kith_loop_wait(loop, -1);
        if (ev)
            tell(&ev->signaler, ev->type);
    }
    kith_signaler_free(signaler);
    kith_pc_free(pc);
    kith_loop_free(loop);
}
