/* The virtual clock and seeded randomness of a simulation. OpenSSL's DTLS timer asks gettimeofday:
 * this program defines it, so that the whole stack lives in virtual time. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD is the way to make 3.x repeatable */
#include <openssl/rand.h>
#include <string.h>
#include <sys/time.h>

#include "crypto/random.h"
#include "world.h"

static kith_time now = KITH_SECONDS(1);

kith_time virtual_now(void)
{
    return now;
}

void virtual_advance(kith_time to)
{
    if (to > now)
        now = to;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = (time_t)(now / 1000000);
    tv->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}

/* SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to drop packets by. */
uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t random_state;

static int seeded_bytes(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++)
        out[i] = (unsigned char)(next_random(&random_state) >> 32);
    return 1;
}

static int seeded_status(void)
{
    return 1;
}

void seed_randomness(uint64_t seed)
{
    static RAND_METHOD method;
    memset(&method, 0, sizeof method);
    method.bytes = seeded_bytes;
    method.pseudorand = seeded_bytes;
    method.status = seeded_status;
    random_state = seed;
    RAND_set_rand_method(&method);
    kith_random_forget();
}
