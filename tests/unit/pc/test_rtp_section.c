/* Every attribute of our sections of audio and video, held to what kith carries out: no line more,
 * none less. What differs from run to run (keys, ids) stands as a word in capitals. */
#include "peers.h"

/* A section without what every section has and other tests hold: keys and address. */
static char *section_of(const char *sdp, const char *beginning)
{
    static const char *const left_out[] = {
        "c=", "a=ice-ufrag:", "a=ice-pwd:", "a=setup:", "a=fingerprint:", "a=tls-id:"};
    const char *at = strstr(sdp, beginning);
    ck_assert_msg(at, "no %s in %s", beginning, sdp);
    kith_writer w = kith_wr_growing();
    for (bool is_first = true; *at && (is_first || strncmp(at, "m=", 2) != 0); is_first = false) {
        size_t len = strcspn(at, "\r");
        bool is_wanted = true;
        for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
            is_wanted &= strncmp(at, left_out[i], strlen(left_out[i])) != 0;
        if (is_wanted) {
            kith_wr_bytes(&w, at, len);
            kith_wr_text(&w, "\n");
        }
        at += len + 2;
    }
    char *text = kith_wr_take_text(&w);
    ck_assert_ptr_nonnull(text);
    return text;
}

static char *replaced(char *text, const char *from, const char *to)
{
    char *result = with(text, from, to);
    kith_free(text);
    return result;
}

/* The section of a transceiver, its own words replaced. */
static void assert_section(kith_pc *pc, size_t index, const char *wanted)
{
    kith_transceiver *t = kith_pc_transceiver_at(pc, index);
    char ssrc[16];
    snprintf(ssrc, sizeof ssrc, "%u", t->sender.ssrc);
    char rtx_ssrc[16];
    snprintf(rtx_ssrc, sizeof rtx_ssrc, "%u", t->sender.rtx_ssrc);
    char *text = section_of(kith_pc_local_description(pc)->sdp,
                            t->kind == KITH_AUDIO ? "m=audio" : "m=video");
    text = replaced(text, rtx_ssrc, "REPAIR");
    text = replaced(text, t->sender.msid, "TRACK");
    text = replaced(text, pc->transceivers.cname, "CNAME");
    text = replaced(text, ssrc, "SSRC");
    ck_assert_str_eq(text, wanted);
    kith_free(text);
}

