/* kith_pc_transport_at: RTCIceTransport, RTCDtlsTransport and RTCSctpTransport of a connection. */
#include "kith/transport.h"
#include "live.h"

static const kith_transport *transport_of(duo *d, enum side side)
{
    const kith_transport *t = kith_pc_transport_at(pc_of(d, side), 0);
    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_null(kith_pc_transport_at(pc_of(d, side), 1));
    return t;
}

START_TEST(a_new_transport_is_new_and_knows_no_role)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    const kith_transport *t = transport_of(&d, LEFT);
    kith_candidate_fields f = KITH_CANDIDATE_FIELDS_INIT;
    ck_assert_int_eq(kith_transport_ice_state(t), KITH_ICE_TRANSPORT_STATE_NEW);
    ck_assert_int_eq(kith_transport_gathering_state(t), KITH_ICE_GATHERING_STATE_NEW);
    ck_assert_int_eq(kith_transport_ice_role(t), KITH_ICE_TRANSPORT_ROLE_UNKNOWN);
    ck_assert_int_eq(kith_transport_dtls_state(t), KITH_DTLS_TRANSPORT_STATE_NEW);
    ck_assert_int_eq(kith_transport_sctp_state(t), KITH_SCTP_TRANSPORT_STATE_NONE);
    ck_assert(!kith_transport_selected_local(t, &f));
    ck_assert(!kith_transport_selected_remote(t, &f));
    ck_assert_uint_eq(kith_transport_selected_pair_changes(t), 0);
    ck_assert_int_eq(kith_transport_rtt(t), 0);
    duo_deinit(&d);
}
END_TEST

START_TEST(a_connected_transport_tells_its_selected_pair)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    duo_connect(&d);
    const kith_transport *left = transport_of(&d, LEFT), *right = transport_of(&d, RIGHT);
    world_run(d.world, KITH_SECONDS(1), NULL, NULL);
    ck_assert_int_eq(kith_transport_ice_state(left), KITH_ICE_TRANSPORT_STATE_COMPLETED);
    ck_assert_int_eq(kith_transport_gathering_state(left), KITH_ICE_GATHERING_STATE_COMPLETE);
    ck_assert_int_eq(kith_transport_dtls_state(left), KITH_DTLS_TRANSPORT_STATE_CONNECTED);
    ck_assert_int_eq(kith_transport_sctp_state(left), KITH_SCTP_TRANSPORT_STATE_CONNECTED);
    ck_assert_int_eq(kith_transport_ice_role(left), KITH_ICE_TRANSPORT_ROLE_CONTROLLING);
    ck_assert_int_eq(kith_transport_ice_role(right), KITH_ICE_TRANSPORT_ROLE_CONTROLLED);
    ck_assert_int_eq(kith_transport_rtt(left), KITH_MS(20)); /* 10 ms each way */
    kith_candidate_fields local = KITH_CANDIDATE_FIELDS_INIT, remote = KITH_CANDIDATE_FIELDS_INIT;
    ck_assert(kith_transport_selected_local(left, &local));
    ck_assert(kith_transport_selected_remote(left, &remote));
    ck_assert_str_eq(local.address, "192.0.2.1");
    ck_assert_str_eq(local.type, "host");
    ck_assert_str_eq(remote.address, "198.51.100.1");
    ck_assert_uint_ge(kith_transport_selected_pair_changes(left), 1);
    kith_candidate_fields mirror = KITH_CANDIDATE_FIELDS_INIT;
    ck_assert(kith_transport_selected_remote(right, &mirror));
    ck_assert_str_eq(mirror.address, local.address);
    ck_assert_uint_eq(mirror.port, local.port);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 4.4.3 steps 5 to 10. */
START_TEST(after_close_every_transport_is_closed)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    duo_connect(&d);
    kith_pc_close(pc_of(&d, LEFT));
    const kith_transport *t = transport_of(&d, LEFT);
    ck_assert_int_eq(kith_transport_ice_state(t), KITH_ICE_TRANSPORT_STATE_CLOSED);
    ck_assert_int_eq(kith_transport_dtls_state(t), KITH_DTLS_TRANSPORT_STATE_CLOSED);
    ck_assert_int_eq(kith_transport_sctp_state(t), KITH_SCTP_TRANSPORT_STATE_CLOSED);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc sections 5.5, 5.6 and 6.1: statechange, gatheringstatechange and
 * selectedcandidatepairchange. */
START_TEST(every_change_of_a_transport_is_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    duo_connect(&d);
    run_ms(&d, 1000);
    for (int side = LEFT; side <= RIGHT; side++) {
        enum side at = (enum side)side;
        ck_assert_uint_eq(told_times(at, KITH_EV_ICE_TRANSPORT_GATHERING_STATE, NULL), 2);
        ck_assert_uint_eq(told_times(at, KITH_EV_SELECTED_CANDIDATE_PAIR, NULL),
                          kith_transport_selected_pair_changes(transport_of(&d, at)));
        ck_assert_ptr_nonnull(told_nth(at, KITH_EV_ICE_TRANSPORT_STATE, 0));
        ck_assert_uint_eq(told_times(at, KITH_EV_DTLS_TRANSPORT_STATE, NULL), 2);
        ck_assert_uint_eq(told_times(at, KITH_EV_SCTP_TRANSPORT_STATE, NULL), 1);
    }
    kith_pc_close(pc_of(&d, LEFT));
    run_ms(&d, 1000);
    ck_assert_uint_eq(told_times(LEFT, KITH_EV_DTLS_TRANSPORT_STATE, NULL), 2);
    ck_assert_uint_eq(told_times(RIGHT, KITH_EV_DTLS_TRANSPORT_STATE, NULL), 3);
    duo_deinit(&d);
}
END_TEST

START_TEST(states_have_their_w3c_names)
{
    ck_assert_str_eq(kith_ice_transport_state_name(KITH_ICE_TRANSPORT_STATE_CLOSED), "closed");
    ck_assert_str_eq(kith_ice_transport_state_name(KITH_ICE_TRANSPORT_STATE_CHECKING), "checking");
    ck_assert_str_eq(kith_ice_transport_role_name(KITH_ICE_TRANSPORT_ROLE_UNKNOWN), "unknown");
    static const char *const dtls[] = {"new", "connecting", "connected", "closed", "failed"};
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(kith_dtls_transport_state_name((kith_dtls_transport_state)i), dtls[i]);
    ck_assert_ptr_null(kith_dtls_transport_state_name((kith_dtls_transport_state)5));
    ck_assert_ptr_null(kith_dtls_transport_state_name((kith_dtls_transport_state)-1));
    ck_assert_str_eq(kith_sctp_transport_state_name(KITH_SCTP_TRANSPORT_STATE_CONNECTING),
                     "connecting");
}
END_TEST

UNIT_MAIN("pc: transport states", a_new_transport_is_new_and_knows_no_role,
          a_connected_transport_tells_its_selected_pair, after_close_every_transport_is_closed,
          every_change_of_a_transport_is_told, states_have_their_w3c_names)
