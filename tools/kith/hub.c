/* The signalling hub: rooms of two, in which each gets what the other sends, as it came, and rooms
 * of many, in which a text says whom it is for. Nothing else is looked into. Its own words begin
 * with {"hub": and no other text that it passes in a room of two does:
 *   {"hub":"welcome","room":NAME,"peer":ID,"seat":SECRET,"received":N,"peers":[…],…}
 *       first of all, with each other member's "peer" and "epoch"; of two also "polite", to give
 * way when offers cross, and "present"
 *   {"hub":"joined","peer":ID,"epoch":E,"polite":BOOL} {"hub":"left","peer":ID}   another member
 *   {"hub":"error","reason":TEXT}                         the last text went nowhere; of many: "to"
 * Of two members the later is polite, of many the one whose id is greater.
 *
 * Who does not take leave but is gone keeps its place for 30 s, unless somebody needs it, and may
 * take it again by its seat: see parse_protocols in serve.c. Both sides count the texts after the
 * welcome, so that what was under way is said once more: the hub from `taken` on, the member from
 * "received" on. A seat is known to its member alone. Whether who comes is who was there before is
 * told to the others by the digest of what it says of itself, its epoch, which is another at each
 * start of a program: who has heard the digest cannot say the epoch. */
#include "serve.h"

#include <stdlib.h>
#include <string.h>

#define ABSENCE KITH_SECONDS(30)

enum { ID_TEXT = 17 };

struct text {
    struct text *next;
    size_t len;
    char data[];
};

struct member {
    struct member *next;
    struct room *room;
    char id[ID_TEXT];
    /* its digest */
    char epoch[TOOL_RANDOM_TEXT];
    char seat[TOOL_RANDOM_TEXT];
    /* NULL: it is gone, until `leaves_at` */
    ws_session *session;
    kith_time leaves_at;
    /* that it sent */
    uint64_t received;
    /* what it was sent last and what it is to be sent; the first has this number, from 1 */
    struct text *texts, **last;
    uint64_t first_number, next_number;
    size_t count, bytes;
};

struct room {
    struct room *next;
    struct hub *hub;
    char name[SERVE_MAX_NAME + 1];
    bool is_of_many;
    /* the earlier first */
    struct member *members;
    size_t count;
};

struct hub {
    struct room *rooms;
    size_t room_count, member_count;
    /* of all texts that are kept */
    size_t bytes;
    /* of who is gone */
    kith_watch *timer;
    /* somebody's time is over */
    bool is_untidy;
};

bool hub_is_room_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(name);
    return len >= 1 && len <= SERVE_MAX_NAME && strspn(name, allowed) == len;
}

/* ---- texts ---- */

static void forget_first(struct member *member)
{
    struct text *text = member->texts;
    member->texts = text->next;
    if (!member->texts)
        member->last = &member->texts;
    member->count--;
    member->bytes -= text->len;
    member->room->hub->bytes -= text->len;
    member->first_number++;
    free(text);
}

/* Those that were sent make room. */
static bool make_room(struct member *member, size_t len)
{
    struct hub *hub = member->room->hub;
    while (member->texts && member->first_number < member->next_number &&
           (member->count == SERVE_MAX_UNREAD || member->bytes + len > SERVE_MAX_UNREAD_BYTES ||
            hub->bytes + len > SERVE_MAX_KEPT))
        forget_first(member);
    return member->count < SERVE_MAX_UNREAD && member->bytes + len <= SERVE_MAX_UNREAD_BYTES &&
           hub->bytes + len <= SERVE_MAX_KEPT;
}

/* False: it does not read what is sent to it. */
static bool give(struct member *member, const char *data, size_t len)
{
    if (!make_room(member, len))
        return false;
    struct text *text = tool_alloc(sizeof *text + len);
    memcpy(text->data, data, len);
    text->len = len;
    *member->last = text;
    member->last = &text->next;
    member->count++;
    member->bytes += len;
    member->room->hub->bytes += len;
    if (member->session)
        ws_wants_to_write(member->session);
    return true;
}

