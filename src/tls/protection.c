/* Record payload protection with an AEAD.
 *
 * That no nonce is used twice under one key is what GCM's security rests on (RFC 5288 section 6).
 * - ChaCha20-Poly1305's nonce is made of epoch and sequence number (RFC 7905 section 2), which only
 *   counts upwards.
 * - GCM's nonce_explicit is a counter as well, and only counts upwards, modulo 2^64: 2^48 sequence
 *   numbers end long before it comes round.
 * Both go on behind the last record that OpenSSL wrote (handshake.c says why that is enough). */
#include "tls/protection.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/memory.h"
#include "base/reader.h"
#include "base/writer.h"

/* The epoch behind the first ChangeCipherSpec (RFC 6347 section 4.1). */
#define EPOCH 1
/* additional_data: seq_num, type, version, length (RFC 5246 section 6.2.3.3). */
#define ADDITIONAL_DATA 13
#define WINDOW          64

/* ---- suites ---- */

/* RFC 5289 section 3.2, RFC 7905 section 3. */
static const kith_dtls_suite suites[] = {
    {0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", EVP_aes_128_gcm, 16, 4, 8, "SHA256"},
    {0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", EVP_aes_128_gcm, 16, 4, 8, "SHA256"},
    {0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", EVP_chacha20_poly1305, 32, 12, 0,
     "SHA256"},
    {0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", EVP_chacha20_poly1305, 32, 12, 0,
     "SHA256"},
    {0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", EVP_aes_256_gcm, 32, 4, 8, "SHA384"},
    {0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", EVP_aes_256_gcm, 32, 4, 8, "SHA384"},
};

const kith_dtls_suite *kith_dtls_suite_find(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

size_t kith_dtls_suite_overhead(const kith_dtls_suite *suite)
{
    return suite->explicit_len + KITH_DTLS_TAG;
}

/* ---- keys ---- */

/* PRF(secret, label, seed), RFC 5246 section 5, as OpenSSL's TLS1-PRF computes it. */
static bool derive(const kith_dtls_security_parameters *p, uint8_t *out, size_t len)
{
    static const char label[] = "key expansion";
    uint8_t seed[sizeof label - 1 + sizeof p->server_random + sizeof p->client_random];
    kith_writer w = kith_wr(seed, sizeof seed);
    kith_wr_text(&w, label);
    kith_wr_bytes(&w, p->server_random, sizeof p->server_random);
    kith_wr_bytes(&w, p->client_random, sizeof p->client_random);
    EVP_KDF *prf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *context = prf ? EVP_KDF_CTX_new(prf) : NULL;
    EVP_KDF_free(prf);
    /* OpenSSL's parameters are not const, and are only read. */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)p->suite->hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)p->master_secret,
                                          sizeof p->master_secret),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
        OSSL_PARAM_construct_end(),
    };
    bool derived = context && EVP_KDF_derive(context, out, len, params) == 1;
    EVP_KDF_CTX_free(context);
    return derived;
}

/* The MAC keys, which come first in RFC 5246 section 6.3, are empty for an AEAD. */
bool kith_dtls_derive_keys(const kith_dtls_security_parameters *parameters,
                           kith_dtls_write_keys *client, kith_dtls_write_keys *server)
{
    uint8_t block[2 * sizeof(kith_dtls_write_keys)];
    size_t key = parameters->suite->key_len, iv = parameters->suite->iv_len;
    bool derived = derive(parameters, block, 2 * (key + iv));
    if (derived) {
        kith_reader r = kith_rd(block, 2 * (key + iv));
        kith_rd_copy(&r, client->key, key);
        kith_rd_copy(&r, server->key, key);
        kith_rd_copy(&r, client->iv, iv);
        kith_rd_copy(&r, server->iv, iv);
    }
    kith_wipe(block, sizeof block);
    return derived;
}

static EVP_CIPHER_CTX *new_cipher(const kith_dtls_suite *suite, const uint8_t *key,
                                  bool is_encrypting)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher && EVP_CipherInit_ex(cipher, suite->cipher(), NULL, key, NULL, is_encrypting) == 1)
        return cipher;
    EVP_CIPHER_CTX_free(cipher);
    return NULL;
}

bool kith_dtls_write_state_init(kith_dtls_write_state *state, const kith_dtls_suite *suite,
                                const kith_dtls_write_keys *keys)
{
    *state = (kith_dtls_write_state){.suite = suite};
    memcpy(state->iv, keys->iv, sizeof state->iv);
    state->cipher = new_cipher(suite, keys->key, true);
    return state->cipher;
}

bool kith_dtls_read_state_init(kith_dtls_read_state *state, const kith_dtls_suite *suite,
                               const kith_dtls_write_keys *keys)
{
    *state = (kith_dtls_read_state){.suite = suite};
    memcpy(state->iv, keys->iv, sizeof state->iv);
    state->cipher = new_cipher(suite, keys->key, false);
    return state->cipher;
}

/* OpenSSL wipes the keys that it holds. */
void kith_dtls_write_state_deinit(kith_dtls_write_state *state)
{
    EVP_CIPHER_CTX_free(state->cipher);
    kith_wipe(state, sizeof *state);
}

void kith_dtls_read_state_deinit(kith_dtls_read_state *state)
{
    EVP_CIPHER_CTX_free(state->cipher);
    kith_wipe(state, sizeof *state);
}

/* ---- one record ---- */

