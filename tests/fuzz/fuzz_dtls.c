/* DTLS: two associations whose wire the input rules: it delivers, changes, doubles, drops and
 * invents datagrams, lets time pass and closes. Whatever it does, only what one side sent comes out
 * at the other, and only after a verified handshake.
 *
 * An input is a list of steps of one byte, its low bits what to do and its high bit to which side,
 * with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "tls/dtls.h"

enum step { DELIVER, CHANGE, DOUBLE, DROP, INVENT, WAIT, SEND, CLOSE, STEPS };

#define QUEUE 32
static const char message[] = "kith";

typedef struct datagram {
    size_t len;
    uint8_t bytes[1600];
} datagram;

typedef struct pair {
    kith_dtls *side[2];
    datagram queue[2][QUEUE]; /* for side i */
    size_t count[2];
    kith_time now;
} pair;

static kith_certificate *certificate(int side)
{
    static kith_certificate *made[2];
    if (!made[side] &&
        kith_certificate_generate(&made[side], KITH_KEY_ECDSA_P256, 1700000000) != KITH_OK)
        abort();
    return made[side];
}

static kith_dtls *new_side(int side)
{
    kith_fingerprint fp;
    if (!kith_fingerprint_of(&fp, KITH_HASH_SHA256, kith_certificate_der(certificate(!side))))
        abort();
    kith_certificate *own = certificate(side);
    const kith_dtls_config config = {.certificates = &own,
                                     .certificate_count = 1,
                                     .role = side == 0 ? KITH_DTLS_CLIENT : KITH_DTLS_SERVER,
                                     .fingerprints = &fp,
                                     .fingerprint_count = 1,
                                     .mtu = 600};
    kith_dtls *dtls = NULL;
    if (kith_dtls_new(&dtls, &config) != KITH_OK)
        abort();
    kith_dtls_start(dtls);
    return dtls;
}

static void collect(pair *p)
{
    datagram d;
    for (int i = 0; i < 2; i++)
        while ((d.len = kith_dtls_output(p->side[i], p->now, d.bytes, sizeof d.bytes)) > 0)
            if (p->count[!i] < QUEUE)
                p->queue[!i][p->count[!i]++] = d;
}

static void input(pair *p, int to, const uint8_t *data, size_t len)
{
    kith_dtls_event ev;
    uint8_t *exact = malloc(len + (len == 0));
    if (!exact)
        abort();
    if (len > 0)
        memcpy(exact, data, len);
    kith_dtls_input(p->side[to], p->now, exact, len);
    while (kith_dtls_event_next(p->side[to], &ev)) {
        if (ev.type == KITH_DTLS_EV_STATE)
            continue;
        assert(kith_dtls_get_state(p->side[to]) == KITH_DTLS_CONNECTED);
        assert(ev.data.len == sizeof message && memcmp(ev.data.data, message, sizeof message) == 0);
    }
    free(exact);
}

static void shift(pair *p, int to)
{
    p->count[to]--;
    memmove(p->queue[to], p->queue[to] + 1, p->count[to] * sizeof p->queue[to][0]);
}

static void deliver(pair *p, int to, kith_reader *r, enum step step)
{
    datagram *first = &p->queue[to][0];
    if (p->count[to] == 0)
        return;
    if (step == CHANGE) {
        size_t at = kith_rd_u16(r) % first->len;
        first->bytes[at] ^= kith_rd_u8(r);
    }
    if (step != DROP)
        input(p, to, first->bytes, first->len);
    if (step == DELIVER || step == DROP)
        shift(p, to);
}

static void send_message(pair *p, int to)
{
    datagram *d = &p->queue[to][p->count[to]];
    if (p->count[to] == QUEUE)
        return;
    d->len = kith_dtls_send(p->side[!to], (const uint8_t *)message, sizeof message, d->bytes,
                            sizeof d->bytes);
    p->count[to] += d->len > 0;
}

static void wait_for(pair *p, kith_time span)
{
    p->now += span;
    for (int i = 0; i < 2; i++)
        kith_dtls_tick(p->side[i], p->now);
}

static void take_step(pair *p, kith_reader *r)
{
    uint8_t byte = kith_rd_u8(r);
    int to = byte >> 7;
    switch ((enum step)(byte % STEPS)) {
    case DELIVER:
    case CHANGE:
    case DOUBLE:
    case DROP:
        deliver(p, to, r, (enum step)(byte % STEPS));
        break;
    case INVENT: {
        kith_span data = kith_rd_span(r, kith_rd_u8(r));
        input(p, to, data.data, data.len);
        break;
    }
    case WAIT:
        wait_for(p, KITH_MS(20) * kith_rd_u8(r));
        break;
    case SEND:
        send_message(p, to);
        break;
    case CLOSE:
        kith_dtls_close(p->side[to]);
        break;
    case STEPS:
        break;
    }
    collect(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_reader r = kith_rd(data, size);
    pair *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->now = KITH_SECONDS(1);
    p->side[0] = new_side(0);
    p->side[1] = new_side(1);
    collect(p);
    for (int steps = 0; steps < 200 && kith_rd_left(&r) > 0; steps++)
        take_step(p, &r);
    for (int i = 0; i < 2; i++) {
        kith_srtp_keys keys;
        if (kith_dtls_export_srtp_keys(p->side[i], &keys))
            assert(kith_dtls_get_state(p->side[i]) == KITH_DTLS_CONNECTED);
        kith_dtls_free(p->side[i]);
    }
    free(p);
    return 0;
}
