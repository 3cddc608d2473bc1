/* kith_pc_why_failed: each stage at which a connection stops is told in words. */
#include "live.h"
#include "pc/media.h"

static void check_says(kith_pc *pc, const char *words)
{
    const char *why = kith_pc_why_failed(pc);
    ck_assert_msg(strstr(why, words), "\"%s\" is not in: %s", words, why);
}

static void check_silent_about(kith_pc *pc, const char *words)
{
    const char *why = kith_pc_why_failed(pc);
    ck_assert_msg(!strstr(why, words), "\"%s\" is in: %s", words, why);
}

START_TEST(missing_descriptions_are_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .signalling_delay = KITH_SECONDS(1)});
    kith_pc *left = pc_of(&d, LEFT);
    check_says(left, "no local description was set");
    check_says(left, "no remote description was set");
    check_says(left, "DTLS waits for the remote description");
    duo_offer(&d, LEFT);
    check_says(left, "the answer has not come");
    check_silent_about(left, "no local description");
    run_ms(&d, 3000);
    check_silent_about(left, "description");
    duo_deinit(&d);
}
END_TEST

START_TEST(an_endpoint_without_addresses_is_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_endpoint_remove_local_address(ep_of(&d, LEFT), &d.peers[LEFT].host->address);
    duo_offer(&d, LEFT);
    run_ms(&d, 100);
    check_says(pc_of(&d, LEFT),
               "0 local and 1 remote candidates (has the endpoint a local address?)");
    duo_deinit(&d);
}
END_TEST

START_TEST(every_pair_and_its_checks_are_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    d.peers[LEFT].host->unplugged = d.peers[RIGHT].host->unplugged = true;
    duo_offer(&d, LEFT);
    ck_assert(world_run(d.world, KITH_SECONDS(60), duo_has_failed, &d));
    kith_pc *left = pc_of(&d, LEFT);
    check_says(left, "ICE is failed with 1 local and 1 remote candidates");
    check_says(left, "\n  192.0.2.1:5001 -> 198.51.100.1:5002: failed: ");
    check_says(left, " checks sent, 0 answered");
    duo_deinit(&d);
}
END_TEST

static bool has_left_failed(void *d)
{
    return ((duo *)d)->peers[LEFT].state == KITH_CONNECTION_STATE_FAILED;
}

static void fail_left(duo *d)
{
    ck_assert(world_run(d->world, KITH_SECONDS(90), has_left_failed, d));
}

START_TEST(a_stun_server_that_is_silent_is_told_with_what_it_means)
{
    static const char *const urls[] = {"stun:203.0.113.9:3478", "stun:nowhere.example"};
    static const kith_ice_server server = {.urls = urls, .url_count = 2};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&config, &config}});
    d.peers[LEFT].host->unplugged = d.peers[RIGHT].host->unplugged = true;
    duo_offer(&d, LEFT);
    kith_pc *left = pc_of(&d, LEFT);
    run_ms(&d, 500);
    check_silent_about(left, "server-reflexive"); /* the server may answer yet */
    fail_left(&d);
    check_says(left, "\nno server-reflexive candidate: peers of other networks do not reach us\n"
                     "  stun:203.0.113.9:3478: STUN server did not answer\n"
                     "  stun:nowhere.example: the server's name could not be resolved");
    check_silent_about(left, "TURN");
    duo_deinit(&d);
}
END_TEST

START_TEST(a_failure_without_any_stun_server_says_that_one_is_missing)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .nats = {NAT_SYMMETRIC, NAT_SYMMETRIC}});
    duo_offer(&d, LEFT);
    fail_left(&d);
    check_says(pc_of(&d, LEFT), "\nno server-reflexive candidate: no STUN server was given\n");
    duo_deinit(&d);
}
END_TEST

#define NEEDS_TURN ": a TURN server is needed, by one of them"

START_TEST(nats_that_let_no_check_through_are_told_to_need_turn)
{
    duo d;
    live_init(&d, &(duo_options){
                      .seed = 1, .nats = {NAT_SYMMETRIC, NAT_SYMMETRIC}, .with_stun_server = true});
    duo_offer(&d, LEFT);
    run_ms(&d, 3000);
    check_silent_about(pc_of(&d, LEFT), "TURN");
    fail_left(&d);
    check_says(pc_of(&d, LEFT), "\nno check came through the NATs of both sides" NEEDS_TURN);
    check_silent_about(pc_of(&d, LEFT), "server-reflexive");
    duo_deinit(&d);
}
END_TEST

