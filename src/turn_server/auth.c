/* Nonces, users and secrets. A nonce is cookie, features, and in base64 its time with a MAC over
 * both and the client's address and port: nobody can use another's, and none is stored. */
#include "turn_server/auth.h"

#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/random.h"

#define COOKIE     "obMatJos2"
#define COOKIE_LEN 9
#define TIME_LEN   4
#define MAC_LEN    8

#define MAX_REALM    127
#define MAX_USERNAME 508

/* Seconds from 1900 to 1970 (RFC 5905), and to 1 January 2026. */
#define UNIX_IN_NTP 2208988800u
#define NTP_2026    (UNIX_IN_NTP + 1767225600u)

/* ---- making ---- */

static kith_err copy_user(kith_known_user *out, const kith_turn_user *user, kith_span realm)
{
    if (!user->username || !user->password)
        return kith_fail(KITH_ERR_TYPE, "a user has no name or no password");
    if (strlen(user->username) > MAX_USERNAME || strlen(user->password) > MAX_USERNAME)
        return kith_fail(KITH_ERR_RANGE, "a user's name or password is longer than %d bytes",
                         MAX_USERNAME);
    out->username = kith_strdup(user->username);
    out->password = kith_strdup(user->password);
    if (!out->username || !out->password ||
        !kith_stun_userhash(out->userhash, kith_span_text(user->username), realm))
        return kith_fail_memory();
    return KITH_OK;
}

static kith_err copy_users(kith_turn_access *access, const kith_turn_server_config *cfg)
{
    if (cfg->user_count == 0)
        return KITH_OK;
    access->users = kith_alloc_zero(cfg->user_count, sizeof *access->users);
    if (!access->users)
        return kith_fail_memory();
    for (kith_err err; access->user_count < cfg->user_count;) {
        size_t at = access->user_count++;
        err = copy_user(&access->users[at], &cfg->users[at], kith_span_text(access->realm));
        if (err != KITH_OK)
            return err;
    }
    return KITH_OK;
}

static kith_err copy_secrets(kith_turn_access *access, const kith_turn_server_config *cfg)
{
    const char *const secrets[] = {cfg->secret, cfg->old_secret};
    for (size_t i = 0; i < 2; i++) {
        if (!secrets[i])
            continue;
        if (secrets[i][0] == '\0')
            return kith_fail(KITH_ERR_TYPE, "an empty secret is none");
        access->secrets[i] = kith_strdup(secrets[i]);
        if (!access->secrets[i])
            return kith_fail_memory();
    }
    return KITH_OK;
}

kith_err kith_access_init(kith_turn_access *access, const kith_turn_server_config *cfg)
{
    const char *realm = cfg->realm ? cfg->realm : "kith";
    uint8_t key[32];
    if (realm[0] == '\0' || strlen(realm) > MAX_REALM)
        return kith_fail(KITH_ERR_RANGE, "a realm has 1 to %d bytes", MAX_REALM);
    access->ntp_time_at_zero = cfg->ntp_time_at_zero;
    access->nonce_lifetime = cfg->nonce_lifetime;
    kith_random_bytes(key, sizeof key);
    access->realm = kith_strdup(realm);
    access->nonce_mac = kith_hmac_new(KITH_HASH_SHA256, kith_span_of(key, sizeof key));
    kith_wipe(key, sizeof key);
    if (!access->realm || !access->nonce_mac)
        return kith_fail_memory();
    kith_err err = copy_users(access, cfg);
    return err != KITH_OK ? err : copy_secrets(access, cfg);
}

void kith_access_deinit(kith_turn_access *access)
{
    for (size_t i = 0; i < access->user_count; i++) {
        kith_free(access->users[i].username);
        kith_free_secret(access->users[i].password);
    }
    kith_free(access->users);
    kith_free_secret(access->secrets[0]);
    kith_free_secret(access->secrets[1]);
    kith_free(access->realm);
    kith_hmac_free(access->nonce_mac);
    *access = (kith_turn_access){0};
}

static bool has_secret(const kith_turn_access *access)
{
    return access->secrets[0] || access->secrets[1];
}

