/* A TCP listener: connections come, say any bytes in any pieces, or an authentic check, fill up and
 * end. Whatever they do: few are nameless, what they make us hold is bounded, and a peer's check
 * in pieces is answered.
 *
 * An input is a list of steps: a byte that says what and on which of eight connections, a byte of
 * length, and that many bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"
#include "kith/kith.h"
#include "pc/pc.h"
#include "pc/streams.h"
#include "wire/frame.h"
#include "wire/stun.h"

enum step { ACCEPT, SAY, CHECK, WAIT, FILL, END, STEPS };

#define MAX_STEPS 300

typedef struct scene {
    kith_endpoint *ep;
    kith_pc *pc;
    kith_address listener;
    kith_time now;
} scene;

static kith_path path_of(const scene *s, unsigned number)
{
    kith_path path = {.local = s->listener, .protocol = KITH_TCP};
    path.remote = (kith_address){.family = KITH_IPV4, .ip = {198, 51, 100, (uint8_t)(number & 1)}};
    path.remote.port = (uint16_t)(1000 + number);
    return path;
}

static void say(scene *s, unsigned number, const uint8_t *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = path_of(s, number);
    kith_endpoint_handle_packet(s->ep, s->now, &info, data, len);
}

/* Of the peer that has our password; in two pieces. */
static void check(scene *s, unsigned number, kith_span bytes)
{
    const kith_ice *ice = kith_pc_transport(s->pc)->ice;
    uint8_t frame[700], id[KITH_STUN_ID] = {1};
    char username[64];
    kith_writer w = kith_wr(frame + KITH_FRAME_HEAD, sizeof frame - KITH_FRAME_HEAD);
    kith_writer name = kith_wr(username, sizeof username);
    kith_wr_text(&name, kith_ice_local_ufrag(ice));
    kith_wr_text(&name, ":peer");
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(kith_ice_local_pwd(ice)));
    assert(hmac);
    memcpy(id, bytes.data, bytes.len < sizeof id ? bytes.len : sizeof id);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_of(username, name.len));
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, 1);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 1);
    kith_stun_put_integrity(&w, hmac);
    kith_stun_put_fingerprint(&w);
    kith_frame_write_head(frame, w.len);
    size_t cut = bytes.len % (w.len + KITH_FRAME_HEAD);
    say(s, number, frame, cut);
    say(s, number, frame + cut, w.len + KITH_FRAME_HEAD - cut);
    kith_hmac_free(hmac);
}

static void drain(scene *s)
{
    uint8_t buf[KITH_MAX_PACKET];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    unsigned nameless = 0;
    while (kith_endpoint_poll_packet(s->ep, s->now, &info, buf, sizeof buf) > 0)
        ;
    while (kith_endpoint_poll_request(s->ep))
        ;
    while (kith_endpoint_poll_event(s->ep))
        ;
    KITH_LIST_EACH(&s->ep->nameless, node) {
        const kith_stream *stream = KITH_OWNER(node, kith_stream, in_list);
        assert(!stream->frame || stream->owner || stream->frame_len <= KITH_STREAMS_NAMELESS_FRAME);
        nameless++;
    }
    assert(nameless <= KITH_STREAMS_NAMELESS);
}

static void take_step(scene *s, kith_reader *in)
{
    uint8_t what = kith_rd_u8(in);
    unsigned number = what >> 3 & 31;
    kith_span bytes = kith_rd_span(in, kith_rd_u8(in));
    kith_path path = path_of(s, number);
    switch ((enum step)((what & 7) % STEPS)) {
    case ACCEPT: {
        bool taken = kith_endpoint_handle_accepted(s->ep, s->now, &path);
        (void)taken;
        break;
    }
    case SAY:
        say(s, number, bytes.data, bytes.len);
        break;
    case CHECK:
        check(s, number, bytes);
        break;
    case WAIT:
        s->now += KITH_MS(50) * (kith_time)(bytes.len + 1);
        kith_endpoint_handle_timeout(s->ep, s->now);
        break;
    case FILL:
        kith_endpoint_handle_writable(s->ep, s->now, &path, bytes.len & 1);
        break;
    case END:
        kith_endpoint_handle_closed(s->ep, s->now, &path);
        break;
    case STEPS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scene s = {.now = KITH_SECONDS(1)};
    kith_reader in = kith_rd(data, size);
    kith_dc *dc;
    kith_err err = kith_address_parse(&s.listener, "192.0.2.1:7000");
    assert(err == KITH_OK);
    err = kith_endpoint_new(&s.ep, NULL);
    assert(err == KITH_OK);
    kith_endpoint_handle_timeout(s.ep, s.now);
    err = kith_endpoint_add_tcp_address(s.ep, &s.listener);
    assert(err == KITH_OK);
    err = kith_pc_new(&s.pc, s.ep, NULL);
    assert(err == KITH_OK);
    err = kith_pc_create_data_channel(s.pc, "x", NULL, &dc);
    assert(err == KITH_OK);
    err = kith_pc_set_local_description(s.pc, NULL);
    assert(err == KITH_OK);
    for (int i = 0; i < MAX_STEPS && kith_rd_left(&in) > 0; i++) {
        take_step(&s, &in);
        drain(&s);
    }
    kith_pc_free(s.pc);
    kith_endpoint_free(s.ep);
    return 0;
}
