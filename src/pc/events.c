/* The queue of what the application shall know. Nodes are used again; texts of candidates and
 * errors are copied behind their event. */
#include "pc/events.h"

#include <assert.h>
#include <string.h>

#include "base/block.h"
#include "base/error.h"
#include "base/memory.h"
#include "pc/channel.h"
#include "pc/endpoint.h"
#include "pc/frames.h"
#include "pc/pc.h"

/* Nodes kept for use again, so that a busy channel allocates nothing. */
#define MAX_SPARE 64
/* Messages that may wait to be asked for: receive_buffer counts bytes, and messages without bytes
 * cost memory too. */
#define MAX_MESSAGES 4096

/* What of a receiver may wait to be asked for: who comes back late has no use for what is older.
 * The newest always may. */
#define MAX_MEDIA_AGE   KITH_SECONDS(2)
#define MAX_MEDIA_BYTES ((size_t)2 * 1024 * 1024)
/* And of all receivers: two frames of the largest size, which few sections need. */
#define MAX_ALL_MEDIA_BYTES ((size_t)16 * 1024 * 1024)

#define BIT(type) (UINT32_C(1) << (type))
#define TRANSPORT_TYPES                                                              \
    (BIT(KITH_EV_ICE_TRANSPORT_STATE) | BIT(KITH_EV_ICE_TRANSPORT_GATHERING_STATE) | \
     BIT(KITH_EV_SELECTED_CANDIDATE_PAIR) | BIT(KITH_EV_DTLS_TRANSPORT_STATE) |      \
     BIT(KITH_EV_SCTP_TRANSPORT_STATE))
/* What a peer connection and what a channel tells, each with a node of its own. */
#define PC_TYPES                                                                                \
    (BIT(KITH_EV_NEGOTIATION_NEEDED) | BIT(KITH_EV_SIGNALING_STATE) |                           \
     BIT(KITH_EV_ICE_GATHERING_STATE) | BIT(KITH_EV_ICE_CONNECTION_STATE) |                     \
     BIT(KITH_EV_CONNECTION_STATE) | BIT(KITH_EV_ICE_CANDIDATE_ERROR) | BIT(KITH_EV_WRITABLE) | \
     TRANSPORT_TYPES)
#define CHANNEL_TYPES                                                             \
    (BIT(KITH_EV_DATA_CHANNEL) | BIT(KITH_EV_DC_OPEN) | BIT(KITH_EV_DC_CLOSING) | \
     BIT(KITH_EV_DC_CLOSED) | BIT(KITH_EV_DC_ERROR) | BIT(KITH_EV_DC_BUFFERED_AMOUNT_LOW))

#define TRANSCEIVER_TYPES                                                                     \
    (BIT(KITH_EV_TRACK) | BIT(KITH_EV_TRACK_ENDED) | BIT(KITH_EV_TRACK_MUTE) |                \
     BIT(KITH_EV_TRACK_UNMUTE) | BIT(KITH_EV_SENDER_STATE) | BIT(KITH_EV_KEY_FRAME_REQUEST) | \
     BIT(KITH_EV_TARGET_BITRATE))

typedef struct kith_queued_event {
    kith_list_node node;
    kith_event ev;
    /* DC_MESSAGE: goes back to SCTP */
    kith_sctp_message *message;
    /* RTP */
    kith_packet *packet;
    /* FRAME */
    kith_assembled *frame;
    /* either's: in kith_receiver.waiting, and what it costs */
    kith_list_node in_receiver;
    size_t cost;
    /* what ev's strings or its error point into */
    void *memory;
    /* of an association that is gone */
    bool is_left_over;
    /* it is the promised one of its type */
    bool is_reserved;
} kith_queued_event;

static unsigned count_types(uint32_t types)
{
    unsigned count = 0;
    for (; types != 0; types &= types - 1)
        count++;
    return count;
}

