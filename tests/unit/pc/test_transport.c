/* One transport: what starts when, and what of it may change. */
#include "live.h"

/* ---- DTLS and the descriptions ---- */

/* The answer is slow, the network is quick: checks and a ClientHello come first and wait. */
START_TEST(a_client_hello_that_overtakes_the_answer_is_kept)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(5)}});
    kith_pc *left = pc_of(&d, LEFT), *right = pc_of(&d, RIGHT);
    kith_dc *dc = channel(left, "x", NULL);
    OK(kith_pc_set_local_description(left, NULL));
    run_ms(&d, 10);
    OK(kith_pc_set_remote_description(right, kith_pc_local_description(left)));
    OK(kith_pc_set_local_description(right, NULL));
    const char *answer = kith_pc_local_description(right)->sdp;
    char *sdp = strdup(answer);
    run_ms(&d, 2000);
    ck_assert_ptr_null(kith_pc_transport(left)->dtls);
    /* Its checks are answered without the answer; so the peer has a path and says its hello on it.
     */
    ck_assert(!kith_list_empty(&kith_pc_transport(left)->paths));
    ck_assert_uint_gt(kith_pc_transport(left)->early.count, 0);
    kith_time start = virtual_now();
    kith_session_description described = {.type = KITH_SDP_ANSWER, .sdp = sdp};
    OK(kith_pc_set_remote_description(left, &described));
    ck_assert(world_run(d.world, KITH_SECONDS(5), duo_is_open, &d));
    ck_assert_int_le(virtual_now() - start, KITH_MS(300));
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_OPEN);
    free(sdp);
    duo_deinit(&d);
}
END_TEST

/* Hands the left peer a DTLS datagram from the right's address. */
static void give_dtls(duo *d, size_t len)
{
    uint8_t data[1500] = {22, 254, 253};
    kith_packet_info info = {
        .size = sizeof info,
        .path = {.local = d->peers[LEFT].host->address, .remote = d->peers[RIGHT].host->address}};
    kith_endpoint_handle_packet(ep_of(d, LEFT), virtual_now(), &info, data, len);
}

START_TEST(what_comes_too_early_has_a_limit)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1,
                                 .link = {.delay = KITH_MS(5)},
                                 .signalling_delay = KITH_SECONDS(1)});
    duo_offer(&d, LEFT);
    run_ms(&d,
           1100); /* the right one has the offer and checks, the left one waits for the answer */
    kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    kith_path path = {.local = d.peers[LEFT].host->address, .remote = d.peers[RIGHT].host->address};
    ck_assert(kith_endpoint_add_path(ep_of(&d, LEFT), t, &path));
    uint64_t received = t->counters.packets_received;
    for (int i = 0; i < 30; i++)
        give_dtls(&d, 1200);
    ck_assert_uint_eq(t->counters.packets_received - received, 30);
    ck_assert_uint_le(t->early.bytes, 16384);
    ck_assert_uint_ge(t->counters.early_dropped, 30 - 16384 / 1200);
    ck_assert(world_run(d.world, KITH_SECONDS(10), duo_is_open, &d)); /* rubbish does no harm */
    ck_assert_uint_eq(t->early.cap, 0);
    duo_deinit(&d);
}
END_TEST

static kith_transport_remote remote_of(duo *d, kith_fingerprint *fingerprint)
{
    kith_transport *t = kith_pc_transport(pc_of(d, RIGHT));
    ck_assert(kith_fingerprint_of(fingerprint, KITH_HASH_SHA256,
                                  kith_certificate_der(pc_of(d, RIGHT)->certificate)));
    return (kith_transport_remote){.ufrag = kith_ice_local_ufrag(t->ice),
                                   .pwd = kith_ice_local_pwd(t->ice),
                                   .fingerprints = fingerprint,
                                   .fingerprint_count = 1};
}

