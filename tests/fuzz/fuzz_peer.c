/* A whole peer, the left one, in the simulator: against strangers who have no key, against a
 * network that loses and cuts, and against a peer that has all keys and obeys nothing (the input
 * speaks in the name of the right one). Whatever is said:
 *
 * - it neither crashes nor stores without bound, and its API goes on working;
 * - bytes that no key holder made change no state;
 * - another peer of the same endpoint takes no address of one that uses it;
 * - of each channel the messages come as they were sent, in order, none twice;
 * - as long as the right peer alone spoke for itself and the network was not cut for long, the
 *   connection lives and every message of a reliable channel comes.
 *
 * An input is a list of steps: a byte that says what, a byte of operand, a byte of length, and that
 * many bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"
#include "../sim/turn.h"
#include "network.h"
#include "pc/pc.h"
#include "wire/stun.h"

enum step {
    DATAGRAM, /* a stranger's: these bytes as they are */
    RECORD,   /* these bytes in a DTLS record */
    CHUNKS,   /* these bytes behind a valid SCTP header */
    MESSAGE,  /* these bytes as a message on stream `operand`, the first of them its PPID */
    CHECK,    /* an authentic STUN request with these attributes, from the address `operand` */
    WAIT,     /* `operand` times 20 ms */
    CALL,     /* the left application does something */
    FORGE,    /* a stranger's: a datagram of the right peer's, changed */
    FRAGMENT, /* a DATA chunk with the next TSN or one near it: stream, SSN, then these bytes */
    TALK,     /* the right application sends messages */
    NETWORK,  /* either side is cut off or loses packets */
    OUTAGE,   /* both are cut off for `operand` times 500 ms */
    RENEW,    /* an application negotiates anew: a restart of ICE, a TURN server, nothing but it */
    RIVAL,    /* as CHECK, to another peer of the left endpoint */
    STEPS,
};

#define TURN_IP     "203.0.113.9"
#define RIVAL_IP    "203.0.113.33"
#define SCTP_HEADER 12
#define FINGERPRINT 8
#define MAX_STEPS   200
#define RECENT      8
/* ms; RFC 7675 5.1's 30 s and what checks need after them are far */
#define MAX_OUTAGE 3000

enum { RELIABLE, LOSSY, CHANNELS };

typedef struct datagram {
    size_t len;
    uint8_t bytes[KITH_MAX_PACKET];
} datagram;

typedef struct scene {
    duo d;
    /* the right peer's, and the numbers of the last message sent and heard on each */
    kith_dc *channels[CHANNELS];
    uint8_t sent[CHANNELS], heard[CHANNELS];
    /* the left application's own */
    kith_dc *left_reliable;
    /* a peer beside the left one, on the same socket, and its own on another host; NULL until it is
     * asked for */
    kith_pc *rival, *rivals_peer;
    /* what the right peer sent last */
    datagram recent[RECENT];
    unsigned sent_count;
    /* a valid SCTP header and the next TSN, once the input speaks for the right peer's SCTP */
    uint8_t header[SCTP_HEADER];
    uint32_t tsn;
    bool has_header;
    /* the input spoke in the right peer's name */
    bool impersonated;
    /* the left application closed something */
    bool ended;
    /* ms that a side was cut off, in all */
    unsigned outage;
} scene;

static kith_pc *pc_of(scene *s, enum side side)
{
    return s->d.peers[side].pc;
}

/* ---- what both sides see ---- */

static bool record(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    scene *s = user;
    datagram *d = &s->recent[s->sent_count++ % RECENT];
    (void)h;
    (void)path;
    memcpy(d->bytes, data, *len);
    d->len = *len;
    return true;
}

/* The right peer's own SCTP must not answer what the input says in its name. */
static bool keep_from_right(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    scene *s = user;
    (void)h;
    (void)path;
    return !(s->has_header && *len > 0 && data[0] >= 20 && data[0] <= 63);
}

static void (*duo_handler)(host *h, const kith_event *ev, void *user);

