/* How a byte travels. This file alone knows the order of the stack:
 *
 *     in   datagram, or frame of a TCP connection (streams.c)
 *                   -> TURN -> ...                          what a server passed on, once more
 *                   -> ICE                                  STUN
 *                   -> DTLS -> SCTP -> channels -> events   data
 *                   -> SRTP -> RTP -> media -> events       audio and video
 *     out  TURN | ICE | DTLS | RTP -> SRTP | SCTP -> DTLS -> TURN, on a relayed path
 *                                                       -> frame, on a TCP path -> datagram
 *
 * and after each step it carries up what the engines want known (settle). */
#include "pc/pump.h"

#include <string.h>

#include "pc/endpoint.h"
#include "pc/pc.h"
#include "pc/relays.h"
#include "pc/streams.h"
#include "wire/frame.h"

static void push_candidate_error(kith_pc *pc, const kith_ice_event *ev)
{
    char address[KITH_ADDRESS_TEXT];
    kith_event out = {.type = KITH_EV_ICE_CANDIDATE_ERROR, .pc = pc};
    out.ice_candidate_error.address = kith_address_format_ip(&ev->address, address, sizeof address);
    out.ice_candidate_error.port = ev->address.port;
    out.ice_candidate_error.url = ev->url;
    out.ice_candidate_error.error_code = ev->error_code;
    out.ice_candidate_error.error_text = ev->error_text;
    kith_events_push(pc, &out);
}

static void on_ice_state(kith_transport *t, kith_ice_state state)
{
    /* What a dead peer's address sends is not believed any more, and another peer may own it. */
    if (state == KITH_ICE_FAILED)
        kith_endpoint_remove_paths(t->pc->ep, t);
    if (state == KITH_ICE_DISCONNECTED)
        kith_relays_refresh(t);
    kith_gather_check_failed(t);
    /* Heard again: SCTP's timer, which has backed off to seconds by now, is not waited for. */
    bool was_silent = t->pc->ice_connection_state == KITH_ICE_CONNECTION_STATE_DISCONNECTED;
    if (was_silent && (state == KITH_ICE_CONNECTED || state == KITH_ICE_COMPLETED) && t->sctp)
        kith_sctp_path_restored(t->sctp);
}

/* Is an answer awaited? It may begin another association, which its sender then has begun already
 * (RFC 9429 section 5.11). */
static bool may_be_renewed(const kith_transport *t)
{
    kith_signaling_state state = t->pc->jsep.signaling_state;
    return state == KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER ||
           state == KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER;
}

/* Nothing is carried any more. */
static bool is_data_over(const kith_transport *t)
{
    kith_dtls_state state = t->dtls ? kith_dtls_get_state(t->dtls) : KITH_DTLS_NEW;
    return (state == KITH_DTLS_CLOSED || state == KITH_DTLS_FAILED) && !may_be_renewed(t);
}

static void on_authenticated(kith_transport *t, kith_time now, const kith_path *path)
{
    /* The server's packets are ours whoever is behind them. */
    if (kith_relays_under_path(t, path))
        return;
    kith_streams_name(t, path);
    if (!is_data_over(t) && !kith_endpoint_add_path(t->pc->ep, t, path))
        kith_ice_path_refused(t->ice, now, path);
}

static bool on_gathered(kith_transport *t)
{
    if (!kith_jsep_local_end(t->pc))
        return false;
    t->gathering = false;
    t->gathered = true;
    return true;
}

