/* ICE restarts from either side, in either order, and their undoing; credentials. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD is the way to draw one number twice */
#include "net.h"

#include <openssl/rand.h>

#include "crypto/random.h"

static void rejoin(struct net *net)
{
    for (int side = LEFT; side <= RIGHT; side++)
        ck_assert_int_eq(kith_ice_set_remote(ice_of(net, side),
                                             kith_ice_local_ufrag(ice_of(net, 1 - side)),
                                             kith_ice_local_pwd(ice_of(net, 1 - side)), false),
                         KITH_OK);
}

static void regather(struct net *net, int side)
{
    gather_again(ice_of(net, side));
    kith_ice_end_local(ice_of(net, side));
}

static bool serves_newest(const kith_ice *ice)
{
    return ice->newest->selected && ice->newest->selected == ice->send_pair;
}

static bool both_new(struct net *net)
{
    return serves_newest(ice_of(net, LEFT)) && serves_newest(ice_of(net, RIGHT));
}

static bool nothing_old(struct net *net)
{
    return both_new(net) && !ice_of(net, LEFT)->newest->previous &&
           !ice_of(net, RIGHT)->newest->previous;
}

/* After this no peer in its senses uses the old pair. */
#define RETIRED KITH_SECONDS(11)

static void restart_both(struct net *net)
{
    for (int side = LEFT; side <= RIGHT; side++)
        ck_assert_int_eq(kith_ice_restart(ice_of(net, side)), KITH_OK);
    regather(net, LEFT);
    regather(net, RIGHT);
    rejoin(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_new));
}

START_TEST(the_old_pair_serves_until_the_new_one_is_selected)
{
    struct net *net = net_connected();
    net_run(net, KITH_SECONDS(3));
    char old_ufrag[64];
    kith_path path;
    strcpy(old_ufrag, kith_ice_local_ufrag(ice_of(net, LEFT)));
    ck_assert_int_eq(kith_ice_restart(ice_of(net, LEFT)), KITH_OK);
    ck_assert_str_ne(kith_ice_local_ufrag(ice_of(net, LEFT)), old_ufrag);
    ck_assert(knows_ufrag(ice_of(net, LEFT), old_ufrag));
    drain(net, LEFT);
    /* completed -> connected, and data flows on */
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    ck_assert(kith_ice_send_path(ice_of(net, LEFT), &path));
    net_run(net,
            KITH_SECONDS(40)); /* the answer is late: consent goes on with the old credentials */
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    ck_assert_int_eq(kith_ice_restart(ice_of(net, RIGHT)), KITH_OK);
    regather(net, LEFT);
    regather(net, RIGHT);
    rejoin(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_new));
    ck_assert(net_run_until(net, net->now + RETIRED, nothing_old));
    for (int side = LEFT; side <= RIGHT; side++) {
        ck_assert_int_eq(state_of(net, side), KITH_ICE_COMPLETED);
        ck_assert(!knows_ufrag(ice_of(net, side), old_ufrag));
        for (unsigned i = 0; i < net->peers[side].state_count; i++)
            ck_assert_int_lt(net->peers[side].states[i], KITH_ICE_DISCONNECTED);
    }
    net_free(net);
}
END_TEST

/* JSEP applies the offer's credentials before the answer's: the peer's restart is heard before ours
 * is made. */
START_TEST(the_peers_restart_may_be_heard_before_ours)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    regather(net, LEFT);
    ck_assert_int_eq(
        kith_ice_set_remote(right, kith_ice_local_ufrag(left), kith_ice_local_pwd(left), false),
        KITH_OK);
    kith_candidate c = host("192.0.2.1:1000");
    strcpy(c.ufrag, kith_ice_local_ufrag(left));
    kith_ice_add_remote(right, &c);
    ck_assert_int_eq(kith_ice_restart(right), KITH_OK);
    ck_assert(right->newest->has_remote);
    ck_assert_uint_eq(right->newest->remote_count, 1);
    regather(net, RIGHT);
    rejoin(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_new));
    net_free(net);
}
END_TEST

/* The answerer that never restarts itself breaks the rules (RFC 8839 section 4.4.3.1), but
 * connects. */
START_TEST(a_restart_of_the_peer_alone_is_followed)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    regather(net, LEFT);
    ck_assert_int_eq(
        kith_ice_set_remote(right, kith_ice_local_ufrag(left), kith_ice_local_pwd(left), false),
        KITH_OK);
    ck_assert_int_eq(
        kith_ice_set_remote(left, kith_ice_local_ufrag(right), kith_ice_local_pwd(right), false),
        KITH_OK);
    unsigned told = net->peers[RIGHT].candidates;
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_new));
    ck_assert_uint_eq(net->peers[RIGHT].candidates, told); /* nothing is told twice */
    net_free(net);
}
END_TEST

