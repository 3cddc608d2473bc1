/* Peers that reach each other by TCP alone (RFC 6544), and what a connection that takes nothing
 * holds up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/address.h"
#include "crypto/hash.h"
#include "duo.h"
#include "tcp.h"
#include "wire/frame.h"
#include "wire/stun.h"

#define PORT 7000

/* A duo of which no datagram leaves; `listens`: the side whose peers are connected to. */
static void begin(duo *d, const duo_options *options, enum side listens)
{
    ck_assert(duo_init(d, options));
    for (int side = LEFT; side <= RIGHT; side++) {
        d->peers[side].host->no_udp = true;
        ck_assert(host_add_tcp(d->peers[side].host, (enum side)side == listens ? PORT : 0));
    }
}

static void exchange(duo *d, size_t count, kith_time limit)
{
    size_t before[2] = {d->peers[LEFT].messages, d->peers[RIGHT].messages};
    duo_send(d, LEFT, count, 1000);
    duo_send(d, RIGHT, count, 1000);
    world_run(d->world, limit, NULL, NULL);
    ck_assert_uint_eq(d->peers[LEFT].messages, before[LEFT] + count);
    ck_assert_uint_eq(d->peers[RIGHT].messages, before[RIGHT] + count);
    ck_assert(!d->peers[LEFT].out_of_order && !d->peers[RIGHT].out_of_order);
}

/* The protocol of the selected pair, and how its local candidate is told. */
static void assert_selected(duo *d, enum side side, const char *protocol)
{
    kith_candidate_fields local = KITH_CANDIDATE_FIELDS_INIT, remote = KITH_CANDIDATE_FIELDS_INIT;
    const kith_transport *t = kith_pc_transport_at(d->peers[side].pc, 0);
    ck_assert(kith_transport_selected_local(t, &local));
    ck_assert(kith_transport_selected_remote(t, &remote));
    ck_assert_str_eq(local.protocol, protocol);
    ck_assert_str_eq(remote.protocol, protocol);
}

START_TEST(where_no_datagram_passes_a_connection_does_in_either_direction)
{
    for (int offers = LEFT; offers <= RIGHT; offers++)
        for (int listens = LEFT; listens <= RIGHT; listens++) {
            duo d;
            begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, (enum side)listens);
            duo_offer(&d, (enum side)offers);
            ck_assert(world_run(d.world, KITH_SECONDS(5), duo_is_open, &d));
            exchange(&d, 300, KITH_SECONDS(10));
            assert_selected(&d, LEFT, "tcp");
            assert_selected(&d, RIGHT, "tcp");
            duo_deinit(&d);
        }
}
END_TEST

START_TEST(a_peer_behind_a_nat_connects_to_one_that_listens)
{
    static const nat_type nats[] = {NAT_PORT_RESTRICTED, NAT_SYMMETRIC};
    for (size_t i = 0; i < sizeof nats / sizeof nats[0]; i++) {
        duo d;
        begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}, .nats = {nats[i]}}, RIGHT);
        duo_connect(&d);
        exchange(&d, 100, KITH_SECONDS(10));
        duo_deinit(&d);
    }
}
END_TEST

/* Loss is delay, and the pieces are of 1 byte to 64 KiB. */
START_TEST(a_bad_line_delays_and_loses_nothing)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        duo d;
        duo_options options = {.seed = seed, .link = {.delay = KITH_MS(30), .loss = 0.1}};
        begin(&d, &options, seed % 2 == 0 ? LEFT : RIGHT);
        duo_connect(&d);
        exchange(&d, 200, KITH_SECONDS(60));
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(udp_is_better_where_it_works)
{
    duo d;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    d.peers[LEFT].host->no_udp = d.peers[RIGHT].host->no_udp = false;
    duo_connect(&d);
    world_run(d.world, KITH_SECONDS(5), NULL, NULL);
    assert_selected(&d, LEFT, "udp");
    assert_selected(&d, RIGHT, "udp");
    exchange(&d, 100, KITH_SECONDS(10));
    duo_deinit(&d);
}
END_TEST

