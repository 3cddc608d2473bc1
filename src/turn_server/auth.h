/* Who may allocate: long-term credentials (RFC 8489 section 9.2) with nonces that need no state.
 * What a request must bring is decided here, what it is answered in receive.c. */
#ifndef KITH_TURN_SERVER_AUTH_H
#define KITH_TURN_SERVER_AUTH_H

#include "kith/turn_server.h"
#include "wire/stun.h"

/* Cookie, features, and the time with a MAC in base64. */
#define KITH_NONCE (9 + 4 + 16)

/* What a request proved to know, and the answer to it is signed with. */
typedef struct kith_turn_key {
    uint8_t bytes[32];
    size_t len;
    /* of the integrity attribute: SHA1 or SHA256 */
    kith_hash hash;
} kith_turn_key;

typedef struct kith_known_user {
    char *username, *password;
    uint8_t userhash[KITH_STUN_USERHASH];
} kith_known_user;

typedef struct kith_turn_access {
    char *realm;
    kith_known_user *users;
    size_t user_count;
    /* NULL: none */
    char *secrets[2];
    uint64_t ntp_time_at_zero;
    kith_time nonce_lifetime;
    /* of SHA-256, with a key that nobody else has */
    kith_hmac *nonce_mac;
} kith_turn_access;

/* Copies what of cfg it needs. On failure deinit cleans up. */
kith_err kith_access_init(kith_turn_access *access, const kith_turn_server_config *cfg);
void kith_access_deinit(kith_turn_access *access);
/* Is there any user or secret? */
bool kith_access_has_users(const kith_turn_access *access);

/* Features that a nonce of this server announces at most (KITH_STUN_FEATURE_…). */
uint32_t kith_access_features(const kith_turn_access *access);
/* A nonce for this client, valid from now. */
void kith_nonce_make(const kith_turn_access *access, kith_time now, const kith_address *client,
                     uint32_t features, uint8_t out[KITH_NONCE]);
/* Is it one of ours, for this client, and not too old? Then *features is what it announced. */
bool kith_nonce_check(const kith_turn_access *access, kith_time now, const kith_address *client,
                      kith_span nonce, uint32_t *features);

/* The algorithms that are offered, as PASSWORD-ALGORITHMS has them. */
void kith_access_put_algorithms(kith_writer *w);
/* 0 when the request is of a known user who knows his password, whose name and key are then given;
 * else the code of the error, 400 or 401. Its nonce has been checked. `username` lies in the
 * request or in `access`. */
int kith_access_check(const kith_turn_access *access, kith_time now, const kith_stun *m,
                      uint32_t features, kith_span *username, kith_turn_key *key);
/* Whose quota a name counts for: without the time of a time-limited credential. */
kith_span kith_access_person(const kith_turn_access *access, kith_span username);

#endif
