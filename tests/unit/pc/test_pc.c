/* The life of a peer connection: made, closed, freed; and what it says last. */
#include "live.h"

/* ---- what leaves after the end ---- */

/* DTLS content types of what the left host sent since `watch`. */
static struct {
    unsigned packets, alerts, data, others;
} sent;

static bool count_packet(host *h, const kith_path *path, uint8_t *data, size_t *len, void *user)
{
    (void)h;
    (void)path;
    (void)user;
    (void)len;
    sent.packets++;
    sent.alerts += data[0] == 21;
    sent.data += data[0] == 23;
    sent.others += data[0] != 21 && data[0] != 23;
    return true;
}

static void watch(duo *d)
{
    memset(&sent, 0, sizeof sent);
    d->peers[LEFT].host->tap = count_packet;
}

static void free_left(duo *d)
{
    kith_pc_free(d->peers[LEFT].pc);
    d->peers[LEFT].pc = NULL;
    d->peers[LEFT].dc = NULL;
}

START_TEST(a_connected_peer_that_is_freed_sends_abort_and_close_notify_and_nothing_after)
{
    duo d;
    live_pair(&d);
    run_ms(&d, 100);
    watch(&d);
    free_left(&d);
    run_ms(&d, 60000);
    ck_assert_uint_eq(sent.data, 1); /* ABORT */
    ck_assert_uint_eq(sent.alerts, 1);
    ck_assert_uint_eq(sent.others, 0);
    ck_assert_uint_eq(d.peers[RIGHT].closed, 1);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_peer_that_was_closed_has_nothing_more_to_say_when_freed)
{
    duo d;
    live_pair(&d);
    kith_pc_close(pc_of(&d, LEFT));
    run_ms(&d, 100);
    watch(&d);
    free_left(&d);
    run_ms(&d, 60000);
    ck_assert_uint_eq(sent.packets, 0);
    duo_deinit(&d);
}
END_TEST

/* At every millisecond of set-up, and of the first second after. */
START_TEST(freeing_at_any_time_says_farewell_at_once_and_then_nothing)
{
    for (int at = 0; at < 250; at += at < 150 ? 3 : 25) {
        duo d;
        live_init(&d, &(duo_options){.seed = 1,
                                     .link = {.delay = KITH_MS(10)},
                                     .signalling_delay = KITH_MS(7)});
        duo_offer(&d, LEFT);
        run_ms(&d, at);
        bool connected =
            kith_pc_transport(pc_of(&d, LEFT))->dtls &&
            kith_dtls_get_state(kith_pc_transport(pc_of(&d, LEFT))->dtls) == KITH_DTLS_CONNECTED;
        watch(&d);
        free_left(&d);
        run_ms(&d, 0);
        unsigned at_once = sent.packets;
        ck_assert_msg(sent.alerts == connected, "at %d ms: %u alerts", at, sent.alerts);
        ck_assert_msg(at_once <= 6, "at %d ms: %u packets", at, at_once);
        ck_assert(kith_list_empty(&ep_of(&d, LEFT)->pcs));
        run_ms(&d, 60000);
        ck_assert_msg(sent.packets == at_once, "at %d ms", at);
        duo_deinit(&d);
    }
}
END_TEST

/* What came since the driver's last turn may have opened a path: nobody begins a handshake to end
 * it. */
START_TEST(a_peer_that_is_freed_before_its_handshake_does_not_begin_one)
{
    unsigned with_path = 0;
    for (int at = 0; at < 100; at += 2) {
        duo d;
        duo_options options = {
            .seed = 1, .link = {.delay = KITH_MS(10)}, .signalling_delay = KITH_MS(7)};
        live_init(&d, &options);
        duo_offer(&d, LEFT);
        run_ms(&d, at);
        d.peers[LEFT].host->idle = true;
        run_ms(&d, 25);
        const kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
        bool started = t->dtls_started;
        kith_path path;
        with_path += !started && t->dtls && kith_ice_send_path(t->ice, &path);
        watch(&d);
        size_t events = told_count[LEFT];
        free_left(&d);
        d.peers[LEFT].host->idle = false;
        run_ms(&d, 1000);
        ck_assert_msg(started || sent.packets == 0, "at %d ms: %u packets", at, sent.packets);
        ck_assert_uint_eq(told_count[LEFT], events);
        duo_deinit(&d);
    }
    ck_assert_uint_gt(with_path, 0);
}
END_TEST

START_TEST(a_peer_without_a_path_is_freed_in_silence)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->deaf = true;
    run_ms(&d, 40000); /* consent is gone */
    ck_assert_int_eq(kith_pc_connection_state(pc_of(&d, LEFT)), KITH_CONNECTION_STATE_FAILED);
    watch(&d);
    free_left(&d);
    run_ms(&d, 1000);
    ck_assert_uint_eq(sent.packets, 0);
    ck_assert(kith_list_empty(&ep_of(&d, LEFT)->pcs));
    duo_deinit(&d);
}
END_TEST

/* ---- close ---- */

