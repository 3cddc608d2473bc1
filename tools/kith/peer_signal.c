/* The signalling of `kith peer`: what its negotiator says and is told, on standard input and output
 * or over a WebSocket. */
#include "peer.h"

#include <string.h>

/* ---- signalling out ---- */

/* Is there anybody to whom an offer could go, and an answer to come from? */
static bool can_signal(const struct peer *p)
{
    return p->ws ? p->ws_is_open && p->remote_present : !p->input_ended;
}

/* The answerer waits for the first offer. */
static bool may_speak(const struct peer *p)
{
    bool has_reader = !p->ws || can_signal(p);
    return has_reader && (p->options.is_offerer || kith_pc_remote_description(p->pc));
}

bool peer_speak(struct peer *p)
{
    const char *text;
    kith_err err = KITH_OK;
    while (may_speak(p) && (err = kith_negotiator_poll(p->negotiator, &text)) == KITH_OK && text) {
        if (p->ws)
            ws_client_send(p->ws, text);
        else
            lines_write_text(p->output, text);
    }
    if (err != KITH_OK)
        tool_kith_error("cannot make the local description", err);
    return err == KITH_OK;
}

bool peer_restart_ice(struct peer *p)
{
    if (!kith_pc_remote_description(p->pc) || !can_signal(p))
        return false;
    kith_pc_restart_ice(p->pc);
    return true;
}

/* ---- signalling in ---- */

bool peer_take_signal(struct peer *p, const char *text, size_t len)
{
    kith_err err = kith_negotiator_receive(p->negotiator, text, len);
    if (err != KITH_OK)
        tool_kith_error("what the other side said is refused", err);
    return peer_speak(p) && err == KITH_OK;
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

/* Whoever is there now may know nothing of what was said before. */
static bool speak_anew(struct peer *p)
{
    return kith_negotiator_resend(p->negotiator) == KITH_OK && peer_speak(p);
}

/* The hub's own words: {"hub":"welcome","polite":…,"present":…}, {"hub":"joined"}, {"hub":"left"},
 * {"hub":"error","reason":…}. */
static void take_hub_word(struct peer *p, const json_t *object)
{
    const char *word = json_string_value(json_object_get(object, "hub"));
    if (!word)
        return;
    if (strcmp(word, "welcome") == 0) {
        kith_negotiator_set_polite(p->negotiator, json_is_true(json_object_get(object, "polite")));
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
    if (p->remote_present && !speak_anew(p))
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