/* A check of the peer's old pair, with the credentials of before the restart. */
static void check_with_old(struct net *net, const char *username, const char *pwd)
{
    const uint8_t id[KITH_STUN_ID] = {7};
    uint8_t buf[600];
    kith_stun m;
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(pwd));
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, kith_span_text(username));
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLED, 1);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 12345);
    kith_stun_put_integrity(&w, hmac);
    kith_stun_put_fingerprint(&w);
    kith_hmac_free(hmac);
    ck_assert(kith_stun_parse(&m, buf, w.len));
    kith_path path = {net->peers[LEFT].sockets[0], net->peers[RIGHT].sockets[0], KITH_UDP};
    kith_ice_input(ice_of(net, LEFT), net->now, &path, &m);
}

/* Firefox 153 that was nominated before its own first check stays on its old pair. */
START_TEST(the_old_generation_answers_while_the_peer_uses_it)
{
    struct net *net = net_connected();
    char old[64], pwd[64], username[200];
    snprintf(old, sizeof old, "%s", kith_ice_local_ufrag(ice_of(net, LEFT)));
    snprintf(pwd, sizeof pwd, "%s", kith_ice_local_pwd(ice_of(net, LEFT)));
    snprintf(username, sizeof username, "%s:%s", old, kith_ice_local_ufrag(ice_of(net, RIGHT)));
    restart_both(net);
    for (int i = 0; i < 5; i++) {
        net_run(net, KITH_SECONDS(5));
        ck_assert(knows_ufrag(ice_of(net, LEFT), old));
        check_with_old(net, username, pwd);
    }
    net_run(net, RETIRED);
    ck_assert(!knows_ufrag(ice_of(net, LEFT), old));
    ck_assert(nothing_old(net));
    net_free(net);
}
END_TEST

/* What the controlling side asks, and the longest time without a nomination. */
struct asked {
    unsigned checks, nominations;
    kith_time nominated_at, gap;
};

static bool count_nominations(struct net *net, int from, struct datagram *d)
{
    struct asked *asked = net->user;
    kith_stun m;
    if (from != LEFT || !kith_stun_parse(&m, d->data, d->len) || m.class != KITH_STUN_REQUEST)
        return true;
    asked->checks++;
    if (m.use_candidate) {
        asked->nominations++;
        asked->gap = kith_ice_later(asked->gap, net->now - asked->nominated_at);
        asked->nominated_at = net->now;
    }
    return true;
}

/* And it moves only when it is nominated again: with each check of consent (RFC 7675 section 5.1:
 * every 4 to 6 s) as long as it is heard on the old pair, however long that is, and not after. */
START_TEST(the_nomination_is_repeated_until_the_peer_has_left_the_old_generation)
{
    struct net *net = net_connected();
    char pwd[64], username[200];
    snprintf(pwd, sizeof pwd, "%s", kith_ice_local_pwd(ice_of(net, LEFT)));
    snprintf(username, sizeof username, "%s:%s", kith_ice_local_ufrag(ice_of(net, LEFT)),
             kith_ice_local_ufrag(ice_of(net, RIGHT)));
    restart_both(net);
    struct asked asked = {.nominated_at = net->now};
    net->user = &asked;
    net->filter = count_nominations;
    for (int i = 0; i < 5; i++) {
        check_with_old(net, username, pwd);
        net_run(net, KITH_SECONDS(5));
        ck_assert_int_le(net->now - asked.nominated_at, KITH_SECONDS(6));
    }
    ck_assert_uint_ge(asked.nominations, 4);
    ck_assert_uint_eq(asked.nominations, asked.checks);
    ck_assert_int_le(asked.gap, KITH_SECONDS(6));
    ck_assert(net_run_until(net, net->now + RETIRED, nothing_old));
    asked = (struct asked){0};
    net_run(net, KITH_SECONDS(60));
    ck_assert_uint_eq(asked.nominations, 0);
    ck_assert_uint_ge(asked.checks, 10);
    net_free(net);
}
END_TEST

START_TEST(a_rollback_returns_to_what_was)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    char ufrag[64];
    strcpy(ufrag, kith_ice_local_ufrag(left));
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    kith_ice_rollback_restart(left);
    ck_assert_str_eq(kith_ice_local_ufrag(left), ufrag);
    /* of the peer's restart as well */
    ck_assert_int_eq(kith_ice_set_remote(right, "new", "credentials", false), KITH_OK);
    ck_assert(right->newest->previous);
    kith_ice_rollback_restart(right);
    ck_assert(!right->newest->previous);
    net_run(net, KITH_SECONDS(60));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

