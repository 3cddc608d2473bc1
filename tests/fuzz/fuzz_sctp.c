/* An association whose peer has the verification tag and obeys nothing: two connect on a perfect
 * wire, then the input speaks in the name of the right one. Whatever it says, the left one neither
 * crashes nor stores without bound, and its calls go on working.
 *
 * An input is a list of steps: a byte that says what, a byte of operand, a byte of length, and that
 * many bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/list.h"
#include "base/reader.h"
#include "base/writer.h"
#include "sctp/sctp.h"

enum step {
    CHUNKS,  /* these bytes behind a valid common header */
    DATA,    /* a DATA chunk, TSN `operand` ahead of the last: flags, stream, payload */
    SACK,    /* of `operand` chunks, with these bytes as gaps */
    FORWARD, /* FORWARD-TSN by `operand`, with these bytes as streams */
    RESET,   /* RE-CONFIG: our outgoing streams, one a byte; request number ahead by `operand` */
    WAIT,    /* `operand` times 20 ms */
    CALL,    /* the left application does something with stream `operand` */
    READ,    /* the left application takes `operand` events */
    STEPS,
};

#define LEFT          0
#define RIGHT         1
#define MTU           1200
#define MAX_STEPS     300
#define HEADER        12
#define BUDGET        ((size_t)100000)
#define MESSAGE_LIMIT ((size_t)50000)
#define INIT          1
#define INIT_ACK      2

typedef struct pair {
    kith_sctp *side[2];
    kith_time now;
    uint32_t tag;    /* that the left one wants to see */
    uint32_t tsn[2]; /* the last that each sent */
    uint32_t request;
} pair;

/* What the fuzzer must know to speak for a side: its TSN, and the tag that the other side chose. */
static void listen_in(pair *p, int from, const uint8_t *data, size_t len)
{
    kith_reader r = kith_rd(data, len);
    kith_rd_skip(&r, HEADER);
    uint8_t type = kith_rd_u8(&r);
    kith_rd_skip(&r, 3);
    uint32_t tag = kith_rd_u32(&r);
    kith_rd_skip(&r, 8);
    uint32_t tsn = kith_rd_u32(&r);
    if (r.bad || (type != INIT && type != INIT_ACK))
        return;
    p->tsn[from] = tsn - 1;
    if (from == LEFT)
        p->tag = tag;
    else
        p->request = tsn;
}

static void carry(pair *p)
{
    uint8_t packet[MTU];
    size_t len;
    for (bool busy = true; busy;) {
        busy = false;
        for (int i = 0; i < 2; i++) {
            while ((len = kith_sctp_output(p->side[i], p->now, packet, sizeof packet)) > 0) {
                listen_in(p, i, packet, len);
                kith_sctp_input(p->side[!i], p->now, packet, len);
                busy = true;
            }
        }
    }
}

static bool set_up(pair *p)
{
    *p = (pair){.now = KITH_SECONDS(1)};
    kith_sctp_config config = {.local_port = 5000,
                               .remote_port = 5000,
                               .max_streams = 32,
                               .mtu = MTU,
                               .max_message_size = MESSAGE_LIMIT,
                               .receive_buffer = BUDGET,
                               .send_buffer = BUDGET};
    for (int i = 0; i < 2; i++) {
        kith_err err = kith_sctp_new(&p->side[i], &config);
        assert(err == KITH_OK);
        kith_sctp_start(p->side[i]);
    }
    for (int i = 0; i < 100 && kith_sctp_get_state(p->side[LEFT]) != KITH_SCTP_CONNECTED; i++) {
        carry(p);
        p->now += KITH_MS(10);
        for (int k = 0; k < 2; k++)
            kith_sctp_tick(p->side[k], p->now);
    }
    return kith_sctp_get_state(p->side[LEFT]) == KITH_SCTP_CONNECTED;
}

/* What the left one says goes nowhere. */
static void advance(pair *p, kith_time by)
{
    uint8_t packet[MTU];
    for (kith_time until = p->now + by; p->now < until; p->now += KITH_MS(10)) {
        if (kith_sctp_deadline(p->side[LEFT]) <= p->now)
            kith_sctp_tick(p->side[LEFT], p->now);
        while (kith_sctp_output(p->side[LEFT], p->now, packet, sizeof packet) > 0)
            ;
    }
}

static kith_writer begin_packet(const pair *p, uint8_t *buf, size_t cap)
{
    kith_writer w = kith_wr(buf, cap);
    kith_wr_u16(&w, 5000);
    kith_wr_u16(&w, 5000);
    kith_wr_u32(&w, p->tag);
    kith_wr_u32(&w, 0); /* DTLS has protected it: not looked at */
    return w;
}

static void begin_chunk(kith_writer *w, uint8_t type, uint8_t flags, size_t body)
{
    kith_wr_u8(w, type);
    kith_wr_u8(w, flags);
    kith_wr_u16(w, (uint16_t)(4 + body));
}

