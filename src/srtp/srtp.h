/* One SRTP session, both directions (RFC 3711, 7714, 5764), with the keys of one DTLS association:
 * encrypts RTP and RTCP in place, and decrypts what comes, dropping what is forged, changed or
 * repeated.
 *
 * It knows SSRCs, sequence numbers and keys, nothing of what streams are for; it has no queue and
 * keeps no packet. What it remembers of each SSRC (how often its sequence numbers have wrapped,
 * what of it came) cannot be learnt again from packets, so the owner of the streams says which
 * SSRCs it must not forget (kith_srtp_own). */
#ifndef KITH_SRTP_SRTP_H
#define KITH_SRTP_SRTP_H

#include "crypto/srtp_keys.h"

typedef struct kith_srtp_session kith_srtp_session;

/* "DTLS-SRTP Protection Profiles", IANA (RFC 5764 section 4.1.2, RFC 7714 section 14.2). */
#define KITH_SRTP_AES128_CM_HMAC_SHA1_80 0x0001
#define KITH_SRTP_AEAD_AES_128_GCM       0x0007
#define KITH_SRTP_AEAD_AES_256_GCM       0x0008

/* Bytes that protection adds at most: a tag of 16 and, for RTCP, E bit and index (RFC 7714 sections
 * 13.2 and 9.2). */
#define KITH_SRTP_RTP_OVERHEAD  16
#define KITH_SRTP_RTCP_OVERHEAD 20

/* SSRCs in each direction, RTCP's and RTP's together. */
#define KITH_SRTP_MAX_SSRCS 256
/* SSRCs that were sent with in the life of a session. */
#define KITH_SRTP_MAX_RETIRED 16384
/* Sequence numbers behind the highest at which a packet is still taken (RFC 3711 section 3.3.2 asks
 * for 64). */
#define KITH_SRTP_REPLAY_WINDOW 1024

typedef struct kith_srtp_config {
    /* one of the three above */
    uint16_t profile;
    /* of that profile; copied, the caller wipes its own */
    const kith_srtp_keys *keys;
    /* our role in the DTLS handshake: whose keys are ours to send with */
    bool is_client;
} kith_srtp_config;

/* NOT_SUPPORTED: a profile that is none of the three, or unknown to the system's libsrtp2. TYPE:
 * the keys are of another length than the profile's. */
KITH_MUST_CHECK kith_err kith_srtp_new(kith_srtp_session **out, const kith_srtp_config *config);
void kith_srtp_free(kith_srtp_session *session);

/* Encrypts one packet where it is, at any alignment; *len grows by the overhead. Each call is for
 * another index: a sequence number that was protected before, or that lies outside the replay
 * window, is INVALID_STATE, and so is an SSRC that was retired (RFC 7714 section 8.4: a second
 * packet of an index gives the key away). TYPE: no RTP packet. RANGE: cap is below *len and the
 * overhead, or there are KITH_SRTP_MAX_SSRCS others, or KITH_SRTP_MAX_RETIRED were retired. The
 * packet is unchanged on failure. */
KITH_MUST_CHECK kith_err kith_srtp_protect_rtp(kith_srtp_session *session, uint8_t *packet,
                                               size_t *len, size_t cap);
/* The same for a compound or reduced-size RTCP packet; INVALID_STATE after 2^31 packets of one SSRC
 * (RFC 3711 section 9.2). */
KITH_MUST_CHECK kith_err kith_srtp_protect_rtcp(kith_srtp_session *session, uint8_t *packet,
                                                size_t *len, size_t cap);

/* Decrypts one packet where it is, at any alignment, and gives the length of the plain one; 0: it
 * was dropped and counted, and its bytes may be anything. */
size_t kith_srtp_unprotect_rtp(kith_srtp_session *session, uint8_t *packet, size_t len);
size_t kith_srtp_unprotect_rtcp(kith_srtp_session *session, uint8_t *packet, size_t len);

/* A received SSRC that a live section has (signalled, or bound by MID, RID, RRID or FID): it is
 * kept while others go, however long it is silent. RANGE: KITH_SRTP_MAX_SSRCS are owned. Twice is
 * as good as once. When there is no room, what is owned by nobody and was longest unused goes
 * first, then what is owned and was longest unused; the indices of what went are remembered for
 * the last 1024. */
KITH_MUST_CHECK kith_err kith_srtp_own(kith_srtp_session *session, uint32_t ssrc);
void kith_srtp_disown(kith_srtp_session *session, uint32_t ssrc);
/* A received SSRC whose stream is over: disowned, and goes at once as above. It may come back. */
void kith_srtp_forget(kith_srtp_session *session, uint32_t ssrc);

/* An SSRC that we shall not send with again, ever (RFC 3711 section 9.1: its indices would begin
 * anew under the same key): makes room. Does nothing for one that was never sent with. */
void kith_srtp_retire(kith_srtp_session *session, uint32_t ssrc);

/* Of packets received. */
typedef struct kith_srtp_counters {
    /* no SRTP packet by its length or header, an unencrypted SRTCP packet */
    uint64_t malformed;
    /* forged, changed, or encrypted with keys that we do not have */
    uint64_t auth_failed;
    /* came before, or is older than the replay window */
    uint64_t replayed;
    /* SSRCs that had to go because there was no room */
    uint64_t full;
    /* dropped for want of memory */
    uint64_t no_memory;
} kith_srtp_counters;
const kith_srtp_counters *kith_srtp_get_counters(const kith_srtp_session *session);

#endif
