/* The data channels of `kith peer`: messages from lines, lines from messages, echo, files. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* Input is read while less than this waits for open channels. */
#define READ_AHEAD ((size_t)4 * 1024 * 1024)
/* What may wait at most, echoes of a peer that does not read them included. */
#define MAX_QUEUED ((size_t)64 * 1024 * 1024)

/* Causes of an ABORT by which a user ends, no failure: RFC 9260 section 3.3.10.12, and none at all,
 * as stacks do whose close() aborts (aiortc, werift). */
enum { ABORT_WITHOUT_CAUSE = 0, USER_INITIATED_ABORT = 12 };

/* ---- queues ---- */

static void push(struct peer *p, struct peer_queue *queue, bool is_text, const void *data,
                 size_t len)
{
    struct peer_message *message = tool_alloc(sizeof *message + len);
    message->is_text = is_text;
    message->len = len;
    if (len > 0)
        memcpy(message->data, data, len);
    if (!queue->first)
        queue->last = &queue->first;
    *queue->last = message;
    queue->last = &message->next;
    p->queued += len;
}

static void drop_first(struct peer *p, struct peer_queue *queue)
{
    struct peer_message *message = queue->first;
    queue->first = message->next;
    p->queued -= message->len;
    free(message);
}

static void drop_all(struct peer *p, struct peer_queue *queue)
{
    while (queue->first)
        drop_first(p, queue);
}

/* ---- sending ---- */

static void flush(struct peer *p, struct peer_channel *channel)
{
    while (channel->is_open && channel->queue.first) {
        struct peer_message *message = channel->queue.first;
        kith_err err = message->is_text
                           ? kith_dc_send_text(channel->dc, (char *)message->data, message->len)
                           : kith_dc_send(channel->dc, message->data, message->len);
        if (err == KITH_ERR_AGAIN)
            break;
        if (err != KITH_OK) {
            tool_kith_error("a message was not sent", err);
            p->status = TOOL_FAILED;
        }
        drop_first(p, &channel->queue);
    }
    if (channel == p->sending && channel->is_open && p->sender && !channel->queue.first &&
        !file_sender_pump(p->sender, channel->dc)) {
        file_sender_free(p->sender);
        p->sender = NULL;
        p->status = TOOL_FAILED;
    }
    if (p->input && p->first_channel)
        lines_reader_pause(p->input, p->queued > READ_AHEAD);
}

static void flush_all(struct peer *p)
{
    for (struct peer_channel *channel = p->channels; channel; channel = channel->next)
        flush(p, channel);
}

/* Nothing that the peer asked for may grow without bound: a channel whose echoes are not read is
 * closed. When the peer has closed it, nobody waits for a reply, and there is none. */
static void queue_reply(struct peer *p, struct peer_channel *channel, bool is_text,
                        const void *data, size_t len)
{
    if (kith_dc_ready_state(channel->dc) != KITH_DC_STATE_OPEN)
        return;
    if (p->queued + len > MAX_QUEUED) {
        tool_error("channel \"%s\": the peer does not read what it asked for; closing it",
                   kith_dc_label(channel->dc));
        p->status = TOOL_FAILED;
        drop_all(p, &channel->queue);
        kith_dc_close(channel->dc);
        return;
    }
    push(p, &channel->queue, is_text, data, len);
    flush(p, channel);
}

struct peer_channel *peer_find_channel(struct peer *p, const char *label)
{
    for (struct peer_channel *channel = p->channels; channel; channel = channel->next)
        if (strcmp(kith_dc_label(channel->dc), label) == 0)
            return channel;
    return NULL;
}

bool peer_send_line(struct peer *p, json_t *object, const char **words)
{
    const json_t *text = json_object_get(object, "text");
    const json_t *binary = json_object_get(object, "binary");
    const json_t *label = json_object_get(object, "channel");
    struct peer_channel *channel = p->first_channel;
    if (label)
        channel = json_is_string(label) ? peer_find_channel(p, json_string_value(label)) : NULL;
    if (label && !channel)
        *words = "there is no channel of that label";
    else if (channel && channel->was_open && !channel->is_open)
        *words = "the channel is closed";
    else if (text ? !json_is_string(text) : !json_is_string(binary))
        *words = "text and binary are strings";
    else if (p->queued > MAX_QUEUED)
        *words = "more than 64 MiB wait for a channel";
    if (*words)
        return false;

    size_t len = json_string_length(text ? text : binary);
    const char *data = json_string_value(text ? text : binary);
    uint8_t *decoded = NULL;
    if (binary && !text && !(decoded = tool_base64_decode(data, len, &len))) {
        *words = "binary is not base64";
        return false;
    }
    push(p, channel ? &channel->queue : &p->early, text, decoded ? (void *)decoded : data, len);
    free(decoded);
    if (channel)
        flush(p, channel);
    return true;
}

