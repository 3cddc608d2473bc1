/* Remote descriptions that are refused, in words and with the line, and the peer exactly as
 * before. */
#include "peers.h"

/* ---- offers ---- */

struct bad_offer {
    const char *from, *to; /* in Chromium's offer of data */
    const char *words;     /* in the message */
    kith_err err;
};

static const struct bad_offer bad_offers[] = {
    {"v=0", "v=1", "", KITH_ERR_SDP_SYNTAX},
    {"s=-", "x", "", KITH_ERR_SDP_SYNTAX},
    {"a=ice-ufrag:", "a=x-ufrag:", "no a=ice-ufrag", KITH_ERR_INVALID_ACCESS},
    {"a=ice-pwd:", "a=x-pwd:", "no a=ice-pwd", KITH_ERR_INVALID_ACCESS},
    {"a=fingerprint:", "a=x-fingerprint:", "no a=fingerprint", KITH_ERR_INVALID_ACCESS},
    {"a=setup:actpass", "a=setup:holdconn", "a=setup:holdconn", KITH_ERR_INVALID_ACCESS},
};

START_TEST(an_offer_that_cannot_be_accepted_is_refused_and_changes_nothing)
{
    char *base = read_sdp("chromium156-offer-data-only.sdp");
    for (size_t i = 0; i < sizeof bad_offers / sizeof bad_offers[0]; i++) {
        const struct bad_offer *bad = &bad_offers[i];
        duo d = duo_new();
        open_channel(d.a);
        OK(kith_pc_set_local_description(d.a, NULL));
        snapshot before = snapshot_of(d.a);
        char *sdp = with(base, bad->from, bad->to);
        ck_assert_str_ne(sdp, base);
        ck_assert_str_eq(kith_err_name(set_remote(d.a, KITH_SDP_OFFER, sdp)),
                         kith_err_name(bad->err));
        const kith_error *error = kith_last_error();
        ck_assert_int_eq(error->err, bad->err);
        ck_assert_msg(strstr(error->message, bad->words), "%s", error->message);
        ck_assert_int_ge(error->sdp_line_number, 1);
        assert_unchanged(d.a, &before);
        kith_free(sdp);
        duo_free(&d);
    }
    kith_free(base);
}
END_TEST

/* Whether its media is used or not, as in browsers. */
START_TEST(media_without_rtcp_mux_or_a_fingerprint_is_refused)
{
    static const struct {
        const char *from, *words;
    } lines[] = {{"a=rtcp-mux\r\n", "no a=rtcp-mux"}, {"a=fingerprint:", "no a=fingerprint"}};
    char *base = read_sdp("chromium156-offer-av-sendrecv.sdp");
    for (size_t i = 0; i < 2; i++) {
        duo d = duo_new();
        snapshot before = snapshot_of(d.a);
        char *sdp = with(base, lines[i].from, i == 0 ? "" : "a=x:");
        FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_OFFER, sdp));
        ck_assert_ptr_nonnull(strstr(kith_last_error()->message, lines[i].words));
        assert_unchanged(d.a, &before);
        char *rejected = with(sdp, "m=audio 9", "m=audio 0"), *both;
        both = with(rejected, "m=video 9", "m=video 0");
        OK(set_remote(d.a, KITH_SDP_OFFER, both));
        kith_free(sdp);
        kith_free(rejected);
        kith_free(both);
        duo_free(&d);
    }
    kith_free(base);
}
END_TEST

