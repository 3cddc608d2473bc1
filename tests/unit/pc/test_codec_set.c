/* Codecs that a program declares: what stands in descriptions, and what becomes of their packets.
 */
#include "live.h"

static const kith_rtp_codec vp9 = {
    .mime_type = "video/VP9", .clock_rate = 90000, .sdp_fmtp_line = "profile-id=0"};
static const kith_rtp_codec vp8 = {.mime_type = "video/VP8", .clock_rate = 90000};
static const kith_rtp_codec opus = {.mime_type = "audio/opus", .clock_rate = 48000, .channels = 2};
static const kith_rtp_codec tones = {.mime_type = "audio/telephone-event",
                                     .clock_rate = 48000,
                                     .channels = 1,
                                     .sdp_fmtp_line = "0-15"};

typedef struct call {
    duo d;
    bool wants_frames;
    unsigned packets[2], frames[2], lost, keys;
    const char *mime[2];
    kith_sender *senders[2];
} call;

static call *current;

static void on_event(host *h, const kith_event *ev, void *user)
{
    enum side side = ((duo_peer *)user)->side;
    live_event(h, ev, user);
    if (side == LEFT)
        return;
    kith_media_kind kind = ev->transceiver ? kith_transceiver_kind(ev->transceiver) : KITH_AUDIO;
    if (ev->type == KITH_EV_TRACK && current->wants_frames)
        OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
    if (ev->type == KITH_EV_FRAME) {
        current->frames[kind]++;
        current->lost += ev->frame->lost_before;
    }
    if (ev->type != KITH_EV_RTP)
        return;
    current->packets[kind]++;
    current->mime[kind] = ev->rtp->codec ? ev->rtp->codec->mime_type : "none";
    current->keys += ev->rtp->begins_key_frame;
    ck_assert_mem_eq(ev->rtp->payload, "a payload", 9);
}

static void begin(call *c, const kith_rtp_codec *codecs, size_t count, bool wants_frames)
{
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10)}, .no_channel = true};
    *c = (call){.wants_frames = wants_frames};
    current = c;
    live_init(&c->d, &options);
    c->d.peers[LEFT].host->on_event = c->d.peers[RIGHT].host->on_event = on_event;
    for (enum side side = LEFT; side <= RIGHT; side++)
        OK(kith_pc_set_codecs(pc_of(&c->d, side), codecs, count));
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++)
        OK(kith_pc_add_track(pc_of(&c->d, LEFT), (kith_media_kind)kind, NULL, NULL, 0,
                             &c->senders[kind]));
    duo_offer(&c->d, LEFT);
    ck_assert(world_run(c->d.world, KITH_SECONDS(20), duo_is_connected, &c->d));
    run_ms(&c->d, 100);
}

static const char *local(call *c, enum side side)
{
    return kith_pc_local_description(pc_of(&c->d, side))->sdp;
}

static kith_err send(kith_sender *sender, const kith_rtp_codec *codec, unsigned n, size_t samples)
{
    kith_rtp rtp = KITH_RTP_INIT;
    rtp.codec = codec;
    rtp.payload = "a payload";
    rtp.len = 9;
    rtp.sequence_number = (uint16_t)n;
    rtp.timestamp = (uint32_t)(n * samples);
    return kith_sender_send_rtp(sender, &rtp);
}

