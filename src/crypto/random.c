/* A pool of random bytes per thread, because RAND_bytes costs as much for 12 bytes as for hundreds.
 * What is handed out is wiped from the pool, so that nothing later in the process can tell it. */
#include "crypto/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/memory.h"
#include "base/siphash.h"

#define POOL_SIZE 512

static _Thread_local struct {
    uint8_t bytes[POOL_SIZE];
    size_t left; /* they stand at the end */
    pid_t owner; /* a forked child must not hand out its parent's numbers */
} pool;

static void draw(uint8_t *out, size_t len)
{
    assert(len <= INT32_MAX);
    if (RAND_bytes(out, (int)len) != 1) {
        fputs("kith: OpenSSL has no random numbers\n", stderr);
        abort();
    }
}

void kith_random_forget(void)
{
    kith_wipe(&pool, sizeof pool);
}

void kith_random_bytes(void *out, size_t len)
{
    if (len > POOL_SIZE / 4) {
        draw(out, len);
        return;
    }
    if (pool.left < len || pool.owner != getpid()) {
        draw(pool.bytes, POOL_SIZE);
        pool.left = POOL_SIZE;
        pool.owner = getpid();
    }
    uint8_t *next = pool.bytes + (POOL_SIZE - pool.left);
    if (len > 0)
        memcpy(out, next, len);
    kith_wipe(next, len);
    pool.left -= len;
}

uint32_t kith_random_u32(void)
{
    uint32_t value;
    kith_random_bytes(&value, sizeof value);
    return value;
}

uint64_t kith_random_u64(void)
{
    uint64_t value;
    kith_random_bytes(&value, sizeof value);
    return value;
}

uint32_t kith_random_below(uint32_t bound)
{
    assert(bound > 0);
    /* 2^32 mod bound values would fall on the low results once more than on the others: redraw. */
    uint32_t surplus = (uint32_t)(0 - bound) % bound;
    uint32_t value = kith_random_u32();
    while (value < surplus)
        value = kith_random_u32();
    return value % bound;
}

void kith_random_text(char *out, size_t len)
{
    static const char ice_char[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    kith_random_bytes(out, len);
    for (size_t i = 0; i < len; i++)
        out[i] = ice_char[(unsigned char)out[i] & 63];
    out[len] = '\0';
}

void kith_random_order_init(kith_random_order *order)
{
    kith_random_bytes(order->key, sizeof order->key);
    order->drawn = 0;
}

/* A permutation of what was counted: of a Feistel network any round function makes one, and four
 * rounds of a keyed hash make a random one (Luby and Rackoff). */
uint32_t kith_random_order_next(kith_random_order *order)
{
    uint32_t left = order->drawn >> 16, right = order->drawn & 0xFFFF;
    for (uint8_t round = 0; round < 4; round++) {
        const uint8_t half[3] = {round, (uint8_t)(right >> 8), (uint8_t)right};
        uint32_t mixed = left ^ (uint16_t)kith_siphash(order->key, kith_span_of(half, sizeof half));
        left = right;
        right = mixed;
    }
    order->drawn++;
    return left << 16 | right;
}
