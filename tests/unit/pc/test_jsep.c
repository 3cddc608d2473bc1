/* negotiationneeded (webrtc-pc section 4.7.3), restart_ice, the end, and the names of states. */
#include "peers.h"

static int asked(kith_pc *pc)
{
    return take_events(pc, KITH_EV_NEGOTIATION_NEEDED);
}

START_TEST(the_first_channel_needs_negotiation_and_the_second_does_not)
{
    duo d = duo_new();
    ck_assert_int_eq(asked(d.a), 0);
    open_channel(d.a);
    open_channel(d.a);
    ck_assert_int_eq(asked(d.a), 1);
    open_channel(d.a);
    ck_assert_int_eq(asked(d.a), 0); /* still to be done; told once */
    negotiate(d.a, d.b);
    open_channel(d.a);
    ck_assert_int_eq(asked(d.a), 0);
    ck_assert_int_eq(asked(d.b), 0);
    duo_free(&d);
}
END_TEST

START_TEST(the_event_is_dropped_when_negotiation_has_begun_before_it_is_told)
{
    duo d = duo_new();
    open_channel(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    ck_assert_int_eq(asked(d.a), 0);
    duo_free(&d);
}
END_TEST

START_TEST(what_came_up_during_a_negotiation_is_told_after_it)
{
    duo d = duo_new();
    OK(kith_pc_set_local_description(d.a, NULL)); /* an empty offer */
    open_channel(d.a);
    ck_assert_int_eq(asked(d.a), 0); /* not in stable */
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    answer(d.b, d.a);
    ck_assert_int_eq(asked(d.a), 1);
    duo_free(&d);
}
END_TEST

START_TEST(a_rollback_asks_again)
{
    duo d = duo_new();
    open_channel(d.a);
    ck_assert_int_eq(asked(d.a), 1);
    OK(kith_pc_set_local_description(d.a, NULL));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    ck_assert_int_eq(asked(d.a), 1);
    duo_free(&d);
}
END_TEST

START_TEST(an_event_that_waits_is_not_doubled_by_the_next_negotiation)
{
    duo d = duo_new();
    open_channel(d.a); /* queued, not told */
    char *call = read_sdp("firefox153-offer-av-sendrecv.sdp");
    OK(set_remote(d.a, KITH_SDP_OFFER, call));
    OK(kith_pc_set_local_description(d.a, NULL)); /* stable again, still without data */
    ck_assert_int_eq(asked(d.a), 1);
    kith_free(call);
    duo_free(&d);
}
END_TEST

START_TEST(nothing_is_asked_after_close)
{
    duo d = duo_new();
    open_channel(d.a);
    kith_pc_close(d.a);
    ck_assert_int_eq(asked(d.a), 0);
    kith_jsep_update_negotiation_needed(d.a);
    kith_pc_restart_ice(d.a);
    ck_assert_int_eq(asked(d.a), 0);
    ck_assert_int_eq(kith_pc_signaling_state(d.a), KITH_SIGNALING_STATE_CLOSED);
    duo_free(&d);
}
END_TEST

START_TEST(restart_ice_asks_until_the_credentials_are_new)
{
    duo d = duo_agreed();
    asked(d.a);
    ck_assert(!kith_pc_negotiation_needed(d.a));
    kith_pc_restart_ice(d.a);
    ck_assert(kith_pc_negotiation_needed(d.a)); /* before the event is asked for, and after it */
    kith_pc_restart_ice(d.a);
    ck_assert_int_eq(asked(d.a), 1);
    ck_assert(kith_pc_negotiation_needed(d.a));
    char *old = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
    /* A remote offer that does not restart cannot do it. */
    negotiate(d.b, d.a);
    ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice), old);
    ck_assert_int_eq(asked(d.a), 1);
    OK(kith_pc_set_local_description(d.a, NULL));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    ck_assert_int_eq(asked(d.a), 1);
    negotiate(d.a, d.b);
    ck_assert_str_ne(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice), old);
    ck_assert_int_eq(asked(d.a), 0);
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(a_remote_restart_does_what_restart_ice_wanted)
{
    duo d = duo_agreed();
    kith_pc_restart_ice(d.a);
    kith_pc_restart_ice(d.b);
    negotiate(d.b, d.a);
    ck_assert_int_eq(asked(d.a), 0);
    ck_assert_int_eq(asked(d.b), 0);
    duo_free(&d);
}
END_TEST

START_TEST(restart_ice_before_the_first_offer_is_nothing)
{
    duo d = duo_new();
    kith_pc_restart_ice(d.a);
    ck_assert_int_eq(asked(d.a), 0);
    open_channel(d.a);
    asked(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    kith_pc_restart_ice(d.a); /* with the first offer pending: those credentials are old too */
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    answer(d.b, d.a);
    ck_assert_int_eq(asked(d.a), 1);
    duo_free(&d);
}
END_TEST

START_TEST(states_and_types_have_their_w3c_names)
{
    ck_assert_str_eq(kith_sdp_type_name(KITH_SDP_PRANSWER), "pranswer");
    ck_assert_str_eq(kith_signaling_state_name(KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER),
                     "have-remote-pranswer");
    ck_assert_str_eq(kith_ice_gathering_state_name(KITH_ICE_GATHERING_STATE_COMPLETE), "complete");
    ck_assert_str_eq(kith_ice_connection_state_name(KITH_ICE_CONNECTION_STATE_CLOSED), "closed");
    ck_assert_str_eq(kith_connection_state_name(KITH_CONNECTION_STATE_CLOSED), "closed");
    ck_assert_ptr_null(kith_sdp_type_name((kith_sdp_type)4));
    ck_assert_ptr_null(kith_connection_state_name((kith_connection_state)-1));
}
END_TEST

UNIT_MAIN("pc: jsep", the_first_channel_needs_negotiation_and_the_second_does_not,
          the_event_is_dropped_when_negotiation_has_begun_before_it_is_told,
          what_came_up_during_a_negotiation_is_told_after_it, a_rollback_asks_again,
          an_event_that_waits_is_not_doubled_by_the_next_negotiation, nothing_is_asked_after_close,
          restart_ice_asks_until_the_credentials_are_new,
          a_remote_restart_does_what_restart_ice_wanted,
          restart_ice_before_the_first_offer_is_nothing, states_and_types_have_their_w3c_names)