static const struct text *next_text(const struct member *member)
{
    const struct text *text = member->texts;
    for (uint64_t i = member->first_number; text && i < member->next_number; i++)
        text = text->next;
    return text;
}

/* Its time is over, as soon as the others have been told what they are being told. */
static void let_go(struct member *member)
{
    member->leaves_at = 0;
    member->room->hub->is_untidy = true;
}

/* The socket takes something. */
static void more(ws_session *session)
{
    struct member *member = session->state;
    const struct text *text = member ? next_text(member) : NULL;
    if (!text)
        return;
    member->next_number++;
    ws_send(session, text->data, text->len);
}

/* ---- who is there ---- */

static size_t capacity(const struct room *room)
{
    return room->is_of_many ? SERVE_MAX_MEMBERS : 2;
}

static struct room *find_room(struct hub *hub, const char *name)
{
    struct room *room = hub->rooms;
    while (room && strcmp(room->name, name) != 0)
        room = room->next;
    return room;
}

static struct room *make_a_room(struct hub *hub, const char *name, bool is_of_many)
{
    if (hub->room_count == SERVE_MAX_ROOMS)
        return NULL;
    struct room *room = tool_alloc(sizeof *room);
    *room = (struct room){.next = hub->rooms, .hub = hub, .is_of_many = is_of_many};
    memcpy(room->name, name, strlen(name));
    hub->rooms = room;
    hub->room_count++;
    return room;
}

static void free_room(struct room *room)
{
    struct room **at = &room->hub->rooms;
    while (*at != room)
        at = &(*at)->next;
    *at = room->next;
    room->hub->room_count--;
    free(room);
}

static struct member *find_member(const struct room *room, const char *id)
{
    struct member *member = room->members;
    while (member && strcmp(member->id, id) != 0)
        member = member->next;
    return member;
}

/* Seats are compared as secrets are: in a time that tells nothing. */
static struct member *find_seat(const struct room *room, const char *seat)
{
    for (struct member *member = room->members; member; member = member->next)
        if (seat[0] && tool_is_same_secret(member->seat, seat))
            return member;
    return NULL;
}

static bool is_polite(const struct member *member, const struct member *other)
{
    if (member->room->is_of_many)
        return strcmp(member->id, other->id) > 0;
    return other == member->room->members; /* the earlier */
}

static void set_timer(struct hub *hub)
{
    kith_time first = KITH_NEVER;
    for (const struct room *room = hub->rooms; room; room = room->next)
        for (const struct member *member = room->members; member; member = member->next)
            if (!member->session && member->leaves_at < first)
                first = member->leaves_at;
    kith_watch_set(hub->timer, 0, first);
}

/* A word of ours to all but one. */
static void tell_others(struct room *room, const struct member *about, const char *word)
{
    for (struct member *member = room->members, *next; member; member = next) {
        next = member->next;
        if (member == about)
            continue;
        json_t *object = json_pack("{s:s, s:s}", "hub", word, "peer", about->id);
        if (strcmp(word, "joined") == 0) {
            json_object_set_new(object, "epoch", json_string(about->epoch));
            json_object_set_new(object, "polite", json_boolean(is_polite(member, about)));
        }
        char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
        if (!give(member, text, strlen(text)))
            let_go(member);
        free(text);
        json_decref(object);
    }
}

/* Takes a member out, and is all that frees one; frees the room of the last. */
static void remove_member(struct member *member)
{
    struct room *room = member->room;
    struct member **at = &room->members;
    while (*at != member)
        at = &(*at)->next;
    *at = member->next;
    room->count--;
    room->hub->member_count--;
    if (member->session)
        member->session->state = NULL;
    while (member->texts)
        forget_first(member);
    tell_others(room, member, "left");
    free(member);
}

static void dismiss(struct member *member, const char *reason)
{
    if (member->session)
        ws_close(member->session, CLOSE_POLICY, reason);
    remove_member(member);
}

