/* Peers that have all the keys and obey no manners, and strangers that see the packets: nothing
 * grows without bound, nobody else is hit, and the connection lives where it may. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "duo.h"
#include "pc/pc.h"
#include "wire/dcep.h"
#include "wire/stun.h"

#define OK(call) ck_assert_msg((call) == KITH_OK, "%s: %s", #call, kith_last_error()->message)

/* ---- what is held ---- */

static size_t held, most_held;

static void *take(size_t size, void *user)
{
    (void)user;
    size_t *block = malloc(size + 16);
    *block = size;
    held += size;
    most_held = held > most_held ? held : most_held;
    return block + 2;
}

static void give(void *memory, void *user)
{
    (void)user;
    if (!memory)
        return;
    size_t *block = (size_t *)memory - 2;
    held -= *block;
    free(block);
}

static void *resize(void *memory, size_t size, void *user)
{
    void *larger = take(size, user);
    if (memory) {
        size_t old = ((size_t *)memory)[-2];
        memcpy(larger, memory, old < size ? old : size);
        give(memory, user);
    }
    return larger;
}

static void run_ms(duo *d, int ms)
{
    world_run(d->world, KITH_MS(ms), NULL, NULL);
}

/* From here on memory is counted. */
static void begin(duo *d, const duo_options *options)
{
    static const kith_allocator counting = {.alloc = take, .resize = resize, .release = give};
    held = most_held = 0;
    kith_set_allocator(&counting);
    ck_assert(duo_init(d, options));
    duo_connect(d);
}

static void finish(duo *d)
{
    duo_deinit(d);
    kith_set_allocator(NULL);
}

/* Its application goes on as if nothing were. */
static void check_left_lives(duo *d)
{
    duo_peer *left = &d->peers[LEFT], *right = &d->peers[RIGHT];
    ck_assert(left->state == KITH_CONNECTION_STATE_CONNECTED);
    size_t before = right->messages;
    OK(kith_dc_send(left->channels[0], "alive", 5));
    run_ms(d, 2000);
    ck_assert_uint_eq(right->messages, before + 1);
}

/* ---- signalling that floods ---- */

static uint64_t to_victims;

static bool count_victims(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)data;
    (void)len;
    (void)user;
    to_victims += path->remote.ip[0] == 203;
    return true;
}

START_TEST(a_flood_of_candidates_and_names_makes_few_packets_and_requests)
{
    duo d;
    begin(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    kith_pc *left = d.peers[LEFT].pc;
    size_t before = held;
    d.peers[LEFT].host->tap = count_victims;
    to_victims = 0;
    for (unsigned i = 0; i < 5000; i++) {
        char text[128];
        if (i % 2 == 0)
            snprintf(text, sizeof text, "candidate:%u 1 udp %u 203.0.%u.%u 5000 typ host", i,
                     1000000 + i, i >> 8, i & 255);
        else
            snprintf(text, sizeof text, "candidate:%u 1 udp 2122260223 name-%u.local 5000 typ host",
                     i, i);
        kith_ice_candidate c = {
            .size = sizeof c, .candidate = text, .sdp_mid = "0", .sdp_m_line_index = -1};
        kith_err err = kith_pc_add_ice_candidate(left, &c);
        ck_assert(err != KITH_ERR_NO_MEMORY);
    }
    unsigned requests = 0;
    for (const kith_request *request;
         (request = kith_endpoint_poll_request(d.peers[LEFT].host->endpoint));)
        requests++;
    ck_assert_uint_le(requests, 20);
    run_ms(&d, 60000);
    ck_assert_msg(to_victims <= 100 * 8, "%llu packets", (unsigned long long)to_victims);
    ck_assert_msg(held - before < 1000000, "%zu bytes", held - before);
    check_left_lives(&d);
    finish(&d);
}
END_TEST

/* Junk that looks like DTLS from the peer's address, ten times a second. */
static void spoof(duo *d, int seconds)
{
    static const uint8_t junk[60] = {23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 47};
    host *left = d->peers[LEFT].host;
    kith_packet_info info = {
        .size = sizeof info,
        .path = {.local = left->address, .remote = d->peers[RIGHT].host->address}};
    for (int i = 0; i < 10 * seconds; i++) {
        kith_endpoint_handle_packet(left->endpoint, virtual_now(), &info, junk, sizeof junk);
        run_ms(d, 100);
    }
}

/* Only what DTLS authenticated is a sign of life. */
START_TEST(junk_from_the_peers_address_does_not_keep_a_dead_peer_connected)
{
    duo d;
    begin(&d, &(duo_options){.seed = 2, .link = {.delay = KITH_MS(10)}});
    run_ms(&d, 1000);
    d.peers[RIGHT].host->unplugged = true;
    spoof(&d, 12);
    ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_DISCONNECTED);
    finish(&d);
}
END_TEST