static void hear(host *h, const kith_event *ev, void *user)
{
    scene *s = (scene *)((duo_peer *)user)->duo;
    if (ev->pc == s->rival)
        return;
    if (ev->type == KITH_EV_DC_MESSAGE && !s->impersonated) {
        const uint8_t *text = ev->message.data;
        assert(ev->message.len >= 2 && text[0] < CHANNELS);
        uint8_t *heard = &s->heard[text[0]], sent = s->sent[text[0]];
        uint8_t ahead = (uint8_t)(text[1] - *heard);
        assert(ahead > 0 && ahead <= (uint8_t)(sent - *heard));
        assert(ahead == 1 || text[0] == LOSSY);
        *heard = text[1];
    }
    duo_handler(h, ev, user);
}

/* ---- strangers ---- */

static kith_address address_of(scene *s, uint8_t which)
{
    kith_address address = s->d.peers[which % 4 == 3 ? LEFT : RIGHT].host->address;
    if (which % 4 == 1)
        address.port++;
    if (which % 4 == 2)
        address.ip[0] ^= 1;
    return address;
}

static void deliver(scene *s, uint8_t from, const uint8_t *data, size_t len)
{
    host *left = s->d.peers[LEFT].host;
    kith_packet_info info = {.size = sizeof info,
                             .path = {.local = left->address, .remote = address_of(s, from)}};
    kith_endpoint_handle_packet(left->endpoint, virtual_now(), &info, data, len);
}

/* What no stranger may change. */
typedef struct standing {
    kith_connection_state connection;
    kith_ice_state ice;
    kith_ice_role role;
    kith_path path;
    size_t candidates, pairs;
    kith_dc_state channel;
} standing;

static standing left_standing(scene *s)
{
    kith_pc *pc = pc_of(s, LEFT);
    const kith_ice *ice = kith_pc_transport(pc)->ice;
    kith_ice_candidate_info candidate;
    kith_ice_pair_info pair;
    standing now = {.connection = kith_pc_connection_state(pc)};
    if (!s->ended)
        now.channel = kith_dc_ready_state(s->left_reliable);
    if (!ice)
        return now;
    now.ice = kith_ice_get_state(ice);
    now.role = kith_ice_get_role(ice);
    kith_ice_send_path(ice, &now.path);
    while (kith_ice_candidate_at(ice, now.candidates, &candidate))
        now.candidates++;
    while (kith_ice_pair_at(ice, now.pairs, &pair))
        now.pairs++;
    return now;
}

static void check_standing(scene *s, const standing *before)
{
    standing after = left_standing(s);
    assert(after.connection == before->connection && after.channel == before->channel);
    assert(after.ice == before->ice && after.role == before->role);
    assert(kith_path_equal(&after.path, &before->path));
    assert(after.candidates == before->candidates && after.pairs == before->pairs);
}

static void deliver_stranger(scene *s, uint8_t from, const uint8_t *data, size_t len)
{
    standing before = left_standing(s);
    deliver(s, from, data, len);
    check_standing(s, &before);
}

/* A checksum needs no key. */
static void mend_fingerprint(datagram *d)
{
    if (d->len < KITH_STUN_HEADER + FINGERPRINT || d->bytes[0] > 3)
        return;
    kith_writer w = kith_wr(d->bytes, sizeof d->bytes);
    w.len = d->len - FINGERPRINT;
    kith_stun_put_fingerprint(&w);
}

/* `operand`: which datagram, from where, and its high bit whether STUN's checksum is made right.
 * Two bytes: where; the others are added there. One byte: how much is cut off. */
static void forge(scene *s, uint8_t operand, kith_span bytes)
{
    datagram d = s->recent[operand % RECENT];
    kith_reader r = kith_rd(bytes.data, bytes.len);
    if (d.len == 0 || bytes.len == 0)
        return;
    if (bytes.len == 1) {
        deliver_stranger(s, operand / RECENT, d.bytes, d.len - 1 - bytes.data[0] % d.len);
        return;
    }
    size_t at = kith_rd_u16(&r);
    bool changed = false;
    for (; kith_rd_left(&r) > 0; at++) {
        uint8_t change = kith_rd_u8(&r);
        d.bytes[at % d.len] ^= change;
        changed = changed || change != 0;
    }
    if (!changed)
        return;
    if (operand & 128)
        mend_fingerprint(&d);
    deliver_stranger(s, operand / RECENT, d.bytes, d.len);
}

