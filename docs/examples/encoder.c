/* FFmpeg's VP8 or H.264; key frames and bits as browsers ask for them:   kith serve -- ./encoder */
#include <err.h>
#include <kith/kith.h>
#include <libavcodec/avcodec.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ALWAYS "video_size=320x240:time_base=1/25:pixel_format=yuv420p:g=1000000:bf=0"
#define VP8    ALWAYS ":deadline=realtime:lag-in-frames=0"
#define H264   ALWAYS ":preset=ultrafast:tune=zerolatency:profile=baseline:forced-idr=1"

static AVCodecContext *encoder; /* NULL: nobody looked so far */
static AVFrame *picture;        /* the next; its pict_type is I where a key frame is wanted */

static void must(kith_err result)
{
    if (result != KITH_OK)
        errx(1, "%s", kith_last_error()->message);
}

static void choose_encoder(const kith_sender *sender)
{
    bool is_vp8 = strcmp(kith_sender_codec(sender)->mime_type, "video/VP8") == 0;
    int64_t rate = (int64_t)kith_sender_target_bitrate(sender); /* 0: any */
    rate = rate > 0 && rate < 500000 ? rate : 500000;
    if (encoder && (encoder->codec_id == AV_CODEC_ID_VP8) == is_vp8 && rate >= encoder->bit_rate &&
        rate < encoder->bit_rate * 3 / 2)
        return; /* another one begins with a key frame, which is dear */
    AVDictionary *options = NULL;
    av_dict_parse_string(&options, is_vp8 ? VP8 : H264, "=", ":", 0);
    av_dict_set_int(&options, "b", rate, 0);
    avcodec_free_context(&encoder);
    encoder = avcodec_alloc_context3(avcodec_find_encoder_by_name(is_vp8 ? "libvpx" : "libx264"));
    if (!encoder || avcodec_open2(encoder, NULL, &options) != 0)
        errx(1, "FFmpeg has no encoder for %s", kith_sender_codec(sender)->mime_type);
    av_dict_free(&options);
}

static void film(kith_sender *sender)
{
    static AVPacket coded;
    kith_frame frame = KITH_FRAME_INIT;
    for (int y = 0, t = (int)picture->pts++; y < 240; y++) {
        memset(picture->data[0] + y * picture->linesize[0], (y + t) & 255, 320);
        memset(picture->data[1 + y % 2] + y / 2 * picture->linesize[1], 128, 160); /* grey */
    }
    if (!encoder || avcodec_send_frame(encoder, picture) || avcodec_receive_packet(encoder, &coded))
        return;
    frame.data = coded.data, frame.len = (size_t)coded.size;
    picture->pict_type = kith_sender_send_frame(sender, &frame) ? AV_PICTURE_TYPE_I : 0;
}

static void on_event(const kith_event *ev)
{
    char *json = NULL;
    bool asked = kith_pc_signaling_state(ev->pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER;
    if (ev->type == KITH_EV_NEGOTIATION_NEEDED || (ev->type == KITH_EV_SIGNALING_STATE && asked)) {
        must(kith_pc_set_local_description(ev->pc, NULL));
        must(kith_session_description_to_json(kith_pc_local_description(ev->pc), &json));
    } else if (ev->type == KITH_EV_ICE_CANDIDATE)
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
    else if (ev->type == KITH_EV_KEY_FRAME_REQUEST)
        picture->pict_type = AV_PICTURE_TYPE_I;
    else if (ev->sender && kith_sender_codec(ev->sender)) /* SENDER_STATE, TARGET_BITRATE */
        choose_encoder(ev->sender);
    if (json)
        puts(json), fflush(stdout);
    kith_free(json);
}

int main(void)
{
    static char line[262144]; /* of JSON, as those that go the other way */
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    kith_sender *sender;
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() sees all that was not read */
    picture = av_frame_alloc();
    picture->format = AV_PIX_FMT_YUV420P, picture->width = 320, picture->height = 240;
    (void)av_frame_get_buffer(picture, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    must(kith_pc_add_track(pc, KITH_VIDEO, NULL, NULL, 0, &sender));
    struct pollfd fds[] = {{0, POLLIN, 0}, {kith_loop_fd(loop), POLLIN, 0}};
    for (kith_time due = kith_clock_now();;) {
        for (const kith_event *ev; (ev = kith_loop_wait(loop, 0));)
            on_event(ev);
        for (; due <= kith_clock_now(); due += KITH_MS(40))
            film(sender);
        if (poll(fds, 2, (int)(due - kith_clock_now()) / 1000 + 1) <= 0 || !fds[0].revents)
            continue;
        if (!fgets(line, sizeof line, stdin))
            break;
        must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
    }
    kith_loop_free(loop);
}
