/* The queue of what the application shall know, in order, one per peer connection.
 *
 * No event is lost for want of memory. What is told once has its node from the time when whatever
 * tells it was made, which could still fail: kith_events_reserve. A second one of the same type
 * about the same object, told while the first still waits, needs memory; without it the first gives
 * way to it: a state's newest value counts. Messages stay in SCTP and candidates in ICE until there
 * is room (kith_events_has_room). */
#ifndef KITH_PC_EVENTS_H
#define KITH_PC_EVENTS_H

#include "base/list.h"
#include "kith/event.h"
#include "media/media.h"
#include "sctp/sctp.h"

typedef struct kith_events {
    /* of struct queued */
    kith_list queue;
    /* the one that is borrowed */
    struct kith_queued_event *current;
    /* nodes to use again */
    kith_list spare;
    unsigned spare_count;
    /* nodes that were promised, and those of them in the queue */
    unsigned reserved, reserved_in_queue;
    /* types about pc (a bit each) whose promised node is in the queue */
    uint32_t waiting;
    /* in the queue */
    unsigned messages;
    /* what packets and frames in the queue cost, bytes */
    size_t media_bytes;
    /* what those of associations that are gone cost, bytes */
    size_t left_over;
    /* something waits below for memory: it is tried again soon */
    bool is_short_of_memory;
} kith_events;

KITH_MUST_CHECK kith_err kith_events_init(kith_pc *pc);
void kith_events_deinit(kith_pc *pc);
/* Promises a node for each type of event that a channel tells; kith_events_unreserve_channel takes
 * it back. */
KITH_MUST_CHECK kith_err kith_events_reserve_channel(kith_pc *pc);
void kith_events_unreserve_channel(kith_pc *pc);
/* The same for a transceiver. */
KITH_MUST_CHECK kith_err kith_events_reserve_transceiver(kith_pc *pc);
void kith_events_unreserve_transceiver(kith_pc *pc);
/* Queues a copy of ev, anything but a message, a packet or a candidate; its strings are copied. */
void kith_events_push(kith_pc *pc, const kith_event *ev);
/* The same for a candidate. False: out of memory; tell it later. */
KITH_MUST_CHECK bool kith_events_push_candidate(kith_pc *pc, const kith_event *ev);
/* Queues a message, for which there was room; it goes back to SCTP after it was told. */
void kith_events_push_message(kith_pc *pc, kith_dc *dc, kith_sctp_message *message, bool is_text);
/* The association whose messages wait is freed next; they will be told all the same. */
void kith_events_keep_messages(kith_pc *pc);
/* Is there room for a message? If not (the application does not ask, or memory is short), what more
 * there is stays in SCTP, which slows the peer down. */
bool kith_events_has_room(kith_pc *pc);
/* Queues an RTP packet with its reference, for which there was room. The oldest of its receiver go
 * where too many wait, or for too long. */
void kith_events_push_packet(kith_pc *pc, kith_transceiver *t, kith_packet *packet);
/* The same for a frame. Where one of video went, all go up to the next key frame: there is none
 * while kith_receiver.needs_key_frame. */
void kith_events_push_frame(kith_pc *pc, kith_transceiver *t, kith_assembled *frame);
/* If not, memory is short. */
bool kith_events_has_room_for_media(kith_pc *pc);
/* Takes the oldest packet out of the queue that waits there and was not told, with its reference;
 * NULL: none. */
kith_packet *kith_events_take_packet(kith_pc *pc, kith_receiver *receiver);
/* Drops what is queued about a channel that its owner freed. */
void kith_events_forget_channel(kith_pc *pc, const kith_dc *dc);
/* Drops all that may no longer be told after kith_pc_close: everything but channel events. */
void kith_events_forget_pc(kith_pc *pc);
void kith_events_forget_all(kith_pc *pc);
/* The next event, borrowed until the next call; NULL: none. */
const kith_event *kith_events_next(kith_pc *pc);
/* The borrowed event is not looked at any more. */
void kith_events_release(kith_pc *pc);
/* Gives back the nodes that a burst of packets left behind. */
void kith_events_trim(kith_pc *pc);

#endif
