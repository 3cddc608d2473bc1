/* `kith peer`: one peer connection with JSON lines on standard input and output, signalling there
 * too or over a WebSocket. A single thread waits for all of it. The course of a session is here. */
#include "peer.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Our reader is slow when this much output waits: the peer is then left alone until half is read.
 */
#define MAX_OUTPUT ((size_t)16 * 1024 * 1024)
/* ---- the end ---- */

static void tell_state(struct peer *p, kith_connection_state state)
{
    lines_write(p->output, json_pack("{s:s}", "state", kith_connection_state_name(state)));
}

void peer_finish(struct peer *p)
{
    if (p->done)
        return;
    p->done = true;
    kith_loop_stop(p->loop);
    if (!p->was_connected && p->status == TOOL_OK) {
        tool_error("closed before a connection was established");
        p->status = TOOL_NOT_CONNECTED;
    }
    if (kith_pc_connection_state(p->pc) != KITH_CONNECTION_STATE_FAILED)
        tell_state(p, KITH_CONNECTION_STATE_CLOSED); /* close() itself fires no event (W3C) */
    kith_pc_close(p->pc);
}

void peer_fail(struct peer *p, const char *words)
{
    tool_error("%s", words);
    p->status = p->was_connected ? TOOL_FAILED : TOOL_NOT_CONNECTED;
    peer_finish(p);
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
    bool gone =
        p->was_connected && peer_channels_closed(p) && (p->remote_aborted || remote_has_gone(p));
    if (gone)
        peer_finish(p);
    return gone;
}

static void close_when_all_is_sent(struct peer *p)
{
    if (!p->signaler && !kith_pc_remote_description(p->pc) && !peer_all_sent(p)) {
        peer_fail(p, "standard input ended before it gave the other side's description");
    } else if (peer_all_sent(p)) {
        p->closing = true;
        peer_close_channels(p);
        peer_arm_timer(p, PEER_TIMER_CLOSE);
    } else if (p->sender && file_sender_is_done(p->sender)) {
        peer_arm_timer(p, PEER_TIMER_RECEIPT);
    }
}

void peer_go_on_closing(struct peer *p)
{
    if (p->done || finish_if_gone(p))
        return;
    if (p->input_ended && !p->closing)
        close_when_all_is_sent(p);
    if (p->closing && peer_channels_closed(p))
        peer_finish(p);
    else if (!p->closing && p->was_connected && peer_channels_closed(p))
        peer_arm_timer(p, PEER_TIMER_GONE);
}

static void fail_with_reason(struct peer *p)
{
    tool_error("the connection failed: %s", kith_pc_why_failed(p->pc));
    p->status = p->was_connected ? TOOL_FAILED : TOOL_NOT_CONNECTED;
    peer_finish(p);
}

const char *peer_network_words(void)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return "";
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        bool is_ip = one->ifa_addr &&
                     (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
        found = found || (is_ip && (one->ifa_flags & IFF_UP) && !(one->ifa_flags & IFF_LOOPBACK));
    }
    freeifaddrs(all);
    return found ? "" : " (this machine has no network)";
}

/* ---- timers ---- */

static void on_receipt_due(struct peer *p)
{
    if (!p->sender)
        return;
    tool_error("the receiver did not confirm \"%s\"", file_sender_name(p->sender));
    p->status = TOOL_FAILED;
    file_sender_free(p->sender);
    p->sender = NULL;
    peer_go_on_closing(p);
}

static void on_gone_due(struct peer *p)
{
    finish_if_gone(p);
}

static void on_close_due(struct peer *p)
{
    peer_fail(p, "the other side did not confirm that the channels are closed");
}

static void on_signal_due(struct peer *p)
{
    peer_fail(p, "what was to be sent could not be sent in time");
}

static void on_restart_due(struct peer *p)
{
    if (p->restarting)
        fail_with_reason(p);
}

/* Nothing else would end it: ICE waits for candidates as long as the other side may have some. */
static void on_connect_due(struct peer *p)
{
    if (p->was_connected)
        return;
    tool_error("no connection within 30 s: %s", kith_pc_why_failed(p->pc));
    p->status = TOOL_NOT_CONNECTED;
    peer_finish(p);
}

static void on_signalling_due(struct peer *p)
{
    if (!p->was_in_room)
        tool_error("%s: no answer yet%s", p->options.signal, peer_network_words());
}

