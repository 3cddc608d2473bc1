/* The plaintext side of DTLS records (RFC 6347 section 4.1): cutting a datagram into records, and
 * the gate that decides which of them OpenSSL may see before the peer is authenticated.
 *
 * OpenSSL ends an association on the first malformed or unexpected handshake message, whoever sent
 * it. The gate keeps such records away from it, and bounds the memory that announced but never
 * completed messages can bind. It knows no keys and decrypts nothing. */
#ifndef KITH_TLS_RECORD_H
#define KITH_TLS_RECORD_H

#include "base/span.h"
#include "tls/dtls.h"

/* ContentType, RFC 5246 section 6.2.1. */
#define KITH_DTLS_CHANGE_CIPHER_SPEC 20
#define KITH_DTLS_ALERT              21
#define KITH_DTLS_HANDSHAKE          22
#define KITH_DTLS_APPLICATION_DATA   23

typedef struct kith_dtls_record {
    uint8_t type;
    uint16_t epoch;
    /* header and body, as OpenSSL wants it */
    kith_span whole;
    kith_span body;
} kith_dtls_record;

/* Takes the next record off the front of a datagram; false at its end, or on damage: then something
 * is left of it. */
bool kith_dtls_record_next(kith_span *datagram, kith_dtls_record *out);

/* Handshake messages of a peer are numbered from 0; no handshake has as many as this. */
#define KITH_DTLS_GATE_MESSAGES 16

typedef struct kith_dtls_gate {
    kith_dtls_role role;
    /* the peer's hello was taken: the other messages may come */
    bool hello_done;
    /* OpenSSL can decrypt what comes */
    bool keyed;
    /* For each message_seq what its first fragment announced: msg_type << 24 | length, plus 1; 0:
     * none. */
    uint32_t announced[KITH_DTLS_GATE_MESSAGES];
    size_t announced_bytes;
} kith_dtls_gate;

typedef enum kith_dtls_verdict {
    KITH_DTLS_DROP,
    KITH_DTLS_PASS,
    /* two bytes that anyone could have sent: level and description */
    KITH_DTLS_PLAIN_ALERT,
} kith_dtls_verdict;

kith_dtls_verdict kith_dtls_gate_judge(kith_dtls_gate *gate, const kith_dtls_record *record);

#endif
