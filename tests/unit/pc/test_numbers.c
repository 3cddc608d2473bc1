/* Payload types and ids of extensions have one meaning for ever (RFC 3264 section 8.3.2, RFC 9143
 * section 10.1.2, RFC 8285 section 6). */
#include "peers.h"

static kith_transceiver *add(kith_pc *pc, kith_media_kind kind)
{
    kith_transceiver *t = NULL;
    OK(kith_pc_add_transceiver(pc, kind, NULL, &t));
    return t;
}

START_TEST(a_number_that_an_offer_had_is_not_used_again_after_its_rollback)
{
    duo d = duo_new();
    add(d.b, KITH_VIDEO);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *codec = with(kith_pc_local_description(d.b)->sdp, "a=rtpmap:96 VP8/", "a=rtpmap:96 VP7/");
    char *text = with(codec, "a=extmap:2 urn:3gpp:video-orientation", "a=extmap:2 urn:other");
    OK(set_remote(d.a, KITH_SDP_OFFER, text));
    OK(set_remote(d.a, KITH_SDP_ROLLBACK, NULL));
    add(d.a, KITH_VIDEO);
    OK(kith_pc_set_local_description(d.a, NULL));
    const char *sdp = kith_pc_local_description(d.a)->sdp;
    ck_assert_ptr_null(strstr(sdp, "a=rtpmap:96 "));
    ck_assert(has_line(sdp, "a=rtpmap:98 H264/90000")); /* as it was there */
    ck_assert_ptr_null(strstr(sdp, "a=extmap:2 "));
    ck_assert(has_line(sdp, "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid"));
    ck_assert_ptr_nonnull(strstr(sdp, " urn:3gpp:video-orientation"));
    kith_free(codec);
    kith_free(text);
    duo_free(&d);
}
END_TEST

START_TEST(a_codec_has_its_number_again_after_its_section_went)
{
    duo d = duo_new();
    kith_transceiver *video = add(d.a, KITH_VIDEO);
    negotiate(d.a, d.b);
    OK(kith_transceiver_stop(video));
    negotiate(d.a, d.b);
    kith_transceiver *audio = add(d.a, KITH_AUDIO); /* takes the place of the video */
    negotiate(d.a, d.b);
    ck_assert(!strstr(kith_pc_local_description(d.a)->sdp, " VP8/"));
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "a=rtpmap:106 opus/48000/2"));
    add(d.a, KITH_VIDEO);
    negotiate(d.a, d.b);
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "a=rtpmap:96 VP8/90000"));
    ck_assert_int_eq(kith_transceiver_current_direction(audio), KITH_DIRECTION_SENDONLY);
    duo_free(&d);
}
END_TEST

/* A peer that names all numbers leaves none for what it does not know. */
START_TEST(a_codec_without_a_number_that_is_free_is_not_offered)
{
    duo d = duo_new();
    kith_writer w = kith_wr_growing();
    add(d.b, KITH_AUDIO);
    OK(kith_pc_set_local_description(d.b, NULL));
    char *text = with(kith_pc_local_description(d.b)->sdp, "a=rtpmap:96 opus/48000/2\r\n", "");
    char *rest = with(text, "SAVPF 96 0 8", "SAVPF 0 8");
    kith_wr_text(&w, rest);
    for (int i = 9; i < 128; i++)
        kith_wr_print(&w, "a=rtpmap:%d X-%d/8000\r\n", i, i);
    char *full = kith_wr_take_text(&w);
    OK(set_remote(d.a, KITH_SDP_OFFER, full));
    OK(set_remote(d.a, KITH_SDP_ROLLBACK, NULL));
    add(d.a, KITH_AUDIO);
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_ptr_nonnull(strstr(kith_pc_local_description(d.a)->sdp, "SAVPF 0 8\r\n"));
    kith_free(text);
    kith_free(rest);
    kith_free(full);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("pc: numbers", a_number_that_an_offer_had_is_not_used_again_after_its_rollback,
          a_codec_has_its_number_again_after_its_section_went,
          a_codec_without_a_number_that_is_free_is_not_offered)