static void on_stun_due(struct peer *p)
{
    if (p->reflexive_candidates > 0 ||
        kith_pc_ice_gathering_state(p->pc) == KITH_ICE_GATHERING_STATE_COMPLETE)
        return;
    for (size_t i = 0; i < p->options.ice_servers.count; i++)
        if (!p->server_failed[i])
            tool_error("%s: no answer yet%s", p->options.ice_servers.urls[i], peer_network_words());
}

/* A peer that is gone confirms nothing; a close_notify may follow the last channel's end in another
 * packet. Who waits for a silent server is told so within two seconds. */
static const struct {
    kith_time wait;
    void (*due)(struct peer *p);
} timers[PEER_TIMERS] = {
    [PEER_TIMER_RECEIPT] = {KITH_SECONDS(10), on_receipt_due},
    [PEER_TIMER_GONE] = {KITH_MS(200), on_gone_due},
    [PEER_TIMER_CLOSE] = {KITH_SECONDS(10), on_close_due},
    [PEER_TIMER_SIGNAL] = {KITH_SECONDS(10), on_signal_due},
    [PEER_TIMER_RESTART] = {KITH_SECONDS(30), on_restart_due},
    [PEER_TIMER_CONNECT] = {KITH_SECONDS(30), on_connect_due},
    [PEER_TIMER_SIGNALLING] = {KITH_MS(1500), on_signalling_due},
    [PEER_TIMER_STUN] = {KITH_MS(1500), on_stun_due},
};

static void set_timer(struct peer *p)
{
    kith_time first = peer_media_deadline(p);
    for (int i = 0; i < PEER_TIMERS; i++)
        first = p->due[i] < first ? p->due[i] : first;
    kith_watch_set(p->timer, 0, first);
}

void peer_arm_timer(struct peer *p, enum peer_timer timer)
{
    p->due[timer] = kith_clock_now() + timers[timer].wait;
    set_timer(p);
}

static void on_timer(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    struct peer *p = user;
    (void)loop;
    (void)watch;
    (void)ready;
    kith_time now = kith_clock_now();
    for (int i = 0; i < PEER_TIMERS && !p->done; i++) {
        if (p->due[i] > now)
            continue;
        p->due[i] = KITH_NEVER;
        timers[i].due(p);
    }
    if (!p->done)
        peer_media_tick(p);
    set_timer(p);
}

void peer_media_changed(struct peer *p)
{
    set_timer(p);
}

static void on_signal(kith_loop *loop, kith_watch *watch, unsigned ready, void *user)
{
    struct peer *p = user;
    (void)loop;
    (void)watch;
    (void)ready;
    struct signalfd_siginfo info;
    if (read(p->signal_fd, &info, sizeof info) < 0)
        return;
    if (p->asked_to_end)
        _exit(128 + (int)info.ssi_signo); /* asked twice */
    p->asked_to_end = p->input_ended = true;
    peer_arm_timer(p, PEER_TIMER_SIGNAL);
    if (p->was_connected)
        peer_go_on_closing(p);
    else
        peer_finish(p);
}

/* ---- events ---- */

/* A connection that stood before may come back: once, both sides of themselves; crossing offers are
 * settled. */
static void on_failed(struct peer *p)
{
    bool by_ice = kith_pc_ice_connection_state(p->pc) == KITH_ICE_CONNECTION_STATE_FAILED;
    if (!p->was_connected || p->restarting || !by_ice || !peer_restart_ice(p)) {
        fail_with_reason(p);
        return;
    }
    tool_error("the connection failed; restarting ICE");
    p->restarting = true;
    peer_arm_timer(p, PEER_TIMER_RESTART);
}

static void on_connection_state(struct peer *p, kith_connection_state state)
{
    if (state != KITH_CONNECTION_STATE_CLOSED)
        tell_state(p, state);
    if (state == KITH_CONNECTION_STATE_CONNECTED) {
        p->was_connected = true;
        p->restarting = false;
    }
    if (state == KITH_CONNECTION_STATE_FAILED && !remote_has_gone(p))
        on_failed(p);
    else if (state == KITH_CONNECTION_STATE_CLOSED || remote_has_gone(p))
        peer_finish(p);
}