/* Nodes among the spare ones that were promised. */
static unsigned held_back(const kith_pc *pc)
{
    return pc->events.reserved - pc->events.reserved_in_queue;
}

static kith_queued_event *take_spare(kith_pc *pc)
{
    kith_list_node *node = kith_list_take(&pc->events.spare);
    assert(node);
    pc->events.spare_count--;
    kith_queued_event *queued = KITH_OWNER(node, kith_queued_event, node);
    memset(queued, 0, sizeof *queued);
    return queued;
}

/* The last that was used is the next: it still lies in the cache. */
static void keep_spare(kith_pc *pc, kith_queued_event *queued)
{
    kith_list_insert_after(&pc->events.spare.head, &queued->node);
    pc->events.spare_count++;
}

/* A node that was promised to nobody, or NULL. */
static kith_queued_event *new_node(kith_pc *pc)
{
    if (pc->events.spare_count > held_back(pc))
        return take_spare(pc);
    return kith_alloc_zero(1, sizeof(kith_queued_event));
}

static kith_err reserve(kith_pc *pc, unsigned count)
{
    while (pc->events.spare_count < held_back(pc) + count) {
        kith_queued_event *queued = kith_alloc_zero(1, sizeof *queued);
        if (!queued)
            return kith_fail_memory();
        keep_spare(pc, queued);
    }
    pc->events.reserved += count;
    return KITH_OK;
}

kith_err kith_events_reserve_channel(kith_pc *pc)
{
    return reserve(pc, count_types(CHANNEL_TYPES));
}

kith_err kith_events_reserve_transceiver(kith_pc *pc)
{
    return reserve(pc, count_types(TRANSCEIVER_TYPES));
}

void kith_events_trim(kith_pc *pc)
{
    while (pc->events.spare_count > MAX_SPARE && pc->events.spare_count > held_back(pc))
        kith_free(take_spare(pc));
}

static void unreserve(kith_pc *pc, unsigned count)
{
    pc->events.reserved -= count;
    kith_events_trim(pc);
}

void kith_events_unreserve_channel(kith_pc *pc)
{
    unreserve(pc, count_types(CHANNEL_TYPES));
}

void kith_events_unreserve_transceiver(kith_pc *pc)
{
    unreserve(pc, count_types(TRANSCEIVER_TYPES));
}

kith_err kith_events_init(kith_pc *pc)
{
    kith_list_init(&pc->events.queue);
    kith_list_init(&pc->events.spare);
    return reserve(pc, count_types(PC_TYPES) + 1); /* and the one that is being told */
}

/* The types whose promised node is in the queue: of ev's channel or transceiver, or of pc. */
static uint32_t *waiting_types(kith_pc *pc, const kith_event *ev)
{
    if (ev->transceiver)
        return &ev->transceiver->events_waiting;
    return ev->dc ? &ev->dc->events_waiting : &pc->events.waiting;
}

/* It leaves the queue: the next event of its type has the promise. */
static void leave_queue(kith_pc *pc, kith_queued_event *queued)
{
    kith_list_remove(&queued->node);
    if (kith_list_has(&queued->in_receiver)) {
        kith_list_remove(&queued->in_receiver);
        queued->ev.receiver->waiting_bytes -= queued->cost;
        pc->events.media_bytes -= queued->cost;
    }
    if (!queued->is_reserved)
        return;
    queued->is_reserved = false;
    *waiting_types(pc, &queued->ev) &= ~BIT(queued->ev.type);
    pc->events.reserved_in_queue--;
}

static void release_message(kith_pc *pc, kith_queued_event *queued)
{
    pc->events.messages--;
    if (queued->is_left_over) {
        pc->events.left_over -= kith_sctp_message_cost(queued->message);
        kith_sctp_release(NULL, queued->message);
        kith_channels_count_kept(pc);
    } else {
        kith_sctp_release(pc->channels.transport->sctp, queued->message);
    }
    kith_endpoint_set_ready(pc); /* more may wait behind it for room */
}

