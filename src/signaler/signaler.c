/* A signaler: a room's members, the peer connections that are negotiated with them, and what is
 * told of both. What it says leaves in kith_signaler_poll, when the program has answered all that
 * its peers told; what comes is taken between events. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <jansson.h>

#include "kith/json.h"
#include "kith/negotiator.h"
#include "kith/signaler.h"
#include "signaler/outbox.h"
#include "signaler/room.h"
#include "signaler/wire.h"

/* Of RFC 6455 section 7.2.3: the first attempt soon, the others by truncated exponential backoff,
 * all at random, so that a hub that was restarted is not met by all at once. */
#define FIRST_DELAY KITH_MS(500)
#define MAX_DELAY   KITH_SECONDS(30)

/* Candidates of a peer wait for who attaches to it, and news for who asks: what a stranger can make
 * us hold. */
enum { MAX_NEWS = 1024, WORD = 33 };

/* A peer connection and the member that it is negotiated with. */
struct link {
    struct link *next;
    kith_pc *pc;
    kith_negotiator *negotiator;
    /* "": whoever is there */
    char peer[KITH_ROOM_WORD];
    /* it could not speak; until something has changed */
    bool has_failed;
    /* those of the hub are among its own */
    bool has_servers;
    /* out of memory: an event is lost */
    bool must_resend;
};

struct news {
    struct news *next;
    kith_event ev;
    kith_error error;
    char peer[KITH_ROOM_WORD];
    /* and a NUL */
    char text[];
};

struct kith_signaler {
    kith_loop *loop;
    kith_signaler_config config;
    bool is_of_many, uses_lines;
    kith_websocket_url url;
    char *ca_file;
    /* of this start; of our place in the room, "": none */
    char epoch[WORD], seat[WORD];
    /* that came since the welcome */
    uint64_t taken;
    kith_websocket *ws;
    kith_lines *lines;
    kith_watch *timer;
    unsigned attempts;
    kith_signaler_state state;
    kith_room room;
    struct link *links;
    kith_outbox outbox;
    /* an array, or NULL */
    json_t *ice_servers;
    struct news *news, **last_news, *current;
    size_t news_count;
};

static kith_err fail_memory(void)
{
    return kith_set_last_error(KITH_ERR_NO_MEMORY, "out of memory");
}

/* ---- news ---- */

/* Without memory a text or an error is lost; what the room looks like is still known here. */
static struct news *add_news(kith_signaler *s, kith_event_type type, const char *peer,
                             const char *text, size_t len)
{
    struct news *news = s->news_count < MAX_NEWS ? calloc(1, sizeof *news + len + 1) : NULL;
    if (!news)
        return NULL;
    if (len > 0)
        memcpy(news->text, text, len);
    news->ev.type = type;
    news->ev.signaler.signaler = s;
    news->ev.signaler.state = s->state;
    if (peer) {
        snprintf(news->peer, sizeof news->peer, "%s", peer);
        news->ev.signaler.peer = news->peer;
    }
    if (type == KITH_EV_SIGNALER_TEXT) {
        news->ev.signaler.text = news->text;
        news->ev.signaler.len = len;
    }
    *s->last_news = news;
    s->last_news = &news->next;
    s->news_count++;
    return news;
}

static void add_error(struct news *news, kith_err err, const char *words)
{
    if (!news)
        return;
    news->error = (kith_error){.err = err,
                               .sdp_line_number = -1,
                               .sctp_cause_code = -1,
                               .received_alert = -1,
                               .sent_alert = -1};
    snprintf(news->error.message, sizeof news->error.message, "%s", words);
    news->ev.signaler.error = &news->error;
}

static void tell_error(kith_signaler *s, const char *peer, kith_err err, const char *words)
{
    add_error(add_news(s, KITH_EV_SIGNALER_ERROR, peer, NULL, 0), err, words);
}

/* words NULL: nothing is wrong. */
static void set_state(kith_signaler *s, kith_signaler_state state, const char *words)
{
    s->state = state;
    struct news *news = add_news(s, KITH_EV_SIGNALER_STATE, NULL, NULL, 0);
    if (words)
        add_error(news, KITH_ERR_OPERATION, words);
}