START_TEST(every_prefix_of_an_offer_is_taken_or_refused_whole)
{
    duo d = duo_new();
    char *sdp = read_sdp("firefox153-default-data-offer.sdp");
    for (size_t len = strlen(sdp); len-- > 0;) {
        sdp[len] = '\0';
        snapshot before = snapshot_of(d.a);
        if (set_remote(d.a, KITH_SDP_OFFER, sdp) == KITH_OK) {
            OK(set_remote(d.a, KITH_SDP_ROLLBACK, NULL));
        }
        assert_unchanged(d.a, &before);
    }
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

/* What contradicts itself, or is malformed where it decides, in Chromium's offer of data. */
static const struct bad_offer faults[] = {
    {"a=setup:actpass", "a=setup:actpass\r\na=setup:active", "a=setup appears twice", 0},
    {"a=setup:actpass", "a=setup:both", "\"both\"", 0},
    {"a=sctp-port:5000", "a=sctp-port:5000\r\na=sctp-port:5001", "a=sctp-port appears twice", 0},
    {"a=sctp-port:5000", "a=sctp-port:65536", "0 to 65535", 0},
    {"a=max-message-size:", "a=max-message-size:x", "octets", 0},
    {"a=mid:0", "a=mid:a b", "one token", 0},
    {"a=ice-ufrag:", "a=ice-ufrag::", "nothing else", 0},
    {"a=ice-pwd:", "a=ice-pwd:short\r\na=x:", "5 characters", 0},
};

static int line_number(const char *sdp, const char *at)
{
    int line = 1;
    for (; sdp < at; sdp++)
        line += *sdp == '\n';
    return line;
}

/* RFC 9429 section 5.8 would have the description refused; browsers do. Kith refuses it where it is
 * left with nothing to accept. */
START_TEST(an_offer_whose_only_section_cannot_be_used_is_refused_with_line_and_reason)
{
    char *base = read_sdp("chromium156-offer-data-only.sdp");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        duo d = duo_new();
        snapshot before = snapshot_of(d.a);
        char *sdp = with(base, faults[i].from, faults[i].to);
        FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_OFFER, sdp));
        const kith_error *error = kith_last_error();
        ck_assert_msg(strstr(error->message, faults[i].words), "%s", error->message);
        ck_assert_int_ge(error->sdp_line_number, line_number(base, strstr(base, faults[i].from)));
        ck_assert_int_le(error->sdp_line_number,
                         line_number(base, strstr(base, faults[i].from)) + 1);
        assert_unchanged(d.a, &before);
        kith_free(sdp);
        duo_free(&d);
    }
    kith_free(base);
}
END_TEST

/* A section that cannot be used beside one that can is rejected, wherever it stands in the bundle.
 */
START_TEST(a_section_that_cannot_be_used_beside_another_is_answered_with_port_0)
{
    char *base = read_sdp("firefox153-offer-av-sendrecv-data.sdp");
    /* The tagged section of the bundle, and one in its middle. */
    static const char *const mids[] = {"a=mid:0", "a=mid:1"};
    for (size_t i = 0; i < 2; i++) {
        duo d = duo_new();
        char line[64];
        snprintf(line, sizeof line, "%s\r\na=setup:both", mids[i]);
        char *sdp = with(base, mids[i], line);
        OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
        OK(kith_pc_set_local_description(d.a, NULL));
        const char *answered = kith_pc_local_description(d.a)->sdp;
        kith_sdp *tree;
        OK(kith_sdp_parse(&tree, answered, strlen(answered)));
        for (size_t n = 0; n < tree->media.count; n++)
            ck_assert_int_eq(tree->media.items[n]->port == 0, n == i);
        const kith_sdp_group *bundle = kith_sdp_find_group(tree, "BUNDLE", NULL);
        ck_assert_uint_eq(bundle->mids.count, 2);
        ck_assert_str_eq(bundle->mids.items[0], i == 0 ? "1" : "0");
        kith_sdp_free(tree);
        kith_free(sdp);
        duo_free(&d);
    }
    kith_free(base);
}
END_TEST

/* As browsers, which let each section overwrite what the session says. */
START_TEST(what_the_session_contradicts_itself_in_refuses_nothing_that_says_it_itself)
{
    char *base = read_sdp("chromium156-offer-data-only.sdp");
    char *spoilt = with(base, "a=group:", "a=setup:active\r\na=setup:passive\r\na=group:");
    duo d = duo_new();
    OK(set_remote(d.a, KITH_SDP_OFFER, spoilt));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_ptr_nonnull(strstr(kith_pc_local_description(d.a)->sdp, "m=application 9"));
    duo_free(&d);

    char *needed = with(spoilt, "a=setup:actpass", "a=x");
    d = duo_new();
    snapshot before = snapshot_of(d.a);
    FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_OFFER, needed));
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "a=setup appears twice"));
    ck_assert_int_eq(kith_last_error()->sdp_line_number,
                     line_number(needed, strstr(needed, "a=setup:passive")));
    assert_unchanged(d.a, &before);
    duo_free(&d);
    kith_free(base);
    kith_free(spoilt);
    kith_free(needed);
}
END_TEST

