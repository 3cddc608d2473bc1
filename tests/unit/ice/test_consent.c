/* Consent freshness, silence and keep-alives. */
#include "net.h"

#include "ice/checks.h"
#include "ice/consent.h"
#include "ice/pairs.h"

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

static kith_time asked_at[64];
static unsigned asked;

/* Notes LEFT's requests and loses them. */
static bool lose_requests(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    if (from != LEFT || m.class != KITH_STUN_REQUEST)
        return true;
    ck_assert_uint_lt(asked, 64);
    asked_at[asked++] = net->now;
    return false;
}

/* RFC 7675 section 5.1 keeps consent checks 4 s apart. What asks again in between are ordinary
 * checks, and no more than three in a period. */
START_TEST(an_unanswered_pair_is_asked_again_three_times_within_three_seconds)
{
    struct net *net = net_connected();
    kith_ice_pair_info info;
    kith_path path = net->peers[LEFT].selected;
    net_run(net, KITH_SECONDS(1));
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    uint64_t consent_checks_before = info.consent_requests_sent, checks = info.requests_sent;
    asked = 0;
    net->filter = lose_requests;
    for (int i = 0; i < 250; i++) { /* the peer is heard all the time */
        net_run(net, KITH_MS(100));
        kith_ice_note_received(ice_of(net, LEFT), net->now, &path);
    }
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &info));
    ck_assert_uint_ge(asked, 16);
    for (unsigned i = 1; i < asked; i++) {
        kith_time since = asked_at[i] - asked_at[i % 4 == 0 ? i - 4 : i - 1];
        ck_assert_int_ge(since, i % 4 == 0 ? KITH_SECONDS(4) : KITH_MS(500));
        ck_assert_int_le(since, i % 4 == 0 ? KITH_SECONDS(6) : KITH_MS(1000));
    }
    consent_checks_before = info.consent_requests_sent - consent_checks_before;
    ck_assert_uint_eq(consent_checks_before, (asked + 3) / 4);
    ck_assert_uint_eq(info.requests_sent - checks, asked - (asked + 3) / 4);
    net_free(net);
}
END_TEST

/* Whatever the interval of consent: 5 s of silence, and two checks without an answer. */
START_TEST(a_pair_that_is_not_heard_for_five_seconds_is_asked_then)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(1));
    kith_ice_pair *pair = ice_of(net, LEFT)->send_pair;
    pair->consent_at = net->now + KITH_SECONDS(20);
    net->filter = drop_everything;
    kith_time heard_at = pair->heard_at;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(20), left_disconnected));
    ck_assert_int_eq(net->now - heard_at, KITH_MS(6500));
    net_free(net);
}
END_TEST

/* While disconnected a pair is asked every second at most: consent is regained if the path is back
 * a little more than a second before it ends. */
START_TEST(an_outage_that_ends_just_before_consent_does_is_survived)
{
    for (int i = 0; i < 20; i++) {
        struct net *net = net_connected();
        net_run(net, KITH_SECONDS(7));
        is_cut = true;
        net->filter = cut;
        kith_time left = ice_of(net, LEFT)->send_pair->consent_until,
                  right = ice_of(net, RIGHT)->send_pair->consent_until;
        ck_assert_int_ge(kith_ice_earlier(left, right) - net->now, KITH_SECONDS(23));
        net_run(net, kith_ice_earlier(left, right) - KITH_MS(1050) - net->now);
        ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
        is_cut = false;
        net_run(net, KITH_MS(1050));
        ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
        ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
        net_free(net);
    }
}
END_TEST

static kith_address lost_address;
static unsigned on_lost;

static bool cut_lost(struct net *net, int from, struct datagram *d)
{
    bool is_on_it = kith_address_equal(&d->path.local, &lost_address) ||
                    kith_address_equal(&d->path.remote, &lost_address);
    (void)net;
    (void)from;
    on_lost += is_on_it;
    return !is_on_it || !is_cut;
}

/* RFC 7675 section 5.1: "the same ICE credentials MUST NOT be used on the affected 5-tuple again".
 */
