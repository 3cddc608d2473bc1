/* Consent freshness, silence and keep-alives. */
#include "net.h"

static bool is_cut;

static bool cut(struct net *net, int from, struct datagram *d)
{
    (void)net;
    (void)from;
    (void)d;
    return !is_cut;
}

static bool cut_left_to_right(struct net *net, int from, struct datagram *d)
{
    (void)net;
    (void)d;
    return from != LEFT;
}

static bool left_disconnected(struct net *net)
{
    return state_of(net, LEFT) == KITH_ICE_DISCONNECTED;
}

static bool left_failed(struct net *net)
{
    return state_of(net, LEFT) == KITH_ICE_FAILED;
}

static kith_time last_consent;
static unsigned consent_checks;
static uint8_t last_id[KITH_STUN_ID];

/* Looks at the requests of LEFT. */
static bool watch(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    if (from != LEFT || m.class != KITH_STUN_REQUEST)
        return true;
    if (consent_checks++ > 0) {
        ck_assert_int_ge(net->now - last_consent, KITH_SECONDS(4));
        ck_assert_int_le(net->now - last_consent, KITH_SECONDS(6));
    }
    ck_assert(memcmp(last_id, m.id, sizeof last_id) != 0);
    memcpy(last_id, m.id, sizeof last_id);
    last_consent = net->now;
    return true;
}

START_TEST(consent_is_asked_for_every_four_to_six_seconds)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(1));
    consent_checks = 0;
    net->filter = watch;
    net_run(net, KITH_SECONDS(600));
    ck_assert_uint_ge(consent_checks, 100);
    ck_assert_uint_le(consent_checks, 150);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_uint_eq(net->peers[LEFT].state_count, 3);
    net_free(net);
}
END_TEST

START_TEST(consent_ends_after_thirty_seconds_and_then_nothing_is_sent)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(10));
    is_cut = true;
    net->filter = cut;
    kith_time start = net->now;
    ck_assert(net_run_until(net, start + KITH_SECONDS(60), left_disconnected));
    ck_assert_int_ge(net->now - start, KITH_SECONDS(2));
    ck_assert_int_le(net->now - start, KITH_SECONDS(10));
    ck_assert(net_run_until(net, start + KITH_SECONDS(60), left_failed));
    ck_assert_int_ge(net->now - start, KITH_SECONDS(24));
    ck_assert_int_le(net->now - start, KITH_SECONDS(30));
    unsigned sent = net->peers[LEFT].sent;
    kith_path path;
    ck_assert(!kith_ice_send_path(ice_of(net, LEFT), &path));
    is_cut = false;
    net_run(net, KITH_SECONDS(120));
    ck_assert_uint_eq(net->peers[LEFT].sent, sent);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    net_free(net);
}
END_TEST

START_TEST(a_short_cut_disconnects_and_heals)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(1));
    is_cut = true;
    net->filter = cut;
    net_run(net, KITH_SECONDS(15));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_DISCONNECTED);
    is_cut = false;
    net_run(net, KITH_SECONDS(7));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* Chrome has been seen to stop answering some checks: whoever still asks and sends is alive, but
 * consent is consent. */
START_TEST(data_and_requests_keep_connected_but_do_not_replace_consent)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(1));
    net->filter = cut_left_to_right;
    kith_time start = net->now;
    kith_path path = net->peers[LEFT].selected;
    while (net->now < start + KITH_SECONDS(20)) {
        net_run(net, KITH_SECONDS(1));
        kith_ice_note_received(ice_of(net, LEFT), net->now, &path);
        ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    }
    while (net->now < start + KITH_SECONDS(31)) {
        net_run(net, KITH_SECONDS(1));
        kith_ice_note_received(ice_of(net, LEFT), net->now, &path);
    }
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    net_free(net);
}
END_TEST

START_TEST(data_from_an_address_without_a_check_is_no_sign_of_life)
{
    struct net *net = net_connected();
    net->filter = drop_everything;
    kith_path stranger = {net->peers[LEFT].sockets[0], addr("198.51.100.66:6"), KITH_UDP};
    for (int i = 0; i < 15; i++) {
        net_run(net, KITH_SECONDS(1));
        kith_ice_note_received(ice_of(net, LEFT), net->now, &stranger);
    }
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    net_free(net);
}
END_TEST

START_TEST(lost_consent_checks_seldom_disconnect_an_idle_pair)
{
    struct net *net = net_connected();
    net->loss = 2;
    net_run(net, KITH_SECONDS(600));
    net->loss = 0;
    net_run(net, KITH_SECONDS(15));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_uint_le(net->peers[LEFT].state_count, 15); /* of 240 checks some ten are lost */
    net_free(net);
}
END_TEST

static unsigned indications;

static bool count_indications(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    (void)net;
    (void)from;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    if (m.class == KITH_STUN_INDICATION) {
        ck_assert(kith_stun_has(&m, KITH_STUN_HAS_FINGERPRINT));
        indications++;
    }
    /* the controlling side's nominations never arrive */
    return !(from == LEFT && m.use_candidate);
}

/* RFC 8445 section 11: pairs that may yet be chosen are kept open while the nomination is awaited.
 */
START_TEST(valid_pairs_are_kept_alive_until_one_is_selected)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "198.51.100.2:2001");
    exchange_credentials(net);
    end_local(net);
    indications = 0;
    net->filter = count_indications;
    net_run(net, KITH_SECONDS(20));
    ck_assert_uint_ge(indications, 2);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_CONNECTED);
    net_free(net);
}
END_TEST

/* The consent of a second valid pair may end a little later: it is no sign of life. */
START_TEST(a_dead_peer_with_two_valid_pairs_is_not_connected_between_disconnected_and_failed)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "198.51.100.2:2001");
    exchange_credentials(net);
    end_local(net);
    net->filter = count_indications; /* no nomination until both are valid */
    net_run(net, KITH_SECONDS(1));
    net->filter = NULL;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    unsigned valid = 0;
    KITH_ICE_EACH(&ice_of(net, LEFT)->newest->pairs, kith_ice_pair, pair) {
        valid += pair->state == KITH_ICE_PAIR_SUCCEEDED;
        if (pair != ice_of(net, LEFT)->send_pair)
            pair->consent_until += KITH_SECONDS(2); /* as if its last answer had come later */
    }
    ck_assert_uint_eq(valid, 2);
    net->filter = drop_everything;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(60), left_failed));
    const struct peer *left = &net->peers[LEFT];
    bool is_lost = false;
    for (unsigned i = 0; i < left->state_count; i++) {
        is_lost |= left->states[i] == KITH_ICE_DISCONNECTED;
        ck_assert(!is_lost ||
                  (left->states[i] != KITH_ICE_CONNECTED && left->states[i] != KITH_ICE_COMPLETED));
    }
    ck_assert(is_lost);
    net_free(net);
}
END_TEST

UNIT_MAIN("ice: consent", consent_is_asked_for_every_four_to_six_seconds,
          consent_ends_after_thirty_seconds_and_then_nothing_is_sent,
          a_short_cut_disconnects_and_heals,
          data_and_requests_keep_connected_but_do_not_replace_consent,
          data_from_an_address_without_a_check_is_no_sign_of_life,
          lost_consent_checks_seldom_disconnect_an_idle_pair,
          valid_pairs_are_kept_alive_until_one_is_selected,
          a_dead_peer_with_two_valid_pairs_is_not_connected_between_disconnected_and_failed)