START_TEST(an_offer_has_what_kith_carries_out_and_nothing_else)
{
    duo d = duo_new();
    kith_transceiver_init init = KITH_TRANSCEIVER_INIT;
    init.streams = (const char *[]){"one", "two"};
    init.stream_count = 2;
    OK(kith_pc_add_transceiver(d.a, KITH_AUDIO, NULL, NULL));
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, &init, NULL));
    OK(kith_pc_set_local_description(d.a, NULL));
    assert_section(d.a, 0,
                   "m=audio 9 UDP/TLS/RTP/SAVPF 96 0 8\n"
                   "a=mid:0\n"
                   "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n"
                   "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
                   "a=sendrecv\n"
                   "a=msid:- TRACK\n"
                   "a=rtcp-mux\n"
                   "a=rtcp-mux-only\n"
                   "a=rtcp-rsize\n"
                   "a=rtcp-xr:rcvr-rtt=all\n"
                   "a=rtpmap:96 opus/48000/2\n"
                   "a=rtpmap:0 PCMU/8000\n"
                   "a=rtpmap:8 PCMA/8000\n"
                   "a=fmtp:96 minptime=10;useinbandfec=1\n"
                   "a=ssrc:SSRC cname:CNAME\n");
    assert_section(
        d.a, 1,
        "m=video 9 UDP/TLS/RTP/SAVPF 97 98 99 100 101 102 103 104 105 106\n"
        "a=mid:1\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n"
        "a=extmap:3 urn:3gpp:video-orientation\n"
        "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n"
        "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
        "a=extmap:6 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
        "a=sendrecv\n"
        "a=msid:one TRACK\n"
        "a=msid:two TRACK\n"
        "a=rtcp-mux\n"
        "a=rtcp-mux-only\n"
        "a=rtcp-rsize\n"
        "a=rtcp-xr:rcvr-rtt=all\n"
        "a=rtpmap:97 VP8/90000\n"
        "a=rtpmap:98 rtx/90000\n"
        "a=rtpmap:99 H264/90000\n"
        "a=rtpmap:100 rtx/90000\n"
        "a=rtpmap:101 H264/90000\n"
        "a=rtpmap:102 rtx/90000\n"
        "a=rtpmap:103 H264/90000\n"
        "a=rtpmap:104 rtx/90000\n"
        "a=rtpmap:105 H264/90000\n"
        "a=rtpmap:106 rtx/90000\n"
        "a=rtcp-fb:97 goog-remb\n"
        "a=rtcp-fb:97 ccm fir\n"
        "a=rtcp-fb:97 nack\n"
        "a=rtcp-fb:97 nack pli\n"
        "a=rtcp-fb:97 transport-cc\n"
        "a=rtcp-fb:99 goog-remb\n"
        "a=rtcp-fb:99 ccm fir\n"
        "a=rtcp-fb:99 nack\n"
        "a=rtcp-fb:99 nack pli\n"
        "a=rtcp-fb:99 transport-cc\n"
        "a=rtcp-fb:101 goog-remb\n"
        "a=rtcp-fb:101 ccm fir\n"
        "a=rtcp-fb:101 nack\n"
        "a=rtcp-fb:101 nack pli\n"
        "a=rtcp-fb:101 transport-cc\n"
        "a=rtcp-fb:103 goog-remb\n"
        "a=rtcp-fb:103 ccm fir\n"
        "a=rtcp-fb:103 nack\n"
        "a=rtcp-fb:103 nack pli\n"
        "a=rtcp-fb:103 transport-cc\n"
        "a=rtcp-fb:105 goog-remb\n"
        "a=rtcp-fb:105 ccm fir\n"
        "a=rtcp-fb:105 nack\n"
        "a=rtcp-fb:105 nack pli\n"
        "a=rtcp-fb:105 transport-cc\n"
        "a=fmtp:98 apt=97\n"
        "a=fmtp:99 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034\n"
        "a=fmtp:100 apt=99\n"
        "a=fmtp:101 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=420034\n"
        "a=fmtp:102 apt=101\n"
        "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d0034\n"
        "a=fmtp:104 apt=103\n"
        "a=fmtp:105 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640034\n"
        "a=fmtp:106 apt=105\n"
        "a=ssrc-group:FID SSRC REPAIR\n"
        "a=ssrc:SSRC cname:CNAME\n"
        "a=ssrc:REPAIR cname:CNAME\n");
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "a=group:BUNDLE 0 1"));
    duo_free(&d);
}
END_TEST

/* Takes a browser's offer; `sends`: wants to send what it offers to receive. */
static void answer_browser(kith_pc *pc, const char *file, bool sends)
{
    char *text = read_sdp(file);
    OK(set_remote(pc, KITH_SDP_OFFER, text));
    ck_assert_uint_eq(kith_pc_transceiver_count(pc), 2);
    for (size_t i = 0; i < 2 && sends; i++)
        OK(kith_transceiver_set_direction(kith_pc_transceiver_at(pc, i), KITH_DIRECTION_SENDRECV));
    OK(kith_pc_set_local_description(pc, NULL));
    kith_free(text);
}

