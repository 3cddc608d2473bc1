/* The queue of what the application shall know. Nodes are used again; texts of candidates and
 * errors are copied behind their event. */
#include "pc/events.h"

#include <string.h>

#include "base/memory.h"
#include "pc/channel.h"
#include "pc/endpoint.h"
#include "pc/pc.h"

/* Nodes kept for use again, so that a busy channel allocates nothing. */
#define MAX_SPARE 64
/* Messages that may wait to be asked for: receive_buffer counts bytes, and messages without bytes
 * cost memory too. */
#define MAX_MESSAGES 4096

typedef struct kith_queued_event {
    kith_list_node node;
    kith_event ev;
    /* DC_MESSAGE: goes back to SCTP */
    kith_sctp_message *message;
    /* what ev's strings or its error point into */
    void *memory;
} kith_queued_event;

void kith_events_init(kith_pc *pc)
{
    kith_list_init(&pc->events.queue);
    kith_list_init(&pc->events.spare);
}

static kith_queued_event *new_node(kith_pc *pc)
{
    kith_list_node *node = kith_list_take(&pc->events.spare);
    if (!node)
        return kith_alloc_zero(1, sizeof(kith_queued_event));
    pc->events.spare_count--;
    kith_queued_event *queued = KITH_OWNER(node, kith_queued_event, node);
    memset(queued, 0, sizeof *queued);
    return queued;
}

static void drop(kith_pc *pc, kith_queued_event *queued)
{
    kith_list_remove(&queued->node);
    if (queued->message) {
        pc->events.messages--;
        kith_sctp_release(pc->channels.transport->sctp, queued->message);
        kith_endpoint_set_ready(pc); /* more may wait behind it for room */
    }
    kith_free(queued->memory);
    if (pc->events.spare_count >= MAX_SPARE) {
        kith_free(queued);
        return;
    }
    kith_list_append(&pc->events.spare, &queued->node);
    pc->events.spare_count++;
}

void kith_events_release(kith_pc *pc)
{
    kith_queued_event *current = pc->events.current;
    pc->events.current = NULL;
    if (current)
        drop(pc, current);
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
    for (kith_list_node *node; (node = kith_list_take(&pc->events.spare));)
        kith_free(KITH_OWNER(node, kith_queued_event, node));
    pc->events.spare_count = 0;
}

/* Moves `count` borrowed texts into one block behind the event. */
static bool keep_texts(kith_queued_event *queued, const char **const texts[], size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
    if (size == 0)
        return true;
    char *at = queued->memory = kith_alloc(size);
    if (!at)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!*texts[i])
            continue;
        size_t len = strlen(*texts[i]) + 1;
        memcpy(at, *texts[i], len);
        *texts[i] = at;
        at += len;
    }
    return true;
}

static bool copy_event(kith_queued_event *queued, const kith_event *ev)
{
    queued->ev = *ev;
    if (ev->type == KITH_EV_ICE_CANDIDATE) {
        kith_ice_candidate *c = &queued->ev.ice_candidate;
        const char **const texts[] = {&c->candidate, &c->sdp_mid, &c->username_fragment};
        return keep_texts(queued, texts, 3);
    }
    if (ev->type == KITH_EV_ICE_CANDIDATE_ERROR) {
        kith_ice_candidate_error *e = &queued->ev.ice_candidate_error;
        const char **const texts[] = {&e->address, &e->url, &e->error_text};
        return keep_texts(queued, texts, 3);
    }
    if (ev->type == KITH_EV_DC_ERROR) {
        kith_error *error = queued->memory = kith_alloc(sizeof *error);
        if (!error)
            return false;
        *error = *ev->error;
        queued->ev.error = error;
    }
    return true;
}

static void append(kith_pc *pc, kith_queued_event *queued)
{
    kith_list_append(&pc->events.queue, &queued->node);
    kith_endpoint_set_has_events(pc);
}

void kith_events_push(kith_pc *pc, const kith_event *ev)
{
    kith_queued_event *queued = new_node(pc);
    if (queued && copy_event(queued, ev)) {
        append(pc, queued);
        return;
    }
    kith_free(queued);
    KITH_LOG(&pc->log, ERROR, "out of memory: the event %s is lost", kith_event_name(ev->type));
}

void kith_events_push_message(kith_pc *pc, kith_dc *dc, kith_sctp_message *message, bool is_text)
{
    kith_queued_event *queued = new_node(pc);
    if (!queued) {
        kith_sctp_release(pc->channels.transport->sctp, message);
        KITH_LOG(&pc->log, ERROR, "out of memory: a message is lost");
        return;
    }
    queued->message = message;
    pc->events.messages++;
    queued->ev.type = KITH_EV_DC_MESSAGE;
    queued->ev.pc = pc;
    queued->ev.dc = dc;
    queued->ev.message =
        (kith_message){.data = message->data, .len = message->len, .is_text = is_text};
    append(pc, queued);
}

bool kith_events_full(const kith_pc *pc)
{
    return pc->events.messages >= MAX_MESSAGES;
}

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
    for (kith_list_node *node; (node = kith_list_take(&pc->events.queue));) {
        kith_queued_event *queued = KITH_OWNER(node, kith_queued_event, node);
        if (queued->ev.type == KITH_EV_NEGOTIATION_NEEDED && !kith_jsep_negotiation_needed(pc)) {
            drop(pc, queued); /* webrtc-pc section 4.7.3: it came true meanwhile */
            continue;
        }
        if (queued->ev.type == KITH_EV_DC_OPEN)
            kith_channel_announce(queued->ev.dc);
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
        [KITH_EV_DC_WRITABLE] = "writable",
        [KITH_EV_DC_CLOSING] = "closing",
        [KITH_EV_DC_CLOSED] = "close",
        [KITH_EV_DC_ERROR] = "error",
    };
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "";
}