/* ---- checks ---- */

/* An authentic check in the right peer's name from any address. */
static void check_from(duo *d, const kith_address *from, uint8_t number)
{
    kith_ice *ours = kith_pc_transport(d->peers[LEFT].pc)->ice,
             *theirs = kith_pc_transport(d->peers[RIGHT].pc)->ice;
    uint8_t packet[300], id[KITH_STUN_ID] = {number, from->ip[3]};
    char username[128];
    snprintf(username, sizeof username, "%s:%s", kith_ice_local_ufrag(ours),
             kith_ice_local_ufrag(theirs));
    kith_hmac *key = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(kith_ice_local_pwd(ours)));
    kith_writer w = kith_wr(packet, sizeof packet);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
    static const uint8_t priority[4] = {110, 0, 0, 255}, tie[8] = {0};
    kith_stun_put_span(&w, KITH_STUN_ATTR_PRIORITY, kith_span_of(priority, sizeof priority));
    kith_stun_put_span(&w, KITH_STUN_ATTR_ICE_CONTROLLED, kith_span_of(tie, sizeof tie));
    kith_stun_put_integrity(&w, key);
    kith_stun_put_fingerprint(&w);
    kith_hmac_free(key);
    host *left = d->peers[LEFT].host;
    kith_packet_info info = {.size = sizeof info,
                             .path = {.local = left->address, .remote = *from}};
    kith_endpoint_handle_packet(left->endpoint, virtual_now(), &info, packet, w.len);
}

START_TEST(checks_from_a_thousand_addresses_neither_fill_memory_nor_move_the_connection)
{
    duo d;
    begin(&d, &(duo_options){.seed = 2, .link = {.delay = KITH_MS(10)}});
    size_t before = held;
    d.peers[LEFT].host->tap = count_victims;
    to_victims = 0;
    kith_address from = {.family = KITH_IPV4, .ip = {203, 0, 113, 1}};
    for (int i = 0; i < 1000; i++) {
        from.port = (uint16_t)(1000 + i);
        check_from(&d, &from, (uint8_t)i);
        if (i % 10 == 9)
            run_ms(&d, 10);
    }
    run_ms(&d, 60000);
    ck_assert_uint_le(d.peers[LEFT].host->endpoint->by_path.count, KITH_ICE_MAX_PAIRS);
    ck_assert_msg(held - before < 1000000, "%zu bytes", held - before);
    ck_assert_msg(to_victims <= 1000 + 200 * 8, "%llu packets", (unsigned long long)to_victims);
    check_left_lives(&d);
    finish(&d);
}
END_TEST

/* ---- channels ---- */

/* The right peer sends DATA_CHANNEL_OPEN past its own channels; false when it may send no more for
 * now. */
