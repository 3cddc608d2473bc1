/* How much a sender may send: what the peer's description says, what the program says, and what of
 * it is told. */
#include "live.h"
#include "pc/media.h"
#include "wire/rtcp_fb.h"

/* LEFT offers what it sends. What stands behind c= of each kind, or before t=, in RIGHT's
 * descriptions; "": nothing. */
static char of_audio[128], of_video[128], of_session[128];

typedef struct call {
    duo d;
    kith_sender *audio, *video;
    unsigned told[2], ready[2];
    /* at the last TARGET_BITRATE; and before anything was known of the path */
    uint64_t target[2], at_first[2];
} call;

static call *current;

static void insert(kith_writer *w, const char **text, const char *mark, const char *after,
                   const char *lines)
{
    const char *section = strstr(*text, mark);
    ck_assert_ptr_nonnull(section);
    const char *at = strstr(section, after);
    ck_assert_ptr_nonnull(at);
    at = strchr(at, '\n') + 1;
    kith_wr_bytes(w, *text, (size_t)(at - *text));
    kith_wr_text(w, lines);
    *text = at;
}

static void tamper(enum side from, char **text)
{
    if (from == LEFT || strncmp(*text, "v=0", 3) != 0)
        return;
    kith_writer w = kith_wr_growing();
    const char *rest = *text;
    insert(&w, &rest, "s=", "s=", of_session);
    insert(&w, &rest, "m=audio", "c=", of_audio);
    insert(&w, &rest, "m=video", "c=", of_video);
    kith_wr_text(&w, rest);
    char *whole = kith_wr_take_text(&w);
    free(*text);
    *text = strdup(whole);
    kith_free(whole);
}

static void on_event(host *h, const kith_event *ev, void *user)
{
    live_event(h, ev, user);
    if (((duo_peer *)user)->side != LEFT || !ev->sender)
        return;
    kith_media_kind kind = kith_transceiver_kind(ev->transceiver);
    current->ready[kind] += ev->type == KITH_EV_SENDER_STATE && kith_sender_codec(ev->sender);
    if (ev->type != KITH_EV_TARGET_BITRATE)
        return;
    ck_assert_str_eq(kith_event_name(ev->type), "targetbitrate");
    ck_assert_ptr_nonnull(kith_sender_codec(ev->sender));
    current->told[kind]++;
    current->target[kind] = kith_sender_target_bitrate(ev->sender);
}

static void say(const char *session, const char *audio, const char *video)
{
    snprintf(of_session, sizeof of_session, "%s", session);
    snprintf(of_audio, sizeof of_audio, "%s", audio);
    snprintf(of_video, sizeof of_video, "%s", video);
}

static kith_sender *add(call *c, kith_media_kind kind)
{
    kith_sender *sender;
    OK(kith_pc_add_track(pc_of(&c->d, LEFT), kind, NULL, NULL, 0, &sender));
    return sender;
}

static void begin(call *c)
{
    *c = (call){0};
    current = c;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(10)}, .tamper = tamper};
    live_init(&c->d, &options);
    c->d.peers[LEFT].host->on_event = on_event;
    c->audio = add(c, KITH_AUDIO);
    c->video = add(c, KITH_VIDEO);
    duo_connect(&c->d);
    run_ms(&c->d, 100);
    c->at_first[KITH_AUDIO] = c->target[KITH_AUDIO];
    c->at_first[KITH_VIDEO] = c->target[KITH_VIDEO];
    /* what the path carries is another matter */
    kith_bitrate_estimated(pc_of(&c->d, LEFT), KITH_BITRATE_UNLIMITED);
    run_ms(&c->d, 10);
    for (int kind = KITH_AUDIO; kind <= KITH_VIDEO; kind++)
        c->told[kind] = c->target[kind] > 0;
}

/* Both anew, with what RIGHT says now. */
static void offer_again(call *c)
{
    duo_offer(&c->d, LEFT);
    run_ms(&c->d, 200);
}

static void limit(kith_sender *sender, uint64_t max_bitrate)
{
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    p->encodings[0]->max_bitrate = max_bitrate;
    OK(kith_sender_set_parameters(sender, p));
    OK(kith_sender_get_parameters(sender, &p));
    ck_assert_uint_eq(p->encodings[0]->max_bitrate, max_bitrate);
}

static void set_active(kith_sender *sender, bool is_active)
{
    kith_rtp_send_parameters *p = NULL;
    OK(kith_sender_get_parameters(sender, &p));
    p->encodings[0]->active = is_active;
    OK(kith_sender_set_parameters(sender, p));
}

