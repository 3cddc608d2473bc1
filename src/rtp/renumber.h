/* The numbers and timestamps of a stream that we send: from its source's to our own. */
#ifndef KITH_RTP_RENUMBER_H
#define KITH_RTP_RENUMBER_H

#include "wire/rtp_unit.h"

/* Of a numbered source what is in these bounds of its highest number keeps its place. */
#define KITH_RTP_MAX_REORDER 512
#define KITH_RTP_MAX_GAP     3000

typedef struct kith_rtp_numbers {
    bool is_started;
    /* our highest number, and our number for the source's first: nothing below it is the source's
     */
    int64_t last, first;
    /* of the source */
    bool is_numbered;
    uint32_t source_ssrc;
    int64_t source_last;
    /* ours - the source's */
    int64_t offset;
    uint32_t timestamp_offset;
    /* of the packet with the highest number */
    uint32_t last_timestamp;
    kith_time last_at;
    /* of the source: the last that was dropped, and how many before it followed one another */
    int64_t dropped_last;
    unsigned drops_in_row;
    /* which of the last KITH_RTP_MAX_REORDER numbers left */
    uint64_t sent[KITH_RTP_MAX_REORDER / 64];
    /* what the source sends next goes on at the last + 1, whatever it skipped */
    bool closes_gap;
} kith_rtp_numbers;

typedef enum kith_rtp_place_in_order {
    KITH_RTP_IN_ORDER,
    /* not the highest */
    KITH_RTP_REORDERED,
    /* to be dropped: the number left already */
    KITH_RTP_DOUBLED,
    /* to be dropped: it is before the first, or more than KITH_RTP_MAX_REORDER late */
    KITH_RTP_TOO_LATE,
} kith_rtp_place_in_order;

/* The number and timestamp of a unit that leaves now. */
kith_rtp_place_in_order kith_rtp_number(kith_rtp_numbers *n, kith_time now, uint32_t clock_rate,
                                        const kith_rtp_unit *unit, int64_t *number,
                                        uint32_t *timestamp);
/* A number between those of the source, for a packet of our own; a number has left. */
int64_t kith_rtp_number_own(kith_rtp_numbers *n);
/* Packets of the source were dropped that nobody will miss: what it sends next leaves no hole. */
void kith_rtp_close_gap(kith_rtp_numbers *n);
/* Did this number leave not long ago? */
bool kith_rtp_has_sent(const kith_rtp_numbers *n, uint16_t number);

#endif
