/* The keys that a DTLS handshake agrees on for SRTP, as `tls` exports and `srtp` takes them. */
#ifndef KITH_CRYPTO_SRTP_KEYS_H
#define KITH_CRYPTO_SRTP_KEYS_H

#include "kith/base.h"

/* Master keys and salts of both directions (RFC 5764 section 4.2): each side sends with those of
 * its role in the handshake. Whoever holds them wipes them (kith_wipe). */
typedef struct kith_srtp_keys {
    uint8_t client_key[32], server_key[32], client_salt[14], server_salt[14];
    size_t key_len, salt_len;
} kith_srtp_keys;

#endif
