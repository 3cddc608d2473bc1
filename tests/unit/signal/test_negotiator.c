/* What a negotiator says and takes, text by text, between two peers without a network. */
#include "../pc/peers.h"

#include "kith/kith.h"

/* `a` is impolite, `b` polite, unless said otherwise. */
typedef struct pair {
    duo d;
    kith_negotiator *a, *b;
} pair;

static kith_negotiator *negotiator(kith_pc *pc, kith_negotiator_config config)
{
    kith_negotiator *n = NULL;
    OK(kith_negotiator_new(&n, pc, &config));
    return n;
}

static pair begin(void)
{
    pair p = {.d = duo_new()};
    kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
    p.a = negotiator(p.d.a, config);
    config.polite = true;
    p.b = negotiator(p.d.b, config);
    return p;
}

static void end(pair *p)
{
    kith_negotiator_free(p->a);
    kith_negotiator_free(p->b);
    duo_free(&p->d);
}

/* All events of both, to both. */
static void run(pair *p)
{
    const kith_event *ev;
    kith_packet_info info = KITH_PACKET_INFO_INIT;
    uint8_t packet[KITH_MAX_PACKET];
    kith_endpoint_handle_timeout(p->d.ep, 0);
    while (kith_endpoint_poll_packet(p->d.ep, 0, &info, packet, sizeof packet) > 0)
        ;
    while ((ev = kith_endpoint_poll_event(p->d.ep))) {
        OK(kith_negotiator_handle_event(p->a, ev));
        OK(kith_negotiator_handle_event(p->b, ev));
    }
}

static const char *poll(kith_negotiator *n)
{
    const char *text = "";
    OK(kith_negotiator_poll(n, &text));
    return text;
}

static void receive(kith_negotiator *n, const char *text)
{
    OK(kith_negotiator_receive(n, text, strlen(text)));
}

/* The next text, which must be of this kind; the caller's. */
static char *say(kith_negotiator *n, const char *kind)
{
    const char *text = poll(n);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strncmp(text, kind, strlen(kind)) == 0, "%s", text);
    char *copy = kith_strdup(text);
    ck_assert_ptr_nonnull(copy);
    return copy;
}

#define OFFER     "{\"type\":\"offer\""
#define ANSWER    "{\"type\":\"answer\""
#define CANDIDATE "{\"candidate\""

/* Says it and gives it to the other. */
static void tell(kith_negotiator *from, const char *kind, kith_negotiator *to)
{
    char *text = say(from, kind);
    receive(to, text);
    kith_free(text);
}

static pair agreed(void)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    tell(p.a, OFFER, p.b);
    tell(p.b, ANSWER, p.a);
    run(&p);
    while (poll(p.a) || poll(p.b))
        ;
    return p;
}

START_TEST(nothing_is_said_that_nobody_needs)
{
    pair p = begin();
    run(&p);
    ck_assert_ptr_null(poll(p.a));
    ck_assert_ptr_null(poll(p.b));
    end(&p);
}
END_TEST

START_TEST(an_offer_is_made_when_it_is_asked_for_and_once)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_STABLE);
    tell(p.a, OFFER, p.b);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER);
    ck_assert_ptr_null(poll(p.a));
    ck_assert_int_eq(kith_pc_signaling_state(p.d.b), KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER);
    tell(p.b, ANSWER, p.a);
    run(&p);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_STABLE);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.b), KITH_SIGNALING_STATE_STABLE);
    end(&p);
}
END_TEST

START_TEST(of_two_offers_that_cross_the_impolite_ones_stands)
{
    pair p = begin();
    open_channel(p.d.a);
    open_channel(p.d.b);
    run(&p);
    char *a = say(p.a, OFFER), *b = say(p.b, OFFER);
    receive(p.a, b);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER);
    receive(p.b, a);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.b), KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER);
    kith_free(a);
    kith_free(b);
    tell(p.b, ANSWER, p.a);
    run(&p);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_STABLE);
    end(&p);
}
END_TEST

