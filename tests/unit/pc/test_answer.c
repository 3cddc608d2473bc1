/* Answers to what browsers and other stacks really say, and to the rarer forms of a data
 * section. */
#include "peers.h"

/* What strict peers ask of every section, rejected ones too: Pion and webrtc-rs want the codecs,
 * aiortc the keys and a=rtcp-mux, GStreamer the keys. */
static void assert_has_keys(const kith_sdp_media *answered)
{
    ck_assert_int_eq(answered->common.setup, KITH_SDP_SETUP_ACTIVE);
    ck_assert_ptr_nonnull(answered->common.ice_ufrag);
    ck_assert_ptr_nonnull(answered->common.ice_pwd);
    ck_assert_uint_ge(answered->common.fingerprints.count, 1);
    ck_assert_ptr_null(answered->common.tls_id); /* none of them has one */
}

static void assert_has_codecs(const kith_sdp_media *offered, const kith_sdp_media *answered)
{
    ck_assert(answered->rtcp_mux);
    for (size_t i = 0; i < answered->rtpmaps.count; i++) {
        const kith_sdp_rtpmap *ours = &answered->rtpmaps.items[i];
        const kith_sdp_rtpmap *theirs = kith_sdp_find_rtpmap(offered, ours->payload_type);
        ck_assert_ptr_nonnull(theirs);
        ck_assert_str_eq(ours->name, theirs->name);
        ck_assert_uint_eq(ours->clock_rate, theirs->clock_rate);
        ck_assert_uint_eq(ours->channels, theirs->channels);
    }
}

/* A section that is of no use says no more than it must. */
static void assert_is_unused(const kith_sdp_media *offered, const kith_sdp_media *answered)
{
    ck_assert_int_eq(answered->common.direction, KITH_SDP_DIRECTION_INACTIVE);
    ck_assert_uint_eq(answered->formats.count, offered->formats.count);
    for (size_t i = 0; i < offered->formats.count; i++)
        ck_assert_str_eq(answered->formats.items[i], offered->formats.items[i]);
    ck_assert_uint_eq(answered->rtpmaps.count, offered->rtpmaps.count);
    ck_assert_uint_eq(answered->fmtps.count, offered->fmtps.count);
    ck_assert_uint_eq(answered->rtcp_fbs.count + answered->common.extmaps.count +
                          answered->msids.count + answered->ssrcs.count,
                      0);
}

static void assert_answers(const kith_sdp_media *offered, const kith_sdp_media *answered,
                           bool is_accepted)
{
    ck_assert_str_eq(answered->kind, offered->kind);
    ck_assert_str_eq(answered->proto, offered->proto);
    ck_assert_str_eq(answered->mid, offered->mid);
    ck_assert_int_eq(kith_sdp_is_rejected(answered), !is_accepted);
    assert_has_keys(answered);
    if (!kith_sdp_is_data(offered)) {
        assert_has_codecs(offered, answered);
        if (!is_accepted)
            assert_is_unused(offered, answered);
        return;
    }
    ck_assert_str_eq(answered->formats.items[0], offered->formats.items[0]);
    ck_assert_int_eq(kith_sdp_sctp_port(answered), 5000);
    ck_assert_uint_eq(answered->max_message_size, 262144);
}

