/* The states that a peer connection derives from its parts, as events tell them. */
#include "live.h"

/* The values that a side was told of one state, in order, one digit each. */
static const char *course(enum side side, kith_event_type type)
{
    static char digits[64];
    size_t n = 0;
    for (size_t i = 0; i < told_count[side] && n < sizeof digits - 1; i++)
        if (told_to[side][i].type == type)
            digits[n++] = (char)('0' + told_to[side][i].state);
    digits[n] = '\0';
    return digits;
}

#define CONNECTION KITH_EV_CONNECTION_STATE
#define ICE        KITH_EV_ICE_CONNECTION_STATE

START_TEST(enumerators_are_in_the_order_that_these_tests_read)
{
    ck_assert_int_eq(KITH_CONNECTION_STATE_CONNECTING, 1);
    ck_assert_int_eq(KITH_CONNECTION_STATE_CONNECTED, 2);
    ck_assert_int_eq(KITH_CONNECTION_STATE_DISCONNECTED, 3);
    ck_assert_int_eq(KITH_CONNECTION_STATE_FAILED, 4);
    ck_assert_int_eq(KITH_ICE_CONNECTION_STATE_CHECKING, 1);
    ck_assert_int_eq(KITH_ICE_CONNECTION_STATE_CONNECTED, 2);
    ck_assert_int_eq(KITH_ICE_CONNECTION_STATE_COMPLETED, 3);
    ck_assert_int_eq(KITH_ICE_CONNECTION_STATE_DISCONNECTED, 4);
    ck_assert_int_eq(KITH_ICE_CONNECTION_STATE_FAILED, 5);
}
END_TEST

START_TEST(the_normal_course_is_new_connecting_connected)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    kith_pc *left = pc_of(&d, LEFT);
    ck_assert_int_eq(kith_pc_connection_state(left), KITH_CONNECTION_STATE_NEW);
    ck_assert_int_eq(kith_pc_ice_connection_state(left), KITH_ICE_CONNECTION_STATE_NEW);
    ck_assert_int_eq(kith_pc_ice_gathering_state(left), KITH_ICE_GATHERING_STATE_NEW);
    duo_connect(&d);
    run_ms(&d, 1000);
    for (int side = LEFT; side <= RIGHT; side++) {
        ck_assert_str_eq(course((enum side)side, CONNECTION), "12");
        ck_assert_int_eq(strncmp(course((enum side)side, ICE), "12", 2), 0);
        ck_assert_str_eq(course((enum side)side, KITH_EV_ICE_GATHERING_STATE), "12");
    }
    ck_assert_int_eq(kith_pc_connection_state(left), KITH_CONNECTION_STATE_CONNECTED);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc section 4.3.3: connected needs both ICE and DTLS. */
START_TEST(connected_waits_for_dtls)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}});
    duo_offer(&d, LEFT);
    bool seen = false;
    for (int i = 0; i < 300 && !duo_is_connected(&d); i++) {
        run_ms(&d, 1);
        const kith_transport *t = kith_pc_transport(pc_of(&d, LEFT));
        bool ice =
            kith_pc_ice_connection_state(pc_of(&d, LEFT)) >= KITH_ICE_CONNECTION_STATE_CONNECTED;
        bool dtls = t->dtls && kith_dtls_get_state(t->dtls) == KITH_DTLS_CONNECTED;
        if (ice && !dtls) {
            seen = true;
            ck_assert_int_eq(kith_pc_connection_state(pc_of(&d, LEFT)),
                             KITH_CONNECTION_STATE_CONNECTING);
        }
    }
    ck_assert(seen);
    ck_assert(duo_is_connected(&d));
    duo_deinit(&d);
}
END_TEST

START_TEST(an_interruption_is_disconnected_then_connected_again)
{
    duo d;
    live_pair(&d);
    run_ms(&d, 1000);
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = true;
    run_ms(&d, 20000);
    ck_assert_str_eq(course(LEFT, CONNECTION), "123");
    d.peers[LEFT].host->deaf = d.peers[RIGHT].host->deaf = false;
    run_ms(&d, 10000);
    ck_assert_str_eq(course(LEFT, CONNECTION), "1232");
    duo_deinit(&d);
}
END_TEST

START_TEST(lost_consent_is_failed)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->deaf = true;
    run_ms(&d, 40000);
    ck_assert_str_eq(course(LEFT, CONNECTION), "1234");
    ck_assert_int_eq(kith_pc_ice_connection_state(pc_of(&d, LEFT)),
                     KITH_ICE_CONNECTION_STATE_FAILED);
    duo_deinit(&d);
}
END_TEST

