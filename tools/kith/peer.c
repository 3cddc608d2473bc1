/* `kith peer`: one peer connection with JSON lines on standard input and output, signalling there
 * too or over a WebSocket. A single thread waits for all of it. Channels are in peer_channels.c. */
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Waiting for the receipt of a file, then for channels to close; a peer that is gone does neither.
 */
enum { RECEIPT_MS = 10000, CLOSE_MS = 10000 };
/* From the last channel's end to the close_notify that may follow it in another packet. */
enum { GONE_MS = 200 };
/* Our reader is slow when this much output waits: the peer is then left alone until half is read.
 */
#define MAX_OUTPUT ((size_t)16 * 1024 * 1024)
/* kith_pc_config's max_channels is 256 unless it is set. */
enum { MAX_ID = 255 };
/* Events handled before input and output get their turn. */
enum { EVENTS_AT_ONCE = 256 };

/* ---- the end ---- */

static void tell_state(struct peer *p, kith_connection_state state)
{
    lines_write(p->output, json_pack("{s:s}", "state", kith_connection_state_name(state)));
}

static void finish(struct peer *p)
{
    if (p->done)
        return;
    p->done = true;
    if (!p->was_connected && p->status == TOOL_OK) {
        tool_error("closed before a connection was established");
        p->status = TOOL_FAILED;
    }
    if (kith_pc_connection_state(p->pc) != KITH_CONNECTION_STATE_FAILED)
        tell_state(p, KITH_CONNECTION_STATE_CLOSED); /* close() itself fires no event (W3C) */
    kith_pc_close(p->pc);
}

static void fail(struct peer *p, const char *words)
{
    tool_error("%s", words);
    p->status = TOOL_FAILED;
    finish(p);
}

static void arm_timer(struct peer *p, enum peer_timer purpose)
{
    static const int milliseconds[] = {
        [PEER_TIMER_RECEIPT] = RECEIPT_MS,
        [PEER_TIMER_GONE] = GONE_MS,
        [PEER_TIMER_CLOSE] = CLOSE_MS,
    };
    long wait = milliseconds[purpose];
    struct itimerspec when = {
        .it_value = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000L},
    };
    p->timer = purpose;
    timerfd_settime(p->timer_fd, 0, &when, NULL);
}

/* The other side said close_notify. No event of W3C tells so: connectionState goes through
 * disconnected to failed, for want of an answer to consent checks. */
static bool remote_has_gone(struct peer *p)
{
    kith_stats_report *report = NULL;
    bool gone = false;
    if (kith_pc_get_stats(p->pc, &report) != KITH_OK)
        return false;
    for (size_t i = 0; i < kith_stats_report_size(report); i++) {
        const kith_stats *stats = kith_stats_report_at(report, i);
        if (stats->type == KITH_STATS_TRANSPORT && stats->transport.dtls_state)
            gone = strcmp(stats->transport.dtls_state, "closed") == 0;
    }
    kith_stats_report_free(report);
    return gone;
}

/* Nothing is open any more: perhaps because the other side has gone. */
static bool finish_if_gone(struct peer *p)
{
    bool gone = p->was_connected && peer_channels_closed(p) && remote_has_gone(p);
    if (gone)
        finish(p);
    return gone;
}

static void close_when_all_is_sent(struct peer *p)
{
    if (!p->ws && !kith_pc_remote_description(p->pc) && !peer_all_sent(p)) {
        fail(p, "standard input ended before it gave the other side's description");
    } else if (peer_all_sent(p)) {
        p->closing = true;
        peer_close_channels(p);
        arm_timer(p, PEER_TIMER_CLOSE);
    } else if (p->sender && file_sender_is_done(p->sender)) {
        arm_timer(p, PEER_TIMER_RECEIPT);
    }
}

void peer_go_on_closing(struct peer *p)
{
    if (p->done || finish_if_gone(p))
        return;
    if (p->input_ended && !p->closing)
        close_when_all_is_sent(p);
    if (p->closing && peer_channels_closed(p))
        finish(p);
    else if (!p->closing && p->was_connected && peer_channels_closed(p))
        arm_timer(p, PEER_TIMER_GONE);
}

