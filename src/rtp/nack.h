/* What a stream misses, and when to ask for it (RFC 4585 section 6.2.1). */
#ifndef KITH_RTP_NACK_H
#define KITH_RTP_NACK_H

#include "kith/base.h"

/* Above this nothing is asked for but a key frame. */
#define KITH_RTP_MAX_MISSING 1000
/* What is older is late for SRTP's replay window. */
#define KITH_RTP_NACK_SEEN 1024

typedef struct kith_rtp_missing {
    int64_t number;
    kith_time noticed_at, ask_at;
    unsigned times;
} kith_rtp_missing;

typedef struct kith_rtp_nack {
    bool is_started;
    /* of all that came, repaired or not */
    int64_t highest;
    /* which of the last KITH_RTP_NACK_SEEN numbers came: what was asked for may come twice */
    uint64_t seen[KITH_RTP_NACK_SEEN / 64];
    /* in the order of numbers */
    kith_rtp_missing *list;
    size_t count, cap;
    /* nothing is to be asked for before; KITH_NEVER: nothing at all */
    kith_time next_at;
    /* How long what is missing may only be late: 19 of 20 that were came within it. */
    kith_time reordering;
} kith_rtp_nack;

void kith_rtp_nack_deinit(kith_rtp_nack *nack);
/* Did it come already, by itself or sent again? */
bool kith_rtp_nack_has(const kith_rtp_nack *nack, int64_t number);
/* A packet came, with `begins` as the first of its stream. False: so much is missing that none of
 * it is asked for. */
bool kith_rtp_nack_came(kith_rtp_nack *nack, kith_time now, int64_t number, bool begins);
/* A packet came that was sent again. False: it was not missing. */
bool kith_rtp_nack_repaired(kith_rtp_nack *nack, int64_t number);
/* Nothing before `number` is of use any more. */
void kith_rtp_nack_skip(kith_rtp_nack *nack, int64_t number);
/* The numbers that are to be asked for now, at most `max`, which count as asked for; rtt 0:
 * unknown. */
size_t kith_rtp_nack_take(kith_rtp_nack *nack, kith_time now, kith_time rtt, uint16_t *numbers,
                          size_t max);

#endif