/* ---- offers that follow ---- */

/* d.b's next offer, with something exchanged, is refused by d.a. */
static void refuses_next(const char *from, const char *to, const char *words)
{
    duo d = duo_agreed();
    OK(kith_pc_set_local_description(d.b, NULL));
    char *sdp = with(kith_pc_local_description(d.b)->sdp, from, to);
    snapshot before = snapshot_of(d.a);
    FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_OFFER, sdp));
    ck_assert_msg(strstr(kith_last_error()->message, words), "%s", kith_last_error()->message);
    assert_unchanged(d.a, &before);
    kith_free(sdp);
    duo_free(&d);
}

START_TEST(a_section_in_use_keeps_its_kind_its_mid_and_its_roles)
{
    refuses_next("a=mid:0", "a=mid:1", "had mid 0");
    refuses_next("m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                 "m=audio 9 UDP/TLS/RTP/SAVPF 0", "was m=application");
    /* d.a was the server. */
    refuses_next("a=setup:actpass", "a=setup:passive", "turns the DTLS roles");
    refuses_next("a=setup:actpass", "a=setup:both", "\"both\""); /* it would close the channels */
}
END_TEST

START_TEST(an_offer_cannot_drop_sections)
{
    duo d = duo_agreed();
    snapshot before = snapshot_of(d.a);
    FAILS(INVALID_ACCESS,
          set_remote(d.a, KITH_SDP_OFFER, "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"));
    assert_unchanged(d.a, &before);
    duo_free(&d);
}
END_TEST

START_TEST(rejecting_the_section_in_use_closes_its_channels)
{
    duo d = duo_agreed();
    OK(kith_pc_set_local_description(d.b, NULL));
    char *sdp = with(kith_pc_local_description(d.b)->sdp, "m=application 9", "m=application 0");
    take_events(d.a, KITH_EV_DC_CLOSED);
    OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
    ck_assert_int_eq(take_events(d.a, KITH_EV_DC_CLOSED), 0); /* an offer is only an offer */
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_int_eq(kith_jsep_agreed_data(d.a), -1);
    ck_assert_int_eq(take_events(d.a, KITH_EV_DC_CLOSED), 1);
    ck_assert(!kith_jsep_negotiation_needed(d.a)); /* no asking for ever */
    open_channel(d.a);
    ck_assert(kith_jsep_negotiation_needed(d.a));
    /* The section's second life has a new mid and new credentials. */
    char *old = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert(has_line(created->sdp, "a=mid:1"));
    ck_assert_str_ne(line_of(created->sdp, "a=ice-ufrag:"), old);

    /* So has the peer's, if the peer begins it. */
    OK(set_local(d.b, KITH_SDP_ROLLBACK, NULL));
    OK(kith_pc_set_local_description(d.b, NULL));
    OK(set_remote(d.a, KITH_SDP_OFFER, kith_pc_local_description(d.b)->sdp));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_str_ne(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice), old);
    kith_free(old);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(the_section_in_use_stays_the_data_section)
{
    duo d = duo_new();
    char *both = read_sdp("firefox153-offer-av-sendrecv-data.sdp");
    char *call = with(both, "m=video 9 UDP", "m=video 0 UDP");
    OK(set_remote(d.a, KITH_SDP_OFFER, call));
    OK(kith_pc_set_local_description(d.a, NULL));
    char *other = with(call, "m=video 0 UDP/TLS/RTP/SAVPF 120 124 121 125 99 100 123 122 119",
                       "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000");
    OK(set_remote(d.a, KITH_SDP_OFFER, other));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_int_eq(kith_jsep_agreed_data(d.a), 2);
    kith_free(both);
    kith_free(call);
    kith_free(other);
    duo_free(&d);
}
END_TEST

START_TEST(an_offer_of_media_only_leaves_channels_waiting)
{
    duo d = duo_new();
    kith_dc *dc = open_channel(d.a);
    char *call = read_sdp("firefox153-offer-av-sendrecv.sdp");
    OK(set_remote(d.a, KITH_SDP_OFFER, call));
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CONNECTING);
    ck_assert(kith_jsep_negotiation_needed(d.a));
    kith_free(call);
    duo_free(&d);
}
END_TEST

