/* Long-term credentials of STUN and TURN (RFC 8489 section 9.2): the key, USERHASH, the choice of a
 * password algorithm and the nonce cookie. No state: when to ask again is the client's to say. */
#include <string.h>

#include "base/base64.h"
#include "wire/stun.h"

/* Everything that is hashed fits: username 508, realm 763 and a password as long as a username,
 * with two colons (RFC 8489 sections 14.3 and 14.9). */
#define MAX_USERNAME 508
#define MAX_REALM    763
#define MAX_PASSWORD 508
#define MAX_HASHED   (MAX_USERNAME + MAX_REALM + MAX_PASSWORD + 2)

/* RFC 8489 section 9.2: every nonce of a server with security features begins so, followed by the
 * 24 feature bits as four base64 characters. */
#define NONCE_COOKIE "obMatJos2"

size_t kith_stun_long_term_key(uint8_t out[32], kith_stun_algorithm algorithm, kith_span username,
                               kith_span realm, kith_span password)
{
    uint8_t text[MAX_HASHED];
    kith_writer w = kith_wr(text, sizeof text);
    kith_hash hash = algorithm == KITH_STUN_ALGORITHM_MD5      ? KITH_HASH_MD5
                     : algorithm == KITH_STUN_ALGORITHM_SHA256 ? KITH_HASH_SHA256
                                                               : KITH_HASH_NONE;
    if (hash == KITH_HASH_NONE || username.len > MAX_USERNAME || realm.len > MAX_REALM ||
        password.len > MAX_PASSWORD)
        return 0;
    kith_wr_span(&w, username);
    kith_wr_u8(&w, ':');
    kith_wr_span(&w, realm);
    kith_wr_u8(&w, ':');
    kith_wr_span(&w, password);
    if (w.bad || !kith_hash_digest(hash, kith_span_of(text, w.len), out))
        return 0;
    return kith_hash_size(hash);
}

bool kith_stun_userhash(uint8_t out[KITH_STUN_USERHASH], kith_span username, kith_span realm)
{
    uint8_t text[MAX_HASHED];
    kith_writer w = kith_wr(text, sizeof text);
    if (username.len > MAX_USERNAME || realm.len > MAX_REALM)
        return false;
    kith_wr_span(&w, username);
    kith_wr_u8(&w, ':');
    kith_wr_span(&w, realm);
    return !w.bad && kith_hash_digest(KITH_HASH_SHA256, kith_span_of(text, w.len), out);
}

kith_stun_algorithm kith_stun_choose_algorithm(kith_span password_algorithms)
{
    kith_reader r = kith_rd(password_algorithms.data, password_algorithms.len);
    while (kith_rd_left(&r) > 0) {
        uint16_t algorithm = kith_rd_u16(&r);
        uint16_t parameters = kith_rd_u16(&r);
        kith_rd_skip(&r, parameters + (4u - parameters % 4u) % 4u);
        if (r.bad)
            break;
        if (algorithm == KITH_STUN_ALGORITHM_MD5 || algorithm == KITH_STUN_ALGORITHM_SHA256)
            return (kith_stun_algorithm)algorithm;
    }
    return KITH_STUN_ALGORITHM_NONE;
}

bool kith_stun_nonce_features(kith_span nonce, uint32_t *features)
{
    size_t cookie = strlen(NONCE_COOKIE);
    *features = 0;
    if (!kith_span_starts(nonce, NONCE_COOKIE) || nonce.len < cookie + 4)
        return false;
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = kith_base64_value(nonce.data[cookie + i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    *features = bits;
    return true;
}
