/* The inside of a kith_srtp_session and what the files of this room say to each other; nobody else
 * includes it. */
#ifndef KITH_SRTP_SESSION_H
#define KITH_SRTP_SESSION_H

#include <srtp2/srtp.h>

#include "base/list.h"
#include "base/map.h"
#include "srtp/remember.h"
#include "srtp/srtp.h"

/* ---- library.c ---- */

/* libsrtp2 is initialised; false: it could not be, for want of memory. */
bool kith_srtp_library_ready(void);

/* ---- profile.c ---- */

typedef struct kith_srtp_profile {
    uint16_t id;
    srtp_profile_t libsrtp;
    size_t key_len, salt_len;
    /* of the tag, which in SRTCP stands before E bit and index or behind them */
    size_t tag_len;
    bool tag_is_last;
} kith_srtp_profile;

/* NULL: none of ours. */
const kith_srtp_profile *kith_srtp_profile_of(uint16_t id);

/* What libsrtp2 makes streams from. */
typedef struct kith_srtp_material {
    const kith_srtp_profile *profile;
    /* master key, then master salt */
    uint8_t key[32 + 14];
} kith_srtp_material;

/* The policy of all SSRCs (ssrc_any_inbound, ssrc_any_outbound) or of one (ssrc_specific); points
 * into `material`. */
srtp_policy_t kith_srtp_policy(kith_srtp_material *material, srtp_ssrc_type_t type, uint32_t ssrc);
/* Of the DTLS client or of the server; the caller wipes it. */
void kith_srtp_material_init(kith_srtp_material *material, const kith_srtp_config *config,
                             bool of_client);
/* What a failure of libsrtp2's means to the caller of ours. */
kith_err kith_srtp_fail(srtp_err_status_t status);
void kith_srtp_remove_stream(srtp_t libsrtp, uint32_t ssrc);

/* ---- receive.c ---- */

/* An SSRC that was heard; libsrtp2 has a stream of it. */
typedef struct kith_srtp_stream {
    /* key: `reached.ssrc` */
    kith_map_node node;
    /* in `by_use` */
    kith_list_node use;
    bool owned;
    kith_srtp_reached reached;
    /* What was reached when it was forgotten, and comes back now: nothing below it is taken. */
    uint64_t rtp_floor;
    uint32_t rtcp_floor;
    /* packets in a row that were none of the present rollover */
    uint32_t failures;
} kith_srtp_stream;

/* An SSRC of which no RTP packet was verified, though some came. */
typedef struct kith_srtp_suspect {
    uint32_t ssrc, failures;
} kith_srtp_suspect;

#define KITH_SRTP_SUSPECTS 16

/* To receive with. */
typedef struct kith_srtp_inbound {
    kith_srtp_material material;
    srtp_t libsrtp;
    /* of kith_srtp_stream; `by_use`: the longest unused first */
    kith_map streams;
    kith_list by_use;
    /* the last that was looked up; NULL: none */
    kith_srtp_stream *recent;
    /* the next stream, so that nothing can fail after a packet was verified */
    kith_srtp_stream *spare;
    /* of SSRCs that had to go */
    kith_srtp_remembered gone;
    kith_srtp_suspect suspects[KITH_SRTP_SUSPECTS];
    size_t next_suspect;
    /* Packets for which a stream may be made before they are verified. */
    unsigned trials;
    /* SSRCs that are kept, of the session */
    const kith_srtp_ssrcs *owned;
} kith_srtp_inbound;

/* `owned` is borrowed. */
KITH_MUST_CHECK kith_err kith_srtp_inbound_new(kith_srtp_inbound **out,
                                               const kith_srtp_material *material,
                                               const kith_srtp_ssrcs *owned);
void kith_srtp_inbound_free(kith_srtp_inbound *in);
/* Without memory it stays until its room is needed. */
void kith_srtp_inbound_forget(kith_srtp_inbound *in, uint32_t ssrc);
void kith_srtp_inbound_own(kith_srtp_inbound *in, uint32_t ssrc, bool owned);

/* ---- session.c ---- */

struct kith_srtp_session {
    /* to send with */
    const kith_srtp_profile *profile;
    srtp_t outbound;
    size_t outbound_count;
    kith_srtp_ssrcs retired;

    kith_srtp_inbound *inbound;
    kith_srtp_ssrcs owned;
    kith_srtp_counters counters;
};

#endif
