/* set_local_description and set_remote_description: who may set what when, glare, rollback,
 * pranswer, and that a call that fails changes nothing. */
#include "peers.h"

/* ---- the table of signalling states ---- */

#define STATES 6
#define TYPES  4

/* webrtc-pc section 4.4.1.5 and RFC 9429 section 3.2, for each state and type: what a local and
 * a remote description leads to; -1: INVALID_STATE. */
#define NO -1
static const int table[STATES][TYPES][2] = {
    [KITH_SIGNALING_STATE_STABLE] =
        {
            [KITH_SDP_OFFER] = {KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER,
                                KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER},
            [KITH_SDP_PRANSWER] = {NO, NO},
            [KITH_SDP_ANSWER] = {NO, NO},
            [KITH_SDP_ROLLBACK] = {NO, NO},
        },
    [KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER] =
        {
            [KITH_SDP_OFFER] = {KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER,
                                KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER},
            [KITH_SDP_PRANSWER] = {NO, KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER},
            [KITH_SDP_ANSWER] = {NO, KITH_SIGNALING_STATE_STABLE},
            [KITH_SDP_ROLLBACK] = {KITH_SIGNALING_STATE_STABLE, NO},
        },
    [KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER] =
        {
            [KITH_SDP_OFFER] = {NO, KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER},
            [KITH_SDP_PRANSWER] = {KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER, NO},
            [KITH_SDP_ANSWER] = {KITH_SIGNALING_STATE_STABLE, NO},
            [KITH_SDP_ROLLBACK] = {NO, KITH_SIGNALING_STATE_STABLE},
        },
    [KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER] =
        {
            [KITH_SDP_OFFER] = {NO, NO},
            [KITH_SDP_PRANSWER] = {KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER, NO},
            [KITH_SDP_ANSWER] = {KITH_SIGNALING_STATE_STABLE, NO},
            [KITH_SDP_ROLLBACK] = {NO, NO},
        },
    [KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER] =
        {
            [KITH_SDP_OFFER] = {NO, NO},
            [KITH_SDP_PRANSWER] = {NO, KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER},
            [KITH_SDP_ANSWER] = {NO, KITH_SIGNALING_STATE_STABLE},
            [KITH_SDP_ROLLBACK] = {NO, NO},
        },
    [KITH_SIGNALING_STATE_CLOSED] = {{NO, NO}, {NO, NO}, {NO, NO}, {NO, NO}},
};

/* d.a in the wanted state; d.b is its peer. */
static duo duo_in(kith_signaling_state state)
{
    duo d = duo_new();
    open_channel(d.a);
    open_channel(d.b);
    switch (state) {
    case KITH_SIGNALING_STATE_STABLE:
        break;
    case KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER:
        OK(kith_pc_set_local_description(d.a, NULL));
        break;
    case KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER:
        offer(d.b, d.a);
        break;
    case KITH_SIGNALING_STATE_HAVE_LOCAL_PRANSWER:
        offer(d.b, d.a);
        OK(set_local(d.a, KITH_SDP_PRANSWER, NULL));
        break;
    case KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER:
        offer(d.a, d.b);
        OK(set_local(d.b, KITH_SDP_PRANSWER, NULL));
        OK(set_remote(d.a, KITH_SDP_PRANSWER, kith_pc_local_description(d.b)->sdp));
        break;
    case KITH_SIGNALING_STATE_CLOSED:
        kith_pc_close(d.a);
        break;
    }
    ck_assert_int_eq(kith_pc_signaling_state(d.a), state);
    return d;
}