/* ---- in the right peer's name ---- */

static void deliver_record(scene *s, const uint8_t *data, size_t len)
{
    uint8_t packet[KITH_MAX_PACKET];
    kith_dtls *dtls = kith_pc_transport(pc_of(s, RIGHT))->dtls;
    s->impersonated = true;
    if (len > 0)
        deliver(s, 0, packet, kith_dtls_send(dtls, data, len, packet, sizeof packet));
}

static bool find_tsn(const uint8_t *packet, size_t len, uint32_t *tsn)
{
    kith_reader r = kith_rd(packet + SCTP_HEADER, len - SCTP_HEADER);
    while (kith_rd_left(&r) >= 8) {
        uint8_t type = kith_rd_u8(&r);
        kith_rd_u8(&r);
        size_t body = kith_rd_u16(&r) - 4u;
        kith_span chunk = kith_rd_span(&r, (body + 3) / 4 * 4);
        kith_reader inside = kith_rd(chunk.data, chunk.len);
        *tsn = kith_rd_u32(&inside);
        if (type == 0 && !r.bad)
            return true;
    }
    return false;
}

/* Both from a packet that the right peer really wants to send; what is in it the left never sees.
 */
static bool take_over_sctp(scene *s)
{
    kith_sctp *sctp = kith_pc_transport(pc_of(s, RIGHT))->sctp;
    uint8_t packet[KITH_MAX_PACKET];
    kith_sctp_send_args args = {.ppid = 53, .data = "x", .len = 1};
    if (s->has_header)
        return true;
    s->impersonated = true;
    if (kith_sctp_send(sctp, &args) != KITH_OK)
        return false;
    size_t len = kith_sctp_output(sctp, virtual_now(), packet, sizeof packet);
    if (len < SCTP_HEADER || !find_tsn(packet, len, &s->tsn))
        return false;
    memcpy(s->header, packet, SCTP_HEADER);
    s->has_header = true;
    return true;
}

static void deliver_chunks(scene *s, const uint8_t *data, size_t len)
{
    uint8_t packet[SCTP_HEADER + 300];
    assert(len <= 300);
    memcpy(packet, s->header, SCTP_HEADER);
    memcpy(packet + SCTP_HEADER, data, len);
    deliver_record(s, packet, SCTP_HEADER + len);
}

/* RFC 9260 section 3.3.1. The low bits of `operand` are the chunk's flags, the next two say where
 * its TSN stands. */
static void deliver_fragment(scene *s, uint8_t operand, kith_span bytes)
{
    static const uint32_t offsets[] = {0, 1, (uint32_t)-1, 1000};
    uint8_t chunk[300];
    kith_writer w = kith_wr(chunk, sizeof chunk);
    unsigned place = operand >> 3 & 3;
    if (bytes.len < 3)
        return;
    kith_wr_u8(&w, 0);
    kith_wr_u8(&w, operand & 7);
    kith_wr_u16(&w, (uint16_t)(16 + bytes.len - 2));
    kith_wr_u32(&w, s->tsn + offsets[place]);
    kith_wr_u16(&w, bytes.data[0]);
    kith_wr_u16(&w, bytes.data[1]);
    kith_wr_u32(&w, 53);
    kith_wr_bytes(&w, bytes.data + 2, bytes.len - 2);
    while (w.len % 4 != 0)
        kith_wr_u8(&w, 0);
    s->tsn += place == 0;
    deliver_chunks(s, chunk, w.len);
}

static void send_message(scene *s, uint8_t stream, kith_span bytes)
{
    kith_sctp *sctp = kith_pc_transport(pc_of(s, RIGHT))->sctp;
    kith_sctp_stream params = {.priority = 256};
    if (bytes.len < 2)
        return;
    s->impersonated = true;
    kith_err err = kith_sctp_open(sctp, stream, &params);
    kith_sctp_send_args args = {
        .stream = stream, .ppid = bytes.data[0], .data = bytes.data + 1, .len = bytes.len - 1};
    if (err == KITH_OK || err == KITH_ERR_INVALID_STATE)
        err = kith_sctp_send(sctp, &args);
    kith_endpoint_set_ready(pc_of(s, RIGHT));
}

