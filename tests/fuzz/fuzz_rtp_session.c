/* RTP sessions: two of them, whose network, sections and sources the input rules. Whatever it does:
 * the bounds hold, what leaves is valid, no number of an SSRC leaves twice, packets belong to a
 * section that has their payload type, and a session that has said everything wants nothing at
 * once.
 *
 * An input is a list of steps of one byte, its low bits what to do and its high bit to which side,
 * with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/block.h"
#include "base/seq.h"
#include "rtp/session.h"
#include "wire/rtcp_fb.h"

enum step {
    DELIVER,
    CHANGE,
    DROP,
    INVENT,
    INVENT_RTCP,
    PUSH,
    PUSH_NUMBERED,
    WAIT,
    SECTIONS,
    REQUEST,
    ADD_OUT,
    REMOVE_OUT,
    ANNOUNCE,
    COLLIDE,
    STEPS
};

#define QUEUE 16
#define OUTS  4

typedef struct datagram {
    size_t len;
    uint8_t bytes[KITH_RTP_MAX_PACKET];
} datagram;

/* The numbers of an SSRC that left. */
typedef struct sent {
    uint32_t ssrc;
    bool is_sent[65536];
    int64_t highest;
} sent;

typedef struct side {
    kith_rtp_session *rtp;
    kith_random_order ssrcs;
    kith_rtp_out *outs[OUTS];
    datagram queue[QUEUE];
    size_t count;
    sent *sents[64];
    size_t sent_count;
} side;

typedef struct world {
    side side[2];
    kith_block_pool *pool;
    kith_time now;
} world;

static void set_sections(side *s, uint8_t how)
{
    static const char *const mids[] = {"0", "1", "2"};
    static const kith_rtp_payload_type types[] = {
        {.number = 96, .clock_rate = 90000},
        {.number = 97, .clock_rate = 90000, .is_rtx = true, .apt = 96},
        {.number = 111, .clock_rate = 48000},
        {.number = 0, .clock_rate = 8000}};
    static const size_t first_types[] = {0, 2, 3}, type_counts[] = {2, 1, 1};
    kith_rtp_section sections[3] = {0};
    size_t count = how & 3;
    for (size_t i = 0; i < count; i++) {
        sections[i] = (kith_rtp_section){.mid = mids[i],
                                         .kind = i % 2 ? KITH_RTP_VIDEO : KITH_RTP_AUDIO,
                                         .is_pending = (how >> 2 >> i & 1) != 0,
                                         .reduced_size = (how & 32) != 0,
                                         .takes_pli = (how & 64) != 0,
                                         .takes_fir = true,
                                         .takes_nack = (how & 64) != 0,
                                         .takes_transport_cc = (how & 64) != 0,
                                         .payload_types = types + (how & 128 ? 0 : first_types[i]),
                                         .payload_type_count = how & 128 ? 3 : type_counts[i],
                                         .extensions = {3, 1, 2, 12, 4, 5},
                                         .user = (void *)mids[i]};
    }
    kith_err err = kith_rtp_set_sections(s->rtp, sections, count);
    assert(err == KITH_OK);
}

static sent *sent_of(side *s, const kith_rtp_header *h)
{
    for (size_t i = 0; i < s->sent_count; i++)
        if (s->sents[i]->ssrc == h->ssrc)
            return s->sents[i];
    if (s->sent_count == 64)
        return NULL;
    sent *of = s->sents[s->sent_count++] = calloc(1, sizeof *of);
    assert(of && h->sequence_number < 0x8000);
    of->ssrc = h->ssrc;
    of->highest = h->sequence_number - 1;
    return of;
}

/* The numbers of the last turn of the circle are remembered. */
static void note_sent(side *s, const kith_rtp_header *h)
{
    sent *of = sent_of(s, h);
    if (!of)
        return;
    int64_t number = kith_seq_unwrap(of->highest, h->sequence_number);
    assert(number >= 0 && number - of->highest <= KITH_RTP_MAX_GAP);
    for (; of->highest < number; of->highest++)
        of->is_sent[(uint16_t)(of->highest + 1)] = false;
    assert(!of->is_sent[h->sequence_number]);
    of->is_sent[h->sequence_number] = true;
}