/* A remote description that fits wherever one of its type may be set. */
static char *fitting_remote(duo *d, kith_sdp_type type)
{
    if (type == KITH_SDP_ROLLBACK)
        return NULL;
    kith_pc *peer = peer_new(d->ep);
    open_channel(peer);
    bool answers = type != KITH_SDP_OFFER && kith_pc_pending_local_description(d->a) &&
                   kith_pc_pending_local_description(d->a)->type == KITH_SDP_OFFER;
    if (kith_pc_signaling_state(d->a) == KITH_SIGNALING_STATE_HAVE_REMOTE_PRANSWER && answers)
        return kith_strdup(kith_pc_remote_description(d->a)->sdp);
    if (answers)
        OK(set_remote(peer, KITH_SDP_OFFER, kith_pc_pending_local_description(d->a)->sdp));
    OK(kith_pc_set_local_description(peer, NULL));
    return kith_strdup(kith_pc_local_description(peer)->sdp);
}

START_TEST(every_pair_of_state_and_description_leads_where_the_table_says)
{
    for (kith_signaling_state state = 0; state < STATES; state++)
        for (kith_sdp_type type = 0; type < TYPES; type++)
            for (int side = 0; side < 2; side++) {
                duo d = duo_in(state);
                char *sdp = side == 1 ? fitting_remote(&d, type) : NULL;
                kith_err err = side == 1 ? set_remote(d.a, type, sdp) : set_local(d.a, type, NULL);
                int wanted = table[state][type][side];
                ck_assert_msg(err == (wanted == NO ? KITH_ERR_INVALID_STATE : KITH_OK),
                              "%s, %s %s: %s", kith_signaling_state_name(state),
                              side ? "remote" : "local", kith_sdp_type_name(type),
                              kith_err_name(err));
                ck_assert_int_eq(kith_pc_signaling_state(d.a), wanted == NO ? (int)state : wanted);
                kith_free(sdp);
                duo_free(&d);
            }
}
END_TEST

START_TEST(a_description_in_the_wrong_state_changes_nothing)
{
    for (int state = 0; state < STATES; state++)
        for (int type = 0; type < TYPES; type++)
            for (int side = 0; side < 2; side++) {
                if (table[state][type][side] != NO)
                    continue;
                duo d = duo_in((kith_signaling_state)state);
                snapshot before = snapshot_of(d.a);
                char *sdp = side == 1 ? fitting_remote(&d, (kith_sdp_type)type) : NULL;
                FAILS(INVALID_STATE, side == 1 ? set_remote(d.a, (kith_sdp_type)type, sdp)
                                               : set_local(d.a, (kith_sdp_type)type, sdp));
                assert_unchanged(d.a, &before);
                kith_free(sdp);
                duo_free(&d);
            }
}
END_TEST

START_TEST(states_change_with_an_event_each)
{
    duo d = duo_new();
    open_channel(d.a);
    take_events(d.a, KITH_EV_SIGNALING_STATE);
    offer(d.a, d.b);
    ck_assert_int_eq(take_events(d.a, KITH_EV_SIGNALING_STATE), 1);
    answer(d.b, d.a);
    ck_assert_int_eq(take_events(d.a, KITH_EV_SIGNALING_STATE), 1);
    ck_assert_int_eq(take_events(d.b, KITH_EV_SIGNALING_STATE), 2);
    duo_free(&d);
}
END_TEST

START_TEST(the_type_must_be_one)
{
    duo d = duo_new();
    FAILS(TYPE, set_local(d.a, (kith_sdp_type)9, "v=0"));
    FAILS(TYPE, set_remote(d.a, (kith_sdp_type)-1, "v=0"));
    FAILS(TYPE, kith_pc_set_remote_description(d.a, NULL));
    FAILS(TYPE, set_remote(d.a, KITH_SDP_OFFER, NULL));
    duo_free(&d);
}
END_TEST

/* ---- current and pending ---- */

