/* Record payload protection of a connected association: the keys of epoch 1, and records written
 * and opened with them (RFC 5246 section 6.2.3.3, RFC 6347 section 4.1.2, RFC 5288, RFC 7905).
 *
 * Pure: it knows no handshake and no association. There is one epoch with keys, for nothing is
 * renegotiated, and every suite is an AEAD. */
#ifndef KITH_TLS_PROTECTION_H
#define KITH_TLS_PROTECTION_H

#include <openssl/evp.h>

#include "tls/record.h"

typedef struct kith_dtls_suite {
    /* CipherSuite and its name in the IANA registry */
    uint16_t id;
    const char *name;
    const EVP_CIPHER *(*cipher)(void);
    size_t key_len;
    /* client_write_IV: GCM's salt, or a whole nonce that the sequence number changes */
    size_t iv_len;
    /* GCM's nonce_explicit, which stands in the record; 0: none */
    size_t explicit_len;
    /* of the PRF */
    const char *hash;
} kith_dtls_suite;

/* AEAD_AES_128_GCM, AEAD_AES_256_GCM and AEAD_CHACHA20_POLY1305 alike. */
#define KITH_DTLS_TAG 16
/* The longest explicit nonce; and the AEADs' own nonce. */
#define KITH_DTLS_EXPLICIT_NONCE 8
#define KITH_DTLS_NONCE          12
/* sequence_number is a uint48. */
#define KITH_DTLS_MAX_SEQUENCE (((uint64_t)1 << 48) - 1)

/* NULL: none of ours. */
const kith_dtls_suite *kith_dtls_suite_find(uint16_t id);
/* What a record of it has besides its header and its data. */
size_t kith_dtls_suite_overhead(const kith_dtls_suite *suite);

/* SecurityParameters, RFC 5246 section 6.1. */
typedef struct kith_dtls_security_parameters {
    const kith_dtls_suite *suite;
    uint8_t master_secret[48];
    uint8_t client_random[32], server_random[32];
} kith_dtls_security_parameters;

/* client_write_key and server_write_key, client_write_IV and server_write_IV. */
typedef struct kith_dtls_write_keys {
    uint8_t key[32], iv[KITH_DTLS_NONCE];
} kith_dtls_write_keys;

/* RFC 5246 section 6.3; false: no memory. Both are wiped by the caller. */
KITH_MUST_CHECK bool kith_dtls_derive_keys(const kith_dtls_security_parameters *parameters,
                                           kith_dtls_write_keys *client,
                                           kith_dtls_write_keys *server);

/* The "current write state" of RFC 5246 section 6.1. */
typedef struct kith_dtls_write_state {
    const kith_dtls_suite *suite;
    EVP_CIPHER_CTX *cipher;
    uint8_t iv[KITH_DTLS_NONCE];
    /* of the next record; above KITH_DTLS_MAX_SEQUENCE: there is none */
    uint64_t sequence;
    /* nonce_explicit of the next record */
    uint64_t explicit_nonce;
} kith_dtls_write_state;

/* The "current read state", with the window of RFC 6347 section 4.1.2.6. */
typedef struct kith_dtls_read_state {
    const kith_dtls_suite *suite;
    EVP_CIPHER_CTX *cipher;
    uint8_t iv[KITH_DTLS_NONCE];
    /* Bit n: the record `highest - n` has come; 0: none has. */
    uint64_t highest, window;
} kith_dtls_read_state;

/* False: no memory. What was zero or initialised is deinitialised. */
KITH_MUST_CHECK bool kith_dtls_write_state_init(kith_dtls_write_state *state,
                                                const kith_dtls_suite *suite,
                                                const kith_dtls_write_keys *keys);
KITH_MUST_CHECK bool kith_dtls_read_state_init(kith_dtls_read_state *state,
                                               const kith_dtls_suite *suite,
                                               const kith_dtls_write_keys *keys);
void kith_dtls_write_state_deinit(kith_dtls_write_state *state);
void kith_dtls_read_state_deinit(kith_dtls_read_state *state);

/* One record of `type` with `data`, which does not overlap buf; 0: cap is too small, or the
 * sequence numbers are used up. */
size_t kith_dtls_protect(kith_dtls_write_state *state, uint8_t type, kith_span data, uint8_t *buf,
                         size_t cap);
/* The data of a record into buf. False, and nothing changed but what buf holds: it is of another
 * epoch or version, came before, is not authentic, or has more data than cap. */
bool kith_dtls_open(kith_dtls_read_state *state, const kith_dtls_record *record, uint8_t *buf,
                    size_t cap, kith_span *data);
/* A record that somebody else has opened with the same keys. */
void kith_dtls_mark_received(kith_dtls_read_state *state, uint64_t sequence);

#endif