START_TEST(consent_that_was_lost_does_not_come_back_with_the_same_credentials)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "203.0.113.2:2001");
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    net_run(net, KITH_SECONDS(1));
    kith_ice *left = ice_of(net, LEFT);
    kith_path path = net->peers[LEFT].selected;
    lost_address = path.remote;
    is_cut = true;
    net->filter = cut_lost;
    net_run(net, KITH_SECONDS(32));
    kith_ice_pair *lost = kith_ice_find_pair(left->newest, &path);
    ck_assert_int_eq(lost->state, KITH_ICE_PAIR_FAILED);
    ck_assert_str_eq(lost->why_failed, "consent expired");
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED); /* on the other one */
    is_cut = false;
    on_lost = 0;
    /* neither by a check of the peer */
    kith_ice_pair *theirs =
        kith_ice_find_pair(ice_of(net, RIGHT)->newest, &(kith_path){path.remote, path.local, 0});
    theirs->carried_data = false;
    kith_ice_trigger(theirs);
    ice_of(net, RIGHT)->is_dirty = true;
    net_run(net, KITH_SECONDS(20));
    ck_assert_uint_ge(on_lost, 5); /* RIGHT's requests, without an answer */
    ck_assert_int_eq(lost->state, KITH_ICE_PAIR_FAILED);
    ck_assert_uint_eq(on_lost, theirs->transmissions);
    /* nor by the return of the address */
    kith_ice_remove_local(left, &path.local, KITH_TCPTYPE_NONE);
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(kith_ice_add_local(left, &path.local, KITH_TCPTYPE_NONE), KITH_OK);
    net_run(net, KITH_SECONDS(10));
    ck_assert_int_eq(lost->state, KITH_ICE_PAIR_FAILED);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* A valid pair that never carried data has no consent to lose. */
START_TEST(a_spare_pair_that_did_not_answer_for_a_minute_is_used_when_it_is_needed)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "203.0.113.2:2001");
    exchange_credentials(net);
    end_local(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(5), both_selected));
    kith_path spare = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[1], KITH_UDP};
    kith_ice_pair *pair = kith_ice_find_pair(ice_of(net, LEFT)->newest, &spare);
    kith_ice_trigger(pair);
    ice_of(net, LEFT)->is_dirty = true;
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(pair->state, KITH_ICE_PAIR_SUCCEEDED);
    lost_address = net->peers[RIGHT].sockets[1];
    is_cut = true;
    net->filter = cut_lost;
    net_run(net, KITH_SECONDS(60));
    ck_assert_int_eq(pair->state, KITH_ICE_PAIR_FAILED);
    ck_assert_str_eq(pair->why_failed, "no answer");
    lost_address = net->peers[RIGHT].sockets[0];
    net_run(net, KITH_SECONDS(8));
    kith_path path;
    ck_assert(kith_ice_send_path(ice_of(net, LEFT), &path));
    ck_assert_uint_eq(path.remote.port, 2001);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
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
    ck_assert_int_ge(net->now - start, KITH_MS(1400)); /* in which one check may be lost */
    ck_assert_int_le(net->now - start, KITH_MS(6600));
    ck_assert(net_run_until(net, start + KITH_SECONDS(60), left_failed));
    ck_assert_int_ge(net->now - start, KITH_SECONDS(24));
    ck_assert_int_le(net->now - start, KITH_SECONDS(30) + net->delay);
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

struct sent_request {
    uint8_t id[KITH_STUN_ID];
    kith_time at;
};

/* The requests of LEFT; and when that one left which was answered last, after which nothing
 * passes. */
static struct sent_request sent_requests[256];
static unsigned sent_count;
static kith_time answered_request_at;

static bool pass_one_answer(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    if (answered_request_at != 0)
        return false;
    if (from == LEFT && m.class == KITH_STUN_REQUEST && sent_count < 256) {
        memcpy(sent_requests[sent_count].id, m.id, sizeof m.id);
        sent_requests[sent_count++].at = net->now;
    }
    if (from == RIGHT && m.class == KITH_STUN_SUCCESS)
        for (unsigned i = 0; i < sent_count; i++)
            if (memcmp(sent_requests[i].id, m.id, sizeof m.id) == 0)
                answered_request_at = sent_requests[i].at;
    return true;
}

/* RFC 7675 section 5.1: a slow answer does not make it last longer. */
START_TEST(consent_counts_from_when_the_request_was_sent)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(3));
    net->delay = KITH_MS(600);
    net_run(net, KITH_SECONDS(2));
    sent_count = 0;
    answered_request_at = 0;
    net->filter = pass_one_answer;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(60), left_failed));
    ck_assert_int_ne(answered_request_at, 0);
    ck_assert_int_ge(net->now - answered_request_at, KITH_SECONDS(30));
    ck_assert_int_le(net->now - answered_request_at, KITH_SECONDS(30) + KITH_MS(10));
    net_free(net);
}
END_TEST