START_TEST(what_is_declared_is_negotiated_in_its_order_and_nothing_else)
{
    call c;
    begin(&c, (const kith_rtp_codec[]){vp9, tones, vp8, opus}, 4, false);
    for (enum side side = LEFT; side <= RIGHT; side++) {
        const char *sdp = local(&c, side);
        ck_assert_ptr_nonnull(strstr(sdp, " VP9/90000\r\n"));
        ck_assert_ptr_nonnull(strstr(sdp, " profile-id=0\r\n"));
        ck_assert_ptr_nonnull(strstr(sdp, " telephone-event/48000\r\n"));
        ck_assert_ptr_nonnull(strstr(sdp, " 0-15\r\n"));
        ck_assert(strstr(sdp, " VP9/") < strstr(sdp, " VP8/"));
        ck_assert(strstr(sdp, " telephone-event/") < strstr(sdp, " opus/48000/2"));
        ck_assert_ptr_null(strstr(sdp, "H264"));
        ck_assert_ptr_null(strstr(sdp, "PCMU"));
        /* what is lost of either is sent again */
        const char *first = strstr(sdp, "a=fmtp:");
        unsigned apts = 0;
        for (const char *at = first; (at = strstr(at, " apt=")); at++)
            apts++;
        ck_assert_uint_eq(apts, 2);
    }
    ck_assert_str_eq(kith_sender_codec(c.senders[KITH_VIDEO])->mime_type, "video/VP9");
    duo_deinit(&c.d);
}
END_TEST

/* As a list copied from a browser has H.264: one codec, at two levels. */
START_TEST(what_is_declared_twice_is_offered_once)
{
    kith_rtp_codec low = {.mime_type = "video/H264",
                          .clock_rate = 90000,
                          .sdp_fmtp_line = "level-asymmetry-allowed=1;packetization-mode=1;"
                                           "profile-level-id=42e01f"};
    kith_rtp_codec high = low;
    high.sdp_fmtp_line = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e028";
    call c;
    begin(&c, (const kith_rtp_codec[]){low, high, opus}, 3, false);
    const char *found = strstr(local(&c, LEFT), " H264/90000");
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_null(strstr(found + 1, " H264/90000"));
    duo_deinit(&c.d);
}
END_TEST

START_TEST(packets_of_a_codec_that_nobody_else_knows_come_with_its_name)
{
    call c;
    begin(&c, (const kith_rtp_codec[]){vp9, opus, tones}, 3, false);
    for (unsigned n = 0; n < 50; n++) {
        OK(send(c.senders[KITH_VIDEO], &vp9, n, 3000));
        OK(send(c.senders[KITH_AUDIO], n % 2 ? &tones : &opus, n, 960));
        run_ms(&c.d, 20);
    }
    run_ms(&c.d, 100);
    ck_assert_uint_eq(c.packets[KITH_VIDEO], 50);
    ck_assert_uint_eq(c.packets[KITH_AUDIO], 50);
    ck_assert_str_eq(c.mime[KITH_VIDEO], "video/VP9");
    ck_assert_str_eq(c.mime[KITH_AUDIO], "audio/telephone-event");
    ck_assert_uint_eq(c.keys, 0);
    FAILS(TYPE, send(c.senders[KITH_VIDEO], &vp8, 51, 3000));
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = "a picture";
    frame.len = 9;
    FAILS(TYPE, kith_sender_send_frame(c.senders[KITH_VIDEO], &frame));
    duo_deinit(&c.d);
}
END_TEST

/* Their numbers are used, so that no frame is told to be lost. */
START_TEST(packets_without_frames_between_frames_are_no_loss)
{
    call c;
    begin(&c, (const kith_rtp_codec[]){opus, tones, vp8}, 3, true);
    for (unsigned n = 0; n < 50; n++) {
        OK(send(c.senders[KITH_AUDIO], n % 5 == 4 ? &tones : &opus, n, 960));
        run_ms(&c.d, 20);
    }
    run_ms(&c.d, 500);
    ck_assert_uint_eq(c.frames[KITH_AUDIO], 40);
    ck_assert_uint_eq(c.packets[KITH_AUDIO], 0);
    ck_assert_uint_eq(c.lost, 0);
    duo_deinit(&c.d);
}
END_TEST

static kith_err declare(kith_pc *pc, kith_rtp_codec codec)
{
    return kith_pc_set_codecs(pc, &codec, 1);
}

