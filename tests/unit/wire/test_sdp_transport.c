/* Grouping, ICE, DTLS and SCTP attributes: what is read, what is refused, and in which words. */
#include "sdp_kit.h"

#include "wire/sdp_attribute.h"

START_TEST(group_names_its_mids_in_order)
{
    kith_sdp *sdp = taken(HEAD "a=group:BUNDLE a  b\ta2\r\na=group:LS b a\r\na=group:BUNDLE\r\n");
    ck_assert_uint_eq(sdp->groups.count, 3);
    const kith_sdp_group *bundle = kith_sdp_find_group(sdp, "BUNDLE", NULL);
    ck_assert_uint_eq(bundle->mids.count, 3);
    ck_assert_str_eq(bundle->mids.items[2], "a2");
    ck_assert_ptr_eq(kith_sdp_find_group(sdp, "BUNDLE", "b"), bundle);
    ck_assert_ptr_null(kith_sdp_find_group(sdp, "LS", "a2"));
    ck_assert_uint_eq(sdp->groups.items[2].mids.count, 0);
    kith_sdp_free(sdp);
    left_out_after(HEAD, 4, "a=group:", "semantics");
    left_out_after(HEAD, 4, "a=group:BUNDLE a/b", "mid");
}
END_TEST

START_TEST(mid_is_one_token_and_unique)
{
    kith_sdp *sdp = taken(HEAD AUDIO "a=mid:x\r\n" DATA "a=mid:0\r\n");
    ck_assert_ptr_eq(kith_sdp_find_mid(sdp, "0"), section(sdp, 1));
    ck_assert_int_eq(kith_sdp_index_of(sdp, section(sdp, 1)), 1);
    ck_assert_ptr_null(kith_sdp_find_mid(sdp, "1"));
    ck_assert_ptr_null(kith_sdp_find_mid(sdp, NULL));
    kith_sdp_free(sdp);
    spoils_section(HEAD AUDIO "a=mid:0\r\n" DATA "a=mid:0\r\n", 8,
                   "already the name of the section of line 5");
    spoils_section(HEAD AUDIO "a=mid:0\r\na=mid:1\r\n", 7, "a=mid appears twice");
    kith_sdp_free(taken(HEAD AUDIO "a=mid:0\r\na=mid:0\r\n"));
    spoils_section_after(HEAD AUDIO, 5, "a=mid:", "token");
    spoils_section_after(HEAD AUDIO, 5, "a=mid", "token");
    spoils_section_after(HEAD AUDIO, 5, "a=mid:a b", "token");
}
END_TEST

START_TEST(ice_options_are_split_at_white_space)
{
    kith_sdp *sdp = taken(HEAD "a=ice-options:trickle  ice2\trenomination\r\n" DATA
                               "a=ice-options:trickle\r\n");
    ck_assert_uint_eq(sdp->common.ice_options.count, 3);
    ck_assert(kith_sdp_has_ice_option(sdp, NULL, "ice2"));
    ck_assert(kith_sdp_has_ice_option(sdp, section(sdp, 0), "trickle"));
    ck_assert(!kith_sdp_has_ice_option(sdp, section(sdp, 0), "ice2"));
    ck_assert(!kith_sdp_has_ice_option(sdp, NULL, "trickle  ice2"));
    kith_sdp_free(sdp);
    kith_sdp *commas = taken(HEAD "a=ice-options:ice2,trickle\r\n");
    ck_assert(kith_sdp_has_ice_option(commas, NULL, "ice2"));
    ck_assert(kith_sdp_has_ice_option(commas, NULL, "trickle"));
    kith_sdp_free(commas);
    left_out_after(HEAD, 4, "a=ice-options: ", "value");
}
END_TEST

static void unusable(const char *line, const char *words)
{
    spoils_section_after(HEAD DATA, 5, line, words);
    left_out_after(HEAD, 4, line, words);
}