static const kith_event *take_news(kith_signaler *s)
{
    free(s->current);
    s->current = s->news;
    if (!s->current)
        return NULL;
    s->news = s->current->next;
    s->news_count--;
    if (!s->news)
        s->last_news = &s->news;
    return &s->current->ev;
}

/* ---- peer connections ---- */

static struct link *find_link(const kith_signaler *s, const kith_pc *pc)
{
    struct link *link = s->links;
    while (link && link->pc != pc)
        link = link->next;
    return link;
}

/* Of the member `peer`. */
static struct link *find_link_of(const kith_signaler *s, const char *peer)
{
    struct link *link = s->links;
    while (link && link->peer[0] && strcmp(link->peer, peer) != 0)
        link = link->next;
    return link;
}

static kith_room_member *member_of(kith_signaler *s, const struct link *link)
{
    return kith_room_find(&s->room, link->peer[0] ? link->peer : NULL);
}

/* Whoever is there now may know nothing of what was said before. */
static void begin_anew(struct link *link, const kith_room_member *member)
{
    kith_negotiator_set_polite(link->negotiator, member->polite);
    link->must_resend = kith_negotiator_resend(link->negotiator) != KITH_OK;
    link->has_failed = false;
}

/* Behind those that pc has. One that kith does not speak is left out. */
static void add_server(kith_pc *pc, const json_t *server, const char *url)
{
    kith_ice_server servers[KITH_ROOM_MEMBERS];
    kith_pc_config config = *kith_pc_get_configuration(pc);
    size_t own = config.ice_server_count, size = config.ice_server_size;
    if (!url || own >= KITH_ROOM_MEMBERS || size > sizeof servers[0])
        return;
    memset(servers, 0, sizeof servers);
    for (size_t i = 0; i < own; i++)
        memcpy(&servers[i], (const char *)config.ice_servers + i * size, size);
    servers[own] = (kith_ice_server){
        .urls = &url,
        .url_count = 1,
        .username = json_string_value(json_object_get(server, "username")),
        .credential = json_string_value(json_object_get(server, "credential")),
    };
    config.ice_servers = servers;
    config.ice_server_size = sizeof servers[0];
    config.ice_server_count = own + 1;
    kith_err err = kith_pc_set_configuration(pc, &config);
    (void)err;
}

/* Once: other credentials would have the next offer restart ICE. */
static void add_servers(const kith_signaler *s, struct link *link)
{
    size_t i, j;
    json_t *server, *url;
    if (link->has_servers || !s->ice_servers)
        return;
    link->has_servers = true;
    json_array_foreach(s->ice_servers, i, server)
    {
        json_t *urls = json_object_get(server, "urls");
        add_server(link->pc, server, json_string_value(urls));
        json_array_foreach(urls, j, url) add_server(link->pc, server, json_string_value(url));
    }
}

kith_err kith_signaler_attach(kith_signaler *s, kith_pc *pc, const char *peer)
{
    if (!pc || (s->is_of_many && !peer) || (peer && strlen(peer) >= KITH_ROOM_WORD))
        return kith_set_last_error(KITH_ERR_TYPE, pc ? "in a room of many a peer is to be named"
                                                     : "there is no peer connection");
    if (find_link(s, pc))
        return kith_set_last_error(KITH_ERR_INVALID_STATE, "it is attached already");
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return fail_memory();
    kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
    config.polite = s->config.await_offer;
    config.no_trickle = s->config.no_trickle;
    config.restart_on_failure = s->config.restart_on_failure;
    kith_err err = kith_negotiator_new(&link->negotiator, pc, &config);
    if (err != KITH_OK) {
        free(link);
        return err;
    }
    link->pc = pc;
    if (peer && s->is_of_many)
        memcpy(link->peer, peer, strlen(peer) + 1);
    link->next = s->links;
    s->links = link;
    add_servers(s, link);
    const kith_room_member *member = member_of(s, link);
    if (member)
        begin_anew(link, member);
    kith_watch_set(s->timer, 0, kith_clock_now()); /* it may have to say something already */
    return KITH_OK;
}

static void free_link(struct link *link)
{
    kith_negotiator_free(link->negotiator);
    free(link);
}

void kith_signaler_detach(kith_signaler *s, kith_pc *pc)
{
    for (struct link **at = &s->links; *at; at = &(*at)->next) {
        struct link *link = *at;
        if (link->pc != pc)
            continue;
        *at = link->next;
        free_link(link);
        return;
    }
}