static void let_udp_pass(void *arg)
{
    duo *d = arg;
    d->peers[LEFT].host->no_udp = d->peers[RIGHT].host->no_udp = false;
}

/* Nomination waits up to 2 s for better. */
START_TEST(udp_that_comes_a_second_late_is_waited_for)
{
    duo d;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    world_at(d.world, virtual_now() + KITH_MS(900), let_udp_pass, &d);
    duo_connect(&d);
    world_run(d.world, KITH_SECONDS(5), NULL, NULL);
    assert_selected(&d, LEFT, "udp");
    duo_deinit(&d);
}
END_TEST

START_TEST(a_connection_that_is_cut_is_made_once_more)
{
    for (int listens = LEFT; listens <= RIGHT; listens++) {
        duo d;
        begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, (enum side)listens);
        duo_connect(&d);
        world_run(d.world, KITH_SECONDS(5), NULL, NULL);
        for (int i = 0; i < 3; i++) {
            host_reset_tcp(d.peers[LEFT].host);
            exchange(&d, 50, KITH_SECONDS(10));
        }
        ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_CONNECTED);
        duo_deinit(&d);
    }
}
END_TEST

/* As where a NAT forgets it: nothing is heard of it, and what was on its way is sent again. */
START_TEST(a_connection_that_dies_without_a_sign_is_replaced)
{
    for (int listens = LEFT; listens <= RIGHT; listens++) {
        duo d;
        begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, (enum side)listens);
        duo_connect(&d);
        world_run(d.world, KITH_SECONDS(5), NULL, NULL);
        for (int i = 0; i < 3; i++) {
            host_cut_tcp(d.peers[LEFT].host);
            exchange(&d, 100, KITH_SECONDS(15));
        }
        for (int side = LEFT; side <= RIGHT; side++)
            ck_assert_int_eq(d.peers[side].state, KITH_CONNECTION_STATE_CONNECTED);
        duo_deinit(&d);
    }
}
END_TEST

/* DTLS (RFC 7983): ICE asks for consent as on every path. */
static bool count_on_tcp(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h, (void)len;
    *(unsigned *)user += path->protocol == KITH_TCP && data[0] >= 20;
    return true;
}

/* A window that is shut for a while is no loss: nothing is polled, nothing is repeated. */
START_TEST(a_full_window_keeps_data_where_it_is)
{
    duo d;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    duo_connect(&d);
    exchange(&d, 300, KITH_SECONDS(10)); /* SCTP's window is open */
    d.peers[RIGHT].host->tcp_stalls = true;
    duo_send(&d, LEFT, 200, 1000);
    world_run(d.world, KITH_SECONDS(3), NULL, NULL);
    unsigned sent = 0;
    d.peers[LEFT].host->tap = count_on_tcp;
    d.peers[LEFT].host->tap_user = &sent;
    world_run(d.world, KITH_SECONDS(3), NULL, NULL);
    ck_assert_uint_eq(sent, 0);
    d.peers[LEFT].host->tap = NULL;
    d.peers[RIGHT].host->tcp_stalls = false;
    world_run(d.world, KITH_SECONDS(20), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 500);
    ck_assert(!d.peers[RIGHT].out_of_order);
    ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_CONNECTED);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_farewell_is_heard_on_a_connection)
{
    duo d;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    duo_connect(&d);
    kith_pc_free(d.peers[LEFT].pc);
    d.peers[LEFT].pc = NULL;
    world_run(d.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1);
    duo_deinit(&d);
}
END_TEST

