/* The gate that decides which records OpenSSL may see before the peer is authenticated.
 *
 * OpenSSL ends an association on the first malformed or unexpected handshake message, whoever sent it.
 * The gate keeps such records away from it, and bounds the memory that announced but never completed
 * messages can bind. It knows no keys and decrypts nothing. */
#ifndef KITH_TLS_GATE_H
#define KITH_TLS_GATE_H

#include "tls/dtls.h"
#include "tls/record.h"

/* Handshake messages of a peer are numbered from 0; no handshake has as many as this. */
#define KITH_DTLS_GATE_MESSAGES 16

typedef struct kith_dtls_gate {
    kith_dtls_role role;
    bool hello_done; /* the peer's hello was taken: the other messages may come */
    bool keyed;      /* OpenSSL can decrypt what comes */
    /* For each message_seq what its first fragment announced: msg_type << 24 | length, plus 1; 0: none. */
    uint32_t announced[KITH_DTLS_GATE_MESSAGES];
    size_t announced_bytes;
} kith_dtls_gate;

typedef enum kith_dtls_verdict {
    KITH_DTLS_DROP,
    KITH_DTLS_PASS,
    KITH_DTLS_PLAIN_ALERT, /* two bytes that anyone could have sent: level and description */
} kith_dtls_verdict;

kith_dtls_verdict kith_dtls_gate_judge(kith_dtls_gate *gate, const kith_dtls_record *record);

#endif