/* Those whose time is over; dismissing one may fill up another. */
static void tidy(struct hub *hub)
{
    kith_time now = kith_clock_now();
    hub->is_untidy = true;
    while (hub->is_untidy) {
        hub->is_untidy = false;
        for (struct room *room = hub->rooms, *next; room; room = next) {
            next = room->next;
            struct member *member = room->members;
            while (member && (member->leaves_at == KITH_NEVER || member->leaves_at > now))
                member = member->next;
            if (member)
                dismiss(member, "you do not read what is sent to you");
            hub->is_untidy = hub->is_untidy || member;
            if (!room->members)
                free_room(room);
        }
    }
    set_timer(hub);
}

static void on_timer(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    (void)loop;
    (void)watch;
    (void)ready;
    tidy(user);
}

struct hub *hub_new(kith_loop *loop)
{
    struct hub *hub = tool_alloc(sizeof *hub);
    if (kith_loop_watch(&hub->timer, loop, -1, on_timer, hub) != KITH_OK) {
        free(hub);
        return NULL;
    }
    return hub;
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    while (hub->rooms) {
        struct room *room = hub->rooms;
        while (room->members)
            remove_member(room->members);
        free_room(room);
    }
    kith_watch_free(hub->timer);
    free(hub);
}

/* ---- coming ---- */

static void welcome(struct member *member)
{
    const struct room *room = member->room;
    json_t *peers = json_array();
    for (const struct member *other = room->members; other; other = other->next)
        if (other != member)
            json_array_append_new(
                peers, json_pack("{s:s, s:s}", "peer", other->id, "epoch", other->epoch));
    bool present = json_array_size(peers) > 0;
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "hub", "welcome", "room",
                               room->name, "peer", member->id, "seat", member->seat, "received",
                               (json_int_t)member->received, "peers", peers);
    if (!room->is_of_many) {
        json_object_set_new(object, "polite", json_boolean(room->members != member));
        json_object_set_new(object, "present", json_boolean(present));
    }
    ws_send_welcome(member->session, object);
}

/* The member that has this seat goes on with this socket, after so many of our texts. */
static bool resume(struct room *room, ws_session *session)
{
    struct member *member = find_seat(room, session->seat);
    uint64_t next = session->taken + 1;
    if (!member || next < member->first_number || next > member->next_number)
        return false; /* what it lacks is forgotten: it begins anew */
    if (member->session) {
        member->session->state = NULL;
        ws_close(member->session, CLOSE_REPLACED, "your seat was taken again");
    }
    member->session = session;
    member->leaves_at = KITH_NEVER;
    member->next_number = next;
    session->state = member;
    welcome(member);
    ws_wants_to_write(session);
    return true;
}

/* Who is gone makes room. */
static void dismiss_absent(struct room *room)
{
    struct member *member = room->members;
    while (member && member->session)
        member = member->next;
    if (member && room->count == capacity(room))
        remove_member(member);
}

/* The first half of SHA-256, as long as an epoch. */
static void digest(char out[TOOL_RANDOM_TEXT], const char *epoch)
{
    char hex[TOOL_SHA256_HEX];
    tool_sha256 *hash = tool_sha256_new();
    tool_sha256_add(hash, epoch, strlen(epoch));
    tool_sha256_finish(hash, hex);
    tool_sha256_free(hash);
    memcpy(out, hex, TOOL_RANDOM_TEXT - 1);
    out[TOOL_RANDOM_TEXT - 1] = '\0';
}

static void join(struct room *room, ws_session *session)
{
    struct member *member = tool_alloc(sizeof *member), **at = &room->members;
    char random[TOOL_RANDOM_TEXT];
    *member = (struct member){.room = room, .session = session, .leaves_at = KITH_NEVER};
    member->last = &member->texts;
    member->first_number = member->next_number = 1;
    tool_random_text(random);
    memcpy(member->id, random, sizeof member->id - 1);
    tool_random_text(member->seat);
    tool_random_text(member->epoch);
    if (session->epoch[0])
        digest(member->epoch, session->epoch);
    while (*at)
        at = &(*at)->next;
    *at = member;
    room->count++;
    room->hub->member_count++;
    session->state = member;
    welcome(member);
    tell_others(room, member, "joined");
}

