/* Sends the frames of a VP8 file to a browser, again and again, as an encoder would, and writes
 * those of the browser's picture into another: IVF, on machines of little endian. Prints its offer
 * and candidates as lines of JSON and reads the other side's:  ./video SEND.ivf RECORD.ivf */
#include <kith/kith.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static kith_loop *loop;
static kith_pc *pc;
static FILE *record;
static bool wants_key_frame;
static atomic_bool has_ended;

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

/* IVF: a head of 32 bytes, then each frame behind its length and its time. */
static void write_frame(const kith_frame *f)
{
    unsigned size = f->width | (unsigned)f->height << 16, len = (unsigned)f->len;
    if (ftell(record) == 0)
        fwrite((unsigned[]){0x46494b44, 32 << 16, 0x30385056, size, 90000, 1, 0, 0}, 32, 1, record);
    fwrite((unsigned[]){len, f->rtp_timestamp, 0}, 12, 1, record);
    fwrite(f->data, f->len, 1, record);
}

static void on_event(kith_loop *of, const kith_event *ev, void *user)
{
    (void)of, (void)user;
    char *json = NULL;
    if (ev->type == KITH_EV_NEGOTIATION_NEEDED) {
        must(kith_pc_set_local_description(pc, NULL));
        must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    } else if (ev->type == KITH_EV_ICE_CANDIDATE) {
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
    } else if (ev->type == KITH_EV_KEY_FRAME_REQUEST) {
        wants_key_frame = true; /* here an encoder is told to make one */
    } else if (ev->type == KITH_EV_FRAME) {
        write_frame(ev->frame);
    }
    if (json)
        puts(json);
    kith_free(json);
}

static void *listen(void *user)
{
    (void)user;
    static char line[262144];
    while (fgets(line, sizeof line, stdin)) {
        kith_loop_enter(loop);
        must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
        kith_loop_leave(loop);
    }
    has_ended = true;
    return NULL;
}

int main(int argc, char **argv)
{
    static unsigned char file[1 << 24];
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
    size_t len = in ? fread(file, 1, sizeof file, in) : 0, at = 32;
    record = len > 44 ? fopen(argv[2], "wb") : NULL;
    if (!record)
        return fprintf(stderr, "usage: video SEND.ivf RECORD.ivf\n"), 1;
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true;
    kith_transceiver *video;
    kith_frame frame = KITH_FRAME_INIT;
    pthread_t listener;
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    must(kith_pc_add_transceiver(pc, KITH_VIDEO, NULL, &video));
    must(kith_receiver_set_mode(kith_transceiver_receiver(video), KITH_RECEIVE_FRAMES));
    must(kith_loop_start(loop));
    pthread_create(&listener, NULL, listen, NULL);
    for (; !has_ended; at = at + 12 + frame.len < len ? at + 12 + frame.len : 32) {
        usleep(1000000 / 25);
        frame.data = file + at + 12;
        frame.len = file[at] + 256U * file[at + 1] + 65536U * file[at + 2];
        kith_loop_enter(loop);
        if (file[at + 12] % 2 == 0 /* key */ || !wants_key_frame)
            wants_key_frame &= kith_sender_send_frame(kith_transceiver_sender(video), &frame) != 0;
        kith_loop_leave(loop);
    }
    kith_loop_free(loop);
    return fclose(record);
}