static void release(kith_pc *pc, kith_queued_event *queued)
{
    if (queued->message)
        release_message(pc, queued);
    kith_block_unref(queued->packet);
    kith_block_unref(queued->frame);
    kith_free(queued->memory);
    /* those of packets, which come in bursts, until kith_events_trim */
    if (pc->events.spare_count < MAX_SPARE || pc->events.spare_count < held_back(pc) ||
        queued->packet)
        keep_spare(pc, queued);
    else
        kith_free(queued);
}

static void drop(kith_pc *pc, kith_queued_event *queued)
{
    leave_queue(pc, queued);
    release(pc, queued);
}

void kith_events_release(kith_pc *pc)
{
    kith_queued_event *current = pc->events.current;
    pc->events.current = NULL;
    if (!current)
        return;
    /* kith_pc_free has taken all transceivers along. */
    kith_transceiver *ended =
        current->ev.type == KITH_EV_TRACK_ENDED && !pc->freed ? current->ev.transceiver : NULL;
    release(pc, current);
    if (ended)
        kith_transceiver_destroy(ended);
}

void kith_events_forget_all(kith_pc *pc)
{
    KITH_LIST_EACH(&pc->events.queue, node)
        drop(pc, KITH_OWNER(node, kith_queued_event, node));
}

void kith_events_deinit(kith_pc *pc)
{
    kith_events_release(pc);
    kith_events_forget_all(pc);
    while (pc->events.spare_count > 0)
        kith_free(take_spare(pc));
}

/* ---- queueing ---- */

/* Moves `count` borrowed texts into one block behind the event. */
static bool keep_texts(kith_queued_event *queued, const char **const texts[], size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
    if (size == 0)
        return true;
    char *at = queued->memory = kith_alloc(size);
    for (size_t i = 0; i < count; i++) {
        if (!*texts[i])
            continue;
        if (!at) {
            *texts[i] = "";
            continue;
        }
        size_t len = strlen(*texts[i]) + 1;
        memcpy(at, *texts[i], len);
        *texts[i] = at;
        at += len;
    }
    return at;
}

static bool keep_candidate(kith_queued_event *queued)
{
    kith_ice_candidate *c = &queued->ev.ice_candidate;
    const char **const texts[] = {&c->candidate, &c->sdp_mid, &c->username_fragment};
    return keep_texts(queued, texts, 3);
}

/* Without memory it is told without words, but with its code. */
static void keep_candidate_error(kith_queued_event *queued)
{
    kith_ice_candidate_error *e = &queued->ev.ice_candidate_error;
    const char **const texts[] = {&e->address, &e->url, &e->error_text};
    if (!keep_texts(queued, texts, 3))
        e->error_text = "out of memory: the details are lost";
}

static void keep_error(kith_queued_event *queued)
{
    static const kith_error no_memory = {
        .err = KITH_ERR_NO_MEMORY,
        .error_detail = KITH_ERROR_DETAIL_DATA_CHANNEL_FAILURE,
        .sdp_line_number = -1,
        .sctp_cause_code = -1,
        .received_alert = -1,
        .sent_alert = -1,
        .system_errno = -1,
        .message = "out of memory: why the channel failed is lost",
    };
    kith_error *error = queued->memory = kith_alloc(sizeof *error);
    if (error)
        *error = *queued->ev.error;
    queued->ev.error = error ? error : &no_memory;
}

/* An event that is promised a node: that one, or one more behind it, or, when memory is short, it
 * gives way. */
