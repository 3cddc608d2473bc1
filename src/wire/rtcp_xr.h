/* RTCP extended reports (RFC 3611): the two blocks by which who sends nothing learns the round
 * trip, receiver reference time and DLRR (sections 4.4 and 4.5). Other blocks are for the reader to
 * skip.
 */
#ifndef KITH_WIRE_RTCP_XR_H
#define KITH_WIRE_RTCP_XR_H

#include "wire/rtcp.h"

typedef enum kith_rtcp_xr_type {
    KITH_RTCP_XR_RRTR = 4,
    KITH_RTCP_XR_DLRR = 5,
} kith_rtcp_xr_type;

/* What they take in a compound: a packet with one block, and each entry of a DLRR block. */
#define KITH_RTCP_XR_RRTR_LEN  20
#define KITH_RTCP_XR_DLRR_LEN  12
#define KITH_RTCP_XR_ENTRY_LEN 12

typedef struct kith_rtcp_xr_block {
    /* kith_rtcp_xr_type, or an unknown one */
    uint8_t type;
    kith_span content;
} kith_rtcp_xr_block;

/* False: no XR packet, or shorter than its SSRC. */
KITH_MUST_CHECK bool kith_rtcp_parse_xr(const kith_rtcp_packet *p, uint32_t *ssrc,
                                        kith_reader *blocks);
/* False at the end, or where a block is longer than what is left (`blocks->bad`). */
KITH_MUST_CHECK bool kith_rtcp_next_xr(kith_reader *blocks, kith_rtcp_xr_block *out);

/* Of a block of type RRTR. False: it is not of its length. */
KITH_MUST_CHECK bool kith_rtcp_read_rrtr(const kith_rtcp_xr_block *block, uint64_t *ntp);

typedef struct kith_rtcp_dlrr {
    /* of the receiver whose reference time it was */
    uint32_t ssrc;
    /* the middle of its NTP time; 0: none came */
    uint32_t last_rr;
    /* of 1/65536 s */
    uint32_t delay_since_last_rr;
} kith_rtcp_dlrr;

/* Takes the next entry of a block of type DLRR off its content; a piece of one is none. */
bool kith_rtcp_next_dlrr(kith_span *content, kith_rtcp_dlrr *out);

void kith_rtcp_write_rrtr(kith_writer *w, uint32_t ssrc, uint64_t ntp);
void kith_rtcp_write_dlrr(kith_writer *w, uint32_t ssrc, const kith_rtcp_dlrr *entries,
                          size_t count);

#endif