bool peer_all_sent(const struct peer *p)
{
    bool queues_empty = !p->early.first;
    for (const struct peer_channel *channel = p->channels; channel; channel = channel->next)
        queues_empty = queues_empty && !channel->queue.first;
    bool is_playing = p->player && p->options.once && !media_player_is_done(p->player);
    return queues_empty && !p->sender && !is_playing;
}

/* ---- channels ---- */

static struct peer_channel *adopt(struct peer *p, kith_dc *dc)
{
    struct peer_channel *channel = tool_alloc(sizeof *channel);
    struct peer_channel **end = &p->channels;
    while (*end)
        end = &(*end)->next;
    *end = channel;
    channel->dc = dc;
    kith_dc_set_user(dc, channel);
    if (p->options.receive_dir)
        channel->receiver = file_receiver_new(p->options.receive_dir);
    if (!p->first_channel) {
        p->first_channel = channel;
        channel->is_first = true;
        channel->queue = p->early;
        p->early = (struct peer_queue){0};
    }
    return channel;
}

bool peer_open_channel(struct peer *p, const char *label)
{
    kith_dc *dc = NULL;
    kith_err err = kith_pc_create_data_channel(p->pc, label, &p->options.init, &dc);
    if (err != KITH_OK) {
        tool_kith_error("cannot open a channel", err);
        return false;
    }
    adopt(p, dc);
    return true;
}

static void forget(struct peer *p, struct peer_channel *channel)
{
    struct peer_channel **at = &p->channels;
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    if (p->sending == channel)
        p->sending = NULL;
    if (p->first_channel == channel)
        p->first_channel = NULL;
    drop_all(p, &channel->queue);
    file_receiver_free(channel->receiver);
    kith_dc_free(channel->dc);
    free(channel);
}

static void tell_open(struct peer *p, struct peer_channel *channel, bool open)
{
    json_t *label = tool_json_text(kith_dc_label(channel->dc), kith_dc_label_len(channel->dc));
    lines_write(p->output, json_pack("{s:o, s:b}", "channel", label, "open", open));
}

static void opened(struct peer *p, struct peer_channel *channel)
{
    channel->is_open = channel->was_open = true;
    tell_open(p, channel, true);
    if (p->sender && !p->sending)
        p->sending = channel;
    flush(p, channel);
}

static void closed(struct peer *p, struct peer_channel *channel)
{
    if (channel->queue.first) {
        tool_error("channel \"%s\" closed before its messages were sent",
                   kith_dc_label(channel->dc));
        p->status = TOOL_FAILED;
    }
    if (channel == p->sending && p->sender) {
        tool_error("the channel closed before \"%s\" had arrived", file_sender_name(p->sender));
        file_sender_free(p->sender);
        p->sender = NULL;
        p->status = TOOL_FAILED;
    }
    if (channel->was_open)
        tell_open(p, channel, false);
    forget(p, channel);
}

/* ---- receiving ---- */

/* The receiver's answer to a file of ours. */
static bool take_receipt(struct peer *p, struct peer_channel *channel, const kith_message *message)
{
    const char *name = NULL;
    int ok = 0;
    if (channel != p->sending || !p->sender || !message->is_text)
        return false;
    json_t *receipt = json_loadb(message->data, message->len, 0, NULL);
    bool is_receipt =
        receipt && json_unpack(receipt, "{s:s, s:b}", "received", &name, "ok", &ok) == 0;
    if (is_receipt) {
        if (!ok) {
            const char *reason = json_string_value(json_object_get(receipt, "reason"));
            tool_error("\"%s\" was not taken: %s", file_sender_name(p->sender),
                       reason ? reason : "no reason given");
            p->status = TOOL_FAILED;
        }
        lines_write(p->output,
                    json_pack("{s:s, s:I, s:s, s:b}", "sent", file_sender_name(p->sender), "size",
                              (json_int_t)file_sender_size(p->sender), "sha256",
                              file_sender_sha256(p->sender), "ok", ok));
        file_sender_free(p->sender);
        p->sender = NULL;
    }
    json_decref(receipt);
    return is_receipt;
}

