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
    kith_time noticed_at, asked_at, ask_at;
    unsigned times;
    /* it was asked for, and is once more for the same answer */
    bool is_second_due;
    /* nothing behind it came: it need not have been sent yet */
    bool is_guess;
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
    /* Of the highest: it does not end its frame; when it came, and when the next one is overdue;
     * KITH_NEVER: there is none, or it is asked for. */
    bool is_frame_open;
    kith_time came_at, overdue_at;
    /* 19 of 20 packets come within it after the one before in their frame */
    kith_time spacing;
} kith_rtp_nack;

void kith_rtp_nack_init(kith_rtp_nack *nack);
void kith_rtp_nack_deinit(kith_rtp_nack *nack);
/* Did it come already, by itself or sent again? */
bool kith_rtp_nack_has(const kith_rtp_nack *nack, int64_t number);
typedef struct kith_rtp_came {
    int64_t number;
    /* the first of its stream; the last of its frame */
    bool begins_stream, ends_frame;
} kith_rtp_came;

/* A packet came. False: so much is missing that none of it is asked for. */
bool kith_rtp_nack_came(kith_rtp_nack *nack, kith_time now, const kith_rtp_came *came);
/* A packet came that was sent again. False: it was not missing. */
bool kith_rtp_nack_repaired(kith_rtp_nack *nack, kith_time now, const kith_rtp_came *came);
/* Nothing before `number` is of use any more. */
void kith_rtp_nack_skip(kith_rtp_nack *nack, int64_t number);
/* When something is to be asked for; KITH_NEVER: nothing is missing. */
kith_time kith_rtp_nack_at(const kith_rtp_nack *nack);
typedef struct kith_rtp_asked {
    /* 0: unknown */
    kith_time rtt;
    /* RTCP's part of the rate has room for requests that may be needless */
    bool may_double;
} kith_rtp_asked;

/* The numbers that are to be asked for now, at most `max`, which count as asked for. */
size_t kith_rtp_nack_take(kith_rtp_nack *nack, kith_time now, const kith_rtp_asked *how,
                          uint16_t *numbers, size_t max);

#endif
