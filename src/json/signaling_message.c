/* RTCSessionDescriptionInit and RTCIceCandidateInit, to JSON and back. Reading is jansson's;
 * what the members mean is decided here, as WebIDL and webrtc-pc sections 4.6.1 and 4.8.1 have
 * it. */
#include <string.h>

#include <jansson.h>

#include "base/config.h"
#include "base/error.h"
#include "base/memory.h"
#include "json/write.h"
#include "kith/json.h"

/* A description of hundreds of sections has some hundred kilobytes. */
#define MAX_JSON (1u << 20)

/* ---- writing ---- */

static kith_err finish(kith_writer *w, char **json)
{
    kith_wr_u8(w, '}');
    char *text = kith_wr_take_text(w);
    if (!text)
        return kith_fail_memory();
    *json = text;
    return KITH_OK;
}

kith_err kith_session_description_to_json(const kith_session_description *d, char **json)
{
    if (!d)
        return kith_fail(KITH_ERR_TYPE, "there is no description");
    kith_writer w = kith_wr_growing();
    kith_wr_u8(&w, '{');
    kith_json_write_member(&w, "type", kith_sdp_type_name(d->type));
    kith_json_write_member(&w, "sdp", d->sdp ? d->sdp : "");
    return finish(&w, json);
}

kith_err kith_ice_candidate_to_json(const kith_ice_candidate *c, char **json)
{
    if (!c)
        return kith_fail(KITH_ERR_TYPE, "there is no candidate");
    kith_ice_candidate known = KITH_ICE_CANDIDATE_INIT;
    kith_err err = kith_config_read_sized_at(
        &known, sizeof known, c, offsetof(kith_ice_candidate, size), "KITH_ICE_CANDIDATE_INIT");
    if (err != KITH_OK)
        return err;
    kith_writer w = kith_wr_growing();
    kith_wr_u8(&w, '{');
    kith_json_write_member(&w, "candidate", known.candidate ? known.candidate : "");
    kith_json_write_member(&w, "sdpMid", known.sdp_mid);
    kith_json_write_name(&w, "sdpMLineIndex");
    if (known.sdp_m_line_index >= 0)
        kith_wr_print(&w, "%d", known.sdp_m_line_index);
    else
        kith_wr_text(&w, "null");
    kith_json_write_member(&w, "usernameFragment", known.username_fragment);
    return finish(&w, json);
}

/* ---- what was read ---- */

struct kith_signaling_message {
    kith_signaling_message_type type;
    /* "null": what onicecandidate gives at the end of gathering */
    bool is_null;
    char *texts[3];
    kith_session_description description;
    kith_ice_candidate candidate;
};

kith_signaling_message_type kith_signaling_message_get_type(const kith_signaling_message *message)
{
    return message->type;
}

const kith_session_description *kith_signaling_message_description(
    const kith_signaling_message *message)
{
    return message->type == KITH_SIGNALING_MESSAGE_DESCRIPTION ? &message->description : NULL;
}

const kith_ice_candidate *kith_signaling_message_candidate(const kith_signaling_message *message)
{
    return message->type == KITH_SIGNALING_MESSAGE_CANDIDATE && !message->is_null
               ? &message->candidate
               : NULL;
}

void kith_signaling_message_free(kith_signaling_message *message)
{
    if (!message)
        return;
    for (size_t i = 0; i < sizeof message->texts / sizeof message->texts[0]; i++)
        kith_free(message->texts[i]);
    kith_free(message);
}

/* ---- reading ---- */

/* A member that is absent is as good as null. */
static const json_t *get(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return json_is_null(member) ? NULL : member;
}

/* Copies a string member to *slot; NULL where it is absent. */
static kith_err get_text(const json_t *object, const char *name, char **slot)
{
    const json_t *member = get(object, name);
    if (!member)
        return KITH_OK;
    if (!json_is_string(member))
        return kith_fail(KITH_ERR_TYPE, "\"%s\" is not a string", name);
    *slot = kith_strndup(json_string_value(member), json_string_length(member));
    return *slot ? KITH_OK : kith_fail_memory();
}

/* An unsigned short, or -1 where it is absent. */
static kith_err get_index(const json_t *object, const char *name, int *index)
{
    const json_t *member = get(object, name);
    *index = -1;
    if (!member)
        return KITH_OK;
    double number = json_number_value(member);
    if (!json_is_number(member) || !(number >= 0 && number <= UINT16_MAX) ||
        (double)(int)number != number)
        return kith_fail(KITH_ERR_TYPE, "\"%s\" is not an unsigned short", name);
    *index = (int)number;
    return KITH_OK;
}