START_TEST(who_is_polite_may_be_known_late)
{
    pair p = begin();
    kith_negotiator_set_polite(p.a, true);
    kith_negotiator_set_polite(p.b, false);
    open_channel(p.d.a);
    open_channel(p.d.b);
    run(&p);
    char *a = say(p.a, OFFER);
    tell(p.b, OFFER, p.a);
    receive(p.b, a);
    kith_free(a);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.b), KITH_SIGNALING_STATE_HAVE_LOCAL_OFFER);
    end(&p);
}
END_TEST

/* Of an offer that is ignored they belong to nothing. */
START_TEST(candidates_of_an_ignored_offer_are_no_error)
{
    pair p = agreed();
    const char *of_nothing = "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 5000 typ host\","
                             "\"sdpMid\":\"none\"}";
    ck_assert_int_eq(kith_negotiator_receive(p.a, of_nothing, strlen(of_nothing)),
                     KITH_ERR_OPERATION);
    kith_pc_restart_ice(p.d.a);
    kith_pc_restart_ice(p.d.b);
    run(&p);
    char *ours = say(p.a, OFFER);
    tell(p.b, OFFER, p.a);
    const char *of_a_generation = "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 5000 typ host\","
                                  "\"sdpMid\":\"0\",\"usernameFragment\":\"ofTheOffer\"}";
    receive(p.a, of_nothing);
    for (int i = 0; i < 100; i++)
        receive(p.a, of_a_generation);
    receive(p.b, ours);
    tell(p.b, ANSWER, p.a);
    kith_free(ours);
    end(&p);
}
END_TEST

START_TEST(candidates_wait_for_their_description)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    char *offer = say(p.a, OFFER);
    char text[512];
    snprintf(text, sizeof text,
             "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 5000 typ host\",\"sdpMid\":\"0\","
             "\"usernameFragment\":\"%s\"}",
             line_of(kith_pc_local_description(p.d.a)->sdp, "a=ice-ufrag:"));
    receive(p.b, text);
    receive(p.b,
            "{\"candidate\":\"candidate:2 1 udp 1 192.0.2.2 5000 typ host\",\"sdpMid\":\"0\"}");
    receive(p.b, offer);
    ck_assert_ptr_nonnull(strstr(kith_pc_remote_description(p.d.b)->sdp, "192.0.2.1 5000"));
    ck_assert_ptr_nonnull(strstr(kith_pc_remote_description(p.d.b)->sdp, "192.0.2.2 5000"));
    kith_free(offer);
    end(&p);
}
END_TEST

/* RFC 8838: those of a restart may overtake its offer too. */
START_TEST(candidates_of_a_restart_wait_for_it)
{
    pair p = agreed();
    kith_pc_restart_ice(p.d.a);
    run(&p);
    char *offer = say(p.a, OFFER);
    char text[512];
    snprintf(text, sizeof text,
             "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.9 5000 typ host\",\"sdpMid\":\"0\","
             "\"usernameFragment\":\"%s\"}",
             line_of(kith_pc_local_description(p.d.a)->sdp, "a=ice-ufrag:"));
    receive(p.b, text);
    ck_assert_ptr_null(strstr(kith_pc_remote_description(p.d.b)->sdp, "192.0.2.9"));
    receive(p.b, offer);
    ck_assert_ptr_nonnull(strstr(kith_pc_remote_description(p.d.b)->sdp, "192.0.2.9"));
    kith_free(offer);
    end(&p);
}
END_TEST

/* Another generation's name may begin with this one's. */
START_TEST(a_name_is_compared_to_its_end)
{
    pair p = agreed();
    char text[512];
    snprintf(text, sizeof text,
             "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.9 5000 typ host\",\"sdpMid\":\"0\","
             "\"usernameFragment\":\"%.3s\"}",
             line_of(kith_pc_remote_description(p.d.b)->sdp, "a=ice-ufrag:"));
    receive(p.b, text);
    ck_assert_ptr_null(strstr(kith_pc_remote_description(p.d.b)->sdp, "192.0.2.9"));
    end(&p);
}
END_TEST

