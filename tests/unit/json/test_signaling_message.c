/* The dictionaries of signalling: what browsers give is read, what kith gives is what browsers
 * would. */
#include "../unit.h"

#include <stdio.h>
#include <string.h>

#include "kith/json.h"

static kith_signaling_message *read(const char *json)
{
    kith_signaling_message *signal = NULL;
    ck_assert_int_eq(kith_signaling_message_from_json(json, strlen(json), &signal), KITH_OK);
    return signal;
}

static void refuse(kith_err expected, const char *json, size_t len)
{
    kith_signaling_message *signal = NULL;
    ck_assert_msg(kith_signaling_message_from_json(json, len, &signal) == expected, "%s", json);
    ck_assert_ptr_null(signal);
    ck_assert_int_eq(kith_last_error()->err, expected);
    ck_assert_str_ne(kith_last_error()->message, "");
}

#define REFUSE(expected, literal) refuse(expected, literal, sizeof literal - 1)

START_TEST(a_description_is_written_as_the_browser_writes_it)
{
    kith_session_description d = {KITH_SDP_OFFER, "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"};
    char *json;
    ck_assert_int_eq(kith_session_description_to_json(&d, &json), KITH_OK);
    ck_assert_str_eq(json,
                     "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\no=- 1 2 IN IP4 127.0.0.1\\r\\n\"}");
    kith_free(json);
    d = (kith_session_description){KITH_SDP_ROLLBACK, NULL};
    ck_assert_int_eq(kith_session_description_to_json(&d, &json), KITH_OK);
    ck_assert_str_eq(json, "{\"type\":\"rollback\",\"sdp\":\"\"}");
    kith_free(json);
}
END_TEST

START_TEST(a_candidate_is_written_as_the_browser_writes_it)
{
    kith_ice_candidate c = {"candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host", "0", 0, "abcd",
                            sizeof c};
    char *json;
    ck_assert_int_eq(kith_ice_candidate_to_json(&c, &json), KITH_OK);
    ck_assert_str_eq(json, "{\"candidate\":\"candidate:1 1 udp 2113937151 192.0.2.1 5000 typ "
                           "host\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,\"usernameFragment\":"
                           "\"abcd\"}");
    kith_free(json);
    c = (kith_ice_candidate)KITH_ICE_CANDIDATE_INIT;
    ck_assert_int_eq(kith_ice_candidate_to_json(&c, &json), KITH_OK);
    ck_assert_str_eq(json, "{\"candidate\":\"\",\"sdpMid\":null,\"sdpMLineIndex\":null,"
                           "\"usernameFragment\":null}");
    kith_free(json);
    c.size = 1;
    ck_assert_int_eq(kith_ice_candidate_to_json(&c, &json), KITH_ERR_TYPE);
}
END_TEST

START_TEST(a_description_is_read)
{
    kith_signaling_message *signal =
        read("{\"type\":\"answer\",\"sdp\":\"v=0\\r\\n\",\"other\":[1,2]}");
    ck_assert_int_eq(kith_signaling_message_get_type(signal), KITH_SIGNALING_MESSAGE_DESCRIPTION);
    const kith_session_description *d = kith_signaling_message_description(signal);
    ck_assert_int_eq(d->type, KITH_SDP_ANSWER);
    ck_assert_str_eq(d->sdp, "v=0\r\n");
    ck_assert_ptr_null(kith_signaling_message_candidate(signal));
    kith_signaling_message_free(signal);
}
END_TEST

START_TEST(every_type_of_description_is_known)
{
    static const char *const texts[] = {"offer", "pranswer", "answer", "rollback"};
    for (int i = 0; i < 4; i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"type\":\"%s\",\"sdp\":\"\"}", texts[i]);
        kith_signaling_message *signal = read(json);
        ck_assert_str_eq(kith_sdp_type_name(kith_signaling_message_description(signal)->type),
                         texts[i]);
        kith_signaling_message_free(signal);
    }
}
END_TEST