static kith_err read_candidate(kith_signaling_message *message, const json_t *object)
{
    message->type = KITH_SIGNALING_MESSAGE_CANDIDATE;
    kith_ice_candidate *candidate = &message->candidate;
    *candidate = (kith_ice_candidate)KITH_ICE_CANDIDATE_INIT;
    kith_err err = get_text(object, "candidate", &message->texts[0]);
    if (err == KITH_OK)
        err = get_text(object, "sdpMid", &message->texts[1]);
    if (err == KITH_OK)
        err = get_text(object, "usernameFragment", &message->texts[2]);
    if (err == KITH_OK)
        err = get_index(object, "sdpMLineIndex", &candidate->sdp_m_line_index);
    candidate->candidate = message->texts[0] ? message->texts[0] : "";
    candidate->sdp_mid = message->texts[1];
    candidate->username_fragment = message->texts[2];
    return err;
}

static bool find_type(const char *name, kith_sdp_type *type)
{
    static const kith_sdp_type all[] = {KITH_SDP_OFFER, KITH_SDP_PRANSWER, KITH_SDP_ANSWER,
                                        KITH_SDP_ROLLBACK};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(kith_sdp_type_name(all[i]), name) == 0) {
            *type = all[i];
            return true;
        }
    return false;
}

static kith_err read_description(kith_signaling_message *message, const json_t *object)
{
    message->type = KITH_SIGNALING_MESSAGE_DESCRIPTION;
    const char *type = json_string_value(json_object_get(object, "type"));
    if (!type)
        return kith_fail(KITH_ERR_TYPE, "neither \"type\" nor \"candidate\" is a string");
    if (!find_type(type, &message->description.type))
        return kith_fail(KITH_ERR_TYPE, "\"%.40s\" is no type of a description", type);
    kith_err err = get_text(object, "sdp", &message->texts[0]);
    if (err != KITH_OK)
        return err;
    if (!message->texts[0] && message->description.type != KITH_SDP_ROLLBACK)
        return kith_fail(KITH_ERR_TYPE, "\"sdp\" is missing");
    message->description.sdp = message->texts[0];
    return KITH_OK;
}

/* {"description":{…}} and {"candidate":{…}}, as MDN's perfect negotiation sends them, hold what
 * is meant. */
static const json_t *unwrap(const json_t *value)
{
    const json_t *description = json_object_get(value, "description");
    const json_t *candidate = json_object_get(value, "candidate");
    if (json_is_object(description))
        return description;
    return json_is_object(candidate) ? candidate : value;
}

static kith_err read_value(kith_signaling_message *message, const json_t *value)
{
    value = unwrap(value);
    if (json_is_null(value)) {
        message->type = KITH_SIGNALING_MESSAGE_CANDIDATE;
        message->is_null = true;
        return KITH_OK;
    }
    if (!json_is_object(value))
        return kith_fail(KITH_ERR_TYPE, "the JSON is not an object");
    if (json_object_get(value, "candidate"))
        return read_candidate(message, value);
    return read_description(message, value);
}

/* NULL with the error recorded. */
static json_t *parse(const char *json, size_t len)
{
    json_error_t error;
    if (!json || len > MAX_JSON) {
        (void)kith_fail(json ? KITH_ERR_RANGE : KITH_ERR_TYPE,
                        json ? "more than 1 MiB of JSON" : "there is no JSON");
        return NULL;
    }
    /* Integers as reals: one beyond 64 bits in a member that nobody reads is no error. */
    json_t *value = json_loadb(json, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    if (!value)
        (void)kith_fail(KITH_ERR_SYNTAX, "no JSON: %s, line %d, column %d", error.text, error.line,
                        error.column);
    return value;
}

kith_err kith_signaling_message_from_json(const char *json, size_t len,
                                          kith_signaling_message **out)
{
    json_t *value = parse(json, len);
    if (!value)
        return kith_last_error()->err;
    kith_signaling_message *message = kith_alloc_zero(1, sizeof *message);
    kith_err err = message ? read_value(message, value) : kith_fail_memory();
    json_decref(value);
    if (err != KITH_OK) {
        kith_signaling_message_free(message);
        return err;
    }
    *out = message;
    return KITH_OK;
}

kith_err kith_pc_apply_json(kith_pc *pc, const char *json, size_t len)
{
    kith_signaling_message *message;
    kith_err err = kith_signaling_message_from_json(json, len, &message);
    if (err != KITH_OK)
        return err;
    if (kith_signaling_message_get_type(message) == KITH_SIGNALING_MESSAGE_DESCRIPTION)
        err = kith_pc_set_remote_description(pc, kith_signaling_message_description(message));
    else
        err = kith_pc_add_ice_candidate(pc, kith_signaling_message_candidate(message));
    kith_signaling_message_free(message);
    return err;
}