static void on_timer(void *user)
{
    struct peer *p = user;
    uint64_t expirations;
    if (read(p->timer_fd, &expirations, sizeof expirations) < 0 || p->done)
        return;
    if (p->timer == PEER_TIMER_CLOSE) {
        fail(p, "the other side did not confirm that the channels are closed");
    } else if (p->timer == PEER_TIMER_GONE) {
        finish_if_gone(p);
    } else if (p->sender) {
        tool_error("the receiver did not confirm \"%s\"", file_sender_name(p->sender));
        p->status = TOOL_FAILED;
        file_sender_free(p->sender);
        p->sender = NULL;
        peer_go_on_closing(p);
    }
}

static void on_signal(void *user)
{
    struct peer *p = user;
    struct signalfd_siginfo info;
    if (read(p->signal_fd, &info, sizeof info) < 0)
        return;
    if (p->input_ended)
        _exit(128 + (int)info.ssi_signo); /* asked twice */
    p->input_ended = true;
    peer_go_on_closing(p);
}

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

static void tell_description(struct peer *p)
{
    char *json = NULL;
    const kith_session_description *description = kith_pc_local_description(p->pc);
    if (description) {
        kith_err err = kith_session_description_to_json(description, &json);
        signal_out(p, err, json);
    }
}

static void tell_candidate(struct peer *p, const kith_ice_candidate *candidate)
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
    if (!p->options.no_trickle ||
        kith_pc_ice_gathering_state(p->pc) == KITH_ICE_GATHERING_STATE_COMPLETE)
        tell_description(p);
    else
        p->description_due = true;
    return true;
}

static bool offer(struct peer *p)
{
    return kith_pc_signaling_state(p->pc) != KITH_SIGNALING_STATE_STABLE ||
           kith_pc_remote_description(p->pc) || describe_ourselves(p);
}

/* ---- signalling in ---- */

/* Crossing offers over the hub: the impolite side ignores, the polite side's offer is rolled back
 * by set_remote_description (webrtc-pc section 10.7, perfect negotiation). */
static bool takes_offer(struct peer *p, const kith_session_description *description)
{
    bool collides = description->type == KITH_SDP_OFFER &&
                    kith_pc_signaling_state(p->pc) == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER;
    if (description->type == KITH_SDP_OFFER)
        p->ignores_offer = collides && p->ws && !p->is_polite;
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
    return description->type != KITH_SDP_OFFER || describe_ourselves(p);
}

static bool take_signal(struct peer *p, const char *text, size_t len)
{
    kith_signal *signal = NULL;
    kith_err err = kith_signal_from_json(text, len, &signal);
    bool taken = false;
    if (err != KITH_OK) {
        tool_kith_error("not a description and not a candidate", err);
    } else if (kith_signal_get_type(signal) == KITH_SIGNAL_DESCRIPTION) {
        taken = take_description(p, kith_signal_description(signal));
    } else {
        err = kith_pc_add_ice_candidate(p->pc, kith_signal_candidate(signal));
        taken = err == KITH_OK || p->ignores_offer;
        if (!taken)
            tool_kith_error("the candidate is refused", err);
    }
    kith_signal_free(signal);
    return taken;
}

/* ---- standard input ---- */

static bool has(const json_t *object, const char *member)
{
    return json_object_get(object, member);
}

/* What another peer writes for people; so that the output of one may be the input of another. */
static bool is_report(const json_t *object)
{
    return has(object, "state") || (has(object, "channel") && has(object, "open")) ||
           has(object, "sent") || has(object, "received") || has(object, "room");
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
    else if (is_report(object))
        taken = true;
    else if (p->ws)
        *words = "neither text nor binary (signalling goes over the WebSocket)";
    else
        taken = take_signal(p, text, len); /* explains itself */
    json_decref(object);
    return taken;
}

static void on_line(void *user, const char *text, size_t len, unsigned long number)
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

static void on_input_end(void *user, const char *words)
{
    struct peer *p = user;
    if (words) {
        tool_error("standard input: %s", words);
        p->status = TOOL_FAILED;
    }
    p->input_ended = true;
    peer_go_on_closing(p);
}

/* ---- signalling over a WebSocket ---- */

static void on_ws_open(void *user)
{
    (void)user; /* the hub's welcome says what to do */
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
    if (p->remote_present && p->options.is_offerer && !offer(p))
        fail(p, "no offer could be made");
}