/* ---- texts that leave ---- */

/* {"to":ID,"message":TEXT}, in a room of many; free(). NULL: it is not UTF-8, or no memory. */
static char *address(const char *peer, const char *text, size_t len)
{
    json_t *message = json_stringn(text, len);
    json_t *object = message ? json_pack("{s:s, s:o}", "to", peer, "message", message) : NULL;
    char *addressed = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return addressed;
}

static kith_err put(kith_signaler *s, const char *peer, const char *text, size_t len)
{
    if (!s->is_of_many)
        return kith_outbox_add(&s->outbox, text, len);
    char *addressed = address(peer, text, len);
    if (!addressed)
        return kith_set_last_error(KITH_ERR_SYNTAX, "the text is not UTF-8");
    kith_err err = strlen(addressed) > KITH_WIRE_MAX_TEXT
                       ? kith_set_last_error(KITH_ERR_RANGE, "a text has more than 256 KiB")
                       : kith_outbox_add(&s->outbox, addressed, strlen(addressed));
    free(addressed);
    return err;
}

static bool carry(kith_signaler *s, const kith_outbox_text *text)
{
    return s->uses_lines ? kith_lines_send(s->lines, text->data, text->len)
                         : kith_websocket_send(s->ws, text->data, text->len);
}

/* In a room of two a text waits for the other one. */
static void send_waiting(kith_signaler *s)
{
    const kith_outbox_text *text;
    if (s->state != KITH_SIGNALER_STATE_JOINED || (!s->is_of_many && s->room.present == 0))
        return;
    while ((text = kith_outbox_next(&s->outbox)))
        if (!carry(s, text)) {
            s->outbox.left--; /* later */
            return;
        }
}

kith_err kith_signaler_send(kith_signaler *s, const char *peer, const char *text, size_t len)
{
    if (s->is_of_many && !peer)
        return kith_set_last_error(KITH_ERR_TYPE, "in a room of many a peer is to be named");
    if (len > KITH_WIRE_MAX_TEXT)
        return kith_set_last_error(KITH_ERR_RANGE, "a text has more than 256 KiB");
    kith_err err = put(s, peer, text, len);
    send_waiting(s);
    return err;
}

/* Of a peer connection: all that it has to say, if there is anybody to hear it. */
static void speak(kith_signaler *s, struct link *link)
{
    const char *text;
    kith_err err = KITH_OK;
    const kith_room_member *member = member_of(s, link);
    bool waits = s->config.await_offer && !kith_pc_remote_description(link->pc);
    if (!member || link->has_failed || waits)
        return;
    if (link->must_resend)
        begin_anew(link, member);
    while (s->outbox.count - s->outbox.left < KITH_OUTBOX_TEXTS / 2 &&
           (err = kith_negotiator_poll(link->negotiator, &text)) == KITH_OK && text) {
        err = put(s, member->id, text, strlen(text));
        send_waiting(s);
        if (err != KITH_OK)
            break;
    }
    if (err == KITH_OK)
        return;
    link->has_failed = true;
    tell_error(s, member->id, err, kith_last_error()->message);
}

/* ---- texts that come ---- */

static bool is_signal(const char *text, size_t len)
{
    kith_signaling_message *message;
    if (kith_signaling_message_from_json(text, len, &message) != KITH_OK)
        return false;
    kith_signaling_message_free(message);
    return true;
}

static void take_text_of(kith_signaler *s, const char *peer, const char *text, size_t len)
{
    struct link *link = find_link_of(s, peer);
    if (!link || !is_signal(text, len)) {
        add_news(s, KITH_EV_SIGNALER_TEXT, peer, text, len);
        return;
    }
    link->has_failed = false;
    kith_err err = kith_negotiator_receive(link->negotiator, text, len);
    if (err != KITH_OK)
        tell_error(s, peer, err, kith_last_error()->message);
}

static const char *word_of(const json_t *object, const char *name)
{
    const char *word = json_string_value(json_object_get(object, name));
    return word ? word : "";
}

