/* Perfect negotiation (webrtc-pc section 10.7). Calls of this API do not wait as a browser's do, so
 * that what the signalling state says is all that there is to know: no flags for an offer that is
 * being made or an answer that is being set. */
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"
#include "kith/json.h"
#include "kith/negotiator.h"

enum {
    MAX_EARLY = 64,
    /* of a candidate that waits: what a line and its three names have, ten times over */
    MAX_EARLY_TEXT = 8192,
};

/* A candidate of ours that was not asked for yet, as text. */
struct own_candidate {
    kith_list_node node;
    char *json;
};

struct kith_negotiator {
    kith_pc *pc;
    kith_negotiator_config config;
    /* our description is to be said */
    bool says_description;
    /* the peer's last offer crossed ours, and ours stands */
    bool ignores_offer;
    /* own_candidate */
    kith_list own;
    /* the peer's that wait for their description, oldest first */
    kith_signaling_message *early[MAX_EARLY];
    size_t early_count;
    /* what was polled last */
    char *text;
};

kith_err kith_negotiator_new(kith_negotiator **out, kith_pc *pc, const kith_negotiator_config *cfg)
{
    kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
    kith_err err = KITH_OK;
    if (!pc)
        return kith_fail(KITH_ERR_TYPE, "there is no peer connection");
    if (cfg)
        err = kith_config_read(&config, sizeof config, cfg, "KITH_NEGOTIATOR_CONFIG_INIT");
    for (size_t i = 0; err == KITH_OK && i < sizeof config.reserved; i++)
        if (config.reserved[i])
            err = kith_fail(KITH_ERR_NOT_SUPPORTED, "a reserved member is set");
    if (err != KITH_OK)
        return err;
    kith_negotiator *n = kith_alloc_zero(1, sizeof *n);
    if (!n)
        return kith_fail_memory();
    n->pc = pc;
    n->config = config;
    kith_list_init(&n->own);
    *out = n;
    return KITH_OK;
}

static void free_own(struct own_candidate *c)
{
    kith_list_remove(&c->node);
    kith_free(c->json);
    kith_free(c);
}

void kith_negotiator_free(kith_negotiator *n)
{
    if (!n)
        return;
    KITH_LIST_EACH(&n->own, node)
        free_own(KITH_OWNER(node, struct own_candidate, node));
    for (size_t i = 0; i < n->early_count; i++)
        kith_signaling_message_free(n->early[i]);
    kith_free(n->text);
    kith_free(n);
}

void kith_negotiator_set_polite(kith_negotiator *n, bool polite)
{
    n->config.polite = polite;
}

/* ---- generations ---- */

/* Is it the ufrag of one of d's sections? */
static bool has_ufrag(const kith_session_description *d, const char *ufrag)
{
    static const char name[] = "a=ice-ufrag:";
    size_t len = strlen(ufrag);
    for (const char *at = d ? d->sdp : NULL; at && (at = strstr(at, name));) {
        at += sizeof name - 1;
        if (strncmp(at, ufrag, len) == 0 && strcspn(at, "\r\n") == len)
            return true;
    }
    return false;
}

/* Has the description of this candidate come? One that names no generation is of the newest. */
static bool is_expected(const kith_negotiator *n, const kith_ice_candidate *c)
{
    if (!c || !c->username_fragment)
        return kith_pc_remote_description(n->pc);
    return has_ufrag(kith_pc_pending_remote_description(n->pc), c->username_fragment) ||
           has_ufrag(kith_pc_current_remote_description(n->pc), c->username_fragment);
}

/* ---- events ---- */

static kith_err keep_own(kith_negotiator *n, const kith_ice_candidate *candidate)
{
    struct own_candidate *c = kith_alloc_zero(1, sizeof *c);
    if (!c)
        return kith_fail_memory();
    kith_err err = kith_ice_candidate_to_json(candidate, &c->json);
    if (err != KITH_OK) {
        kith_free(c);
        return err;
    }
    kith_list_append(&n->own, &c->node);
    return KITH_OK;
}

