/* Lines, their order and their limits; and the attacks other parsers fell to. */
#include "../../oom/oom.h"
#include "sdp_kit.h"

#include <stdlib.h>

START_TEST(crlf_and_lf_mean_the_same)
{
    kith_sdp *sdp = taken("v=0\no=user 7 8 IN IP6 ::1\ns=talk\nt=0 0\r\n"
                          "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:0");
    ck_assert_str_eq(sdp->origin.username, "user");
    ck_assert_uint_eq(sdp->origin.session_id, 7);
    ck_assert_uint_eq(sdp->origin.session_version, 8);
    ck_assert_str_eq(sdp->origin.addrtype, "IP6");
    ck_assert_str_eq(sdp->origin.address, "::1");
    ck_assert_str_eq(sdp->name, "talk");
    ck_assert_str_eq(section(sdp, 0)->mid, "0");
    ck_assert_int_eq(section(sdp, 0)->line, 5);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(blank_lines_may_follow_but_not_interrupt)
{
    kith_sdp_free(taken(HEAD DATA "\r\n\n\r\n"));
    refused(HEAD "\r\n" DATA, 5, "letter");
    refused("\r\n" HEAD, 1, "letter");
}
END_TEST

START_TEST(empty_text_lacks_its_first_line)
{
    refused("", 1, "v= is missing");
    refused("\r\n", 1, "v= is missing");
    refused_span(NULL, 0, 1, "v= is missing");
}
END_TEST

START_TEST(required_lines_are_missed)
{
    refused("o=- 1 2 IN IP4 0.0.0.0\r\n", 1, "v= is missing");
    refused("v=0\r\ns=-\r\nt=0 0\r\n", 2, "o= is missing");
    refused("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\nt=0 0\r\n", 3, "s= is missing");
    refused("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\na=x\r\n", 4, "t= is missing");
    refused("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\n" DATA, 4, "t= is missing");
    refused("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\n", 3, "t= is missing");
}
END_TEST

START_TEST(session_lines_have_a_fixed_order_and_number)
{
    refused("v=0\r\ns=-\r\n", 2, "o= is missing");
    refused(HEAD "s=again\r\n", 5, "s= comes too late");
    left_out(HEAD "a=x\r\nc=IN IP4 0.0.0.0\r\n", 6, "c= comes too late");
    refused("v=0\r\nv=0\r\n", 2, "v= appears twice");
    left_out(
        "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\n",
        5, "c= appears twice");
    refused(HEAD DATA "t=0 0\r\n", 6, "t= cannot stand in a media section");
    left_out("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nr=1 2 3\r\nt=0 0\r\n", 4, "r= follows a t=");
    left_out("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nz=0 0\r\nt=0 0\r\n", 4, "z= follows a t=");
}
END_TEST

START_TEST(every_session_line_of_rfc_8866_is_kept)
{
    static const char text[] =
        "v=0\r\no=jdoe 2890844526 2890842807 IN IP4 198.51.100.1\r\n"
        "s=SDP Seminar\r\ni=A Seminar on SDP\r\nu=https://example.com/sdp.pdf\r\n"
        "e=j.doe@example.com (Jane Doe)\r\np=+1 617 555-6011\r\n"
        "c=IN IP4 233.252.0.1/127\r\nb=AS:128\r\nb=X-YZ:4\r\n"
        "t=3724394400 3724398000\r\nr=604800 3600 0 90000\r\n"
        "z=3730928400 -1h 3749680800 0\r\na=recvonly\r\n"
        "m=audio 49170/2 RTP/AVP 0\r\ni=the talk\r\nc=IN IP6 ff15::1\r\n"
        "b=TIAS:64000\r\n";
    kith_sdp *sdp = taken(text);
    char *written = kith_sdp_write(sdp);
    ck_assert_str_eq(written, text);
    ck_assert_str_eq(kith_sdp_media_connection(sdp, section(sdp, 0))->address, "ff15::1");
    ck_assert_uint_eq(section(sdp, 0)->num_ports, 2);
    ck_assert_uint_eq(section(sdp, 0)->common.bandwidths.items[0].value, 64000);
    kith_free(written);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(key_is_discarded)
{
    kith_sdp *sdp = taken(HEAD "k=clear:secret\r\n" DATA "k=prompt\r\n");
    char *written = kith_sdp_write(sdp);
    ck_assert_ptr_null(strstr(written, "k="));
    kith_free(written);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(media_lines_may_stand_in_any_order_and_c_may_be_missing)
{
    kith_sdp *sdp = taken(HEAD AUDIO "a=mid:0\r\nb=AS:50\r\nc=IN IP4 192.0.2.1\r\n" DATA);
    ck_assert_uint_eq(section(sdp, 0)->common.bandwidths.count, 1);
    ck_assert_str_eq(kith_sdp_media_connection(sdp, section(sdp, 0))->address, "192.0.2.1");
    ck_assert_ptr_null(kith_sdp_media_connection(sdp, section(sdp, 1))->address);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(damaged_lines_are_named_with_their_number)
{
    refused("v=1\r\n", 1, "v=1");
    refused("v=0\r\no=-\r\n", 2, "two numbers");
    refused("v=0\r\no=- 1 2x IN IP4 0.0.0.0\r\n", 2, "two numbers");
    refused("v=0\r\no=- 1 2 IN IP4\r\n", 2, "address");
    refused("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=now\r\n", 4, "t= is two numbers");
    refused(HEAD "q=1\r\n", 5, "no line of type \"q\"");
    refused(HEAD "x\r\n", 5, "a letter");
    refused(HEAD "audio\r\n", 5, "a letter");
    refused(HEAD "a=\r\n", 5, "name of an attribute");
    refused(HEAD "a=:x\r\n", 5, "name of an attribute");
    refused(HEAD "a=no blanks:x\r\n", 5, "name of an attribute");
    left_out(HEAD DATA "b=AS\r\n", 6, "b= is");
    left_out(HEAD DATA "b=AS:-1\r\n", 6, "b= is");
    left_out(HEAD DATA "c=IN IP4\r\n", 6, "c= is");
}
END_TEST

/* RFC 8866 section 5.2: numeric strings, of no given length. */
START_TEST(origin_numbers_may_be_long)
{
    kith_sdp *sdp = taken("v=0\r\no=- 340282366920938463463374607431768211456 18446744073709551616 "
                          "IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    ck_assert_uint_eq(sdp->origin.session_id, UINT64_MAX);
    ck_assert_uint_eq(sdp->origin.session_version, UINT64_MAX);
    kith_sdp_free(sdp);
}
END_TEST

/* What stands in a section that is rejected decides nothing. */
START_TEST(attributes_of_a_rejected_section_cannot_refuse)
{
    left_out(HEAD "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:both\r\n", 6,
             "\"both\"");
    left_out(HEAD "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:a\r\n" DATA, 6,
             "a=ice-ufrag");
}
END_TEST

START_TEST(remarks_are_counted_and_bounded)
{
    char text[4096];
    size_t len = (size_t)snprintf(text, sizeof text, HEAD DATA);
    for (int i = 0; i < KITH_SDP_MAX_REMARKS + 5; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "b=AS:x\r\n");
    kith_sdp *sdp = taken(text);
    ck_assert_uint_eq(sdp->ignored_lines, KITH_SDP_MAX_REMARKS + 5);
    ck_assert_uint_eq(sdp->remarks.count, KITH_SDP_MAX_REMARKS);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(media_line_is_refused_part_by_part)
{
    refused(HEAD "m=\r\n", 5, "m= is a kind");
    refused(HEAD "m=audio\r\n", 5, "m= is a kind");
    refused(HEAD "m=audio 65536 RTP/AVP 0\r\n", 5, "\"65536\" where a port");
    refused(HEAD "m=audio -1 RTP/AVP 0\r\n", 5, "where a port");
    refused(HEAD "m=audio 4294967305 RTP/AVP 0\r\n", 5, "where a port");
    refused(HEAD "m=audio 9/0 RTP/AVP 0\r\n", 5, "where a port");
    refused(HEAD "m=audio 9/ RTP/AVP 0\r\n", 5, "where a port");
    refused(HEAD "m=audio 9 RTP//AVP 0\r\n", 5, "m= is a kind");
    refused(HEAD "m=audio 9 RTP/AVP\r\n", 5, "no format");
    refused(HEAD "m=audio 9 RTP/AVP opus\r\n", 5, "\"opus\" where a payload type");
}
END_TEST

START_TEST(unknown_attributes_are_ignored_and_not_echoed)
{
    ignored(HEAD, "a=sctp-init:AQAA");
    ignored(HEAD DATA, "a=unheard-of");
    ignored(HEAD DATA, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"); /* RFC 8827 6.5: no SDES */
    ignored(HEAD DATA, "a=connection:new");                            /* RFC 8842 5.1 */
}
END_TEST

START_TEST(nul_and_control_characters_are_refused)
{
    static const char nul[] = HEAD AUDIO "a=fmtp:111 x\0y=z\r\n";
    refused_span(nul, sizeof nul - 1, 6, "control character (0x00)");
    refused(HEAD "a=x:\x01\r\n", 5, "control character (0x01)");
    refused(HEAD "a=x:\x7f\r\n", 5, "control character (0x7f)");
    refused("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=a\rb\r\n", 3, "control character (0x0d)");
    kith_sdp_free(taken(HEAD "a=ice-options:a\tb\r\n"));
}
END_TEST

START_TEST(text_is_utf8)
{
    kith_sdp *sdp =
        taken("v=0\no=- 1 2 IN IP4 0.0.0.0\ns=\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\nt=0 0\n");
    ck_assert_str_eq(sdp->name, "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
    kith_sdp_free(sdp);
    static const char *const bad[] = {
        "\xC3",
        "\xC0\x80",
        "\x80",
        "\xE2\x82",
        "\xED\xA0\x80",
        "\xE0\x80\x80",
        "\xF4\x90\x80\x80",
        "\xF0\x80\x80\x80",
        "\xFF",
        "\xC3(",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused_after(HEAD, 4, bad[i], "not UTF-8");
}
END_TEST

/* HEAD followed by `count` times `line`. */
static char *many(const char *before, const char *line, size_t count)
{
    size_t len = strlen(line), at = strlen(before);
    char *text = malloc(at + len * count + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, before, at + 1);
    for (size_t i = 0; i < count; i++, at += len)
        memcpy(text + at, line, len + 1);
    return text;
}

START_TEST(lines_have_a_limit_of_length)
{
    char *text = many(HEAD "a=x:", "y", KITH_SDP_MAX_LINE - 4);
    kith_sdp_free(taken(text));
    free(text);
    text = many(HEAD "a=x:", "y", KITH_SDP_MAX_LINE - 3);
    refused(text, 5, "16385 octets; 16384 are allowed");
    free(text);
    text = many(HEAD "a=x:", "y", 65536);
    refused(text, 5, "65540 octets");
    free(text);
}
END_TEST

START_TEST(descriptions_have_a_limit_of_size)
{
    char *text = many(HEAD DATA,
                      "a=x:123456789012345678901234567890123456789012345678901234567890\r\n", 3900);
    size_t len = strlen(text);
    ck_assert_uint_le(len, KITH_SDP_MAX_SIZE);
    kith_sdp_free(taken_span(text, len));
    text = realloc(text, KITH_SDP_MAX_SIZE + 1);
    memset(text + len, '\n', KITH_SDP_MAX_SIZE + 1 - len);
    kith_sdp_free(taken_span(text, KITH_SDP_MAX_SIZE));
    refused_span(text, KITH_SDP_MAX_SIZE + 1, 1, "262145 octets");
    free(text);
}
END_TEST

START_TEST(there_are_limits_of_lines_sections_attributes_and_formats)
{
    char *text = many(HEAD AUDIO, "b=AS:1\r\n", KITH_SDP_MAX_LINES - 5);
    kith_sdp_free(taken(text));
    free(text);
    text = many(HEAD AUDIO, "b=AS:1\r\n", KITH_SDP_MAX_LINES - 4);
    refused(text, 20001, "more than 20000 lines");
    free(text);
    text = many(HEAD, "m=x 9 y z\r\n", KITH_SDP_MAX_MEDIA);
    kith_sdp_free(taken(text));
    free(text);
    text = many(HEAD, "m=x 9 y z\r\n", KITH_SDP_MAX_MEDIA + 1);
    refused(text, 261, "more than 256 media sections");
    free(text);
    text = many(HEAD AUDIO, "a=ssrc:1 cname:x\r\n", KITH_SDP_MAX_ATTRIBUTES);
    kith_sdp_free(taken(text));
    free(text);
    text = many(HEAD AUDIO, "a=x\r\n", KITH_SDP_MAX_ATTRIBUTES + 1);
    refused(text, 4006, "more than 4000 attributes");
    free(text);
    text = many(HEAD "m=audio 9 RTP/AVP", " 0", KITH_SDP_MAX_FORMATS + 1);
    refused(text, 5, "more than 256 formats");
    free(text);
}
END_TEST

/* A peer connection keeps two or four of them for as long as it lives. */
START_TEST(description_of_a_data_section_takes_one_block_beside_its_tree)
{
    oom_begin(0, false);
    kith_sdp *sdp =
        taken("v=0\r\no=- 7152705343841575451 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
              "a=group:BUNDLE 0\r\na=ice-options:trickle ice2\r\n" DATA "c=IN IP4 0.0.0.0\r\n"
              "a=ice-ufrag:FO5tECfrdbH91A\r\na=ice-pwd:ULFCqjc0a3Dxrxc/RHSvcGHX\r\n"
              "a=fingerprint:sha-256 " SHA256 "\r\na=setup:actpass\r\n"
              "a=tls-id:AWn3PiIH56vRevngC82dg0B/\r\na=mid:0\r\na=sctp-port:5000\r\n"
              "a=max-message-size:262144\r\n");
    ck_assert_uint_eq(oom.live, 2);
    kith_sdp_free(sdp);
    ck_assert(!oom_end());
}
END_TEST

UNIT_MAIN("wire: sdp_parse", crlf_and_lf_mean_the_same, blank_lines_may_follow_but_not_interrupt,
          empty_text_lacks_its_first_line, required_lines_are_missed,
          session_lines_have_a_fixed_order_and_number, every_session_line_of_rfc_8866_is_kept,
          key_is_discarded, media_lines_may_stand_in_any_order_and_c_may_be_missing,
          damaged_lines_are_named_with_their_number, media_line_is_refused_part_by_part,
          origin_numbers_may_be_long, attributes_of_a_rejected_section_cannot_refuse,
          remarks_are_counted_and_bounded, unknown_attributes_are_ignored_and_not_echoed,
          nul_and_control_characters_are_refused, text_is_utf8, lines_have_a_limit_of_length,
          descriptions_have_a_limit_of_size,
          there_are_limits_of_lines_sections_attributes_and_formats,
          description_of_a_data_section_takes_one_block_beside_its_tree)