START_TEST(ice_credentials_have_their_length_and_characters)
{
    char long_one[600] = "a=ice-pwd:";
    comes_back(HEAD DATA, "a=ice-ufrag:/b+0");
    comes_back(HEAD DATA, "a=ice-ufrag:a-b_c=d#"); /* not ice-chars, but some peers send them */
    unusable("a=ice-ufrag:abc", "3 characters; it needs 4 to 256");
    unusable("a=ice-ufrag:ab cd", "nothing else");
    unusable("a=ice-pwd:0123456789012345678901\"", "nothing else");
    unusable("a=ice-pwd:012345678901234567890", "21 characters");
    memset(long_one + 10, 'x', 256);
    comes_back(HEAD DATA, long_one);
    long_one[266] = 'x';
    unusable(long_one, "257 characters");
}
END_TEST

START_TEST(ice_credentials_of_the_session_hold_where_a_section_has_none)
{
    kith_sdp *sdp = taken(HEAD "a=ice-ufrag:sess\r\na=ice-pwd:0123456789012345678901\r\n" AUDIO
                               "a=ice-ufrag:part\r\n" DATA);
    ck_assert_str_eq(kith_sdp_ice_ufrag(sdp, section(sdp, 0)), "part");
    ck_assert_str_eq(kith_sdp_ice_pwd(sdp, section(sdp, 0)), "0123456789012345678901");
    ck_assert_str_eq(kith_sdp_ice_ufrag(sdp, section(sdp, 1)), "sess");
    ck_assert_str_eq(kith_sdp_ice_pwd(sdp, section(sdp, 1)), "0123456789012345678901");
    kith_sdp_free(sdp);
}
END_TEST

/* Taken, with a fault of line 5 or 6 in the sections that `faults` marks with an x. */
static void spoils(const char *text, const char *faults)
{
    kith_sdp *sdp = taken(text);
    ck_assert_uint_eq(sdp->media.count, strlen(faults));
    ck_assert_uint_eq(sdp->ignored_lines, 1);
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_remark *fault = &section(sdp, i)->fault;
        ck_assert_msg(!fault->text == (faults[i] == '.'), "section %zu: %s\n%s", i,
                      fault->text ? fault->text : "no fault", text);
        ck_assert_int_eq(fault->line, fault->text ? sdp->remarks.items[0].line : 0);
    }
    kith_sdp_free(sdp);
}

#define PWD "a=ice-pwd:0123456789012345678901\r\n"

START_TEST(what_the_session_contradicts_itself_in_spoils_the_sections_that_have_it_from_there)
{
    spoils(HEAD "a=setup:both\r\n" AUDIO DATA, "xx");
    spoils(HEAD "a=setup:both\r\n" AUDIO "a=setup:active\r\n" DATA, ".x");
    spoils(HEAD "a=setup:active\r\na=setup:passive\r\n" AUDIO DATA "a=setup:active\r\n", "x.");
    spoils(HEAD "a=ice-ufrag:aaaa\r\na=ice-ufrag:bbbb\r\n" AUDIO "a=ice-ufrag:cccc\r\n" DATA, ".x");
    spoils(HEAD "a=ice-pwd:short\r\n" AUDIO DATA PWD, "x.");
    spoils(HEAD "a=ice-pwd:short\r\n", "");
}
END_TEST

/* RFC 9143 section 7.1.3: the others of a bundle have the transport of one that says it. */
START_TEST(sections_of_a_bundle_need_nothing_of_the_session_that_another_of_them_says)
{
    spoils(HEAD "a=group:BUNDLE a b\r\na=ice-ufrag:#\r\n" AUDIO "a=mid:a\r\n" DATA
                "a=mid:b\r\na=ice-ufrag:cccc\r\n" VIDEO "a=mid:c\r\n" VIDEO,
           "..xx");
    spoils(HEAD "a=group:BUNDLE a b\r\na=ice-ufrag:#\r\n" AUDIO "a=mid:a\r\n" DATA "a=mid:b\r\n",
           "xx");
}
END_TEST