/* RFC 8842 section 5.5. RFC 8122 section 5: several fingerprints are a set. */
START_TEST(other_fingerprints_begin_another_association)
{
    duo d;
    live_pair(&d);
    kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    kith_fingerprint both[3];
    kith_transport_remote remote = remote_of(&d, &both[0]);
    ck_assert(kith_fingerprint_of(&both[1], KITH_HASH_SHA384,
                                  kith_certificate_der(pc_of(&d, RIGHT)->certificate)));
    ck_assert(!kith_transport_is_renewed_by(t, &remote, true));
    remote.fingerprint_count = 2; /* one is new */
    ck_assert(kith_transport_is_renewed_by(t, &remote, true));
    memcpy(t->fingerprints, both, 2 * sizeof *both); /* as if both had come at first */
    t->fingerprint_count = 2;
    both[2] = both[0];
    remote.fingerprints = both + 1; /* in another order */
    ck_assert(!kith_transport_is_renewed_by(t, &remote, true));
    remote.fingerprint_count = 1; /* one is missing */
    ck_assert(kith_transport_is_renewed_by(t, &remote, true));
    remote.fingerprint_count = 2;
    both[2].digest[0] ^= 1;
    ck_assert(kith_transport_is_renewed_by(t, &remote, true));
    duo_deinit(&d);
}
END_TEST

/* RFC 8842 section 5.5: the same certificate, but the peer began another association. Who gives no
 * tls-id, as browsers, says nothing by it. */
START_TEST(another_tls_id_begins_another_association)
{
    duo d;
    live_pair(&d);
    kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    kith_fingerprint fingerprint;
    kith_transport_remote remote = remote_of(&d, &fingerprint);
    remote.tls_id = pc_of(&d, RIGHT)->jsep.tls_id;
    ck_assert(!kith_transport_is_renewed_by(t, &remote, true));
    remote.tls_id = "anotherassociation01";
    ck_assert(kith_transport_is_renewed_by(t, &remote, true));
    remote.tls_id = NULL;
    ck_assert(!kith_transport_is_renewed_by(t, &remote, true));
    duo_deinit(&d);
}
END_TEST

/* RFC 9429 section 5.11: "if no valid DTLS connection exists, prepare to start" one. */
START_TEST(a_restart_of_ice_renews_an_association_that_has_ended)
{
    duo d;
    live_pair(&d);
    kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    kith_fingerprint fingerprint;
    kith_transport_remote remote = remote_of(&d, &fingerprint);
    ck_assert(!kith_transport_is_renewed_by(t, &remote, true));
    kith_pc_close(pc_of(&d, RIGHT));
    run_ms(&d, 100);
    ck_assert_int_eq(kith_dtls_get_state(t->dtls), KITH_DTLS_CLOSED);
    ck_assert(!kith_transport_is_renewed_by(t, &remote, false));
    ck_assert(kith_transport_is_renewed_by(t, &remote, true));
    duo_deinit(&d);
}
END_TEST

/* The right peer's place is taken by another process, whose answer to the left one's restart is
 * the caller's. */
static char *answer_of_another(duo *d)
{
    host *before = duo_replace(d, RIGHT, "198.51.100.2");
    before->unplugged = before->deaf = before->slow = true;
    d->peers[RIGHT].host->on_event = live_event;
    kith_pc *left = pc_of(d, LEFT), *right = pc_of(d, RIGHT);
    kith_pc_restart_ice(left);
    OK(kith_pc_set_local_description(left, NULL));
    run_ms(d, 10);
    OK(kith_pc_set_remote_description(right, kith_pc_local_description(left)));
    OK(kith_pc_set_local_description(right, NULL));
    return strdup(kith_pc_local_description(right)->sdp);
}

/* RFC 9429 section 5.11: an offerer "MUST be prepared to receive either a ClientHello or data from
 * the previous DTLS connection". */