/* ---- answers ---- */

struct bad_answer {
    const char *from, *to, *words;
};

static const struct bad_answer bad_answers[] = {
    {"a=mid:0", "a=mid:7", "the offer has mid 0"},
    {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=audio 9 UDP/TLS/RTP/SAVPF 0",
     "the offer has m=application"},
    {"UDP/DTLS/SCTP webrtc-datachannel", "UDP/BFCP *", "does not answer"},
    {"a=setup:active", "a=setup:actpass", "a=setup:actpass"},
    {"a=setup:active", "a=setup:holdconn", "a=setup:holdconn"},
    {"a=setup:active", "a=setup:active\r\na=setup:passive", "a=setup appears twice"},
    {"a=sctp-port:5000", "a=sctp-port:x", "0 to 65535"},
    {"a=ice-ufrag:", "a=ice-ufrag::", "nothing else"},
    {"a=ice-pwd:", "a=x:", "no a=ice-pwd"},
    {"a=ice-ufrag:", "a=x:", "no a=ice-ufrag"},
    {"a=fingerprint:", "a=x:", "no a=fingerprint"},
    {"a=max-message-size:262144\r\n", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n",
     "2 m= sections"},
};

START_TEST(an_answer_that_does_not_fit_is_refused_and_changes_nothing)
{
    for (size_t i = 0; i < sizeof bad_answers / sizeof bad_answers[0]; i++) {
        const struct bad_answer *bad = &bad_answers[i];
        duo d = duo_new();
        open_channel(d.a);
        offer(d.a, d.b);
        OK(kith_pc_set_local_description(d.b, NULL));
        const char *good = kith_pc_local_description(d.b)->sdp;
        char *sdp = with(good, bad->from, bad->to);
        ck_assert_str_ne(sdp, good);
        snapshot before = snapshot_of(d.a);
        FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_ANSWER, sdp));
        ck_assert_msg(strstr(kith_last_error()->message, bad->words), "%s",
                      kith_last_error()->message);
        assert_unchanged(d.a, &before);
        OK(set_remote(d.a, KITH_SDP_ANSWER, good)); /* and the right one still fits */
        kith_free(sdp);
        duo_free(&d);
    }
}
END_TEST

/* An offer of audio, video and a channel, and d.b's answer to it. */
static char *answer_to_a_call(duo *d)
{
    OK(kith_pc_add_transceiver(d->a, KITH_AUDIO, NULL, NULL));
    OK(kith_pc_add_transceiver(d->a, KITH_VIDEO, NULL, NULL));
    open_channel(d->a);
    offer(d->a, d->b);
    OK(kith_pc_set_local_description(d->b, NULL));
    char *none = with(kith_pc_local_description(d->b)->sdp, "a=recvonly", "a=sendrecv");
    char *both = with(none, "a=recvonly", "a=sendrecv");
    kith_free(none);
    return both;
}

/* webrtc-pc section 4.2.5: RTCRtcpMuxPolicy is "require"; RTCP would come to a port of its own. */
static const struct bad_answer bad_media_answers[] = {
    {"a=mid:0\r\na=rtcp-mux", "a=mid:0", "no a=rtcp-mux"},
    {"a=mid:1\r\na=rtcp-mux", "a=mid:1", "no a=rtcp-mux"},
    {"a=mid:1", "a=mid:2", "mid"},
    {"m=video 9", "m=audio 9", "the offer has m=video"},
    {"m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/BFCP", "does not answer"},
};

