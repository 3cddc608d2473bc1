/* How a byte travels: what is counted, what is dropped, and what is hurried or ended on the way. */
#include "live.h"

#include "pc/pump.h"
#include "tls/association.h"

static const kith_transport_counters *counters_of(duo *d, enum side side)
{
    return &kith_pc_transport(pc_of(d, side))->counters;
}

static void give(duo *d, const uint8_t *data, size_t len)
{
    kith_packet_info info = {
        .size = sizeof info,
        .path = {.local = d->peers[LEFT].host->address, .remote = d->peers[RIGHT].host->address}};
    kith_endpoint_handle_packet(ep_of(d, LEFT), virtual_now(), &info, data, len);
}

/* webrtc-stats: packets and bytes of a transport are without ICE's checks. */
START_TEST(data_is_counted_and_checks_are_not)
{
    duo d;
    live_pair(&d);
    run_ms(&d, 1000);
    kith_transport_counters before = *counters_of(&d, LEFT);
    uint64_t sent = d.peers[LEFT].host->packets_sent;
    run_ms(&d, 60000);
    ck_assert_uint_gt(d.peers[LEFT].host->packets_sent, sent + 10); /* consent */
    ck_assert_uint_eq(counters_of(&d, LEFT)->packets_sent, before.packets_sent);
    ck_assert_uint_eq(counters_of(&d, LEFT)->bytes_received, before.bytes_received);
    kith_time at = virtual_now();
    OK(kith_dc_send(d.peers[LEFT].dc, "0123456789", 10));
    run_ms(&d, 1000);
    ck_assert_uint_eq(counters_of(&d, LEFT)->packets_sent, before.packets_sent + 1);
    ck_assert_uint_ge(counters_of(&d, LEFT)->bytes_sent,
                      before.bytes_sent + 10 + KITH_DTLS_OVERHEAD);
    ck_assert_int_eq(counters_of(&d, LEFT)->last_packet_sent, at);
    ck_assert_uint_eq(counters_of(&d, RIGHT)->packets_received,
                      counters_of(&d, LEFT)->packets_sent);
    ck_assert_uint_eq(counters_of(&d, RIGHT)->bytes_received, counters_of(&d, LEFT)->bytes_sent);
    duo_deinit(&d);
}
END_TEST

START_TEST(packets_of_kinds_that_were_not_agreed_on_are_dropped_and_counted)
{
    duo d;
    live_pair(&d);
    static const uint8_t firsts[] = {128, 64, 200, 250}; /* RTP, a TURN channel, RTCP, nothing */
    uint8_t packet[100] = {0};
    uint64_t before = counters_of(&d, LEFT)->packets_dropped;
    for (size_t i = 0; i < sizeof firsts; i++) {
        packet[0] = firsts[i];
        give(&d, packet, sizeof packet);
    }
    ck_assert_uint_eq(counters_of(&d, LEFT)->packets_dropped, before + sizeof firsts);
    run_ms(&d, 1000);
    ck_assert(duo_is_connected(&d));
    duo_deinit(&d);
}
END_TEST

/* ---- every packet that leaves ---- */

static bool look(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)path;
    (void)data;
    size_t *longest = user;
    if (*len > *longest)
        *longest = *len;
    return true;
}

START_TEST(no_packet_is_longer_than_the_mtu_and_full_ones_use_it)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(5)}});
    size_t longest = 0;
    d.peers[LEFT].host->tap = look;
    d.peers[LEFT].host->tap_user = &longest;
    duo_connect(&d);
    duo_send(&d, LEFT, 20, 20000);
    run_ms(&d, 5000);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 20);
    ck_assert_uint_le(longest, KITH_TRANSPORT_MTU);
    ck_assert_uint_ge(longest, KITH_TRANSPORT_MTU - 20);
    duo_deinit(&d);
}
END_TEST

START_TEST(data_must_not_be_fragmented)
{
    duo d;
    live_pair(&d);
    run_ms(&d, 1000);
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    uint8_t buf[KITH_MAX_PACKET];
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    size_t len = kith_endpoint_poll_packet(ep_of(&d, LEFT), virtual_now(), &info, buf, sizeof buf);
    ck_assert_uint_gt(len, 0);
    ck_assert_int_eq(buf[0], 23);
    ck_assert(info.dont_fragment);
    ck_assert(kith_address_equal(&info.path.remote, &d.peers[RIGHT].host->address));
    ck_assert(kith_address_equal(&info.path.local, &d.peers[LEFT].host->address));
    duo_deinit(&d);
}
END_TEST