/* An answer that is on its way is waited for. */
START_TEST(a_slow_path_is_not_asked_again_before_it_can_answer)
{
    struct net *net = net_pair();
    net->delay = KITH_SECONDS(1);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(20), both_selected));
    net_run(net, KITH_SECONDS(20));
    kith_ice_pair_info before, after;
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &before));
    unsigned changes = net->peers[LEFT].state_count;
    net_run(net, KITH_SECONDS(60));
    ck_assert(kith_ice_pair_at(ice_of(net, LEFT), 0, &after));
    ck_assert_uint_eq(after.requests_sent, before.requests_sent);
    ck_assert_uint_eq(net->peers[LEFT].state_count, changes); /* nor taken for silent */
    ck_assert_uint_ge(after.consent_requests_sent - before.consent_requests_sent, 10);
    net_free(net);
}
END_TEST

/* Its own answer's and those of what repeats it; at least 1.5 s. */
START_TEST(a_question_has_four_round_trips_until_its_silence_counts)
{
    kith_ice_pair pair = {.unanswered_at = KITH_SECONDS(10), .smoothed_rtt = KITH_SECONDS(2)};
    ck_assert_int_eq(kith_ice_silent_from(&pair), KITH_SECONDS(18));
    pair.smoothed_rtt = KITH_MS(20);
    ck_assert_int_eq(kith_ice_silent_from(&pair), KITH_MS(11500));
    pair.heard_at = KITH_SECONDS(9);
    ck_assert_int_eq(kith_ice_silent_from(&pair), KITH_SECONDS(14));
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

static unsigned checks_of_second;

/* Requests on the pair of RIGHT's second socket. The controlling side's nominations never arrive.
 */
static bool count_checks(struct net *net, int from, struct datagram *d)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, d->data, d->len));
    checks_of_second += from == RIGHT && m.class == KITH_STUN_REQUEST &&
                        kith_address_equal(&d->path.local, &net->peers[RIGHT].sockets[1]);
    return !(from == LEFT && m.use_candidate);
}

/* RFC 8445 section 11: valid pairs that carry no data are kept open, by a check every 15 s that
 * tells at the same time whether they still work. */
START_TEST(valid_pairs_that_carry_no_data_are_checked_every_15_seconds)
{
    struct net *net = net_new();
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    add_socket(net, RIGHT, "198.51.100.2:2001");
    exchange_credentials(net);
    end_local(net);
    net->filter = count_checks;
    net_run(net, KITH_SECONDS(1)); /* both are valid, none is selected */
    checks_of_second = 0;
    net_run(net, KITH_SECONDS(16));
    ck_assert_uint_eq(checks_of_second, 1);
    net->filter = NULL;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(17), both_selected));
    net->filter = count_checks;
    checks_of_second = 0;
    net_run(net, KITH_SECONDS(150));
    ck_assert_uint_ge(checks_of_second, 9);
    ck_assert_uint_le(checks_of_second, 10);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
    KITH_ICE_EACH(&ice_of(net, RIGHT)->newest->pairs, kith_ice_pair, pair)
        ck_assert_int_eq(pair->state, KITH_ICE_PAIR_SUCCEEDED);
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
    net->filter = count_checks; /* no nomination until both are valid */
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
          an_unanswered_pair_is_asked_again_three_times_within_three_seconds,
          a_pair_that_is_not_heard_for_five_seconds_is_asked_then,
          an_outage_that_ends_just_before_consent_does_is_survived,
          consent_that_was_lost_does_not_come_back_with_the_same_credentials,
          a_spare_pair_that_did_not_answer_for_a_minute_is_used_when_it_is_needed,
          consent_ends_after_thirty_seconds_and_then_nothing_is_sent,
          consent_counts_from_when_the_request_was_sent,
          a_slow_path_is_not_asked_again_before_it_can_answer, a_short_cut_disconnects_and_heals,
          data_and_requests_keep_connected_but_do_not_replace_consent,
          data_from_an_address_without_a_check_is_no_sign_of_life,
          lost_consent_checks_seldom_disconnect_an_idle_pair,
          valid_pairs_that_carry_no_data_are_checked_every_15_seconds,
          a_dead_peer_with_two_valid_pairs_is_not_connected_between_disconnected_and_failed,
          a_question_has_four_round_trips_until_its_silence_counts)