/* To the peer `to` in the name of `from`. `attributes`: a type, a length of one byte, a value, and
 * the next. */
static void deliver_check(scene *s, kith_pc *to, kith_pc *from, uint8_t operand,
                          kith_span attributes)
{
    kith_ice *ours = kith_pc_transport(to)->ice, *theirs = kith_pc_transport(from)->ice;
    uint8_t packet[1200], id[KITH_STUN_ID] = {operand, (uint8_t)s->sent_count};
    kith_writer w = kith_wr(packet, sizeof packet), name = kith_wr_growing();
    kith_reader r = kith_rd(attributes.data, attributes.len);
    kith_wr_print(&name, "%s:%s", kith_ice_local_ufrag(ours), kith_ice_local_ufrag(theirs));
    kith_hmac *key = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(kith_ice_local_pwd(ours)));
    assert(key && !name.bad);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_of(name.data, name.len));
    while (kith_rd_left(&r) >= 3) {
        kith_stun_attr type = (kith_stun_attr)kith_rd_u16(&r);
        size_t len = kith_rd_u8(&r);
        kith_stun_put_span(&w, type,
                           kith_rd_span(&r, len < kith_rd_left(&r) ? len : kith_rd_left(&r)));
    }
    kith_stun_put_integrity(&w, key);
    kith_stun_put_fingerprint(&w);
    kith_wr_deinit(&name);
    kith_hmac_free(key);
    if (!w.bad)
        deliver(s, operand, packet, w.len);
}

/* ---- a rival ---- */

static void describe(kith_pc *from, kith_pc *to)
{
    const kith_session_description *d = kith_pc_local_description(from);
    kith_err err = kith_pc_set_remote_description(to, d);
    assert(err == KITH_OK);
}

static void begin_rival(scene *s)
{
    kith_dc *dc;
    link_config link = {.delay = KITH_MS(1)};
    host *other = world_add_host(s->d.world, "other", RIVAL_IP, NAT_NONE, link);
    bool failed = kith_pc_new(&s->rivals_peer, other->endpoint, NULL) ||
                  kith_pc_new(&s->rival, s->d.peers[LEFT].host->endpoint, NULL) ||
                  kith_pc_create_data_channel(s->rivals_peer, "x", NULL, &dc) ||
                  kith_pc_set_local_description(s->rivals_peer, NULL);
    assert(!failed);
    pass(&s->d, 5, &s->outage); /* gathers */
    describe(s->rivals_peer, s->rival);
    kith_err err = kith_pc_set_local_description(s->rival, NULL);
    assert(err == KITH_OK);
    pass(&s->d, 5, &s->outage);
    describe(s->rival, s->rivals_peer);
    pass(&s->d, 200, &s->outage);
}

/* All keys of the rival's connection are no claim to what the left peer uses. */
static void deliver_rival(scene *s, uint8_t operand, kith_span attributes)
{
    if (!s->rival)
        begin_rival(s);
    kith_path path;
    kith_ice *ice = kith_pc_transport(pc_of(s, LEFT))->ice;
    bool is_used =
        ice && kith_ice_send_path(ice, &path) && kith_ice_uses_path(ice, virtual_now(), &path);
    standing before = left_standing(s);
    deliver_check(s, s->rival, s->rivals_peer, operand, attributes);
    if (is_used)
        check_standing(s, &before);
}

/* ---- applications and the network ---- */

/* The low bit of `operand` chooses the channel; the first byte how long the message is. */
static void talk(scene *s, uint8_t operand, kith_span bytes)
{
    static uint8_t text[1 << 16];
    int c = operand % CHANNELS;
    size_t len = 2 + (bytes.len > 0 ? 256u * bytes.data[0] : 0);
    text[0] = (uint8_t)c;
    text[1] = (uint8_t)(s->sent[c] + 1);
    /* A window of numbers, so that one byte tells them apart. */
    if ((uint8_t)(s->sent[c] - s->heard[c]) < 100 &&
        kith_dc_send(s->channels[c], text, len) == KITH_OK)
        s->sent[c]++;
}

