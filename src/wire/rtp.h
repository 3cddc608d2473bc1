/* RTP packets (RFC 3550 section 5.1) and the general mechanism of their header extensions (RFC
 * 8285): bytes to offsets, and back. What the values of extensions mean is in wire/rtp_extension.h.
 */
#ifndef KITH_WIRE_RTP_H
#define KITH_WIRE_RTP_H

#include "base/reader.h"
#include "base/writer.h"

#define KITH_RTP_HEADER 12
/* CC has four bits. */
#define KITH_RTP_MAX_CSRCS 15

/* Where everything lies in a packet, whose bytes the owner of this keeps. */
typedef struct kith_rtp_header {
    uint32_t ssrc, timestamp;
    uint16_t sequence_number;
    /* 7 bits */
    uint8_t payload_type;
    bool marker;
    /* from byte KITH_RTP_HEADER on, four bytes each */
    uint8_t csrc_count;
    /* the count in the last byte, itself included; 0: no padding */
    uint8_t padding_len;
    /* "defined by profile"; only where X is set */
    bool has_extension;
    uint16_t extension_profile;
    /* the extension's data */
    uint16_t extension_at, extension_len;
    /* without the padding; len 0: nothing but padding, or nothing at all */
    uint16_t payload_at, payload_len;
} kith_rtp_header;

/* An extension element of RFC 8285. */
typedef struct kith_rtp_element {
    /* the local identifier: 1 to 14, or to 255 in the two-byte form */
    uint8_t id;
    /* at most 255 bytes */
    kith_span data;
} kith_rtp_element;

/* Reads the header of a packet of at most 65535 bytes that fills the span. False: another version,
 * or a length that points out of the packet. The elements of an extension are not looked at. */
KITH_MUST_CHECK bool kith_rtp_parse_header(kith_rtp_header *out, kith_span packet);
/* The same of an SRTP packet, whose header is not encrypted (RFC 3711 section 3.1); its padding is,
 * and counts as payload. */
KITH_MUST_CHECK bool kith_rtp_parse_clear(kith_rtp_header *out, kith_span packet);

uint32_t kith_rtp_csrc(const kith_rtp_header *h, kith_span packet, unsigned index);

/* The elements of a packet one by one; none where the extension is not of RFC 8285's. An element
 * that is not whole ends them, as one that must not be (sections 4.2, 4.3) does. */
typedef struct kith_rtp_elements {
    kith_reader in;
    bool is_two_byte;
} kith_rtp_elements;

kith_rtp_elements kith_rtp_elements_of(const kith_rtp_header *h, kith_span packet);
bool kith_rtp_next_element(kith_rtp_elements *elements, kith_rtp_element *out);

/* What a packet begins with. */
typedef struct kith_rtp_start {
    uint32_t ssrc, timestamp;
    uint16_t sequence_number;
    uint8_t payload_type;
    bool marker;
    /* at most KITH_RTP_MAX_CSRCS */
    const uint32_t *csrcs;
    unsigned csrc_count;
    /* In the one-byte form where all fit into it, else in the two-byte form. */
    const kith_rtp_element *elements;
    size_t element_count;
} kith_rtp_start;

/* Everything before the payload; no extension where there are no elements. */
void kith_rtp_write_start(kith_writer *w, const kith_rtp_start *start);
/* Appends `len` bytes of padding to the packet that the writer holds and begins with, and says so
 * in its header. At least 1, the count itself. */
void kith_rtp_write_padding(kith_writer *w, uint8_t len);

#endif