START_TEST(an_answer_to_chromium_has_what_kith_carries_out_of_what_was_offered)
{
    duo d = duo_new();
    answer_browser(d.a, "chromium156-offer-av-sendrecv-data.sdp", true);
    assert_section(d.a, 0,
                   "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\n"
                   "a=mid:0\n"
                   "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
                   "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
                   "a=sendrecv\n"
                   "a=msid:- TRACK\n"
                   "a=rtcp-mux\n"
                   "a=rtcp-rsize\n"
                   "a=rtcp-xr:rcvr-rtt=all\n"
                   "a=rtpmap:111 opus/48000/2\n"
                   "a=rtpmap:0 PCMU/8000\n"
                   "a=rtpmap:8 PCMA/8000\n"
                   "a=fmtp:111 minptime=10;useinbandfec=1\n"
                   "a=ssrc:SSRC cname:CNAME\n");
    assert_section(
        d.a, 1,
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 108 109 116 117\n"
        "a=mid:1\n"
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
        "a=extmap:13 urn:3gpp:video-orientation\n"
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
        "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n"
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
        "a=sendrecv\n"
        "a=msid:- TRACK\n"
        "a=rtcp-mux\n"
        "a=rtcp-rsize\n"
        "a=rtcp-xr:rcvr-rtt=all\n"
        "a=rtpmap:96 VP8/90000\n"
        "a=rtpmap:97 rtx/90000\n"
        "a=rtpmap:102 H264/90000\n"
        "a=rtpmap:103 rtx/90000\n"
        "a=rtpmap:108 H264/90000\n"
        "a=rtpmap:109 rtx/90000\n"
        "a=rtpmap:116 H264/90000\n"
        "a=rtpmap:117 rtx/90000\n"
        "a=rtcp-fb:96 goog-remb\n"
        "a=rtcp-fb:96 ccm fir\n"
        "a=rtcp-fb:96 nack\n"
        "a=rtcp-fb:96 nack pli\n"
        "a=rtcp-fb:96 transport-cc\n"
        "a=rtcp-fb:102 goog-remb\n"
        "a=rtcp-fb:102 ccm fir\n"
        "a=rtcp-fb:102 nack\n"
        "a=rtcp-fb:102 nack pli\n"
        "a=rtcp-fb:102 transport-cc\n"
        "a=rtcp-fb:108 goog-remb\n"
        "a=rtcp-fb:108 ccm fir\n"
        "a=rtcp-fb:108 nack\n"
        "a=rtcp-fb:108 nack pli\n"
        "a=rtcp-fb:108 transport-cc\n"
        "a=rtcp-fb:116 goog-remb\n"
        "a=rtcp-fb:116 ccm fir\n"
        "a=rtcp-fb:116 nack\n"
        "a=rtcp-fb:116 nack pli\n"
        "a=rtcp-fb:116 transport-cc\n"
        "a=fmtp:97 apt=96\n"
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=420034\n"
        "a=fmtp:103 apt=102\n"
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034\n"
        "a=fmtp:109 apt=108\n"
        "a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d0034\n"
        "a=fmtp:117 apt=116\n"
        "a=ssrc-group:FID SSRC REPAIR\n"
        "a=ssrc:SSRC cname:CNAME\n"
        "a=ssrc:REPAIR cname:CNAME\n");
    duo_free(&d);
}
END_TEST

/* Firefox offers no a=rtcp-rsize for audio, and plays out with a delay without ever saying one. */
START_TEST(an_answer_to_firefox_turns_its_directions_and_receives_unless_told_to_send)
{
    duo d = duo_new();
    answer_browser(d.a, "firefox153-offer-av-sendrecv.sdp", false);
    assert_section(d.a, 0,
                   "m=audio 9 UDP/TLS/RTP/SAVPF 109 0 8\n"
                   "a=mid:0\n"
                   "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
                   "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\n"
                   "a=recvonly\n"
                   "a=rtcp-mux\n"
                   "a=rtpmap:109 opus/48000/2\n"
                   "a=rtpmap:0 PCMU/8000\n"
                   "a=rtpmap:8 PCMA/8000\n"
                   "a=fmtp:109 minptime=10;useinbandfec=1\n");
    assert_section(d.a, 1,
                   "m=video 9 UDP/TLS/RTP/SAVPF 120 124\n"
                   "a=mid:1\n"
                   "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\n"
                   "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
                   "a=extmap:6/sendonly "
                   "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n"
                   "a=extmap:7 "
                   "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
                   "a=recvonly\n"
                   "a=rtcp-mux\n"
                   "a=rtcp-rsize\n"
                   "a=rtpmap:120 VP8/90000\n"
                   "a=rtpmap:124 rtx/90000\n"
                   "a=rtcp-fb:120 goog-remb\n"
                   "a=rtcp-fb:120 ccm fir\n"
                   "a=rtcp-fb:120 nack\n"
                   "a=rtcp-fb:120 nack pli\n"
                   "a=rtcp-fb:120 transport-cc\n"
                   "a=fmtp:124 apt=120\n");
    duo_free(&d);
}
END_TEST

static void assert_source(kith_pc *pc, const kith_transceiver *t, const char *direction)
{
    char wanted[512];
    char *text = section_of(kith_pc_local_description(pc)->sdp, "m=video");
    ck_assert_msg(strstr(text, direction), "no %s in %s", direction, text);
    snprintf(wanted, sizeof wanted, "\na=msid:- %s\n", t->sender.msid);
    ck_assert_msg(strstr(text, wanted), "no %s in %s", wanted, text);
    snprintf(wanted, sizeof wanted, "\na=ssrc:%u cname:%s\n", t->sender.ssrc,
             pc->transceivers.cname);
    ck_assert_msg(strstr(text, wanted), "no %s in %s", wanted, text);
    kith_free(text);
}

