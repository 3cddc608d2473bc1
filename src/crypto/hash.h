/* Digests, HMAC and comparison in constant time. */
#ifndef KITH_CRYPTO_HASH_H
#define KITH_CRYPTO_HASH_H

#include "base/span.h"

typedef enum kith_hash {
    KITH_HASH_NONE,
    /* only the long-term key of RFC 8489 section 9.2.2; never a fingerprint */
    KITH_HASH_MD5,
    KITH_HASH_SHA1,
    KITH_HASH_SHA224,
    KITH_HASH_SHA256,
    KITH_HASH_SHA384,
    KITH_HASH_SHA512,
} kith_hash;

#define KITH_HASH_MAX 64

size_t kith_hash_size(kith_hash hash);
/* "sha-256" as in RFC 8122; NULL for KITH_HASH_NONE. */
const char *kith_hash_name(kith_hash hash);
/* By that name, ASCII case ignored; KITH_HASH_NONE when unknown. */
kith_hash kith_hash_by_name(kith_span name);
/* Writes kith_hash_size bytes. False only when out of memory. */
bool kith_hash_digest(kith_hash hash, kith_span data, uint8_t *out) KITH_MUST_CHECK;

/* A keyed HMAC that is used again and again: six times cheaper than a one-shot. */
typedef struct kith_hmac kith_hmac;
kith_hmac *kith_hmac_new(kith_hash hash, kith_span key) KITH_MUST_CHECK; /* NULL: no memory */
void kith_hmac_free(kith_hmac *hmac);
/* The MAC of the spans one after the other. */
void kith_hmac_sign(kith_hmac *hmac, const kith_span *parts, size_t count, uint8_t *out);

/* Equal, in a time that does not depend on where they differ. */
bool kith_equal_secret(const void *a, const void *b, size_t len);

#endif
