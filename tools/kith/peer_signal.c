/* The signalling of `kith peer`: descriptions and candidates, out and in, on standard input and
 * output or over a WebSocket, by perfect negotiation (webrtc-pc section 10.7). */
#include "peer.h"

#include <stdio.h>
#include <string.h>

/* ---- signalling out ---- */

/* Takes over `json`, one object as text. */
static void signal_out(struct peer *p, kith_err err, char *json)
{
    if (err != KITH_OK)
        tool_kith_error("cannot write JSON", err);
    else if (p->ws)
        ws_client_send(p->ws, json);
    else
        lines_write_text(p->output, json);
    kith_free(json);
}

void peer_tell_description(struct peer *p)
{
    char *json = NULL;
    const kith_session_description *description = kith_pc_local_description(p->pc);
    if (description) {
        kith_err err = kith_session_description_to_json(description, &json);
        signal_out(p, err, json);
    }
}

void peer_tell_candidate(struct peer *p, const kith_ice_candidate *candidate)
{
    char *json = NULL;
    if (p->options.no_trickle)
        return;
    kith_err err = kith_ice_candidate_to_json(candidate, &json);
    signal_out(p, err, json);
}

/* The implicit form: an offer, or the answer to the offer that just came. */
static bool describe_ourselves(struct peer *p)
{
    kith_err err = kith_pc_set_local_description(p->pc, NULL);
    if (err != KITH_OK) {
        tool_kith_error("cannot make the local description", err);
        return false;
    }
    if (p->options.ice_servers.count > 0)
        peer_arm_timer(p, PEER_TIMER_STUN);
    if (!p->options.no_trickle ||
        kith_pc_ice_gathering_state(p->pc) == KITH_ICE_GATHERING_STATE_COMPLETE)
        peer_tell_description(p);
    else
        p->description_due = true;
    return true;
}

/* Is there anybody to whom an offer could go, and an answer to come from? */
static bool can_signal(const struct peer *p)
{
    return p->ws ? p->ws_is_open && p->remote_present : !p->input_ended;
}

bool peer_restart_ice(struct peer *p)
{
    if (!kith_pc_remote_description(p->pc) || !can_signal(p))
        return false;
    kith_pc_restart_ice(p->pc);
    return true;
}

bool peer_negotiate(struct peer *p)
{
    return !kith_pc_remote_description(p->pc) || !can_signal(p) ||
           kith_pc_signaling_state(p->pc) != KITH_SIGNALING_STATE_STABLE || describe_ourselves(p);
}

bool peer_offer(struct peer *p)
{
    return kith_pc_signaling_state(p->pc) != KITH_SIGNALING_STATE_STABLE ||
           kith_pc_remote_description(p->pc) || describe_ourselves(p);
}

/* ---- signalling in ---- */

/* Crossing offers: the impolite side ignores, the polite side's offer is rolled back by
 * set_remote_description (webrtc-pc section 10.7, perfect negotiation). */
static bool takes_offer(struct peer *p, const kith_session_description *description)
{
    bool collides = description->type == KITH_SDP_OFFER &&
                    kith_pc_signaling_state(p->pc) == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER;
    if (description->type == KITH_SDP_OFFER)
        p->ignores_offer = collides && !p->is_polite;
    return description->type != KITH_SDP_OFFER || !p->ignores_offer;
}

static bool take_description(struct peer *p, const kith_session_description *description)
{
    if (!takes_offer(p, description))
        return true;
    kith_err err = kith_pc_set_remote_description(p->pc, description);
    if (err != KITH_OK) {
        tool_kith_error("the description is refused", err);
        return false;
    }
    err = early_candidates_give(&p->early_candidates, p->pc);
    if (err != KITH_OK && p->ignores_offer)
        err = KITH_OK;
    if (err != KITH_OK)
        tool_kith_error("a candidate that came before the description is refused", err);
    bool answered = description->type != KITH_SDP_OFFER || describe_ourselves(p);
    return answered && err == KITH_OK;
}

/* Those of an offer that is ignored belong to nothing: perfect negotiation. */
static bool take_candidate(struct peer *p, const kith_ice_candidate *candidate, const char *json,
                           size_t len)
{
    kith_err err = kith_pc_remote_description(p->pc)
                       ? kith_pc_add_ice_candidate(p->pc, candidate)
                       : early_candidates_keep(&p->early_candidates, json, len);
    if (err == KITH_OK || p->ignores_offer)
        return true;
    tool_kith_error("the candidate is refused", err);
    return false;
}

bool peer_take_signal(struct peer *p, const char *text, size_t len)
{
    kith_signaling_message *signal = NULL;
    kith_err err = kith_signaling_message_from_json(text, len, &signal);
    bool taken = false;
    if (err != KITH_OK)
        tool_kith_error("not a description and not a candidate", err);
    else if (kith_signaling_message_get_type(signal) == KITH_SIGNALING_MESSAGE_DESCRIPTION)
        taken = take_description(p, kith_signaling_message_description(signal));
    else
        taken = take_candidate(p, kith_signaling_message_candidate(signal), text, len);
    kith_signaling_message_free(signal);
    return taken;
}

/* ---- signalling over a WebSocket ---- */

/* The hub's welcome says what to do. */
static void on_ws_open(void *user)
{
    struct peer *p = user;
    p->ws_is_open = true;
}

/* Once until somebody joins: every candidate is refused like the first. */
static void tell_refusal(struct peer *p, const char *reason)
{
    if (!p->refusal_told)
        tool_error("the signalling server refused a message: %s", reason ? reason : "no reason");
    p->refusal_told = true;
}

/* The hub's own words: {"hub":"welcome","polite":…,"present":…}, {"hub":"joined"}, {"hub":"left"},
 * {"hub":"error","reason":…}. */
static void take_hub_word(struct peer *p, const json_t *object)
{
    const char *word = json_string_value(json_object_get(object, "hub"));
    if (!word)
        return;
    if (strcmp(word, "welcome") == 0) {
        p->is_polite = json_is_true(json_object_get(object, "polite"));
        p->remote_present = json_is_true(json_object_get(object, "present"));
        const char *room = json_string_value(json_object_get(object, "room"));
        lines_write(p->output, json_pack("{s:s, s:b}", "room", room ? room : "", "present",
                                         p->remote_present));
    } else if (strcmp(word, "joined") == 0) {
        p->remote_present = true;
        p->refusal_told = false;
    } else if (strcmp(word, "left") == 0) {
        p->remote_present = false;
    } else if (strcmp(word, "error") == 0) {
        tell_refusal(p, json_string_value(json_object_get(object, "reason")));
        return;
    }
    if (p->remote_present && p->options.is_offerer && !peer_offer(p))
        peer_fail(p, "no offer could be made");
}

static void on_ws_text(void *user, const char *text, size_t len)
{
    struct peer *p = user;
    json_t *object = json_loadb(text, len, 0, NULL);
    if (p->done) {
        json_decref(object);
        return;
    }
    if (json_object_get(object, "hub"))
        take_hub_word(p, object);
    else if (!peer_take_signal(p, text, len))
        p->status = TOOL_FAILED;
    json_decref(object);
}

static void on_ws_close(void *user, const char *words)
{
    struct peer *p = user;
    char line[1024];
    p->ws_is_open = false;
    snprintf(line, sizeof line, "%s: %s", p->options.signal, words);
    if (!p->was_connected)
        peer_fail(p, line);
}

const ws_client_callbacks peer_ws_callbacks = {on_ws_open, on_ws_text, on_ws_close};