START_TEST(captured_offers_get_their_data_and_their_media_accepted)
{
    static const char *const offers[] = {
        "chromium156-offer-data-only.sdp",
        "chromium156-default-data-offer.sdp",
        "chromium156-offer-av-sendrecv.sdp",
        "chromium156-offer-av-sendrecv-data.sdp",
        "chromium156-snap-sped-offer.sdp",
        "firefox153-offer-data-only.sdp",
        "firefox153-default-data-offer.sdp",
        "firefox153-offer-av-sendrecv.sdp",
        "firefox153-offer-av-sendrecv-data.sdp",
        "gst-1.22-offer-data.sdp",
        "wrtc-0.10-offer.sdp",
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        duo d = duo_new();
        char *text = read_sdp(offers[i]);
        OK(set_remote(d.a, KITH_SDP_OFFER, text));
        ck_assert_str_eq(kith_pc_remote_description(d.a)->sdp, text);
        OK(kith_pc_set_local_description(d.a, NULL));
        const char *ours = kith_pc_local_description(d.a)->sdp;
        kith_sdp *offered = parse(text), *answered = parse(ours);
        ck_assert_uint_eq(answered->media.count, offered->media.count);
        for (size_t n = 0; n < offered->media.count; n++)
            assert_answers(offered->media.items[n], answered->media.items[n], true);
        const char *group = line_of(text, "a=group:BUNDLE ");
        ck_assert_int_eq(!!strstr(ours, "BUNDLE"), !!group);
        if (group) {
            char *wanted = kith_strdup(group);
            ck_assert_str_eq(line_of(ours, "a=group:BUNDLE "), wanted);
            kith_free(wanted);
        }
        /* Never echoed: options and attributes that we do not know. */
        ck_assert(!strstr(ours, " sped") && !strstr(ours, "sctp-init") &&
                  !strstr(ours, "msid-semantic"));
        ck_assert(has_line(ours, "a=ice-options:trickle ice2 renomination"));
        kith_sdp_free(offered);
        kith_sdp_free(answered);
        kith_free(text);
        duo_free(&d);
    }
}
END_TEST

START_TEST(captured_answers_fit_an_offer_of_ours)
{
    static const char *const answers[] = {
        "chromium156-default-data-answer.sdp",
        "chromium156-answer-to-firefox153-data-only.sdp",
        "firefox153-default-data-answer.sdp",
        "firefox153-answer-to-chromium156-data-only.sdp",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        duo d = duo_new();
        open_channel(d.a);
        OK(kith_pc_set_local_description(d.a, NULL));
        char *text = read_sdp(answers[i]);
        OK(set_remote(d.a, KITH_SDP_ANSWER, text));
        ck_assert_int_eq(kith_pc_signaling_state(d.a), KITH_SIGNALING_STATE_STABLE);
        ck_assert_int_eq(kith_jsep_agreed_data(d.a), 0);
        ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_SERVER);
        ck_assert_ptr_nonnull(kith_pc_transport(d.a)->sctp);
        size_t theirs = strstr(answers[i], "firefox153-") == answers[i] ? 1073741823 : 262144;
        ck_assert_uint_eq(kith_pc_transport(d.a)->remote_max_message_size, theirs);
        kith_free(text);
        duo_free(&d);
    }
}
END_TEST

START_TEST(captured_answers_with_media_do_not_fit_an_offer_of_data)
{
    static const char *const answers[] = {"chromium156-answer-to-firefox153-av-sendrecv.sdp",
                                          "firefox153-answer-to-chromium156-av-sendrecv.sdp"};
    for (size_t i = 0; i < 2; i++) {
        duo d = duo_new();
        open_channel(d.a);
        OK(kith_pc_set_local_description(d.a, NULL));
        snapshot before = snapshot_of(d.a);
        char *text = read_sdp(answers[i]);
        FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_ANSWER, text));
        assert_unchanged(d.a, &before);
        kith_free(text);
        duo_free(&d);
    }
}
END_TEST

/* ---- forms of the data section ---- */

