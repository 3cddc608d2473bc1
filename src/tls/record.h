/* The plaintext side of DTLS records (RFC 6347 section 4.1): cutting a datagram into records, and
 * the header of one. */
#ifndef KITH_TLS_RECORD_H
#define KITH_TLS_RECORD_H

#include "base/span.h"
#include "base/writer.h"

/* ContentType, RFC 5246 section 6.2.1. */
#define KITH_DTLS_CHANGE_CIPHER_SPEC 20
#define KITH_DTLS_ALERT              21
#define KITH_DTLS_HANDSHAKE          22
#define KITH_DTLS_APPLICATION_DATA   23

/* ProtocolVersion of DTLS 1.2, RFC 6347 section 4.1. */
#define KITH_DTLS_VERSION 0xfefd
/* type, version, epoch, sequence_number, length */
#define KITH_DTLS_HEADER 13
/* TLSPlaintext.length, RFC 5246 section 6.2.1: no record holds more data. */
#define KITH_DTLS_MAX_DATA 16384

typedef struct kith_dtls_record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    uint64_t sequence;
    /* header and body, as OpenSSL wants it */
    kith_span whole;
    kith_span body;
} kith_dtls_record;

/* Takes the next record off the front of a datagram; false at its end, or on damage: then something
 * is left of it. */
bool kith_dtls_record_next(kith_span *datagram, kith_dtls_record *out);
/* The header in front of a body of `len` bytes. */
void kith_dtls_record_write(kith_writer *w, uint8_t type, uint16_t epoch, uint64_t sequence,
                            size_t len);

#endif
