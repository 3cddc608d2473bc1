/* Two small stores for what is looked up only when an SSRC is new: SSRCs, and the indices of SSRCs
 * that are gone. Their order is that of their age. */
#ifndef KITH_SRTP_REMEMBER_H
#define KITH_SRTP_REMEMBER_H

#include "kith/base.h"

/* A set of SSRCs; zeroed, it is empty. */
typedef struct kith_srtp_ssrcs {
    uint32_t *all;
    size_t count, cap;
} kith_srtp_ssrcs;

bool kith_srtp_ssrcs_have(const kith_srtp_ssrcs *set, uint32_t ssrc);
/* RANGE: it has `limit` others. */
KITH_MUST_CHECK kith_err kith_srtp_ssrcs_add(kith_srtp_ssrcs *set, uint32_t ssrc, size_t limit);
/* Makes room for so many more, whose add then cannot fail. RANGE: they would be above the limit. */
KITH_MUST_CHECK kith_err kith_srtp_ssrcs_reserve(kith_srtp_ssrcs *set, size_t count, size_t limit);
void kith_srtp_ssrcs_remove(kith_srtp_ssrcs *set, uint32_t ssrc);
void kith_srtp_ssrcs_deinit(kith_srtp_ssrcs *set);

/* How far an SSRC came: the highest verified index of RTP (48 bits, RFC 3711 section 3.3.1) and of
 * RTCP, plus 1; 0: none. */
typedef struct kith_srtp_reached {
    uint32_t ssrc;
    uint32_t rtcp_next;
    uint64_t rtp_next;
} kith_srtp_reached;

/* The last KITH_SRTP_REMEMBERED of them; zeroed, it is empty. */
typedef struct kith_srtp_remembered {
    kith_srtp_reached *all;
    size_t count, cap;
    /* the one that the next takes the place of, when it is full */
    size_t oldest;
} kith_srtp_remembered;

#define KITH_SRTP_REMEMBERED 1024

/* Makes room, so that the next put of a new SSRC needs none. */
KITH_MUST_CHECK bool kith_srtp_remembered_reserve(kith_srtp_remembered *store);
/* There must be room. What it knew of the SSRC is replaced. */
void kith_srtp_remembered_put(kith_srtp_remembered *store, kith_srtp_reached reached);
/* NULL: nothing is known. */
const kith_srtp_reached *kith_srtp_remembered_find(const kith_srtp_remembered *store,
                                                   uint32_t ssrc);
void kith_srtp_remembered_deinit(kith_srtp_remembered *store);

#endif
