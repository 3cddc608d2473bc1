/* Fingerprints of certificates, as a=fingerprint carries them (RFC 8122 section 5). Comparing them
 * is the one thing that ties a DTLS peer to the description that was signalled. */
#include <string.h>

#include "crypto/certificate.h"

bool kith_fingerprint_of(kith_fingerprint *out, kith_hash hash, kith_span der)
{
    *out = (kith_fingerprint){.hash = hash};
    return kith_hash_digest(hash, der, out->digest);
}

const char *kith_fingerprint_format(const kith_fingerprint *fp, char buf[KITH_FINGERPRINT_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = kith_hash_size(fp->hash);
    char *at = buf;
    for (size_t i = 0; i < size; i++) {
        if (i > 0)
            *at++ = ':';
        *at++ = digits[fp->digest[i] >> 4];
        *at++ = digits[fp->digest[i] & 15];
    }
    *at = '\0';
    return buf;
}

bool kith_fingerprint_parse(kith_fingerprint *out, kith_span hash_name, kith_span hex)
{
    kith_hash hash = kith_hash_by_name(hash_name);
    if (hash == KITH_HASH_NONE || hash == KITH_HASH_MD5)
        return false;
    size_t size = kith_hash_size(hash);
    if (hex.len != 3 * size - 1)
        return false;
    kith_fingerprint fp = {.hash = hash};
    for (size_t i = 0; i < size; i++) {
        const uint8_t *pair = hex.data + 3 * i;
        int high = kith_span_hex_digit(pair[0]), low = kith_span_hex_digit(pair[1]);
        if (high < 0 || low < 0 || (i + 1 < size && pair[2] != ':'))
            return false;
        fp.digest[i] = (uint8_t)(high << 4 | low);
    }
    *out = fp;
    return true;
}

bool kith_fingerprint_equal(const kith_fingerprint *a, const kith_fingerprint *b)
{
    /* the digests are compared whole: what is past their size is 0 */
    bool same_digest = kith_equal_secret(a->digest, b->digest, sizeof a->digest);
    return a->hash == b->hash && a->hash != KITH_HASH_NONE && same_digest;
}
