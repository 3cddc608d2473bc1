/* Two sessions with the keys of one handshake, packets that carry what they are, and an SRTP of our
 * own (oracle_*) that follows the RFCs' formulas with OpenSSL's AES and nothing of libsrtp2. */
#ifndef KITH_TESTS_SRTP_KIT_H
#define KITH_TESTS_SRTP_KIT_H

#include "../unit.h"
#include "srtp/session.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

#include "base/error.h"
#include "srtp/packet.h"

#define ALICE 0 /* the DTLS client */
#define BOB   1

static const uint16_t all_profiles[] = {KITH_SRTP_AES128_CM_HMAC_SHA1_80,
                                        KITH_SRTP_AEAD_AES_128_GCM, KITH_SRTP_AEAD_AES_256_GCM};
#define PROFILES (sizeof all_profiles / sizeof all_profiles[0])

static inline kith_srtp_keys kit_keys(uint16_t profile)
{
    const kith_srtp_profile *p = kith_srtp_profile_of(profile);
    kith_srtp_keys keys = {.key_len = p->key_len, .salt_len = p->salt_len};
    for (size_t i = 0; i < 32; i++) {
        keys.client_key[i] = (uint8_t)(i * 7 + 1);
        keys.server_key[i] = (uint8_t)(i * 11 + 128 + 1);
    }
    for (size_t i = 0; i < 14; i++) {
        keys.client_salt[i] = (uint8_t)(i * 13 + 1);
        keys.server_salt[i] = (uint8_t)(i * 17 + 64 + 1);
    }
    return keys;
}

typedef struct kit {
    kith_srtp_session *side[2];
} kit;

static inline void kit_new(kit *k, uint16_t profile)
{
    kith_srtp_keys keys = kit_keys(profile);
    for (int i = 0; i < 2; i++) {
        kith_srtp_config config = {.profile = profile, .keys = &keys, .is_client = i == ALICE};
        ck_assert_int_eq(kith_srtp_new(&k->side[i], &config), KITH_OK);
    }
}

static inline void kit_free(kit *k)
{
    kith_srtp_free(k->side[ALICE]);
    kith_srtp_free(k->side[BOB]);
}

typedef struct packet_bytes {
    uint8_t bytes[2100];
    size_t len;
} packet_bytes;

static inline void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* RTP with so many bytes of payload, which depend on all that is given. */
static inline packet_bytes kit_rtp(uint32_t ssrc, uint16_t seq, size_t payload)
{
    packet_bytes p = {.bytes = {0x80, 96, (uint8_t)(seq >> 8), (uint8_t)seq}, .len = 12 + payload};
    put_u32(p.bytes + 4, seq * 3000u);
    put_u32(p.bytes + 8, ssrc);
    for (size_t i = 12; i < p.len; i++)
        p.bytes[i] = (uint8_t)(i + seq + ssrc);
    return p;
}

/* A receiver report. */
static inline packet_bytes kit_rtcp(uint32_t ssrc, uint8_t mark)
{
    packet_bytes p = {.bytes = {0x81, 201, 0, 7}, .len = 32};
    put_u32(p.bytes + 4, ssrc);
    memset(p.bytes + 8, mark, 24);
    return p;
}

static inline kith_err kit_protect(kith_srtp_session *session, packet_bytes *p)
{
    return kith_srtp_protect_rtp(session, p->bytes, &p->len, sizeof p->bytes);
}

static inline kith_err kit_protect_rtcp(kith_srtp_session *session, packet_bytes *p)
{
    return kith_srtp_protect_rtcp(session, p->bytes, &p->len, sizeof p->bytes);
}

/* A packet from `side`, encrypted. */
static inline packet_bytes kit_sent(kit *k, int side, uint32_t ssrc, uint16_t seq)
{
    packet_bytes p = kit_rtp(ssrc, seq, 50);
    ck_assert_int_eq(kit_protect(k->side[side], &p), KITH_OK);
    return p;
}

/* The copy is decrypted, the packet stays as it is. */
static inline bool kit_takes(kit *k, int side, packet_bytes p)
{
    kith_srtp_rtp_header header;
    p.len = kith_srtp_unprotect_rtp(k->side[side], p.bytes, p.len);
    if (p.len == 0)
        return false;
    ck_assert(kith_srtp_read_rtp(&header, p.bytes, p.len));
    packet_bytes plain = kit_rtp(header.ssrc, header.sequence_number, p.len - 12);
    ck_assert_mem_eq(p.bytes, plain.bytes, plain.len);
    return true;
}

static inline bool kit_takes_rtcp(kit *k, int side, packet_bytes p)
{
    return kith_srtp_unprotect_rtcp(k->side[side], p.bytes, p.len) > 0;
}

/* xorshift: the same on every machine. */
static inline uint32_t kit_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- the oracle ---- */

static inline size_t from_hex(uint8_t *out, const char *hex)
{
    size_t len = 0;
    for (unsigned byte; sscanf(hex, " %2x", &byte) == 1; hex += 2 + (*hex == ' '))
        out[len++] = (uint8_t)byte;
    return len;
}