START_TEST(descriptions_are_pending_until_the_answer)
{
    duo d = duo_new();
    open_channel(d.a);
    ck_assert_ptr_null(kith_pc_local_description(d.a));
    offer(d.a, d.b);
    ck_assert_ptr_null(kith_pc_current_local_description(d.a));
    ck_assert_ptr_eq(kith_pc_local_description(d.a), kith_pc_pending_local_description(d.a));
    ck_assert_ptr_null(kith_pc_remote_description(d.a));
    ck_assert_int_eq(kith_pc_pending_remote_description(d.b)->type, KITH_SDP_OFFER);
    answer(d.b, d.a);
    ck_assert_ptr_null(kith_pc_pending_local_description(d.a));
    ck_assert_ptr_null(kith_pc_pending_remote_description(d.a));
    ck_assert_int_eq(kith_pc_current_local_description(d.a)->type, KITH_SDP_OFFER);
    ck_assert_int_eq(kith_pc_current_remote_description(d.a)->type, KITH_SDP_ANSWER);
    ck_assert_int_eq(kith_pc_current_local_description(d.b)->type, KITH_SDP_ANSWER);
    duo_free(&d);
}
END_TEST

START_TEST(a_pranswer_connects_and_the_answer_makes_it_current)
{
    duo d = duo_new();
    open_channel(d.a);
    offer(d.a, d.b);
    OK(set_local(d.b, KITH_SDP_PRANSWER, NULL));
    ck_assert_int_eq(kith_pc_local_description(d.b)->type, KITH_SDP_PRANSWER);
    OK(set_remote(d.a, KITH_SDP_PRANSWER, kith_pc_local_description(d.b)->sdp));
    ck_assert(kith_pc_transport(d.a)->has_dtls_role && kith_pc_transport(d.b)->has_dtls_role);
    ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_SERVER);
    ck_assert_ptr_null(kith_pc_current_remote_description(d.a));
    answer(d.b, d.a);
    ck_assert_int_eq(kith_pc_signaling_state(d.a), KITH_SIGNALING_STATE_STABLE);
    ck_assert_int_eq(kith_pc_current_local_description(d.b)->type, KITH_SDP_ANSWER);
    duo_free(&d);
}
END_TEST

START_TEST(the_offerer_controls_and_the_answerer_is_the_dtls_client)
{
    duo d = duo_agreed();
    ck_assert_int_eq(kith_ice_get_role(kith_pc_transport(d.a)->ice), KITH_ICE_CONTROLLING);
    ck_assert_int_eq(kith_ice_get_role(kith_pc_transport(d.b)->ice), KITH_ICE_CONTROLLED);
    ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_SERVER);
    ck_assert_int_eq(kith_pc_transport(d.b)->dtls_role, KITH_DTLS_CLIENT);
    /* The next offer, from the other side, turns neither. */
    negotiate(d.b, d.a);
    ck_assert_int_eq(kith_ice_get_role(kith_pc_transport(d.a)->ice), KITH_ICE_CONTROLLING);
    ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_SERVER);
    ck_assert(has_line(kith_pc_local_description(d.a)->sdp, "a=setup:passive"));
    duo_free(&d);
}
END_TEST

/* ---- the last created ---- */