static void add_named_candidate(kith_pc *pc)
{
    const kith_ice_candidate named = {
        .size = sizeof named,
        .candidate = "candidate:1 1 udp 2113937151 5a3d7b8e-kith.local 50000 typ host",
        .sdp_mid = "0",
        .sdp_m_line_index = 0};
    kith_err err = kith_pc_add_ice_candidate(pc, &named);
    assert(err != KITH_ERR_NO_MEMORY);
}

static void set_servers(kith_pc *pc)
{
    static const char *const urls[] = {"stun:stun.example.com"};
    static const kith_ice_server server = {.urls = urls, .url_count = 1};
    kith_pc_config config = *kith_pc_get_configuration(pc);
    config.ice_servers = &server;
    config.ice_server_count = 1;
    kith_err err = kith_pc_set_configuration(pc, &config);
    assert(err == KITH_OK || err == KITH_ERR_INVALID_STATE);
}

/* `operand`: which side's, and what it has beside. Other servers restart ICE with the next offer.
 */
static void renew(scene *s, uint8_t operand)
{
    static const char *const urls[] = {"turn:" TURN_IP};
    static const kith_ice_server turn = {
        .urls = urls, .url_count = 1, .username = TURN_USER, .credential = TURN_PASSWORD};
    enum side side = operand & 1 ? RIGHT : LEFT;
    kith_pc *pc = pc_of(s, side);
    kith_pc_config config = *kith_pc_get_configuration(pc);
    config.ice_servers = operand & 4 ? &turn : NULL;
    config.ice_server_count = operand & 4 ? 1 : 0;
    bool relay_only = operand & 8 && operand & 4;
    config.ice_transport_policy =
        relay_only ? KITH_ICE_TRANSPORT_POLICY_RELAY : KITH_ICE_TRANSPORT_POLICY_ALL;
    kith_err err = kith_pc_set_configuration(pc, &config);
    assert(err == KITH_OK || err == KITH_ERR_INVALID_STATE);
    if (operand & 2)
        kith_pc_restart_ice(pc);
    duo_offer(&s->d, side);
}

/* What the application ends: of this nothing is expected afterwards. */
static void end_something(scene *s, unsigned what)
{
    duo_peer *left = &s->d.peers[LEFT];
    s->ended = true;
    if (what == 0 && left->dc)
        kith_dc_close(left->dc);
    if (what == 1) {
        kith_dc_free(left->dc);
        left->dc = NULL;
    }
    if (what == 2)
        kith_pc_close(left->pc);
    if (what == 3) {
        kith_pc_free(left->pc);
        left->pc = NULL;
    }
}

static void call(scene *s, uint8_t operand)
{
    duo_peer *left = &s->d.peers[LEFT];
    kith_dc *dc;
    kith_err err = KITH_OK;
    switch (operand % 12) {
    case 0:
        err = kith_pc_create_data_channel(left->pc, "more", NULL, &dc);
        break;
    case 1:
        if (left->dc)
            err = kith_dc_send(left->dc, "hello", 5);
        break;
    case 2:
        left->host->slow = !left->host->slow;
        break;
    case 3:
        kith_pc_restart_ice(left->pc);
        err = kith_pc_set_local_description(left->pc, NULL);
        break;
    case 4:
        assert(kith_pc_why_failed(left->pc));
        break;
    case 5:
        kith_pc_restart_ice(left->pc);
        duo_offer(&s->d, LEFT);
        break;
    case 6:
        add_named_candidate(left->pc);
        break;
    case 7:
        set_servers(left->pc);
        break;
    default:
        end_something(s, operand % 4);
        break;
    }
    assert(err != KITH_ERR_NO_MEMORY);
}

/* ---- the play ---- */

