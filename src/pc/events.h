/* The queue of what the application shall know, in order, one per peer connection. */
#ifndef KITH_PC_EVENTS_H
#define KITH_PC_EVENTS_H

#include "base/list.h"
#include "kith/event.h"
#include "sctp/sctp.h"

typedef struct kith_events {
    /* of struct queued */
    kith_list queue;
    /* the one that is borrowed */
    struct kith_queued_event *current;
    /* nodes to use again */
    kith_list spare;
    unsigned spare_count;
    /* in the queue */
    unsigned messages;
} kith_events;

void kith_events_init(kith_pc *pc);
void kith_events_deinit(kith_pc *pc);
/* Queues a copy of ev; its strings are copied. */
void kith_events_push(kith_pc *pc, const kith_event *ev);
/* Queues a message; it goes back to SCTP after it was told. */
void kith_events_push_message(kith_pc *pc, kith_dc *dc, kith_sctp_message *message, bool is_text);
/* The application does not ask: what more there is stays in SCTP, which slows the peer down. */
bool kith_events_full(const kith_pc *pc);
/* Drops what is queued about a channel that its owner freed. */
void kith_events_forget_channel(kith_pc *pc, const kith_dc *dc);
/* Drops all that may no longer be told after kith_pc_close: everything but channel events. */
void kith_events_forget_pc(kith_pc *pc);
void kith_events_forget_all(kith_pc *pc);
/* The next event, borrowed until the next call; NULL: none. */
const kith_event *kith_events_next(kith_pc *pc);
/* The borrowed event is not looked at any more. */
void kith_events_release(kith_pc *pc);

#endif
