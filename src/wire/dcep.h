/* The Data Channel Establishment Protocol (RFC 8832) and the payload protocol identifiers that data
 * channels use on SCTP (RFC 8831 section 8). */
#ifndef KITH_WIRE_DCEP_H
#define KITH_WIRE_DCEP_H

#include "base/writer.h"

/* The registry of SCTP payload protocol identifiers. */
enum kith_ppid {
    KITH_PPID_DCEP = 50,
    KITH_PPID_STRING = 51,
    /* deprecated: not sent, and refused like any unknown one */
    KITH_PPID_BINARY_PARTIAL = 52,
    KITH_PPID_BINARY = 53,
    /* deprecated */
    KITH_PPID_STRING_PARTIAL = 54,
    /* SCTP has no empty messages: one byte, which is ignored */
    KITH_PPID_STRING_EMPTY = 56,
    KITH_PPID_BINARY_EMPTY = 57,
};

/* RFC 8832 section 8.2.2. The top bit means unordered; the rest, how a message may be given up. */
typedef enum kith_dcep_channel_type {
    KITH_DCEP_RELIABLE = 0x00,
    KITH_DCEP_PARTIAL_RELIABLE_REXMIT = 0x01,
    KITH_DCEP_PARTIAL_RELIABLE_TIMED = 0x02,
    KITH_DCEP_RELIABLE_UNORDERED = 0x80,
    KITH_DCEP_PARTIAL_RELIABLE_REXMIT_UNORDERED = 0x81,
    KITH_DCEP_PARTIAL_RELIABLE_TIMED_UNORDERED = 0x82,
} kith_dcep_channel_type;

#define KITH_DCEP_UNORDERED 0x80u

/* RFC 8831 section 6.4; W3C calls them very-low, low, medium and high. */
enum kith_dcep_priority {
    KITH_DCEP_PRIORITY_BELOW_NORMAL = 128,
    KITH_DCEP_PRIORITY_NORMAL = 256,
    KITH_DCEP_PRIORITY_HIGH = 512,
    KITH_DCEP_PRIORITY_EXTRA_HIGH = 1024,
};

/* DATA_CHANNEL_OPEN, RFC 8832 section 5.1. */
typedef struct kith_dcep_open {
    kith_dcep_channel_type channel_type;
    uint16_t priority;
    /* retransmissions, or a lifetime in milliseconds; 0 for reliable types */
    uint32_t reliability;
    /* UTF-8, borrowed */
    kith_span label;
    /* UTF-8, borrowed */
    kith_span protocol;
} kith_dcep_open;

/* Reads a DATA_CHANNEL_OPEN, which ends where its lengths say: bytes behind it mean nothing. False
 * for anything else, and for a channel type that does not exist. Whether label and protocol are
 * UTF-8 is not looked at. */
bool kith_dcep_parse_open(kith_dcep_open *out, kith_span message) KITH_MUST_CHECK;
/* Is it a DATA_CHANNEL_ACK (RFC 8832 section 5.2)? Its one byte says so, whatever follows: Pion
 * sends four. */
bool kith_dcep_is_ack(kith_span message);

/* A label or protocol of more than 65535 bytes turns the writer bad. */
void kith_dcep_write_open(kith_writer *w, const kith_dcep_open *open);
void kith_dcep_write_ack(kith_writer *w);

#endif