START_TEST(only_the_last_created_offer_can_be_set_and_only_unmodified)
{
    duo d = duo_new();
    open_channel(d.a);
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    char *changed = with(created->sdp, "actpass", "passive");
    char *old = kith_strdup(created->sdp);
    snapshot before = snapshot_of(d.a);
    FAILS(INVALID_MODIFICATION, set_local(d.a, KITH_SDP_OFFER, changed));
    assert_unchanged(d.a, &before);
    OK(set_local(d.a, KITH_SDP_OFFER, old));
    OK(set_local(d.a, KITH_SDP_OFFER, old)); /* again, in have-local-offer */
    kith_free(changed);
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(an_offer_from_before_a_remote_offer_is_obsolete)
{
    duo d = duo_agreed();
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    char *old = kith_strdup(created->sdp);
    negotiate(d.b, d.a);
    FAILS(INVALID_MODIFICATION, set_local(d.a, KITH_SDP_OFFER, old));
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(a_created_offer_survives_a_remote_offer_that_is_rolled_back)
{
    duo d = duo_new();
    open_channel(d.a);
    open_channel(d.b);
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    char *old = kith_strdup(created->sdp);
    offer(d.b, d.a);
    FAILS(INVALID_STATE, set_local(d.a, KITH_SDP_ROLLBACK, NULL)); /* it is not its */
    OK(set_remote(d.a, KITH_SDP_ROLLBACK, NULL));
    OK(set_local(d.a, KITH_SDP_OFFER, old));
    FAILS(INVALID_STATE, set_remote(d.a, KITH_SDP_ROLLBACK, NULL));
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(a_created_answer_survives_the_same_offer_set_again)
{
    duo d = duo_new();
    open_channel(d.a);
    offer(d.a, d.b);
    const kith_session_description *created;
    OK(kith_pc_create_answer(d.b, &created));
    char *old = kith_strdup(created->sdp);
    OK(set_remote(d.b, KITH_SDP_ROLLBACK, NULL));
    OK(kith_pc_create_offer(d.b, NULL, &created));
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    OK(set_local(d.b, KITH_SDP_ANSWER, old));
    ck_assert_int_eq(kith_jsep_agreed_data(d.b), 0);
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(an_offer_can_be_set_again_after_its_rollback)
{
    duo d = duo_new();
    open_channel(d.a);
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, NULL, &created));
    char *old = kith_strdup(created->sdp);
    OK(set_local(d.a, KITH_SDP_OFFER, old));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    OK(set_local(d.a, KITH_SDP_OFFER, old));
    kith_free(old);
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    answer(d.b, d.a);

    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    OK(kith_pc_create_offer(d.a, &restart, &created));
    old = kith_strdup(created->sdp);
    for (int i = 0; i < 2; i++) {
        OK(set_local(d.a, KITH_SDP_OFFER, old));
        ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice),
                         line_of(old, "a=ice-ufrag:"));
        OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    }
    kith_free(old);
    duo_free(&d);
}
END_TEST

START_TEST(an_answer_must_be_the_last_created_one)
{
    duo d = duo_new();
    open_channel(d.a);
    offer(d.a, d.b);
    FAILS(INVALID_MODIFICATION, set_local(d.b, KITH_SDP_ANSWER, "v=0\r\n"));
    const kith_session_description *created;
    OK(kith_pc_create_answer(d.b, &created));
    ck_assert_int_eq(created->type, KITH_SDP_ANSWER);
    OK(kith_pc_set_local_description(d.b, created));
    ck_assert_int_eq(kith_pc_signaling_state(d.b), KITH_SIGNALING_STATE_STABLE);
    duo_free(&d);
}
END_TEST

START_TEST(an_answer_to_an_offer_that_was_replaced_is_obsolete)
{
    duo d = duo_new();
    open_channel(d.a);
    offer(d.a, d.b);
    const kith_session_description *created;
    OK(kith_pc_create_answer(d.b, &created));
    char *old = kith_strdup(created->sdp);
    char *other = with(kith_pc_local_description(d.a)->sdp, "a=setup:actpass", "a=setup:active");
    OK(set_remote(d.b, KITH_SDP_OFFER, other));
    FAILS(INVALID_MODIFICATION, set_local(d.b, KITH_SDP_ANSWER, old));
    OK(kith_pc_set_local_description(d.b, NULL));
    kith_free(other);
    kith_free(old);
    duo_free(&d);
}
END_TEST

/* ---- rollback and glare ---- */

START_TEST(rollback_returns_to_what_was_agreed_on)
{
    duo d = duo_agreed();
    snapshot before = snapshot_of(d.a);
    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, &restart, &created));
    OK(kith_pc_set_local_description(d.a, created));
    ck_assert_str_ne(kith_ice_local_ufrag(kith_pc_transport(d.a)->ice), before.ufrag);
    OK(set_local(d.a, KITH_SDP_ROLLBACK, "ignored"));
    assert_unchanged(d.a, &before);

    before = snapshot_of(d.b);
    offer(d.a, d.b);
    OK(set_remote(d.b, KITH_SDP_ROLLBACK, NULL));
    assert_unchanged(d.b, &before);
    duo_free(&d);
}
END_TEST