/* False: out of memory; it shall come again. */
static bool on_ice_event(kith_transport *t, kith_time now, const kith_ice_event *ev)
{
    switch (ev->type) {
    case KITH_ICE_EV_CANDIDATE:
        return kith_jsep_local_candidate(t->pc, &ev->candidate);
    case KITH_ICE_EV_CANDIDATE_ERROR:
        push_candidate_error(t->pc, ev);
        break;
    case KITH_ICE_EV_GATHERED:
        return on_gathered(t);
    case KITH_ICE_EV_STATE:
        on_ice_state(t, ev->state);
        break;
    case KITH_ICE_EV_SELECTED:
        if (t->dtls)
            kith_dtls_set_rtt(t->dtls, kith_ice_rtt(t->ice));
        /* What was lost on the path before is not waited for. */
        if (t->has_path && t->sctp)
            kith_sctp_path_restored(t->sctp);
        break;
    case KITH_ICE_EV_AUTHENTICATED:
        on_authenticated(t, now, &ev->path);
        break;
    case KITH_ICE_EV_PATH_GONE:
        if (!kith_ice_has_path(t->ice, &ev->path))
            kith_endpoint_remove_path(t->pc->ep, t, &ev->path);
        kith_streams_pair_gone(t, ev->pair_id, &ev->path);
        break;
    case KITH_ICE_EV_CONNECT:
        kith_streams_connect(t, ev->pair_id, &ev->path);
        break;
    }
    return true;
}

/* Candidates wait in ICE while there is no memory to tell them. */
static void settle_ice(kith_transport *t, kith_time now)
{
    for (kith_ice_event ev; kith_ice_event_next(t->ice, &ev);)
        if (!on_ice_event(t, now, &ev)) {
            kith_ice_event_again(t->ice, &ev);
            t->pc->events.is_short_of_memory = true;
            return;
        }
}

/* Without DTLS nothing is carried any more: SCTP's timers end, and the address may become another
 * peer's. */
static void end_data(kith_transport *t)
{
    kith_channels_sctp_closed(t->pc);
    if (t->sctp)
        kith_sctp_abort(t->sctp);
    kith_endpoint_remove_paths(t->pc->ep, t);
    kith_transceivers_tell(t->pc);
}

static void on_dtls_event(kith_transport *t, kith_time now, const kith_dtls_event *ev)
{
    if (ev->type == KITH_DTLS_EV_DATA) {
        t->is_heard = true;
        if (t->sctp)
            kith_sctp_input(t->sctp, now, ev->data.data, ev->data.len);
        return;
    }
    switch (ev->state) {
    case KITH_DTLS_CONNECTED:
        kith_transport_start_sctp(t);
        kith_media_keys(t, now);
        break;
    case KITH_DTLS_CLOSED:
    case KITH_DTLS_FAILED:
        end_data(t);
        break;
    case KITH_DTLS_NEW:
    case KITH_DTLS_CONNECTING:
        break;
    }
}

/* All peers of a thread decrypt into one buffer: SCTP copies what it keeps. */
static void settle_dtls(kith_transport *t, kith_time now)
{
    kith_endpoint *ep = t->pc->ep;
    for (kith_dtls_event ev;
         kith_dtls_event_next(t->dtls, &ev, ep->plaintext, sizeof ep->plaintext);)
        on_dtls_event(t, now, &ev);
}

static void on_sctp_event(kith_pc *pc, const kith_sctp_event *ev)
{
    if (ev->type != KITH_SCTP_EV_STATE)
        kith_channels_sctp_event(pc, ev);
    else if (ev->state == KITH_SCTP_CONNECTED)
        kith_channels_sctp_connected(pc);
    else if (ev->state == KITH_SCTP_CLOSED)
        kith_channels_sctp_closed(pc);
}

/* Carries what the engines want known upward, from the bottom, until nothing is left. */
static void settle(kith_transport *t, kith_time now)
{
    t->pc->events.is_short_of_memory = false;
    kith_relays_settle(t);
    settle_ice(t, now);
    kith_gather_watch_loss(t, now);
    if (t->dtls)
        settle_dtls(t, now);
    kith_media_settle(t, now);
    if (t->sctp)
        for (kith_sctp_event ev; kith_events_has_room(t->pc) && kith_sctp_event_next(t->sctp, &ev);)
            on_sctp_event(t->pc, &ev);
    kith_states_update(t->pc);
}

