/* SRTP: two sessions whose wire the input rules: it sends of many SSRCs, delivers, changes,
 * doubles, drops and invents packets. Whatever it does:
 *
 * - bytes that no key holder made are not taken, and take no place;
 * - what was sent is taken at most once, as it was sent;
 * - what comes in order is taken;
 * - no more SSRCs than allowed are kept.
 *
 * An input begins with a byte for the profile; then come steps of one byte, its low bits what to do
 * and its high bit whose, with operands behind it. */
#include "fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "srtp/packet.h"
#include "srtp/session.h"

enum step {
    SEND,
    SEND_RTCP,
    DELIVER,
    CHANGE,
    DOUBLE,
    DROP,
    INVENT,
    INVENT_RTCP,
    OWN,
    DISOWN,
    RETIRE,
    STEPS
};

#define QUEUE   64
#define SSRCS   512
#define MAX_LEN 256

typedef struct sent {
    uint8_t bytes[MAX_LEN];
    size_t len, plain_len;
    uint64_t index;
    uint32_t ssrc;
    bool is_rtcp, was_taken;
} sent;

/* Of one SSRC that a side sends, and what the other took of it. */
typedef struct flow {
    uint64_t next, highest;
    bool is_sent, was_taken, is_retired;
} flow;

typedef struct pair {
    kith_srtp_session *side[2];
    /* to side i */
    sent *queue[2][QUEUE];
    size_t count[2];
    flow flows[2][SSRCS]; /* that side i sends */
    /* SSRCs that side i sends */
    size_t sent_ssrcs[2];
    /* that side i heard, or fewer */
    size_t heard_ssrcs[2];
    uint16_t profile;
} pair;

static kith_srtp_keys keys_of(uint16_t profile)
{
    const kith_srtp_profile *p = kith_srtp_profile_of(profile);
    kith_srtp_keys keys = {.key_len = p->key_len, .salt_len = p->salt_len};
    memset(keys.client_key, 1, sizeof keys.client_key);
    memset(keys.server_key, 101, sizeof keys.server_key);
    memset(keys.client_salt, 7, sizeof keys.client_salt);
    memset(keys.server_salt, 9, sizeof keys.server_salt);
    return keys;
}

static void begin(pair *p, uint8_t choice)
{
    static const uint16_t profiles[] = {KITH_SRTP_AES128_CM_HMAC_SHA1_80,
                                        KITH_SRTP_AEAD_AES_128_GCM, KITH_SRTP_AEAD_AES_256_GCM};
    p->profile = profiles[choice % 3];
    kith_srtp_keys keys = keys_of(p->profile);
    for (int i = 0; i < 2; i++) {
        kith_srtp_config config = {.profile = p->profile, .keys = &keys, .is_client = i == 0};
        if (kith_srtp_new(&p->side[i], &config) != KITH_OK)
            abort();
    }
}

static void plain_packet(const sent *s, uint8_t *out)
{
    memset(out, (int)(s->index * 3 + s->ssrc), s->plain_len);
    out[0] = 0x80;
    out[1] = s->is_rtcp ? 201 : 96;
    size_t at = s->is_rtcp ? 4 : 8;
    for (int i = 0; i < 4; i++)
        out[at + (size_t)i] = (uint8_t)(s->ssrc >> (24 - 8 * i));
    if (!s->is_rtcp) {
        out[2] = (uint8_t)(s->index >> 8);
        out[3] = (uint8_t)s->index;
    }
}

static void send_packet(pair *p, int from, bool is_rtcp, kith_reader *in)
{
    uint32_t ssrc = kith_rd_u16(in) % SSRCS;
    flow *f = &p->flows[from][ssrc];
    uint64_t index = f->next + (is_rtcp ? 0 : kith_rd_u16(in) % 20000);
    bool is_new = !f->is_sent;
    sent *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    *s = (sent){.ssrc = ssrc, .is_rtcp = is_rtcp, .index = index};
    s->plain_len = s->len = 12 + kith_rd_u8(in) % 200;
    plain_packet(s, s->bytes);
    kith_err err = is_rtcp ? kith_srtp_protect_rtcp(p->side[from], s->bytes, &s->len, MAX_LEN)
                           : kith_srtp_protect_rtp(p->side[from], s->bytes, &s->len, MAX_LEN);
    if (f->is_retired)
        assert(err == KITH_ERR_INVALID_STATE);
    else
        assert(err ==
               (is_new && p->sent_ssrcs[from] == KITH_SRTP_MAX_SSRCS ? KITH_ERR_RANGE : KITH_OK));
    if (err == KITH_OK) {
        p->sent_ssrcs[from] += is_new;
        f->is_sent = true;
        f->next = is_rtcp ? f->next : index + 1;
    }
    if (err == KITH_OK && p->count[!from] < QUEUE)
        p->queue[!from][p->count[!from]++] = s;
    else
        free(s);
}

static size_t unprotect(pair *p, int to, bool is_rtcp, uint8_t *bytes, size_t len)
{
    size_t plain = is_rtcp ? kith_srtp_unprotect_rtcp(p->side[to], bytes, len)
                           : kith_srtp_unprotect_rtp(p->side[to], bytes, len);
    assert(p->side[to]->inbound->streams.count <= KITH_SRTP_MAX_SSRCS);
    return plain;
}

