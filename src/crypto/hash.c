/* Digests and HMAC by OpenSSL. What each may be used for is decided where it is used. */
#define OPENSSL_SUPPRESS_DEPRECATED /* HMAC_CTX: three times as fast as copying an EVP_MAC_CTX */
#include "crypto/hash.h"

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/memory.h"
#include "crypto/random.h"

/* A row per hash. Names: the registry of RFC 8122 section 5. */
static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*md)(void);
} hashes[] = {
    [KITH_HASH_MD5] = {"md5", 16, EVP_md5},
    [KITH_HASH_SHA1] = {"sha-1", 20, EVP_sha1},
    [KITH_HASH_SHA224] = {"sha-224", 28, EVP_sha224},
    [KITH_HASH_SHA256] = {"sha-256", 32, EVP_sha256},
    [KITH_HASH_SHA384] = {"sha-384", 48, EVP_sha384},
    [KITH_HASH_SHA512] = {"sha-512", 64, EVP_sha512},
};

size_t kith_hash_size(kith_hash hash)
{
    return hashes[hash].size;
}

const char *kith_hash_name(kith_hash hash)
{
    return hashes[hash].name;
}

kith_hash kith_hash_by_name(kith_span name)
{
    for (int hash = KITH_HASH_MD5; hash <= KITH_HASH_SHA512; hash++)
        if (kith_span_is_nocase(name, hashes[hash].name))
            return (kith_hash)hash;
    return KITH_HASH_NONE;
}

bool kith_hash_digest(kith_hash hash, kith_span data, uint8_t *out)
{
    assert(hash != KITH_HASH_NONE);
    return EVP_Digest(data.data, data.len, out, NULL, hashes[hash].md(), NULL) == 1;
}

struct kith_hmac {
    HMAC_CTX *keyed;
    kith_hash hash;
};

kith_hmac *kith_hmac_new(kith_hash hash, kith_span key)
{
    assert(hash != KITH_HASH_NONE && key.len <= INT32_MAX);
    kith_hmac *hmac = kith_alloc_zero(1, sizeof *hmac);
    if (!hmac)
        return NULL;
    hmac->hash = hash;
    hmac->keyed = HMAC_CTX_new();
    /* a NULL key would mean "the one you have" */
    const void *bytes = key.len > 0 ? key.data : (const uint8_t *)"";
    if (!hmac->keyed ||
        HMAC_Init_ex(hmac->keyed, bytes, (int)key.len, hashes[hash].md(), NULL) != 1) {
        kith_hmac_free(hmac);
        return NULL;
    }
    return hmac;
}

void kith_hmac_free(kith_hmac *hmac)
{
    if (!hmac)
        return;
    HMAC_CTX_free(hmac->keyed);
    kith_free(hmac);
}

void kith_hmac_sign(kith_hmac *hmac, const kith_span *parts, size_t count, uint8_t *out)
{
    bool done = HMAC_Init_ex(hmac->keyed, NULL, 0, NULL, NULL) == 1;
    for (size_t i = 0; i < count && done; i++)
        done = parts[i].len == 0 || HMAC_Update(hmac->keyed, parts[i].data, parts[i].len) == 1;
    /* Out of memory inside OpenSSL: a MAC that nobody can guess makes it a lost packet. */
    if (!done || HMAC_Final(hmac->keyed, out, NULL) != 1)
        kith_random_bytes(out, hashes[hmac->hash].size);
}

bool kith_equal_secret(const void *a, const void *b, size_t len)
{
    return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}