START_TEST(rollback_of_the_first_offer_forgets_it)
{
    duo d = duo_new();
    open_channel(d.a);
    OK(kith_pc_set_local_description(d.a, NULL));
    OK(set_local(d.a, KITH_SDP_ROLLBACK, NULL));
    ck_assert_ptr_null(kith_pc_local_description(d.a));
    ck_assert_int_eq(kith_pc_signaling_state(d.a), KITH_SIGNALING_STATE_STABLE);
    duo_free(&d);
}
END_TEST

START_TEST(a_remote_offer_in_have_local_offer_rolls_back_first)
{
    duo d = duo_new();
    open_channel(d.a);
    open_channel(d.b);
    OK(kith_pc_set_local_description(d.a, NULL)); /* the polite one */
    take_events(d.a, KITH_EV_SIGNALING_STATE);
    offer(d.b, d.a);
    ck_assert_int_eq(take_events(d.a, KITH_EV_SIGNALING_STATE), 2); /* stable, have-remote-offer */
    ck_assert_ptr_null(kith_pc_pending_local_description(d.a));
    answer(d.a, d.b);
    ck_assert_int_eq(kith_ice_get_role(kith_pc_transport(d.a)->ice), KITH_ICE_CONTROLLED);
    ck_assert_int_eq(kith_pc_transport(d.a)->dtls_role, KITH_DTLS_CLIENT);
    ck_assert_int_eq(kith_pc_signaling_state(d.b), KITH_SIGNALING_STATE_STABLE);
    /* Both wanted a channel; one section carries them. */
    ck_assert(!kith_jsep_negotiation_needed(d.a) && !kith_jsep_negotiation_needed(d.b));
    duo_free(&d);
}
END_TEST

START_TEST(glare_with_an_offer_that_cannot_be_accepted_keeps_the_local_one)
{
    duo d = duo_agreed();
    OK(kith_pc_set_local_description(d.b, NULL));
    char *bad = with(kith_pc_local_description(d.b)->sdp, "a=ice-pwd:", "a=xyz:");
    OK(kith_pc_set_local_description(d.a, NULL));
    snapshot before = snapshot_of(d.a);
    FAILS(INVALID_ACCESS, set_remote(d.a, KITH_SDP_OFFER, bad));
    assert_unchanged(d.a, &before);
    kith_free(bad);
    duo_free(&d);
}
END_TEST

/* ---- ICE restart ---- */

START_TEST(an_ice_restart_is_answered_with_new_credentials_and_old_roles)
{
    duo d = duo_agreed();
    snapshot a = snapshot_of(d.a), b = snapshot_of(d.b);
    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, &restart, &created));
    ck_assert_str_ne(line_of(created->sdp, "a=ice-ufrag:"), a.ufrag);
    OK(kith_pc_set_local_description(d.a, created));
    ck_assert_str_eq(line_of(kith_pc_local_description(d.a)->sdp, "a=ice-ufrag:"),
                     kith_ice_local_ufrag(kith_pc_transport(d.a)->ice));
    OK(set_remote(d.b, KITH_SDP_OFFER, kith_pc_local_description(d.a)->sdp));
    ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice),
                     b.ufrag); /* not before the answer */
    answer(d.b, d.a);
    ck_assert_str_ne(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice), b.ufrag);
    ck_assert_str_eq(line_of(kith_pc_local_description(d.b)->sdp, "a=ice-ufrag:"),
                     kith_ice_local_ufrag(kith_pc_transport(d.b)->ice));
    ck_assert(has_line(kith_pc_local_description(d.b)->sdp, "a=setup:active"));
    /* Without a restart everything stays. */
    snapshot after = snapshot_of(d.b);
    negotiate(d.a, d.b);
    ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice), after.ufrag);
    for (int i = 0; i < 6; i++) {
        kith_free(a.texts[i]);
        kith_free(b.texts[i]);
        kith_free(after.texts[i]);
    }
    duo_free(&d);
}
END_TEST