/* RFC 9429 section 5.2.2, in offers and in answers. */
START_TEST(a_section_goes_on_to_say_its_track_when_it_sends_no_more)
{
    duo d = duo_new();
    kith_transceiver *video;
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, NULL, &video));
    negotiate(d.a, d.b);
    OK(kith_transceiver_set_direction(video, KITH_DIRECTION_INACTIVE));
    negotiate(d.a, d.b);
    assert_source(d.a, video, "\na=inactive\n");
    OK(kith_transceiver_set_direction(video, KITH_DIRECTION_RECVONLY));
    negotiate(d.b, d.a);
    assert_source(d.a, video, "\na=inactive\n");
    char *text = section_of(kith_pc_local_description(d.b)->sdp, "m=video");
    ck_assert_msg(!strstr(text, "a=ssrc:"), "one that never sent: %s", text);
    kith_free(text);
    duo_free(&d);
}
END_TEST

/* RFC 9143 section 10.1.2 and RFC 8285 section 6: they mean one thing in a bundle. */
START_TEST(a_new_section_keeps_to_the_numbers_of_the_bundle)
{
    duo d = duo_new();
    answer_browser(d.a, "chromium156-offer-av-sendrecv-data.sdp", true);
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, NULL, NULL));
    OK(kith_pc_set_local_description(d.a, NULL));
    const char *sdp = kith_pc_local_description(d.a)->sdp;
    char *section = section_of(strstr(sdp, "m=application"), "m=video");
    ck_assert_ptr_nonnull(strstr(section, "\na=mid:3\n"));
    ck_assert_ptr_nonnull(strstr(section, "\na=rtpmap:96 VP8/90000\n"));
    ck_assert_ptr_nonnull(strstr(section, "a=fmtp:108 level-asymmetry-allowed=1;"
                                          "packetization-mode=1;profile-level-id=42e034\n"));
    ck_assert_ptr_nonnull(strstr(section, "\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"));
    ck_assert_ptr_nonnull(strstr(section, "\na=extmap:13 urn:3gpp:video-orientation\n"));
    /* The High profile has no number yet, and 97 to 119 are taken but for a few. */
    const char *high = strstr(section, "profile-level-id=640034");
    ck_assert_ptr_nonnull(high);
    ck_assert(!strstr(section, "a=fmtp:98 ") && !strstr(section, "a=fmtp:100 "));
    ck_assert_ptr_nonnull(strstr(section, "\na=fmtp:97 apt=96\n"));
    ck_assert_ptr_nonnull(strstr(section, "\na=fmtp:109 apt=108\n"));
    kith_free(section);
    duo_free(&d);
}
END_TEST

static char *changed(const char *text, const char *const from_to[][2], size_t count)
{
    char *result = kith_strdup(text);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(strstr(result, from_to[i][0]), "no %s in %s", from_to[i][0], result);
        result = replaced(result, from_to[i][0], from_to[i][1]);
    }
    return result;
}

/* RFC 9429 section 5.2.2: its order, its feedback and its extensions; new formats behind them with
 * all their feedback; no rtcp-rsize that it had not, and rtcp-mux-only in a first offer alone. */