static bool take_file(struct peer *p, struct peer_channel *channel, const kith_message *message)
{
    json_t *reply = NULL;
    if (!channel->receiver)
        return false;
    bool taken =
        message->is_text
            ? file_receiver_take_text(channel->receiver, message->data, message->len, &reply)
            : file_receiver_take_binary(channel->receiver, message->data, message->len, &reply);
    if (reply) {
        char *text = json_dumps(reply, JSON_COMPACT);
        queue_reply(p, channel, true, text, strlen(text));
        free(text);
        const char *path = file_receiver_path(channel->receiver);
        if (json_is_true(json_object_get(reply, "ok")) && path)
            json_object_set_new(reply, "path", tool_json_text(path, strlen(path)));
        lines_write(p->output, reply);
    }
    return taken;
}

static void print_message(struct peer *p, const struct peer_channel *channel,
                          const kith_message *message)
{
    json_t *line = json_object();
    if (message->is_text) {
        json_object_set_new(line, "text", tool_json_text(message->data, message->len));
    } else {
        char *base64 = tool_base64_encode(message->data, message->len);
        json_object_set_new(line, "binary", json_string(base64 ? base64 : ""));
        free(base64);
    }
    if (!channel->is_first)
        json_object_set_new(
            line, "channel",
            tool_json_text(kith_dc_label(channel->dc), kith_dc_label_len(channel->dc)));
    lines_write(p->output, line);
}

static void received(struct peer *p, struct peer_channel *channel, const kith_message *message)
{
    if (take_receipt(p, channel, message) || take_file(p, channel, message))
        return;
    if (!p->options.quiet)
        print_message(p, channel, message);
    if (p->options.echo)
        queue_reply(p, channel, message->is_text, message->data, message->len);
}

void peer_channel_event(struct peer *p, const kith_event *ev)
{
    struct peer_channel *channel = ev->dc ? kith_dc_user(ev->dc) : NULL;
    switch (ev->type) {
    case KITH_EV_DATA_CHANNEL:
        adopt(p, ev->dc);
        break;
    case KITH_EV_DC_OPEN:
        opened(p, channel);
        break;
    case KITH_EV_DC_MESSAGE:
        received(p, channel, &ev->message);
        break;
    case KITH_EV_DC_BUFFERED_AMOUNT_LOW:
        flush(p, channel);
        break;
    case KITH_EV_WRITABLE:
        flush_all(p);
        break;
    case KITH_EV_DC_CLOSING:
        channel->is_open = false;
        break;
    case KITH_EV_DC_ERROR:
        if (ev->error->sctp_cause_code == USER_INITIATED_ABORT ||
            ev->error->sctp_cause_code == ABORT_WITHOUT_CAUSE) {
            p->remote_aborted = true;
            break;
        }
        tool_error("channel \"%s\": %s", kith_dc_label(channel->dc), ev->error->message);
        p->status = TOOL_FAILED;
        break;
    case KITH_EV_DC_CLOSED:
        closed(p, channel);
        break;
    case KITH_EV_NEGOTIATION_NEEDED:
    case KITH_EV_SIGNALING_STATE:
    case KITH_EV_ICE_GATHERING_STATE:
    case KITH_EV_ICE_CONNECTION_STATE:
    case KITH_EV_CONNECTION_STATE:
    case KITH_EV_ICE_CANDIDATE:
    case KITH_EV_ICE_CANDIDATE_ERROR:
    case KITH_EV_ICE_TRANSPORT_STATE:
    case KITH_EV_ICE_TRANSPORT_GATHERING_STATE:
    case KITH_EV_SELECTED_CANDIDATE_PAIR:
    case KITH_EV_DTLS_TRANSPORT_STATE:
    case KITH_EV_SCTP_TRANSPORT_STATE:
    case KITH_EV_TRACK:
    case KITH_EV_TRACK_ENDED:
    case KITH_EV_TRACK_MUTE:
    case KITH_EV_TRACK_UNMUTE:
    case KITH_EV_RTP:
    case KITH_EV_FRAME:
    case KITH_EV_SENDER_STATE:
    case KITH_EV_KEY_FRAME_REQUEST:
    case KITH_EV_TARGET_BITRATE:
    case KITH_EV_SIGNALER_STATE:
    case KITH_EV_SIGNALER_PEER:
    case KITH_EV_SIGNALER_LEFT:
    case KITH_EV_SIGNALER_TEXT:
    case KITH_EV_SIGNALER_ERROR:
        break;
    }
    peer_go_on_closing(p);
}

void peer_close_channels(struct peer *p)
{
    for (struct peer_channel *channel = p->channels; channel; channel = channel->next) {
        channel->is_open = false;
        kith_dc_close(channel->dc);
    }
}

bool peer_channels_closed(const struct peer *p)
{
    return !p->channels;
}

void peer_free_channels(struct peer *p)
{
    while (p->channels)
        forget(p, p->channels);
    drop_all(p, &p->early);
    file_sender_free(p->sender);
    p->sender = NULL;
}