static void put_data(pair *p, kith_writer *w, uint8_t ahead, kith_reader *bytes)
{
    uint8_t flags = kith_rd_u8(bytes), stream = kith_rd_u8(bytes);
    kith_span payload = kith_rd_rest(bytes);
    p->tsn[RIGHT] += ahead;
    begin_chunk(w, 0, flags, 12 + payload.len);
    kith_wr_u32(w, p->tsn[RIGHT]);
    kith_wr_u16(w, stream);
    kith_wr_u16(w, flags >> 4); /* stream sequence number */
    kith_wr_u32(w, 53);
    kith_wr_span(w, payload);
}

static void put_sack(pair *p, kith_writer *w, uint8_t acked, kith_span gaps)
{
    begin_chunk(w, 3, 0, 12 + gaps.len / 4 * 4);
    p->tsn[LEFT] += acked;
    kith_wr_u32(w, p->tsn[LEFT]);
    kith_wr_u32(w, 100000);
    kith_wr_u16(w, (uint16_t)(gaps.len / 4));
    kith_wr_u16(w, 0);
    kith_wr_span(w, kith_span_of(gaps.data, gaps.len / 4 * 4));
}

static void put_forward(pair *p, kith_writer *w, uint8_t by, kith_span streams)
{
    begin_chunk(w, 192, 0, 4 + streams.len);
    p->tsn[RIGHT] += by;
    kith_wr_u32(w, p->tsn[RIGHT]);
    kith_wr_span(w, streams);
}

/* RFC 6525 section 4.1 */
static void put_reset(pair *p, kith_writer *w, uint8_t ahead, kith_span streams)
{
    begin_chunk(w, 130, 0, 16 + 2 * streams.len);
    kith_wr_u16(w, 13);
    kith_wr_u16(w, (uint16_t)(16 + 2 * streams.len));
    kith_wr_u32(w, p->request + ahead);
    kith_wr_u32(w, 0);
    kith_wr_u32(w, p->tsn[RIGHT]);
    for (size_t i = 0; i < streams.len; i++)
        kith_wr_u16(w, streams.data[i]);
    p->request += ahead == 0;
}

static void call(pair *p, uint8_t operand, kith_span bytes)
{
    kith_sctp *left = p->side[LEFT];
    uint16_t stream = operand % 40;
    kith_sctp_stream params = {.unordered = (operand & 64) != 0,
                               .reliability = (kith_reliability)(operand % 3),
                               .limit = operand % 7,
                               .priority = 256};
    kith_sctp_send_args message = {
        .stream = stream, .ppid = 53, .data = bytes.data, .len = bytes.len};
    kith_err err = kith_sctp_open(left, stream, &params);
    assert(err == KITH_OK || err == KITH_ERR_RANGE || err == KITH_ERR_INVALID_STATE);
    err = kith_sctp_send(left, &message);
    assert(err != KITH_ERR_NO_MEMORY);
    if (operand & 128)
        kith_sctp_close_stream(left, stream);
    assert(kith_sctp_buffered(left, stream) <= BUDGET + bytes.len);
}

static void read_events(pair *p, unsigned count)
{
    kith_sctp_event ev;
    while (count-- > 0 && kith_sctp_event_next(p->side[LEFT], &ev)) {
        if (ev.type == KITH_SCTP_EV_MESSAGE) {
            assert(ev.message->len <= MESSAGE_LIMIT && ev.message->stream < 32);
            kith_sctp_release(p->side[LEFT], ev.message);
        } else if (ev.type == KITH_SCTP_EV_STREAM_RESET) {
            kith_sctp_close_stream(p->side[LEFT], ev.stream);
        }
    }
}

static void take_step(pair *p, kith_reader *input)
{
    enum step step = (enum step)(kith_rd_u8(input) % STEPS);
    uint8_t operand = kith_rd_u8(input);
    size_t len = kith_rd_u8(input);
    kith_span bytes = kith_rd_span(input, len < kith_rd_left(input) ? len : kith_rd_left(input));
    kith_reader reader = kith_rd(bytes.data, bytes.len);
    uint8_t packet[MTU];
    kith_writer w = begin_packet(p, packet, sizeof packet);
    switch (step) {
    case CHUNKS:
        kith_wr_span(&w, bytes);
        break;
    case DATA:
        put_data(p, &w, operand, &reader);
        break;
    case SACK:
        put_sack(p, &w, operand, bytes);
        break;
    case FORWARD:
        put_forward(p, &w, operand, bytes);
        break;
    case RESET:
        put_reset(p, &w, operand, bytes);
        break;
    case CALL:
        call(p, operand, bytes);
        break;
    case READ:
        read_events(p, operand);
        break;
    case WAIT:
    case STEPS:
        break;
    }
    kith_wr_zeros(&w, (4 - w.len % 4) % 4);
    if (step <= RESET && !w.bad)
        kith_sctp_input(p->side[LEFT], p->now, packet, w.len);
    advance(p, step == WAIT ? KITH_MS(20) * operand : KITH_MS(10));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pair p;
    bool connected = set_up(&p);
    assert(connected);
    kith_reader input = kith_rd(data, size);
    for (int i = 0; i < MAX_STEPS && kith_rd_left(&input) >= 3; i++)
        take_step(&p, &input);
    read_events(&p, 100000);
    kith_sctp_info info;
    kith_sctp_get_info(p.side[LEFT], &info);
    kith_sctp_free(p.side[LEFT]);
    kith_sctp_free(p.side[RIGHT]);
    return 0;
}