static void put_u64(uint8_t out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* seq_num of DTLS is epoch and sequence number, RFC 6347 section 4.1.2.1. */
static uint64_t numbered(uint64_t sequence)
{
    return (uint64_t)EPOCH << 48 | sequence;
}

/* GCM: salt and nonce_explicit (RFC 5288 section 3). ChaCha20-Poly1305: seq_num padded on the left,
 * XORed with the IV (RFC 7905 section 2). */
static void make_nonce(uint8_t nonce[KITH_DTLS_NONCE], const kith_dtls_suite *suite,
                       const uint8_t *iv, uint64_t sequence, const uint8_t *explicit_nonce)
{
    memcpy(nonce, iv, suite->iv_len);
    if (suite->explicit_len > 0) {
        memcpy(nonce + suite->iv_len, explicit_nonce, suite->explicit_len);
        return;
    }
    uint8_t number[8];
    put_u64(number, numbered(sequence));
    for (size_t i = 0; i < sizeof number; i++)
        nonce[KITH_DTLS_NONCE - sizeof number + i] ^= number[i];
}

/* length is that of the data. */
static void make_additional_data(uint8_t aad[ADDITIONAL_DATA], uint64_t sequence, uint8_t type,
                                 size_t len)
{
    put_u64(aad, numbered(sequence));
    aad[8] = type;
    aad[9] = KITH_DTLS_VERSION >> 8;
    aad[10] = KITH_DTLS_VERSION & 0xff;
    aad[11] = (uint8_t)(len >> 8);
    aad[12] = (uint8_t)len;
}

/* data and tag into `out`. */
static bool encrypt(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *aad, kith_span data,
                    uint8_t *out)
{
    int len = 0, rest = 0;
    return EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce) == 1 &&
           EVP_EncryptUpdate(c, NULL, &len, aad, ADDITIONAL_DATA) == 1 &&
           (data.len == 0 || EVP_EncryptUpdate(c, out, &len, data.data, (int)data.len) == 1) &&
           EVP_EncryptFinal_ex(c, out + data.len, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, KITH_DTLS_TAG, out + data.len) == 1;
}

size_t kith_dtls_protect(kith_dtls_write_state *state, uint8_t type, kith_span data, uint8_t *buf,
                         size_t cap)
{
    const kith_dtls_suite *suite = state->suite;
    size_t body = kith_dtls_suite_overhead(suite) + data.len;
    if (data.len > KITH_DTLS_MAX_DATA || cap < KITH_DTLS_HEADER + body ||
        state->sequence > KITH_DTLS_MAX_SEQUENCE)
        return 0;
    uint64_t sequence = state->sequence++;
    uint8_t number[KITH_DTLS_EXPLICIT_NONCE], nonce[KITH_DTLS_NONCE], aad[ADDITIONAL_DATA];
    put_u64(number, state->explicit_nonce++);
    make_nonce(nonce, suite, state->iv, sequence, number);
    make_additional_data(aad, sequence, type, data.len);
    kith_writer w = kith_wr(buf, cap);
    kith_dtls_record_write(&w, type, EPOCH, sequence, body);
    kith_wr_bytes(&w, number, suite->explicit_len);
    bool encrypted = encrypt(state->cipher, nonce, aad, data, buf + w.len);
    return encrypted ? KITH_DTLS_HEADER + body : 0;
}

static bool decrypt(EVP_CIPHER_CTX *c, const uint8_t *nonce, const uint8_t *aad, kith_span sealed,
                    uint8_t *out)
{
    int len = 0, rest = 0;
    /* OpenSSL's parameter is not const, and is only read. */
    return EVP_DecryptInit_ex(c, NULL, NULL, NULL, nonce) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, KITH_DTLS_TAG,
                               (void *)(sealed.data + sealed.len)) == 1 &&
           EVP_DecryptUpdate(c, NULL, &len, aad, ADDITIONAL_DATA) == 1 &&
           (sealed.len == 0 ||
            EVP_DecryptUpdate(c, out, &len, sealed.data, (int)sealed.len) == 1) &&
           EVP_DecryptFinal_ex(c, out + sealed.len, &rest) == 1;
}

/* Left of the window counts as received. */
static bool is_received(const kith_dtls_read_state *state, uint64_t sequence)
{
    if (state->window == 0 || sequence > state->highest)
        return false;
    uint64_t age = state->highest - sequence;
    return age >= WINDOW || (state->window >> age & 1) != 0;
}

void kith_dtls_mark_received(kith_dtls_read_state *state, uint64_t sequence)
{
    if (state->window == 0)
        state->highest = sequence;
    if (sequence > state->highest) {
        uint64_t ahead = sequence - state->highest;
        state->window = ahead < WINDOW ? state->window << ahead : 0;
        state->highest = sequence;
    }
    uint64_t age = state->highest - sequence;
    if (age < WINDOW)
        state->window |= (uint64_t)1 << age;
}

/* "The receive window is updated only if the MAC verification succeeds." */
bool kith_dtls_open(kith_dtls_read_state *state, const kith_dtls_record *record, uint8_t *buf,
                    size_t cap, kith_span *data)
{
    const kith_dtls_suite *suite = state->suite;
    size_t overhead = kith_dtls_suite_overhead(suite);
    if (record->epoch != EPOCH || record->version != KITH_DTLS_VERSION ||
        record->body.len < overhead || is_received(state, record->sequence))
        return false;
    kith_span sealed =
        kith_span_of(record->body.data + suite->explicit_len, record->body.len - overhead);
    if (sealed.len > cap || sealed.len > KITH_DTLS_MAX_DATA)
        return false;
    uint8_t nonce[KITH_DTLS_NONCE], aad[ADDITIONAL_DATA];
    make_nonce(nonce, suite, state->iv, record->sequence, record->body.data);
    make_additional_data(aad, record->sequence, record->type, sealed.len);
    if (!decrypt(state->cipher, nonce, aad, sealed, buf))
        return false;
    kith_dtls_mark_received(state, record->sequence);
    *data = kith_span_of(buf, sealed.len);
    return true;
}