static void enter(kith_signaler *s, const json_t *words, bool polite)
{
    bool is_new = true;
    const char *epoch = word_of(words, "epoch");
    char before[KITH_ROOM_WORD] = "";
    kith_room_member *member = kith_room_of_epoch(&s->room, epoch);
    if (member)
        memcpy(before, member->id, sizeof before);
    member = kith_room_enter(&s->room, word_of(words, "peer"), epoch, polite, &is_new);
    if (!member)
        return;
    for (struct link *link = s->links; link; link = link->next)
        if (link->peer[0] && strcmp(link->peer, before) == 0)
            memcpy(link->peer, member->id, sizeof link->peer);
    struct news *news = add_news(s, KITH_EV_SIGNALER_PEER, member->id, NULL, 0);
    if (news)
        news->ev.signaler.is_new = is_new;
    for (struct link *link = s->links; link; link = link->next)
        if (member_of(s, link) == member)
            begin_anew(link, member);
}

static void leave(kith_signaler *s, kith_room_member *member)
{
    if (!member)
        return;
    add_news(s, KITH_EV_SIGNALER_LEFT, member->id, NULL, 0);
    kith_room_leave(&s->room, member);
}

/* A place in the room that is not ours of before: who is not named any more has left, before
 * anybody comes in his place. */
static void take_new_seat(kith_signaler *s, const json_t *welcome)
{
    size_t i;
    json_t *other, *others = json_object_get(welcome, "peers");
    bool polite = json_is_true(json_object_get(welcome, "polite"));
    snprintf(s->seat, sizeof s->seat, "%s", word_of(welcome, "seat"));
    s->taken = 0;
    kith_outbox_forget(&s->outbox);
    for (i = 0; i < s->room.count; i++)
        s->room.members[i].is_named = false;
    json_array_foreach(others, i, other)
    {
        kith_room_member *member = kith_room_of_epoch(&s->room, word_of(other, "epoch"));
        if (member)
            member->is_named = true;
    }
    for (i = 0; i < s->room.count; i++)
        if (s->room.members[i].is_present && !s->room.members[i].is_named)
            leave(s, &s->room.members[i]);
    json_array_foreach(others, i, other) enter(
        s, other,
        s->is_of_many ? strcmp(word_of(welcome, "peer"), word_of(other, "peer")) > 0 : polite);
}

static void take_welcome(kith_signaler *s, const json_t *welcome)
{
    json_t *servers = json_object_get(welcome, "iceServers");
    bool is_same = s->seat[0] && strcmp(s->seat, word_of(welcome, "seat")) == 0;
    s->attempts = 0;
    json_decref(s->ice_servers);
    s->ice_servers = json_incref(servers);
    for (struct link *link = s->links; link; link = link->next)
        add_servers(s, link);
    set_state(s, KITH_SIGNALER_STATE_JOINED, NULL);
    if (is_same)
        kith_outbox_rewind(&s->outbox,
                           (uint64_t)json_integer_value(json_object_get(welcome, "received")));
    else
        take_new_seat(s, welcome);
}

static void take_hub_word(kith_signaler *s, const json_t *words)
{
    const char *word = word_of(words, "hub"), *peer = word_of(words, "peer");
    if (strcmp(word, "welcome") == 0)
        take_welcome(s, words);
    else
        s->taken++;
    if (strcmp(word, "joined") == 0)
        enter(s, words, json_is_true(json_object_get(words, "polite")));
    else if (strcmp(word, "left") == 0)
        leave(s, kith_room_find(&s->room, peer));
    else if (strcmp(word, "error") == 0)
        tell_error(s, s->is_of_many ? word_of(words, "to") : NULL, KITH_ERR_OPERATION,
                   word_of(words, "reason"));
}

static void take_addressed(kith_signaler *s, const json_t *object)
{
    json_t *message = json_object_get(object, "message");
    const char *from = word_of(object, "from");
    s->taken++;
    if (json_is_string(message)) {
        take_text_of(s, from, json_string_value(message), json_string_length(message));
        return;
    }
    char *text = json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    if (text)
        take_text_of(s, from, text, strlen(text));
    free(text);
}

/* What begins like this is the hub's own: it lets no such text of a member pass. */
static bool is_hub_word(const char *text)
{
    static const char beginning[] = "{\"hub\":";
    return strncmp(text, beginning, sizeof beginning - 1) == 0;
}