static void on_ws_text(void *user, const char *text, size_t len)
{
    struct peer *p = user;
    json_t *object = json_loadb(text, len, 0, NULL);
    if (p->done) {
        json_decref(object);
        return;
    }
    if (has(object, "hub"))
        take_hub_word(p, object);
    else if (!take_signal(p, text, len))
        p->status = TOOL_FAILED;
    json_decref(object);
}

static void on_ws_close(void *user, const char *words)
{
    struct peer *p = user;
    char line[1024];
    snprintf(line, sizeof line, "%s: %s", p->options.signal, words);
    if (!p->was_connected)
        fail(p, line);
}

/* ---- events ---- */

static void on_connection_state(struct peer *p, kith_connection_state state)
{
    if (state != KITH_CONNECTION_STATE_CLOSED)
        tell_state(p, state);
    if (state == KITH_CONNECTION_STATE_CONNECTED)
        p->was_connected = true;
    if (state == KITH_CONNECTION_STATE_FAILED) {
        tool_error("the connection failed: %s", kith_pc_why_failed(p->pc));
        p->status = TOOL_FAILED;
        finish(p);
    }
    if (state == KITH_CONNECTION_STATE_CLOSED || remote_has_gone(p))
        finish(p);
}

static void on_event(struct peer *p, const kith_event *ev)
{
    switch (ev->type) {
    case KITH_EV_ICE_CANDIDATE:
        tell_candidate(p, &ev->ice_candidate);
        break;
    case KITH_EV_ICE_GATHERING_STATE:
        if (ev->ice_gathering_state == KITH_ICE_GATHERING_STATE_COMPLETE && p->description_due) {
            p->description_due = false;
            tell_description(p);
        }
        break;
    case KITH_EV_ICE_CANDIDATE_ERROR:
        tool_error("%s: %s (%d)", ev->ice_candidate_error.url, ev->ice_candidate_error.error_text,
                   ev->ice_candidate_error.error_code);
        break;
    case KITH_EV_CONNECTION_STATE:
        on_connection_state(p, ev->connection_state);
        break;
    case KITH_EV_NEGOTIATION_NEEDED: /* the first offer is made without being asked */
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
        break;
    case KITH_EV_DATA_CHANNEL:
    case KITH_EV_DC_OPEN:
    case KITH_EV_DC_MESSAGE:
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
    case KITH_EV_DC_WRITABLE:
    case KITH_EV_DC_CLOSING:
    case KITH_EV_DC_CLOSED:
    case KITH_EV_DC_ERROR:
        peer_channel_event(p, ev);
        break;
    }
}

static void on_loop(void *user)
{
    struct peer *p = user;
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        if (lines_waiting(p->output) > MAX_OUTPUT) {
            p->loop_paused = true;
            reactor_set_interest(p->loop_source, 0);
            return;
        }
        const kith_event *ev = p->done ? NULL : kith_loop_wait(p->loop, 0);
        if (!ev)
            return;
        on_event(p, ev);
    }
    reactor_again(p->loop_source);
}

static void resume_loop(struct peer *p)
{
    if (!p->loop_paused || lines_waiting(p->output) > MAX_OUTPUT / 2)
        return;
    p->loop_paused = false;
    reactor_set_interest(p->loop_source, REACTOR_READ);
    reactor_again(p->loop_source);
}

/* ---- set-up ---- */

static bool watch_timer_and_signals(struct peer *p)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return reactor_add(p->reactor, p->signal_fd, REACTOR_READ, on_signal, p) &&
           reactor_add(p->reactor, p->timer_fd, REACTOR_READ, on_timer, p);
}

static bool set_up_reactor(struct peer *p)
{
    p->reactor = reactor_new();
    if (!p->reactor || !watch_timer_and_signals(p))
        return false;
    p->input = lines_reader_new(p->reactor, STDIN_FILENO, on_line, on_input_end, p);
    p->output = lines_writer_new(p->reactor, STDOUT_FILENO);
    return p->input && p->output;
}

