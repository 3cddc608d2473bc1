/* DTLS: two associations whose wire the input rules: it delivers, changes, doubles, drops and
 * invents datagrams, lets time pass and closes. Whatever it does:
 *
 * - bytes that no key holder made change no state, move no window and deliver nothing, but for a
 *   message of the handshake in the clear (SECURITY.md);
 * - what one side sent comes out at the other at most once, in order, and always when it was
 *   delivered as it is to a side that is connected;
 * - a handshake whose messages nobody forged comes about as soon as the wire is left alone.
 *
 * An input is a list of steps of one byte, its low bits what to do and its high bit to which side,
 * with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/reader.h"
#include "tls/association.h"

enum step { DELIVER, CHANGE, DOUBLE, DROP, INVENT, WAIT, SEND, CLOSE, STEPS };

#define QUEUE 32

typedef struct message {
    char text[4];
    uint32_t number;
} message;

typedef struct datagram {
    size_t len;
    /* of the message inside; 0: none */
    uint32_t number;
    uint8_t bytes[1600], as_sent[1600];
} datagram;

typedef struct pair {
    kith_dtls *side[2];
    datagram queue[2][QUEUE]; /* for side i */
    size_t count[2];
    uint32_t sent[2];  /* messages of side i */
    uint32_t heard[2]; /* the last that came to side i */
    kith_time now, waited;
    bool closed;
    /* a message of the handshake in the clear was not the peer's */
    bool disturbed;
} pair;

/* OpenSSL from 3.2 on asks for the time by itself. */
static const kith_time *clock_now;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    kith_time now = clock_now ? *clock_now : 0;
    (void)zone;
    tv->tv_sec = 1790000000 + (time_t)(now / 1000000);
    tv->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}

static kith_certificate *certificate(int side)
{
    static kith_certificate *made[2];
    if (!made[side] &&
        kith_certificate_generate(&made[side], KITH_KEY_ECDSA_P256, 1700000000, 0) != KITH_OK)
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
    static datagram d;
    for (int i = 0; i < 2; i++)
        while ((d.len = kith_dtls_output(p->side[i], p->now, d.bytes, sizeof d.bytes)) > 0)
            if (p->count[!i] < QUEUE) {
                memcpy(d.as_sent, d.bytes, d.len);
                p->queue[!i][p->count[!i]++] = d;
            }
}

static void take_event(pair *p, int to, const kith_dtls_event *ev)
{
    message got;
    if (ev->type == KITH_DTLS_EV_STATE)
        return;
    assert(kith_dtls_get_state(p->side[to]) == KITH_DTLS_CONNECTED);
    assert(ev->data.len == sizeof got);
    memcpy(&got, ev->data.data, sizeof got);
    assert(memcmp(got.text, "kith", 4) == 0);
    assert(got.number > p->heard[to] && got.number <= p->sent[!to]);
    p->heard[to] = got.number;
}

static void input(pair *p, int to, const uint8_t *data, size_t len)
{
    kith_dtls_event ev;
    static uint8_t plain[KITH_DTLS_MAX_DATA];
    uint8_t *exact = malloc(len + (len == 0));
    if (!exact)
        abort();
    if (len > 0)
        memcpy(exact, data, len);
    kith_dtls_input(p->side[to], p->now, exact, len);
    while (kith_dtls_event_next(p->side[to], &ev, plain, sizeof plain))
        take_event(p, to, &ev);
    free(exact);
}

static bool is_plain_handshake(kith_span rest)
{
    kith_dtls_record record;
    while (kith_dtls_record_next(&rest, &record))
        if (record.epoch == 0 && record.type == KITH_DTLS_HANDSHAKE)
            return true;
    return false;
}

/* What is at least in part not the peer's. In the handshake the rest may be, and be its last
 * flight. */
static void input_forged(pair *p, int to, kith_span data)
{
    kith_dtls_state before = kith_dtls_get_state(p->side[to]);
    uint32_t heard = p->heard[to];
    if (before == KITH_DTLS_CONNECTING && is_plain_handshake(data))
        p->disturbed = true;
    input(p, to, data.data, data.len);
    kith_dtls_state after = kith_dtls_get_state(p->side[to]);
    assert(after == before || before == KITH_DTLS_CONNECTING);
    assert(after <= KITH_DTLS_CONNECTED || after == before || p->disturbed);
    assert(p->heard[to] == heard || before == KITH_DTLS_CONNECTING);
}