START_TEST(either_of_the_two_credentials_restarts)
{
    static const char *const lines[] = {"a=ice-ufrag:", "a=ice-pwd:"};
    for (int i = 0; i < 2; i++) {
        duo d = duo_agreed();
        char *old = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice)), changed[64];
        OK(kith_pc_set_local_description(d.a, NULL));
        snprintf(changed, sizeof changed, "%sx", lines[i]);
        char *sdp = with(kith_pc_local_description(d.a)->sdp, lines[i], changed);
        OK(set_remote(d.b, KITH_SDP_OFFER, sdp));
        OK(kith_pc_set_local_description(d.b, NULL));
        ck_assert_str_ne(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice), old);
        kith_free(sdp);
        kith_free(old);
        duo_free(&d);
    }
}
END_TEST

START_TEST(a_restart_is_not_doubled_while_its_offer_is_pending)
{
    duo d = duo_agreed();
    const kith_offer_options restart = {.size = sizeof restart, .ice_restart = true};
    const kith_session_description *created;
    OK(kith_pc_create_offer(d.a, &restart, &created));
    OK(kith_pc_set_local_description(d.a, created));
    const char *ufrag = kith_ice_local_ufrag(kith_pc_transport(d.a)->ice);
    OK(kith_pc_create_offer(d.a, &restart, &created));
    ck_assert_str_eq(line_of(created->sdp, "a=ice-ufrag:"), ufrag);
    OK(kith_pc_create_offer(d.a, NULL, &created));
    ck_assert_str_eq(line_of(created->sdp, "a=ice-ufrag:"), ufrag);
    duo_free(&d);
}
END_TEST

START_TEST(a_pranswer_and_its_answer_restart_once)
{
    duo d = duo_agreed();
    kith_pc_restart_ice(d.a);
    offer(d.a, d.b);
    OK(set_local(d.b, KITH_SDP_PRANSWER, NULL));
    char *ufrag = kith_strdup(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice));
    answer(d.b, d.a);
    ck_assert_str_eq(kith_ice_local_ufrag(kith_pc_transport(d.b)->ice), ufrag);
    kith_free(ufrag);
    duo_free(&d);
}
END_TEST

/* ---- out of memory ---- */

/* The allocation that fails; counts down while armed. */
static long allocations_left;
static bool armed;

static bool is_failing(void)
{
    return armed && allocations_left-- == 0;
}

static void *alloc(size_t size, void *user)
{
    (void)user;
    return is_failing() ? NULL : malloc(size);
}

static void *resize(void *memory, size_t size, void *user)
{
    (void)user;
    return is_failing() ? NULL : realloc(memory, size);
}

