/* getStats() of audio and video: what one side sent is what the other received, lost or reported.
 */
#include "live.h"

#define AUDIO 0
#define VIDEO 1

/* LEFT sends pictures and sound, RIGHT sound. */
typedef struct call {
    duo d;
    kith_time until;
    bool wants_key_frame;
    unsigned pictures, keys;
} call;

static call *current;

static void on_event(host *h, const kith_event *ev, void *user)
{
    enum side side = ((duo_peer *)user)->side;
    live_event(h, ev, user);
    if (ev->type == KITH_EV_TRACK)
        OK(kith_receiver_set_mode(ev->receiver, KITH_RECEIVE_FRAMES));
    if (ev->type == KITH_EV_KEY_FRAME_REQUEST && side == LEFT)
        current->wants_key_frame = true;
}

static void begin(call *c, const duo_options *options)
{
    *c = (call){0};
    current = c;
    live_init(&c->d, options);
    c->d.peers[LEFT].host->on_event = c->d.peers[RIGHT].host->on_event = on_event;
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.track_id = "microphone";
    OK(kith_pc_add_transceiver(pc_of(&c->d, LEFT), KITH_AUDIO, &init, NULL));
    init.track_id = "camera";
    OK(kith_pc_add_transceiver(pc_of(&c->d, LEFT), KITH_VIDEO, &init, NULL));
    OK(kith_pc_add_track(pc_of(&c->d, RIGHT), KITH_AUDIO, "other", NULL, 0, NULL));
    duo_connect(&c->d);
}

static kith_sender *sender(call *c, enum side side, size_t index)
{
    return kith_transceiver_sender(kith_pc_transceiver_at(pc_of(&c->d, side), index));
}

static void send_sound(call *c, enum side side)
{
    static const uint8_t opus[80] = {31 << 3};
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = opus;
    frame.len = sizeof opus;
    OK(kith_sender_send_frame(sender(c, side, AUDIO), &frame));
}

static void send_picture(call *c)
{
    static const uint8_t key[3000] = {0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1};
    static const uint8_t delta[1500] = {1, 0, 0};
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = c->wants_key_frame ? key : delta;
    frame.len = c->wants_key_frame ? sizeof key : sizeof delta;
    if (kith_sender_send_frame(sender(c, LEFT, VIDEO), &frame) != KITH_OK)
        return;
    c->pictures++;
    c->keys += c->wants_key_frame;
    c->wants_key_frame = false;
}

static void send_next(void *arg)
{
    call *c = arg;
    send_sound(c, LEFT);
    send_sound(c, RIGHT);
    send_picture(c);
    if (world_now(c->d.world) < c->until)
        world_at(c->d.world, world_now(c->d.world) + KITH_MS(20), send_next, c);
}

static void talk(call *c, int ms)
{
    c->until = world_now(c->d.world) + KITH_MS(ms);
    send_next(c);
    run_ms(&c->d, ms + 2000);
}

static kith_stats_report *report_of(call *c, enum side side)
{
    kith_stats_report *report;
    OK(kith_pc_get_stats(pc_of(&c->d, side), &report));
    return report;
}

static const kith_stats *find(const kith_stats_report *report, kith_stats_type type,
                              const char *kind)
{
    const kith_stats *found = NULL;
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        const char *of = type == KITH_STATS_INBOUND_RTP          ? s->inbound_rtp.kind
                         : type == KITH_STATS_OUTBOUND_RTP       ? s->outbound_rtp.kind
                         : type == KITH_STATS_REMOTE_INBOUND_RTP ? s->remote_inbound_rtp.kind
                         : type == KITH_STATS_MEDIA_SOURCE       ? s->media_source.kind
                                                                 : s->remote_outbound_rtp.kind;
        if (s->type != type || strcmp(of, kind) != 0)
            continue;
        ck_assert_msg(!found, "two entries of %s %s", kith_stats_type_name(type), kind);
        found = s;
    }
    return found;
}

static const kith_outbound_rtp_stats *outbound(const kith_stats_report *report, const char *kind)
{
    return &find(report, KITH_STATS_OUTBOUND_RTP, kind)->outbound_rtp;
}

static const kith_inbound_rtp_stats *inbound(const kith_stats_report *report, const char *kind)
{
    return &find(report, KITH_STATS_INBOUND_RTP, kind)->inbound_rtp;
}

static const duo_options lossless = {.seed = 1, .link = {.delay = KITH_MS(20)}};
static const duo_options lossy = {.seed = 4, .link = {.delay = KITH_MS(20), .loss = 0.1}};