static kith_queued_event *node_for(kith_pc *pc, const kith_event *ev)
{
    uint32_t *waiting = waiting_types(pc, ev);
    kith_queued_event *queued;
    if (*waiting & BIT(ev->type)) {
        queued = new_node(pc);
        if (queued)
            return queued;
        KITH_LIST_EACH(&pc->events.queue, node) {
            queued = KITH_OWNER(node, kith_queued_event, node);
            if (queued->is_reserved && queued->ev.type == ev->type && queued->ev.dc == ev->dc &&
                queued->ev.transceiver == ev->transceiver) {
                drop(pc, queued);
                break;
            }
        }
    }
    queued = take_spare(pc);
    queued->is_reserved = true;
    *waiting |= BIT(ev->type);
    pc->events.reserved_in_queue++;
    return queued;
}

static void append(kith_pc *pc, kith_queued_event *queued)
{
    kith_list_append(&pc->events.queue, &queued->node);
    kith_endpoint_set_has_events(pc);
}

void kith_events_push(kith_pc *pc, const kith_event *ev)
{
    assert((ev->dc            ? CHANNEL_TYPES
            : ev->transceiver ? TRANSCEIVER_TYPES
                              : PC_TYPES) &
           BIT(ev->type));
    /* It says that there is a value to ask for, which will be the newest. */
    if (ev->type == KITH_EV_TARGET_BITRATE && *waiting_types(pc, ev) & BIT(ev->type))
        return;
    kith_queued_event *queued = node_for(pc, ev);
    queued->ev = *ev;
    if (ev->type == KITH_EV_ICE_CANDIDATE_ERROR)
        keep_candidate_error(queued);
    else if (ev->type == KITH_EV_DC_ERROR)
        keep_error(queued);
    append(pc, queued);
}

bool kith_events_push_candidate(kith_pc *pc, const kith_event *ev)
{
    kith_queued_event *queued = new_node(pc);
    if (!queued)
        return false;
    queued->ev = *ev;
    if (!keep_candidate(queued)) {
        release(pc, queued);
        return false;
    }
    append(pc, queued);
    return true;
}

void kith_events_push_message(kith_pc *pc, kith_dc *dc, kith_sctp_message *message, bool is_text)
{
    kith_queued_event *queued = take_spare(pc); /* kith_events_has_room made it */
    queued->message = message;
    pc->events.messages++;
    queued->ev.type = KITH_EV_DC_MESSAGE;
    queued->ev.pc = pc;
    queued->ev.dc = dc;
    queued->ev.message =
        (kith_message){.data = message->data, .len = message->len, .is_text = is_text};
    append(pc, queued);
}

static void keep_message(kith_pc *pc, kith_queued_event *queued)
{
    if (!queued || !queued->message || queued->is_left_over)
        return;
    queued->is_left_over = true;
    pc->events.left_over += kith_sctp_message_cost(queued->message);
}

void kith_events_keep_messages(kith_pc *pc)
{
    keep_message(pc, pc->events.current);
    KITH_LIST_EACH(&pc->events.queue, node)
        keep_message(pc, KITH_OWNER(node, kith_queued_event, node));
}

/* ---- audio and video ---- */

static kith_queued_event *oldest_media(const kith_receiver *receiver)
{
    kith_list_node *node = kith_list_first(&receiver->waiting);
    return node ? KITH_OWNER(node, kith_queued_event, in_receiver) : NULL;
}

static kith_time arrival_of(const kith_queued_event *queued)
{
    return queued->frame ? queued->frame->received_at : queued->packet->received_at;
}

/* With the oldest of the receiver something goes that a decoder would have needed, or heard. */
static void drop_oldest(kith_pc *pc, kith_receiver *receiver)
{
    kith_queued_event *oldest = oldest_media(receiver);
    const kith_assembled *frame = oldest->frame;
    receiver->not_taken++;
    if (frame && receiver->transceiver->kind == KITH_VIDEO) {
        receiver->lost_before = 1;
        receiver->needs_key_frame = true;
    } else if (frame) {
        receiver->lost_before += frame->lost_before + frame->samples;
    }
    drop(pc, oldest);
}

