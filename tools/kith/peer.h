/* Inside `kith peer`: peer.c holds the course of a session, peer_options.c its options,
 * peer_input.c standard input, peer_signal.c signalling, peer_channels.c the data channels,
 * peer_media.c files of frames. */
#ifndef KITH_TOOL_PEER_H
#define KITH_TOOL_PEER_H

#include "file_transfer.h"
#include "lines.h"
#include "media_player.h"
#include "media_recorder.h"
#include "tool.h"

#include "kith/signaler.h"

enum { PEER_MAX_MEDIA = 16 };

struct peer_options {
    bool is_offerer;
    bool echo, no_trickle, loopback, quiet;
    /* NULL: not given */
    const char *label;
    kith_dc_init init;
    const char *send_file, *receive_dir;
    /* files of frames, and where to write those that come; NULL: nowhere */
    const char *media[PEER_MAX_MEDIA];
    size_t media_count;
    bool once;
    const char *record;
    /* NULL: standard input and output; else a ws:// or wss:// URL */
    const char *signal;
    /* of a wss server; NULL: the system's */
    const char *ca_file;
    struct tool_ice_servers ice_servers;
    /* iceTransportPolicy "relay" */
    bool relay;
    /* bundlePolicy "max-bundle" */
    bool max_bundle;
    /* UDP; 0: any */
    uint16_t port;
    /* 0: no TCP listener */
    uint16_t tcp_port;
    /* of sockets for UDP; 0 and 0: any */
    uint16_t port_begin, port_end;
    struct tool_externals externals;
    /* KITH_IP_HANDLING_… */
    uint8_t ip_handling;
};

/* A message that waits for its channel. */
struct peer_message {
    struct peer_message *next;
    bool is_text;
    size_t len;
    uint8_t data[];
};

struct peer_queue {
    struct peer_message *first, **last;
};

struct peer_channel {
    struct peer_channel *next;
    kith_dc *dc;
    /* its lines do not name it */
    bool is_first;
    bool is_open, was_open;
    struct peer_queue queue;
    /* NULL without --receive-dir */
    file_receiver *receiver;
};

enum peer_timer {
    /* of the file that was sent */
    PEER_TIMER_RECEIPT,
    /* no channel is left: has the other side gone? */
    PEER_TIMER_GONE,
    /* channels are closing */
    PEER_TIMER_CLOSE,
    /* a signal asked us to end */
    PEER_TIMER_SIGNAL,
    /* ICE has restarted: is the connection back? */
    PEER_TIMER_RESTART,
    /* the other side is there: is the connection? */
    PEER_TIMER_CONNECT,
    /* signalling and STUN servers that say nothing are told of */
    PEER_TIMER_SIGNALLING,
    PEER_TIMER_STUN,
    PEER_TIMERS
};

struct peer {
    struct peer_options options;
    kith_loop *loop;
    kith_pc *pc;
    /* of signalling by lines; else NULL */
    kith_negotiator *negotiator;
    /* of a room; else NULL */
    kith_signaler *signaler;
    lines_reader *input;
    lines_writer *output;
    /* the reader of our output is slow */
    bool is_paused;
    kith_watch *timer;
    /* KITH_NEVER: not set */
    kith_time due[PEER_TIMERS];
    int signal_fd;

    struct peer_channel *channels, *first_channel;
    /* messages before the first channel is open */
    struct peer_queue early;
    /* bytes in all queues */
    size_t queued;
    /* NULL: nothing to send, or sent */
    file_sender *sender;
    /* over this channel */
    struct peer_channel *sending;

    /* NULL: not asked for */
    media_player *player;
    media_recorder *recorder;

    /* it was told who is there */
    bool was_in_room;
    /* what went wrong there last: a hub says it of each candidate */
    char room_words[256];
    /* of the options' servers: an error was told */
    bool server_failed[TOOL_MAX_ICE_SERVERS];
    /* of ours, and of these server-reflexive */
    unsigned candidates, reflexive_candidates;
    /* the other side ended the association: RFC 9260 section 3.3.10.12, User-Initiated Abort */
    bool remote_aborted;
    /* by a signal */
    bool asked_to_end;
    /* ICE, of itself, for the connection has failed */
    bool restarting;
    bool was_connected, input_ended, closing, done;
    int status;
};

/* ---- peer_channels.c ---- */

/* Opens a channel with the options' label and properties. */
bool peer_open_channel(struct peer *p, const char *label);
/* Handles DATA_CHANNEL and DC_ events. */
void peer_channel_event(struct peer *p, const kith_event *ev);
/* {"text":…} or {"binary":…}, for the channel named, else the first. False with *words. */
bool peer_send_line(struct peer *p, json_t *object, const char **words);
/* Every message and file is with kith. */
bool peer_all_sent(const struct peer *p);
void peer_close_channels(struct peer *p);
bool peer_channels_closed(const struct peer *p);
struct peer_channel *peer_find_channel(struct peer *p, const char *label);
void peer_free_channels(struct peer *p);

/* ---- peer_media.c ---- */

/* Opens the files that are to be sent. False after explaining. */
bool peer_open_media(struct peer *p);
/* Tracks of them, and transceivers that receive what is to be recorded. False after explaining. */
bool peer_add_media(struct peer *p);
/* Handles the events of transceivers. */
void peer_media_event(struct peer *p, const kith_event *ev);
/* Sends what is due, and says when it is due again; KITH_NEVER. */
void peer_media_tick(struct peer *p);
kith_time peer_media_deadline(const struct peer *p);
/* Ends the files. */
void peer_free_media(struct peer *p);

/* ---- peer_signal.c ---- */

/* Says by lines what the negotiator has to say, if there is anybody to hear it. False after
 * explaining. */
bool peer_speak(struct peer *p);
/* Lets the next offer restart ICE; negotiationneeded comes. False: there is nobody to tell. */
bool peer_restart_ice(struct peer *p);
/* A description or a candidate of the other side, as a line. False after explaining. */
bool peer_take_signal(struct peer *p, const char *text, size_t len);
/* Opens the room. False after explaining. */
bool peer_open_room(struct peer *p);
/* Handles SIGNALER events. */
void peer_room_event(struct peer *p, const kith_signaler_news *news, kith_event_type type);

/* ---- peer_input.c ---- */

/* Callbacks of the reader of standard input; user is the peer. */
void peer_take_line(void *user, const char *text, size_t len, unsigned long number);
void peer_end_input(void *user, const char *words);

/* ---- peer.c ---- */

/* The exit status. */
int peer_run(const struct peer_options *options);
/* Something changed that closing may have waited for. */
void peer_go_on_closing(struct peer *p);
/* Closes the connection and ends the session; peer_fail after saying why, with the status of who
 * was connected or was not. */
void peer_finish(struct peer *p);
void peer_fail(struct peer *p, const char *words);
/* peer_media_deadline has changed. */
void peer_media_changed(struct peer *p);
/* A timer begins, or begins again. */
void peer_arm_timer(struct peer *p, enum peer_timer timer);
/* A reason why nobody answers, in brackets; empty where there is a network. */
const char *peer_network_words(void);

#endif
