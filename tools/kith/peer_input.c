/* The lines that `kith peer` reads on standard input: messages to send, orders, signalling. */
#include "peer.h"

#include <string.h>

static bool has(const json_t *object, const char *member)
{
    return json_object_get(object, member);
}

/* What another peer writes for people; so that the output of one may be the input of another. */
static bool is_report(const json_t *object)
{
    return has(object, "state") || (has(object, "channel") && has(object, "open")) ||
           has(object, "sent") || has(object, "received") || has(object, "room") ||
           has(object, "recording") || has(object, "recorded");
}

static bool close_channel(struct peer *p, const json_t *label, const char **words)
{
    struct peer_channel *channel =
        json_is_string(label) ? peer_find_channel(p, json_string_value(label)) : NULL;
    if (!channel)
        *words = "there is no channel of that label";
    else
        kith_dc_close(channel->dc);
    return channel;
}

static bool restart(struct peer *p, const char **words)
{
    bool restarted = peer_restart_ice(p);
    if (!restarted)
        *words = "there is nothing to restart, or nobody to tell";
    return restarted;
}

static bool take_line(struct peer *p, const char *text, size_t len, const char **words)
{
    json_error_t error;
    json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, &error);
    bool taken = false;
    if (!json_is_object(object))
        *words = "not a JSON object";
    else if (has(object, "text") || has(object, "binary"))
        taken = peer_send_line(p, object, words);
    else if (has(object, "close"))
        taken = close_channel(p, json_object_get(object, "close"), words);
    else if (has(object, "restart"))
        taken = restart(p, words);
    else if (is_report(object))
        taken = true;
    else if (p->signaler)
        *words = "neither text nor binary (signalling goes through the room)";
    else
        taken = peer_take_signal(p, text, len); /* explains itself */
    json_decref(object);
    return taken;
}

void peer_take_line(void *user, const char *text, size_t len, unsigned long number)
{
    struct peer *p = user;
    const char *words = NULL;
    if (p->done || len == strspn(text, " \t\r"))
        return;
    if (!take_line(p, text, len, &words)) {
        tool_error("line %lu of standard input was not used%s%s", number, words ? ": " : "",
                   words ? words : "");
        p->status = TOOL_FAILED;
    }
}

/* What came over standard input can have no more of them: ICE may then fail in time. */
static void end_remote_candidates(struct peer *p)
{
    if (!p->signaler && kith_pc_remote_description(p->pc) &&
        kith_pc_add_ice_candidate(p->pc, NULL) != KITH_OK)
        tool_error("the end of the candidates is refused: %s", kith_last_error()->message);
}

void peer_end_input(void *user, const char *words)
{
    struct peer *p = user;
    if (words) {
        tool_error("standard input: %s", words);
        p->status = TOOL_FAILED;
    }
    p->input_ended = true;
    end_remote_candidates(p);
    peer_go_on_closing(p);
}