static bool is_too_much(const kith_pc *pc, const kith_receiver *receiver, kith_time now)
{
    const kith_queued_event *oldest = oldest_media(receiver);
    bool is_alone = !kith_list_next(&receiver->waiting, &oldest->in_receiver);
    return pc->events.media_bytes > MAX_ALL_MEDIA_BYTES ||
           (!is_alone && (receiver->waiting_bytes > MAX_MEDIA_BYTES ||
                          now - arrival_of(oldest) > MAX_MEDIA_AGE));
}

/* What waits first tells what went before it; pictures begin with a key frame again. */
static void settle_media(kith_pc *pc, kith_receiver *receiver, kith_time now)
{
    while (oldest_media(receiver) && is_too_much(pc, receiver, now))
        drop_oldest(pc, receiver);
    kith_queued_event *first;
    while ((first = oldest_media(receiver)) && receiver->needs_key_frame && first->frame &&
           !first->frame->is_key)
        drop_oldest(pc, receiver);
    if (!first || !first->frame)
        return;
    receiver->needs_key_frame = false;
    if (receiver->lost_before > 0 && receiver->transceiver->kind == KITH_VIDEO)
        first->frame->lost_before = 1;
    else
        first->frame->lost_before += receiver->lost_before;
    receiver->lost_before = 0;
}

/* With a node that kith_events_has_room_for_media made. */
static void push_media(kith_pc *pc, kith_transceiver *t, kith_packet *packet, kith_assembled *frame)
{
    kith_receiver *receiver = &t->receiver;
    kith_queued_event *queued = take_spare(pc);
    queued->ev = (kith_event){.type = frame ? KITH_EV_FRAME : KITH_EV_RTP,
                              .pc = pc,
                              .transceiver = t,
                              .sender = &t->sender,
                              .receiver = receiver};
    queued->packet = packet;
    queued->frame = frame;
    queued->cost = sizeof *queued + (frame ? sizeof *frame + frame->len : KITH_PACKET_BLOCK);
    receiver->waiting_bytes += queued->cost;
    pc->events.media_bytes += queued->cost;
    kith_list_append(&receiver->waiting, &queued->in_receiver);
    append(pc, queued);
    settle_media(pc, receiver, arrival_of(queued));
}

void kith_events_push_packet(kith_pc *pc, kith_transceiver *t, kith_packet *packet)
{
    push_media(pc, t, packet, NULL);
}

void kith_events_push_frame(kith_pc *pc, kith_transceiver *t, kith_assembled *frame)
{
    push_media(pc, t, NULL, frame);
}

kith_packet *kith_events_take_packet(kith_pc *pc, kith_receiver *receiver)
{
    kith_queued_event *oldest = oldest_media(receiver);
    if (!oldest || !oldest->packet)
        return NULL;
    kith_packet *packet = oldest->packet;
    kith_block_ref(packet);
    drop(pc, oldest);
    return packet;
}

static bool has_node(kith_pc *pc)
{
    if (pc->events.spare_count > held_back(pc))
        return true;
    kith_queued_event *queued = kith_alloc_zero(1, sizeof *queued);
    if (!queued) {
        pc->events.is_short_of_memory = true;
        return false;
    }
    keep_spare(pc, queued);
    return true;
}

bool kith_events_has_room(kith_pc *pc)
{
    return pc->events.messages < MAX_MESSAGES && has_node(pc);
}

bool kith_events_has_room_for_media(kith_pc *pc)
{
    return has_node(pc);
}

/* ---- forgetting and telling ---- */

void kith_events_forget_channel(kith_pc *pc, const kith_dc *dc)
{
    KITH_LIST_EACH(&pc->events.queue, node) {
        kith_queued_event *queued = KITH_OWNER(node, kith_queued_event, node);
        if (queued->ev.dc == dc)
            drop(pc, queued);
    }
}