/* The answer is said before an offer is made, also while it waits for its candidates. */
START_TEST(no_offer_overtakes_an_answer)
{
    pair p = begin();
    kith_negotiator_free(p.b);
    kith_negotiator_config config = KITH_NEGOTIATOR_CONFIG_INIT;
    config.no_trickle = config.polite = true;
    p.b = negotiator(p.d.b, config);
    open_channel(p.d.a);
    run(&p);
    tell(p.a, OFFER, p.b);
    ck_assert_ptr_null(poll(p.b)); /* made, but not complete */
    ck_assert_int_eq(kith_pc_signaling_state(p.d.b), KITH_SIGNALING_STATE_STABLE);
    OK(kith_pc_add_track(p.d.b, KITH_VIDEO, "camera", NULL, 0, NULL));
    ck_assert(kith_pc_negotiation_needed(p.d.b));
    ck_assert_ptr_null(poll(p.b));
    run(&p);
    tell(p.b, ANSWER, p.a);
    tell(p.b, OFFER, p.a);
    end(&p);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    char *offer = say(p.a, OFFER), text[128];
    for (int i = 0; i < 65; i++) {
        snprintf(text, sizeof text,
                 "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 %d typ host\",\"sdpMid\":\"0\"}",
                 5000 + i);
        ck_assert_int_eq(kith_negotiator_receive(p.b, text, strlen(text)),
                         i < 64 ? KITH_OK : KITH_ERR_RANGE);
    }
    receive(p.b, offer);
    const char *sdp = kith_pc_remote_description(p.d.b)->sdp;
    ck_assert_ptr_nonnull(strstr(sdp, "192.0.2.1 5000"));
    ck_assert_ptr_nonnull(strstr(sdp, "192.0.2.1 5063"));
    ck_assert_ptr_null(strstr(sdp, "192.0.2.1 5064"));
    kith_free(offer);
    end(&p);
}
END_TEST

START_TEST(what_waits_is_short)
{
    pair p = begin();
    char text[10000];
    snprintf(text, sizeof text, "{\"candidate\":\"%09000d\"}", 0);
    ck_assert_int_eq(kith_negotiator_receive(p.b, text, strlen(text)), KITH_ERR_RANGE);
    end(&p);
}
END_TEST

/* As after an offer that was said again and was not lost. */
START_TEST(an_answer_that_comes_again_is_no_error)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    char *offer = say(p.a, OFFER);
    receive(p.b, offer);
    receive(p.b, offer);
    char *answer = say(p.b, ANSWER);
    receive(p.b, offer);
    receive(p.a, answer);
    receive(p.a, answer);
    kith_free(answer);
    kith_free(offer);
    tell(p.b, ANSWER, p.a);
    run(&p);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_STABLE);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.b), KITH_SIGNALING_STATE_STABLE);
    end(&p);
}
END_TEST

START_TEST(an_offer_that_was_lost_is_said_again)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    char *lost = say(p.a, OFFER);
    ck_assert_ptr_null(poll(p.a));
    OK(kith_negotiator_resend(p.a));
    char *again = say(p.a, OFFER);
    ck_assert_str_eq(lost, again);
    receive(p.b, again);
    kith_free(lost);
    kith_free(again);
    tell(p.b, ANSWER, p.a);
    end(&p);
}
END_TEST

static void add_address(pair *p)
{
    kith_address local;
    OK(kith_address_parse(&local, "192.0.2.7:5000"));
    OK(kith_endpoint_add_local_address(p->d.ep, &local));
}

/* Who lost our candidates may have our answer. They are said as they were at first, with their end.
 */
