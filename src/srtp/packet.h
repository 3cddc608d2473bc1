/* As much of RTP and RTCP headers as protection needs. */
#ifndef KITH_SRTP_PACKET_H
#define KITH_SRTP_PACKET_H

#include "kith/base.h"

typedef struct kith_srtp_rtp_header {
    uint32_t ssrc;
    uint16_t sequence_number;
} kith_srtp_rtp_header;

/* False: not version 2, or CSRCs and extension do not end within len (RFC 3550 section 5.1). The
 * padding is not looked at: it may be encrypted. */
bool kith_srtp_read_rtp(kith_srtp_rtp_header *out, const uint8_t *data, size_t len);
/* The sender's SSRC of the first packet of a compound. False: not version 2, or shorter than any
 * (RFC 3550 section 6.4). */
bool kith_srtp_read_rtcp(uint32_t *out_ssrc, const uint8_t *data, size_t len);

/* E bit and SRTCP index (RFC 3711 section 3.4). */
#define KITH_SRTP_RTCP_TRAILER 4

/* RFC 3711 section 3.3.1 and appendix A: the index of 48 bits that a sequence number means, to one
 * who has seen `highest`. Unlike kith_seq_unwrap it stays within the rollover where both ways are
 * as far, and above 0: as libsrtp2 does, whose stream it must agree with. */
uint64_t kith_srtp_guess_index(uint64_t highest, uint16_t sequence_number);

#endif