/* With a=rtcp-mux right behind the mid, wherever it was. */
static char *with_mux_first(const char *answer)
{
    char *without = with(answer, "a=rtcp-mux\r\n", "");
    char *audio = with(without, "a=mid:0\r\n", "a=mid:0\r\na=rtcp-mux\r\n");
    char *both = with(audio, "a=mid:1\r\n", "a=mid:1\r\na=rtcp-mux\r\n");
    kith_free(without);
    kith_free(audio);
    return both;
}

START_TEST(an_answer_whose_media_does_not_fit_is_refused_and_changes_nothing)
{
    for (size_t i = 0; i < sizeof bad_media_answers / sizeof bad_media_answers[0]; i++) {
        const struct bad_answer *bad = &bad_media_answers[i];
        duo d = duo_new();
        char *answer = answer_to_a_call(&d), *good = with_mux_first(answer);
        char *sdp = with(good, bad->from, bad->to);
        ck_assert_str_ne(sdp, good);
        snapshot before = snapshot_of(d.a);
        FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_ANSWER, sdp));
        ck_assert_msg(strstr(kith_last_error()->message, bad->words), "%s: %s", bad->to,
                      kith_last_error()->message);
        assert_unchanged(d.a, &before);
        OK(set_remote(d.a, KITH_SDP_ANSWER, good));
        kith_free(answer);
        kith_free(good);
        kith_free(sdp);
        duo_free(&d);
    }
}
END_TEST

static unsigned count_codecs(kith_rtp_send_parameters *parameters, const char *mime_type)
{
    unsigned count = 0;
    for (size_t i = 0; i < parameters->codec_count; i++)
        count += strcmp(parameters->codecs[i].mime_type, mime_type) == 0;
    return count;
}

/* RFC 3264 section 6.1: an answer has no more than what was offered. Browsers take such a one and
 * leave out what it adds, and so do we: nothing of it is sent or received. */
START_TEST(what_an_answer_adds_to_the_offer_is_left_out)
{
    duo d = duo_new();
    char *answer = answer_to_a_call(&d);
    char *format =
        with(answer, "m=video 9 UDP/TLS/RTP/SAVPF ", "m=video 9 UDP/TLS/RTP/SAVPF 50 51 ");
    char *sdp = with(format, "a=mid:1\r\n",
                     "a=mid:1\r\na=rtpmap:50 VP9/90000\r\na=rtpmap:51 rtx/90000\r\n"
                     "a=fmtp:51 apt=50\r\na=extmap:13 urn:x-nobodys\r\n"
                     "a=extmap:12 urn:ietf:params:rtp-hdrext:toffset\r\n");
    ck_assert_str_ne(sdp, format);
    kith_transceiver *video = kith_pc_transceiver_at(d.a, 1);
    OK(set_remote(d.a, KITH_SDP_ANSWER, sdp));
    kith_rtp_send_parameters *parameters;
    OK(kith_sender_get_parameters(kith_transceiver_sender(video), &parameters));
    ck_assert_uint_eq(count_codecs(parameters, "video/VP8"), 1);
    ck_assert_uint_eq(count_codecs(parameters, "video/VP9"), 0);
    for (size_t i = 0; i < parameters->header_extension_count; i++) {
        ck_assert_ptr_null(strstr(parameters->header_extensions[i].uri, "nobodys"));
        ck_assert_ptr_null(strstr(parameters->header_extensions[i].uri, "toffset"));
    }
    for (size_t i = 0; i < parameters->codec_count; i++)
        ck_assert(parameters->codecs[i].payload_type != 50 &&
                  parameters->codecs[i].payload_type != 51);
    kith_free(answer);
    kith_free(format);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

/* section 6.1: what is offered as sendonly is answered by recvonly or inactive. */
START_TEST(a_direction_beyond_the_offers_is_the_offers)
{
    static const struct {
        kith_direction offered, agreed;
        const char *answered;
    } rows[] = {
        {KITH_DIRECTION_SENDONLY, KITH_DIRECTION_SENDONLY, "a=sendrecv"},
        {KITH_DIRECTION_SENDONLY, KITH_DIRECTION_INACTIVE, "a=sendonly"},
        {KITH_DIRECTION_RECVONLY, KITH_DIRECTION_RECVONLY, "a=sendrecv"},
        {KITH_DIRECTION_RECVONLY, KITH_DIRECTION_INACTIVE, "a=recvonly"},
        {KITH_DIRECTION_INACTIVE, KITH_DIRECTION_INACTIVE, "a=sendrecv"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        duo d = duo_new();
        kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
        init.direction = rows[i].offered;
        kith_transceiver *t;
        OK(kith_pc_add_transceiver(d.a, KITH_AUDIO, &init, &t));
        offer(d.a, d.b);
        OK(kith_pc_set_local_description(d.b, NULL));
        const char *answer = kith_pc_local_description(d.b)->sdp;
        char *receiving = with(answer, "a=recvonly", rows[i].answered);
        char *sdp = with(receiving, "a=inactive", rows[i].answered);
        OK(set_remote(d.a, KITH_SDP_ANSWER, sdp));
        ck_assert_int_eq(kith_transceiver_current_direction(t), rows[i].agreed);
        kith_free(receiving);
        kith_free(sdp);
        duo_free(&d);
    }
}
END_TEST

/* RFC 9143 section 7.3.3 lets an answerer leave a section out of the group: it has an address of
 * its own then, where nobody would come. */
START_TEST(an_answer_that_leaves_a_section_out_of_the_bundle_is_refused)
{
    static const char *const groups[] = {"a=group:BUNDLE 0 1", "a=group:BUNDLE 0 2",
                                         "a=group:BUNDLE 1 2", "a=x"};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        duo d = duo_new();
        char *good = answer_to_a_call(&d), *sdp = with(good, "a=group:BUNDLE 0 1 2", groups[i]);
        ck_assert_str_ne(sdp, good);
        snapshot before = snapshot_of(d.a);
        FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_ANSWER, sdp));
        ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "BUNDLE"));
        assert_unchanged(d.a, &before);
        OK(set_remote(d.a, KITH_SDP_ANSWER, good));
        kith_free(good);
        kith_free(sdp);
        duo_free(&d);
    }
}
END_TEST