static bool say_open(duo *d, uint16_t stream, size_t label)
{
    static char text[65535];
    memset(text, 'l', sizeof text);
    kith_sctp *sctp = kith_pc_transport(d->peers[RIGHT].pc)->sctp;
    kith_sctp_stream params = {.priority = 256};
    if (kith_sctp_open(sctp, stream, &params) != KITH_OK)
        return false;
    kith_dcep_open open = {.priority = 256, .label = kith_span_of(text, label)};
    kith_writer w = kith_wr_growing();
    kith_dcep_write_open(&w, &open);
    kith_sctp_send_args args = {
        .stream = stream, .ppid = KITH_PPID_DCEP, .data = w.data, .len = w.len};
    bool sent = kith_sctp_send(sctp, &args) == KITH_OK;
    kith_wr_deinit(&w);
    kith_endpoint_set_ready(d->peers[RIGHT].pc);
    return sent;
}

START_TEST(a_storm_of_channels_is_held_by_the_limit)
{
    duo d;
    begin(&d, &(duo_options){.seed = 3, .link = {.delay = KITH_MS(2)}});
    for (int round = 0; round < 12; round++) {
        for (uint16_t stream = 0; stream < 256; stream += 2)
            (void)say_open(&d, stream, 10);
        run_ms(&d, 200);
        for (uint16_t stream = 0; stream < 256; stream += 2)
            kith_sctp_close_stream(kith_pc_transport(d.peers[RIGHT].pc)->sctp, stream);
        kith_endpoint_set_ready(d.peers[RIGHT].pc);
        run_ms(&d, 2000);
    }
    /* 4 for each of 256 ids, until their owner frees them. */
    ck_assert_uint_le(d.peers[LEFT].pc->channels.count, 1024);
    ck_assert_uint_ge(d.peers[LEFT].pc->channels.count, 1000);
    ck_assert_msg(most_held < 8000000, "%zu bytes", most_held);
    check_left_lives(&d);
    finish(&d);
}
END_TEST

START_TEST(opens_on_every_stream_of_ours_are_all_refused)
{
    duo d;
    begin(&d, &(duo_options){.seed = 4, .link = {.delay = KITH_MS(2)}});
    for (int round = 0; round < 3; round++) {
        for (uint16_t stream = 3; stream < 256; stream += 2)
            (void)say_open(&d, stream, 1000);
        run_ms(&d, 3000);
    }
    ck_assert_uint_eq(d.peers[LEFT].pc->channels.count, 1);
    kith_dc *dc;
    OK(kith_pc_create_data_channel(d.peers[LEFT].pc, "ours", NULL, &dc));
    run_ms(&d, 1000);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_OPEN);
    check_left_lives(&d);
    finish(&d);
}
END_TEST

/* Long labels are messages too: they come through the same budget. */
START_TEST(the_longest_labels_stay_within_bounds)
{
    duo d;
    kith_pc_config few = KITH_PC_CONFIG_INIT;
    few.max_channels = 16;
    begin(&d, &(duo_options){.seed = 5, .link = {.delay = KITH_MS(2)}, .configs = {&few, &few}});
    for (int round = 0; round < 20; round++) {
        for (uint16_t stream = 0; stream < 16; stream += 2)
            (void)say_open(&d, stream, 65535);
        run_ms(&d, 1000);
        for (uint16_t stream = 0; stream < 16; stream += 2)
            kith_sctp_close_stream(kith_pc_transport(d.peers[RIGHT].pc)->sctp, stream);
        kith_endpoint_set_ready(d.peers[RIGHT].pc);
        run_ms(&d, 1000);
    }
    ck_assert_uint_le(d.peers[LEFT].pc->channels.count, 64);
    ck_assert_msg(most_held < 16000000, "%zu bytes", most_held);
    check_left_lives(&d);
    finish(&d);
}
END_TEST

