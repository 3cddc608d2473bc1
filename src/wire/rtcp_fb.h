/* RTCP feedback (RFC 4585 section 6): generic NACK, picture loss indication, the full intra request
 * of RFC 5104 section 4.3.1; the arrival times of
 * draft-holmer-rmcat-transport-wide-cc-extensions-01, which are only written: our packets have no
 * transport-wide numbers; and the estimate of draft-alvestrand-rmcat-remb-03, which is only read.
 */
#ifndef KITH_WIRE_RTCP_FB_H
#define KITH_WIRE_RTCP_FB_H

#include "wire/rtcp.h"

/* FMT; NACK and TRANSPORT_CC are of RTPFB, the others of PSFB. */
typedef enum kith_rtcp_fmt {
    KITH_RTCP_FMT_NACK = 1,
    KITH_RTCP_FMT_PLI = 1,
    KITH_RTCP_FMT_FIR = 4,
    KITH_RTCP_FMT_TRANSPORT_CC = 15,
    /* whose message says itself what it is (RFC 4585 section 6.4) */
    KITH_RTCP_FMT_AFB = 15,
} kith_rtcp_fmt;

typedef enum kith_rtcp_fb_kind {
    /* a message that we do not know */
    KITH_RTCP_FB_UNKNOWN,
    KITH_RTCP_FB_NACK,
    KITH_RTCP_FB_PLI,
    KITH_RTCP_FB_FIR,
    KITH_RTCP_FB_REMB,
} kith_rtcp_fb_kind;

typedef struct kith_rtcp_fb {
    kith_rtcp_fb_kind kind;
    uint32_t sender_ssrc, media_ssrc;
    /* the feedback control information: entries of NACK and FIR; all of REMB */
    kith_span fci;
} kith_rtcp_fb;

/* Of a packet of type RTPFB or PSFB. False: shorter than its two SSRCs, or with a piece of an
 * entry, or, where it must have one, without. */
KITH_MUST_CHECK bool kith_rtcp_parse_fb(const kith_rtcp_packet *p, kith_rtcp_fb *out);

/* The sequence numbers of a NACK, one by one: those of an entry as they follow (RFC 4585 section
 * 6.2.1). Begin with a zeroed struct but for `fci`. */
typedef struct kith_rtcp_nacks {
    kith_span fci;
    uint16_t pid, blp;
    unsigned bit;
} kith_rtcp_nacks;

bool kith_rtcp_next_nack(kith_rtcp_nacks *nacks, uint16_t *sequence_number);

typedef struct kith_rtcp_fir {
    uint32_t ssrc;
    /* another number is another request (RFC 5104 section 4.3.1.2) */
    uint8_t sequence_number;
} kith_rtcp_fir;

/* Takes the next entry off the front of *fci. */
bool kith_rtcp_next_fir(kith_span *fci, kith_rtcp_fir *out);

/* Receiver estimated maximum bit rate: what the path carries of all that the sources are part of.
 */
typedef struct kith_rtcp_remb {
    /* bits per second; UINT64_MAX: more than that */
    uint64_t bitrate;
    /* those that are left to be taken */
    kith_span ssrcs;
} kith_rtcp_remb;

/* Of a message of that kind, which parse_fb has checked. */
void kith_rtcp_read_remb(const kith_rtcp_fb *fb, kith_rtcp_remb *out);
/* Takes the next source off the front. */
bool kith_rtcp_next_remb_ssrc(kith_rtcp_remb *remb, uint32_t *ssrc);

void kith_rtcp_write_pli(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);
void kith_rtcp_write_fir(kith_writer *w, uint32_t sender_ssrc, const kith_rtcp_fir *entries,
                         size_t count);
/* `numbers` as they follow one another on the circle. */
void kith_rtcp_write_nack(kith_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                          const uint16_t *numbers, size_t count);

/* Section 3.1 of the draft: what came of the packets with the transport-wide numbers from `base`
 * on. */
typedef struct kith_rtcp_transport_cc {
    uint32_t sender_ssrc, media_ssrc;
    uint16_t base;
    /* one more in each feedback packet */
    uint8_t feedback_count;
} kith_rtcp_transport_cc;

/* The most numbers of one feedback packet. */
#define KITH_RTCP_MAX_STATUSES 1024

/* arrivals[i]: when number `base` + i came; KITH_NEVER: it did not. At least one came. How many
 * numbers are told, from the first on: as many as there is room for and as the deltas of 16 bits
 * reach; 0: nothing was written. */
size_t kith_rtcp_write_transport_cc(kith_writer *w, const kith_rtcp_transport_cc *of,
                                    const kith_time *arrivals, size_t count);

#endif