START_TEST(a_client_hello_of_another_peer_that_overtakes_its_answer_is_kept)
{
    duo d;
    live_pair(&d);
    kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    kith_dtls *before = t->dtls;
    char *sdp = answer_of_another(&d);
    run_ms(&d, 1500);
    ck_assert_ptr_eq(t->dtls, before);
    ck_assert_uint_gt(t->early.count, 0);
    kith_session_description described = {.type = KITH_SDP_ANSWER, .sdp = sdp};
    OK(kith_pc_set_remote_description(pc_of(&d, LEFT), &described));
    ck_assert_int_eq(kith_transport_dtls_state(t), KITH_DTLS_TRANSPORT_STATE_NEW);
    ck_assert_int_eq(kith_transport_sctp_state(t), KITH_SCTP_TRANSPORT_STATE_CONNECTING);
    ck_assert_int_eq(kith_pc_connection_state(pc_of(&d, LEFT)), KITH_CONNECTION_STATE_CONNECTING);
    run_ms(&d, 60); /* a round trip of ICE and one and a half of DTLS */
    ck_assert_int_eq(kith_transport_dtls_state(t), KITH_DTLS_TRANSPORT_STATE_CONNECTED);
    ck_assert_uint_eq(t->early.cap, 0);
    free(sdp);
    duo_deinit(&d);
}
END_TEST

START_TEST(what_overtakes_an_answer_that_begins_no_association_is_forgotten)
{
    duo d;
    live_pair(&d);
    kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    OK(kith_pc_set_local_description(pc_of(&d, LEFT), NULL));
    give_dtls(&d, 1200);
    ck_assert_uint_eq(t->early.count, 1);
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(pc_of(&d, LEFT), &rollback));
    ck_assert_uint_eq(t->early.count, 0);
    give_dtls(&d, 1200); /* nothing is awaited */
    ck_assert_uint_eq(t->early.count, 0);
    OK(kith_pc_set_local_description(pc_of(&d, LEFT), NULL));
    give_dtls(&d, 1200);
    ck_assert_uint_eq(t->early.count, 1);
    OK(kith_pc_set_remote_description(pc_of(&d, RIGHT),
                                      kith_pc_local_description(pc_of(&d, LEFT))));
    OK(kith_pc_set_local_description(pc_of(&d, RIGHT), NULL));
    OK(kith_pc_set_remote_description(pc_of(&d, LEFT),
                                      kith_pc_local_description(pc_of(&d, RIGHT))));
    ck_assert_uint_eq(t->early.count, 0);
    duo_deinit(&d);
}
END_TEST

/* What was received is told before the channel's end, whatever became of its association. */
START_TEST(messages_of_an_association_that_is_gone_are_told_before_its_channels_end)
{
    duo d;
    live_pair(&d);
    kith_pc *left = pc_of(&d, LEFT);
    kith_dc *dc = d.peers[LEFT].dc;
    d.peers[LEFT].host->slow = true;
    for (int i = 0; i < 3; i++)
        OK(kith_dc_send(d.peers[RIGHT].dc, "last words", 10));
    run_ms(&d, 100);
    kith_dc_init init = KITH_DC_INIT;
    init.negotiated = true;
    init.id = 0; /* that of the first channel */
    char *sdp = answer_of_another(&d);
    kith_session_description described = {.type = KITH_SDP_ANSWER, .sdp = sdp};
    OK(kith_pc_set_remote_description(left, &described));
    size_t kept = left->events.left_over;
    ck_assert_uint_ge(kept, 30);
    ck_assert_int_eq(kith_dc_ready_state(dc), KITH_DC_STATE_CLOSED);
    ck_assert_str_eq(kith_err_name(kith_dc_send(dc, "x", 1)), "INVALID_STATE");
    kith_dc *after = channel(left, "after", &init);
    ck_assert_int_eq(kith_dc_ready_state(after), KITH_DC_STATE_CONNECTING);
    size_t first = told_count[LEFT];
    d.peers[LEFT].host->slow = false;
    run_ms(&d, 1000);
    ck_assert_uint_eq(left->events.left_over, 0);
    kith_event_type types[5];
    size_t count = 0;
    for (size_t i = first; i < told_count[LEFT]; i++)
        if (told_to[LEFT][i].dc == dc && count < 5)
            types[count++] = told_to[LEFT][i].type;
    ck_assert_uint_eq(count, 5);
    ck_assert(types[0] == KITH_EV_DC_MESSAGE && types[2] == KITH_EV_DC_MESSAGE);
    ck_assert_int_eq(types[3], KITH_EV_DC_ERROR);
    ck_assert_int_eq(types[4], KITH_EV_DC_CLOSED);
    ck_assert_int_eq(kith_dc_ready_state(after), KITH_DC_STATE_OPEN);
    free(sdp);
    duo_deinit(&d);
}
END_TEST