START_TEST(a_packet_info_of_another_header_is_filled_as_far_as_it_goes)
{
    duo d;
    live_pair(&d);
    run_ms(&d, 1000);
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    OK(kith_dc_send(d.peers[LEFT].dc, "y", 1));
    uint8_t buf[KITH_MAX_PACKET];
    struct {
        kith_packet_info info;
        char tail[8];
    } later = {.tail = "before"};
    later.info.size = sizeof later;
    ck_assert_uint_gt(
        kith_endpoint_poll_packet(ep_of(&d, LEFT), virtual_now(), &later.info, buf, sizeof buf), 0);
    ck_assert_uint_eq(later.info.size, sizeof later);
    ck_assert(later.info.dont_fragment);
    ck_assert_mem_eq(later.tail, "\0\0\0\0\0\0\0", 8);
    later.info = (kith_packet_info){.size = offsetof(kith_packet_info, dont_fragment)};
    later.info.reserved = 7; /* what lies behind an older struct */
    kith_dc_free(d.peers[LEFT].dc);
    d.peers[LEFT].dc = NULL;
    ck_assert_uint_gt(
        kith_endpoint_poll_packet(ep_of(&d, LEFT), virtual_now(), &later.info, buf, sizeof buf), 0);
    ck_assert(kith_address_equal(&later.info.path.remote, &d.peers[RIGHT].host->address));
    ck_assert(!later.info.dont_fragment);
    ck_assert_uint_eq(later.info.reserved, 7);
    duo_deinit(&d);
}
END_TEST

/* ---- ends ---- */

/* close_notify without ABORT, which was lost: the channels are closed, and no timer of SCTP's goes
 * on. */
START_TEST(the_end_of_dtls_is_the_end_of_sctp)
{
    duo d;
    live_pair(&d);
    duo_send(&d, LEFT, 10, 1000);
    kith_dtls *theirs = kith_pc_transport(pc_of(&d, RIGHT))->dtls;
    uint8_t buf[1500];
    kith_dtls_close(theirs);
    size_t len = kith_dtls_output(theirs, virtual_now(), buf, sizeof buf);
    ck_assert_uint_gt(len, 0);
    d.peers[RIGHT].host->idle = true;
    give(&d, buf, len);
    run_ms(&d, 1000);
    ck_assert_uint_eq(d.peers[LEFT].closed, 1);
    ck_assert_uint_eq(d.peers[LEFT].errors, 0);
    ck_assert_int_eq(kith_sctp_deadline(kith_pc_transport(pc_of(&d, LEFT))->sctp), KITH_NEVER);
    ck_assert(kith_list_empty(&kith_pc_transport(pc_of(&d, LEFT))->paths));
    duo_deinit(&d);
}
END_TEST

static bool drop_dtls(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)path;
    (void)user;
    return *len == 0 || data[0] < 20 || data[0] > 63;
}

/* A driver that finds no rest takes this many turns at one instant. */
static bool takes_many_turns(void *turns)
{
    return ++*(unsigned *)turns > 10000;
}

/* The round trip is so long that DTLS still repeats its flight when consent is over. */
START_TEST(a_handshake_that_lost_its_path_lets_the_driver_sleep)
{
    duo d;
    duo_options options = {.seed = 1, .link = {.delay = KITH_MS(250)}};
    live_init(&d, &options);
    d.peers[LEFT].host->tap = d.peers[RIGHT].host->tap = drop_dtls;
    duo_offer(&d, LEFT);
    run_ms(&d, 1600);
    ck_assert(kith_pc_transport(pc_of(&d, LEFT))->dtls_started);
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = true;
    unsigned turns = 0;
    ck_assert(!world_run(d.world, KITH_SECONDS(60), takes_many_turns, &turns));
    ck_assert_int_eq(kith_pc_ice_connection_state(pc_of(&d, LEFT)),
                     KITH_ICE_CONNECTION_STATE_FAILED);
    ck_assert_int_eq(kith_endpoint_timeout(ep_of(&d, LEFT)), KITH_NEVER);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_failed_connection_with_data_in_flight_lets_the_driver_sleep)
{
    static uint8_t data[10000];
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = true;
    for (int i = 0; i < 20; i++)
        OK(kith_dc_send(d.peers[LEFT].dc, data, sizeof data));
    run_ms(&d, 60000);
    ck_assert_int_eq(kith_pc_ice_connection_state(pc_of(&d, LEFT)),
                     KITH_ICE_CONNECTION_STATE_FAILED);
    ck_assert_int_eq(kith_endpoint_timeout(ep_of(&d, LEFT)), KITH_NEVER);
    /* A restart finds everything as it was. */
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = false;
    kith_pc_restart_ice(pc_of(&d, LEFT));
    d.options.no_channel = true;
    duo_offer(&d, LEFT);
    run_ms(&d, 15000);
    ck_assert(duo_is_connected(&d));
    ck_assert_uint_eq(d.peers[RIGHT].messages, 20);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_closed_peer_hears_nothing_more)
{
    duo d;
    live_pair(&d);
    kith_pc_close(pc_of(&d, LEFT));
    run_ms(&d, 100);
    kith_transport_counters before = *counters_of(&d, LEFT);
    size_t events = told_count[LEFT];
    uint8_t packet[100] = {23, 254, 253};
    give(&d, packet, sizeof packet);
    run_ms(&d, 60000);
    ck_assert_mem_eq(&before, counters_of(&d, LEFT), sizeof before);
    ck_assert_uint_eq(told_count[LEFT], events);
    ck_assert_int_eq(kith_pump_deadline(pc_of(&d, LEFT)), KITH_NEVER);
    duo_deinit(&d);
}
END_TEST