static void release(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static kith_err add_candidate(kith_pc *pc)
{
    kith_ice_candidate c = {"candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host", "0", 0, NULL,
                            0};
    return kith_pc_add_ice_candidate(pc, &c);
}

/* The steps of a negotiation with everything in it. */
static kith_err take_step(duo *d, int step, const char *theirs)
{
    switch (step) {
    case 0:
    case 7:
        return kith_pc_set_local_description(d->a, NULL);
    case 1:
    case 8:
        return set_remote(d->b, KITH_SDP_OFFER, theirs);
    case 2:
        return add_candidate(d->b);
    case 3:
        return set_local(d->b, KITH_SDP_PRANSWER, NULL);
    case 4:
        return set_remote(d->a, KITH_SDP_PRANSWER, theirs);
    case 5:
    case 9:
        return kith_pc_set_local_description(d->b, NULL);
    case 6:
    case 10:
        return set_remote(d->a, KITH_SDP_ANSWER, theirs);
    default:
        return add_candidate(d->a);
    }
}

static kith_pc *actor(const duo *d, int step)
{
    return step == 1 || step == 2 || step == 3 || step == 5 || step == 8 || step == 9 ? d->b : d->a;
}

/* One negotiation whose allocation number n fails; false when it has fewer. */
static bool negotiate_with_failure(long n)
{
    bool failed = false;
    duo d = duo_new();
    open_channel(d.a);
    allocations_left = n;
    for (int step = 0; step <= 11; step++) {
        kith_pc *pc = actor(&d, step), *peer = pc == d.a ? d.b : d.a;
        const kith_session_description *theirs = kith_pc_local_description(peer);
        if (step == 7)
            kith_pc_restart_ice(d.a);
        snapshot before = snapshot_of(pc);
        armed = !failed;
        kith_err err = take_step(&d, step, theirs ? theirs->sdp : NULL);
        armed = false;
        failed |= allocations_left < 0;
        if (err == KITH_OK) {
            for (int i = 0; i < 6; i++)
                kith_free(before.texts[i]);
            continue;
        }
        ck_assert_str_eq(kith_err_name(err), "NO_MEMORY");
        assert_unchanged(pc, &before);
        OK(take_step(&d, step, theirs ? kith_pc_local_description(peer)->sdp : NULL));
    }
    ck_assert_int_eq(kith_jsep_agreed_data(d.a), 0);
    duo_free(&d);
    return failed;
}

START_TEST(a_call_that_runs_out_of_memory_changes_nothing_and_can_be_repeated)
{
    static const kith_allocator counting = {alloc, resize, release, NULL};
    kith_set_allocator(&counting);
    long n = 0;
    while (negotiate_with_failure(n))
        n++;
    ck_assert_int_gt(n, 100);
    kith_set_allocator(NULL);
}
END_TEST

/* ---- what is logged ---- */

static char logged[4096];

static void keep_log(kith_log_level level, const char *line, void *user)
{
    (void)level, (void)user;
    size_t len = strlen(logged);
    snprintf(logged + len, sizeof logged - len, "%s\n", line);
}

START_TEST(lines_that_are_left_out_are_logged_with_their_number_and_the_reason)
{
    duo d = duo_new();
    char *base = read_sdp("chromium156-offer-data-only.sdp");
    char *sdp = with(base, "a=setup:actpass", "b=AS:x\r\na=setup:actpass");
    int line = 1;
    for (const char *at = sdp; at < strstr(sdp, "b=AS:x"); at++)
        line += *at == '\n';
    char wanted[64];
    snprintf(wanted, sizeof wanted, "remote offer: line %d is left out: b= is", line);
    kith_set_log_sink(keep_log, KITH_LOG_INFO, NULL);
    OK(set_remote(d.a, KITH_SDP_OFFER, sdp));
    kith_set_log_sink(NULL, KITH_LOG_INFO, NULL);
    ck_assert_msg(strstr(logged, wanted), "\"%s\" is not in: %s", wanted, logged);
    kith_free(base);
    kith_free(sdp);
    duo_free(&d);
}
END_TEST

UNIT_MAIN(
    "pc: apply", every_pair_of_state_and_description_leads_where_the_table_says,
    a_description_in_the_wrong_state_changes_nothing, states_change_with_an_event_each,
    the_type_must_be_one, descriptions_are_pending_until_the_answer,
    a_pranswer_connects_and_the_answer_makes_it_current,
    the_offerer_controls_and_the_answerer_is_the_dtls_client,
    only_the_last_created_offer_can_be_set_and_only_unmodified,
    an_offer_from_before_a_remote_offer_is_obsolete, an_offer_can_be_set_again_after_its_rollback,
    a_created_offer_survives_a_remote_offer_that_is_rolled_back,
    a_created_answer_survives_the_same_offer_set_again, an_answer_must_be_the_last_created_one,
    an_answer_to_an_offer_that_was_replaced_is_obsolete, rollback_returns_to_what_was_agreed_on,
    rollback_of_the_first_offer_forgets_it, a_remote_offer_in_have_local_offer_rolls_back_first,
    glare_with_an_offer_that_cannot_be_accepted_keeps_the_local_one,
    an_ice_restart_is_answered_with_new_credentials_and_old_roles,
    either_of_the_two_credentials_restarts, a_restart_is_not_doubled_while_its_offer_is_pending,
    a_pranswer_and_its_answer_restart_once,
    a_call_that_runs_out_of_memory_changes_nothing_and_can_be_repeated,
    lines_that_are_left_out_are_logged_with_their_number_and_the_reason)