/* RFC 9429 section 5.11: "an error MUST be generated". */
START_TEST(another_association_needs_an_ice_restart)
{
    duo d;
    live_pair(&d);
    kith_pc *left = pc_of(&d, LEFT), *right = pc_of(&d, RIGHT);
    kith_dtls *before = kith_pc_transport(left)->dtls;
    OK(kith_pc_set_local_description(right, NULL));
    char *sdp = strdup(kith_pc_local_description(right)->sdp);
    char *tls_id = strstr(sdp, "a=tls-id:") + strlen("a=tls-id:");
    tls_id[0] = tls_id[0] == 'x' ? 'y' : 'x';
    kith_session_description described = {.type = KITH_SDP_OFFER, .sdp = sdp};
    FAILS(INVALID_ACCESS, kith_pc_set_remote_description(left, &described));
    ck_assert_ptr_nonnull(strstr(kith_last_error()->message, "without an ICE restart"));
    ck_assert_ptr_eq(kith_pc_transport(left)->dtls, before);
    OK(kith_pc_set_remote_description(left, kith_pc_local_description(right)));
    free(sdp);
    duo_deinit(&d);
}
END_TEST

/* An offer of another peer touches nothing until it is answered. */
START_TEST(an_offer_of_another_peer_that_is_rolled_back_disturbs_nothing)
{
    duo d;
    live_pair(&d);
    kith_pc *left = pc_of(&d, LEFT), *another = NULL;
    kith_dtls *before = kith_pc_transport(left)->dtls;
    OK(kith_pc_new(&another, ep_of(&d, RIGHT), NULL));
    channel(another, "x", NULL);
    OK(kith_pc_set_local_description(another, NULL));
    OK(kith_pc_set_remote_description(left, kith_pc_local_description(another)));
    run_ms(&d, 100);
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_remote_description(left, &rollback));
    ck_assert_ptr_eq(kith_pc_transport(left)->dtls, before);
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    run_ms(&d, 100);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 1);
    kith_pc_free(another);
    duo_deinit(&d);
}
END_TEST

START_TEST(another_fingerprint_before_dtls_replaces_the_first)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *left = pc_of(&d, LEFT);
    kith_fingerprint fingerprint;
    kith_transport_remote remote = remote_of(&d, &fingerprint);
    fingerprint.digest[0] ^= 1;
    OK(kith_transport_set_remote(kith_pc_transport(left), &remote));
    ck_assert_ptr_null(kith_pc_transport(left)->dtls); /* the role is not known */
    OK(kith_transport_set_dtls_role(kith_pc_transport(left), KITH_DTLS_SERVER));
    kith_dtls *first = kith_pc_transport(left)->dtls;
    ck_assert_ptr_nonnull(first);
    fingerprint.digest[0] ^= 1;
    OK(kith_transport_set_remote(kith_pc_transport(left), &remote));
    ck_assert(kith_fingerprint_equal(&kith_pc_transport(left)->fingerprints[0], &fingerprint));
    OK(kith_transport_set_dtls_role(kith_pc_transport(left),
                                    KITH_DTLS_CLIENT)); /* a provisional answer's was another */
    ck_assert_int_eq(kith_dtls_get_role(kith_pc_transport(left)->dtls), KITH_DTLS_CLIENT);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_remote_with_too_many_fingerprints_is_refused)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_fingerprint fingerprints[KITH_DTLS_MAX_FINGERPRINTS + 1];
    kith_transport_remote remote = remote_of(&d, &fingerprints[0]);
    for (int i = 1; i <= KITH_DTLS_MAX_FINGERPRINTS; i++)
        fingerprints[i] = fingerprints[0];
    remote.fingerprint_count = KITH_DTLS_MAX_FINGERPRINTS + 1;
    FAILS(INVALID_ACCESS, kith_transport_set_remote(kith_pc_transport(pc_of(&d, LEFT)), &remote));
    remote.fingerprint_count--;
    OK(kith_transport_set_remote(kith_pc_transport(pc_of(&d, LEFT)), &remote));
    duo_deinit(&d);
}
END_TEST