START_TEST(candidates_that_may_be_lost_are_said_again)
{
    pair p = begin();
    add_address(&p);
    open_channel(p.d.a);
    run(&p);
    tell(p.a, OFFER, p.b);
    tell(p.b, ANSWER, p.a);
    run(&p);
    for (int i = 0; i < 2; i++) {
        kith_negotiator *n = i == 0 ? p.a : p.b;
        char *first = say(n, CANDIDATE), *last = say(n, CANDIDATE);
        ck_assert_ptr_nonnull(strstr(first, "192.0.2.7 5000 typ host"));
        ck_assert_ptr_null(poll(n));
        OK(kith_negotiator_resend(n));
        char *again = say(n, CANDIDATE), *end_again = say(n, CANDIDATE);
        ck_assert_ptr_null(poll(n));
        ck_assert_ptr_nonnull(strstr(again, "192.0.2.7 5000 typ host"));
        ck_assert_str_eq(strstr(first, "usernameFragment"), strstr(again, "usernameFragment"));
        ck_assert_str_eq(last, end_again);
        kith_free(first);
        kith_free(last);
        kith_free(again);
        kith_free(end_again);
    }
    end(&p);
}
END_TEST

START_TEST(a_broken_text_changes_nothing_and_says_why)
{
    pair p = agreed();
    ck_assert_int_eq(kith_negotiator_receive(p.a, "{", 1), KITH_ERR_SYNTAX);
    ck_assert_int_eq(kith_negotiator_receive(p.a, "[]", 2), KITH_ERR_TYPE);
    const char *bad = "{\"type\":\"offer\",\"sdp\":\"v=1\"}";
    ck_assert_int_eq(kith_negotiator_receive(p.a, bad, strlen(bad)), KITH_ERR_SDP_SYNTAX);
    ck_assert_int_eq(kith_pc_signaling_state(p.d.a), KITH_SIGNALING_STATE_STABLE);
    ck_assert_ptr_null(poll(p.a));
    end(&p);
}
END_TEST

START_TEST(an_answer_to_nothing_is_an_error)
{
    pair p = begin();
    open_channel(p.d.a);
    run(&p);
    tell(p.a, OFFER, p.b);
    char *answer = say(p.b, ANSWER);
    kith_pc *other = peer_new(p.d.ep);
    kith_negotiator *n = negotiator(other, (kith_negotiator_config)KITH_NEGOTIATOR_CONFIG_INIT);
    ck_assert_int_eq(kith_negotiator_receive(n, answer, strlen(answer)), KITH_ERR_INVALID_STATE);
    kith_negotiator_free(n);
    kith_free(answer);
    end(&p);
}
END_TEST

START_TEST(a_config_is_judged)
{
    duo d = duo_new();
    kith_negotiator *n = NULL;
    kith_negotiator_config config = {0};
    ck_assert_int_eq(kith_negotiator_new(&n, d.a, &config), KITH_ERR_TYPE);
    config = (kith_negotiator_config)KITH_NEGOTIATOR_CONFIG_INIT;
    config.reserved[1] = true;
    ck_assert_int_eq(kith_negotiator_new(&n, d.a, &config), KITH_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(kith_negotiator_new(&n, NULL, NULL), KITH_ERR_TYPE);
    OK(kith_negotiator_new(&n, d.a, NULL));
    kith_negotiator_free(n);
    kith_negotiator_free(NULL);
    duo_free(&d);
}
END_TEST

UNIT_MAIN("signal: negotiator", nothing_is_said_that_nobody_needs,
          an_offer_is_made_when_it_is_asked_for_and_once,
          of_two_offers_that_cross_the_impolite_ones_stands, who_is_polite_may_be_known_late,
          candidates_of_an_ignored_offer_are_no_error, candidates_wait_for_their_description,
          candidates_of_a_restart_wait_for_it, a_name_is_compared_to_its_end,
          no_offer_overtakes_an_answer, what_waits_is_bounded, what_waits_is_short,
          an_answer_that_comes_again_is_no_error, an_offer_that_was_lost_is_said_again,
          candidates_that_may_be_lost_are_said_again, a_broken_text_changes_nothing_and_says_why,
          an_answer_to_nothing_is_an_error, a_config_is_judged)