START_TEST(an_offer_made_again_has_what_the_last_answer_had)
{
    static const char *const answered[][2] = {
        {"SAVPF 96 97 98 99 100 101 102 103 104 105\r\n", "SAVPF 100 96 97\r\n"},
        {"a=rtcp-rsize\r\n", ""},
        {"a=rtpmap:98 H264/90000\r\n", ""},
        {"a=rtpmap:99 rtx/90000\r\n", ""},
        {"a=rtpmap:101 rtx/90000\r\n", ""},
        {"a=rtpmap:102 H264/90000\r\n", ""},
        {"a=rtpmap:103 rtx/90000\r\n", ""},
        {"a=rtpmap:104 H264/90000\r\n", ""},
        {"a=rtpmap:105 rtx/90000\r\n", ""},
        {"a=extmap:2 urn:3gpp:video-orientation\r\n", ""},
        {"a=extmap:3 ", "a=extmap:3/sendonly "},
        {"a=rtcp-fb:96 ccm fir\r\n", ""},
    };
    duo d = duo_new();
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, NULL, NULL));
    offer(d.a, d.b);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *text = changed(kith_pc_local_description(d.b)->sdp, answered, 12);
    OK(set_remote(d.a, KITH_SDP_ANSWER, text));
    kith_free(text);
    OK(kith_pc_set_local_description(d.a, NULL));
    assert_section(
        d.a, 0,
        "m=video 9 UDP/TLS/RTP/SAVPF 100 96 97 98 99 102 103 104 105\n"
        "a=mid:0\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n"
        "a=extmap:3/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\n"
        "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
        "a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\n"
        "a=sendrecv\n"
        "a=msid:- TRACK\n"
        "a=rtcp-mux\n"
        "a=rtcp-xr:rcvr-rtt=all\n"
        "a=rtpmap:100 H264/90000\n"
        "a=rtpmap:96 VP8/90000\n"
        "a=rtpmap:97 rtx/90000\n"
        "a=rtpmap:98 H264/90000\n"
        "a=rtpmap:99 rtx/90000\n"
        "a=rtpmap:102 H264/90000\n"
        "a=rtpmap:103 rtx/90000\n"
        "a=rtpmap:104 H264/90000\n"
        "a=rtpmap:105 rtx/90000\n"
        "a=rtcp-fb:100 goog-remb\n"
        "a=rtcp-fb:100 ccm fir\n"
        "a=rtcp-fb:100 nack pli\n"
        "a=rtcp-fb:100 transport-cc\n"
        "a=rtcp-fb:96 goog-remb\n"
        "a=rtcp-fb:96 nack\n"
        "a=rtcp-fb:96 nack pli\n"
        "a=rtcp-fb:96 transport-cc\n"
        "a=rtcp-fb:98 goog-remb\n"
        "a=rtcp-fb:98 ccm fir\n"
        "a=rtcp-fb:98 nack\n"
        "a=rtcp-fb:98 nack pli\n"
        "a=rtcp-fb:98 transport-cc\n"
        "a=rtcp-fb:102 goog-remb\n"
        "a=rtcp-fb:102 ccm fir\n"
        "a=rtcp-fb:102 nack\n"
        "a=rtcp-fb:102 nack pli\n"
        "a=rtcp-fb:102 transport-cc\n"
        "a=rtcp-fb:104 goog-remb\n"
        "a=rtcp-fb:104 ccm fir\n"
        "a=rtcp-fb:104 nack\n"
        "a=rtcp-fb:104 nack pli\n"
        "a=rtcp-fb:104 transport-cc\n"
        "a=fmtp:100 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=420034\n"
        "a=fmtp:97 apt=96\n"
        "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034\n"
        "a=fmtp:99 apt=98\n"
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d0034\n"
        "a=fmtp:103 apt=102\n"
        "a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640034\n"
        "a=fmtp:105 apt=104\n"
        "a=ssrc-group:FID SSRC REPAIR\n"
        "a=ssrc:SSRC cname:CNAME\n"
        "a=ssrc:REPAIR cname:CNAME\n");
    duo_free(&d);
}
END_TEST

/* The last answer may be ours: a peer's numbers and no others. */
START_TEST(an_offer_after_an_answer_of_ours_has_what_that_had)
{
    duo d = duo_new();
    answer_browser(d.a, "firefox153-offer-av-sendrecv.sdp", true);
    OK(kith_pc_set_local_description(d.a, NULL));
    assert_section(d.a, 0,
                   "m=audio 9 UDP/TLS/RTP/SAVPF 109 0 8\n"
                   "a=mid:0\n"
                   "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
                   "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\n"
                   "a=sendrecv\n"
                   "a=msid:- TRACK\n"
                   "a=rtcp-mux\n"
                   "a=rtpmap:109 opus/48000/2\n"
                   "a=rtpmap:0 PCMU/8000\n"
                   "a=rtpmap:8 PCMA/8000\n"
                   "a=fmtp:109 minptime=10;useinbandfec=1\n"
                   "a=ssrc:SSRC cname:CNAME\n");
    char *video = section_of(kith_pc_local_description(d.a)->sdp, "m=video");
    ck_assert_ptr_nonnull(strstr(video, "/sendonly http://www.webrtc.org/"));
    ck_assert_ptr_null(strstr(video, "urn:3gpp:video-orientation"));
    kith_free(video);
    duo_free(&d);
}
END_TEST

/* An offer that nobody answered is no answer: made again it is a first one. */
START_TEST(an_offer_that_waits_for_its_answer_is_made_again_as_it_was)
{
    duo d = duo_new();
    OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, NULL, NULL));
    OK(kith_pc_set_local_description(d.a, NULL));
    char *first = kith_strdup(kith_pc_local_description(d.a)->sdp);
    const kith_session_description *again = NULL;
    OK(kith_pc_create_offer(d.a, NULL, &again));
    ck_assert_str_eq(again->sdp, first);
    kith_free(first);
    duo_free(&d);
}
END_TEST