START_TEST(what_nothing_flows_in_may_be_outside_the_bundle)
{
    duo d = duo_new();
    char *good = answer_to_a_call(&d), *silent = with(good, "a=sendrecv", "a=inactive");
    char *sdp = with(silent, "a=group:BUNDLE 0 1 2", "a=group:BUNDLE 1 2");
    OK(set_remote(d.a, KITH_SDP_ANSWER, sdp));
    ck_assert_str_eq(kith_description_transport(d.a->jsep.current_remote)->mid, "1");
    kith_free(good);
    kith_free(silent);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(a_running_association_keeps_its_port)
{
    duo d = duo_agreed();
    OK(kith_pc_set_local_description(d.a, NULL));
    char *sdp = with(kith_pc_local_description(d.a)->sdp, "a=sctp-port:5000", "a=sctp-port:5001");
    FAILS(INVALID_ACCESS, set_remote(d.b, KITH_SDP_OFFER, sdp));
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "a=sctp-port:5001"));
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    kith_free(sdp);
    /* Another process has another association, and so any port. */
    kith_pc *another = peer_new(d.ep);
    open_channel(another);
    OK(kith_pc_set_local_description(another, NULL));
    sdp = with(kith_pc_local_description(another)->sdp, "a=sctp-port:5000", "a=sctp-port:5001");
    OK(set_remote(d.b, KITH_SDP_OFFER, sdp));
    OK(kith_pc_set_local_description(d.b, NULL));
    ck_assert_uint_eq(kith_pc_transport(d.b)->remote_sctp_port, 5001);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(an_answer_without_setup_is_taken_for_active)
{
    duo d = duo_new();
    open_channel(d.a);
    offer(d.a, d.b);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *sdp = with(kith_pc_local_description(d.b)->sdp, "a=setup:active", "a=x");
    OK(set_remote(d.a, KITH_SDP_ANSWER, sdp));
    ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_SERVER);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

