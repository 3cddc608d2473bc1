/* Random numbers from OpenSSL, drawn in bulk per thread. */
#ifndef KITH_CRYPTO_RANDOM_H
#define KITH_CRYPTO_RANDOM_H

#include "kith/base.h"

/* Cryptographically random bytes. Aborts when the system has none: nothing would be safe then. */
void kith_random_bytes(void *out, size_t len);
uint32_t kith_random_u32(void);
uint64_t kith_random_u64(void);
/* Uniform in [0, bound). */
uint32_t kith_random_below(uint32_t bound);
/* All numbers of 32 bits in a random order, each of them once; how many were drawn and the key of
 * the order is all that it takes to know which ones are left. */
typedef struct kith_random_order {
    uint64_t key[2];
    uint32_t drawn;
} kith_random_order;

void kith_random_order_init(kith_random_order *order);
uint32_t kith_random_order_next(kith_random_order *order);
/* `len` characters of ALPHA / DIGIT / "+" / "/" (ice-char, RFC 8839 section 5.4), 6 bits each, and
 * a NUL. */
void kith_random_text(char *out, size_t len);
/* Drops what this thread has drawn ahead. A simulation calls it after it installed its own
 * RAND_METHOD, and what follows depends on nothing but that method's seed. */
void kith_random_forget(void);

#endif