/* ABORT and close_notify leave behind what is there already. */
START_TEST(a_farewell_is_heard_on_a_connection_that_is_full)
{
    duo d;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    duo_connect(&d);
    exchange(&d, 300, KITH_SECONDS(10)); /* SCTP's window is open */
    d.peers[RIGHT].host->tcp_stalls = true;
    duo_send(&d, LEFT, 200, 1000);
    world_run(d.world, KITH_SECONDS(3), NULL, NULL);
    kith_pc_free(d.peers[LEFT].pc);
    d.peers[LEFT].pc = NULL;
    world_run(d.world, KITH_SECONDS(1), NULL, NULL);
    d.peers[RIGHT].host->tcp_stalls = false;
    world_run(d.world, KITH_SECONDS(2), NULL, NULL);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_restart_of_ice_makes_a_connection_of_its_own)
{
    duo d;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    duo_connect(&d);
    exchange(&d, 50, KITH_SECONDS(10));
    kith_pc_restart_ice(d.peers[LEFT].pc);
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_SECONDS(30), NULL, NULL);
    exchange(&d, 50, KITH_SECONDS(10));
    assert_selected(&d, LEFT, "tcp");
    duo_deinit(&d);
}
END_TEST

/* What is told of them (RFC 6544 section 4.5), and that a program may do without. */
static struct {
    unsigned active, passive;
} told[2];

static void look_at(enum side from, char **text)
{
    told[from].active += !!strstr(*text, " 9 typ host tcptype active");
    told[from].passive += !!strstr(*text, " 7000 typ host tcptype passive");
}

START_TEST(candidates_are_told_as_the_configuration_says)
{
    static const struct {
        uint8_t ice_tcp;
        unsigned active, passive;
    } rows[] = {{0, 1, 1},
                {KITH_ICE_TCP_ACTIVE, 1, 0},
                {KITH_ICE_TCP_PASSIVE, 0, 1},
                {KITH_ICE_TCP_ACTIVE | KITH_ICE_TCP_PASSIVE, 1, 1},
                {KITH_ICE_TCP_NONE, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        duo d;
        kith_pc_config config = KITH_PC_CONFIG_INIT;
        config.ice_tcp = rows[i].ice_tcp;
        memset(told, 0, sizeof told);
        duo_options options = {.tamper = look_at, .configs = {&config}};
        begin(&d, &options, LEFT);
        duo_offer(&d, LEFT);
        world_run(d.world, KITH_SECONDS(3), NULL, NULL);
        ck_assert_uint_eq(told[LEFT].active, rows[i].active);
        ck_assert_uint_eq(told[LEFT].passive, rows[i].passive);
        duo_deinit(&d);
    }
}
END_TEST

/* ---- strangers ---- */

static unsigned answers;

static bool count_answers(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    kith_stun message;
    const kith_path *intruder = user;
    (void)h;
    if (kith_path_equal(path, intruder) && kith_stun_parse(&message, data + 2, *len - 2))
        answers += message.class == KITH_STUN_SUCCESS;
    return true;
}

static void read_attribute(const char *sdp, const char *name, char *value, size_t cap)
{
    const char *at = strstr(sdp, name) + strlen(name);
    size_t len = strcspn(at, "\r\n");
    ck_assert_uint_lt(len, cap);
    memcpy(value, at, len);
    value[len] = '\0';
}

static size_t write_authentic(uint8_t *frame, duo *d, unsigned number)
{
    const char *ours = kith_pc_local_description(d->peers[RIGHT].pc)->sdp;
    const char *theirs = kith_pc_local_description(d->peers[LEFT].pc)->sdp;
    char ufrag[64], pwd[64], other[64], username[140];
    uint8_t id[KITH_STUN_ID] = {(uint8_t)(number + 1)};
    read_attribute(ours, "a=ice-ufrag:", ufrag, sizeof ufrag);
    read_attribute(ours, "a=ice-pwd:", pwd, sizeof pwd);
    read_attribute(theirs, "a=ice-ufrag:", other, sizeof other);
    snprintf(username, sizeof username, "%s:%s", ufrag, other);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(pwd));
    kith_writer w = kith_wr(frame + 2, 400);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, 1);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 1);
    kith_stun_put_integrity(&w, hmac);
    kith_stun_put_fingerprint(&w);
    kith_frame_write_head(frame, w.len);
    kith_hmac_free(hmac);
    return w.len + 2;
}