/* The targets, and what was told last. */
static void targets(call *c, uint64_t audio, uint64_t video)
{
    run_ms(&c->d, 10);
    ck_assert_uint_eq(kith_sender_target_bitrate(c->audio), audio);
    ck_assert_uint_eq(kith_sender_target_bitrate(c->video), video);
    ck_assert_uint_eq(c->target[KITH_AUDIO], audio);
    ck_assert_uint_eq(c->target[KITH_VIDEO], video);
}

START_TEST(without_a_limit_nothing_is_told)
{
    call c;
    say("", "", "");
    begin(&c);
    targets(&c, 0, 0);
    ck_assert_uint_eq(c.ready[KITH_AUDIO] + c.ready[KITH_VIDEO], 2);
    ck_assert_uint_eq(c.told[KITH_AUDIO] + c.told[KITH_VIDEO], 0);
    duo_deinit(&c.d);
}
END_TEST

/* RFC 9429 section 5.10. */
START_TEST(the_limit_of_a_section_is_told_as_tias)
{
    static const struct {
        const char *lines;
        uint64_t target;
    } cases[] = {
        {"b=AS:300\r\n", 269000}, /* 300 * 1000 * 0.95 - (50 * 40 * 8) */
        {"b=AS:512\r\n", 470400},
        {"b=TIAS:300000\r\n", 300000},
        {"b=AS:900\r\nb=TIAS:300000\r\n", 300000},
        {"b=TIAS:900000\r\nb=AS:300\r\n", 900000},
        {"b=TIAS:400000\r\nb=TIAS:300000\r\nb=TIAS:500000\r\n", 300000},
        {"b=AS:40\r\n", 22000},
        {"b=AS:20\r\n", 10000}, /* where the formula leaves little, or nothing */
        {"b=AS:16\r\n", 8000},
        {"b=AS:1\r\n", 500},
        {"b=CT:10\r\n", 0}, /* "MUST be ignored" in a section */
        {"b=RS:10\r\nb=RR:10\r\nb=X-YZ:10\r\n", 0},
        {"b=AS:0\r\n", 0}, /* no limit, as in browsers */
        {"b=TIAS:0\r\nb=AS:300\r\n", 269000},
        {"b=TIAS:18446744073709551615\r\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call c;
        say("", "", cases[i].lines);
        begin(&c);
        targets(&c, 0, cases[i].target);
        ck_assert_uint_eq(c.told[KITH_VIDEO], cases[i].target > 0);
        duo_deinit(&c.d);
    }
}
END_TEST

START_TEST(a_value_above_all_others_stays_one)
{
    static const char *const lines[] = {"b=AS:18446744073709552\r\n", /* 1000 of it are 384 */
                                        "b=AS:18446744073709551615\r\n"};
    for (size_t i = 0; i < 2; i++) {
        call c;
        say("", "", lines[i]);
        begin(&c);
        ck_assert_uint_gt(kith_sender_target_bitrate(c.video), UINT64_C(1) << 63);
        duo_deinit(&c.d);
    }
}
END_TEST

/* webrtc-pc section 5.2: maxBitrate, beside what the peer says. */
START_TEST(the_least_of_max_bitrate_and_the_section_counts)
{
    call c;
    say("", "", "b=TIAS:300000\r\n");
    begin(&c);
    limit(c.video, 400000);
    targets(&c, 0, 300000);
    ck_assert_uint_eq(c.told[KITH_VIDEO], 1);
    limit(c.video, 200000);
    targets(&c, 0, 200000);
    limit(c.audio, 32000);
    targets(&c, 32000, 200000);
    limit(c.video, 0);
    targets(&c, 32000, 300000);
    limit(c.audio, 0);
    targets(&c, 0, 300000); /* nothing limits it any more: told too */
    ck_assert_uint_eq(c.told[KITH_AUDIO], 2);
    ck_assert_uint_eq(c.told[KITH_VIDEO], 3);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(small_changes_are_not_told_but_known)
{
    call c;
    say("", "", "");
    begin(&c);
    limit(c.video, 100000);
    targets(&c, 0, 100000);
    static const struct {
        uint64_t limit;
        bool is_told;
    } steps[] = {{97000, false}, {105000, false}, {96999, true}, {101400, false}, {102000, true}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        unsigned before = c.told[KITH_VIDEO];
        limit(c.video, steps[i].limit);
        run_ms(&c.d, 10);
        ck_assert_uint_eq(kith_sender_target_bitrate(c.video), steps[i].limit);
        ck_assert_uint_eq(c.told[KITH_VIDEO] - before, steps[i].is_told);
    }
    duo_deinit(&c.d);
}
END_TEST

START_TEST(the_same_is_not_told_again_however_much_it_is)
{
    static const uint64_t limits[] = {1, 19, UINT64_MAX / 2, UINT64_MAX - 1};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        call c;
        say("", "", "");
        begin(&c);
        for (unsigned n = 0; n < 3; n++) {
            limit(c.video, limits[i]);
            run_ms(&c.d, 10);
        }
        ck_assert_uint_eq(c.told[KITH_VIDEO], 1);
        duo_deinit(&c.d);
    }
}
END_TEST

/* Whoever does not ask at once is told of the newest, once. */
START_TEST(the_newest_is_told_once)
{
    call c;
    say("", "", "");
    begin(&c);
    for (uint64_t max_bitrate = 100000; max_bitrate <= 900000; max_bitrate += 100000)
        limit(c.video, max_bitrate);
    targets(&c, 0, 900000);
    ck_assert_uint_eq(c.told[KITH_VIDEO], 1);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(another_description_has_other_limits)
{
    call c;
    say("", "", "b=TIAS:300000\r\n");
    begin(&c);
    say("", "b=TIAS:20000\r\n", "b=TIAS:600000\r\n");
    offer_again(&c);
    targets(&c, 20000, 600000);
    say("", "", "");
    offer_again(&c);
    targets(&c, 0, 0);
    ck_assert_uint_eq(c.told[KITH_VIDEO], 3);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(the_limit_of_the_session_is_shared)
{
    call c;
    say("b=TIAS:500000\r\n", "", "");
    begin(&c);
    targets(&c, 64000, 436000); /* audio takes what it needs */
    set_active(c.audio, false); /* who sends nothing gets nothing */
    run_ms(&c.d, 10);
    ck_assert_uint_eq(kith_sender_target_bitrate(c.audio), 0);
    ck_assert_uint_eq(c.target[KITH_VIDEO], 500000);
    set_active(c.audio, true);
    targets(&c, 64000, 436000);
    limit(c.audio, 128000);
    targets(&c, 128000, 372000);
    limit(c.video, 100000); /* and what is left over is nobody's */
    targets(&c, 128000, 100000);
    limit(c.audio, 700000);
    targets(&c, 400000, 100000);
    limit(c.video, 700000);
    targets(&c, 250000, 250000);
    OK(kith_sender_replace_track(c.video, NULL));
    run_ms(&c.d, 10);
    ck_assert_uint_eq(kith_sender_target_bitrate(c.video), 0);
    ck_assert_uint_eq(c.target[KITH_AUDIO], 500000);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(sections_and_session_limit_together)
{
    static const struct {
        const char *session, *audio, *video;
        uint64_t targets[2];
    } cases[] = {
        {"b=TIAS:100000\r\n", "", "", {50000, 50000}}, /* too little for audio's need */
        {"b=TIAS:100000\r\n", "b=TIAS:20000\r\n", "", {20000, 80000}},
        {"b=TIAS:900000\r\n", "", "b=TIAS:300000\r\n", {600000, 300000}},
        {"b=AS:300\r\n", "", "", {64000, 205000}},
        {"b=CT:300\r\n", "", "", {64000, 205000}}, /* RFC 8834 section 7.1 */
        {"b=CT:300\r\nb=AS:900\r\nb=TIAS:400000\r\n", "", "", {64000, 336000}},
        {"b=TIAS:1\r\n", "", "", {0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call c;
        say(cases[i].session, cases[i].audio, cases[i].video);
        begin(&c);
        targets(&c, cases[i].targets[KITH_AUDIO], cases[i].targets[KITH_VIDEO]);
        duo_deinit(&c.d);
    }
}
END_TEST

/* LEFT hears that the path carries so much, mantissa and exponent, of what it sends. */
static void estimate(call *c, uint32_t mantissa, unsigned exponent)
{
    uint8_t buf[24];
    kith_writer w = kith_wr(buf, sizeof buf);
    size_t mark = kith_rtcp_begin(&w, KITH_RTCP_PSFB, KITH_RTCP_FMT_AFB);
    kith_wr_u32(&w, 1);
    kith_wr_u32(&w, 0);
    kith_wr_text(&w, "REMB");
    kith_wr_u32(&w, 1u << 24 | exponent << 18 | mantissa);
    kith_wr_u32(&w, kith_rtp_out_ssrc(c->video->out));
    kith_rtcp_end(&w, mark);
    kith_pc *pc = pc_of(&c->d, LEFT);
    kith_rtp_input_rtcp(kith_pc_transport(pc)->media->rtp, world_now(c->d.world),
                        kith_span_of(buf, w.len));
    kith_endpoint_set_ready(pc);
}

/* webrtc-stats, availableOutgoingBitrate, of the only pair that has one. */
static double available(call *c)
{
    kith_stats_report *report;
    OK(kith_pc_get_stats(pc_of(&c->d, LEFT), &report));
    double found = 0;
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        if (s->type != KITH_STATS_CANDIDATE_PAIR)
            continue;
        ck_assert(found == 0 || s->candidate_pair.available_outgoing_bitrate == 0);
        found += s->candidate_pair.available_outgoing_bitrate;
    }
    kith_stats_report_free(report);
    return found;
}

START_TEST(the_estimate_of_the_peer_is_shared_until_the_next)
{
    call c;
    say("", "", "");
    begin(&c);
    ck_assert_double_eq(available(&c), 0);
    estimate(&c, 150000, 1);
    targets(&c, 64000, 236000);
    run_ms(&c.d, 60000);
    targets(&c, 64000, 236000);
    ck_assert_uint_eq(c.told[KITH_VIDEO], 1);
    ck_assert_double_eq(available(&c), 300000);
    limit(c.video, 200000);
    targets(&c, 100000, 200000); /* what video does not want is there for audio */
    estimate(&c, 0, 0);          /* nothing: not believed */
    targets(&c, 2500, 2500);
    estimate(&c, 0x3FFFF, 63); /* all that there is */
    targets(&c, 0, 200000);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(the_least_of_session_and_estimate_is_shared)
{
    call c;
    say("b=TIAS:500000\r\n", "", "");
    begin(&c);
    estimate(&c, 200000, 2);
    targets(&c, 64000, 436000);
    estimate(&c, 200000, 0);
    targets(&c, 64000, 136000);
    OK(kith_transceiver_stop(kith_sender_transceiver(c.audio)));
    run_ms(&c.d, 10);
    ck_assert_uint_eq(c.target[KITH_VIDEO], 200000);
    duo_deinit(&c.d);
}
END_TEST

/* Another process in the peer's place has another path. */
START_TEST(another_association_has_no_estimate)
{
    call c;
    say("", "", "");
    begin(&c);
    estimate(&c, 200000, 0);
    targets(&c, 64000, 136000);
    kith_media_forget_keys(kith_pc_transport(pc_of(&c.d, LEFT)));
    kith_transceivers_tell(pc_of(&c.d, LEFT));
    ck_assert_uint_eq(kith_sender_target_bitrate(c.video), 0);
    kith_media_keys(kith_pc_transport(pc_of(&c.d, LEFT)), world_now(c.d.world));
    ck_assert_ptr_nonnull(kith_sender_codec(c.video));
    ck_assert_uint_eq(kith_sender_target_bitrate(c.video), 236000);
    duo_deinit(&c.d);
}
END_TEST

START_TEST(before_anything_is_known_of_the_path_encoders_begin_with_300_kbit)
{
    static const struct {
        const char *session, *video;
        uint64_t audio_target, video_target;
    } cases[] = {{"", "", 64000, 236000},
                 {"b=TIAS:200000\r\n", "", 64000, 136000},
                 {"b=TIAS:2000000\r\n", "", 64000, 236000},
                 {"", "b=TIAS:100000\r\n", 200000, 100000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        call c;
        say(cases[i].session, "", cases[i].video);
        begin(&c);
        ck_assert_uint_eq(c.at_first[KITH_AUDIO], cases[i].audio_target);
        ck_assert_uint_eq(c.at_first[KITH_VIDEO], cases[i].video_target);
        duo_deinit(&c.d);
    }
}
END_TEST

/* webrtc-stats, targetBitrate. */
START_TEST(statistics_have_the_target)
{
    call c;
    say("", "", "b=TIAS:300000\r\n");
    begin(&c);
    kith_stats_report *report;
    OK(kith_pc_get_stats(pc_of(&c.d, LEFT), &report));
    unsigned seen = 0;
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *s = kith_stats_report_at(report, i);
        if (s->type != KITH_STATS_OUTBOUND_RTP)
            continue;
        bool is_video = strcmp(s->outbound_rtp.kind, "video") == 0;
        ck_assert_double_eq(s->outbound_rtp.target_bitrate, is_video ? 300000 : 0);
        seen++;
    }
    ck_assert_uint_eq(seen, 2);
    kith_stats_report_free(report);
    duo_deinit(&c.d);
}
END_TEST

UNIT_MAIN("pc: bit rate", before_anything_is_known_of_the_path_encoders_begin_with_300_kbit,
          without_a_limit_nothing_is_told, the_limit_of_a_section_is_told_as_tias,
          a_value_above_all_others_stays_one, the_least_of_max_bitrate_and_the_section_counts,
          small_changes_are_not_told_but_known, the_same_is_not_told_again_however_much_it_is,
          the_newest_is_told_once, another_description_has_other_limits,
          the_limit_of_the_session_is_shared, sections_and_session_limit_together,
          the_estimate_of_the_peer_is_shared_until_the_next,
          the_least_of_session_and_estimate_is_shared, another_association_has_no_estimate,
          statistics_have_the_target)