/* Two servers see two mappings of one socket, and who has the candidates knows. */
START_TEST(nats_that_are_seen_to_be_symmetric_are_called_so)
{
    static const char *const urls[] = {"stun:203.0.113.1", "stun:203.0.113.2"};
    static const kith_ice_server server = {.urls = urls, .url_count = 2};
    kith_pc_config config = KITH_PC_CONFIG_INIT;
    config.ice_servers = &server;
    config.ice_server_count = 1;
    static const nat_type other[] = {NAT_SYMMETRIC, NAT_PORT_RESTRICTED};
    for (size_t i = 0; i < 2; i++) {
        duo d;
        live_init(&d, &(duo_options){.seed = 1,
                                     .nats = {NAT_SYMMETRIC, other[i]},
                                     .configs = {&config, &config}});
        world_add_stun_server(d.world, "203.0.113.1", 0);
        world_add_stun_server(d.world, "203.0.113.2", 0);
        duo_offer(&d, LEFT);
        fail_left(&d);
        check_says(pc_of(&d, LEFT), i == 0 ? "\nboth NATs are symmetric" NEEDS_TURN
                                           : "\nno check came through the NATs of both sides");
        duo_deinit(&d);
    }
}
END_TEST

START_TEST(a_connection_that_was_lost_is_given_no_advice_on_nats)
{
    duo d;
    live_init(&d, &(duo_options){
                      .seed = 1, .nats = {NAT_FULL_CONE, NAT_FULL_CONE}, .with_stun_server = true});
    duo_connect(&d);
    check_silent_about(pc_of(&d, LEFT), "server-reflexive");
    d.peers[LEFT].host->unplugged = d.peers[RIGHT].host->unplugged = true;
    fail_left(&d);
    check_silent_about(pc_of(&d, LEFT), "TURN");
    duo_deinit(&d);
}
END_TEST

/* Somebody in between changes the password of the answer. */
static void break_password(enum side from, char **text)
{
    char *line = strstr(*text, "a=ice-pwd:");
    if (from == RIGHT && line)
        line[10] = line[10] == 'a' ? 'b' : 'a';
}

START_TEST(wrong_passwords_are_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1, .tamper = break_password});
    duo_offer(&d, LEFT);
    world_run(d.world, KITH_SECONDS(5), NULL, NULL);
    check_says(pc_of(&d, RIGHT), "checks with a wrong password");
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

START_TEST(a_failed_handshake_is_told_with_its_alerts_on_both_sides)
{
    duo d;
    live_init(
        &d, &(duo_options){.seed = 1, .link = {.delay = KITH_MS(10)}, .tamper = break_fingerprint});
    duo_offer(&d, LEFT);
    /* an alert in the clear counts after 10 s of silence */
    world_run(d.world, KITH_SECONDS(15), NULL, NULL);
    check_says(pc_of(&d, RIGHT), "DTLS is failed: ");
    check_says(pc_of(&d, RIGHT), "fingerprint");
    check_says(pc_of(&d, RIGHT), " sent");
    check_says(pc_of(&d, LEFT), " received");
    duo_deinit(&d);
}
END_TEST

START_TEST(the_end_of_sctp_is_told)
{
    duo d;
    kith_pc_config small = KITH_PC_CONFIG_INIT;
    small.max_message_size = 1000;
    live_init(&d, &(duo_options){.seed = 1, .configs = {&small}});
    duo_connect(&d);
    check_says(pc_of(&d, LEFT), "SCTP is connected");
    kith_pc_transport(pc_of(&d, RIGHT))->remote_max_message_size = 0;
    static const char bytes[5000];
    OK(kith_dc_send(d.peers[RIGHT].dc, bytes, sizeof bytes));
    run_ms(&d, 100);
    check_says(pc_of(&d, LEFT), "SCTP is closed: the peer sent a message longer than 1000 bytes");
    check_says(pc_of(&d, RIGHT), "SCTP is closed: the peer aborted");
    duo_deinit(&d);
}
END_TEST