/* Must it be taken, if it is the first time? Newer than all of its SSRC that came, by less than
 * what an index can be told from. */
static bool is_due(const pair *p, int to, const sent *s)
{
    const flow *f = &p->flows[!to][s->ssrc];
    if (s->is_rtcp || p->heard_ssrcs[to] > 200)
        return false;
    return f->was_taken ? s->index > f->highest && s->index - f->highest < 0x8000
                        : s->index < 0x10000;
}

static void deliver(pair *p, int to, sent *s)
{
    uint8_t bytes[MAX_LEN], plain[MAX_LEN];
    memcpy(bytes, s->bytes, s->len);
    bool due = !s->was_taken && is_due(p, to, s);
    size_t len = unprotect(p, to, s->is_rtcp, bytes, s->len);
    assert(len > 0 || !due);
    if (len == 0)
        return;
    assert(!s->was_taken && len == s->plain_len);
    s->was_taken = true;
    plain_packet(s, plain);
    assert(memcmp(bytes, plain, len) == 0);
    flow *f = &p->flows[!to][s->ssrc];
    p->heard_ssrcs[to] += s->is_rtcp || !f->was_taken;
    if (s->is_rtcp)
        return;
    f->highest = f->was_taken && f->highest > s->index ? f->highest : s->index;
    f->was_taken = true;
}

static void deliver_changed(pair *p, int to, const sent *s, kith_reader *in)
{
    uint8_t bytes[MAX_LEN];
    size_t streams = p->side[to]->inbound->streams.count;
    size_t at = kith_rd_u16(in) % s->len, len = s->len;
    uint8_t change = kith_rd_u8(in);
    memcpy(bytes, s->bytes, len);
    if (change == 0)
        len = at;
    bytes[at] ^= change;
    assert(unprotect(p, to, s->is_rtcp, bytes, len) == 0);
    assert(p->side[to]->inbound->streams.count == streams);
}

static void invent(pair *p, int to, bool is_rtcp, kith_reader *in)
{
    uint8_t *bytes = malloc(256);
    size_t streams = p->side[to]->inbound->streams.count;
    kith_span body = kith_rd_span(in, kith_rd_u8(in));
    if (!bytes)
        abort();
    memcpy(bytes, body.data, body.len);
    uint8_t *exact = realloc(bytes, body.len + (body.len == 0));
    if (!exact)
        abort();
    assert(unprotect(p, to, is_rtcp, exact, body.len) == 0);
    assert(p->side[to]->inbound->streams.count == streams);
    free(exact);
}

static void take_off(pair *p, int to)
{
    free(p->queue[to][0]);
    memmove(p->queue[to], p->queue[to] + 1, --p->count[to] * sizeof *p->queue[to]);
}

static void act_on_wire(pair *p, int to, enum step step, kith_reader *in)
{
    if (p->count[to] == 0)
        return;
    sent *first = p->queue[to][0];
    if (step == CHANGE) {
        deliver_changed(p, to, first, in);
        return;
    }
    if (step == DOUBLE) {
        deliver(p, to, first);
        deliver(p, to, first);
        return;
    }
    if (step == DELIVER) {
        sent *any = p->queue[to][kith_rd_u8(in) % p->count[to]];
        deliver(p, to, any);
        return;
    }
    take_off(p, to);
}

static void act(pair *p, uint8_t code, kith_reader *in)
{
    int side = code >> 7;
    enum step step = (enum step)((code & 0x7f) % STEPS);
    switch (step) {
    case SEND:
    case SEND_RTCP:
        send_packet(p, side, step == SEND_RTCP, in);
        break;
    case INVENT:
    case INVENT_RTCP:
        invent(p, side, step == INVENT_RTCP, in);
        break;
    case OWN:
        (void)!kith_srtp_own(p->side[side], kith_rd_u16(in) % SSRCS);
        break;
    case DISOWN:
        kith_srtp_disown(p->side[side], kith_rd_u16(in) % SSRCS);
        break;
    case RETIRE: {
        uint32_t ssrc = kith_rd_u16(in) % SSRCS;
        flow *f = &p->flows[side][ssrc];
        kith_srtp_retire(p->side[side], ssrc);
        if (f->is_sent) {
            p->sent_ssrcs[side]--;
            f->is_sent = false;
            f->is_retired = true;
        }
        break;
    }
    case DELIVER:
    case CHANGE:
    case DOUBLE:
    case DROP:
    case STEPS:
        act_on_wire(p, side, step, in);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pair p;
    memset(&p, 0, sizeof p);
    kith_reader in = kith_rd(data, size);
    begin(&p, kith_rd_u8(&in));
    while (kith_rd_left(&in) > 0)
        act(&p, kith_rd_u8(&in), &in);
    for (int i = 0; i < 2; i++) {
        while (p.count[i] > 0)
            take_off(&p, i);
        kith_srtp_free(p.side[i]);
    }
    return 0;
}