START_TEST(a_flood_of_messages_to_an_application_that_sleeps_is_held_by_the_budget)
{
    for (size_t len = 1; len <= 100000; len = len == 1 ? 100 : len == 100 ? 100000 : len + 1) {
        duo d;
        begin(&d, &(duo_options){.seed = 6, .link = {.delay = KITH_MS(2)}});
        d.peers[LEFT].host->slow = true;
        size_t before = held;
        size_t count = len < 1000 ? 20000 : 8000000 / len;
        duo_send(&d, RIGHT, count, len);
        run_ms(&d, 20000);
        ck_assert_uint_le(d.peers[LEFT].pc->events.messages, 4096);
        /* The sender's own queue is in it: a block is at most 3 times its message, or 512 bytes. */
        size_t right_waits = 3 * kith_dc_buffered_amount(d.peers[RIGHT].dc) + count * 512;
        ck_assert_msg(held - before < 8000000 + right_waits, "len %zu: %zu bytes", len,
                      held - before);
        d.peers[LEFT].host->slow = false;
        run_ms(&d, 20000);
        ck_assert_uint_eq(d.peers[LEFT].messages, count);
        ck_assert(!d.peers[LEFT].out_of_order || len < 4);
        check_left_lives(&d);
        finish(&d);
    }
}
END_TEST

/* ---- strangers ---- */

/* Everything the left peer sends comes to the right a second time, from an address of somebody
 * else's. */
static bool replay(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)path;
    duo *d = user;
    host *right = d->peers[RIGHT].host;
    kith_packet_info info = {.size = sizeof info, .path = {.local = right->address}};
    OK(kith_address_parse(&info.path.remote, "203.0.113.66:6666"));
    kith_endpoint_handle_packet(right->endpoint, virtual_now(), &info, data, *len);
    return true;
}

static bool late_replay(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    bool is_check =
        data[0] < 4; /* a check that is replayed is authentic: its source is tried, no more */
    return is_check || replay(h, path, data, len, user);
}

static void check_with_replay(bool (*tap)(host *, const kith_path *, uint8_t *, size_t *, void *),
                              enum side early)
{
    duo d;
    duo_options options = {.seed = 7, .link = {.delay = KITH_MS(10)}};
    ck_assert(duo_init(&d, &options));
    d.peers[early].host->tap = tap;
    d.peers[early].host->tap_user = &d;
    duo_connect(&d);
    duo_send(&d, LEFT, 100, 1000);
    duo_send(&d, RIGHT, 100, 1000);
    run_ms(&d, 60000);
    ck_assert(duo_is_connected(&d));
    ck_assert_uint_eq(d.peers[RIGHT].messages, 100);
    ck_assert_uint_eq(d.peers[LEFT].messages, 100);
    ck_assert_uint_eq(d.peers[LEFT].closed + d.peers[RIGHT].closed, 0);
    duo_deinit(&d);
}

START_TEST(packets_replayed_from_elsewhere_neither_harm_nor_move_the_connection)
{
    check_with_replay(replay, LEFT);
    check_with_replay(late_replay, LEFT);
}
END_TEST

/* Every packet twice from its own address: DTLS, SCTP and ICE each know what they had. */
START_TEST(every_packet_twice_is_every_packet_once)
{
    duo d;
    duo_options options = {.seed = 8, .link = {.delay = KITH_MS(10), .duplicate = 1}};
    ck_assert(duo_init(&d, &options));
    duo_connect(&d);
    duo_send(&d, LEFT, 200, 3000);
    run_ms(&d, 10000);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 200);
    ck_assert_uint_eq(d.peers[LEFT].opened + d.peers[RIGHT].opened, 2);
    kith_dc_close(d.peers[LEFT].dc);
    run_ms(&d, 1000);
    ck_assert_uint_eq(d.peers[LEFT].closed, 1);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("sim: attackers", a_flood_of_candidates_and_names_makes_few_packets_and_requests,
          checks_from_a_thousand_addresses_neither_fill_memory_nor_move_the_connection,
          a_storm_of_channels_is_held_by_the_limit, opens_on_every_stream_of_ours_are_all_refused,
          the_longest_labels_stay_within_bounds,
          a_flood_of_messages_to_an_application_that_sleeps_is_held_by_the_budget,
          packets_replayed_from_elsewhere_neither_harm_nor_move_the_connection,
          every_packet_twice_is_every_packet_once,
          junk_from_the_peers_address_does_not_keep_a_dead_peer_connected)