/* What a connection that is up but limps has to show for it. */
START_TEST(what_was_dropped_and_sent_again_is_told_when_there_is_some)
{
    duo d;
    live_pair(&d);
    check_silent_about(pc_of(&d, LEFT), "dropped");
    check_silent_about(pc_of(&d, LEFT), "retransmissions");
    d.peers[LEFT].host->link.loss = 1;
    OK(kith_dc_send(d.peers[LEFT].dc, "x", 1));
    run_ms(&d, 100);
    d.peers[LEFT].host->link.loss = 0;
    run_ms(&d, 3000);
    check_says(pc_of(&d, LEFT), "SCTP is connected, retransmissions: 1");
    static const uint8_t rubbish[100] = {22, 254, 253, [12] = 87};
    kith_packet_info info = {
        .size = sizeof info,
        .path = {.local = d.peers[LEFT].host->address, .remote = d.peers[RIGHT].host->address}};
    kith_endpoint_handle_packet(ep_of(&d, LEFT), virtual_now(), &info, rubbish, sizeof rubbish);
    run_ms(&d, 10);
    check_says(pc_of(&d, LEFT), "DTLS is connected, records dropped: 1\n");
    duo_deinit(&d);
}
END_TEST

START_TEST(the_text_may_be_asked_for_in_every_state)
{
    duo d;
    live_pair(&d);
    check_says(pc_of(&d, LEFT), "DTLS is connected");
    kith_pc_close(pc_of(&d, LEFT));
    check_says(pc_of(&d, LEFT), "ICE is closed");
    run_ms(&d, 100);
    check_says(pc_of(&d, LEFT), "DTLS is closed");
    duo_deinit(&d);
}
END_TEST

/* The text with every `from` replaced by one of the same length. */
static char *changed(const char *text, const char *from, const char *to)
{
    char *copy = strdup(text);
    for (char *at = copy; (at = strstr(at, from)); at += strlen(from))
        memcpy(at, to, strlen(from));
    return copy;
}

START_TEST(a_section_without_a_common_codec_is_told_with_the_peers_codecs)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    kith_pc *left = pc_of(&d, LEFT), *right = pc_of(&d, RIGHT);
    OK(kith_pc_add_transceiver(left, KITH_AUDIO, NULL, NULL));
    OK(kith_pc_add_transceiver(left, KITH_VIDEO, NULL, NULL));
    OK(kith_pc_set_local_description(left, NULL));
    char *vp7 = changed(kith_pc_local_description(left)->sdp, "VP8/90000", "VP7/90000");
    char *text = changed(vp7, "H264/90000", "H261/90000");
    OK(kith_pc_set_remote_description(right, &(kith_session_description){KITH_SDP_OFFER, text}));
    OK(kith_pc_set_local_description(right, NULL));
    check_says(right, "\nvideo (mid 1): no codec in common, the peer has VP7/90000, H261/90000");
    check_silent_about(right, "\naudio");
    free(vp7);
    free(text);
    duo_deinit(&d);
}
END_TEST

/* RFC 5764 section 4.1: the peer's DTLS may know nothing of SRTP. */
START_TEST(dtls_without_srtp_is_told)
{
    duo d;
    live_init(&d, &(duo_options){.seed = 1});
    OK(kith_pc_add_transceiver(pc_of(&d, LEFT), KITH_AUDIO, NULL, NULL));
    duo_offer(&d, LEFT);
    run_ms(&d, 3000);
    check_silent_about(pc_of(&d, LEFT), "no audio and video");
    kith_media_forget_keys(kith_pc_transport(pc_of(&d, LEFT)));
    check_says(pc_of(&d, LEFT), "\nno audio and video: DTLS agreed on no SRTP profile");
    duo_deinit(&d);
}
END_TEST

UNIT_MAIN("pc: why", missing_descriptions_are_told, an_endpoint_without_addresses_is_told,
          every_pair_and_its_checks_are_told,
          a_stun_server_that_is_silent_is_told_with_what_it_means,
          a_failure_without_any_stun_server_says_that_one_is_missing,
          nats_that_let_no_check_through_are_told_to_need_turn,
          nats_that_are_seen_to_be_symmetric_are_called_so,
          a_connection_that_was_lost_is_given_no_advice_on_nats, wrong_passwords_are_told,
          a_failed_handshake_is_told_with_its_alerts_on_both_sides, the_end_of_sctp_is_told,
          what_was_dropped_and_sent_again_is_told_when_there_is_some,
          the_text_may_be_asked_for_in_every_state,
          a_section_without_a_common_codec_is_told_with_the_peers_codecs, dtls_without_srtp_is_told)