/* XORs the key stream of AES in counter mode into data. */
static inline void oracle_ctr(const uint8_t *key, size_t key_len, const uint8_t iv[16],
                              uint8_t *data, size_t len)
{
    int done;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr();
    ck_assert_int_eq(EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, data, &done, data, (int)len), 1);
    EVP_CIPHER_CTX_free(ctx);
}

/* RFC 3711 section 4.3: the session key of that label. */
static inline void oracle_kdf(const uint8_t *key, size_t key_len, const uint8_t *salt,
                              size_t salt_len, uint8_t label, uint8_t *out, size_t len)
{
    uint8_t iv[16] = {0};
    memcpy(iv, salt, salt_len);
    iv[7] ^= label;
    memset(out, 0, len);
    oracle_ctr(key, key_len, iv, out, len);
}

typedef struct oracle_session {
    bool gcm;
    size_t key_len;
    uint8_t key[32], salt[14], auth[20];
} oracle_session;

/* For RTP `first_label` is 0, for RTCP 3. */
static inline oracle_session oracle_derive(uint16_t profile, const uint8_t *key,
                                           const uint8_t *salt, uint8_t first_label)
{
    const kith_srtp_profile *p = kith_srtp_profile_of(profile);
    oracle_session s = {.gcm = profile != KITH_SRTP_AES128_CM_HMAC_SHA1_80, .key_len = p->key_len};
    oracle_kdf(key, p->key_len, salt, p->salt_len, first_label, s.key, p->key_len);
    oracle_kdf(key, p->key_len, salt, p->salt_len, first_label + 1, s.auth, 20);
    oracle_kdf(key, p->key_len, salt, p->salt_len, first_label + 2, s.salt, p->salt_len);
    return s;
}

static inline void oracle_gcm(const oracle_session *s, const uint8_t iv[12], kith_span aad,
                              kith_span more_aad, uint8_t *data, size_t len)
{
    int done;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = s->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    ck_assert_int_eq(EVP_EncryptInit_ex(ctx, cipher, NULL, s->key, iv), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, NULL, &done, aad.data, (int)aad.len), 1);
    if (more_aad.len > 0)
        ck_assert_int_eq(EVP_EncryptUpdate(ctx, NULL, &done, more_aad.data, (int)more_aad.len), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, data, &done, data, (int)len), 1);
    ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, data + len, &done), 1);
    ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, data + len), 1);
    EVP_CIPHER_CTX_free(ctx);
}

/* RFC 3711 section 4.1.1: salt * 2^16 XOR ssrc * 2^64 XOR index * 2^16. */
static inline void oracle_cm(const oracle_session *s, const uint8_t ssrc[4], uint64_t index,
                             uint8_t *data, size_t len)
{
    uint8_t iv[16] = {0};
    memcpy(iv, s->salt, 14);
    for (int i = 0; i < 4; i++)
        iv[4 + i] ^= ssrc[i];
    for (int i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    oracle_ctr(s->key, s->key_len, iv, data, len);
}

static inline void oracle_protect_rtp(const oracle_session *s, packet_bytes *p, size_t header_len,
                                      uint32_t roc)
{
    uint16_t seq = (uint16_t)(p->bytes[2] << 8 | p->bytes[3]);
    if (s->gcm) { /* RFC 7714 section 8.1 */
        uint8_t iv[12] = {0};
        memcpy(iv + 2, p->bytes + 8, 4);
        put_u32(iv + 6, roc);
        memcpy(iv + 10, p->bytes + 2, 2);
        for (int i = 0; i < 12; i++)
            iv[i] ^= s->salt[i];
        oracle_gcm(s, iv, kith_span_of(p->bytes, header_len), kith_span_of(NULL, 0),
                   p->bytes + header_len, p->len - header_len);
        p->len += 16;
        return;
    }
    uint8_t tag[20];
    oracle_cm(s, p->bytes + 8, (uint64_t)roc << 16 | seq, p->bytes + header_len,
              p->len - header_len);
    put_u32(p->bytes + p->len, roc);
    HMAC(EVP_sha1(), s->auth, 20, p->bytes, p->len + 4, tag, NULL);
    memcpy(p->bytes + p->len, tag, 10);
    p->len += 10;
}

static inline void oracle_protect_rtcp(const oracle_session *s, packet_bytes *p, uint32_t index)
{
    uint8_t trailer[4], tag[20];
    put_u32(trailer, index | 0x80000000);
    if (s->gcm) { /* RFC 7714 section 9.1 */
        uint8_t iv[12] = {0};
        memcpy(iv + 2, p->bytes + 4, 4);
        put_u32(iv + 8, index);
        for (int i = 0; i < 12; i++)
            iv[i] ^= s->salt[i];
        oracle_gcm(s, iv, kith_span_of(p->bytes, 8), kith_span_of(trailer, 4), p->bytes + 8,
                   p->len - 8);
        memcpy(p->bytes + p->len + 16, trailer, 4);
        p->len += 20;
        return;
    }
    oracle_cm(s, p->bytes + 4, index, p->bytes + 8, p->len - 8);
    memcpy(p->bytes + p->len, trailer, 4);
    HMAC(EVP_sha1(), s->auth, 20, p->bytes, p->len + 4, tag, NULL);
    memcpy(p->bytes + p->len + 4, tag, 10);
    p->len += 14;
}

#endif