/* d.b, the DTLS client since d.a's offer, offers again; d.a's answer says active. */
static kith_err answer_by_active(const duo *d, const char *tls_id_becomes)
{
    offer(d->b, d->a);
    OK(kith_pc_set_local_description(d->a, NULL));
    char *turned = with(kith_pc_local_description(d->a)->sdp, "a=setup:passive", "a=setup:active");
    char *sdp = with(turned, "a=tls-id:", tls_id_becomes);
    kith_err err = set_remote(d->b, KITH_SDP_ANSWER, sdp);
    kith_free(turned);
    kith_free(sdp);
    return err;
}

/* Firefox 153 as the side that offered first: it answers an offer to restart ICE so, without
 * tls-id, and goes on with its association in the old role. */
START_TEST(an_answer_that_turns_the_roles_without_a_tls_id_keeps_the_association)
{
    duo d = duo_agreed();
    OK(answer_by_active(&d, "a=x:"));
    ck_assert_int_eq(kith_pc_transport(d.b)->dtls_role, KITH_DTLS_CLIENT);
    OK(kith_pc_set_local_description(d.b, NULL));
    ck_assert(has_line(kith_pc_local_description(d.b)->sdp, "a=setup:actpass"));
    duo_free(&d);
    d = duo_agreed();
    FAILS(INVALID_ACCESS, answer_by_active(&d, "a=tls-id:"));
    ck_assert_msg(strstr(kith_last_error()->message, "turns the DTLS roles"), "%s",
                  kith_last_error()->message);
    duo_free(&d);
}
END_TEST

START_TEST(an_answer_that_rejects_the_data_section_closes_the_channels)
{
    duo d = duo_new();
    kith_dc *dc = open_channel(d.a);
    offer(d.a, d.b);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *sdp = with(kith_pc_local_description(d.b)->sdp, "m=application 9", "m=application 0");
    OK(set_remote(d.a, KITH_SDP_PRANSWER, sdp));
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CONNECTING);
    OK(set_remote(d.a, KITH_SDP_ANSWER, sdp));
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    ck_assert(!kith_jsep_negotiation_needed(d.a));
    ck_assert_ptr_null(kith_pc_transport(d.a)->sctp);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

START_TEST(line_ends_without_carriage_return_are_fine)
{
    duo d = duo_new();
    char *sdp = read_sdp("chromium156-offer-data-only.sdp"), *lf = with(sdp, "\r\n", "\n");
    OK(set_remote(d.a, KITH_SDP_OFFER, lf));
    kith_free(sdp);
    kith_free(lf);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: remote", an_offer_that_cannot_be_accepted_is_refused_and_changes_nothing,
          media_without_rtcp_mux_or_a_fingerprint_is_refused,
          an_offer_whose_only_section_cannot_be_used_is_refused_with_line_and_reason,
          a_section_that_cannot_be_used_beside_another_is_answered_with_port_0,
          what_the_session_contradicts_itself_in_refuses_nothing_that_says_it_itself,
          every_prefix_of_an_offer_is_taken_or_refused_whole,
          a_section_in_use_keeps_its_kind_its_mid_and_its_roles, an_offer_cannot_drop_sections,
          rejecting_the_section_in_use_closes_its_channels,
          the_section_in_use_stays_the_data_section, an_offer_of_media_only_leaves_channels_waiting,
          an_answer_that_does_not_fit_is_refused_and_changes_nothing,
          an_answer_whose_media_does_not_fit_is_refused_and_changes_nothing,
          what_an_answer_adds_to_the_offer_is_left_out, a_direction_beyond_the_offers_is_the_offers,
          an_answer_that_leaves_a_section_out_of_the_bundle_is_refused,
          what_nothing_flows_in_may_be_outside_the_bundle, a_running_association_keeps_its_port,
          an_answer_without_setup_is_taken_for_active,
          an_answer_that_turns_the_roles_without_a_tls_id_keeps_the_association,
          an_answer_that_rejects_the_data_section_closes_the_channels,
          line_ends_without_carriage_return_are_fine)