/* Is there a path, and something to send on it? Without a remote description there is no DTLS yet;
 * a closed peer that never began has nothing to take leave of. An association begins with the peer
 * as it is now, not with the one before an ICE restart. */
static bool may_send(const kith_transport *t, kith_path *path)
{
    if (!t->dtls || !kith_ice_send_path(t->ice, path))
        return false;
    return t->dtls_started || (!t->pc->closed && !kith_ice_is_restarting(t->ice));
}

/* The peer's first flight may have come before. */
static void start_dtls(kith_transport *t, kith_time now)
{
    t->dtls_started = true;
    kith_dtls_set_rtt(t->dtls, kith_ice_rtt(t->ice));
    kith_dtls_start(t->dtls);
    kith_dtls_tick(t->dtls, now);
    for (kith_span early; (early = kith_ring_peek(&t->early)).data; kith_ring_pop(&t->early)) {
        kith_dtls_input(t->dtls, now, early.data, early.len);
        settle(t, now);
    }
    kith_ring_deinit(&t->early);
}

/* The first path to send on starts DTLS; one that is back after an interruption hurries SCTP. */
static void on_path(kith_transport *t, kith_time now)
{
    if (!t->dtls_started)
        start_dtls(t, now);
    else if (t->sctp)
        kith_sctp_path_restored(t->sctp);
}

static bool find_path(kith_transport *t, kith_time now, kith_path *path)
{
    bool had_path = t->has_path;
    t->has_path = may_send(t, path);
    if (t->has_path && !had_path)
        on_path(t, now);
    return t->has_path;
}

/* A ClientHello often overtakes the answer that would tell us whom to expect: it waits for it. */
static void keep_early(kith_transport *t, kith_span packet)
{
    if (!kith_dtls_is_first_flight(packet.data, packet.len) ||
        !kith_ring_push(&t->early, packet.data, packet.len))
        t->counters.early_dropped++;
}

/* An association begins with the peer as it is now: whoever was there before an ICE restart may be
 * another one, whose hello would be taken for the peer's. */
static void input_dtls(kith_transport *t, kith_time now, const kith_path *path, kith_span packet)
{
    bool is_connected = t->dtls && kith_dtls_get_state(t->dtls) == KITH_DTLS_CONNECTED;
    if (t->dtls_started && (is_connected || kith_ice_is_current_path(t->ice, path)))
        kith_dtls_input(t->dtls, now, packet.data, packet.len);
    if ((!t->dtls_started || may_be_renewed(t)) && kith_ice_is_current_path(t->ice, path))
        keep_early(t, packet);
}

/* Without ICE's checks (RTCTransportStats). */
static void count_received(kith_transport *t, kith_time now, const kith_path *path,
                           kith_span packet)
{
    kith_ice_count_received(t->ice, now, path, packet.len);
    t->counters.packets_received++;
    t->counters.bytes_received += packet.len;
    t->counters.last_packet_received = now;
}

/* DTLS, RTP and RTCP from an address that passed a check. */
static void input_data(kith_transport *t, kith_time now, const kith_path *path,
                       kith_demux_kind kind, kith_span packet)
{
    count_received(t, now, path, packet);
    t->is_heard = false;
    if (kind == KITH_DEMUX_DTLS)
        input_dtls(t, now, path, packet);
    else if (kind == KITH_DEMUX_RTP)
        kith_media_input(t, now, packet);
    else /* ChannelData, and not of a server of ours */
        t->counters.packets_dropped++;
    settle(t, now);
    if (t->is_heard)
        kith_ice_note_received(t->ice, now, path);
}

/* What a TURN server passed on is as good as what came itself: the peer has to pass a check. */
static void input_relayed(kith_transport *t, kith_time now, const kith_path *path, kith_span packet)
{
    kith_demux_kind kind = kith_demux(packet);
    kith_stun message;
    if (kind == KITH_DEMUX_STUN && kith_stun_parse(&message, packet.data, packet.len))
        kith_ice_input(t->ice, now, path, &message);
    else if (kind != KITH_DEMUX_STUN && kith_ice_has_path(t->ice, path))
        input_data(t, now, path, kind, packet);
    else
        t->counters.packets_dropped++;
}