void kith_events_forget_pc(kith_pc *pc)
{
    KITH_LIST_EACH(&pc->events.queue, node) {
        kith_queued_event *queued = KITH_OWNER(node, kith_queued_event, node);
        if (!queued->ev.dc)
            drop(pc, queued);
    }
}

const kith_event *kith_events_next(kith_pc *pc)
{
    kith_events_release(pc);
    for (kith_list_node *node; (node = kith_list_first(&pc->events.queue));) {
        kith_queued_event *queued = KITH_OWNER(node, kith_queued_event, node);
        leave_queue(pc, queued);
        if (queued->ev.type == KITH_EV_NEGOTIATION_NEEDED && !kith_jsep_negotiation_needed(pc)) {
            release(pc, queued); /* webrtc-pc section 4.7.3: it came true meanwhile */
            continue;
        }
        if (queued->ev.type == KITH_EV_DC_OPEN)
            kith_channel_announce(queued->ev.dc);
        if (queued->ev.type == KITH_EV_RTP)
            queued->ev.rtp = kith_media_describe(queued->ev.transceiver, queued->packet);
        if (queued->ev.type == KITH_EV_FRAME)
            queued->ev.frame = kith_frames_describe(queued->ev.transceiver, queued->frame);
        pc->events.current = queued;
        return &queued->ev;
    }
    return NULL;
}

const char *kith_event_name(kith_event_type type)
{
    static const char *const names[] = {
        [KITH_EV_NEGOTIATION_NEEDED] = "negotiationneeded",
        [KITH_EV_SIGNALING_STATE] = "signalingstatechange",
        [KITH_EV_ICE_GATHERING_STATE] = "icegatheringstatechange",
        [KITH_EV_ICE_CONNECTION_STATE] = "iceconnectionstatechange",
        [KITH_EV_CONNECTION_STATE] = "connectionstatechange",
        [KITH_EV_ICE_CANDIDATE] = "icecandidate",
        [KITH_EV_ICE_CANDIDATE_ERROR] = "icecandidateerror",
        [KITH_EV_DATA_CHANNEL] = "datachannel",
        [KITH_EV_DC_OPEN] = "open",
        [KITH_EV_DC_MESSAGE] = "message",
        [KITH_EV_DC_BUFFERED_AMOUNT_LOW] = "bufferedamountlow",
        [KITH_EV_WRITABLE] = "writable",
        [KITH_EV_DC_CLOSING] = "closing",
        [KITH_EV_DC_CLOSED] = "close",
        [KITH_EV_DC_ERROR] = "error",
        [KITH_EV_ICE_TRANSPORT_STATE] = "statechange",
        [KITH_EV_ICE_TRANSPORT_GATHERING_STATE] = "gatheringstatechange",
        [KITH_EV_SELECTED_CANDIDATE_PAIR] = "selectedcandidatepairchange",
        [KITH_EV_DTLS_TRANSPORT_STATE] = "statechange",
        [KITH_EV_SCTP_TRANSPORT_STATE] = "statechange",
        [KITH_EV_TRACK] = "track",
        [KITH_EV_TRACK_ENDED] = "ended",
        [KITH_EV_TRACK_MUTE] = "mute",
        [KITH_EV_TRACK_UNMUTE] = "unmute",
        [KITH_EV_RTP] = "rtp",
        [KITH_EV_FRAME] = "frame",
        [KITH_EV_SENDER_STATE] = "senderstate",
        [KITH_EV_KEY_FRAME_REQUEST] = "keyframerequest",
        [KITH_EV_TARGET_BITRATE] = "targetbitrate",
        [KITH_EV_SIGNALER_STATE] = "signalerstate",
        [KITH_EV_SIGNALER_PEER] = "signalerpeer",
        [KITH_EV_SIGNALER_LEFT] = "signalerleft",
        [KITH_EV_SIGNALER_TEXT] = "signalertext",
        [KITH_EV_SIGNALER_ERROR] = "signalererror",
    };
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "";
}
