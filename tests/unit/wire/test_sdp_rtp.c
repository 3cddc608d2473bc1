/* Attributes of sections that carry RTP: formats, feedback, streams, sources and simulcast. */
#include "sdp_kit.h"

#include "wire/sdp_attribute.h"

START_TEST(rtpmap_and_fmtp_are_found_by_payload_type)
{
    kith_sdp *sdp = taken(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0\r\n"
                               "a=rtpmap:111 opus/48000/2\r\na=rtpmap:9 G722/8000/1\r\n"
                               "a=fmtp:111 minptime=10; useinbandfec=1\r\n");
    const kith_sdp_media *m = section(sdp, 0);
    const kith_sdp_rtpmap *opus = kith_sdp_find_rtpmap(m, 111);
    ck_assert_str_eq(opus->name, "opus");
    ck_assert_uint_eq(opus->clock_rate, 48000);
    ck_assert_uint_eq(opus->channels, 2);
    ck_assert_uint_eq(kith_sdp_find_rtpmap(m, 9)->channels, 1);
    ck_assert_ptr_null(kith_sdp_find_rtpmap(m, 0));
    ck_assert_str_eq(kith_sdp_find_fmtp(m, 111)->parameters, "minptime=10; useinbandfec=1");
    ck_assert_ptr_null(kith_sdp_find_fmtp(m, 9));
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(payload_types_above_127_are_refused_everywhere)
{
    static const char *const lines[] = {
        "a=rtpmap:128 opus/48000",       "a=rtpmap:4294967296 opus/48000",
        "a=rtpmap:-1 opus/48000",        "a=fmtp:128 x=y",
        "a=fmtp:18446744073709551617 x", "a=rtcp-fb:128 nack",
        "a=rtcp-fb:4294967392 nack pli", "a=imageattr:128 send *",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        left_out_after(HEAD AUDIO, 5, lines[i], "is no payload type (0 to 127");
    left_out_after(HEAD AUDIO, 5, "a=rid:1 send pt=128", "is no restriction");
    refused(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\n", 5, "\"128\" where a payload type");
    refused(HEAD "m=audio 9 RTP/AVP 0 4294967296\r\n", 5, "\"4294967296\" where a payload type");
    comes_back(HEAD, "m=audio 9 RTP/SAVPF 127 0");
}
END_TEST

START_TEST(rtpmap_is_refused_part_by_part)
{
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111", "name of an encoding");
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111 opus", "clock rate");
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111 opus/0", "\"0\" is no clock rate");
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111 opus/4294967296", "clock rate");
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111 opus/48000/256", "number of channels");
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111 opus/48000/0", "number of channels");
    left_out_after(HEAD AUDIO, 5, "a=rtpmap:111 op us/48000", "name of an encoding");
}
END_TEST

START_TEST(fmtp_of_a_section_without_rtp_has_a_format_of_its_own)
{
    kith_sdp *sdp = taken(HEAD DATA "a=fmtp:webrtc-datachannel max-message-size=100000\r\n");
    ck_assert_int_eq(section(sdp, 0)->fmtps.items[0].payload_type, -1);
    ck_assert_str_eq(section(sdp, 0)->fmtps.items[0].format, "webrtc-datachannel");
    kith_sdp_free(sdp);
    left_out_after(HEAD AUDIO, 5, "a=fmtp:opus x=y", "\"opus\" is no payload type");
}
END_TEST

START_TEST(feedback_may_stand_for_all_formats)
{
    kith_sdp *sdp = taken(HEAD VIDEO "a=rtcp-fb:* ccm fir\r\na=rtcp-fb:96 nack\r\n"
                                     "a=rtcp-fb:96 trr-int 100\r\n");
    const kith_sdp_media *m = section(sdp, 0);
    ck_assert_uint_eq(m->rtcp_fbs.count, 3);
    ck_assert_int_eq(m->rtcp_fbs.items[0].payload_type, -1);
    ck_assert_str_eq(m->rtcp_fbs.items[0].parameter, "fir");
    ck_assert_ptr_null(m->rtcp_fbs.items[1].parameter);
    ck_assert_str_eq(m->rtcp_fbs.items[2].parameter, "100");
    kith_sdp_free(sdp);
    left_out_after(HEAD VIDEO, 5, "a=rtcp-fb:96", "kind of feedback");
}
END_TEST

START_TEST(rtcp_has_a_port_and_perhaps_an_address)
{
    kith_sdp *sdp =
        taken(HEAD AUDIO "a=rtcp:9 IN IP4 0.0.0.0\r\na=rtcp-mux\r\n" VIDEO "a=rtcp:0\r\n");
    ck_assert_uint_eq(section(sdp, 0)->rtcp_port, 9);
    ck_assert_str_eq(section(sdp, 0)->rtcp_connection.address, "0.0.0.0");
    ck_assert(section(sdp, 0)->rtcp_mux && !section(sdp, 0)->rtcp_mux_only);
    ck_assert(section(sdp, 1)->has_rtcp && !section(sdp, 1)->rtcp_connection.address);
    kith_sdp_free(sdp);
    left_out_after(HEAD AUDIO, 5, "a=rtcp:65536", "0 to 65535");
    left_out_after(HEAD AUDIO, 5, "a=rtcp:9 IN IP4", "an address");
}
END_TEST

START_TEST(msid_is_a_stream_and_a_track)
{
    kith_sdp *sdp = taken(HEAD AUDIO "a=msid:{s} {t}\r\na=msid:-\r\n");
    const kith_sdp_media *m = section(sdp, 0);
    ck_assert_str_eq(m->msids.items[0].stream, "{s}");
    ck_assert_str_eq(m->msids.items[0].track, "{t}");
    ck_assert_str_eq(m->msids.items[1].stream, "-");
    ck_assert_ptr_null(m->msids.items[1].track);
    kith_sdp_free(sdp);
    left_out_after(HEAD AUDIO, 5, "a=msid:", "a stream");
    left_out_after(HEAD AUDIO, 5, "a=msid:a b c", "a track");
}
END_TEST

START_TEST(sources_keep_the_attributes_that_are_defined)
{
    kith_sdp *sdp = taken(HEAD VIDEO "a=ssrc:4294967295 cname:a:b c\r\na=ssrc:1 mslabel:x\r\n"
                                     "a=ssrc-group:FID 1 4294967295\r\n");
    const kith_sdp_media *m = section(sdp, 0);
    ck_assert_uint_eq(m->ssrcs.count, 1);
    ck_assert_uint_eq(m->ssrcs.items[0].ssrc, 4294967295u);
    ck_assert_str_eq(m->ssrcs.items[0].value, "a:b c");
    ck_assert_uint_eq(sdp->ignored_attributes, 1);
    ck_assert_uint_eq(m->ssrc_groups.items[0].ssrcs.items[1], 4294967295u);
    kith_sdp_free(sdp);
    left_out_after(HEAD VIDEO, 5, "a=ssrc:4294967296 cname:x", "\"4294967296\" is no SSRC");
    left_out_after(HEAD VIDEO, 5, "a=ssrc:1", "attribute of the source");
    left_out_after(HEAD VIDEO, 5, "a=ssrc-group:FID 1 x", "\"x\" is no SSRC");
    left_out_after(HEAD VIDEO, 5, "a=ssrc-group:", "semantics");
}
END_TEST

START_TEST(rid_has_formats_and_restrictions)
{
    kith_sdp *sdp = taken(
        HEAD VIDEO "a=rid:hi send pt=96,97;max-width=1280;max-br\r\na=rid:lo recv max-fps=15\r\n"
                   "a=rid:x recv\r\n");
    const kith_sdp_rid *hi = kith_sdp_find_rid(section(sdp, 0), "hi");
    ck_assert(hi->send);
    ck_assert_uint_eq(hi->payload_types.count, 2);
    ck_assert_uint_eq(hi->payload_types.items[1], 97);
    ck_assert_uint_eq(hi->restrictions.count, 2);
    ck_assert_str_eq(hi->restrictions.items[0].name, "max-width");
    ck_assert_str_eq(hi->restrictions.items[0].value, "1280");
    ck_assert_ptr_null(hi->restrictions.items[1].value);
    ck_assert(!kith_sdp_find_rid(section(sdp, 0), "lo")->send);
    kith_sdp_free(sdp);
    left_out_after(HEAD VIDEO, 5, "a=rid:1", "send or recv");
    left_out_after(HEAD VIDEO, 5, "a=rid:1 sendrecv", "send or recv");
    left_out_after(HEAD VIDEO, 5, "a=rid:a.b send", "letters and digits");
    left_out_after(HEAD VIDEO, 5, "a=rid:1 send =5", "\"=5\" is no restriction");
    left_out(HEAD VIDEO "a=rid:1 send\r\na=rid:1 recv\r\n", 7, "stands twice");
}
END_TEST

START_TEST(simulcast_has_streams_with_alternatives)
{
    kith_sdp *sdp =
        taken(HEAD VIDEO "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=rid:4 recv\r\n"
                         "a=simulcast:recv 4 send 1,~2;3\r\n");
    const kith_sdp_media *m = section(sdp, 0);
    ck_assert_uint_eq(m->simulcast_send.count, 2);
    ck_assert_uint_eq(m->simulcast_send.items[0].count, 2);
    ck_assert_str_eq(m->simulcast_send.items[0].items[1].id, "2");
    ck_assert(m->simulcast_send.items[0].items[1].paused);
    ck_assert(!m->simulcast_send.items[1].items[0].paused);
    ck_assert_uint_eq(m->simulcast_recv.count, 1);
    char *text = kith_sdp_write(sdp);
    ck_assert(has_line(text, "a=simulcast:send 1,~2;3 recv 4"));
    kith_free(text);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(simulcast_names_rids_of_its_section_once_each)
{
    left_out(HEAD VIDEO "a=rid:1 send\r\na=simulcast:send 1;2\r\n" AUDIO, 5,
             "names rid 2, which no a=rid has to send");
    left_out(HEAD AUDIO VIDEO "a=rid:1 recv\r\na=simulcast:send 1\r\n", 6, "no a=rid has to send");
    left_out(HEAD VIDEO "a=rid:1 send\r\na=simulcast:send 1;1\r\n", 5, "names rid 1 twice");
    left_out(HEAD VIDEO "a=rid:1 send\r\na=simulcast:send 1 send 1\r\n", 7, "once each");
    left_out_after(HEAD VIDEO, 5, "a=simulcast:send", "no list of rids");
    left_out_after(HEAD VIDEO, 5, "a=simulcast:send 1,,2", "no list of rids");
    left_out_after(HEAD VIDEO, 5, "a=simulcast:", "send or recv");
    left_out_after(HEAD VIDEO, 5, "a=simulcast: send rid=1;2", "no list of rids"); /* of a draft */
}
END_TEST

START_TEST(a_section_has_a_limit_of_rids)
{
    static char text[32 * 1024];
    strcpy(text, HEAD VIDEO);
    for (int i = 0; i <= KITH_SDP_MAX_RIDS; i++)
        snprintf(text + strlen(text), 64, "a=rid:r%d send\r\n", i);
    left_out(text, 5 + KITH_SDP_MAX_RIDS + 1, "more than 256 a=rid");
}
END_TEST

START_TEST(times_are_numbers)
{
    left_out_after(HEAD AUDIO, 5, "a=ptime:long", "\"long\" is no number");
    left_out_after(HEAD AUDIO, 5, "a=maxptime:20.", "is no number");
    left_out_after(HEAD AUDIO, 5, "a=framerate:-1", "is no number");
    left_out_after(HEAD AUDIO, 5, "a=ptime:", "is no number");
}
END_TEST

static const char *const lines[] = {
    "a=msid:s t",
    "a=msid:-",
    "a=rtcp:9 IN IP6 ::",
    "a=rtcp:53020",
    "a=rtcp-mux",
    "a=rtcp-mux-only",
    "a=rtcp-rsize",
    "a=rtcp-xr:rcvr-rtt=all",
    "a=rtcp-xr",
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:97 L16/44100/2",
    "a=rtcp-fb:* nack pli",
    "a=rtcp-fb:96 goog-remb",
    "a=fmtp:97 apt=96",
    "a=ptime:20",
    "a=ptime:2.5",
    "a=maxptime:120",
    "a=framerate:29.97",
    "a=imageattr:97 send [x=800,y=640,sar=1.1,q=0.6] recv *",
    "a=imageattr:* recv [x=330,y=250]",
    "a=label:1",
    "a=content:main,alt",
    "a=rid:1 send pt=96,97;max-width=1280;depend=2,3",
    "a=rid:1 recv max-fps=30",
    "a=ssrc-group:FID 1 2",
    "a=ssrc-group:FEC-FR 1 2",
    "a=ssrc:1 cname:user@host",
    "a=ssrc:1 previous-ssrc:2",
    "a=ssrc:1 fmtp:96 x=y",
    "a=ssrc:1 msid:s t",
};

START_TEST(every_rtp_attribute_comes_back_as_it_was)
{
    bool covered[64] = {0};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t name = strcspn(lines[i] + 2, ":");
        comes_back(HEAD VIDEO, lines[i]);
        for (size_t r = 0; r < kith_sdp_rtp_row_count; r++)
            if (strlen(kith_sdp_rtp_rows[r].name) == name &&
                strncmp(kith_sdp_rtp_rows[r].name, lines[i] + 2, name) == 0)
                covered[r] = true;
    }
    comes_back(HEAD VIDEO "a=rid:a send\r\na=rid:b recv\r\na=rid:c recv\r\n",
               "a=simulcast:send a recv ~b,c");
    for (size_t r = 0; r < kith_sdp_rtp_row_count; r++)
        ck_assert_msg(covered[r] || strcmp(kith_sdp_rtp_rows[r].name, "simulcast") == 0,
                      "no line tries a=%s", kith_sdp_rtp_rows[r].name);
}
END_TEST

UNIT_MAIN("wire: sdp_rtp", rtpmap_and_fmtp_are_found_by_payload_type,
          payload_types_above_127_are_refused_everywhere, rtpmap_is_refused_part_by_part,
          fmtp_of_a_section_without_rtp_has_a_format_of_its_own, feedback_may_stand_for_all_formats,
          rtcp_has_a_port_and_perhaps_an_address, msid_is_a_stream_and_a_track,
          sources_keep_the_attributes_that_are_defined, rid_has_formats_and_restrictions,
          simulcast_has_streams_with_alternatives, simulcast_names_rids_of_its_section_once_each,
          a_section_has_a_limit_of_rids, times_are_numbers,
          every_rtp_attribute_comes_back_as_it_was)
