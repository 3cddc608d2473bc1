/* Records that no key holder made, of any type, epoch, length and content. */
#ifndef KITH_TESTS_TLS_FORGE_H
#define KITH_TESTS_TLS_FORGE_H

#include "duo.h"

typedef enum forge_fill {
    FORGE_ZEROS,
    FORGE_ONES,
    FORGE_NOISE,
    /* What the type would say in the clear: a fatal alert, a ChangeCipherSpec. */
    FORGE_SHAPED,
    FORGE_FILLS,
} forge_fill;

typedef struct forgery {
    uint8_t type;
    uint16_t epoch;
    uint64_t seq;
    size_t body;
    forge_fill fill;
} forgery;

#define FORGE_MAX (13 + 65535)

static inline uint8_t forge_noise(void)
{
    static uint32_t state = 12345;
    state = state * 1103515245u + 12345u;
    return (uint8_t)(state >> 16);
}

/* A sequence number that no record has had, far ahead of the peer's own. */
static inline uint64_t forge_fresh_seq(void)
{
    static uint64_t seq = 1000;
    return ++seq;
}

static inline uint8_t forge_byte(const forgery *f, size_t at)
{
    static const uint8_t alert[] = {2, 40};
    switch (f->fill) {
    case FORGE_ONES:
        return 0xff;
    case FORGE_NOISE:
        return forge_noise();
    case FORGE_SHAPED:
        if (f->type == 21 && at < sizeof alert)
            return alert[at];
        return f->type == 20 && at == 0 ? 1 : forge_noise();
    case FORGE_ZEROS:
    case FORGE_FILLS:
        break;
    }
    return 0;
}

/* Writes at most FORGE_MAX bytes. */
static inline size_t forge(uint8_t *out, const forgery *f)
{
    out[0] = f->type;
    out[1] = 0xfe;
    out[2] = 0xfd;
    out[3] = (uint8_t)(f->epoch >> 8);
    out[4] = (uint8_t)f->epoch;
    for (int i = 0; i < 6; i++)
        out[5 + i] = (uint8_t)(f->seq >> (40 - 8 * i));
    out[11] = (uint8_t)(f->body >> 8);
    out[12] = (uint8_t)f->body;
    for (size_t i = 0; i < f->body; i++)
        out[13 + i] = forge_byte(f, i);
    return 13 + f->body;
}

/* A copy of exactly its size, so that a sanitizer sees a read past the end. */
static inline void forge_put(duo *d, int to, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, data, len);
    kith_dtls_input(d->side[to], d->now, exact, len);
    duo_drain(d, to);
    free(exact);
}

static inline void forge_inject(duo *d, int to, const forgery *f)
{
    static uint8_t record[FORGE_MAX];
    forge_put(d, to, record, forge(record, f));
}

#endif