START_TEST(a_rollback_needs_no_sdp)
{
    kith_signaling_message *signal = read("{\"type\":\"rollback\"}");
    ck_assert_int_eq(kith_signaling_message_description(signal)->type, KITH_SDP_ROLLBACK);
    kith_signaling_message_free(signal);
    REFUSE(KITH_ERR_TYPE, "{\"type\":\"offer\"}");
}
END_TEST

START_TEST(a_candidate_is_read)
{
    kith_signaling_message *signal = read("{\"candidate\":\"candidate:x\",\"sdpMid\":\"data\","
                                          "\"sdpMLineIndex\":3,\"usernameFragment\":\"u\"}");
    ck_assert_int_eq(kith_signaling_message_get_type(signal), KITH_SIGNALING_MESSAGE_CANDIDATE);
    const kith_ice_candidate *c = kith_signaling_message_candidate(signal);
    ck_assert_str_eq(c->candidate, "candidate:x");
    ck_assert_str_eq(c->sdp_mid, "data");
    ck_assert_int_eq(c->sdp_m_line_index, 3);
    ck_assert_str_eq(c->username_fragment, "u");
    ck_assert_uint_eq(c->size, sizeof *c); /* it can be given to kith_pc_add_ice_candidate */
    ck_assert_ptr_null(kith_signaling_message_description(signal));
    kith_signaling_message_free(signal);
}
END_TEST

START_TEST(members_of_a_candidate_may_be_null_or_missing)
{
    kith_signaling_message *signal = read("{\"candidate\":\"\",\"sdpMid\":null}");
    const kith_ice_candidate *c = kith_signaling_message_candidate(signal);
    ck_assert_str_eq(c->candidate, "");
    ck_assert_ptr_null(c->sdp_mid);
    ck_assert_int_eq(c->sdp_m_line_index, -1);
    ck_assert_ptr_null(c->username_fragment);
    kith_signaling_message_free(signal);
}
END_TEST

START_TEST(null_is_the_end_of_all_candidates)
{
    kith_signaling_message *signal = read("null");
    ck_assert_int_eq(kith_signaling_message_get_type(signal), KITH_SIGNALING_MESSAGE_CANDIDATE);
    ck_assert_ptr_null(kith_signaling_message_candidate(signal));
    kith_signaling_message_free(signal);
}
END_TEST

START_TEST(a_candidate_with_a_type_member_is_still_a_candidate)
{
    /* All attributes of an RTCIceCandidate: its type is "host". */
    kith_signaling_message *signal = read("{\"type\":\"host\",\"candidate\":\"candidate:x\"}");
    ck_assert_int_eq(kith_signaling_message_get_type(signal), KITH_SIGNALING_MESSAGE_CANDIDATE);
    kith_signaling_message_free(signal);
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    REFUSE(KITH_ERR_SYNTAX, "");
    REFUSE(KITH_ERR_SYNTAX, "{\"type\":\"offer\"");
    REFUSE(KITH_ERR_SYNTAX, "{\"type\":\"rollback\"} x");
    REFUSE(KITH_ERR_SYNTAX, "{'type':'offer'}");
    REFUSE(KITH_ERR_SYNTAX, "{\"type\":\"rollback\",\"sdp\":\"\xff\"}");
}
END_TEST

START_TEST(a_nul_in_a_string_is_refused)
{
    REFUSE(KITH_ERR_SYNTAX, "{\"type\":\"offer\",\"sdp\":\"v=0\\u0000\"}");
    REFUSE(KITH_ERR_SYNTAX, "{\"type\":\"offer\",\"sdp\":\"v=0\0\"}");
}
END_TEST