static void on_gathering_state(struct peer *p, kith_ice_gathering_state state)
{
    if (state == KITH_ICE_GATHERING_STATE_GATHERING && p->options.ice_servers.count > 0)
        peer_arm_timer(p, PEER_TIMER_STUN);
    if (state != KITH_ICE_GATHERING_STATE_COMPLETE)
        return;
    if (p->candidates == 0 && p->options.relay)
        tool_error("no TURN server gave a candidate, and --relay takes no other%s",
                   p->options.loopback ? ""
                                       : " (--loopback is for a server on a loopback address)");
    else if (p->candidates == 0)
        tool_error("this machine has no network address that the other side could reach%s",
                   p->options.loopback ? "" : " (--loopback takes its own ones, too)");
}

static void on_candidate(struct peer *p, const kith_ice_candidate *candidate)
{
    p->candidates += candidate->candidate[0] != '\0';
    p->reflexive_candidates += !!strstr(candidate->candidate, " typ srflx");
}

/* Every socket asks every server: one word of each is enough. */
static void on_candidate_error(struct peer *p, const kith_ice_candidate_error *error)
{
    const struct tool_ice_servers *servers = &p->options.ice_servers;
    size_t i = 0;
    while (i < servers->count && strcmp(servers->urls[i], error->url) != 0)
        i++;
    if (i < servers->count && p->server_failed[i])
        return;
    if (i < servers->count)
        p->server_failed[i] = true;
    tool_error("%s: %s (%d)", error->url, error->error_text, error->error_code);
}

static void on_event(struct peer *p, const kith_event *ev)
{
    switch (ev->type) {
    case KITH_EV_SIGNALER_STATE:
    case KITH_EV_SIGNALER_PEER:
    case KITH_EV_SIGNALER_LEFT:
    case KITH_EV_SIGNALER_TEXT:
    case KITH_EV_SIGNALER_ERROR:
        peer_room_event(p, &ev->signaler, ev->type);
        return;
    case KITH_EV_ICE_CANDIDATE:
        on_candidate(p, &ev->ice_candidate);
        break;
    case KITH_EV_ICE_GATHERING_STATE:
        on_gathering_state(p, ev->ice_gathering_state);
        break;
    case KITH_EV_ICE_CANDIDATE_ERROR:
        on_candidate_error(p, &ev->ice_candidate_error);
        break;
    case KITH_EV_CONNECTION_STATE:
        on_connection_state(p, ev->connection_state);
        break;
    case KITH_EV_NEGOTIATION_NEEDED:
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
    case KITH_EV_ICE_TRANSPORT_STATE:
    case KITH_EV_ICE_TRANSPORT_GATHERING_STATE:
    case KITH_EV_SELECTED_CANDIDATE_PAIR:
    case KITH_EV_DTLS_TRANSPORT_STATE:
    case KITH_EV_SCTP_TRANSPORT_STATE:
    case KITH_EV_RTP:
        break;
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_ENDED:
    case KITH_EV_TRACK_MUTE:
    case KITH_EV_TRACK_UNMUTE:
    case KITH_EV_FRAME:
    case KITH_EV_SENDER_STATE:
    case KITH_EV_KEY_FRAME_REQUEST:
    case KITH_EV_TARGET_BITRATE:
        peer_media_event(p, ev);
        break;
    case KITH_EV_DATA_CHANNEL:
    case KITH_EV_DC_OPEN:
    case KITH_EV_DC_MESSAGE:
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
    case KITH_EV_WRITABLE:
    case KITH_EV_DC_CLOSING:
    case KITH_EV_DC_CLOSED:
    case KITH_EV_DC_ERROR:
        peer_channel_event(p, ev);
        break;
    }
    if (!p->done && p->negotiator &&
        (kith_negotiator_handle_event(p->negotiator, ev) != KITH_OK || !peer_speak(p)))
        peer_fail(p, "no offer could be made");
}

/* Who is slow to read gets no more until he has read half. */
static void on_output(void *user)
{
    struct peer *p = user;
    if (lines_broken(p->output) && !p->done) {
        peer_fail(p, "nobody reads standard output any more");
        p->status = TOOL_FAILED;
    }
    if (p->is_paused && lines_waiting(p->output) <= MAX_OUTPUT / 2) {
        p->is_paused = false;
        kith_loop_stop(p->loop);
    }
}

static void run(struct peer *p)
{
    const kith_event *ev;
    on_output(p); /* it may be closed already */
    while (!p->done) {
        p->is_paused = p->is_paused || lines_waiting(p->output) > MAX_OUTPUT;
        if (p->is_paused)
            kith_loop_work(p->loop, -1);
        else if ((ev = kith_loop_wait(p->loop, -1)))
            on_event(p, ev);
    }
}