bool kith_access_has_users(const kith_turn_access *access)
{
    return access->user_count > 0 || has_secret(access);
}

/* ---- nonces ---- */

/* A name that a secret makes valid cannot be found by its hash. */
uint32_t kith_access_features(const kith_turn_access *access)
{
    uint32_t features = KITH_STUN_FEATURE_PASSWORD_ALGORITHMS;
    return has_secret(access) ? features : features | KITH_STUN_FEATURE_USERNAME_ANONYMITY;
}

static void write_nonce(const kith_turn_access *access, uint32_t seconds,
                        const kith_address *client, uint32_t features, uint8_t out[KITH_NONCE])
{
    uint8_t bits[3], mac[KITH_HASH_MAX], secret[TIME_LEN + MAC_LEN];
    kith_writer w = kith_wr(secret, sizeof secret);
    kith_wr_u32(&w, seconds);
    for (unsigned i = 0; i < 3; i++)
        bits[i] = (uint8_t)(features >> (16 - 8 * i));
    const kith_span parts[] = {kith_span_of(secret, TIME_LEN), kith_span_of(bits, sizeof bits),
                               kith_span_of(client, sizeof *client)};
    kith_hmac_sign(access->nonce_mac, parts, 3, mac);
    kith_wr_bytes(&w, mac, MAC_LEN);
    memcpy(out, COOKIE, COOKIE_LEN);
    kith_base64_write((char *)out + COOKIE_LEN, kith_span_of(bits, sizeof bits));
    kith_base64_write((char *)out + COOKIE_LEN + 4, kith_span_of(secret, sizeof secret));
}

void kith_nonce_make(const kith_turn_access *access, kith_time now, const kith_address *client,
                     uint32_t features, uint8_t out[KITH_NONCE])
{
    write_nonce(access, (uint32_t)(now / KITH_SECONDS(1)), client, features, out);
}

/* The number that the base64 of the time says; any, for what is none. */
static uint32_t read_time(const uint8_t *text)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 6; i++) {
        int value = kith_base64_value(text[i]);
        bits = bits << 6 | (value > 0 ? (uint64_t)value : 0);
    }
    return (uint32_t)(bits >> 4);
}

bool kith_nonce_check(const kith_turn_access *access, kith_time now, const kith_address *client,
                      kith_span nonce, uint32_t *features)
{
    uint8_t right[KITH_NONCE];
    if (nonce.len != KITH_NONCE || !kith_stun_nonce_features(nonce, features))
        return false;
    uint32_t made = read_time(nonce.data + COOKIE_LEN + 4);
    write_nonce(access, made, client, *features, right);
    kith_time age = now / KITH_SECONDS(1) * KITH_SECONDS(1) - KITH_SECONDS((kith_time)made);
    return kith_equal_secret(right, nonce.data, KITH_NONCE) && age < access->nonce_lifetime;
}

/* ---- users ---- */

void kith_access_put_algorithms(kith_writer *w)
{
    static const kith_stun_algorithm offered[] = {KITH_STUN_ALGORITHM_SHA256,
                                                  KITH_STUN_ALGORITHM_MD5};
    kith_stun_put_algorithms(w, offered, 2);
}

/* RFC 8489 section 9.2.4: the list must have come back as it was, with one of its entries. Without
 * both it is MD5. NONE: a bad request. */
static kith_stun_algorithm algorithm_of(const kith_stun *m, uint32_t features)
{
    static const uint8_t offered[] = {0, 2, 0, 0, 0, 1, 0, 0};
    bool has_list = kith_stun_has(m, KITH_STUN_HAS_PASSWORD_ALGORITHMS);
    bool has_one = kith_stun_has(m, KITH_STUN_HAS_PASSWORD_ALGORITHM);
    if ((features & KITH_STUN_FEATURE_PASSWORD_ALGORITHMS) == 0 || (!has_list && !has_one))
        return KITH_STUN_ALGORITHM_MD5;
    if (!has_list || !has_one ||
        !kith_span_equal(m->password_algorithms, kith_span_of(offered, sizeof offered)))
        return KITH_STUN_ALGORITHM_NONE;
    if (m->password_algorithm != KITH_STUN_ALGORITHM_MD5 &&
        m->password_algorithm != KITH_STUN_ALGORITHM_SHA256)
        return KITH_STUN_ALGORITHM_NONE;
    return (kith_stun_algorithm)m->password_algorithm;
}

