/* RTCP (RFC 3550 section 6): compound packets and their parts, sender and receiver reports, source
 * descriptions with the items of RFC 7941 and RFC 9143, BYE. Compounds of reduced size (RFC 5506)
 * are read like any other: their first part may be anything. Feedback is in wire/rtcp_fb.h; APP and
 * unknown types are for the reader to skip. */
#ifndef KITH_WIRE_RTCP_H
#define KITH_WIRE_RTCP_H

#include "base/reader.h"
#include "base/writer.h"

typedef enum kith_rtcp_type {
    KITH_RTCP_SR = 200,
    KITH_RTCP_RR = 201,
    KITH_RTCP_SDES = 202,
    KITH_RTCP_BYE = 203,
    KITH_RTCP_APP = 204,
    KITH_RTCP_RTPFB = 205,
    KITH_RTCP_PSFB = 206,
    KITH_RTCP_XR = 207,
} kith_rtcp_type;

/* RC, SC and FMT have five bits. */
#define KITH_RTCP_MAX_COUNT 31

/* Sizes of what a sender weighs against its packet. */
#define KITH_RTCP_HEADER       4
#define KITH_RTCP_REPORT_BLOCK 24

/* One RTCP packet of a compound. */
typedef struct kith_rtcp_packet {
    /* kith_rtcp_type, or an unknown one */
    uint8_t type;
    /* RC, SC or FMT */
    uint8_t count;
    /* behind the first four bytes, without padding */
    kith_span body;
} kith_rtcp_packet;

/* RFC 5761 section 4: the second byte is 192 to 223. */
bool kith_rtcp_is(kith_span datagram);
/* Do the lengths of all parts add up to the datagram (RFC 3550 appendix A.2)? Only the last may be
 * padded. An empty one is none. */
bool kith_rtcp_is_compound(kith_span datagram);
/* The next part; false at the end or at damage (`compound->bad`). */
KITH_MUST_CHECK bool kith_rtcp_next(kith_reader *compound, kith_rtcp_packet *out);

typedef struct kith_rtcp_report {
    uint32_t ssrc;
    /* of 256, since the last report */
    uint8_t fraction_lost;
    /* 24 bits; negative with duplicates */
    int32_t cumulative_lost;
    uint32_t highest_sequence, jitter;
    /* the middle of the last SR's NTP time; 0: none came */
    uint32_t last_sr;
    /* of 1/65536 s */
    uint32_t delay_since_last_sr;
} kith_rtcp_report;

typedef struct kith_rtcp_sender_info {
    /* seconds since 1900 and their fraction, 32 bits each */
    uint64_t ntp;
    uint32_t rtp_timestamp, packet_count, octet_count;
} kith_rtcp_sender_info;

/* The reports of an SR or RR, read one by one; `body` is of as many as RC says. */
typedef struct kith_rtcp_reports {
    kith_reader in;
} kith_rtcp_reports;

/* False: shorter than RC says. Extensions of a profile behind the blocks are ignored. */
KITH_MUST_CHECK bool kith_rtcp_parse_sr(const kith_rtcp_packet *p, uint32_t *ssrc,
                                        kith_rtcp_sender_info *info, kith_rtcp_reports *reports);
KITH_MUST_CHECK bool kith_rtcp_parse_rr(const kith_rtcp_packet *p, uint32_t *ssrc,
                                        kith_rtcp_reports *reports);
KITH_MUST_CHECK bool kith_rtcp_next_report(kith_rtcp_reports *reports, kith_rtcp_report *out);

/* The registry of SDES item types. */
typedef enum kith_rtcp_sdes_type {
    KITH_RTCP_SDES_END = 0,
    KITH_RTCP_SDES_CNAME = 1,
    KITH_RTCP_SDES_PRIV = 8,
    /* RFC 9143 section 15.1 */
    KITH_RTCP_SDES_MID = 15,
    /* RFC 8852 section 4 */
    KITH_RTCP_SDES_RID = 12,
    KITH_RTCP_SDES_RRID = 13,
} kith_rtcp_sdes_type;

typedef struct kith_rtcp_sdes_item {
    uint32_t ssrc;
    /* kith_rtcp_sdes_type, or another */
    uint8_t type;
    kith_span value;
} kith_rtcp_sdes_item;

/* All items of all chunks, in order. */
typedef struct kith_rtcp_sdes {
    kith_reader in;
    const uint8_t *start;
    uint32_t ssrc;
    unsigned chunks_left;
    bool is_in_chunk;
} kith_rtcp_sdes;

kith_rtcp_sdes kith_rtcp_sdes_of(const kith_rtcp_packet *p);
/* False at the end, or where the packet is damaged. */
KITH_MUST_CHECK bool kith_rtcp_next_item(kith_rtcp_sdes *sdes, kith_rtcp_sdes_item *out);

typedef struct kith_rtcp_bye {
    /* 4 bytes each: kith_rd_u32 */
    kith_span ssrcs;
    kith_span reason;
} kith_rtcp_bye;

KITH_MUST_CHECK bool kith_rtcp_parse_bye(const kith_rtcp_packet *p, kith_rtcp_bye *out);

/* ---- writing: parts one behind the other; a part that does not fit turns the writer bad ---- */

/* Begins a part, whose length kith_rtcp_end settles; the content must be whole words. */
size_t kith_rtcp_begin(kith_writer *w, kith_rtcp_type type, unsigned count);
void kith_rtcp_end(kith_writer *w, size_t mark);

void kith_rtcp_write_sr(kith_writer *w, uint32_t ssrc, const kith_rtcp_sender_info *info,
                        const kith_rtcp_report *reports, unsigned count);
void kith_rtcp_write_rr(kith_writer *w, uint32_t ssrc, const kith_rtcp_report *reports,
                        unsigned count);
/* Between kith_rtcp_begin (with the number of chunks) and kith_rtcp_end. Values are at most 255
 * bytes. An empty mid is left out. */
void kith_rtcp_write_chunk(kith_writer *w, uint32_t ssrc, kith_span cname, kith_span mid);
void kith_rtcp_write_bye(kith_writer *w, const uint32_t *ssrcs, unsigned count);

#endif