static void input_channel(kith_transport *t, kith_time now, kith_relay *relay, kith_span packet)
{
    kith_path path;
    kith_span inner;
    if (kith_demux(packet) != KITH_DEMUX_TURN_CHANNEL)
        t->counters.packets_dropped++;
    else if (kith_relays_input_channel(relay, now, packet, &path, &inner))
        input_relayed(t, now, &path, inner);
    settle(t, now);
}

/* Of the requests that a connection brings at once each is answered: TCP repeats none. */
static void keep_answers(kith_transport *t, const kith_path *path)
{
    uint8_t buf[KITH_TRANSPORT_MTU];
    for (size_t len;
         (len = kith_ice_answer_on(t->ice, path, buf, sizeof buf - KITH_FRAME_HEAD)) > 0;)
        kith_streams_keep(t, path, buf, len);
}

bool kith_pump_input_stun(kith_transport *t, kith_time now, const kith_path *path,
                          const kith_stun *message)
{
    bool is_authentic = false;
    if (t->pc->closed)
        return false;
    t->pc->log.now = now;
    kith_relay *relay = kith_relays_of_path(t, path);
    kith_path peers;
    kith_span packet;
    if (!relay)
        is_authentic = kith_ice_input(t->ice, now, path, message);
    else if (kith_relays_input(relay, now, message, &peers, &packet))
        input_relayed(t, now, &peers, packet);
    settle(t, now);
    if (path->protocol == KITH_TCP)
        keep_answers(t, path);
    return is_authentic;
}

void kith_pump_input(kith_transport *t, kith_time now, const kith_path *path, kith_demux_kind kind,
                     kith_span packet)
{
    if (t->pc->closed)
        return;
    t->pc->log.now = now;
    kith_relay *relay = kith_relays_of_path(t, path);
    if (relay)
        input_channel(t, now, relay, packet);
    else
        input_data(t, now, path, kind, packet);
}

/* A message of a server's connection: as a datagram of its. */
static void input_message(kith_transport *t, kith_time now, const kith_path *path,
                          kith_span message)
{
    kith_stun stun;
    if (kith_demux(message) != KITH_DEMUX_STUN)
        kith_pump_input(t, now, path, KITH_DEMUX_TURN_CHANNEL, message);
    else if (kith_stun_parse(&stun, message.data, message.len))
        kith_pump_input_stun(t, now, path, &stun);
    else
        t->counters.packets_dropped++;
}

/* Each message may end the connection. */
void kith_pump_input_stream(kith_transport *t, kith_time now, const kith_path *path,
                            kith_span bytes)
{
    const kith_relay *relay = t->pc->closed ? NULL : kith_relays_of_path(t, path);
    if (!relay)
        return;
    kith_messages *messages = relay->messages;
    kith_messages_hold(messages);
    kith_messages_input(messages, bytes);
    for (kith_span message;
         relay && relay->messages == messages &&
         (message = kith_messages_next(messages, kith_turn_is_allocated(relay->turn))).len > 0;
         relay = kith_relays_of_path(t, path))
        input_message(t, now, path, message);
    kith_messages_free(messages);
    kith_relays_look_at(t, path);
    settle(t, now);
}

static void count_sent(kith_transport *t, kith_time now, size_t len)
{
    t->counters.packets_sent++;
    t->counters.bytes_sent += len;
    t->counters.last_packet_sent = now;
    kith_ice_count_sent(t->ice, now, len);
}

/* DTLS' own packets first, then RTCP and RTP, then data, each encrypted straight into the caller's
 * buffer; last of all close_notify. */