static bool set_up_connection(struct peer *p)
{
    const struct peer_options *o = &p->options;
    kith_loop_config loop_config = KITH_LOOP_CONFIG_INIT;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    loop_config.loopback = o->loopback;
    config.ice_servers = o->ice_servers.servers;
    config.ice_server_count = o->ice_servers.count;
    kith_err err = kith_loop_new(&p->loop, &loop_config);
    if (err == KITH_OK)
        err = kith_pc_new(&p->pc, kith_loop_endpoint(p->loop), &config);
    if (err != KITH_OK) {
        tool_kith_error("cannot make the peer connection", err);
        return false;
    }
    p->loop_source = reactor_add(p->reactor, kith_loop_fd(p->loop), REACTOR_READ, on_loop, p);
    if (!p->loop_source)
        return false;
    reactor_again(p->loop_source);
    return !(o->is_offerer || o->label || o->init.negotiated) ||
           peer_open_channel(p, o->label ? o->label : "kith");
}

static const ws_client_callbacks ws_callbacks = {on_ws_open, on_ws_text, on_ws_close};

static bool set_up(struct peer *p)
{
    if (!set_up_reactor(p)) {
        tool_error("cannot watch standard input and output: %s", strerror(errno));
        return false;
    }
    if (!set_up_connection(p))
        return false;
    if (p->options.signal) {
        p->ws = ws_client_new(p->options.signal, p->reactor, &ws_callbacks, p);
        return p->ws;
    }
    return !p->options.is_offerer || offer(p);
}

static void tear_down(struct peer *p)
{
    peer_free_channels(p);
    ws_client_free(p->ws);
    kith_pc_free(p->pc);
    kith_loop_free(p->loop); /* the last packets leave here */
    lines_reader_free(p->input);
    lines_writer_free(p->output);
    reactor_free(p->reactor);
}

static int run(const struct peer_options *options)
{
    struct peer p = {.options = *options, .timer_fd = -1, .signal_fd = -1};
    if (options->send_file && !(p.sender = file_sender_open(options->send_file)))
        return TOOL_USAGE;
    bool ready = set_up(&p);
    while (ready && !p.done) {
        if (p.ws)
            ws_client_run_once(p.ws);
        else
            reactor_run_once(p.reactor, true);
        resume_loop(&p);
        if (lines_broken(p.output) && !p.done)
            fail(&p, "nobody reads standard output any more");
    }
    tear_down(&p);
    return ready ? p.status : TOOL_FAILED;
}

/* ---- options ---- */

static const char help[] =
    "Usage: kith peer offer|answer [OPTION...]\n"
    "One peer connection. JSON objects, one a line, come and go on standard input and output:\n"
    "  {\"type\":\"offer\"|\"answer\",\"sdp\":…}   descriptions, both ways\n"
    "  {\"candidate\":…,\"sdpMid\":…,…}         candidates, both ways; an empty one is the last\n"
    "  {\"text\":…} {\"binary\":BASE64}         messages: in to send, out as received\n"
    "  {\"state\":…}                          out: the connection's state\n"
    "  {\"channel\":LABEL,\"open\":true|false}  out: a channel opened or closed\n"
    "  {\"room\":NAME,\"present\":true|false}  out: in a room; whether somebody else is, too\n"
    "  {\"close\":LABEL}                      in: close a channel\n"
    "The end of standard input closes gracefully. Status 0 after a clean close.\n\n"
    "Options:\n"
    "  --echo                    return every message as it came\n"
    "  --no-trickle              one complete description, no candidates\n"
    "  --label L                 label of the channel to open (the offerer's default: kith)\n"
    "  --unordered               messages may overtake each other\n"
    "  --max-retransmits N       give a message up after N retransmissions\n"
    "  --max-packet-life-time MS give a message up after MS milliseconds\n"
    "  --negotiated ID           both sides open the channel with this id, 0 to 255\n"
    "  --send-file FILE          send a file over the first channel that opens\n"
    "  --receive-dir DIR         keep files that are sent to us there\n"
    "  --ice-server URL          stun:HOST[:PORT]; may be repeated\n"
    "  --signal stdio|ws://HOST/ROOM\n"
    "                            where descriptions and candidates travel (stdio)\n"
    "  --loopback                use loopback addresses too\n"
    "  --quiet                   do not print messages\n"
    "  --verbose                 kith's log on standard error\n"
    "  --help                    this text\n";