/* TCP repeats no request: one that goes unanswered is missed. */
START_TEST(requests_that_come_many_at_once_are_answered_each)
{
    enum { COUNT = 100 };
    static uint8_t frames[COUNT * 402];
    duo d;
    kith_path path;
    size_t len = 0;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    host *right = d.peers[RIGHT].host;
    duo_connect(&d);
    for (unsigned i = 0; i < COUNT; i++)
        len += write_authentic(frames + len, &d, i);
    answers = 0;
    right->tap = count_answers;
    right->tap_user = &path;
    ck_assert(tcp_intrude(right, &path, "203.0.113.66:1000"));
    tcp_intruder_says(right, &path, frames, len);
    world_run(d.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_uint_eq(answers, COUNT);
    right->tap = NULL;
    duo_deinit(&d);
}
END_TEST

static uint64_t refused(const duo *d)
{
    return kith_endpoint_get_counters(d->peers[RIGHT].host->endpoint)->connections_refused;
}

/* A Binding request in a frame, `len` bytes in all or as many as it needs. */
static size_t write_check(uint8_t *frame, const char *username, size_t len)
{
    static const uint8_t id[KITH_STUN_ID] = {1};
    static const uint8_t padding[1300];
    kith_writer w = kith_wr(frame + 2, 1400);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
    if (len > w.len + 12)
        kith_stun_put_span(&w, KITH_STUN_ATTR_SOFTWARE, kith_span_of(padding, len - w.len - 12));
    kith_stun_put_fingerprint(&w);
    kith_frame_write_head(frame, w.len);
    return w.len + 2;
}

START_TEST(who_shows_nothing_or_something_else_first_is_closed)
{
    static const char *const first[] = {"\0\1x", "\0\0", "\0\24\26\376\375xxxxxxxxxxxxxxxxxxx",
                                        "\5\1", "GET / HTTP/1.1\r\n\r\n"};
    static const size_t lengths[] = {3, 2, 22, 2, 18};
    duo d;
    kith_path path;
    uint8_t frame[1500];
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    host *right = d.peers[RIGHT].host;
    duo_connect(&d);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        uint64_t before = refused(&d);
        ck_assert(tcp_intrude(right, &path, "203.0.113.66:1000"));
        tcp_intruder_says(right, &path, first[i], lengths[i]);
        ck_assert_uint_eq(refused(&d), before + 1);
    }
    /* Of the right user, and with a wrong password: none. */
    const char *sdp = kith_pc_local_description(d.peers[RIGHT].pc)->sdp;
    char ufrag[32] = "", username[64];
    sscanf(strstr(sdp, "a=ice-ufrag:"), "a=ice-ufrag:%31s", ufrag);
    snprintf(username, sizeof username, "%s:xxxx", ufrag);
    uint64_t before = refused(&d);
    ck_assert(tcp_intrude(right, &path, "203.0.113.66:1000"));
    size_t len = write_check(frame, username, 1280);
    ck_assert_uint_eq(len, 1282);
    tcp_intruder_says(right, &path, frame, len - 1); /* it is not there yet */
    ck_assert_uint_eq(refused(&d), before);
    tcp_intruder_says(right, &path, frame + len - 1, 1);
    ck_assert_uint_eq(refused(&d), before + 1);
    /* Silence is borne for 5 s. */
    ck_assert(tcp_intrude(right, &path, "203.0.113.66:1000"));
    world_run(d.world, KITH_MS(4900), NULL, NULL);
    ck_assert_uint_eq(refused(&d), before + 1);
    world_run(d.world, KITH_MS(200), NULL, NULL);
    ck_assert_uint_eq(refused(&d), before + 2);
    exchange(&d, 50, KITH_SECONDS(10));
    duo_deinit(&d);
}
END_TEST

