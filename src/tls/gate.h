/* The gate that decides which records of a handshake OpenSSL may see.
 *
 * OpenSSL ends an association on the first malformed or unexpected handshake message, whoever
 * sent it, and some versions on a record that is too short for its cipher (CVE-2026-75806) or
 * keep what they cannot decrypt yet (CVE-2026-54874). The gate keeps such records away from it.
 * It knows no keys and decrypts nothing. */
#ifndef KITH_TLS_GATE_H
#define KITH_TLS_GATE_H

#include "tls/dtls.h"
#include "tls/record.h"

/* The messages of a peer are numbered from 0; none comes in the clear behind HelloVerifyRequest,
 * ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone. */
#define KITH_DTLS_GATE_MESSAGES 6

typedef struct kith_dtls_gate {
    kith_dtls_role role;
    /* The peer's hello was taken: the other messages may come. */
    bool hello_done;
    /* OpenSSL can decrypt epoch 1. */
    bool keyed;
    /* What a record of epoch 1 has besides its data. */
    size_t overhead;
    /* What the first fragment of each message_seq said: msg_type << 24 | length, plus 1; 0: none
     * came. */
    uint32_t announced[KITH_DTLS_GATE_MESSAGES];
} kith_dtls_gate;

typedef enum kith_dtls_verdict {
    KITH_DTLS_DROP,
    KITH_DTLS_PASS,
    /* Data, if the peer's, for the time when the handshake is over. */
    KITH_DTLS_EARLY,
    /* Two bytes that anyone could have sent: level and description. */
    KITH_DTLS_PLAIN_ALERT,
} kith_dtls_verdict;

kith_dtls_verdict kith_dtls_gate_judge(kith_dtls_gate *gate, const kith_dtls_record *record);

#endif