/* An offer of data whose parts can be exchanged; the caller's. */
static char *data_offer(const char *m_line, const char *attributes)
{
    char *base = read_sdp("chromium156-offer-data-only.sdp");
    char *normal = with(base, "\r\n", "\n"), *line, *result;
    line = with(normal, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", m_line);
    result = with(line, "a=sctp-port:5000\na=max-message-size:262144\n", attributes);
    kith_free(base);
    kith_free(normal);
    kith_free(line);
    return result;
}

static const char *answer_to(kith_pc *pc, const char *offer)
{
    OK(set_remote(pc, KITH_SDP_OFFER, offer));
    OK(kith_pc_set_local_description(pc, NULL));
    return kith_pc_local_description(pc)->sdp;
}

START_TEST(the_old_form_is_answered_in_the_old_form)
{
    duo d = duo_new();
    char *offer =
        data_offer("m=application 9 DTLS/SCTP 5000", "a=sctpmap:5000 webrtc-datachannel 1024\n");
    const char *ours = answer_to(d.a, offer);
    ck_assert(has_line(ours, "m=application 9 DTLS/SCTP 5000"));
    ck_assert(has_line(ours, "a=sctpmap:5000 webrtc-datachannel 65535"));
    ck_assert_ptr_null(strstr(ours, "a=sctp-port"));
    ck_assert_uint_eq(kith_pc_transport(d.a)->remote_max_message_size, 65536); /* absent */
    /* And offered again in that form. */
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert(has_line(created->sdp, "m=application 9 DTLS/SCTP 5000"));
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(max_message_size_0_means_any)
{
    duo d = duo_new();
    char *offer = data_offer("m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
                             "a=sctp-port:5001\na=max-message-size:0\n");
    answer_to(d.a, offer);
    ck_assert_uint_eq(kith_pc_transport(d.a)->remote_max_message_size, 0);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(sctp_port_0_is_answered_with_0_and_starts_nothing)
{
    duo d = duo_new();
    char *offer = data_offer("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:0\n");
    ck_assert(has_line(answer_to(d.a, offer), "a=sctp-port:0"));
    ck_assert_ptr_null(kith_pc_transport(d.a)->sctp);
    ck_assert(kith_pc_transport(d.a)->has_dtls_role); /* the transport lives */
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(a_rejected_data_section_stays_rejected)
{
    duo d = duo_new();
    char *offer =
        data_offer("m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000\n");
    const char *ours = answer_to(d.a, offer);
    ck_assert(has_line(ours, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"));
    ck_assert(has_line(ours, "a=mid:0"));
    ck_assert_ptr_null(strstr(ours, "BUNDLE"));
    ck_assert(!kith_pc_transport(d.a)->has_dtls_role);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(of_several_data_sections_the_first_is_accepted)
{
    duo d = duo_new();
    char *offer = data_offer(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=sctp-port:5000\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\n"
        "a=mid:1\na=sctp-port:5000\nm=application 9 UDP/BFCP *\nc=IN IP4 0.0.0.0\na=mid:2\n");
    kith_sdp *sdp = parse(answer_to(d.a, offer));
    ck_assert(!kith_sdp_is_rejected(sdp->media.items[0]));
    ck_assert(kith_sdp_is_rejected(sdp->media.items[1]));
    ck_assert(kith_sdp_is_rejected(sdp->media.items[2]));
    ck_assert_str_eq(sdp->media.items[2]->proto, "UDP/BFCP");
    kith_sdp_free(sdp);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(setup_is_answered_with_its_counterpart)
{
    static const char *const pairs[][2] = {{"a=setup:actpass", "a=setup:active"},
                                           {"a=setup:active", "a=setup:passive"},
                                           {"a=setup:passive", "a=setup:active"},
                                           {"a=x", "a=setup:active"}};
    char *base = read_sdp("firefox153-offer-data-only.sdp");
    for (size_t i = 0; i < 4; i++) {
        duo d = duo_new();
        char *offer = with(base, "a=setup:actpass", pairs[i][0]);
        ck_assert(has_line(answer_to(d.a, offer), pairs[i][1]));
        ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role,
                         i == 1 ? KITH_DTLS_SERVER : KITH_DTLS_CLIENT);
        kith_free(offer);
        duo_free(&d);
    }
    kith_free(base);
}
END_TEST

START_TEST(a_section_without_mid_is_answered_without)
{
    duo d = duo_new();
    char *base = read_sdp("firefox153-offer-data-only.sdp");
    char *no_mid = with(base, "a=mid:0", "a=x"), *offer = with(no_mid, "a=group:BUNDLE 0", "a=x");
    const char *ours = answer_to(d.a, offer);
    ck_assert(!strstr(ours, "a=mid") && !strstr(ours, "a=group"));
    const kith_session_description *created; /* ours gives it one */
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert(has_line(created->sdp, "a=mid:0") && has_line(created->sdp, "a=group:BUNDLE 0"));
    kith_free(base);
    kith_free(no_mid);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(an_ungrouped_section_is_not_grouped_by_the_answer)
{
    duo d = duo_new();
    char *base = read_sdp("firefox153-offer-data-only.sdp");
    char *offer = with(base, "a=group:BUNDLE 0", "a=x");
    ck_assert_ptr_null(strstr(answer_to(d.a, offer), "BUNDLE"));
    kith_free(base);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(a_tls_id_is_answered_with_ours)
{
    duo d = duo_new();
    open_channel(d.a);
    negotiate(d.a, d.b);
    ck_assert_str_eq(line_of(kith_pc_local_description(d.b)->sdp, "a=tls-id:"), d.b->jsep.tls_id);
    ck_assert_str_ne(d.a->jsep.tls_id, d.b->jsep.tls_id);
    duo_free(&d);
}
END_TEST

START_TEST(a_lite_peer_makes_us_control)
{
    duo d = duo_new();
    char *base = read_sdp("firefox153-offer-data-only.sdp");
    char *offer = with(base, "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
    ck_assert_ptr_null(strstr(answer_to(d.a, offer), "ice-lite"));
    ck_assert_int_eq(kith_ice_get_role(kith_pc_transport(d.a)->ice), KITH_ICE_CONTROLLING);
    kith_free(base);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

#define FINGERPRINT                                                                              \
    "a=fingerprint:sha-256 "                                                                     \
    "81:A9:A5:BE:A0:C5:90:DC:B9:AD:A1:64:D0:84:B5:39:FE:5A:84:BB:39:0B:B7:30:B8:4B:1B:9E:70:B3:" \
    "7B:66\r\n"

/* What bundlePolicy "max-bundle" makes of a call: all transport is the first section's. */
static const char max_bundle_offer[] =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v d\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 9\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n" FINGERPRINT
    "a=rtcp-mux\r\na=rtpmap:111 speex/16000\r\na=fmtp:111 useinbandfec=1\r\n"
    "a=rtcp-fb:111 transport-cc\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=msid:- track\r\na=ssrc:1 cname:x\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=bundle-only\r\n"
    "a=rtcp-mux\r\na=rtpmap:96 VP9/90000\r\n"
    "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:d\r\n"
    "a=bundle-only\r\na=sctp-port:5000\r\n";

/* The bundle stays; all its sections repeat the keys of the tagged one. */
static void assert_bundle_stays(const char *text, kith_sdp_setup setup)
{
    kith_sdp *sdp = parse(text);
    ck_assert(has_line(text, "a=group:BUNDLE a v d"));
    const kith_sdp_media *audio = sdp->media.items[0];
    ck_assert_int_eq(audio->port, 9);
    ck_assert_int_eq(audio->common.direction, KITH_SDP_DIRECTION_INACTIVE);
    ck_assert(audio->rtcp_mux);
    ck_assert_int_eq(audio->common.setup, setup);
    ck_assert_ptr_nonnull(audio->common.ice_ufrag);
    ck_assert_uint_ge(audio->common.fingerprints.count, 1);
    ck_assert(has_line(text, "m=audio 9 UDP/TLS/RTP/SAVPF 111 9"));
    ck_assert(has_line(text, "a=rtpmap:111 speex/16000"));
    ck_assert(has_line(text, "a=fmtp:111 useinbandfec=1"));
    ck_assert_uint_eq(audio->rtcp_fbs.count + audio->common.extmaps.count + audio->msids.count +
                          audio->ssrcs.count,
                      0);
    ck_assert_int_eq(sdp->media.items[1]->common.direction, KITH_SDP_DIRECTION_INACTIVE);
    for (size_t i = 1; i < 3; i++) {
        const kith_sdp_media *m = sdp->media.items[i];
        ck_assert_int_eq(m->port, 9);
        ck_assert(!m->bundle_only);
        ck_assert_str_eq(m->common.ice_ufrag, audio->common.ice_ufrag);
        ck_assert_str_eq(m->common.ice_pwd, audio->common.ice_pwd);
        ck_assert_int_eq(m->common.setup, setup);
        ck_assert_uint_ge(m->common.fingerprints.count, 1);
    }
    kith_sdp_free(sdp);
}

START_TEST(a_bundle_only_section_uses_the_tagged_sections_transport)
{
    duo d = duo_new();
    assert_bundle_stays(answer_to(d.a, max_bundle_offer), KITH_SDP_SETUP_ACTIVE);
    ck_assert_int_eq(kith_jsep_agreed_data(d.a), 2);
    ck_assert_ptr_nonnull(kith_pc_transport(d.a)->sctp);
    duo_free(&d);
}
END_TEST

START_TEST(a_section_of_media_is_offered_again_until_the_peer_rejects_it)
{
    duo d = duo_new();
    char *ufrag = kith_strdup(line_of(answer_to(d.a, max_bundle_offer), "a=ice-ufrag:"));
    kith_pc_restart_ice(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    assert_bundle_stays(kith_pc_local_description(d.a)->sdp, KITH_SDP_SETUP_ACTPASS);
    ck_assert_str_ne(line_of(kith_pc_local_description(d.a)->sdp, "a=ice-ufrag:"), ufrag);
    OK(kith_pc_set_local_description(d.a, NULL)); /* and made once more, while it is pending */
    assert_bundle_stays(kith_pc_local_description(d.a)->sdp, KITH_SDP_SETUP_ACTPASS);
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    assert_bundle_stays(kith_pc_local_description(d.a)->sdp, KITH_SDP_SETUP_ACTIVE);

    /* As answered by a peer that keeps all, then by one whose transceiver was stopped: the data
     * section goes on with the same transport. */
    OK(kith_pc_set_local_description(d.a, NULL));
    char *keeps = with(max_bundle_offer, "a=setup:actpass", "a=setup:passive");
    OK(set_remote(d.a, KITH_SDP_ANSWER, keeps));
    OK(kith_pc_set_local_description(d.a, NULL));
    assert_bundle_stays(kith_pc_local_description(d.a)->sdp, KITH_SDP_SETUP_ACTPASS);
    char *video = with(keeps, "a=mid:v\r\na=bundle-only\r\n", "a=mid:v\r\n");
    char *group = with(video, "BUNDLE a v d", "BUNDLE d");
    char *audio = with(group, "m=audio 9", "m=audio 0");
    char *stops = with(audio,
                       "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "
                       "0.0.0.0\r\na=mid:d\r\na=bundle-only\r\n",
                       "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 "
                       "0.0.0.0\r\na=mid:d\r\na=ice-ufrag:abcd\r\n"
                       "a=ice-pwd:0123456789012345678901\r\na=setup:passive\r\n" FINGERPRINT);
    OK(set_remote(d.a, KITH_SDP_ANSWER, stops));
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert(has_line(created->sdp, "a=group:BUNDLE d"));
    ck_assert(has_line(created->sdp, "m=audio 0 UDP/TLS/RTP/SAVPF 111 9"));
    kith_free(ufrag);
    kith_free(keeps);
    kith_free(video);
    kith_free(group);
    kith_free(audio);
    kith_free(stops);
    duo_free(&d);
}
END_TEST

/* As aiortc and GStreamer offer: a transport for each section, for peers that do not bundle. */
static char *offer_of_transports(void)
{
    char *own = with(max_bundle_offer, "m=application 0", "m=application 9");
    char *offer = with(own, "a=mid:d\r\na=bundle-only\r\n",
                       "a=mid:d\r\na=ice-ufrag:efgh\r\na=ice-pwd:0123456789012345678901\r\n"
                       "a=setup:actpass\r\n" FINGERPRINT);
    kith_free(own);
    return offer;
}

START_TEST(a_section_with_a_transport_of_its_own_joins_the_bundle)
{
    duo d = duo_new();
    char *offer = offer_of_transports();
    assert_bundle_stays(answer_to(d.a, offer), KITH_SDP_SETUP_ACTIVE);
    ck_assert_str_eq(kith_description_transport(d.a->jsep.current_remote)->mid, "a");
    kith_free(offer);
    duo_free(&d);
}
END_TEST

/* A peer that does not bundle: what it says of other sections is not the data's. */
START_TEST(an_answer_without_a_bundle_has_the_transport_of_the_data)
{
    duo d = duo_new();
    answer_to(d.a, max_bundle_offer);
    OK(kith_pc_set_local_description(d.a, NULL));
    char *own = offer_of_transports(), *group = with(own, "a=group:BUNDLE a v d\r\n", "");
    char *video = with(group, "a=mid:v\r\na=bundle-only\r\n", "a=mid:v\r\n");
    char *answered = with(video, "a=setup:actpass", "a=setup:passive");
    OK(set_remote(d.a, KITH_SDP_ANSWER, answered));
    ck_assert_str_eq(kith_description_transport(d.a->jsep.current_remote)->mid, "d");
    kith_free(own);
    kith_free(group);
    kith_free(video);
    kith_free(answered);
    duo_free(&d);
}
END_TEST

START_TEST(the_bundle_has_the_transport_of_the_first_section_that_can_be_accepted)
{
    duo d = duo_new();
    char *own = offer_of_transports();
    char *offer = with(own, "m=audio 9 UDP/TLS/RTP/SAVPF 111 9", "m=text 9 TCP/WSS *");
    const char *ours = answer_to(d.a, offer);
    ck_assert(has_line(ours, "m=text 0 TCP/WSS *"));
    ck_assert_str_eq(kith_description_transport(d.a->jsep.current_remote)->mid, "d");
    ck_assert(has_line(ours, "a=group:BUNDLE v d"));
    kith_free(own);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(media_outside_the_bundle_of_the_data_is_rejected_with_all_that_strict_peers_ask_for)
{
    duo d = duo_new();
    char *own = offer_of_transports(), *group = with(own, "BUNDLE a v d", "BUNDLE d");
    char *offer = with(group, "a=mid:v\r\na=bundle-only\r\n", "a=mid:v\r\n" FINGERPRINT);
    kith_sdp *offered = parse(offer), *answered = parse(answer_to(d.a, offer));
    for (size_t i = 0; i < 3; i++)
        assert_answers(offered->media.items[i], answered->media.items[i], i == 2);
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "a=group:BUNDLE d"));
    kith_sdp_free(offered);
    kith_sdp_free(answered);
    kith_free(own);
    kith_free(group);
    kith_free(offer);
    duo_free(&d);
}
END_TEST

/* Else a format of two bytes would cost as many bytes as its parameters have. */
START_TEST(the_codec_of_a_repeated_format_is_answered_once)
{
    duo d = duo_new();
    char *offer = with(max_bundle_offer, "SAVPF 111 9", "SAVPF 111 9 111 111");
    const char *ours = answer_to(d.a, offer);
    ck_assert(has_line(ours, "m=audio 9 UDP/TLS/RTP/SAVPF 111 9 111 111"));
    const char *once = strstr(ours, "a=rtpmap:111");
    ck_assert(once && !strstr(once + 1, "a=rtpmap:111"));
    kith_free(offer);
    duo_free(&d);
}
END_TEST

START_TEST(two_peers_agree_over_sections_of_media)
{
    duo d = duo_new();
    answer_to(d.a, max_bundle_offer);
    OK(kith_pc_set_local_description(d.a, NULL));
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    OK(kith_pc_set_local_description(d.b, NULL));
    assert_bundle_stays(kith_pc_local_description(d.b)->sdp, KITH_SDP_SETUP_ACTIVE);
    ck_assert_int_eq(kith_jsep_agreed_data(d.b), 2);
    duo_free(&d);
}
END_TEST

START_TEST(create_answer_needs_a_remote_offer)
{
    duo d = duo_agreed();
    const kith_session_description *created;
    FAILS(INVALID_STATE, kith_pc_create_answer(d.a, &created));
    OK(kith_pc_set_local_description(d.a, NULL));
    FAILS(INVALID_STATE, kith_pc_create_answer(d.a, &created));
    duo_free(&d);
}
END_TEST

/* RFC 8842 sections 5.3 and 5.5: what another process offers is answered as a first offer is. */
START_TEST(an_offer_of_another_association_has_its_roles_and_its_tls_id)
{
    duo d = duo_new();
    open_channel(d.b);
    negotiate(d.b, d.a); /* d.a is the client */
    char before[64], now[64];
    snprintf(before, sizeof before, "%s",
             line_of(kith_pc_local_description(d.a)->sdp, "a=tls-id:"));
    kith_pc *another = peer_new(d.ep);
    open_channel(another);
    offer(another, d.a);
    const kith_session_description *created;
    OK(kith_pc_create_answer(d.a, &created));
    ck_assert_str_ne(line_of(created->sdp, "a=tls-id:"), before);
    OK(set_remote(d.a, KITH_SDP_ROLLBACK, NULL));

    OK(kith_pc_set_local_description(another, NULL));
    char *sdp = with(kith_pc_local_description(another)->sdp, "a=setup:actpass", "a=setup:active");
    OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
    OK(kith_pc_set_local_description(d.a, NULL));
    const char *answered = kith_pc_local_description(d.a)->sdp;
    ck_assert(has_line(answered, "a=setup:passive"));
    snprintf(now, sizeof now, "%s", line_of(answered, "a=tls-id:"));
    ck_assert_str_ne(now, before);
    ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_SERVER);
    OK(set_remote(another, KITH_SDP_ANSWER, answered));
    /* From now on it is that association's. */
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_str_eq(line_of(kith_pc_local_description(d.a)->sdp, "a=tls-id:"), now);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: answer", captured_offers_get_their_data_and_their_media_accepted,
          captured_answers_fit_an_offer_of_ours,
          captured_answers_with_media_do_not_fit_an_offer_of_data,
          the_old_form_is_answered_in_the_old_form, max_message_size_0_means_any,
          sctp_port_0_is_answered_with_0_and_starts_nothing, a_rejected_data_section_stays_rejected,
          of_several_data_sections_the_first_is_accepted, setup_is_answered_with_its_counterpart,
          a_section_without_mid_is_answered_without,
          an_ungrouped_section_is_not_grouped_by_the_answer, a_tls_id_is_answered_with_ours,
          a_lite_peer_makes_us_control, a_bundle_only_section_uses_the_tagged_sections_transport,
          a_section_of_media_is_offered_again_until_the_peer_rejects_it,
          a_section_with_a_transport_of_its_own_joins_the_bundle,
          an_answer_without_a_bundle_has_the_transport_of_the_data,
          the_bundle_has_the_transport_of_the_first_section_that_can_be_accepted,
          media_outside_the_bundle_of_the_data_is_rejected_with_all_that_strict_peers_ask_for,
          the_codec_of_a_repeated_format_is_answered_once, two_peers_agree_over_sections_of_media,
          create_answer_needs_a_remote_offer,
          an_offer_of_another_association_has_its_roles_and_its_tls_id)
