/* The life of an association: its options, its states, the five verbs. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <usrsctp.h>

#include "base/error.h"
#include "base/memory.h"
#include "sctp/sctp.h"
#include "sctp/usrsctp/association.h"

/* Sent and not yet acknowledged, or about to be sent; a limit, not an allocation. */
#define SEND_WINDOW (4 << 20)
/* Spare blocks that a busy association keeps. */
#define POOL_LIMIT ((size_t)128 << 10)
/* Longer than any timer that runs without data in flight: the delayed SACK. */
#define QUIET_AFTER   KITH_MS(100)
#define SACK_DELAY_MS 20
/* ICE consent decides over life and death, not SCTP. */
#define RETRANSMISSIONS 10000
/* RTO.Initial and RTO.Max of RFC 9260 section 16 are chosen: backing off for longer than this saves
 * no network, for ICE checks the path all the while, and each loss in a set-up costs it whole. INIT
 * may be repeated sooner than the path answers: any answer will do. */
#define INIT_TIMEOUT_MS 1000
#define RTO_INITIAL_MS  1000
#define RTO_MAX_MS      3000
/* With a timer that is not restarted by SACKs a short one would fire in the middle of a good
 * transfer. */
#ifdef KITH_SCTP_BUNDLED
#define RTO_MIN_MS 200
#else
#define RTO_MIN_MS 1000
#endif
/* The common header is no part of usrsctp's path MTU for AF_CONN. */
#define COMMON_HEADER 12
#define SMALLEST_MTU  512

/* ---- beginning and end ---- */

kith_err kith_sctp_new(kith_sctp **out, const kith_sctp_config *config)
{
    if (config->max_streams == 0 || config->mtu < SMALLEST_MTU || config->mtu > UINT16_MAX ||
        config->max_message_size == 0)
        return kith_fail(KITH_ERR_RANGE, "SCTP: max_streams, mtu or max_message_size out of range");
    kith_sctp *sctp = kith_alloc_zero(1, sizeof *sctp);
    if (!sctp)
        return kith_fail_memory();
    sctp->config = *config;
    sctp->budget = kith_sctp_budget_new(config->receive_buffer, config->max_message_size);
    if (!sctp->budget) {
        kith_free(sctp);
        return kith_fail_memory();
    }
    kith_hub_config hub = {
        .local_port = config->local_port, .wake = config->wake, .wake_user = config->wake_user};
    kith_err err = kith_hub_attach(&sctp->port, &hub);
    if (err != KITH_OK) {
        kith_sctp_budget_release(sctp->budget);
        kith_free(sctp);
        return err;
    }
    sctp->streams = config->max_streams;
    kith_pool_init(&sctp->pool, POOL_LIMIT);
    kith_sctp_queue_init(&sctp->queue, &sctp->pool);
    kith_list_init(&sctp->events);
    kith_list_init(&sctp->resetting);
    kith_error_init(&sctp->error, KITH_OK, "%s", "");
    *out = sctp;
    return KITH_OK;
}