/* While our restart is unanswered the peer trickles on for the generation before. */
START_TEST(candidates_go_to_the_generation_they_name)
{
    struct net *net = net_new();
    kith_ice *left = ice_of(net, LEFT), *right = ice_of(net, RIGHT);
    kith_candidate named = host("192.0.2.2:2000"), unnamed = host("192.0.2.2:2001"),
                   unknown = named;
    net->signal_delay = KITH_NEVER;
    add_socket(net, LEFT, "192.0.2.1:1000");
    add_socket(net, RIGHT, "192.0.2.2:2000");
    exchange_credentials(net);
    strcpy(named.ufrag, kith_ice_local_ufrag(right));
    strcpy(unknown.ufrag, "unknown");
    kith_ice_generation *first = left->newest;
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    kith_ice_add_remote(left, &named);
    kith_ice_add_remote(left, &unnamed);
    kith_ice_add_remote(left, &unknown);
    ck_assert_uint_eq(first->remote_count, 2);
    ck_assert_uint_eq(left->newest->remote_count, 0);
    ck_assert_uint_eq(kith_ice_get_counters(left)->unknown_ufrag, 1);
    kith_ice_rollback_restart(left);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(1), both_selected));
    net_free(net);
}
END_TEST

START_TEST(what_both_sides_agreed_on_is_not_rolled_back)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT);
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    ck_assert_int_eq(kith_ice_set_remote(left, "new", "credentials", false), KITH_OK);
    kith_ice_generation *newest = left->newest;
    kith_ice_rollback_restart(left);
    ck_assert_ptr_eq(left->newest, newest);
    net_free(net);
}
END_TEST

START_TEST(the_next_credentials_are_those_of_the_next_restart)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    char ufrag[64], pwd[64];
    strcpy(ufrag, kith_ice_next_ufrag(ice));
    strcpy(pwd, kith_ice_next_pwd(ice));
    ck_assert_uint_ge(strlen(ufrag), 4);
    ck_assert_uint_ge(strlen(pwd), 22);
    ck_assert_str_ne(kith_ice_local_ufrag(ice), ufrag);
    ck_assert_str_eq(kith_ice_next_ufrag(ice), ufrag);
    ck_assert_int_eq(kith_ice_restart(ice), KITH_OK);
    ck_assert_str_eq(kith_ice_local_ufrag(ice), ufrag);
    ck_assert_str_eq(kith_ice_local_pwd(ice), pwd);
    ck_assert_str_ne(kith_ice_next_ufrag(ice), ufrag);
    net_free(net);
}
END_TEST

START_TEST(a_restart_revives_a_failed_agent)
{
    struct net *net = net_pair();
    net->filter = drop_everything;
    net_run(net, KITH_SECONDS(60));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    ck_assert_int_eq(state_of(net, RIGHT), KITH_ICE_FAILED);
    net->filter = NULL;
    ck_assert_int_eq(kith_ice_restart(ice_of(net, LEFT)), KITH_OK);
    ck_assert_int_eq(kith_ice_restart(ice_of(net, RIGHT)), KITH_OK);
    drain(net, LEFT);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CHECKING);
    regather(net, LEFT);
    regather(net, RIGHT);
    rejoin(net);
    ck_assert(net_run_until(net, net->now + KITH_SECONDS(2), both_selected));
    net_run(net, KITH_SECONDS(1));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_COMPLETED);
    net_free(net);
}
END_TEST

START_TEST(a_failing_restart_does_not_take_the_old_connection)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT);
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    ck_assert_int_eq(kith_ice_set_remote(left, "nobody", "knows the password", false), KITH_OK);
    gather_again(left);
    kith_ice_end_local(left);
    kith_ice_end_remote(left);
    net_run(net, KITH_SECONDS(60));
    ck_assert(left->newest->is_failed);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    net_free(net);
}
END_TEST

START_TEST(many_restarts_keep_three_generations_at_most)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT);
    kith_ice_generation *serving = left->newest;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
        regather(net, LEFT);
        int count = 0;
        bool is_there = false;
        for (kith_ice_generation *g = left->newest; g; g = g->previous) {
            count++;
            is_there = is_there || g == serving;
        }
        ck_assert_int_le(count, 3);
        ck_assert(is_there);
    }
    net_run(net, KITH_SECONDS(30));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CONNECTED);
    net_free(net);
}
END_TEST

