/* What left lately, so that it can leave once more when the peer asks for it (RFC 4588): units, by
 * the number with which they left. */
#ifndef KITH_RTP_HISTORY_H
#define KITH_RTP_HISTORY_H

#include "wire/rtp_unit.h"

/* Numbers of one stream that are looked back to. */
#define KITH_RTP_MAX_KEPT 4096
/* Of one stream: what is asked for and has not left yet. */
#define KITH_RTP_MAX_WANTED 1024

typedef struct kith_rtp_sent {
    /* false: the rest means nothing */
    bool is_kept;
    /* It waits to be sent again. A request for it may have crossed it on its way: it was sent
     * again, or left behind a higher number. */
    bool is_wanted, may_cross;
    /* it is to be sent again twice */
    bool is_urgent;
    int64_t number;
    uint32_t timestamp;
    /* when it left first, and last */
    kith_time left_at, sent_at;
    kith_rtp_unit unit;
} kith_rtp_sent;

/* Of all streams of a session. */
typedef struct kith_rtp_kept {
    size_t count, bytes, wanted;
} kith_rtp_kept;

typedef struct kith_rtp_history {
    kith_rtp_kept *total;
    /* by number; a power of two, up to KITH_RTP_MAX_KEPT */
    kith_rtp_sent *items;
    size_t cap;
    /* the lowest number that there is a place for, and the one above the highest that left */
    int64_t first, end;
    /* what is wanted, in the order in which it was asked for */
    uint16_t wanted[KITH_RTP_MAX_WANTED];
    size_t wanted_head, wanted_count;
} kith_rtp_history;

void kith_rtp_history_init(kith_rtp_history *h, kith_rtp_kept *total);
void kith_rtp_history_deinit(kith_rtp_history *h);
/* Keeps the unit, which gets a reference more; without memory it does not. */
void kith_rtp_history_keep(kith_rtp_history *h, kith_time now, const kith_rtp_unit *unit,
                           int64_t number, uint32_t timestamp);
/* Forgets what left before `time`, as far as nothing later lies before it. */
void kith_rtp_history_forget(kith_rtp_history *h, kith_time time);
/* Forgets the oldest. */
void kith_rtp_history_forget_first(kith_rtp_history *h);
/* NULL: it is not kept. */
kith_rtp_sent *kith_rtp_history_find(const kith_rtp_history *h, uint16_t number);
/* False: too much is wanted already. */
bool kith_rtp_history_want(kith_rtp_history *h, kith_rtp_sent *sent);
/* The next that is wanted, and no longer is; NULL: none. */
kith_rtp_sent *kith_rtp_history_next(kith_rtp_history *h);

#endif