/* ABORT leaves if the association still stands; usrsctp frees it at once. */
static void close_socket(kith_sctp *sctp)
{
    if (!sctp->socket)
        return;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    usrsctp_setsockopt(sctp->socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    usrsctp_set_upcall(sctp->socket, NULL, NULL);
    usrsctp_set_ulpinfo(sctp->socket, NULL);
    usrsctp_close(sctp->socket);
    sctp->socket = NULL;
}

static void free_channel(kith_sctp *sctp, kith_sctp_channel *channel)
{
    sctp->channels[channel->out.id] = NULL;
    kith_sctp_queue_leave(&sctp->queue, &channel->out);
    kith_list_remove(&channel->event);
    kith_list_remove(&channel->in_reset);
    kith_free(channel);
}

void kith_sctp_free(kith_sctp *sctp)
{
    if (!sctp)
        return;
    kith_hub_enter_untimed(sctp->port);
    close_socket(sctp);
    kith_hub_leave();
    kith_hub_detach(sctp->port);
    kith_sctp_drop_partial(sctp);
    kith_sctp_release(sctp, sctp->held);
    for (size_t id = 0; id < sctp->channel_cap; id++)
        if (sctp->channels[id])
            free_channel(sctp, sctp->channels[id]);
    kith_free(sctp->channels);
    kith_sctp_queue_deinit(&sctp->queue);
    kith_pool_drain(&sctp->pool);
    kith_sctp_budget_release(sctp->budget);
    kith_free(sctp);
}

void kith_sctp_finish(kith_sctp *sctp, const kith_error *error)
{
    if (error && sctp->error.err == KITH_OK && sctp->state != KITH_SCTP_CLOSED)
        sctp->error = *error;
    sctp->state = KITH_SCTP_CLOSED;
    sctp->start_due = sctp->abort_due = sctp->readable = sctp->in_flight = sctp->more = false;
    kith_sctp_drop_partial(sctp);
    close_socket(sctp);
}

void kith_sctp_fail(kith_sctp *sctp, int cause, const char *format, ...)
{
    char text[sizeof sctp->error.message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kith_error error;
    kith_error_init(&error, KITH_ERR_OPERATION, "%s", text);
    error.error_detail = KITH_ERROR_DETAIL_SCTP_FAILURE;
    error.sctp_cause_code = cause;
    KITH_LOG(sctp->config.log, INFO, "sctp: %s", text);
    kith_sctp_finish(sctp, &error);
}

void kith_sctp_fail_too_long(kith_sctp *sctp)
{
    kith_sctp_fail(sctp, -1, "the peer sent a message longer than %zu bytes",
                   sctp->config.max_message_size);
}

void kith_sctp_start(kith_sctp *sctp)
{
    if (sctp->state != KITH_SCTP_CONNECTING || sctp->socket)
        return;
    sctp->start_due = true;
    sctp->work = true;
}

void kith_sctp_set_rtt(kith_sctp *sctp, kith_time rtt)
{
    sctp->rtt = rtt;
}

void kith_sctp_abort(kith_sctp *sctp)
{
    if (sctp->state == KITH_SCTP_CLOSED)
        return;
    sctp->state = KITH_SCTP_CLOSED;
    sctp->start_due = false;
    sctp->abort_due = true;
    sctp->work = true;
}

void kith_sctp_drop_output(kith_sctp *sctp)
{
    kith_hub_drop_output(sctp->port);
}

/* ---- connecting ---- */

static bool set_option(kith_sctp *sctp, int level, int name, const void *value, size_t len)
{
    if (usrsctp_setsockopt(sctp->socket, level, name, value, (socklen_t)len) == 0)
        return true;
    KITH_LOG(sctp->config.log, WARNING, "sctp: option %#x: errno %d", (unsigned)name, errno);
    return false;
}

static bool set_value(kith_sctp *sctp, int name, uint32_t value)
{
    struct sctp_assoc_value v = {.assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = value};
    return set_option(sctp, IPPROTO_SCTP, name, &v, sizeof v);
}

static bool set_flag(kith_sctp *sctp, int name, int value)
{
    return set_option(sctp, IPPROTO_SCTP, name, &value, sizeof value);
}

static bool subscribe(kith_sctp *sctp)
{
    static const uint16_t wanted[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT,
                                      SCTP_PARTIAL_DELIVERY_EVENT};
    bool good = true;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct sctp_event event = {
            .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = wanted[i], .se_on = 1};
        good = set_option(sctp, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event) && good;
    }
    return good;
}

/* RFC 9260 section 6.3.1 C2, with the round trip of ICE as the first sample. */
static uint32_t initial_rto(const kith_sctp *sctp)
{
    kith_time rto = 3 * sctp->rtt / KITH_MS(1);
    if (rto <= 0 || rto > RTO_INITIAL_MS)
        return RTO_INITIAL_MS;
    return rto < RTO_MIN_MS ? RTO_MIN_MS : (uint32_t)rto;
}

static bool set_timers(kith_sctp *sctp)
{
    struct sctp_rtoinfo rto = {
        .srto_initial = initial_rto(sctp), .srto_max = RTO_MAX_MS, .srto_min = RTO_MIN_MS};
    struct sctp_assocparams association = {.sasoc_asocmaxrxt = RETRANSMISSIONS};
    struct sctp_initmsg init = {.sinit_num_ostreams = sctp->config.max_streams,
                                .sinit_max_instreams = sctp->config.max_streams,
                                .sinit_max_attempts = RETRANSMISSIONS,
                                .sinit_max_init_timeo = INIT_TIMEOUT_MS};
    struct sctp_sack_info sack = {.sack_delay = SACK_DELAY_MS, .sack_freq = 2};
    /* No heartbeats, consent checks are enough; the path MTU is what config says. */
    struct sctp_paddrparams path = {.spp_pathmtu = (uint32_t)sctp->config.mtu - COMMON_HEADER,
                                    .spp_flags = SPP_HB_DISABLE | SPP_PMTUD_DISABLE,
                                    .spp_pathmaxrxt = RETRANSMISSIONS};
    return set_option(sctp, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto) &&
           set_option(sctp, IPPROTO_SCTP, SCTP_ASSOCINFO, &association, sizeof association) &&
           set_option(sctp, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) &&
           set_option(sctp, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack) &&
           set_option(sctp, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

/* Zero checksum (RFC 9653): we accept packets without one, for DTLS protects them. What we send has
 * one: it costs 60 ns and every peer takes it. */
static void accept_zero_checksum(kith_sctp *sctp)
{
#ifdef SCTP_ACCEPT_ZERO_CHECKSUM
    uint32_t method = SCTP_EDMID_LOWER_LAYER_DTLS;
    set_option(sctp, IPPROTO_SCTP, SCTP_ACCEPT_ZERO_CHECKSUM, &method, sizeof method);
#else
    (void)sctp;
#endif
}

static bool set_options(kith_sctp *sctp)
{
    /* Announced once and for all in INIT: slow start ends at the peer's first window. */
    int receive = (int)kith_sctp_budget_largest_window(sctp->budget), send = SEND_WINDOW;
    return usrsctp_set_non_blocking(sctp->socket, 1) == 0 &&
           set_option(sctp, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive) &&
           set_option(sctp, SOL_SOCKET, SO_SNDBUF, &send, sizeof send) &&
           set_flag(sctp, SCTP_NODELAY, 1) && set_flag(sctp, SCTP_RECVRCVINFO, 1) &&
           /* Messages longer than SO_SNDBUF go in parts. */
           set_flag(sctp, SCTP_EXPLICIT_EOR, 1) &&
           /* One message at a time: I-DATA (RFC 8260) is not offered. Browsers and Pion do not use
            * it by default, and a message is never cut for another one without it. */
           set_flag(sctp, SCTP_FRAGMENT_INTERLEAVE, 0) &&
           /* As late as can be, which is when memory is short: a stream stays stuck when the peer
              abandons a message whose delivery has begun. */
           set_flag(sctp, SCTP_PARTIAL_DELIVERY_POINT, receive / 2) &&
           set_value(sctp, SCTP_ENABLE_STREAM_RESET, SCTP_ENABLE_RESET_STREAM_REQ) &&
           set_value(sctp, SCTP_MAX_BURST, 0) && subscribe(sctp) && set_timers(sctp);
}

static struct sockaddr_conn address_of(const kith_sctp *sctp, uint16_t port)
{
    return (struct sockaddr_conn){.sconn_family = AF_CONN,
                                  .sconn_port = __builtin_bswap16(port),
                                  .sconn_addr = kith_hub_address(sctp->port)};
}

static void open_socket(kith_sctp *sctp)
{
    sctp->start_due = false;
    sctp->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!sctp->socket || !set_options(sctp)) {
        kith_sctp_fail(sctp, -1, "the SCTP association could not be set up: errno %d", errno);
        return;
    }
    accept_zero_checksum(sctp);
    usrsctp_set_ulpinfo(sctp->socket, sctp->budget);
    usrsctp_set_upcall(sctp->socket, kith_hub_upcall, kith_hub_address(sctp->port));
    struct sockaddr_conn local = address_of(sctp, kith_hub_inner_port(sctp->port));
    struct sockaddr_conn remote = address_of(sctp, sctp->config.remote_port);
    if (usrsctp_bind(sctp->socket, (struct sockaddr *)&local, sizeof local) != 0 ||
        (usrsctp_connect(sctp->socket, (struct sockaddr *)&remote, sizeof remote) != 0 &&
         errno != EINPROGRESS))
        kith_sctp_fail(sctp, -1, "the SCTP association could not be set up: errno %d", errno);
}

/* ---- streams ---- */

static bool make_room(kith_sctp *sctp, uint16_t id)
{
    if (id < sctp->channel_cap)
        return true;
    size_t cap = sctp->channel_cap > 0 ? sctp->channel_cap : 16;
    while (cap <= id)
        cap *= 2;
    kith_sctp_channel **channels = kith_resize(sctp->channels, cap * sizeof *channels);
    if (!channels)
        return false;
    memset(channels + sctp->channel_cap, 0, (cap - sctp->channel_cap) * sizeof *channels);
    sctp->channels = channels;
    sctp->channel_cap = cap;
    return true;
}

kith_sctp_channel *kith_sctp_channel_get(kith_sctp *sctp, uint16_t id)
{
    kith_sctp_channel *channel = kith_sctp_channel_find(sctp, id);
    if (channel || !make_room(sctp, id))
        return channel;
    channel = kith_alloc_zero(1, sizeof *channel);
    if (!channel)
        return NULL;
    if (kith_sctp_queue_join(&sctp->queue, &channel->out, id) != KITH_OK) {
        kith_free(channel);
        return NULL;
    }
    sctp->channels[id] = channel;
    return channel;
}

kith_err kith_sctp_open(kith_sctp *sctp, uint16_t stream, const kith_sctp_stream *params)
{
    if (stream >= sctp->streams)
        return kith_fail(KITH_ERR_RANGE, "stream %u: the association has %u", (unsigned)stream,
                         (unsigned)sctp->streams);
    kith_sctp_channel *channel = kith_sctp_channel_find(sctp, stream);
    if (channel && channel->closing != KITH_SCTP_OPEN)
        return kith_fail(KITH_ERR_INVALID_STATE, "stream %u is being closed", (unsigned)stream);
    channel = kith_sctp_channel_get(sctp, stream);
    if (!channel)
        return kith_fail_memory();
    channel->out.params = *params;
    return KITH_OK;
}

kith_err kith_sctp_send(kith_sctp *sctp, const kith_sctp_send_args *message)
{
    kith_sctp_channel *channel = kith_sctp_channel_find(sctp, message->stream);
    if (!channel || channel->closing != KITH_SCTP_OPEN || sctp->state == KITH_SCTP_CLOSED)
        return kith_fail(KITH_ERR_INVALID_STATE, "stream %u is not open",
                         (unsigned)message->stream);
    if (message->len == 0)
        return kith_fail(KITH_ERR_TYPE, "SCTP carries no empty messages");
    size_t limit = sctp->config.send_buffer;
    bool full = message->len > limit || sctp->queue.held > limit - message->len;
    if (full && sctp->queue.bytes > 0) {
        sctp->refused = true;
        return kith_fail(KITH_ERR_AGAIN, "%zu bytes wait to be sent", sctp->queue.bytes);
    }
    kith_err err = kith_sctp_queue_push(&sctp->queue, &channel->out, message);
    if (!err && sctp->state == KITH_SCTP_CONNECTED)
        sctp->work = true;
    return err;
}

size_t kith_sctp_buffered(const kith_sctp *sctp, uint16_t stream)
{
    kith_sctp_channel *channel = kith_sctp_channel_find(sctp, stream);
    return channel ? channel->out.buffered : 0;
}

void kith_sctp_set_low_threshold(kith_sctp *sctp, uint16_t stream, size_t bytes)
{
    kith_sctp_channel *channel = kith_sctp_channel_find(sctp, stream);
    if (channel)
        channel->out.low_threshold = bytes;
}

void kith_sctp_path_restored(kith_sctp *sctp)
{
    sctp->heartbeat_due = true;
    sctp->work = true;
}

/* ---- the five verbs ---- */

static void send_heartbeat(kith_sctp *sctp)
{
    sctp->heartbeat_due = false;
    struct sctp_paddrparams path = {.spp_flags = SPP_HB_DEMAND};
    struct sockaddr_conn remote = address_of(sctp, sctp->config.remote_port);
    memcpy(&path.spp_address, &remote, sizeof remote);
    set_option(sctp, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

/* What waits to be done and now has the time; between enter and leave. */
static void serve(kith_sctp *sctp, kith_time now)
{
    sctp->work = false;
    if (sctp->abort_due)
        kith_sctp_finish(sctp, NULL);
    if (sctp->start_due)
        open_socket(sctp);
    /* The first thing there is to read is that the association is up. */
    kith_sctp_message *message = NULL;
    while (sctp->state == KITH_SCTP_CONNECTING && sctp->readable && kith_sctp_pull(sctp, &message))
        assert(!message);
    if (sctp->state != KITH_SCTP_CONNECTED)
        return;
    if (sctp->heartbeat_due)
        send_heartbeat(sctp);
    sctp->work = false;
    kith_sctp_feed(sctp, now);
    kith_sctp_reset_streams(sctp);
}

static void enter(kith_sctp *sctp, kith_time now)
{
    sctp->now = now;
    kith_hub_enter(sctp->port, now);
}

static void leave(kith_sctp *sctp)
{
    if (kith_sctp_memory_take_shortage())
        kith_sctp_fail(sctp, -1, "out of memory for the SCTP association");
    kith_hub_leave();
    if (kith_hub_take_readable(sctp->port))
        sctp->readable = true;
}

void kith_sctp_input(kith_sctp *sctp, kith_time now, const uint8_t *data, size_t len)
{
    if (!sctp->socket || sctp->state == KITH_SCTP_CLOSED)
        return;
    enter(sctp, now);
    kith_hub_input(sctp->port, data, len);
    /* SACKs come in batches, and one that finds the window not full does not widen it (RFC 9260
     * section 7.2.1). */
    if (sctp->queue.bytes > 0)
        kith_sctp_feed(sctp, now);
    leave(sctp);
    sctp->packets_received++;
    sctp->active_until = now + QUIET_AFTER;
    sctp->work = true;
}

size_t kith_sctp_output(kith_sctp *sctp, kith_time now, uint8_t *buf, size_t cap)
{
    if (sctp->work || (sctp->more && kith_hub_waiting(sctp->port) == 0)) {
        enter(sctp, now);
        serve(sctp, now);
        leave(sctp);
        sctp->active_until = now + QUIET_AFTER;
    }
    return kith_hub_output(sctp->port, now, buf, cap);
}

static bool quiet(const kith_sctp *sctp)
{
    return sctp->state == KITH_SCTP_CONNECTED && !sctp->in_flight && sctp->queue.bytes == 0 &&
           kith_list_empty(&sctp->resetting) && sctp->now >= sctp->active_until;
}

/* Retried, or their time looked at, with every tick: what has no timer in usrsctp. */
static bool waits_for_ticks(const kith_sctp *sctp)
{
    bool is_stopped = sctp->queue.bytes > 0 && !sctp->in_flight;
    return is_stopped || sctp->was_refused || kith_hub_has_sack(sctp->port) ||
           !kith_list_empty(&sctp->queue.expiring) || !kith_list_empty(&sctp->resetting);
}

static kith_time next_timer(const kith_sctp *sctp)
{
#ifdef KITH_SCTP_BUNDLED
    return kith_hub_next_timer(sctp->socket);
#else
    return quiet(sctp) ? KITH_NEVER : kith_hub_next_tick();
#endif
}

kith_time kith_sctp_deadline(const kith_sctp *sctp)
{
    if (sctp->work)
        return 0;
    if (!sctp->socket)
        return KITH_NEVER;
    /* Reading has made packets: usrsctp says that its window is open again. */
    if (kith_hub_waiting(sctp->port) > 0)
        return 0;
    if (waits_for_ticks(sctp))
        return kith_hub_next_tick();
    kith_time at = next_timer(sctp);
    bool drains_first =
        sctp->pool.kept > 0 && sctp->now < sctp->active_until && sctp->active_until < at;
    return drains_first ? sctp->active_until : at;
}

void kith_sctp_tick(kith_sctp *sctp, kith_time now)
{
    enter(sctp, now);
    kith_hub_input_sack(sctp->port);
    serve(sctp, now);
    leave(sctp);
    if (quiet(sctp))
        kith_pool_drain(&sctp->pool);
}

/* ---- events ---- */

static bool state_event(kith_sctp *sctp, kith_sctp_event *ev)
{
    if (sctp->reported_state == sctp->state)
        return false;
    bool skipped = sctp->reported_state == KITH_SCTP_CONNECTING && sctp->was_connected;
    sctp->reported_state = skipped ? KITH_SCTP_CONNECTED : sctp->state;
    *ev = (kith_sctp_event){.type = KITH_SCTP_EV_STATE, .state = sctp->reported_state};
    return true;
}

static bool stream_event(kith_sctp *sctp, kith_sctp_event *ev)
{
    kith_list_node *node = kith_list_first(&sctp->events);
    if (!node)
        return false;
    kith_sctp_channel *channel = KITH_OWNER(node, kith_sctp_channel, event);
    bool ended = kith_sctp_channel_ended(channel);
    *ev = (kith_sctp_event){.type = KITH_SCTP_EV_STREAM_CLOSED, .stream = channel->out.id};
    if (channel->tell_reset) {
        channel->tell_reset = false;
        ev->type = KITH_SCTP_EV_STREAM_RESET;
        if (!ended)
            kith_list_remove(node);
    } else {
        free_channel(sctp, channel);
    }
    return true;
}

static bool low_event(kith_sctp *sctp, kith_sctp_event *ev)
{
    kith_sctp_out_stream *stream = kith_sctp_queue_next_low(&sctp->queue);
    if (!stream)
        return false;
    *ev = (kith_sctp_event){.type = KITH_SCTP_EV_LOW, .stream = stream->id};
    return true;
}

static bool writable_event(kith_sctp *sctp, kith_sctp_event *ev)
{
    if (!sctp->writable)
        return false;
    sctp->writable = false;
    *ev = (kith_sctp_event){.type = KITH_SCTP_EV_WRITABLE};
    return true;
}

/* "connected" comes before everything that it made possible, "closed" after all that was before it.
 */
static bool queued_event(kith_sctp *sctp, kith_sctp_event *ev)
{
    bool connected = sctp->reported_state == KITH_SCTP_CONNECTING && sctp->was_connected;
    return (connected && state_event(sctp, ev)) || low_event(sctp, ev) ||
           writable_event(sctp, ev) || stream_event(sctp, ev) || state_event(sctp, ev);
}

/* A full budget leaves messages in usrsctp; but of an association that ended everything comes. */
static bool may_pull(kith_sctp *sctp)
{
    if (!sctp->socket || !sctp->readable || sctp->state == KITH_SCTP_CLOSED)
        return false;
    if (sctp->received < sctp->config.receive_buffer)
        return true;
    if ((usrsctp_get_events(sctp->socket) & SCTP_EVENT_ERROR) != 0)
        sctp->ended = true;
    return sctp->ended;
}

static bool message_event(kith_sctp *sctp, kith_sctp_event *ev)
{
    if (!sctp->held)
        return false;
    *ev = (kith_sctp_event){
        .type = KITH_SCTP_EV_MESSAGE, .stream = sctp->held->stream, .message = sctp->held};
    sctp->held = NULL;
    return true;
}

bool kith_sctp_event_next(kith_sctp *sctp, kith_sctp_event *ev)
{
    if (kith_hub_take_readable(sctp->port))
        sctp->readable = true;
    while (!queued_event(sctp, ev) && !message_event(sctp, ev)) {
        if (!may_pull(sctp))
            return false;
        kith_hub_enter_untimed(sctp->port);
        kith_sctp_pull(sctp, &sctp->held);
        leave(sctp);
        if (sctp->held)
            kith_sctp_note_use(sctp, sctp->held->stream);
    }
    return true;
}

/* ---- questions ---- */

kith_sctp_state kith_sctp_get_state(const kith_sctp *sctp)
{
    return sctp->state;
}

uint16_t kith_sctp_streams(const kith_sctp *sctp)
{
    return sctp->streams;
}

const kith_error *kith_sctp_get_error(const kith_sctp *sctp)
{
    return &sctp->error;
}

void kith_sctp_get_info(const kith_sctp *sctp, kith_sctp_info *info)
{
    kith_hub_counts counts;
    kith_hub_get_counts(sctp->port, &counts);
    *info = (kith_sctp_info){.mtu = (uint32_t)sctp->config.mtu,
                             .packets_sent = counts.packets,
                             .packets_received = sctp->packets_received,
                             .retransmits = counts.retransmits,
                             .messages_abandoned = sctp->queue.expired,
                             .dropped = counts.dropped + sctp->dropped};
    struct sctp_status status = {0};
    socklen_t len = sizeof status;
    if (!sctp->socket ||
        usrsctp_getsockopt(sctp->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &len) != 0)
        return;
    info->congestion_window = status.sstat_primary.spinfo_cwnd;
    info->receiver_window = status.sstat_rwnd;
    info->unacked_data = status.sstat_unackdata;
    info->smoothed_rtt = KITH_MS(status.sstat_primary.spinfo_srtt);
}