static void take_step(scene *s, kith_reader *input)
{
    enum step step = (enum step)(kith_rd_u8(input) % STEPS);
    uint8_t operand = kith_rd_u8(input);
    size_t len = kith_rd_u8(input);
    kith_span bytes = kith_rd_span(input, len < kith_rd_left(input) ? len : kith_rd_left(input));
    unsigned ms = 5;
    switch (step) {
    case DATAGRAM:
        deliver_stranger(s, operand, bytes.data, bytes.len);
        break;
    case RECORD:
        deliver_record(s, bytes.data, bytes.len);
        break;
    case CHUNKS:
        if (take_over_sctp(s))
            deliver_chunks(s, bytes.data, bytes.len);
        break;
    case MESSAGE:
        send_message(s, operand, bytes);
        break;
    case CHECK:
        s->impersonated = true;
        deliver_check(s, pc_of(s, LEFT), pc_of(s, RIGHT), operand, bytes);
        break;
    case WAIT:
        ms = 20 * operand;
        break;
    case CALL:
        call(s, operand);
        break;
    case FORGE:
        forge(s, operand, bytes);
        break;
    case FRAGMENT:
        if (take_over_sctp(s))
            deliver_fragment(s, operand, bytes);
        break;
    case TALK:
        talk(s, operand, bytes);
        break;
    case NETWORK:
        set_network(&s->d, operand);
        break;
    case OUTAGE:
        set_network(&s->d, 3);
        pass(&s->d, 500u * operand, &s->outage);
        set_network(&s->d, 0);
        break;
    case RENEW:
        renew(s, operand);
        break;
    case RIVAL:
        deliver_rival(s, operand, bytes);
        break;
    case STEPS:
        break;
    }
    pass(&s->d, ms, &s->outage);
}

static bool all_heard(void *arg)
{
    const scene *s = arg;
    return s->heard[RELIABLE] == s->sent[RELIABLE];
}

static void end(scene *s)
{
    set_network(&s->d, 0);
    world_run(s->d.world, KITH_MS(100), NULL, NULL);
    if (!s->d.peers[LEFT].pc)
        return;
    if (!s->impersonated && !s->ended && s->outage <= MAX_OUTAGE) {
        s->d.peers[LEFT].host->slow = false;
        bool heard = world_run(s->d.world, KITH_SECONDS(60), all_heard, s);
        assert(heard);
        assert(kith_pc_connection_state(pc_of(s, LEFT)) == KITH_CONNECTION_STATE_CONNECTED);
    }
    kith_stats_report *report = NULL;
    kith_err err = kith_pc_get_stats(pc_of(s, LEFT), &report);
    assert(err == KITH_OK);
    kith_stats_report_free(report);
}

static bool both_open(void *arg)
{
    const scene *s = arg;
    return s->d.peers[LEFT].opened == CHANNELS && s->d.peers[RIGHT].opened == CHANNELS;
}

static void begin(scene *s)
{
    duo_peer *left = &s->d.peers[LEFT], *right = &s->d.peers[RIGHT];
    kith_dc_init lossy = KITH_DC_INIT;
    lossy.max_retransmits = 0;
    duo_offer(&s->d, LEFT);
    bool opened = world_run(s->d.world, KITH_SECONDS(5), duo_is_open, &s->d);
    assert(opened);
    s->channels[RELIABLE] = right->dc;
    s->left_reliable = left->dc;
    kith_err err = kith_pc_create_data_channel(right->pc, "lossy", &lossy, &s->channels[LOSSY]);
    opened = world_run(s->d.world, KITH_SECONDS(5), both_open, s);
    assert(err == KITH_OK && opened);
    duo_handler = left->host->on_event;
    left->host->on_event = hear;
    left->host->tap = keep_from_right;
    right->host->tap = record;
    left->host->tap_user = right->host->tap_user = s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static scene s;
    duo_options options = {.seed = 77, .link = {.delay = KITH_MS(1)}};
    memset(&s, 0, sizeof s);
    if (!duo_init(&s.d, &options))
        return 0;
    world_add_turn_server(s.d.world, TURN_IP, KITH_MS(1));
    begin(&s);
    kith_reader input = kith_rd(data, size);
    for (int i = 0; i < MAX_STEPS && kith_rd_left(&input) >= 3 && s.d.peers[LEFT].pc; i++)
        take_step(&s, &input);
    end(&s);
    kith_pc_free(s.rival);
    kith_pc_free(s.rivals_peer);
    duo_deinit(&s.d);
    return 0;
}
