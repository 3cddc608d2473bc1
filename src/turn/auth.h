/* Long-term credentials of one client (RFC 8489 section 9.2): what the server's challenge asks for,
 * and the integrity of what goes and comes since. */
#ifndef KITH_TURN_AUTH_H
#define KITH_TURN_AUTH_H

#include "wire/stun.h"

/* RFC 8489 sections 14.9 and 14.10. */
#define KITH_TURN_MAX_TEXT 763
/* Room for more algorithms than exist. */
#define KITH_TURN_MAX_ALGORITHMS 64

typedef struct kith_turn_auth {
    char *username, *credential;
    uint8_t *realm, *nonce;
    size_t realm_len, nonce_len;
    /* PASSWORD-ALGORITHMS as the server sent it; it goes back unchanged */
    uint8_t algorithms[KITH_TURN_MAX_ALGORITHMS];
    size_t algorithms_len;
    kith_stun_algorithm algorithm;
    /* the user's name does not travel in clear */
    bool uses_userhash;
    uint8_t userhash[KITH_STUN_USERHASH];
    /* NULL: no challenge yet */
    kith_hmac *hmac;
} kith_turn_auth;

/* Forgets the challenge and takes these credentials, which are copied. False: out of memory. */
bool kith_turn_auth_reset(kith_turn_auth *auth, const char *username, const char *credential);
void kith_turn_auth_deinit(kith_turn_auth *auth);
static inline bool kith_turn_auth_is_ready(const kith_turn_auth *auth)
{
    return auth->hmac;
}
/* A 401 or 438. False: it is to be ignored, for it lacks what it promises (RFC 8489 section 9.2.5)
 * or memory is short. */
bool kith_turn_auth_challenge(kith_turn_auth *auth, const kith_stun *m);
/* Everything behind a request's own attributes, its integrity too. */
void kith_turn_auth_sign(const kith_turn_auth *auth, kith_writer *w);
bool kith_turn_auth_verify(const kith_turn_auth *auth, const kith_stun *m);

#endif