START_TEST(what_cannot_be_declared_is_refused)
{
    duo d;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10)}};
    live_init(&d, &options);
    kith_pc *pc = pc_of(&d, LEFT);
    kith_rtp_codec many[17];
    FAILS(TYPE, kith_pc_set_codecs(pc, NULL, 1));
    FAILS(TYPE, kith_pc_set_codecs(pc, &vp9, 0));
    static const char *const wrong[] = {NULL,     "",          "VP9",       "video/",
                                        "text/x", "video/a b", "video/a/b", "video/a\r\nb"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        FAILS(TYPE, declare(pc, (kith_rtp_codec){wrong[i], 90000, 0, 0, NULL}));
    FAILS(TYPE, declare(pc, (kith_rtp_codec){"video/VP9", 90000, 0, 0, "a\r\nb"}));
    FAILS(RANGE, declare(pc, (kith_rtp_codec){"video/VP9", 0, 0, 0, NULL}));
    FAILS(RANGE, declare(pc, (kith_rtp_codec){"video/VP9", 90000, 1, 0, NULL}));
    FAILS(RANGE, declare(pc, (kith_rtp_codec){"audio/L16", 44100, 0, 0, NULL}));
    FAILS(NOT_SUPPORTED, declare(pc, (kith_rtp_codec){"video/rtx", 90000, 0, 0, NULL}));
    for (size_t i = 0; i < 17; i++)
        many[i] = vp9;
    FAILS(RANGE, kith_pc_set_codecs(pc, many, 17));
    OK(kith_pc_set_codecs(pc, &opus, 1));
    OK(kith_pc_set_codecs(pc, &vp9, 1)); /* in place of it */
    OK(kith_pc_add_transceiver(pc, KITH_VIDEO, NULL, NULL));
    FAILS(INVALID_STATE, kith_pc_set_codecs(pc, &opus, 1));
    duo_deinit(&d);
}
END_TEST

/* RFC 3551 section 6. */
START_TEST(a_static_payload_type_stays_what_it_is)
{
    duo d;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10)}};
    live_init(&d, &options);
    kith_pc *pc = pc_of(&d, LEFT);
    OK(declare(pc, (kith_rtp_codec){"audio/G722", 8000, 1, 9, NULL}));
    OK(kith_pc_add_transceiver(pc, KITH_AUDIO, NULL, NULL));
    OK(kith_pc_set_local_description(pc, NULL));
    const char *sdp = kith_pc_local_description(pc)->sdp;
    ck_assert_ptr_nonnull(strstr(sdp, "m=audio 9 UDP/TLS/RTP/SAVPF 9\r\n"));
    ck_assert_ptr_nonnull(strstr(sdp, "a=rtpmap:9 G722/8000\r\n"));
    duo_deinit(&d);
}
END_TEST

/* Another profile is another codec; what the peer says besides does not matter. */
START_TEST(a_format_means_it_with_all_its_parameters)
{
    static const struct {
        const char *ours, *theirs;
        bool is_same;
    } cases[] = {
        {"profile-id=0", "profile-id=0", true},
        {"profile-id=0", "max-fr=60; profile-id=0", true},
        {"profile-id=0", "profile-id=2", false},
        {"profile-id=0", "profile-id=01", false},
        {"profile-id=0", NULL, false},
        {"a=1;b=2", "b=2;a=1", true},
        {"a=1;b=2", "a=1", false},
        {"a=1;", "a=1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert(kith_codec_has_parameters(cases[i].ours, cases[i].theirs) == cases[i].is_same);
}
END_TEST

UNIT_MAIN("pc: codec set", what_is_declared_is_negotiated_in_its_order_and_nothing_else,
          what_is_declared_twice_is_offered_once,
          packets_of_a_codec_that_nobody_else_knows_come_with_its_name,
          packets_without_frames_between_frames_are_no_loss, what_cannot_be_declared_is_refused,
          a_static_payload_type_stays_what_it_is, a_format_means_it_with_all_its_parameters)