/* What is not the peer's at all does not move the window either. */
static void input_invented(pair *p, int to, kith_span data)
{
    bool was_connected = kith_dtls_get_state(p->side[to]) == KITH_DTLS_CONNECTED;
    kith_dtls_read_state before = p->side[to]->read;
    input_forged(p, to, data);
    if (was_connected)
        assert(p->side[to]->read.highest == before.highest &&
               p->side[to]->read.window == before.window);
}

static void input_genuine(pair *p, int to, const datagram *d)
{
    kith_dtls_state before = kith_dtls_get_state(p->side[to]);
    bool is_new = d->number > p->heard[to];
    input(p, to, d->bytes, d->len);
    assert(kith_dtls_get_state(p->side[to]) != KITH_DTLS_FAILED || before == KITH_DTLS_FAILED ||
           p->disturbed);
    if (before == KITH_DTLS_CONNECTED && is_new)
        assert(p->heard[to] == d->number);
}

static void input_first(pair *p, int to)
{
    const datagram *first = &p->queue[to][0];
    if (memcmp(first->bytes, first->as_sent, first->len) == 0)
        input_genuine(p, to, first);
    else
        input_forged(p, to, kith_span_of(first->bytes, first->len));
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
        input_first(p, to);
    if (step == DELIVER || step == DROP)
        shift(p, to);
}

static void send_message(pair *p, int to)
{
    datagram *d = &p->queue[to][p->count[to]];
    if (p->count[to] == QUEUE)
        return;
    const message m = {"kith", p->sent[!to] + 1};
    d->len = kith_dtls_send(p->side[!to], (const uint8_t *)&m, sizeof m, d->bytes, sizeof d->bytes);
    if (d->len == 0)
        return;
    memcpy(d->as_sent, d->bytes, d->len);
    d->number = m.number;
    p->sent[!to]++;
    p->count[to]++;
}

static void wait_for(pair *p, kith_time span)
{
    p->now += span;
    p->waited += span;
    for (int i = 0; i < 2; i++)
        kith_dtls_tick(p->side[i], p->now);
}

static bool both(const pair *p, kith_dtls_state state)
{
    return kith_dtls_get_state(p->side[0]) == state && kith_dtls_get_state(p->side[1]) == state;
}

/* Everything arrives, and time passes. */
static void run_undisturbed(pair *p)
{
    for (int i = 0; i < 1000 && !both(p, KITH_DTLS_CONNECTED); i++) {
        for (int to = 0; to < 2; to++)
            while (p->count[to] > 0) {
                if (memcmp(p->queue[to][0].bytes, p->queue[to][0].as_sent, p->queue[to][0].len) ==
                    0)
                    input_first(p, to);
                shift(p, to);
            }
        wait_for(p, KITH_MS(20));
        collect(p);
    }
}

/* A handshake that no one forged a message of, not kept waiting for so long that it was given up.
 */
static void check_handshake(pair *p)
{
    if (p->disturbed || p->closed || p->waited > KITH_SECONDS(8))
        return;
    run_undisturbed(p);
    assert(both(p, KITH_DTLS_CONNECTED));
    for (int to = 0; to < 2; to++) {
        p->count[to] = 0;
        send_message(p, to);
        assert(p->count[to] == 1);
        input_first(p, to);
        assert(p->heard[to] == p->sent[!to]);
    }
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
        input_invented(p, to, data);
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
        p->closed = true;
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
    clock_now = &p->now;
    p->side[0] = new_side(0);
    p->side[1] = new_side(1);
    collect(p);
    for (int steps = 0; steps < 200 && kith_rd_left(&r) > 0; steps++)
        take_step(p, &r);
    check_handshake(p);
    for (int i = 0; i < 2; i++) {
        kith_srtp_keys keys;
        if (kith_dtls_export_srtp_keys(p->side[i], &keys))
            assert(kith_dtls_get_state(p->side[i]) == KITH_DTLS_CONNECTED);
        assert(kith_dtls_get_state(p->side[i]) < KITH_DTLS_CONNECTED || !p->side[i]->ssl);
        kith_dtls_free(p->side[i]);
    }
    clock_now = NULL;
    free(p);
    return 0;
}