static void break_fingerprint(enum side from, char **text)
{
    char *line = strstr(*text, "a=fingerprint:");
    if (from == LEFT && line) {
        char *end = strpbrk(line, "\r\n");
        end[-1] = end[-1] == '0' ? '1' : '0';
    }
}

START_TEST(failed_dtls_is_failed_while_ice_is_connected)
{
    duo d;
    live_init(
        &d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}, .tamper = break_fingerprint});
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(5), duo_has_failed, &d));
    ck_assert_int_eq(kith_pc_connection_state(pc_of(&d, RIGHT)), KITH_CONNECTION_STATE_FAILED);
    ck_assert_int_ne(kith_pc_ice_connection_state(pc_of(&d, RIGHT)),
                     KITH_ICE_CONNECTION_STATE_FAILED);
    duo_deinit(&d);
}
END_TEST

/* Table of webrtc-pc section 4.3.3: a closed DTLS transport counts as connected. */
START_TEST(a_peer_that_left_leaves_us_connected_until_consent_is_gone)
{
    duo d;
    live_pair(&d);
    run_ms(&d, 100);
    kith_pc_close(pc_of(&d, RIGHT));
    run_ms(&d, 100);
    ck_assert_uint_eq(d.peers[LEFT].closed, 1);
    ck_assert_int_eq(kith_pc_connection_state(pc_of(&d, LEFT)), KITH_CONNECTION_STATE_CONNECTED);
    run_ms(&d, 60000);
    ck_assert_str_eq(course(LEFT, CONNECTION), "1234");
    duo_deinit(&d);
}
END_TEST

START_TEST(gathering_begins_anew_with_a_restart)
{
    duo d;
    live_pair(&d);
    kith_pc_restart_ice(pc_of(&d, LEFT));
    d.options.no_channel = true;
    duo_offer(&d, LEFT);
    ck_assert_int_eq(kith_pc_ice_gathering_state(pc_of(&d, LEFT)),
                     KITH_ICE_GATHERING_STATE_GATHERING);
    run_ms(&d, 1000);
    ck_assert_str_eq(course(LEFT, KITH_EV_ICE_GATHERING_STATE), "1212");
    ck_assert(duo_is_connected(&d));
    duo_deinit(&d);
}
END_TEST

START_TEST(no_state_is_told_twice_in_a_row)
{
    duo d;
    live_pair(&d);
    d.peers[LEFT].host->deaf = true;
    run_ms(&d, 20000);
    d.peers[LEFT].host->deaf = false;
    run_ms(&d, 20000);
    static const kith_event_type types[] = {CONNECTION, ICE, KITH_EV_ICE_GATHERING_STATE,
                                            KITH_EV_SIGNALING_STATE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (const char *at = course(LEFT, types[i]); at[0] != '\0'; at++)
            ck_assert_int_ne(at[0], at[1]);
    duo_deinit(&d);
}
END_TEST

/* webrtc-pc sections 4.3.2 to 4.3.4: one new transport beside a connected one. */
START_TEST(states_are_folded_over_all_transports)
{
    duo d;
    live_pair(&d);
    kith_pc *left = pc_of(&d, LEFT);
    kith_transport *second;
    ck_assert_int_eq(kith_transport_new(&second, left), KITH_OK);
    kith_states_update(left);
    ck_assert_int_eq(kith_pc_connection_state(left), KITH_CONNECTION_STATE_CONNECTING);
    ck_assert_int_eq(kith_pc_ice_connection_state(left), KITH_ICE_CONNECTION_STATE_CHECKING);
    ck_assert_int_eq(kith_pc_ice_gathering_state(left), KITH_ICE_GATHERING_STATE_NEW);
    second->gathering = true;
    kith_states_update(left);
    ck_assert_int_eq(kith_pc_ice_gathering_state(left), KITH_ICE_GATHERING_STATE_GATHERING);
    kith_transport_free(second);
    kith_states_update(left);
    ck_assert_int_eq(kith_pc_connection_state(left), KITH_CONNECTION_STATE_CONNECTED);
    ck_assert_int_eq(kith_pc_ice_gathering_state(left), KITH_ICE_GATHERING_STATE_COMPLETE);
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: states", enumerators_are_in_the_order_that_these_tests_read,
          the_normal_course_is_new_connecting_connected, connected_waits_for_dtls,
          an_interruption_is_disconnected_then_connected_again, lost_consent_is_failed,
          failed_dtls_is_failed_while_ice_is_connected,
          a_peer_that_left_leaves_us_connected_until_consent_is_gone,
          gathering_begins_anew_with_a_restart, no_state_is_told_twice_in_a_row,
          states_are_folded_over_all_transports)