static void joined(ws_session *session)
{
    struct hub *hub = session->serve->hub;
    struct room *room = find_room(hub, session->room);
    if (room && room->is_of_many != session->is_of_many) {
        ws_close(session, CLOSE_ROOM_FULL,
                 room->is_of_many ? "the room is one of many: add ?many"
                                  : "the room is one of two: leave ?many out");
        return;
    }
    if (room && resume(room, session)) {
        set_timer(hub);
        return;
    }
    if (room)
        dismiss_absent(room);
    if (room && room->count == capacity(room)) {
        ws_close(session, CLOSE_ROOM_FULL,
                 room->is_of_many ? "the room is full: 64 are in it"
                                  : "the room is full: two are in it");
        return;
    }
    if (!room)
        room = make_a_room(hub, session->room, session->is_of_many);
    if (!room)
        ws_close(session, CLOSE_TOO_MANY, "there are too many rooms");
    else
        join(room, session);
    tidy(hub);
}

/* ---- texts between members ---- */

/* Is the last text that it is to be sent this one? */
static bool is_told(const struct member *member, const char *text)
{
    const struct text *last = next_text(member);
    while (last && last->next)
        last = last->next;
    return last && last->len == strlen(text) && memcmp(last->data, text, last->len) == 0;
}

/* Once until it was read: who sends much to nobody is not to drown in it. */
static void refuse(struct member *member, const char *to, const char *reason)
{
    json_t *object = json_pack("{s:s, s:s}", "hub", "error", "reason", reason);
    if (to)
        json_object_set_new(object, "to", json_string(to));
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (!is_told(member, text) && !give(member, text, strlen(text)))
        let_go(member);
    free(text);
    json_decref(object);
}

static void relay_to(struct member *from, struct member *to, const char *id, const char *text,
                     size_t len)
{
    if (!to)
        refuse(from, id, id ? "no such member is in the room" : "nobody else is in the room");
    else if (!give(to, text, len))
        refuse(from, id, "the other member does not read what is sent to it");
}

/* {"to":ID,"message":…} becomes {"from":ID,"message":…}. */
static void relay_addressed(struct member *from, const char *text, size_t len)
{
    json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    const char *to = json_string_value(json_object_get(object, "to"));
    json_t *message = json_object_get(object, "message");
    if (!to || !message) {
        json_decref(object);
        ws_close(from->session, CLOSE_POLICY,
                 "a text in a room of many is {\"to\":ID,\"message\":…}");
        return;
    }
    json_t *given = json_pack("{s:s, s:O}", "from", from->id, "message", message);
    char *out = json_dumps(given, JSON_COMPACT | JSON_PRESERVE_ORDER);
    struct member *member = find_member(from->room, to);
    if (out)
        relay_to(from, member == from ? NULL : member, to, out, strlen(out));
    free(out);
    json_decref(given);
    json_decref(object);
}

/* What begins as our own words do would be taken for them: nothing else tells them apart. */
static bool is_like_ours(const char *text)
{
    static const char beginning[] = "{\"hub\":";
    return strncmp(text, beginning, sizeof beginning - 1) == 0;
}

static void relay(ws_session *session, const char *text, size_t len)
{
    struct member *member = session->state;
    if (!member)
        return; /* it is being closed */
    struct hub *hub = member->room->hub;
    struct room *room = member->room;
    member->received++;
    if (!room->is_of_many && is_like_ours(text))
        refuse(member, NULL, "what begins with {\"hub\": is the hub's");
    else if (room->is_of_many)
        relay_addressed(member, text, len);
    else
        relay_to(member, room->members == member ? member->next : room->members, NULL, text, len);
    if (hub->is_untidy)
        tidy(hub);
}

/* ---- going ---- */

static void left(ws_session *session)
{
    struct member *member = session->state;
    struct hub *hub = session->serve->hub;
    if (!member)
        return;
    session->state = NULL;
    member->session = NULL;
    member->leaves_at = session->took_leave ? 0 : kith_clock_now() + ABSENCE;
    tidy(hub);
}

const struct ws_role hub_role = {joined, relay, left, more};
