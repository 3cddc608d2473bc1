/* The signalling hub: rooms of two, in which each gets what the other sends, as it came. Only
 * session descriptions and candidates pass. The hub's own words carry a member "hub":
 *   {"hub":"welcome","room":NAME,"polite":BOOL,"present":BOOL}  first of all; polite: give way when
 * offers cross
 *   {"hub":"joined"} {"hub":"left"}                             the other member
 *   {"hub":"error","reason":TEXT}                               the last message went nowhere */
#include "serve.h"

#include <stdlib.h>
#include <string.h>

struct room {
    struct room *next;
    char name[SERVE_MAX_NAME + 1];
    /* [1] is the polite one */
    ws_session *members[2];
};

struct hub {
    struct room *rooms;
    int count;
};

struct hub *hub_new(void)
{
    return tool_alloc(sizeof(struct hub));
}

void hub_free(struct hub *hub)
{
    while (hub && hub->rooms) {
        struct room *room = hub->rooms;
        hub->rooms = room->next;
        free(room);
    }
    free(hub);
}

bool hub_is_room_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(name);
    return len >= 1 && len <= SERVE_MAX_NAME && strspn(name, allowed) == len;
}

static struct room *find_room(struct hub *hub, const char *name)
{
    for (struct room *room = hub->rooms; room; room = room->next)
        if (strcmp(room->name, name) == 0)
            return room;
    if (hub->count == SERVE_MAX_ROOMS)
        return NULL;
    struct room *room = tool_alloc(sizeof *room);
    memcpy(room->name, name, strlen(name));
    room->next = hub->rooms;
    hub->rooms = room;
    hub->count++;
    return room;
}

static ws_session *other_member(const struct room *room, const ws_session *session)
{
    return room->members[room->members[0] == session];
}

static void joined(ws_session *session)
{
    struct room *room = find_room(session->serve->hub, session->room);
    if (!room) {
        ws_close(session, CLOSE_TOO_MANY, "there are too many rooms");
        return;
    }
    if (room->members[0] && room->members[1]) {
        ws_close(session, CLOSE_ROOM_FULL, "the room is full: two are in it");
        return;
    }
    int seat = room->members[0] ? 1 : 0;
    ws_session *other = room->members[1 - seat];
    room->members[seat] = session;
    session->state = room;
    ws_send_welcome(session, json_pack("{s:s, s:s, s:b, s:b}", "hub", "welcome", "room", room->name,
                                       "polite", seat == 1, "present", other));
    if (other)
        ws_send_json(other, json_pack("{s:s}", "hub", "joined"));
}

static void relay(ws_session *session, const char *text, size_t len)
{
    struct room *room = session->state;
    kith_signaling_message *signal = NULL;
    if (kith_signaling_message_from_json(text, len, &signal) != KITH_OK) {
        ws_close(session, CLOSE_POLICY, kith_last_error()->message);
        return;
    }
    kith_signaling_message_free(signal);
    ws_session *other = other_member(room, session);
    if (other)
        ws_send(other, text, len);
    else
        ws_send_json(session, json_pack("{s:s, s:s}", "hub", "error", "reason",
                                        "nobody else is in the room"));
}

static void remove_room(struct hub *hub, struct room *room)
{
    struct room **at = &hub->rooms;
    while (*at != room)
        at = &(*at)->next;
    *at = room->next;
    hub->count--;
    free(room);
}

static void left(ws_session *session)
{
    struct room *room = session->state;
    if (!room)
        return;
    session->state = NULL;
    ws_session *other = other_member(room, session);
    room->members[room->members[1] == session] = NULL;
    if (other)
        ws_send_json(other, json_pack("{s:s}", "hub", "left"));
    else
        remove_room(session->serve->hub, room);
}

const struct ws_role hub_role = {joined, relay, left};