static void take_text(void *user, const char *text, size_t len)
{
    kith_signaler *s = user;
    bool is_word = !s->uses_lines && is_hub_word(text);
    if (!is_word && !s->is_of_many) {
        const kith_room_member *member = kith_room_find(&s->room, NULL);
        s->taken++;
        take_text_of(s, member ? member->id : "", text, len);
        return;
    }
    json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    if (is_word)
        take_hub_word(s, object);
    else
        take_addressed(s, object);
    json_decref(object);
}

/* ---- the server ---- */

static void wait_for_another(kith_signaler *s)
{
    uint32_t random = 0;
    kith_time most = FIRST_DELAY << (s->attempts < 6 ? s->attempts : 6);
    most = most < MAX_DELAY ? most : MAX_DELAY;
    if (getrandom(&random, sizeof random, 0) < 0)
        random = UINT32_MAX / 2;
    s->attempts++;
    kith_watch_set(s->timer, 0, kith_clock_now() + (kith_time)((double)most * random / UINT32_MAX));
}

static void take_end(void *user, const char *words, bool is_final)
{
    kith_signaler *s = user;
    kith_websocket_close(s->ws);
    s->ws = NULL;
    if (s->uses_lines)
        leave(s, kith_room_find(&s->room, NULL));
    set_state(s, is_final ? KITH_SIGNALER_STATE_CLOSED : KITH_SIGNALER_STATE_WAITING, words);
    if (!is_final)
        wait_for_another(s);
}

static const kith_wire_callbacks callbacks = {take_text, take_end};

static bool connect_to_hub(kith_signaler *s)
{
    char protocols[160];
    int len = snprintf(protocols, sizeof protocols, "kith, epoch.%s", s->epoch);
    if (s->seat[0])
        snprintf(protocols + len, sizeof protocols - (size_t)len, ", seat.%s.%llu", s->seat,
                 (unsigned long long)s->taken);
    s->ws = kith_websocket_open(s->loop, &s->url, protocols, s->ca_file, &callbacks, s);
    return s->ws;
}

/* Time for another attempt; or only to look for what is to be said. */
static void on_timer(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    kith_signaler *s = user;
    (void)loop;
    (void)watch;
    (void)ready;
    if (s->state != KITH_SIGNALER_STATE_WAITING)
        return;
    if (connect_to_hub(s))
        set_state(s, KITH_SIGNALER_STATE_CONNECTING, NULL);
    else
        wait_for_another(s);
}

/* ---- the loop ---- */

static void handle_event(const kith_event *ev, void *user)
{
    struct link *link = ev->pc ? find_link(user, ev->pc) : NULL;
    if (!link)
        return;
    link->has_failed = false;
    if (kith_negotiator_handle_event(link->negotiator, ev) != KITH_OK)
        link->must_resend = true;
}

static const kith_event *poll_event(void *user)
{
    kith_signaler *s = user;
    const kith_event *ev = take_news(s);
    if (ev)
        return ev;
    if (s->state == KITH_SIGNALER_STATE_JOINED)
        for (struct link *link = s->links; link; link = link->next)
            speak(s, link);
    send_waiting(s);
    return take_news(s);
}

/* ---- beginning and end ---- */