kith_err kith_negotiator_handle_event(kith_negotiator *n, const kith_event *ev)
{
    if (ev->pc != n->pc)
        return KITH_OK;
    if (ev->type == KITH_EV_ICE_CANDIDATE && !n->config.no_trickle)
        return keep_own(n, &ev->ice_candidate);
    if (ev->type == KITH_EV_CONNECTION_STATE && n->config.restart_on_failure &&
        ev->connection_state == KITH_CONNECTION_STATE_FAILED)
        kith_pc_restart_ice(n->pc);
    return KITH_OK;
}

/* ---- what may be lost ---- */

/* The value of the first line of a section that begins with `name`, in `value`; NULL: there is
 * none. */
static const char *find_value(const char *section, const char *end, const char *name, char *value,
                              size_t cap)
{
    for (const char *line = section; line < end; line += strcspn(line, "\n") + 1) {
        size_t len = strcspn(line, "\r\n"), name_len = strlen(name);
        if (strncmp(line, name, name_len) == 0 && len - name_len < cap) {
            memcpy(value, line + name_len, len - name_len);
            value[len - name_len] = '\0';
            return value;
        }
    }
    return NULL;
}

/* The candidates of one section of our description, as they were told at first. */
static kith_err keep_section(kith_negotiator *n, int index, const char *section, const char *end)
{
    char mid[256], ufrag[257], text[1024];
    kith_ice_candidate c = KITH_ICE_CANDIDATE_INIT;
    c.sdp_m_line_index = index;
    c.sdp_mid = find_value(section, end, "a=mid:", mid, sizeof mid);
    c.username_fragment = find_value(section, end, "a=ice-ufrag:", ufrag, sizeof ufrag);
    for (const char *line = section; line < end; line += strcspn(line, "\n") + 1) {
        const char *next = line + strcspn(line, "\n");
        bool is_end = strncmp(line, "a=end-of-candidates", 19) == 0;
        if (is_end)
            c.candidate = "";
        else if (find_value(line, next, "a=candidate:", text + 10, sizeof text - 10))
            c.candidate = memcpy(text, "candidate:", 10);
        else
            continue;
        kith_err err = keep_own(n, &c);
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

kith_err kith_negotiator_resend(kith_negotiator *n)
{
    const kith_session_description *d = kith_pc_local_description(n->pc);
    if (kith_pc_signaling_state(n->pc) == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER)
        n->says_description = true; /* with the candidates so far */
    if (!d || n->says_description || n->config.no_trickle)
        return KITH_OK;
    kith_err err = KITH_OK;
    const char *next, *at = strstr(d->sdp, "\nm=");
    for (int index = 0; at && err == KITH_OK; at = next, index++) {
        next = strstr(at + 1, "\nm=");
        err = keep_section(n, index, at + 1, next ? next : at + strlen(at));
    }
    return err;
}

/* ---- texts that come ---- */

/* Takes the message over. */
static kith_err keep_early(kith_negotiator *n, kith_signaling_message *message, size_t len)
{
    if (n->early_count == MAX_EARLY || len > MAX_EARLY_TEXT) {
        kith_signaling_message_free(message);
        return kith_fail(KITH_ERR_RANGE,
                         len > MAX_EARLY_TEXT
                             ? "the candidate has more than %d bytes"
                             : "more than %d candidates wait for their description",
                         len > MAX_EARLY_TEXT ? MAX_EARLY_TEXT : MAX_EARLY);
    }
    n->early[n->early_count++] = message;
    return KITH_OK;
}

/* To the description that came. What is not of it, or is refused, is the peer's loss and no fault
 * of the description. */
static void give_early(kith_negotiator *n)
{
    for (size_t i = 0; i < n->early_count; i++) {
        const kith_ice_candidate *c = kith_signaling_message_candidate(n->early[i]);
        kith_err err = is_expected(n, c) ? kith_pc_add_ice_candidate(n->pc, c) : KITH_OK;
        (void)err;
        kith_signaling_message_free(n->early[i]);
    }
    n->early_count = 0;
}

static bool awaits_answer(const kith_negotiator *n)
{
    kith_signaling_state state = kith_pc_signaling_state(n->pc);
    return state == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER ||
           state == KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER;
}

static kith_err take_description(kith_negotiator *n, const kith_session_description *d)
{
    bool is_answer = d->type == KITH_SDP_ANSWER || d->type == KITH_SDP_PRANSWER;
    bool comes_again = is_answer && !awaits_answer(n) && kith_pc_remote_description(n->pc);
    if (d->type == KITH_SDP_OFFER) {
        n->ignores_offer = awaits_answer(n) && !n->config.polite;
        if (n->ignores_offer)
            return KITH_OK;
    }
    kith_err err = kith_pc_set_remote_description(n->pc, d);
    if (err != KITH_OK)
        return err == KITH_ERR_INVALID_STATE && comes_again ? KITH_OK : err;
    /* Ours was rolled back, if it was not said yet. */
    if (d->type == KITH_SDP_OFFER)
        n->says_description = false;
    give_early(n);
    return KITH_OK;
}

/* Takes the message over. */
static kith_err take_candidate(kith_negotiator *n, kith_signaling_message *message, size_t len)
{
    const kith_ice_candidate *c = kith_signaling_message_candidate(message);
    if (!is_expected(n, c) && !n->ignores_offer)
        return keep_early(n, message, len);
    kith_err err = kith_pc_add_ice_candidate(n->pc, c);
    kith_signaling_message_free(message);
    return n->ignores_offer ? KITH_OK : err;
}

kith_err kith_negotiator_receive(kith_negotiator *n, const char *text, size_t len)
{
    kith_signaling_message *message;
    kith_err err = kith_signaling_message_from_json(text, len, &message);
    if (err != KITH_OK)
        return err;
    if (kith_signaling_message_get_type(message) == KITH_SIGNALING_MESSAGE_CANDIDATE)
        return take_candidate(n, message, len);
    err = take_description(n, kith_signaling_message_description(message));
    kith_signaling_message_free(message);
    return err;
}

/* ---- texts that leave ---- */

/* The offer that is needed, or the answer that is due. */
static kith_err describe(kith_negotiator *n)
{
    kith_signaling_state state = kith_pc_signaling_state(n->pc);
    bool is_due = state == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER ||
                  (state == KITH_SIGNALING_STATE_STABLE && kith_pc_negotiation_needed(n->pc));
    if (!is_due || n->says_description)
        return KITH_OK;
    kith_err err = kith_pc_set_local_description(n->pc, NULL);
    n->says_description = err == KITH_OK;
    return err;
}

static bool can_say_description(const kith_negotiator *n)
{
    return n->says_description && (!n->config.no_trickle || kith_pc_ice_gathering_state(n->pc) ==
                                                                KITH_ICE_GATHERING_STATE_COMPLETE);
}

/* The oldest of ours. */
static void say_candidate(kith_negotiator *n)
{
    kith_list_node *node = kith_list_first(&n->own);
    if (!node)
        return;
    struct own_candidate *c = KITH_OWNER(node, struct own_candidate, node);
    n->text = c->json;
    c->json = NULL;
    free_own(c);
}

kith_err kith_negotiator_poll(kith_negotiator *n, const char **text)
{
    *text = NULL;
    kith_free(n->text);
    n->text = NULL;
    kith_err err = describe(n);
    if (err != KITH_OK)
        return err;
    if (can_say_description(n)) {
        err = kith_session_description_to_json(kith_pc_local_description(n->pc), &n->text);
        if (err != KITH_OK)
            return err;
        n->says_description = false;
    } else if (!n->says_description) {
        say_candidate(n);
    }
    *text = n->text;
    return KITH_OK;
}