/* ---- interruptions ---- */

/* A path that is back hurries SCTP, whose own timer would wait for seconds. */
START_TEST(data_flows_at_once_when_the_path_is_back)
{
    duo d;
    live_pair(&d);
    host *left = d.peers[LEFT].host, *right = d.peers[RIGHT].host;
    left->deaf = right->deaf = true;
    duo_send(&d, LEFT, 10, 1000);
    run_ms(&d, 35000);
    ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_FAILED);
    left->deaf = right->deaf = false;
    kith_pc_restart_ice(pc_of(&d, LEFT));
    d.options.no_channel = true;
    duo_offer(&d, LEFT);
    kith_time start = virtual_now();
    ck_assert(world_run(d.world, KITH_SECONDS(5), duo_is_connected, &d));
    ck_assert_int_le(virtual_now() - start, KITH_MS(500));
    run_ms(&d, 1500);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 10);
    ck_assert_uint_eq(d.peers[RIGHT].closed + d.peers[LEFT].closed, 0);
    duo_deinit(&d);
}
END_TEST

static bool got_ten(void *arg)
{
    return ((duo *)arg)->peers[RIGHT].messages == 10;
}

/* SCTP's own timer would wait for up to 10 s by then. */
START_TEST(data_flows_soon_when_the_peer_is_heard_again)
{
    for (int cut = 9; cut <= 21; cut += 4) {
        duo d;
        live_pair(&d);
        host *left = d.peers[LEFT].host, *right = d.peers[RIGHT].host;
        left->deaf = right->deaf = true;
        duo_send(&d, LEFT, 10, 1000);
        run_ms(&d, cut * 1000);
        ck_assert_int_eq(d.peers[LEFT].state, KITH_CONNECTION_STATE_DISCONNECTED);
        left->deaf = right->deaf = false;
        ck_assert_msg(world_run(d.world, KITH_MS(4500), got_ten, &d), "after %d s", cut);
        duo_deinit(&d);
    }
}
END_TEST

/* OpenSSL would keep 45 kB for ever. */
START_TEST(a_connected_peer_holds_nothing_of_the_handshake)
{
    duo d;
    live_pair(&d);
    for (int i = 0; i < 2; i++) {
        const kith_dtls *dtls = kith_pc_transport(d.peers[i].pc)->dtls;
        ck_assert_ptr_null(dtls->ssl);
        ck_assert_ptr_null(dtls->flight.data);
        ck_assert_ptr_null(dtls->outgoing.data);
        ck_assert_ptr_null(dtls->early.data);
    }
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: pump", data_is_counted_and_checks_are_not,
          packets_of_kinds_that_were_not_agreed_on_are_dropped_and_counted,
          no_packet_is_longer_than_the_mtu_and_full_ones_use_it, data_must_not_be_fragmented,
          a_packet_info_of_another_header_is_filled_as_far_as_it_goes,
          the_end_of_dtls_is_the_end_of_sctp, a_handshake_that_lost_its_path_lets_the_driver_sleep,
          a_failed_connection_with_data_in_flight_lets_the_driver_sleep,
          a_closed_peer_hears_nothing_more, data_flows_at_once_when_the_path_is_back,
          data_flows_soon_when_the_peer_is_heard_again,
          a_connected_peer_holds_nothing_of_the_handshake)