/* webrtc-pc section 4.4.1.6: states change without events; channels tell that they are closed. */
START_TEST(closing_is_told_by_channels_alone)
{
    duo d;
    live_pair(&d);
    OK(kith_dc_send(d.peers[RIGHT].dc, "before", 6));
    run_ms(&d, 100);
    size_t before = told_count[LEFT];
    kith_pc *pc = pc_of(&d, LEFT);
    kith_pc_close(pc);
    kith_pc_close(pc);
    ck_assert_int_eq(kith_pc_signaling_state(pc), KITH_SIGNALING_STATE_CLOSED);
    ck_assert_int_eq(kith_pc_connection_state(pc), KITH_CONNECTION_STATE_CLOSED);
    ck_assert_int_eq(kith_pc_ice_connection_state(pc), KITH_ICE_CONNECTION_STATE_CLOSED);
    ck_assert_int_eq(kith_dc_ready_state(d.peers[LEFT].dc), KITH_DC_STATE_CLOSED);
    run_ms(&d, 1000);
    ck_assert_uint_eq(told_count[LEFT], before + 1);
    ck_assert_int_eq(told_to[LEFT][before].type, KITH_EV_DC_CLOSED);
    ck_assert_ptr_nonnull(kith_pc_local_description(pc)); /* what was agreed on can still be read */
    duo_deinit(&d);
}
END_TEST

/* States that nobody asked for in time are not told of a closed peer. */
START_TEST(what_waits_to_be_told_of_a_peer_ends_with_its_close)
{
    duo d;
    live_pair(&d);
    size_t before = told_count[LEFT];
    d.peers[LEFT].host->slow = true;
    d.peers[LEFT].host->deaf = true;
    run_ms(&d, 40000);
    ck_assert_int_eq(kith_pc_connection_state(pc_of(&d, LEFT)), KITH_CONNECTION_STATE_FAILED);
    kith_pc_close(pc_of(&d, LEFT));
    d.peers[LEFT].host->slow = false;
    run_ms(&d, 100);
    ck_assert_uint_eq(told_count[LEFT], before + 1);
    ck_assert_int_eq(told_to[LEFT][before].type, KITH_EV_DC_CLOSED);
    duo_deinit(&d);
}
END_TEST

START_TEST(messages_that_were_there_before_the_close_are_still_told)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->slow = true;
    duo_send(&d, RIGHT, 5, 100);
    run_ms(&d, 100);
    kith_pc_close(pc_of(&d, LEFT));
    d.peers[LEFT].host->slow = false;
    run_ms(&d, 100);
    ck_assert_uint_eq(d.peers[LEFT].messages, 5);
    ck_assert_uint_eq(d.peers[LEFT].closed, 1);
    duo_deinit(&d);
}
END_TEST

/* ---- made whole or not at all ---- */

START_TEST(a_peer_that_cannot_be_made_leaves_nothing)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc_config bad = KITH_PC_CONFIG_INIT;
    bad.max_channels = 65535;
    kith_pc *pc = (kith_pc *)&d;
    FAILS(RANGE, kith_pc_new(&pc, ep_of(&d, LEFT), &bad));
    ck_assert_ptr_eq(pc, (kith_pc *)&d);
    ck_assert_uint_eq(ep_of(&d, LEFT)->pc_count, 1);
    duo_connect(&d);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_peer_knows_its_user_and_endpoint)
{
    duo d;
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.user = &d;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&config}});
    kith_pc *pc = pc_of(&d, LEFT);
    ck_assert_ptr_eq(kith_pc_user(pc), &d);
    kith_pc_set_user(pc, &config);
    ck_assert_ptr_eq(kith_pc_user(pc), &config);
    ck_assert_ptr_null(kith_pc_user(pc_of(&d, RIGHT)));
    ck_assert_ptr_eq(kith_pc_endpoint(pc), ep_of(&d, LEFT));
    kith_pc_free(NULL);
    duo_deinit(&d);
}
END_TEST

START_TEST(the_remote_certificate_is_the_one_that_the_peer_was_given)
{
    duo d;
    kith_certificate *certificate;
    OK(kith_certificate_generate(&certificate, KITH_KEY_ECDSA_P256, 1767225600, 0));
    kith_certificate *const certificates[] = {certificate};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.certificates = certificates;
    config.certificate_count = 1;
    live_init(&d, &(duo_options){.seed = 1, .configs = {NULL, &config}});
    size_t len = 1;
    ck_assert_ptr_null(kith_pc_remote_certificate(pc_of(&d, LEFT), &len));
    ck_assert_uint_eq(len, 0);
    duo_connect(&d);
    const uint8_t *der = kith_pc_remote_certificate(pc_of(&d, LEFT), &len);
    kith_span given = kith_certificate_der(certificate);
    ck_assert_ptr_nonnull(der);
    ck_assert(kith_span_equal(kith_span_of(der, len), given));
    kith_certificate_free(certificate);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 4.4.1.1 step 9: not the same for two connections, which could be linked by it.
 */
START_TEST(each_peer_has_a_certificate_of_its_own)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    ck_assert(!kith_span_equal(kith_certificate_der(pc_of(&d, LEFT)->certificate),
                               kith_certificate_der(pc_of(&d, RIGHT)->certificate)));
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: pc", a_connected_peer_that_is_freed_sends_abort_and_close_notify_and_nothing_after,
          a_peer_that_was_closed_has_nothing_more_to_say_when_freed,
          freeing_at_any_time_says_farewell_at_once_and_then_nothing,
          a_peer_that_is_freed_before_its_handshake_does_not_begin_one,
          a_peer_without_a_path_is_freed_in_silence, closing_is_told_by_channels_alone,
          what_waits_to_be_told_of_a_peer_ends_with_its_close,
          messages_that_were_there_before_the_close_are_still_told,
          a_peer_that_cannot_be_made_leaves_nothing, a_peer_knows_its_user_and_endpoint,
          the_remote_certificate_is_the_one_that_the_peer_was_given,
          each_peer_has_a_certificate_of_its_own)
