/* Two associations on a virtual wire: delay, rate, loss and duplication by seed, under virtual
 * time. Everything that the sides report is counted and written down; nothing here waits for
 * anything. */
#ifndef KITH_TESTS_SCTP_WIRE_H
#define KITH_TESTS_SCTP_WIRE_H

#include <stdlib.h>
#include <string.h>

#include "sctp/sctp.h"
#include "unit.h"

#define UNUSED      __attribute__((unused))
#define MTU         1200
#define LEFT        0
#define RIGHT       1
#define MOST_LOGGED 20000

typedef struct packet {
    struct packet *next;
    kith_time at;
    size_t len;
    uint8_t data[];
} packet;

typedef struct arrival {
    uint16_t stream;
    uint32_t ppid;
    size_t len;
    uint32_t number; /* its first bytes, if it has them */
    kith_time at;
} arrival;

typedef struct seen {
    bool connected, closed;
    unsigned writable, messages;
    size_t bytes;
    unsigned resets[64], closings[64]; /* by stream */
    unsigned lows;
    bool damaged; /* a message is not what make_bytes made */
    arrival log[MOST_LOGGED];
    char order[256]; /* of events: c)onnected m)essage r)eset d)one x)closed */
} seen;

typedef struct side {
    kith_sctp *sctp;
    bool deaf;   /* asks for no events */
    bool hoards; /* keeps what it got */
    unsigned ticks;
    _Atomic unsigned woken; /* wake may come from any thread */
    packet *first, *last;   /* on their way to the other side */
    kith_time line_free;    /* when the link has sent what it has */
    uint64_t packets, lost;
    kith_list kept;
    seen seen;
} side;

typedef struct wire {
    kith_time now;
    kith_time delay; /* one way */
    uint64_t rate;   /* bits per second; 0: no limit */
    kith_time queue; /* what waits longer for the link is dropped; 0: no limit */
    unsigned loss;   /* of 1000 packets */
    unsigned twice;  /* of 1000 packets */
    uint64_t rng;
    bool cut; /* nothing arrives */
    side side[2];
} wire;

UNUSED static uint32_t draw(wire *w, uint32_t bound)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 7;
    w->rng ^= w->rng << 17;
    return (uint32_t)(w->rng >> 32) % bound;
}

/* The number, then bytes that follow from it. */
UNUSED static void make_bytes(uint8_t *out, size_t len, uint32_t number)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(i < 4 ? number >> 8 * i : number * 31 + i * 7 + (i >> 8));
}

UNUSED static bool same_bytes(const uint8_t *data, size_t len, uint32_t number)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != (uint8_t)(i < 4 ? number >> 8 * i : number * 31 + i * 7 + (i >> 8)))
            return false;
    return true;
}

UNUSED static kith_sctp_config wire_config(void)
{
    return (kith_sctp_config){.local_port = 5000,
                              .remote_port = 5000,
                              .max_streams = 256,
                              .mtu = MTU,
                              .max_message_size = (size_t)16 << 20,
                              .receive_buffer = (size_t)1 << 20,
                              .send_buffer = (size_t)16 << 20};
}

UNUSED static void on_wake(void *user)
{
    side *s = user;
    s->woken++;
}

UNUSED static void wire_init(wire *w, const kith_sctp_config *left, const kith_sctp_config *right)
{
    memset(w, 0, sizeof *w);
    w->now = KITH_SECONDS(1);
    w->delay = KITH_MS(10);
    w->rng = 88172645463325252u;
    for (int i = 0; i < 2; i++) {
        kith_sctp_config config = i == LEFT ? *left : *right;
        config.wake = on_wake;
        config.wake_user = &w->side[i];
        ck_assert_int_eq(kith_sctp_new(&w->side[i].sctp, &config), KITH_OK);
        kith_list_init(&w->side[i].kept);
    }
}

UNUSED static void release_kept(side *s)
{
    kith_list_node *node;
    while ((node = kith_list_take(&s->kept)))
        kith_sctp_release(s->sctp, KITH_OWNER(node, kith_sctp_message, node));
}

UNUSED static void wire_deinit(wire *w)
{
    for (int i = 0; i < 2; i++) {
        side *s = &w->side[i];
        release_kept(s);
        kith_sctp_free(s->sctp);
        while (s->first) {
            packet *p = s->first;
            s->first = p->next;
            free(p);
        }
    }
}

static void note(side *s, char what)
{
    size_t n = strlen(s->seen.order);
    if (n + 1 < sizeof s->seen.order)
        s->seen.order[n] = what;
}

UNUSED static void on_message(wire *w, side *s, kith_sctp_message *m)
{
    uint32_t number = 0;
    for (size_t i = 0; i < 4 && i < m->len; i++)
        number |= (uint32_t)m->data[i] << 8 * i;
    if (!same_bytes(m->data, m->len, number))
        s->seen.damaged = true;
    if (s->seen.messages < MOST_LOGGED)
        s->seen.log[s->seen.messages] = (arrival){m->stream, m->ppid, m->len, number, w->now};
    s->seen.messages++;
    s->seen.bytes += m->len;
    note(s, 'm');
    if (s->hoards)
        kith_list_append(&s->kept, &m->node);
    else
        kith_sctp_release(s->sctp, m);
}