START_TEST(members_of_the_wrong_type_are_refused)
{
    REFUSE(KITH_ERR_TYPE, "[]");
    REFUSE(KITH_ERR_TYPE, "7");
    REFUSE(KITH_ERR_TYPE, "{}");
    REFUSE(KITH_ERR_TYPE, "{\"type\":1,\"sdp\":\"\"}");
    REFUSE(KITH_ERR_TYPE, "{\"type\":\"Offer\",\"sdp\":\"\"}");
    REFUSE(KITH_ERR_TYPE, "{\"type\":\"offer\",\"sdp\":5}");
    REFUSE(KITH_ERR_TYPE, "{\"candidate\":{}}");
    REFUSE(KITH_ERR_TYPE, "{\"candidate\":\"\",\"sdpMid\":0}");
    REFUSE(KITH_ERR_TYPE, "{\"candidate\":\"\",\"sdpMLineIndex\":\"0\"}");
    REFUSE(KITH_ERR_TYPE, "{\"candidate\":\"\",\"sdpMLineIndex\":-1}");
    REFUSE(KITH_ERR_TYPE, "{\"candidate\":\"\",\"sdpMLineIndex\":65536}");
    REFUSE(KITH_ERR_TYPE, "{\"candidate\":\"\",\"sdpMLineIndex\":0.5}");
    ck_assert_int_eq(kith_signaling_message_from_json(NULL, 0, &(kith_signaling_message *){NULL}),
                     KITH_ERR_TYPE);
}
END_TEST

START_TEST(huge_numbers_in_other_members_do_not_matter)
{
    kith_signaling_message_free(
        read("{\"type\":\"rollback\",\"x\":123456789012345678901234567890}"));
}
END_TEST

START_TEST(more_than_a_mebibyte_is_refused_and_deep_nesting_too)
{
    size_t len = (1u << 20) + 1;
    char *json = malloc(len);
    memset(json, ' ', len);
    memcpy(json, "null", 4);
    kith_signaling_message *signal = NULL;
    ck_assert_int_eq(kith_signaling_message_from_json(json, len - 1, &signal), KITH_OK);
    kith_signaling_message_free(signal);
    refuse(KITH_ERR_RANGE, json, len);
    memset(json, '[', len);
    refuse(KITH_ERR_SYNTAX, json, len - 1);
    free(json);
}
END_TEST

START_TEST(every_prefix_of_a_text_is_refused)
{
    static const char json[] = "{\"candidate\":\"candidate:x\",\"sdpMLineIndex\":3}";
    for (size_t len = 0; len < sizeof json - 1; len++)
        refuse(KITH_ERR_SYNTAX, json, len);
}
END_TEST

START_TEST(what_was_written_reads_back)
{
    kith_ice_candidate c = {"candidate:\"\\\x01", "ü", 65535, "u", 0};
    char *json;
    ck_assert_int_eq(kith_ice_candidate_to_json(&c, &json), KITH_OK);
    kith_signaling_message *signal = read(json);
    const kith_ice_candidate *back = kith_signaling_message_candidate(signal);
    ck_assert_str_eq(back->candidate, c.candidate);
    ck_assert_str_eq(back->sdp_mid, c.sdp_mid);
    ck_assert_int_eq(back->sdp_m_line_index, 65535);
    kith_signaling_message_free(signal);
    kith_free(json);
}
END_TEST

UNIT_MAIN("json: signal", a_description_is_written_as_the_browser_writes_it,
          a_candidate_is_written_as_the_browser_writes_it, a_description_is_read,
          every_type_of_description_is_known, a_rollback_needs_no_sdp, a_candidate_is_read,
          members_of_a_candidate_may_be_null_or_missing, null_is_the_end_of_all_candidates,
          a_candidate_with_a_type_member_is_still_a_candidate, what_is_no_json_is_refused,
          a_nul_in_a_string_is_refused, members_of_the_wrong_type_are_refused,
          huge_numbers_in_other_members_do_not_matter,
          more_than_a_mebibyte_is_refused_and_deep_nesting_too, every_prefix_of_a_text_is_refused,
          what_was_written_reads_back)