enum {
    OPTION_ECHO = 256,
    OPTION_NO_TRICKLE,
    OPTION_LABEL,
    OPTION_UNORDERED,
    OPTION_MAX_RETRANSMITS,
    OPTION_MAX_PACKET_LIFE_TIME,
    OPTION_NEGOTIATED,
    OPTION_SEND_FILE,
    OPTION_RECEIVE_DIR,
    OPTION_ICE_SERVER,
    OPTION_SIGNAL,
    OPTION_LOOPBACK,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"echo", no_argument, NULL, OPTION_ECHO},
    {"no-trickle", no_argument, NULL, OPTION_NO_TRICKLE},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"unordered", no_argument, NULL, OPTION_UNORDERED},
    {"max-retransmits", required_argument, NULL, OPTION_MAX_RETRANSMITS},
    {"max-packet-life-time", required_argument, NULL, OPTION_MAX_PACKET_LIFE_TIME},
    {"negotiated", required_argument, NULL, OPTION_NEGOTIATED},
    {"send-file", required_argument, NULL, OPTION_SEND_FILE},
    {"receive-dir", required_argument, NULL, OPTION_RECEIVE_DIR},
    {"ice-server", required_argument, NULL, OPTION_ICE_SERVER},
    {"signal", required_argument, NULL, OPTION_SIGNAL},
    {"loopback", no_argument, NULL, OPTION_LOOPBACK},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool read_int(int *out, const char *option, long max)
{
    long value = 0;
    if (!tool_read_number(&value, optarg, option, 0, max))
        return false;
    *out = (int)value;
    return true;
}

static bool is_directory(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) && access(path, W_OK) == 0)
        return true;
    tool_error("--receive-dir %s is not a directory that can be written", path);
    return false;
}

/* One option; false after explaining what is wrong with it. */
static bool take_option(struct peer_options *o, int choice)
{
    switch (choice) {
    case OPTION_ECHO:
        o->echo = true;
        return true;
    case OPTION_NO_TRICKLE:
        o->no_trickle = true;
        return true;
    case OPTION_LABEL:
        o->label = optarg;
        return true;
    case OPTION_UNORDERED:
        o->init.unordered = true;
        return true;
    case OPTION_MAX_RETRANSMITS:
        return read_int(&o->init.max_retransmits, "--max-retransmits", UINT16_MAX);
    case OPTION_MAX_PACKET_LIFE_TIME:
        return read_int(&o->init.max_packet_life_time, "--max-packet-life-time", UINT16_MAX);
    case OPTION_NEGOTIATED:
        o->init.negotiated = true;
        return read_int(&o->init.id, "--negotiated", MAX_ID);
    case OPTION_SEND_FILE:
        o->send_file = optarg;
        return true;
    case OPTION_RECEIVE_DIR:
        o->receive_dir = optarg;
        return is_directory(optarg);
    case OPTION_ICE_SERVER:
        return tool_add_ice_server(&o->ice_servers, optarg);
    case OPTION_SIGNAL:
        o->signal = strcmp(optarg, "stdio") == 0 ? NULL : optarg;
        return !o->signal || ws_client_check_url(o->signal);
    case OPTION_LOOPBACK:
        o->loopback = true;
        return true;
    case OPTION_QUIET:
        o->quiet = true;
        return true;
    case OPTION_VERBOSE:
        tool_log_to_stderr();
        return true;
    default:
        return false;
    }
}

static bool check_options(const struct peer_options *o)
{
    if (o->init.max_retransmits >= 0 && o->init.max_packet_life_time >= 0) {
        tool_error("--max-retransmits and --max-packet-life-time exclude each other");
        return false;
    }
    bool unreliable = o->init.max_retransmits >= 0 || o->init.max_packet_life_time >= 0;
    if (o->send_file && (o->init.unordered || unreliable)) {
        tool_error("--send-file needs an ordered, reliable channel");
        return false;
    }
    return true;
}

int kith_tool_peer(int argc, char **argv)
{
    struct peer_options options = {.init = KITH_DC_INIT};
    int choice;
    while ((choice = tool_getopt(argc, argv, long_options)) != -1) {
        if (choice == OPTION_HELP) {
            fputs(help, stdout);
            return TOOL_OK;
        }
        if (!take_option(&options, choice))
            return TOOL_USAGE;
    }
    const char *role = optind < argc ? argv[optind] : "";
    options.is_offerer = strcmp(role, "offer") == 0;
    if ((!options.is_offerer && strcmp(role, "answer") != 0) || optind + 1 < argc) {
        tool_error("say offer or answer, and nothing else (see kith peer --help)");
        return TOOL_USAGE;
    }
    return check_options(&options) ? run(&options) : TOOL_USAGE;
}