/* Each attribute that a description of ours may have. What a row of codecs.c gives its sections
 * stands in the tests above; this is all the rest. */
static bool is_known_attribute(const char *line)
{
    static const char *const names[] = {
        "a=group:BUNDLE",
        "a=ice-options:trickle ice2 renomination",
        "a=msid-semantic:",
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=fingerprint:sha-256 ",
        "a=setup:",
        "a=tls-id:",
        "a=mid:",
        "a=sendrecv\r",
        "a=sendonly\r",
        "a=recvonly\r",
        "a=inactive\r",
        "a=msid:",
        "a=ssrc-group:FID ",
        "a=rtcp-mux\r",
        "a=rtcp-mux-only\r",
        "a=rtcp-rsize\r",
        "a=rtcp-xr:" KITH_CODEC_RTCP_XR "\r",
        "a=rtpmap:",
        "a=fmtp:",
        "a=sctp-port:5000\r",
        "a=max-message-size:",
        "a=sctpmap:5000 webrtc-datachannel 65535\r",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(line, names[i], strlen(names[i])) == 0)
            return true;
    if (strncmp(line, "a=ssrc:", 7) == 0)
        return strstr(line, " cname:");
    if (strncmp(line, "a=extmap:", 9) == 0) {
        const char *uri = strchr(line, ' ') + 1;
        return kith_rtp_extension_find(kith_span_of(uri, strcspn(uri, "\r"))) !=
               KITH_RTP_EXTENSION_COUNT;
    }
    const char *value = strchr(line, ' ');
    for (size_t i = 0; value && strncmp(line, "a=rtcp-fb:", 10) == 0; i++) {
        const kith_sdp_rtcp_fb *fb = kith_codec_feedback_at(KITH_VIDEO, i);
        char wanted[64];
        if (!fb)
            break;
        snprintf(wanted, sizeof wanted, " %s%s%s\r", fb->type, fb->parameter ? " " : "",
                 fb->parameter ? fb->parameter : "");
        if (strncmp(value, wanted, strlen(wanted)) == 0)
            return true;
    }
    return false;
}

static void assert_known_attributes(kith_pc *pc)
{
    const char *line = kith_pc_local_description(pc)->sdp;
    for (; line && *line; line = strchr(line, '\n'), line += !!line)
        ck_assert_msg(strncmp(line, "a=", 2) != 0 || is_known_attribute(line), "%.*s",
                      (int)strcspn(line, "\r"), line);
}

START_TEST(no_description_has_an_attribute_that_is_not_carried_out)
{
    static const char *const offers[] = {
        "chromium156-default-data-offer.sdp",
        "chromium156-offer-av-sendrecv-data.sdp",
        "chromium156-offer-av-sendrecv.sdp",
        "chromium156-snap-sped-offer.sdp",
        "firefox153-default-data-offer.sdp",
        "firefox153-offer-av-sendrecv-data.sdp",
        "firefox153-offer-av-sendrecv.sdp",
        "gst-1.22-offer-data.sdp",
        "wrtc-0.10-offer.sdp",
    };
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        duo d = duo_new();
        char *text = read_sdp(offers[i]);
        OK(set_remote(d.a, KITH_SDP_OFFER, text));
        kith_free(text);
        OK(kith_pc_set_local_description(d.a, NULL));
        assert_known_attributes(d.a);
        OK(kith_pc_add_transceiver(d.a, KITH_AUDIO, NULL, NULL));
        OK(kith_pc_add_transceiver(d.a, KITH_VIDEO, NULL, NULL));
        OK(kith_pc_set_local_description(d.a, NULL));
        assert_known_attributes(d.a);
        duo_free(&d);
    }
}
END_TEST

UNIT_MAIN("pc: rtp section", an_offer_has_what_kith_carries_out_and_nothing_else,
          a_section_goes_on_to_say_its_track_when_it_sends_no_more,
          an_answer_to_chromium_has_what_kith_carries_out_of_what_was_offered,
          an_answer_to_firefox_turns_its_directions_and_receives_unless_told_to_send,
          a_new_section_keeps_to_the_numbers_of_the_bundle,
          an_offer_made_again_has_what_the_last_answer_had,
          an_offer_after_an_answer_of_ours_has_what_that_had,
          an_offer_that_waits_for_its_answer_is_made_again_as_it_was,
          no_description_has_an_attribute_that_is_not_carried_out)
