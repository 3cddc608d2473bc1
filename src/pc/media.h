/* The packets of audio and video of one transport: for srtp and rtp what channels.c is for sctp. */
#ifndef KITH_PC_MEDIA_H
#define KITH_PC_MEDIA_H

#include "base/block.h"
#include "base/ring.h"
#include "pc/transceivers.h"
#include "srtp/srtp.h"

struct kith_transport;

typedef struct kith_media {
    kith_rtp_session *rtp;
    /* NULL before DTLS is connected, or where it has agreed on no profile */
    kith_srtp_session *srtp;
    /* there was no memory for it: to be tried again */
    bool is_short_of_memory;
    /* of received packets, and of payloads that are sent */
    kith_block_pool *pool;
    /* packets that came before the keys */
    kith_ring early;
    /* received packets for which there was no block, and packets that could not be encrypted */
    uint64_t no_block, unprotected;
} kith_media;

/* The transport has its engines afterwards, and their keys if DTLS is connected. */
KITH_MUST_CHECK kith_err kith_media_begin(struct kith_transport *t);
void kith_media_free(kith_media *media);

/* ---- for jsep: media_sections.c ---- */

/* What both descriptions agree on: engines, streams and tables, everything that can fail. */
KITH_MUST_CHECK kith_err kith_media_prepare(kith_pc *pc, const struct kith_description *local,
                                            const struct kith_description *remote);
/* An offer of ours is set, NULL: is taken back: packets of its new sections may come before the
 * answer. */
KITH_MUST_CHECK kith_err kith_media_expect(kith_pc *pc, const struct kith_description *offer);
/* It is applied: what a section says of its transceiver's streams. */
void kith_media_take(kith_transceiver *t, const kith_sdp_media *ours, const kith_sdp_media *theirs);
/* Nothing is sent until another negotiation: BYE, as browsers do. */
void kith_media_pause_sender(kith_sender *sender);
/* The sender has sent for the last time: BYE. */
void kith_media_remove_sender(kith_sender *sender);
/* Those that rtp has now: one that the peer has too was changed (RFC 3550 section 8.2). */
void kith_sender_take_ssrcs(kith_sender *sender);

/* Puts it into a packet that is to be sent, as the peer can bear it. */
void kith_media_set_playout_delay(kith_rtp_unit *unit, const kith_pc *pc,
                                  const kith_rtp_playout_delay *delay);

/* ---- for the pump ---- */

/* DTLS is connected, for the first time or anew. */
void kith_media_keys(struct kith_transport *t, kith_time now);
/* Its association was replaced: what comes is somebody else's, and waits for their keys. */
void kith_media_forget_keys(struct kith_transport *t);
void kith_media_input(struct kith_transport *t, kith_time now, kith_span packet);
/* Takes up what rtp wants known. */
void kith_media_settle(struct kith_transport *t, kith_time now);
/* The next packet, encrypted; 0: none. */
size_t kith_media_output(struct kith_transport *t, kith_time now, uint8_t *buf, size_t cap);
/* `may_leave`: there is a path, and it takes packets. */
kith_time kith_media_deadline(const struct kith_transport *t, bool may_leave);
void kith_media_tick(struct kith_transport *t, kith_time now);

/* When what has this timestamp was captured. False: before the first sender report, or the report
 * cannot be true; then it was when it came. */
bool kith_media_find_capture(const kith_pc *pc, uint32_t ssrc, uint32_t rtp_timestamp,
                             kith_time received_at, kith_rtp_captured *out);

/* The receiver's packets that were not told yet become frames. */
void kith_media_assemble_waiting(kith_receiver *receiver);

/* ---- for events.c ---- */

/* A packet as the application sees it, until the next is described. */
const kith_rtp *kith_media_describe(kith_transceiver *t, const kith_packet *packet);

#endif