/* ---- set-up ---- */

static sigset_t ending_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

static bool watch_timer_and_signals(struct peer *p)
{
    sigset_t set = ending_signals();
    kith_watch *signals;
    sigprocmask(SIG_BLOCK, &set, NULL);
    p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (kith_loop_watch(&p->timer, p->loop, -1, on_timer, p) != KITH_OK ||
        kith_loop_watch(&signals, p->loop, p->signal_fd, on_signal, p) != KITH_OK)
        return false;
    kith_watch_set(signals, KITH_READ, KITH_NEVER);
    return true;
}

static bool set_up_loop(struct peer *p)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.loopback = p->options.loopback;
    config.udp_port = p->options.port;
    config.tcp_port = p->options.tcp_port;
    config.port_begin = p->options.port_begin;
    config.port_end = p->options.port_end;
    tool_set_externals(&config, &p->options.externals);
    config.tls_roots = p->options.ice_servers.tls_roots;
    kith_err err = kith_loop_new(&p->loop, &config);
    if (err != KITH_OK) {
        tool_kith_error("cannot make the peer connection", err);
        return false;
    }
    if (watch_timer_and_signals(p))
        p->input = lines_reader_new(p->loop, STDIN_FILENO, peer_take_line, peer_end_input, p);
    if (p->input)
        p->output = lines_writer_new(p->loop, STDOUT_FILENO, on_output, p);
    if (!p->output)
        tool_error("cannot watch standard input and output: %s", kith_last_error()->message);
    return p->output;
}

static kith_err set_up_negotiator(struct peer *p)
{
    kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
    config.polite = !p->options.is_offerer;
    config.no_trickle = p->options.no_trickle;
    return kith_negotiator_new(&p->negotiator, p->pc, &config);
}

static bool set_up_connection(struct peer *p)
{
    const struct peer_options *o = &p->options;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ip_handling = o->ip_handling;
    config.ice_servers = o->ice_servers.servers;
    config.ice_server_count = o->ice_servers.count;
    if (o->relay)
        config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    if (o->max_bundle)
        config.bundle_policy = KITH_BUNDLE_POLICY_MAX_BUNDLE;
    kith_err err = kith_pc_new(&p->pc, kith_loop_endpoint(p->loop), &config);
    if (err == KITH_OK && !o->signal)
        err = set_up_negotiator(p);
    if (err != KITH_OK) {
        tool_kith_error("cannot make the peer connection", err);
        return false;
    }
    if (!peer_add_media(p))
        return false;
    return !(o->is_offerer || o->label || o->init.negotiated) ||
           peer_open_channel(p, o->label ? o->label : "kith");
}

static bool set_up(struct peer *p)
{
    if (!set_up_loop(p) || !set_up_connection(p))
        return false;
    if (!p->options.signal)
        return peer_speak(p);
    peer_arm_timer(p, PEER_TIMER_SIGNALLING);
    return peer_open_room(p);
}

static void tear_down(struct peer *p)
{
    /* From here on a signal ends us at once: nobody else reads it. */
    sigset_t set = ending_signals();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    peer_free_channels(p);
    peer_free_media(p);
    kith_signaler_free(p->signaler);
    kith_negotiator_free(p->negotiator);
    kith_pc_free(p->pc);
    if (p->loop)
        kith_loop_work(p->loop, 0); /* the last packets leave before a reader is waited for */
    if (p->output && !lines_broken(p->output) && !lines_flush(p->output)) {
        tool_error("standard output is not read: its last lines are lost");
        p->status = TOOL_FAILED;
    }
    lines_reader_free(p->input);
    lines_writer_free(p->output);
    kith_loop_free(p->loop);
    if (p->signal_fd >= 0)
        close(p->signal_fd);
}

int peer_run(const struct peer_options *options)
{
    struct peer p = {.options = *options, .signal_fd = -1};
    for (int i = 0; i < PEER_TIMERS; i++)
        p.due[i] = KITH_NEVER;
    if (options->send_file && !(p.sender = file_sender_open(options->send_file)))
        return TOOL_USAGE;
    if (!peer_open_media(&p)) {
        file_sender_free(p.sender);
        return TOOL_USAGE;
    }
    bool ready = set_up(&p);
    if (ready)
        run(&p);
    tear_down(&p);
    return ready || p.status != TOOL_OK ? p.status : TOOL_FAILED;
}
