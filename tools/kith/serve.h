/* Inside `kith serve`: serve.c runs libwebsockets and decides what a request is for; http.c gives
 * the page, hub.c relays between two members of a room, builtin_peer.c is the peer that pages talk
 * to, program.c has them talk to a program instead, serve_turn.c relays for those that cannot reach
 * each other. */
#ifndef KITH_TOOL_SERVE_H
#define KITH_TOOL_SERVE_H

#include "tool.h"

#include <libwebsockets.h>

/* Limits for what a stranger can make us hold. */
enum {
    /* one WebSocket message */
    SERVE_MAX_MESSAGE = 256 * 1024,
    /* unread by one WebSocket */
    SERVE_MAX_WAITING = 4 * 1024 * 1024,
    /* texts and bytes that a member of a room has not read, or only lately; of all members */
    SERVE_MAX_UNREAD = 256,
    SERVE_MAX_UNREAD_BYTES = 1024 * 1024,
    SERVE_MAX_KEPT = 64 * 1024 * 1024,
    SERVE_MAX_ROOMS = 1024,
    /* of a room of many */
    SERVE_MAX_MEMBERS = 64,
    SERVE_MAX_PAGES = 64,
    /* of a room */
    SERVE_MAX_NAME = 64,
    /* files of --media, and URLs of --turn-url */
    SERVE_MAX_MEDIA = 8,
    SERVE_MAX_TURN_URLS = 8,
};

/* WebSocket close codes: RFC 6455 section 7.4.1, and some of our own. */
enum {
    CLOSE_GOING_AWAY = 1001,
    CLOSE_UNACCEPTABLE = 1003,
    CLOSE_POLICY = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_ROOM_FULL = 4001,
    CLOSE_TOO_MANY = 4002,
    CLOSE_REPLACED = 4003,
};

struct hub;
struct builtin;
struct programs;
struct turn;

struct serve {
    kith_loop *loop;
    struct lws_context *context;
    /* the last is empty */
    struct lws_protocols protocols[3];
    struct hub *hub;
    struct builtin *builtin;
    /* NULL: pages talk to the built-in peer */
    struct programs *programs;
    /* NULL: none */
    struct turn *turn;
    /* of the built-in peer */
    kith_watch *timer;
    int signal_fd;
    bool done;
};

/* ---- one WebSocket ---- */

typedef struct ws_session ws_session;

/* What a WebSocket is for. */
struct ws_role {
    /* False: the session was closed with a reason. */
    void (*opened)(ws_session *session);
    void (*text)(ws_session *session, const char *text, size_t len);
    void (*gone)(ws_session *session);
    /* Nothing is queued: has the role more? NULL: no. */
    void (*more)(ws_session *session);
};

struct ws_session {
    struct serve *serve;
    struct lws *wsi;
    const struct ws_role *role;
    /* the role's */
    void *state;
    char room[SERVE_MAX_NAME + 1];
    bool is_of_many;
    /* of the program behind it, as it says; "": nothing said */
    char epoch[TOOL_RANDOM_TEXT];
    /* the seat that it has in the room, "": none, and how many texts it has read there */
    char seat[TOOL_RANDOM_TEXT];
    uint64_t taken;
    /* its close frame came */
    bool took_leave;
    /* how it came to us */
    kith_address host;
    /* being put together */
    char *message;
    size_t message_len;
    struct ws_outgoing *first, **last;
    size_t waiting;
    bool closing;
    int close_code;
    /* a close frame holds 125 bytes (RFC 6455 section 5.5) */
    char close_reason[124];
};

/* Queues one text message, copied. */
void ws_send(ws_session *session, const char *text, size_t len);
/* The role's `more` is to be called. */
void ws_wants_to_write(ws_session *session);
/* Takes over `object`. */
void ws_send_json(ws_session *session, json_t *object);
/* The first that a page hears, to which iceServers are added where there are any. Takes it over. */
void ws_send_welcome(ws_session *session, json_t *welcome);
/* Sends what is queued, then a close frame. */
void ws_close(ws_session *session, int code, const char *reason);

/* ---- http.c ---- */

/* The request's Host is an address or a name of this machine, not one that some page's name server
 * made up for us (DNS rebinding); with an Origin it has to be the same. */
bool http_is_local_host(struct lws *wsi);
bool http_is_own_origin(struct lws *wsi);
/* The address in Host, which is of this machine or of a NAT in front of it; localhost is 127.0.0.1.
 */
bool http_read_host(struct lws *wsi, kith_address *out);
/* Answers a GET or HEAD. Return values of a libwebsockets callback. */
int http_serve_page(struct lws *wsi, const char *uri);
int http_write_body(struct lws *wsi);
/* A plain answer of one line. */
int http_refuse(struct lws *wsi, unsigned status, const char *words);

/* Files of the page, from the folder `web`, embedded at build time. */
struct web_file {
    const char *path, *content_type;
    const unsigned char *data;
    size_t len;
};
extern const struct web_file web_files[];
extern const size_t web_file_count;

/* ---- hub.c ---- */

/* NULL without memory. `loop` outlives it. */
struct hub *hub_new(kith_loop *loop);
void hub_free(struct hub *hub);
/* 1 to 64 letters, digits, - and _. */
bool hub_is_room_name(const char *name);
extern const struct ws_role hub_role;

/* ---- builtin_peer.c ---- */

struct builtin_config {
    kith_loop *loop;
    const struct tool_ice_servers *ice_servers;
    /* what a page can have played; 0: nothing */
    const char *media[SERVE_MAX_MEDIA];
    size_t media_count;
};

/* NULL after explaining which of the files cannot be played. What config points to outlives it. */
struct builtin *builtin_new(const struct builtin_config *config);
void builtin_free(struct builtin *builtin);
void builtin_event(struct builtin *builtin, const kith_event *ev);
/* Sends what is due of the files that are played. */
void builtin_tick(struct builtin *builtin, kith_time now);
/* When builtin_tick is due; KITH_NEVER. */
kith_time builtin_deadline(const struct builtin *builtin);
/* A line typed at the terminal goes to every page's chat. */
void builtin_say(struct builtin *builtin, const char *text, size_t len);
extern const struct ws_role builtin_role;

/* ---- serve_turn.c ---- */

/* A TURN server on every address of the loop; port 0: any free one. NULL after explaining. */
struct turn *turn_new(kith_loop *loop, uint16_t port);
/* One elsewhere, whose secret is in a file. NULL after explaining. */
struct turn *turn_elsewhere(const char *const *urls, size_t count, const char *secret_file);
/* After the loop. NULL is fine. */
void turn_free(struct turn *turn);
/* RTCConfiguration's iceServers, for one who came to us by `host`. */
json_t *turn_ice_servers(struct turn *turn, const kith_address *host);

/* ---- program.c ---- */

/* A program and its arguments, which outlive it and end with NULL. */
struct programs *programs_new(kith_loop *loop, char **arguments);
/* Waits until those that run have ended. NULL is fine. */
void programs_free(struct programs *programs);
extern const struct ws_role program_role;

#endif
