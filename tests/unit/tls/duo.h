/* Two associations joined by a wire of datagrams under virtual time. A test may look at each
 * datagram that is sent, change it, drop it or put more on the wire. */
#ifndef KITH_TESTS_TLS_DUO_H
#define KITH_TESTS_TLS_DUO_H

#include <string.h>
#include <sys/time.h>

#include "../unit.h"
#include "tls/dtls.h"

#define LEFT          0 /* the client, unless said otherwise */
#define RIGHT         1
#define WIRE          512
#define FATE_AS_USUAL (-1)

typedef struct wire_datagram {
    int to;
    kith_time at;
    size_t len;
    uint8_t bytes[2048];
} wire_datagram;

typedef struct duo duo;
/* Delay of a datagram in microseconds, or KITH_NEVER to drop it. */
typedef kith_time duo_fate(duo *d, int from, size_t nth, kith_span datagram);

struct duo {
    kith_dtls *side[2];
    kith_time now, delay;
    wire_datagram wire[WIRE];
    size_t on_wire;
    duo_fate *fate;
    int aim_from;   /* for fates: which side's datagram … */
    size_t aim_nth; /* … counted from 0 */
    size_t sent[2], largest[2], data_events[2];
    kith_dtls_state states[2][8];
    size_t state_count[2];
    char heard[2][4096]; /* everything delivered, one behind the other */
    size_t heard_len[2];
};

typedef struct duo_options {
    kith_key_type key[2];
    kith_certificate *certificate[2]; /* NULL: one of that key */
    kith_hash hash;                   /* of the announced fingerprints; 0: SHA-256 */
    bool wrong_fingerprint[2];        /* side i was told a wrong fingerprint of the other */
    size_t mtu;                       /* 0: 1200 */
    kith_time rtt;                    /* told to both sides; 0: not */
} duo_options;

/* Whose `now` is the wall clock's. OpenSSL from 3.2 on asks gettimeofday for its own timer: this
 * program defines it. */
static const duo *duo_clock;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    kith_time now = duo_clock ? duo_clock->now : 0;
    (void)zone;
    tv->tv_sec = 1790000000 + (time_t)(now / 1000000);
    tv->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}

/* Certificates are dear (RSA above all): one of each kind per side and program. */
static inline kith_certificate *duo_certificate(int side, kith_key_type type)
{
    static kith_certificate *made[2][2];
    if (!made[side][type])
        ck_assert_int_eq(kith_certificate_generate(&made[side][type], type, 1700000000, 0),
                         KITH_OK);
    return made[side][type];
}

static inline kith_fingerprint duo_fingerprint(int side, kith_key_type type, kith_hash hash)
{
    kith_fingerprint fp;
    ck_assert(kith_fingerprint_of(&fp, hash, kith_certificate_der(duo_certificate(side, type))));
    return fp;
}

static inline kith_certificate *duo_shown(const duo_options *o, int side)
{
    return o->certificate[side] ? o->certificate[side] : duo_certificate(side, o->key[side]);
}

static inline kith_dtls *duo_side(const duo_options *o, int side)
{
    kith_fingerprint fp;
    kith_certificate *own = duo_shown(o, side);
    ck_assert(kith_fingerprint_of(&fp, o->hash ? o->hash : KITH_HASH_SHA256,
                                  kith_certificate_der(duo_shown(o, !side))));
    if (o->wrong_fingerprint[side])
        fp.digest[7] ^= 1;
    kith_dtls_config config = {
        .certificates = &own,
        .certificate_count = 1,
        .role = side == LEFT ? KITH_DTLS_CLIENT : KITH_DTLS_SERVER,
        .fingerprints = &fp,
        .fingerprint_count = 1,
        .mtu = o->mtu ? o->mtu : 1200,
    };
    kith_dtls *dtls = NULL;
    ck_assert_int_eq(kith_dtls_new(&dtls, &config), KITH_OK);
    kith_dtls_set_rtt(dtls, o->rtt);
    return dtls;
}

static inline void duo_new(duo *d, const duo_options *options)
{
    const duo_options none = {.key = {KITH_KEY_ECDSA_P256}};
    memset(d, 0, sizeof *d);
    duo_clock = d;
    d->now = KITH_SECONDS(5);
    d->delay = KITH_MS(10);
    for (int i = 0; i < 2; i++)
        d->side[i] = duo_side(options ? options : &none, i);
}

static inline void duo_free(duo *d)
{
    for (int i = 0; i < 2; i++)
        kith_dtls_free(d->side[i]);
}

static inline void duo_start(duo *d)
{
    for (int i = 0; i < 2; i++)
        kith_dtls_start(d->side[i]);
}

/* Puts a datagram on the wire. */
static inline void duo_put(duo *d, int to, kith_time delay, const void *data, size_t len)
{
    ck_assert_uint_lt(d->on_wire, WIRE);
    wire_datagram *w = &d->wire[d->on_wire++];
    ck_assert_uint_le(len, sizeof w->bytes);
    w->to = to;
    w->at = d->now + delay;
    w->len = len;
    memcpy(w->bytes, data, len);
}

