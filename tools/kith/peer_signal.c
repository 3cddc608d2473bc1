/* The signalling of `kith peer`: what its negotiator says and is told, on standard input and
 * output, or a room of a hub, by a signaler. */
#include "peer.h"

#include <string.h>

/* ---- by lines ---- */

/* The answerer waits for the first offer. */
bool peer_speak(struct peer *p)
{
    const char *text;
    kith_err err = KITH_OK;
    bool may_speak = p->options.is_offerer || kith_pc_remote_description(p->pc);
    while (p->negotiator && may_speak &&
           (err = kith_negotiator_poll(p->negotiator, &text)) == KITH_OK && text)
        lines_write_text(p->output, text);
    if (err != KITH_OK)
        tool_kith_error("cannot make the local description", err);
    return err == KITH_OK;
}

bool peer_take_signal(struct peer *p, const char *text, size_t len)
{
    kith_err err = kith_negotiator_receive(p->negotiator, text, len);
    if (err != KITH_OK)
        tool_kith_error("what the other side said is refused", err);
    return peer_speak(p) && err == KITH_OK;
}

/* ---- in a room ---- */

/* Is there anybody to whom an offer could go, and an answer to come from? */
static bool can_signal(const struct peer *p)
{
    if (!p->signaler)
        return !p->input_ended;
    return kith_signaler_get_state(p->signaler) == KITH_SIGNALER_STATE_JOINED &&
           kith_signaler_peer_count(p->signaler) > 0;
}

bool peer_restart_ice(struct peer *p)
{
    if (!kith_pc_remote_description(p->pc) || !can_signal(p))
        return false;
    kith_pc_restart_ice(p->pc);
    return true;
}

bool peer_open_room(struct peer *p)
{
    kith_signaler_config config = KITH_SIGNALER_CONFIG_INIT;
    config.url = p->options.signal;
    config.ca_file = p->options.ca_file;
    config.no_trickle = p->options.no_trickle;
    config.await_offer = !p->options.is_offerer;
    kith_err err = kith_signaler_open(&p->signaler, p->loop, &config);
    if (err == KITH_OK)
        err = kith_signaler_attach(p->signaler, p->pc, NULL);
    if (err != KITH_OK)
        tool_kith_error(p->options.signal, err);
    if (err == KITH_ERR_SYNTAX || err == KITH_ERR_NOT_SUPPORTED)
        p->status = TOOL_USAGE;
    return err == KITH_OK;
}

/* The room's name in the URL, the end of its path. */
static void tell_room(struct peer *p)
{
    const char *slash = strrchr(p->options.signal, '/');
    bool present = kith_signaler_peer_count(p->signaler) > 0;
    p->was_in_room = true;
    lines_write(p->output,
                json_pack("{s:s, s:b}", "room", slash ? slash + 1 : "", "present", present));
    if (!present)
        tool_error("%s: waiting for somebody else in the room", p->options.signal);
}

static void take_state(struct peer *p, const kith_signaler_news *news)
{
    char line[1024];
    bool is_refused = news->state == KITH_SIGNALER_STATE_CLOSED;
    if (news->state == KITH_SIGNALER_STATE_JOINED && !p->was_in_room)
        tell_room(p);
    if (!news->error || p->was_connected)
        return;
    snprintf(line, sizeof line, "%s: %s%s", p->options.signal, news->error->message,
             is_refused ? "" : peer_network_words());
    if (is_refused || !p->was_in_room)
        peer_fail(p, line);
    if (is_refused)
        p->status = TOOL_REFUSED;
}

/* Once: every candidate is refused like the first. */
static void tell_trouble(struct peer *p, const char *words)
{
    if (strcmp(p->room_words, words) != 0)
        tool_error("%s: %s", p->options.signal, words);
    snprintf(p->room_words, sizeof p->room_words, "%s", words);
    p->status = p->status == TOOL_OK ? TOOL_FAILED : p->status;
}

void peer_room_event(struct peer *p, const kith_signaler_news *news, kith_event_type type)
{
    if (type == KITH_EV_SIGNALER_STATE)
        take_state(p, news);
    if (type == KITH_EV_SIGNALER_PEER && !p->was_connected) {
        tool_error("%s: connecting to %s", p->options.signal, news->peer);
        peer_arm_timer(p, PEER_TIMER_CONNECT);
    }
    if (type == KITH_EV_SIGNALER_TEXT || type == KITH_EV_SIGNALER_ERROR)
        tell_trouble(p, news->error
                            ? news->error->message
                            : "what the other side said is no description and no candidate");
}