static size_t output_data(kith_transport *t, kith_time now, uint8_t *buf, size_t cap)
{
    size_t len = kith_dtls_output(t->dtls, now, buf, cap);
    if (len == 0)
        len = kith_media_output(t, now, buf, cap);
    if (len > 0)
        return len;
    if (t->sctp && kith_dtls_get_state(t->dtls) == KITH_DTLS_CONNECTED) {
        uint8_t packet[KITH_TRANSPORT_MTU];
        size_t packet_len = kith_sctp_output(t->sctp, now, packet, sizeof packet);
        if (packet_len > 0)
            return kith_dtls_send(t->dtls, packet, packet_len, buf, cap);
    }
    if (!t->closing)
        return 0;
    t->closing = false;
    kith_dtls_close(t->dtls);
    return kith_dtls_output(t->dtls, now, buf, cap);
}

/* One on a relayed path goes into a packet for the server, or waits there for a permission; one on
 * a connection into a frame, and waits while that takes no bytes. */
static size_t wrap_check(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                         size_t len, size_t cap)
{
    kith_relay *relay = kith_relays_under_path(t, path);
    if (path->protocol == KITH_TCP)
        return kith_streams_wrap(t, path, buf, len);
    if (!relay)
        return len;
    kith_address peer = path->remote;
    memmove(buf + kith_turn_headroom(relay->turn, &peer), buf, len);
    *path = relay->path;
    return kith_relay_send(relay, buf, kith_turn_wrap(relay->turn, now, &peer, buf, len), cap);
}

static size_t output_check(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                           size_t cap)
{
    size_t room = cap - KITH_TURN_HEADROOM - KITH_TURN_TAILROOM;
    for (size_t len; (len = kith_ice_output(t->ice, now, path, buf, room)) > 0;) {
        len = wrap_check(t, now, path, buf, len, cap);
        if (len > 0)
            return len;
    }
    return 0;
}

/* Data for a relayed path is written behind its head. What no server takes any more is lost. */
static size_t output_relayed(kith_transport *t, kith_time now, kith_relay *relay, kith_path *path,
                             uint8_t *buf, size_t cap)
{
    kith_address peer = path->remote;
    if (!kith_relay_takes_bytes(relay))
        return 0;
    *path = relay->path;
    kith_turn_bind(relay->turn, &peer);
    size_t head = kith_turn_headroom(relay->turn, &peer);
    for (size_t len;
         (len = output_data(t, now, buf + head, cap - head - KITH_TURN_TAILROOM)) > 0;) {
        count_sent(t, now, len);
        len = kith_relay_send(relay, buf, kith_turn_wrap(relay->turn, now, &peer, buf, len), cap);
        if (len > 0)
            return len;
    }
    return 0;
}

/* What a connection does not take stays where it is: SCTP keeps its data, and media drops the
 * oldest of its own. */
static size_t output_framed(kith_transport *t, kith_time now, const kith_path *path, uint8_t *buf,
                            size_t cap)
{
    if (!kith_streams_take_bytes(t, path))
        return 0;
    size_t len = output_data(t, now, buf + KITH_FRAME_HEAD, cap - KITH_FRAME_HEAD);
    if (len == 0)
        return 0;
    count_sent(t, now, len);
    kith_frame_write_head(buf, len);
    return len + KITH_FRAME_HEAD;
}

static size_t output_on_path(kith_transport *t, kith_time now, kith_path *path, uint8_t *buf,
                             size_t cap)
{
    kith_relay *relay = kith_relays_under_path(t, path);
    if (relay)
        return output_relayed(t, now, relay, path, buf, cap);
    if (path->protocol == KITH_TCP)
        return output_framed(t, now, path, buf, cap);
    size_t len = output_data(t, now, buf, cap);
    if (len > 0)
        count_sent(t, now, len);
    return len;
}