START_TEST(the_oldest_of_too_many_nameless_makes_room)
{
    duo d;
    kith_path path;
    char from[40];
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    host *right = d.peers[RIGHT].host;
    for (unsigned i = 0; i < 8; i++) {
        snprintf(from, sizeof from, "203.0.113.66:%u", 1000 + i);
        ck_assert(tcp_intrude(right, &path, from));
    }
    ck_assert_uint_eq(refused(&d), 0);
    ck_assert(tcp_intrude(right, &path, "203.0.113.66:2000"));
    ck_assert_uint_eq(refused(&d), 1);
    for (unsigned i = 0; i < 64 - 8; i++) {
        snprintf(from, sizeof from, "203.0.113.%u:1000", 100 + i);
        ck_assert(tcp_intrude(right, &path, from));
    }
    ck_assert_uint_eq(refused(&d), 1);
    ck_assert(tcp_intrude(right, &path, "203.0.113.200:1000"));
    ck_assert_uint_eq(refused(&d), 2);
    duo_connect(&d); /* a peer finds a place among them */
    exchange(&d, 50, KITH_SECONDS(10));
    duo_deinit(&d);
}
END_TEST

/* Who has a /64 of IPv6 has one address's share. */
START_TEST(a_site_of_ipv6_counts_as_one_address)
{
    duo d;
    kith_path path;
    char from[60];
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, LEFT);
    host *right = d.peers[RIGHT].host;
    ck_assert_int_eq(kith_address_parse(&right->tcp, "[2001:db8:1::1]:7000"), KITH_OK);
    ck_assert_int_eq(kith_endpoint_add_tcp_address(right->endpoint, &right->tcp), KITH_OK);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(from, sizeof from, "[2001:db8::%x:1]:1000", i);
        ck_assert(tcp_intrude(right, &path, from));
    }
    ck_assert_uint_eq(refused(&d), 0);
    ck_assert(tcp_intrude(right, &path, "[2001:db8:0:1::1]:1000"));
    ck_assert_uint_eq(refused(&d), 0);
    ck_assert(tcp_intrude(right, &path, "[2001:db8::8:1]:1000"));
    ck_assert_uint_eq(refused(&d), 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(what_came_to_no_listener_is_not_taken)
{
    duo d;
    kith_path path;
    begin(&d, &(duo_options){.link = {.delay = KITH_MS(20)}}, RIGHT);
    host *left = d.peers[LEFT].host, *right = d.peers[RIGHT].host;
    ck_assert(!tcp_intrude(left, &path, "203.0.113.66:1000"));
    ck_assert(tcp_intrude(right, &path, "203.0.113.66:1000"));
    ck_assert(!tcp_intrude(right, &path, "203.0.113.66:1000")); /* there already */
    kith_endpoint_remove_tcp_address(right->endpoint, &right->tcp);
    ck_assert(!tcp_intrude(right, &path, "203.0.113.66:2000"));
    tcp_intruder_says(right, &path, "x", 1); /* of a connection that is not there */
    duo_deinit(&d);
}
END_TEST

/* ---- a slow peer beside a fast one ---- */

struct hub {
    kith_dc *channels[2];
    size_t received[2];
};

static void fill(kith_dc *dc)
{
    static uint8_t message[8000];
    while (dc && kith_dc_send(dc, message, sizeof message) == KITH_OK)
        ;
}

/* The user of a peer is the one on its other side; candidates get there at once. */
static void on_event(host *h, const kith_event *ev, void *user)
{
    struct hub *hub = user;
    if (ev->type == KITH_EV_ICE_CANDIDATE) {
        kith_ice_candidate c = ev->ice_candidate;
        ck_assert_int_eq(kith_pc_add_ice_candidate(kith_pc_user(ev->pc), &c), KITH_OK);
    } else if (ev->type == KITH_EV_DC_MESSAGE) {
        hub->received[strcmp(h->name, "fast") == 0] += ev->message.len;
    } else if (ev->type == KITH_EV_DC_OPEN || ev->type == KITH_EV_WRITABLE) {
        for (int i = 0; i < 2; i++)
            if (hub->channels[i] == ev->dc)
                fill(ev->dc);
    }
}

static void describe(kith_pc *from, kith_pc *to)
{
    ck_assert_int_eq(kith_pc_set_local_description(from, NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_set_remote_description(to, kith_pc_local_description(from)), KITH_OK);
}

static host *join(struct hub *hub, host *center, int index, const char *name, const char *ip,
                  link_config link, kith_pc *pcs[2])
{
    host *h = world_add_host(center->world, name, ip, NAT_NONE, link);
    h->on_event = on_event;
    h->user = hub;
    h->no_udp = true;
    ck_assert(host_add_tcp(h, 0));
    ck_assert_int_eq(kith_pc_new(&pcs[0], center->endpoint, NULL), KITH_OK);
    ck_assert_int_eq(kith_pc_new(&pcs[1], h->endpoint, NULL), KITH_OK);
    kith_pc_set_user(pcs[0], pcs[1]);
    kith_pc_set_user(pcs[1], pcs[0]);
    ck_assert_int_eq(kith_pc_create_data_channel(pcs[0], "x", NULL, &hub->channels[index]),
                     KITH_OK);
    describe(pcs[0], pcs[1]);
    describe(pcs[1], pcs[0]);
    return h;
}

/* Bytes that the fast peer gets in 10 s. */
static size_t run_hub(bool with_slow)
{
    struct hub hub = {0};
    world *w = world_new(1);
    link_config link = {.delay = KITH_MS(5), .rate_bps = 50000000};
    host *center = world_add_host(w, "center", "192.0.2.1", NAT_NONE, link);
    kith_pc *fast[2], *slow[2];
    center->on_event = on_event;
    center->user = &hub;
    center->no_udp = true;
    ck_assert(host_add_tcp(center, PORT));
    join(&hub, center, 0, "fast", "198.51.100.1", link, fast);
    host *h = with_slow ? join(&hub, center, 1, "slow", "198.51.100.2", link, slow) : NULL;
    world_run(w, KITH_SECONDS(5), NULL, NULL);
    size_t before = hub.received[true];
    ck_assert_uint_gt(before, 0);
    if (h) {
        ck_assert_uint_gt(hub.received[false], 0);
        h->tcp_stalls = true;
    }
    world_run(w, KITH_SECONDS(10), NULL, NULL);
    size_t bytes = hub.received[true] - before;
    for (int i = 0; i < 2; i++) {
        kith_pc_free(fast[i]);
        if (with_slow)
            kith_pc_free(slow[i]);
    }
    world_free(w);
    return bytes;
}

START_TEST(a_connection_that_takes_nothing_holds_up_no_other_peer)
{
    size_t alone = run_hub(false), beside = run_hub(true);
    ck_assert_msg(beside * 10 >= alone * 9, "%zu of %zu bytes", beside, alone);
}
END_TEST

UNIT_MAIN("sim: tcp", where_no_datagram_passes_a_connection_does_in_either_direction,
          a_peer_behind_a_nat_connects_to_one_that_listens, a_bad_line_delays_and_loses_nothing,
          udp_is_better_where_it_works, udp_that_comes_a_second_late_is_waited_for,
          a_connection_that_is_cut_is_made_once_more,
          a_connection_that_dies_without_a_sign_is_replaced, a_full_window_keeps_data_where_it_is,
          a_farewell_is_heard_on_a_connection, a_farewell_is_heard_on_a_connection_that_is_full,
          a_restart_of_ice_makes_a_connection_of_its_own,
          candidates_are_told_as_the_configuration_says,
          requests_that_come_many_at_once_are_answered_each,
          who_shows_nothing_or_something_else_first_is_closed,
          the_oldest_of_too_many_nameless_makes_room, a_site_of_ipv6_counts_as_one_address,
          what_came_to_no_listener_is_not_taken,
          a_connection_that_takes_nothing_holds_up_no_other_peer)