START_TEST(a_bundle_that_says_two_contradictory_things_in_two_sections_says_neither)
{
    kith_sdp *sdp = taken(HEAD "a=group:BUNDLE a b\r\na=ice-ufrag:#\r\na=ice-pwd:#\r\n" AUDIO
                               "a=mid:a\r\na=ice-ufrag:cccc\r\n" DATA "a=mid:b\r\n" PWD);
    /* Each for what it does not say itself. */
    ck_assert_int_eq(section(sdp, 0)->fault.line, 7);
    ck_assert_int_eq(section(sdp, 1)->fault.line, 6);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(damaged_candidate_is_counted_and_costs_nothing_else)
{
    kith_sdp *sdp = taken(HEAD DATA "a=candidate:1 1 udp 2122265343 192.0.2.2 5000 typ host\r\n"
                                    "a=candidate:1 1 sctp 2122265343 192.0.2.2 5000 typ host\r\n"
                                    "a=candidate:\r\na=candidate\r\n"
                                    "a=candidate:2 1 tcp 1 192.0.2.3 9 typ host tcptype active\r\n"
                                    "a=end-of-candidates\r\n");
    const kith_sdp_media *m = section(sdp, 0);
    ck_assert_uint_eq(m->candidates.count, 2);
    ck_assert_uint_eq(m->ignored_candidates, 3);
    ck_assert_str_eq(m->candidates.items[1].foundation, "2");
    ck_assert(kith_sdp_end_of_candidates(sdp, m));
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(no_section_stores_more_than_a_hundred_candidates)
{
    static char text[32 * 1024];
    strcpy(text, HEAD DATA);
    for (int i = 0; i < 110; i++)
        snprintf(text + strlen(text), 128,
                 "a=candidate:%d 1 udp 1 192.0.2.2 5000 typ srflx raddr 10.0.0.1 rport 9\r\n", i);
    kith_sdp *sdp = taken(text);
    ck_assert_uint_eq(section(sdp, 0)->candidates.count, KITH_SDP_MAX_CANDIDATES);
    ck_assert_uint_eq(section(sdp, 0)->ignored_candidates, 10);
    ck_assert_str_eq(section(sdp, 0)->candidates.items[99].foundation, "99");
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(fingerprint_of_md5_or_an_unknown_hash_is_counted_not_used)
{
    kith_sdp *sdp =
        taken(HEAD "a=fingerprint:sha-256 " SHA256 "\r\n" DATA
                   "a=fingerprint:md5 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n"
                   "a=fingerprint:sha-9000 00:01\r\n" AUDIO
                   "a=fingerprint:SHA-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13"
                   "\r\n" VIDEO);
    ck_assert_uint_eq(section(sdp, 0)->common.ignored_fingerprints, 2);
    /* What the section says in place of the session's is unusable: that is not the session's. */
    ck_assert_uint_eq(kith_sdp_media_fingerprints(sdp, section(sdp, 0))->count, 0);
    const kith_sdp_fingerprints *own = kith_sdp_media_fingerprints(sdp, section(sdp, 1));
    ck_assert_uint_eq(own->count, 1);
    ck_assert_int_eq(own->items[0].hash, KITH_HASH_SHA1);
    ck_assert_uint_eq(own->items[0].digest[19], 0x13);
    const kith_sdp_fingerprints *inherited = kith_sdp_media_fingerprints(sdp, section(sdp, 2));
    ck_assert_uint_eq(inherited->count, 1);
    ck_assert_int_eq(inherited->items[0].hash, KITH_HASH_SHA256);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(fingerprint_of_the_wrong_length_is_left_out)
{
    left_out_after(HEAD DATA, 5, "a=fingerprint:sha-256 00:01", "sha-256 has 32 octets");
    left_out_after(HEAD DATA, 5, "a=fingerprint:sha-256 " SHA256 ":00", "32 octets");
    left_out_after(HEAD DATA, 5, "a=fingerprint:sha-256", "name of a hash and a digest");
    left_out_after(HEAD DATA, 5, "a=fingerprint:", "name of a hash and a digest");
}
END_TEST

START_TEST(setup_has_the_four_roles_of_rfc_4145)
{
    kith_sdp *sdp = taken(HEAD "a=setup:actpass\r\n" DATA AUDIO "a=setup:passive\r\n");
    ck_assert_int_eq(kith_sdp_media_setup(sdp, section(sdp, 0)), KITH_SDP_SETUP_ACTPASS);
    ck_assert_int_eq(kith_sdp_media_setup(sdp, section(sdp, 1)), KITH_SDP_SETUP_PASSIVE);
    kith_sdp_free(sdp);
    comes_back(HEAD DATA, "a=setup:active");
    comes_back(HEAD DATA, "a=setup:holdconn");
    spoils_section_after(HEAD DATA, 5, "a=setup:both", "\"both\"");
    spoils_section(HEAD DATA "a=setup:active\r\na=setup:passive\r\n", 7, "a=setup appears twice");
    kith_sdp *sdp_twice = taken(HEAD DATA "a=setup:Active\r\na=setup:Active\r\n");
    ck_assert_int_eq(kith_sdp_media_setup(sdp_twice, sdp_twice->media.items[0]),
                     KITH_SDP_SETUP_ACTIVE);
    kith_sdp_free(sdp_twice);
}
END_TEST

START_TEST(tls_id_has_twenty_characters_or_more)
{
    kith_sdp *sdp = taken(HEAD "a=tls-id:abcdefghij+/-_012345\r\n" DATA);
    ck_assert_str_eq(kith_sdp_tls_id(sdp, section(sdp, 0)), "abcdefghij+/-_012345");
    kith_sdp_free(sdp);
    left_out_after(HEAD DATA, 5, "a=tls-id:abcdefghij012345678", "20 to 255");
    left_out_after(HEAD DATA, 5, "a=tls-id:abcdefghij0123456789.", "20 to 255");
}
END_TEST

START_TEST(sctp_port_and_message_size_have_flags_and_defaults)
{
    kith_sdp *sdp = taken(HEAD DATA DATA "a=sctp-port:0\r\na=max-message-size:0\r\n" DATA
                                         "a=max-message-size:18446744073709551615\r\n");
    ck_assert(!section(sdp, 0)->has_sctp_port);
    ck_assert_int_eq(kith_sdp_sctp_port(section(sdp, 0)), 5000);
    ck_assert_uint_eq(kith_sdp_max_message_size(section(sdp, 0)), 65536);
    ck_assert(section(sdp, 1)->has_sctp_port);
    ck_assert_int_eq(kith_sdp_sctp_port(section(sdp, 1)), 0);
    ck_assert_uint_eq(kith_sdp_max_message_size(section(sdp, 1)), 0);
    ck_assert_uint_eq(kith_sdp_max_message_size(section(sdp, 2)), UINT64_MAX);
    kith_sdp_free(sdp);
    spoils_section_after(HEAD DATA, 5, "a=sctp-port:65536", "0 to 65535");
    spoils_section_after(HEAD DATA, 5, "a=sctp-port:-1", "0 to 65535");
    spoils_section_after(HEAD DATA, 5, "a=max-message-size:64K", "octets");
    spoils_section_after(HEAD DATA, 5, "a=max-message-size:18446744073709551616", "octets");
}
END_TEST

START_TEST(both_forms_of_data_sections_are_known)
{
    kith_sdp *sdp =
        taken(HEAD "m=application 9 DTLS/SCTP 5000\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n"
                   "m=application 9 DTLS/SCTP 5001\r\n"
                   "m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5002\r\n"
                   "m=application 9 UDP/DTLS/SCTP something-else\r\n" AUDIO);
    ck_assert(kith_sdp_is_data(section(sdp, 0)));
    ck_assert_int_eq(kith_sdp_sctp_port(section(sdp, 0)), 5000);
    ck_assert_uint_eq(section(sdp, 0)->sctpmaps.items[0].streams, 1024);
    ck_assert(!kith_sdp_is_data(section(sdp, 1)));
    ck_assert_int_eq(kith_sdp_sctp_port(section(sdp, 1)), 5001);
    ck_assert(kith_sdp_is_data(section(sdp, 2)));
    ck_assert_int_eq(kith_sdp_sctp_port(section(sdp, 2)), 5002);
    ck_assert(!kith_sdp_is_data(section(sdp, 3)));
    ck_assert(!kith_sdp_is_data(section(sdp, 4)));
    ck_assert(kith_sdp_is_rtp(section(sdp, 4)));
    ck_assert(!kith_sdp_is_rtp(section(sdp, 0)));
    kith_sdp_free(sdp);
    spoils_section_after(HEAD DATA, 5, "a=sctpmap:70000 webrtc-datachannel", "a port");
    spoils_section_after(HEAD DATA, 5, "a=sctpmap:5000", "a protocol");
}
END_TEST

START_TEST(direction_is_sendrecv_unless_said_and_said_once)
{
    kith_sdp *sdp = taken(HEAD "a=inactive\r\n" AUDIO VIDEO "a=recvonly\r\n");
    ck_assert_int_eq(kith_sdp_media_direction(sdp, section(sdp, 0)), KITH_SDP_DIRECTION_INACTIVE);
    ck_assert_int_eq(kith_sdp_media_direction(sdp, section(sdp, 1)), KITH_SDP_DIRECTION_RECVONLY);
    kith_sdp_free(sdp);
    sdp = taken(HEAD AUDIO);
    ck_assert_int_eq(kith_sdp_media_direction(sdp, section(sdp, 0)), KITH_SDP_DIRECTION_SENDRECV);
    kith_sdp_free(sdp);
    left_out(HEAD AUDIO "a=sendonly\r\na=recvonly\r\n", 7, "a=recvonly comes after a=sendonly");
    kith_sdp_free(taken(HEAD AUDIO "a=sendrecv\r\na=sendrecv\r\n"));
}
END_TEST

START_TEST(extmap_has_identifier_direction_uri_and_attributes)
{
    kith_sdp *sdp = taken(HEAD "a=extmap-allow-mixed\r\n" VIDEO
                               "a=extmap:2/recvonly urn:x:y vad=on z\r\na=extmap:4096 urn:z\r\n");
    const kith_sdp_extmaps *maps = &section(sdp, 0)->common.extmaps;
    ck_assert_uint_eq(maps->count, 2);
    ck_assert_uint_eq(maps->items[0].id, 2);
    ck_assert_int_eq(maps->items[0].direction, KITH_SDP_DIRECTION_RECVONLY);
    ck_assert_str_eq(maps->items[0].uri, "urn:x:y");
    ck_assert_str_eq(maps->items[0].attributes, "vad=on z");
    ck_assert_uint_eq(maps->items[1].id, 4096);
    ck_assert_ptr_null(maps->items[1].attributes);
    ck_assert(kith_sdp_extmap_allow_mixed(sdp, section(sdp, 0)));
    kith_sdp_free(sdp);
    left_out_after(HEAD VIDEO, 5, "a=extmap:0 urn:x", "\"0\" is no identifier");
    left_out_after(HEAD VIDEO, 5, "a=extmap:256 urn:x", "no identifier");
    left_out_after(HEAD VIDEO, 5, "a=extmap:4352 urn:x", "no identifier");
    left_out_after(HEAD VIDEO, 5, "a=extmap:1/both urn:x", "\"both\" is no direction");
    left_out_after(HEAD VIDEO, 5, "a=extmap:1/ urn:x", "no direction");
    left_out_after(HEAD VIDEO, 5, "a=extmap:1", "URI");
}
END_TEST

START_TEST(ice_pacing_is_a_number)
{
    kith_sdp *sdp = taken(HEAD "a=ice-pacing:50\r\n");
    ck_assert_uint_eq(sdp->ice_pacing_ms, 50);
    kith_sdp_free(sdp);
    left_out_after(HEAD, 4, "a=ice-pacing:fast", "milliseconds");
}
END_TEST

START_TEST(attributes_at_the_wrong_level_are_ignored)
{
    ignored(HEAD, "a=mid:0");
    ignored(HEAD, "a=sctp-port:5000");
    ignored(HEAD DATA, "a=ice-lite");
    ignored(HEAD DATA, "a=group:BUNDLE 0");
}
END_TEST

/* One line or more for each row of the table. */
static const char *const session_lines[] = {
    "a=group:BUNDLE 0 1",
    "a=ice-lite",
    "a=ice-pacing:50",
    "a=identity:eyJpZHAiOiAibnVsbCJ9 ext=1",
    "a=extmap-allow-mixed",
    "a=msid-semantic: WMS *",
    "a=msid-semantic:WMS *",
    "a=end-of-candidates",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789012345678901",
    "a=ice-options:trickle ice2",
    "a=fingerprint:sha-256 " SHA256,
    "a=setup:actpass",
    "a=tls-id:abcdefghij0123456789",
    "a=extmap:3/sendonly urn:x attributes of=it",
    "a=sendrecv",
    "a=sendonly",
    "a=recvonly",
    "a=inactive",
};
static const char *const media_lines[] = {
    "a=candidate:1 1 udp 2122265343 192.0.2.2 5000 typ host",
    "a=candidate:1 1 tcp 1 2001:db8::1 9 typ relay raddr 10.0.0.1 rport 9 tcptype so ufrag abcd",
    "a=remote-candidates:1 192.0.2.3 45664",
    "a=ice-mismatch",
    "a=mid:foo",
    "a=bundle-only",
    "a=sctp-port:5000",
    "a=sctpmap:5000 webrtc-datachannel 65535",
    "a=max-message-size:262144",
    "a=dcmap:2 subprotocol=\"bfcp\";label=\"x\"",
    "a=dcsa:2 accept-types:text/plain",
};

START_TEST(every_transport_attribute_comes_back_as_it_was)
{
    bool covered[64] = {0};
    const size_t session_count = sizeof session_lines / sizeof session_lines[0];
    const size_t count = session_count + sizeof media_lines / sizeof media_lines[0];
    for (size_t i = 0; i < count; i++) {
        const char *line = i < session_count ? session_lines[i] : media_lines[i - session_count];
        size_t name = strcspn(line + 2, ":");
        comes_back(i < session_count ? HEAD : HEAD DATA, line);
        for (size_t r = 0; r < kith_sdp_transport_row_count; r++) {
            const kith_sdp_row *row = &kith_sdp_transport_rows[r];
            if (strlen(row->name) != name || strncmp(row->name, line + 2, name) != 0)
                continue;
            covered[r] = true;
            if (row->levels & KITH_SDP_MEDIA)
                comes_back(HEAD DATA, line);
        }
    }
    for (size_t r = 0; r < kith_sdp_transport_row_count; r++)
        ck_assert_msg(covered[r], "no line tries a=%s", kith_sdp_transport_rows[r].name);
}
END_TEST

UNIT_MAIN("wire: sdp_transport", group_names_its_mids_in_order, mid_is_one_token_and_unique,
          ice_options_are_split_at_white_space, ice_credentials_have_their_length_and_characters,
          ice_credentials_of_the_session_hold_where_a_section_has_none,
          what_the_session_contradicts_itself_in_spoils_the_sections_that_have_it_from_there,
          sections_of_a_bundle_need_nothing_of_the_session_that_another_of_them_says,
          a_bundle_that_says_two_contradictory_things_in_two_sections_says_neither,
          damaged_candidate_is_counted_and_costs_nothing_else,
          no_section_stores_more_than_a_hundred_candidates,
          fingerprint_of_md5_or_an_unknown_hash_is_counted_not_used,
          fingerprint_of_the_wrong_length_is_left_out, setup_has_the_four_roles_of_rfc_4145,
          tls_id_has_twenty_characters_or_more, sctp_port_and_message_size_have_flags_and_defaults,
          both_forms_of_data_sections_are_known, direction_is_sendrecv_unless_said_and_said_once,
          extmap_has_identifier_direction_uri_and_attributes, ice_pacing_is_a_number,
          attributes_at_the_wrong_level_are_ignored, every_transport_attribute_comes_back_as_it_was)