static bool draw_epoch(kith_signaler *s)
{
    uint8_t bytes[(WORD - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(s->epoch + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* As kith_config_read does: what an older header's struct lacks is a default, and what a newer
 * one's sets beyond ours is refused. */
static kith_err copy_config(kith_signaler_config *out, const kith_signaler_config *cfg)
{
    *out = (kith_signaler_config)KITH_SIGNALER_CONFIG_INIT;
    if (!cfg || cfg->size < offsetof(kith_signaler_config, ca_file))
        return kith_set_last_error(
            KITH_ERR_TYPE, "the configuration does not begin with KITH_SIGNALER_CONFIG_INIT");
    for (size_t i = sizeof *out; i < cfg->size; i++)
        if (((const unsigned char *)cfg)[i])
            return kith_set_last_error(KITH_ERR_NOT_SUPPORTED, "a member is set that is not known");
    memcpy(out, cfg, cfg->size < sizeof *out ? cfg->size : sizeof *out);
    for (size_t i = 0; i < sizeof out->reserved; i++)
        if (out->reserved[i])
            return kith_set_last_error(KITH_ERR_NOT_SUPPORTED, "a reserved member is set");
    if (!out->url)
        return kith_set_last_error(KITH_ERR_TYPE, "there is no URL");
    return KITH_OK;
}

/* Of those behind the question mark, which stand between ampersands. */
static bool has_argument(const char *path, const char *argument)
{
    size_t len = strlen(argument);
    for (const char *at = strchr(path, '?'); at; at = strchr(at + 1, '&'))
        if (strncmp(at + 1, argument, len) == 0 && (at[1 + len] == '&' || at[1 + len] == '\0'))
            return true;
    return false;
}

static kith_err read_config(kith_signaler *s, const kith_signaler_config *given)
{
    kith_err err = copy_config(&s->config, given);
    const kith_signaler_config *cfg = &s->config;
    if (err != KITH_OK)
        return err;
    s->uses_lines = strcmp(cfg->url, "stdio:") == 0;
    if (!s->uses_lines && strncmp(cfg->url, "ws:", 3) != 0 && strncmp(cfg->url, "wss:", 4) != 0)
        return kith_set_last_error(KITH_ERR_NOT_SUPPORTED,
                                   "the URL is none of ws://, wss:// and stdio:");
    if (!s->uses_lines && !kith_websocket_parse_url(&s->url, cfg->url))
        return kith_set_last_error(KITH_ERR_SYNTAX, "the URL is not ws://HOST[:PORT]/ROOM");
    s->is_of_many = !s->uses_lines && has_argument(s->url.path, "many");
    if (cfg->ca_file && !(s->ca_file = strdup(cfg->ca_file)))
        return fail_memory();
    s->config.url = s->config.ca_file = NULL; /* borrowed */
    return KITH_OK;
}

/* The other end of the lines is there. */
static kith_err open_lines(kith_signaler *s)
{
    kith_err err = kith_lines_open(&s->lines, s->loop, STDIN_FILENO, STDOUT_FILENO, &callbacks, s);
    if (err != KITH_OK)
        return err;
    bool is_new;
    set_state(s, KITH_SIGNALER_STATE_JOINED, NULL);
    const kith_room_member *member =
        kith_room_enter(&s->room, "stdio", "stdio", s->config.await_offer, &is_new);
    struct news *news = add_news(s, KITH_EV_SIGNALER_PEER, member->id, NULL, 0);
    if (news)
        news->ev.signaler.is_new = true;
    return KITH_OK;
}

static kith_err open_websocket(kith_signaler *s)
{
    if (!draw_epoch(s) || !connect_to_hub(s))
        return kith_set_last_error(KITH_ERR_SYSTEM, "cannot start a thread");
    set_state(s, KITH_SIGNALER_STATE_CONNECTING, NULL);
    return KITH_OK;
}

kith_err kith_signaler_open(kith_signaler **out, kith_loop *loop, const kith_signaler_config *cfg)
{
    kith_signaler *s = calloc(1, sizeof *s);
    if (!s)
        return fail_memory();
    s->loop = loop;
    s->last_news = &s->news;
    kith_outbox_init(&s->outbox);
    kith_companion companion = KITH_COMPANION_INIT;
    companion.handle_event = handle_event;
    companion.poll_event = poll_event;
    companion.user = s;
    kith_err err = read_config(s, cfg);
    if (err == KITH_OK)
        err = kith_loop_watch(&s->timer, loop, -1, on_timer, s);
    if (err == KITH_OK)
        err = kith_loop_add_companion(loop, &companion);
    if (err == KITH_OK)
        err = s->uses_lines ? open_lines(s) : open_websocket(s);
    if (err != KITH_OK) {
        kith_signaler_free(s);
        return err;
    }
    *out = s;
    return KITH_OK;
}

void kith_signaler_free(kith_signaler *s)
{
    if (!s)
        return;
    kith_loop_remove_companion(s->loop, s);
    kith_watch_free(s->timer);
    kith_websocket_close(s->ws);
    kith_lines_close(s->lines);
    while (s->links) {
        struct link *link = s->links;
        s->links = link->next;
        free_link(link);
    }
    while (take_news(s))
        ;
    kith_outbox_deinit(&s->outbox);
    kith_websocket_free_url(&s->url);
    json_decref(s->ice_servers);
    free(s->ca_file);
    free(s);
}

kith_signaler_state kith_signaler_get_state(const kith_signaler *s)
{
    return s->state;
}

size_t kith_signaler_peer_count(const kith_signaler *s)
{
    return s->room.present;
}