static void check_packet(side *s, const datagram *d)
{
    kith_span bytes = kith_span_of(d->bytes, d->len);
    kith_rtp_header h;
    assert(d->len <= KITH_RTP_MAX_PACKET);
    if (kith_rtcp_is(bytes)) {
        assert(kith_rtcp_is_compound(bytes) && d->len <= KITH_RTP_MAX_COMPOUND);
        return;
    }
    bool is_read = kith_rtp_parse_header(&h, bytes);
    assert(is_read);
    note_sent(s, &h);
}

static void take_events(world *w, side *s)
{
    for (kith_rtp_event ev; kith_rtp_event_next(s->rtp, &ev);) {
        if (ev.type != KITH_RTP_EV_PACKET)
            continue;
        const kith_rtp_place *place =
            kith_rtp_place_of_mid(&s->rtp->places, kith_span_text(ev.user));
        assert(place && (ev.packet->header.payload_len > 0 || ev.packet->rtx_ssrc != 0));
        assert(place->apts[ev.packet->header.payload_type] == KITH_RTP_NO_TYPE);
        assert(ev.packet->received_at <= w->now);
        kith_block_unref(ev.packet);
    }
}

static void collect(world *w)
{
    for (int i = 0; i < 2; i++) {
        side *s = &w->side[i], *to = &w->side[!i];
        unsigned count = 0;
        for (datagram d; (d.len = kith_rtp_output(s->rtp, w->now, d.bytes, sizeof d.bytes)) > 0;) {
            check_packet(s, &d);
            assert(++count < 10000);
            if (to->count < QUEUE)
                to->queue[to->count++] = d;
        }
        take_events(w, s);
        assert(s->rtp->ins.count <= KITH_RTP_MAX_SSRCS && s->rtp->queued == 0);
        assert(s->rtp->waiting_bytes <= KITH_RTP_MAX_WAITING && s->rtp->ready_count == 0);
        assert(kith_rtp_deadline(s->rtp) > w->now);
    }
}

static void input(world *w, side *to, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len + 1);
    assert(exact);
    if (len > 0)
        memcpy(exact, data, len);
    (void)kith_rtp_admits(to->rtp, w->now, kith_span_of(exact, len));
    if (kith_rtcp_is(kith_span_of(exact, len))) {
        kith_rtp_input_rtcp(to->rtp, w->now, kith_span_of(exact, len));
    } else {
        kith_packet *packet = kith_block_take(w->pool);
        assert(packet);
        memcpy(packet->data, exact, packet->len = len);
        packet->received_at = w->now;
        kith_rtp_input(to->rtp, w->now, packet);
    }
    free(exact);
}

static void deliver(world *w, side *to)
{
    if (to->count == 0)
        return;
    datagram d = to->queue[0];
    memmove(to->queue, to->queue + 1, --to->count * sizeof d);
    input(w, to, d.bytes, d.len);
}

static void push(world *w, side *s, kith_reader *in, bool is_numbered)
{
    uint8_t which = kith_rd_u8(in);
    kith_rtp_out *out = s->outs[which % OUTS];
    kith_rtp_unit unit = {.payload_type = which & 64 ? 96 : 111,
                          .is_numbered = is_numbered,
                          .begins_key_frame = (which & 128) != 0,
                          .has_audio_level = (which & 32) != 0,
                          .captured_at = w->now,
                          .timestamp = (uint32_t)w->now};
    if (is_numbered) {
        unit.source_ssrc = kith_rd_u8(in);
        unit.sequence_number = kith_rd_u16(in);
    }
    unit.block = kith_block_take(w->pool);
    assert(unit.block);
    memset(unit.block, which, 10);
    unit.payload = kith_span_of(unit.block, 10);
    if (!out || kith_rtp_push(s->rtp, w->now, out, &unit) != KITH_OK)
        kith_block_unref(unit.block);
}