UNUSED static void on_event(wire *w, side *s, const kith_sctp_event *ev)
{
    switch (ev->type) {
    case KITH_SCTP_EV_STATE:
        s->seen.connected |= ev->state == KITH_SCTP_CONNECTED;
        s->seen.closed |= ev->state == KITH_SCTP_CLOSED;
        note(s, ev->state == KITH_SCTP_CONNECTED ? 'c' : 'x');
        break;
    case KITH_SCTP_EV_MESSAGE:
        on_message(w, s, ev->message);
        break;
    case KITH_SCTP_EV_STREAM_RESET:
        s->seen.resets[ev->stream % 64]++;
        note(s, 'r');
        kith_sctp_close_stream(s->sctp, ev->stream);
        break;
    case KITH_SCTP_EV_STREAM_CLOSED:
        s->seen.closings[ev->stream % 64]++;
        note(s, 'd');
        break;
    case KITH_SCTP_EV_LOW:
        s->seen.lows++;
        break;
    case KITH_SCTP_EV_WRITABLE:
        s->seen.writable++;
        break;
    }
}

UNUSED static void enqueue(side *s, kith_time at, const uint8_t *data, size_t len)
{
    packet *p = malloc(sizeof *p + len);
    ck_assert_ptr_nonnull(p);
    *p = (packet){.at = at, .len = len};
    memcpy(p->data, data, len);
    if (s->last && s->first)
        s->last->next = p;
    else
        s->first = p;
    s->last = p;
}

UNUSED static void put_on_wire(wire *w, side *s, const uint8_t *data, size_t len)
{
    s->packets++;
    kith_time start = s->line_free > w->now ? s->line_free : w->now;
    bool full = w->queue > 0 && start - w->now > w->queue;
    if (w->cut || full || (w->loss > 0 && draw(w, 1000) < w->loss)) {
        s->lost++;
        return;
    }
    /* 28 bytes of IP and UDP, 37 of DTLS. */
    s->line_free = start + (w->rate ? (kith_time)((len + 65) * 8 * 1000000 / w->rate) : 0);
    enqueue(s, s->line_free + w->delay, data, len);
    if (w->twice > 0 && draw(w, 1000) < w->twice)
        enqueue(s, s->line_free + w->delay, data, len);
}

/* All that can be done without time passing. */
UNUSED static void drain(wire *w)
{
    for (bool busy = true; busy;) {
        busy = false;
        for (int i = 0; i < 2; i++) {
            side *s = &w->side[i];
            uint8_t buf[MTU];
            size_t len;
            while ((len = kith_sctp_output(s->sctp, w->now, buf, sizeof buf)) > 0) {
                put_on_wire(w, s, buf, len);
                busy = true;
            }
            kith_sctp_event ev;
            while (!s->deaf && kith_sctp_event_next(s->sctp, &ev)) {
                on_event(w, s, &ev);
                busy = true;
            }
        }
    }
}

UNUSED static void deliver_due(wire *w)
{
    for (int i = 0; i < 2; i++) {
        side *from = &w->side[i], *to = &w->side[!i];
        while (from->first && from->first->at <= w->now) {
            packet *p = from->first;
            from->first = p->next;
            kith_sctp_input(to->sctp, w->now, p->data, p->len);
            free(p);
        }
        if (kith_sctp_deadline(from->sctp) <= w->now) {
            kith_sctp_tick(from->sctp, w->now);
            from->ticks++;
        }
    }
}

/* Goes to the next moment at which something happens, but not past `until`. */
UNUSED static void step(wire *w, kith_time until)
{
    drain(w);
    kith_time next = until;
    for (int i = 0; i < 2; i++) {
        kith_time deadline = kith_sctp_deadline(w->side[i].sctp);
        if (deadline < next)
            next = deadline;
        if (w->side[i].first && w->side[i].first->at < next)
            next = w->side[i].first->at;
    }
    if (next > w->now)
        w->now = next;
    deliver_due(w);
    drain(w);
}

UNUSED static void run(wire *w, kith_time duration)
{
    kith_time until = w->now + duration;
    while (w->now < until)
        step(w, until);
}

/* Until *count has reached `wanted`; false when `duration` was not enough. */
UNUSED static bool run_until(wire *w, kith_time duration, const unsigned *count, unsigned wanted)
{
    kith_time until = w->now + duration;
    while (*count < wanted && w->now < until)
        step(w, until);
    return *count >= wanted;
}

UNUSED static void wire_connect(wire *w)
{
    kith_sctp_start(w->side[LEFT].sctp);
    kith_sctp_start(w->side[RIGHT].sctp);
    kith_time until = w->now + KITH_SECONDS(60);
    while (!(w->side[LEFT].seen.connected && w->side[RIGHT].seen.connected) && w->now < until)
        step(w, until);
    ck_assert(w->side[LEFT].seen.connected && w->side[RIGHT].seen.connected);
}

/* A connected pair with default configurations; the wire is on the heap, it is large. */
UNUSED static wire *wire_up(void)
{
    wire *w = malloc(sizeof *w);
    ck_assert_ptr_nonnull(w);
    kith_sctp_config config = wire_config();
    wire_init(w, &config, &config);
    wire_connect(w);
    return w;
}

UNUSED static void wire_down(wire *w)
{
    wire_deinit(w);
    free(w);
}

UNUSED static void open_both(wire *w, uint16_t stream, const kith_sctp_stream *params)
{
    kith_sctp_stream plain = {.priority = 256};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(kith_sctp_open(w->side[i].sctp, stream, params ? params : &plain),
                         KITH_OK);
}

UNUSED static kith_err send_number(wire *w, int from, uint16_t stream, size_t len, uint32_t number)
{
    uint8_t *data = malloc(len ? len : 1);
    make_bytes(data, len, number);
    kith_sctp_send_args args = {.stream = stream, .ppid = 53, .data = data, .len = len};
    kith_err err = kith_sctp_send(w->side[from].sctp, &args);
    free(data);
    return err;
}

#endif