static const kith_known_user *find_user(const kith_turn_access *access, const kith_stun *m)
{
    bool by_name = kith_stun_has(m, KITH_STUN_HAS_USERNAME);
    for (size_t i = 0; i < access->user_count; i++) {
        const kith_known_user *user = &access->users[i];
        if (by_name ? kith_span_is(m->username, user->username)
                    : kith_span_equal(m->userhash, kith_span_of(user->userhash, 32)))
            return user;
    }
    return NULL;
}

static bool check_password(const kith_turn_access *access, const kith_stun *m,
                           kith_stun_algorithm algorithm, kith_span username, kith_span password,
                           kith_turn_key *key)
{
    bool sha256 = kith_stun_has(m, KITH_STUN_HAS_MESSAGE_INTEGRITY_SHA256);
    key->hash = sha256 ? KITH_HASH_SHA256 : KITH_HASH_SHA1;
    key->len = kith_stun_long_term_key(key->bytes, algorithm, username,
                                       kith_span_text(access->realm), password);
    kith_hmac *hmac =
        key->len > 0 ? kith_hmac_new(key->hash, kith_span_of(key->bytes, key->len)) : NULL;
    if (!hmac)
        return false;
    bool right =
        sha256 ? kith_stun_check_integrity_sha256(m, hmac) : kith_stun_check_integrity(m, hmac);
    kith_hmac_free(hmac);
    return right;
}

/* A time-limited name: its number is the second in which it expires. */
static bool has_expired(const kith_turn_access *access, kith_time now, kith_span username)
{
    kith_span rest = username;
    uint64_t expires, start = access->ntp_time_at_zero;
    if (!kith_span_u64(kith_span_cut(&rest, ':'), UINT64_MAX / 2, &expires))
        return true;
    if (start == 0)
        start = NTP_2026 * (uint64_t)1000000;
    return expires + UNIX_IN_NTP <= (start + (uint64_t)now) / 1000000;
}

static bool check_secret(const kith_turn_access *access, const kith_stun *m,
                         kith_stun_algorithm algorithm, const char *secret, kith_turn_key *key)
{
    uint8_t mac[KITH_HASH_MAX];
    char password[KITH_BASE64_LEN(KITH_HASH_MAX)];
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(secret));
    if (!hmac)
        return false;
    kith_hmac_sign(hmac, &m->username, 1, mac);
    kith_hmac_free(hmac);
    size_t len = kith_hash_size(KITH_HASH_SHA1);
    kith_base64_write(password, kith_span_of(mac, len));
    bool right = check_password(access, m, algorithm, m->username,
                                kith_span_of(password, KITH_BASE64_LEN(len)), key);
    kith_wipe(password, sizeof password);
    return right;
}

int kith_access_check(const kith_turn_access *access, kith_time now, const kith_stun *m,
                      uint32_t features, kith_span *username, kith_turn_key *key)
{
    kith_stun_algorithm algorithm = algorithm_of(m, features);
    if (algorithm == KITH_STUN_ALGORITHM_NONE)
        return 400;
    const kith_known_user *user = find_user(access, m);
    if (user) {
        *username = kith_span_text(user->username);
        kith_span password = kith_span_text(user->password);
        return check_password(access, m, algorithm, *username, password, key) ? 0 : 401;
    }
    *username = m->username;
    if (!kith_stun_has(m, KITH_STUN_HAS_USERNAME) || has_expired(access, now, m->username))
        return 401;
    for (size_t i = 0; i < 2; i++)
        if (access->secrets[i] && check_secret(access, m, algorithm, access->secrets[i], key))
            return 0;
    return 401;
}

kith_span kith_access_person(const kith_turn_access *access, kith_span username)
{
    kith_span rest = username;
    kith_span first = kith_span_cut(&rest, ':');
    uint64_t number;
    bool limited = has_secret(access) && first.len < username.len &&
                   kith_span_u64(first, UINT64_MAX / 2, &number);
    return limited ? rest : username;
}
