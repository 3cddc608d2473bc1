/* Sends a film (VP8 in IVF) to a browser again and again, as an encoder would: from a key frame
 * where the browser needs one. Lines of JSON go both ways:   kith serve -- ./send FILM.ivf */
#include <err.h>
#include <kith/kith.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static FILE *file;
static kith_file_reader *reader;
static const kith_frame *next; /* NULL: the file has ended */
static kith_time start;        /* when the frame at 0 is due */
static bool wants_key_frame;

static void must(kith_err result)
{
    if (result != KITH_OK)
        errx(1, "%s", kith_last_error()->message);
}

static void read_frame(void)
{
    static char buf[65536];
    while (kith_file_reader_next(reader, &next) == KITH_ERR_AGAIN)
        must(kith_file_reader_give(reader, buf, fread(buf, 1, sizeof buf, file)));
}

static void begin_file(kith_time now)
{
    rewind(file);
    kith_file_reader_free(reader);
    must(kith_file_reader_new(&reader));
    start = now;
    read_frame();
    must(next ? KITH_OK : KITH_ERR_OPERATION);
}

static void send_frame(kith_sender *sender)
{
    kith_time now = start + next->capture_time;
    kith_frame frame = *next;
    frame.capture_time = now;
    if (kith_sender_codec(sender) && kith_sender_send_frame(sender, &frame) == KITH_OK)
        wants_key_frame &= !frame.is_key;
    do
        read_frame();
    while (next && wants_key_frame && !next->is_key);
    if (!next)
        begin_file(now + KITH_MS(40));
    else if (wants_key_frame)
        start = now + KITH_MS(40) - next->capture_time;
}

static void on_event(const kith_event *ev)
{
    char *json = NULL;
    if (ev->type == KITH_EV_NEGOTIATION_NEEDED) {
        must(kith_pc_set_local_description(ev->pc, NULL));
        must(kith_session_description_to_json(kith_pc_local_description(ev->pc), &json));
    } else if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
    else if (ev->type == KITH_EV_KEY_FRAME_REQUEST)
        wants_key_frame = true;
    if (json)
        puts(json);
    kith_free(json);
}

int main(int argc, char **argv)
{
    static char line[262144];
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    kith_sender *sender;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() sees all that was not read */
    if (!(file = fopen(argc > 1 ? argv[1] : "", "rb")))
        err(1, "usage: send FILE");
    begin_file(kith_clock_now());
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    must(kith_pc_add_track(pc, KITH_VIDEO, NULL, NULL, 0, &sender));
    for (struct pollfd fds[] = {{0, POLLIN, 0}, {kith_loop_fd(loop), POLLIN, 0}};;) {
        for (const kith_event *ev; (ev = kith_loop_wait(loop, 0));)
            on_event(ev);
        kith_time wait = start + next->capture_time - kith_clock_now();
        if (wait <= 0)
            send_frame(sender);
        else if (poll(fds, 2, (int)(wait / 1000) + 1) <= 0 || !fds[0].revents)
            continue;
        else if (fgets(line, sizeof line, stdin))
            must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
        else
            break;
    }
    kith_loop_free(loop);
}