static void add_out(side *s, kith_reader *in)
{
    uint8_t which = kith_rd_u8(in);
    kith_rtp_out **out = &s->outs[which % OUTS];
    if (*out)
        return;
    kith_rtp_out_config config = {.mid = which & 8 ? "0" : "1",
                                  .kind = which & 8 ? KITH_RTP_AUDIO : KITH_RTP_VIDEO,
                                  .clock_rate = 90000,
                                  .has_rtx = (which & 16) != 0};
    static const uint8_t rtx_types[128] = {[96] = 97};
    kith_err err = kith_rtp_add_out(s->rtp, out, &config);
    assert(err == KITH_OK);
    kith_rtp_out_set_rtx(*out, rtx_types);
}

/* A packet with an SSRC of the receiver's. */
static void collide(world *w, side *to, kith_reader *in)
{
    uint8_t which = kith_rd_u8(in), buf[16];
    kith_writer out = kith_wr(buf, sizeof buf);
    if (!to->outs[which % OUTS])
        return;
    kith_rtp_write_start(&out, &(kith_rtp_start){.ssrc = to->outs[which % OUTS]->ssrc,
                                                 .sequence_number = kith_rd_u16(in),
                                                 .payload_type = 96});
    kith_wr_u8(&out, 1);
    input(w, to, buf, out.len);
}

static void command(side *s, enum step what, kith_reader *in)
{
    uint8_t which = kith_rd_u8(in);
    kith_rtp_out **out = &s->outs[which % OUTS];
    kith_rtp_in_info info;
    if (what == SECTIONS)
        set_sections(s, which);
    if (what == REQUEST && kith_rtp_in_at(s->rtp, which & 7, &info)) {
        if (which & 8)
            kith_rtp_key_frame_came(s->rtp, info.ssrc);
        else
            kith_rtp_request_key_frame(s->rtp, info.ssrc);
    }
    if (what == REMOVE_OUT && *out) {
        kith_rtp_remove_out(s->rtp, *out);
        *out = NULL;
    }
    if (what == ANNOUNCE && *out)
        kith_rtp_out_announced(*out);
}

static void step(world *w, kith_reader *in)
{
    uint8_t byte = kith_rd_u8(in);
    side *s = &w->side[byte >> 7];
    enum step what = (enum step)((byte & 0x7F) % STEPS);
    kith_span bytes;
    switch ((int)what) {
    case DELIVER:
        deliver(w, s);
        break;
    case CHANGE:
        if (s->count > 0)
            s->queue[0].bytes[kith_rd_u8(in) % s->queue[0].len] ^= kith_rd_u8(in);
        break;
    case DROP:
        s->count -= s->count > 0;
        break;
    case INVENT:
    case INVENT_RTCP:
        bytes = kith_rd_span(in, kith_rd_u8(in));
        input(w, s, bytes.data, bytes.len);
        break;
    case PUSH:
    case PUSH_NUMBERED:
        push(w, s, in, what == PUSH_NUMBERED);
        break;
    case WAIT:
        w->now += kith_rd_u24(in);
        break;
    case ADD_OUT:
        add_out(s, in);
        break;
    case COLLIDE:
        collide(w, s, in);
        break;
    default:
        command(s, what, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_reader in = kith_rd(data, size);
    world *w = calloc(1, sizeof *w);
    assert(w);
    w->now = KITH_SECONDS(100);
    kith_err err = kith_block_pool_new(&w->pool, KITH_PACKET_BLOCK, 4096);
    assert(err == KITH_OK);
    for (int i = 0; i < 2; i++) {
        kith_random_order_init(&w->side[i].ssrcs);
        const kith_rtp_config config = {.cname = i ? "a" : "b", .ssrcs = &w->side[i].ssrcs};
        err = kith_rtp_new(&w->side[i].rtp, &config);
        assert(err == KITH_OK);
        set_sections(&w->side[i], 2 | 64);
    }
    for (int i = 0; i < 400 && kith_rd_left(&in) > 0; i++) {
        step(w, &in);
        collect(w);
    }
    for (int i = 0; i < 2; i++) {
        kith_rtp_free(w->side[i].rtp);
        for (size_t j = 0; j < w->side[i].sent_count; j++)
            free(w->side[i].sents[j]);
    }
    kith_block_pool_free(w->pool);
    free(w);
    return 0;
}
