/* The challenge, the key and the integrity (RFC 8489 section 9.2). MESSAGE-INTEGRITY-SHA256 belongs
 * to servers that announce PASSWORD-ALGORITHMS, MESSAGE-INTEGRITY to all others. */
#include "turn/auth.h"

#include "base/memory.h"

static void forget_challenge(kith_turn_auth *auth)
{
    kith_hmac_free(auth->hmac);
    kith_free(auth->realm);
    kith_free(auth->nonce);
    auth->hmac = NULL;
    auth->realm = auth->nonce = NULL;
    auth->realm_len = auth->nonce_len = auth->algorithms_len = 0;
    auth->algorithm = KITH_STUN_ALGORITHM_NONE;
    auth->uses_userhash = false;
}

bool kith_turn_auth_reset(kith_turn_auth *auth, const char *username, const char *credential)
{
    char *name = kith_strdup(username), *secret = kith_strdup(credential);
    if (!name || !secret) {
        kith_free(name);
        kith_free_secret(secret);
        return false;
    }
    kith_turn_auth_deinit(auth);
    auth->username = name;
    auth->credential = secret;
    return true;
}

void kith_turn_auth_deinit(kith_turn_auth *auth)
{
    forget_challenge(auth);
    kith_free(auth->username);
    kith_free_secret(auth->credential);
    auth->username = auth->credential = NULL;
}

/* What the nonce announces must be there: else somebody on the way took it out. */
static bool read_features(kith_turn_auth *next, const kith_stun *m)
{
    uint32_t features;
    kith_stun_nonce_features(m->nonce, &features);
    next->uses_userhash = (features & KITH_STUN_FEATURE_USERNAME_ANONYMITY) != 0;
    next->algorithm = KITH_STUN_ALGORITHM_MD5;
    if ((features & KITH_STUN_FEATURE_PASSWORD_ALGORITHMS) == 0)
        return true;
    kith_span list = m->password_algorithms;
    if (!kith_stun_has(m, KITH_STUN_HAS_PASSWORD_ALGORITHMS) || list.len > sizeof next->algorithms)
        return false;
    memcpy(next->algorithms, list.data, list.len);
    next->algorithms_len = list.len;
    next->algorithm = kith_stun_choose_algorithm(list);
    return next->algorithm != KITH_STUN_ALGORITHM_NONE;
}

static bool make_key(kith_turn_auth *next, kith_span realm)
{
    uint8_t key[32];
    kith_span username = kith_span_text(next->username);
    size_t len = kith_stun_long_term_key(key, next->algorithm, username, realm,
                                         kith_span_text(next->credential));
    if (len > 0)
        next->hmac = kith_hmac_new(next->algorithms_len > 0 ? KITH_HASH_SHA256 : KITH_HASH_SHA1,
                                   kith_span_of(key, len));
    kith_wipe(key, sizeof key);
    return next->hmac &&
           (!next->uses_userhash || kith_stun_userhash(next->userhash, username, realm));
}

bool kith_turn_auth_challenge(kith_turn_auth *auth, const kith_stun *m)
{
    kith_turn_auth next = {.username = auth->username, .credential = auth->credential};
    kith_span realm = m->realm;
    if (!kith_stun_has(m, KITH_STUN_HAS_REALM) && auth->realm)
        realm = kith_span_of(auth->realm, auth->realm_len);
    if (m->nonce.len == 0 || m->nonce.len > KITH_TURN_MAX_TEXT || realm.len == 0 ||
        realm.len > KITH_TURN_MAX_TEXT || !read_features(&next, m))
        return false;
    next.realm = kith_memdup(realm.data, realm.len);
    next.nonce = kith_memdup(m->nonce.data, m->nonce.len);
    next.realm_len = realm.len;
    next.nonce_len = m->nonce.len;
    if (!next.realm || !next.nonce || !make_key(&next, realm)) {
        forget_challenge(&next);
        return false;
    }
    forget_challenge(auth);
    *auth = next;
    return true;
}

void kith_turn_auth_sign(const kith_turn_auth *auth, kith_writer *w)
{
    if (auth->uses_userhash)
        kith_stun_put_span(w, KITH_STUN_ATTR_USERHASH,
                           kith_span_of(auth->userhash, sizeof auth->userhash));
    else
        kith_stun_put_span(w, KITH_STUN_ATTR_USERNAME, kith_span_text(auth->username));
    kith_stun_put_span(w, KITH_STUN_ATTR_REALM, kith_span_of(auth->realm, auth->realm_len));
    kith_stun_put_span(w, KITH_STUN_ATTR_NONCE, kith_span_of(auth->nonce, auth->nonce_len));
    if (auth->algorithms_len == 0) {
        kith_stun_put_integrity(w, auth->hmac);
        return;
    }
    kith_stun_put_span(w, KITH_STUN_ATTR_PASSWORD_ALGORITHMS,
                       kith_span_of(auth->algorithms, auth->algorithms_len));
    kith_stun_put_algorithm(w, auth->algorithm);
    kith_stun_put_integrity_sha256(w, auth->hmac);
}

bool kith_turn_auth_verify(const kith_turn_auth *auth, const kith_stun *m)
{
    if (!auth->hmac)
        return false;
    return auth->algorithms_len > 0 ? kith_stun_check_integrity_sha256(m, auth->hmac)
                                    : kith_stun_check_integrity(m, auth->hmac);
}
