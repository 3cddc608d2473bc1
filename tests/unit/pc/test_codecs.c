/* The table of codecs: what is the same codec, how it is answered, where its key frames begin. */
#include "peers.h"

/* A section of video with one format 96. */
static kith_sdp *section(const char *rtpmap, const char *fmtp)
{
    char text[1024];
    kith_sdp *sdp = NULL;
    snprintf(text, sizeof text,
             "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
             "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 %s\r\n%s%s%s",
             rtpmap, fmtp ? "a=fmtp:96 " : "", fmtp ? fmtp : "", fmtp ? "\r\n" : "");
    OK(kith_sdp_parse(&sdp, text, strlen(text)));
    return sdp;
}

#define MODE_1 "packetization-mode=1;profile-level-id="

struct h264_case {
    const char *theirs;
    /* NULL: not one of ours */
    const char *answer;
};

/* RFC 6184 section 8.1 table 5, section 8.2.2; what browsers offer. */
static const struct h264_case h264_cases[] = {
    {"level-asymmetry-allowed=1;" MODE_1 "42001f", "1 420034"},
    {"level-asymmetry-allowed=1;" MODE_1 "42e01f", "1 42e034"},
    {"level-asymmetry-allowed=1;" MODE_1 "42C01F", "1 42c034"},
    {"level-asymmetry-allowed=1; " MODE_1 "4d001f", "1 4d0034"},
    {"Level-Asymmetry-Allowed=1;Packetization-Mode=1;Profile-Level-Id=640c1f", NULL},
    {MODE_1 "64001f", "0 64001f"},
    {MODE_1 "4d801f", "0 4d801f"},
    {MODE_1 "42e03c", "0 42e034"},
    {MODE_1 "42e01f;level-asymmetry-allowed=0", "0 42e01f"},
    {"packetization-mode=0;profile-level-id=42e01f", NULL},
    {"profile-level-id=42e01f", NULL},
    {"packetization-mode=1", "0 42000a"},
    {"packetization-mode=1;profile-level-id=zz001f", NULL},
    {"packetization-mode=1;profile-level-id=42e01", NULL},
    {"packetization-mode=2;profile-level-id=42e01f", NULL},
    {"packetization-mode=1;profile-level-id=f4001f", NULL},
    {NULL, NULL},
};

START_TEST(h264_is_the_same_by_its_profile_and_packetization_mode)
{
    for (size_t i = 0; i < sizeof h264_cases / sizeof h264_cases[0]; i++) {
        const struct h264_case *c = &h264_cases[i];
        kith_sdp *sdp = section("H264/90000", c->theirs);
        const kith_codec *row = kith_codec_find(&kith_codecs_known, sdp->media.items[0], 96);
        ck_assert_msg(!row == !c->answer, "%s", c->theirs);
        if (row) {
            char wanted[128];
            snprintf(wanted, sizeof wanted,
                     "level-asymmetry-allowed=%c;packetization-mode=1;profile-level-id=%s",
                     c->answer[0], c->answer + 2);
            ck_assert_str_eq(kith_codec_answer(row, sdp, c->theirs), wanted);
        }
        kith_sdp_free(sdp);
    }
}
END_TEST

START_TEST(names_have_no_case_and_rates_and_channels_count)
{
    kith_sdp *sdp = section("vp8/90000", "max-fs=12288;max-fr=60");
    ck_assert_str_eq(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 96)->codec.mime_type,
                     "video/VP8");
    ck_assert_ptr_null(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 97));
    kith_sdp_free(sdp);
    sdp = section("VP8/8000", NULL);
    ck_assert_ptr_null(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 96));
    sdp->media.items[0]->kind = "audio";
    sdp->media.items[0]->rtpmaps.items[0] =
        (kith_sdp_rtpmap){.payload_type = 96, .name = "OPUS", .clock_rate = 48000, .channels = 2};
    ck_assert_ptr_nonnull(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 96));
    sdp->media.items[0]->rtpmaps.items[0].channels = 0;
    ck_assert_ptr_null(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 96));
    /* RFC 3551 section 6: without a=rtpmap. */
    ck_assert_str_eq(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 8)->name, "PCMA");
    ck_assert_ptr_null(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 9));
    sdp->media.items[0]->kind = "text";
    ck_assert_ptr_null(kith_codec_find(&kith_codecs_known, sdp->media.items[0], 8));
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(capabilities_come_in_order)
{
    static const char *const audio[] = {"audio/opus", "audio/PCMU", "audio/PCMA"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(kith_rtp_capability_at(KITH_AUDIO, i)->mime_type, audio[i]);
    ck_assert_ptr_null(kith_rtp_capability_at(KITH_AUDIO, 3));
    ck_assert_str_eq(kith_rtp_capability_at(KITH_VIDEO, 0)->mime_type, "video/VP8");
    for (size_t i = 1; i < 5; i++)
        ck_assert_str_eq(kith_rtp_capability_at(KITH_VIDEO, i)->mime_type, "video/H264");
    ck_assert_ptr_null(kith_rtp_capability_at(KITH_VIDEO, 5));
    for (size_t i = 0; kith_codec_at(&kith_codecs_known, i); i++)
        ck_assert(kith_codec_is(kith_codec_at(&kith_codecs_known, i),
                                &kith_codec_at(&kith_codecs_known, i)->codec));
    ck_assert(!kith_codec_is(kith_codec_at(&kith_codecs_known, 4),
                             &kith_codec_at(&kith_codecs_known, 5)->codec));
}
END_TEST

START_TEST(the_round_trip_of_receivers_is_read_among_other_formats)
{
    ck_assert(kith_codec_has_rcvr_rtt(KITH_CODEC_RTCP_XR));
    ck_assert(kith_codec_has_rcvr_rtt("pkt-loss-rle rcvr-rtt=all:10000 stat-summary=loss,dup"));
    ck_assert(!kith_codec_has_rcvr_rtt("rcvr-rtt=sender"));
    ck_assert(!kith_codec_has_rcvr_rtt("rcvr-rtt=allx"));
    ck_assert(!kith_codec_has_rcvr_rtt(""));
    ck_assert(!kith_codec_has_rcvr_rtt(NULL));
}
END_TEST

UNIT_MAIN("pc: codecs", h264_is_the_same_by_its_profile_and_packetization_mode,
          names_have_no_case_and_rates_and_channels_count, capabilities_come_in_order,
          the_round_trip_of_receivers_is_read_among_other_formats)
