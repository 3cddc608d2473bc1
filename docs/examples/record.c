/* Records a browser's camera and microphone as they come, whole frames in files of their codec: IVF
 * (VP8), H.264, Ogg (Opus), WAV (G.711). While a track is muted its file waits, and the pause is in
 * it; a picture of another size goes on in the same file; another codec begins another one. Lines
 * of JSON go both ways:   kith serve -- ./record DIRECTORY */
#include <err.h>
#include <kith/kith.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static kith_file_writer *writers[2];
static FILE *files[2];

static void must(kith_err result)
{
    if (result != KITH_OK)
        errx(1, "%s", kith_last_error()->message);
}

static void write_out(kith_media_kind kind)
{
    for (const kith_file_bytes *b; (b = kith_file_writer_output(writers[kind]));)
        if (fseek(files[kind], (long)b->at, SEEK_SET) != 0 ||
            fwrite(b->data, b->len, 1, files[kind]) != 1)
            err(1, "cannot write");
}

static void end(kith_media_kind kind)
{
    if (!writers[kind])
        return;
    must(kith_file_writer_end(writers[kind]));
    write_out(kind);
    kith_file_writer_free(writers[kind]);
    fclose(files[kind]);
}

static void begin(kith_media_kind kind, const kith_rtp_codec *codec)
{
    static int count;
    char path[1024];
    snprintf(path, sizeof path, "%s/%d.%s", folder, ++count, kith_file_extension(codec));
    files[kind] = fopen(path, "wb");
    if (!files[kind])
        err(1, "%s", path);
    must(kith_file_writer_new(&writers[kind], codec));
}

static void take_frame(kith_media_kind kind, const kith_frame *frame)
{
    if (!writers[kind] || kith_file_writer_add(writers[kind], frame) != KITH_OK) {
        end(kind);
        begin(kind, frame->codec);
        must(kith_file_writer_add(writers[kind], frame));
    }
    write_out(kind);
}

static void on_event(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop, (void)user;
    char *json = NULL;
    if (kith_pc_signaling_state(ev->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER &&
        ev->type == KITH_EV_SIGNALING_STATE) {
        must(kith_pc_set_local_description(ev->pc, NULL));
        must(kith_session_description_to_json(kith_pc_local_description(ev->pc), &json));
    } else if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
    else if (ev->type == KITH_EV_TRACK)
        must(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
    else if (ev->type == KITH_EV_FRAME)
        take_frame(kith_transceiver_kind(ev->transceiver), ev->frame);
    if (json)
        puts(json);
    kith_free(json);
}

int main(int argc, char **argv)
{
    static char line[262144];
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    folder = argc > 1 ? argv[1] : ".";
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    must(kith_loop_start(loop));
    while (fgets(line, sizeof line, stdin)) {
        kith_loop_enter(loop);
        must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
        kith_loop_leave(loop);
    }
    kith_loop_free(loop);
    end(KITH_AUDIO);
    end(KITH_VIDEO);
}