START_TEST(an_old_connection_that_dies_during_a_restart_goes_to_checking)
{
    struct net *net = net_connected();
    kith_ice *left = ice_of(net, LEFT);
    net_run(net, KITH_SECONDS(1));
    net->filter = drop_everything;
    net_run(net, KITH_SECONDS(15));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_DISCONNECTED);
    ck_assert_int_eq(kith_ice_restart(left), KITH_OK);
    regather(net, LEFT);
    ck_assert_int_eq(kith_ice_set_remote(left, "newer", "password", false), KITH_OK);
    drain(net, LEFT);
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_CHECKING);
    kith_ice_end_remote(left);
    net_run(net, KITH_SECONDS(60));
    ck_assert_int_eq(state_of(net, LEFT), KITH_ICE_FAILED);
    net_free(net);
}
END_TEST

START_TEST(bad_credentials_are_the_callers_fault)
{
    struct net *net = net_new();
    kith_ice *ice = ice_of(net, LEFT);
    static char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    ck_assert_int_eq(kith_ice_set_remote(ice, "", "password", false), KITH_ERR_RANGE);
    ck_assert_int_eq(kith_ice_set_remote(ice, "ufrag", "", false), KITH_ERR_RANGE);
    ck_assert_int_eq(kith_ice_set_remote(ice, longest, "password", false), KITH_ERR_RANGE);
    ck_assert(!ice->newest->has_remote);
    net_free(net);
}
END_TEST

static kith_ice *agent_of(uint32_t tag)
{
    static kith_log log;
    kith_ice *ice;
    kith_ice_config config = {.transaction_tag = tag, .log = &log};
    ck_assert_int_eq(kith_ice_new(&ice, &config), KITH_OK);
    return ice;
}

START_TEST(a_ufrag_leads_to_the_agent_that_made_it)
{
    static const uint32_t tags[] = {0, 1, 63, 64, 0x12345678, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        uint32_t tag = ~tags[i];
        kith_ice *ice = agent_of(tags[i]);
        ck_assert(kith_ice_tag_of_ufrag(kith_span_text(kith_ice_local_ufrag(ice)), &tag));
        ck_assert_uint_eq(tag, tags[i]);
        ck_assert(kith_ice_tag_of_ufrag(kith_span_text(kith_ice_next_ufrag(ice)), &tag));
        ck_assert_uint_eq(tag, tags[i]);
        kith_ice_free(ice);
    }
    static const char *const foreign[] = {
        "",
        "abcd",
        "AAAAAA0123456",
        "AAAAAA012345678",
        "AAAAAE01234567",
        "AAAAA/01234567",
        "AAA-AA01234567",
        "AAAAA\xff\x30\x31\x32\x33\x34\x35\x36\x37",
    };
    uint32_t tag;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        ck_assert_msg(!kith_ice_tag_of_ufrag(kith_span_text(foreign[i]), &tag), "%s", foreign[i]);
}
END_TEST

static unsigned draws;

/* All zero at first. */
static int draw(unsigned char *out, int len)
{
    memset(out, draws++ == 0 ? 0 : 0x5a, (size_t)len);
    return 1;
}

static int is_seeded(void)
{
    return 1;
}

START_TEST(a_ufrag_drawn_twice_is_drawn_again)
{
    RAND_METHOD method = {.bytes = draw, .pseudorand = draw, .status = is_seeded};
    draws = 0;
    RAND_set_rand_method(&method);
    kith_random_forget();
    kith_ice *ice = agent_of(7);
    ck_assert_str_eq(kith_ice_local_ufrag(ice), "HAAAAAAAAAAAAA");
    ck_assert_str_ne(kith_ice_next_ufrag(ice), kith_ice_local_ufrag(ice));
    kith_ice_free(ice);
    RAND_set_rand_method(NULL);
    kith_random_forget();
}
END_TEST

UNIT_MAIN("ice: generation", the_old_pair_serves_until_the_new_one_is_selected,
          the_peers_restart_may_be_heard_before_ours, a_restart_of_the_peer_alone_is_followed,
          the_old_generation_answers_while_the_peer_uses_it,
          the_nomination_is_repeated_until_the_peer_has_left_the_old_generation,
          a_rollback_returns_to_what_was, candidates_go_to_the_generation_they_name,
          what_both_sides_agreed_on_is_not_rolled_back,
          the_next_credentials_are_those_of_the_next_restart, a_restart_revives_a_failed_agent,
          a_failing_restart_does_not_take_the_old_connection,
          many_restarts_keep_three_generations_at_most,
          an_old_connection_that_dies_during_a_restart_goes_to_checking,
          bad_credentials_are_the_callers_fault, a_ufrag_leads_to_the_agent_that_made_it,
          a_ufrag_drawn_twice_is_drawn_again)
