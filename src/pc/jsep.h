/* Offer and answer of one peer connection (RFC 9429, webrtc-pc section 4.4). */
#ifndef KITH_PC_JSEP_H
#define KITH_PC_JSEP_H

#include "kith/pc.h"
#include "wire/candidate.h"
#include "wire/sdp.h"

typedef struct kith_jsep {
    kith_signaling_state signaling_state;
    bool negotiation_needed;
} kith_jsep;

KITH_MUST_CHECK kith_err kith_jsep_init(kith_pc *pc);
void kith_jsep_deinit(kith_pc *pc);
/* kith_pc_close: the signalling state becomes closed, without an event (webrtc-pc section 4.4.1.6). */
void kith_jsep_close(kith_pc *pc);

/* The pump found a local candidate: it goes into the local description and is told to the application. */
void kith_jsep_local_candidate(kith_pc *pc, const kith_candidate *candidate);
/* Gathering ended: a=end-of-candidates, and the empty candidate is told. */
void kith_jsep_local_end(kith_pc *pc);
/* Something changed that may need negotiation (webrtc-pc section 4.7.3 "update the negotiation-needed flag"). */
void kith_jsep_update_negotiation_needed(kith_pc *pc);
/* Is a queued negotiationneeded event still true when the application gets to see it? */
bool kith_jsep_negotiation_needed(const kith_pc *pc);

#endif