static inline void duo_collect(duo *d, int from)
{
    uint8_t buf[2048];
    size_t len;
    while ((len = kith_dtls_output(d->side[from], d->now, buf, sizeof buf)) > 0) {
        kith_time delay = FATE_AS_USUAL;
        if (d->fate)
            delay = d->fate(d, from, d->sent[from], kith_span_of(buf, len));
        d->sent[from]++;
        if (len > d->largest[from])
            d->largest[from] = len;
        if (delay != KITH_NEVER)
            duo_put(d, !from, delay == FATE_AS_USUAL ? d->delay : delay, buf, len);
    }
}

static inline void duo_drain(duo *d, int side)
{
    kith_dtls_event ev;
    static uint8_t plain[KITH_DTLS_MAX_DATA];
    while (kith_dtls_event_next(d->side[side], &ev, plain, sizeof plain)) {
        if (ev.type == KITH_DTLS_EV_STATE) {
            ck_assert_uint_lt(d->state_count[side], 8);
            d->states[side][d->state_count[side]++] = ev.state;
            continue;
        }
        d->data_events[side]++;
        ck_assert_uint_le(d->heard_len[side] + ev.data.len, sizeof d->heard[side]);
        memcpy(d->heard[side] + d->heard_len[side], ev.data.data, ev.data.len);
        d->heard_len[side] += ev.data.len;
    }
}

/* Delivers what is due, in order of arrival. */
static inline void duo_deliver(duo *d)
{
    for (;;) {
        size_t first = d->on_wire;
        for (size_t i = 0; i < d->on_wire; i++)
            if (d->wire[i].at <= d->now &&
                (first == d->on_wire || d->wire[i].at < d->wire[first].at))
                first = i;
        if (first == d->on_wire)
            return;
        /* A copy of exactly its size, so that a sanitizer sees a read past the end. */
        wire_datagram *w = &d->wire[first];
        int to = w->to;
        size_t len = w->len;
        uint8_t *exact = malloc(len ? len : 1);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, w->bytes, len);
        d->on_wire--;
        memmove(w, w + 1, (d->on_wire - first) * sizeof *w);
        kith_dtls_input(d->side[to], d->now, exact, len);
        duo_drain(d, to);
        free(exact);
    }
}

static inline kith_time duo_next(const duo *d)
{
    kith_time next = KITH_NEVER;
    for (int i = 0; i < 2; i++)
        if (kith_dtls_deadline(d->side[i]) < next)
            next = kith_dtls_deadline(d->side[i]);
    for (size_t i = 0; i < d->on_wire; i++)
        if (d->wire[i].at < next)
            next = d->wire[i].at;
    return next;
}

/* Runs until nothing is left to happen before `until`; the clock then stands there only if
 * something was still to come, else where the last thing happened. */
static inline void duo_run(duo *d, kith_time until)
{
    for (size_t guard = 0; guard < 100000; guard++) {
        for (int i = 0; i < 2; i++) {
            duo_collect(d, i);
            duo_drain(d, i);
        }
        for (int i = 0; i < 2; i++) /* draining may have made output */
            duo_collect(d, i);
        kith_time next = duo_next(d);
        if (next == KITH_NEVER)
            return;
        if (next > until) {
            d->now = until;
            return;
        }
        if (next > d->now)
            d->now = next;
        duo_deliver(d);
        for (int i = 0; i < 2; i++)
            kith_dtls_tick(d->side[i], d->now);
    }
    ck_abort_msg("the associations never come to rest");
}

static inline void duo_run_for(duo *d, kith_time span)
{
    duo_run(d, d->now + span);
}

static inline bool duo_both(const duo *d, kith_dtls_state state)
{
    return kith_dtls_get_state(d->side[LEFT]) == state &&
           kith_dtls_get_state(d->side[RIGHT]) == state;
}

static inline void duo_connect(duo *d, const duo_options *options)
{
    duo_new(d, options);
    duo_start(d);
    duo_run_for(d, KITH_SECONDS(30));
    ck_assert(duo_both(d, KITH_DTLS_CONNECTED));
}

static inline void duo_say(duo *d, int from, const char *text)
{
    uint8_t buf[2048];
    size_t len =
        kith_dtls_send(d->side[from], (const uint8_t *)text, strlen(text), buf, sizeof buf);
    ck_assert_uint_gt(len, strlen(text));
    ck_assert_uint_le(len, strlen(text) + KITH_DTLS_OVERHEAD);
    duo_put(d, !from, d->delay, buf, len);
}

/* Both ways still work. */
static inline void duo_check_talk(duo *d)
{
    d->heard_len[LEFT] = d->heard_len[RIGHT] = 0;
    duo_say(d, LEFT, "from the left");
    duo_say(d, RIGHT, "from the right");
    duo_run_for(d, KITH_SECONDS(1));
    ck_assert_uint_eq(d->heard_len[RIGHT], strlen("from the left"));
    ck_assert_mem_eq(d->heard[RIGHT], "from the left", d->heard_len[RIGHT]);
    ck_assert_uint_eq(d->heard_len[LEFT], strlen("from the right"));
    ck_assert_mem_eq(d->heard[LEFT], "from the right", d->heard_len[LEFT]);
}

#endif