/* ---- ICE generations ---- */

START_TEST(rolling_back_the_first_offer_makes_the_transport_new)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *left = pc_of(&d, LEFT);
    char ufrag[KITH_UFRAG_MAX + 1];
    snprintf(ufrag, sizeof ufrag, "%s", kith_ice_local_ufrag(kith_pc_transport(left)->ice));
    channel(left, "", NULL);
    OK(kith_pc_set_local_description(left, NULL));
    run_ms(&d, 10);
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(left, &rollback));
    ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(left)->ice), ufrag);
    run_ms(&d, 10);
    ck_assert_int_eq(kith_pc_ice_gathering_state(left), KITH_ICE_GATHERING_STATE_NEW);
    duo_connect(&d);
    duo_deinit(&d);
}
END_TEST

START_TEST(rolling_back_a_restart_restores_the_credentials_and_disturbs_nothing)
{
    duo d;
    live_pair(&d);
    kith_pc *left = pc_of(&d, LEFT);
    char ufrag[KITH_UFRAG_MAX + 1];
    snprintf(ufrag, sizeof ufrag, "%s", kith_ice_local_ufrag(kith_pc_transport(left)->ice));
    kith_pc_restart_ice(left);
    OK(kith_pc_set_local_description(left, NULL));
    ck_assert_str_ne(kith_ice_local_ufrag(kith_pc_transport(left)->ice), ufrag);
    run_ms(&d, 100);
    kith_session_description rollback = {.type = KITH_SDP_ROLLBACK};
    OK(kith_pc_set_local_description(left, &rollback));
    ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(left)->ice), ufrag);
    run_ms(&d, 60000);
    ck_assert(duo_is_connected(&d));
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    run_ms(&d, 100);
    ck_assert_uint_eq(d.peers[RIGHT].messages, 1);
    duo_deinit(&d);
}
END_TEST

/* ---- SCTP ---- */

START_TEST(sctp_begins_when_dtls_is_connected_whatever_comes_first)
{
    duo d;
    live_pair(&d);
    const kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
    ck_assert_int_eq(kith_sctp_get_state(t->sctp), KITH_SCTP_CONNECTED);
    ck_assert_int_eq(kith_dtls_get_state(t->dtls), KITH_DTLS_CONNECTED);
    /* A later description may change the limit, not the association. */
    kith_sctp *before = t->sctp;
    OK(kith_transport_set_sctp(kith_pc_transport(pc_of(&d, LEFT)), 5000, 1234));
    ck_assert_ptr_eq(t->sctp, before);
    ck_assert_uint_eq(kith_pc_max_message_size(pc_of(&d, LEFT)), 1234);
    OK(kith_transport_set_sctp(kith_pc_transport(pc_of(&d, LEFT)), 5000, 0));
    ck_assert_uint_eq(kith_pc_max_message_size(pc_of(&d, LEFT)), SIZE_MAX);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: transport", a_client_hello_that_overtakes_the_answer_is_kept,
          what_comes_too_early_has_a_limit, other_fingerprints_begin_another_association,
          another_tls_id_begins_another_association,
          a_restart_of_ice_renews_an_association_that_has_ended,
          a_client_hello_of_another_peer_that_overtakes_its_answer_is_kept,
          what_overtakes_an_answer_that_begins_no_association_is_forgotten,
          messages_of_an_association_that_is_gone_are_told_before_its_channels_end,
          another_association_needs_an_ice_restart,
          an_offer_of_another_peer_that_is_rolled_back_disturbs_nothing,
          another_fingerprint_before_dtls_replaces_the_first,
          a_remote_with_too_many_fingerprints_is_refused,
          rolling_back_the_first_offer_makes_the_transport_new,
          rolling_back_a_restart_restores_the_credentials_and_disturbs_nothing,
          sctp_begins_when_dtls_is_connected_whatever_comes_first)