static size_t output(kith_transport *t, kith_time now, kith_packet_info *info, uint8_t *buf,
                     size_t cap)
{
    kith_gather_tick(t, now);
    size_t len = kith_relays_output(t, now, &info->path, buf, cap);
    if (len == 0)
        len = kith_streams_output(t, &info->path, buf, cap);
    if (len == 0 && !t->pc->closed)
        len = output_check(t, now, &info->path, buf, cap);
    if (len == 0 && find_path(t, now, &info->path)) {
        len = output_on_path(t, now, &info->path, buf, cap);
        info->dont_fragment = len > 0 && info->path.protocol == KITH_UDP;
    }
    if (len == 0 && t->pc->closed)
        len = kith_relays_take_leave(t, now, &info->path, buf, cap);
    if (len == 0 && !t->pc->closed)
        settle(t, now);
    return len;
}

void kith_pump_settle(kith_pc *pc, kith_time now)
{
    KITH_LIST_EACH(&pc->transports, node)
        if (!pc->closed)
            settle(KITH_OWNER(node, kith_transport, in_pc), now);
}

size_t kith_pump_output(kith_pc *pc, kith_time now, kith_packet_info *info, uint8_t *buf,
                        size_t cap)
{
    pc->log.now = now;
    KITH_LIST_EACH(&pc->transports, node) {
        size_t len = output(KITH_OWNER(node, kith_transport, in_pc), now, info, buf, cap);
        if (len > 0)
            return len;
    }
    return 0;
}

/* How soon what waits for memory is tried again. */
#define MEMORY_RETRY KITH_MS(100)

static void tick(kith_transport *t, kith_time now)
{
    kith_gather_tick(t, now);
    kith_relays_tick(t, now);
    kith_ice_tick(t->ice, now);
    if (t->dtls)
        kith_dtls_tick(t->dtls, now);
    if (t->sctp)
        kith_sctp_tick(t->sctp, now);
    kith_media_tick(t, now);
    settle(t, now);
}

void kith_pump_tick(kith_pc *pc, kith_time now)
{
    if (pc->closed)
        return;
    pc->log.now = now;
    KITH_LIST_EACH(&pc->transports, node)
        tick(KITH_OWNER(node, kith_transport, in_pc), now);
}

/* Is there room for data on the way that the path takes? */
static bool takes_bytes(const kith_transport *t, const kith_path *path)
{
    const kith_relay *relay = kith_relays_under_path(t, path);
    return relay ? kith_relay_takes_bytes(relay) : kith_streams_take_bytes(t, path);
}

static kith_time deadline(const kith_transport *t)
{
    kith_time at = kith_ice_deadline(t->ice);
    if (kith_relays_deadline(t) < at)
        at = kith_relays_deadline(t);
    if (kith_gather_deadline(t) < at)
        at = kith_gather_deadline(t);
    if (kith_gather_loss_due(t) < at)
        at = kith_gather_loss_due(t);
    /* Without a path, or on one that takes nothing, nothing can leave: a flight that waits for one
     * would be due at once, for ever, and SCTP's timers turn for nothing. The path's return makes
     * us ready. What is received goes on. */
    kith_path path;
    bool may_leave = kith_ice_send_path(t->ice, &path) && takes_bytes(t, &path);
    kith_time media_at = kith_media_deadline(t, may_leave);
    if (media_at < at)
        at = media_at;
    if (!may_leave)
        return at;
    if (t->dtls && kith_dtls_deadline(t->dtls) < at)
        at = kith_dtls_deadline(t->dtls);
    if (t->sctp && kith_sctp_deadline(t->sctp) < at)
        at = kith_sctp_deadline(t->sctp);
    return at;
}

kith_time kith_pump_deadline(const kith_pc *pc)
{
    kith_time at = KITH_NEVER;
    if (pc->closed)
        return at;
    if (pc->events.is_short_of_memory)
        at = pc->log.now + MEMORY_RETRY;
    KITH_LIST_EACH(&pc->transports, node) {
        kith_time due = deadline(KITH_OWNER(node, kith_transport, in_pc));
        at = due < at ? due : at;
    }
    return at;
}
