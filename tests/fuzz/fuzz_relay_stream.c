/* The connection to a TURN server, which the input plays: it says any bytes in any pieces, answers
 * the client's last request with right integrity or wrong, fills up, ends, is refused, and lets
 * time pass. Whatever it does: what waits is bounded, and who has nothing to send does not ask for
 * time.
 *
 * An input is a list of steps: a byte that says what, a byte of length, and that many bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"
#include "kith/kith.h"
#include "pc/pc.h"
#include "wire/frame.h"
#include "wire/stun.h"

enum step { SAY, CHALLENGE, ALLOCATE, CONFIRM, DATA, WAIT, FILL, END, STEPS };

#define MAX_STEPS 300

typedef struct scene {
    kith_endpoint *ep;
    kith_pc *pc;
    kith_time now;
    /* of the connection; remote.family 0: there is none */
    kith_path path;
    uint16_t last_port;
    /* the client's last request; method 0: none */
    uint16_t method;
    uint8_t id[KITH_STUN_ID];
    bool refuses;
} scene;

static void say(scene *s, const uint8_t *data, size_t len)
{
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    info.path = s->path;
    if (s->path.remote.family != 0)
        kith_endpoint_handle_packet(s->ep, s->now, &info, data, len);
}

/* Cut in two, as the input says. */
static void answer(scene *s, const kith_writer *w, kith_span bytes)
{
    size_t cut = bytes.len > 0 ? bytes.data[0] % (w->len + 1) : w->len;
    assert(!w->bad);
    say(s, w->data, cut);
    say(s, w->data + cut, w->len - cut);
}

static void challenge(scene *s, kith_span bytes)
{
    uint8_t buf[400];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_ERROR, s->method, s->id);
    kith_stun_put_error(&w, bytes.len % 2 ? 438 : 401, NULL);
    kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, kith_span_text("realm"));
    kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, bytes);
    kith_stun_end(&w);
    answer(s, &w, bytes);
}

static void confirm(scene *s, kith_span bytes, bool allocates)
{
    uint8_t buf[400], key[32];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_address relayed = {.family = KITH_IPV4, .port = 5000, .ip = {203, 0, 113, 9}};
    if (s->method == 0)
        return;
    size_t len = kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_MD5, kith_span_text("user"),
                                         kith_span_text("realm"), kith_span_text("secret"));
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_of(key, len));
    assert(hmac);
    relayed.port = (uint16_t)(relayed.port + bytes.len);
    kith_stun_begin(&w, KITH_STUN_SUCCESS, s->method, s->id);
    if (allocates)
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &relayed);
    kith_stun_put_integrity(&w, hmac);
    kith_stun_end(&w);
    kith_hmac_free(hmac);
    answer(s, &w, bytes);
}

static void note_requests(scene *s, const uint8_t *data, size_t len)
{
    kith_stun m;
    while (len >= KITH_FRAME_TURN_HEAD) {
        size_t size = kith_frame_turn_length(data);
        assert(size > 0 && size <= len);
        if (kith_stun_parse(&m, data, size) && m.class == KITH_STUN_REQUEST) {
            s->method = m.method;
            memcpy(s->id, m.id, sizeof s->id);
        }
        data += size;
        len -= size;
    }
    assert(len == 0);
}

static void serve(scene *s, const kith_request *request)
{
    if (request->type == KITH_REQUEST_DISCONNECT)
        s->path = (kith_path){0};
    if (request->type != KITH_REQUEST_CONNECT)
        return;
    assert(s->path.remote.family == 0); /* one at a time */
    kith_path path = {request->local, request->remote, KITH_TCP};
    path.local.port = ++s->last_port;
    if (!s->refuses)
        s->path = path;
    s->method = 0;
    kith_endpoint_handle_connected(s->ep, s->now, request->id, s->refuses ? NULL : &path,
                                   s->refuses ? KITH_CONNECT_REFUSED : KITH_CONNECT_DONE);
}

static void drain(scene *s)
{
    uint8_t buf[KITH_MAX_PACKET];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    for (unsigned turns = 0; kith_endpoint_timeout(s->ep) <= s->now; turns++) {
        assert(turns < 100);
        kith_endpoint_handle_timeout(s->ep, s->now);
        for (size_t len;
             (len = kith_endpoint_poll_packet(s->ep, s->now, &info, buf, sizeof buf)) > 0;)
            if (info.path.protocol == KITH_TCP)
                note_requests(s, buf, len);
        for (const kith_request *request; (request = kith_endpoint_poll_request(s->ep));)
            serve(s, request);
        while (kith_endpoint_poll_event(s->ep))
            ;
    }
}

static void take_step(scene *s, kith_reader *in)
{
    uint8_t what = kith_rd_u8(in);
    kith_span bytes = kith_rd_span(in, kith_rd_u8(in));
    switch ((enum step)(what % STEPS)) {
    case SAY:
        say(s, bytes.data, bytes.len);
        break;
    case CHALLENGE:
        challenge(s, bytes);
        break;
    case ALLOCATE:
    case CONFIRM:
        confirm(s, bytes, what % STEPS == ALLOCATE);
        break;
    case DATA: {
        uint8_t channel[4 + 256 + 3] = {0x40, 0, 0, (uint8_t)bytes.len};
        if (bytes.len > 0)
            memcpy(channel + 4, bytes.data, bytes.len);
        say(s, channel, kith_frame_turn_pad(channel, 4 + bytes.len));
        break;
    }
    case WAIT:
        s->now += KITH_MS(50) * (kith_time)(bytes.len + 1);
        kith_endpoint_handle_timeout(s->ep, s->now);
        break;
    case FILL:
        kith_endpoint_handle_writable(s->ep, s->now, &s->path, bytes.len & 1);
        break;
    case END: {
        kith_path path = s->path;
        s->refuses = bytes.len & 1;
        s->path = (kith_path){0};
        kith_endpoint_handle_closed(s->ep, s->now, &path);
        break;
    }
    case STEPS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const urls[] = {"turn:203.0.113.7?transport=tcp"};
    static const kith_ice_server server = {
        .urls = urls, .url_count = 1, .username = "user", .credential = "secret"};
    scene s = {.now = KITH_SECONDS(1)};
    kith_reader in = kith_rd(data, size);
    kith_address local;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    kith_dc *dc;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    config.ice_transport_policy = KITH_ICE_TRANSPORT_POLICY_RELAY;
    kith_err err = kith_address_parse(&local, "192.0.2.1");
    assert(err == KITH_OK);
    err = kith_endpoint_new(&s.ep, NULL);
    assert(err == KITH_OK);
    kith_endpoint_handle_timeout(s.ep, s.now);
    err = kith_endpoint_add_tcp_address(s.ep, &local);
    assert(err == KITH_OK);
    err = kith_pc_new(&s.pc, s.ep, &config);
    assert(err == KITH_OK);
    err = kith_pc_create_data_channel(s.pc, "x", NULL, &dc);
    assert(err == KITH_OK);
    err = kith_pc_set_local_description(s.pc, NULL);
    assert(err == KITH_OK);
    drain(&s);
    for (int i = 0; i < MAX_STEPS && kith_rd_left(&in) > 0; i++) {
        take_step(&s, &in);
        drain(&s);
    }
    kith_pc_free(s.pc);
    kith_endpoint_free(s.ep);
    return 0;
}