static void compare(const kith_outbound_rtp_stats *out, const kith_inbound_rtp_stats *in)
{
    ck_assert_uint_eq(out->ssrc, in->ssrc);
    ck_assert_str_eq(out->mid, in->mid);
    /* what was sent again is counted with the rest, and mends no loss */
    int64_t again = in->retransmitted_packets_received > 0 ? in->retransmitted_packets_received : 0;
    ck_assert_int_eq((int64_t)(out->packets_sent - out->retransmitted_packets_sent),
                     (int64_t)in->packets_received - again + in->packets_lost);
    ck_assert(out->active);
}

START_TEST(what_was_sent_is_what_came)
{
    call c;
    begin(&c, &lossless);
    talk(&c, 5000);
    kith_stats_report *left = report_of(&c, LEFT), *right = report_of(&c, RIGHT);
    for (int i = 0; i < 2; i++) {
        const char *kind = i == AUDIO ? "audio" : "video";
        const kith_outbound_rtp_stats *out = outbound(left, kind);
        const kith_inbound_rtp_stats *in = inbound(right, kind);
        compare(out, in);
        ck_assert_int_eq(in->packets_lost, 0);
        ck_assert_uint_eq(out->bytes_sent, in->bytes_received);
        ck_assert_uint_eq(out->header_bytes_sent, in->header_bytes_received);
        ck_assert_double_gt(in->last_packet_received_timestamp, 1767225600000.0);
        ck_assert_int_eq(in->packets_discarded, 0);
    }
    compare(outbound(right, "audio"), inbound(left, "audio"));
    ck_assert_uint_eq(outbound(left, "audio")->packets_sent, 251);
    ck_assert_uint_eq(outbound(left, "audio")->bytes_sent, 251 * 80);
    ck_assert_ptr_null(find(left, KITH_STATS_INBOUND_RTP, "video"));
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(pictures_are_counted_on_both_sides)
{
    call c;
    begin(&c, &lossless);
    talk(&c, 5000);
    kith_stats_report *left = report_of(&c, LEFT), *right = report_of(&c, RIGHT);
    const kith_outbound_rtp_stats *out = outbound(left, "video");
    const kith_inbound_rtp_stats *in = inbound(right, "video");
    ck_assert_int_eq(out->frames_sent, c.pictures);
    ck_assert_int_eq(out->key_frames_encoded, c.keys);
    ck_assert_int_eq(in->frames_received, c.pictures);
    ck_assert_int_eq(in->frames_dropped, 0);
    ck_assert_int_eq(in->frames_assembled_from_multiple_packets, c.pictures);
    ck_assert_int_eq(out->frames_encoded, 251);
    ck_assert_int_eq(out->huge_frames_sent, 0);
    ck_assert_uint_eq(in->frame_width, 640);
    ck_assert_uint_eq(in->frame_height, 480);
    ck_assert_int_eq(out->pli_count, 0);
    ck_assert_int_eq(in->pli_count, 0);
    ck_assert_int_eq(find(left, KITH_STATS_MEDIA_SOURCE, "video")->media_source.frames, 251);
    ck_assert_int_eq(outbound(left, "audio")->frames_sent, -1);
    ck_assert_int_eq(outbound(left, "audio")->pli_count, -1);
    ck_assert_int_eq(outbound(left, "audio")->frames_encoded, -1);
    ck_assert_int_eq(outbound(left, "audio")->huge_frames_sent, -1);
    ck_assert_int_eq(inbound(right, "audio")->frames_received, -1);
    ck_assert_int_eq(inbound(right, "audio")->frames_dropped, -1);
    ck_assert_int_eq(inbound(right, "audio")->frames_assembled_from_multiple_packets, -1);
    ck_assert_uint_eq(inbound(right, "audio")->frame_width, 0);
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

/* A driver that takes a packet each millisecond, and frames of three. */
START_TEST(packets_that_wait_for_their_driver_are_late_by_that)
{
    call c;
    begin(&c, &lossless);
    talk(&c, 1000);
    kith_stats_report *before = report_of(&c, LEFT);
    ck_assert_double_eq(outbound(before, "video")->total_packet_send_delay, 0);
    c.d.peers[LEFT].host->packets_per_ms = 1;
    c.wants_key_frame = true;
    for (int i = 0; i < 10; i++) {
        send_picture(&c);
        run_ms(&c.d, 100);
    }
    kith_stats_report *after = report_of(&c, LEFT);
    const kith_outbound_rtp_stats *out = outbound(after, "video");
    double packets = (double)(out->packets_sent - outbound(before, "video")->packets_sent);
    /* each waits a millisecond for each before it, and for a report that comes between */
    ck_assert_double_ge(out->total_packet_send_delay, (packets - 10) * 0.001);
    ck_assert_double_le(out->total_packet_send_delay, packets * 0.003);
    ck_assert_double_eq(outbound(after, "audio")->total_packet_send_delay, 0);
    kith_stats_report_free(before);
    kith_stats_report_free(after);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(what_was_lost_is_known_to_both)
{
    call c;
    begin(&c, &lossy);
    talk(&c, 20000);
    kith_stats_report *left = report_of(&c, LEFT), *right = report_of(&c, RIGHT);
    const kith_inbound_rtp_stats *in = inbound(right, "video");
    const kith_outbound_rtp_stats *out = outbound(left, "video");
    compare(out, in);
    ck_assert_int_gt(in->packets_lost, 50);
    ck_assert_uint_gt(in->nack_count, 50);
    ck_assert_uint_gt(out->nack_count, 50);
    ck_assert_int_gt(in->retransmitted_packets_received, 50);
    ck_assert_uint_ge(out->retransmitted_packets_sent,
                      (uint64_t)in->retransmitted_packets_received);
    ck_assert_uint_eq(out->rtx_ssrc, in->rtx_ssrc);
    const kith_stats *entry = kith_stats_report_get(left, out->remote_id);
    ck_assert_int_eq(entry->type, KITH_STATS_REMOTE_INBOUND_RTP);
    const kith_remote_inbound_rtp_stats *remote = &entry->remote_inbound_rtp;
    ck_assert_uint_eq(remote->ssrc, out->ssrc);
    ck_assert_int_gt(remote->packets_lost, 50);
    ck_assert_int_le(remote->packets_lost, in->packets_lost);
    ck_assert_double_lt(remote->fraction_lost, 1);
    ck_assert_double_lt(entry->timestamp, find(left, KITH_STATS_OUTBOUND_RTP, "video")->timestamp);
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

/* webrtc-stats: "at least 2.5 times the average size of the frames". */
START_TEST(huge_frames_are_counted)
{
    static uint8_t data[5000] = {0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1};
    static const size_t sizes[] = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 2500, 3200};
    call c;
    begin(&c, &lossless);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        kith_frame frame = KITH_FRAME_INIT;
        frame.data = data;
        frame.len = sizes[i];
        OK(kith_sender_send_frame(sender(&c, LEFT, VIDEO), &frame));
    }
    kith_stats_report *left = report_of(&c, LEFT);
    /* of 2500 and of 3200 the average is 1167 and 1370 */
    ck_assert_int_eq(outbound(left, "video")->huge_frames_sent, 0);
    kith_stats_report_free(left);
    kith_frame frame = KITH_FRAME_INIT;
    frame.data = data;
    frame.len = sizeof data;
    OK(kith_sender_send_frame(sender(&c, LEFT, VIDEO), &frame));
    left = report_of(&c, LEFT);
    ck_assert_int_eq(outbound(left, "video")->huge_frames_sent, 1);
    kith_stats_report_free(left);
    duo_deinit(&c.d);
}
END_TEST

/* Frames of two packets, one a millisecond, and sound or a report between them. */
START_TEST(how_long_frames_took_to_come_together_is_known)
{
    call c;
    begin(&c, &lossless);
    c.d.peers[LEFT].host->packets_per_ms = 1;
    talk(&c, 1000);
    kith_stats_report *right = report_of(&c, RIGHT);
    const kith_inbound_rtp_stats *in = inbound(right, "video");
    double frames = (double)in->frames_assembled_from_multiple_packets;
    ck_assert_double_ge(frames, 50);
    ck_assert_double_ge(in->total_assembly_time, frames * 0.001);
    ck_assert_double_le(in->total_assembly_time, frames * 0.002);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

/* 20 ms each way; the sound takes 20 ms a packet. */
START_TEST(times_are_in_seconds)
{
    call c;
    begin(&c, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(20), .jitter = KITH_MS(10)}});
    talk(&c, 10000);
    kith_stats_report *left = report_of(&c, LEFT), *right = report_of(&c, RIGHT);
    const kith_remote_inbound_rtp_stats *remote =
        &find(left, KITH_STATS_REMOTE_INBOUND_RTP, "audio")->remote_inbound_rtp;
    ck_assert_double_ge(remote->round_trip_time, 0.0399);
    ck_assert_double_le(remote->round_trip_time, 0.061);
    ck_assert_uint_ge(remote->round_trip_time_measurements, 3);
    ck_assert_double_ge(remote->total_round_trip_time,
                        0.0399 * (double)remote->round_trip_time_measurements);
    ck_assert_double_gt(remote->jitter, 0.0005);
    ck_assert_double_lt(remote->jitter, 0.01);
    ck_assert_double_gt(inbound(right, "video")->jitter, 0.0001);
    ck_assert_double_lt(inbound(right, "video")->jitter, 0.01);
    const kith_stats *report = find(right, KITH_STATS_REMOTE_OUTBOUND_RTP, "audio");
    ck_assert_double_le(report->remote_outbound_rtp.remote_timestamp, report->timestamp - 19.9);
    ck_assert_double_ge(report->remote_outbound_rtp.remote_timestamp, report->timestamp - 31);
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(sender_reports_say_what_the_peer_sent)
{
    call c;
    begin(&c, &lossless);
    talk(&c, 5000);
    kith_stats_report *left = report_of(&c, LEFT), *right = report_of(&c, RIGHT);
    const kith_inbound_rtp_stats *in = inbound(right, "audio");
    const kith_remote_outbound_rtp_stats *remote =
        &kith_stats_report_get(right, in->remote_id)->remote_outbound_rtp;
    ck_assert_uint_eq(remote->ssrc, in->ssrc);
    ck_assert_uint_eq(remote->packets_sent, outbound(left, "audio")->packets_sent);
    ck_assert_uint_eq(remote->bytes_sent, outbound(left, "audio")->bytes_sent);
    ck_assert_uint_ge(remote->reports_sent, 3);
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

/* RIGHT sends no pictures, and no sound for long. */
START_TEST(who_only_receives_knows_the_round_trip)
{
    call c;
    begin(&c, &lossless);
    talk(&c, 100);
    for (int i = 0; i < 100; i++) {
        send_sound(&c, LEFT);
        send_picture(&c);
        run_ms(&c.d, 100);
    }
    kith_stats_report *right = report_of(&c, RIGHT);
    for (int i = 0; i < 2; i++) {
        const kith_remote_outbound_rtp_stats *remote =
            &find(right, KITH_STATS_REMOTE_OUTBOUND_RTP, i == AUDIO ? "audio" : "video")
                 ->remote_outbound_rtp;
        ck_assert_uint_ge(remote->round_trip_time_measurements, i == AUDIO ? 4 : 0);
        if (i == VIDEO)
            continue;
        ck_assert_double_ge(remote->round_trip_time, 0.0399);
        ck_assert_double_le(remote->round_trip_time, 0.0401);
        ck_assert_double_ge(remote->total_round_trip_time, 4 * 0.0399);
    }
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(a_codec_has_an_entry_for_each_direction)
{
    call c;
    begin(&c, &lossless);
    talk(&c, 1000);
    kith_stats_report *left = report_of(&c, LEFT);
    const char *sent = outbound(left, "audio")->codec_id, *came = inbound(left, "audio")->codec_id;
    ck_assert_str_ne(sent, came);
    const kith_codec_stats *codec = &kith_stats_report_get(left, sent)->codec;
    ck_assert_str_eq(codec->mime_type, "audio/opus");
    ck_assert_uint_eq(codec->clock_rate, 48000);
    ck_assert_uint_eq(codec->channels, 2);
    ck_assert_str_eq(codec->sdp_fmtp_line, "minptime=10;useinbandfec=1");
    codec = &kith_stats_report_get(left, outbound(left, "video")->codec_id)->codec;
    ck_assert_str_eq(codec->mime_type, "video/VP8");
    ck_assert_uint_eq(codec->channels, 0);
    ck_assert_uint_ge(codec->payload_type, 35);
    kith_stats_report_free(left);
    duo_deinit(&c.d);
}
END_TEST

static void check_reference(const kith_stats_report *report, const char *id, kith_stats_type type)
{
    const kith_stats *entry = id ? kith_stats_report_get(report, id) : NULL;
    ck_assert_msg(!id || entry, "%s is not in the report", id);
    ck_assert(!entry || entry->type == type);
}

static void check_ids(const kith_stats_report *report)
{
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        ck_assert_ptr_eq(kith_stats_report_get(report, s->id), s);
        if (s->type == KITH_STATS_INBOUND_RTP) {
            check_reference(report, s->inbound_rtp.transport_id, KITH_STATS_TRANSPORT);
            check_reference(report, s->inbound_rtp.codec_id, KITH_STATS_CODEC);
            check_reference(report, s->inbound_rtp.remote_id, KITH_STATS_REMOTE_OUTBOUND_RTP);
        } else if (s->type == KITH_STATS_OUTBOUND_RTP) {
            check_reference(report, s->outbound_rtp.transport_id, KITH_STATS_TRANSPORT);
            check_reference(report, s->outbound_rtp.codec_id, KITH_STATS_CODEC);
            check_reference(report, s->outbound_rtp.remote_id, KITH_STATS_REMOTE_INBOUND_RTP);
            check_reference(report, s->outbound_rtp.media_source_id, KITH_STATS_MEDIA_SOURCE);
        } else if (s->type == KITH_STATS_REMOTE_INBOUND_RTP) {
            check_reference(report, s->remote_inbound_rtp.local_id, KITH_STATS_OUTBOUND_RTP);
        } else if (s->type == KITH_STATS_REMOTE_OUTBOUND_RTP) {
            check_reference(report, s->remote_outbound_rtp.local_id, KITH_STATS_INBOUND_RTP);
        } else if (s->type == KITH_STATS_CODEC) {
            check_reference(report, s->codec.transport_id, KITH_STATS_TRANSPORT);
        }
    }
}

START_TEST(ids_of_streams_lead_to_entries_at_any_time)
{
    call c;
    begin(&c, &lossy);
    for (int i = 0; i < 5; i++) {
        for (int side = LEFT; side <= RIGHT; side++) {
            kith_stats_report *report = report_of(&c, (enum side)side);
            check_ids(report);
            kith_stats_report_free(report);
        }
        talk(&c, 700);
    }
    duo_deinit(&c.d);
}
END_TEST

START_TEST(before_anything_was_sent_only_senders_have_entries)
{
    call c;
    begin(&c, &lossless);
    kith_stats_report *left = report_of(&c, LEFT), *right = report_of(&c, RIGHT);
    const kith_outbound_rtp_stats *out = outbound(left, "video");
    ck_assert_uint_eq(out->packets_sent, 0);
    ck_assert_ptr_null(out->codec_id);
    ck_assert_ptr_null(out->remote_id);
    ck_assert_ptr_null(find(right, KITH_STATS_INBOUND_RTP, "video"));
    ck_assert_ptr_null(find(right, KITH_STATS_OUTBOUND_RTP, "video"));
    ck_assert_ptr_null(find(left, KITH_STATS_REMOTE_INBOUND_RTP, "video"));
    const kith_media_source_stats *source =
        &kith_stats_report_get(left, out->media_source_id)->media_source;
    ck_assert_str_eq(source->track_identifier, "camera");
    ck_assert_int_eq(source->frames, -1);
    kith_stats_report_free(left);
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(a_sender_without_a_track_has_no_source)
{
    call c;
    begin(&c, &lossless);
    OK(kith_pc_remove_track(pc_of(&c.d, LEFT), sender(&c, LEFT, VIDEO)));
    kith_stats_report *left = report_of(&c, LEFT);
    ck_assert_ptr_null(find(left, KITH_STATS_MEDIA_SOURCE, "video"));
    ck_assert_ptr_null(outbound(left, "video")->media_source_id);
    ck_assert_ptr_nonnull(find(left, KITH_STATS_MEDIA_SOURCE, "audio"));
    kith_stats_report_free(left);
    duo_deinit(&c.d);
}
END_TEST

/* Nobody looks into packets that the program asked for. */
START_TEST(frames_of_packets_are_unknown)
{
    call c;
    begin(&c, &lossless);
    OK(kith_receiver_set_mode(
        kith_transceiver_receiver(kith_pc_transceiver_at(pc_of(&c.d, RIGHT), VIDEO)),
        KITH_RECEIVE_PACKETS));
    talk(&c, 1000);
    kith_stats_report *right = report_of(&c, RIGHT);
    const kith_inbound_rtp_stats *in = inbound(right, "video");
    ck_assert_uint_gt(in->packets_received, 0);
    ck_assert_int_eq(in->frames_received, -1);
    ck_assert_int_eq(in->packets_discarded, -1);
    ck_assert_str_eq(in->track_identifier, "camera");
    kith_stats_report_free(right);
    duo_deinit(&c.d);
}
END_TEST

UNIT_MAIN("pc: media stats", what_was_sent_is_what_came, pictures_are_counted_on_both_sides,
          packets_that_wait_for_their_driver_are_late_by_that, what_was_lost_is_known_to_both,
          huge_frames_are_counted, how_long_frames_took_to_come_together_is_known,
          times_are_in_seconds, sender_reports_say_what_the_peer_sent,
          who_only_receives_knows_the_round_trip, a_codec_has_an_entry_for_each_direction,
          ids_of_streams_lead_to_entries_at_any_time,
          before_anything_was_sent_only_senders_have_entries,
          a_sender_without_a_track_has_no_source, frames_of_packets_are_unknown)
